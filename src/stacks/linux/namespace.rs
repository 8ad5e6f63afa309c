//! A namespace as the parent sees it: the child that owns it, the link into it, and the agent in it that makes calls.

use super::child::{Orders, SUBCOMMAND};
use super::setup::DeviceChoice;
use super::sys;
use crate::drive::place::{Counter, Losses, Place};
use crate::drive::protocol::{Mode, Reply, Request};
use crate::drive::{EnvironmentError, Halt};
use crate::link::{Link, Readiness, Statistics};
use crate::stack::{Abilities, Breakdown, Profile};
use crate::stacks::StandardError;
use crate::stacks::agent::{LONGEST_LINE, Launch, MOST_LINES, MOST_OCTETS};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a child may take to make its namespace; usually that takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long our own child may take to answer a call; for an agent the runner.yaml says it.
const CALL_PATIENCE: Duration = Duration::from_secs(5);
/// How long a process that has closed its end may take to end.
const END_DELAY: Duration = Duration::from_millis(500);
/// The exit status of a Rust program that panicked.
const PANICKED: i32 = 101;
/// How much is read at once.
const PIECE: usize = 256 * 1024;

/// The kernel's counters of events in which it did not do what TCP asks for, for reasons outside of a connection.
const SUSPICIOUS: [&str; 8] = [
    "TCPTimeWaitOverflow",
    "TCPAbortOnMemory",
    "ListenDrops",
    "ListenOverflows",
    "TCPACKSkippedSynRecv",
    "TCPACKSkippedPAWS",
    "TCPACKSkippedSeq",
    "TCPACKSkippedChallenge",
];
/// The first counters, which are watched in a namespace of one run too; the others may be what that run is about.
const ALWAYS: usize = 2;

/// How namespaces are made.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The program that is executed as the child: this one, or another that calls [`super::child_main`].
    pub program: PathBuf,
    /// The kind of device through which packets travel.
    pub device: DeviceChoice,
    /// How many frames the device's queue holds. With the default of 500 frames are lost when hundreds of runs are
    /// under way.
    pub queue: u32,
    /// The agent in real time that makes the calls; `None`: the child makes them itself.
    pub agent: Option<Launch>,
}

impl Plan {
    /// How long the agent may take to answer a call, if only by saying that it is pending.
    pub fn patience(&self) -> Duration {
        self.agent.as_ref().map_or(CALL_PATIENCE, |agent| agent.patience)
    }
}

impl Default for Plan {
    fn default() -> Plan {
        Plan {
            program: PathBuf::from("/proc/self/exe"),
            device: DeviceChoice::Auto,
            queue: 20_000,
            agent: None,
        }
    }
}

/// A running child, and everything that belongs to it. Dropping it ends the child, and with it the namespace, which
/// takes tens of milliseconds.
pub struct Namespace {
    /// The exchange of lines with it.
    pub agent: Agent,
    /// The link through which packets travel.
    pub link: Link,
    /// The counters of its kernel.
    pub statistics: Statistics,
    /// `linux-6.18.44`
    pub name: String,
    /// The abilities of its application.
    pub abilities: Abilities,
    /// The counters that make runs inconclusive when they rise.
    suspicious: &'static [&'static str],
    process: Process,
    standard_error: Option<StandardError>,
}

impl Namespace {
    /// Starts a child, and waits until its namespace is ready.
    pub fn start(plan: &Plan, profile: &Profile) -> Result<Namespace, EnvironmentError> {
        Starting::spawn(plan, profile)?.wait()
    }

    /// The same namespace for one run alone: counters that the run itself may raise are not watched.
    pub fn for_one_run(self) -> Namespace {
        Namespace {
            suspicious: &SUSPICIOUS[..ALWAYS],
            ..self
        }
    }

    /// Whether an external agent makes the calls.
    pub fn is_agents(&self) -> bool {
        self.standard_error.is_some()
    }

    /// The child's process number.
    pub fn process(&self) -> u32 {
        self.process.0.id()
    }
}

