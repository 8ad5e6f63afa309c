//! Which runs share a world on virtual time, and how a world is filled with them.

use super::addresses::{Addresses, endpoints};
use super::virtual_time::{Driven, LOST, World};
use super::{EndedRun, Job};
use crate::engine::{Bench, Outcome, Verdict};
use crate::stack::IpVersion;
use crate::time::Instant;
use core::num::NonZeroUsize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How many runs are made in one world on virtual time.
///
/// In a world of its own the outcome of a run depends on nothing but its seed. Where runs share a world, the same runs
/// in the same order give the same octets; but they share old connections and the limits of the whole host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Worlds {
    /// Each run has a fresh one.
    #[default]
    Fresh,
    /// Many runs share a world, on one clock, told apart by their addresses. A world is configured as its first run
    /// asks; only runs with the same IP version and the same kind of ISN share it. A run that changes settings of the
    /// host, or that asks to be alone, has a fresh world.
    Shared {
        /// At most so many are under way in one world at the same time; others begin as those end.
        at_once: NonZeroUsize,
    },
}

/// Runs for one world, each with the index of its job, in the order in which they begin.
pub type Runs = VecDeque<(usize, Job)>;

/// Most runs of one world. It has a few more ports than that.
const MOST: usize = 1000;

impl Worlds {
    /// Divides jobs among worlds. The division depends on nothing but the jobs and their order.
    pub(super) fn divide(self, jobs: Vec<Job>) -> Vec<Runs> {
        let mut worlds: Vec<Runs> = Vec::new();
        let mut open = BTreeMap::new();
        for (place, job) in jobs.into_iter().enumerate() {
            let wants_its_own = job.alone || !job.script.configure.is_empty();
            if self == Worlds::Fresh || wants_its_own {
                worlds.push(Runs::from([(place, job)]));
                continue;
            }
            let at = open.entry((job.ip == IpVersion::V6, job.wrap)).or_insert(usize::MAX);
            match worlds.get_mut(*at).filter(|runs| runs.len() < MOST) {
                Some(runs) => runs.push_back((place, job)),
                None => {
                    *at = worlds.len();
                    worlds.push(Runs::from([(place, job)]));
                }
            }
        }
        worlds
    }

    /// How many runs may be under way in one world.
    pub(crate) fn at_once(self) -> usize {
        match self {
            Worlds::Fresh => 1,
            Worlds::Shared { at_once } => at_once.get(),
        }
    }

    /// Makes runs in a world that was configured for the first of them. Those that are left in `runs` must be made in
    /// another: the stack broke down, or all addresses are used up.
    pub fn fill(
        self,
        bench: &mut Bench,
        driven: &mut dyn Driven,
        runs: &mut Runs,
        tell: &mut dyn FnMut(usize, EndedRun),
    ) {
        let Some((place, first)) = runs.pop_front() else { return };
        let mut world = World::new(bench, driven);
        let mut addresses = Addresses::on_virtual_time();
        // The first run has the addresses that it would have alone; if it is the only one, the world ends with it.
        let at = addresses.next(&first).filter(|_| !runs.is_empty());
        let run = world.start(Arc::clone(&first.script), at.unwrap_or_else(|| endpoints(&first)));
        let mut under_way = BTreeMap::from([(run, place)]);
        let mut begun = vec![place];
        loop {
            while under_way.len() < self.at_once()
                && !world.is_over()
                && let Some(at) = runs.front().and_then(|(_, job)| addresses.next(job))
                && let Some((place, job)) = runs.pop_front()
            {
                under_way.insert(world.start(job.script, at), place);
                begun.push(place);
            }
            let Some((run, outcome)) = world.next_ended() else {
                break;
            };
            if let Some(place) = under_way.remove(&run) {
                let beside = begun.iter().copied().filter(|other| *other != place).collect();
                tell(place, EndedRun { outcome, beside });
            }
        }
        for place in under_way.into_values() {
            tell(
                place,
                EndedRun::by_itself(Outcome::empty(Verdict::Inconclusive, Instant::ZERO, LOST)),
            );
        }
    }
}
