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
mod script;
#[cfg(test)]
pub(crate) mod trial;
mod vocabulary;
mod yaml;

pub use case_file::Case;
pub use library::{Library, Root};
pub use problem::{Problem, Problems};
pub use requirement::{Catalogue, Entry, Keyword, Observable, Side};
#[cfg(feature = "cli")]
pub use schema::schema;
pub use script::{
    AnyOf, CallStep, Condition, ConnDecl, ConnId, Expect, FaultAction, FaultSpec, Given, Level, Nothing, Position,
    Requirement, ResultStep, Script, State, StateStep, Step, StepKind, What, When,
};
pub use vocabulary::{
    ABILITIES, CONDITIONS, HOST_SETTINGS, HostSetting, SOCKET_SETTINGS, Takes, Word, is_ability, is_condition,
};
