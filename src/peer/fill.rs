//! From a segment as written to the segment that is sent: fields that are not written get the value that a correct peer
//! would use now.

use super::Measure;
use super::conn::LastSegment;
use super::error::ValueError;
use super::eval::Scope;
use crate::notation::{
    Control, FieldValue, FlagPattern, IcmpPattern, IpField, Key, Octets, OptionPattern, OptionValue, SegmentPattern,
};
use crate::time::Instant;
use crate::wire::{Body, Checksum, Ecn, Flags, Icmp, IpHeader, Packet, RelSeq, Segment, SeqNum, TcpOption};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A segment that is ready to be sent, and what its connection is to be told of it.
pub(crate) struct Filled {
    pub packet: Packet,
    pub seg: LastSegment,
    /// The encoded packet, wrong fields included.
    pub octets: Vec<u8>,
}

/// The length after which the running pattern begins again: each 251 octets it begins 18 letters further on, of 58.
const PERIOD: usize = 251 * 29;

/// The running pattern, once.
static PATTERN: [u8; PERIOD] = {
    let mut octets = [0; PERIOD];
    let mut k = 0;
    while k < PERIOD {
        octets[k] = 0x41 + ((k * 7 + k / 251) % 58) as u8;
        k += 1;
    }
    octets
};

/// The `n` octets of the running pattern from place `at` of a stream on: printable, and different 251 octets further
/// on.
pub(crate) fn pattern(at: u64, n: usize) -> Vec<u8> {
    let mut octets = Vec::with_capacity(n);
    while octets.len() < n {
        let begin = (at + octets.len() as u64) % PERIOD as u64;
        let rest = &PATTERN[begin as usize..];
        octets.extend_from_slice(&rest[..rest.len().min(n - octets.len())]);
    }
    octets
}

/// The most octets that one packet can carry; what is asked beyond is cut.
const LARGEST: usize = 65_000;

/// The shift that `<wscale>` without a number stands for.
const USUAL_SHIFT: u8 = 7;

/// Fills in a segment on the connection `scope.here`.
pub(crate) fn fill(
    pattern: &SegmentPattern,
    scope: &Scope,
    target: (IpAddr, u16),
    now: Instant,
) -> Result<Filled, ValueError> {
    let conn = &scope.conns[scope.here];
    let flags = flags(pattern, scope)?;
    let (seq, absolute) = sequence(pattern, scope, flags)?;
    let payload = payload(pattern, scope, seq)?;
    let ack = match (number(pattern, Key::AbsAck, scope)?, number(pattern, Key::Ack, scope)?) {
        (Some(abs), _) => conn.iss.relative(SeqNum(abs as u32)).0,
        (None, Some(ack)) => ack,
        (None, None) => conn.position,
    };
    let window = number(pattern, Key::Win, scope)?.map_or(conn.win, |window| window as u16);
    let urgent = match number(pattern, Key::Up, scope)? {
        Some(up) => up as u16,
        None if flags.contains(Flags::URG) => payload.len() as u16,
        None => 0,
    };
    let written_ack = pattern.field(Key::Ack).is_some() || pattern.field(Key::AbsAck).is_some();
    let segment = Segment {
        source: conn.tester_port,
        destination: conn.target_port.unwrap_or(target.1),
        seq: absolute,
        ack: match flags.contains(Flags::ACK) || written_ack {
            true => conn.iss.absolute(RelSeq(ack)),
            false => SeqNum(0),
        },
        flags,
        window,
        urgent,
        options: options(pattern, scope, flags, now)?,
        payload,
        offset: number(pattern, Key::Offset, scope)?.map(|words| words as u8),
        checksum: Checksum::Right,
        cut: number(pattern, Key::Truncate, scope)?.map(|octets| octets.max(0) as usize),
    };
    let seg = LastSegment {
        seq,
        ack: if flags.contains(Flags::ACK) { ack } else { 0 },
        len: i64::from(segment.seg_len()),
        wnd: i64::from(window),
        up: i64::from(urgent),
    };
    let ip = ip_header(conn.tester, target.0, &pattern.fields, scope)?;
    let mut filled = finish(
        Packet {
            ip,
            body: Body::Tcp(segment),
        },
        pattern.field(Key::Checksum),
        scope,
        seg,
    )?;
    if let Some(FieldValue::Word(_, hex)) = pattern.field(Key::Ip(IpField::Options)) {
        filled.octets = with_ip_options(&filled.octets, hex)?;
    }
    if let Some(FieldValue::Word(_, hex)) = pattern.field(Key::Padding) {
        filled.octets.extend(decoded(hex)?);
    }
    Ok(filled)
}

