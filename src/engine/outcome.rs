//! What a run established.

use super::cursor::Cursor;
use super::symptom::Symptom;
use super::waive::Waive;
use crate::notation::Origins;
use crate::path::Treatment;
use crate::peer::Measure;
use crate::rfc::{Grounds, Level, Requirement};
use crate::rules::{Rule, RuleName};
use crate::script::{Position, StepWord};
use crate::stack::{Breakdown, CallId};
use crate::time::{Instant, Stamp};
use core::fmt;
use core::time::Duration;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a run established.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything was as asked.
    Pass,
    /// A MUST is broken.
    Fail,
    /// A SHOULD is not followed.
    Deviates,
    /// A MAY was not taken up; nothing to complain of.
    Observed,
    /// The target cannot do a step.
    Unsupported,
    /// The condition of the requirement is not claimed.
    NotApplicable,
    /// Our environment failed; never the target's fault.
    Inconclusive,
    /// The case is wrong: it compared nothing, or says what cannot be carried out.
    CaseError,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Verdict; 8] = [
        Verdict::Pass,
        Verdict::Fail,
        Verdict::Deviates,
        Verdict::Observed,
        Verdict::Unsupported,
        Verdict::NotApplicable,
        Verdict::Inconclusive,
        Verdict::CaseError,
    ];

    /// As it is written in reports and in `expectations.yaml`.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::Deviates => "deviates",
            Verdict::Observed => "observed",
            Verdict::Unsupported => "unsupported",
            Verdict::NotApplicable => "not-applicable",
            Verdict::Inconclusive => "inconclusive",
            Verdict::CaseError => "case-error",
        }
    }

    /// The verdict of that name.
    pub fn from_name(name: &str) -> Option<Verdict> {
        Verdict::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What was not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unmet {
    /// A step of the case.
    Step(StepWord),
    /// A rule, by its name.
    Rule(#[serde(with = "crate::rules::by_name")] RuleName),
    /// The end of the run: the frames after the last step must be lawful too.
    End,
    /// No step, rule or requirement: the target broke down.
    Breakdown(Breakdown),
}

impl Unmet {
    /// The rule's name, if it is one.
    pub const fn rule(self) -> Option<&'static str> {
        match self {
            Unmet::Rule(name) => Some(name),
            Unmet::Step(_) | Unmet::End | Unmet::Breakdown(_) => None,
        }
    }

    /// How the target broke down, if that is it.
    pub const fn breakdown(self) -> Option<Breakdown> {
        match self {
            Unmet::Breakdown(how) => Some(how),
            Unmet::Step(_) | Unmet::Rule(_) | Unmet::End => None,
        }
    }
}

/// A requirement that is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Broken {
    /// `RFC5961-3.2-3`
    pub id: String,
    /// How strongly it asks.
    pub level: Level,
    /// How that is known.
    pub grounds: Grounds,
    /// In our own words.
    pub summary: String,
}

impl From<&Requirement> for Broken {
    fn from(requirement: &Requirement) -> Broken {
        Broken {
            id: requirement.id.clone(),
            level: requirement.level,
            grounds: requirement.grounds,
            summary: requirement.summary.clone(),
        }
    }
}

/// Which step was not met, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What was not met.
    pub unmet: Unmet,
    /// For a person: the step as written, `expect: ACK ack=2`; `rule: NAME`; `breakdown: NAME`; or `the end of the
    /// run`.
    pub step: String,
    /// Where it stands.
    pub position: Position,
    /// The state that could not be reached, if that is where it failed.
    pub given: Option<String>,
    /// What was expected, in words or notation.
    pub expected: String,
    /// What came instead.
    pub seen: String,
    /// What was wrong on the wire: here, or where a rule that counts as much was broken before.
    pub symptom: Symptom,
    /// The requirements that it breaks; only those that apply to the target. A rule's have its own meaning as summary.
    pub requirements: Vec<Broken>,
    /// Whether it is about time: such a failure must be confirmed on real time.
    pub timing: bool,
    /// By which waiver it is passed over: everything else was as asked.
    pub waived: Option<Waive>,
}

impl Failure {
    /// The failure of a target that broke down; `seen` says how. It belongs to no step.
    pub fn breakdown(how: Breakdown, seen: &str) -> Failure {
        Failure {
            unmet: Unmet::Breakdown(how),
            step: format!("breakdown: {how}"),
            position: Position::default(),
            given: None,
            expected: how.expected().to_owned(),
            seen: format!("the target broke down: {seen}"),
            symptom: Symptom::Breakdown(how),
            requirements: Vec::new(),
            timing: false,
            waived: None,
        }
    }
}

