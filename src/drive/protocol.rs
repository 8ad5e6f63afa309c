//! The lines that a tester and an agent exchange: calls, frames and the time in one direction; results, frames and
//! events in the other. This file only converts between text and values, and reads back what it prints to the same
//! value.
//!
//! The error for a line that cannot be read quotes it, since it helps the agent's author, who may still be writing it.

use crate::notation::{Origins, print_octets};
use crate::rfc::State;
use crate::stack::{Abilities, Answer, Call, CallId, Errno, Profile, SetValue, SocketId};
use crate::stack::{ErrorName, Setting};
use crate::time::Instant;
use core::fmt::{self, Write};
use core::net::{IpAddr, SocketAddr};
use core::str::FromStr;
use core::time::Duration;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};

/// The version of the protocol.
pub const VERSION: u32 = 1;

/// Whose clock is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The tester's: each line is a turn, ended by one `idle`.
    Lockstep,
    /// Real time: lines are sent at any time in both directions.
    RealTime,
}

/// What the tester sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `tcpvet 1 realtime`: the first line.
    Hello(Mode),
    /// `new 192.0.2.1 seed=7 isn=4294967290 sack=off`: forget everything and begin a run.
    New {
        /// The target's address.
        target: IpAddr,
        /// The seed of every random choice.
        seed: u64,
        /// The value for the first ISN that the stack chooses by itself; only sent to agents that have the ability
        /// `isn`.
        isn: Option<u32>,
        /// Settings of the host, by the names in its `runner.yaml`. Neither names nor values contain blanks.
        settings: Profile,
    },
    /// `call 3 accept s1 s2`
    Call(CallId, Call),
    /// `frame 4500...`: an IP packet arrives.
    Frame(Vec<u8>),
    /// `forget s1 s2`: these sockets are not used any more; close them without sending anything.
    Forget(Vec<SocketId>),
    /// `sync 9`: answer `synced 9` when every pending call has been taken as far as it can go.
    Sync(u64),
    /// Nothing but the time; only in lockstep.
    Tick,
}

/// A line of the tester, in lockstep with the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// `at 1500`, in microseconds since the start of the run.
    pub at: Option<Instant>,
    /// What is asked.
    pub request: Request,
}

/// What an agent sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// `agent lwip-2.1.3 can ipv4 ipv6 ...`: its first line.
    Agent {
        /// Its name and version, one word.
        name: String,
        /// What it can do.
        abilities: Abilities,
    },
    /// `result 3 ok`
    Result(CallId, Result<Answer, Errno>),
    /// `pending 3`: the call has been taken up, but cannot end yet.
    Pending(CallId),
    /// `event accepted s1 s2 198.18.0.1:40000`
    Accepted {
        /// The listener at which the connection arrived.
        listener: SocketId,
        /// Its socket.
        socket: SocketId,
        /// The tester's end.
        peer: SocketAddr,
    },
    /// `frame 4500...`: the stack sends an IP packet.
    Frame(Vec<u8>),
    /// `idle 3001000`, or `idle -` without a timer: the turn has ended.
    Idle(Option<Instant>),
    /// `synced 9`
    Synced(u64),
    /// `unsupported why`: it cannot do what the line asked, such as `new` for the second time.
    Unsupported(String),
    /// `unknown the line`: it does not know that line, and has passed over it.
    Unknown(String),
    /// `failed why`: it cannot work at all.
    Failed(String),
    /// `note text`: something for a person to read.
    Note(String),
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtocolError {
    /// The line, cut if it is long.
    pub line: String,
    /// What is wrong with it: "`12x` is no number".
    pub message: String,
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in the line `{}`", self.message, self.line)
    }
}

impl std::error::Error for ProtocolError {}

/// The length in characters to which a quoted line is cut.
const QUOTED: usize = 120;

fn quote(line: &str) -> String {
    let mut quoted: String = line.chars().take(QUOTED).flat_map(char::escape_debug).collect();
    if line.chars().nth(QUOTED).is_some() {
        quoted.push_str("...");
    }
    quoted
}

// --- printing ---

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.at, &self.request) {
            (Some(at), Request::Tick) => write!(f, "at {}", at.as_micros()),
            (Some(at), request) => write!(f, "at {} {request}", at.as_micros()),
            (None, request) => write!(f, "{request}"),
        }
    }
}

