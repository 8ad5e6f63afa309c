//! Congestion control and loss recovery of the sender: RFC 5681, RFC 3042, RFC 6582 without SACK, RFC 6675 with it, RFC
//! 3168 section 6.1.2.

pub(in crate::model) mod decisions;

use super::context::Context;
use super::rack::decisions::tells_losses_by_time;
use super::sack::DUP_THRESH;
use super::seq::{earlier, later, leq, span};
use super::tcb::Tcb;
use crate::wire::SeqNum;

/// What every path takes, over IPv4 and over IPv6 (RFC 1122 section 3.3.3, RFC 8200 section 5).
const SAFE_MTU: (usize, usize) = (576, 1280);

/// The state of loss recovery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// No loss is being recovered from.
    #[default]
    Open,
    /// Fast recovery, as RFC 6582 has it.
    NewReno,
    /// Loss recovery as RFC 6675 has it.
    Sack,
    /// After a timeout, or after a packet was too big: what was outstanding then is sent again from SND.UNA on as the
    /// window lets it (RFC 5681 section 3.1).
    Loss,
}

/// How far F-RTO has come in finding out whether a timeout was spurious (RFC 5682 section 2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It is not in doubt, or the loss is known to be real.
    #[default]
    None,
    /// Step 2: the first ACK after the timeout has not come.
    First,
    /// Step 3: new segments were sent in the place of old ones, and the second ACK has not come.
    Second,
}

/// The congestion control of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Congestion {
    pub cwnd: u32,
    pub ssthresh: u32,
    /// Octets acknowledged since cwnd last grew in congestion avoidance.
    pub bytes_acked: u32,
    pub dup_acks: u32,
    pub mode: Mode,
    pub doubt: Doubt,
    /// "recover" of RFC 6582, RecoveryPoint of RFC 6675: what was outstanding when recovery began.
    pub recover: SeqNum,
    /// HighRxt: one past the highest octet sent again in this recovery.
    pub high_rxt: SeqNum,
    /// Whether the end of what is outstanding has been retransmitted in this recovery (RFC 6675 section 4, rule 4 of
    /// NextSeg).
    pub rescued: bool,
    /// Whether a partial ACK has come in this recovery (RFC 6582 section 3.2).
    pub partial: bool,
}

impl Tcb {
    /// The initial window, once the MSS is known (RFC 5681 section 3.1).
    pub(super) fn open_congestion_window(&mut self, cx: &Context) {
        let (initial, lost) = (decisions::window_at_start(self, cx), decisions::lost_syn_counts(self));
        self.congestion.ssthresh = decisions::first_threshold(self, cx);
        self.congestion.cwnd = decisions::first_window(self, initial, lost);
    }

    /// Half of what cwnd had let out, without what limited transmit has sent beyond it (RFC 5681 section 3.2, step 2).
    fn half_of_window(&self) -> u32 {
        (self.flight().min(self.congestion.cwnd) / 2).max(2 * self.smss())
    }

    /// Half of FlightSize, never below two segments (RFC 5681 section 3.1, equation 4).
    fn half_of_flight(&self) -> u32 {
        (self.flight() / 2).max(2 * self.smss())
    }

    /// ssthresh becomes half of FlightSize, and cwnd becomes ssthresh.
    pub(super) fn halve(&mut self) {
        self.congestion.ssthresh = self.half_of_flight();
        self.congestion.cwnd = self.congestion.ssthresh;
    }

    /// Octets of new data that congestion control allows to be sent now.
    pub(super) fn congestion_room(&self) -> u32 {
        // The SYN that a fast open has not been told of yet is no data.
        let syn = u32::from(self.snd_una == self.iss);
        let (flight, smss) = (self.flight() - syn, self.smss());
        let congestion = &self.congestion;
        match congestion.mode {
            Mode::Open => {
                let extra = decisions::limited_transmit(self);
                congestion.cwnd.saturating_add(extra).saturating_sub(flight)
            }
            Mode::NewReno => congestion.cwnd.saturating_sub(flight),
            Mode::Sack => decisions::new_data_in_recovery(self, congestion.cwnd.saturating_sub(self.pipe())),
            // Step 2b of F-RTO: up to two new segments, whatever cwnd is.
            Mode::Loss if congestion.doubt == Doubt::Second => {
                let sent = span(congestion.recover, self.snd_nxt);
                (2 * smss).saturating_sub(sent)
            }
            Mode::Loss if congestion.high_rxt.before(congestion.recover) => 0,
            Mode::Loss => congestion.cwnd.saturating_sub(flight),
        }
    }

