//! What was wrong on the wire where a step or a rule was not met, whichever case asked: failures with the same symptom
//! are one habit of the stack.

use crate::notation::Verb;
use crate::peer::{Bit, Field, Message, Part, Presence, Side};
use crate::rfc::Grounds;
use crate::rfc::Level::{self, Must};
use crate::rules::RULES;
use crate::stack::Breakdown;
use crate::wire::OptionKind;
use core::fmt;
use serde::{Deserialize, Serialize};

/// What was wrong on the wire.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Symptom {
    /// Something came that nobody asked for.
    Unasked {
        /// What.
        came: Message,
        /// Upon what.
        upon: Occasion,
    },
    /// Nothing came.
    Silence {
        /// What was due.
        due: Message,
        /// What it would have answered; `null` where the target sends it by itself.
        upon: Option<Message>,
    },
    /// What was due came, and a part of it was wrong.
    Wrong {
        /// On what.
        on: Bearer,
        /// Which part.
        part: Part,
    },
    /// What was due came too early or too late.
    Untimely(Moment),
    /// Of what was due too few or too many came.
    Count(Side),
    /// A call ended otherwise than it should, or did not end.
    Answer {
        /// Which call.
        call: Verb,
        /// How it ended.
        end: CallEnd,
        /// The last segment of the tester before that.
        upon: Option<Message>,
    },
    /// The target is in another state, by what it tells or by how it answers.
    State {
        /// The last segment of the tester before that.
        upon: Option<Message>,
    },
    /// What was measured is not in the relation that is asked for.
    Measured,
    /// A segment came that belongs to no connection.
    Stray,
    /// A rule does not hold, by its name.
    Rule(String),
    /// The target does not keep to the contract by which it is tested.
    Breach,
    /// The target broke down.
    Breakdown(Breakdown),
}

/// Upon what something came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Occasion {
    /// A call.
    Call(Verb),
    /// A segment of the tester, as the answer to it.
    Answer(Message),
    /// Nothing that is still to be answered.
    Nothing,
    /// Nothing that the tester did: time had passed.
    Time,
}

/// On what a part was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Bearer {
    /// A SYN or SYN,ACK.
    Syn,
    /// A RST.
    Reset,
    /// Any other segment.
    Segment,
}

/// When something came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// Before its time.
    Early,
    /// After its time.
    Late,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CallEnd {
    /// Well.
    Well,
    /// At the end of the stream.
    EndOfStream,
    /// With an error.
    Error,
    /// Not yet.
    Pending,
}

/// A requirement that a conduct breaks whatever the case: its id, its level and the grounds of that, and what it asks, in
/// our own words.
pub type Conduct = (&'static str, Level, Grounds, &'static str);

impl Symptom {
    /// The requirement that forbids just this, whatever was asked about; `None` where that depends on the case. A test
    /// holds the levels to the catalogue.
    pub fn conduct(&self) -> Option<Conduct> {
        Some(match self {
            Symptom::Unasked { came, upon } => return unasked(*came, *upon),
            Symptom::Wrong { on, part } => return wrong(*on, part),
            Symptom::Silence {
                due: Message::SynAck,
                upon: Some(Message::Syn),
            } => (
                "RFC9293-FIG6-3WHS",
                Must,
                Grounds::PROSE,
                "A SYN is answered by a SYN,ACK.",
            ),
            Symptom::Silence { due: Message::Fin, .. } => (
                "RFC9293-FIG12-CLOSE",
                Must,
                Grounds::PROSE,
                "Once the application has closed, a FIN follows what is still to be sent.",
            ),
            Symptom::Silence {
                due: Message::Retransmission,
                ..
            } => (
                "RFC9293-TMO-RETX",
                Must,
                Grounds::PROSE,
                "What is not acknowledged in time is sent again.",
            ),
            Symptom::Stray => (
                "RFC9293-MUST-45",
                Must,
                Grounds::STANDARD,
                "All segments of a connection keep the same local address.",
            ),
            Symptom::Rule(name) => {
                let rule = RULES.iter().find(|rule| rule.name == name)?;
                let weightiest = |(_, level, grounds): &&(&str, Level, Grounds)| grounds.weight(*level);
                let (id, level, grounds) = rule.requirements.iter().max_by_key(weightiest)?;
                (id, *level, *grounds, rule.meaning)
            }
            Symptom::Silence { .. }
            | Symptom::Untimely(_)
            | Symptom::Count(_)
            | Symptom::Answer { .. }
            | Symptom::State { .. }
            | Symptom::Measured
            | Symptom::Breach
            | Symptom::Breakdown(_) => return None,
        })
    }

    /// Whether the symptom is too general to tell habits apart, so that those that break different requirements differ.
    pub const fn is_general(&self) -> bool {
        match self {
            Symptom::Untimely(_) | Symptom::Count(_) | Symptom::Measured => true,
            Symptom::Answer { .. }
            | Symptom::State { .. }
            | Symptom::Unasked { .. }
            | Symptom::Silence { .. }
            | Symptom::Wrong { .. }
            | Symptom::Stray
            | Symptom::Rule(_)
            | Symptom::Breach
            | Symptom::Breakdown(_) => false,
        }
    }
}

