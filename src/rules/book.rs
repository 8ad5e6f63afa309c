//! The state that rules keep of a connection: what each end has sent, as far as it matters to a rule.

use super::ranges::{Ranges, between};
use super::timestamps::Clock;
use crate::time::Stamp;
use crate::wire::{Flags, Packet, Segment, SeqNum, TcpOption};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// What an end offers in its SYN.
#[derive(Clone, Debug, Default)]
pub(super) struct Offer {
    pub mss: Option<u16>,
    pub scale: Option<u8>,
    pub sack: bool,
    pub timestamps: bool,
    pub ece: bool,
    pub cwr: bool,
    /// AE (RFC 9768).
    pub accurate: bool,
    /// Whether it is a SYN,ACK.
    pub answers: bool,
    pub fast_open: bool,
    /// Whether the SYN can be read in one way only. A rule proves nothing by an ambiguous one.
    pub clear: bool,
}

impl Offer {
    pub(super) fn of(segment: &Segment) -> Offer {
        let mut offer = Offer {
            ece: segment.flags.contains(Flags::ECE),
            cwr: segment.flags.contains(Flags::CWR),
            accurate: segment.flags.contains(Flags::AE),
            answers: segment.flags.contains(Flags::ACK),
            clear: segment.is_well_formed(),
            ..Offer::default()
        };
        for option in &segment.options {
            match option {
                TcpOption::Mss(size) => offer.mss = Some(*size),
                TcpOption::WindowScale(shift) => offer.scale = Some(*shift),
                TcpOption::SackPermitted => offer.sack = true,
                TcpOption::Timestamps { .. } => offer.timestamps = true,
                TcpOption::FastOpen(_) => offer.fast_open = true,
                TcpOption::Other { .. } | TcpOption::Raw(_) => offer.clear = false,
                TcpOption::Eol
                | TcpOption::Nop
                | TcpOption::Sack(_)
                | TcpOption::Md5(_)
                | TcpOption::UserTimeout(_) => {}
            }
        }
        offer
    }
}

/// A stretch of text that the target has sent.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    /// The number of its first octet.
    pub start: i64,
    /// Octets of the segment's text that stand before it.
    pub skipped: usize,
    /// The frame that carried it first.
    pub packet: Arc<Packet>,
    pub number: usize,
}

impl Stretch {
    pub(super) fn octets(&self) -> &[u8] {
        match self.packet.tcp() {
            Some(segment) => &segment.payload[self.skipped.min(segment.payload.len())..],
            None => &[],
        }
    }
}

/// The last sending of the segment at SND.UNA, the front of the retransmission queue, since anything came from the
/// peer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resent {
    pub start: i64,
    pub at: Stamp,
    pub number: usize,
    /// The shortest and the longest that the time since it was sent before can have been.
    pub gap: Option<(Duration, Duration)>,
    /// How often in a row that time was no longer than the one before.
    pub even: u32,
    /// Whether it was sent again because time had passed, and nothing else has been sent or has come since.
    pub alone: bool,
}

/// What the target has sent. Numbers count from its ISN, or from where the capture begins.
#[derive(Debug, Default)]
pub(super) struct Sender {
    pub origin: Option<SeqNum>,
    /// Whether its SYN was seen.
    pub whole: bool,
    pub offer: Option<Offer>,
    /// The frame of its SYN, and what that acknowledged.
    pub syn: Option<(usize, Option<SeqNum>)>,
    /// Whether its first SYN was an active open: it answered no SYN of the peer.
    pub opened_first: bool,
    /// One past the highest number used, and by which frame.
    pub end: (i64, usize),
    pub fin: Option<(i64, usize)>,
    /// What it sent and the peer may not have acknowledged, and the last of what it has.
    pub text: VecDeque<Stretch>,
    /// When text was sent last.
    pub spoke: Stamp,
    /// The highest acknowledgment.
    pub ack: Option<(i64, usize)>,
    /// The rightmost edge offered.
    pub edge: Option<(i64, usize)>,
    /// The window offered last, in octets.
    pub window: Option<i64>,
    /// The last timestamp, the frame, and when.
    pub time: Option<(u32, usize, Stamp)>,
    /// The clock of those that are no SYN's.
    pub clock: Option<Clock>,
    /// The last echo, the frame, and when.
    pub echo: Option<(u32, usize, Stamp)>,
    pub urgent: Option<(i64, usize)>,
    pub resent: Option<Resent>,
    /// Segments without text, SYN or FIN since anything came, and since when.
    pub empty: (u32, Stamp),
    pub reset: bool,
    /// Whether it has shown that its handshake is over.
    pub established: bool,
}

/// The SYNs that came, by their numbers.
#[derive(Clone, Debug, Default)]
pub(super) struct Syns {
    by_number: BTreeMap<u32, Syn>,
    /// SEG.LEN of the longest.
    longest: u32,
    /// The largest shift that one of them may offer.
    shift: u32,
}

