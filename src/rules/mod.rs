//! What must hold in every run: pure observers of all that passes between a target and its peers.
//!
//! A case asks about what it provokes; a rule watches everything else. Rules stand on the target's side of the
//! middlebox: they see the target's frames before anything happens to them, and those of the peer that arrive. A rule
//! is broken only if no lawful order of the frames in flight explains what was seen. So each limit is the most
//! generous one that the peer ever set, and where something is unknown (a capture begins in the middle of a
//! connection, say) the rule gives the target the benefit of the doubt.
//!
//! A rule that is broken names the two frames in conflict, and counts for a run as a step that was not met.
//!
//! | file | what it watches |
//! |---|---|
//! | `frame` | the IP packet, whatever it carries, and whether it is one |
//! | `form` | the TCP header: checksums, options, reserved bits |
//! | `opening` | what SYNs offer and agree to |
//! | `sending` | the target's sequence space: numbers, windows, sizes |
//! | `receiving` | what the target says of the peer's: ACKs, windows, SACK blocks |
//! | `timestamps`, `ecn`, `reset`, `pace` | what their names say |

mod book;
pub(crate) mod by_name;
mod conversation;
mod ecn;
mod form;
mod frame;
mod opening;
mod pace;
mod ranges;
mod receiving;
mod reset;
mod sending;
mod table;
#[cfg(test)]
mod tests;
mod timestamps;

pub use frame::Frame;
pub use table::RULES;

use crate::rfc::{Grounds, Level};
use crate::time::Stamp;
use crate::wire::{Body, OptionKind, Packet};
use conversation::Conversation;
use core::net::IpAddr;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The name of a rule of this program.
pub type RuleName = &'static str;

/// Something that must hold in every run.
pub struct Rule {
    /// As reports and expectations write it: `ack-never-back`.
    pub name: &'static str,
    /// What asks for it: its id, level, and the grounds of that; the weightiest decides what a breach is.
    pub requirements: &'static [(&'static str, Level, Grounds)],
    /// What must hold, in a sentence.
    pub meaning: &'static str,
    /// Whether it is about time, so that on real time a breach must be confirmed.
    pub timing: bool,
    /// Whether frames that were lost or reordered before they were shown could explain a breach.
    pub needs_all: bool,
    /// Whether a correct peer throws away what breaks it: then a breach is the cause of whatever did not come after it.
    pub is_cause: bool,
    /// Whether it is about how a segment is written, so that a segment can be judged without it.
    pub of_form: bool,
    /// The option that it forbids where nobody offered it.
    pub forbids: Option<OptionKind>,
    looks: Looks,
    /// What it finds missing at the end.
    at_the_end: Option<AtTheEnd>,
}

/// What a rule looks at.
#[derive(Clone, Copy)]
enum Looks {
    /// Each frame by itself.
    AtFrames(frame::Check),
    /// Segments of a connection, of which it knows the others.
    AtSegments(On, Check),
}

impl Rule {
    /// A rule that holds whatever else was sent, and whenever.
    const fn new(
        name: &'static str,
        on: On,
        check: Check,
        requirements: &'static [(&'static str, Level, Grounds)],
        meaning: &'static str,
    ) -> Rule {
        Rule::looking(name, Looks::AtSegments(on, check), requirements, meaning)
    }

    /// A rule about each frame by itself.
    const fn of_frames(
        name: &'static str,
        check: frame::Check,
        requirements: &'static [(&'static str, Level, Grounds)],
        meaning: &'static str,
    ) -> Rule {
        Rule::looking(name, Looks::AtFrames(check), requirements, meaning)
    }

    /// A rule with nothing special about it.
    const fn looking(
        name: &'static str,
        looks: Looks,
        requirements: &'static [(&'static str, Level, Grounds)],
        meaning: &'static str,
    ) -> Rule {
        Rule {
            name,
            requirements,
            meaning,
            timing: false,
            needs_all: false,
            is_cause: false,
            of_form: false,
            forbids: None,
            looks,
            at_the_end: None,
        }
    }

    /// The same, but a correct peer throws away what breaks it.
    const fn causing_loss(self) -> Rule {
        Rule { is_cause: true, ..self }
    }

    /// The same, but a breach is one only where all frames were shown in order.
    const fn needing_all(self) -> Rule {
        Rule {
            needs_all: true,
            ..self
        }
    }

    /// The same, but of form.
    const fn of_form(self) -> Rule {
        Rule { of_form: true, ..self }
    }

    /// The same, but against an option that nobody offered.
    const fn forbidding(self, option: OptionKind) -> Rule {
        Rule {
            forbids: Some(option),
            ..self
        }
    }

    /// The same, but about time.
    const fn about_time(self) -> Rule {
        Rule { timing: true, ..self }
    }

    /// The same, but it is also broken by what has not come when the run ends.
    const fn and_at_the_end(self, check: AtTheEnd) -> Rule {
        Rule {
            at_the_end: Some(check),
            ..self
        }
    }

    /// The greatest weight of its requirements.
    pub fn level(&self) -> Level {
        self.requirements
            .iter()
            .map(|(_, level, grounds)| grounds.weight(*level))
            .max()
            .unwrap_or(Level::Must)
    }
}

impl core::fmt::Debug for Rule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name)
    }
}

/// Looks at a segment of the target before it is noted.
type Check = fn(&Conversation, &Sight) -> Option<Broken>;

/// Looks at what has not come by then: the number of the frame that waits for it, and what the matter is.
type AtTheEnd = fn(&Conversation, Stamp) -> Option<(usize, String)>;

