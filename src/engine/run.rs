//! One run: where it stands in its script, what it waits for, and how it ends.

use super::bench::{Endpoints, RunId};
use super::calls::Calls;
use super::outcome::{BrokenRule, Evidence, Failure, Happening, MetBy, Outcome, TraceEvent, Verdict};
use super::rng::Rng;
use super::traffic::Delayed;
use crate::notation::{Period, Verb, print_octets};
use crate::path::Middlebox;
use crate::peer::Measure;
use crate::peer::conn::Conn;
use crate::peer::eval::{Scope, period};
use crate::peer::fit::Hunt;
use crate::peer::frame::{Cause, Frame, Mark};
use crate::rfc::{Level, Requirement};
use crate::rules::{Known, Watch, Way};
use crate::script::{Condition, ConnId, Position, Script, Step, StepKind};
use crate::stack::Tolerance;
use crate::stack::{Call, CallId, Facts};
use crate::time::{Instant, Stamp};
use crate::wire::{Packet, SeqNum};
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What a driver is to carry for a run.
#[derive(Debug)]
pub(super) enum Action {
    Inject(Flight),
    Call(CallId, Call),
}

/// A packet on its way to the target.
#[derive(Debug)]
pub(super) struct Flight {
    pub octets: Arc<[u8]>,
    /// What it says, and its place in the trace; `None` where that is nothing for the rules.
    pub seen: Option<(usize, Arc<Packet>)>,
}

/// What a run does next.
#[derive(Debug)]
pub(super) enum Turn {
    Act(Action),
    Wait(Instant),
    Ended,
}

/// Why a run stops before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// The target did not do what it should.
    Failed {
        expected: String,
        seen: String,
        timing: bool,
    },
    Unsupported(String),
    Inconclusive(String),
    /// The case asks for what cannot be.
    Case(String),
}

impl Stop {
    pub fn failed(expected: impl Into<String>, seen: impl Into<String>) -> Stop {
        Stop::Failed {
            expected: expected.into(),
            seen: seen.into(),
            timing: false,
        }
    }

    pub fn late(expected: impl Into<String>, seen: impl Into<String>) -> Stop {
        Stop::Failed {
            expected: expected.into(),
            seen: seen.into(),
            timing: true,
        }
    }
}

/// A text of the evaluator is about the case.
impl From<String> for Stop {
    fn from(problem: String) -> Stop {
        Stop::Case(problem)
    }
}

/// Whether a step has come to its end.
pub(super) enum Progress {
    Done,
    Until(Instant),
}

/// What the step under way waits for.
#[derive(Debug)]
pub(super) enum Busy {
    /// The next step is to begin.
    Idle,
    /// A segment is on its way out.
    Sent,
    /// These calls are on their way out.
    Calling(Vec<CallId>),
    /// This call must end by then.
    Returning(CallId, Instant),
    Expecting(Expecting),
    /// Nothing may come until then.
    Silent {
        until: Instant,
        base: Mark,
        period: Period,
    },
    /// One of several outcomes.
    Choosing {
        ends: Vec<Instant>,
        hunts: BTreeMap<(usize, usize), Hunt>,
    },
    /// A pending call must end within the period, or still be pending then.
    Resulting {
        base: Mark,
        period: Period,
    },
    /// Time passes.
    Waiting(Instant),
    /// The state is being asked for; by then it must be right.
    Asking {
        id: CallId,
        until: Instant,
    },
    /// It will be asked again then.
    AskAgain {
        at: Instant,
        until: Instant,
    },
    /// A probe asks for the state in its stead.
    Probing(Instant),
    /// The last look at what nobody asked for.
    Ending(Instant),
}

/// An `expect` under way.
#[derive(Debug)]
pub(super) struct Expecting {
    pub base: Mark,
    pub period: Period,
    pub hunts: BTreeMap<usize, Hunt>,
    pub got: u64,
}

/// Something handed to the driver that has not come to rest yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFlight {
    pub cause: u64,
    /// When the driver was asked.
    pub asked: Instant,
    pub carried: Option<Stamp>,
}

