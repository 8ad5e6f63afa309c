//! Whether each rule is needed: some mistake of the reference endpoint breaks it, and for most rules one that no row
//! would notice by its steps.

use super::tests::{ROWS, WHOLE};
use super::*;
use crate::model::Defect;
use crate::rules::RULES;
use crate::suite::Run;
use std::collections::BTreeSet;

/// How many rules must have a mistake that only they notice. The others are about numbers and flags, which steps check
/// on every segment, so some row notices every mistake that breaks such a rule.
const ALONE: usize = 30;

/// Which rules mistakes break.
type Broken = BTreeSet<(&'static str, Defect)>;

/// Which rules these mistakes break in some runs, as far as the mistakes make a difference there.
fn look(stand: &Stand, runs: &[Run], these: Defects) -> Broken {
    let choice = stand.choice(&[], Claims::Honest);
    let mut broken = Broken::new();
    for run in runs {
        let asked = stand.run(run, &choice, Defects::NONE, None).asked;
        for defect in asked.both(these).iter() {
            let rules = stand.rules_broken(run, &choice, defect);
            broken.extend(rules.into_iter().map(|rule| (rule.name, defect)));
        }
    }
    broken
}

/// The mistakes that break a rule, by name.
fn witnesses(broken: &Broken, rule: &str, among: Defects) -> BTreeSet<&'static str> {
    let of_rule = broken
        .iter()
        .filter(|(name, defect)| *name == rule && among.contains(*defect));
    of_rule.map(|(_, defect)| defect.name()).collect()
}

/// To see which rules have no mistake of their own: `cargo test --release --lib witnesses -- --ignored --nocapture`.
#[test]
#[ignore = "makes every mistake in every run"]
fn every_rule_is_broken_by_a_mistake_and_most_by_one_that_no_row_notices() {
    let rows: &[RowRuns] = &ROWS;
    let unnoticed = WHOLE.unnoticed();
    let broken = in_parallel(rows.len(), &|stand, at| {
        let (plainest, others) = rows[at].runs.split_at(1);
        let mut broken = look(stand, plainest, Defects::ALL);
        broken.extend(look(stand, others, unnoticed));
        broken
    });
    let broken: Broken = broken.unwrap().into_iter().flatten().collect();
    let mut alone = 0;
    for rule in RULES {
        let all = witnesses(&broken, rule.name, Defects::ALL);
        let own = witnesses(&broken, rule.name, unnoticed);
        assert!(!all.is_empty(), "no mistake breaks the rule {}", rule.name);
        alone += usize::from(!own.is_empty());
        if own.is_empty() {
            println!("{}: rows notice all that break it: {all:?}", rule.name);
        } else {
            println!("{}: alone {own:?}", rule.name);
        }
    }
    println!("{alone} of {} rules have a mistake of their own", RULES.len());
    assert!(alone >= ALONE, "only {alone} rules have a mistake that no row notices");
}
