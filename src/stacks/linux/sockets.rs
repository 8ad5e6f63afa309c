//! The target's application: its sockets, and the calls that wait on them. No call ever blocks.

use super::netlink::SocketDiag;
use super::sys;
use crate::drive::protocol::Reply;
use crate::stack::{Answer, Call, CallId, Errno as CallError, SetValue, SocketId};
use crate::stack::{ErrorName, Setting};
use core::net::{IpAddr, SocketAddr};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::socket::{
    self, AddressFamily, MsgFlags, Shutdown, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrLike,
    SockaddrStorage, sockopt,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::io::Write;
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// How a call ended.
type Ended = Result<Answer, CallError>;

/// All sockets of the application.
pub(super) struct Sockets {
    sockets: BTreeMap<SocketId, Socket>,
    /// Calls that have been taken up and not been answered.
    waiting: BTreeSet<CallId>,
    epoll: Epoll,
    diag: Option<SocketDiag>,
    /// Where threads that close a lingering socket report that it is closed; see [`close_lingering`].
    closed: (UnixStream, UnixStream),
    /// The buffer for receives; kept, because allocating it costs more than a receive.
    piece: Box<[u8]>,
    /// Replies that wait to be sent.
    pub(super) replies: Vec<Reply>,
}

/// A socket, and the calls that wait on it, in the order in which they were made.
struct Socket {
    file: File,
    watched: bool,
    connect: Option<CallId>,
    accepts: VecDeque<(CallId, SocketId)>,
    sends: VecDeque<Send>,
    receives: VecDeque<Receive>,
    /// Calls that wait for urgent data.
    urgents: VecDeque<CallId>,
    /// Calls that are carried out after the last send.
    endings: VecDeque<(CallId, Ending)>,
    /// Whether `close` waits for the peer (SO_LINGER).
    lingers: bool,
}

enum File {
    Listener(TcpListener),
    Stream(OwnedFd),
}

struct Send {
    id: CallId,
    data: Vec<u8>,
    taken: usize,
    urgent: bool,
}

struct Receive {
    id: CallId,
    amount: Option<u64>,
    data: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Ending {
    Shutdown,
    Close,
}

/// The name under which the epoll reports that a lingering socket has closed. Sockets have names of 32 bits.
const CLOSED: u64 = u64::MAX;
/// How much is read at once.
const PIECE: usize = 64 * 1024;
/// Most rounds of one `sync`: two sockets cannot keep each other busy for ever, but a limit costs nothing.
const ROUNDS: usize = 1000;

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            File::Listener(listener) => listener.as_fd(),
            File::Stream(stream) => stream.as_fd(),
        }
    }
}

impl Socket {
    fn new(file: File) -> Socket {
        Socket {
            file,
            watched: false,
            connect: None,
            accepts: VecDeque::new(),
            sends: VecDeque::new(),
            receives: VecDeque::new(),
            urgents: VecDeque::new(),
            endings: VecDeque::new(),
            lingers: false,
        }
    }

    fn raw(&self) -> i32 {
        self.file.as_fd().as_raw_fd()
    }

    fn waits_for(&self) -> EpollFlags {
        let mut flags = EpollFlags::empty();
        flags.set(
            EpollFlags::EPOLLIN,
            !self.accepts.is_empty() || !self.receives.is_empty(),
        );
        flags.set(EpollFlags::EPOLLPRI, !self.urgents.is_empty());
        flags.set(EpollFlags::EPOLLOUT, self.connect.is_some() || !self.sends.is_empty());
        flags
    }

    /// All calls that wait on the socket.
    fn waiting(&self) -> Vec<CallId> {
        let accepts = self.accepts.iter().map(|(id, _)| *id);
        let sends = self.sends.iter().map(|send| send.id);
        let receives = self.receives.iter().map(|receive| receive.id);
        let endings = self.endings.iter().map(|(id, _)| *id);
        let urgents = self.urgents.iter().copied();
        self.connect
            .into_iter()
            .chain(accepts)
            .chain(sends)
            .chain(receives)
            .chain(urgents)
            .chain(endings)
            .collect()
    }
}

