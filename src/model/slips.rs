//! Mistakes at the last step: what goes wrong between the decision to send a segment and the segment on the wire.
//!
//! Stacks build a segment anew when they send it again, and forget there what they knew the first time. Cases look at
//! what they have provoked; such slips stand on other segments, or in fields that no case asks about. They are here to
//! show that the rules notice them.

use super::context::Context;
use super::defect::Defect;
use super::seq::{leq, span};
use super::tcb::Tcb;
use crate::rfc::State;
use crate::wire::{Ecn, Flags, Segment, SeqNum, TcpOption};

/// What stood on the last segment of new data, for whoever copies its header when it is sent again.
#[derive(Clone, Debug, Default)]
pub(super) struct FirstSending {
    /// One past the highest number sent.
    end: Option<SeqNum>,
    ack: SeqNum,
    times: Option<(u32, u32)>,
    blocks: Vec<(u32, u32)>,
    /// How often something was sent again since.
    retries: u32,
}

/// What stood on segments of the peer, for whoever makes answers of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastHeard {
    /// The reserved bits of the last.
    pub reserved: u8,
    /// TSval of the last that had one.
    pub time: Option<u32>,
    /// TSval of the SYN: the first that was echoed.
    of_syn: Option<u32>,
}

/// The blocks of a segment, for mistakes to change.
fn blocks_of(segment: &mut Segment) -> Option<&mut Vec<(u32, u32)>> {
    segment.options.iter_mut().find_map(|option| match option {
        TcpOption::Sack(blocks) => Some(blocks),
        _ => None,
    })
}

/// One island as if it were two.
fn halves((left, right): (u32, u32)) -> [(u32, u32); 2] {
    let middle = left.wrapping_add(1);
    [(left, middle), (middle, right)]
}

/// Puts another TSecr on a segment that has one.
fn echo_instead(segment: &mut Segment, other: u32) {
    for option in &mut segment.options {
        if let TcpOption::Timestamps { echo, .. } = option {
            *echo = other;
        }
    }
}

impl Tcb {
    /// Lets the mistakes that are switched on spoil a segment.
    pub fn slip(&mut self, cx: &Context, segment: &mut Segment, ecn: &mut Ecn) {
        let end = segment.seq.advanced(i64::from(segment.seg_len()));
        let occupies = segment.seg_len() > 0;
        let again = occupies && self.first_sending.end.is_some_and(|known| leq(end, known));
        let syn = segment.flags.contains(Flags::SYN);
        if occupies && !again {
            self.first_sending = FirstSending {
                end: Some(end),
                ack: segment.ack,
                times: segment.timestamps(),
                blocks: blocks_of(segment).cloned().unwrap_or_default(),
                retries: 0,
            };
        }
        self.first_sending.retries += u32::from(again);
        let echo = segment.timestamps().map(|(_, echo)| echo).filter(|echo| *echo != 0);
        self.last_heard.of_syn = self.last_heard.of_syn.or(echo);
        match (syn, again) {
            (true, _) => self.slip_on_syn(cx, segment, ecn, again),
            (false, true) => self.slip_again(cx, segment, ecn),
            (false, false) => {}
        }
        if !syn {
            self.slip_on_any(segment, ecn);
            self.slip_on_text(segment);
            self.slip_on_fin(segment);
        }
    }

    fn slip_on_syn(&self, cx: &Context, segment: &mut Segment, ecn: &mut Ecn, again: bool) {
        let answering = self.state != State::SynSent;
        let options = &mut segment.options;
        // Beside a long cookie there is no room for a slip.
        let room = TcpOption::space(options) < super::options::MOST_OPTIONS;
        if self.has(Defect::SackPermittedTwice) && room && options.contains(&TcpOption::SackPermitted) {
            options.push(TcpOption::SackPermitted);
        }
        if self.has(Defect::PaddingNotZero) && room {
            options.extend([TcpOption::Eol, TcpOption::Raw(vec![0x55; 3])]);
        }
        if self.has(Defect::SynEcnCapable) && self.agreed.ecn {
            *ecn = Ecn::Ect0;
        }
        if self.has(Defect::SynEchoesGarbage) && !answering {
            echo_instead(segment, 0x5555);
        }
        if !again {
            return;
        }
        if self.has(Defect::SynEcnCapableAgain) {
            *ecn = Ecn::Ect0;
        }
        if !answering {
            if self.has(Defect::SynEchoesGarbageAgain) {
                echo_instead(segment, 0x5555);
            }
            return;
        }
        let options = &mut segment.options;
        if self.has(Defect::MssOfTheLinkAgain) {
            let mtu = cx.config.mtu as u16;
            options.iter_mut().for_each(|option| {
                if let TcpOption::Mss(size) = option {
                    *size = mtu;
                }
            });
        }
        if self.has(Defect::ScaleUnlimitedAgain) && self.agreed.scaled {
            options.retain(|option| !matches!(option, TcpOption::WindowScale(_)));
            options.push(TcpOption::WindowScale(15));
        }
        if self.first_sending.retries > 1 {
            self.slip_on_late_syn(cx, segment);
        }
    }

