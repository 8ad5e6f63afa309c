//! Scripts and outcomes for the tests of several modules.

use super::{Axes, Run, expand};
use crate::engine::{Failure, Outcome, Symptom, Unmet, Verdict};
use crate::peer::Message;
use crate::rfc::{Grounds, Level, Requirement};
use crate::script::{Position, Script, StepWord};
use crate::time::Instant;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A script that does nothing.
pub(crate) fn script(case: &str, row: &str) -> Script {
    Script {
        case: case.into(),
        row: row.to_owned(),
        title: format!("{case} is as asked").into(),
        why: "".into(),
        reading: "".into(),
        covers: Arc::from([requirement("RFC9293-MUST-1")]),
        ids: Arc::default(),
        tags: Arc::from([]),
        needs: Vec::new(),
        configure: BTreeMap::new(),
        only: BTreeMap::new(),
        connections: Vec::new(),
        given: Vec::new(),
        steps: Vec::new(),
    }
}

pub(crate) fn requirement(id: &str) -> Arc<Requirement> {
    Arc::new(Requirement {
        id: id.to_owned(),
        level: if id.contains("SHLD") {
            Level::Should
        } else {
            Level::Must
        },
        grounds: Grounds::default(),
        when: None,
        summary: format!("what {id} asks"),
    })
}

pub(crate) fn runs(cases: &[(&str, &str)]) -> Vec<Run> {
    let scripts: Vec<_> = cases.iter().map(|(case, row)| Arc::new(script(case, row))).collect();
    expand(&scripts, &Axes::default())
}

pub(crate) fn outcome(verdict: Verdict) -> Outcome {
    Outcome {
        ended: Instant::from_millis(12),
        ..Outcome::empty(verdict, Instant::ZERO, "")
    }
}

/// An outcome that failed at a step and broke requirements.
pub(crate) fn failed(verdict: Verdict, step: &str, ids: &[&str]) -> Outcome {
    let requirements = ids.iter().map(|id| requirement(id));
    let failure = Failure {
        unmet: match step.split_once(':') {
            Some((word, _)) => Unmet::Step(StepWord::from_name(word).expect("a step begins with its word")),
            None => Unmet::End,
        },
        step: step.to_owned(),
        position: Position {
            file: "cases/a/b.yaml".into(),
            line: 9,
            column: 5,
        },
        given: None,
        expected: "ACK seq=1 ack=1".to_owned(),
        seen: "nothing for 0.6 s".to_owned(),
        symptom: Symptom::Silence {
            due: Message::Ack,
            upon: Some(Message::Reset),
        },
        requirements: requirements.map(|it| (&*it).into()).collect(),
        timing: false,
        waived: None,
    };
    Outcome {
        failure: Some(failure),
        ..outcome(verdict)
    }
}
