//! One test for each bundled case, for whoever writes a stack in Rust.
//!
//! A crate that has `tcpvet` among its dev-dependencies implements [`Stack`] for its stack and writes, in a file below
//! `tests/`, `tcpvet::conformance!(MyStack::new);`: an example of all of it stands at [the top of this crate](crate).
//!
//! Then `cargo test` has a test for each case, such as `conformance::handshake::passive_open`. A test that fails shows
//! the exchange. An argument after the constructor is passed to the [`Suite`]'s method of that name:
//!
//! ```ignore
//! tcpvet::conformance!(
//!     MyStack::new,
//!     runner = include_str!("runner.yaml"),        // what it claims, how long its timers are
//!     known = include_str!("known.yaml"),          // what it is known to do otherwise, with reasons
//!     cases = "tests/cases",                       // a directory of cases of your own
//!     at_least = 60,                               // percent of the runs that must be judged; else 80
//!     without = ["urgent", "fast-open"],           // what it is known to lack
//! );
//! ```
//!
//! The stack runs in children: the test binary, executed again with the test `conformance::child` alone. There a stack that
//! does not return, or that ends its process, costs the test in which it does so.
//!
//! # Green means tested
//!
//! A run is passed over where the stack lacks an ability that it needs, or does not claim what it is about. So that a
//! stack that says nothing of itself is not green, a test `conformance::enough_was_tested` fails where fewer than
//! `at_least` percent of the runs were judged, and lists what was passed over, and why. The test of a case of which no run
//! was judged fails too, unless `without` names what the stack lacks: abilities (`urgent`), conditions that it does not
//! claim (`fast-open`), settings of the host (`syn-cookies`), or the case itself.

mod enough;

use crate::case::{Library, Root};
#[cfg(unix)]
use crate::drive::Limits;
use crate::drive::{Job, Target};
use crate::record::{self, Traces};
use crate::report::explain;
use crate::stack::{Breakdown, Stack};
use crate::stacks::{Embedded, Runner};
#[cfg(unix)]
use crate::stacks::{Linked, serve};
use crate::suite::{Axes, Conduct, Expectations, Progress, Run, RunResult, execute, expand, rows};
#[cfg(unix)]
use core::time::Duration;
use enough::{AT_LEAST, Checked, by_case};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
#[cfg(unix)]
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

include!(concat!(env!("OUT_DIR"), "/conformance.rs"));

/// A test for each bundled case, run against the stack that the first argument makes for a [`Job`]. See [the
/// module](mod@crate::conformance).
#[macro_export]
macro_rules! conformance {
    ($make:expr $(, $option:ident = $value:expr)* $(,)?) => {
        mod conformance {
            #[allow(unused_imports)]
            use super::*;

            pub(crate) fn suite() -> &'static $crate::conformance::Suite {
                static SUITE: ::std::sync::OnceLock<$crate::conformance::Suite> = ::std::sync::OnceLock::new();
                SUITE.get_or_init(|| {
                    let make = $make;
                    $crate::conformance::Suite::new(move |job| ::std::boxed::Box::new(make(job)))$(.$option($value))*
                        .in_children(::core::module_path!())
                })
            }

            /// The process in which the stack runs, so that a loop in it costs no more than its own test. When the tests
            /// are run this does nothing: they run it.
            #[test]
            fn child() {
                suite().serve();
            }

            /// The known failures must be of runs that exist.
            #[test]
            fn what_is_known_is_about_cases_that_there_are() {
                suite().check_known();
            }

            /// The cases of the directories that were added.
            #[test]
            fn cases_of_our_own() {
                suite().check_own();
            }

            /// Passing has meant something.
            #[test]
            fn enough_was_tested() {
                suite().check_enough();
            }

            $crate::__tcpvet_cases!();
        }
    };
}

/// Makes a stack for a job.
type Make = Box<dyn Fn(&Job) -> Box<dyn Stack> + Send + Sync>;

/// A stack, its description, and its known failures.
pub struct Suite {
    make: Make,
    runner: Option<Runner>,
    known: Expectations,
    own: Vec<PathBuf>,
    own_runs: OnceLock<Vec<Run>>,
    at_least: u8,
    without: BTreeSet<String>,
    /// What became of the cases whose runs were made, by name. Several tests may want to know.
    checked: Mutex<BTreeMap<String, Arc<OnceLock<Arc<Checked>>>>>,
    #[cfg(unix)]
    linked: Option<Linked>,
}

