//! Finds the IP packet in a captured frame, behind the headers of the link layer.

use super::network::Reason;
use super::octets::Order;
use super::wireless;

/// What is behind the headers of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inside<'a> {
    /// An IP packet, and whatever follows it.
    Ip(&'a [u8]),
    /// What certainly holds no IP packet: ARP, a beacon, a spanning tree.
    Other,
    /// What may be an IP packet, and cannot be read.
    LeftOut(Reason),
}

/// A header that is to be read next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Header {
    Ethernet,
    /// What an Ethernet type announces; lengths (IEEE 802.3) are below 1501.
    Typed(u16),
    Llc,
    Pppoe,
    Ppp,
    Mpls,
    /// An IP packet, if its first four bits say so.
    Version,
    /// IEEE 802.11, the header filled up to a multiple of four octets or not.
    Wireless {
        padded: bool,
    },
    Radiotap,
    Prism,
    Nflog,
    /// Another link type.
    Link(u16),
}

/// Ethernet types.
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// Those of protocols that are known to hold no IP packet: ARP, wake-on-LAN, Cisco's discovery, audio and video, stream
/// reservation, DEC, RARP, AppleTalk with its ARP, IPX, MAC control, slow protocols, PPPoE discovery, IEEE 802.1X,
/// PROFINET, ATA, GOOSE and sampled values of IEC 61850, LLDP, ring redundancy, MVRP, MMRP, PTP, PRP, fault management, FCoE
/// initialization, loopback test.
const WITHOUT_IP: [u16; 29] = [
    0x0806, 0x0842, 0x2000, 0x22ea, 0x22f0, 0x6002, 0x6003, 0x6004, 0x8035, 0x809b, 0x80f3, 0x8137, 0x8808, 0x8809,
    0x8863, 0x888e, 0x8892, 0x88a2, 0x88b8, 0x88ba, 0x88cc, 0x88e3, 0x88f5, 0x88f6, 0x88f7, 0x88fb, 0x8902, 0x8914,
    0x9000,
];
/// The same by the number of a service access point of LLC: none, spanning tree, IPX, NetBIOS, OSI, IPX without LLC.
const POINTS_WITHOUT_IP: [u8; 6] = [0x00, 0x42, 0xe0, 0xf0, 0xfe, 0xff];

/// How the first header of a link type is read (the registry of tcpdump.org), and how many octets before it say
/// nothing.
fn first_header(link: u16, frame: &[u8]) -> Option<(Header, usize)> {
    Some(match link {
        1 => (Header::Ethernet, 0),
        // NULL, LOOP: an address family in the order of the machine, and its number for IPv6 differs between systems.
        0 | 108 => (Header::Version, 4),
        // SLIP: direction and compressed header; ENC: what OpenBSD's IPsec says of itself.
        8 => (Header::Version, 16),
        109 => (Header::Version, 12),
        // PFLOG: a length first, to be filled up to a multiple of four.
        117 => (Header::Version, usize::from(*frame.first()?).next_multiple_of(4)),
        9 | 50 => (Header::Ppp, 0),
        51 => (Header::Pppoe, 0),
        // PPP_PPPD, PPP_WITH_DIR: the direction.
        166 | 204 => (Header::Ppp, 1),
        12 | 14 | 101 | 228 | 229 => (Header::Typed(IPV4), 0),
        // ATM_RFC1483, FDDI, IP over Fibre Channel.
        100 => (Header::Llc, 0),
        10 => (Header::Llc, 13),
        122 => (Header::Llc, 16),
        // C_HDLC, with and without the direction; IP over IEEE 1394; LINUX_SLL, LINUX_SLL2.
        104 => (Header::Typed(Order::Big.u16(frame, 2)?), 4),
        205 => (Header::Typed(Order::Big.u16(frame, 3)?), 5),
        138 => (Header::Typed(Order::Big.u16(frame, 16)?), 18),
        113 => (cooked(Order::Big.u16(frame, 14)?), 16),
        276 => (cooked(Order::Big.u16(frame, 0)?), 20),
        105 => (Header::Wireless { padded: false }, 0),
        127 => (Header::Radiotap, 0),
        119 => (Header::Prism, 0),
        // 802.11 with the header of AVS.
        163 => (Header::Wireless { padded: false }, Order::Big.u32(frame, 4)? as usize),
        239 => (Header::Nflog, 0),
        // PPI, PKTAP: their length, and the link type of what follows.
        192 => (
            Header::Link(Order::Little.u32(frame, 4)? as u16),
            Order::Little.u16(frame, 2)?.into(),
        ),
        258 => (
            Header::Link(Order::Little.u32(frame, 8)? as u16),
            Order::Little.u32(frame, 0)? as usize,
        ),
        _ => (Header::Link(link), 0),
    })
}

