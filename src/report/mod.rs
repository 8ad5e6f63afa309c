//! What a person or a program reads afterwards.

#[cfg(feature = "cli")]
mod comparison;
#[cfg(feature = "cli")]
mod console;
mod explain;
#[cfg(feature = "cli")]
mod file;
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
pub use comparison::{Absent, Comparison, Difference, Unit, comparison, heading};
#[cfg(feature = "cli")]
pub use console::{Loudness, console, painted};
pub use explain::{Kind, Line, explain};
#[cfg(feature = "cli")]
pub use file::ReportFile;
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

use crate::rfc::Level;
use crate::suite::{RunResult, exit_code};
use core::time::Duration;

/// A whole invocation, once it is over.
#[derive(Clone, Debug)]
pub struct Report {
    /// The target's name.
    pub target: String,
    /// Whether its clock was ours.
    pub virtual_time: bool,
    /// The default target, and why it was not run but this one.
    pub instead_of: Option<(String, String)>,
    /// From which each run's seed was made.
    pub seed: u64,
    /// What the user asked for, as written.
    pub selection: Vec<String>,
    /// What follows a run's name in a command that runs it again: ` --target smoltcp --seed 7`.
    pub again: String,
    /// Whether `deviates` is red.
    pub strict: bool,
    /// The file that says what is expected, as shown to a person.
    pub expectations: String,
    /// How many runs `--quick` left out.
    pub left_out: usize,
    /// Every run's result, in the order of the plan.
    pub results: Vec<RunResult>,
    /// How long all of it took, on the clock on the wall.
    pub elapsed: Duration,
    /// Why not everything could be run, if so: interrupted, or the environment.
    pub cut_short: Option<String>,
    /// What broke that is ours: no verdict can be trusted then.
    pub bug: Option<String>,
}

impl Report {
    /// What the process ends with.
    pub fn exit_code(&self) -> u8 {
        let ours = self.bug.as_ref().map(|_| 101);
        let short = self.cut_short.as_ref().map(|_| 3);
        let runs = self.results.iter().map(|result| result.judged.exit_code(self.strict));
        exit_code(runs.chain(ours).chain(short))
    }

    /// The results that somebody should be told of.
    pub fn red(&self) -> impl Iterator<Item = &RunResult> {
        self.results
            .iter()
            .filter(|result| result.judged.exit_code(self.strict) != 0)
    }
}

/// How an RFC writes a level.
pub const fn level_word(level: Level) -> &'static str {
    match level {
        Level::Must => "MUST",
        Level::Should => "SHOULD",
        Level::May => "MAY",
    }
}

/// Octets of a value that was measured, as the notation writes them.
#[cfg(feature = "cli")]
fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
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
