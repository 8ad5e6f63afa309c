//! Loss detection by time, and tail loss probes: RACK-TLP (RFC 8985). It needs to know which segments have arrived, so
//! it is used with SACK only (section 4).

pub(in crate::model) mod decisions;

use super::congestion::Mode;
use super::context::Context;
use super::sack::DUP_THRESH;
use super::segment_arrives::Arriving;
use super::seq::{leq, span};
use super::tcb::Tcb;
use crate::time::Instant;
use crate::wire::{SeqNum, TcpOption};
use core::time::Duration;

/// The shortest that its timers run, however short round trips are.
const GRANULARITY: Duration = Duration::from_micros(100);
/// The least PTO: a probe in the same instant would be a copy.
const LEAST_PROBE_TIMEOUT: Duration = Duration::from_millis(3);
/// WCDelAckT: how long a peer may keep an ACK back (section 7.2).
const PEERS_ACK_DELAY: Duration = Duration::from_millis(200);
/// PTO before a round trip has been measured (section 7.2).
const FIRST_PROBE: Duration = Duration::from_secs(1);

/// The last transmission of a segment (section 5.1).
#[derive(Clone, Copy, Debug)]
struct Transmission {
    seq: SeqNum,
    /// One past its last number.
    end: SeqNum,
    at: Instant,
    again: bool,
    lost: bool,
}

/// A tail loss probe that no ACK has answered yet (section 5.2).
#[derive(Clone, Copy, Debug)]
struct Probe {
    /// TLP.end_seq.
    end: SeqNum,
    /// TLP.is_retrans.
    again: bool,
}

/// The state of RACK-TLP for one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Rack {
    /// What has neither been acknowledged nor reported, by number.
    sent: Vec<Transmission>,
    /// RACK.xmit_ts and RACK.end_seq: of what was delivered, the segment that was sent last.
    latest: Option<(Instant, SeqNum)>,
    /// RACK.rtt, of that segment.
    rtt: Duration,
    /// RACK.min_RTT.
    min_rtt: Option<Duration>,
    /// RACK.fack: one past the highest number delivered.
    highest: Option<SeqNum>,
    reordering_seen: bool,
    probe: Option<Probe>,
    /// Whether no round trip was measured since the last probe.
    unmeasured: bool,
}

impl Tcb {
    /// Notes a transmission (section 6.1).
    pub(super) fn rack_sent(&mut self, cx: &Context, seq: SeqNum, end: SeqNum) {
        if !decisions::tells_losses_by_time(self) || seq == end {
            return;
        }
        let again = self.rack.sent.iter().any(|it| it.seq.before(end) && seq.before(it.end));
        self.rack.sent.retain(|it| leq(it.end, seq) || leq(end, it.seq));
        let at = cx.now;
        self.rack.sent.push(Transmission {
            seq,
            end,
            at,
            again,
            lost: false,
        });
        let una = self.snd_una;
        self.rack.sent.sort_by_key(|it| span(una, it.seq));
        self.timers.tail_probe = None;
    }

    /// Whether this octet is lost, as time shows.
    pub(super) fn rack_lost(&self, seq: SeqNum) -> bool {
        let mut lost = self.rack.sent.iter().filter(|it| it.lost);
        lost.any(|it| leq(it.seq, seq) && seq.before(it.end))
    }

    /// An ACK came, and what it acknowledges and reports has been taken over (section 6.2).
    pub(super) fn rack_ack(&mut self, cx: &mut Context, segment: &Arriving) {
        if !decisions::tells_losses_by_time(self) {
            return;
        }
        let reported = |it: &Transmission| self.scoreboard.end_of(it.seq).is_some_and(|end| leq(it.end, end));
        let una = self.snd_una;
        let (delivered, left): (Vec<Transmission>, Vec<Transmission>) =
            self.rack.sent.iter().partition(|it| leq(it.end, una) || reported(it));
        self.rack.sent = left;
        for it in &delivered {
            self.rack.deliver(it, cx.now);
        }
        if !delivered.is_empty() {
            self.timers.tail_probe = None;
        }
        self.end_probe(segment);
        self.detect_loss(cx);
    }

    /// Section 6.2, step 5, on an ACK or when the reordering timer expires.
    pub(super) fn detect_loss(&mut self, cx: &mut Context) {
        self.timers.reordering = None;
        let Some(latest) = self.rack.latest else { return };
        let patience = self.rack.rtt + self.reordering_window();
        let (mut news, mut next) = (false, None);
        for it in self.rack.sent.iter_mut().filter(|it| !it.lost) {
            let before = it.at < latest.0 || it.at == latest.0 && it.end.before(latest.1);
            let due = it.at + patience;
            if before && due <= cx.now {
                it.lost = true;
                news = true;
            } else if before {
                next = next.max(Some(due));
            }
        }
        self.timers.reordering = decisions::reordering_timer(self, next);
        if news && self.congestion.mode == Mode::Open {
            self.enter_recovery(cx);
        }
    }

