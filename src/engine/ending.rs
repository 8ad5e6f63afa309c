//! How a run ends: its verdict follows from what its steps and the rules found, and the outcome is put together.

use super::outcome::{Broken, BrokenRule, Failure, Happening, Outcome, TraceEvent, Unmet, Verdict};
use super::run::Run;
use super::stop::{Complaint, Stop};
use super::symptom::Symptom;
use crate::notation::print_octets;
use crate::rfc::{Grounds, Level, Requirement};
use crate::rules::{Frame, Rule, Watch, Way};
use crate::script::Position;
use crate::stack::Breakdown;
use crate::time::{Instant, Stamp};
use crate::wire::Packet;
use core::time::Duration;
use std::sync::Arc;

/// A delay of ours that is too long for anything to be said about the target: far above what a busy machine's
/// scheduler does, far below the shortest timer of TCP.
const TOO_LATE: Duration = Duration::from_millis(50);

/// How many lines of a storm a trace keeps: more of the same tell nothing, and thousands of runs may storm.
const SHOWN_OF_A_STORM: usize = 100;

/// A verdict, why, and up to which place in the trace what was seen counts for it.
#[derive(Clone)]
pub(super) struct Judgment {
    pub verdict: Verdict,
    pub failure: Failure,
    place: usize,
}

impl Run {
    pub(super) fn stop(&mut self, now: Instant, stop: Stop) {
        match stop {
            Stop::Unsupported(why) => self.end(now, Verdict::Unsupported, why),
            Stop::Inconclusive(why) => self.end(now, Verdict::Inconclusive, why),
            Stop::Case(why) => {
                let script = Arc::clone(&self.script);
                let place = self.step(&script).map_or(String::new(), |step| {
                    format!("{}:{}: `{}`: ", step.position.file, step.position.line, step.text)
                });
                self.end(now, Verdict::CaseError, format!("{place}{why}"));
            }
            Stop::Failed(complaint) => {
                let judgment = self.judge(complaint);
                self.fail(now, judgment);
            }
            Stop::Breach { expected, seen } => {
                let judgment = self.judge(Complaint::new(Symptom::Breach, expected, seen));
                let verdict = Verdict::Fail;
                self.fail(now, Judgment { verdict, ..judgment });
            }
        }
    }

    fn fail(&mut self, now: Instant, judgment: Judgment) {
        self.hear_the_rules(now, severity(judgment.verdict));
        self.conclude(now, judgment);
    }

    /// Ends the run as failed, once the rules have been heard.
    fn conclude(&mut self, now: Instant, judgment: Judgment) {
        let mut worst = match self.soft.take() {
            Some(soft) if severity(soft.verdict) >= severity(judgment.verdict) => soft,
            _ => judgment,
        };
        let reason = match worst.verdict {
            Verdict::NotApplicable => self.unclaimed(self.covers_here()),
            _ => worst.failure.seen.clone(),
        };
        if let Some(rule) = self.broken_before(&worst) {
            worst.failure.symptom = Symptom::Rule(rule.name.to_owned());
        }
        self.end(now, worst.verdict, reason);
        if let Some(outcome) = &mut self.outcome
            && outcome.verdict != Verdict::Inconclusive
        {
            outcome.failure = Some(worst.failure);
        }
    }

