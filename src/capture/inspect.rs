//! What the rules say of each end of each connection in a capture.

use super::format::{self, CaptureError, Damage, Found, Frame};
use super::link_layer::{self, Inside};
use super::network::{self, Captured, Content, Reason};
use crate::notation::{Origins, print_packet};
use crate::rules::{Breach, Frame as RuleFrame, Known, Rule, Watch, Way};
use crate::time::{Instant, Stamp};
use crate::wire::{Flags, Isn, NotIp, Packet, Segment};
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;
use std::io::Read;
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
    /// Whether its first segment in the capture is a SYN. Where it is not, nobody knows what the ends agreed upon.
    pub begins: bool,
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
    /// The frames in conflict: number, from 1 as viewers count, time, and what it says, numbers counted from the ISNs.
    pub frames: Vec<(usize, Instant, String)>,
    /// What the matter is.
    pub text: String,
}

/// What came of a capture.
#[derive(Clone, Debug, Default)]
pub struct Inspection {
    /// The connections in the order in which they began.
    pub connections: Vec<Connection>,
    /// Frames in all.
    pub frames: usize,
    /// TCP segments that were judged.
    pub segments: usize,
    /// Frames that carry no TCP segment.
    pub others: usize,
    /// Frames that may carry a TCP segment and were not judged, by the reason why.
    pub left_out: BTreeMap<Reason, usize>,
    /// Segments with a checksum, of their own or of the IPv4 header, that the sender left to its network interface: the
    /// capture saw them before. It was taken for right.
    pub offloaded: usize,
    /// Segments whose checksum was not judged, because an interface may have merged several and kept that of one.
    pub merged: usize,
    /// Frames of which the capture does not say when they came. If there is one, no rule about time was applied.
    pub untimed: usize,
    /// Blocks of a kind that is not known here.
    pub unknown_blocks: usize,
    /// Packets that were dropped before they could be captured, as far as the capture says.
    pub dropped: u64,
    /// Why reading ended before the end of the capture.
    pub damage: Option<Damage>,
}

impl Inspection {
    /// Whether anything was left out that ought to have been judged.
    pub fn is_partial(&self) -> bool {
        let lacking = self.connections.iter().any(|it| it.lacks_segments);
        let parts = self.left_out.values().sum::<usize>() + self.merged + self.untimed;
        lacking || parts > 0 || self.damage.is_some()
    }
}

/// Rules that seem broken where a capture has lost segments: nobody can tell which of the two happened.
const LOSS: [&str; 3] = ["no-gap", "ack-of-what-came", "sack-of-what-came"];

/// The rule about how fast a clock ticks; all others that need the times of frames say that they are about timing.
const CLOCK: &str = "timestamp-clock-in-range";

/// Judges every connection of a capture. `on` is the host on which the capture was taken: it has every segment of that
/// host, in order, and what came to it, so that all rules can be applied to it. Of other ends only that is judged which
/// frames that were lost or reordered cannot explain. What is damaged ends the reading, and what came before is judged.
pub fn inspect(source: impl Read, on: Option<IpAddr>) -> Result<Inspection, CaptureError> {
    let mut inspector = Inspector::new(on);
    inspector.inspection.damage = format::read(source, &mut |found| inspector.take(found))?;
    Ok(inspector.finish())
}

/// From whom to whom.
type Ends = (SocketAddr, SocketAddr);

/// A segment of the capture, as a finding shows it.
struct Seen {
    number: usize,
    at: Instant,
    ends: Ends,
    connection: usize,
    line: String,
}

struct Inspector {
    on: Option<IpAddr>,
    inspection: Inspection,
    /// The moment from which times are counted, in nanoseconds since 1970, and the last one.
    first: Option<i128>,
    last: Instant,
    places: BTreeMap<Ends, usize>,
    watches: BTreeMap<IpAddr, Watch>,
    isns: BTreeMap<Ends, Isn>,
    seen: Vec<Seen>,
}

