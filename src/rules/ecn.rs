//! Explicit congestion notification (RFC 3168).

use super::book::Offer;
use super::conversation::Conversation;
use super::{Broken, Sight, broken};
use crate::wire::{Ecn, Flags};

fn capable(sight: &Sight) -> bool {
    sight.packet.ip.ecn != Ecn::NotEct
}

/// Whether classic ECN was agreed upon; `None` where that is not known, or where it may be accurate ECN (RFC 9768),
/// which has rules of its own.
fn agreed(cx: &Conversation) -> Option<bool> {
    let (ours, theirs) = cx.offers()?;
    let asks = |syn: &Offer| syn.ece && syn.cwr;
    if !ours.answers && !theirs.answers {
        // The SYNs crossed, and each may have been answered by a SYN,ACK that agrees to it.
        return (!asks(ours) && !asks(theirs)).then_some(false);
    }
    let (first, second) = match cx.target.opened_first {
        true => (ours, theirs),
        false => (theirs, ours),
    };
    match (second.accurate, second.cwr, second.ece) {
        _ if !asks(first) => Some(false),
        (false, false, true) => Some(true),
        // The answers of who knows no ECN, and of who sends back what came (RFC 9768 section 3.1.2).
        (false, false, false) | (true, true, true) => Some(false),
        _ if first.accurate => None,
        _ => Some(false),
    }
}

pub(super) fn syn_not_capable(_: &Conversation, sight: &Sight) -> Option<Broken> {
    // What asks for accurate ECN may take part in an experiment that marks SYNs too (RFC 8311 section 4.3).
    let accurate = sight.segment.flags.contains(Flags::AE);
    (capable(sight) && !accurate)
        .then(|| broken(None, "a SYN that is ECN-capable"))
        .flatten()
}

pub(super) fn capable_only_if_agreed(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (earlier, _) = cx.target.syn?;
    (capable(sight) && agreed(cx) == Some(false))
        .then(|| broken(earlier, "an ECN-capable segment, although ECN was not agreed upon"))
        .flatten()
}

pub(super) fn acks_not_capable(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (earlier, _) = cx.peer.last?;
    (capable(sight) && sight.is_pure_ack() && agreed(cx).is_some())
        .then(|| broken(earlier, "an ECN-capable ACK without text"))
        .flatten()
}

pub(super) fn nothing_again_capable(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (end, earlier) = cx.target.end;
    (capable(sight) && sight.text() > 0 && sight.end <= end && agreed(cx).is_some())
        .then(|| broken(earlier, "an ECN-capable retransmission"))
        .flatten()
}

pub(super) fn echo_only_of_marks(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (earlier, _) = cx.peer.last?;
    (sight.segment.flags.contains(Flags::ECE) && !cx.peer.ce && agreed(cx) == Some(true))
        .then(|| broken(earlier, "ECE, although no mark has come"))
        .flatten()
}

pub(super) fn reduced_only_on_text(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (earlier, _) = cx.peer.last?;
    (sight.segment.flags.contains(Flags::CWR) && sight.text() == 0 && agreed(cx) == Some(true))
        .then(|| broken(earlier, "CWR on a segment without text"))
        .flatten()
}