/// A rule that was broken.
#[derive(Clone, Serialize, Deserialize)]
pub struct BrokenRule {
    /// Which.
    #[serde(
        serialize_with = "crate::rules::by_name::serialize_rule",
        deserialize_with = "crate::rules::by_name::rule"
    )]
    pub rule: &'static Rule,
    /// The place in the trace of the frame that broke it.
    pub place: usize,
    /// The frames in conflict, and what the matter is.
    pub seen: String,
}

impl fmt::Debug for BrokenRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule.name, self.seen)
    }
}

/// What a step was met by, so that `prove` can change it and see whether the step notices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The step.
    pub step: Cursor,
    /// What met it.
    pub met_by: MetBy,
    /// From when to when it would have been in time.
    pub window: (Instant, Instant),
    /// How many injects and calls the target had met by then.
    pub inputs: u32,
}

/// What a step looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetBy {
    /// A frame of the target, by its number among all that came, from 0.
    Frame(u32),
    /// The end of a call.
    Call(CallId),
    /// A call that did not end.
    Pending(CallId),
    /// Nothing, as was asked; so many frames had come by then.
    Silence(u32),
    /// An outcome of an `any-of`, by its place. What meets its first step is noted by itself.
    Outcome(usize),
}

/// Everything that a run leaves behind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, for every verdict but [`Verdict::Pass`].
    pub failure: Option<Failure>,
    /// Why, in a sentence, where there is no failed step: `the target cannot do set:user-timeout`.
    pub reason: String,
    /// Which outcome of each `any-of` came, in order.
    pub outcomes: Vec<String>,
    /// What was measured, by name.
    pub measures: BTreeMap<String, Vec<Measure>>,
    /// What was skipped and why: `state: the target does not tell`.
    pub notes: Vec<String>,
    /// The rules that did not hold, the worst first, whatever the steps found.
    pub broken_rules: Vec<BrokenRule>,
    /// What was passed over, each kind once.
    pub waived: BTreeSet<Waive>,
    /// Everything that happened, in order.
    pub trace: Vec<TraceEvent>,
    /// What met each step that looked at something, in order. It does not leave this process.
    #[serde(skip)]
    pub evidence: Vec<Evidence>,
    /// When it began, on the bench's clock.
    pub began: Instant,
    /// When it ended.
    pub ended: Instant,
    /// How long it took by the clock on the wall. Where the bench's clock is another, the driver says so.
    pub took: Duration,
}

impl Outcome {
    /// The outcome of a run in which nothing happened, mostly because it was not made: a verdict, and why.
    pub fn empty(verdict: Verdict, at: Instant, reason: impl Into<String>) -> Outcome {
        Outcome {
            verdict,
            failure: None,
            reason: reason.into(),
            outcomes: Vec::new(),
            measures: BTreeMap::new(),
            notes: Vec::new(),
            broken_rules: Vec::new(),
            waived: BTreeSet::new(),
            trace: Vec::new(),
            evidence: Vec::new(),
            began: at,
            ended: at,
            took: Duration::ZERO,
        }
    }

    /// Makes it that of a run that failed because the target broke down; `seen` says how.
    pub fn break_down(&mut self, how: Breakdown, seen: &str) {
        self.verdict = Verdict::Fail;
        self.failure = Some(Failure::breakdown(how, seen));
        self.reason.clear();
    }

    /// How the target broke down, if it did.
    pub fn breakdown(&self) -> Option<Breakdown> {
        self.failure.as_ref()?.unmet.breakdown()
    }
}

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceEvent {
    /// When.
    pub at: Stamp,
    /// What.
    pub what: Happening,
}

/// Which way a frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Arrow {
    /// From the tester to the target.
    ToTarget,
    /// From the target to the tester.
    FromTarget,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Happening {
    /// A frame was seen.
    Frame {
        /// Which way.
        arrow: Arrow,
        /// The connection's name; empty if it belongs to no connection.
        conn: String,
        /// Where its numbers counted from when it was seen.
        origins: Origins,
        /// The IP packet. It is printed only where it is shown, which most never are.
        octets: Arc<[u8]>,
        /// What the middlebox did with it; `None` if it let it pass.
        fault: Option<Treatment>,
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
        conn: String,
        /// As written.
        text: String,
    },
    /// A call ended.
    Return {
        /// The connection's name.
        conn: String,
        /// `recv -> ok "hello"`.
        text: String,
    },
    /// The frame before breaks this rule.
    Broken(#[serde(with = "crate::rules::by_name")] RuleName),
    /// What a step found that neither a frame nor the end of a call shows: `state ESTABLISHED`,
    /// `2 on the left, 3 on the right`.
    Found(StepWord, String),
    /// A remark: `passed as background`, `measured rto = 1.02 s`.
    Note(String),
}
