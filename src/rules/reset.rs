//! Resets (RFC 9293 section 3.5.2).

use super::conversation::Conversation;
use super::{Broken, Sight, broken};

/// Whether a reset has a number of the target's own.
fn of_its_own(cx: &Conversation, sight: &Sight) -> bool {
    let (end, _) = cx.target.end;
    cx.target.origin.is_some() && (0..=end).contains(&sight.seq)
}

pub(super) fn never_for_a_reset(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    if of_its_own(cx, sight) {
        return None;
    }
    let answered = cx.heard.answered_by(sight.segment)?;
    let reset = answered.reset?;
    (!answered.other)
        .then(|| broken(reset, "a reset answers a reset"))
        .flatten()
}

pub(super) fn numbered(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    // If the beginning of the connection was not seen, the reset may answer a segment before.
    let begun = cx.target.whole || cx.target.origin.is_none();
    let before = cx.is_numbered_before(sight);
    let explained = of_its_own(cx, sight) || before || cx.heard.answered_by(sight.segment).is_some();
    let earlier = cx.heard.last?;
    (begun && !explained)
        .then(|| broken(earlier, "a reset with a number that nothing explains"))
        .flatten()
}

pub(super) fn acknowledges_what_came(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let last = cx.heard.last?;
    let ack = sight.segment.ack;
    let known = cx.target.ack.is_some_and(|(known, _)| sight.acked == known);
    (sight.ack && !known && !cx.heard.names(ack) && cx.target.whole)
        .then(|| broken(last, "a reset that acknowledges what did not come"))
        .flatten()
}
