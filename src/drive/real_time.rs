//! Runs against a target whose clock we do not own. The driver carries packets and calls between a bench and a
//! [`Place`]; the bench decides what they mean.
//!
//! A kernel has done what a packet or a call causes when the write of the packet returns, or when it says that the call
//! is done; what comes later was caused by a timer or by the application. So the driver receives all packets after each
//! packet and each call, and reports them as their consequence. Everything else is stamped with the interval between
//! the last look that found nothing and the look that found it.

use super::place::{Losses, Place};
use super::protocol::{Reply, Request};
use super::{FairClock, Halt, Patience};
use crate::engine::{Bench, Endpoints, Outcome, RunId, Step, Verdict};
use crate::link::{Alarm, Readiness};
use crate::stack::{Breakdown, Call, CallId, Emitted, Facts, SocketId};
use crate::time::{Instant, Stamp};
use crate::wire::Packet;
use core::net::IpAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

/// How often the device is read while runs are under way; a stamp is hardly ever wider than this.
const LOOK: Duration = Duration::from_millis(5);
/// After so many steps of the bench packets and lines are read, even if the bench has more steps.
const STEPS: u32 = 64;
/// How often the driver looks whether the agent has been silent for too long.
const CHECK: Duration = Duration::from_millis(250);
/// Most calls that have been written and not been answered: enough to keep an agent busy, few enough for quick answers.
const CALLS_AT_ONCE: usize = 128;

/// The tester's clock, which all drivers of a session share.
#[derive(Clone, Copy, Debug)]
pub struct Clock(std::time::Instant);

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Clock {
        Clock(std::time::Instant::now())
    }

    /// The time since its start.
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
    /// When the agent was last seen to have sent no line.
    heard: Instant,
    runs: BTreeMap<RunId, UnderWay>,
    /// Calls that wait to be written.
    calls: VecDeque<(RunId, CallId, Call)>,
    /// Calls that have been written and not been answered.
    asked: HashMap<CallId, RunId>,
    /// Calls that are pending.
    pending: HashMap<CallId, RunId>,
    /// The `accept` calls that are open, by the name of the socket that each will be given.
    accepts: HashMap<SocketId, CallId>,
    /// The tester addresses of runs with an unanswered call: frames to them may be the call's consequence, and are kept
    /// until it is answered.
    calling: HashMap<IpAddr, RunId>,
    syncs: Syncs,
    /// Outcomes that are not reported yet, and when they were reached: it must be shown first that the agent was alive
    /// after them. When its process dies its sockets are closed, and the kernel's FINs arrive before the news of its
    /// death.
    held: Vec<(usize, Outcome, Instant)>,
    /// Outcomes to be reported.
    ended: Vec<(usize, Outcome)>,
    losses: Losses,
    /// When all runs under way were last made inconclusive, and why.
    voided: Option<(Instant, String)>,
    patience: Arc<Patience>,
    /// The clock by which the agent is waited for.
    fair: FairClock,
    /// What the target was given last.
    given: Option<Request>,
    next_check: Instant,
    /// Why the place can no longer be used.
    broken: Option<Halt>,
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
    fn begin_call(&mut self, call: &Call, now: Instant, waits_since: Duration) {
        if let Call::Listen { socket, .. } | Call::Connect { socket, .. } | Call::Accept { socket, .. } = call {
            self.sockets.insert(*socket);
        }
        let closes = match call {
            Call::Close { socket } | Call::Abort { socket } => Some(*socket),
            _ => None,
        };
        self.in_call = Some(InCall {
            written: now,
            waits_since,
            closes,
            held: Vec::new(),
        });
    }
}

/// A call that has not been answered.
struct InCall {
    written: Instant,
    /// The same on the fair clock.
    waits_since: Duration,
    /// The socket that no longer exists if the call succeeds.
    closes: Option<SocketId>,
    held: Vec<(Stamp, Vec<u8>)>,
}

