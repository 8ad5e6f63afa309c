//! The parts of an IP header that matter to TCP.

use core::net::IpAddr;

/// The ECN field (RFC 3168 section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ecn {
    /// Not ECN-capable.
    #[default]
    NotEct,
    /// ECN-capable, codepoint 01.
    Ect1,
    /// ECN-capable, codepoint 10.
    Ect0,
    /// Congestion experienced.
    Ce,
}

/// An IPv4 or IPv6 header, without options and extension headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IpHeader {
    /// Source address; it decides the version.
    pub source: IpAddr,
    /// Destination address, of the same version.
    pub destination: IpAddr,
    /// Time to live, or hop limit.
    pub ttl: u8,
    /// Differentiated services codepoint, 6 bits.
    pub dscp: u8,
    /// ECN field.
    pub ecn: Ecn,
    /// IPv4 identification; 0 in IPv6.
    pub id: u16,
    /// IPv4 "don't fragment"; always true in IPv6.
    pub dont_fragment: bool,
    /// IPv6 flow label, 20 bits; 0 in IPv4.
    pub flow: u32,
}

impl IpHeader {
    /// A header as plain as it can be: 64 hops, no marks, not to be fragmented.
    pub const fn between(source: IpAddr, destination: IpAddr) -> IpHeader {
        IpHeader {
            source,
            destination,
            ttl: 64,
            dscp: 0,
            ecn: Ecn::NotEct,
            id: 0,
            dont_fragment: true,
            flow: 0,
        }
    }
}

impl Ecn {
    /// The two bits as on the wire; higher bits are cut off.
    pub const fn from_bits(bits: u8) -> Ecn {
        match bits & 3 {
            0 => Ecn::NotEct,
            1 => Ecn::Ect1,
            2 => Ecn::Ect0,
            _ => Ecn::Ce,
        }
    }

    /// The two bits as on the wire.
    pub const fn bits(self) -> u8 {
        match self {
            Ecn::NotEct => 0,
            Ecn::Ect1 => 1,
            Ecn::Ect0 => 2,
            Ecn::Ce => 3,
        }
    }

    /// All four, in the order of their bits.
    pub const ALL: [Ecn; 4] = [Ecn::NotEct, Ecn::Ect1, Ecn::Ect0, Ecn::Ce];

    /// The word that a case writes: `not-ect`, `ect0`, `ect1`, `ce`.
    pub const fn name(self) -> &'static str {
        match self {
            Ecn::NotEct => "not-ect",
            Ecn::Ect1 => "ect1",
            Ecn::Ect0 => "ect0",
            Ecn::Ce => "ce",
        }
    }

    /// The codepoint of that name.
    pub fn from_name(name: &str) -> Option<Ecn> {
        Ecn::ALL.into_iter().find(|ecn| ecn.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_bits_are_inverse() {
        for (bits, ecn) in (0..).zip(Ecn::ALL) {
            assert_eq!((ecn.bits(), Ecn::from_bits(bits)), (bits, ecn));
            assert_eq!(Ecn::from_name(ecn.name()), Some(ecn));
        }
        assert_eq!(Ecn::from_bits(0xfe), Ecn::Ect0);
    }
}
