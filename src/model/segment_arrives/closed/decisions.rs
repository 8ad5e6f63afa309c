//! What is decided about a segment for which there is no connection, and about the reset that it draws.

use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::options::{bare, stray_reset_options};
use crate::model::segment_arrives::Arriving;
use crate::wire::{Flags, Segment, SeqNum};

/// <SEQ=0><ACK=SEG.SEQ+`length`><CTL=RST,ACK>
fn acknowledging(segment: &Arriving, length: u32) -> Segment {
    Segment {
        ack: segment.seq.advanced(i64::from(length)),
        flags: Flags::RST | Flags::ACK,
        options: stray_reset_options(segment),
        ..bare(SeqNum(0))
    }
}

/// <SEQ=`seq`><CTL=RST>
fn numbered(segment: &Arriving, seq: SeqNum) -> Segment {
    Segment {
        flags: Flags::RST,
        options: stray_reset_options(segment),
        ..bare(seq)
    }
}

decisions! {
    /// Whether a segment for no connection is answered by a reset: every segment but a reset is.
    "RFC 9293 section 3.10.7.1"
    fn draws_reset(_cx: &Context, segment: &Arriving) -> bool {
        lawful => !segment.rst,
        wrong RstForRst => true,
        wrong ClosedPortSilent => false,
        wrong ClosedPortIgnoresAcks if segment.ack_bit => false,
        wrong ClosedPortIgnoresFin if segment.fin => false,
        wrong ClosedPortIgnoresNoFlags if !segment.ack_bit && !segment.syn => false,
    }

    /// The reset: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK> for a segment without ACK, <SEQ=SEG.ACK><CTL=RST> for one
    /// with it.
    "RFC 9293 section 3.10.7.1"
    fn reset(_cx: &Context, segment: &Arriving) -> Segment {
        lawful => match segment.ack_bit {
            false => acknowledging(segment, segment.len()),
            true => numbered(segment, segment.ack),
        },
        wrong RstAlwaysAcks => Segment { flags: Flags::RST | Flags::ACK, ..lawful.clone() },
        wrong RstSeqZero => Segment { seq: SeqNum(0), ..lawful.clone() },
        wrong RstSeqOneTooHigh if segment.ack_bit => numbered(segment, segment.ack.advanced(1)),
        wrong RstAckIgnoresSyn if !segment.ack_bit =>
            acknowledging(segment, segment.len() - u32::from(segment.syn)),
        wrong RstAckIgnoresFin if !segment.ack_bit =>
            acknowledging(segment, segment.len() - u32::from(segment.fin)),
        wrong RstAckIgnoresText if !segment.ack_bit =>
            acknowledging(segment, segment.len() - segment.text.len() as u32),
        wrong RstLacksAck => Segment { flags: Flags::RST, ..lawful.clone() },
        wrong RstSeqCopied if !segment.ack_bit => Segment { seq: segment.seq, ..lawful.clone() },
        wrong StrayResetWithoutTimestamps => Segment { options: Vec::new(), ..lawful.clone() },
    }
}
