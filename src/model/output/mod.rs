//! What a connection sends: new data, retransmissions, FIN, ACKs, probes, resets (RFC 9293 sections 3.7.4, 3.8 and
//! 3.10.2).

pub(super) mod decisions;

use super::config::WindowUpdates;
use super::context::Context;
use super::options::{Kind, bare};
use super::seq::{leq, plus};
use super::tcb::Tcb;
use crate::rfc::State;
use crate::wire::{Ecn, Flags, Segment, SeqNum, TcpOption};

impl Tcb {
    /// Sends whatever can be sent now, and sets the timers for the rest.
    pub(super) fn output(&mut self, cx: &mut Context) {
        if self.state == State::Closed {
            return;
        }
        self.take_sends(cx);
        if self.queue.len() > 0 {
            self.send_syn_with_text(cx);
        }
        if self.may_send_data() {
            self.resend(cx);
            self.send_new(cx);
            self.send_fin(cx);
            self.take_close(cx);
        }
        self.acknowledge(cx);
        self.arm(cx);
    }

    /// Whether the state allows data and FIN to be sent. After a fast open a server need not wait (RFC 7413 section
    /// 4.2.2).
    fn may_send_data(&self) -> bool {
        match self.state {
            State::Established | State::CloseWait | State::FinWait1 | State::Closing | State::LastAck => true,
            State::SynReceived => self.fast_open,
            State::Closed | State::Listen | State::SynSent | State::FinWait2 | State::TimeWait => false,
        }
    }

    // ----- new data -------------------------------------------------------------------------------------------------

    /// The usable window: U = SND.UNA + SND.WND - SND.NXT (RFC 9293 section 3.8.6.2.1); none if the window shrank.
    pub(super) fn usable_window(&self) -> u32 {
        decisions::usable_window(self)
    }

    /// Whether the windows allow a segment of new data to be sent now.
    pub(super) fn may_send_new(&self) -> bool {
        self.unsent() > 0 && self.usable_window() > 0 && self.congestion_room() > 0
    }

    /// Sends new data as far as the windows, Nagle's algorithm and silly window avoidance allow.
    fn send_new(&mut self, cx: &mut Context) {
        if self.unsent() > 0 {
            self.restart_after_idle(cx);
        }
        while self.unsent() > 0 {
            let d = self.unsent();
            let u = self.usable_window() as usize;
            let options = self.data_options(cx, d.min(u));
            let full = decisions::full_segment(self, self.largest_payload(TcpOption::space(&options)));
            let length = d.min(u).min(full);
            if !self.should_send(cx, d, u, full) || (self.congestion_room() as usize) < length {
                return;
            }
            self.timers.override_delay = None;
            self.transmit_new(cx, length, options);
        }
    }

    /// The sender's silly window avoidance and Nagle's algorithm (RFC 9293 section 3.8.6.2.1). All data counts as
    /// pushed. After CLOSE small data does not wait, since no more will join it.
    fn should_send(&self, cx: &Context, d: usize, u: usize, full: usize) -> bool {
        if u == 0 {
            return false;
        }
        // (1) A full segment.
        if d.min(u) >= full {
            return true;
        }
        // Nagle's algorithm waits for outstanding data only, not for the SYN of a fast open.
        let idle = !self.has_outstanding() || self.snd_nxt == self.iss.advanced(1);
        let waits = decisions::small_data_waits(self, cx, idle);
        // (2) All that is queued, if nothing is outstanding or Nagle's algorithm is off.
        if d <= u && !waits {
            return true;
        }
        // (3) At least half of the largest window that the peer ever offered.
        if !waits && decisions::half_window_is_enough(self, d.min(u)) {
            return true;
        }
        // (4) The override timeout: it clears itself.
        self.timers.override_delay.is_some_and(|at| at <= cx.now) || decisions::any_data_is_enough(self)
    }

    /// Whether a segment is outstanding that was less than full, for Minshall's variant of Nagle's algorithm.
    fn small_outstanding(&self) -> bool {
        self.small_sent.is_some_and(|end| self.snd_una.before(end))
    }

