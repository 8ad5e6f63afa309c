//! The calls of the application, as smoltcp can answer them.

use super::connection::{CloseCall, Connection, Ended};
use super::{EPHEMERAL, Listener, Smoltcp, errno, interface, isn, unsupported};
use crate::rfc::State;
use crate::stack::{Answer, CallId, Emitted, Errno, SetValue, SocketId};
use crate::stack::{ErrorName, Setting};
use core::net::{IpAddr, SocketAddr};
use smoltcp::iface::SocketHandle;
use smoltcp::socket::tcp;
use std::collections::VecDeque;

impl Smoltcp {
    /// Passive OPEN.
    pub(super) fn listen(
        &mut self,
        name: SocketId,
        local: SocketAddr,
        backlog: u32,
        fast_open: Option<u32>,
    ) -> Result<Answer, Errno> {
        if fast_open.is_some() {
            return Err(unsupported("smoltcp has no fast open"));
        }
        if local.port() == 0 || !self.addresses.contains(&local.ip()) {
            return Err(errno(ErrorName::Invalid, "Unaddressable"));
        }
        if self.listeners.iter().any(|listener| listener.local == local) || self.is_taken(name) {
            return Err(errno(ErrorName::AlreadyExists, "InvalidState"));
        }
        self.listeners.push(Listener {
            name,
            local,
            backlog: backlog.max(1) as usize,
            settings: self.settings,
            reserve: None,
            waiting: VecDeque::new(),
            accepts: VecDeque::new(),
        });
        self.keep_listening();
        Ok(Answer::Ok)
    }

    /// Active OPEN.
    pub(super) fn connect(
        &mut self,
        id: CallId,
        name: SocketId,
        (local, peer): (IpAddr, SocketAddr),
        isn: Option<u32>,
    ) -> Ended {
        if self.is_taken(name) {
            return Some(Err(errno(ErrorName::AlreadyExists, "InvalidState")));
        }
        let Some(port) = self.free_port() else {
            return Some(Err(errno(ErrorName::NoResources, "no free port")));
        };
        let same = |own: &&IpAddr| own.is_ipv4() == local.is_ipv4();
        let local = match self.addresses.iter().find(same) {
            Some(own) if local.is_unspecified() => *own,
            Some(_) | None => local,
        };
        if !self.addresses.contains(&local) {
            return Some(Err(errno(ErrorName::Invalid, "Unaddressable")));
        }
        if let Some(isn) = isn {
            self.interface = interface(isn::seed_for(isn, self.seed), self.addresses, &mut self.wire);
        }
        let settings = self.settings;
        let mut socket = settings.socket();
        if let Err(error) = socket.connect(self.interface.context(), peer, (local, port)) {
            return Some(Err(errno(ErrorName::Invalid, &error.to_string())));
        }
        let handle = self.sockets.add(socket);
        self.connections
            .insert(handle, Connection::active(name, peer, id, settings));
        None
    }

    /// The next ephemeral port that no connection uses.
    fn free_port(&mut self) -> Option<u16> {
        for _ in 0..EPHEMERAL.1 {
            let port = self.next_port;
            self.next_port = EPHEMERAL.0 + (port - EPHEMERAL.0 + 1) % EPHEMERAL.1;
            let listens = self.listeners.iter().any(|listener| listener.local.port() == port);
            let connected = self.connections.keys().any(|&handle| {
                let local = self.sockets.get::<tcp::Socket>(handle).local_endpoint();
                local.is_some_and(|local| local.port == port)
            });
            if !listens && !connected {
                return Some(port);
            }
        }
        None
    }

    /// Asks for the next connection of a listener. The answer is [`Emitted::Accepted`].
    pub(super) fn accept(&mut self, id: CallId, listener: SocketId, name: SocketId) -> Ended {
        if self.is_taken(name) {
            return Some(Err(errno(ErrorName::AlreadyExists, "InvalidState")));
        }
        match self.listeners.iter_mut().find(|candidate| candidate.name == listener) {
            Some(found) => found.accepts.push_back((id, name)),
            None => return Some(Err(errno(ErrorName::DoesNotExist, "no such listener"))),
        }
        None
    }

