//! Lawful background: what a correct target may send at any time. A frame that no step takes is passed by if it is
//! background, and fails the run otherwise. It is judged by what had been injected when it came.

use super::conn::{Conn, OwedAck};
use super::frame::Frame;
use super::misfit::{Field, Part, Side};
use crate::wire::Flags;

impl Conn {
    /// Whether the frame is lawful background. `silent`: under `expect: nothing`, where timers may expire and owed ACKs
    /// may come, but no other reply.
    pub(crate) fn is_background(&self, frame: &Frame, silent: bool) -> bool {
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

    /// What holds for every segment but a reset: it has an ACK unless it is a SYN; that ACK does not move back, and
    /// acknowledges nothing that was not sent; and it has URG only if the application has sent urgent data.
    fn is_sound(&self, frame: &Frame) -> bool {
        if frame.has(Flags::RST) || frame.has(Flags::URG) && !self.urgent {
            return false;
        }
        match frame.has(Flags::ACK) {
            true => self.may_acknowledge(frame, self.last_ack, self.rcv_nxt),
            false => frame.has(Flags::SYN),
        }
    }

    /// Whether a frame acknowledges no less than before, no less than `least`, and no more than `rcv_nxt`; more is
    /// allowed where it is in doubt how much counts. Where the middlebox changes the order of frames, any number is
    /// allowed.
    pub(crate) fn may_acknowledge(&self, frame: &Frame, least: i64, rcv_nxt: i64) -> bool {
        let lawful = least.max(self.last_ack)..=rcv_nxt.max(frame.delivered_then);
        self.lossy || lawful.contains(&frame.ack)
    }

    fn may_be_probed(&self, frame: &Frame) -> bool {
        (self.window_closed() || self.keep_alive) && self.probe_is_due(frame)
    }

    /// Whether time has passed since the last probe: in the same instant the frame would be a copy of it.
    pub(crate) fn probe_is_due(&self, frame: &Frame) -> bool {
        self.probed.is_none_or(|last| frame.at.since(last).1 >= self.due)
    }

    /// A window or keep-alive probe: an empty segment or one of a single octet, just below SND.NXT or SND.UNA; where
    /// the window is closed, also the very octet at SND.NXT.
    pub(crate) fn is_probe(&self, frame: &Frame) -> bool {
        let octets = frame.segment().payload.len();
        if frame.has(Flags::SYN) || frame.has(Flags::FIN) || octets > 1 {
            return false;
        }
        if frame.seq == self.snd_nxt {
            return octets == 1 && self.window_closed() && self.has_the_octets_of(frame);
        }
        [self.snd_nxt - 1, self.snd_una - 1, self.snd_una].contains(&frame.seq)
    }

    /// Whether a frame repeats octets and control bits of an earlier one, and may do so.
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

    /// Whether it is time to retransmit what a frame carries, or a segment of ours asks for it.
    pub(crate) fn may_come_again(&self, frame: &Frame) -> bool {
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

    /// Whether the application has sent the octets that a frame carries.
    pub(crate) fn has_the_octets_of(&self, frame: &Frame) -> bool {
        let payload = &frame.segment().payload;
        let from = (frame.data_at() - 1).max(0) as usize;
        self.app_sent.get(from..from + payload.len()) == Some(payload)
    }

    /// Whether a SYN with these control bits was seen before.
    pub(crate) fn saw_syn(&self, frame: &Frame) -> bool {
        let bits = frame
            .segment()
            .flags
            .without(Flags::from_bits(!(Flags::SYN | Flags::ACK).bits()));
        self.syns_seen.contains(&bits)
    }

    /// Whether an ACK is lawful: it acknowledges something new, or announces a larger window, or repeats the last one
    /// because a segment of ours may be answered by an ACK.
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

    /// Whether a frame is an ACK that repeats the last one, tells of no larger window and answers nothing.
    pub(crate) fn repeats_for_nothing(&self, frame: &Frame) -> bool {
        let pure = frame.has(Flags::ACK) && frame.segment().seg_len() == 0 && !frame.has(Flags::RST);
        let repeats = frame.seq == self.snd_nxt && frame.ack == self.last_ack;
        pure && repeats && !self.is_lawful_ack(frame, false)
    }

    /// A number of a frame that no correct target says now, whatever it answers.
    pub(crate) fn wrong_number(&self, frame: &Frame) -> Option<Part> {
        if frame.has(Flags::RST) || frame.has(Flags::SYN) {
            return None;
        }
        let most = self.rcv_nxt.max(frame.delivered_then);
        if frame.has(Flags::ACK) && !self.may_acknowledge(frame, self.last_ack, self.rcv_nxt) {
            let side = if frame.ack > most { Side::Above } else { Side::Below };
            return Some(Field::AcknowledgmentNumber.is(side));
        }
        let distance = frame.seq - self.snd_nxt;
        let elsewhere = distance > 0 || distance < 0 && frame.stretch_left() == 0 && !self.is_probe(frame);
        elsewhere.then(|| Field::SequenceNumber.is(Side::of(distance)))
    }

    /// Whether this ACK may answer a segment of ours that is not too old.
    fn owes_an_ack(&self, frame: &Frame) -> bool {
        let open = |owed: &OwedAck| owed.order < frame.order && !owed.has_lapsed(frame, self.soon);
        self.owed_acks.iter().any(open)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Talk;

    /// Whether the frame after these lines is lawful, beside replies and where nothing was asked for.
    fn judge(lines: &str, frame: &str) -> (bool, bool) {
        let mut talk = Talk::open();
        talk.go_on(lines);
        let frame = talk.come(frame);
        (
            talk.conn.is_background(&frame, false),
            talk.conn.is_background(&frame, true),
        )
    }

    const LAWFUL: (bool, bool) = (true, true);
    const UNLAWFUL: (bool, bool) = (false, false);
    /// Lawful as an answer only: not where nothing is to come.
    const AS_ANSWER: (bool, bool) = (true, false);

    type Row = (&'static str, &'static str, &'static str, (bool, bool));

    fn check(table: &[Row]) {
        for (name, lines, frame, expected) in table {
            assert_eq!(judge(lines, frame), *expected, "{name}: `{lines}`, then `{frame}`");
        }
    }

    #[test]
    fn acknowledgments() {
        check(&[
            ("of new octets", "> ACK data=10", "ACK seq=1 ack=11 win=9990", LAWFUL),
            ("of some of them", "> ACK data=10", "ACK seq=1 ack=6 win=9990", LAWFUL),
            (
                "of octets never sent",
                "> ACK data=10",
                "ACK seq=1 ack=12 win=9990",
                UNLAWFUL,
            ),
            (
                "that go back",
                "> ACK data=10; < ACK seq=1 ack=11 win=9990",
                "ACK seq=1 ack=5 win=9990",
                UNLAWFUL,
            ),
            ("repeated for nothing", "", "ACK seq=1 ack=1 win=10000", UNLAWFUL),
            ("repeated with more window", "", "ACK seq=1 ack=1 win=10001", LAWFUL),
            (
                "repeated for a gap",
                "> ACK seq=5 data=1",
                "ACK seq=1 ack=1 win=10000",
                AS_ANSWER,
            ),
            (
                "for a gap, too late",
                "> ACK seq=5 data=1; wait 700",
                "ACK seq=1 ack=1 win=10000",
                UNLAWFUL,
            ),
            (
                "repeated twice for one gap",
                "> ACK seq=5 data=1; < ACK seq=1 ack=1 win=10000",
                "ACK seq=1 ack=1 win=10000",
                UNLAWFUL,
            ),
            (
                "challenge to a RST in the window",
                "> RST seq=5",
                "ACK seq=1 ack=1 win=10000",
                AS_ANSWER,
            ),
            (
                "from another number",
                "> ACK data=10",
                "ACK seq=2 ack=11 win=9990",
                UNLAWFUL,
            ),
        ]);
    }

    #[test]
    fn octets_that_come_again() {
        let sent = "app 10; < ACK seq=1 ack=1 win=10000 data=10";
        let lines = |more: &str| format!("{sent}{more}");
        let again = "ACK seq=1 ack=1 win=10000 data=10";
        let table = [
            ("at once", "", again, UNLAWFUL),
            ("in time", "; wait 2000", again, LAWFUL),
            (
                "a part of them",
                "; wait 2000",
                "ACK seq=4 ack=1 win=10000 data=3",
                LAWFUL,
            ),
            (
                "after a repeated ACK of ours",
                "; > ACK ack=1; > ACK ack=1",
                again,
                LAWFUL,
            ),
            ("after they were acknowledged", "; > ACK; wait 2000", again, UNLAWFUL),
            (
                "others in their place",
                "; wait 2000",
                "ACK seq=1 ack=1 win=10000 \"0123456789\"",
                UNLAWFUL,
            ),
            (
                "more than were sent",
                "; wait 2000",
                "ACK seq=1 ack=1 win=10000 data=11",
                UNLAWFUL,
            ),
            (
                "with a FIN that was not sent",
                "; wait 2000",
                "FIN,ACK seq=1 ack=1 win=10000 data=10",
                UNLAWFUL,
            ),
        ];
        for (name, more, frame, expected) in table {
            assert_eq!(judge(&lines(more), frame), expected, "{name}");
        }
    }

    #[test]
    fn new_octets_are_never_background() {
        check(&[
            (
                "of the application",
                "app 10",
                "ACK seq=1 ack=1 win=10000 data=10",
                UNLAWFUL,
            ),
            ("a FIN", "close", "FIN,ACK seq=1 ack=1 win=10000", UNLAWFUL),
        ]);
    }

    #[test]
    fn probes() {
        let probe = "ACK seq=0 ack=1 win=10000";
        check(&[
            ("of an open window", "", probe, UNLAWFUL),
            ("of a closed window", "> ACK win=0", probe, LAWFUL),
            (
                "with the next octet",
                "app 1; > ACK win=0",
                "ACK seq=1 ack=1 win=10000 data=1",
                LAWFUL,
            ),
            (
                "with an octet that nobody sent",
                "> ACK win=0",
                "ACK seq=1 ack=1 win=10000 data=1",
                UNLAWFUL,
            ),
            (
                "a copy in one instant",
                "> ACK win=0; < ACK seq=0 ack=1 win=10000",
                probe,
                UNLAWFUL,
            ),
            (
                "the next, in time",
                "> ACK win=0; < ACK seq=0 ack=1 win=10000; wait 2000",
                probe,
                LAWFUL,
            ),
        ]);
    }

    #[test]
    fn what_no_correct_target_sends() {
        check(&[
            ("a reset", "> ACK data=10", "RST seq=1", UNLAWFUL),
            (
                "a segment without an ACK",
                "> ACK data=10",
                "PSH seq=1 win=9990",
                UNLAWFUL,
            ),
            (
                "urgent without an urgent call",
                "> ACK data=10",
                "URG,ACK seq=1 ack=11 win=9990",
                UNLAWFUL,
            ),
            ("a new SYN", "", "SYN seq=0 win=10000", UNLAWFUL),
            (
                "its SYN,ACK again, in time",
                "wait 2000; > SYN",
                "SYN,ACK seq=0 ack=1 win=10000 <mss 1460>",
                UNLAWFUL,
            ),
        ]);
    }
}
