//! The drivers: they carry between a bench and a stack, on virtual time or on real time.

mod crew;
mod job;
#[cfg(all(feature = "linux", target_os = "linux"))]
pub mod place;
pub mod protocol;
#[cfg(all(feature = "linux", target_os = "linux"))]
pub mod real_time;
pub mod virtual_time;

pub(crate) use crew::make_all;
pub use job::{EnvironmentError, Job, Target};
