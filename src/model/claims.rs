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
        let rto = self.until_tick(self.rto_min.max(self.clock_granularity));
        [
            (Tolerance::AckDelay, self.ack_delay),
            // The middle, since cases ask when it comes about.
            (Tolerance::RtoInitial, self.rto_initial + self.timer_tick / 2),
            (Tolerance::Rto, rto),
            (Tolerance::RtoMax, self.until_tick(self.rto_max)),
            (Tolerance::TimeWait, self.msl * 2),
            (Tolerance::ChallengeGap, self.challenge_interval),
        ]
    }

    /// So long, and until the clock ticks that a timer goes by: it may just have ticked.
    fn until_tick(&self, time: Duration) -> Duration {
        time + self.timer_tick
    }

    /// Conditions of requirements, and abilities of the same names, that these choices take away.
    pub(super) fn lost(&self) -> Vec<&'static str> {
        let chosen = |switch| self.choices.contains(switch);
        let always_cookies = chosen(Switch::SynCookiesAlways);
        let losses: [(bool, &[&str]); 11] = [
            (chosen(Switch::Rfc5961No), &["rfc5961"]),
            // RFC 6191 decides by timestamps.
            (chosen(Switch::TimestampsNo), &["timestamps", "rfc6191"]),
            (chosen(Switch::ReopenTimeWaitNo), &["rfc6191"]),
            (chosen(Switch::WindowScaleNo), &["window-scale"]),
            (self.reports_little() || chosen(Switch::SackNo), &["sack"]),
            (chosen(Switch::EcnOff), &["ecn"]),
            (chosen(Switch::PathMtuDiscoveryNo), &["path-mtu-discovery"]),
            (chosen(Switch::LimitedTransmitNo), &["limited-transmit"]),
            (chosen(Switch::SynCookiesNever), &["syn-cookies"]),
            (self.receive_buffer < 64 << 10, &["large-window"]),
            (
                chosen(Switch::InitialWindow10) || self.initial_segments < 4,
                &["initial-window-4"],
            ),
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

    /// Whether SACK is not implemented as RFC 2018, RFC 2883 and RFC 6675 have it. A receiver that keeps little above a
    /// gap has little to report.
    fn reports_little(&self) -> bool {
        let without = [
            Switch::KeepOutOfOrderNo,
            Switch::DsackNo,
            Switch::SackBlocksOne,
            Switch::RecoveryNewreno,
        ];
        let kept = self.reassembly_limit >= Config::default().reassembly_limit;
        !kept || without.into_iter().any(|switch| self.choices.contains(switch))
    }

    /// Conditions that the default endpoint does not claim.
    fn gained(&self) -> Vec<Condition> {
        let chosen = |switch| self.choices.contains(switch);
        let gains = [
            (
                chosen(Switch::InitialWindow10) && self.initial_segments >= 10,
                Condition::InitialWindow10,
            ),
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
