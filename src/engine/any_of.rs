//! `any-of:` one of several outcomes.

use super::outcome::MetBy;
use super::run::{Run, earliest, until_then};
use super::stage::{Progress, Waiting};
use super::stop::{CaseFault, Stop};
use crate::notation::Period;
use crate::peer::{Fit, Frame, Mark, Matching, fit};
use crate::script::{AnyOf, ConnId, StepKind};
use crate::time::Instant;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An `any-of` none of whose outcomes has come yet.
#[derive(Debug)]
pub(super) struct Choosing {
    any_of: Arc<AnyOf>,
    /// The connections that any outcome looks at.
    conns: Vec<ConnId>,
    /// How long any of the outcomes is waited for.
    until: Instant,
    /// The place of the outcome that nothing comes, if there is one.
    silence: Option<usize>,
    /// How far the first step of an outcome has been matched on a connection, by the places of both.
    matchings: BTreeMap<(usize, usize), Matching>,
}

impl Choosing {
    fn name(&self, outcome: usize) -> &str {
        &self.any_of.outcomes[outcome].0
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.any_of.outcomes.iter().map(|(name, _)| name.as_str()).collect();
        format!("any of {}", names.join(", "))
    }

    /// The fault of a case whose outcomes do not exclude each other.
    fn both(&self, first: usize, second: usize, how: String) -> CaseFault {
        CaseFault::BothOutcomes {
            names: [self.name(first).to_owned(), self.name(second).to_owned()],
            how,
        }
    }
}

impl Run {
    pub(super) fn begin_any_of(&mut self, any_of: &Arc<AnyOf>) -> Result<Progress, Stop> {
        let mut ends = Vec::new();
        let mut matchings = BTreeMap::new();
        let mut silence = None;
        for (index, (_, steps)) in any_of.outcomes.iter().enumerate() {
            let Some(first) = steps.first() else {
                return Err(CaseFault::OutcomeBegins.into());
            };
            let (base, period) = match &first.kind {
                StepKind::Expect(expect) => {
                    let mine = self.matchings(&first.conns, expect);
                    matchings.extend(mine.into_iter().map(|(conn, matching)| ((index, conn), matching)));
                    self.window(&expect.when)?
                }
                StepKind::Nothing(nothing) => {
                    silence.get_or_insert(index);
                    self.window(&nothing.when)?
                }
                StepKind::Result(result) => self.result_window(result)?,
                StepKind::Inject(_)
                | StepKind::InjectIcmp(_)
                | StepKind::Fill(_)
                | StepKind::Call(_)
                | StepKind::Wait(..)
                | StepKind::State(_)
                | StepKind::AnyOf(_)
                | StepKind::Faults(_)
                | StepKind::Check(_) => return Err(CaseFault::OutcomeBegins.into()),
            };
            ends.push(base.at.latest + period.most);
        }
        // If one outcome is that nothing comes, its end decides; otherwise the end of the outcome that may come last.
        let until = match silence {
            Some(index) => Some(ends[index]),
            None => ends.into_iter().max(),
        };
        Ok(Progress::now(Waiting::Choosing(Choosing {
            any_of: Arc::clone(any_of),
            conns: outcome_conns(any_of),
            until: until.ok_or(CaseFault::OutcomeBegins)?,
            silence,
            matchings,
        })))
    }

    pub(super) fn go_on_choosing(&mut self, state: Choosing, drained: Instant) -> Result<Progress, Stop> {
        if let Some(outcome) = self.fitting_result(&state)? {
            return Ok(self.commit(&state, outcome));
        }
        while let Some((conn, _)) = earliest(&self.conns, &state.conns) {
            let Some(frame) = self.conns[conn].inbox.pop_front() else {
                break;
            };
            if let Some(outcome) = self.fitting_outcome(&state, conn, &frame)? {
                self.conns[conn].inbox.push_front(frame);
                return Ok(self.commit(&state, outcome));
            }
            self.pass_by(conn, frame, state.silence.is_some(), &state.names(), "")?;
        }
        let until = state.until;
        if drained < until {
            return Ok(Progress::until(Waiting::Choosing(state), until));
        }
        let Some(silence) = state.silence else {
            return Err(Stop::late(state.names(), "none of them came"));
        };
        // That meets the first step of this outcome.
        let base = self.mark;
        self.set_mark(Mark::at(until));
        self.checked += 1;
        self.commit(&state, silence);
        self.met_by(MetBy::Silence(self.frames), base, until_then(base, until));
        Ok(self.finish_step())
    }

    /// The outcome that a frame fits. A frame that fits two does not tell them apart: then the case is wrong, whatever
    /// the target did.
    fn fitting_outcome(&self, state: &Choosing, conn: usize, frame: &Frame) -> Result<Option<usize>, Stop> {
        let mut found = None;
        for (index, (_, steps)) in state.any_of.outcomes.iter().enumerate() {
            let Some(StepKind::Expect(expect)) = steps.first().map(|step| &step.kind) else {
                continue;
            };
            let Some(mut matching) = state.matchings.get(&(index, conn)).cloned() else {
                continue;
            };
            let fit = fit(&expect.segment, &mut frame.clone(), &self.scope(conn), &mut matching)?;
            if matches!(fit, Fit::No(_)) {
                continue;
            }
            if let Some(first) = found {
                return Err(state
                    .both(first, index, format!("fit `{}`", self.show(frame, conn)))
                    .into());
            }
            found = Some(index);
        }
        Ok(found)
    }

    /// The outcome whose call has ended as it asks. Two at once are a fault of the case, as they are for frames; so is
    /// an outcome that begins with a frame, if that frame has come as well.
    fn fitting_result(&self, state: &Choosing) -> Result<Option<usize>, Stop> {
        let mut found = None;
        for (index, (_, steps)) in state.any_of.outcomes.iter().enumerate() {
            let Some(step) = steps.first() else { continue };
            let StepKind::Result(result) = &step.kind else {
                continue;
            };
            if !self.result_is(step, result)? {
                continue;
            }
            if let Some(first) = found {
                let how = format!("fit the end of `{}`", result.verb.name());
                return Err(state.both(first, index, how).into());
            }
            found = Some(index);
        }
        let Some(index) = found else { return Ok(None) };
        for conn in state.conns.iter().map(|id| id.0) {
            for frame in &self.conns[conn].inbox {
                if let Some(other) = self.fitting_outcome(state, conn, frame)? {
                    let shown = self.show(frame, conn);
                    let how = format!("have come: the call has ended, and `{shown}` is there");
                    return Err(state.both(index, other, how).into());
                }
            }
        }
        Ok(Some(index))
    }

    /// Takes an outcome: its first step is next.
    fn commit(&mut self, state: &Choosing, outcome: usize) -> Progress {
        let name = state.name(outcome).to_owned();
        self.note(self.mark.at, format!("outcome: {name}"));
        self.met_by(MetBy::Outcome(outcome), self.mark, Period::default());
        let right = &state.any_of.right;
        if !right.is_empty() && !right.contains(&name) {
            self.fail_softly(
                format!("the outcome {}", right.join(" or ")),
                format!("the outcome {name}"),
            );
        }
        self.choose(outcome, &name)
    }
}

/// The connections that any outcome looks at.
fn outcome_conns(any_of: &AnyOf) -> Vec<ConnId> {
    let firsts = any_of.outcomes.iter().filter_map(|(_, steps)| steps.first());
    let mut conns: Vec<ConnId> = firsts.flat_map(|step| step.conns.iter().copied()).collect();
    conns.sort_unstable();
    conns.dedup();
    conns
}
