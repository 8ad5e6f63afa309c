//! How the source is built: functions that fit on a page, panics that are proven impossible, files that say what they
//! are for.

use crate::source::{Source, Token, flatten, sources, test_lines};
use std::collections::BTreeSet;
use syn::spanned::Spanned;
use syn::visit::Visit;

/// Lines from the `fn` to its closing brace, both counted.
const MOST_LINES: usize = 70;

/// Functions with the line at which they begin and the number of lines that they take.
#[derive(Default)]
struct Functions(Vec<(String, usize, usize)>);

impl Functions {
    fn note(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let (first, last) = (signature.span().start().line, block.span().end().line);
        self.0.push((signature.ident.to_string(), first, last + 1 - first));
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.note(&function.sig, &function.block);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note(&function.sig, &function.block);
        syn::visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.note(&function.sig, block);
        }
        syn::visit::visit_trait_item_fn(self, function);
    }
}

fn long_functions(file: &syn::File) -> Vec<(String, usize, usize)> {
    let mut functions = Functions::default();
    functions.visit_file(file);
    functions
        .0
        .into_iter()
        .filter(|(_, _, lines)| *lines > MOST_LINES)
        .collect()
}

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
fn every_function_fits_on_a_page() {
    let found = problems(|source| {
        let long = long_functions(&source.file).into_iter();
        let told = |(name, line, lines)| format!("{}:{line}: `{name}` has {lines} lines", source.path.display());
        long.map(told).collect()
    });
    assert!(found.is_empty(), "functions of more than {MOST_LINES} lines:\n{found}");
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
fn a_function_is_measured_whatever_it_holds() {
    let body = "    let a = '{'; // }\n    let b = \"}\\\"{\";\n    let c = r#\"}\"#;\n".repeat(24);
    let text = format!("impl X {{\nfn long() {{\n{body}}}\nfn short() {{}}\n}}\n");
    let found = long_functions(&syn::parse_file(&text).unwrap());
    assert_eq!(found, [("long".to_owned(), 2, 74)]);
}

#[test]
fn a_panic_needs_its_proof_close_by() {
    let text = "fn f() {\n    a.unwrap();\n    // Never empty.\n    b.unwrap();\n    c.expect(\"x\"); // Never.\n\
                    scanner.expect(',')?;\n    g.unwrap_or(1);\n    m!(h.unwrap());\n}\n";
    let none = BTreeSet::new();
    assert_eq!(unproven(text, &none), [2, 8]);
    assert_eq!(unproven(text, &BTreeSet::from([2])), [8]);
}
