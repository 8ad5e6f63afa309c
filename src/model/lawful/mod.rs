//! Endpoints drawn by lot from all that lawful stacks do: the reference endpoint with its choices and with values of its
//! parameters that RFCs allow.
//!
//! What differs, and how far, stands in one table (`table.rs`). What follows from it for the endpoint's times, claims and
//! abilities is worked out from the configuration, as for any other ([`Config::facts`]).

mod table;

use super::config::Config;
use super::switch::Switch;
use crate::random::Random;
use core::fmt;
use core::time::Duration;
use std::collections::BTreeSet;

/// One way in which lawful endpoints differ, beside the choices ([`Switch`]).
#[derive(Debug)]
pub struct Parameter {
    /// As findings write it: `rto-min`.
    pub name: &'static str,
    /// What gives the range its ends: a section of an RFC, or what stacks are known to do where RFCs are silent.
    pub source: &'static str,
    /// The least value and the largest; both are lawful.
    pub range: (u64, u64),
    /// The value of the default configuration.
    pub usual: u64,
    /// What the value counts.
    pub unit: Unit,
    /// One in so many endpoints has another value than the usual one.
    odds: u32,
    apply: fn(&mut Config, u64),
    departs: fn(u64) -> &'static [&'static str],
}

/// What the value of a parameter counts.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// Nanoseconds.
    Time,
    /// Octets, segments, or whatever else there are so many of.
    Number,
    /// The place among these names.
    Name(&'static [&'static str]),
}

impl Parameter {
    /// All of them.
    pub const ALL: &[Parameter] = table::TABLE;

    /// The value as findings write it: `200ms`.
    pub fn text(&self, value: u64) -> String {
        match self.unit {
            Unit::Time => format!("{:?}", Duration::from_nanos(value)),
            Unit::Number => value.to_string(),
            Unit::Name(names) => {
                let name = usize::try_from(value).ok().and_then(|at| names.get(at));
                name.map_or_else(|| value.to_string(), |name| (*name).to_owned())
            }
        }
    }

    /// A value by lot: often the usual one, else either end, or something in between, where each power of two is as
    /// likely as the next.
    fn draw(&self, random: &mut Random) -> u64 {
        let (least, most) = self.range;
        let (usual, which) = (!random.next_u32().is_multiple_of(self.odds), random.next_u32() % 4);
        match which {
            _ if usual => self.usual,
            0 => least,
            1 => most,
            _ => {
                let bits = |value: u64| u64::from(64 - value.leading_zeros());
                let length = bits(least) + random.next_u64() % (bits(most) - bits(least) + 1);
                let power = 1 << length.min(63);
                (power / 2 + random.next_u64() % power.max(2) / 2).clamp(least, most)
            }
        }
    }
}

/// What one endpoint does otherwise than the default one.
#[derive(Clone, Copy, Debug)]
pub enum Trait {
    /// A parameter has this value.
    Value(&'static Parameter, u64),
    /// A choice is made.
    Choice(Switch),
}

impl Trait {
    /// The name of the parameter or of the choice.
    pub fn name(&self) -> &'static str {
        match self {
            Trait::Value(parameter, _) => parameter.name,
            Trait::Choice(switch) => switch.name(),
        }
    }

    /// The requirements, none of them a MUST, from which it departs.
    pub fn departs(&self) -> &'static [&'static str] {
        match self {
            Trait::Value(parameter, value) => (parameter.departs)(*value),
            Trait::Choice(switch) => table::departures(*switch),
        }
    }

    fn apply(&self, config: &mut Config) {
        match self {
            Trait::Value(parameter, value) => (parameter.apply)(config, *value),
            Trait::Choice(switch) => config.choose(*switch),
        }
    }
}

impl fmt::Display for Trait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trait::Value(parameter, value) => write!(f, "{}={}", parameter.name, parameter.text(*value)),
            Trait::Choice(switch) => f.write_str(switch.name()),
        }
    }
}

/// A lawful endpoint.
#[derive(Clone, Debug, Default)]
pub struct LawfulEndpoint {
    /// What it does otherwise than the default one.
    pub traits: Vec<Trait>,
}

