//! The drivers: they carry between a bench and a stack, on virtual time or on real time.

pub mod addresses;
mod drill;
mod halt;
mod job;
mod parallel;
mod patience;
#[cfg(all(feature = "linux", target_os = "linux"))]
pub mod place;
pub mod protocol;
#[cfg(all(feature = "linux", target_os = "linux"))]
pub mod real_time;
mod unclaimed;
pub mod virtual_time;
mod worlds;

pub(crate) use drill::drill;
pub use halt::{Halt, let_stack_act, panic_text, stack_acts};
pub use job::{Done, EndedRun, EnvironmentError, Job, Target};
pub(crate) use parallel::{Tell, make_all};
pub use patience::{FairClock, Limits, Patience, TICK};
pub use unclaimed::Unclaimed;
pub use worlds::{Runs, Worlds};
