//! Runs against stacks whose clock is the tester's: a discrete-event loop.
//!
//! The loop never waits. The clock jumps to the earlier of the bench's deadline and the stack's timer, so hours of
//! back-off take microseconds, and the same runs in the same order from the same seed give the same trace, octet for
//! octet.

use super::{Halt, let_stack_act};
use crate::engine::{Bench, Endpoints, Outcome, RunId, Step, Verdict};
use crate::script::Script;
use crate::stack::{Breakdown, Emitted, Stack};
use crate::time::{Instant, Stamp};
use core::sync::atomic::AtomicBool;
use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::Arc;

/// Most turns of the loop without the clock moving on; a stack that takes more never comes to rest. A turn ends when
/// the bench can only wait, so a script that injects thousands of segments at once takes few turns.
const STORM: u32 = 1_000;

/// Most steps that a bench may take without the clock moving on. No script is that long: the stack answers each answer.
const STEPS_AT_ONCE: u32 = 1_000_000;

/// Most frames, results and events of a stack before it is polled again, unless its driver says otherwise.
pub(crate) const EMISSIONS: usize = 10_000;

/// The virtual time after which a run is ended: no case waits that long.
const END: core::time::Duration = core::time::Duration::from_secs(60 * 24 * 3600);

/// A stack that the loop can drive, and the reasons other than a panic for which it may halt.
pub trait Driven {
    /// The stack itself.
    fn stack(&mut self) -> &mut dyn Stack;

    /// Why the stack can no longer be used, if so. Asked after every input.
    fn halt(&self) -> Option<Halt>;

    /// How many frames, results and events the stack may emit before it is polled again, or before time passes for each
    /// run that is under way. One that emits more never comes to rest.
    fn most_emissions(&self) -> usize {
        EMISSIONS
    }

    /// Called for each run that has ended, before its outcome is reported. `halted`: this is the run in which the stack
    /// broke down.
    fn conclude(&mut self, _outcome: &mut Outcome, _halted: bool) {}
}

/// A stack whose runs can be stopped.
struct Stoppable<'a> {
    stack: &'a mut dyn Stack,
    stop: &'a AtomicBool,
}

impl Driven for Stoppable<'_> {
    fn stack(&mut self) -> &mut dyn Stack {
        self.stack
    }

    fn halt(&self) -> Option<Halt> {
        Halt::stopped(self.stop)
    }
}

/// Drives one run to its end, the only one of its bench, from the start of the clock.
///
/// If `stop` becomes true the run is inconclusive. A stack that panics, or that never comes to rest, has failed.
pub fn drive(bench: &mut Bench, run: RunId, stack: &mut dyn Stack, stop: &AtomicBool) -> Outcome {
    let mut stack = Stoppable { stack, stop };
    let mut world = World::new(bench, &mut stack);
    world.begun(run);
    let ended = world.next_ended();
    ended.map_or_else(
        || Outcome::empty(Verdict::Inconclusive, Instant::ZERO, LOST),
        |(_, outcome)| outcome,
    )
}

/// The reason given for a run that the bench does not know.
pub(super) const LOST: &str = "the bench lost the run";

/// A stack with its clock, and the runs that are made against it: one, or many that are told apart by their addresses.
pub struct World<'a> {
    bench: &'a mut Bench,
    stack: Guarded<'a>,
    now: Instant,
    /// The runs under way in the order in which they began, and when that was.
    under_way: VecDeque<(RunId, Instant)>,
    /// Turns, steps and emissions since the clock last moved on, or a run last ended.
    turns: u32,
    steps: u32,
    emissions: usize,
    /// The run that last gave the stack an input: it is held responsible for whatever the stack does next.
    cause: Option<RunId>,
    /// Why the stack can no longer be used, until the bench has been told.
    trouble: Option<Halt>,
    halted: bool,
}