    fn is_taken(&self, name: SocketId) -> bool {
        self.listeners.iter().any(|listener| listener.name == name) || self.find(name).is_some()
    }

    fn find(&self, name: SocketId) -> Option<SocketHandle> {
        self.connections
            .iter()
            .find(|(_, connection)| connection.name == Some(name))
            .map(|(&handle, _)| handle)
    }

    /// Does something with a connection, its socket and what is on its way out.
    pub(super) fn with(
        &mut self,
        name: SocketId,
        work: impl FnOnce(&mut Connection, &mut tcp::Socket<'static>, &mut Vec<Emitted>) -> Ended,
    ) -> Ended {
        let found = self
            .connections
            .iter_mut()
            .find(|(_, connection)| connection.name == Some(name));
        match found {
            Some((&handle, connection)) => work(connection, self.sockets.get_mut(handle), &mut self.wire.leaving),
            None => Some(Err(errno(ErrorName::DoesNotExist, "no such socket"))),
        }
    }

    /// CLOSE.
    pub(super) fn close(&mut self, id: CallId, name: SocketId, how: CloseCall) -> Ended {
        if self.close_listener(name) {
            return Some(Ok(Answer::Ok));
        }
        self.with(name, |connection, socket, out| connection.close(id, how, socket, out))
    }

    /// Stops listening, if `name` is a listener. Connections that nobody has accepted are aborted: nobody can.
    pub(super) fn close_listener(&mut self, name: SocketId) -> bool {
        let Some(position) = self.listeners.iter().position(|listener| listener.name == name) else {
            return false;
        };
        let listener = self.listeners.remove(position);
        for (id, _) in listener.accepts {
            let error = errno(ErrorName::Closing, "the listener was closed");
            self.wire.leaving.push(Emitted::Result(id, Err(error)));
        }
        if let Some(handle) = listener.reserve {
            self.take_out(handle);
        }
        for (&handle, connection) in &mut self.connections {
            if connection.is_unclaimed(name) {
                connection.abort(self.sockets.get_mut(handle), &mut self.wire.leaving);
            }
        }
        true
    }

    /// Sets an option. Those of a listener hold for the connections that come to it from then on.
    pub(super) fn set(&mut self, name: SocketId, setting: Setting, value: SetValue) -> Ended {
        let Some(position) = self.listeners.iter().position(|listener| listener.name == name) else {
            return self.with(name, |connection, socket, _| {
                Some(connection.set(setting, value, socket))
            });
        };
        let changed = self.listeners[position].settings.change(setting, value, false);
        if let Some(handle) = self.listeners[position].reserve.take() {
            self.take_out(handle);
            self.keep_listening();
        }
        Some(changed.map(|()| Answer::Ok))
    }

    /// STATUS.
    pub(super) fn state(&self, local: SocketAddr, peer: SocketAddr) -> State {
        let listens = self.listeners.iter().any(|listener| listener.local == local);
        let unconnected = if listens { State::Listen } else { State::Closed };
        self.connections
            .keys()
            .map(|&handle| self.sockets.get::<tcp::Socket>(handle))
            .filter(|socket| {
                socket.local_endpoint() == Some(local.into()) && socket.remote_endpoint() == Some(peer.into())
            })
            .map(|socket| named(socket.state()))
            .find(|&state| state != State::Closed)
            .unwrap_or(unconnected)
    }
}

/// The state by the RFC's name.
fn named(state: tcp::State) -> State {
    match state {
        tcp::State::Closed => State::Closed,
        tcp::State::Listen => State::Listen,
        tcp::State::SynSent => State::SynSent,
        tcp::State::SynReceived => State::SynReceived,
        tcp::State::Established => State::Established,
        tcp::State::FinWait1 => State::FinWait1,
        tcp::State::FinWait2 => State::FinWait2,
        tcp::State::CloseWait => State::CloseWait,
        tcp::State::Closing => State::Closing,
        tcp::State::LastAck => State::LastAck,
        tcp::State::TimeWait => State::TimeWait,
    }
}
