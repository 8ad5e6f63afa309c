//! Whether enough was tested: a suite whose runs were all passed over has found nothing, and must not be green.

use super::{BUNDLED, Suite};
use crate::case::Library;
use crate::drive::Target;
use crate::engine::{Verdict, lacking_abilities, lacking_claims};
use crate::notation::did_you_mean;
use crate::rfc::Condition;
use crate::stack::{ABILITIES, Facts, HOST_SETTINGS, Setting};
use crate::suite::{Run, RunResult};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// How many percent of the runs must be judged where the suite does not say.
pub(super) const AT_LEAST: u8 = 80;

/// What became of the runs of a case.
#[derive(Default)]
pub(super) struct Checked {
    /// The runs that did not come out as they should, with the exchange; else empty.
    pub red: String,
    runs: usize,
    unjudged: Vec<Unjudged>,
}

/// A run that said nothing of the stack.
struct Unjudged {
    /// Why.
    reason: String,
    /// What the run needs and the stack lacks, by the words of a `runner.yaml`; empty where that showed only when the
    /// run was made.
    lacks: BTreeSet<String>,
    /// Whether the known failures have an entry for it, with a reason.
    is_known: bool,
}

impl Checked {
    /// Counts a run.
    pub(super) fn count(&mut self, suite: &Suite, result: &RunResult) {
        self.runs += 1;
        let (run, outcome) = (&result.run, &result.outcome);
        let lacks: BTreeSet<String> = match outcome.verdict {
            Verdict::Pass | Verdict::Fail | Verdict::Deviates | Verdict::Observed => return,
            Verdict::Unsupported => {
                let facts = suite.facts(run);
                let abilities = lacking_abilities(&run.script, &facts, run.ip);
                abilities.chain(suite.lacking_settings(run)).collect()
            }
            Verdict::NotApplicable => {
                let claims = lacking_claims(&run.script, &suite.facts(run)).into_iter();
                claims.map(|claim| claim.name().to_owned()).collect()
            }
            Verdict::Inconclusive | Verdict::CaseError => BTreeSet::new(),
        };
        self.unjudged.push(Unjudged {
            reason: outcome.reason.clone(),
            lacks,
            is_known: result.expectation.is_met(),
        });
    }

    /// Why runs were passed over, each reason once.
    pub(super) fn reasons(&self) -> BTreeSet<&str> {
        self.unjudged.iter().map(|run| run.reason.as_str()).collect()
    }

    /// What is to be said of a case of which no run was judged, unless all of that is known.
    fn nothing_tested(&self, case: &str, without: &BTreeSet<String>) -> Option<String> {
        if self.unjudged.len() < self.runs || without.contains(case) {
            return None;
        }
        let is_excused = |run: &&Unjudged| run.is_known || !run.lacks.is_disjoint(without);
        let open: Vec<&Unjudged> = self.unjudged.iter().filter(|run| !is_excused(run)).collect();
        if open.is_empty() {
            return None;
        }
        let reasons: BTreeSet<&str> = open.iter().map(|run| run.reason.as_str()).collect();
        let mut words: BTreeSet<&str> = open
            .iter()
            .flat_map(|run| run.lacks.iter().map(String::as_str))
            .collect();
        if open.iter().any(|run| run.lacks.is_empty()) {
            words.insert(case);
        }
        let words: Vec<String> = words.into_iter().map(|word| format!("{word:?}")).collect();
        Some(format!(
            "no run of `{case}` was judged: {}.\nIf the stack has that, let its abilities or its runner.yaml say so; \
             if it is known to lack it, say `without = [{}]`.",
            Vec::from_iter(reasons).join("; "),
            words.join(", ")
        ))
    }
}

impl Suite {
    /// How many percent of all runs must be judged for `enough_was_tested` to pass: 80 unless this says otherwise. A
    /// run is judged unless the stack lacks an ability that it needs or does not claim what it is about.
    ///
    /// # Panics
    /// If it is no percentage.
    pub fn at_least(mut self, percent: u8) -> Suite {
        assert!(percent <= 100, "`at_least = {percent}` is no percentage; give 0 to 100");
        self.at_least = percent;
        self
    }

    /// What the stack is known to lack: abilities, conditions that it does not claim and settings of the host, by the
    /// words of a `runner.yaml`; or a case, by its name, that it refuses only when it is run. A case of which no run
    /// was judged fails unless each of its runs is without one of these.
    pub fn without<W: Into<String>>(mut self, words: impl IntoIterator<Item = W>) -> Suite {
        self.without.extend(words.into_iter().map(Into::into));
        self
    }

    /// Checks what became of the runs of a case.
    ///
    /// # Panics
    /// If a run is red, with the exchange; if none was judged and nothing says why.
    pub(super) fn check_case(&self, case: &str, runs: &[Run]) {
        let checked = self.checked(case, runs);
        for reason in checked.reasons() {
            println!("passed over: {reason}");
        }
        assert!(checked.red.is_empty(), "{}", checked.red);
        if let Some(problem) = checked.nothing_tested(case, &self.without) {
            panic!("{problem}");
        }
    }