/// Where a run stands: in which list of steps, at which of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Which of `given`; as many as there are: the steps proper.
    given: usize,
    index: usize,
    /// The outcomes that were taken: at which step, which of them.
    branches: Vec<(usize, usize)>,
}

impl Cursor {
    fn list<'a>(&self, script: &'a Script) -> &'a [Step] {
        let mut list = script
            .given
            .get(self.given)
            .map_or(script.steps.as_slice(), |given| &given.steps);
        for (index, branch) in &self.branches {
            list = match &list[*index].kind {
                StepKind::AnyOf(any_of) => &any_of.outcomes[*branch].1,
                _ => &[],
            };
        }
        list
    }

    /// The step there; `None` behind the last.
    pub fn step<'a>(&self, script: &'a Script) -> Option<&'a Step> {
        self.list(script).get(self.index)
    }

    /// Whether it belongs to `given`.
    pub fn in_given(&self, script: &Script) -> bool {
        self.given < script.given.len()
    }

    fn advance(&mut self) {
        self.index += 1;
    }

    fn enter(&mut self, branch: usize) {
        self.branches.push((self.index, branch));
        self.index = 0;
    }

    /// Leaves lists that are at their end. `false`: everything is.
    fn settle(&mut self, script: &Script) -> bool {
        while self.index >= self.list(script).len() {
            match self.branches.pop() {
                Some((index, _)) => self.index = index + 1,
                None if self.in_given(script) => {
                    *self = Cursor {
                        given: self.given + 1,
                        ..Cursor::default()
                    }
                }
                None => return false,
            }
        }
        true
    }
}

/// A delay of ours that is too long for anything to be said about the target: far above what a busy machine's
/// scheduler does, far below the shortest timer of TCP.
const TOO_LATE: Duration = Duration::from_millis(50);

/// One run.
pub(super) struct Run {
    pub script: Arc<Script>,
    pub facts: Arc<Facts>,
    pub at: Endpoints,
    pub conns: Vec<Conn>,
    pub measures: BTreeMap<String, Vec<Measure>>,
    pub labels: BTreeMap<String, Mark>,
    pub mark: Mark,
    pub cursor: Cursor,
    pub busy: Busy,
    pub outbox: VecDeque<Action>,
    pub in_flight: Option<InFlight>,
    /// The packet in flight, for the rules.
    flying: Option<(usize, Arc<Packet>)>,
    /// From when the time of a `state` step runs; asking for it moves the mark.
    pub state_since: Mark,
    /// What must hold whatever the case asks.
    watch: Option<Watch>,
    pub order: u64,
    pub rng: Rng,
    pub calls: Calls,
    pub middlebox: Middlebox,
    pub delayed: Vec<Delayed>,
    pub strays: Vec<String>,
    pub checked: u64,
    soft: Option<(Verdict, Failure)>,
    broken: Vec<BrokenRule>,
    /// How many breaches stand in the trace.
    marked: usize,
    outcomes: Vec<String>,
    pub notes: Vec<String>,
    trace: Vec<TraceEvent>,
    evidence: Vec<Evidence>,
    /// How many frames of the target have come.
    pub frames: u32,
    /// How many injects and calls were handed to the driver.
    inputs: u32,
    pub began: Instant,
    late: Duration,
    /// Until when the run waits.
    due: Instant,
    /// Since when it could have done what it does next.
    stirred: Instant,
    outcome: Option<Outcome>,
    cleaned: bool,
}