    /// RACK.reo_wnd (section 6.2, step 4): zero once losses are certain.
    fn reordering_window(&self) -> Duration {
        let segments = self.scoreboard.octets() / self.smss().max(1);
        let plain = self.congestion.mode != Mode::Open || segments >= DUP_THRESH;
        if plain && !self.rack.reordering_seen {
            return Duration::ZERO;
        }
        let quarter = self.rack.min_rtt.unwrap_or_default() / 4;
        let bound = self.round_trip.srtt.unwrap_or(quarter);
        quarter.min(bound).max(GRANULARITY)
    }

    // ----- the tail -------------------------------------------------------------------------------------------------

    /// Starts the timer of the probe, if it would expire before the retransmission timer (section 7.2).
    pub(super) fn arm_tail_probe(&mut self, cx: &Context) {
        if !decisions::tail_is_probed(self) {
            self.timers.tail_probe = None;
            return;
        }
        let single = self.flight() <= self.smss();
        let delay = if single { PEERS_ACK_DELAY } else { Duration::ZERO };
        let wait = self.round_trip.srtt.map_or(FIRST_PROBE, |srtt| srtt * 2 + delay);
        let at = cx.now + wait.max(LEAST_PROBE_TIMEOUT);
        if self.timers.tail_probe.is_none() && self.timers.retransmission.is_some_and(|rto| at < rto) {
            self.timers.tail_probe = Some(at);
        }
    }

    /// Sends new data if there is any that the peer has room for, whatever cwnd is; otherwise it retransmits the
    /// segment with the highest number (section 7.3). The retransmission timer is restarted.
    pub(super) fn tail_probe_expired(&mut self, cx: &mut Context) {
        let usable = (self.usable_window() as usize).min(self.unsent());
        let again = usable == 0;
        if again {
            let Some(seq) = decisions::probed_segment(self) else {
                return;
            };
            self.send_again(cx, seq);
        } else {
            let options = self.data_options(cx, usable);
            let length = usable.min(self.largest_payload(TcpOption::space(&options)));
            self.transmit_new(cx, length, options);
        }
        if decisions::probe_is_remembered(self) {
            let end = self.snd_nxt;
            self.rack.probe = Some(Probe { end, again });
            self.rack.unmeasured = true;
        }
        self.timers.retransmission = Some(self.rto_ends(cx));
    }

    /// Handles an ACK that ends a probe (section 7.4): the probe was spurious, or it repaired a loss, to which
    /// congestion control responds.
    fn end_probe(&mut self, segment: &Arriving) {
        let Some(probe) = self.rack.probe else { return };
        if !leq(probe.end, self.snd_una) {
            return;
        }
        let twice = segment
            .sack
            .first()
            .is_some_and(|(_, right)| leq(SeqNum(*right), self.snd_una));
        if probe.again && !twice {
            if !probe.end.before(self.snd_una) {
                return;
            }
            self.halve();
        }
        self.rack.probe = None;
    }

    /// After a timeout everything is retransmitted from SND.UNA on.
    pub(super) fn rack_timeout(&mut self) {
        self.rack.sent.iter_mut().for_each(|it| it.lost = false);
        self.rack.probe = None;
        self.timers.reordering = None;
        self.timers.tail_probe = None;
    }
}

/// Whether a tail loss probe may be sent: nothing counts as lost, and the last probe has been answered.
fn may_probe_tail(tcb: &Tcb) -> bool {
    tcb.congestion.mode == Mode::Open
        && tcb.scoreboard.octets() == 0
        && !tcb.rack.sent.is_empty()
        && tcb.rack.probe.is_none()
        && !tcb.rack.unmeasured
}

impl Rack {
    /// Section 6.2, steps 1 to 3.
    fn deliver(&mut self, it: &Transmission, now: Instant) {
        let rtt = now.since(it.at);
        // A retransmission cannot have come back faster than anything did: this is the ACK of the first copy.
        if it.again && self.min_rtt.is_some_and(|least| rtt < least) {
            return;
        }
        if !it.again {
            self.min_rtt = Some(self.min_rtt.map_or(rtt, |least| least.min(rtt)));
            self.unmeasured = false;
            self.reordering_seen |= self.highest.is_some_and(|highest| it.end.before(highest));
        }
        if self.highest.is_none_or(|highest| highest.before(it.end)) {
            self.highest = Some(it.end);
        }
        let newer = |(at, end): (Instant, SeqNum)| at < it.at || at == it.at && end.before(it.end);
        if self.latest.is_none_or(newer) {
            self.latest = Some((it.at, it.end));
            self.rtt = rtt;
        }
    }
}
