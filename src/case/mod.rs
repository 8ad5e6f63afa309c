//! Cases: YAML files, read, checked, and expanded into scripts that the engine can carry out.
//!
//! This is the only folder that reads YAML into a tree with places; whoever needs one of another file takes it from here.

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
pub(crate) use raw::Fields;
pub use requirement::{Catalogue, Entry};
#[cfg(feature = "cli")]
pub use schema::schema;
pub(crate) use yaml::{Node, Report, Source, Text, read_plain};
