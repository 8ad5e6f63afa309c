//! The books of one connection: what its two ends have told each other, as far as the script has looked.
//!
//! Rules of the books (`cases/README.md`): a frame of the target enters when a step takes it or passes it by; a
//! segment of ours counts when a correct target would take it. Where that is in doubt, the target's next
//! acknowledgment settles it; there is no second TCP in here.

use super::frame::Frame;
use super::sent::Sent;
use super::stretches::Stretches;
use crate::stack::{Facts, Tolerance};
use crate::time::{Instant, Stamp};
use crate::wire::{Flags, Isn, Segment, SeqNum, TcpOption};
use core::net::IpAddr;
use core::time::Duration;
use std::collections::{BTreeSet, VecDeque};

/// An ACK that the target owes for a segment of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwedAck {
    /// An ACK of this number or more answers the segment; `i64::MAX`: only one that acknowledges nothing new does.
    pub covers: i64,
    pub order: u64,
    /// When the segment was injected: a late ACK is no answer to it.
    pub at: Instant,
    /// The next inject after it: an ACK that acknowledges nothing new must come before that.
    until: u64,
}

impl OwedAck {
    /// Whether a frame comes too late to be the answer: only the ACK of data may be delayed by a timer.
    pub(crate) fn has_lapsed(&self, frame: &Frame, soon: Duration) -> bool {
        frame.at.earliest >= self.at + soon || self.covers == i64::MAX && frame.order > self.until
    }
}

/// SEG.* of the last segment injected.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LastSegment {
    pub seq: i64,
    pub ack: i64,
    pub len: i64,
    pub wnd: i64,
    pub up: i64,
}

/// What one side's SYN offered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    pub mss: Option<u16>,
    pub scale: Option<u8>,
    pub timestamps: bool,
    pub sack: bool,
}

