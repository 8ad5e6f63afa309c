//! SYN-SENT (RFC 9293 section 3.10.7.3).

pub(in crate::model) mod decisions;

use self::decisions::SynText;
use super::ack::decisions::acknowledged_with_syn;
use super::{Arriving, CheckResult};
use crate::model::context::Context;
use crate::model::queues::SendQueue;
use crate::model::tcb::Tcb;
use crate::rfc::State;
use core::ops::ControlFlow::Continue;

impl Tcb {
    /// The checks in order: ACK, RST, (security,) SYN; anything else is dropped.
    pub(super) fn syn_sent(&mut self, cx: &mut Context, segment: Arriving) -> CheckResult {
        if segment.ack_bit {
            self.meet(cx, &segment, decisions::ack_in_syn_sent(self, &segment))?;
        }
        if segment.rst {
            return self.meet(cx, &segment, decisions::reset_in_syn_sent(self, &segment));
        }
        if !segment.syn {
            return self.meet(cx, &segment, decisions::without_syn(self, &segment));
        }
        self.syn_sent_fourth_syn(cx, segment)
    }

    /// Fourth, SYN: with an ACK of our SYN the connection is established, without an ACK it is a simultaneous open
    /// (section 3.5, figure 7). What else the SYN carries waits until then.
    fn syn_sent_fourth_syn(&mut self, cx: &mut Context, segment: Arriving) -> CheckResult {
        if !segment.ack_bit {
            self.meet(cx, &segment, decisions::crossing_syn(self, &segment))?;
        }
        self.set_irs(segment.seq);
        self.rcv_edge = self.rcv_nxt.advanced(i64::from(self.first_window(cx)));
        self.agree(cx, &segment);
        self.heard(cx);
        match segment.ack_bit {
            true => self.syn_ack_arrives(cx, &segment),
            false => self.crossing_syn_arrives(cx, &segment),
        }
        Continue(())
    }

    fn syn_ack_arrives(&mut self, cx: &mut Context, segment: &Arriving) {
        self.remember_server(cx, segment);
        self.sample(cx, segment.ack, segment.timestamps.map(|(_, echo)| echo));
        self.acknowledged(acknowledged_with_syn(self, segment.ack));
        self.first_send_window(segment);
        self.keep_text(segment, decisions::syn_ack_text(self, segment));
        self.reply(cx, segment, decisions::syn_ack_draws(self));
        self.establish(cx);
        if segment.urg {
            self.note_urgent(self.rcv_nxt.advanced(i64::from(segment.urgent)));
            self.tell_urgent(cx);
        }
        self.release_held(cx);
    }

    fn crossing_syn_arrives(&mut self, cx: &mut Context, segment: &Arriving) {
        self.first_send_window(segment);
        self.keep_syn_text(segment);
        self.state = State::SynReceived;
        self.timers.retransmission = None;
        self.reply(cx, segment, decisions::crossing_syn_draws(self));
    }

    fn first_send_window(&mut self, segment: &Arriving) {
        self.snd_wnd = self.offered(segment);
        self.max_snd_wnd = self.snd_wnd;
        self.snd_wl1 = segment.seq;
        self.snd_wl2 = segment.ack;
    }

    /// What a SYN without an ACK carries "should be queued for processing later".
    pub(in crate::model) fn keep_syn_text(&mut self, segment: &Arriving) {
        self.keep_text(segment, decisions::syn_text(self, segment));
    }

    fn keep_text(&mut self, segment: &Arriving, text: SynText) {
        if text != SynText::Discarded {
            self.hold_syn_text(segment);
        }
        if text == SynText::Acknowledged {
            let taken = self.received.take(self.rcv_nxt, &[]);
            self.syn_fin_acked = self.received.fin_is_next();
            self.rcv_nxt = self.rcv_nxt.advanced(i64::from(taken) + i64::from(self.syn_fin_acked));
        }
    }

    /// Text and FIN on a SYN are kept until the connection is established.
    fn hold_syn_text(&mut self, segment: &Arriving) {
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
        if !decisions::queue_is_kept(self) {
            self.queue = SendQueue::new(self.snd_nxt);
        }
        self.take_back_syn_text();
        self.timers.retransmission = None;
        self.timers.user = None;
        self.settle_rto();
        // The ACKs of the handshake do not enlarge cwnd (RFC 5681 section 3.1).
        if !self.fast_open {
            self.open_congestion_window(cx);
        }
        self.congestion.recover = self.snd_una;
        if let Some(id) = self.user.connect.take() {
            cx.answer(id, Ok(crate::stack::Answer::Ok));
        }
        self.before = None;
    }

    /// Delivers what was kept from the SYN.
    pub(in crate::model) fn release_held(&mut self, cx: &mut Context) {
        let taken = self.received.take(self.rcv_nxt, &[]);
        self.received.ready.truncate(decisions::octets_from_syn(self));
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
