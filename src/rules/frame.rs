//! Each frame by itself: whether it is an IP packet that a receiver takes, and whose.

use super::table::RULES;
use super::{Looks, Rule};
use crate::wire::{NotIp, Packet};

/// The least payload of an Ethernet frame, in octets: a shorter packet is padded (RFC 894).
const LEAST_ETHERNET: usize = 46;

/// A frame of the target by itself.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The packet that it holds, or why a receiver throws it away.
    pub packet: Result<&'a Packet, NotIp>,
    /// Octets of the frame.
    pub length: usize,
    /// Octets that stand behind the packet.
    pub padding: usize,
    /// Whether it carries a segment between two ends that neither a call nor a segment that came has named.
    pub from_nowhere: bool,
}

/// Looks at a frame; what the matter is, if it breaks the rule.
pub(super) type Check = fn(&Frame<'_>) -> Option<String>;

impl<'a> Frame<'a> {
    /// The octets of a frame, and as what they were read.
    pub fn of(octets: &[u8], packet: Result<&'a Packet, NotIp>) -> Frame<'a> {
        Frame {
            packet,
            length: octets.len(),
            padding: Packet::padding_of(octets).len(),
            from_nowhere: false,
        }
    }

    /// The rules that it breaks, and what the matter is.
    pub fn breaks(&self) -> impl Iterator<Item = (&'static Rule, String)> {
        RULES.iter().filter_map(|rule| match rule.looks {
            Looks::AtFrames(check) => check(self).map(|text| (rule, text)),
            Looks::AtSegments(..) => None,
        })
    }
}

pub(super) fn ip_version_known(frame: &Frame<'_>) -> Option<String> {
    let why = frame.packet.err()?;
    matches!(why, NotIp::Empty | NotIp::Version(_)).then(|| why.to_string())
}

pub(super) fn ip_lengths_right(frame: &Frame<'_>) -> Option<String> {
    match frame.packet {
        Err(why @ (NotIp::Short { .. } | NotIp::HeaderLength(_) | NotIp::TotalLength(_) | NotIp::Lacking { .. })) => {
            Some(why.to_string())
        }
        Err(NotIp::Empty | NotIp::Version(_)) => None,
        // Padding up to what the link needs is the link's, and no part of the packet.
        Ok(_) | Err(NotIp::Checksum { .. }) => (frame.padding > 0 && frame.length > LEAST_ETHERNET)
            .then(|| format!("{} octets stand behind the end that the IP header gives", frame.padding)),
    }
}

pub(super) fn ip_checksum_right(frame: &Frame<'_>) -> Option<String> {
    let why = frame.packet.err()?;
    matches!(why, NotIp::Checksum { .. }).then(|| why.to_string())
}

pub(super) fn ttl_not_zero(frame: &Frame<'_>) -> Option<String> {
    let ip = &frame.packet.ok()?.ip;
    // The destination of an IPv6 packet takes one with a hop limit of zero (RFC 8200 section 3).
    (ip.source.is_ipv4() && ip.ttl == 0).then(|| "the time to live is 0".to_owned())
}

pub(super) fn ends_are_known(frame: &Frame<'_>) -> Option<String> {
    let packet = frame.packet.ok().filter(|_| frame.from_nowhere)?;
    let segment = packet.tcp()?;
    Some(format!(
        "a segment from {} port {} to {} port {}, between which there is no connection, and of which none came",
        packet.ip.source, segment.source, packet.ip.destination, segment.destination
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Body, IpHeader, Segment};
    use std::collections::BTreeSet;

    fn packet(from: &str, to: &str, body: Body) -> Vec<u8> {
        let ip = IpHeader::between(from.parse().unwrap(), to.parse().unwrap());
        Packet { ip, body }.encode()
    }

    fn v4(text: usize) -> Vec<u8> {
        let body = Body::Tcp(Segment {
            payload: vec![0; text],
            ..Segment::default()
        });
        packet("192.0.2.1", "198.18.0.1", body)
    }

    fn v6(text: usize) -> Vec<u8> {
        let body = Body::Tcp(Segment {
            payload: vec![0; text],
            ..Segment::default()
        });
        packet("2001:db8::1", "2001:db8::9", body)
    }

    /// With this octet at that place; the checksum of the IPv4 header is made right again.
    fn with(mut octets: Vec<u8>, place: usize, octet: u8) -> Vec<u8> {
        octets[place] = octet;
        if let Err(NotIp::Checksum { right, .. }) = Packet::parse(&octets) {
            octets[10..12].copy_from_slice(&right.to_be_bytes());
        }
        octets
    }

    fn wrong_checksum(sum: u8) -> Vec<u8> {
        let mut octets = v4(3);
        octets[10..12].fill(sum);
        octets
    }

    fn behind(octets: Vec<u8>, padding: usize) -> Vec<u8> {
        [octets, vec![0; padding]].concat()
    }

    fn broken(octets: &[u8]) -> Vec<&'static str> {
        let packet = Packet::parse(octets);
        let frame = Frame::of(octets, packet.as_ref().map_err(|why| *why));
        frame.breaks().map(|(rule, _)| rule.name).collect()
    }

    #[test]
    fn each_rule_accuses_a_frame_that_breaks_it() {
        let cut = |octets: Vec<u8>, length: usize| octets[..length].to_vec();
        let table: [(&str, Vec<u8>); 15] = [
            ("ip-version-known", Vec::new()),
            ("ip-version-known", vec![0x50; 60]),
            ("ip-version-known", vec![0; 40]),
            ("ip-lengths-right", vec![0x45; 3]),
            ("ip-lengths-right", cut(v6(0), 39)),
            ("ip-lengths-right", with(v4(0), 0, 0x44)),
            ("ip-lengths-right", with(v4(0), 3, 19)),
            ("ip-lengths-right", with(v4(0), 3, 0)),
            ("ip-lengths-right", with(v4(0), 3, 41)),
            ("ip-lengths-right", with(v6(0), 5, 21)),
            ("ip-lengths-right", behind(v4(0), 7)),
            ("ip-lengths-right", behind(v6(100), 1)),
            ("ip-checksum-right", wrong_checksum(0)),
            ("ip-checksum-right", wrong_checksum(0x77)),
            ("ttl-not-zero", with(v4(0), 8, 0)),
        ];
        let mut seen: BTreeSet<&str> = ["ends-are-known"].into();
        for (rule, octets) in table {
            assert_eq!(broken(&octets), [rule], "{octets:02x?}");
            seen.insert(rule);
        }
        let of_frames = RULES.iter().filter(|rule| matches!(rule.looks, Looks::AtFrames(_)));
        assert!(of_frames.map(|rule| rule.name).all(|name| seen.contains(name)));
    }

    #[test]
    fn what_is_no_segment_accuses_nobody_nor_does_the_padding_of_ethernet() {
        let other = |protocol, payload: &[u8]| Body::Other {
            protocol,
            payload: payload.to_vec(),
        };
        let listener = [58, 0, 5, 2, 0, 0, 1, 0, 143, 0, 0, 0, 0, 0, 0, 1];
        for octets in [
            v4(0),
            v6(1400),
            behind(v4(0), 6),
            behind(v4(5), 1),
            with(v6(0), 7, 0),
            with(v4(8), 6, 0x20),
            packet("192.0.2.1", "224.0.0.22", other(2, &[0x16; 8])),
            packet("192.0.2.1", "255.255.255.255", other(17, &[0; 8])),
            packet("fe80::1", "ff02::2", other(58, &[133; 8])),
            packet("::", "ff02::16", other(0, &listener)),
        ] {
            assert_eq!(broken(&octets), [""; 0], "{octets:02x?}");
        }
    }

    #[test]
    fn a_segment_between_ends_that_nobody_named_is_one_of_no_connection() {
        let octets = v4(0);
        let packet = Packet::parse(&octets).unwrap();
        let frame = Frame {
            from_nowhere: true,
            ..Frame::of(&octets, Ok(&packet))
        };
        let told: Vec<_> = frame.breaks().collect();
        assert_eq!(told[0].0.name, "ends-are-known");
        let ends = "a segment from 192.0.2.1 port 0 to 198.18.0.1 port 0, between which there is no connection";
        assert!(told[0].1.starts_with(ends), "{}", told[0].1);
    }
}
