//! What is decided about options: which of them go out, and what is taken from those of the peer.

use super::{Kind, LARGEST_SHIFT, TIMESTAMPS_SPACE, announced_mss, clock, fixed_headers, ticks, timestamps};
use crate::model::context::Context;
use crate::model::decision::decisions;
use crate::model::segment_arrives::Arriving;
use crate::model::tcb::Tcb;
use crate::rfc::State;
use crate::wire::TcpOption;
use core::time::Duration;

/// The MSS to announce.
fn own_mss(tcb: &Tcb, cx: &Context) -> usize {
    announced_mss(cx, tcb.local.is_ipv4(), tcb.settings.mss)
}

/// Whether a SYN,ACK is sent, and not a SYN.
fn is_answering(tcb: &Tcb) -> bool {
    tcb.state != State::SynSent
}

/// The timestamps of a segment with ACK.
fn own_timestamps(tcb: &Tcb, cx: &Context) -> Vec<TcpOption> {
    timestamps(clock(tcb, cx), tcb.ts_recent).to_vec()
}

/// How many octets of text fit into a segment with so many octets of options, where the peer takes `peer` octets and
/// the path may take fewer. The result is never zero, whatever the peer announced.
fn room_for_text(tcb: &Tcb, peer: usize, options: usize) -> usize {
    let path = tcb.path.mtu - fixed_headers(tcb.local.is_ipv4());
    let room = peer.min(path).saturating_sub(options).max(1);
    match room / tcb.segment_unit * tcb.segment_unit {
        0 => room,
        whole => whole,
    }
}

/// Whether a SYN, or a SYN,ACK, is one that asks for ECN, or agrees to it: both bits, or only ECE.
pub(super) fn is_ecn_setup(syn: &Arriving) -> bool {
    syn.ece && syn.cwr != syn.ack_bit
}

/// What a window is that is scaled by this shift.
fn scaled(segment: &Arriving, shift: u8) -> u32 {
    u32::from(segment.window) << shift
}