    /// Checks that enough of all runs were judged, and that `without` is true. Runs that were made already, by the tests
    /// of their cases, are not made again; all others are, so that it does not matter which tests are run beside this.
    ///
    /// # Panics
    /// If it is not so, with what was passed over and why.
    pub fn check_enough(&self) {
        let mut tally = Tally::default();
        // The other tests begin with the first case.
        for runs in by_case(&BUNDLED).chain(by_case(self.own_runs())).rev() {
            let case = &*runs[0].script.case;
            tally.add(case, &self.checked(case, runs), &self.without);
        }
        let mut problems = self.wrong_words(&tally);
        if tally.judged * 100 < tally.runs * usize::from(self.at_least) {
            problems.push(tally.too_few(self.at_least));
        }
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }

    /// What is wrong with the words of `without`: each must be known, and something must have been passed over for it.
    fn wrong_words(&self, tally: &Tally) -> Vec<String> {
        let idle = self.without.iter().filter(|word| !tally.excused_by.contains(*word));
        let known = known_words(self.own_runs());
        let problem = |word: &String| match known.contains(word) {
            true => format!("`without` names `{word}`, for which no case was passed over: take it out"),
            false => {
                let help = did_you_mean(word, known.iter().map(String::as_str));
                let help = help.unwrap_or_else(|| "write an ability, a condition, a setting or a case".to_owned());
                format!("`without` names `{word}`, which is unknown; {help}")
            }
        };
        idle.map(problem).collect()
    }

    /// What is known of the stack that a run was made against. Without a `runner.yaml` it says itself what it can do.
    fn facts(&self, run: &Run) -> Facts {
        let facts = Facts::clone(self.target().facts());
        match &self.runner {
            Some(_) => facts,
            None => Facts {
                abilities: (self.make)(&run.job(1)).abilities(),
                ..facts
            },
        }
    }

    /// The settings of the host that a run asks for and that the stack does not have.
    fn lacking_settings<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = String> + 'a {
        let has = |name: &String, value: &String| {
            let only = BTreeMap::from([(name.clone(), value.clone())]);
            self.runner.as_ref().is_some_and(|runner| runner.profile(&only).is_ok())
        };
        let settings = run.script.configure.iter();
        let lacking = settings.filter(move |(name, value)| !has(name, value));
        lacking.map(|(name, _)| name.clone())
    }

    /// The runs of the cases of the directories that were added.
    pub(super) fn own_runs(&self) -> &[Run] {
        self.own_runs.get_or_init(|| match self.own.is_empty() {
            true => Vec::new(),
            false => {
                let bundled: BTreeSet<&str> = BUNDLED.iter().map(|run| run.name.as_str()).collect();
                let library = Library::load(&self.roots()).unwrap_or_else(|problems| panic!("{problems}"));
                let mut runs = super::runs_of(&library);
                runs.retain(|run| !bundled.contains(run.name.as_str()));
                runs
            }
        })
    }
}

/// The runs of each case, which stand together.
pub(super) fn by_case(runs: &[Run]) -> impl DoubleEndedIterator<Item = &[Run]> {
    runs.chunk_by(|a, b| a.script.case == b.script.case)
}

/// All that `without` may name.
fn known_words(own: &[Run]) -> BTreeSet<String> {
    let abilities = ABILITIES.iter().map(|ability| ability.name.to_owned());
    let of_sockets = Setting::of_sockets().map(|setting| format!("set:{setting}"));
    let conditions = Condition::ALL.iter().map(|condition| condition.name().to_owned());
    let of_hosts = HOST_SETTINGS.iter().map(|setting| setting.name.to_owned());
    let cases = BUNDLED.iter().chain(own).map(|run| run.script.case.to_string());
    let words = abilities.chain(of_sockets).chain(conditions);
    words.chain(of_hosts).chain(cases).collect()
}

/// What became of all runs.
#[derive(Default)]
struct Tally {
    runs: usize,
    judged: usize,
    /// For each reason, in how many runs it came.
    reasons: BTreeMap<String, usize>,
    /// The words of `without` for which something was passed over.
    excused_by: BTreeSet<String>,
}

impl Tally {
    fn add(&mut self, case: &str, checked: &Checked, without: &BTreeSet<String>) {
        self.runs += checked.runs;
        self.judged += checked.runs - checked.unjudged.len();
        for run in &checked.unjudged {
            *self.reasons.entry(run.reason.clone()).or_insert(0) += 1;
            self.excused_by.extend(run.lacks.intersection(without).cloned());
        }
        if !checked.unjudged.is_empty() {
            self.excused_by.insert(case.to_owned());
        }
    }

    fn too_few(&self, at_least: u8) -> String {
        let (runs, judged) = (self.runs, self.judged);
        let percent = judged * 100 / runs.max(1);
        let mut text = format!("{judged} of {runs} runs were judged, {percent} %, where {at_least} % must be.\n");
        text.push_str("Let the stack's abilities or its runner.yaml say what it has, or ask for less by `at_least`.\n");
        let mut reasons: Vec<(&String, &usize)> = self.reasons.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (reason, count) in reasons {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{count:>6} passed over: {reason}");
        }
        text
    }
}
