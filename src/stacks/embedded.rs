//! A stack in this process, as a target.

use super::Runner;
use crate::drive::virtual_time::{Driven, Halt};
use crate::drive::{Done, EndedRun, EnvironmentError, Job, Runs, Target, Tell, Worlds, make_all};
use crate::engine::{Bench, Outcome, Verdict};
use crate::stack::{Abilities, Call, CallId, Emitted, Facts, Stack};
use crate::time::Instant;
use core::sync::atomic::{AtomicBool, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A stack in this process, as a target: each world has a fresh one.
pub struct Embedded<F> {
    facts: Arc<Facts>,
    runner: Option<Runner>,
    make: F,
    rules: bool,
    worlds: Worlds,
}

impl<F: Fn(&Job) -> Box<dyn Stack>> Embedded<F> {
    /// A target whose stacks are made by `make`. It should draw all random choices from the job's seed, take its
    /// address from [`target_address`](crate::drive::addresses::target_address), and share no state with other stacks;
    /// else runs cannot be repeated.
    pub fn new(facts: Arc<Facts>, make: F) -> Embedded<F> {
        Embedded {
            facts,
            runner: None,
            make,
            rules: true,
            worlds: Worlds::Fresh,
        }
    }

    /// A target with a `runner.yaml`. A job whose `configure` asks for a setting that the file does not name is
    /// `unsupported`; for the others `make` finds in the runner what the setting means.
    pub fn of(runner: Runner, make: F) -> Embedded<F> {
        let facts = Arc::clone(&runner.facts);
        Embedded {
            runner: Some(runner),
            ..Embedded::new(facts, make)
        }
    }

    /// The same without rules: only the steps of a case are judged.
    pub fn without_rules(self) -> Embedded<F> {
        Embedded { rules: false, ..self }
    }

    /// Why a job's settings of the host cannot be made.
    fn cannot_configure(&self, job: &Job) -> Option<String> {
        let configure = &job.script.configure;
        match &self.runner {
            Some(runner) => runner.profile(configure).err(),
            None => configure
                .keys()
                .next()
                .map(|name| format!("the target cannot configure {name}")),
        }
    }

    /// Makes one run in a fresh world.
    pub fn run_one(&self, job: &Job, stop: &AtomicBool) -> Outcome {
        let mut told = None;
        let mut runs = Runs::from([(0, job.clone())]);
        self.make_runs(&mut runs, stop, &mut |_, ended| told = Some(ended.outcome));
        told.unwrap_or_else(|| Outcome::empty(Verdict::Inconclusive, Instant::ZERO, "the run was lost"))
    }

    /// Makes runs that may share a world: in one world, or in further ones if its stack breaks down.
    fn make_runs(&self, runs: &mut Runs, stop: &AtomicBool, tell: Tell<'_>) {
        while let Some((place, job)) = runs.front() {
            let refused = match stop.load(Ordering::Relaxed) {
                true => Some(Outcome::empty(
                    Verdict::Inconclusive,
                    Instant::ZERO,
                    "stopped before it began",
                )),
                false => self
                    .cannot_configure(job)
                    .map(|reason| Outcome::empty(Verdict::Unsupported, Instant::ZERO, &reason)),
            };
            if let Some(outcome) = refused {
                tell(*place, EndedRun::by_itself(outcome));
                runs.pop_front();
                continue;
            }
            let mut bench = Bench::new(Arc::clone(&self.facts));
            if !self.rules {
                bench = bench.without_rules();
            }
            let mut made = Made::of(|| (self.make)(job), stop);
            self.worlds.fill(&mut bench, &mut made, runs, tell);
        }
    }
}

/// A stack, or the reason why there is none.
struct Made<'a> {
    stack: Box<dyn Stack>,
    /// Why the stack could not be made.
    failed: Option<Halt>,
    stop: &'a AtomicBool,
}

impl Made<'_> {
    fn of(make: impl FnOnce() -> Box<dyn Stack>, stop: &AtomicBool) -> Made<'_> {
        let (stack, failed) = match catch_unwind(AssertUnwindSafe(make)) {
            Ok(stack) => (stack, None),
            Err(payload) => {
                let nothing: Box<dyn Stack> = Box::new(Nothing);
                (nothing, Some(Halt::panicked(payload.as_ref())))
            }
        };
        Made { stack, failed, stop }
    }
}

impl Driven for Made<'_> {
    fn stack(&mut self) -> &mut dyn Stack {
        self.stack.as_mut()
    }

    fn halt(&self) -> Option<Halt> {
        self.failed.clone().or_else(|| Halt::stopped(self.stop))
    }
}

/// Used in place of a stack that could not be made; it does nothing.
struct Nothing;

impl Stack for Nothing {
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn receive(&mut self, _now: Instant, _packet: &[u8]) {}

    fn call(&mut self, _now: Instant, _id: CallId, _call: &Call) {}

    fn poll(&mut self, _now: Instant, _out: &mut dyn FnMut(Emitted)) -> Option<Instant> {
        None
    }
}

impl<F: Fn(&Job) -> Box<dyn Stack> + Sync> Target for Embedded<F> {
    fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    fn share_worlds(&mut self, worlds: Worlds) {
        self.worlds = worlds;
    }

    /// Worlds share nothing, so the result of each does not depend on how many are driven at the same time.
    fn run(
        &mut self,
        jobs: Vec<Job>,
        at_once: usize,
        stop: &AtomicBool,
        done: Done<'_>,
    ) -> Result<(), EnvironmentError> {
        let new_worker = || |runs: &mut Runs, tell: Tell<'_>| self.make_runs(runs, stop, tell);
        make_all(self.worlds, jobs, at_once, new_worker, done);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
