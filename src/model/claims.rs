//! What the endpoint claims to do under its choices. Cases that need what a choice takes away do not apply to it.

use super::config::Config;
use super::switch::Switch;
use crate::rfc::Condition;
use crate::stack::{Abilities, Facts, Tolerance};
use core::time::Duration;

impl Config {
    /// What is known of the endpoint with these choices, from what is known of it with the default ones.
    pub fn facts(&self, defaults: &Facts) -> Facts {
        let lost = self.lost();
        let mut facts = defaults.clone();
        facts.claims.retain(|claim| !lost.contains(&claim.name()));
        facts.claims.extend(self.gained());
        facts.tolerances = facts.tolerances.but(self.times());
        facts.abilities = Abilities::from_iter(facts.abilities.iter().filter(|ability| !lost.contains(ability)));
        facts
    }

    /// What these parameters make of the times.
    fn times(&self) -> [(Tolerance, Duration); 6] {
        // A round trip takes no time here, so that G is what is added to it.
        let rto = self.rto_min.max(self.clock_granularity);
        [
            (Tolerance::AckDelay, self.ack_delay),
            (Tolerance::RtoInitial, self.rto_initial),
            (Tolerance::Rto, rto),
            (Tolerance::RtoMax, self.rto_max),
            (Tolerance::TimeWait, self.msl * 2),
            (Tolerance::ChallengeGap, self.challenge_interval),
        ]
    }

    /// Conditions of requirements, and abilities of the same names, that these choices take away.
    pub(super) fn lost(&self) -> Vec<&'static str> {
        let chosen = |switch| self.choices.contains(switch);
        let always_cookies = chosen(Switch::SynCookiesAlways);
        let losses: [(bool, &[&str]); 10] = [
            (chosen(Switch::Rfc5961No), &["rfc5961"]),
            // RFC 6191 decides by timestamps.
            (chosen(Switch::TimestampsNo), &["timestamps", "rfc6191"]),
            (chosen(Switch::ReopenTimeWaitNo), &["rfc6191"]),
            (chosen(Switch::WindowScaleNo), &["window-scale"]),
            // A receiver that keeps nothing above a gap has nothing to report.
            (chosen(Switch::SackNo) || chosen(Switch::KeepOutOfOrderNo), &["sack"]),
            (chosen(Switch::EcnOff), &["ecn"]),
            (chosen(Switch::PathMtuDiscoveryNo), &["path-mtu-discovery"]),
            (chosen(Switch::LimitedTransmitNo), &["limited-transmit"]),
            (chosen(Switch::SynCookiesNever), &["syn-cookies"]),
            (chosen(Switch::InitialWindow10), &["initial-window-4"]),
        ];
        let mut lost: Vec<&str> = losses
            .iter()
            .filter(|(is, _)| *is)
            .flat_map(|(_, words)| *words)
            .copied()
            .collect();
        if always_cookies {
            // A cookie has room for an MSS only (RFC 4987 section 3.6): no passive connection has any of these.
            lost.extend(["ecn", "fast-open", "rfc6191", "sack", "timestamps", "window-scale"]);
        }
        lost
    }

    /// Conditions that the default endpoint does not claim.
    fn gained(&self) -> Vec<Condition> {
        let chosen = |switch| self.choices.contains(switch);
        let gains = [
            (chosen(Switch::InitialWindow10), Condition::InitialWindow10),
            (chosen(Switch::UserTimeoutOption), Condition::UserTimeoutOption),
            (chosen(Switch::Rack), Condition::Rack),
        ];
        gains
            .into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, condition)| condition)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::is_ability;
    use crate::stacks::Runner;

    fn defaults() -> Facts {
        Facts::clone(&Runner::bundled("model").unwrap().facts)
    }

    #[test]
    fn the_default_choices_change_nothing() {
        let facts = Config::default().facts(&defaults());
        assert_eq!(
            (facts.claims, facts.abilities, facts.tolerances),
            (defaults().claims, defaults().abilities, defaults().tolerances)
        );
    }

    #[test]
    fn a_choice_takes_away_what_it_is_against() {
        let mut config = Config::choosing(&[Switch::SackNo]);
        let facts = config.facts(&defaults());
        assert!(!facts.claims.contains(&Condition::Sack) && !facts.abilities.can("sack"));
        assert!(facts.claims.contains(&Condition::Timestamps) && facts.abilities.can("timestamps"));
        config.choose(Switch::UserTimeoutOption);
        assert!(config.facts(&defaults()).claims.contains(&Condition::UserTimeoutOption));
    }

    #[test]
    fn only_words_that_cases_know_are_taken_away() {
        for switch in Switch::ALL {
            for word in Config::choosing(&[*switch]).lost() {
                let known = Condition::from_name(word).is_some() || is_ability(word);
                assert!(known, "{}: {word}", switch.name());
            }
        }
    }
}
