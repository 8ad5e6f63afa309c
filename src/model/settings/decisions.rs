//! What is decided about an application's settings.

use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::seq::span;
use crate::model::tcb::Tcb;
use core::time::Duration;

/// L_LIMIT and U_LIMIT (RFC 5482 section 3.1).
const LIMITS: (Duration, Duration) = (Duration::from_secs(100), Duration::from_secs(3600));

/// The user timeout in force if the peer's announcement is used (`counts`), and otherwise the configured one.
fn announced_timeout(tcb: &Tcb, cx: &Context, counts: bool) -> Duration {
    let own = cx.config.user_timeout;
    match tcb.uto_remote.filter(|_| counts) {
        Some(remote) => LIMITS.1.min(own.max(remote).max(LIMITS.0.max(tcb.round_trip.rto))),
        None => own,
    }
}

/// The least buffer that is not offered as a whole at first: a smaller one leaves too little of it for a segment.
const GROWING: usize = 16 << 10;

/// How many octets have come from the peer.
fn came(tcb: &Tcb) -> usize {
    span(tcb.irs, tcb.rcv_nxt) as usize
}

decisions! {
    /// Whether Nagle's algorithm is in force; `set` is what the application has set.
    "RFC 9293 section 3.7.4; MUST-17 and SHLD-7"
    fn nagle(_cx: &Context, set: Option<bool>) -> bool {
        lawful => set.unwrap_or(true),
        or NagleNo => set.unwrap_or(false),
    }

    /// How much of the receive buffer is offered so far. It may grow as data comes.
    "RFC 9293 section 3.8.6"
    fn buffer_offered(tcb: &Tcb, buffer: usize) -> usize {
        lawful => buffer,
        or WindowGrowsOnce if buffer >= GROWING => buffer.min(buffer / 2 + came(tcb)),
        or WindowGrowsTwice if buffer >= GROWING => buffer.min(buffer / 4 + 2 * came(tcb)),
    }

    /// The user timeout in force: what the application has set, or else what the peer announced once the connection is
    /// synchronized, within limits.
    "RFC 9293 section 3.8.3, MUST-21; RFC 5482 section 3.1"
    fn user_timeout(tcb: &Tcb, cx: &Context) -> Duration {
        lawful => {
            let announced = announced_timeout(tcb, cx, tcb.is_synchronized());
            tcb.settings.user_timeout.unwrap_or(announced)
        },
        wrong UserTimeoutOverridden
            if tcb.uto_remote.is_some() => announced_timeout(tcb, cx, tcb.is_synchronized()),
        wrong UserTimeoutUnbound if tcb.settings.user_timeout.is_none() => tcb.uto_remote.unwrap_or(lawful),
        wrong UserTimeoutZeroTaken
            if tcb.settings.user_timeout.is_none() && tcb.uto_remote == Some(Duration::ZERO) => Duration::ZERO,
        wrong UserTimeoutOptionIgnored if tcb.settings.user_timeout.is_none() => cx.config.user_timeout,
        wrong UserTimeoutHalfOpen if tcb.settings.user_timeout.is_none() => announced_timeout(tcb, cx, true),
    }

    /// Whether a user timeout that the application sets is announced to the peer.
    "RFC 5482 section 3.1"
    fn user_timeout_is_announced(_tcb: &Tcb) -> bool {
        lawful => false,
        or UserTimeoutOption => true,
    }
}
