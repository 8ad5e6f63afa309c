//! What of a target's known habits a run passes over, so that the rest of the exchange is judged.

use super::Verdict;
use super::ending::Judgment;
use super::run::Run;
use super::stop::{Complaint, Stop};
use super::symptom::{Bearer, Occasion, Symptom};
use crate::notation::{Key, SegmentPattern, Verb};
use crate::peer::{Field, Fit, Frame, Matching, Message, Part, Presence, Side, fit};
use crate::rules::RULES;
use crate::time::Stamp;
use crate::wire::{Body, OptionKind, Packet};
use core::fmt;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A difference that can be taken out of an exchange with the rest still judged. What did not come, came too late or was
/// numbered wrongly cannot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Waive {
    /// An ACK that repeats the last one, announces no more, and answers nothing.
    UnaskedAck(Upon),
    /// An option that nobody offered.
    Option(OptionKind),
    /// The window that is announced.
    Window(WindowSide),
    /// A rule of form, by its name.
    Rule(String),
}

/// Upon what an unasked ACK may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Upon {
    /// Upon anything.
    Anything,
    /// Upon this call.
    Call(Verb),
    /// Where nothing is to be answered, without a call.
    Nothing,
}

/// On which side of what is expected a window may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum WindowSide {
    /// On either.
    Any,
    /// Below it.
    TooLow,
    /// Above it.
    TooHigh,
}

impl Waive {
    /// The narrowest that covers a symptom; `None`: it cannot be waived.
    pub fn of(symptom: &Symptom) -> Option<Waive> {
        match symptom {
            Symptom::Unasked {
                came: Message::Ack,
                upon,
            } => match upon {
                Occasion::Call(verb) => Some(Waive::UnaskedAck(Upon::Call(*verb))),
                Occasion::Nothing => Some(Waive::UnaskedAck(Upon::Nothing)),
                Occasion::Answer(_) | Occasion::Time => None,
            },
            Symptom::Wrong {
                part:
                    Part::Option {
                        option,
                        how: Presence::Unwanted,
                    },
                ..
            } => Some(Waive::Option(*option)),
            Symptom::Wrong {
                part:
                    Part::Number {
                        field: Field::Window,
                        side,
                    },
                ..
            } => Some(Waive::Window(match side {
                Side::Below => WindowSide::TooLow,
                Side::Above => WindowSide::TooHigh,
                Side::Other => WindowSide::Any,
            })),
            Symptom::Rule(name) => {
                let rule = RULES.iter().find(|rule| rule.name == name)?;
                match rule.forbids {
                    Some(option) => Some(Waive::Option(option)),
                    None => rule.of_form.then(|| Waive::Rule(name.clone())),
                }
            }
            _ => None,
        }
    }

    /// Whether it covers a symptom.
    pub fn covers(&self, symptom: &Symptom) -> bool {
        let Some(narrowest) = Waive::of(symptom) else {
            return false;
        };
        match (self, &narrowest) {
            (Waive::UnaskedAck(Upon::Anything), Waive::UnaskedAck(_))
            | (Waive::Window(WindowSide::Any), Waive::Window(_)) => true,
            _ => *self == narrowest,
        }
    }

    /// The requirements that forbid just this, whatever a case asks about; none where that depends on the case.
    pub fn requirements(&self) -> BTreeSet<&'static str> {
        let rules = RULES.iter().filter(|rule| match self {
            Waive::Rule(name) => rule.name == name,
            Waive::Option(option) => rule.forbids == Some(*option),
            Waive::UnaskedAck(_) | Waive::Window(_) => false,
        });
        let of_rules = rules.flat_map(|rule| rule.requirements.iter().map(|(id, ..)| *id));
        let symptoms = match self {
            Waive::UnaskedAck(_) => vec![Symptom::Unasked {
                came: Message::Ack,
                upon: Occasion::Nothing,
            }],
            Waive::Option(option) => [Bearer::Syn, Bearer::Segment]
                .map(|on| {
                    let (option, how) = (*option, Presence::Unwanted);
                    let part = Part::Option { option, how };
                    Symptom::Wrong { on, part }
                })
                .to_vec(),
            Waive::Window(_) | Waive::Rule(_) => Vec::new(),
        };
        let of_conduct = symptoms.iter().filter_map(Symptom::conduct).map(|(id, ..)| id);
        of_rules.chain(of_conduct).collect()
    }
}

