//! The first check of the other states: the sequence number (RFC 9293 section 3.10.7.4), and before it PAWS (RFC 7323
//! section 5.3).

use super::{Arriving, Check};
use crate::model::config::RepeatedSyn;
use crate::model::context::Context;
use crate::model::defect::Defect;
use crate::model::seq::{later, leq, plus, span};
use crate::model::tcb::{Opened, Tcb};
use crate::rfc::State;
use crate::wire::SeqNum;
use core::ops::ControlFlow::{Break, Continue};
use core::time::Duration;

/// How long TS.Recent is good for (RFC 7323 section 5.5).
const TS_RECENT_LIFE: Duration = Duration::from_secs(24 * 24 * 3600);

/// Whether `seq` lies in the `wnd` numbers from `rcv_nxt` on.
fn in_window(rcv_nxt: SeqNum, wnd: u32, seq: SeqNum) -> bool {
    span(rcv_nxt, seq) < wnd
}

/// The table of RFC 9293 section 3.4: the first or the last octet of the segment lies in the window.
pub(super) fn acceptable(rcv_nxt: SeqNum, rcv_wnd: u32, seg_seq: SeqNum, seg_len: u32) -> bool {
    match (seg_len, rcv_wnd) {
        (0, 0) => seg_seq == rcv_nxt,
        (0, _) => in_window(rcv_nxt, rcv_wnd, seg_seq),
        (_, 0) => false,
        (_, _) => {
            let last = seg_seq.advanced(i64::from(seg_len) - 1);
            in_window(rcv_nxt, rcv_wnd, seg_seq) || in_window(rcv_nxt, rcv_wnd, last)
        }
    }
}

impl Tcb {
    /// R1 of RFC 7323 section 5.3: a segment with a timestamp older than TS.Recent is a duplicate from long ago. RSTs
    /// are exempt. A segment without the timestamps agreed upon is dropped without a word (section 3.2), but for a SYN,
    /// which is answered whatever is on it (RFC 5961 section 4.2).
    pub(super) fn paws(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        let exempt = segment.rst && !self.has(Defect::PawsOnResets);
        if !self.agreed.timestamps || exempt || self.has(Defect::PawsMissing) {
            return Continue(());
        }
        let Some((value, _)) = segment.timestamps else {
            if self.has(Defect::MissingTimestampResets) {
                self.send_reset(cx);
                self.end(cx, Some(crate::stack::ErrorName::Reset), "no timestamps");
                return Break(());
            }
            self.owed.now |= self.has(Defect::MissingTimestampAnswered);
            return match cx.config.require_timestamps && !segment.syn {
                true => Break(()),
                false => Continue(()),
            };
        };
        let valid = cx.now.since(self.ts_recent_at) < TS_RECENT_LIFE || self.has(Defect::TsRecentForEver);
        let mut old = (value.wrapping_sub(self.ts_recent) as i32) < 0;
        if self.has(Defect::PawsRefusesEqual) {
            old |= value == self.ts_recent;
        }
        if self.has(Defect::PawsWithoutWrap) {
            old = value < self.ts_recent;
        }
        if self.has(Defect::PawsSparesAcks) {
            old &= segment.len() > 0;
        }
        if valid && old {
            self.report_duplicate(cx, segment);
            self.owed.now = !self.has(Defect::PawsSilent);
            return Break(());
        }
        Continue(())
    }

    /// First: whether the segment lies in the window at all; what lies outside is cut off.
    pub(super) fn first_check_sequence(&mut self, cx: &mut Context, segment: &mut Arriving) -> Check {
        self.repeated_syn(cx, segment)?;
        if self.has(Defect::EcnMarkOnOldData) {
            self.note_congestion_mark(segment);
        }
        if self.has(Defect::TsRecentBeforeWindow) {
            self.update_ts_recent(cx, segment);
        }
        if self.has(Defect::ZeroWindowResetIgnored) && segment.rst && self.rcv_wnd() == 0 {
            return Break(());
        }
        if self.has(Defect::AcceptRstOutsideWindow) && segment.rst {
            return Continue(());
        }
        let (left, right) = self.edges_of_the_check();
        let passes = acceptable(left, right, segment.seq, segment.len()) || self.has(Defect::SequenceCheckSkipped);
        if !passes {
            return self.unacceptable(cx, segment);
        }
        if self.has(Defect::CompareWithoutWrap) && segment.len() > 0 && segment.seq.0 < self.rcv_nxt.0.min(self.irs.0) {
            return self.unacceptable(cx, segment);
        }
        self.update_ts_recent(cx, segment);
        if !segment.rst {
            self.report_duplicate(cx, segment);
            self.trim(cx, segment);
        }
        Continue(())
    }

