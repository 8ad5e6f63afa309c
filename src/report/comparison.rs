//! Several targets side by side: what differs, and what became of each.

use super::console::{Class, count, counted};
use super::ink::Ink;
use super::{human, plural};
use crate::engine::Verdict;
use crate::record::{Absent, Record, Run};
use crate::suite::exit_code;
use std::collections::{BTreeMap, BTreeSet};

/// Several targets, against each of which the same runs were made as far as possible.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    /// The records of those that were run, in the order asked for.
    pub records: Vec<Record>,
    /// Those that were not.
    pub absent: Vec<Absent>,
}

/// A run, or all runs of a case or a row, whose verdicts differ.
#[derive(Clone, Debug)]
pub struct Difference<'a> {
    /// The case, the row or the run.
    pub name: String,
    /// Whether targets that were judged came out differently; else they differ only in what they support or claim.
    pub judged: bool,
    /// The runs of each target, in the order of the records.
    pub runs: Vec<Vec<&'a Run>>,
}

/// What a line of the table is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A case, with all its rows.
    Case,
    /// A row of a case, over all axes.
    Row,
    /// A single run.
    Run,
}

impl Comparison {
    /// The exit code: the worst of all. A target that could not be run counts as a failure of the environment.
    pub fn exit_code(&self) -> u8 {
        let absent = self.absent.iter().map(|_| 3);
        exit_code(self.records.iter().map(Record::exit_code).chain(absent))
    }

    /// The names of those that were run.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.records.iter().map(|record| record.head.target.name.as_str())
    }

    /// What differs.
    pub fn differences(&self, unit: Unit) -> Vec<Difference<'_>> {
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let mut lines: Vec<(String, Vec<Vec<&Run>>)> = Vec::new();
        for (column, record) in self.records.iter().enumerate() {
            for run in record.runs() {
                let name = match unit {
                    Unit::Case => run.id.case.clone(),
                    Unit::Row => run.id.case_and_row(),
                    Unit::Run => run.id.name.clone(),
                };
                let line = *places.entry(name.clone()).or_insert(lines.len());
                if line == lines.len() {
                    lines.push((name, vec![Vec::new(); self.records.len()]));
                }
                lines[line].1[column].push(run);
            }
        }
        // Not every target has every case: `--quick` leaves out by the target's own times.
        lines.sort_by(|(a, _), (b, _)| case(a).cmp(case(b)));
        let differing = lines.into_iter().filter_map(|(name, runs)| {
            let (judged, at_all) = differ(&runs);
            at_all.then_some(Difference { name, judged, runs })
        });
        differing.collect()
    }
}

/// The case of a run's name.
fn case(name: &str) -> &str {
    name.split_once('[').map_or(name, |(case, _)| case)
}

/// Whether the verdicts of any run differ between targets that were judged, and whether they differ at all.
fn differ(targets: &[Vec<&Run>]) -> (bool, bool) {
    let mut verdicts: BTreeMap<&str, (BTreeSet<Verdict>, usize)> = BTreeMap::new();
    for run in targets.iter().flatten() {
        let (judged, others) = verdicts.entry(&run.id.name).or_default();
        match is_judged(run.outcome.verdict) {
            true => drop(judged.insert(run.outcome.verdict)),
            false => *others += 1,
        }
    }
    let runs = verdicts.values();
    let judged = runs.clone().any(|(judged, _)| judged.len() > 1);
    let passed_over = runs.clone().any(|(judged, others)| !judged.is_empty() && *others > 0);
    (judged, judged || passed_over)
}

/// Whether a verdict judges the target.
const fn is_judged(verdict: Verdict) -> bool {
    match verdict {
        Verdict::Pass | Verdict::Observed | Verdict::Deviates | Verdict::Fail => true,
        Verdict::Unsupported | Verdict::NotApplicable | Verdict::Inconclusive | Verdict::CaseError => false,
    }
}

/// What stands over the page of one target of several.
pub fn heading(name: &str, colour: bool) -> String {
    format!("\n{}\n", Ink(colour).bold(&format!("== {name} ==")))
}

