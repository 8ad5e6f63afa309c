//! The case library on the reference endpoint: every case passes.

use crate::case::Library;
use crate::engine::Verdict;
use crate::model::{Config, Defect, Defects, SWITCHES, target};
use crate::report::ladder;
use crate::suite::{Axes, Run, expand};
use crate::target::{IpVersion, Runner};
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

/// Whether a run ends otherwise than without the mistake: it fails or deviates.
fn notices(target: &impl Fn(&Run) -> Verdict, runs: &[&Run]) -> bool {
    runs.iter()
        .any(|run| matches!(target(run), Verdict::Fail | Verdict::Deviates))
}

#[test]
#[ignore = "runs the library once for every mistake"]
fn every_mistake_but_those_listed_is_noticed_by_a_case() {
    let axes = Axes {
        ips: vec![IpVersion::V4, IpVersion::V6],
        wraps: vec![false, true],
    };
    let library = library(&axes);
    let runs: Vec<&Run> = library.iter().collect();
    let stop = AtomicBool::new(false);
    let mut unnoticed = Vec::new();
    for defect in Defect::ALL {
        let target = target(runner(), Config::default(), Defects::only(*defect));
        // Those that cover what it breaks are the likeliest.
        let near = |run: &&Run| {
            run.script
                .covers
                .iter()
                .any(|it| defect.breaks().contains(&it.id.as_str()))
        };
        let (mut order, rest): (Vec<&Run>, Vec<&Run>) = runs.iter().copied().partition(near);
        order.extend(rest);
        if !notices(&|run| target.run_one(&run.job(1), &stop).verdict, &order) {
            unnoticed.push(defect.name());
        }
    }
    assert_eq!(
        unnoticed, UNNOTICED,
        "take off the list what is noticed now; a new one needs a case"
    );
}

/// Mistakes that no case notices yet, in the order of [`Defect::ALL`].
const UNNOTICED: [&str; 1] = ["wrong-checksum"];

#[test]
#[ignore = "runs the library once for every switch, and tells; what it tells is for a person to judge"]
fn every_switch_is_told_of() {
    let axes = Axes {
        ips: vec![IpVersion::V4],
        wraps: vec![false],
    };
    let runs = library(&axes);
    let stop = AtomicBool::new(false);
    for switch in SWITCHES {
        let mut config = Config::default();
        switch.turn(&mut config);
        let target = target(runner(), config, Defects::NONE);
        let mut broken = Vec::new();
        for run in &runs {
            let outcome = target.run_one(&run.job(1), &stop);
            if matches!(outcome.verdict, Verdict::Fail | Verdict::Deviates) {
                broken.push(format!("{:?} {}: {}", outcome.verdict, run.name, outcome.reason));
            }
        }
        println!(
            "{}: {} of {}\n  {}",
            switch.name,
            broken.len(),
            runs.len(),
            broken.join("\n  ")
        );
    }
}
