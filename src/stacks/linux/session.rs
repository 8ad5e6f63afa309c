//! Decides which run is made in which namespace, and when.
//!
//! Runs with the same settings share a namespace; those that ask for it have one of their own. One thread drives all
//! namespaces.

use super::Linux;
use super::setup::{self, EPHEMERAL};
use super::worker::{ChildStarter, Report, Work, Worker};
use crate::drive::addresses::Addresses;
use crate::drive::real_time::Clock;
use crate::drive::{Done, EndedRun, EnvironmentError, Job, Limits, Patience, Unclaimed, drill};
use crate::engine::{Outcome, Verdict};
use crate::stack::{Breakdown, Profile};
use crate::time::Instant;
use core::ops::RangeInclusive;
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::{JoinError, JoinSet, LocalSet};

/// Most namespaces at once.
const NAMESPACES: usize = 16;
/// Most namespaces that are being started at once: a start keeps a processor busy, and must not delay the runs under
/// way.
const STARTING: usize = 2;
/// How many open files a process needs whatever it does; how many a namespace takes of ours; and how many sockets a run
/// takes of a child's, in most cases.
const RESERVED: usize = 24;
const PER_NAMESPACE: usize = 10;
const PER_RUN: usize = 4;
/// Most namespaces of one profile at once, where one does not hold all its runs.
const NAMESPACES_PER_PROFILE: usize = 4;
/// Most runs in one namespace at once; the queue of a TUN device holds twenty frames of each.
const RUNS: usize = 1000;
/// The ports on which runs listen, and the number of the first tester; the self-test uses those below.
const PORTS: RangeInclusive<u16> = 1024..=u16::MAX - 1;
const FIRST_TESTER: u32 = 4;
/// How long an inconclusive run waits before it is repeated a second time; each further time twice as long. What
/// disturbs a run, such as other work on the machine, lasts a while.
const REST: Duration = Duration::from_millis(250);
/// How often `stop` is looked at.
const STOP_INTERVAL: Duration = Duration::from_millis(10);

/// A worker and its namespace, as the session sees them.
struct WorkerState {
    profile: Profile,
    alone: bool,
    /// Most runs that it may have at once; 0 until the namespace is ready.
    capacity: usize,
    addresses: Addresses,
    /// Its addresses are used up: it takes no more runs.
    full: bool,
    jobs: BTreeMap<usize, Job>,
    /// How many of its runs have ended.
    ended: usize,
    /// Dropped when it is to get no more runs.
    give: Option<UnboundedSender<Work>>,
}

/// All runs of one call of [`Linux`]'s `run`.
pub(super) struct Session<'a> {
    linux: &'a Linux,
    starter: ChildStarter,
    /// How many files this process, and each child, may have open.
    descriptors: usize,
    at_once: usize,
    done: Done<'a>,
    unclaimed: &'a mut Unclaimed,
    clock: Clock,
    patience: Arc<Patience>,
    halt: Rc<Cell<bool>>,
    reports: UnboundedSender<(usize, Report)>,
    shared: BTreeMap<Profile, VecDeque<(usize, Job)>>,
    alone: VecDeque<(usize, Job, Profile)>,
    /// Runs that are to be repeated, and when.
    resting: Vec<(Instant, usize, Job)>,
    /// How often each run was inconclusive.
    spoilt: BTreeMap<usize, u32>,
    workers: BTreeMap<usize, WorkerState>,
    next_worker: usize,
    running: usize,
    /// The workers' tasks.
    tasks: JoinSet<()>,
    /// Threads that remove namespaces: that takes tens of milliseconds, for which nothing else should wait.
    clearing: Vec<JoinHandle<()>>,
}

