//! TCP options.

/// One TCP option, lawful or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TcpOption {
    /// End of option list (kind 0). What follows it in the header is kept as [`TcpOption::Raw`] if it is not zero.
    Eol,
    /// No operation (kind 1).
    Nop,
    /// Maximum segment size (kind 2, RFC 9293 section 3.7.1), in octets.
    Mss(u16),
    /// Window scale (kind 3, RFC 7323 section 2), a shift count.
    WindowScale(u8),
    /// SACK permitted (kind 4, RFC 2018 section 2).
    SackPermitted,
    /// SACK blocks (kind 5, RFC 2018 section 3): left and right edges as on the wire.
    Sack(Vec<(u32, u32)>),
    /// Timestamps (kind 8, RFC 7323 section 3).
    Timestamps {
        /// TSval.
        value: u32,
        /// TSecr.
        echo: u32,
    },
    /// MD5 signature (kind 19, RFC 2385), normally 16 octets.
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
    /// end-of-list.
    Raw(Vec<u8>),
}
