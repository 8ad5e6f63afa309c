//! What is decided about fast open as a client.

use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::options::{default_mss, fixed_headers};
use crate::model::tcb::Tcb;

decisions! {
    /// Whether a SYN takes text along: one that brings a cookie back, not one that asks for a cookie.
    "RFC 7413 sections 4.1.3 and 4.2.1"
    fn takes_text_along(_cx: &Context, cookie: &[u8]) -> bool {
        lawful => !cookie.is_empty(),
        wrong FastOpenTextUnproven => true,
    }

    /// The MSS that text on a SYN keeps to: the one that came with the cookie, or else the default.
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

    /// Whether it is remembered that text on a SYN was not taken.
    "RFC 7413 section 4.1.3.1"
    fn refusal_is_remembered(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong FastOpenRefusalForgotten => false,
    }

    /// Whether text of a SYN that was not acknowledged with it goes out again at once.
    "RFC 7413 section 4.2.2"
    fn text_goes_out_again(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong FastOpenTextWaits => false,
    }

    /// Whether a SYN has cookie and text: not one that is sent again.
    "RFC 7413 sections 4.2.1 and 4.2.2"
    fn syn_is_fast(tcb: &Tcb) -> bool {
        lawful => !tcb.has_outstanding(),
        wrong FastOpenTextAgain => true,
    }
}
