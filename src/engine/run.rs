//! One run: where it stands in its script, what it waits for, and how it ends.

use super::bench::{Endpoints, RunId};
use super::calls::Calls;
use super::cursor::Cursor;
use super::ending::Judgment;
use super::faults::RunMiddlebox;
use super::inputs::Inputs;
use super::outcome::{BrokenRule, Evidence, Happening, MetBy, Outcome, TraceEvent, Verdict};
use super::stage::{Progress, Stage};
use super::stop::{CaseFault, Stop};
use super::symptom::{Moment, Symptom};
use crate::notation::{Period, TimeSpec, Verb};
use crate::peer::{Cause, Conn, Frame, Mark, Measure, Message, Scope, period};
use crate::random::Random;
use crate::rfc::Requirement;
use crate::rules::{Known, Watch, Way};
use crate::script::{ConnId, Script, Step, Timing};
use crate::stack::{Call, CallId, Facts, IpVersion, Tolerance};
use crate::time::{Instant, Stamp};
use crate::wire::{Packet, SeqNum};
use core::net::IpAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Most lines of a trace. The longest run of a case has a tenth of that.
const LONGEST_TRACE: usize = 20_000;

/// What a driver is to carry for a run.
#[derive(Debug)]
pub(super) enum DriverAction {
    Inject(Flight),
    Call(CallId, Call),
}

/// A packet on its way to the target.
#[derive(Debug)]
pub(super) struct Flight {
    pub octets: Arc<[u8]>,
    /// The packet and its place in the trace, for the rules; `None` where it is nothing for them.
    pub seen: Option<(usize, Arc<Packet>)>,
    pub message: Message,
}

/// What a run does next.
#[derive(Debug)]
pub(super) enum Turn {
    Act(DriverAction),
    Wait(Instant),
    Ended,
}

/// What was handed to the driver, while its immediate consequences are still coming.
#[derive(Clone, Copy, Debug)]
pub(super) struct InFlight {
    pub cause: u64,
    /// When the driver was asked.
    pub asked: Instant,
    pub carried: Option<Stamp>,
}

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
    pub stage: Stage,
    pub outbox: VecDeque<DriverAction>,
    pub in_flight: Option<InFlight>,
    /// The packet that was handed to the driver, for the rules.
    pub flying: Option<(usize, Arc<Packet>)>,
    /// The rules, which must hold whatever the case asks.
    pub watch: Option<Watch>,
    pub order: u64,
    pub calls: Calls,
    pub middlebox: RunMiddlebox,
    pub strays: Vec<String>,
    /// The addresses of nobody that a call or a segment of ours has named: the target may speak to them, though it
    /// should not.
    pub named: BTreeSet<IpAddr>,
    pub checked: u64,
    /// What does not meet a requirement so far, although the steps go on.
    pub soft: Option<Judgment>,
    /// What the run would have failed by, were it not waived.
    pub passed_over: Vec<Judgment>,
    pub broken: Vec<BrokenRule>,
    /// How many broken rules are noted in the trace.
    pub marked: usize,
    pub outcomes: Vec<String>,
    pub notes: Vec<String>,
    pub trace: Vec<TraceEvent>,
    pub evidence: Vec<Evidence>,
    /// The place in the trace of each frame of the target, by its number.
    pub frames: Vec<usize>,
    /// The injects and calls that were handed to the driver.
    pub inputs: Inputs,
    /// The frames that were passed by as background since the last of them, as a person reads them.
    pub passed_by: Vec<String>,
    pub began: Instant,
    pub late: Duration,
    /// Until when the run waits.
    pub due: Instant,
    /// Since when the run could have done its next step: the difference to now is our lateness.
    pub stirred: Instant,
    pub outcome: Option<Outcome>,
    pub cleaned: bool,
}

impl Run {
    pub(super) fn new(
        id: RunId,
        now: Instant,
        script: Arc<Script>,
        facts: Arc<Facts>,
        at: Endpoints,
        rules: bool,
    ) -> Run {
        let facts = under(&script, facts);
        let mut random = Random::new(at.seed);
        let conns = conns(&script, &facts, &at, &mut random);
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
            stage: Stage::Begin,
            outbox: VecDeque::new(),
            in_flight: None,
            flying: None,
            watch,
            order: 0,
            calls,
            middlebox: RunMiddlebox::new(random),
            strays: Vec::new(),
            named: BTreeSet::new(),
            checked: 0,
            soft: None,
            passed_over: Vec::new(),
            broken: Vec::new(),
            marked: 0,
            outcomes: Vec::new(),
            notes: Vec::new(),
            trace: Vec::new(),
            evidence: Vec::new(),
            frames: Vec::new(),
            inputs: Inputs::default(),
            passed_by: Vec::new(),
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
        let ip = match self.at.target.is_ipv4() {
            true => IpVersion::V4,
            false => IpVersion::V6,
        };
        if let Some(missing) = super::needs::missing(&self.script, &self.facts, ip) {
            self.end(now, missing.0, missing.1);
        }
    }

