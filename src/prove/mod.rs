//! Proves that the cases detect errors: each row passes on the reference endpoint under all its lawful choices, and
//! fails when something is wrong.
//!
//! Errors are made in two ways. The endpoint makes each of its named mistakes, one at a time; and each of its replies
//! that a step checked is changed on its way out, in everything that the step constrains. A row that notices no mistake
//! tests nothing. A change that no row notices shows where a case, or the engine, is too lax.
//!
//! Nothing here prints, and all runs are on virtual time: the same rows give the same proof.
//!
//! | file | what it holds |
//! |---|---|
//! | `trial` | one run on the reference endpoint |
//! | `row` | the proof of one row |
//! | `outcome` | whether the outcomes of an `any-of` come as they say |
//! | `change`, `segment`, `answer` | what else the endpoint could have done, and how a reply could differ |
//! | `altered` | the endpoint with a reply changed |
//! | `lawful` | that no lawful endpoint fails, however it differs from the reference endpoint |
//! | `known` | what is known not to be noticed, with reasons |
//! | `table` | the proof as a file that is kept in the repository |

mod altered;
mod answer;
mod change;
mod flaw;
mod known;
mod lawful;
mod outcome;
mod row;
mod segment;
mod table;
#[cfg(test)]
mod tests;
mod trial;
#[cfg(test)]
mod witnesses;

pub use flaw::{Flaw, Where};
pub use lawful::{LEAST_PASSES, LawfulFinding, LawfulProof, prove_lawful};
pub use row::{Excuse, RowProof, RowRuns, Unnoticed};

use crate::model::{Defect, Defects};
use crate::script::Script;
use crate::stacks::RunnerError;
use crate::suite::{Axes, expand};
use known::Known;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use trial::{Claims, Stand};

/// The proofs of many rows.
#[derive(Clone, Debug)]
pub struct Proof {
    /// In the order of the rows.
    pub rows: Vec<RowProof>,
    /// How many runs were made.
    pub runs: usize,
    /// For a whole library: the mistakes that no row notices by its steps, each with a rule that does.
    pub by_rules: BTreeMap<Defect, &'static str>,
    /// Whether the rows are a whole library.
    pub whole: bool,
}

/// The rows of scripts, each with all its runs.
pub fn rows(scripts: &[Arc<Script>]) -> Vec<RowRuns> {
    let mut rows: Vec<RowRuns> = Vec::new();
    for run in expand(scripts, &Axes::default()) {
        let name = run.case_and_row();
        match rows.last_mut() {
            Some(row) if row.name == name => row.runs.push(run),
            Some(_) | None => rows.push(RowRuns { name, runs: vec![run] }),
        }
    }
    rows
}

/// Proves rows, and calls `note` for each that is done.
///
/// A mistake counts as noticed if any run of the row notices it. All mistakes are tried on the plainest run. On the
/// other runs only these are tried: all of them for a row that has noticed none; and, if `whole` says that these rows
/// are a whole library, for every row those that no row has noticed.
pub fn prove(rows: &[RowRuns], whole: bool, note: &(dyn Fn() + Sync)) -> Result<Proof, RunnerError> {
    let proofs = in_parallel(rows.len(), &|stand, at| {
        let proof = row::prove(stand, &rows[at]);
        note();
        proof
    })?;
    let mut proof = Proof {
        runs: proofs.iter().map(|proof| proof.runs).sum(),
        rows: proofs,
        by_rules: BTreeMap::new(),
        whole,
    };
    let unnoticed = if whole { proof.unnoticed() } else { Defects::NONE };
    let more = in_parallel(rows.len(), &|stand, at| {
        let these = if proof.rows[at].caught == Defects::NONE {
            Defects::ALL
        } else {
            unnoticed
        };
        match these == Defects::NONE {
            true => (Defects::NONE, 0),
            false => row::caught_elsewhere(stand, &rows[at], these),
        }
    })?;
    for (row, (caught, runs)) in proof.rows.iter_mut().zip(more) {
        row.found_elsewhere(caught);
        row.runs += runs;
        proof.runs += runs;
    }
    if whole {
        proof.by_rules = by_rules(rows, proof.unnoticed())?;
    }
    Ok(proof)
}