impl Sockets {
    pub(super) fn new(diag: Option<SocketDiag>) -> io::Result<Sockets> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let closed = UnixStream::pair()?;
        closed.0.set_nonblocking(true)?;
        epoll.add(&closed.0, EpollEvent::new(EpollFlags::EPOLLIN, CLOSED))?;
        let (sockets, waiting) = (BTreeMap::new(), BTreeSet::new());
        Ok(Sockets {
            sockets,
            waiting,
            epoll,
            diag,
            closed,
            piece: vec![0; PIECE].into(),
            replies: Vec::new(),
        })
    }

    /// A descriptor that is readable when a waiting call may go on.
    pub(super) fn readiness(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }

    /// Takes up a call. Its answer is added to `replies`, or else that it is pending.
    pub(super) fn call(&mut self, id: CallId, call: Call) {
        self.waiting.insert(id);
        match call {
            Call::Listen {
                socket,
                local,
                backlog,
                fast_open,
            } => {
                let opened = listen(local, backlog, fast_open).map(File::Listener);
                self.open(id, socket, opened);
            }
            Call::Connect {
                socket,
                local,
                peer,
                isn,
                fast_open,
            } => self.connect(id, socket, (local, peer), isn, fast_open),
            Call::State { local, peer } => {
                let state = self.state(local, peer);
                self.tell(id, state);
            }
            Call::Set { socket, setting, value } => {
                let ended = self.find(socket).and_then(|found| set(found, setting, value));
                self.tell(id, ended.map(|()| Answer::Ok));
            }
            Call::Abort { socket } => self.abort(id, socket),
            Call::Accept { listener, socket } => self.queue(id, listener, |found| {
                found.accepts.push_back((id, socket));
            }),
            Call::Send { socket, data, urgent } => self.queue(id, socket, |found| {
                found.sends.push_back(Send {
                    id,
                    data,
                    taken: 0,
                    urgent,
                });
            }),
            Call::Recv { socket, amount } => self.queue(id, socket, |found| {
                found.receives.push_back(Receive {
                    id,
                    amount,
                    data: Vec::new(),
                });
            }),
            Call::Urgent { socket } => self.queue(id, socket, |found| found.urgents.push_back(id)),
            Call::Shutdown { socket } => self.queue(id, socket, |found| {
                found.endings.push_back((id, Ending::Shutdown));
            }),
            Call::Close { socket } => self.queue(id, socket, |found| {
                found.endings.push_back((id, Ending::Close));
            }),
        }
        if self.waiting.contains(&id) {
            self.replies.push(Reply::Pending(id));
        }
    }

    /// Closes sockets without a reply; their connections are reset, so that nothing of them is left.
    pub(super) fn forget(&mut self, names: &[SocketId]) {
        for name in names {
            if let Some(socket) = self.sockets.remove(name) {
                for id in socket.waiting() {
                    self.waiting.remove(&id);
                }
                reset_on_close(&socket);
            }
        }
    }

    /// Takes all waiting calls as far as they go now.
    pub(super) fn advance_all(&mut self) -> nix::Result<()> {
        let mut events = [EpollEvent::empty(); 64];
        for _ in 0..ROUNDS {
            let count = match self.epoll.wait(&mut events, EpollTimeout::ZERO) {
                Err(Errno::EINTR) => continue,
                result => result?,
            };
            if count == 0 {
                break;
            }
            for event in &events[..count] {
                match u32::try_from(event.data()) {
                    Ok(name) => self.advance(SocketId(name), event.events()),
                    Err(_) => self.lingered(),
                }
            }
        }
        Ok(())
    }

    fn find(&mut self, socket: SocketId) -> Result<&mut Socket, CallError> {
        self.sockets
            .get_mut(&socket)
            .ok_or_else(|| failure(ErrorName::DoesNotExist, "no such socket"))
    }

    fn tell(&mut self, id: CallId, ended: Ended) {
        if self.waiting.remove(&id) {
            self.replies.push(Reply::Result(id, ended));
        }
    }

    fn queue(&mut self, id: CallId, socket: SocketId, put: impl FnOnce(&mut Socket)) {
        match self.find(socket) {
            Ok(found) => {
                put(found);
                self.advance(socket, EpollFlags::empty());
            }
            Err(error) => self.tell(id, Err(error)),
        }
    }

    fn open(&mut self, id: CallId, name: SocketId, opened: Result<File, CallError>) {
        let ended = opened.map(|file| {
            self.sockets.insert(name, Socket::new(file));
            Answer::Ok
        });
        self.tell(id, ended);
    }

    fn connect(
        &mut self,
        id: CallId,
        name: SocketId,
        (local, peer): (IpAddr, SocketAddr),
        isn: Option<u32>,
        fast_open: bool,
    ) {
        if let Some(open) = self.sockets.get(&name) {
            // On a socket that exists already. After a connect that did not wait, the first further connect gets the
            // result of that one; only the next gets its own.
            let peer = SockaddrStorage::from(peer);
            let again = socket::connect(open.raw(), &peer).and_then(|()| socket::connect(open.raw(), &peer));
            return self.tell(id, again.map(|()| Answer::Ok).map_err(error));
        }
        let stream = match active_socket(local, isn, fast_open) {
            Ok(stream) => stream,
            Err(error) => return self.tell(id, Err(error)),
        };
        let begun = socket::connect(stream.as_raw_fd(), &SockaddrStorage::from(peer));
        // The socket exists even where the connect failed at once, and can be closed.
        let mut socket = Socket::new(File::Stream(stream));
        socket.connect = (begun == Err(Errno::EINPROGRESS)).then_some(id);
        self.sockets.insert(name, socket);
        match begun {
            Err(Errno::EINPROGRESS) => self.watch(name),
            begun => self.tell(id, begun.map(|()| Answer::Ok).map_err(error)),
        }
    }

    fn state(&mut self, local: SocketAddr, peer: SocketAddr) -> Ended {
        let Some(diag) = &mut self.diag else {
            return Err(unsupported("this kernel does not tell the states of connections"));
        };
        let state = diag.state(local, peer);
        state
            .map(Answer::State)
            // Whatever keeps us from asking is about our own socket for it.
            .map_err(|error| failure(ErrorName::NoResources, &error.to_string()))
    }

    fn abort(&mut self, id: CallId, name: SocketId) {
        let Some(socket) = self.sockets.remove(&name) else {
            return self.tell(id, Err(failure(ErrorName::DoesNotExist, "no such socket")));
        };
        reset_on_close(&socket);
        for waiting in socket.waiting() {
            // RFC 9293 section 3.10.5: all queued SENDs and RECEIVEs are told "connection reset".
            self.tell(waiting, Err(failure(ErrorName::Reset, "aborted")));
        }
        drop(socket);
        self.tell(id, Ok(Answer::Ok));
    }

    /// Takes the calls that wait on a socket as far as they go; `events` are those that the epoll reported.
    fn advance(&mut self, name: SocketId, events: EpollFlags) {
        let Some(socket) = self.sockets.get_mut(&name) else {
            return;
        };
        let mut ended: Vec<(CallId, Ended)> = Vec::new();
        if let Some(id) = socket.connect
            && let Some(result) = connected(socket, events)
        {
            socket.connect = None;
            ended.push((id, result));
        }
        while let Some(send) = socket.sends.front_mut() {
            let Some(result) = send_more(socket.file.as_fd().as_raw_fd(), send) else {
                break;
            };
            ended.push((send.id, result));
            socket.sends.pop_front();
        }
        while let Some(receive) = socket.receives.front_mut() {
            let Some(result) = receive_more(socket.file.as_fd().as_raw_fd(), receive, &mut self.piece) else {
                break;
            };
            ended.push((receive.id, result));
            socket.receives.pop_front();
        }
        if !socket.urgents.is_empty() && has_urgent(socket.file.as_fd()) {
            ended.extend(socket.urgents.drain(..).map(|id| (id, Ok(Answer::Ok))));
        }
        for (id, result) in ended {
            self.tell(id, result);
        }
        self.accept(name);
        self.end(name);
        self.watch(name);
    }

    fn accept(&mut self, name: SocketId) {
        while let Some(socket) = self.sockets.get_mut(&name)
            && let Some((id, new)) = socket.accepts.front().copied()
        {
            let accepted = match &socket.file {
                File::Listener(listener) => listener.accept(),
                File::Stream(_) => Err(io::Error::from(Errno::EINVAL)),
            };
            let accepted = accepted.and_then(|(stream, peer)| stream.set_nonblocking(true).map(|()| (stream, peer)));
            match accepted {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    socket.accepts.pop_front();
                    self.tell(id, Err(io_error(&error)));
                }
                Ok((stream, peer)) => {
                    socket.accepts.pop_front();
                    self.sockets.insert(new, Socket::new(File::Stream(stream.into())));
                    self.waiting.remove(&id);
                    let peer = SocketAddr::new(peer.ip(), peer.port());
                    self.replies.push(Reply::Accepted {
                        listener: name,
                        socket: new,
                        peer,
                    });
                }
            }
        }
    }

    /// Shuts down and closes, once all has been sent.
    fn end(&mut self, name: SocketId) {
        while let Some(socket) = self.sockets.get_mut(&name)
            && socket.sends.is_empty()
            && let Some((id, ending)) = socket.endings.pop_front()
        {
            match ending {
                Ending::Shutdown => {
                    let result = socket::shutdown(socket.raw(), Shutdown::Write);
                    self.tell(id, result.map(|()| Answer::Ok).map_err(error));
                }
                Ending::Close => self.close(id, name),
            }
        }
    }

    fn close(&mut self, id: CallId, name: SocketId) {
        let Some(socket) = self.sockets.remove(&name) else {
            return;
        };
        for waiting in socket.waiting() {
            self.tell(waiting, Err(failure(ErrorName::Closing, "closed meanwhile")));
        }
        match (socket.lingers, self.closed.1.try_clone()) {
            (true, Ok(done)) => {
                if let Err(refused) = close_lingering(socket, id, done) {
                    self.tell(id, Err(failure(ErrorName::NoResources, &refused.to_string())));
                }
            }
            (true, Err(refused)) => self.tell(id, Err(failure(ErrorName::NoResources, &refused.to_string()))),
            (false, _) => {
                drop(socket);
                self.tell(id, Ok(Answer::Ok));
            }
        }
    }

    /// Reads which lingering sockets have closed.
    fn lingered(&mut self) {
        let mut buffer = [0; 8];
        while let Ok(8) = io::Read::read(&mut &self.closed.0, &mut buffer) {
            self.tell(CallId(u64::from_ne_bytes(buffer)), Ok(Answer::Ok));
        }
    }

    /// Has the epoll report once when a call that waits on a socket may go on.
    fn watch(&mut self, name: SocketId) {
        let Some(socket) = self.sockets.get_mut(&name) else {
            return;
        };
        let flags = socket.waits_for();
        if flags.is_empty() {
            return;
        }
        let mut event = EpollEvent::new(flags | EpollFlags::EPOLLONESHOT, u64::from(name.0));
        let result = match socket.watched {
            true => self.epoll.modify(&socket.file, &mut event),
            false => self.epoll.add(&socket.file, event),
        };
        socket.watched = true;
        if let Err(refused) = result {
            for id in socket.waiting() {
                self.tell(id, Err(error(refused)));
            }
        }
    }
}

