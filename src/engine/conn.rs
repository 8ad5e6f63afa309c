//! The books of one connection: what its two ends have told each other, as far as the script has looked.
//!
//! Rules of the books (`cases/README.md`): a frame of the target enters when a step takes it or passes it by; a
//! segment of ours counts when a correct target would take it. Where that is in doubt, the target's next
//! acknowledgment settles it; there is no second TCP in here.

use super::frame::Frame;
use super::stretches::Stretches;
use crate::target::SocketId;
use crate::time::{Instant, Stamp};
use crate::wire::{Flags, Isn, Segment, SeqNum, TcpOption};
use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What the target may answer to with a repeated ACK: the number behind what it would acknowledge.
#[derive(Clone, Copy, Debug)]
pub(super) struct Debt {
    /// An ACK of this or more answers it; `i64::MAX`: only a repeated one does.
    pub covers: i64,
    pub order: u64,
}

/// SEG.* of the last segment injected.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastSegment {
    pub seq: i64,
    pub ack: i64,
    pub len: i64,
    pub wnd: i64,
    pub up: i64,
}

/// What one side's SYN offered.
#[derive(Clone, Debug, Default)]
pub(super) struct Offer {
    pub mss: Option<u16>,
    pub scale: Option<u8>,
    pub timestamps: bool,
}

