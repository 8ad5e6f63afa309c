//! The state of one connection as rules see it: what came, what was sent, and what follows from both.

use super::book::{Came, Heard, Offer, Peer, Resent, Sender, Stretch, Syn};
use super::table::RULES;
use super::timestamps::Clock;
use super::{Breach, Broken, Known, Looks, On, Rule, Sight, pace, sending, timestamps};
use crate::time::Stamp;
use crate::wire::{Checksum, Ecn, Flags, Packet, Segment, SeqNum, TcpOption};
use std::sync::Arc;

/// All connections of one pair of sockets, one incarnation after the other.
pub(super) struct Conversation {
    pub known: Known,
    pub target: Sender,
    pub peer: Peer,
    /// What came since the peer sent a SYN with another number, if it did. It belongs to the next incarnation, should
    /// the target accept that SYN.
    next: Option<Box<Peer>>,
    /// The target's SYN before the one that is looked at, if that has another number and nothing came in between.
    pub renewed: Option<(usize, Option<SeqNum>)>,
    /// Whether anything came since the target's last SYN.
    heard_since_syn: bool,
    /// The ISN and the highest number of the incarnation before: a segment with one of its numbers may still be its.
    before: Option<(SeqNum, i64)>,
    /// Everything that came, for what resets answer; over all incarnations.
    pub heard: Heard,
    /// The rules that have been broken; each is told once.
    accused: Vec<&'static Rule>,
}

impl Conversation {
    pub(super) fn new(known: Known) -> Conversation {
        Conversation {
            known,
            target: Sender::default(),
            peer: Peer::default(),
            next: None,
            renewed: None,
            heard_since_syn: false,
            before: None,
            heard: Heard::default(),
            accused: Vec::new(),
        }
    }

    // ----- what follows from what was seen --------------------------------------------------------------------------

    /// The peer's SYN that the target took: the one that its first ACK covers.
    pub(super) fn peer_syn(&self) -> Option<&Syn> {
        let covered = self.target.syn.and_then(|(_, ack)| ack).or_else(|| {
            let (acked, _) = self.target.ack?;
            Some(self.peer.origin?.advanced(acked))
        })?;
        self.peer.syns.before(covered)
    }

    /// The offers of both SYNs, where both are known and unambiguous.
    pub(super) fn offers(&self) -> Option<(&Offer, &Offer)> {
        let (ours, theirs) = (self.target.offer.as_ref()?, &self.peer_syn()?.offer);
        (ours.clear && theirs.clear).then_some((ours, theirs))
    }

    /// Whether both ends offered timestamps; `None` where that is not known.
    pub(super) fn timestamps(&self) -> Option<bool> {
        self.offers().map(|(ours, theirs)| ours.timestamps && theirs.timestamps)
    }

    /// The shift of the target's windows.
    pub(super) fn own_shift(&self) -> Option<u32> {
        let (ours, theirs) = self.offers()?;
        Some(match (ours.scale, theirs.scale) {
            (Some(shift), Some(_)) => u32::from(shift.min(14)),
            _ => 0,
        })
    }

    /// The largest shift that the peer's windows can have.
    fn peer_shift(&self) -> u32 {
        let declined = self.target.offer.as_ref().is_some_and(|offer| offer.scale.is_none());
        match self.peer.syns.shift() {
            _ if declined => 0,
            shift => shift.unwrap_or(14),
        }
    }

    /// A number of the target's, counted from its ISN: the one nearest to the highest that it has used.
    pub(super) fn own(&self, number: SeqNum) -> i64 {
        let (end, _) = self.target.end;
        counted(number, self.target.origin, end)
    }

    /// A number of the peer's, counted from the first that was seen: the one nearest to the highest that the target has
    /// acknowledged.
    pub(super) fn theirs(&self, number: SeqNum) -> i64 {
        counted(number, self.peer.origin, self.peer.settled)
    }