impl LawfulEndpoint {
    /// The endpoint that belongs to a seed.
    pub fn draw(seed: u64) -> LawfulEndpoint {
        let mut random = Random::new(seed);
        let mut traits = Vec::new();
        for parameter in Parameter::ALL {
            let value = parameter.draw(&mut random);
            if value != parameter.usual {
                traits.push(Trait::Value(parameter, value));
            }
        }
        for alternatives in Switch::ALL.chunk_by(|a, b| a.subject() == b.subject()) {
            let (lot, which) = (random.next_u32(), random.next_u32() as usize % alternatives.len());
            let chosen = alternatives[which];
            if table::is_drawn(chosen) && lot.is_multiple_of(table::odds(chosen)) {
                traits.push(Trait::Choice(chosen));
            }
        }
        LawfulEndpoint { traits }
    }

    /// The same but for one of its traits, which is as usual.
    pub fn without(&self, place: usize) -> LawfulEndpoint {
        let mut less = self.clone();
        less.traits.remove(place);
        less
    }

    /// How it is configured.
    pub fn config(&self) -> Config {
        let mut config = Config::default();
        self.traits.iter().for_each(|it| it.apply(&mut config));
        config
    }

    /// The requirements from which it departs, none of them a MUST: what its `runner.yaml` would say.
    pub fn departs(&self) -> BTreeSet<&'static str> {
        self.traits.iter().flat_map(|it| it.departs()).copied().collect()
    }
}

impl fmt::Display for LawfulEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let traits: Vec<String> = self.traits.iter().map(ToString::to_string).collect();
        match traits.as_slice() {
            [] => f.write_str("nothing unusual"),
            traits => f.write_str(&traits.join(" ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Library;
    use crate::rfc::Level;

    #[test]
    fn both_ends_of_each_range_are_drawn() {
        let drawn: Vec<LawfulEndpoint> = (0..2000).map(LawfulEndpoint::draw).collect();
        for parameter in Parameter::ALL {
            let values: BTreeSet<u64> = drawn.iter().map(|endpoint| value_of(endpoint, parameter)).collect();
            let (least, most) = parameter.range;
            assert!(values.contains(&least) && values.contains(&most), "{}", parameter.name);
            assert!(values.contains(&parameter.usual), "{}", parameter.name);
            assert!(
                values.iter().all(|value| (least..=most).contains(value)),
                "{}",
                parameter.name
            );
        }
    }

    fn value_of(endpoint: &LawfulEndpoint, wanted: &Parameter) -> u64 {
        let found = endpoint.traits.iter().find_map(|it| match it {
            Trait::Value(parameter, value) if parameter.name == wanted.name => Some(*value),
            _ => None,
        });
        found.unwrap_or(wanted.usual)
    }

    #[test]
    fn every_choice_is_drawn_or_says_why_not() {
        let mut drawn: BTreeSet<Switch> = BTreeSet::new();
        for endpoint in (0..2000).map(LawfulEndpoint::draw) {
            drawn.extend(endpoint.traits.iter().filter_map(|it| match it {
                Trait::Choice(switch) => Some(*switch),
                Trait::Value(..) => None,
            }));
        }
        for switch in Switch::ALL {
            assert_eq!(drawn.contains(switch), table::is_drawn(*switch), "{}", switch.name());
        }
    }

    #[test]
    fn the_usual_value_changes_nothing_and_every_other_does() {
        for parameter in Parameter::ALL {
            let with = |value| {
                let mut config = Config::default();
                (parameter.apply)(&mut config, value);
                config
            };
            assert_eq!(with(parameter.usual), Config::default(), "{}", parameter.name);
            let (least, most) = parameter.range;
            for value in [least, most].into_iter().filter(|value| *value != parameter.usual) {
                assert_ne!(with(value), Config::default(), "{} {value}", parameter.name);
            }
            assert!((parameter.departs)(parameter.usual).is_empty(), "{}", parameter.name);
        }
    }

    #[test]
    fn a_seed_gives_the_same_endpoint_each_time_and_another_another() {
        let text = |seed| LawfulEndpoint::draw(seed).to_string();
        assert_eq!(text(7), text(7));
        assert_ne!(text(7), text(8));
    }

    #[test]
    fn only_requirements_that_are_no_must_are_departed_from() {
        let library = Library::bundled().unwrap();
        let values = Parameter::ALL.iter().flat_map(|parameter| {
            let (least, most) = parameter.range;
            [Trait::Value(parameter, least), Trait::Value(parameter, most)]
        });
        for it in values.chain(Switch::ALL.iter().map(|switch| Trait::Choice(*switch))) {
            for id in it.departs() {
                let known = library
                    .requirements()
                    .get(id)
                    .unwrap_or_else(|| panic!("{it}: {id} is unknown"));
                assert!(known.requirement.level < Level::Must, "{it}: {id}");
            }
        }
    }
}
