//! Watches from a thread of its own whether a stack returns.

use crate::drive::protocol::Request;
use crate::drive::{FairClock, TICK, panic_text};
use crate::stack::{Abilities, Call, CallId, Emitted, Stack};
use crate::time::Instant;
use core::time::Duration;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a stack is doing.
#[derive(Default)]
pub(crate) struct Watch(Mutex<State>);

#[derive(Default)]
struct State {
    /// How long it may take.
    wait: Duration,
    /// How many calls of its methods have begun.
    begun: u64,
    /// The method in which it is.
    inside: Option<&'static str>,
    /// The frame or the call that it was given last.
    given: Option<Request>,
    /// The message of a panic while it was dropped.
    last_panic: Option<String>,
}

impl Watch {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing can panic while the lock is held, so a poisoned one is as good.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new world begins, in which the stack may take so long over an input.
    pub(super) fn begin(&self, wait: Duration) {
        let mut state = self.state();
        state.wait = wait;
        state.given = None;
    }

    /// Notes that the stack is in `method`, while `what` runs.
    pub(crate) fn during<T>(&self, method: &'static str, given: Option<Request>, what: impl FnOnce() -> T) -> T {
        let mut state = self.state();
        state.begun += 1;
        state.inside = Some(method);
        if given.is_some() {
            state.given = given;
        }
        drop(state);
        // It is left by a panic too.
        let _inside = Inside(self);
        what()
    }

    /// How the last stack panicked while it was dropped, if it did.
    pub(super) fn panicked_at_its_end(&self) -> Option<String> {
        self.state().last_panic.take()
    }

    /// Returns when the stack has been in one method for too long, with what it was given last.
    pub(super) fn hang(&self) -> String {
        let mut clock = FairClock::start();
        let mut since = (0, clock.look());
        loop {
            std::thread::sleep(TICK);
            let now = clock.look();
            let state = self.state();
            let waited = now.saturating_sub(since.1);
            match state.inside {
                Some(method) if state.begun == since.0 => {
                    if waited >= state.wait {
                        return told(method, state.wait, state.given.as_ref());
                    }
                }
                _ => since = (state.begun, now),
            }
        }
    }
}

fn told(method: &str, wait: Duration, given: Option<&Request>) -> String {
    let after = given.map_or_else(String::new, |given| format!(", after {}", given.told()));
    format!("the stack did not come to rest: it has been in {method} for {wait:?}{after}")
}

/// The stack is in a method.
struct Inside<'a>(&'a Watch);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.state().inside = None;
    }
}

/// A stack under watch.
pub(crate) struct Watched {
    stack: Box<dyn Stack>,
    watch: Arc<Watch>,
}

impl Watched {
    /// The stack that `make` makes, which is watched from there on.
    pub(crate) fn new(watch: &Arc<Watch>, make: impl FnOnce() -> Box<dyn Stack>) -> Watched {
        Watched {
            stack: watch.during("its constructor", None, make),
            watch: Arc::clone(watch),
        }
    }
}

impl Stack for Watched {
    fn abilities(&self) -> Abilities {
        self.watch.during("`abilities`", None, || self.stack.abilities())
    }

    fn receive(&mut self, now: Instant, packet: &[u8]) {
        let given = Some(Request::Frame(packet.to_vec()));
        self.watch
            .during("`receive`", given, || self.stack.receive(now, packet));
    }

    fn call(&mut self, now: Instant, id: CallId, call: &Call) {
        let given = Some(Request::Call(id, call.clone()));
        self.watch.during("`call`", given, || self.stack.call(now, id, call));
    }

    fn poll(&mut self, now: Instant, out: &mut dyn FnMut(Emitted)) -> Option<Instant> {
        self.watch.during("`poll`", None, || self.stack.poll(now, out))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let stack = std::mem::replace(&mut self.stack, Box::new(Gone));
        let dropped = self.watch.during("its destructor", None, || {
            catch_unwind(AssertUnwindSafe(|| drop(stack)))
        });
        if let Err(panic) = dropped {
            let said = panic_text(panic.as_ref());
            self.watch.state().last_panic = Some(format!("the stack panicked while it was dropped: {said}"));
        }
    }
}

/// Stands in the place of a stack that is being dropped.
struct Gone;

impl Stack for Gone {
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn receive(&mut self, _now: Instant, _packet: &[u8]) {}

    fn call(&mut self, _now: Instant, _id: CallId, _call: &Call) {}

    fn poll(&mut self, _now: Instant, _out: &mut dyn FnMut(Emitted)) -> Option<Instant> {
        None
    }
}
