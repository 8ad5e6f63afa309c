//! Runs against stacks whose clock is ours: a plain discrete-event loop.
//!
//! Nothing here waits. The clock jumps to the earlier of what the bench and what the stack wait for, so hours of
//! back-off cost microseconds, and the same seed gives the same trace, octet for octet.

use super::Job;
use crate::engine::{Bench, Endpoints, Outcome, RunId, Step, Verdict};
use crate::stack::{Emitted, IpVersion, Stack};
use crate::time::{Instant, Stamp};
use core::any::Any;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::sync::atomic::{AtomicBool, Ordering};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Turns of the loop at one moment after which a stack is said to storm. A turn ends when the bench has nothing to do
/// but wait, so a script that injects thousands of segments at once is none.
const STORM: u32 = 1_000;

/// Steps that a bench may ask for at one moment. No script is that long: the stack answers each answer.
const STEPS_AT_ONCE: u32 = 1_000_000;

/// What is said of it then.
const STORMS: &str = "storm: the stack goes on without time going by";

/// What was expected of a stack that does not get that far.
pub(crate) const AN_END: &str = "a stack that comes to rest";

/// When a run is given up: no case waits that long.
const END: Instant = Instant::from_millis(60 * 24 * 3600 * 1000);

/// Where the target listens.
const PORT: u16 = 7;

/// The address of a target in a world of its own (RFC 5737, RFC 3849).
pub fn target_address(ip: IpVersion) -> IpAddr {
    match ip {
        IpVersion::V4 => IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        IpVersion::V6 => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    }
}

/// Where a job takes place: each in a world of its own, so all have the same addresses.
pub fn endpoints(job: &Job) -> Endpoints {
    let hosts = job
        .script
        .connections
        .iter()
        .map(|conn| conn.host + 1)
        .max()
        .unwrap_or(1);
    let tester = |host: usize| match job.ip {
        // RFC 2544 and RFC 3849; far from the target's network, as it is with a router between.
        IpVersion::V4 => IpAddr::V4(Ipv4Addr::from_bits(0xc612_0001 + host as u32)),
        IpVersion::V6 => IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8_0001 << 80 | (1 + host as u128))),
    };
    Endpoints {
        target: target_address(job.ip),
        port: PORT,
        testers: (0..hosts).map(tester).collect(),
        wrap: job.wrap,
        seed: job.seed,
    }
}

/// Why a run cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The stack misbehaves in a way that no step asks about, in words: it panicked, its process died. The run has failed.
    Blamed(String),
    /// For a reason that is not the stack's: the run is void.
    Void(String),
}

/// A stack under the hands of the driver: it may panic, and is not touched again if it does.
struct Guarded<'a> {
    stack: &'a mut dyn Stack,
    watch: &'a dyn Fn() -> Option<Halt>,
    emitted: Vec<Emitted>,
    timer: Option<Instant>,
}

impl Guarded<'_> {
    /// Does something to the stack and lets it run until it is quiet. What it emitted is kept, also if it panicked.
    fn turn(&mut self, now: Instant, what: impl FnOnce(&mut dyn Stack)) -> Result<(), Halt> {
        let Guarded {
            stack,
            watch,
            emitted,
            timer,
        } = self;
        // After a panic only what it has emitted is looked at, and that is whole.
        let done = catch_unwind(AssertUnwindSafe(|| {
            what(*stack);
            // An agent's line has whole microseconds. So has a stack that is linked in: it sees the same moments.
            let next = stack.poll(now, &mut |what| emitted.push(what));
            *timer = next.map(Instant::in_whole_micros);
        }));
        match done {
            Ok(()) => watch().map_or(Ok(()), Err),
            Err(payload) => Err(panicked(payload.as_ref())),
        }
    }

    /// Tells the bench what came of it.
    fn hand_over(&mut self, now: Instant, bench: &mut Bench) {
        for what in self.emitted.drain(..) {
            bench.handle(Stamp::exactly(now), what);
        }
    }
}

pub(crate) fn panicked(payload: &(dyn Any + Send)) -> Halt {
    Halt::Blamed(format!("the stack panicked: {}", panic_text(payload)))
}

/// What a panic said.
pub fn panic_text(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "a panic without a message",
    }
}

/// Drives one run to its end, the only one of its bench, from the start of the clock.
///
/// Where `stop` becomes true the run is void. A stack that panics, or that goes on at one moment without end, has
/// failed.
pub fn drive(bench: &mut Bench, run: RunId, stack: &mut dyn Stack, stop: &AtomicBool) -> Outcome {
    let stopped = || stop.load(Ordering::Relaxed).then(|| Halt::Void("stopped".to_owned()));
    drive_watched(bench, run, stack, &stopped)
}

/// As [`drive`], for a stack that may break down otherwise than by a panic. `watch` is asked whenever the stack has been
/// given something to do, and what it answers ends the run.
pub fn drive_watched(
    bench: &mut Bench,
    run: RunId,
    stack: &mut dyn Stack,
    watch: &dyn Fn() -> Option<Halt>,
) -> Outcome {
    let mut now = Instant::ZERO;
    let mut stack = Guarded {
        stack,
        watch,
        emitted: Vec::new(),
        timer: None,
    };
    let (mut turns, mut steps) = (0, 0);
    let mut trouble = stack.turn(now, |_| ()).err();
    loop {
        stack.hand_over(now, bench);
        if turns > STORM || steps > STEPS_AT_ONCE {
            trouble.get_or_insert_with(|| Halt::Blamed(STORMS.to_owned()));
        }
        match trouble.take() {
            Some(Halt::Blamed(seen)) => {
                bench.blame(run, now, AN_END, &seen);
                (turns, steps) = (0, 0);
            }
            Some(Halt::Void(why)) => bench.void(run, now, &why),
            None if now >= END => bench.void(run, now, "no end within sixty days of virtual time"),
            None => {}
        }
        match carry(bench, &mut stack, now, &mut steps) {
            Carried::Until(deadline) => {
                let next = stack.timer.map_or(deadline, |timer| timer.min(deadline)).max(now);
                (turns, steps) = if next == now { (turns + 1, steps) } else { (0, 0) };
                now = next;
                trouble = stack.turn(now, |_| ()).err();
            }
            Carried::Broken(why) => trouble = Some(why),
            Carried::Flooded => (),
            Carried::Over => break,
        }
    }
    bench
        .take(run)
        .unwrap_or_else(|| Outcome::empty(Verdict::Inconclusive, now, "the bench lost the run"))
}

/// How far [`carry`] came.
enum Carried {
    /// The bench waits until then.
    Until(Instant),
    /// The stack can do no more.
    Broken(Halt),
    /// There is no end to it.
    Flooded,
    /// The run has ended.
    Over,
}

/// Carries out what the bench asks for until it waits.
fn carry(bench: &mut Bench, stack: &mut Guarded, now: Instant, steps: &mut u32) -> Carried {
    while *steps <= STEPS_AT_ONCE {
        *steps += 1;
        let (run, done) = match bench.poll(now, now) {
            Step::Inject(run, packet) => (run, stack.turn(now, |stack| stack.receive(now, &packet))),
            Step::Call(run, id, call) => (run, stack.turn(now, |stack| stack.call(now, id, &call))),
            Step::Wait(deadline) => return Carried::Until(deadline),
            Step::Done(_) | Step::Idle => return Carried::Over,
        };
        bench.carried(run, Stamp::exactly(now));
        stack.hand_over(now, bench);
        if let Err(why) = done {
            return Carried::Broken(why);
        }
        bench.quiet(run, now);
    }
    Carried::Flooded
}
