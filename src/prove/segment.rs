//! How else a segment could have been: each part that an `expect` constrains, changed by itself.
//!
//! An `expect` constrains what it writes, and what the notation checks where nothing is written. What it leaves free is
//! not changed.

use crate::notation::SegmentPattern;
use crate::notation::{Comparison, Control, FieldValue, FlagPattern, IpField, Key, OptionPattern, OptionValue};
use crate::wire::{Body, Ecn, Flags, Packet, Segment, TcpOption};

/// Another segment, and how it differs.
pub(super) type Other = (String, Packet);

/// The distance by which a number is changed to leave any range.
const FAR: u32 = 1 << 30;

/// The change that makes a segment shorter, which is lawful where nothing constrains its length.
pub(super) const AN_OCTET_LESS: &str = "an octet less";

/// All changes of a segment that a pattern describes. `chooses`: it is the first of its sender, whose ISN is free.
pub(super) fn others(pattern: &SegmentPattern, packet: &Packet, chooses: bool) -> Vec<Other> {
    let mut others = Others {
        pattern,
        packet,
        chooses,
        found: Vec::new(),
    };
    others.flags();
    others.numbers();
    others.fields();
    others.payload();
    others.options();
    others.network();
    others.found
}

/// The steps by which a number is moved up and down so that it is wrong.
fn steps(value: Option<&FieldValue>) -> Vec<i64> {
    let far = i64::from(FAR);
    match value {
        None | Some(FieldValue::Compare(Comparison::Equal, _)) => vec![1, -1],
        Some(FieldValue::Compare(Comparison::Less | Comparison::LessOrEqual, _)) => vec![far],
        Some(FieldValue::Compare(Comparison::Greater | Comparison::GreaterOrEqual, _)) => vec![-far],
        Some(FieldValue::Range(..)) => vec![far, -far],
        // It must only differ from one number, whose value is not known here.
        Some(FieldValue::Compare(Comparison::NotEqual, _)) => vec![],
        Some(FieldValue::Any | FieldValue::Bad | FieldValue::Word(..)) => vec![],
    }
}

fn signed(step: i64) -> String {
    match step {
        1 | -1 => format!("{step:+}"),
        0.. => "far above".to_owned(),
        _ => "far below".to_owned(),
    }
}

struct Others<'a> {
    pattern: &'a SegmentPattern,
    packet: &'a Packet,
    chooses: bool,
    found: Vec<Other>,
}

