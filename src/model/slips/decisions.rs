//! What stacks get wrong in a segment that they were right to send: a decision for each field. `tries` is how often
//! text has been sent again since new text was sent; it is 0 for a segment that is not sent again.

use super::blocks;
use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::options::{MOST_OPTIONS, clock};
use crate::model::seq::span;
use crate::model::tcb::Tcb;
use crate::rfc::State;
use crate::wire::{Ecn, Flags, Segment, SeqNum, TcpOption};

fn has(segment: &Segment, flag: Flags) -> bool {
    segment.flags.contains(flag)
}

/// Whether a segment is no SYN and is sent again, for at least the `least`th time.
fn is_again(segment: &Segment, tries: u32, least: u32) -> bool {
    !has(segment, Flags::SYN) && tries >= least
}

/// Whether a segment is a SYN,ACK that is sent again, for at least the `least`th time.
fn is_syn_ack_again(tcb: &Tcb, tries: u32, least: u32) -> bool {
    tcb.state != State::SynSent && tries >= least
}

/// Whether a segment is an ACK and nothing else.
fn is_bare(segment: &Segment) -> bool {
    segment.seg_len() == 0
}

fn has_text(segment: &Segment) -> bool {
    !segment.payload.is_empty()
}

/// Whether a segment is an ACK that repeats the last one.
fn repeats_last_ack(tcb: &Tcb, segment: &Segment) -> bool {
    is_bare(segment) && segment.ack == tcb.last_ack_sent
}

/// The options of a segment and others behind them.
fn with<const N: usize>(segment: &Segment, others: [TcpOption; N]) -> Vec<TcpOption> {
    segment.options.iter().cloned().chain(others).collect()
}

/// The options of a segment without those of one kind.
fn without(segment: &Segment, those: impl Fn(&TcpOption) -> bool) -> Vec<TcpOption> {
    segment
        .options
        .iter()
        .filter(|option| !those(option))
        .cloned()
        .collect()
}

fn is_timestamps(option: &TcpOption) -> bool {
    matches!(option, TcpOption::Timestamps { .. })
}

/// The options of a segment with other timestamps, where it has any.
fn stamped(segment: &Segment, other: impl Fn((u32, u32)) -> (u32, u32)) -> Vec<TcpOption> {
    let change = |option: &TcpOption| match option {
        TcpOption::Timestamps { value, echo } => {
            let (value, echo) = other((*value, *echo));
            TcpOption::Timestamps { value, echo }
        }
        option => option.clone(),
    };
    segment.options.iter().map(change).collect()
}

/// The options of a segment with timestamps made of its own and those of its first sending, where both exist.
fn stamped_again(tcb: &Tcb, segment: &Segment, other: impl Fn((u32, u32), (u32, u32)) -> (u32, u32)) -> Vec<TcpOption> {
    stamped(segment, |now| {
        tcb.first_sending.times.map_or(now, |first| other(now, first))
    })
}

/// The options of a segment with this TSecr, where there is one.
fn echoing(segment: &Segment, other: Option<u32>) -> Vec<TcpOption> {
    stamped(segment, |(value, echo)| (value, other.unwrap_or(echo)))
}

/// The options of a segment with other SACK blocks, where it has any.
fn reporting(segment: &Segment, other: impl Fn(&[(u32, u32)]) -> Vec<(u32, u32)>) -> Vec<TcpOption> {
    let change = |option: &TcpOption| match option {
        TcpOption::Sack(blocks) => TcpOption::Sack(other(blocks)),
        option => option.clone(),
    };
    segment.options.iter().map(change).collect()
}

/// Timestamps that were not agreed upon.
fn unagreed_timestamps(tcb: &Tcb, cx: &Context) -> TcpOption {
    TcpOption::Timestamps {
        value: clock(tcb, cx),
        echo: 0,
    }
}

/// The blocks with the second an octet longer.
fn second_too_long(blocks: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let longer = |(at, (left, right)): (usize, &(u32, u32))| (*left, right.wrapping_add(u32::from(at == 1)));
    blocks.iter().enumerate().map(longer).collect()
}

/// One block cut into two that touch.
fn halves((left, right): (u32, u32)) -> [(u32, u32); 2] {
    let middle = left.wrapping_add(1);
    [(left, middle), (middle, right)]
}

/// Whether anything has been acknowledged beyond the peer's SYN.
fn has_acknowledged(tcb: &Tcb) -> bool {
    span(tcb.irs, tcb.rcv_nxt) != 1
}

