//! Selective acknowledgment: what a receiver reports (RFC 2018 section 4, RFC 2883), and what a sender learns from it
//! (RFC 6675 section 4).

use super::queues::ReceiveQueue;
use super::seq::{earlier, later, leq, span};
use crate::wire::SeqNum;

/// A stretch of octets: its first, and one past its last.
pub(super) type Block = (SeqNum, SeqNum);

/// DupThresh (RFC 6675 section 2).
pub(super) const DUP_THRESH: u32 = 3;

/// What the receiver has yet to report.
#[derive(Clone, Debug, Default)]
pub(super) struct Reports {
    /// Where segments above a gap began, the latest first.
    recent: Vec<SeqNum>,
    /// A stretch that came twice, not yet reported (RFC 2883 section 4).
    pub duplicate: Option<Block>,
}

impl Reports {
    /// A segment above a gap came.
    pub(super) fn note(&mut self, seq: SeqNum) {
        self.recent.insert(0, seq);
    }

    /// The blocks for an ACK, at most `room`: first the duplicate, next the block that holds the segment that came
    /// last, then the others in the order in which they were last reported (RFC 2018 section 4, RFC 2883 section 4).
    pub(super) fn blocks(&mut self, received: &ReceiveQueue, rcv_nxt: SeqNum, room: usize) -> Vec<Block> {
        let islands = received.islands(rcv_nxt);
        let holding =
            |seq: SeqNum| -> Option<Block> { islands.iter().copied().find(|(l, r)| leq(*l, seq) && seq.before(*r)) };
        let mut blocks = Vec::with_capacity(4);
        if let Some(duplicate) = self.duplicate {
            blocks.push(duplicate);
            blocks.extend(holding(duplicate.0));
        }
        let mut kept = Vec::new();
        let mut seen: Vec<Block> = Vec::new();
        for seq in &self.recent {
            let Some(block) = holding(*seq) else { continue };
            if seen.contains(&block) {
                continue;
            }
            seen.push(block);
            kept.push(*seq);
            if !blocks.iter().skip(1).any(|known| *known == block) && blocks.first() != Some(&block) {
                blocks.push(block);
            }
        }
        self.recent = kept;
        blocks.truncate(room);
        blocks
    }
}

/// What the peer has reported: stretches above SND.UNA, in order, none touching another.
#[derive(Clone, Debug, Default)]
pub(super) struct Scoreboard {
    sacked: Vec<Block>,
}

impl Scoreboard {
    /// Update(): enters the blocks of an ACK; returns whether they told anything new. Blocks that do not lie within
    /// what is outstanding are ignored: they make no sense, or report duplicates (RFC 2883 section 5).
    pub(super) fn update(&mut self, blocks: &[(u32, u32)], snd_una: SeqNum, snd_nxt: SeqNum) -> bool {
        let before = self.octets();
        for (left, right) in blocks {
            let (left, right) = (SeqNum(*left), SeqNum(*right));
            let sane = left.before(right) && leq(snd_una, left) && leq(right, snd_nxt);
            if sane && left != snd_una {
                self.add((left, right), snd_una);
            }
        }
        self.octets() > before
    }

    fn add(&mut self, block: Block, origin: SeqNum) {
        self.sacked.push(block);
        self.sacked.sort_by_key(|(left, _)| span(origin, *left));
        let mut joined: Vec<Block> = Vec::with_capacity(self.sacked.len());
        for (left, right) in self.sacked.drain(..) {
            match joined.last_mut() {
                Some(last) if leq(left, last.1) => last.1 = later(last.1, right),
                Some(_) | None => joined.push((left, right)),
            }
        }
        self.sacked = joined;
    }

    /// Forgets what lies before SND.UNA.
    pub(super) fn acknowledge(&mut self, snd_una: SeqNum) {
        self.sacked.retain(|(_, right)| snd_una.before(*right));
        if let Some(first) = self.sacked.first_mut() {
            first.0 = later(first.0, snd_una);
        }
    }

    /// Forgets everything (RFC 2018 section 5: after a timeout).
    pub(super) fn clear(&mut self) {
        self.sacked.clear();
    }

    /// Octets reported.
    pub(super) fn octets(&self) -> u32 {
        self.sacked.iter().map(|(left, right)| span(*left, *right)).sum()
    }

