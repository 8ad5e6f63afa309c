//! The books of one connection: what each end has told the other, what a correct peer would say now, and what a correct
//! target may say. No script is needed for it.

pub(crate) mod background;
pub(crate) mod conn;
pub(crate) mod eval;
pub(crate) mod fill;
pub(crate) mod fit;
pub(crate) mod frame;
pub(crate) mod measure;
mod sent;
mod stretches;

pub use measure::Measure;
