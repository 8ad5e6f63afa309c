//! What is decided in SYN-SENT, and about text on SYNs.

use crate::model::decision::decisions;
use crate::model::segment_arrives::Arriving;
use crate::model::segment_arrives::fate::{Ending, Fate, Next, Reply};
use crate::model::seq::leq;
use crate::model::tcb::{Opened, Tcb};
use crate::stack::ErrorName;

/// What becomes of text and FIN on a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum SynText {
    /// They are kept for later, and acknowledged once the handshake has proven the peer.
    Held,
    /// They are kept for later, and acknowledged with the SYN.
    Acknowledged,
    /// They are thrown away; the peer sends them again.
    Discarded,
}

/// A segment is refused: by a reset, unless it is one.
fn refused(segment: &Arriving) -> Fate {
    match segment.rst {
        true => Fate::DROP,
        false => Fate::answer(Reply::Reset),
    }
}

/// Nobody listens there, or nobody does any more.
const RESET: Next = Next::End(Ending::Error(ErrorName::Reset, "connection reset"));
const REFUSED: Next = Next::End(Ending::Error(ErrorName::Refused, "connection reset"));

decisions! {
    /// What becomes of a segment with this ACK: one of anything but our SYN belongs to no connection of ours, and draws a
    /// reset. An ACK of part of what was sent is as good as one of all (the text warns of `==`).
    "RFC 9293 section 3.10.7.3, first check"
    fn ack_in_syn_sent(tcb: &Tcb, segment: &Arriving) -> Fate {
        lawful => match leq(segment.ack, tcb.iss) || tcb.snd_nxt.before(segment.ack) {
            true => refused(segment),
            false => Fate::PROCESS,
        },
        wrong SynSentTakesAckOfIss if segment.ack == tcb.iss => Fate::PROCESS,
        wrong SynSentRefusesPartialAck if segment.ack != tcb.snd_nxt => refused(segment),
        wrong SynSentTakesAnyAck if !segment.rst => Fate::PROCESS,
        wrong SynSentResetsResets if !lawful.goes_on() => Fate::answer(Reply::Reset),
        wrong SynSentBadAckSilent if !lawful.goes_on() => Fate::DROP,
        wrong SynSentBadAckCloses if !lawful.goes_on() => lawful.then(RESET),
    }

    /// What a reset does: it counts only if its ACK is acceptable; then nobody listens there.
    "RFC 9293 section 3.10.7.3, second check"
    fn reset_in_syn_sent(tcb: &Tcb, segment: &Arriving) -> Fate {
        lawful => match segment.ack_bit && tcb.acks_new(segment.ack) {
            true => Fate::DROP.then(REFUSED),
            false => Fate::DROP,
        },
        wrong SynSentObeysAnyRst => Fate::DROP.then(REFUSED),
        wrong SynSentIgnoresRst => Fate::DROP,
    }

    /// What becomes of a segment with neither SYN nor RST. A FIN cannot be processed, there is nothing to check its number
    /// against.
    "RFC 9293 section 3.10.7.3, fifth check"
    fn without_syn(_tcb: &Tcb, segment: &Arriving) -> Fate {
        lawful => Fate::DROP,
        wrong SynSentAckEstablishes if segment.ack_bit => Fate::DROP.then(Next::Establish),
        wrong SynSentAnswersNonsense => Fate::answer(Reply::Reset),
    }

    /// What becomes of a SYN without ACK.
    "RFC 9293 section 3.10.7.3, fourth check, and section 3.10.7.2"
    fn crossing_syn(tcb: &Tcb, segment: &Arriving) -> Fate {
        lawful => Fate::PROCESS,
        or SynFinNo if segment.fin => Fate::DROP,
        wrong FastOpenCrossingRefused if tcb.snd_nxt != tcb.iss.advanced(1) => Fate::DROP,
        wrong CrossingSynIgnored => Fate::DROP,
    }

    /// What a SYN without ACK draws.
    "RFC 9293 section 3.10.7.3, fourth check, and section 3.5, figure 7"
    fn crossing_syn_draws(_tcb: &Tcb) -> Reply {
        lawful => Reply::SynAck,
        wrong CrossingSynNewIss => Reply::SynAckOfNextIss,
        wrong CrossingSynOnlyAcked => Reply::Ack,
    }

    /// What a SYN,ACK draws.
    "RFC 9293 section 3.10.7.3, fourth check"
    fn syn_ack_draws(_tcb: &Tcb) -> Reply {
        lawful => Reply::Ack,
        wrong SynAckNotAcked => Reply::Nothing,
    }

    /// What becomes of text and FIN on a SYN, which "should be queued for processing later". Who brought no good fast
    /// open cookie has the SYN acknowledged only (RFC 7413 section 4.2.2).
    "RFC 9293 sections 3.10.7.2 and 3.4"
    fn syn_text(tcb: &Tcb, segment: &Arriving) -> SynText {
        lawful => SynText::Held,
        or SynDataAcknowledge if segment.len() > 1 && tcb.cookie.is_none() => SynText::Acknowledged,
        or SynDataDiscard if segment.len() > 1 => SynText::Discarded,
    }

    /// What becomes of text and FIN on a SYN,ACK.
    "RFC 9293 section 3.10.7.3, fourth check"
    fn syn_ack_text(_tcb: &Tcb, segment: &Arriving) -> SynText {
        lawful => SynText::Held,
        or SynAckDataDiscard if segment.len() > 1 => SynText::Discarded,
    }

    /// Whether what the user has sent already goes out once the connection is established.
    "RFC 9293 section 3.10.2, SYN-SENT STATE"
    fn queue_is_kept(tcb: &Tcb) -> bool {
        lawful => true,
        wrong SendWhileOpeningLost if tcb.queue.len() > 0 => false,
    }

    /// How many octets from a SYN the user gets.
    "RFC 9293 section 3.10.7.3, fourth check"
    fn octets_from_syn(tcb: &Tcb) -> usize {
        lawful => tcb.received.ready.len(),
        wrong SynAckTextLost if tcb.opened == Opened::Active => 0,
    }
}
