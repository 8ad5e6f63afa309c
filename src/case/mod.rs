//! Cases: YAML files, read, checked, and expanded into scripts that the engine can carry out.
//!
//! This is the only folder that knows YAML and positions in files.

mod problem;
mod script;
mod yaml;

pub use problem::{Problem, Problems};
pub use script::{
    AnyOf, CallStep, Condition, ConnDecl, ConnId, Expect, FaultAction, FaultSpec, Given, Level, Nothing, Position,
    Requirement, ResultStep, Script, State, Step, StepKind, What, When,
};
