//! Runs against a target whose clock we do not own: carries between a bench and a [`Place`], and decides nothing.
//!
//! A kernel does what a packet or a call causes before it returns from the write or says that the call is done; what
//! comes later was caused by a timer or by the application. So all packets are received after each of them, and what was
//! found is told as its consequence. Everything else that comes is stamped with the interval between the last look that
//! found nothing and the one that found it.

use super::place::{Losses, Place};
use super::protocol::{Reply, Request};
use crate::engine::{Bench, Endpoints, Outcome, RunId, Step, Verdict};
use crate::link::{Alarm, Readiness};
use crate::stack::{Call, CallId, Emitted, Facts, SocketId};
use crate::time::{Instant, Stamp};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// How often the device is looked at while runs are under way: a stamp is hardly ever wider.
const LOOK: Duration = Duration::from_millis(5);
/// After so many steps packets and lines are looked for, whatever else there is to do.
const STEPS: u32 = 64;
/// How often the driver looks whether the agent has been silent for too long.
const CHECK: Duration = Duration::from_millis(250);
/// Calls that are on their way at once: enough to keep an agent busy, few enough for it to answer in a moment.
const CALLS_AT_ONCE: usize = 128;

/// Our clock, which all drivers of a session share.
#[derive(Clone, Copy, Debug)]
pub struct Clock(std::time::Instant);

impl Clock {
    /// One that begins now.
    pub fn start() -> Clock {
        Clock(std::time::Instant::now())
    }

    /// Since then.
    pub fn now(self) -> Instant {
        Instant::ZERO + self.0.elapsed()
    }
}

/// One place, and the runs in it.
pub struct Driver<P> {
    bench: Bench,
    place: P,
    clock: Clock,
    /// When the device was last seen empty.
    drained: Instant,
    /// When the agent was last seen to have nothing to say.
    heard: Instant,
    runs: BTreeMap<RunId, UnderWay>,
    /// Calls that wait to be written.
    calls: VecDeque<(RunId, CallId, Call)>,
    /// Calls that have been written and not been answered.
    asked: HashMap<CallId, RunId>,
    /// Calls that are pending.
    pending: HashMap<CallId, RunId>,
    /// The calls that are answered by handing over a socket of that name.
    accepts: HashMap<SocketId, CallId>,
    /// The tester addresses of runs with a call on its way: their frames may be its consequence, and are kept for it.
    calling: HashMap<IpAddr, RunId>,
    syncs: Syncs,
    /// Outcomes that nobody may see yet, and when they were reached: it must be shown first that the agent outlived them.
    /// When its process dies its sockets are closed, and the kernel's FINs come before the news of its death.
    held: Vec<(usize, Outcome, Instant)>,
    /// Outcomes that stand.
    ended: Vec<(usize, Outcome)>,
    losses: Losses,
    /// When all runs under way were taken back for the last time, and why.
    voided: Option<(Instant, String)>,
    next_check: Instant,
    /// Why nothing more can be had of this place.
    broken: Option<String>,
}

/// What the driver knows of a run.
struct UnderWay {
    job: usize,
    testers: Vec<IpAddr>,
    sockets: BTreeSet<SocketId>,
    pending: BTreeSet<CallId>,
    in_call: Option<InCall>,
}

impl UnderWay {
    fn begin_call(&mut self, call: &Call, now: Instant) {
        if let Call::Listen { socket, .. } | Call::Connect { socket, .. } | Call::Accept { socket, .. } = call {
            self.sockets.insert(*socket);
        }
        let closes = match call {
            Call::Close { socket } | Call::Abort { socket } => Some(*socket),
            _ => None,
        };
        self.in_call = Some(InCall {
            written: now,
            closes,
            held: Vec::new(),
        });
    }
}

/// A call on its way.
struct InCall {
    written: Instant,
    /// The socket that is no more when it ends well.
    closes: Option<SocketId>,
    held: Vec<(Stamp, Vec<u8>)>,
}

/// Questions whether the agent has taken pending calls as far as they go.
#[derive(Default)]
struct Syncs {
    last: u64,
    /// Asked and not answered: when, and on whose behalf.
    open: VecDeque<(u64, Instant, Option<RunId>)>,
    /// Up to this moment everything has been told.
    until: Instant,
}

