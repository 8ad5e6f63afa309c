//! The fourth check: SYN (RFC 9293 section 3.10.7.4, RFC 5961 section 4). The first check has answered SYNs outside the
//! window.

pub(in crate::model) mod decisions;

use super::{Arriving, CheckResult};
use crate::model::context::Context;
use crate::model::tcb::Tcb;
use core::ops::ControlFlow::Continue;

impl Tcb {
    /// A SYN in the window cannot be the SYN that opened this connection.
    pub(super) fn fourth_check_syn(&mut self, cx: &mut Context, segment: &Arriving) -> CheckResult {
        match segment.syn {
            true => self.meet(cx, segment, decisions::syn_in_window(self, segment)),
            false => Continue(()),
        }
    }
}
