//! The steps of a check in lockstep.

use super::peer::Peer;
use super::{Checklist, GO_ON, Step, abilities, end, fine, it, standard_error};
use crate::drive::EnvironmentError;
use crate::drive::addresses::target_address;
use crate::drive::protocol::{Mode, Reply, Request};
use crate::stack::{Abilities, Answer, Call, CallId, IpVersion, Profile, SocketId};
use crate::stacks::agent::{Fault, Introduction, Launch, Process};
use crate::time::Instant;
use crate::wire::{Flags, Segment};
use core::time::Duration;

/// How long to wait for a line that must not come.
const LATE: Duration = Duration::from_millis(100);
/// How far virtual time may advance until a retransmission comes, and in how many turns at most.
const FAR: Duration = Duration::from_secs(130);
const TURNS: usize = 2_000;

/// Makes all steps. Each part has a process of its own.
pub(super) fn check(launch: &Launch, list: &mut Checklist<'_>) -> Result<(), EnvironmentError> {
    let Some(agent) = greeting(Process::start(launch)?, list) else {
        list.not_tried("everything else", "it must greet first, and then be quiet");
        return Ok(());
    };
    let can = &agent.abilities;
    let parts: [(&str, Part); 5] = [
        ("the rest of what is asked of lines", lines),
        ("the rest of a passive open", passive_open),
        ("the rest of an active open", active_open),
        ("the rest of a second world", second_world),
        ("that one seed gives the same octets", same_octets),
    ];
    for (rest, part) in parts {
        let mut talk = Talk::begin(launch, can)?;
        if part(&mut talk, list).is_none() {
            list.not_tried(rest, "something before it went wrong");
        }
    }
    let talk = Talk::begin(launch, can)?;
    end(talk.process, list);
    Ok(())
}

