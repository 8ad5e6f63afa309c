//! Decisions: the questions on which endpoints differ, each with the answers that the RFC allows and those that it does
//! not.
//!
//! The code that follows the RFC asks a decision for its answer and goes on with it. The answers stand in a table
//! beside that code, in a file `decisions.rs` for each topic, written with [`decisions`]. To add a wrong answer, add a
//! line there, and one among the names of [`Defect`].
//!
//! Answers are values without side effects: all the answers of a decision can be computed from the same block and
//! segment. So it is known which alternatives would have made a difference: one whose answer was equal to the lawful
//! one each time that its decision was asked would have changed nothing in the run, and need not be tried.

use super::config::Config;
use super::defect::{self, Defect, Defects};
use super::switch::{Switch, Switches};
use super::{
    calls, congestion, context, fast_open, icmp, isn, listen, options, output, rack, segment_arrives, settings, slips,
    stack, tcb, timers,
};
use std::cell::Cell;
use std::rc::Rc;

/// An answer other than the usual one: a lawful choice, or a mistake.
pub(super) trait Alternative: Copy {
    /// Its bit among those of all alternatives.
    fn bit(self) -> usize;
}

/// How many words of 64 bits hold a bit for each alternative: one for the choices, the others for the mistakes.
const WORDS: usize = 1 + defect::WORDS;

impl Alternative for Switch {
    fn bit(self) -> usize {
        self as usize
    }
}

impl Alternative for Defect {
    fn bit(self) -> usize {
        64 + self as usize
    }
}

/// The alternatives that one endpoint takes, and those that would have made a difference to it so far. All parts of the
/// endpoint share it.
#[derive(Clone, Debug)]
pub(super) struct Decider(Rc<Alternatives>);

#[derive(Debug)]
struct Alternatives {
    taken: [u64; WORDS],
    asked: [Cell<u64>; WORDS],
}

impl Decider {
    /// A decider that takes the configured choices and makes these mistakes.
    pub(super) fn new(config: &Config, made: Defects) -> Decider {
        let mut taken = [config.choices.0; WORDS];
        taken[1..].copy_from_slice(&made.0);
        let asked = std::array::from_fn(|_| Cell::new(0));
        Decider(Rc::new(Alternatives { taken, asked }))
    }

    /// Whether an alternative has to be computed: it is taken, or not yet known to make a difference.
    pub(super) fn weighs(&self, alternative: impl Alternative) -> bool {
        let (word, bit) = (alternative.bit() / 64, 1 << (alternative.bit() % 64));
        (self.0.taken[word] | !self.0.asked[word].get()) & bit != 0
    }

    /// Notes that an alternative makes a difference here; whether it is taken.
    pub(super) fn takes(&self, alternative: impl Alternative) -> bool {
        let (word, bit) = (alternative.bit() / 64, 1 << (alternative.bit() % 64));
        let asked = &self.0.asked[word];
        asked.set(asked.get() | bit);
        self.0.taken[word] & bit != 0
    }

    /// The choices that would have made a difference so far.
    pub(super) fn choices_asked(&self) -> Switches {
        Switches(self.0.asked[0].get())
    }

    /// The mistakes that would have made a difference so far.
    pub(super) fn mistakes_asked(&self) -> Defects {
        Defects(std::array::from_fn(|word| self.0.asked[1 + word].get()))
    }
}

/// What a decision is about: a value that knows the decider of its endpoint.
pub(super) trait Subject {
    /// The decider of its endpoint.
    fn decider(&self) -> &Decider;
}

/// A decision, as its table describes it.
#[derive(Clone, Copy, Debug)]
pub struct Decision {
    /// The name of its function.
    pub name: &'static str,
    /// The section of an RFC that it belongs to.
    pub section: &'static str,
    /// The choices that answer it otherwise than usual.
    pub lawful: &'static [Switch],
    /// The mistakes that answer it wrongly.
    pub wrong: &'static [Defect],
}

impl Decision {
    /// All decisions, table by table.
    pub fn all() -> impl Iterator<Item = &'static Decision> {
        let tables = [
            segment_arrives::decisions::TABLE,
            segment_arrives::closed::decisions::TABLE,
            segment_arrives::syn_sent::decisions::TABLE,
            segment_arrives::sequence::decisions::TABLE,
            segment_arrives::reset::decisions::TABLE,
            segment_arrives::syn::decisions::TABLE,
            segment_arrives::ack::decisions::TABLE,
            segment_arrives::text::decisions::TABLE,
            segment_arrives::fin::decisions::TABLE,
            calls::decisions::TABLE,
            congestion::decisions::TABLE,
            context::decisions::TABLE,
            fast_open::decisions::TABLE,
            icmp::decisions::TABLE,
            isn::decisions::TABLE,
            listen::decisions::TABLE,
            options::decisions::TABLE,
            output::decisions::TABLE,
            rack::decisions::TABLE,
            settings::decisions::TABLE,
            slips::decisions::TABLE,
            stack::decisions::TABLE,
            tcb::decisions::TABLE,
            timers::decisions::TABLE,
        ];
        tables.into_iter().flatten()
    }
}

