//! Timeouts (RFC 9293 section 3.10.8), and their timers: RFC 6298, window probes (section 3.8.6.1), keep-alives
//! (section 3.8.4), delayed ACKs (section 3.8.6.3), 2MSL (section 3.6.1).

pub(in crate::model) mod decisions;

use super::context::Context;
use super::segment_arrives::fate::Acknowledged;
use super::tcb::Tcb;
use crate::rfc::State;
use crate::stack::ErrorName;
use crate::time::Instant;
use crate::wire::SeqNum;
use core::time::Duration;

/// RTO for data after the SYN timed out (RFC 6298 section 5.7).
const RTO_AFTER_SYN: Duration = Duration::from_secs(3);

/// Whether nothing is outstanding but our FIN.
fn only_fin_is_outstanding(tcb: &Tcb) -> bool {
    tcb.fin_sent && tcb.queue.len() == 0
}

impl Tcb {
    /// Handles every timer that has expired, and sends what follows from it.
    pub(super) fn on_time(&mut self, cx: &mut Context) {
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
        // What waited for the override timeout has been sent by now, or cannot be.
        if due(self.timers.override_delay) {
            self.timers.override_delay = None;
        }
    }

    // ----- 3.10.8 ---------------------------------------------------------------------------------------------------

    /// USER TIMEOUT (RFC 9293 section 3.10.8): all queues are flushed, the user is told in general and for every call,
    /// the TCB is deleted.
    fn user_timeout_expired(&mut self, cx: &mut Context) {
        if decisions::giving_up_resets(self) {
            self.send_reset(cx);
        }
        if !decisions::giving_up_is_told(self) {
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
        let most = decisions::most_retries(self, cx);
        if most.is_some_and(|most| self.round_trip.backoffs >= most) {
            return self.user_timeout_expired(cx);
        }
        if !decisions::front_goes_out_again(self) {
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
            self.on_timeout(first);
            self.suspect_black_hole(cx);
            if decisions::idle_timer_sends(self) {
                self.send_probe(cx, self.snd_una.advanced(-1), vec![0]);
            }
            // What the peer has reported, if that still counts, is not sent again.
            let front = self.scoreboard.end_of(self.snd_una).unwrap_or(self.snd_una);
            let length = self.send_again(cx, front);
            self.congestion.high_rxt = front.advanced(i64::from(length));
            if decisions::next_goes_out_too(self) {
                self.send_again(cx, self.congestion.high_rxt);
            }
        }
        self.timers.retransmission = Some(self.rto_ends(cx));
    }

    /// TIME-WAIT TIMEOUT (RFC 9293 section 3.10.8): the TCB is deleted.
    fn time_wait_expired(&mut self, cx: &mut Context) {
        self.end(cx, None, "");
    }

    /// Starts, or starts anew, the 2MSL timer, and turns the others off (RFC 9293 section 3.10.7.4).
    pub(super) fn start_time_wait(&mut self, cx: &Context) {
        self.timers = super::tcb::Timers {
            time_wait: decisions::time_wait_ends(self, cx),
            delayed_ack: self.timers.delayed_ack,
            ..super::tcb::Timers::default()
        };
    }

    // ----- RFC 6298 -------------------------------------------------------------------------------------------------

    /// When an RTO ends that begins now: at the next tick of the clock.
    pub(super) fn rto_ends(&self, cx: &Context) -> Instant {
        let at = (cx.now + self.round_trip.rto).as_nanos();
        let tick = (cx.config.timer_tick.as_nanos() as u64).max(1);
        Instant::from_nanos(at.div_ceil(tick).saturating_mul(tick))
    }

    /// RTO doubles, up to its bound (section 5.5).
    fn back_off(&mut self, cx: &Context) {
        self.round_trip.backoffs += 1;
        self.round_trip.rto = decisions::rto_after_timeout(self, cx);
    }

    /// Takes a sample (sections 2.2 to 2.4).
    pub(super) fn measure(&mut self, cx: &Context, r: Duration) {
        if !decisions::round_trip_is_measured(self) {
            return;
        }
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
        self.round_trip.rto = decisions::rto_after_sample(self, cx, srtt);
    }

    /// After the handshake: if the SYN timed out, RTO for data begins at 3 seconds (section 5.7).
    pub(super) fn settle_rto(&mut self) {
        if decisions::lost_syn_sets_rto(self) {
            self.round_trip.rto = RTO_AFTER_SYN;
            self.round_trip.backoffs = 0;
        }
    }

    /// Starts the timer anew (section 5.3), or stops it when nothing is outstanding (section 5.2).
    pub(super) fn restart_retransmission(&mut self, cx: &Context) {
        self.timers.retransmission = decisions::restarted_timer(self, cx);
    }

    // ----- which timers run -----------------------------------------------------------------------------------------

    /// Sets the timers that depend on what is outstanding, queued, and held back.
    pub(super) fn arm(&mut self, cx: &Context) {
        if matches!(self.state, State::Closed | State::TimeWait) {
            return;
        }
        let outstanding = self.has_outstanding();
        let waiting = self.unsent() > 0 || (self.closing && !self.fin_sent);
        let shut = decisions::is_shut_out(self);
        if shut {
            self.timers.retransmission = None;
            if self.timers.persist.is_none() {
                self.arm_persist(cx);
            }
        } else {
            self.timers.persist = None;
            self.persist_for = Duration::ZERO;
            self.probes = 0;
            self.timers.retransmission = decisions::armed_timer(self, cx);
        }
        let held_back = self.unsent() > 0 && !outstanding && !shut && self.is_synchronized();
        match (held_back, self.timers.override_delay) {
            (true, None) => self.timers.override_delay = Some(cx.now + cx.config.override_delay),
            (true, Some(_)) => (),
            (false, _) => self.timers.override_delay = None,
        }
        self.timers.user = decisions::user_timer(self, cx, outstanding || waiting);
        self.arm_tail_probe(cx);
        if self.timers.keep_alive.is_none() {
            self.arm_keep_alive(cx);
        }
    }

    // ----- window probes --------------------------------------------------------------------------------------------

    /// The first probe is sent after an RTO, each later one after twice as long (RFC 9293 section 3.8.6.1, SHLD-29 and
    /// SHLD-30).
    fn arm_persist(&mut self, cx: &Context) {
        if decisions::window_is_probed(self) {
            self.persist_for = decisions::probe_interval(self, cx);
            self.timers.persist = Some(cx.now + self.persist_for);
        }
    }

    /// Probes the window, unless as many probes are unanswered as retransmissions are allowed. The octet of a probe
    /// counts as sent, since the peer may accept it.
    fn persist_expired(&mut self, cx: &mut Context) {
        // A peer that does not answer probes is gone, like one that does not acknowledge data (MUST-37 is about peers
        // that answer).
        if cx.config.retries.data.is_some_and(|most| self.probes >= most) {
            return self.user_timeout_expired(cx);
        }
        self.probes += 1;
        let text = decisions::probe_text(self);
        if text.is_empty() {
            let old = vec![0; usize::from(cx.config.old_probe_octet)];
            return self.send_probe(cx, self.snd_una.advanced(-1), old);
        }
        self.round_trip.timed = None;
        if decisions::probed_octet_is_repeated(self) {
            self.queue.repeat_first();
        }
        if !self.has_outstanding() {
            self.snd_nxt = self.snd_una.advanced(text.len() as i64);
            self.probed = true;
        }
        self.send_probe(cx, self.snd_una, text);
    }

    // ----- keep-alive -----------------------------------------------------------------------------------------------

    /// Sets the time of the next probe: idle time after the peer was last heard of, or the interval after the last
    /// probe (RFC 9293 section 3.8.4, MUST-26).
    pub(super) fn arm_keep_alive(&mut self, cx: &Context) {
        let interval = self.settings.keep_alive_interval;
        self.timers.keep_alive = match (decisions::keeps_alive(self), self.keep_alives) {
            (false, _) => None,
            (true, 0) => {
                let idle = decisions::keep_alive_idle(self, cx);
                Some((self.heard_at + idle + self.keep_alive_lateness(cx, idle)).max(cx.now))
            }
            (true, _) => {
                let wait = interval.unwrap_or(cx.config.keep_alive_interval);
                Some(cx.now + wait + self.keep_alive_lateness(cx, wait))
            }
        };
    }

    /// By how much the next probe is late, which is due after `wait`.
    fn keep_alive_lateness(&self, cx: &Context, wait: Duration) -> Duration {
        let lot = cx
            .secret
            .hash(&[0x6b61, u64::from(self.iss.0), u64::from(self.keep_alives)]);
        wait / 1000 * cx.config.keep_alive_jitter / 255 * (lot % 256) as u32
    }

    fn keep_alive_expired(&mut self, cx: &mut Context) {
        if !decisions::keeps_alive(self) {
            return;
        }
        if decisions::peer_is_gone(self, cx) {
            if decisions::silence_resets(self) {
                self.send_reset(cx);
            }
            return self.end(cx, Some(ErrorName::TimedOut), "keep-alives were not answered");
        }
        self.keep_alives += 1;
        let (number, text) = (decisions::keep_alive_number(self), decisions::keep_alive_text(self));
        self.send_probe(cx, number, text);
        self.arm_keep_alive(cx);
    }

    /// A segment came from the peer.
    pub(super) fn heard(&mut self, cx: &Context) {
        self.soft_error = None;
        if decisions::traffic_counts(self) {
            self.heard_at = cx.now;
            self.keep_alives = 0;
            self.arm_keep_alive(cx);
        }
    }

    // ----- delayed ACKs ---------------------------------------------------------------------------------------------

    /// Octets were received in order: an ACK is owed, at once for every second full segment, otherwise soon (RFC 9293
    /// section 3.8.6.3, SHLD-18 and SHLD-19, MUST-40).
    pub(super) fn owe_ack(&mut self, cx: &Context, octets: u32) {
        self.owed.octets += octets;
        let enough = decisions::enough_to_acknowledge(self, cx);
        match decisions::text_is_acknowledged(self, cx, enough) {
            Acknowledged::AtOnce => {
                self.owed.now = true;
                self.quick_acks = self.quick_acks.saturating_sub(1);
            }
            Acknowledged::Later if self.timers.delayed_ack.is_none() => {
                self.timers.delayed_ack = Some(cx.now + decisions::ack_delay(self, cx));
            }
            Acknowledged::Later | Acknowledged::Never => (),
        }
    }

    /// Takes a sample from an ACK of new data: from the timestamp that it echoes (RFC 7323 section 4.1), or from the
    /// octet that is timed.
    pub(super) fn sample(&mut self, cx: &Context, ack: SeqNum, echo: Option<u32>) {
        if let Some(echo) = echo.filter(|_| self.agreed.timestamps && super::options::clock_measures(cx)) {
            let ticks = self.ts_now(cx).wrapping_sub(echo);
            self.round_trip.timed = None;
            // A TSecr from the future is no value of our clock.
            if ticks < 1 << 31 {
                self.measure(cx, Duration::from_nanos(u64::from(ticks) * cx.config.timestamp_tick));
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
