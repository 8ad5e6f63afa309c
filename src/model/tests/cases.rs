//! The case library on the reference endpoint: every case passes. That it also fails where it should is `crate::prove`.

use crate::case::Library;
use crate::engine::Verdict;
use crate::model::{Config, Defects, target};
use crate::report::ladder;
use crate::suite::{Axes, Run, expand};
use crate::target::Runner;
use std::sync::atomic::AtomicBool;

const RUNNER: &str = include_str!("../../../runners/model/runner.yaml");

pub(super) fn runner() -> Runner {
    Runner::parse("runners/model/runner.yaml", RUNNER).unwrap()
}

pub(super) fn library(axes: &Axes) -> Vec<Run> {
    let library = Library::bundled().unwrap_or_else(|problems| panic!("{problems}"));
    let scripts: Vec<_> = library.cases().iter().flat_map(|case| case.scripts.clone()).collect();
    expand(&scripts, axes)
}

#[test]
fn every_case_passes() {
    let target = target(runner(), Config::default(), Defects::NONE);
    let stop = AtomicBool::new(false);
    let mut broken = Vec::new();
    let mut passed = 0;
    let runs = library(&Axes::default());
    for run in &runs {
        let outcome = target.run_one(&run.job(1), &stop);
        let fine = match outcome.verdict {
            Verdict::Pass | Verdict::Observed | Verdict::NotApplicable => true,
            Verdict::Fail | Verdict::Deviates | Verdict::Unsupported | Verdict::Inconclusive | Verdict::CaseError => {
                false
            }
        };
        passed += usize::from(outcome.verdict == Verdict::Pass);
        if !fine {
            broken.push(format!(
                "{}: {:?} {}\n{}",
                run.name,
                outcome.verdict,
                outcome.reason,
                ladder(&outcome)
            ));
        }
    }
    assert!(
        passed * 10 > runs.len() * 9,
        "only {passed} of {} applied and passed",
        runs.len()
    );
    assert!(
        broken.is_empty(),
        "{} of {}\n{}",
        broken.len(),
        runs.len(),
        broken.join("\n")
    );
}