impl Syns {
    /// Enters a SYN, if none of its number came before.
    pub(super) fn add(&mut self, syn: Syn) {
        if self.has(syn.seq) {
            return;
        }
        let shift = match syn.offer.clear {
            true => syn.offer.scale.unwrap_or(0).min(14),
            false => 14,
        };
        self.shift = self.shift.max(u32::from(shift));
        self.longest = self.longest.max(syn.length);
        self.by_number.insert(syn.seq.0, syn);
    }

    pub(super) fn has(&self, seq: SeqNum) -> bool {
        self.by_number.contains_key(&seq.0)
    }

    /// The largest shift that one of them may offer; `None` where none came.
    pub(super) fn shift(&self) -> Option<u32> {
        (!self.by_number.is_empty()).then_some(self.shift)
    }

    /// The last one before a number.
    pub(super) fn before(&self, number: SeqNum) -> Option<&Syn> {
        let (first, last) = (number.advanced(-i64::from(i32::MAX)), number.advanced(-1));
        between(&self.by_number, first.0, last.0).next_back()
    }

    /// Those that an acknowledgment answers: it covers SYN, and no more than the SYN's segment has.
    pub(super) fn answered(&self, ack: SeqNum) -> impl Iterator<Item = &Syn> {
        let (first, last) = (ack.advanced(-i64::from(self.longest)), ack.advanced(-1));
        between(&self.by_number, first.0, last.0)
            .filter(move |syn| (1..=syn.length as i32).contains(&ack.offset_from(syn.seq)))
    }
}

/// A SYN that came.
#[derive(Clone, Debug)]
pub(super) struct Syn {
    pub seq: SeqNum,
    pub length: u32,
    pub number: usize,
    pub offer: Offer,
}

/// As much of what came as explains a reset (RFC 9293 section 3.5.2).
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// What can be answered: with ACK by its SEG.ACK, without by the number behind it.
    answerable: BTreeMap<(bool, u32), Answerable>,
    /// The numbers of segments, and those behind them.
    numbers: BTreeSet<u32>,
    /// The frame that came last.
    pub last: Option<usize>,
}

/// Segments that the same reset answers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Answerable {
    /// The last frame of them that is a reset.
    pub reset: Option<usize>,
    /// Whether one is none.
    pub other: bool,
}

impl Heard {
    pub(super) fn add(&mut self, segment: &Segment, number: usize) {
        let next = segment.seq.advanced(i64::from(segment.seg_len()));
        let ack = segment.flags.contains(Flags::ACK);
        let named = if ack { segment.ack } else { next };
        let known = self.answerable.entry((ack, named.0)).or_default();
        match segment.flags.contains(Flags::RST) {
            true => known.reset = Some(number),
            false => known.other = true,
        }
        self.numbers.extend([segment.seq.0, next.0]);
        self.last = Some(number);
    }

    /// What a reset has the numbers of an answer to, if anything.
    pub(super) fn answered_by(&self, reset: &Segment) -> Option<Answerable> {
        let with_ack = self.answerable.get(&(true, reset.seq.0));
        let bare = reset.seq == SeqNum(0) && reset.flags.contains(Flags::ACK);
        let without_ack = self.answerable.get(&(false, reset.ack.0)).filter(|_| bare);
        with_ack
            .into_iter()
            .chain(without_ack)
            .copied()
            .reduce(|a, b| Answerable {
                reset: a.reset.max(b.reset),
                other: a.other || b.other,
            })
    }

    /// Whether a segment begins or ends at that number.
    pub(super) fn names(&self, number: SeqNum) -> bool {
        self.numbers.contains(&number.0)
    }
}

/// How a value of the peer's timestamps came first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Came {
    /// The lowest number of a segment with it.
    pub start: i64,
    /// The first frame with it, and when.
    pub number: usize,
    pub at: Stamp,
}

/// What came to the target. Numbers count from the first that was seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Peer {
    pub origin: Option<SeqNum>,
    /// The highest number that the target has acknowledged.
    pub settled: i64,
    pub syns: Syns,
    /// Octets, SYN and FIN among them, and those that came more than once.
    pub got: Ranges,
    pub twice: Ranges,
    /// The highest number that came, and in which frame.
    pub end: (i64, usize),
    pub fin: bool,
    /// The highest acknowledgment of the target's numbers.
    pub acked: Option<(SeqNum, usize)>,
    /// ACKs that came since the target sent text, and acknowledge none of it.
    pub duplicates: u32,
    /// The rightmost edge that the peer ever offered, if its windows are read with this shift.
    pub edge: Option<(SeqNum, usize)>,
    /// The values of its timestamps, and their clock.
    pub times: BTreeMap<u32, Came>,
    pub clock: Option<Clock>,
    pub sacks: bool,
    pub ce: bool,
    pub ece: bool,
    pub rst: bool,
    /// The frame that came last, and when.
    pub last: Option<(usize, Stamp)>,
    /// Text that is to be acknowledged: up to which number, since when, which frame.
    pub owed_ack: Option<(i64, Stamp, usize)>,
}
