//! The TCP segment in an IP packet, as a capture shows it: with lengths and checksums that are left to the network
//! interface, behind options and extension headers, and perhaps cut short.

use super::octets::Order;
use crate::wire::{Body, Checksum, Ecn, IpHeader, NotIp, Packet, Segment};
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Why a frame, or a part of one, was not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The capture has only the beginning of the frame.
    Cut,
    /// It is a fragment of a packet.
    Fragment,
    /// What stands before the IP packet is not known here; by the number of the link type.
    UnknownLink(u16),
    /// A header of the link layer ends too soon, or makes no sense.
    LinkHeader,
    /// It ends within an IP header, or the header contradicts itself.
    IpHeader,
    /// The IP packet claims to be longer than its frame.
    IpLength,
    /// The checksum of the IPv4 header is wrong.
    IpChecksum,
    /// A routing header of a kind that is not known here.
    Routed,
    /// It is encrypted on the link.
    Encrypted,
    /// It is compressed on the link.
    Compressed,
    /// It is several packets in one frame of IEEE 802.11.
    Aggregated,
    /// The receiver says that the frame came with errors.
    Damaged,
    /// Its EtherType is not known here, or announces what cannot be read.
    EtherType(u16),
    /// Its LLC header announces what is not known here.
    Llc,
    /// Its PPP protocol is not known here, or cannot be read.
    PppProtocol(u16),
    /// Its IP protocol is not known here, or cannot be read.
    IpProtocol(u8),
    /// It is a UDP datagram to a port of a tunnel.
    UdpTunnel(u16),
    /// Its interface is not described in the capture.
    UnknownInterface,
    /// The lengths in its block contradict each other.
    BrokenBlock,
}

impl fmt::Display for Reason {
    /// What stands behind a number of frames: `cut short by the capture`, and a remedy if there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Cut => "cut short by the capture; `tcpdump -s 0` takes whole frames",
            Reason::Fragment => "holding a fragment of a packet",
            Reason::UnknownLink(link) => return write!(f, "of link type {link}, which cannot be read here"),
            Reason::LinkHeader => "with a link-layer header that cannot be read",
            Reason::IpHeader => "with an IP header that cannot be read",
            Reason::IpLength => "with an IP packet that claims to be longer than the frame",
            Reason::IpChecksum => "with a wrong checksum of the IPv4 header",
            Reason::Routed => "with an IPv6 routing header of a kind not known here",
            Reason::Encrypted => "encrypted on the link",
            Reason::Compressed => "compressed on the link",
            Reason::Aggregated => "holding several packets (A-MSDU of IEEE 802.11)",
            Reason::Damaged => "received with errors",
            Reason::EtherType(0x88e5) => "in MACsec, which cannot be read here",
            Reason::EtherType(0x894f) => "in NSH, which cannot be read here",
            Reason::EtherType(kind) => return write!(f, "of EtherType {kind:#06x}, which cannot be read here"),
            Reason::Llc => "with an LLC header of a kind not known here",
            Reason::PppProtocol(kind) => return write!(f, "of PPP protocol {kind:#06x}, which cannot be read here"),
            Reason::IpProtocol(GRE) => "in GRE, which cannot be read here",
            Reason::IpProtocol(ESP) => "in ESP, which cannot be read here",
            Reason::IpProtocol(kind) => return write!(f, "of IP protocol {kind}, which cannot be read here"),
            Reason::UdpTunnel(VXLAN) => "in VXLAN, which cannot be read here",
            Reason::UdpTunnel(GENEVE) => "in GENEVE, which cannot be read here",
            Reason::UdpTunnel(GTP) => "in GTP, which cannot be read here",
            Reason::UdpTunnel(VXLAN_OF_LINUX) => "in UDP to port 8472, which may be VXLAN, and cannot be read here",
            Reason::UdpTunnel(ESP_IN_UDP) => "in UDP to port 4500, which may be ESP, and cannot be read here",
            Reason::UdpTunnel(L2TP) => "in UDP to port 1701, which may be L2TP, and cannot be read here",
            Reason::UdpTunnel(port) => return write!(f, "in UDP to port {port}, a tunnel that cannot be read here"),
            Reason::UnknownInterface => "of an interface that the capture does not describe",
            Reason::BrokenBlock => "in a block whose lengths contradict each other",
        })
    }
}