impl Others<'_> {
    fn segment(&self) -> &Segment {
        match &self.packet.body {
            Body::Tcp(segment) => segment,
            // Only frames with a segment meet an `expect`.
            _ => unreachable!("a frame that met a step holds a segment"),
        }
    }

    /// Adds the segment as `change` leaves it, if that is different.
    fn add(&mut self, what: impl Into<String>, change: impl FnOnce(&mut Segment)) {
        let mut packet = self.packet.clone();
        if let Body::Tcp(segment) = &mut packet.body {
            change(segment);
        }
        if packet != *self.packet {
            self.found.push((what.into(), packet));
        }
    }

    fn is_probe(&self) -> bool {
        matches!(self.pattern.control, Control::Probe)
    }

    fn flags(&mut self) {
        let free = [Flags::PSH, Flags::ECE, Flags::CWR, Flags::AE];
        for (flag, name) in Flags::NAMED {
            let bound = match self.pattern.flag(flag) {
                Some(FlagPattern::Set | FlagPattern::Clear) => true,
                Some(FlagPattern::Free) => false,
                // URG is allowed in a probe.
                None => !(free.contains(&flag) || self.is_probe() && flag == Flags::URG),
            };
            if !bound {
                continue;
            }
            match self.segment().flags.contains(flag) {
                true => self.add(format!("without {name}"), |it| it.flags = it.flags.without(flag)),
                false => self.add(format!("with {name}"), |it| it.flags = it.flags | flag),
            }
        }
    }

    /// SEG.SEQ and SEG.ACK: checked wherever they are not freed.
    fn numbers(&mut self) {
        let written = |key, absolute| self.pattern.field(key).or(self.pattern.field(absolute));
        let seq = match (written(Key::Seq, Key::AbsSeq), self.pattern.field(Key::AbsSeq)) {
            // Its own sequence numbers are relative to the ISN that it chose.
            (None | Some(FieldValue::Compare(Comparison::Equal, _)), None) if self.chooses => vec![],
            // A probe may have any of several sequence numbers, which are near to each other.
            (None, None) if self.is_probe() => vec![i64::from(FAR), -i64::from(FAR)],
            (value, _) => steps(value),
        };
        let ack = steps(written(Key::Ack, Key::AbsAck));
        for step in seq {
            self.add(format!("seq {}", signed(step)), |it| it.seq = it.seq.advanced(step));
        }
        // Without ACK the field means nothing (RFC 9293 section 3.1).
        let acknowledges = self.segment().flags.contains(Flags::ACK);
        for step in ack.into_iter().filter(|_| acknowledges) {
            self.add(format!("ack {}", signed(step)), |it| it.ack = it.ack.advanced(step));
        }
    }

    /// The other fields: free unless they are written.
    fn fields(&mut self) {
        let clamp = |value: u16, step: i64| (i64::from(value) + step).clamp(0, 0xffff) as u16;
        if let Some(value) = self.pattern.field(Key::Win) {
            for step in steps(Some(value)) {
                self.add(format!("win {}", signed(step)), |it| it.window = clamp(it.window, step));
            }
        }
        if let Some(value) = self.pattern.field(Key::Up) {
            for step in steps(Some(value)) {
                self.add(format!("up {}", signed(step)), |it| it.urgent = clamp(it.urgent, step));
            }
        }
        if let Some(FieldValue::Compare(Comparison::Equal, _)) = self.pattern.field(Key::Reserved) {
            self.add("reserved bits turned", |it| {
                it.flags = it.flags.with_reserved(!it.flags.reserved() & 7);
            });
        }
    }

    fn payload(&mut self) {
        let reset = self.segment().flags.contains(Flags::RST);
        let written = self.pattern.text.is_some() || self.pattern.field(Key::Data).is_some();
        // A RST may carry text (RFC 9293 section 3.10.7.4, SHLD-2), and a probe may carry any octet.
        if (reset || self.is_probe()) && !written {
            return;
        }
        let exact = match self.pattern.field(Key::Data) {
            Some(value) => matches!(value, FieldValue::Compare(Comparison::Equal, _)),
            None => true,
        };
        if !self.segment().payload.is_empty() && !self.is_probe() {
            self.add("first octet changed", |it| it.payload[0] ^= 0x20);
            let last = self.segment().payload.len() - 1;
            self.add("last octet changed", |it| it.payload[last] ^= 0x20);
        }
        // A retransmission (`again`) may carry more or less than the segment before, unless its length is written.
        if exact && (written || !self.pattern.again) {
            self.add(AN_OCTET_LESS, |it| {
                it.payload.pop();
            });
        }
        if exact {
            self.add("an octet more", |it| it.payload.push(b'?'));
        }
    }

    fn options(&mut self) {
        let Some(wanted) = &self.pattern.options else { return };
        if wanted.is_empty() {
            let options = vec![TcpOption::Nop, TcpOption::Nop, timestamps()];
            self.add("with <ts>", |it| it.options = options);
        }
        for option in wanted {
            self.option(option);
        }
    }

    fn option(&mut self, wanted: &OptionPattern) {
        let name = name(&wanted.value);
        if wanted.absent {
            if let Some(option) = example(&wanted.value) {
                self.add(format!("with <{name}>"), |it| {
                    it.options.retain(|it| *it != TcpOption::Eol);
                    it.options.push(option);
                });
            }
            return;
        }
        let Some(at) = self
            .segment()
            .options
            .iter()
            .position(|it| is_of_kind(&wanted.value, it))
        else {
            return;
        };
        self.add(format!("without <{name}>"), |it| drop(it.options.remove(at)));
        for (what, option) in other_values(&wanted.value, &self.segment().options[at]) {
            self.add(format!("<{name}> with another {what}"), |it| it.options[at] = option);
        }
    }

    /// The fields of the IP header: free unless they are written.
    fn network(&mut self) {
        for (key, value) in &self.pattern.fields {
            let Key::Ip(field) = key else { continue };
            let mut packet = self.packet.clone();
            let ip = &mut packet.ip;
            match (field, value) {
                (IpField::Ecn, FieldValue::Word(Comparison::Equal, _)) => {
                    ip.ecn = if ip.ecn == Ecn::NotEct { Ecn::Ect0 } else { Ecn::NotEct };
                }
                (IpField::Ecn, FieldValue::Word(Comparison::NotEqual, word)) => match word.as_str() {
                    "not-ect" => ip.ecn = Ecn::NotEct,
                    "ce" => ip.ecn = Ecn::Ce,
                    _ => continue,
                },
                (IpField::Df, _) => ip.dont_fragment = !ip.dont_fragment,
                (IpField::Dscp, FieldValue::Compare(Comparison::Equal, _)) => ip.dscp ^= 1,
                (IpField::Ttl, FieldValue::Compare(Comparison::Equal, _)) => ip.ttl ^= 1,
                (IpField::Flow, FieldValue::Compare(Comparison::Equal, _)) => ip.flow ^= 1,
                (IpField::Ttl, FieldValue::Compare(Comparison::Greater | Comparison::GreaterOrEqual, _)) => ip.ttl = 0,
                // The length follows from the payload, and no case asks for one identification.
                _ => continue,
            }
            if packet != *self.packet {
                let name = format!("{field:?}").to_lowercase();
                self.found.push((format!("ip.{name} changed"), packet));
            }
        }
    }
}

