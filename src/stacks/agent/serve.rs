//! The agent's side of the protocol: makes an agent in lockstep of a stack in Rust, on any input and output.

use crate::drive::protocol::{Mode, Reply, Request, Turn};
use crate::stack::{Emitted, Profile, Stack};
use crate::time::Instant;
use core::net::IpAddr;
use std::io::{self, BufRead, Write};

/// The world that a `new` asks for.
#[derive(Clone, Debug)]
pub struct World {
    /// The target's address.
    pub target: IpAddr,
    /// The seed of every random choice.
    pub seed: u64,
    /// The value for the first ISN that the stack chooses by itself.
    pub isn: Option<u32>,
    /// Settings of the host.
    pub settings: Profile,
}

/// Answers lines until the input ends. `make` makes a fresh stack for a world, or says why it cannot.
pub fn serve(
    name: &str,
    input: impl BufRead,
    mut output: impl Write,
    make: impl FnMut(&World) -> Result<Box<dyn Stack>, String>,
) -> io::Result<()> {
    let mut server = Server {
        name,
        make,
        stack: None,
        timer: None,
        replies: String::new(),
    };
    for line in input.lines() {
        server.answer(&line?);
        // All replies of a turn are written at once, so that the tester is woken once.
        output.write_all(server.replies.as_bytes())?;
        output.flush()?;
        server.replies.clear();
    }
    Ok(())
}

struct Server<'a, F> {
    name: &'a str,
    make: F,
    stack: Option<Box<dyn Stack>>,
    timer: Option<Instant>,
    replies: String,
}

impl<F: FnMut(&World) -> Result<Box<dyn Stack>, String>> Server<'_, F> {
    fn answer(&mut self, line: &str) {
        match Turn::parse(line) {
            Ok(Turn { at, request }) => self.carry_out(at, request, line),
            Err(_) => self.say(&Reply::Unknown(line.to_owned())),
        }
        self.say(&Reply::Idle(self.timer));
    }

    fn carry_out(&mut self, at: Option<Instant>, request: Request, line: &str) {
        match (at, request) {
            (None, Request::Hello(Mode::Lockstep)) => {
                let target = IpAddr::from([192, 0, 2, 1]);
                let settings = Profile::new();
                let (seed, isn) = (0, None);
                let world = World {
                    target,
                    seed,
                    isn,
                    settings,
                };
                match (self.make)(&world) {
                    Ok(stack) => self.say(&Reply::Agent {
                        name: self.name.to_owned(),
                        abilities: stack.abilities(),
                    }),
                    Err(why) => self.say(&Reply::Failed(why)),
                }
            }
            (
                Some(now),
                Request::New {
                    target,
                    seed,
                    isn,
                    settings,
                },
            ) => {
                let world = World {
                    target,
                    seed,
                    isn,
                    settings,
                };
                match (self.make)(&world) {
                    Ok(stack) => {
                        self.stack = Some(stack);
                        self.poll(now);
                    }
                    Err(why) => self.say(&Reply::Unsupported(why)),
                }
            }
            (Some(now), request @ (Request::Frame(_) | Request::Call(..) | Request::Tick)) => {
                let Some(stack) = &mut self.stack else {
                    return self.say(&Reply::Unsupported("there is no world before `new`".to_owned()));
                };
                match request {
                    Request::Frame(packet) => stack.receive(now, &packet),
                    Request::Call(id, call) => stack.call(now, id, &call),
                    _ => {}
                }
                self.poll(now);
            }
            (_, Request::Sync(number)) => self.say(&Reply::Synced(number)),
            (_, Request::Hello(_) | Request::Forget(_)) => {
                self.say(&Reply::Unsupported("not in lockstep".to_owned()));
            }
            (_, Request::New { .. } | Request::Frame(_) | Request::Call(..) | Request::Tick) => {
                self.say(&Reply::Unknown(line.to_owned()));
            }
        }
    }

    fn poll(&mut self, now: Instant) {
        let mut emitted = Vec::new();
        if let Some(stack) = &mut self.stack {
            self.timer = stack.poll(now, &mut |what| emitted.push(what));
        }
        for what in emitted {
            self.say(&match what {
                Emitted::Packet(octets) => Reply::Frame(octets),
                Emitted::Result(id, result) => Reply::Result(id, result),
                Emitted::Pending(id) => Reply::Pending(id),
                Emitted::Accepted { listener, socket, peer } => Reply::Accepted { listener, socket, peer },
            });
        }
    }

    fn say(&mut self, reply: &Reply) {
        use core::fmt::Write as _;
        // Writing to a String cannot fail.
        let _ = writeln!(self.replies, "{reply}");
    }
}
