//! ICMP errors, under names that serve both versions.

use super::SeqNum;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use pnet_packet::ip::IpNextHeaderProtocols;
use pnet_packet::util;

/// What an ICMP or ICMPv6 error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpKind {
    /// ICMP 3/0, ICMPv6 1/0.
    NetUnreachable,
    /// ICMP 3/1, ICMPv6 1/3.
    HostUnreachable,
    /// ICMP 3/2, ICMPv6 4/1 (unrecognized next header).
    ProtocolUnreachable,
    /// ICMP 3/3, ICMPv6 1/4.
    PortUnreachable,
    /// ICMP 3/4 with the next hop's MTU, ICMPv6 2/0.
    PacketTooBig,
    /// ICMP 3/13, ICMPv6 1/1.
    AdminProhibited,
    /// ICMP 11/0, ICMPv6 3/0.
    TtlExceeded,
    /// ICMP 11/1, ICMPv6 3/1.
    ReassemblyExceeded,
    /// ICMP 12/0, ICMPv6 4/0.
    ParameterProblem,
    /// ICMP 4/0. IPv6 has none; it is sent there as type 100, an error left to private experiments (RFC 4443 section
    /// 2.1), since every code of the parameter problem has a meaning by now (4/3: RFC 7112).
    SourceQuench,
    /// Anything else.
    Other {
        /// The type octet.
        kind: u8,
        /// The code octet.
        code: u8,
    },
}

/// An ICMP message about a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// What it says.
    pub kind: IcmpKind,
    /// The four octets after the checksum: the MTU for [`IcmpKind::PacketTooBig`], a pointer, or nothing.
    pub rest: u32,
    /// The packet that it quotes, from the IP header on; may be cut.
    pub quote: Vec<u8>,
}

/// What an ICMP message says about the segment that it quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted {
    /// Who had sent the segment.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// From which port.
    pub source_port: u16,
    /// To which port.
    pub destination_port: u16,
    /// Its sequence number.
    pub seq: SeqNum,
}

/// Each named kind with its name, its ICMP type and code, and its ICMPv6 type and code.
type Row = (IcmpKind, &'static str, (u8, u8), (u8, u8));

const TABLE: [Row; 10] = [
    (IcmpKind::NetUnreachable, "net-unreachable", (3, 0), (1, 0)),
    (IcmpKind::HostUnreachable, "host-unreachable", (3, 1), (1, 3)),
    (IcmpKind::ProtocolUnreachable, "protocol-unreachable", (3, 2), (4, 1)),
    (IcmpKind::PortUnreachable, "port-unreachable", (3, 3), (1, 4)),
    (IcmpKind::PacketTooBig, "packet-too-big", (3, 4), (2, 0)),
    (IcmpKind::AdminProhibited, "admin-prohibited", (3, 13), (1, 1)),
    (IcmpKind::TtlExceeded, "ttl-exceeded", (11, 0), (3, 0)),
    (IcmpKind::ReassemblyExceeded, "reassembly-exceeded", (11, 1), (3, 1)),
    (IcmpKind::ParameterProblem, "parameter-problem", (12, 0), (4, 0)),
    (IcmpKind::SourceQuench, "source-quench", (4, 0), (100, 0)),
];

impl IcmpKind {
    /// The kinds that have a name.
    pub const NAMED: [IcmpKind; TABLE.len()] = {
        let mut kinds = [IcmpKind::NetUnreachable; TABLE.len()];
        let mut i = 0;
        while i < TABLE.len() {
            kinds[i] = TABLE[i].0;
            i += 1;
        }
        kinds
    };

    /// The neutral name, such as `packet-too-big`; `None` for [`IcmpKind::Other`].
    pub fn name(self) -> Option<&'static str> {
        TABLE.iter().find(|row| row.0 == self).map(|row| row.1)
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<IcmpKind> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// ICMP type and code (RFC 792, RFC 1812 section 5.2.7).
    pub fn to_v4(self) -> (u8, u8) {
        self.numbers(|row| row.2)
    }

    /// ICMPv6 type and code (RFC 4443).
    pub fn to_v6(self) -> (u8, u8) {
        self.numbers(|row| row.3)
    }

    /// What an ICMP type and code mean.
    pub fn from_v4(kind: u8, code: u8) -> IcmpKind {
        TABLE
            .iter()
            .find(|row| row.2 == (kind, code))
            .map_or(IcmpKind::Other { kind, code }, |row| row.0)
    }

    /// What an ICMPv6 type and code mean.
    pub fn from_v6(kind: u8, code: u8) -> IcmpKind {
        TABLE
            .iter()
            .find(|row| row.3 == (kind, code))
            .map_or(IcmpKind::Other { kind, code }, |row| row.0)
    }

    fn numbers(self, column: fn(&Row) -> (u8, u8)) -> (u8, u8) {
        match self {
            IcmpKind::Other { kind, code } => (kind, code),
            // Every kind but `Other` has a row, as a test shows.
            named => TABLE.iter().find(|row| row.0 == named).map_or((0, 0), column),
        }
    }
}

impl fmt::Display for IcmpKind {
    /// The neutral name, or `type/code`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.name()) {
            (_, Some(name)) => name.fmt(f),
            (IcmpKind::Other { kind, code }, None) => write!(f, "{kind}/{code}"),
            (_, None) => Ok(()),
        }
    }
}