    fn slip_on_late_syn(&self, cx: &Context, segment: &mut Segment) {
        let options = &mut segment.options;
        if self.has(Defect::SynAckNumberMoves) {
            segment.seq = segment.seq.advanced(1);
        }
        if self.has(Defect::MssForgottenAgain) {
            options.retain(|option| !matches!(option, TcpOption::Mss(_)));
        }
        if self.has(Defect::ScaleUnaskedAgain) && !self.agreed.scaled {
            options.extend([TcpOption::Nop, TcpOption::WindowScale(0)]);
        }
        if self.has(Defect::TimestampsUnaskedAgain) && !self.agreed.timestamps {
            options.push(TcpOption::Timestamps {
                value: self.ts_now(cx),
                echo: 0,
            });
        }
        if self.has(Defect::EcnAgreedAgain) && !self.agreed.ecn {
            segment.flags = segment.flags | Flags::ECE;
        }
    }

    fn slip_again(&self, cx: &Context, segment: &mut Segment, ecn: &mut Ecn) {
        if self.has(Defect::ReservedBitAgain) {
            segment.flags = segment.flags.with_reserved(1);
        }
        if self.has(Defect::StaleAckAgain) {
            segment.ack = self.first_sending.ack;
        }
        if self.has(Defect::EceAgain) && self.agreed.ecn {
            segment.flags = segment.flags | Flags::ECE;
        }
        if self.first_sending.retries > 1 {
            self.slip_on_late_try(cx, segment);
        }
        if self.has(Defect::EcnCapableAgain) && self.agreed.ecn && !segment.payload.is_empty() {
            *ecn = Ecn::Ect0;
        }
        if self.has(Defect::UrgentPointerBack) && segment.flags.contains(Flags::URG) {
            segment.urgent = 1;
        }
        if self.has(Defect::StaleSackAgain) && !self.first_sending.blocks.is_empty() {
            segment.options.retain(|option| !matches!(option, TcpOption::Sack(_)));
            segment.options.push(TcpOption::Sack(self.first_sending.blocks.clone()));
        }
        let first = self.first_sending.times;
        for option in &mut segment.options {
            let (TcpOption::Timestamps { value, echo }, Some((then, echoed))) = (option, first) else {
                continue;
            };
            if self.has(Defect::StaleTimestampAgain) {
                *value = then.wrapping_sub(1);
            }
            if self.has(Defect::TimestampStandsAgain) {
                *value = then;
            }
            if self.has(Defect::StaleEchoAgain) {
                *echo = echoed;
            }
            if self.has(Defect::EchoZeroAgain) {
                *echo = 0;
            }
        }
    }

    fn slip_on_late_try(&self, cx: &Context, segment: &mut Segment) {
        if self.has(Defect::MssAgain) {
            segment.options.push(TcpOption::Mss(cx.config.mtu as u16 - 40));
        }
        if self.has(Defect::WindowZeroAgain) {
            segment.window = 0;
        }
        if self.has(Defect::TimestampsMissingAgain) {
            segment
                .options
                .retain(|option| !matches!(option, TcpOption::Timestamps { .. }));
        }
        if self.has(Defect::TimestampsUnagreedAgain) && !self.agreed.timestamps {
            segment.options.push(TcpOption::Timestamps {
                value: self.ts_now(cx),
                echo: 0,
            });
        }
        if self.has(Defect::AckMissingAgain) {
            segment.flags = segment.flags.without(Flags::ACK);
        }
        if self.has(Defect::FinNumberMoves) && segment.flags.contains(Flags::FIN) {
            segment.seq = segment.seq.advanced(1);
        }
        if self.has(Defect::SynAckOutOfData) && !segment.payload.is_empty() {
            (segment.seq, segment.flags) = (self.iss, Flags::SYN | Flags::ACK);
            segment.payload.clear();
        }
    }

