//! What is decided about the packet that carries a segment.

use super::{Context, neighbour};
use crate::model::decision::decisions;
use crate::model::settings::Settings;
use crate::wire::{Checksum, Flags, Segment};
use core::net::IpAddr;

/// What is wrong with an IP header, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Slip {
    Nothing,
    /// The packet begins behind its header.
    NoHeader,
    /// The total length, or payload length, counts one octet too many.
    LengthTooLarge,
    /// The checksum of the IPv4 header is zero.
    NoChecksum,
}

impl Slip {
    /// The packet with this slip. Its IP header has no options.
    pub(super) fn make(self, mut packet: Vec<u8>, v4: bool) -> Vec<u8> {
        match self {
            Slip::Nothing => {}
            Slip::NoHeader => drop(packet.drain(..if v4 { 20 } else { 40 })),
            Slip::LengthTooLarge => {
                let at = if v4 { 2 } else { 4 };
                let length = u16::from_be_bytes([packet[at], packet[at + 1]]).wrapping_add(1);
                packet[at..at + 2].copy_from_slice(&length.to_be_bytes());
            }
            Slip::NoChecksum => packet[10..12].fill(0),
        }
        packet
    }
}

decisions! {
    /// The checksum of a segment.
    "RFC 9293 section 3.1; MUST-2"
    fn checksum(_cx: &Context, segment: &Segment) -> Checksum {
        lawful => Checksum::Right,
        wrong WrongChecksum if segment.payload.len() % 2 == 1 => Checksum::Wrong(0xbad1),
    }

    /// The control bits of a segment, of which the reserved ones are zero.
    "RFC 9293 section 3.1"
    fn flags(_cx: &Context, flags: Flags) -> Flags {
        lawful => flags,
        wrong ReservedBitsSet => flags.with_reserved(4),
    }

    /// The source address of a segment: the local address of its connection.
    "RFC 9293 section 3.9.2; MUST-45"
    fn source(_cx: &Context, local: IpAddr, segment: &Segment) -> IpAddr {
        lawful => local,
        wrong SourceChosenAnew
            if segment.flags.contains(Flags::FIN) || segment.flags.contains(Flags::RST) => neighbour(local),
    }

    /// The TTL.
    "RFC 9293 section 3.9.2; MUST-49"
    fn ttl(cx: &Context, settings: &Settings, flags: Flags) -> u8 {
        lawful => settings.ttl.unwrap_or(cx.config.ttl),
        wrong TtlFixed => cx.config.ttl,
        wrong FinWithoutTtl if flags.contains(Flags::FIN) => 0,
    }

    /// What is wrong with the IP header.
    "RFC 791 section 3.1; RFC 8200 section 3"
    fn slip(_cx: &Context, v4: bool, flags: Flags) -> Slip {
        lawful => Slip::Nothing,
        wrong ResetWithoutIpChecksum if v4 && flags.contains(Flags::RST) => Slip::NoChecksum,
        wrong FinLengthTooLarge if flags.contains(Flags::FIN) => Slip::LengthTooLarge,
        wrong ResetWithoutIpHeader if flags.contains(Flags::RST) => Slip::NoHeader,
    }

    /// The DSCP, of which the first three bits were the IP precedence of RFC 791.
    "RFC 9293 section 3.9.2; MUST-48, SHLD-22"
    fn dscp(cx: &Context, settings: &Settings) -> u8 {
        lawful => settings.dscp.unwrap_or(cx.config.dscp),
        wrong DscpFixed => cx.config.dscp,
        wrong DscpCut => lawful & 0x38,
    }

    /// Whether routers may not fragment the packet.
    "RFC 1191 section 3"
    fn dont_fragment(_cx: &Context, v4: bool) -> bool {
        lawful => true,
        or PathMtuDiscoveryNo if v4 => false,
        wrong DontFragmentMissing if v4 => false,
    }
}
