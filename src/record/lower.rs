//! Converts what the suite knows of a run to the types of a record.

use super::{Attempt, BrokenRule, Failure, Measure, Octets, Position, Requirement, Run, Step, Traces, Unmet};
use crate::engine::{self, Outcome, Verdict};
use crate::suite::{self, Expectation, RunResult, requirements};
use crate::{peer, rfc, script};

impl Run {
    /// The record of a settled run, with its trace if `traces` says that it is kept.
    pub fn of(result: &RunResult, traces: Traces) -> Run {
        let suite::Run { script, .. } = &result.run;
        let keeps_trace = traces == Traces::All || !is_plain_pass(result);
        Run {
            id: result.run.id(),
            title: script.title.to_string(),
            why: script.why.to_string(),
            reading: script.reading.to_string(),
            requirements: requirements(script).into_iter().map(|it| (&**it).into()).collect(),
            steps: steps(script),
            outcome: Attempt::of(&result.outcome, keeps_trace),
            earlier: result.earlier.iter().map(Attempt::from).collect(),
            meeting: result.meeting.clone(),
            attempts: result.attempts,
            expectation: result.expectation.clone(),
            cut_off: result.cut_off,
            model: None,
        }
    }
}

/// Whether it passed at once, as every run is meant to.
fn is_plain_pass(result: &RunResult) -> bool {
    result.outcome.verdict == Verdict::Pass && result.expectation == Expectation::None && result.earlier.is_empty()
}

/// The steps of `given`, then those of the case.
fn steps(script: &script::Script) -> Vec<Step> {
    let given = script.given.iter().flat_map(|given| {
        let state = given.state.name();
        given.steps.iter().map(move |it| step(it, Some(state)))
    });
    given.chain(script.steps.iter().map(|it| step(it, None))).collect()
}

fn step(step: &script::Step, given: Option<&str>) -> Step {
    let outcomes = match &step.kind {
        script::StepKind::AnyOf(any_of) => &any_of.outcomes[..],
        _ => &[],
    };
    let lower = |steps: &[script::Step]| steps.iter().map(|it| self::step(it, given)).collect();
    Step {
        text: step.text.clone(),
        position: (&step.position).into(),
        given: given.map(str::to_owned),
        outcomes: outcomes
            .iter()
            .map(|(name, steps)| (name.clone(), lower(steps)))
            .collect(),
    }
}

impl From<&Outcome> for Attempt {
    fn from(outcome: &Outcome) -> Attempt {
        Attempt::of(outcome, true)
    }
}

impl Attempt {
    /// The record of an attempt, with its trace or without.
    fn of(outcome: &Outcome, keeps_trace: bool) -> Attempt {
        let measures = outcome.measures.iter();
        let broken = outcome.broken_rules.iter();
        Attempt {
            verdict: outcome.verdict,
            failure: outcome.failure.as_ref().map(Failure::from),
            reason: outcome.reason.clone(),
            outcomes: outcome.outcomes.clone(),
            measures: measures
                .map(|(name, values)| (name.clone(), values.iter().map(Measure::from).collect()))
                .collect(),
            notes: outcome.notes.clone(),
            broken_rules: broken
                .map(|broken| BrokenRule {
                    rule: broken.rule.name.to_owned(),
                    seen: broken.seen.clone(),
                })
                .collect(),
            waived: outcome.waived.clone(),
            began: outcome.began,
            ended: outcome.ended,
            took: u64::try_from(outcome.took.as_nanos()).unwrap_or(u64::MAX),
            trace: keeps_trace.then(|| outcome.trace.iter().map(Into::into).collect()),
        }
    }
}

impl From<&engine::Failure> for Failure {
    fn from(failure: &engine::Failure) -> Failure {
        Failure {
            unmet: failure.unmet.into(),
            step: failure.step.clone(),
            position: (&failure.position).into(),
            given: failure.given.clone(),
            expected: failure.expected.clone(),
            seen: failure.seen.clone(),
            symptom: failure.symptom.clone(),
            conduct: failure.symptom.conduct().map(Requirement::from),
            requirements: failure.requirements.iter().map(Into::into).collect(),
            timing: failure.timing,
            waived: failure.waived.clone(),
        }
    }
}

impl From<engine::Unmet> for Unmet {
    fn from(unmet: engine::Unmet) -> Unmet {
        match unmet {
            engine::Unmet::Step(word) => Unmet::Step(word),
            engine::Unmet::Rule(name) => Unmet::Rule(name.to_owned()),
            engine::Unmet::End => Unmet::End,
            engine::Unmet::Breakdown(how) => Unmet::Breakdown(how),
        }
    }
}

impl From<engine::Conduct> for Requirement {
    fn from((id, level, grounds, summary): engine::Conduct) -> Requirement {
        Requirement {
            id: id.to_owned(),
            level,
            basis: grounds.basis,
            status: grounds.status,
            summary: summary.to_owned(),
        }
    }
}

impl From<&engine::Broken> for Requirement {
    fn from(broken: &engine::Broken) -> Requirement {
        Requirement {
            id: broken.id.clone(),
            level: broken.level,
            basis: broken.grounds.basis,
            status: broken.grounds.status,
            summary: broken.summary.clone(),
        }
    }
}

impl From<&rfc::Requirement> for Requirement {
    fn from(requirement: &rfc::Requirement) -> Requirement {
        Requirement {
            id: requirement.id.clone(),
            level: requirement.level,
            basis: requirement.grounds.basis,
            status: requirement.grounds.status,
            summary: requirement.summary.clone(),
        }
    }
}

impl From<&script::Position> for Position {
    fn from(position: &script::Position) -> Position {
        Position {
            file: position.file.to_string(),
            line: position.line,
            column: position.column,
        }
    }
}

impl From<&peer::Measure> for Measure {
    fn from(measure: &peer::Measure) -> Measure {
        match measure {
            peer::Measure::Number(number) => Measure::Number(*number),
            peer::Measure::Seconds(seconds) => Measure::Seconds(*seconds),
            peer::Measure::Octets(octets) => Measure::Octets(Octets(octets.as_slice().into())),
        }
    }
}
