//! Timeouts (RFC 9293 section 3.10.8), and the timers behind them: RFC 6298, window probes (section 3.8.6.1),
//! keep-alives (section 3.8.4), delayed ACKs (section 3.8.6.3), 2MSL (section 3.6.1).

use super::context::Context;
use super::seq::span;
use super::switch::Switch;
use super::tcb::Tcb;
use crate::model::defect::Defect;
use crate::rfc::State;
use crate::stack::ErrorName;
use crate::time::Instant;
use crate::wire::SeqNum;
use core::time::Duration;

/// G: how fine the clock is that round trips are measured with (RFC 6298 section 2).
const GRANULARITY: Duration = Duration::from_millis(1);
/// RTO for data after the SYN timed out (RFC 6298 section 5.7).
const RTO_AFTER_SYN: Duration = Duration::from_secs(3);

impl Tcb {
    /// Handles every timer that is due; what it caused goes out at once.
    pub fn on_time(&mut self, cx: &mut Context) {
        let now = cx.now;
        let due = |timer: Option<Instant>| timer.is_some_and(|at| at <= now);
        if due(self.timers.user) {
            return self.user_timeout_expired(cx);
        }
        if due(self.timers.time_wait) || due(self.timers.fin_wait_2) {
            return self.time_wait_expired(cx);
        }
        if due(self.timers.retransmission) {
            self.timers.retransmission = None;
            self.retransmission_expired(cx);
        }
        if self.state == State::Closed {
            return;
        }
        if due(self.timers.reordering) {
            self.detect_loss(cx);
        }
        if due(self.timers.tail_probe) {
            self.timers.tail_probe = None;
            self.tail_probe_expired(cx);
        }
        if due(self.timers.persist) {
            self.timers.persist = None;
            self.persist_expired(cx);
        }
        if due(self.timers.keep_alive) {
            self.timers.keep_alive = None;
            self.keep_alive_expired(cx);
        }
        if due(self.timers.delayed_ack) {
            self.timers.delayed_ack = None;
            self.owed.now = true;
        }
        self.output(cx);
        // Whatever was held back for the override has gone out by now, or need not.
        if due(self.timers.override_delay) {
            self.timers.override_delay = None;
        }
    }

    // ----- 3.10.8 ---------------------------------------------------------------------------------------------------

    /// USER TIMEOUT (RFC 9293 section 3.10.8): all queues are flushed, the user is told in general and for every call,
    /// the TCB is deleted.
    fn user_timeout_expired(&mut self, cx: &mut Context) {
        if cx.has(Switch::UserTimeoutEndReset) && self.is_synchronized() {
            self.send_reset(cx);
        }
        if self.has(Defect::UserTimeoutNotTold) {
            self.user.connect = None;
            self.user.receives.clear();
            self.user.sends.clear();
        }
        let why = self.soft_error.unwrap_or(ErrorName::TimedOut);
        self.end(cx, Some(why), "connection aborted due to user timeout");
    }

    /// RETRANSMISSION TIMEOUT (RFC 9293 section 3.10.8, RFC 6298 section 5): the segment at the front of the queue goes
    /// out again.
    fn retransmission_expired(&mut self, cx: &mut Context) {
        let most = match self.state {
            State::SynSent => cx.config.retries.syn,
            State::SynReceived => cx.config.retries.syn_ack.filter(|_| !self.has(Defect::HalfOpenForEver)),
            _ if self.user.deaf => cx.config.retries.orphan.or(cx.config.retries.data),
            _ => cx.config.retries.data,
        };
        if most.is_some_and(|most| self.round_trip.backoffs >= most) && !self.insists_on_its_fin() {
            return self.user_timeout_expired(cx);
        }
        if self.keeps_quiet() {
            return;
        }
        let first = self.round_trip.backoffs == 0;
        self.back_off(cx);
        if self.snd_una == self.iss {
            self.round_trip.syn_timeouts += 1;
            self.round_trip.timed = None;
            self.remember_refusal(cx);
            self.send_syn(cx);
        } else {
            self.take_delayed_claim();
            self.on_timeout(cx, first);
            if self.has(Defect::RtoNotStopped) && !self.has_outstanding() {
                self.send_probe(cx, self.snd_una.advanced(-1), vec![0]);
            }
            let front = match self.has(Defect::ReportsKeptAfterTimeout) {
                true => self.scoreboard.end_of(self.snd_una).unwrap_or(self.snd_una),
                false => self.snd_una,
            };
            let length = self.send_again(cx, front);
            self.congestion.high_rxt = front.advanced(i64::from(length));
            if self.has(Defect::RetransmitsACrumb) {
                self.send_again(cx, self.congestion.high_rxt);
            }
        }
        self.timers.retransmission = Some(cx.now + self.round_trip.rto);
    }

