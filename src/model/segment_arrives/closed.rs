//! CLOSED (RFC 9293 section 3.10.7.1), and the reset that it prescribes, which other states use too.

use super::Arriving;
use crate::model::context::Context;
use crate::model::defect::Defect;
use crate::model::options::{bare, stray_reset_options};
use crate::wire::{Ecn, Flags, Segment, SeqNum};
use core::net::SocketAddr;

/// There is no connection: all data in the segment is discarded, and whatever is no reset draws one.
pub(in crate::model) fn closed(cx: &mut Context, local: SocketAddr, peer: SocketAddr, segment: &Arriving) {
    let silent = cx.has(Defect::ClosedPortSilent)
        || (cx.has(Defect::ClosedPortIgnoresAcks) && segment.ack_bit)
        || (cx.has(Defect::ClosedPortIgnoresFin) && segment.fin)
        || (cx.has(Defect::ClosedPortIgnoresNoFlags) && !segment.ack_bit && !segment.syn);
    if silent || (segment.rst && !cx.has(Defect::RstForRst)) {
        return;
    }
    send_reset(cx, local, peer, segment);
}

/// What a reset for a segment without ACK acknowledges: SEG.LEN.
fn acknowledged(cx: &Context, segment: &Arriving) -> u32 {
    let mut length = segment.len();
    if cx.has(Defect::RstAckIgnoresSyn) {
        length -= u32::from(segment.syn);
    }
    if cx.has(Defect::RstAckIgnoresFin) {
        length -= u32::from(segment.fin);
    }
    if cx.has(Defect::RstAckIgnoresText) {
        length -= segment.text.len() as u32;
    }
    length
}

/// Without ACK: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. With it: <SEQ=SEG.ACK><CTL=RST>.
pub(in crate::model) fn send_reset(cx: &mut Context, local: SocketAddr, peer: SocketAddr, segment: &Arriving) {
    let reset = if segment.ack_bit {
        Segment {
            flags: if cx.has(Defect::RstAlwaysAcks) {
                Flags::RST | Flags::ACK
            } else {
                Flags::RST
            },
            ..bare(match () {
                () if cx.has(Defect::RstSeqZero) => SeqNum(0),
                () if cx.has(Defect::RstSeqOneTooHigh) => segment.ack.advanced(1),
                () => segment.ack,
            })
        }
    } else {
        Segment {
            ack: segment.seq.advanced(i64::from(acknowledged(cx, segment))),
            flags: if cx.has(Defect::RstLacksAck) {
                Flags::RST
            } else {
                Flags::RST | Flags::ACK
            },
            ..bare(if cx.has(Defect::RstSeqCopied) {
                segment.seq
            } else {
                SeqNum(0)
            })
        }
    };
    let options = match cx.has(Defect::StrayResetWithoutTimestamps) {
        true => Vec::new(),
        false => stray_reset_options(segment),
    };
    cx.send(local, peer, Segment { options, ..reset }, Ecn::NotEct);
}
