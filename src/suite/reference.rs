//! What the reference endpoint does in a run, for comparison with what a target did.

use super::Run;
use crate::engine::{Arrow, Evidence, Failure, Happening, MetBy, Outcome, TraceEvent, Unmet, Verdict};
use crate::model::{Config, Defects, Switch};
use crate::notation::print_octets;
use crate::script::{Position, Script, Step, StepKind, StepWord};
use crate::stacks::Runner;
use crate::stacks::model::target;
use crate::time::Instant;
use core::sync::atomic::AtomicBool;
use core::time::Duration;

/// The reference endpoint, ready to make any run.
pub struct Reference {
    runner: Runner,
}

/// What may follow an injected segment at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lawful {
    /// The index in the trace of the last event of the reaction.
    pub place: usize,
    /// The reactions; the first is the one in the trace, which is made with the default choices.
    pub reactions: Vec<Reaction>,
}

/// One reaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The frames, in the notation; none: silence.
    pub frames: Vec<String>,
    /// The choices each of which leads to it, as `--switch` takes them; none where it is the default reaction.
    pub choices: Vec<&'static str>,
}

impl Reference {
    /// `None` if the description of the reference endpoint cannot be read, which a test rules out.
    pub fn new() -> Option<Reference> {
        let runner = Runner::bundled("model").ok()?;
        Some(Reference { runner })
    }

    /// Makes a run with the default choices.
    pub fn run(&self, run: &Run, seed: u64) -> Outcome {
        self.run_with(Config::default(), run, seed)
    }

    fn run_with(&self, config: Config, run: &Run, seed: u64) -> Outcome {
        let target = target(self.runner.clone(), config, Defects::NONE);
        target.run_one(&run.job(seed), &AtomicBool::new(false))
    }

    /// For each segment that a run injects: what may follow it at once, under each choice that RFCs leave open. `usual`
    /// is the answer of [`Reference::run`]. A choice counts only as far as the case passes under it.
    pub fn lawful(&self, run: &Run, seed: u64, usual: &Outcome) -> Vec<Lawful> {
        let injections = injections(&usual.trace);
        let mut lawful: Vec<Lawful> = injections.iter().map(Injection::usual).collect();
        for switch in Switch::ALL {
            let other = self.run_with(Config::choosing(&[*switch]), run, seed);
            if !matches!(other.verdict, Verdict::Pass | Verdict::Observed) {
                continue;
            }
            // As long as both runs take the same steps, the same injection is meant.
            let pairs = injections.iter().zip(injections_of(&other));
            let same = pairs.take_while(|(ours, theirs)| ours.step == theirs.step);
            for (lawful, (_, theirs)) in lawful.iter_mut().zip(same) {
                lawful.add(theirs.frames, switch.name());
            }
        }
        lawful
    }

    /// What the endpoint does at the step that a run did not meet, in a line: the frames that it sends, how a call
    /// ends, which state it tells. `None` where the case does not apply to it, or where no step failed. `seed` is the
    /// one with which the run was made.
    pub fn answer(&self, run: &Run, seed: u64, failed: &Outcome) -> Option<String> {
        let failure = failed.failure.as_ref()?;
        let own = self.run(run, seed);
        match (own.verdict, &own.failure) {
            (Verdict::Unsupported | Verdict::NotApplicable | Verdict::Inconclusive, _) => None,
            (_, Some(at)) if at.position == failure.position => Some(format!("fails there too: {}", at.seen)),
            _ => answer(&run.script, failed, failure, &own),
        }
    }
}

impl Lawful {
    fn add(&mut self, frames: Vec<String>, choice: &'static str) {
        match self.reactions.iter().position(|known| alike(&known.frames, &frames)) {
            Some(0) => {}
            Some(known) => self.reactions[known].choices.push(choice),
            None => self.reactions.push(Reaction {
                frames,
                choices: vec![choice],
            }),
        }
    }
}

/// Whether two reactions are the same apart from the window that they offer, which any stack may choose.
fn alike(ours: &[String], theirs: &[String]) -> bool {
    let words = |frame: &String| -> Vec<String> {
        let words = frame.split(' ').filter(|word| !word.starts_with("win="));
        words.map(str::to_owned).collect()
    };
    ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| words(a) == words(b))
}

/// A segment that a step injected, and the reaction to it.
struct Injection<'a> {
    step: (&'a str, &'a Position),
    /// The index of the last event of the reaction, or of the segment itself.
    place: usize,
    frames: Vec<String>,
}

impl Injection<'_> {
    fn usual(&self) -> Lawful {
        let usual = Reaction {
            frames: self.frames.clone(),
            choices: Vec::new(),
        };
        Lawful {
            place: self.place,
            reactions: vec![usual],
        }
    }
}

fn injections_of(outcome: &Outcome) -> Vec<Injection<'_>> {
    injections(&outcome.trace)
}

