//! Explicit congestion notification (RFC 3168).

use super::conversation::Conversation;
use super::{Broken, Sight, broken};
use crate::wire::{Ecn, Flags};

fn capable(sight: &Sight) -> bool {
    sight.packet.ip.ecn != Ecn::NotEct
}

/// Whether classic ECN was agreed upon; `None` where that is not known, or where it may be accurate ECN (RFC 9768).
fn agreed(cx: &Conversation) -> Option<bool> {
    let (ours, theirs) = cx.offers()?;
    let (first, second) = match cx.target.opened_first {
        true => (ours, theirs),
        false => (theirs, ours),
    };
    Some(first.ece && first.cwr && second.ece && !second.cwr)
}

pub(super) fn syn_not_capable(_: &Conversation, sight: &Sight) -> Option<Broken> {
    capable(sight)
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
    (capable(sight) && sight.is_pure_ack())
        .then(|| broken(earlier, "an ECN-capable ACK without text"))
        .flatten()
}

pub(super) fn nothing_again_capable(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (end, earlier) = cx.target.end;
    (capable(sight) && sight.text() > 0 && sight.end <= end)
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
