//! `expectations.yaml`: the outcomes that are known to differ from what is asked of a target, and why they are
//! accepted.
//!
//! An entry names the verdict, the broken requirements and, if it says so, the step, so that an expected failure never
//! hides a new one. What is wrong in many runs alike can be waived instead, see [`Waiver`]. A breakdown is met only by an entry that names it. An entry that matches no run of the whole library is
//! an error.

use super::plan::ip_number;
use super::waiver::{self, Waiver};
use super::{Expectation, Pattern, Row, RunId};
use crate::engine::{Outcome, Symptom, Verdict, Waive};
use crate::notation::did_you_mean;
use crate::rules::RULES;
use crate::stack::Breakdown;
use saphyr_parser::{Event, Parser};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// The placeholder for a reason that is still to be written.
pub(crate) const TODO: &str = "TODO";

/// All entries of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    entries: Vec<Entry>,
    waivers: Vec<Waiver>,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which runs.
    pub cases: Pattern,
    /// Their verdict.
    pub expect: Verdict,
    /// The requirements that may be broken, each with `*` for anything; empty only where the verdict breaks no
    /// requirement.
    pub requirements: Vec<Pattern>,
    /// The failing step as written in the case, if the entry names one.
    pub step: Option<String>,
    /// The rules that may be broken too.
    pub rules: Vec<String>,
    /// How the target breaks down, if that is what is expected. An entry that does not say so is never met by a
    /// breakdown.
    pub breakdown: Option<Breakdown>,
    /// Why this is accepted.
    pub reason: String,
    /// Only over this IP version: `4` or `6`.
    pub ip: Option<String>,
    /// Only with these ISNs: `plain` or `wrap`.
    pub isn: Option<String>,
    /// The file, as shown to a person.
    pub file: String,
    /// The line on which it begins, from 1.
    pub line: usize,
}

/// The outcome of a run, as far as an entry can name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came<'a> {
    /// The verdict.
    pub verdict: Verdict,
    /// The failing step as written; `None`: no step failed.
    pub step: Option<&'a str>,
    /// The rule that is itself the failing step, if one is.
    pub failing_rule: Option<&'a str>,
    /// How the target broke down, if it did.
    pub breakdown: Option<Breakdown>,
    /// The ids of the requirements that the failing step breaks.
    pub requirements: Vec<&'a str>,
    /// The names of the rules that did not hold.
    pub rules: Vec<&'a str>,
    /// What was wrong on the wire.
    pub symptom: Option<&'a Symptom>,
    /// By which waiver that is passed over: everything else was as asked.
    pub waived: Option<&'a Waive>,
}

impl<'a> From<&'a Outcome> for Came<'a> {
    fn from(outcome: &'a Outcome) -> Came<'a> {
        let failure = outcome.failure.as_ref();
        let broken = failure.map_or(&[][..], |failure| &failure.requirements);
        Came {
            verdict: outcome.verdict,
            step: failure.map(|failure| failure.step.as_str()),
            failing_rule: failure.and_then(|failure| failure.unmet.rule()),
            breakdown: failure.and_then(|failure| failure.unmet.breakdown()),
            requirements: broken.iter().map(|it| it.id.as_str()).collect(),
            rules: outcome.broken_rules.iter().map(|broken| broken.rule.name).collect(),
            symptom: failure.map(|failure| &failure.symptom),
            waived: failure.and_then(|failure| failure.waived.as_ref()),
        }
    }
}

impl<'a> Came<'a> {
    /// The rules that did not hold, without the one that is itself the failing step.
    pub fn rules_beside(&self) -> impl Iterator<Item = &'a str> + use<'_, 'a> {
        let names = self.rules.iter().copied();
        names.filter(|name| self.failing_rule != Some(name))
    }
}

/// What is wrong with an expectations file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectationError {
    /// The file, as shown to a person.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The problem, with the remedy.
    pub problem: String,
}

impl fmt::Display for ExpectationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n  {}:{}", self.problem, self.file, self.line)
    }
}

impl std::error::Error for ExpectationError {}

