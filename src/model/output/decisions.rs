//! What is decided about sending: what goes out and when, and what stands in the header.

use crate::model::config::Config;
use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::options::bare;
use crate::model::sack::Block;
use crate::model::seq::{later, plus, span};
use crate::model::tcb::Tcb;
use crate::wire::{Ecn, Flags, Segment, SeqNum};

/// What of a window of this size is still free.
fn left_of(tcb: &Tcb, window: u32) -> u32 {
    let edge = tcb.snd_una.advanced(i64::from(window));
    u32::try_from(edge.offset_from(tcb.snd_nxt)).unwrap_or(0)
}

/// How far the right edge may move, where a move of fewer than `worth` octets is not made.
fn gain(tcb: &Tcb, cx: &Context, worth: u32) -> u32 {
    // What is less than a unit of the scale cannot be told.
    let unit = if tcb.agreed.scaled {
        tcb.agreed.rcv_wind_shift
    } else {
        0
    };
    let (free, wnd) = (tcb.free(cx) >> unit << unit, tcb.rcv_wnd());
    match free > wnd && free - wnd >= worth {
        true => free - wnd,
        false => 0,
    }
}

/// The urgent pointer of a segment that begins at `seq`, where the urgent data ends before `up`.
fn pointer(seq: SeqNum, up: SeqNum) -> u16 {
    span(seq, up).min(u32::from(u16::MAX)) as u16
}

/// Whether something has come beyond the peer's SYN.
fn has_come(tcb: &Tcb) -> bool {
    span(tcb.irs, tcb.rcv_nxt) > 1
}

