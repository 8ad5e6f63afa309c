//! The bundled library against the kernel that we run on, as one test with a ledger. Where namespaces cannot be had, it
//! says so and passes.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tcpvet::case::Library;
use tcpvet::drive::Target;
use tcpvet::report::ladder;
use tcpvet::stacks::Runner;
use tcpvet::stacks::linux::{Linux, Plan};
use tcpvet::suite::{Axes, Conduct, Expectations, Progress, QUICK, Run, estimate, execute, expand};

const LINUX: &str = include_str!("../runners/linux/expectations.yaml");
const PYTHON: &str = include_str!("../runners/python/expectations.yaml");

/// How often what came too late is made again.
const ROUNDS: usize = 4;

fn linux() -> Option<Linux> {
    let runner = Runner::bundled("linux").expect("it is bundled");
    let plan = Plan {
        program: env!("CARGO_BIN_EXE_tcpvet").into(),
        ..Plan::default()
    };
    match Linux::probe_as(runner, plan) {
        Ok(linux) => Some(linux),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

fn library_against_kernel(longest: Duration) {
    let Some(mut linux) = linux() else { return };
    let library = Library::bundled().unwrap_or_else(|problems| panic!("{problems}"));
    let scripts: Vec<_> = library.cases().iter().flat_map(|case| case.scripts.clone()).collect();
    let times = linux.facts().tolerances.clone();
    let mut plan: Vec<Run> = expand(&scripts, &Axes::default());
    plan.retain(|run| estimate(&run.script, &times) <= longest);
    let expectations = Expectations::parse(LINUX, "runners/linux/expectations.yaml").expect("it can be read");
    let stop = AtomicBool::new(false);
    let conduct = Conduct { seed: 1, at_once: 0 };
    let mut unsettled = plan.clone();
    let mut red = Vec::new();
    // A machine that stands still again and again may spoil every attempt of a run: then the run is made once more later.
    for _ in 0..ROUNDS {
        let mut results = Vec::new();
        let trouble = execute(&mut linux, &unsettled, &expectations, conduct, &stop, &mut |progress| {
            if let Progress::Settled(_, result) = progress {
                results.push(result);
            }
        });
        assert_eq!(trouble, None);
        assert_eq!(results.len(), unsettled.len(), "every run has a verdict");
        let wrong = results.into_iter().filter(|it| it.judged().exit_code(true) != 0);
        let (late, others): (Vec<_>, Vec<_>) = wrong.partition(|it| it.outcome.reason.ends_with("ms late"));
        red.extend(others);
        unsettled = late.into_iter().map(|it| it.run).collect();
        if unsettled.is_empty() {
            break;
        }
    }
    let spoilt: Vec<&str> = unsettled.iter().map(|run| run.name.as_str()).collect();
    assert!(spoilt.is_empty(), "each time too late: {}", spoilt.join(", "));
    for it in &red {
        eprintln!(
            "{} {:?} {}\n{}",
            it.run.name,
            it.judged(),
            it.outcome.reason,
            ladder(&(&it.outcome).into())
        );
    }
    let names: Vec<&str> = red.iter().map(|it| it.run.name.as_str()).collect();
    assert!(
        red.is_empty(),
        "{} of {} runs are not as they should be: {}",
        red.len(),
        plan.len(),
        names.join(", ")
    );
}

#[test]
fn what_takes_no_longer_than_five_seconds() {
    library_against_kernel(QUICK);
}

#[test]
#[ignore = "waits for two minutes"]
fn everything() {
    library_against_kernel(Duration::MAX);
}

/// Its entries, without the step: an agent that tells no states fails at a later one.
fn entries(text: &str) -> Vec<String> {
    let entries = text.split("\n- cases:").skip(1);
    let stays = |line: &&str| !line.starts_with("  step:") && !line.trim().is_empty();
    entries
        .map(|entry| entry.lines().filter(stays).collect::<Vec<_>>().join("\n"))
        .collect()
}

#[test]
fn what_is_known_of_pythons_sockets_is_what_is_known_of_the_kernel() {
    let (kernel, sockets) = (entries(LINUX), entries(PYTHON));
    let strange: Vec<&String> = sockets.iter().filter(|entry| !kernel.contains(entry)).collect();
    assert!(
        strange.is_empty() && sockets.len() > 30,
        "not so of the kernel: {strange:#?}"
    );
    let left_out: Vec<&str> = kernel
        .iter()
        .filter(|entry| !sockets.contains(entry))
        .filter_map(|entry| entry.lines().next())
        .collect();
    // Those need calls that Python's agent does not have.
    let unable = [
        "fast-open/",
        "ecn/mark-on-a-probe",
        "icmp/mtu-passed-before",
        "urgent/",
        "window/",
    ];
    let forgotten = |line: &&&str| !unable.iter().any(|begin| line.contains(&format!("'{begin}")));
    let forgotten: Vec<_> = left_out.iter().filter(forgotten).collect();
    assert!(forgotten.is_empty(), "known of the kernel only: {forgotten:?}");
}
