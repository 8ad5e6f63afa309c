//! `tcpvet prove`

use super::arguments::ProveArguments;
use super::library::{self, Readable};
use super::{BUG, ENVIRONMENT, MISTAKE, OK, UNPROVEN, can_redraw, lawful, output};
use core::time::Duration;
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tcpvet::model::{Defect, Defects};
use tcpvet::prove::{Judgement, Proof, RowProof, RowRuns, prove, rows};
use tcpvet::report::ReportFile;
use tcpvet::suite::Selection;

/// How many rows of one kind are shown without `-v`.
const SHOWN: usize = 20;

/// Proves rows; gives the exit code.
pub(super) fn run(arguments: &ProveArguments) -> u8 {
    let (chosen, whole) = match choose(arguments) {
        Ok(chosen) => chosen,
        Err(code) => return code,
    };
    if arguments.write.is_some() && !whole {
        output::error("only the whole library can be written: leave out the selection and --cases");
        return MISTAKE;
    }
    if let Some(endpoints) = arguments.lawful {
        return lawful::run(&chosen, whole, endpoints, arguments.seed, arguments.verbose);
    }
    let json = match arguments.json.as_deref().map(ReportFile::open).transpose() {
        Ok(json) => json,
        Err(problem) => {
            output::error(&problem);
            return MISTAKE;
        }
    };
    let began = Instant::now();
    let progress = RowCount::of(chosen.len(), "rows proven");
    let proof = prove(&chosen, whole, &|| progress.step());
    progress.end();
    let proof = match proof {
        Ok(proof) => proof,
        // The description of the reference endpoint is part of this program, and a test reads it.
        Err(error) => {
            output::error(&error.to_string());
            return BUG;
        }
    };
    tell(arguments, &proof, json, began.elapsed())
}

/// The selected rows, and whether they are the whole library that comes with the program.
fn choose(arguments: &ProveArguments) -> Result<(Vec<RowRuns>, bool), u8> {
    let selection = Selection::parse(&arguments.selection);
    let Readable {
        cases, library: runs, ..
    } = library::read(&arguments.cases, &selection)?;
    let picked = library::pick(&selection, &runs, &runs)?;
    let names: BTreeSet<String> = picked.iter().map(|run| run.case_and_row()).collect();
    let chosen = rows(&library::scripts(&cases))
        .into_iter()
        .filter(|row| names.contains(&row.name))
        .collect();
    Ok((chosen, arguments.selection.is_empty() && arguments.cases.is_empty()))
}

fn tell(arguments: &ProveArguments, proof: &Proof, json: Option<ReportFile>, took: Duration) -> u8 {
    let judgement = proof.judge();
    let mut code = if judgement.holds() { OK } else { UNPROVEN };
    let to_stdout = json.as_ref().is_some_and(ReportFile::is_stdout);
    if let Some(path) = &arguments.write
        && let Err(error) = std::fs::write(path, proof.table())
    {
        output::error(&format!("cannot write `{}`: {error}", path.display()));
        code = ENVIRONMENT;
    }
    if let Some(file) = json
        && let Err(problem) = file.write(&as_json(proof, &judgement))
    {
        output::error(&problem);
        code = ENVIRONMENT;
    }
    let text = report(proof, &judgement, arguments.verbose, took);
    // On one terminal the two could not be told apart.
    match to_stdout {
        true => output::say(&text),
        false => output::print(&text),
    }
    code
}

/// The report: what is wrong first, then what was done.
fn report(proof: &Proof, judgement: &Judgement, verbose: bool, took: Duration) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail, here and below.
    if verbose {
        each_row(&mut text, proof, judgement);
        text.push('\n');
    }
    wrong(&mut text, judgement, verbose);
    let sum = |what: fn(&RowProof) -> usize| proof.rows.iter().map(what).sum::<usize>();
    let (changes, other) = (sum(|row| row.changes), sum(|row| row.other_outcomes));
    let passed = sum(|row| row.unnoticed.len());
    let unnoticed = proof.unnoticed().iter().count();
    let by_rules = proof.by_rules.len();
    let all = Defect::ALL.len();
    let bad = judgement.rows.len();
    let shy = proof.rows.iter().filter(|row| row.caught == Defects::NONE).count();
    let _ = writeln!(
        text,
        "{} tried, {bad} with something wrong, {shy} that notice no mistake",
        plural(proof.rows.len(), "row"),
    );
    let _ = writeln!(
        text,
        "  {} of {all} mistakes are noticed by a row, {by_rules} more by a rule",
        all - unnoticed
    );
    let _ = writeln!(
        text,
        "  {} of any-of came by what the case says",
        plural(sum(|row| row.outcomes), "outcome")
    );
    let _ = writeln!(
        text,
        "  {} changed: {} noticed, {other} made another lawful outcome, {passed} need not be noticed",
        plural(changes, "reply"),
        changes - other - passed,
    );
    let _ = writeln!(
        text,
        "{} on the reference endpoint in {:.1} s",
        plural(proof.runs, "run"),
        took.as_secs_f64()
    );
    let _ = match judgement.holds() {
        true if shy == 0 => writeln!(text, "Every row bites."),
        true => writeln!(
            text,
            "Every row bites that applies to the reference endpoint (-v tells of the others)."
        ),
        false => writeln!(text, "NOT PROVEN."),
    };
    text
}

