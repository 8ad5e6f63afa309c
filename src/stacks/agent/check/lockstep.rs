//! The steps of a check in lockstep.

use super::peer::Peer;
use super::{Checklist, GO_ON, Step, Wrong, abilities, agent, end, fine, it, stack};
use crate::drive::EnvironmentError;
use crate::drive::addresses::target_address;
use crate::drive::protocol::{Mode, Reply, Request};
use crate::rfc::State;
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
/// What an agent with `virtual-time` lets pass in one turn.
const DAY: Instant = Instant::from_millis(24 * 3600 * 1000);

/// Makes all steps. Each part has a process of its own, so that a fault in one leaves the others as they are.
pub(super) fn check(launch: &Launch, list: &mut Checklist<'_>) -> Result<(), EnvironmentError> {
    let Some(introduced) = greeting(Process::start(launch)?, list) else {
        list.not_tried("everything else", "it must greet first");
        return Ok(());
    };
    let can = &introduced.abilities;
    let parts: [(&str, Part); 6] = [
        ("the rest of what is asked of lines", lines),
        ("the rest of a passive open", passive_open),
        ("the rest of an active open", active_open),
        ("that days pass at once", days_pass),
        ("the rest of a second world", second_world),
        ("that one seed gives the same octets", same_octets),
    ];
    for (rest, part) in parts {
        let mut talk = Talk::begin(launch, can)?;
        if part(&mut talk, list).is_none() {
            list.not_tried(rest, "something before it went wrong");
        }
    }
    let mut talk = Talk::begin(launch, can)?;
    end(&mut talk.process, list);
    Ok(())
}