    fn only_fin_is_outstanding(&self) -> bool {
        self.fin_sent && self.queue.len() == 0
    }

    /// Where a mistake never gives a FIN up.
    fn insists_on_its_fin(&self) -> bool {
        self.only_fin_is_outstanding() && self.has(Defect::FinGivenUpNever)
    }

    /// Where mistakes keep something from being sent again.
    fn keeps_quiet(&self) -> bool {
        let fin_only = self.only_fin_is_outstanding();
        (self.has(Defect::FinNotRetransmitted) && fin_only)
            || (self.has(Defect::FinNotRetransmittedInClosing) && fin_only && self.state == State::Closing)
            || (self.has(Defect::FinNotRetransmittedInLastAck) && fin_only && self.state == State::LastAck)
            || (self.has(Defect::SynNotRetransmitted) && self.state == State::SynSent)
            || (self.has(Defect::SynAckNotRetransmitted) && self.state == State::SynReceived)
            || (self.has(Defect::DataNotRetransmitted) && self.queue.len() > 0)
    }

    /// TIME-WAIT TIMEOUT (RFC 9293 section 3.10.8): the TCB is deleted.
    fn time_wait_expired(&mut self, cx: &mut Context) {
        self.end(cx, None, "");
    }

    /// Starts, or starts anew, the 2MSL timer, and turns the others off (RFC 9293 section 3.10.7.4).
    pub fn start_time_wait(&mut self, cx: &Context) {
        self.timers = super::tcb::Timers {
            time_wait: self.time_wait_end(cx),
            delayed_ack: self.timers.delayed_ack,
            ..super::tcb::Timers::default()
        };
    }

    fn time_wait_end(&self, cx: &Context) -> Option<Instant> {
        if self.has(Defect::TimeWaitNotRestarted) && self.timers.time_wait.is_some() {
            return self.timers.time_wait;
        }
        let length = match self.has(Defect::TimeWaitShort) {
            true => Duration::from_secs(1),
            false => cx.config.msl * 2,
        };
        (!self.has(Defect::TimeWaitEndless)).then(|| cx.now + length)
    }

    // ----- RFC 6298 -------------------------------------------------------------------------------------------------

    /// RTO doubles, up to its bound (section 5.5).
    fn back_off(&mut self, cx: &Context) {
        self.round_trip.backoffs += 1;
        let factor = match () {
            () if self.has(Defect::RtoNotDoubled) => 1,
            () if self.has(Defect::SynAckRtoNotDoubled) && self.state == State::SynReceived => 1,
            () if self.has(Defect::FinRtoNotDoubled) && self.fin_sent => 1,
            () if self.has(Defect::RtoDoubledTwiceOnly) && self.round_trip.backoffs > 2 => 1,
            () if self.has(Defect::RtoTripled) => 3,
            () => 2,
        };
        self.round_trip.rto = (self.round_trip.rto * factor).min(cx.config.rto_max);
    }

    /// Takes a sample (sections 2.2 to 2.4).
    pub fn measure(&mut self, cx: &Context, r: Duration) {
        if self.has(Defect::RttMeasuredOnce) && self.round_trip.srtt.is_some() {
            return;
        }
        let (plain, no_floor) = (self.has(Defect::RtoWithoutVariance), self.has(Defect::RtoFloorMissing));
        let it = &mut self.round_trip;
        let srtt = match it.srtt {
            None => {
                it.rttvar = r / 2;
                r
            }
            Some(srtt) => {
                it.rttvar = it.rttvar * 3 / 4 + srtt.abs_diff(r) / 4;
                srtt * 7 / 8 + r / 8
            }
        };
        it.srtt = Some(srtt);
        it.backoffs = 0;
        let rto = srtt
            + if plain {
                GRANULARITY
            } else {
                GRANULARITY.max(it.rttvar * 4)
            };
        let least = if no_floor { GRANULARITY * 50 } else { cx.config.rto_min };
        it.rto = rto.max(least).min(cx.config.rto_max);
    }

    /// After the handshake: a SYN that timed out makes the first RTO for data a careful one (section 5.7).
    pub fn settle_rto(&mut self) {
        if self.round_trip.syn_timeouts > 0 && !self.has(Defect::RtoAfterSynLossShort) {
            self.round_trip.rto = RTO_AFTER_SYN;
            self.round_trip.backoffs = 0;
        }
    }

