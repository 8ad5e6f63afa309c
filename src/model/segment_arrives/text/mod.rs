//! The sixth check, URG, and the seventh, the text (RFC 9293 section 3.10.7.4), and congestion marks on text (RFC 3168
//! section 6.1.3).

pub(in crate::model) mod decisions;

use self::decisions::AboveGap;
use super::{Arriving, CheckResult};
use crate::model::context::Context;
use crate::model::seq::later;
use crate::model::tcb::Tcb;
use crate::wire::SeqNum;
use core::ops::ControlFlow::Continue;

impl Tcb {
    /// CE on data sets ECE on every ACK until CWR comes (RFC 3168 section 6.1.3).
    pub(super) fn note_congestion_mark(&mut self, segment: &Arriving) {
        if self.agreed.ecn {
            self.ecn.echo = decisions::echoes_marks(self, segment);
        }
    }

    /// Sixth: RCV.UP = max(RCV.UP, SEG.UP), and the user is told. Urgent data stays in the stream (RFC 6093). After the
    /// peer's FIN the urgent pointer is ignored.
    pub(super) fn sixth_check_urgent(&mut self, cx: &mut Context, segment: &Arriving) -> CheckResult {
        if segment.urg && decisions::takes_text(self) {
            self.note_urgent(segment.seq.advanced(i64::from(segment.urgent)));
            self.tell_urgent(cx);
        }
        self.meet(cx, segment, decisions::urgent_text(self, segment))
    }

    pub(super) fn note_urgent(&mut self, up: SeqNum) {
        self.rcv_up = Some(self.rcv_up.map_or(up, |known| later(known, up)));
    }

    /// Seventh: text in order is delivered, together with the text that was held behind it; text above a gap is held.
    /// After the peer's FIN there should be no text, and it is ignored.
    pub(super) fn seventh_text(&mut self, cx: &mut Context, segment: &Arriving) -> CheckResult {
        if segment.text.is_empty() {
            return Continue(());
        }
        if !decisions::takes_text(self) {
            self.owed.now |= decisions::text_after_fin_is_answered(self);
            return Continue(());
        }
        self.meet(cx, segment, decisions::unread_text(self))?;
        match segment.seq == self.rcv_nxt {
            true => self.text_in_order(cx, segment),
            false => self.text_above_gap(cx, segment),
        }
        Continue(())
    }

    /// RCV.NXT moves over the text and over the held text behind it, and the user gets both.
    fn text_in_order(&mut self, cx: &mut Context, segment: &Arriving) {
        self.pushed = segment.psh;
        let fills = self.received.has_gap();
        let taken = self.received.take(self.rcv_nxt, &segment.text);
        self.rcv_nxt = self.rcv_nxt.advanced(i64::from(taken));
        self.owe_ack(cx, taken);
        self.owed.now |= decisions::filled_gap_is_acknowledged(self, fills);
        let delivered = decisions::octets_delivered(self, cx, segment);
        self.received.ready.truncate(delivered);
        self.serve_receives(cx);
        if self.received.fin_is_next() {
            self.take_fin(cx);
        }
    }

    fn text_above_gap(&mut self, cx: &mut Context, segment: &Arriving) {
        self.acknowledge_it(cx, decisions::gap_is_acknowledged(self));
        self.quick_acks = cx.config.quick_acks;
        match decisions::text_above_gap(self, cx, segment.text.len()) {
            AboveGap::Waits => (),
            AboveGap::ThrownAway => return,
            AboveGap::CutsOffTheRest => self.received.cut_behind(self.rcv_nxt, segment.seq, &segment.text),
            AboveGap::Delivered => {
                self.received.ready.extend(&segment.text);
                self.serve_receives(cx);
            }
        }
        self.received.hold(self.rcv_nxt, segment.seq, &segment.text);
        self.reports.note(segment.seq);
    }
}
