//! Remarks of an agent for its user, kept for the run to which they belong.

/// Most remarks of an agent that are kept for a run.
const MOST: usize = 20;
/// Most lines of an agent's standard error that are shown with a run.
const SHOWN: usize = 20;

/// Remarks that no run has taken yet.
#[derive(Debug, Default)]
pub(super) struct Remarks(Vec<String>);

impl Remarks {
    /// Keeps a remark, unless there are too many.
    pub(super) fn add(&mut self, text: String) {
        if self.0.len() < MOST {
            self.0.push(text);
        }
    }

    /// Keeps the last lines that were written to standard error, however many remarks there are.
    pub(super) fn add_standard_error(&mut self, lines: &[String]) {
        let skipped = lines.len().saturating_sub(SHOWN);
        let shown = lines[skipped..].iter();
        self.0.extend(shown.map(|line| format!("standard error: {line}")));
    }

    /// Gives all remarks, and forgets them.
    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.0)
    }
}
