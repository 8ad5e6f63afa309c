//! Which run is made in which namespace, and when.
//!
//! Runs with the same settings share a namespace; those that ask for it have one for themselves. All namespaces are
//! driven by one thread, so that none waits for another's turn longer than it takes.

use super::Linux;
use super::places::Places;
use super::room::{Nursery, Room, Told, Work};
use crate::drive::real_time::Clock;
use crate::drive::{EnvironmentError, Job};
use crate::engine::{Outcome, Verdict};
use crate::stack::Profile;
use crate::time::Instant;
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::LocalSet;

/// Namespaces that live at once.
const ROOMS: usize = 16;
/// Namespaces that are being made at once: it keeps a processor busy, and what is under way must not be late for that.
const COMING: usize = 2;
/// Namespaces of one profile that live at once, where one does not hold all its runs.
const ROOMS_PER_PROFILE: usize = 4;
/// Runs in one namespace at once; the queue of a TUN device holds twenty frames of each.
const RUNS: usize = 1000;
/// How long a run rests before it is repeated a second time, because an attempt was spoilt; each further time twice as
/// long. What disturbs us lasts a while: others use the machine too.
const REST: Duration = Duration::from_millis(250);
/// How often the request to stop is looked at.
const GLANCE: Duration = Duration::from_millis(10);

/// What a caller is told of each run.
type Done<'a> = &'a mut dyn FnMut(usize, Outcome) -> Option<Job>;

/// A room as the session sees it.
struct Known {
    profile: Profile,
    alone: bool,
    /// Runs that it may have at once; 0 until it stands.
    capacity: usize,
    places: Places,
    /// No more runs: its places are used up.
    full: bool,
    jobs: BTreeMap<usize, Job>,
    told: usize,
    give: Option<UnboundedSender<Work>>,
}

/// All runs of one call of [`Linux`]'s `run`.
pub(super) struct Session<'a> {
    linux: &'a Linux,
    nursery: Nursery,
    at_once: usize,
    done: Done<'a>,
    clock: Clock,
    halt: Rc<Cell<bool>>,
    tell: UnboundedSender<(usize, Told)>,
    shared: BTreeMap<Profile, VecDeque<(usize, Job)>>,
    alone: VecDeque<(usize, Job, Profile)>,
    /// Those that are to be repeated, and when.
    resting: Vec<(Instant, usize, Job)>,
    /// How often a run was spoilt.
    spoilt: BTreeMap<usize, u32>,
    rooms: BTreeMap<usize, Known>,
    next_room: usize,
    running: usize,
    /// What is left of namespaces takes tens of milliseconds to clear away; nobody else is to wait for that.
    clearing: Vec<std::thread::JoinHandle<()>>,
}

/// Makes all runs.
pub(super) fn run(
    linux: &Linux,
    jobs: Vec<Job>,
    at_once: usize,
    stop: &AtomicBool,
    done: Done<'_>,
) -> Result<(), EnvironmentError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| EnvironmentError {
        problem: format!("the runtime cannot be started ({error})"),
        remedy: "raise the limit of open files (ulimit -n)".to_owned(),
    })?;
    let (tell, told) = mpsc::unbounded_channel();
    let (nursery, birth) = Nursery::open();
    let mut session = Session {
        linux,
        nursery,
        at_once: if at_once == 0 { usize::MAX } else { at_once },
        done,
        clock: Clock::start(),
        halt: Rc::new(Cell::new(false)),
        tell,
        shared: BTreeMap::new(),
        alone: VecDeque::new(),
        resting: Vec::new(),
        spoilt: BTreeMap::new(),
        rooms: BTreeMap::new(),
        next_room: 0,
        running: 0,
        clearing: Vec::new(),
    };
    for (place, job) in jobs.into_iter().enumerate() {
        session.take(place, job);
    }
    let local = LocalSet::new();
    local.block_on(&runtime, session.go(told, stop));
    drop(local);
    for clearing in session.clearing.drain(..) {
        // A thread that only drops a namespace does not panic.
        let _ = clearing.join();
    }
    drop(session);
    // It ends now that nobody can ask it for anything, and does not panic either.
    let _ = birth.join();
    Ok(())
}