fn timestamps() -> TcpOption {
    TcpOption::Timestamps { value: 1, echo: 1 }
}

fn name(option: &OptionValue) -> &'static str {
    match option {
        OptionValue::Mss(_) => "mss",
        OptionValue::WindowScale(_) => "wscale",
        OptionValue::SackPermitted => "sackOK",
        OptionValue::Sack(_) => "sack",
        OptionValue::Timestamps(..) => "ts",
        OptionValue::Nop => "nop",
        OptionValue::Eol => "eol",
        OptionValue::FastOpen(_) => "fo",
        OptionValue::Md5(_) => "md5",
        OptionValue::UserTimeout(_) => "uto",
        OptionValue::Other(..) => "opt",
        OptionValue::Raw(_) => "raw",
    }
}

/// An option of the kind that a pattern names, if a segment may carry it alone.
fn example(wanted: &OptionValue) -> Option<TcpOption> {
    match wanted {
        OptionValue::Mss(_) => Some(TcpOption::Mss(1000)),
        OptionValue::WindowScale(_) => Some(TcpOption::WindowScale(1)),
        OptionValue::SackPermitted => Some(TcpOption::SackPermitted),
        OptionValue::Sack(_) => Some(TcpOption::Sack(vec![(1, 2)])),
        OptionValue::Timestamps(..) => Some(timestamps()),
        OptionValue::FastOpen(_) => Some(TcpOption::FastOpen(vec![1; 8])),
        OptionValue::Md5(_) => Some(TcpOption::Md5(vec![1; 16])),
        OptionValue::UserTimeout(_) => Some(TcpOption::UserTimeout(30)),
        OptionValue::Other(kind, _) => Some(TcpOption::Other {
            kind: *kind,
            data: vec![1, 2],
        }),
        OptionValue::Nop => Some(TcpOption::Nop),
        OptionValue::Eol | OptionValue::Raw(_) => None,
    }
}

