//! When segments are sent, and how many: delayed ACKs, retransmissions, the initial window, floods.

use super::book::Resent;
use super::conversation::Conversation;
use super::{Broken, Sight, broken, sending, timestamps};
use crate::time::Stamp;
use crate::wire::{Flags, Segment};
use core::time::Duration;

/// An ACK waits for less than half a second (RFC 9293 section 3.8.6.3).
const MOST_ACK_DELAY: Duration = Duration::from_millis(500);
/// The coarsest tick of a target's timers.
const TICK: Duration = Duration::from_millis(10);
/// A cap on RTO is at least this (RFC 6298 section 2.5).
const CAP: Duration = Duration::from_secs(60);
/// How many times between retransmissions may be as long as the one before: some stacks begin so with SYNs, and all do
/// where a loss probe went ahead.
const EVEN: u32 = 5;
/// The least time after the peer's last frame after which a segment must have been sent by a timer.
const BY_TIMER: Duration = Duration::from_millis(150);
/// The least time from the last text to a tail loss probe.
const LOSS_PROBE: Duration = Duration::from_millis(2);
/// How many segments without text in a row, with nothing from the peer in between, are a storm.
const STORM: u32 = 30;
/// The time within which they are one.
const STORM_TIME: Duration = Duration::from_millis(100);
/// The largest initial window, in segments, and in octets (RFC 6928 section 2).
const INITIAL_SEGMENTS: i64 = 10;
const INITIAL_OCTETS: i64 = 14_600;

// ----- acknowledging in time --------------------------------------------------------------------------------------------

/// Notes text that a correct target acknowledges within half a second: it is in order and within the window, nothing
/// about the segment is unusual, and the connection is known to be established.
pub(super) fn owe_ack(cx: &mut Conversation, number: usize, at: Stamp, segment: &Segment) {
    if cx.peer.rst || cx.peer.fin || cx.target.reset {
        cx.peer.owed_ack = None;
        return;
    }
    let plain = segment.flags.without(Flags::PSH) == Flags::ACK && !segment.payload.is_empty();
    if !plain || cx.peer.owed_ack.is_some() || cx.target.fin.is_some() || !cx.target.whole {
        return;
    }
    let (Some((acked, _)), Some((edge, _))) = (cx.target.ack, cx.target.edge) else {
        return;
    };
    let start = cx.theirs(segment.seq);
    let end = start + segment.payload.len() as i64;
    let (una, ack) = (cx.acked(), cx.own(segment.ack));
    let in_order = start <= acked && acked < end && end <= edge && cx.target.window > Some(0);
    // By text, or by an ACK of some, the target has shown that the handshake is over.
    let established = cx.target.established;
    if in_order && established && ack == una && ack <= cx.target.end.0 && timely(cx, segment) {
        cx.peer.owed_ack = Some((end, at, number));
    }
}

/// Whether a segment's timestamp is what it should be: as agreed, and not older than any before.
fn timely(cx: &Conversation, segment: &Segment) -> bool {
    match (cx.timestamps(), segment.timestamps()) {
        (Some(false), None) => true,
        (Some(true), Some((value, _))) => !timestamps::newer_came(cx, value),
        _ => false,
    }
}

pub(super) fn ack_in_time(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (end, since, earlier) = cx.peer.owed_ack?;
    let (least, _) = sight.at.since(since);
    (sight.ack && sight.acked >= end && least >= MOST_ACK_DELAY)
        .then(|| broken(earlier, format!("acknowledges after {:.3} s", least.as_secs_f64())))
        .flatten()
}

/// Text that has not been acknowledged although there was time enough.
pub(super) fn unacknowledged(cx: &Conversation, at: Stamp) -> Option<(usize, String)> {
    let (_, since, number) = cx.peer.owed_ack?;
    let (least, _) = at.since(since);
    (least >= MOST_ACK_DELAY).then(|| {
        let text = format!("is not acknowledged within {:.3} s", least.as_secs_f64());
        (number, text)
    })
}

// ----- sending again ----------------------------------------------------------------------------------------------------

/// Whether a segment is a retransmission, and neither a window probe nor a keep-alive.
fn is_again(cx: &Conversation, sight: &Sight) -> bool {
    let closed = cx
        .peer
        .edge
        .is_some_and(|(edge, _)| cx.own(edge) <= sight.seq && !sight.syn);
    let occupies = sight.syn || sight.fin || sight.text() > 0;
    occupies && sight.seq < cx.target.end.0 && sight.seq >= cx.acked() && !closed
}

