//! The second check: RST (RFC 9293 section 3.10.7.4, RFC 5961 section 3).

use super::{Arriving, Check};
use crate::case::State;
use crate::model::context::Context;
use crate::model::tcb::{Opened, Tcb};
use crate::notation::ErrorName;
use core::ops::ControlFlow::{Break, Continue};

impl Tcb {
    /// A reset outside the window was dropped by the first check, or is here; one at RCV.NXT counts; one elsewhere in
    /// the window draws a challenge ACK, so that only who sees the connection can end it.
    pub(super) fn second_check_reset(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if !segment.rst {
            return Continue(());
        }
        let exact = segment.seq == self.rcv_nxt;
        let in_window = exact || crate::model::seq::span(self.rcv_nxt, segment.seq) < self.rcv_wnd();
        if !in_window {
            return Break(());
        }
        if !exact && cx.config.rfc5961 {
            self.send_challenge(cx);
            return Break(());
        }
        self.obey_reset(cx);
        Break(())
    }

    /// What a valid reset does in each state.
    fn obey_reset(&mut self, cx: &mut Context) {
        match self.state {
            // Back to where it came from: the listener is still there, and the user is told nothing. With fast open
            // the user has the connection already.
            State::SynReceived => match self.opened {
                Opened::Passive(_) if self.fast_open => self.end(cx, Some(ErrorName::Reset), "connection reset"),
                Opened::Passive(_) => self.end(cx, None, ""),
                Opened::Active => self.end(cx, Some(ErrorName::Refused), "connection refused"),
            },
            State::Established | State::FinWait1 | State::FinWait2 | State::CloseWait => {
                self.end(cx, Some(ErrorName::Reset), "connection reset");
            }
            State::TimeWait if cx.config.rfc1337 => (),
            State::Closing | State::LastAck | State::TimeWait => self.end(cx, None, ""),
            State::Closed | State::Listen | State::SynSent => (),
        }
    }
}
