//! Targets that are programs of somebody else's, in any language: they speak lines of text (`runners/PROTOCOL.md`).
//!
//! Here are those in lockstep, whose clock is ours. An agent that breaks down costs the run in which it does: its process
//! is ended, and the next run gets a new one.

mod check;
mod fault;
mod folder;
mod murmur;
mod process;
mod serve;
mod stack;

pub use check::{Finding, Mark, Tally, check};
pub use fault::{Fault, LONGEST_LINE, MOST_LINES, MOST_OCTETS};
pub use folder::{Folder, install};
pub use murmur::Murmur;
pub use process::{Introduction, Launch, Process};
pub use serve::{World, serve};

use super::Runner;
use crate::drive::protocol::{Mode, Reply, Request};
use crate::drive::virtual_time::{drive_watched, endpoints};
use crate::drive::{EnvironmentError, Job, Target, make_all};
use crate::engine::{Bench, Outcome, Verdict};
use crate::stack::{Abilities, Facts, Profile};
use crate::time::Instant;
use core::cell::RefCell;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use stack::{AgentStack, Plight};
use std::sync::Arc;

/// So many runs may be lost one after the other, over all processes, before it is thought hopeless.
const LOST_IN_A_ROW: u32 = 20;

/// A program that speaks in lockstep, as a target.
pub struct Agents {
    runner: Runner,
    facts: Arc<Facts>,
    launch: Launch,
    /// Whether it can be told an ISN.
    places_isn: bool,
}

impl Agents {
    /// Starts one for a moment, to hear what it can do.
    pub fn open(runner: Runner, launch: Launch) -> Result<Agents, EnvironmentError> {
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
        })
    }
}

/// What is known of a target once it has said its name and what it can do. Of that it has what its runner.yaml claims; all
/// of it where nothing is claimed.
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
    let murmured = process.murmured(true);
    let last = murmured.iter().rev().find(|line| !line.trim().is_empty());
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

    /// Runs share nothing but processes, in which a run is as the first: `new` makes a new world.
    fn run(
        &mut self,
        jobs: Vec<Job>,
        at_once: usize,
        stop: &AtomicBool,
        done: &mut dyn FnMut(usize, Outcome) -> Option<Job>,
    ) -> Result<(), EnvironmentError> {
        let lost = AtomicU32::new(0);
        let hire = || {
            let mut seat = Seat {
                agents: self,
                process: None,
                lost: &lost,
                stop,
            };
            move |job: &Job| seat.run(job)
        };
        make_all(jobs, at_once, hire, done);
        Ok(())
    }
}

/// One process after another, and the runs that are made with them.
struct Seat<'a> {
    agents: &'a Agents,
    process: Option<Process>,
    lost: &'a AtomicU32,
    stop: &'a AtomicBool,
}

/// Why a run did not come to its first packet.
enum NoWorld {
    Unsupported(String),
    Lost(String),
}