impl Place for Namespace {
    fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        self.link.send(packet)
    }

    fn receive(&mut self) -> io::Result<Option<&[u8]>> {
        self.link.receive()
    }

    fn say(&mut self, request: &Request) {
        self.agent.say(request);
    }

    fn flush(&mut self) -> Result<(), Halt> {
        self.agent.flush().map(|_| ())
    }

    fn is_behind(&self) -> bool {
        self.agent.is_behind()
    }

    fn hear(&mut self, replies: &mut Vec<Reply>) -> Result<(), Halt> {
        self.agent.hear(replies)
    }

    fn losses(&mut self) -> io::Result<Losses> {
        let values = self.statistics.tcp(self.suspicious)?;
        let named = self.suspicious.iter().zip(values);
        Ok(Losses {
            frames: self.link.lost()? + self.statistics.lost()?,
            counters: named.map(|(name, value)| Counter { name, value }).collect(),
        })
    }

    fn explain(&mut self, halt: Halt) -> Halt {
        let Some(standard_error) = &self.standard_error else {
            let status = self.process.ended_by_itself();
            assert!(
                status.and_then(|status| status.code()) != Some(PANICKED),
                "the child that makes the calls panicked; it has said above why"
            );
            // The child is ours, so whatever it does is not the target's fault.
            return Halt::Void(format!("our own child failed: {}", halt.text()));
        };
        let status = match halt {
            Halt::Broke(Breakdown::Crash, _) => self.process.ended_by_itself(),
            Halt::Broke(..) | Halt::Void(_) => None,
        };
        // A running process would be waited for. The kill fails if the process has ended by itself.
        let _ = self.process.0.kill();
        let how = status.map_or_else(String::new, |status| format!(" ({status})"));
        let text = format!("{}{how}{}", halt.text(), end_of(standard_error));
        match halt {
            // What runs out of memory is ended so by the system.
            Halt::Broke(..) if status.is_some_and(|status| status.signal() == Some(libc::SIGKILL)) => Halt::Void(text),
            Halt::Broke(kind, _) => Halt::Broke(kind, text),
            Halt::Void(_) => Halt::Void(text),
        }
    }

    fn packets(&self) -> io::Result<Readiness> {
        Readiness::of(self.link.as_fd())
    }

    fn lines(&self) -> io::Result<Readiness> {
        Readiness::of(self.agent.as_fd())
    }
}

fn end_of(standard_error: &StandardError) -> String {
    standard_error.wait();
    let lines = standard_error.take();
    let last = lines.iter().rev().find(|line| !line.trim().is_empty());
    last.map_or_else(String::new, |line| format!("; its standard error ends with `{line}`"))
}

/// The error for a child that sends nothing.
fn too_slow() -> EnvironmentError {
    EnvironmentError {
        problem: format!(
            "the child that makes a namespace said nothing for {} s",
            PATIENCE.as_secs()
        ),
        remedy: "try again when the machine is less busy".to_owned(),
    }
}

/// A process that is ended when this is dropped.
struct Process(Child);

