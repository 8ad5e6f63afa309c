//! Numbers that an outsider cannot guess: initial sequence numbers (RFC 6528), SYN cookies (RFC 4987 section 3.6), fast
//! open cookies (RFC 7413 section 4.1.2), timestamp offsets (RFC 7323 section 5.4), ephemeral ports (RFC 6056).

pub(super) mod decisions;

use super::config::PortScheme;
use super::context::Context;
use super::seq::span;
use crate::time::Instant;
use crate::wire::SeqNum;
use core::net::{IpAddr, SocketAddr};

/// The MSSs that the three bits of a SYN cookie can name (RFC 4987 section 3.6): the largest is taken that is not above
/// what the peer announced.
const COOKIE_MSS: [u16; 8] = [64, 256, 536, 1000, 1220, 1380, 1440, 1460];
/// Microseconds between two ticks of a SYN cookie's clock.
const COOKIE_TICK: u64 = 64_000_000;
/// How many ticks a SYN cookie is valid.
const COOKIE_LIFE: u32 = 2;

fn words(address: IpAddr) -> [u64; 2] {
    match address {
        IpAddr::V4(address) => [4, u64::from(address.to_bits())],
        IpAddr::V6(address) => [(address.to_bits() >> 64) as u64, address.to_bits() as u64],
    }
}

/// A keyed hash of a four-tuple; `purpose` keeps hashes for different uses apart.
fn hash(cx: &Context, purpose: u64, local: SocketAddr, peer: SocketAddr, more: u64) -> u64 {
    let ([a, b], [c, d]) = (words(local.ip()), words(peer.ip()));
    let ports = u64::from(local.port()) << 16 | u64::from(peer.port());
    cx.secret.hash(&[purpose, a, b, c, d, ports, more])
}

/// ISN = M + F(localip, localport, remoteip, remoteport, secretkey): M ticks about every 4 microseconds (RFC 6528 section 3).
pub(super) fn isn(cx: &mut Context, local: SocketAddr, peer: SocketAddr) -> SeqNum {
    let m = (cx.now.as_nanos() / cx.config.isn_tick) as u32;
    let f = hash(cx, 1, local, peer, 0) as u32;
    let plain = decisions::isn(cx, m, f);
    if !cx.config.isn_near_wrap {
        return SeqNum(plain);
    }
    // It is the same for every connection, so that all that RFC 6528 promises of one four-tuple still holds.
    let offset = *cx.isn_offset.get_or_insert(0xffff_fffa_u32.wrapping_sub(plain));
    SeqNum(plain.wrapping_add(offset))
}

/// The offset at which the timestamp clock of a connection begins.
pub(super) fn timestamp_offset(cx: &Context, local: SocketAddr, peer: SocketAddr) -> u32 {
    hash(cx, 2, local, peer, 0) as u32
}

/// The offset at which the search for an ephemeral port begins.
pub(super) fn port_offset(cx: &Context, local: SocketAddr, peer: SocketAddr) -> u16 {
    hash(cx, 3, local, peer, 0) as u16
}

/// How far behind that offset the search for the `nth` port begins (RFC 6056 sections 3.3.1 and 3.3.3).
pub(super) fn port_step(cx: &Context, nth: u16) -> u16 {
    match cx.config.port_scheme {
        PortScheme::Hashed => nth,
        PortScheme::Random => cx.secret.hash(&[7, u64::from(nth)]) as u16,
    }
}

/// The flow label of a connection (RFC 6437 section 3), which is not zero.
pub(super) fn flow_label(cx: &Context, local: SocketAddr, peer: SocketAddr) -> u32 {
    (hash(cx, 6, local, peer, 0) as u32 & 0xf_ffff).max(1)
}

/// The fast open cookie of a client: eight octets, bound to its address.
pub(super) fn fast_open_cookie(cx: &Context, peer: IpAddr) -> Vec<u8> {
    let [a, b] = decisions::fast_open_cookie_is_for(cx, peer);
    cx.secret.hash(&[4, a, b]).to_be_bytes().to_vec()
}