/// A part of the check; `None`: it ended early.
type Part = fn(&mut Talk, &mut Checklist<'_>) -> Option<()>;

fn greeting(mut process: Process, list: &mut Checklist<'_>) -> Option<Introduction> {
    let greeted = process.greet(Mode::Lockstep, &GO_ON);
    let what = "it greets: `agent NAME can ABILITY...`, then `idle`";
    let introduced = match greeted {
        Ok(introduced) => introduced,
        Err(fault) => {
            let Wrong(_, more) = it(&fault, &mut process);
            list.step(what, Err(agent(more)));
            return None;
        }
    };
    let can: Vec<&str> = introduced.abilities.iter().collect();
    list.step(what, Ok(format!("{} can {}", introduced.name, can.join(" "))));
    abilities(&introduced.abilities, Mode::Lockstep, list);
    std::thread::sleep(LATE);
    let quiet = process.unasked();
    let quiet = quiet.map(|()| String::new());
    list.step(
        "nothing comes after `idle`",
        quiet.map_err(|fault| it(&fault, &mut process)),
    );
    Some(introduced)
}

/// A process that has greeted.
struct Talk {
    launch: Launch,
    process: Process,
    abilities: Abilities,
    /// Why nothing more can be said to this process, if so.
    down: Option<Wrong>,
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
    fn only(&self) -> Result<Option<&Reply>, Wrong> {
        let mut said = self.others.iter().filter(|reply| !matches!(reply, Reply::Note(_)));
        match (said.next(), said.next()) {
            (first, None) => Ok(first),
            (first, Some(second)) => {
                let first = first.map(ToString::to_string).unwrap_or_default();
                Err(agent(format!("it said `{first}`, and then `{second}`: once is enough")))
            }
        }
    }

    /// The answer to a call.
    fn result(&self) -> Result<&Answer, Wrong> {
        match self.only()? {
            Some(Reply::Result(_, Ok(answer))) => Ok(answer),
            Some(other) => Err(agent(format!("it said `{other}`"))),
            None => Err(agent(
                "it did not answer the call: that means pending, but this call can be answered at once",
            )),
        }
    }

    /// Requires that there were only remarks.
    fn nothing(&self) -> Step {
        match (self.frames.is_empty(), self.only()?) {
            (true, None) => fine(),
            (false, _) => Err(stack("frames came")),
            (_, Some(other)) => Err(agent(format!("it said `{other}`"))),
        }
    }
}

impl Talk {
    fn begin(launch: &Launch, can: &Abilities) -> Result<Talk, EnvironmentError> {
        let mut process = Process::start(launch)?;
        let greeted = process.greet(Mode::Lockstep, &GO_ON);
        let down = greeted.err().map(|fault| it(&fault, &mut process));
        let ip = if can.can("ipv4") { IpVersion::V4 } else { IpVersion::V6 };
        Ok(Talk {
            launch: launch.clone(),
            process,
            abilities: can.clone(),
            down,
            ip,
            peer: Peer::new(ip),
            now: Instant::ZERO,
            timer: None,
            calls: 0,
        })
    }

    /// Goes on after a fault, with another process in a world as the first.
    fn recover(&mut self) -> Option<()> {
        if self.down.is_some() {
            *self = Talk::begin(&self.launch, &self.abilities).ok()?;
            made(self.new_world(7)).ok()?;
        }
        Some(())
    }

    /// Whether anything more can be said to this process.
    fn goes_on(&self) -> Option<()> {
        self.down.is_none().then_some(())
    }

    fn fail(&mut self, fault: &Fault) -> Wrong {
        let wrong = it(fault, &mut self.process);
        self.down.get_or_insert(wrong).clone()
    }

    fn turn(&mut self, request: Request) -> Result<Heard, Wrong> {
        if let Some(why) = &self.down {
            return Err(why.clone());
        }
        let mut heard = Heard::default();
        let turned = self.process.turn(self.now, request, &GO_ON, &mut |reply| {
            match reply {
                Reply::Frame(octets) => heard.frames.push(octets),
                other => heard.others.push(other),
            }
            Ok(())
        });
        match turned {
            Ok(timer) => {
                self.timer = timer;
                Ok(heard)
            }
            Err(fault) => Err(self.fail(&fault)),
        }
    }

    /// Whether each line so far has had its own answer.
    fn in_step(&mut self) -> Step {
        if let Some(why) = &self.down {
            return Err(why.clone());
        }
        let in_step = self.process.in_step(self.now, &GO_ON);
        in_step.map_or_else(|fault| Err(self.fail(&fault)), |()| fine())
    }

    fn call(&mut self, call: Call) -> Result<Heard, Wrong> {
        self.calls += 1;
        self.turn(Request::Call(CallId(self.calls), call))
    }

    fn new_world(&mut self, seed: u64) -> Result<Heard, Wrong> {
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

    fn listen(&mut self) -> Result<Heard, Wrong> {
        self.call(Call::Listen {
            socket: LISTENER,
            local: self.peer.target,
            backlog: 1,
            fast_open: None,
        })
    }

    fn connect(&mut self) -> Result<Heard, Wrong> {
        self.call(Call::Connect {
            socket: CONNECTION,
            local: self.peer.target.ip(),
            peer: self.peer.tester,
            isn: None,
            fast_open: false,
        })
    }

    fn can(&self, ability: &str) -> bool {
        self.abilities.can(ability)
    }
}

const LISTENER: SocketId = SocketId(1);
const CONNECTION: SocketId = SocketId(2);
const NOBODY: SocketId = SocketId(77);

fn made(heard: Result<Heard, Wrong>) -> Step {
    heard?.nothing()
}

fn answered(heard: Result<Heard, Wrong>, expected: &Answer) -> Step {
    let heard = heard?;
    match heard.result()? {
        answer if answer == expected => fine(),
        other => Err(agent(format!("it answered {other:?}, not {expected:?}"))),
    }
}

/// One step of the check, which talks with the agent.
type Check = fn(&mut Talk) -> Step;

/// Lines that no agent knows, and lines without meaning. None of these steps needs the others.
fn lines(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
    list.step(
        "`new` makes a world, and nothing happens in it yet",
        made(talk.new_world(7)),
    )?;
    let mut checks: Vec<(&str, Check)> = vec![
        (
            "a line that it does not know is answered by `unknown`, and does no harm",
            unknown,
        ),
        (
            "it is in step: `sync` is answered by `synced` (or `unknown`)",
            Talk::in_step,
        ),
        ("a call on a socket that is none ends badly, and does no harm", refused),
        ("frames that are no packets do no harm", survives_junk),
    ];
    if talk.can("state") {
        checks.push((
            "`call ... state` of a port where nobody listens is answered by `state closed`",
            |talk| state_is(talk, State::Closed),
        ));
    }
    for (what, check) in checks {
        // What was answered twice shows only in the next turn.
        let step = check(talk).and_then(|more| talk.in_step().map(|_| more));
        list.step(what, step);
        talk.recover()?;
    }
    Some(())
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
    if let Err(fault) = turned {
        let Wrong(_, more) = talk.fail(&fault);
        return Err(agent(more));
    }
    match heard.as_slice() {
        [Reply::Unknown(_)] => fine(),
        [] => Err(agent(format!(
            "it passed over `{line}` without a word; say `unknown {line}`, then `idle`"
        ))),
        [other, ..] => Err(agent(format!(
            "it answered `{line}` with `{other}`; say `unknown {line}`, then `idle`"
        ))),
    }
}

fn refused(talk: &mut Talk) -> Step {
    let heard = talk.call(Call::Close { socket: NOBODY })?;
    match heard.only()? {
        Some(Reply::Result(_, Err(_))) => fine(),
        None => Err(agent("it did not answer; say `result ID error does-not-exist`")),
        Some(other) => Err(agent(format!(
            "it said `{other}`, not `result ID error does-not-exist`"
        ))),
    }
}

fn survives_junk(talk: &mut Talk) -> Step {
    let junk = [vec![0x45], vec![0; 40], vec![0xff; 60], Vec::new()];
    junk.into_iter().try_fold(String::new(), |_, frame| {
        talk.turn(Request::Frame(frame)).and_then(|heard| heard.nothing())
    })
}

fn state_is(talk: &mut Talk, state: State) -> Step {
    let (local, peer) = (talk.peer.target, talk.peer.tester);
    let heard = talk.call(Call::State { local, peer });
    answered(heard, &Answer::State(state))
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
    if talk.can("state") {
        list.step(
            "`call ... state` of a port that listens is answered by `state listen`",
            state_is(talk, State::Listen),
        );
        talk.goes_on()?;
    }
    talk.now = Instant::from_micros(1_000);
    let syn_ack = syn_ack(talk, list)?;
    let timer = match talk.timer {
        Some(timer) if timer > talk.now => Ok(format!("after {:?}", timer.since(talk.now))),
        Some(_) => Err(agent(
            "`idle` names the present moment: that is for what has yet to be done now",
        )),
        None => Err(agent(
            "`idle -` says that nothing will come by itself; who will send the SYN,ACK again?",
        )),
    };
    list.step(
        "`idle` names when it wants to be woken, since the SYN,ACK may be lost",
        timer,
    );
    list.step(
        "woken when it asked to be, it sends the SYN,ACK again",
        again(talk, &syn_ack),
    );
    talk.goes_on()?;
    established(talk, list)
}

/// Sends a SYN. What is wrong with the checksums of the answer need not end the talk.
fn syn_ack(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<Segment> {
    let syn = talk.peer.syn();
    let heard = talk.turn(Request::Frame(syn));
    let frame = heard.and_then(|heard| talk.peer.only(&heard.frames).map(<[u8]>::to_vec));
    let whole = frame.clone().and_then(|frame| {
        let segment = talk.peer.read(&frame)?;
        talk.peer.take_syn_ack(&segment)
    });
    list.step(
        "a SYN to it is answered, in the same turn, by one SYN,ACK with right addresses, ports and checksums",
        whole.map(|()| String::new()),
    );
    let segment = Peer::glance(&frame.ok()?).ok()?;
    talk.peer.take_syn_ack(&segment).ok()?;
    Some(segment)
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
            let segment = Peer::glance(frame)?;
            return match (segment.flags, segment.seq) == (first.flags, first.seq) {
                true => Ok(format!("after {:?}", talk.now.since(began))),
                false => Err(stack("what came was another segment")),
            };
        }
    }
    Err(agent(format!(
        "it did not, in {TURNS} wakings or {} s of its time: does the stack's clock go by what `at` says?",
        FAR.as_secs()
    )))
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
    list.step("`call ... accept` waits while nobody is there", waits(pending));
    list.step(
        "with the ACK of the handshake comes `event accepted s1 s2 ADDRESS:PORT`",
        accepted(talk),
    )?;
    if talk.can("recv") {
        let recv = talk.call(Call::Recv {
            socket: CONNECTION,
            amount: Some(5),
        });
        list.step("`call ... recv s2 5` waits while nothing is there", waits(recv));
        let data = talk.peer.ack(b"hello");
        let heard = talk.turn(Request::Frame(data));
        let expected = Answer::Data(b"hello".to_vec());
        list.step("with the data comes `result ID data HEX`", answered(heard, &expected));
        talk.goes_on()?;
    }
    if talk.can("send") {
        list.step(
            "`call ... send` is answered by `result ID count N`, and the data is sent",
            sends(talk),
        );
        talk.goes_on()?;
    }
    if talk.can("abort") {
        let aborted = talk.call(Call::Abort { socket: CONNECTION });
        list.step(
            "`call ... abort` is answered by `result ID ok`, and a RST is sent",
            resets(aborted),
        );
        talk.goes_on()?;
    }
    quiet_end(talk, list)
}

fn waits(heard: Result<Heard, Wrong>) -> Step {
    match heard?.only()? {
        None | Some(Reply::Pending(_)) => fine(),
        Some(other) => Err(agent(format!("it said `{other}`"))),
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
        None => Err(agent(format!("nothing came; `{expected}` is due"))),
        Some(other) => Err(agent(format!("it said `{other}`, not `{expected}`"))),
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
        other => return Err(agent(format!("it answered {other:?}, not `count 5`"))),
    }
    // An ACK without data may come first.
    for frame in &heard.frames {
        let segment = Peer::glance(frame)?;
        if segment.payload == b"world" {
            talk.peer.take(&segment);
            return fine();
        }
    }
    Err(stack("no segment with the data came in that turn"))
}

fn resets(heard: Result<Heard, Wrong>) -> Step {
    let heard = heard?;
    if *heard.result()? != Answer::Ok {
        return Err(agent("it did not answer `ok`"));
    }
    let segments: Result<Vec<Segment>, Wrong> = heard.frames.iter().map(|frame| Peer::glance(frame)).collect();
    match segments?.iter().any(|segment| segment.flags.contains(Flags::RST)) {
        true => fine(),
        false => Err(stack("no RST came in that turn")),
    }
}

/// Checks that the agent has sent nothing since its last `idle`.
fn quiet_end(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
    std::thread::sleep(LATE);
    list.step("nothing came late, and no line was answered twice", talk.in_step())
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
    );
    talk.goes_on()?;
    list.step(
        "`call ... connect` on a socket that is open ends badly, and sends nothing",
        connects_again(talk),
    )
}

