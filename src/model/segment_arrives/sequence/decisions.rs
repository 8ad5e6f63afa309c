//! What is decided about the sequence number of a segment, and about its timestamp.

use super::{TS_RECENT_LIFE, acceptable};
use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::segment_arrives::Arriving;
use crate::model::segment_arrives::fate::{Ending, Fate, Next, Reply};
use crate::model::seq::{later, leq, plus};
use crate::model::tcb::{Opened, Tcb};
use crate::rfc::State;
use crate::stack::ErrorName;
use crate::wire::{Ecn, SeqNum};

/// What happens to the 2MSL timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum TimeWaitClock {
    RunsOn,
    Restarts,
    Ends,
}

/// What is done with text that was received before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum OldText {
    /// It is cut off.
    CutOff,
    /// It is kept, as if it were new.
    Kept,
    /// All text of the segment is thrown away with it.
    DropsAll,
}

/// Whether a timestamp is older than another, by arithmetic that wraps.
fn is_older(value: u32, than: u32) -> bool {
    (value.wrapping_sub(than) as i32) < 0
}

/// Whether TS.Recent is too old to be compared with.
fn is_outdated(tcb: &Tcb, cx: &Context) -> bool {
    cx.now.since(tcb.ts_recent_at) >= TS_RECENT_LIFE
}

/// Whether TS.Recent would not move back to the timestamp of this segment.
fn may_be_recent(tcb: &Tcb, cx: &Context, segment: &Arriving) -> bool {
    let newer = |(value, _)| !is_older(value, tcb.ts_recent) || is_outdated(tcb, cx);
    tcb.agreed.timestamps && segment.timestamps.is_some_and(newer)
}

/// Where the text of a segment begins and ends; `None` where it does not belong to this stream.
fn text_of(tcb: &Tcb, segment: &Arriving) -> Option<(SeqNum, SeqNum)> {
    let first = segment.seq.advanced(i64::from(segment.syn));
    let foreign = segment.text.is_empty() || first.before(tcb.irs) || tcb.rcv_edge.before(first);
    (!foreign).then(|| (first, plus(first, segment.text.len())))
}

/// The text held above a gap that overlaps these edges.
fn island_at(tcb: &Tcb, first: SeqNum, end: SeqNum) -> Option<(SeqNum, SeqNum)> {
    let overlaps = |(left, right): &(SeqNum, SeqNum)| left.before(end) && first.before(*right);
    tcb.received.islands(tcb.rcv_nxt).into_iter().find(overlaps)
}

/// The first stretch of a segment's text that was received before.
fn first_duplicate(tcb: &Tcb, segment: &Arriving) -> Option<(SeqNum, SeqNum)> {
    let (first, end) = text_of(tcb, segment)?;
    if first.before(tcb.rcv_nxt) {
        return Some((first, if tcb.rcv_nxt.before(end) { tcb.rcv_nxt } else { end }));
    }
    let (left, right) = island_at(tcb, first, end)?;
    Some((later(first, left), if right.before(end) { right } else { end }))
}

/// Whether a segment could be the SYN, or in a simultaneous open the SYN,ACK, of the connection once more.
fn is_syn_again(tcb: &Tcb, segment: &Arriving) -> bool {
    tcb.state == State::SynReceived && segment.syn && (!segment.ack_bit || tcb.opened == Opened::Active)
}

/// Whether a segment could be the octet of a keep-alive probe.
fn is_keep_alive(tcb: &Tcb, segment: &Arriving) -> bool {
    segment.seq == tcb.rcv_nxt.advanced(-1) && segment.text.len() < 2 && !segment.fin
}

/// How many octets fit between a segment's first octet and the right edge of the window.
fn room(tcb: &Tcb, segment: &Arriving) -> usize {
    usize::try_from(tcb.rcv_edge.offset_from(segment.seq)).unwrap_or(0)
}

