//! The pure parts stay pure: they own no clock, socket, file, thread or random source, and no order of theirs depends
//! on a random hash.

use crate::source::{Token, flatten, sources};

/// The folders that decide; everything else carries.
const PURE: [&str; 10] = [
    "src/engine",
    "src/peer",
    "src/rfc",
    "src/script",
    "src/rules",
    "src/model",
    "src/path",
    "src/random.rs",
    "src/notation",
    "src/wire",
];

/// What they may not name, as paths.
const FORBIDDEN_PATHS: [&str; 10] = [
    "std::time::Instant",
    "std::time::SystemTime",
    "std::net",
    "std::fs",
    "std::env",
    "std::thread",
    "std::process",
    "std::os",
    "std::io::stdin",
    "std::random",
];

/// What they may not name, as words.
const FORBIDDEN_WORDS: [&str; 9] = [
    "tokio",
    "rand",
    "getrandom",
    "fastrand",
    "HashMap",
    "HashSet",
    "RandomState",
    "DefaultHasher",
    "SystemTime",
];

/// Every path that a file spells, groups of `use` spread out: `std::{fs, net::TcpStream}` is two.
fn paths(tokens: &[Token]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut prefixes: Vec<String> = Vec::new();
    let mut current = String::new();
    let mut joined = false;
    for window in 0..tokens.len() {
        let Token { text, line } = &tokens[window];
        let is_word = text.starts_with(|letter: char| letter.is_alphabetic() || letter == '_') && text != "end";
        match text.as_str() {
            ":" => joined = tokens.get(window + 1).is_some_and(|next| next.text == ":") || joined,
            "{" | "(" | "[" => {
                prefixes.push(if joined && text == "{" {
                    current.clone()
                } else {
                    String::new()
                });
                current = prefixes.last().cloned().unwrap_or_default();
                joined = !current.is_empty();
            }
            "end" => {
                prefixes.pop();
                (current, joined) = (String::new(), false);
            }
            _ if is_word => {
                current = if joined && !current.is_empty() {
                    format!("{current}::{text}")
                } else {
                    text.clone()
                };
                found.push((current.clone(), *line));
                joined = false;
            }
            "," => {
                current = prefixes.last().cloned().unwrap_or_default();
                joined = !current.is_empty();
            }
            _ => (current, joined) = (String::new(), false),
        }
    }
    found
}

/// What a text names that it may not, by line.
fn impurities(text: &str) -> Vec<(usize, String)> {
    let mut tokens = Vec::new();
    flatten(text.parse().unwrap(), &mut tokens);
    let words = tokens
        .iter()
        .filter(|token| FORBIDDEN_WORDS.contains(&token.text.as_str()));
    let words = words.map(|token| (token.line, token.text.clone()));
    let named = paths(&tokens).into_iter().filter_map(|(path, line)| {
        let forbidden = FORBIDDEN_PATHS.iter().find(|forbidden| path == **forbidden)?;
        Some((line, (*forbidden).to_owned()))
    });
    words.chain(named).collect()
}

#[test]
fn the_pure_parts_name_nothing_impure() {
    let mut problems = Vec::new();
    for folder in PURE {
        for source in sources(folder) {
            let found = impurities(&source.text).into_iter();
            problems.extend(found.map(|(line, name)| format!("{}:{line}: {name}", source.path.display())));
        }
    }
    assert!(
        problems.is_empty(),
        "the pure parts name what they may not:\n{}",
        problems.join("\n")
    );
}

#[test]
fn there_is_something_to_look_at() {
    for folder in PURE {
        assert!(!sources(folder).is_empty(), "{folder} is empty");
    }
}

#[test]
fn impurity_is_found_however_it_is_spelled() {
    for text in [
        "use std::time::Instant;",
        "use std::{collections::BTreeMap, time::{Duration, Instant}};",
        "fn f() { let now = std::time::Instant::now(); }",
        "use std::{fs, sync::Arc};",
        "fn f() { dbg!(std::fs::read(\"x\")); }",
        "use std::collections::HashMap;",
        "use rand::Rng;",
        "async fn f() { tokio::time::sleep(x).await }",
    ] {
        assert!(!impurities(text).is_empty(), "{text}");
    }
}

#[test]
fn what_only_looks_like_it_is_let_pass() {
    for text in [
        "use crate::time::Instant;",
        "use core::net::IpAddr;",
        "use std::{collections::BTreeMap, time::Duration};",
        "/// Never a `HashMap`, no `std::fs`.\nfn f() { /* rand */ g(\"std::net\") }",
        "use std::sync::Arc; struct Net { fs: u8 }",
    ] {
        assert_eq!(impurities(text), [], "{text}");
    }
}