fn connects_again(talk: &mut Talk) -> Step {
    let heard = talk.connect()?;
    if !heard.frames.is_empty() {
        return Err(agent(
            "a segment came: was another connection opened under the same name?",
        ));
    }
    match heard.only()? {
        Some(Reply::Result(_, Err(_))) => fine(),
        None => Err(agent("it did not answer; say `result ID error already-exists`")),
        Some(other) => Err(agent(format!(
            "it said `{other}`, not `result ID error already-exists`"
        ))),
    }
}

fn connects(talk: &mut Talk) -> Step {
    let heard = talk.connect()?;
    let segment = talk.peer.read(talk.peer.only(&heard.frames)?)?;
    if segment.flags.contains(Flags::ACK) || !segment.flags.contains(Flags::SYN) {
        return Err(stack("the segment that came is no SYN"));
    }
    waits(Ok(heard))
}

/// A day in one turn.
fn days_pass(talk: &mut Talk, list: &mut Checklist<'_>) -> Option<()> {
    if !talk.can("virtual-time") {
        return Some(());
    }
    list.needs("`new` makes a world", made(talk.new_world(7)))?;
    talk.now = DAY;
    list.step("a day may pass between two lines", no_one_listens(talk))
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
    list.step("the second world is fresh: nobody listens there", no_one_listens(talk))
}