fn cookie_tick(now: Instant) -> u32 {
    (now.as_micros() / COOKIE_TICK) as u32
}

fn cookie_at(cx: &Context, ends: (SocketAddr, SocketAddr), irs: SeqNum, tick: u32, size: u32) -> SeqNum {
    let more = u64::from(irs.0) << 32 | u64::from(tick) << 3 | u64::from(size);
    let mac = hash(cx, 5, ends.0, decisions::cookie_is_for(cx, ends.1), more) as u32 & 0x00ff_ffff;
    SeqNum((tick & 0x1f) << 27 | size << 24 | mac)
}

/// The ISS that encodes a half-open connection.
pub(super) fn syn_cookie(cx: &Context, local: SocketAddr, peer: SocketAddr, irs: SeqNum, mss: u16) -> SeqNum {
    let size = COOKIE_MSS.iter().rposition(|size| *size <= mss).unwrap_or(0) as u32;
    cookie_at(cx, (local, peer), irs, cookie_tick(cx.now), size)
}

/// The MSS that a SYN cookie encodes, if we made it not long ago for these ends.
pub(super) fn check_cookie(
    cx: &Context,
    local: SocketAddr,
    peer: SocketAddr,
    irs: SeqNum,
    cookie: SeqNum,
) -> Option<u16> {
    let now = cookie_tick(cx.now);
    let size = cookie.0 >> 24 & 7;
    let ticks = (0..decisions::cookie_life(cx)).filter_map(|age| now.checked_sub(age));
    let mut made = ticks.map(|tick| cookie_at(cx, (local, peer), irs, tick, size));
    let known = made.any(|made| span(made, cookie) == 0);
    decisions::cookie_stands_for(cx, known.then(|| COOKIE_MSS[size as usize]))
}

#[cfg(test)]
mod tests {
    use super::super::config::Config;
    use super::super::defect::Defects;
    use super::*;

    fn ends() -> (SocketAddr, SocketAddr) {
        ("192.0.2.1:7".parse().unwrap(), "198.18.0.1:4000".parse().unwrap())
    }

    #[test]
    fn isns_follow_a_clock_of_four_microseconds_for_one_four_tuple_and_none_for_others() {
        let mut cx = Context::new(Config::default(), Defects::NONE, 1);
        let (local, peer) = ends();
        let first = isn(&mut cx, local, peer);
        let other = isn(&mut cx, local, "198.18.0.1:4001".parse().unwrap());
        cx.now = Instant::from_millis(4);
        assert_eq!(span(first, isn(&mut cx, local, peer)), 1000);
        assert!(span(first, other) > 1000);
    }

    #[test]
    fn isns_are_near_the_wrap_where_that_is_asked_for() {
        let config = Config {
            isn_near_wrap: true,
            ..Config::default()
        };
        let mut cx = Context::new(config, Defects::NONE, 1);
        let (local, peer) = ends();
        assert_eq!(isn(&mut cx, local, peer), SeqNum(0xffff_fffa));
    }

    #[test]
    fn a_cookie_serves_its_own_peer_for_a_while() {
        let mut cx = Context::new(Config::default(), Defects::NONE, 1);
        let (local, peer) = ends();
        let cookie = syn_cookie(&cx, local, peer, SeqNum(9), 1400);
        assert_eq!(check_cookie(&cx, local, peer, SeqNum(9), cookie), Some(1380));
        assert_eq!(check_cookie(&cx, local, peer, SeqNum(8), cookie), None);
        assert_eq!(check_cookie(&cx, peer, local, SeqNum(9), cookie), None);
        cx.now = Instant::from_millis(64_000);
        assert_eq!(check_cookie(&cx, local, peer, SeqNum(9), cookie), Some(1380));
        cx.now = Instant::from_millis(128_000);
        assert_eq!(check_cookie(&cx, local, peer, SeqNum(9), cookie), None);
    }
}
