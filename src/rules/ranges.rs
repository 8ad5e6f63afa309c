//! Sets of sequence numbers.

/// Half-open ranges of sequence numbers, disjoint and in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Ranges(Vec<(i64, i64)>);

impl Ranges {
    /// Puts a stretch in; calls `again` with each part of it that was there.
    pub fn add(&mut self, (start, end): (i64, i64), mut again: impl FnMut((i64, i64))) {
        if start >= end {
            return;
        }
        // The usual case: the range follows the last one without a gap.
        if let Some(last) = self.0.last_mut()
            && last.1 == start
        {
            last.1 = end;
            return;
        }
        let first = self.0.partition_point(|stretch| stretch.1 < start);
        let past = first + self.0[first..].partition_point(|stretch| stretch.0 <= end);
        let mut whole = (start, end);
        for stretch in &self.0[first..past] {
            let common = (stretch.0.max(start), stretch.1.min(end));
            if common.0 < common.1 {
                again(common);
            }
            whole = (whole.0.min(stretch.0), whole.1.max(stretch.1));
        }
        self.0.splice(first..past, [whole]);
    }

    /// Whether all of a stretch is there.
    pub fn contains(&self, (start, end): (i64, i64)) -> bool {
        self.around(start).is_some_and(|stretch| end <= stretch.1)
    }

    /// The end of what is there without a gap from `start` on; `start` where it is not there.
    pub fn without_gap(&self, start: i64) -> i64 {
        self.around(start).map_or(start, |stretch| stretch.1)
    }

    fn around(&self, number: i64) -> Option<&(i64, i64)> {
        let place = self.0.partition_point(|stretch| stretch.1 <= number);
        self.0.get(place).filter(|stretch| stretch.0 <= number)
    }
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
        assert_eq!(ranges.0, [(5, 8), (10, 40)]);
        assert_eq!(twice, [(24, 25), (30, 31)]);
        assert!(ranges.contains((12, 40)) && !ranges.contains((7, 11)) && !ranges.contains((39, 41)));
        assert_eq!(
            (ranges.without_gap(10), ranges.without_gap(8), ranges.without_gap(6)),
            (40, 8, 8)
        );
    }
}
