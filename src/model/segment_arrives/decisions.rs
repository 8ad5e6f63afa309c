//! What is decided about a segment before the checks, and between them.

use crate::model::Switch;
use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::segment_arrives::fate::{Ending, Fate, Next, Reply};
use crate::model::segment_arrives::{Arriving, is_illegal};
use crate::model::tcb::Tcb;
use crate::stack::ErrorName;
use crate::wire::{Checksum, Flags, Segment, TcpOption};

/// What becomes of a segment once its header has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Header {
    /// It is a segment.
    Taken,
    /// It is thrown away.
    Refused,
    /// It brings the stack down.
    Fatal,
}

impl Header {
    /// Whether the segment is processed.
    pub(crate) fn is_taken(self) -> bool {
        assert!(self != Header::Fatal, "an option of no length");
        self == Header::Taken
    }
}

/// The options of a segment: nothing behind the end of the list is one (RFC 9293 section 3.2).
fn options(segment: &Segment) -> impl Iterator<Item = &TcpOption> {
    let end = |option: &&TcpOption| **option != TcpOption::Eol;
    segment.options.iter().take_while(end)
}

fn has_illegal_option(segment: &Segment) -> bool {
    options(segment).any(|option| match option {
        TcpOption::Other { kind, .. } => is_illegal(*kind),
        option => matches!(option, TcpOption::Raw(_)),
    })
}

fn has_unknown_option(cx: &Context, segment: &Segment) -> bool {
    options(segment).any(|option| match option {
        TcpOption::UserTimeout(_) => !cx.config.choices.contains(Switch::UserTimeoutOption),
        option => matches!(option, TcpOption::Other { .. }),
    })
}

fn has_mss(segment: &Segment) -> bool {
    options(segment).any(|option| matches!(option, TcpOption::Mss(_)))
}

decisions! {
    /// Whether a segment can be processed: not if its checksum is wrong, or if its header is cut short or has an
    /// impossible data offset.
    "RFC 9293 section 3.1; MUST-3"
    fn header(cx: &Context, segment: &Segment) -> Header {
        lawful => match (segment.checksum, segment.offset, segment.cut) {
            (Checksum::Right, None, None) => Header::Taken,
            _ => Header::Refused,
        },
        wrong ChecksumIgnored if segment.offset.is_none() && segment.cut.is_none() => Header::Taken,
        wrong ShortHeaderTaken if segment.checksum == Checksum::Right && segment.cut.is_none() => Header::Taken,
        wrong ReservedBitsRefused if segment.flags.reserved() != 0 => Header::Refused,
        wrong UnknownOptionRefused if has_unknown_option(cx, segment) => Header::Refused,
        wrong IllegalOptionPanics if lawful == Header::Taken && has_illegal_option(segment) => Header::Fatal,
        wrong MssOffSynRefused if has_mss(segment) && !segment.flags.contains(Flags::SYN) => Header::Refused,
    }

    /// Whether a segment is dropped that has an option of impossible length; otherwise that option, and those behind
    /// it, are ignored.
    "RFC 9293 section 3.2; MUST-7"
    fn illegal_option_drops(_cx: &Context, illegal: bool) -> bool {
        lawful => false,
        or IllegalOptionDrop => illegal,
    }

    /// What becomes of a segment of a connection that has an option of impossible length. The RFC suggests to reset the
    /// connection; this is done only for a segment that could be the peer's, since anybody can send one.
    "RFC 9293 section 3.2; MUST-7"
    fn illegal_option(tcb: &Tcb, segment: &Arriving) -> Fate {
        lawful => Fate::PROCESS,
        or IllegalOptionReset if segment.illegal_option => match segment.rst || segment.seq != tcb.rcv_nxt {
            true => Fate::DROP,
            false => Fate::answer(Reply::OwnReset)
                .then(Next::End(Ending::Error(ErrorName::Reset, "connection reset for an illegal option"))),
        },
    }

    /// SendMSS after a segment that is no SYN: an MSS option is ignored there.
    "RFC 9293 section 3.7.1; MUST-65"
    fn snd_mss(tcb: &Tcb, segment: &Arriving) -> usize {
        lawful => tcb.snd_mss,
        wrong MssTakenLater => segment.mss.map_or(lawful, usize::from),
    }
}
