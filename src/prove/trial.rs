//! A run on the reference endpoint: with given choices, mistakes, and a change of one reply.

use super::altered::{Alteration, Altered};
use crate::drive::Job;
use crate::drive::addresses::endpoints;
use crate::drive::virtual_time::drive;
use crate::engine::{Bench, Outcome, Verdict};
use crate::model::{Config, Defect, Defects, LawfulEndpoint, Switch};
use crate::rules::Rule;
use crate::stack::{CallId, Emitted, Facts};
use crate::stacks::model::endpoint;
use crate::stacks::{Runner, RunnerError};
use crate::suite::Run;
use crate::time::Instant;
use core::sync::atomic::AtomicBool;
use std::sync::Arc;

/// Every proof is made with this seed, so that it is the same proof each time.
const SEED: u64 = 1;

/// The reference endpoint, ready to make runs.
pub(super) struct Stand {
    runner: Runner,
    stop: AtomicBool,
}

/// The reference endpoint with some choices made.
pub(super) struct Choice {
    /// The names of the choices, joined; empty: the default ones.
    pub name: String,
    config: Config,
    facts: Arc<Facts>,
}

/// Whether the endpoint still claims what a choice takes away.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Claims {
    /// It claims what it does under the choice: cases about the rest do not apply.
    Honest,
    /// It claims what the default endpoint claims, so that a case about just this choice applies.
    All,
}

/// The result of a run.
pub(super) struct Trial {
    pub outcome: Outcome,
    /// The mistakes that could have made a difference.
    pub asked: Defects,
    /// How the calls ended.
    pub told: Vec<(CallId, Emitted)>,
}

impl Stand {
    pub(super) fn new() -> Result<Stand, RunnerError> {
        Ok(Stand {
            runner: Runner::bundled("model")?,
            stop: AtomicBool::new(false),
        })
    }

    pub(super) fn choice(&self, switches: &[Switch], claims: Claims) -> Choice {
        let config = Config::choosing(switches);
        let facts = match claims {
            Claims::Honest => Arc::new(config.facts(&self.runner.facts)),
            Claims::All => Arc::clone(&self.runner.facts),
        };
        let names: Vec<&str> = switches.iter().map(|switch| switch.name()).collect();
        Choice {
            name: names.join(" "),
            config,
            facts,
        }
    }

    /// A lawful endpoint, which claims what it does.
    pub(super) fn lawful(&self, endpoint: &LawfulEndpoint) -> Choice {
        let config = endpoint.config();
        Choice {
            name: endpoint.to_string(),
            facts: Arc::new(config.facts(&self.runner.facts)),
            config,
        }
    }

    /// Makes a run as the suite does, with rules.
    pub(super) fn judged(&self, run: &Run, choice: &Choice, seed: u64) -> Outcome {
        let bench = Bench::new(Arc::clone(&choice.facts));
        self.run_on(bench, &run.job(seed), choice, Defects::NONE, None).outcome
    }

    /// Makes a run without rules, since only what the steps notice counts. A case that configures what the endpoint
    /// does not have is `unsupported`.
    pub(super) fn run(&self, run: &Run, choice: &Choice, defects: Defects, alteration: Option<&Alteration>) -> Trial {
        let bench = Bench::new(Arc::clone(&choice.facts)).without_rules();
        self.run_on(bench, &run.job(SEED), choice, defects, alteration)
    }

    /// The rules that are broken in a run with this mistake, the worst first.
    pub(super) fn rules_broken(&self, run: &Run, choice: &Choice, defect: Defect) -> Vec<&'static Rule> {
        let bench = Bench::new(Arc::clone(&choice.facts));
        let trial = self.run_on(bench, &run.job(SEED), choice, Defects::only(defect), None);
        trial.outcome.broken_rules.iter().map(|broken| broken.rule).collect()
    }

    fn run_on(
        &self,
        mut bench: Bench,
        job: &Job,
        choice: &Choice,
        defects: Defects,
        alteration: Option<&Alteration>,
    ) -> Trial {
        let profile = self.runner.profile(&job.script.configure);
        let (profile, refused) = match profile {
            Ok(profile) => (profile, None),
            Err(why) => (Default::default(), Some(why)),
        };
        let model = endpoint(job, &profile, &choice.config, defects);
        let mut stack = Altered::new(model, alteration);
        let id = bench.start(Instant::ZERO, Arc::clone(&job.script), endpoints(job));
        if let Some(why) = &refused {
            bench.void(id, Instant::ZERO, why);
        }
        let mut outcome = drive(&mut bench, id, &mut stack, &self.stop);
        if refused.is_some() {
            outcome.verdict = Verdict::Unsupported;
        }
        Trial {
            outcome,
            asked: stack.asked(),
            told: stack.into_told(),
        }
    }
}
