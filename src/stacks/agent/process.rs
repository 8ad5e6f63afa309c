//! An agent's process, and the exchange of lines with it.
//!
//! The lines travel through a pair of sockets, since those can be read with a timeout and without a thread: a turn
//! takes one write and one or two reads.

use super::fault::{Fault, LONGEST_LINE, MOST_LINES, MOST_OCTETS};
use crate::drive::protocol::{Mode, Reply, Request, Turn};
use crate::drive::{EnvironmentError, FairClock, TICK};
use crate::stack::Abilities;
use crate::stacks::StandardError;
use crate::time::Instant;
use core::fmt::Write as _;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::socket::{MsgFlags, recv};
use nix::unistd::Pid;
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant as Clock;

/// How much is read at once.
const PIECE: usize = 256 * 1024;
/// How long a process that has closed its output may take to end.
const END_DELAY: Duration = Duration::from_millis(500);
/// How many octets of a line are quoted in a message.
const QUOTED: usize = 100;

/// The expected reply in the message for an agent that has sent one answer too many.
const OWN_ANSWER: &str = "`synced` (or `unknown`), the answer to `sync`: an earlier line was answered twice, or late;";

/// How an agent is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The program: a path, or a name to be looked for in PATH.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The working directory; `None`: that of this process.
    pub folder: Option<PathBuf>,
    /// How long the agent may take to answer a line.
    pub patience: Duration,
}

impl Launch {
    /// From the words of a command. A relative path with a `/` in it is relative to `folder`.
    pub fn new(words: &[String], folder: Option<&Path>, patience: Duration) -> Option<Launch> {
        let (program, arguments) = words.split_first()?;
        let program = match folder {
            Some(folder) if program.contains('/') => folder.join(program),
            _ => PathBuf::from(program),
        };
        Some(Launch {
            program,
            arguments: arguments.to_vec(),
            folder: folder.map(Path::to_owned),
            patience,
        })
    }

    /// The command that starts it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        command
    }
}

/// A running agent. When this is dropped, its process is ended, and so are the processes that it has started.
pub struct Process {
    child: Child,
    /// Whether the process has been waited for; from then on its number may belong to another process.
    reaped: bool,
    socket: UnixStream,
    /// The buffer for reads; kept, because allocating it costs more than a read.
    piece: Box<[u8]>,
    input: Vec<u8>,
    /// The start of the first line in `input` that has not been taken.
    begin: usize,
    /// Up to here `input` is known to hold no line feed.
    searched: usize,
    output: String,
    /// The last line that was sent to it, cut.
    asked: String,
    standard_error: StandardError,
    patience: Duration,
    /// How many `sync`s have been sent.
    syncs: u64,
}

/// What an agent says of itself in its first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Introduction {
    /// Its name and version.
    pub name: String,
    /// What it can do.
    pub abilities: Abilities,
}

impl Process {
    /// Starts an agent; nothing is sent yet.
    pub fn start(launch: &Launch) -> Result<Process, EnvironmentError> {
        let failed = |error: io::Error| cannot_start(launch, &error);
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        ours.set_read_timeout(Some(TICK)).map_err(failed)?;
        ours.set_write_timeout(Some(TICK)).map_err(failed)?;
        let output = theirs.try_clone().map_err(failed)?;
        let mut command = launch.command();
        command.stdin(Stdio::from(OwnedFd::from(theirs)));
        command.stdout(Stdio::from(OwnedFd::from(output)));
        // A process group of its own: what the agent starts can be ended with it, and Ctrl-C does not reach it.
        command.stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().map_err(failed)?;
        // It is there: it was piped just now.
        let standard_error = child.stderr.take().map(StandardError::read);
        let mut process = Process {
            child,
            reaped: false,
            socket: ours,
            piece: vec![0; PIECE].into(),
            input: Vec::new(),
            begin: 0,
            searched: 0,
            output: String::new(),
            asked: String::new(),
            standard_error: StandardError::default(),
            patience: launch.patience,
            syncs: 0,
        };
        process.standard_error = standard_error.transpose().map_err(failed)?.unwrap_or_default();
        Ok(process)
    }

