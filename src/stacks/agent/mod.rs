//! Targets that are separate programs, in any language: they speak the lines of `runners/PROTOCOL.md`.
//!
//! This file drives agents in lockstep, whose clock is the tester's. If an agent breaks down, only the runs of the
//! present world are lost: its process is ended, and the next world gets a new one.

mod check;
mod fault;
mod folder;
mod process;
mod remarks;
mod serve;
mod stack;

pub use check::{Mark, StepResult, Tally, Whose, check};
pub use fault::{Fault, LONGEST_LINE, MOST_LINES, MOST_OCTETS};
pub use folder::{Folder, install};
pub use process::{Introduction, Launch, Process};
pub use serve::{World, serve};

use super::Runner;
use crate::drive::addresses::target_address;
use crate::drive::protocol::{Mode, Reply, Request};
use crate::drive::{
    Done, EndedRun, EnvironmentError, Halt, Job, Limits, Patience, Runs, Target, Tell, Worlds, make_all,
};
use crate::engine::{Bench, Outcome, Verdict};
use crate::stack::{Abilities, Breakdown, Facts, Profile};
use crate::time::Instant;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use remarks::Remarks;
use stack::AgentStack;
use std::sync::Arc;

/// How often in a row an agent may fail to start before the remaining runs are given up: then it is no target here.
const STARTS: u32 = 20;

/// A program that speaks in lockstep, as a target.
pub struct Agents {
    runner: Runner,
    facts: Arc<Facts>,
    launch: Launch,
    /// Whether the agent has the ability `isn`.
    places_isn: bool,
    worlds: Worlds,
    patience: Patience,
}

impl Agents {
    /// Starts the agent for a moment, to ask what it can do.
    pub fn open(runner: Runner, launch: Launch) -> Result<Agents, EnvironmentError> {
        let limits = Limits::of(launch.patience);
        Agents::within(limits, runner, launch)
    }

    /// As [`Agents::open`], with other limits.
    pub fn within(limits: Limits, runner: Runner, launch: Launch) -> Result<Agents, EnvironmentError> {
        let mut process = Process::start(&launch)?;
        let introduction = match process.greet(Mode::Lockstep, &AtomicBool::new(false)) {
            Ok(introduction) => introduction,
            Err(fault) => return Err(no_greeting(&mut process, &fault)),
        };
        let facts = introduced(&runner.facts, &introduction.name, &introduction.abilities);
        Ok(Agents {
            runner,
            facts: Arc::new(facts),
            launch,
            places_isn: introduction.abilities.can("isn"),
            worlds: Worlds::Fresh,
            patience: Patience::new(limits),
        })
    }

    /// The line that begins a world for a job.
    fn new_world(&self, job: &Job, profile: &Profile) -> Request {
        Request::New {
            target: target_address(job.ip),
            seed: job.seed,
            // Within eight of 2^32, so that sequence numbers wrap with the first octets.
            isn: (job.wrap && self.places_isn).then_some(u32::MAX - (job.seed & 7) as u32),
            settings: profile.clone(),
        }
    }
}

/// The facts of a target that has greeted. Of the abilities that the agent names, the target has those that its
/// runner.yaml claims; all of them where nothing is claimed.
pub fn introduced(facts: &Facts, name: &str, can: &Abilities) -> Facts {
    let claims = facts.abilities.iter().next().is_some();
    let abilities = can.iter().filter(|name| !claims || facts.abilities.can(name));
    Facts {
        version: Some(name.to_owned()),
        abilities: abilities.map(str::to_owned).collect(),
        ..facts.clone()
    }
}

fn no_greeting(process: &mut Process, fault: &Fault) -> EnvironmentError {
    let lines = process.take_standard_error(true);
    let last = lines.iter().rev().find(|line| !line.trim().is_empty());
    let said = last.map_or_else(String::new, |line| format!(" (its standard error ends with `{line}`)"));
    EnvironmentError {
        problem: format!("the agent does not greet: it {fault}{said}"),
        remedy: "see `tcpvet check-agent`, which tells step by step what it does wrong".to_owned(),
    }
}

impl Target for Agents {
    fn facts(&self) -> &Arc<Facts> {
        &self.facts
    }

    fn share_worlds(&mut self, worlds: Worlds) {
        self.worlds = worlds;
    }

    /// Each process makes one world after the other, and each world is as the first: `new` clears everything.
    fn run(
        &mut self,
        jobs: Vec<Job>,
        at_once: usize,
        stop: &AtomicBool,
        done: Done<'_>,
    ) -> Result<(), EnvironmentError> {
        let unstarted = AtomicU32::new(0);
        let new_worker = || {
            let mut worker = Worker {
                agents: self,
                process: None,
                unstarted: &unstarted,
                stop,
            };
            move |runs: &mut Runs, tell: Tell<'_>| worker.make_runs(runs, tell)
        };
        make_all(self.worlds, jobs, at_once, new_worker, done);
        Ok(())
    }
}

/// Makes runs with one process, and with another one if that breaks down.
struct Worker<'a> {
    agents: &'a Agents,
    process: Option<Process>,
    /// How many starts have failed one after the other, by all workers.
    unstarted: &'a AtomicU32,
    stop: &'a AtomicBool,
}

