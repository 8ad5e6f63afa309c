//! How the source is built, as far as no lint can say it (`[lints]` in Cargo.toml): panics that are proven impossible, files
//! that say what they are for.

use crate::source::{Source, Token, flatten, sources, test_lines};
use std::collections::BTreeSet;

/// The lines of `unwrap()` and `expect("...")` outside of tests without a comment beside or above.
fn unproven(text: &str, tests: &BTreeSet<usize>) -> Vec<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let comment_at = |line: usize| line.checked_sub(1).and_then(|index| lines.get(index));
    let proven = |line: usize| {
        let beside = comment_at(line).is_some_and(|line| line.contains("//"));
        let above = comment_at(line - 1).is_some_and(|line| line.trim_start().starts_with("//"));
        beside || above
    };
    // From the text itself, so that no macro hides any.
    let mut tokens = Vec::new();
    flatten(text.parse().unwrap(), &mut tokens);
    let calls = tokens.windows(4).filter(|window| {
        let [dot, name, open, first] = window else { return false };
        let is = |token: &Token, text: &str| token.text == text;
        let panics = is(name, "unwrap") && is(first, "end") || is(name, "expect") && first.text.starts_with('"');
        is(dot, ".") && is(open, "(") && panics
    });
    calls
        .map(|window| window[1].line)
        .filter(|line| !tests.contains(line) && !proven(*line))
        .collect()
}

fn problems(of: impl Fn(&Source) -> Vec<String>) -> String {
    let all = sources("src");
    assert!(all.len() > 20, "the source was not found");
    all.iter().flat_map(of).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_panic_is_proven_impossible_beside_it() {
    let found = problems(|source| {
        if source.is_test {
            return Vec::new();
        }
        let lines = unproven(&source.text, &test_lines(&source.file)).into_iter();
        lines.map(|line| format!("{}:{line}", source.path.display())).collect()
    });
    assert!(
        found.is_empty(),
        "unwrap or expect without a comment that proves that it cannot fail:\n{found}"
    );
}

#[test]
fn every_file_says_what_it_is_for() {
    let found = problems(|source| {
        let silent = !source.text.starts_with("//!");
        silent.then(|| source.path.display().to_string()).into_iter().collect()
    });
    assert!(found.is_empty(), "files that do not begin with `//!`:\n{found}");
}

#[test]
fn a_panic_needs_its_proof_close_by() {
    let text = "fn f() {\n    a.unwrap();\n    // Never empty.\n    b.unwrap();\n    c.expect(\"x\"); // Never.\n\
                    scanner.expect(',')?;\n    g.unwrap_or(1);\n    m!(h.unwrap());\n}\n";
    let none = BTreeSet::new();
    assert_eq!(unproven(text, &none), [2, 8]);
    assert_eq!(unproven(text, &BTreeSet::from([2])), [8]);
}
