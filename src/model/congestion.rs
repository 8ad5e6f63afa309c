//! Congestion control and loss recovery of the sender: RFC 5681, RFC 3042, RFC 6582 without SACK, RFC 6675 with it, RFC
//! 3168 section 6.1.2.

use super::context::Context;
use super::sack::DUP_THRESH;
use super::seq::{earlier, leq, span};
use super::switch::Switch;
use super::tcb::Tcb;
use crate::model::defect::Defect;
use crate::wire::SeqNum;

/// What the sender makes of losses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// There are none.
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

/// See the module.
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
    /// Whether the tail has been sent again in this recovery (RFC 6675 section 4, rule 4 of NextSeg).
    pub rescued: bool,
    /// Whether a partial ACK has come in this recovery (RFC 6582 section 3.2).
    pub partial: bool,
}

impl Tcb {
    /// The initial window, once the MSS is known (RFC 5681 section 3.1).
    pub fn open_congestion_window(&mut self, cx: &Context) {
        let smss = self.smss();
        if self.has(Defect::NoSlowStart) {
            self.congestion.ssthresh = 1 << 20;
            self.congestion.cwnd = 1 << 20;
            return;
        }
        self.congestion.ssthresh = u32::MAX;
        // RFC 6928 section 2 takes a single loss for an accident.
        let accidents = u32::from(cx.has(Switch::InitialWindow10));
        let lost = self.round_trip.syn_timeouts > accidents && !self.has(Defect::FullWindowAfterSynLoss);
        self.congestion.cwnd = match lost {
            true => smss,
            false if self.has(Defect::HandshakeOpensWindow) => initial_window(cx, smss) + smss,
            false if self.has(Defect::WindowUnboundWithoutMss) && !self.mss_announced => 1 << 20,
            false => initial_window(cx, smss),
        };
    }

    /// FlightSize halves into ssthresh, never below two segments (RFC 5681 section 3.1, equation 4).
    pub fn halve(&mut self) {
        let smss = self.smss();
        self.congestion.ssthresh = (self.flight() / 2).max(2 * smss);
    }

    /// Octets of new data that congestion control lets out now.
    pub fn congestion_room(&self, cx: &Context) -> u32 {
        let (flight, smss) = (self.flight(), self.smss());
        let congestion = &self.congestion;
        match congestion.mode {
            Mode::Open => {
                // Limited transmit: a segment for each of the first two duplicates, cwnd as it is (RFC 3042).
                let extra = match !cx.has(Switch::LimitedTransmitNo) && !self.has(Defect::LimitedTransmitMissing) {
                    true => congestion.dup_acks.min(DUP_THRESH - 1) * smss,
                    false => 0,
                };
                congestion.cwnd.saturating_add(extra).saturating_sub(flight)
            }
            Mode::NewReno => congestion.cwnd.saturating_sub(flight),
            Mode::Sack if self.has(Defect::RecoveryWithoutNewData) => 0,
            Mode::Sack => congestion.cwnd.saturating_sub(self.pipe(cx)),
            // Step 2b of F-RTO: up to two new segments, whatever cwnd is.
            Mode::Loss if congestion.doubt == Doubt::Second => {
                let sent = span(congestion.recover, self.snd_nxt);
                (2 * smss).saturating_sub(sent)
            }
            Mode::Loss if congestion.high_rxt.before(congestion.recover) => 0,
            Mode::Loss => congestion.cwnd.saturating_sub(flight),
        }
    }

    fn pipe(&self, cx: &Context) -> u32 {
        let lost = |seq| self.is_lost(cx, seq);
        self.scoreboard
            .pipe(self.snd_una, self.snd_nxt, self.congestion.high_rxt, &lost)
    }

    /// Whether an octet is thought to be lost: by what is reported above it, or by time.
    fn is_lost(&self, cx: &Context, seq: SeqNum) -> bool {
        match self.uses_rack(cx) {
            true => self.rack_lost(seq),
            false => self.scoreboard.is_lost(seq, self.smss()),
        }
    }

    fn uses_sack(&self, cx: &Context) -> bool {
        self.agreed.sack && !cx.has(Switch::RecoveryNewreno)
    }

