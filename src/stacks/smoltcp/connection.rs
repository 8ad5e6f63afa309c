//! The application's side of one connection: calls that wait, and what became of the connection.
//!
//! smoltcp tells states, not reasons. Why a connection ended is worked out from the state in which it was and from
//! whether a segment or a timer ended it.

use super::settings::Settings;
use super::{errno, unsupported};
use crate::stack::{Answer, CallId, Emitted, Errno, SetValue, SocketId};
use crate::stack::{ErrorName, Setting};
use core::net::SocketAddr;
use smoltcp::socket::tcp::{self, RecvError, State};

/// What moved a connection on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// A segment came.
    Segment,
    /// Time went by.
    Timer,
}

/// The call by which an application gives a connection up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CloseCall {
    /// No more to send.
    Shutdown,
    /// Nor to read.
    Close,
}

/// How a call ended, or `None` while it is pending.
pub(super) type Ended = Option<Result<Answer, Errno>>;

struct Sending {
    id: CallId,
    data: Vec<u8>,
    taken: usize,
}

struct Receiving {
    id: CallId,
    amount: Option<usize>,
    data: Vec<u8>,
}

/// How far a RECEIVE got.
enum Received {
    Enough,
    Waits,
    /// The other end closed: no more will come.
    Finished,
    /// There is no connection any more.
    Gone,
}

/// One connection.
pub(super) struct Connection {
    /// The other end.
    pub(super) peer: SocketAddr,
    /// The listener that it came to, if it was opened by the tester.
    pub(super) listener: Option<SocketId>,
    /// Its name with the application; none before it is accepted and after it is closed.
    pub(super) name: Option<SocketId>,
    /// Whether it waits to be accepted.
    pub(super) waits: bool,
    /// The state in which it was last seen.
    pub(super) seen: State,
    settings: Settings,
    accepted: bool,
    established: bool,
    /// Whether the other end has closed.
    finished: bool,
    /// Why it ended, until a call was told.
    end: Option<ErrorName>,
    connect: Option<CallId>,
    send: Option<Sending>,
    receive: Option<Receiving>,
    close_call: Option<(CallId, CloseCall)>,
}

impl Connection {
    fn new(seen: State, peer: SocketAddr, settings: Settings) -> Connection {
        Connection {
            peer,
            listener: None,
            name: None,
            waits: false,
            seen,
            settings,
            accepted: false,
            established: false,
            finished: false,
            end: None,
            connect: None,
            send: None,
            receive: None,
            close_call: None,
        }
    }

    /// One that the application opens.
    pub(super) fn active(name: SocketId, peer: SocketAddr, connect: CallId, settings: Settings) -> Connection {
        Connection {
            name: Some(name),
            connect: Some(connect),
            ..Connection::new(State::SynSent, peer, settings)
        }
    }

    /// One that the tester opens.
    pub(super) fn passive(listener: SocketId, peer: SocketAddr, settings: Settings) -> Connection {
        Connection {
            listener: Some(listener),
            ..Connection::new(State::Listen, peer, settings)
        }
    }

    /// Whether nobody can ask for it any more.
    pub(super) fn is_forgotten(&self) -> bool {
        self.name.is_none() && !self.waits
    }

    /// Hands it to the application, under this name.
    pub(super) fn accept(&mut self, name: SocketId) {
        self.waits = false;
        self.accepted = true;
        self.name = Some(name);
    }

    /// Whether it came to this listener and the application never got it.
    pub(super) fn is_unclaimed(&self, listener: SocketId) -> bool {
        self.listener == Some(listener) && !self.accepted
    }

    /// Whether its handshake is under way.
    pub(super) fn is_half_open(&self) -> bool {
        !self.established
    }

    /// Notes that the socket is in another state; answers whether the connection is established by that.
    pub(super) fn moved(&mut self, to: State, cause: Cause) -> bool {
        let from = core::mem::replace(&mut self.seen, to);
        match to {
            State::CloseWait | State::Closing | State::LastAck | State::TimeWait => self.finished = true,
            State::Closed => self.end = reason(from, cause),
            State::Listen
            | State::SynSent
            | State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2 => (),
        }
        let before = matches!(to, State::Closed | State::Listen | State::SynSent | State::SynReceived);
        let now_established = !self.established && !before;
        self.established |= now_established;
        now_established
    }

