//! What is known of a target before it runs: what it can do, what it claims, and its times.

use super::Abilities;
use crate::rfc::Condition;
use core::fmt;
use core::time::Duration;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A time that is the target's own, from its `runner.yaml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tolerance {
    /// `prompt`: no timer involved.
    Prompt,
    /// `soon`: `prompt` and half a second.
    Soon,
    /// `ack-delay`: the longest delay of an ACK.
    AckDelay,
    /// `rto-initial`: the first retransmission before any round trip was measured.
    RtoInitial,
    /// `rto`: the longest first retransmission after one.
    Rto,
    /// `rto-max`: where the back-off ends.
    RtoMax,
    /// `due`: the least time between two sendings of the same octets.
    Due,
    /// `time-wait`: 2 MSL as claimed.
    TimeWait,
    /// `challenge-gap`: after which a challenge ACK is due again.
    ChallengeGap,
    /// `slack`: what `about` allows, as a part of the time: 0.25 s stands for a quarter of it.
    Slack,
}

impl Tolerance {
    /// All of them.
    pub const ALL: [Tolerance; 10] = [
        Tolerance::Prompt,
        Tolerance::Soon,
        Tolerance::AckDelay,
        Tolerance::RtoInitial,
        Tolerance::Rto,
        Tolerance::RtoMax,
        Tolerance::Due,
        Tolerance::TimeWait,
        Tolerance::ChallengeGap,
        Tolerance::Slack,
    ];

    /// The name that cases and `runner.yaml` write: `ack-delay`.
    pub const fn name(self) -> &'static str {
        match self {
            Tolerance::Prompt => "prompt",
            Tolerance::Soon => "soon",
            Tolerance::AckDelay => "ack-delay",
            Tolerance::RtoInitial => "rto-initial",
            Tolerance::Rto => "rto",
            Tolerance::RtoMax => "rto-max",
            Tolerance::Due => "due",
            Tolerance::TimeWait => "time-wait",
            Tolerance::ChallengeGap => "challenge-gap",
            Tolerance::Slack => "slack",
        }
    }

    /// The tolerance of that name.
    pub fn from_name(name: &str) -> Option<Tolerance> {
        Tolerance::ALL.into_iter().find(|known| known.name() == name)
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

/// The times of a target by name. They allow for the coarseness of its clock and timers; they never widen a bound of an
/// RFC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tolerances(BTreeMap<Tolerance, Duration>);

impl Tolerances {
    /// The defaults of `cases/README.md`, section on time, with `changed` put in their place.
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

    /// These, with `changed` put in their place.
    pub fn but(&self, changed: impl IntoIterator<Item = (Tolerance, Duration)>) -> Tolerances {
        let mut times = self.0.clone();
        times.extend(changed);
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
    /// What it says of itself, with its version: `linux-6.18.44`; `None` where it says nothing.
    pub version: Option<String>,
    /// What it can do.
    pub abilities: Abilities,
    /// The conditions of requirements that it claims to meet.
    pub claims: BTreeSet<Condition>,
    /// Its times.
    pub tolerances: Tolerances,
    /// The MTU of the link, in octets.
    pub mtu: u16,
    /// Whether its clock is ours.
    pub virtual_time: bool,
}

/// Settings in the target's own words, such as `net.ipv4.tcp_syncookies` to `0`. Two runs can share a place exactly if
/// theirs are equal.
pub type Profile = BTreeMap<String, String>;

/// An IP version. It is written as its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(with = "u8"))]
#[serde(try_from = "u8", into = "u8")]
pub enum IpVersion {
    /// IPv4
    V4,
    /// IPv6
    V6,
}

impl From<IpVersion> for u8 {
    fn from(ip: IpVersion) -> u8 {
        match ip {
            IpVersion::V4 => 4,
            IpVersion::V6 => 6,
        }
    }
}

impl TryFrom<u8> for IpVersion {
    type Error = String;

    fn try_from(number: u8) -> Result<IpVersion, String> {
        match number {
            4 => Ok(IpVersion::V4),
            6 => Ok(IpVersion::V6),
            _ => Err(format!("there is no IP version {number}, only 4 and 6")),
        }
    }
}

impl fmt::Display for IpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IpVersion::V4 => "ip4",
            IpVersion::V6 => "ip6",
        })
    }
}
