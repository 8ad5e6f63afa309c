//! Runs a plan: the longest runs first, repeats those whose outcome may be accidental, and settles each with one
//! verdict.

use super::meeting::stands;
use super::{Expectation, Expectations, Judged, Ledger, LedgerError, Meeting, Run, RunId, SettledRun, estimate};
use crate::drive::panic_text;
use crate::drive::{EndedRun, EnvironmentError, Job, Target};
use crate::engine::{Outcome, Verdict};
use crate::stack::Breakdown;
use crate::time::Instant;
use core::any::Any;
use core::time::Duration;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

/// How often an inconclusive run is repeated, alone. A machine with other work may stand still for seconds.
const REPEATS: usize = 6;

/// How runs are to be made.
#[derive(Clone, Copy, Debug)]
pub struct Conduct {
    /// The seed from which each run's seed is made.
    pub seed: u64,
    /// Most runs at once; 0: no limit.
    pub at_once: usize,
}

/// What became of one run.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// The run.
    pub run: Run,
    /// What it established.
    pub outcome: Outcome,
    /// Attempts before it that were not conclusive, or that contradict each other.
    pub earlier: Vec<Outcome>,
    /// The runs that may have changed its outcome, where it came out otherwise beside other runs than alone.
    pub meeting: Option<Meeting>,
    /// How many attempts were made; none where the suite was stopped before.
    pub attempts: usize,
    /// What was expected.
    pub expectation: Expectation,
    /// Whether it is inconclusive only because the suite ended early.
    pub cut_off: bool,
}

impl RunResult {
    /// What the outcome means.
    pub fn judged(&self) -> Judged<'_> {
        Judged {
            verdict: self.outcome.verdict,
            expectation: &self.expectation,
        }
    }
}

/// What is reported while runs are being made.
#[derive(Clone, Debug)]
pub enum Progress {
    /// A run is settled; with its index in the plan.
    Settled(usize, Box<RunResult>),
    /// A run is repeated, alone; its index in the plan.
    Again(usize),
}

/// Why a plan was not run to its end. Runs without a verdict by then are inconclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// `stop` was set.
    Interrupted,
    /// The environment failed.
    Environment(EnvironmentError),
    /// A bug of ours: a verdict is missing or came twice, or something panicked.
    Bug(String),
}

impl Trouble {
    /// Why a run has no verdict of its own.
    fn reason(&self) -> String {
        match self {
            Trouble::Interrupted => "interrupted".to_owned(),
            Trouble::Environment(error) => error.to_string(),
            Trouble::Bug(_) => "a bug of tcpvet ended everything".to_owned(),
        }
    }
}

/// Runs a plan. `watch` is called exactly once for each run when it is settled; results are not kept here. The answer
/// is why the plan was not run to its end, if so; what ended before is judged all the same.
pub fn execute(
    target: &mut dyn Target,
    plan: &[Run],
    expectations: &Expectations,
    conduct: Conduct,
    stop: &AtomicBool,
    watch: &mut dyn FnMut(Progress),
) -> Option<Trouble> {
    let facts = target.facts().clone();
    let ledger = match Ledger::new(plan.iter().map(|run| run.name.clone())) {
        Ok(ledger) => ledger,
        Err(error) => return Some(Trouble::Bug(error.to_string())),
    };
    let mut books = Bookkeeping {
        plan,
        expectations,
        repeatable: !facts.virtual_time,
        seed: conduct.seed,
        stop,
        ledger,
        beside: BTreeMap::new(),
        meetings: BTreeMap::new(),
        error: None,
    };
    let estimates: Vec<Duration> = plan
        .iter()
        .map(|run| estimate(&run.script, &facts.tolerances))
        .collect();
    // The longest first: where not all run at once, a long run that begins last would run alone at the end.
    let mut order: Vec<usize> = (0..plan.len()).collect();
    order.sort_by_key(|&place| std::cmp::Reverse(estimates[place]));
    let jobs = order.iter().map(|&place| books.job(place)).collect();
    let place_of = |at: usize| order.get(at).copied().unwrap_or(usize::MAX);
    let mut done = |at: usize, mut ended: EndedRun| {
        ended.beside.iter_mut().for_each(|other| *other = place_of(*other));
        books.note(place_of(at), ended, watch)
    };
    // After a panic neither the target nor what it had under way is used again.
    let ran = catch_unwind(AssertUnwindSafe(|| target.run(jobs, conduct.at_once, stop, &mut done)));
    let trouble = books.trouble(ran);
    books.void_rest(trouble.as_ref(), watch);
    trouble
}