fn injections(trace: &[TraceEvent]) -> Vec<Injection<'_>> {
    let mut found: Vec<Injection<'_>> = Vec::new();
    let mut open = false;
    for (place, event) in trace.iter().enumerate() {
        match &event.what {
            Happening::Step {
                word, text, position, ..
            } => {
                open = *word == StepWord::Inject;
                if open {
                    found.push(Injection {
                        step: (text, position),
                        place,
                        frames: Vec::new(),
                    });
                }
            }
            Happening::Frame {
                arrow, octets, origins, ..
            } if open => {
                if let Some(last) = found.last_mut() {
                    last.place = place;
                    if *arrow == Arrow::FromTarget {
                        last.frames.push(print_octets(octets, *origins));
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// The step of a script with this text and position; also within the outcomes of an `any-of`.
pub fn step_at<'a>(run: &'a Run, text: &str, position: &Position) -> Option<&'a Step> {
    let script = &run.script;
    let given = script.given.iter().find_map(|given| find(&given.steps, text, position));
    given.or_else(|| find(&script.steps, text, position))
}

fn find<'a>(steps: &'a [Step], text: &str, position: &Position) -> Option<&'a Step> {
    steps.iter().find_map(|step| match &step.kind {
        _ if step.text == text && step.position == *position => Some(step),
        StepKind::AnyOf(any_of) => {
            let mut outcomes = any_of.outcomes.iter();
            outcomes.find_map(|(_, steps)| find(steps, text, position))
        }
        _ => None,
    })
}

/// Most frames and ends of calls that are named.
const MOST: usize = 4;

/// What happened in `own` at the step at which `failed` ended.
fn answer(script: &Script, failed: &Outcome, failure: &Failure, own: &Outcome) -> Option<String> {
    let is_it = |event: &TraceEvent| match &event.what {
        Happening::Step { text, position, .. } => *text == failure.step && *position == failure.position,
        _ => false,
    };
    // A repeated step is in the trace several times: the same repetition is meant.
    let times = failed.trace.iter().filter(|event| is_it(event)).count();
    if times == 0 {
        return (failure.unmet == Unmet::End).then(|| "nothing more".to_owned());
    }
    let places = own.trace.iter().enumerate().filter(|(_, event)| is_it(event));
    let Some((begin, _)) = places.take(times).last() else {
        return Some(match own.outcomes.last() {
            Some(outcome) => format!("takes another outcome: {outcome}"),
            None => "does not reach this step".to_owned(),
        });
    };
    let mut told = meanwhile(&own.trace, begin, own.began);
    if told.is_empty() {
        // What met the step may have come long before the step began.
        told = met_by(script, own, failure, times);
    }
    if told.len() > MOST {
        let more = told.len() - MOST;
        told.truncate(MOST);
        told.push(format!("and {more} more"));
    }
    Some(match told.as_slice() {
        [] if failure.unmet == Unmet::Step(StepWord::Result) => "it is still pending".to_owned(),
        [] => "nothing".to_owned(),
        told => told.join(", "),
    })
}

/// The frames that met the `times`th repetition of the step.
fn met_by(script: &Script, own: &Outcome, failure: &Failure, times: usize) -> Vec<String> {
    let there = |evidence: &&Evidence| {
        let step = evidence.step.step(script);
        step.is_some_and(|step| step.text == failure.step && step.position == failure.position)
    };
    let all: Vec<&Evidence> = own.evidence.iter().filter(there).collect();
    let Some(met) = all.chunk_by(|a, b| a.step == b.step).nth(times - 1) else {
        return Vec::new();
    };
    let frames = own.trace.iter().filter_map(|event| match &event.what {
        Happening::Frame {
            arrow: Arrow::FromTarget,
            octets,
            origins,
            ..
        } => Some(timed(&print_octets(octets, *origins), event, own.began)),
        _ => None,
    });
    let frames: Vec<String> = frames.collect();
    met.iter()
        .filter_map(|evidence| match evidence.met_by {
            MetBy::Frame(number) => frames.get(number as usize).cloned(),
            _ => None,
        })
        .collect()
}

/// The target's events between the beginning of a step and that of the next. If there are none, its events since the
/// last cause: a reaction that came at once is in the trace before the step that looked at it.
fn meanwhile(trace: &[TraceEvent], begin: usize, began: Instant) -> Vec<String> {
    let Happening::Step { word, .. } = trace[begin].what else {
        return Vec::new();
    };
    let is_step = |event: &TraceEvent| matches!(event.what, Happening::Step { .. });
    let (before, after) = (&trace[..begin], &trace[begin + 1..]);
    let end = after.iter().position(is_step).unwrap_or(after.len());
    let cause = before.iter().rposition(is_cause);
    let began = cause.map_or(began, |cause| before[cause].at.latest);
    let tell = |event: &TraceEvent| tell(event, word).map(|text| timed(&text, event, began));
    let told: Vec<String> = after[..end].iter().filter_map(tell).collect();
    if !told.is_empty() {
        return told;
    }
    let since = cause.map_or(&[][..], |cause| &before[cause..]);
    since.iter().filter_map(tell).collect()
}

/// Whether the event can cause the target to do something.
fn is_cause(event: &TraceEvent) -> bool {
    match &event.what {
        Happening::Frame { arrow, .. } => *arrow == Arrow::ToTarget,
        Happening::Call { .. } => true,
        _ => false,
    }
}

/// What an event says of the target, as far as a step of this kind looks at it.
fn tell(event: &TraceEvent, word: StepWord) -> Option<String> {
    match (&event.what, word) {
        (
            Happening::Frame {
                arrow, octets, origins, ..
            },
            StepWord::Expect | StepWord::AnyOf,
        ) if *arrow == Arrow::FromTarget => Some(print_octets(octets, *origins)),
        (Happening::Return { text, .. }, StepWord::Call | StepWord::Result | StepWord::AnyOf) => Some(text.clone()),
        (Happening::Found(by, text), word) if *by == word => Some(text.clone()),
        _ => None,
    }
}

/// The text, with how long after `began` the event came, if any time went by.
fn timed(text: &str, event: &TraceEvent, began: Instant) -> String {
    match event.at.latest.since(began) {
        _ if matches!(event.what, Happening::Found(..)) => text.to_owned(),
        Duration::ZERO => text.to_owned(),
        later => format!("{text} after {:.3} s", later.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Axes, expand};
    use super::*;
    use crate::case::Library;
    use crate::model::Defect;

    fn run(name: &str) -> Run {
        let library = Library::bundled().unwrap();
        let scripts: Vec<_> = library.cases().iter().flat_map(|case| case.scripts.clone()).collect();
        let runs = expand(&scripts, &Axes::default());
        runs.into_iter().find(|run| run.name == name).unwrap()
    }

    /// What the reference endpoint says where one with a mistake fails.
    fn beside(name: &str, mistake: &str) -> (Outcome, String) {
        let (reference, run) = (Reference::new().unwrap(), run(name));
        let defects = Defects::only(Defect::from_name(mistake).unwrap());
        let target = target(reference.runner.clone(), Config::default(), defects);
        let failed = target.run_one(&run.job(1), &AtomicBool::new(false));
        let answer = reference.answer(&run, 1, &failed);
        (failed, answer.expect("it fails"))
    }

    #[test]
    fn beside_a_failure_stands_what_the_reference_endpoint_answers() {
        let name = "reset/acceptance[state=ESTABLISHED,event=RST-INWIN,edge=left,ip4]";
        let (failed, answer) = beside(name, "accept-any-rst");
        assert_eq!(failed.verdict, Verdict::Fail);
        assert_eq!(answer, "ACK seq=1 ack=1 win=65535");
    }

    #[test]
    fn what_passes_has_no_answer() {
        let (reference, run) = (Reference::new().unwrap(), run("reset/confirmed[meant,ip4]"));
        let outcome = reference.run(&run, 1);
        assert_eq!(outcome.verdict, Verdict::Pass);
        assert_eq!(reference.answer(&run, 1, &outcome), None);
    }

    #[test]
    fn reactions_are_told_apart_with_the_choices_that_lead_to_them() {
        let (reference, run) = (Reference::new().unwrap(), run("handshake/syn-fin[ip4]"));
        let usual = reference.run(&run, 1);
        let lawful = reference.lawful(&run, 1, &usual);
        let first = &lawful[0].reactions;
        assert!(first[0].frames[0].starts_with("SYN,ACK seq=0 ack=1 "), "{first:?}");
        assert_eq!(first[0].choices, [""; 0]);
        let silence = first.iter().find(|reaction| reaction.frames.is_empty());
        assert_eq!(silence.unwrap().choices, ["syn-fin=no"]);
        assert!(matches!(usual.trace[lawful[0].place].what, Happening::Frame { .. }));
    }

    #[test]
    fn what_the_case_does_not_accept_is_not_lawful() {
        // Without RFC 5961 a RST in the window ends the connection in silence: the case fails then.
        let name = "reset/acceptance[state=ESTABLISHED,event=RST-INWIN,edge=left,ip4]";
        let (reference, run) = (Reference::new().unwrap(), run(name));
        let usual = reference.run(&run, 1);
        let lawful = reference.lawful(&run, 1, &usual);
        let choices: Vec<_> = lawful
            .iter()
            .flat_map(|it| &it.reactions)
            .flat_map(|it| it.choices.clone())
            .collect();
        assert!(!choices.contains(&"rfc5961=no"), "{lawful:?}");
    }

    #[test]
    fn every_injected_segment_has_its_usual_reaction() {
        let (reference, run) = (Reference::new().unwrap(), run("reset/confirmed[meant,ip4]"));
        let usual = reference.run(&run, 1);
        let injected = usual.trace.iter().filter(|event| match &event.what {
            Happening::Step { word, .. } => *word == StepWord::Inject,
            _ => false,
        });
        assert_eq!(reference.lawful(&run, 1, &usual).len(), injected.count());
    }
}