impl Seat<'_> {
    fn run(&mut self, job: &Job) -> Outcome {
        if self.stop.load(Ordering::Relaxed) {
            return Outcome::empty(Verdict::Inconclusive, Instant::ZERO, "stopped before it began");
        }
        let lost = self.lost.load(Ordering::Relaxed);
        if lost >= LOST_IN_A_ROW {
            let reason = format!("not begun: the agent broke down in {lost} runs one after the other");
            return Outcome::empty(Verdict::Inconclusive, Instant::ZERO, reason);
        }
        let plight = RefCell::new(Plight::default());
        let profile = match self.agents.runner.profile(&job.script.configure).and_then(on_a_line) {
            Ok(profile) => profile,
            Err(reason) => return unsupported(&reason),
        };
        let timer = match self.world(job, &profile, &plight) {
            Ok(timer) => timer,
            Err(NoWorld::Unsupported(reason)) => return unsupported(&reason),
            Err(NoWorld::Lost(reason)) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
                let notes = plight.into_inner().notes;
                return Outcome {
                    notes,
                    ..Outcome::empty(Verdict::Inconclusive, Instant::ZERO, reason)
                };
            }
        };
        self.drive(job, timer, plight)
    }

    /// Drives a run in a world that has been made.
    fn drive(&mut self, job: &Job, timer: Option<Instant>, plight: RefCell<Plight>) -> Outcome {
        let facts = &self.agents.facts;
        let mut bench = Bench::new(Arc::clone(facts));
        let run = bench.start(Instant::ZERO, Arc::clone(&job.script), endpoints(job));
        let Some(process) = &mut self.process else {
            return Outcome::empty(Verdict::Inconclusive, Instant::ZERO, "the agent's process is gone");
        };
        let mut stack = AgentStack::new(process, &facts.abilities, timer, &plight, self.stop);
        let mut outcome = drive_watched(&mut bench, run, &mut stack, &|| plight.borrow().halt());
        stack.conclude();
        let mut plight = plight.into_inner();
        let broken = plight.fault().is_some_and(|fault| !matches!(fault, Fault::Interrupted));
        if broken || outcome.verdict != Verdict::Pass {
            note_murmur(process, broken, &mut plight);
        }
        match plight.fault() {
            None => self.lost.store(0, Ordering::Relaxed),
            Some(fault) => {
                spoil(&mut outcome, fault, &plight);
                self.process = None;
                if !matches!(fault, Fault::Unsupported(_) | Fault::Unknown(_)) {
                    self.lost.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        outcome.notes.append(&mut plight.notes);
        outcome
    }

    /// A world for a run, in the process that there is or else in a new one. When the agent wants to be woken in it.
    fn world(&mut self, job: &Job, profile: &Profile, plight: &RefCell<Plight>) -> Result<Option<Instant>, NoWorld> {
        let request = self.agents.new_world(job, profile);
        if let Some(process) = &mut self.process {
            match begin(process, request.clone(), plight, self.stop) {
                Ok(timer) => return Ok(timer),
                // It can only be a world for one run.
                Err(Fault::Unsupported(_) | Fault::Unknown(_)) => {}
                Err(fault) => plight.borrow_mut().note(format!(
                    "the agent's process of the run before this one {fault}; this run has a new one"
                )),
            }
        }
        self.process = None;
        let mut process = Process::start(&self.agents.launch).map_err(|error| NoWorld::Lost(error.to_string()))?;
        let made = process
            .greet(Mode::Lockstep, self.stop)
            .and_then(|_| begin(&mut process, request, plight, self.stop));
        match made {
            Ok(timer) => {
                self.process = Some(process);
                Ok(timer)
            }
            Err(Fault::Interrupted) => Err(NoWorld::Lost("stopped".to_owned())),
            Err(fault @ (Fault::Unsupported(_) | Fault::Unknown(_))) => {
                Err(NoWorld::Unsupported(format!("the agent {fault}")))
            }
            Err(fault) => {
                note_murmur(&mut process, true, &mut plight.borrow_mut());
                Err(NoWorld::Lost(format!(
                    "the agent broke down before the run began: it {fault}"
                )))
            }
        }
    }
}

impl Agents {
    fn new_world(&self, job: &Job, profile: &Profile) -> Request {
        Request::New {
            target: crate::drive::virtual_time::target_address(job.ip),
            seed: job.seed,
            // Within eight of 2^32, so that it wraps with the first octets.
            isn: (job.wrap && self.places_isn).then_some(u32::MAX - (job.seed & 7) as u32),
            settings: profile.clone(),
        }
    }
}

/// Says `new`; only remarks may come before `idle`.
fn begin(
    process: &mut Process,
    request: Request,
    plight: &RefCell<Plight>,
    stop: &AtomicBool,
) -> Result<Option<Instant>, Fault> {
    process.turn(Instant::ZERO, request, stop, &mut |reply| match reply {
        Reply::Note(text) => {
            plight.borrow_mut().note(text);
            Ok(())
        }
        Reply::Unsupported(why) => Err(Fault::Unsupported(why)),
        other => Err(process::misplaced(&other, "`idle`, the answer to `new`,")),
    })
}

/// Settings as words of a line.
fn on_a_line(profile: Profile) -> Result<Profile, String> {
    let blank = |text: &String| text.chars().any(|letter| letter.is_whitespace() || letter.is_control());
    match profile.iter().find(|(name, value)| blank(name) || blank(value)) {
        Some((name, value)) => Err(format!(
            "`{name}={value}` cannot be told to an agent: it is more than one word"
        )),
        None => Ok(profile),
    }
}

fn unsupported(reason: &str) -> Outcome {
    Outcome::empty(Verdict::Unsupported, Instant::ZERO, reason)
}

/// Whatever a run has found: an agent that broke down in it has not shown it.
fn spoil(outcome: &mut Outcome, fault: &Fault, plight: &Plight) {
    use crate::drive::virtual_time::Halt;
    let reason = match plight.halt() {
        // The run has failed for it, unless it had ended by then.
        Some(Halt::Blamed(_)) if outcome.failure.is_some() => return,
        Some(Halt::Blamed(why) | Halt::Void(why)) => why,
        None => return,
    };
    outcome.verdict = match fault {
        Fault::Unsupported(_) | Fault::Unknown(_) => Verdict::Unsupported,
        _ => Verdict::Inconclusive,
    };
    outcome.failure = None;
    outcome.reason = reason;
}

/// How many lines of an agent's standard error are shown with a run.
const SHOWN: usize = 20;

fn note_murmur(process: &mut Process, broken: bool, plight: &mut Plight) {
    let lines = process.murmured(broken);
    let skipped = lines.len().saturating_sub(SHOWN);
    for line in &lines[skipped..] {
        plight.notes.push(format!("standard error: {line}"));
    }
}