    /// Left edge and width of the window that the first check looks at.
    fn edges_of_the_check(&self) -> (SeqNum, u32) {
        let (left, width) = (self.rcv_nxt, self.rcv_wnd());
        if self.has(Defect::LeftEdgeOneTooFar) {
            return (left.advanced(-1), width.saturating_add(1));
        }
        if self.has(Defect::RightEdgeOneTooFar) {
            return (left, width.saturating_add(1));
        }
        if self.has(Defect::RightEdgeOneTooNear) {
            return (left, width.saturating_sub(1));
        }
        (left, width)
    }

    /// A SYN,ACK in a simultaneous open has the number of the SYN before it: it is read as the ACK of our SYN (section
    /// 3.5, figure 7, against the letter of the first check; appendix A.2). A repeated SYN is old.
    fn repeated_syn(&mut self, cx: &mut Context, segment: &mut Arriving) -> Check {
        if self.state != State::SynReceived || !segment.syn || segment.rst || segment.seq != self.irs {
            return Continue(());
        }
        let asks = segment.ack_bit || (segment.ece && segment.cwr);
        self.ecn.withheld |= !asks && !self.has(Defect::EcnAfterPlainSyn);
        if segment.ack_bit && self.opened == Opened::Active && !self.has(Defect::SimultaneousSynAckRefused) {
            segment.syn = false;
            segment.seq = segment.seq.advanced(1);
        } else if cx.config.repeated_syn == RepeatedSyn::SynAck {
            self.send_syn(cx);
            return Break(());
        }
        Continue(())
    }

    /// An unacceptable segment draws an ACK, unless it is a reset. With a closed window its ACK and its urgent pointer
    /// still count (section 3.10.7.4; MUST-66), and a RST at RCV.NXT too, whatever it carries. A FIN that comes again in
    /// TIME-WAIT restarts 2MSL.
    fn unacceptable(&mut self, cx: &mut Context, segment: &mut Arriving) -> Check {
        let shut = self.rcv_wnd() == 0 && segment.seq == self.rcv_nxt && !segment.syn;
        if segment.rst {
            return if shut { Continue(()) } else { Break(()) };
        }
        if self.has(Defect::UnacceptableDrawsReset) {
            super::closed::send_reset(cx, self.local, self.peer, segment);
            return Break(());
        }
        if self.has(Defect::TimeWaitEndsOnOldSegment) && self.state == State::TimeWait {
            self.end(cx, None, "");
            return Break(());
        }
        if self.state == State::SynReceived && segment.syn && cx.config.repeated_syn == RepeatedSyn::SynAck {
            self.send_syn(cx);
            return Break(());
        }
        self.report_duplicate(cx, segment);
        self.owed.now = self.answers_unacceptable(segment);
        let again = self.has(Defect::TimeWaitRestartedByAnything) && self.state == State::TimeWait;
        if again {
            self.start_time_wait(cx);
        }
        if self.state == State::TimeWait && segment.fin && plus(segment.seq, segment.text.len() + 1) == self.rcv_nxt {
            self.start_time_wait(cx);
        }
        if shut && !self.has(Defect::ZeroWindowAckIgnored) {
            segment.probes = !segment.text.is_empty();
            segment.text.clear();
            segment.fin = false;
            self.update_ts_recent(cx, segment);
            return Continue(());
        }
        Break(())
    }

    fn answers_unacceptable(&self, segment: &Arriving) -> bool {
        let below = segment.seq.before(self.rcv_nxt);
        let probe = segment.seq == self.rcv_nxt.advanced(-1) && segment.text.len() < 2 && !segment.fin;
        let silent = (self.has(Defect::OldSegmentNotAcked) && below)
            || (self.has(Defect::SegmentBeyondWindowNotAcked) && !below)
            || (self.has(Defect::KeepAliveNotAnswered) && probe)
            || (self.has(Defect::RepeatedFinNotAcked) && segment.fin && below)
            || (self.has(Defect::RepeatedSynNotAcked) && segment.syn)
            || (self.has(Defect::ZeroWindowNotAcked) && self.rcv_wnd() == 0);
        !silent
    }