/// On which segments of the target a rule looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum On {
    /// All that it sends.
    Every,
    /// Those with SYN.
    Syn,
    /// Those with RST.
    Rst,
    /// Those with neither, and whose number belongs to the connection.
    Segment,
}

/// A segment of the target, as rules look at it.
struct Sight<'a> {
    /// Which frame it is.
    number: usize,
    at: Stamp,
    packet: &'a Packet,
    segment: &'a crate::wire::Segment,
    syn: bool,
    fin: bool,
    rst: bool,
    ack: bool,
    /// SEG.SEQ, and the end of its text, counted from the target's ISN.
    seq: i64,
    end: i64,
    /// SEG.ACK, counted as the peer's numbers are.
    acked: i64,
    /// TSval and TSecr.
    times: Option<(u32, u32)>,
}

impl Sight<'_> {
    /// Octets of text.
    fn text(&self) -> usize {
        self.segment.payload.len()
    }

    /// Whether it is an ACK and nothing else.
    fn is_pure_ack(&self) -> bool {
        self.ack && !self.syn && !self.fin && !self.rst && self.segment.payload.is_empty()
    }
}

/// Why a rule does not hold.
struct Broken {
    /// The frame that the one looked at contradicts.
    earlier: Option<usize>,
    /// What the matter is: `acknowledges 10, after 20`.
    text: String,
}

fn broken(earlier: impl Into<Option<usize>>, text: impl Into<String>) -> Option<Broken> {
    Some(Broken {
        earlier: earlier.into(),
        text: text.into(),
    })
}

/// A rule that was broken.
#[derive(Clone)]
pub struct Breach {
    /// Which.
    pub rule: &'static Rule,
    /// The two frames in conflict, by the numbers under which they were shown; the first may be missing where a frame
    /// contradicts itself.
    pub frames: (Option<usize>, usize),
    /// What the matter is.
    pub text: String,
}

/// What is known of a target whatever it sends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// The MTU of its link, in octets.
    pub mtu: Option<usize>,
    /// Whether every frame is shown, in the order in which the target sent and got them. A capture taken elsewhere, or
    /// one that lost some, proves less.
    pub complete: bool,
    /// Whether the target's frames are shown as soon as it has sent them, and its peer's as soon as they came.
    pub prompt: bool,
    /// Whether several segments may be shown as one, as where a host leaves the cutting to its network interface.
    pub merged: bool,
}

/// Which way a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the target.
    Out,
    /// To the target.
    In,
}

/// The peer's address and port, and the target's port.
type Tuple = (IpAddr, u16, u16);

/// Watches one target.
pub struct Watch {
    known: Known,
    conversations: Vec<Conversation>,
    tuples: BTreeMap<Tuple, usize>,
    /// The conversation of the last frame, as the next is likely one of it too.
    last: Option<(Tuple, usize)>,
    breaches: Vec<Breach>,
    /// The rules about frames that have been broken; each is told once.
    accused: Vec<&'static str>,
}

impl Watch {
    /// A watch that has seen nothing.
    pub fn new(known: Known) -> Watch {
        Watch {
            known,
            // A capture may have many hosts, most of them with one conversation.
            conversations: Vec::with_capacity(1),
            tuples: BTreeMap::new(),
            last: None,
            breaches: Vec::new(),
            accused: Vec::new(),
        }
    }

    /// Looks at a frame of the target by itself; what it carries is shown by [`Watch::see`], where a peer would take it.
    pub fn see_frame(&mut self, number: usize, frame: &Frame<'_>) {
        for (rule, text) in frame.breaks() {
            if self.known.complete || !rule.needs_all {
                self.accuse(rule, number, text);
            }
        }
    }

    fn accuse(&mut self, rule: &'static Rule, number: usize, text: String) {
        if self.accused.contains(&rule.name) {
            return;
        }
        self.accused.push(rule.name);
        self.breaches.push(Breach {
            rule,
            frames: (None, number),
            text,
        });
    }

    /// Looks at a packet as a part of its connection. `number` is by what a breach names it; `at` is when the target
    /// sent it or got it.
    pub fn see(&mut self, number: usize, at: Stamp, way: Way, packet: &Arc<Packet>) {
        let Body::Tcp(segment) = &packet.body else { return };
        let tuple = match way {
            Way::Out => (packet.ip.destination, segment.destination, segment.source),
            Way::In => (packet.ip.source, segment.source, segment.destination),
        };
        let place = self.place(tuple);
        let conversation = &mut self.conversations[place];
        match way {
            Way::In => conversation.hear(number, at, packet, segment),
            Way::Out => conversation.watch(number, at, packet, segment, &mut self.breaches),
        }
    }

    /// The end: what should have come by now, and has not.
    pub fn finish(&mut self, at: Stamp) {
        for conversation in &mut self.conversations {
            conversation.finish(at, &mut self.breaches);
        }
    }

    /// What was broken so far, each rule once for each connection, and a rule about frames once.
    pub fn breaches(&self) -> &[Breach] {
        &self.breaches
    }

    fn place(&mut self, tuple: Tuple) -> usize {
        if let Some((last, place)) = self.last
            && last == tuple
        {
            return place;
        }
        let next = self.conversations.len();
        let place = *self.tuples.entry(tuple).or_insert(next);
        if place == next {
            self.conversations.push(Conversation::new(self.known));
        }
        self.last = Some((tuple, place));
        place
    }
}