impl Offer {
    pub(crate) fn of(segment: &Segment) -> Offer {
        Offer {
            mss: segment.mss(),
            scale: segment.window_scale(),
            timestamps: segment.timestamps().is_some(),
            sack: segment.options.contains(&TcpOption::SackPermitted),
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Conn {
    pub name: String,
    pub tester: IpAddr,
    pub tester_port: u16,
    /// `None` until the target has chosen it.
    pub target_port: Option<u16>,
    /// When it was opened, in the run's order; the incarnation opened last gets the frames of a shared tuple.
    pub opened: Option<u64>,
    pub isn: Isn,
    /// A placeholder until the target's SYN has come.
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
    /// The injects that tell the target of a loss, by their place in the order: a duplicate ACK, a SACK, an ICMP error,
    /// a window that opens, a repeated SYN, an answer to a SYN that leaves out some of its octets.
    pub losses_told: BTreeSet<u64>,
    /// The number behind all that was injected without a gap, counted or not.
    pub delivered: i64,
    injected: Stretches,

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
    /// The right edge of the window that we offered.
    pub offered: i64,

    // What the target has said.
    pub their_syn: Option<Offer>,
    /// One past the last octet on its SYN (RFC 7413); 0 if there was none.
    pub syn_text_end: i64,
    pub syns_seen: Vec<Flags>,
    pub snd_nxt: i64,
    /// The end of what arrived in order within the window that we offered.
    pub position: i64,
    arrived: Stretches,
    pub last_ack: i64,
    pub tsval: u32,
    pub owed_acks: Vec<OwedAck>,
    /// When each octet that was seen was last sent.
    pub sent: Sent,
    /// The number behind the target's FIN, once it was seen.
    pub their_fin: Option<i64>,
    pub last_frame: Option<std::sync::Arc<[u8]>>,
    /// When the last probe came.
    pub probed: Option<Stamp>,
    pub inbox: VecDeque<Frame>,
    /// Whether the middlebox has held back or dropped anything that the target sent.
    pub lossy: bool,
    /// Frames behind a gap that the middlebox has caused. They are in the books already, and wait for the step that
    /// expects their octets.
    pub early: Vec<Frame>,

    // The application.
    pub app_sent: Vec<u8>,
    /// Whether it has closed its direction: no FIN comes before.
    pub closed: bool,
    /// Whether it has sent urgent data.
    pub urgent: bool,
    pub keep_alive: bool,
    /// How long after it was sent a segment may be sent again without a reason of ours.
    pub due: Duration,
    /// How long a reply may take if nothing but the delayed ACK timer holds it up.
    pub soon: Duration,
    /// MTU less IP and TCP headers.
    pub full: i64,
    /// What a SYN without the MSS option means (RFC 9293 section 3.7.1).
    pub default_mss: i64,
    /// Whether the target leaves room for SACK blocks in every segment.
    pub sack_room: bool,
}

/// What stood in the window field before anything was offered: the most that fits in 16 bits.
const FIRST_WINDOW: i64 = 65_535;

impl Conn {
    pub(crate) fn new(
        name: &str,
        tester: IpAddr,
        tester_port: u16,
        isn: SeqNum,
        made_up_iss: SeqNum,
        facts: &Facts,
    ) -> Conn {
        let (headers, default_mss) = if tester.is_ipv4() { (40, 536) } else { (60, 1220) };
        let due = facts.tolerances.get(Tolerance::Due);
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
            injected: Stretches::default(),
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
            syn_text_end: 0,
            syns_seen: Vec::new(),
            snd_nxt: 0,
            position: 0,
            arrived: Stretches::default(),
            last_ack: 0,
            tsval: 0,
            owed_acks: Vec::new(),
            sent: Sent::default(),
            their_fin: None,
            last_frame: None,
            probed: None,
            due,
            soon: facts.tolerances.get(Tolerance::Soon),
            inbox: VecDeque::new(),
            lossy: false,
            early: Vec::new(),
            app_sent: Vec::new(),
            closed: false,
            urgent: false,
            keep_alive: false,
            full: i64::from(facts.mtu) - headers,
            default_mss,
            sack_room: facts.abilities.can("sack-room"),
        }
    }

    /// Whether both sides offered timestamps (RFC 7323 section 3.2).
    pub(crate) fn timestamps(&self) -> bool {
        self.both(|offer| offer.timestamps)
    }

    fn scaling(&self) -> bool {
        self.both(|offer| offer.scale.is_some())
    }

    fn both(&self, what: impl Fn(&Offer) -> bool) -> bool {
        matches!((&self.my_syn, &self.their_syn), (Some(mine), Some(theirs)) if what(mine) && what(theirs))
    }

    /// RFC 7323 section 2.3 takes a shift above 14 for 14.
    pub(crate) fn shift(&self, offer: &Option<Offer>) -> u32 {
        match offer {
            Some(Offer { scale: Some(shift), .. }) if self.scaling() => u32::from(*shift).min(14),
            _ => 0,
        }
    }

    fn timestamp_cost(&self) -> i64 {
        if self.timestamps() { 12 } else { 0 }
    }

    /// What a target leaves free in each segment that it sends, so that the options of any segment fit beside the text:
    /// as many SACK blocks as the 40 octets of options hold, after two of padding (RFC 2018 section 3). RFC 9293
    /// section 3.7.1 bounds a segment from above only.
    fn sack_cost(&self) -> i64 {
        match (self.sack_room && self.both(|offer| offer.sack), self.timestamps()) {
            (false, _) => 0,
            (true, false) => 2 + 2 + 4 * 8,
            (true, true) => 2 + 2 + 3 * 8,
        }
    }

    /// What the target may send in one segment.
    pub(crate) fn smss(&self) -> i64 {
        let announced = self
            .my_syn
            .as_ref()
            .and_then(|syn| syn.mss)
            .map_or(self.default_mss, i64::from);
        announced.min(self.full) - self.timestamp_cost() - self.sack_cost()
    }

    /// What the tester may send in one segment.
    pub(crate) fn rmss(&self) -> i64 {
        let announced = self
            .their_syn
            .as_ref()
            .and_then(|syn| syn.mss)
            .map_or(self.default_mss, i64::from);
        announced - self.timestamp_cost()
    }

    /// How many octets of text the tester puts into one segment at most: what the target takes and the link carries.
    pub(crate) fn most_text(&self) -> i64 {
        self.rmss().min(self.full - self.timestamp_cost())
    }

    /// RCV.WND: the last offered right edge less RCV.NXT.
    pub(crate) fn rcv_wnd(&self) -> i64 {
        (self.right_edge() - self.rcv_nxt).max(0)
    }

    fn right_edge(&self) -> i64 {
        self.edge.unwrap_or(self.rcv_nxt + FIRST_WINDOW)
    }

    /// Whether the target has no window left beyond what it has sent.
    pub(crate) fn window_closed(&self) -> bool {
        self.snd_wnd == 0
    }

    // ----- to the target --------------------------------------------------------------------------------------------

    /// Notes a segment of ours that is written and about to be sent, at that place of the run's order. Whether it
    /// counts is another question: see [`Conn::count`].
    pub(crate) fn inject(&mut self, segment: &Segment, seg: LastSegment, order: u64) {
        let syn = segment.flags.contains(Flags::SYN);
        let ack = self.iss.relative(segment.ack).0;
        let repeated_ack = i64::from(segment.seg_len()) == 0 && ack == self.snd_una;
        // What it has sent is unacknowledged also where no step has looked at it yet.
        let unacknowledged = self.snd_nxt > self.snd_una || self.inbox.iter().any(|frame| frame.end() > self.snd_una);
        let takes_less = self.snd_una <= 1 && segment.flags.contains(Flags::ACK) && ack < self.syn_text_end;
        let has_sack = segment
            .options
            .iter()
            .any(|option| matches!(option, TcpOption::Sack(_)));
        if repeated_ack && unacknowledged || has_sack || syn && self.syn_injected || takes_less {
            self.losses_told.insert(order);
        }
        self.win = segment.window;
        self.seg = seg;
        self.last_inject = Some(order);
        self.first_inject.get_or_insert(order);
        if syn && !segment.flags.contains(Flags::RST) {
            self.opened = Some(order);
            self.syn_injected = true;
            self.my_syn = Some(Offer::of(segment));
            self.my_syn_options = Some(segment.options.clone());
        }
    }

    /// Notes an ICMP message of ours: it tells of a loss.
    pub(crate) fn inject_icmp(&mut self, order: u64) {
        self.last_inject = Some(order);
        self.losses_told.insert(order);
    }

    /// Enters a segment of ours that was delivered into the books; `when` is its moment and its place in the run's
    /// order.
    pub(crate) fn count(&mut self, segment: &Segment, when: (Instant, u64)) {
        let open = |owed: &&mut OwedAck| owed.order < when.1 && owed.until == u64::MAX;
        self.owed_acks
            .iter_mut()
            .filter(open)
            .for_each(|owed| owed.until = when.1);
        let flags = segment.flags;
        let seq = self.isn.relative(segment.seq).0;
        let end = seq + i64::from(segment.seg_len());
        let reset = flags.contains(Flags::RST);
        if end > seq && !reset {
            self.injected.add(seq, end);
            self.delivered = self.injected.reach(self.delivered);
        }
        if !segment.is_well_formed() {
            return;
        }
        if reset {
            // RFC 5961 section 3.2: in the window, but not at RCV.NXT, it draws a challenge ACK.
            if self.irs_known && self.rcv_nxt < seq && seq < self.right_edge() {
                self.owe(i64::MAX, when);
            }
            return;
        }
        if flags.contains(Flags::SYN) && !self.irs_known && seq == 0 {
            self.count_syn(segment, when);
            return;
        }
        if flags.contains(Flags::SYN) {
            self.owe(i64::MAX, when);
            if !(flags.contains(Flags::ACK) && seq == 0) {
                return;
            }
        }
        if flags.contains(Flags::ACK) {
            self.count_ack(segment, (seq, end), when);
        }
    }

    fn owe(&mut self, covers: i64, (at, order): (Instant, u64)) {
        self.owed_acks.push(OwedAck {
            covers,
            order,
            at,
            until: u64::MAX,
        });
    }

    fn count_syn(&mut self, segment: &Segment, when: (Instant, u64)) {
        self.irs_known = true;
        self.rcv_nxt = 1;
        self.owe(1, when);
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

    fn count_ack(&mut self, segment: &Segment, (seq, end): (i64, i64), when: (Instant, u64)) {
        let syn = i64::from(segment.flags.contains(Flags::SYN));
        let ack = self.iss.relative(segment.ack).0;
        if ack > self.snd_nxt {
            return self.owe(i64::MAX, when);
        }
        let stamp = segment.timestamps().map(|(value, _)| value);
        let too_old = stamp.is_some_and(|value| SeqNum(value).before(SeqNum(self.ts_recent)));
        if self.timestamps() && too_old {
            return self.owe(i64::MAX, when);
        }
        let edge = self.right_edge();
        if (seq != self.rcv_nxt || end > seq) && syn == 0 {
            let lawful = seq <= edge && end > self.rcv_nxt;
            self.owe(if lawful { end } else { i64::MAX }, when);
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
        self.count_window(segment, ack, (syn, when.1));
        self.count_octets(segment, seq + syn, edge);
    }

    fn count_window(&mut self, segment: &Segment, ack: i64, (syn, order): (i64, u64)) {
        if ack < self.snd_una {
            return;
        }
        let shift = if syn == 0 { self.shift(&self.my_syn) } else { 0 };
        let window = i64::from(segment.window) << shift;
        if self.snd_wnd == 0 && window > 0 {
            // The target dropped the text that probed its closed window, and it may come again at once.
            self.losses_told.insert(order);
        }
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

    /// Takes the ISN and the port of the target from its first SYN. Returns whether this was it.
    pub(crate) fn learn_iss(&mut self, segment: &Segment) -> bool {
        let first = segment.flags.contains(Flags::SYN) && !self.iss_known;
        if first {
            self.iss = Isn(segment.seq);
            self.iss_known = true;
            self.target_port = Some(segment.source);
        }
        first
    }

    /// Enters what a step took of a frame: all of it if it is taken as a `whole`; otherwise the rest goes back to the
    /// front of the inbox.
    pub(crate) fn take(&mut self, mut frame: Frame, whole: bool) {
        if whole || frame.stretch_left() == 0 {
            return self.enter(&frame);
        }
        let upto = frame.data_at() + frame.taken as i64;
        if frame.ack_taken {
            self.enter_stretch(&frame, upto);
        } else {
            self.enter_syn(&frame);
            self.enter_stretch(&frame, upto);
            self.enter_ack(&frame);
            frame.ack_taken = true;
        }
        self.inbox.push_front(frame);
    }

    /// Enters a frame, or what of it has not been entered yet.
    pub(crate) fn enter(&mut self, frame: &Frame) {
        if frame.ack_taken {
            return self.enter_stretch(frame, frame.end());
        }
        if self.is_probe(frame) {
            self.probed = Some(frame.at);
        }
        self.last_frame = Some(frame.octets.clone());
        if frame.has(Flags::RST) {
            return self.settle_owed_acks(frame);
        }
        self.enter_syn(frame);
        self.enter_stretch(frame, frame.end());
        if frame.has(Flags::ACK) {
            self.enter_ack(frame);
        }
    }

    /// Enters what a SYN offers; nothing where the frame is none.
    fn enter_syn(&mut self, frame: &Frame) {
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
        if !frame.segment().payload.is_empty() {
            self.syn_text_end = frame.end();
        }
    }

    /// The frame that came early and carries the octet `at`, if there is one.
    pub(crate) fn take_early(&mut self, at: i64) -> Option<Frame> {
        let place = self
            .early
            .iter()
            .position(|frame| frame.data_at() <= at && at < frame.end())?;
        Some(self.early.remove(place))
    }

    /// Enters what a frame carries up to the number `upto`.
    fn enter_stretch(&mut self, frame: &Frame, upto: i64) {
        self.last_frame = Some(frame.octets.clone());
        if let Some((value, _)) = frame.segment().timestamps() {
            self.tsval = value;
        }
        if upto > frame.seq {
            self.sent.note(frame.seq, upto, (frame.at, frame.order));
            if frame.has(Flags::FIN) && upto == frame.end() {
                self.their_fin = Some(upto);
            }
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

    /// Removes the owed ACKs that a frame answers, also if it does not reach the tester.
    pub(crate) fn settle_owed_acks(&mut self, frame: &Frame) {
        self.owed_acks.retain(|owed| !owed.has_lapsed(frame, self.soon));
        let before = self.owed_acks.len();
        if !frame.has(Flags::RST) {
            self.owed_acks.retain(|owed| owed.covers > frame.ack);
        }
        // An ACK answers all the segments that it covers, or else one that it does not cover; a RST answers one.
        if self.owed_acks.len() == before && before > 0 {
            self.owed_acks.remove(0);
        }
    }

    /// Enters a frame's acknowledgment and window.
    fn enter_ack(&mut self, frame: &Frame) {
        let shift = if frame.has(Flags::SYN) {
            0
        } else {
            self.shift(&self.their_syn)
        };
        let edge = frame.ack + (i64::from(frame.segment().window) << shift);
        self.last_ack = self.last_ack.max(frame.ack);
        self.settle_owed_acks(frame);
        if self.rcv_nxt < frame.ack && frame.ack <= self.delivered {
            self.rcv_nxt = frame.ack;
        }
        match self.edge {
            Some(old) if edge < old && edge > frame.ack => {}
            Some(old) if edge < old => self.edge = Some(self.rcv_nxt.max(edge)),
            Some(_) | None => self.edge = Some(edge),
        }
    }

    /// The tester's timestamp clock, in milliseconds; it never moves back.
    pub(crate) fn ts_clock(&self, now: Instant) -> u32 {
        let clock = 1_000u32.wrapping_add((now.as_micros() / 1_000) as u32);
        if SeqNum(clock).before(SeqNum(self.ts_recent)) {
            self.ts_recent
        } else {
            clock
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Talk;
    use expect_test::{Expect, expect};

    /// What each line of a conversation changes in the books. All numbers count from the ISNs.
    fn changes(mut talk: Talk, lines: &str, expected: Expect) {
        let mut before = talk.books();
        let mut told = String::new();
        for line in lines.split(';').map(str::trim) {
            talk.line(line);
            let after = talk.books();
            let changed = after.iter().zip(&before).filter(|(new, old)| new != old);
            let changed: Vec<String> = changed
                .map(|((name, new), (_, old))| format!("{name} {old} -> {new}"))
                .collect();
            told += format!("{line:<36} | {}", changed.join(", ")).trim_end();
            told.push('\n');
            before = after;
        }
        expected.assert_eq(&told);
    }

    #[test]
    fn a_handshake_that_the_tester_begins() {
        let lines = "> SYN win=5000 <mss 1460>; < SYN,ACK seq=0 ack=1 win=10000 <mss 1460>; > ACK";
        changes(
            Talk::new(),
            lines,
            expect![[r#"
            > SYN win=5000 <mss 1460>            | SND.WND 65535 -> 5000, RCV.NXT 0 -> 1, offered 0 -> 5001, owed ACKs 0 -> 1
            < SYN,ACK seq=0 ack=1 win=10000 <mss 1460> | SND.NXT 0 -> 1, RCV.WND 65535 -> 10000, position 0 -> 1, last ACK 0 -> 1, owed ACKs 1 -> 0
            > ACK                                | SND.UNA 0 -> 1
        "#]],
        );
    }

    #[test]
    fn a_handshake_that_the_target_begins() {
        let lines = "< SYN seq=0 win=10000 <mss 1460>; > SYN,ACK win=5000; < ACK seq=1 ack=1 win=10000";
        changes(
            Talk::new(),
            lines,
            expect![[r#"
            < SYN seq=0 win=10000 <mss 1460>     | SND.NXT 0 -> 1, position 0 -> 1
            > SYN,ACK win=5000                   | SND.UNA 0 -> 1, SND.WND 65535 -> 5000, RCV.NXT 0 -> 1, offered 0 -> 5001, owed ACKs 0 -> 1
            < ACK seq=1 ack=1 win=10000          | RCV.WND 65535 -> 10000, last ACK 0 -> 1, owed ACKs 1 -> 0
        "#]],
        );
    }

    #[test]
    fn octets_both_ways_and_their_acknowledgments() {
        let lines = "> ACK data=100; < ACK seq=1 ack=101 win=9900; app 50; < ACK seq=1 ack=101 win=9900 data=50; > ACK";
        changes(
            Talk::open(),
            lines,
            expect![[r#"
                > ACK data=100                       | RCV.NXT 1 -> 101, RCV.WND 10000 -> 9900, owed ACKs 0 -> 1
                < ACK seq=1 ack=101 win=9900         | last ACK 1 -> 101, owed ACKs 1 -> 0
                app 50                               |
                < ACK seq=1 ack=101 win=9900 data=50 | SND.NXT 1 -> 51, position 1 -> 51
                > ACK                                | SND.UNA 1 -> 51, offered 5001 -> 5051
            "#]],
        );
    }

    #[test]
    fn octets_of_ours_that_come_out_of_order() {
        let lines =
            "> ACK seq=11 data=10; < ACK seq=1 ack=1 win=9990; > ACK seq=1 data=10; < ACK seq=1 ack=21 win=9980";
        changes(
            Talk::open(),
            lines,
            expect![[r#"
                > ACK seq=11 data=10                 | owed ACKs 0 -> 1
                < ACK seq=1 ack=1 win=9990           | owed ACKs 1 -> 0
                > ACK seq=1 data=10                  | RCV.NXT 1 -> 21, RCV.WND 10000 -> 9980, owed ACKs 0 -> 1
                < ACK seq=1 ack=21 win=9980          | last ACK 1 -> 21, owed ACKs 1 -> 0
            "#]],
        );
    }

    #[test]
    fn octets_of_the_target_that_leave_a_gap() {
        let lines = "app 30; < ACK seq=11 ack=1 win=10000 data=10; > ACK; < ACK seq=1 ack=1 win=10000 data=10; > ACK";
        changes(
            Talk::open(),
            lines,
            expect![[r#"
                app 30                               |
                < ACK seq=11 ack=1 win=10000 data=10 | SND.NXT 1 -> 21
                > ACK                                | losses told 0 -> 1
                < ACK seq=1 ack=1 win=10000 data=10  | position 1 -> 21
                > ACK                                | SND.UNA 1 -> 21, offered 5001 -> 5021
            "#]],
        );
    }

    #[test]
    fn segments_that_no_correct_target_takes() {
        let lines = "> ACK seq=1-1 data=1; > ACK seq=20000 data=1; > ACK ack=2; > RST seq=2; > SYN; > ACK data=5 checksum=bad; \
                     > ACK data=5 offset=2";
        changes(
            Talk::open(),
            lines,
            expect![[r#"
                > ACK seq=1-1 data=1                 | owed ACKs 0 -> 1
                > ACK seq=20000 data=1               | owed ACKs 1 -> 2
                > ACK ack=2                          | owed ACKs 2 -> 3
                > RST seq=2                          | owed ACKs 3 -> 4
                > SYN                                | owed ACKs 4 -> 5, losses told 0 -> 1
                > ACK data=5 checksum=bad            |
                > ACK data=5 offset=2                |
            "#]],
        );
    }

    #[test]
    fn what_is_lost_on_the_way_is_not_counted() {
        let lines = "x ACK data=10; > ACK seq=11 data=10; < ACK seq=1 ack=1 win=9990; > ACK seq=1 data=10";
        changes(
            Talk::open(),
            lines,
            expect![[r#"
                x ACK data=10                        |
                > ACK seq=11 data=10                 | owed ACKs 0 -> 1
                < ACK seq=1 ack=1 win=9990           | owed ACKs 1 -> 0
                > ACK seq=1 data=10                  | RCV.NXT 1 -> 21, RCV.WND 10000 -> 9980, owed ACKs 0 -> 1
            "#]],
        );
    }

    #[test]
    fn a_window_that_closes_and_opens_again() {
        let lines = "app 10; < ACK seq=1 ack=1 win=10000 data=10; > ACK win=0; > ACK win=100; > ACK win=100";
        changes(
            Talk::open(),
            lines,
            expect![[r#"
                app 10                               |
                < ACK seq=1 ack=1 win=10000 data=10  | SND.NXT 1 -> 11, position 1 -> 11
                > ACK win=0                          | SND.UNA 1 -> 11, SND.WND 5000 -> 0, offered 5001 -> 11
                > ACK win=100                        | SND.WND 0 -> 100, offered 11 -> 111, losses told 0 -> 1
                > ACK win=100                        |
            "#]],
        );
    }

    #[test]
    fn a_window_of_the_target_that_shrinks() {
        let lines = "> ACK data=100; < ACK seq=1 ack=101 win=50; < ACK seq=1 ack=101 win=20; < ACK seq=1 ack=101 win=0";
        changes(
            Talk::open(),
            lines,
            expect![[r#"
                > ACK data=100                       | RCV.NXT 1 -> 101, RCV.WND 10000 -> 9900, owed ACKs 0 -> 1
                < ACK seq=1 ack=101 win=50           | last ACK 1 -> 101, owed ACKs 1 -> 0
                < ACK seq=1 ack=101 win=20           |
                < ACK seq=1 ack=101 win=0            | RCV.WND 9900 -> 0
            "#]],
        );
    }

    #[test]
    fn the_ends_of_both_directions() {
        let lines = "> FIN,ACK; < ACK seq=1 ack=2 win=10000; close; < FIN,ACK seq=1 ack=2 win=10000; > ACK";
        changes(
            Talk::open(),
            lines,
            expect![[r#"
                > FIN,ACK                            | RCV.NXT 1 -> 2, RCV.WND 10000 -> 9999, owed ACKs 0 -> 1
                < ACK seq=1 ack=2 win=10000          | RCV.WND 9999 -> 10000, last ACK 1 -> 2, owed ACKs 1 -> 0
                close                                |
                < FIN,ACK seq=1 ack=2 win=10000      | SND.NXT 1 -> 2, position 1 -> 2
                > ACK                                | SND.UNA 1 -> 2, offered 5001 -> 5002
            "#]],
        );
    }

    #[test]
    fn a_scaled_window_counts_behind_the_syn_only() {
        let lines = "> SYN win=5000 <mss 1460, wscale 3>; < SYN,ACK seq=0 ack=1 win=10000 <mss 1460, wscale 2>; > ACK win=5000; \
                     < ACK seq=1 ack=1 win=10000";
        changes(
            Talk::new(),
            lines,
            expect![[r#"
            > SYN win=5000 <mss 1460, wscale 3>  | SND.WND 65535 -> 5000, RCV.NXT 0 -> 1, offered 0 -> 5001, owed ACKs 0 -> 1
            < SYN,ACK seq=0 ack=1 win=10000 <mss 1460, wscale 2> | SND.NXT 0 -> 1, RCV.WND 65535 -> 10000, position 0 -> 1, last ACK 0 -> 1, owed ACKs 1 -> 0
            > ACK win=5000                       | SND.UNA 0 -> 1, SND.WND 5000 -> 40000, offered 5001 -> 40001
            < ACK seq=1 ack=1 win=10000          | RCV.WND 10000 -> 40000
        "#]],
        );
    }

    #[test]
    fn repeated_acks_and_syns_tell_of_losses() {
        let lines = "app 10; < ACK seq=1 ack=1 win=10000 data=10; > ACK ack=1; > ACK ack=1; > ACK; > SYN";
        changes(
            Talk::open(),
            lines,
            expect![[r#"
                app 10                               |
                < ACK seq=1 ack=1 win=10000 data=10  | SND.NXT 1 -> 11, position 1 -> 11
                > ACK ack=1                          | losses told 0 -> 1
                > ACK ack=1                          | losses told 1 -> 2
                > ACK                                | SND.UNA 1 -> 11, offered 5001 -> 5011
                > SYN                                | owed ACKs 0 -> 1, losses told 2 -> 3
            "#]],
        );
    }

    #[test]
    fn segments_are_as_large_as_options_and_headers_leave() {
        let opening = |ours: &str, theirs: &str| {
            let talk = Talk::after(&format!("> SYN <{ours}>; < SYN,ACK seq=0 ack=1 win=1 <{theirs}>"));
            (talk.conn.smss(), talk.conn.rmss())
        };
        let table = [
            ("both announce", ("mss 1000", "mss 1400"), (1000, 1400)),
            ("neither announces", ("nop", "nop"), (536, 536)),
            ("more than fits", ("mss 9000", "mss 9000"), (1460, 9000)),
            ("timestamps", ("mss 1000, ts 1 0", "mss 1400, ts 1 1"), (988, 1388)),
            ("timestamps of one side", ("mss 1000, ts 1 0", "mss 1400"), (1000, 1400)),
        ];
        for (name, (ours, theirs), expected) in table {
            assert_eq!(opening(ours, theirs), expected, "{name}");
        }
    }
}
