//! Timestamps (RFC 7323 sections 3 to 5).

use super::conversation::Conversation;
use super::ranges::between;
use super::{Broken, Sight, broken};
use crate::time::{Instant, Stamp};
use core::time::Duration;

/// The time after which timestamps are no longer compared (section 5.5).
const IDLE: Duration = Duration::from_secs(24 * 24 * 3600);
/// The shortest and the longest tick of a lawful clock, in nanoseconds (section 5.4).
const TICK: (u64, u64) = (59, 1_000_000_000);
/// What the stamping of a segment, and its way to where it is seen, may take besides.
const STAMPING: Duration = Duration::from_millis(20);

/// A clock that TSvals are taken from, as far as they tell of it: when some of its ticks were, and so how long one
/// lasts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    /// When the first value was, and in which frame.
    first: (Stamp, usize),
    /// The last value, when it was, and ticks since the first.
    last: (u32, Stamp),
    ticks: u64,
    /// How long a tick lasts at least and at most, in nanoseconds; the other way round where no clock is so.
    tick: (u64, u64),
}

impl Clock {
    fn new(value: u32, at: Stamp, number: usize) -> Clock {
        Clock {
            first: (at, number),
            last: (value, at),
            ticks: 0,
            tick: TICK,
        }
    }

    /// A clock of which this may be known, once it showed this value.
    pub(super) fn after(known: Option<Clock>, value: u32, at: Stamp, number: usize) -> Clock {
        match known {
            Some(clock) => clock.shows(value, at, number),
            None => Clock::new(value, at, number),
        }
    }

    /// The clock once it showed this value. An older value says nothing, and neither does one that comes so late that
    /// the clock may have gone half round.
    fn shows(self, value: u32, at: Stamp, number: usize) -> Clock {
        let step = value.wrapping_sub(self.last.0);
        if !self.compares(self.last.1, at) {
            return Clock {
                tick: self.tick,
                ..Clock::new(value, at, number)
            };
        }
        if step > u32::MAX / 2 {
            return self;
        }
        let ticks = self.ticks + u64::from(step);
        let (least, most) = at.since(self.first.0);
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        // So many ticks take longer than all but one of their lengths, and less than one length more.
        let least = nanos(least.saturating_sub(STAMPING)) / (ticks + 1);
        let most = match ticks {
            0 | 1 => u64::MAX,
            ticks => nanos(most + STAMPING).div_ceil(ticks - 1),
        };
        Clock {
            last: (value, at),
            ticks,
            tick: (self.tick.0.max(least), self.tick.1.min(most)),
            ..self
        }
    }

    /// Whether no lawful clock shows what this one showed. It need be proportional to time only about (section 4.1).
    fn is_wrong(&self) -> bool {
        self.tick.0 > self.tick.1.saturating_add(self.tick.1 / 10)
    }

    /// Whether values at these moments can be compared: less than half a cycle of the clock lies between (section 5.2).
    fn compares(&self, then: Stamp, at: Stamp) -> bool {
        let tick = if self.is_wrong() { TICK.0 } else { self.tick.0 };
        let half_cycle = Duration::from_nanos(tick.saturating_mul(1 << 31));
        at.since(then).1 < half_cycle.min(IDLE)
    }
}

/// Whether a value that is newer came (RFC 7323 section 5.2).
pub(super) fn newer_came(cx: &Conversation, value: u32) -> bool {
    let (first, last) = (value.wrapping_add(1), value.wrapping_add(i32::MAX as u32));
    between(&cx.peer.times, first, last).next().is_some()
}

