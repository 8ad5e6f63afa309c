//! A whole IP packet.

use super::icmp::checksum_v6;
use super::{Ecn, Icmp, IpHeader, Segment};
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use pnet_packet::ip::IpNextHeaderProtocols::{Icmp as ICMP, Icmpv6 as ICMPV6, Tcp as TCP};
use pnet_packet::ip::{IpNextHeaderProtocol, IpNextHeaderProtocols};
use pnet_packet::ipv4::{self, Ipv4Packet, MutableIpv4Packet};
use pnet_packet::ipv6::{Ipv6Packet, MutableIpv6Packet};
use pnet_packet::util;

/// Octets of an IPv4 header without options.
const V4_HEADER: usize = 20;
/// Octets of an IPv6 header.
const V6_HEADER: usize = 40;
/// Word of a TCP header that holds the checksum.
const TCP_CHECKSUM_WORD: usize = 8;
/// In the flags of IPv4.
const DONT_FRAGMENT: u8 = 2;
const MORE_FRAGMENTS: u8 = 1;

/// What an IP packet carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A TCP segment.
    Tcp(Segment),
    /// An ICMP or ICMPv6 message.
    Icmp(Icmp),
    /// Anything else: fragments, IPv6 extension headers, and ICMP that is too short or whose checksum is wrong.
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

impl fmt::Display for NotIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl core::error::Error for NotIp {}

impl Packet {
    /// Reads a captured frame. Total: never panics, whatever the octets; a segment too short for its header is
    /// `Body::Tcp` with what there is, `cut` set. IPv4 options are passed over, as are octets past the length that
    /// the IP header gives; a frame that is shorter than that length, or an IPv4 header with a wrong checksum, is not
    /// IP.
    pub fn parse(octets: &[u8]) -> Result<Packet, NotIp> {
        match octets.first().map(|octet| octet >> 4) {
            Some(4) => parse_v4(octets),
            Some(6) => parse_v6(octets),
            Some(_) => Err(NotIp("neither version 4 nor version 6")),
            None => Err(NotIp("empty")),
        }
    }

    /// The octets on the wire, checksums and all, every lie of the segment kept. A body larger than the IP header can
    /// say is cut there. The source address decides the version; a destination of the other one is mapped if it can
    /// be, and else unspecified.
    pub fn encode(&self) -> Vec<u8> {
        match self.ip.source {
            IpAddr::V4(source) => self.encode_v4(source),
            IpAddr::V6(source) => self.encode_v6(source),
        }
    }

    /// The TCP segment that it carries, if it does.
    pub fn tcp(&self) -> Option<&Segment> {
        match &self.body {
            Body::Tcp(segment) => Some(segment),
            Body::Icmp(_) | Body::Other { .. } => None,
        }
    }

    fn encode_v4(&self, source: Ipv4Addr) -> Vec<u8> {
        let destination = match self.ip.destination {
            IpAddr::V4(address) => address,
            IpAddr::V6(address) => address.to_ipv4_mapped().unwrap_or(Ipv4Addr::UNSPECIFIED),
        };
        let mut out = Vec::with_capacity(V4_HEADER + self.body.capacity());
        out.resize(V4_HEADER, 0);
        self.body.write(&mut out, |icmp| icmp.kind.to_v4());
        out.truncate(usize::from(u16::MAX));
        let (header, body) = out.split_at_mut(V4_HEADER);
        let length = header.len() + body.len();
        match &self.body {
            Body::Tcp(segment) => segment.seal(body, tcp_checksum_v4(body, &source, &destination)),
            Body::Icmp(_) => seal_icmp(body, util::checksum(body, 1)),
            Body::Other { .. } => {}
        }
        // Cannot fail: pnet asks for 20 octets, and `header` has them.
        let mut fields = MutableIpv4Packet::new(header).expect("an IPv4 header has 20 octets");
        fields.set_version(4);
        fields.set_header_length(5);
        fields.set_dscp(self.ip.dscp & 0x3f);
        fields.set_ecn(self.ip.ecn.bits());
        fields.set_total_length(length as u16);
        fields.set_identification(self.ip.id);
        fields.set_flags(if self.ip.dont_fragment { DONT_FRAGMENT } else { 0 });
        fields.set_ttl(self.ip.ttl);
        fields.set_next_level_protocol(self.body.protocol(ICMP));
        fields.set_source(source);
        fields.set_destination(destination);
        let checksum = ipv4::checksum(&fields.to_immutable());
        fields.set_checksum(checksum);
        out
    }

    fn encode_v6(&self, source: Ipv6Addr) -> Vec<u8> {
        let destination = match self.ip.destination {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        let mut out = Vec::with_capacity(V6_HEADER + self.body.capacity());
        out.resize(V6_HEADER, 0);
        self.body.write(&mut out, |icmp| icmp.kind.to_v6());
        out.truncate(V6_HEADER + usize::from(u16::MAX));
        let (header, body) = out.split_at_mut(V6_HEADER);
        match &self.body {
            Body::Tcp(segment) => segment.seal(body, tcp_checksum_v6(body, &source, &destination)),
            Body::Icmp(_) => seal_icmp(body, checksum_v6(body, &source, &destination)),
            Body::Other { .. } => {}
        }
        // Cannot fail: pnet asks for 40 octets, and `header` has them.
        let mut fields = MutableIpv6Packet::new(header).expect("an IPv6 header has 40 octets");
        fields.set_version(6);
        fields.set_traffic_class((self.ip.dscp & 0x3f) << 2 | self.ip.ecn.bits());
        fields.set_flow_label(self.ip.flow & 0x000f_ffff);
        fields.set_payload_length(body.len() as u16);
        fields.set_next_header(self.body.protocol(ICMPV6));
        fields.set_hop_limit(self.ip.ttl);
        fields.set_source(source);
        fields.set_destination(destination);
        out
    }
}

impl Body {
    fn protocol(&self, icmp: IpNextHeaderProtocol) -> IpNextHeaderProtocol {
        match self {
            Body::Tcp(_) => IpNextHeaderProtocols::Tcp,
            Body::Icmp(_) => icmp,
            Body::Other { protocol, .. } => IpNextHeaderProtocol(*protocol),
        }
    }

