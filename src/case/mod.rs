//! Cases: YAML files, read, checked, and expanded into scripts that the engine can carry out.
//!
//! This is the only folder that knows YAML and positions in files.

mod case_file;
mod flow;
mod given;
mod keys;
mod library;
mod lower;
mod matrix;
mod problem;
mod raw;
mod requirement;
mod roster;
#[cfg(feature = "cli")]
mod schema;
mod setting;
#[cfg(test)]
pub(crate) mod trial;
mod yaml;

pub use case_file::Case;
pub use library::{Library, Root};
pub use problem::{Problem, Problems};
pub use requirement::{Catalogue, Entry};
#[cfg(feature = "cli")]
pub use schema::schema;
