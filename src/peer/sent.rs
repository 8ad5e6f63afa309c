//! When the target last sent each of its octets.

use crate::time::Stamp;
use std::collections::BTreeMap;

/// A moment, and its place in the run's order.
pub(crate) type Sending = (Stamp, u64);

/// Stretches that do not overlap, by their beginnings: where each ends, and when it was last sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sent(BTreeMap<i64, (i64, Sending)>);

impl Sent {
    /// Notes that `[from, to)` was sent, again or for the first time.
    pub(crate) fn note(&mut self, from: i64, to: i64, when: Sending) {
        while let Some((&begin, &(end, before))) = self.0.range(..to).next_back()
            && end > from
        {
            self.0.remove(&begin);
            if to < end {
                self.0.insert(to, (end, before));
            }
            if begin < from {
                self.0.insert(begin, (from, before));
            }
        }
        self.0.insert(from, (to, when));
    }

    /// When the octet of this number was last sent.
    pub(crate) fn last(&self, number: i64) -> Option<Sending> {
        let (_, (end, when)) = self.0.range(..=number).next_back()?;
        (number < *end).then_some(*when)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;

    fn at(millis: u64) -> Sending {
        (Stamp::exactly(Instant::from_millis(millis)), millis)
    }

    #[test]
    fn of_each_octet_the_last_sending_counts() {
        let mut sent = Sent::default();
        sent.note(0, 10, at(1));
        sent.note(10, 20, at(2));
        sent.note(5, 15, at(3));
        let seen: Vec<_> = [0, 4, 5, 14, 15, 19, 20]
            .into_iter()
            .map(|number| sent.last(number).map(|it| it.1))
            .collect();
        assert_eq!(seen, [Some(1), Some(1), Some(3), Some(3), Some(2), Some(2), None]);
    }

    #[test]
    fn the_middle_of_a_stretch_leaves_its_ends() {
        let mut sent = Sent::default();
        sent.note(0, 10, at(1));
        sent.note(3, 6, at(2));
        let seen: Vec<_> = [2, 3, 5, 6]
            .into_iter()
            .map(|number| sent.last(number).map(|it| it.1))
            .collect();
        assert_eq!(seen, [Some(1), Some(2), Some(2), Some(1)]);
    }

    #[test]
    fn what_was_never_sent_has_no_time() {
        let mut sent = Sent::default();
        sent.note(5, 8, at(1));
        assert_eq!((sent.last(4), sent.last(8)), (None, None));
    }
}
