//! The arrows between the folders of `src` go one way. The order stands in `ARCHITECTURE.md`, and is read from there.

use crate::source::{Source, Token, flatten, sources, test_lines};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const ARCHITECTURE: &str = include_str!("../ARCHITECTURE.md");

/// The folders from the lowest to the highest, as the block below "Arrows" in `ARCHITECTURE.md` lists them: those of one
/// line are of equal height and do not see each other.
fn heights() -> BTreeMap<String, usize> {
    let block = ARCHITECTURE
        .split("```arrows\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("ARCHITECTURE.md has a block of arrows");
    let lines = block.lines().enumerate();
    lines
        .flat_map(|(height, line)| line.split_whitespace().map(move |word| (word.to_owned(), height)))
        .collect()
}

/// The part of the crate that a file belongs to: its folder, or its own name where it stands in `src` itself.
fn part(path: &Path) -> String {
    let below = path.strip_prefix("src").unwrap_or(path);
    let first = below.iter().next().map(|part| part.to_string_lossy().into_owned());
    first.unwrap_or_default().trim_end_matches(".rs").to_owned()
}

/// The parts that a text names by `crate::` or `tcpvet::`, with lines; what stands in a group is spread out.
fn named(tokens: &[Token]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (place, window) in tokens.windows(4).enumerate() {
        let [root, first, second, name] = window else { continue };
        let is_root = matches!(root.text.as_str(), "crate" | "tcpvet") && first.text == ":" && second.text == ":";
        if !is_root {
            continue;
        }
        if name.text != "{" {
            found.push((name.text.clone(), name.line));
            continue;
        }
        let mut depth = 0;
        let mut begins = true;
        for token in &tokens[place + 3..] {
            match token.text.as_str() {
                "{" | "(" | "[" => depth += 1,
                "end" => depth -= 1,
                "," => begins = depth == 1,
                word if begins && depth == 1 => {
                    found.push((word.to_owned(), token.line));
                    begins = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

/// What a file uses outside of its tests.
fn uses(source: &Source) -> Vec<(String, usize)> {
    let mut tokens = Vec::new();
    // From the text itself, so that no macro hides any.
    flatten(source.text.parse().expect("it was parsed before"), &mut tokens);
    let tests = test_lines(&source.file);
    let mut found = named(&tokens);
    found.retain(|(_, line)| !tests.contains(line));
    found
}

#[test]
fn arrows_go_one_way() {
    let heights = heights();
    let mut problems = BTreeSet::new();
    for source in sources("src").iter().filter(|source| !source.is_test) {
        let here = part(&source.path);
        if ["lib", "main"].contains(&here.as_str()) {
            continue;
        }
        let Some(height) = heights.get(&here) else {
            problems.insert(format!("{here} is missing in the block of arrows"));
            continue;
        };
        for (there, line) in uses(source) {
            let allowed = there == here || heights.get(&there).is_none_or(|other| other < height);
            if !allowed {
                problems.insert(format!("{}:{line}: {here} -> {there}", source.path.display()));
            }
        }
    }
    let problems: Vec<_> = problems.into_iter().collect();
    assert!(problems.is_empty(), "arrows that go up:\n{}", problems.join("\n"));
}

#[test]
fn every_folder_has_its_place_and_every_place_its_folder() {
    let parts: BTreeSet<String> = sources("src").iter().map(|source| part(&source.path)).collect();
    let parts: BTreeSet<String> = parts
        .into_iter()
        .filter(|part| !["lib", "main"].contains(&part.as_str()))
        .collect();
    assert_eq!(parts, heights().into_keys().collect());
}

#[test]
fn an_arrow_is_found_however_it_is_spelled() {
    for text in [
        "use crate::suite::Run;",
        "use crate::{time::Instant, suite::{Run, Plan}};",
        "fn f(run: &crate::suite::Run) {}",
        "macro_rules! m { () => { $crate::suite::run() } }",
    ] {
        let mut tokens = Vec::new();
        flatten(text.parse().expect("it is Rust"), &mut tokens);
        let found = named(&tokens);
        assert!(found.iter().any(|(name, _)| name == "suite"), "{text}: {found:?}");
    }
}