fn unasked(came: Message, upon: Occasion) -> Option<Conduct> {
    Some(match (came, upon) {
        (Message::Ack, Occasion::Answer(_)) => return None,
        (Message::Ack, _) => (
            "RFC5681-4.2-3",
            Must,
            Grounds::DRAFT,
            "Not more than one ACK for each segment that comes, window updates aside.",
        ),
        (Message::Reset, Occasion::Answer(Message::Reset)) => (
            "RFC9293-RSTGEN-NORST4RST",
            Must,
            Grounds::PROSE,
            "A reset is never answered by a reset.",
        ),
        (Message::Reset, Occasion::Time) => (
            "RFC9293-RSTGEN-DOUBT",
            Must,
            Grounds::PROSE,
            "No reset is sent unless a segment came that is clearly not meant for the connection.",
        ),
        (Message::Fin, Occasion::Answer(_) | Occasion::Nothing | Occasion::Time) => (
            "RFC9293-3.6-NOFIN-AUTO",
            Must,
            Grounds::PROSE,
            "The FIN waits for the CLOSE of the application.",
        ),
        (Message::Retransmission, Occasion::Time) => (
            "RFC6298-5-1",
            Must,
            Grounds::PROPOSED,
            "Nothing is sent again by timer before the retransmission timeout.",
        ),
        _ => return None,
    })
}

fn wrong(on: Bearer, part: &Part) -> Option<Conduct> {
    let unset_ack = Part::Bit {
        bit: Bit::Ack,
        set: false,
    };
    match part {
        Part::Number { field, .. } if on != Bearer::Reset => wrong_number(on, *field),
        Part::Option { option, how } => wrong_option(on, *option, *how),
        _ if on == Bearer::Segment && *part == unset_ack => Some((
            "RFC9293-3.1-ACK-ALWAYS",
            Must,
            Grounds::PROSE,
            "Every segment of a connection but its SYN has ACK.",
        )),
        _ => None,
    }
}

fn wrong_number(on: Bearer, field: Field) -> Option<Conduct> {
    let (id, meaning) = match field {
        Field::AcknowledgmentNumber => (
            "RFC9293-3.4-ACK-CUM",
            "The acknowledgment number is that of the next octet that is waited for.",
        ),
        Field::SequenceNumber if on == Bearer::Segment => (
            "RFC9293-3.4-SYNFIN-SEQ",
            "Octets are numbered one after the other; SYN and FIN take one number each.",
        ),
        Field::Reserved => ("RFC9293-3.1-RESERVED-TX", "Reserved bits are zero."),
        _ => return None,
    };
    Some((id, Must, Grounds::PROSE, meaning))
}

fn wrong_option(on: Bearer, option: OptionKind, how: Presence) -> Option<Conduct> {
    let (id, grounds, meaning) = match (on, option, how) {
        (_, OptionKind::TIMESTAMPS, Presence::Unwanted) => (
            "RFC7323-3.2-4",
            Grounds::PROPOSED,
            "Timestamps stand on segments only if they were offered.",
        ),
        (Bearer::Segment, OptionKind::TIMESTAMPS, Presence::Missing) => (
            "RFC7323-3.2-5",
            Grounds::PROPOSED,
            "Once agreed upon, timestamps stand on every segment but a reset.",
        ),
        (Bearer::Syn, OptionKind::WINDOW_SCALE, Presence::Unwanted) => (
            "RFC7323-2.2-4",
            Grounds::PROPOSED,
            "A SYN,ACK scales windows only if the SYN offered it.",
        ),
        (Bearer::Segment, OptionKind::MSS, Presence::Unwanted) => {
            ("RFC9293-MUST-65", Grounds::STANDARD, "MSS stands on SYNs only.")
        }
        (Bearer::Segment, OptionKind::SACK_PERMITTED, Presence::Unwanted) => {
            ("RFC2018-2-1", Grounds::PROPOSED, "SACK-permitted stands on SYNs only.")
        }
        (Bearer::Segment, OptionKind::SACK, Presence::Unwanted) => (
            "RFC2018-4-1",
            Grounds::PROPOSED,
            "SACK blocks are for peers that permitted them.",
        ),
        _ => return None,
    };
    Some((id, Must, grounds, meaning))
}

impl fmt::Display for Symptom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Symptom::Unasked { came, upon } => write!(f, "{came} that nobody asked for, {upon}"),
            Symptom::Silence { due, upon } => write!(f, "silence where {due} was due{}", Upon(*upon)),
            Symptom::Wrong { on, part } => write!(f, "{part}, on {on}"),
            Symptom::Untimely(Moment::Early) => f.write_str("something before its time"),
            Symptom::Untimely(Moment::Late) => f.write_str("something after its time"),
            Symptom::Count(Side::Below) => f.write_str("too few segments"),
            Symptom::Count(_) => f.write_str("too many segments"),
            Symptom::Answer { call, end, upon } => write!(f, "`{}` {end}{}", call.name(), Upon(*upon)),
            Symptom::State { upon } => write!(f, "another state than is due{}", Upon(*upon)),
            Symptom::Measured => f.write_str("measured values that do not fit each other"),
            Symptom::Stray => f.write_str("a segment that belongs to no connection"),
            Symptom::Rule(name) => write!(f, "the rule {name} is broken"),
            Symptom::Breach => f.write_str("the contract by which it is tested is not kept"),
            Symptom::Breakdown(how) => write!(f, "the target broke down: {how}"),
        }
    }
}

