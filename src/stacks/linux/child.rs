//! The child: a process that owns a namespace, makes the system calls in it, and exchanges lines of text with its
//! parent.
//!
//! It is this program, executed again: a user namespace must be made before any thread exists, and after a fork a
//! process with threads may do very little. The child ends with its parent and leaves nothing behind.

use super::namespace::Lines;
use super::setup::{self, DeviceChoice, Network};
use super::sockets::Sockets;
use crate::drive::protocol::{Mode, Reply, Request, Turn};
use crate::drive::{EnvironmentError, drill};
use crate::stack::{Abilities, Profile};
use crate::stacks::agent::Launch;
use core::fmt::Write as _;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{self, ControlMessage, MsgFlags};
use std::ffi::OsString;
use std::io::{self, IoSlice, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

/// The hidden subcommand under which a program calls [`child_main`].
pub const SUBCOMMAND: &str = "__namespace";

/// How many octets are read at once.
const PIECE: usize = 256 * 1024;
/// The longest line, in octets: a send of 16 MiB in hexadecimal.
const LONGEST_LINE: usize = 33 << 20;
/// How many characters of an unknown line are quoted.
const QUOTED: usize = 80;

/// What a child is told when it is started.
pub(super) struct Orders {
    pub(super) device: DeviceChoice,
    pub(super) queue: u32,
    pub(super) profile: Profile,
    /// The program that takes the child's place, once the network is ready.
    pub(super) agent: Option<Launch>,
}

/// Separates the settings from the agent's folder and command.
const AGENT: &str = "--";

impl Orders {
    /// As arguments of [`SUBCOMMAND`].
    pub(super) fn to_arguments(&self) -> Vec<OsString> {
        let settings = self.profile.iter().map(|(name, value)| format!("{name}={value}"));
        let agent = self.agent.iter().flat_map(|launch| {
            let folder = launch.folder.clone().unwrap_or_default();
            let fixed = [AGENT.into(), folder.into_os_string(), launch.program.clone().into()];
            fixed.into_iter().chain(launch.arguments.iter().map(OsString::from))
        });
        [self.device.name().to_owned(), self.queue.to_string()]
            .into_iter()
            .chain(settings)
            .map(OsString::from)
            .chain(agent)
            .collect()
    }

    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Option<Orders> {
        let device = DeviceChoice::from_name(&arguments.next()?)?;
        let queue = arguments.next()?.parse().ok()?;
        let setting = |text: String| {
            text.split_once('=')
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        let profile = arguments.by_ref().take_while(|word| word != AGENT).map(setting);
        let profile = profile.collect::<Option<_>>()?;
        let agent = arguments.next().map(|folder| (folder, arguments.collect::<Vec<_>>()));
        let agent = agent.and_then(|(folder, words)| {
            let folder = Some(Path::new(&folder)).filter(|folder| !folder.as_os_str().is_empty());
            Launch::new(&words, folder, Duration::ZERO)
        });
        Some(Orders {
            device,
            queue,
            profile,
            agent,
        })
    }
}

/// The main function of a child. A program must call it first of all when its first argument is `__namespace`, with the
/// arguments that follow.
pub fn child_main(arguments: impl Iterator<Item = String>) -> ExitCode {
    let Some(orders) = Orders::from_arguments(arguments) else {
        eprintln!("{SUBCOMMAND} is started by tcpvet itself; there is nothing to be done with it by hand");
        return ExitCode::from(2);
    };
    // Standard input is not a socket: a person has started the child by hand.
    let Ok(parent) = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from) else {
        return ExitCode::from(2);
    };
    if parent.peer_addr().is_err() {
        eprintln!("{SUBCOMMAND} is started by tcpvet itself; there is nothing to be done with it by hand");
        return ExitCode::from(2);
    }
    let result = setup::set_up(orders.device, orders.queue, &orders.profile);
    // Only now: a change of credentials would clear this signal. If the parent has already ended, the first read says
    // so.
    let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
    let introduced = result.and_then(|network| introduce(&parent, network));
    if let (Ok(_), Some(agent)) = (&introduced, &orders.agent) {
        return give_way(parent, agent);
    }
    match introduced.map(Sockets::new) {
        Ok(Ok(sockets)) => match serve(parent, sockets) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::from(3),
        },
        Ok(Err(error)) => fail(
            parent,
            &format!("no epoll can be made ({error}); raise the limit of open files"),
        ),
        Err(error) => fail(parent, &error.to_string()),
    }
}

/// Executes the agent in place of the child, in the network that has been made; from now on the agent speaks with the
/// parent.
fn give_way(parent: UnixStream, agent: &Launch) -> ExitCode {
    let ends = parent.try_clone().and_then(|output| {
        let input = parent.try_clone()?;
        Ok((Stdio::from(OwnedFd::from(input)), Stdio::from(OwnedFd::from(output))))
    });
    let (input, output) = match ends {
        Ok(ends) => ends,
        Err(error) => {
            return fail(
                parent,
                &format!("no descriptor is left ({error}); raise the limit (ulimit -n)"),
            );
        }
    };
    let error = agent.command().stdin(input).stdout(output).exec();
    let program = agent.program.display();
    fail(
        parent,
        &format!("the agent `{program}` cannot be started ({error}); check its path"),
    )
}

