//! The lines of a record: its head, and the events that follow.

use super::{BrokenRule, Octets, Run};
use crate::drive::Unclaimed;
use crate::rules::Frame;
use crate::suite::{Expectation, Row, Trouble, Waiver};
use crate::time::Instant;
use crate::wire::Packet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known before the first run: the first line of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Head {
    /// `tcpvet-record`
    pub format: String,
    /// Which version of the format.
    pub version: u32,
    /// The version of tcpvet that made the record.
    pub tool: String,
    /// When it began, in seconds since 1970-01-01, UTC.
    pub began: u64,
    /// Where it was made.
    pub host: Host,
    /// Against what.
    pub target: Subject,
    /// From which each run's seed was made.
    pub seed: u64,
    /// How many runs shared a world on virtual time, at most; `null`: each had one to itself.
    pub runs_per_world: Option<usize>,
    /// What the user asked for, as written; empty: everything.
    pub selection: Vec<String>,
    /// What follows a run's name in a command that runs it again: ` --target smoltcp --seed 7`.
    pub again: String,
    /// Whether `deviates` is red.
    pub strict: bool,
    /// The file that says what is expected, as shown to a person.
    pub expectations: String,
    /// The waivers of that file: the runs are judged without what they pass over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
    /// How many runs were to be made.
    pub planned: usize,
    /// How many runs `--quick` left out.
    pub left_out: usize,
    /// Of which runs the frames are kept.
    pub traces: Traces,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Host {
    /// Its operating system: `linux`.
    pub system: String,
    /// The release of that: `6.18.44`; `null` where it is not told.
    pub release: Option<String>,
    /// Its processor: `x86_64`.
    pub architecture: String,
}

/// What was tested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// What it says of itself, with its version: `linux-6.18.44`; `null` where it says nothing.
    pub version: Option<String>,
    /// Whether its clock was ours.
    pub virtual_time: bool,
    /// The default target that cannot be run here, where this one was run for it.
    pub instead_of: Option<InsteadOf>,
}

/// A target that could not be run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct InsteadOf {
    /// Its name.
    pub target: String,
    /// Why not, with the remedy.
    pub why: String,
}

/// Of which runs the frames, calls and remarks are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Traces {
    /// Of every run but those that passed at once and were expected to.
    Notable,
    /// Of every run.
    All,
}

/// What happens while the suite runs: each is one line of a record, an object with the event's name as its only key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// Every run that the library has, by rows, whatever was selected: to say what an expectation covers.
    Library(Vec<Row>),
    /// A run has its verdict.
    Settled(Box<Settled>),
    /// The reference endpoint was asked what it does at the step that a run did not meet.
    Answered {
        /// The place of the run in the plan.
        place: usize,
        /// What it does there.
        model: String,
    },
    /// A run is judged anew, since the expectations were written anew.
    Judged {
        /// The place of the run in the plan.
        place: usize,
        /// What is expected of it now.
        expectation: Expectation,
    },
    /// What the target sent beside all runs.
    Beside(Beside),
    /// Everything is over.
    Ended(End),
}

/// Frames of the target that belong to no run: on real time a host speaks to its routers and neighbours too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Beside {
    /// Those that are kept, by what they say.
    pub kinds: Vec<FrameKind>,
    /// How many there were beyond those.
    pub others: usize,
}

/// Frames that say the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct FrameKind {
    /// What they say: `ICMPv6 router-solicitation to ff02::2`.
    pub text: String,
    /// The first of them.
    pub octets: Octets,
    /// How many there were.
    pub count: usize,
    /// The rules that each of them breaks; if there are any, the target does not conform.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken_rules: Vec<BrokenRule>,
}

impl From<&Unclaimed> for Beside {
    fn from(unclaimed: &Unclaimed) -> Beside {
        let kinds = unclaimed.kinds().map(|(text, octets, count)| {
            let packet = Packet::parse(octets);
            let frame = Frame::of(octets, packet.as_ref().map_err(|why| *why));
            FrameKind {
                text: text.to_owned(),
                octets: Octets(octets.clone()),
                count,
                broken_rules: frame
                    .breaks()
                    .map(|(rule, seen)| BrokenRule {
                        rule: rule.name.to_owned(),
                        seen,
                    })
                    .collect(),
            }
        });
        Beside {
            kinds: kinds.collect(),
            others: unclaimed.others(),
        }
    }
}

/// A run that has its verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Settled {
    /// Its place in the plan, from 0.
    pub place: usize,
    /// When, in nanoseconds on the clock on the wall since the record began.
    pub at: Instant,
    /// The run.
    pub run: Run,
}

/// The last line of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct End {
    /// How it ended.
    pub ending: Ending,
    /// When, in nanoseconds on the clock on the wall since the record began.
    pub at: Instant,
    /// How many runs there are of each judged verdict.
    pub totals: BTreeMap<String, usize>,
}

/// How a run of the suite ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// Everything was run.
    Complete,
    /// Somebody stopped it.
    Interrupted,
    /// The environment failed.
    Environment {
        /// What is missing or forbidden.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// A bug of tcpvet: no verdict can be trusted.
    Bug {
        /// What was said of it.
        said: String,
    },
}

impl From<Option<Trouble>> for Ending {
    fn from(trouble: Option<Trouble>) -> Ending {
        match trouble {
            None => Ending::Complete,
            Some(Trouble::Interrupted) => Ending::Interrupted,
            Some(Trouble::Environment(error)) => Ending::Environment {
                problem: error.problem,
                remedy: error.remedy,
            },
            Some(Trouble::Bug(said)) => Ending::Bug { said },
        }
    }
}

/// A target that was asked for and not run: a line of its own between the records of several targets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Absent {
    /// Its name.
    pub target: String,
    /// Why, with the remedy.
    pub why: String,
}