    /// SND.UNA, as far as the peer has moved it.
    pub(super) fn acked(&self) -> i64 {
        self.peer.acked.map_or(0, |(number, _)| self.own(number))
    }

    // ----- segments of the target -----------------------------------------------------------------------------------

    /// Lets the rules look at a segment of the target, and then notes it.
    pub(super) fn watch(
        &mut self,
        number: usize,
        at: Stamp,
        packet: &Arc<Packet>,
        segment: &Segment,
        breaches: &mut Vec<Breach>,
    ) {
        let (syn, rst) = (segment.flags.contains(Flags::SYN), segment.flags.contains(Flags::RST));
        if syn && !rst {
            self.begin(segment);
        } else if !rst && self.target.origin.is_none() {
            // A capture that begins in the middle.
            self.target.origin = Some(segment.seq);
        }
        let seq = self.own(segment.seq);
        let sight = Sight {
            number,
            at,
            packet,
            segment,
            syn,
            fin: segment.flags.contains(Flags::FIN),
            rst,
            ack: segment.flags.contains(Flags::ACK),
            seq,
            end: seq + i64::from(syn) + segment.payload.len() as i64,
            acked: self.theirs(segment.ack),
            times: segment.timestamps(),
        };
        let ours = !rst && !syn && !self.is_of_before(&sight);
        for rule in RULES {
            let Looks::AtSegments(on, check) = rule.looks else {
                continue;
            };
            let looks = match on {
                On::Every => true,
                On::Syn => syn && !rst,
                On::Rst => rst,
                On::Segment => ours,
            };
            if looks
                && self.can_prove(rule)
                && let Some(Broken { earlier, text }) = check(self, &sight)
            {
                self.accuse(rule, (earlier, number), text, breaches);
            }
        }
        if rst {
            self.target.reset = true;
            self.peer.owed_ack = None;
        } else if syn || ours {
            self.enter(&sight, packet);
        }
    }

    /// Whether enough frames were shown to prove a breach of the rule.
    fn can_prove(&self, rule: &Rule) -> bool {
        self.known.complete || !rule.needs_all
    }

    fn accuse(
        &mut self,
        rule: &'static Rule,
        frames: (Option<usize>, usize),
        text: String,
        breaches: &mut Vec<Breach>,
    ) {
        if self.accused.iter().all(|known| known.name != rule.name) {
            self.accused.push(rule);
            breaches.push(Breach { rule, frames, text });
        }
    }

    /// Begins another incarnation where a SYN of the target has another ISN. A stack that uses one ISN for every
    /// connection begins one with the same ISN: if the SYN acknowledges the peer's new SYN, and the SYN before
    /// acknowledged another.
    fn begin(&mut self, segment: &Segment) {
        self.renewed = None;
        let taken = segment.flags.contains(Flags::ACK).then(|| segment.ack.advanced(-1));
        let next = self.next.as_ref().and_then(|next| next.origin);
        let before = self.target.syn.and_then(|(_, ack)| ack);
        let agreed = next.is_some() && next == taken && before.is_some_and(|ack| ack != segment.ack);
        if self.target.origin == Some(segment.seq) && self.target.whole && !agreed {
            return;
        }
        self.renewed = self.target.syn.filter(|_| !self.heard_since_syn);
        if let Some(origin) = self.target.origin {
            self.before = Some((origin, self.target.end.0));
        }
        if let Some(next) = self.next.take() {
            self.peer = *next;
        } else if self.target.origin.is_some() {
            self.peer = Peer::default();
        }
        self.target = Sender {
            origin: Some(segment.seq),
            whole: true,
            ..Sender::default()
        };
    }

    /// Whether a segment's number is one of the incarnation before, and none of this one.
    fn is_of_before(&self, sight: &Sight) -> bool {
        self.is_numbered_before(sight) && !(0..=self.target.end.0).contains(&sight.seq)
    }

    /// Whether the incarnation before has such a number.
    pub(super) fn is_numbered_before(&self, sight: &Sight) -> bool {
        let Some((origin, end)) = self.before else { return false };
        let then = i64::from(sight.segment.seq.offset_from(origin));
        (0..=end).contains(&then)
    }