impl Expectations {
    /// Reads a file's text; `file` is its name as shown to a person. Gives all errors at once.
    pub fn parse(text: &str, file: &str) -> Result<Expectations, Vec<ExpectationError>> {
        let error = |line: usize, problem: String| ExpectationError {
            file: file.to_owned(),
            line,
            problem,
        };
        // To serde an empty file, or one of comments only, is not a list.
        let raw: Option<Vec<RawEntry>> = serde_yaml::from_str(text).map_err(|err| {
            let line = err.location().map_or(1, |at| at.line());
            vec![error(line, plain(&err.to_string()))]
        })?;
        let lines = item_lines(text);
        let (mut entries, mut waivers) = (Vec::new(), Vec::new());
        let mut errors = Vec::new();
        for (place, raw) in raw.unwrap_or_default().into_iter().enumerate() {
            let line = lines.get(place).copied().unwrap_or(1);
            let read = match raw.waive.clone() {
                Some(waive) => raw.lower_waiver(&waive, file, line).map(|waiver| waivers.push(waiver)),
                None => raw.lower(file, line).map(|entry| entries.push(entry)),
            };
            if let Err(problem) = read {
                errors.push(error(line, problem));
            }
        }
        if errors.is_empty() {
            Ok(Expectations { entries, waivers })
        } else {
            Err(errors)
        }
    }

    /// The entries, in the order written.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The waivers, in the order written.
    pub fn waivers(&self) -> &[Waiver] {
        &self.waivers
    }

    /// What this run is judged without.
    pub fn waived(&self, run: &RunId) -> Arc<[Waive]> {
        let mine = self.waivers.iter().filter(|waiver| waiver.speaks_of(run));
        mine.map(|waiver| waiver.waive.clone()).collect()
    }

    /// Checks the entries against all runs of the library: each entry must match a run, and name requirements that
    /// those runs cover. An entry that may be about a case of `unread`, which are not in the library since their files
    /// cannot be read, is not checked.
    pub fn check(&self, library: &[Row], unread: &[String]) -> Vec<ExpectationError> {
        let runs: Vec<(RunId, &Row)> = library
            .iter()
            .flat_map(|row| row.runs().map(move |run| (run, row)))
            .collect();
        let is_known = |entry: &&Entry| !unread.iter().any(|case| entry.cases.may_fit_case(case));
        let entries = self.entries.iter().filter(is_known);
        let waivers = self.waivers.iter().filter_map(|waiver| {
            Some(ExpectationError {
                problem: waiver.check(&runs)?,
                file: waiver.file.clone(),
                line: waiver.line,
            })
        });
        entries.filter_map(|entry| entry.check(&runs)).chain(waivers).collect()
    }

    /// How an outcome compares with what is expected. If several entries match the run, it suffices that one is met.
    pub fn judge<'a>(&self, run: &RunId, came: impl Into<Came<'a>>) -> Expectation {
        let came = came.into();
        if matches!(came.verdict, Verdict::Inconclusive | Verdict::CaseError) {
            return Expectation::None;
        }
        let mut missed = Expectation::None;
        for entry in self.entries.iter().filter(|entry| entry.speaks_of(run)) {
            match entry.difference(&came) {
                None if !entry.is_explained() => missed = Expectation::Unexplained { place: entry.place() },
                None => {
                    return Expectation::Met {
                        reason: entry.reason.clone(),
                    };
                }
                Some(difference) if missed == Expectation::None => missed = entry.missed(came.verdict, difference),
                Some(_) => {}
            }
        }
        match missed {
            Expectation::None => self.judge_by_waiver(run, &came).unwrap_or(Expectation::None),
            missed => missed,
        }
    }

    /// How a run compares in which nothing is wrong but what a waiver passes over. Where its reason is still to be
    /// written, it need not have been judged without it.
    fn judge_by_waiver(&self, run: &RunId, came: &Came<'_>) -> Option<Expectation> {
        let mut mine = self.waivers.iter().filter(|waiver| waiver.speaks_of(run));
        let waiver = mine.find(|waiver| match (came.waived, came.symptom) {
            (Some(waived), _) => waiver.waive == *waived,
            (None, Some(symptom)) => !waiver.is_explained() && waiver.waive.covers(symptom),
            (None, None) => false,
        })?;
        Some(match waiver.is_explained() {
            true => Expectation::Met {
                reason: waiver.reason.clone(),
            },
            false => Expectation::Unexplained { place: waiver.place() },
        })
    }
}

/// Whether a run is one of these: by name, and by its axes.
pub(super) fn matches_run((cases, ip, isn): (&Pattern, &Option<String>, &Option<String>), run: &RunId) -> bool {
    let its_isn = if run.wrap { "wrap" } else { "plain" };
    cases.fits_run(run)
        && ip.as_ref().is_none_or(|ip| ip == ip_number(run.ip))
        && isn.as_ref().is_none_or(|only| only == its_isn)
}

