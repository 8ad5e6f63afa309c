//! The steps of a check in real time, over the loopback interface: there, an agent takes the same calls as in a
//! namespace.

use super::{Checklist, GO_ON, Step, abilities, end, fine, it, standard_error};
use crate::drive::EnvironmentError;
use crate::drive::protocol::{Mode, Reply, Request, Turn};
use crate::stack::{Abilities, Answer, Call, CallId, SocketId};
use crate::stacks::agent::process::Budget;
use crate::stacks::agent::{Introduction, Launch, Process};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

const LISTENER: SocketId = SocketId(1);
const CONNECTION: SocketId = SocketId(2);
const NOBODY: SocketId = SocketId(77);

/// Makes all steps.
pub(super) fn check(launch: &Launch, list: &mut Checklist<'_>) -> Result<(), EnvironmentError> {
    let mut process = Process::start(launch)?;
    let Some(agent) = greeting(&mut process, list) else {
        list.not_tried("everything else", "it must greet first");
        return Ok(());
    };
    let mut talk = Talk {
        process,
        abilities: agent.abilities,
        calls: 0,
        syncs: 0,
    };
    if lines(&mut talk, list)
        .and_then(|()| conversation(&mut talk, list))
        .is_none()
    {
        list.not_tried("the rest of a conversation", "something before it went wrong");
        talk.process = Process::start(launch)?;
        // It greeted before; if it does not now, the step about its end will show it.
        drop(talk.process.greet(Mode::RealTime, &GO_ON));
    }
    end(talk.process, list);
    Ok(())
}

fn greeting(process: &mut Process, list: &mut Checklist<'_>) -> Option<Introduction> {
    let what = "it greets: `agent NAME can ABILITY...`";
    match process.greet(Mode::RealTime, &GO_ON) {
        Ok(agent) => {
            let can: Vec<&str> = agent.abilities.iter().collect();
            list.step(what, Ok(format!("{} can {}", agent.name, can.join(" "))));
            abilities(&agent.abilities, list);
            Some(agent)
        }
        Err(fault) => {
            let more = it(&fault) + &standard_error(process);
            list.step(what, Err(more));
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
    /// The next reply, remarks left out.
    fn next(&mut self) -> Result<Reply, String> {
        let mut budget = Budget::start();
        loop {
            match self.process.reply(&mut budget, &GO_ON) {
                Ok(Reply::Note(_)) => {}
                Ok(reply) => return Ok(reply),
                Err(fault) => return Err(it(&fault) + &standard_error(&mut self.process)),
            }
        }
    }

    fn say(&mut self, request: Request) -> Result<(), String> {
        let turn = Turn { at: None, request };
        self.process.say(&turn, &GO_ON).map_err(|fault| it(&fault))
    }

    /// Makes a call, and reads its first reply.
    fn call(&mut self, call: Call) -> Result<Reply, String> {
        self.calls += 1;
        self.say(Request::Call(CallId(self.calls), call))?;
        self.next()
    }

    /// Has the agent take pending calls as far as they go, and reads the replies up to `synced`.
    fn sync(&mut self) -> Result<Vec<Reply>, String> {
        self.syncs += 1;
        let number = self.syncs;
        self.say(Request::Sync(number))?;
        let mut heard = Vec::new();
        loop {
            match self.next()? {
                Reply::Synced(said) if said == number => return Ok(heard),
                Reply::Synced(said) => return Err(format!("it said `synced {said}` to `sync {number}`")),
                reply @ (Reply::Unknown(_) | Reply::Unsupported(_)) => {
                    return Err(format!(
                        "it said `{reply}`; in real time `sync` must be answered by `synced`"
                    ));
                }
                other => heard.push(other),
            }
        }
    }

    fn expect(&self, heard: Result<Reply, String>, expected: &Answer) -> Step {
        let expected = Reply::Result(CallId(self.calls), Ok(expected.clone()));
        match heard? {
            said if said == expected => fine(),
            said => Err(format!("it said `{said}`, not `{expected}`")),
        }
    }

    fn pending(&self, heard: Result<Reply, String>) -> Step {
        match heard? {
            Reply::Pending(id) if id.0 == self.calls => fine(),
            said => Err(format!("it said `{said}`, not `pending {}`", self.calls)),
        }
    }
}

fn lines(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
    let said = talk
        .process
        .say_line("dance with me=1", &GO_ON)
        .map_err(|fault| it(&fault));
    let unknown = said.and_then(|()| match talk.next()? {
        Reply::Unknown(_) => fine(),
        other => Err(format!("it said `{other}`; say `unknown dance with me=1`")),
    });
    list.step(
        "a line that it does not know is answered by `unknown`, and does no harm",
        unknown,
    )?;
    let synced = talk.sync().and_then(|heard| match heard.first() {
        None => fine(),
        Some(other) => Err(format!("it said `{other}` before")),
    });
    list.step("`sync N` is answered by `synced N`", synced)?;
    let refused = talk.call(Call::Close { socket: NOBODY }).and_then(|reply| match reply {
        Reply::Result(_, Err(_)) => fine(),
        other => Err(format!("it said `{other}`, not `result ID error does-not-exist`")),
    });
    list.step("a call on a socket that is none ends badly, and does no harm", refused)
}

/// An address of this machine from which the agent can speak, and a port that is free now.
fn place(can: &Abilities) -> Result<SocketAddr, String> {
    let address: IpAddr = match can.can("ipv4") {
        true => Ipv4Addr::LOCALHOST.into(),
        false => Ipv6Addr::LOCALHOST.into(),
    };
    let free = TcpListener::bind((address, 0)).and_then(|listener| listener.local_addr());
    free.map_err(|error| format!("not its fault: no port can be had on {address} ({error})"))
}

fn conversation(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
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
    let waiting = talk.call(Call::Accept {
        listener: LISTENER,
        socket: CONNECTION,
    });
    list.step(
        "`call ... accept` is `pending` while nobody is there",
        talk.pending(waiting),
    )?;
    let stream =
        local.and_then(|local| TcpStream::connect(local).map_err(|error| format!("connecting to it: {error}")));
    let accepted = stream
        .as_ref()
        .map_err(String::clone)
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
        )?;
    }
    if talk.abilities.can("send") {
        let (socket, data, urgent) = (CONNECTION, b"world".to_vec(), false);
        let sent = talk.call(Call::Send { socket, data, urgent });
        let sent = talk.expect(sent, &Answer::Count(5)).and_then(|_| arrives(&stream));
        list.step(
            "`call ... send` is answered by `result ID count N`, and the data is sent",
            sent,
        )?;
    }
    let forgotten = talk.say(Request::Forget(vec![LISTENER, CONNECTION]));
    let forgotten = forgotten
        .and_then(|()| talk.sync())
        .and_then(|heard| match heard.first() {
            None => gone(&stream),
            Some(other) => Err(format!("it said `{other}`; nobody asks for an answer")),
        });
    list.step("`forget s1 s2` closes both without a word", forgotten)
}