    fn enter(&mut self, sight: &Sight, packet: &Arc<Packet>) {
        let Sight { number, at, .. } = *sight;
        if sight.syn {
            self.heard_since_syn = false;
            let ack = sight.ack.then_some(sight.segment.ack);
            if self.target.offer.is_none() {
                self.target.opened_first = !sight.ack;
                self.target.offer = Some(Offer::of(sight.segment));
            }
            if self.target.syn.is_none_or(|(_, known)| known.is_none()) {
                self.target.syn = Some((number, ack));
            }
        }
        pace::enter(self, sight);
        sending::enter_text(self, sight, packet);
        let sent = timestamps::sent(self, sight);
        let target = &mut self.target;
        let last = sight.end + i64::from(sight.fin);
        if last > target.end.0 {
            target.end = (last, number);
        }
        if sight.fin && target.fin.is_none() {
            target.fin = Some((sight.end, number));
        }
        if sight.segment.flags.contains(Flags::URG) {
            let up = sight.seq + i64::from(sight.segment.urgent);
            if target.urgent.is_none_or(|(known, _)| up > known) {
                target.urgent = Some((up, number));
            }
        }
        if let Some((value, echo)) = sight.times {
            target.time = Some((value, number, at));
            // In the low bits of TSval of a SYN,ACK a stack may keep options for which its SYN cookie has no room.
            if !sight.syn {
                target.clock = Some(Clock::after(target.clock, value, sent, number));
            }
            if sight.ack {
                target.echo = Some((echo, number, at));
            }
        }
        if sight.ack && self.peer.origin.is_some() {
            self.enter_ack(sight);
        }
    }

    fn enter_ack(&mut self, sight: &Sight) {
        if self.target.ack.is_none_or(|(known, _)| sight.acked > known) {
            self.target.ack = Some((sight.acked, sight.number));
            self.peer.settled = sight.acked.max(0);
        }
        if !sight.syn
            && let Some(shift) = self.own_shift()
        {
            let window = i64::from(sight.segment.window) << shift;
            let edge = sight.acked + window;
            if self.target.edge.is_none_or(|(known, _)| edge > known) {
                self.target.edge = Some((edge, sight.number));
            }
            self.target.window = Some(window);
        }
        if self.peer.owed_ack.is_some_and(|(upto, ..)| sight.acked >= upto) {
            self.peer.owed_ack = None;
        }
    }

    // ----- segments of the peer -------------------------------------------------------------------------------------

    /// Notes a segment that came to the target, if a receiver can read it.
    pub(super) fn hear(&mut self, number: usize, at: Stamp, packet: &Packet, segment: &Segment) {
        if segment.checksum != Checksum::Right || segment.offset.is_some() || segment.cut.is_some() {
            return;
        }
        let flags = segment.flags;
        self.heard.add(segment, number);
        self.heard_since_syn = true;
        let shift = self.peer_shift();
        let began = flags.contains(Flags::SYN) && !flags.contains(Flags::RST) && !self.peer.syns.has(segment.seq);
        if began && self.target.origin.is_some() {
            self.next = Some(Box::default());
        }
        if let Some(next) = &mut self.next {
            next.hear(number, at, packet, segment, shift);
        }
        self.peer.hear(number, at, packet, segment, shift);
        self.forget_acknowledged();
        let duplicate = flags.contains(Flags::ACK) && self.own(segment.ack) <= 1 && !self.target.text.is_empty();
        self.peer.duplicates += u32::from(duplicate);
        // Where frames are shown on their way, nobody knows when they were sent.
        if self.known.prompt
            && !flags.contains(Flags::SYN)
            && let Some((value, _)) = segment.timestamps()
        {
            self.peer.clock = Some(Clock::after(self.peer.clock, value, at, number));
        }
        self.target.empty = (0, at);
        self.target.resent = None;
        pace::owe_ack(self, number, at, segment);
    }