impl Request {
    /// What it gives to a stack, for a person: a frame in the notation of cases, anything else as its line.
    pub fn told(&self) -> String {
        /// Most letters of a line.
        const MOST: usize = 100;
        match self {
            Request::Frame(octets) => format!("the frame `{}`", print_octets(octets, Origins::default())),
            Request::Tick => "the time for which it asked".to_owned(),
            other => {
                let line = other.to_string();
                let cut: String = line.chars().take(MOST).collect();
                let more = if cut.len() < line.len() { "..." } else { "" };
                format!("the line `{cut}{more}`")
            }
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Hello(Mode::Lockstep) => write!(f, "tcpvet {VERSION} lockstep"),
            Request::Hello(Mode::RealTime) => write!(f, "tcpvet {VERSION} realtime"),
            Request::New {
                target,
                seed,
                isn,
                settings,
            } => {
                write!(f, "new {target} seed={seed}")?;
                isn.map_or(Ok(()), |isn| write!(f, " isn={isn}"))?;
                settings
                    .iter()
                    .try_for_each(|(name, value)| write!(f, " {name}={value}"))
            }
            Request::Call(id, call) => write!(f, "call {} {}", id.0, CallText(call)),
            Request::Frame(octets) => write!(f, "frame {}", Hex(octets)),
            Request::Forget(sockets) => {
                f.write_str("forget")?;
                sockets.iter().try_for_each(|socket| write!(f, " {}", Name(*socket)))
            }
            Request::Sync(number) => write!(f, "sync {number}"),
            Request::Tick => f.write_str("tick"),
        }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reply::Agent { name, abilities } => {
                write!(f, "agent {name} can")?;
                abilities.iter().try_for_each(|ability| write!(f, " {ability}"))
            }
            Reply::Result(id, Ok(answer)) => write!(f, "result {} {}", id.0, AnswerText(answer)),
            Reply::Result(id, Err(errno)) => write!(f, "result {} {}", id.0, ErrnoText(errno)),
            Reply::Pending(id) => write!(f, "pending {}", id.0),
            Reply::Accepted { listener, socket, peer } => {
                write!(f, "event accepted {} {} {peer}", Name(*listener), Name(*socket))
            }
            Reply::Frame(octets) => write!(f, "frame {}", Hex(octets)),
            // The deadline is rounded up: a stack that is woken before its timer is due would ask to be woken again at
            // once.
            Reply::Idle(Some(timer)) => write!(f, "idle {}", timer.in_whole_micros().as_micros()),
            Reply::Idle(None) => f.write_str("idle -"),
            Reply::Synced(number) => write!(f, "synced {number}"),
            Reply::Unsupported(why) => words_of(f, "unsupported", why),
            Reply::Unknown(line) => words_of(f, "unknown", line),
            Reply::Failed(why) => words_of(f, "failed", why),
            Reply::Note(text) => words_of(f, "note", text),
        }
    }
}

/// A word, and after it a text unless that is empty.
fn words_of(f: &mut fmt::Formatter<'_>, word: &str, text: &str) -> fmt::Result {
    f.write_str(word)?;
    match text.trim() {
        "" => Ok(()),
        text => write!(f, " {}", OneLine(text)),
    }
}

struct Name(SocketId);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0.0)
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.is_empty() {
            true => f.write_str("-"),
            // A formatter's machinery for each octet would cost more than a frame's way through the kernel.
            false => HEXLOWER.encode_write(self.0, f),
        }
    }
}

/// A text from any source, with control characters replaced by blanks so that it stays on one line.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = self.0.trim().chars();
        letters.try_for_each(|letter| f.write_char(if letter.is_control() { ' ' } else { letter }))
    }
}

struct CallText<'a>(&'a Call);