fn decoded(hex: &str) -> Result<Vec<u8>, ValueError> {
    let octets = data_encoding::HEXLOWER_PERMISSIVE.decode(hex.as_bytes());
    octets.map_err(|error| ValueError::NotHexadecimal(error.to_string()))
}

/// Puts options between an IPv4 header and what follows it, filled up with zeros to whole words (RFC 791 section 3.1).
fn with_ip_options(packet: &[u8], hex: &str) -> Result<Vec<u8>, ValueError> {
    const HEADER: usize = 20;
    if packet.first().is_none_or(|first| first >> 4 != 4) {
        return Err(ValueError::IpOptionsOfIpv6);
    }
    let mut options = decoded(hex)?;
    options.resize(options.len().next_multiple_of(4), 0);
    let mut octets = packet[..HEADER].to_vec();
    octets.extend(options);
    octets[0] = 0x40 | (octets.len() / 4) as u8;
    let whole = octets.len() + packet.len() - HEADER;
    octets[2..4].copy_from_slice(&(whole as u16).to_be_bytes());
    octets[10..12].fill(0);
    let words = octets
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let sum = words.sum::<u32>();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !(((folded & 0xffff) + (folded >> 16)) as u16);
    octets[10..12].copy_from_slice(&checksum.to_be_bytes());
    octets.extend(&packet[HEADER..]);
    Ok(octets)
}

/// Sets a wrong checksum, where one is asked for.
fn finish(
    mut packet: Packet,
    checksum: Option<&FieldValue>,
    scope: &Scope,
    seg: LastSegment,
) -> Result<Filled, ValueError> {
    let mut octets = packet.encode();
    if let Some(checksum) = checksum {
        let at = if packet.ip.source.is_ipv4() { 20 } else { 40 } + 16;
        let right = octets
            .get(at..at + 2)
            .map_or(0, |field| u16::from_be_bytes([field[0], field[1]]));
        let value = match checksum {
            FieldValue::Compare(_, expr) => scope.value(expr)? as u16,
            FieldValue::Bad | FieldValue::Any | FieldValue::Range(..) | FieldValue::Word(..) => right ^ 0x5555,
        };
        if let Body::Tcp(segment) = &mut packet.body
            && value != right
        {
            segment.checksum = Checksum::Wrong(value);
        }
        octets = packet.encode();
    }
    Ok(Filled { packet, seg, octets })
}

fn number(pattern: &SegmentPattern, key: Key, scope: &Scope) -> Result<Option<i64>, ValueError> {
    match pattern.field(key) {
        Some(FieldValue::Compare(_, expr)) => scope.value(expr).map(Some),
        Some(FieldValue::Range(..) | FieldValue::Any | FieldValue::Bad | FieldValue::Word(..)) | None => Ok(None),
    }
}

fn flags(pattern: &SegmentPattern, scope: &Scope) -> Result<Flags, ValueError> {
    let written = match &pattern.control {
        Control::Flags(flags) => flags.as_slice(),
        Control::Probe => &[],
    };
    let set = written.iter().filter(|(_, how)| *how == FlagPattern::Set);
    let flags = set.fold(Flags::NONE, |all, (flag, _)| all | *flag);
    Ok(match number(pattern, Key::Reserved, scope)? {
        Some(bits) => flags.with_reserved(bits as u8),
        None => flags,
    })
}