impl<'a> World<'a> {
    /// A world in which nothing has happened yet. The bench has no runs.
    pub fn new(bench: &'a mut Bench, driven: &'a mut dyn Driven) -> World<'a> {
        let mut stack = Guarded {
            driven,
            emitted: Vec::new(),
            timer: None,
        };
        let trouble = stack.turn(Instant::ZERO, |_| ()).err();
        World {
            bench,
            stack,
            now: Instant::ZERO,
            under_way: VecDeque::new(),
            turns: 0,
            steps: 0,
            emissions: 0,
            cause: None,
            trouble,
            halted: false,
        }
    }

    /// Begins a run.
    pub fn start(&mut self, script: Arc<Script>, at: Endpoints) -> RunId {
        let run = self.bench.start(self.now, script, at);
        self.begun(run);
        run
    }

    /// Adds a run that has just been started on the bench to those under way.
    fn begun(&mut self, run: RunId) {
        self.under_way.push_back((run, self.now));
        self.cause.get_or_insert(run);
    }

    /// Whether the stack can no longer be used: then no run may be started, and those under way end by themselves.
    pub fn is_over(&self) -> bool {
        self.halted
    }

    /// Goes on until a run has ended; `None`: none is under way.
    pub fn next_ended(&mut self) -> Option<(RunId, Outcome)> {
        loop {
            if let Err(why) = self.hand_over() {
                self.trouble.get_or_insert(why);
            }
            self.look_for_trouble();
            match self.carry() {
                Carried::Until(deadline) => self.wait(deadline),
                Carried::Broken(why) => self.trouble = Some(why),
                Carried::Flooded => (),
                Carried::Ended(run) => return Some((run, self.conclude(run))),
                Carried::Over => return None,
            }
        }
    }

    /// Ends all runs if the stack has halted, or if the virtual time is used up.
    fn look_for_trouble(&mut self) {
        let most = self.stack.driven.most_emissions() * self.under_way.len().max(1);
        if self.turns > STORM || self.steps > STEPS_AT_ONCE || self.emissions > most {
            self.trouble.get_or_insert_with(|| {
                let (turns, emissions) = (self.turns, self.emissions);
                storm(&format!("{turns} turns and {emissions} frames, results and events"))
            });
        }
        let now = self.now;
        let too_long = |(_, began): &(RunId, Instant)| now.since(*began) >= END;
        match self.trouble.take() {
            Some(halt) => self.halt(halt),
            None if self.under_way.front().is_some_and(too_long) => {
                self.halt(Halt::Void("no end within sixty days of virtual time".to_owned()));
            }
            None => {}
        }
    }

    fn halt(&mut self, halt: Halt) {
        self.halted = true;
        self.rest();
        let elsewhere = match halt {
            Halt::Broke(how, seen) => {
                if let Some(run) = self.cause {
                    self.bench.break_down(run, self.now, how, &seen);
                }
                format!("the stack broke down in another run of the same world: {seen}")
            }
            Halt::Void(why) => why,
        };
        for (run, _) in &self.under_way {
            self.bench.void(*run, self.now, &elsewhere);
        }
    }

    /// Counts anew how much the stack does at once.
    fn rest(&mut self) {
        (self.turns, self.steps, self.emissions) = (0, 0, 0);
    }

    /// Gives the bench what the stack emitted. What nobody has asked for is the fault of whatever speaks for the stack.
    fn hand_over(&mut self) -> Result<(), Halt> {
        self.emissions += self.stack.emitted.len();
        let mut heard = Ok(());
        for what in self.stack.emitted.drain(..) {
            heard = heard.and(self.bench.handle(Stamp::exactly(self.now), what));
        }
        heard.map_err(|unasked| Halt::Void(format!("what speaks for the stack told of {unasked}")))
    }

    /// Carries out what the bench asks for until it waits, or a run has ended.
    fn carry(&mut self) -> Carried {
        let now = self.now;
        while self.steps <= STEPS_AT_ONCE {
            self.steps += 1;
            let (run, done) = match self.bench.poll(now, now) {
                Step::Inject(run, packet) => (run, self.stack.turn(now, |stack| stack.receive(now, &packet))),
                Step::Call(run, id, call) => (run, self.stack.turn(now, |stack| stack.call(now, id, &call))),
                Step::Wait(deadline) => return Carried::Until(deadline),
                Step::Done(run) => return Carried::Ended(run),
                Step::Idle => return Carried::Over,
            };
            self.cause = Some(run);
            self.bench.carried(run, Stamp::exactly(now));
            let heard = self.hand_over();
            if let Err(why) = done.and(heard) {
                return Carried::Broken(why);
            }
            self.bench.quiet(run, now);
        }
        Carried::Flooded
    }

    /// Moves the clock on to the bench's `deadline` or the stack's timer, whichever is earlier.
    fn wait(&mut self, deadline: Instant) {
        let next = self
            .stack
            .timer
            .map_or(deadline, |timer| timer.min(deadline))
            .max(self.now);
        match next == self.now {
            true => self.turns += 1,
            false => self.rest(),
        }
        self.now = next;
        self.trouble = self.stack.turn(next, |_| ()).err();
    }

    /// Takes the outcome of a run that has ended. If the stack turns out to be broken then, this run is held
    /// responsible.
    fn conclude(&mut self, run: RunId) -> Outcome {
        self.rest();
        self.under_way.retain(|(other, _)| *other != run);
        let outcome = self.bench.take(run);
        let mut outcome = outcome.unwrap_or_else(|| Outcome::empty(Verdict::Inconclusive, self.now, LOST));
        self.stack
            .driven
            .conclude(&mut outcome, self.halted && self.cause == Some(run));
        if !self.halted {
            self.trouble = self.stack.driven.halt();
            self.cause = Some(run);
        }
        outcome
    }
}

