//! A checked script, as the engine carries it out: no YAML, no text to be parsed, no name that may be unknown.

use crate::notation::{CallSpec, Check, Expr, IcmpPattern, Quantity, ReturnSpec, SegmentPattern, TimeSpec, Verb};
use crate::rfc::{Requirement, State};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

mod words;

pub use words::STRIPPABLE;

/// A connection of a script, by its place in [`Script::connections`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub usize);

/// A declared connection. `main` is always the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnDecl {
    /// `main`, `b`, `p17`.
    pub name: String,
    /// Which of the tester's addresses, by number; 0 unless `host:` names another.
    pub host: usize,
    /// The connection whose four-tuple this one has, too.
    pub tuple: Option<ConnId>,
    /// The tester's ISN: relative to the ISN of `tuple`'s connection if there is one, else absolute.
    pub isn: Option<Expr>,
}

/// Where a step stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The file, as shown to a person: `cases/reset/acceptance.yaml`.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// One variation of a case: a row of its matrix, all values filled in, `repeat` unrolled, `given` spelled out.
#[derive(Clone, Debug)]
pub struct Script {
    /// The case's id: `reset/acceptance`.
    pub case: Arc<str>,
    /// The row's name: `state=ESTABLISHED,event=RST-EXACT`; empty without a matrix.
    pub row: String,
    /// The claim.
    pub title: Arc<str>,
    /// What breaks in practice if it is not met.
    pub why: Arc<str>,
    /// Why the RFC is to be read so, where every stack that was tried does otherwise; else empty.
    pub reading: Arc<str>,
    /// What the case covers in this row; a step without `covers` of its own stands for these.
    pub covers: Arc<[Arc<Requirement>]>,
    /// Other suites' names for it: suite to ids.
    pub ids: Arc<BTreeMap<String, Vec<String>>>,
    /// What it is tagged with.
    pub tags: Arc<[Tag]>,
    /// Abilities or conditions that no step shows.
    pub needs: Vec<String>,
    /// Host-wide settings by neutral name.
    pub configure: BTreeMap<String, String>,
    /// Restrictions of the implicit axes: `ip` to `4` or `6`, `isn` to `plain` or `wrap`.
    pub only: BTreeMap<String, String>,
    /// The connections; `main` first.
    pub connections: Vec<ConnDecl>,
    /// How the states of `given` are reached, in order.
    pub given: Vec<Given>,
    /// What is done then.
    pub steps: Vec<Step>,
}

impl Script {
    /// Whether it asks for a place of its own, where no other run is.
    pub fn is_alone(&self) -> bool {
        self.tags.contains(&Tag::Alone)
    }
}

/// A tag of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    /// `alone`: its runs ask for a place of their own, where no other run is.
    Alone,
    /// A free word, for selection.
    Word(String),
}

impl Tag {
    /// The tag that is written so.
    pub fn new(text: &str) -> Tag {
        match text == Tag::Alone.name() {
            true => Tag::Alone,
            false => Tag::Word(text.to_owned()),
        }
    }

    /// As a case writes it.
    pub fn name(&self) -> &str {
        match self {
            Tag::Alone => "alone",
            Tag::Word(word) => word,
        }
    }
}

/// One state to be reached before the steps.
#[derive(Clone, Debug)]
pub struct Given {
    /// Which.
    pub state: State,
    /// On which connection.
    pub conn: ConnId,
    /// How, spelled out from `given/*.yaml`.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    /// What to do.
    pub kind: StepKind,
    /// The connections: one, or the members of a family where `expect` looks at all of them.
    pub conns: Vec<ConnId>,
    /// Its own requirements; empty: the case's.
    pub covers: Vec<Arc<Requirement>>,
    /// `as:` its name for a later `since:`.
    pub label: Option<String>,
    /// Where it stands.
    pub position: Position,
    /// As written, after substitution: `expect: ACK ack=2`.
    pub text: String,
}

/// What a step does. The parts of steps that take several turns are shared, so that the engine can keep them.
#[derive(Clone, Debug)]
pub enum StepKind {
    /// `inject:` a segment.
    Inject(SegmentPattern),
    /// `inject: ICMP ...`
    InjectIcmp(IcmpPattern),
    /// `fill:` this segment, with text, until the target's window is shut.
    Fill(SegmentPattern),
    /// `expect:` a segment.
    Expect(Arc<Expect>),
    /// `expect: nothing`
    Nothing(Nothing),
    /// `call:`
    Call(Arc<CallStep>),
    /// `result:`
    Result(Arc<ResultStep>),
    /// `wait:`, from the mark, or from the step named by `since`.
    Wait(TimeSpec, Option<String>),
    /// `state:`
    State(Arc<StateStep>),
    /// `any-of:`
    AnyOf(Arc<AnyOf>),
    /// `faults:`, from here on; an empty list ends them.
    Faults(Vec<FaultSpec>),
    /// `check:`
    Check(Check),
}

impl StepKind {
    /// The word by which it is written.
    pub fn word(&self) -> StepWord {
        match self {
            StepKind::Inject(_) | StepKind::InjectIcmp(_) => StepWord::Inject,
            StepKind::Fill(_) => StepWord::Fill,
            StepKind::Expect(_) | StepKind::Nothing(_) => StepWord::Expect,
            StepKind::Call(_) => StepWord::Call,
            StepKind::Result(_) => StepWord::Result,
            StepKind::Wait(..) => StepWord::Wait,
            StepKind::State(_) => StepWord::State,
            StepKind::AnyOf(_) => StepWord::AnyOf,
            StepKind::Faults(_) => StepWord::Faults,
            StepKind::Check(_) => StepWord::Check,
        }
    }
}