/// SEG.SEQ, counted from the ISN and on the wire.
fn sequence(pattern: &SegmentPattern, scope: &Scope, flags: Flags) -> Result<(i64, SeqNum), ValueError> {
    let conn = &scope.conns[scope.here];
    let reset = flags.contains(Flags::RST);
    let absolute = match number(pattern, Key::AbsSeq, scope)? {
        Some(abs) => Some(SeqNum(abs as u32)),
        // A peer that never sent a SYN has no number of its own to put on a RST.
        None if reset && pattern.field(Key::Seq).is_none() && !conn.syn_injected => Some(SeqNum(0)),
        None => None,
    };
    if let Some(absolute) = absolute {
        return Ok((conn.isn.relative(absolute).0, absolute));
    }
    let seq = match number(pattern, Key::Seq, scope)? {
        Some(seq) => seq,
        None if flags.contains(Flags::SYN) && !reset => 0,
        None => conn.rcv_nxt,
    };
    Ok((seq, conn.isn.absolute(RelSeq(seq))))
}

fn payload(written: &SegmentPattern, scope: &Scope, seq: i64) -> Result<Vec<u8>, ValueError> {
    match (&written.text, number(written, Key::Data, scope)?) {
        (Some(text), _) => Ok(text.clone()),
        (None, Some(octets)) => Ok(pattern(seq.max(0) as u64, (octets.max(0) as usize).min(LARGEST))),
        (None, None) => Ok(Vec::new()),
    }
}

fn options(pattern: &SegmentPattern, scope: &Scope, flags: Flags, now: Instant) -> Result<Vec<TcpOption>, ValueError> {
    let conn = &scope.conns[scope.here];
    if let Some(written) = &pattern.options {
        return written.iter().map(|option| option_value(option, scope, now)).collect();
    }
    if flags.contains(Flags::RST) {
        return Ok(Vec::new());
    }
    if flags.contains(Flags::SYN) {
        return Ok(conn
            .my_syn_options
            .clone()
            .unwrap_or_else(|| vec![TcpOption::Mss(conn.full as u16)]));
    }
    if conn.timestamps() {
        let stamps = TcpOption::Timestamps {
            value: conn.ts_clock(now),
            echo: conn.tsval,
        };
        return Ok(vec![TcpOption::Nop, TcpOption::Nop, stamps]);
    }
    Ok(Vec::new())
}

fn option_value(option: &OptionPattern, scope: &Scope, now: Instant) -> Result<TcpOption, ValueError> {
    let conn = &scope.conns[scope.here];
    let or = |expr: &Option<_>, usual: i64| expr.as_ref().map_or(Ok(usual), |expr| scope.value(expr));
    Ok(match &option.value {
        OptionValue::Mss(size) => TcpOption::Mss(or(size, conn.full)? as u16),
        OptionValue::WindowScale(shift) => TcpOption::WindowScale(or(shift, USUAL_SHIFT.into())? as u8),
        OptionValue::SackPermitted => TcpOption::SackPermitted,
        OptionValue::Sack(blocks) => {
            let edge = |expr: &_| Ok::<u32, ValueError>(conn.iss.absolute(RelSeq(scope.value(expr)?)).0);
            let block = |(left, right): &(_, _)| Ok::<_, ValueError>((edge(left)?, edge(right)?));
            TcpOption::Sack(blocks.iter().map(block).collect::<Result<_, _>>()?)
        }
        OptionValue::Timestamps(value, echo) => TcpOption::Timestamps {
            value: or(value, conn.ts_clock(now).into())? as u32,
            echo: or(echo, conn.tsval.into())? as u32,
        },
        OptionValue::Nop => TcpOption::Nop,
        OptionValue::Eol => TcpOption::Eol,
        OptionValue::FastOpen(cookie) => TcpOption::FastOpen(octets(cookie, scope)?),
        OptionValue::Md5(digest) => TcpOption::Md5(octets(digest, scope)?),
        OptionValue::UserTimeout(value) => TcpOption::UserTimeout(or(value, 0)? as u16),
        OptionValue::Other(kind, data) => TcpOption::Other {
            kind: *kind,
            data: octets(data, scope)?,
        },
        OptionValue::Raw(data) => TcpOption::Raw(data.clone()),
    })
}

