//! A TCP segment on its way, as plain as it can be.

use std::net::IpAddr;
use tcpvet::wire::{Body, Ecn, IpHeader, Packet, Segment};

/// The octets of an IP packet, checksums included.
pub fn carrying(segment: Segment, source: impl Into<IpAddr>, destination: impl Into<IpAddr>) -> Vec<u8> {
    let ip = IpHeader {
        source: source.into(),
        destination: destination.into(),
        ttl: 64,
        dscp: 0,
        ecn: Ecn::NotEct,
        id: 0,
        dont_fragment: true,
        flow: 0,
    };
    Packet {
        ip,
        body: Body::Tcp(segment),
    }
    .encode()
}
