//! What can be done with one frame, and what leaves of it.

use crate::random::Random;
use crate::wire::{Body, Checksum, Packet, TcpOption};
use core::time::Duration;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is done with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It never leaves.
    Drop,
    /// It leaves twice.
    Duplicate,
    /// It leaves later by this much.
    Delay(Duration),
    /// It leaves at once, and a copy of it after this much.
    Replay(Duration),
    /// One bit of it is turned over: of the payload, or of the sequence number where there is none. The checksum stays.
    Corrupt,
    /// So many octets of payload are cut off its end; lengths and checksums are made right again.
    Truncate(usize),
    /// Its options of this kind are replaced by NOPs; the checksum is made right again.
    Strip(u8),
}

/// What was done with a frame, for whoever tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Treatment {
    /// By [`Action::Drop`].
    Dropped,
    /// By [`Action::Duplicate`].
    Duplicated,
    /// By [`Action::Delay`].
    Delayed,
    /// By [`Action::Replay`].
    Replayed,
    /// By [`Action::Corrupt`].
    Corrupted,
    /// By [`Action::Truncate`].
    Truncated,
    /// By [`Action::Strip`].
    Stripped,
}

impl Treatment {
    /// All of them.
    pub const ALL: [Treatment; 7] = [
        Treatment::Dropped,
        Treatment::Duplicated,
        Treatment::Delayed,
        Treatment::Replayed,
        Treatment::Corrupted,
        Treatment::Truncated,
        Treatment::Stripped,
    ];

    /// As reports say it of a frame.
    pub const fn name(self) -> &'static str {
        match self {
            Treatment::Dropped => "dropped",
            Treatment::Duplicated => "duplicated",
            Treatment::Delayed => "delayed",
            Treatment::Replayed => "to be repeated",
            Treatment::Corrupted => "corrupted",
            Treatment::Truncated => "cut",
            Treatment::Stripped => "stripped of an option",
        }
    }

    /// The treatment of that name.
    pub fn from_name(name: &str) -> Option<Treatment> {
        Treatment::ALL.into_iter().find(|treatment| treatment.name() == name)
    }
}

/// The packets that leave for one frame, each with the delay after the frame came; those without delay leave at once.
pub(super) type Leaving = Vec<(Duration, Arc<[u8]>)>;

impl Action {
    /// As what it is told of afterwards.
    pub const fn treatment(self) -> Treatment {
        match self {
            Action::Drop => Treatment::Dropped,
            Action::Duplicate => Treatment::Duplicated,
            Action::Delay(_) => Treatment::Delayed,
            Action::Replay(_) => Treatment::Replayed,
            Action::Corrupt => Treatment::Corrupted,
            Action::Truncate(_) => Treatment::Truncated,
            Action::Strip(_) => Treatment::Stripped,
        }
    }

    /// Applies the action to an IP packet. `random` is used for corruption only.
    pub(super) fn apply(self, octets: &Arc<[u8]>, random: &mut Random) -> Leaving {
        let at_once = |octets: Arc<[u8]>| (Duration::ZERO, octets);
        let whole = || Arc::clone(octets);
        match self {
            Action::Drop => vec![],
            Action::Duplicate => vec![at_once(whole()), at_once(whole())],
            Action::Delay(by) => vec![(by, whole())],
            Action::Replay(after) => vec![at_once(whole()), (after, whole())],
            Action::Corrupt => vec![at_once(corrupt(octets, random.next_u64()))],
            Action::Truncate(by) => vec![at_once(rewritten(octets, |packet| truncate(packet, by)))],
            Action::Strip(kind) => vec![at_once(rewritten(octets, |packet| strip(packet, kind)))],
        }
    }
}

/// How many bits of a payload can be hit.
const BITS: u64 = 4096;

fn corrupt(octets: &[u8], random: u64) -> Arc<[u8]> {
    let mut octets = octets.to_vec();
    let header = match octets.first() {
        Some(first) if first >> 4 == 4 => 20,
        _ => 40,
    };
    let bit = random % BITS;
    let body = octets.len().saturating_sub(header);
    let at = match body {
        0..=20 => header + 4,
        _ => header + 20 + (bit / 8) as usize % (body - 20),
    };
    if let Some(octet) = octets.get_mut(at) {
        *octet ^= 1 << (bit % 8);
    }
    octets.into()
}

/// A packet that is read, changed and written anew; what cannot be read stays as it is.
fn rewritten(octets: &Arc<[u8]>, change: impl FnOnce(&mut Packet)) -> Arc<[u8]> {
    match Packet::parse(octets) {
        Ok(mut packet) => {
            change(&mut packet);
            packet.encode().into()
        }
        Err(_) => Arc::clone(octets),
    }
}

