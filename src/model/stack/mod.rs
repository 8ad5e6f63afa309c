//! The endpoint as a whole: its connections and listeners, and how packets, calls and timers reach them.

pub(in crate::model) mod decisions;

use super::calls::CallResult;
use super::config::Config;
use super::context::{Context, errno};
use super::decision::{Decider, Subject};
use super::defect::Defects;
use super::fast_open::FastOpening;
use super::isn;
use super::listen::Listener;
use super::segment_arrives::Arriving;
use super::segment_arrives::closed::closed;
use super::settings::Settings;
use super::switch::Switches;
use super::tcb::{Opened, Tcb};
use crate::rfc::State;
use crate::stack::{Abilities, Answer, Call, CallId, Emitted, Errno, SetValue, SocketId, Stack};
use crate::stack::{ErrorName, Setting};
use crate::time::Instant;
use crate::wire::{Body, Packet};
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

/// The lowest of the ports that RFC 6335 section 6 calls dynamic, and how many there are.
const DYNAMIC: (u16, u16) = (49_152, 16_384);
/// How often timers may fire at one moment, for one connection.
const MOST_FIRINGS: usize = 64;

/// The abilities of the endpoint.
const ABILITIES: [&str; 30] = [
    "ipv4",
    "ipv6",
    "listen",
    "connect",
    "accept",
    "send",
    "recv",
    "shutdown",
    "close",
    "abort",
    "state",
    "isn",
    "urgent",
    "sack",
    "timestamps",
    "window-scale",
    "virtual-time",
    "fast-open-client",
    "fast-open-server",
    "set:nodelay",
    "set:linger",
    "set:keep-alive",
    "set:keep-alive-idle",
    "set:keep-alive-interval",
    "set:keep-alive-count",
    "set:user-timeout",
    "set:urgent-inline",
    "set:send-buffer",
    "set:recv-buffer",
    "set:mss",
];

/// The reference endpoint: a host with these addresses and nothing but TCP.
pub struct Model {
    pub(super) cx: Context,
    addresses: Vec<IpAddr>,
    pub(super) tcbs: BTreeMap<u32, Tcb>,
    tuples: BTreeMap<(SocketAddr, SocketAddr), u32>,
    sockets: BTreeMap<SocketId, u32>,
    pub(super) listeners: Vec<Listener>,
    next_number: u32,
    /// How many ephemeral ports have been asked for.
    next_ephemeral: u16,
}

impl Subject for Model {
    fn decider(&self) -> &Decider {
        &self.cx.decider
    }
}

impl Model {
    /// A new endpoint. The same seed gives the same frames.
    pub fn new(config: Config, seed: u64, addresses: Vec<IpAddr>) -> Model {
        Model::with_defects(config, Defects::NONE, seed, addresses)
    }

    /// The mistakes that would have made a difference so far; any other would have changed nothing.
    pub fn asked(&self) -> Defects {
        self.cx.decider.mistakes_asked()
    }

    /// The choices that would have made a difference so far, but for what the endpoint claims to be.
    pub fn choices_asked(&self) -> Switches {
        self.cx.decider.choices_asked()
    }

    /// A new endpoint that makes these mistakes.
    pub fn with_defects(config: Config, defects: Defects, seed: u64, addresses: Vec<IpAddr>) -> Model {
        Model {
            cx: Context::new(config, defects, seed),
            addresses,
            tcbs: BTreeMap::new(),
            tuples: BTreeMap::new(),
            sockets: BTreeMap::new(),
            listeners: Vec::new(),
            next_number: 0,
            next_ephemeral: 0,
        }
    }

    // ----- connections ----------------------------------------------------------------------------------------------

    /// Takes a new block into the tables.
    pub(super) fn insert(&mut self, tcb: Tcb) -> u32 {
        let number = self.next_number;
        self.next_number += 1;
        self.tuples.insert((tcb.local, tcb.peer), number);
        if let Some(socket) = tcb.user.socket {
            self.sockets.insert(socket, number);
        }
        self.tcbs.insert(number, tcb);
        number
    }

    /// Takes a block out of the tables.
    pub(super) fn remove(&mut self, number: u32) -> Option<Tcb> {
        let tcb = self.tcbs.remove(&number)?;
        if self.tuples.get(&(tcb.local, tcb.peer)) == Some(&number) {
            self.tuples.remove(&(tcb.local, tcb.peer));
        }
        if let Some(socket) = tcb.user.socket {
            self.sockets.remove(&socket);
        }
        Some(tcb)
    }

