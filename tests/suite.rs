//! The tests that look at the program from outside and need no clock: one binary, so that the library is linked once.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[cfg(all(feature = "cli", unix))]
mod agents;
mod arrows;
mod cases;
#[cfg(all(feature = "cli", unix))]
mod check_agent;
#[cfg(all(feature = "cli", feature = "smoltcp"))]
mod cli;
mod cross_references;
mod dependencies;
mod doubts;
mod face;
#[cfg(feature = "cli")]
mod habits;
#[cfg(feature = "cli")]
mod inspect;
#[cfg(feature = "cli")]
mod junit;
#[cfg(unix)]
mod loops;
mod model;
mod model_lines;
#[cfg(all(feature = "cli", unix))]
mod protocol;
mod purity;
#[cfg(all(feature = "cli", feature = "linux", feature = "smoltcp"))]
mod quarantine;
#[cfg(all(feature = "cli", feature = "smoltcp"))]
mod record;
mod responders;
#[cfg(all(feature = "cli", feature = "smoltcp"))]
mod schema;
mod source;
#[cfg(all(feature = "cli", unix))]
mod stacks;
mod structure;
mod tidy;
mod tour;
mod transcripts;
#[cfg(all(feature = "cli", feature = "linux", feature = "smoltcp"))]
mod untested;
mod worlds;
