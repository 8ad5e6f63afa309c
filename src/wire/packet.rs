//! A whole IP packet.

use super::{Icmp, IpHeader, Segment};

/// What an IP packet carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A TCP segment.
    Tcp(Segment),
    /// An ICMP or ICMPv6 message.
    Icmp(Icmp),
    /// Anything else, fragments included.
    Other {
        /// Protocol, or next header.
        protocol: u8,
        /// What follows the IP header.
        payload: Vec<u8>,
    },
}

/// An IP packet, as far as TCP is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The IP header.
    pub ip: IpHeader,
    /// What it carries.
    pub body: Body,
}

/// Octets that cannot be read as an IP packet, and why: a lower-case fragment such as `shorter than an IP header`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotIp(pub &'static str);

impl Packet {
    /// Reads a captured frame. Total: never panics, whatever the octets; a segment too short for its header is
    /// `Body::Tcp` with what there is, `cut` set.
    pub fn parse(_octets: &[u8]) -> Result<Packet, NotIp> {
        todo!()
    }

    /// The octets on the wire, checksums and all, every lie of the segment kept.
    pub fn encode(&self) -> Vec<u8> {
        todo!()
    }
}