    /// Does something to a connection, and then what follows from its new state.
    pub(super) fn on_tcb<R>(&mut self, number: u32, work: impl FnOnce(&mut Tcb, &mut Context) -> R) -> Option<R> {
        let tcb = self.tcbs.get_mut(&number)?;
        let result = work(tcb, &mut self.cx);
        self.settle(number);
        Some(result)
    }

    /// Hands over connections that have become established, and deletes those that are closed, unless the user may
    /// still ask for them.
    fn settle(&mut self, number: u32) {
        let Some(tcb) = self.tcbs.get(&number) else { return };
        if tcb.state == State::Closed {
            if self.tuples.get(&(tcb.local, tcb.peer)) == Some(&number) {
                self.tuples.remove(&(tcb.local, tcb.peer));
            }
            let waits = |listener: &Listener| listener.waiting.contains(&number);
            if tcb.user.socket.is_some() || self.listeners.iter().any(waits) {
                return;
            }
            self.forget_listener(number);
            if let Some(before) = self.remove(number).and_then(|tcb| tcb.before) {
                // The SYN that reopened the connection was an old duplicate: TIME-WAIT goes on (RFC 9293 section
                // 3.6.1).
                self.insert(*before);
            }
            return;
        }
        if !matches!(tcb.state, State::SynSent | State::SynReceived) && !tcb.user.handed_over {
            self.hand_over(number);
        }
    }

    /// Deletes the listener of a connection that has ended, where a mistake says so.
    fn forget_listener(&mut self, number: u32) {
        let Some(tcb) = self.tcbs.get(&number) else { return };
        if let Opened::Passive(socket) = tcb.opened
            && decisions::listener_goes_along(tcb)
        {
            self.listeners.retain(|listener| listener.socket != socket);
        }
    }

    /// Gives a connection to its listener's user.
    pub(super) fn hand_over(&mut self, number: u32) {
        let Some(tcb) = self.tcbs.get_mut(&number) else { return };
        tcb.user.handed_over = true;
        let Opened::Passive(socket) = tcb.opened else { return };
        match self.listeners.iter_mut().find(|listener| listener.socket == socket) {
            Some(listener) => listener.waiting.push_back(number),
            // The listener is gone, so that nobody will ever accept the connection.
            None => {
                drop(tcb.abort(&mut self.cx));
                return self.settle(number);
            }
        }
        self.serve_accepts(socket);
    }

    fn serve_accepts(&mut self, socket: SocketId) {
        for listener in self.listeners.iter_mut().filter(|listener| listener.socket == socket) {
            let served = listener.waiting.len().min(listener.accepts.len());
            let accepts = listener.accepts.drain(..served);
            for (number, (_, name)) in listener.waiting.drain(..served).zip(accepts) {
                self.sockets.insert(name, number);
                listener.spent = decisions::listener_is_spent(&self.cx);
                // A connection that waits to be accepted stays in the table until then, closed or not.
                if let Some(tcb) = self.tcbs.get_mut(&number) {
                    tcb.user.socket = Some(name);
                    self.cx.out.push(Emitted::Accepted {
                        listener: socket,
                        socket: name,
                        peer: tcb.peer,
                    });
                }
            }
        }
        self.listeners.retain(|listener| !listener.spent);
    }

    // ----- packets --------------------------------------------------------------------------------------------------

    /// Whether a packet can be for us and from one sender: packets from or to broadcast and multicast addresses are
    /// dropped in silence (RFC 9293 section 3.9.2.3, MUST-57 and MUST-63).
    fn is_ours(&self, source: IpAddr, destination: IpAddr) -> bool {
        decisions::source_is_somebody(&self.cx, source)
            && self.addresses.contains(&destination)
            && !self.addresses.contains(&source)
    }

    fn packet_arrives(&mut self, packet: Packet) {
        let (source, destination) = (packet.ip.source, decisions::destination(self, packet.ip.destination));
        match packet.body {
            Body::Tcp(segment) => {
                if !self.is_ours(source, destination) || !decisions::pseudo_header_is_right(&self.cx, destination) {
                    return;
                }
                let local = SocketAddr::new(destination, segment.destination);
                let peer = SocketAddr::new(source, segment.source);
                if let Some(mut segment) = Arriving::read(&self.cx, segment, packet.ip.ecn) {
                    segment.rst = decisions::is_reset(&self.cx, &segment, packet.ip.dscp);
                    self.segment_arrives(local, peer, segment);
                }
            }
            Body::Icmp(icmp) => {
                let Some(quoted) = icmp.quoted().filter(|_| self.addresses.contains(&destination)) else {
                    return;
                };
                let local = SocketAddr::new(quoted.source, quoted.source_port);
                let peer = SocketAddr::new(quoted.destination, quoted.destination_port);
                if let Some(number) = self.tuples.get(&(local, peer)).copied() {
                    self.on_tcb(number, |tcb, cx| tcb.icmp_arrives(cx, &icmp, quoted.seq));
                }
            }
            Body::Other { .. } => (),
        }
    }

