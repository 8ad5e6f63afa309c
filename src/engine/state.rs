//! `state:` the target is asked for it, again where it may still change, or probed where it does not tell.

use super::calls::show;
use super::outcome::{Happening, MetBy};
use super::run::{DriverAction, Run, earliest, until_then};
use super::stage::{Progress, Waiting};
use super::stop::Stop;
use super::symptom::{Moment, Symptom};
use crate::notation::{Pattern, Period, Role};
use crate::peer::Mark;
use crate::rfc::State;
use crate::script::{ConnId, StateStep, Step, StepWord};
use crate::stack::{Answer, Call, CallId, Tolerance};
use crate::time::Instant;
use crate::wire::Flags;
use core::time::Duration;
use std::sync::Arc;

/// How often a state is asked for that a timer brings about; so exactly its time is known.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How long to let pass before a state is asked for again.
const ASK_AGAIN: Duration = Duration::from_millis(5);

/// A `state` that the target is asked for.
#[derive(Debug)]
pub(super) struct Asking {
    wanted: Arc<StateStep>,
    conn: ConnId,
    /// The mark when the step began: a question is nothing that the target reacts to, so it must not move it.
    mark: Mark,
    /// The window in which the state must be reached, where that need not be at once.
    window: Option<(Mark, Period)>,
    /// By then it must be right.
    until: Instant,
    question: Question,
}

#[derive(Clone, Copy, Debug)]
enum Question {
    /// This call asks for it.
    Asked(CallId),
    /// It will be asked for again then.
    Again(Instant),
}

/// A `state` that is found out by a segment, where the target does not tell it.
#[derive(Debug)]
pub(super) struct Probing {
    wanted: State,
    until: Instant,
}

impl Run {
    pub(super) fn begin_state(
        &mut self,
        conn: ConnId,
        wanted: &Arc<StateStep>,
        now: Instant,
    ) -> Result<Progress, Stop> {
        if !self.facts.abilities.can("state") {
            return match wanted.when {
                None => self.probe_state(conn, wanted.state, now),
                Some(_) => Err(Stop::Unsupported(format!(
                    "{} does not tell when it is in {}",
                    self.facts.name, wanted.state
                ))),
            };
        }
        let window = wanted.when.as_ref().map(|when| self.window(when)).transpose()?;
        let until = match window {
            None => now + self.tolerance(Tolerance::Soon),
            Some((base, period)) => base.at.latest + period.most,
        };
        Ok(Progress::now(Waiting::Asking(Asking {
            wanted: Arc::clone(wanted),
            conn,
            mark: self.mark,
            window,
            until,
            question: Question::Asked(self.ask_state(conn)),
        })))
    }

    /// Where the target does not tell its state, an unacceptable ACK shows it as far as the wire can: it is answered by
    /// a RST where there is no connection, and by an ACK where there is one (RFC 9293 section 3.10.7). It may change
    /// the state, so it is only ever a run's last step.
    fn probe_state(&mut self, conn: ConnId, state: State, now: Instant) -> Result<Progress, Stop> {
        let opening = matches!(state, State::SynSent | State::SynReceived);
        if opening || !self.at_last_step() {
            let script = Arc::clone(&self.script);
            // A way into a state leads through several; one note is enough for all of them.
            let given = self.cursor.given(&script);
            let which = given.map_or(state, |given| given.state);
            let note = format!("state: {which} was not checked: {} does not tell", self.facts.name);
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
            return Ok(self.finish_step());
        }
        let text = if self.conns[conn.0].irs_known {
            "ACK seq=RCV.NXT-1"
        } else {
            "ACK"
        };
        let Ok(Pattern::Segment(probe)) = Pattern::parse(text, Role::Inject) else {
            unreachable!("`{text}` is a segment that can be injected");
        };
        self.inject(conn, &probe, now)?;
        Ok(Progress::now(Waiting::Probing(Probing {
            wanted: state,
            until: now + self.tolerance(Tolerance::Soon),
        })))
    }