    /// TS.Recent follows segments that reach to or below what was last acknowledged (RFC 7323 section 4.3).
    fn update_ts_recent(&mut self, cx: &Context, segment: &Arriving) {
        let reset = segment.rst && !self.has(Defect::TsRecentFromResets);
        let Some((value, _)) = segment.timestamps.filter(|_| self.agreed.timestamps && !reset) else {
            return;
        };
        let newer = (value.wrapping_sub(self.ts_recent) as i32) >= 0;
        let stale = cx.now.since(self.ts_recent_at) >= TS_RECENT_LIFE;
        if self.has(Defect::TsRecentFrozen) {
            return;
        }
        let reaches =
            leq(segment.seq, self.last_ack_sent) || self.has(Defect::TsRecentFollowsEverything) || segment.rst;
        if (newer || stale) && reaches {
            if self.has(Defect::PawsOnQueued) && value != self.ts_recent {
                self.received.forget_held();
            }
            self.ts_recent = value;
            self.ts_recent_at = cx.now;
        }
    }

    /// Cuts off what lies before RCV.NXT, SYN first, and what lies past the right edge, FIN first.
    fn trim(&mut self, cx: &Context, segment: &mut Arriving) {
        if segment.syn && segment.seq.before(self.rcv_nxt) {
            segment.syn = false;
            segment.seq = segment.seq.advanced(1);
        }
        let old = usize::try_from(self.rcv_nxt.offset_from(segment.seq)).unwrap_or(0);
        if old > 0 && self.has(Defect::OverlapDropped) {
            segment.text.clear();
        }
        if old > 0 {
            let in_part = !segment.text.is_empty() && self.has(Defect::FinWithOldTextDropped);
            if old > segment.text.len() || in_part {
                segment.fin = false;
            }
            if !self.has(Defect::OldDataNotTrimmed) {
                segment.text.drain(..old.min(segment.text.len()));
            }
            segment.seq = self.rcv_nxt;
        }
        let mut room = usize::try_from(self.rcv_edge.offset_from(segment.seq)).unwrap_or(0);
        if self.has(Defect::RightEdgeOneTooFar) {
            room += 1;
        }
        if cx.config.keep_right_overlap || self.has(Defect::RightOverlapLost) {
            room = usize::MAX;
        }
        if segment.text.len() + usize::from(segment.fin) > room {
            segment.text.truncate(room);
            segment.fin &= self.has(Defect::FinBeyondWindowTaken);
        }
    }

    /// Notes the first stretch of a segment that was here already, to be reported (RFC 2883 section 4).
    fn report_duplicate(&mut self, cx: &Context, segment: &Arriving) {
        let agreed = self.agreed.sack || self.has(Defect::DuplicateReportUnpermitted);
        if !agreed || !cx.config.dsack || segment.text.is_empty() {
            return;
        }
        let first = segment.seq.advanced(i64::from(segment.syn));
        let end = plus(first, segment.text.len());
        // What never was part of this stream is no duplicate.
        if first.before(self.irs) || self.rcv_edge.before(first) {
            return;
        }
        if first.before(self.rcv_nxt) {
            let whole = self.has(Defect::DuplicateEdgesWrong) && self.rcv_nxt.before(end);
            let first = if self.has(Defect::DuplicateEdgesWrong) {
                first.advanced(-1)
            } else {
                first
            };
            let end = if self.rcv_nxt.before(end) && !whole {
                self.rcv_nxt
            } else {
                end
            };
            self.reports.duplicate = Some((first, end));
            self.owed.now = true;
            return;
        }
        let overlaps = |(left, right): &(SeqNum, SeqNum)| left.before(end) && first.before(*right);
        let island = self.received.islands(self.rcv_nxt).into_iter().find(overlaps);
        if let Some((left, right)) = island.filter(|_| !self.has(Defect::DuplicateInIslandUnreported)) {
            let whole = self.has(Defect::DuplicateReportTooLong);
            let end = if right.before(end) || whole { right } else { end };
            self.reports.duplicate = Some((later(first, left), end));
            self.owed.now = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_acceptable_segments_holds_at_every_edge_and_across_the_wrap() {
        for base in [0, 5, u32::MAX - 3, u32::MAX, 1 << 31] {
            let at = |offset: i64| SeqNum(base).advanced(offset);
            let ok = |wnd, offset, len| acceptable(SeqNum(base), wnd, at(offset), len);
            assert!(ok(0, 0, 0) && !ok(0, 1, 0) && !ok(0, -1, 0) && !ok(0, 0, 1));
            assert!(ok(10, 0, 0) && ok(10, 9, 0) && !ok(10, 10, 0) && !ok(10, -1, 0));
            assert!(ok(10, 0, 1) && ok(10, 9, 1) && !ok(10, 10, 1) && !ok(10, -1, 1));
            assert!(ok(10, -1, 2) && ok(10, 9, 100) && !ok(10, -5, 5));
        }
    }
}
