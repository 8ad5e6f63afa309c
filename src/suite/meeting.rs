//! Runs that met: what came of one in a world that it shared, where it comes out otherwise in one of its own.

use crate::engine::{Outcome, Verdict};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most runs that are named.
const NAMED: usize = 3;

/// A run that came out otherwise beside others than in a world of its own: something that they share has changed it.
/// What it comes to alone counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Meeting {
    /// What it came to beside the others.
    pub verdict: Verdict,
    /// The names of the runs that had begun in that world by then, in the order in which they began.
    pub beside: Vec<String>,
}

impl fmt::Display for Meeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<&str> = self.beside.iter().rev().take(NAMED).map(String::as_str).collect();
        let more = match self.beside.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        write!(
            f,
            "a meeting of runs: otherwise ({}) in a world shared with `{}`{more}",
            self.verdict,
            named.join("`, `")
        )
    }
}

/// Whether the outcome of a run beside others is accepted. Any other must come again in a world of its own.
pub(super) fn stands(outcome: &Outcome) -> bool {
    matches!(
        outcome.verdict,
        Verdict::Pass | Verdict::Unsupported | Verdict::NotApplicable
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_began_last_are_named() {
        let meeting = |count: usize| Meeting {
            verdict: Verdict::Fail,
            beside: (0..count).map(|number| format!("a/{number}[ip4]")).collect(),
        };
        assert_eq!(
            meeting(1).to_string(),
            "a meeting of runs: otherwise (fail) in a world shared with `a/0[ip4]`"
        );
        let five = meeting(5).to_string();
        assert!(
            five.ends_with("with `a/4[ip4]`, `a/3[ip4]`, `a/2[ip4]` and 2 more"),
            "{five}"
        );
    }
}
