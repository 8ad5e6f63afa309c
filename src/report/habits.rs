//! Runs that show one habit of the target, whatever their cases ask about: what was wrong on the wire is the same.

use super::{level_word, one_line, plural};
use crate::engine::Symptom;
use crate::record::{Failure, Record, Requirement, Run, Unmet};
use crate::suite::Expectation;
use std::collections::{BTreeMap, BTreeSet};

/// A habit of the target.
pub struct Habit<'a> {
    /// What was wrong on the wire.
    pub symptom: &'a Symptom,
    /// The requirement that it breaks: the one that forbids just this, or else the one that at least half of the runs
    /// name.
    pub requirement: Option<&'a Requirement>,
    /// The runs, of which the first is the best example; never empty.
    pub runs: Vec<&'a Run>,
}

/// What makes runs show the same habit: where the symptom is too general, also the requirement that is broken, but not on
/// the way to a state, which many cases share. What the expectations know without a reason stands apart.
type Likeness<'a> = (&'a Symptom, Option<&'a str>, bool);

/// The habits among these runs, those with the most runs first. A run without a failed step shows none.
pub fn habits<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Vec<Habit<'a>> {
    let mut places: BTreeMap<Likeness<'a>, usize> = BTreeMap::new();
    let mut habits: Vec<Habit<'a>> = Vec::new();
    for run in runs {
        let Some(failure) = &run.outcome.failure else { continue };
        let unexplained = matches!(run.expectation, Expectation::Unexplained { .. });
        let general = failure.symptom.is_general() && failure.given.is_none();
        let asked = failure.broken().next().filter(|_| general);
        let place = *places
            .entry((&failure.symptom, asked, unexplained))
            .or_insert(habits.len());
        match habits.get_mut(place) {
            Some(habit) => habit.runs.push(run),
            None => habits.push(Habit {
                symptom: &failure.symptom,
                requirement: None,
                runs: vec![run],
            }),
        }
    }
    for habit in &mut habits {
        habit.requirement = requirement(&habit.runs);
        let example = habit.runs.iter().enumerate().min_by_key(|(_, run)| weight(run));
        if let Some((place, _)) = example {
            habit.runs[..=place].rotate_right(1);
        }
    }
    habits.sort_by_key(|habit| std::cmp::Reverse(habit.runs.len()));
    habits
}

/// How hard a run is to read as an example: one that failed on the way to its state says little of its case, and a
/// short one says it soonest.
fn weight(run: &Run) -> (bool, bool, usize) {
    let on_the_way = run
        .outcome
        .failure
        .as_ref()
        .is_some_and(|failure| failure.given.is_some());
    let known = run.expectation != Expectation::None;
    let length = run.outcome.trace.as_ref().map_or(usize::MAX, Vec::len);
    (on_the_way, known, length)
}

fn requirement<'a>(runs: &[&'a Run]) -> Option<&'a Requirement> {
    let failures = || runs.iter().filter_map(|run| run.outcome.failure.as_ref());
    if let Some(own) = failures().find_map(|failure| failure.conduct.as_ref()) {
        return Some(own);
    }
    let mut named: Vec<(&Requirement, usize)> = Vec::new();
    for it in failures().flat_map(|failure| &failure.requirements) {
        match named.iter_mut().find(|(known, _)| known.id == it.id) {
            Some((_, count)) => *count += 1,
            None => named.push((it, 1)),
        }
    }
    // Of several that are named as often the first counts.
    let most = named.iter().rev().max_by_key(|(_, count)| *count);
    most.filter(|(_, count)| count * 2 >= runs.len())
        .map(|(requirement, _)| *requirement)
}

impl Habit<'_> {
    /// The habit in a line: `an ACK that nobody asked for, upon the call `recv` (RFC5681-4.2-3)`.
    pub(super) fn line(&self) -> String {
        let requirement = self.requirement.map_or_else(String::new, |it| format!(" ({})", it.id));
        format!("{}{requirement}", self.symptom)
    }

    /// The ids of the requirements that its runs name.
    fn broken(&self) -> BTreeSet<&str> {
        let failures = self.runs.iter().filter_map(|run| run.outcome.failure.as_ref());
        failures.flat_map(Failure::broken).collect()
    }

    /// How many of the runs failed at a step too, after a rule was broken.
    pub(super) fn failed_later(&self) -> usize {
        let later = |failure: &&Failure| !matches!(failure.unmet, Unmet::Rule(_));
        let failures = self.runs.iter().filter_map(|run| run.outcome.failure.as_ref());
        match self.symptom {
            Symptom::Rule(_) => failures.filter(later).count(),
            _ => 0,
        }
    }
}

