//! What is decided about a reset.

use crate::model::decision::decisions;
use crate::model::segment_arrives::Arriving;
use crate::model::segment_arrives::fate::{Ending, Fate, Next, Reply};
use crate::model::seq::span;
use crate::model::tcb::{Opened, Tcb};
use crate::rfc::State;
use crate::stack::ErrorName;

/// The connection is reset.
const OBEYED: Fate = Fate::DROP.then(Next::Obey);

/// The peer is asked to confirm by a reset with the right number.
const CHALLENGED: Fate = Fate::answer(Reply::Challenge);

/// What a reset does by RFC 5961 section 3.2; `exact` says whether it has the number that ends the connection.
fn by_number(tcb: &Tcb, segment: &Arriving, exact: bool) -> Fate {
    match exact {
        true => OBEYED,
        false if is_inside(tcb, segment) => CHALLENGED,
        false => Fate::DROP,
    }
}

fn is_inside(tcb: &Tcb, segment: &Arriving) -> bool {
    span(tcb.rcv_nxt, segment.seq) < tcb.rcv_wnd()
}

/// Whether a reset has the number behind the highest text above a gap, which the peer knows from SACK.
fn ends_what_is_held(tcb: &Tcb, segment: &Arriving) -> bool {
    let highest = tcb.received.islands(tcb.rcv_nxt).last().map(|(_, end)| *end);
    tcb.agreed.sack && highest == Some(segment.seq)
}

decisions! {
    /// Whether a segment with RST is a reset, whatever else is on it.
    "RFC 9293 section 3.10.7.4, second check"
    fn is_reset(_tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => segment.rst,
        wrong RstWithFinEndsOrderly if segment.fin => false,
    }

    /// What a reset does: at RCV.NXT it ends the connection; elsewhere in the window it is answered by a challenge ACK,
    /// so that only a peer that sees the connection can end it. Before RFC 5961 it ended the connection anywhere in the
    /// window. TIME-WAIT may be kept from ending early (RFC 1337 section 3, fix F1).
    "RFC 9293 section 3.10.7.4, second check; RFC 5961 section 3.2"
    fn reset(tcb: &Tcb, segment: &Arriving) -> Fate {
        lawful => by_number(tcb, segment, segment.seq == tcb.rcv_nxt),
        or Rfc5961No if is_inside(tcb, segment) => OBEYED,
        or Rfc1337 if tcb.state == State::TimeWait => Fate::DROP,
        wrong ExactRstChallenged => by_number(tcb, segment, false),
        wrong ExactRstOffByOne => by_number(tcb, segment, segment.seq == tcb.rcv_nxt.advanced(1)),
        wrong RstAtSackEdgeObeyed if ends_what_is_held(tcb, segment) => OBEYED,
        wrong AcceptRstOutsideWindow => OBEYED,
        wrong AcceptAnyRst if is_inside(tcb, segment) => OBEYED,
        wrong NoChallengeForRst => lawful.replying(Reply::Nothing),
        wrong ChallengeAndObey if lawful == CHALLENGED => OBEYED.replying(Reply::Challenge),
        wrong ZeroWindowResetIgnored if tcb.rcv_wnd() == 0 => Fate::DROP,
        wrong IgnoreRst if lawful == OBEYED => Fate::DROP,
        wrong RstNeedsAck if lawful == OBEYED && !segment.ack_bit => Fate::DROP,
        wrong RstWithDataIgnored if lawful == OBEYED && !segment.text.is_empty() => Fate::DROP,
        wrong RstAckValueJudged if lawful == OBEYED && segment.ack_bit && segment.ack != tcb.snd_nxt => Fate::DROP,
        wrong RstIgnoredInSynReceived if lawful == OBEYED && tcb.state == State::SynReceived => Fate::DROP,
        wrong RstIgnoredInFinWait
            if lawful == OBEYED && matches!(tcb.state, State::FinWait1 | State::FinWait2) => Fate::DROP,
        wrong RstIgnoredInCloseWait if lawful == OBEYED && tcb.state == State::CloseWait => Fate::DROP,
        wrong RstIgnoredWhileClosing
            if lawful == OBEYED && matches!(tcb.state, State::Closing | State::LastAck) => Fate::DROP,
    }

    /// How the connection ends by a reset. SYN-RECEIVED goes back to the state that it came from: after a
    /// passive open the user is not told, unless fast open has given it the connection already. While both ends close
    /// there is nothing to tell.
    "RFC 9293 section 3.10.7.4, second check"
    fn ending_by_reset(tcb: &Tcb) -> Ending {
        lawful => match (tcb.state, tcb.opened) {
            (State::SynReceived, Opened::Active) => Ending::Error(ErrorName::Refused, "connection refused"),
            (State::SynReceived, Opened::Passive(_)) if !tcb.fast_open => Ending::Quiet,
            (State::Closing | State::LastAck | State::TimeWait, _) => Ending::Quiet,
            _ => Ending::Error(ErrorName::Reset, "connection reset"),
        },
        wrong RefusalNotToldInSynReceived
            if tcb.state == State::SynReceived && tcb.opened == Opened::Active => Ending::CallsForgotten,
        wrong RstNotTold if tcb.state == State::Established => Ending::CallsForgotten,
        wrong RstLooksLikeEnd if tcb.state == State::Established => Ending::EndOfStream,
    }
}
