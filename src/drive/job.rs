//! What the suite asks of a target, whatever drives it.

use super::Worlds;
use crate::engine::Outcome;
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
    /// From which everything that looks random is made.
    pub seed: u64,
    /// Whether nothing else may run at the same time in the same place: its case asks for it, or it is a repetition.
    pub alone: bool,
}

/// Why a target could not be run at all: a sentence for a person, with the remedy. Never the target's fault.
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
    /// The places of the other jobs that had begun in the same world by then: any of them may have changed what came of
    /// it. Empty where it had a world to itself; and on real time, where whatever surprises is made again alone.
    pub beside: Vec<usize>,
}

impl EndedRun {
    /// One that no other run can have changed.
    pub fn by_itself(outcome: Outcome) -> EndedRun {
        let beside = Vec::new();
        EndedRun { outcome, beside }
    }
}

/// Who is told of each run as it ends, by its place among the jobs. The answer may be a job that is then run in its stead,
/// under the same place, in a world to itself.
pub type Done<'a> = &'a mut dyn FnMut(usize, EndedRun) -> Option<Job>;

/// Something that jobs can be run against.
pub trait Target {
    /// What is known of it.
    fn facts(&self) -> &Arc<Facts>;

    /// From now on, how many runs are made in one world on virtual time; [`Worlds::Fresh`] before. On real time it says
    /// nothing: there runs share a place as far as their settings of the host allow.
    fn share_worlds(&mut self, _worlds: Worlds) {}

    /// Runs all jobs, as many at once as makes sense and at most `at_once` (0: no limit), and tells of each as it ends,
    /// by its place in `jobs`. Every job is told of exactly once per run made. When `stop` becomes true, the runs under way end as inconclusive,
    /// with what they have seen, and no other begins; those are told of too, as inconclusive.
    fn run(
        &mut self,
        jobs: Vec<Job>,
        at_once: usize,
        stop: &AtomicBool,
        done: Done<'_>,
    ) -> Result<(), EnvironmentError>;
}
