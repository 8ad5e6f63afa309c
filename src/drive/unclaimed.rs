//! What a target on real time sends and no run has a part in: a host speaks to its routers and neighbours too.

use crate::notation::{Origins, print_octets};
use crate::wire::Packet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many kinds of frames are kept apart.
const KINDS: usize = 200;

/// What all segments say: connections whose runs have ended may go on for a while.
const SEGMENTS: &str = "TCP of no run that is under way";

/// Frames that belong to no run, those together that say the same.
#[derive(Clone, Debug, Default)]
pub struct Unclaimed {
    kinds: BTreeMap<String, (Arc<[u8]>, usize)>,
    /// How many are of no kind that is kept.
    others: usize,
}

impl Unclaimed {
    /// Adds a frame.
    pub fn add(&mut self, octets: Arc<[u8]>) {
        let text = match Packet::parse(&octets) {
            Ok(packet) if packet.tcp().is_some() => SEGMENTS.to_owned(),
            Ok(_) | Err(_) => print_octets(&octets, Origins::default()),
        };
        if self.kinds.len() >= KINDS && !self.kinds.contains_key(&text) {
            self.others += 1;
            return;
        }
        self.kinds.entry(text).or_insert((octets, 0)).1 += 1;
    }

    /// What each kind of frame says, the first frame of the kind, and how many there were.
    pub fn kinds(&self) -> impl Iterator<Item = (&str, &Arc<[u8]>, usize)> {
        self.kinds
            .iter()
            .map(|(text, (octets, count))| (text.as_str(), octets, *count))
    }

    /// How many frames there were beyond those.
    pub fn others(&self) -> usize {
        self.others
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_that_say_the_same_are_counted_and_the_number_of_kinds_is_limited() {
        let mut unclaimed = Unclaimed::default();
        for number in [1, 2, 1] {
            unclaimed.add(Arc::from([number]));
        }
        let counts: Vec<usize> = unclaimed.kinds().map(|(_, _, count)| count).collect();
        assert_eq!(counts, [2, 1]);
        (0..=255).for_each(|number| unclaimed.add(Arc::from([0, number])));
        assert_eq!(
            (unclaimed.kinds().count(), unclaimed.others()),
            (KINDS, 256 + 2 - KINDS)
        );
    }
}
