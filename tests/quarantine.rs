//! What every stack fails may be a mistake of ours: such a case is in quarantine until it says, under `reading`, why the RFC
//! is to be read as it does.

#![cfg(all(feature = "cli", feature = "linux", feature = "smoltcp"))]

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Output};
use tcpvet::case::Library;

/// The stacks that others wrote, and that take no time: they are on virtual time.
const QUICK: [&str; 3] = ["smoltcp", "lwip", "gvisor"];
/// The one that is asked about what they fail.
const SLOW: &str = "linux";

/// The verdict of each run, by its case and its name.
type Verdicts = BTreeMap<(String, String), String>;

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

/// The cases of which the model passes a run that all stacks fail to which it applies, with that run.
fn failed_by_all(model: &Verdicts, stacks: &[Verdicts]) -> BTreeMap<String, String> {
    passed_by_none(model, stacks, 1)
}

/// The same where at least so many stacks have judged the run.
fn passed_by_none(model: &Verdicts, stacks: &[Verdicts], judges: usize) -> BTreeMap<String, String> {
    let mut failed = BTreeMap::new();
    for (run, verdict) in model {
        let judged: Vec<&String> = stacks
            .iter()
            .filter_map(|stack| stack.get(run))
            .filter(|verdict| !["unsupported", "not-applicable"].contains(&verdict.as_str()))
            .collect();
        let fails = |verdict: &String| ["fail", "deviates"].contains(&verdict.as_str());
        if verdict == "pass" && judged.len() >= judges && judged.into_iter().all(fails) {
            let (case, name) = run.clone();
            failed.entry(case).or_insert(name);
        }
    }
    failed
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
    let doubtful = passed_by_none(&model, &stacks, 0);
    let doubtful: Vec<&str> = doubtful.keys().map(String::as_str).collect();
    if !doubtful.is_empty() {
        stacks.push(verdicts(SLOW, &doubtful));
    }
    let failed = failed_by_all(&model, &stacks);
    let library = Library::bundled().unwrap_or_else(|problems| panic!("{problems}"));
    let defended: BTreeSet<String> = library
        .cases()
        .iter()
        .filter(|case| !case.reading.is_empty())
        .map(|case| case.id.to_string())
        .collect();
    let open: Vec<_> = failed.iter().filter(|(case, _)| !defended.contains(*case)).collect();
    assert!(
        open.is_empty(),
        "in quarantine until they say their `reading`: {open:#?}"
    );
    let idle: Vec<_> = defended.iter().filter(|case| !failed.contains_key(*case)).collect();
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