/// The bundled cases, read once for all tests of a process.
static BUNDLED: LazyLock<Vec<Run>> = LazyLock::new(|| {
    let library = Library::bundled().unwrap_or_else(|problems| panic!("{problems}"));
    runs_of(&library)
});

fn runs_of(library: &Library) -> Vec<Run> {
    let scripts: Vec<_> = library.cases().iter().flat_map(|case| case.scripts.clone()).collect();
    expand(&scripts, &Axes::default())
}

impl Suite {
    /// A stack with no description but its own abilities.
    pub fn new(make: impl Fn(&Job) -> Box<dyn Stack> + Send + Sync + 'static) -> Suite {
        Suite {
            make: Box::new(make),
            runner: None,
            known: Expectations::default(),
            own: Vec::new(),
            own_runs: OnceLock::new(),
            at_least: AT_LEAST,
            without: BTreeSet::new(),
            checked: Mutex::default(),
            #[cfg(unix)]
            linked: None,
        }
    }

    /// The text of its `runner.yaml`: what it claims, its times, what it can be configured to.
    ///
    /// # Panics
    /// If the text is not a valid `runner.yaml`: the test that uses it shows the error.
    pub fn runner(mut self, text: &str) -> Suite {
        let runner = Runner::parse("runner.yaml", text);
        self.runner = Some(runner.unwrap_or_else(|error| panic!("{error}")));
        self
    }

    /// The text of its expectations: known failures, with reasons.
    ///
    /// # Panics
    /// If the text is not a valid list of expectations, with all errors.
    pub fn known(mut self, text: &str) -> Suite {
        self.known = Expectations::parse(text, "the known failures").unwrap_or_else(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            panic!("{}", errors.join("\n"))
        });
        self
    }

    /// A directory of cases beside the bundled ones, from the crate's root.
    pub fn cases(mut self, directory: impl Into<PathBuf>) -> Suite {
        self.own.push(directory.into());
        self
    }

    /// Has the runs made in children: this test binary, executed again with the test `child` of that module alone.
    #[doc(hidden)]
    pub fn in_children(self, module: &str) -> Suite {
        #[cfg(unix)]
        let suite = {
            // The name of a test begins below the crate.
            let module = module.split_once("::").map_or("", |(_, below)| below);
            let linked = Linked::new(
                self.target().facts().clone(),
                self.limits(),
                children(format!("{module}::child")),
            );
            Suite {
                linked: Some(linked),
                ..self
            }
        };
        #[cfg(not(unix))]
        let suite = self;
        suite
    }

    /// What the test `child` does in a child, for as long as its parent lives.
    ///
    /// # Panics
    /// If the parent cannot be understood.
    #[doc(hidden)]
    pub fn serve(&self) {
        #[cfg(unix)]
        if std::env::var_os(CHILD).is_some() {
            let served = serve(self.target(), |case| match case {
                Some(case) => {
                    let case = Library::load_one(&self.roots(), case);
                    case.map_or_else(Vec::new, |case| case.scripts.clone())
                }
                None => {
                    let runs = BUNDLED.iter().chain(self.own_runs());
                    runs.map(|run| Arc::clone(&run.script)).collect()
                }
            });
            served.unwrap_or_else(|error| panic!("the parent cannot be understood: {error}"));
            std::process::exit(0);
        }
    }

    /// How much the stack may use up. A test that waits for minutes is worse than one that fails, so this is less than
    /// for an agent.
    #[cfg(unix)]
    fn limits(&self) -> Limits {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        Limits {
            runs: 4,
            // The tests of a case are beside each other.
            in_vain: Duration::from_secs(30) * cores,
            ..Limits::of(self.runner.as_ref().map_or(PATIENCE, |runner| runner.patience))
        }
    }

    /// The stack, in this process.
    fn target(&self) -> Embedded<impl Fn(&Job) -> Box<dyn Stack> + Sync + '_> {
        let make = |job: &Job| (self.make)(job);
        match &self.runner {
            Some(runner) => Embedded::of(runner.clone(), make),
            None => Embedded::undescribed(make),
        }
    }

    /// Runs a bundled case in all its variations.
    ///
    /// # Panics
    /// If an outcome differs from what is expected, with the exchange; if no run was judged and nothing says why.
    pub fn check(&self, case: &str) {
        let runs = by_case(&BUNDLED).find(|runs| &*runs[0].script.case == case);
        let runs = runs.unwrap_or_else(|| panic!("there is no case `{case}`"));
        self.check_case(case, runs);
    }

    /// Runs the cases of the directories that were added.
    ///
    /// # Panics
    /// As [`Suite::check`] does; and if one of them cannot be read.
    pub fn check_own(&self) {
        for runs in by_case(self.own_runs()) {
            self.check_case(&runs[0].script.case, runs);
        }
    }

    /// Checks that the known failures are of cases that exist.
    ///
    /// # Panics
    /// If they are not, with all that is wrong.
    pub fn check_known(&self) {
        let mut all = BUNDLED.clone();
        all.extend_from_slice(self.own_runs());
        let errors = self.known.check(&rows(&all), &[]);
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(errors.is_empty(), "{}", errors.join("\n"));
    }

    /// Where cases come from. The added ones may cover requirements of the bundled catalogue.
    fn roots(&self) -> Vec<Root> {
        let own = self.own.iter().cloned().map(Root::Dir);
        [Root::Bundled].into_iter().chain(own).collect()
    }

    /// What became of the runs of a case, which are made only once.
    fn checked(&self, case: &str, runs: &[Run]) -> Arc<Checked> {
        let cell = {
            let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(checked.entry(case.to_owned()).or_default())
        };
        Arc::clone(cell.get_or_init(|| Arc::new(self.make_runs(runs))))
    }

    fn make_runs(&self, runs: &[Run]) -> Checked {
        let mut checked = Checked::default();
        for (place, run) in runs.iter().enumerate() {
            let result = self.result(run);
            checked.count(self, &result);
            if result.judged().exit_code(false) != 0 {
                let red = &mut checked.red;
                *red += &format!("\n{}  {}\n", result.judged().word(), result.run.name);
                for line in explain(&record::Run::of(&result, Traces::All)) {
                    *red += &line.text;
                    red.push('\n');
                }
                if result.outcome.breakdown() == Some(Breakdown::Hang) {
                    let left = runs.len() - place - 1;
                    *red += &format!("\n{left} more runs of the same test are not made, since this one hung.\n");
                    break;
                }
            }
        }
        checked
    }

    /// What became of a run.
    fn result(&self, run: &Run) -> RunResult {
        #[cfg(unix)]
        if let Some(mut linked) = self.linked.as_ref() {
            return self.result_of(&mut linked, run);
        }
        self.result_of(&mut self.target(), run)
    }

    fn result_of(&self, target: &mut dyn Target, run: &Run) -> RunResult {
        let conduct = Conduct { seed: 1, at_once: 1 };
        let stop = AtomicBool::new(false);
        let plan = std::slice::from_ref(run);
        let mut settled = None;
        let trouble = execute(target, plan, &self.known, conduct, &stop, &mut |progress| {
            if let Progress::Settled(_, result) = progress {
                settled = Some(*result);
            }
        });
        match (trouble, settled) {
            (None, Some(result)) => result,
            (trouble, _) => panic!("{} did not come to its end: {trouble:?}", run.name),
        }
    }
}

