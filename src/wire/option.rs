//! TCP options.

use core::iter;

const EOL: u8 = 0;
const NOP: u8 = 1;
const MSS: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;
const MD5: u8 = 19;
const USER_TIMEOUT: u8 = 28;
const FAST_OPEN: u8 = 34;

/// One TCP option, lawful or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TcpOption {
    /// End of option list (kind 0). What follows it in the header is kept as [`TcpOption::Raw`] if it is not zero.
    /// Up to three zeros at the end are padding and not listed; of more, all but three are listed, so that writing
    /// the list gives the same header.
    Eol,
    /// No operation (kind 1).
    Nop,
    /// Maximum segment size (kind 2, RFC 9293 section 3.7.1), in octets.
    Mss(u16),
    /// Window scale (kind 3, RFC 7323 section 2), a shift count.
    WindowScale(u8),
    /// SACK permitted (kind 4, RFC 2018 section 2).
    SackPermitted,
    /// SACK blocks (kind 5, RFC 2018 section 3): left and right edges as on the wire. Without a block it is read as
    /// [`TcpOption::Other`].
    Sack(Vec<(u32, u32)>),
    /// Timestamps (kind 8, RFC 7323 section 3).
    Timestamps {
        /// TSval.
        value: u32,
        /// TSecr.
        echo: u32,
    },
    /// MD5 signature (kind 19, RFC 2385), normally 16 octets; an empty one is read as [`TcpOption::Other`].
    Md5(Vec<u8>),
    /// User timeout (kind 28, RFC 5482), granularity bit and value as on the wire.
    UserTimeout(u16),
    /// Fast open cookie (kind 34, RFC 7413); empty in a request.
    FastOpen(Vec<u8>),
    /// Any other kind, or a known kind with a length that is not its own.
    Other {
        /// The kind octet.
        kind: u8,
        /// What follows the length octet.
        data: Vec<u8>,
    },
    /// Octets that do not form an option: a length of 0 or 1, one that runs past the header, or what follows an
    /// end-of-list. It reaches to the end of the header, the padding included.
    Raw(Vec<u8>),
}

impl TcpOption {
    /// Reads the options area of a header. `area` is what lies between the fixed header and the data offset.
    pub(super) fn read_all(area: &[u8]) -> Vec<TcpOption> {
        if area.is_empty() {
            return Vec::new();
        }
        // A SYN usually carries five options, other segments three.
        let mut options = Vec::with_capacity(5);
        let mut rest = area;
        while let Some((&kind, after)) = rest.split_first() {
            match kind {
                EOL => {
                    read_end(rest, &mut options);
                    break;
                }
                NOP => {
                    options.push(TcpOption::Nop);
                    rest = after;
                }
                _ => match read_one(kind, rest) {
                    Some((option, next)) => {
                        options.push(option);
                        rest = next;
                    }
                    None => {
                        options.push(TcpOption::Raw(rest.to_vec()));
                        break;
                    }
                },
            }
        }
        options
    }

    /// Octets that the option takes in a header: kind, length and value, where it has them.
    pub fn size(&self) -> usize {
        let mut written = Vec::new();
        self.write(&mut written);
        written.len()
    }

    /// Octets that options take in a header, with the padding after them.
    pub fn space(options: &[TcpOption]) -> usize {
        let mut written = Vec::new();
        options.iter().for_each(|option| option.write(&mut written));
        written.len().next_multiple_of(4)
    }

    /// The kind octet; `None` for octets that form no option.
    pub fn kind(&self) -> Option<u8> {
        Some(match self {
            TcpOption::Eol => EOL,
            TcpOption::Nop => NOP,
            TcpOption::Mss(_) => MSS,
            TcpOption::WindowScale(_) => WINDOW_SCALE,
            TcpOption::SackPermitted => SACK_PERMITTED,
            TcpOption::Sack(_) => SACK,
            TcpOption::Timestamps { .. } => TIMESTAMPS,
            TcpOption::Md5(_) => MD5,
            TcpOption::UserTimeout(_) => USER_TIMEOUT,
            TcpOption::FastOpen(_) => FAST_OPEN,
            TcpOption::Other { kind, .. } => *kind,
            TcpOption::Raw(_) => return None,
        })
    }

