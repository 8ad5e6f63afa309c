//! Points in time that a test can write down: nanoseconds since the start of whatever is being run.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;
use serde::{Deserialize, Serialize};

/// A moment, in nanoseconds since the start. It comes from a driver, never from a clock that we read ourselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Instant(u64);

impl Instant {
    /// The start.
    pub const ZERO: Instant = Instant(0);
    /// Later than anything that happens.
    pub const NEVER: Instant = Instant(u64::MAX);

    /// `nanos` nanoseconds after the start.
    pub const fn from_nanos(nanos: u64) -> Instant {
        Instant(nanos)
    }

    /// `micros` microseconds after the start.
    pub const fn from_micros(micros: u64) -> Instant {
        Instant(micros.saturating_mul(1_000))
    }

    /// `millis` milliseconds after the start.
    pub const fn from_millis(millis: u64) -> Instant {
        Instant(millis.saturating_mul(1_000_000))
    }

    /// Nanoseconds since the start.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole microseconds since the start, rounded down.
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }

    /// The first whole microsecond that is not before this moment: when a timer is due for who counts these.
    pub const fn in_whole_micros(self) -> Instant {
        Instant::from_micros(self.0.div_ceil(1_000))
    }

    /// The time from `earlier` to this moment; zero if `earlier` is in fact later.
    pub const fn since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// Saturates at [`Instant::NEVER`].
    fn add(self, span: Duration) -> Instant {
        Instant(
            self.0
                .saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    /// Saturates at [`Instant::ZERO`].
    fn sub(self, span: Duration) -> Instant {
        Instant(
            self.0
                .saturating_sub(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}s", self.0 / 1_000_000_000, self.0 / 1_000 % 1_000_000)
    }
}

/// When something happened, as well as we can know: not before `earliest`, not after `latest`.
///
/// On virtual time both are the same. On real time the interval runs from the last moment at which the device was seen
/// empty to the moment of the read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Stamp {
    /// It cannot have happened before this.
    pub earliest: Instant,
    /// It cannot have happened after this.
    pub latest: Instant,
}

impl Stamp {
    /// A stamp without doubt.
    pub const fn exactly(at: Instant) -> Stamp {
        Stamp {
            earliest: at,
            latest: at,
        }
    }

    /// The least and the most time that can lie between `mark` and this; zero where this may have come first.
    pub fn since(self, mark: Stamp) -> (Duration, Duration) {
        (self.earliest.since(mark.latest), self.latest.since(mark.earliest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elapsed_time_is_an_interval() {
        let mark = Stamp {
            earliest: Instant::from_millis(10),
            latest: Instant::from_millis(12),
        };
        let then = Stamp {
            earliest: Instant::from_millis(20),
            latest: Instant::from_millis(25),
        };
        assert_eq!(then.since(mark), (Duration::from_millis(8), Duration::from_millis(15)));
        assert_eq!(mark.since(then), (Duration::ZERO, Duration::ZERO));
    }

    #[test]
    fn arithmetic_saturates() {
        assert_eq!(Instant::NEVER + Duration::from_secs(1), Instant::NEVER);
        assert_eq!(Instant::ZERO - Duration::from_secs(1), Instant::ZERO);
    }
}
