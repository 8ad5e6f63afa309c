//! What is decided about the user's calls.

use crate::model::decision::decisions;
use crate::model::tcb::{PendingReceive, Tcb};
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
    /// Nothing happens: TIME-WAIT runs on.
    Stays,
    /// The connection is closed, as by a CLOSE.
    Closes,
}

/// Whether the user has called CLOSE, as this state shows.
fn is_closed_by_user(state: State) -> bool {
    matches!(
        state,
        State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck | State::TimeWait
    )
}

/// Whether section 3.10.5 has ABORT send a reset in this state.
fn is_open_for_peer(state: State) -> bool {
    matches!(
        state,
        State::SynReceived | State::Established | State::FinWait1 | State::FinWait2 | State::CloseWait
    )
}

decisions! {
    /// What becomes of a SEND: its octets are queued, also before the connection is established; once the connection is
    /// closing, it is refused.
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

    /// SND.UP after an urgent SEND of `length` octets has been queued: one past the last of them. It never moves back.
    "RFC 9293 sections 3.10.2 and 3.8.5"
    fn urgent_end(tcb: &Tcb, length: usize) -> SeqNum {
        lawful => tcb.queue.end(),
        wrong UrgentPointerRecedes => tcb.snd_nxt.advanced(length as i64),
    }

    /// Whether the user is told that there is urgent data: as long as some of it has not been read.
    "RFC 9293 section 3.8.5; MUST-32 and MUST-33"
    fn urgent_is_told(tcb: &Tcb) -> bool {
        lawful => {
            let read = tcb.rcv_nxt.advanced(-(tcb.received.ready.len() as i64));
            tcb.rcv_up.is_some_and(|up| read.before(up))
        },
        wrong UrgentToldForEver => tcb.rcv_up.is_some(),
        wrong UrgentNotTold => false,
    }

    /// Whether octets that have come in order are handed to the user. They need not have been pushed; `ended` says that
    /// the stream has ended.
    "RFC 9293 section 3.10.3"
    fn text_is_delivered(tcb: &Tcb, ended: bool) -> bool {
        lawful => true,
        wrong DataWithoutPushHeld if !tcb.pushed && !ended => false,
    }

    /// Whether a RECEIVE has got as much as it asked for.
    "RFC 9293 section 3.10.3"
    fn receive_is_served(_tcb: &Tcb, receive: &PendingReceive) -> bool {
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

    /// Whether a CLOSE is carried out as an ABORT: only if the application gives up reading too (`both`) and has set a
    /// linger time of zero.
    "RFC 9293 section 3.10.4"
    fn close_aborts(tcb: &Tcb, both: bool) -> bool {
        lawful => both && tcb.settings.linger_zero,
        wrong CloseResets => true,
    }

    /// Whether a CLOSE sends a reset because received data is still unread, so that the peer learns that it was lost.
    "RFC 9293 section 3.6.1; SHLD-3"
    fn unread_data_resets(tcb: &Tcb) -> bool {
        lawful => {
            let has_peer = tcb.is_synchronized() || tcb.state == State::SynReceived;
            !tcb.received.ready.is_empty() && has_peer
        },
        or CloseWithUnreadFin => false,
        wrong CloseUnreadByFin => false,
    }

    /// Whether data that is queued when CLOSE takes effect is still sent.
    "RFC 9293 section 3.10.4, ESTABLISHED STATE"
    fn close_keeps_queue(tcb: &Tcb) -> bool {
        lawful => true,
        wrong CloseLosesQueue if tcb.unsent() > 0 => false,
    }

    /// Whether CLOSE takes effect in SYN-RECEIVED already: only where no data is queued.
    "RFC 9293 section 3.10.4, SYN-RECEIVED STATE"
    fn closes_in_syn_received(tcb: &Tcb) -> bool {
        lawful => tcb.unsent() == 0,
        or CloseInSynReceivedWait => false,
    }

    /// What an ABORT does: it sends a reset in the states for which section 3.10.5 asks for one, and deletes the TCB.
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

    /// Whether an endpoint that has sent a reset on ABORT enters TIME-WAIT.
    "RFC 9293 section 3.10.5; RFC 1337 section 3"
    fn time_wait_follows_reset(tcb: &Tcb) -> bool {
        lawful => false,
        or TimeWaitAfterReset => is_open_for_peer(tcb.state) && tcb.state != State::SynReceived,
    }
}
