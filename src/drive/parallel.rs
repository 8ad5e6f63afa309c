//! Makes the runs of independent worlds in parallel, on a number of threads.

use super::worlds::{Runs, Worlds};
use super::{Done, EndedRun, Job, drill};
use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::Instant;

/// Called by a worker for each run that has ended, with the index of its job.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(usize, EndedRun);

/// What a thread reports: a run has ended, or the worker panicked, which is a bug of ours.
enum Said {
    Ended(usize, Box<EndedRun>),
    Panicked(Box<dyn Any + Send>),
}

/// Makes all jobs, divided among worlds, at most `at_once` worlds at the same time (0: one for each processor). Each
/// thread has a worker from `new_worker`, which makes all runs of one world after the other. A job with which `done`
/// answers an outcome has a world to itself.
pub(crate) fn make_all<W: FnMut(&mut Runs, Tell<'_>)>(
    worlds: Worlds,
    jobs: Vec<Job>,
    at_once: usize,
    new_worker: impl Fn() -> W + Sync,
    done: Done<'_>,
) {
    let runs = jobs.len();
    let worlds = worlds.divide(jobs);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if at_once == 0 { threads } else { threads.min(at_once) }.min(worlds.len());
    match threads {
        0 | 1 => in_turn(worlds.into(), new_worker(), done),
        _ => beside(worlds, runs, threads, &new_worker, done),
    }
}

/// Tells how long each run of a world takes on the clock on the wall: from the end of the one before.
struct Stopwatch(Instant);

impl Stopwatch {
    fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    fn timed(&mut self, mut ended: EndedRun) -> EndedRun {
        ended.outcome.took = self.0.elapsed();
        self.0 = Instant::now();
        ended
    }
}

fn in_turn(mut worlds: VecDeque<Runs>, mut worker: impl FnMut(&mut Runs, Tell<'_>), done: Done<'_>) {
    while let Some(mut runs) = worlds.pop_front() {
        let mut again = Vec::new();
        let mut watch = Stopwatch::start();
        worker(&mut runs, &mut |place, ended| {
            let ended = watch.timed(ended);
            again.extend(done(place, ended).map(|job| Runs::from([(place, job)])));
        });
        again.into_iter().rev().for_each(|runs| worlds.push_front(runs));
    }
}

fn beside<W: FnMut(&mut Runs, Tell<'_>)>(
    worlds: Vec<Runs>,
    mut left: usize,
    threads: usize,
    new_worker: &(impl Fn() -> W + Sync),
    done: Done<'_>,
) {
    let (give, given) = mpsc::channel::<Runs>();
    let (say, said) = mpsc::channel::<Said>();
    for runs in worlds {
        // The receiving end lives in this function, so that the channel is open.
        let _ = give.send(runs);
    }
    let given = Mutex::new(given);
    std::thread::scope(|scope| {
        // Dropped when this closure ends, also by a panic of `done`: then the threads find no more worlds and end.
        let give = give;
        let begun = (0..threads).take_while(|_| {
            let (say, given) = (say.clone(), &given);
            let thread = std::thread::Builder::new();
            // Where the machine allows no more threads, fewer do all the work.
            thread
                .spawn_scoped(scope, move || work(new_worker(), given, &say))
                .is_ok()
        });
        if begun.count() == 0 {
            let given = given.lock().unwrap_or_else(PoisonError::into_inner);
            return in_turn(given.try_iter().collect(), new_worker(), done);
        }
        while left > 0 {
            // Every thread ends each run that it takes by saying so, panic or not.
            match said.recv() {
                Ok(Said::Ended(place, ended)) => match done(place, *ended) {
                    Some(again) => drop(give.send(Runs::from([(place, again)]))),
                    None => left -= 1,
                },
                Ok(Said::Panicked(panic)) => resume_unwind(panic),
                Err(_) => break,
            }
        }
    });
}

fn work(mut worker: impl FnMut(&mut Runs, Tell<'_>), given: &Mutex<mpsc::Receiver<Runs>>, say: &mpsc::Sender<Said>) {
    loop {
        // Nothing can panic while the lock is held, so a poisoned one is as good.
        let next = given.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut runs) = next else { return };
        // The receiver is gone only after a panic elsewhere, which ends everything.
        let made = catch_unwind(AssertUnwindSafe(|| {
            drill("worlds");
            let mut watch = Stopwatch::start();
            worker(&mut runs, &mut |place, ended| {
                drop(say.send(Said::Ended(place, Box::new(watch.timed(ended)))))
            });
        }));
        // A worker that panicked is not asked for another world.
        if let Err(panic) = made {
            drop(say.send(Said::Panicked(panic)));
            return;
        }
    }
}