/// The words by which steps are written: reports tell kinds of steps apart by these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum StepWord {
    /// `inject:` a segment or an ICMP message.
    Inject,
    /// `fill:` text until the window is shut.
    Fill,
    /// `expect:` a segment, or nothing.
    Expect,
    /// `call:`
    Call,
    /// `result:`
    Result,
    /// `wait:`
    Wait,
    /// `state:`
    State,
    /// `any-of:`
    AnyOf,
    /// `faults:`
    Faults,
    /// `check:`
    Check,
}

impl StepWord {
    /// All of them.
    pub const ALL: [StepWord; 10] = [
        StepWord::Inject,
        StepWord::Fill,
        StepWord::Expect,
        StepWord::Call,
        StepWord::Result,
        StepWord::Wait,
        StepWord::State,
        StepWord::AnyOf,
        StepWord::Faults,
        StepWord::Check,
    ];

    /// As it is written in a case.
    pub const fn name(self) -> &'static str {
        match self {
            StepWord::Inject => "inject",
            StepWord::Fill => "fill",
            StepWord::Expect => "expect",
            StepWord::Call => "call",
            StepWord::Result => "result",
            StepWord::Wait => "wait",
            StepWord::State => "state",
            StepWord::AnyOf => "any-of",
            StepWord::Faults => "faults",
            StepWord::Check => "check",
        }
    }

    /// The word of that name.
    pub fn from_name(name: &str) -> Option<StepWord> {
        StepWord::ALL.into_iter().find(|word| word.name() == name)
    }
}

/// When something must happen: `within` and `since`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timing {
    /// `within:` (`for:` of `expect: nothing`); `soon` if not written.
    pub within: Option<TimeSpec>,
    /// The label of the step from which the time runs; else from the mark.
    pub since: Option<String>,
}

/// What is measured at a step: a name and what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// `$name` from here on.
    pub name: String,
    /// What its value is; a `result` and a `state` measure [`Quantity::Elapsed`] only.
    pub quantity: Quantity,
}

/// `expect:` a segment.
#[derive(Clone, Debug)]
pub struct Expect {
    /// What it looks like.
    pub segment: SegmentPattern,
    /// When.
    pub when: Timing,
    /// In how many segments the octets must come, both ends included.
    pub segments: Option<(u64, u64)>,
    /// How many must come in all of `within`, both ends included.
    pub count: Option<(u64, u64)>,
    /// `acknowledge: each`: inject the default ACK after each frame taken.
    pub acknowledge: bool,
    /// What is measured.
    pub measure: Vec<Measurement>,
}

/// `state:`
#[derive(Clone, Debug)]
pub struct StateStep {
    /// Which.
    pub state: State,
    /// By when it must be reached, if it need not be at once.
    pub when: Option<Timing>,
    /// What is measured: the time until it was.
    pub measure: Vec<Measurement>,
}

/// `expect: nothing`
#[derive(Clone, Debug)]
pub struct Nothing {
    /// For how long.
    pub when: Timing,
}

/// `call:`
#[derive(Clone, Debug)]
pub struct CallStep {
    /// The call.
    pub call: CallSpec,
    /// What it may return; empty: anything but an error.
    pub returns: Vec<ReturnSpec>,
}

/// `result:`
#[derive(Clone, Debug)]
pub struct ResultStep {
    /// Which pending call.
    pub verb: Verb,
    /// How it ends; several are alternatives.
    pub returns: Vec<ReturnSpec>,
    /// When.
    pub when: Timing,
    /// What is measured.
    pub measure: Vec<Measurement>,
}

/// `any-of:`
#[derive(Clone, Debug)]
pub struct AnyOf {
    /// The outcomes by name; one that begins with `expect: nothing` stands last.
    pub outcomes: Vec<(String, Vec<Step>)>,
    /// Those that meet `covers`; empty: all are lawful.
    pub right: Vec<String>,
    /// What makes the reference endpoint take each: names of its choices and mistakes, to be switched on together; none
    /// of them for an outcome that it takes by default. One that is not named here is not shown to come.
    pub by: BTreeMap<String, Vec<String>>,
}

/// What a middlebox does with a frame.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultAction {
    /// It never arrives.
    Drop,
    /// It arrives twice.
    Duplicate,
    /// It arrives later by this much.
    Delay(TimeSpec),
    /// One bit of it is turned over (which one is decided by the seed); the checksum stays as it was.
    Corrupt,
    /// This many octets of payload are cut off its end, lengths and checksum made right again.
    Truncate(Expr),
    /// The option of this kind is replaced by NOPs.
    Strip(u8),
    /// It arrives again after this much.
    Replay(TimeSpec),
}

/// One line of `faults:`.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultSpec {
    /// What is done.
    pub action: FaultAction,
    /// To which frames.
    pub segment: SegmentPattern,
    /// Only to the nth that fits, from 1; `None`: to every one.
    pub nth: Option<u64>,
    /// Whether it stands in the way of the tester's frames; else of the target's.
    pub from_tester: bool,
    /// Of which connections; never empty.
    pub conns: Vec<ConnId>,
}
