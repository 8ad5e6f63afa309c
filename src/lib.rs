//! A conformance test suite and fault-injecting harness for TCP.
//!
//! A library of *cases* (YAML files) is run against a *target*, any TCP implementation: the *tester* plays the other
//! end of the connection with raw segments, right or deliberately wrong, and checks every reply against what the RFCs
//! ask.
//!
//! What stands here is what the author of a stack needs, and it changes only as semantic versioning allows:
//!
//! | for | there is |
//! |---|---|
//! | a stack written in Rust, tested by `cargo test` | [`Stack`], with [`Call`], [`Emitted`] and what they are made of, and [`conformance!`] |
//! | a stack that speaks the agents' lines (feature `agents`) | [`serve`] |
//! | whoever reads what a run of the suite has found (feature `cli`) | [`record`] |
//!
//! The modules that hold everything else are hidden here. They are unstable: the program, its tests and its benches share
//! them, and every version may change them.
//!
//! # A stack on the bench
//!
//! ```
//! use tcpvet::{Abilities, Call, CallId, Emitted, Instant, Job, Stack};
//!
//! struct MyStack;
//!
//! impl MyStack {
//!     fn new(_job: &Job) -> MyStack {
//!         MyStack
//!     }
//! }
//!
//! impl Stack for MyStack {
//!     fn abilities(&self) -> Abilities {
//!         ["ipv4", "listen"].into_iter().collect()
//!     }
//!     fn receive(&mut self, _now: Instant, _packet: &[u8]) {}
//!     fn call(&mut self, _now: Instant, _id: CallId, _call: &Call) {}
//!     fn poll(&mut self, _now: Instant, _out: &mut dyn FnMut(Emitted)) -> Option<Instant> {
//!         None
//!     }
//! }
//!
//! tcpvet::conformance!(MyStack::new);
//! # fn main() {}
//! ```

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod capture;
#[doc(hidden)]
pub mod case;
pub mod conformance;
#[doc(hidden)]
pub mod drive;
#[doc(hidden)]
pub mod engine;
#[cfg(all(feature = "linux", target_os = "linux"))]
#[doc(hidden)]
pub mod link;
#[doc(hidden)]
pub mod model;
#[doc(hidden)]
pub mod notation;
#[doc(hidden)]
pub mod path;
#[doc(hidden)]
pub mod peer;
#[doc(hidden)]
pub mod prove;
#[doc(hidden)]
pub mod random;
pub mod record;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod rfc;
#[doc(hidden)]
pub mod rules;
#[doc(hidden)]
pub mod script;
#[doc(hidden)]
pub mod stack;
#[doc(hidden)]
pub mod stacks;
#[doc(hidden)]
pub mod suite;
#[doc(hidden)]
pub mod time;
#[doc(hidden)]
pub mod wire;

pub use drive::Job;
pub use drive::addresses::target_address;
pub use engine::Verdict;
pub use rfc::{Level, State};
pub use stack::{
    Abilities, Answer, Call, CallId, Emitted, Errno, ErrorName, IpVersion, SetValue, Setting, SocketId, Stack,
};
#[cfg(all(feature = "agents", unix))]
pub use stacks::agent::{World, serve};
pub use time::Instant;
