//! How long a target is waited for, and how much it may say at once: less, once it has used up much of both.
//!
//! What is waited is counted on a fair clock. A machine that is suspended or has no time for us is not a stack that
//! hangs.

use crate::stack::Breakdown;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use core::time::Duration;
use std::sync::OnceLock;
use std::time::Instant;

/// How often whoever waits for a target must look at the clock.
pub const TICK: Duration = Duration::from_millis(50);
/// After a look that comes later than this the machine had no time for us, and perhaps none for the target.
const LATE: Duration = Duration::from_millis(100);

/// A clock that counts only the time between looks that were in time.
#[derive(Clone, Debug)]
pub struct FairClock {
    last: Instant,
    counted: Duration,
}

impl FairClock {
    /// A clock that stands at zero.
    pub fn start() -> FairClock {
        FairClock {
            last: Instant::now(),
            counted: Duration::ZERO,
        }
    }

    /// Looks at the clock: the time that has been counted since its start.
    pub fn look(&mut self) -> Duration {
        self.look_at(Instant::now())
    }

    fn look_at(&mut self, now: Instant) -> Duration {
        let since = now.saturating_duration_since(self.last);
        self.last = now;
        if since <= LATE {
            self.counted += since;
        }
        self.counted
    }
}

/// How much a target may use up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long it may take over an input.
    pub wait: Duration,
    /// How many frames, results and events it may emit before it is polled again.
    pub emissions: usize,
    /// After so many runs that hung or stormed it gets less of both.
    pub runs: u32,
    /// How long it may take over an input from then on.
    pub wait_then: Duration,
    /// How much it may emit at once from then on.
    pub emissions_then: usize,
    /// After so much waiting in vain no run is begun any more.
    pub in_vain: Duration,
}

impl Limits {
    /// The limits for a target that may take so long over an input.
    pub fn of(wait: Duration) -> Limits {
        Limits {
            wait,
            emissions: 10_000,
            runs: 20,
            wait_then: Duration::from_millis(500),
            emissions_then: 1_000,
            in_vain: Duration::from_secs(300),
        }
    }
}

/// What a target has used up so far, and what it may therefore use in the next run.
#[derive(Debug)]
pub struct Patience {
    limits: Limits,
    /// How often it was waited for in vain. Each run that hangs does so twice: once beside others, once to confirm it.
    hung: AtomicU32,
    stormed: AtomicU32,
    /// In milliseconds.
    in_vain: AtomicU64,
    /// Why no further run is begun, from when that is so.
    over: OnceLock<String>,
}

impl Patience {
    /// Nothing is used up.
    pub fn new(limits: Limits) -> Patience {
        Patience {
            limits,
            hung: AtomicU32::new(0),
            stormed: AtomicU32::new(0),
            in_vain: AtomicU64::new(0),
            over: OnceLock::new(),
        }
    }

    fn is_short(&self) -> bool {
        self.hung_runs() + self.stormed.load(Ordering::Relaxed) >= self.limits.runs
    }

    fn hung_runs(&self) -> u32 {
        self.hung.load(Ordering::Relaxed) / 2
    }

    /// How long the target may take over an input.
    pub fn wait(&self) -> Duration {
        match self.is_short() {
            true => self.limits.wait.min(self.limits.wait_then),
            false => self.limits.wait,
        }
    }

    /// How many frames, results and events the target may emit before it is polled again.
    pub fn emissions(&self) -> usize {
        match self.is_short() {
            true => self.limits.emissions.min(self.limits.emissions_then),
            false => self.limits.emissions,
        }
    }

    /// Notes that the target broke down so. If it hung, it was waited for in vain so long.
    pub fn note(&self, how: Breakdown, waited: Duration) {
        match how {
            Breakdown::Hang => {
                self.hung.fetch_add(1, Ordering::Relaxed);
                let waited = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
                self.in_vain.fetch_add(waited, Ordering::Relaxed);
            }
            Breakdown::Storm => drop(self.stormed.fetch_add(1, Ordering::Relaxed)),
            Breakdown::Panic | Breakdown::Crash => {}
        }
    }

    /// Why no further run is begun, if so.
    pub fn is_over(&self) -> Option<&str> {
        let in_vain = Duration::from_millis(self.in_vain.load(Ordering::Relaxed));
        let reason = || format!("not run, {} runs hung before it", self.hung_runs());
        (in_vain >= self.limits.in_vain).then(|| self.over.get_or_init(reason).as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_in_which_nobody_looked_does_not_count() {
        let mut clock = FairClock::start();
        let mut now = clock.last;
        for _ in 0..10 {
            now += TICK;
            clock.look_at(now);
        }
        assert_eq!(clock.counted, TICK * 10);
        now += Duration::from_secs(3600);
        assert_eq!(clock.look_at(now), TICK * 10);
        now += TICK;
        assert_eq!(clock.look_at(now), TICK * 11);
    }

    #[test]
    fn who_hangs_or_storms_often_gets_less_and_in_the_end_nothing() {
        let limits = Limits {
            runs: 2,
            in_vain: Duration::from_secs(22),
            ..Limits::of(Duration::from_secs(5))
        };
        let patience = Patience::new(limits);
        patience.note(Breakdown::Hang, patience.wait());
        patience.note(Breakdown::Hang, patience.wait());
        assert_eq!((patience.wait(), patience.emissions()), (limits.wait, limits.emissions));
        patience.note(Breakdown::Storm, patience.wait());
        assert_eq!(
            (patience.wait(), patience.emissions()),
            (limits.wait_then, limits.emissions_then)
        );
        assert_eq!(patience.is_over(), None);
        patience.note(Breakdown::Hang, Duration::from_secs(6));
        patience.note(Breakdown::Hang, Duration::from_secs(6));
        assert_eq!(patience.is_over().unwrap(), "not run, 2 runs hung before it");
    }
}