impl Inspector {
    fn new(on: Option<IpAddr>) -> Inspector {
        Inspector {
            on,
            inspection: Inspection::default(),
            first: None,
            last: Instant::ZERO,
            places: BTreeMap::new(),
            watches: BTreeMap::new(),
            isns: BTreeMap::new(),
            seen: Vec::new(),
        }
    }

    fn take(&mut self, found: Found<'_>) {
        match found {
            Found::UnknownBlock => self.inspection.unknown_blocks += 1,
            Found::Dropped(count) => self.inspection.dropped = self.inspection.dropped.saturating_add(count),
            Found::Unreadable(reason) => {
                self.inspection.frames += 1;
                self.leave_out(reason);
            }
            Found::Frame(frame) => {
                self.inspection.frames += 1;
                self.take_frame(frame);
            }
        }
    }

    fn leave_out(&mut self, reason: Reason) {
        *self.inspection.left_out.entry(reason).or_default() += 1;
    }

    fn take_frame(&mut self, frame: Frame<'_>) {
        let inside = link_layer::inside(frame.link, frame.octets).unwrap_or(match frame.missing {
            0 => Inside::LeftOut(Reason::LinkHeader),
            _ => Inside::LeftOut(Reason::Cut),
        });
        let content = match inside {
            Inside::Ip(octets) => network::read(octets, frame.missing),
            Inside::Other => Content::Other,
            Inside::LeftOut(reason) => Content::LeftOut(reason),
        };
        match content {
            Content::Segment(captured) => {
                self.pass_time(frame.at);
                self.take_segment(*captured);
            }
            Content::WrongHeader(packet, why) => {
                self.pass_time(frame.at);
                self.take_thrown_away(&packet, why);
            }
            Content::Other => self.inspection.others += 1,
            Content::LeftOut(reason) => self.leave_out(reason),
        }
    }

    fn pass_time(&mut self, at: Option<i128>) {
        let Some(at) = at else {
            self.inspection.untimed += 1;
            return;
        };
        let first = *self.first.get_or_insert(at);
        self.last = Instant::from_nanos(u64::try_from((at - first).max(0)).unwrap_or(u64::MAX));
    }

    fn take_segment(&mut self, captured: Captured) {
        let Captured {
            packet,
            offloaded,
            merged,
        } = captured;
        let Some((from, to)) = self.note(&packet) else { return };
        self.inspection.segments += 1;
        self.inspection.offloaded += usize::from(offloaded);
        self.inspection.merged += usize::from(merged);
        let (number, at) = (self.inspection.frames, Stamp::exactly(self.last));
        let packet = Arc::new(packet);
        self.watch(from.ip()).see_frame(number, &frame(Ok(&packet)));
        for (host, way) in [(from.ip(), Way::Out), (to.ip(), Way::In)] {
            self.watch(host).see(number, at, way, &packet);
        }
    }

    /// A segment that its receiver never got, since it throws the packet away.
    fn take_thrown_away(&mut self, packet: &Packet, why: NotIp) {
        self.leave_out(Reason::IpChecksum);
        let number = self.inspection.frames;
        if let Some((from, _)) = self.note(packet) {
            self.watch(from.ip()).see_frame(number, &frame(Err(why)));
        }
    }

    /// Notes a segment for findings about it; between whom it passes.
    fn note(&mut self, packet: &Packet) -> Option<Ends> {
        let segment = packet.tcp()?;
        let ends = (
            SocketAddr::from((packet.ip.source, segment.source)),
            SocketAddr::from((packet.ip.destination, segment.destination)),
        );
        let connection = self.connection(ends, segment);
        let line = print_packet(packet, self.origins(ends, segment));
        self.seen.push(Seen {
            number: self.inspection.frames,
            at: self.last,
            ends,
            connection,
            line,
        });
        Some(ends)
    }

    /// The rules that look at what a host sends.
    fn watch(&mut self, host: IpAddr) -> &mut Watch {
        let complete = self.on == Some(host);
        self.watches.entry(host).or_insert_with(|| {
            Watch::new(Known {
                mtu: None,
                complete,
                prompt: false,
                merged: true,
            })
        })
    }