/// The type in a cooked header of Linux, where 4 stands for a frame that begins with LLC.
fn cooked(kind: u16) -> Header {
    match kind {
        4 => Header::Llc,
        kind => Header::Typed(kind),
    }
}

/// What is behind the headers of a frame; `None` where the frame ends within one.
pub(super) fn inside(link: u16, frame: &[u8]) -> Option<Inside<'_>> {
    let mut rest = frame;
    let mut header = Header::Link(link);
    loop {
        let next = match header {
            Header::Ethernet => (Header::Typed(Order::Big.u16(rest, 12)?), 14),
            Header::Typed(IPV4 | IPV6) => return Some(Inside::Ip(rest)),
            Header::Typed(kind) => match typed(kind, rest)? {
                Ok(next) => next,
                Err(inside) => return Some(inside),
            },
            Header::Llc => match llc(rest)? {
                Ok(next) => next,
                Err(inside) => return Some(inside),
            },
            Header::Pppoe => (Header::Ppp, 6),
            Header::Ppp => match ppp(rest)? {
                Ok(next) => next,
                Err(inside) => return Some(inside),
            },
            Header::Mpls => mpls(rest)?,
            Header::Version => match rest.first()? >> 4 {
                4 | 6 => return Some(Inside::Ip(rest)),
                _ => return Some(Inside::Other),
            },
            Header::Wireless { padded } => match wireless::data(rest, padded)? {
                Ok(length) => (Header::Llc, length),
                Err(inside) => return Some(inside),
            },
            Header::Radiotap => match wireless::radiotap(rest)? {
                Ok((length, padded)) => (Header::Wireless { padded }, length),
                Err(reason) => return Some(Inside::LeftOut(reason)),
            },
            Header::Prism => (Header::Wireless { padded: false }, wireless::prism(rest)?),
            Header::Nflog => match nflog(rest)? {
                Some(payload) => return Some(Inside::Ip(payload)),
                None => return Some(Inside::Other),
            },
            Header::Link(link) => match first_header(link, rest)? {
                // Nothing is known of it, and nothing was read.
                (Header::Link(same), 0) if same == link => return Some(Inside::LeftOut(Reason::UnknownLink(link))),
                next => next,
            },
        };
        let (following, length) = next;
        // A header that names another link type and has no length would go round for ever.
        if matches!(following, Header::Link(_)) && length == 0 {
            return None;
        }
        header = following;
        rest = rest.get(length..)?;
    }
}

/// What follows an Ethernet type, and after how many octets; or what the frame is if that cannot be read.
fn typed<'a>(kind: u16, rest: &[u8]) -> Option<Result<(Header, usize), Inside<'a>>> {
    Some(Ok(match kind {
        // Tags: IEEE 802.1Q, 802.1ad and what came before it, 802.1BR.
        0x8100 | 0x88a8 | 0x9100 | 0x9200 => (Header::Typed(Order::Big.u16(rest, 2)?), 4),
        0x893f => (Header::Typed(Order::Big.u16(rest, 6)?), 8),
        0x8847 | 0x8848 => (Header::Mpls, 0),
        0x8864 => (Header::Pppoe, 0),
        // Whole Ethernet frames: bridged, and in a provider's backbone (IEEE 802.1ah).
        0x6558 => (Header::Ethernet, 0),
        0x88e7 => (Header::Ethernet, 4),
        0..=1500 => (Header::Llc, 0),
        kind if WITHOUT_IP.contains(&kind) => return Some(Err(Inside::Other)),
        kind => return Some(Err(Inside::LeftOut(Reason::EtherType(kind)))),
    }))
}

