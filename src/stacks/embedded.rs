//! A stack in this process as a target.

use super::Runner;
use crate::drive::virtual_time::{AN_END, Halt, drive, endpoints, panicked};
use crate::drive::{EnvironmentError, Job, Target, make_all};
use crate::engine::{Bench, Outcome, Verdict};
use crate::stack::{Emitted, Facts, Stack};
use crate::time::Instant;
use core::sync::atomic::{AtomicBool, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A stack in this process as a target: a fresh one for every job.
pub struct Embedded<F> {
    facts: Arc<Facts>,
    runner: Option<Runner>,
    make: F,
    rules: bool,
}

impl<F: Fn(&Job) -> Box<dyn Stack>> Embedded<F> {
    /// A target whose stacks `make` makes. It should take whatever looks random from the job's seed, its address from
    /// [`target_address`], and its own state from nowhere else, or runs are not repeatable.
    pub fn new(facts: Arc<Facts>, make: F) -> Embedded<F> {
        Embedded {
            facts,
            runner: None,
            make,
            rules: true,
        }
    }

    /// A target with a `runner.yaml`. Jobs with a `configure` that it does not know are `unsupported`; for the others
    /// `make` finds there what it means.
    pub fn of(runner: Runner, make: F) -> Embedded<F> {
        Embedded {
            facts: Arc::clone(&runner.facts),
            runner: Some(runner),
            make,
            rules: true,
        }
    }

    /// The same without rules: only what the steps of a case ask is judged.
    pub fn without_rules(self) -> Embedded<F> {
        Embedded { rules: false, ..self }
    }

    /// Why a job's settings of the host cannot be had.
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

    /// Makes one run.
    pub fn run_one(&self, job: &Job, stop: &AtomicBool) -> Outcome {
        if stop.load(Ordering::Relaxed) {
            return Outcome::empty(Verdict::Inconclusive, Instant::ZERO, "stopped before it began");
        }
        if let Some(reason) = self.cannot_configure(job) {
            return Outcome::empty(Verdict::Unsupported, Instant::ZERO, reason);
        }
        let mut bench = Bench::new(Arc::clone(&self.facts));
        if !self.rules {
            bench = bench.without_rules();
        }
        let run = bench.start(Instant::ZERO, Arc::clone(&job.script), endpoints(job));
        let made = catch_unwind(AssertUnwindSafe(|| (self.make)(job)));
        let mut stack = match made {
            Ok(stack) => stack,
            Err(payload) => {
                if let Halt::Blamed(seen) = panicked(payload.as_ref()) {
                    bench.blame(run, Instant::ZERO, AN_END, &seen);
                }
                Box::new(Nothing)
            }
        };
        drive(&mut bench, run, stack.as_mut(), stop)
    }
}

/// A stack that could not be made.
struct Nothing;

impl Stack for Nothing {
    fn abilities(&self) -> crate::stack::Abilities {
        crate::stack::Abilities::default()
    }

    fn receive(&mut self, _now: Instant, _packet: &[u8]) {}

    fn call(&mut self, _now: Instant, _id: crate::stack::CallId, _call: &crate::stack::Call) {}

    fn poll(&mut self, _now: Instant, _out: &mut dyn FnMut(Emitted)) -> Option<Instant> {
        None
    }
}

impl<F: Fn(&Job) -> Box<dyn Stack> + Sync> Target for Embedded<F> {
    fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    /// Runs share nothing, so a run is the same alone and beside others.
    fn run(
        &mut self,
        jobs: Vec<Job>,
        at_once: usize,
        stop: &AtomicBool,
        done: &mut dyn FnMut(usize, Outcome) -> Option<Job>,
    ) -> Result<(), EnvironmentError> {
        make_all(jobs, at_once, || |job: &Job| self.run_one(job, stop), done);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