impl Session<'_> {
    async fn go(&mut self, mut told: UnboundedReceiver<(usize, Told)>, stop: &AtomicBool) {
        loop {
            if stop.load(Ordering::Relaxed) && !self.halt.replace(true) {
                self.give_up();
            }
            self.wake();
            self.place();
            if self.rooms.is_empty() && self.resting.is_empty() {
                return;
            }
            tokio::select! {
                // The session holds a sender itself, so there is always a next one.
                next = told.recv() => if let Some((room, what)) = next { self.hear(room, what) },
                () = tokio::time::sleep(GLANCE) => {}
            }
            while let Ok((room, what)) = told.try_recv() {
                self.hear(room, what);
            }
        }
    }

    /// Puts a job into its queue, or tells at once that it cannot be made.
    fn take(&mut self, place: usize, job: Job) {
        if self.halt.get() {
            return;
        }
        match self.linux.runner.profile(&job.script.configure) {
            Ok(profile) if job.alone => {
                self.alone.push_back((place, job, profile));
            }
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
        let Some(again) = (self.done)(place, outcome) else {
            return;
        };
        let rest = match was_spoilt {
            true => self.rest(place),
            false => Duration::ZERO,
        };
        self.resting.push((self.clock.now() + rest, place, again));
    }

    /// How long a run rests that was spoilt once more.
    fn rest(&mut self, place: usize) -> Duration {
        let times = self.spoilt.entry(place).or_default();
        *times += 1;
        match *times {
            1 => Duration::ZERO,
            more => REST * (1 << (more - 2).min(4)),
        }
    }

    /// Takes up those that have rested long enough.
    fn wake(&mut self) {
        let now = self.clock.now();
        let rested: Vec<_> = self.resting.extract_if(.., |(due, _, _)| *due <= now).collect();
        for (_, place, job) in rested {
            self.take(place, job);
        }
    }

    /// Tells of everything that has not begun that it will not.
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

    /// Gives out as many jobs as there is room for, and makes and closes rooms for that.
    fn place(&mut self) {
        let profiles: Vec<Profile> = self.shared.keys().cloned().collect();
        for profile in profiles {
            self.place_shared(&profile);
        }
        self.shared.retain(|_, queue| !queue.is_empty());
        self.place_alone();
        let waiting = &self.shared;
        let alone_waiting = !self.alone.is_empty();
        for room in self.rooms.values_mut().filter(|room| room.jobs.is_empty()) {
            let wanted = match room.alone {
                // Made for a job that it has not been given yet.
                true => alone_waiting && room.capacity == 0,
                false => !room.full && waiting.contains_key(&room.profile),
            };
            if !wanted {
                room.give = None;
            }
        }
    }

    fn place_shared(&mut self, profile: &Profile) {
        let Some(mut queue) = self.shared.remove(profile) else {
            return;
        };
        while self.running < self.at_once
            && let Some((place, job)) = queue.pop_front()
        {
            let fits = |room: &&mut Known| !room.alone && room.has_room() && room.profile == *profile;
            match self.rooms.values_mut().find(fits) {
                Some(room) => match room.give(place, job) {
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

    /// Another room for a profile, unless there are enough, or one is on its way.
    fn open_shared(&mut self, profile: &Profile) {
        let of_it = self
            .rooms
            .values()
            .filter(|room| !room.alone && room.give.is_some() && room.profile == *profile);
        let (mut standing, mut coming) = (0, 0);
        for room in of_it.filter(|room| !room.full) {
            standing += 1;
            coming += usize::from(room.capacity == 0);
        }
        if coming == 0 && standing < ROOMS_PER_PROFILE && self.may_open() {
            self.open(profile.clone(), false);
        }
    }

    fn place_alone(&mut self) {
        // Those that stand are given their job, those that are missing are made.
        let mut coming: Vec<Profile> = Vec::new();
        let mut later = VecDeque::new();
        let standing: Vec<Profile> = self
            .rooms
            .values()
            .filter(|it| it.is_coming())
            .map(|it| it.profile.clone())
            .collect();
        coming.extend(standing);
        while let Some((place, job, profile)) = self.alone.pop_front() {
            let fits = |room: &&mut Known| room.alone && room.has_room() && room.profile == profile && room.told == 0;
            let found = self.rooms.values_mut().find(fits);
            if self.running < self.at_once
                && let Some(room) = found
            {
                match room.give(place, job) {
                    Ok(()) => self.running += 1,
                    Err(job) => later.push_back((place, job, profile)),
                }
                continue;
            }
            match coming.iter().position(|known| *known == profile) {
                Some(at) => drop(coming.swap_remove(at)),
                None if self.may_open() => self.open(profile.clone(), true),
                None => {}
            }
            later.push_back((place, job, profile));
        }
        self.alone = later;
    }

    fn may_open(&self) -> bool {
        let coming = |room: &&Known| room.capacity == 0 && room.give.is_some();
        self.rooms.len() < ROOMS && self.rooms.values().filter(coming).count() < COMING
    }

    fn open(&mut self, profile: Profile, alone: bool) {
        let (give, work) = mpsc::unbounded_channel();
        let number = self.next_room;
        self.next_room += 1;
        let room = Room {
            number,
            nursery: self.nursery.clone(),
            plan: self.linux.plan.clone(),
            profile: profile.clone(),
            facts: Arc::clone(&self.linux.facts),
            alone,
            clock: self.clock,
            halt: Rc::clone(&self.halt),
            work,
            tell: self.tell.clone(),
        };
        tokio::task::spawn_local(room.live());
        let known = Known {
            profile,
            alone,
            capacity: 0,
            places: Places::default(),
            full: false,
            jobs: BTreeMap::new(),
            told: 0,
            give: Some(give),
        };
        self.rooms.insert(number, known);
    }

    fn hear(&mut self, number: usize, what: Told) {
        let Some(room) = self.rooms.get_mut(&number) else {
            return;
        };
        match what {
            Told::Ready(frames) if room.alone => room.capacity = frames.min(1),
            // Half of the queue: many timers may end within one look.
            Told::Ready(frames) => room.capacity = (frames / 2).clamp(1, RUNS),
            Told::Ended(place, outcome) => {
                room.told += 1;
                if room.jobs.remove(&place).is_some() {
                    self.running -= 1;
                    self.tell(place, *outcome);
                }
            }
            Told::Gone(error, remains) => self.gone(number, error, remains),
        }
    }

    fn gone(&mut self, number: usize, error: Option<EnvironmentError>, remains: Option<Box<super::Namespace>>) {
        if let Some(remains) = remains {
            self.clearing.push(std::thread::spawn(move || drop(remains)));
            self.clearing.retain(|clearing| !clearing.is_finished());
        }
        let Some(room) = self.rooms.remove(&number) else { return };
        self.running -= room.jobs.len();
        let Some(error) = error else { return };
        let reason = error.to_string();
        if room.capacity == 0 {
            return self.cannot_open(&room, &reason);
        }
        for (place, job) in room.jobs {
            // What it had not begun goes on elsewhere; but not for ever, if it dies of being there.
            match room.told {
                0 => self.tell_of(place, Verdict::Inconclusive, &reason),
                _ => self.take(place, job),
            }
        }
    }

    /// A room did not even come to stand: what it was made for cannot be run here.
    fn cannot_open(&mut self, room: &Known, reason: &str) {
        let places: Vec<usize> = match room.alone {
            true => {
                let found = self.alone.iter().position(|(_, _, profile)| *profile == room.profile);
                found
                    .and_then(|at| self.alone.remove(at))
                    .map(|(place, _, _)| place)
                    .into_iter()
                    .collect()
            }
            false => self
                .shared
                .remove(&room.profile)
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

impl Known {
    fn has_room(&self) -> bool {
        self.give.is_some() && !self.full && self.jobs.len() < self.capacity
    }

    fn is_coming(&self) -> bool {
        self.alone && self.capacity == 0 && self.give.is_some()
    }

    /// Gives a run to it, or back if it has no place left.
    fn give(&mut self, place: usize, job: Job) -> Result<(), Job> {
        let (Some(at), Some(give)) = (self.places.next(&job), &self.give) else {
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
            // It has just ended; its word of that is on the way.
            Err(_) => {
                self.full = true;
                Err(job)
            }
        }
    }
}