/// LLC, with or without SNAP (RFC 1042).
fn llc<'a>(rest: &[u8]) -> Option<Result<(Header, usize), Inside<'a>>> {
    Some(match *rest.first_chunk::<3>()? {
        [0xaa, 0xaa, 0x03] => match rest.get(3..6)? {
            [0, 0, 0 | 0xf8] => Ok((Header::Typed(Order::Big.u16(rest, 6)?), 8)),
            // Cisco's own protocols between switches, and AppleTalk.
            [0, 0, 0x0c] | [8, 0, 7] => Err(Inside::Other),
            _ => Err(Inside::LeftOut(Reason::Llc)),
        },
        [0x06, 0x06, 0x03] => Ok((Header::Typed(IPV4), 3)),
        [point, ..] if POINTS_WITHOUT_IP.contains(&point) => Err(Inside::Other),
        _ => Err(Inside::LeftOut(Reason::Llc)),
    })
}

/// PPP, its address and control field and the first half of its protocol field left out or not (RFC 1661, RFC 1662).
fn ppp<'a>(rest: &[u8]) -> Option<Result<(Header, usize), Inside<'a>>> {
    let address = match rest {
        [0xff, 0x03, ..] => 2,
        [0x03, ..] => 1,
        _ => 0,
    };
    let (protocol, length) = match rest.get(address)? {
        odd if odd & 1 == 1 => (u16::from(*odd), address + 1),
        _ => (Order::Big.u16(rest, address)?, address + 2),
    };
    Some(match protocol {
        0x21 => Ok((Header::Typed(IPV4), length)),
        0x57 => Ok((Header::Typed(IPV6), length)),
        0x0281 | 0x0283 => Ok((Header::Mpls, length)),
        // Compressed headers (RFC 1144, RFC 2507), compressed and encrypted datagrams (RFC 1962, RFC 1968).
        0x2d | 0x2f | 0x61 | 0x63 | 0x65 | 0x67 | 0xfb | 0xfd => Err(Inside::LeftOut(Reason::Compressed)),
        0x53 | 0x55 => Err(Inside::LeftOut(Reason::Encrypted)),
        // Control protocols, OSI, AppleTalk, IPX, spanning tree, Cisco's discovery (RFC 1661 section 2).
        0x8000.. | 0x23 | 0x29 | 0x2b | 0x0201 | 0x0207 => Err(Inside::Other),
        protocol => Err(Inside::LeftOut(Reason::PppProtocol(protocol))),
    })
}

/// A label (RFC 3032). Nothing says what follows the last one: IP packets begin with their version, a control word
/// (RFC 4385) with zeros, and what else there may be is an Ethernet frame.
fn mpls(rest: &[u8]) -> Option<(Header, usize)> {
    let last = rest.get(2)? & 1 == 1;
    Some(match rest.get(4)? >> 4 {
        _ if !last => (Header::Mpls, 4),
        4 | 6 => (Header::Version, 4),
        0 => (Header::Ethernet, 8),
        _ => (Header::Ethernet, 4),
    })
}

