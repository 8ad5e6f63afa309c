//! A portrait of a stack on one page: what was measured, what it chose where RFCs leave a choice, where it differs.

use super::plural;
use crate::engine::Verdict;
use crate::record::{Measure, Record};
use crate::suite::Expectation;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Columns of a terminal.
const WIDTH: usize = 80;
/// Columns of the name before a value, and of a count.
const NAME: usize = 40;
const COUNT: usize = 9;

/// The page.
pub fn portrait(record: &Record) -> String {
    let mut page = String::new();
    let passed = record.runs().filter(|run| run.outcome.verdict == Verdict::Pass).count();
    // Writing to a string cannot fail.
    let _ = writeln!(
        page,
        "{}, as {} show it; {passed} pass\n",
        record.head.target.name,
        plural(record.runs().len(), "run")
    );
    section(&mut page, "Measured", NAME, &measured(record));
    section(&mut page, "Chosen, where an RFC leaves a choice", NAME, &chosen(record));
    section(&mut page, "Otherwise than asked", COUNT, &deviations(record));
    page
}

/// Lines under a title: a name, and what there is to say.
fn section(page: &mut String, title: &str, width: usize, lines: &[(String, String)]) {
    let _ = writeln!(page, "{title}");
    if lines.is_empty() {
        let _ = writeln!(page, "  nothing");
    }
    for (name, text) in lines {
        let rest = super::ladder::wrap(text, WIDTH - width - 3);
        let mut parts = rest.iter();
        let first = parts.next().map_or("", String::as_str);
        if name.chars().count() > width {
            let _ = writeln!(page, "  {name}\n  {:width$} {first}", "");
        } else {
            let _ = writeln!(page, "  {name:width$} {first}");
        }
        for part in parts {
            let _ = writeln!(page, "  {:width$} {part}", "");
        }
    }
    page.push('\n');
}

/// Every measured value: the range over all runs of a case, in the order of the runs of the first.
fn measured(record: &Record) -> Vec<(String, String)> {
    let mut values: BTreeMap<(&str, &str), Vec<&Measure>> = BTreeMap::new();
    for run in record.runs() {
        for (name, series) in &run.outcome.measures {
            let known = values.entry((&run.id.case, name)).or_default();
            known.extend(series);
        }
    }
    values
        .into_iter()
        .map(|((case, name), series)| (format!("{}: {}", case, name.replace('_', " ")), range(&series)))
        .collect()
}

/// The range of a series of numbers; the value, if it is octets.
fn range(series: &[&Measure]) -> String {
    let numbers = |of: fn(&Measure) -> Option<f64>| -> Option<(f64, f64)> {
        let all: Vec<f64> = series.iter().filter_map(|value| of(value)).collect();
        let least = all.iter().copied().reduce(f64::min)?;
        Some((least, all.iter().copied().fold(least, f64::max)))
    };
    let seconds = numbers(|value| match value {
        Measure::Seconds(seconds) => Some(*seconds),
        _ => None,
    });
    let plain = numbers(|value| match value {
        Measure::Number(number) => Some(*number),
        _ => None,
    });
    match (seconds, plain, series.first()) {
        (Some((least, most)), ..) if most - least < 0.0005 => format!("{least:.3} s"),
        (Some((least, most)), ..) => format!("{least:.3} to {most:.3} s"),
        (None, Some((least, most)), _) if least == most => format!("{least}"),
        (None, Some((least, most)), _) => format!("{least} to {most}"),
        (None, None, Some(Measure::Octets(octets))) => octets.to_string(),
        (None, None, _) => String::new(),
    }
}

/// Which outcome came in each case with several, and in how many runs.
fn chosen(record: &Record) -> Vec<(String, String)> {
    let mut outcomes: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for run in record.runs() {
        for outcome in &run.outcome.outcomes {
            let known = outcomes.entry(&run.id.case).or_default();
            *known.entry(outcome).or_default() += 1;
        }
    }
    let line = |names: &BTreeMap<&str, usize>| -> String {
        let alone = names.len() == 1;
        let each = names.iter().map(|(name, count)| match alone {
            true => name.replace('-', " "),
            false => format!("{} ({})", name.replace('-', " "), plural(*count, "run")),
        });
        each.collect::<Vec<_>>().join(", ")
    };
    outcomes
        .iter()
        .map(|(case, names)| ((*case).to_owned(), line(names)))
        .collect()
}

/// What differs from what is asked: each known reason once, and what is not expected.
fn deviations(record: &Record) -> Vec<(String, String)> {
    let mut reasons: BTreeMap<(bool, String), usize> = BTreeMap::new();
    for run in record.runs() {
        let text = match (&run.expectation, run.outcome.verdict) {
            (Expectation::Met { reason }, Verdict::Fail | Verdict::Deviates) => (true, reason.clone()),
            (_, Verdict::Fail | Verdict::Deviates) => (false, format!("not known before: {}", run.title)),
            _ => continue,
        };
        *reasons.entry(text).or_default() += 1;
    }
    reasons
        .into_iter()
        .map(|((_, text), count)| (plural(count, "run"), text))
        .collect()
}
