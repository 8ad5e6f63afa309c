//! smoltcp as a target: the application around it that every user of smoltcp has to write, and nothing of TCP itself.
//!
//! What is smoltcp's and what is this application's:
//!
//! - smoltcp has no listeners: a listening socket *becomes* the connection. Here each listener keeps one listening
//!   socket in reserve and makes another after every SYN, so a port goes on listening. Packets come one at a time, so
//!   one in reserve does what `backlog` of them would.
//! - smoltcp hands a segment to the first socket that takes it. A listening socket therefore always stands behind the
//!   connections of its port; else it would take a SYN that is for one of those. Places are never used again: a socket
//!   that is done leaves a closed one without buffers behind.
//! - smoltcp does not tell why a connection ended; see the module `connection`.
//! - Timestamps and congestion control (Reno) are switched on, as smoltcp allows and does not do by itself.
//! - Nothing else is changed: no timeout, its own delays.

mod calls;
mod connection;
mod isn;
mod settings;
#[cfg(test)]
mod tests;
mod wire;

use super::Embedded;
use super::Runner;
use crate::drive::Job;
use crate::drive::addresses;
use crate::stack::ErrorName;
use crate::stack::{Abilities, Answer, Call, CallId, Emitted, Errno, IpVersion, Profile, SocketId, Stack};
use crate::time::Instant;
use connection::{Cause, CloseCall, Connection};
use core::cell::Cell;
use core::net::{IpAddr, SocketAddr};
use settings::Settings;
use smoltcp::iface::{Config, Interface, PollIngressSingleResult, PollResult, SocketHandle, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::wire::{HardwareAddress, IpCidr};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use wire::Wire;

/// The release of smoltcp that is built in, as far as Cargo.toml pins it.
const VERSION: &str = "0.14";

/// How often smoltcp may send again within one poll; a burst of a whole window in the smallest segments is shorter.
const MOST_ROUNDS: usize = 4096;

/// How many handshakes may be under way for one listener, or as many as its backlog. Each takes a socket with its
/// buffers, and a device has only so many: smoltcp itself has no defence once a flood has used them up.
const MOST_HALF_OPEN: usize = 64;

/// Where ephemeral ports begin (RFC 6335 section 6), and how many there are.
const EPHEMERAL: (u16, u16) = (49_152, 16_384);

thread_local! {
    /// The time that timestamps tell, in milliseconds: smoltcp takes a plain function, which cannot belong to a run.
    static CLOCK: Cell<u32> = const { Cell::new(0) };
}

/// What smoltcp asks for the value of a timestamp.
fn timestamp() -> u32 {
    CLOCK.get()
}

struct Listener {
    name: SocketId,
    local: SocketAddr,
    backlog: usize,
    settings: Settings,
    /// The listening socket that the next SYN goes to.
    reserve: Option<SocketHandle>,
    /// Connections in the order in which they were established.
    waiting: VecDeque<SocketHandle>,
    /// Calls that wait for one, and how it is to be named.
    accepts: VecDeque<(CallId, SocketId)>,
}

/// smoltcp, with two addresses, on a link with an MTU of 1500 octets.
pub struct Smoltcp {
    interface: Interface,
    wire: Wire,
    sockets: SocketSet<'static>,
    addresses: [IpAddr; 2],
    listeners: Vec<Listener>,
    connections: BTreeMap<SocketHandle, Connection>,
    settings: Settings,
    seed: u64,
    next_port: u16,
}

/// smoltcp as a target of the suite, as its `runner.yaml` describes it.
pub fn target(mut runner: Runner) -> Embedded<impl Fn(&Job) -> Box<dyn Stack> + Sync> {
    Arc::make_mut(&mut runner.facts).version = Some(format!("smoltcp-{VERSION}"));
    let profiles = runner.clone();
    Embedded::of(runner, move |job| {
        // A job whose settings cannot be had is not run at all.
        let profile = profiles.profile(&job.script.configure).unwrap_or_default();
        Box::new(Smoltcp::configured(job.seed, job.wrap, &profile))
    })
}

impl Smoltcp {
    /// A fresh stack. The same seed gives the same frames. With `wrap` its first ISN lies within eight of 2^32.
    pub fn new(seed: u64, wrap: bool) -> Smoltcp {
        Smoltcp::configured(seed, wrap, &Profile::new())
    }

    /// One that is set up as a profile of its `runner.yaml` says.
    pub fn configured(seed: u64, wrap: bool, profile: &Profile) -> Smoltcp {
        let mut wire = Wire::default();
        let addresses = [
            addresses::target_address(IpVersion::V4),
            addresses::target_address(IpVersion::V6),
        ];
        let first = if wrap {
            isn::seed_for(u32::MAX - (seed as u32 & 7), seed)
        } else {
            seed
        };
        Smoltcp {
            interface: interface(first, addresses, &mut wire),
            wire,
            sockets: SocketSet::new(Vec::new()),
            addresses,
            listeners: Vec::new(),
            connections: BTreeMap::new(),
            settings: Settings::of(profile),
            seed,
            next_port: EPHEMERAL.0 + (seed >> 16) as u16 % EPHEMERAL.1,
        }
    }
}

/// A new interface: the only way to seed the generator that ISNs are drawn from. Sockets are not part of it.
fn interface(seed: u64, addresses: [IpAddr; 2], wire: &mut Wire) -> Interface {
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = seed;
    let mut interface = Interface::new(config, wire, smoltcp::time::Instant::ZERO);
    interface.update_ip_addrs(|list| {
        for address in addresses {
            let prefix = if address.is_ipv4() { 24 } else { 64 };
            // There is room for exactly two.
            let _ = list.push(IpCidr::new(address.into(), prefix));
        }
    });
    // The table is empty, and the gateways are only names: the link has no addresses of its own.
    let routes = interface.routes_mut();
    let _ = routes.add_default_ipv4_route([192, 0, 2, 254].into());
    let _ = routes.add_default_ipv6_route([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xfe].into());
    interface
}

impl Stack for Smoltcp {
    fn abilities(&self) -> Abilities {
        [
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
            "sack",
            "timestamps",
            "window-scale",
            "virtual-time",
            "set:nodelay",
            "set:linger",
            "set:keep-alive",
            "set:keep-alive-idle",
            "set:keep-alive-interval",
            "set:user-timeout",
            "set:send-buffer",
            "set:recv-buffer",
            "set:quick-ack",
            "set:ttl",
        ]
        .into_iter()
        .collect()
    }

    fn receive(&mut self, _now: Instant, packet: &[u8]) {
        self.wire.arrive(packet);
    }

    fn call(&mut self, _now: Instant, id: CallId, call: &Call) {
        let ended = match call {
            Call::Listen {
                socket,
                local,
                backlog,
                fast_open,
            } => Some(self.listen(*socket, *local, *backlog, *fast_open)),
            Call::Connect {
                socket,
                local,
                peer,
                isn,
                fast_open: _,
            } => self.connect(id, *socket, (*local, *peer), *isn),
            Call::Accept { listener, socket } => self.accept(id, *listener, *socket),
            Call::Send { socket, data, urgent } => {
                self.with(*socket, |connection, _, _| connection.send(id, data.clone(), *urgent))
            }
            Call::Urgent { .. } => Some(Err(unsupported("smoltcp does not know urgent data"))),
            Call::Recv { socket, amount } => self.with(*socket, |connection, _, _| connection.receive(id, *amount)),
            Call::Shutdown { socket } => self.close(id, *socket, CloseCall::Shutdown),
            Call::Close { socket } => self.close(id, *socket, CloseCall::Close),
            Call::Abort { socket } if self.close_listener(*socket) => Some(Ok(Answer::Ok)),
            Call::Abort { socket } => self.with(*socket, |connection, socket, out| {
                connection.abort(socket, out);
                Some(Ok(Answer::Ok))
            }),
            Call::Set { socket, setting, value } => self.set(*socket, *setting, *value),
            Call::State { local, peer } => Some(Ok(Answer::State(self.state(*local, *peer)))),
        };
        if let Some(result) = ended {
            self.wire.leaving.push(Emitted::Result(id, result));
        }
    }

    fn poll(&mut self, now: Instant, out: &mut dyn FnMut(Emitted)) -> Option<Instant> {
        let time = smoltcp::time::Instant::from_micros_const(i64::try_from(now.as_micros()).unwrap_or(i64::MAX));
        // A random start, as RFC 7323 section 5.4 asks for.
        CLOCK.set((now.as_micros() / 1000).wrapping_add(self.seed >> 32) as u32);
        loop {
            self.ingress(time);
            self.egress(time);
            if !self.wire.has_arrivals() {
                break;
            }
        }
        self.remove_closed();
        self.wire.leaving.drain(..).for_each(out);
        let next = self.interface.poll_at(time, &self.sockets)?;
        Some(Instant::from_micros(u64::try_from(next.total_micros()).unwrap_or(0)).max(now))
    }
}

/// What smoltcp is driven through.
impl Smoltcp {
    fn ingress(&mut self, time: smoltcp::time::Instant) {
        match self
            .interface
            .poll_ingress_single(time, &mut self.wire, &mut self.sockets)
        {
            PollIngressSingleResult::None | PollIngressSingleResult::PacketProcessed => return,
            PollIngressSingleResult::SocketStateChanged => (),
        }
        self.notice_connections();
        self.observe(Cause::Segment);
    }

    /// Lets smoltcp send and the application act in turns until neither has anything left to do.
    fn egress(&mut self, time: smoltcp::time::Instant) {
        for _ in 0..MOST_ROUNDS {
            let busy = self.advance();
            let sent = self.interface.poll_egress(time, &mut self.wire, &mut self.sockets);
            let changed = self.observe(Cause::Timer);
            self.keep_listening();
            if !busy && !changed && sent == PollResult::None {
                return;
            }
        }
    }

    /// Finds the listening sockets that a SYN has made connections of.
    fn notice_connections(&mut self) {
        for listener in &mut self.listeners {
            let Some(handle) = listener.reserve else { continue };
            if let Some(peer) = self.sockets.get::<tcp::Socket>(handle).remote_endpoint() {
                listener.reserve = None;
                let connection = Connection::passive(listener.name, peer.into(), listener.settings);
                self.connections.insert(handle, connection);
            }
        }
    }

    /// Notes every change of state; answers whether there was one.
    fn observe(&mut self, cause: Cause) -> bool {
        let mut changed = false;
        let mut returned = Vec::new();
        for (&handle, connection) in &mut self.connections {
            let state = self.sockets.get::<tcp::Socket>(handle).state();
            if state == connection.seen {
                continue;
            }
            changed = true;
            let established = connection.moved(state, cause);
            if state == tcp::State::Listen {
                returned.push(handle);
            }
            let listener = self
                .listeners
                .iter_mut()
                .find(|listener| Some(listener.name) == connection.listener);
            if established && let Some(listener) = listener {
                connection.waits = true;
                listener.waiting.push_back(handle);
            }
        }
        returned.into_iter().for_each(|handle| self.take_back(handle));
        changed
    }

    /// A RST made a socket listen again. It takes the place of the one in reserve, so that smoltcp goes on with the
    /// socket that it would go on with anywhere, behind the connections that came after it.
    fn take_back(&mut self, handle: SocketHandle) {
        let Some(connection) = self.connections.remove(&handle) else {
            return;
        };
        let socket = self.take_out(handle);
        let listener = self
            .listeners
            .iter_mut()
            .find(|listener| Some(listener.name) == connection.listener);
        if let Some(reserve) = listener.and_then(|listener| listener.reserve) {
            self.sockets.remove(reserve);
            // The only free place is the one just emptied.
            self.sockets.add(socket);
        }
    }

    /// Keeps one listening socket for each listener that has room.
    fn keep_listening(&mut self) {
        for position in 0..self.listeners.len() {
            let listener = &self.listeners[position];
            let has_room = listener.waiting.len() < listener.backlog;
            match (has_room, listener.reserve) {
                (true, None) if self.half_open(listener.name) < MOST_HALF_OPEN.max(listener.backlog) => {
                    let mut socket = listener.settings.socket();
                    // The port is not 0 and the socket is new: it cannot refuse.
                    let _ = socket.listen(listener.local);
                    self.listeners[position].reserve = Some(self.sockets.add(socket));
                }
                (false, Some(handle)) => {
                    self.listeners[position].reserve = None;
                    self.take_out(handle);
                }
                (true | false, _) => (),
            }
        }
    }

    fn half_open(&self, listener: SocketId) -> usize {
        let came_to = |connection: &&Connection| connection.listener == Some(listener) && connection.is_half_open();
        self.connections.values().filter(came_to).count()
    }

    /// Lets the application do what it waits to do; answers whether smoltcp was given something to do.
    fn advance(&mut self) -> bool {
        let mut busy = false;
        for (&handle, connection) in &mut self.connections {
            let socket = self.sockets.get_mut::<tcp::Socket>(handle);
            busy |= connection.advance(socket, &mut self.wire.leaving);
        }
        for listener in &mut self.listeners {
            while let (Some(&handle), true) = (listener.waiting.front(), !listener.accepts.is_empty()) {
                listener.waiting.pop_front();
                let accept = listener.accepts.pop_front();
                if let (Some(connection), Some((_, name))) = (self.connections.get_mut(&handle), accept) {
                    connection.accept(name);
                    self.wire.leaving.push(Emitted::Accepted {
                        listener: listener.name,
                        socket: name,
                        peer: connection.peer,
                    });
                }
            }
        }
        busy
    }

    /// Takes a socket out of the set, and leaves a closed one in its place so that nothing else moves there.
    fn take_out(&mut self, handle: SocketHandle) -> smoltcp::socket::Socket<'static> {
        let socket = self.sockets.remove(handle);
        self.sockets.add(socket_with_buffers(0, 0));
        socket
    }

    fn remove_closed(&mut self) {
        let closed: Vec<SocketHandle> = self
            .connections
            .iter()
            .filter(|(handle, connection)| {
                let socket = self.sockets.get::<tcp::Socket>(**handle);
                // With an end point it still has a RST to send.
                connection.is_forgotten() && !socket.is_open() && socket.remote_endpoint().is_none()
            })
            .map(|(handle, _)| *handle)
            .collect();
        for handle in closed {
            self.connections.remove(&handle);
            self.take_out(handle);
        }
    }
}

/// A closed socket with buffers of these sizes, in octets.
fn socket_with_buffers(receive: usize, send: usize) -> tcp::Socket<'static> {
    tcp::Socket::new(
        tcp::SocketBuffer::new(vec![0; receive]),
        tcp::SocketBuffer::new(vec![0; send]),
    )
}

/// An error by its neutral name and in smoltcp's words.
fn errno(name: ErrorName, detail: &str) -> Errno {
    Errno {
        name,
        detail: detail.to_owned(),
        unsupported: false,
    }
}

/// What smoltcp cannot do at all.
fn unsupported(detail: &str) -> Errno {
    Errno {
        name: ErrorName::Error,
        detail: detail.to_owned(),
        unsupported: true,
    }
}
