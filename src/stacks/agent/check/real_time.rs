//! The steps of a check in real time, over the loopback interface: there, an agent takes the same calls as in a
//! namespace.

use super::{Checklist, GO_ON, Step, Wrong, abilities, agent, end, fine, it, stack};
use crate::drive::EnvironmentError;
use crate::drive::protocol::{Mode, Reply, Request, Turn};
use crate::rfc::State;
use crate::stack::{Abilities, Answer, Call, CallId, SocketId};
use crate::stacks::agent::process::Budget;
use crate::stacks::agent::{Introduction, Launch, Process};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

const LISTENER: SocketId = SocketId(1);
const CONNECTION: SocketId = SocketId(2);
const NOBODY: SocketId = SocketId(77);

/// Makes all steps. Each part has a process of its own, so that a fault in one leaves the others as they are.
pub(super) fn check(launch: &Launch, list: &mut Checklist<'_>) -> Result<(), EnvironmentError> {
    let mut process = Process::start(launch)?;
    let Some(introduced) = greeting(&mut process, list) else {
        list.not_tried("everything else", "it must greet first");
        return Ok(());
    };
    let parts: [(&str, Part); 5] = [
        ("the rest of what is asked of lines", lines),
        ("the rest of what is asked of calls", calls),
        ("the rest of a passive open", passive_open),
        ("the rest of an active open", active_open),
        ("its end", |talk, list| {
            end(&mut talk.process, list);
            Some(())
        }),
    ];
    for (rest, part) in parts {
        let mut talk = Talk::begin(launch, &introduced.abilities)?;
        if part(&mut talk, list).is_none() {
            list.not_tried(rest, "something before it went wrong");
        }
    }
    Ok(())
}