/// Notes attempts in the ledger while a target runs, and decides after each attempt what to do next.
struct Bookkeeping<'a> {
    plan: &'a [Run],
    expectations: &'a Expectations,
    repeatable: bool,
    seed: u64,
    stop: &'a AtomicBool,
    ledger: Ledger,
    /// For each run that is repeated in a world of its own, the indices of the runs beside which it was made first.
    beside: BTreeMap<usize, Vec<usize>>,
    meetings: BTreeMap<usize, Meeting>,
    /// The first error of the ledger. The target cannot be told of it, and runs to its end.
    error: Option<LedgerError>,
}

/// What to do after an attempt.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Once more, alone.
    Again,
    /// The last attempt counts.
    Last,
    /// No two of three attempts agree; their indices.
    Contradiction([usize; 3]),
}

impl Bookkeeping<'_> {
    /// The job of the run at this place, with what it is judged without.
    fn job(&self, place: usize) -> Job {
        let run = &self.plan[place];
        Job {
            waived: self.expectations.waived(&run.id()),
            ..run.job(self.seed)
        }
    }

    fn note(&mut self, place: usize, ended: EndedRun, watch: &mut dyn FnMut(Progress)) -> Option<Job> {
        match self.try_note(place, ended, watch) {
            Ok(job) => job,
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        }
    }

    fn try_note(
        &mut self,
        place: usize,
        EndedRun { mut outcome, beside }: EndedRun,
        watch: &mut dyn FnMut(Progress),
    ) -> Result<Option<Job>, LedgerError> {
        let stopped = self.stop.load(Ordering::Relaxed);
        let cut_off = stopped && outcome.verdict == Verdict::Inconclusive;
        if cut_off {
            // Whatever reason the target gives, the interruption is the reason.
            outcome.reason = Trouble::Interrupted.reason();
        }
        if let Some(meeting) = self.meeting(place, &outcome) {
            outcome.notes.push(meeting.to_string());
            self.meetings.insert(place, meeting);
        }
        let attempts = self.ledger.attempt(place, outcome)?;
        // The ledger knows this index, so the plan does.
        let run = &self.plan[place];
        let id = run.id();
        let surprises = |outcome: &Outcome| surprises(&self.expectations.judge(&id, outcome), outcome.verdict);
        let next = match attempts {
            _ if stopped => Next::Last,
            _ if self.repeatable => next(attempts, surprises),
            [.., last] if !beside.is_empty() && (!stands(last) || surprises(last)) => {
                self.beside.insert(place, beside);
                Next::Again
            }
            _ => confirmed(attempts),
        };
        let verdict = match next {
            Next::Again => {
                watch(Progress::Again(place));
                return Ok(Some(Job {
                    alone: true,
                    ..self.job(place)
                }));
            }
            Next::Last => None,
            Next::Contradiction(places) => Some(contradiction(places.map(|place| &attempts[place]))),
        };
        let settled = self.ledger.settle(place, verdict)?;
        let result = self.result(place, &id, settled, cut_off);
        watch(Progress::Settled(place, Box::new(result)));
        Ok(None)
    }

    /// The runs that may have changed this one, if it was made beside others first and now comes out otherwise alone.
    fn meeting(&mut self, place: usize, alone: &Outcome) -> Option<Meeting> {
        let beside = self.beside.remove(&place)?;
        let first = self.ledger.attempts(place).last()?;
        // A world that ended early tells nothing of its runs.
        let void = |outcome: &Outcome| outcome.verdict == Verdict::Inconclusive;
        if void(first) || void(alone) || same(first, alone) {
            return None;
        }
        let names = beside.iter().filter_map(|&other| self.plan.get(other));
        Some(Meeting {
            verdict: first.verdict,
            beside: names.map(|run| run.name.clone()).collect(),
        })
    }

    fn result(&mut self, place: usize, id: &RunId, settled: SettledRun, cut_off: bool) -> RunResult {
        RunResult {
            expectation: self.expectations.judge(id, &settled.verdict),
            run: self.plan[place].clone(),
            outcome: settled.verdict,
            earlier: settled.earlier,
            meeting: self.meetings.remove(&place),
            attempts: settled.attempts,
            cut_off,
        }
    }

    /// What went wrong, the worst first. Missing verdicts are a bug only where nothing else explains them.
    fn trouble(&mut self, ran: Result<Result<(), EnvironmentError>, Box<dyn Any + Send>>) -> Option<Trouble> {
        let open = self.ledger.open();
        let names = || open.iter().map(|&place| self.plan[place].name.clone());
        match (ran, self.error.take()) {
            (Err(panic), _) => Some(Trouble::Bug(format!(
                "{}{}",
                panic_text(panic.as_ref()),
                under_way(names())
            ))),
            (Ok(_), Some(error)) => Some(Trouble::Bug(error.to_string())),
            (Ok(Err(error)), None) => Some(Trouble::Environment(error)),
            (Ok(Ok(())), None) if self.stop.load(Ordering::Relaxed) => Some(Trouble::Interrupted),
            (Ok(Ok(())), None) if open.is_empty() => None,
            (Ok(Ok(())), None) => Some(Trouble::Bug(LedgerError::Missing(names().collect()).to_string())),
        }
    }

    /// Settles each run without a verdict as inconclusive, because the suite ended.
    fn void_rest(&mut self, trouble: Option<&Trouble>, watch: &mut dyn FnMut(Progress)) {
        let reason = trouble.map_or_else(String::new, Trouble::reason);
        for place in self.ledger.open() {
            // The run is open, so it can be settled.
            if let Ok(settled) = self.ledger.settle(
                place,
                Some(Outcome::empty(Verdict::Inconclusive, Instant::ZERO, &*reason)),
            ) {
                let id = self.plan[place].id();
                let result = self.result(place, &id, settled, true);
                watch(Progress::Settled(place, Box::new(result)));
            }
        }
    }
}