    fn pipe(&self) -> u32 {
        let lost = |seq| self.is_lost(seq);
        self.scoreboard
            .pipe(self.snd_una, self.snd_nxt, self.congestion.high_rxt, &lost)
    }

    /// Whether an octet counts as lost: by what is reported above it, or by time (RACK).
    fn is_lost(&self, seq: SeqNum) -> bool {
        match tells_losses_by_time(self) {
            true => self.rack_lost(seq),
            false => self.scoreboard.is_lost(seq, self.smss()),
        }
    }

    /// An ACK of `acked` octets of new data came; SND.UNA has moved already.
    pub(super) fn on_new_ack(&mut self, cx: &mut Context, acked: u32, marked: bool) {
        self.scoreboard.acknowledge(self.snd_una);
        self.congestion.dup_acks = 0;
        let done = leq(self.congestion.recover, self.snd_una);
        match self.congestion.mode {
            Mode::Open => self.grow(acked, marked),
            Mode::Loss => {
                self.congestion.high_rxt = later(self.congestion.high_rxt, self.snd_una);
                self.resolve_doubt();
                self.grow(acked, marked);
                if done {
                    self.congestion.mode = Mode::Open;
                    self.congestion.doubt = Doubt::None;
                }
            }
            Mode::NewReno | Mode::Sack if done => {
                // Full acknowledgment.
                self.congestion.cwnd = decisions::window_after_recovery(self);
                self.congestion.mode = Mode::Open;
            }
            Mode::NewReno => self.on_partial_ack(cx, acked),
            Mode::Sack => self.congestion.high_rxt = decisions::high_rxt_after_ack(self),
        }
    }

    /// An ACK of new data came while a timeout is in doubt (RFC 5682 section 2.1, steps 2b and 3b).
    fn resolve_doubt(&mut self) {
        // One of the two copies of what was retransmitted has arrived, and there is new data to send.
        let ready = self.snd_una == self.congestion.high_rxt && self.unsent() > 0 && self.usable_window() > 0;
        if decisions::timeout_was_spurious(self) {
            self.congestion.mode = Mode::Open;
            self.congestion.high_rxt = self.snd_nxt;
        }
        self.congestion.doubt = match self.congestion.doubt {
            Doubt::First if ready => Doubt::Second,
            Doubt::First | Doubt::Second | Doubt::None => Doubt::None,
        };
    }

    /// A duplicate ACK while a timeout is in doubt: the loss is real, and retransmission goes on from what is missing
    /// (RFC 5682 section 2.1, steps 2a and 3a).
    fn end_doubt(&mut self) {
        if !decisions::duplicate_ends_doubt(self) {
            return;
        }
        if self.congestion.doubt == Doubt::Second {
            self.congestion.cwnd = self.congestion.cwnd.min(3 * self.smss());
            self.congestion.high_rxt = self.snd_una;
            self.congestion.recover = self.snd_nxt;
        }
        self.congestion.doubt = Doubt::None;
    }

    /// Slow start below ssthresh, congestion avoidance above it (RFC 5681 section 3.1, equations 2 and 3). A marked ACK
    /// lets nothing grow (RFC 3168 section 6.1.2).
    fn grow(&mut self, acked: u32, marked: bool) {
        if marked {
            return;
        }
        if self.congestion.cwnd < self.congestion.ssthresh {
            let more = decisions::slow_start_growth(self, acked);
            self.congestion.cwnd = self.congestion.cwnd.saturating_add(more);
            return;
        }
        self.congestion.bytes_acked = self.congestion.bytes_acked.saturating_add(acked);
        if self.congestion.bytes_acked >= self.congestion.cwnd {
            self.congestion.bytes_acked -= self.congestion.cwnd;
            let more = decisions::avoidance_growth(self);
            self.congestion.cwnd = self.congestion.cwnd.saturating_add(more);
        }
    }