    pub(super) fn go_on_probing(&mut self, step: &Step, state: Probing, drained: Instant) -> Result<Progress, Stop> {
        let Probing { wanted, until } = state;
        let gone = matches!(wanted, State::Closed | State::Listen);
        while let Some((conn, frame)) = earliest(&self.conns, &step.conns) {
            let is_answer = self.conns[conn].last_inject.is_some_and(|inject| inject < frame.order);
            let Some(frame) = self.conns[conn].inbox.pop_front() else {
                break;
            };
            let reset = frame.has(Flags::RST);
            if !is_answer || frame.stretch_left() > 0 && !reset {
                self.pass_by(conn, frame, false, &step.text, None)?;
                continue;
            }
            if reset != gone {
                let seen = format!("the answer to a probe: `{}`", self.show(&frame, conn));
                return Err(Stop::failed(self.other_state(), step.text.clone(), seen));
            }
            self.checked += 1;
            self.notes
                .push(format!("state: {wanted} by a probe: the wire tells no more"));
            self.met_by(MetBy::Frame(frame.number), self.mark, until_then(self.mark, until));
            self.conns[conn].enter(&frame);
            return Ok(self.finish_step());
        }
        if drained < until {
            return Ok(Progress::until(Waiting::Probing(state), until));
        }
        Err(Stop::late(
            self.other_state(),
            step.text.clone(),
            "no answer to a probe",
        ))
    }

    fn ask_state(&mut self, conn: ConnId) -> CallId {
        let there = &self.conns[conn.0];
        let local = (self.at.target, there.target_port.unwrap_or(self.at.port)).into();
        let peer = (there.tester, there.tester_port).into();
        let id = self.calls.ask(conn);
        self.outbox
            .push_back(DriverAction::Call(id, Call::State { local, peer }));
        id
    }

    pub(super) fn go_on_asking(
        &mut self,
        step: &Step,
        state: Asking,
        now: Instant,
        drained: Instant,
    ) -> Result<Progress, Stop> {
        let id = match state.question {
            Question::Asked(id) => id,
            Question::Again(at) if drained < at => return Ok(Progress::until(Waiting::Asking(state), at)),
            Question::Again(_) => {
                let question = Question::Asked(self.ask_state(state.conn));
                return Ok(Progress::now(Waiting::Asking(Asking { question, ..state })));
            }
        };
        let (wanted, until) = (state.wanted.state, state.until);
        match self.calls.answer(id) {
            None if drained < until => Ok(Progress::until(Waiting::Asking(state), until)),
            None => Err(Stop::breach(
                step.text.clone(),
                "the question for the state was not answered",
            )),
            Some(Ok(Answer::State(is))) if *is == wanted || (wanted, *is) == (State::Closed, State::Listen) => {
                let found = Happening::Found(StepWord::State, format!("state {is}"));
                self.checked += 1;
                self.met_by(MetBy::Call(id), self.mark, until_then(self.mark, until));
                self.trace(self.mark.at, found);
                self.mark = state.mark;
                self.measure_state(&state, now)?;
                Ok(self.finish_step())
            }
            // What follows from a frame at once may still wait until a socket has finished a call.
            Some(Ok(Answer::State(_))) if now < until && (state.window.is_some() || !self.facts.virtual_time) => {
                let pause = if state.window.is_some() { LOOK_AGAIN } else { ASK_AGAIN };
                let question = Question::Again(now + pause);
                Ok(Progress::now(Waiting::Asking(Asking { question, ..state })))
            }
            Some(Ok(Answer::State(is))) => Err(Stop::failed(
                self.other_state(),
                step.text.clone(),
                format!("state {is}"),
            )),
            Some(Err(errno)) if errno.unsupported => Err(Stop::Unsupported("cannot tell the state".to_owned())),
            Some(other) => {
                let seen = format!("the question for the state was answered by `{}`", show(other));
                Err(Stop::breach(step.text.clone(), seen))
            }
        }
    }

    /// The time until a state was reached: a range such as `about T` is judged too.
    fn measure_state(&mut self, state: &Asking, now: Instant) -> Result<(), Stop> {
        let Some((base, period)) = state.window else {
            return Ok(());
        };
        let took = now.since(base.at.earliest);
        if took < period.least {
            let expected = format!(
                "{} not sooner than {:.3} s",
                state.wanted.state,
                period.least.as_secs_f64()
            );
            return Err(Stop::late(
                Symptom::Untimely(Moment::Early),
                expected,
                format!("it was reached after {:.3} s", took.as_secs_f64()),
            ));
        }
        let mark = Mark::at(now);
        self.measure(&state.wanted.measure, None, base, mark, 1);
        self.mark = mark;
        Ok(())
    }
}