fn wrong(text: &mut String, judgement: &Judgement, verbose: bool) {
    let most = if verbose { usize::MAX } else { SHOWN };
    for (row, problems) in judgement.rows.iter().take(most) {
        let _ = writeln!(text, "{row}");
        for problem in problems {
            let _ = writeln!(text, "    {problem}");
        }
    }
    if judgement.rows.len() > most {
        let _ = writeln!(
            text,
            "... and {} more (-v shows all)",
            plural(judgement.rows.len() - most, "row")
        );
    }
    if !judgement.mistakes.is_empty() {
        let _ = writeln!(
            text,
            "{} that nothing notices:",
            plural(judgement.mistakes.len(), "mistake")
        );
        for defect in &judgement.mistakes {
            let _ = writeln!(text, "    {:<32} {}", defect.name(), defect.meaning());
        }
    }
    if !judgement.unneeded.is_empty() {
        let _ = writeln!(
            text,
            "Known gaps that are none any more, to be taken out of src/prove/known.rs:"
        );
        for entry in &judgement.unneeded {
            let _ = writeln!(text, "    {entry}");
        }
    }
    if !judgement.holds() {
        text.push('\n');
    }
}

/// Every row with the mistakes that it notices, and the known gaps with their reasons.
fn each_row(text: &mut String, proof: &Proof, judgement: &Judgement) {
    for row in &proof.rows {
        let names: Vec<&str> = row.caught.iter().map(Defect::name).collect();
        let _ = writeln!(
            text,
            "{}  {}: {}",
            row.row,
            plural(names.len(), "mistake"),
            names.join(" ")
        );
        for change in &row.unnoticed {
            if let Some(excuse) = change.excuse {
                let _ = writeln!(text, "    need not be noticed ({}): {change}", excuse.name());
            }
        }
    }
    if !judgement.known.is_empty() {
        text.push('\n');
    }
    for (row, what, why) in &judgement.known {
        let _ = writeln!(text, "{row} {what}\n    {why}");
    }
}

pub(super) fn plural(count: usize, thing: &str) -> String {
    match (count, thing.strip_suffix('y')) {
        (1, _) => format!("1 {thing}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        (_, None) => format!("{count} {thing}s"),
    }
}

/// The report as JSON.
fn as_json(proof: &Proof, judgement: &Judgement) -> Vec<u8> {
    let row = |row: &RowProof| {
        json!({
            "row": row.row,
            "wrong": wrong_with(judgement, &row.row),
            "mistakes_noticed": row.caught.iter().map(Defect::name).collect::<Vec<_>>(),
            "outcomes": row.outcomes,
            "changes": row.changes,
            "made_another_outcome": row.other_outcomes,
            "need_not_be_noticed": row.unnoticed.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    };
    let whole = json!({
        "format": "tcpvet-proof",
        "version": 1,
        "tool": env!("CARGO_PKG_VERSION"),
        "holds": judgement.holds(),
        "rows": proof.rows.iter().map(row).collect::<Vec<_>>(),
        "mistakes_that_no_row_notices": judgement.mistakes.iter().map(|defect| defect.name()).collect::<Vec<_>>(),
        "known_gaps_that_are_none": judgement.unneeded,
        "runs": proof.runs,
    });
    format!("{whole:#}\n").into_bytes()
}

fn wrong_with<'a>(judgement: &'a Judgement, row: &str) -> &'a [String] {
    let found = judgement.rows.iter().find(|(name, _)| name == row);
    found.map_or(&[], |(_, wrong)| wrong)
}

/// The progress line on a terminal.
pub(super) struct RowCount {
    /// What is counted, in words.
    what: &'static str,
    done: AtomicUsize,
    all: usize,
    shown: bool,
}

impl RowCount {
    pub(super) fn of(all: usize, what: &'static str) -> RowCount {
        RowCount {
            what,
            done: AtomicUsize::new(0),
            all,
            shown: can_redraw(&io::stderr()),
        }
    }

    pub(super) fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.shown && done.is_multiple_of(8) {
            output::draw(&format!("\r{done} of {} {}", self.all, self.what));
        }
    }

    pub(super) fn end(&self) {
        if self.shown {
            output::draw("\r\x1b[K");
        }
    }
}
