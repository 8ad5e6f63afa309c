//! The fourth check: SYN (RFC 9293 section 3.10.7.4, RFC 5961 section 4). A SYN outside the window drew an ACK by the
//! first check already.

use super::closed::send_reset;
use super::{Arriving, Check};
use crate::case::State;
use crate::model::context::Context;
use crate::model::tcb::{Opened, Tcb};
use crate::notation::ErrorName;
use core::ops::ControlFlow::{Break, Continue};

impl Tcb {
    /// A passively opened SYN-RECEIVED goes back to LISTEN; elsewhere the peer is asked by a challenge ACK, or, where
    /// RFC 5961 is not in force, the connection is reset.
    pub(super) fn fourth_check_syn(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if !segment.syn {
            return Continue(());
        }
        if self.state == State::SynReceived && matches!(self.opened, Opened::Passive(_)) && !self.fast_open {
            self.end(cx, None, "");
        } else if cx.config.rfc5961 {
            self.send_challenge(cx);
        } else {
            send_reset(cx, self.local, self.peer, segment);
            self.end(cx, Some(ErrorName::Reset), "connection reset");
        }
        Break(())
    }
}