/// How a connection attempt ended, if it has.
fn connected(socket: &Socket, events: EpollFlags) -> Option<Ended> {
    if !events.intersects(EpollFlags::EPOLLOUT | EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP) {
        return None;
    }
    match socket::getsockopt(&socket.file, sockopt::SocketError) {
        Ok(0) if socket::getpeername::<SockaddrStorage>(socket.raw()).is_ok() => Some(Ok(Answer::Ok)),
        // No peer and no error: we have given the connection up by shutdown.
        Ok(0) => Some(Err(failure(ErrorName::Closing, "ENOTCONN"))),
        Ok(number) => Some(Err(error(Errno::from_raw(number)))),
        Err(refused) => Some(Err(error(refused))),
    }
}

/// Sends what is left; `None`: some is still left.
fn send_more(socket: i32, send: &mut Send) -> Option<Ended> {
    let mut flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    flags.set(MsgFlags::MSG_OOB, send.urgent);
    loop {
        match socket::send(socket, &send.data[send.taken..], flags) {
            Ok(count) => send.taken += count,
            Err(Errno::EINTR) => continue,
            // For a fast open EINPROGRESS means that the SYN has been sent, and that the rest waits for its answer.
            Err(Errno::EAGAIN | Errno::EINPROGRESS) => return None,
            Err(refused) => return Some(Err(error(refused))),
        }
        if send.taken == send.data.len() {
            return Some(Ok(Answer::Count(send.taken as u64)));
        }
    }
}