/// How [`World::carry`] ended.
enum Carried {
    /// The bench waits until then.
    Until(Instant),
    /// The stack can no longer be used.
    Broken(Halt),
    /// Too many steps were taken without the clock moving on.
    Flooded,
    /// This run has ended.
    Ended(RunId),
    /// No run is under way.
    Over,
}

/// Unwinds out of a poll in which the stack emits more than it may.
struct Flood;

/// The halt for a stack that did so much without coming to rest.
fn storm(did: &str) -> Halt {
    let seen = format!("a storm: the stack keeps acting without time passing ({did})");
    Halt::Broke(Breakdown::Storm, seen)
}

/// A stack that may panic, and is not called again if it does.
struct Guarded<'a> {
    driven: &'a mut dyn Driven,
    emitted: Vec<Emitted>,
    timer: Option<Instant>,
}

impl Guarded<'_> {
    /// Gives the stack an input and polls it until it is quiet. What it emitted is kept, even if it panicked.
    fn turn(&mut self, now: Instant, what: impl FnOnce(&mut dyn Stack)) -> Result<(), Halt> {
        let Guarded { driven, emitted, timer } = self;
        let most = driven.most_emissions();
        // After a panic only `emitted` is read, and that is never left half changed.
        let done = let_stack_act(|| {
            let stack = driven.stack();
            what(stack);
            // An agent's line gives the time in whole microseconds. A stack in this process sees the same times.
            let next = stack.poll(now, &mut |what| match emitted.len() < most {
                true => emitted.push(what),
                // Nothing else ends a stack that emits without end within one poll.
                false => resume_unwind(Box::new(Flood)),
            });
            *timer = next.map(Instant::in_whole_micros);
        });
        match done {
            Ok(()) => driven.halt().map_or(Ok(()), Err),
            Err(payload) if payload.is::<Flood>() => {
                Err(storm(&format!("{most} frames, results and events in one poll")))
            }
            Err(payload) => Err(Halt::panicked(payload.as_ref())),
        }
    }
}