    /// A partial acknowledgment: the next hole is sent at once, and the window deflates by what was acknowledged (RFC
    /// 6582 section 3.2, step 3). The first one restarts the timer.
    fn on_partial_ack(&mut self, cx: &mut Context, acked: u32) {
        self.congestion.cwnd = decisions::window_after_partial_ack(self, acked);
        if decisions::partial_ack_restarts_timer(self) {
            self.congestion.partial = true;
            self.restart_retransmission(cx);
        }
        if decisions::partial_ack_resends(self) {
            self.send_again(cx, self.snd_una);
        }
    }

    /// A duplicate ACK (RFC 5681 section 2), or with SACK one that tells something new (RFC 6675 section 5).
    pub(super) fn on_duplicate_ack(&mut self, cx: &mut Context) {
        self.congestion.dup_acks += 1;
        match self.congestion.mode {
            Mode::NewReno => {
                let more = decisions::inflation(self);
                self.congestion.cwnd = self.congestion.cwnd.saturating_add(more);
            }
            Mode::Open => {
                self.congestion.cwnd = decisions::window_after_duplicate(self);
                if decisions::duplicate_begins_recovery(self) {
                    self.enter_recovery(cx);
                }
            }
            Mode::Loss if decisions::recovery_follows_timeout(self) => {
                self.congestion.recover = self.snd_una;
                self.enter_recovery(cx);
            }
            Mode::Loss => self.end_doubt(),
            Mode::Sack => (),
        }
    }

    /// The third duplicate ACK: fast retransmit (RFC 5681 section 3.2), unless an earlier recovery has dealt with that
    /// loss already (RFC 6582 section 3.2 step 2, RFC 6675 section 5.1).
    pub(super) fn enter_recovery(&mut self, cx: &mut Context) {
        if !decisions::recovery_may_begin(self) {
            return;
        }
        self.congestion.ssthresh = decisions::threshold_in_recovery(self);
        self.ecn.cwr = self.agreed.ecn;
        self.congestion.recover = self.snd_nxt;
        self.congestion.high_rxt = self.snd_una;
        self.congestion.rescued = false;
        self.congestion.partial = false;
        if decisions::recovers_by_reports(self) {
            self.congestion.mode = Mode::Sack;
            self.congestion.cwnd = self.congestion.ssthresh;
        } else {
            self.congestion.mode = Mode::NewReno;
            self.congestion.cwnd = self.congestion.ssthresh + DUP_THRESH * self.smss();
        }
        let length = self.send_again(cx, self.snd_una);
        self.congestion.high_rxt = self.snd_una.advanced(i64::from(length));
    }

    /// Retransmits what recovery asks for, as far as the window allows.
    pub(super) fn resend(&mut self, cx: &mut Context) {
        match self.congestion.mode {
            Mode::Open | Mode::NewReno => (),
            Mode::Sack => self.resend_lost(cx),
            Mode::Loss => self.resend_all(cx),
        }
    }

    /// NextSeg() of RFC 6675 section 4, without its second rule: the caller sends new data.
    fn resend_lost(&mut self, cx: &mut Context) {
        let smss = self.smss();
        while self.congestion.cwnd.saturating_sub(self.pipe()) >= smss {
            if let Some(seq) = self.next_hole() {
                let length = self.send_again(cx, seq);
                if length == 0 {
                    return;
                }
                self.congestion.high_rxt = seq.advanced(i64::from(length));
            } else if let Some(tail) = self.rescue() {
                // Rule 4 leaves HighRxt where it is.
                self.send_again(cx, tail);
            } else {
                return;
            }
        }
    }

    fn next_hole(&self) -> Option<SeqNum> {
        let start = later(self.congestion.high_rxt, self.snd_una);
        let start = self.scoreboard.end_of(start).unwrap_or(start);
        let below = self.scoreboard.highest().is_some_and(|highest| start.before(highest));
        // Rule 1: judged lost. Rule 3: not yet, but there is no new data to send instead.
        let fits = below && (self.is_lost(start) || decisions::doubtful_hole_is_filled(self, !self.may_send_new()));
        fits.then_some(start)
    }

    /// Rule 4: the end of what is outstanding, once in each recovery, if none of it has been reported.
    fn rescue(&mut self) -> Option<SeqNum> {
        let tail = self.snd_nxt.advanced(-i64::from(self.smss().min(self.flight())));
        if !decisions::tail_is_rescued(self) {
            return None;
        }
        self.congestion.rescued = true;
        (self.scoreboard.end_of(tail).is_none() && leq(self.congestion.high_rxt, tail)).then_some(tail)
    }