impl Worker<'_> {
    /// Makes runs that may share a world: in one world, or in further ones if the agent breaks down.
    fn make_runs(&mut self, runs: &mut Runs, tell: Tell<'_>) {
        while let Some((place, job)) = runs.front() {
            let mut remarks = Remarks::default();
            match self.world(job, &mut remarks) {
                Ok(timer) => self.fill(timer, remarks, runs, tell),
                Err(outcome) => {
                    let notes = remarks.take();
                    tell(*place, EndedRun::by_itself(Outcome { notes, ..*outcome }));
                    runs.pop_front();
                }
            }
        }
    }

    /// Makes runs in the world that the process has just begun.
    fn fill(&mut self, timer: Option<Instant>, remarks: Remarks, runs: &mut Runs, tell: Tell<'_>) {
        // There is a process: it has just answered.
        let Some(process) = &mut self.process else { return };
        let mut stack = AgentStack::new(process, self.agents, timer, remarks, self.stop);
        let mut bench = Bench::new(Arc::clone(&self.agents.facts));
        self.agents.worlds.fill(&mut bench, &mut stack, runs, tell);
        if stack.is_broken() {
            self.process = None;
        }
    }

    /// Has the agent begin a world for a job. The answer is when it wants to be woken, or the job's outcome if there is
    /// no world.
    fn world(&mut self, job: &Job, remarks: &mut Remarks) -> Result<Option<Instant>, Box<Outcome>> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(inconclusive("stopped before it began"));
        }
        if let Some(reason) = self.agents.patience.is_over() {
            return Err(broken_down(Breakdown::Hang, reason));
        }
        let unstarted = self.unstarted.load(Ordering::Relaxed);
        if unstarted >= STARTS {
            let reason = format!("not begun: the agent could not be started {unstarted} times one after the other");
            return Err(inconclusive(&reason));
        }
        let profile = self.agents.runner.profile(&job.script.configure).and_then(on_a_line);
        let profile = profile.map_err(|reason| unsupported(&reason))?;
        self.begin(self.agents.new_world(job, &profile), remarks)
    }

    /// Sends `new` to the present process, or else to a new one.
    fn begin(&mut self, request: Request, remarks: &mut Remarks) -> Result<Option<Instant>, Box<Outcome>> {
        if let Some(process) = &mut self.process {
            process.set_patience(self.agents.patience.wait());
            match begin(process, request.clone(), remarks, self.stop) {
                Ok(timer) => return Ok(timer),
                // The agent can make only one world in a process.
                Err(fault) if fault.is_refusal() => {}
                Err(fault) => remarks.add(format!(
                    "the agent's process of the run before this one {fault}; this run has a new one"
                )),
            }
        }
        self.process = None;
        let mut process = self.start(remarks)?;
        process.set_patience(self.agents.patience.wait());
        let given = request.told();
        match begin(&mut process, request, remarks, self.stop) {
            Ok(timer) => {
                self.process = Some(process);
                Ok(timer)
            }
            Err(fault) if fault.is_refusal() => Err(unsupported(&format!("the agent {fault}"))),
            Err(fault) => {
                remarks.add_standard_error(&process.take_standard_error(true));
                match fault.halt(&given) {
                    Halt::Broke(how, seen) => {
                        self.agents.patience.note(how, process.patience());
                        Err(broken_down(how, &seen))
                    }
                    Halt::Void(why) => Err(inconclusive(&why)),
                }
            }
        }
    }

    /// Starts a process that has greeted. That it cannot be started is the environment's fault.
    fn start(&mut self, remarks: &mut Remarks) -> Result<Process, Box<Outcome>> {
        let failed = |reason: &str| {
            self.unstarted.fetch_add(1, Ordering::Relaxed);
            inconclusive(reason)
        };
        let mut process = Process::start(&self.agents.launch).map_err(|error| failed(&error.to_string()))?;
        match process.greet(Mode::Lockstep, self.stop) {
            Ok(_) => {
                self.unstarted.store(0, Ordering::Relaxed);
                Ok(process)
            }
            Err(Fault::Interrupted) => Err(inconclusive("stopped")),
            Err(fault) => {
                remarks.add_standard_error(&process.take_standard_error(true));
                Err(failed(&format!(
                    "the agent broke down before the run began: it {fault}"
                )))
            }
        }
    }
}

/// Sends `new`; only remarks may come before `idle`.
fn begin(
    process: &mut Process,
    request: Request,
    remarks: &mut Remarks,
    stop: &AtomicBool,
) -> Result<Option<Instant>, Fault> {
    process.turn(Instant::ZERO, request, stop, &mut |reply| match reply {
        Reply::Note(text) => {
            remarks.add(text);
            Ok(())
        }
        Reply::Unsupported(why) => Err(Fault::Unsupported(why)),
        other => Err(process::misplaced(&other, "`idle`, the answer to `new`,")),
    })
}

/// Checks that settings can be written as words of a line.
fn on_a_line(profile: Profile) -> Result<Profile, String> {
    let blank = |text: &String| text.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    match profile.iter().find(|(name, value)| blank(name) || blank(value)) {
        Some((name, value)) => Err(format!(
            "`{name}={value}` cannot be told to an agent: it is more than one word"
        )),
        None => Ok(profile),
    }
}

fn inconclusive(reason: &str) -> Box<Outcome> {
    Box::new(Outcome::empty(Verdict::Inconclusive, Instant::ZERO, reason))
}

fn broken_down(how: Breakdown, seen: &str) -> Box<Outcome> {
    let mut outcome = inconclusive("");
    outcome.break_down(how, seen);
    outcome
}

fn unsupported(reason: &str) -> Box<Outcome> {
    Box::new(Outcome::empty(Verdict::Unsupported, Instant::ZERO, reason))
}