/// What is to be read first: how many habits there are, and in how many runs; then each of them with its requirement
/// and an example. Empty where nothing red failed.
pub(super) fn summary(record: &Record) -> Vec<String> {
    let habits = habits(record.red());
    let runs: usize = habits.iter().map(|habit| habit.runs.len()).sum();
    if runs == 0 {
        return Vec::new();
    }
    let mut lines = vec![format!("{}, {}", plural(habits.len(), "habit"), plural(runs, "run"))];
    for habit in &habits {
        let mut say = |label: &str, text: &str| lines.push(format!("  {label:>5}  {}", one_line(text, 9)));
        say(&habit.runs.len().to_string(), &habit.symptom.to_string());
        match habit.requirement {
            Some(it) => say(
                "",
                &format!("{} {}{}: {}", level_word(it.level), it.id, it.grounds(), it.summary),
            ),
            None => say("", &format!("breaks {}", plural(habit.broken().len(), "requirement"))),
        }
        say("", &format!("such as {}", habit.runs[0].id.name));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::console::tests::{record, runs};
    use super::*;
    use crate::engine::{Outcome, Symptom, Verdict};
    use crate::suite::fixture::{failed, outcome};

    /// A run of a case that fails with a symptom and breaks requirements.
    fn fails(case: &str, symptom: Symptom, ids: &[&str]) -> Vec<Run> {
        let mut outcome = failed(Verdict::Fail, "expect: ACK", ids);
        outcome
            .failure
            .iter_mut()
            .for_each(|failure| failure.symptom = symptom.clone());
        runs(case, vec![outcome])
    }

    fn told(runs: &[Run]) -> Vec<(usize, String)> {
        let habits = habits(runs);
        habits.iter().map(|habit| (habit.runs.len(), habit.line())).collect()
    }

    #[test]
    fn what_was_wrong_on_the_wire_makes_a_habit_whatever_the_case_asks() {
        let mut all = fails("a/one", Symptom::Stray, &["RFC1-1"]);
        all.extend(fails("a/two", Symptom::Breach, &["RFC1-2", "RFC1-3"]));
        all.extend(fails("a/three", Symptom::Breach, &["RFC1-3"]));
        all.extend(runs("a/four", vec![outcome(Verdict::Pass)]));
        let expected = [
            (2, "the contract by which it is tested is not kept (RFC1-3)".to_owned()),
            (
                1,
                "a segment that belongs to no connection (RFC9293-MUST-45)".to_owned(),
            ),
        ];
        assert_eq!(told(&all), expected);
    }

    #[test]
    fn a_general_symptom_is_one_habit_for_each_requirement() {
        let mut all = fails("a/one", Symptom::Measured, &["RFC1-1"]);
        all.extend(fails("a/two", Symptom::Measured, &["RFC1-2"]));
        assert_eq!(told(&all).len(), 2);
    }

    #[test]
    fn no_requirement_is_named_that_most_runs_do_not_name() {
        let mut all = Vec::new();
        for (case, id) in [("a/one", "RFC1-1"), ("a/two", "RFC1-2"), ("a/three", "RFC1-3")] {
            all.extend(fails(case, Symptom::Breach, &[id]));
        }
        assert_eq!(
            told(&all),
            [(3, "the contract by which it is tested is not kept".to_owned())]
        );
        let summary = summary(&record(all));
        let expected = [
            "1 habit, 3 runs",
            "      3  the contract by which it is tested is not kept",
            "         breaks 3 requirements",
        ];
        assert_eq!(summary[..3], expected);
    }

    #[test]
    fn the_example_reached_its_state_and_is_short() {
        let of = |case: &str, given: Option<&str>| {
            let mut outcome: Outcome = failed(Verdict::Fail, "expect: ACK", &["RFC1-1"]);
            outcome
                .failure
                .iter_mut()
                .for_each(|failure| failure.given = given.map(str::to_owned));
            runs(case, vec![outcome])
        };
        let all = [of("a/one", Some("established")), of("a/two", None), of("a/three", None)].concat();
        let habits = habits(&all);
        let cases: Vec<&str> = habits[0].runs.iter().map(|run| run.id.case.as_str()).collect();
        assert_eq!(cases, ["a/two", "a/one", "a/three"]);
    }
}
