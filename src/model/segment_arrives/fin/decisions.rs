//! What is decided about the peer's FIN.

use crate::model::decision::decisions;
use crate::model::segment_arrives::Arriving;
use crate::model::segment_arrives::fate::Acknowledged;
use crate::model::seq::plus;
use crate::model::tcb::Tcb;
use crate::rfc::State;
use crate::wire::SeqNum;

/// What is done with a FIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Taken {
    /// It ends the stream now.
    Now,
    /// It waits until the text before it has come.
    Later,
    /// It is forgotten.
    Never,
}

/// What becomes of a second FIN from the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum SecondFin {
    /// It is answered by an ACK that acknowledges nothing new.
    Answered,
    /// RCV.NXT moves over it, as the letter of the text has it; the state stays.
    Counted,
    /// It is ignored.
    Ignored,
    /// It leads to TIME-WAIT.
    MovesState,
}

decisions! {
    /// When a FIN is acknowledged.
    "RFC 9293 section 3.10.7.4, eighth check"
    fn fin_is_acknowledged(_tcb: &Tcb) -> Acknowledged {
        lawful => Acknowledged::AtOnce,
        wrong FinNotAcked => Acknowledged::Never,
        wrong FinAckDelayed => Acknowledged::Later,
    }

    /// What becomes of a second FIN: the text can be read in each of these ways. A FIN below RCV.NXT is the first one
    /// once more, whose number was taken from a SYN a moment ago.
    "RFC 9293 section 3.10.7.4, eighth check, CLOSE-WAIT STATE"
    fn second_fin(tcb: &Tcb, segment: &Arriving) -> SecondFin {
        lawful => SecondFin::Answered,
        or SecondFinCount if segment.seq == tcb.rcv_nxt && segment.text.is_empty() => SecondFin::Counted,
        or SecondFinIgnore if is_not_below(tcb, segment) => SecondFin::Ignored,
        wrong SecondFinCounted if segment.seq == tcb.rcv_nxt => SecondFin::MovesState,
    }

    /// What is done with a FIN whose sequence number is `fin`.
    "RFC 9293 section 3.10.7.4, eighth check; SHLD-31"
    fn fin_is_taken(tcb: &Tcb, fin: SeqNum) -> Taken {
        lawful => match fin == tcb.rcv_nxt {
            true => Taken::Now,
            false if tcb.rcv_nxt.before(fin) => Taken::Later,
            false => Taken::Never,
        },
        or KeepOutOfOrderFinNo if lawful == Taken::Later => Taken::Never,
        wrong FinTakenAboveGap if tcb.rcv_nxt.before(fin) => Taken::Now,
        wrong FinDroppedAboveGap if tcb.rcv_nxt.before(fin) => Taken::Never,
    }

    /// How many octets that came before the FIN the user can still read.
    "RFC 9293 section 3.10.7.4, eighth check"
    fn octets_before_end(tcb: &Tcb) -> usize {
        lawful => tcb.received.ready.len(),
        wrong EndBeforeData => 0,
    }

    /// By how many numbers RCV.NXT moves over the FIN.
    "RFC 9293 section 3.10.7.4, eighth check, and section 3.4"
    fn numbers_of_fin(_tcb: &Tcb) -> i64 {
        lawful => 1,
        wrong PeersFinNotCounted => 0,
    }

    /// The state to which the peer's FIN leads. In FIN-WAIT-1 our FIN is not acknowledged, since the fifth check would
    /// have entered FIN-WAIT-2 otherwise.
    "RFC 9293 section 3.10.7.4, eighth check"
    fn state_after_fin(tcb: &Tcb) -> State {
        lawful => match tcb.state {
            State::SynReceived | State::Established => State::CloseWait,
            State::FinWait1 => State::Closing,
            State::FinWait2 => State::TimeWait,
            state => state,
        },
        wrong CrossingFinEntersTimeWait if tcb.state == State::FinWait1 => State::TimeWait,
        wrong TimeWaitSkipped if tcb.state == State::FinWait2 => State::Closed,
    }

    /// Whether the peer's FIN makes our end close as well, as if the user had called CLOSE.
    "RFC 9293 section 3.6"
    fn fin_closes_both(tcb: &Tcb) -> bool {
        lawful => false,
        wrong FinAnsweredByFin if matches!(tcb.state, State::SynReceived | State::Established) => true,
    }

    /// Whether the user is told that the stream has ended.
    "RFC 9293 section 3.10.7.4, eighth check"
    fn end_is_told(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong EndNotTold => false,
    }
}

/// Whether a FIN lies at or above RCV.NXT.
fn is_not_below(tcb: &Tcb, segment: &Arriving) -> bool {
    !plus(segment.seq, segment.text.len()).before(tcb.rcv_nxt)
}