    /// After a timeout: everything that was outstanding, from SND.UNA on, without what has been reported since.
    fn resend_all(&mut self, cx: &mut Context) {
        if self.congestion.doubt == Doubt::Second {
            return;
        }
        loop {
            let seq = later(self.congestion.high_rxt, self.snd_una);
            let seq = self.scoreboard.end_of(seq).unwrap_or(seq);
            let room = self.congestion.cwnd.saturating_sub(span(self.snd_una, seq));
            if !seq.before(self.congestion.recover) || room < self.smss().min(span(seq, self.snd_nxt)) {
                self.congestion.high_rxt = seq;
                return;
            }
            let length = self.send_again(cx, seq);
            if length == 0 {
                return;
            }
            self.congestion.high_rxt = seq.advanced(i64::from(length));
        }
    }

    /// The retransmission timer expired (RFC 5681 section 3.1, RFC 6582 section 4, RFC 6675 section 5.1).
    pub(super) fn on_timeout(&mut self, first: bool) {
        // A timeout within a recovery that is not over is never in doubt (RFC 5682 section 2.1, step 1).
        let fresh = first && leq(self.congestion.recover, self.snd_una);
        self.congestion.doubt = decisions::doubt_of_timeout(self, fresh);
        self.congestion.ssthresh = decisions::threshold_after_timeout(self, first);
        self.rack_timeout();
        self.ecn.cwr = self.agreed.ecn;
        if !decisions::reports_outlive_timeout(self) {
            self.scoreboard.clear();
        }
        self.congestion.cwnd = decisions::window_after_timeout(self);
        self.congestion.bytes_acked = 0;
        self.congestion.dup_acks = 0;
        self.begin_loss();
    }

    /// Everything that is outstanding is to be retransmitted, from SND.UNA on.
    pub(super) fn begin_loss(&mut self) {
        self.congestion.mode = Mode::Loss;
        self.congestion.recover = self.snd_nxt;
        self.congestion.high_rxt = self.snd_una;
    }

    /// After many timeouts in a row segments may be too large for the path, and nobody says so (RFC 4821 section 7.7).
    pub(super) fn suspect_black_hole(&mut self, cx: &Context) {
        let suspected = cx.config.black_hole_after;
        if suspected.is_some_and(|timeouts| self.round_trip.backoffs >= timeouts) {
            let safe = if self.local.is_ipv4() { SAFE_MTU.0 } else { SAFE_MTU.1 };
            self.path.mtu = self.path.mtu.min(safe);
            self.congestion.cwnd = self.congestion.cwnd.min(self.smss());
        }
    }

    /// The peer has sent ECE: the window halves as for a loss, once for each window of data (RFC 3168 section 6.1.2).
    pub(super) fn on_ecn_echo(&mut self) {
        if decisions::echo_halves_window(self) {
            self.halve();
            self.ecn.reduced_at = Some(self.snd_nxt);
            self.ecn.cwr = true;
        }
    }

    /// After idling for more than an RTO the restart window applies (RFC 5681 section 4.1).
    pub(super) fn restart_after_idle(&mut self, cx: &Context) {
        self.path.mtu = decisions::path_mtu_after_idle(self, cx);
        self.congestion.cwnd = decisions::window_after_idle(self, cx);
    }

    /// Segments have become smaller: cwnd keeps its number of segments (RFC 5681 section 3.1).
    pub(super) fn scale_congestion_window(&mut self, from: u32) {
        let smss = self.smss();
        let segments = (self.congestion.cwnd / from.max(1)).max(1);
        self.congestion.cwnd = self.congestion.cwnd.min(segments.saturating_mul(smss)).max(smss);
    }

    /// How far a retransmission from `seq` may reach.
    pub(super) fn end_of_hole(&self, seq: SeqNum) -> SeqNum {
        self.scoreboard
            .next_after(seq)
            .map_or(self.snd_nxt, |next| earlier(next, self.snd_nxt))
    }
}

/// The initial window (RFC 5681 section 3.1).
fn initial_window(smss: u32) -> u32 {
    match smss {
        2191.. => 2 * smss,
        1096.. => 3 * smss,
        _ => 4 * smss,
    }
}