/// Whether urgent data has come and has not been read: what poll(2) calls priority data.
fn has_urgent(socket: BorrowedFd<'_>) -> bool {
    let mut asked = [PollFd::new(socket, PollFlags::POLLPRI)];
    let told = poll(&mut asked, PollTimeout::ZERO).is_ok();
    told && asked[0]
        .revents()
        .is_some_and(|events| events.contains(PollFlags::POLLPRI))
}

/// Receives what is missing; `None`: some is still missing.
fn receive_more(socket: i32, receive: &mut Receive, piece: &mut [u8]) -> Option<Ended> {
    loop {
        let had = receive.data.len();
        let missing = receive
            .amount
            .map_or(PIECE, |amount| usize::try_from(amount).unwrap_or(usize::MAX) - had);
        if missing == 0 {
            return Some(Ok(taken(receive)));
        }
        let room = &mut piece[..missing.min(PIECE)];
        let asked = room.len();
        match socket::recv(socket, room, MsgFlags::MSG_DONTWAIT) {
            Ok(0) if receive.data.is_empty() => return Some(Ok(Answer::EndOfStream)),
            Ok(0) => return Some(Ok(taken(receive))),
            Ok(count) => {
                receive.data.extend_from_slice(&room[..count]);
                // Less than asked for: there is no more. Another receive could return an error that belongs to the next
                // call.
                if receive.amount.is_none() && count < asked {
                    return Some(Ok(taken(receive)));
                }
            }
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) if receive.amount.is_none() && had > 0 => return Some(Ok(taken(receive))),
            Err(Errno::EAGAIN) => return None,
            Err(refused) => return Some(Err(error(refused))),
        }
    }
}

