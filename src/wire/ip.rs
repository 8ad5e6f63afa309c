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