    /// Finds the connection or listener that a segment is for, if there is one.
    fn segment_arrives(&mut self, local: SocketAddr, peer: SocketAddr, segment: Arriving) {
        if let Some(number) = self.tuples.get(&(local, peer)).copied() {
            if !self.reopen(number, &segment) {
                self.on_tcb(number, |tcb, cx| tcb.segment_arrives(cx, segment));
            }
            return;
        }
        if let Some(number) = decisions::stray_segment_reaches(self, local, peer) {
            self.on_tcb(number, |tcb, cx| tcb.segment_arrives(cx, segment));
            return;
        }
        match self.listeners.iter().position(|listener| listener.local == local) {
            Some(at) => self.listen_state(at, peer, segment),
            None => closed(&mut self.cx, local, peer, &segment),
        }
    }

    // ----- calls ----------------------------------------------------------------------------------------------------

    fn dispatch(&mut self, id: CallId, call: &Call) -> CallResult {
        match call {
            Call::Listen {
                socket,
                local,
                backlog,
                fast_open,
            } => Some(self.open_passive(*socket, *local, *backlog, *fast_open)),
            Call::Connect {
                socket,
                local,
                peer,
                isn,
                fast_open,
            } => self.open_active(id, *socket, (*local, *peer), *isn, *fast_open),
            Call::Accept { listener, socket } => self.accept(id, *listener, *socket),
            Call::Send { socket, data, urgent } => self.on_socket(*socket, |tcb, cx| tcb.send(cx, id, data, *urgent)),
            Call::Recv { socket, amount } => self.on_socket(*socket, |tcb, cx| tcb.receive(cx, id, *amount)),
            Call::Urgent { socket } => self.on_socket(*socket, |tcb, cx| tcb.await_urgent(cx, id)),
            Call::Shutdown { socket } => self.on_socket(*socket, |tcb, cx| tcb.close(cx, id, false)),
            Call::Close { socket } if self.close_listener(*socket) => Some(Ok(Answer::Ok)),
            Call::Abort { socket } if self.close_listener(*socket) => Some(Ok(Answer::Ok)),
            Call::Close { socket } => self.release(*socket, |tcb, cx| tcb.close(cx, id, true)),
            Call::Abort { socket } => self.release(*socket, |tcb, cx| tcb.abort(cx)),
            Call::Set { socket, setting, value } => Some(self.set(*socket, *setting, *value)),
            Call::State { local, peer } => Some(Ok(Answer::State(decisions::status(self, *local, *peer)))),
        }
    }

    fn on_socket(&mut self, socket: SocketId, work: impl FnOnce(&mut Tcb, &mut Context) -> CallResult) -> CallResult {
        match self.sockets.get(&socket).copied() {
            Some(number) => self.on_tcb(number, work).flatten(),
            None if decisions::call_without_connection_succeeds(self, socket) => Some(Ok(Answer::Ok)),
            None => Some(Err(errno(ErrorName::DoesNotExist, "connection does not exist"))),
        }
    }

    /// A call that takes away the user's name for the connection, unless it fails.
    fn release(&mut self, socket: SocketId, work: impl FnOnce(&mut Tcb, &mut Context) -> CallResult) -> CallResult {
        let number = self.sockets.get(&socket).copied();
        let ended = self.on_socket(socket, work);
        if let (Some(number), None | Some(Ok(_))) = (number, &ended) {
            self.sockets.remove(&socket);
            if let Some(tcb) = self.tcbs.get_mut(&number) {
                tcb.user.socket = None;
            }
            self.settle(number);
        }
        ended
    }

    fn is_taken(&self, socket: SocketId) -> bool {
        self.sockets.contains_key(&socket) || self.listeners.iter().any(|listener| listener.socket == socket)
    }

