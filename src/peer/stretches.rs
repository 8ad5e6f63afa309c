//! Stretches of sequence space that arrived out of order.

/// A set of half-open intervals, merged and in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stretches(Vec<(i64, i64)>);

impl Stretches {
    /// Adds `[from, to)`; nothing if it is empty.
    pub(super) fn add(&mut self, from: i64, to: i64) {
        if from >= to {
            return;
        }
        let (mut from, mut to) = (from, to);
        self.0.retain(|&(a, b)| {
            let apart = b < from || to < a;
            if !apart {
                from = from.min(a);
                to = to.max(b);
            }
            apart
        });
        let place = self.0.partition_point(|&(a, _)| a < from);
        self.0.insert(place, (from, to));
    }

    /// The end of what lies without a gap from `at` on; what lies before it is forgotten.
    pub(super) fn reach(&mut self, at: i64) -> i64 {
        let end = self.0.iter().find(|&&(a, b)| a <= at && at < b).map_or(at, |&(_, b)| b);
        self.0.retain(|&(_, b)| b > end);
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_stops_and_its_filling_goes_on() {
        let mut s = Stretches::default();
        s.add(5, 8);
        assert_eq!(s.reach(1), 1);
        s.add(1, 5);
        assert_eq!(s.reach(1), 8);
        assert_eq!(s.reach(8), 8);
    }

    #[test]
    fn overlaps_merge_and_empty_ones_do_not_count() {
        let mut s = Stretches::default();
        s.add(3, 3);
        s.add(1, 4);
        s.add(2, 6);
        assert_eq!(s.reach(1), 6);
    }
}
