//! Why a run ends before its last step, and whose fault that is.

use super::symptom::Symptom;
use crate::notation::Verb;
use crate::peer::ValueError;
use core::fmt;

/// Why a run ends before its last step.
#[derive(Debug)]
pub(super) enum Stop {
    /// The target did not do what it should.
    Failed(Complaint),
    /// The target does not keep to the contract by which it is tested: it has failed, however strongly the step asks.
    Breach { expected: String, seen: String },
    /// The target says that it cannot do what a step asks.
    Unsupported(String),
    /// Nothing can be said about the target, because of something on our side.
    Inconclusive(String),
    /// The case asks for something impossible.
    Case(CaseFault),
}

/// What the target did not do as it should.
#[derive(Debug)]
pub(super) struct Complaint {
    pub symptom: Symptom,
    pub expected: String,
    pub seen: String,
    pub timing: bool,
    /// The number of the frame that shows it; `None`: all that came so far does.
    pub frame: Option<u32>,
}

impl Complaint {
    pub(super) fn new(symptom: Symptom, expected: impl Into<String>, seen: impl Into<String>) -> Complaint {
        Complaint {
            symptom,
            expected: expected.into(),
            seen: seen.into(),
            timing: false,
            frame: None,
        }
    }
}

impl Stop {
    pub(super) fn failed(symptom: Symptom, expected: impl Into<String>, seen: impl Into<String>) -> Stop {
        Stop::Failed(Complaint::new(symptom, expected, seen))
    }

    pub(super) fn breach(expected: impl Into<String>, seen: impl Into<String>) -> Stop {
        Stop::Breach {
            expected: expected.into(),
            seen: seen.into(),
        }
    }

    pub(super) fn late(symptom: Symptom, expected: impl Into<String>, seen: impl Into<String>) -> Stop {
        Stop::Failed(Complaint {
            timing: true,
            ..Complaint::new(symptom, expected, seen)
        })
    }
}

/// What is wrong with a case and shows only when it is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CaseFault {
    /// A value that a step asks for cannot be had.
    Value(ValueError),
    /// `since` names a step that has not been met.
    NotMetBefore(String),
    /// A `result` of a call that was never made.
    NeverCalled(Verb),
    /// An outcome of an `any-of` begins with a step that cannot tell it from the others.
    OutcomeBegins,
    /// Two outcomes of an `any-of` have come at once.
    BothOutcomes { names: [String; 2], how: String },
}

impl fmt::Display for CaseFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CaseFault::Value(error) => error.fmt(f),
            CaseFault::NotMetBefore(label) => write!(f, "no step called `{label}` has been met"),
            CaseFault::NeverCalled(verb) => write!(f, "no `{}` was called on this connection", verb.name()),
            CaseFault::OutcomeBegins => f.write_str("an outcome begins with `expect` or `result`"),
            CaseFault::BothOutcomes {
                names: [first, second],
                how,
            } => write!(
                f,
                "the outcomes `{first}` and `{second}` both {how}; outcomes must differ in their first steps"
            ),
        }
    }
}

impl From<CaseFault> for Stop {
    fn from(fault: CaseFault) -> Stop {
        Stop::Case(fault)
    }
}

/// A value that cannot be computed is the fault of the author who wrote it.
impl From<ValueError> for Stop {
    fn from(error: ValueError) -> Stop {
        Stop::Case(CaseFault::Value(error))
    }
}
