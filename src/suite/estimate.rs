//! How long a run will take, read from its script alone.
//!
//! A conforming target answers at once, so nearly all steps take no time worth counting. What takes time is what has to
//! be waited out whatever the target does, and timers of the target that a step cannot be met without. The estimate is
//! of a conforming target: it serves to sort and to leave out, never to judge.

use crate::case::{Condition, Expect, Script, Step, StepKind};
use crate::notation::{Control, Period, TimeSpec, Tolerance};
use crate::target::Tolerances;
use crate::wire::Flags;
use core::time::Duration;
use std::collections::BTreeMap;

/// The longest run of `--quick`.
pub const QUICK: Duration = Duration::from_secs(5);

/// How long a run of this script will take on a target with these times.
pub fn estimate(script: &Script, times: &Tolerances) -> Duration {
    let mut clock = Clock {
        times,
        now: Duration::ZERO,
        labels: BTreeMap::new(),
    };
    for given in &script.given {
        clock.steps(&given.steps);
    }
    clock.steps(&script.steps);
    // Each run watches `prompt` longer for what nobody asked for.
    clock.now + times.get(Tolerance::Prompt)
}

struct Clock<'a> {
    times: &'a Tolerances,
    now: Duration,
    /// When labelled steps ended, for `since:`.
    labels: BTreeMap<&'a str, Duration>,
}

impl<'a> Clock<'a> {
    fn steps(&mut self, steps: &'a [Step]) {
        for step in steps {
            self.step(step);
            if let Some(label) = &step.label {
                self.labels.insert(label, self.now);
            }
        }
    }

    fn step(&mut self, step: &'a Step) {
        match &step.kind {
            // Carried out at once; `state` asks or probes and is answered at once; a pending call is met by `result`.
            StepKind::Inject(_)
            | StepKind::InjectIcmp(_)
            | StepKind::Call(_)
            | StepKind::State(_)
            | StepKind::Faults(_)
            | StepKind::Check(_) => {}
            // Silence has to be waited out.
            StepKind::Nothing(nothing) => self.all_of(&nothing.when),
            StepKind::Wait(time, since) => {
                let least = self.period(time).least;
                self.until(since.as_deref(), least);
            }
            StepKind::Expect(expect) => self.expect(expect),
            // A call that is pending ends when it is made to, unless a lower bound says that a timer ends it.
            StepKind::Result(result) => self.lower_end(&result.when),
            // Which outcome comes is not known beforehand: the longest, as if each began here.
            StepKind::AnyOf(any_of) => {
                let began = self.now;
                let mut longest = began;
                for (_, steps) in &any_of.outcomes {
                    self.now = began;
                    self.steps(steps);
                    longest = longest.max(self.now);
                }
                self.now = longest;
            }
        }
    }

    fn expect(&mut self, expect: &'a Expect) {
        if expect.count.is_some() {
            // `count` takes every fitting frame for all of `within`.
            return self.all_of(&expect.when);
        }
        self.lower_end(&expect.when);
        if let Some(timer) = self.timer(expect) {
            // Only a timer sends it. If an upper bound is written, the timer runs out before that; if a lower one is,
            // that says more of the timer than its name does.
            let within = expect.when.within.as_ref().map(|time| self.period(time));
            let timer = within.map_or(timer, |within| timer.min(within.most));
            if within.is_none_or(|within| within.least.is_zero()) {
                self.until(expect.when.since.as_deref(), timer);
            }
        }
    }

    /// The timer without which this segment does not come: a retransmission of what was never acknowledged, a probe.
    fn timer(&self, expect: &Expect) -> Option<Duration> {
        match expect.segment.control {
            Control::Probe => Some(self.times.get(Tolerance::Rto)),
            Control::Flags(_) if expect.segment.again => {
                // Before the handshake is over no round trip can have been measured.
                let syn = expect.segment.sets(Flags::SYN);
                Some(self.times.get(if syn { Tolerance::RtoInitial } else { Tolerance::Rto }))
            }
            Control::Flags(_) => None,
        }
    }

    /// All of the time, `soon` if none is written.
    fn all_of(&mut self, when: &'a Condition) {
        let most = match &when.within {
            Some(time) => self.period(time).most,
            None => self.times.get(Tolerance::Soon),
        };
        self.until(when.since.as_deref(), most);
    }

    /// What is expected not sooner than some time takes that time. `T` alone is at most T, and takes none.
    fn lower_end(&mut self, when: &'a Condition) {
        if let Some(time) = &when.within {
            let least = self.period(time).least;
            self.until(when.since.as_deref(), least);
        }
    }

    /// Moves on to `span` after the label, or after now; never back.
    fn until(&mut self, since: Option<&str>, span: Duration) {
        let mark = since
            .and_then(|label| self.labels.get(label))
            .copied()
            .unwrap_or(self.now);
        self.now = self.now.max(mark.saturating_add(span));
    }

    /// With its names filled in. What has yet to be measured is, wherever a time is made of it, the target's
    /// retransmission timeout.
    fn period(&self, time: &TimeSpec) -> Period {
        let measured = self.times.get(Tolerance::Rto).as_secs_f64();
        time.period(&|name| self.times.get(name), &|_| Some(measured))
            .unwrap_or(Period {
                least: Duration::ZERO,
                most: Duration::ZERO,
            })
    }
}
