//! The header of each segment by itself, whatever connection it belongs to.

use super::conversation::Conversation;
use super::{Broken, Sight, broken};
use crate::wire::{Checksum, TcpOption};

pub(super) fn checksum_right(_: &Conversation, sight: &Sight) -> Option<Broken> {
    match sight.segment.checksum {
        Checksum::Right => None,
        Checksum::Wrong(sum) => broken(
            None,
            format!("the checksum is 0x{sum:04x}, which is not that of the segment"),
        ),
    }
}

pub(super) fn header_whole(_: &Conversation, sight: &Sight) -> Option<Broken> {
    if let Some(octets) = sight.segment.cut {
        return broken(
            None,
            format!("the segment ends after {octets} octets, within its header"),
        );
    }
    let words = sight.segment.offset?;
    broken(None, format!("the data offset is {words}, which cannot be"))
}

pub(super) fn reserved_bits_clear(_: &Conversation, sight: &Sight) -> Option<Broken> {
    match sight.segment.flags.reserved() {
        0 => None,
        bits => broken(None, format!("the reserved bits are {bits:#05b}")),
    }
}

pub(super) fn options_well_formed(_: &Conversation, sight: &Sight) -> Option<Broken> {
    sight.segment.options.iter().find_map(|option| match option {
        TcpOption::Raw(_) => broken(None, "the octets of an option do not form one"),
        TcpOption::Other { kind, data } if is_known(*kind) => {
            let length = data.len() + 2;
            broken(None, format!("an option of kind {kind} has length {length}"))
        }
        _ => None,
    })
}

/// Whether `wire` reads options of this kind as ones of their own: as `Other` they have an unlawful length.
fn is_known(kind: u8) -> bool {
    matches!(kind, 2..=5 | 8 | 28)
}

pub(super) fn option_once(_: &Conversation, sight: &Sight) -> Option<Broken> {
    let mut seen = 0_u8;
    for option in &sight.segment.options {
        let bit = match option {
            TcpOption::Mss(_) => 1,
            TcpOption::WindowScale(_) => 2,
            TcpOption::SackPermitted => 4,
            TcpOption::Sack(_) => 8,
            TcpOption::Timestamps { .. } => 16,
            _ => continue,
        };
        if seen & bit != 0 {
            return broken(None, "an option stands on the segment twice");
        }
        seen |= bit;
    }
    None
}

pub(super) fn urgent_with_text(_: &Conversation, sight: &Sight) -> Option<Broken> {
    let urgent = sight.segment.flags.contains(crate::wire::Flags::URG);
    (urgent && sight.text() == 0 && !sight.rst && sight.segment.urgent == 0)
        .then(|| broken(None, "URG marks no octet"))
        .flatten()
}
