//! An agent in lockstep as a stack, which the loop on virtual time drives like any other.

use super::Agents;
use super::fault::Fault;
use super::process::{Process, misplaced};
use super::remarks::Remarks;
use crate::drive::protocol::{Reply, Request};
use crate::drive::virtual_time::Driven;
use crate::drive::{Halt, Patience};
use crate::engine::{Outcome, Verdict};
use crate::stack::{Abilities, Call, CallId, Emitted, SocketId, Stack};
use crate::time::Instant;
use core::sync::atomic::AtomicBool;
use std::collections::BTreeMap;

/// An agent in a world that it has begun.
pub(super) struct AgentStack<'a> {
    process: &'a mut Process,
    abilities: &'a Abilities,
    patience: &'a Patience,
    stop: &'a AtomicBool,
    /// What the agent did wrong, and what that means; from then on nothing is sent to it.
    fault: Option<(Fault, Halt)>,
    /// Remarks that no run has yet. In a world of several runs the next one that ends gets them.
    remarks: Remarks,
    asked: Vec<Request>,
    /// Calls that have not been answered; for an `accept`, with the name of the socket that it will hand over.
    open: BTreeMap<CallId, Option<SocketId>>,
    timer: Option<Instant>,
    /// What was sent to it last.
    given: Option<Request>,
    /// The time of the last line that was sent to it.
    now: Instant,
}

impl<'a> AgentStack<'a> {
    /// An agent that has just answered `new`, the time at which it wants to be woken, and its remarks so far.
    pub(super) fn new(
        process: &'a mut Process,
        agents: &'a Agents,
        timer: Option<Instant>,
        remarks: Remarks,
        stop: &'a AtomicBool,
    ) -> AgentStack<'a> {
        AgentStack {
            process,
            abilities: &agents.facts.abilities,
            patience: &agents.patience,
            stop,
            fault: None,
            remarks,
            asked: Vec::new(),
            open: BTreeMap::new(),
            timer,
            given: None,
            now: Instant::ZERO,
        }
    }

    /// Whether the agent's process is to be used no more.
    pub(super) fn is_broken(&self) -> bool {
        self.fault.is_some()
    }

    fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref().map(|(fault, _)| fault)
    }

    /// Keeps a fault and what it means.
    fn blame(&mut self, fault: Fault) {
        let given = self.given.as_ref().map_or_else(String::new, Request::told);
        let halt = fault.halt(&given);
        self.fault.get_or_insert((fault, halt));
    }

    fn turn(&mut self, now: Instant, request: Request, out: &mut dyn FnMut(Emitted)) {
        let most = self.most_emissions();
        let AgentStack {
            process, remarks, open, ..
        } = self;
        let mut emitted = 0;
        let mut hear = |reply| match reply {
            Reply::Note(text) => {
                remarks.add(text);
                Ok(())
            }
            _ if emitted == most => Err(Fault::Storm(most)),
            reply => {
                emitted += 1;
                understood(reply, open).map(&mut *out)
            }
        };
        self.now = now;
        self.given = Some(request.clone());
        match process.turn(now, request, self.stop, &mut hear) {
            Ok(timer) => self.timer = timer,
            Err(fault) => {
                self.timer = None;
                self.blame(fault);
            }
        }
    }
}

