//! Timestamps (RFC 7323 sections 3 to 5).

use super::conversation::Conversation;
use super::{Broken, Sight, broken};
use crate::time::Stamp;
use core::time::Duration;

/// The time after which timestamps are no longer compared (section 5.5).
const IDLE: Duration = Duration::from_secs(24 * 24 * 3600);

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
    (older(value, known) && comparable(sight.at, then))
        .then(|| broken(earlier, format!("TSval {value}, after {known}")))
        .flatten()
}

/// Whether two timestamps so far apart can be compared: after 24 days a clock of milliseconds has gone half round
/// (section 5.5).
fn comparable(at: Stamp, then: Stamp) -> bool {
    at.since(then).1 < IDLE
}

/// The most milliseconds that may have passed.
fn most_since(at: Stamp, then: Stamp) -> u128 {
    at.since(then).1.as_millis()
}

pub(super) fn clock_in_range(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (first, earlier, then) = cx.target.first_time?;
    let (value, _) = sight.times?;
    let ticks = value.wrapping_sub(first);
    if ticks > u32::MAX / 2 {
        return None;
    }
    let (least, most) = (sight.at.since(then).0.as_secs(), most_since(sight.at, then));
    // A tick lasts between a millisecond and a second; the first and the last may have been under way. Clocks of
    // microseconds exist, but only by agreement.
    if u128::from(ticks) > most + most / 10 + 20 {
        return broken(earlier, format!("{ticks} ticks of the timestamp clock in {most} ms"));
    }
    (u64::from(ticks) + 2 < least)
        .then(|| broken(earlier, format!("{ticks} ticks of the timestamp clock in {least} s")))
        .flatten()
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
    let came = cx.peer.times.iter().rev().any(|(value, ..)| *value == echo);
    (!came)
        .then(|| broken(earlier, format!("TSecr {echo}, which no segment had")))
        .flatten()
}

pub(super) fn echo_of_the_left_edge(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (_, echo) = sight.times?;
    if !sight.ack || !cx.target.whole {
        return None;
    }
    let (_, start, number) = cx.peer.times.iter().rev().find(|(value, ..)| *value == echo)?;
    (*start > sight.acked)
        .then(|| broken(*number, format!("TSecr {echo}, of a segment above a gap")))
        .flatten()
}

pub(super) fn echo_never_back(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (known, earlier, then) = cx.target.echo?;
    let (_, echo) = sight.times?;
    (sight.ack && older(echo, known) && comparable(sight.at, then))
        .then(|| broken(earlier, format!("TSecr {echo}, after {known}")))
        .flatten()
}
