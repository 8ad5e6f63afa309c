//! The case library on the reference endpoint: every case passes. That it also fails where it should is `tcpvet::prove`.

use std::sync::atomic::AtomicBool;
use tcpvet::case::Library;
use tcpvet::engine::Verdict;
use tcpvet::model::{Config, Defects};
use tcpvet::report::ladder;
use tcpvet::stacks::Runner;
use tcpvet::stacks::model::target;
use tcpvet::suite::{Axes, Run, expand};

const RUNNER: &str = include_str!("../runners/model/runner.yaml");

fn runner() -> Runner {
    Runner::parse("runners/model/runner.yaml", RUNNER).unwrap()
}

fn library(axes: &Axes) -> Vec<Run> {
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
                ladder(&(&outcome).into())
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
