//! The pure interpreter of runs: messages in, messages out. No clock, no socket, no thread, no random source.
//!
//! A [`Bench`] holds many runs on one clock and routes frames to them by tester address. A driver carries between it
//! and a target. The contract of a driver:
//!
//! 1. hand in what the target did ([`Bench::handle`]), in order;
//! 2. call [`Bench::poll`] until it returns [`Step::Wait`] or [`Step::Idle`];
//! 3. after each [`Step::Inject`] and [`Step::Call`], tell when it was carried out ([`Bench::carried`]), then hand in
//!    everything that it caused at once, then say so ([`Bench::quiet`]).

mod any_of;
mod bench;
mod calls;
mod cursor;
mod ending;
mod expect;
mod faults;
mod filling;
mod inputs;
mod needs;
mod outcome;
mod run;
mod stage;
mod state;
mod steps;
mod stop;
mod symptom;
mod traffic;
mod waive;

pub use bench::{Bench, Endpoints, RunId, Step};
pub use calls::Unasked;
pub use cursor::Cursor;
pub use needs::{lacking_abilities, lacking_claims};
pub use outcome::{
    Arrow, Broken, BrokenRule, Evidence, Failure, Happening, MetBy, Outcome, TraceEvent, Unmet, Verdict,
};
pub use symptom::{Bearer, CallEnd, Conduct, Moment, Occasion, Symptom};
pub use waive::{Upon, Waive, WindowSide};