/// A SYN is answered by nothing but a RST.
fn no_one_listens(talk: &mut Talk) -> Step {
    let syn = talk.peer.syn();
    for frame in talk.turn(Request::Frame(syn))?.frames {
        if !Peer::glance(&frame)?.flags.contains(Flags::RST) {
            return Err(agent(
                "a SYN was not answered by a RST, though nobody listens in this world",
            ));
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
        first.as_ref().map(|_| String::new()).map_err(Wrong::clone),
    )?;
    let first = first.ok()?;
    let second = match story(talk) {
        Ok(second) if second != first => Err(agent("in a second world with the same seed other frames came")),
        // An agent that makes no second world is only compared from process to process.
        Ok(_) | Err(_) => fine(),
    };
    list.step("one seed gives the same octets, in one process", second);
    let other = Talk::begin(&talk.launch, &talk.abilities).map_err(|error| agent(error.to_string()));
    let third = other.and_then(|mut other| story(&mut other));
    let third = match third {
        Ok(third) if third == first => fine(),
        Ok(_) => Err(agent(
            "in a second process other frames came: is something drawn from elsewhere than the seed?",
        )),
        Err(why) => Err(why),
    };
    list.step("one seed gives the same octets, from process to process", third)
}

/// The frames that are sent in a world with one SYN, and when.
fn story(talk: &mut Talk) -> Result<Vec<(Instant, Vec<u8>)>, Wrong> {
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