    /// Lets go of text that nobody asks about any more; the last stretch tells how far text went.
    fn forget_acknowledged(&mut self) {
        let acked = self.acked();
        let text = &mut self.target.text;
        let done = text.partition_point(|stretch| stretch.end() <= acked);
        text.drain(..done.min(text.len().saturating_sub(1)));
    }

    // ----- the end --------------------------------------------------------------------------------------------------

    pub(super) fn finish(&mut self, at: Stamp, breaches: &mut Vec<Breach>) {
        for rule in RULES {
            if let Some(check) = rule.at_the_end
                && self.can_prove(rule)
                && let Some((frame, text)) = check(self, at)
            {
                self.accuse(rule, (None, frame), text, breaches);
            }
        }
    }
}

/// A number counted from an origin. Of all those that differ by whole turns of the sequence space it is the one nearest
/// to `near`, which counts from the same origin, so that a connection may last for longer than one turn.
fn counted(number: SeqNum, origin: Option<SeqNum>, near: i64) -> i64 {
    let Some(origin) = origin else { return 0 };
    near + i64::from(number.offset_from(origin.advanced(near)))
}

impl Peer {
    fn hear(&mut self, number: usize, at: Stamp, packet: &Packet, segment: &Segment, shift: u32) {
        let flags = segment.flags;
        self.last = Some((number, at));
        if flags.contains(Flags::RST) {
            self.rst = true;
            return;
        }
        let syn = flags.contains(Flags::SYN);
        if syn {
            self.syns.add(Syn {
                seq: segment.seq,
                length: segment.seg_len(),
                number,
                offer: Offer::of(segment),
            });
        }
        let origin = *self.origin.get_or_insert(segment.seq);
        let start = counted(segment.seq, Some(origin), self.settled);
        let end = start + i64::from(segment.seg_len());
        let twice = &mut self.twice;
        self.got.add((start, end), |again| twice.add(again, |_| ()));
        if end > self.end.0 {
            self.end = (end, number);
        }
        self.fin |= flags.contains(Flags::FIN);
        self.ece |= flags.contains(Flags::ECE);
        self.ce |= packet.ip.ecn == Ecn::Ce;
        if flags.contains(Flags::ACK) {
            let edge = segment
                .ack
                .advanced(i64::from(segment.window) << if syn { 0 } else { shift });
            if self.acked.is_none_or(|(known, _)| known.before(segment.ack)) {
                self.acked = Some((segment.ack, number));
            }
            if self.edge.is_none_or(|(known, _)| known.before(edge)) {
                self.edge = Some((edge, number));
            }
        }
        self.hear_options(Came { start, number, at }, segment);
    }

    fn hear_options(&mut self, came: Came, segment: &Segment) {
        for option in &segment.options {
            match option {
                TcpOption::Timestamps { value, .. } => {
                    let known = self.times.entry(*value).or_insert(came);
                    known.start = known.start.min(came.start);
                }
                TcpOption::Sack(_) => self.sacks = true,
                _ => {}
            }
        }
    }
}

impl Resent {
    pub(super) fn first(start: i64, at: Stamp, number: usize) -> Resent {
        Resent {
            start,
            at,
            number,
            gap: None,
            even: 0,
            alone: false,
        }
    }
}

impl Stretch {
    pub(super) fn end(&self) -> i64 {
        self.start + self.octets().len() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counted_on_when_the_sequence_space_begins_anew() {
        let origin = Some(SeqNum(0xffff_fff0));
        assert_eq!(counted(SeqNum(0x10), origin, 0), 0x20);
        assert_eq!(counted(SeqNum(0xffff_ffef), origin, 0), -1);
        assert_eq!(counted(SeqNum(0x10), origin, 3 << 32), (3 << 32) + 0x20);
        assert_eq!(counted(SeqNum(0x7fff_fff0), origin, 1 << 31), 1 << 31);
        assert_eq!(counted(SeqNum(7), None, 5), 0);
    }
}
