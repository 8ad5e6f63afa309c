//! What the target says of the peer's sequence space: acknowledgments, windows, SACK blocks.

use super::conversation::Conversation;
use super::{Broken, Sight, broken};
use crate::wire::{SeqNum, TcpOption};

pub(super) fn ack_never_back(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (known, earlier) = cx.target.ack?;
    (sight.ack && sight.acked < known)
        .then(|| broken(earlier, format!("acknowledges {}, after {known}", sight.acked)))
        .flatten()
}

pub(super) fn ack_of_what_came(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    // If the beginning of the connection was not seen, octets may have come before.
    let syn = cx.peer_syn()?;
    if !sight.ack || !cx.target.whole {
        return None;
    }
    let first = cx.theirs(syn.seq);
    let most = cx.peer.got.without_gap(first);
    let (_, earlier) = cx.peer.end;
    (sight.acked > most)
        .then(|| {
            let (acked, most) = (sight.acked - first, most - first);
            broken(
                earlier,
                format!("acknowledges {acked}, where all that came without a gap ends at {most}"),
            )
        })
        .flatten()
}

pub(super) fn right_edge_never_back(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (known, earlier) = cx.target.edge?;
    let shift = cx.own_shift()?;
    let edge = sight.acked + (i64::from(sight.segment.window) << shift);
    // Writing a window loses less than one unit of its scale (RFC 7323 section 2.4).
    (sight.ack && edge + (1 << shift) <= known)
        .then(|| {
            broken(
                earlier,
                format!("the window ends {} octets before where it ended", known - edge),
            )
        })
        .flatten()
}

fn blocks<'a>(sight: &'a Sight) -> Option<&'a [(u32, u32)]> {
    sight.segment.options.iter().find_map(|option| match option {
        TcpOption::Sack(blocks) => Some(blocks.as_slice()),
        _ => None,
    })
}

pub(super) fn sack_only_if_permitted(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    blocks(sight)?;
    let syn = cx.peer_syn()?;
    (syn.offer.clear && !syn.offer.sack)
        .then(|| broken(syn.number, "SACK blocks for a peer that did not permit them"))
        .flatten()
}

/// The ends of a SACK block, counted from the peer's first number.
fn counted(cx: &Conversation, (left, right): (u32, u32)) -> (i64, i64) {
    (cx.theirs(SeqNum(left)), cx.theirs(SeqNum(right)))
}

pub(super) fn sack_of_what_came(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let blocks = blocks(sight)?;
    if !cx.target.whole {
        return None;
    }
    let (_, earlier) = cx.peer.end;
    blocks
        .iter()
        .map(|block| counted(cx, *block))
        .find(|block| block.0 >= block.1 || !cx.peer.got.contains(*block))
        .and_then(|(left, right)| {
            let first = cx.peer_syn().map_or(0, |syn| cx.theirs(syn.seq));
            broken(
                earlier,
                format!("reports {}:{}, not all of which came", left - first, right - first),
            )
        })
}

pub(super) fn sack_above_ack(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    // The first block may report a duplicate (RFC 2883 section 4).
    let later = blocks(sight)?.get(1..)?;
    let (earlier, _) = cx.peer.last?;
    later
        .iter()
        .map(|block| counted(cx, *block))
        .find(|block| block.0 <= sight.acked)
        .and_then(|_| broken(earlier, "reports what the ACK covers"))
}

/// Whether the first block reports a duplicate: below the ACK, or within the second (RFC 2883 section 4).
fn reports_duplicate(first: (i64, i64), second: Option<&(i64, i64)>, acked: i64) -> bool {
    first.1 <= acked || second.is_some_and(|it| it.0 <= first.0 && first.1 <= it.1)
}

pub(super) fn sack_apart(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let blocks: Vec<_> = blocks(sight)?.iter().map(|block| counted(cx, *block)).collect();
    let (earlier, _) = cx.peer.last?;
    let first = *blocks.first()?;
    let skipped = usize::from(reports_duplicate(first, blocks.get(1), sight.acked));
    let islands = &blocks[skipped..];
    let overlap = |(at, a): (usize, &(i64, i64))| islands[at + 1..].iter().any(|b| a.0 <= b.1 && b.0 <= a.1);
    islands
        .iter()
        .enumerate()
        .any(overlap)
        .then(|| broken(earlier, "two blocks overlap or touch"))
        .flatten()
}

pub(super) fn duplicate_report_true(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let blocks = blocks(sight)?;
    let first = counted(cx, *blocks.first()?);
    let second = blocks.get(1).map(|second| counted(cx, *second));
    if !reports_duplicate(first, second.as_ref(), sight.acked) || !cx.target.whole {
        return None;
    }
    let (earlier, _) = cx.peer.last?;
    (!cx.peer.twice.contains(first))
        .then(|| broken(earlier, "reports as a duplicate what came once"))
        .flatten()
}
