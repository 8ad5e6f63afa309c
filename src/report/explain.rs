//! Why a run came out as it did, in lines that the console colours and JUnit takes unchanged.

use super::ladder::wrap;
use super::{ladder, level_word, plural};
use crate::engine::Verdict;
use crate::record::{Attempt, Run};
use crate::suite::Expectation;

/// What a line says, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// The title of the case.
    Title,
    /// A requirement that is broken.
    Requirement,
    /// What was expected.
    Expected,
    /// What came instead.
    Seen,
    /// Everything else.
    Plain,
    /// A line of a ladder.
    Ladder,
    /// A line of a ladder that belongs to the failing step.
    Mark,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it says, for its colour.
    pub kind: LineKind,
    /// Its text, of at most 100 columns and without a line break.
    pub text: String,
}

/// Columns of a label such as `expected`, with the blanks after it.
const LABEL: usize = 12;
/// The most columns of a line.
const WIDTH: usize = 100;

/// All that there is to print of a run but its name and verdict.
pub fn explain(run: &Run) -> Vec<Line> {
    let outcome = &run.outcome;
    let mut lines = Vec::new();
    say(&mut lines, LineKind::Title, "", &run.title);
    expectation(&mut lines, &run.expectation);
    failure(&mut lines, outcome, run.model.as_deref());
    if outcome.failure.is_some() && !run.reading.is_empty() {
        say(&mut lines, LineKind::Plain, "reading", &run.reading);
    }
    let seen = outcome.failure.as_ref().map_or("", |failure| &failure.seen);
    if !outcome.reason.is_empty() && outcome.reason != seen {
        say(&mut lines, LineKind::Seen, "because", &outcome.reason);
    }
    for note in &outcome.notes {
        say(&mut lines, LineKind::Plain, "note", note);
    }
    let earlier = run.earlier.len();
    for (number, attempt) in run.earlier.iter().enumerate() {
        if !left_a_trace(attempt) || agrees(attempt, outcome) {
            continue;
        }
        let which = format!("attempt {} of {}: {}", number + 1, earlier, summary(attempt));
        blank(&mut lines);
        say(&mut lines, LineKind::Plain, "", &which);
        picture(&mut lines, attempt);
    }
    if outcome.trace.is_none() {
        let lacking = "the record does not keep what happened in this run; `--traces all` makes one that does";
        say(&mut lines, LineKind::Plain, "note", lacking);
    }
    if left_a_trace(outcome) {
        blank(&mut lines);
        if earlier > 0 {
            let attempts = plural(earlier, "attempt");
            let same = run.earlier.iter().all(|attempt| agrees(attempt, outcome));
            let how = if same { "; it came out the same" } else { "" };
            say(
                &mut lines,
                LineKind::Plain,
                "",
                &format!("after {attempts}, alone{how}:"),
            );
        }
        picture(&mut lines, outcome);
    }
    lines
}

fn left_a_trace(attempt: &Attempt) -> bool {
    attempt.trace.as_ref().is_some_and(|trace| !trace.is_empty())
}

/// Whether two attempts came out the same, so that one ladder serves for both.
fn agrees(a: &Attempt, b: &Attempt) -> bool {
    a.verdict == b.verdict && a.failure == b.failure
}

fn expectation(lines: &mut Vec<Line>, expectation: &Expectation) {
    match expectation {
        Expectation::None => {}
        Expectation::Met { reason } => say(lines, LineKind::Plain, "known", reason),
        Expectation::Unexplained { place } => {
            say(
                lines,
                LineKind::Seen,
                "known",
                &format!("without a reason: write it in place of TODO at {place}"),
            );
        }
        Expectation::UnexpectedPass { reason } => {
            say(
                lines,
                LineKind::Expected,
                "expected",
                &format!("a failure, known as: {reason}"),
            );
            say(
                lines,
                LineKind::Seen,
                "seen",
                "it holds now: remove the entry from the expectations",
            );
        }
        Expectation::Missed { reason, difference } => {
            say(
                lines,
                LineKind::Seen,
                "not known",
                &format!("{difference}; known is: {reason}"),
            );
        }
    }
}

