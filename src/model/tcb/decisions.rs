//! What is decided about the variables of a connection and their first values.

use super::Tcb;
use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::options::LARGEST_SHIFT;
use crate::model::seq::leq;
use crate::wire::SeqNum;
use core::time::Duration;

/// The smallest shift, at most `largest`, with which the window field can describe the whole buffer.
fn shift_for_buffer(tcb: &Tcb, cx: &Context, largest: u8) -> u8 {
    let buffer = tcb.settings.receive_buffer.unwrap_or(cx.config.receive_buffer);
    let fits = |shift: &u8| buffer >> shift <= usize::from(u16::MAX);
    let least = (0..=largest).find(fits).unwrap_or(largest);
    // A unit that is larger than an eighth of the buffer would leave little of it to be offered.
    let coarsest = (least..=largest).rfind(|shift| buffer >> shift >= 8).unwrap_or(least);
    least.max(cx.config.least_shift.min(coarsest))
}

decisions! {
    /// RTO before the first measurement.
    "RFC 6298 section 2.1"
    fn first_rto(cx: &Context) -> Duration {
        lawful => cx.config.rto_initial,
        wrong RtoTooShort => cx.config.rto_initial / 5,
    }

    /// Whether the user timeout is announced, and the peer's is used.
    "RFC 5482 section 3"
    fn uses_user_timeout(_cx: &Context) -> bool {
        lawful => false,
        or UserTimeoutOption => true,
    }

    /// RCV.NXT after a SYN with this number: the SYN takes one sequence number.
    "RFC 9293 sections 3.4 and 3.10.7.2"
    fn rcv_nxt_after_syn(_tcb: &Tcb, irs: SeqNum) -> SeqNum {
        lawful => irs.advanced(1),
        wrong PeersSynNotCounted => irs,
    }

    /// Rcv.Wind.Shift: a shift with which the window field can describe the whole buffer, usually the smallest.
    "RFC 7323 section 2.3"
    fn rcv_wind_shift(tcb: &Tcb, cx: &Context) -> u8 {
        lawful => shift_for_buffer(tcb, cx, LARGEST_SHIFT),
        wrong ScaleAnnouncedTooLarge => shift_for_buffer(tcb, cx, 16),
    }

    /// Whether our FIN, which has this number, has been acknowledged.
    "RFC 9293 section 3.4"
    fn covers_fin(tcb: &Tcb, fin: SeqNum) -> bool {
        lawful => fin.before(tcb.snd_una),
        wrong OwnFinNotCounted => leq(fin, tcb.snd_una),
    }
}