fn is_of_kind(wanted: &OptionValue, option: &TcpOption) -> bool {
    match (wanted, option) {
        (OptionValue::Mss(_), TcpOption::Mss(_))
        | (OptionValue::WindowScale(_), TcpOption::WindowScale(_))
        | (OptionValue::SackPermitted, TcpOption::SackPermitted)
        | (OptionValue::Sack(_), TcpOption::Sack(_))
        | (OptionValue::Timestamps(..), TcpOption::Timestamps { .. })
        | (OptionValue::Nop, TcpOption::Nop)
        | (OptionValue::Eol, TcpOption::Eol)
        | (OptionValue::FastOpen(_), TcpOption::FastOpen(_))
        | (OptionValue::Md5(_), TcpOption::Md5(_))
        | (OptionValue::UserTimeout(_), TcpOption::UserTimeout(_)) => true,
        (OptionValue::Other(wanted, _), other) => other.kind() == Some(*wanted),
        _ => false,
    }
}

/// The same option with each of its values changed that the pattern writes.
fn other_values(wanted: &OptionValue, option: &TcpOption) -> Vec<(&'static str, TcpOption)> {
    match (wanted, option) {
        (OptionValue::Mss(Some(_)), TcpOption::Mss(size)) => vec![("size", TcpOption::Mss(size ^ 1))],
        (OptionValue::WindowScale(Some(_)), TcpOption::WindowScale(shift)) => {
            vec![("shift", TcpOption::WindowScale(shift ^ 1))]
        }
        (OptionValue::UserTimeout(Some(_)), TcpOption::UserTimeout(time)) => {
            vec![("time", TcpOption::UserTimeout(time ^ 1))]
        }
        (OptionValue::Timestamps(wanted_value, wanted_echo), TcpOption::Timestamps { value, echo }) => {
            let (value, echo) = (*value, *echo);
            let other = |value, echo| TcpOption::Timestamps { value, echo };
            let mut found = Vec::new();
            if wanted_value.is_some() {
                found.push(("TSval", other(value.wrapping_add(1), echo)));
            }
            if wanted_echo.is_some() {
                found.push(("TSecr", other(value, echo.wrapping_add(1))));
            }
            found
        }
        (OptionValue::Sack(wanted), TcpOption::Sack(blocks)) if !wanted.is_empty() => other_blocks(blocks),
        (OptionValue::FastOpen(Some(_)), TcpOption::FastOpen(octets)) => {
            vec![("cookie", TcpOption::FastOpen(turned(octets)))]
        }
        (OptionValue::Md5(Some(_)), TcpOption::Md5(octets)) => vec![("digest", TcpOption::Md5(turned(octets)))],
        (OptionValue::Other(_, Some(_)), TcpOption::Other { kind, data }) => {
            let (kind, data) = (*kind, turned(data));
            vec![("content", TcpOption::Other { kind, data })]
        }
        _ => Vec::new(),
    }
}

fn other_blocks(blocks: &[(u32, u32)]) -> Vec<(&'static str, TcpOption)> {
    let Some((left, right)) = blocks.first().copied() else {
        return Vec::new();
    };
    let with_first = |first: (u32, u32)| {
        let mut blocks = blocks.to_vec();
        blocks[0] = first;
        TcpOption::Sack(blocks)
    };
    let mut found = vec![
        ("left edge", with_first((left.wrapping_sub(1), right))),
        ("right edge", with_first((left, right.wrapping_add(1)))),
    ];
    if blocks.len() > 1 {
        found.push(("order", TcpOption::Sack(blocks.iter().rev().copied().collect())));
        found.push(("number of blocks", TcpOption::Sack(blocks[..blocks.len() - 1].to_vec())));
    }
    found
}