/// The packet in a message of netfilter's log: the attribute that holds it, behind four octets. Attributes are in the
/// order of the machine that wrote them; read in the other one, their lengths lead out of the frame.
fn nflog(frame: &[u8]) -> Option<Option<&[u8]>> {
    const PAYLOAD: u16 = 9;
    let payload = |order: Order| {
        let mut rest = frame.get(4..)?;
        while !rest.is_empty() {
            let length = usize::from(order.u16(rest, 0)?);
            if length < 4 {
                return None;
            }
            if order.u16(rest, 2)? == PAYLOAD {
                // A frame that was cut ends before its attribute does.
                return Some(Some(&rest[4..length.min(rest.len())]));
            }
            rest = rest.get(length.next_multiple_of(4)..)?;
        }
        Some(None)
    };
    payload(Order::Little).or_else(|| payload(Order::Big))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACKET: [u8; 3] = [0x45, 1, 2];

    fn with(header: &[u8]) -> Vec<u8> {
        [header, &PACKET].concat()
    }

    fn ethernet(rest: &[u8]) -> Vec<u8> {
        [&[0; 12], rest].concat()
    }

    #[test]
    fn the_packet_is_found_behind_each_kind_of_header() {
        let snap = [0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0];
        let label = |last: u8| [0, 1, last, 64];
        let nflog = [
            &[2, 0, 0, 1][..],
            &[8, 0, 1, 0, 8, 0, 0, 0],
            &[5, 0, 10, 0, 9, 0, 0, 0],
            &[7, 0, 9, 0],
        ]
        .concat();
        let nflog_big = [&[2, 0, 0, 1][..], &[0, 6, 0, 2, 1, 1, 0, 0], &[0, 7, 0, 9]].concat();
        let pktap = [&[12, 0, 0, 0, 1, 0, 0, 0][..], &[1, 0, 0, 0], &ethernet(&[8, 0])].concat();
        for (link, header) in [
            (0, vec![30, 0, 0, 0]),
            (1, ethernet(&[0x08, 0])),
            (1, ethernet(&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 7, 0x86, 0xdd])),
            (1, [&ethernet(&[0, 50])[..], &snap].concat()),
            (1, ethernet(&[&[0x88, 0x64, 0x11, 0, 0, 1, 0, 9, 0, 0x21][..]].concat())),
            (1, ethernet(&[&[0x88, 0x47][..], &label(0), &label(1)].concat())),
            (
                1,
                ethernet(&[&[0x88, 0x48][..], &label(1), &[0; 4], &ethernet(&[8, 0])].concat()),
            ),
            (8, vec![0; 16]),
            (9, vec![0xff, 3, 0, 0x57]),
            (9, vec![0x21]),
            (51, vec![0x11, 0, 0, 1, 0, 9, 0, 0x21]),
            (101, vec![]),
            (104, vec![0x0f, 0, 8, 0]),
            (108, vec![0, 0, 0, 2]),
            (109, vec![0; 12]),
            (113, [&[0; 14][..], &[8, 0]].concat()),
            (113, [&[0; 14][..], &[0, 4], &snap].concat()),
            (117, [&[61][..], &[0; 63]].concat()),
            (138, [&[0; 16][..], &[8, 0]].concat()),
            (166, vec![1, 3, 0, 0x21]),
            (204, vec![1, 0xff, 3, 0, 0x21]),
            (228, vec![]),
            (239, nflog),
            (239, nflog_big),
            (258, pktap),
            (276, [&[8, 0][..], &[0; 18]].concat()),
        ] {
            let frame = with(&header);
            assert_eq!(inside(link, &frame), Some(Inside::Ip(&PACKET)), "{link}: {header:?}");
            for length in 0..header.len() {
                // Whatever is left of a header says nothing wrong.
                let cut = inside(link, &frame[..length]);
                assert!(!matches!(cut, Some(Inside::Ip([0x45, ..]))), "{link}: {length}");
            }
        }
    }

    #[test]
    fn what_carries_no_ip_is_told_from_what_cannot_be_read() {
        let other = |link, frame: &[u8]| assert_eq!(inside(link, frame), Some(Inside::Other), "{link}: {frame:?}");
        other(1, &ethernet(&[0x08, 0x06]));
        other(1, &ethernet(&[0x88, 0xcc]));
        other(1, &ethernet(&[0, 9, 0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0]));
        other(1, &ethernet(&[0, 38, 0x42, 0x42, 3]));
        other(0, &[7, 0, 0, 0, 0]);
        other(9, &[0xff, 3, 0xc0, 0x21]);
        other(239, &[2, 0, 0, 1, 8, 0, 1, 0, 8, 0, 0, 0]);
        let left_out = |link, frame: &[u8], reason| {
            assert_eq!(inside(link, frame), Some(Inside::LeftOut(reason)), "{link}: {frame:?}");
        };
        left_out(147, &[1, 2, 3], Reason::UnknownLink(147));
        left_out(9, &[0x2d, 1], Reason::Compressed);
        left_out(9, &[0xff, 3, 0, 0x3d, 1], Reason::PppProtocol(0x3d));
        left_out(1, &ethernet(&[0x88, 0xe5]), Reason::EtherType(0x88e5));
        left_out(1, &ethernet(&[0x81, 0, 0, 1, 0x88, 0xb5]), Reason::EtherType(0x88b5));
        left_out(1, &ethernet(&[0, 9, 0x10, 0x10, 3]), Reason::Llc);
        left_out(1, &ethernet(&[0, 9, 0xaa, 0xaa, 3, 0, 0x80, 0xc2, 0, 7]), Reason::Llc);
        left_out(192, &[0, 0, 8, 0, 77, 0, 0, 0], Reason::UnknownLink(77));
        assert_eq!(inside(258, &[0; 12]), None, "a header without a length ends");
        assert_eq!(
            inside(239, &[0x45, 0, 0, 40, 0, 0, 0x40, 0]),
            None,
            "these are no attributes"
        );
        let tags = [&[0; 12][..], &[0x81, 0, 0, 1].repeat(1_000_000)].concat();
        assert_eq!(inside(1, &tags), None);
    }
}
