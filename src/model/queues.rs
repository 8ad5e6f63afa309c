//! The octets of a connection: those to be sent or to be acknowledged, and those to be put in order or to be read.

use super::seq::{plus, span};
use crate::wire::SeqNum;
use std::collections::{BTreeMap, VecDeque};

/// Octets of SENDs that are not acknowledged yet: the retransmission queue, and behind it what has not been sent (RFC
/// 9293 section 3.8.1). It holds octets, not segments, so that a retransmission may be cut into other segments.
#[derive(Clone, Debug)]
pub(super) struct SendQueue {
    octets: VecDeque<u8>,
    /// The number of the first octet.
    first: SeqNum,
}

impl SendQueue {
    /// An empty queue whose first octet will have this number.
    pub(super) fn new(first: SeqNum) -> SendQueue {
        SendQueue {
            octets: VecDeque::new(),
            first,
        }
    }

    /// One past the last octet: the number of the FIN, if one follows.
    pub(super) fn end(&self) -> SeqNum {
        plus(self.first, self.octets.len())
    }

    /// Octets in it.
    pub(super) fn len(&self) -> usize {
        self.octets.len()
    }

    /// Octets from `seq` on.
    pub(super) fn after(&self, seq: SeqNum) -> usize {
        usize::try_from(self.end().offset_from(seq))
            .unwrap_or(0)
            .min(self.octets.len())
    }

    /// Appends octets.
    pub(super) fn push(&mut self, octets: &[u8]) {
        self.octets.extend(octets);
    }

    /// Up to `most` octets from `seq` on.
    pub(super) fn read(&self, seq: SeqNum, most: usize) -> Vec<u8> {
        let start = usize::try_from(seq.offset_from(self.first))
            .unwrap_or(0)
            .min(self.octets.len());
        let end = start.saturating_add(most).min(self.octets.len());
        self.octets.range(start..end).copied().collect()
    }

    /// Removes what lies before `una`.
    pub(super) fn acknowledge(&mut self, una: SeqNum) {
        let gone = usize::try_from(una.offset_from(self.first))
            .unwrap_or(0)
            .min(self.octets.len());
        self.octets.drain(..gone);
        self.first = plus(self.first, gone);
    }

    /// Removes everything from `seq` on.
    pub(super) fn forget_from(&mut self, seq: SeqNum) {
        let kept = usize::try_from(seq.offset_from(self.first)).unwrap_or(0);
        self.octets.truncate(kept);
    }

    /// Puts the first octet in once more, for the mistake that does so.
    pub(super) fn repeat_first(&mut self) {
        if let Some(first) = self.octets.front().copied() {
            self.octets.push_front(first);
        }
    }

    /// Removes everything.
    pub(super) fn flush(&mut self) {
        self.first = self.end();
        self.octets.clear();
    }
}

/// Octets that came: in order for the user, and above a gap.
#[derive(Clone, Debug, Default)]
pub(super) struct ReceiveQueue {
    /// In order, not read yet.
    pub ready: VecDeque<u8>,
    /// Above a gap, by distance from the first octet of the stream. They neither overlap nor touch.
    held: BTreeMap<u64, Vec<u8>>,
    /// The distance of RCV.NXT.
    next: u64,
    /// A FIN above a gap, by distance.
    held_fin: Option<u64>,
}

impl ReceiveQueue {
    fn distance(&self, rcv_nxt: SeqNum, seq: SeqNum) -> u64 {
        self.next + u64::from(span(rcv_nxt, seq))
    }

    fn number(&self, rcv_nxt: SeqNum, distance: u64) -> SeqNum {
        SeqNum(rcv_nxt.0.wrapping_add((distance - self.next) as u32))
    }

    /// Keeps text that begins at or above `rcv_nxt`. Where octets are held already, the first copy stays.
    pub(super) fn hold(&mut self, rcv_nxt: SeqNum, seq: SeqNum, text: &[u8]) {
        let (mut from, end) = {
            let from = self.distance(rcv_nxt, seq);
            (from, from + text.len() as u64)
        };
        let start = from;
        while from < end {
            let before = self.held.range(..=from).next_back();
            if let Some((at, octets)) = before
                && at + octets.len() as u64 > from
            {
                from = at + octets.len() as u64;
                continue;
            }
            let until = self.held.range(from..end).next().map_or(end, |(at, _)| *at);
            let piece = text[(from - start) as usize..(until - start) as usize].to_vec();
            self.insert(from, piece);
            from = until;
        }
    }