impl Icmp {
    /// The TCP segment that the message quotes; `None` if the quote ends before the sequence number, is no TCP, or is
    /// a later fragment. The lengths and checksums of the quote are not looked at: it may be cut anywhere, and routers
    /// have changed it on the way.
    pub fn quoted(&self) -> Option<Quoted> {
        let quote = self.quote.as_slice();
        let (source, destination, segment) = match quote.first()? >> 4 {
            4 => quoted_v4(quote)?,
            6 => quoted_v6(quote)?,
            _ => return None,
        };
        let ports_and_seq: &[u8; 8] = segment.first_chunk()?;
        let [a, b, c, d, e, f, g, h] = *ports_and_seq;
        Some(Quoted {
            source,
            destination,
            source_port: u16::from_be_bytes([a, b]),
            destination_port: u16::from_be_bytes([c, d]),
            seq: SeqNum(u32::from_be_bytes([e, f, g, h])),
        })
    }

    /// Reads an ICMP message over IPv4; `None` if it is too short or its checksum is wrong.
    pub(super) fn read_v4(octets: &[u8]) -> Option<Icmp> {
        let (kind, code, icmp) = Icmp::read(octets, util::checksum(octets, 1))?;
        Some(Icmp {
            kind: IcmpKind::from_v4(kind, code),
            ..icmp
        })
    }

    /// Reads an ICMPv6 message; `None` if it is too short or its checksum is wrong.
    pub(super) fn read_v6(octets: &[u8], source: &Ipv6Addr, destination: &Ipv6Addr) -> Option<Icmp> {
        let (kind, code, icmp) = Icmp::read(octets, checksum_v6(octets, source, destination))?;
        Some(Icmp {
            kind: IcmpKind::from_v6(kind, code),
            ..icmp
        })
    }

    fn read(octets: &[u8], right: u16) -> Option<(u8, u8, Icmp)> {
        let (header, quote) = octets.split_first_chunk::<8>()?;
        let [kind, code, sum_high, sum_low, rest @ ..] = *header;
        if u16::from_be_bytes([sum_high, sum_low]) != right {
            return None;
        }
        let icmp = Icmp {
            kind: IcmpKind::Other { kind, code },
            rest: u32::from_be_bytes(rest),
            quote: quote.to_vec(),
        };
        Some((kind, code, icmp))
    }

    /// Appends the message under its type and code, the checksum left zero.
    pub(super) fn write(&self, (kind, code): (u8, u8), out: &mut Vec<u8>) {
        out.extend([kind, code, 0, 0]);
        out.extend(self.rest.to_be_bytes());
        out.extend(&self.quote);
    }
}

/// The checksum that an ICMPv6 message should have.
pub(super) fn checksum_v6(octets: &[u8], source: &Ipv6Addr, destination: &Ipv6Addr) -> u16 {
    util::ipv6_checksum(octets, 1, &[], source, destination, IpNextHeaderProtocols::Icmpv6)
}

