//! Many runs on one clock.

use super::Outcome;
use super::calls::{Unasked, run_of_call, run_of_socket};
use super::run::{DriverAction, Run, Turn};
use super::traffic::Addressee;
use super::waive::Waive;
use crate::script::Script;
use crate::stack::{Breakdown, Call, CallId, Emitted, Facts};
use crate::time::{Instant, Stamp};
use crate::wire::Packet;
use core::net::IpAddr;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// A run on a bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// Where a run takes place. No other run of the same world, before or after, has the same tester addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The target's address.
    pub target: IpAddr,
    /// The port on which it listens, and from which RSTs for closed ports come.
    pub port: u16,
    /// The tester's addresses; a script uses as many as its connections name hosts. Never empty.
    pub testers: Vec<IpAddr>,
    /// Whether ISNs are placed near 2^32: the tester's always, the target's where it is able.
    pub wrap: bool,
    /// Whether the target goes on after the run, for other runs or on its own clock: then the run closes what it left
    /// open.
    pub lasting: bool,
    /// From which everything that looks random is made.
    pub seed: u64,
    /// What of the target's known habits is passed over.
    pub waived: Arc<[Waive]>,
}

/// What a driver is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Hand this IP packet to the target.
    Inject(RunId, Arc<[u8]>),
    /// Make this call.
    Call(RunId, CallId, Call),
    /// Nothing before this moment, unless the target does something.
    Wait(Instant),
    /// A run has ended; take its [`Outcome`] with [`Bench::take`].
    Done(RunId),
    /// No run is left.
    Idle,
}

/// On real time the driver looks at least this often, so that a stamp is never wider than this and its own lateness.
const HEARTBEAT: Duration = Duration::from_millis(10);

/// Many runs on one clock.
pub struct Bench {
    facts: Arc<Facts>,
    rules: bool,
    /// By number; `None` once taken.
    runs: Vec<Option<Box<Run>>>,
    active: usize,
    routes: BTreeMap<IpAddr, RunId>,
    /// The tester addresses of runs that have ended: their connections may still send.
    former: BTreeSet<IpAddr>,
    /// The run that gave the target an input last.
    last: Option<RunId>,
    /// Frames that belong to no run.
    unclaimed: Vec<Arc<[u8]>>,
    ready: VecDeque<RunId>,
    timers: BTreeSet<(Instant, RunId)>,
    deadlines: Vec<Instant>,
    done: VecDeque<RunId>,
}

impl Bench {
    /// A bench for one target.
    pub fn new(facts: Arc<Facts>) -> Bench {
        Bench {
            facts,
            rules: true,
            runs: Vec::new(),
            active: 0,
            routes: BTreeMap::new(),
            former: BTreeSet::new(),
            last: None,
            unclaimed: Vec::new(),
            ready: VecDeque::new(),
            timers: BTreeSet::new(),
            deadlines: Vec::new(),
            done: VecDeque::new(),
        }
    }

    /// A bench without rules: only the steps are judged, to see what a case notices by itself.
    pub fn without_rules(self) -> Bench {
        Bench { rules: false, ..self }
    }

    /// Starts a run. Scripts that the target cannot carry out end at once.
    pub fn start(&mut self, now: Instant, script: Arc<Script>, at: Endpoints) -> RunId {
        let id = RunId(self.runs.len() as u64);
        for tester in &at.testers {
            self.routes.insert(*tester, id);
        }
        self.runs.push(Some(Box::new(Run::new(
            id,
            now,
            script,
            Arc::clone(&self.facts),
            at,
            self.rules,
        ))));
        self.deadlines.push(Instant::NEVER);
        self.active += 1;
        self.ready.push_back(id);
        id
    }

    fn run(&mut self, id: RunId) -> Option<&mut Run> {
        self.runs.get_mut(id.0 as usize)?.as_deref_mut()
    }

