//! The fifth check: ACK (RFC 9293 section 3.10.7.4, RFC 5961 section 5).

use super::closed::send_reset;
use super::{Arriving, Check};
use crate::model::context::Context;
use crate::model::defect::Defect;
use crate::model::seq::{leq, span};
use crate::model::tcb::Tcb;
use crate::rfc::State;
use crate::wire::SeqNum;
use core::ops::ControlFlow::{Break, Continue};
use core::time::Duration;

impl Tcb {
    /// Without ACK the segment is dropped. Otherwise what it means depends on the state.
    pub(super) fn fifth_check_ack(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if !segment.ack_bit {
            if self.has(Defect::MissingAckTaken) && self.is_synchronized() {
                return Continue(());
            }
            if self.has(Defect::MissingAckAnswered) {
                self.owed.now = true;
            }
            if self.is_synchronized() && self.acks_new(segment.ack) && self.has(Defect::AckFieldReadWithoutFlag) {
                self.ack_established(cx, segment)?;
                self.ack_of_fin(cx, segment)?;
            }
            return Break(());
        }
        if self.state == State::SynReceived {
            return self.ack_in_syn_received(cx, segment);
        }
        self.ack_range_check(cx, segment)?;
        let stray = self.state == State::LastAck && !self.acks_new(segment.ack);
        self.owed.now |= stray && cx.config.unsaid.answer_in_last_ack;
        self.ack_established(cx, segment)?;
        self.ack_of_fin(cx, segment)
    }

    /// The blind data mitigation (RFC 5961 section 5, MAY-12): an ACK far below what is outstanding is nobody's who
    /// sees the connection. In SYN-RECEIVED the text of 3.10.7.4 answers with a reset instead.
    fn ack_range_check(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        let span = if self.has(Defect::NearOldAckRefused) {
            0
        } else if self.has(Defect::AckRangeOfLastWindow) {
            self.snd_wnd
        } else {
            self.max_snd_wnd
        };
        let least = self.snd_una.advanced(-i64::from(span));
        if segment.fin && self.has(Defect::FarOldAckSparesFin) {
            return Continue(());
        }
        if cx.config.ack_range_check && segment.ack.before(least) {
            if self.has(Defect::FarOldAckReset) {
                send_reset(cx, self.local, self.peer, segment);
                return Break(());
            }
            self.owed.now = !self.has(Defect::FarOldAckSilent);
            return Break(());
        }
        Continue(())
    }

    /// SYN-RECEIVED: an ACK of our SYN establishes the connection, and the window is taken from it; any other draws a
    /// reset.
    fn ack_in_syn_received(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if !self.acks_new(segment.ack) && !self.has(Defect::SynReceivedAnyAckEstablishes) {
            return self.bad_ack_in_syn_received(cx, segment);
        }
        self.sample(cx, segment.ack, segment.timestamps.map(|(_, echo)| echo));
        self.snd_una = self.believed(segment.ack);
        self.queue.acknowledge(self.snd_una);
        self.set_window(segment);
        self.establish(cx);
        self.release_held(cx);
        self.ack_of_fin(cx, segment)
    }

    /// ESTABLISHED and the states after it: what is acknowledged leaves the queue, the window is taken over, and an ACK
    /// of what was never sent is answered and dropped.
    fn ack_established(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if self.snd_nxt.before(segment.ack) && !self.has(Defect::AckOfUnsentTaken) {
            return self.ack_of_unsent(cx, segment);
        }
        let news = self.takes_reports(segment);
        let marked = self.agreed.ecn && segment.ece;
        // Before what it acknowledges leaves the flight, whose half is the new window.
        if marked && leq(self.snd_una, segment.ack) && self.has_outstanding() {
            self.on_ecn_echo();
        }
        if self.takes_as_new(segment) {
            self.new_ack(cx, segment, marked);
        } else if self.is_duplicate_ack(segment, news) {
            self.on_duplicate_ack(cx);
        }
        if self.has_outstanding() && self.has(Defect::TimerRestartedByAnything) {
            self.restart_retransmission(cx);
        }
        self.rack_ack(cx, segment);
        if self.has(Defect::BareAckAnswered) && segment.text.is_empty() && !segment.fin {
            self.owed.now = true;
        }
        if self.has(Defect::RttFromAnyAck) {
            self.sample(cx, segment.ack, segment.timestamps.map(|(_, echo)| echo));
        }
        self.take_window(segment);
        Continue(())
    }

