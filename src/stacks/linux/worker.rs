//! A worker: the task that starts one namespace, makes the runs that it is given in it, and ends with it.

use super::namespace::{Namespace, Plan, Starting};
use crate::drive::real_time::{Clock, Driver, Wakers};
use crate::drive::{EnvironmentError, Patience, drill};
use crate::engine::{Endpoints, Outcome};
use crate::script::Script;
use crate::stack::{Facts, Profile};
use std::cell::Cell;
use std::io;
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

/// Most runs that may be in the middle of a step at the same moment. All runs can wait at once; but if all began at
/// once, each would have to wait for the others at every step, while the target's timers go on.
const UNDER_WAY: usize = 64;

/// A run to be made.
pub(super) struct Work {
    pub(super) job: usize,
    pub(super) script: Arc<Script>,
    pub(super) at: Endpoints,
}

/// What a worker reports.
pub(super) enum Report {
    /// Its namespace is ready; so many frames fit into the queue of the device.
    Ready(usize),
    /// A run has ended.
    Ended(usize, Box<Outcome>),
    /// Frames have come that belong to no run.
    Unclaimed(Vec<Arc<[u8]>>),
    /// The worker has ended, and why if it was not asked to. The namespace is passed on, since removing it takes a
    /// while.
    Gone(Option<EnvironmentError>, Option<Box<Namespace>>),
}

/// What a worker is made of.
pub(super) struct Worker {
    pub(super) number: usize,
    pub(super) starter: ChildStarter,
    pub(super) plan: Plan,
    pub(super) profile: Profile,
    pub(super) facts: Arc<Facts>,
    pub(super) alone: bool,
    pub(super) clock: Clock,
    pub(super) patience: Arc<Patience>,
    /// Set when everything is to end.
    pub(super) halt: Rc<Cell<bool>>,
    pub(super) work: UnboundedReceiver<Work>,
    pub(super) reports: UnboundedSender<(usize, Report)>,
}

impl Worker {
    /// Starts the namespace, makes runs in it until there are no more, and reports how it ended.
    pub(super) async fn work(mut self) {
        let gone = match self.starter.namespace(self.plan.clone(), self.profile.clone()).await {
            Ok(namespace) => self.make_runs(namespace).await,
            Err(error) => Report::Gone(Some(error), None),
        };
        self.report(gone);
    }

    fn report(&self, what: Report) {
        // The receiver is gone only if the whole session has ended.
        let _ = self.reports.send((self.number, what));
    }

    async fn make_runs(&mut self, namespace: Namespace) -> Report {
        self.report(Report::Ready(namespace.link.capacity()));
        let namespace = match self.alone {
            true => namespace.for_one_run(),
            false => namespace,
        };
        let mut driver = Driver::new(
            namespace,
            Arc::clone(&self.facts),
            self.clock,
            Arc::clone(&self.patience),
        );
        let why = match Wakers::of(&driver) {
            Ok(wakers) => self.drive(&mut driver, &wakers).await,
            Err(error) => Err(error.to_string()),
        };
        let error = why.err().map(|problem| EnvironmentError {
            problem,
            remedy: "run its cases again".to_owned(),
        });
        Report::Gone(error, Some(Box::new(driver.into_place())))
    }

    async fn drive(&mut self, driver: &mut Driver<Namespace>, wakers: &Wakers) -> Result<(), String> {
        let mut open = true;
        let mut keeps_up = true;
        loop {
            let mut begun = driver.unanswered();
            while open && keeps_up && begun < UNDER_WAY {
                match self.work.try_recv() {
                    Ok(work) => {
                        driver.start(work.job, work.script, work.at);
                        begun += 1;
                    }
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => open = false,
                }
            }
            if self.halt.get() {
                driver.stop("stopped");
            }
            drill("worker");
            let next = driver.turn();
            for (job, outcome) in driver.take_ended() {
                self.report(Report::Ended(job, Box::new(outcome)));
            }
            let unclaimed = driver.take_unclaimed();
            if !unclaimed.is_empty() {
                self.report(Report::Unclaimed(unclaimed));
            }
            if let Some(why) = driver.broken() {
                return Err(why.to_owned());
            }
            // A turn that was not finished shows that there is enough work already.
            keeps_up = next.is_some() && driver.unanswered() < UNDER_WAY;
            match (driver.active(), next) {
                (0, _) if !open => return Ok(()),
                (0, _) if self.work.is_empty() => open = self.wait_for_work(driver, wakers).await?,
                (_, None) => tokio::task::yield_now().await,
                (_, Some(_)) if keeps_up && !self.work.is_empty() => tokio::task::yield_now().await,
                (_, Some(deadline)) => wakers.wait(driver, deadline).await.map_err(|error| error.to_string())?,
            }
        }
    }

    /// Waits for work, or for the end of the namespace's process. The answer is whether there may be more work.
    async fn wait_for_work(&mut self, driver: &mut Driver<Namespace>, wakers: &Wakers) -> Result<bool, String> {
        tokio::select! {
            work = self.work.recv() => match work {
                Some(work) => {
                    driver.start(work.job, work.script, work.at);
                    Ok(true)
                }
                None => Ok(false),
            },
            woken = wakers.frame_or_line() => woken.map(|()| true).map_err(|error| error.to_string()),
        }
    }
}

/// Starts children on a thread of its own. A start takes milliseconds, for which no run may wait; and a child ends with
/// the thread that started it, so this thread does nothing else and lives as long as the session.
#[derive(Clone)]
pub(super) struct ChildStarter(mpsc::Sender<Order>);

/// How the child's namespace is to be made, and where the result is sent.
type Order = (Plan, Profile, oneshot::Sender<Result<Starting, EnvironmentError>>);

impl ChildStarter {
    /// The starter and its thread, which ends when the last clone is dropped.
    pub(super) fn open() -> io::Result<(ChildStarter, JoinHandle<()>)> {
        let (ask, asked) = mpsc::channel::<Order>();
        let thread = std::thread::Builder::new().spawn(move || {
            while let Ok((plan, profile, tell)) = asked.recv() {
                drill("starter");
                // If the receiver has ended meanwhile, the child is dropped and ends here.
                drop(tell.send(Starting::spawn(&plan, &profile)));
            }
        });
        Ok((ChildStarter(ask), thread?))
    }

    /// A namespace that has passed its self-test.
    async fn namespace(&self, plan: Plan, profile: Profile) -> Result<Namespace, EnvironmentError> {
        let (tell, told) = oneshot::channel();
        // Nothing but a panic ends the starter's thread while there is a starter: a bug of ours.
        let panicked = "the thread that starts children panicked";
        assert!(self.0.send((plan, profile, tell)).is_ok(), "{panicked}");
        let Ok(starting) = told.await else { panic!("{panicked}") };
        let starting = starting?;
        let (tell, told) = oneshot::channel();
        let test = std::thread::Builder::new().spawn(move || {
            drill("self-test");
            let tested = starting
                .wait()
                .and_then(|mut namespace| namespace.self_test().map(|()| namespace));
            // If the receiver has ended meanwhile, the namespace is dropped here.
            drop(tell.send(tested));
        });
        let test = test.map_err(|error| EnvironmentError {
            problem: format!("no thread can be started ({error})"),
            remedy: "raise the limit of processes (ulimit -u)".to_owned(),
        })?;
        match told.await {
            Ok(tested) => tested,
            // It told nothing, so it panicked.
            Err(_) => test
                .join()
                .map_or_else(|panic| resume_unwind(panic), |()| panic!("a self-test told nothing")),
        }
    }
}