    /// Starts the timer anew (section 5.3), or stops it when nothing is outstanding (section 5.2).
    pub fn restart_retransmission(&mut self, cx: &Context) {
        if self.has(Defect::RtoNotRestarted) && self.has_outstanding() {
            return;
        }
        if self.has(Defect::RtoNotStopped) {
            return;
        }
        self.timers.retransmission = self.has_outstanding().then(|| cx.now + self.round_trip.rto);
    }

    // ----- which timers run -----------------------------------------------------------------------------------------

    /// Sets the timers that follow from what is outstanding, queued and held back.
    pub fn arm(&mut self, cx: &Context) {
        if matches!(self.state, State::Closed | State::TimeWait) {
            return;
        }
        let outstanding = self.has_outstanding();
        let waiting = self.unsent() > 0 || (self.closing && !self.fin_sent);
        // A FIN that has been sent goes out again whatever the window says: it takes no room.
        let octets = self.queue.len() > 0 || (self.closing && !self.fin_sent);
        let again = cx.has(Switch::ShrunkWindowRetransmit) && self.flight() > 1;
        let shut = self.snd_wnd == 0 && self.is_synchronized() && octets && !again && !self.outlives_the_window(0);
        if shut {
            self.timers.retransmission = None;
            if self.timers.persist.is_none() {
                self.arm_persist(cx);
            }
        } else {
            self.timers.persist = None;
            self.persist_for = Duration::ZERO;
            self.probes = 0;
            if !outstanding && !self.has(Defect::RtoNotStopped) {
                self.timers.retransmission = None;
            } else if self.timers.retransmission.is_none() {
                self.timers.retransmission = Some(cx.now + self.round_trip.rto);
            }
        }
        let held_back = self.unsent() > 0 && !outstanding && !shut && self.is_synchronized();
        match (held_back, self.timers.override_delay) {
            (true, None) => self.timers.override_delay = Some(cx.now + cx.config.override_delay),
            (true, Some(_)) => (),
            (false, _) => self.timers.override_delay = None,
        }
        if (!outstanding && !waiting) || self.insists_on_its_fin() {
            self.timers.user = None;
        } else if self.timers.user.is_none() && !self.has(Defect::UserTimeoutIgnored) {
            self.timers.user = Some(cx.now + self.user_timeout(cx));
        }
        self.arm_tail_probe(cx);
        if self.timers.keep_alive.is_none() {
            self.arm_keep_alive(cx);
        }
    }

    // ----- window probes --------------------------------------------------------------------------------------------

    /// The first probe after an RTO, each later one after twice as long (RFC 9293 section 3.8.6.1, SHLD-29 and 30).
    fn arm_persist(&mut self, cx: &Context) {
        if self.has(Defect::NoWindowProbe) {
            return;
        }
        if self.has(Defect::ProbeNotBackedOff) {
            self.persist_for = Duration::ZERO;
        }
        self.persist_for = if self.persist_for.is_zero() {
            cx.config.first_probe.unwrap_or(self.round_trip.rto)
        } else {
            (self.persist_for * 2).min(cx.config.rto_max)
        };
        self.timers.persist = Some(cx.now + self.persist_for);
    }

    /// Asks for the window, unless as many probes as retransmissions are allowed have gone unanswered. The octet of a
    /// probe counts as sent: the peer may take it.
    fn persist_expired(&mut self, cx: &mut Context) {
        // Who does not answer probes is gone, as who does not acknowledge data (MUST-37 spares who answers).
        if cx.config.retries.data.is_some_and(|most| self.probes >= most) {
            return self.user_timeout_expired(cx);
        }
        self.probes += 1;
        let size = if self.has(Defect::ProbeWithSegment) { 536 } else { 1 };
        let octet = self.queue.read(self.snd_una, size);
        if cx.has(Switch::WindowProbeOld) || octet.is_empty() {
            return self.send_probe(cx, self.snd_una.advanced(-1), Vec::new());
        }
        self.round_trip.timed = None;
        if !self.has_outstanding() && self.has(Defect::ProbedOctetSentTwice) {
            self.queue.repeat_first();
        }
        if !self.has_outstanding() {
            self.snd_nxt = self.snd_una.advanced(octet.len() as i64);
            self.probed = true;
        }
        self.send_probe(cx, self.snd_una, octet);
    }

    // ----- keep-alive -----------------------------------------------------------------------------------------------

    fn keeps_alive(&self) -> bool {
        let idles = matches!(self.state, State::Established | State::CloseWait | State::FinWait2);
        (self.settings.keep_alive || self.has(Defect::KeepAliveUnasked))
            && idles
            && !self.has_outstanding()
            && self.unsent() == 0
    }

