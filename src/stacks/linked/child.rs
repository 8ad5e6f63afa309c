//! A child, as its parent sees it.

use super::message::{self, Inbox, Order, Said};
use crate::drive::{EndedRun, EnvironmentError, Halt, TICK};
use crate::stack::Breakdown;
use crate::stacks::StandardError;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::AtomicBool;

/// The number of SIGKILL on every Unix.
const SIGKILL: i32 = 9;

/// A running child; dropping it ends the process.
pub(super) struct Child {
    process: std::process::Child,
    socket: UnixStream,
    inbox: Inbox,
    standard_error: StandardError,
}

impl Child {
    /// Starts a child, which speaks on its standard input.
    pub(super) fn start(mut command: Command) -> Result<Child, EnvironmentError> {
        let failed = |error: io::Error| EnvironmentError {
            problem: format!("this program cannot be started again as a child ({error})"),
            remedy: "raise the limits of processes and open files (ulimit -u, -n)".to_owned(),
        };
        let (ours, theirs) = UnixStream::pair().map_err(failed)?;
        ours.set_read_timeout(Some(TICK)).map_err(failed)?;
        command.stdin(Stdio::from(OwnedFd::from(theirs)));
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        // A process group of its own: Ctrl-C does not reach it.
        let mut process = command.process_group(0).spawn().map_err(failed)?;
        // It is there: it was piped just now.
        let standard_error = process.stderr.take().map(StandardError::read);
        let mut child = Child {
            process,
            socket: ours,
            inbox: Inbox::new(),
            standard_error: StandardError::default(),
        };
        child.standard_error = standard_error.transpose().map_err(failed)?.unwrap_or_default();
        Ok(child)
    }

    /// Has it make a world, and passes on each run that has ended. After an error the child is of no more use.
    pub(super) fn make_world(
        &mut self,
        order: &Order,
        stop: &AtomicBool,
        ended: &mut dyn FnMut(usize, EndedRun),
    ) -> Result<(), Halt> {
        // If it has ended, the first read says so.
        let _ = message::write(&self.socket, order);
        loop {
            match self.hear(stop)? {
                Said::Ended { at, outcome, beside } => ended(
                    at,
                    EndedRun {
                        outcome: *outcome,
                        beside,
                    },
                ),
                Said::Done => return Ok(()),
                Said::Hangs(seen) => return Err(Halt::Broke(Breakdown::Hang, seen)),
                // Whatever can be said of the target's runs after this is worth nothing: `main` reports the bug.
                Said::Failed(why) => panic!("{why}"),
            }
        }
    }

    fn hear(&mut self, stop: &AtomicBool) -> Result<Said, Halt> {
        let garbled = |error: io::Error| Halt::Void(format!("our own child said what cannot be read: {error}"));
        loop {
            if let Some(said) = self.inbox.take().map_err(garbled)? {
                return Ok(said);
            }
            match self.inbox.fill(&self.socket) {
                Ok(0) => return Err(ended(self.process.wait())),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    Halt::stopped(stop).map_or(Ok(()), Err)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(ended(self.process.wait())),
            }
        }
    }

    /// Ends the process. The answer is the end of what it wrote to standard error.
    pub(super) fn last_words(&mut self) -> Vec<String> {
        self.end();
        self.standard_error.wait();
        let lines = self.standard_error.take();
        lines.iter().map(|line| format!("standard error: {line}")).collect()
    }

    fn end(&mut self) {
        // The kill fails if the process has ended by itself; then it is only waited for.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What it means that a child has ended by itself: the stack in it has made it do so, unless somebody else did.
fn ended(status: io::Result<ExitStatus>) -> Halt {
    match status {
        Ok(status) if status.signal() == Some(SIGKILL) => Halt::Void(
            "the child in which the stack ran was killed, as the system does that runs out of memory".to_owned(),
        ),
        Ok(status) => Halt::Broke(
            Breakdown::Crash,
            format!("the stack ended the process in which it ran ({status})"),
        ),
        Err(error) => Halt::Void(format!("our own child is gone: {error}")),
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}
