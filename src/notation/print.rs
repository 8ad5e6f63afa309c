//! Segments printed as a case would write them.

use super::Key;
use super::scan::escaped;
use crate::wire::{Body, Checksum, Ecn, Flags, Icmp, IcmpKind, Isn, Packet, RelSeq, Segment, SeqNum, TcpOption};
use core::fmt::{self, Display, Write as _};
use serde::{Deserialize, Serialize};

/// The longest payload that is printed as a text, in octets.
const LONGEST_TEXT: usize = 64;

/// Where both directions count from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origins {
    /// The ISN of the one who sent the segment; `None`: unknown, printed as `abs.seq`.
    pub sender: Option<Isn>,
    /// The ISN of the one to whom it was sent; `None`: unknown, printed as `abs.ack`.
    pub receiver: Option<Isn>,
}

/// One line: `SYN,ACK seq=0 ack=1 win=65535 <mss 1460>`. Read back with [`super::Pattern::parse`] as an inject, it
/// gives the same segment, ports aside, if a list of options that is not written is taken for none. (A SYN, to which
/// options are added where none are written, says `<>`.) A payload of more than 64 octets is printed by its length.
///
/// SACK blocks count from the receiver's ISN, whose octets they are; where that is unknown, from 0.
pub fn print_segment(segment: &Segment, origins: Origins) -> String {
    let mut line = Line(String::new());
    line.flags(segment.flags);
    line.fields(segment, origins);
    line.lies(segment);
    line.options(segment, origins.receiver);
    line.payload(&segment.payload);
    line.0
}

/// As [`print_segment`], with the ECN field where it is not `not-ect`; or an ICMP message, with the sequence number of
/// the segment that it quotes. Other packets, and ICMP messages without a name, are printed for a person only.
pub fn print_packet(packet: &Packet, origins: Origins) -> String {
    let mut line = match &packet.body {
        Body::Tcp(segment) => Line(print_segment(segment, origins)),
        Body::Icmp(icmp) => print_icmp(icmp, origins),
        Body::Other { protocol, payload } => Line(format!("protocol {protocol}, {} octets", payload.len())),
    };
    if packet.ip.ecn != Ecn::NotEct {
        line.push(format_args!(" ip.ecn={}", packet.ip.ecn.name()));
    }
    line.0
}

/// The quoted segment was sent by the one to whom the message goes.
fn print_icmp(icmp: &Icmp, origins: Origins) -> Line {
    let mut line = Line(format!("ICMP {}", icmp.kind));
    if icmp.kind == IcmpKind::PacketTooBig {
        line.push(format_args!(" mtu={}", icmp.rest));
    }
    if let Some(quoted) = icmp.quoted() {
        line.push(format_args!(" about"));
        line.number(Key::Seq, quoted.seq, origins.receiver);
    }
    line
}

/// What has been printed so far.
struct Line(String);

impl Line {
    fn push(&mut self, what: fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.0.write_fmt(what);
    }

    fn field(&mut self, key: Key, value: impl Display) {
        self.push(format_args!(" {key}={value}"));
    }

    /// `seq` or `ack` from its origin, or as on the wire if that is unknown.
    fn number(&mut self, key: Key, number: SeqNum, origin: Option<Isn>) {
        match origin {
            Some(isn) => self.field(key, isn.relative(number).0),
            None => self.push(format_args!(" abs.{key}={number}")),
        }
    }

    fn flags(&mut self, flags: Flags) {
        let set = Flags::NAMED.iter().filter(|(flag, _)| flags.contains(*flag));
        let names: Vec<&str> = set.map(|(_, name)| *name).collect();
        self.0 = if names.is_empty() {
            "none".to_string()
        } else {
            names.join(",")
        };
    }

