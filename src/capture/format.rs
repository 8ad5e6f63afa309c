//! What both formats of captures have in common, and how they are told apart.

use super::network::Reason;
use super::octets::{Octets, Trouble};
use super::{packing, pcap, pcapng};
use core::fmt;
use std::io::Read;

/// A frame of a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    /// When it was captured, in nanoseconds since 1970; `None` where the capture does not say.
    pub at: Option<i128>,
    /// Its link type, by the number in the registry of tcpdump.org.
    pub link: u16,
    /// What was captured of it, without the check sequence at its end.
    pub octets: &'a [u8],
    /// Octets at its end that the capture lacks.
    pub missing: usize,
}

impl<'a> Frame<'a> {
    /// A frame of which `octets` were captured. `length` is how long it was on the wire; a writer that does not know
    /// says less than it captured. The last `check` octets of it are its check sequence.
    pub(super) fn new(at: Option<i128>, link: u16, octets: &'a [u8], length: u32, check: usize) -> Frame<'a> {
        let length = (length as usize).max(octets.len()).saturating_sub(check);
        let octets = &octets[..octets.len().min(length)];
        Frame {
            at,
            link,
            octets,
            missing: length - octets.len(),
        }
    }
}

/// What is found in a capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A frame.
    Frame(Frame<'a>),
    /// A frame that cannot be taken out of the capture.
    Unreadable(Reason),
    /// A block that is no frame, as far as is known.
    UnknownBlock,
    /// So many packets were dropped before they could be captured, as whoever captured them has counted.
    Dropped(u64),
}

/// Why nothing can be read: a sentence with the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureError(pub String);

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why reading ended before the end of the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Octets before what could not be read.
    pub offset: u64,
    /// Whether the offset counts octets that were unpacked.
    pub packed: bool,
    /// What the matter is: `a block of type 6 claims 4 octets, and the least is 12`.
    pub text: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unpacked = if self.packed { " (unpacked)" } else { "" };
        write!(f, "at offset {}{unpacked}: {}", self.offset, self.text)
    }
}

/// Why a format cannot be read any further: where the block or frame begins that cannot be read, and what is wrong with
/// it.
#[derive(Debug)]
pub(super) struct ReadStop {
    pub offset: u64,
    pub text: String,
}

impl ReadStop {
    /// A block or frame that is not there as a whole.
    pub(super) fn at(offset: u64, what: &str, trouble: &Trouble) -> ReadStop {
        let text = match trouble {
            Trouble::Ended(there) => format!("the capture ends within {what}, {there} octets into it"),
            Trouble::Failed(error) => format!("{what} cannot be read: {error}"),
        };
        ReadStop { offset, text }
    }
}

/// Files that are taken for captures by their first octets, and what they are.
const OTHERS: [(&[u8], &str); 3] = [
    (b"snoop\0\0\0", "a capture of `snoop`"),
    (b"GMBU", "a capture of Microsoft's Network Monitor"),
    (b"\x1c\0\x01\xac", "a capture of an Ixia tester"),
];

/// Hands on what is found in a capture, to its end or to where it cannot be read any more.
pub(super) fn read(source: impl Read, each: &mut dyn FnMut(Found<'_>)) -> Result<Option<Damage>, CaptureError> {
    let unpacked = packing::unpack(source)?;
    let packed = unpacked.packed;
    let mut octets = Octets::new(unpacked.octets);
    let magic: [u8; 4] = match octets.take(4) {
        // Cannot fail: four octets were asked for.
        Ok(first) => first.try_into().expect("four octets"),
        Err(Trouble::Ended(0)) => return Err(CaptureError("it is empty".to_owned())),
        Err(Trouble::Ended(_)) => return Err(not_a_capture(&[])),
        Err(Trouble::Failed(error)) => return Err(CaptureError(format!("it cannot be read: {error}"))),
    };
    let read = if magic == pcapng::MAGIC {
        pcapng::read(&mut octets, each)
    } else if let Some(kind) = pcap::Kind::of(magic) {
        pcap::read(&mut octets, kind, each)
    } else {
        return Err(not_a_capture(&magic));
    };
    Ok(read
        .err()
        .map(|ReadStop { offset, text }| Damage { offset, packed, text }))
}

fn not_a_capture(magic: &[u8]) -> CaptureError {
    let known = OTHERS
        .iter()
        .find(|(first, _)| !magic.is_empty() && first.starts_with(magic));
    CaptureError(match known {
        Some((_, what)) => format!("it is {what}; `tshark -r FILE -w NEW.pcapng` makes a pcapng of it"),
        None => "it is neither pcap nor pcapng; tcpdump -w, tshark -w and dumpcap write such files".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(octets: &[u8]) -> String {
        read(octets, &mut |_| panic!("nothing is found")).unwrap_err().0
    }

    #[test]
    fn what_is_no_capture_is_refused_with_a_remedy() {
        assert_eq!(refused(b""), "it is empty");
        assert!(refused(b"GET / HTTP/1.1\r\n\r\n").starts_with("it is neither pcap nor pcapng"));
        assert!(refused(b"ab").starts_with("it is neither pcap nor pcapng"));
        assert!(refused(b"snoop\0\0\0\0\0\0\x02").contains("tshark -r FILE"));
    }
}