impl<P: Place> Driver<P> {
    /// Drives a place.
    pub fn new(mut place: P, facts: Arc<Facts>, clock: Clock) -> Driver<P> {
        let now = clock.now();
        let (losses, broken) = match read_losses(&mut place) {
            Ok(losses) => (losses, None),
            Err(why) => (Losses::default(), Some(why)),
        };
        Driver {
            bench: Bench::new(facts),
            place,
            clock,
            drained: now,
            heard: now,
            runs: BTreeMap::new(),
            calls: VecDeque::new(),
            asked: HashMap::new(),
            pending: HashMap::new(),
            accepts: HashMap::new(),
            calling: HashMap::new(),
            syncs: Syncs::default(),
            held: Vec::new(),
            ended: Vec::new(),
            losses,
            voided: None,
            next_check: now,
            broken,
        }
    }

    /// Begins a run; `job` is what its outcome will be told under.
    pub fn start(&mut self, job: usize, script: Arc<crate::script::Script>, at: Endpoints) {
        let testers = at.testers.clone();
        let run = self.bench.start(self.clock.now(), script, at);
        let under_way = UnderWay {
            job,
            testers,
            sockets: BTreeSet::new(),
            pending: BTreeSet::new(),
            in_call: None,
        };
        self.runs.insert(run, under_way);
    }

    /// Runs under way, and those of which the outcome cannot be told yet.
    pub fn active(&self) -> usize {
        self.bench.active() + self.held.len()
    }

    /// Why nothing more can be had of this place.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Ends all runs without a verdict.
    pub fn stop(&mut self, reason: &str) {
        self.bench.void_all(self.clock.now(), reason);
    }

    /// Calls that wait to be written or have not been answered: what the agent and the driver are busy with just now.
    pub fn unanswered(&self) -> usize {
        self.calls.len() + self.asked.len()
    }

    /// What has ended since the last time.
    pub fn take_ended(&mut self) -> Vec<(usize, Outcome)> {
        std::mem::take(&mut self.ended)
    }

    /// The place, when nothing more is to be run in it.
    pub fn into_place(self) -> P {
        self.place
    }

    /// Does all that can be done now, and says when there is something to do again by itself; `None`: at once.
    pub fn turn(&mut self) -> Option<Instant> {
        let next = self.try_turn().and_then(|next| self.conclude().map(|()| next));
        next.unwrap_or_else(|why| {
            let why = match self.broken {
                None => why + &self.place.end_of_standard_error(),
                Some(_) => why,
            };
            self.break_down(why);
            None
        })
    }

    fn try_turn(&mut self) -> Result<Option<Instant>, String> {
        if let Some(why) = &self.broken {
            return Err(why.clone());
        }
        self.look()?;
        self.listen()?;
        for _ in 0..STEPS {
            let now = self.clock.now();
            match self.bench.poll(now, self.certain()) {
                Step::Inject(run, packet) => self.inject(run, &packet)?,
                Step::Call(run, id, call) => self.calls.push_back((run, id, call)),
                Step::Done(run) => self.finish(run),
                Step::Idle => {
                    self.write_calls()?;
                    self.check_patience(now)?;
                    return Ok(Some(now + LOOK));
                }
                Step::Wait(deadline) => {
                    if deadline <= now {
                        self.make_certain(now);
                    }
                    self.write_calls()?;
                    self.check_patience(now)?;
                    return Ok(Some(deadline.min(now + LOOK)));
                }
            }
        }
        self.write_calls()?;
        Ok(None)
    }

    /// Up to when everything that happened has been handed in.
    fn certain(&self) -> Instant {
        match self.pending.is_empty() {
            true => self.drained,
            // How a pending call ended comes through the agent, which may be slow to say it.
            false => self.drained.min(self.syncs.until),
        }
    }

    /// Has the agent say that there is nothing more up to now.
    fn make_certain(&mut self, now: Instant) {
        if !self.pending.is_empty() && self.syncs.open.is_empty() {
            self.sync(now, None);
        }
    }

