//! The eighth check: FIN (RFC 9293 section 3.10.7.4).

use super::{Arriving, Check};
use crate::case::State;
use crate::model::context::Context;
use crate::model::seq::plus;
use crate::model::tcb::Tcb;
use core::ops::ControlFlow::Continue;

impl Tcb {
    /// A FIN in order is taken; one above a gap waits for what lies before it; one after the peer's FIN is none, but is
    /// answered, and restarts 2MSL.
    pub(super) fn eighth_check_fin(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if !segment.fin || self.state == State::Closed {
            return Continue(());
        }
        self.owed.now = true;
        if self.fin_received {
            if self.state == State::TimeWait {
                self.start_time_wait(cx);
            }
            return Continue(());
        }
        let fin = plus(segment.seq, segment.text.len());
        if fin == self.rcv_nxt {
            self.take_fin(cx);
        } else if cx.config.keep_out_of_order_fin && self.rcv_nxt.before(fin) {
            self.received.hold_fin(self.rcv_nxt, fin);
        }
        Continue(())
    }

    /// RCV.NXT moves over the FIN, it is acknowledged, and the user hears that the stream has ended.
    pub(in crate::model) fn take_fin(&mut self, cx: &mut Context) {
        self.fin_received = true;
        self.rcv_nxt = self.rcv_nxt.advanced(1);
        self.owed.now = true;
        match self.state {
            State::SynReceived | State::Established => self.state = State::CloseWait,
            State::FinWait1 if self.fin_is_acked() => self.enter_time_wait(cx),
            State::FinWait1 => self.state = State::Closing,
            State::FinWait2 => self.enter_time_wait(cx),
            State::Closed
            | State::Listen
            | State::SynSent
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => (),
        }
        self.serve_receives(cx);
    }

    fn enter_time_wait(&mut self, cx: &Context) {
        self.state = State::TimeWait;
        self.start_time_wait(cx);
    }
}
