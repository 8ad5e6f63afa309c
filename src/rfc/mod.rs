//! The words of the RFCs that everybody uses: states, levels, requirements and their conditions.

mod condition;
mod grounds;

pub use condition::Condition;
pub use grounds::{Basis, Grounds, Status};

use core::fmt;
use serde::{Deserialize, Serialize};

/// A state of RFC 9293 section 3.3.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum State {
    Closed,
    Listen,
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
}

impl State {
    /// All eleven.
    pub const ALL: [State; 11] = [
        State::Closed,
        State::Listen,
        State::SynSent,
        State::SynReceived,
        State::Established,
        State::FinWait1,
        State::FinWait2,
        State::CloseWait,
        State::Closing,
        State::LastAck,
        State::TimeWait,
    ];

    /// As a case writes it: `fin-wait-1`.
    pub const fn name(self) -> &'static str {
        match self {
            State::Closed => "closed",
            State::Listen => "listen",
            State::SynSent => "syn-sent",
            State::SynReceived => "syn-received",
            State::Established => "established",
            State::FinWait1 => "fin-wait-1",
            State::FinWait2 => "fin-wait-2",
            State::CloseWait => "close-wait",
            State::Closing => "closing",
            State::LastAck => "last-ack",
            State::TimeWait => "time-wait",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.name() == name)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How strongly an RFC asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum Level {
    /// MAY: what comes is observed.
    May,
    /// SHOULD or SHOULD NOT: who does otherwise deviates.
    Should,
    /// MUST or MUST NOT: who does otherwise fails.
    Must,
}

/// One thing that an RFC asks for, as far as a run needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// `RFC5961-3.2-3`
    pub id: String,
    /// How strongly.
    pub level: Level,
    /// How that is known.
    pub grounds: Grounds,
    /// Applies only where this is claimed.
    pub when: Option<Condition>,
    /// In our own words.
    pub summary: String,
}

impl Requirement {
    /// What it weighs in a verdict: its level, where a standard says so.
    pub fn weight(&self) -> Level {
        self.grounds.weight(self.level)
    }
}

/// The word of RFC 2119.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub enum Keyword {
    /// MUST
    #[serde(rename = "MUST")]
    Must,
    /// MUST NOT
    #[serde(rename = "MUST NOT")]
    MustNot,
    /// SHOULD
    #[serde(rename = "SHOULD")]
    Should,
    /// SHOULD NOT
    #[serde(rename = "SHOULD NOT")]
    ShouldNot,
    /// MAY
    #[serde(rename = "MAY")]
    May,
}

impl Keyword {
    /// How strongly it asks.
    pub const fn level(self) -> Level {
        match self {
            Keyword::Must | Keyword::MustNot => Level::Must,
            Keyword::Should | Keyword::ShouldNot => Level::Should,
            Keyword::May => Level::May,
        }
    }

    /// As an RFC writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Keyword::Must => "MUST",
            Keyword::MustNot => "MUST NOT",
            Keyword::Should => "SHOULD",
            Keyword::ShouldNot => "SHOULD NOT",
            Keyword::May => "MAY",
        }
    }
}

/// Which role of the target shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The one that is connected to.
    Passive,
    /// The one that connects.
    Active,
    /// Either.
    Both,
    /// The calls of the application.
    Api,
}

/// Where it can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Observable {
    /// On the wire.
    Wire,
    /// By the application.
    Api,
    /// Nowhere from outside.
    Internal,
}