    fn sync(&mut self, now: Instant, run: Option<RunId>) {
        self.syncs.last += 1;
        self.syncs.open.push_back((self.syncs.last, now, run));
        self.place.say(&Request::Sync(self.syncs.last));
    }

    /// Hands in what has come to the device by itself.
    fn look(&mut self) -> Result<(), String> {
        let before = self.drained;
        loop {
            let asked = self.clock.now();
            let Some(frame) = receive(&mut self.place)? else {
                self.drained = asked;
                return Ok(());
            };
            let stamp = Stamp {
                earliest: before,
                latest: self.clock.now(),
            };
            let calling = destination(frame).and_then(|to| self.calling.get(&to));
            let it = calling.and_then(|run| self.runs.get_mut(run));
            match it.and_then(|it| it.in_call.as_mut()) {
                Some(call) => call.held.push((stamp, frame.to_vec())),
                None => self.bench.handle(stamp, Emitted::Packet(frame.to_vec())),
            }
        }
    }

    fn inject(&mut self, run: RunId, packet: &[u8]) -> Result<(), String> {
        // What is there already is not this packet's doing.
        self.look()?;
        let before = self.clock.now();
        let sent = self.place.send(packet);
        let after = self.clock.now();
        if let Err(error) = sent {
            // A device that is gone says so at every packet; then each run ends with this reason.
            self.bench
                .void(run, after, &format!("the device took no packet: {error}"));
            return Ok(());
        }
        self.bench.carried(
            run,
            Stamp {
                earliest: before,
                latest: after,
            },
        );
        self.look()?;
        match self.runs.get(&run).is_some_and(|it| !it.pending.is_empty()) {
            // The agent may be about to take a pending call further: its doing belongs to this packet too.
            true => self.sync(after, Some(run)),
            false => self.bench.quiet(run, self.drained),
        }
        Ok(())
    }

    /// Writes calls that wait, as many as may be on their way.
    fn write_calls(&mut self) -> Result<(), String> {
        let now = self.clock.now();
        while self.asked.len() < CALLS_AT_ONCE
            && let Some((run, id, call)) = self.calls.pop_front()
        {
            let Some(it) = self.runs.get_mut(&run) else { continue };
            it.begin_call(&call, now);
            self.calling.extend(it.testers.iter().map(|tester| (*tester, run)));
            if let Call::Accept { socket, .. } = &call {
                self.accepts.insert(*socket, id);
            }
            self.asked.insert(id, run);
            self.place.say(&Request::Call(id, call));
        }
        self.place.flush()
    }

    /// Hands in what the agent says.
    fn listen(&mut self) -> Result<(), String> {
        let before = self.heard;
        let asked = self.clock.now();
        let mut replies = Vec::new();
        let heard = self.place.hear(&mut replies);
        if !replies.is_empty() {
            // What calls caused was in the device's queue before the agent spoke of them.
            self.look()?;
            let at = Stamp {
                earliest: before,
                latest: self.clock.now(),
            };
            let quiet = self.hand_in(replies, at)?;
            // Once more, for sockets that were busy in a call when a packet came.
            self.look()?;
            for run in quiet {
                self.bench.quiet(run, self.drained);
            }
            self.write_calls()?;
        }
        self.heard = asked;
        heard
    }

    /// Hands in replies, and says for which runs they end a step.
    fn hand_in(&mut self, replies: Vec<Reply>, at: Stamp) -> Result<Vec<RunId>, String> {
        let mut quiet = Vec::new();
        // First what has been carried out: whatever else is told of those runs was caused by it.
        for reply in &replies {
            if let Some(run) = self.call_of(reply).and_then(|id| self.asked.get(&id).copied()) {
                self.call_carried(run, matches!(reply, Reply::Result(_, Ok(_))), at.latest);
                quiet.push(run);
            }
        }
        for reply in replies {
            let id = self.call_of(&reply);
            let asked = id.and_then(|id| self.asked.remove(&id));
            match reply {
                Reply::Pending(id) => {
                    if let Some(run) = asked {
                        self.pending.insert(id, run);
                        if let Some(it) = self.runs.get_mut(&run) {
                            it.pending.insert(id);
                        }
                    }
                    self.bench.handle(at, Emitted::Pending(id));
                }
                Reply::Result(id, result) => {
                    self.no_longer_pending(id);
                    self.bench.handle(at, Emitted::Result(id, result));
                }
                Reply::Accepted { listener, socket, peer } => {
                    if let Some(id) = self.accepts.remove(&socket) {
                        self.no_longer_pending(id);
                    }
                    self.bench.handle(at, Emitted::Accepted { listener, socket, peer });
                }
                Reply::Synced(number) => quiet.extend(self.synced(number)),
                Reply::Note(_) => {}
                other => return Err(format!("the target's process said `{other}` out of turn")),
            }
        }
        Ok(quiet)
    }

