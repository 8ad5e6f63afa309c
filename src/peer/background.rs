//! What a lawful target may send at any time: a frame that no step takes is passed by if it is this, and fails the run
//! otherwise. It is judged by what had been injected when the frame came.

use super::conn::{Conn, Debt};
use super::frame::Frame;
use crate::wire::Flags;

impl Conn {
    /// Whether the frame is lawful background. `silent`: under `expect: nothing`, where timers may run and debts be
    /// paid, but replies may not come.
    pub fn is_background(&self, frame: &Frame, silent: bool) -> bool {
        if !self.is_sound(frame) {
            return false;
        }
        if frame.has(Flags::SYN) || frame.stretch_left() > 0 {
            return self.is_retransmission(frame) || self.is_probe(frame) && self.may_be_probed(frame);
        }
        if frame.ack_taken || self.is_probe(frame) && self.may_be_probed(frame) {
            return true;
        }
        frame.seq == self.snd_nxt && self.is_lawful_ack(frame, silent)
    }

    /// What holds for every segment that is no reset: it has an ACK unless it opens a connection, that ACK neither goes
    /// back nor ahead of what was sent, and nothing is urgent that the application did not call so.
    fn is_sound(&self, frame: &Frame) -> bool {
        if frame.has(Flags::RST) || frame.has(Flags::URG) && !self.urgent {
            return false;
        }
        match frame.has(Flags::ACK) {
            true => self.may_acknowledge(frame, self.last_ack, self.rcv_nxt),
            false => frame.has(Flags::SYN),
        }
    }

    /// Whether a frame acknowledges at least what was acknowledged before, and `least`, and at most `rcv_nxt`, or more if
    /// that is in doubt. Where the middlebox changes the order of frames, nothing can be said.
    pub fn may_acknowledge(&self, frame: &Frame, least: i64, rcv_nxt: i64) -> bool {
        let lawful = least.max(self.last_ack)..=rcv_nxt.max(frame.delivered_then);
        self.lossy || lawful.contains(&frame.ack)
    }

    fn may_be_probed(&self, frame: &Frame) -> bool {
        (self.window_closed() || self.keep_alive) && self.probe_is_due(frame)
    }

    /// Whether the last probe was not sent in the same instant: then it would be a copy.
    pub fn probe_is_due(&self, frame: &Frame) -> bool {
        self.probed.is_none_or(|last| frame.at.since(last).1 >= self.due)
    }

    /// An empty segment or one of a single octet, just below what is to be sent next or what is outstanding; where the
    /// window is closed, also the very octet that is to be sent next.
    pub fn is_probe(&self, frame: &Frame) -> bool {
        let octets = frame.segment().payload.len();
        if frame.has(Flags::SYN) || frame.has(Flags::FIN) || octets > 1 {
            return false;
        }
        if frame.seq == self.snd_nxt {
            return octets == 1 && self.window_closed() && self.has_the_octets_of(frame);
        }
        [self.snd_nxt - 1, self.snd_una - 1, self.snd_una].contains(&frame.seq)
    }

    /// The same octets and control bits as before, where they may come again.
    fn is_retransmission(&self, frame: &Frame) -> bool {
        if frame.has(Flags::SYN) && (frame.seq != 0 || !self.saw_syn(frame)) {
            return false;
        }
        if frame.has(Flags::FIN) && self.their_fin != Some(frame.end()) {
            return false;
        }
        let outstanding = frame.end() <= self.snd_nxt && frame.end() > frame.una_then;
        outstanding && self.may_come_again(frame) && self.has_the_octets_of(frame)
    }

    /// Whether it is time to send again what a frame carries, or something of ours asks for it.
    pub fn may_come_again(&self, frame: &Frame) -> bool {
        match self.sent.last(frame.seq) {
            None => true,
            // The rest of a retransmission of which a step has taken a part.
            Some((_, order)) if order == frame.order => true,
            Some((at, order)) => {
                let told = order + 1 < frame.order && self.losses_told.range(order + 1..frame.order).next().is_some();
                told || frame.at.since(at).1 >= self.due
            }
        }
    }

    /// Whether the application has sent what a frame carries.
    pub fn has_the_octets_of(&self, frame: &Frame) -> bool {
        let payload = &frame.segment().payload;
        let from = (frame.data_at() - 1).max(0) as usize;
        self.app_sent.get(from..from + payload.len()) == Some(payload)
    }

    /// Whether a SYN with these control bits was seen before.
    pub fn saw_syn(&self, frame: &Frame) -> bool {
        let bits = frame
            .segment()
            .flags
            .without(Flags::from_bits(!(Flags::SYN | Flags::ACK).bits()));
        self.syns_seen.contains(&bits)
    }

    /// An ACK that advances, one that tells of a larger window, or one that repeats itself because a segment of ours
    /// may draw an ACK.
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
        wider || !silent && self.owes_an_ack(frame)
    }

    /// Whether a segment of ours, not too long ago, may have drawn it.
    fn owes_an_ack(&self, frame: &Frame) -> bool {
        let open = |debt: &Debt| debt.order < frame.order && !debt.has_lapsed(frame, self.soon);
        self.debts.iter().any(open)
    }
}
