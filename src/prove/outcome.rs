//! The outcomes of a case's `any-of`s, and whether each comes under the choice or mistake that the case names.

use super::flaw::{Flaw, Where};
use super::trial::{Choice, Claims, Stand, Trial};
use crate::engine::{MetBy, Outcome, Verdict};
use crate::model::{Defect, Defects, Switch};
use crate::notation::nearest;
use crate::script::{AnyOf, Script, Step, StepKind};
use crate::suite::Run;

/// An outcome as it is written in the case.
pub(super) struct Named<'a> {
    step: &'a Step,
    any_of: &'a AnyOf,
    name: &'a str,
}

/// The choices and mistakes that make the endpoint take an outcome.
pub(super) struct By {
    pub switches: Vec<Switch>,
    pub defects: Defects,
}

/// Every outcome of a script, nested ones included, each line of the file once.
pub(super) fn named(script: &Script) -> Vec<Named<'_>> {
    let mut found = Vec::new();
    collect(&script.steps, &mut found);
    found
}

fn collect<'a>(steps: &'a [Step], found: &mut Vec<Named<'a>>) {
    for step in steps {
        let StepKind::AnyOf(any_of) = &step.kind else { continue };
        for (name, steps) in &any_of.outcomes {
            let known = |it: &Named| it.step.position == step.position && it.name == name;
            if !found.iter().any(known) {
                found.push(Named { step, any_of, name });
            }
            collect(steps, found);
        }
    }
}

impl Named<'_> {
    pub(super) fn place(&self) -> Where {
        Where {
            position: self.step.position.clone(),
            outcome: self.name.to_owned(),
        }
    }

    /// Whether the outcome meets what the case covers.
    pub(super) fn is_right(&self) -> bool {
        self.any_of.right.is_empty() || self.any_of.right.iter().any(|right| right == self.name)
    }

    /// What makes it come; an error where the case does not say it, or names something that does not exist.
    pub(super) fn by(&self) -> Result<By, Flaw> {
        let Some(words) = self.any_of.by.get(self.name) else {
            return Err(Flaw::OutcomeWithoutBy(self.place()));
        };
        let mut by = By {
            switches: Vec::new(),
            defects: Defects::NONE,
        };
        for word in words {
            match (Switch::from_name(word), Defect::from_name(word)) {
                (Some(switch), _) => by.switches.push(switch),
                (None, Some(defect)) => by.defects = by.defects.with(defect),
                (None, None) => return Err(Flaw::NoSuchChoice(self.place(), word.clone(), near(word))),
            }
        }
        match self.is_right() && by.defects != Defects::NONE {
            true => Err(Flaw::RightByMistake(self.place())),
            false => Ok(by),
        }
    }

    /// Whether a run took it.
    pub(super) fn came(&self, script: &Script, outcome: &Outcome) -> bool {
        outcome.evidence.iter().any(|evidence| {
            let MetBy::Outcome(index) = evidence.met_by else {
                return false;
            };
            let step = evidence.step.step(script);
            step.is_some_and(|step| step.position == self.step.position && outcome_name(step, index) == Some(self.name))
        })
    }

    /// Makes the run in which it must come.
    pub(super) fn prove(&self, stand: &Stand, run: &Run, by: &By) -> (Choice, Trial, Option<Flaw>) {
        // All claims are kept, so that a case about the choice itself applies.
        let choice = stand.choice(&by.switches, Claims::All);
        let trial = stand.run(run, &choice, by.defects, None);
        let flaw = self.judge(run, &trial.outcome);
        (choice, trial, flaw)
    }

    fn judge(&self, run: &Run, outcome: &Outcome) -> Option<Flaw> {
        if !self.came(&run.script, outcome) {
            let instead = match outcome.verdict {
                Verdict::Pass | Verdict::Observed => outcome.outcomes.join(", "),
                _ => format!("{}: {}", outcome.verdict, outcome.reason),
            };
            return Some(Flaw::OutcomeDidNotCome(self.place(), instead));
        }
        let passed = outcome.verdict == Verdict::Pass;
        match (self.is_right(), passed) {
            (true, true) | (false, false) => None,
            (true, false) => {
                let why = format!("{}: {}", outcome.verdict, outcome.reason);
                Some(Flaw::OutcomeFails(self.place(), why))
            }
            (false, true) => Some(Flaw::WrongOutcomePasses(self.place())),
        }
    }
}

/// Whether a run failed only by outcomes that are not right, and that the case says come under this switch.
pub(super) fn foretold(script: &Script, outcome: &Outcome, switch: Switch) -> bool {
    let wrong = |named: &&Named| !named.is_right() && named.came(script, outcome);
    let named = named(script);
    let mut wrong = named.iter().filter(wrong).peekable();
    let failed_there = outcome.failure.as_ref().is_some_and(|failure| {
        let mut outcomes = named.iter().filter(|it| !it.is_right());
        outcomes.any(|it| it.step.position == failure.position)
    });
    let said = |named: &Named| {
        named
            .any_of
            .by
            .get(named.name)
            .is_some_and(|by| by.iter().any(|it| it == switch.name()))
    };
    failed_there && wrong.peek().is_some() && wrong.all(said)
}

fn outcome_name(step: &Step, index: usize) -> Option<&str> {
    match &step.kind {
        StepKind::AnyOf(any_of) => any_of.outcomes.get(index).map(|(name, _)| name.as_str()),
        _ => None,
    }
}

fn near(word: &str) -> Vec<&'static str> {
    let switches = Switch::ALL.iter().map(|switch| switch.name());
    nearest(word, switches.chain(Defect::ALL.iter().map(|defect| defect.name())))
}