impl Process {
    /// How the process ended, if it does so by itself within a moment.
    fn ended_by_itself(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + END_DELAY;
        loop {
            match self.0.try_wait() {
                Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
                Ok(status) => return status,
                Err(_) => return None,
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The kill fails if the process has ended by itself; then it is only waited for.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A child that has not yet said that its namespace is ready.
pub(super) struct Starting {
    process: Process,
    agent: Agent,
    descriptors: Vec<OwnedFd>,
    /// The standard error of the external agent that takes the child's place, if there is one.
    standard_error: Option<StandardError>,
}

impl Starting {
    /// Starts a child. It ends no later than the thread that calls this.
    pub(super) fn spawn(plan: &Plan, profile: &Profile) -> Result<Starting, EnvironmentError> {
        let failed = |error: io::Error| EnvironmentError {
            problem: format!("{} cannot be started as a child ({error})", plan.program.display()),
            remedy: remedy(&plan.program, &error).to_owned(),
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        ours.set_nonblocking(true).map_err(failed)?;
        let orders = Orders {
            device: plan.device,
            queue: plan.queue,
            profile: profile.clone(),
            agent: plan.agent.clone(),
        };
        let mut command = Command::new(&plan.program);
        command.arg(SUBCOMMAND).args(orders.to_arguments());
        command.stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null());
        if plan.agent.is_some() {
            command.stderr(Stdio::piped());
        }
        let mut process = command.spawn().map(Process).map_err(failed)?;
        let standard_error = process.0.stderr.take().map(StandardError::read).transpose();
        let standard_error = standard_error.map_err(failed)?;
        Ok(Starting {
            process,
            standard_error,
            agent: Agent::new(ours),
            descriptors: Vec::new(),
        })
    }

    /// Waits until the namespace is ready, and the external agent has greeted, if there is one.
    pub(super) fn wait(mut self) -> Result<Namespace, EnvironmentError> {
        let own = self.await_introduction()?;
        self.agent.say(&Request::Hello(Mode::RealTime));
        if self.standard_error.is_none() {
            return self.finish(own);
        }
        let (name, can) = self.agents_introduction()?;
        // An agent cannot have IPv6 where the network has none.
        let lacks = |ability: &str| ability == "ipv6" && !own.1.can("ipv6");
        let abilities = can
            .iter()
            .filter(|ability| !lacks(ability))
            .map(str::to_owned)
            .collect();
        self.finish((name, abilities))
    }

    /// The introduction of the external agent that has taken the child's place.
    fn agents_introduction(&mut self) -> Result<(String, Abilities), EnvironmentError> {
        let flushed = self.agent.flush().map_err(|why| gone(why.text()));
        flushed.and_then(|_| self.await_introduction()).map_err(|error| {
            // A running process would be waited for. The kill fails if the process has ended by itself.
            let _ = self.process.0.kill();
            let said = self.standard_error.as_ref().map_or_else(String::new, end_of);
            EnvironmentError {
                problem: format!("the agent does not greet in its namespace: {}{said}", error.problem),
                remedy: "see `tcpvet check-agent`, which tells step by step what it does wrong".to_owned(),
            }
        })
    }

    fn await_introduction(&mut self) -> Result<(String, Abilities), EnvironmentError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO);
            // The result of the poll does not matter: the next read finds out.
            let _ = poll(&mut [PollFd::new(self.agent.as_fd(), PollFlags::POLLIN)], timeout);
            if let Some(introduction) = self.introduction()? {
                return Ok(introduction);
            }
            if left.is_zero() {
                return Err(too_slow());
            }
        }
    }

    /// The name and the abilities, if the introduction has come.
    fn introduction(&mut self) -> Result<Option<(String, Abilities)>, EnvironmentError> {
        self.agent
            .hear_first(&mut self.descriptors)
            .map_err(|why| gone(why.text()))?;
        let mut replies = Vec::new();
        self.agent.parse(&mut replies).map_err(|why| gone(why.text()))?;
        for reply in replies {
            match reply {
                Reply::Agent { name, abilities } => return Ok(Some((name, abilities))),
                Reply::Failed(why) => return Err(told(&why)),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The namespace, once the introduction has come.
    fn finish(self, (name, abilities): (String, Abilities)) -> Result<Namespace, EnvironmentError> {
        let Starting {
            process,
            agent,
            descriptors,
            standard_error,
        } = self;
        let Ok([device, devices, tcp]) = <[OwnedFd; 3]>::try_from(descriptors) else {
            return Err(gone("it handed over no device"));
        };
        let link = Link::new(device).map_err(|error| gone(&format!("its device cannot be used: {error}")))?;
        Ok(Namespace {
            agent,
            link,
            statistics: Statistics::new(devices, tcp),
            name,
            abilities,
            suspicious: &SUSPICIOUS,
            process,
            standard_error,
        })
    }
}

fn remedy(program: &Path, error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::NotFound if program.starts_with("/proc") => "mount /proc",
        ErrorKind::NotFound => "check the path of the program",
        ErrorKind::PermissionDenied => "make the program executable for this user",
        _ => "raise the limits of processes and open files (ulimit -u, -n)",
    }
}

fn gone(why: &str) -> EnvironmentError {
    EnvironmentError {
        problem: format!("the child that makes a namespace ended early: {why}"),
        remedy: "see what it wrote above; run as root if in doubt".to_owned(),
    }
}

/// The error that the child itself sent: `problem; remedy`.
fn told(why: &str) -> EnvironmentError {
    let (problem, remedy) = why.split_once("; ").unwrap_or((why, "run as root if in doubt"));
    EnvironmentError {
        problem: problem.to_owned(),
        remedy: remedy.to_owned(),
    }
}

/// The exchange of lines with a child or an external agent; no method blocks.
pub struct Agent {
    socket: UnixStream,
    /// The buffer for reads; kept, because allocating it costs more than a read.
    piece: Box<[u8]>,
    lines: Lines,
    output: Vec<u8>,
    /// How much of `output` has been written.
    written: usize,
}

impl Agent {
    /// Takes a non-blocking socket.
    pub fn new(socket: UnixStream) -> Agent {
        Agent {
            socket,
            piece: vec![0; PIECE].into(),
            lines: Lines::default(),
            output: Vec::new(),
            written: 0,
        }
    }

    /// Queues a line, behind those that wait to be written.
    pub fn say(&mut self, request: &Request) {
        // Writing to a Vec cannot fail.
        let _ = writeln!(self.output, "{request}");
    }

    /// Writes as much as the other end takes. The answer is whether all is written.
    pub fn flush(&mut self) -> Result<bool, Halt> {
        while self.written < self.output.len() {
            match self.socket.write(&self.output[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(ended(&error)),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(true)
    }

    /// Whether something waits to be written.
    pub fn is_behind(&self) -> bool {
        !self.output.is_empty()
    }

    /// Reads the lines that have come. An error means that the other end can no longer be used.
    pub fn hear(&mut self, replies: &mut Vec<Reply>) -> Result<(), Halt> {
        let mut heard = 0;
        loop {
            if heard > MOST_OCTETS || replies.len() > MOST_LINES {
                let seen = "the agent says more than anybody could read".to_owned();
                return Err(Halt::Broke(Breakdown::Storm, seen));
            }
            if self.lines.len() > LONGEST_LINE {
                return Err(Halt::Void("the target's process says a line without an end".to_owned()));
            }
            match self.socket.read(&mut self.piece) {
                Ok(0) => {
                    // The last lines may say why the process ended.
                    self.parse(replies)?;
                    return Err(Halt::Broke(Breakdown::Crash, "the agent ended".to_owned()));
                }
                Ok(count) => {
                    heard += count;
                    self.lines.extend(&self.piece[..count]);
                    self.parse(replies)?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(ended(&error)),
            }
        }
    }

    /// As [`Agent::hear`], for the first line, with which descriptors come.
    fn hear_first(&mut self, descriptors: &mut Vec<OwnedFd>) -> Result<(), Halt> {
        match sys::receive_with_descriptors(&self.socket, &mut self.piece) {
            Ok((0, _)) => Err(Halt::Void("it said nothing".to_owned())),
            Ok((count, received)) => {
                self.lines.extend(&self.piece[..count]);
                descriptors.extend(received);
                Ok(())
            }
            Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => Ok(()),
            Err(error) => Err(ended(&error.into())),
        }
    }

    fn parse(&mut self, replies: &mut Vec<Reply>) -> Result<(), Halt> {
        let speaks = |error| Halt::Void(format!("the target's process speaks no known line: {error}"));
        self.lines
            .drain(|line| Reply::parse(line).map(|reply| replies.push(reply)).map_err(speaks))
    }
}

/// Octets that have been read, taken line by line.
#[derive(Default)]
pub(super) struct Lines {
    octets: Vec<u8>,
    /// How many octets are known to hold no line feed: a long line comes in many pieces.
    searched: usize,
}

impl Lines {
    /// Puts a piece behind what there is.
    pub(super) fn extend(&mut self, piece: &[u8]) {
        self.octets.extend_from_slice(piece);
    }

    /// How many octets there are of a line without an end.
    pub(super) fn len(&self) -> usize {
        self.octets.len()
    }

    /// Takes the lines that are whole.
    pub(super) fn drain<E>(&mut self, mut take: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        let Some(end) = memchr::memrchr(b'\n', &self.octets[self.searched..]).map(|at| self.searched + at) else {
            self.searched = self.octets.len();
            return Ok(());
        };
        let mut begin = 0;
        for stop in memchr::memchr_iter(b'\n', &self.octets[..=end]) {
            take(&String::from_utf8_lossy(&self.octets[begin..stop]))?;
            begin = stop + 1;
        }
        self.octets.drain(..=end);
        self.searched = self.octets.len();
        Ok(())
    }
}

impl AsFd for Agent {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn ended(error: &io::Error) -> Halt {
    Halt::Broke(Breakdown::Crash, format!("the agent cannot be reached: {error}"))
}
