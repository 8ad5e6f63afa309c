//! Panics: every one of ours is a bug, and is reported as one.
//!
//! A stack under test may panic too, and its driver catches that as a failure of the stack. So a panic is only noted
//! when it happens, and told of when it has come through to the top.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::sync::{Mutex, PoisonError};

/// The last panics: what was said, and where.
static NOTED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// How many are kept; a stack may panic in every run.
const KEPT: usize = 16;

/// From now on panics are noted.
pub(super) fn install() {
    std::panic::set_hook(Box::new(note));
}

fn note(info: &PanicHookInfo<'_>) {
    let said = tcpvet::drive::virtual_time::panic_text(info.payload()).to_owned();
    let mut place = info.location().map_or_else(String::new, ToString::to_string);
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        place += &format!("\n{trace}");
    }
    let mut noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    if noted.len() == KEPT {
        noted.remove(0);
    }
    noted.push((said, place));
}

/// What to tell of a panic that came through, by what it said.
pub(super) fn report(said: &str) -> String {
    let noted = NOTED.lock().unwrap_or_else(PoisonError::into_inner);
    // What is told may say more than the panic did: in which run it was.
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