/// Which of these mistakes a rule notices in some run of a library.
fn by_rules(rows: &[RowRuns], defects: Defects) -> Result<BTreeMap<Defect, &'static str>, RunnerError> {
    let defects: Vec<Defect> = defects.iter().collect();
    let rules = in_parallel(defects.len(), &|stand, at| {
        let choice = stand.choice(&[], Claims::Honest);
        let runs = rows.iter().flat_map(|row| &row.runs);
        runs.filter_map(|run| stand.rules_broken(run, &choice, defects[at]).first().copied())
            .next()
    })?;
    let noticed = defects.into_iter().zip(rules);
    Ok(noticed
        .filter_map(|(defect, rule)| Some((defect, rule?.name)))
        .collect())
}

impl Proof {
    /// The mistakes that no row notices.
    pub fn unnoticed(&self) -> Defects {
        let noticed = |defect: &Defect| self.rows.iter().any(|row| row.caught.contains(*defect));
        let unnoticed = Defect::ALL.iter().filter(|defect| !noticed(defect));
        unnoticed.fold(Defects::NONE, |all, defect| all.with(*defect))
    }

    /// Separates what is wrong from what is known.
    pub fn judge(&self) -> Judgement {
        let mut known = Known::new();
        let mut judgement = Judgement::default();
        for row in &self.rows {
            let mut wrong: Vec<String> = row.flaws.iter().map(Flaw::to_string).collect();
            for (switch, how) in &row.not_under {
                match known.choice(switch, &row.row) {
                    Some(why) => judgement
                        .known
                        .push((row.row.clone(), format!("does not pass under {switch}"), why)),
                    None => wrong.push(format!("does not pass under {switch}: {how}")),
                }
            }
            for change in row.unnoticed.iter().filter(|change| change.excuse.is_none()) {
                match known.change(&row.row, &change.to_string()) {
                    Some(why) => judgement
                        .known
                        .push((row.row.clone(), format!("lets pass `{change}`"), why)),
                    None => wrong.push(format!("{}: lets pass `{change}`", change.place())),
                }
            }
            if !wrong.is_empty() {
                judgement.rows.push((row.row.clone(), wrong));
            }
        }
        if self.whole {
            let open = self.unnoticed();
            let by_rules = |defect: &Defect| self.by_rules.contains_key(defect);
            judgement
                .mistakes
                .extend(open.iter().filter(|defect| !by_rules(defect)));
            judgement.unneeded.extend(known.unneeded());
        }
        judgement
    }
}

/// The judgement of a proof.
#[derive(Clone, Debug, Default)]
pub struct Judgement {
    /// The rows that have faults, with the faults.
    pub rows: Vec<(String, Vec<String>)>,
    /// Of a whole library: mistakes that neither a row nor a rule notices.
    pub mistakes: Vec<Defect>,
    /// For a whole library: entries of `known.rs` that are no longer true.
    pub unneeded: Vec<String>,
    /// Rows with known gaps: the row, the gap, and the reason.
    pub known: Vec<(String, String, &'static str)>,
}

impl Judgement {
    /// Whether nothing is wrong.
    pub fn holds(&self) -> bool {
        self.rows.is_empty() && self.mistakes.is_empty() && self.unneeded.is_empty()
    }
}

/// Calls `what` for all indices below `count`, on as many threads as the machine has processors, each with a stand of
/// its own; gives the results in order.
fn in_parallel<T: Send>(count: usize, what: &(dyn Fn(&Stand, usize) -> T + Sync)) -> Result<Vec<T>, RunnerError> {
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(count.max(1));
    let stands = (0..threads).map(|_| Stand::new()).collect::<Result<Vec<_>, _>>()?;
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::with_capacity(count));
    std::thread::scope(|scope| {
        for stand in &stands {
            let (next, done) = (&next, &done);
            scope.spawn(move || {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= count {
                        return;
                    }
                    let result = what(stand, at);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    Ok(done.into_iter().map(|(_, result)| result).collect())
}