    fn fields(&mut self, segment: &Segment, origins: Origins) {
        self.number(Key::Seq, segment.seq, origins.sender);
        if segment.flags.contains(Flags::ACK) || segment.ack != SeqNum(0) {
            self.number(Key::Ack, segment.ack, origins.receiver);
        }
        self.field(Key::Win, segment.window);
        if segment.flags.contains(Flags::URG) || segment.urgent != 0 {
            self.field(Key::Up, segment.urgent);
        }
    }

    fn lies(&mut self, segment: &Segment) {
        if segment.flags.reserved() != 0 {
            self.field(Key::Reserved, segment.flags.reserved());
        }
        if let Some(offset) = segment.offset {
            self.field(Key::Offset, offset);
        }
        if let Checksum::Wrong(sum) = segment.checksum {
            self.field(Key::Checksum, format_args!("{sum:#06x}"));
        }
        if let Some(cut) = segment.cut {
            self.field(Key::Truncate, cut);
        }
    }

    fn options(&mut self, segment: &Segment, receiver: Option<Isn>) {
        if segment.options.is_empty() && !segment.flags.contains(Flags::SYN) {
            return;
        }
        self.0.push_str(" <");
        for (i, option) in segment.options.iter().enumerate() {
            self.0.push_str(if i == 0 { "" } else { ", " });
            self.option(option, receiver);
        }
        self.0.push('>');
    }

    fn option(&mut self, option: &TcpOption, receiver: Option<Isn>) {
        match option {
            TcpOption::Eol => self.0.push_str("eol"),
            TcpOption::Nop => self.0.push_str("nop"),
            TcpOption::Mss(size) => self.push(format_args!("mss {size}")),
            TcpOption::WindowScale(shift) => self.push(format_args!("wscale {shift}")),
            TcpOption::SackPermitted => self.0.push_str("sackOK"),
            // The notation takes an empty list for blocks to be filled in.
            TcpOption::Sack(blocks) if blocks.is_empty() => self.0.push_str("opt 5"),
            TcpOption::Sack(blocks) => {
                self.0.push_str("sack");
                for (left, right) in blocks {
                    let edge = |edge: u32| match receiver {
                        Some(isn) => isn.relative(SeqNum(edge)),
                        None => RelSeq(i64::from(edge)),
                    };
                    self.push(format_args!(" {}:{}", edge(*left).0, edge(*right).0));
                }
            }
            TcpOption::Timestamps { value, echo } => self.push(format_args!("ts {value} {echo}")),
            TcpOption::Md5(digest) if digest.is_empty() => self.0.push_str("opt 19"),
            TcpOption::Md5(digest) => self.octets("md5", "", digest),
            TcpOption::UserTimeout(raw) => self.push(format_args!("uto {raw}")),
            TcpOption::FastOpen(cookie) => self.octets("fo", "", cookie),
            TcpOption::Other { kind, data } => self.octets(&format!("opt {kind}"), "", data),
            TcpOption::Raw(octets) => self.octets("raw", " ", octets),
        }
    }

    /// A name and octets in hexadecimal.
    fn octets(&mut self, name: &str, between: &str, octets: &[u8]) {
        self.0.push_str(name);
        for (i, octet) in octets.iter().enumerate() {
            let before = if i == 0 { " " } else { between };
            self.push(format_args!("{before}{octet:02x}"));
        }
    }