fn accepted(talk: &mut Talk, stream: &TcpStream) -> Step {
    let peer = stream.local_addr().map_err(|error| error.to_string())?;
    let expected = Reply::Accepted {
        listener: LISTENER,
        socket: CONNECTION,
        peer,
    };
    match talk.next()? {
        said if said == expected => fine(),
        said => Err(format!("it said `{said}`, not `{expected}`")),
    }
}

fn receives(talk: &mut Talk, mut stream: &TcpStream) -> Step {
    stream
        .write_all(b"hello")
        .map_err(|error| format!("sending to it: {error}"))?;
    let heard = talk.sync()?;
    let expected = Reply::Result(CallId(talk.calls), Ok(Answer::Data(b"hello".to_vec())));
    match heard.as_slice() {
        [said] if *said == expected => fine(),
        [] => Err("it said `synced` first: before that it must look at every pending call once more".to_owned()),
        [said, ..] => Err(format!("it said `{said}`, not `{expected}`")),
    }
}

fn arrives(mut stream: &TcpStream) -> Step {
    let mut octets = [0; 5];
    let limited = stream.set_read_timeout(Some(core::time::Duration::from_secs(5)));
    let read = limited.and_then(|()| stream.read_exact(&mut octets));
    match read {
        Ok(()) if &octets == b"world" => fine(),
        Ok(()) => Err(format!(
            "`{}` came instead of `world`",
            String::from_utf8_lossy(&octets)
        )),
        Err(error) => Err(format!("the data did not come ({error})")),
    }
}

/// Whether the other end is closed, by a FIN or by a RST.
fn gone(mut stream: &TcpStream) -> Step {
    match stream.read(&mut [0]) {
        Ok(0) => fine(),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => fine(),
        Ok(_) => Err("there is still something sent".to_owned()),
        Err(error) => Err(format!("the connection is not closed ({error})")),
    }
}
