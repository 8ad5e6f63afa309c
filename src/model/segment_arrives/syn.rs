//! The fourth check: SYN (RFC 9293 section 3.10.7.4, RFC 5961 section 4). A SYN outside the window drew an ACK by the
//! first check already.

use super::closed::send_reset;
use super::{Arriving, Check};
use crate::model::context::Context;
use crate::model::defect::Defect;
use crate::model::tcb::{Opened, Tcb};
use crate::rfc::State;
use crate::stack::ErrorName;
use core::ops::ControlFlow::{Break, Continue};

impl Tcb {
    fn goes_back_to_listen(&self) -> bool {
        let passive = matches!(self.opened, Opened::Passive(_)) && !self.fast_open;
        passive && !self.has(Defect::SynIgnoredInSynReceived)
    }

    fn challenges_syn(&self, segment: &Arriving) -> bool {
        let silent = self.has(Defect::NoChallengeForSyn) && !segment.ack_bit;
        !(silent || (self.has(Defect::NoChallengeForSynAck) && segment.ack_bit))
    }

    /// A passively opened SYN-RECEIVED goes back to LISTEN; elsewhere the peer is asked by a challenge ACK, or, where
    /// RFC 5961 is not in force, the connection is reset.
    pub(super) fn fourth_check_syn(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if !segment.syn {
            return Continue(());
        }
        if self.state == State::SynReceived && self.goes_back_to_listen() {
            if cx.config.unsaid.reset_half_open {
                send_reset(cx, self.local, self.peer, segment);
            }
            self.end(cx, None, "");
        } else if self.has(Defect::SynRestartsConnection) {
            self.set_irs(segment.seq);
            self.owed.now = true;
        } else if cx.config.rfc5961 && !self.has(Defect::SynInWindowResets) {
            if self.challenges_syn(segment) {
                self.send_challenge(cx);
            }
            if self.has(Defect::SynTextTaken) {
                let taken = self.received.take(self.rcv_nxt, &segment.text);
                self.rcv_nxt = self.rcv_nxt.advanced(i64::from(taken));
            }
        } else {
            send_reset(cx, self.local, self.peer, segment);
            self.end(cx, Some(ErrorName::Reset), "connection reset");
        }
        Break(())
    }
}
