//! What else the target could have done at each step that checked it.

use super::altered::{Alteration, ReplyId, When};
use super::{answer, segment};
use crate::engine::{Arrow, Cursor, Evidence, Happening, MetBy, Outcome};
use crate::notation::{TimeSpec, Verb};
use crate::script::{Expect, ResultStep, Script, Step, StepKind};
use crate::stack::{CallId, Emitted};
use crate::time::Instant;
use crate::wire::{Body, Checksum, Flags, Packet, Segment, TcpOption};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One reply changed in one way.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// The step that checked the reply.
    pub step: Cursor,
    /// How the reply differs: `ack +1`, `doubled`.
    pub what: String,
    pub alteration: Alteration,
}

/// The time by which a reply is made too late or too early: on virtual time any is enough.
const A_MOMENT: Duration = Duration::from_millis(1);

/// All changes to what met the steps of a run, other than those in `known`.
///
/// Of the frames that one line of a case met, such as a long transfer or a repetition, the first and the last are
/// changed: the rest are between them.
pub(super) fn changes(
    script: &Script,
    outcome: &Outcome,
    told: &[(CallId, Emitted)],
    known: &BTreeSet<Cursor>,
) -> Vec<Change> {
    let maker = Maker {
        script,
        frames: frames(outcome),
        told,
        evidence: &outcome.evidence,
    };
    let mut found = Vec::new();
    for evidence in maker.chosen(known) {
        if let Some(step) = evidence.step.step(script) {
            maker.of(evidence, step, &mut found);
        }
    }
    found
}

/// The frames in a trace, in order; those of the target are numbered as the engine numbers them.
fn frames(outcome: &Outcome) -> Vec<(Arrow, Arc<[u8]>, &str)> {
    let frames = outcome.trace.iter().filter_map(|event| match &event.what {
        Happening::Frame {
            arrow, octets, conn, ..
        } => Some((*arrow, Arc::clone(octets), conn.as_str())),
        _ => None,
    });
    frames.collect()
}

struct Maker<'a> {
    script: &'a Script,
    frames: Vec<(Arrow, Arc<[u8]>, &'a str)>,
    told: &'a [(CallId, Emitted)],
    evidence: &'a [Evidence],
}