impl Run {
    pub fn new(id: RunId, now: Instant, script: Arc<Script>, facts: Arc<Facts>, at: Endpoints, rules: bool) -> Run {
        let mut rng = Rng::new(at.seed);
        let conns = conns(&script, &facts, &at, &mut rng);
        let calls = Calls::new(id);
        let watch = rules.then(|| {
            Watch::new(Known {
                mtu: Some(usize::from(facts.mtu)),
                complete: true,
                prompt: true,
                merged: false,
            })
        });
        let mut run = Run {
            script,
            facts,
            at,
            conns,
            measures: BTreeMap::new(),
            labels: BTreeMap::new(),
            mark: Mark {
                at: Stamp::exactly(now),
                cause: None,
            },
            cursor: Cursor::default(),
            busy: Busy::Idle,
            outbox: VecDeque::new(),
            in_flight: None,
            flying: None,
            state_since: Mark::default(),
            watch,
            order: 0,
            rng,
            calls,
            middlebox: Middlebox::default(),
            delayed: Vec::new(),
            strays: Vec::new(),
            checked: 0,
            soft: None,
            broken: Vec::new(),
            marked: 0,
            outcomes: Vec::new(),
            notes: Vec::new(),
            trace: Vec::new(),
            evidence: Vec::new(),
            frames: 0,
            inputs: 0,
            began: now,
            late: Duration::ZERO,
            due: Instant::NEVER,
            stirred: now,
            outcome: None,
            cleaned: false,
        };
        run.refuse_what_cannot_be(now);
        run
    }

    /// Ends the run before it begins where its condition is not claimed or an ability is missing.
    fn refuse_what_cannot_be(&mut self, now: Instant) {
        let covers = &self.script.covers;
        if !covers.is_empty() && !covers.iter().any(|requirement| self.applies(requirement)) {
            let reason = self.unclaimed(covers);
            return self.end(now, Verdict::NotApplicable, reason);
        }
        let ip = if self.at.target.is_ipv4() { "ipv4" } else { "ipv6" };
        if let Some(missing) = super::needs::missing(&self.script, &self.facts, ip) {
            self.end(now, missing.0, missing.1);
        }
    }

    /// The conditions that the target does not claim, each once.
    fn unclaimed(&self, covers: &[Arc<Requirement>]) -> String {
        let mut conditions: Vec<_> = covers
            .iter()
            .filter_map(|requirement| requirement.when.as_deref())
            .collect();
        conditions.sort_unstable();
        conditions.dedup();
        format!("{} does not claim `{}`", self.facts.name, conditions.join("`, `"))
    }

    pub fn applies(&self, requirement: &Requirement) -> bool {
        requirement
            .when
            .as_ref()
            .is_none_or(|when| self.facts.claims.contains(when))
    }

    /// Does as much as can be done at `now`; everything that happened up to `drained` has been handed in.
    pub fn turn(&mut self, now: Instant, drained: Instant) -> Turn {
        if drained >= self.due {
            self.stirred = self.stirred.max(self.due);
            self.due = Instant::NEVER;
        }
        loop {
            if self.in_flight.is_some() {
                return Turn::Wait(Instant::NEVER);
            }
            if let Some(mut action) = self.outbox.pop_front() {
                // What is to be done at a moment, or in answer to something, must not be done late.
                self.note_lateness(now.since(self.stirred));
                self.order += 1;
                self.inputs += 1;
                self.in_flight = Some(InFlight {
                    cause: self.order,
                    asked: now,
                    carried: None,
                });
                if let Action::Inject(flight) = &mut action {
                    self.flying = flight.seen.take();
                }
                return Turn::Act(action);
            }
            if self.outcome.is_some() {
                if !self.cleaned {
                    self.clean();
                    continue;
                }
                return Turn::Ended;
            }
            let next_delayed = self.release_delayed(drained);
            if !self.outbox.is_empty() {
                continue;
            }
            match self.proceed(now, drained) {
                Ok(Progress::Done) => {}
                Ok(Progress::Until(deadline)) => {
                    self.due = deadline.min(next_delayed);
                    return Turn::Wait(self.due);
                }
                Err(stop) => self.stop(now, stop),
            }
        }
    }

    /// Closes what the run left open, where the target outlives it.
    fn clean(&mut self) {
        self.cleaned = true;
        if !self.facts.virtual_time {
            let calls = self.calls.cleaning(&self.conns);
            self.outbox
                .extend(calls.into_iter().map(|(id, call)| Action::Call(id, call)));
        }
    }

    // ----- what the driver tells ------------------------------------------------------------------------------------

