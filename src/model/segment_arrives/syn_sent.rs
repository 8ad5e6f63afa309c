//! SYN-SENT (RFC 9293 section 3.10.7.3).

use super::closed::send_reset;
use super::{Arriving, Check};
use crate::model::config::SynData;
use crate::model::context::Context;
use crate::model::defect::Defect;
use crate::model::seq::leq;
use crate::model::tcb::{Opened, Tcb};
use crate::rfc::State;
use crate::stack::ErrorName;
use core::ops::ControlFlow::{Break, Continue};

impl Tcb {
    /// ACK, RST, (security,) SYN, and what is left.
    pub(super) fn syn_sent(&mut self, cx: &mut Context, segment: Arriving) -> Check {
        let acceptable = self.syn_sent_first_ack(cx, &segment)?;
        self.syn_sent_second_reset(cx, &segment, acceptable)?;
        // Fifth: neither SYN nor RST: drop. A FIN cannot be processed, there is nothing to check its number against.
        if !segment.syn {
            return self.without_syn(cx, &segment);
        }
        let refused = segment.fin && !cx.config.syn_fin;
        let with_text = self.snd_nxt != self.iss.advanced(1) && self.has(Defect::FastOpenCrossingRefused);
        if !segment.ack_bit && (refused || with_text || self.has(Defect::CrossingSynIgnored)) {
            return Break(());
        }
        self.syn_sent_fourth_syn(cx, segment)
    }

    /// Neither SYN nor RST: nothing happens.
    fn without_syn(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if self.has(Defect::SynSentAckEstablishes) && segment.ack_bit {
            self.snd_una = segment.ack;
            self.establish(cx);
        }
        if self.has(Defect::SynSentAnswersNonsense) {
            send_reset(cx, self.local, self.peer, segment);
        }
        Break(())
    }

    /// First, the ACK: one of anything but our SYN belongs to no connection of ours, and draws a reset. An ACK of part
    /// of what was sent is as good as one of all (the text warns of `==`).
    fn syn_sent_first_ack(&mut self, cx: &mut Context, segment: &Arriving) -> core::ops::ControlFlow<(), bool> {
        if !segment.ack_bit {
            return Continue(false);
        }
        let of_iss = segment.ack == self.iss && self.has(Defect::SynSentTakesAckOfIss);
        let part = segment.ack != self.snd_nxt && self.has(Defect::SynSentRefusesPartialAck);
        let bad = (leq(segment.ack, self.iss) && !of_iss) || self.snd_nxt.before(segment.ack) || part;
        let taken = self.has(Defect::SynSentTakesAnyAck) && !segment.rst;
        if bad && !taken {
            let quiet = segment.rst && !self.has(Defect::SynSentResetsResets);
            if !quiet && !self.has(Defect::SynSentBadAckSilent) {
                send_reset(cx, self.local, self.peer, segment);
            }
            if self.has(Defect::SynSentBadAckCloses) {
                self.end(cx, Some(ErrorName::Reset), "connection reset");
            }
            return Break(());
        }
        Continue(self.acks_new(segment.ack))
    }

    /// Second, RST: it counts only if its ACK is acceptable; then nobody listens there.
    fn syn_sent_second_reset(&mut self, cx: &mut Context, segment: &Arriving, acceptable: bool) -> Check {
        if !segment.rst {
            return Continue(());
        }
        let obeyed = acceptable || self.has(Defect::SynSentObeysAnyRst);
        if obeyed && !self.has(Defect::SynSentIgnoresRst) {
            self.end(cx, Some(ErrorName::Refused), "connection reset");
        }
        Break(())
    }

