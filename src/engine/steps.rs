//! How each kind of step begins and goes on.

use super::filling::Filling;
use super::outcome::Happening;
use super::run::{Run, earliest};
use super::stage::{Progress, Stage, Waiting};
use super::stop::{Complaint, Stop};
use super::symptom::Symptom;
use crate::notation::{Check, Quantity};
use crate::peer::{Frame, Mark, Measure, Misfit, check};
use crate::script::{ConnId, Measurement, Script, Step, StepKind, StepWord, Timing};
use crate::stack::Tolerance;
use crate::time::{Instant, Stamp};
use std::mem;
use std::sync::Arc;

impl Run {
    /// Begins the next step, or goes on with the one under way.
    pub(super) fn proceed(&mut self, now: Instant, drained: Instant) -> Result<Progress, Stop> {
        if let Some(stray) = self.strays.first() {
            let expected = "no segment that belongs to no connection";
            return Err(Stop::failed(Symptom::Stray, expected, stray.clone()));
        }
        let script = Arc::clone(&self.script);
        match mem::replace(&mut self.stage, Stage::Begin) {
            Stage::Begin => self.begin(now, &script),
            Stage::InStep(waiting) => self.go_on(waiting, &script, now, drained),
            Stage::End(until) => self.watch_the_end(until, now, drained),
        }
    }

    fn begin(&mut self, now: Instant, script: &Script) -> Result<Progress, Stop> {
        if !self.settle() {
            return Ok(Progress::Now(Stage::End(now + self.tolerance(Tolerance::Prompt))));
        }
        let step = self.step_under_way(script);
        let what = Happening::Step {
            word: step.kind.word(),
            text: step.text.clone(),
            position: step.position.clone(),
            given: self.cursor.in_given(script),
        };
        self.trace(Stamp::exactly(now), what);
        let here = step.conns.first().copied().unwrap_or(ConnId(0));
        match &step.kind {
            StepKind::Inject(pattern) => {
                self.inject(here, pattern, now)?;
                Ok(Progress::now(Waiting::Sent))
            }
            StepKind::InjectIcmp(pattern) => {
                self.inject_icmp(here, pattern, now)?;
                Ok(Progress::now(Waiting::Sent))
            }
            StepKind::Fill(segment) => Ok(Progress::now(Waiting::Filling(Filling::new(segment)))),
            StepKind::Expect(expect) => self.begin_expect(step, expect),
            StepKind::Nothing(nothing) => self.begin_silence(nothing),
            StepKind::AnyOf(any_of) => self.begin_any_of(any_of),
            StepKind::Call(call) => self.begin_call(here, step, call),
            StepKind::Result(result) => self.begin_result(result),
            StepKind::Wait(time, since) => {
                let when = Timing {
                    within: Some(time.clone()),
                    since: since.clone(),
                };
                let (base, period) = self.window(&when)?;
                Ok(Progress::now(Waiting::Time(base.at.latest + period.most)))
            }
            StepKind::State(wanted) => self.begin_state(here, wanted, now),
            StepKind::Faults(faults) => {
                self.set_faults(faults)?;
                Ok(self.finish_step())
            }
            StepKind::Check(what) => self.check(step, what, now),
        }
    }

    fn go_on(&mut self, waiting: Waiting, script: &Script, now: Instant, drained: Instant) -> Result<Progress, Stop> {
        let step = self.step_under_way(script);
        match waiting {
            Waiting::Sent => Ok(self.finish_step()),
            Waiting::Filling(state) => self.go_on_filling(step, state, now, drained),
            Waiting::Time(until) => Ok(self.let_pass(until, now, drained)),
            Waiting::Expecting(state) => self.go_on_expecting(step, state, drained),
            Waiting::Silent(state) => self.stay_silent(step, state, drained),
            Waiting::Choosing(state) => self.go_on_choosing(state, drained),
            Waiting::Calling(state) => self.go_on_calling(step, state, drained),
            Waiting::Resulting(state) => self.await_result(step, state, drained),
            Waiting::Asking(state) => self.go_on_asking(step, state, now, drained),
            Waiting::Probing(state) => self.go_on_probing(step, state, drained),
        }
    }

