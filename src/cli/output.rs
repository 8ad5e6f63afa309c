//! Standard output and standard error, either of which may be closed by whoever reads it.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether some of standard output could not be written.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether some of standard output could not be written, for another reason than that its reader has closed it.
pub(super) fn is_incomplete() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// Prints text for people to standard output, folded where that is a terminal. If its reader has closed it, as `head`
/// does, the rest is dropped.
pub(super) fn print(text: &str) {
    match io::stdout().is_terminal() {
        true => print_octets(folded(text).as_bytes()),
        false => print_octets(text.as_bytes()),
    }
}

/// As [`print`], for what programs read: as it is.
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

/// Prints text for people to standard error, folded where that is a terminal.
pub(super) fn say(text: &str) {
    let text = match io::stderr().is_terminal() {
        true => folded(text),
        false => text.to_owned(),
    };
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

/// The columns of a terminal that everybody has.
const COLUMNS: usize = 80;

/// The text with its long lines broken at blanks, and what follows below the column in which the line's last part begins.
/// A word that is too long runs over by itself.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        fold(line, &mut folded);
        folded.push_str(end);
    }
    folded
}

fn fold(line: &str, folded: &mut String) {
    let hang = hang(line);
    let mut column = 0;
    for word in line.split_inclusive(' ') {
        let width = width(word.trim_end_matches(' '));
        if column + width > COLUMNS && column > hang {
            folded.truncate(folded.trim_end_matches(' ').len());
            folded.push('\n');
            folded.extend(std::iter::repeat_n(' ', hang));
            column = hang;
        }
        folded.push_str(word);
        column += width + word.len() - word.trim_end_matches(' ').len();
    }
    folded.truncate(folded.trim_end_matches(' ').len());
}

/// The column of the line's last part that stands behind two blanks or more, in its left half; else its indentation.
fn hang(line: &str) -> usize {
    let mut hang = 0;
    let mut column = 0;
    for part in line.split_inclusive("  ") {
        column += width(part);
        let is_gap = part.ends_with("  ");
        if is_gap && column <= COLUMNS / 2 {
            hang = column;
        }
    }
    // An odd blank behind pairs of them belongs to the gap.
    let rest: String = visible(line).skip(hang).collect();
    hang + (rest.len() - rest.trim_start_matches(' ').len()).min(1)
}

fn width(text: &str) -> usize {
    visible(text).count()
}

/// The characters that take a column: none of an escape sequence does.
fn visible(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut escaped = false;
    text.chars().filter(move |&c| {
        let shown = !escaped && c != '\x1b';
        escaped = c == '\x1b' || escaped && !c.is_ascii_alphabetic();
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_at_blanks_below_their_last_part() {
        let words = "word ".repeat(20);
        let words = words.trim_end();
        let text = format!("short\n{words}\n  --flag  {words}\n     5  \x1b[1m{words}\x1b[0m\n   {words}\n");
        let folded = folded(&text);
        let lines: Vec<&str> = folded.lines().collect();
        assert!(lines.iter().all(|line| width(line) <= COLUMNS), "{folded}");
        let begins: Vec<usize> = lines.iter().map(|line| line.len() - line.trim_start().len()).collect();
        assert_eq!(begins, [0, 0, 0, 2, 10, 5, 8, 3, 3], "{folded}");
        let rejoined = folded.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(rejoined, text.split_whitespace().collect::<Vec<_>>().join(" "));
    }

    #[test]
    fn what_is_short_stays_and_what_cannot_be_broken_runs_over() {
        let ladder = "    0.003015 |-- FIN,ACK seq=1 ack=2 win=65535 ---------------------------->|\n";
        assert_eq!(folded(ladder), ladder);
        let name = "x".repeat(100);
        assert_eq!(folded(&format!("pass  {name} ip4")), format!("pass  {name}\n      ip4"));
        assert_eq!(folded("a\n\nb"), "a\n\nb");
    }
}
