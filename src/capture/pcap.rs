//! The format pcap (draft-ietf-opsawg-pcap).

use super::format::{Found, Frame, ReadStop};
use super::octets::{LARGEST, Octets, Order};
use std::io::Read;

/// Octets of the file's header after the four that tell the kind.
const HEADER: u64 = 20;
/// Octets of a frame's header.
const FRAME_HEADER: u64 = 16;
/// Octets that some Linux kernels of 1999 put behind it: the interface, the protocol, the kind of packet.
const MODIFIED: u64 = 8;

/// What the first four octets tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    order: Order,
    /// Nanoseconds in the unit that fractions of a second are counted in.
    unit: i128,
    frame_header: u64,
}

impl Kind {
    /// The kind of file that begins so; `None` where it is no pcap.
    pub(super) fn of(magic: [u8; 4]) -> Option<Kind> {
        let of = |order, magic| {
            let (unit, frame_header) = match magic {
                0xa1b2_c3d4 => (1_000, FRAME_HEADER),
                0xa1b2_3c4d => (1, FRAME_HEADER),
                0xa1b2_cd34 => (1_000, FRAME_HEADER + MODIFIED),
                _ => return None,
            };
            Some(Kind {
                order,
                unit,
                frame_header,
            })
        };
        of(Order::Little, u32::from_le_bytes(magic)).or_else(|| of(Order::Big, u32::from_be_bytes(magic)))
    }
}

/// Hands on each frame of a file whose first four octets have been read.
pub(super) fn read(
    octets: &mut Octets<impl Read>,
    kind: Kind,
    each: &mut dyn FnMut(Found<'_>),
) -> Result<(), ReadStop> {
    let network = octets
        .take(HEADER)
        .map_err(|trouble| ReadStop::at(0, "the file's header", &trouble))
        .map(|header| kind.order.u32(header, 16).unwrap_or(0))?;
    // The upper half says how long the check sequence at the end of each frame is, in units of two octets.
    let check = match network & 0x0400_0000 {
        0 => 0,
        _ => (network >> 28) as usize * 2,
    };
    loop {
        let begin = octets.offset();
        let header = octets
            .take_or_end(kind.frame_header)
            .map_err(|trouble| ReadStop::at(begin, "a frame's header", &trouble))?;
        let Some(header) = header else { return Ok(()) };
        let number = |at| kind.order.u32(header, at).unwrap_or(0);
        let at = i128::from(number(0)) * 1_000_000_000 + i128::from(number(4)) * kind.unit;
        let (captured, length) = (number(8), number(12));
        if u64::from(captured) > LARGEST {
            return Err(ReadStop {
                offset: begin,
                text: format!("a frame claims {captured} octets, more than any link carries"),
            });
        }
        let frame = octets
            .take(u64::from(captured))
            .map_err(|trouble| ReadStop::at(begin, "a frame", &trouble))?;
        each(Found::Frame(Frame::new(Some(at), network as u16, frame, length, check)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::format::read;

    /// A file with frames of (seconds, fraction, octets, length on the wire).
    fn file(magic: [u8; 4], order: Order, network: u32, frames: &[(u32, u32, &[u8], u32)]) -> Vec<u8> {
        let word = |number: u32| match order {
            Order::Little => number.to_le_bytes(),
            Order::Big => number.to_be_bytes(),
        };
        let mut file = magic.to_vec();
        file.extend([0x0002_0004, 0, 0, 65_535, network].map(word).concat());
        let modified = Kind::of(magic).unwrap().frame_header > FRAME_HEADER;
        for (seconds, fraction, octets, length) in frames {
            file.extend([*seconds, *fraction, octets.len() as u32, *length].map(word).concat());
            file.extend(if modified { vec![9; 8] } else { vec![] });
            file.extend(*octets);
        }
        file
    }

    type Seen = Vec<(Option<i128>, u16, Vec<u8>, usize)>;

    fn seen(file: &[u8]) -> (Seen, Option<String>) {
        let mut seen = Vec::new();
        let damage = read(file, &mut |found| match found {
            Found::Frame(it) => seen.push((it.at, it.link, it.octets.to_vec(), it.missing)),
            other => panic!("{other:?}"),
        });
        (seen, damage.unwrap().map(|damage| damage.to_string()))
    }

    #[test]
    fn frames_are_found_in_both_orders_and_with_each_clock() {
        let frames: [(u32, u32, &[u8], u32); 2] = [(7, 999, &[1, 2], 2), (8, 1, &[3], 60)];
        for (magic, unit) in [(0xa1b2_c3d4_u32, 1_000), (0xa1b2_3c4d, 1), (0xa1b2_cd34, 1_000)] {
            let expected = vec![
                (Some(7_000_000_000 + 999 * unit), 101, vec![1, 2], 0),
                (Some(8_000_000_000 + unit), 101, vec![3], 59),
            ];
            let little = file(magic.to_le_bytes(), Order::Little, 101, &frames);
            let big = file(magic.to_be_bytes(), Order::Big, 101, &frames);
            assert_eq!(seen(&little), (expected.clone(), None), "{magic:x}");
            assert_eq!(seen(&big), (expected, None), "{magic:x}");
        }
    }

    #[test]
    fn the_check_sequence_is_no_part_of_the_frame() {
        let magic = 0xa1b2_c3d4_u32.to_le_bytes();
        let four = file(
            magic,
            Order::Little,
            0x2400_0001,
            &[(0, 0, &[1, 2, 3, 4, 5], 5), (0, 0, &[1, 2], 5)],
        );
        assert_eq!(
            seen(&four).0,
            [(Some(0), 1, vec![1], 0), (Some(0), 1, vec![1], 0)],
            "what is cut into the check sequence is whole"
        );
    }

    #[test]
    fn a_damaged_file_is_read_as_far_as_it_goes_and_the_place_is_named() {
        let magic = 0xa1b2_c3d4_u32.to_le_bytes();
        let whole = file(magic, Order::Little, 101, &[(0, 0, &[1, 2], 2), (0, 0, &[3, 4], 2)]);
        let (frames, damage) = seen(&whole[..whole.len() - 1]);
        assert_eq!(frames.len(), 1);
        assert_eq!(
            damage.unwrap(),
            "at offset 42: the capture ends within a frame, 1 octets into it"
        );
        for length in 4..whole.len() {
            let (frames, damage) = seen(&whole[..length]);
            let between = [24, 42].contains(&length);
            assert_eq!(damage.is_none(), between, "{length}");
            assert_eq!(frames.len(), usize::from(length >= 42), "{length}");
        }
        let mut endless = whole;
        endless[24 + 8..24 + 12].fill(0xff);
        let damage = seen(&endless).1.unwrap();
        assert_eq!(
            damage,
            "at offset 24: a frame claims 4294967295 octets, more than any link carries"
        );
    }
}