    /// Sends new data from SND.NXT on.
    pub(super) fn transmit_new(&mut self, cx: &mut Context, length: usize, options: Vec<TcpOption>) {
        let seq = self.snd_nxt;
        if self.round_trip.timed.is_none() {
            self.round_trip.timed = Some((plus(seq, length), cx.now));
        }
        self.snd_nxt = plus(seq, length);
        // The FIN goes along with the last octets if the window has room for it.
        let last = self.closing && self.unsent() == 0 && self.usable_window() > 0 && !cx.config.fin_alone;
        let mut flags = Flags::ACK;
        if last {
            self.note_fin_sent();
            flags = flags | Flags::FIN;
        }
        let ecn = decisions::ecn_of_new_data(self);
        if ecn != Ecn::NotEct {
            flags = flags | decisions::ecn_flags_of_new_data(self);
            self.ecn.cwr = false;
        }
        if length < self.largest_payload(TcpOption::space(&options)) {
            self.small_sent = Some(plus(seq, length));
        }
        let payload = self.queue.read(seq, length);
        self.sent_at = cx.now;
        self.rack_sent(cx, seq, plus(seq, length));
        self.put(cx, seq, flags, payload, options, ecn);
    }

    /// Sends a FIN by itself, when everything before it has been sent and the window has room for it (RFC 9293 section
    /// 3.10.4).
    fn send_fin(&mut self, cx: &mut Context) {
        if !self.closing || self.fin_sent {
            return;
        }
        if decisions::fin_replaces_data(self) {
            self.queue.forget_from(self.snd_nxt);
        }
        if self.unsent() > 0 || self.usable_window() == 0 || decisions::fin_waits_for_ack(self) {
            return;
        }
        let seq = self.snd_nxt;
        let options = self.segment_options(cx, Kind::Control);
        self.note_fin_sent();
        self.put(cx, seq, Flags::FIN | Flags::ACK, Vec::new(), options, Ecn::NotEct);
    }

    /// Sends a FIN for each CLOSE, for the mistake that does so.
    pub(super) fn send_second_fin(&mut self, cx: &mut Context) {
        let seq = self.snd_nxt;
        let options = self.segment_options(cx, Kind::Control);
        self.snd_nxt = seq.advanced(1);
        self.put(cx, seq, Flags::FIN | Flags::ACK, Vec::new(), options, Ecn::NotEct);
    }

    /// The FIN takes a number (RFC 9293 section 3.4). In CLOSE-WAIT the state changes with it (section 3.10.4).
    fn note_fin_sent(&mut self) {
        self.fin_sent = true;
        self.snd_nxt = self.queue.end().advanced(1);
        if self.state == State::CloseWait {
            self.state = State::LastAck;
        }
    }

    /// The options of a segment that is to carry so much data. An option that can wait is left to a segment that has
    /// room for it.
    pub(super) fn data_options(&mut self, cx: &Context, data: usize) -> Vec<TcpOption> {
        let mut options = self.segment_options(cx, Kind::Data);
        if data > self.largest_payload(TcpOption::space(&options)) {
            options.retain(|option| !matches!(option, TcpOption::UserTimeout(_)));
        }
        options
    }

    // ----- again ----------------------------------------------------------------------------------------------------

    /// Retransmits what starts at `seq`: one segment at most, up to where the peer has reported data, and not beyond
    /// the window; returns how many sequence numbers it took.
    pub(super) fn send_again(&mut self, cx: &mut Context, seq: SeqNum) -> u32 {
        let seq = decisions::first_again(self, seq);
        // After a retransmission nobody knows which copy an ACK is for (Karn's rule, RFC 6298 section 3).
        self.round_trip.timed = None;
        let options = self.data_options(cx, usize::MAX);
        let space = TcpOption::space(&options);
        let most = decisions::most_again(self, self.largest_payload(space), space);
        let edge = decisions::edge_again(self);
        let hole = self.end_of_hole(seq);
        let end = if edge.before(hole) && !self.outlives_the_window(1) {
            edge
        } else {
            hole
        };
        let outstanding = usize::try_from(end.offset_from(seq)).unwrap_or(0);
        let length = most.min(outstanding).min(self.queue.after(seq));
        let reaches = length < outstanding || (length == 0 && seq.before(hole));
        let apart = cx.config.fin_alone && length > 0;
        let fin = self.fin_number() == Some(plus(seq, length)) && reaches && !apart;
        if length == 0 && !fin {
            return 0;
        }
        let flags = decisions::flags_again(self, fin);
        let mut payload = self.queue.read(seq, length);
        if let Some(first) = payload.first_mut() {
            *first = decisions::first_octet_again(self, *first);
        }
        self.sent_at = cx.now;
        self.rack_sent(cx, seq, plus(seq, length));
        self.put(cx, seq, flags, payload, options, Ecn::NotEct);
        length as u32 + u32::from(fin)
    }