    pub fn carried(&mut self, at: Stamp) {
        if let Some(in_flight) = &self.in_flight {
            self.note_lateness(at.latest.since(in_flight.asked));
        }
        let Some(in_flight) = &mut self.in_flight else { return };
        in_flight.carried = Some(at);
        if let (Some((number, packet)), Some(watch)) = (self.flying.take(), &mut self.watch) {
            watch.see(number, at, Way::In, &packet);
        }
        if self.outcome.is_none() {
            self.mark = Mark {
                at,
                cause: Some(in_flight.cause),
            };
        }
    }

    pub fn quiet(&mut self, at: Instant) {
        if let Some(InFlight {
            carried: Some(carried), ..
        }) = self.in_flight
        {
            self.note_lateness(at.since(carried.latest));
        }
        self.in_flight = None;
        self.stirred = at;
    }

    /// The certain cause of what is told now, if there is one, and its moment: not before the cause was carried out, and
    /// not after it was told. It needed no time; but where we looked late, a timer may have had a part in it.
    pub fn cause(&mut self, at: Stamp) -> (Cause, Stamp) {
        self.stirred = self.stirred.max(at.latest);
        match self.in_flight {
            Some(InFlight {
                cause,
                carried: Some(carried),
                ..
            }) => {
                let at = Stamp {
                    earliest: carried.earliest,
                    latest: at.latest.max(carried.latest),
                };
                (Some(cause), at)
            }
            Some(InFlight { carried: None, .. }) | None => (None, at),
        }
    }

    pub fn note_lateness(&mut self, late: Duration) {
        if !self.facts.virtual_time {
            self.late = self.late.max(late);
        }
    }

    // ----- small things that steps need -----------------------------------------------------------------------------

