//! Resets (RFC 9293 section 3.5.2).

use super::book::Heard;
use super::conversation::Conversation;
use super::{Broken, Sight, broken};
use crate::wire::{Flags, SeqNum};

/// Whether a reset has the numbers of an answer to this segment.
fn answers(sight: &Sight, heard: &Heard) -> bool {
    match heard.flags.contains(Flags::ACK) {
        true => sight.segment.seq == heard.ack,
        false => sight.segment.seq == SeqNum(0) && sight.ack && sight.segment.ack == heard.next,
    }
}

/// Whether a reset has a number of the target's own.
fn of_its_own(cx: &Conversation, sight: &Sight) -> bool {
    let (end, _) = cx.target.end;
    cx.target.origin.is_some() && (0..=end).contains(&sight.seq)
}

pub(super) fn never_for_a_reset(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    if of_its_own(cx, sight) {
        return None;
    }
    let is_reset = |heard: &&Heard| heard.flags.contains(Flags::RST);
    let (resets, others): (Vec<&Heard>, Vec<&Heard>) = cx
        .heard
        .iter()
        .filter(|heard| answers(sight, heard))
        .partition(is_reset);
    let reset = resets.last()?;
    others
        .is_empty()
        .then(|| broken(reset.number, "a reset answers a reset"))
        .flatten()
}

pub(super) fn numbered(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    // If the beginning of the connection was not seen, the reset may answer a segment before.
    let begun = cx.target.whole || cx.target.origin.is_none();
    let before = cx.is_numbered_before(sight);
    let explained = of_its_own(cx, sight) || before || cx.heard.iter().any(|heard| answers(sight, heard));
    let earlier = cx.heard.last()?.number;
    (begun && !explained)
        .then(|| broken(earlier, "a reset with a number that nothing explains"))
        .flatten()
}

pub(super) fn acknowledges_what_came(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let last = cx.heard.last()?;
    let ack = sight.segment.ack;
    let fits = |heard: &Heard| heard.next == ack || heard.seq == ack;
    let known = cx.target.ack.is_some_and(|(known, _)| sight.acked == known);
    (sight.ack && !known && !cx.heard.iter().any(fits) && cx.target.whole)
        .then(|| broken(last.number, "a reset that acknowledges what did not come"))
        .flatten()
}