fn taken(receive: &mut Receive) -> Answer {
    match std::mem::take(&mut receive.data) {
        data if data.is_empty() => Answer::Ok,
        data => Answer::Data(data),
    }
}

fn new_socket(address: IpAddr) -> Result<OwnedFd, CallError> {
    let family = if address.is_ipv6() {
        AddressFamily::Inet6
    } else {
        AddressFamily::Inet
    };
    let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
    socket::socket(family, SockType::Stream, flags, None).map_err(error)
}

fn bind(socket: &OwnedFd, local: SocketAddr) -> Result<(), CallError> {
    match local {
        SocketAddr::V4(local) => bind_to(socket, &SockaddrIn::from(local)),
        SocketAddr::V6(local) => bind_to(socket, &SockaddrIn6::from(local)),
    }
}

fn bind_to(socket: &OwnedFd, local: &dyn SockaddrLike) -> Result<(), CallError> {
    socket::bind(socket.as_raw_fd(), local).map_err(error)
}

fn listen(local: SocketAddr, backlog: u32, fast_open: Option<u32>) -> Result<TcpListener, CallError> {
    let socket = new_socket(local.ip())?;
    // Earlier connections in TIME-WAIT must not block the port.
    socket::setsockopt(&socket, sockopt::ReuseAddr, &true).map_err(error)?;
    bind(&socket, local)?;
    if let Some(queue) = fast_open {
        let queue = i32::try_from(queue).unwrap_or(i32::MAX);
        sys::set_option(&socket, libc::IPPROTO_TCP, libc::TCP_FASTOPEN, queue).map_err(error)?;
    }
    let backlog = socket::Backlog::new(i32::try_from(backlog).unwrap_or(i32::MAX)).map_err(error)?;
    socket::listen(&socket, backlog).map_err(error)?;
    Ok(TcpListener::from(socket))
}

