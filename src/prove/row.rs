//! The proof of one row: it passes on the reference endpoint under all lawful choices, and fails when something is
//! wrong.

use super::altered::{Alteration, ReplyId, When};
use super::change::{Change, changes};
use super::flaw::Flaw;
use super::outcome::{foretold, named};
use super::trial::{Choice, Claims, Stand, Trial};
use crate::engine::{Arrow, Cursor, Happening, Outcome, Verdict};
use crate::model::{Defect, Defects, Switch};
use crate::path::Treatment;
use crate::script::{Position, Script, Step, StepKind};
use crate::suite::Run;
use core::fmt;
use std::collections::BTreeSet;

/// A row of a case, with its runs: over each IP version, with ISNs far from 2^32 and near it.
#[derive(Clone, Debug)]
pub struct RowRuns {
    /// `reset/acceptance[state=SYNRCVD]`, or `close/simple` without a matrix.
    pub name: String,
    /// The plainest run first; never empty.
    pub runs: Vec<Run>,
}

/// The proof of a row.
#[derive(Clone, Debug, Default)]
pub struct RowProof {
    /// Its name.
    pub row: String,
    /// What is wrong with it.
    pub flaws: Vec<Flaw>,
    /// The mistakes that it notices.
    pub caught: Defects,
    /// The choices under which it does not pass, each with how it ends.
    pub not_under: Vec<(&'static str, String)>,
    /// How many outcomes of `any-of`s came as the case says.
    pub outcomes: usize,
    /// How many changes of replies were tried.
    pub changes: usize,
    /// How many of these led to another lawful outcome.
    pub other_outcomes: usize,
    /// Those of these that the row did not notice.
    pub unnoticed: Vec<Unnoticed>,
    /// How many runs were made.
    pub runs: usize,
}

/// A changed reply with which the row still passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unnoticed {
    /// The step that checked it, as written.
    pub step: String,
    /// Where it stands.
    pub position: Position,
    /// How it differed: `ack +1`.
    pub what: String,
    /// Why it need not be noticed, if so.
    pub excuse: Option<Excuse>,
}

impl fmt::Display for Unnoticed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step, self.what)
    }
}

impl Unnoticed {
    /// The position of the step, for a person.
    pub fn place(&self) -> String {
        format!("{}:{}", self.position.file, self.position.line)
    }
}

/// Why a change need not be noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Excuse {
    /// The case's own middlebox kept the changed frame back.
    Swallowed,
    /// The endpoint repaired the change within the time that the case allows, by sending again what was missing.
    MadeGood,
}

/// Whether a row has noticed that something is wrong. A run that cannot even reach the state in which it begins does
/// not count: every row with that state would notice, so it says nothing of this one.
fn fails(outcome: &Outcome) -> bool {
    let failed = matches!(outcome.verdict, Verdict::Fail | Verdict::Deviates | Verdict::Observed);
    failed && outcome.failure.as_ref().is_some_and(|failure| failure.given.is_none())
}

/// The frames of the endpoint that arrived at the middlebox, and what it did with each.
fn came(outcome: &Outcome) -> impl Iterator<Item = (&[u8], Option<Treatment>)> {
    outcome.trace.iter().filter_map(|event| match &event.what {
        Happening::Frame {
            arrow: Arrow::FromTarget,
            octets,
            fault,
            ..
        } => Some((&**octets, *fault)),
        _ => None,
    })
}

fn excuse(base: &Outcome, changed: &Outcome, alteration: &Alteration) -> Option<Excuse> {
    let emitted: Vec<&[u8]> = alteration.packets().collect();
    let kept_back = |octets: &&[u8]| {
        let mut seen = came(changed).filter(|(came, _)| came == octets).peekable();
        seen.peek().is_some()
            && seen.all(|(_, fault)| [Some(Treatment::Dropped), Some(Treatment::Corrupted)].contains(&fault))
    };
    if !emitted.is_empty() && emitted.iter().all(kept_back) {
        return Some(Excuse::Swallowed);
    }
    let instead = usize::from(matches!(alteration.instead_of, Some(ReplyId::Frame(_))));
    // What is added without a reply being held back must have arrived as well; what is sent too late need not have.
    let counts = |when: When| when == When::InPlace || instead == 0;
    let emitted = alteration.emit.iter().filter(|(when, _)| counts(*when)).count();
    let repeated = came(changed).count() + instead > came(base).count() + emitted;
    repeated.then_some(Excuse::MadeGood)
}