    fn slip_on_any(&self, segment: &mut Segment, ecn: &mut Ecn) {
        let fin = segment.flags.contains(Flags::FIN);
        let pure = segment.payload.is_empty() && !fin;
        let told_before = pure && segment.ack == self.last_ack_sent;
        if self.has(Defect::HeaderClaimsTooMuch) && pure && segment.options.is_empty() {
            segment.offset = Some(6);
        }
        if self.has(Defect::EcnCapableFin) && fin && !self.agreed.ecn {
            *ecn = Ecn::Ect0;
        }
        if self.has(Defect::EcnCapableEcho) && pure && segment.flags.contains(Flags::ECE) {
            *ecn = Ecn::Ect0;
        }
        if self.has(Defect::EcnCapableRepeatedAck) && told_before && self.agreed.ecn {
            *ecn = Ecn::Ect0;
        }
        if self.has(Defect::ReservedBitsEchoed) && pure {
            segment.flags = segment.flags.with_reserved(self.last_heard.reserved);
        }
        if self.has(Defect::UrgentOnRepeatedAck) && told_before && segment.payload.is_empty() {
            segment.flags = segment.flags | Flags::URG;
        }
        if self.has(Defect::NumberSkipped) && pure && span(self.iss, segment.seq) > 1 {
            segment.seq = segment.seq.advanced(1);
        }
        if self.has(Defect::CwrOnAcks) && pure && self.agreed.ecn {
            segment.flags = segment.flags | Flags::CWR;
        }
        for option in &mut segment.options {
            if let TcpOption::Sack(blocks) = option {
                self.slip_in_blocks(blocks);
            }
        }
    }

    fn slip_on_text(&self, segment: &mut Segment) {
        if segment.payload.is_empty() {
            return;
        }
        if let Some(latest) = self.last_heard.time
            && self.has(Defect::TextEchoesTheLatest)
        {
            echo_instead(segment, latest);
        }
        if blocks_of(segment).is_some() && self.has(Defect::TimestampsGiveWay) {
            let times = |option: &TcpOption| matches!(option, TcpOption::Timestamps { .. });
            segment.options.retain(|option| !times(option));
        }
        let acked = (self.irs.0.wrapping_add(1), self.rcv_nxt.0);
        let Some(blocks) = blocks_of(segment) else { return };
        if let [_, second] = blocks[..]
            && self.has(Defect::SackTooLongOnText)
        {
            blocks[1].1 = second.1.wrapping_add(1);
        }
        if let [_, second] = blocks[..]
            && self.has(Defect::SackInTwoOnText)
        {
            blocks.truncate(1);
            blocks.extend(halves(second));
        }
        if self.has(Defect::DuplicateReportOnText) && acked.0 != acked.1 {
            blocks.insert(0, acked);
            blocks.truncate(3);
        }
    }

    fn slip_on_fin(&self, segment: &mut Segment) {
        if !segment.flags.contains(Flags::FIN) {
            return;
        }
        if self.has(Defect::FinEchoesNothing) {
            echo_instead(segment, 0);
        }
        if let Some(of_syn) = self.last_heard.of_syn
            && self.has(Defect::FinEchoesTheSyn)
        {
            echo_instead(segment, of_syn);
        }
    }

    fn slip_in_blocks(&self, blocks: &mut Vec<(u32, u32)>) {
        if self.has(Defect::SackSecondTooLong)
            && let Some(second) = blocks.get_mut(1)
        {
            second.1 = second.1.wrapping_add(1);
        }
        let taken = span(self.irs, self.rcv_nxt) > 2;
        if self.has(Defect::SackPassedKept) && taken && blocks.len() < 3 {
            blocks.push((self.rcv_nxt.0.wrapping_sub(1), self.rcv_nxt.0));
        }
        let longer = |block: &(u32, u32)| block.1.wrapping_sub(block.0) > 1;
        if self.has(Defect::SackIslandInTwo) && blocks.len() == 1 && longer(&blocks[0]) {
            *blocks = halves(blocks[0]).to_vec();
        }
    }
}
