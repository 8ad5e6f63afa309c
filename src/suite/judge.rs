//! Compares a verdict with what is expected, and gives the exit code.

use crate::engine::Verdict;
use serde::{Deserialize, Serialize};

/// How a verdict compares with `expectations.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// No entry speaks of the run, or the verdict says nothing about the target.
    None,
    /// It is what an entry expects.
    Met {
        /// The entry's reason.
        reason: String,
    },
    /// It is what an entry expects that says no reason yet, as `--update-expectations` writes it.
    Unexplained {
        /// Where the reason is missing: `runners/linux/expectations.yaml:12`.
        place: String,
    },
    /// An entry expects a failure, and there was none: the entry is out of date.
    UnexpectedPass {
        /// The entry's reason.
        reason: String,
    },
    /// An entry expects something else; a new failure must not hide behind an old one.
    Missed {
        /// The entry's reason.
        reason: String,
        /// What differs: `expected to fail at "expect: ACK", failed at "state: closed"`.
        difference: String,
    },
}

impl Expectation {
    /// Whether an entry expects just this, whatever it says for a reason.
    pub const fn is_met(&self) -> bool {
        match self {
            Expectation::Met { .. } | Expectation::Unexplained { .. } => true,
            Expectation::None | Expectation::UnexpectedPass { .. } | Expectation::Missed { .. } => false,
        }
    }
}

/// A run's verdict, judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged<'a> {
    /// What it established.
    pub verdict: Verdict,
    /// What was expected.
    pub expectation: &'a Expectation,
}

impl Judged<'_> {
    /// The word for it: the verdict's name, `expected-fail` (or another expected verdict), `unexplained-fail`, or
    /// `unexpected-pass`.
    pub fn word(&self) -> String {
        match self.expectation {
            Expectation::None | Expectation::Missed { .. } => self.verdict.name().to_owned(),
            Expectation::Met { .. } => format!("expected-{}", self.verdict),
            Expectation::Unexplained { .. } => format!("unexplained-{}", self.verdict),
            Expectation::UnexpectedPass { .. } => "unexpected-pass".to_owned(),
        }
    }

    /// The exit code if this were the only run.
    pub fn exit_code(&self, strict: bool) -> u8 {
        match (self.expectation, self.verdict) {
            (_, Verdict::CaseError) => 2,
            (_, Verdict::Inconclusive) => 3,
            (Expectation::Met { .. }, _) => 0,
            (Expectation::Unexplained { .. } | Expectation::UnexpectedPass { .. } | Expectation::Missed { .. }, _) => 1,
            (Expectation::None, Verdict::Fail) => 1,
            (Expectation::None, Verdict::Deviates) => u8::from(strict),
            (Expectation::None, Verdict::Pass | Verdict::Observed | Verdict::Unsupported | Verdict::NotApplicable) => 0,
        }
    }
}

/// The exit code of several: the first of 101, 2, 1, 3 that is among them.
pub fn exit_code(codes: impl IntoIterator<Item = u8>) -> u8 {
    let codes: Vec<u8> = codes.into_iter().collect();
    [101, 2, 1, 3]
        .into_iter()
        .find(|code| codes.contains(code))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(verdict: Verdict, expectation: Expectation, strict: bool) -> u8 {
        let expectation = &expectation;
        Judged { verdict, expectation }.exit_code(strict)
    }

    #[test]
    fn of_several_codes_the_worst_for_the_user_wins() {
        assert_eq!(exit_code([]), 0);
        assert_eq!(exit_code([0, 3, 0]), 3);
        assert_eq!(exit_code([3, 1, 0]), 1);
        assert_eq!(exit_code([1, 2, 3]), 2);
        assert_eq!(exit_code([2, 101]), 101);
    }

    #[test]
    fn a_deviation_is_red_only_if_strict() {
        assert_eq!(code(Verdict::Deviates, Expectation::None, false), 0);
        assert_eq!(code(Verdict::Deviates, Expectation::None, true), 1);
    }

    #[test]
    fn what_is_expected_is_green_and_an_inconclusive_run_never_is() {
        let reason = "known".to_owned();
        let met = Expectation::Met { reason: reason.clone() };
        assert_eq!(code(Verdict::Fail, met.clone(), true), 0);
        assert_eq!(code(Verdict::Fail, Expectation::None, false), 1);
        assert_eq!(code(Verdict::Pass, Expectation::UnexpectedPass { reason }, false), 1);
        assert_eq!(code(Verdict::Inconclusive, met, false), 3);
        assert_eq!(code(Verdict::CaseError, Expectation::None, false), 2);
        for verdict in [
            Verdict::Pass,
            Verdict::Observed,
            Verdict::Unsupported,
            Verdict::NotApplicable,
        ] {
            assert_eq!(code(verdict, Expectation::None, true), 0);
        }
    }
}