    /// An ACK of `acked` octets of new data came; SND.UNA has moved already.
    pub fn on_new_ack(&mut self, cx: &mut Context, acked: u32, marked: bool) {
        self.scoreboard.acknowledge(self.snd_una);
        self.congestion.dup_acks = 0;
        let done = leq(self.congestion.recover, self.snd_una);
        match self.congestion.mode {
            Mode::Open => self.grow(acked, marked),
            Mode::Loss => {
                self.congestion.high_rxt = super::seq::later(self.congestion.high_rxt, self.snd_una);
                self.resolve_doubt();
                self.grow(acked, marked);
                if done {
                    self.congestion.mode = Mode::Open;
                    self.congestion.doubt = Doubt::None;
                }
            }
            Mode::NewReno | Mode::Sack if done => {
                // Full acknowledgment: the window deflates (RFC 6582 section 3.2 step 3, option 1; RFC 6675 section 5).
                let smss = self.smss();
                let deflated = match self.congestion.mode {
                    Mode::NewReno if self.has(Defect::WindowNotDeflated) => self.congestion.cwnd,
                    Mode::NewReno => self.congestion.ssthresh.min(self.flight().max(smss) + smss),
                    Mode::Open | Mode::Sack | Mode::Loss => self.congestion.ssthresh,
                };
                self.congestion.cwnd = deflated;
                self.congestion.mode = Mode::Open;
            }
            Mode::NewReno => self.on_partial_ack(cx, acked),
            Mode::Sack if self.has(Defect::HolesFilledTwice) => self.congestion.high_rxt = self.snd_una,
            Mode::Sack => {
                self.congestion.high_rxt = super::seq::later(self.congestion.high_rxt, self.snd_una);
            }
        }
    }

    /// An ACK of new data came while a timeout is in doubt (RFC 5682 section 2.1, steps 2b and 3b).
    fn resolve_doubt(&mut self) {
        // What was sent again has arrived, or what it replaces, and there is something new to send.
        let ready = self.snd_una == self.congestion.high_rxt && self.unsent() > 0 && self.usable_window() > 0;
        let congestion = &mut self.congestion;
        congestion.doubt = match congestion.doubt {
            Doubt::First if ready => Doubt::Second,
            // Two ACKs that move ahead, the second by what was not sent again: all was only late.
            Doubt::Second if !self.decider.takes(Defect::SpuriousTimeoutMissed) => {
                congestion.mode = Mode::Open;
                congestion.high_rxt = self.snd_nxt;
                Doubt::None
            }
            Doubt::First | Doubt::Second | Doubt::None => Doubt::None,
        };
    }

