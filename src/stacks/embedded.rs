//! A stack in this process, as a target.

use super::Runner;
#[cfg(unix)]
use super::linked::{Watch, Watched};
use crate::drive::virtual_time::{Driven, EMISSIONS};
use crate::drive::{Done, EndedRun, EnvironmentError, Job, Runs, Target, Tell, Worlds, make_all};
use crate::drive::{Halt, let_stack_act};
use crate::engine::{Bench, Outcome, Verdict};
use crate::stack::{Abilities, Call, CallId, Emitted, Facts, Stack, Tolerances};
use crate::time::Instant;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// A stack in this process, as a target: each world has a fresh one.
pub struct Embedded<F> {
    facts: Arc<Facts>,
    runner: Option<Runner>,
    make: F,
    rules: bool,
    worlds: Worlds,
    emissions: usize,
    /// Whether each stack is asked for its abilities.
    asks: bool,
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
            emissions: EMISSIONS,
            asks: false,
        }
    }

    /// A target of which nothing is known but the abilities that each stack names.
    pub fn undescribed(make: F) -> Embedded<F> {
        let facts = Facts {
            name: "the stack".to_owned(),
            version: None,
            abilities: Abilities::default(),
            claims: Default::default(),
            tolerances: Tolerances::default(),
            mtu: 1500,
            virtual_time: true,
        };
        Embedded {
            asks: true,
            ..Embedded::new(Arc::new(facts), make)
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

    /// The same under watch: whoever holds `watch` sees in which of its methods a stack is.
    #[cfg(unix)]
    pub(crate) fn watched(self, watch: &Arc<Watch>) -> Embedded<impl Fn(&Job) -> Box<dyn Stack> + use<F>> {
        let (make, watch) = (self.make, Arc::clone(watch));
        Embedded {
            make: move |job: &Job| -> Box<dyn Stack> { Box::new(Watched::new(&watch, || make(job))) },
            facts: self.facts,
            runner: self.runner,
            rules: self.rules,
            worlds: self.worlds,
            emissions: self.emissions,
            asks: self.asks,
        }
    }

    /// Sets how many frames, results and events a stack may emit before it is polled again.
    pub(crate) fn limit(&mut self, emissions: usize) {
        self.emissions = emissions;
    }

    /// Sets which runs share a world.
    pub(crate) fn set_worlds(&mut self, worlds: Worlds) {
        self.worlds = worlds;
    }

    /// Makes one run in a fresh world.
    pub fn run_one(&self, job: &Job, stop: &AtomicBool) -> Outcome {
        let mut told = None;
        let mut runs = Runs::from([(0, job.clone())]);
        self.make_runs(&mut runs, stop, &mut |_, ended| told = Some(ended.outcome));
        told.unwrap_or_else(|| Outcome::empty(Verdict::Inconclusive, Instant::ZERO, "the run was lost"))
    }

    /// Makes runs that may share a world: in one world, or in further ones if its stack breaks down.
    pub(crate) fn make_runs(&self, runs: &mut Runs, stop: &AtomicBool, tell: Tell<'_>) {
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
            let mut made = Made::of(|| (self.make)(job), stop, self.emissions);
            let facts = match self.asks {
                true => Arc::new(made.described(&self.facts)),
                false => Arc::clone(&self.facts),
            };
            let mut bench = Bench::new(facts);
            if !self.rules {
                bench = bench.without_rules();
            }
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
    emissions: usize,
}

impl Made<'_> {
    fn of(make: impl FnOnce() -> Box<dyn Stack>, stop: &AtomicBool, emissions: usize) -> Made<'_> {
        let (stack, failed) = match let_stack_act(make) {
            Ok(stack) => (stack, None),
            Err(payload) => {
                let nothing: Box<dyn Stack> = Box::new(Nothing);
                (nothing, Some(Halt::panicked(payload.as_ref())))
            }
        };
        Made {
            stack,
            failed,
            stop,
            emissions,
        }
    }

    /// These facts, with the abilities that the stack names.
    fn described(&mut self, facts: &Facts) -> Facts {
        let named = let_stack_act(|| self.stack.abilities());
        let abilities = named.unwrap_or_else(|payload| {
            self.failed.get_or_insert_with(|| Halt::panicked(payload.as_ref()));
            // The run has failed, whatever it needs.
            Abilities::default()
        });
        Facts {
            abilities,
            ..facts.clone()
        }
    }
}

impl Driven for Made<'_> {
    fn stack(&mut self) -> &mut dyn Stack {
        self.stack.as_mut()
    }

    fn most_emissions(&self) -> usize {
        self.emissions
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