/// What a reply within a run means, or the fault if it is not allowed there.
fn understood(reply: Reply, open: &mut BTreeMap<CallId, Option<SocketId>>) -> Result<Emitted, Fault> {
    match reply {
        Reply::Frame(octets) => Ok(Emitted::Packet(octets)),
        Reply::Result(id, result) => match open.remove(&id) {
            // An `accept` ends well only by handing over a connection.
            Some(Some(_)) if result.is_ok() => Err(misplaced(
                &Reply::Result(id, result),
                "`event accepted`, which is how `accept` ends well,",
            )),
            Some(_) => Ok(Emitted::Result(id, result)),
            None => Err(Fault::NeverAsked(Reply::Result(id, result).to_string())),
        },
        Reply::Pending(id) if open.contains_key(&id) => Ok(Emitted::Pending(id)),
        Reply::Accepted { listener, socket, peer } => {
            let accept = open.iter().find(|(_, name)| **name == Some(socket)).map(|(id, _)| *id);
            match accept {
                Some(id) => drop(open.remove(&id)),
                None if socket.is_targets() => {}
                None => {
                    return Err(Fault::NeverAsked(
                        Reply::Accepted { listener, socket, peer }.to_string(),
                    ));
                }
            }
            Ok(Emitted::Accepted { listener, socket, peer })
        }
        Reply::Pending(_) => Err(Fault::NeverAsked(reply.to_string())),
        Reply::Unknown(line) => Err(Fault::Unknown(line)),
        Reply::Unsupported(why) => Err(Fault::Unsupported(why)),
        other => Err(misplaced(&other, "a frame, a result, an event or `idle`")),
    }
}

impl Stack for AgentStack<'_> {
    fn abilities(&self) -> Abilities {
        self.abilities.clone()
    }

    fn receive(&mut self, _now: Instant, packet: &[u8]) {
        self.asked.push(Request::Frame(packet.to_vec()));
    }

    fn call(&mut self, _now: Instant, id: CallId, call: &Call) {
        let handed_over = match call {
            Call::Accept { socket, .. } => Some(*socket),
            _ => None,
        };
        self.open.insert(id, handed_over);
        self.asked.push(Request::Call(id, call.clone()));
    }

    fn poll(&mut self, now: Instant, out: &mut dyn FnMut(Emitted)) -> Option<Instant> {
        if self.asked.is_empty() && self.timer.is_some_and(|timer| timer <= now) {
            self.asked.push(Request::Tick);
        }
        // Before the time for which it asked, and without an input, nothing can happen, so the agent is not woken.
        for request in std::mem::take(&mut self.asked) {
            if self.fault.is_none() {
                self.turn(now, request, out);
            }
        }
        self.timer
    }
}

impl Driven for AgentStack<'_> {
    fn stack(&mut self) -> &mut dyn Stack {
        self
    }

    fn halt(&self) -> Option<Halt> {
        self.fault.as_ref().map(|(_, halt)| halt.clone())
    }

    fn most_emissions(&self) -> usize {
        self.patience.emissions()
    }

    /// Checks at the end of a run that each line had its own answer, and that nothing came after it. The findings of a
    /// run in which the agent broke down are taken back.
    fn conclude(&mut self, outcome: &mut Outcome, halted: bool) {
        let goes_on = self.fault.is_none();
        if goes_on && let Err(fault) = self.process.in_step(self.now, self.stop) {
            self.blame(fault);
        }
        if goes_on || halted {
            let broken = self.fault().is_some_and(|fault| !matches!(fault, Fault::Interrupted));
            if broken || outcome.verdict != Verdict::Pass {
                self.remarks
                    .add_standard_error(&self.process.take_standard_error(broken));
            }
            if let Some((fault, halt)) = &self.fault {
                spoil(outcome, fault, halt);
            }
        }
        if let Some(how) = outcome.breakdown() {
            self.patience.note(how, self.process.patience());
        }
        outcome.notes.append(&mut self.remarks.take());
    }
}

/// Takes back the findings of a run in which the agent broke down.
fn spoil(outcome: &mut Outcome, fault: &Fault, halt: &Halt) {
    match halt {
        // The run has failed because of it already, unless it had ended before.
        Halt::Broke(how, _) if outcome.breakdown() == Some(*how) => {}
        Halt::Broke(how, seen) => outcome.break_down(*how, seen),
        Halt::Void(why) => {
            outcome.verdict = match fault.is_refusal() {
                true => Verdict::Unsupported,
                false => Verdict::Inconclusive,
            };
            outcome.failure = None;
            outcome.reason.clone_from(why);
        }
    }
}
