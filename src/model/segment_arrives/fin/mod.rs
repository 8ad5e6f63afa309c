//! The eighth check: FIN (RFC 9293 section 3.10.7.4).

pub(in crate::model) mod decisions;

use self::decisions::{SecondFin, Taken};
use super::fate::Acknowledged;
use super::{Arriving, CheckResult};
use crate::model::context::Context;
use crate::model::seq::plus;
use crate::model::tcb::Tcb;
use crate::rfc::State;
use core::ops::ControlFlow::Continue;

impl Tcb {
    /// A FIN in order is taken; one above a gap waits for the text before it; a second one does not count as a FIN, but
    /// is answered, and restarts 2MSL.
    pub(super) fn eighth_check_fin(&mut self, cx: &mut Context, segment: &Arriving) -> CheckResult {
        if !segment.fin || self.state == State::Closed {
            return Continue(());
        }
        self.owed.now = decisions::fin_is_acknowledged(self) == Acknowledged::AtOnce;
        if self.fin_received {
            self.second_fin(cx, segment);
            return Continue(());
        }
        let fin = plus(segment.seq, segment.text.len());
        match decisions::fin_is_taken(self, fin) {
            Taken::Now => {
                self.rcv_nxt = fin;
                self.take_fin(cx);
            }
            Taken::Later => self.received.hold_fin(self.rcv_nxt, fin),
            Taken::Never => (),
        }
        Continue(())
    }

    fn second_fin(&mut self, cx: &Context, segment: &Arriving) {
        match decisions::second_fin(self, segment) {
            SecondFin::Answered => (),
            SecondFin::Counted => self.rcv_nxt = self.rcv_nxt.advanced(1),
            SecondFin::Ignored => self.owed.now = false,
            SecondFin::MovesState => self.state = State::TimeWait,
        }
        if self.state == State::TimeWait {
            self.start_time_wait(cx);
        }
    }

    /// RCV.NXT moves over the FIN, the FIN is acknowledged, and the user is told that the stream has ended.
    pub(in crate::model) fn take_fin(&mut self, cx: &mut Context) {
        self.fin_received = true;
        self.received.ready.truncate(decisions::octets_before_end(self));
        self.rcv_nxt = self.rcv_nxt.advanced(decisions::numbers_of_fin(self));
        self.acknowledge_it(cx, decisions::fin_is_acknowledged(self));
        self.closing |= decisions::fin_closes_both(self);
        self.enter_after_fin(cx);
        if decisions::end_is_told(self) {
            self.serve_receives(cx);
        }
    }

    fn enter_after_fin(&mut self, cx: &mut Context) {
        let state = decisions::state_after_fin(self);
        if state == self.state {
            return;
        }
        if state == State::Closed {
            self.send_ack(cx);
        }
        // The result does not matter: no check follows this one.
        let _ = self.enter(cx, state, None);
    }
}