/// A part of the check; `None`: it ended early.
type Part = fn(&mut Talk, &mut Checklist<'_>) -> Option<()>;

fn greeting(process: &mut Process, list: &mut Checklist<'_>) -> Option<Introduction> {
    let what = "it greets: `agent NAME can ABILITY...`";
    match process.greet(Mode::RealTime, &GO_ON) {
        Ok(introduced) => {
            let can: Vec<&str> = introduced.abilities.iter().collect();
            list.step(what, Ok(format!("{} can {}", introduced.name, can.join(" "))));
            abilities(&introduced.abilities, Mode::RealTime, list);
            Some(introduced)
        }
        Err(fault) => {
            let Wrong(_, more) = it(&fault, process);
            list.step(what, Err(agent(more)));
            None
        }
    }
}

/// A process that has greeted.
struct Talk {
    process: Process,
    abilities: Abilities,
    calls: u64,
    syncs: u64,
}

impl Talk {
    fn begin(launch: &Launch, can: &Abilities) -> Result<Talk, EnvironmentError> {
        let mut process = Process::start(launch)?;
        // It greeted before; if it does not now, the first step shows it.
        drop(process.greet(Mode::RealTime, &GO_ON));
        Ok(Talk {
            process,
            abilities: can.clone(),
            calls: 0,
            syncs: 0,
        })
    }

    /// The next reply, remarks left out.
    fn next(&mut self) -> Result<Reply, Wrong> {
        let mut budget = Budget::start();
        loop {
            match self.process.reply(&mut budget, &GO_ON) {
                Ok(Reply::Note(_)) => {}
                Ok(reply) => return Ok(reply),
                Err(fault) => return Err(it(&fault, &mut self.process)),
            }
        }
    }

    fn say(&mut self, request: Request) -> Result<(), Wrong> {
        let turn = Turn { at: None, request };
        let said = self.process.say(&turn, &GO_ON);
        said.map_err(|fault| it(&fault, &mut self.process))
    }

    /// Makes a call, and reads its first reply.
    fn call(&mut self, call: Call) -> Result<Reply, Wrong> {
        self.calls += 1;
        self.say(Request::Call(CallId(self.calls), call))?;
        self.next()
    }

    /// Has the agent take pending calls as far as they go, and reads the replies up to `synced`.
    fn sync(&mut self) -> Result<Vec<Reply>, Wrong> {
        self.syncs += 1;
        let number = self.syncs;
        self.say(Request::Sync(number))?;
        let mut heard = Vec::new();
        loop {
            match self.next()? {
                Reply::Synced(said) if said == number => return Ok(heard),
                Reply::Synced(said) => return Err(agent(format!("it said `synced {said}` to `sync {number}`"))),
                reply @ (Reply::Unknown(_) | Reply::Unsupported(_)) => {
                    return Err(agent(format!(
                        "it said `{reply}`; in real time `sync` must be answered by `synced`"
                    )));
                }
                other => heard.push(other),
            }
        }
    }

    fn expect(&self, heard: Result<Reply, Wrong>, expected: &Answer) -> Step {
        let expected = Reply::Result(CallId(self.calls), Ok(expected.clone()));
        match heard? {
            said if said == expected => fine(),
            said => Err(agent(format!("it said `{said}`, not `{expected}`"))),
        }
    }

    fn pending(&self, heard: Result<Reply, Wrong>) -> Step {
        match heard? {
            Reply::Pending(id) if id.0 == self.calls => fine(),
            said => Err(agent(format!("it said `{said}`, not `pending {}`", self.calls))),
        }
    }
}

fn lines(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
    let said = talk.process.say_line("dance with me=1", &GO_ON);
    let said = said.map_err(|fault| it(&fault, &mut talk.process));
    let unknown = said.and_then(|()| match talk.next()? {
        Reply::Unknown(_) => fine(),
        other => Err(agent(format!("it said `{other}`; say `unknown dance with me=1`"))),
    });
    list.step(
        "a line that it does not know is answered by `unknown`, and does no harm",
        unknown,
    )?;
    let synced = talk.sync().and_then(|heard| match heard.first() {
        None => fine(),
        Some(other) => Err(agent(format!("it said `{other}` before"))),
    });
    list.step("`sync N` is answered by `synced N`", synced)
}

fn calls(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
    let refused = talk.call(Call::Close { socket: NOBODY });
    list.step(
        "a call on a socket that is none ends badly, and does no harm",
        refused.and_then(|reply| ends_badly(&reply, "does-not-exist")),
    )?;
    if !talk.abilities.can("state") {
        return Some(());
    }
    let closed = place(&talk.abilities).and_then(|local| state(talk, local, State::Closed));
    list.step(
        "`call ... state` of a port where nobody listens is answered by `state closed`",
        closed,
    )
}

fn ends_badly(reply: &Reply, name: &str) -> Step {
    match reply {
        Reply::Result(_, Err(_)) => fine(),
        other => Err(agent(format!("it said `{other}`, not `result ID error {name}`"))),
    }
}

/// Asks for the state of a connection that there is not.
fn state(talk: &mut Talk, local: SocketAddr, expected: State) -> Step {
    let peer = SocketAddr::new(local.ip(), 1);
    let heard = talk.call(Call::State { local, peer });
    talk.expect(heard, &Answer::State(expected))
}

/// An address of this machine from which the agent can speak, and a port that is free now.
fn place(can: &Abilities) -> Result<SocketAddr, Wrong> {
    let address: IpAddr = match can.can("ipv4") {
        true => Ipv4Addr::LOCALHOST.into(),
        false => Ipv6Addr::LOCALHOST.into(),
    };
    let free = TcpListener::bind((address, 0)).and_then(|listener| listener.local_addr());
    free.map_err(|error| agent(format!("not its fault: no port can be had on {address} ({error})")))
}

fn passive_open(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
    if !talk.abilities.can("listen") || !talk.abilities.can("accept") {
        list.not_tried("a passive open", "it cannot `listen` or `accept`");
        return Some(());
    }
    let local = place(&talk.abilities);
    let listening = local.clone().and_then(|local| {
        let (socket, backlog, fast_open) = (LISTENER, 1, None);
        let heard = talk.call(Call::Listen {
            socket,
            local,
            backlog,
            fast_open,
        });
        talk.expect(heard, &Answer::Ok)
    });
    list.step("`call ... listen` is answered by `result ID ok`", listening)?;
    if let (true, Ok(local)) = (talk.abilities.can("state"), &local) {
        list.step(
            "`call ... state` of a port that listens is answered by `state listen`",
            state(talk, *local, State::Listen),
        );
    }
    let waiting = talk.call(Call::Accept {
        listener: LISTENER,
        socket: CONNECTION,
    });
    list.step(
        "`call ... accept` is `pending` while nobody is there",
        talk.pending(waiting),
    )?;
    let stream =
        local.and_then(|local| TcpStream::connect(local).map_err(|error| stack(format!("connecting to it: {error}"))));
    let accepted = stream
        .as_ref()
        .map_err(Wrong::clone)
        .and_then(|stream| accepted(talk, stream));
    list.step("then `event accepted s1 s2 ADDRESS:PORT` comes by itself", accepted)?;
    let stream = stream.ok()?;
    if talk.abilities.can("recv") {
        let recv = talk.call(Call::Recv {
            socket: CONNECTION,
            amount: Some(5),
        });
        list.step(
            "`call ... recv s2 5` is `pending` while nothing is there",
            talk.pending(recv),
        )?;
        list.step(
            "with the data comes `result ID data HEX`, before `synced`",
            receives(talk, &stream),
        );
    }
    if talk.abilities.can("send") {
        let (socket, data, urgent) = (CONNECTION, b"world".to_vec(), false);
        let sent = talk.call(Call::Send { socket, data, urgent });
        let sent = talk.expect(sent, &Answer::Count(5)).and_then(|_| arrives(&stream));
        list.step(
            "`call ... send` is answered by `result ID count N`, and the data is sent",
            sent,
        );
    }
    let forgotten = talk.say(Request::Forget(vec![LISTENER, CONNECTION]));
    let forgotten = forgotten
        .and_then(|()| talk.sync())
        .and_then(|heard| match heard.first() {
            None => gone(&stream),
            Some(other) => Err(agent(format!("it said `{other}`; nobody asks for an answer"))),
        });
    list.step("`forget s1 s2` closes both without a word", forgotten)
}

fn accepted(talk: &mut Talk, stream: &TcpStream) -> Step {
    let peer = stream.local_addr().map_err(|error| agent(error.to_string()))?;
    let expected = Reply::Accepted {
        listener: LISTENER,
        socket: CONNECTION,
        peer,
    };
    match talk.next()? {
        said if said == expected => fine(),
        said => Err(agent(format!("it said `{said}`, not `{expected}`"))),
    }
}

/// An active open to a listener of the tester's, and another on the same socket.
fn active_open(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
    if !talk.abilities.can("connect") {
        list.not_tried("an active open", "it cannot `connect`");
        return Some(());
    }
    let listener = place(&talk.abilities).and_then(|local| {
        let listener = TcpListener::bind(local).and_then(|listener| Ok((listener.local_addr()?, listener)));
        listener.map_err(|error| agent(format!("not its fault: nothing can listen on {local} ({error})")))
    });
    let connected = listener
        .as_ref()
        .map_err(Wrong::clone)
        .and_then(|(peer, _)| connects(talk, *peer));
    list.step(
        "`call ... connect` is answered by `pending` and then `result ID ok`",
        connected,
    )?;
    let (peer, _listener) = listener.ok()?;
    let again = connect(talk, peer).and_then(|reply| ends_badly(&reply, "already-exists"));
    list.step("`call ... connect` on a socket that is open ends badly", again);
    Some(())
}

fn connect(talk: &mut Talk, peer: SocketAddr) -> Result<Reply, Wrong> {
    talk.call(Call::Connect {
        socket: CONNECTION,
        local: peer.ip(),
        peer,
        isn: None,
        fast_open: false,
    })
}

fn connects(talk: &mut Talk, peer: SocketAddr) -> Step {
    let reply = match connect(talk, peer)? {
        Reply::Pending(_) => talk.next()?,
        reply => reply,
    };
    talk.expect(Ok(reply), &Answer::Ok)
}

fn receives(talk: &mut Talk, mut stream: &TcpStream) -> Step {
    stream
        .write_all(b"hello")
        .map_err(|error| stack(format!("sending to it: {error}")))?;
    let heard = talk.sync()?;
    let expected = Reply::Result(CallId(talk.calls), Ok(Answer::Data(b"hello".to_vec())));
    match heard.as_slice() {
        [said] if *said == expected => fine(),
        [] => Err(agent(
            "it said `synced` first: before that it must look at every pending call once more",
        )),
        [said, ..] => Err(agent(format!("it said `{said}`, not `{expected}`"))),
    }
}

fn arrives(mut stream: &TcpStream) -> Step {
    let mut octets = [0; 5];
    let limited = stream.set_read_timeout(Some(core::time::Duration::from_secs(5)));
    let read = limited.and_then(|()| stream.read_exact(&mut octets));
    match read {
        Ok(()) if &octets == b"world" => fine(),
        Ok(()) => Err(stack(format!(
            "`{}` came instead of `world`",
            String::from_utf8_lossy(&octets)
        ))),
        Err(error) => Err(stack(format!("the data did not come ({error})"))),
    }
}

/// Whether the other end is closed, by a FIN or by a RST.
fn gone(mut stream: &TcpStream) -> Step {
    match stream.read(&mut [0]) {
        Ok(0) => fine(),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => fine(),
        Ok(_) => Err(stack("there is still something sent")),
        Err(error) => Err(agent(format!("the connection is not closed ({error})"))),
    }
}