    /// Appends the option as on the wire. A length above 255 is written as 255.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            TcpOption::Eol => out.push(EOL),
            TcpOption::Nop => out.push(NOP),
            TcpOption::Mss(size) => write_one(MSS, &size.to_be_bytes(), out),
            TcpOption::WindowScale(shift) => write_one(WINDOW_SCALE, &[*shift], out),
            TcpOption::SackPermitted => write_one(SACK_PERMITTED, &[], out),
            TcpOption::Sack(blocks) => {
                out.extend([SACK, clipped_length(blocks.len().saturating_mul(8))]);
                for (left, right) in blocks {
                    out.extend(left.to_be_bytes());
                    out.extend(right.to_be_bytes());
                }
            }
            TcpOption::Timestamps { value, echo } => {
                out.extend([TIMESTAMPS, 10]);
                out.extend(value.to_be_bytes());
                out.extend(echo.to_be_bytes());
            }
            TcpOption::Md5(digest) => write_one(MD5, digest, out),
            TcpOption::UserTimeout(raw) => write_one(USER_TIMEOUT, &raw.to_be_bytes(), out),
            TcpOption::FastOpen(cookie) => write_one(FAST_OPEN, cookie, out),
            TcpOption::Other { kind, data } => write_one(*kind, data, out),
            TcpOption::Raw(octets) => out.extend(octets),
        }
    }
}

fn write_one(kind: u8, data: &[u8], out: &mut Vec<u8>) {
    out.extend([kind, clipped_length(data.len())]);
    out.extend(data);
}

/// The length octet of an option with so much data.
fn clipped_length(data: usize) -> u8 {
    u8::try_from(data.saturating_add(2)).unwrap_or(u8::MAX)
}

/// What stands from the first zero on, where a kind should be.
fn read_end(rest: &[u8], options: &mut Vec<TcpOption>) {
    if rest.iter().any(|octet| *octet != 0) {
        options.push(TcpOption::Eol);
        options.push(TcpOption::Raw(rest[1..].to_vec()));
    } else {
        options.extend(iter::repeat_n(TcpOption::Eol, rest.len().saturating_sub(3)));
    }
}

/// The option at the start of `rest` and what follows it; `None` where its length cannot be.
fn read_one(kind: u8, rest: &[u8]) -> Option<(TcpOption, &[u8])> {
    let length = usize::from(*rest.get(1)?);
    let data = rest.get(2..length)?;
    let option = match (kind, data) {
        (MSS, &[a, b]) => TcpOption::Mss(u16::from_be_bytes([a, b])),
        (WINDOW_SCALE, &[shift]) => TcpOption::WindowScale(shift),
        (SACK_PERMITTED, &[]) => TcpOption::SackPermitted,
        (SACK, [_, ..]) if data.len() % 8 == 0 => TcpOption::Sack(read_blocks(data)),
        (TIMESTAMPS, &[a, b, c, d, e, f, g, h]) => TcpOption::Timestamps {
            value: u32::from_be_bytes([a, b, c, d]),
            echo: u32::from_be_bytes([e, f, g, h]),
        },
        (MD5, [_, ..]) => TcpOption::Md5(data.to_vec()),
        (USER_TIMEOUT, &[a, b]) => TcpOption::UserTimeout(u16::from_be_bytes([a, b])),
        (FAST_OPEN, _) => TcpOption::FastOpen(data.to_vec()),
        _ => TcpOption::Other {
            kind,
            data: data.to_vec(),
        },
    };
    Some((option, &rest[length..]))
}