    /// SEND.
    pub(super) fn send(&mut self, id: CallId, data: Vec<u8>, urgent: bool) -> Ended {
        if urgent {
            return Some(Err(unsupported("smoltcp has no urgent data")));
        }
        if self.send.is_some() || self.close_call.is_some() {
            return Some(Err(errno(ErrorName::NoResources, "a call is pending")));
        }
        self.send = Some(Sending { id, data, taken: 0 });
        None
    }

    /// RECEIVE.
    pub(super) fn receive(&mut self, id: CallId, amount: Option<u64>) -> Ended {
        if self.receive.is_some() {
            return Some(Err(errno(ErrorName::NoResources, "a call is pending")));
        }
        if amount == Some(0) {
            return Some(Ok(Answer::Ok));
        }
        let amount = amount.map(|amount| usize::try_from(amount).unwrap_or(usize::MAX));
        self.receive = Some(Receiving {
            id,
            amount,
            data: Vec::new(),
        });
        None
    }

    /// CLOSE, of one half or of both. It waits for a SEND that is pending, except before the other end was heard of:
    /// then there is nothing to be sent on (RFC 9293 section 3.10.4).
    pub(super) fn close(
        &mut self,
        id: CallId,
        how: CloseCall,
        socket: &mut tcp::Socket<'static>,
        out: &mut Vec<Emitted>,
    ) -> Ended {
        if self.close_call.is_some() {
            return Some(Err(errno(ErrorName::NoResources, "a call is pending")));
        }
        if self.seen == State::Closed && how == CloseCall::Shutdown {
            let name = self.end.take().unwrap_or(ErrorName::DoesNotExist);
            return Some(Err(errno(name, "Closed")));
        }
        if self.send.is_some() && self.seen != State::SynSent && self.seen != State::Closed {
            self.close_call = Some((id, how));
            return None;
        }
        self.hang_up(how, socket, out);
        Some(Ok(Answer::Ok))
    }

    fn hang_up(&mut self, how: CloseCall, socket: &mut tcp::Socket<'static>, out: &mut Vec<Emitted>) {
        if how == CloseCall::Close && self.settings.linger_zero {
            return self.abort(socket, out);
        }
        let opening = self.seen == State::SynSent;
        socket.close();
        self.seen = socket.state();
        self.finished |= self.seen == State::LastAck;
        if opening {
            self.fail_pending(ErrorName::Closing, out);
        }
        if how == CloseCall::Close {
            self.name = None;
            if let Some(receive) = self.receive.take() {
                out.push(Emitted::Result(receive.id, Err(errno(ErrorName::Closing, "closed"))));
            }
        }
    }

    /// ABORT.
    pub(super) fn abort(&mut self, socket: &mut tcp::Socket<'static>, out: &mut Vec<Emitted>) {
        socket.abort();
        self.seen = State::Closed;
        self.end = None;
        self.name = None;
        self.waits = false;
        self.fail_pending(ErrorName::Reset, out);
    }

    fn fail_pending(&mut self, name: ErrorName, out: &mut Vec<Emitted>) -> bool {
        let ids = [
            self.connect.take(),
            self.send.take().map(|send| send.id),
            self.receive.take().map(|receive| receive.id),
            self.close_call.take().map(|(id, _)| id),
        ];
        let before = out.len();
        out.extend(
            ids.into_iter()
                .flatten()
                .map(|id| Emitted::Result(id, Err(errno(name, "Closed")))),
        );
        out.len() > before
    }

    /// Sets an option.
    pub(super) fn set(
        &mut self,
        setting: Setting,
        value: SetValue,
        socket: &mut tcp::Socket<'static>,
    ) -> Result<Answer, Errno> {
        self.settings.change(setting, value, true)?;
        self.settings.apply(socket);
        Ok(Answer::Ok)
    }

    /// Takes up what waits as far as it can go; answers whether smoltcp was given something to do.
    pub(super) fn advance(&mut self, socket: &mut tcp::Socket<'static>, out: &mut Vec<Emitted>) -> bool {
        if self.established
            && let Some(id) = self.connect.take()
        {
            out.push(Emitted::Result(id, Ok(Answer::Ok)));
        }
        let mut busy = self.advance_send(socket, out);
        busy |= self.advance_receive(socket, out);
        if self.send.is_none()
            && self.seen != State::Closed
            && let Some((id, how)) = self.close_call.take()
        {
            self.hang_up(how, socket, out);
            out.push(Emitted::Result(id, Ok(Answer::Ok)));
            busy = true;
        }
        if self.is_forgotten() && self.established {
            busy |= discard(socket);
        }
        if self.seen == State::Closed {
            let name = self.end.unwrap_or(ErrorName::DoesNotExist);
            if self.fail_pending(name, out) {
                self.end = None;
            }
        }
        busy
    }