decisions! {
    /// The ECN field: only new data is ECN-capable, and only if ECN was agreed upon.
    "RFC 3168 sections 6.1.1, 6.1.4 and 6.1.5"
    fn ecn(tcb: &Tcb, segment: &Segment, tries: u32, meant: Ecn) -> Ecn {
        lawful => meant,
        wrong SynEcnCapable if has(segment, Flags::SYN) && tcb.agreed.ecn => Ecn::Ect0,
        wrong SynEcnCapableAgain if has(segment, Flags::SYN) && tries > 0 => Ecn::Ect0,
        wrong EcnCapableAgain
            if is_again(segment, tries, 1) && tcb.agreed.ecn && has_text(segment) => Ecn::Ect0,
        wrong EcnCapableFin
            if has(segment, Flags::FIN) && !has(segment, Flags::SYN) && !tcb.agreed.ecn => Ecn::Ect0,
        wrong EcnCapableEcho if is_bare(segment) && has(segment, Flags::ECE) => Ecn::Ect0,
        wrong EcnCapableRepeatedAck if repeats_last_ack(tcb, segment) && tcb.agreed.ecn => Ecn::Ect0,
    }

    /// The sequence number: the same each time that something is sent.
    "RFC 9293 sections 3.4 and 3.8"
    fn seq(tcb: &Tcb, segment: &Segment, tries: u32) -> SeqNum {
        lawful => segment.seq,
        wrong SynAckNumberMoves
            if has(segment, Flags::SYN) && is_syn_ack_again(tcb, tries, 2) => segment.seq.advanced(1),
        wrong FinNumberMoves if is_again(segment, tries, 2) && has(segment, Flags::FIN) => segment.seq.advanced(1),
        wrong SynAckOutOfData if is_again(segment, tries, 2) && has_text(segment) => tcb.iss,
        wrong NumberSkipped if is_bare(segment) && span(tcb.iss, segment.seq) > 1 => segment.seq.advanced(1),
    }

    /// The acknowledgment number: what is acknowledged now, also where something is sent again.
    "RFC 9293 section 3.4"
    fn ack(tcb: &Tcb, segment: &Segment, tries: u32) -> SeqNum {
        lawful => segment.ack,
        wrong StaleAckAgain if is_again(segment, tries, 1) => tcb.first_sending.ack,
    }

    /// The control bits.
    "RFC 9293 sections 3.1 and 3.8.5; RFC 3168 section 6.1"
    fn flags(tcb: &Tcb, segment: &Segment, tries: u32) -> Flags {
        lawful => segment.flags,
        wrong EcnAgreedAgain
            if has(segment, Flags::SYN) && is_syn_ack_again(tcb, tries, 2) && !tcb.agreed.ecn => lawful | Flags::ECE,
        wrong ReservedBitAgain if is_again(segment, tries, 1) => lawful.with_reserved(1),
        wrong EceAgain if is_again(segment, tries, 1) && tcb.agreed.ecn => lawful | Flags::ECE,
        wrong AckMissingAgain if is_again(segment, tries, 2) => lawful.without(Flags::ACK),
        wrong SynAckOutOfData
            if is_again(segment, tries, 2) && has_text(segment) => Flags::SYN | Flags::ACK,
        wrong ReservedBitsEchoed if is_bare(segment) => lawful.with_reserved(tcb.last_heard.reserved),
        wrong UrgentOnRepeatedAck if repeats_last_ack(tcb, segment) => lawful | Flags::URG,
        wrong CwrOnAcks if is_bare(segment) && tcb.agreed.ecn => lawful | Flags::CWR,
    }

    /// The window field.
    "RFC 9293 section 3.8.6; SHLD-14"
    fn window(_tcb: &Tcb, segment: &Segment, tries: u32) -> u16 {
        lawful => segment.window,
        wrong WindowZeroAgain if is_again(segment, tries, 2) => 0,
    }

    /// The urgent pointer, which never moves back.
    "RFC 9293 section 3.8.5"
    fn urgent(_tcb: &Tcb, segment: &Segment, tries: u32) -> u16 {
        lawful => segment.urgent,
        wrong UrgentPointerBack if is_again(segment, tries, 1) && has(segment, Flags::URG) => 1,
    }

    /// The data offset, where it is not what the options need.
    "RFC 9293 section 3.1"
    fn offset(_tcb: &Tcb, segment: &Segment) -> Option<u8> {
        lawful => segment.offset,
        wrong HeaderClaimsTooMuch if is_bare(segment) && segment.options.is_empty() => Some(6),
    }

    /// How many octets of the text go out.
    "RFC 9293 section 3.8"
    fn octets(_tcb: &Tcb, segment: &Segment, tries: u32) -> usize {
        lawful => segment.payload.len(),
        wrong SynAckOutOfData if is_again(segment, tries, 2) => 0,
        wrong FinAgainBehindText if is_again(segment, tries, 1) && has(segment, Flags::FIN) => segment.payload.len() + 1,
    }

    /// The options of a SYN or SYN,ACK. Beside a long cookie there is no room for any other.
    "RFC 9293 section 3.7.1; RFC 7323 sections 2 and 3; RFC 2018 section 2"
    fn options_of_syn(tcb: &Tcb, cx: &Context, syn: &Segment, tries: u32) -> Vec<TcpOption> {
        lawful => syn.options.clone(),
        wrong SackPermittedTwice
            if syn.options.contains(&TcpOption::SackPermitted) && TcpOption::space(&syn.options) < MOST_OPTIONS =>
            with(syn, [TcpOption::SackPermitted]),
        wrong PaddingNotZero if TcpOption::space(&syn.options) < MOST_OPTIONS =>
            with(syn, [TcpOption::Eol, TcpOption::Raw(vec![0x55; 3])]),
        wrong SynEchoesGarbage if tcb.state == State::SynSent => echoing(syn, Some(0x5555)),
        wrong SynEchoesGarbageAgain if tcb.state == State::SynSent && tries > 0 => echoing(syn, Some(0x5555)),
        wrong MssOfTheLinkAgain if is_syn_ack_again(tcb, tries, 1) => syn.options.iter().map(|option| match option {
            TcpOption::Mss(_) => TcpOption::Mss(cx.config.mtu as u16),
            option => option.clone(),
        }).collect(),
        wrong ScaleUnlimitedAgain if is_syn_ack_again(tcb, tries, 1) && tcb.agreed.scaled => {
            let mut options = without(syn, |option| matches!(option, TcpOption::WindowScale(_)));
            options.push(TcpOption::WindowScale(15));
            options
        },
        wrong MssForgottenAgain
            if is_syn_ack_again(tcb, tries, 2) => without(syn, |option| matches!(option, TcpOption::Mss(_))),
        wrong ScaleUnaskedAgain if is_syn_ack_again(tcb, tries, 2) && !tcb.agreed.scaled =>
            with(syn, [TcpOption::Nop, TcpOption::WindowScale(0)]),
        wrong TimestampsUnaskedAgain if is_syn_ack_again(tcb, tries, 2) && !tcb.agreed.timestamps =>
            with(syn, [unagreed_timestamps(tcb, cx)]),
    }

    /// The options of any other segment: their values are of now, and not of when the segment was sent first.
    "RFC 9293 section 3.7.1; RFC 7323 sections 3.2 and 4; RFC 2018 sections 3 and 4; RFC 2883 section 4"
    fn options(tcb: &Tcb, cx: &Context, segment: &Segment, tries: u32) -> Vec<TcpOption> {
        lawful => segment.options.clone(),
        wrong MssAgain if tries > 1 => with(segment, [TcpOption::Mss((cx.config.mtu as u16).saturating_sub(40))]),
        wrong TimestampsMissingAgain if tries > 1 => without(segment, is_timestamps),
        wrong TimestampsUnagreedAgain
            if tries > 1 && !tcb.agreed.timestamps => with(segment, [unagreed_timestamps(tcb, cx)]),
        wrong StaleTimestampAgain
            if tries > 0 => stamped_again(tcb, segment, |(_, echo), (then, _)| (then.wrapping_sub(1), echo)),
        wrong TimestampStandsAgain if tries > 0 => stamped_again(tcb, segment, |(_, echo), (then, _)| (then, echo)),
        wrong StaleEchoAgain if tries > 0 => stamped_again(tcb, segment, |(value, _), (_, then)| (value, then)),
        wrong EchoZeroAgain if tries > 0 => stamped_again(tcb, segment, |(value, _), _| (value, 0)),
        wrong StaleSackAgain if tries > 0 && !tcb.first_sending.blocks.is_empty() => {
            let mut options = without(segment, |option| matches!(option, TcpOption::Sack(_)));
            options.push(TcpOption::Sack(tcb.first_sending.blocks.clone()));
            options
        },
        wrong SackSecondTooLong => reporting(segment, second_too_long),
        wrong SackPassedKept if span(tcb.irs, tcb.rcv_nxt) > 2 => reporting(segment, |blocks| {
            let passed = (tcb.rcv_nxt.0.wrapping_sub(1), tcb.rcv_nxt.0);
            let kept = (blocks.len() < 3).then_some(passed);
            blocks.iter().copied().chain(kept).collect()
        }),
        wrong SackIslandInTwo => reporting(segment, |blocks| match blocks {
            [(left, right)] if right.wrapping_sub(*left) > 1 => halves((*left, *right)).to_vec(),
            _ => blocks.to_vec(),
        }),
        wrong TextEchoesTheLatest if has_text(segment) => echoing(segment, tcb.last_heard.time),
        wrong TimestampsGiveWay if has_text(segment) && !blocks(segment).is_empty() => without(segment, is_timestamps),
        wrong SackTooLongOnText if has_text(segment) && blocks(segment).len() == 2 =>
            reporting(segment, second_too_long),
        wrong SackInTwoOnText if has_text(segment) => reporting(segment, |blocks| match blocks {
            [first, second] => [&[*first][..], &halves(*second)].concat(),
            _ => blocks.to_vec(),
        }),
        wrong DuplicateReportOnText if has_text(segment) && has_acknowledged(tcb) => reporting(segment, |blocks| {
            let acknowledged = (tcb.irs.0.wrapping_add(1), tcb.rcv_nxt.0);
            [acknowledged].iter().chain(blocks).take(3).copied().collect()
        }),
        wrong FinEchoesNothing if has(segment, Flags::FIN) => echoing(segment, Some(0)),
        wrong FinEchoesTheSyn if has(segment, Flags::FIN) => echoing(segment, tcb.last_heard.of_syn),
    }
}
