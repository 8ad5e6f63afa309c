//! What is decided about a SYN in the window.

use crate::model::decision::decisions;
use crate::model::segment_arrives::Arriving;
use crate::model::segment_arrives::fate::{Ending, Fate, Next, Reply};
use crate::model::tcb::{Opened, Tcb};
use crate::rfc::State;
use crate::stack::ErrorName;

/// The connection goes back to LISTEN.
const BACK_TO_LISTEN: Fate = Fate::DROP.then(Next::End(Ending::Quiet));

/// The peer is asked to confirm by a reset with the right number.
const CHALLENGED: Fate = Fate::answer(Reply::Challenge);

/// The connection is reset, as before RFC 5961.
const RESET: Fate = Fate::answer(Reply::Reset).then(Next::End(Ending::Error(ErrorName::Reset, "connection reset")));

decisions! {
    /// What a SYN in the window does: after a passive open SYN-RECEIVED goes back to LISTEN; in other states the SYN is
    /// answered by a challenge ACK.
    "RFC 9293 section 3.10.7.4, fourth check; RFC 5961 section 4.2"
    fn syn_in_window(tcb: &Tcb, segment: &Arriving) -> Fate {
        lawful => match (tcb.state, tcb.opened) {
            (State::SynReceived, Opened::Passive(_)) if !tcb.fast_open => BACK_TO_LISTEN,
            _ => CHALLENGED,
        },
        or HalfOpenSynReset if lawful == BACK_TO_LISTEN => BACK_TO_LISTEN.replying(Reply::Reset),
        or Rfc5961No if lawful == CHALLENGED => RESET,
        wrong SynIgnoredInSynReceived if tcb.state == State::SynReceived => CHALLENGED,
        wrong SynRestartsConnection if lawful == CHALLENGED => Fate::answer(Reply::Ack).then(Next::Resynchronize),
        wrong SynInWindowResets if lawful == CHALLENGED => RESET,
        wrong NoChallengeForSyn if lawful == CHALLENGED && !segment.ack_bit => Fate::DROP,
        wrong NoChallengeForSynAck if lawful == CHALLENGED && segment.ack_bit => Fate::DROP,
        wrong SynTextTaken if lawful == CHALLENGED && !segment.text.is_empty() => CHALLENGED.then(Next::TakeText),
    }
}