fn truncate(packet: &mut Packet, by: usize) {
    if let Body::Tcp(segment) = &mut packet.body {
        let left = segment.payload.len().saturating_sub(by);
        segment.payload.truncate(left);
        segment.checksum = Checksum::Right;
    }
}

fn strip(packet: &mut Packet, kind: u8) {
    let Body::Tcp(segment) = &mut packet.body else { return };
    let mut kept = Vec::with_capacity(segment.options.len());
    for option in segment.options.drain(..) {
        match option.kind() == Some(kind) {
            true => kept.extend(std::iter::repeat_n(TcpOption::Nop, option.size())),
            false => kept.push(option),
        }
    }
    segment.options = kept;
    segment.checksum = Checksum::Right;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{IpHeader, Segment, SeqNum};

    fn packet(payload: &[u8], options: &[TcpOption]) -> Arc<[u8]> {
        let anywhere = "192.0.2.1".parse().unwrap();
        let segment = Segment {
            seq: SeqNum(7),
            payload: payload.to_vec(),
            options: options.to_vec(),
            ..Segment::default()
        };
        let packet = Packet {
            ip: IpHeader::between(anywhere, anywhere),
            body: Body::Tcp(segment),
        };
        packet.encode().into()
    }

    fn apply(action: Action, octets: &Arc<[u8]>) -> Leaving {
        action.apply(octets, &mut Random::new(1))
    }

    fn only(leaving: Leaving) -> Packet {
        let [(Duration::ZERO, octets)] = leaving.as_slice() else {
            panic!("{} packets leave", leaving.len());
        };
        Packet::parse(octets).unwrap()
    }

    #[test]
    fn each_action_lets_so_many_leave_after_so_long() {
        let hour = Duration::from_secs(3600);
        let now = Duration::ZERO;
        let table: &[(Action, &[Duration])] = &[
            (Action::Drop, &[]),
            (Action::Duplicate, &[now, now]),
            (Action::Delay(hour), &[hour]),
            (Action::Replay(hour), &[now, hour]),
            (Action::Corrupt, &[now]),
            (Action::Truncate(1), &[now]),
            (Action::Strip(2), &[now]),
        ];
        for (action, after) in table {
            let leaving = apply(*action, &packet(b"abc", &[TcpOption::Mss(1460)]));
            let came: Vec<Duration> = leaving.iter().map(|(after, _)| *after).collect();
            assert_eq!(came, *after, "{action:?}");
        }
    }

    #[test]
    fn a_corruption_turns_one_bit_and_leaves_the_checksum() {
        for (name, payload, place) in [("payload", &b"abcd"[..], 40..44), ("sequence number", b"", 24..28)] {
            let whole = packet(payload, &[]);
            let leaving = apply(Action::Corrupt, &whole);
            let differing: Vec<usize> = (0..whole.len()).filter(|at| leaving[0].1[*at] != whole[*at]).collect();
            let [at] = differing.as_slice() else {
                panic!("{name}: {differing:?}");
            };
            assert!(place.contains(at), "{name}: octet {at}");
            assert_eq!((leaving[0].1[*at] ^ whole[*at]).count_ones(), 1, "{name}");
            let checksum = only(leaving).tcp().unwrap().checksum;
            assert!(matches!(checksum, Checksum::Wrong(_)), "{name}");
        }
    }

    #[test]
    fn a_cut_takes_the_end_of_the_payload_and_no_more_than_there_is() {
        for (by, left) in [(0, &b"abc"[..]), (2, b"a"), (3, b""), (9, b"")] {
            let cut = only(apply(Action::Truncate(by), &packet(b"abc", &[])));
            let segment = cut.tcp().unwrap();
            assert_eq!(
                (&segment.payload[..], segment.checksum),
                (left, Checksum::Right),
                "{by}"
            );
        }
    }

    #[test]
    fn a_stripped_option_leaves_nops_of_its_size() {
        let options = [
            TcpOption::Mss(1460),
            TcpOption::SackPermitted,
            TcpOption::WindowScale(7),
        ];
        let nops = |count| std::iter::repeat_n(TcpOption::Nop, count);
        for (kind, size, place) in [(2, 4, 0), (4, 2, 1), (3, 3, 2)] {
            let stripped = only(apply(Action::Strip(kind), &packet(b"", &options)));
            let mut expected = options.to_vec();
            expected.splice(place..=place, nops(size));
            assert_eq!(stripped.tcp().unwrap().options, expected, "kind {kind}");
        }
    }

    #[test]
    fn what_is_no_packet_stays_as_it_is() {
        let junk: Arc<[u8]> = Arc::from([0x45, 1, 2]);
        for action in [Action::Truncate(1), Action::Strip(2), Action::Corrupt] {
            assert_eq!(apply(action, &junk)[0].1, junk, "{action:?}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for treatment in Treatment::ALL {
            assert_eq!(Treatment::from_name(treatment.name()), Some(treatment));
        }
    }
}
