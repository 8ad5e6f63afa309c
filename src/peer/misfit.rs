//! What of a frame differs from what a step waits for: a part of the segment, and the words for a person.

use crate::wire::{Flags, OptionKind};
use core::fmt;
use serde::{Deserialize, Serialize};

/// Why a frame is not what a step waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// What differs; `None`: all of it does, as it is another kind of segment, or came at another moment.
    pub part: Option<Part>,
    /// For a person: `ack=10, expected 11 (RCV.NXT)`.
    pub why: String,
}

impl Misfit {
    /// A frame that is none of those that could meet the step.
    pub(crate) fn other(why: impl Into<String>) -> Misfit {
        Misfit {
            part: None,
            why: why.into(),
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// A part of a segment that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// A control bit is set, or is not.
    Bit {
        /// Which.
        bit: Bit,
        /// Whether it is set.
        set: bool,
    },
    /// A number in a header is too low or too high.
    Number {
        /// Which.
        field: Field,
        /// On which side of what was expected it lies.
        side: Side,
    },
    /// An option.
    Option {
        /// Which: `sack-permitted`, `kind-77`.
        option: OptionKind,
        /// What is wrong with it.
        how: Presence,
    },
    /// Octets of text.
    Text,
}

impl Part {
    /// Says why, for a person.
    pub(crate) fn because(self, why: impl Into<String>) -> Misfit {
        Misfit {
            part: Some(self),
            why: why.into(),
        }
    }
}

/// A control bit (RFC 9293 section 3.1; RFC 9768 for AE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs)]
pub enum Bit {
    Syn,
    Fin,
    Rst,
    Psh,
    Ack,
    Urg,
    Ece,
    Cwr,
    Ae,
}

impl Bit {
    /// Each bit with its place in the header, in the order in which a segment is written.
    pub(crate) const ALL: [(Bit, Flags); 9] = [
        (Bit::Syn, Flags::SYN),
        (Bit::Fin, Flags::FIN),
        (Bit::Rst, Flags::RST),
        (Bit::Psh, Flags::PSH),
        (Bit::Ack, Flags::ACK),
        (Bit::Urg, Flags::URG),
        (Bit::Ece, Flags::ECE),
        (Bit::Cwr, Flags::CWR),
        (Bit::Ae, Flags::AE),
    ];

    /// As an RFC writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Bit::Syn => "SYN",
            Bit::Fin => "FIN",
            Bit::Rst => "RST",
            Bit::Psh => "PSH",
            Bit::Ack => "ACK",
            Bit::Urg => "URG",
            Bit::Ece => "ECE",
            Bit::Cwr => "CWR",
            Bit::Ae => "AE",
        }
    }
}

/// A number in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// SEG.SEQ
    SequenceNumber,
    /// SEG.ACK
    AcknowledgmentNumber,
    /// SEG.WND
    Window,
    /// SEG.UP
    UrgentPointer,
    /// The length of the text.
    Length,
    /// The data offset.
    DataOffset,
    /// The reserved bits.
    Reserved,
    /// The checksum.
    Checksum,
    /// ECN, in the IP header, as the following.
    Ecn,
    /// DSCP.
    Dscp,
    /// TTL or hop limit.
    Ttl,
    /// The length of the packet.
    PacketLength,
    /// The identification of IPv4.
    Identification,
    /// Don't fragment.
    DontFragment,
    /// The flow label of IPv6.
    FlowLabel,
}

impl Field {
    /// For a person.
    pub const fn name(self) -> &'static str {
        match self {
            Field::SequenceNumber => "sequence number",
            Field::AcknowledgmentNumber => "acknowledgment number",
            Field::Window => "window",
            Field::UrgentPointer => "urgent pointer",
            Field::Length => "length of the text",
            Field::DataOffset => "data offset",
            Field::Reserved => "value of the reserved bits",
            Field::Checksum => "checksum",
            Field::Ecn => "ECN field",
            Field::Dscp => "DSCP",
            Field::Ttl => "TTL",
            Field::PacketLength => "length of the packet",
            Field::Identification => "identification",
            Field::DontFragment => "don't-fragment bit",
            Field::FlowLabel => "flow label",
        }
    }

    pub(crate) const fn is(self, side: Side) -> Part {
        Part::Number { field: self, side }
    }
}

/// On which side of what was expected something lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// Below it.
    Below,
    /// Above it.
    Above,
    /// It is just what it must not be, or is no quantity.
    Other,
}

impl Side {
    /// The side of a distance from what was expected.
    pub(crate) const fn of(distance: i64) -> Side {
        match distance {
            i64::MIN..0 => Side::Below,
            0 => Side::Other,
            1.. => Side::Above,
        }
    }
}

/// What is wrong with an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// It is not there.
    Missing,
    /// It is there, and must not be.
    Unwanted,
    /// It holds another value.
    OtherValue,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Bit { bit, set: true } => write!(f, "{} is set", bit.name()),
            Part::Bit { bit, set: false } => write!(f, "{} is not set", bit.name()),
            Part::Number { field, side } => {
                let how = match side {
                    Side::Below => "too low",
                    Side::Above => "too high",
                    Side::Other => "wrong",
                };
                write!(f, "the {} is {how}", field.name())
            }
            Part::Option { option, how } => match how {
                Presence::Missing => write!(f, "the option {option} is missing"),
                Presence::Unwanted => write!(f, "the option {option} is there, and must not be"),
                Presence::OtherValue => write!(f, "the option {option} holds a wrong value"),
            },
            Part::Text => f.write_str("the octets of the text are wrong"),
        }
    }
}
