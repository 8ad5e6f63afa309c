//! A segment as a case writes it: on `inject` it says what to send, on `expect` what must come.

use super::Expr;
use super::scan::escaped;
use crate::wire::{Flags, IcmpKind, OptionKind};
use core::fmt;
use core::ops::RangeInclusive;

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
    /// `padding`, octets behind the IP packet, in hexadecimal; injected only.
    Padding,
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
    /// `ip.from`: one of [`ODD_ADDRESSES`] instead of the tester's.
    From,
    /// `ip.to`: one of [`ODD_ADDRESSES`] instead of the target's.
    To,
    /// `ip.options`: options of the IPv4 header, in hexadecimal; injected only.
    Options,
}

/// Special addresses that `ip.from`, `ip.to` and `connect` take: none of them may be the source of a segment. IPv6 has
/// no broadcast address, so that there `broadcast` is the multicast group of all nodes too.
pub const ODD_ADDRESSES: [&str; 4] = ["unspecified", "loopback", "broadcast", "multicast"];

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
    /// `ts`, `ts 1000`, `ts 1000 2000`, `ts * 2000` (any TSval, or on inject the usual one)
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

impl OptionValue {
    /// The kind of the option; `None` for octets that form none.
    pub fn kind(&self) -> Option<OptionKind> {
        Some(match self {
            OptionValue::Mss(_) => OptionKind::MSS,
            OptionValue::WindowScale(_) => OptionKind::WINDOW_SCALE,
            OptionValue::SackPermitted => OptionKind::SACK_PERMITTED,
            OptionValue::Sack(_) => OptionKind::SACK,
            OptionValue::Timestamps(..) => OptionKind::TIMESTAMPS,
            OptionValue::Nop => OptionKind::NO_OPERATION,
            OptionValue::Eol => OptionKind::END_OF_LIST,
            OptionValue::FastOpen(_) => OptionKind::FAST_OPEN,
            OptionValue::Md5(_) => OptionKind::MD5,
            OptionValue::UserTimeout(_) => OptionKind::USER_TIMEOUT,
            OptionValue::Other(number, _) => OptionKind::new(*number),
            OptionValue::Raw(_) => return None,
        })
    }
}

