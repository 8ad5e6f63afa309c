//! Times: `100ms`, `about 2*$rto`, `prompt..2*rto`, `3s..3s+2*rto`.

use super::NotationError;
use core::time::Duration;

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
    /// `slack`: what `about` allows, as a part of the time.
    Slack,
}

/// `[about] a[..b]`.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeSpec {
    /// Whether `slack` is allowed at both ends.
    pub about: bool,
    /// The lower end, if `a..b` was written.
    pub from: Option<TimeExpr>,
    /// The upper end, or the only one.
    pub to: TimeExpr,
}

/// A sum of products.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeExpr(pub Vec<Vec<TimeFactor>>);

/// One factor.
#[derive(Clone, Debug, PartialEq)]
pub enum TimeFactor {
    /// A bare number.
    Number(f64),
    /// A number with a unit: `us`, `ms`, `s`, `m`, `h`.
    Literal(Duration),
    /// A named time of the target.
    Named(Tolerance),
    /// `$name`: a time measured before.
    Measured(String),
}

/// A time specification with its names filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Not sooner than this.
    pub least: Duration,
    /// Not later than this.
    pub most: Duration,
}

impl TimeSpec {
    /// Reads a time.
    pub fn parse(_text: &str) -> Result<TimeSpec, NotationError> {
        todo!()
    }

    /// Fills in the names. `named` gives a tolerance, `measured` a measured time in seconds. A negative or absurd
    /// product saturates. With `about`, `slack` widens both ends: its ratio is taken of the time, and never less than
    /// `prompt` is added above.
    pub fn period(
        &self,
        _named: &dyn Fn(Tolerance) -> Duration,
        _measured: &dyn Fn(&str) -> Option<f64>,
    ) -> Result<Period, String> {
        todo!()
    }
}