impl Entry {
    /// Whether the entry matches this run.
    pub fn speaks_of(&self, run: &RunId) -> bool {
        matches_run((&self.cases, &self.ip, &self.isn), run)
    }

    /// Whether a run that it matches came out as it says.
    pub fn is_met(&self, came: &Came<'_>) -> bool {
        self.difference(came).is_none()
    }

    /// Whether a reason has been written.
    pub fn is_explained(&self) -> bool {
        !self.reason.starts_with(TODO)
    }

    /// Where the entry is: `runners/linux/expectations.yaml:12`.
    fn place(&self) -> String {
        format!("{}:{}", self.file, self.line)
    }

    fn check(&self, library: &[(RunId, &Row)]) -> Option<ExpectationError> {
        let error = |problem: String| {
            Some(ExpectationError {
                file: self.file.clone(),
                line: self.line,
                problem,
            })
        };
        let mut covering = library.iter().filter(|(run, _)| self.speaks_of(run)).peekable();
        if covering.peek().is_none() {
            let cases: BTreeSet<&str> = library.iter().map(|(run, _)| run.case.as_str()).collect();
            let help = did_you_mean(self.cases.as_str(), cases)
                .unwrap_or_else(|| "correct the pattern, or remove the entry".to_owned());
            return error(format!("no run matches `{}`; {help}", self.cases.as_str()));
        }
        let known = |name: &str| RULES.iter().any(|rule| rule.name == name);
        let pinned = self.step.as_deref().and_then(|step| step.strip_prefix("rule: "));
        if let Some(name) = self
            .rules
            .iter()
            .map(String::as_str)
            .chain(pinned)
            .find(|name| !known(name))
        {
            let help = did_you_mean(name, RULES.iter().map(|rule| rule.name))
                .unwrap_or_else(|| "`tcpvet rules` lists all".to_owned());
            return error(format!("no rule is called `{name}`; {help}"));
        }
        let covers: BTreeSet<&str> = covering
            .flat_map(|(_, row)| &row.requirements)
            .map(String::as_str)
            .collect();
        let covered = |id: &Pattern| {
            let by_a_rule = |name: &str| {
                let rule = RULES.iter().find(|rule| rule.name == name);
                rule.is_some_and(|rule| rule.requirements.iter().any(|(it, ..)| id.fits(it)))
            };
            pinned.is_some_and(by_a_rule) || covers.iter().any(|it| id.fits(it))
        };
        let stray = self.requirements.iter().find(|id| !covered(id))?;
        let near = did_you_mean(stray.as_str(), covers.iter().copied());
        let help = near.map(|near| format!("; {near}")).unwrap_or_default();
        error(format!(
            "no run that `{}` matches covers `{}`{help}",
            self.cases.as_str(),
            stray.as_str()
        ))
    }

    /// How the outcome differs from what is expected; `None`: not at all.
    fn difference(&self, came: &Came<'_>) -> Option<String> {
        if came.waived.is_some() {
            return Some("nothing is wrong but what a waiver passes over: remove the entry".to_owned());
        }
        if came.verdict != self.expect {
            return Some(format!("expected {}, came {}", self.expect, came.verdict));
        }
        if came.breakdown != self.breakdown {
            let kind = |how: Option<Breakdown>| how.map_or("no breakdown", Breakdown::name);
            return Some(format!(
                "expected {}, came {}",
                kind(self.breakdown),
                kind(came.breakdown)
            ));
        }
        if let Some(step) = &self.step {
            let failed = came.step.unwrap_or_default();
            if squeeze(step) != squeeze(failed) {
                return Some(format!("expected at `{step}`, came at `{failed}`"));
            }
        }
        // A rule that was broken although the entry does not name it.
        let stray = |name: &&str| !self.rules.iter().any(|known| known == name);
        if let Some(stray) = came.rules_beside().find(stray) {
            return Some(format!("broke the rule `{stray}` too"));
        }
        if self.requirements.is_empty() {
            return None;
        }
        // Every broken requirement must be one of those listed, so that a new failure is not hidden.
        let broken = &came.requirements;
        let stray = broken.iter().find(|id| !self.requirements.iter().any(|it| it.fits(id)));
        match stray {
            Some(id) => Some(format!("expected to break {}, broke {id} too", self.listed())),
            None if broken.is_empty() => Some(format!("expected to break {}, broke no requirement", self.listed())),
            None => None,
        }
    }