/// The segment upon which something came, if there was one.
struct Upon(Option<Message>);

impl fmt::Display for Upon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |message| write!(f, ", upon {message}"))
    }
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Occasion::Call(verb) => write!(f, "upon the call `{}`", verb.name()),
            Occasion::Answer(message) => write!(f, "upon {message}"),
            Occasion::Nothing => f.write_str("where nothing was to be answered"),
            Occasion::Time => f.write_str("as time passed"),
        }
    }
}

impl fmt::Display for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Bearer::Syn => "a SYN",
            Bearer::Reset => "a RST",
            Bearer::Segment => "a segment",
        })
    }
}

impl fmt::Display for CallEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CallEnd::Well => "ended well",
            CallEnd::EndOfStream => "ended at the end of the stream",
            CallEnd::Error => "ended with an error",
            CallEnd::Pending => "did not end",
        })
    }
}

impl From<Message> for Bearer {
    fn from(message: Message) -> Bearer {
        match message {
            Message::Syn | Message::SynAck => Bearer::Syn,
            Message::Reset => Bearer::Reset,
            _ => Bearer::Segment,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Library;

    const MESSAGES: [Message; 10] = [
        Message::Syn,
        Message::SynAck,
        Message::Ack,
        Message::Text,
        Message::Fin,
        Message::Reset,
        Message::Probe,
        Message::Retransmission,
        Message::Malformed,
        Message::Icmp,
    ];

    fn occasions() -> impl Iterator<Item = Occasion> {
        let answers = MESSAGES.into_iter().map(Occasion::Answer);
        answers.chain([Occasion::Call(Verb::Recv), Occasion::Nothing, Occasion::Time])
    }

    fn parts() -> Vec<Part> {
        let kinds = (0..=u8::MAX).map(OptionKind::new);
        let ways = [Presence::Missing, Presence::Unwanted, Presence::OtherValue];
        let options = kinds.flat_map(|option| ways.map(|how| Part::Option { option, how }));
        let fields = [
            Field::SequenceNumber,
            Field::AcknowledgmentNumber,
            Field::Window,
            Field::UrgentPointer,
            Field::Length,
            Field::DataOffset,
            Field::Reserved,
            Field::Checksum,
            Field::Ecn,
            Field::Dscp,
            Field::Ttl,
            Field::PacketLength,
            Field::Identification,
            Field::DontFragment,
            Field::FlowLabel,
        ];
        let bits = Bit::ALL
            .into_iter()
            .flat_map(|(bit, _)| [true, false].map(|set| Part::Bit { bit, set }));
        let numbers = fields.into_iter().map(|field| field.is(Side::Above));
        options.chain(bits).chain(numbers).chain([Part::Text]).collect()
    }

    /// Symptoms of every kind.
    fn all() -> Vec<Symptom> {
        let unasked = MESSAGES
            .into_iter()
            .flat_map(|came| occasions().map(move |upon| Symptom::Unasked { came, upon }));
        let upon = || MESSAGES.into_iter().map(Some).chain([None]);
        let silence = MESSAGES
            .into_iter()
            .flat_map(|due| upon().map(move |upon| Symptom::Silence { due, upon }));
        let wrong = [Bearer::Syn, Bearer::Reset, Bearer::Segment]
            .into_iter()
            .flat_map(|on| parts().into_iter().map(move |part| Symptom::Wrong { on, part }));
        let rules = RULES.iter().map(|rule| Symptom::Rule(rule.name.to_owned()));
        let states = upon().map(|upon| Symptom::State { upon });
        let rest = [Symptom::Stray, Symptom::Measured, Symptom::Breach];
        let rest = rest.into_iter().chain(Breakdown::ALL.map(Symptom::Breakdown));
        unasked
            .chain(silence)
            .chain(states)
            .chain(wrong)
            .chain(rules)
            .chain(rest)
            .collect()
    }

    #[test]
    fn a_conduct_breaks_a_requirement_of_the_catalogue_at_its_level() {
        let library = Library::bundled().unwrap();
        let mut checked = 0;
        for symptom in all() {
            let Some((id, level, grounds, meaning)) = symptom.conduct() else {
                continue;
            };
            let known = library.requirements().get(id).map(|it| &it.requirement);
            let known = known.map(|it| (it.level, it.grounds));
            assert_eq!(known, Some((level, grounds)), "{symptom}: {id}");
            assert!(meaning.ends_with('.'), "{meaning}");
            checked += 1;
        }
        assert!(checked > RULES.len() + 20, "{checked}");
    }

    #[test]
    fn different_symptoms_read_differently() {
        let all = all();
        let texts: std::collections::BTreeSet<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(texts.len(), all.len());
    }
}