    /// The first rule that was broken by then and counts as much: what came later may follow from it.
    fn broken_before(&self, judgment: &Judgment) -> Option<&'static Rule> {
        let counts = |broken: &&BrokenRule| {
            broken.place <= judgment.place && severity(of_level(broken.rule.level())) >= severity(judgment.verdict)
        };
        let broken = self.broken.iter().filter(counts).min_by_key(|broken| broken.place)?;
        Some(broken.rule)
    }

    /// Records that an outcome came that does not meet the requirement, if it applies; the run goes on.
    pub(super) fn fail_softly(&mut self, complaint: Complaint) {
        let judgment = self.judge(complaint);
        if judgment.verdict != Verdict::NotApplicable && severity(judgment.verdict) > self.known() {
            self.soft = Some(judgment);
        }
    }

    /// How severe is what was found so far.
    fn known(&self) -> u8 {
        self.soft.as_ref().map_or(0, |soft| severity(soft.verdict))
    }

    /// The requirements that the step under way stands for.
    fn covers_here(&self) -> &[Arc<Requirement>] {
        let own = self.step(&self.script).map(|step| step.covers.as_slice());
        own.filter(|covers| !covers.is_empty()).unwrap_or(&self.script.covers)
    }

    /// Judges by the strongest applicable requirement that the step under way stands for.
    pub(super) fn judge(&self, complaint: Complaint) -> Judgment {
        let script = &self.script;
        let step = self.step(script);
        let covers = self.covers_here();
        let broken: Vec<_> = covers.iter().filter(|requirement| self.applies(requirement)).collect();
        let verdict = match broken.iter().map(|requirement| requirement.weight()).max() {
            Some(level) => of_level(level),
            None if covers.is_empty() => Verdict::Fail,
            None => Verdict::NotApplicable,
        };
        let given = self.cursor.given(script).map(|given| given.state.name().to_owned());
        let last = script.steps.last();
        let position = step.or(last).map(|step| step.position.clone()).unwrap_or_default();
        let failure = Failure {
            unmet: step.map_or(Unmet::End, |step| Unmet::Step(step.kind.word())),
            step: step.map_or_else(|| "the end of the run".to_owned(), |step| step.text.clone()),
            position,
            given,
            expected: complaint.expected,
            seen: complaint.seen,
            symptom: complaint.symptom,
            requirements: broken.into_iter().map(|requirement| (&**requirement).into()).collect(),
            timing: complaint.timing,
            waived: None,
        };
        let frame = complaint.frame.and_then(|number| self.frames.get(number as usize));
        Judgment {
            verdict,
            failure,
            place: frame.copied().unwrap_or(self.trace.len()),
        }
    }

    /// Shows a frame of the target to the rules about frames. It is the next in the trace.
    pub(super) fn show_frame_to_rules(&mut self, frame: &Frame<'_>) {
        if let Some(watch) = &mut self.watch {
            watch.see_frame(self.trace.len(), frame);
        }
    }

    /// Shows a segment of the target to the rules, before anything happens to it on the way.
    pub(super) fn show_to_rules(&mut self, at: Stamp, packet: &Arc<Packet>) {
        if let Some(watch) = &mut self.watch {
            watch.see(self.trace.len(), at, Way::Out, packet);
        }
    }

    /// Marks the frame in the trace that has just broken a rule.
    pub(super) fn mark_broken(&mut self, at: Stamp) {
        while let Some(breach) = self.watch.as_ref().and_then(|watch| watch.breaches().get(self.marked)) {
            let name = breach.rule.name;
            self.marked += 1;
            self.trace(at, Happening::Broken(name));
        }
    }

    /// The rules that were broken, the worst first.
    fn broken_rules(&mut self, now: Instant) -> Vec<BrokenRule> {
        if let Some(watch) = &mut self.watch {
            watch.finish(Stamp::exactly(now));
        }
        let shown = |number: usize| match self.trace.get(number) {
            Some(TraceEvent {
                at,
                what: Happening::Frame { octets, origins, .. },
            }) => format!("`{}` at {}", print_octets(octets, *origins), self.clock(at.latest)),
            _ => "a frame".to_owned(),
        };
        let breaches = self.watch.as_ref().map_or(&[][..], Watch::breaches);
        let mut broken: Vec<BrokenRule> = breaches
            .iter()
            .map(|breach| {
                let (earlier, later) = breach.frames;
                let since = earlier.map_or_else(String::new, |earlier| format!(", against {}", shown(earlier)));
                BrokenRule {
                    rule: breach.rule,
                    place: later,
                    seen: format!("{}: {}{since}", shown(later), breach.text),
                }
            })
            .collect();
        broken.sort_by_key(|broken| std::cmp::Reverse((broken.rule.level(), broken.rule.is_cause)));
        broken
    }

    /// The worst broken rule, as a step that was not met.
    fn rule_failure(broken: &BrokenRule, position: Position) -> Judgment {
        let rule = broken.rule;
        let requirement = |(id, level, grounds): &(&str, Level, Grounds)| Broken {
            id: (*id).to_owned(),
            level: *level,
            grounds: *grounds,
            summary: rule.meaning.to_owned(),
        };
        let failure = Failure {
            unmet: Unmet::Rule(rule.name),
            step: format!("rule: {}", rule.name),
            position,
            given: None,
            expected: rule.meaning.to_owned(),
            seen: broken.seen.clone(),
            symptom: Symptom::Rule(rule.name.to_owned()),
            requirements: rule.requirements.iter().map(requirement).collect(),
            timing: rule.timing,
            waived: None,
        };
        Judgment {
            verdict: of_level(rule.level()),
            failure,
            place: broken.place,
        }
    }

    /// Adds what the rules found: it counts if it is worse than what the steps found, or as bad and the cause of that.
    fn hear_the_rules(&mut self, now: Instant, own: u8) {
        let (waived, broken): (Vec<BrokenRule>, Vec<BrokenRule>) = self
            .broken_rules(now)
            .into_iter()
            .partition(|it| self.waiver_of(&Symptom::Rule(it.rule.name.to_owned())).is_some());
        self.broken = broken;
        // It belongs to no step, but to the file as a whole.
        let file = self.script.steps.first().map(|step| Arc::clone(&step.position.file));
        let position = file.map_or_else(Position::default, |file| Position {
            file,
            line: 1,
            column: 1,
        });
        for it in waived {
            let judgment = Run::rule_failure(&it, position.clone());
            if let Some(waive) = self.waiver_of(&judgment.failure.symptom) {
                self.keep_waived(waive, judgment);
            }
        }
        let Some(worst) = self.broken.first() else { return };
        let judgment = Run::rule_failure(worst, position);
        let (weight, known) = (severity(judgment.verdict), self.known().max(own));
        if weight > known || worst.rule.is_cause && weight == known {
            self.soft = Some(judgment);
        }
    }

    /// Ends the run with everything met.
    pub(super) fn complete(&mut self, now: Instant) {
        self.hear_the_rules(now, 0);
        if let Some(soft) = self.soft.take() {
            return self.conclude(now, soft);
        }
        if self.checked == 0 {
            return self.end(
                now,
                Verdict::CaseError,
                "the case compared no reply and no result".to_owned(),
            );
        }
        // Of what is equally bad the first counts.
        let waived = self.passed_over.iter().rev().max_by_key(|it| severity(it.verdict));
        match waived.cloned() {
            Some(waived) => self.conclude(now, waived),
            None => self.end(now, Verdict::Pass, String::new()),
        }
    }

    /// Ends the run; only the first end counts.
    pub(super) fn end(&mut self, now: Instant, verdict: Verdict, reason: String) {
        if self.outcome.is_some() {
            return;
        }
        // Our delay cannot have made a run pass. Any other verdict may come from it.
        let doubtful = matches!(verdict, Verdict::Fail | Verdict::Deviates | Verdict::Observed);
        let (verdict, reason) = match doubtful && self.late > TOO_LATE {
            true => (
                Verdict::Inconclusive,
                format!("we were {:.0} ms late", self.late.as_secs_f64() * 1e3),
            ),
            false => (verdict, reason),
        };
        self.outcome = Some(Outcome {
            verdict,
            failure: None,
            reason,
            outcomes: std::mem::take(&mut self.outcomes),
            measures: std::mem::take(&mut self.measures),
            notes: std::mem::take(&mut self.notes),
            broken_rules: std::mem::take(&mut self.broken),
            waived: self
                .passed_over
                .iter()
                .filter_map(|it| it.failure.waived.clone())
                .collect(),
            trace: std::mem::take(&mut self.trace),
            evidence: std::mem::take(&mut self.evidence),
            began: self.began,
            ended: now,
            took: now.since(self.began),
        });
        self.outbox.clear();
    }

    /// Ends the run for a reason of ours, without cleaning up behind it.
    pub(super) fn void(&mut self, now: Instant, reason: &str) {
        self.end(now, Verdict::Inconclusive, reason.to_owned());
        self.cleaned = true;
        self.outbox.clear();
        self.in_flight = None;
    }

    /// Ends the run as failed because the target broke down in it: whatever the steps and the rules found, whatever the
    /// level of what they ask for, and however late we were.
    pub(super) fn break_down(&mut self, now: Instant, how: Breakdown, seen: &str) {
        self.in_flight = None;
        self.cleaned = true;
        let step = self.step(&self.script).or(self.script.steps.last());
        let failure = Failure {
            position: step.map(|step| step.position.clone()).unwrap_or_default(),
            given: self
                .cursor
                .given(&self.script)
                .map(|given| given.state.name().to_owned()),
            ..Failure::breakdown(how, seen)
        };
        if how == Breakdown::Storm {
            self.shorten_trace(now);
        }
        self.end(now, Verdict::Inconclusive, String::new());
        if let Some(outcome) = &mut self.outcome {
            outcome.verdict = Verdict::Fail;
            outcome.reason.clear();
            outcome.failure = Some(failure);
        }
    }

    /// Leaves out all but the first frames of a storm, which began at `now`.
    fn shorten_trace(&mut self, now: Instant) {
        let before = self.trace.iter().take_while(|event| event.at.latest < now).count();
        if self.trace.len() > before + SHOWN_OF_A_STORM {
            let left_out = self.trace.len() - before - SHOWN_OF_A_STORM;
            self.trace.truncate(before + SHOWN_OF_A_STORM);
            self.note(
                Stamp::exactly(now),
                format!("the trace is cut here: {left_out} more lines of the same moment"),
            );
        }
    }

    pub(super) fn ended(&self) -> bool {
        self.outcome.is_some()
    }

    pub(super) fn into_outcome(self) -> Option<Outcome> {
        self.outcome
    }
}

/// What it is to break a requirement of this level.
fn of_level(level: Level) -> Verdict {
    match level {
        Level::Must => Verdict::Fail,
        Level::Should => Verdict::Deviates,
        Level::May => Verdict::Observed,
    }
}

fn severity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 4,
        Verdict::Deviates => 3,
        Verdict::Observed => 2,
        Verdict::Pass | Verdict::Unsupported | Verdict::NotApplicable | Verdict::Inconclusive | Verdict::CaseError => 1,
    }
}
