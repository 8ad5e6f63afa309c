//! A TCP segment, which may be broken in every way that the wire allows.

use super::{Flags, SeqNum, TcpOption};

/// Whether the checksum field holds what it should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// It is right.
    #[default]
    Right,
    /// It holds this instead.
    Wrong(u16),
}

/// One TCP segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Source port.
    pub source: u16,
    /// Destination port.
    pub destination: u16,
    /// Sequence number.
    pub seq: SeqNum,
    /// Acknowledgment number, present on the wire whether ACK is set or not.
    pub ack: SeqNum,
    /// Control bits and reserved bits.
    pub flags: Flags,
    /// The raw 16-bit window field.
    pub window: u16,
    /// The raw urgent pointer.
    pub urgent: u16,
    /// Options in order, without the zeros that pad them.
    pub options: Vec<TcpOption>,
    /// What follows the header.
    pub payload: Vec<u8>,
    /// The data offset field in 32-bit words where it is not what `options` need; `None` where it is.
    pub offset: Option<u8>,
    /// Whether the checksum is right.
    pub checksum: Checksum,
    /// Where the segment was cut short, in octets from its start; `None` where it is whole.
    pub cut: Option<usize>,
}

impl Segment {
    /// SEG.LEN: octets of payload, and one each for SYN and FIN (RFC 9293 section 3.3.1).
    pub fn seg_len(&self) -> u32 {
        self.payload.len() as u32
            + u32::from(self.flags.contains(Flags::SYN))
            + u32::from(self.flags.contains(Flags::FIN))
    }

    /// Whether a careful receiver can read it at all: whole, with a right checksum, a lawful data offset and options
    /// that can be taken apart.
    pub fn is_well_formed(&self) -> bool {
        self.checksum == Checksum::Right
            && self.offset.is_none()
            && self.cut.is_none()
            && !self.options.iter().any(|option| matches!(option, TcpOption::Raw(_)))
    }

    /// The timestamps option, as (TSval, TSecr).
    pub fn timestamps(&self) -> Option<(u32, u32)> {
        self.options.iter().find_map(|option| match option {
            TcpOption::Timestamps { value, echo } => Some((*value, *echo)),
            _ => None,
        })
    }

    /// The MSS option, in octets.
    pub fn mss(&self) -> Option<u16> {
        self.options.iter().find_map(|option| match option {
            TcpOption::Mss(size) => Some(*size),
            _ => None,
        })
    }

    /// The window scale option, a shift count as written.
    pub fn window_scale(&self) -> Option<u8> {
        self.options.iter().find_map(|option| match option {
            TcpOption::WindowScale(shift) => Some(*shift),
            _ => None,
        })
    }
}