/// A TCP segment as it was captured.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Captured {
    /// The packet. Checksums that the network interface is to finish are taken for right.
    pub packet: Packet,
    /// Whether the checksum of the IPv4 header, or of the segment, was left to the network interface.
    pub offloaded: bool,
    /// Whether the checksum is not judged, because an interface may have merged several segments without renewing it.
    pub merged: bool,
}

/// What an IP packet carries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A TCP segment.
    Segment(Box<Captured>),
    /// A TCP segment in a packet that every receiver throws away, and why.
    WrongHeader(Box<Packet>, NotIp),
    /// What certainly holds no TCP segment.
    Other,
    /// What may be a TCP segment, and cannot be judged.
    LeftOut(Reason),
}

/// Protocol numbers.
const HOP_BY_HOP: u8 = 0;
const IP_IN_IP: u8 = 4;
const TCP: u8 = 6;
const UDP: u8 = 17;
const IPV6: u8 = 41;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const GRE: u8 = 47;
const ESP: u8 = 50;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HIP: u8 = 139;
const SHIM6: u8 = 140;

/// Protocols that are known to hold no IP packet: ICMP, IGMP, EGP, IGP, DCCP, RSVP, ICMPv6, no next header, EIGRP,
/// OSPF, PIM, VRRP, PGM, SCTP, UDP-Lite.
const WITHOUT_TCP: [u8; 15] = [1, 2, 8, 9, 33, 46, 58, 59, 88, 89, 103, 112, 113, 132, 136];

/// Octets of a UDP header.
const UDP_HEADER: usize = 8;

/// UDP ports to which tunnels send.
const VXLAN: u16 = 4789;
const GENEVE: u16 = 6081;
const GTP: u16 = 2152;
/// Where Linux sends VXLAN to unless it is told otherwise.
const VXLAN_OF_LINUX: u16 = 8472;
/// RFC 3948.
const ESP_IN_UDP: u16 = 4500;
/// RFC 2661.
const L2TP: u16 = 1701;

/// A packet on an Ethernet link has at most so many octets, unless it is a jumbo frame or several segments in one.
const ETHERNET_MTU: usize = 1500;

/// Octets of an IPv6 header.
const V6_HEADER: usize = 40;
/// Where the checksum stands in a TCP header.
const CHECKSUM: usize = 16;

/// Whether the checksum of an IPv4 header is right, left to the network interface, or wrong. IPv6 has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HeaderChecksum {
    Right,
    Offloaded,
    /// What it is, and what it should be.
    Wrong(u16, u16),
}

/// An IP packet, taken apart.
struct Ip<'a> {
    header: IpHeader,
    checksum: HeaderChecksum,
    /// Protocol, or next header.
    protocol: u8,
    fragment: bool,
    /// What follows the headers that were read.
    body: &'a [u8],
    /// How many octets at the end of the body are not there.
    lacking: usize,
    /// Whether the capture lacks them, not the frame.
    cut: bool,
}

/// Reads an IP packet, which octets that are not its own may follow; `missing` is how many of the frame's octets the
/// capture lacks. A packet within a packet is taken out.
pub(super) fn read(octets: &[u8], missing: usize) -> Content {
    let (mut octets, mut missing) = (octets, missing);
    loop {
        let ip = match octets.first().map(|octet| octet >> 4) {
            Some(4) => read_v4(octets, missing),
            Some(6) => read_v6(octets, missing),
            _ => Err(ended(missing)),
        };
        let ip = match ip.and_then(Ip::behind_extensions) {
            Ok(ip) => ip,
            Err(reason) => return Content::LeftOut(reason),
        };
        if let (HeaderChecksum::Wrong(is, right), TCP) = (ip.checksum, ip.protocol)
            && !ip.fragment
            && ip.lacking == 0
        {
            return Content::WrongHeader(Box::new(ip.segment().packet), NotIp::Checksum { is, right });
        }
        let reason = match ip.protocol {
            TCP | IP_IN_IP | IPV6 if matches!(ip.checksum, HeaderChecksum::Wrong(..)) => Reason::IpChecksum,
            TCP | IP_IN_IP | IPV6 if ip.fragment => Reason::Fragment,
            TCP | IP_IN_IP | IPV6 if ip.lacking > 0 && !ip.cut => Reason::IpLength,
            TCP if ip.lacking > 0 => Reason::Cut,
            TCP => return Content::Segment(Box::new(ip.segment())),
            IP_IN_IP | IPV6 => {
                (octets, missing) = (ip.body, ip.lacking);
                continue;
            }
            UDP => return ip.datagram(),
            protocol if WITHOUT_TCP.contains(&protocol) => return Content::Other,
            protocol => Reason::IpProtocol(protocol),
        };
        return Content::LeftOut(reason);
    }
}

