//! An estimate of how long a run will take, from its script alone.
//!
//! A conforming target answers at once, so nearly all steps take no time worth counting. Time is taken by waits that do
//! not depend on the target, and by timers of the target without which a step cannot be met. The estimate assumes a
//! conforming target; it is used to order runs and to leave some out, never to judge.

use crate::notation::{Control, Period, TimeSpec};
use crate::script::{Expect, Script, Step, StepKind, Timing};
use crate::stack::Tolerance;
use crate::stack::Tolerances;
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
    // At its end each run waits for `prompt`, in case the target sends something unexpected.
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
            // These steps are carried out at once; `state` asks or probes and is answered at once; the end of a pending
            // call is met by `result`.
            StepKind::Inject(_)
            | StepKind::InjectIcmp(_)
            | StepKind::Fill(_)
            | StepKind::Call(_)
            | StepKind::Faults(_)
            | StepKind::Check(_) => {}
            StepKind::State(state) => {
                if let Some(when) = &state.when {
                    self.all_of(when);
                }
            }
            // Silence takes all of its time.
            StepKind::Nothing(nothing) => self.all_of(&nothing.when),
            StepKind::Wait(time, since) => {
                let all = self.period(time).most;
                self.until(since.as_deref(), all);
            }
            StepKind::Expect(expect) => self.expect(expect),
            // A pending call ends because of another step, unless a lower bound says that a timer ends it.
            StepKind::Result(result) => self.lower_end(&result.when),
            // It is not known beforehand which outcome comes: the longest is assumed, each beginning here.
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
            // Only a timer sends it. If an upper bound is written, the timer expires before that; if a lower bound is
            // written, that tells more of the timer than its name does.
            let within = expect.when.within.as_ref().map(|time| self.period(time));
            let timer = within.map_or(timer, |within| timer.min(within.most));
            if within.is_none_or(|within| within.least.is_zero()) {
                self.until(expect.when.since.as_deref(), timer);
            }
        }
    }

    /// The timer without which this segment does not come: for a retransmission or a probe.
    fn timer(&self, expect: &Expect) -> Option<Duration> {
        match expect.segment.control {
            Control::Probe => Some(self.times.get(Tolerance::Rto)),
            Control::Flags(_) if expect.segment.again => {
                // Before the handshake is over no round trip has been measured.
                let syn = expect.segment.sets(Flags::SYN);
                Some(self.times.get(if syn { Tolerance::RtoInitial } else { Tolerance::Rto }))
            }
            Control::Flags(_) => None,
        }
    }

    /// Takes all of the time, or `soon` if none is written.
    fn all_of(&mut self, when: &'a Timing) {
        let most = match &when.within {
            Some(time) => self.period(time).most,
            None => self.times.get(Tolerance::Soon),
        };
        self.until(when.since.as_deref(), most);
    }

    /// Takes the lower bound of the time: the step cannot be met sooner. `T` alone means at most T, and takes none.
    fn lower_end(&mut self, when: &'a Timing) {
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

    /// The time with its names filled in. A value that is still to be measured is taken to be the target's
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

#[cfg(test)]
mod tests {
    use super::super::fixture::script;
    use super::*;
    use crate::notation::{Pattern, Role};
    use crate::script::{AnyOf, Nothing, Position};
    use std::sync::Arc;

    fn step(kind: StepKind) -> Step {
        Step {
            kind,
            conns: Vec::new(),
            covers: Vec::new(),
            label: None,
            position: Position::default(),
            text: String::new(),
        }
    }

    fn when(within: &str, since: Option<&str>) -> Timing {
        Timing {
            within: (!within.is_empty()).then(|| TimeSpec::parse(within).unwrap()),
            since: since.map(str::to_owned),
        }
    }

    fn expect(segment: &str, within: &str, since: Option<&str>, count: Option<(u64, u64)>) -> Step {
        let Ok(Pattern::Segment(segment)) = Pattern::parse(segment, Role::Expect) else {
            panic!("{segment} is no segment");
        };
        step(StepKind::Expect(Arc::new(Expect {
            segment,
            when: when(within, since),
            segments: None,
            count,
            acknowledge: false,
            measure: Vec::new(),
        })))
    }

    fn nothing(within: &str) -> Step {
        let when = when(within, None);
        step(StepKind::Nothing(Nothing { when }))
    }

    fn wait(time: &str, since: Option<&str>) -> Step {
        let time = TimeSpec::parse(time).unwrap();
        step(StepKind::Wait(time, since.map(str::to_owned)))
    }

    /// Milliseconds, without the `prompt` at the end.
    fn millis(steps: Vec<Step>) -> u128 {
        let mut script = script("a/b", "");
        script.steps = steps;
        let times = Tolerances::default();
        (estimate(&script, &times) - times.get(Tolerance::Prompt)).as_millis()
    }

    #[test]
    fn what_comes_at_once_takes_no_time() {
        assert_eq!(millis(vec![]), 0);
        assert_eq!(millis(vec![expect("ACK", "", None, None)]), 0);
        assert_eq!(millis(vec![expect("ACK", "60s", None, None)]), 0);
    }

    #[test]
    fn silence_pauses_and_counts_are_waited_out() {
        assert_eq!(millis(vec![nothing("")]), 600);
        assert_eq!(millis(vec![nothing("3s"), wait("2s", None)]), 5_000);
        assert_eq!(millis(vec![expect("ACK", "1s", None, Some((1, 100)))]), 1_000);
    }

    #[test]
    fn a_lower_end_is_waited_for() {
        assert_eq!(millis(vec![expect("ACK", "3s..9s", None, None)]), 3_000);
        // A quarter less, and less what ticks take.
        assert_eq!(millis(vec![expect("FIN,ACK", "about 4s", None, None)]), 2_970);
    }

    #[test]
    fn a_retransmission_takes_its_timer_unless_its_bounds_say_more() {
        assert_eq!(millis(vec![expect("ACK again", "", None, None)]), 1_500);
        assert_eq!(millis(vec![expect("SYN again", "", None, None)]), 1_000);
        assert_eq!(millis(vec![expect("ACK again", "200ms", None, None)]), 200);
        assert_eq!(millis(vec![expect("ACK again", "7s..9s", None, None)]), 7_000);
        assert_eq!(millis(vec![expect("PROBE", "", None, None)]), 1_500);
    }

    #[test]
    fn times_since_a_step_do_not_add_up() {
        let mut first = expect("ACK", "2s..3s", None, None);
        first.label = Some("x".to_owned());
        let steps = vec![
            first,
            wait("1s", None),
            expect("ACK", "4s..5s", Some("x"), None),
            wait("1s", Some("x")),
        ];
        assert_eq!(millis(steps), 6_000);
    }

    #[test]
    fn of_outcomes_the_longest_counts() {
        let outcomes = vec![
            ("retries".to_owned(), vec![expect("ACK again", "3s..9s", None, None)]),
            ("silent".to_owned(), vec![nothing("2s")]),
        ];
        let any_of = AnyOf {
            outcomes,
            right: Vec::new(),
            by: Default::default(),
        };
        assert_eq!(
            millis(vec![wait("1s", None), step(StepKind::AnyOf(Arc::new(any_of)))]),
            4_000
        );
    }
}