/// A proof of a row while it is being made.
pub(super) struct Proving<'a> {
    stand: &'a Stand,
    row: &'a RowRuns,
    proof: RowProof,
    /// Steps whose reply has been changed.
    changed: BTreeSet<Cursor>,
    /// The positions of steps that any run has reached.
    reached: BTreeSet<Position>,
}

/// The whole proof of a row, on its plainest run.
pub(super) fn prove(stand: &Stand, row: &RowRuns) -> RowProof {
    let mut proving = Proving::new(stand, row);
    let run = &row.runs[0];
    let (default, base) = proving.where_it_applies(run);
    if proving.passes(&default, &base) {
        proving.bite(run, &default, &base);
        proving.change(run, &default, &base);
        proving.outcomes(run);
        proving.seek_unreached(&row.runs[0].script.steps);
        proving.choices(run);
    }
    proving.proof
}

/// Which mistakes among `these` other runs of the row notice, and how many runs that took.
pub(super) fn caught_elsewhere(stand: &Stand, row: &RowRuns, these: Defects) -> (Defects, usize) {
    let mut proving = Proving::new(stand, row);
    for run in &row.runs[1..] {
        let (default, base) = proving.where_it_applies(run);
        if base.outcome.verdict == Verdict::Pass {
            let left = base.asked.both(these).without(proving.proof.caught);
            proving.try_each(run, &default, left);
        }
    }
    (proving.proof.caught, proving.proof.runs)
}

impl RowProof {
    /// Adds what other runs of the row notice.
    pub(super) fn found_elsewhere(&mut self, caught: Defects) {
        for defect in caught.iter() {
            self.caught = self.caught.with(defect);
        }
        if caught != Defects::NONE {
            let bites = |flaw: &Flaw| !matches!(flaw, Flaw::BitesNothing(choice, _) if choice.is_empty());
            self.flaws.retain(bites);
        }
    }
}