    /// Fourth, SYN: with an ACK of ours the connection is established, without one both ends open at once (section
    /// 3.5, figure 7). What else is on it waits until then.
    fn syn_sent_fourth_syn(&mut self, cx: &mut Context, segment: Arriving) -> Check {
        self.set_irs(segment.seq);
        self.rcv_edge = self.rcv_nxt.advanced(i64::from(self.first_window(cx)));
        self.agree(cx, &segment);
        self.heard(cx);
        let acked = segment.ack_bit;
        if acked {
            self.remember_server(cx, &segment);
            self.sample(cx, segment.ack, segment.timestamps.map(|(_, echo)| echo));
            self.snd_una = self.believed(segment.ack);
            self.queue.acknowledge(self.snd_una);
        }
        self.snd_wnd = self.offered(&segment);
        self.max_snd_wnd = self.snd_wnd;
        self.snd_wl1 = segment.seq;
        self.snd_wl2 = segment.ack;
        match acked {
            true if cx.config.unsaid.discard_syn_ack_text => (),
            true => self.hold_syn_text(&segment),
            false => self.keep_syn_text(cx, &segment),
        }
        if acked {
            self.owed.now = !self.has(Defect::SynAckNotAcked);
            self.establish(cx);
            if segment.urg {
                let first = self.rcv_nxt;
                self.note_urgent(first.advanced(i64::from(segment.urgent)));
                self.tell_urgent(cx);
            }
            self.release_held(cx);
            if self.has(Defect::SynAckTextLost) {
                self.received.ready.clear();
            }
        } else {
            self.state = State::SynReceived;
            self.timers.retransmission = None;
            if self.has(Defect::CrossingSynNewIss) {
                self.set_iss(self.iss.advanced(1));
            }
            if self.has(Defect::CrossingSynOnlyAcked) {
                self.owed.now = true;
            } else {
                self.send_syn(cx);
            }
        }
        Continue(())
    }

    /// What is on a SYN without an ACK "should be queued for processing later".
    pub(in crate::model) fn keep_syn_text(&mut self, cx: &Context, segment: &Arriving) {
        match cx.config.syn_data {
            SynData::Discard => (),
            SynData::Hold => self.hold_syn_text(segment),
            // Who brought no good cookie has the SYN acknowledged only (RFC 7413 section 4.2.2).
            SynData::Acknowledge if self.cookie.is_some() => self.hold_syn_text(segment),
            SynData::Acknowledge => {
                self.hold_syn_text(segment);
                let taken = self.received.take(self.rcv_nxt, &[]);
                self.syn_fin_acked = self.received.fin_is_next();
                self.rcv_nxt = self.rcv_nxt.advanced(i64::from(taken) + i64::from(self.syn_fin_acked));
            }
        }
    }

    /// Text and FIN on a SYN are kept until the connection is established.
    pub(in crate::model) fn hold_syn_text(&mut self, segment: &Arriving) {
        let room = self.rcv_wnd() as usize;
        let text = &segment.text[..segment.text.len().min(room)];
        if !text.is_empty() {
            self.received.hold(self.rcv_nxt, self.rcv_nxt, text);
        }
        if segment.fin && segment.text.len() < room {
            let fin = self.rcv_nxt.advanced(text.len() as i64);
            self.received.hold_fin(self.rcv_nxt, fin);
        }
    }

    /// ESTABLISHED (from SYN-SENT and SYN-RECEIVED): the OPEN has succeeded, sending begins; a CLOSE that waited for
    /// this moment takes place.
    pub(in crate::model) fn establish(&mut self, cx: &mut Context) {
        self.state = if self.closing {
            State::FinWait1
        } else {
            State::Established
        };
        if self.has(Defect::SendWhileOpeningLost) {
            self.queue.flush();
            self.queue = crate::model::queues::SendQueue::new(self.snd_nxt);
        }
        self.take_back_syn_text();
        self.timers.retransmission = None;
        self.timers.user = None;
        self.settle_rto();
        // The handshake's ACKs do not enlarge it (RFC 5681 section 3.1).
        if !self.fast_open {
            self.open_congestion_window(cx);
        }
        self.congestion.recover = self.snd_una;
        if let Some(id) = self.user.connect.take() {
            cx.answer(id, Ok(crate::stack::Answer::Ok));
        }
        self.before = None;
    }

    /// Hands what was kept from the SYN to the user.
    pub(in crate::model) fn release_held(&mut self, cx: &mut Context) {
        let taken = self.received.take(self.rcv_nxt, &[]);
        if self.opened == Opened::Active && self.has(Defect::SynAckTextLost) {
            self.received.ready.clear();
        }
        if taken > 0 {
            self.rcv_nxt = self.rcv_nxt.advanced(i64::from(taken));
            self.owed.now = true;
        }
        if !self.received.ready.is_empty() {
            self.serve_receives(cx);
        }
        if self.received.fin_is_next() && !self.fin_received {
            let acked = core::mem::take(&mut self.syn_fin_acked);
            self.rcv_nxt = self.rcv_nxt.advanced(-i64::from(acked));
            self.take_fin(cx);
            self.owed.now &= !acked;
        }
    }
}
