//! What is decided about numbers that nobody should guess.

use super::{COOKIE_LIFE, words};
use crate::model::context::Context;
use crate::model::decision::decisions;
use core::net::{IpAddr, SocketAddr};

decisions! {
    /// The ISN: the sum of the clock and of the hash of the connection's four-tuple.
    "RFC 6528 section 3; RFC 9293 section 3.4.1"
    fn isn(_cx: &Context, clock: u32, hash: u32) -> u32 {
        lawful => clock.wrapping_add(hash),
        wrong ConstantIsn => 0x1234_5678,
        wrong IsnFromClockOnly => clock,
        wrong IsnWithoutClock => hash,
    }

    /// What the hash behind the fast open cookie of a client covers: the client's address.
    "RFC 7413 section 4.1.2"
    fn fast_open_cookie_is_for(_cx: &Context, peer: IpAddr) -> [u64; 2] {
        lawful => words(peer),
        wrong FastOpenCookieForAll => [0; 2],
    }

    /// The end for which a SYN cookie is valid: one port of one host.
    "RFC 4987 section 3.6"
    fn cookie_is_for(_cx: &Context, peer: SocketAddr) -> SocketAddr {
        lawful => peer,
        wrong CookieWithoutPort => SocketAddr::new(peer.ip(), 0),
    }

    /// How many ticks of its clock a SYN cookie is valid.
    "RFC 4987 section 3.6"
    fn cookie_life(_cx: &Context) -> u32 {
        lawful => COOKIE_LIFE,
        or CookieLifeLonger => COOKIE_LIFE + 1,
        wrong CookieForEver => 32,
    }

    /// The MSS that a SYN cookie stands for; `None` where the cookie is not one of ours.
    "RFC 4987 section 3.6"
    fn cookie_stands_for(_cx: &Context, known: Option<u16>) -> Option<u16> {
        lawful => known,
        wrong CookieFromAnyone => Some(536),
    }
}
