//! IEEE 802.11, and the headers that receivers put before it.

use super::link_layer::Inside;
use super::network::Reason;
use super::octets::Order;

/// Octets of a data frame's header: three addresses; the fourth; quality of service; high throughput.
const HEADER: usize = 24;
const FOURTH_ADDRESS: usize = 6;
const QUALITY: usize = 2;
const THROUGHPUT: usize = 4;

/// Octets of a header of Prism.
const PRISM: usize = 144;

/// How long the header of an 802.11 frame is, behind which LLC begins, filled up to a multiple of four octets or not;
/// or what the frame is if it holds no readable data.
pub(super) fn data<'a>(frame: &[u8], padded: bool) -> Option<Result<usize, Inside<'a>>> {
    let (kind, flags) = (*frame.first()?, *frame.get(1)?);
    let is_data = kind & 0x0f == 0x08 && kind & 0x40 == 0;
    if !is_data {
        return Some(Err(Inside::Other));
    }
    if flags & 0x40 != 0 {
        return Some(Err(Inside::LeftOut(Reason::Encrypted)));
    }
    if flags & 0x04 != 0 || frame.get(22)? & 0x0f != 0 {
        return Some(Err(Inside::LeftOut(Reason::Fragment)));
    }
    let mut length = HEADER;
    if flags & 3 == 3 {
        length += FOURTH_ADDRESS;
    }
    if kind & 0x80 != 0 {
        if frame.get(length)? & 0x80 != 0 {
            return Some(Err(Inside::LeftOut(Reason::Aggregated)));
        }
        length += QUALITY;
        if flags & 0x80 != 0 {
            length += THROUGHPUT;
        }
    }
    Some(Ok(if padded { length.next_multiple_of(4) } else { length }))
}

/// How long a radiotap header is, and whether the frame behind it has its header filled up.
pub(super) fn radiotap(frame: &[u8]) -> Option<Result<(usize, bool), Reason>> {
    const MORE: u32 = 1 << 31;
    let length = usize::from(Order::Little.u16(frame, 2)?);
    let present = Order::Little.u32(frame, 4)?;
    // The words that say which fields are there go on while the highest bit is set.
    let mut at = 4;
    while Order::Little.u32(frame, at)? & MORE != 0 {
        at += 4;
    }
    at += 4;
    // A time of eight octets may stand before the flags.
    if present & 1 != 0 {
        at = at.next_multiple_of(8) + 8;
    }
    let flags = if present & 2 == 0 { 0 } else { *frame.get(at)? };
    Some(match flags {
        wrong if wrong & 0x40 != 0 => Err(Reason::Damaged),
        flags => Ok((length, flags & 0x20 != 0)),
    })
}

/// How long the header of Prism is, which a header of AVS may stand for.
pub(super) fn prism(frame: &[u8]) -> Option<usize> {
    const AVS: u32 = 0x8021_1000;
    match Order::Big.u32(frame, 0)? & 0xffff_f000 {
        AVS => Some(Order::Big.u32(frame, 4)? as usize),
        _ => Some(PRISM),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::link_layer::inside;

    const SNAP: [u8; 8] = [0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0];
    const PACKET: [u8; 3] = [0x45, 1, 2];

    /// A frame with that frame control, its header as long as that.
    fn frame(kind: u8, flags: u8, header: usize) -> Vec<u8> {
        let mut frame = vec![0; header];
        (frame[0], frame[1]) = (kind, flags);
        [&frame[..], &SNAP, &PACKET].concat()
    }

    #[test]
    fn data_is_found_behind_headers_of_each_length() {
        for (kind, flags, header) in [(0x08, 1, 24), (0x08, 3, 30), (0x88, 2, 26), (0x88, 0x83, 36)] {
            let plain = frame(kind, flags, header);
            assert_eq!(inside(105, &plain), Some(Inside::Ip(&PACKET)), "{header}");
            let avs = [&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64][..], &[0; 56], &plain].concat();
            assert_eq!(inside(163, &avs), Some(Inside::Ip(&PACKET)), "{header}");
            assert_eq!(inside(119, &avs), Some(Inside::Ip(&PACKET)), "{header}");
            let prism = [&[0; PRISM][..], &plain].concat();
            assert_eq!(inside(119, &prism), Some(Inside::Ip(&PACKET)), "{header}");
        }
    }

    #[test]
    fn radiotap_says_whether_the_header_is_filled_up_and_the_frame_came_whole() {
        let before = |flags: u8| {
            let present = [[3, 0, 0, 0x80], [0, 0, 0, 0]].concat();
            [&[0, 0, 25, 0][..], &present, &[0; 4], &[0; 8], &[flags]].concat()
        };
        let padded = [before(0x20), frame(0x88, 2, 28)].concat();
        assert_eq!(inside(127, &padded), Some(Inside::Ip(&PACKET)));
        let plain = [before(0x10), frame(0x88, 2, 26)].concat();
        assert_eq!(inside(127, &plain), Some(Inside::Ip(&PACKET)));
        let damaged = [before(0x40), frame(0x88, 2, 26)].concat();
        assert_eq!(inside(127, &damaged), Some(Inside::LeftOut(Reason::Damaged)));
        for length in 0..25 {
            assert_eq!(inside(127, &plain[..length]), None, "{length}");
        }
    }

    #[test]
    fn what_holds_no_readable_data_says_why() {
        let mut aggregated = frame(0x88, 1, 26);
        aggregated[24] = 0x80;
        for (frame, expected) in [
            (frame(0x80, 0, 24), Inside::Other),
            (frame(0x48, 1, 24), Inside::Other),
            (frame(0x08, 0x41, 24), Inside::LeftOut(Reason::Encrypted)),
            (frame(0x08, 0x05, 24), Inside::LeftOut(Reason::Fragment)),
            (aggregated, Inside::LeftOut(Reason::Aggregated)),
        ] {
            assert_eq!(inside(105, &frame), Some(expected));
        }
    }
}
