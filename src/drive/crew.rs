//! Jobs that share nothing, made beside each other on as many threads as make sense.

use super::Job;
use crate::engine::Outcome;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError, mpsc};

/// A run that is over, or the panic that ended it: then a bug of ours.
type Finished = (usize, std::thread::Result<Outcome>);

/// Whom each run is told to, by its place; a job in answer is made in its stead.
type Done<'a> = &'a mut dyn FnMut(usize, Outcome) -> Option<Job>;

/// Makes all jobs, at most `at_once` at the same time (0: one for each processor). `hire` makes somebody who makes runs
/// one after the other; one for each thread.
pub fn make_all<W: FnMut(&Job) -> Outcome>(
    jobs: Vec<Job>,
    at_once: usize,
    hire: impl Fn() -> W + Sync,
    done: Done<'_>,
) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if at_once == 0 { threads } else { threads.min(at_once) }.min(jobs.len());
    let jobs: VecDeque<(usize, Job)> = jobs.into_iter().enumerate().collect();
    match threads {
        0 | 1 => in_turn(jobs, hire(), done),
        _ => beside(jobs, threads, &hire, done),
    }
}

fn in_turn(mut jobs: VecDeque<(usize, Job)>, mut worker: impl FnMut(&Job) -> Outcome, done: Done<'_>) {
    while let Some((place, job)) = jobs.pop_front() {
        if let Some(again) = done(place, worker(&job)) {
            jobs.push_front((place, again));
        }
    }
}

fn beside<W: FnMut(&Job) -> Outcome>(
    jobs: VecDeque<(usize, Job)>,
    threads: usize,
    hire: &(impl Fn() -> W + Sync),
    done: Done<'_>,
) {
    let mut left = jobs.len();
    let (give, jobs_given) = mpsc::channel::<(usize, Job)>();
    let (tell, told) = mpsc::channel::<Finished>();
    for job in jobs {
        // The other end lives in this function.
        let _ = give.send(job);
    }
    let jobs_given = Mutex::new(jobs_given);
    std::thread::scope(|scope| {
        // Dropped when this closure ends, also by a panic of `done`: then the threads find no more jobs and end.
        let give = give;
        for _ in 0..threads {
            let tell = tell.clone();
            let jobs_given = &jobs_given;
            scope.spawn(move || work(hire(), jobs_given, tell));
        }
        while left > 0 {
            // Every thread ends each job that it takes by telling of it, panic or not.
            let Ok((place, outcome)) = told.recv() else { break };
            let outcome = outcome.unwrap_or_else(|panic| resume_unwind(panic));
            match done(place, outcome) {
                Some(again) => drop(give.send((place, again))),
                None => left -= 1,
            }
        }
    });
}

fn work(
    mut worker: impl FnMut(&Job) -> Outcome,
    jobs: &Mutex<mpsc::Receiver<(usize, Job)>>,
    tell: mpsc::Sender<Finished>,
) {
    loop {
        // Nothing can panic while the lock is held, so a poisoned one is as good.
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((place, job)) = next else { return };
        // A worker that panicked is a bug of ours, which ends everything; it is not asked for another run.
        let outcome = catch_unwind(AssertUnwindSafe(|| worker(&job)));
        let broken = outcome.is_err();
        if tell.send((place, outcome)).is_err() || broken {
            return;
        }
    }
}
