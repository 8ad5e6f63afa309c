//! A segment as a case writes it: a recipe on `inject`, a description on `expect`.

use super::option::read_list;
use super::scan::{Item, Piece, escaped, items};
use super::{Expr, NotationError};
use crate::wire::{Ecn, Flags, IcmpKind};
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

impl Key {
    /// All keys but those of the IP header, with their names.
    const NAMES: [(Key, &'static str); 12] = [
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
    ];

    const IP_NAMES: [(Key, &'static str); 7] = [
        (Key::Ip(IpField::Ecn), "ip.ecn"),
        (Key::Ip(IpField::Dscp), "ip.dscp"),
        (Key::Ip(IpField::Ttl), "ip.ttl"),
        (Key::Ip(IpField::Len), "ip.len"),
        (Key::Ip(IpField::Id), "ip.id"),
        (Key::Ip(IpField::Df), "ip.df"),
        (Key::Ip(IpField::Flow), "ip.flow"),
    ];

    fn names() -> impl Iterator<Item = (Key, &'static str)> {
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
    fn range(self, role: Role) -> Option<RangeInclusive<i64>> {
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
            Key::Ip(IpField::Flow) => 0x000f_ffff,
        };
        Some(0..=most)
    }

    /// The other name of the same field.
    fn twin(self) -> Option<Key> {
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

/// Refuses a constant that the field cannot hold; what is computed later is checked later.
pub(super) fn within(expr: &Expr, range: RangeInclusive<i64>, piece: Piece<'_>) -> Result<(), NotationError> {
    match expr.constant() {
        Some(value) if !range.contains(&value) => Err(piece.error(format!("{value} does not fit")).with_help(format!(
            "{} to {} does",
            range.start(),
            range.end()
        ))),
        Some(_) | None => Ok(()),
    }
}

impl Pattern {
    /// Reads a segment or an ICMP message.
    pub fn parse(text: &str, role: Role) -> Result<Pattern, NotationError> {
        let items = items(text)?;
        let Some((first, rest)) = items.split_first() else {
            return Err(Piece::whole(text)
                .error("a segment is missing")
                .with_help("begin with its flags: `SYN,ACK`, or `none`"));
        };
        match first {
            Item::Word(word) if word.text == "ICMP" && role == Role::Inject => {
                read_icmp(*word, rest).map(Pattern::Icmp)
            }
            Item::Word(word) if word.text == "ICMP" => Err(word.error("ICMP can only be injected")),
            Item::Word(word) => read_segment(*word, rest, role).map(Pattern::Segment),
            Item::List(piece) | Item::Text(piece, _) => Err(missing_flags(*piece)),
        }
    }
}

fn missing_flags(piece: Piece<'_>) -> NotationError {
    piece
        .error(format!("`{}` where the flags should be", piece.text))
        .with_help("a segment begins with its flags: `SYN,ACK`, or `none`")
}

fn read_segment(control: Piece<'_>, rest: &[Item<'_>], role: Role) -> Result<SegmentPattern, NotationError> {
    let mut segment = SegmentPattern {
        control: read_control(control, role)?,
        fields: Vec::new(),
        options: None,
        text: None,
        again: false,
    };
    for item in rest {
        match item {
            Item::List(piece) if segment.options.is_some() => return Err(piece.error("two option lists")),
            Item::List(piece) => segment.options = Some(read_list(*piece, role)?),
            Item::Text(piece, _) if segment.text.is_some() => return Err(piece.error("two texts")),
            Item::Text(piece, _) if segment.field(Key::Data).is_some() => return Err(data_and_text(*piece)),
            Item::Text(_, octets) => segment.text = Some(octets.clone()),
            Item::Word(word) if word.text == "again" => read_again(*word, role, &mut segment)?,
            Item::Word(word) => {
                let place = Place::Segment;
                read_field(*word, role, place, &mut segment.fields)?;
                if segment.text.is_some() && segment.field(Key::Data).is_some() {
                    return Err(data_and_text(*word));
                }
            }
        }
    }
    let numbered = segment.field(Key::Seq).is_some() || segment.field(Key::AbsSeq).is_some();
    if role == Role::Expect && segment.sets(Flags::RST) && !numbered {
        return Err(control
            .error("an expected RST says its seq")
            .with_help("write `seq=SND.NXT`, `seq=SEG.ACK`, `abs.seq=0` or, where any will do, `seq=*`"));
    }
    Ok(segment)
}

fn data_and_text(piece: Piece<'_>) -> NotationError {
    piece
        .error("both `data` and a text")
        .with_help("either says what the payload is: leave one out")
}

fn read_again(word: Piece<'_>, role: Role, segment: &mut SegmentPattern) -> Result<(), NotationError> {
    if role != Role::Expect {
        return Err(word
            .error("`again` is for expect")
            .with_help("a segment is repeated by writing its `seq`"));
    }
    if segment.again {
        return Err(word.error("`again` is written twice"));
    }
    segment.again = true;
    Ok(())
}

fn read_control(control: Piece<'_>, role: Role) -> Result<Control, NotationError> {
    match control.text {
        "none" => return Ok(Control::Flags(Vec::new())),
        "PROBE" if role == Role::Expect => return Ok(Control::Probe),
        "PROBE" => return Err(control.error("PROBE can only be expected")),
        text if text.contains(['=', '<', '>']) => return Err(missing_flags(control)),
        _ => {}
    }
    let mut flags: Vec<(Flags, FlagPattern)> = Vec::new();
    for part in control.split(',') {
        let (flag, how) = read_flag(part, role)?;
        if flags.iter().any(|(known, _)| *known == flag) {
            return Err(part.error(format!("flag `{}` is written twice", part.text)));
        }
        flags.push((flag, how));
    }
    Ok(Control::Flags(flags))
}

fn read_flag(part: Piece<'_>, role: Role) -> Result<(Flags, FlagPattern), NotationError> {
    if part.text.is_empty() {
        return Err(part
            .error("a flag is missing")
            .with_help("flags are joined by single commas without blanks: `SYN,ACK`"));
    }
    let (name, how) = match (part.strip_prefix("!"), part.strip_suffix("?")) {
        (Some(_), Some(_)) => {
            return Err(part
                .error(format!("`{}`: `!` and `?` together", part.text))
                .with_help("`!` forbids a flag, `?` leaves it free"));
        }
        (Some(name), None) => (name, FlagPattern::Clear),
        (None, Some(name)) => (name, FlagPattern::Free),
        (None, None) => (part, FlagPattern::Set),
    };
    let Some((flag, _)) = Flags::NAMED.into_iter().find(|(_, known)| *known == name.text) else {
        let error = name.error(format!("unknown flag `{}`", name.text));
        return Err(match name.text {
            "none" | "PROBE" | "ICMP" => error.with_help(format!("`{}` stands alone", name.text)),
            word => error.with_names(word, Flags::NAMED.map(|(_, known)| known)),
        });
    };
    if role == Role::Inject && how != FlagPattern::Set {
        return Err(part
            .error(format!("`{}`: an injected flag is set or not written", part.text))
            .with_help("leave it out"));
    }
    Ok((flag, how))
}

/// Where a field stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Segment,
    /// Between the kind of an ICMP message and `about`.
    Icmp,
    About,
}

fn read_icmp(icmp: Piece<'_>, rest: &[Item<'_>]) -> Result<IcmpPattern, NotationError> {
    let Some((first, rest)) = rest.split_first() else {
        return Err(icmp
            .error("the kind of ICMP message is missing")
            .with_names("", icmp_names()));
    };
    let word = only_word(first)?;
    let Some(kind) = IcmpKind::from_name(word.text) else {
        return Err(word
            .error(format!("unknown ICMP message `{}`", word.text))
            .with_names(word.text, icmp_names()));
    };
    let mut pattern = IcmpPattern {
        kind,
        fields: Vec::new(),
        about: Vec::new(),
    };
    let mut place = Place::Icmp;
    for item in rest {
        let word = only_word(item)?;
        match (word.text, place) {
            ("about", Place::Icmp) => place = Place::About,
            ("about", _) => return Err(word.error("`about` is written twice")),
            (_, Place::About) => read_field(word, Role::Inject, place, &mut pattern.about)?,
            (_, _) => read_field(word, Role::Inject, place, &mut pattern.fields)?,
        }
    }
    Ok(pattern)
}

fn icmp_names() -> impl Iterator<Item = &'static str> {
    IcmpKind::NAMED.into_iter().filter_map(IcmpKind::name)
}

