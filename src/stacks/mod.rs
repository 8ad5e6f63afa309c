//! The stacks that can be tested, and how each is started.

#[cfg(all(feature = "agents", unix))]
pub mod agent;
mod embedded;
#[cfg(unix)]
mod linked;
#[cfg(all(feature = "linux", target_os = "linux"))]
pub mod linux;
pub mod model;
mod runner;
#[cfg(feature = "smoltcp")]
pub mod smoltcp;
#[cfg(unix)]
mod standard_error;

pub use embedded::Embedded;
#[cfg(unix)]
pub use linked::Linked;
#[cfg(unix)]
pub use linked::serve;
pub use runner::{Kind, Needed, Runner, RunnerError};
#[cfg(unix)]
pub(crate) use standard_error::StandardError;
