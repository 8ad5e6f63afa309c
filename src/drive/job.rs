//! What the suite asks of a target, whatever drives it.

use super::{Unclaimed, Worlds};
use crate::engine::{Outcome, Waive};
use crate::script::Script;
use crate::stack::{Facts, IpVersion};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// One run to be made.
#[derive(Clone, Debug)]
pub struct Job {
    /// What to do.
    pub script: Arc<Script>,
    /// Over which IP version.
    pub ip: IpVersion,
    /// Whether ISNs are placed near 2^32.
    pub wrap: bool,
    /// The seed of every random choice in the run.
    pub seed: u64,
    /// What of the target's known habits is passed over.
    pub waived: Arc<[Waive]>,
    /// Whether nothing else may run at the same time in the same place: its case asks for it, or it is a repetition.
    pub alone: bool,
}

/// Why a target cannot be run in this environment: a sentence for a person, with the remedy. It is never the target's
/// fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvironmentError {
    /// What is missing or forbidden: `user namespaces are forbidden here (EPERM)`.
    pub problem: String,
    /// What to do: `set kernel.apparmor_restrict_unprivileged_userns=0, or run as root`.
    pub remedy: String,
}

impl fmt::Display for EnvironmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.problem, self.remedy)
    }
}

impl std::error::Error for EnvironmentError {}

/// A run that has ended.
#[derive(Clone, Debug)]
pub struct EndedRun {
    /// What it established.
    pub outcome: Outcome,
    /// The indices of the other jobs that had begun in the same world by then: any of them may have changed the
    /// outcome. Empty where the run had a world to itself, and on real time, where every unexpected run is repeated
    /// alone.
    pub beside: Vec<usize>,
}

impl EndedRun {
    /// A run whose outcome no other run can have changed.
    pub fn by_itself(outcome: Outcome) -> EndedRun {
        let beside = Vec::new();
        EndedRun { outcome, beside }
    }
}

/// Called with each run as it ends, and with the index of its job. If the answer is a job, it is run instead, under the
/// same index, in a world to itself.
pub type Done<'a> = &'a mut dyn FnMut(usize, EndedRun) -> Option<Job>;

/// Something that jobs can be run against.
pub trait Target {
    /// What is known of it.
    fn facts(&self) -> &Arc<Facts>;

    /// Sets how many runs share a world on virtual time from now on; before the first call that is [`Worlds::Fresh`].
    /// On real time it has no effect: there, runs share a place wherever their settings of the host are the same.
    fn share_worlds(&mut self, _worlds: Worlds) {}

    /// Runs all jobs, as many at once as is sensible and at most `at_once` (0: no limit), and calls `done` for each as
    /// it ends, with its index in `jobs`: exactly once for every run made. When `stop` becomes true, the runs under way
    /// end as inconclusive, with what they have seen, and no other begins; `done` is called for those too, as
    /// inconclusive.
    fn run(
        &mut self,
        jobs: Vec<Job>,
        at_once: usize,
        stop: &AtomicBool,
        done: Done<'_>,
    ) -> Result<(), EnvironmentError>;

    /// What it sent since the last time that belongs to no run; nothing on virtual time, where each frame is the
    /// consequence of some run's input.
    fn take_unclaimed(&mut self) -> Unclaimed {
        Unclaimed::default()
    }
}