/// `sync` requests, by which the agent takes its pending calls as far as they go.
#[derive(Default)]
struct Syncs {
    last: u64,
    /// Those that have not been answered.
    open: VecDeque<Sync>,
    /// Everything that happened up to this moment has been reported by the agent.
    until: Instant,
}

/// A `sync` that has not been answered.
struct Sync {
    number: u64,
    asked: Instant,
    /// The same on the fair clock.
    waits_since: Duration,
    /// The run for which it was sent.
    run: Option<RunId>,
}

impl<P: Place> Driver<P> {
    /// Drives a place, with this patience for its agent.
    pub fn new(mut place: P, facts: Arc<Facts>, clock: Clock, patience: Arc<Patience>) -> Driver<P> {
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
            patience,
            fair: FairClock::start(),
            given: None,
            next_check: now,
            broken,
        }
    }

    /// Begins a run. `job` is the index under which its outcome will be reported.
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

    /// How many runs are under way or have an outcome that cannot be reported yet.
    pub fn active(&self) -> usize {
        self.bench.active() + self.held.len()
    }

    /// Why the place can no longer be used.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_ref().map(Halt::text)
    }

    /// Ends all runs without a verdict.
    pub fn stop(&mut self, reason: &str) {
        self.bench.void_all(self.clock.now(), reason);
    }

    /// How many calls wait to be written or have not been answered: how busy the agent and the driver are.
    pub fn unanswered(&self) -> usize {
        self.calls.len() + self.asked.len()
    }

    /// The outcomes since the last time, each with the index of its job.
    pub fn take_ended(&mut self) -> Vec<(usize, Outcome)> {
        std::mem::take(&mut self.ended)
    }

    /// The frames since the last time that belong to no run.
    pub fn take_unclaimed(&mut self) -> Vec<Arc<[u8]>> {
        self.bench.take_unclaimed()
    }

    /// Gives the place back, when no more runs are to be made in it.
    pub fn into_place(self) -> P {
        self.place
    }

    /// Does all that can be done now. The answer is when there is something to do again without a packet or a line;
    /// `None`: at once.
    pub fn turn(&mut self) -> Option<Instant> {
        let next = self.try_turn().and_then(|next| self.conclude().map(|()| next));
        next.unwrap_or_else(|why| {
            let why = match self.broken {
                None => self.place.explain(why),
                Some(_) => why,
            };
            self.break_down(why);
            None
        })
    }

    fn try_turn(&mut self) -> Result<Option<Instant>, Halt> {
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

    /// The moment up to which everything that happened has been given to the bench.
    fn certain(&self) -> Instant {
        match self.pending.is_empty() {
            true => self.drained,
            // The end of a pending call is reported by the agent, which may be slow to do so.
            false => self.drained.min(self.syncs.until),
        }
    }

    /// Asks the agent to report everything that has happened up to now.
    fn make_certain(&mut self, now: Instant) {
        if !self.pending.is_empty() && self.syncs.open.is_empty() {
            self.sync(now, None);
        }
    }

    fn sync(&mut self, now: Instant, run: Option<RunId>) {
        self.syncs.last += 1;
        self.syncs.open.push_back(Sync {
            number: self.syncs.last,
            asked: now,
            waits_since: self.fair.look(),
            run,
        });
        self.place.say(&Request::Sync(self.syncs.last));
    }

    /// Gives the bench the packets that have arrived without being caused by a packet or a call.
    fn look(&mut self) -> Result<(), Halt> {
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
            let calling = Packet::destination_of(frame).and_then(|to| self.calling.get(&to));
            let it = calling.and_then(|run| self.runs.get_mut(run));
            match it.and_then(|it| it.in_call.as_mut()) {
                Some(call) => call.held.push((stamp, frame.to_vec())),
                None => self.bench.handle_frame(stamp, frame),
            }
        }
    }

    fn inject(&mut self, run: RunId, packet: &[u8]) -> Result<(), Halt> {
        // A packet that is there already was not caused by this one.
        self.look()?;
        let before = self.clock.now();
        self.given = Some(Request::Frame(packet.to_vec()));
        let sent = self.place.send(packet);
        let after = self.clock.now();
        if let Err(error) = sent {
            // If the device is gone this happens at every packet; then each run ends with this reason.
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
            // The agent may be about to take a pending call further: what that causes is a consequence of this packet
            // too.
            true => self.sync(after, Some(run)),
            false => self.bench.quiet(run, self.drained),
        }
        Ok(())
    }

    /// Writes waiting calls, up to the most that may be unanswered.
    fn write_calls(&mut self) -> Result<(), Halt> {
        let now = self.clock.now();
        while self.asked.len() < CALLS_AT_ONCE
            && let Some((run, id, call)) = self.calls.pop_front()
        {
            let Some(it) = self.runs.get_mut(&run) else { continue };
            it.begin_call(&call, now, self.fair.look());
            self.calling.extend(it.testers.iter().map(|tester| (*tester, run)));
            if let Call::Accept { socket, .. } = &call {
                self.accepts.insert(*socket, id);
            }
            self.asked.insert(id, run);
            let request = Request::Call(id, call);
            self.place.say(&request);
            self.given = Some(request);
        }
        self.place.flush()
    }

    /// Gives the bench what the agent has sent.
    fn listen(&mut self) -> Result<(), Halt> {
        let before = self.heard;
        let asked = self.clock.now();
        let mut replies = Vec::new();
        let heard = self.place.hear(&mut replies);
        if !replies.is_empty() {
            // What a call caused was in the device's queue before the agent answered the call.
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

    /// Gives replies to the bench. The answer is the runs of which they end a step.
    fn hand_in(&mut self, replies: Vec<Reply>, at: Stamp) -> Result<Vec<RunId>, Halt> {
        let mut quiet = Vec::new();
        // Calls that have been carried out come first: the other replies about those runs were caused by them.
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
                    self.told(at, Emitted::Pending(id))?;
                }
                Reply::Result(id, result) => {
                    self.no_longer_pending(id);
                    self.told(at, Emitted::Result(id, result))?;
                }
                Reply::Accepted { listener, socket, peer } => {
                    if let Some(id) = self.accepts.remove(&socket) {
                        self.no_longer_pending(id);
                    }
                    self.told(at, Emitted::Accepted { listener, socket, peer })?;
                }
                Reply::Synced(number) => quiet.extend(self.synced(number)),
                Reply::Note(_) => {}
                other => return Err(Halt::Void(format!("the target's process said `{other}` out of turn"))),
            }
        }
        Ok(quiet)
    }

    /// Tells the bench what the agent says, which must be about something that was asked.
    fn told(&mut self, at: Stamp, what: Emitted) -> Result<(), Halt> {
        let told = self.bench.handle(at, what);
        told.map_err(|unasked| Halt::Void(format!("the target's process told of {unasked}")))
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
            self.bench.handle_frame(stamp, &frame);
        }
    }

    fn no_longer_pending(&mut self, id: CallId) {
        if let Some(run) = self.pending.remove(&id)
            && let Some(it) = self.runs.get_mut(&run)
        {
            it.pending.remove(&id);
        }
    }

    /// The runs whose last step is known to be over by this `synced`.
    fn synced(&mut self, number: u64) -> Vec<RunId> {
        let mut over = Vec::new();
        while self.syncs.open.front().is_some_and(|sync| sync.number <= number)
            && let Some(sync) = self.syncs.open.pop_front()
        {
            self.syncs.until = sync.asked;
            over.extend(sync.run);
        }
        over
    }

    fn check_patience(&mut self, now: Instant) -> Result<(), Halt> {
        let waited_until = self.fair.look();
        if now < self.next_check {
            return Ok(());
        }
        self.next_check = now + CHECK;
        let calls = self.runs.values().filter_map(|it| it.in_call.as_ref());
        let syncs = self.syncs.open.front().map(|sync| sync.waits_since);
        let oldest = calls.map(|call| call.waits_since).chain(syncs).min();
        // An agent that has not answered for so long never will.
        let patience = self.patience.wait();
        match oldest.is_some_and(|since| waited_until.saturating_sub(since) > patience) {
            true => {
                let after = self.given.as_ref().map_or_else(String::new, Request::told);
                let seen = format!("the agent has not answered for {patience:?}, after {after}");
                Err(Halt::Broke(Breakdown::Hang, seen))
            }
            false => Ok(()),
        }
    }

    /// Takes the outcome of a run from the bench, and has the agent close the sockets that the run has left.
    fn finish(&mut self, run: RunId) {
        let Some(mut outcome) = self.bench.take(run) else {
            return;
        };
        let Some(it) = self.runs.remove(&run) else { return };
        for tester in &it.testers {
            self.calling.remove(tester);
        }
        if outcome.verdict == Verdict::Inconclusive {
            // The run may have been ended from outside, in the middle of a call.
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
        // The run may have been over when all runs were made inconclusive, though its outcome is taken only now.
        if let Some((at, reason)) = &self.voided
            && outcome.began <= *at
        {
            void(&mut outcome, reason);
        }
        self.held.push((it.job, outcome, self.clock.now()));
    }

    /// Reports the outcomes after which the agent was seen alive, unless packets were lost while they came about.
    fn conclude(&mut self) -> Result<(), Halt> {
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

    /// Makes every run inconclusive that is under way or whose outcome is not reported yet.
    fn void_all(&mut self, reason: &str) {
        let now = self.clock.now();
        self.bench.void_all(now, reason);
        self.voided = Some((now, reason.to_owned()));
        for (_, outcome, _) in &mut self.held {
            void(outcome, reason);
        }
    }

    /// Ends all runs, and drops the calls that wait for them. If the target broke down with one run under way, that run
    /// has failed. With several nobody knows whose fault it is: each is repeated alone.
    fn break_down(&mut self, why: Halt) {
        if let Halt::Broke(how, seen) = &why {
            self.patience.note(*how, self.patience.wait());
            let under_way: Vec<RunId> = self.runs.keys().copied().collect();
            match (under_way.as_slice(), self.held.as_mut_slice()) {
                ([run], []) => self.bench.break_down(*run, self.clock.now(), *how, seen),
                ([], [(_, outcome, _)]) => outcome.break_down(*how, seen),
                _ => {}
            }
        }
        self.void_all(why.text());
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

/// Makes an outcome inconclusive that was reached while packets were lost. A target that broke down has failed all the
/// same.
fn void(outcome: &mut Outcome, reason: &str) {
    match outcome.verdict {
        Verdict::Fail if outcome.breakdown().is_some() => {}
        // For these verdicts no packet was carried.
        Verdict::Unsupported | Verdict::NotApplicable | Verdict::CaseError => {}
        Verdict::Pass | Verdict::Fail | Verdict::Deviates | Verdict::Observed | Verdict::Inconclusive => {
            outcome.verdict = Verdict::Inconclusive;
            outcome.failure = None;
            outcome.reason = reason.to_owned();
        }
    }
}

fn read_losses(place: &mut impl Place) -> Result<Losses, Halt> {
    let losses = place.losses();
    losses.map_err(|error| Halt::Void(format!("what was lost in the place cannot be read: {error}")))
}

fn receive(place: &mut impl Place) -> Result<Option<&[u8]>, Halt> {
    let received = place.receive();
    received.map_err(|error| Halt::Void(format!("the device cannot be read: {error}")))
}

/// What wakes a driver.
pub struct Wakers {
    packets: Readiness,
    lines: Readiness,
    alarm: Alarm,
}

impl Wakers {
    /// The wakers of a driver.
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
