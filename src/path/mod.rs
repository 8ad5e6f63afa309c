//! The middlebox between two ends, as a machine without input and output: a frame goes in with its moment and its
//! direction; what leaves comes out at once, or when its time has come.
//!
//! A frame is the octets of an IP packet. The middlebox knows nothing of its two ends, nor how frames are told apart:
//! it is generic over that, and the caller says which rules a frame fits.

mod action;

pub use action::{Action, Treatment};

use crate::random::Random;
use crate::time::Instant;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which way a frame passes, from one of the two ends to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From the end A to the end B.
    AToB,
    /// From the end B to the end A.
    BToA,
}

/// Something to be done with certain frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultRule<P> {
    /// The direction of the frames that it is about.
    pub direction: Direction,
    /// What tells the frames that it is about from others: a pattern, a predicate, a flow.
    pub frames: P,
    /// Only the nth of them, from 1; `None`: every one.
    pub nth: Option<u64>,
    /// What is done.
    pub action: Action,
}

/// A rule, and how many frames have fitted it.
#[derive(Debug)]
struct Counted<P> {
    rule: FaultRule<P>,
    met: u64,
}

/// What becomes of a frame that has come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// What was done with it; `None`: nothing.
    pub treatment: Option<Treatment>,
    /// What leaves at once, in order.
    pub leaving: Vec<Arc<[u8]>>,
    /// How many packets leave later: [`Middlebox::poll`] hands them out.
    pub held: usize,
}

/// A frame that was held and leaves now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure<T> {
    /// When its time had come.
    pub due: Instant,
    /// Which way it goes.
    pub direction: Direction,
    /// What it is.
    pub octets: Arc<[u8]>,
    /// What was handed in together with the frame.
    pub tag: T,
}

/// A middlebox. `P` is how its rules tell frames apart; `T` is what is handed in with a frame and comes out with it
/// again.
#[derive(Debug)]
pub struct Middlebox<P, T> {
    rules: Vec<Counted<P>>,
    /// What leaves later, by its moment; what leaves at the same moment is in the order in which it came.
    held: BTreeMap<(Instant, u64), Departure<T>>,
    /// How many frames were ever held.
    count: u64,
    random: Random,
}

impl<P, T: Clone> Middlebox<P, T> {
    /// A middlebox without rules, which lets everything pass. `random` decides which bits are corrupted.
    pub fn new(random: Random) -> Middlebox<P, T> {
        Middlebox {
            rules: Vec::new(),
            held: BTreeMap::new(),
            count: 0,
            random,
        }
    }

    /// Adds a rule behind those that it has.
    pub fn add(&mut self, rule: FaultRule<P>) {
        self.rules.push(Counted { rule, met: 0 });
    }

    /// Removes all rules. Frames that are held leave in their time all the same.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// Whether it has no rules.
    pub fn is_wire(&self) -> bool {
        self.rules.is_empty()
    }

    /// Takes in a frame. `fits` says whether a rule is about it, and is asked for the rules of its direction. Each rule
    /// counts the frames that it is about; of the rules whose turn it is, the first acts.
    pub fn handle(
        &mut self,
        now: Instant,
        direction: Direction,
        octets: &Arc<[u8]>,
        tag: T,
        fits: impl FnMut(&P) -> bool,
    ) -> Passage {
        let Some(action) = self.due(direction, fits) else {
            return Passage {
                treatment: None,
                leaving: vec![Arc::clone(octets)],
                held: 0,
            };
        };
        let mut passage = Passage {
            treatment: Some(action.treatment()),
            leaving: Vec::new(),
            held: 0,
        };
        for (after, octets) in action.apply(octets, &mut self.random) {
            if after == Duration::ZERO {
                passage.leaving.push(octets);
                continue;
            }
            passage.held += 1;
            let departure = Departure {
                due: now + after,
                direction,
                octets,
                tag: tag.clone(),
            };
            self.count += 1;
            self.held.insert((departure.due, self.count), departure);
        }
        passage
    }

    fn due(&mut self, direction: Direction, mut fits: impl FnMut(&P) -> bool) -> Option<Action> {
        let mut due = None;
        for Counted { rule, met } in &mut self.rules {
            if rule.direction != direction || !fits(&rule.frames) {
                continue;
            }
            *met += 1;
            if due.is_none() && rule.nth.is_none_or(|nth| nth == *met) {
                due = Some(rule.action);
            }
        }
        due
    }

