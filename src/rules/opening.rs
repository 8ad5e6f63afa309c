//! What the target's SYNs offer, and what they agree to.

use super::book::Syn;
use super::conversation::Conversation;
use super::{Broken, Sight, broken};
use crate::wire::{Flags, TcpOption};

pub(super) fn mss_announced(_: &Conversation, sight: &Sight) -> Option<Broken> {
    match sight.segment.mss() {
        Some(_) => None,
        None => broken(None, "a SYN without an MSS"),
    }
}

pub(super) fn mss_announced_fits(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (mtu, mss) = (cx.known.mtu?, usize::from(sight.segment.mss()?));
    let headers = if sight.packet.ip.source.is_ipv4() { 40 } else { 60 };
    let most = mtu.saturating_sub(headers);
    // Over IPv6 65535 stands for "no limit but the path's" (RFC 2675 section 5.1).
    let unlimited = headers == 60 && mss == 65_535;
    (mss > most && !unlimited)
        .then(|| broken(None, format!("an MSS of {mss} where at most {most} fit")))
        .flatten()
}

pub(super) fn scale_at_most_14(_: &Conversation, sight: &Sight) -> Option<Broken> {
    let shift = sight.segment.window_scale()?;
    (shift > 14)
        .then(|| broken(None, format!("a shift of {shift}")))
        .flatten()
}

/// The SYN that a SYN,ACK answers, if what it offers is beyond doubt.
fn answered<'a>(cx: &'a Conversation, sight: &Sight) -> Option<&'a Syn> {
    if !sight.ack {
        return None;
    }
    let mut fitting = cx.peer.syns.answered(sight.segment.ack);
    let syn = fitting.next()?;
    (syn.offer.clear && fitting.next().is_none()).then_some(syn)
}

fn unasked(
    cx: &Conversation,
    sight: &Sight,
    option: &str,
    answers: bool,
    asked: impl Fn(&Syn) -> bool,
) -> Option<Broken> {
    if !answers {
        return None;
    }
    // What the target offered by itself, in a SYN that crossed the peer's, it may offer again.
    if cx.target.opened_first {
        return None;
    }
    let syn = answered(cx, sight)?;
    (!asked(syn))
        .then(|| broken(syn.number, format!("answers by {option} a SYN that had none")))
        .flatten()
}

pub(super) fn scale_only_if_offered(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let answers = sight.segment.window_scale().is_some();
    unasked(cx, sight, "a window scale", answers, |syn| syn.offer.scale.is_some())
}

pub(super) fn timestamps_only_if_offered(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    unasked(cx, sight, "timestamps", sight.times.is_some(), |syn| {
        syn.offer.timestamps
    })
}

pub(super) fn ecn_only_if_offered(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let flags = sight.segment.flags;
    // Of the answers of accurate ECN none has ECE alone but the one that falls back (RFC 9768 section 3.1.2).
    let agrees = flags.contains(Flags::ECE) && !flags.contains(Flags::CWR) && !flags.contains(Flags::AE);
    unasked(cx, sight, "ECE", agrees, |syn| syn.offer.ece && syn.offer.cwr)
}

pub(super) fn acknowledges_the_syn(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    if !sight.ack {
        return None;
    }
    let (last, _) = cx.peer.last?;
    (cx.peer.syns.answered(sight.segment.ack).next().is_none())
        .then(|| broken(last, "a SYN,ACK that acknowledges no SYN"))
        .flatten()
}

pub(super) fn syn_number_holds(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    // Only a SYN,ACK is sure to be of the same incarnation: a user may have opened anew what had failed.
    let (earlier, ack) = cx.renewed?;
    (sight.ack && ack == Some(sight.segment.ack))
        .then(|| {
            broken(
                earlier,
                "the same SYN is answered under another number, and nothing came in between",
            )
        })
        .flatten()
}

pub(super) fn no_syn_when_synchronized(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (_, acked) = (cx.target.text.front()?, cx.peer.acked?);
    (cx.own(acked.0) > 1 && sight.seq == 0)
        .then(|| broken(acked.1, "a SYN again, although what came after it was acknowledged"))
        .flatten()
}

pub(super) fn syn_options_on_syns(_: &Conversation, sight: &Sight) -> Option<Broken> {
    sight.segment.options.iter().find_map(|option| {
        let name = match option {
            TcpOption::Mss(_) => "an MSS",
            TcpOption::WindowScale(_) => "a window scale",
            TcpOption::SackPermitted => "SACK-permitted",
            _ => return None,
        };
        broken(None, format!("{name} on a segment that is no SYN"))
    })
}
