//! What is decided about timers, and when they expire.

use super::only_fin_is_outstanding;
use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::segment_arrives::fate::Acknowledged;
use crate::model::seq::span;
use crate::model::settings;
use crate::model::tcb::Tcb;
use crate::rfc::State;
use crate::time::Instant;
use crate::wire::SeqNum;
use core::time::Duration;

/// RTO times `factor`, up to its bound.
fn multiplied(tcb: &Tcb, cx: &Context, factor: u32) -> Duration {
    (tcb.round_trip.rto * factor).min(cx.config.rto_max)
}

/// RTO, not below `least` and up to its bound.
fn bounded(cx: &Context, rto: Duration, least: Duration) -> Duration {
    rto.max(least).min(cx.config.rto_max)
}

/// K*RTTVAR of RFC 6298, not below the granularity of the clock.
fn variance(tcb: &Tcb, cx: &Context) -> Duration {
    cx.config.clock_granularity.max(tcb.round_trip.rttvar * 4)
}

/// How long an ACK waits: so long after its text, or until the next beat of a clock.
fn until_delayed_ack(cx: &Context) -> Duration {
    let delay = cx.config.ack_delay;
    let beat = match cx.config.ack_heartbeat {
        true => cx.now.as_nanos() % delay.as_nanos().max(1) as u64,
        false => 0,
    };
    delay - Duration::from_nanos(beat)
}

/// When the retransmission timer expires: as it runs, or if it does not, an RTO from now.
fn running(tcb: &Tcb, cx: &Context) -> Instant {
    tcb.timers.retransmission.unwrap_or(tcb.rto_ends(cx))
}

/// The time until the first window probe.
fn first_probe(tcb: &Tcb, cx: &Context) -> Duration {
    cx.config.first_probe.unwrap_or(tcb.round_trip.rto)
}

/// Whether the connection is idle, in a state that it can stay in: nothing is outstanding or waits to be sent.
fn is_idle(tcb: &Tcb) -> bool {
    let idles = matches!(tcb.state, State::Established | State::CloseWait | State::FinWait2);
    idles && !tcb.has_outstanding() && tcb.unsent() == 0
}

/// The idle time before the first keep-alive probe: as the application has set it, or else `default`.
fn idle_time(tcb: &Tcb, default: Duration) -> Duration {
    tcb.settings.keep_alive_idle.unwrap_or(default)
}

/// The same, but not less than a user timeout that was agreed upon (RFC 5482 section 4.2).
fn idle_time_after_user_timeout(tcb: &Tcb, cx: &Context, default: Duration) -> Duration {
    let idle = idle_time(tcb, default);
    match tcb.uto_remote {
        Some(_) => idle.max(settings::decisions::user_timeout(tcb, cx) + Duration::from_secs(1)),
        None => idle,
    }
}