/// Why a header ends too soon.
fn ended(missing: usize) -> Reason {
    match missing {
        0 => Reason::IpHeader,
        _ => Reason::Cut,
    }
}

fn read_v4(octets: &[u8], missing: usize) -> Result<Ip<'_>, Reason> {
    let fixed: &[u8; 20] = octets.first_chunk().ok_or(ended(missing))?;
    let length = usize::from(fixed[0] & 15) * 4;
    let header = octets.get(..length).ok_or(ended(missing))?;
    let total = match u16::from_be_bytes([fixed[2], fixed[3]]) {
        // The interface is to cut it into packets, and gives them their lengths.
        0 => octets.len() + missing,
        total => usize::from(total),
    };
    if length < fixed.len() || total < length {
        return Err(Reason::IpHeader);
    }
    let there = u16::from_be_bytes([fixed[10], fixed[11]]);
    let checksum = match (folded(sum(header)), there) {
        (0xffff, _) => HeaderChecksum::Right,
        (_, 0) => HeaderChecksum::Offloaded,
        _ => HeaderChecksum::Wrong(there, !folded(sum(header) - u64::from(there))),
    };
    let fragment = u16::from_be_bytes([fixed[6], fixed[7]]);
    let address = |at: usize| Ipv4Addr::new(fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]);
    let destination = routed_v4(&header[fixed.len()..]).unwrap_or(address(16));
    Ok(Ip {
        header: IpHeader {
            source: address(12).into(),
            destination: destination.into(),
            ttl: fixed[8],
            dscp: fixed[1] >> 2,
            ecn: Ecn::from_bits(fixed[1]),
            id: u16::from_be_bytes([fixed[4], fixed[5]]),
            dont_fragment: fragment & 0x4000 != 0,
            flow: 0,
        },
        checksum,
        protocol: fixed[9],
        fragment: fragment & 0x3fff != 0,
        body: &octets[length..total.min(octets.len())],
        lacking: total.saturating_sub(octets.len()),
        cut: missing > 0,
    })
}

/// The final destination of an IPv4 source route that is not at its end yet (RFC 791 section 3.1).
fn routed_v4(mut options: &[u8]) -> Option<Ipv4Addr> {
    loop {
        let length = match options {
            [1, ..] => 1,
            [131 | 137, length, pointer, ..] if pointer < length => {
                let last = options.get(..usize::from(*length))?.last_chunk::<4>()?;
                return Some(Ipv4Addr::from(*last));
            }
            [kind, length, ..] if *kind > 1 && *length > 1 => usize::from(*length),
            _ => return None,
        };
        options = options.get(length..)?;
    }
}

fn read_v6(octets: &[u8], missing: usize) -> Result<Ip<'_>, Reason> {
    let fixed: &[u8; V6_HEADER] = octets.first_chunk().ok_or(ended(missing))?;
    let first = u32::from_be_bytes([fixed[0], fixed[1], fixed[2], fixed[3]]);
    let rest = &octets[V6_HEADER..];
    let length = match u16::from_be_bytes([fixed[4], fixed[5]]) {
        // The length stands in an option (RFC 2675), or is left to the interface, as that of IPv4 may be.
        0 => jumbo_length(fixed[6], rest).unwrap_or(rest.len() + missing),
        length => usize::from(length),
    };
    let address = |at: usize| {
        let mut octets = [0; 16];
        octets.copy_from_slice(&fixed[at..at + 16]);
        Ipv6Addr::from(octets)
    };
    Ok(Ip {
        header: IpHeader {
            source: address(8).into(),
            destination: address(24).into(),
            ttl: fixed[7],
            dscp: (first >> 22) as u8 & 0x3f,
            ecn: Ecn::from_bits((first >> 20) as u8),
            id: 0,
            dont_fragment: true,
            flow: first & 0x000f_ffff,
        },
        checksum: HeaderChecksum::Right,
        protocol: fixed[6],
        fragment: false,
        body: &rest[..length.min(rest.len())],
        lacking: length.saturating_sub(rest.len()),
        cut: missing > 0,
    })
}

