//! `tcpvet rules`

use super::{OK, output};
use std::fmt::Write;
use tcpvet::report::level_word;
use tcpvet::rules::RULES;

/// Lists what must hold in every run.
pub(super) fn list() -> u8 {
    let mut text = format!("{} rules, watched in every run:\n", RULES.len());
    for rule in RULES {
        let ids: Vec<String> = rule
            .requirements
            .iter()
            .map(|(id, level, grounds)| format!("{} {id}{grounds}", level_word(*level)))
            .collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:<28} {}", rule.name, rule.meaning);
        let _ = writeln!(text, "  {:<28} {}", "", ids.join(", "));
    }
    output::print(&text);
    OK
}
