//! An agent in lockstep as a stack: what the loop on virtual time drives like any other.

use super::fault::Fault;
use super::process::{Process, misplaced};
use crate::drive::protocol::{Reply, Request};
use crate::drive::virtual_time::Halt;
use crate::stack::{Abilities, Call, CallId, Emitted, SocketId, Stack};
use crate::time::Instant;
use core::cell::RefCell;
use core::sync::atomic::AtomicBool;
use std::collections::BTreeMap;

/// Names from here on are the target's own to give (see [`SocketId`]).
const ITS_OWN: u32 = 1 << 31;

/// What became of an agent during a run.
#[derive(Default)]
pub struct Plight {
    /// What it did wrong; from then on nothing is asked of it.
    fault: Option<(Fault, Halt)>,
    /// What it had to say for a person.
    pub notes: Vec<String>,
}

/// How many remarks of an agent are kept for a run.
const MOST_NOTES: usize = 20;

impl Plight {
    /// What it did wrong.
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref().map(|(fault, _)| fault)
    }

    /// What that means for the run.
    pub fn halt(&self) -> Option<Halt> {
        self.fault.as_ref().map(|(_, halt)| halt.clone())
    }

    /// Takes down what it did wrong, after it had been told a line.
    pub fn blame(&mut self, fault: Fault, after: &str) {
        let halt = fault.halt(after);
        self.fault.get_or_insert((fault, halt));
    }

    /// Keeps a remark.
    pub fn note(&mut self, text: String) {
        if self.notes.len() < MOST_NOTES {
            self.notes.push(text);
        }
    }
}

/// An agent in a world that has been made for one run.
pub struct AgentStack<'a> {
    process: &'a mut Process,
    abilities: &'a Abilities,
    plight: &'a RefCell<Plight>,
    stop: &'a AtomicBool,
    asked: Vec<Request>,
    /// Calls that have not been answered, and the name that is handed over by those that accept.
    open: BTreeMap<CallId, Option<SocketId>>,
    timer: Option<Instant>,
    /// When it was last told anything.
    now: Instant,
}

impl<'a> AgentStack<'a> {
    /// An agent that has just answered `new`, and when it wants to be woken. What it does wrong is left in `plight`.
    pub fn new(
        process: &'a mut Process,
        abilities: &'a Abilities,
        timer: Option<Instant>,
        plight: &'a RefCell<Plight>,
        stop: &'a AtomicBool,
    ) -> AgentStack<'a> {
        AgentStack {
            process,
            abilities,
            plight,
            stop,
            asked: Vec::new(),
            open: BTreeMap::new(),
            timer,
            now: Instant::ZERO,
        }
    }

    /// Looks back on a run: whether each line had its own answer, and nothing has come since.
    pub fn conclude(&mut self) {
        if self.plight.borrow().fault.is_none()
            && let Err(fault) = self.process.in_step(self.now, self.stop)
        {
            self.plight.borrow_mut().blame(fault, self.process.asked());
        }
    }

    fn turn(&mut self, now: Instant, request: Request, out: &mut dyn FnMut(Emitted)) {
        let AgentStack {
            process, plight, open, ..
        } = self;
        let mut hear = |reply| match reply {
            Reply::Note(text) => {
                plight.borrow_mut().note(text);
                Ok(())
            }
            reply => understood(reply, open).map(&mut *out),
        };
        self.now = now;
        match process.turn(now, request, self.stop, &mut hear) {
            Ok(timer) => self.timer = timer,
            Err(fault) => {
                self.timer = None;
                plight.borrow_mut().blame(fault, process.asked());
            }
        }
    }
}

/// What a reply in the course of a run means, if it may be said.
fn understood(reply: Reply, open: &mut BTreeMap<CallId, Option<SocketId>>) -> Result<Emitted, Fault> {
    match reply {
        Reply::Frame(octets) => Ok(Emitted::Packet(octets)),
        Reply::Result(id, result) => match open.remove(&id) {
            // Only a connection can be handed over.
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
                None if socket.0 >= ITS_OWN => {}
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
        // Before the time that it named itself, nothing can have happened, and it need not be asked.
        for request in std::mem::take(&mut self.asked) {
            if self.plight.borrow().fault.is_none() {
                self.turn(now, request, out);
            }
        }
        self.timer
    }
}