    /// Sends the first line, and reads the agent's introduction.
    pub fn greet(&mut self, mode: Mode, stop: &AtomicBool) -> Result<Introduction, Fault> {
        self.say(
            &Turn {
                at: None,
                request: Request::Hello(mode),
            },
            stop,
        )?;
        let mut budget = Budget::start();
        let introduction = loop {
            match self.reply(&mut budget, stop)? {
                Reply::Agent { name, abilities } => break Introduction { name, abilities },
                Reply::Note(_) => {}
                Reply::Failed(why) => return Err(Fault::Failed(why)),
                Reply::Unsupported(why) => return Err(Fault::Unsupported(why)),
                other => return Err(misplaced(&other, "`agent NAME can ABILITY...`, its first line,")),
            }
        };
        if mode == Mode::RealTime {
            return Ok(introduction);
        }
        loop {
            match self.reply(&mut budget, stop)? {
                Reply::Idle(_) => return self.nothing_left().map(|()| introduction),
                Reply::Note(_) => {}
                other => return Err(misplaced(&other, "`idle`, which ends every turn,")),
            }
        }
    }

    /// One turn of lockstep: sends a line, and passes on the answers up to `idle`. The result is when the agent wants
    /// to be woken.
    pub fn turn(
        &mut self,
        at: Instant,
        request: Request,
        stop: &AtomicBool,
        hear: &mut dyn FnMut(Reply) -> Result<(), Fault>,
    ) -> Result<Option<Instant>, Fault> {
        self.unasked()?;
        self.say(&Turn { at: Some(at), request }, stop)?;
        self.answer(at, stop, hear)
    }

    /// Reads the answers to a line of lockstep that was sent at the time `at`, up to `idle`.
    pub fn answer(
        &mut self,
        at: Instant,
        stop: &AtomicBool,
        hear: &mut dyn FnMut(Reply) -> Result<(), Fault>,
    ) -> Result<Option<Instant>, Fault> {
        let mut budget = Budget::start();
        loop {
            match self.reply(&mut budget, stop)? {
                Reply::Idle(Some(timer)) if timer < at => return Err(Fault::Backwards { now: at, timer }),
                Reply::Idle(timer) => return self.nothing_left().map(|()| timer),
                Reply::Failed(why) => return Err(Fault::Failed(why)),
                other => hear(other)?,
            }
        }
    }

    /// Makes sure that every line has had its own answer. An agent that has sent one `idle` too many is one answer
    /// behind from then on, and nothing else would show it. `unknown` in answer to `sync` proves as much as `synced`.
    pub fn in_step(&mut self, at: Instant, stop: &AtomicBool) -> Result<(), Fault> {
        self.syncs += 1;
        let number = self.syncs;
        let mut answered = false;
        self.turn(at, Request::Sync(number), stop, &mut |reply| match reply {
            Reply::Synced(said) if said == number => {
                answered = true;
                Ok(())
            }
            Reply::Unknown(_) | Reply::Unsupported(_) => {
                answered = true;
                Ok(())
            }
            Reply::Note(_) => Ok(()),
            other => Err(misplaced(&other, OWN_ANSWER)),
        })?;
        match answered {
            true => self.unasked(),
            false => Err(misplaced(&Reply::Idle(None), OWN_ANSWER)),
        }
    }

    /// Fails if the agent has sent anything since `idle`.
    pub fn unasked(&mut self) -> Result<(), Fault> {
        loop {
            match recv(self.socket.as_raw_fd(), &mut self.piece, MsgFlags::MSG_DONTWAIT) {
                Ok(0) => return Err(self.ended()),
                Ok(count) => {
                    self.input.extend_from_slice(&self.piece[..count]);
                    return self.nothing_left();
                }
                Err(Errno::EAGAIN) => return self.nothing_left(),
                Err(Errno::EINTR) => {}
                Err(_) => return Err(self.ended()),
            }
        }
    }

