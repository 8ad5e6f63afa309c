//! What is decided in LISTEN, about cookies, and about SYNs that reopen a connection out of TIME-WAIT.

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

/// What becomes of a SYN for what else is on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::model) enum Syn {
    /// It is looked at further.
    Taken,
    /// It is dropped.
    Dropped,
    /// It is dropped, and leaves a half-open connection behind.
    DroppedHalf,
}

decisions! {
    /// Whether a reset for a listener draws one: it means nothing there.
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

    /// Whether a segment with ACK is met as such, whatever else is on it.
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

    /// Whether a SYN is reset that has an option whose length cannot be.
    "RFC 9293 section 3.2; MUST-7"
    fn illegal_option_resets(_cx: &Context, segment: &Arriving) -> bool {
        lawful => false,
        or IllegalOptionReset => segment.illegal_option,
    }

    /// What becomes of a SYN for what else is on it: it is taken, whatever that is.
    "RFC 9293 section 3.10.7.2, third check"
    fn syn(_cx: &Context, segment: &Arriving) -> Syn {
        lawful => Syn::Taken,
        or SynFinNo if segment.fin => Syn::Dropped,
        wrong SynWithUrgDropped if segment.urg => Syn::Dropped,
        wrong SynWithEcnDropped if segment.ece => Syn::Dropped,
        wrong SynFinHalfKept if lawful == Syn::Dropped => Syn::DroppedHalf,
    }

    /// Whether a listener takes SYNs while connections of its own are half-open.
    "RFC 9293 section 3.9.1.1; MUST-42"
    fn listens_while_half_open(model: &Model, socket: SocketId) -> bool {
        lawful => true,
        wrong ListenerBusyWhileHalfOpen => !model.tcbs.values().any(|tcb| is_half_open_of(tcb, socket)),
    }

    /// Whether a SYN is answered by a cookie, where `scarce` says that there is a place for the connection to come, but none
    /// for another half-open one.
    "RFC 4987 section 3.6"
    fn syn_draws_cookie(_cx: &Context, scarce: bool) -> bool {
        lawful => scarce,
        or SynCookiesNever => false,
        or SynCookiesAlways => true,
    }

    /// Whether a SYN that finds the backlog full is reset; otherwise it is dropped, and will come again.
    "RFC 9293 section 3.10.7.2, third check"
    fn full_backlog_resets(_cx: &Context) -> bool {
        lawful => false,
        or BacklogFullReset => true,
    }

    /// The ISS of a connection that takes the place of an old one: above everything that the old one used.
    "RFC 9293 section 3.6.1; MAY-2"
    fn reopening_iss(old: &Tcb, iss: SeqNum) -> SeqNum {
        lawful => match old.snd_nxt.before(iss) {
            true => iss,
            false => old.snd_nxt.advanced(64_000),
        },
        wrong ReopenedWithOldNumbers => old.iss,
    }

    /// Whether TIME-WAIT goes on if the SYN turns out to be an old duplicate.
    "RFC 9293 section 3.6.1; MAY-2"
    fn time_wait_can_go_on(_old: &Tcb) -> bool {
        lawful => true,
        wrong OldSynEndsTimeWait => false,
    }

    /// Whether the user timeout counts that the peer announces on its SYN.
    "RFC 5482 section 3.1"
    fn user_timeout_on_syn_counts(_tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => false,
        wrong UserTimeoutHalfOpen => segment.user_timeout.is_some(),
    }

    /// Whether the user gets text that stands on a SYN before the handshake has proven the peer.
    "RFC 9293 sections 3.10.7.2 and 3.4"
    fn syn_text_is_delivered(_tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => false,
        wrong SynDataDeliveredEarly => !segment.text.is_empty(),
    }

    /// Whether text that stands on a SYN is acknowledged, and lost.
    "RFC 9293 section 3.10.7.2, third check"
    fn syn_text_is_lost(tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => false,
        wrong SynDataLost if !tcb.fast_open => !segment.text.is_empty(),
    }

    /// The timestamps that stand beside a cookie and remember what was agreed upon, where that is done.
    "RFC 4987 section 3.6"
    fn timestamps_beside_cookie(_cx: &Context, segment: &Arriving) -> Option<(u32, u32)> {
        lawful => None,
        or CookieOptions => segment.timestamps,
    }

    /// Whether an ACK can bring a cookie back.
    "RFC 4987 section 3.6"
    fn cookie_may_come_back(_cx: &Context) -> bool {
        lawful => true,
        or SynCookiesNever => false,
    }

    /// SendMSS from a cookie.
    "RFC 4987 section 3.6"
    fn mss_of_cookie(_cx: &Context, mss: u16) -> usize {
        lawful => usize::from(mss),
        wrong CookieMssForgotten => 1460,
    }

    /// Whether timestamps are in use after a cookie, where `remembered` says what it remembers.
    "RFC 4987 section 3.6"
    fn timestamps_after_cookie(_cx: &Context, remembered: bool) -> bool {
        lawful => remembered,
        wrong CookieOptionsMisread => true,
    }

    /// How many fast opens may be pending, where `asked` is what the application has asked for; nothing: there are none.
    "RFC 7413 sections 2 and 5.1"
    fn pending_fast_opens(_cx: &Context, asked: Option<usize>) -> Option<usize> {
        lawful => asked,
        wrong FastOpenUnasked => asked.or(Some(16)),
    }

    /// Whether a fast open option asks for a cookie, or is long enough for one, and not too long.
    "RFC 7413 section 4.1.1"
    fn fast_open_option_is_read(_cx: &Context, offered: &[u8]) -> bool {
        lawful => offered.is_empty() || may_be_cookie(offered),
        wrong FastOpenOddLengthTaken => true,
    }

    /// Whether another fast open may be pending, of so many.
    "RFC 7413 section 5.1"
    fn fast_open_has_room(_cx: &Context, pending: usize, most: usize) -> bool {
        lawful => pending < most,
        wrong FastOpenUnlimited => true,
    }

    /// Whether a fast open cookie proves the peer.
    "RFC 7413 section 4.2.2"
    fn fast_open_cookie_is_good(_cx: &Context, offered: &[u8], right: &[u8]) -> bool {
        lawful => offered == right,
        wrong FastOpenTakesAnyCookie if !offered.is_empty() => true,
    }

    /// Whether a connection is in a state out of which a SYN may open it anew.
    "RFC 9293 section 3.6.1; MAY-2"
    fn waits_for_reopening(old: &Tcb) -> bool {
        lawful => old.state == State::TimeWait,
        wrong ReopensBeforeTimeWait
            if matches!(old.state, State::FinWait2 | State::Closing | State::LastAck) => true,
    }

    /// Whether a SYN may open a connection anew at all.
    "RFC 9293 section 3.6.1; MAY-2"
    fn reopening_is_allowed(_old: &Tcb) -> bool {
        lawful => true,
        or ReopenTimeWaitNo => false,
    }

    /// Whether a SYN opens a connection anew: by its timestamp, or by its number.
    "RFC 6191 section 2"
    fn syn_reopens(old: &Tcb, segment: &Arriving) -> bool {
        lawful => honours(old, segment, segment.timestamps),
        or TimestampsNo => honours(old, segment, None),
        wrong TimeWaitTakesNoSyn => false,
        wrong TimeWaitTakesAnySyn => true,
    }

    /// Whether a SYN is dropped that does not open the connection anew; otherwise it meets what any SYN meets there.
    "RFC 6191 section 2"
    fn unfit_syn_is_dropped(_old: &Tcb) -> bool {
        lawful => true,
        or AnswerUnfitSyn => false,
        wrong TimeWaitTakesNoSyn => true,
    }
}
