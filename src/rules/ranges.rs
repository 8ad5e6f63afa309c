//! Sets of sequence numbers.

use std::collections::BTreeMap;

/// Half-open ranges of sequence numbers, disjoint: where each begins, and where it ends.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges(BTreeMap<i64, i64>);

impl Ranges {
    /// Puts a stretch in; calls `again` with each part of it that was there.
    pub(super) fn add(&mut self, (start, end): (i64, i64), mut again: impl FnMut((i64, i64))) {
        if start >= end {
            return;
        }
        let mut whole = (start, end);
        let touching = |map: &BTreeMap<i64, i64>| {
            let (first, last) = map.range(..=end).next_back()?;
            (*last >= start).then_some((*first, *last))
        };
        while let Some((first, last)) = touching(&self.0) {
            let common = (first.max(start), last.min(end));
            if common.0 < common.1 {
                again(common);
            }
            whole = (whole.0.min(first), whole.1.max(last));
            self.0.remove(&first);
        }
        self.0.insert(whole.0, whole.1);
    }

    /// Whether all of a stretch is there.
    pub(super) fn contains(&self, (start, end): (i64, i64)) -> bool {
        self.end_around(start).is_some_and(|last| end <= last)
    }

    /// The end of what is there without a gap from `start` on; `start` where it is not there.
    pub(super) fn without_gap(&self, start: i64) -> i64 {
        self.end_around(start).unwrap_or(start)
    }

    /// Where the stretch that holds a number ends.
    fn end_around(&self, number: i64) -> Option<i64> {
        let (_, last) = self.0.range(..=number).next_back()?;
        (*last > number).then_some(*last)
    }
}

/// What stands in a map under the numbers from `first` to `last`, which may wrap (RFC 9293 section 3.4).
pub(super) fn between<T>(map: &BTreeMap<u32, T>, first: u32, last: u32) -> impl DoubleEndedIterator<Item = &T> {
    let (low, high) = match first <= last {
        true => (map.range(first..=last), map.range(0..0)),
        false => (map.range(first..), map.range(..=last)),
    };
    low.chain(high).map(|(_, it)| it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_that_touch_become_one_and_what_comes_twice_is_told() {
        let mut ranges = Ranges::default();
        let mut twice = Vec::new();
        for stretch in [(10, 20), (30, 40), (20, 25), (5, 8), (24, 31), (7, 7)] {
            ranges.add(stretch, |again| twice.push(again));
        }
        assert_eq!(ranges.0.clone().into_iter().collect::<Vec<_>>(), [(5, 8), (10, 40)]);
        twice.sort_unstable();
        assert_eq!(twice, [(24, 25), (30, 31)]);
        assert!(ranges.contains((12, 40)) && !ranges.contains((7, 11)) && !ranges.contains((39, 41)));
        assert_eq!(
            (ranges.without_gap(10), ranges.without_gap(8), ranges.without_gap(6)),
            (40, 8, 8)
        );
    }

    #[test]
    fn numbers_that_wrap_lie_between_others() {
        let map: BTreeMap<u32, u32> = [1, 5, u32::MAX].map(|number| (number, number)).into();
        let found = |first, last| between(&map, first, last).copied().collect::<Vec<_>>();
        assert_eq!(found(2, 5), [5]);
        assert_eq!(found(2, u32::MAX), [5, u32::MAX]);
        assert_eq!(found(u32::MAX, 1), [u32::MAX, 1]);
        assert_eq!(found(6, 0), [u32::MAX]);
    }
}
