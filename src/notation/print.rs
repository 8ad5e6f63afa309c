//! Segments printed as a case would write them.

use super::Key;
use super::scan::escaped;
use crate::wire::{Body, Checksum, Ecn, Flags, Icmp, IcmpKind, Isn, Packet, RelSeq, Segment, SeqNum, TcpOption};
use core::fmt::{self, Display, Write as _};

/// The longest payload that is printed as a text, in octets.
const LONGEST_TEXT: usize = 64;

/// Where both directions count from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
/// the segment that it quotes; or, for a person only, what else it is.
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
