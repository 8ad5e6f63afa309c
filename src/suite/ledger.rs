//! The ledger: it makes sure that every scheduled run gets exactly one verdict.
//!
//! A suite that loses a run would report a target as better than it is. Whatever a driver does, a verdict that is
//! missing or came twice is found here, and is a bug of ours.

use crate::engine::Outcome;
use std::fmt;

/// The state of each run, by its index in the plan.
#[derive(Debug)]
pub struct Ledger {
    names: Vec<String>,
    runs: Vec<RunState>,
}

#[derive(Debug)]
enum RunState {
    /// The attempts so far.
    Open(Vec<Outcome>),
    /// The run is settled, and its attempts have been handed out.
    Settled,
}

/// The verdict of a run, and its attempts.
#[derive(Clone, Debug)]
pub struct SettledRun {
    /// The outcome that counts.
    pub verdict: Outcome,
    /// The attempts that do not count, in order.
    pub earlier: Vec<Outcome>,
    /// How many attempts were made in all.
    pub attempts: usize,
}

/// A run without a verdict, or one with two: a bug of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerError {
    /// Two runs have the same name.
    SameName(String),
    /// A verdict came for an index that no run has.
    Unknown(usize),
    /// A verdict came for a run that had one.
    Doubled(String),
    /// No verdict came for these runs.
    Missing(Vec<String>),
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LedgerError::SameName(name) => write!(f, "two runs are called `{name}`"),
            LedgerError::Unknown(place) => write!(f, "a verdict came for run number {place}, which does not exist"),
            LedgerError::Doubled(name) => write!(f, "two verdicts came for `{name}`"),
            LedgerError::Missing(names) => {
                let first: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
                let more = if names.len() > 3 { ", ..." } else { "" };
                let runs = if names.len() == 1 { "run" } else { "runs" };
                let count = names.len();
                write!(f, "no verdict came for {count} {runs}: `{}`{more}", first.join("`, `"))
            }
        }
    }
}

impl std::error::Error for LedgerError {}

impl Ledger {
    /// A ledger in which each run is open.
    pub fn new(names: impl IntoIterator<Item = String>) -> Result<Ledger, LedgerError> {
        let names: Vec<String> = names.into_iter().collect();
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(LedgerError::SameName(pair[0].clone()));
        }
        let runs = names.iter().map(|_| RunState::Open(Vec::new())).collect();
        Ok(Ledger { names, runs })
    }

    /// Notes an attempt, and gives all attempts of this run so far.
    pub fn attempt(&mut self, place: usize, outcome: Outcome) -> Result<&[Outcome], LedgerError> {
        let attempts = self.open_run(place)?;
        attempts.push(outcome);
        Ok(attempts)
    }

    /// The attempts of a run that is not settled; none where there is no such run.
    pub fn attempts(&self, place: usize) -> &[Outcome] {
        match self.runs.get(place) {
            Some(RunState::Open(attempts)) => attempts,
            Some(RunState::Settled) | None => &[],
        }
    }

    /// Settles a run with its last attempt, or with `verdict`; then all attempts are kept as earlier ones.
    pub fn settle(&mut self, place: usize, verdict: Option<Outcome>) -> Result<SettledRun, LedgerError> {
        let mut earlier = std::mem::take(self.open_run(place)?);
        let attempts = earlier.len();
        let verdict = verdict.or_else(|| earlier.pop());
        let verdict = verdict.ok_or_else(|| LedgerError::Missing(vec![self.names[place].clone()]))?;
        self.runs[place] = RunState::Settled;
        Ok(SettledRun {
            verdict,
            earlier,
            attempts,
        })
    }

    /// The indices of runs without a verdict.
    pub fn open(&self) -> Vec<usize> {
        let open = |&place: &usize| matches!(self.runs[place], RunState::Open(_));
        (0..self.runs.len()).filter(open).collect()
    }

    fn open_run(&mut self, place: usize) -> Result<&mut Vec<Outcome>, LedgerError> {
        match self.runs.get_mut(place) {
            None => Err(LedgerError::Unknown(place)),
            Some(RunState::Settled) => Err(LedgerError::Doubled(self.names[place].clone())),
            Some(RunState::Open(attempts)) => Ok(attempts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::outcome;
    use super::*;
    use crate::engine::Verdict;

    fn ledger(names: &[&str]) -> Ledger {
        Ledger::new(names.iter().map(|name| (*name).to_owned())).unwrap()
    }

    #[test]
    fn a_missing_verdict_is_found() {
        let mut ledger = ledger(&["a", "b"]);
        ledger.attempt(0, outcome(Verdict::Pass)).unwrap();
        ledger.settle(0, None).unwrap();
        assert_eq!(ledger.open(), [1]);
        let error = ledger.settle(1, None).unwrap_err();
        assert_eq!(error.to_string(), "no verdict came for 1 run: `b`");
        // An attempt alone settles nothing.
        ledger.attempt(1, outcome(Verdict::Pass)).unwrap();
        assert_eq!(ledger.open(), [1]);
    }

    #[test]
    fn a_second_verdict_is_found() {
        let mut ledger = ledger(&["a"]);
        ledger.attempt(0, outcome(Verdict::Pass)).unwrap();
        ledger.settle(0, None).unwrap();
        let error = ledger.attempt(0, outcome(Verdict::Pass)).unwrap_err();
        assert_eq!(error, LedgerError::Doubled("a".to_owned()));
        assert_eq!(
            ledger.attempt(1, outcome(Verdict::Pass)).unwrap_err(),
            LedgerError::Unknown(1)
        );
    }

    #[test]
    fn one_name_is_one_run() {
        let error = Ledger::new(["a", "b", "a"].map(str::to_owned)).unwrap_err();
        assert_eq!(error, LedgerError::SameName("a".to_owned()));
    }

    #[test]
    fn attempts_are_kept_beside_the_verdict() {
        let mut ledger = ledger(&["a", "b"]);
        for place in [0, 1] {
            ledger.attempt(place, outcome(Verdict::Inconclusive)).unwrap();
            ledger.attempt(place, outcome(Verdict::Pass)).unwrap();
        }
        let facts = |run: SettledRun| (run.verdict.verdict, run.earlier.len(), run.attempts);
        assert_eq!(facts(ledger.settle(0, None).unwrap()), (Verdict::Pass, 1, 2));
        let own = ledger.settle(1, Some(outcome(Verdict::Inconclusive))).unwrap();
        assert_eq!(facts(own), (Verdict::Inconclusive, 2, 2));
    }
}
