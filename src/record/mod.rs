//! The record of a run of the suite: everything that is known when it is over, in types that can be stored and read
//! back.
//!
//! A run of the suite is a stream of events: a [`Head`], then one [`Event`] after the other, of which the last is
//! [`Event::Ended`]. A [`Record`] is their sum. A [`Recorder`] makes one while runs are made, and [`read()`] makes one
//! of a file; both apply the same events in the same way, so that a report of a stored record is the report that the
//! run itself would have given. Every report is made from a record, and from nothing else.
//!
//! The file is described in `reports/README.md`, and its JSON Schema is `reports/record.schema.json`.

mod event;
#[cfg(test)]
pub(crate) mod fixture;
mod lower;
#[cfg(feature = "cli")]
mod read;
#[cfg(feature = "cli")]
mod recorder;
mod run;
#[cfg(test)]
#[cfg(feature = "cli")]
mod tests;
mod trace;
#[cfg(feature = "cli")]
mod write;

pub use event::{Absent, Beside, End, Ending, Event, FrameKind, Head, Host, InsteadOf, Settled, Subject, Traces};
#[cfg(feature = "cli")]
pub use read::{ReadError, Stored, read};
#[cfg(feature = "cli")]
pub use recorder::Recorder;
pub use run::{Attempt, BrokenRule, Failure, Measure, Octets, Position, Requirement, Run, Step, Unmet};
pub use trace::{Direction, Happening, Origins, TraceEvent};
#[cfg(feature = "cli")]
pub use write::RecordFile;
#[cfg(feature = "cli")]
pub(crate) use write::reason;

use crate::engine::Verdict;
use crate::suite::{Expectations, Row, Waiver, exit_code};
use crate::time::Instant;
use core::fmt;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

/// The format that every record names in its first line.
pub const FORMAT: &str = "tcpvet-record";
/// Increased whenever a reader of the previous version could misread a record.
pub const VERSION: u32 = 2;

/// A run of the suite against one target, as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What was known before the first run.
    pub head: Head,
    library: Vec<Row>,
    runs: BTreeMap<usize, Run>,
    beside: Option<Beside>,
    last: Instant,
    end: Option<End>,
}

/// An event that does not fit those before it: the stream lacks something, or is mixed of several records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Disorder {
    /// Something came after the end.
    AfterTheEnd,
    /// What was sent beside the runs was told twice.
    SecondBeside,
    /// The library was told twice.
    SecondLibrary,
    /// A run was settled at a place that the plan does not have.
    BeyondThePlan(usize),
    /// A run was settled twice.
    SettledTwice(usize),
    /// Something was told of a run that was not settled.
    NotSettled(usize),
    /// The totals at the end are not those of the runs.
    OtherTotals,
}

impl fmt::Display for Disorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Disorder::AfterTheEnd => write!(f, "something comes after the end"),
            Disorder::SecondBeside => write!(f, "what was sent beside the runs is told a second time"),
            Disorder::SecondLibrary => write!(f, "the library is told a second time"),
            Disorder::BeyondThePlan(place) => write!(f, "run number {place} is not one of the plan"),
            Disorder::SettledTwice(place) => write!(f, "run number {place} is settled a second time"),
            Disorder::NotSettled(place) => write!(f, "run number {place} is spoken of before it is settled"),
            Disorder::OtherTotals => write!(f, "the totals at the end are not those of the runs before it"),
        }
    }
}

impl std::error::Error for Disorder {}

impl Record {
    /// A record of which nothing but the head is known.
    pub fn new(head: Head) -> Record {
        Record {
            head,
            library: Vec::new(),
            runs: BTreeMap::new(),
            beside: None,
            last: Instant::ZERO,
            end: None,
        }
    }

    /// Adds an event.
    pub fn apply(&mut self, event: Event) -> Result<(), Disorder> {
        if self.end.is_some() {
            return Err(Disorder::AfterTheEnd);
        }
        match event {
            Event::Library(_) if !self.library.is_empty() => return Err(Disorder::SecondLibrary),
            Event::Library(rows) => self.library = rows,
            Event::Settled(settled) => self.settle(*settled)?,
            Event::Answered { place, model } => self.run_at(place)?.model = Some(model),
            Event::Judged { place, expectation } => self.run_at(place)?.expectation = expectation,
            Event::Beside(_) if self.beside.is_some() => return Err(Disorder::SecondBeside),
            Event::Beside(beside) => self.beside = Some(beside),
            Event::Ended(end) if end.totals != self.totals() => return Err(Disorder::OtherTotals),
            Event::Ended(end) => self.end = Some(end),
        }
        Ok(())
    }

