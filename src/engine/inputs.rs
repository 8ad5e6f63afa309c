//! What a run has done to its target, so that what the target does can be put down to it.

use super::run::{DriverAction, Run};
use super::symptom::{CallEnd, Occasion, Symptom};
use crate::notation::{SegmentPattern, Verb};
use crate::peer::{Cause, Frame, Message, Misfit};
use crate::script::{Step, StepKind};
use crate::wire::Flags;
use std::collections::BTreeMap;

/// The injects and calls of a run.
#[derive(Debug, Default)]
pub(super) struct Inputs {
    /// By their place in the run's order, without the questions of ours.
    made: BTreeMap<u64, Input>,
    /// How many there were, with those.
    count: u32,
}

/// Something that was done to the target.
#[derive(Clone, Copy, Debug)]
enum Input {
    Call(Verb),
    Message(Message),
}

impl Inputs {
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// What caused something.
    fn cause(&self, cause: Cause) -> Option<Input> {
        self.made.get(&cause?).copied()
    }

    /// The last of them, as the occasion of what came then.
    fn last(&self) -> Occasion {
        match self.made.values().last() {
            Some(Input::Call(verb)) => Occasion::Call(*verb),
            Some(Input::Message(message)) => Occasion::Answer(*message),
            None => Occasion::Time,
        }
    }

    /// The last segment of the tester.
    fn last_message(&self) -> Option<Message> {
        let message = |input: &Input| match input {
            Input::Message(message) => Some(*message),
            Input::Call(_) => None,
        };
        self.made.values().rev().find_map(message)
    }
}

impl Run {
    /// Notes what is about to be handed to the driver. What was passed by before is no answer to it.
    pub(super) fn note_input(&mut self, action: &DriverAction) {
        let input = match action {
            DriverAction::Inject(flight) => Some(Input::Message(flight.message)),
            DriverAction::Call(id, _) => self.calls.verb(*id).map(Input::Call),
        };
        self.inputs.count += 1;
        if let Some(input) = input {
            self.inputs.made.insert(self.order, input);
            self.passed_by.clear();
        }
    }

    /// What a frame shows that no step takes and that is no lawful background: a part of it that does not fit where it
    /// is of the kind that was waited for, or a number that no correct target says now, or else that it came at all.
    pub(super) fn symptom_of(&self, conn: usize, frame: &Frame, misfit: Option<&Misfit>) -> Symptom {
        let there = &self.conns[conn];
        let came = there.message(frame);
        let upon = self.occasion(conn, frame);
        let part = match there.repeats_for_nothing(frame) {
            true => None,
            false => misfit
                .and_then(|misfit| misfit.part.clone())
                .or_else(|| there.wrong_number(frame)),
        };
        match part {
            Some(part) => Symptom::Wrong { on: came.into(), part },
            None => Symptom::Unasked { came, upon },
        }
    }

    /// Upon what a frame came.
    pub(super) fn occasion(&self, conn: usize, frame: &Frame) -> Occasion {
        match self.inputs.cause(frame.cause) {
            Some(Input::Call(verb)) => Occasion::Call(verb),
            _ if self.conns[conn].repeats_for_nothing(frame) => Occasion::Nothing,
            Some(Input::Message(message)) => Occasion::Answer(message),
            None => Occasion::Time,
        }
    }

    /// What it means that a call ended so. A reset that has come and was not looked at says more: it ended the connection
    /// for which the call was made.
    pub(super) fn answered(&self, call: Verb, end: CallEnd) -> Symptom {
        let unlooked = self.conns.iter().enumerate().flat_map(|(conn, there)| {
            let frames = there.inbox.iter();
            frames.map(move |frame| (conn, frame))
        });
        let mut resets = unlooked.filter(|(_, frame)| frame.has(Flags::RST));
        match resets.next() {
            Some((conn, frame)) if matches!(end, CallEnd::Pending | CallEnd::Error) => Symptom::Unasked {
                came: Message::Reset,
                upon: self.occasion(conn, frame),
            },
            _ => Symptom::Answer {
                call,
                end,
                upon: self.inputs.last_message(),
            },
        }
    }

    /// That the target is in another state than is due.
    pub(super) fn other_state(&self) -> Symptom {
        Symptom::State {
            upon: self.inputs.last_message(),
        }
    }

    /// What it means that a segment did not come, where `misfit` is about the one that came in its place.
    pub(super) fn silence(&self, pattern: &SegmentPattern, misfit: Option<&Misfit>) -> Symptom {
        let due = Message::due(pattern);
        if let Some(part) = misfit.and_then(|misfit| misfit.part.clone()) {
            return Symptom::Wrong { on: due.into(), part };
        }
        let answers = matches!(due, Message::Ack | Message::SynAck | Message::Reset);
        let upon = self.inputs.last_message().filter(|_| answers);
        Symptom::Silence { due, upon }
    }

    /// That nothing met a step, with what was passed by since the tester last did something.
    pub(super) fn nothing(&self, said: &str) -> String {
        const SHOWN: usize = 3;
        let frames: Vec<String> = self.passed_by.iter().map(|text| format!("`{text}`")).collect();
        match frames.len() {
            0 => said.to_owned(),
            1..=SHOWN => format!("{said} (passed by as background: {})", frames.join(", ")),
            all => format!(
                "{said} (passed by as background: {}, and {} more)",
                frames[..SHOWN].join(", "),
                all - SHOWN
            ),
        }
    }

    /// What it means that the first step of an outcome was not met.
    pub(super) fn missed(&self, step: &Step, misfit: Option<&Misfit>) -> Option<Symptom> {
        match &step.kind {
            StepKind::Expect(expect) => Some(self.silence(&expect.segment, misfit)),
            StepKind::Result(result) => Some(self.answered(result.verb, CallEnd::Pending)),
            _ => None,
        }
    }

    /// What it means that a step was met which begins an outcome that the requirement rules out; `right` begins the
    /// others.
    pub(super) fn ruled_out<'a>(&self, step: &Step, mut right: impl Iterator<Item = &'a Step>) -> Option<Symptom> {
        match &step.kind {
            StepKind::Expect(expect) => Some(Symptom::Unasked {
                came: Message::due(&expect.segment),
                upon: self.inputs.last(),
            }),
            StepKind::Nothing(_) => right.find_map(|step| self.missed(step, None)),
            StepKind::Result(result) => Some(self.answered(result.verb, CallEnd::of_returns(&result.returns))),
            _ => None,
        }
    }
}
