//! What is known of a target before it runs: its `runner.yaml`.

use super::Abilities;
use crate::notation::Tolerance;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

/// The times of a target by name. They blur the clock; they never widen a bound of an RFC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tolerances(BTreeMap<Tolerance, Duration>);

impl Tolerances {
    /// The defaults of LANGUAGE's section on time, with `changed` put in their place.
    pub fn with(changed: impl IntoIterator<Item = (Tolerance, Duration)>) -> Tolerances {
        let mut times = BTreeMap::from([
            (Tolerance::Prompt, Duration::from_millis(100)),
            (Tolerance::AckDelay, Duration::from_millis(500)),
            (Tolerance::RtoInitial, Duration::from_secs(1)),
            (Tolerance::Rto, Duration::from_millis(1500)),
            (Tolerance::RtoMax, Duration::from_secs(120)),
            (Tolerance::Due, Duration::from_millis(2)),
            (Tolerance::TimeWait, Duration::from_secs(60)),
            (Tolerance::ChallengeGap, Duration::from_millis(700)),
            (Tolerance::Slack, Duration::from_millis(250)),
        ]);
        times.extend(changed);
        let soon = times[&Tolerance::Prompt] + Duration::from_millis(500);
        times.entry(Tolerance::Soon).or_insert(soon);
        Tolerances(times)
    }

    /// One of them. `slack` is a ratio, in seconds for one.
    pub fn get(&self, name: Tolerance) -> Duration {
        self.0[&name]
    }
}

impl Default for Tolerances {
    fn default() -> Self {
        Tolerances::with([])
    }
}

/// What the bench must know of a target.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its name: `linux`.
    pub name: String,
    /// What it can do.
    pub abilities: Abilities,
    /// The conditions of requirements that it claims, such as `rfc5961`.
    pub claims: BTreeSet<String>,
    /// Its times.
    pub tolerances: Tolerances,
    /// The MTU of the link, in octets.
    pub mtu: u16,
    /// Whether its clock is ours.
    pub virtual_time: bool,
}
