//! Sequence numbers, on the wire and as a case writes them.

use core::fmt;
use serde::{Deserialize, Serialize};

/// A point in sequence space, which wraps at 2^32 (RFC 9293 section 3.4).
///
/// There is deliberately no `Ord`: "before" on a circle is not transitive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SeqNum(pub u32);

impl SeqNum {
    /// Whether this comes before `other`. Points exactly half the circle apart are incomparable: neither is before.
    pub fn before(self, other: SeqNum) -> bool {
        other.offset_from(self) > 0
    }

    /// The signed distance from `origin`, in octets.
    pub fn offset_from(self, origin: SeqNum) -> i32 {
        self.0.wrapping_sub(origin.0) as i32
    }

    /// This point moved by `octets`, taken modulo 2^32.
    pub fn advanced(self, octets: i64) -> SeqNum {
        SeqNum(self.0.wrapping_add(octets as u32))
    }
}

impl fmt::Display for SeqNum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A sequence number as a case writes it: octets past the sender's ISN. It may lie before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelSeq(pub i64);

/// One direction's initial sequence number; the only bridge between the two kinds of number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Isn(pub SeqNum);

impl Isn {
    /// The number on the wire.
    pub fn absolute(self, rel: RelSeq) -> SeqNum {
        self.0.advanced(rel.0)
    }

    /// The number a case writes: the signed 32-bit distance from the ISN.
    pub fn relative(self, abs: SeqNum) -> RelSeq {
        RelSeq(i64::from(abs.offset_from(self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_survives_the_wrap() {
        assert!(SeqNum(u32::MAX).before(SeqNum(0)));
        assert!(!SeqNum(0).before(SeqNum(u32::MAX)));
    }

    #[test]
    fn antipodes_are_incomparable() {
        let (a, b) = (SeqNum(5), SeqNum(5u32.wrapping_add(1 << 31)));
        assert!(!a.before(b) && !b.before(a));
    }

    #[test]
    fn a_point_is_not_before_itself() {
        assert!(!SeqNum(7).before(SeqNum(7)));
    }

    #[test]
    fn relative_and_absolute_are_inverse_across_the_wrap() {
        let isn = Isn(SeqNum(0xffff_fffd));
        for rel in [-5, 0, 2, 3, 4, 100_000] {
            assert_eq!(isn.relative(isn.absolute(RelSeq(rel))), RelSeq(rel));
        }
        assert_eq!(isn.absolute(RelSeq(3)), SeqNum(0));
    }
}
