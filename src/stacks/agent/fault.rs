//! What an agent can do wrong, with messages for its author.

use crate::drive::Halt;
use crate::drive::protocol::ProtocolError;
use crate::stack::Breakdown;
use crate::time::Instant;
use core::fmt;
use core::time::Duration;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// The longest line that an agent may send, in octets: 16 MiB of data in hexadecimal, and some words.
pub const LONGEST_LINE: usize = 33 << 20;
/// The most octets that an agent may send in answer to one line.
pub const MOST_OCTETS: usize = 64 << 20;
/// The most lines that an agent may send in answer to one line.
pub const MOST_LINES: usize = 100_000;

/// What an agent did wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has not ended its answer for so long.
    Silent(Duration),
    /// It has not read its input for so long.
    Deaf(Duration),
    /// Its process ended, perhaps in the middle of a line.
    Ended {
        /// How it ended; `None`: it only closed its output.
        status: Option<ExitStatus>,
        /// The part of the last line that had come.
        half: String,
    },
    /// It sent a line that is too long.
    LongLine,
    /// It sent an answer that is too long.
    Flood,
    /// Its stack emitted more than this in answer to one line.
    Storm(usize),
    /// It sent a line that cannot be read.
    Junk(ProtocolError),
    /// It sent a line without being asked.
    OutOfTurn(String),
    /// It sent one reply where another belongs.
    Misplaced {
        /// What it sent.
        line: String,
        /// What belongs there.
        expected: &'static str,
    },
    /// It asked to be woken at a time in the past.
    Backwards {
        /// The present time.
        now: Instant,
        /// The time at which it asked to be woken.
        timer: Instant,
    },
    /// It answered a call that is not open, or handed over a connection for which there is no `accept`.
    NeverAsked(String),
    /// It says that it does not know a line.
    Unknown(String),
    /// It says that it cannot do what a line asks.
    Unsupported(String),
    /// It says that it cannot work.
    Failed(String),
    /// Not its fault: `stop` was set.
    Interrupted,
}

impl Fault {
    /// Whether it only says that it cannot do what a line asks.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Fault::Unsupported(_) | Fault::Unknown(_))
    }

    /// How the agent's stack broke down, if the fault is more than one of the agent's speech.
    pub(super) fn breakdown(&self) -> Option<Breakdown> {
        match self {
            Fault::Silent(_) | Fault::Deaf(_) => Some(Breakdown::Hang),
            Fault::Flood | Fault::Storm(_) => Some(Breakdown::Storm),
            // SIGKILL is what somebody else sends, as the system does that runs out of memory.
            Fault::Ended { status, .. } => {
                let killed = status.is_some_and(|status| status.signal() == Some(SIGKILL));
                (!killed).then_some(Breakdown::Crash)
            }
            _ => None,
        }
    }

    /// What the fault means for the run in which it happened. `after` says what the agent was given last.
    pub fn halt(&self, after: &str) -> Halt {
        let after = match after {
            "" => String::new(),
            after => format!(", after {after}"),
        };
        match self.breakdown() {
            _ if matches!(self, Fault::Interrupted) => Halt::Void("stopped".to_owned()),
            _ if self.is_refusal() => Halt::Void(format!("the agent {self}")),
            Some(how) => Halt::Broke(how, format!("the agent {self}{after}")),
            None => Halt::Void(format!(
                "the agent broke down: it {self}{after}; `tcpvet check-agent` tells more"
            )),
        }
    }
}

/// The number of SIGKILL on every Unix.
const SIGKILL: i32 = 9;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Silent(waited) => write!(f, "did not end its answer within {waited:?}"),
            Fault::Deaf(waited) => write!(f, "did not read its input for {waited:?}"),
            Fault::Ended { status, half } => {
                match status {
                    None => f.write_str("closed its output")?,
                    Some(status) => write!(f, "ended ({})", told(*status))?,
                }
                match half.as_str() {
                    "" => Ok(()),
                    half => write!(f, " in the middle of a line, `{half}`"),
                }
            }
            Fault::LongLine => write!(f, "said a line of more than {} MiB", LONGEST_LINE >> 20),
            Fault::Flood => write!(
                f,
                "said more than {MOST_LINES} lines, or {} MiB, in answer to one line",
                MOST_OCTETS >> 20
            ),
            Fault::Storm(most) => write!(
                f,
                "emitted more than {most} frames, results and events in answer to one line"
            ),
            Fault::Junk(error) => write!(f, "said what is not known: {error}"),
            Fault::OutOfTurn(line) => write!(f, "said `{line}` after `idle`, before it was asked anything"),
            Fault::Misplaced { line, expected } => write!(f, "said `{line}` where {expected} belongs"),
            Fault::Backwards { now, timer } => write!(
                f,
                "said `idle {}`, which lies before now ({})",
                timer.as_micros(),
                now.as_micros()
            ),
            Fault::NeverAsked(line) => write!(f, "said `{line}`, but there is no such call to be answered"),
            Fault::Unknown(line) => write!(f, "does not know the line `{line}`"),
            Fault::Unsupported(why) if why.is_empty() => f.write_str("says that it cannot do this"),
            Fault::Unsupported(why) => write!(f, "says that it cannot do this: {why}"),
            Fault::Failed(why) => write!(f, "says that it cannot work: {why}"),
            Fault::Interrupted => f.write_str("was stopped"),
        }
    }
}

/// `exit status 1`, `killed by signal 11, SIGSEGV`
fn told(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("killed by signal {signal}{}", name(signal)),
        (None, code) => format!("exit status {}", code.unwrap_or_default()),
    }
}

fn name(signal: i32) -> &'static str {
    match signal {
        4 => ", SIGILL",
        6 => ", SIGABRT",
        7 => ", SIGBUS",
        8 => ", SIGFPE",
        9 => ", SIGKILL",
        11 => ", SIGSEGV",
        15 => ", SIGTERM",
        _ => "",
    }
}