impl<'a> Maker<'a> {
    /// The first and the last evidence of each line of the case.
    fn chosen(&self, known: &BTreeSet<Cursor>) -> Vec<&'a Evidence> {
        let mut ends: BTreeMap<_, (usize, usize)> = BTreeMap::new();
        for (at, evidence) in self.evidence.iter().enumerate() {
            let looked = !matches!(evidence.met_by, MetBy::Outcome(_));
            let Some(step) = evidence.step.step(self.script).filter(|_| looked) else {
                continue;
            };
            if !known.contains(&evidence.step) {
                let in_given = evidence.step.in_given(self.script);
                ends.entry((in_given, &step.position, &step.text)).or_insert((at, at)).1 = at;
            }
        }
        let mut places: Vec<usize> = ends.into_values().flat_map(|(first, last)| [first, last]).collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|at| &self.evidence[at]).collect()
    }

    fn of(&self, evidence: &Evidence, step: &Step, found: &mut Vec<Change>) {
        let made = match (&step.kind, evidence.met_by) {
            (StepKind::Expect(expect), MetBy::Frame(number)) => self.of_frame(evidence, expect, number),
            (StepKind::Nothing(_), MetBy::Silence(frames)) => self.of_silence(evidence, step, frames as usize),
            (StepKind::Call(call), MetBy::Call(id)) => {
                let bounded = !call.returns.is_empty();
                self.of_end(evidence, &call.returns, None, (id, bounded))
            }
            (StepKind::Result(result), MetBy::Call(id)) => {
                self.of_end(evidence, &result.returns, Some(result), (id, true))
            }
            // A state that is waited for is asked for again, so a wrong answer changes nothing.
            (StepKind::State(wanted), MetBy::Call(_)) if wanted.when.is_some() => Vec::new(),
            (StepKind::State(wanted), MetBy::Call(id)) => {
                replaced(ReplyId::Call(id), answer::other_states(wanted.state, id))
            }
            (StepKind::Call(call), MetBy::Pending(id)) => vec![ended(call.call.verb, id, evidence)],
            (StepKind::Result(result), MetBy::Pending(id)) => vec![ended(result.verb, id, evidence)],
            _ => Vec::new(),
        };
        found.extend(made.into_iter().map(|(what, alteration)| Change {
            step: evidence.step.clone(),
            what,
            alteration,
        }));
    }

    fn of_frame(&self, evidence: &Evidence, expect: &Expect, number: u32) -> Vec<(String, Alteration)> {
        let from_target = self.frames.iter().filter(|(arrow, ..)| *arrow == Arrow::FromTarget);
        let Some((_, octets, conn)) = from_target.clone().nth(number as usize) else {
            return Vec::new();
        };
        let Ok(packet) = Packet::parse(octets) else {
            return Vec::new();
        };
        let chooses = !from_target.take(number as usize).any(|(.., of)| of == conn);
        let reply = ReplyId::Frame(number);
        let same = || Emitted::Packet(octets.to_vec());
        let took = self.evidence.iter().filter(|it| it.step == evidence.step).count() as u64;
        let (least, most) = expect.count.unwrap_or((1, 1));
        let needed = expect.count.is_none() || took <= least;
        // Where fewer segments would suffice, the last one may be shorter than the others.
        let lawful = |(what, _): &segment::Other| !needed && what == segment::AN_OCTET_LESS;
        let others = segment::others(&expect.segment, &packet, chooses).into_iter();
        let others = others.filter(|other| !lawful(other));
        let mut made = replaced(
            reply,
            others.map(|(what, other)| (what, Emitted::Packet(other.encode()))),
        );
        if needed {
            made.push(("left out".to_owned(), instead(reply, [])));
            made.push(("too late".to_owned(), instead(reply, [(late(evidence), same())])));
        }
        if expect.count.is_none() || took >= most {
            let twice = [(When::InPlace, same()), (When::InPlace, same())];
            made.push(("doubled".to_owned(), instead(reply, twice)));
        }
        if expect.when.within.as_ref().is_some_and(has_a_beginning) {
            made.push(("too early".to_owned(), instead(reply, [(early(evidence), same())])));
        }
        made
    }

    /// Changes of the end of a call, or of an accepted connection.
    fn of_end(
        &self,
        evidence: &Evidence,
        returns: &[crate::notation::ReturnSpec],
        result: Option<&ResultStep>,
        (id, bounded): (CallId, bool),
    ) -> Vec<(String, Alteration)> {
        let Some((_, told)) = self.told.iter().find(|(of, _)| *of == id) else {
            return Vec::new();
        };
        let reply = ReplyId::Call(id);
        let mut made = replaced(reply, answer::others(returns, told));
        if bounded && !returns.contains(&crate::notation::ReturnSpec::Pending) {
            made.push(("left out".to_owned(), instead(reply, [])));
            made.push(("too late".to_owned(), instead(reply, [(late(evidence), told.clone())])));
        }
        let within = result.and_then(|result| result.when.within.as_ref());
        if within.is_some_and(has_a_beginning) {
            made.push((
                "too early".to_owned(),
                instead(reply, [(early(evidence), told.clone())]),
            ));
        }
        made
    }

    /// Changes that add a reply where none may come.
    fn of_silence(&self, evidence: &Evidence, step: &Step, frames: usize) -> Vec<(String, Alteration)> {
        let Some(conn) = step.conns.first().and_then(|id| self.script.connections.get(id.0)) else {
            return Vec::new();
        };
        let mut made = Vec::new();
        for (what, packet) in self.unasked(&conn.name, frames) {
            let when = When::Then(evidence.window.0, evidence.inputs);
            let alteration = Alteration {
                instead_of: None,
                emit: vec![(when, Emitted::Packet(packet.encode()))],
            };
            made.push((what.to_owned(), alteration));
        }
        made
    }

    /// An ACK and a RST that the target could have sent on a connection after its first `came`
    /// frames: both continue the last of these that is on the connection.
    fn unasked(&self, conn: &str, came: usize) -> Vec<(&'static str, Packet)> {
        let of_conn = |wanted: Arrow, most: usize| {
            let frames = self
                .frames
                .iter()
                .filter(move |(arrow, ..)| *arrow == wanted)
                .take(most);
            let octets = frames.filter(|(_, _, name)| *name == conn);
            octets.filter_map(|(_, octets, _)| Packet::parse(octets).ok())
        };
        let is_reset = |packet: &Packet| packet.tcp().is_none_or(|it| it.flags.contains(Flags::RST));
        let theirs = of_conn(Arrow::FromTarget, came)
            .filter(|packet| !is_reset(packet))
            .last();
        let template = match (theirs, of_conn(Arrow::ToTarget, usize::MAX).next()) {
            (Some(theirs), _) => theirs,
            (None, Some(ours)) => answer_to(ours),
            (None, None) => return Vec::new(),
        };
        let Some(segment) = template.tcp() else {
            return Vec::new();
        };
        let bare = Segment {
            seq: segment.seq.advanced(i64::from(segment.seg_len())),
            options: segment
                .options
                .iter()
                .filter(|it| matches!(it, TcpOption::Timestamps { .. }))
                .cloned()
                .collect(),
            payload: Vec::new(),
            ..segment.clone()
        };
        let with = |flags| Packet {
            ip: template.ip.clone(),
            body: Body::Tcp(Segment { flags, ..bare.clone() }),
        };
        vec![("an ACK", with(Flags::ACK)), ("a RST", with(Flags::RST | Flags::ACK))]
    }
}

