//! The trait that a stack implements, and the calls, answers and events that go over it.

use super::{ErrorName, Setting};
use crate::rfc::State;
use crate::time::Instant;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::collections::BTreeSet;

/// What a target can do, by name: `ipv4 ipv6 listen connect accept send recv shutdown close abort state isn urgent
/// sack timestamps window-scale fast-open-client fast-open-server set:nodelay ...`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abilities(BTreeSet<String>);

impl Abilities {
    /// Whether it can.
    pub fn can(&self, ability: &str) -> bool {
        self.0.contains(ability)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl<S: Into<String>> FromIterator<S> for Abilities {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Abilities(names.into_iter().map(Into::into).collect())
    }
}

/// The number of a call, by which its result is told from those of other calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// A socket of the target's application. The bench names those that it opens; a stack that reports accepted connections
/// by itself names those, from 2^31 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u32);

impl SocketId {
    /// Whether it is for the target to name.
    pub const fn is_targets(self) -> bool {
        self.0 >= 1 << 31
    }
}

/// A value for [`Call::Set`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetValue {
    /// On or off.
    Flag(bool),
    /// A number; octets where it is a size.
    Number(u64),
    /// A time.
    Time(Duration),
}

/// What the target's application is asked to do (RFC 9293 section 3.9.1). No call blocks: it is answered, or stays
/// pending until it can be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Call {
    /// Passive OPEN.
    Listen {
        /// The name that the listener gets.
        socket: SocketId,
        /// Where to listen.
        local: SocketAddr,
        /// How many may wait to be accepted.
        backlog: u32,
        /// How many fast opens may wait; `None`: no fast open.
        fast_open: Option<u32>,
    },
    /// Active OPEN; pending until the connection is established.
    Connect {
        /// The name that the connection's socket gets, valid from the call on, whether it is still pending or not.
        socket: SocketId,
        /// The target's address; unspecified where IP is to choose it (RFC 9293 section 3.9.1.1, MUST-44). The port is
        /// the target's choice.
        local: IpAddr,
        /// To whom.
        peer: SocketAddr,
        /// The initial sequence number to use, where the target is able (`isn`).
        isn: Option<u32>,
        /// With fast open (RFC 7413), where the target is able (`fast-open-client`): the SYN asks for a cookie. Where
        /// one is known the SYN waits for the first SEND instead, and takes its octets along; the call may then be
        /// answered before the connection is established.
        fast_open: bool,
    },
    /// Takes the next connection from a listener; pending until there is one. Answered by [`Emitted::Accepted`].
    Accept {
        /// From which.
        listener: SocketId,
        /// The name that the connection's socket gets.
        socket: SocketId,
    },
    /// SEND; answered with [`Answer::Count`] when all octets have been taken.
    Send {
        /// On which.
        socket: SocketId,
        /// What.
        data: Vec<u8>,
        /// With the urgent flag.
        urgent: bool,
    },
    /// RECEIVE; answered when enough octets are there, or at the end of the stream with what there is
    /// ([`Answer::EndOfStream`] if nothing).
    Recv {
        /// From which.
        socket: SocketId,
        /// Exactly so many octets, unless the stream ends; `None`: at least one, as many as there are.
        amount: Option<u64>,
    },
    /// Waits until the peer has announced urgent data that has not been read (RFC 9293 section 3.8.5, MUST-32 and
    /// MUST-33); answered by [`Answer::Ok`], at once where there is some left.
    Urgent {
        /// On which.
        socket: SocketId,
    },
    /// RFC 9293's CLOSE: no more to send; reading goes on.
    Shutdown {
        /// Which.
        socket: SocketId,
    },
    /// As [`Call::Shutdown`], and reading is given up too. Also closes a listener.
    Close {
        /// Which.
        socket: SocketId,
    },
    /// ABORT.
    Abort {
        /// Which.
        socket: SocketId,
    },
    /// Sets an option of a socket.
    Set {
        /// Of which.
        socket: SocketId,
        /// Which option; [`Setting::Backlog`] and [`Setting::FastOpen`] never stand here.
        setting: Setting,
        /// To what.
        value: SetValue,
    },
    /// STATUS: the state of the connection between two endpoints, sockets or not (TIME-WAIT and orphans included).
    /// `Closed`, or `Listen` if the local port listens, where there is none.
    State {
        /// The target's end.
        local: SocketAddr,
        /// The tester's end.
        peer: SocketAddr,
    },
}

/// How a call ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// Nothing to tell.
    Ok,
    /// Octets sent.
    Count(u64),
    /// Octets received; never empty.
    Data(Vec<u8>),
    /// The stream has ended.
    EndOfStream,
    /// The state asked for.
    State(State),
}

/// How a call ended badly: the neutral name, and the target's own word for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errno {
    /// The neutral name.
    pub name: ErrorName,
    /// The target's own, such as `ECONNREFUSED`; may be empty.
    pub detail: String,
    /// The target cannot do this at all: its run is `unsupported`.
    pub unsupported: bool,
}

/// What a target does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Emitted {
    /// Sends a frame: an IP packet.
    Packet(Vec<u8>),
    /// Ends a call.
    Result(CallId, Result<Answer, Errno>),
    /// Says that a call has been taken up but cannot end yet. In lockstep a call that was not answered when the target
    /// is quiet is pending without a word.
    Pending(CallId),
    /// Hands over a connection, asked by [`Call::Accept`] or by itself.
    Accepted {
        /// The listener that it came to.
        listener: SocketId,
        /// Its socket.
        socket: SocketId,
        /// The tester's end.
        peer: SocketAddr,
    },
}

/// A TCP implementation whose clock is ours.
///
/// A fresh one is made for each world: for one run, unless runs that tell themselves apart by their addresses are to
/// share it. All times count from the start of the world.
pub trait Stack {
    /// What it can do.
    fn abilities(&self) -> Abilities;

    /// A packet arrives.
    fn receive(&mut self, now: Instant, packet: &[u8]);

    /// The application calls. The answer comes through [`Stack::poll`], under the same id.
    fn call(&mut self, now: Instant, id: CallId, call: &Call);

    /// Runs until nothing more happens at `now`; returns when it next wants to be polled by itself.
    fn poll(&mut self, now: Instant, out: &mut dyn FnMut(Emitted)) -> Option<Instant>;
}