impl Key {
    /// All keys but those of the IP header, with their names.
    const NAMES: [(Key, &'static str); 13] = [
        (Key::Seq, "seq"),
        (Key::AbsSeq, "abs.seq"),
        (Key::Ack, "ack"),
        (Key::AbsAck, "abs.ack"),
        (Key::Win, "win"),
        (Key::Up, "up"),
        (Key::Data, "data"),
        (Key::Offset, "offset"),
        (Key::Reserved, "reserved"),
        (Key::Checksum, "checksum"),
        (Key::Truncate, "truncate"),
        (Key::Mtu, "mtu"),
        (Key::Padding, "padding"),
    ];

    const IP_NAMES: [(Key, &'static str); 10] = [
        (Key::Ip(IpField::Ecn), "ip.ecn"),
        (Key::Ip(IpField::Dscp), "ip.dscp"),
        (Key::Ip(IpField::Ttl), "ip.ttl"),
        (Key::Ip(IpField::Len), "ip.len"),
        (Key::Ip(IpField::Id), "ip.id"),
        (Key::Ip(IpField::Df), "ip.df"),
        (Key::Ip(IpField::Flow), "ip.flow"),
        (Key::Ip(IpField::From), "ip.from"),
        (Key::Ip(IpField::To), "ip.to"),
        (Key::Ip(IpField::Options), "ip.options"),
    ];

    pub(super) fn names() -> impl Iterator<Item = (Key, &'static str)> {
        Key::NAMES.into_iter().chain(Key::IP_NAMES)
    }

    /// The name as a case writes it: `abs.seq`, `ip.ecn`.
    pub fn name(self) -> &'static str {
        // Each key has a row, as a test shows.
        Key::names().find(|(key, _)| *key == self).map_or("", |(_, name)| name)
    }

    /// The key of that name.
    pub fn from_name(name: &str) -> Option<Key> {
        Key::names().find(|(_, known)| *known == name).map(|(key, _)| key)
    }

    /// What the field can hold; `None` where any number has a meaning.
    pub(super) fn range(self, role: Role) -> Option<RangeInclusive<i64>> {
        let most = match self {
            Key::Seq | Key::Ack => return None,
            Key::AbsSeq | Key::AbsAck | Key::Mtu => i64::from(u32::MAX),
            Key::Win | Key::Up | Key::Checksum | Key::Truncate | Key::Ip(IpField::Id) => i64::from(u16::MAX),
            // An expected payload may come in many segments.
            Key::Data if role != Role::Inject => i64::MAX,
            Key::Data => i64::from(u16::MAX),
            Key::Offset => 15,
            Key::Reserved => 7,
            Key::Ip(IpField::Ecn) => 3,
            Key::Ip(IpField::Dscp) => 63,
            Key::Ip(IpField::Ttl) => 255,
            Key::Ip(IpField::Len) => 40 + i64::from(u16::MAX),
            Key::Ip(IpField::Df) => 1,
            // Words, not numbers.
            Key::Padding | Key::Ip(IpField::From | IpField::To | IpField::Options) => return None,
            Key::Ip(IpField::Flow) => 0x000f_ffff,
        };
        Some(0..=most)
    }

    /// The other name of the same field.
    pub(super) fn twin(self) -> Option<Key> {
        match self {
            Key::Seq => Some(Key::AbsSeq),
            Key::AbsSeq => Some(Key::Seq),
            Key::Ack => Some(Key::AbsAck),
            Key::AbsAck => Some(Key::Ack),
            Key::Win
            | Key::Up
            | Key::Data
            | Key::Offset
            | Key::Reserved
            | Key::Checksum
            | Key::Truncate
            | Key::Mtu
            | Key::Padding
            | Key::Ip(_) => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

impl Comparison {
    /// All of them with their signs, the longer before those that they begin with.
    pub(super) const SIGNS: [(Comparison, &'static str); 6] = [
        (Comparison::NotEqual, "!="),
        (Comparison::LessOrEqual, "<="),
        (Comparison::GreaterOrEqual, ">="),
        (Comparison::Equal, "="),
        (Comparison::Less, "<"),
        (Comparison::Greater, ">"),
    ];
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = Comparison::SIGNS.iter().find(|(op, _)| op == self);
        sign.map_or("", |(_, sign)| sign).fmt(f)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Segment(segment) => segment.fmt(f),
            Pattern::Icmp(icmp) => icmp.fmt(f),
        }
    }
}

impl fmt::Display for IcmpPattern {
    /// [`Pattern::parse`] reads it back, if the kind has a name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ICMP {}", self.kind)?;
        write_fields(f, &self.fields)?;
        if !self.about.is_empty() {
            f.write_str(" about")?;
        }
        write_fields(f, &self.about)
    }
}

impl fmt::Display for SegmentPattern {
    /// Flags, fields, options, text, `again`; [`Pattern::parse`] reads it back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.control.fmt(f)?;
        write_fields(f, &self.fields)?;
        if let Some(options) = &self.options {
            let options: Vec<String> = options.iter().map(OptionPattern::to_string).collect();
            write!(f, " <{}>", options.join(", "))?;
        }
        if let Some(text) = &self.text {
            write!(f, " {}", escaped(text))?;
        }
        f.write_str(if self.again { " again" } else { "" })
    }
}

fn write_fields(f: &mut fmt::Formatter<'_>, fields: &[(Key, FieldValue)]) -> fmt::Result {
    fields.iter().try_for_each(|(key, value)| write!(f, " {key}{value}"))
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = match self {
            Control::Probe => return f.write_str("PROBE"),
            Control::Flags(flags) if flags.is_empty() => return f.write_str("none"),
            Control::Flags(flags) => flags,
        };
        for (i, (flag, how)) in flags.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { "," })?;
            let known = Flags::NAMED.iter().find(|(named, _)| named == flag);
            let name = known.map_or("none", |(_, name)| name);
            match how {
                FlagPattern::Set => f.write_str(name)?,
                FlagPattern::Clear => write!(f, "!{name}")?,
                FlagPattern::Free => write!(f, "{name}?")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for FieldValue {
    /// With the sign before it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldValue::Compare(op, expr) => write!(f, "{op}{expr}"),
            FieldValue::Range(least, most) => write!(f, "={least}..{most}"),
            FieldValue::Any => f.write_str("=*"),
            FieldValue::Bad => f.write_str("=bad"),
            FieldValue::Word(op, word) => write!(f, "{op}{word}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_name() {
        for (key, name) in Key::names() {
            assert_eq!((key.name(), Key::from_name(name)), (name, Some(key)));
        }
    }
}
