//! What an agent has to say for a person, kept for the run that it belongs to.

/// How many remarks of an agent are kept for a run.
const MOST: usize = 20;
/// How many lines of an agent's standard error are shown with a run.
const SHOWN: usize = 20;

/// Remarks that no run has taken yet.
#[derive(Debug, Default)]
pub(super) struct Remarks(Vec<String>);

impl Remarks {
    /// Keeps one, unless there are too many.
    pub(super) fn add(&mut self, text: String) {
        if self.0.len() < MOST {
            self.0.push(text);
        }
    }

    /// Keeps the end of what was written to standard error, however many remarks there are.
    pub(super) fn add_standard_error(&mut self, lines: &[String]) {
        let skipped = lines.len().saturating_sub(SHOWN);
        let shown = lines[skipped..].iter();
        self.0.extend(shown.map(|line| format!("standard error: {line}")));
    }

    /// All of them, which are not kept any longer.
    pub(super) fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.0)
    }
}
