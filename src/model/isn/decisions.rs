//! What is decided about numbers that nobody should guess.

use super::{COOKIE_LIFE, words};
use crate::model::context::Context;
use crate::model::decision::decisions;
use core::net::{IpAddr, SocketAddr};

decisions! {
    /// The number that a connection begins with, of the clock and of the hash of its four-tuple: their sum.
    "RFC 6528 section 3; RFC 9293 section 3.4.1"
    fn isn(_cx: &Context, clock: u32, hash: u32) -> u32 {
        lawful => clock.wrapping_add(hash),
        wrong ConstantIsn => 0x1234_5678,
        wrong IsnFromClockOnly => clock,
        wrong IsnWithoutClock => hash,
    }

    /// What the fast open cookie of a client is made of: its address.
    "RFC 7413 section 4.1.2"
    fn fast_open_cookie_is_for(_cx: &Context, peer: IpAddr) -> [u64; 2] {
        lawful => words(peer),
        wrong FastOpenCookieForAll => [0; 2],
    }

    /// Whom a SYN cookie is good for: one port of one host.
    "RFC 4987 section 3.6"
    fn cookie_is_for(_cx: &Context, peer: SocketAddr) -> SocketAddr {
        lawful => peer,
        wrong CookieWithoutPort => SocketAddr::new(peer.ip(), 0),
    }

    /// How many ticks a SYN cookie lives.
    "RFC 4987 section 3.6"
    fn cookie_life(_cx: &Context) -> u32 {
        lawful => COOKIE_LIFE,
        or CookieLifeLonger => COOKIE_LIFE + 1,
        wrong CookieForEver => 32,
    }

    /// The MSS that a cookie stands for: nothing for one that is not known to be ours.
    "RFC 4987 section 3.6"
    fn cookie_stands_for(_cx: &Context, known: Option<u16>) -> Option<u16> {
        lawful => known,
        wrong CookieFromAnyone => Some(536),
    }
}
