//! The target's own sequence space: numbers, octets, sizes.

use super::book::{Stretch, Syn};
use super::conversation::Conversation;
use super::{Broken, Sight, broken};
use crate::wire::{Flags, Packet, TcpOption};
use std::sync::Arc;

/// The send MSS of a connection whose peer announced none (RFC 9293 section 3.7.1).
const DEFAULT_MSS: (usize, usize) = (536, 1220);

/// The octets that the least MTU of a link, 68 octets (RFC 791 section 3.2), leaves after both headers. No rule holds a
/// target to a smaller MSS.
const LEAST_MSS: usize = 28;

/// The octets of text and options that an Ethernet frame can carry.
const LARGEST_FRAME: usize = 1460;

/// The number of the first octet of text.
fn text_start(sight: &Sight) -> i64 {
    sight.seq + i64::from(sight.syn)
}

/// Notes which text was sent under which number.
pub(super) fn enter_text(cx: &mut Conversation, sight: &Sight, packet: &Arc<Packet>) {
    let start = text_start(sight);
    if sight.text() > 0 {
        cx.target.spoke = sight.at;
    }
    let known = cx.target.text.back().map_or(start, Stretch::end);
    if sight.text() == 0 || sight.end <= known {
        return;
    }
    let skipped = (known - start).max(0);
    cx.target.text.push_back(Stretch {
        start: start + skipped,
        skipped: skipped as usize,
        packet: Arc::clone(packet),
        number: sight.number,
    });
}

pub(super) fn ack_set(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (earlier, _) = cx.peer.last?;
    (!sight.ack)
        .then(|| broken(earlier, "a segment of a connection without ACK"))
        .flatten()
}

pub(super) fn no_gap(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (end, earlier) = cx.target.end;
    (sight.seq > end)
        .then(|| {
            broken(
                earlier,
                format!("begins at {}, although nothing was sent from {end} on", sight.seq),
            )
        })
        .flatten()
}

pub(super) fn window_respected(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (edge, earlier) = cx.peer.edge?;
    let right = cx.own(edge);
    let new = sight.text() > 0 && sight.end > cx.target.end.0;
    // The one octet of a window probe is lawful (RFC 9293 section 3.8.6.1).
    let probe = sight.text() == 1 && sight.seq <= right;
    (new && sight.end > right && !probe)
        .then(|| {
            broken(
                earlier,
                format!("new text up to {}, where the window ends at {right}", sight.end),
            )
        })
        .flatten()
}

/// The peer's MSS, or the default; `None` where its SYN is ambiguous, or announces an impossible MSS.
pub(super) fn send_mss(syn: &Syn, sight: &Sight) -> Option<usize> {
    let (v4, v6) = DEFAULT_MSS;
    let default = if sight.packet.ip.source.is_ipv4() { v4 } else { v6 };
    let mss = syn.offer.mss.map_or(default, usize::from);
    (syn.offer.clear && mss >= LEAST_MSS).then_some(mss)
}

pub(super) fn mss_respected(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let text = sight.text();
    if text <= 1 {
        return None;
    }
    let syn = cx.peer_syn()?;
    let mss = send_mss(syn, sight)?;
    let options = TcpOption::space(&sight.segment.options);
    // An Ethernet frame does not carry so much: the network interface will cut it into segments.
    if cx.known.merged && text + options > LARGEST_FRAME {
        return None;
    }
    (text + options > mss)
        .then(|| {
            broken(
                syn.number,
                format!("{text} octets of text and {options} of options, where the MSS is {mss}"),
            )
        })
        .flatten()
}

pub(super) fn same_octets_again(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let text = &sight.segment.payload;
    // Octets that were acknowledged are not compared: a keep-alive probe may carry any octet.
    let start = text_start(sight).max(cx.acked());
    if text.is_empty() || start >= cx.target.end.0 {
        return None;
    }
    // A capture may lack the ACK, and then this is such a probe.
    if !cx.known.complete && text.len() == 1 && sight.end == cx.target.end.0 {
        return None;
    }
    let stretches = &cx.target.text;
    let first = stretches.partition_point(|stretch| stretch.end() <= start);
    for stretch in stretches.range(first..) {
        let common = (start.max(stretch.start), sight.end.min(stretch.end()));
        if common.0 >= common.1 {
            break;
        }
        let part = |octets: &[u8], begins: i64| -> Vec<u8> {
            octets[(common.0 - begins) as usize..(common.1 - begins) as usize].to_vec()
        };
        if part(text, text_start(sight)) != part(stretch.octets(), stretch.start) {
            let text = format!("other octets under the numbers {} to {}", common.0, common.1);
            return broken(stretch.number, text);
        }
    }
    None
}

pub(super) fn fin_holds_its_number(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (fin, earlier) = cx.target.fin?;
    (sight.fin && sight.end != fin)
        .then(|| broken(earlier, format!("a FIN at {}, after one at {fin}", sight.end)))
        .flatten()
}

pub(super) fn nothing_after_fin(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (fin, earlier) = cx.target.fin?;
    // The octet of a keep-alive probe has an old number, which may be the FIN's (RFC 9293 section 3.8.4).
    let probes = sight.text() == 1 && sight.end == fin + 1 && sight.end <= cx.acked();
    (sight.text() > 0 && sight.end > fin && !probes)
        .then(|| broken(earlier, format!("text up to {}, after a FIN at {fin}", sight.end)))
        .flatten()
}

pub(super) fn urgent_never_back(cx: &Conversation, sight: &Sight) -> Option<Broken> {
    let (known, earlier) = cx.target.urgent?;
    let up = sight.seq + i64::from(sight.segment.urgent);
    (sight.segment.flags.contains(Flags::URG) && up < known)
        .then(|| broken(earlier, format!("the urgent pointer names {up}, after {known}")))
        .flatten()
}