decisions! {
    /// The timestamp clock: it ticks steadily, and begins where nobody outside can know.
    "RFC 7323 section 5.4"
    fn timestamp_clock(tcb: &Tcb, cx: &Context) -> u32 {
        lawful => clock(tcb, cx),
        wrong TimestampClockStands => tcb.ts_offset,
        wrong TimestampClockTooFast => ((cx.now.as_micros() * 100) as u32).wrapping_add(tcb.ts_offset),
        wrong TimestampOffsetMissing => ticks(cx),
    }

    /// TSecr: it is valid only with ACK, and else zero.
    "RFC 7323 section 3.2"
    fn timestamp_echo(tcb: &Tcb, has_ack: bool) -> u32 {
        lawful => if has_ack { tcb.ts_recent } else { 0 },
        wrong TimestampEchoZero => 0,
        wrong SynEchoesSomething if !has_ack => 1,
    }

    /// The MSS that a SYN announces: what fits the link, not less for any option.
    "RFC 9293 section 3.7.1; MUST-67, SHLD-5"
    fn mss_on_syn(tcb: &Tcb, cx: &Context) -> Option<usize> {
        lawful => Some(own_mss(tcb, cx)),
        wrong AnnouncedMssTooLarge => Some(cx.config.mtu),
        wrong MssLessOptions if tcb.agreed.timestamps => Some(own_mss(tcb, cx).saturating_sub(TIMESTAMPS_SPACE)),
        wrong NoMssOnSyn => None,
    }

    /// Whether we send SACK-permitted, where the rules of the handshake would let us (`wanted`).
    "RFC 2018 section 2"
    fn permits_sack(_tcb: &Tcb, wanted: bool) -> bool {
        lawful => wanted,
        or SackNo => false,
    }

    /// Whether timestamps stand on our SYN.
    "RFC 7323 section 3.2"
    fn offers_timestamps(_tcb: &Tcb) -> bool {
        lawful => true,
        or TimestampsNo => false,
    }

    /// Whether window scaling stands on our SYN.
    "RFC 7323 section 2.2"
    fn offers_scaling(_tcb: &Tcb) -> bool {
        lawful => true,
        or WindowScaleNo => false,
    }

    /// What stands on a SYN,ACK that the SYN did not ask for: nothing.
    "RFC 7323 sections 2.2 and 3.2; RFC 2018 section 2"
    fn unasked_options(tcb: &Tcb, cx: &Context) -> Vec<TcpOption> {
        lawful => Vec::new(),
        wrong ScaleUnasked
            if is_answering(tcb) && !tcb.agreed.scaled => vec![TcpOption::Nop, TcpOption::WindowScale(7)],
        wrong TimestampsUnasked if is_answering(tcb) && !tcb.agreed.timestamps => own_timestamps(tcb, cx),
        wrong SackUnasked if is_answering(tcb) && !tcb.agreed.sack => vec![TcpOption::SackPermitted],
    }

    /// The MSS that a segment announces which is no SYN: none.
    "RFC 9293 section 3.7.1; MUST-65"
    fn mss_off_syn(_tcb: &Tcb) -> Option<u16> {
        lawful => None,
        wrong MssOnEverySegment => Some(1460),
    }

    /// Whether timestamps stand on a segment: on every one, once they were agreed upon.
    "RFC 7323 section 3.2"
    fn has_timestamps(tcb: &Tcb, kind: Kind) -> bool {
        lawful => tcb.agreed.timestamps,
        wrong NoTimestampsOnAcks if kind == Kind::Probe || tcb.unsent() == 0 => false,
    }

    /// Whether a segment announces the user timeout.
    "RFC 5482 section 3"
    fn announces_user_timeout(tcb: &Tcb) -> bool {
        lawful => tcb.uto_announce && tcb.is_synchronized(),
        wrong UserTimeoutNotAnnounced => false,
    }

    /// Which of the SACK blocks are sent, and in which order: all of them, where SACK was agreed upon, but none on
    /// probes.
    "RFC 2018 sections 3 and 4; RFC 2883 section 4"
    fn reported(tcb: &Tcb, kind: Kind, blocks: &[(u32, u32)]) -> Vec<(u32, u32)> {
        lawful => match tcb.agreed.sack && kind != Kind::Probe {
            true => blocks.to_vec(),
            false => Vec::new(),
        },
        wrong SackUnpermitted if kind != Kind::Probe => blocks.to_vec(),
        wrong DuplicateReportUnpermitted
            if kind != Kind::Probe && tcb.reports.duplicate.is_some() => blocks.to_vec(),
        wrong SackNeverSent => Vec::new(),
        wrong SackNotOnData if kind == Kind::Data => Vec::new(),
        wrong SackOldestFirst => lawful.iter().rev().copied().collect(),
        wrong SackEdgeOneTooLow => lawful.iter().map(|(left, right)| (*left, right.wrapping_sub(1))).collect(),
    }

    /// How many of so many blocks are reported.
    "RFC 2018 section 4"
    fn most_blocks(_tcb: &Tcb, blocks: usize) -> usize {
        lawful => blocks,
        or SackBlocksOne => blocks.min(1),
    }

    /// How many octets of text fit into a segment with so many octets of options: limited by the MTU of the path, and
    /// by the MSS of the peer.
    "RFC 9293 section 3.7.1; MUST-16"
    fn largest_payload(tcb: &Tcb, options: usize) -> usize {
        lawful => room_for_text(tcb, tcb.snd_mss, options),
        wrong MssIgnored => room_for_text(tcb, usize::MAX, options),
        wrong OptionsNotDeducted => room_for_text(tcb, tcb.snd_mss, 0),
    }

    /// SendMSS after a SYN, and whether the peer announced it.
    "RFC 9293 section 3.7.1; MUST-15"
    fn snd_mss(tcb: &Tcb, syn: &Arriving) -> (usize, bool) {
        lawful => match syn.mss {
            Some(mss) => (usize::from(mss), true),
            None => (tcb.snd_mss, tcb.mss_announced),
        },
        wrong MssReadSigned if syn.mss.is_some_and(|mss| mss >= 0x8000) => (tcb.snd_mss, tcb.mss_announced),
        wrong DefaultMssTooLarge if syn.mss.is_none() => (1460, tcb.mss_announced),
    }

    /// Snd.Wind.Shift, where the peer offers window scaling and we take part in it.
    "RFC 7323 sections 2.2 and 2.3"
    fn snd_wind_shift(_tcb: &Tcb, syn: &Arriving) -> Option<u8> {
        lawful => syn.window_scale.map(|shift| shift.min(LARGEST_SHIFT)),
        or WindowScaleNo => None,
        wrong ScaleNotLimited if lawful.is_some() => syn.window_scale.map(|shift| shift.min(16)),
    }

    /// Whether windows are scaled: where both ends take part in it.
    "RFC 7323 section 2.2"
    fn is_scaled(tcb: &Tcb) -> bool {
        lawful => tcb.agreed.scaled,
        wrong ScaleOnlyWhenNeeded if tcb.agreed.rcv_wind_shift == 0 => false,
    }

    /// RTO after a SYN: its TSecr means nothing if it has no ACK, and is not measured.
    "RFC 7323 section 3.2"
    fn rto_after_syn(tcb: &Tcb, cx: &Context, syn: &Arriving) -> Duration {
        lawful => tcb.round_trip.rto,
        wrong RttFromSynEcho if syn.timestamps.is_some() && !syn.ack_bit => cx.config.rto_max,
    }

    /// TSval of a SYN, where timestamps are agreed upon with it.
    "RFC 7323 section 3.2"
    fn agreed_timestamp(_tcb: &Tcb, syn: &Arriving) -> Option<u32> {
        lawful => syn.timestamps.map(|(value, _)| value),
        or TimestampsNo => None,
    }

    /// Whether a SYN is taken for one that asks for ECN, or agrees to it.
    "RFC 3168 section 6.1.1"
    fn speaks_ecn(_tcb: &Tcb, syn: &Arriving) -> bool {
        lawful => is_ecn_setup(syn),
        wrong EcnAgreedToAnything => true,
    }

    /// Whether ECN is agreed upon with a peer that speaks it: not if a SYN,ACK agrees to it though we did not ask.
    "RFC 3168 section 6.1.1"
    fn agrees_to_ecn(_tcb: &Tcb, syn: &Arriving, speaks_it: bool) -> bool {
        lawful => speaks_it && !syn.ack_bit,
        or EcnOff => false,
        or EcnAsk => speaks_it,
    }

    /// The user timeout that the peer announces; the value zero announces none.
    "RFC 5482 section 3.4"
    fn user_timeout_told(_tcb: &Tcb, segment: &Arriving) -> Option<u16> {
        lawful => segment.user_timeout.filter(|value| value & 0x7fff != 0),
        wrong UserTimeoutZeroTaken => segment.user_timeout,
    }

    /// The send window that a segment offers: the window field, scaled unless the segment is a SYN.
    "RFC 7323 section 2.2"
    fn offered(tcb: &Tcb, segment: &Arriving) -> u32 {
        lawful => scaled(segment, if segment.syn { 0 } else { tcb.agreed.snd_wind_shift }),
        wrong WindowReadSigned if segment.window >= 0x8000 => 0,
        wrong ScaleAppliedToSyn if segment.syn => scaled(segment, tcb.agreed.snd_wind_shift),
        wrong PeersScaleIgnored => scaled(segment, 0),
    }
}
