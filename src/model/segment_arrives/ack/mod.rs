//! The fifth check: ACK (RFC 9293 section 3.10.7.4, RFC 5961 section 5).

pub(in crate::model) mod decisions;

use super::{Arriving, CheckResult};
use crate::model::context::Context;
use crate::model::seq::{later, leq, span};
use crate::model::tcb::Tcb;
use crate::rfc::State;
use crate::wire::SeqNum;
use core::ops::ControlFlow::{Break, Continue};

impl Tcb {
    /// A segment without ACK is dropped. What an ACK means depends on the state.
    pub(super) fn fifth_check_ack(&mut self, cx: &mut Context, segment: &Arriving) -> CheckResult {
        if !segment.ack_bit {
            return self.meet(cx, segment, decisions::without_ack(self, segment));
        }
        if self.state == State::SynReceived {
            return self.ack_in_syn_received(cx, segment);
        }
        self.meet(cx, segment, decisions::old_ack(self, segment))?;
        self.owed.now |= decisions::stray_ack_is_answered(self, segment);
        match decisions::ack_is_used(self, segment) {
            true => self.take_ack(cx, segment),
            false => self.meet(cx, segment, decisions::ack_of_unsent(self, segment)),
        }
    }

    /// SYN-RECEIVED: an ACK of our SYN establishes the connection, and the window is taken from it.
    fn ack_in_syn_received(&mut self, cx: &mut Context, segment: &Arriving) -> CheckResult {
        self.meet(cx, segment, decisions::ack_in_syn_received(self, segment))?;
        self.sample(cx, segment.ack, segment.timestamps.map(|(_, echo)| echo));
        self.acknowledged(decisions::acknowledged_with_syn(self, segment.ack));
        self.set_window(segment);
        self.establish(cx);
        self.release_held(cx);
        self.ack_of_fin(cx, segment)
    }

    /// The ACK processing of ESTABLISHED, and then what the later states do in addition.
    pub(super) fn take_ack(&mut self, cx: &mut Context, segment: &Arriving) -> CheckResult {
        self.ack_established(cx, segment)?;
        self.ack_of_fin(cx, segment)
    }

    /// ESTABLISHED and the states after it: what is acknowledged leaves the queue, the window is taken over, and an ACK
    /// of what was never sent is answered and dropped.
    fn ack_established(&mut self, cx: &mut Context, segment: &Arriving) -> CheckResult {
        self.meet(cx, segment, decisions::ack_of_unsent(self, segment))?;
        let una = later(self.snd_una, segment.ack);
        self.acknowledged(decisions::acknowledged_by_report(self, segment));
        let noted = decisions::reports_are_noted(self, segment);
        let news = noted && self.scoreboard.update(&segment.sack, una, self.snd_nxt);
        let marked = self.agreed.ecn && segment.ece;
        // This comes before acknowledged data leaves the queue, since the new window is half of FlightSize.
        if marked && leq(self.snd_una, segment.ack) && self.has_outstanding() {
            self.on_ecn_echo();
        }
        if decisions::ack_is_new(self, segment) {
            self.new_ack(cx, segment, marked);
        } else if decisions::ack_is_duplicate(self, segment, news) {
            self.on_duplicate_ack(cx);
        }
        if decisions::any_ack_restarts_timer(self) {
            self.restart_retransmission(cx);
        }
        self.rack_ack(cx, segment);
        self.owed.now |= decisions::bare_ack_is_answered(self, segment);
        if decisions::any_ack_is_measured(self) {
            self.sample(cx, segment.ack, segment.timestamps.map(|(_, echo)| echo));
        }
        self.take_window(segment);
        Continue(())
    }

    /// SND.UNA < SEG.ACK =< SND.NXT: SND.UNA = SEG.ACK.
    fn new_ack(&mut self, cx: &mut Context, segment: &Arriving, marked: bool) {
        let ack = decisions::acknowledged(self, segment.ack);
        let acked = span(self.snd_una, ack);
        self.sample(cx, ack, segment.timestamps.map(|(_, echo)| echo));
        self.acknowledged(ack);
        self.round_trip.backoffs = 0;
        if decisions::urgent_is_over(self) {
            self.snd_up = None;
        }
        self.note_acked_size(acked);
        if decisions::new_ack_restarts_timer(self) {
            self.restart_retransmission(cx);
        }
        self.timers.user = None;
        self.on_new_ack(cx, acked, marked);
    }

    /// What is acknowledged leaves the queue.
    pub(super) fn acknowledged(&mut self, una: SeqNum) {
        self.snd_una = una;
        self.queue.acknowledge(una);
    }

    /// The send window is taken from a segment that is not older than the last from which it was taken.
    fn take_window(&mut self, segment: &Arriving) {
        if decisions::window_is_taken(self, segment) {
            self.set_window(segment);
        }
        if segment.ack.before(self.snd_una) {
            return;
        }
        // The window has opened, and the octet of the probe was not accepted: it is sent together with the rest
        // (section 3.8.6.1).
        if self.snd_wnd > 0 && core::mem::take(&mut self.probed) && self.flight() == 1 && !self.fin_sent {
            self.snd_nxt = self.snd_una;
        }
        if decisions::answered_probe_counts(self) {
            self.timers.user = None;
            self.round_trip.backoffs = 0;
            self.probes = 0;
        }
    }

    fn set_window(&mut self, segment: &Arriving) {
        self.snd_wnd = decisions::window(self, segment);
        self.max_snd_wnd = self.max_snd_wnd.max(self.snd_wnd);
        self.snd_wl1 = segment.seq;
        self.snd_wl2 = segment.ack;
    }

    /// What the ACK of our FIN does: FIN-WAIT-1 becomes FIN-WAIT-2, CLOSING becomes TIME-WAIT, LAST-ACK becomes CLOSED.
    /// In TIME-WAIT only the peer's FIN can come again, which the first check has handled.
    fn ack_of_fin(&mut self, cx: &mut Context, segment: &Arriving) -> CheckResult {
        if decisions::own_fin_is_acknowledged(self) {
            let limit = decisions::fin_wait_2_lasts(self, cx);
            return self.enter(cx, decisions::state_after_ack_of_fin(self), limit);
        }
        match self.state {
            State::TimeWait => self.owed.now |= decisions::ack_in_time_wait_is_answered(self),
            // Otherwise the segment is ignored; but a FIN that comes again must be answered, since our ACK of it may be
            // lost.
            State::Closing if !segment.fin && segment.text.is_empty() => return Break(()),
            _ => (),
        }
        Continue(())
    }
}