    fn listed(&self) -> String {
        let ids: Vec<&str> = self.requirements.iter().map(Pattern::as_str).collect();
        ids.join(", ")
    }

    fn missed(&self, came: Verdict, difference: String) -> Expectation {
        let reason = self.reason.clone();
        match came {
            Verdict::Pass | Verdict::Observed => Expectation::UnexpectedPass { reason },
            Verdict::Fail
            | Verdict::Deviates
            | Verdict::Unsupported
            | Verdict::NotApplicable
            | Verdict::Inconclusive
            | Verdict::CaseError => Expectation::Missed { reason, difference },
        }
    }
}

/// A step's text with runs of blanks made one, since YAML changes line breaks.
pub(crate) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// serde_yaml's message without the position, which is given separately, and with the known key that is nearest to an
/// unknown one: it quotes the unknown one first, and then all that are known.
fn plain(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or(message);
    let mut quoted = message.split('`').skip(1).step_by(2);
    let word = quoted.next().filter(|_| message.contains("unknown field"));
    match word.and_then(|word| did_you_mean(word, quoted)) {
        Some(help) => format!("{message}; {help}"),
        None => message.to_owned(),
    }
}

/// The line of each item of a file that is a list; fewer where it is not.
fn item_lines(text: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    let mut depth = 0_usize;
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        let begins = matches!(
            event,
            Event::MappingStart(..) | Event::SequenceStart(..) | Event::Scalar(..) | Event::Alias(_)
        );
        if begins && depth == 1 {
            lines.push(span.start.line());
        }
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => depth += 1,
            Event::MappingEnd | Event::SequenceEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    lines
}

/// An entry as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    waive: Option<serde_yaml::Value>,
    cases: Option<String>,
    expect: Option<String>,
    #[serde(default)]
    requirement: Words,
    step: Option<String>,
    #[serde(default)]
    rules: Words,
    breakdown: Option<Breakdown>,
    reason: Option<String>,
    #[serde(default)]
    when: RawWhen,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWhen {
    #[serde(default)]
    ip: Words,
    #[serde(default)]
    isn: Words,
}

impl RawEntry {
    fn lower(self, file: &str, line: usize) -> Result<Entry, String> {
        let (Some(cases), Some(_)) = (&self.cases, &self.expect) else {
            return Err(
                "an entry says with `cases` and `expect` which runs it is about, and how they come out".to_owned(),
            );
        };
        let cases = cases.clone();
        let expect = self.verdict()?;
        let reason = self.reason.unwrap_or_default().trim().to_owned();
        if reason.is_empty() {
            return Err("an expected verdict needs a `reason`: who reads it later cannot guess it".to_owned());
        }
        if self.breakdown.is_some() && expect != Verdict::Fail {
            return Err(format!(
                "a target that breaks down has failed: `expect: fail`, not `expect: {expect}`"
            ));
        }
        if self.breakdown.is_some() && (self.step.is_some() || !self.requirement.0.is_empty()) {
            return Err("a breakdown belongs to no step and no requirement: leave them out".to_owned());
        }
        let breaks = matches!(expect, Verdict::Fail | Verdict::Deviates) && self.breakdown.is_none();
        if breaks && self.requirement.0.is_empty() {
            return Err(format!(
                "`expect: {expect}` needs the `requirement` that is broken, or any other failure would pass for it"
            ));
        }
        Ok(Entry {
            cases: Pattern::new(cases.trim()),
            expect,
            requirements: self.requirement.0.iter().map(|id| Pattern::new(id)).collect(),
            step: self.step,
            rules: self.rules.0,
            breakdown: self.breakdown,
            reason,
            ip: self.when.ip.one_of("ip", &["4", "6"])?,
            isn: self.when.isn.one_of("isn", &["plain", "wrap"])?,
            file: file.to_owned(),
            line,
        })
    }

    fn lower_waiver(self, waive: &serde_yaml::Value, file: &str, line: usize) -> Result<Waiver, String> {
        let pins = self.expect.is_some() || self.step.is_some() || self.breakdown.is_some() || !self.rules.0.is_empty();
        if pins {
            return Err(
                "a waiver takes no `expect`, `step`, `rules` or `breakdown`: what they pin is an entry of its own"
                    .to_owned(),
            );
        }
        let waive = waiver::read(waive)?;
        let reason = self.reason.unwrap_or_default().trim().to_owned();
        if reason.is_empty() {
            return Err("a waiver needs a `reason`: who reads it later cannot guess it".to_owned());
        }
        let [requirement] = self.requirement.0.as_slice() else {
            return Err("a waiver needs the `requirement` that is broken, and only that one".to_owned());
        };
        Ok(Waiver {
            waive,
            requirement: requirement.clone(),
            reason,
            cases: Pattern::new(self.cases.as_deref().unwrap_or("*").trim()),
            ip: self.when.ip.one_of("ip", &["4", "6"])?,
            isn: self.when.isn.one_of("isn", &["plain", "wrap"])?,
            file: file.to_owned(),
            line,
        })
    }