    /// Passive OPEN (RFC 9293 section 3.10.1).
    fn open_passive(
        &mut self,
        socket: SocketId,
        local: SocketAddr,
        backlog: u32,
        fast_open: Option<u32>,
    ) -> Result<Answer, Errno> {
        if local.port() == 0 || !self.addresses.contains(&local.ip()) {
            return Err(errno(ErrorName::Invalid, "no such local socket"));
        }
        if self.is_taken(socket) || self.listeners.iter().any(|listener| listener.local == local) {
            return Err(errno(ErrorName::AlreadyExists, "connection already exists"));
        }
        if decisions::open_takes_over(self, local) {
            self.tuples.retain(|(end, _), _| *end != local);
        }
        self.listeners.push(Listener {
            socket,
            local,
            backlog: backlog.max(1) as usize,
            spent: false,
            fast_open: fast_open.map(|most| most as usize),
            settings: Settings::default(),
            waiting: Default::default(),
            accepts: Default::default(),
        });
        Ok(Answer::Ok)
    }

    /// Active OPEN (RFC 9293 section 3.10.1). Broadcast and multicast addresses cannot be connected to (section
    /// 3.9.1.1, MUST-46).
    fn open_active(
        &mut self,
        id: CallId,
        socket: SocketId,
        (local, peer): (IpAddr, SocketAddr),
        isn: Option<u32>,
        fast_open: bool,
    ) -> CallResult {
        if self.is_taken(socket) {
            return self.open_again(socket, peer);
        }
        let local = decisions::local_address(self, local);
        let nobody = !decisions::can_be_opened_to(&self.cx, peer.ip());
        let ours = decisions::address_can_be_had(self, local);
        if nobody || peer.port() == 0 || !ours || local.is_ipv4() != peer.is_ipv4() {
            return Some(Err(errno(ErrorName::Invalid, "remote socket unspecified")));
        }
        let Some(local) = self.free_port(local, peer) else {
            return Some(Err(errno(ErrorName::NoResources, "insufficient resources")));
        };
        let mut tcb = Tcb::new(&self.cx, local, peer, Opened::Active, Settings::default());
        let iss = match isn {
            Some(isn) => crate::wire::SeqNum(isn),
            None => isn::isn(&mut self.cx, local, peer),
        };
        tcb.set_iss(iss);
        tcb.state = State::SynSent;
        tcb.user.socket = Some(socket);
        tcb.user.connect = Some(id);
        tcb.opening = fast_open.then(|| FastOpening::new(&self.cx, peer)).flatten();
        if !tcb.holds_its_syn() {
            tcb.send_syn(&mut self.cx);
        }
        self.insert(tcb);
        None
    }

    /// OPEN on a connection that is open already is an error, and changes nothing.
    fn open_again(&mut self, socket: SocketId, peer: SocketAddr) -> CallResult {
        if decisions::open_again_succeeds(&self.cx) {
            let all = |listener: &Listener| listener.socket != socket;
            self.listeners.retain(all);
            let number = self.sockets.get(&socket).copied();
            number.map(|number| self.on_tcb(number, |tcb, cx| tcb.send_syn(cx)));
            return Some(Ok(Answer::Ok));
        }
        let name = match peer.ip().is_unspecified() {
            true => ErrorName::Invalid,
            false => ErrorName::AlreadyExists,
        };
        Some(Err(errno(name, "connection already exists")))
    }

    /// The ports are tried one after the other, from one that nobody outside can know for this peer; those in use are
    /// left out (RFC 6056 section 3.3).
    fn free_port(&mut self, local: IpAddr, peer: SocketAddr) -> Option<SocketAddr> {
        let (least, count) = decisions::ephemeral_ports(&self.cx);
        let offset = decisions::first_port(&self.cx, local, peer);
        let start = u32::from(offset) + u32::from(isn::port_step(&self.cx, self.next_ephemeral));
        self.next_ephemeral = self.next_ephemeral.wrapping_add(1);
        let port = |step| least + ((start + u32::from(step)) % u32::from(count)) as u16;
        let ports = (0..count).map(port);
        let mut ends = ports.map(|port| SocketAddr::new(local, port));
        ends.find(|end| {
            let used = self.tuples.range((*end, lowest())..).next();
            used.is_none_or(|((known, _), _)| known != end) && !self.listeners.iter().any(|known| known.local == *end)
        })
    }

    fn accept(&mut self, id: CallId, listener: SocketId, socket: SocketId) -> CallResult {
        if self.is_taken(socket) {
            return Some(Err(errno(ErrorName::AlreadyExists, "connection already exists")));
        }
        let Some(found) = self.listeners.iter_mut().find(|known| known.socket == listener) else {
            return Some(Err(errno(ErrorName::DoesNotExist, "connection does not exist")));
        };
        found.accepts.push_back((id, socket));
        self.serve_accepts(listener);
        None
    }