    /// The conditions that the target does not claim, each once.
    pub(super) fn unclaimed(&self, covers: &[Arc<Requirement>]) -> String {
        let mut conditions: Vec<_> = covers
            .iter()
            .filter_map(|requirement| requirement.when.map(|when| when.name()))
            .collect();
        conditions.sort_unstable();
        conditions.dedup();
        format!("{} does not claim `{}`", self.facts.name, conditions.join("`, `"))
    }

    pub(super) fn applies(&self, requirement: &Requirement) -> bool {
        requirement
            .when
            .as_ref()
            .is_none_or(|when| self.facts.claims.contains(when))
    }

    /// Does as much as can be done at `now`; everything that happened up to `drained` has been handed in.
    pub(super) fn turn(&mut self, now: Instant, drained: Instant) -> Turn {
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
                self.note_input(&action);
                self.in_flight = Some(InFlight {
                    cause: self.order,
                    asked: now,
                    carried: None,
                });
                if let DriverAction::Inject(flight) = &mut action {
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
            let next_held = self.release_held(drained);
            if !self.outbox.is_empty() {
                continue;
            }
            match self.proceed(now, drained) {
                Ok(Progress::Now(stage)) => self.stage = stage,
                Ok(Progress::Until(stage, deadline)) => {
                    self.stage = stage;
                    self.due = deadline.min(next_held);
                    return Turn::Wait(self.due);
                }
                Err(stop) => self.stop(now, stop),
            }
        }
    }

    /// Closes what the run left open, where the target outlives it.
    fn clean(&mut self) {
        self.cleaned = true;
        if self.at.lasting {
            let calls = self.calls.cleaning();
            self.outbox
                .extend(calls.into_iter().map(|(id, call)| DriverAction::Call(id, call)));
        }
    }

    // ----- what the driver tells ------------------------------------------------------------------------------------

