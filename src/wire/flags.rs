//! The twelve control bits.

use core::ops::BitOr;

/// The twelve bits between the data offset and the window, reserved ones included (RFC 9293 section 3.1, RFC 9768 for
/// AE).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u16);

impl Flags {
    /// No bit set.
    pub const NONE: Flags = Flags(0);
    /// No more data from the sender.
    pub const FIN: Flags = Flags(1);
    /// Synchronize sequence numbers.
    pub const SYN: Flags = Flags(1 << 1);
    /// Reset the connection.
    pub const RST: Flags = Flags(1 << 2);
    /// Push function.
    pub const PSH: Flags = Flags(1 << 3);
    /// The acknowledgment field is significant.
    pub const ACK: Flags = Flags(1 << 4);
    /// The urgent pointer is significant.
    pub const URG: Flags = Flags(1 << 5);
    /// ECN echo (RFC 3168).
    pub const ECE: Flags = Flags(1 << 6);
    /// Congestion window reduced (RFC 3168).
    pub const CWR: Flags = Flags(1 << 7);
    /// Accurate ECN (RFC 9768); a reserved bit before.
    pub const AE: Flags = Flags(1 << 8);

    /// Each named bit with its name, in the order in which a segment is written: `SYN,FIN,RST,PSH,ACK,URG,ECE,CWR,AE`.
    pub const NAMED: [(Flags, &'static str); 9] = [
        (Flags::SYN, "SYN"),
        (Flags::FIN, "FIN"),
        (Flags::RST, "RST"),
        (Flags::PSH, "PSH"),
        (Flags::ACK, "ACK"),
        (Flags::URG, "URG"),
        (Flags::ECE, "ECE"),
        (Flags::CWR, "CWR"),
        (Flags::AE, "AE"),
    ];

    /// All twelve bits as on the wire: FIN is bit 0, AE bit 8, the three reserved bits 9 to 11. Higher bits are cut
    /// off.
    pub const fn from_bits(bits: u16) -> Flags {
        Flags(bits & 0x0fff)
    }

    /// The twelve bits as on the wire.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether every bit of `other` is set.
    pub const fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// These bits with those of `other` cleared.
    pub const fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }

    /// The three bits that no RFC has named yet, 0 to 7.
    pub const fn reserved(self) -> u8 {
        (self.0 >> 9) as u8
    }

    /// These bits with the three reserved ones set to `bits` (0 to 7).
    pub const fn with_reserved(self, bits: u8) -> Flags {
        Flags(self.0 & 0x1ff | ((bits & 7) as u16) << 9)
    }
}

impl BitOr for Flags {
    type Output = Flags;

    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_bits_are_held_and_no_more() {
        assert_eq!(Flags::from_bits(0xffff).bits(), 0x0fff);
        assert_eq!(Flags::from_bits(0), Flags::NONE);
    }

    #[test]
    fn reserved_bits_leave_the_named_ones_alone() {
        let named = Flags::NAMED.into_iter().fold(Flags::NONE, |all, (flag, _)| all | flag);
        assert_eq!(named.bits(), 0x01ff);
        assert_eq!(named.with_reserved(5).reserved(), 5);
        assert_eq!(named.with_reserved(0xff).with_reserved(0), named);
        assert_eq!(Flags::AE.reserved(), 0);
    }

    #[test]
    fn a_set_contains_its_parts_and_nothing() {
        let both = Flags::SYN | Flags::ACK;
        assert!(both.contains(Flags::SYN) && both.contains(Flags::NONE) && both.contains(both));
        assert!(!both.contains(Flags::SYN | Flags::FIN));
        assert_eq!(both.without(Flags::SYN), Flags::ACK);
    }
}
