//! A line on standard error that shows how far the suite is; only where that is a terminal.

use super::plural;
use crate::suite::{Progress, Run};
use core::time::Duration;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

/// How often the line is drawn anew, so that its seconds are seen to pass.
const EVERY: Duration = Duration::from_millis(100);

/// The line, which is removed when this is dropped.
pub struct ProgressLine {
    state: Arc<Mutex<State>>,
    drawer: Option<JoinHandle<()>>,
}

struct State {
    /// What the line begins with: the target, where there are several.
    of: String,
    names: Vec<String>,
    estimates: Vec<Duration>,
    /// The indices of runs that are not settled, ordered by their estimates: the last one takes longest.
    open: BTreeSet<(Duration, usize)>,
    red: usize,
    again: usize,
    strict: bool,
    began: Instant,
    /// On virtual time estimates tell nothing of the time that runs really take.
    virtual_time: bool,
    stop: Arc<AtomicBool>,
    over: bool,
}

impl ProgressLine {
    /// Begins the line if `wanted` and standard error is a terminal; it starts with the words `of`. It says when `stop`
    /// has been set.
    pub fn begin(
        of: String,
        plan: &[Run],
        estimates: Vec<Duration>,
        strict: bool,
        virtual_time: bool,
        stop: Arc<AtomicBool>,
        wanted: bool,
    ) -> ProgressLine {
        let open = estimates.iter().enumerate().map(|(place, estimate)| (*estimate, place));
        let state = State {
            of,
            names: plan.iter().map(|run| run.name.clone()).collect(),
            open: open.collect(),
            estimates,
            red: 0,
            again: 0,
            strict,
            began: Instant::now(),
            virtual_time,
            stop,
            over: false,
        };
        let state = Arc::new(Mutex::new(state));
        // Where no thread can be had, there is no line.
        let drawer = wanted.then(|| {
            let state = Arc::clone(&state);
            std::thread::Builder::new().spawn(move || draw(&state)).ok()
        });
        let drawer = drawer.flatten();
        ProgressLine { state, drawer }
    }

    /// Counts a run.
    pub fn note(&self, progress: &Progress) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match progress {
            Progress::Settled(place, result) => {
                let estimate = state.estimates.get(*place).copied().unwrap_or_default();
                state.open.remove(&(estimate, *place));
                let red = result.judged().exit_code(state.strict) != 0;
                state.red += usize::from(red);
            }
            Progress::Again(_) => state.again += 1,
        }
    }
}

impl Drop for ProgressLine {
    /// Takes the line away.
    fn drop(&mut self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).over = true;
        if let Some(drawer) = self.drawer.take() {
            // Nothing depends on whether the line was drawn to the end.
            drop(drawer.join());
        }
    }
}

fn draw(state: &Mutex<State>) {
    loop {
        {
            let state = state.lock().unwrap_or_else(PoisonError::into_inner);
            let text = if state.over { String::new() } else { state.line() };
            // Back to the first column, and erase the line. If standard error is closed, the line is not wanted.
            drop(write!(io::stderr(), "\r\x1b[K{text}"));
            drop(io::stderr().flush());
            if state.over {
                return;
            }
        }
        std::thread::sleep(EVERY);
    }
}

impl State {
    fn line(&self) -> String {
        if self.stop.load(Ordering::Relaxed) {
            return "interrupted: ending what is under way; Ctrl-C once more ends at once".to_owned();
        }
        let total = self.names.len();
        let mut parts = vec![format!("{}{}/{total} runs", self.of, total - self.open.len())];
        if self.red > 0 {
            parts.push(format!("{} unexpected", self.red));
        }
        if self.again > 0 {
            parts.push(format!("{} again", plural(self.again, "run")));
        }
        if let Some(left) = self.left() {
            parts.push(format!("about {} s left", left.as_secs()));
        }
        if let Some((_, place)) = self.open.last() {
            parts.push(format!("waiting for {}", self.names[*place]));
        }
        // A line that wraps could not be erased.
        parts.join(", ").chars().take(79).collect()
    }

    /// The time left of the longest open run, as if it had begun with the suite.
    fn left(&self) -> Option<Duration> {
        let (longest, _) = self.open.last()?;
        let left = longest.checked_sub(self.began.elapsed())?;
        (!self.virtual_time && left > Duration::from_secs(1)).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Verdict;
    use crate::suite::fixture::{outcome, runs};
    use crate::suite::{Expectation, RunResult};

    fn line(virtual_time: bool, settled: &[(usize, Verdict)], stopped: bool) -> String {
        let plan = runs(&[("a/b", "")]);
        let estimates = [1, 60, 2, 3].map(Duration::from_secs).to_vec();
        let stop = Arc::new(AtomicBool::new(stopped));
        let progress = ProgressLine::begin(String::new(), &plan, estimates, false, virtual_time, stop, false);
        for (place, verdict) in settled {
            let result = RunResult {
                run: plan[*place].clone(),
                outcome: outcome(*verdict),
                earlier: Vec::new(),
                meeting: None,
                attempts: 1,
                expectation: Expectation::None,
                cut_off: false,
            };
            progress.note(&Progress::Settled(*place, Box::new(result)));
        }
        let state = progress.state.lock().unwrap();
        state.line()
    }

    #[test]
    fn it_tells_how_far_and_what_is_waited_for_longest() {
        assert_eq!(
            line(false, &[(0, Verdict::Fail)], false),
            "1/4 runs, 1 unexpected, about 59 s left, waiting for a/b[ip4,wrap]"
        );
        assert_eq!(
            line(true, &[(1, Verdict::Pass)], false),
            "1/4 runs, waiting for a/b[ip6,wrap]"
        );
    }

    #[test]
    fn it_answers_ctrl_c() {
        assert!(line(false, &[], true).starts_with("interrupted"));
    }
}
