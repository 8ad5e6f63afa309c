//! Waivers in `expectations.yaml`: habits of a target that its runs are judged without, each with its reason.
//!
//! A waiver takes something out of the exchange, so that what else is wrong in a run shows. A run that would pass then is
//! a failure that is expected. A waiver that no run of the whole library meets is out of date.

use super::expectations::{TODO, matches_run};
use super::{Pattern, Row, RunId};
use crate::engine::{Upon, Waive, WindowSide};
use crate::notation::{Verb, did_you_mean};
use crate::rules::RULES;
use crate::wire::OptionKind;
use serde::{Deserialize, Serialize};
use serde_yaml::Value;
use std::collections::BTreeSet;

/// A waiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Waiver {
    /// What is passed over.
    pub waive: Waive,
    /// The id of the requirement that it breaks.
    pub requirement: String,
    /// Why that is accepted.
    pub reason: String,
    /// Which runs are judged without it.
    pub cases: Pattern,
    /// Only over this IP version: `4` or `6`.
    pub ip: Option<String>,
    /// Only with these ISNs: `plain` or `wrap`.
    pub isn: Option<String>,
    /// The file, as shown to a person.
    pub file: String,
    /// The line on which it begins, from 1.
    pub line: usize,
}

impl Waiver {
    /// Whether this run is judged without it.
    pub fn speaks_of(&self, run: &RunId) -> bool {
        matches_run((&self.cases, &self.ip, &self.isn), run)
    }

    /// Whether a reason has been written.
    pub fn is_explained(&self) -> bool {
        !self.reason.starts_with(TODO)
    }

    /// Where it is: `runners/linux/expectations.yaml:12`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    /// What is wrong with it, given all runs of the library.
    pub(super) fn check(&self, library: &[(RunId, &Row)]) -> Option<String> {
        let rows: Vec<&Row> = library
            .iter()
            .filter(|(run, _)| self.speaks_of(run))
            .map(|(_, row)| *row)
            .collect();
        if rows.is_empty() {
            let cases: BTreeSet<&str> = library.iter().map(|(run, _)| run.case.as_str()).collect();
            let help = did_you_mean(self.cases.as_str(), cases)
                .unwrap_or_else(|| "correct the pattern, or remove the waiver".to_owned());
            return Some(format!("no run matches `{}`; {help}", self.cases.as_str()));
        }
        let own = self.waive.requirements();
        let covered = || {
            rows.iter()
                .flat_map(|row| &row.requirements)
                .any(|id| *id == self.requirement)
        };
        match own.is_empty() {
            false if !own.contains(&self.requirement.as_str()) => Some(format!(
                "`waive: {}` breaks {}, not `{}`",
                self.waive,
                own.into_iter().collect::<Vec<_>>().join(" or "),
                self.requirement
            )),
            true if !covered() => Some(format!("no run that it is about covers `{}`", self.requirement)),
            _ => None,
        }
    }
}

const REMEDY: &str = "what did not come, came too late, was numbered wrongly or broke down cannot be taken out of an exchange: \
                      pin the runs, with `cases`, `expect`, `requirement` and `step`";

