//! The second check: RST (RFC 9293 section 3.10.7.4, RFC 5961 section 3).

use super::{Arriving, Check};
use crate::model::context::Context;
use crate::model::defect::Defect;
use crate::model::tcb::{Opened, Tcb};
use crate::rfc::State;
use crate::stack::ErrorName;
use core::ops::ControlFlow::{Break, Continue};

impl Tcb {
    /// A reset outside the window was dropped by the first check, or is here; one at RCV.NXT counts; one elsewhere in
    /// the window draws a challenge ACK, so that only who sees the connection can end it.
    pub(super) fn second_check_reset(&mut self, cx: &mut Context, segment: &Arriving) -> Check {
        if !segment.rst || (self.has(Defect::RstWithFinEndsOrderly) && segment.fin) {
            return Continue(());
        }
        let mut exact = segment.seq == self.rcv_nxt && !self.has(Defect::ExactRstChallenged);
        if self.has(Defect::ExactRstOffByOne) {
            exact = segment.seq == self.rcv_nxt.advanced(1);
        }
        exact |= self.ends_what_is_held(segment) && self.has(Defect::RstAtSackEdgeObeyed);
        let in_window = exact || crate::model::seq::span(self.rcv_nxt, segment.seq) < self.rcv_wnd();
        if !in_window && !self.has(Defect::AcceptRstOutsideWindow) {
            return Break(());
        }
        if !exact && cx.config.rfc5961 && !self.has(Defect::AcceptAnyRst) && !self.has(Defect::AcceptRstOutsideWindow) {
            if !self.has(Defect::NoChallengeForRst) {
                self.send_challenge(cx);
            }
            if self.has(Defect::ChallengeAndObey) {
                self.obey_reset(cx);
            }
            return Break(());
        }
        if self.ignores_reset(segment) {
            return Break(());
        }
        self.obey_reset(cx);
        Break(())
    }

    /// Whether it stands where the highest text above a gap ends, of which the peer has heard by SACK.
    fn ends_what_is_held(&self, segment: &Arriving) -> bool {
        let highest = self.received.islands(self.rcv_nxt).last().map(|(_, end)| *end);
        self.agreed.sack && highest == Some(segment.seq)
    }

    fn ignores_reset(&self, segment: &Arriving) -> bool {
        let state = self.state;
        self.has(Defect::IgnoreRst)
            || (self.has(Defect::RstNeedsAck) && !segment.ack_bit)
            || (self.has(Defect::RstWithDataIgnored) && !segment.text.is_empty())
            || (self.has(Defect::RstAckValueJudged) && segment.ack_bit && segment.ack != self.snd_nxt)
            || (self.has(Defect::RstIgnoredInSynReceived) && state == State::SynReceived)
            || (self.has(Defect::RstIgnoredInFinWait) && matches!(state, State::FinWait1 | State::FinWait2))
            || (self.has(Defect::RstIgnoredInCloseWait) && state == State::CloseWait)
            || (self.has(Defect::RstIgnoredWhileClosing) && matches!(state, State::Closing | State::LastAck))
            || (self.has(Defect::RstIgnoredInTimeWait) && state == State::TimeWait)
    }

    /// What a valid reset does in each state.
    fn obey_reset(&mut self, cx: &mut Context) {
        match self.state {
            // Back to where it came from: the listener is still there, and the user is told nothing. With fast open
            // the user has the connection already.
            State::SynReceived => match self.opened {
                Opened::Passive(_) if self.fast_open => self.end(cx, Some(ErrorName::Reset), "connection reset"),
                Opened::Passive(_) => self.end(cx, None, ""),
                Opened::Active if self.has(Defect::RefusalNotToldInSynReceived) => {
                    self.user.connect = None;
                    self.end(cx, None, "");
                }
                Opened::Active => self.end(cx, Some(ErrorName::Refused), "connection refused"),
            },
            State::Established if self.has(Defect::RstNotTold) => {
                self.user.receives.clear();
                self.user.sends.clear();
                self.end(cx, None, "");
            }
            State::Established if self.has(Defect::RstLooksLikeEnd) => {
                self.fin_received = true;
                self.end(cx, None, "");
            }
            State::Established | State::FinWait1 | State::FinWait2 | State::CloseWait => {
                self.end(cx, Some(ErrorName::Reset), "connection reset");
            }
            State::TimeWait if cx.config.rfc1337 => (),
            State::Closing | State::LastAck | State::TimeWait => self.end(cx, None, ""),
            State::Closed | State::Listen | State::SynSent => (),
        }
    }
}
