//! Panics: every panic of ours is a bug, and is reported as one.
//!
//! A panic is noted when it happens, in whatever thread, and reported at the end, beside the reports of what was done
//! until then.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};

/// The last panics: message and place.
static NOTED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// How many are kept.
const KEPT: usize = 16;

/// Installs the hook that notes panics.
pub(super) fn install() {
    std::panic::set_hook(Box::new(note));
}

fn note(info: &PanicHookInfo<'_>) {
    if tcpvet::drive::stack_acts() {
        // The run in which it happens fails by it.
        return;
    }
    let said = tcpvet::drive::panic_text(info.payload()).to_owned();
    let place = info.location().map_or_else(String::new, ToString::to_string);
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    if noted.len() == KEPT {
        noted.remove(0);
    }
    // While the lock is held, so that whoever reports the panic waits for the trace: that may take seconds.
    let trace = Backtrace::capture();
    let place = match trace.status() {
        BacktraceStatus::Captured => format!("{place}\n{trace}"),
        _ => place,
    };
    noted.push((said, place));
}

/// The report of the last panic, whichever thread it was in, unless it has been reported.
pub(super) fn unreported() -> Option<String> {
    let said = NOTED.lock().unwrap_or_else(PoisonError::into_inner).last()?.0.clone();
    Some(report(&said))
}

/// The report of a panic, by its message. No other is reported then: it may be the cause of this one, or the same.
pub(super) fn report(said: &str) -> String {
    let noted = std::mem::take(&mut *NOTED.lock().unwrap_or_else(PoisonError::into_inner));
    // The message may have been extended, by the names of the runs under way.
    let place = noted
        .iter()
        .rfind(|(text, _)| said.starts_with(text))
        .map(|(_, place)| place);
    let place = place.map_or_else(String::new, |place| format!("\n  at {place}"));
    format!(
        "{said}{place}\nThis is a bug of tcpvet {}, not of the target: no verdict of this invocation can be trusted.\n\
         Please report it with this text and the command that you gave.",
        env!("CARGO_PKG_VERSION")
    )
}
