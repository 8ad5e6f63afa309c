//! What a connection sends: new data, retransmissions, FIN, ACKs, probes, resets (RFC 9293 sections 3.7.4, 3.8 and
//! 3.10.2).

use super::context::Context;
use super::options::bare;
use super::seq::{leq, plus, span};
use super::switch::Switch;
use super::tcb::Tcb;
use crate::model::defect::Defect;
use crate::rfc::State;
use crate::wire::{Ecn, Flags, Segment, SeqNum, TcpOption};

impl Tcb {
    /// Sends whatever can be sent now, and sets the timers for the rest.
    pub fn output(&mut self, cx: &mut Context) {
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

    /// Whether the state lets data and FIN out. With fast open a server need not wait (RFC 7413 section 4.2.2).
    fn may_send_data(&self) -> bool {
        match self.state {
            State::Established | State::CloseWait | State::FinWait1 | State::Closing | State::LastAck => true,
            State::SynReceived => self.fast_open,
            State::Closed | State::Listen | State::SynSent | State::FinWait2 | State::TimeWait => false,
        }
    }

    // ----- new data -------------------------------------------------------------------------------------------------

    /// The usable window: U = SND.UNA + SND.WND - SND.NXT (RFC 9293 section 3.8.6.2.1); none if the window shrank.
    pub fn usable_window(&self) -> u32 {
        let window = match self.has(Defect::LargestWindowUsed) {
            true => self.max_snd_wnd,
            false => self.snd_wnd,
        };
        let edge = self.snd_una.advanced(i64::from(window));
        if self.has(Defect::WindowIgnored) {
            return 1 << 20;
        }
        let edge = edge.advanced(i64::from(self.has(Defect::WindowOverrunByOne) && self.snd_wnd > 0));
        u32::try_from(edge.offset_from(self.snd_nxt)).unwrap_or(0)
    }

    /// Whether a segment of new data could go out now, for all that windows say.
    pub fn may_send_new(&self) -> bool {
        self.unsent() > 0 && self.usable_window() > 0 && self.congestion_room() > 0
    }

    /// Segments new data as long as the windows, Nagle's algorithm and silly window avoidance let it.
    fn send_new(&mut self, cx: &mut Context) {
        if self.unsent() > 0 {
            self.restart_after_idle(cx);
        }
        while self.unsent() > 0 {
            let d = self.unsent();
            let u = self.usable_window() as usize;
            let options = self.data_options(cx, d.min(u));
            let full = self.largest_payload(TcpOption::space(&options));
            let full = if self.has(Defect::SendsNotMerged) {
                full.min(self.last_send)
            } else {
                full
            };
            let length = d.min(u).min(full);
            if !self.should_send(cx, d, u, full) || (self.congestion_room() as usize) < length {
                return;
            }
            self.timers.override_delay = None;
            self.transmit_new(cx, length, options);
        }
    }

    /// The sender's silly window avoidance and Nagle's algorithm (RFC 9293 section 3.8.6.2.1). All data counts as
    /// pushed. A CLOSE that waits pushes too: nothing is left to be gathered.
    fn should_send(&self, cx: &Context, d: usize, u: usize, full: usize) -> bool {
        // Of what is outstanding only data keeps small data back, not the SYN of a fast open.
        let idle = !self.has_outstanding() || self.snd_nxt == self.iss.advanced(1);
        let nagle =
            (self.nagle(cx) && !self.has(Defect::NagleMissing) || self.has(Defect::NagleStuck)) && !self.closing;
        if u == 0 {
            return false;
        }
        if self.has(Defect::SendsCrumbs) {
            return true;
        }
        // (1) A full segment.
        if d.min(u) >= full {
            return true;
        }
        // (2) All that is queued, if nothing is outstanding or Nagle's algorithm is off.
        if d <= u && (idle || !nagle) {
            return true;
        }
        // (3) At least half of the largest window that the peer ever offered.
        let half = (self.max_snd_wnd / 2).max(1) as usize;
        if d.min(u) >= half && (idle || !nagle) && !self.has(Defect::HalfWindowIgnored) {
            return true;
        }
        // (4) The override timeout: it clears itself.
        self.timers.override_delay.is_some_and(|at| at <= cx.now)
    }

    /// Sends new data from SND.NXT on.
    pub fn transmit_new(&mut self, cx: &mut Context, length: usize, options: Vec<TcpOption>) {
        let seq = self.snd_nxt;
        if self.round_trip.timed.is_none() {
            self.round_trip.timed = Some((plus(seq, length), cx.now));
        }
        self.snd_nxt = plus(seq, length);
        // The FIN goes along with the last octets if the window has room for it.
        let last = self.closing && self.unsent() == 0 && self.usable_window() > 0;
        let mut flags = Flags::ACK;
        if last {
            self.note_fin_sent();
            flags = flags | Flags::FIN;
        }
        let mut ecn = Ecn::NotEct;
        if (self.agreed.ecn && !self.ecn.withheld) || self.has(Defect::EcnWithoutAgreement) {
            // New data only: neither ACKs, probes nor retransmissions are marked (RFC 3168 section 6.1.4 and after).
            ecn = if self.has(Defect::Ect1Used) {
                Ecn::Ect1
            } else {
                Ecn::Ect0
            };
            if self.has(Defect::NonceSumSet) {
                flags = flags | Flags::AE;
            }
            if core::mem::take(&mut self.ecn.cwr) && !self.has(Defect::CwrNeverSent) {
                flags = flags | Flags::CWR;
            }
        }
        let payload = self.queue.read(seq, length);
        self.sent_at = cx.now;
        self.rack_sent(cx, seq, plus(seq, length));
        self.put(cx, seq, flags, payload, options, ecn);
    }

    /// Sends a FIN by itself, when everything before it has been sent and the window has room for it (RFC 9293 section
    /// 3.10.4).
    fn send_fin(&mut self, cx: &mut Context) {
        if self.has(Defect::FinBeforeData) && self.closing && !self.fin_sent {
            self.queue.forget_from(self.snd_nxt);
        }
        let held = self.has(Defect::FinHeldByNagle) && self.has_outstanding();
        if !self.closing || self.fin_sent || held || self.unsent() > 0 || self.usable_window() == 0 {
            return;
        }
        let seq = self.snd_nxt;
        let options = self.segment_options(cx, true);
        self.note_fin_sent();
        self.put(cx, seq, Flags::FIN | Flags::ACK, Vec::new(), options, Ecn::NotEct);
    }

    /// Where a mistake sends a FIN for each CLOSE.
    pub fn send_second_fin(&mut self, cx: &mut Context) {
        let seq = self.snd_nxt;
        let options = self.segment_options(cx, true);
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

    /// The options of a segment that is to carry so much data: what the peer need not know now waits for one with room.
    pub fn data_options(&mut self, cx: &Context, data: usize) -> Vec<TcpOption> {
        let mut options = self.segment_options(cx, !self.has(Defect::SackNotOnData));
        if data > self.largest_payload(TcpOption::space(&options)) {
            options.retain(|option| !matches!(option, TcpOption::UserTimeout(_)));
        }
        options
    }

    // ----- again ----------------------------------------------------------------------------------------------------

    /// Sends again what starts at `seq`: at most a segment, not into what the peer reported, not past the window;
    /// answers how many numbers it took.
    pub fn send_again(&mut self, cx: &mut Context, seq: SeqNum) -> u32 {
        let seq = match self.has(Defect::RetransmitsTheLatest) && self.queue.len() > 1 {
            true => self.snd_nxt.advanced(-1),
            false => seq,
        };
        // A sample of what was sent twice says nothing (Karn's rule, RFC 6298 section 3).
        self.round_trip.timed = None;
        let options = self.data_options(cx, usize::MAX);
        let segments = if self.has(Defect::CoalescedAgain) { 2 } else { 1 };
        let most = self.largest_payload(TcpOption::space(&options)) * segments;
        let most = match self.has(Defect::RetransmitsACrumb) && TcpOption::space(&options) > 0 {
            true => most - TcpOption::space(&options),
            false => most,
        };
        let edge = match cx.has(Switch::ShrunkWindowRetransmit) && self.snd_wnd == 0 {
            true => self.snd_nxt,
            false => self.snd_una.advanced(i64::from(self.snd_wnd)),
        };
        let hole = self.end_of_hole(seq);
        let end = if edge.before(hole) && !self.outlives_the_window(1) {
            edge
        } else {
            hole
        };
        let outstanding = usize::try_from(end.offset_from(seq)).unwrap_or(0);
        let length = most.min(outstanding).min(self.queue.after(seq));
        let reaches = length < outstanding || (length == 0 && seq.before(hole));
        let fin = self.fin_number() == Some(plus(seq, length)) && reaches;
        if length == 0 && !fin {
            return 0;
        }
        let mut flags = if fin { Flags::FIN | Flags::ACK } else { Flags::ACK };
        if self.agreed.ecn && self.has(Defect::CwrOnRetransmission) {
            flags = flags | Flags::CWR;
        }
        let mut payload = self.queue.read(seq, length);
        if let Some(first) = payload.first_mut().filter(|_| self.has(Defect::OtherOctetsAgain)) {
            *first = first.wrapping_add(1);
        }
        self.sent_at = cx.now;
        self.rack_sent(cx, seq, plus(seq, length));
        self.put(cx, seq, flags, payload, options, Ecn::NotEct);
        length as u32 + u32::from(fin)
    }

    /// Whether what is outstanding goes out again whatever the window says now: a scaled window may shrink by what
    /// rounding takes, so the first retransmission, and any within one unit of the scale, is not held back by it (RFC
    /// 7323 section 2.4). `most` is how many timeouts there may have been.
    pub fn outlives_the_window(&self, most: u32) -> bool {
        let slight = self.flight() < 1 << self.agreed.snd_wind_shift;
        self.agreed.scaled
            && self.has_outstanding()
            && !self.probed
            && (self.round_trip.backoffs <= most || slight)
            && !self.has(Defect::ShrunkenWindowStopsRetransmission)
    }

    /// Sends the SYN, or the SYN,ACK, with the same ISS each time (RFC 9293 section 3.10.1, 3.10.7.2).
    pub fn send_syn(&mut self, cx: &mut Context) {
        let again = self.has_outstanding();
        let options = self.syn_options(cx);
        let flags = match self.state {
            // An ECN-setup SYN has ECE and CWR; a second try may go without (RFC 3168 section 6.1.1.1).
            State::SynSent
                if (cx.has(Switch::EcnAsk) || self.has(Defect::EcnAskedUnasked))
                    && (!again || cx.has(Switch::EcnSynAgainAsk)) =>
            {
                Flags::SYN | Flags::ECE | Flags::CWR
            }
            State::SynSent => Flags::SYN,
            _ if self.has(Defect::EcnFlagsReflected) && self.ecn.asked => {
                Flags::SYN | Flags::ACK | Flags::ECE | Flags::CWR
            }
            _ if self.agreed.ecn => Flags::SYN | Flags::ACK | Flags::ECE,
            _ => Flags::SYN | Flags::ACK,
        };
        let text = self.text_for_syn(TcpOption::space(&options));
        if !again {
            self.round_trip.timed = Some((self.iss.advanced(1), cx.now));
            self.snd_nxt = plus(self.iss.advanced(1), text.len());
        }
        // A SYN,ACK that is sent again bears no cookie (RFC 7413 section 4.2.2).
        if !self.has(Defect::FastOpenCookieRepeated) {
            self.cookie = None;
        }
        self.put(cx, self.iss, flags, text, options, Ecn::NotEct);
        self.arm(cx);
    }

    // ----- acknowledgments ------------------------------------------------------------------------------------------

    /// Sends an ACK if one is owed and nothing else took it along.
    fn acknowledge(&mut self, cx: &mut Context) {
        if self.owed.now {
            if self.has(Defect::AckSentTwice) {
                self.send_ack(cx);
            }
            self.send_ack(cx);
        }
    }

    /// <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>
    pub fn send_ack(&mut self, cx: &mut Context) {
        let options = self.segment_options(cx, true);
        let marked = self.agreed.ecn && self.has(Defect::EcnMarkedAcks);
        let ecn = if marked { Ecn::Ect0 } else { Ecn::NotEct };
        self.put(cx, self.snd_nxt, Flags::ACK, Vec::new(), options, ecn);
    }

    /// A challenge ACK, unless there have been many of late (RFC 5961 section 7).
    pub fn send_challenge(&mut self, cx: &mut Context) {
        let fresh = self
            .challenges
            .since
            .is_none_or(|since| cx.now.since(since) >= cx.config.challenge_interval);
        if fresh {
            self.challenges.since = Some(cx.now);
            self.challenges.sent = 0;
        }
        let limit = match self.has(Defect::ChallengeLimitFixed) {
            true => super::config::Config::default().challenge_limit,
            false => cx.config.challenge_limit,
        };
        if self.challenges.sent >= limit || cx.shares_exhausted_limit(limit) {
            return;
        }
        self.challenges.sent += 1;
        self.send_ack(cx);
    }

    /// A segment without data and with an old or a new number, to make the peer answer: keep-alive and window probe.
    pub fn send_probe(&mut self, cx: &mut Context, seq: SeqNum, payload: Vec<u8>) {
        let options = self.segment_options(cx, false);
        let marked = self.agreed.ecn && self.has(Defect::EcnMarkedProbes);
        let ecn = if marked { Ecn::Ect0 } else { Ecn::NotEct };
        self.put(cx, seq, Flags::ACK, payload, options, ecn);
    }

    // ----- windows --------------------------------------------------------------------------------------------------

    /// Octets that could be offered from RCV.NXT on: RCV.BUFF - RCV.USER.
    fn free(&self, cx: &Context) -> u32 {
        self.receive_buffer(cx).saturating_sub(self.received.ready.len()) as u32
    }

    /// How much the right edge may move: nothing until it is worth it (RFC 9293 section 3.8.6.2.2).
    fn edge_gain(&self, cx: &Context) -> u32 {
        let (free, wnd) = (self.free(cx), self.rcv_wnd());
        let worth = match self.has(Defect::OffersCrumbs) {
            true => 1,
            false => (self.receive_buffer(cx) as u32 / 2).min(self.rmss(cx)),
        };
        if free > wnd && free - wnd >= worth {
            free - wnd
        } else {
            0
        }
    }

    /// The window field; the right edge moves with it and never back (SHLD-14). SYNs are not scaled (RFC 7323 section
    /// 2.2), and what the scale cannot tell is not offered.
    fn window_field(&mut self, cx: &Context, syn: bool) -> u16 {
        let plain = syn && !self.has(Defect::OwnSynScaled);
        let shift = if plain || !self.agreed.scaled || self.has(Defect::OwnScaleForgotten) {
            0
        } else {
            self.agreed.rcv_wind_shift
        };
        let wish = match self.has(Defect::RightEdgeRetreats) {
            true => self.free(cx) / 2,
            false => self.rcv_wnd() + self.edge_gain(cx),
        };
        let told = (wish >> shift).min(u32::from(u16::MAX));
        let edge = self.rcv_nxt.advanced(i64::from(told << shift));
        if self.rcv_edge.before(edge) || (self.has(Defect::RightEdgeOfLastWindow) && !syn) {
            self.rcv_edge = edge;
        }
        told as u16
    }

    /// After RECEIVE: tells the peer of a window that opened again, or that grew by much (RFC 9293 section 3.8.6.1).
    pub fn update_window(&mut self, cx: &Context) {
        if self.has(Defect::WindowStaysShut) {
            return;
        }
        let gain = self.edge_gain(cx);
        let much = (self.receive_buffer(cx) as u32 / 2).min(2 * self.rmss(cx));
        if self.is_synchronized() && !self.fin_received && gain > 0 && (gain >= much || self.rcv_wnd() < self.rmss(cx))
        {
            self.owed.now = true;
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
        mut ecn: Ecn,
    ) {
        let syn = flags.contains(Flags::SYN);
        let end = plus(seq, payload.len());
        // The segment that empties the queue is pushed (RFC 9293 section 3.9.1.2, MUST-61).
        if !self.has(Defect::PushNeverSet) && !payload.is_empty() && end == self.queue.end() {
            flags = flags | Flags::PSH;
        }
        if self.has(Defect::AckMissingOnData) && !payload.is_empty() {
            flags = flags.without(Flags::ACK);
        }
        if self.ecn.echo && !syn {
            flags = flags | Flags::ECE;
            self.ecn.echo = !self.has(Defect::EcnEchoOnce);
        }
        let urgent = match self.snd_up {
            Some(up) if self.has(Defect::UrgentStaysMarked) && payload.is_empty() && !syn && !up.before(seq) => {
                flags = flags | Flags::URG;
                0
            }
            Some(up) if seq.before(up) && !payload.is_empty() && !syn && !self.has(Defect::UrgentNotMarked) => {
                flags = flags | Flags::URG;
                let up = if self.has(Defect::UrgentPointerOneTooLow) {
                    up.advanced(-1)
                } else {
                    up
                };
                span(seq, up).min(u32::from(u16::MAX)) as u16
            }
            Some(_) | None => 0,
        };
        let has_ack = flags.contains(Flags::ACK);
        let window = if has_ack {
            self.window_field(cx, syn)
        } else {
            self.first_window(cx)
        };
        let mut segment = Segment {
            ack: if has_ack { self.ack_field() } else { SeqNum(0) },
            flags,
            window,
            urgent,
            options,
            payload,
            ..bare(seq)
        };
        self.slip(cx, &mut segment, &mut ecn);
        self.note_sent(&segment.options);
        let length = cx.send_as(self.local, self.peer, segment, ecn, &self.settings);
        self.path.largest_sent = self.path.largest_sent.max(length);
        if has_ack {
            self.last_ack_sent = self.rcv_nxt;
            self.owed = super::tcb::Owed::default();
            self.timers.delayed_ack = None;
        }
    }

    /// RCV.NXT.
    fn ack_field(&self) -> SeqNum {
        let taken = span(self.irs, self.rcv_nxt) > 1;
        if self.has(Defect::LastOctetNotCounted) && taken {
            return self.rcv_nxt.advanced(-1);
        }
        if self.has(Defect::AckOnePastRcvNxt) && taken {
            return self.rcv_nxt.advanced(1);
        }
        self.rcv_nxt
    }

    /// What a segment told need not be told again: a duplicate (RFC 2883 section 4), the user timeout (RFC 5482 section 3).
    fn note_sent(&mut self, options: &[TcpOption]) {
        for option in options {
            match option {
                TcpOption::Sack(_) if self.has(Defect::DuplicateReportedTwice) => (),
                TcpOption::Sack(_) => self.reports.duplicate = None,
                TcpOption::UserTimeout(_) => self.uto_announce = false,
                _ => (),
            }
        }
    }

    /// The window of a SYN, before there is a RCV.NXT.
    pub fn first_window(&self, cx: &Context) -> u16 {
        self.receive_buffer(cx).min(usize::from(u16::MAX)) as u16
    }

    /// <SEQ=SND.NXT><CTL=RST> (RFC 9293 section 3.10.5).
    pub fn send_reset(&mut self, cx: &mut Context) {
        let with_ack = cx.has(Switch::AbortWithAck);
        let segment = Segment {
            ack: if with_ack { self.rcv_nxt } else { SeqNum(0) },
            flags: if with_ack { Flags::RST | Flags::ACK } else { Flags::RST },
            options: self.reset_options(cx),
            ..bare(if self.has(Defect::AbortWrongNumber) {
                self.snd_nxt.advanced(1)
            } else {
                self.snd_nxt
            })
        };
        cx.send_as(self.local, self.peer, segment, Ecn::NotEct, &self.settings);
    }

    /// Whether `seq` lies in what has been sent and not acknowledged.
    pub fn is_in_flight(&self, seq: SeqNum) -> bool {
        leq(self.snd_una, seq) && seq.before(self.snd_nxt)
    }
}
