//! What is decided about the packet that carries a segment.

use super::{Context, neighbour};
use crate::model::decision::decisions;
use crate::model::settings::Settings;
use crate::wire::{Checksum, Flags, Segment};
use core::net::IpAddr;

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
    fn ttl(cx: &Context, settings: &Settings) -> u8 {
        lawful => settings.ttl.unwrap_or(cx.config.ttl),
        wrong TtlFixed => cx.config.ttl,
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