    fn bad_ack_in_syn_received(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if self.has(Defect::SynReceivedBadAckAcked) {
            self.owed.now = true;
        } else if !self.has(Defect::SynReceivedBadAckSilent) {
            send_reset(cx, self.local, self.peer, segment);
        }
        if self.has(Defect::SynReceivedBadAckCloses) {
            self.end(cx, None, "");
        }
        Break(())
    }

    /// What the peer reports, unless a mistake loses it; answers whether it was news.
    fn takes_reports(&mut self, segment: &Arriving) -> bool {
        let una = later_una(self, segment);
        if self.has(Defect::ReportedDataReleased)
            && let Some((_, right)) = segment.sack.first()
            && self.acks_new(SeqNum(*right))
        {
            self.snd_una = SeqNum(*right);
            self.queue.acknowledge(self.snd_una);
        }
        let after_timeout = self.congestion.mode == crate::model::congestion::Mode::Loss;
        if self.has(Defect::ReportsIgnored) || (self.has(Defect::ReportsIgnoredAfterTimeout) && after_timeout) {
            return self.agreed.sack && !segment.sack.is_empty();
        }
        self.agreed.sack && self.scoreboard.update(&segment.sack, una, self.snd_nxt)
    }

    fn takes_as_new(&self, segment: &Arriving) -> bool {
        if self.has(Defect::PartialAckIgnored) && segment.ack != self.snd_nxt {
            return false;
        }
        let unsent = self.has(Defect::AckOfUnsentTaken) && self.snd_nxt.before(segment.ack);
        let old = self.has(Defect::OldAckTakenAsNew) && leq(segment.ack, self.snd_una) && self.has_outstanding();
        let unwrapped = self.has(Defect::AckComparedWithoutWrap) && segment.ack.0 < self.snd_una.0;
        (self.acks_new(segment.ack) && !unwrapped) || unsent || old
    }

    /// Up to where an ACK is believed.
    fn effective_ack(&self, ack: SeqNum) -> SeqNum {
        if self.has(Defect::AckOneTooLow) && ack == self.snd_nxt && !self.fin_sent {
            return ack.advanced(-1);
        }
        if self.has(Defect::AckOneTooHigh) && ack.before(self.snd_nxt) {
            return ack.advanced(1);
        }
        self.believed(ack)
    }

    /// It is answered, and the segment is dropped.
    fn ack_of_unsent(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if self.has(Defect::AckOfUnsentReset) {
            send_reset(cx, self.local, self.peer, segment);
            return Break(());
        }
        self.owed.now = !self.has(Defect::AckOfUnsentSilent);
        if self.has(Defect::AckOfUnsentKeepsText) {
            return Continue(());
        }
        Break(())
    }

    /// SND.UNA < SEG.ACK =< SND.NXT: SND.UNA = SEG.ACK.
    fn new_ack(&mut self, cx: &mut Context, segment: &Arriving, marked: bool) {
        let ack = self.effective_ack(segment.ack);
        let acked = span(self.snd_una, ack);
        self.sample(cx, ack, segment.timestamps.map(|(_, echo)| echo));
        self.snd_una = ack;
        self.queue.acknowledge(self.snd_una);
        self.round_trip.backoffs = 0;
        if self.snd_up.is_some_and(|up| leq(up, self.snd_una)) && !self.has(Defect::UrgentStaysMarked) {
            self.snd_up = None;
        }
        self.note_acked_size(acked);
        let partial = self.congestion.mode == crate::model::congestion::Mode::NewReno;
        if !(partial && self.has(Defect::PartialAckLeavesTimer)) {
            self.restart_retransmission(cx);
        }
        self.timers.user = None;
        self.on_new_ack(cx, acked, marked);
    }

    /// A duplicate ACK: something is outstanding, and the segment brings neither data nor a new window (RFC 5681 section
    /// 2); with SACK, it tells of something that came (RFC 6675 section 5).
    fn is_duplicate_ack(&self, segment: &Arriving, news: bool) -> bool {
        let here = segment.ack == self.snd_una && self.has_outstanding();
        if self.agreed.sack {
            let bare = self.has(Defect::BareDuplicatesCounted) && segment.sack.is_empty() && segment.text.is_empty();
            let believed = self.has(Defect::DuplicateReportBelieved) && !segment.sack.is_empty();
            return here && (news || bare || believed);
        }
        let same_window = self.offered(segment) == self.snd_wnd;
        here && segment.text.is_empty() && !segment.fin && same_window && self.snd_wnd > 0
    }