fn only_word<'a>(item: &Item<'a>) -> Result<Piece<'a>, NotationError> {
    match item {
        Item::Word(word) => Ok(*word),
        Item::List(piece) | Item::Text(piece, _) => Err(piece
            .error("an ICMP message has neither options nor a text")
            .with_help("it quotes the last frame, changed by the fields after `about`")),
    }
}

/// Reads `key op value` and adds it to `fields`.
fn read_field(
    word: Piece<'_>,
    role: Role,
    place: Place,
    fields: &mut Vec<(Key, FieldValue)>,
) -> Result<(), NotationError> {
    let (name, rest) = word.split_at(word.text.find(['=', '!', '<', '>']).unwrap_or(word.text.len()));
    let sign = Comparison::SIGNS
        .into_iter()
        .find(|(_, sign)| rest.text.starts_with(sign));
    let Some((op, sign)) = sign else {
        return Err(unknown_word(word, place));
    };
    let Some(key) = Key::from_name(name.text) else {
        return Err(name
            .error(format!("unknown field `{}`", name.text))
            .with_names(name.text, Key::names().map(|(_, known)| known)));
    };
    check_place(key, word, role, place)?;
    if fields.iter().any(|(known, _)| *known == key) {
        return Err(word.error(format!("`{key}` is written twice")));
    }
    if let Some((twin, _)) = fields.iter().find(|(known, _)| key.twin() == Some(*known)) {
        return Err(word.error(format!("`{twin}` and `{key}` are the same field")));
    }
    if role == Role::Inject && op != Comparison::Equal {
        return Err(word
            .error(format!("`{}`: an injected field has one value", word.text))
            .with_help(format!("write `{key}=`")));
    }
    let value = rest.split_at(sign.len()).1;
    if value.text.is_empty() {
        return Err(word.end().error(format!("`{}` lacks a value", word.text)));
    }
    fields.push((key, read_field_value(key, op, value, role)?));
    Ok(())
}

