//! What is decided in LISTEN, about SYN cookies, and about SYNs that reopen a connection in TIME-WAIT.

use super::{honours, is_half_open_of};
use crate::model::Model;
use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::fast_open::may_be_cookie;
use crate::model::segment_arrives::Arriving;
use crate::model::tcb::Tcb;
use crate::rfc::State;
use crate::stack::SocketId;
use crate::wire::SeqNum;

/// What becomes of a SYN that carries more than SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum SynFate {
    /// It is processed further.
    Taken,
    /// It is dropped.
    Dropped,
    /// It is dropped, and leaves a half-open connection behind.
    DroppedHalf,
}

decisions! {
    /// Whether a reset for a listener is answered by a reset: it is ignored.
    "RFC 9293 section 3.10.7.2, first check"
    fn reset_draws_reset(_cx: &Context) -> bool {
        lawful => false,
        wrong ListenerAnswersRst => true,
    }

    /// Whether a listener listens on after a reset.
    "RFC 9293 section 3.10.7.2, first check"
    fn listens_after_reset(_cx: &Context) -> bool {
        lawful => true,
        wrong ListenerClosedByRst => false,
    }

    /// Whether a segment with ACK is treated as an ACK, whatever other flags it has.
    "RFC 9293 section 3.10.7.2, second check"
    fn is_ack(_cx: &Context, segment: &Arriving) -> bool {
        lawful => segment.ack_bit,
        wrong ListenerTakesSynAck if segment.syn => false,
    }

    /// Whether an ACK for a listener draws a reset: there is nothing yet that it could acknowledge.
    "RFC 9293 section 3.10.7.2, second check"
    fn ack_draws_reset(_cx: &Context, segment: &Arriving) -> bool {
        lawful => true,
        wrong ListenerIgnoresAcks => false,
        wrong ListenerIgnoresSynAcks if segment.syn => false,
    }

    /// Whether a segment with neither RST, ACK nor SYN draws a reset: it is dropped.
    "RFC 9293 section 3.10.7.2, fourth check"
    fn nonsense_draws_reset(_cx: &Context) -> bool {
        lawful => false,
        wrong ListenerResetsNonsense => true,
    }

    /// Whether a SYN with an option of impossible length is answered by a reset.
    "RFC 9293 section 3.2; MUST-7"
    fn illegal_option_resets(_cx: &Context, segment: &Arriving) -> bool {
        lawful => false,
        or IllegalOptionReset => segment.illegal_option,
    }

    /// What becomes of a SYN that carries more than SYN: it is taken, whatever that is.
    "RFC 9293 section 3.10.7.2, third check"
    fn syn(_cx: &Context, segment: &Arriving) -> SynFate {
        lawful => SynFate::Taken,
        or SynFinNo if segment.fin => SynFate::Dropped,
        wrong SynWithUrgDropped if segment.urg => SynFate::Dropped,
        wrong SynWithEcnDropped if segment.ece => SynFate::Dropped,
        wrong SynFinHalfKept if lawful == SynFate::Dropped => SynFate::DroppedHalf,
    }

    /// Whether a listener takes SYNs while connections of its own are half-open.
    "RFC 9293 section 3.9.1.1; MUST-42"
    fn listens_while_half_open(model: &Model, socket: SocketId) -> bool {
        lawful => true,
        wrong ListenerBusyWhileHalfOpen => !model.tcbs.values().any(|tcb| is_half_open_of(tcb, socket)),
    }

    /// Whether a SYN is answered by a SYN cookie; `scarce` says that the backlog has room for the connection, but there
    /// is none for another half-open one.
    "RFC 4987 section 3.6"
    fn syn_draws_cookie(_cx: &Context, scarce: bool) -> bool {
        lawful => scarce,
        or SynCookiesNever => false,
        or SynCookiesAlways => true,
    }

    /// Whether a SYN that finds the backlog full is answered by a reset; otherwise it is dropped, and the peer will
    /// send it again.
    "RFC 9293 section 3.10.7.2, third check"
    fn full_backlog_resets(_cx: &Context) -> bool {
        lawful => false,
        or BacklogFullReset => true,
    }

    /// The ISS of a connection that reopens one in TIME-WAIT: above every number that the old one used.
    "RFC 9293 section 3.6.1; MAY-2"
    fn reopening_iss(old: &Tcb, iss: SeqNum) -> SeqNum {
        lawful => match old.snd_nxt.before(iss) {
            true => iss,
            false => old.snd_nxt.advanced(64_000),
        },
        wrong ReopenedWithOldNumbers => old.iss,
    }

    /// Whether TIME-WAIT goes on if the SYN that reopened the connection turns out to be an old duplicate.
    "RFC 9293 section 3.6.1; MAY-2"
    fn time_wait_can_go_on(_old: &Tcb) -> bool {
        lawful => true,
        wrong OldSynEndsTimeWait => false,
    }

    /// Whether the user timeout that the peer announces on its SYN already applies to the handshake.
    "RFC 5482 section 3.1"
    fn user_timeout_on_syn_counts(_tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => false,
        wrong UserTimeoutHalfOpen => segment.user_timeout.is_some(),
    }

    /// Whether text on a SYN is delivered before the handshake has shown that the peer is there.
    "RFC 9293 sections 3.10.7.2 and 3.4"
    fn syn_text_is_delivered(_tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => false,
        wrong SynDataDeliveredEarly => !segment.text.is_empty(),
    }

    /// Whether text on a SYN is acknowledged and thrown away.
    "RFC 9293 section 3.10.7.2, third check"
    fn syn_text_is_lost(tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => false,
        wrong SynDataLost if !tcb.fast_open => !segment.text.is_empty(),
    }

    /// The timestamps on a SYN,ACK with a SYN cookie, in which options are encoded; `None` where that is not done.
    "RFC 4987 section 3.6"
    fn timestamps_beside_cookie(_cx: &Context, segment: &Arriving) -> Option<(u32, u32)> {
        lawful => None,
        or CookieOptions => segment.timestamps,
    }

    /// Whether an ACK may carry a SYN cookie.
    "RFC 4987 section 3.6"
    fn cookie_may_come_back(_cx: &Context) -> bool {
        lawful => true,
        or SynCookiesNever => false,
    }

    /// SendMSS after a SYN cookie.
    "RFC 4987 section 3.6"
    fn mss_of_cookie(_cx: &Context, mss: u16) -> usize {
        lawful => usize::from(mss),
        wrong CookieMssForgotten => 1460,
    }

    /// Whether timestamps are in use after a SYN cookie; `remembered` says what the cookie's timestamp encodes.
    "RFC 4987 section 3.6"
    fn timestamps_after_cookie(_cx: &Context, remembered: bool) -> bool {
        lawful => remembered,
        wrong CookieOptionsMisread => true,
    }

    /// How many fast opens may be pending, where `asked` is what the application has asked for; `None`: fast open is
    /// off.
    "RFC 7413 sections 2 and 5.1"
    fn pending_fast_opens(_cx: &Context, asked: Option<usize>) -> Option<usize> {
        lawful => asked,
        wrong FastOpenUnasked => asked.or(Some(16)),
    }

    /// Whether a fast open option is answered: it asks for a cookie, or has a length that a cookie can have.
    "RFC 7413 section 4.1.1"
    fn fast_open_option_is_read(_cx: &Context, offered: &[u8]) -> bool {
        lawful => offered.is_empty() || may_be_cookie(offered),
        wrong FastOpenOddLengthTaken => true,
    }

    /// Whether one more fast open may be pending, beside `pending` others of at most `most`.
    "RFC 7413 section 5.1"
    fn fast_open_has_room(_cx: &Context, pending: usize, most: usize) -> bool {
        lawful => pending < most,
        wrong FastOpenUnlimited => true,
    }

    /// Whether a fast open cookie is the right one for the peer.
    "RFC 7413 section 4.2.2"
    fn fast_open_cookie_is_good(_cx: &Context, offered: &[u8], right: &[u8]) -> bool {
        lawful => offered == right,
        wrong FastOpenTakesAnyCookie if !offered.is_empty() => true,
    }

    /// Whether a connection is in a state in which a SYN may reopen it.
    "RFC 9293 section 3.6.1; MAY-2"
    fn waits_for_reopening(old: &Tcb) -> bool {
        lawful => old.state == State::TimeWait,
        wrong ReopensBeforeTimeWait
            if matches!(old.state, State::FinWait2 | State::Closing | State::LastAck) => true,
    }

    /// Whether SYNs reopen connections at all.
    "RFC 9293 section 3.6.1; MAY-2"
    fn reopening_is_allowed(_old: &Tcb) -> bool {
        lawful => true,
        or ReopenTimeWaitNo => false,
    }

    /// Whether a SYN reopens a connection in TIME-WAIT: by its timestamp, or by its sequence number.
    "RFC 6191 section 2"
    fn syn_reopens(old: &Tcb, segment: &Arriving) -> bool {
        lawful => honours(old, segment, segment.timestamps),
        or TimestampsNo => honours(old, segment, None),
        wrong TimeWaitTakesNoSyn => false,
        wrong TimeWaitTakesAnySyn => true,
    }

    /// Whether a SYN that does not reopen the connection is dropped; otherwise it is processed like any SYN for that
    /// state.
    "RFC 6191 section 2"
    fn unfit_syn_is_dropped(_old: &Tcb) -> bool {
        lawful => true,
        or AnswerUnfitSyn => false,
        wrong TimeWaitTakesNoSyn => true,
    }
}
