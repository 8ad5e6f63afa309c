//! An agent's standard error: always read, so that the agent never blocks on it, and its end kept for messages.

use crate::drive::drill;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How many octets of the end are kept.
const KEPT: usize = 8 * 1024;

/// The end of what an agent wrote to standard error.
#[derive(Clone, Default)]
pub(crate) struct StandardError(Arc<(Mutex<Tail>, Condvar)>);

#[derive(Default)]
struct Tail {
    octets: VecDeque<u8>,
    /// How many octets came before those.
    dropped: u64,
    ended: bool,
}

impl StandardError {
    /// Reads until every process that has the other end open has closed it.
    pub(crate) fn read(mut source: impl Read + Send + 'static) -> io::Result<StandardError> {
        let standard_error = StandardError::default();
        let kept = standard_error.clone();
        // The thread is not joined: a process that the agent left behind may keep its end open.
        let reader = std::thread::Builder::new().spawn(move || {
            drill("standard-error");
            let mut piece = [0; 4096];
            loop {
                match source.read(&mut piece) {
                    Ok(0) => break,
                    Ok(count) => kept.tail().take(&piece[..count]),
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
            kept.tail().ended = true;
            kept.0.1.notify_all();
        });
        reader.map(|_| standard_error)
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        // Nothing can panic while the lock is held, so a poisoned one is as good.
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits a moment for the end of the output: a process that has just ended may have written why.
    pub(crate) fn wait(&self) {
        let (_, ended) = &*self.0;
        // What there is will be shown, whether or not the output has ended.
        drop(ended.wait_timeout_while(self.tail(), Duration::from_millis(300), |tail| !tail.ended));
    }

    /// Gives the lines that are kept, and forgets them. Control characters are escaped.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut tail = self.tail();
        let octets: Vec<u8> = tail.octets.drain(..).collect();
        let dropped = std::mem::take(&mut tail.dropped);
        drop(tail);
        let text = String::from_utf8_lossy(&octets);
        let lines = text.lines().map(|line| {
            let printable = |letter: char| match letter {
                '\t' => vec![' '],
                letter if letter.is_control() => letter.escape_default().collect(),
                letter => vec![letter],
            };
            line.chars().flat_map(printable).collect()
        });
        let missing = (dropped > 0).then(|| format!("({dropped} octets before this are left out)"));
        missing.into_iter().chain(lines).collect()
    }
}

impl Tail {
    fn take(&mut self, piece: &[u8]) {
        self.octets.extend(piece);
        let excess = self.octets.len().saturating_sub(KEPT);
        self.octets.drain(..excess);
        self.dropped += excess as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_told_once() {
        let text = "early\n".repeat(10_000) + "late\u{1b}[1m\n";
        let standard_error = StandardError::read(std::io::Cursor::new(text.into_bytes())).unwrap();
        standard_error.wait();
        let lines = standard_error.take();
        assert!(
            lines[0].starts_with('(') && lines[0].ends_with("are left out)"),
            "{}",
            lines[0]
        );
        assert_eq!(lines.last().map(String::as_str), Some("late\\u{1b}[1m"));
        assert!(lines.iter().map(String::len).sum::<usize>() < KEPT + 100);
        assert_eq!(standard_error.take(), Vec::<String>::new());
    }
}