    /// A duplicate ACK: the loss is real, and recovery goes on from what is missing (RFC 5682 section 2.1, steps 2a and
    /// 3a).
    fn end_doubt(&mut self) {
        let smss = self.smss();
        if self.congestion.doubt == Doubt::None || self.has(Defect::DuplicatesLeaveDoubt) {
            return;
        }
        if self.congestion.doubt == Doubt::Second {
            self.congestion.cwnd = self.congestion.cwnd.min(3 * smss);
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
        let smss = self.smss();
        let congestion = &mut self.congestion;
        if congestion.cwnd < congestion.ssthresh {
            let more = match () {
                () if self.decider.takes(Defect::SlowStartTooFast) => 2 * smss,
                () if self.decider.takes(Defect::AckDivisionRewarded) => smss,
                () if self.decider.takes(Defect::AckCountedInFull) => acked,
                () => acked.min(smss),
            };
            congestion.cwnd = congestion.cwnd.saturating_add(more);
            return;
        }
        congestion.bytes_acked = congestion.bytes_acked.saturating_add(acked);
        if congestion.bytes_acked >= congestion.cwnd {
            congestion.bytes_acked -= congestion.cwnd;
            let steps = if self.decider.takes(Defect::AdditiveIncreaseTooFast) {
                3
            } else {
                1
            };
            congestion.cwnd = congestion.cwnd.saturating_add(steps * smss);
        }
    }

    /// A partial acknowledgment: the next hole is sent at once, and the window deflates by what was acknowledged (RFC
    /// 6582 section 3.2, step 3). The first one restarts the timer.
    fn on_partial_ack(&mut self, cx: &mut Context, acked: u32) {
        let smss = self.smss();
        let deflated = self.congestion.cwnd.saturating_sub(acked);
        if !self.has(Defect::PartialAckLeavesWindow) {
            self.congestion.cwnd = deflated + if acked >= smss { smss } else { 0 };
        }
        if !self.congestion.partial && !self.has(Defect::PartialAckLeavesTimer) {
            self.congestion.partial = true;
            self.restart_retransmission(cx);
        }
        if !self.has(Defect::PartialAckWaits) {
            self.send_again(cx, self.snd_una);
        }
    }

    /// A duplicate ACK (RFC 5681 section 2), or with SACK one that tells something new (RFC 6675 section 5).
    pub fn on_duplicate_ack(&mut self, cx: &mut Context) {
        self.congestion.dup_acks += 1;
        let smss = self.smss();
        match self.congestion.mode {
            Mode::NewReno if self.has(Defect::NoInflation) => (),
            Mode::NewReno => {
                let segments = if self.has(Defect::InflatedTwice) { 2 } else { 1 };
                self.congestion.cwnd = self.congestion.cwnd.saturating_add(segments * smss);
            }
            Mode::Open => {
                if self.has(Defect::LimitedTransmitWidens) && self.congestion.dup_acks < DUP_THRESH {
                    self.congestion.cwnd += smss;
                }
                let early = self.uses_sack(cx) && self.scoreboard.is_lost(self.snd_una, smss);
                let enough = self.congestion.dup_acks >= DUP_THRESH || early;
                if enough && !self.uses_rack(cx) || self.has(Defect::HastyFastRetransmit) {
                    self.enter_recovery(cx);
                }
            }
            Mode::Loss
                if self.has(Defect::RecoveryAfterTimeout)
                    && (self.congestion.dup_acks >= DUP_THRESH || self.scoreboard.is_lost(self.snd_una, smss)) =>
            {
                self.congestion.recover = self.snd_una;
                self.enter_recovery(cx);
            }
            Mode::Loss => self.end_doubt(),
            Mode::Sack => (),
        }
    }

    /// The third duplicate ACK: fast retransmit (RFC 5681 section 3.2), unless what it speaks of was dealt with already
    /// (RFC 6582 section 3.2 step 2, RFC 6675 section 5.1).
    pub fn enter_recovery(&mut self, cx: &mut Context) {
        if self.snd_una.before(self.congestion.recover) || self.has(Defect::NoFastRetransmit) {
            return;
        }
        if self.has(Defect::NoHalvingOnLoss) {
            self.congestion.ssthresh = self.congestion.cwnd;
        } else {
            self.halve();
        }
        self.ecn.cwr = self.agreed.ecn;
        let smss = self.smss();
        self.congestion.recover = self.snd_nxt;
        self.congestion.high_rxt = self.snd_una;
        self.congestion.rescued = false;
        self.congestion.partial = false;
        if self.uses_sack(cx) {
            self.congestion.mode = Mode::Sack;
            self.congestion.cwnd = self.congestion.ssthresh;
        } else {
            self.congestion.mode = Mode::NewReno;
            self.congestion.cwnd = self.congestion.ssthresh + DUP_THRESH * smss;
        }
        let length = self.send_again(cx, self.snd_una);
        self.congestion.high_rxt = self.snd_una.advanced(i64::from(length));
    }

    /// Sends again what recovery asks for, as far as the window lets it.
    pub fn resend(&mut self, cx: &mut Context) {
        match self.congestion.mode {
            Mode::Open | Mode::NewReno => (),
            Mode::Sack => self.resend_lost(cx),
            Mode::Loss => self.resend_all(cx),
        }
    }

    /// NextSeg() of RFC 6675 section 4, without its second rule: new data is sent by who calls us.
    fn resend_lost(&mut self, cx: &mut Context) {
        let smss = self.smss();
        while self.congestion.cwnd.saturating_sub(self.pipe(cx)) >= smss {
            if let Some(seq) = self.next_hole(cx) {
                let length = self.send_again(cx, seq);
                if length == 0 {
                    return;
                }
                self.congestion.high_rxt = seq.advanced(i64::from(length));
            } else if let Some(tail) = self.rescue(cx) {
                // This leaves HighRxt where it is.
                self.send_again(cx, tail);
            } else {
                return;
            }
        }
    }

    fn next_hole(&self, cx: &Context) -> Option<SeqNum> {
        let start = super::seq::later(self.congestion.high_rxt, self.snd_una);
        let start = self.scoreboard.end_of(start).unwrap_or(start);
        let below = self.scoreboard.highest().is_some_and(|highest| start.before(highest));
        // Rule 1: judged lost. Rule 3: not yet, but there is no new data to send instead.
        let idle = !self.may_send_new(cx) && !self.has(Defect::HolesNearTheEndWait);
        let fits = below && (self.is_lost(cx, start) || idle);
        fits.then_some(start)
    }

    /// Rule 4: the tail once more, once in each recovery, if nothing has been reported of it.
    fn rescue(&mut self, cx: &Context) -> Option<SeqNum> {
        let tail = self.snd_nxt.advanced(-i64::from(self.smss().min(self.flight())));
        if self.congestion.rescued
            || self.has(Defect::TailNotRescued)
            || self.may_send_new(cx)
            || !self.snd_una.before(self.congestion.recover)
        {
            return None;
        }
        self.congestion.rescued = true;
        (self.scoreboard.end_of(tail).is_none() && leq(self.congestion.high_rxt, tail)).then_some(tail)
    }

    /// After a timeout: everything that was outstanding, from the front, but for what has been reported since.
    fn resend_all(&mut self, cx: &mut Context) {
        if self.congestion.doubt == Doubt::Second {
            return;
        }
        loop {
            let seq = super::seq::later(self.congestion.high_rxt, self.snd_una);
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
    pub fn on_timeout(&mut self, cx: &Context, first: bool) {
        // Within a recovery that is not over the timeout is believed (RFC 5682 section 2.1, step 1).
        let fresh = first && leq(self.congestion.recover, self.snd_una);
        self.congestion.doubt = if cx.has(Switch::FRto) && fresh {
            Doubt::First
        } else {
            Doubt::None
        };
        // Of several timeouts of one segment only the first lowers ssthresh.
        if first && !self.has(Defect::ThresholdKeptOnTimeout) {
            self.halve();
        } else if self.has(Defect::ThresholdLoweredByEveryTimeout) {
            self.congestion.ssthresh = (self.congestion.ssthresh / 4).max(2 * self.smss());
        }
        self.rack_timeout();
        self.ecn.cwr = self.agreed.ecn;
        if !self.has(Defect::ReportsKeptAfterTimeout) {
            self.scoreboard.clear();
        }
        if !self.has(Defect::NoCollapseOnTimeout) {
            self.congestion.cwnd = self.smss();
        }
        self.congestion.bytes_acked = 0;
        self.congestion.dup_acks = 0;
        self.begin_loss();
    }

    /// Everything outstanding is to be sent again from the front.
    pub fn begin_loss(&mut self) {
        self.congestion.mode = Mode::Loss;
        self.congestion.recover = self.snd_nxt;
        self.congestion.high_rxt = self.snd_una;
    }

    /// The peer tells of a mark: the window halves as for a loss, once for each window of data (RFC 3168 section 6.1.2).
    pub fn on_ecn_echo(&mut self) {
        let again = self.ecn.reduced_at.is_some_and(|at| self.snd_una.before(at));
        if again || self.congestion.mode != Mode::Open || self.has(Defect::EcnIgnoredBySender) {
            return;
        }
        self.halve();
        self.congestion.cwnd = self.congestion.ssthresh;
        self.ecn.reduced_at = Some(self.snd_nxt);
        self.ecn.cwr = true;
    }

    /// After idling for more than an RTO the restart window applies (RFC 5681 section 4.1).
    pub fn restart_after_idle(&mut self, cx: &Context) {
        let idle = cx.now.since(self.sent_at) > self.round_trip.rto;
        let forgets = self.path.lowered && self.has(Defect::PathMtuForgotten);
        if forgets && cx.now.since(self.sent_at) > core::time::Duration::from_secs(60) {
            self.path.mtu = cx.config.mtu;
        }
        let falls = !cx.has(Switch::RestartAfterIdleNo) && !self.has(Defect::IdleWindowKept);
        if falls && idle && !self.has_outstanding() {
            let restart = initial_window(cx, self.smss());
            self.congestion.cwnd = self.congestion.cwnd.min(restart);
        }
    }

    /// The segments grew smaller: the window keeps their number (RFC 5681 section 3.1).
    pub fn scale_congestion_window(&mut self, from: u32) {
        let smss = self.smss();
        let segments = (self.congestion.cwnd / from.max(1)).max(1);
        self.congestion.cwnd = self.congestion.cwnd.min(segments.saturating_mul(smss)).max(smss);
    }

    /// How far a retransmission from `seq` may reach.
    pub fn end_of_hole(&self, seq: SeqNum) -> SeqNum {
        self.scoreboard
            .next_after(seq)
            .map_or(self.snd_nxt, |next| earlier(next, self.snd_nxt))
    }
}

/// IW (RFC 5681 section 3.1, RFC 6928 section 2).
fn initial_window(cx: &Context, smss: u32) -> u32 {
    match smss {
        _ if cx.has(Switch::InitialWindow10) => (10 * smss).min(14_600.max(2 * smss)),
        2191.. => 2 * smss,
        1096.. => 3 * smss,
        _ => 4 * smss,
    }
}
