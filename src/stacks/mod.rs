//! The stacks that can be tested, and how each is started.

#[cfg(all(feature = "agents", unix))]
pub mod agent;
mod embedded;
#[cfg(all(feature = "linux", target_os = "linux"))]
pub mod linux;
pub mod model;
mod runner;
#[cfg(feature = "smoltcp")]
pub mod smoltcp;

pub use embedded::Embedded;
pub use runner::{Kind, Needed, Runner, RunnerError};