impl fmt::Display for CallText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Call::Listen {
                socket,
                local,
                backlog,
                fast_open,
            } => {
                write!(f, "listen {} {local} backlog={backlog}", Name(*socket))?;
                fast_open.map_or(Ok(()), |queue| write!(f, " fast-open={queue}"))
            }
            Call::Connect {
                socket,
                local,
                peer,
                isn,
                fast_open,
            } => {
                write!(f, "connect {} {local} {peer}", Name(*socket))?;
                isn.map_or(Ok(()), |isn| write!(f, " isn={isn}"))?;
                f.write_str(if *fast_open { " fast-open" } else { "" })
            }
            Call::Accept { listener, socket } => write!(f, "accept {} {}", Name(*listener), Name(*socket)),
            Call::Send { socket, data, urgent } => {
                let urgent = if *urgent { " urgent" } else { "" };
                write!(f, "send {} {}{urgent}", Name(*socket), Hex(data))
            }
            Call::Recv { socket, amount } => {
                write!(f, "recv {}", Name(*socket))?;
                amount.map_or(Ok(()), |amount| write!(f, " {amount}"))
            }
            Call::Urgent { socket } => write!(f, "urgent {}", Name(*socket)),
            Call::Shutdown { socket } => write!(f, "shutdown {}", Name(*socket)),
            Call::Close { socket } => write!(f, "close {}", Name(*socket)),
            Call::Abort { socket } => write!(f, "abort {}", Name(*socket)),
            Call::Set { socket, setting, value } => {
                write!(f, "set {} {setting}={}", Name(*socket), ValueText(*value))
            }
            Call::State { local, peer } => write!(f, "state {local} {peer}"),
        }
    }
}

struct ValueText(SetValue);

impl fmt::Display for ValueText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            SetValue::Flag(flag) => write!(f, "{flag}"),
            SetValue::Number(number) => write!(f, "{number}"),
            // The largest unit in which the time is a whole number, so that a person reads `3s`.
            SetValue::Time(time) if time.subsec_nanos() == 0 => write!(f, "{}s", time.as_secs()),
            SetValue::Time(time) if time.subsec_nanos() % 1_000_000 == 0 => write!(f, "{}ms", time.as_millis()),
            SetValue::Time(time) if time.subsec_nanos() % 1_000 == 0 => write!(f, "{}us", time.as_micros()),
            SetValue::Time(time) => write!(f, "{}ns", time.as_nanos()),
        }
    }
}

struct AnswerText<'a>(&'a Answer);

impl fmt::Display for AnswerText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Answer::Ok => f.write_str("ok"),
            Answer::Count(count) => write!(f, "count {count}"),
            Answer::Data(octets) => write!(f, "data {}", Hex(octets)),
            Answer::EndOfStream => f.write_str("eof"),
            Answer::State(state) => write!(f, "state {state}"),
        }
    }
}

struct ErrnoText<'a>(&'a Errno);

impl fmt::Display for ErrnoText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.unsupported {
            true => f.write_str("unsupported")?,
            false => write!(f, "error {}", self.0.name)?,
        }
        match self.0.detail.trim() {
            "" => Ok(()),
            detail => write!(f, " {}", OneLine(detail)),
        }
    }
}

// --- reading ---

/// The words of a line, taken one by one. An error here is only the message; the caller adds the line.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn peek(&mut self) -> Option<&'a str> {
        self.rest = self.rest.trim_start_matches(' ');
        self.rest.split(' ').next().filter(|word| !word.is_empty())
    }

    fn next(&mut self, what: &str) -> Result<&'a str, String> {
        let word = self.peek().ok_or_else(|| format!("missing {what} at the end"))?;
        self.rest = &self.rest[word.len()..];
        Ok(word)
    }

    fn optional(&mut self) -> Option<&'a str> {
        self.next("").ok()
    }

    /// All the rest, as one text.
    fn text(&mut self) -> &'a str {
        core::mem::take(&mut self.rest).trim()
    }

    fn number<T: FromStr>(&mut self, what: &str) -> Result<T, String> {
        let word = self.next(what)?;
        word.parse().map_err(|_| format!("`{}` is no {what}", cut(word)))
    }

    fn socket(&mut self) -> Result<SocketId, String> {
        let word = self.next("socket")?;
        let number = word.strip_prefix('s').and_then(|digits| digits.parse().ok());
        number
            .map(SocketId)
            .ok_or_else(|| format!("`{}` is no socket (s1, s2, ...)", cut(word)))
    }

    fn octets(&mut self, what: &str) -> Result<Vec<u8>, String> {
        let word = self.next(what)?;
        if word == "-" {
            return Ok(Vec::new());
        }
        let octets = HEXLOWER_PERMISSIVE.decode(word.as_bytes());
        octets.map_err(|_| format!("`{}` is no {what} in hexadecimal", cut(word)))
    }

    /// `key=value`, if that is the next word's key.
    fn keyed<T: FromStr>(&mut self, key: &str) -> Result<Option<T>, String> {
        let found = self.peek().and_then(|word| word.strip_prefix(key)?.strip_prefix('='));
        let Some(value) = found else { return Ok(None) };
        self.rest = &self.rest[key.len() + 1 + value.len()..];
        value
            .parse()
            .map(Some)
            .map_err(|_| format!("`{}` is no value for {key}", cut(value)))
    }

    /// Whether this word comes next.
    fn flag(&mut self, word: &str) -> bool {
        let there = self.peek() == Some(word);
        if there {
            self.rest = &self.rest[word.len()..];
        }
        there
    }

    fn end(&mut self) -> Result<(), String> {
        match self.peek() {
            Some(word) => Err(format!("`{}` is too much", cut(word))),
            None => Ok(()),
        }
    }
}

