//! `any-of:` one of several outcomes.

use super::outcome::MetBy;
use super::run::{Run, earliest, until_then};
use super::stage::{Progress, Waiting};
use super::stop::{CaseFault, Complaint, Stop};
use crate::notation::Period;
use crate::peer::{Fit, Frame, Mark, Matching, Message, Misfit};
use crate::script::{AnyOf, ConnId, Step, StepKind};
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
    /// Why the last frame of a kind that is waited for fitted no outcome.
    misfit: Option<Misfit>,
}

/// Whether a frame fits an outcome.
enum Fitting {
    /// The one at this place.
    Outcome(usize),
    /// None; why not, if an outcome begins with a segment of its kind.
    No(Option<Misfit>),
}

impl Choosing {
    fn name(&self, outcome: usize) -> &str {
        &self.any_of.outcomes[outcome].0
    }

    /// The first step of each outcome.
    fn first_steps(&self) -> impl Iterator<Item = &Step> {
        self.any_of.outcomes.iter().filter_map(|(_, steps)| steps.first())
    }

    /// Whether the requirement does not allow an outcome.
    fn rules_out(&self, outcome: usize) -> bool {
        let right = &self.any_of.right;
        !right.is_empty() && !right.iter().any(|name| name == self.name(outcome))
    }

    /// The first step of each outcome that the requirement allows.
    fn right_steps(&self) -> impl Iterator<Item = &Step> {
        let right = self.any_of.outcomes.iter();
        let right = right.filter(|(name, _)| self.any_of.right.contains(name));
        right.filter_map(|(_, steps)| steps.first())
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
            misfit: None,
        })))
    }

    pub(super) fn go_on_choosing(&mut self, mut state: Choosing, drained: Instant) -> Result<Progress, Stop> {
        if let Some(outcome) = self.fitting_result(&state)? {
            return Ok(self.commit(&state, outcome));
        }
        while let Some((conn, _)) = earliest(&self.conns, &state.conns) {
            let Some(frame) = self.conns[conn].inbox.pop_front() else {
                break;
            };
            let misfit = match self.fitting_outcome(&state, conn, &frame)? {
                // What would be the wrong answer is none where it is waived.
                Fitting::Outcome(outcome) if state.rules_out(outcome) && self.is_waived_ack(conn, &frame) => None,
                Fitting::Outcome(outcome) => {
                    self.conns[conn].inbox.push_front(frame);
                    return Ok(self.commit(&state, outcome));
                }
                Fitting::No(misfit) => misfit,
            };
            self.pass_by(conn, frame, state.silence.is_some(), &state.names(), misfit.as_ref())?;
            state.misfit = misfit.or(state.misfit);
        }
        let until = state.until;
        if drained < until {
            return Ok(Progress::until(Waiting::Choosing(state), until));
        }
        let Some(silence) = state.silence else {
            let first = state.first_steps().next();
            let symptom = first.and_then(|step| self.missed(step, state.misfit.as_ref()));
            return Err(Stop::late(
                symptom.unwrap_or_else(|| self.other_state()),
                state.names(),
                self.nothing("none of them came"),
            ));
        };
        // That meets the first step of this outcome.
        let base = self.mark;
        self.set_mark(Mark::at(until));
        self.checked += 1;
        self.commit(&state, silence);
        self.met_by(MetBy::Silence(self.frames.len() as u32), base, until_then(base, until));
        Ok(self.finish_step())
    }

    /// The outcome that a frame fits. A frame that fits two does not tell them apart: then the case is wrong, whatever
    /// the target did.
    fn fitting_outcome(&self, state: &Choosing, conn: usize, frame: &Frame) -> Result<Fitting, Stop> {
        let mut found = None;
        let mut nearest = None;
        let came = self.conns[conn].message(frame);
        for (index, (_, steps)) in state.any_of.outcomes.iter().enumerate() {
            let Some(StepKind::Expect(expect)) = steps.first().map(|step| &step.kind) else {
                continue;
            };
            let Some(mut matching) = state.matchings.get(&(index, conn)).cloned() else {
                continue;
            };
            let (fit, _) = self.fit_without_waived(conn, &expect.segment, &mut frame.clone(), &mut matching)?;
            if let Fit::No(misfit) = fit {
                if came == Message::due(&expect.segment) {
                    nearest.get_or_insert(misfit);
                }
                continue;
            }
            if let Some(first) = found {
                return Err(state
                    .both(first, index, format!("fit `{}`", self.show(frame, conn)))
                    .into());
            }
            found = Some(index);
        }
        Ok(found.map_or(Fitting::No(nearest), Fitting::Outcome))
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
                if let Fitting::Outcome(other) = self.fitting_outcome(state, conn, frame)? {
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
        if state.rules_out(outcome) {
            let right = &state.any_of.right;
            let step = state.any_of.outcomes[outcome].1.first();
            let symptom = step.and_then(|step| self.ruled_out(step, state.right_steps()));
            self.fail_softly(Complaint::new(
                symptom.unwrap_or_else(|| self.other_state()),
                format!("the outcome {}", right.join(" or ")),
                format!("the outcome {name}"),
            ));
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