    fn settle(&mut self, Settled { place, at, run }: Settled) -> Result<(), Disorder> {
        if place >= self.head.planned {
            return Err(Disorder::BeyondThePlan(place));
        }
        if self.runs.contains_key(&place) {
            return Err(Disorder::SettledTwice(place));
        }
        self.last = self.last.max(at);
        self.runs.insert(place, run);
        Ok(())
    }

    fn run_at(&mut self, place: usize) -> Result<&mut Run, Disorder> {
        self.runs.get_mut(&place).ok_or(Disorder::NotSettled(place))
    }

    /// The runs that are settled, in the order of the plan.
    pub fn runs(&self) -> impl ExactSizeIterator<Item = &Run> + Clone {
        self.runs.values()
    }

    /// Every run of the library, by rows, whatever was selected; empty where the record is cut before it.
    pub fn library(&self) -> &[Row] {
        &self.library
    }

    /// The frames of the target that belong to no run, by what they say.
    pub fn beside(&self) -> &[FrameKind] {
        self.beside.as_ref().map_or(&[], |beside| &beside.kinds)
    }

    /// Those of them that break rules.
    pub fn broken_beside(&self) -> impl Iterator<Item = &FrameKind> {
        self.beside().iter().filter(|kind| !kind.broken_rules.is_empty())
    }

    /// How long the runs took, by the wall clock; where the record is cut, up to the last run in it.
    pub fn elapsed(&self) -> Duration {
        let end = self.end.as_ref().map_or(self.last, |end| end.at);
        end.since(Instant::ZERO)
    }

    /// How it ended; `None`: the record is cut.
    pub fn ending(&self) -> Option<&Ending> {
        self.end.as_ref().map(|end| &end.ending)
    }

    /// Why not every run was made or is in the record, if so.
    pub fn cut_short(&self) -> Option<String> {
        match self.ending() {
            None => Some(format!(
                "the record is cut, and knows of {} of {} runs",
                self.runs.len(),
                self.head.planned
            )),
            Some(Ending::Complete | Ending::Bug { .. }) => None,
            Some(Ending::Interrupted) => Some("interrupted".to_owned()),
            Some(Ending::Environment { problem, remedy }) => Some(format!("{problem}; {remedy}")),
        }
    }

    /// The bug of ours that ended the runs, if one did: no verdict can be trusted then.
    pub fn bug(&self) -> Option<&str> {
        match self.ending() {
            Some(Ending::Bug { said }) => Some(said),
            _ => None,
        }
    }

    /// The exit code of the process.
    pub fn exit_code(&self) -> u8 {
        let ours = self.bug().map(|_| 101);
        let short = self.cut_short().map(|_| 3);
        let runs = self.runs().map(|run| run.judged().exit_code(self.head.strict));
        let beside = self.broken_beside().next().map(|_| 1);
        let idle = self.idle_waivers().map(|_| 1);
        exit_code(runs.chain(idle).chain(ours).chain(short).chain(beside))
    }

    /// The runs that a report must show: those that alone would make the exit code other than 0.
    pub fn red(&self) -> impl Iterator<Item = &Run> {
        self.runs().filter(|run| run.judged().exit_code(self.head.strict) != 0)
    }

    /// How many runs met a waiver: something was passed over in them by it.
    pub fn met(&self, waiver: &Waiver) -> usize {
        let meets = |run: &&Run| waiver.speaks_of(&run.id) && run.outcome.waived.contains(&waiver.waive);
        self.runs().filter(meets).count()
    }

    /// The waivers that no run met although all that they speak of were made: they are out of date.
    pub fn idle_waivers(&self) -> impl Iterator<Item = &Waiver> {
        let made: BTreeSet<&str> = self
            .runs()
            .filter(|run| run.outcome.verdict != Verdict::Inconclusive)
            .map(|run| run.id.name.as_str())
            .collect();
        let whole = move |waiver: &Waiver| {
            let mut library = self.library.iter().flat_map(Row::runs);
            !self.library.is_empty() && library.all(|id| !waiver.speaks_of(&id) || made.contains(id.name.as_str()))
        };
        let waivers = self.head.waivers.iter();
        waivers.filter(move |waiver| self.met(waiver) == 0 && whole(waiver))
    }

    /// How many runs there are of each word of [`Judged::word`](crate::suite::Judged::word).
    pub fn totals(&self) -> BTreeMap<String, usize> {
        let mut totals = BTreeMap::new();
        for run in self.runs() {
            *totals.entry(run.judged().word()).or_insert(0) += 1;
        }
        totals
    }

    /// Judges all runs anew, whether or not the record has ended.
    pub fn judge_by(&mut self, expectations: &Expectations) {
        for run in self.runs.values_mut() {
            run.expectation = expectations.judge(&run.id, &run.outcome);
        }
    }
}
