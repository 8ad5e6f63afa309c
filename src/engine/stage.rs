//! How far a run is in its current step.

use super::any_of::Choosing;
use super::calls::{Calling, Resulting};
use super::expect::{Expecting, Silence};
use super::filling::Filling;
use super::state::{Asking, Probing};
use crate::time::Instant;

/// Where a run is in its step.
#[derive(Debug)]
pub(super) enum Stage {
    /// The step at the cursor is to begin.
    Begin,
    /// The step at the cursor is under way.
    InStep(Waiting),
    /// All steps are over. Until this moment the run watches for frames that are not lawful background.
    End(Instant),
}

/// The progress of a step that takes more than one turn. Each kind of step has its own variant, so that a step is never
/// continued with the progress of another kind.
#[derive(Debug)]
pub(super) enum Waiting {
    /// `inject`: a segment is with the driver.
    Sent,
    Filling(Filling),
    /// `wait`: time passes until then.
    Time(Instant),
    Expecting(Expecting),
    Silent(Silence),
    Choosing(Choosing),
    Calling(Calling),
    Resulting(Resulting),
    Asking(Asking),
    Probing(Probing),
}

/// How a run goes on after a turn.
#[derive(Debug)]
pub(super) enum Progress {
    /// It goes on from here at once, or when what is to be carried out first has been.
    Now(Stage),
    /// It goes on from here when something comes, or at that moment.
    Until(Stage, Instant),
}

impl Progress {
    /// The step goes on like this, at once.
    pub(super) fn now(waiting: Waiting) -> Progress {
        Progress::Now(Stage::InStep(waiting))
    }

    /// The step goes on like this when something comes, or at that moment.
    pub(super) fn until(waiting: Waiting, deadline: Instant) -> Progress {
        Progress::Until(Stage::InStep(waiting), deadline)
    }
}
