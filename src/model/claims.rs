//! What the endpoint still claims to be and to do once its choices are made: what a choice takes away, no case asks for.

use super::config::{Config, EcnUse, InitialWindow, SynCookies};
use crate::rfc::Condition;
use crate::stack::{Abilities, Facts};

impl Config {
    /// What is known of the endpoint with these choices, from what is known of it with the default ones.
    pub fn facts(&self, defaults: &Facts) -> Facts {
        let lost = self.lost();
        let mut facts = defaults.clone();
        facts.claims.retain(|claim| !lost.contains(&claim.name()));
        facts.claims.extend(self.gained());
        facts.abilities = Abilities::from_iter(facts.abilities.iter().filter(|ability| !lost.contains(ability)));
        facts
    }

    /// Conditions of requirements, and abilities of the same names, that these choices take away.
    fn lost(&self) -> Vec<&'static str> {
        let always_cookies = self.syn_cookies == SynCookies::Always;
        let losses: [(bool, &[&str]); 10] = [
            (!self.rfc5961, &["rfc5961"]),
            // RFC 6191 goes by timestamps.
            (!self.timestamps, &["timestamps", "rfc6191"]),
            (!self.reopen_time_wait, &["rfc6191"]),
            (!self.window_scale, &["window-scale"]),
            // Who keeps nothing above a gap has nothing to report.
            (!self.sack || !self.keep_out_of_order, &["sack"]),
            (self.ecn == EcnUse::Off, &["ecn"]),
            (!self.path_mtu_discovery, &["path-mtu-discovery"]),
            (!self.limited_transmit, &["limited-transmit"]),
            (self.syn_cookies == SynCookies::Never, &["syn-cookies"]),
            (self.initial_window == InitialWindow::Rfc6928, &["initial-window-4"]),
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
        let gains = [
            (
                self.initial_window == InitialWindow::Rfc6928,
                Condition::InitialWindow10,
            ),
            (self.user_timeout_option, Condition::UserTimeoutOption),
            (self.rack, Condition::Rack),
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
    use crate::model::SWITCHES;
    use crate::stack::is_ability;
    use crate::stacks::Runner;

    fn defaults() -> Facts {
        Facts::clone(&Runner::bundled("model").unwrap().facts)
    }

    #[test]
    fn the_default_choices_change_nothing() {
        let facts = Config::default().facts(&defaults());
        assert_eq!(
            (facts.claims, facts.abilities),
            (defaults().claims, defaults().abilities)
        );
    }

    #[test]
    fn a_choice_takes_away_what_it_is_against() {
        let mut config = Config {
            sack: false,
            ..Config::default()
        };
        let facts = config.facts(&defaults());
        assert!(!facts.claims.contains(&Condition::Sack) && !facts.abilities.can("sack"));
        assert!(facts.claims.contains(&Condition::Timestamps) && facts.abilities.can("timestamps"));
        config.user_timeout_option = true;
        assert!(config.facts(&defaults()).claims.contains(&Condition::UserTimeoutOption));
    }

    #[test]
    fn only_words_that_cases_know_are_taken_away() {
        for switch in SWITCHES {
            let mut config = Config::default();
            switch.turn(&mut config);
            for word in config.lost() {
                let known = Condition::from_name(word).is_some() || is_ability(word);
                assert!(known, "{}: {word}", switch.name);
            }
        }
    }
}