decisions! {
    /// The usable window: U = SND.UNA + SND.WND - SND.NXT; none if the window shrank.
    "RFC 9293 section 3.8.6.2.1"
    fn usable_window(tcb: &Tcb) -> u32 {
        lawful => left_of(tcb, tcb.snd_wnd),
        wrong LargestWindowUsed => left_of(tcb, tcb.max_snd_wnd),
        wrong WindowIgnored => 1 << 20,
        wrong WindowOverrunByOne if tcb.snd_wnd > 0 => left_of(tcb, tcb.snd_wnd.saturating_add(1)),
    }

    /// How many octets make a full segment of new data, where `room` octets fit into one.
    "RFC 9293 section 3.7.1; SHLD-27"
    fn full_segment(tcb: &Tcb, room: usize) -> usize {
        lawful => room,
        wrong SendsNotMerged => room.min(tcb.last_send),
    }

    /// Whether small data waits while something is outstanding: where Nagle's algorithm is in force. After CLOSE it
    /// does not wait, since no more data will join it.
    "RFC 9293 section 3.7.4; MUST-17"
    fn small_data_waits(tcb: &Tcb, cx: &Context, idle: bool) -> bool {
        lawful => !idle && !tcb.closing && tcb.nagle(cx) && (tcb.small_outstanding() || !cx.config.nagle_of_small),
        wrong NagleMissing => false,
        wrong NagleStuck => !idle && !tcb.closing,
    }

    /// Whether so many octets are sent because they fill half of the largest window that the peer ever offered.
    "RFC 9293 section 3.8.6.2.1, (3)"
    fn half_window_is_enough(tcb: &Tcb, octets: usize) -> bool {
        lawful => octets >= (tcb.max_snd_wnd / 2).max(1) as usize,
        wrong HalfWindowIgnored => false,
    }

    /// Whether data is sent however little it is.
    "RFC 9293 section 3.8.6.2.1; MUST-38"
    fn any_data_is_enough(_tcb: &Tcb) -> bool {
        lawful => false,
        wrong SendsCrumbs => true,
    }

    /// The ECN field of new data. Neither ACKs, probes nor retransmissions are marked.
    "RFC 3168 section 6.1.4 and after"
    fn ecn_of_new_data(tcb: &Tcb) -> Ecn {
        lawful => match tcb.agreed.ecn && !tcb.ecn.withheld {
            true => Ecn::Ect0,
            false => Ecn::NotEct,
        },
        wrong EcnWithoutAgreement => Ecn::Ect0,
        wrong Ect1Used if lawful == Ecn::Ect0 => Ecn::Ect1,
    }

    /// The flags that new data carries for ECN: CWR, once the window has been reduced.
    "RFC 3168 section 6.1.2"
    fn ecn_flags_of_new_data(tcb: &Tcb) -> Flags {
        lawful => if tcb.ecn.cwr { Flags::CWR } else { Flags::NONE },
        wrong NonceSumSet => lawful | Flags::AE,
        wrong CwrNeverSent => Flags::NONE,
    }

    /// Whether the FIN is sent in the place of the data that is queued before it.
    "RFC 9293 section 3.10.4"
    fn fin_replaces_data(tcb: &Tcb) -> bool {
        lawful => false,
        wrong FinBeforeData => tcb.unsent() > 0,
    }

    /// Whether the FIN waits until everything outstanding has been acknowledged.
    "RFC 9293 section 3.7.4"
    fn fin_waits_for_ack(tcb: &Tcb) -> bool {
        lawful => false,
        wrong FinHeldByNagle => tcb.has_outstanding(),
    }

    /// The number at which a retransmission begins, where `due` is the first one that is due.
    "RFC 6298 section 5.4"
    fn first_again(tcb: &Tcb, due: SeqNum) -> SeqNum {
        lawful => due,
        wrong RetransmitsTheLatest if tcb.queue.len() > 1 => tcb.snd_nxt.advanced(-1),
    }

    /// How many octets one retransmission carries, where `room` of them fit a segment with so many octets of options.
    "RFC 9293 section 3.7.1; MUST-16"
    fn most_again(_tcb: &Tcb, room: usize, options: usize) -> usize {
        lawful => room,
        wrong CoalescedAgain => 2 * room,
        wrong RetransmitsACrumb => room.saturating_sub(options),
    }

    /// The right edge up to which data is retransmitted. Data that was sent before the window closed may be
    /// retransmitted instead of sending a probe.
    "RFC 9293 sections 3.8.6 and 3.8.6.1"
    fn edge_again(tcb: &Tcb) -> SeqNum {
        lawful => tcb.snd_una.advanced(i64::from(tcb.snd_wnd)),
        or ShrunkWindowRetransmit if tcb.snd_wnd == 0 => tcb.snd_nxt,
    }

    /// The flags of a retransmission, with FIN or without.
    "RFC 3168 section 6.1.2"
    fn flags_again(tcb: &Tcb, fin: bool) -> Flags {
        lawful => if fin { Flags::FIN | Flags::ACK } else { Flags::ACK },
        wrong CwrOnRetransmission if tcb.agreed.ecn => lawful | Flags::CWR,
    }

    /// The first octet of a retransmission.
    "RFC 9293 section 3.8"
    fn first_octet_again(_tcb: &Tcb, octet: u8) -> u8 {
        lawful => octet,
        wrong OtherOctetsAgain => octet.wrapping_add(1),
    }

    /// Whether outstanding data is retransmitted although a scaled window has shrunk a little.
    "RFC 7323 section 2.4"
    fn outlives_slight_shrinking(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong ShrunkenWindowStopsRetransmission => false,
    }

    /// Whether a SYN asks for ECN.
    "RFC 3168 section 6.1.1"
    fn asks_for_ecn(_tcb: &Tcb) -> bool {
        lawful => false,
        or EcnAsk => true,
        wrong EcnAskedUnasked => true,
    }

    /// Whether a SYN that would ask for ECN does so: a SYN that is sent again may go without.
    "RFC 3168 section 6.1.1.1"
    fn asks_this_time(_tcb: &Tcb, again: bool) -> bool {
        lawful => !again,
        or EcnSynAgainAsk => true,
    }

    /// The flags of a SYN,ACK: an ECN-setup SYN,ACK has ECE alone.
    "RFC 3168 section 6.1.1"
    fn flags_of_syn_ack(tcb: &Tcb) -> Flags {
        lawful => match tcb.agreed.ecn {
            true => Flags::SYN | Flags::ACK | Flags::ECE,
            false => Flags::SYN | Flags::ACK,
        },
        wrong EcnFlagsReflected if tcb.ecn.asked => Flags::SYN | Flags::ACK | Flags::ECE | Flags::CWR,
    }

    /// The fast open cookie that remains once a SYN,ACK has been sent: a SYN,ACK that is sent again carries none.
    "RFC 7413 section 4.2.2"
    fn cookie_after_syn_ack(tcb: &Tcb) -> Option<Vec<u8>> {
        lawful => None,
        wrong FastOpenCookieRepeated => tcb.cookie.clone(),
    }

    /// How many ACKs are sent where one is owed.
    "RFC 5681 section 4.2"
    fn acks_for_one(_tcb: &Tcb) -> u32 {
        lawful => 1,
        wrong AckSentTwice => 2,
    }

    /// The ECN field of an ACK.
    "RFC 3168 section 6.1.4"
    fn ecn_of_ack(tcb: &Tcb) -> Ecn {
        lawful => Ecn::NotEct,
        wrong EcnMarkedAcks if tcb.agreed.ecn => Ecn::Ect0,
    }

    /// The ECN field of a probe.
    "RFC 3168 section 6.1.6"
    fn ecn_of_probe(tcb: &Tcb) -> Ecn {
        lawful => Ecn::NotEct,
        wrong EcnMarkedProbes if tcb.agreed.ecn => Ecn::Ect0,
    }

    /// How many challenge ACKs a connection may send in `challenge_interval`.
    "RFC 5961 section 7"
    fn challenge_limit(cx: &Context) -> u32 {
        lawful => cx.config.challenge_limit,
        wrong ChallengeLimitFixed => Config::default().challenge_limit,
    }

    /// How many challenge ACKs count towards the limit of a connection that has sent so many itself.
    "RFC 5961 section 7"
    fn challenges_counted(cx: &Context, own: u32) -> u32 {
        lawful => if cx.config.challenges_of_host { cx.challenges.sent } else { own },
        wrong ChallengeLimitShared => cx.challenges.sent,
    }

    /// How far the right edge moves: not at all until a move is large enough.
    "RFC 9293 section 3.8.6.2.2; MUST-39"
    fn edge_gain(tcb: &Tcb, cx: &Context) -> u32 {
        lawful => gain(tcb, cx, (tcb.receive_buffer(cx) as u32 / 2).min(tcb.rmss(cx))),
        wrong OffersCrumbs => gain(tcb, cx, 1),
    }

    /// The shift by which the window field of a segment is scaled: SYNs are not.
    "RFC 7323 sections 2.2 and 2.3"
    fn shift_of_window(tcb: &Tcb, syn: bool) -> u8 {
        lawful => if tcb.agreed.scaled && !syn { tcb.agreed.rcv_wind_shift } else { 0 },
        wrong OwnSynScaled if tcb.agreed.scaled => tcb.agreed.rcv_wind_shift,
        wrong OwnScaleForgotten => 0,
    }

    /// The window to offer, before it is scaled.
    "RFC 9293 section 3.8.6; SHLD-14"
    fn window_to_offer(tcb: &Tcb, cx: &Context) -> u32 {
        lawful => tcb.rcv_wnd() + edge_gain(tcb, cx),
        wrong RightEdgeRetreats => tcb.free(cx) / 2,
    }

    /// The right edge after a window was announced that ends at `told`: it never moves back.
    "RFC 9293 section 3.8.6; SHLD-14; RFC 7323 section 2.4"
    fn right_edge(tcb: &Tcb, told: SeqNum, syn: bool) -> SeqNum {
        lawful => later(tcb.rcv_edge, told),
        wrong RightEdgeOfLastWindow if !syn => told,
    }

    /// Whether the peer is told that the window has opened.
    "RFC 9293 section 3.8.6.1"
    fn opened_window_is_told(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong WindowStaysShut => false,
    }

    /// Whether a segment has PSH: at least the one that empties the queue.
    "RFC 9293 section 3.9.1.2; MUST-61"
    fn is_pushed(tcb: &Tcb, cx: &Context, seq: SeqNum, octets: usize) -> bool {
        lawful => octets > 0 && (cx.config.push_each || plus(seq, octets) == tcb.queue.end()),
        wrong PushNeverSet => false,
    }

    /// Whether a segment that should have an ACK has one.
    "RFC 9293 section 3.1"
    fn bears_ack(_tcb: &Tcb, octets: usize) -> bool {
        lawful => true,
        wrong AckMissingOnData if octets > 0 => false,
    }

    /// Whether ECE, which has just been sent, is sent again: until the peer answers with CWR.
    "RFC 3168 section 6.1.3"
    fn echo_goes_on(_tcb: &Tcb) -> bool {
        lawful => true,
        wrong EcnEchoOnce => false,
    }

    /// The urgent pointer, from the segment's number to the octet after the last urgent one, where URG is set: on text
    /// ahead of that.
    "RFC 9293 section 3.8.5; MUST-62"
    fn urgent_pointer(tcb: &Tcb, seq: SeqNum, octets: usize, syn: bool) -> Option<u16> {
        lawful => match tcb.snd_up {
            Some(up) if seq.before(up) && octets > 0 && !syn => Some(pointer(seq, up)),
            Some(_) | None => None,
        },
        wrong UrgentStaysMarked
            if octets == 0 && !syn && tcb.snd_up.is_some_and(|up| !up.before(seq)) => Some(0),
        wrong UrgentNotMarked => None,
        wrong UrgentPointerOneTooLow if lawful.is_some() => tcb.snd_up.map(|up| pointer(seq, up.advanced(-1))),
    }

    /// What a segment acknowledges: RCV.NXT.
    "RFC 9293 section 3.4"
    fn ack_field(tcb: &Tcb) -> SeqNum {
        lawful => tcb.rcv_nxt,
        wrong LastOctetNotCounted if has_come(tcb) => tcb.rcv_nxt.advanced(-1),
        wrong AckOnePastRcvNxt if has_come(tcb) => tcb.rcv_nxt.advanced(1),
    }

    /// The duplicate that remains to be reported once SACK blocks have been sent: none.
    "RFC 2883 section 4"
    fn duplicate_after_report(tcb: &Tcb) -> Option<Block> {
        lawful => None,
        wrong DuplicateReportedTwice => tcb.reports.duplicate,
    }

    /// The reset of a connection that is aborted: <SEQ=SND.NXT><CTL=RST>.
    "RFC 9293 section 3.10.5; RFC 7323 section 3.2"
    fn own_reset(tcb: &Tcb, cx: &Context) -> Segment {
        lawful => Segment {
            flags: Flags::RST,
            options: tcb.reset_options(cx),
            ..bare(tcb.snd_nxt)
        },
        or AbortWithAck => Segment { ack: tcb.rcv_nxt, flags: Flags::RST | Flags::ACK, ..lawful.clone() },
        wrong AbortWrongNumber => Segment { seq: lawful.seq.advanced(1), ..lawful.clone() },
        wrong ResetWithoutTimestamps => Segment { options: Vec::new(), ..lawful.clone() },
    }
}