    fn verdict(&self) -> Result<Verdict, String> {
        let expect = self.expect.as_deref().unwrap_or_default();
        match Verdict::from_name(expect) {
            Some(verdict @ (Verdict::Fail | Verdict::Deviates | Verdict::Unsupported | Verdict::NotApplicable)) => {
                Ok(verdict)
            }
            Some(Verdict::Observed) => Ok(Verdict::Observed),
            Some(Verdict::Inconclusive) => {
                Err("`inconclusive` is never expected: it says that our environment failed, not the target".to_owned())
            }
            Some(Verdict::Pass | Verdict::CaseError) | None => Err(format!(
                "cannot expect `{expect}`, only fail, deviates, observed, unsupported or not-applicable"
            )),
        }
    }
}

/// A word, or a list of words. Numbers are read as words too: `ip: 4`.
#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn one_of(self, key: &str, allowed: &[&str]) -> Result<Option<String>, String> {
        match self.0.as_slice() {
            [] => Ok(None),
            [word] if allowed.contains(&word.as_str()) => Ok(Some(word.clone())),
            _ => Err(format!("`when: {key}` is one of {}", allowed.join(", "))),
        }
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Words, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Words;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a list of words")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Words, E> {
                Ok(Words(vec![word.to_owned()]))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Words, E> {
                Ok(Words(vec![number.to_string()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Words, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = list.next_element()? {
                    words.push(word);
                }
                Ok(Words(words))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{failed, outcome, runs};
    use super::super::rows;
    use super::*;

    const KNOWN: &str = "\
# What a stack is known to do otherwise.
- cases: reset/*
  expect: fail
  requirement: RFC9293-MUST-1
  step: 'expect: ACK'
  reason: RSTs are not checked

- cases: close/simple
  expect: deviates
  requirement: [RFC9293-SHLD-1, RFC5961-*]
  reason: left so
  when: {ip: 4, isn: plain}
";

    fn parse(text: &str) -> Expectations {
        Expectations::parse(text, "e.yaml").unwrap()
    }

    fn error(text: &str) -> String {
        let errors = Expectations::parse(text, "e.yaml").unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        errors[0].to_string()
    }

    fn judge(text: &str, case: &str, outcome: &Outcome) -> Expectation {
        parse(text).judge(&runs(&[(case, "")])[0].id(), outcome)
    }

    #[test]
    fn entries_know_their_lines() {
        let known = parse(KNOWN);
        let lines: Vec<usize> = known.entries().iter().map(|entry| entry.line).collect();
        assert_eq!(lines, [2, 8]);
        assert!(parse("").entries().is_empty());
        assert!(parse("# nothing\n").entries().is_empty());
    }

    #[test]
    fn a_failure_is_expected_only_where_all_of_it_agrees() {
        let reason = "RSTs are not checked".to_owned();
        let at = |step: &str, id: &str| judge(KNOWN, "reset/x", &failed(Verdict::Fail, step, &[id]));
        assert_eq!(
            at("expect: ACK", "RFC9293-MUST-1"),
            Expectation::Met { reason: reason.clone() }
        );
        let Expectation::Missed { difference, .. } = at("state: closed", "RFC9293-MUST-1") else {
            panic!("another step must not be expected");
        };
        assert_eq!(difference, "expected at `expect: ACK`, came at `state: closed`");
        let Expectation::Missed { difference, .. } = at("expect: ACK", "RFC9293-MUST-2") else {
            panic!("another requirement must not be expected");
        };
        assert_eq!(difference, "expected to break RFC9293-MUST-1, broke RFC9293-MUST-2 too");
        let milder = judge(
            KNOWN,
            "reset/x",
            &failed(Verdict::Deviates, "expect: ACK", &["RFC9293-MUST-1"]),
        );
        assert!(matches!(milder, Expectation::Missed { .. }));
        assert_eq!(
            judge(KNOWN, "reset/x", &outcome(Verdict::Pass)),
            Expectation::UnexpectedPass { reason }
        );
        assert_eq!(judge(KNOWN, "other/x", &outcome(Verdict::Pass)), Expectation::None);
    }

    #[test]
    fn a_breakdown_is_met_by_an_entry_that_names_it_and_by_no_other() {
        let mut broken = failed(Verdict::Deviates, "expect: ACK", &["RFC9293-MUST-1"]);
        broken.break_down(Breakdown::Hang, "it did not return");
        let Expectation::Missed { difference, .. } = judge(KNOWN, "reset/x", &broken) else {
            panic!("a hang must not be expected");
        };
        assert_eq!(difference, "expected no breakdown, came hang");
        let named = "- {cases: reset/*, expect: fail, breakdown: hang, reason: r}";
        assert!(judge(named, "reset/x", &broken).is_met());
        broken.break_down(Breakdown::Panic, "no such state");
        assert!(!judge(named, "reset/x", &broken).is_met());
        let plain = failed(Verdict::Fail, "expect: ACK", &["RFC9293-MUST-1"]);
        assert!(!judge(named, "reset/x", &plain).is_met());
        assert!(error("- {cases: a, expect: deviates, breakdown: hang, reason: r}").contains("has failed"));
        assert!(error("- {cases: a, expect: fail, breakdown: hang, step: s, reason: r}").contains("leave them out"));
        assert!(error("- {cases: a, expect: fail, breakdown: fire, reason: r}").contains("unknown variant `fire`"));
    }

    #[test]
    fn a_requirement_that_breaks_anew_is_not_hidden_by_one_that_is_listed() {
        let both = failed(Verdict::Fail, "expect: ACK", &["RFC9293-MUST-1", "RFC9293-MUST-2"]);
        assert!(matches!(judge(KNOWN, "reset/x", &both), Expectation::Missed { .. }));
    }

    #[test]
    fn conditions_restrict_an_entry() {
        let known = parse(KNOWN);
        let broken = failed(Verdict::Deviates, "expect: ACK", &["RFC5961-3.2-1"]);
        let judged: Vec<bool> = runs(&[("close/simple", "")])
            .iter()
            .map(|run| known.judge(&run.id(), &broken) != Expectation::None)
            .collect();
        assert_eq!(judged, [true, false, false, false]);
    }

    #[test]
    fn an_inconclusive_run_is_never_expected() {
        assert_eq!(
            judge(KNOWN, "reset/x", &outcome(Verdict::Inconclusive)),
            Expectation::None
        );
        assert!(error("- {cases: a, expect: inconclusive, reason: r}").starts_with("`inconclusive` is never expected"));
    }

    #[test]
    fn an_entry_that_says_too_little_is_an_error() {
        assert_eq!(
            error("\n\n- {cases: a, expect: fail, requirement: R}"),
            "an expected verdict needs a `reason`: who reads it later cannot guess it\n  e.yaml:3"
        );
        assert!(error("- {cases: a, expect: fail, reason: r}").contains("needs the `requirement`"));
        assert!(error("- {cases: a, expect: pass, reason: r}").starts_with("cannot expect `pass`"));
        assert!(error("- {cases: a, expect: unsupported, reason: r, when: {ip: 5}}").contains("one of 4, 6"));
        let misspelt = error("- {cases: a, expect: fail, reasn: r}");
        assert!(
            misspelt.contains("unknown field `reasn`") && misspelt.contains("did you mean `reason`?"),
            "{misspelt}"
        );
        assert!(error("cases: a").contains("expected a sequence"));
        assert!(error("- [").ends_with("e.yaml:2") || error("- [").ends_with("e.yaml:1"));
    }

    #[test]
    fn an_entry_must_match_a_run_and_what_it_covers() {
        let library = rows(&runs(&[("reset/x", ""), ("close/simple", "")]));
        let check = |text: &str| -> Vec<String> {
            parse(text)
                .check(&library, &[])
                .iter()
                .map(ToString::to_string)
                .collect()
        };
        assert!(check("- {cases: reset/*, expect: fail, requirement: RFC9293-MUST-1, reason: r}").is_empty());
        assert_eq!(
            check("\n- {cases: close/simpel, expect: unsupported, reason: r}"),
            ["no run matches `close/simpel`; did you mean `close/simple`?\n  e.yaml:2"]
        );
        assert_eq!(
            check("- {cases: reset/*, expect: fail, requirement: RFC1-1, reason: r}"),
            ["no run that `reset/*` matches covers `RFC1-1`\n  e.yaml:1"]
        );
    }
}