impl Offer {
    pub fn of(segment: &Segment) -> Offer {
        Offer {
            mss: segment.mss(),
            scale: segment.window_scale(),
            timestamps: segment.timestamps().is_some(),
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Conn {
    pub name: String,
    pub tester: IpAddr,
    pub tester_port: u16,
    /// Not known while the target has yet to choose it.
    pub target_port: Option<u16>,
    /// When it was opened, in the run's order; the incarnation opened last gets the frames of a shared tuple.
    pub opened: Option<u64>,
    pub isn: Isn,
    /// Made up until the target's SYN has come.
    pub iss: Isn,
    pub iss_known: bool,

    // What has been injected.
    pub syn_injected: bool,
    pub my_syn: Option<Offer>,
    pub my_syn_options: Option<Vec<TcpOption>>,
    pub seg: LastSegment,
    pub win: u16,
    /// Order of the last inject, and of the first since the last `expect` was met.
    pub last_inject: Option<u64>,
    pub first_inject: Option<u64>,
    /// Order of the injects that tell of a loss: a duplicate ACK, a SACK, an ICMP error.
    pub losses_told: BTreeSet<u64>,
    /// The number behind the highest octet injected, counted or not.
    pub delivered: i64,

    // What of it counts.
    pub irs_known: bool,
    pub rcv_nxt: i64,
    held: Stretches,
    fin_at: Option<i64>,
    pub edge: Option<i64>,
    pub ts_recent: u32,
    pub snd_una: i64,
    pub snd_wnd: i64,
    pub max_snd_wnd: i64,
    /// The right edge that we offered.
    pub offered: i64,

    // What the target has said.
    pub their_syn: Option<Offer>,
    pub syns_seen: Vec<Flags>,
    pub snd_nxt: i64,
    /// The end of what arrived in order within the window that we offered.
    pub position: i64,
    arrived: Stretches,
    pub last_ack: i64,
    pub tsval: u32,
    pub debts: Vec<Debt>,
    /// When each stretch that was seen begins, and when it was last sent.
    pub sent: BTreeMap<i64, (Stamp, u64)>,
    pub last_frame: Option<std::sync::Arc<[u8]>>,
    pub inbox: VecDeque<Frame>,
    /// Whether the middlebox has kept back anything that the target sent.
    pub lossy: bool,
    /// Frames that carry what comes behind what was kept back; the books know them already.
    pub early: Vec<Frame>,

    // The application.
    pub socket: Option<SocketId>,
    pub app_sent: Vec<u8>,
    pub keep_alive: bool,
    /// MTU less IP and TCP headers.
    pub full: i64,
    /// What a SYN without the MSS option means (RFC 9293 section 3.7.1).
    pub default_mss: i64,
}

/// What stood in the window field before anything was offered: the most that fits in 16 bits.
const FIRST_WINDOW: i64 = 65_535;

impl Conn {
    pub fn new(name: &str, tester: IpAddr, tester_port: u16, isn: SeqNum, made_up_iss: SeqNum, mtu: u16) -> Conn {
        let (headers, default_mss) = if tester.is_ipv4() { (40, 536) } else { (60, 1220) };
        Conn {
            name: name.to_owned(),
            tester,
            tester_port,
            target_port: None,
            opened: None,
            isn: Isn(isn),
            iss: Isn(made_up_iss),
            iss_known: false,
            syn_injected: false,
            my_syn: None,
            my_syn_options: None,
            seg: LastSegment::default(),
            win: u16::MAX,
            last_inject: None,
            first_inject: None,
            losses_told: BTreeSet::new(),
            delivered: 0,
            irs_known: false,
            rcv_nxt: 0,
            held: Stretches::default(),
            fin_at: None,
            edge: None,
            ts_recent: 0,
            snd_una: 0,
            snd_wnd: FIRST_WINDOW,
            max_snd_wnd: 0,
            offered: 0,
            their_syn: None,
            syns_seen: Vec::new(),
            snd_nxt: 0,
            position: 0,
            arrived: Stretches::default(),
            last_ack: 0,
            tsval: 0,
            debts: Vec::new(),
            sent: BTreeMap::new(),
            last_frame: None,
            inbox: VecDeque::new(),
            lossy: false,
            early: Vec::new(),
            socket: None,
            app_sent: Vec::new(),
            keep_alive: false,
            full: i64::from(mtu) - headers,
            default_mss,
        }
    }

    /// Whether both sides offered timestamps (RFC 7323 section 3.2).
    pub fn timestamps(&self) -> bool {
        self.both(|offer| offer.timestamps)
    }

    fn scaling(&self) -> bool {
        self.both(|offer| offer.scale.is_some())
    }

    fn both(&self, what: impl Fn(&Offer) -> bool) -> bool {
        matches!((&self.my_syn, &self.their_syn), (Some(mine), Some(theirs)) if what(mine) && what(theirs))
    }

    /// RFC 7323 section 2.3 takes a shift above 14 for 14.
    fn shift(&self, offer: &Option<Offer>) -> u32 {
        match offer {
            Some(Offer { scale: Some(shift), .. }) if self.scaling() => u32::from(*shift).min(14),
            _ => 0,
        }
    }

    fn timestamp_cost(&self) -> i64 {
        if self.timestamps() { 12 } else { 0 }
    }

    /// What the target may send in one segment.
    pub fn smss(&self) -> i64 {
        let announced = self
            .my_syn
            .as_ref()
            .and_then(|syn| syn.mss)
            .map_or(self.default_mss, i64::from);
        announced.min(self.full) - self.timestamp_cost()
    }

    /// What the tester may send in one segment.
    pub fn rmss(&self) -> i64 {
        let announced = self
            .their_syn
            .as_ref()
            .and_then(|syn| syn.mss)
            .map_or(self.default_mss, i64::from);
        announced - self.timestamp_cost()
    }

    /// RCV.WND: the last offered right edge less RCV.NXT.
    pub fn rcv_wnd(&self) -> i64 {
        (self.right_edge() - self.rcv_nxt).max(0)
    }

    fn right_edge(&self) -> i64 {
        self.edge.unwrap_or(self.rcv_nxt + FIRST_WINDOW)
    }

    /// SND.UNA and what lies beyond it: whether nothing of the target's is outstanding.
    pub fn window_closed(&self) -> bool {
        self.snd_wnd == 0
    }

    // ----- to the target --------------------------------------------------------------------------------------------

    /// Enters a segment of ours that was delivered.
    pub fn count(&mut self, segment: &Segment, order: u64) {
        let flags = segment.flags;
        let seq = self.isn.relative(segment.seq).0;
        let end = seq + i64::from(segment.seg_len());
        let reset = flags.contains(Flags::RST);
        if end > seq && !reset {
            self.delivered = self.delivered.max(end);
        }
        if !segment.is_well_formed() {
            return;
        }
        if reset {
            // RFC 5961 section 3.2: in the window, but not at RCV.NXT, it draws a challenge ACK.
            if self.irs_known && self.rcv_nxt < seq && seq < self.right_edge() {
                self.owe(i64::MAX, order);
            }
            return;
        }
        if flags.contains(Flags::SYN) && !self.irs_known && seq == 0 {
            self.count_syn(segment, order);
            return;
        }
        if flags.contains(Flags::SYN) {
            self.owe(i64::MAX, order);
            if !(flags.contains(Flags::ACK) && seq == 0) {
                return;
            }
        }
        if flags.contains(Flags::ACK) {
            self.count_ack(segment, seq, end, order);
        }
    }

    fn owe(&mut self, covers: i64, order: u64) {
        self.debts.push(Debt { covers, order });
    }

    fn count_syn(&mut self, segment: &Segment, order: u64) {
        self.irs_known = true;
        self.rcv_nxt = 1;
        self.owe(1, order);
        if let Some((value, _)) = segment.timestamps() {
            self.ts_recent = value;
        }
        let window = i64::from(segment.window);
        let ack = self.iss.relative(segment.ack).0;
        if segment.flags.contains(Flags::ACK) && 0 < ack && ack <= self.snd_nxt {
            self.snd_una = self.snd_una.max(ack);
            self.offered = ack + window;
        } else {
            // A crossing SYN offers its window for what follows the target's SYN.
            self.offered = self.offered.max(1 + window);
        }
        self.snd_wnd = window;
        self.max_snd_wnd = self.max_snd_wnd.max(window);
    }

    fn count_ack(&mut self, segment: &Segment, seq: i64, end: i64, order: u64) {
        let syn = i64::from(segment.flags.contains(Flags::SYN));
        let ack = self.iss.relative(segment.ack).0;
        if ack > self.snd_nxt {
            return self.owe(i64::MAX, order);
        }
        let stamp = segment.timestamps().map(|(value, _)| value);
        let too_old = stamp.is_some_and(|value| SeqNum(value).before(SeqNum(self.ts_recent)));
        if self.timestamps() && too_old {
            return self.owe(i64::MAX, order);
        }
        let edge = self.right_edge();
        if (seq != self.rcv_nxt || end > seq) && syn == 0 {
            let lawful = seq <= edge && end > self.rcv_nxt;
            self.owe(if lawful { end } else { i64::MAX }, order);
        }
        // What is not acceptable is answered and dropped before its ACK is looked at (RFC 9293 section 3.10.7.4).
        if seq > edge || end < self.rcv_nxt {
            return;
        }
        self.snd_una = self.snd_una.max(ack);
        if let Some(value) = stamp
            && seq <= self.rcv_nxt
        {
            self.ts_recent = value;
        }
        self.count_window(segment, ack, syn);
        self.count_octets(segment, seq + syn, edge);
    }

    fn count_window(&mut self, segment: &Segment, ack: i64, syn: i64) {
        if ack < self.snd_una {
            return;
        }
        let shift = if syn == 0 { self.shift(&self.my_syn) } else { 0 };
        let window = i64::from(segment.window) << shift;
        self.snd_wnd = window;
        self.max_snd_wnd = self.max_snd_wnd.max(window);
        self.offered = if window == 0 {
            ack
        } else {
            self.offered.max(ack + window)
        };
    }

    fn count_octets(&mut self, segment: &Segment, from: i64, edge: i64) {
        let to = from + segment.payload.len() as i64;
        self.held.add(from.max(self.rcv_nxt), to.min(edge));
        if segment.flags.contains(Flags::FIN) && to <= edge {
            self.fin_at = Some(to);
        }
        self.rcv_nxt = self.held.reach(self.rcv_nxt);
        if self.fin_at == Some(self.rcv_nxt) {
            self.rcv_nxt += 1;
        }
    }

    // ----- from the target ------------------------------------------------------------------------------------------

    /// Enters a frame whole.
    pub fn enter(&mut self, frame: &Frame) {
        self.last_frame = Some(frame.octets.clone());
        if frame.has(Flags::RST) {
            return;
        }
        self.enter_syn(frame);
        self.enter_stretch(frame, frame.end());
        if frame.has(Flags::ACK) {
            self.enter_ack(frame);
        }
    }

    /// Enters what a SYN offers; nothing where the frame is none.
    pub fn enter_syn(&mut self, frame: &Frame) {
        if !frame.has(Flags::SYN) {
            return;
        }
        let bits = frame
            .segment()
            .flags
            .without(Flags::from_bits(!(Flags::SYN | Flags::ACK).bits()));
        if !self.syns_seen.contains(&bits) {
            self.syns_seen.push(bits);
        }
        self.their_syn = Some(Offer::of(frame.segment()));
    }

    /// A frame seen early that carries the octet `at`.
    pub fn take_early(&mut self, at: i64) -> Option<Frame> {
        let place = self
            .early
            .iter()
            .position(|frame| frame.data_at() <= at && at < frame.end())?;
        Some(self.early.remove(place))
    }

    /// Enters what a frame carries up to the number `upto`.
    pub fn enter_stretch(&mut self, frame: &Frame, upto: i64) {
        self.last_frame = Some(frame.octets.clone());
        if let Some((value, _)) = frame.segment().timestamps() {
            self.tsval = value;
        }
        if upto > frame.seq {
            self.sent.insert(frame.seq, (frame.at, frame.order));
        }
        self.snd_nxt = self.snd_nxt.max(upto);
        // Before we have offered any window, the target's SYN is all that can be taken.
        let limit = if !self.syn_injected && self.offered == 0 {
            upto
        } else {
            self.offered.max(i64::from(frame.has(Flags::SYN)))
        };
        self.arrived.add(frame.seq, upto.min(limit));
        self.position = self.arrived.reach(self.position);
    }

    /// Enters a frame's acknowledgment and window.
    pub fn enter_ack(&mut self, frame: &Frame) {
        let shift = if frame.has(Flags::SYN) {
            0
        } else {
            self.shift(&self.their_syn)
        };
        let edge = frame.ack + (i64::from(frame.segment().window) << shift);
        self.last_ack = self.last_ack.max(frame.ack);
        let before = self.debts.len();
        self.debts.retain(|debt| debt.covers > frame.ack);
        // An ACK answers all the segments that it covers, or one that it does not.
        if self.debts.len() == before && before > 0 {
            self.debts.remove(0);
        }
        if self.rcv_nxt < frame.ack && frame.ack <= self.delivered {
            self.rcv_nxt = frame.ack;
        }
        match self.edge {
            Some(old) if edge < old && edge > frame.ack => {}
            Some(old) if edge < old => self.edge = Some(self.rcv_nxt.max(edge)),
            Some(_) | None => self.edge = Some(edge),
        }
    }

    // ----- what is lawful background --------------------------------------------------------------------------------

    /// Whether the frame is something that a lawful target may send at any time, judged by what had been injected when
    /// it came. `silent`: under `expect: nothing`, where timers may run and debts be paid, but replies may not come.
    pub fn is_background(&self, frame: &Frame, silent: bool, due: core::time::Duration) -> bool {
        if frame.has(Flags::RST) {
            return false;
        }
        if frame.has(Flags::SYN) || frame.stretch_left() > 0 {
            return self.is_retransmission(frame, due) || self.is_probe(frame) && self.may_be_probed();
        }
        if frame.ack_taken || self.is_probe(frame) && frame.seq != self.snd_nxt && self.may_be_probed() {
            return true;
        }
        frame.seq == self.snd_nxt && self.is_lawful_ack(frame, silent)
    }

    fn may_be_probed(&self) -> bool {
        self.window_closed() || self.keep_alive
    }

    /// An empty segment, or one of a single octet, just below or at what is to be sent next.
    pub fn is_probe(&self, frame: &Frame) -> bool {
        let at_edge = [self.snd_nxt - 1, self.snd_nxt, self.snd_una - 1, self.snd_una].contains(&frame.seq);
        !frame.has(Flags::SYN) && !frame.has(Flags::FIN) && frame.segment().payload.len() <= 1 && at_edge
    }

    fn is_retransmission(&self, frame: &Frame, due: core::time::Duration) -> bool {
        if frame.has(Flags::SYN) && !self.saw_syn(frame) {
            return false;
        }
        if frame.end() > self.snd_nxt || frame.end() <= frame.una_then {
            return false;
        }
        match self.sent.range(..=frame.seq).next_back() {
            None => true,
            // The rest of a retransmission of which a step has taken a part.
            Some((_, (_, order))) if *order == frame.order => true,
            Some((_, (at, order))) => {
                let told = *order + 1 < frame.order && self.losses_told.range(*order + 1..frame.order).next().is_some();
                told || frame.at.since(*at).1 >= due
            }
        }
    }

    /// Whether a SYN with these control bits was seen before.
    pub fn saw_syn(&self, frame: &Frame) -> bool {
        let bits = frame
            .segment()
            .flags
            .without(Flags::from_bits(!(Flags::SYN | Flags::ACK).bits()));
        self.syns_seen.contains(&bits)
    }

    fn is_lawful_ack(&self, frame: &Frame, silent: bool) -> bool {
        let injected = if silent {
            self.rcv_nxt
        } else {
            self.rcv_nxt.max(frame.delivered_then)
        };
        if self.last_ack < frame.ack && frame.ack <= injected {
            return true;
        }
        if frame.ack != self.last_ack {
            return false;
        }
        let shift = self.shift(&self.their_syn);
        let wider = self
            .edge
            .is_some_and(|edge| frame.ack + (i64::from(frame.segment().window) << shift) > edge);
        wider || !silent && self.debts.iter().any(|debt| debt.order < frame.order)
    }

    /// The tester's timestamp clock: milliseconds, never behind what it has said before.
    pub fn ts_clock(&self, now: Instant) -> u32 {
        let clock = 1_000u32.wrapping_add((now.as_micros() / 1_000) as u32);
        if SeqNum(clock).before(SeqNum(self.ts_recent)) {
            self.ts_recent
        } else {
            clock
        }
    }
}