/// A socket that is ready to connect from `local`, with the given initial sequence number and fast open.
fn active_socket(local: IpAddr, isn: Option<u32>, fast_open: bool) -> Result<OwnedFd, CallError> {
    let socket = new_socket(local)?;
    // The port is chosen only by connect, and then for each four-tuple: else 28,000 runs would use up all ports.
    sys::set_option(&socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1).map_err(error)?;
    bind(&socket, SocketAddr::new(local, 0))?;
    if fast_open {
        sys::set_option(&socket, libc::IPPROTO_TCP, libc::TCP_FASTOPEN_CONNECT, 1).map_err(error)?;
    }
    if let Some(isn) = isn {
        let tcp = libc::IPPROTO_TCP;
        // 2 selects the send queue, whose number is the next to be sent. -1 ends the repair mode without a window
        // probe.
        let steps = [
            (libc::TCP_REPAIR, 1),
            (libc::TCP_REPAIR_QUEUE, 2),
            (libc::TCP_QUEUE_SEQ, isn.cast_signed()),
            (libc::TCP_REPAIR, -1),
        ];
        for (name, value) in steps {
            sys::set_option(&socket, tcp, name, value).map_err(|_| unsupported("isn cannot be set (TCP_REPAIR)"))?;
        }
    }
    Ok(socket)
}

fn set(socket: &mut Socket, setting: Setting, value: SetValue) -> Result<(), CallError> {
    let number = |divisor: u128| -> i32 {
        let number = match value {
            SetValue::Flag(flag) => u128::from(flag),
            SetValue::Number(number) => u128::from(number),
            SetValue::Time(time) => time.as_nanos().div_ceil(divisor),
        };
        i32::try_from(number).unwrap_or(i32::MAX)
    };
    const SECOND: u128 = 1_000_000_000;
    const MILLISECOND: u128 = 1_000_000;
    let (level, name, value) = match setting {
        Setting::NoDelay => (libc::IPPROTO_TCP, libc::TCP_NODELAY, number(SECOND)),
        Setting::KeepAlive => (libc::SOL_SOCKET, libc::SO_KEEPALIVE, number(SECOND)),
        Setting::KeepAliveIdle => (libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, number(SECOND)),
        Setting::KeepAliveInterval => (libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, number(SECOND)),
        Setting::KeepAliveCount => (libc::IPPROTO_TCP, libc::TCP_KEEPCNT, number(SECOND)),
        Setting::UserTimeout => (libc::IPPROTO_TCP, libc::TCP_USER_TIMEOUT, number(MILLISECOND)),
        Setting::UrgentInline => (libc::SOL_SOCKET, libc::SO_OOBINLINE, number(SECOND)),
        Setting::SendBuffer => (libc::SOL_SOCKET, libc::SO_SNDBUF, number(SECOND)),
        Setting::RecvBuffer => (libc::SOL_SOCKET, libc::SO_RCVBUF, number(SECOND)),
        Setting::Mss => (libc::IPPROTO_TCP, libc::TCP_MAXSEG, number(SECOND)),
        Setting::QuickAck => (libc::IPPROTO_TCP, libc::TCP_QUICKACK, number(SECOND)),
        Setting::Dscp => return set_ip(socket, (libc::IP_TOS, libc::IPV6_TCLASS), number(SECOND) << 2),
        Setting::Ttl => return set_ip(socket, (libc::IP_TTL, libc::IPV6_UNICAST_HOPS), number(SECOND)),
        Setting::Linger => {
            let off = value == SetValue::Flag(false);
            let seconds = number(SECOND);
            let linger = libc::linger {
                l_onoff: i32::from(!off),
                l_linger: seconds,
            };
            socket.lingers = !off && seconds > 0;
            return socket::setsockopt(&socket.file, sockopt::Linger, &linger).map_err(error);
        }
        Setting::Backlog | Setting::FastOpen => return Err(unsupported("belongs to listen and connect")),
    };
    sys::set_option(&socket.file, level, name, value).map_err(error)
}