    pub fn scope(&self, here: usize) -> Scope<'_> {
        Scope {
            conns: &self.conns,
            here,
            measures: &self.measures,
        }
    }

    pub fn tolerance(&self, name: Tolerance) -> Duration {
        self.facts.tolerances.get(name)
    }

    /// When it is for the run, whose clock begins at zero.
    pub fn clock(&self, now: Instant) -> Instant {
        Instant::ZERO + now.since(self.began)
    }

    /// From when a step's time runs, and how long it is; `soon` if not written.
    pub fn window(&self, when: &Condition) -> Result<(Mark, Period), Stop> {
        let base = match &when.since {
            None => self.mark,
            Some(label) => *self
                .labels
                .get(label)
                .ok_or_else(|| format!("no step called `{label}` has been met"))?,
        };
        let period = match &when.within {
            None => Period {
                least: Duration::ZERO,
                most: self.tolerance(Tolerance::Soon),
            },
            Some(spec) => period(spec, &self.facts.tolerances, &self.measures)?,
        };
        Ok((base, period))
    }

    /// Judges a time that is known between two bounds.
    pub fn in_time(&self, what: &str, (min, max): (Duration, Duration), period: Period) -> Result<(), Stop> {
        let seconds = |time: Duration| format!("{:.3} s", time.as_secs_f64());
        if min > period.most || max < period.least {
            let bound = match min > period.most {
                true => format!("{what} within {}", seconds(period.most)),
                false => format!("{what} not sooner than {}", seconds(period.least)),
            };
            return Err(Stop::late(
                bound,
                format!("it came after {}", seconds(if min > period.most { min } else { max })),
            ));
        }
        if max > period.most || min < period.least {
            let doubt = format!(
                "{what} came between {} and {}: too close to the bound",
                seconds(min),
                seconds(max)
            );
            return Err(Stop::Inconclusive(doubt));
        }
        Ok(())
    }

    pub fn note(&mut self, at: Stamp, text: impl Into<String>) {
        self.trace(at, Happening::Note(text.into()));
    }

    pub fn trace(&mut self, at: Stamp, what: Happening) {
        if self.outcome.is_none() {
            self.trace.push(TraceEvent { at, what });
        }
    }

    /// How many events the trace has.
    pub fn trace_length(&self) -> usize {
        self.trace.len()
    }

    /// Notes what met the step under way, which waits from `base` on.
    pub fn met_by(&mut self, met_by: MetBy, base: Mark, period: Period) {
        self.evidence.push(Evidence {
            step: self.cursor.clone(),
            met_by,
            window: (base.at.earliest + period.least, base.at.latest + period.most),
            inputs: self.inputs,
        });
    }

    /// The step under way.
    pub fn step<'a>(&self, script: &'a Script) -> Option<&'a Step> {
        self.cursor.step(script)
    }

    /// Whether the step under way is the script's last.
    pub fn at_last_step(&self) -> bool {
        let mut next = self.cursor.clone();
        next.advance();
        !self.cursor.in_given(&self.script) && !next.settle(&self.script)
    }

    /// Goes on to the next step; names this one's moment.
    pub fn finish_step(&mut self) {
        let script = Arc::clone(&self.script);
        if let Some(label) = self.step(&script).and_then(|step| step.label.clone()) {
            self.labels.insert(label, self.mark);
        }
        self.cursor.advance();
        self.busy = Busy::Idle;
    }

    /// Takes one of several outcomes; its first step is next.
    pub fn choose(&mut self, branch: usize, name: &str) {
        self.outcomes.push(name.to_owned());
        self.cursor.enter(branch);
        self.busy = Busy::Idle;
    }

    /// Whether there is a step to begin; the script's end otherwise.
    pub fn settle(&mut self) -> bool {
        let script = Arc::clone(&self.script);
        self.cursor.settle(&script)
    }

    pub fn pending_verb(&self, conn: ConnId, verb: Verb) -> Option<CallId> {
        self.calls.latest(conn, verb)
    }

    // ----- how it ends ----------------------------------------------------------------------------------------------

    fn stop(&mut self, now: Instant, stop: Stop) {
        match stop {
            Stop::Unsupported(why) => self.end(now, Verdict::Unsupported, why),
            Stop::Inconclusive(why) => self.end(now, Verdict::Inconclusive, why),
            Stop::Case(why) => {
                let script = Arc::clone(&self.script);
                let place = self.step(&script).map_or(String::new(), |step| {
                    format!("{}:{}: `{}`: ", step.position.file, step.position.line, step.text)
                });
                self.end(now, Verdict::CaseError, format!("{place}{why}"));
            }
            Stop::Failed { expected, seen, timing } => {
                let (verdict, failure) = self.judge(expected, seen, timing);
                self.fail(now, verdict, failure);
            }
        }
    }

    fn fail(&mut self, now: Instant, verdict: Verdict, failure: Failure) {
        if self.broken.is_empty() {
            self.hear_the_rules(now, severity(verdict));
        }
        let worst = match self.soft.take() {
            Some((soft, earlier)) if severity(soft) >= severity(verdict) => (soft, earlier),
            _ => (verdict, failure),
        };
        let reason = match worst.0 {
            Verdict::NotApplicable => self.unclaimed(self.covers_here()),
            _ => worst.1.seen.clone(),
        };
        self.end(now, worst.0, reason);
        if let Some(outcome) = &mut self.outcome
            && outcome.verdict != Verdict::Inconclusive
        {
            outcome.failure = Some(worst.1);
        }
    }

    /// Records that an outcome came that does not meet the requirement, if it applies; the run goes on.
    pub fn fail_softly(&mut self, expected: String, seen: String) {
        let (verdict, failure) = self.judge(expected, seen, false);
        if verdict == Verdict::NotApplicable {
            return;
        }
        let known = self.soft.as_ref().map_or(0, |(verdict, _)| severity(*verdict));
        if severity(verdict) > known {
            self.soft = Some((verdict, failure));
        }
    }

    /// What the step under way stands for.
    fn covers_here(&self) -> &[Arc<Requirement>] {
        let own = self.step(&self.script).map(|step| step.covers.as_slice());
        own.filter(|covers| !covers.is_empty()).unwrap_or(&self.script.covers)
    }

    /// The strongest requirement that the step under way stands for, among those that apply, decides.
    fn judge(&self, expected: String, seen: String, timing: bool) -> (Verdict, Failure) {
        let script = &self.script;
        let step = self.step(script);
        let covers = self.covers_here();
        let broken: Vec<_> = covers.iter().filter(|requirement| self.applies(requirement)).collect();
        let verdict = match broken.iter().map(|requirement| requirement.level).max() {
            Some(Level::Must) => Verdict::Fail,
            Some(Level::Should) => Verdict::Deviates,
            Some(Level::May) => Verdict::Observed,
            None if covers.is_empty() => Verdict::Fail,
            None => Verdict::NotApplicable,
        };
        let given = script
            .given
            .get(self.cursor.given)
            .map(|given| given.state.name().to_owned());
        let last = script.steps.last();
        let position = step.or(last).map(|step| step.position.clone()).unwrap_or_default();
        let failure = Failure {
            step: step.map_or_else(|| "the end of the run".to_owned(), |step| step.text.clone()),
            position,
            given,
            expected,
            seen,
            requirements: broken
                .iter()
                .map(|it| (it.id.clone(), it.level, it.summary.clone()))
                .collect(),
            timing,
        };
        (verdict, failure)
    }

    /// Shows a frame of the target to the rules, before anything happens to it on the way.
    pub fn show_to_rules(&mut self, at: Stamp, packet: &Arc<Packet>) {
        if let Some(watch) = &mut self.watch {
            watch.see(self.trace.len(), at, Way::Out, packet);
        }
    }

    /// Marks the frame in the trace that has just broken a rule.
    pub fn mark_broken(&mut self, at: Stamp) {
        while let Some(breach) = self.watch.as_ref().and_then(|watch| watch.breaches().get(self.marked)) {
            let name = breach.rule.name;
            self.marked += 1;
            self.trace(at, Happening::Broken(name));
        }
    }

    /// The rules that were broken, the worst first.
    fn broken_rules(&mut self, now: Instant) -> Vec<BrokenRule> {
        if let Some(watch) = &mut self.watch {
            watch.finish(Stamp::exactly(now));
        }
        let shown = |number: usize| match self.trace.get(number) {
            Some(TraceEvent {
                at,
                what: Happening::Frame { octets, origins, .. },
            }) => format!("`{}` at {}", print_octets(octets, *origins), self.clock(at.latest)),
            _ => "a frame".to_owned(),
        };
        let breaches = self.watch.as_ref().map_or(&[][..], Watch::breaches);
        let mut broken: Vec<BrokenRule> = breaches
            .iter()
            .map(|breach| {
                let (earlier, later) = breach.frames;
                let since = earlier.map_or_else(String::new, |earlier| format!(", against {}", shown(earlier)));
                BrokenRule {
                    rule: breach.rule,
                    seen: format!("{}: {}{since}", shown(later), breach.text),
                }
            })
            .collect();
        broken.sort_by_key(|broken| std::cmp::Reverse(broken.rule.level()));
        broken
    }

    /// The worst that the rules have to say, as a step that was not met.
    fn rule_failure(broken: &BrokenRule, position: Position) -> (Verdict, Failure) {
        let rule = broken.rule;
        let verdict = match rule.level() {
            Level::Must => Verdict::Fail,
            Level::Should => Verdict::Deviates,
            Level::May => Verdict::Observed,
        };
        let requirement = |(id, level): &(&str, Level)| ((*id).to_owned(), *level, rule.meaning.to_owned());
        let failure = Failure {
            step: format!("rule: {}", rule.name),
            position,
            given: None,
            expected: rule.meaning.to_owned(),
            seen: broken.seen.clone(),
            requirements: rule.requirements.iter().map(requirement).collect(),
            timing: rule.timing,
        };
        (verdict, failure)
    }

    /// Lets the rules speak: what they found counts if it is worse than what the steps found.
    fn hear_the_rules(&mut self, now: Instant, own: u8) {
        self.broken = self.broken_rules(now);
        let Some(worst) = self.broken.first() else { return };
        // It belongs to no step, but to the file as a whole.
        let file = self.script.steps.first().map(|step| Arc::clone(&step.position.file));
        let position = file.map_or_else(Position::default, |file| Position {
            file,
            line: 1,
            column: 1,
        });
        let (verdict, failure) = Run::rule_failure(worst, position);
        let known = self.soft.as_ref().map_or(0, |(verdict, _)| severity(*verdict));
        if severity(verdict) > known.max(own) {
            self.soft = Some((verdict, failure));
        }
    }

    /// Ends the run with everything met.
    pub fn complete(&mut self, now: Instant) {
        self.hear_the_rules(now, 0);
        if let Some((verdict, failure)) = self.soft.take() {
            return self.fail(now, verdict, failure);
        }
        if self.checked == 0 {
            return self.end(
                now,
                Verdict::CaseError,
                "the case compared no reply and no result".to_owned(),
            );
        }
        self.end(now, Verdict::Pass, String::new());
    }

    /// Ends the run; only the first end counts.
    pub fn end(&mut self, now: Instant, verdict: Verdict, reason: String) {
        if self.outcome.is_some() {
            return;
        }
        // A pass is one in spite of our delay. Whatever else the target seems to have done, we may have made it do.
        let doubtful = matches!(verdict, Verdict::Fail | Verdict::Deviates | Verdict::Observed);
        let (verdict, reason) = match doubtful && self.late > TOO_LATE {
            true => (
                Verdict::Inconclusive,
                format!("we were {:.0} ms late", self.late.as_secs_f64() * 1e3),
            ),
            false => (verdict, reason),
        };
        self.outcome = Some(Outcome {
            verdict,
            failure: None,
            reason,
            outcomes: std::mem::take(&mut self.outcomes),
            measures: std::mem::take(&mut self.measures),
            notes: std::mem::take(&mut self.notes),
            broken_rules: std::mem::take(&mut self.broken),
            trace: std::mem::take(&mut self.trace),
            evidence: std::mem::take(&mut self.evidence),
            began: self.began,
            ended: now,
        });
        self.outbox.clear();
    }

    /// Ends the run for a reason of ours, without cleaning up behind it.
    pub fn void(&mut self, now: Instant, reason: &str) {
        self.end(now, Verdict::Inconclusive, reason.to_owned());
        self.cleaned = true;
        self.outbox.clear();
        self.in_flight = None;
    }

    /// Ends the run because the target misbehaves in a way that no step asks about.
    pub fn blame(&mut self, now: Instant, expected: &str, seen: &str) {
        self.in_flight = None;
        self.cleaned = true;
        if self.outcome.is_none() {
            let (verdict, failure) = self.judge(expected.to_owned(), seen.to_owned(), false);
            self.fail(now, verdict, failure);
        }
    }

    pub fn ended(&self) -> bool {
        self.outcome.is_some()
    }

    pub fn into_outcome(self) -> Option<Outcome> {
        self.outcome
    }
}

fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 4,
        Verdict::Deviates => 3,
        Verdict::Observed => 2,
        Verdict::Pass | Verdict::Unsupported | Verdict::NotApplicable | Verdict::Inconclusive | Verdict::CaseError => 1,
    }
}

/// The first port that the tester speaks from.
const FIRST_PORT: u16 = 20_000;

/// Near enough to 2^32 that a handshake and a few octets go round.
const NEAR_THE_WRAP: u32 = 0xffff_fffd;

fn conns(script: &Script, facts: &Facts, at: &Endpoints, rng: &mut Rng) -> Vec<Conn> {
    let mut conns: Vec<Conn> = Vec::with_capacity(script.connections.len());
    for (index, decl) in script.connections.iter().enumerate() {
        let isn = SeqNum(if at.wrap { NEAR_THE_WRAP } else { rng.next_u32() });
        let made_up = SeqNum(rng.next_u32());
        let shared = decl.tuple.and_then(|base| conns.get(base.0));
        let (tester, port) = match shared {
            Some(base) => (base.tester, base.tester_port),
            None => (
                at.testers[decl.host % at.testers.len()],
                FIRST_PORT.wrapping_add(index as u16),
            ),
        };
        conns.push(Conn::new(&decl.name, tester, port, isn, made_up, facts));
    }
    conns
}

/// Frames that belong together in the order in which they came.
pub(super) fn earliest<'a>(conns: &'a [Conn], among: &[ConnId]) -> Option<(usize, &'a Frame)> {
    let fronts = among
        .iter()
        .filter_map(|id| conns[id.0].inbox.front().map(|frame| (id.0, frame)));
    fronts.min_by_key(|(_, frame)| frame.order)
}