    /// The next held frame whose time has come by `now`; to be called until there is none.
    pub fn poll(&mut self, now: Instant) -> Option<Departure<T>> {
        let first = self.held.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// When the next held frame leaves; [`Instant::NEVER`] if none is held.
    pub fn deadline(&self) -> Instant {
        self.held.first_key_value().map_or(Instant::NEVER, |((due, _), _)| *due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Direction::{AToB, BToA};

    /// Tells frames apart by their first octet.
    type First = fn(u8) -> bool;
    type Line = Middlebox<First, &'static str>;

    const ANY: First = |_| true;

    fn rule(action: Action, nth: Option<u64>) -> FaultRule<First> {
        FaultRule {
            direction: AToB,
            frames: ANY,
            nth,
            action,
        }
    }

    fn with(rules: &[FaultRule<First>]) -> Line {
        let mut middlebox = Middlebox::new(Random::new(1));
        rules.iter().for_each(|rule| middlebox.add(rule.clone()));
        middlebox
    }

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    /// Hands in a frame of one octet at a moment.
    fn enter(middlebox: &mut Line, millis: u64, direction: Direction, octet: u8, tag: &'static str) -> Passage {
        middlebox.handle(at(millis), direction, &Arc::from([octet]), tag, |fits| fits(octet))
    }

    fn left(middlebox: &mut Line, millis: u64) -> Vec<(Instant, &'static str)> {
        std::iter::from_fn(|| middlebox.poll(at(millis)))
            .map(|departure| (departure.due, departure.tag))
            .collect()
    }

    #[test]
    fn a_rule_acts_on_the_frames_that_it_is_about() {
        let odd: First = |octet| octet % 2 == 1;
        let drop = |frames, nth| FaultRule {
            frames,
            ..rule(Action::Drop, nth)
        };
        let table: &[(&str, FaultRule<First>, Direction, [bool; 4])] = &[
            ("every one", drop(ANY, None), AToB, [true; 4]),
            ("the second", drop(ANY, Some(2)), AToB, [false, true, false, false]),
            ("odd ones", drop(odd, None), AToB, [true, false, true, false]),
            (
                "the second odd one",
                drop(odd, Some(2)),
                AToB,
                [false, false, true, false],
            ),
            ("of the other direction", drop(ANY, None), BToA, [false; 4]),
        ];
        for (name, rule, direction, expected) in table {
            let mut middlebox = with(std::slice::from_ref(rule));
            let dropped = [1, 2, 3, 4].map(|octet| {
                let passage = enter(&mut middlebox, 0, *direction, octet, "");
                assert_eq!(passage.leaving.is_empty(), passage.treatment.is_some(), "{name}");
                passage.treatment == Some(Treatment::Dropped)
            });
            assert_eq!(dropped, *expected, "{name}");
        }
    }

    #[test]
    fn of_several_rules_the_first_acts_and_all_count() {
        let mut middlebox = with(&[
            rule(Action::Drop, Some(2)),
            rule(Action::Duplicate, Some(2)),
            rule(Action::Drop, Some(3)),
        ]);
        let done: [_; 4] = std::array::from_fn(|_| enter(&mut middlebox, 0, AToB, 0, "").treatment);
        assert_eq!(done, [None, Some(Treatment::Dropped), Some(Treatment::Dropped), None]);
    }

    #[test]
    fn held_frames_leave_in_the_order_of_their_moments() {
        let slow = FaultRule {
            frames: (|octet| octet == 1) as First,
            ..rule(Action::Delay(Duration::from_millis(50)), None)
        };
        let mut middlebox = with(&[slow, rule(Action::Replay(Duration::from_millis(20)), None)]);
        let passage = enter(&mut middlebox, 0, AToB, 1, "slow");
        assert_eq!((passage.leaving.len(), passage.held), (0, 1));
        let passage = enter(&mut middlebox, 10, AToB, 2, "again");
        assert_eq!((passage.leaving.len(), passage.held), (1, 1));
        enter(&mut middlebox, 30, AToB, 3, "as late as the first, but later here");
        assert_eq!(middlebox.deadline(), at(30));
        assert_eq!(left(&mut middlebox, 29), []);
        assert_eq!(left(&mut middlebox, 30), [(at(30), "again")]);
        let expected = [(at(50), "slow"), (at(50), "as late as the first, but later here")];
        assert_eq!(left(&mut middlebox, 1000), expected);
        assert_eq!(middlebox.deadline(), Instant::NEVER);
    }

    #[test]
    fn without_rules_it_is_a_wire_but_what_it_holds_still_leaves() {
        let mut middlebox = with(&[rule(Action::Delay(Duration::from_millis(5)), None)]);
        enter(&mut middlebox, 0, AToB, 0, "held");
        middlebox.clear();
        assert!(middlebox.is_wire());
        let passage = enter(&mut middlebox, 1, AToB, 0, "passes");
        assert_eq!((passage.treatment, passage.leaving.len()), (None, 1));
        assert_eq!(left(&mut middlebox, 5), [(at(5), "held")]);
    }

    #[test]
    fn two_of_one_seed_corrupt_alike() {
        let frame: Arc<[u8]> = Arc::from([0x45; 60]);
        let corrupted = |seed| {
            let mut middlebox: Line = Middlebox::new(Random::new(seed));
            middlebox.add(rule(Action::Corrupt, None));
            let passages = [(); 3].map(|()| middlebox.handle(at(0), AToB, &frame, "", |_| true));
            passages.map(|passage| passage.leaving[0].clone())
        };
        assert_eq!(corrupted(1), corrupted(1));
        assert_ne!(corrupted(1), corrupted(2));
    }
}
