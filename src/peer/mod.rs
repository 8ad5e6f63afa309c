//! The books of one connection: what its two ends have told each other, what a correct peer would send now, and what a
//! correct target may send. No script is needed for it.
//!
//! `Conn` holds the books. `fill` makes a segment of what is written of it and of what a correct peer would say now;
//! `Conn::count` enters it once it is on its way. What comes from the other end is a `Frame`: `fit` compares it with
//! what was written of it, `Conn::is_background` says whether it is lawful without having been asked for, and
//! `Conn::enter` enters it.

mod background;
mod conn;
mod error;
mod eval;
mod fill;
mod fit;
#[cfg(test)]
mod fixture;
mod frame;
mod measure;
mod message;
mod misfit;
mod sent;
mod stretches;

pub(crate) use conn::Conn;
pub(crate) use error::ValueError;
pub(crate) use eval::{Scope, check, period};
pub(crate) use fill::{Filled, fill, fill_icmp, odd_address, pattern};
pub(crate) use fit::{Fit, Matching, fit, triggers};
pub(crate) use frame::{Cause, Frame, Mark};
pub use measure::Measure;
pub use message::Message;
pub(crate) use misfit::Misfit;
pub use misfit::{Bit, Field, Part, Presence, Side};
