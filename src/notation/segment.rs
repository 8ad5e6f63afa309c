//! A segment as a case writes it: a recipe on `inject`, a description on `expect`.

use super::{Expr, NotationError};
use crate::wire::{Flags, IcmpKind};

/// What a segment is written for; some items belong to one only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `inject:`; also ICMP.
    Inject,
    /// `expect:`.
    Expect,
    /// The trigger of a fault: flags, fields and options as on `expect`, with nothing checked that is not written.
    Fault,
}

/// A segment, or an ICMP message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// A TCP segment.
    Segment(SegmentPattern),
    /// An ICMP message about the last frame that came.
    Icmp(IcmpPattern),
}

/// A TCP segment as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentPattern {
    /// The flags, or `PROBE`.
    pub control: Control,
    /// The fields in the order written; no key twice.
    pub fields: Vec<(Key, FieldValue)>,
    /// `<...>`; `Some` of an empty list is `<>`: no options at all.
    pub options: Option<Vec<OptionPattern>>,
    /// The payload as a text.
    pub text: Option<Vec<u8>>,
    /// `again`: a retransmission.
    pub again: bool,
}

/// What comes first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// `SYN,ACK`, `RST,ACK?`, `ACK,!PSH`; empty is `none`.
    Flags(Vec<(Flags, FlagPattern)>),
    /// A keep-alive or window probe of any make.
    Probe,
}

/// How a flag is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagPattern {
    /// `ACK`
    Set,
    /// `!PSH`
    Clear,
    /// `ACK?`
    Free,
}

/// A field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `seq`, from the sender's ISN.
    Seq,
    /// `abs.seq`, as on the wire.
    AbsSeq,
    /// `ack`, from the ISN of the one who is acknowledged.
    Ack,
    /// `abs.ack`, as on the wire.
    AbsAck,
    /// `win`, the raw field.
    Win,
    /// `up`, the urgent pointer.
    Up,
    /// `data`, octets of payload.
    Data,
    /// `offset`, the data offset in words.
    Offset,
    /// `reserved`, the three reserved bits.
    Reserved,
    /// `checksum`, the raw field, or `bad`.
    Checksum,
    /// `truncate`, octets left of the segment.
    Truncate,
    /// `mtu`, in an ICMP message.
    Mtu,
    /// `ip.` and a field of the IP header.
    Ip(IpField),
}

/// A field of the IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IpField {
    /// `ip.ecn`: `not-ect`, `ect0`, `ect1`, `ce`.
    Ecn,
    /// `ip.dscp`
    Dscp,
    /// `ip.ttl`
    Ttl,
    /// `ip.len`: octets of the whole packet.
    Len,
    /// `ip.id`
    Id,
    /// `ip.df`: 0 or 1.
    Df,
    /// `ip.flow`
    Flow,
}

/// `=`, `!=`, `<`, `<=`, `>`, `>=`. Differences of sequence numbers compare as signed 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

impl Comparison {
    /// Whether `left op right` holds.
    pub fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Comparison::Equal => left == right,
            Comparison::NotEqual => left != right,
            Comparison::Less => left < right,
            Comparison::LessOrEqual => left <= right,
            Comparison::Greater => left > right,
            Comparison::GreaterOrEqual => left >= right,
        }
    }
}

/// What stands behind the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// A comparison with an expression; on inject always `=`.
    Compare(Comparison, Expr),
    /// `a..b`, both ends included; only on expect.
    Range(Expr, Expr),
    /// `*`; only on expect.
    Any,
    /// `checksum=bad`: on inject some wrong value, on expect any wrong value.
    Bad,
    /// A word, such as `ect0`.
    Word(Comparison, String),
}

/// One option as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionPattern {
    /// `!ts`: must be absent; only on expect.
    pub absent: bool,
    /// Which, with what values.
    pub value: OptionValue,
}

/// Octets as written: hexadecimal, or measured before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Octets {
    /// Hexadecimal.
    Literal(Vec<u8>),
    /// `$name`.
    Measured(String),
}

/// An option's kind and values. Where a value is missing, inject fills in what a correct peer would send and expect
/// takes any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OptionValue {
    /// `mss 1460`
    Mss(Option<Expr>),
    /// `wscale 7`
    WindowScale(Option<Expr>),
    /// `sackOK`
    SackPermitted,
    /// `sack 2001:3001 4001:5001`, numbers of the octets' sender. Empty on expect: any blocks.
    Sack(Vec<(Expr, Expr)>),
    /// `ts`, `ts 1000`, `ts 1000 2000`
    Timestamps(Option<Expr>, Option<Expr>),
    /// `nop`
    Nop,
    /// `eol`
    Eol,
    /// `fo` (on inject a request; on expect any cookie), `fo 0123456789abcdef`, `fo $cookie`
    FastOpen(Option<Octets>),
    /// `md5 HEX`
    Md5(Option<Octets>),
    /// `uto 30`, the raw 16 bits
    UserTimeout(Option<Expr>),
    /// `opt 77 0102`; a `None` on expect means any data
    Other(u8, Option<Octets>),
    /// `raw 02 00`
    Raw(Vec<u8>),
}

/// An ICMP message as written: `ICMP packet-too-big mtu=1280 about seq=SND.UNA`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcmpPattern {
    /// What it says.
    pub kind: IcmpKind,
    /// Its own fields.
    pub fields: Vec<(Key, FieldValue)>,
    /// What is changed in the frame that it quotes.
    pub about: Vec<(Key, FieldValue)>,
}

impl Pattern {
    /// Reads a segment or an ICMP message.
    pub fn parse(_text: &str, _role: Role) -> Result<Pattern, NotationError> {
        todo!()
    }
}

impl SegmentPattern {
    /// The value written for a field.
    pub fn field(&self, key: Key) -> Option<&FieldValue> {
        self.fields
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value)
    }

    /// How a flag is written, if it is.
    pub fn flag(&self, flag: Flags) -> Option<FlagPattern> {
        match &self.control {
            Control::Flags(flags) => flags.iter().find(|(name, _)| *name == flag).map(|(_, how)| *how),
            Control::Probe => None,
        }
    }

    /// Whether the flag is written and must be set.
    pub fn sets(&self, flag: Flags) -> bool {
        self.flag(flag) == Some(FlagPattern::Set)
    }
}