fn quoted_v4(quote: &[u8]) -> Option<(IpAddr, IpAddr, &[u8])> {
    let header: &[u8; 20] = quote.first_chunk()?;
    let length = usize::from(header[0] & 0x0f) * 4;
    let later_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x1fff != 0;
    if length < 20 || later_fragment || header[9] != IpNextHeaderProtocols::Tcp.0 {
        return None;
    }
    let [.., a, b, c, d, e, f, g, h] = *header;
    let source = IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    let destination = IpAddr::V4(Ipv4Addr::new(e, f, g, h));
    Some((source, destination, quote.get(length..)?))
}

fn quoted_v6(quote: &[u8]) -> Option<(IpAddr, IpAddr, &[u8])> {
    let (header, segment) = quote.split_first_chunk::<40>()?;
    if header[6] != IpNextHeaderProtocols::Tcp.0 {
        return None;
    }
    let (_, addresses) = header.split_last_chunk::<32>()?;
    let (source, destination) = addresses.split_first_chunk::<16>()?;
    let destination: &[u8; 16] = destination.first_chunk()?;
    Some((IpAddr::from(*source), IpAddr::from(*destination), segment))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Body, IpHeader, Packet, Segment};

    fn packet(source: &str, destination: &str) -> Packet {
        let ip = IpHeader::between(source.parse().unwrap(), destination.parse().unwrap());
        let segment = Segment {
            source: 1234,
            destination: 80,
            seq: SeqNum(0xffff_fff0),
            ..Segment::default()
        };
        Packet {
            ip,
            body: Body::Tcp(segment),
        }
    }

    fn about(quote: Vec<u8>) -> Icmp {
        Icmp {
            kind: IcmpKind::PacketTooBig,
            rest: 1280,
            quote,
        }
    }

    #[test]
    fn every_named_kind_is_found_by_name_and_by_numbers() {
        for kind in IcmpKind::NAMED {
            assert_eq!(kind.name().and_then(IcmpKind::from_name), Some(kind));
            let (v4, v6) = (kind.to_v4(), kind.to_v6());
            assert_eq!(IcmpKind::from_v4(v4.0, v4.1), kind);
            assert_eq!(IcmpKind::from_v6(v6.0, v6.1), kind);
        }
    }

    #[test]
    fn other_numbers_are_kept() {
        let echo = IcmpKind::Other { kind: 8, code: 0 };
        assert_eq!(IcmpKind::from_v4(8, 0), echo);
        assert_eq!((echo.to_v4(), echo.to_v6(), echo.name()), ((8, 0), (8, 0), None));
        assert_eq!(echo.to_string(), "8/0");
    }

    #[test]
    fn eight_octets_of_a_segment_are_enough_of_a_quote() {
        for (source, destination, header) in [("192.0.2.1", "192.0.2.2", 20), ("2001:db8::1", "2001:db8::2", 40)] {
            let quote = packet(source, destination).encode();
            let quoted = Quoted {
                source: source.parse().unwrap(),
                destination: destination.parse().unwrap(),
                source_port: 1234,
                destination_port: 80,
                seq: SeqNum(0xffff_fff0),
            };
            assert_eq!(about(quote[..header + 8].to_vec()).quoted(), Some(quoted));
            assert_eq!(about(quote[..header + 7].to_vec()).quoted(), None);
            assert_eq!(about(quote[..header - 1].to_vec()).quoted(), None);
        }
    }

    #[test]
    fn a_quote_that_is_no_first_tcp_fragment_says_nothing() {
        let mut udp = packet("192.0.2.1", "192.0.2.2").encode();
        udp[9] = 17;
        let mut fragment = packet("192.0.2.1", "192.0.2.2").encode();
        fragment[7] = 1;
        let mut short = packet("192.0.2.1", "192.0.2.2").encode();
        short[0] = 0x44;
        for quote in [udp, fragment, short, vec![], vec![0x50; 60]] {
            assert_eq!(about(quote).quoted(), None);
        }
    }
}
