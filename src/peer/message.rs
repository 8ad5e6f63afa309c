//! What one end has sent, as a person would call it.

use super::conn::Conn;
use super::frame::Frame;
use crate::notation::{Comparison, Control, Expr, FieldValue, Key, SegmentPattern};
use crate::wire::{Flags, Packet, Segment};
use core::fmt;
use serde::{Deserialize, Serialize};

/// What one end sends, or is to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Message {
    /// A SYN without ACK.
    Syn,
    /// A SYN,ACK.
    SynAck,
    /// An ACK without text.
    Ack,
    /// Text.
    Text,
    /// A FIN, with or without text.
    Fin,
    /// A RST.
    Reset,
    /// A window or keep-alive probe.
    Probe,
    /// Text or control bits that were sent before.
    Retransmission,
    /// A segment without ACK, SYN or RST, or one that cannot be read.
    Malformed,
    /// An ICMP message.
    Icmp,
}

impl Message {
    /// With its article.
    pub const fn name(self) -> &'static str {
        match self {
            Message::Syn => "a SYN",
            Message::SynAck => "a SYN,ACK",
            Message::Ack => "an ACK",
            Message::Text => "text",
            Message::Fin => "a FIN",
            Message::Reset => "a RST",
            Message::Probe => "a probe",
            Message::Retransmission => "a retransmission",
            Message::Malformed => "a malformed segment",
            Message::Icmp => "an ICMP message",
        }
    }

    /// What a packet of the tester is.
    pub(crate) fn of_packet(packet: Option<&Packet>) -> Message {
        packet.and_then(Packet::tcp).map_or(Message::Malformed, Message::of)
    }

    fn of(segment: &Segment) -> Message {
        let has = |flag| segment.flags.contains(flag);
        match () {
            () if has(Flags::RST) => Message::Reset,
            () if has(Flags::SYN | Flags::ACK) => Message::SynAck,
            () if has(Flags::SYN) => Message::Syn,
            () if has(Flags::FIN) => Message::Fin,
            () if !segment.payload.is_empty() => Message::Text,
            () if has(Flags::ACK) => Message::Ack,
            () => Message::Malformed,
        }
    }

    /// What a step waits for.
    pub(crate) fn due(pattern: &SegmentPattern) -> Message {
        let none = FieldValue::Compare(Comparison::Equal, Expr::Number(0));
        let text = pattern.text.is_some() || pattern.field(Key::Data).is_some_and(|octets| *octets != none);
        match () {
            () if matches!(pattern.control, Control::Probe) => Message::Probe,
            () if pattern.sets(Flags::RST) => Message::Reset,
            () if pattern.again => Message::Retransmission,
            () if pattern.sets(Flags::SYN) && pattern.sets(Flags::ACK) => Message::SynAck,
            () if pattern.sets(Flags::SYN) => Message::Syn,
            () if pattern.sets(Flags::FIN) => Message::Fin,
            () if text => Message::Text,
            () => Message::Ack,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Conn {
    /// What a frame of the target is.
    pub(crate) fn message(&self, frame: &Frame) -> Message {
        let repeats = frame.stretch_left() > 0 && frame.end() <= self.snd_nxt;
        match Message::of(frame.segment()) {
            Message::Ack if frame.seq < self.snd_nxt && self.is_probe(frame) => Message::Probe,
            Message::Syn | Message::SynAck if self.saw_syn(frame) => Message::Retransmission,
            Message::Text | Message::Fin if repeats => Message::Retransmission,
            message => message,
        }
    }
}
