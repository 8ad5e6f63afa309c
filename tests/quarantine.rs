//! What every stack fails may be a mistake of ours: such a case is in quarantine until it says, under `reading`, why the RFC
//! is to be read as it does.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};
use tcpvet::case::Library;
use tcpvet::engine::Verdict;
use tcpvet::suite::{Axes, Expectations, expand};

/// The stacks that others wrote, and that take no time: they are on virtual time.
const QUICK: [&str; 3] = ["smoltcp", "lwip", "gvisor"];
/// The one that is asked only about what they fail.
const SLOW: &str = "linux";
/// What it is known to fail; that it does is `tests/kernel.rs`'s.
const KNOWN: &str = include_str!("../runners/linux/expectations.yaml");

/// A run: its case and its name.
type Run = (String, String);
type Verdicts = BTreeMap<Run, String>;

fn tcpvet(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tcpvet"));
    command.args(arguments).output().expect("tcpvet starts")
}

/// Why a stack cannot be run here, if it cannot.
fn missing(stack: &str) -> Option<String> {
    let targets = tcpvet(&["targets"]);
    let targets = String::from_utf8_lossy(&targets.stdout).into_owned();
    let line = targets.lines().find(|line| line.starts_with(&format!("{stack} ")))?;
    line.contains("cannot run here").then(|| line.to_owned())
}

/// The verdicts of a target on some cases; on all if none is named.
fn verdicts(target: &str, cases: &[&str]) -> Verdicts {
    let output = tcpvet(&[&["run", "--target", target, "--json", "-"], cases].concat());
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
    let runs = report["runs"].as_array().expect("runs");
    let text = |run: &serde_json::Value, key: &str| run[key].as_str().expect(key).to_owned();
    runs.iter()
        .map(|run| ((text(run, "case"), text(run, "name")), text(run, "verdict")))
        .collect()
}

/// The runs that the slow stack's expectations speak of.
fn known_to_fail(library: &Library) -> Verdicts {
    let known = Expectations::parse(KNOWN, "runners/linux/expectations.yaml").expect("it can be read");
    let scripts: Vec<_> = library.cases().iter().flat_map(|case| case.scripts.clone()).collect();
    let fails = |entry: &&tcpvet::suite::Entry| matches!(entry.expect, Verdict::Fail | Verdict::Deviates);
    let verdict = |run: tcpvet::suite::Run| {
        let entry = known
            .entries()
            .iter()
            .filter(fails)
            .find(|entry| entry.speaks_of(&run.id()))?;
        Some((
            (run.script.case.to_string(), run.name.clone()),
            entry.expect.name().to_owned(),
        ))
    };
    expand(&scripts, &Axes::default())
        .into_iter()
        .filter_map(verdict)
        .collect()
}

/// The runs that the model passes and that all stacks fail to which they apply, and there are some.
fn failed_by_all(model: &Verdicts, stacks: &[Verdicts]) -> BTreeSet<Run> {
    let in_doubt = |(run, verdict): &(&Run, &String)| {
        let mut judged = stacks
            .iter()
            .filter_map(|stack| stack.get(*run))
            .filter(|verdict| !["unsupported", "not-applicable"].contains(&verdict.as_str()))
            .peekable();
        let fails = |verdict: &String| ["fail", "deviates"].contains(&verdict.as_str());
        *verdict == "pass" && judged.peek().is_some() && judged.all(fails)
    };
    model.iter().filter(in_doubt).map(|(run, _)| run.clone()).collect()
}

/// Their cases, each with one of them.
fn cases_of(runs: &BTreeSet<Run>) -> BTreeMap<&str, &str> {
    runs.iter()
        .rev()
        .map(|(case, name)| (case.as_str(), name.as_str()))
        .collect()
}

#[test]
#[ignore = "runs the library against every stack"]
fn what_every_stack_fails_defends_its_reading_of_the_rfc() {
    if let Some(why) = QUICK.into_iter().chain([SLOW]).find_map(missing) {
        println!("skipped: {why}");
        return;
    }
    let model = verdicts("model", &[]);
    let mut stacks = QUICK.map(|stack| verdicts(stack, &[])).to_vec();
    let library = Library::bundled().unwrap_or_else(|problems| panic!("{problems}"));
    stacks.push(known_to_fail(&library));
    let doubtful = failed_by_all(&model, &stacks);
    let judged = |run: &Run| stacks[QUICK.len()].contains_key(run);
    let asked: Vec<&str> = doubtful
        .iter()
        .filter(|run| !judged(run))
        .map(|(_, name)| name.as_str())
        .collect();
    if !asked.is_empty() {
        stacks.push(verdicts(SLOW, &asked));
    }
    let failed = failed_by_all(&model, &stacks);
    let failed = cases_of(&failed);
    let defended: BTreeSet<String> = library
        .cases()
        .iter()
        .filter(|case| !case.reading.is_empty())
        .map(|case| case.id.to_string())
        .collect();
    let open: Vec<_> = failed.iter().filter(|(case, _)| !defended.contains(**case)).collect();
    assert!(
        open.is_empty(),
        "in quarantine until they say their `reading`: {open:#?}"
    );
    let idle: Vec<_> = defended
        .iter()
        .filter(|case| !failed.contains_key(case.as_str()))
        .collect();
    assert!(
        idle.is_empty(),
        "some stack passes all of these, so they need no `reading`: {idle:?}"
    );
}

fn of(verdicts: &[(&str, &str)]) -> Verdicts {
    let run = |name: &str| ("topic/case".to_owned(), name.to_owned());
    verdicts
        .iter()
        .map(|(name, verdict)| (run(name), (*verdict).to_owned()))
        .collect()
}

#[test]
fn only_what_nobody_passes_is_in_quarantine() {
    let model = of(&[("a", "pass"), ("b", "pass"), ("c", "pass"), ("d", "not-applicable")]);
    let one = of(&[("a", "fail"), ("b", "fail"), ("c", "unsupported"), ("d", "fail")]);
    let other = of(&[
        ("a", "pass"),
        ("b", "unsupported"),
        ("c", "not-applicable"),
        ("d", "fail"),
    ]);
    let failed = failed_by_all(&model, &[one, other]);
    assert_eq!(
        failed.into_iter().collect::<Vec<_>>(),
        [("topic/case".to_owned(), "b".to_owned())]
    );
}
