//! What a proof finds wrong with a row, with messages.

use crate::engine::Verdict;
use crate::notation::suggestion;
use crate::script::Position;
use core::fmt;

/// An outcome of an `any-of`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Where {
    /// Where the `any-of` stands.
    pub position: Position,
    /// The outcome's name.
    pub outcome: String,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// The reference endpoint does not pass it: the choice, the verdict, and why.
    NotPassed(String, Verdict, String),
    /// No mistake makes it fail: the choice, and how many mistakes could have made a difference.
    BitesNothing(String, usize),
    /// A mistake shows that the case is wrong, and not the endpoint: the mistake or change, and why.
    CaseError(String, String),
    /// An outcome does not say what makes it come.
    OutcomeWithoutBy(Where),
    /// It names something that is neither a choice nor a mistake: the word, and what may be meant.
    NoSuchChoice(Where, String, Vec<&'static str>),
    /// It is right, and yet is said to come by a mistake.
    RightByMistake(Where),
    /// It does not come: what comes instead.
    OutcomeDidNotCome(Where, String),
    /// It comes, and is right, and yet the run fails: how.
    OutcomeFails(Where, String),
    /// It comes, and is not right, and yet the run passes.
    WrongOutcomePasses(Where),
    /// A step checks something, and no run reaches it: as written, and its position.
    NeverReached(String, Position),
}

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the outcome `{}` ({}:{})",
            self.outcome, self.position.file, self.position.line
        )
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::NotPassed(choice, verdict, why) => {
                write!(f, "{verdict} on the reference endpoint{}: {why}", under(choice))
            }
            Flaw::BitesNothing(choice, 0) => {
                write!(
                    f,
                    "notices no mistake{}: none could make a difference in it",
                    under(choice)
                )
            }
            Flaw::BitesNothing(choice, near) => {
                write!(
                    f,
                    "notices no mistake{}, though {near} could make a difference in it",
                    under(choice)
                )
            }
            Flaw::CaseError(by, why) => write!(f, "turns out to be a case error with {by}: {why}"),
            Flaw::OutcomeWithoutBy(outcome) => {
                write!(
                    f,
                    "{outcome} does not say `by` which choice of `tcpvet defects` it comes"
                )
            }
            Flaw::NoSuchChoice(outcome, word, near) => {
                write!(
                    f,
                    "{outcome} comes by `{word}`, which is neither a choice nor a mistake"
                )?;
                match suggestion(near) {
                    None => write!(f, "; `tcpvet defects` lists both"),
                    Some(near) => write!(f, "; {near}"),
                }
            }
            Flaw::RightByMistake(outcome) => {
                write!(f, "{outcome} is right, but comes by a mistake: either is wrong")
            }
            Flaw::OutcomeDidNotCome(outcome, instead) if instead.is_empty() => {
                write!(f, "{outcome} does not come by what it says, and no other")
            }
            Flaw::OutcomeDidNotCome(outcome, instead) => {
                write!(f, "{outcome} does not come by what it says, but {instead}")
            }
            Flaw::OutcomeFails(outcome, why) => write!(f, "{outcome} comes and is right, but the run ends: {why}"),
            Flaw::NeverReached(step, position) => {
                write!(f, "`{step}` ({}:{}) is never reached", position.file, position.line)
            }
            Flaw::WrongOutcomePasses(outcome) => write!(f, "{outcome} comes and is not right, but the run passes"),
        }
    }
}

fn under(choice: &str) -> String {
    match choice {
        "" => String::new(),
        choice => format!(" under {choice}"),
    }
}