    /// Sets the time of the next probe: idle time after the peer was last heard of, or the interval after the last
    /// probe (RFC 9293 section 3.8.4, MUST-26).
    pub fn arm_keep_alive(&mut self, cx: &Context) {
        let often = self.has(Defect::KeepAliveUnasked) || self.has(Defect::KeepAliveTooOften);
        let default = if often {
            Duration::from_secs(60)
        } else {
            cx.config.keep_alive_idle
        };
        let idle = self.settings.keep_alive_idle.unwrap_or(default);
        // With a user timeout that was agreed upon, not before that has passed (RFC 5482 section 4.2).
        let idle = match self.uto_remote {
            Some(_) if !self.has(Defect::KeepAliveBeforeUserTimeout) => {
                idle.max(self.user_timeout(cx) + Duration::from_secs(1))
            }
            Some(_) | None => idle,
        };
        let interval = self
            .settings
            .keep_alive_interval
            .unwrap_or(cx.config.keep_alive_interval);
        self.timers.keep_alive = match (self.keeps_alive(), self.keep_alives) {
            (false, _) => None,
            (true, 0) => Some((self.heard_at + idle).max(cx.now)),
            (true, _) => Some(cx.now + interval),
        };
    }

    fn keep_alive_expired(&mut self, cx: &mut Context) {
        if !self.keeps_alive() {
            return;
        }
        let most = self.settings.keep_alive_count.unwrap_or(cx.config.keep_alive_count);
        let most = if self.has(Defect::KeepAliveHasty) { 1 } else { most };
        if self.keep_alives >= most && !self.has(Defect::KeepAliveEndless) {
            if cx.has(Switch::KeepAliveEndReset) {
                self.send_reset(cx);
            }
            return self.end(cx, Some(ErrorName::TimedOut), "keep-alives were not answered");
        }
        self.keep_alives += 1;
        let payload = match cx.has(Switch::KeepAliveProbeOctet) {
            false => Vec::new(),
            true => vec![0],
        };
        let back = if self.has(Defect::KeepAliveNewNumber) { 0 } else { 1 };
        self.send_probe(cx, self.snd_nxt.advanced(-back), payload);
        self.arm_keep_alive(cx);
    }

    /// The peer was heard of.
    pub fn heard(&mut self, cx: &Context) {
        self.soft_error = None;
        if self.has(Defect::KeepAliveDeafToTraffic) {
            return;
        }
        self.heard_at = cx.now;
        self.keep_alives = 0;
        self.arm_keep_alive(cx);
    }

    // ----- delayed ACKs ---------------------------------------------------------------------------------------------

    /// Octets were taken in order: an ACK is owed, at once for every second full segment, else soon (RFC 9293 section
    /// 3.8.6.3, SHLD-18 and 19, MUST-40).
    pub fn owe_ack(&mut self, cx: &Context, octets: u32) {
        self.owed.octets += octets;
        if self.has(Defect::DataNotAcked) {
            return;
        }
        let enough = self.owed.octets >= 2 * self.rmss(cx) && !self.has(Defect::StretchAcks);
        let enough = enough || self.has(Defect::EverythingAckedAtOnce);
        if enough || cx.has(Switch::DelayedAckNo) || self.settings.quick_ack {
            self.owed.now = true;
        } else if self.timers.delayed_ack.is_none() {
            let late = self.has(Defect::AckDelayedTooLong)
                || self.has(Defect::TalkersAckLate) && span(self.iss, self.snd_una) > 1;
            let factor = if late { 5 } else { 1 };
            self.timers.delayed_ack = Some(cx.now + cx.config.ack_delay * factor);
        }
    }

    /// Takes a sample from an ACK of new data: from the timestamp that it echoes (RFC 7323 section 4.1), or from the
    /// octet that is timed.
    pub fn sample(&mut self, cx: &Context, ack: SeqNum, echo: Option<u32>) {
        if let Some(echo) = echo.filter(|_| self.agreed.timestamps) {
            let ticks = self.ts_now(cx).wrapping_sub(echo);
            self.round_trip.timed = None;
            // A clock that was never ours says nothing.
            if ticks < 1 << 31 {
                self.measure(cx, Duration::from_millis(u64::from(ticks)));
            }
            return;
        }
        if let Some((end, at)) = self.round_trip.timed
            && super::seq::leq(end, ack)
        {
            self.round_trip.timed = None;
            self.measure(cx, cx.now.since(at));
        }
    }
}