/// The value of the option of that kind in a header of options.
fn option_v6(header: &[u8], kind: u8) -> Option<&[u8]> {
    let mut options = header.get(2..)?;
    loop {
        options = match options {
            [0, rest @ ..] => rest,
            [found, length, rest @ ..] => {
                let (value, rest) = rest.split_at_checked(usize::from(*length))?;
                if *found == kind {
                    return Some(value);
                }
                rest
            }
            _ => return None,
        }
    }
}

/// What the jumbo payload option says, where there is one (RFC 2675 section 2).
fn jumbo_length(next: u8, rest: &[u8]) -> Option<usize> {
    const JUMBO: u8 = 0xc2;
    let header = rest.get(..extension_length(next, rest)?)?;
    let value = option_v6(header, JUMBO).filter(|_| next == HOP_BY_HOP)?;
    Order::Big.u32(value, 0).map(|length| length as usize)
}

/// How long the extension header at the front is; `None` where there is none, or not enough of it.
fn extension_length(next: u8, body: &[u8]) -> Option<usize> {
    let units = usize::from(*body.get(1)?);
    match next {
        HOP_BY_HOP | ROUTING | DESTINATION | MOBILITY | HIP | SHIM6 => Some((units + 1) * 8),
        FRAGMENT => Some(8),
        AUTHENTICATION => Some((units + 2) * 4),
        _ => None,
    }
}

const fn is_extension(next: u8) -> bool {
    matches!(
        next,
        HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION | MOBILITY | HIP | SHIM6
    )
}

impl<'a> Ip<'a> {
    /// Skips extension headers, up to the header that they precede or to a fragment of it. The addresses become those
    /// of the pseudo header: the final destination of a route, and the home address of a mobile node.
    fn behind_extensions(mut self) -> Result<Ip<'a>, Reason> {
        let v6 = self.header.source.is_ipv6();
        while !self.fragment && (self.protocol == AUTHENTICATION || v6 && is_extension(self.protocol)) {
            let short = if self.cut { Reason::Cut } else { Reason::IpHeader };
            let length = extension_length(self.protocol, self.body).ok_or(short)?;
            let (header, rest) = self.body.split_at_checked(length).ok_or(short)?;
            match self.protocol {
                ROUTING => self.route(header)?,
                DESTINATION => self.come_home(header),
                // The lowest bit says that more follow; a packet may be its only fragment (RFC 6946).
                FRAGMENT => self.fragment = Order::Big.u16(header, 2).unwrap_or(0) & 0xfff9 != 0,
                _ => {}
            }
            (self.protocol, self.body) = (header[0], rest);
        }
        Ok(self)
    }

    /// The final destination of a route that is not at its end yet (RFC 8200 section 4.4, RFC 6275, RFC 8754).
    fn route(&mut self, header: &[u8]) -> Result<(), Reason> {
        let stops = header.get(8..).unwrap_or_default();
        let last = match (header[2], header[3]) {
            (_, 0) => return Ok(()),
            (0 | 2, _) => stops.last_chunk::<16>(),
            (4, _) => stops.first_chunk::<16>(),
            _ => None,
        };
        self.header.destination = Ipv6Addr::from(*last.ok_or(Reason::Routed)?).into();
        Ok(())
    }

    /// Takes the home address of a mobile node as the source (RFC 6275 section 6.3).
    fn come_home(&mut self, header: &[u8]) {
        const HOME_ADDRESS: u8 = 0xc9;
        let home = option_v6(header, HOME_ADDRESS).and_then(|value| value.first_chunk::<16>());
        if let Some(home) = home {
            self.header.source = Ipv6Addr::from(*home).into();
        }
    }

    /// What a UDP datagram holds: its destination port tells whether it is a tunnel.
    fn datagram(&self) -> Content {
        match Order::Big.u16(self.body, 2) {
            // RFC 3948 section 2.3: an octet by itself keeps a NAT's mapping, and holds nothing.
            Some(ESP_IN_UDP) if self.body.len() <= UDP_HEADER + 1 && !self.cut => Content::Other,
            Some(port @ (VXLAN | GENEVE | GTP | VXLAN_OF_LINUX | ESP_IN_UDP | L2TP)) => {
                Content::LeftOut(Reason::UdpTunnel(port))
            }
            None if self.cut => Content::LeftOut(Reason::Cut),
            _ => Content::Other,
        }
    }

    /// Reads the segment that the packet carries whole.
    fn segment(self) -> Captured {
        let octets = self.body;
        let pseudo = |length| pseudo_header(&self.header, length);
        let there = Order::Big.u16(octets, CHECKSUM).unwrap_or(0);
        let right = !folded(pseudo(octets.len()) + sum(octets) - u64::from(there));
        let mut segment = Segment::read(octets, right);
        // What the interface is to add to: the sum of the pseudo header, with or without the length, or zero.
        let begun = [folded(pseudo(octets.len())), folded(pseudo(0)), 0];
        let wrong = matches!(segment.checksum, Checksum::Wrong(_));
        let begun = wrong && begun.contains(&there);
        let merged = wrong && !begun && octets.len() > ETHERNET_MTU;
        if begun || merged {
            segment.checksum = Checksum::Right;
        }
        Captured {
            packet: Packet {
                ip: self.header,
                body: Body::Tcp(segment),
            },
            offloaded: begun || self.checksum == HeaderChecksum::Offloaded,
            merged,
        }
    }
}

