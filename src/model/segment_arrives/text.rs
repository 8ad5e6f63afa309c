//! The sixth check, URG, and the seventh, the text (RFC 9293 section 3.10.7.4); and marks on what carries text (RFC 3168
//! section 6.1.3).

use super::{Arriving, Check};
use crate::model::config::LostData;
use crate::model::context::Context;
use crate::model::defect::Defect;
use crate::model::seq::later;
use crate::model::tcb::Tcb;
use crate::rfc::State;
use crate::stack::ErrorName;
use crate::wire::{Ecn, SeqNum};
use core::ops::ControlFlow::{Break, Continue};

impl Tcb {
    /// Whether the peer may still send text: not after its FIN.
    fn takes_text(&self) -> bool {
        match self.state {
            State::CloseWait | State::Closing | State::LastAck | State::TimeWait
                if self.has(Defect::DataAfterFinTaken) =>
            {
                true
            }
            State::FinWait1 | State::FinWait2 if self.has(Defect::HalfCloseClosesBoth) => false,
            State::Established | State::FinWait1 | State::FinWait2 => true,
            State::Closed
            | State::Listen
            | State::SynSent
            | State::SynReceived
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => false,
        }
    }

    /// CE on data sets ECE on every ACK until CWR comes; a mark on the segment with CWR begins anew (RFC 3168 section
    /// 6.1.3). What lies outside the window never gets here, but for a probe of a closed one: whoever sent that knows the
    /// very number that is due (section 6.1.6).
    pub(super) fn note_congestion_mark(&mut self, segment: &Arriving) {
        if !self.agreed.ecn {
            return;
        }
        if segment.cwr && !self.has(Defect::EcnEchoEndless) {
            self.ecn.echo = false;
        }
        let unsaid = self.has(Defect::EcnEchoMissing) || (segment.cwr && self.has(Defect::CwrOverMark));
        let probe = segment.probes && !self.has(Defect::EcnMarkOnProbeIgnored);
        if segment.ecn == Ecn::Ce && (!segment.text.is_empty() || probe) && !unsaid {
            self.ecn.echo = true;
        } else if self.has(Defect::EcnEchoOfLast) {
            self.ecn.echo = false;
        }
    }

    /// Sixth: RCV.UP = max(RCV.UP, SEG.UP), and the user is told, for whom urgent data stays part of the stream (RFC
    /// 6093). After the peer's FIN it is ignored.
    pub(super) fn sixth_check_urgent(&mut self, cx: &mut Context, segment: &Arriving) {
        if self.has(Defect::UrgentResets) && segment.urg {
            self.timers.time_wait = Some(crate::time::Instant::ZERO);
        }
        if segment.urg && self.takes_text() {
            self.note_urgent(segment.seq.advanced(i64::from(segment.urgent)));
            self.tell_urgent(cx);
        }
    }

    pub(super) fn note_urgent(&mut self, up: SeqNum) {
        self.rcv_up = Some(self.rcv_up.map_or(up, |known| later(known, up)));
    }

    /// Seventh: text in order goes to the user, together with what waited for it; text above a gap waits. After the
    /// peer's FIN there should be none, and it is ignored.
    pub(super) fn seventh_text(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if self.has(Defect::UrgentDropped) && segment.urg {
            return Break(());
        }
        if segment.text.is_empty() {
            return Continue(());
        }
        if !self.takes_text() {
            self.owed.now |= cx.config.unsaid.answer_text_after_fin && self.fin_received;
            return Continue(());
        }
        if self.user.deaf && cx.config.data_after_close == LostData::Reset && !self.has(Defect::DataAfterCloseSilent) {
            return self.reset_for_lost_data(cx);
        }
        if self.has(Defect::DeliversAboveGap) && segment.seq != self.rcv_nxt {
            self.received.ready.extend(&segment.text);
            self.serve_receives(cx);
        }
        if segment.seq != self.rcv_nxt {
            // At once, so that the peer learns of the gap (RFC 5681 section 4.2).
            self.owed.now = !self.has(Defect::GapNotAcked);
            if self.has(Defect::GapAckDelayed) {
                self.owed.now = false;
                self.owe_ack(cx, 1);
            }
            if cx.config.keep_out_of_order && !self.has(Defect::DropsAboveGap) {
                if self.has(Defect::ContainedSegmentCutsHeldIsland) {
                    self.received.cut_behind(self.rcv_nxt, segment.seq, &segment.text);
                }
                self.received.hold(self.rcv_nxt, segment.seq, &segment.text);
                self.reports.note(segment.seq);
            }
            return Continue(());
        }
        self.pushed = segment.psh;
        let fills = self.received.has_gap();
        let taken = self.received.take(self.rcv_nxt, &segment.text);
        if self.has(Defect::UrgentOctetLost) && segment.urg {
            self.received.ready.pop_back();
        }
        self.rcv_nxt = self.rcv_nxt.advanced(i64::from(taken));
        if self.has(Defect::RightOverlapLost) {
            self.received.ready.truncate(self.receive_buffer(cx));
        }
        self.owe_ack(cx, taken);
        self.owed.now |= fills && !self.has(Defect::GapFillAckDelayed);
        if self.user.deaf {
            self.received.ready.clear();
        }
        if self.has(Defect::TextWithFinLost) && segment.fin {
            self.received.ready.clear();
        }
        self.serve_receives(cx);
        if self.received.fin_is_next() {
            self.take_fin(cx);
        }
        Continue(())
    }

    /// The user has closed and reads no more: the peer must learn that its data is lost (section 3.6.1, SHLD-3).
    fn reset_for_lost_data(&mut self, cx: &mut Context) -> Check {
        self.send_reset(cx);
        self.end(cx, Some(ErrorName::Reset), "data after CLOSE");
        Break(())
    }
}
