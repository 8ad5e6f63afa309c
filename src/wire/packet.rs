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

/// Why no receiver takes some octets as an IP packet. It is printed as a lower-case fragment, such as
/// `the IP version is 5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotIp {
    /// There are none.
    Empty,
    /// The first four bits name neither version 4 nor version 6.
    Version(u8),
    /// So many octets are there, which are fewer than the header of that version has.
    Short {
        /// 4 or 6.
        version: u8,
        /// How many octets there are.
        octets: usize,
    },
    /// The header length of IPv4, in words of four octets, is less than five.
    HeaderLength(u8),
    /// The total length of IPv4, in octets, ends within the header.
    TotalLength(usize),
    /// The header says that the packet is longer than it is.
    Lacking {
        /// How many octets the packet should have, its header included.
        says: usize,
        /// How many there are.
        octets: usize,
    },
    /// The checksum of the IPv4 header.
    Checksum {
        /// What it is.
        is: u16,
        /// What it should be.
        right: u16,
    },
}

impl fmt::Display for NotIp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotIp::Empty => f.write_str("there are no octets"),
            NotIp::Version(version) => write!(f, "the IP version is {version}"),
            NotIp::Short { version, octets } => write!(f, "{octets} octets are fewer than an IPv{version} header has"),
            NotIp::HeaderLength(words) => write!(f, "the header length is {words} words, and the least is 5"),
            NotIp::TotalLength(length) => write!(f, "the total length is {length}, which ends within the header"),
            NotIp::Lacking { says, octets } => {
                write!(
                    f,
                    "the IP header says that there are {says} octets, and there are {octets}"
                )
            }
            NotIp::Checksum { is, right } => {
                write!(
                    f,
                    "the checksum of the IPv4 header is {is:#06x} instead of {right:#06x}"
                )
            }
        }
    }
}

impl core::error::Error for NotIp {}

impl Packet {
    /// Reads a captured frame. Total: never panics, whatever the octets; a segment too short for its header is
    /// `Body::Tcp` with what there is, `cut` set. IPv4 options are passed over, as are octets past the length that
    /// the IP header gives; a frame that is shorter than that length, or an IPv4 header with a wrong checksum, is not
    /// IP.
    pub fn parse(octets: &[u8]) -> Result<Packet, NotIp> {
        let packet = Packet::parse_unverified(octets)?;
        match packet.ip.source.is_ipv4() {
            true => header_checksum_right(octets).map(|()| packet),
            false => Ok(packet),
        }
    }

    /// As [`Packet::parse`], but the checksum of an IPv4 header is not looked at.
    pub fn parse_unverified(octets: &[u8]) -> Result<Packet, NotIp> {
        match octets.first().map(|octet| octet >> 4) {
            Some(4) => parse_v4(octets),
            Some(6) => parse_v6(octets),
            Some(version) => Err(NotIp::Version(version)),
            None => Err(NotIp::Empty),
        }
    }

    /// The destination of what may be an IP packet: as far as the octets go, whatever else is wrong with them.
    pub fn destination_of(octets: &[u8]) -> Option<IpAddr> {
        match octets.first()? >> 4 {
            4 => Some(IpAddr::from(*octets.get(16..)?.first_chunk::<4>()?)),
            6 => Some(IpAddr::from(*octets.get(24..)?.first_chunk::<16>()?)),
            _ => None,
        }
    }