    /// Octets enough for the body, but for options beyond 40 octets.
    fn capacity(&self) -> usize {
        match self {
            Body::Tcp(segment) => 60 + segment.payload.len(),
            Body::Icmp(icmp) => 8 + icmp.quote.len(),
            Body::Other { payload, .. } => payload.len(),
        }
    }

    fn write(&self, out: &mut Vec<u8>, numbers: fn(&Icmp) -> (u8, u8)) {
        match self {
            Body::Tcp(segment) => segment.write(out),
            Body::Icmp(icmp) => icmp.write(numbers(icmp), out),
            Body::Other { payload, .. } => out.extend(payload),
        }
    }
}

/// Writes the checksum into an ICMP message, which is never shorter than its header.
fn seal_icmp(body: &mut [u8], checksum: u16) {
    body[2..4].copy_from_slice(&checksum.to_be_bytes());
}

fn tcp_checksum_v4(segment: &[u8], source: &Ipv4Addr, destination: &Ipv4Addr) -> u16 {
    util::ipv4_checksum(segment, TCP_CHECKSUM_WORD, &[], source, destination, TCP)
}

fn tcp_checksum_v6(segment: &[u8], source: &Ipv6Addr, destination: &Ipv6Addr) -> u16 {
    util::ipv6_checksum(segment, TCP_CHECKSUM_WORD, &[], source, destination, TCP)
}

fn parse_v4(octets: &[u8]) -> Result<Packet, NotIp> {
    let fields = Ipv4Packet::new(octets).ok_or(NotIp("shorter than an IPv4 header"))?;
    let header = usize::from(fields.get_header_length()) * 4;
    let total = usize::from(fields.get_total_length());
    if header < V4_HEADER {
        return Err(NotIp("an IPv4 header length below 20 octets"));
    }
    if total < header {
        return Err(NotIp("an IPv4 total length that ends within the header"));
    }
    let body = octets
        .get(header..total)
        .ok_or(NotIp("shorter than the IPv4 total length"))?;
    // The sum over a right header, checksum included, is all ones, and `checksum` gives its complement. Word 30 is
    // past any header, so that none is left out.
    if util::checksum(&octets[..header], 30) != 0 {
        return Err(NotIp("a wrong IPv4 header checksum"));
    }
    let (source, destination) = (fields.get_source(), fields.get_destination());
    let protocol = fields.get_next_level_protocol();
    let fragment = fields.get_fragment_offset() != 0 || fields.get_flags() & MORE_FRAGMENTS != 0;
    let other = || Body::Other {
        protocol: protocol.0,
        payload: body.to_vec(),
    };
    let body = match protocol {
        _ if fragment => other(),
        TCP => Body::Tcp(Segment::read(body, tcp_checksum_v4(body, &source, &destination))),
        ICMP => Icmp::read_v4(body).map_or_else(other, Body::Icmp),
        _ => other(),
    };
    let ip = IpHeader {
        source: IpAddr::V4(source),
        destination: IpAddr::V4(destination),
        ttl: fields.get_ttl(),
        dscp: fields.get_dscp(),
        ecn: Ecn::from_bits(fields.get_ecn()),
        id: fields.get_identification(),
        dont_fragment: fields.get_flags() & DONT_FRAGMENT != 0,
        flow: 0,
    };
    Ok(Packet { ip, body })
}

fn parse_v6(octets: &[u8]) -> Result<Packet, NotIp> {
    let fields = Ipv6Packet::new(octets).ok_or(NotIp("shorter than an IPv6 header"))?;
    let end = V6_HEADER + usize::from(fields.get_payload_length());
    let body = octets
        .get(V6_HEADER..end)
        .ok_or(NotIp("shorter than the IPv6 payload length"))?;
    let (source, destination) = (fields.get_source(), fields.get_destination());
    let protocol = fields.get_next_header();
    let other = || Body::Other {
        protocol: protocol.0,
        payload: body.to_vec(),
    };
    let body = match protocol {
        TCP => Body::Tcp(Segment::read(body, tcp_checksum_v6(body, &source, &destination))),
        ICMPV6 => Icmp::read_v6(body, &source, &destination).map_or_else(other, Body::Icmp),
        _ => other(),
    };
    let class = fields.get_traffic_class();
    let ip = IpHeader {
        source: IpAddr::V6(source),
        destination: IpAddr::V6(destination),
        ttl: fields.get_hop_limit(),
        dscp: class >> 2,
        ecn: Ecn::from_bits(class),
        id: 0,
        dont_fragment: true,
        flow: fields.get_flow_label(),
    };
    Ok(Packet { ip, body })
}