    /// The call that a reply is about.
    fn call_of(&self, reply: &Reply) -> Option<CallId> {
        match reply {
            Reply::Result(id, _) | Reply::Pending(id) => Some(*id),
            Reply::Accepted { socket, .. } => self.accepts.get(socket).copied(),
            _ => None,
        }
    }

    fn call_carried(&mut self, run: RunId, done: bool, now: Instant) {
        let Some(it) = self.runs.get_mut(&run) else { return };
        let Some(call) = it.in_call.take() else { return };
        if let Some(socket) = call.closes.filter(|_| done) {
            it.sockets.remove(&socket);
        }
        for tester in &it.testers {
            self.calling.remove(tester);
        }
        self.bench.carried(
            run,
            Stamp {
                earliest: call.written,
                latest: now,
            },
        );
        for (stamp, frame) in call.held {
            self.bench.handle(stamp, Emitted::Packet(frame));
        }
    }

    fn no_longer_pending(&mut self, id: CallId) {
        if let Some(run) = self.pending.remove(&id)
            && let Some(it) = self.runs.get_mut(&run)
        {
            it.pending.remove(&id);
        }
    }

    /// The runs whose last step is known to be over now.
    fn synced(&mut self, number: u64) -> Vec<RunId> {
        let mut over = Vec::new();
        while let Some((asked, at, run)) = self.syncs.open.front().copied()
            && asked <= number
        {
            self.syncs.open.pop_front();
            self.syncs.until = at;
            over.extend(run);
        }
        over
    }

    fn check_patience(&mut self, now: Instant) -> Result<(), String> {
        if now < self.next_check {
            return Ok(());
        }
        self.next_check = now + CHECK;
        let calls = self
            .runs
            .values()
            .filter_map(|it| it.in_call.as_ref())
            .map(|call| call.written);
        let syncs = self.syncs.open.front().map(|(_, at, _)| *at);
        let oldest = calls.chain(syncs).min();
        // An agent that has not said for so long that it took a call up has lost it.
        let patience = self.place.patience();
        match oldest.is_some_and(|at| now.since(at) > patience) {
            true => Err(format!(
                "the target's process has not answered for {} s",
                patience.as_secs_f32()
            )),
            false => Ok(()),
        }
    }

    /// Takes the outcome of a run, and gives back what it has left.
    fn finish(&mut self, run: RunId) {
        let Some(mut outcome) = self.bench.take(run) else {
            return;
        };
        let Some(it) = self.runs.remove(&run) else { return };
        for tester in &it.testers {
            self.calling.remove(tester);
        }
        if outcome.verdict == Verdict::Inconclusive {
            // It may have been ended from outside, in the middle of a call.
            self.calls.retain(|(of, _, _)| *of != run);
            self.asked.retain(|_, of| *of != run);
        }
        for id in &it.pending {
            self.pending.remove(id);
        }
        for socket in &it.sockets {
            self.accepts.remove(socket);
        }
        if !it.sockets.is_empty() {
            self.place.say(&Request::Forget(it.sockets.into_iter().collect()));
        }
        // It may have been over when everything was taken back, and only now be asked for.
        if let Some((at, reason)) = &self.voided
            && outcome.began <= *at
        {
            void(&mut outcome, reason);
        }
        self.held.push((it.job, outcome, self.clock.now()));
    }