impl<'a> Proving<'a> {
    fn new(stand: &'a Stand, row: &'a RowRuns) -> Proving<'a> {
        Proving {
            stand,
            row,
            proof: RowProof {
                row: row.name.clone(),
                ..RowProof::default()
            },
            changed: BTreeSet::new(),
            reached: BTreeSet::new(),
        }
    }

    fn script(&self) -> &'a Script {
        &self.row.runs[0].script
    }

    fn trial(&mut self, run: &Run, choice: &Choice, defects: Defects, change: Option<&Change>) -> Trial {
        self.proof.runs += 1;
        self.stand
            .run(run, choice, defects, change.map(|change| &change.alteration))
    }

    /// The default choices; where a row does not apply under them, the first other choice under which it does.
    fn where_it_applies(&mut self, run: &Run) -> (Choice, Trial) {
        let default = self.stand.choice(&[], Claims::Honest);
        let base = self.trial(run, &default, Defects::NONE, None);
        if base.outcome.verdict == Verdict::NotApplicable {
            for switch in Switch::ALL {
                let choice = self.stand.choice(&[*switch], Claims::Honest);
                let trial = self.trial(run, &choice, Defects::NONE, None);
                if trial.outcome.verdict != Verdict::NotApplicable {
                    return (choice, trial);
                }
            }
        }
        (default, base)
    }

    fn passes(&mut self, choice: &Choice, base: &Trial) -> bool {
        let Outcome { verdict, reason, .. } = &base.outcome;
        if *verdict != Verdict::Pass {
            let flaw = Flaw::NotPassed(choice.name.clone(), *verdict, reason.clone());
            self.proof.flaws.push(flaw);
        }
        *verdict == Verdict::Pass
    }

    /// Makes each mistake that could make a difference in the run.
    fn bite(&mut self, run: &Run, choice: &Choice, base: &Trial) {
        let caught = self.try_each(run, choice, base.asked);
        if caught == 0 {
            let near = base.asked.iter().count();
            let flaw = Flaw::BitesNothing(choice.name.clone(), near);
            self.proof.flaws.push(flaw);
        }
    }

    /// Makes each of these mistakes. The answer is how many the run notices.
    fn try_each(&mut self, run: &Run, choice: &Choice, defects: Defects) -> usize {
        let mut caught = 0;
        for defect in defects.iter() {
            let outcome = self.trial(run, choice, Defects::only(defect), None).outcome;
            if fails(&outcome) {
                caught += 1;
                self.proof.caught = self.proof.caught.with(defect);
            }
            self.note_case_error(&outcome, || format!("the mistake {}", Defect::name(defect)));
        }
        caught
    }

    fn note_case_error(&mut self, outcome: &Outcome, by: impl FnOnce() -> String) {
        if outcome.verdict == Verdict::CaseError {
            self.proof.flaws.push(Flaw::CaseError(by(), outcome.reason.clone()));
        }
    }

    /// Changes the replies to the steps that no earlier run has reached.
    fn change(&mut self, run: &Run, choice: &Choice, base: &Trial) {
        let script = self.script();
        for change in changes(script, &base.outcome, &base.told, &self.changed) {
            let outcome = self.trial(run, choice, Defects::NONE, Some(&change)).outcome;
            self.proof.changes += 1;
            let Some(step) = change.step.step(script) else { continue };
            self.note_case_error(&outcome, || format!("`{}` changed: {}", step.text, change.what));
            if outcome.verdict != Verdict::Pass {
                continue;
            }
            if outcome.outcomes != base.outcome.outcomes {
                self.proof.other_outcomes += 1;
                continue;
            }
            self.proof.unnoticed.push(Unnoticed {
                step: step.text.clone(),
                position: step.position.clone(),
                excuse: excuse(&base.outcome, &outcome, &change.alteration),
                what: change.what,
            });
        }
        let steps = base.outcome.evidence.iter().map(|evidence| evidence.step.clone());
        self.changed.extend(steps);
        self.note_reached(&base.outcome);
    }

    fn note_reached(&mut self, outcome: &Outcome) {
        let steps = outcome
            .evidence
            .iter()
            .filter_map(|evidence| evidence.step.step(self.script()));
        let places: Vec<Position> = steps.map(|step| step.position.clone()).collect();
        self.reached.extend(places);
    }

    /// Reports steps that check something and are never reached.
    fn seek_unreached(&mut self, steps: &[Step]) {
        for step in steps {
            let looks = match &step.kind {
                StepKind::Expect(expect) => expect.count.is_none_or(|(least, _)| least > 0),
                StepKind::Call(call) => !call.returns.is_empty(),
                StepKind::Fill(_)
                | StepKind::Nothing(_)
                | StepKind::Result(_)
                | StepKind::State(_)
                | StepKind::AnyOf(_) => true,
                StepKind::Inject(_)
                | StepKind::InjectIcmp(_)
                | StepKind::Wait(..)
                | StepKind::Faults(_)
                | StepKind::Check(_) => false,
            };
            if looks && !self.reached.contains(&step.position) {
                let flaw = Flaw::NeverReached(step.text.clone(), step.position.clone());
                if !self.proof.flaws.contains(&flaw) {
                    self.proof.flaws.push(flaw);
                }
            } else if let StepKind::AnyOf(any_of) = &step.kind {
                any_of.outcomes.iter().for_each(|(_, steps)| self.seek_unreached(steps));
            }
        }
    }

    /// Makes each outcome of each `any-of` come.
    fn outcomes(&mut self, run: &Run) {
        let mut tried: Vec<String> = vec![String::new()];
        for named in named(self.script()) {
            let by = match named.by() {
                Ok(by) => by,
                Err(flaw) => {
                    self.proof.flaws.push(flaw);
                    continue;
                }
            };
            let (choice, trial, flaw) = named.prove(self.stand, run, &by);
            self.proof.runs += 1;
            self.note_reached(&trial.outcome);
            match flaw {
                Some(flaw) => self.proof.flaws.push(flaw),
                None => self.proof.outcomes += 1,
            }
            if by.defects == Defects::NONE && trial.outcome.verdict == Verdict::Pass && !tried.contains(&choice.name) {
                self.bite(run, &choice, &trial);
                self.change(run, &choice, &trial);
                tried.push(choice.name);
            }
        }
    }

    /// Makes the run under each choice by itself.
    fn choices(&mut self, run: &Run) {
        for switch in Switch::ALL {
            let choice = self.stand.choice(&[*switch], Claims::Honest);
            let outcome = self.trial(run, &choice, Defects::NONE, None).outcome;
            let fine = match outcome.verdict {
                Verdict::Pass | Verdict::Observed | Verdict::NotApplicable | Verdict::Unsupported => true,
                Verdict::Fail | Verdict::Deviates | Verdict::Inconclusive | Verdict::CaseError => {
                    foretold(self.script(), &outcome, *switch)
                }
            };
            if !fine {
                let how = format!("{}: {}", outcome.verdict, outcome.reason);
                self.proof.not_under.push((switch.name(), how));
            }
        }
    }
}
