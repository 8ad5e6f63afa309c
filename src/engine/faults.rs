//! The middlebox of a run: it has a rule for each fault of the script, and hands frames that it held back to the run.

use super::run::Run;
use super::stop::Stop;
use super::traffic::Sender;
use crate::notation::SegmentPattern;
use crate::path::{Action, Direction, FaultRule, Middlebox, Passage};
use crate::peer::Frame;
use crate::peer::triggers;
use crate::peer::{Scope, period};
use crate::script::{ConnId, FaultAction, FaultSpec};
use crate::time::{Instant, Stamp};
use crate::wire::Packet;
use std::sync::Arc;

/// The middlebox between the tester (end A) and the target (end B).
pub(super) type RunMiddlebox = Middlebox<Trigger, Ticket>;

/// The frames that a fault is about.
#[derive(Debug)]
pub(super) struct Trigger {
    conns: Vec<ConnId>,
    segment: SegmentPattern,
}

impl Trigger {
    /// Whether a frame on the connection `scope.here` is one of them. Where a number of the pattern cannot be worked
    /// out, no frame has it.
    fn fits(&self, frame: &Frame, scope: &Scope<'_>) -> bool {
        self.conns.contains(&ConnId(scope.here)) && triggers(&self.segment, frame, scope).unwrap_or(false)
    }
}

/// What the run knows of a frame, and needs again when the frame leaves the middlebox later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    /// On which connection.
    pub conn: usize,
    pub sender: Sender,
}

impl Run {
    /// A `faults:` step. Its times and amounts are computed now, once.
    pub(super) fn set_faults(&mut self, faults: &[FaultSpec]) -> Result<(), Stop> {
        if faults.is_empty() {
            self.middlebox.clear();
        }
        for fault in faults {
            let rule = self.rule(fault)?;
            self.middlebox.add(rule);
        }
        Ok(())
    }

    fn rule(&self, fault: &FaultSpec) -> Result<FaultRule<Trigger>, Stop> {
        let time = |time| Ok::<_, Stop>(period(time, &self.facts.tolerances, &self.measures)?.most);
        let here = fault.conns.first().map_or(0, |id| id.0);
        Ok(FaultRule {
            direction: match fault.from_tester {
                true => Direction::AToB,
                false => Direction::BToA,
            },
            frames: Trigger {
                conns: fault.conns.clone(),
                segment: fault.segment.clone(),
            },
            nth: fault.nth,
            action: match &fault.action {
                FaultAction::Drop => Action::Drop,
                FaultAction::Duplicate => Action::Duplicate,
                FaultAction::Delay(by) => Action::Delay(time(by)?),
                FaultAction::Replay(after) => Action::Replay(time(after)?),
                FaultAction::Corrupt => Action::Corrupt,
                FaultAction::Truncate(octets) => Action::Truncate(self.scope(here).value(octets)?.max(0) as usize),
                FaultAction::Strip(kind) => Action::Strip(*kind),
            },
        })
    }

    /// Sends a frame through the middlebox.
    pub(super) fn through_middlebox(
        &mut self,
        now: Instant,
        ticket: Ticket,
        packet: &Arc<Packet>,
        octets: &Arc<[u8]>,
    ) -> Passage {
        let (conns, measures) = (&self.conns, &self.measures);
        let scope = Scope {
            conns,
            here: ticket.conn,
            measures,
        };
        let (conn, packet, copy) = (&conns[ticket.conn], Arc::clone(packet), Arc::clone(octets));
        let (direction, frame) = match ticket.sender {
            Sender::Tester { .. } => (Direction::AToB, Frame::of_tester(conn, packet, copy)),
            Sender::Target { .. } => (Direction::BToA, Frame::of_target(conn, packet, copy)),
        };
        let fits = |trigger: &Trigger| frame.as_ref().is_some_and(|frame| trigger.fits(frame, &scope));
        self.middlebox.handle(now, direction, octets, ticket, fits)
    }

    /// Takes in the frames that the middlebox has held long enough; returns when the next is due.
    pub(super) fn release_held(&mut self, now: Instant) -> Instant {
        while let Some(departure) = self.middlebox.poll(now) {
            let Ticket { conn, sender } = departure.tag;
            self.note(Stamp::exactly(departure.due), "the middlebox lets go of a frame");
            match sender {
                Sender::Tester { place } => {
                    self.order += 1;
                    self.deliver(conn, departure.octets, (now, self.order), place);
                }
                Sender::Target { number } => {
                    let at = Stamp {
                        earliest: departure.due,
                        latest: now,
                    };
                    let packet = Packet::parse(&departure.octets).ok().map(Arc::new);
                    self.arrive(conn, (at, None), number, departure.octets, packet);
                }
            }
        }
        self.middlebox.deadline()
    }
}