/// A part of the check; `None`: it ended early.
type Part = fn(&mut Talk, &mut Checklist<'_>) -> Option<()>;

fn greeting(mut process: Process, list: &mut Checklist<'_>) -> Option<Introduction> {
    let greeted = process.greet(Mode::Lockstep, &GO_ON);
    let what = "it greets: `agent NAME can ABILITY...`, then `idle`";
    let agent = match greeted {
        Ok(agent) => agent,
        Err(fault) => {
            let more = it(&fault) + &standard_error(&mut process);
            list.step(what, Err(more));
            return None;
        }
    };
    let can: Vec<&str> = agent.abilities.iter().collect();
    list.step(what, Ok(format!("{} can {}", agent.name, can.join(" "))));
    abilities(&agent.abilities, list);
    std::thread::sleep(LATE);
    let quiet = process.unasked().map(|()| String::new()).map_err(|fault| it(&fault));
    list.step("nothing comes after `idle`", quiet)?;
    Some(agent)
}

/// A process that has greeted.
struct Talk {
    launch: Launch,
    process: Process,
    abilities: Abilities,
    /// Why the greeting failed this time, if it did.
    spoilt: Option<Fault>,
    ip: IpVersion,
    peer: Peer,
    now: Instant,
    timer: Option<Instant>,
    calls: u64,
}

/// What the agent sent in one turn.
#[derive(Default)]
struct Heard {
    frames: Vec<Vec<u8>>,
    others: Vec<Reply>,
}

impl Heard {
    /// The only reply other than frames and remarks.
    fn only(&self) -> Result<Option<&Reply>, String> {
        let mut said = self.others.iter().filter(|reply| !matches!(reply, Reply::Note(_)));
        match (said.next(), said.next()) {
            (first, None) => Ok(first),
            (first, Some(second)) => {
                let first = first.map(ToString::to_string).unwrap_or_default();
                Err(format!("it said `{first}`, and then `{second}`: once is enough"))
            }
        }
    }

    /// The answer to a call.
    fn result(&self) -> Result<&Answer, String> {
        match self.only()? {
            Some(Reply::Result(_, Ok(answer))) => Ok(answer),
            Some(other) => Err(format!("it said `{other}`")),
            None => Err("it did not answer the call: that means pending, but this call can be answered at once".into()),
        }
    }

    /// Requires that there were only remarks.
    fn nothing(&self) -> Step {
        match (self.frames.is_empty(), self.only()?) {
            (true, None) => fine(),
            (false, _) => Err("frames came".to_owned()),
            (_, Some(other)) => Err(format!("it said `{other}`")),
        }
    }
}

impl Talk {
    fn begin(launch: &Launch, can: &Abilities) -> Result<Talk, EnvironmentError> {
        let mut process = Process::start(launch)?;
        let spoilt = process.greet(Mode::Lockstep, &GO_ON).err();
        let ip = if can.can("ipv4") { IpVersion::V4 } else { IpVersion::V6 };
        Ok(Talk {
            launch: launch.clone(),
            process,
            abilities: can.clone(),
            spoilt,
            ip,
            peer: Peer::new(ip),
            now: Instant::ZERO,
            timer: None,
            calls: 0,
        })
    }

    fn turn(&mut self, request: Request) -> Result<Heard, String> {
        let mut heard = Heard::default();
        let turned = match self.spoilt.take() {
            Some(fault) => Err(fault),
            None => self.process.turn(self.now, request, &GO_ON, &mut |reply| {
                match reply {
                    Reply::Frame(octets) => heard.frames.push(octets),
                    other => heard.others.push(other),
                }
                Ok(())
            }),
        };
        match turned {
            Ok(timer) => {
                self.timer = timer;
                Ok(heard)
            }
            Err(fault) => Err(it(&fault) + &standard_error(&mut self.process)),
        }
    }

    fn call(&mut self, call: Call) -> Result<Heard, String> {
        self.calls += 1;
        self.turn(Request::Call(CallId(self.calls), call))
    }

    fn new_world(&mut self, seed: u64) -> Result<Heard, String> {
        self.peer = Peer::new(self.ip);
        self.now = Instant::ZERO;
        self.calls = 0;
        self.turn(Request::New {
            target: target_address(self.ip),
            seed,
            isn: None,
            settings: Profile::new(),
        })
    }

    fn listen(&mut self) -> Result<Heard, String> {
        self.call(Call::Listen {
            socket: LISTENER,
            local: self.peer.target,
            backlog: 1,
            fast_open: None,
        })
    }

    fn can(&self, ability: &str) -> bool {
        self.abilities.can(ability)
    }
}

const LISTENER: SocketId = SocketId(1);
const CONNECTION: SocketId = SocketId(2);
const NOBODY: SocketId = SocketId(77);

fn made(heard: Result<Heard, String>) -> Step {
    heard?.nothing()
}

fn answered(heard: Result<Heard, String>, expected: &Answer) -> Step {
    let heard = heard?;
    match heard.result()? {
        answer if answer == expected => fine(),
        other => Err(format!("it answered {other:?}, not {expected:?}")),
    }
}

/// Lines that no agent knows, and lines without meaning.
fn lines(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
    list.step(
        "`new` makes a world, and nothing happens in it yet",
        made(talk.new_world(7)),
    )?;
    list.step(
        "a line that it does not know is answered by `unknown`, and does no harm",
        unknown(talk),
    )?;
    let in_step = talk.process.in_step(talk.now, &GO_ON);
    list.step(
        "it is in step: `sync` is answered by `synced` (or `unknown`)",
        in_step.map(|()| String::new()).map_err(|fault| it(&fault)),
    )?;
    let call = talk.call(Call::Close { socket: NOBODY });
    list.step(
        "a call on a socket that is none ends badly, and does no harm",
        refused(call),
    )?;
    let junk = [vec![0x45], vec![0; 40], vec![0xff; 60], Vec::new()];
    let survived = junk.into_iter().try_fold(String::new(), |_, frame| {
        talk.turn(Request::Frame(frame)).and_then(|heard| heard.nothing())
    });
    list.step("frames that are no packets do no harm", survived)
}

fn unknown(talk: &mut Talk) -> Step {
    let line = "at 0 dance with me=1";
    let mut heard = Vec::new();
    let spoken = talk.process.say_line(line, &GO_ON);
    let turned = spoken.and_then(|()| {
        talk.process.answer(talk.now, &GO_ON, &mut |reply| {
            heard.push(reply);
            Ok(())
        })
    });
    turned.map_err(|fault| it(&fault) + &standard_error(&mut talk.process))?;
    match heard.as_slice() {
        [Reply::Unknown(_)] => fine(),
        [] => Err(format!(
            "it passed over `{line}` without a word; say `unknown {line}`, then `idle`"
        )),
        [other, ..] => Err(format!(
            "it answered `{line}` with `{other}`; say `unknown {line}`, then `idle`"
        )),
    }
}

fn refused(heard: Result<Heard, String>) -> Step {
    match heard?.only()? {
        Some(Reply::Result(_, Err(_))) => fine(),
        None => Err("it did not answer; say `result ID error does-not-exist`".to_owned()),
        Some(other) => Err(format!("it said `{other}`, not `result ID error does-not-exist`")),
    }
}

/// A handshake that the tester begins, a retransmission, data in both directions, and an abort.
fn passive_open(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
    if !talk.can("listen") {
        list.not_tried("a passive open", "it cannot `listen`");
        return Some(());
    }
    list.needs("`new` makes a world", made(talk.new_world(7)))?;
    list.step(
        "`call ... listen` is answered by `result ID ok`",
        answered(talk.listen(), &Answer::Ok),
    )?;
    talk.now = Instant::from_micros(1_000);
    let syn_ack = syn_ack(talk);
    list.step(
        "a SYN to it is answered, in the same turn, by one SYN,ACK with right addresses, ports and checksums",
        syn_ack.as_ref().map(|_| String::new()).map_err(String::clone),
    )?;
    let syn_ack = syn_ack.ok()?;
    let timer = match talk.timer {
        Some(timer) if timer > talk.now => Ok(format!("after {:?}", timer.since(talk.now))),
        Some(_) => Err("`idle` names the present moment: that is for what has yet to be done now".to_owned()),
        None => Err("`idle -` says that nothing will come by itself; who will send the SYN,ACK again?".to_owned()),
    };
    list.step(
        "`idle` names when it wants to be woken, since the SYN,ACK may be lost",
        timer,
    )?;
    list.step(
        "woken when it asked to be, it sends the SYN,ACK again",
        again(talk, &syn_ack),
    )?;
    established(talk, list)
}

fn syn_ack(talk: &mut Talk) -> Result<Segment, String> {
    let syn = talk.peer.syn();
    let heard = talk.turn(Request::Frame(syn))?;
    let segment = talk.peer.only(&heard.frames)?;
    talk.peer.take_syn_ack(&segment)?;
    Ok(segment)
}

/// Wakes the agent when it asks to be woken, until the SYN,ACK comes again.
fn again(talk: &mut Talk, first: &Segment) -> Step {
    let began = talk.now;
    for _ in 0..TURNS {
        let Some(timer) = talk.timer.filter(|timer| timer.since(began) < FAR) else {
            break;
        };
        talk.now = timer;
        let heard = talk.turn(Request::Tick)?;
        if let Some(frame) = heard.frames.first() {
            let segment = talk.peer.read(frame)?;
            return match (segment.flags, segment.seq) == (first.flags, first.seq) {
                true => Ok(format!("after {:?}", talk.now.since(began))),
                false => Err("what came was another segment".to_owned()),
            };
        }
    }
    Err(format!(
        "it did not, in {TURNS} wakings or {} s of its time: does the stack's clock go by what `at` says?",
        FAR.as_secs()
    ))
}

fn established(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
    if !talk.can("accept") {
        list.not_tried("the rest of a connection", "it cannot `accept`");
        return Some(());
    }
    let pending = talk.call(Call::Accept {
        listener: LISTENER,
        socket: CONNECTION,
    });
    list.step("`call ... accept` waits while nobody is there", waits(pending))?;
    list.step(
        "with the ACK of the handshake comes `event accepted s1 s2 ADDRESS:PORT`",
        accepted(talk),
    )?;
    if talk.can("recv") {
        let recv = talk.call(Call::Recv {
            socket: CONNECTION,
            amount: Some(5),
        });
        list.step("`call ... recv s2 5` waits while nothing is there", waits(recv))?;
        let data = talk.peer.ack(b"hello");
        let heard = talk.turn(Request::Frame(data));
        let expected = Answer::Data(b"hello".to_vec());
        list.step("with the data comes `result ID data HEX`", answered(heard, &expected))?;
    }
    if talk.can("send") {
        list.step(
            "`call ... send` is answered by `result ID count N`, and the data is sent",
            sends(talk),
        )?;
    }
    if talk.can("abort") {
        let aborted = talk.call(Call::Abort { socket: CONNECTION });
        list.step(
            "`call ... abort` is answered by `result ID ok`, and a RST is sent",
            resets(talk, aborted),
        )?;
    }
    quiet_end(talk, list)
}

fn waits(heard: Result<Heard, String>) -> Step {
    match heard?.only()? {
        None | Some(Reply::Pending(_)) => fine(),
        Some(other) => Err(format!("it said `{other}`")),
    }
}

fn accepted(talk: &mut Talk) -> Step {
    let ack = talk.peer.ack(b"");
    let heard = talk.turn(Request::Frame(ack))?;
    let expected = Reply::Accepted {
        listener: LISTENER,
        socket: CONNECTION,
        peer: talk.peer.tester,
    };
    match heard.only()? {
        Some(reply) if *reply == expected => fine(),
        None => Err(format!("nothing came; `{expected}` is due")),
        Some(other) => Err(format!("it said `{other}`, not `{expected}`")),
    }
}

fn sends(talk: &mut Talk) -> Step {
    let heard = talk.call(Call::Send {
        socket: CONNECTION,
        data: b"world".to_vec(),
        urgent: false,
    })?;
    match heard.result()? {
        Answer::Count(5) => {}
        other => return Err(format!("it answered {other:?}, not `count 5`")),
    }
    // An ACK without data may come first.
    for frame in &heard.frames {
        let segment = talk.peer.read(frame)?;
        if segment.payload == b"world" {
            talk.peer.take(&segment);
            return fine();
        }
    }
    Err("no segment with the data came in that turn".to_owned())
}

fn resets(talk: &mut Talk, heard: Result<Heard, String>) -> Step {
    let heard = heard?;
    if *heard.result()? != Answer::Ok {
        return Err("it did not answer `ok`".to_owned());
    }
    let segments: Result<Vec<Segment>, String> = heard.frames.iter().map(|frame| talk.peer.read(frame)).collect();
    match segments?.iter().any(|segment| segment.flags.contains(Flags::RST)) {
        true => fine(),
        false => Err("no RST came in that turn".to_owned()),
    }
}

/// Checks that the agent has sent nothing since its last `idle`.
fn quiet_end(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
    std::thread::sleep(LATE);
    let quiet = talk.process.unasked().map_err(|fault| it(&fault));
    let quiet = quiet.and_then(|()| talk.process.in_step(talk.now, &GO_ON).map_err(|fault| it(&fault)));
    list.step(
        "nothing came late, and no line was answered twice",
        quiet.map(|()| String::new()),
    )
}

fn active_open(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
    if !talk.can("connect") {
        list.not_tried("an active open", "it cannot `connect`");
        return Some(());
    }
    list.needs("`new` makes a world", made(talk.new_world(7)))?;
    list.step(
        "`call ... connect` sends a SYN from that address, and waits",
        connects(talk),
    )
}

fn connects(talk: &mut Talk) -> Step {
    let heard = talk.call(Call::Connect {
        socket: CONNECTION,
        local: talk.peer.target.ip(),
        peer: talk.peer.tester,
        isn: None,
        fast_open: false,
    })?;
    let segment = talk.peer.only(&heard.frames)?;
    if segment.flags.contains(Flags::ACK) || !segment.flags.contains(Flags::SYN) {
        return Err("the segment that came is no SYN".to_owned());
    }
    waits(Ok(heard))
}

/// Another world after the first, in the same process.
fn second_world(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
    if !talk.can("listen") {
        list.not_tried(
            "a second world",
            "it cannot `listen`, so there is nothing to be left over",
        );
        return Some(());
    }
    list.needs("`new` makes a world", made(talk.new_world(7)))?;
    list.needs(
        "`call ... listen` is answered by `result ID ok`",
        answered(talk.listen(), &Answer::Ok),
    )?;
    let syn = talk.peer.syn();
    talk.turn(Request::Frame(syn)).ok()?;
    let again = talk.new_world(8);
    if let Ok(heard) = &again
        && matches!(heard.others.as_slice(), [Reply::Unsupported(_)])
    {
        list.not_tried(
            "a second `new` makes a second world",
            "it cannot do so; each run will have a process of its own, which is slower",
        );
        return Some(());
    }
    list.step("a second `new` makes a second world", made(again))?;
    list.step("the second world is fresh: nobody listens there", fresh(talk))
}

fn fresh(talk: &mut Talk) -> Step {
    let syn = talk.peer.syn();
    for frame in talk.turn(Request::Frame(syn))?.frames {
        if !talk.peer.read(&frame)?.flags.contains(Flags::RST) {
            return Err("a SYN to the port of the first world was not answered by a RST".to_owned());
        }
    }
    fine()
}

/// Makes the same world three times: twice in one process, if the agent can do that, and once in another.
fn same_octets(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
    if !talk.can("listen") {
        list.not_tried("one seed gives the same octets", "it cannot `listen`");
        return Some(());
    }
    let first = story(talk);
    list.needs(
        "a SYN has the same answer in every world",
        first.as_ref().map(|_| String::new()).map_err(String::clone),
    )?;
    let first = first.ok()?;
    let second = match story(talk) {
        Ok(second) if second != first => Err("in a second world with the same seed other frames came".to_owned()),
        // An agent that makes no second world is only compared from process to process.
        Ok(_) | Err(_) => fine(),
    };
    list.step("one seed gives the same octets, in one process", second)?;
    let other = Talk::begin(&talk.launch, &talk.abilities).map_err(|error| error.to_string());
    let third = other.and_then(|mut other| story(&mut other));
    let third = match third {
        Ok(third) if third == first => fine(),
        Ok(_) => Err("in a second process other frames came: is something drawn from elsewhere than the seed?".into()),
        Err(why) => Err(why),
    };
    list.step("one seed gives the same octets, from process to process", third)
}

/// The frames that are sent in a world with one SYN, and when.
fn story(talk: &mut Talk) -> Result<Vec<(Instant, Vec<u8>)>, String> {
    made(talk.new_world(7))?;
    answered(talk.listen(), &Answer::Ok)?;
    let syn = talk.peer.syn();
    let mut sent = Vec::new();
    let mut heard = talk.turn(Request::Frame(syn))?;
    for _ in 0..20 {
        sent.extend(heard.frames.drain(..).map(|frame| (talk.now, frame)));
        let Some(timer) = talk.timer else { break };
        talk.now = timer;
        heard = talk.turn(Request::Tick)?;
    }
    Ok(sent)
}