    /// Whether outstanding data is retransmitted whatever the window is now: a scaled window may shrink by what
    /// rounding takes, so the first retransmission, and any within one unit of the scale, is not held back by it (RFC
    /// 7323 section 2.4). `most` is how many timeouts there may have been.
    pub(super) fn outlives_the_window(&self, most: u32) -> bool {
        let slight = self.flight() < 1 << self.agreed.snd_wind_shift;
        self.agreed.scaled
            && self.has_outstanding()
            && !self.probed
            && (self.round_trip.backoffs <= most || slight)
            && decisions::outlives_slight_shrinking(self)
    }

    /// Sends the SYN, or the SYN,ACK, with the same ISS each time (RFC 9293 section 3.10.1, 3.10.7.2).
    pub(super) fn send_syn(&mut self, cx: &mut Context) {
        let again = self.has_outstanding();
        let options = self.syn_options(cx);
        let flags = match self.state {
            // An ECN-setup SYN has ECE and CWR (RFC 3168 section 6.1.1).
            State::SynSent if decisions::asks_for_ecn(self) && decisions::asks_this_time(self, again) => {
                Flags::SYN | Flags::ECE | Flags::CWR
            }
            State::SynSent => Flags::SYN,
            _ => decisions::flags_of_syn_ack(self),
        };
        let text = self.text_for_syn(cx, TcpOption::space(&options));
        if !again {
            self.round_trip.timed = Some((self.iss.advanced(1), cx.now));
            self.snd_nxt = plus(self.iss.advanced(1), text.len());
        }
        self.cookie = decisions::cookie_after_syn_ack(self);
        self.put(cx, self.iss, flags, text, options, Ecn::NotEct);
        self.arm(cx);
    }

    // ----- acknowledgments ------------------------------------------------------------------------------------------

    /// Sends an ACK if one is owed and no segment has carried it.
    fn acknowledge(&mut self, cx: &mut Context) {
        if self.owed.now {
            for _ in 0..decisions::acks_for_one(self) {
                self.send_ack(cx);
            }
        }
    }

    /// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
    pub(super) fn send_ack(&mut self, cx: &mut Context) {
        let options = self.segment_options(cx, Kind::Control);
        let ecn = decisions::ecn_of_ack(self);
        self.put(cx, self.snd_nxt, Flags::ACK, Vec::new(), options, ecn);
    }

    /// A challenge ACK, unless there have been many of late (RFC 5961 section 7).
    pub(super) fn send_challenge(&mut self, cx: &mut Context) {
        self.challenges.renew(cx.now, cx.config.challenge_interval);
        cx.challenges.renew(cx.now, cx.config.challenge_interval);
        if decisions::challenges_counted(cx, self.challenges.sent) >= decisions::challenge_limit(cx) {
            return;
        }
        self.challenges.sent += 1;
        cx.challenges.sent += 1;
        self.send_ack(cx);
    }

    /// Sends a segment with an old or a new number and at most a little text, to make the peer answer: keep-alive and
    /// window probe.
    pub(super) fn send_probe(&mut self, cx: &mut Context, seq: SeqNum, payload: Vec<u8>) {
        let options = self.segment_options(cx, Kind::Probe);
        let ecn = decisions::ecn_of_probe(self);
        self.put(cx, seq, Flags::ACK, payload, options, ecn);
    }

    // ----- windows --------------------------------------------------------------------------------------------------

    /// Octets that could be offered from RCV.NXT on.
    fn free(&self, cx: &Context) -> u32 {
        self.receive_buffer(cx).saturating_sub(self.received.ready.len()) as u32
    }