    /// One past the highest octet reported.
    pub(super) fn highest(&self) -> Option<SeqNum> {
        self.sacked.last().map(|(_, right)| *right)
    }

    /// Where the stretch that holds `seq` ends, if one does.
    pub(super) fn end_of(&self, seq: SeqNum) -> Option<SeqNum> {
        let holds = |block: &&Block| leq(block.0, seq) && seq.before(block.1);
        self.sacked.iter().find(holds).map(|(_, right)| *right)
    }

    /// Where the next stretch above `seq` begins.
    pub(super) fn next_after(&self, seq: SeqNum) -> Option<SeqNum> {
        self.sacked.iter().map(|(left, _)| *left).find(|left| seq.before(*left))
    }

    /// IsLost(): enough has been reported above this octet (RFC 6675 section 4).
    pub(super) fn is_lost(&self, seq: SeqNum, smss: u32) -> bool {
        let above: Vec<u32> = self
            .sacked
            .iter()
            .filter(|(_, right)| seq.before(*right))
            .map(|(left, right)| span(later(*left, seq), *right))
            .collect();
        above.len() as u32 >= DUP_THRESH || above.iter().sum::<u32>() > (DUP_THRESH - 1) * smss
    }

    /// SetPipe(): octets that are thought to be in flight (RFC 6675 section 4), without those that are lost.
    pub(super) fn pipe(
        &self,
        snd_una: SeqNum,
        snd_nxt: SeqNum,
        high_rxt: SeqNum,
        lost: &dyn Fn(SeqNum) -> bool,
    ) -> u32 {
        let mut pipe = 0;
        let mut at = snd_una;
        while at.before(snd_nxt) {
            if let Some(end) = self.end_of(at) {
                at = end;
                continue;
            }
            let end = self.next_after(at).map_or(snd_nxt, |next| earlier(next, snd_nxt));
            if !lost(at) {
                pipe += span(at, end);
            }
            let again = earlier(end, high_rxt);
            if at.before(again) {
                pipe += span(at, again);
            }
            at = end;
        }
        pipe
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(number: u32) -> SeqNum {
        SeqNum(number)
    }

    #[test]
    fn the_block_of_the_latest_segment_comes_first_and_a_duplicate_before_it() {
        let (mut received, mut reports) = (ReceiveQueue::default(), Reports::default());
        for seq in [20, 40, 60] {
            received.hold(at(0), at(seq), b"xxxxx");
            reports.note(at(seq));
        }
        let blocks = reports.blocks(&received, at(0), 4);
        assert_eq!(blocks, [(at(60), at(65)), (at(40), at(45)), (at(20), at(25))]);
        reports.note(at(20));
        assert_eq!(
            reports.blocks(&received, at(0), 2),
            [(at(20), at(25)), (at(60), at(65))]
        );
        reports.duplicate = Some((at(42), at(44)));
        let blocks = reports.blocks(&received, at(0), 3);
        assert_eq!(blocks, [(at(42), at(44)), (at(40), at(45)), (at(20), at(25))]);
        reports.duplicate = None;
        assert_eq!(reports.blocks(&received, at(0), 1), [(at(20), at(25))]);
    }

    #[test]
    fn nonsense_blocks_do_no_harm() {
        let mut board = Scoreboard::default();
        let nonsense = [(5, 4), (90, 120), (0, 5), (7, 7), (10, 20)];
        assert!(!board.update(&nonsense, at(10), at(100)));
        assert!(board.update(&[(20, 30)], at(10), at(100)));
        assert!(!board.update(&[(20, 30), (22, 24)], at(10), at(100)));
        assert_eq!(board.octets(), 10);
    }

    #[test]
    fn an_octet_is_lost_when_enough_is_reported_above_it() {
        let mut board = Scoreboard::default();
        board.update(&[(10, 20), (30, 40)], at(0), at(100));
        assert!(!board.is_lost(at(0), 10));
        board.update(&[(50, 51)], at(0), at(100));
        assert!(board.is_lost(at(0), 10));
        assert!(!board.is_lost(at(25), 10));
        let lost = |seq| board.is_lost(seq, 10);
        let pipe = board.pipe(at(0), at(100), at(0), &lost);
        assert_eq!(pipe, 10 + 10 + 49);
        assert_eq!(board.pipe(at(0), at(100), at(10), &lost), pipe + 10);
    }
}
