//! Mistakes in the last step: a segment that is right when it is decided upon is wrong when it leaves.
//!
//! Stacks build the header of a segment anew when they send it again, and may forget what they knew the first time.
//! Cases look at what they have provoked; these mistakes are on other segments, or in fields that no case asks about.
//! They are here to show that the rules notice them.

pub(super) mod decisions;

use super::context::Context;
use super::seq::leq;
use super::tcb::Tcb;
use crate::wire::{Ecn, Flags, Segment, SeqNum, TcpOption};

/// What stood on the last segment of new data, for mistakes that copy it to a retransmission.
#[derive(Clone, Debug, Default)]
pub(super) struct FirstSending {
    /// One past the highest number sent.
    end: Option<SeqNum>,
    ack: SeqNum,
    times: Option<(u32, u32)>,
    blocks: Vec<(u32, u32)>,
    /// How often text has been sent again since then.
    retries: u32,
}

/// What stood on segments of the peer, for mistakes that copy it to an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastHeard {
    /// The reserved bits of the last.
    pub reserved: u8,
    /// TSval of the last that had one.
    pub time: Option<u32>,
    /// TSval of the SYN: the first that was echoed.
    of_syn: Option<u32>,
}

/// The SACK blocks of a segment.
fn blocks(segment: &Segment) -> &[(u32, u32)] {
    let blocks = segment.options.iter().find_map(|option| match option {
        TcpOption::Sack(blocks) => Some(&blocks[..]),
        _ => None,
    });
    blocks.unwrap_or_default()
}

impl Tcb {
    /// A segment and its ECN field as they leave: unchanged where no mistake is made.
    pub(super) fn slip(&mut self, cx: &Context, segment: Segment, ecn: Ecn) -> (Segment, Ecn) {
        let tries = self.note_sending(&segment);
        let ecn = decisions::ecn(self, &segment, tries, ecn);
        let octets = decisions::octets(self, &segment, tries);
        let options = match segment.flags.contains(Flags::SYN) {
            true => decisions::options_of_syn(self, cx, &segment, tries),
            false => decisions::options(self, cx, &segment, tries),
        };
        let mut segment = Segment {
            seq: decisions::seq(self, &segment, tries),
            ack: decisions::ack(self, &segment, tries),
            flags: decisions::flags(self, &segment, tries),
            window: decisions::window(self, &segment, tries),
            urgent: decisions::urgent(self, &segment, tries),
            offset: decisions::offset(self, &segment),
            options,
            ..segment
        };
        segment.payload.resize(octets, 0);
        (segment, ecn)
    }

    /// Notes what a segment carries; returns how often text has been sent again since new text was sent if this segment
    /// is sent again, and otherwise 0.
    fn note_sending(&mut self, segment: &Segment) -> u32 {
        let echo = segment.timestamps().map(|(_, echo)| echo).filter(|echo| *echo != 0);
        self.last_heard.of_syn = self.last_heard.of_syn.or(echo);
        if segment.seg_len() == 0 {
            return 0;
        }
        let end = segment.seq.advanced(i64::from(segment.seg_len()));
        if self.first_sending.end.is_some_and(|known| leq(end, known)) {
            self.first_sending.retries += 1;
            return self.first_sending.retries;
        }
        self.first_sending = FirstSending {
            end: Some(end),
            ack: segment.ack,
            times: segment.timestamps(),
            blocks: blocks(segment).to_vec(),
            retries: 0,
        };
        0
    }
}