    /// Lets outcomes stand that the agent has outlived, unless something was lost while they came about.
    fn conclude(&mut self) -> Result<(), String> {
        if self.held.is_empty() {
            return Ok(());
        }
        if self.held.iter().any(|(_, _, at)| *at < self.syncs.until) {
            let losses = read_losses(&mut self.place)?;
            let risen = losses.beyond(&self.losses);
            self.losses = losses;
            if let Some(reason) = risen {
                self.void_all(&reason);
            }
            let until = self.syncs.until;
            let stand = self.held.extract_if(.., |(_, _, at)| *at < until);
            self.ended.extend(stand.map(|(job, outcome, _)| (job, outcome)));
        }
        if !self.held.is_empty() && self.syncs.open.is_empty() {
            self.sync(self.clock.now(), None);
            self.place.flush()?;
        }
        Ok(())
    }

    /// Takes everything back that is under way or not yet told.
    fn void_all(&mut self, reason: &str) {
        let now = self.clock.now();
        self.bench.void_all(now, reason);
        self.voided = Some((now, reason.to_owned()));
        for (_, outcome, _) in &mut self.held {
            void(outcome, reason);
        }
    }

    /// Ends all runs, and what was to be done for them.
    fn break_down(&mut self, why: String) {
        self.void_all(&why);
        loop {
            let now = self.clock.now();
            match self.bench.poll(now, now) {
                Step::Done(run) => self.finish(run),
                Step::Inject(run, _) | Step::Call(run, _, _) => self.bench.void(run, now, "nothing can be carried"),
                Step::Wait(_) | Step::Idle => break,
            }
        }
        self.ended
            .extend(self.held.drain(..).map(|(job, outcome, _)| (job, outcome)));
        self.broken = Some(why);
    }
}

/// Takes a verdict back that was reached while something was lost.
fn void(outcome: &mut Outcome, reason: &str) {
    match outcome.verdict {
        // Nothing was carried for these.
        Verdict::Unsupported | Verdict::NotApplicable | Verdict::CaseError => {}
        Verdict::Pass | Verdict::Fail | Verdict::Deviates | Verdict::Observed | Verdict::Inconclusive => {
            outcome.verdict = Verdict::Inconclusive;
            outcome.failure = None;
            outcome.reason = reason.to_owned();
        }
    }
}

fn read_losses(place: &mut impl Place) -> Result<Losses, String> {
    let losses = place.losses();
    losses.map_err(|error| format!("what was lost in the place cannot be read: {error}"))
}

fn receive(place: &mut impl Place) -> Result<Option<&[u8]>, String> {
    let received = place.receive();
    received.map_err(|error| format!("the device cannot be read: {error}"))
}

/// To whom an IP packet goes.
fn destination(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => Some(IpAddr::V4(Ipv4Addr::from(
            <[u8; 4]>::try_from(packet.get(16..20)?).ok()?,
        ))),
        6 => Some(IpAddr::V6(Ipv6Addr::from(
            <[u8; 16]>::try_from(packet.get(24..40)?).ok()?,
        ))),
        _ => None,
    }
}

/// What wakes a driver.
pub struct Wakers {
    packets: Readiness,
    lines: Readiness,
    alarm: Alarm,
}

impl Wakers {
    /// Those of a driver.
    pub fn of<P: Place>(driver: &Driver<P>) -> std::io::Result<Wakers> {
        Ok(Wakers {
            packets: driver.place.packets()?,
            lines: driver.place.lines()?,
            alarm: Alarm::new()?,
        })
    }

    /// Returns when a frame or a line has come.
    pub async fn frame_or_line(&self) -> std::io::Result<()> {
        tokio::select! {
            ready = self.packets.readable() => ready,
            ready = self.lines.readable() => ready,
        }
    }

    /// Returns when a frame or a line has come, when a line can be written on, or at `deadline`.
    pub async fn wait<P: Place>(&self, driver: &Driver<P>, deadline: Instant) -> std::io::Result<()> {
        let left = deadline.since(driver.clock.now());
        tokio::select! {
            biased;
            ready = self.packets.readable() => ready,
            ready = self.lines.readable() => ready,
            ready = self.lines.writable(), if driver.place.is_behind() => ready,
            rung = self.alarm.after(left) => rung,
        }
    }
}

#[cfg(test)]
mod tests;