/// Reads what is waived: `unasked-ack`, `{unasked-ack: recv}`, `{option: timestamps}`, `window`, `{window: too-low}`,
/// `{rule: reserved-bits-clear}`.
pub(super) fn read(written: &Value) -> Result<Waive, String> {
    let word = |value: &Value| match value {
        Value::String(word) => Some(word.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let single = written
        .as_mapping()
        .filter(|it| it.len() == 1)
        .and_then(|it| it.iter().next());
    let (kind, which) = match single {
        Some((kind, which)) => (word(kind), word(which)),
        None => (word(written), None),
    };
    match (kind.as_deref(), which.as_deref()) {
        (Some("unasked-ack"), which) if single.is_none() || which.is_some() => unasked_ack(which),
        (Some("window"), which) if single.is_none() || which.is_some() => window(which),
        (Some("option"), Some(which)) => OptionKind::try_from(which.to_owned()).map(Waive::Option),
        (Some("rule"), Some(which)) => rule(which),
        (Some("option" | "rule"), None) => {
            Err("`option` and `rule` are waived by name: `{option: timestamps}`".to_owned())
        }
        (Some(other), _) => Err(format!(
            "`{other}` cannot be waived, only unasked-ack, window, {{option: NAME}} and {{rule: NAME}}; {REMEDY}"
        )),
        (None, _) => {
            Err("`waive` takes a word such as `unasked-ack`, or one key such as `{option: timestamps}`".to_owned())
        }
    }
}

fn unasked_ack(upon: Option<&str>) -> Result<Waive, String> {
    let upon =
        match upon {
            None => Upon::Anything,
            Some("nothing") => Upon::Nothing,
            Some(call) => Upon::Call(Verb::parse(call).map_err(|_| {
                format!("`unasked-ack: {call}`: it comes upon a call such as `recv`, or upon `nothing`")
            })?),
        };
    Ok(Waive::UnaskedAck(upon))
}

fn window(side: Option<&str>) -> Result<Waive, String> {
    let side = match side {
        None => WindowSide::Any,
        Some("too-low") => WindowSide::TooLow,
        Some("too-high") => WindowSide::TooHigh,
        Some(other) => return Err(format!("`window: {other}`: a window is `too-low` or `too-high`")),
    };
    Ok(Waive::Window(side))
}

fn rule(name: &str) -> Result<Waive, String> {
    let Some(rule) = RULES.iter().find(|rule| rule.name == name) else {
        let help = did_you_mean(name, RULES.iter().map(|rule| rule.name))
            .unwrap_or_else(|| "`tcpvet rules` lists all".to_owned());
        return Err(format!("no rule is called `{name}`; {help}"));
    };
    match rule.forbids {
        Some(option) => Err(format!(
            "the rule `{name}` forbids an option; waive that: `{{option: {option}}}`"
        )),
        None if rule.of_form => Ok(Waive::Rule(name.to_owned())),
        None => Err(format!("the rule `{name}` is not one of form; {REMEDY}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{failed, outcome, runs};
    use super::super::{Expectation, Expectations, rows};
    use super::*;
    use crate::engine::{Failure, Occasion, Outcome, Symptom, Verdict};
    use crate::peer::Message;

    const ACKS: &str =
        "- {waive: {unasked-ack: recv}, requirement: RFC5681-4.2-3, cases: a/*, reason: it reads eagerly}\n";

    fn parse(text: &str) -> Expectations {
        Expectations::parse(text, "e.yaml").unwrap_or_else(|errors| panic!("{errors:?}"))
    }

    fn error(waive: &str) -> String {
        let text = format!("- {{waive: {waive}, requirement: R, reason: r}}");
        let errors = Expectations::parse(&text, "e.yaml").unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors[0].problem.clone()
    }

    /// An outcome that failed by an unasked ACK after a RECEIVE, and by nothing else where that is waived.
    fn unasked(waived: bool) -> Outcome {
        let symptom = Symptom::Unasked {
            came: Message::Ack,
            upon: Occasion::Call(Verb::Recv),
        };
        let mut outcome = failed(Verdict::Fail, "expect: nothing", &["RFC9293-MUST-1"]);
        outcome.failure = outcome.failure.map(|failure| Failure {
            waived: Waive::of(&symptom).filter(|_| waived),
            symptom,
            ..failure
        });
        outcome.waived = outcome.failure.iter().filter_map(|it| it.waived.clone()).collect();
        outcome
    }

    #[test]
    fn what_is_written_is_read_and_told_alike() {
        for written in [
            "unasked-ack",
            "{unasked-ack: recv}",
            "{unasked-ack: nothing}",
            "{option: timestamps}",
            "{option: kind-77}",
            "window",
            "{window: too-low}",
            "{window: too-high}",
            "{rule: reserved-bits-clear}",
        ] {
            let known = parse(&format!("- {{waive: {written}, requirement: R, reason: r}}"));
            assert_eq!(known.waivers()[0].waive.to_string(), written);
        }
    }

    #[test]
    fn what_cannot_be_waived_is_an_error_with_the_remedy() {
        for word in ["silence", "sequence-number", "late", "breakdown"] {
            assert!(error(word).contains("pin the runs"), "{}", error(word));
        }
        assert!(error("{rule: no-gap}").contains("pin the runs"));
        assert!(error("{rule: no-gab}").contains("did you mean `no-gap`"));
        assert!(error("{rule: timestamps-only-if-offered}").contains("waive that: `{option: timestamps}`"));
        assert!(error("{option: sackOK}").contains("sack-permitted"));
        assert!(error("{unasked-ack: reed}").contains("such as `recv`"));
        assert!(error("{window: 5}").contains("too-low"));
        assert!(error("option").contains("by name"));
        assert!(error("[a]").contains("one key such as"));
        let both = "- {waive: window, cases: a, expect: fail, requirement: R, reason: r}";
        let errors = Expectations::parse(both, "e.yaml").unwrap_err();
        assert!(errors[0].problem.contains("an entry of its own"), "{errors:?}");
        let bare = Expectations::parse("- {waive: window, requirement: R}", "e.yaml").unwrap_err();
        assert!(bare[0].problem.contains("needs a `reason`"), "{bare:?}");
        let aimless = Expectations::parse("- {waive: window, reason: r}", "e.yaml").unwrap_err();
        assert!(aimless[0].problem.contains("needs the `requirement`"), "{aimless:?}");
    }

    #[test]
    fn a_waiver_names_the_requirement_of_the_conduct_and_matches_a_run() {
        let library = rows(&runs(&[("a/x", "")]));
        let check = |text: &str| -> Vec<String> {
            parse(text)
                .check(&library, &[])
                .iter()
                .map(|it| it.problem.clone())
                .collect()
        };
        assert!(check(ACKS).is_empty());
        let other = ACKS.replace("RFC5681-4.2-3", "RFC9293-MUST-1");
        assert_eq!(
            check(&other),
            ["`waive: {unasked-ack: recv}` breaks RFC5681-4.2-3, not `RFC9293-MUST-1`"]
        );
        assert!(check(&ACKS.replace("a/*", "b/*"))[0].starts_with("no run matches `b/*`"));
        assert!(check("- {waive: window, requirement: RFC9293-MUST-1, reason: r}").is_empty());
        assert_eq!(check("- {waive: window, requirement: RFC1-1, reason: r}").len(), 1);
    }

    #[test]
    fn a_run_in_which_nothing_else_is_wrong_is_expected_to_fail() {
        let judge =
            |text: &str, case: &str, outcome: &Outcome| parse(text).judge(&runs(&[(case, "")])[0].id(), outcome);
        let reason = "it reads eagerly".to_owned();
        assert_eq!(judge(ACKS, "a/x", &unasked(true)), Expectation::Met { reason });
        assert_eq!(
            judge(ACKS, "a/x", &unasked(false)),
            Expectation::None,
            "it was not judged without it"
        );
        assert_eq!(judge(ACKS, "a/x", &outcome(Verdict::Pass)), Expectation::None);
        assert_eq!(judge(ACKS, "b/x", &unasked(true)), Expectation::None);
        let new = ACKS.replace("it reads eagerly", TODO);
        for waived in [true, false] {
            let place = "e.yaml:1".to_owned();
            assert_eq!(judge(&new, "a/x", &unasked(waived)), Expectation::Unexplained { place });
        }
    }

    #[test]
    fn what_pins_a_run_that_only_a_waiver_fails_is_out_of_date() {
        let pinned = "- {cases: a/x, expect: fail, requirement: RFC9293-MUST-1, reason: r}\n";
        let known = parse(&format!("{pinned}{ACKS}"));
        let judged = known.judge(&runs(&[("a/x", "")])[0].id(), &unasked(true));
        let Expectation::Missed { difference, .. } = judged else {
            panic!("{judged:?}");
        };
        assert!(difference.contains("remove the entry"), "{difference}");
    }

    #[test]
    fn each_run_is_judged_without_what_is_waived_for_it() {
        let known = parse(&format!(
            "{ACKS}- {{waive: window, requirement: R, reason: r, when: {{ip: 6}}}}\n"
        ));
        let waived = |run: usize| -> Vec<String> {
            let waived = known.waived(&runs(&[("a/x", "")])[run].id());
            waived.iter().map(ToString::to_string).collect()
        };
        assert_eq!(waived(0), ["{unasked-ack: recv}"]);
        assert_eq!(waived(2), ["{unasked-ack: recv}", "window"]);
    }
}
