//! The fifth check: ACK (RFC 9293 section 3.10.7.4, RFC 5961 section 5).

use super::closed::send_reset;
use super::{Arriving, Check};
use crate::case::State;
use crate::model::context::Context;
use crate::model::seq::{leq, span};
use crate::model::tcb::Tcb;
use core::ops::ControlFlow::{Break, Continue};

impl Tcb {
    /// Without ACK the segment is dropped. Otherwise what it means depends on the state.
    pub(super) fn fifth_check_ack(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if !segment.ack_bit {
            return Break(());
        }
        if self.state == State::SynReceived {
            return self.ack_in_syn_received(cx, segment);
        }
        self.ack_range_check(cx, segment)?;
        self.ack_established(cx, segment)?;
        self.ack_of_fin(cx, segment)
    }

    /// The blind data mitigation (RFC 5961 section 5, MAY-12): an ACK far below what is outstanding is nobody's who
    /// sees the connection. In SYN-RECEIVED the text of 3.10.7.4 answers with a reset instead.
    fn ack_range_check(&mut self, cx: &Context, segment: &Arriving) -> Check {
        let least = self.snd_una.advanced(-i64::from(self.max_snd_wnd));
        if cx.config.ack_range_check && segment.ack.before(least) {
            self.owed.now = true;
            return Break(());
        }
        Continue(())
    }

    /// SYN-RECEIVED: an ACK of our SYN establishes the connection, and the window is taken from it; any other draws a
    /// reset.
    fn ack_in_syn_received(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if !self.acks_new(segment.ack) {
            send_reset(cx, self.local, self.peer, segment);
            return Break(());
        }
        self.sample(cx, segment.ack, segment.timestamps.map(|(_, echo)| echo));
        self.snd_una = segment.ack;
        self.queue.acknowledge(self.snd_una);
        self.set_window(segment);
        self.establish(cx);
        self.release_held(cx);
        self.ack_of_fin(cx, segment)
    }

    /// ESTABLISHED and the states after it: what is acknowledged leaves the queue, the window is taken over, and an ACK
    /// of what was never sent is answered and dropped.
    fn ack_established(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if self.snd_nxt.before(segment.ack) {
            self.owed.now = true;
            return Break(());
        }
        let news = self.agreed.sack
            && self
                .scoreboard
                .update(&segment.sack, later_una(self, segment), self.snd_nxt);
        let marked = self.agreed.ecn && segment.ece;
        if self.acks_new(segment.ack) {
            self.new_ack(cx, segment, marked);
        } else if self.is_duplicate_ack(segment, news) {
            self.on_duplicate_ack(cx);
        }
        if marked && leq(self.snd_una, segment.ack) && self.has_outstanding() {
            self.on_ecn_echo();
        }
        self.take_window(segment);
        Continue(())
    }

    /// SND.UNA < SEG.ACK =< SND.NXT: SND.UNA = SEG.ACK.
    fn new_ack(&mut self, cx: &mut Context, segment: &Arriving, marked: bool) {
        let acked = span(self.snd_una, segment.ack);
        self.sample(cx, segment.ack, segment.timestamps.map(|(_, echo)| echo));
        self.snd_una = segment.ack;
        self.queue.acknowledge(self.snd_una);
        self.round_trip.backoffs = 0;
        if self.snd_up.is_some_and(|up| leq(up, self.snd_una)) {
            self.snd_up = None;
        }
        self.note_acked_size(acked);
        self.restart_retransmission(cx);
        self.timers.user = None;
        self.on_new_ack(cx, acked, marked);
    }

    /// A duplicate ACK: something is outstanding, and the segment brings neither data nor a new window (RFC 5681 section
    /// 2); with SACK, it tells of something that came (RFC 6675 section 5).
    fn is_duplicate_ack(&self, segment: &Arriving, news: bool) -> bool {
        let here = segment.ack == self.snd_una && self.has_outstanding();
        if self.agreed.sack {
            return here && news;
        }
        let same_window = self.offered(segment) == self.snd_wnd;
        here && segment.text.is_empty() && !segment.fin && same_window && self.snd_wnd > 0
    }

    /// The window is taken from a segment that is newer than the last one it was taken from: by SND.WL1 and SND.WL2, so
    /// that reordered segments do no harm.
    fn take_window(&mut self, segment: &Arriving) {
        if segment.ack.before(self.snd_una) {
            return;
        }
        let newer = self.snd_wl1.before(segment.seq);
        let same = self.snd_wl1 == segment.seq && leq(self.snd_wl2, segment.ack);
        if newer || same {
            self.set_window(segment);
        }
        // The window has opened, and the probe's octet was not taken: it goes out with the rest (section 3.8.6.1).
        if self.snd_wnd > 0 && core::mem::take(&mut self.probed) && self.flight() == 1 && !self.fin_sent {
            self.snd_nxt = self.snd_una;
        }
        // An answered probe: the peer lives, however long its window stays shut (section 3.8.6.1, MUST-37).
        if self.snd_wnd == 0 {
            self.timers.user = None;
            self.round_trip.backoffs = 0;
        }
    }

    fn set_window(&mut self, segment: &Arriving) {
        self.snd_wnd = self.offered(segment);
        self.max_snd_wnd = self.max_snd_wnd.max(self.snd_wnd);
        self.snd_wl1 = segment.seq;
        self.snd_wl2 = segment.ack;
    }

    /// What the ACK of our FIN means: FIN-WAIT-1 to FIN-WAIT-2, CLOSING to TIME-WAIT, LAST-ACK to CLOSED. In TIME-WAIT
    /// only the peer's FIN can come again, which the first check has seen to.
    fn ack_of_fin(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        let acked = self.fin_is_acked();
        match self.state {
            State::FinWait1 if acked => {
                self.state = State::FinWait2;
                let limit = cx.config.fin_wait_2_limit.filter(|_| self.user.deaf);
                self.timers.fin_wait_2 = limit.map(|limit| cx.now + limit);
            }
            State::Closing if acked => {
                self.state = State::TimeWait;
                self.start_time_wait(cx);
            }
            State::LastAck if acked => {
                self.end(cx, None, "");
                return Break(());
            }
            // Otherwise the segment is ignored; but a FIN that comes again must be answered, its ACK may be lost.
            State::Closing if !segment.fin => return Break(()),
            _ => (),
        }
        Continue(())
    }
}

/// SND.UNA as it will be when the ACK has been taken.
fn later_una(tcb: &Tcb, segment: &Arriving) -> crate::wire::SeqNum {
    crate::model::seq::later(tcb.snd_una, segment.ack)
}
