//! The kernel that we run on, in private namespaces, as a target.
//!
//! Each namespace belongs to a child: this program, executed again. The child makes the system calls; packets travel
//! through a device whose other end the tester has. No root is needed where users may make namespaces.

mod child;
mod namespace;
mod netlink;
mod self_test;
mod session;
mod setup;
mod sockets;
mod sys;
mod worker;

pub use child::{SUBCOMMAND, child_main};
pub use namespace::{Agent, Namespace, Plan};
pub use setup::DeviceChoice;

use super::Runner;
use super::agent::introduced;
use crate::drive::{Done, EnvironmentError, Job, Target, Unclaimed};
use crate::stack::{Facts, Profile};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The kernel that we run on.
pub struct Linux {
    runner: Runner,
    facts: Arc<Facts>,
    plan: Plan,
    unclaimed: Unclaimed,
}

impl Linux {
    /// Finds out whether Linux can be tested here, by making one namespace and testing it.
    pub fn probe() -> Result<Linux, EnvironmentError> {
        let runner = Runner::bundled("linux").map_err(|error| EnvironmentError {
            problem: error.to_string(),
            remedy: "report this".to_owned(),
        })?;
        Linux::probe_as(runner, Plan::default())
    }

    /// As [`Linux::probe`], with another runner.yaml, or with another way to make namespaces.
    pub fn probe_as(runner: Runner, plan: Plan) -> Result<Linux, EnvironmentError> {
        let mut namespace = Namespace::start(&plan, &Profile::new())?;
        namespace.self_test()?;
        let facts = introduced(&runner.facts, &namespace.name, &namespace.abilities);
        Ok(Linux {
            runner,
            facts: Arc::new(facts),
            plan,
            unclaimed: Unclaimed::default(),
        })
    }
}

impl Target for Linux {
    fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    fn run(
        &mut self,
        jobs: Vec<Job>,
        at_once: usize,
        stop: &AtomicBool,
        done: Done<'_>,
    ) -> Result<(), EnvironmentError> {
        let mut unclaimed = self.take_unclaimed();
        let ran = session::run(self, jobs, at_once, stop, done, &mut unclaimed);
        self.unclaimed = unclaimed;
        ran
    }

    fn take_unclaimed(&mut self) -> Unclaimed {
        std::mem::take(&mut self.unclaimed)
    }
}