    /// Tells what the target did, and between which two moments. A call belongs to the run that made it. An error: a run
    /// that is under way never asked for this.
    pub fn handle(&mut self, at: Stamp, what: Emitted) -> Result<(), Unasked> {
        let id = match &what {
            Emitted::Packet(octets) => {
                self.handle_frame(at, octets);
                return Ok(());
            }
            Emitted::Result(call, _) | Emitted::Pending(call) => run_of_call(*call),
            Emitted::Accepted { listener, .. } => run_of_socket(*listener),
        };
        if id.0 >= self.runs.len() as u64 {
            return Err(Unasked::of(&what));
        }
        // What comes for a run that has ended comes too late for anybody.
        let Some(run) = self.run(id) else { return Ok(()) };
        run.asked_for(&what)?;
        match what {
            Emitted::Result(call, result) => run.result(at, call, result),
            Emitted::Accepted { socket, peer, .. } => run.accepted(at, socket, peer),
            Emitted::Packet(_) | Emitted::Pending(_) => {}
        }
        self.ready.push_back(id);
        Ok(())
    }

    /// Tells of a frame that the target sent, and between which two moments. It belongs to the run to whose address it
    /// goes.
    ///
    /// Of other frames nobody can tell whose they are. On virtual time they are the consequence of the last input, and
    /// belong to the run that gave it; on real time the host may have sent them for reasons of its own, and they are
    /// kept for [`Bench::take_unclaimed`].
    pub fn handle_frame(&mut self, at: Stamp, octets: &[u8]) {
        let read = Packet::parse(octets).map(Arc::new);
        let octets: Arc<[u8]> = octets.into();
        let (id, to) = match self.addressee(&octets) {
            Some(known) => known,
            None => return self.unclaimed.push(octets),
        };
        let Some(run) = self.run(id) else { return };
        run.frame(at, to, read, octets);
        self.ready.push_back(id);
    }

    /// The run that a frame belongs to, and whether it goes to an address of that run; `None`: nobody can tell.
    fn addressee(&self, octets: &[u8]) -> Option<(RunId, Addressee)> {
        let destination = Packet::destination_of(octets);
        let routed = destination.and_then(|to| self.routes.get(&to).copied());
        let own = routed.or_else(|| self.run_behind_odd_address(destination?));
        if let Some(id) = own {
            return Some((id, Addressee::Tester));
        }
        let to = match destination {
            Some(to) if self.former.contains(&to) => Addressee::FormerTester,
            _ => Addressee::Nobody,
        };
        let under_way = |id: &RunId| self.runs.get(id.0 as usize).is_some_and(Option::is_some);
        let last = self.last.filter(under_way).or_else(|| self.first_under_way());
        last.filter(|_| self.facts.virtual_time).map(|id| (id, to))
    }

    fn first_under_way(&self) -> Option<RunId> {
        let first = self.runs.iter().position(Option::is_some)?;
        Some(RunId(first as u64))
    }

    /// The run that a frame to a special address belongs to: a broadcast, multicast, loopback or unspecified address is
    /// no tester's, but the target may answer a segment that a run has sent from such an address. It is that run if no
    /// other is under way.
    fn run_behind_odd_address(&self, destination: IpAddr) -> Option<RunId> {
        let odd = match destination {
            IpAddr::V4(to) => to.is_unspecified() || to.is_loopback() || to.is_broadcast() || to.is_multicast(),
            IpAddr::V6(to) => to.is_unspecified() || to.is_loopback() || to.is_multicast(),
        };
        self.first_under_way().filter(|_| odd && self.active == 1)
    }

    /// The frames since the last time that belong to no run.
    pub fn take_unclaimed(&mut self) -> Vec<Arc<[u8]>> {
        std::mem::take(&mut self.unclaimed)
    }

    /// Tells when the last [`Step::Inject`] or [`Step::Call`] of this run was carried out.
    pub fn carried(&mut self, run: RunId, at: Stamp) {
        if let Some(run) = self.run(run) {
            run.carried(at);
        }
    }