    /// The window is taken from a segment that is newer than the last one it was taken from: by SND.WL1 and SND.WL2, so
    /// that reordered segments do no harm.
    fn take_window(&mut self, segment: &Arriving) {
        if segment.ack.before(self.snd_una) && !self.has(Defect::WindowFromOldSegments) {
            return;
        }
        if segment.fin && self.has(Defect::WindowOnFinIgnored) {
            return;
        }
        let newer = self.snd_wl1.before(segment.seq);
        let same = self.snd_wl1 == segment.seq && leq(self.snd_wl2, segment.ack);
        let only_news = self.has(Defect::WindowIgnoredOnDuplicates) && segment.ack == self.snd_wl2;
        let taken = (newer || same || self.has(Defect::WindowFromOldSegments)) && !only_news;
        if taken && !self.has(Defect::WindowFrozen) {
            self.set_window(segment);
        }
        // The window has opened, and the probe's octet was not taken: it goes out with the rest (section 3.8.6.1).
        if self.snd_wnd > 0 && core::mem::take(&mut self.probed) && self.flight() == 1 && !self.fin_sent {
            self.snd_nxt = self.snd_una;
        }
        // An answered probe: the peer lives, however long its window stays shut (section 3.8.6.1, MUST-37).
        if (self.snd_wnd == 0 || self.timers.persist.is_some()) && !self.has(Defect::ProbeGivesUp) {
            self.timers.user = None;
            self.round_trip.backoffs = 0;
            self.probes = 0;
        }
    }

    fn set_window(&mut self, segment: &Arriving) {
        self.snd_wnd = match self.has(Defect::WindowNeverShrinks) {
            true => self.offered(segment).max(self.snd_wnd),
            false => self.offered(segment),
        };
        self.max_snd_wnd = self.max_snd_wnd.max(self.snd_wnd);
        self.snd_wl1 = segment.seq;
        self.snd_wl2 = segment.ack;
    }

    /// What the ACK of our FIN means: FIN-WAIT-1 to FIN-WAIT-2, CLOSING to TIME-WAIT, LAST-ACK to CLOSED. In TIME-WAIT
    /// only the peer's FIN can come again, which the first check has seen to.
    fn ack_of_fin(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        let stuck = (self.has(Defect::FinWait1NeverLeft) && self.state == State::FinWait1)
            || (self.has(Defect::LastAckNeverLeft) && self.state == State::LastAck)
            || (self.has(Defect::ClosingNeverLeft) && self.state == State::Closing);
        let acked = self.fin_is_acked() && !stuck;
        match self.state {
            State::FinWait1 if acked || self.has(Defect::FinWait1LeftByAnyAck) => {
                self.state = State::FinWait2;
                let limit = cx.config.fin_wait_2_limit.filter(|_| self.user.deaf);
                let hasty = self.has(Defect::FinWait2Limited).then_some(Duration::from_secs(60));
                self.timers.fin_wait_2 = hasty.or(limit).map(|limit| cx.now + limit);
            }
            State::Closing if acked && self.has(Defect::ClosingSkipsTimeWait) => {
                self.end(cx, None, "");
                return Break(());
            }
            State::Closing if acked || self.has(Defect::ClosingLeftByAnyAck) => {
                self.state = State::TimeWait;
                self.start_time_wait(cx);
            }
            State::LastAck if acked && self.has(Defect::LastAckEntersTimeWait) => {
                self.state = State::TimeWait;
                self.start_time_wait(cx);
            }
            State::LastAck if acked || self.has(Defect::LastAckLeftByAnyAck) => {
                self.end(cx, None, "");
                return Break(());
            }
            State::TimeWait => self.owed.now |= cx.config.time_wait_answers,
            // Otherwise the segment is ignored; but a FIN that comes again must be answered, its ACK may be lost.
            State::Closing if !segment.fin && segment.text.is_empty() && !self.has(Defect::DataAfterFinTaken) => {
                return Break(());
            }
            _ => (),
        }
        Continue(())
    }
}

/// SND.UNA as it will be when the ACK has been taken.
fn later_una(tcb: &Tcb, segment: &Arriving) -> crate::wire::SeqNum {
    crate::model::seq::later(tcb.snd_una, segment.ack)
}
