//! Why a value that somebody has written cannot be had.

use crate::notation::PeriodError;
use core::fmt;

/// Why a value cannot be had. It is always about what was written, never about the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ValueError {
    /// Nothing was measured under this name.
    NotMeasured(String),
    /// Octets were measured under this name where a number is needed.
    NotANumber(String),
    /// A number was measured under this name where octets are needed.
    NotOctets(String),
    /// A connection of this name does not exist.
    NoConnection(String),
    /// A number is divided by zero.
    DivisionByZero,
    /// A number does not fit in 64 bits.
    TooLarge,
    /// The smallest, the largest or the mean of nothing.
    EmptySeries,
    /// A time has no value.
    Time(PeriodError),
    /// This word is no codepoint of the ECN field.
    NotEcn(String),
    /// Options of the IPv4 header on an IPv6 packet.
    IpOptionsOfIpv6,
    /// The octets of IP options are no hexadecimal digits.
    NotHexadecimal(String),
    /// An ICMP message quotes the last frame, and there is none.
    NothingToQuote,
    /// An ICMP message is to change this field of the frame that it quotes.
    NotQuoted(String),
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueError::NotMeasured(name) => write!(f, "`${name}` has not been measured"),
            ValueError::NotANumber(name) => write!(f, "`${name}` holds octets, not a number"),
            ValueError::NotOctets(name) => write!(f, "`${name}` is a number, not octets"),
            ValueError::NoConnection(name) => write!(f, "no connection is called `{name}`"),
            ValueError::DivisionByZero => f.write_str("a division by zero"),
            ValueError::TooLarge => f.write_str("a number that is too large"),
            ValueError::EmptySeries => f.write_str("a series without a value"),
            ValueError::Time(error) => error.fmt(f),
            ValueError::NotHexadecimal(problem) => f.write_str(problem),
            ValueError::NotEcn(word) => write!(f, "`{word}` is no ECN codepoint"),
            ValueError::IpOptionsOfIpv6 => f.write_str("`ip.options` are of IPv4 only: write `only: {ip: 4}`"),
            ValueError::NothingToQuote => f.write_str("an ICMP message quotes a frame, and none has come yet"),
            ValueError::NotQuoted(field) => write!(f, "`{field}` of a quoted frame cannot be changed"),
        }
    }
}

impl core::error::Error for ValueError {}
