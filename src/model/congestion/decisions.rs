//! What is decided about the congestion window and about loss recovery.

use super::{Doubt, Mode, initial_window};
use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::rack;
use crate::model::sack::DUP_THRESH;
use crate::model::seq::later;
use crate::model::tcb::Tcb;
use crate::wire::SeqNum;
use core::time::Duration;

/// A congestion window that limits nothing.
const UNBOUND: u32 = 1 << 20;

/// Whether the segment at SND.UNA counts as lost: enough above it was reported, or enough duplicate ACKs have come.
fn enough_says_lost(tcb: &Tcb, by_reports: bool) -> bool {
    let reported = by_reports && tcb.scoreboard.is_lost(tcb.snd_una, tcb.smss());
    tcb.congestion.dup_acks >= DUP_THRESH || reported
}

decisions! {
    /// The initial window, as RFC 5681 has it or as RFC 6928 does.
    "RFC 5681 section 3.1; RFC 6928 section 2"
    fn window_at_start(tcb: &Tcb, cx: &Context) -> u32 {
        lawful => initial_window(tcb.smss()).min(cx.config.initial_segments * tcb.smss()),
        or InitialWindow10 => (cx.config.initial_segments * tcb.smss()).min(14_600.max(2 * tcb.smss())),
    }

    /// Whether SYNs were lost, so that the first window is a single segment. RFC 6928 disregards a single loss.
    "RFC 5681 section 3.1; RFC 6928 section 2"
    fn lost_syn_counts(tcb: &Tcb) -> bool {
        lawful => tcb.round_trip.syn_timeouts > 0,
        or InitialWindow10 => tcb.round_trip.syn_timeouts > 1,
        wrong FullWindowAfterSynLoss => false,
    }

    /// cwnd after the handshake, where `initial` is the initial window and `lost` says whether SYNs were lost.
    "RFC 5681 section 3.1"
    fn first_window(tcb: &Tcb, initial: u32, lost: bool) -> u32 {
        lawful => if lost { tcb.smss() } else { initial },
        wrong NoSlowStart => UNBOUND,
        wrong HandshakeOpensWindow if !lost => initial + tcb.smss(),
        wrong WindowUnboundWithoutMss if !lost && !tcb.mss_announced => UNBOUND,
    }

    /// ssthresh after the handshake: arbitrarily high.
    "RFC 5681 section 3.1"
    fn first_threshold(_tcb: &Tcb, cx: &Context) -> u32 {
        lawful => cx.config.first_threshold,
        wrong NoSlowStart => UNBOUND,
    }

    /// How many octets may be sent beyond cwnd on duplicate ACKs: a segment for each of the first two. cwnd itself
    /// stays as it is.
    "RFC 3042 section 2"
    fn limited_transmit(tcb: &Tcb) -> u32 {
        lawful => tcb.congestion.dup_acks.min(DUP_THRESH - 1) * tcb.smss(),
        or LimitedTransmitNo => 0,
        wrong LimitedTransmitMissing => 0,
    }

    /// How many octets of new data may be sent during recovery, where `room` is cwnd less pipe.
    "RFC 6675 section 5, step C"
    fn new_data_in_recovery(_tcb: &Tcb, room: u32) -> u32 {
        lawful => room,
        wrong RecoveryWithoutNewData => 0,
    }

    /// Whether loss recovery goes by SACK (RFC 6675), and not by duplicate ACKs alone (RFC 6582).
    "RFC 6675 section 5"
    fn recovers_by_reports(tcb: &Tcb) -> bool {
        lawful => tcb.agreed.sack,
        or RecoveryNewreno => false,
    }

    /// cwnd after a full acknowledgment: it deflates.
    "RFC 6582 section 3.2, step 3, option 1; RFC 6675 section 5"
    fn window_after_recovery(tcb: &Tcb) -> u32 {
        lawful => match tcb.congestion.mode {
            Mode::NewReno => tcb.congestion.ssthresh.min(tcb.flight().max(tcb.smss()) + tcb.smss()),
            Mode::Open | Mode::Sack | Mode::Loss => tcb.congestion.ssthresh,
        },
        wrong WindowNotDeflated if tcb.congestion.mode == Mode::NewReno => tcb.congestion.cwnd,
    }

    /// HighRxt after a partial acknowledgment: what was retransmitted in this recovery is not retransmitted again.
    "RFC 6675 section 5, step C"
    fn high_rxt_after_ack(tcb: &Tcb) -> SeqNum {
        lawful => later(tcb.congestion.high_rxt, tcb.snd_una),
        wrong HolesFilledTwice => tcb.snd_una,
    }

    /// Whether the second ACK after a timeout shows that the timeout was spurious: both ACKs have advanced SND.UNA, the
    /// second over data that was not retransmitted.
    "RFC 5682 section 2.1, step 3b"
    fn timeout_was_spurious(tcb: &Tcb) -> bool {
        lawful => tcb.congestion.doubt == Doubt::Second,
        wrong SpuriousTimeoutMissed => false,
    }

    /// Whether a duplicate ACK that comes while a timeout is in doubt shows that the loss is real.
    "RFC 5682 section 2.1, steps 2a and 3a"
    fn duplicate_ends_doubt(tcb: &Tcb) -> bool {
        lawful => tcb.congestion.doubt != Doubt::None,
        wrong DuplicatesLeaveDoubt => false,
    }

    /// By how much cwnd grows in slow start with an ACK of so many octets.
    "RFC 5681 section 3.1, equation 2"
    fn slow_start_growth(tcb: &Tcb, acked: u32) -> u32 {
        lawful => acked.min(tcb.smss()),
        wrong SlowStartTooFast => 2 * tcb.smss(),
        wrong AckDivisionRewarded => tcb.smss(),
        wrong AckCountedInFull => acked,
    }

    /// By how much cwnd grows in congestion avoidance for each window of data that is acknowledged.
    "RFC 5681 section 3.1, equation 3"
    fn avoidance_growth(tcb: &Tcb) -> u32 {
        lawful => tcb.smss(),
        wrong AdditiveIncreaseTooFast => 3 * tcb.smss(),
    }

    /// cwnd after a partial acknowledgment: it deflates by what was acknowledged, and a segment is added back.
    "RFC 6582 section 3.2, step 3"
    fn window_after_partial_ack(tcb: &Tcb, acked: u32) -> u32 {
        lawful => {
            let smss = tcb.smss();
            tcb.congestion.cwnd.saturating_sub(acked) + if acked >= smss { smss } else { 0 }
        },
        wrong PartialAckLeavesWindow => tcb.congestion.cwnd,
    }

    /// Whether a partial acknowledgment restarts the retransmission timer: the first one does.
    "RFC 6582 section 3.2, step 3"
    fn partial_ack_restarts_timer(tcb: &Tcb) -> bool {
        lawful => !tcb.congestion.partial,
        wrong PartialAckLeavesTimer => false,
    }

    /// Whether the next hole is retransmitted at once after a partial acknowledgment.
    "RFC 6582 section 3.2, step 3"
    fn partial_ack_resends(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong PartialAckWaits => false,
    }

    /// By how much a duplicate ACK inflates cwnd in fast recovery.
    "RFC 5681 section 3.2, step 4"
    fn inflation(tcb: &Tcb) -> u32 {
        lawful => tcb.smss(),
        wrong NoInflation => 0,
        wrong InflatedTwice => 2 * tcb.smss(),
    }

    /// cwnd after a duplicate ACK outside of recovery.
    "RFC 3042 section 2"
    fn window_after_duplicate(tcb: &Tcb) -> u32 {
        lawful => tcb.congestion.cwnd,
        wrong LimitedTransmitWidens
            if tcb.congestion.dup_acks < DUP_THRESH => tcb.congestion.cwnd.saturating_add(tcb.smss()),
    }

    /// Whether a duplicate ACK begins recovery: the third does, or one that reports enough. Where RACK detects losses
    /// by time, none does.
    "RFC 5681 section 3.2; RFC 6675 section 5"
    fn duplicate_begins_recovery(tcb: &Tcb) -> bool {
        lawful => enough_says_lost(tcb, recovers_by_reports(tcb)) && !rack::decisions::tells_losses_by_time(tcb),
        wrong HastyFastRetransmit => true,
    }

    /// Whether duplicate ACKs after a timeout begin recovery: what was outstanding at the timeout is being
    /// retransmitted already.
    "RFC 6582 section 4; RFC 6675 section 5.1"
    fn recovery_follows_timeout(tcb: &Tcb) -> bool {
        lawful => false,
        wrong RecoveryAfterTimeout => enough_says_lost(tcb, true),
    }

    /// Whether recovery may begin: not for losses that an earlier recovery has dealt with.
    "RFC 5681 section 3.2; RFC 6582 section 3.2, step 2; RFC 6675 section 5.1"
    fn recovery_may_begin(tcb: &Tcb) -> bool {
        lawful => !tcb.snd_una.before(tcb.congestion.recover),
        wrong NoFastRetransmit => false,
    }

    /// ssthresh in recovery.
    "RFC 5681 section 3.2, step 2"
    fn threshold_in_recovery(tcb: &Tcb) -> u32 {
        lawful => tcb.half_of_window(),
        wrong NoHalvingOnLoss => tcb.congestion.cwnd,
    }

    /// Whether a hole that is not known to be lost is retransmitted; `idle` says that there is no new data to send
    /// instead.
    "RFC 6675 section 4, NextSeg, rule 3"
    fn doubtful_hole_is_filled(_tcb: &Tcb, idle: bool) -> bool {
        lawful => idle,
        wrong HolesNearTheEndWait => false,
    }

    /// Whether the end of what is outstanding may be retransmitted: once in each recovery, where there is nothing else
    /// to send.
    "RFC 6675 section 4, NextSeg, rule 4"
    fn tail_is_rescued(tcb: &Tcb) -> bool {
        lawful => !tcb.congestion.rescued && !tcb.may_send_new() && tcb.snd_una.before(tcb.congestion.recover),
        wrong TailNotRescued => false,
    }

    /// Whether a timeout is in doubt; `fresh` says that it is the first, and not within a recovery that is not over.
    "RFC 5682 section 2.1, step 1"
    fn doubt_of_timeout(_tcb: &Tcb, fresh: bool) -> Doubt {
        lawful => Doubt::None,
        or FRto if fresh => Doubt::First,
    }

    /// ssthresh after a timeout. Of several timeouts of one segment only the first lowers it.
    "RFC 5681 section 3.1, equation 4"
    fn threshold_after_timeout(tcb: &Tcb, first: bool) -> u32 {
        lawful => if first { tcb.half_of_flight() } else { tcb.congestion.ssthresh },
        wrong ThresholdKeptOnTimeout => tcb.congestion.ssthresh,
        wrong ThresholdLoweredByEveryTimeout if !first => (tcb.congestion.ssthresh / 4).max(2 * tcb.smss()),
    }

    /// Whether what the peer has reported by SACK still counts after a timeout: the peer may have discarded that data.
    "RFC 2018 section 5.1"
    fn reports_outlive_timeout(tcb: &Tcb) -> bool {
        lawful => false,
        wrong ReportsKeptAfterTimeout if tcb.scoreboard.octets() > 0 => true,
    }

    /// cwnd after a timeout: the loss window.
    "RFC 5681 section 3.1"
    fn window_after_timeout(tcb: &Tcb) -> u32 {
        lawful => tcb.smss(),
        wrong NoCollapseOnTimeout => tcb.congestion.cwnd,
    }

    /// Whether ECE from the peer halves the window, as a loss does, once for each window of data.
    "RFC 3168 section 6.1.2"
    fn echo_halves_window(tcb: &Tcb) -> bool {
        lawful => {
            let again = tcb.ecn.reduced_at.is_some_and(|at| tcb.snd_una.before(at));
            !again && tcb.congestion.mode == Mode::Open
        },
        wrong EcnIgnoredBySender => false,
    }

    /// The estimate of the path's MTU when sending begins anew.
    "RFC 1191 section 3; RFC 8201 section 4"
    fn path_mtu_after_idle(tcb: &Tcb, cx: &Context) -> usize {
        lawful => tcb.path.mtu,
        wrong PathMtuForgotten
            if tcb.path.lowered && cx.now.since(tcb.sent_at) > Duration::from_secs(60) => cx.config.mtu,
    }

    /// cwnd when sending begins anew: after idling for more than an RTO, no more than the restart window.
    "RFC 5681 section 4.1"
    fn window_after_idle(tcb: &Tcb, cx: &Context) -> u32 {
        lawful => {
            let idle = cx.now.since(tcb.sent_at) > tcb.round_trip.rto && !tcb.has_outstanding();
            let restart = if idle { window_at_start(tcb, cx) } else { u32::MAX };
            tcb.congestion.cwnd.min(restart)
        },
        or RestartAfterIdleNo => tcb.congestion.cwnd,
        wrong IdleWindowKept => tcb.congestion.cwnd,
    }
}
