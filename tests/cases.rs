//! One test for each bundled case, on virtual time: every variation of it, judged by what is known of the stack.

use rstest::rstest;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tcpvet::case::Library;
use tcpvet::drive::Target;
use tcpvet::engine::Outcome;
use tcpvet::model::{Config, Defects};
use tcpvet::report::ladder;
use tcpvet::stacks::Runner;
use tcpvet::suite::{Axes, Conduct, Expectations, Progress, Run, RunResult, execute, expand};

static LIBRARY: LazyLock<Library> = LazyLock::new(|| match Library::bundled() {
    Ok(library) => library,
    Err(problems) => panic!("{problems}"),
});

const SMOLTCP: &str = include_str!("../runners/smoltcp/expectations.yaml");

/// The id of a case, from its file.
fn id(path: &Path) -> String {
    let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/cases"));
    let below = path.strip_prefix(root).expect("a case stands under cases/");
    below.with_extension("").to_string_lossy().into_owned()
}

/// Makes all runs of a plan, and gives what came of each, in its order.
fn run_all(target: &mut dyn Target, plan: &[Run], expectations: &Expectations, conduct: Conduct) -> Vec<RunResult> {
    let stop = AtomicBool::new(false);
    let mut results = Vec::new();
    let trouble = execute(target, plan, expectations, conduct, &stop, &mut |progress| {
        if let Progress::Settled(place, result) = progress {
            results.push((place, *result));
        }
    });
    assert_eq!(trouble, None);
    assert_eq!(results.len(), plan.len(), "every run has a verdict");
    results.sort_by_key(|(place, _)| *place);
    results.into_iter().map(|(_, result)| result).collect()
}

fn judge(path: &Path, target: &mut dyn Target, expectations: &Expectations) {
    let id = id(path);
    let case = LIBRARY
        .case(&id)
        .unwrap_or_else(|| panic!("{id} is not bundled: build again"));
    let plan = expand(&case.scripts, &Axes::default());
    assert!(!plan.is_empty(), "{id} has no run");
    let results = run_all(target, &plan, expectations, Conduct { seed: 1, at_once: 1 });
    let red: Vec<&RunResult> = results.iter().filter(|it| it.judged().exit_code(true) != 0).collect();
    if let Some(first) = red.first() {
        let names: Vec<&str> = red.iter().map(|it| it.run.name.as_str()).collect();
        panic!(
            "{} of {} runs are not as they should be: {}\n{}: {:?} {}\n{}",
            red.len(),
            plan.len(),
            names.join(", "),
            first.run.name,
            first.judged(),
            first.outcome.reason,
            ladder(&(&first.outcome).into()),
        );
    }
}

#[rstest]
fn smoltcp(
    #[files("cases/**/*.yaml")]
    #[exclude("cases/(requirements|given)/")]
    path: PathBuf,
) {
    let runner = Runner::bundled("smoltcp").expect("it is bundled");
    let expectations = Expectations::parse(SMOLTCP, "runners/smoltcp/expectations.yaml").expect("it can be read");
    judge(&path, &mut tcpvet::stacks::smoltcp::target(runner), &expectations);
}

/// The reference endpoint passes every case, without an exception.
#[rstest]
fn model(
    #[files("cases/**/*.yaml")]
    #[exclude("cases/(requirements|given)/")]
    path: PathBuf,
) {
    let runner = Runner::bundled("model").expect("it is bundled");
    let mut target = tcpvet::stacks::model::target(runner, Config::default(), Defects::NONE);
    judge(&path, &mut target, &Expectations::default());
}

/// Everything that a run leaves behind, for comparison.
fn traces(seed: u64, at_once: usize) -> Vec<String> {
    let runner = Runner::bundled("smoltcp").expect("it is bundled");
    let mut target = tcpvet::stacks::smoltcp::target(runner);
    let scripts: Vec<_> = LIBRARY.cases().iter().flat_map(|case| case.scripts.clone()).collect();
    let plan = expand(&scripts, &Axes::default());
    let results = run_all(&mut target, &plan, &Expectations::default(), Conduct { seed, at_once });
    results
        .iter()
        .map(|it| {
            // How long a run took on the clock on the wall is not part of what happened.
            let outcome = Outcome {
                took: Duration::ZERO,
                ..it.outcome.clone()
            };
            format!("{} {outcome:?}", it.run.name)
        })
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_run_octet_for_octet() {
    let once = traces(7, 1);
    let again = traces(7, 2);
    for (left, right) in once.iter().zip(&again) {
        assert_eq!(left, right);
    }
    assert_eq!(once.len(), again.len());
    assert_ne!(once, traces(8, 1), "the seed decides");
}

#[test]
fn the_library_is_as_large_as_it_says() {
    let scripts: Vec<_> = LIBRARY.cases().iter().flat_map(|case| case.scripts.clone()).collect();
    let runs = expand(
        &scripts,
        &Axes {
            wraps: vec![false],
            ..Axes::default()
        },
    );
    assert!(LIBRARY.cases().len() >= 50, "{} cases", LIBRARY.cases().len());
    assert!(runs.len() >= 400, "{} runs over both IP versions", runs.len());
}