    /// The window field; the right edge moves with it and never back (SHLD-14). SYNs are not scaled (RFC 7323 section
    /// 2.2), and what rounding by the scale loses is not offered.
    fn window_field(&mut self, cx: &Context, syn: bool) -> u16 {
        let shift = decisions::shift_of_window(self, syn);
        let told = (decisions::window_to_offer(self, cx) >> shift).min(u32::from(u16::MAX));
        let edge = self.rcv_nxt.advanced(i64::from(told << shift));
        self.rcv_edge = decisions::right_edge(self, edge, syn);
        told as u16
    }

    /// After RECEIVE: announces a window that has opened, or that has grown by much (RFC 9293 section 3.8.6.1).
    pub(super) fn update_window(&mut self, cx: &Context) {
        let gain = decisions::edge_gain(self, cx);
        let much = match cx.config.window_updates {
            WindowUpdates::GrownByTwo => (self.receive_buffer(cx) as u32 / 2).min(2 * self.rmss(cx)),
            WindowUpdates::GrownByOne => (self.receive_buffer(cx) as u32 / 2).min(self.rmss(cx)),
            WindowUpdates::Small => u32::MAX,
        };
        let news = gain > 0 && (gain >= much || self.rcv_wnd() < self.rmss(cx));
        if news && self.is_synchronized() && !self.fin_received {
            self.owed.now |= decisions::opened_window_is_told(self);
        }
    }

    // ----- the last step --------------------------------------------------------------------------------------------

    /// Hands a segment to IP. Whatever it is, it acknowledges what came so far.
    fn put(
        &mut self,
        cx: &mut Context,
        seq: SeqNum,
        mut flags: Flags,
        payload: Vec<u8>,
        options: Vec<TcpOption>,
        ecn: Ecn,
    ) {
        let (syn, octets) = (flags.contains(Flags::SYN), payload.len());
        if decisions::is_pushed(self, cx, seq, octets) {
            flags = flags | Flags::PSH;
        }
        if !decisions::bears_ack(self, octets) {
            flags = flags.without(Flags::ACK);
        }
        if self.ecn.echo && !syn {
            flags = flags | Flags::ECE;
            self.ecn.echo = decisions::echo_goes_on(self);
        }
        let urgent = decisions::urgent_pointer(self, seq, octets, syn);
        if urgent.is_some() {
            flags = flags | Flags::URG;
        }
        let has_ack = flags.contains(Flags::ACK);
        let window = if has_ack {
            self.window_field(cx, syn)
        } else {
            self.first_window(cx)
        };
        let segment = Segment {
            ack: if has_ack { decisions::ack_field(self) } else { SeqNum(0) },
            flags,
            window,
            urgent: urgent.unwrap_or(0),
            options,
            payload,
            ..bare(seq)
        };
        let (segment, ecn) = self.slip(cx, segment, ecn);
        self.note_sent(&segment.options);
        let length = cx.send_as(self.local, self.peer, segment, ecn, &self.settings);
        self.path.largest_sent = self.path.largest_sent.max(length);
        if has_ack {
            self.last_ack_sent = self.rcv_nxt;
            self.owed = super::tcb::Owed::default();
            self.timers.delayed_ack = None;
        }
    }

    /// Options that have been sent need not be sent again: a duplicate (RFC 2883 section 4), the user timeout (RFC 5482
    /// section 3).
    fn note_sent(&mut self, options: &[TcpOption]) {
        for option in options {
            match option {
                TcpOption::Sack(_) => self.reports.duplicate = decisions::duplicate_after_report(self),
                TcpOption::UserTimeout(_) => self.uto_announce = false,
                _ => (),
            }
        }
    }

    /// The window of a SYN, before there is a RCV.NXT.
    pub(super) fn first_window(&self, cx: &Context) -> u16 {
        self.receive_buffer(cx).min(usize::from(u16::MAX)) as u16
    }

    /// <SEQ=SND.NXT><CTL=RST> (RFC 9293 section 3.10.5).
    pub(super) fn send_reset(&mut self, cx: &mut Context) {
        let reset = decisions::own_reset(self, cx);
        cx.send_as(self.local, self.peer, reset, Ecn::NotEct, &self.settings);
    }

    /// Whether `seq` lies in what has been sent and not acknowledged.
    pub(super) fn is_in_flight(&self, seq: SeqNum) -> bool {
        leq(self.snd_una, seq) && seq.before(self.snd_nxt)
    }
}