    /// The place of the connection of a segment, which is entered.
    fn connection(&mut self, ends: Ends, segment: &Segment) -> usize {
        let (from, to) = ends;
        let connections = &mut self.inspection.connections;
        let at = self.last;
        let place = *self.places.entry((from.min(to), from.max(to))).or_insert_with(|| {
            connections.push(Connection {
                ends,
                segments: 0,
                from: at,
                to: at,
                findings: Vec::new(),
                begins: segment.flags.contains(Flags::SYN),
                lacks_segments: false,
            });
            connections.len() - 1
        });
        let it = &mut connections[place];
        (it.segments, it.to) = (it.segments + 1, at);
        place
    }

    /// From where the numbers of a segment are counted: from the last SYN of each end, or from the first number that is
    /// known of it.
    fn origins(&mut self, (from, to): Ends, segment: &Segment) -> Origins {
        let (syn, ack) = (segment.flags.contains(Flags::SYN), segment.flags.contains(Flags::ACK));
        if syn || !self.isns.contains_key(&(from, to)) {
            self.isns.insert((from, to), Isn(segment.seq));
        }
        if ack {
            let acked = segment.ack.advanced(-i64::from(syn));
            self.isns.entry((to, from)).or_insert(Isn(acked));
        }
        Origins {
            sender: self.isns.get(&(from, to)).copied(),
            receiver: self.isns.get(&(to, from)).copied(),
        }
    }

    fn finish(mut self) -> Inspection {
        for watch in self.watches.values_mut() {
            watch.finish(Stamp::exactly(self.last));
        }
        let breaches: Vec<&Breach> = self.watches.values().flat_map(Watch::breaches).collect();
        for breach in breaches {
            if let Some((connection, finding)) = finding(breach, &self.seen) {
                self.inspection.connections[connection].findings.push(finding);
            }
        }
        let untimed = self.inspection.untimed > 0;
        for connection in &mut self.inspection.connections {
            let shows_loss = |finding: &Finding| LOSS.contains(&finding.rule.name);
            let lacks_segments = connection.findings.iter().any(shows_loss);
            connection.lacks_segments = lacks_segments;
            connection.findings.retain(|finding| {
                let needs_times = finding.rule.timing || finding.rule.name == CLOCK;
                !(lacks_segments && finding.rule.needs_all || untimed && needs_times)
            });
            connection
                .findings
                .sort_by_key(|finding| finding.frames.last().map(|frame| frame.0));
        }
        self.inspection
    }
}

/// A frame of a capture as the rules about frames see it: its lengths may be those of the network interface.
fn frame(packet: Result<&Packet, NotIp>) -> RuleFrame<'_> {
    RuleFrame {
        packet,
        length: 0,
        padding: 0,
        from_nowhere: false,
    }
}