fn turned(octets: &[u8]) -> Vec<u8> {
    octets
        .iter()
        .enumerate()
        .map(|(at, octet)| octet ^ u8::from(at == 0))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::{Pattern, Role};
    use crate::wire::{IpHeader, SeqNum};

    fn packet(flags: Flags, options: Vec<TcpOption>, payload: &[u8]) -> Packet {
        let ip = IpHeader::between([192, 0, 2, 1].into(), [198, 18, 0, 1].into());
        let segment = Segment {
            seq: SeqNum(100),
            ack: SeqNum(200),
            flags,
            window: 1000,
            options,
            payload: payload.to_vec(),
            ..Segment::default()
        };
        Packet {
            ip,
            body: Body::Tcp(segment),
        }
    }

    fn names(pattern: &str, packet: &Packet, chooses: bool) -> Vec<String> {
        let Ok(Pattern::Segment(pattern)) = Pattern::parse(pattern, Role::Expect) else {
            panic!("{pattern}")
        };
        let others = others(&pattern, packet, chooses);
        assert!(others.iter().all(|(_, other)| other != packet));
        others.into_iter().map(|(what, _)| what).collect()
    }

    const DEFAULTS: [&str; 10] = [
        "with SYN",
        "with FIN",
        "with RST",
        "without ACK",
        "with URG",
        "seq +1",
        "seq -1",
        "ack +1",
        "ack -1",
        "an octet more",
    ];

    #[test]
    fn what_the_language_checks_by_default_is_changed() {
        let ack = packet(Flags::ACK, vec![], b"");
        assert_eq!(names("ACK", &ack, false), DEFAULTS);
        assert_eq!(names("ACK seq=* ack=*", &ack, false).len(), DEFAULTS.len() - 4);
    }

    #[test]
    fn what_is_written_is_changed_out_of_its_range_only() {
        let ack = packet(Flags::ACK, vec![], b"");
        let more = |pattern: &str| names(pattern, &ack, false)[9..].to_vec();
        assert_eq!(more("ACK win=1000"), ["win +1", "win -1", "an octet more"]);
        assert_eq!(more("ACK win>=1000"), ["win far below", "an octet more"]);
        assert_eq!(
            more("ACK win=1..2000"),
            ["win far above", "win far below", "an octet more"]
        );
        assert_eq!(more("ACK ip.ecn=not-ect"), ["an octet more", "ip.ecn changed"]);
        assert_eq!(more("ACK <>"), ["an octet more", "with <ts>"]);
        assert_eq!(more("ACK <!mss>"), ["an octet more", "with <mss>"]);
    }

    #[test]
    fn octets_and_options_are_changed_in_each_part() {
        let blocks = TcpOption::Sack(vec![(1, 2), (5, 6)]);
        let ack = packet(Flags::ACK, vec![blocks], b"abc");
        let more = names("ACK \"abc\" <sack 1:2 5:6>", &ack, false)[9..].to_vec();
        let payload = [
            "first octet changed",
            "last octet changed",
            "an octet less",
            "an octet more",
        ];
        assert_eq!(more[..4], payload);
        let sack =
            ["left edge", "right edge", "order", "number of blocks"].map(|what| format!("<sack> with another {what}"));
        assert_eq!(more[4], "without <sack>");
        assert_eq!(more[5..], sack);
        assert_eq!(
            names("ACK again", &ack, false)[9..],
            [payload[0], payload[1], payload[3]]
        );
    }

    #[test]
    fn what_nobody_prescribes_is_left_alone() {
        let syn = packet(Flags::SYN, vec![], b"");
        assert!(
            !names("SYN", &syn, true).iter().any(|what| what.starts_with("seq")),
            "any ISN is as good"
        );
        assert!(names("SYN", &syn, false).iter().any(|what| what.starts_with("seq")));
        assert!(
            !names("SYN", &syn, true).iter().any(|what| what.starts_with("ack")),
            "it has no ACK"
        );
        let reset = packet(Flags::RST, vec![], b"");
        assert!(
            !names("RST seq=100", &reset, false).contains(&"an octet more".to_owned()),
            "a RST may carry text"
        );
    }
}
