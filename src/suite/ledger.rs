//! The ledger: every run that was scheduled has exactly one verdict.
//!
//! A suite that loses a run reports a target as better than it is. Whatever a target's driver does, a verdict that is
//! missing or came twice is found here, and is a bug of ours.

use crate::engine::Outcome;
use std::fmt;

/// What became of each run, by its place.
#[derive(Debug)]
pub struct Ledger {
    names: Vec<String>,
    pages: Vec<Page>,
}

#[derive(Debug, Default)]
struct Page {
    attempts: Vec<Outcome>,
    verdict: Option<Outcome>,
    made: usize,
}

/// A page that is filled.
#[derive(Clone, Debug)]
pub struct Settled {
    /// What counts.
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
    /// A verdict came for a place at which no run is.
    Unknown(usize),
    /// A verdict came for a run that had one.
    Doubled(String),
    /// No verdict came for these.
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
    /// A ledger with an open page for each run.
    pub fn new(names: impl IntoIterator<Item = String>) -> Result<Ledger, LedgerError> {
        let names: Vec<String> = names.into_iter().collect();
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(LedgerError::SameName(pair[0].clone()));
        }
        let pages = names.iter().map(|_| Page::default()).collect();
        Ok(Ledger { names, pages })
    }

    /// Notes an attempt, and gives all of this run's so far.
    pub fn attempt(&mut self, place: usize, outcome: Outcome) -> Result<&[Outcome], LedgerError> {
        let page = self.open_page(place)?;
        page.attempts.push(outcome);
        page.made += 1;
        Ok(&page.attempts)
    }

    /// The attempts of a run so far that have not settled it; none where there is no such run.
    pub fn attempts(&self, place: usize) -> &[Outcome] {
        self.pages.get(place).map_or(&[], |page| &page.attempts)
    }

    /// Settles a run by its last attempt.
    pub fn settle_by_last(&mut self, place: usize) -> Result<(), LedgerError> {
        let page = self.open_page(place)?;
        page.verdict = page.attempts.pop();
        Ok(())
    }

    /// Settles a run by a verdict of its own; all attempts are kept beside it.
    pub fn settle(&mut self, place: usize, verdict: Outcome) -> Result<(), LedgerError> {
        self.open_page(place)?.verdict = Some(verdict);
        Ok(())
    }

    /// The places of runs without a verdict.
    pub fn open(&self) -> Vec<usize> {
        let open = |&place: &usize| self.pages[place].verdict.is_none();
        (0..self.pages.len()).filter(open).collect()
    }

    /// Each run's verdict, in the order of the runs.
    pub fn close(self) -> Result<Vec<Settled>, LedgerError> {
        let mut settled = Vec::with_capacity(self.pages.len());
        let mut missing = Vec::new();
        for (name, page) in self.names.into_iter().zip(self.pages) {
            match page.verdict {
                Some(verdict) => settled.push(Settled {
                    verdict,
                    earlier: page.attempts,
                    attempts: page.made,
                }),
                None => missing.push(name),
            }
        }
        if missing.is_empty() {
            Ok(settled)
        } else {
            Err(LedgerError::Missing(missing))
        }
    }

    fn open_page(&mut self, place: usize) -> Result<&mut Page, LedgerError> {
        match self.pages.get_mut(place) {
            None => Err(LedgerError::Unknown(place)),
            Some(page) if page.verdict.is_some() => Err(LedgerError::Doubled(self.names[place].clone())),
            Some(page) => Ok(page),
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
        ledger.settle_by_last(0).unwrap();
        // An attempt alone settles nothing.
        ledger.attempt(1, outcome(Verdict::Pass)).unwrap();
        assert_eq!(ledger.open(), [1]);
        let error = ledger.close().unwrap_err();
        assert_eq!(error.to_string(), "no verdict came for 1 run: `b`");
    }

    #[test]
    fn a_second_verdict_is_found() {
        let mut ledger = ledger(&["a"]);
        ledger.attempt(0, outcome(Verdict::Pass)).unwrap();
        ledger.settle_by_last(0).unwrap();
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
        ledger.settle_by_last(0).unwrap();
        ledger.settle(1, outcome(Verdict::Inconclusive)).unwrap();
        let closed = ledger.close().unwrap();
        let facts = |page: &Settled| (page.verdict.verdict, page.earlier.len(), page.attempts);
        assert_eq!(facts(&closed[0]), (Verdict::Pass, 1, 2));
        assert_eq!(facts(&closed[1]), (Verdict::Inconclusive, 2, 2));
    }
}
