//! Reports for people and programs. Reports of runs are made from their [record](crate::record), and from nothing else.

#[cfg(feature = "cli")]
mod comparison;
#[cfg(feature = "cli")]
mod console;
mod explain;
#[cfg(feature = "cli")]
mod file;
#[cfg(feature = "cli")]
mod habits;
#[cfg(feature = "cli")]
mod ink;
#[cfg(feature = "cli")]
mod json;
#[cfg(feature = "cli")]
mod junit;
mod ladder;
mod lesson;
#[cfg(feature = "cli")]
mod portrait;
#[cfg(feature = "cli")]
mod progress;
#[cfg(feature = "cli")]
mod update;

#[cfg(feature = "cli")]
pub use comparison::{Comparison, Difference, Unit, comparison, heading};
#[cfg(feature = "cli")]
pub use console::{Loudness, console, in_a_line, painted};
pub use explain::{Line, LineKind, explain};
#[cfg(feature = "cli")]
pub use file::ReportFile;
#[cfg(feature = "cli")]
pub use habits::{Habit, habits};
#[cfg(feature = "cli")]
pub use json::{json, json_of_several};
#[cfg(feature = "cli")]
pub use junit::{junit, junit_of_several};
pub use ladder::{Remarks, annotated, ladder, wrap};
pub use lesson::{LEGEND, Lesson, lesson};
#[cfg(feature = "cli")]
pub use portrait::portrait;
#[cfg(feature = "cli")]
pub use progress::ProgressLine;
#[cfg(feature = "cli")]
pub use update::{Update, update};

use crate::rfc::Level;
#[cfg(feature = "cli")]
use core::time::Duration;

/// How an RFC writes a level.
pub const fn level_word(level: Level) -> &'static str {
    match level {
        Level::Must => "MUST",
        Level::Should => "SHOULD",
        Level::May => "MAY",
    }
}

/// A time for a person: `12.3 s`, `450 ms`, `3 min 20 s`.
#[cfg(feature = "cli")]
fn human(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds < 1.0 {
        format!("{} ms", span.as_millis())
    } else if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {} s", span.as_secs() / 60, span.as_secs() % 60)
    }
}

/// `1 run`, `2 runs`.
fn plural(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// Text on one line, cut where it would be too long to read.
#[cfg(feature = "cli")]
fn one_line(text: &str, indent: usize) -> String {
    const WIDTH: usize = 100;
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let room = WIDTH.saturating_sub(indent).max(20);
    match line.char_indices().nth(room) {
        Some(_) => line.chars().take(room - 3).collect::<String>() + "...",
        None => line,
    }
}
