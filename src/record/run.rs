//! What a record says of one run.

use super::TraceEvent;
use crate::engine::{Symptom, Verdict, Waive};
use crate::rfc::{Basis, Grounds, Level, Status};
use crate::script::StepWord;
use crate::stack::Breakdown;
use crate::suite::{Came, Expectation, Judged, Meeting, RunId};
use crate::time::Instant;
use core::fmt;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A run and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Run {
    /// What names it.
    pub id: RunId,
    /// The claim of its case.
    pub title: String,
    /// What breaks in practice if that is not met.
    pub why: String,
    /// Why the RFC is to be read so, where every stack that was tried does otherwise; else empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reading: String,
    /// All that the run covers, by id.
    pub requirements: Vec<Requirement>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// What it established.
    pub outcome: Attempt,
    /// Attempts before it that were not conclusive, or that contradict each other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Attempt>,
    /// Whom it may have met where it came out otherwise beside other runs than alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meeting: Option<Meeting>,
    /// How many attempts were made; none where the suite was stopped before.
    pub attempts: usize,
    /// What was expected.
    pub expectation: Expectation,
    /// Whether it has no verdict of its own only because the suite ended before its time.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub cut_off: bool,
    /// What the reference endpoint does at the step that was not met; told of by an event of its own, since it is asked
    /// when nothing runs any more.
    #[serde(skip)]
    pub model: Option<String>,
}

impl Run {
    /// What the outcome means.
    pub fn judged(&self) -> Judged<'_> {
        Judged {
            verdict: self.outcome.verdict,
            expectation: &self.expectation,
        }
    }
}

/// One attempt at a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Attempt {
    /// What it established.
    pub verdict: Verdict,
    /// The step that was not met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Why, where no step failed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Which outcome of each `any-of` came, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<String>,
    /// What was measured, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub measures: BTreeMap<String, Vec<Measure>>,
    /// What was skipped, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The rules that did not hold, the worst first, whatever the steps found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken_rules: Vec<BrokenRule>,
    /// What of the target's known habits was passed over, each kind once.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub waived: BTreeSet<Waive>,
    /// When it began, in nanoseconds on the target's clock.
    pub began: Instant,
    /// When it ended, on the same clock.
    pub ended: Instant,
    /// How long it took on the clock on the wall, in nanoseconds.
    #[serde(default)]
    pub took: u64,
    /// Everything that happened, in order; `null`: the record does not keep it.
    pub trace: Option<Vec<TraceEvent>>,
}

impl<'a> From<&'a Attempt> for Came<'a> {
    fn from(attempt: &'a Attempt) -> Came<'a> {
        let failure = attempt.failure.as_ref();
        Came {
            verdict: attempt.verdict,
            step: failure.map(|failure| failure.step.as_str()),
            failing_rule: failure.and_then(|failure| failure.unmet.rule()),
            breakdown: failure.and_then(|failure| failure.unmet.breakdown()),
            requirements: failure.into_iter().flat_map(Failure::broken).collect(),
            rules: attempt.broken_rules.iter().map(|broken| broken.rule.as_str()).collect(),
            symptom: failure.map(|failure| &failure.symptom),
            waived: failure.and_then(|failure| failure.waived.as_ref()),
        }
    }
}

/// Which step was not met, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Failure {
    /// What was not met.
    pub unmet: Unmet,
    /// For a person: the step as written, `expect: ACK ack=2`; `rule: NAME`; `breakdown: NAME`; or `the end of the
    /// run`.
    pub step: String,
    /// Where it stands.
    pub position: Position,
    /// The state that could not be reached, if that is where it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
    /// What was expected, in words or notation.
    pub expected: String,
    /// What came instead.
    pub seen: String,
    /// What was wrong on the wire, whatever the case asks about: at the step, or where a rule that counts as much was
    /// broken before. Failures with the same symptom are one habit of the target.
    pub symptom: Symptom,
    /// The requirement that forbids just this conduct; `null` where that depends on the case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conduct: Option<Requirement>,
    /// The requirements that it breaks; only those that apply to the target.
    pub requirements: Vec<Requirement>,
    /// Whether it is about time: on real time it was then confirmed by a second run.
    pub timing: bool,
    /// By which waiver it is passed over: everything else was as asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waived: Option<Waive>,
}

impl Failure {
    /// Whether a requirement is the one that forbids just this conduct.
    pub fn is_of_conduct(&self, requirement: &Requirement) -> bool {
        self.conduct.as_ref().is_some_and(|own| own.id == requirement.id)
    }

    /// The ids of the requirements that it breaks.
    pub fn broken(&self) -> impl Iterator<Item = &str> {
        self.requirements.iter().map(|requirement| requirement.id.as_str())
    }
}

/// What was not met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Unmet {
    /// A step of the case, of this kind.
    Step(StepWord),
    /// A rule, by its name.
    Rule(String),
    /// The end of the run: what comes behind the last step must be lawful too.
    End,
    /// No step, rule or requirement: the target broke down.
    Breakdown(Breakdown),
}

impl Unmet {
    /// The rule's name, if it is one.
    pub fn rule(&self) -> Option<&str> {
        match self {
            Unmet::Rule(name) => Some(name),
            Unmet::Step(_) | Unmet::End | Unmet::Breakdown(_) => None,
        }
    }

    /// How the target broke down, if that is it.
    pub fn breakdown(&self) -> Option<Breakdown> {
        match self {
            Unmet::Breakdown(how) => Some(*how),
            Unmet::Step(_) | Unmet::Rule(_) | Unmet::End => None,
        }
    }
}

/// One thing that an RFC asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Requirement {
    /// `RFC5961-3.2-3`
    pub id: String,
    /// How strongly.
    pub level: Level,
    /// How the level came about.
    #[serde(default, skip_serializing_if = "Basis::is_keyword")]
    pub basis: Basis,
    /// What kind of document asks; `null` for a requirement of a user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// In our own words.
    pub summary: String,
}

impl Requirement {
    /// On what grounds its level stands.
    pub const fn grounds(&self) -> Grounds {
        Grounds {
            basis: self.basis,
            status: self.status,
        }
    }
}

/// A rule that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BrokenRule {
    /// Its name; `tcpvet rules` lists them.
    pub rule: String,
    /// The frames in conflict, and what the matter is.
    pub seen: String,
}

/// Where a step stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Position {
    /// The file, as shown to a person.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A step of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Step {
    /// As written: `inject: SYN`.
    pub text: String,
    /// Where it stands.
    pub position: Position,
    /// The state of `given` that it helps to reach; `null` for a step of the case itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
    /// The steps of each outcome, by its name, where it is an `any-of`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<(String, Vec<Step>)>,
}

/// A measured value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// A number without a unit, or a field.
    Number(f64),
    /// Seconds.
    Seconds(f64),
    /// Octets, such as a fast open cookie.
    Octets(Octets),
}

/// Octets, which are written in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(with = "String"))]
#[serde(try_from = "String", into = "String")]
pub struct Octets(pub Arc<[u8]>);

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl From<Octets> for String {
    fn from(octets: Octets) -> String {
        octets.to_string()
    }
}

impl TryFrom<String> for Octets {
    type Error = String;

    fn try_from(text: String) -> Result<Octets, String> {
        let octets = HEXLOWER.decode(text.as_bytes());
        match octets {
            Ok(octets) => Ok(Octets(octets.into())),
            Err(error) => Err(format!("octets are written in hexadecimal: {error}")),
        }
    }
}
