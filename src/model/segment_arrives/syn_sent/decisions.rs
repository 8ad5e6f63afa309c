//! What is decided in SYN-SENT, and about text on SYNs.

use crate::model::decision::decisions;
use crate::model::segment_arrives::Arriving;
use crate::model::segment_arrives::fate::{Ending, Fate, Next, Reply};
use crate::model::seq::leq;
use crate::model::tcb::{Opened, Tcb};
use crate::stack::ErrorName;

/// What becomes of text and FIN on a SYN or SYN,ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum SynText {
    /// They are kept, and acknowledged once the connection is established.
    Held,
    /// They are kept, and acknowledged together with the SYN.
    Acknowledged,
    /// They are thrown away; the peer sends them again.
    Discarded,
}

/// A segment is refused: it is answered by a reset, unless it is one.
fn refused(segment: &Arriving) -> Fate {
    match segment.rst {
        true => Fate::DROP,
        false => Fate::answer(Reply::Reset),
    }
}

/// The errors by which a connection ends that the peer resets or refuses.
const RESET: Next = Next::End(Ending::Error(ErrorName::Reset, "connection reset"));
const REFUSED: Next = Next::End(Ending::Error(ErrorName::Refused, "connection reset"));

decisions! {
    /// What becomes of a segment with this ACK: one that does not acknowledge our SYN belongs to no connection of ours,
    /// and is answered by a reset. An ACK of part of what was sent is acceptable too (the RFC warns not to compare with
    /// `==`).
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

    /// What a reset does: it counts only if its ACK is acceptable, and then the connection was refused.
    "RFC 9293 section 3.10.7.3, second check"
    fn reset_in_syn_sent(tcb: &Tcb, segment: &Arriving) -> Fate {
        lawful => match segment.ack_bit && tcb.acks_new(segment.ack) {
            true => Fate::DROP.then(REFUSED),
            false => Fate::DROP,
        },
        wrong SynSentObeysAnyRst => Fate::DROP.then(REFUSED),
        wrong SynSentIgnoresRst => Fate::DROP,
    }

    /// What becomes of a segment with neither SYN nor RST. A FIN cannot be processed, since there is nothing that its
    /// number could be checked against.
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

    /// What a SYN without ACK is answered by.
    "RFC 9293 section 3.10.7.3, fourth check, and section 3.5, figure 7"
    fn crossing_syn_draws(_tcb: &Tcb) -> Reply {
        lawful => Reply::SynAck,
        wrong CrossingSynNewIss => Reply::SynAckOfNextIss,
        wrong CrossingSynOnlyAcked => Reply::Ack,
    }

    /// What a SYN,ACK is answered by.
    "RFC 9293 section 3.10.7.3, fourth check"
    fn syn_ack_draws(_tcb: &Tcb) -> Reply {
        lawful => Reply::Ack,
        wrong SynAckNotAcked => Reply::Nothing,
    }

    /// What becomes of text and FIN on a SYN, which "should be queued for processing later". After a SYN without a
    /// valid fast open cookie only the SYN is acknowledged (RFC 7413 section 4.2.2).
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

    /// Whether data of earlier SENDs is sent once the connection is established.
    "RFC 9293 section 3.10.2, SYN-SENT STATE"
    fn queue_is_kept(tcb: &Tcb) -> bool {
        lawful => true,
        wrong SendWhileOpeningLost if tcb.queue.len() > 0 => false,
    }

    /// How many octets of text on a SYN or SYN,ACK are delivered.
    "RFC 9293 section 3.10.7.3, fourth check"
    fn octets_from_syn(tcb: &Tcb) -> usize {
        lawful => tcb.received.ready.len(),
        wrong SynAckTextLost if tcb.opened == Opened::Active => 0,
    }
}
