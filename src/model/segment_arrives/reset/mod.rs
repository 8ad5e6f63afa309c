//! The second check: RST (RFC 9293 section 3.10.7.4, RFC 5961 section 3).

pub(in crate::model) mod decisions;

use super::{Arriving, CheckResult};
use crate::model::context::Context;
use crate::model::tcb::Tcb;
use core::ops::ControlFlow::Continue;

impl Tcb {
    /// The first check has dropped resets outside the window; what becomes of one inside depends on its number and on
    /// the state.
    pub(super) fn second_check_reset(&mut self, cx: &mut Context, segment: &Arriving) -> CheckResult {
        match decisions::is_reset(self, segment) {
            true => self.meet(cx, segment, decisions::reset(self, segment)),
            false => Continue(()),
        }
    }
}