/// Makes all runs.
pub(super) fn run(
    linux: &Linux,
    jobs: Vec<Job>,
    at_once: usize,
    stop: &AtomicBool,
    done: Done<'_>,
    unclaimed: &mut Unclaimed,
) -> Result<(), EnvironmentError> {
    let descriptors = setup::raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| EnvironmentError {
        problem: format!("the runtime cannot be started ({error})"),
        remedy: "raise the limit of open files (ulimit -n)".to_owned(),
    })?;
    let (reports, received) = mpsc::unbounded_channel();
    let (starter, starting) = ChildStarter::open().map_err(|error| EnvironmentError {
        problem: format!("no thread can be started ({error})"),
        remedy: "raise the limit of processes (ulimit -u)".to_owned(),
    })?;
    let mut session = Session {
        linux,
        starter,
        descriptors,
        at_once: if at_once == 0 { usize::MAX } else { at_once },
        done,
        unclaimed,
        clock: Clock::start(),
        patience: Arc::new(Patience::new(Limits::of(linux.plan.patience()))),
        halt: Rc::new(Cell::new(false)),
        reports,
        shared: BTreeMap::new(),
        alone: VecDeque::new(),
        resting: Vec::new(),
        spoilt: BTreeMap::new(),
        workers: BTreeMap::new(),
        next_worker: 0,
        running: 0,
        tasks: JoinSet::new(),
        clearing: Vec::new(),
    };
    for (place, job) in jobs.into_iter().enumerate() {
        session.take(place, job);
    }
    let local = LocalSet::new();
    local.block_on(&runtime, session.go(received, stop));
    drop(local);
    session.clearing.drain(..).for_each(ended_well);
    drop(session);
    // The starter's thread ends now, since its channel is closed.
    ended_well(starting);
    Ok(())
}

/// A worker never reports what it does after a panic, and a run that nobody reports is waited for without end.
fn end_all(failed: JoinError) {
    if let Ok(panic) = failed.try_into_panic() {
        resume_unwind(panic);
    }
}

/// Waits for a thread. A panic in it is a bug of ours, which ends everything.
fn ended_well(thread: JoinHandle<()>) {
    if let Err(panic) = thread.join() {
        resume_unwind(panic);
    }
}

