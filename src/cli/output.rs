//! Standard output and standard error, either of which may be closed by whoever reads it.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether some of standard output could not be written.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether some of standard output could not be written, for another reason than that its reader has closed it.
pub(super) fn is_incomplete() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Prints to standard output. If its reader has closed it, as `head` does, the rest is dropped.
pub(super) fn print(text: &str) {
    print_octets(text.as_bytes());
}

/// As [`print`].
pub(super) fn print_octets(octets: &[u8]) {
    let mut out = io::stdout().lock();
    let wrote = out.write_all(octets).and_then(|()| out.flush());
    match wrote {
        Err(err) if err.kind() != io::ErrorKind::BrokenPipe => {
            LOST.store(true, Ordering::Relaxed);
            error(&format!("cannot write to standard output: {err}"));
        }
        Ok(()) | Err(_) => {}
    }
}

/// Prints to standard error.
pub(super) fn say(text: &str) {
    // If this fails there is nowhere left to report it.
    drop(writeln!(io::stderr().lock(), "{}", text.trim_end()));
}

/// Draws over the current line of standard error.
pub(super) fn draw(text: &str) {
    let mut err = io::stderr().lock();
    drop(err.write_all(text.as_bytes()).and_then(|()| err.flush()));
}

/// Prints a mistake or a failure to standard error.
pub(super) fn error(text: &str) {
    say(&format!("error: {text}"));
}
