//! Stacks that are linked into this program or into a test binary, each run in a child, where a loop can be ended.
//!
//! A child is this program, executed again. It makes whole runs, one world after the other, and reports each as it ends;
//! so many runs cost a child no more than two messages each. A stack that takes the child down with it, or that does not
//! return, costs the run in which it does so: the child is ended, and what is left is made in another.

mod child;
mod message;
mod serve;
mod watch;

pub use serve::serve;
pub(super) use watch::{Watch, Watched};

use crate::drive::{
    Done, EndedRun, EnvironmentError, Halt, Job, Limits, Patience, Runs, Target, Tell, Worlds, make_all,
};
use crate::engine::{Outcome, Verdict};
use crate::stack::{Breakdown, Facts};
use crate::time::Instant;
use child::Child;
use message::{JobName, Order};
use std::collections::VecDeque;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// A stack that is linked in, as a target whose runs are made in children.
pub struct Linked {
    facts: Arc<Facts>,
    start: Start,
    /// Children that wait for their next world.
    idle: Mutex<Vec<Child>>,
    worlds: Worlds,
    patience: Patience,
}

/// The command that starts a child, whose main function calls [`serve`].
type Start = Box<dyn Fn() -> Command + Send + Sync>;

/// Why a world could not be made to its end, and what the child said last.
struct Lost {
    halt: Halt,
    notes: Vec<String>,
}

impl From<Halt> for Lost {
    fn from(halt: Halt) -> Lost {
        let notes = Vec::new();
        Lost { halt, notes }
    }
}

impl Linked {
    /// A stack that children make which `start` starts.
    pub fn new(facts: Arc<Facts>, limits: Limits, start: impl Fn() -> Command + Send + Sync + 'static) -> Linked {
        Linked {
            facts,
            start: Box::new(start),
            idle: Mutex::default(),
            worlds: Worlds::Fresh,
            patience: Patience::new(limits),
        }
    }

    /// Makes jobs as [`Target::run`] does.
    fn make(&self, jobs: Vec<Job>, at_once: usize, stop: &AtomicBool, done: Done<'_>) {
        let new_worker = || |runs: &mut Runs, tell: Tell<'_>| self.make_runs(runs, stop, tell);
        make_all(self.worlds, jobs, at_once, new_worker, done);
    }

    /// Makes runs that may share a world. If that world is lost, what is left of it is made in worlds of their own: there
    /// nobody has to ask who is to blame.
    fn make_runs(&self, runs: &mut Runs, stop: &AtomicBool, tell: Tell<'_>) {
        let mut worlds = VecDeque::from([std::mem::take(runs)]);
        while let Some(mut left) = worlds.pop_front() {
            let Err(lost) = self.make_world(&mut left, stop, tell) else {
                continue;
            };
            match lost.halt {
                Halt::Broke(..) if left.len() > 1 => worlds.extend(left.into_iter().map(|run| Runs::from([run]))),
                _ => {
                    for (place, _) in left {
                        tell(place, EndedRun::by_itself(self.outcome(&lost)));
                    }
                }
            }
        }
    }

    fn outcome(&self, lost: &Lost) -> Outcome {
        let mut outcome = Outcome::empty(Verdict::Inconclusive, Instant::ZERO, "");
        match &lost.halt {
            Halt::Broke(how, seen) => outcome.break_down(*how, seen),
            Halt::Void(why) => outcome.reason.clone_from(why),
        }
        outcome.notes.clone_from(&lost.notes);
        outcome
    }

    /// Makes runs in one world of a child. Those that are left in `runs` have not ended when it is lost.
    fn make_world(&self, runs: &mut Runs, stop: &AtomicBool, tell: Tell<'_>) -> Result<(), Lost> {
        if let Some(stopped) = Halt::stopped(stop) {
            return Err(stopped.into());
        }
        if let Some(reason) = self.patience.is_over() {
            return Err(Halt::Broke(Breakdown::Hang, reason.to_owned()).into());
        }
        let mut child = self.child().map_err(|error| Halt::Void(error.to_string()))?;
        let order = Order {
            jobs: runs.iter().map(|(_, job)| JobName::of(job)).collect(),
            at_once: self.worlds.at_once(),
            wait: self.patience.wait(),
            emissions: self.patience.emissions(),
        };
        let places: Vec<usize> = runs.iter().map(|(place, _)| *place).collect();
        let place_of = |at: usize| places.get(at).copied().unwrap_or(usize::MAX);
        let heard = child.make_world(&order, stop, &mut |at, mut ended| {
            ended.beside.iter_mut().for_each(|other| *other = place_of(*other));
            if let Some(how) = ended.outcome.breakdown() {
                self.patience.note(how, order.wait);
            }
            runs.retain(|(place, _)| *place != place_of(at));
            tell(place_of(at), ended);
        });
        match heard {
            Ok(()) => {
                self.lock_idle().push(child);
                Ok(())
            }
            Err(halt) => {
                if let Halt::Broke(how, _) = &halt {
                    self.patience.note(*how, order.wait);
                }
                let notes = child.last_words();
                Err(Lost { halt, notes })
            }
        }
    }

    /// A child that waits, or else a new one.
    fn child(&self) -> Result<Child, EnvironmentError> {
        let waiting = self.lock_idle().pop();
        waiting.map_or_else(|| Child::start((self.start)()), Ok)
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, Vec<Child>> {
        // Nothing can panic while the lock is held, so a poisoned one is as good.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target for Linked {
    fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    fn share_worlds(&mut self, worlds: Worlds) {
        self.worlds = worlds;
    }

    fn run(
        &mut self,
        jobs: Vec<Job>,
        at_once: usize,
        stop: &AtomicBool,
        done: Done<'_>,
    ) -> Result<(), EnvironmentError> {
        self.make(jobs, at_once, stop, done);
        Ok(())
    }
}

/// Several tests of a process share its children.
impl Target for &Linked {
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
        self.make(jobs, at_once, stop, done);
        Ok(())
    }
}
