//! What is decided about fast open as a client.

use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::options::{default_mss, fixed_headers};
use crate::model::tcb::Tcb;

decisions! {
    /// Whether a SYN may carry text: only if it carries a cookie, not if it asks for one.
    "RFC 7413 sections 4.1.3 and 4.2.1"
    fn takes_text_along(_cx: &Context, cookie: &[u8]) -> bool {
        lawful => !cookie.is_empty(),
        wrong FastOpenTextUnproven => true,
    }

    /// The MSS that limits the text on a SYN: the one that was remembered with the cookie, or else the default.
    "RFC 7413 section 4.1.3"
    fn mss_of_server(tcb: &Tcb, remembered: Option<u16>) -> usize {
        lawful => remembered.map_or(default_mss(tcb.local.is_ipv4()), usize::from),
        wrong FastOpenTextTooLong if remembered.is_none() => tcb.path.mtu - fixed_headers(tcb.local.is_ipv4()),
    }

    /// Whether the cookie that a server sends is kept for the next connection.
    "RFC 7413 section 4.1.3"
    fn cookie_is_kept(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong FastOpenCookieNotKept => false,
    }

    /// Whether it is remembered that a server did not acknowledge the text on a SYN.
    "RFC 7413 section 4.1.3.1"
    fn refusal_is_remembered(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong FastOpenRefusalForgotten => false,
    }

    /// Whether text of a SYN that the SYN,ACK did not acknowledge is sent once more at once.
    "RFC 7413 section 4.2.2"
    fn text_goes_out_again(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong FastOpenTextWaits => false,
    }

    /// Whether a SYN carries cookie and text: not if it is sent again.
    "RFC 7413 sections 4.2.1 and 4.2.2"
    fn syn_is_fast(tcb: &Tcb) -> bool {
        lawful => !tcb.has_outstanding(),
        wrong FastOpenTextAgain => true,
    }
}