/// Sets a field of the IP header. The option has another name in each IP version.
fn set_ip(socket: &Socket, (four, six): (i32, i32), value: i32) -> Result<(), CallError> {
    let address = socket::getsockname::<SockaddrStorage>(socket.raw()).map_err(error)?;
    let (level, name) = match address.family() {
        Some(AddressFamily::Inet6) => (libc::IPPROTO_IPV6, six),
        _ => (libc::IPPROTO_IP, four),
    };
    sys::set_option(&socket.file, level, name, value).map_err(error)
}

/// Makes the close of a connection an ABORT (RFC 9293 section 3.10.5).
fn reset_on_close(socket: &Socket) {
    if let File::Stream(stream) = &socket.file {
        let linger = libc::linger {
            l_onoff: 1,
            l_linger: 0,
        };
        // It cannot fail for a TCP socket; if it did, the connection would be closed in order.
        let _ = socket::setsockopt(stream, sockopt::Linger, &linger);
    }
}

/// Closes a socket whose close waits for the peer even if it does not block. So this is done on a thread of its own,
/// which reports when the close returns.
fn close_lingering(socket: Socket, id: CallId, mut done: UnixStream) -> io::Result<()> {
    let closing = std::thread::Builder::new().spawn(move || {
        drop(socket);
        // The other end is in this process; if it is closed, nothing waits for the report.
        let _ = done.write_all(&id.0.to_ne_bytes());
    });
    closing.map(drop)
}

fn failure(name: ErrorName, detail: &str) -> CallError {
    CallError {
        name,
        detail: detail.to_owned(),
        unsupported: false,
    }
}

fn unsupported(detail: &str) -> CallError {
    CallError {
        name: ErrorName::Error,
        detail: detail.to_owned(),
        unsupported: true,
    }
}

fn io_error(refused: &io::Error) -> CallError {
    match refused.raw_os_error() {
        Some(number) => error(Errno::from_raw(number)),
        None => failure(ErrorName::Error, &refused.to_string()),
    }
}

/// A kernel's error by its neutral name.
fn error(errno: Errno) -> CallError {
    let name = match errno {
        Errno::ECONNREFUSED => ErrorName::Refused,
        Errno::ECONNRESET => ErrorName::Reset,
        Errno::ETIMEDOUT => ErrorName::TimedOut,
        // EACCES is what ICMP's "administratively prohibited" becomes.
        Errno::EHOSTUNREACH | Errno::ENETUNREACH | Errno::EHOSTDOWN | Errno::ENETDOWN | Errno::EACCES => {
            ErrorName::Unreachable
        }
        Errno::EPIPE => ErrorName::Closing,
        Errno::ENOTCONN => ErrorName::DoesNotExist,
        Errno::EADDRINUSE | Errno::EISCONN | Errno::EALREADY | Errno::EADDRNOTAVAIL => ErrorName::AlreadyExists,
        Errno::ENOBUFS | Errno::ENOMEM | Errno::EMFILE | Errno::ENFILE | Errno::ENOSPC => ErrorName::NoResources,
        Errno::EINVAL => ErrorName::Invalid,
        _ => ErrorName::Error,
    };
    let unsupported = matches!(errno, Errno::ENOPROTOOPT | Errno::EOPNOTSUPP | Errno::EAFNOSUPPORT);
    CallError {
        name,
        detail: format!("{errno:?}"),
        unsupported,
    }
}