    /// CLOSE or ABORT of a listener (RFC 9293 sections 3.10.4 and 3.10.5): the block is deleted. Connections that
    /// nobody can accept any more are aborted.
    fn close_listener(&mut self, socket: SocketId) -> bool {
        let Some(at) = self.listeners.iter().position(|listener| listener.socket == socket) else {
            return false;
        };
        if !decisions::close_deletes_listener(&self.cx) {
            return true;
        }
        let listener = self.listeners.remove(at);
        for (id, _) in listener.accepts {
            self.cx.fail(id, ErrorName::Closing, "connection closing");
        }
        let orphans: Vec<u32> = self
            .tcbs
            .iter()
            .filter(|(_, tcb)| tcb.opened == Opened::Passive(socket) && tcb.user.socket.is_none())
            .filter(|(number, tcb)| listener.waiting.contains(number) || tcb.state == State::SynReceived)
            .map(|(number, _)| *number)
            .collect();
        for number in orphans {
            self.on_tcb(number, |tcb, cx| drop(tcb.abort(cx)));
        }
        true
    }

    /// Sets an option. Those of a listener hold for the connections that come to it from then on.
    fn set(&mut self, socket: SocketId, setting: Setting, value: SetValue) -> Result<Answer, Errno> {
        if let Some(listener) = self.listeners.iter_mut().find(|listener| listener.socket == socket) {
            listener.settings.change(setting, value)?;
            return Ok(Answer::Ok);
        }
        let number = self.sockets.get(&socket).copied();
        let changed = number.and_then(|number| {
            self.on_tcb(number, |tcb, cx| {
                tcb.settings.change(setting, value)?;
                tcb.apply(cx, setting);
                tcb.output(cx);
                Ok(Answer::Ok)
            })
        });
        changed.unwrap_or_else(|| Err(errno(ErrorName::DoesNotExist, "connection does not exist")))
    }

    /// The state of the connection or listener between these ends, if there is one.
    fn known_state(&self, local: SocketAddr, peer: SocketAddr) -> Option<State> {
        let number = self.tuples.get(&(local, peer));
        match number.and_then(|number| self.tcbs.get(number)) {
            Some(tcb) => Some(tcb.state),
            None => {
                let mut listeners = self.listeners.iter();
                listeners
                    .any(|listener| listener.local == local)
                    .then_some(State::Listen)
            }
        }
    }
}

/// A socket address that sorts before every other.
fn lowest() -> SocketAddr {
    SocketAddr::new(IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED), 0)
}

impl Stack for Model {
    fn abilities(&self) -> Abilities {
        ABILITIES
            .into_iter()
            .chain(["set:quick-ack", "set:dscp", "set:ttl"])
            .collect()
    }

    fn receive(&mut self, now: Instant, packet: &[u8]) {
        self.cx.now = now;
        if !decisions::packet_is_taken(&self.cx, packet) {
            return;
        }
        let padding = Packet::padding_of(packet);
        if let Ok(mut packet) = Packet::parse(packet) {
            let taken = decisions::padding_in_text(&self.cx, padding.len());
            if let Body::Tcp(segment) = &mut packet.body {
                segment.payload.extend(&padding[..taken]);
            }
            self.packet_arrives(packet);
        }
    }

    fn call(&mut self, now: Instant, id: CallId, call: &Call) {
        self.cx.now = now;
        if let Some(result) = self.dispatch(id, call) {
            self.cx.answer(id, result);
        }
    }

    fn poll(&mut self, now: Instant, out: &mut dyn FnMut(Emitted)) -> Option<Instant> {
        self.cx.now = now;
        let due = |tcb: &Tcb| tcb.next_deadline().is_some_and(|at| at <= now);
        let ready: Vec<u32> = self
            .tcbs
            .iter()
            .filter(|(_, tcb)| due(tcb))
            .map(|(number, _)| *number)
            .collect();
        for number in ready {
            for _ in 0..MOST_FIRINGS {
                if !self.tcbs.get(&number).is_some_and(due) {
                    break;
                }
                self.on_tcb(number, |tcb, cx| tcb.on_time(cx));
            }
        }
        self.cx.out.drain(..).for_each(out);
        self.tcbs.values().filter_map(Tcb::next_deadline).min()
    }
}
