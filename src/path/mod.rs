//! The pure middlebox between two ends: it drops, duplicates, delays, corrupts, cuts and repeats what passes.

use crate::notation::SegmentPattern;
use crate::script::{FaultAction, FaultSpec};
use crate::wire::{Body, Checksum, Packet, TcpOption};

/// A middlebox: what it is told to do, and how often it has met what it waits for.
#[derive(Debug, Default)]
pub struct Middlebox {
    rules: Vec<(FaultSpec, u64)>,
}

impl Middlebox {
    /// Adds to what it does; an empty list makes it an ordinary wire again.
    pub fn tell(&mut self, specs: &[FaultSpec]) {
        if specs.is_empty() {
            self.rules.clear();
        }
        self.rules.extend(specs.iter().map(|spec| (spec.clone(), 0)));
    }

    /// Whether it does nothing.
    pub fn is_wire(&self) -> bool {
        self.rules.is_empty()
    }

    /// What it does to one frame: the first of its rules that is due. Every rule that fits counts the frame.
    pub fn meet(&mut self, from_tester: bool, mut fits: impl FnMut(&SegmentPattern) -> bool) -> Option<FaultAction> {
        let mut due = None;
        for (spec, met) in &mut self.rules {
            if spec.from_tester != from_tester || !fits(&spec.segment) {
                continue;
            }
            *met += 1;
            if due.is_none() && spec.nth.is_none_or(|nth| nth == *met) {
                due = Some(spec.action.clone());
            }
        }
        due
    }
}

/// What was done with a frame, for whoever tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Treatment {
    /// It never arrives.
    Dropped,
    /// It arrives twice.
    Duplicated,
    /// It arrives later.
    Delayed,
    /// It arrives, and a copy of it later.
    Replayed,
    /// It arrives with one bit turned over.
    Corrupted,
    /// It arrives without the end of its payload.
    Truncated,
    /// It arrives without one of its options.
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

/// Turns over one bit of the payload, or of the sequence number where there is none; the checksum stays as it was.
pub fn corrupt(octets: &mut [u8], header: usize, bit: u64) {
    let body = octets.len().saturating_sub(header);
    let at = if body > 20 {
        header + 20 + (bit / 8) as usize % (body - 20)
    } else {
        header + 4
    };
    if let Some(octet) = octets.get_mut(at) {
        *octet ^= 1 << (bit % 8);
    }
}

/// Cuts `octets` off the payload, as a middlebox does that makes lengths and checksums right again.
pub fn truncate(packet: &mut Packet, octets: usize) {
    if let Body::Tcp(segment) = &mut packet.body {
        let left = segment.payload.len().saturating_sub(octets);
        segment.payload.truncate(left);
        segment.checksum = Checksum::Right;
    }
}

/// Replaces the options of a kind by NOPs.
pub fn strip(packet: &mut Packet, kind: u8) {
    let Body::Tcp(segment) = &mut packet.body else { return };
    let mut kept = Vec::with_capacity(segment.options.len());
    for option in segment.options.drain(..) {
        match option_size(&option, kind) {
            Some(size) => kept.extend(std::iter::repeat_n(TcpOption::Nop, size)),
            None => kept.push(option),
        }
    }
    segment.options = kept;
    segment.checksum = Checksum::Right;
}

/// The octets that an option takes, if it is of that kind.
fn option_size(option: &TcpOption, kind: u8) -> Option<usize> {
    let (its, size) = match option {
        TcpOption::Mss(_) => (2, 4),
        TcpOption::WindowScale(_) => (3, 3),
        TcpOption::SackPermitted => (4, 2),
        TcpOption::Sack(blocks) => (5, 2 + 8 * blocks.len()),
        TcpOption::Timestamps { .. } => (8, 10),
        TcpOption::Md5(digest) => (19, 2 + digest.len()),
        TcpOption::UserTimeout(_) => (28, 4),
        TcpOption::FastOpen(cookie) => (34, 2 + cookie.len()),
        TcpOption::Other { kind, data } => (*kind, 2 + data.len()),
        TcpOption::Eol | TcpOption::Nop | TcpOption::Raw(_) => return None,
    };
    (its == kind).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::Control;

    fn spec(action: FaultAction, nth: Option<u64>) -> FaultSpec {
        let segment = SegmentPattern {
            control: Control::Flags(vec![]),
            fields: vec![],
            options: None,
            text: None,
            again: false,
        };
        FaultSpec {
            action,
            segment,
            nth,
            from_tester: false,
            conns: vec![],
        }
    }

    #[test]
    fn only_the_nth_meets_it() {
        let mut box_ = Middlebox::default();
        box_.tell(&[spec(FaultAction::Drop, Some(2))]);
        let met: Vec<_> = (0..3).map(|_| box_.meet(false, |_| true)).collect();
        assert_eq!(met, [None, Some(FaultAction::Drop), None]);
    }

    #[test]
    fn frames_of_the_other_direction_and_others_pass() {
        let mut box_ = Middlebox::default();
        box_.tell(&[spec(FaultAction::Drop, None)]);
        assert_eq!(box_.meet(true, |_| true), None);
        assert_eq!(box_.meet(false, |_| false), None);
        box_.tell(&[]);
        assert!(box_.is_wire());
    }

    #[test]
    fn one_bit_is_turned_and_it_lies_in_the_payload() {
        let mut octets = vec![0; 20 + 20 + 4];
        corrupt(&mut octets, 20, 13);
        assert_eq!(octets.iter().map(|octet| octet.count_ones()).sum::<u32>(), 1);
        assert!(octets[40..].iter().any(|octet| *octet != 0));
    }
}