/// The table of differences, a line for each case, or for each row if `every_row`; then the counts of each target.
pub fn comparison(comparison: &Comparison, every_row: bool, colour: bool) -> String {
    let ink = Ink(colour);
    let mut text = String::new();
    if comparison.records.len() > 1 {
        text += &table(comparison, every_row, &ink);
        text.push('\n');
    }
    let names = comparison
        .names()
        .chain(comparison.absent.iter().map(|absent| absent.target.as_str()));
    let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
    for record in &comparison.records {
        let counts = counted(&count(record.runs()), &ink);
        let runs = plural(record.runs().len(), "run");
        let took = human(record.elapsed());
        text += &format!("{:<width$}  {runs} in {took}: {counts}\n", record.head.target.name);
        if let Some(why) = record.cut_short() {
            text += &format!("{:<width$}  {}\n", "", ink.red(&format!("cut short: {why}")));
        }
    }
    for absent in &comparison.absent {
        let why = ink.red(&format!("not run: {}", absent.why));
        text += &format!("{:<width$}  {why}\n", absent.target);
    }
    text + &conclusion(comparison, &ink) + "\n"
}

fn conclusion(comparison: &Comparison, ink: &Ink) -> String {
    let with = |code: u8| {
        let pairs = comparison.names().zip(&comparison.records);
        let names = pairs
            .filter(|(_, record)| record.exit_code() == code)
            .map(|(name, _)| name);
        names.collect::<Vec<_>>().join(", ")
    };
    let text = match comparison.exit_code() {
        0 => return ink.green("Nothing unexpected."),
        1 => format!("NOT CONFORMING: {}.", with(1)),
        2 => format!("A case is wrong, and has to be corrected first: see {}.", with(2)),
        3 if comparison.absent.is_empty() => format!("Inconclusive: the environment of {} is at fault.", with(3)),
        3 => "Not everything could be run.".to_owned(),
        _ => "A bug of tcpvet: no verdict can be trusted.".to_owned(),
    };
    ink.red(&text)
}

const LEGEND: &str = "\
2 fail: two of its runs, the others do better; dev: a SHOULD is not followed;
obs: a MAY is not taken up; -: cannot do it, or does not claim it; ?: inconclusive";

fn table(comparison: &Comparison, every_row: bool, ink: &Ink) -> String {
    let unit = if every_row { Unit::Row } else { Unit::Case };
    let (shown, passed_over): (Vec<_>, Vec<_>) = comparison
        .differences(unit)
        .into_iter()
        .partition(|line| line.judged || every_row);
    let thing = if every_row { "row" } else { "case" };
    let mut text = String::new();
    if shown.is_empty() {
        text += &format!("No {thing} came out otherwise against one target than against another.\n");
    } else {
        text += &lines(comparison, &shown, ink);
        text += &ink.dim(LEGEND);
        text.push('\n');
    }
    if !passed_over.is_empty() {
        let more = plural(passed_over.len(), "case");
        text += &format!("{more} more where one cannot do what another can (-v: all, row by row)\n");
    }
    text
}

