//! Runs against stacks whose clock is ours: a plain discrete-event loop.
//!
//! Nothing here waits. The clock jumps to the earlier of what the bench and what the stack wait for, so hours of
//! back-off cost microseconds, and the same runs in the same order from the same seed give the same trace, octet for
//! octet.

use crate::engine::{Bench, Endpoints, Outcome, RunId, Step, Verdict};
use crate::script::Script;
use crate::stack::{Emitted, Stack};
use crate::time::{Instant, Stamp};
use core::any::Any;
use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Turns of the loop at one moment after which a stack is said to storm. A turn ends when the bench has nothing to do
/// but wait, so a script that injects thousands of segments at once is none.
const STORM: u32 = 1_000;

/// Steps that a bench may ask for at one moment. No script is that long: the stack answers each answer.
const STEPS_AT_ONCE: u32 = 1_000_000;

/// What is said of it then.
const STORMS: &str = "storm: the stack goes on without time going by";

/// What was expected of a stack that does not get that far.
const AN_END: &str = "a stack that comes to rest";

/// When a run is given up: no case waits that long.
const END: core::time::Duration = core::time::Duration::from_secs(60 * 24 * 3600);

/// Why a world cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The stack misbehaves in a way that no step asks about, in words: it panicked, its process died. The run whose
    /// input it was given last has failed.
    Blamed(String),
    /// For a reason that is not the stack's: all runs are void.
    Void(String),
}

impl Halt {
    /// What a panic of a stack means.
    pub fn panicked(payload: &(dyn Any + Send)) -> Halt {
        Halt::Blamed(format!("the stack panicked: {}", panic_text(payload)))
    }

    /// That everything is to stop, where it is.
    pub fn stopped(stop: &AtomicBool) -> Option<Halt> {
        stop.load(Ordering::Relaxed).then(|| Halt::Void("stopped".to_owned()))
    }
}

/// What a panic said.
pub fn panic_text(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "a panic without a message",
    }
}

/// A stack as it is driven, and what may end it besides a panic.
pub trait Driven {
    /// The stack itself.
    fn stack(&mut self) -> &mut dyn Stack;

    /// Why nothing more can be had of it, if so. Asked whenever it has been given something to do.
    fn halt(&self) -> Option<Halt>;

    /// Told of each run that has ended, before anybody else is. `halted`: this is the run in which it broke down.
    fn conclude(&mut self, _outcome: &mut Outcome, _halted: bool) {}
}

/// A stack that may be stopped.
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
/// Where `stop` becomes true the run is void. A stack that panics, or that goes on at one moment without end, has
/// failed.
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

/// What is said of a run that the bench does not know.
pub(super) const LOST: &str = "the bench lost the run";

/// A stack with its clock, and the runs that are made against it: one, or many that are told apart by their addresses.
pub struct World<'a> {
    bench: &'a mut Bench,
    stack: Guarded<'a>,
    now: Instant,
    /// The runs under way in the order in which they began, and when that was.
    under_way: VecDeque<(RunId, Instant)>,
    /// Turns and steps since the clock went on, or a run ended.
    turns: u32,
    steps: u32,
    /// The run that whatever the stack does now is put down to: the one whose input it was given last.
    cause: Option<RunId>,
    /// Why the stack can do no more, until the runs have been told.
    trouble: Option<Halt>,
    halted: bool,
}

impl<'a> World<'a> {
    /// A world in which nothing has happened yet, with a bench without runs.
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

    /// Takes note of a run that has just been started on the bench.
    fn begun(&mut self, run: RunId) {
        self.under_way.push_back((run, self.now));
        self.cause.get_or_insert(run);
    }

    /// Whether the stack can do no more: then no run is to be begun, and those under way end by themselves.
    pub fn is_over(&self) -> bool {
        self.halted
    }

    /// Goes on until a run has ended; `None`: none is under way.
    pub fn next_ended(&mut self) -> Option<(RunId, Outcome)> {
        loop {
            self.stack.hand_over(self.now, self.bench);
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

    /// Ends all runs where there is a reason to.
    fn look_for_trouble(&mut self) {
        if self.turns > STORM || self.steps > STEPS_AT_ONCE {
            self.trouble.get_or_insert_with(|| Halt::Blamed(STORMS.to_owned()));
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
        (self.turns, self.steps) = (0, 0);
        let elsewhere = match halt {
            Halt::Blamed(seen) => {
                if let Some(run) = self.cause {
                    self.bench.blame(run, self.now, AN_END, &seen);
                }
                format!("the stack broke down in another run of the same world: {seen}")
            }
            Halt::Void(why) => why,
        };
        for (run, _) in &self.under_way {
            self.bench.void(*run, self.now, &elsewhere);
        }
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
            self.stack.hand_over(now, self.bench);
            if let Err(why) = done {
                return Carried::Broken(why);
            }
            self.bench.quiet(run, now);
        }
        Carried::Flooded
    }

    /// Lets the clock go on to what comes first: that deadline of the bench, or the stack's timer.
    fn wait(&mut self, deadline: Instant) {
        let next = self
            .stack
            .timer
            .map_or(deadline, |timer| timer.min(deadline))
            .max(self.now);
        match next == self.now {
            true => self.turns += 1,
            false => (self.turns, self.steps) = (0, 0),
        }
        self.now = next;
        self.trouble = self.stack.turn(next, |_| ()).err();
    }

    /// Takes the outcome of a run that has ended. What comes to light of the stack at its end is put down to it.
    fn conclude(&mut self, run: RunId) -> Outcome {
        (self.turns, self.steps) = (0, 0);
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

/// How far [`World::carry`] came.
enum Carried {
    /// The bench waits until then.
    Until(Instant),
    /// The stack can do no more.
    Broken(Halt),
    /// There is no end to it.
    Flooded,
    /// This run has ended.
    Ended(RunId),
    /// No run is under way.
    Over,
}

/// A stack that may panic, and is not touched again if it does.
struct Guarded<'a> {
    driven: &'a mut dyn Driven,
    emitted: Vec<Emitted>,
    timer: Option<Instant>,
}

impl Guarded<'_> {
    /// Does something to the stack and lets it run until it is quiet. What it emitted is kept, also if it panicked.
    fn turn(&mut self, now: Instant, what: impl FnOnce(&mut dyn Stack)) -> Result<(), Halt> {
        let Guarded { driven, emitted, timer } = self;
        // After a panic only what it has emitted is looked at, and that is whole.
        let done = catch_unwind(AssertUnwindSafe(|| {
            let stack = driven.stack();
            what(stack);
            // An agent's line has whole microseconds. So has a stack that is linked in: it sees the same moments.
            let next = stack.poll(now, &mut |what| emitted.push(what));
            *timer = next.map(Instant::in_whole_micros);
        }));
        match done {
            Ok(()) => driven.halt().map_or(Ok(()), Err),
            Err(payload) => Err(Halt::panicked(payload.as_ref())),
        }
    }

    /// Tells the bench what came of it.
    fn hand_over(&mut self, now: Instant, bench: &mut Bench) {
        for what in self.emitted.drain(..) {
            bench.handle(Stamp::exactly(now), what);
        }
    }
}