fn octets(written: &Option<Octets>, scope: &Scope) -> Result<Vec<u8>, ValueError> {
    match written {
        None => Ok(Vec::new()),
        Some(Octets::Literal(data)) => Ok(data.clone()),
        Some(Octets::Measured(name)) => match scope.last(name)? {
            Measure::Octets(data) => Ok(data.clone()),
            Measure::Number(_) | Measure::Seconds(_) => Err(ValueError::NotOctets(name.clone())),
        },
    }
}

fn ip_header(
    source: IpAddr,
    destination: IpAddr,
    fields: &[(Key, FieldValue)],
    scope: &Scope,
) -> Result<IpHeader, ValueError> {
    let mut ip = IpHeader::between(source, destination);
    for (key, value) in fields {
        let Key::Ip(field) = key else { continue };
        if let (IpField::Ecn, FieldValue::Word(_, word)) = (field, value) {
            ip.ecn = Ecn::from_name(word).ok_or_else(|| ValueError::NotEcn(word.clone()))?;
            continue;
        }
        match (field, value) {
            (IpField::From, FieldValue::Word(_, word)) => ip.source = odd_address(word, destination),
            (IpField::To, FieldValue::Word(_, word)) => ip.destination = odd_address(word, destination),
            _ => (),
        }
        let FieldValue::Compare(_, expr) = value else { continue };
        let number = scope.value(expr)?;
        match field {
            IpField::Ecn => ip.ecn = Ecn::from_bits(number as u8),
            IpField::Dscp => ip.dscp = (number & 0x3f) as u8,
            IpField::Ttl => ip.ttl = number as u8,
            IpField::Id => ip.id = number as u16,
            IpField::Df => ip.dont_fragment = number != 0,
            IpField::Flow => ip.flow = (number & 0xf_ffff) as u32,
            // The length is what the packet has; the others are words.
            IpField::Len | IpField::From | IpField::To | IpField::Options => {}
        }
    }
    Ok(ip)
}

/// One of `ODD_ADDRESSES`, of the same IP version as the target's.
pub(crate) fn odd_address(word: &str, target: IpAddr) -> IpAddr {
    /// All systems of the link (RFC 1112), all nodes of the link (RFC 4291 section 2.7.1).
    const ALL_NODES: (Ipv4Addr, Ipv6Addr) = (Ipv4Addr::new(224, 0, 0, 1), Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1));
    match (word, target.is_ipv4()) {
        ("unspecified", true) => Ipv4Addr::UNSPECIFIED.into(),
        ("unspecified", false) => Ipv6Addr::UNSPECIFIED.into(),
        ("loopback", true) => Ipv4Addr::LOCALHOST.into(),
        ("loopback", false) => Ipv6Addr::LOCALHOST.into(),
        ("broadcast", true) => Ipv4Addr::BROADCAST.into(),
        ("broadcast" | "multicast", false) => ALL_NODES.1.into(),
        ("multicast", true) => ALL_NODES.0.into(),
        (_, _) => target,
    }
}