impl fmt::Display for Waive {
    /// As `expectations.yaml` has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Waive::UnaskedAck(Upon::Anything) => f.write_str("unasked-ack"),
            Waive::UnaskedAck(Upon::Call(verb)) => write!(f, "{{unasked-ack: {}}}", verb.name()),
            Waive::UnaskedAck(Upon::Nothing) => f.write_str("{unasked-ack: nothing}"),
            Waive::Option(option) => write!(f, "{{option: {option}}}"),
            Waive::Window(WindowSide::Any) => f.write_str("window"),
            Waive::Window(WindowSide::TooLow) => f.write_str("{window: too-low}"),
            Waive::Window(WindowSide::TooHigh) => f.write_str("{window: too-high}"),
            Waive::Rule(name) => write!(f, "{{rule: {name}}}"),
        }
    }
}

impl Run {
    /// Passes over what would fail the run, if that is waived; the run has failed otherwise.
    pub(super) fn pass_over(&mut self, at: Stamp, complaint: Complaint) -> Result<(), Stop> {
        let Some(waive) = self.waiver_of(&complaint.symptom) else {
            return Err(Stop::Failed(complaint));
        };
        self.note(at, format!("waived ({waive}): {}", complaint.seen));
        let judgment = self.judge(complaint);
        self.keep_waived(waive, judgment);
        Ok(())
    }

    /// Keeps what a run would have failed by, were it not waived.
    pub(super) fn keep_waived(&mut self, waive: Waive, mut judgment: Judgment) {
        if judgment.verdict != Verdict::NotApplicable {
            judgment.failure.waived = Some(waive);
            self.passed_over.push(judgment);
        }
    }

    /// What covers a symptom in this run.
    pub(super) fn waiver_of(&self, symptom: &Symptom) -> Option<Waive> {
        self.at.waived.iter().find(|waive| waive.covers(symptom)).cloned()
    }

    /// Whether a frame is an ACK that is passed over wherever it comes, also where a step would take it.
    pub(super) fn is_waived_ack(&self, conn: usize, frame: &Frame) -> bool {
        let symptom = || Symptom::Unasked {
            came: Message::Ack,
            upon: self.occasion(conn, frame),
        };
        !self.at.waived.is_empty()
            && self.conns[conn].repeats_for_nothing(frame)
            && self.waiver_of(&symptom()).is_some()
    }

    /// Compares a frame with a pattern, without what of the frame is waived. Where it fits only so, what was passed over
    /// is told.
    pub(super) fn fit_without_waived(
        &self,
        conn: usize,
        pattern: &SegmentPattern,
        frame: &mut Frame,
        matching: &mut Matching,
    ) -> Result<(Fit, Vec<Complaint>), Stop> {
        let on = Bearer::from(self.conns[conn].message(frame));
        let whole = Arc::clone(&frame.packet);
        let mut pattern = Cow::Borrowed(pattern);
        let mut passed_over = Vec::new();
        loop {
            let (mut bare, mut trial) = (frame.clone(), matching.clone());
            let misfit = match fit(&pattern, &mut bare, &self.scope(conn), &mut trial)? {
                Fit::No(misfit) => misfit,
                fits => {
                    *frame = Frame { packet: whole, ..bare };
                    *matching = trial;
                    return Ok((fits, passed_over));
                }
            };
            let symptom = misfit.part.clone().map(|part| Symptom::Wrong { on, part });
            let Some(symptom) = symptom.filter(|symptom| self.waiver_of(symptom).is_some()) else {
                frame.packet = whole;
                return Ok((Fit::No(misfit), Vec::new()));
            };
            match &symptom {
                Symptom::Wrong {
                    part: Part::Option { option, .. },
                    ..
                } => frame.packet = Arc::new(without_option(&frame.packet, *option)),
                _ => pattern.to_mut().fields.retain(|(key, _)| *key != Key::Win),
            }
            let seen = format!("`{}`: {misfit}", self.show(frame, conn));
            passed_over.push(Complaint {
                frame: Some(frame.number),
                ..Complaint::new(symptom, String::new(), seen)
            });
        }
    }
}