fn under_way(mut names: impl ExactSizeIterator<Item = String>) -> String {
    match (names.len(), names.next()) {
        (_, None) => String::new(),
        (1, Some(name)) => format!(", in `{name}`"),
        (count, Some(name)) => format!(", with {count} runs not at their end, such as `{name}`"),
    }
}

/// Decides after an attempt on virtual time, where only the wait for a stack depends on the machine: a hang counts if the
/// stack hangs again at the same input; if it comes to an end that time, that counts.
fn confirmed(attempts: &[Outcome]) -> Next {
    let hang = |outcome: &Outcome| {
        let failure = outcome.failure.as_ref();
        failure
            .filter(|_| outcome.breakdown() == Some(Breakdown::Hang))
            .map(|failure| failure.seen.clone())
    };
    match attempts {
        [earlier @ .., last] if hang(last).is_some_and(|_| earlier.iter().all(|it| hang(it) != hang(last))) => {
            match earlier.len() {
                0 | 1 => Next::Again,
                more => Next::Contradiction([more - 2, more - 1, more]),
            }
        }
        _ => Next::Last,
    }
}

/// Decides after each attempt on real time. At most seven attempts may be inconclusive and three conclusive.
///
/// A failure may be due to a delay of ours, or to another run: it counts only if a second run, alone, agrees. The same
/// holds for a pass where a failure is expected: a delay may let a timer of the target do what the target does not do
/// by itself. Where the second run disagrees, a third one decides, alone too. An outcome that is exactly as expected
/// needs no confirmation.
fn next(attempts: &[Outcome], surprises: impl Fn(&Outcome) -> bool) -> Next {
    let conclusive: Vec<usize> = (0..attempts.len())
        .filter(|&place| attempts[place].verdict != Verdict::Inconclusive)
        .collect();
    let last_is_inconclusive = conclusive.last().is_none_or(|last| last + 1 < attempts.len());
    if last_is_inconclusive {
        return if attempts.len() - conclusive.len() > REPEATS {
            Next::Last
        } else {
            Next::Again
        };
    }
    match conclusive[..] {
        [only] if surprises(&attempts[only]) => Next::Again,
        [first, second] if !same(&attempts[first], &attempts[second]) => Next::Again,
        [first, second, third] if ![first, second].iter().any(|&it| same(&attempts[it], &attempts[third])) => {
            Next::Contradiction([first, second, third])
        }
        _ => Next::Last,
    }
}

