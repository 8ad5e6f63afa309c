//! What is decided about the ACK field and the window of a segment.

use crate::model::congestion::Mode;
use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::segment_arrives::Arriving;
use crate::model::segment_arrives::fate::{Ending, Fate, Next, Reply};
use crate::model::seq::leq;
use crate::model::tcb::Tcb;
use crate::rfc::State;
use crate::wire::SeqNum;
use core::time::Duration;

/// Whether an ACK lies more than `window` below what is outstanding.
fn is_below(tcb: &Tcb, ack: SeqNum, window: u32) -> bool {
    ack.before(tcb.snd_una.advanced(-i64::from(window)))
}

/// Whether an ACK has the same number as the last one while something is outstanding.
fn is_same_ack(tcb: &Tcb, segment: &Arriving) -> bool {
    segment.ack == tcb.snd_una && tcb.has_outstanding()
}

/// Whether the segment reports text by SACK, as was agreed upon.
fn reports(tcb: &Tcb, segment: &Arriving) -> bool {
    tcb.agreed.sack && !segment.sack.is_empty()
}

decisions! {
    /// What becomes of a segment without ACK.
    "RFC 9293 section 3.10.7.4, fifth check: if the ACK bit is off"
    fn without_ack(tcb: &Tcb, segment: &Arriving) -> Fate {
        lawful => Fate::DROP,
        wrong MissingAckTaken if tcb.is_synchronized() => Fate::PROCESS,
        wrong MissingAckAnswered => Fate::answer(Reply::Ack),
        wrong AckFieldReadWithoutFlag
            if tcb.is_synchronized() && tcb.acks_new(segment.ack) => Fate::DROP.then(Next::TakeAck),
    }

    /// What becomes of a segment whose ACK is older than any that a correct peer could send now: its sender cannot see
    /// the connection.
    "RFC 5961 section 5.2; MAY-12"
    fn old_ack(tcb: &Tcb, segment: &Arriving) -> Fate {
        lawful => match is_below(tcb, segment.ack, tcb.max_snd_wnd) {
            true => Fate::answer(Reply::Ack),
            false => Fate::PROCESS,
        },
        or AckRangeCheckNo => Fate::PROCESS,
        wrong NearOldAckRefused if is_below(tcb, segment.ack, 0) => Fate::answer(Reply::Ack),
        wrong AckRangeOfLastWindow if is_below(tcb, segment.ack, tcb.snd_wnd) => Fate::answer(Reply::Ack),
        wrong FarOldAckSparesFin if segment.fin => Fate::PROCESS,
        wrong FarOldAckReset if !lawful.goes_on() => Fate::answer(Reply::Reset),
        wrong FarOldAckSilent if !lawful.goes_on() => Fate::DROP,
    }

    /// What an ACK does in SYN-RECEIVED: an ACK of our SYN establishes the connection, any other is answered by a
    /// reset.
    "RFC 9293 section 3.10.7.4, fifth check, SYN-RECEIVED STATE"
    fn ack_in_syn_received(tcb: &Tcb, segment: &Arriving) -> Fate {
        lawful => match tcb.acks_new(segment.ack) {
            true => Fate::PROCESS,
            false => Fate::answer(Reply::Reset),
        },
        wrong SynReceivedAnyAckEstablishes => Fate::PROCESS,
        wrong SynReceivedBadAckAcked if !lawful.goes_on() => Fate::answer(Reply::Ack),
        wrong SynReceivedBadAckSilent if !lawful.goes_on() => Fate::DROP,
        wrong SynReceivedBadAckCloses if !lawful.goes_on() => lawful.then(Next::End(Ending::Quiet)),
    }

    /// SND.UNA after the ACK of our SYN.
    "RFC 9293 sections 3.10.7.3 and 3.10.7.4"
    fn acknowledged_with_syn(tcb: &Tcb, ack: SeqNum) -> SeqNum {
        lawful => ack,
        wrong SynReceivedAnyAckEstablishes if !tcb.acks_new(ack) => tcb.snd_nxt,
        wrong SynSentTakesAnyAck if !tcb.acks_new(ack) => tcb.snd_nxt,
        wrong SynSentTakesAckOfIss if !tcb.acks_new(ack) => tcb.snd_nxt,
    }

    /// Whether an ACK in LAST-ACK is answered that does not acknowledge our FIN; "the only thing that can arrive" is
    /// that ACK.
    "RFC 9293 section 3.10.7.4, fifth check, LAST-ACK STATE"
    fn stray_ack_is_answered(tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => false,
        or LastAckStrayAnswer if tcb.state == State::LastAck => !tcb.acks_new(segment.ack),
    }

    /// What becomes of a segment that acknowledges something not yet sent.
    "RFC 9293 section 3.10.7.4, fifth check, ESTABLISHED STATE: if the ACK acks something not yet sent"
    fn ack_of_unsent(tcb: &Tcb, segment: &Arriving) -> Fate {
        lawful => match tcb.snd_nxt.before(segment.ack) {
            true => Fate::answer(Reply::Ack),
            false => Fate::PROCESS,
        },
        wrong AckOfUnsentTaken => Fate::PROCESS,
        wrong AckOfUnsentReset if !lawful.goes_on() => Fate::answer(Reply::Reset),
        wrong AckOfUnsentSilent if !lawful.goes_on() => Fate::DROP,
        wrong AckOfUnsentKeepsText => lawful.then(Next::Process),
    }

    /// Whether what a segment acknowledges is used. One above a gap may be held for later, or be thrown away, as a whole.
    "RFC 9293 section 3.10.7.4: segments are processed in sequence; SHLD-31"
    fn ack_is_used(tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => true,
        or AckAboveGapUnused => !tcb.rcv_nxt.before(segment.seq),
    }

    /// SND.UNA after a SACK: it does not move, since the peer may discard what it has reported.
    "RFC 2018 section 8"
    fn acknowledged_by_report(tcb: &Tcb, segment: &Arriving) -> SeqNum {
        lawful => tcb.snd_una,
        wrong ReportedDataReleased => match segment.sack.first() {
            Some((_, right)) if tcb.acks_new(SeqNum(*right)) => SeqNum(*right),
            _ => lawful,
        },
    }

    /// Whether the SACK blocks of a segment are noted.
    "RFC 2018 section 5; RFC 6675 section 5.1"
    fn reports_are_noted(tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => reports(tcb, segment),
        wrong ReportsIgnored => false,
        wrong ReportsIgnoredAfterTimeout if tcb.congestion.mode == Mode::Loss => false,
    }

    /// Whether an ACK acknowledges something new: SND.UNA < SEG.ACK =< SND.NXT.
    "RFC 9293 section 3.10.7.4, fifth check, ESTABLISHED STATE"
    fn ack_is_new(tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => tcb.acks_new(segment.ack),
        wrong PartialAckIgnored if segment.ack != tcb.snd_nxt => false,
        wrong AckOfUnsentTaken if tcb.snd_nxt.before(segment.ack) => true,
        wrong OldAckTakenAsNew if leq(segment.ack, tcb.snd_una) && tcb.has_outstanding() => true,
        wrong AckComparedWithoutWrap if segment.ack.0 < tcb.snd_una.0 => false,
    }

    /// SND.UNA after an ACK of something new: SEG.ACK.
    "RFC 9293 section 3.10.7.4, fifth check, ESTABLISHED STATE"
    fn acknowledged(tcb: &Tcb, ack: SeqNum) -> SeqNum {
        lawful => ack,
        wrong AckOneTooLow if ack == tcb.snd_nxt && !tcb.fin_sent => ack.advanced(-1),
        wrong AckOneTooHigh if ack.before(tcb.snd_nxt) => ack.advanced(1),
        wrong AckOfUnsentTaken if !tcb.acks_new(ack) => tcb.snd_nxt,
        wrong OldAckTakenAsNew if !tcb.acks_new(ack) => tcb.snd_nxt,
    }

    /// Whether all urgent octets have been acknowledged.
    "RFC 9293 section 3.8.5"
    fn urgent_is_over(tcb: &Tcb) -> bool {
        lawful => tcb.snd_up.is_some_and(|up| leq(up, tcb.snd_una)),
        wrong UrgentStaysMarked => false,
    }

    /// Whether an ACK of something new restarts the retransmission timer.
    "RFC 6298 section 5.3; RFC 6582 section 3.2, step 4"
    fn new_ack_restarts_timer(tcb: &Tcb) -> bool {
        lawful => true,
        wrong PartialAckLeavesTimer if tcb.congestion.mode == Mode::NewReno => false,
    }

    /// Whether an ACK restarts the retransmission timer whatever it acknowledges.
    "RFC 6298 section 5.3"
    fn any_ack_restarts_timer(tcb: &Tcb) -> bool {
        lawful => false,
        wrong TimerRestartedByAnything => tcb.has_outstanding(),
    }

    /// Whether TSecr of an ACK is measured even if it acknowledges nothing new.
    "RFC 7323 section 4.1"
    fn any_ack_is_measured(_tcb: &Tcb) -> bool {
        lawful => false,
        wrong RttFromAnyAck => true,
    }

    /// Whether an ACK without text or FIN is answered.
    "RFC 9293 section 3.10.7.4, fifth check, ESTABLISHED STATE"
    fn bare_ack_is_answered(_tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => false,
        wrong BareAckAnswered => segment.text.is_empty() && !segment.fin,
    }

    /// Whether an ACK that acknowledges nothing new counts as a duplicate: something is outstanding, and the segment
    /// brings neither data nor a new window; with SACK, it reports something that was not known.
    "RFC 5681 section 2; RFC 6675 section 5"
    fn ack_is_duplicate(tcb: &Tcb, segment: &Arriving, news: bool) -> bool {
        lawful => is_same_ack(tcb, segment) && match tcb.agreed.sack {
            true => news,
            false => {
                let same_window = tcb.offered(segment) == tcb.snd_wnd && tcb.snd_wnd > 0;
                segment.text.is_empty() && !segment.fin && same_window
            }
        },
        wrong BareDuplicatesCounted
            if tcb.agreed.sack && segment.sack.is_empty() && segment.text.is_empty() => is_same_ack(tcb, segment),
        wrong DuplicateReportBelieved if reports(tcb, segment) => is_same_ack(tcb, segment),
        wrong ReportsIgnored if reports(tcb, segment) => is_same_ack(tcb, segment),
        wrong ReportsIgnoredAfterTimeout
            if reports(tcb, segment) && tcb.congestion.mode == Mode::Loss => is_same_ack(tcb, segment),
    }

    /// Whether the send window is taken from a segment: only from one that is not older, by SND.WL1 and SND.WL2, than
    /// the last from which it was taken.
    "RFC 9293 section 3.10.7.4, fifth check, ESTABLISHED STATE: the send window should be updated"
    fn window_is_taken(tcb: &Tcb, segment: &Arriving) -> bool {
        lawful => leq(tcb.snd_una, segment.ack)
            && (tcb.snd_wl1.before(segment.seq)
                || (tcb.snd_wl1 == segment.seq && leq(tcb.snd_wl2, segment.ack))),
        wrong WindowFromOldSegments => true,
        wrong WindowOnFinIgnored if segment.fin => false,
        wrong WindowIgnoredOnDuplicates if segment.ack == tcb.snd_wl2 => false,
        wrong WindowFrozen => false,
    }

    /// SND.WND after a segment from which it is taken.
    "RFC 9293 section 3.10.7.4, fifth check, ESTABLISHED STATE"
    fn window(tcb: &Tcb, segment: &Arriving) -> u32 {
        lawful => tcb.offered(segment),
        wrong WindowNeverShrinks => lawful.max(tcb.snd_wnd),
    }

    /// Whether an ACK resets the count of unanswered window probes, so that a peer that answers them may keep its
    /// window closed for ever.
    "RFC 9293 section 3.8.6.1; MUST-37"
    fn answered_probe_counts(tcb: &Tcb) -> bool {
        lawful => tcb.snd_wnd == 0 || tcb.timers.persist.is_some(),
        wrong ProbeGivesUp => false,
    }

    /// Whether our FIN is acknowledged now.
    "RFC 9293 section 3.10.7.4, fifth check, FIN-WAIT-1, CLOSING and LAST-ACK STATE"
    fn own_fin_is_acknowledged(tcb: &Tcb) -> bool {
        lawful => matches!(tcb.state, State::FinWait1 | State::Closing | State::LastAck) && tcb.fin_is_acked(),
        wrong FinWait1NeverLeft if tcb.state == State::FinWait1 => false,
        wrong FinWait1LeftByAnyAck if tcb.state == State::FinWait1 => true,
        wrong ClosingNeverLeft if tcb.state == State::Closing => false,
        wrong ClosingLeftByAnyAck if tcb.state == State::Closing => true,
        wrong LastAckNeverLeft if tcb.state == State::LastAck => false,
        wrong LastAckLeftByAnyAck if tcb.state == State::LastAck => true,
    }

    /// The state to which the ACK of our FIN leads.
    "RFC 9293 section 3.10.7.4, fifth check, FIN-WAIT-1, CLOSING and LAST-ACK STATE"
    fn state_after_ack_of_fin(tcb: &Tcb) -> State {
        lawful => match tcb.state {
            State::FinWait1 => State::FinWait2,
            State::Closing => State::TimeWait,
            _ => State::Closed,
        },
        wrong ClosingSkipsTimeWait if tcb.state == State::Closing => State::Closed,
        wrong LastAckEntersTimeWait if tcb.state == State::LastAck => State::TimeWait,
    }

    /// How long FIN-WAIT-2 may last: without limit, unless one is configured and the user has given up reading.
    "RFC 9293 section 3.10.7.4, fifth check, FIN-WAIT-1 STATE"
    fn fin_wait_2_lasts(tcb: &Tcb, cx: &Context) -> Option<Duration> {
        lawful => cx.config.fin_wait_2_limit.filter(|_| tcb.user.reading_given_up),
        wrong FinWait2Limited => Some(Duration::from_secs(60)),
    }

    /// Whether every ACK in TIME-WAIT is answered. The letter of the text asks for it, since it takes each segment for
    /// a FIN that was sent again; two ends that did so would answer each other for ever.
    "RFC 9293 section 3.10.7.4, fifth check, TIME-WAIT STATE"
    fn ack_in_time_wait_is_answered(_tcb: &Tcb) -> bool {
        lawful => false,
        or TimeWaitAnswers => true,
    }
}