fn cut(word: &str) -> String {
    quote(&word.chars().take(24).collect::<String>())
}

fn whole<T>(line: &str, read: impl FnOnce(&mut Words<'_>) -> Result<T, String>) -> Result<T, ProtocolError> {
    let mut words = Words {
        rest: line.trim_end_matches(['\r', '\n']),
    };
    let result = read(&mut words).and_then(|value| words.end().map(|()| value));
    result.map_err(|message| ProtocolError {
        line: quote(line),
        message,
    })
}

impl Turn {
    /// Reads a line of the tester's.
    pub fn parse(line: &str) -> Result<Turn, ProtocolError> {
        whole(line, |words| {
            let at = match words.peek() {
                Some("at") => {
                    words.next("at")?;
                    Some(Instant::from_micros(words.number("time in microseconds")?))
                }
                _ => None,
            };
            if at.is_some() && words.peek().is_none() {
                return Ok(Turn {
                    at,
                    request: Request::Tick,
                });
            }
            request(words).map(|request| Turn { at, request })
        })
    }
}

impl Reply {
    /// Reads a line of an agent's.
    pub fn parse(line: &str) -> Result<Reply, ProtocolError> {
        whole(line, reply)
    }
}

fn request(words: &mut Words<'_>) -> Result<Request, String> {
    Ok(match words.next("request")? {
        "tcpvet" => match (words.number::<u32>("version")?, words.next("mode")?) {
            (VERSION, "lockstep") => Request::Hello(Mode::Lockstep),
            (VERSION, "realtime") => Request::Hello(Mode::RealTime),
            (VERSION, mode) => return Err(format!("`{}` is no mode (lockstep, realtime)", cut(mode))),
            (version, _) => return Err(format!("version {version} is not spoken here, {VERSION} is")),
        },
        "new" => Request::New {
            target: words.number("address")?,
            seed: words.keyed("seed")?.ok_or("missing seed=N")?,
            isn: words.keyed("isn")?,
            settings: settings(words)?,
        },
        "call" => Request::Call(CallId(words.number("call number")?), call(words)?),
        "frame" => Request::Frame(words.octets("frame")?),
        "forget" => {
            let mut sockets = Vec::new();
            while words.peek().is_some() {
                sockets.push(words.socket()?);
            }
            Request::Forget(sockets)
        }
        "sync" => Request::Sync(words.number("number")?),
        "tick" => Request::Tick,
        other => return Err(format!("`{}` is no request", cut(other))),
    })
}

fn settings(words: &mut Words<'_>) -> Result<Profile, String> {
    let mut settings = Profile::new();
    while let Some(word) = words.optional() {
        let (name, value) = word
            .split_once('=')
            .ok_or_else(|| format!("`{}` is no name=value", cut(word)))?;
        settings.insert(name.to_owned(), value.to_owned());
    }
    Ok(settings)
}

fn call(words: &mut Words<'_>) -> Result<Call, String> {
    Ok(match words.next("call")? {
        "listen" => Call::Listen {
            socket: words.socket()?,
            local: words.number("address and port")?,
            backlog: words.keyed("backlog")?.ok_or("missing backlog=N")?,
            fast_open: words.keyed("fast-open")?,
        },
        "connect" => Call::Connect {
            socket: words.socket()?,
            local: words.number("address")?,
            peer: words.number("address and port")?,
            isn: words.keyed("isn")?,
            fast_open: words.flag("fast-open"),
        },
        "accept" => Call::Accept {
            listener: words.socket()?,
            socket: words.socket()?,
        },
        "send" => {
            let (socket, data) = (words.socket()?, words.octets("data")?);
            let urgent = words.flag("urgent");
            Call::Send { socket, data, urgent }
        }
        "recv" => {
            let socket = words.socket()?;
            let amount = words.peek().is_some().then(|| words.number("amount")).transpose()?;
            Call::Recv { socket, amount }
        }
        "urgent" => Call::Urgent {
            socket: words.socket()?,
        },
        "shutdown" => Call::Shutdown {
            socket: words.socket()?,
        },
        "close" => Call::Close {
            socket: words.socket()?,
        },
        "abort" => Call::Abort {
            socket: words.socket()?,
        },
        "set" => {
            let socket = words.socket()?;
            let word = words.next("setting")?;
            let (setting, value) = setting(word).ok_or_else(|| format!("`{}` is no setting", cut(word)))?;
            Call::Set { socket, setting, value }
        }
        "state" => Call::State {
            local: words.number("address and port")?,
            peer: words.number("address and port")?,
        },
        other => return Err(format!("`{}` is no call", cut(other))),
    })
}

fn setting(word: &str) -> Option<(Setting, SetValue)> {
    let (name, value) = word.split_once('=')?;
    Some((Setting::from_name(name)?, set_value(value)?))
}

fn set_value(text: &str) -> Option<SetValue> {
    let unit = text.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let number = || text[..text.len() - unit.len()].parse::<u64>().ok();
    Some(match (text, unit) {
        ("true", _) => SetValue::Flag(true),
        ("false", _) => SetValue::Flag(false),
        (_, "") => SetValue::Number(number()?),
        (_, "s") => SetValue::Time(Duration::from_secs(number()?)),
        (_, "ms") => SetValue::Time(Duration::from_millis(number()?)),
        (_, "us") => SetValue::Time(Duration::from_micros(number()?)),
        (_, "ns") => SetValue::Time(Duration::from_nanos(number()?)),
        _ => return None,
    })
}

fn reply(words: &mut Words<'_>) -> Result<Reply, String> {
    Ok(match words.next("reply")? {
        "agent" => {
            let name = words.next("name")?.to_owned();
            match words.next("`can`")? {
                "can" => {}
                other => return Err(format!("`{}` stands where `can` must", cut(other))),
            }
            Reply::Agent {
                name,
                abilities: core::iter::from_fn(|| words.optional()).collect(),
            }
        }
        "result" => {
            let id = CallId(words.number("call number")?);
            Reply::Result(id, result(words)?)
        }
        "pending" => Reply::Pending(CallId(words.number("call number")?)),
        "event" => match words.next("event")? {
            "accepted" => Reply::Accepted {
                listener: words.socket()?,
                socket: words.socket()?,
                peer: words.number("address and port")?,
            },
            other => return Err(format!("`{}` is no event", cut(other))),
        },
        "frame" => Reply::Frame(words.octets("frame")?),
        "idle" => match words.peek() {
            Some("-") => words.next("timer").map(|_| Reply::Idle(None))?,
            _ => Reply::Idle(Some(Instant::from_micros(words.number("time in microseconds")?))),
        },
        "synced" => Reply::Synced(words.number("number")?),
        "unsupported" => Reply::Unsupported(words.text().to_owned()),
        "unknown" => Reply::Unknown(words.text().to_owned()),
        "failed" => Reply::Failed(words.text().to_owned()),
        "note" => Reply::Note(words.text().to_owned()),
        other => return Err(format!("`{}` is no reply", cut(other))),
    })
}

fn result(words: &mut Words<'_>) -> Result<Result<Answer, Errno>, String> {
    Ok(Ok(match words.next("result")? {
        "ok" => Answer::Ok,
        "count" => Answer::Count(words.number("count")?),
        "data" => Answer::Data(words.octets("data")?),
        "eof" => Answer::EndOfStream,
        "state" => {
            let name = words.next("state")?;
            Answer::State(State::from_name(name).ok_or_else(|| format!("`{}` is no state", cut(name)))?)
        }
        "error" => {
            let word = words.next("error")?;
            let name = ErrorName::from_name(word);
            let name = name.ok_or_else(|| format!("`{}` is no error's neutral name", cut(word)))?;
            return Ok(Err(Errno {
                name,
                detail: words.text().to_owned(),
                unsupported: false,
            }));
        }
        "unsupported" => {
            let detail = words.text().to_owned();
            return Ok(Err(Errno {
                name: ErrorName::Error,
                detail,
                unsupported: true,
            }));
        }
        other => return Err(format!("`{}` is no result", cut(other))),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn socket() -> impl Strategy<Value = SocketId> {
        any::<u32>().prop_map(SocketId)
    }

    fn endpoint() -> impl Strategy<Value = SocketAddr> {
        (any::<IpAddr>(), any::<u16>()).prop_map(|(address, port)| SocketAddr::new(address, port))
    }

    fn octets() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 0..300)
    }

    fn value() -> impl Strategy<Value = SetValue> {
        prop_oneof![
            any::<bool>().prop_map(SetValue::Flag),
            any::<u64>().prop_map(SetValue::Number),
            any::<u32>().prop_map(|time| SetValue::Time(Duration::from_secs(time.into()))),
            any::<u64>().prop_map(|time| SetValue::Time(Duration::from_nanos(time))),
        ]
    }

    fn profile() -> impl Strategy<Value = Profile> {
        prop::collection::btree_map("[a-h][a-z.-]{0,8}", "[a-z0-9=-]{0,5}", 0..4)
    }

    fn any_call() -> impl Strategy<Value = Call> {
        let setting = prop::sample::select(Setting::ALL.to_vec());
        prop_oneof![
            (socket(), endpoint(), any::<u32>(), any::<Option<u32>>()).prop_map(
                |(socket, local, backlog, fast_open)| Call::Listen {
                    socket,
                    local,
                    backlog,
                    fast_open
                }
            ),
            (
                socket(),
                any::<IpAddr>(),
                endpoint(),
                any::<Option<u32>>(),
                any::<bool>()
            )
                .prop_map(|(socket, local, peer, isn, fast_open)| Call::Connect {
                    socket,
                    local,
                    peer,
                    isn,
                    fast_open,
                }),
            (socket(), socket()).prop_map(|(listener, socket)| Call::Accept { listener, socket }),
            (socket(), octets(), any::<bool>()).prop_map(|(socket, data, urgent)| Call::Send { socket, data, urgent }),
            (socket(), any::<Option<u64>>()).prop_map(|(socket, amount)| Call::Recv { socket, amount }),
            socket().prop_map(|socket| Call::Urgent { socket }),
            socket().prop_map(|socket| Call::Shutdown { socket }),
            socket().prop_map(|socket| Call::Close { socket }),
            socket().prop_map(|socket| Call::Abort { socket }),
            (socket(), setting, value()).prop_map(|(socket, setting, value)| Call::Set { socket, setting, value }),
            (endpoint(), endpoint()).prop_map(|(local, peer)| Call::State { local, peer }),
        ]
    }

    fn any_turn() -> impl Strategy<Value = Turn> {
        let request = prop_oneof![
            prop::sample::select(vec![Mode::Lockstep, Mode::RealTime]).prop_map(Request::Hello),
            (any::<IpAddr>(), any::<u64>(), any::<Option<u32>>(), profile()).prop_map(
                |(target, seed, isn, settings)| {
                    Request::New {
                        target,
                        seed,
                        isn,
                        settings,
                    }
                }
            ),
            (any::<u64>(), any_call()).prop_map(|(id, call)| Request::Call(CallId(id), call)),
            octets().prop_map(Request::Frame),
            prop::collection::vec(socket(), 0..5).prop_map(Request::Forget),
            any::<u64>().prop_map(Request::Sync),
            Just(Request::Tick),
        ];
        let at = prop::option::of(any::<u32>().prop_map(|micros| Instant::from_micros(micros.into())));
        (at, request).prop_map(|(at, request)| Turn { at, request })
    }

    fn any_result() -> impl Strategy<Value = Result<Answer, Errno>> {
        let answer = prop_oneof![
            Just(Answer::Ok),
            any::<u64>().prop_map(Answer::Count),
            octets().prop_map(Answer::Data),
            Just(Answer::EndOfStream),
            prop::sample::select(State::ALL.to_vec()).prop_map(Answer::State),
        ];
        let name = prop::sample::select(ErrorName::ALL.to_vec());
        let error = (name, "([A-Z]{1,9}( [a-z0-9']{1,5})?)?", any::<bool>()).prop_map(|(name, detail, unsupported)| {
            let name = if unsupported { ErrorName::Error } else { name };
            Errno {
                name,
                detail,
                unsupported,
            }
        });
        prop_oneof![answer.prop_map(Ok), error.prop_map(Err)]
    }

    fn any_reply() -> impl Strategy<Value = Reply> {
        let abilities = prop::collection::vec("[a-z]{1,5}(:[a-z-]{1,5})?", 0..5);
        prop_oneof![
            ("[a-z0-9.-]{1,12}", abilities).prop_map(|(name, abilities)| Reply::Agent {
                name,
                abilities: abilities.into_iter().collect()
            }),
            (any::<u64>(), any_result()).prop_map(|(id, result)| Reply::Result(CallId(id), result)),
            any::<u64>().prop_map(|id| Reply::Pending(CallId(id))),
            (socket(), socket(), endpoint()).prop_map(|(listener, socket, peer)| Reply::Accepted {
                listener,
                socket,
                peer
            }),
            octets().prop_map(Reply::Frame),
            prop::option::of(any::<u32>().prop_map(|micros| Instant::from_micros(micros.into()))).prop_map(Reply::Idle),
            any::<u64>().prop_map(Reply::Synced),
            "([a-z]{1,5}( [a-z;]{1,5})?)?".prop_map(Reply::Unsupported),
            "([a-z]{1,5}( [a-z;]{1,5})?)?".prop_map(Reply::Unknown),
            "[a-z]{1,5}( [a-z;]{1,5})?".prop_map(Reply::Failed),
            "[a-z]{1,5}( [a-z;]{1,5})?".prop_map(Reply::Note),
        ]
    }

    proptest! {
        #[test]
        fn what_a_tester_prints_is_read_back(turn in any_turn()) {
            prop_assert_eq!(Turn::parse(&turn.to_string()).map(|read| read.to_string()), Ok(turn.to_string()));
            prop_assert_eq!(Turn::parse(&turn.to_string()), Ok(turn));
        }

        #[test]
        fn what_an_agent_prints_is_read_back(reply in any_reply()) {
            let line = reply.to_string();
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(Reply::parse(&line), Ok(reply));
        }

        #[test]
        fn reading_is_total(line in any::<String>()) {
            let _ = (Turn::parse(&line), Reply::parse(&line));
        }

        #[test]
        fn reading_near_misses_is_total(reply in any_reply(), turn in any_turn(), at in 0usize..64, put in any::<char>()) {
            for line in [reply.to_string(), turn.to_string()] {
                let mut letters: Vec<char> = line.chars().collect();
                let place = at % (letters.len() + 1);
                letters.insert(place, put);
                let bent: String = letters.into_iter().collect();
                let _ = (Turn::parse(&bent), Reply::parse(&bent));
            }
        }
    }

    #[test]
    fn junk_is_quoted_and_explained() {
        let message = |line: &str| Reply::parse(line).unwrap_err().to_string();
        assert_eq!(
            message("result x ok"),
            "`x` is no call number in the line `result x ok`"
        );
        assert_eq!(
            message("result 1 data 4g"),
            "`4g` is no data in hexadecimal in the line `result 1 data 4g`"
        );
        assert_eq!(
            message("result 1 ok ok"),
            "`ok` is too much in the line `result 1 ok ok`"
        );
        assert_eq!(message(""), "missing reply at the end in the line ``");
        assert_eq!(
            message("panic at\u{1b}[1m"),
            "`panic` is no reply in the line `panic at\\u{1b}[1m`"
        );
        assert!(message(&"x".repeat(10_000)).len() < 300);
        let version = Turn::parse("tcpvet 2 realtime").unwrap_err().to_string();
        assert!(version.contains("version 2 is not spoken here, 1 is"), "{version}");
    }

    #[test]
    fn the_lines_are_those_of_the_description() {
        let turn = |line: &str| assert_eq!(Turn::parse(line).unwrap().to_string(), line);
        turn("tcpvet 1 lockstep");
        turn("at 0 new 192.0.2.1 seed=7");
        turn("at 0 new 2001:db8::1 seed=7 isn=4294967290 delayed-ack=off");
        turn("at 0 call 1 listen s1 192.0.2.1:8 backlog=1");
        turn("at 1000 frame 4500");
        turn("at 252000");
        turn("call 7 set s2 linger=0s");
        turn("call 8 state [2001:db8::1]:8 [2001:db8:1::1]:40000");
        let reply = |line: &str| assert_eq!(Reply::parse(line).unwrap().to_string(), line);
        reply("agent lwip-2.1.3 can accept connect ipv4");
        reply("result 2 data 6869");
        reply("event accepted s1 s2 198.18.0.1:40000");
        reply("idle 3001000");
        reply("idle -");
        reply("result 3 error refused ECONNREFUSED");
    }
}
