//! What the rules say of each end of each connection in a capture.

use super::Captured;
use crate::notation::{Origins, print_packet};
use crate::rules::{Breach, Known, Rule, Watch, Way};
use crate::time::{Instant, Stamp};
use crate::wire::{Body, Checksum, Flags, Isn, Packet};
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A connection of a capture: all that passed between two endpoints.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Who spoke first, and the other.
    pub ends: (SocketAddr, SocketAddr),
    /// How many segments.
    pub segments: usize,
    /// When the first was captured, and the last.
    pub from: Instant,
    /// See `from`.
    pub to: Instant,
    /// What is wrong with it, in the order in which it came up.
    pub findings: Vec<Finding>,
    /// Whether numbers are missing between segments, or are acknowledged that no segment had: then the capture lacks
    /// segments, and only that is judged which those cannot explain.
    pub lacks_segments: bool,
}

/// A rule that an end broke.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Whose segments break it.
    pub end: SocketAddr,
    /// Which.
    pub rule: &'static Rule,
    /// The frames in conflict: number, time, and what it says, numbers counted from the ISNs.
    pub frames: Vec<(usize, Instant, String)>,
    /// What the matter is.
    pub text: String,
}

/// What came of a capture.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// The connections in the order in which they began.
    pub connections: Vec<Connection>,
    /// IP packets that are no TCP, and those that cannot be read.
    pub others: usize,
    /// Segments whose checksum the sender left to its network interface: the capture saw them before.
    pub offloaded: usize,
}

/// Rules that seem to be broken where a capture has lost segments: which of the two it was nobody can tell.
const LOSS: [&str; 2] = ["no-gap", "ack-of-what-came"];

/// A segment of the capture.
struct Seen {
    at: Instant,
    packet: Arc<Packet>,
    connection: usize,
}

/// Judges every connection. `on` is the host on which the capture was taken: it has every segment of that host, in order,
/// and what came to it, so that all rules can be applied to it. Of other ends only that is judged which frames that were
/// lost or reordered cannot explain.
pub fn inspect(captured: &Captured, on: Option<IpAddr>) -> Inspection {
    let mut inspection = Inspection::default();
    let mut places: BTreeMap<(SocketAddr, SocketAddr), usize> = BTreeMap::new();
    let mut watches: BTreeMap<IpAddr, Watch> = BTreeMap::new();
    let mut seen: BTreeMap<usize, Seen> = BTreeMap::new();
    let mut isns: BTreeMap<(SocketAddr, SocketAddr), Isn> = BTreeMap::new();
    for (number, at, octets) in &captured.packets {
        let Some((packet, ends)) = segment(octets, &mut inspection) else {
            inspection.others += 1;
            continue;
        };
        let (from, to) = ends;
        if let Some(segment) = packet.tcp()
            && (segment.flags.contains(Flags::SYN) || !isns.contains_key(&ends))
        {
            isns.insert(ends, Isn(segment.seq));
        }
        let connection = *places.entry((from.min(to), from.max(to))).or_insert_with(|| {
            inspection.connections.push(Connection {
                ends,
                segments: 0,
                from: *at,
                to: *at,
                findings: Vec::new(),
                lacks_segments: false,
            });
            inspection.connections.len() - 1
        });
        let it = &mut inspection.connections[connection];
        (it.segments, it.to) = (it.segments + 1, *at);
        let packet = Arc::new(packet);
        for (host, way) in [(from.ip(), Way::Out), (to.ip(), Way::In)] {
            let watch = watches.entry(host).or_insert_with(|| {
                Watch::new(Known {
                    mtu: None,
                    complete: on == Some(host),
                    merged: true,
                })
            });
            watch.see(*number, Stamp::exactly(*at), way, &packet);
        }
        seen.insert(
            *number,
            Seen {
                at: *at,
                packet,
                connection,
            },
        );
    }
    let last = captured.packets.last().map_or(Instant::ZERO, |(_, at, _)| *at);
    for watch in watches.values_mut() {
        watch.finish(Stamp::exactly(last));
        for breach in watch.breaches() {
            note(breach, &seen, &isns, &mut inspection);
        }
    }
    for connection in &mut inspection.connections {
        let shows_loss = |finding: &Finding| LOSS.contains(&finding.rule.name);
        connection.lacks_segments = connection.findings.iter().any(shows_loss);
        if connection.lacks_segments {
            connection.findings.retain(|finding| !finding.rule.needs_all);
        }
        connection
            .findings
            .sort_by_key(|finding| finding.frames.last().map(|frame| frame.0));
    }
    inspection
}

type Ends = (SocketAddr, SocketAddr);

/// A TCP segment and its ends, from and to.
fn segment(octets: &[u8], inspection: &mut Inspection) -> Option<(Packet, Ends)> {
    let mut packet = Packet::parse(octets).ok()?;
    let (source, destination) = (packet.ip.source, packet.ip.destination);
    let Body::Tcp(segment) = &mut packet.body else {
        return None;
    };
    let ends = (
        (source, segment.source).into(),
        (destination, segment.destination).into(),
    );
    if let Checksum::Wrong(sum) = segment.checksum
        && sum == pseudo_header_sum(source, destination, octets)
    {
        segment.checksum = Checksum::Right;
        inspection.offloaded += 1;
    }
    Some((packet, ends))
}

/// What stands in the checksum field of a segment whose checksum the network interface is to finish: the sum of the pseudo
/// header (RFC 9293 section 3.1).
fn pseudo_header_sum(source: IpAddr, destination: IpAddr, octets: &[u8]) -> u16 {
    const TCP: u32 = 6;
    let header = match source {
        IpAddr::V4(_) => usize::from(octets[0] & 15) * 4,
        IpAddr::V6(_) => 40,
    };
    let total = match source {
        IpAddr::V4(_) => usize::from(u16::from_be_bytes([octets[2], octets[3]])),
        IpAddr::V6(_) => 40 + usize::from(u16::from_be_bytes([octets[4], octets[5]])),
    };
    let words = |address: IpAddr| -> u32 {
        let octets = match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        octets
            .chunks_exact(2)
            .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
            .sum()
    };
    let mut sum = words(source) + words(destination) + TCP + total.saturating_sub(header) as u32;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

fn note(breach: &Breach, seen: &BTreeMap<usize, Seen>, isns: &BTreeMap<Ends, Isn>, inspection: &mut Inspection) {
    let (earlier, later) = breach.frames;
    let ends = |it: &Seen| -> Option<Ends> {
        let segment = it.packet.tcp()?;
        let ip = &it.packet.ip;
        Some((
            (ip.source, segment.source).into(),
            (ip.destination, segment.destination).into(),
        ))
    };
    let shown = |number: usize| {
        let it = seen.get(&number)?;
        let (from, to) = ends(it)?;
        let origins = Origins {
            sender: isns.get(&(from, to)).copied(),
            receiver: isns.get(&(to, from)).copied(),
        };
        Some((number, it.at, print_packet(&it.packet, origins)))
    };
    let Some(it) = seen.get(&later) else { return };
    let Some((from, to)) = ends(it) else { return };
    // Where nothing came, the frame is the one that waits for it.
    let silent = breach.rule.timing && earlier.is_none();
    let finding = Finding {
        end: if silent { to } else { from },
        rule: breach.rule,
        frames: earlier.into_iter().chain([later]).filter_map(shown).collect(),
        text: breach.text.clone(),
    };
    inspection.connections[it.connection].findings.push(finding);
}
