//! CLOSED (RFC 9293 section 3.10.7.1), and the reset that it prescribes, which other states use too.

use super::Arriving;
use crate::model::context::Context;
use crate::model::options::{bare, stray_reset_options};
use crate::wire::{Ecn, Flags, Segment, SeqNum};
use core::net::SocketAddr;

/// There is no connection: all data in the segment is discarded, and whatever is no reset draws one.
pub(in crate::model) fn closed(cx: &mut Context, local: SocketAddr, peer: SocketAddr, segment: &Arriving) {
    if segment.rst {
        return;
    }
    send_reset(cx, local, peer, segment);
}

/// Without ACK: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. With it: <SEQ=SEG.ACK><CTL=RST>.
pub(in crate::model) fn send_reset(cx: &mut Context, local: SocketAddr, peer: SocketAddr, segment: &Arriving) {
    let reset = if segment.ack_bit {
        Segment {
            flags: Flags::RST,
            ..bare(segment.ack)
        }
    } else {
        Segment {
            ack: segment.seq.advanced(i64::from(segment.len())),
            flags: Flags::RST | Flags::ACK,
            ..bare(SeqNum(0))
        }
    };
    let options = stray_reset_options(segment);
    cx.send(local, peer, Segment { options, ..reset }, Ecn::NotEct);
}