decisions! {
    /// Whether a connection that is given up is reset.
    "RFC 9293 section 3.10.8, USER TIMEOUT"
    fn giving_up_resets(tcb: &Tcb) -> bool {
        lawful => false,
        or UserTimeoutEndReset => tcb.is_synchronized(),
    }

    /// Whether the user is told that the connection was given up.
    "RFC 9293 section 3.10.8, USER TIMEOUT"
    fn giving_up_is_told(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong UserTimeoutNotTold => false,
    }

    /// How often something is sent again before the connection is given up (R2).
    "RFC 9293 section 3.8.3; MUST-20"
    fn most_retries(tcb: &Tcb, cx: &Context) -> Option<u32> {
        lawful => match tcb.state {
            State::SynSent => cx.config.retries.syn,
            State::SynReceived => cx.config.retries.syn_ack,
            _ if tcb.user.reading_given_up => cx.config.retries.orphan.or(cx.config.retries.data),
            _ => cx.config.retries.data,
        },
        wrong HalfOpenForEver if tcb.state == State::SynReceived => None,
        wrong FinGivenUpNever if only_fin_is_outstanding(tcb) => None,
    }

    /// Whether the segment at the front of the queue goes out again when the retransmission timer expires.
    "RFC 9293 section 3.10.8, RETRANSMISSION TIMEOUT; RFC 6298 section 5.4"
    fn front_goes_out_again(tcb: &Tcb) -> bool {
        lawful => true,
        wrong FinNotRetransmitted if only_fin_is_outstanding(tcb) => false,
        wrong FinNotRetransmittedInClosing if only_fin_is_outstanding(tcb) && tcb.state == State::Closing => false,
        wrong FinNotRetransmittedInLastAck if only_fin_is_outstanding(tcb) && tcb.state == State::LastAck => false,
        wrong SynNotRetransmitted if tcb.state == State::SynSent => false,
        wrong SynAckNotRetransmitted if tcb.state == State::SynReceived => false,
        wrong DataNotRetransmitted if tcb.queue.len() > 0 => false,
    }

    /// Whether something is sent when the retransmission timer expires while nothing is outstanding.
    "RFC 6298 section 5.2"
    fn idle_timer_sends(tcb: &Tcb) -> bool {
        lawful => false,
        wrong RtoNotStopped => !tcb.has_outstanding(),
    }

    /// Whether a timeout sends more than one segment again.
    "RFC 6298 section 5.4; RFC 2525 section 2.14"
    fn next_goes_out_too(_tcb: &Tcb) -> bool {
        lawful => false,
        wrong RetransmitsACrumb => true,
    }

    /// When the TIME-WAIT ends that begins, or begins anew, now: after 2MSL.
    "RFC 9293 section 3.6.1; MUST-13"
    fn time_wait_ends(tcb: &Tcb, cx: &Context) -> Option<Instant> {
        lawful => Some(cx.now + cx.config.msl * 2),
        wrong TimeWaitNotRestarted if tcb.timers.time_wait.is_some() => tcb.timers.time_wait,
        wrong TimeWaitShort => Some(cx.now + Duration::from_secs(1)),
        wrong TimeWaitEndless => None,
    }

    /// RTO after a timeout: it doubles.
    "RFC 6298 section 5.5"
    fn rto_after_timeout(tcb: &Tcb, cx: &Context) -> Duration {
        lawful => multiplied(tcb, cx, 2),
        wrong RtoNotDoubled => multiplied(tcb, cx, 1),
        wrong SynAckRtoNotDoubled if tcb.state == State::SynReceived => multiplied(tcb, cx, 1),
        wrong FinRtoNotDoubled if tcb.fin_sent => multiplied(tcb, cx, 1),
        wrong RtoDoubledTwiceOnly if tcb.round_trip.backoffs > 2 => multiplied(tcb, cx, 1),
        wrong RtoTripled => multiplied(tcb, cx, 3),
    }

    /// Whether a round trip is measured.
    "RFC 6298 section 3"
    fn round_trip_is_measured(tcb: &Tcb) -> bool {
        lawful => true,
        wrong RttMeasuredOnce if tcb.round_trip.srtt.is_some() => false,
    }

    /// RTO after a measurement: SRTT + max (G, K*RTTVAR), within its bounds.
    "RFC 6298 sections 2.3 to 2.5"
    fn rto_after_sample(tcb: &Tcb, cx: &Context, srtt: Duration) -> Duration {
        lawful => bounded(cx, srtt + variance(tcb, cx), cx.config.rto_min),
        wrong RtoWithoutVariance => bounded(cx, srtt + cx.config.clock_granularity, cx.config.rto_min),
        wrong RtoFloorMissing => bounded(cx, srtt + variance(tcb, cx), Duration::from_millis(50)),
    }

    /// Whether RTO for data begins at 3 seconds because the SYN timed out.
    "RFC 6298 section 5.7"
    fn lost_syn_sets_rto(tcb: &Tcb) -> bool {
        lawful => tcb.round_trip.syn_timeouts > 0,
        wrong RtoAfterSynLossShort => false,
    }

    /// The retransmission timer after an ACK of something new: it starts anew, and stops when nothing is outstanding.
    "RFC 6298 sections 5.2 and 5.3"
    fn restarted_timer(tcb: &Tcb, cx: &Context) -> Option<Instant> {
        lawful => tcb.has_outstanding().then(|| tcb.rto_ends(cx)),
        wrong RtoNotRestarted if tcb.has_outstanding() => tcb.timers.retransmission,
        wrong RtoNotStopped => tcb.timers.retransmission,
    }

    /// The retransmission timer after sending: it runs while something is outstanding.
    "RFC 6298 sections 5.1 and 5.2"
    fn armed_timer(tcb: &Tcb, cx: &Context) -> Option<Instant> {
        lawful => tcb.has_outstanding().then(|| running(tcb, cx)),
        wrong RtoNotStopped => Some(running(tcb, cx)),
    }

    /// Whether the window is too small for what is to be sent, so that it is probed. Data that was sent before the
    /// window closed may be retransmitted instead.
    "RFC 9293 section 3.8.6.1"
    fn is_shut_out(tcb: &Tcb) -> bool {
        lawful => {
            // A FIN that has been sent goes out again whatever the window says: it takes no room.
            let octets = tcb.queue.len() > 0 || (tcb.closing && !tcb.fin_sent);
            tcb.snd_wnd == 0 && tcb.is_synchronized() && octets && !tcb.outlives_the_window(0)
        },
        or ShrunkWindowRetransmit if tcb.flight() > 1 => false,
    }

    /// When the user timeout expires; `busy` says that something is outstanding or waits to be sent.
    "RFC 9293 section 3.8.3; MUST-21"
    fn user_timer(tcb: &Tcb, cx: &Context, busy: bool) -> Option<Instant> {
        lawful => match tcb.timers.user {
            _ if !busy => None,
            Some(at) => Some(at),
            None => Some(cx.now + settings::decisions::user_timeout(tcb, cx)),
        },
        wrong FinGivenUpNever if only_fin_is_outstanding(tcb) => None,
        wrong UserTimeoutIgnored if busy => tcb.timers.user,
    }

    /// Whether a closed window is probed.
    "RFC 9293 section 3.8.6.1; MUST-36"
    fn window_is_probed(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong NoWindowProbe => false,
    }

    /// The time until the next window probe: an RTO before the first probe, and twice as long before each later one.
    "RFC 9293 section 3.8.6.1; SHLD-29 and SHLD-30"
    fn probe_interval(tcb: &Tcb, cx: &Context) -> Duration {
        lawful => match tcb.persist_for.is_zero() {
            true => first_probe(tcb, cx),
            false => (tcb.persist_for * 2).min(cx.config.rto_max),
        },
        wrong ProbeNotBackedOff => first_probe(tcb, cx),
    }

    /// The text of a window probe: one octet of what waits to be sent. A probe without text has an old number.
    "RFC 9293 section 3.8.6.1"
    fn probe_text(tcb: &Tcb) -> Vec<u8> {
        lawful => tcb.queue.read(tcb.snd_una, 1),
        or WindowProbeOld => Vec::new(),
        wrong ProbeWithSegment if !lawful.is_empty() => tcb.queue.read(tcb.snd_una, 536),
    }

    /// Whether the octet of a window probe is sent a second time under the next number.
    "RFC 9293 section 3.8.6.1"
    fn probed_octet_is_repeated(tcb: &Tcb) -> bool {
        lawful => false,
        wrong ProbedOctetSentTwice => !tcb.has_outstanding(),
    }

    /// Whether keep-alive probes are to be sent: only where the application asks for them, and the connection is idle.
    "RFC 9293 section 3.8.4; MUST-24, MUST-25 and MUST-26"
    fn keeps_alive(tcb: &Tcb) -> bool {
        lawful => tcb.settings.keep_alive && is_idle(tcb),
        wrong KeepAliveUnasked => is_idle(tcb),
    }

    /// How long nothing must come from the peer before the first keep-alive probe.
    "RFC 9293 section 3.8.4; MUST-27 and MUST-28; RFC 5482 section 4.2"
    fn keep_alive_idle(tcb: &Tcb, cx: &Context) -> Duration {
        lawful => idle_time_after_user_timeout(tcb, cx, cx.config.keep_alive_idle),
        wrong KeepAliveUnasked => idle_time_after_user_timeout(tcb, cx, Duration::from_secs(60)),
        wrong KeepAliveTooOften => idle_time_after_user_timeout(tcb, cx, Duration::from_secs(60)),
        wrong KeepAliveBeforeUserTimeout => idle_time(tcb, cx.config.keep_alive_idle),
    }

    /// Whether so many keep-alive probes in a row are unanswered that the connection is dead.
    "RFC 9293 section 3.8.4; MUST-29"
    fn peer_is_gone(tcb: &Tcb, cx: &Context) -> bool {
        lawful => tcb.keep_alives >= tcb.settings.keep_alive_count.unwrap_or(cx.config.keep_alive_count),
        wrong KeepAliveHasty => tcb.keep_alives >= 1,
        wrong KeepAliveEndless => false,
    }

    /// Whether a connection that is dead by keep-alive ends with a reset.
    "RFC 9293 section 3.8.4"
    fn silence_resets(_tcb: &Tcb) -> bool {
        lawful => false,
        or KeepAliveEndReset => true,
    }

    /// The text of a keep-alive probe.
    "RFC 9293 section 3.8.4; SHLD-12 and MAY-6"
    fn keep_alive_text(_tcb: &Tcb) -> Vec<u8> {
        lawful => Vec::new(),
        or KeepAliveProbeOctet => vec![0],
    }

    /// The number of a keep-alive probe: SND.NXT-1, an old one.
    "RFC 9293 section 3.8.4"
    fn keep_alive_number(tcb: &Tcb) -> SeqNum {
        lawful => tcb.snd_nxt.advanced(-1),
        wrong KeepAliveNewNumber => tcb.snd_nxt,
    }

    /// Whether segments from the peer postpone keep-alive probes.
    "RFC 9293 section 3.8.4; MUST-26"
    fn traffic_counts(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong KeepAliveDeafToTraffic => false,
    }

    /// Whether so many octets came that they are acknowledged at once: as many as two full segments.
    "RFC 9293 section 3.8.6.3; SHLD-19"
    fn enough_to_acknowledge(tcb: &Tcb, cx: &Context) -> bool {
        lawful => tcb.owed.octets >= cx.config.ack_segments * tcb.rmss(cx),
        wrong StretchAcks => false,
        wrong EverythingAckedAtOnce => true,
    }

    /// When text that came in order is acknowledged; `enough` says that it is as much as two full segments.
    "RFC 9293 section 3.8.6.3; SHLD-18"
    fn text_is_acknowledged(tcb: &Tcb, cx: &Context, enough: bool) -> Acknowledged {
        lawful => match enough || tcb.settings.quick_ack || tcb.quick_acks > 0 || cx.config.ack_delay.is_zero() {
            true => Acknowledged::AtOnce,
            false => Acknowledged::Later,
        },
        or DelayedAckNo => Acknowledged::AtOnce,
        wrong DataNotAcked => Acknowledged::Never,
    }

    /// How long an ACK may be delayed.
    "RFC 9293 section 3.8.6.3; MUST-40"
    fn ack_delay(tcb: &Tcb, cx: &Context) -> Duration {
        lawful => until_delayed_ack(cx),
        wrong AckDelayedTooLong => cx.config.ack_delay * 5,
        wrong TalkersAckLate if span(tcb.iss, tcb.snd_una) > 1 => cx.config.ack_delay * 5,
    }
}