    /// Sends a line as it is written.
    pub fn say_line(&mut self, line: &str, stop: &AtomicBool) -> Result<(), Fault> {
        self.output.clear();
        self.output.push_str(line);
        self.output.push('\n');
        self.write(stop)
    }

    /// Sends a line.
    pub fn say(&mut self, turn: &Turn, stop: &AtomicBool) -> Result<(), Fault> {
        self.output.clear();
        // Writing to a String cannot fail.
        let _ = writeln!(self.output, "{turn}");
        self.write(stop)
    }

    fn write(&mut self, stop: &AtomicBool) -> Result<(), Fault> {
        self.asked.clear();
        let line = self.output.trim_end();
        // The octets of a frame are cut off: the trace shows them, and reports of the same fault should be alike.
        let most = line.find(" frame ").map_or(QUOTED, |at| at + " frame 4500".len());
        let cut = line.char_indices().nth(most).map_or(line.len(), |(at, _)| at);
        self.asked.push_str(&line[..cut]);
        if cut < line.len() {
            self.asked.push_str("...");
        }
        let mut clock = FairClock::start();
        let mut written = 0;
        while written < self.output.len() {
            match self.socket.write(&self.output.as_bytes()[written..]) {
                Ok(count) => written += count,
                Err(error) if is_later(&error) => self.go_on(&mut clock, stop, Fault::Deaf(self.patience))?,
                // The agent does not read any more: its last lines may say why, and are read next.
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Looks whether to go on with what `clock` counts; to be called at least once each [`TICK`].
    fn go_on(&self, clock: &mut FairClock, stop: &AtomicBool, otherwise: Fault) -> Result<(), Fault> {
        match stop.load(Ordering::Relaxed) {
            true => Err(Fault::Interrupted),
            false if clock.look() >= self.patience => Err(otherwise),
            false => Ok(()),
        }
    }

    /// The next line, as a reply, within the rest of an answer's budget.
    pub fn reply(&mut self, budget: &mut Budget, stop: &AtomicBool) -> Result<Reply, Fault> {
        while !self.has_line() {
            if self.input.len() - self.begin > LONGEST_LINE {
                return Err(Fault::LongLine);
            }
            let count = self.read(budget, stop)?;
            budget.octets += count;
        }
        budget.lines += 1;
        if budget.lines > MOST_LINES || budget.octets > MOST_OCTETS {
            return Err(Fault::Flood);
        }
        // A whole line ends at `searched`.
        let line = &self.input[self.begin..self.searched];
        let reply = Reply::parse(&String::from_utf8_lossy(line)).map_err(Fault::Junk);
        self.begin = self.searched + 1;
        self.searched = self.begin;
        if self.begin == self.input.len() {
            self.input.clear();
            (self.begin, self.searched) = (0, 0);
        }
        reply
    }

    /// Whether there is a whole line; it then ends at `searched`.
    fn has_line(&mut self) -> bool {
        match memchr::memchr(b'\n', &self.input[self.searched..]) {
            Some(at) => {
                self.searched += at;
                true
            }
            None => {
                self.searched = self.input.len();
                false
            }
        }
    }

    fn read(&mut self, budget: &mut Budget, stop: &AtomicBool) -> Result<usize, Fault> {
        loop {
            match self.socket.read(&mut self.piece) {
                Ok(0) => return Err(self.ended()),
                Ok(count) => {
                    self.input.extend_from_slice(&self.piece[..count]);
                    // The clock is that of the whole answer: a slow stream of octets does not extend it.
                    self.go_on(&mut budget.clock, stop, Fault::Silent(self.patience))?;
                    return Ok(count);
                }
                Err(error) if is_later(&error) => {
                    // While a process that the agent has started holds the other end of the socket, a read does not
                    // show that the agent has ended.
                    if let Some(status) = self.status(Duration::ZERO) {
                        return Err(self.ended_as(Some(status)));
                    }
                    self.go_on(&mut budget.clock, stop, Fault::Silent(self.patience))?;
                }
                Err(_) => return Err(self.ended()),
            }
        }
    }

    fn nothing_left(&mut self) -> Result<(), Fault> {
        let left = &self.input[self.begin..];
        let Some(line) = left.split(|octet| *octet == b'\n').next().filter(|_| !left.is_empty()) else {
            return Ok(());
        };
        Err(Fault::OutOfTurn(quoted(line)))
    }

    /// The fault of an agent that has ended.
    fn ended(&mut self) -> Fault {
        let status = self.status(END_DELAY);
        self.ended_as(status)
    }

    fn ended_as(&mut self, status: Option<ExitStatus>) -> Fault {
        let half = match self.has_line() {
            true => String::new(),
            false => quoted(&self.input[self.begin..]),
        };
        Fault::Ended { status, half }
    }

    /// The exit status of the process, if it ends within that time.
    pub fn status(&mut self, within: Duration) -> Option<ExitStatus> {
        let deadline = Clock::now() + within;
        loop {
            match self.child.try_wait() {
                Ok(None) if Clock::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
                Ok(None) | Err(_) => return None,
                Ok(status) => {
                    self.end_group();
                    return status;
                }
            }
        }
    }

    /// Ends the agent's input.
    pub fn hang_up(&mut self) {
        // It fails if the agent has closed its end, which has the same effect.
        let _ = self.socket.shutdown(std::net::Shutdown::Write);
    }

    /// How long the agent may take to answer a line.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Sets how long the agent may take to answer a line from now on.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// The last line that was sent to it, cut.
    pub fn asked(&self) -> &str {
        &self.asked
    }

    /// What it wrote to standard error since the last time. `broken`: wait a moment for more.
    pub fn take_standard_error(&mut self, broken: bool) -> Vec<String> {
        if broken {
            self.kill();
            self.standard_error.wait();
        }
        self.standard_error.take()
    }

    fn kill(&mut self) {
        self.end_group();
        // It fails if the process has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Ends the process, and all that it has started and that are in its process group.
    fn end_group(&mut self) {
        if !std::mem::replace(&mut self.reaped, true)
            && let Ok(group) = i32::try_from(self.child.id())
        {
            // It fails if the group is empty.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What an agent has used for an answer: time, octets, lines.
pub struct Budget {
    clock: FairClock,
    octets: usize,
    lines: usize,
}

impl Budget {
    /// The budget of one answer.
    pub fn start() -> Budget {
        Budget {
            clock: FairClock::start(),
            octets: 0,
            lines: 0,
        }
    }
}

/// The fault of a reply in a place where another belongs.
pub(super) fn misplaced(reply: &Reply, expected: &'static str) -> Fault {
    let line = quoted(reply.to_string().as_bytes());
    match reply {
        Reply::Unknown(what) => Fault::Unknown(what.clone()),
        _ => Fault::Misplaced { line, expected },
    }
}

/// A line, as quoted in messages.
pub(super) fn quoted(line: &[u8]) -> String {
    let cut = &line[..line.len().min(QUOTED)];
    let text: String = String::from_utf8_lossy(cut)
        .chars()
        .flat_map(char::escape_debug)
        .collect();
    let more = if cut.len() < line.len() { "..." } else { "" };
    format!("{text}{more}")
}

fn is_later(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

fn cannot_start(launch: &Launch, error: &io::Error) -> EnvironmentError {
    let remedy = match error.kind() {
        ErrorKind::NotFound => "check the path of the program, or install it",
        ErrorKind::PermissionDenied => "make it executable (chmod +x)",
        _ => "start it by hand to see what is the matter",
    };
    EnvironmentError {
        problem: format!("the agent `{}` cannot be started ({error})", launch.program.display()),
        remedy: remedy.to_owned(),
    }
}
