//! A TCP segment, which may be broken in every way that the wire allows.

use super::{Flags, SeqNum, TcpOption};
use pnet_packet::tcp::{MutableTcpPacket, TcpPacket};

/// Octets of the header without options.
const FIXED: usize = 20;
/// Octets up to and including the data offset.
const OFFSET_END: usize = 13;
/// Octets up to and including the checksum.
const CHECKSUM_END: usize = 18;

/// Whether the checksum field holds what it should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// It is right for the octets that are there, as a receiver verifies it: 0xffff serves for 0 (RFC 1071).
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
    /// The data offset field in 32-bit words where it is not what `options` need; `None` where it is. In a segment
    /// read, it is below 5 or past the end; nothing can then be said about options, and all that follows the fixed
    /// header is `payload`.
    pub offset: Option<u8>,
    /// Whether the checksum is right.
    pub checksum: Checksum,
    /// Where the segment was cut short, in octets from its start; `None` where it is whole. In a segment read, it is
    /// below 20, and fields that are not there are zero. (A cut behind the fixed header looks like a data offset past
    /// the end, or like a shorter payload.) `Checksum::Right` is right for what the cut leaves, so that a receiver
    /// meets the lengths and not the checksum.
    pub cut: Option<usize>,
}

impl Segment {
    /// SEG.LEN: octets of payload, and one each for SYN and FIN (RFC 9293 section 3.3.1).
    pub fn seg_len(&self) -> u32 {
        self.payload.len() as u32
            + u32::from(self.flags.contains(Flags::SYN))
            + u32::from(self.flags.contains(Flags::FIN))
    }

    /// Whether a receiver that checks everything can read it: it is whole, its checksum is right, and its data offset
    /// and the lengths of its options are lawful.
    pub fn is_well_formed(&self) -> bool {
        self.checksum == Checksum::Right
            && self.offset.is_none()
            && self.cut.is_none()
            && !self.options.iter().any(|option| matches!(option, TcpOption::Raw(_)))
    }

    /// What stands in the data offset field, in words, right or not.
    pub fn data_offset(&self) -> u8 {
        let needed = (FIXED + TcpOption::space(&self.options)) / 4;
        let needed = u8::try_from(needed).unwrap_or(u8::MAX);
        // The field has four bits.
        self.offset.unwrap_or(needed).min(15)
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

impl Segment {
    /// Reads a segment from its first octet to the last of its text; total. `right` is the checksum that these octets
    /// should have (RFC 9293 section 3.1).
    pub fn read(octets: &[u8], right: u16) -> Segment {
        let mut fixed = [0; FIXED];
        let present = octets.len().min(FIXED);
        fixed[..present].copy_from_slice(&octets[..present]);
        // Cannot fail: pnet asks for 20 octets, and `fixed` has them.
        let header = TcpPacket::new(&fixed).expect("a TCP header has 20 octets");

        let claimed = header.get_data_offset();
        let (offset, options, payload) = if octets.len() < FIXED {
            let lies = octets.len() >= OFFSET_END && claimed != 5;
            (lies.then_some(claimed), Vec::new(), Vec::new())
        } else {
            match octets.get(FIXED..usize::from(claimed) * 4) {
                Some(area) => (None, TcpOption::read_all(area), octets[FIXED + area.len()..].to_vec()),
                None => (Some(claimed), Vec::new(), octets[FIXED..].to_vec()),
            }
        };
        Segment {
            source: header.get_source(),
            destination: header.get_destination(),
            seq: SeqNum(header.get_sequence()),
            ack: SeqNum(header.get_acknowledgement()),
            flags: Flags::from_bits(u16::from(header.get_reserved()) << 8 | u16::from(header.get_flags())),
            window: header.get_window(),
            urgent: header.get_urgent_ptr(),
            options,
            payload,
            offset,
            checksum: read_checksum(header.get_checksum(), octets.len(), right),
            cut: (octets.len() < FIXED).then_some(octets.len()),
        }
    }

    /// Appends the segment, the checksum left zero: see [`Segment::seal`].
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.resize(start + FIXED, 0);
        for option in &self.options {
            option.write(out);
        }
        let header = (out.len() - start).next_multiple_of(4);
        out.resize(start + header, 0);
        out.extend(&self.payload);

        // A header that is too long for the four bits is sent all the same, with the largest offset.
        let needed = u8::try_from(header / 4).unwrap_or(u8::MAX);
        let bits = self.flags.bits();
        // Cannot fail: pnet asks for 20 octets, and at least as many were appended.
        let mut fixed = MutableTcpPacket::new(&mut out[start..]).expect("a TCP header has 20 octets");
        fixed.set_source(self.source);
        fixed.set_destination(self.destination);
        fixed.set_sequence(self.seq.0);
        fixed.set_acknowledgement(self.ack.0);
        fixed.set_data_offset(self.offset.unwrap_or(needed).min(15));
        fixed.set_reserved((bits >> 8) as u8);
        fixed.set_flags(bits as u8);
        fixed.set_window(self.window);
        fixed.set_urgent_ptr(self.urgent);
        if let Some(cut) = self.cut {
            out.truncate(start.saturating_add(cut));
        }
    }

    /// Writes the checksum into the octets of this segment. `right` is what it should be.
    pub(super) fn seal(&self, octets: &mut [u8], right: u16) {
        let whole = octets.len() >= CHECKSUM_END;
        let sum = match self.checksum {
            Checksum::Right if whole => right,
            Checksum::Right => 0,
            Checksum::Wrong(sum) => sum,
        };
        let field = octets.iter_mut().take(CHECKSUM_END).skip(CHECKSUM_END - 2);
        field.zip(sum.to_be_bytes()).for_each(|(octet, value)| *octet = value);
    }
}

/// Of a checksum that is cut, `field` holds the first octet or nothing, and it is called wrong where that is not zero:
/// so nothing is lost.
fn read_checksum(field: u16, length: usize, right: u16) -> Checksum {
    let verifies = match length {
        CHECKSUM_END.. => field == right || (right == 0 && field == u16::MAX),
        _ => field == 0,
    };
    if verifies {
        Checksum::Right
    } else {
        Checksum::Wrong(field)
    }
}