fn fail(mut parent: UnixStream, why: &str) -> ExitCode {
    // If the parent has ended, no one needs to know.
    let _ = writeln!(parent, "{}", Reply::Failed(why.to_owned()));
    ExitCode::from(3)
}

/// Sends the introduction, and hands over the device and the statistics files.
fn introduce(parent: &UnixStream, network: Network) -> Result<Option<super::netlink::SocketDiag>, EnvironmentError> {
    let mut abilities: Vec<&str> = vec![
        "ipv4",
        "listen",
        "connect",
        "accept",
        "send",
        "recv",
        "shutdown",
        "close",
        "abort",
        "urgent",
        "sack",
        "timestamps",
        "window-scale",
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
        "set:quick-ack",
        "set:dscp",
        "set:ttl",
    ];
    abilities.extend(network.ipv6.then_some("ipv6"));
    abilities.extend(network.diag.is_some().then_some("state"));
    abilities.extend(setup::can_place_isn().then_some("isn"));
    let release = nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned());
    let name = format!(
        "linux-{}",
        release.unwrap_or_default().replace(char::is_whitespace, "-")
    );
    let mut text = format!(
        "{}\n",
        Reply::Agent {
            name,
            abilities: abilities.into_iter().collect::<Abilities>()
        }
    );
    for note in &network.notes {
        text.push_str(&format!("{}\n", Reply::Note(note.clone())));
    }
    setup::raise_descriptor_limit();
    let descriptors: Vec<i32> = network.descriptors.iter().map(OwnedFd::as_raw_fd).collect();
    let parts = [IoSlice::new(text.as_bytes())];
    let rights = [ControlMessage::ScmRights(&descriptors)];
    let sent = socket::sendmsg::<()>(parent.as_raw_fd(), &parts, &rights, MsgFlags::MSG_NOSIGNAL, None);
    match sent {
        Ok(count) if count == text.len() => Ok(network.diag),
        // Our own copies are closed here: the device must vanish when the parent closes its copy.
        Ok(_) | Err(_) => Err(EnvironmentError {
            problem: "the device cannot be handed over".to_owned(),
            remedy: "raise the limit of open files (ulimit -n)".to_owned(),
        }),
    }
}

/// Carries out lines until the parent closes its end.
fn serve(mut parent: UnixStream, mut sockets: Sockets) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    let mut input = Lines::default();
    let mut output = String::new();
    loop {
        let heard = wait(&parent, &sockets)?;
        sockets.advance_all()?;
        if heard && !take_in(&mut parent, &mut piece, &mut input)? {
            return Ok(());
        }
        obey(&mut input, &mut sockets, &mut output)?;
        tell(&mut sockets, &mut output);
        if !output.is_empty() {
            parent.write_all(output.as_bytes())?;
            output.clear();
        }
    }
}

/// Waits for the parent, which includes its end being closed, or for a socket. The answer is whether it is the parent.
fn wait(parent: &UnixStream, sockets: &Sockets) -> io::Result<bool> {
    let mut watched = [
        PollFd::new(parent.as_fd(), PollFlags::POLLIN),
        PollFd::new(sockets.readiness(), PollFlags::POLLIN),
    ];
    match poll(&mut watched, PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => Ok(watched[0].any().unwrap_or(false)),
        Err(error) => Err(error.into()),
    }
}

/// Reads from the parent. The answer is whether its end is still open.
fn take_in(parent: &mut UnixStream, piece: &mut [u8], input: &mut Lines) -> io::Result<bool> {
    if input.len() > LONGEST_LINE {
        return Err(io::Error::other("a line without end"));
    }
    match parent.read(piece) {
        Ok(count) => {
            input.extend(&piece[..count]);
            Ok(count > 0)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(true),
        Err(error) => Err(error),
    }
}

/// Carries out all whole lines, in order.
fn obey(input: &mut Lines, sockets: &mut Sockets, output: &mut String) -> io::Result<()> {
    input.drain(|line| {
        let Ok(turn) = Turn::parse(line) else {
            sockets
                .replies
                .push(Reply::Unknown(line.chars().take(QUOTED).collect()));
            tell(sockets, output);
            return Ok(());
        };
        match turn.request {
            Request::Hello(Mode::RealTime) => {}
            Request::Call(id, call) => sockets.call(id, call),
            Request::Forget(names) => {
                drill("child");
                sockets.forget(&names);
            }
            Request::Sync(number) => {
                sockets.advance_all()?;
                sockets.replies.push(Reply::Synced(number));
            }
            Request::Hello(Mode::Lockstep) | Request::New { .. } | Request::Frame(_) | Request::Tick => {
                sockets.replies.push(Reply::Unsupported("in real time".to_owned()));
            }
        }
        tell(sockets, output);
        Ok(())
    })
}

fn tell(sockets: &mut Sockets, output: &mut String) {
    for reply in sockets.replies.drain(..) {
        // Writing to a String cannot fail.
        let _ = writeln!(output, "{reply}");
    }
}
