//! The styles of printed text, on a terminal that shows any.

use anstyle::{AnsiColor, Style};

/// What is wrong.
const RED: Style = AnsiColor::Red.on_default().bold();
/// What is as it should be.
const GREEN: Style = AnsiColor::Green.on_default();
/// What is not as it should be, and was expected or is allowed.
const YELLOW: Style = AnsiColor::Yellow.on_default();
/// What few people want to know.
const DIM: Style = Style::new().dimmed();
/// Headings and names.
const BOLD: Style = Style::new().bold();

/// Whether styles are printed.
pub(super) struct Ink(pub(super) bool);

impl Ink {
    fn paint(&self, style: Style, text: &str) -> String {
        match self.0 && !text.is_empty() {
            true => format!("{style}{text}{style:#}"),
            false => text.to_owned(),
        }
    }

    pub(super) fn red(&self, text: &str) -> String {
        self.paint(RED, text)
    }

    pub(super) fn green(&self, text: &str) -> String {
        self.paint(GREEN, text)
    }

    pub(super) fn yellow(&self, text: &str) -> String {
        self.paint(YELLOW, text)
    }

    pub(super) fn dim(&self, text: &str) -> String {
        self.paint(DIM, text)
    }

    pub(super) fn bold(&self, text: &str) -> String {
        self.paint(BOLD, text)
    }
}
