//! What is no TCP segment, printed for a person: other protocols, messages that are no errors, fragments, and octets
//! that are no IP packet.

use super::print::{Origins, print_packet};
use crate::wire::{Body, Icmp, IcmpKind, IpHeader, NotIp, Packet};
use core::fmt::Write as _;
use core::net::IpAddr;

const TCP: u8 = 6;
const UDP: u8 = 17;
const HOP_BY_HOP: u8 = 0;
const FRAGMENT: u8 = 44;
const ICMPV6: u8 = 58;

/// How many octets of what is no packet, or of what stands behind one, are printed.
const SHOWN: usize = 16;

/// Protocols that a host may speak beside TCP (IANA's assigned Internet protocol numbers).
const PROTOCOLS: [(u8, &str); 9] = [
    (1, "ICMP"),
    (2, "IGMP"),
    (4, "IP in IP"),
    (TCP, "TCP"),
    (UDP, "UDP"),
    (47, "GRE"),
    (50, "ESP"),
    (ICMPV6, "ICMPv6"),
    (132, "SCTP"),
];

/// Types of ICMP messages that report no error (RFC 792), and of ICMPv6 (RFC 4443, RFC 4861, RFC 2710, RFC 3810).
const MESSAGES_V4: [(u8, &str); 4] = [
    (0, "echo-reply"),
    (8, "echo"),
    (9, "router-advertisement"),
    (10, "router-solicitation"),
];
const MESSAGES_V6: [(u8, &str); 11] = [
    (128, "echo"),
    (129, "echo-reply"),
    (130, "multicast-listener-query"),
    (131, "multicast-listener-report"),
    (132, "multicast-listener-done"),
    (133, "router-solicitation"),
    (134, "router-advertisement"),
    (135, "neighbour-solicitation"),
    (136, "neighbour-advertisement"),
    (137, "redirect"),
    (143, "multicast-listener-report"),
];

fn name<'a>(table: &[(u8, &'a str)], number: u8) -> Option<&'a str> {
    table.iter().find(|row| row.0 == number).map(|row| row.1)
}

/// The octets of a frame as one line: a segment or an ICMP error as [`print_packet`] prints it, and anything else for a
/// person, with the address to which it goes. What stands behind the packet, and why no receiver takes it, is added.
pub fn print_octets(octets: &[u8], origins: Origins) -> String {
    let mut line = match Packet::parse_unverified(octets) {
        Ok(packet) => told(&packet, octets, origins),
        Err(why) => return format!("no IP packet ({why}): {}", dump(octets)),
    };
    let padding = Packet::padding_of(octets);
    if !padding.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(line, " padding={}", hexadecimal(padding));
    }
    match Packet::parse(octets) {
        Err(NotIp::Checksum { is, .. }) => format!("{line} (IPv4 header checksum {is:#06x})"),
        _ => line,
    }
}

/// Octets by their number and the first of them.
fn dump(octets: &[u8]) -> String {
    match octets.len() {
        0 => "0 octets".to_owned(),
        length => format!("{length} octets, {}", hexadecimal(octets)),
    }
}

fn hexadecimal(octets: &[u8]) -> String {
    let shown = &octets[..octets.len().min(SHOWN)];
    let more = if shown.len() < octets.len() { "..." } else { "" };
    data_encoding::HEXLOWER.encode(shown) + more
}

fn told(packet: &Packet, octets: &[u8], origins: Origins) -> String {
    let to = packet.ip.destination;
    match &packet.body {
        Body::Tcp(_) => print_packet(packet, origins),
        Body::Icmp(icmp) => match message(icmp, to) {
            Some(message) => format!("{message} to {to}"),
            None => print_packet(packet, origins),
        },
        Body::Other { protocol, payload } => match fragment(octets, to) {
            Some(at) => format!(
                "fragment at {at} of {}, {} octets to {to}",
                protocol_name(*protocol),
                payload.len()
            ),
            None => other(&packet.ip, *protocol, payload),
        },
    }
}

/// A message of ICMP that is no error with a name.
fn message(icmp: &Icmp, to: IpAddr) -> Option<String> {
    let IcmpKind::Other { kind, .. } = icmp.kind else {
        return None;
    };
    Some(match to.is_ipv4() {
        true => format!("ICMP {}", name(&MESSAGES_V4, kind)?),
        false => format!("ICMPv6 {}", name(&MESSAGES_V6, kind)?),
    })
}

/// Where in its packet an IPv4 fragment begins (RFC 791 section 3.1); `None`: it is the whole packet.
fn fragment(octets: &[u8], to: IpAddr) -> Option<usize> {
    let [high, low] = *octets.get(6..)?.first_chunk::<2>()?;
    let field = u16::from_be_bytes([high, low]) & 0x3fff;
    (to.is_ipv4() && field != 0).then_some(usize::from(field & 0x1fff) * 8)
}

fn protocol_name(protocol: u8) -> String {
    name(&PROTOCOLS, protocol).map_or_else(|| format!("protocol {protocol}"), str::to_owned)
}