/// A packet without the options of a kind.
fn without_option(packet: &Packet, kind: OptionKind) -> Packet {
    let mut packet = packet.clone();
    if let Body::Tcp(segment) = &mut packet.body {
        segment.options.retain(|option| OptionKind::of(option) != Some(kind));
    }
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unasked(upon: Occasion) -> Symptom {
        let came = Message::Ack;
        Symptom::Unasked { came, upon }
    }

    fn wrong(part: Part) -> Symptom {
        Symptom::Wrong {
            on: Bearer::Segment,
            part,
        }
    }

    fn rule(name: &str) -> Symptom {
        Symptom::Rule(name.to_owned())
    }

    #[test]
    fn what_can_be_taken_out_of_an_exchange_can_be_waived_and_nothing_else() {
        let option = |how| Part::Option {
            option: OptionKind::TIMESTAMPS,
            how,
        };
        let table = [
            (unasked(Occasion::Call(Verb::Recv)), "{unasked-ack: recv}"),
            (unasked(Occasion::Nothing), "{unasked-ack: nothing}"),
            (unasked(Occasion::Answer(Message::Reset)), "-"),
            (wrong(option(Presence::Unwanted)), "{option: timestamps}"),
            (wrong(option(Presence::Missing)), "-"),
            (wrong(option(Presence::OtherValue)), "-"),
            (wrong(Field::Window.is(Side::Above)), "{window: too-high}"),
            (wrong(Field::Window.is(Side::Below)), "{window: too-low}"),
            (wrong(Field::SequenceNumber.is(Side::Below)), "-"),
            (wrong(Part::Text), "-"),
            (rule("reserved-bits-clear"), "{rule: reserved-bits-clear}"),
            (rule("timestamps-only-if-offered"), "{option: timestamps}"),
            (rule("ack-never-back"), "-"),
            (rule("ack-in-time"), "-"),
            (Symptom::Stray, "-"),
            (Symptom::Measured, "-"),
        ];
        for (symptom, expected) in table {
            let waive = Waive::of(&symptom);
            let told = waive.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
            assert_eq!(told, expected, "{symptom}");
            assert!(waive.is_none_or(|waive| waive.covers(&symptom)), "{symptom}");
        }
    }

    #[test]
    fn a_waiver_covers_its_own_kind_only() {
        let anything = Waive::UnaskedAck(Upon::Anything);
        assert!(anything.covers(&unasked(Occasion::Call(Verb::Recv))));
        assert!(anything.covers(&unasked(Occasion::Nothing)));
        assert!(!anything.covers(&unasked(Occasion::Answer(Message::Text))));
        assert!(!Waive::UnaskedAck(Upon::Call(Verb::Recv)).covers(&unasked(Occasion::Nothing)));
        assert!(Waive::Window(WindowSide::Any).covers(&wrong(Field::Window.is(Side::Below))));
        assert!(!Waive::Window(WindowSide::TooLow).covers(&wrong(Field::Window.is(Side::Above))));
        assert!(!Waive::Option(OptionKind::SACK).covers(&rule("timestamps-only-if-offered")));
    }

    #[test]
    fn no_rule_about_numbers_or_time_is_one_of_form() {
        let of_form = RULES.iter().filter(|rule| rule.of_form);
        assert!(of_form.clone().all(|rule| !rule.timing), "time cannot be waived");
        assert!(of_form.count() > 10);
        for name in [
            "no-gap",
            "ack-never-back",
            "ack-of-what-came",
            "window-respected",
            "same-octets-again",
        ] {
            assert_eq!(Waive::of(&rule(name)), None, "{name}");
        }
    }
}