    pub(super) fn carried(&mut self, at: Stamp) {
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

    pub(super) fn quiet(&mut self, at: Instant) {
        if let Some(InFlight {
            carried: Some(carried), ..
        }) = self.in_flight
        {
            self.note_lateness(at.since(carried.latest));
        }
        self.in_flight = None;
        self.stirred = at;
    }

    /// The cause of what is told now, if it is certain, and the moment of it, which is not before the cause was carried
    /// out and not after it was told. A consequence needs no time; but if we looked late, a timer may have been its
    /// cause.
    pub(super) fn cause(&mut self, at: Stamp) -> (Cause, Stamp) {
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

    pub(super) fn note_lateness(&mut self, late: Duration) {
        if !self.facts.virtual_time {
            self.late = self.late.max(late);
        }
    }

    // ----- small things that steps need -----------------------------------------------------------------------------

    pub(super) fn scope(&self, here: usize) -> Scope<'_> {
        Scope {
            conns: &self.conns,
            here,
            measures: &self.measures,
        }
    }

    pub(super) fn tolerance(&self, name: Tolerance) -> Duration {
        self.facts.tolerances.get(name)
    }

    /// A moment on the clock of the run, which begins at zero.
    pub(super) fn clock(&self, now: Instant) -> Instant {
        Instant::ZERO + now.since(self.began)
    }

    /// From when a step's time runs, and how long it is; `soon` if not written.
    pub(super) fn window(&self, when: &Timing) -> Result<(Mark, Period), Stop> {
        let base = match &when.since {
            None => self.mark,
            Some(label) => *self
                .labels
                .get(label)
                .ok_or_else(|| CaseFault::NotMetBefore(label.clone()))?,
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
    pub(super) fn in_time(&self, what: &str, (min, max): (Duration, Duration), period: Period) -> Result<(), Stop> {
        let seconds = |time: Duration| format!("{:.3} s", time.as_secs_f64());
        if min > period.most || max < period.least {
            let bound = match min > period.most {
                true => format!("{what} within {}", seconds(period.most)),
                false => format!("{what} not sooner than {}", seconds(period.least)),
            };
            let moment = if min > period.most { Moment::Late } else { Moment::Early };
            return Err(Stop::late(
                Symptom::Untimely(moment),
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

    pub(super) fn note(&mut self, at: Stamp, text: impl Into<String>) {
        self.trace(at, Happening::Note(text.into()));
    }

    pub(super) fn trace(&mut self, at: Stamp, what: Happening) {
        if self.outcome.is_some() || self.trace.len() > LONGEST_TRACE {
            return;
        }
        let what = match self.trace.len() == LONGEST_TRACE {
            true => Happening::Note(format!("the trace is cut here, after {LONGEST_TRACE} lines")),
            false => what,
        };
        self.trace.push(TraceEvent { at, what });
    }

    /// How many events the trace has so far.
    pub(super) fn trace_length(&self) -> usize {
        self.trace.len()
    }

    /// Notes what met the step under way, whose time runs from `base`.
    pub(super) fn met_by(&mut self, met_by: MetBy, base: Mark, period: Period) {
        self.evidence.push(Evidence {
            step: self.cursor.clone(),
            met_by,
            window: (base.at.earliest + period.least, base.at.latest + period.most),
            inputs: self.inputs.count(),
        });
    }

    /// The step under way.
    pub(super) fn step<'a>(&self, script: &'a Script) -> Option<&'a Step> {
        self.cursor.step(script)
    }

    /// Whether the step under way is the script's last.
    pub(super) fn at_last_step(&self) -> bool {
        let mut next = self.cursor.clone();
        next.advance();
        !self.cursor.in_given(&self.script) && !next.settle(&self.script)
    }

    /// Goes on to the next step; names this one's moment.
    pub(super) fn finish_step(&mut self) -> Progress {
        let script = Arc::clone(&self.script);
        if let Some(label) = self.step(&script).and_then(|step| step.label.clone()) {
            self.labels.insert(label, self.mark);
        }
        self.cursor.advance();
        Progress::Now(Stage::Begin)
    }

    /// Takes one of several outcomes; its first step is next.
    pub(super) fn choose(&mut self, branch: usize, name: &str) -> Progress {
        self.outcomes.push(name.to_owned());
        self.cursor.enter(branch);
        Progress::Now(Stage::Begin)
    }

    /// Whether there is a step to begin; the script's end otherwise.
    pub(super) fn settle(&mut self) -> bool {
        let script = Arc::clone(&self.script);
        self.cursor.settle(&script)
    }

    pub(super) fn pending_verb(&self, conn: ConnId, verb: Verb) -> Option<CallId> {
        self.calls.latest(conn, verb)
    }
}

/// The first port that the tester speaks from.
const FIRST_PORT: u16 = 20_000;

/// An ISN near enough to 2^32 that a handshake and a few octets wrap.
const NEAR_THE_WRAP: u32 = 0xffff_fffd;

/// The facts of a target whose least RTO a case has set: it takes that long at least.
fn under(script: &Script, facts: Arc<Facts>) -> Arc<Facts> {
    let asked = script.configure.get("min-rto");
    let asked = asked.and_then(|text| TimeSpec::parse(text).ok());
    let asked = asked.and_then(|time| period(&time, &facts.tolerances, &BTreeMap::new()).ok());
    match asked {
        Some(least) if least.most > facts.tolerances.get(Tolerance::Rto) => Arc::new(Facts {
            tolerances: facts.tolerances.but([(Tolerance::Rto, least.most)]),
            ..Facts::clone(&facts)
        }),
        Some(_) | None => facts,
    }
}

fn conns(script: &Script, facts: &Facts, at: &Endpoints, random: &mut Random) -> Vec<Conn> {
    let mut conns: Vec<Conn> = Vec::with_capacity(script.connections.len());
    for (index, decl) in script.connections.iter().enumerate() {
        let isn = SeqNum(if at.wrap { NEAR_THE_WRAP } else { random.next_u32() });
        let made_up = SeqNum(random.next_u32());
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

/// The connection among these whose first frame came before those of the others, and that frame.
pub(super) fn earliest<'a>(conns: &'a [Conn], among: &[ConnId]) -> Option<(usize, &'a Frame)> {
    let fronts = among
        .iter()
        .filter_map(|id| conns[id.0].inbox.front().map(|frame| (id.0, frame)));
    fronts.min_by_key(|(_, frame)| frame.order)
}

/// The time from a mark to a deadline.
pub(super) fn until_then(mark: Mark, until: Instant) -> Period {
    Period {
        least: Duration::ZERO,
        most: until.since(mark.at.latest),
    }
}
