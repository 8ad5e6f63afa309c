//! Reading segments and ICMP messages.

use super::option::read_list;
use super::scan::{Item, Piece, items, read_hex};
use super::{
    Comparison, Control, Expr, FieldValue, FlagPattern, IcmpPattern, IpField, Key, NotationError, ODD_ADDRESSES,
    Pattern, Role, SegmentPattern,
};
use crate::wire::{Ecn, Flags, IcmpKind};
use core::ops::RangeInclusive;

/// The most octets that a case can put behind a packet.
const MOST_PADDING: usize = 1000;

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
        (Key::Padding | Key::Ip(IpField::From | IpField::To | IpField::Options), _)
            if role != Role::Inject || place != Place::Segment =>
        {
            error("can only be injected, on a segment")
        }
        (Key::Padding | Key::Ip(_), _) => Ok(()),
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
    if key == Key::Ip(IpField::Options) {
        return match read_hex([value].into_iter())?.len() {
            0..=40 => equal(FieldValue::Word(op, value.text.to_string())),
            _ => Err(value.error("IPv4 has room for 40 octets of options")),
        };
    }
    if key == Key::Padding {
        return match read_hex([value].into_iter())?.len() {
            0..=MOST_PADDING => equal(FieldValue::Word(op, value.text.to_string())),
            _ => Err(value.error(format!("no link pads by more than {MOST_PADDING} octets"))),
        };
    }
    if let Key::Ip(IpField::From | IpField::To) = key {
        return match ODD_ADDRESSES.contains(&value.text) {
            true => equal(FieldValue::Word(op, value.text.to_string())),
            false => Err(value
                .error(format!("unknown address `{}`", value.text))
                .with_names(value.text, ODD_ADDRESSES)),
        };
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

#[cfg(test)]
mod tests {
    use super::super::expr::tests::any_expr;
    use super::super::option::check_injected;
    use super::*;
    use crate::notation::{Octets, OptionPattern, OptionValue, Variable};
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample::{select, subsequence};

    fn expr(text: &str) -> Expr {
        Expr::parse(text).unwrap()
    }

    fn is(text: &str) -> FieldValue {
        FieldValue::Compare(Comparison::Equal, expr(text))
    }

    fn segment(text: &str, role: Role) -> SegmentPattern {
        match Pattern::parse(text, role).unwrap() {
            Pattern::Segment(segment) => segment,
            Pattern::Icmp(icmp) => panic!("{icmp}"),
        }
    }

    /// Each line must be refused with the error at these octets.
    fn refused(role: Role, lines: &[(&str, Range, &str)]) {
        for (line, at, message) in lines {
            let error = Pattern::parse(line, role).expect_err(line);
            assert_eq!((&error.at, error.message.as_str()), (at, *message), "{line}");
        }
    }

    fn help(line: &str, role: Role) -> String {
        Pattern::parse(line, role).unwrap_err().help.unwrap_or_default()
    }

    type Range = core::ops::Range<usize>;

    #[test]
    fn what_cases_inject_is_read() {
        for line in [
            "none",
            "SYN",
            "SYN,ECE,CWR",
            "SYN,RST",
            "SYN,ACK win=5",
            "SYN win=65535 <mss 1460, sackOK>",
            "SYN <mss 1460, ts main.TS.Recent-1000 0>",
            "SYN <mss 1460, fo $granted> \"hello\"",
            "SYN <mss 1460, fo 0123456789abcdef> \"hello\"",
            "SYN <mss 1460, fo>",
            "SYN seq=RCV.NXT-1000",
            "PSH,URG \"x\"",
            "ACK \"half \" win=0",
            "ACK <nop, nop, eol> \"x\"",
            "ACK <opt 77 0102> \"x\"",
            "ACK <raw 08 0a 00 00> \"x\"",
            "ACK <ts TS.Recent-0x7fffffff> \"old\"",
            "ACK ack=SND.NXT+0x1000000",
            "ACK checksum=bad \"x\"",
            "ACK offset=4 \"x\"",
            "ACK reserved=7 \"x\"",
            "ACK truncate=10 \"x\"",
            "ACK seq=main.RCV.NXT-100 <ts main.TS.Recent TSval> \"stale\"",
            "RST seq=RCV.NXT+$i",
            "URG,ACK up=3 \"hello\"",
            "ICMP packet-too-big mtu=1280 about seq=SND.UNA-100000",
            "ICMP port-unreachable",
            "ACK ip.ecn=ce ip.ttl=1 ip.dscp=8 ip.id=1 ip.df=0 ip.flow=1",
        ] {
            assert!(Pattern::parse(line, Role::Inject).is_ok(), "{line}");
        }
    }

    #[test]
    fn what_cases_expect_is_read() {
        for line in [
            "ACK ack=1+0 ",
            "ACK ack=1+0 <!sack>",
            "ACK ack=1001 <sack 4001:5001 2001:3001>",
            "ACK ack=1+0 <sack RCV.NXT+RCV.WND-1:RCV.NXT+RCV.WND-1+1>",
            "ACK again data=SMSS ip.len<=1280",
            "ACK data=10 ip.ecn=ect0",
            "PROBE data=0",
            "RST,ACK abs.seq=0 ack=SEG.SEQ+SEG.LEN",
            "RST,ACK? seq=SND.NXT",
            "SYN,!PSH,!ECE,!CWR seq=0 <mss>",
            "SYN,ACK seq>main.SND.NXT",
            "SYN,ACK seq=* ack=* <>",
            "ACK win=1..RCV.WND checksum=bad offset>=5 reserved=0",
            "URG,ACK up=3 \"abc\"",
            "FIN,ACK again",
            "ACK <nop, nop, ts 1 2, !md5, opt 172>",
        ] {
            assert!(Pattern::parse(line, Role::Expect).is_ok(), "{line}");
        }
        assert!(Pattern::parse("SYN,ACK", Role::Fault).is_ok());
        assert!(Pattern::parse("RST", Role::Fault).is_ok());
    }

    #[test]
    fn each_part_lands_in_its_place() {
        let read = segment(
            "ACK,!PSH,URG? seq>SND.NXT <sack 1:2, !ts> again \"a\\x00\"",
            Role::Expect,
        );
        let flags = vec![
            (Flags::ACK, FlagPattern::Set),
            (Flags::PSH, FlagPattern::Clear),
            (Flags::URG, FlagPattern::Free),
        ];
        let sack = OptionValue::Sack(vec![(expr("1"), expr("2"))]);
        let ts = OptionValue::Timestamps(None, None);
        let expected = SegmentPattern {
            control: Control::Flags(flags),
            fields: vec![(Key::Seq, FieldValue::Compare(Comparison::Greater, expr("SND.NXT")))],
            options: Some(vec![
                OptionPattern {
                    absent: false,
                    value: sack,
                },
                OptionPattern {
                    absent: true,
                    value: ts,
                },
            ]),
            text: Some(b"a\0".to_vec()),
            again: true,
        };
        assert_eq!(read, expected);
    }

    #[test]
    fn an_icmp_message_has_its_own_fields_and_those_of_the_quote() {
        let read = Pattern::parse("ICMP packet-too-big mtu=1280 about seq=SND.UNA", Role::Inject);
        let expected = IcmpPattern {
            kind: IcmpKind::PacketTooBig,
            fields: vec![(Key::Mtu, is("1280"))],
            about: vec![(Key::Seq, is("SND.UNA"))],
        };
        assert_eq!(read, Ok(Pattern::Icmp(expected)));
    }

    #[test]
    fn no_options_and_none_written_differ() {
        assert_eq!(segment("SYN", Role::Inject).options, None);
        assert_eq!(segment("SYN <>", Role::Inject).options, Some(vec![]));
        assert_eq!(segment("SYN < >", Role::Inject).options, Some(vec![]));
    }

    #[test]
    fn a_wrong_flag_is_named_with_the_right_one() {
        refused(Role::Inject, &[("SYM seq=RCV.NXT+1", 0..3, "unknown flag `SYM`")]);
        assert_eq!(help("SYM seq=RCV.NXT+1", Role::Inject), "did you mean `SYN`?");
        assert_eq!(help("XYZW", Role::Expect).matches('`').count(), 18);
    }

    #[test]
    fn flags_are_refused_where_they_are_wrong() {
        refused(
            Role::Expect,
            &[
                ("", 0..0, "a segment is missing"),
                ("  ", 0..2, "a segment is missing"),
                ("SYN,,ACK", 4..4, "a flag is missing"),
                ("SYN,", 4..4, "a flag is missing"),
                ("SYN,SYN", 4..7, "flag `SYN` is written twice"),
                ("SYN,!SYN", 4..8, "flag `!SYN` is written twice"),
                ("!SYN?", 0..5, "`!SYN?`: `!` and `?` together"),
                ("none,ACK", 0..4, "unknown flag `none`"),
                ("seq=1", 0..5, "`seq=1` where the flags should be"),
                ("\"x\"", 0..3, "`\"x\"` where the flags should be"),
                ("RST,ACK", 0..7, "an expected RST says its seq"),
                ("SYN ACK", 4..7, "unknown word `ACK`"),
                ("ICMP packet-too-big", 0..4, "ICMP can only be injected"),
            ],
        );
        assert!(help("SYN ACK", Role::Expect).contains("joined by commas"));
    }

    #[test]
    fn what_is_for_expect_is_not_injected() {
        refused(
            Role::Inject,
            &[
                ("ACK,!PSH", 4..8, "`!PSH`: an injected flag is set or not written"),
                ("RST,ACK?", 4..8, "`ACK?`: an injected flag is set or not written"),
                ("PROBE", 0..5, "PROBE can only be expected"),
                ("ACK again", 4..9, "`again` is for expect"),
                ("ACK win>1", 4..9, "`win>1`: an injected field has one value"),
                ("ACK seq=*", 8..9, "an injected field has one value"),
                ("ACK seq=1..2", 8..12, "an injected field has one value, no range"),
                ("ACK <!ts>", 5..8, "`!ts`: an injected option is present or not written"),
                ("ACK <sack>", 5..9, "an injected `sack` needs blocks: `sack 2001:3001`"),
                ("ACK ip.len=20", 4..13, "`ip.len` can only be expected"),
                ("ACK ip.to=everybody", 10..19, "unknown address `everybody`"),
            ],
        );
        refused(
            Role::Fault,
            &[
                ("PROBE", 0..5, "PROBE can only be expected"),
                ("ACK again", 4..9, "`again` is for expect"),
                ("ICMP port-unreachable", 0..4, "ICMP can only be injected"),
            ],
        );
        refused(
            Role::Expect,
            &[
                ("ACK truncate=3", 4..14, "`truncate` can only be injected"),
                (
                    "ACK ip.from=loopback",
                    4..20,
                    "`ip.from` can only be injected, on a segment",
                ),
            ],
        );
    }

    #[test]
    fn fields_are_refused_where_they_are_wrong() {
        refused(
            Role::Expect,
            &[
                ("ACK foo=1", 4..7, "unknown field `foo`"),
                ("ACK seq", 4..7, "unknown word `seq`"),
                ("ACK seq=", 8..8, "`seq=` lacks a value"),
                ("ACK seq=1 seq=2", 10..15, "`seq` is written twice"),
                ("ACK seq=1 abs.seq=2", 10..19, "`seq` and `abs.seq` are the same field"),
                ("ACK seq=SND.NTX", 8..15, "unknown variable `SND.NTX`"),
                ("ACK seq=1 +2", 10..12, "unknown word `+2`"),
                ("ACK seq!=*", 9..10, "`*` goes with `=` only"),
                ("ACK seq<1..2", 8..12, "`1..2` goes with `=` only"),
                ("ACK seq=1..", 11..11, "an expression ends too early"),
                ("ACK win=65536", 8..13, "65536 does not fit"),
                ("ACK win=-1", 8..10, "-1 does not fit"),
                ("ACK reserved=8", 13..14, "8 does not fit"),
                ("ACK seq=bad", 8..11, "only `checksum` can be `bad`"),
                ("ACK checksum!=bad", 14..17, "`bad` goes with `=` only"),
                ("ACK mtu=1280", 4..12, "`mtu` is a field of ICMP messages"),
                ("ACK data=1 \"x\"", 11..14, "both `data` and a text"),
                ("ACK \"x\" data=1", 8..14, "both `data` and a text"),
                ("ACK \"x\" \"y\"", 8..11, "two texts"),
                ("ACK <> <ts>", 7..11, "two option lists"),
                ("ACK again again", 10..15, "`again` is written twice"),
                ("ACK agian", 4..9, "unknown word `agian`"),
                ("ACK ip.tos=1", 4..10, "unknown field `ip.tos`"),
                ("ACK ip.ecn=ect2", 11..15, "unknown ECN codepoint `ect2`"),
                ("ACK ip.ecn=1", 11..12, "unknown ECN codepoint `1`"),
                (
                    "ACK ip.ecn>ect0",
                    11..15,
                    "`ip.ecn` has no order: `>` cannot compare it",
                ),
                ("ACK é", 4..6, "unknown word `é`"),
            ],
        );
        assert_eq!(help("ACK agian", Role::Expect), "did you mean `again`?");
        assert_eq!(help("ACK win=65536", Role::Expect), "0 to 65535 does");
        // A bound may well lie outside of what can come.
        assert!(Pattern::parse("ACK win<=65536", Role::Expect).is_ok());
        assert!(Pattern::parse("ACK data=4000000", Role::Expect).is_ok());
        refused(Role::Inject, &[("ACK data=4000000", 9..16, "4000000 does not fit")]);
    }

    #[test]
    fn options_are_refused_where_they_are_wrong() {
        refused(
            Role::Expect,
            &[
                ("SYN <mss 1460", 4..13, "`<` is not closed"),
                ("SYN <mms 1460>", 5..8, "unknown option `mms`"),
                ("SYN <mss 1460,>", 14..14, "an option is missing"),
                ("SYN <mss 1 2>", 5..12, "`mss 1 2`: more than one value"),
                ("SYN <mss 65536>", 9..14, "65536 does not fit"),
                ("SYN <mss SMS>", 9..12, "unknown variable `SMS`"),
                ("SYN <sackOK 1>", 12..13, "`sackOK` takes no value"),
                ("SYN <sack 1>", 10..11, "`1` is not a SACK block"),
                ("SYN <sack 1:>", 12..12, "an expression ends too early"),
                ("SYN <ts 1 2 3>", 12..13, "`ts` takes two values: TSval and TSecr"),
                ("SYN <fo 012>", 8..11, "`012` has an odd number of digits"),
                ("SYN <fo xy>", 8..10, "`xy` is not hexadecimal"),
                ("SYN <fo $Cookie>", 8..15, "`$` needs a name"),
                ("SYN <fo $a 01>", 11..13, "nothing follows `$a`"),
                ("SYN <opt>", 5..8, "`opt` needs a kind"),
                ("SYN <opt x>", 9..10, "`x` is not a number"),
                ("SYN <opt 256>", 9..12, "kind 256 does not fit into an octet"),
                ("SYN <raw>", 5..8, "`raw` needs octets"),
                ("SYN <raw é>", 9..11, "`é` is not hexadecimal"),
            ],
        );
        assert_eq!(help("SYN <mms 1460>", Role::Expect), "did you mean `mss`?");
        assert!(help("SYN <mss 1460", Role::Expect).contains("comma"));
    }

    #[test]
    fn icmp_is_refused_where_it_is_wrong() {
        refused(
            Role::Inject,
            &[
                ("ICMP", 0..4, "the kind of ICMP message is missing"),
                ("ICMP to-big", 5..11, "unknown ICMP message `to-big`"),
                (
                    "ICMP packet-too-big seq=1",
                    20..25,
                    "`seq` is a field of the quoted segment: write it after `about`",
                ),
                (
                    "ICMP packet-too-big about mtu=1",
                    26..31,
                    "`mtu` belongs to the ICMP message: write it before `about`",
                ),
                ("ICMP packet-too-big about about", 26..31, "`about` is written twice"),
                (
                    "ICMP packet-too-big \"x\"",
                    20..23,
                    "an ICMP message has neither options nor a text",
                ),
                ("ICMP packet-too-big mtu=1 mtu=2", 26..31, "`mtu` is written twice"),
            ],
        );
        assert_eq!(
            help("ICMP packet-to-big", Role::Inject),
            "did you mean `packet-too-big`?"
        );
    }

    /// An expression that is no constant out of `range`.
    fn any_within(range: Option<RangeInclusive<i64>>) -> BoxedStrategy<Expr> {
        let Some(range) = range else {
            return any_expr().boxed();
        };
        let computed = any_expr().prop_map(|expr| match expr.constant() {
            Some(_) => Expr::Variable {
                conn: None,
                name: Variable::Smss,
            },
            None => expr,
        });
        prop_oneof![range.prop_map(Expr::Number), computed].boxed()
    }

    fn any_value(key: Key, role: Role) -> BoxedStrategy<FieldValue> {
        let written = role != Role::Inject;
        if key == Key::Ip(IpField::Ecn) {
            let op = if written {
                vec![Comparison::Equal, Comparison::NotEqual]
            } else {
                vec![Comparison::Equal]
            };
            let word = (select(op), select(Ecn::ALL.to_vec()));
            return word
                .prop_map(|(op, ecn)| FieldValue::Word(op, ecn.name().to_string()))
                .boxed();
        }
        if matches!(key, Key::Padding | Key::Ip(IpField::Options)) {
            return vec(any::<u8>(), 1..=40)
                .prop_map(|octets| octets.iter().map(|octet| format!("{octet:02x}")).collect())
                .prop_map(|word: String| FieldValue::Word(Comparison::Equal, word))
                .boxed();
        }
        if let Key::Ip(IpField::From | IpField::To) = key {
            return select(ODD_ADDRESSES.to_vec())
                .prop_map(|word| FieldValue::Word(Comparison::Equal, word.to_string()))
                .boxed();
        }
        let equal = any_within(key.range(role)).prop_map(|expr| FieldValue::Compare(Comparison::Equal, expr));
        let equal = if key == Key::Checksum {
            prop_oneof![equal, Just(FieldValue::Bad)].boxed()
        } else {
            equal.boxed()
        };
        if !written {
            return equal;
        }
        let op = select(Comparison::SIGNS.to_vec()).prop_filter("has a range", |(op, _)| *op != Comparison::Equal);
        prop_oneof![
            equal,
            (op, any_expr()).prop_map(|((op, _), expr)| FieldValue::Compare(op, expr)),
            (any_expr(), any_expr()).prop_map(|(least, most)| FieldValue::Range(least, most)),
            Just(FieldValue::Any),
        ]
        .boxed()
    }

    fn any_fields(place: Place, role: Role) -> impl Strategy<Value = Vec<(Key, FieldValue)>> {
        let allowed = |key: &Key| check_place(*key, Piece::whole(""), role, place).is_ok();
        let keys: Vec<Key> = Key::names().map(|(key, _)| key).filter(allowed).collect();
        let most = keys.len().min(6);
        subsequence(keys, 0..=most)
            .prop_shuffle()
            .prop_flat_map(move |mut keys| {
                let all = keys.clone();
                keys.retain(|key| key.twin().is_none_or(|twin| *key < twin || !all.contains(&twin)));
                let with_value = |key: Key| (Just(key), any_value(key, role));
                keys.into_iter().map(with_value).collect::<Vec<_>>()
            })
    }

    fn any_octets() -> impl Strategy<Value = Octets> {
        prop_oneof![
            vec(any::<u8>(), 1..18).prop_map(Octets::Literal),
            "[a-z][a-z0-9_]{0,5}".prop_map(Octets::Measured),
        ]
    }

    fn any_option(role: Role) -> impl Strategy<Value = OptionPattern> {
        let number = |most: u32| option::of(any_within(Some(0..=i64::from(most))));
        let ts = option::of(number(u32::MAX)).prop_flat_map(move |value| match value.flatten() {
            Some(value) => (Just(Some(value)), number(u32::MAX)).boxed(),
            None => Just((None, None)).boxed(),
        });
        let value = prop_oneof![
            number(65_535).prop_map(OptionValue::Mss),
            number(255).prop_map(OptionValue::WindowScale),
            Just(OptionValue::SackPermitted),
            vec((any_expr(), any_expr()), 0..4).prop_map(OptionValue::Sack),
            ts.prop_map(|(value, echo)| OptionValue::Timestamps(value, echo)),
            Just(OptionValue::Nop),
            Just(OptionValue::Eol),
            option::of(any_octets()).prop_map(OptionValue::FastOpen),
            option::of(any_octets()).prop_map(OptionValue::Md5),
            number(65_535).prop_map(OptionValue::UserTimeout),
            (any::<u8>(), option::of(any_octets())).prop_map(|(kind, data)| OptionValue::Other(kind, data)),
            vec(any::<u8>(), 1..10).prop_map(OptionValue::Raw),
        ];
        (any::<bool>(), value).prop_filter_map("nothing to fill in", move |(absent, value)| {
            let whole = role != Role::Inject || check_injected(&value, Piece::whole("")).is_ok();
            whole.then_some(OptionPattern {
                absent: absent && role != Role::Inject,
                value,
            })
        })
    }

    fn any_control(role: Role) -> impl Strategy<Value = Control> {
        let how = match role {
            Role::Inject => vec![FlagPattern::Set],
            Role::Expect | Role::Fault => vec![FlagPattern::Set, FlagPattern::Clear, FlagPattern::Free],
        };
        let flags = subsequence(Flags::NAMED.to_vec(), 0..=9).prop_shuffle();
        let flags = (flags, vec(select(how), 9)).prop_map(|(flags, how)| {
            let flags = flags.into_iter().map(|(flag, _)| flag);
            Control::Flags(flags.zip(how).collect())
        });
        match role {
            Role::Expect => prop_oneof![9 => flags, 1 => Just(Control::Probe)].boxed(),
            Role::Inject | Role::Fault => flags.boxed(),
        }
    }

    fn any_segment(role: Role) -> impl Strategy<Value = SegmentPattern> {
        let options = option::of(vec(any_option(role), 0..5));
        let text = option::of(vec(any::<u8>(), 0..20));
        let parts = (
            any_control(role),
            any_fields(Place::Segment, role),
            options,
            text,
            any::<bool>(),
        );
        parts.prop_map(move |(control, fields, options, text, again)| {
            let mut segment = SegmentPattern {
                control,
                fields,
                options,
                text,
                again: again && role == Role::Expect,
            };
            if segment.field(Key::Data).is_some() {
                segment.text = None;
            }
            if segment.sets(Flags::RST) && segment.field(Key::Seq).or(segment.field(Key::AbsSeq)).is_none() {
                segment.fields.push((Key::Seq, is("1")));
            }
            segment
        })
    }

    fn any_icmp() -> impl Strategy<Value = IcmpPattern> {
        let fields = any_fields(Place::Icmp, Role::Inject);
        let about = any_fields(Place::About, Role::Inject);
        let kind = select(IcmpKind::NAMED.to_vec());
        (kind, fields, about).prop_map(|(kind, fields, about)| IcmpPattern { kind, fields, about })
    }

    fn same_again(pattern: Pattern, role: Role) -> Result<(), TestCaseError> {
        let line = pattern.to_string();
        prop_assert_eq!(Pattern::parse(&line, role), Ok(pattern), "{}", line);
        Ok(())
    }

    proptest! {
        #[test]
        fn an_injected_segment_is_read_back(segment in any_segment(Role::Inject)) {
            same_again(Pattern::Segment(segment), Role::Inject)?;
        }

        #[test]
        fn an_expected_segment_is_read_back(segment in any_segment(Role::Expect)) {
            same_again(Pattern::Segment(segment), Role::Expect)?;
        }

        #[test]
        fn a_fault_is_read_back(segment in any_segment(Role::Fault)) {
            same_again(Pattern::Segment(segment), Role::Fault)?;
        }

        #[test]
        fn an_icmp_message_is_read_back(icmp in any_icmp()) {
            same_again(Pattern::Icmp(icmp), Role::Inject)?;
        }

        #[test]
        fn reading_never_panics(text in "(SYN|RST|ICMP|PROBE|none)?[-+*/(),:$.=<>!?\"\\\\a-zA-Z0-9 é]{0,60}") {
            for role in [Role::Inject, Role::Expect, Role::Fault] {
                if let Err(error) = Pattern::parse(&text, role) {
                    prop_assert!(text.get(error.at.clone()).is_some(), "{error:?}");
                }
            }
        }

        #[test]
        fn a_changed_line_never_panics(segment in any_segment(Role::Expect), at: usize, put: char) {
            let line = Pattern::Segment(segment).to_string();
            let mut line: Vec<char> = line.chars().collect();
            let at = at % line.len();
            line[at] = put;
            let line: String = line.into_iter().collect();
            let _ = Pattern::parse(&line, Role::Expect);
        }
    }
}
