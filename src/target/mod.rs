//! What a stack under test is to the rest: something that takes frames, calls and time, and emits frames and results.

#[cfg(all(feature = "agents", unix))]
pub mod agent;
mod crew;
mod job;
#[cfg(all(feature = "linux", target_os = "linux"))]
pub mod linux;
pub mod protocol;
#[cfg(all(feature = "linux", target_os = "linux"))]
pub mod real_time;
mod runner;
#[cfg(feature = "smoltcp")]
pub mod smoltcp;
mod stack;
pub mod virtual_time;

pub use job::{EnvironmentError, IpVersion, Job, Target};
pub use runner::{Facts, Kind, Needed, Profile, Runner, RunnerError, Tolerances};
pub use stack::{Abilities, Answer, Call, CallId, Emitted, Errno, SetValue, SocketId, Stack};
