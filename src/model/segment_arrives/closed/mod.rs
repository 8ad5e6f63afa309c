//! CLOSED (RFC 9293 section 3.10.7.1), and the reset that it prescribes, which other states use too.

pub(in crate::model) mod decisions;

use super::Arriving;
use crate::model::context::Context;
use crate::wire::Ecn;
use core::net::SocketAddr;

/// There is no connection: the data of the segment is discarded, and every segment but a reset is answered by a reset.
pub(in crate::model) fn closed(cx: &mut Context, local: SocketAddr, peer: SocketAddr, segment: &Arriving) {
    if decisions::draws_reset(cx, segment) {
        send_reset(cx, local, peer, segment);
    }
}

/// Without ACK: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. With it: <SEQ=SEG.ACK><CTL=RST>.
pub(in crate::model) fn send_reset(cx: &mut Context, local: SocketAddr, peer: SocketAddr, segment: &Arriving) {
    let reset = decisions::reset(cx, segment);
    cx.send(local, peer, reset, Ecn::NotEct);
}