decisions! {
    /// Whether a segment must carry a timestamp that is not older than TS.Recent. A reset need not.
    "RFC 7323 section 5.3, R1"
    fn timestamp_is_checked(tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => tcb.agreed.timestamps && !segment.rst,
        wrong PawsOnResets if segment.rst => tcb.agreed.timestamps,
        wrong PawsMissing => false,
    }

    /// What becomes of a segment without the timestamps agreed upon: it is dropped, except for a SYN, which is answered
    /// whatever else it carries (RFC 5961 section 4.2).
    "RFC 7323 section 3.2"
    fn missing_timestamp(_tcb: &Tcb, segment: &Arriving) -> Fate {
        lawful => if segment.syn { Fate::PROCESS } else { Fate::DROP },
        or RequireTimestampsNo => Fate::PROCESS,
        wrong MissingTimestampResets => Fate::answer(Reply::OwnReset)
            .then(Next::End(Ending::Error(ErrorName::Reset, "no timestamps"))),
        wrong MissingTimestampAnswered => lawful.replying(Reply::Ack),
    }

    /// Whether the timestamp of a segment shows that it is an old duplicate.
    "RFC 7323 section 5.3, R1 and section 5.5"
    fn timestamp_is_old(tcb: &Tcb, cx: &Context, segment: &Arriving, value: u32) -> bool {
        lawful => is_older(value, tcb.ts_recent) && !is_outdated(tcb, cx),
        wrong TsRecentForEver => is_older(value, tcb.ts_recent),
        wrong PawsRefusesEqual if value == tcb.ts_recent => !is_outdated(tcb, cx),
        wrong PawsWithoutWrap => value < tcb.ts_recent && !is_outdated(tcb, cx),
        wrong PawsSparesAcks if segment.len() == 0 => false,
    }

    /// What becomes of a segment with an old timestamp.
    "RFC 7323 section 5.3, R1"
    fn old_timestamp(_tcb: &Tcb) -> Fate {
        lawful => Fate::answer(Reply::Ack),
        wrong PawsSilent => Fate::DROP,
    }

    /// Whether TS.Recent is taken from a segment: only if the segment lies in the window, begins at or below what was
    /// last acknowledged, and is no reset.
    "RFC 7323 section 4.3, (2), and section 5.3, R3"
    fn ts_recent_follows(tcb: &Tcb, cx: &Context, segment: &Arriving, acceptable: bool) -> bool {
        lawful => acceptable
            && !segment.rst
            && may_be_recent(tcb, cx, segment)
            && leq(segment.seq, tcb.last_ack_sent),
        wrong TsRecentFollowsEverything if acceptable && !segment.rst => may_be_recent(tcb, cx, segment),
        wrong TsRecentFrozen => false,
        wrong TsRecentBeforeWindow if !segment.rst =>
            may_be_recent(tcb, cx, segment) && leq(segment.seq, tcb.last_ack_sent),
        wrong TsRecentFromResets if segment.rst => may_be_recent(tcb, cx, segment),
    }

    /// Whether text that is held above a gap is kept when TS.Recent moves past its timestamp.
    "RFC 7323 section 5.3, R5"
    fn held_text_stays(tcb: &Tcb, value: u32) -> bool {
        lawful => true,
        wrong PawsOnQueued if value != tcb.ts_recent && tcb.received.has_gap() => false,
    }

    /// Whether any octet of a segment lies in the window.
    "RFC 9293 section 3.10.7.4, first check, and section 3.4, table 6"
    fn is_acceptable(tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => acceptable(tcb.rcv_nxt, tcb.rcv_wnd(), segment.seq, segment.len()),
        wrong AcceptRstOutsideWindow if segment.rst => true,
        wrong LeftEdgeOneTooFar => acceptable(
            tcb.rcv_nxt.advanced(-1), tcb.rcv_wnd().saturating_add(1), segment.seq, segment.len()
        ),
        wrong RightEdgeOneTooFar =>
            acceptable(tcb.rcv_nxt, tcb.rcv_wnd().saturating_add(1), segment.seq, segment.len()),
        wrong RightEdgeOneTooNear =>
            acceptable(tcb.rcv_nxt, tcb.rcv_wnd().saturating_sub(1), segment.seq, segment.len()),
        wrong SequenceCheckSkipped => true,
        wrong CompareWithoutWrap if segment.len() > 0 && segment.seq.0 < tcb.rcv_nxt.0.min(tcb.irs.0) => false,
    }

    /// Whether a SYN that comes in SYN-RECEIVED is the SYN,ACK of a simultaneous open, and is processed as the ACK of
    /// our SYN, against the letter of the first check.
    "RFC 9293 section 3.5, figure 7, and appendix A.2"
    fn is_simultaneous_syn_ack(tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => segment.ack_bit && tcb.opened == Opened::Active,
        wrong SimultaneousSynAckRefused => false,
    }

    /// What becomes of the peer's SYN when it comes again: the sequence check will find that it is old.
    "RFC 9293 section 3.10.7.4, first check"
    fn repeated_syn(_tcb: &Tcb) -> Fate {
        lawful => Fate::PROCESS,
        or RepeatedSynSynAck => Fate::answer(Reply::SynAck),
    }

    /// Whether a SYN that is sent again without asking for ECN withdraws what the first one asked for.
    "RFC 3168 section 6.1.1"
    fn repeated_syn_withholds_ecn(_tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => !(segment.ack_bit || segment.ece && segment.cwr),
        wrong EcnAfterPlainSyn => false,
    }

    /// What an unacceptable segment that is no reset is answered by.
    "RFC 9293 section 3.10.7.4, first check"
    fn unacceptable_draws(tcb: &Tcb, segment: &Arriving) -> Reply {
        lawful => Reply::Ack,
        or RepeatedSynSynAck if is_syn_again(tcb, segment) => Reply::SynAck,
        wrong UnacceptableDrawsReset => Reply::Reset,
        wrong OldSegmentNotAcked if segment.seq.before(tcb.rcv_nxt) => Reply::Nothing,
        wrong SegmentBeyondWindowNotAcked if !segment.seq.before(tcb.rcv_nxt) => Reply::Nothing,
        wrong KeepAliveNotAnswered if is_keep_alive(tcb, segment) => Reply::Nothing,
        wrong RepeatedFinNotAcked if segment.fin && segment.seq.before(tcb.rcv_nxt) => Reply::Nothing,
        wrong RepeatedSynNotAcked if segment.syn => Reply::Nothing,
        wrong ZeroWindowNotAcked if tcb.rcv_wnd() == 0 => Reply::Nothing,
    }

    /// What an unacceptable segment does to the 2MSL timer: only a FIN that the peer sends again restarts it.
    "RFC 9293 section 3.10.7.4, first and eighth check"
    fn time_wait_clock(tcb: &Tcb, segment: &Arriving) -> TimeWaitClock {
        lawful => match plus(segment.seq, segment.text.len() + 1) == tcb.rcv_nxt {
            true if segment.fin && tcb.state == State::TimeWait => TimeWaitClock::Restarts,
            _ => TimeWaitClock::RunsOn,
        },
        wrong TimeWaitEndsOnOldSegment if tcb.state == State::TimeWait => TimeWaitClock::Ends,
        wrong TimeWaitRestartedByAnything if tcb.state == State::TimeWait => TimeWaitClock::Restarts,
    }

    /// Whether the ACK and the urgent pointer of a segment that a closed window has refused are processed.
    "RFC 9293 section 3.10.7.4, first check; MUST-66"
    fn closed_window_takes_ack(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong ZeroWindowAckIgnored => false,
    }

    /// Whether a congestion mark on an unacceptable segment counts.
    "RFC 3168 section 6.1.5"
    fn unacceptable_mark_counts(_tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => false,
        wrong EcnMarkOnOldData if segment.cwr || segment.ecn == Ecn::Ce => true,
    }

    /// What is done with the part of a segment's text that was received before.
    "RFC 9293 section 3.10.7.4, first check"
    fn old_text(_tcb: &Tcb, segment: &Arriving) -> OldText {
        lawful => OldText::CutOff,
        wrong OverlapDropped if !segment.text.is_empty() => OldText::DropsAll,
        wrong OldDataNotTrimmed if !segment.text.is_empty() => OldText::Kept,
    }

    /// Whether the FIN of a segment counts whose first `old` numbers were received before.
    "RFC 9293 section 3.10.7.4, first check"
    fn fin_is_new(_tcb: &Tcb, segment: &Arriving, old: usize) -> bool {
        lawful => segment.fin && old <= segment.text.len(),
        wrong FinWithOldTextDropped if !segment.text.is_empty() => false,
    }

    /// How many octets of a segment's text lie in the window.
    "RFC 9293 section 3.10.7.4, first check"
    fn text_inside(tcb: &Tcb, segment: &Arriving) -> usize {
        lawful => segment.text.len().min(room(tcb, segment)),
        or RightOverlapKeep => segment.text.len(),
        wrong RightEdgeOneTooFar => segment.text.len().min(room(tcb, segment) + 1).max(lawful),
        wrong RightOverlapLost => segment.text.len(),
    }

    /// Whether the FIN of a segment lies in the window.
    "RFC 9293 section 3.10.7.4, first check"
    fn fin_is_inside(tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => segment.fin && segment.text.len() < room(tcb, segment),
        or RightOverlapKeep => segment.fin,
        wrong RightEdgeOneTooFar => segment.fin && segment.text.len() <= room(tcb, segment),
        wrong RightOverlapLost => segment.fin,
        wrong FinBeyondWindowTaken => segment.fin,
    }

    /// The first stretch of a segment that was received before, to be reported by D-SACK.
    "RFC 2883 section 4"
    fn duplicate(tcb: &Tcb, segment: &Arriving) -> Option<(SeqNum, SeqNum)> {
        lawful => first_duplicate(tcb, segment).filter(|_| tcb.agreed.sack),
        or DsackNo => None,
        wrong DuplicateReportUnpermitted => first_duplicate(tcb, segment),
        wrong DuplicateEdgesWrong if segment.seq.before(tcb.rcv_nxt) && lawful.is_some() =>
            text_of(tcb, segment).map(|(first, end)| (first.advanced(-1), end)),
        wrong DuplicateInIslandUnreported if !segment.seq.before(tcb.rcv_nxt) => None,
        wrong DuplicateReportTooLong if !segment.seq.before(tcb.rcv_nxt) => lawful.map(|(first, end)| {
            (first, island_at(tcb, first, end).map_or(end, |(_, right)| right))
        }),
    }
}