fn failure(lines: &mut Vec<Line>, outcome: &Attempt, model: Option<&str>) {
    let Some(failure) = &outcome.failure else { return };
    say(lines, LineKind::Seen, "habit", &failure.symptom.to_string());
    if let Some(it) = &failure.conduct {
        let text = format!("{}{}: {}", it.id, it.grounds(), it.summary);
        say(lines, LineKind::Requirement, level_word(it.level), &text);
    }
    // Where the conduct breaks a requirement of its own, what the case asks about is only where it showed.
    for it in failure.requirements.iter().filter(|it| !failure.is_of_conduct(it)) {
        let text = format!("{}{}: {}", it.id, it.grounds(), it.summary);
        match failure.conduct {
            None => say(lines, LineKind::Requirement, level_word(it.level), &text),
            Some(_) => say(
                lines,
                LineKind::Plain,
                "shown by",
                &format!("{} {text}", level_word(it.level)),
            ),
        }
    }
    say(lines, LineKind::Expected, "expected", &failure.expected);
    say(lines, LineKind::Seen, "seen", &failure.seen);
    if let Some(waive) = &failure.waived {
        let text = format!("{waive}: nothing else was wrong");
        say(lines, LineKind::Plain, "waived", &text);
    }
    if let Some(model) = model {
        say(lines, LineKind::Expected, "model", model);
    }
    let at = &failure.position;
    // A target that broke down before its first step did so nowhere.
    let mut place = match at.file.is_empty() {
        true => String::new(),
        false => format!("{}:{}:{}", at.file, at.line, at.column),
    };
    if !failure.expected.starts_with(&failure.step) {
        place += &format!("  {}", failure.step);
    }
    if let Some(state) = &failure.given {
        place += &format!("  (on the way to {state})");
    }
    say(lines, LineKind::Plain, "at", &place);
}

/// An attempt in a few words.
fn summary(outcome: &Attempt) -> String {
    match (&outcome.failure, outcome.verdict) {
        (Some(failure), verdict) => format!("{verdict} at `{}`", failure.step),
        (None, Verdict::Pass) => "pass".to_owned(),
        (None, verdict) if outcome.reason.is_empty() => verdict.to_string(),
        (None, verdict) => format!("{verdict}, {}", outcome.reason),
    }
}

/// A label and a text after it, wrapped so that further lines stand below the text. A very long text is cut.
fn say(lines: &mut Vec<Line>, kind: LineKind, label: &str, text: &str) {
    const MOST: usize = 24;
    let (indent, room) = match label {
        "" => (2, WIDTH - 2),
        _ => (LABEL, WIDTH - LABEL),
    };
    let mut parts: Vec<String> = text.trim_end().lines().flat_map(|line| wrap(line, room)).collect();
    if parts.len() > MOST {
        let left_out = parts.len() - MOST;
        parts.truncate(MOST);
        parts.push(format!("... {} more", plural(left_out, "line")));
    }
    for (number, part) in parts.into_iter().enumerate() {
        let label = if number == 0 { label } else { "" };
        let text = format!("{label:>width$}  {part}", width = indent - 2);
        let text = text.trim_end().to_owned();
        lines.push(Line { kind, text });
    }
}

fn blank(lines: &mut Vec<Line>) {
    lines.push(Line {
        kind: LineKind::Plain,
        text: String::new(),
    });
}

fn picture(lines: &mut Vec<Line>, outcome: &Attempt) {
    for line in ladder(outcome).lines() {
        let kind = if line.starts_with('>') {
            LineKind::Mark
        } else {
            LineKind::Ladder
        };
        lines.push(Line {
            kind,
            text: line.to_owned(),
        });
    }
}