/// What a breach amounts to, and in which connection.
fn finding(breach: &Breach, seen: &[Seen]) -> Option<(usize, Finding)> {
    let (earlier, later) = breach.frames;
    let find = |number: usize| {
        let place = seen.binary_search_by_key(&number, |it| it.number).ok()?;
        seen.get(place)
    };
    let it = find(later)?;
    // Where nothing came, the frame is the one that waits for it.
    let silent = breach.rule.timing && earlier.is_none();
    let finding = Finding {
        end: if silent { it.ends.1 } else { it.ends.0 },
        rule: breach.rule,
        frames: earlier
            .into_iter()
            .chain([later])
            .filter_map(|number| find(number).map(|it| (number, it.at, it.line.clone())))
            .collect(),
        text: breach.text.clone(),
    };
    Some((it.connection, finding))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Body, IpHeader, SeqNum, TcpOption};
    use proptest::collection::vec;
    use proptest::prelude::*;

    const SERVER: &str = "2001:db8::1";

    fn segment(server: bool, flags: Flags, seq: u32, ack: u32, text: &str) -> Vec<u8> {
        let ends = match server {
            true => [SERVER, "2001:db8::2"],
            false => ["2001:db8::2", SERVER],
        };
        let [from, to] = ends.map(|end| end.parse().unwrap());
        let body = Body::Tcp(Segment {
            source: if server { 80 } else { 40_000 },
            destination: if server { 40_000 } else { 80 },
            seq: SeqNum(seq),
            ack: SeqNum(ack),
            flags,
            window: 9_000,
            payload: text.into(),
            options: vec![TcpOption::Timestamps { value: seq, echo: ack }],
            ..Segment::default()
        });
        Packet {
            ip: IpHeader::between(from, to),
            body,
        }
        .encode()
    }

    fn conversation() -> Vec<Vec<u8>> {
        let (syn, ack) = (Flags::SYN, Flags::ACK);
        vec![
            segment(false, syn, 99, 0, ""),
            segment(true, syn | ack, 499, 100, ""),
            segment(false, ack, 100, 500, "hello"),
            segment(true, ack, 500, 105, "you"),
            segment(true, ack, 500, 105, "me?"),
        ]
    }

    fn words(numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
    }

    fn pcap(packets: &[Vec<u8>]) -> Vec<u8> {
        let mut file = words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 101]);
        for packet in packets {
            let length = packet.len() as u32;
            file.extend([words(&[1, 0, length, length]), packet.clone()].concat());
        }
        file
    }

    /// Simple packet blocks, which have no times.
    fn pcapng(packets: &[Vec<u8>]) -> Vec<u8> {
        let mut file = words(&[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28]);
        file.extend(words(&[1, 20, 101, 0, 20]));
        for packet in packets {
            let padded = packet.len().next_multiple_of(4);
            let length = 16 + padded as u32;
            file.extend(words(&[3, length, packet.len() as u32]));
            file.extend(packet);
            file.resize(file.len() + padded - packet.len(), 0);
            file.extend(words(&[length]));
        }
        file
    }

    #[test]
    fn what_has_no_times_is_judged_by_all_other_rules() {
        let inspection = inspect(&*pcapng(&conversation()), None).unwrap();
        assert_eq!((inspection.segments, inspection.untimed), (5, 5));
        let broken: Vec<_> = inspection.connections[0]
            .findings
            .iter()
            .map(|it| it.rule.name)
            .collect();
        assert!(broken.contains(&"same-octets-again"), "{broken:?}");
        assert!(!broken.contains(&CLOCK), "{broken:?}");
        assert!(inspection.is_partial());
    }

    #[test]
    fn numbers_are_counted_from_where_the_capture_begins() {
        let inspection = inspect(&*pcap(&conversation()[2..]), None).unwrap();
        let connection = &inspection.connections[0];
        assert!(!connection.begins);
        let findings: Vec<_> = connection.findings.iter().map(|it| it.frames[0].2.as_str()).collect();
        assert!(
            findings.iter().any(|it| it.starts_with("ACK seq=0 ack=5 ")),
            "{findings:?}"
        );
    }

    proptest! {
        #[test]
        fn no_change_of_a_capture_makes_a_panic(
            new in any::<bool>(),
            changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..9),
            length in any::<prop::sample::Index>(),
            cut in any::<bool>(),
        ) {
            let mut file = if new { pcapng(&conversation()) } else { pcap(&conversation()) };
            for (place, octet) in changes {
                let place = place.index(file.len());
                file[place] = octet;
            }
            if cut {
                file.truncate(length.index(file.len()));
            }
            if let Ok(inspection) = inspect(&*file, Some(SERVER.parse().unwrap())) {
                let left_out: usize = inspection.left_out.values().sum();
                prop_assert_eq!(inspection.frames, inspection.segments + inspection.others + left_out);
            }
        }

        #[test]
        fn no_frame_of_any_link_type_makes_a_panic(link in 0_u16..300, octets in vec(any::<u8>(), 0..120), missing in 0_usize..9) {
            let mut inspector = Inspector::new(None);
            let frame = Frame { at: Some(0), link, octets: &octets, missing };
            inspector.take(Found::Frame(frame));
            inspector.finish();
        }
    }
}
