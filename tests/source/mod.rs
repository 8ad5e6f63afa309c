//! The program's own source, parsed: what the tests of its invariants look at.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::Visit;
use syn::{Attribute, Item, ItemMod, Meta};

/// One file under `src`.
pub(crate) struct Source {
    /// Relative to the package: `src/wire/seq.rs`.
    pub path: PathBuf,
    /// As it stands.
    pub text: String,
    /// Parsed; without comments.
    pub file: syn::File,
    /// Whether it is compiled for tests only.
    pub is_test: bool,
}

/// Every file of a folder of the package, in order.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(&root.join("src"), &mut paths);
    paths.sort();
    let parsed: Vec<Source> = paths.iter().map(|path| read(root, path)).collect();
    let tests: BTreeSet<PathBuf> = parsed.iter().flat_map(test_modules).collect();
    let wanted = |source: &Source| source.path.starts_with(folder);
    let mark = |source: Source| Source {
        is_test: tests
            .iter()
            .any(|test| source.path.starts_with(test) || source.path == test.with_extension("rs")),
        ..source
    };
    parsed.into_iter().filter(wanted).map(mark).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn read(root: &Path, path: &Path) -> Source {
    let text = fs::read_to_string(path).unwrap();
    let file = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let path = path.strip_prefix(root).unwrap().to_owned();
    Source {
        path,
        text,
        file,
        is_test: false,
    }
}

/// The files, without their extension, of modules that a file declares for tests only.
fn test_modules(source: &Source) -> Vec<PathBuf> {
    let folder = match source.path.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod" | "lib" | "main") => source.path.parent().unwrap().to_owned(),
        _ => source.path.with_extension(""),
    };
    let declared = source.file.items.iter().filter_map(|item| match item {
        Item::Mod(ItemMod {
            attrs,
            ident,
            content: None,
            ..
        }) if is_for_tests(attrs) => Some(ident.to_string()),
        _ => None,
    });
    declared.map(|name| folder.join(name)).collect()
}

/// Whether attributes say `#[cfg(test)]` or `#[test]`.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        Meta::Path(path) => path.is_ident("test"),
        Meta::NameValue(_) => false,
    })
}

/// A token without its trees: a word, a sign, a literal, or the opening of a group.
pub(crate) struct Token {
    /// As written.
    pub text: String,
    /// Where.
    pub line: usize,
}

/// All tokens of a stream in order, those of groups and macros among them.
pub(crate) fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = |span: Span| span.start().line;
        match tree {
            TokenTree::Group(group) => {
                let opening = match group.delimiter() {
                    Delimiter::Parenthesis => "(",
                    Delimiter::Brace => "{",
                    Delimiter::Bracket => "[",
                    Delimiter::None => "",
                };
                tokens.push(Token {
                    text: opening.to_owned(),
                    line: line(group.span_open()),
                });
                flatten(group.stream(), tokens);
                tokens.push(Token {
                    text: "end".to_owned(),
                    line: line(group.span_close()),
                });
            }
            TokenTree::Ident(word) => tokens.push(Token {
                text: word.to_string(),
                line: line(word.span()),
            }),
            TokenTree::Punct(sign) => tokens.push(Token {
                text: sign.to_string(),
                line: line(sign.span()),
            }),
            TokenTree::Literal(literal) => {
                tokens.push(Token {
                    text: literal.to_string(),
                    line: line(literal.span()),
                });
            }
        }
    }
}

/// The lines that belong to tests within a file.
pub(crate) fn test_lines(file: &syn::File) -> BTreeSet<usize> {
    struct Finder(BTreeSet<usize>);
    impl<'ast> Visit<'ast> for Finder {
        fn visit_item_mod(&mut self, module: &'ast ItemMod) {
            use syn::spanned::Spanned;
            if is_for_tests(&module.attrs) {
                self.0.extend(module.span().start().line..=module.span().end().line);
            }
            syn::visit::visit_item_mod(self, module);
        }

        fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
            use syn::spanned::Spanned;
            if is_for_tests(&function.attrs) {
                self.0.extend(function.span().start().line..=function.span().end().line);
            }
        }
    }
    let mut finder = Finder(BTreeSet::new());
    finder.visit_file(file);
    finder.0
}