    /// Tells that everything that this run's last step caused at once has been handed in. A call that has not been
    /// answered by then is pending.
    pub fn quiet(&mut self, run: RunId, at: Instant) {
        if let Some(it) = self.run(run) {
            it.quiet(at);
            self.ready.push_back(run);
        }
    }

    /// Ends a run as inconclusive, for a reason of ours: `the target process ended`, `12 frames were lost`.
    pub fn void(&mut self, run: RunId, now: Instant, reason: &str) {
        if let Some(it) = self.run(run) {
            it.void(now, reason);
            self.ready.push_back(run);
        }
    }

    /// Like [`Bench::void`], for every run that is under way.
    pub fn void_all(&mut self, now: Instant, reason: &str) {
        for id in 0..self.runs.len() as u64 {
            self.void(RunId(id), now, reason);
        }
    }

    /// Ends a run as failed because the target broke down in it; `seen` says how.
    pub fn break_down(&mut self, run: RunId, now: Instant, how: Breakdown, seen: &str) {
        if let Some(it) = self.run(run) {
            it.break_down(now, how, seen);
            self.ready.push_back(run);
        }
    }

    /// What to do next. To be called until it returns [`Step::Wait`] or [`Step::Idle`].
    ///
    /// `drained` is the moment at which the target was last seen to have nothing more to say: a deadline before it has
    /// passed for certain. On virtual time it is `now`.
    pub fn poll(&mut self, now: Instant, drained: Instant) -> Step {
        loop {
            if let Some(id) = self.done.pop_front() {
                return Step::Done(id);
            }
            while let Some((deadline, id)) = self.timers.first().copied()
                && deadline <= drained
            {
                self.timers.pop_first();
                self.deadlines[id.0 as usize] = Instant::NEVER;
                self.ready.push_back(id);
            }
            let Some(id) = self.ready.pop_front() else { break };
            if let Some(step) = self.turn(id, now, drained) {
                return step;
            }
        }
        match self.active {
            0 => Step::Idle,
            _ => Step::Wait(self.next_deadline(now)),
        }
    }

    fn next_deadline(&self, now: Instant) -> Instant {
        let next = self.timers.first().map_or(Instant::NEVER, |(deadline, _)| *deadline);
        if self.facts.virtual_time {
            next
        } else {
            next.min(now + HEARTBEAT)
        }
    }

    fn turn(&mut self, id: RunId, now: Instant, drained: Instant) -> Option<Step> {
        let run = self.runs.get_mut(id.0 as usize)?.as_deref_mut()?;
        match run.turn(now, drained) {
            Turn::Act(action) => {
                self.last = Some(id);
                Some(match action {
                    DriverAction::Inject(flight) => Step::Inject(id, flight.octets),
                    DriverAction::Call(call, what) => Step::Call(id, call, what),
                })
            }
            Turn::Wait(deadline) => {
                self.set_timer(id, deadline);
                None
            }
            Turn::Ended => {
                self.set_timer(id, Instant::NEVER);
                if !self.done.contains(&id) {
                    self.done.push_back(id);
                }
                None
            }
        }
    }

    fn set_timer(&mut self, id: RunId, deadline: Instant) {
        let known = &mut self.deadlines[id.0 as usize];
        if *known == deadline {
            return;
        }
        self.timers.remove(&(*known, id));
        *known = deadline;
        if deadline != Instant::NEVER {
            self.timers.insert((deadline, id));
        }
    }

    /// The outcome of a run that is done, once.
    pub fn take(&mut self, run: RunId) -> Option<Outcome> {
        let slot = self.runs.get_mut(run.0 as usize)?;
        if !slot.as_ref()?.ended() {
            return None;
        }
        let run_box = slot.take()?;
        self.set_timer(run, Instant::NEVER);
        self.active -= 1;
        for tester in &run_box.at.testers {
            self.routes.remove(tester);
            self.former.insert(*tester);
        }
        run_box.into_outcome()
    }

    /// Runs under way.
    pub fn active(&self) -> usize {
        self.active
    }
}
