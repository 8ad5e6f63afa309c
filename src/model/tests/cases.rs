//! The case library on the reference endpoint: every case passes.

use crate::case::Library;
use crate::engine::Verdict;
use crate::model::{Config, Defect, Defects, target};
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

/// Cases that ask for something else than the RFCs, and why; each goes when it is mended.
const MISTAKEN: [(&str, &str); 7] = [
    (
        "ecn/echo-answered",
        "5000 octets at once need an initial window of five segments; RFC 5681 section 3.1 gives four",
    ),
    (
        "icmp/packet-too-big[in-flight",
        "Nagle's algorithm keeps the 220 octets back (RFC 9293 section 3.7.4)",
    ),
    (
        "malformed/syn",
        "the bench does not count the SYN, so no acknowledgment of it can fit",
    ),
    (
        "options/stripped-on-the-way",
        "timestamps stay agreed upon, and what lacks them is dropped (RFC 7323 section 3.2)",
    ),
    (
        "options/too-late",
        "the window stands on a segment older than SND.WL1 (RFC 9293 section 3.10.7.4)",
    ),
    (
        "simultaneous-open/close-in-the-middle[how=CLOSE",
        "the tester does not acknowledge the FIN that it was sent",
    ),
    (
        "timestamps/wrapped",
        "the handshake's ACK is already later than what the case calls later",
    ),
];

#[test]
fn every_case_passes() {
    let target = target(runner(), Config::default(), Defects::NONE);
    let stop = AtomicBool::new(false);
    let mut broken = Vec::new();
    let runs = library(&Axes::default());
    for run in &runs {
        let outcome = target.run_one(&run.job(1), &stop);
        let fine = match outcome.verdict {
            Verdict::Pass | Verdict::Observed | Verdict::NotApplicable => true,
            Verdict::Fail | Verdict::Deviates | Verdict::Unsupported | Verdict::Inconclusive | Verdict::CaseError => {
                false
            }
        };
        let mistaken = MISTAKEN.iter().any(|(name, _)| run.name.starts_with(name));
        if !fine && !mistaken {
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
fn every_mistake_is_noticed_by_a_case() {
    let axes = Axes {
        ips: vec![IpVersion::V4],
        wraps: vec![false, true],
    };
    let library = library(&axes);
    let mistaken = |run: &&Run| !MISTAKEN.iter().any(|(name, _)| run.name.starts_with(name));
    let runs: Vec<&Run> = library.iter().filter(mistaken).collect();
    let stop = AtomicBool::new(false);
    let mut unnoticed = Vec::new();
    for defect in Defect::ALL {
        let target = target(runner(), Config::default(), Defects::only(*defect));
        // Those that cover what it breaks are the likeliest.
        let near = |run: &&&Run| run.script.covers.iter().any(|it| defect.breaks().contains(&&*it.id));
        let (mut order, rest): (Vec<&Run>, Vec<&Run>) = runs.iter().partition(|run| near(&run));
        order.extend(rest);
        if !notices(&|run| target.run_one(&run.job(1), &stop).verdict, &order) {
            unnoticed.push(format!("{}: {}", defect.name(), defect.meaning()));
        }
    }
    assert!(
        unnoticed.is_empty(),
        "{} of {}\n{}",
        unnoticed.len(),
        Defect::ALL.len(),
        unnoticed.join("\n")
    );
}
