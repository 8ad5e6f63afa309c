//! The first check of the other states: the sequence number (RFC 9293 section 3.10.7.4), and before it PAWS (RFC 7323
//! section 5.3).

pub(in crate::model) mod decisions;

use self::decisions::{OldText, TimeWaitClock};
use super::{Arriving, CheckResult};
use crate::model::context::Context;
use crate::model::seq::span;
use crate::model::tcb::Tcb;
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
    /// R1 of RFC 7323 section 5.3: a segment with a timestamp older than TS.Recent is an old duplicate.
    pub(super) fn paws(&mut self, cx: &mut Context, segment: &Arriving) -> CheckResult {
        if !decisions::timestamp_is_checked(self, segment) {
            return Continue(());
        }
        let Some((value, _)) = segment.timestamps else {
            return self.meet(cx, segment, decisions::missing_timestamp(self, segment));
        };
        if !decisions::timestamp_is_old(self, cx, segment, value) {
            return Continue(());
        }
        self.note_duplicate(segment);
        self.meet(cx, segment, decisions::old_timestamp(self))
    }

    /// First: whether the segment lies in the window at all; the parts of it outside the window are cut off.
    pub(super) fn first_check_sequence(&mut self, cx: &mut Context, segment: &mut Arriving) -> CheckResult {
        self.repeated_syn(cx, segment)?;
        if !decisions::is_acceptable(self, segment) {
            return self.unacceptable(cx, segment);
        }
        self.update_ts_recent(cx, segment, true);
        if !segment.rst {
            self.owed.now |= self.note_duplicate(segment);
            self.trim(segment);
        }
        Continue(())
    }

    /// The peer's SYN comes again, or its SYN,ACK after its SYN has crossed with ours.
    fn repeated_syn(&mut self, cx: &mut Context, segment: &mut Arriving) -> CheckResult {
        if self.state != State::SynReceived || !segment.syn || segment.rst || segment.seq != self.irs {
            return Continue(());
        }
        self.ecn.withheld |= decisions::repeated_syn_withholds_ecn(self, segment);
        if decisions::is_simultaneous_syn_ack(self, segment) {
            segment.syn = false;
            segment.seq = segment.seq.advanced(1);
            return Continue(());
        }
        self.meet(cx, segment, decisions::repeated_syn(self))
    }

    /// An unacceptable segment is answered by an ACK, unless it is a reset. With a closed window its ACK and its urgent
    /// pointer are still processed (section 3.10.7.4; MUST-66), and so is a RST at RCV.NXT, whatever it carries. A FIN
    /// that comes again in TIME-WAIT restarts 2MSL.
    fn unacceptable(&mut self, cx: &mut Context, segment: &mut Arriving) -> CheckResult {
        if decisions::unacceptable_mark_counts(self, segment) {
            self.note_congestion_mark(segment);
        }
        self.update_ts_recent(cx, segment, false);
        let shut = self.rcv_wnd() == 0 && segment.seq == self.rcv_nxt && !segment.syn;
        if segment.rst {
            return if shut { Continue(()) } else { Break(()) };
        }
        match decisions::time_wait_clock(self, segment) {
            TimeWaitClock::RunsOn => (),
            TimeWaitClock::Restarts => self.start_time_wait(cx),
            TimeWaitClock::Ends => return self.enter(cx, State::Closed, None),
        }
        self.note_duplicate(segment);
        self.reply(cx, segment, decisions::unacceptable_draws(self, segment));
        if shut && decisions::closed_window_takes_ack(self) {
            segment.probes = !segment.text.is_empty();
            segment.text.clear();
            segment.fin = false;
            self.update_ts_recent(cx, segment, true);
            return Continue(());
        }
        Break(())
    }

    /// TS.Recent is taken from segments that begin at or below what was last acknowledged (RFC 7323 section 4.3).
    fn update_ts_recent(&mut self, cx: &Context, segment: &Arriving, acceptable: bool) {
        let Some((value, _)) = segment.timestamps else { return };
        if decisions::ts_recent_follows(self, cx, segment, acceptable) {
            if !decisions::held_text_stays(self, value) {
                self.received.forget_held();
            }
            self.ts_recent = value;
            self.ts_recent_at = cx.now;
        }
    }

    /// Cuts off what lies before RCV.NXT, where the SYN comes first, and what lies past the right edge, where the FIN
    /// comes last.
    fn trim(&mut self, segment: &mut Arriving) {
        if segment.syn && segment.seq.before(self.rcv_nxt) {
            segment.syn = false;
            segment.seq = segment.seq.advanced(1);
        }
        let old = usize::try_from(self.rcv_nxt.offset_from(segment.seq)).unwrap_or(0);
        if old > 0 {
            self.trim_old(segment, old);
        }
        let inside = decisions::text_inside(self, segment);
        segment.fin = decisions::fin_is_inside(self, segment);
        segment.text.truncate(inside);
    }

    /// Cuts off the first `old` numbers of a segment, which were received before.
    fn trim_old(&mut self, segment: &mut Arriving, old: usize) {
        segment.fin = decisions::fin_is_new(self, segment, old);
        match decisions::old_text(self, segment) {
            OldText::CutOff => drop(segment.text.drain(..old.min(segment.text.len()))),
            OldText::Kept => (),
            OldText::DropsAll => {
                segment.text.clear();
                segment.fin = false;
            }
        }
        segment.seq = self.rcv_nxt;
    }

    /// Notes the first stretch of a segment that was received before, to be reported (RFC 2883 section 4); whether
    /// there is any.
    fn note_duplicate(&mut self, segment: &Arriving) -> bool {
        let duplicate = decisions::duplicate(self, segment);
        self.reports.duplicate = duplicate.or(self.reports.duplicate);
        duplicate.is_some()
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
