//! The eighth check: FIN (RFC 9293 section 3.10.7.4).

use super::{Arriving, Check};
use crate::model::config::SecondFin;
use crate::model::context::Context;
use crate::model::defect::Defect;
use crate::model::seq::plus;
use crate::model::tcb::Tcb;
use crate::rfc::State;
use core::ops::ControlFlow::Continue;

impl Tcb {
    /// A FIN in order is taken; one above a gap waits for what lies before it; one after the peer's FIN is none, but is
    /// answered, and restarts 2MSL.
    pub(super) fn eighth_check_fin(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if !segment.fin || self.state == State::Closed {
            return Continue(());
        }
        self.owed.now = !self.has(Defect::FinNotAcked) && !self.has(Defect::FinAckDelayed);
        if self.has(Defect::SecondFinCounted) && self.fin_received && segment.seq == self.rcv_nxt {
            self.state = State::TimeWait;
            self.start_time_wait(cx);
            return Continue(());
        }
        if self.fin_received {
            return self.second_fin(cx, segment);
        }
        let fin = plus(segment.seq, segment.text.len());
        if self.has(Defect::FinTakenAboveGap) && self.rcv_nxt.before(fin) {
            self.rcv_nxt = fin;
        }
        if fin == self.rcv_nxt {
            self.take_fin(cx);
        } else if cx.config.keep_out_of_order_fin && self.rcv_nxt.before(fin) && !self.has(Defect::FinDroppedAboveGap) {
            self.received.hold_fin(self.rcv_nxt, fin);
        }
        Continue(())
    }

    fn second_fin(&mut self, cx: &Context, segment: &Arriving) -> Check {
        match cx.config.unsaid.second_fin {
            // The first once more, which was taken from a SYN a moment ago.
            _ if plus(segment.seq, segment.text.len()).before(self.rcv_nxt) => (),
            SecondFin::Answer => (),
            SecondFin::Count if segment.seq == self.rcv_nxt && segment.text.is_empty() => {
                self.rcv_nxt = self.rcv_nxt.advanced(1);
            }
            SecondFin::Count => (),
            SecondFin::Ignore => self.owed.now = false,
        }
        if self.state == State::TimeWait {
            self.start_time_wait(cx);
        }
        Continue(())
    }

    /// RCV.NXT moves over the FIN, it is acknowledged, and the user hears that the stream has ended.
    pub(in crate::model) fn take_fin(&mut self, cx: &mut Context) {
        self.fin_received = true;
        if self.has(Defect::EndBeforeData) {
            self.received.ready.clear();
        }
        if !self.has(Defect::PeersFinNotCounted) {
            self.rcv_nxt = self.rcv_nxt.advanced(1);
        }
        self.owed.now = !self.has(Defect::FinNotAcked);
        if self.has(Defect::FinAckDelayed) {
            self.owed.now = false;
            self.owe_ack(cx, 1);
        }
        match self.state {
            State::SynReceived | State::Established => {
                self.state = State::CloseWait;
                self.closing |= self.has(Defect::FinAnsweredByFin);
            }
            // Had our FIN been acknowledged, the fifth check would have entered FIN-WAIT-2.
            State::FinWait1 if self.has(Defect::CrossingFinEntersTimeWait) => self.enter_time_wait(cx),
            State::FinWait1 => self.state = State::Closing,
            State::FinWait2 if self.has(Defect::TimeWaitSkipped) => {
                self.send_ack(cx);
                self.end(cx, None, "");
            }
            State::FinWait2 => self.enter_time_wait(cx),
            State::Closed
            | State::Listen
            | State::SynSent
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => (),
        }
        if !self.has(Defect::EndNotTold) {
            self.serve_receives(cx);
        }
    }

    fn enter_time_wait(&mut self, cx: &Context) {
        self.state = State::TimeWait;
        self.start_time_wait(cx);
    }
}