/// Writes a table of decisions, each a function of a [`Subject`] and of what else the answer depends on:
///
/// ```text
/// decisions! {
///     /// What is asked.
///     "RFC 9293 section 3.10.7.4, fifth check"
///     fn ack_is_new(tcb: &Tcb, segment: &Arriving) -> bool {
///         lawful => tcb.acks_new(segment.ack),
///         or SomeSwitch if segment.fin => false,
///         wrong SomeDefect if segment.ack != tcb.snd_nxt => !lawful,
///     }
/// }
/// ```
///
/// `lawful` is the usual answer. Each `or` is another lawful answer, given under a choice; each `wrong` is the answer
/// of a mistake. The condition behind `if` says where an alternative answers at all. If several that are taken differ
/// from the lawful answer, the last `or` and the first `wrong` hold. In an `or`, `lawful` means the usual answer; in a
/// `wrong`, it means the lawful one that is in force.
macro_rules! decisions {
    ($(
        $(#[doc = $about:literal])+
        $section:literal
        fn $name:ident($subject:ident: &$Subject:ty $(, $input:ident: $Input:ty)* $(,)?) -> $Answer:ty {
            $lawful:ident => $usual:expr,
            $(or $switch:ident $(if $chosen_where:expr)? => $choice:expr,)*
            $(wrong $defect:ident $(if $wrong_where:expr)? => $mistake:expr,)*
        }
    )+) => {
        $(
            $(#[doc = $about])+
            #[doc = concat!("(", $section, ")")]
            pub(in crate::model) fn $name($subject: &$Subject $(, $input: $Input)*) -> $Answer {
                let decider = $crate::model::decision::Subject::decider($subject);
                let $lawful: $Answer = $usual;
                let mut _chosen: Option<$Answer> = None;
                $(if decider.weighs($crate::model::Switch::$switch) $(&& $chosen_where)? {
                    let answer: $Answer = $choice;
                    if answer != $lawful && decider.takes($crate::model::Switch::$switch) {
                        _chosen = Some(answer);
                    }
                })*
                let $lawful = _chosen.unwrap_or($lawful);
                $(if decider.weighs($crate::model::Defect::$defect) $(&& $wrong_where)? {
                    let answer: $Answer = $mistake;
                    if answer != $lawful && decider.takes($crate::model::Defect::$defect) {
                        return answer;
                    }
                })*
                $lawful
            }
        )+

        /// The decisions of this table.
        pub(in crate::model) const TABLE: &[$crate::model::decision::Decision] = &[
            $($crate::model::decision::Decision {
                name: stringify!($name),
                section: $section,
                lawful: &[$($crate::model::Switch::$switch),*],
                wrong: &[$($crate::model::Defect::$defect),*],
            }),+
        ];
    };
}
pub(super) use decisions;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// A number that is decided about.
    struct Number(u8, Decider);

    impl Subject for Number {
        fn decider(&self) -> &Decider {
            &self.1
        }
    }

    mod table {
        use super::Number;

        crate::model::decision::decisions! {
            /// Its half.
            "RFC 1 section 2"
            fn half(number: &Number) -> u8 {
                lawful => number.0 / 2,
                or SackNo if number.0 > 99 => 49,
                or TimestampsNo => number.0 / 2,
                wrong IgnoreRst if number.0 % 2 == 1 => lawful + 1,
                wrong PawsMissing => number.0,
            }
        }
    }

    fn number(number: u8, switches: &[Switch], made: Defects) -> Number {
        Number(number, Decider::new(&Config::choosing(switches), made))
    }

    #[test]
    fn only_answers_that_differ_are_noted() {
        let even = number(8, &[], Defects::NONE);
        assert_eq!(table::half(&even), 4);
        assert_eq!(even.1.mistakes_asked(), Defects::only(Defect::PawsMissing));
        assert_eq!(even.1.choices_asked(), Switches::default());
        let odd = number(101, &[], Defects::NONE);
        assert_eq!(table::half(&odd), 50);
        assert_eq!(
            odd.1.mistakes_asked(),
            Defects::only(Defect::PawsMissing).with(Defect::IgnoreRst)
        );
        assert_eq!(odd.1.choices_asked(), Switches::default().with(Switch::SackNo));
    }

    #[test]
    fn a_mistake_starts_from_the_lawful_answer_in_force() {
        let chosen = number(101, &[Switch::SackNo], Defects::NONE);
        assert_eq!(table::half(&chosen), 49);
        let both = number(101, &[Switch::SackNo], Defects::only(Defect::IgnoreRst));
        assert_eq!(table::half(&both), 50);
        let two = number(101, &[], Defects::only(Defect::PawsMissing).with(Defect::IgnoreRst));
        assert_eq!(
            (table::half(&two), two.1.mistakes_asked()),
            (51, Defects::only(Defect::IgnoreRst))
        );
    }

    #[test]
    fn a_table_tells_what_it_holds() {
        let [half] = table::TABLE else { panic!("there is one") };
        assert_eq!((half.name, half.section), ("half", "RFC 1 section 2"));
        assert_eq!(half.lawful, [Switch::SackNo, Switch::TimestampsNo]);
        assert_eq!(half.wrong, [Defect::IgnoreRst, Defect::PawsMissing]);
    }

    #[test]
    fn every_choice_and_every_mistake_is_an_answer_of_some_decision() {
        let lawful: BTreeSet<_> = Decision::all().flat_map(|decision| decision.lawful).collect();
        let wrong: BTreeSet<_> = Decision::all().flat_map(|decision| decision.wrong).collect();
        assert_eq!(lawful, Switch::ALL.iter().collect());
        assert_eq!(wrong, Defect::ALL.iter().collect());
    }

    #[test]
    fn every_decision_stands_in_an_rfc_and_can_be_answered_in_another_way() {
        for decision in Decision::all() {
            let Decision {
                name,
                section,
                lawful,
                wrong,
            } = decision;
            assert!(section.starts_with("RFC "), "{name}");
            let mistakes: BTreeSet<_> = wrong.iter().collect();
            assert!(
                lawful.len() + mistakes.len() > 0 && mistakes.len() == wrong.len(),
                "{name}"
            );
        }
    }
}