fn unknown_word(word: Piece<'_>, place: Place) -> NotationError {
    let error = word.error(format!("unknown word `{}`", word.text));
    if Flags::NAMED
        .iter()
        .any(|(_, name)| word.text.trim_matches(['!', '?', ',']).starts_with(name))
    {
        return error.with_help("flags are joined by commas without blanks: `SYN,ACK`");
    }
    if Key::from_name(word.text).is_some() {
        return error.with_help(format!("write its value: `{}=`", word.text));
    }
    match place {
        Place::Segment => error.with_names(word.text, Key::names().map(|(_, name)| name).chain(["again"])),
        Place::Icmp | Place::About => error.with_names(word.text, ["about", "mtu", "seq"]),
    }
}

/// Whether the field belongs here at all.
fn check_place(key: Key, word: Piece<'_>, role: Role, place: Place) -> Result<(), NotationError> {
    let error = |message: &str| Err(word.error(format!("`{key}` {message}")));
    match (key, place) {
        (Key::Mtu, Place::Icmp) => Ok(()),
        (Key::Mtu, Place::About) => error("belongs to the ICMP message: write it before `about`"),
        (Key::Mtu, Place::Segment) => error("is a field of ICMP messages"),
        // The length follows from what is sent; `truncate` and `data` change it.
        (Key::Ip(IpField::Len), _) if role == Role::Inject => error("can only be expected"),
        (Key::Ip(_), _) => Ok(()),
        (_, Place::Icmp) => error("is a field of the quoted segment: write it after `about`"),
        (Key::Truncate, Place::Segment) if role != Role::Inject => error("can only be injected"),
        (_, Place::Segment | Place::About) => Ok(()),
    }
}

fn read_field_value(key: Key, op: Comparison, value: Piece<'_>, role: Role) -> Result<FieldValue, NotationError> {
    let equal = |read: FieldValue| match op {
        Comparison::Equal => Ok(read),
        _ => Err(value.error(format!("`{}` goes with `=` only", value.text))),
    };
    match value.text {
        "*" if role == Role::Inject => {
            return Err(value
                .error("an injected field has one value")
                .with_help("leave it out for what a correct peer would send"));
        }
        "*" => return equal(FieldValue::Any),
        "bad" if key == Key::Checksum => return equal(FieldValue::Bad),
        "bad" => return Err(value.error("only `checksum` can be `bad`")),
        _ => {}
    }
    if key == Key::Ip(IpField::Ecn) {
        return read_ecn(op, value);
    }
    if let Some((least, most)) = value.split_once("..") {
        if role == Role::Inject {
            return Err(value.error("an injected field has one value, no range"));
        }
        return equal(FieldValue::Range(Expr::read(least)?, Expr::read(most)?));
    }
    let expr = Expr::read(value)?;
    if let (Comparison::Equal, Some(range)) = (op, key.range(role)) {
        within(&expr, range, value)?;
    }
    Ok(FieldValue::Compare(op, expr))
}

fn read_ecn(op: Comparison, value: Piece<'_>) -> Result<FieldValue, NotationError> {
    if !matches!(op, Comparison::Equal | Comparison::NotEqual) {
        return Err(value.error(format!("`ip.ecn` has no order: `{op}` cannot compare it")));
    }
    match Ecn::from_name(value.text) {
        Some(_) => Ok(FieldValue::Word(op, value.text.to_string())),
        None => Err(value
            .error(format!("unknown ECN codepoint `{}`", value.text))
            .with_names(value.text, Ecn::ALL.map(Ecn::name))),
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