/// An answer to a segment of the tester, for a connection on which the target has sent nothing yet.
fn answer_to(ours: Packet) -> Packet {
    let mut ip = ours.ip.clone();
    (ip.source, ip.destination) = (ours.ip.destination, ours.ip.source);
    let Body::Tcp(segment) = ours.body else {
        return Packet { ip, body: ours.body };
    };
    let answer = Segment {
        source: segment.destination,
        destination: segment.source,
        seq: segment.ack,
        ack: segment.seq.advanced(i64::from(segment.seg_len())),
        flags: Flags::ACK,
        checksum: Checksum::Right,
        ..Segment::default()
    };
    Packet {
        ip,
        body: Body::Tcp(answer),
    }
}

fn replaced(reply: ReplyId, others: impl IntoIterator<Item = (String, Emitted)>) -> Vec<(String, Alteration)> {
    let in_place = |(what, other)| (what, instead(reply, [(When::InPlace, other)]));
    others.into_iter().map(in_place).collect()
}

fn instead<const N: usize>(reply: ReplyId, emit: [(When, Emitted); N]) -> Alteration {
    Alteration {
        instead_of: Some(reply),
        emit: emit.into(),
    }
}

/// The end of a call that must be pending when the step begins.
fn ended(verb: Verb, id: CallId, evidence: &Evidence) -> (String, Alteration) {
    let (what, end) = answer::end(verb, id);
    let alteration = Alteration {
        instead_of: Some(ReplyId::Call(id)),
        emit: vec![(When::Then(evidence.window.0, evidence.inputs), end)],
    };
    (what, alteration)
}

/// Whether a time has a lower bound: `3s..4s`, `about 3s`.
fn has_a_beginning(time: &TimeSpec) -> bool {
    time.about || time.from.is_some()
}

fn late(evidence: &Evidence) -> When {
    When::Then(evidence.window.1 + A_MOMENT, 0)
}

fn early(evidence: &Evidence) -> When {
    let begin = evidence.window.0.since(Instant::ZERO);
    When::Then(Instant::ZERO + begin.saturating_sub(A_MOMENT), 0)
}