fn read_blocks(data: &[u8]) -> Vec<(u32, u32)> {
    let edges = |block: &[u8; 8]| {
        let [a, b, c, d, e, f, g, h] = *block;
        (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]))
    };
    data.as_chunks().0.iter().map(edges).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(options: &[TcpOption]) -> Vec<u8> {
        let mut out = Vec::new();
        options.iter().for_each(|option| option.write(&mut out));
        out
    }

    #[test]
    fn the_options_of_a_usual_syn_are_read() {
        let area = [2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 1, 3, 3, 7];
        let options = vec![
            TcpOption::Mss(1460),
            TcpOption::SackPermitted,
            TcpOption::Timestamps { value: 1, echo: 2 },
            TcpOption::Nop,
            TcpOption::WindowScale(7),
        ];
        assert_eq!(TcpOption::read_all(&area), options);
        assert_eq!(written(&options), area);
    }

    #[test]
    fn options_take_whole_words() {
        assert_eq!(TcpOption::space(&[]), 0);
        assert_eq!(TcpOption::space(&[TcpOption::Mss(1460), TcpOption::WindowScale(7)]), 8);
        assert_eq!(TcpOption::space(&[TcpOption::Nop, TcpOption::Sack(vec![(1, 2)])]), 12);
    }

    #[test]
    fn sack_blocks_hold_wire_numbers() {
        let area = [1, 1, 5, 10, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 5];
        let blocks = TcpOption::Sack(vec![(u32::MAX, 5)]);
        assert_eq!(TcpOption::read_all(&area), [TcpOption::Nop, TcpOption::Nop, blocks]);
    }

    #[test]
    fn up_to_three_zeros_are_padding() {
        let ts = TcpOption::Timestamps { value: 0, echo: 0 };
        assert_eq!(TcpOption::read_all(&[8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), [ts]);
        assert_eq!(TcpOption::read_all(&[1, 0, 0, 0]), [TcpOption::Nop]);
    }

    #[test]
    fn more_zeros_than_padding_are_kept_as_end_marks() {
        assert_eq!(TcpOption::read_all(&[0; 4]), [TcpOption::Eol]);
        assert_eq!(TcpOption::read_all(&[0; 40]).len(), 37);
    }

    #[test]
    fn what_follows_an_end_mark_is_kept_raw() {
        let options = [TcpOption::Nop, TcpOption::Eol, TcpOption::Raw(vec![0, 9])];
        assert_eq!(TcpOption::read_all(&[1, 0, 0, 9]), options);
        assert_eq!(written(&options), [1, 0, 0, 9]);
    }

    #[test]
    fn lengths_that_cannot_be_are_kept_raw_to_the_end() {
        for area in [
            &[2, 0, 1, 1][..],
            &[2, 1, 1, 1],
            &[8, 10, 0, 0],
            &[254, 255, 0, 0],
            &[34],
        ] {
            assert_eq!(TcpOption::read_all(area), [TcpOption::Raw(area.to_vec())]);
        }
    }

    #[test]
    fn a_known_kind_with_a_length_not_its_own_is_other() {
        for (kind, data) in [
            (2, &[1][..]),
            (3, &[]),
            (4, &[9]),
            (5, &[]),
            (5, &[1, 2, 3, 4]),
            (8, &[0; 7]),
            (19, &[]),
            (28, &[1, 2, 3]),
            (172, &[1, 2, 3]),
        ] {
            let other = TcpOption::Other {
                kind,
                data: data.to_vec(),
            };
            let area = written(core::slice::from_ref(&other));
            assert_eq!(TcpOption::read_all(&area), [other]);
        }
    }

    #[test]
    fn a_fast_open_request_is_empty() {
        let options = [TcpOption::Nop, TcpOption::Nop, TcpOption::FastOpen(vec![])];
        assert_eq!(TcpOption::read_all(&[1, 1, 34, 2]), options);
    }

    #[test]
    fn a_length_octet_is_clipped() {
        let long = TcpOption::Other {
            kind: 77,
            data: vec![0; 300],
        };
        assert_eq!(written(&[long])[..2], [77, 255]);
    }
}
