//! What is decided about the user's calls.

use crate::model::decision::decisions;
use crate::model::tcb::{Receiving, Tcb};
use crate::rfc::State;
use crate::wire::SeqNum;

/// What becomes of a SEND.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum SendFate {
    /// It is queued.
    Queued,
    /// It is refused: the connection is closing.
    Closing,
    /// It is refused: there is no connection yet.
    NotConnected,
    /// It succeeds, and its octets are thrown away.
    ThrownAway,
}

/// What an ABORT does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum AbortFate {
    /// The peer is sent a reset, and the TCB is deleted.
    Resets,
    /// The TCB is deleted.
    Deletes,
    /// Nothing: TIME-WAIT runs on.
    Stays,
    /// It is a CLOSE.
    Closes,
}

/// Whether CLOSE has been called in this state.
fn is_closed_by_user(state: State) -> bool {
    matches!(
        state,
        State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck | State::TimeWait
    )
}

/// Whether the peer may still have something to send or to get that an ABORT takes away.
fn is_open_for_peer(state: State) -> bool {
    matches!(
        state,
        State::SynReceived | State::Established | State::FinWait1 | State::FinWait2 | State::CloseWait
    )
}

decisions! {
    /// What becomes of a SEND: it is queued until the connection is established and there is room, and refused once the
    /// connection is closing.
    "RFC 9293 section 3.10.2"
    fn send(tcb: &Tcb) -> SendFate {
        lawful => match is_closed_by_user(tcb.state) || tcb.closing || tcb.user.close.is_some() {
            true => SendFate::Closing,
            false => SendFate::Queued,
        },
        wrong SendWhileOpeningRefused
            if matches!(tcb.state, State::SynSent | State::SynReceived) => SendFate::NotConnected,
        wrong SendAfterCloseTaken if is_closed_by_user(tcb.state) => SendFate::ThrownAway,
    }

    /// SND.UP after an urgent SEND of that length, which is queued: behind its last octet. It never moves back.
    "RFC 9293 sections 3.10.2 and 3.8.5"
    fn urgent_end(tcb: &Tcb, length: usize) -> SeqNum {
        lawful => tcb.queue.end(),
        wrong UrgentPointerRecedes => tcb.snd_nxt.advanced(length as i64),
    }

    /// Whether the user is told that there is urgent data: as long as any is left that has not been read.
    "RFC 9293 section 3.8.5; MUST-32 and MUST-33"
    fn urgent_is_told(tcb: &Tcb) -> bool {
        lawful => {
            let read = tcb.rcv_nxt.advanced(-(tcb.received.ready.len() as i64));
            tcb.rcv_up.is_some_and(|up| read.before(up))
        },
        wrong UrgentToldForEver => tcb.rcv_up.is_some(),
        wrong UrgentNotTold => false,
    }

    /// Whether what has come is handed to the user, where `ended` says that nothing follows: it need not be pushed.
    "RFC 9293 section 3.10.3"
    fn text_is_delivered(tcb: &Tcb, ended: bool) -> bool {
        lawful => true,
        wrong DataWithoutPushHeld if !tcb.pushed && !ended => false,
    }

    /// Whether a RECEIVE has got as much as it asked for.
    "RFC 9293 section 3.10.3"
    fn receive_is_served(_tcb: &Tcb, receive: &Receiving) -> bool {
        lawful => match receive.amount {
            Some(amount) => receive.data.len() >= amount,
            None => !receive.data.is_empty(),
        },
        wrong ReceiveReturnsEarly => !receive.data.is_empty(),
    }

    /// Whether CLOSE in SYN-SENT sends a reset: it only deletes the TCB.
    "RFC 9293 section 3.10.4, SYN-SENT STATE"
    fn close_in_syn_sent_resets(_tcb: &Tcb) -> bool {
        lawful => false,
        wrong CloseInSynSentResets => true,
    }

    /// Whether a CLOSE after CLOSE sends another FIN: it is an error.
    "RFC 9293 section 3.10.4, FIN-WAIT-1 STATE"
    fn second_close_sends_fin(tcb: &Tcb) -> bool {
        lawful => false,
        wrong CloseTwiceSendsTwice => is_closed_by_user(tcb.state),
    }

    /// Whether a CLOSE is an ABORT, where `both` says that reading is given up too: only if the application has asked that
    /// nothing should linger.
    "RFC 9293 section 3.10.4"
    fn close_aborts(tcb: &Tcb, both: bool) -> bool {
        lawful => both && tcb.settings.linger_zero,
        wrong CloseResets => true,
    }

    /// Whether the peer is told by a reset that the user leaves received data unread.
    "RFC 9293 section 3.6.1; SHLD-3"
    fn unread_data_resets(tcb: &Tcb) -> bool {
        lawful => {
            let has_peer = tcb.is_synchronized() || tcb.state == State::SynReceived;
            !tcb.received.ready.is_empty() && has_peer
        },
        or CloseWithUnreadFin => false,
        wrong CloseUnreadByFin => false,
    }

    /// Whether what is queued when CLOSE takes place still goes out.
    "RFC 9293 section 3.10.4, ESTABLISHED STATE"
    fn close_keeps_queue(tcb: &Tcb) -> bool {
        lawful => true,
        wrong CloseLosesQueue if tcb.unsent() > 0 => false,
    }

    /// Whether CLOSE takes place in SYN-RECEIVED already: where nothing is queued.
    "RFC 9293 section 3.10.4, SYN-RECEIVED STATE"
    fn closes_in_syn_received(tcb: &Tcb) -> bool {
        lawful => tcb.unsent() == 0,
        or CloseInSynReceivedWait => false,
    }

    /// What an ABORT does: the peer is told by a reset where it may still have something to send or to get.
    "RFC 9293 section 3.10.5"
    fn abort(tcb: &Tcb) -> AbortFate {
        lawful => match is_open_for_peer(tcb.state) {
            true => AbortFate::Resets,
            false => AbortFate::Deletes,
        },
        or AbortInTimeWaitStay if tcb.state == State::TimeWait => AbortFate::Stays,
        wrong AbortSilentInCloseWait if tcb.state == State::CloseWait => AbortFate::Deletes,
        wrong AbortSilentInFinWait if matches!(tcb.state, State::FinWait1 | State::FinWait2) => AbortFate::Deletes,
        wrong AbortSendsFin if tcb.state == State::Established => AbortFate::Closes,
        wrong AbortSilent if lawful == AbortFate::Resets => AbortFate::Deletes,
        wrong AbortAlwaysResets if lawful == AbortFate::Deletes => AbortFate::Resets,
    }

    /// Whether who resets a connection stays in TIME-WAIT.
    "RFC 9293 section 3.10.5; RFC 1337 section 3"
    fn time_wait_follows_reset(tcb: &Tcb) -> bool {
        lawful => false,
        or TimeWaitAfterReset => is_open_for_peer(tcb.state) && tcb.state != State::SynReceived,
    }
}