/// Whether the verdict says something of the target that is not expected.
fn surprises(expectation: &Expectation, verdict: Verdict) -> bool {
    let accuses = matches!(verdict, Verdict::Fail | Verdict::Deviates);
    match expectation {
        Expectation::None => accuses,
        Expectation::UnexpectedPass { .. } => true,
        Expectation::Missed { .. } => accuses || verdict == Verdict::Pass,
        Expectation::Met { .. } | Expectation::Unexplained { .. } => false,
    }
}

/// Whether two attempts say the same: the same verdict, at the same step, against the same requirements.
fn same(a: &Outcome, b: &Outcome) -> bool {
    let facts = |outcome: &Outcome| {
        let failure = outcome.failure.as_ref()?;
        Some((
            failure.position.clone(),
            failure.step.clone(),
            failure.requirements.clone(),
        ))
    };
    a.verdict == b.verdict && facts(a) == facts(b)
}

fn contradiction([first, second, third]: [&Outcome; 3]) -> Outcome {
    let said = |outcome: &Outcome| match &outcome.failure {
        Some(failure) => format!("{} at `{}` ({})", outcome.verdict, failure.step, failure.seen),
        None => outcome.verdict.to_string(),
    };
    let reason = format!(
        "three attempts contradict each other: first {}, then, alone, {}, and {}",
        said(first),
        said(second),
        said(third)
    );
    Outcome {
        ended: first.ended,
        ..Outcome::empty(Verdict::Inconclusive, first.began, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{failed, outcome, runs};
    use super::*;
    use crate::drive::Done;
    use crate::stack::{Abilities, Facts, Tolerances};
    use std::collections::VecDeque;
    use std::sync::Arc;

    /// A target whose runs end as prepared: each attempt of a run takes its next outcome, and the last one from then
    /// on.
    struct Fake {
        facts: Arc<Facts>,
        prepared: Vec<VecDeque<Outcome>>,
        /// How the target misbehaves.
        quirk: Quirk,
        /// The index of each attempt, and whether it was alone, in order.
        seen: Vec<(usize, bool)>,
    }

    #[derive(PartialEq)]
    enum Quirk {
        None,
        TellsTwice,
        Forgets,
        IsStoppedAfterOne,
        BreaksAfterOne,
        PanicsAfterOne,
    }

    impl Fake {
        fn new(prepared: Vec<Vec<Outcome>>, quirk: Quirk) -> Fake {
            let facts = Facts {
                name: "fake".to_owned(),
                version: None,
                abilities: Abilities::default(),
                claims: Default::default(),
                tolerances: Tolerances::default(),
                mtu: 1500,
                virtual_time: false,
            };
            Fake {
                facts: Arc::new(facts),
                prepared: prepared.into_iter().map(VecDeque::from).collect(),
                quirk,
                seen: Vec::new(),
            }
        }

        fn attempt(&mut self, place: usize, alone: bool) -> Outcome {
            self.seen.push((place, alone));
            let outcomes = &mut self.prepared[place];
            if outcomes.len() > 1 {
                outcomes.pop_front().unwrap()
            } else {
                outcomes[0].clone()
            }
        }
    }

    impl Target for Fake {
        fn facts(&self) -> &Arc<Facts> {
            &self.facts
        }

        fn run(
            &mut self,
            jobs: Vec<Job>,
            _at_once: usize,
            stop: &AtomicBool,
            done: Done<'_>,
        ) -> Result<(), EnvironmentError> {
            for (place, job) in jobs.into_iter().enumerate() {
                let mut next = Some(job);
                while let Some(job) = next {
                    let outcome = self.attempt(place, job.alone);
                    next = done(place, EndedRun::by_itself(outcome));
                }
                match self.quirk {
                    Quirk::None => {}
                    Quirk::TellsTwice => drop(done(place, EndedRun::by_itself(outcome(Verdict::Pass)))),
                    Quirk::Forgets => return Ok(()),
                    Quirk::IsStoppedAfterOne => {
                        stop.store(true, Ordering::Relaxed);
                        let mut void = outcome(Verdict::Inconclusive);
                        void.reason = "stopped before it began".to_owned();
                        assert!(
                            done(place + 1, EndedRun::by_itself(void)).is_none(),
                            "nothing is repeated then"
                        );
                        return Ok(());
                    }
                    Quirk::PanicsAfterOne => panic!("the fake panics"),
                    Quirk::BreaksAfterOne => {
                        let (problem, remedy) = ("the device is gone".to_owned(), "plug it in".to_owned());
                        return Err(EnvironmentError { problem, remedy });
                    }
                }
            }
            Ok(())
        }
    }

    const CONDUCT: Conduct = Conduct { seed: 1, at_once: 0 };

    /// What a suite left behind.
    struct Executed {
        results: Vec<RunResult>,
        trouble: Option<Trouble>,
    }

    fn run_with(fake: &mut Fake, expectations: &str) -> Executed {
        let plan: Vec<Run> = runs(&[("a/b", ""), ("a/c", "")])
            .into_iter()
            .take(fake.prepared.len())
            .collect();
        let expectations = Expectations::parse(expectations, "e.yaml").unwrap();
        let stop = AtomicBool::new(false);
        let mut results = Vec::new();
        let trouble = execute(fake, &plan, &expectations, CONDUCT, &stop, &mut |progress| {
            if let Progress::Settled(place, result) = progress {
                results.push((place, *result));
            }
        });
        results.sort_by_key(|(place, _)| *place);
        let places: Vec<usize> = results.iter().map(|(place, _)| *place).collect();
        assert!(places.into_iter().eq(0..plan.len()), "each is told of once");
        Executed {
            results: results.into_iter().map(|(_, result)| result).collect(),
            trouble,
        }
    }

    fn verdict(prepared: Vec<Outcome>) -> (RunResult, usize) {
        let mut fake = Fake::new(vec![prepared], Quirk::None);
        let result = run_with(&mut fake, "").results.remove(0);
        (result, fake.seen.len())
    }

    fn late(step: &str) -> Outcome {
        let mut outcome = failed(Verdict::Fail, step, &["RFC9293-MUST-1"]);
        outcome.failure.as_mut().unwrap().timing = true;
        outcome
    }

    #[test]
    fn an_inconclusive_run_is_repeated_alone_six_times_at_most() {
        let mut fake = Fake::new(vec![vec![outcome(Verdict::Inconclusive)]], Quirk::None);
        let result = run_with(&mut fake, "").results.remove(0);
        assert_eq!(result.outcome.verdict, Verdict::Inconclusive);
        assert_eq!(fake.seen[..2], [(0, false), (0, true)]);
        assert!(fake.seen.len() == 7 && fake.seen[1..].iter().all(|seen| *seen == (0, true)));
        assert_eq!(result.earlier.len(), 6);

        let (result, attempts) = verdict(vec![outcome(Verdict::Inconclusive), outcome(Verdict::Pass)]);
        assert_eq!((result.outcome.verdict, attempts), (Verdict::Pass, 2));
    }

    #[test]
    fn a_failure_about_time_counts_only_if_a_second_run_agrees() {
        let (result, attempts) = verdict(vec![late("expect: ACK")]);
        assert_eq!((result.outcome.verdict, attempts), (Verdict::Fail, 2));
    }

    #[test]
    fn where_the_second_run_says_otherwise_a_third_decides() {
        let (result, attempts) = verdict(vec![late("expect: ACK"), outcome(Verdict::Pass)]);
        assert_eq!((result.outcome.verdict, attempts), (Verdict::Pass, 3));
        assert_eq!(result.earlier.len(), 2, "the others are kept");
        let pass = || outcome(Verdict::Pass);
        let (result, _) = verdict(vec![late("expect: ACK"), pass(), late("expect: ACK")]);
        assert_eq!(result.outcome.verdict, Verdict::Fail);

        let (result, attempts) = verdict(vec![late("expect: ACK"), pass(), late("expect: FIN,ACK")]);
        assert_eq!((result.outcome.verdict, attempts), (Verdict::Inconclusive, 3));
        assert_eq!(
            result.outcome.reason,
            "three attempts contradict each other: first fail at `expect: ACK` (nothing for 0.6 s), then, alone, pass, \
             and fail at `expect: FIN,ACK` (nothing for 0.6 s)"
        );
        assert_eq!(result.earlier.len(), 3, "all traces are kept");
    }

    #[test]
    fn a_second_run_that_is_inconclusive_confirms_nothing() {
        let spoilt = || outcome(Verdict::Inconclusive);
        let (result, attempts) = verdict(vec![late("expect: ACK"), spoilt(), late("expect: ACK")]);
        assert_eq!((result.outcome.verdict, attempts), (Verdict::Fail, 3));
        let (result, attempts) = verdict(vec![late("expect: ACK"), spoilt()]);
        assert_eq!((result.outcome.verdict, attempts), (Verdict::Inconclusive, 8));
    }

    #[test]
    fn every_unexpected_failure_is_confirmed_alone() {
        let failure = || failed(Verdict::Fail, "expect: ACK", &["RFC9293-MUST-1"]);
        let (result, attempts) = verdict(vec![failure(), failure()]);
        assert_eq!((result.outcome.verdict, attempts), (Verdict::Fail, 2));
    }

    #[test]
    fn a_failure_that_is_expected_as_it_came_needs_no_confirmation() {
        let expected = "- {cases: a/b, expect: fail, requirement: RFC9293-MUST-1, step: 'expect: ACK', reason: r}";
        let mut fake = Fake::new(vec![vec![late("expect: ACK")]], Quirk::None);
        run_with(&mut fake, expected);
        assert_eq!(fake.seen.len(), 1);
        let mut elsewhere = Fake::new(vec![vec![late("expect: FIN,ACK")]], Quirk::None);
        run_with(&mut elsewhere, expected);
        assert_eq!(elsewhere.seen.len(), 2);
    }

    #[test]
    fn a_pass_where_a_failure_is_known_must_come_twice() {
        let known = "- {cases: a/b, expect: fail, requirement: RFC9293-MUST-1, step: 'expect: ACK', reason: r}";
        let pass = || outcome(Verdict::Pass);
        let mut lucky = Fake::new(
            vec![vec![pass(), late("expect: ACK"), late("expect: ACK")]],
            Quirk::None,
        );
        let result = run_with(&mut lucky, known).results.remove(0);
        assert_eq!((result.outcome.verdict, lucky.seen.len()), (Verdict::Fail, 3));
        let mut mended = Fake::new(vec![vec![pass()]], Quirk::None);
        let result = run_with(&mut mended, known).results.remove(0);
        assert_eq!((result.outcome.verdict, mended.seen.len()), (Verdict::Pass, 2));
        assert_eq!(
            run_with(&mut Fake::new(vec![vec![pass()]], Quirk::None), "").results[0].attempts,
            1
        );
    }

    #[test]
    fn on_virtual_time_nothing_is_repeated() {
        let mut fake = Fake::new(vec![vec![outcome(Verdict::Inconclusive)]], Quirk::None);
        Arc::get_mut(&mut fake.facts).unwrap().virtual_time = true;
        run_with(&mut fake, "");
        assert_eq!(fake.seen.len(), 1);
    }

    #[test]
    fn on_virtual_time_a_hang_counts_if_it_comes_again_at_the_same_input() {
        let hang = |given: &str| {
            let mut hung = outcome(Verdict::Inconclusive);
            hung.break_down(Breakdown::Hang, given);
            hung
        };
        let settled = |prepared: Vec<Outcome>| {
            let mut fake = Fake::new(vec![prepared], Quirk::None);
            Arc::get_mut(&mut fake.facts).unwrap().virtual_time = true;
            let result = run_with(&mut fake, "").results.remove(0);
            (result.outcome.verdict, fake.seen.len())
        };
        assert_eq!(settled(vec![hang("a SYN"), hang("a SYN")]), (Verdict::Fail, 2));
        assert_eq!(settled(vec![hang("a SYN"), outcome(Verdict::Pass)]), (Verdict::Pass, 2));
        assert_eq!(
            settled(vec![hang("a SYN"), hang("a FIN"), hang("a SYN")]),
            (Verdict::Fail, 3)
        );
        let each_elsewhere = vec![hang("a SYN"), hang("a FIN"), hang("a RST")];
        assert_eq!(settled(each_elsewhere), (Verdict::Inconclusive, 3));
        let mut panicked = outcome(Verdict::Inconclusive);
        panicked.break_down(Breakdown::Panic, "no such state");
        assert_eq!(
            settled(vec![panicked]),
            (Verdict::Fail, 1),
            "a panic needs no second one"
        );
    }

    #[test]
    fn a_verdict_that_is_missing_or_doubled_is_a_bug_of_ours() {
        let pass = || vec![outcome(Verdict::Pass)];
        let mut doubled = Fake::new(vec![pass(), pass()], Quirk::TellsTwice);
        let bug = |text: &str| Some(Trouble::Bug(text.to_owned()));
        let executed = run_with(&mut doubled, "");
        assert_eq!(executed.trouble, bug("two verdicts came for `a/b[ip4]`"));
        let mut missing = Fake::new(vec![pass(), pass()], Quirk::Forgets);
        let executed = run_with(&mut missing, "");
        assert_eq!(executed.trouble, bug("no verdict came for 1 run: `a/b[ip4,wrap]`"));
        assert_eq!(executed.results.len(), 2);
        assert_eq!(executed.results[1].outcome.verdict, Verdict::Inconclusive);
    }

    #[test]
    fn a_panic_is_a_bug_of_ours_and_what_ended_before_is_kept() {
        let pass = || vec![outcome(Verdict::Pass)];
        let mut fake = Fake::new(vec![pass(), pass()], Quirk::PanicsAfterOne);
        let executed = run_with(&mut fake, "");
        assert_eq!(executed.results[0].outcome.verdict, Verdict::Pass);
        let text = "the fake panics, in `a/b[ip4,wrap]`".to_owned();
        assert_eq!(executed.trouble, Some(Trouble::Bug(text)));
    }

    #[test]
    fn what_was_not_run_is_inconclusive_for_a_reason_that_is_told() {
        let pass = || vec![outcome(Verdict::Pass)];
        let mut stopped = Fake::new(vec![pass(), pass(), pass()], Quirk::IsStoppedAfterOne);
        let Executed { results, trouble } = run_with(&mut stopped, "");
        assert_eq!(trouble, Some(Trouble::Interrupted));
        assert_eq!(results[0].outcome.verdict, Verdict::Pass);
        assert_eq!(results[1].outcome.verdict, Verdict::Inconclusive);
        assert_eq!(results[1].outcome.reason, "interrupted");
        assert_eq!(results[2].outcome.reason, "interrupted");
        assert_eq!((results[1].attempts, results[2].attempts), (1, 0));

        let mut broken = Fake::new(vec![pass(), pass()], Quirk::BreaksAfterOne);
        let Executed { results, trouble } = run_with(&mut broken, "");
        assert!(matches!(trouble, Some(Trouble::Environment(_))));
        assert_eq!(results[1].outcome.reason, "the device is gone; plug it in");
    }
}