/// Fills in an ICMP message about the last frame that came.
pub(crate) fn fill_icmp(pattern: &IcmpPattern, scope: &Scope, target: IpAddr) -> Result<Packet, ValueError> {
    let conn = &scope.conns[scope.here];
    let frame = conn.last_frame.as_ref().ok_or(ValueError::NothingToQuote)?;
    let ip_len = if target.is_ipv4() { 20 } else { 40 };
    // RFC 792 asks for the header and eight octets at least, RFC 4443 for as much as fits.
    let mut quote: Vec<u8> = frame
        .iter()
        .copied()
        .take(ip_len + if target.is_ipv4() { 8 } else { 20 })
        .collect();
    for (key, value) in &pattern.about {
        let FieldValue::Compare(_, expr) = value else { continue };
        let number = scope.value(expr)?;
        let (at, wire) = match key {
            Key::Seq => (ip_len + 4, conn.iss.absolute(RelSeq(number)).0),
            Key::AbsSeq => (ip_len + 4, number as u32),
            Key::Ack => (ip_len + 8, conn.isn.absolute(RelSeq(number)).0),
            Key::AbsAck => (ip_len + 8, number as u32),
            other => return Err(ValueError::NotQuoted(format!("{other:?}"))),
        };
        if quote.len() < at + 4 {
            quote.extend(frame.iter().copied().skip(quote.len()).take(at + 4 - quote.len()));
        }
        if let Some(place) = quote.get_mut(at..at + 4) {
            place.copy_from_slice(&wire.to_be_bytes());
        }
    }
    let mtu = pattern.fields.iter().find(|(key, _)| *key == Key::Mtu);
    let rest = match mtu {
        Some((_, FieldValue::Compare(_, expr))) => scope.value(expr)? as u32,
        _ => 0,
    };
    let ip = ip_header(conn.tester, target, &pattern.fields, scope)?;
    Ok(Packet {
        ip,
        body: Body::Icmp(Icmp {
            kind: pattern.kind,
            rest,
            quote,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::super::ValueError;
    use super::super::fixture::{ISN, ISS, Talk};
    use super::*;
    use crate::notation::{Origins, print_packet};
    use crate::wire::Isn;
    use expect_test::{Expect, expect};

    /// What is sent where this is written, after these lines.
    fn table(talk: &Talk, rows: &[&str], expected: Expect) {
        let origins = Origins {
            sender: Some(Isn(ISN)),
            receiver: Some(Isn(ISS)),
        };
        let mut told = String::new();
        for written in rows {
            let sent = match talk.fill(written) {
                Ok(filled) => print_packet(&filled.packet, origins),
                Err(error) => format!("error: {error}"),
            };
            told += &format!("{written:<30} | {sent}\n");
        }
        expected.assert_eq(&told);
    }

    #[test]
    fn before_anything_was_said() {
        let rows = [
            "SYN",
            "SYN <>",
            "SYN <mss, wscale, sackOK>",
            "SYN <ts>",
            "ACK",
            "RST",
            "RST,ACK ack=5",
        ];
        table(
            &Talk::new(),
            &rows,
            expect![[r#"
            SYN                            | SYN seq=0 win=65535 <mss 1460>
            SYN <>                         | SYN seq=0 win=65535 <>
            SYN <mss, wscale, sackOK>      | SYN seq=0 win=65535 <mss 1460, wscale 7, sackOK>
            SYN <ts>                       | SYN seq=0 win=65535 <ts 1000 0>
            ACK                            | ACK seq=0 ack=0 win=65535
            RST                            | RST seq=2 win=65535
            RST,ACK ack=5                  | RST,ACK seq=2 ack=5 win=65535
        "#]],
        );
    }

    #[test]
    fn what_is_not_written_is_what_a_correct_peer_says() {
        let mut talk = Talk::open();
        talk.go_on("> ACK data=10; app 20; < ACK seq=1 ack=11 win=9990 data=20");
        let rows = [
            "ACK",
            "ACK data=5",
            "ACK \"hello\"",
            "FIN,ACK",
            "RST",
            "SYN",
            "URG,ACK data=5",
            "ACK up=3",
            "ACK win=0",
            "ACK seq=RCV.NXT-1 ack=SND.UNA",
            "ACK seq=RCV.NXT+RCV.WND",
            "ACK abs.seq=7 abs.ack=9",
            "ACK <sack 1:11>",
            "ACK reserved=5 offset=4",
            "ACK ip.ttl=3 ip.ecn=ce",
            "ACK truncate=10",
        ];
        table(
            &talk,
            &rows,
            expect![[r#"
            ACK                            | ACK seq=11 ack=21 win=5000
            ACK data=5                     | ACK seq=11 ack=21 win=5000 "T[bip"
            ACK "hello"                    | ACK seq=11 ack=21 win=5000 "hello"
            FIN,ACK                        | FIN,ACK seq=11 ack=21 win=5000
            RST                            | RST seq=11 win=5000
            SYN                            | SYN seq=0 win=5000 <mss 1460>
            URG,ACK data=5                 | ACK,URG seq=11 ack=21 win=5000 up=5 "T[bip"
            ACK up=3                       | ACK seq=11 ack=21 win=5000 up=3
            ACK win=0                      | ACK seq=11 ack=21 win=0
            ACK seq=RCV.NXT-1 ack=SND.UNA  | ACK seq=10 ack=1 win=5000
            ACK seq=RCV.NXT+RCV.WND        | ACK seq=10001 ack=21 win=5000
            ACK abs.seq=7 abs.ack=9        | ACK seq=9 ack=19 win=5000
            ACK <sack 1:11>                | ACK seq=11 ack=21 win=5000 <sack 1:11>
            ACK reserved=5 offset=4        | ACK seq=11 ack=21 win=5000 reserved=5 offset=4
            ACK ip.ttl=3 ip.ecn=ce         | ACK seq=11 ack=21 win=5000 ip.ecn=ce
            ACK truncate=10                | ACK seq=11 ack=21 win=5000 truncate=10
        "#]],
        );
    }

    #[test]
    fn timestamps_go_on_every_segment_where_both_offered_them() {
        let talk = Talk::after("> SYN <ts 100 0>; < SYN,ACK seq=0 ack=1 win=1 <ts 7000 100>; wait 25");
        table(
            &talk,
            &["ACK", "ACK <>", "RST", "SYN"],
            expect![[r#"
            ACK                            | ACK seq=1 ack=1 win=65535 <nop, nop, ts 1025 7000>
            ACK <>                         | ACK seq=1 ack=1 win=65535
            RST                            | RST seq=1 win=65535
            SYN                            | SYN seq=0 win=65535 <ts 100 0>
        "#]],
        );
    }

    #[test]
    fn a_bad_checksum_is_bad_for_certain() {
        let talk = Talk::open();
        let right = talk.fill("ACK").unwrap().packet;
        let wrong = talk.fill("ACK checksum=bad").unwrap().packet;
        assert_eq!(right.tcp().unwrap().checksum, Checksum::Right);
        assert!(matches!(wrong.tcp().unwrap().checksum, Checksum::Wrong(_)));
    }

    #[test]
    fn what_cannot_be_worked_out_is_an_error_about_what_is_written() {
        let mut talk = Talk::open();
        talk.measures
            .insert("cookie".to_owned(), vec![Measure::Octets(vec![1, 2])]);
        talk.measures.insert("size".to_owned(), vec![Measure::Number(3.0)]);
        let table = [
            ("ACK seq=$gone", ValueError::NotMeasured("gone".to_owned())),
            ("ACK seq=$cookie", ValueError::NotANumber("cookie".to_owned())),
            ("ACK seq=SEG.LEN/0", ValueError::DivisionByZero),
            ("ACK <fo $size>", ValueError::NotOctets("size".to_owned())),
        ];
        for (written, expected) in table {
            assert_eq!(talk.fill(written).err(), Some(expected), "{written}");
        }
    }

    #[test]
    fn the_pattern_is_the_same_wherever_a_piece_of_it_begins() {
        let written = |k: u64| 0x41 + ((k * 7 + k / 251) % 58) as u8;
        let whole: Vec<u8> = (0..3 * PERIOD as u64).map(written).collect();
        assert_eq!(pattern(0, whole.len()), whole);
        for (at, n) in [(0, 0), (1, 250), (7278, 3), (7279, 1), (9000, 10_000)] {
            assert_eq!(pattern(at as u64, n), whole[at..at + n], "{at} {n}");
        }
        assert_eq!(pattern(u64::from(u32::MAX) + 5, 1), [written(u64::from(u32::MAX) + 5)]);
    }
}