/// A column for each target, and the names last, where they may be long.
fn lines(comparison: &Comparison, differences: &[Difference<'_>], ink: &Ink) -> String {
    let cells: Vec<Vec<Cell>> = differences
        .iter()
        .map(|line| line.runs.iter().map(|runs| Cell::of(runs)).collect())
        .collect();
    let widths: Vec<usize> = comparison
        .names()
        .enumerate()
        .map(|(column, name)| {
            let cells = cells.iter().map(|line| line[column].text.chars().count());
            cells.fold(name.chars().count(), usize::max)
        })
        .collect();
    let mut text = String::new();
    for (name, width) in comparison.names().zip(&widths) {
        text += &ink.bold(&format!("{name:<width$} "));
    }
    text += &ink.bold("what differs");
    text.push('\n');
    for (difference, cells) in differences.iter().zip(&cells) {
        for (cell, width) in cells.iter().zip(&widths) {
            let padded = format!("{:<width$} ", cell.text);
            text += &cell.class.map_or(padded.clone(), |class| class.paint(ink, &padded));
        }
        text += &difference.name;
        text.push('\n');
    }
    text
}

/// The runs of a case against one target, in short.
struct Cell {
    text: String,
    class: Option<Class>,
}

impl Cell {
    fn of(runs: &[&Run]) -> Cell {
        let rank = |verdict: Verdict| match verdict {
            Verdict::Unsupported | Verdict::NotApplicable => (0, "-"),
            Verdict::Pass => (1, "pass"),
            Verdict::Observed => (2, "obs"),
            Verdict::Deviates => (3, "dev"),
            Verdict::Inconclusive | Verdict::CaseError => (4, "?"),
            Verdict::Fail => (5, "fail"),
        };
        let worst = runs.iter().map(|run| rank(run.outcome.verdict)).max();
        let (place, word) = worst.unwrap_or((0, "-"));
        let these = || runs.iter().filter(|run| rank(run.outcome.verdict).0 == place);
        let made = runs.iter().filter(|run| rank(run.outcome.verdict).0 > 0).count();
        let text = match these().count() {
            some if place > 1 && some < made => format!("{some} {word}"),
            _ => word.to_owned(),
        };
        // An unexpected outcome is shown, whatever the others are.
        let class = these().map(|run| Class::of(run.judged())).max();
        Cell { text, class }
    }
}

#[cfg(test)]
mod tests {
    use super::super::console::tests::runs;
    use super::*;
    use crate::engine::Outcome;
    use crate::record::Ending;
    use crate::record::fixture::{head, settle};
    use crate::suite::fixture::{failed, outcome};

    fn named(target: &str, runs: Vec<Run>) -> Record {
        let mut head = head(runs.len());
        head.target.name = target.to_owned();
        settle(head, runs, Ending::Complete)
    }

    fn fail() -> Outcome {
        failed(Verdict::Fail, "expect: ACK", &["RFC9293-MUST-1"])
    }

    fn two() -> Comparison {
        let pass = || outcome(Verdict::Pass);
        let mut one = runs("reset/x", vec![pass(), pass(), pass(), pass()]);
        let mut other = runs("reset/x", vec![pass(), fail(), fail(), pass()]);
        one.extend(runs("close/same", vec![fail(), pass()]));
        other.extend(runs("close/same", vec![fail(), pass()]));
        one.extend(runs("options/x", vec![pass()]));
        other.extend(runs("options/x", vec![outcome(Verdict::Unsupported)]));
        Comparison {
            records: vec![named("linux", one), named("other", other)],
            absent: Vec::new(),
        }
    }

    #[test]
    fn a_case_whose_verdicts_differ_has_a_line_and_one_that_is_alike_has_none() {
        let shown = comparison(&two(), false, false);
        let expected = "\
linux other  what differs
pass  2 fail reset/x
";
        assert!(shown.starts_with(expected), "{shown}");
        assert!(
            shown.contains("\n1 case more where one cannot do what another can"),
            "{shown}"
        );
        assert!(shown.ends_with("NOT CONFORMING: linux, other.\n"), "{shown}");
        assert!(
            shown.contains("\nother  7 runs in 1.2 s: 3 pass, 3 FAIL, 1 unsupported"),
            "{shown}"
        );
    }

    #[test]
    fn row_by_row_what_cannot_be_done_has_a_line_too() {
        let shown = comparison(&two(), true, false);
        assert!(shown.contains("pass  -      options/x\n"), "{shown}");
        assert!(!shown.contains("case more"), "{shown}");
    }

    #[test]
    fn where_nothing_differs_that_is_said() {
        let alike = |target| named(target, runs("a/b", vec![outcome(Verdict::Pass)]));
        let both = Comparison {
            records: vec![alike("one"), alike("two")],
            absent: Vec::new(),
        };
        assert!(both.differences(Unit::Run).is_empty());
        let shown = comparison(&both, false, false);
        assert!(shown.starts_with("No case came out otherwise"), "{shown}");
        assert!(shown.ends_with("Nothing unexpected.\n"), "{shown}");
    }

    #[test]
    fn a_target_that_is_absent_is_told_with_the_remedy_and_is_no_success() {
        let absent = Absent {
            target: "gvisor".to_owned(),
            why: "not here: go; sudo apt install golang-go".to_owned(),
        };
        let one = Comparison {
            records: vec![named("one", runs("a/b", vec![outcome(Verdict::Pass)]))],
            absent: vec![absent],
        };
        assert_eq!(one.exit_code(), 3);
        let shown = comparison(&one, false, false);
        assert!(
            shown.contains("gvisor  not run: not here: go; sudo apt install golang-go\n"),
            "{shown}"
        );
        assert!(shown.ends_with("Not everything could be run.\n"), "{shown}");
        let worse = Comparison {
            records: two().records,
            ..one
        };
        assert_eq!(worse.exit_code(), 1, "of several the first of 101, 2, 1, 3");
    }

    #[test]
    fn no_line_is_wider_than_a_terminal_with_five_targets() {
        let case = "simultaneous-open/a-name-of-37-letters";
        let of = |target, count: usize| {
            let outcomes = (0..4).map(|at| if at < count { fail() } else { outcome(Verdict::Pass) });
            named(target, runs(case, outcomes.collect()))
        };
        let five = ["linux", "smoltcp", "lwip", "gvisor", "model"];
        let records = five.iter().enumerate().map(|(count, name)| of(name, count)).collect();
        let shown = comparison(
            &Comparison {
                records,
                absent: Vec::new(),
            },
            false,
            false,
        );
        let line = shown.lines().nth(1).unwrap();
        assert!(line.ends_with(case) && line.chars().count() <= 80, "{line}");
    }
}
