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
//! );
//! ```

use crate::case::{Library, Root};
use crate::drive::Job;
use crate::engine::Verdict;
use crate::record::{self, Traces};
use crate::report::explain;
use crate::stack::{Facts, Stack, Tolerances};
use crate::stacks::Embedded;
use crate::stacks::Runner;
use crate::suite::{Axes, Expectations, Run, RunResult, expand, rows};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock};

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
                })
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

    /// Runs a bundled case in all its variations.
    ///
    /// # Panics
    /// If an outcome differs from what is expected, with the exchange.
    pub fn check(&self, case: &str) {
        let runs: Vec<&Run> = BUNDLED.iter().filter(|run| &*run.script.case == case).collect();
        assert!(!runs.is_empty(), "there is no case `{case}`");
        self.check_runs(&runs);
    }

    /// Runs the cases of the directories that were added.
    ///
    /// # Panics
    /// As [`Suite::check`] does; and if one of them cannot be read.
    pub fn check_own(&self) {
        let runs = self.own_runs();
        self.check_runs(&runs.iter().collect::<Vec<_>>());
    }

    /// Checks that the known failures are of cases that exist.
    ///
    /// # Panics
    /// If they are not, with all that is wrong.
    pub fn check_known(&self) {
        let mut all = BUNDLED.clone();
        all.extend(self.own_runs());
        let errors: Vec<String> = self.known.check(&rows(&all)).iter().map(ToString::to_string).collect();
        assert!(errors.is_empty(), "{}", errors.join("\n"));
    }

    fn own_runs(&self) -> Vec<Run> {
        if self.own.is_empty() {
            return Vec::new();
        }
        let bundled: BTreeSet<&str> = BUNDLED.iter().map(|run| run.name.as_str()).collect();
        // The added cases may cover requirements of the bundled catalogue.
        let own = self.own.iter().cloned().map(Root::Dir);
        let roots: Vec<Root> = [Root::Bundled].into_iter().chain(own).collect();
        let library = Library::load(&roots).unwrap_or_else(|problems| panic!("{problems}"));
        let mut runs = runs_of(&library);
        runs.retain(|run| !bundled.contains(run.name.as_str()));
        runs
    }

    fn check_runs(&self, runs: &[&Run]) {
        let mut red = String::new();
        let mut passed_over = BTreeSet::new();
        for run in runs {
            let result = self.run(run);
            if matches!(result.outcome.verdict, Verdict::Unsupported | Verdict::NotApplicable) {
                passed_over.insert(result.outcome.reason.clone());
            }
            if result.judged().exit_code(false) != 0 {
                red += &format!("\n{}  {}\n", result.judged().word(), run.name);
                for line in explain(&record::Run::of(&result, Traces::All)) {
                    red += &line.text;
                    red.push('\n');
                }
            }
        }
        for reason in passed_over {
            println!("passed over: {reason}");
        }
        assert!(red.is_empty(), "{red}");
    }

    fn run(&self, run: &Run) -> RunResult {
        let job = run.job(1);
        let make = |job: &Job| (self.make)(job);
        let stop = AtomicBool::new(false);
        let outcome = match &self.runner {
            Some(runner) => Embedded::of(runner.clone(), make).run_one(&job, &stop),
            None => Embedded::new(self.facts(&job), make).run_one(&job, &stop),
        };
        RunResult {
            expectation: self.known.judge(&run.id(), &outcome),
            run: (*run).clone(),
            outcome,
            earlier: Vec::new(),
            meeting: None,
            attempts: 1,
            cut_off: false,
        }
    }

    /// What is known of the stack. Without a `runner.yaml` it claims no condition under which further requirements
    /// apply.
    fn facts(&self, job: &Job) -> Arc<Facts> {
        Arc::new(Facts {
            name: "the stack".to_owned(),
            version: None,
            abilities: (self.make)(job).abilities(),
            claims: Default::default(),
            tolerances: Tolerances::default(),
            mtu: 1500,
            virtual_time: true,
        })
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
        crate::drive::virtual_time::panic_text(panic.as_ref()).to_owned()
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

    #[test]
    fn what_is_wrong_with_what_is_known_is_told() {
        let nothing = "- {cases: 'no/such-case', expect: fail, requirement: 'RFC9293-*', reason: known}";
        let text = said(|| suite(Defects::NONE).known(nothing).check_known());
        assert!(text.contains("no run matches `no/such-case`"), "{text}");
        assert!(said(|| suite(Defects::NONE).check("no/such-case")).contains("there is no case"));
        assert!(said(|| drop(suite(Defects::NONE).runner("name: 5\n"))).contains("runner.yaml"));
    }
}