    /// What stands behind an IP packet: the octets past the length that its header gives, such as the padding of a
    /// link. Of what is no IP packet nothing does.
    pub fn padding_of(octets: &[u8]) -> &[u8] {
        let length = match octets.first().map(|octet| octet >> 4) {
            Some(4) => octets
                .get(2..4)
                .map(|field| usize::from(u16::from_be_bytes([field[0], field[1]]))),
            Some(6) => octets
                .get(4..6)
                .map(|field| V6_HEADER + usize::from(u16::from_be_bytes([field[0], field[1]]))),
            _ => None,
        };
        length.and_then(|length| octets.get(length..)).unwrap_or_default()
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

/// Compares the checksum of an IPv4 header that is known to be whole.
fn header_checksum_right(octets: &[u8]) -> Result<(), NotIp> {
    const CHECKSUM_WORD: usize = 5;
    let header = &octets[..usize::from(octets[0] & 0xf) * 4];
    // The sum over a right header, checksum included, is all ones, and `checksum` gives its complement. Word 30 is
    // past any header, so that none is left out.
    if util::checksum(header, 30) == 0 {
        return Ok(());
    }
    Err(NotIp::Checksum {
        is: u16::from_be_bytes([header[2 * CHECKSUM_WORD], header[2 * CHECKSUM_WORD + 1]]),
        right: util::checksum(header, CHECKSUM_WORD),
    })
}

fn parse_v4(octets: &[u8]) -> Result<Packet, NotIp> {
    let short = NotIp::Short {
        version: 4,
        octets: octets.len(),
    };
    let fields = Ipv4Packet::new(octets).ok_or(short)?;
    let header = usize::from(fields.get_header_length()) * 4;
    let total = usize::from(fields.get_total_length());
    if header < V4_HEADER {
        return Err(NotIp::HeaderLength(fields.get_header_length()));
    }
    if total < header {
        return Err(NotIp::TotalLength(total));
    }
    let lacking = NotIp::Lacking {
        says: total,
        octets: octets.len(),
    };
    let body = octets.get(header..total).ok_or(lacking)?;
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
    let short = NotIp::Short {
        version: 6,
        octets: octets.len(),
    };
    let fields = Ipv6Packet::new(octets).ok_or(short)?;
    let end = V6_HEADER + usize::from(fields.get_payload_length());
    let lacking = NotIp::Lacking {
        says: end,
        octets: octets.len(),
    };
    let body = octets.get(V6_HEADER..end).ok_or(lacking)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Checksum, Flags, IcmpKind, SeqNum, TcpOption};
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    /// A SYN of 2004, from a capture that is much passed around.
    const SYN_V4: [u8; 48] = [
        0x45, 0x00, 0x00, 0x30, 0x0f, 0x41, 0x40, 0x00, 0x80, 0x06, 0x91, 0xeb, 0x91, 0xfe, 0xa0, 0xed, // IP
        0x41, 0xd0, 0xe4, 0xdf, // destination
        0x0d, 0x2c, 0x00, 0x50, 0x38, 0xaf, 0xfe, 0x13, 0x00, 0x00, 0x00, 0x00, 0x70, 0x02, 0x22, 0x38, // TCP
        0xc3, 0x0c, 0x00, 0x00, // checksum, urgent pointer
        0x02, 0x04, 0x05, 0xb4, 0x01, 0x01, 0x04, 0x02, // options
    ];

    /// An odd number of octets, each field of IPv6 in use.
    const ODD_V6: [u8; 63] = [
        0x62, 0xb1, 0x23, 0x45, 0x00, 0x17, 0x06, 0x40, // IPv6
        0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, // source
        0x20, 0x01, 0x0d, 0xb8, 0x00, 0x00, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x02, // destination
        0xc0, 0x00, 0x00, 0x50, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x02, 0x50, 0x18, 0xff, 0xff, // TCP
        0xc0, 0x9c, 0x00, 0x00, 0x6f, 0x64, 0x64, // checksum, urgent pointer, "odd"
    ];

    fn header(source: &str, destination: &str) -> IpHeader {
        IpHeader::between(source.parse().unwrap(), destination.parse().unwrap())
    }

    fn v4(body: Body) -> Packet {
        let ip = header("192.0.2.1", "192.0.2.2");
        Packet { ip, body }
    }

    fn v6(body: Body) -> Packet {
        let ip = header("2001:db8::1", "2001:db8::2");
        Packet { ip, body }
    }

    fn round(packet: &Packet) -> Packet {
        Packet::parse(&packet.encode()).unwrap()
    }

    /// What becomes of these octets as a TCP segment over IPv4, which must encode to the same again.
    fn segment(octets: &[u8]) -> Segment {
        let packet = v4(Body::Other {
            protocol: 6,
            payload: octets.to_vec(),
        });
        let frame = packet.encode();
        let read = Packet::parse(&frame).unwrap();
        assert_eq!(read.encode(), frame);
        read.tcp().unwrap().clone()
    }

    #[test]
    fn a_captured_syn_is_read_and_written() {
        let packet = Packet::parse(&SYN_V4).unwrap();
        let expected = Segment {
            source: 3372,
            destination: 80,
            seq: SeqNum(0x38af_fe13),
            flags: Flags::SYN,
            window: 8760,
            options: vec![
                TcpOption::Mss(1460),
                TcpOption::Nop,
                TcpOption::Nop,
                TcpOption::SackPermitted,
            ],
            ..Segment::default()
        };
        assert_eq!(packet.tcp(), Some(&expected));
        assert_eq!(
            (packet.ip.ttl, packet.ip.id, packet.ip.dont_fragment),
            (128, 0x0f41, true)
        );
        assert_eq!(packet.encode(), SYN_V4);
    }

    #[test]
    fn an_odd_payload_over_ipv6_has_a_right_checksum() {
        let packet = Packet::parse(&ODD_V6).unwrap();
        let segment = packet.tcp().unwrap();
        assert_eq!(
            (segment.checksum, segment.payload.as_slice()),
            (Checksum::Right, &b"odd"[..])
        );
        assert_eq!((packet.ip.dscp, packet.ip.ecn, packet.ip.flow), (10, Ecn::Ce, 0x12345));
        assert_eq!(packet.encode(), ODD_V6);
    }

    #[test]
    fn every_single_wrong_bit_of_a_segment_is_noticed() {
        for bit in V4_HEADER * 8..SYN_V4.len() * 8 {
            let mut octets = SYN_V4;
            octets[bit / 8] ^= 1 << (bit % 8);
            let packet = Packet::parse(&octets).unwrap();
            assert_ne!(packet.tcp().unwrap().checksum, Checksum::Right, "bit {bit}");
            assert_eq!(packet.encode(), octets);
        }
    }

    #[test]
    fn a_wrong_ipv4_checksum_is_not_ip() {
        for bit in 0..V4_HEADER * 8 {
            let mut octets = SYN_V4;
            octets[bit / 8] ^= 1 << (bit % 8);
            assert!(Packet::parse(&octets).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn all_ones_serve_for_a_checksum_of_zero() {
        let mut packet = v4(Body::Tcp(Segment::default()));
        let mut frame = packet.encode();
        let sum = u16::from_be_bytes([frame[36], frame[37]]);
        // The window takes up what is missing to all ones.
        let Body::Tcp(segment) = &mut packet.body else {
            unreachable!()
        };
        segment.window = sum;
        frame = packet.encode();
        assert_eq!(frame[36..38], [0, 0]);
        assert!(Packet::parse(&frame).unwrap().tcp().unwrap().is_well_formed());
        frame[36..38].fill(0xff);
        assert!(Packet::parse(&frame).unwrap().tcp().unwrap().is_well_formed());
    }

    #[test]
    fn ipv4_options_are_passed_over() {
        let mut octets = SYN_V4.to_vec();
        octets.splice(20..20, [1, 1, 1, 0]);
        octets[0] = 0x46;
        octets[3] += 4;
        let sum = util::checksum(&octets[..24], 5);
        octets[10..12].copy_from_slice(&sum.to_be_bytes());
        let packet = Packet::parse(&octets).unwrap();
        assert_eq!(packet.tcp(), Packet::parse(&SYN_V4).unwrap().tcp());
    }

    #[test]
    fn padding_of_the_link_is_cut_off() {
        let mut octets = SYN_V4.to_vec();
        octets.extend([0; 12]);
        assert_eq!(Packet::parse(&octets), Packet::parse(&SYN_V4));
        let mut octets = ODD_V6.to_vec();
        octets.push(9);
        assert_eq!(Packet::parse(&octets), Packet::parse(&ODD_V6));
    }

    #[test]
    fn cut_frames_are_not_ip() {
        for length in 0..SYN_V4.len() {
            assert!(Packet::parse(&SYN_V4[..length]).is_err());
        }
        for length in 0..ODD_V6.len() {
            assert!(Packet::parse(&ODD_V6[..length]).is_err());
        }
        assert_eq!(Packet::parse(&[0x50; 60]), Err(NotIp::Version(5)));
    }

    #[test]
    fn fragments_and_extension_headers_are_kept_as_they_are() {
        for flags in [0x20, 0x01] {
            let mut octets = SYN_V4;
            octets[6] = flags;
            let sum = util::checksum(&octets[..20], 5);
            octets[10..12].copy_from_slice(&sum.to_be_bytes());
            let payload = SYN_V4[20..].to_vec();
            assert_eq!(
                Packet::parse(&octets).unwrap().body,
                Body::Other { protocol: 6, payload }
            );
        }
        for next in [0, 43, 44, 60] {
            let mut octets = ODD_V6;
            octets[6] = next;
            let packet = Packet::parse(&octets).unwrap();
            assert!(matches!(packet.body, Body::Other { protocol, .. } if protocol == next));
            assert_eq!(packet.encode(), octets);
        }
    }

    #[test]
    fn a_segment_shorter_than_its_header_is_cut() {
        let octets: Vec<u8> = (1..=19).collect();
        for length in 0..20 {
            let read = segment(&octets[..length]);
            assert_eq!((read.cut, read.options.len(), read.payload.len()), (Some(length), 0, 0));
            assert!(!read.is_well_formed());
        }
        assert_eq!(segment(&octets[..3]).destination, 0x0300);
    }

    #[test]
    fn a_data_offset_that_cannot_be_leaves_all_to_the_payload() {
        for offset in (0..5).chain(7..16) {
            let mut octets = [0; 27];
            octets[12] = offset << 4;
            octets[20..].fill(1);
            let read = segment(&octets);
            assert_eq!(
                (read.offset, read.options.len(), read.payload.len()),
                (Some(offset), 0, 7)
            );
        }
    }

    #[test]
    fn lies_of_a_segment_are_sent() {
        let lying = |change: fn(&mut Segment)| {
            let mut segment = Segment {
                payload: b"x".to_vec(),
                ..Segment::default()
            };
            change(&mut segment);
            v4(Body::Tcp(segment)).encode()
        };
        assert_eq!(lying(|segment| segment.offset = Some(15))[32], 0xf0);
        assert_eq!(lying(|segment| segment.offset = Some(255))[32], 0xf0);
        assert_eq!(
            lying(|segment| segment.checksum = Checksum::Wrong(0xdead))[36..38],
            [0xde, 0xad]
        );
        assert_eq!(lying(|segment| segment.flags = Flags::NONE.with_reserved(7))[32], 0x5e);
        let cut = lying(|segment| segment.cut = Some(10));
        assert_eq!((cut.len(), cut[3]), (30, 30));
        assert_eq!(lying(|segment| segment.cut = Some(usize::MAX)).len(), 41);
    }

    #[test]
    fn a_cut_in_the_payload_leaves_a_right_checksum() {
        let packet = v4(Body::Tcp(Segment {
            payload: b"abcdef".to_vec(),
            cut: Some(23),
            ..Segment::default()
        }));
        let read = round(&packet);
        assert_eq!(read.tcp().unwrap().payload, b"abc");
        assert!(read.tcp().unwrap().is_well_formed());
    }

    #[test]
    fn more_options_than_a_header_holds_are_sent_under_the_largest_offset() {
        let packet = v4(Body::Tcp(Segment {
            options: vec![TcpOption::Nop; 50],
            ..Segment::default()
        }));
        let octets = packet.encode();
        assert_eq!((octets.len(), octets[32]), (20 + 20 + 52, 0xf0));
        let read = Packet::parse(&octets).unwrap();
        let segment = read.tcp().unwrap();
        assert_eq!((segment.options.len(), segment.payload.len()), (40, 12));
    }

    #[test]
    fn what_the_ip_header_cannot_count_is_cut() {
        for packet in [v4, v6] {
            let packet = packet(Body::Tcp(Segment {
                payload: vec![0xff; 1 << 20],
                options: vec![TcpOption::Raw(vec![0xff; 1 << 16])],
                ..Segment::default()
            }));
            let octets = packet.encode();
            let most = 65_535 + if packet.ip.source.is_ipv6() { 40 } else { 0 };
            assert_eq!(octets.len(), most);
            assert!(Packet::parse(&octets).unwrap().tcp().is_some());
        }
    }

    #[test]
    fn the_source_decides_the_version() {
        let mixed = |source: &str, destination: &str| {
            let packet = Packet {
                ip: header(source, destination),
                body: Body::Tcp(Segment::default()),
            };
            round(&packet).ip.destination.to_string()
        };
        assert_eq!(mixed("192.0.2.1", "2001:db8::2"), "0.0.0.0");
        assert_eq!(mixed("192.0.2.1", "::ffff:192.0.2.2"), "192.0.2.2");
        assert_eq!(mixed("2001:db8::1", "192.0.2.2"), "::ffff:192.0.2.2");
    }

    #[test]
    fn icmp_with_a_wrong_checksum_or_too_short_is_other() {
        let icmp = Body::Icmp(Icmp {
            kind: IcmpKind::PacketTooBig,
            rest: 1280,
            quote: vec![1, 2, 3],
        });
        for packet in [v4(icmp.clone()), v6(icmp)] {
            assert_eq!(round(&packet), packet);
            let mut octets = packet.encode();
            *octets.last_mut().unwrap() ^= 1;
            let read = Packet::parse(&octets).unwrap();
            assert!(matches!(read.body, Body::Other { .. }));
            assert_eq!(read.encode(), octets);
        }
        let short = Body::Other {
            protocol: 1,
            payload: vec![3, 4, 0xfc, 0xfb],
        };
        assert_eq!(round(&v4(short.clone())).body, short);
    }

    #[test]
    fn an_icmpv6_checksum_takes_in_the_addresses() {
        let mut quote = vec![0x60, 0, 0, 0, 0, 8, 6, 64];
        quote.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 2]);
        quote.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        quote.extend([0, 80, 0xc0, 0, 0, 0, 0, 1]);
        let packet = Packet {
            ip: header("2001:db8::1", "2001:db8:0:ffff::2"),
            body: Body::Icmp(Icmp {
                kind: IcmpKind::PacketTooBig,
                rest: 1280,
                quote,
            }),
        };
        assert_eq!(packet.encode()[40..44], [2, 0, 0x1b, 0x09]);
        assert_eq!(round(&packet), packet);
    }

    fn any_header() -> impl Strategy<Value = IpHeader> {
        let v4 = (any::<(Ipv4Addr, Ipv4Addr, u16, bool)>()).prop_map(|(source, destination, id, dont_fragment)| {
            let (source, destination) = (IpAddr::V4(source), IpAddr::V4(destination));
            (source, destination, id, dont_fragment, 0)
        });
        let v6 = (any::<(Ipv6Addr, Ipv6Addr)>(), 0u32..1 << 20).prop_map(|((source, destination), flow)| {
            let (source, destination) = (IpAddr::V6(source), IpAddr::V6(destination));
            (source, destination, 0, true, flow)
        });
        (prop_oneof![v4, v6], any::<u8>(), 0u8..64, 0u8..4).prop_map(|(rest, ttl, dscp, ecn)| IpHeader {
            source: rest.0,
            destination: rest.1,
            ttl,
            dscp,
            ecn: Ecn::from_bits(ecn),
            id: rest.2,
            dont_fragment: rest.3,
            flow: rest.4,
        })
    }

    fn any_option() -> impl Strategy<Value = TcpOption> {
        prop_oneof![
            Just(TcpOption::Nop),
            any::<u16>().prop_map(TcpOption::Mss),
            any::<u8>().prop_map(TcpOption::WindowScale),
            Just(TcpOption::SackPermitted),
            vec(any::<(u32, u32)>(), 1..4).prop_map(TcpOption::Sack),
            any::<(u32, u32)>().prop_map(|(value, echo)| TcpOption::Timestamps { value, echo }),
            vec(any::<u8>(), 1..17).prop_map(TcpOption::Md5),
            any::<u16>().prop_map(TcpOption::UserTimeout),
            vec(any::<u8>(), 0..17).prop_map(TcpOption::FastOpen),
            (35u8.., vec(any::<u8>(), 0..8)).prop_map(|(kind, data)| TcpOption::Other { kind, data }),
        ]
    }

    /// Options that fit into a header, with a tail that is malformed where `tail` says so.
    fn any_options() -> impl Strategy<Value = Vec<TcpOption>> {
        (vec(any_option(), 0..6), 0u8..4, any::<u8>()).prop_map(|(mut options, tail, filler)| {
            let size = |options: &[TcpOption]| {
                let mut out = Vec::new();
                options.iter().for_each(|option| option.write(&mut out));
                out.len()
            };
            while size(&options) > 32 {
                options.pop();
            }
            // What is left of the last word; all that follows ends at the end of a word, or three octets before it.
            let room = 4 - size(&options) % 4;
            match tail {
                0 => options.extend([TcpOption::Eol, TcpOption::Raw(vec![filler | 1; room + 3])]),
                1 => options.push(TcpOption::Raw([vec![77, 1], vec![filler; room + 2]].concat())),
                2 => options.extend(core::iter::repeat_n(TcpOption::Eol, room + 1)),
                _ => {}
            }
            options
        })
    }

    /// Any segment in the form in which it is read: what its octets cannot say is not in it.
    fn any_segment() -> impl Strategy<Value = Segment> {
        let numbers = any::<(u16, u16, u32, u32, u16, u16, u16)>();
        let lies = (option::of(0u8..16), option::of(any::<u16>()), option::of(0usize..20));
        (numbers, any_options(), vec(any::<u8>(), 0..40), lies).prop_map(|(numbers, options, payload, lies)| {
            let (source, destination, seq, ack, flags, window, urgent) = numbers;
            let mut segment = Segment {
                source,
                destination,
                seq: SeqNum(seq),
                ack: SeqNum(ack),
                flags: Flags::from_bits(flags),
                window,
                urgent,
                options,
                payload,
                ..Segment::default()
            };
            let (offset, checksum, cut) = lies;
            if let Some(offset) = offset {
                segment.options.clear();
                let past = 20 + segment.payload.len() < usize::from(offset) * 4;
                segment.offset = (offset < 5 || past).then_some(offset);
            }
            segment.checksum = checksum.map_or(Checksum::Right, Checksum::Wrong);
            if let Some(cut) = cut {
                segment = as_cut(segment, cut);
            }
            segment
        })
    }

    /// The segment as it is read when only so many octets are left.
    fn as_cut(segment: Segment, cut: usize) -> Segment {
        let mut octets = Vec::new();
        segment.write(&mut octets);
        octets.truncate(cut);
        let checksum = segment.checksum;
        segment.seal(&mut octets, 0);
        Segment {
            checksum: if cut >= 18 {
                checksum
            } else {
                Segment::read(&octets, 0).checksum
            },
            ..Segment::read(&octets, 0)
        }
    }

    fn any_body() -> impl Strategy<Value = Body> {
        let kind = (0..IcmpKind::NAMED.len()).prop_map(|row| IcmpKind::NAMED[row]);
        let icmp = (kind, any::<u32>(), vec(any::<u8>(), 0..60));
        prop_oneof![
            4 => any_segment().prop_map(Body::Tcp),
            1 => icmp.prop_map(|(kind, rest, quote)| Body::Icmp(Icmp { kind, rest, quote })),
            1 => (100u8.., vec(any::<u8>(), 0..60)).prop_map(|(protocol, payload)| Body::Other { protocol, payload }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back((ip, body) in (any_header(), any_body())) {
            let mut packet = Packet { ip, body };
            // A wrong checksum that happens to be right, or to verify, is not wrong.
            let read = round(&packet);
            if let (Body::Tcp(segment), Some(Checksum::Right)) = (&mut packet.body, read.tcp().map(|tcp| tcp.checksum)) {
                segment.checksum = Checksum::Right;
            }
            prop_assert_eq!(read, packet);
        }

        #[test]
        fn what_is_read_is_written_back(ip in any_header(), mut octets in vec(any::<u8>(), 0..100), plausible: bool) {
            if let (true, Some(octet)) = (plausible, octets.get_mut(12)) {
                *octet = 0x50 | *octet & 0x7f;
            }
            let frame = Packet { ip, body: Body::Other { protocol: 6, payload: octets } }.encode();
            let packet = Packet::parse(&frame).unwrap();
            prop_assert!(packet.tcp().is_some());
            prop_assert_eq!(packet.encode(), frame);
        }

        #[test]
        fn options_of_every_make_are_written_back(area in vec(0u8..12, 0..=10)) {
            let mut octets = vec![0; 20];
            octets[12] = (5 + area.len() as u8) << 4;
            octets.extend(area.iter().flat_map(|octet| [*octet, *octet / 2, 0, *octet % 3]));
            prop_assert_eq!(segment(&octets).offset, None);
        }

        #[test]
        fn parsing_never_panics(mut octets in vec(any::<u8>(), 0..200), version: bool) {
            if let Some(first) = octets.first_mut() {
                *first = if version { 0x40 | *first & 0x0f } else { 0x60 | *first & 0x0f };
            }
            let _ = Packet::parse(&octets);
        }

        #[test]
        fn encoding_never_panics(
            ip in any_header(),
            segment in any_segment(),
            destination: IpAddr,
            dscp: u8,
            flow: u32,
            offset: Option<u8>,
            cut: Option<usize>,
        ) {
            let segment = Segment { offset, cut, ..segment };
            let packet = Packet { ip: IpHeader { destination, dscp, flow, ..ip }, body: Body::Tcp(segment) };
            prop_assert!(Packet::parse(&packet.encode()).is_ok());
        }
    }
}