/// Whether `a` is older than `b` (RFC 7323 section 5.2).
fn older(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

pub(super) fn only_if_agreed(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let syn = cx.peer_syn()?;
    (sight.times.is_some() && cx.timestamps() == Some(false))
        .then(|| broken(syn.number, "timestamps that were not agreed upon"))
        .flatten()
}

pub(super) fn on_every_segment(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (earlier, ..) = cx.target.syn.as_ref()?;
    (sight.times.is_none() && cx.timestamps() == Some(true))
        .then(|| broken(*earlier, "no timestamps, although they were agreed upon"))
        .flatten()
}

pub(super) fn never_back(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (known, earlier, then) = cx.target.time?;
    let (value, _) = sight.times?;
    (older(value, known) && compares(cx.target.clock, then, sight.at))
        .then(|| broken(earlier, format!("TSval {value}, after {known}")))
        .flatten()
}

/// Whether timestamps at these moments can be compared; of a clock of which nothing is known, as if it were the
/// fastest.
fn compares(clock: Option<Clock>, then: Stamp, at: Stamp) -> bool {
    clock.unwrap_or(Clock::new(0, then, 0)).compares(then, at)
}

/// When a segment was sent. Where frames are shown on their way, that is not before what it echoes had come, and not
/// before an earlier value of the clock.
pub(super) fn sent(cx: &Conversation, sight: &Sight) -> Stamp {
    if cx.known.prompt {
        return sight.at;
    }
    let echoed = sight.times.and_then(|(_, echo)| cx.peer.times.get(&echo));
    let before = cx.target.clock.map(|clock| clock.last.1.earliest);
    Stamp {
        earliest: echoed.map(|it| it.at.earliest).max(before).unwrap_or(Instant::ZERO),
        latest: sight.at.latest,
    }
}

pub(super) fn clock_in_range(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let clock = cx.target.clock?;
    let (value, _) = sight.times?;
    let after = clock.shows(value, sent(cx, sight), sight.number);
    if !after.is_wrong() || clock.is_wrong() {
        return None;
    }
    let (_, earlier) = clock.first;
    let (least, most) = sight.at.since(clock.first.0);
    let nanos = |tick: u64| format!("{:?}", Duration::from_nanos(tick));
    let matter = match after.tick {
        (least, _) if least > TICK.1 => format!("a tick of {} or more", nanos(least)),
        (_, most) if most < TICK.0 => format!("a tick of {} or less", nanos(most)),
        (least, most) => format!(
            "a tick of {} or more here, of {} or less there",
            nanos(least),
            nanos(most)
        ),
    };
    let time = if least == most {
        format!("{most:?}")
    } else {
        format!("{least:?} to {most:?}")
    };
    broken(
        earlier,
        format!("{} ticks of the timestamp clock in {time}: {matter}", after.ticks),
    )
}

pub(super) fn echo_only_with_ack(_: &Conversation, sight: &Sight) -> Option<Broken> {
    let (_, echo) = sight.times?;
    (!sight.ack && echo != 0)
        .then(|| broken(None, format!("TSecr {echo} on a segment without ACK")))
        .flatten()
}

pub(super) fn echo_of_what_came(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (_, echo) = sight.times?;
    let (earlier, _) = cx.peer.last?;
    if !sight.ack || !cx.target.whole || cx.peer.times.is_empty() {
        return None;
    }
    let came = cx.peer.times.contains_key(&echo);
    (!came)
        .then(|| broken(earlier, format!("TSecr {echo}, which no segment had")))
        .flatten()
}

pub(super) fn echo_of_the_left_edge(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (_, echo) = sight.times?;
    if !sight.ack || !cx.target.whole {
        return None;
    }
    let came = cx.peer.times.get(&echo)?;
    (came.start > sight.acked)
        .then(|| broken(came.number, format!("TSecr {echo}, of a segment above a gap")))
        .flatten()
}

pub(super) fn echo_never_back(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (known, earlier, then) = cx.target.echo?;
    let (_, echo) = sight.times?;
    (sight.ack && older(echo, known) && compares(cx.peer.clock, then, sight.at))
        .then(|| broken(earlier, format!("TSecr {echo}, after {known}")))
        .flatten()
}