    fn advance_send(&mut self, socket: &mut tcp::Socket<'static>, out: &mut Vec<Emitted>) -> bool {
        let Some(send) = &mut self.send else { return false };
        match self.seen {
            // The octets are queued until the connection is established (RFC 9293 section 3.10.2).
            State::SynSent | State::SynReceived | State::Listen => return false,
            // The pending call is told with the others why.
            State::Closed => return false,
            State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => (),
        }
        let id = send.id;
        let result = match socket.send_slice(&send.data[send.taken..]) {
            Ok(taken) => {
                send.taken += taken;
                if send.taken < send.data.len() {
                    return taken > 0;
                }
                Ok(Answer::Count(send.data.len() as u64))
            }
            Err(error) => Err(errno(ErrorName::Closing, &error.to_string())),
        };
        self.send = None;
        out.push(Emitted::Result(id, result));
        true
    }

    fn advance_receive(&mut self, socket: &mut tcp::Socket<'static>, out: &mut Vec<Emitted>) -> bool {
        if matches!(self.seen, State::SynSent | State::SynReceived | State::Listen) {
            return false;
        }
        let Some(receive) = &mut self.receive else { return false };
        let before = receive.data.len();
        let progress = receive.take_from(socket);
        let busy = receive.data.len() > before;
        let empty = receive.data.is_empty();
        let over = match progress {
            Received::Enough | Received::Finished => true,
            Received::Waits => false,
            // Without octets and without an end of the stream it is an error like that of other calls.
            Received::Gone => self.finished || !empty,
        };
        if over && let Some(receive) = self.receive.take() {
            let answer = if empty {
                Answer::EndOfStream
            } else {
                Answer::Data(receive.data)
            };
            out.push(Emitted::Result(receive.id, Ok(answer)));
        }
        busy
    }
}

impl Receiving {
    fn take_from(&mut self, socket: &mut tcp::Socket<'static>) -> Received {
        // A ring holds at most two stretches; the third look finds out whether more can come.
        for _ in 0..3 {
            let wanted = self.amount.map_or(usize::MAX, |amount| amount - self.data.len());
            if wanted == 0 {
                return Received::Enough;
            }
            let data = &mut self.data;
            let taken = socket.recv(|octets| {
                let length = octets.len().min(wanted);
                data.extend_from_slice(&octets[..length]);
                (length, length)
            });
            match taken {
                Ok(0) => break,
                Ok(_) => (),
                Err(RecvError::Finished) => return Received::Finished,
                Err(RecvError::InvalidState) => return Received::Gone,
            }
        }
        match self.amount {
            None if !self.data.is_empty() => Received::Enough,
            Some(amount) if self.data.len() == amount => Received::Enough,
            None | Some(_) => Received::Waits,
        }
    }
}

/// Throws away what nobody will read, so that the window stays open for the FIN behind it. RFC 9293 section 3.6.1 would
/// rather see a RST here, but that is the stack's to send, and smoltcp has no call for giving up reading only.
fn discard(socket: &mut tcp::Socket<'static>) -> bool {
    let unread = socket.recv_queue() > 0;
    for _ in 0..2 {
        // A connection without a reading side has nothing to throw away.
        let _ = socket.recv(|octets| (octets.len(), ()));
    }
    unread
}

/// Why a connection ended, from the state in which it was; `None` where it ended as it should.
fn reason(from: State, cause: Cause) -> Option<ErrorName> {
    match (from, cause) {
        // RST on a connection that was being opened (RFC 9293 sections 3.10.7.3 and 3.10.7.4).
        (State::SynSent | State::SynReceived, Cause::Segment) => Some(ErrorName::Refused),
        (State::Established | State::FinWait1 | State::FinWait2 | State::CloseWait, Cause::Segment) => {
            Some(ErrorName::Reset)
        }
        (State::TimeWait, Cause::Timer) => None,
        (State::Closed | State::Listen, Cause::Segment | Cause::Timer) => None,
        // The ACK of the FIN; a RST is no news either once both ends have closed.
        (State::Closing | State::LastAck | State::TimeWait, Cause::Segment) => None,
        (
            State::SynSent
            | State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck,
            Cause::Timer,
        ) => Some(ErrorName::TimedOut),
    }
}
