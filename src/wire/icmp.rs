//! ICMP errors, under names that serve both versions.

/// What an ICMP or ICMPv6 error says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpKind {
    /// ICMP 3/0, ICMPv6 1/0.
    NetUnreachable,
    /// ICMP 3/1, ICMPv6 1/3.
    HostUnreachable,
    /// ICMP 3/2, ICMPv6 4/1 (unrecognized next header).
    ProtocolUnreachable,
    /// ICMP 3/3, ICMPv6 1/4.
    PortUnreachable,
    /// ICMP 3/4 with the next hop's MTU, ICMPv6 2/0.
    PacketTooBig,
    /// ICMP 3/13, ICMPv6 1/1.
    AdminProhibited,
    /// ICMP 11/0, ICMPv6 3/0.
    TtlExceeded,
    /// ICMP 11/1, ICMPv6 3/1.
    ReassemblyExceeded,
    /// ICMP 12/0, ICMPv6 4/0.
    ParameterProblem,
    /// ICMP 4/0; IPv6 has none, and it is sent as type 4 code 3 there, which no RFC defines.
    SourceQuench,
    /// Anything else.
    Other {
        /// The type octet.
        kind: u8,
        /// The code octet.
        code: u8,
    },
}

/// An ICMP message about a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icmp {
    /// What it says.
    pub kind: IcmpKind,
    /// The four octets after the checksum: the MTU for [`IcmpKind::PacketTooBig`], a pointer, or nothing.
    pub rest: u32,
    /// The packet that it quotes, from the IP header on; may be cut.
    pub quote: Vec<u8>,
}