    /// Inserts text that overlaps nothing, and joins it with text that it touches.
    fn insert(&mut self, at: u64, mut octets: Vec<u8>) {
        if let Some(after) = self.held.remove(&(at + octets.len() as u64)) {
            octets.extend(after);
        }
        match self.held.range_mut(..at).next_back() {
            Some((before, there)) if before + there.len() as u64 == at => there.extend(octets),
            Some(_) | None => drop(self.held.insert(at, octets)),
        }
    }

    /// Makes what is held end with text that lies within it, for the mistake that does so.
    pub(super) fn cut_behind(&mut self, rcv_nxt: SeqNum, seq: SeqNum, text: &[u8]) {
        let from = self.distance(rcv_nxt, seq);
        if let Some((at, octets)) = self.held.range_mut(..=from).next_back()
            && from < at + octets.len() as u64
        {
            octets.truncate((from - at) as usize + text.len());
        }
    }

    /// Throws away what is held above a gap.
    pub(super) fn forget_held(&mut self) {
        self.held.clear();
    }

    /// Notes a FIN above a gap.
    pub(super) fn hold_fin(&mut self, rcv_nxt: SeqNum, seq: SeqNum) {
        self.held_fin = Some(self.distance(rcv_nxt, seq));
    }

    /// Hands text that begins at RCV.NXT to the user, and the held text that follows it; returns how many octets that
    /// is.
    pub(super) fn take(&mut self, rcv_nxt: SeqNum, text: &[u8]) -> u32 {
        self.hold(rcv_nxt, rcv_nxt, text);
        let Some(octets) = self.held.remove(&self.next) else {
            return 0;
        };
        self.next += octets.len() as u64;
        self.ready.extend(&octets);
        octets.len() as u32
    }

    /// Whether the FIN that is held follows now.
    pub(super) fn fin_is_next(&self) -> bool {
        self.held_fin == Some(self.next)
    }

    /// Whether anything is held above a gap.
    pub(super) fn has_gap(&self) -> bool {
        !self.held.is_empty()
    }

    /// How many octets are held above a gap.
    pub(super) fn held(&self) -> usize {
        self.held.values().map(Vec::len).sum()
    }

    /// What is held above a gap: left and right edges, in order.
    pub(super) fn islands(&self, rcv_nxt: SeqNum) -> Vec<(SeqNum, SeqNum)> {
        let edges = |(at, octets): (&u64, &Vec<u8>)| {
            (
                self.number(rcv_nxt, *at),
                self.number(rcv_nxt, at + octets.len() as u64),
            )
        };
        self.held.iter().map(edges).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn what_is_acknowledged_leaves_the_queue_also_across_the_wrap() {
        let mut queue = SendQueue::new(SeqNum(u32::MAX - 1));
        queue.push(b"abcdef");
        assert_eq!(queue.read(SeqNum(0), 2), b"cd");
        queue.acknowledge(SeqNum(1));
        assert_eq!((queue.len(), queue.end(), queue.after(SeqNum(3))), (3, SeqNum(4), 1));
        queue.acknowledge(SeqNum(0));
        assert_eq!(queue.len(), 3);
    }

    proptest! {
        #[test]
        fn pieces_in_any_order_make_the_stream(cuts in vec((0usize..200, 1usize..50), 1..60), first: u32) {
            let stream: Vec<u8> = (0..=255).collect();
            let (mut queue, mut rcv_nxt) = (ReceiveQueue::default(), SeqNum(first));
            let start = rcv_nxt;
            for (at, length) in cuts {
                let piece = &stream[at..(at + length).min(256)];
                let seq = plus(start, at);
                let old = usize::try_from(rcv_nxt.offset_from(seq)).unwrap_or(0).min(piece.len());
                let (piece, seq) = (&piece[old..], plus(seq, old));
                if seq == rcv_nxt {
                    rcv_nxt = rcv_nxt.advanced(i64::from(queue.take(rcv_nxt, piece)));
                } else if !piece.is_empty() {
                    queue.hold(rcv_nxt, seq, piece);
                }
                let ends: Vec<u32> = queue.islands(rcv_nxt).iter().flat_map(|(l, r)| [span(start, *l), span(start, *r)]).collect();
                prop_assert!(ends.windows(2).all(|pair| pair[0] < pair[1]));
            }
            let ready: Vec<u8> = queue.ready.iter().copied().collect();
            prop_assert_eq!(&ready[..], &stream[..ready.len()]);
            prop_assert_eq!(span(start, rcv_nxt) as usize, ready.len());
        }
    }
}
