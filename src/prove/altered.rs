//! The reference endpoint with one of its replies changed on the way out. The endpoint itself does not notice the
//! change.

use crate::model::{Defects, Model};
use crate::stack::{Abilities, Call, CallId, Emitted, SocketId, Stack};
use crate::time::Instant;
use crate::wire::Packet;
use std::collections::BTreeMap;

/// The reply that is held back, and what is sent instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Alteration {
    /// The reply that is held back.
    pub instead_of: Option<ReplyId>,
    /// What is sent: in its place, or at a time of its own.
    pub emit: Vec<(When, Emitted)>,
}

impl Alteration {
    /// The frames among what is sent.
    pub(super) fn packets(&self) -> impl Iterator<Item = &[u8]> {
        self.emit.iter().filter_map(|(_, what)| match what {
            Emitted::Packet(octets) => Some(octets.as_slice()),
            Emitted::Result(..) | Emitted::Pending(_) | Emitted::Accepted { .. } => None,
        })
    }
}

/// When something is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    /// In the place of the reply that is held back.
    InPlace,
    /// Not before this time, and not before the endpoint has received so many packets and calls.
    Then(Instant, u32),
}

/// A reply of the endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplyId {
    /// A frame, by its number among all, from 0.
    Frame(u32),
    /// The end of a call.
    Call(CallId),
}

/// The reference endpoint, with an alteration applied to what it emits.
pub(super) struct Altered<'a> {
    model: Model,
    alteration: Option<&'a Alteration>,
    /// For each element of [`Alteration::emit`] with a time of its own: whether it was sent.
    let_out: Vec<bool>,
    frames: u32,
    inputs: u32,
    /// For each socket that is to be handed over, the `accept` call that it answers.
    accepts: BTreeMap<SocketId, CallId>,
    told: Vec<(CallId, Emitted)>,
}

impl<'a> Altered<'a> {
    pub(super) fn new(model: Model, alteration: Option<&'a Alteration>) -> Altered<'a> {
        Altered {
            model,
            alteration,
            let_out: vec![false; alteration.map_or(0, |it| it.emit.len())],
            frames: 0,
            inputs: 0,
            accepts: BTreeMap::new(),
            told: Vec::new(),
        }
    }

    pub(super) fn asked(&self) -> Defects {
        self.model.asked()
    }

    /// What the endpoint emitted besides frames, each with the call that it answers.
    pub(super) fn into_told(self) -> Vec<(CallId, Emitted)> {
        self.told
    }

    /// The name of a reply, as [`Alteration`] uses it.
    fn name(&mut self, what: &Emitted) -> Option<ReplyId> {
        match what {
            // The engine counts only what can be parsed as a packet.
            Emitted::Packet(octets) => Packet::parse(octets).is_ok().then(|| {
                self.frames += 1;
                ReplyId::Frame(self.frames - 1)
            }),
            Emitted::Result(id, _) => Some(ReplyId::Call(*id)),
            Emitted::Accepted { socket, .. } => self.accepts.get(socket).map(|id| ReplyId::Call(*id)),
            Emitted::Pending(_) => None,
        }
    }

    fn pass(&mut self, what: Emitted, out: &mut dyn FnMut(Emitted)) {
        let name = self.name(&what);
        if let Some(ReplyId::Call(id)) = name {
            self.told.push((id, what.clone()));
        }
        match self.alteration {
            Some(it) if name.is_some() && it.instead_of == name => {
                let in_place = it.emit.iter().filter(|(when, _)| *when == When::InPlace);
                in_place.for_each(|(_, what)| out(what.clone()));
            }
            Some(_) | None => out(what),
        }
    }

    /// Sends what is due, and gives the time of what is due next.
    fn let_out(&mut self, now: Instant, out: &mut dyn FnMut(Emitted)) -> Option<Instant> {
        let mut next: Option<Instant> = None;
        let emit = self.alteration.map_or(&[][..], |it| &it.emit);
        for ((when, what), done) in emit.iter().zip(&mut self.let_out) {
            let When::Then(at, inputs) = *when else { continue };
            if *done || self.inputs < inputs {
                continue;
            }
            if at <= now {
                *done = true;
                out(what.clone());
            } else {
                next = Some(next.map_or(at, |next| next.min(at)));
            }
        }
        next
    }
}

impl Stack for Altered<'_> {
    fn abilities(&self) -> Abilities {
        self.model.abilities()
    }

    fn receive(&mut self, now: Instant, packet: &[u8]) {
        self.inputs += 1;
        self.model.receive(now, packet);
    }

    fn call(&mut self, now: Instant, id: CallId, call: &Call) {
        self.inputs += 1;
        if let Call::Accept { socket, .. } = call {
            self.accepts.insert(*socket, id);
        }
        self.model.call(now, id, call);
    }

    fn poll(&mut self, now: Instant, out: &mut dyn FnMut(Emitted)) -> Option<Instant> {
        let mut emitted = Vec::new();
        let timer = self.model.poll(now, &mut |what| emitted.push(what));
        for what in emitted {
            self.pass(what, out);
        }
        let own = self.let_out(now, out);
        match (timer, own) {
            (Some(timer), Some(own)) => Some(timer.min(own)),
            (timer, own) => timer.or(own),
        }
    }
}
