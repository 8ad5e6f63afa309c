//! What a record keeps of what happened in a run: enough to draw it.

use super::{Octets, Position};
use crate::path::Treatment;
use crate::script::StepWord;
use crate::time::Stamp;
use crate::wire::{Isn, SeqNum};
use crate::{engine, notation};
use serde::{Deserialize, Serialize};

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TraceEvent {
    /// When, in nanoseconds on the clock on which the attempt began: not before `earliest`, not after `latest`.
    pub at: Stamp,
    /// What.
    pub what: Happening,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Happening {
    /// A frame was seen.
    Frame {
        /// Which way.
        direction: Direction,
        /// The connection's name; empty if it belongs to none.
        connection: String,
        /// Where its numbers counted from when it was seen.
        origins: Origins,
        /// What the middlebox did with it; `null` if it let it pass.
        fault: Option<Treatment>,
        /// The IP packet.
        octets: Octets,
    },
    /// A step began.
    Step {
        /// Of which kind.
        word: StepWord,
        /// As written.
        text: String,
        /// Where.
        position: Position,
        /// Whether it belongs to `given`.
        given: bool,
    },
    /// The application called.
    Call {
        /// The connection's name.
        connection: String,
        /// As written.
        text: String,
    },
    /// A call ended.
    Return {
        /// The connection's name.
        connection: String,
        /// `recv -> ok "hello"`.
        text: String,
    },
    /// The frame before breaks this rule.
    Broken(String),
    /// What a step of that kind found that neither a frame nor the end of a call shows: `state ESTABLISHED`.
    Found(StepWord, String),
    /// A remark: `passed as background`, `measured rto = 1.02 s`.
    Note(String),
}

/// Which way a frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the tester to the target.
    ToTarget,
    /// From the target to the tester.
    FromTarget,
}

/// Where the sequence numbers of a frame count from, as they stand on the wire; `null` where that was not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Origins {
    /// The ISN of the one who sent the frame.
    pub sender: Option<u32>,
    /// The ISN of the one to whom it was sent.
    pub receiver: Option<u32>,
}

impl From<notation::Origins> for Origins {
    fn from(origins: notation::Origins) -> Origins {
        let number = |isn: Isn| isn.0.0;
        Origins {
            sender: origins.sender.map(number),
            receiver: origins.receiver.map(number),
        }
    }
}

impl From<Origins> for notation::Origins {
    fn from(origins: Origins) -> notation::Origins {
        let isn = |number| Isn(SeqNum(number));
        notation::Origins {
            sender: origins.sender.map(isn),
            receiver: origins.receiver.map(isn),
        }
    }
}

impl From<&engine::TraceEvent> for TraceEvent {
    fn from(event: &engine::TraceEvent) -> TraceEvent {
        TraceEvent {
            at: event.at,
            what: Happening::from(&event.what),
        }
    }
}

impl From<&engine::Happening> for Happening {
    fn from(what: &engine::Happening) -> Happening {
        match what {
            engine::Happening::Frame {
                arrow,
                conn,
                origins,
                octets,
                fault,
            } => Happening::Frame {
                direction: match arrow {
                    engine::Arrow::ToTarget => Direction::ToTarget,
                    engine::Arrow::FromTarget => Direction::FromTarget,
                },
                connection: conn.clone(),
                origins: (*origins).into(),
                fault: *fault,
                octets: Octets(octets.clone()),
            },
            engine::Happening::Step {
                word,
                text,
                position,
                given,
            } => Happening::Step {
                word: *word,
                text: text.clone(),
                position: position.into(),
                given: *given,
            },
            engine::Happening::Call { conn, text } => Happening::Call {
                connection: conn.clone(),
                text: text.clone(),
            },
            engine::Happening::Return { conn, text } => Happening::Return {
                connection: conn.clone(),
                text: text.clone(),
            },
            engine::Happening::Broken(rule) => Happening::Broken((*rule).to_owned()),
            engine::Happening::Found(word, text) => Happening::Found(*word, text.clone()),
            engine::Happening::Note(text) => Happening::Note(text.clone()),
        }
    }
}
