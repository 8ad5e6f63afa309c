//! Why a world or a place cannot go on, and whose fault that is.

use crate::stack::Breakdown;
use core::any::Any;
use core::cell::Cell;
use core::panic::AssertUnwindSafe;
use core::sync::atomic::{AtomicBool, Ordering};

/// Why a world or a place cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// The stack broke down; the text says how. The run that last gave it an input has failed.
    Broke(Breakdown, String),
    /// The reason is not the stack's fault: all runs are inconclusive.
    Void(String),
}

impl Halt {
    /// The halt for a stack that panicked.
    pub fn panicked(payload: &(dyn Any + Send)) -> Halt {
        Halt::Broke(Breakdown::Panic, format!("the stack panicked: {}", panic_text(payload)))
    }

    /// The halt for a set `stop`.
    pub fn stopped(stop: &AtomicBool) -> Option<Halt> {
        stop.load(Ordering::Relaxed).then(|| Halt::Void("stopped".to_owned()))
    }

    /// What happened.
    pub fn text(&self) -> &str {
        match self {
            Halt::Broke(_, text) | Halt::Void(text) => text,
        }
    }
}

thread_local! {
    /// Whether what this thread does is done by a stack under test.
    static STACK_ACTS: Cell<bool> = const { Cell::new(false) };
}

/// Lets a stack under test act; a panic meanwhile is the stack's. What the stack has changed may be half done then: the
/// caller must not use it again.
pub fn let_stack_act<R>(work: impl FnOnce() -> R) -> std::thread::Result<R> {
    STACK_ACTS.set(true);
    let done = std::panic::catch_unwind(AssertUnwindSafe(work));
    STACK_ACTS.set(false);
    done
}

/// Whether a panic of this thread, at this moment, would be that of a stack under test, and no bug of ours.
pub fn stack_acts() -> bool {
    STACK_ACTS.get()
}

/// The message of a panic.
pub fn panic_text(payload: &(dyn Any + Send)) -> &str {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "a panic without a message",
    }
}