/// The sum of the words of some octets, a zero behind an odd one (RFC 1071); no number of octets is too large for it.
fn sum(octets: &[u8]) -> u64 {
    let (words, odd) = octets.as_chunks::<2>();
    let last = odd.first().map_or(0, |octet| u64::from(*octet) << 8);
    words
        .iter()
        .map(|word| u64::from(u16::from_be_bytes(*word)))
        .sum::<u64>()
        + last
}

/// The sum of the pseudo header of a segment of that length (RFC 9293 section 3.1, RFC 8200 section 8.1).
fn pseudo_header(ip: &IpHeader, length: usize) -> u64 {
    let address = |address| match address {
        IpAddr::V4(address) => sum(&address.octets()),
        IpAddr::V6(address) => sum(&address.octets()),
    };
    address(ip.source) + address(ip.destination) + u64::from(TCP) + length as u64
}

/// A sum in 16 bits, carries added (RFC 1071).
fn folded(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Flags, SeqNum};

    /// A packet with a segment of that many octets of text.
    fn packet(from: &str, to: &str, text: usize) -> Vec<u8> {
        let ip = IpHeader::between(from.parse().unwrap(), to.parse().unwrap());
        let body = Body::Tcp(Segment {
            source: 7,
            destination: 80,
            seq: SeqNum(5),
            flags: Flags::ACK,
            payload: (0..text).map(|at| at as u8).collect(),
            ..Segment::default()
        });
        Packet { ip, body }.encode()
    }

    fn v4(text: usize) -> Vec<u8> {
        packet("192.0.2.1", "192.0.2.2", text)
    }

    fn v6(text: usize) -> Vec<u8> {
        packet("2001:db8::1", "2001:db8::2", text)
    }

    /// An IPv6 packet with these headers put before its segment, the last of which names TCP.
    fn v6_behind(first: u8, headers: &[u8], text: usize) -> Vec<u8> {
        let plain = v6(text);
        let mut octets = [&plain[..40], headers, &plain[40..]].concat();
        octets[6] = first;
        let length = (octets.len() - 40) as u16;
        octets[4..6].copy_from_slice(&length.to_be_bytes());
        octets
    }

    /// Writes the checksum of an IPv4 header.
    fn seal(octets: &mut [u8]) {
        let length = usize::from(octets[0] & 15) * 4;
        octets[10..12].fill(0);
        let checksum = !folded(sum(&octets[..length]));
        octets[10..12].copy_from_slice(&checksum.to_be_bytes());
    }

    fn segment(octets: &[u8]) -> Captured {
        match read(octets, 0) {
            Content::Segment(captured) => *captured,
            other => panic!("{other:?}"),
        }
    }

    fn text(captured: &Captured) -> usize {
        captured.packet.tcp().unwrap().payload.len()
    }

    fn checksum(captured: &Captured) -> Checksum {
        captured.packet.tcp().unwrap().checksum
    }

    #[test]
    fn a_plain_packet_is_read_as_the_wire_reads_it_whatever_follows_it() {
        for octets in [v4(0), v4(3), v6(3)] {
            let captured = segment(&[&octets[..], &[0; 6]].concat());
            assert_eq!(captured.packet, Packet::parse(&octets).unwrap());
            assert!(!captured.offloaded && !captured.merged);
        }
    }

    #[test]
    fn what_is_left_to_the_interface_is_taken_for_right_and_what_is_wrong_is_not() {
        for (octets, header) in [(v4(3), 20), (v6(3), 40)] {
            let ip = segment(&octets).packet.ip;
            let length = octets.len() - header;
            for begun in [folded(pseudo_header(&ip, length)), folded(pseudo_header(&ip, 0)), 0] {
                let mut octets = octets.clone();
                octets[header + CHECKSUM..header + CHECKSUM + 2].copy_from_slice(&begun.to_be_bytes());
                let captured = segment(&octets);
                assert!(captured.offloaded);
                assert_eq!(checksum(&captured), Checksum::Right);
                octets[header + CHECKSUM] ^= 0x10;
                let captured = segment(&octets);
                assert!(!captured.offloaded);
                assert!(matches!(checksum(&captured), Checksum::Wrong(_)));
            }
        }
        let mut octets = v4(3);
        octets[10..12].fill(0);
        assert!(segment(&octets).offloaded);
        octets[10] = 1;
        let Content::WrongHeader(packet, NotIp::Checksum { is, right }) = read(&octets, 0) else {
            panic!("the checksum is wrong")
        };
        octets[10..12].copy_from_slice(&right.to_be_bytes());
        assert_eq!((is != right, Packet::parse(&octets)), (true, Ok(*packet)));
    }

    #[test]
    fn lengths_of_zero_and_jumbo_lengths_are_those_of_the_captured_packet() {
        let mut octets = v4(60_000);
        octets[2..4].fill(0);
        octets[10..12].fill(0);
        assert_eq!(text(&segment(&octets)), 60_000);
        let mut octets = v6(60_000);
        octets[4..6].fill(0);
        octets.extend([7; 20_000]);
        let captured = segment(&octets);
        assert_eq!(text(&captured), 80_000);
        assert!(captured.merged, "the checksum is that of a part");
        let jumbo = [&[6, 0, 0xc2, 4][..], &(60_000_u32 + 28).to_be_bytes()].concat();
        let mut octets = v6_behind(HOP_BY_HOP, &jumbo, 60_000);
        octets[4..6].fill(0);
        octets.extend([7; 9]);
        let captured = segment(&octets);
        assert_eq!((text(&captured), checksum(&captured)), (60_000, Checksum::Right));
    }

    #[test]
    fn a_sum_over_any_number_of_octets_is_right() {
        assert_eq!(folded(sum(&[0xff; 1 << 20])), 0xffff);
        assert_eq!(folded(sum(&[0, 1, 2])), 0x0201);
    }

    #[test]
    fn options_and_extension_headers_are_passed_over() {
        let mut options = v4(3);
        options.splice(20..20, [0x94, 4, 0, 0]);
        (options[0], options[3]) = (0x46, options[3] + 4);
        seal(&mut options);
        assert_eq!(text(&segment(&options)), 3);
        let pad = |next: u8| [next, 0, 1, 4, 0, 0, 0, 0];
        let atomic = [6, 0, 0, 0, 0, 0, 0, 1];
        let authentication = [&[6, 4][..], &[0; 22]].concat();
        for (first, headers) in [
            (HOP_BY_HOP, pad(6).to_vec()),
            (DESTINATION, [pad(HOP_BY_HOP), pad(6)].concat()),
            (FRAGMENT, atomic.to_vec()),
            (AUTHENTICATION, authentication),
            (ROUTING, [6, 0, 4, 0, 0, 0, 0, 0].to_vec()),
        ] {
            let captured = segment(&v6_behind(first, &headers, 3));
            assert_eq!((text(&captured), checksum(&captured)), (3, Checksum::Right), "{first}");
        }
    }

    #[test]
    fn the_checksum_is_over_the_last_stop_of_a_route_and_over_the_home_address() {
        let stop = |octets: &mut Vec<u8>, at: usize| {
            let there: [u8; 16] = octets[at..at + 16].try_into().unwrap();
            octets[at..at + 16].copy_from_slice(&[0xfe; 16]);
            there
        };
        for (kind, place) in [(0, 16), (2, 0), (4, 0)] {
            let stops = if kind == 2 { 1 } else { 2 };
            let header = [
                &[6, 2 * stops, kind, 1, 0, 0, 0, 0][..],
                &vec![0xaa; 16 * usize::from(stops)],
            ]
            .concat();
            let mut octets = v6_behind(ROUTING, &header, 3);
            let last = stop(&mut octets, 24);
            octets[48 + place..64 + place].copy_from_slice(&last);
            let captured = segment(&octets);
            assert_eq!(checksum(&captured), Checksum::Right, "{kind}");
            assert_eq!(captured.packet.ip.destination.to_string(), "2001:db8::2");
        }
        let mut octets = v6_behind(ROUTING, &[6, 0, 3, 1, 0, 0, 0, 0], 3);
        assert_eq!(read(&octets, 0), Content::LeftOut(Reason::Routed));
        octets = v6_behind(DESTINATION, &[&[6, 2, 1, 2, 0, 0, 0xc9, 16][..], &[0; 16]].concat(), 3);
        let home = stop(&mut octets, 8);
        octets[48..64].copy_from_slice(&home);
        assert_eq!(checksum(&segment(&octets)), Checksum::Right);
        let mut octets = v4(3);
        octets.splice(20..20, [0x83, 7, 4, 192, 0, 2, 2, 0]);
        (octets[0], octets[3], octets[19]) = (0x47, octets[3] + 8, 99);
        seal(&mut octets);
        assert_eq!(checksum(&segment(&octets)), Checksum::Right);
    }

    #[test]
    fn a_packet_within_a_packet_is_taken_out() {
        for (inner, protocol) in [(v4(3), IP_IN_IP), (v6(3), IPV6)] {
            let mut outer = v4(0);
            outer.truncate(20);
            (outer[9], outer[3]) = (protocol, (20 + inner.len()) as u8);
            seal(&mut outer);
            let whole = [outer, inner].concat();
            assert_eq!(text(&segment(&whole)), 3);
            assert_eq!(read(&whole[..30], whole.len() - 30), Content::LeftOut(Reason::Cut));
        }
    }

    #[test]
    fn what_is_not_judged_says_why_and_what_is_no_tcp_is_told_apart() {
        let left_out = |octets: &[u8], missing, reason| {
            assert_eq!(read(octets, missing), Content::LeftOut(reason));
        };
        let whole = v4(3);
        left_out(&whole[..42], 1, Reason::Cut);
        left_out(&whole[..42], 0, Reason::IpLength);
        left_out(&whole[..19], 4, Reason::Cut);
        left_out(&whole[..19], 0, Reason::IpHeader);
        left_out(&[0x75; 40], 0, Reason::IpHeader);
        let mut fragment = v4(3);
        fragment[6] = 0x20;
        seal(&mut fragment);
        left_out(&fragment, 0, Reason::Fragment);
        left_out(&v6_behind(FRAGMENT, &[6, 0, 0, 1, 0, 0, 0, 1], 3), 0, Reason::Fragment);
        left_out(
            &v6_behind(DESTINATION, &[6, 9, 0, 0, 0, 0, 0, 0], 3),
            0,
            Reason::IpHeader,
        );
        for protocol in [1, 17, 132] {
            let mut other = v4(3);
            other[9] = protocol;
            assert_eq!(read(&other[..25], 18), Content::Other, "{protocol}");
        }
    }

    #[test]
    fn what_may_hold_tcp_and_cannot_be_read_is_left_out_with_its_name() {
        let named = |octets: &[u8], name: &str| match read(octets, 0) {
            Content::LeftOut(reason) => assert!(reason.to_string().contains(name), "{reason}"),
            other => panic!("{name}: {other:?}"),
        };
        for (protocol, name) in [(GRE, "in GRE"), (ESP, "in ESP"), (99, "of IP protocol 99")] {
            let (mut old, mut new) = (v4(3), v6(3));
            (old[9], new[6]) = (protocol, protocol);
            named(&old, name);
            named(&new, name);
        }
        for (port, name) in [
            (VXLAN, "in VXLAN"),
            (GENEVE, "in GENEVE"),
            (GTP, "in GTP"),
            (VXLAN_OF_LINUX, "may be VXLAN"),
            (ESP_IN_UDP, "may be ESP"),
            (L2TP, "may be L2TP"),
        ] {
            let mut tunnel = v4(3);
            tunnel[9] = UDP;
            tunnel[22..24].copy_from_slice(&port.to_be_bytes());
            named(&tunnel, name);
            assert_eq!(read(&tunnel[..22], 21), Content::LeftOut(Reason::Cut));
        }
    }
}
