//! Selects, schedules, runs and judges: from a library of scripts to one judged verdict for each run.
//!
//! Nothing here prints, and nothing here knows how a target is driven.

mod coverage;
mod estimate;
mod execute;
mod expectations;
#[cfg(test)]
pub(crate) mod fixture;
mod judge;
mod ledger;
mod meeting;
mod pattern;
mod plan;
mod reference;
mod select;
mod waiver;

pub use coverage::{Bound, Counts, Coverage, Goal, Item, OfRfc, Status, goals};
pub use estimate::{QUICK, estimate};
pub use execute::{Conduct, Progress, RunResult, Trouble, execute};
pub use expectations::{Came, Entry, ExpectationError, Expectations};
#[cfg(feature = "cli")]
pub(crate) use expectations::{TODO, squeeze};
pub use judge::{Expectation, Judged, exit_code};
pub use ledger::{Ledger, LedgerError, SettledRun};
pub use meeting::Meeting;
pub use pattern::Pattern;
#[cfg(feature = "cli")]
pub(crate) use plan::ip_number;
pub use plan::{Axes, Row, Run, RunId, expand, requirements, rows, run_name, topic};
pub use reference::{Lawful, Reaction, Reference, step_at};
pub use select::{SelectError, Selection};
pub use waiver::Waiver;