/// A packet of another protocol, behind the extension headers of IPv6 that a host sends by itself.
fn other(ip: &IpHeader, protocol: u8, payload: &[u8]) -> String {
    let (to, v6) = (ip.destination, ip.destination.is_ipv6());
    match (protocol, payload) {
        (HOP_BY_HOP, [next, units, ..]) if v6 => {
            let rest = payload.get((usize::from(*units) + 1) * 8..).unwrap_or_default();
            other(ip, *next, rest)
        }
        (FRAGMENT, [next, _, high, low, ..]) if v6 => {
            let at = u16::from_be_bytes([*high, *low]) & 0xfff8;
            let rest = payload.len().saturating_sub(8);
            format!("fragment at {at} of {}, {rest} octets to {to}", protocol_name(*next))
        }
        (ICMPV6, [kind, ..]) if v6 && name(&MESSAGES_V6, *kind).is_some() => {
            format!("ICMPv6 {} to {to}", name(&MESSAGES_V6, *kind).unwrap_or_default())
        }
        (UDP, [a, b, c, d, ..]) => {
            let (from, port) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
            format!(
                "UDP from port {from} to port {port}, {} octets to {to}",
                payload.len().saturating_sub(8)
            )
        }
        _ => format!("{}, {} octets to {to}", protocol_name(protocol), payload.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Flags, Segment};

    fn packet(from: &str, to: &str, body: Body) -> Packet {
        let ip = IpHeader::between(from.parse().unwrap(), to.parse().unwrap());
        Packet { ip, body }
    }

    fn v4(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let payload = payload.to_vec();
        packet("192.0.2.1", "198.18.0.1", Body::Other { protocol, payload }).encode()
    }

    fn v6(to: &str, protocol: u8, payload: &[u8]) -> Vec<u8> {
        let payload = payload.to_vec();
        packet("fe80::1", to, Body::Other { protocol, payload }).encode()
    }

    fn told(octets: &[u8]) -> String {
        print_octets(octets, Origins::default())
    }

    #[test]
    fn what_a_host_says_beside_tcp_is_told_by_its_name() {
        let listener = [58, 0, 5, 2, 0, 0, 1, 0, 143, 0, 0, 0, 0, 0, 0, 1];
        let fragment = [6, 0, 5, 0xa9, 0, 0, 0, 7, 1, 2, 3];
        let table = [
            (
                v4(17, &[0, 68, 0, 67, 0, 9, 0, 0, 1]),
                "UDP from port 68 to port 67, 1 octets to 198.18.0.1",
            ),
            (v4(2, &[0x16; 8]), "IGMP, 8 octets to 198.18.0.1"),
            (v4(200, &[]), "protocol 200, 0 octets to 198.18.0.1"),
            (
                v6("ff02::2", 58, &[133, 0, 0, 0, 0, 0, 0, 0]),
                "ICMPv6 router-solicitation to ff02::2",
            ),
            (
                v6("ff02::16", 0, &listener),
                "ICMPv6 multicast-listener-report to ff02::16",
            ),
            (
                v6("2001:db8::9", 44, &fragment),
                "fragment at 1448 of TCP, 3 octets to 2001:db8::9",
            ),
            (v6("2001:db8::9", 0, &[]), "protocol 0, 0 octets to 2001:db8::9"),
        ];
        for (octets, expected) in table {
            assert_eq!(told(&octets), expected);
        }
        let echo = Icmp {
            kind: IcmpKind::Other { kind: 8, code: 0 },
            rest: 1,
            quote: Vec::new(),
        };
        let echo = packet("192.0.2.1", "198.18.0.1", Body::Icmp(echo)).encode();
        assert_eq!(told(&echo), "ICMP echo to 198.18.0.1");
    }

    #[test]
    fn what_is_wrong_with_a_packet_is_told_with_it() {
        let segment = Segment {
            flags: Flags::ACK,
            ..Segment::default()
        };
        let right = packet("192.0.2.1", "198.18.0.1", Body::Tcp(segment)).encode();
        let mut wrong = right.clone();
        wrong[10..12].fill(0);
        let line = "ACK abs.seq=0 abs.ack=0 win=0";
        assert_eq!(told(&wrong), format!("{line} (IPv4 header checksum 0x0000)"));
        let padded = [&right[..], &[0; 6]].concat();
        assert_eq!(told(&padded), format!("{line} padding=000000000000"));
        let long = [&right[..], &[7; 17]].concat();
        assert_eq!(told(&long), format!("{line} padding={}...", "07".repeat(16)));
        assert_eq!(
            told(&[0x50, 1, 2]),
            "no IP packet (the IP version is 5): 3 octets, 500102"
        );
        assert_eq!(told(&[]), "no IP packet (there are no octets): 0 octets");
        let mut fragment = right;
        fragment[6..8].copy_from_slice(&[0x20, 0xb9]);
        assert!(told(&fragment).starts_with("fragment at 1480 of TCP, 20 octets to 198.18.0.1"));
    }
}