/// Set in a child.
#[cfg(unix)]
const CHILD: &str = "TCPVET_CHILD";

/// How long a stack may take over an input, unless its `runner.yaml` says so.
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_secs(3);

/// The command that starts this test binary again, with that test alone.
#[cfg(unix)]
fn children(test: String) -> impl Fn() -> Command + Send + Sync {
    move || {
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"));
        let mut command = Command::new(program);
        command.args([&*test, "--exact", "--test-threads=1"]).env(CHILD, "1");
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::addresses::target_address;
    use crate::model::{Config, Defect, Defects, Model};
    use std::panic::{AssertUnwindSafe, catch_unwind};

    const RUNNER: &str = include_str!("../runners/model/runner.yaml");

    fn suite(defects: Defects) -> Suite {
        Suite::new(move |job| {
            let config = Config {
                isn_near_wrap: job.wrap,
                ..Config::default()
            };
            Box::new(Model::with_defects(
                config,
                defects,
                job.seed,
                vec![target_address(job.ip)],
            ))
        })
    }

    fn said(what: impl FnOnce()) -> String {
        let panic = catch_unwind(AssertUnwindSafe(what)).expect_err("it should have failed");
        crate::drive::panic_text(panic.as_ref()).to_owned()
    }

    #[test]
    fn a_stack_that_does_what_it_should_passes_with_a_runner_or_without() {
        suite(Defects::NONE).check("handshake/passive-open");
        suite(Defects::NONE).runner(RUNNER).check("reset/acceptance");
        suite(Defects::NONE).check_own();
    }

    #[test]
    fn a_failure_shows_the_exchange_unless_it_is_known() {
        let silent = Defects::only(Defect::ClosedPortSilent);
        let text = said(|| suite(silent).check("reset/generation"));
        assert!(text.contains("fail  reset/generation["), "{text}");
        assert!(text.contains("expect: RST seq=SEG.ACK   <-- NOT MET"), "{text}");
        let known = "- {cases: 'reset/generation*', expect: fail, requirement: 'RFC9293-*', reason: known}";
        let text = said(|| suite(Defects::NONE).known(known).check("reset/generation"));
        assert!(text.contains("unexpected-pass"), "{text}");
        let silent = Defects::only(Defect::ClosedPortSilent);
        let known = known.replace("reason: known", "reason: TODO");
        let text = said(|| suite(silent).known(&known).check("reset/generation"));
        assert!(
            text.contains("write it in place of TODO at the known failures:1"),
            "{text}"
        );
    }

    /// The model, which claims what the lines say.
    fn claiming(lines: &str) -> Suite {
        suite(Defects::NONE).runner(&format!("name: mine\nkind: embedded\n{lines}"))
    }

    #[test]
    fn a_case_of_which_nothing_was_judged_fails_unless_what_it_lacks_is_named() {
        let mute = || claiming("");
        let text = said(|| mute().check("handshake/passive-open"));
        assert!(
            text.contains("no run of `handshake/passive-open` was judged: mine cannot do ipv4"),
            "{text}"
        );
        assert!(text.contains(r#"without = ["accept", "ipv4", "ipv6","#), "{text}");
        mute().without(["ipv4", "ipv6"]).check("handshake/passive-open");
        let half = said(|| mute().without(["ipv4"]).check("handshake/passive-open"));
        assert!(
            half.contains("mine cannot do ipv6") && !half.contains("do ipv4"),
            "{half}"
        );
        mute()
            .without(["handshake/passive-open"])
            .check("handshake/passive-open");
        let known = "- {cases: 'handshake/passive-open', expect: unsupported, reason: a stack for one IP version}";
        mute().known(known).check("handshake/passive-open");
    }

    #[test]
    fn what_is_not_claimed_or_cannot_be_configured_is_named_too() {
        let abilities = "abilities: [ipv4, ipv6, listen, connect, accept, send, recv, close, shutdown, abort, state]\n";
        let text = said(|| claiming(abilities).check("reset/confirmed"));
        assert!(
            text.contains("does not claim `rfc5961`") && text.contains(r#"without = ["rfc5961"]"#),
            "{text}"
        );
        claiming(abilities).without(["rfc5961"]).check("reset/confirmed");
        let text = said(|| claiming(abilities).check("ecn/negotiation"));
        assert!(text.contains("ecn"), "{text}");
    }

    #[test]
    fn too_few_runs_are_told_with_what_was_passed_over() {
        let text = said(|| {
            claiming("")
                .without(["urgnet", "urgent", "ipv4", "handshake/passive-open"])
                .check_enough()
        });
        assert!(text.contains("0 of "), "{text}");
        assert!(text.contains("runs were judged, 0 %, where 80 % must be."), "{text}");
        assert!(text.contains("passed over: mine cannot do ipv4"), "{text}");
        assert!(
            text.contains("`without` names `urgnet`, which is unknown; did you mean `urgent`?"),
            "{text}"
        );
        assert!(
            !text.contains("names `urgent`") && !text.contains("names `ipv4`"),
            "{text}"
        );
        let text = said(|| claiming("").at_least(0).without(["window-scaling"]).check_enough());
        assert!(!text.contains("were judged"), "{text}");
        assert!(said(|| drop(suite(Defects::NONE).at_least(101))).contains("no percentage"));
    }

    #[test]
    fn what_is_wrong_with_what_is_known_is_told() {
        let nothing = "- {cases: 'no/such-case', expect: fail, requirement: 'RFC9293-*', reason: known}";
        let text = said(|| suite(Defects::NONE).known(nothing).check_known());
        assert!(text.contains("no run matches `no/such-case`"), "{text}");
        assert!(said(|| suite(Defects::NONE).check("no/such-case")).contains("there is no case"));
        assert!(said(|| drop(suite(Defects::NONE).runner("name: 5\n"))).contains("runner.yaml"));
    }
}
