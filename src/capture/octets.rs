//! The octets of a capture in order, counted, and how numbers are read from them.

use std::io::{self, Read};

/// The largest block or frame that is read, in octets: no link has larger frames.
pub(super) const LARGEST: u64 = 64 << 20;

/// Why no more octets could be had.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The capture ends after so many of the octets that were asked for.
    Ended(u64),
    /// The capture cannot be read or unpacked.
    Failed(io::Error),
}

/// The order of the octets in a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    /// The 16-bit number at that place; `None` where it is not there.
    pub(super) fn u16(self, octets: &[u8], at: usize) -> Option<u16> {
        let octets = *octets.get(at..)?.first_chunk()?;
        Some(match self {
            Order::Little => u16::from_le_bytes(octets),
            Order::Big => u16::from_be_bytes(octets),
        })
    }

    /// The 32-bit number at that place; `None` where it is not there.
    pub(super) fn u32(self, octets: &[u8], at: usize) -> Option<u32> {
        let octets = *octets.get(at..)?.first_chunk()?;
        Some(match self {
            Order::Little => u32::from_le_bytes(octets),
            Order::Big => u32::from_be_bytes(octets),
        })
    }

    /// The 64-bit number at the beginning; `None` where it is not there.
    pub(super) fn u64(self, octets: &[u8]) -> Option<u64> {
        let octets = *octets.first_chunk()?;
        Some(match self {
            Order::Little => u64::from_le_bytes(octets),
            Order::Big => u64::from_be_bytes(octets),
        })
    }
}

/// Reads octets and counts them. It never holds more of them than are there, whatever a length in the capture claims.
pub(super) struct Octets<R> {
    source: R,
    offset: u64,
    buffer: Vec<u8>,
}

impl<R: Read> Octets<R> {
    pub(super) fn new(source: R) -> Octets<R> {
        Octets {
            source,
            offset: 0,
            buffer: Vec::new(),
        }
    }

    /// How many octets have been read.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next `length` octets.
    pub(super) fn take(&mut self, length: u64) -> Result<&[u8], Trouble> {
        self.buffer.clear();
        let read = (&mut self.source).take(length).read_to_end(&mut self.buffer);
        self.offset += self.buffer.len() as u64;
        read.map_err(Trouble::Failed)?;
        match self.buffer.len() as u64 {
            there if there < length => Err(Trouble::Ended(there)),
            _ => Ok(&self.buffer),
        }
    }

    /// The next `length` octets, or `None` where the capture ends before the first of them.
    pub(super) fn take_or_end(&mut self, length: u64) -> Result<Option<&[u8]>, Trouble> {
        match self.take(length) {
            Ok(_) => Ok(Some(&self.buffer)),
            Err(Trouble::Ended(0)) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// Passes over the next `length` octets.
    pub(super) fn skip(&mut self, length: u64) -> Result<(), Trouble> {
        let passed = io::copy(&mut (&mut self.source).take(length), &mut io::sink()).map_err(Trouble::Failed)?;
        self.offset += passed;
        match passed < length {
            true => Err(Trouble::Ended(passed)),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octets_are_counted_and_an_end_is_told_from_a_length_that_lies() {
        let mut octets = Octets::new(&[1, 2, 3, 4, 5, 6][..]);
        assert_eq!(octets.take(2).unwrap(), [1, 2]);
        octets.skip(2).unwrap();
        assert_eq!(octets.offset(), 4);
        assert!(matches!(octets.take(u64::MAX), Err(Trouble::Ended(2))));
        assert_eq!(octets.offset(), 6);
        assert!(matches!(octets.take_or_end(8), Ok(None)));
        assert!(matches!(octets.skip(1), Err(Trouble::Ended(0))));
    }

    #[test]
    fn numbers_are_read_in_both_orders_and_only_where_they_are() {
        let octets = [1, 2, 3, 4];
        assert_eq!(Order::Little.u16(&octets, 2), Some(0x0403));
        assert_eq!(Order::Big.u32(&octets, 0), Some(0x0102_0304));
        assert_eq!(Order::Big.u16(&octets, 3), None);
        assert_eq!(Order::Big.u16(&octets, 9), None);
    }
}
