//! Calls of the application, and how they end.

use super::{Expr, NotationError, TimeSpec};

/// A call's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Verb {
    Listen,
    Connect,
    Accept,
    Send,
    Recv,
    Shutdown,
    Close,
    Abort,
    Set,
}

/// What `set` sets, and what `listen` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// `backlog=N` of listen.
    Backlog,
    /// `fast-open=N` of listen: how many may wait; of connect: `true`.
    FastOpen,
    /// `nodelay=true`: Nagle's algorithm off (RFC 9293 section 3.7.4).
    NoDelay,
    /// `linger=0s`: what close does with unsent data.
    Linger,
    /// `keep-alive=true` (RFC 9293 section 3.8.4).
    KeepAlive,
    /// `keep-alive-idle=3s`
    KeepAliveIdle,
    /// `keep-alive-interval=1s`
    KeepAliveInterval,
    /// `keep-alive-count=3`
    KeepAliveCount,
    /// `user-timeout=3s` (RFC 9293 section 3.8.3).
    UserTimeout,
    /// `urgent-inline=true`
    UrgentInline,
    /// `send-buffer=8192`, octets.
    SendBuffer,
    /// `recv-buffer=8192`, octets.
    RecvBuffer,
    /// `mss=500`: the largest segment to be announced.
    Mss,
    /// `quick-ack=true`
    QuickAck,
}

/// A setting's value.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingValue {
    /// `true` or `false`.
    Flag(bool),
    /// A number.
    Number(u64),
    /// A time.
    Time(TimeSpec),
}

/// A call as written: `send 1000`, `send "abc" urgent`, `listen backlog=1`.
#[derive(Clone, Debug, PartialEq)]
pub struct CallSpec {
    /// Which call.
    pub verb: Verb,
    /// Octets to send (of the running pattern) or to receive.
    pub amount: Option<Expr>,
    /// A text to send.
    pub text: Option<Vec<u8>>,
    /// `send ... urgent`.
    pub urgent: bool,
    /// `name=value`, in the order written; no name twice.
    pub settings: Vec<(Setting, SettingValue)>,
}

/// An error's neutral name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorName {
    /// ECONNREFUSED
    Refused,
    /// ECONNRESET
    Reset,
    /// ETIMEDOUT
    TimedOut,
    /// EHOSTUNREACH, ENETUNREACH
    Unreachable,
    /// EPIPE
    Closing,
    /// ENOTCONN
    DoesNotExist,
    /// EADDRINUSE, EISCONN
    AlreadyExists,
    /// ENOBUFS
    NoResources,
    /// EINVAL
    Invalid,
    /// Any other, or a stack without names.
    Error,
}

/// How a call may end.
#[derive(Clone, Debug, PartialEq)]
pub enum ReturnSpec {
    /// Not yet.
    Pending,
    /// `ok`, whatever it brought.
    Ok,
    /// `ok N`: so many octets.
    OkCount(Expr),
    /// `ok "text"`: exactly these octets.
    OkText(Vec<u8>),
    /// End of stream.
    Eof,
    /// An error.
    Error(ErrorName),
}

impl CallSpec {
    /// Reads a call.
    pub fn parse(_text: &str) -> Result<CallSpec, NotationError> {
        todo!()
    }
}

impl ReturnSpec {
    /// Reads how a call ends.
    pub fn parse(_text: &str) -> Result<ReturnSpec, NotationError> {
        todo!()
    }
}

impl Verb {
    /// Reads a call's name.
    pub fn parse(_text: &str) -> Result<Verb, NotationError> {
        todo!()
    }
}