    /// The step at the cursor, where a step is known to be under way.
    fn step_under_way<'a>(&self, script: &'a Script) -> &'a Step {
        let step = self.step(script);
        step.unwrap_or_else(|| {
            unreachable!(
                "a step is under way, but the cursor stands behind the last: {:?}",
                self.cursor
            )
        })
    }

    // ----- wait, check ----------------------------------------------------------------------------------------------

    fn let_pass(&mut self, until: Instant, now: Instant, drained: Instant) -> Progress {
        if drained < until {
            return Progress::until(Waiting::Time(until), until);
        }
        self.mark = Mark {
            at: Stamp {
                earliest: until,
                latest: now.max(until),
            },
            cause: None,
        };
        self.finish_step()
    }

    fn check(&mut self, step: &Step, what: &Check, now: Instant) -> Result<Progress, Stop> {
        let (holds, left, right) = check(what, &self.measures)?;
        let sides = format!("{left} on the left, {right} on the right");
        self.checked += 1;
        if !holds {
            return Err(Stop::failed(Symptom::Measured, step.text.clone(), sides));
        }
        self.trace(Stamp::exactly(now), Happening::Found(StepWord::Check, sides));
        Ok(self.finish_step())
    }

    // ----- the end --------------------------------------------------------------------------------------------------

    fn watch_the_end(&mut self, until: Instant, now: Instant, drained: Instant) -> Result<Progress, Stop> {
        let all: Vec<ConnId> = (0..self.conns.len()).map(ConnId).collect();
        while let Some((conn, _)) = earliest(&self.conns, &all) {
            let Some(frame) = self.conns[conn].inbox.pop_front() else {
                break;
            };
            self.pass_by(conn, frame, false, "nothing that nobody asked for", None)?;
        }
        if drained < until {
            return Ok(Progress::Until(Stage::End(until), until));
        }
        self.complete(now);
        Ok(Progress::Now(Stage::End(until)))
    }

    // ----- what becomes of frames, what is measured -----------------------------------------------------------------

    /// Enters a frame that no step takes into the books, if it is lawful background; fails the run otherwise.
    pub(super) fn pass_by(
        &mut self,
        conn: usize,
        frame: Frame,
        silent: bool,
        expected: &str,
        misfit: Option<&Misfit>,
    ) -> Result<(), Stop> {
        let text = self.show(&frame, conn);
        match self.conns[conn].is_background(&frame, silent) {
            true => self.note(frame.at, format!("passed as background: {text}")),
            false => self.refuse(conn, &frame, expected, misfit)?,
        }
        self.passed_by.push(text);
        self.conns[conn].enter(&frame);
        Ok(())
    }

    /// Fails the run for a frame that no step takes and that is no lawful background, unless that is waived.
    pub(super) fn refuse(
        &mut self,
        conn: usize,
        frame: &Frame,
        expected: &str,
        misfit: Option<&Misfit>,
    ) -> Result<(), Stop> {
        let why = misfit.map_or_else(String::new, |misfit| format!(": {misfit}"));
        let seen = format!("`{}`{why}", self.show(frame, conn));
        let symptom = self.symptom_of(conn, frame, misfit);
        let complaint = Complaint {
            frame: Some(frame.number),
            ..Complaint::new(symptom, expected, seen)
        };
        self.pass_over(frame.at, complaint)
    }

    /// A mark never goes back: a frame that came before it counts as no time.
    pub(super) fn set_mark(&mut self, mark: Mark) {
        if mark.at.latest >= self.mark.at.latest {
            self.mark = mark;
        }
    }

    /// Notes what a step measures, of the frame that met it if one did.
    pub(super) fn measure(&mut self, what: &[Measurement], frame: Option<&Frame>, base: Mark, mark: Mark, count: u64) {
        for Measurement { name, quantity } in what {
            let value = match quantity {
                Quantity::Elapsed => Some(Measure::Seconds(elapsed_seconds(base, mark))),
                Quantity::Count => Some(Measure::Number(count as f64)),
                of_frame => frame.and_then(|frame| Measure::of_frame(frame, *of_frame)),
            };
            let Some(value) = value else { continue };
            self.note(mark.at, format!("measured {name} = {value}"));
            self.measures.entry(name.clone()).or_default().push(value);
        }
    }
}

fn elapsed_seconds(base: Mark, mark: Mark) -> f64 {
    if mark.cause.is_some() && mark.cause == base.cause {
        return 0.0;
    }
    let (min, max) = mark.at.since(base.at);
    (min + max).as_secs_f64() / 2.0
}