impl Session<'_> {
    async fn go(&mut self, mut reports: UnboundedReceiver<(usize, Report)>, stop: &AtomicBool) {
        loop {
            if stop.load(Ordering::Relaxed) && !self.halt.replace(true) {
                self.give_up();
            }
            drill("session");
            self.take_rested();
            self.hand_out();
            if self.workers.is_empty() && self.resting.is_empty() {
                return;
            }
            tokio::select! {
                // The session holds a sender itself, so the channel is never closed.
                next = reports.recv() => if let Some((worker, what)) = next { self.take_report(worker, what) },
                Some(ended) = self.tasks.join_next() => if let Err(failed) = ended { end_all(failed) },
                () = tokio::time::sleep(STOP_INTERVAL) => {}
            }
            while let Ok((worker, what)) = reports.try_recv() {
                self.take_report(worker, what);
            }
        }
    }

    /// Queues a job, or reports at once that it cannot be made.
    fn take(&mut self, place: usize, job: Job) {
        if self.halt.get() {
            return;
        }
        if let Some(reason) = self.patience.is_over() {
            let mut outcome = Outcome::empty(Verdict::Fail, self.clock.now(), "");
            outcome.break_down(Breakdown::Hang, reason);
            return self.tell(place, outcome);
        }
        match self.linux.runner.profile(&job.script.configure) {
            Ok(profile) if job.alone => self.alone.push_back((place, job, profile)),
            Ok(profile) => self.shared.entry(profile).or_default().push_back((place, job)),
            Err(why) => self.tell_of(place, Verdict::Unsupported, &why),
        }
    }

    fn tell_of(&mut self, place: usize, verdict: Verdict, reason: &str) {
        let outcome = Outcome::empty(verdict, self.clock.now(), reason);
        self.tell(place, outcome);
    }

    fn tell(&mut self, place: usize, outcome: Outcome) {
        let was_spoilt = outcome.verdict == Verdict::Inconclusive;
        let Some(again) = (self.done)(place, EndedRun::by_itself(outcome)) else {
            return;
        };
        let rest = match was_spoilt {
            true => self.rest(place),
            false => Duration::ZERO,
        };
        self.resting.push((self.clock.now() + rest, place, again));
    }

    /// How long a run waits after one more inconclusive attempt.
    fn rest(&mut self, place: usize) -> Duration {
        let times = self.spoilt.entry(place).or_default();
        *times += 1;
        match *times {
            1 => Duration::ZERO,
            more => REST * (1 << (more - 2).min(4)),
        }
    }

    /// Queues the runs that have waited long enough.
    fn take_rested(&mut self) {
        let now = self.clock.now();
        let rested: Vec<_> = self.resting.extract_if(.., |(due, _, _)| *due <= now).collect();
        for (_, place, job) in rested {
            self.take(place, job);
        }
    }

    /// Reports every job that has not begun as inconclusive.
    fn give_up(&mut self) {
        let shared = std::mem::take(&mut self.shared);
        let alone = std::mem::take(&mut self.alone);
        let places = shared.into_values().flatten().map(|(place, _)| place);
        let resting = std::mem::take(&mut self.resting).into_iter().map(|(_, place, _)| place);
        let alone = alone.into_iter().map(|(place, _, _)| place);
        for place in places.chain(alone).chain(resting) {
            self.tell_of(place, Verdict::Inconclusive, "stopped before it began");
        }
    }

    /// Gives out as many jobs as the namespaces hold, and opens and closes namespaces for that.
    fn hand_out(&mut self) {
        let profiles: Vec<Profile> = self.shared.keys().cloned().collect();
        for profile in profiles {
            self.hand_out_shared(&profile);
        }
        self.shared.retain(|_, queue| !queue.is_empty());
        self.hand_out_alone();
        let waiting = &self.shared;
        let alone_waiting = !self.alone.is_empty();
        for worker in self.workers.values_mut().filter(|worker| worker.jobs.is_empty()) {
            let wanted = match worker.alone {
                // It was opened for a job that waits, which it gets when its namespace is ready.
                true => alone_waiting && worker.capacity == 0,
                false => !worker.full && waiting.contains_key(&worker.profile),
            };
            if !wanted {
                worker.give = None;
            }
        }
    }

    fn hand_out_shared(&mut self, profile: &Profile) {
        let Some(mut queue) = self.shared.remove(profile) else {
            return;
        };
        while self.running < self.at_once
            && let Some((place, job)) = queue.pop_front()
        {
            let fits = |worker: &&mut WorkerState| !worker.alone && worker.takes_more() && worker.profile == *profile;
            match self.workers.values_mut().find(fits) {
                Some(worker) => match worker.give(place, job) {
                    Ok(()) => self.running += 1,
                    Err(job) => queue.push_front((place, job)),
                },
                None => {
                    queue.push_front((place, job));
                    self.open_shared(profile);
                    break;
                }
            }
        }
        self.shared.insert(profile.clone(), queue);
    }

    /// Opens another namespace for a profile, unless there are enough, or one is being started.
    fn open_shared(&mut self, profile: &Profile) {
        let of_it = self
            .workers
            .values()
            .filter(|worker| !worker.alone && worker.give.is_some() && worker.profile == *profile);
        let (mut standing, mut starting) = (0, 0);
        for worker in of_it.filter(|worker| !worker.full) {
            standing += 1;
            starting += usize::from(worker.capacity == 0);
        }
        if starting == 0 && standing < NAMESPACES_PER_PROFILE && self.may_open() {
            self.open(profile.clone(), false);
        }
    }

    fn hand_out_alone(&mut self) {
        // Namespaces that are ready get their job; missing ones are opened.
        let mut starting: Vec<Profile> = Vec::new();
        let mut later = VecDeque::new();
        let standing: Vec<Profile> = self
            .workers
            .values()
            .filter(|it| it.is_starting())
            .map(|it| it.profile.clone())
            .collect();
        starting.extend(standing);
        while let Some((place, job, profile)) = self.alone.pop_front() {
            let fits = |worker: &&mut WorkerState| {
                worker.alone && worker.takes_more() && worker.profile == profile && worker.ended == 0
            };
            let found = self.workers.values_mut().find(fits);
            if self.running < self.at_once
                && let Some(worker) = found
            {
                match worker.give(place, job) {
                    Ok(()) => self.running += 1,
                    Err(job) => later.push_back((place, job, profile)),
                }
                continue;
            }
            match starting.iter().position(|known| *known == profile) {
                Some(at) => drop(starting.swap_remove(at)),
                None if self.may_open() => self.open(profile.clone(), true),
                None => {}
            }
            later.push_back((place, job, profile));
        }
        self.alone = later;
    }

    fn may_open(&self) -> bool {
        let starting = |worker: &&WorkerState| worker.capacity == 0 && worker.give.is_some();
        let held = self.descriptors.saturating_sub(RESERVED) / PER_NAMESPACE;
        self.workers.len() < NAMESPACES.min(held).max(1) && self.workers.values().filter(starting).count() < STARTING
    }

    fn open(&mut self, profile: Profile, alone: bool) {
        let (give, work) = mpsc::unbounded_channel();
        let number = self.next_worker;
        self.next_worker += 1;
        let worker = Worker {
            number,
            starter: self.starter.clone(),
            plan: self.linux.plan.clone(),
            profile: profile.clone(),
            facts: Arc::clone(&self.linux.facts),
            alone,
            clock: self.clock,
            patience: Arc::clone(&self.patience),
            halt: Rc::clone(&self.halt),
            work,
            reports: self.reports.clone(),
        };
        self.tasks.spawn_local(worker.work());
        let state = WorkerState {
            profile,
            alone,
            capacity: 0,
            addresses: Addresses::new(FIRST_TESTER, PORTS, EPHEMERAL.0..=EPHEMERAL.1),
            full: false,
            jobs: BTreeMap::new(),
            ended: 0,
            give: Some(give),
        };
        self.workers.insert(number, state);
    }

    fn take_report(&mut self, number: usize, what: Report) {
        let Some(worker) = self.workers.get_mut(&number) else {
            return;
        };
        match what {
            Report::Ready(frames) if worker.alone => worker.capacity = frames.min(1),
            // Half of the queue's frames, since many timers may expire between two looks at the device.
            Report::Ready(frames) => {
                let sockets = self.descriptors.saturating_sub(RESERVED) / PER_RUN;
                worker.capacity = (frames / 2).min(sockets).clamp(1, RUNS);
            }
            Report::Ended(place, outcome) => {
                worker.ended += 1;
                if worker.jobs.remove(&place).is_some() {
                    self.running -= 1;
                    self.tell(place, *outcome);
                }
            }
            Report::Unclaimed(frames) => frames.into_iter().for_each(|frame| self.unclaimed.add(frame)),
            Report::Gone(error, remains) => self.gone(number, error, remains),
        }
    }

    fn gone(&mut self, number: usize, error: Option<EnvironmentError>, remains: Option<Box<super::Namespace>>) {
        if let Some(remains) = remains {
            // Where no thread can be had, the namespace is removed here and now.
            let clearing = std::thread::Builder::new().spawn(move || {
                drill("clearing");
                drop(remains);
            });
            self.clearing.extend(clearing);
            let finished = self.clearing.extract_if(.., |clearing| clearing.is_finished());
            finished.for_each(ended_well);
        }
        let Some(worker) = self.workers.remove(&number) else {
            return;
        };
        self.running -= worker.jobs.len();
        let Some(error) = error else { return };
        let reason = error.to_string();
        if worker.capacity == 0 {
            return self.cannot_start(&worker, &reason);
        }
        for (place, job) in worker.jobs {
            // Runs that it had not begun are made in another namespace; but not for ever, if one of them ends every
            // namespace.
            match worker.ended {
                0 => self.tell_of(place, Verdict::Inconclusive, &reason),
                _ => self.take(place, job),
            }
        }
    }

    /// The namespace could not be made: the jobs for which it was opened cannot be run here.
    fn cannot_start(&mut self, worker: &WorkerState, reason: &str) {
        let places: Vec<usize> = match worker.alone {
            true => {
                let found = self.alone.iter().position(|(_, _, profile)| *profile == worker.profile);
                found
                    .and_then(|at| self.alone.remove(at))
                    .map(|(place, _, _)| place)
                    .into_iter()
                    .collect()
            }
            false => self
                .shared
                .remove(&worker.profile)
                .into_iter()
                .flatten()
                .map(|(place, _)| place)
                .collect(),
        };
        for place in places {
            self.tell_of(place, Verdict::Inconclusive, reason);
        }
    }
}

impl WorkerState {
    fn takes_more(&self) -> bool {
        self.give.is_some() && !self.full && self.jobs.len() < self.capacity
    }

    fn is_starting(&self) -> bool {
        self.alone && self.capacity == 0 && self.give.is_some()
    }

    /// Gives a job to the worker, or gives it back if no addresses are left.
    fn give(&mut self, place: usize, job: Job) -> Result<(), Job> {
        let (Some(at), Some(give)) = (self.addresses.next(&job), &self.give) else {
            self.full = true;
            return Err(job);
        };
        let work = Work {
            job: place,
            script: Arc::clone(&job.script),
            at,
        };
        match give.send(work) {
            Ok(()) => {
                self.jobs.insert(place, job);
                Ok(())
            }
            // The worker has just ended; its report of that will follow.
            Err(_) => {
                self.full = true;
                Err(job)
            }
        }
    }
}