pub(super) fn enter(cx: &mut Conversation, sight: &Sight) {
    let again = is_again(cx, sight);
    let occupies = sight.syn || sight.fin || sight.text() > 0;
    cx.target.empty = match occupies {
        true => (0, sight.at),
        false => (cx.target.empty.0 + 1, cx.target.empty.1),
    };
    // A target that opened actively has the peer's SYN once it sends anything else. One that opened passively may have
    // dropped the ACK of its SYN,ACK, because its backlog was full.
    let shown = occupies || cx.target.opened_first || cx.target.ack.is_some_and(|(known, _)| sight.acked > known);
    cx.target.established |= !sight.syn && shown;
    if !occupies {
        return;
    }
    let next = match cx.target.resent {
        Some(last) if again && last.start == sight.seq => {
            let gap = sight.at.since(last.at);
            let even = match last.gap {
                // RTO doubles; half as long again is asked for, which leaves room for coarse clocks.
                Some((least, _)) if gap.1 < least + least / 2 && gap.1 < CAP - CAP / 10 => last.even + 1,
                _ => 0,
            };
            Resent {
                gap: Some(gap),
                even,
                alone: gap.0 > BY_TIMER,
                ..Resent::first(sight.seq, sight.at, sight.number)
            }
        }
        // What is sent beyond SND.UNA does not change the front of the retransmission queue.
        Some(last) if sight.seq > last.start => return,
        _ => Resent::first(sight.seq, sight.at, sight.number),
    };
    cx.target.resent = Some(next);
}

pub(super) fn rto_backs_off(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let last = cx.target.resent?;
    let (least, most) = last.gap?;
    if last.start != sight.seq || !is_again(cx, sight) {
        return None;
    }
    let gap = sight.at.since(last.at);
    let shrinks = gap.1 + TICK < least - least / 10;
    let stands = last.even >= EVEN && gap.1 < least + least / 2 && gap.1 < CAP - CAP / 10;
    (shrinks || stands)
        .then(|| {
            let seconds = |time: Duration| time.as_secs_f64();
            let text = format!(
                "sent again after {:.3} s, after {:.3} s before",
                seconds(gap.0),
                seconds(most)
            );
            broken(last.number, text)
        })
        .flatten()
}

pub(super) fn one_segment_after_timeout(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let last = cx.target.resent?;
    let (_, most) = sight.at.since(last.at);
    (last.alone && sight.text() > 0 && sight.seq != last.start && !sight.syn && most < TICK)
        .then(|| {
            broken(
                last.number,
                "a second segment on one expiry of the retransmission timer",
            )
        })
        .flatten()
}

pub(super) fn initial_window(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let syn = cx.peer_syn()?;
    if cx.acked() > 1 || sight.text() == 0 || !cx.target.whole {
        return None;
    }
    let mss = sending::send_mss(syn, sight)? as i64;
    // What SACK reports has left the network, and as much may be sent (RFC 6675 section 5, RFC 6937).
    if cx.peer.sacks {
        return None;
    }
    // Each duplicate ACK may draw one new segment: the first two by limited transmit (RFC 3042), those after the third
    // because each tells of a segment that has left the network (RFC 5681 section 3.2).
    let most = (INITIAL_SEGMENTS * mss).min(INITIAL_OCTETS.max(2 * mss)) + i64::from(cx.peer.duplicates) * mss;
    // A tail loss probe may send one new segment beyond (RFC 8985 section 7.3).
    let (_, pause) = sight.at.since(cx.target.spoke);
    let most = if pause >= LOSS_PROBE { most + mss } else { most };
    (sight.end - 1 > most)
        .then(|| {
            broken(
                syn.number,
                format!(
                    "{} octets before any was acknowledged, where {most} may be",
                    sight.end - 1
                ),
            )
        })
        .flatten()
}

pub(super) fn no_storm(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (count, since) = cx.target.empty;
    let (earlier, _) = cx.peer.last?;
    let (_, most) = sight.at.since(since);
    (count >= STORM && most < STORM_TIME)
        .then(|| {
            broken(
                earlier,
                format!("{count} segments without text in a row, and nothing came in between"),
            )
        })
        .flatten()
}