    fn payload(&mut self, payload: &[u8]) {
        match payload.len() {
            0 => {}
            1..=LONGEST_TEXT => self.push(format_args!(" {}", escaped(payload))),
            length => self.field(Key::Data, length),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::{
        Comparison, Control, Expr, FieldValue, FlagPattern, Octets, OptionValue, Pattern, Role, SegmentPattern,
    };
    use crate::wire::IpHeader;
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample::select;

    /// The segment that a pattern without variables describes; what is not written is zero or absent.
    fn build(pattern: &SegmentPattern, origins: Origins) -> Option<Segment> {
        let field = |key| match pattern.field(key) {
            Some(FieldValue::Compare(Comparison::Equal, expr)) => expr.constant(),
            _ => None,
        };
        let number = |rel: Key, abs: Key, origin: Option<Isn>| {
            let from = |origin: Isn, key| field(key).map(|number| origin.absolute(RelSeq(number)));
            from(Isn::default(), abs)
                .or_else(|| from(origin?, rel))
                .unwrap_or_default()
        };
        let Control::Flags(flags) = &pattern.control else {
            return None;
        };
        let set = |all: Flags, (flag, how): &(Flags, FlagPattern)| match how {
            FlagPattern::Set => all | *flag,
            FlagPattern::Clear | FlagPattern::Free => all,
        };
        let options = pattern.options.as_deref().unwrap_or_default();
        let mut segment = Segment {
            seq: number(Key::Seq, Key::AbsSeq, origins.sender),
            ack: number(Key::Ack, Key::AbsAck, origins.receiver),
            flags: flags.iter().fold(Flags::NONE, set),
            window: field(Key::Win).unwrap_or(0) as u16,
            urgent: field(Key::Up).unwrap_or(0) as u16,
            options: options
                .iter()
                .map(|option| build_option(&option.value, origins.receiver.unwrap_or_default()))
                .collect::<Option<_>>()?,
            payload: pattern.text.clone().unwrap_or_default(),
            offset: field(Key::Offset).map(|words| words as u8),
            cut: field(Key::Truncate).map(|octets| octets as usize),
            ..Segment::default()
        };
        segment.flags = segment.flags.with_reserved(field(Key::Reserved).unwrap_or(0) as u8);
        segment.checksum = field(Key::Checksum).map_or(Checksum::Right, |sum| Checksum::Wrong(sum as u16));
        Some(segment)
    }

    fn build_option(value: &OptionValue, receiver: Isn) -> Option<TcpOption> {
        let number = |expr: &Option<Expr>| expr.as_ref()?.constant();
        let octets = |octets: &Option<Octets>| match octets {
            Some(Octets::Literal(octets)) => Some(octets.clone()),
            Some(Octets::Measured(_)) => None,
            None => Some(Vec::new()),
        };
        let edge = |expr: &Expr| Some(receiver.absolute(RelSeq(expr.constant()?)).0);
        Some(match value {
            OptionValue::Mss(size) => TcpOption::Mss(number(size)? as u16),
            OptionValue::WindowScale(shift) => TcpOption::WindowScale(number(shift)? as u8),
            OptionValue::SackPermitted => TcpOption::SackPermitted,
            OptionValue::Sack(blocks) => {
                let block = |(left, right): &(Expr, Expr)| Some((edge(left)?, edge(right)?));
                TcpOption::Sack(blocks.iter().map(block).collect::<Option<_>>()?)
            }
            OptionValue::Timestamps(value, echo) => TcpOption::Timestamps {
                value: number(value)? as u32,
                echo: number(echo)? as u32,
            },
            OptionValue::Nop => TcpOption::Nop,
            OptionValue::Eol => TcpOption::Eol,
            OptionValue::FastOpen(cookie) => TcpOption::FastOpen(octets(cookie)?),
            OptionValue::Md5(digest) => TcpOption::Md5(octets(digest)?),
            OptionValue::UserTimeout(raw) => TcpOption::UserTimeout(number(raw)? as u16),
            OptionValue::Other(kind, data) => TcpOption::Other {
                kind: *kind,
                data: octets(data)?,
            },
            OptionValue::Raw(octets) => TcpOption::Raw(octets.clone()),
        })
    }

    fn from(sender: u32, receiver: u32) -> Origins {
        Origins {
            sender: Some(Isn(SeqNum(sender))),
            receiver: Some(Isn(SeqNum(receiver))),
        }
    }

    fn syn_ack() -> Segment {
        Segment {
            seq: SeqNum(1000),
            ack: SeqNum(1),
            flags: Flags::SYN | Flags::ACK,
            window: 65_535,
            options: vec![TcpOption::Mss(1460)],
            ..Segment::default()
        }
    }

    fn packet(body: Body) -> Packet {
        Packet {
            ip: IpHeader {
                ecn: Ecn::Ect0,
                ..IpHeader::between("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap())
            },
            body,
        }
    }

    #[test]
    fn numbers_count_from_their_origins_and_across_the_wrap() {
        let line = "SYN,ACK seq=0 ack=1 win=65535 <mss 1460>";
        assert_eq!(print_segment(&syn_ack(), from(1000, 0)), line);
        let line = "SYN,ACK seq=-1 ack=2 win=65535 <mss 1460>";
        assert_eq!(print_segment(&syn_ack(), from(1001, u32::MAX)), line);
        let line = "SYN,ACK seq=-2147483648 ack=1 win=65535 <mss 1460>";
        assert_eq!(print_segment(&syn_ack(), from(1000 + (1 << 31), 0)), line);
        let line = "SYN,ACK abs.seq=1000 abs.ack=1 win=65535 <mss 1460>";
        assert_eq!(print_segment(&syn_ack(), Origins::default()), line);
    }

    #[test]
    fn only_what_stands_out_is_printed() {
        let print = |segment: &Segment| print_segment(segment, from(0, 0));
        assert_eq!(print(&Segment::default()), "none seq=0 win=0");
        let odd = Segment {
            ack: SeqNum(5),
            urgent: 3,
            ..Segment::default()
        };
        assert_eq!(print(&odd), "none seq=0 ack=5 win=0 up=3");
        let urgent = Segment {
            flags: Flags::URG | Flags::ACK,
            payload: b"a\n\"".to_vec(),
            ..Segment::default()
        };
        assert_eq!(print(&urgent), r#"ACK,URG seq=0 ack=0 win=0 up=0 "a\n\"""#);
        let syn = Segment {
            flags: Flags::SYN,
            ..Segment::default()
        };
        assert_eq!(print(&syn), "SYN seq=0 win=0 <>");
    }

    #[test]
    fn lies_are_printed() {
        let lying = Segment {
            flags: Flags::ACK.with_reserved(5),
            offset: Some(4),
            checksum: Checksum::Wrong(0xbad),
            cut: Some(10),
            options: vec![
                TcpOption::Raw(vec![2, 0]),
                TcpOption::Other {
                    kind: 172,
                    data: vec![1, 2],
                },
            ],
            ..Segment::default()
        };
        let line = "ACK seq=0 ack=0 win=0 reserved=5 offset=4 checksum=0x0bad truncate=10 <raw 02 00, opt 172 0102>";
        assert_eq!(print_segment(&lying, from(0, 0)), line);
    }

    #[test]
    fn sack_blocks_count_from_the_receiver() {
        let sack = Segment {
            flags: Flags::ACK,
            options: vec![TcpOption::Nop, TcpOption::Nop, TcpOption::Sack(vec![(5, 10)])],
            ..Segment::default()
        };
        let line = print_segment(&sack, from(0, u32::MAX));
        assert_eq!(line, "ACK seq=0 ack=1 win=0 <nop, nop, sack 6:11>");
    }

    #[test]
    fn long_payloads_are_counted() {
        let mut segment = Segment {
            payload: vec![b'x'; 65],
            ..Segment::default()
        };
        assert_eq!(print_segment(&segment, from(0, 0)), "none seq=0 win=0 data=65");
        segment.payload.pop();
        assert!(print_segment(&segment, from(0, 0)).ends_with("x\""));
    }

    #[test]
    fn packets_show_ecn_and_icmp_what_it_quotes() {
        let line = print_packet(&packet(Body::Tcp(syn_ack())), from(1000, 0));
        assert_eq!(line, "SYN,ACK seq=0 ack=1 win=65535 <mss 1460> ip.ecn=ect0");
        let quote = packet(Body::Tcp(syn_ack())).encode();
        let icmp = Icmp {
            kind: IcmpKind::PacketTooBig,
            rest: 1280,
            quote,
        };
        let mut icmp = packet(Body::Icmp(icmp));
        icmp.ip.ecn = Ecn::NotEct;
        let line = print_packet(&icmp, from(0, 990));
        assert_eq!(line, "ICMP packet-too-big mtu=1280 about seq=10");
        assert!(Pattern::parse(&line, Role::Inject).is_ok());
        let line = print_packet(&icmp, Origins::default());
        assert_eq!(line, "ICMP packet-too-big mtu=1280 about abs.seq=1000");
        let mut other = packet(Body::Other {
            protocol: 17,
            payload: vec![0; 8],
        });
        other.ip.ecn = Ecn::NotEct;
        assert_eq!(print_packet(&other, from(0, 0)), "protocol 17, 8 octets");
    }

    fn any_option() -> impl Strategy<Value = TcpOption> {
        prop_oneof![
            Just(TcpOption::Eol),
            Just(TcpOption::Nop),
            any::<u16>().prop_map(TcpOption::Mss),
            any::<u8>().prop_map(TcpOption::WindowScale),
            Just(TcpOption::SackPermitted),
            vec(any::<(u32, u32)>(), 1..5).prop_map(TcpOption::Sack),
            any::<(u32, u32)>().prop_map(|(value, echo)| TcpOption::Timestamps { value, echo }),
            vec(any::<u8>(), 1..20).prop_map(TcpOption::Md5),
            any::<u16>().prop_map(TcpOption::UserTimeout),
            vec(any::<u8>(), 0..20).prop_map(TcpOption::FastOpen),
            (any::<u8>(), vec(any::<u8>(), 0..20)).prop_map(|(kind, data)| TcpOption::Other { kind, data }),
            vec(any::<u8>(), 1..20).prop_map(TcpOption::Raw),
        ]
    }

    fn any_segment() -> impl Strategy<Value = Segment> {
        let octets = (vec(any_option(), 0..6), vec(any::<u8>(), 0..=LONGEST_TEXT));
        let lies = (
            option::of(0u8..16),
            option::of(any::<u16>()),
            option::of(0usize..=65_535),
        );
        let urgent = prop_oneof![Just(0), any::<u16>()];
        let ack = prop_oneof![Just(0), any::<u32>()];
        (any::<(u32, u16, u16)>(), ack, urgent, octets, lies).prop_map(
            |((seq, flags, window), ack, urgent, (options, payload), (offset, checksum, cut))| Segment {
                seq: SeqNum(seq),
                ack: SeqNum(ack),
                flags: Flags::from_bits(flags),
                window,
                urgent,
                options,
                payload,
                offset,
                checksum: checksum.map_or(Checksum::Right, Checksum::Wrong),
                cut,
                ..Segment::default()
            },
        )
    }

    fn any_origins() -> impl Strategy<Value = Origins> {
        let isn = || option::of(any::<u32>().prop_map(|isn| Isn(SeqNum(isn))));
        (isn(), isn()).prop_map(|(sender, receiver)| Origins { sender, receiver })
    }

    proptest! {
        #[test]
        fn a_printed_segment_is_read_back_to_itself(segment in any_segment(), origins in any_origins()) {
            let line = print_segment(&segment, origins);
            match Pattern::parse(&line, Role::Inject) {
                Ok(Pattern::Segment(pattern)) => prop_assert_eq!(build(&pattern, origins), Some(segment), "{}", line),
                other => prop_assert!(false, "{line}: {other:?}"),
            }
        }

        #[test]
        fn a_printed_packet_can_be_read(
            segment in any_segment(),
            origins in any_origins(),
            ecn in select(Ecn::ALL.to_vec()),
        ) {
            let mut packet = packet(Body::Tcp(segment));
            packet.ip.ecn = ecn;
            let line = print_packet(&packet, origins);
            prop_assert!(Pattern::parse(&line, Role::Inject).is_ok(), "{line}");
        }
    }
}
