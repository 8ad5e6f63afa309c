//! A namespace at work: from its start, through the runs that it is given, to its end.

use super::namespace::{Namespace, Plan, Starting};
use crate::drive::EnvironmentError;
use crate::drive::real_time::{Clock, Driver, Wakers};
use crate::engine::{Endpoints, Outcome};
use crate::script::Script;
use crate::stack::{Facts, Profile};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

/// How many runs may be busy at the same moment. All can wait at once; but if all began at once, each would have to wait
/// for the others at every step, and the target's timers would run meanwhile.
const UNDER_WAY: usize = 64;

/// A run to be made in a room.
pub(super) struct Work {
    pub(super) job: usize,
    pub(super) script: Arc<Script>,
    pub(super) at: Endpoints,
}

/// What a room tells.
pub(super) enum Told {
    /// It stands; so many frames fit into its queue.
    Ready(usize),
    /// A run has ended.
    Ended(usize, Box<Outcome>),
    /// It has ended, and why if it was not asked to; what is left of it takes a while to clear away.
    Gone(Option<EnvironmentError>, Option<Box<Namespace>>),
}

/// What a room needs.
pub(super) struct Room {
    pub(super) number: usize,
    pub(super) nursery: Nursery,
    pub(super) plan: Plan,
    pub(super) profile: Profile,
    pub(super) facts: Arc<Facts>,
    pub(super) alone: bool,
    pub(super) clock: Clock,
    /// Set when everything is to end.
    pub(super) halt: Rc<Cell<bool>>,
    pub(super) work: UnboundedReceiver<Work>,
    pub(super) tell: UnboundedSender<(usize, Told)>,
}

impl Room {
    /// Everything that it does.
    pub(super) async fn live(mut self) {
        let gone = match self.nursery.namespace(self.plan.clone(), self.profile.clone()).await {
            Ok(namespace) => self.work_in(namespace).await,
            Err(error) => Told::Gone(Some(error), None),
        };
        self.say(gone);
    }

    fn say(&self, what: Told) {
        // Whoever listened has gone only if the whole session has.
        let _ = self.tell.send((self.number, what));
    }

    async fn work_in(&mut self, namespace: Namespace) -> Told {
        self.say(Told::Ready(namespace.link.capacity()));
        let namespace = match self.alone {
            true => namespace.for_one_run(),
            false => namespace,
        };
        let mut driver = Driver::new(namespace, Arc::clone(&self.facts), self.clock);
        let why = match Wakers::of(&driver) {
            Ok(wakers) => self.drive(&mut driver, &wakers).await,
            Err(error) => Err(error.to_string()),
        };
        let error = why.err().map(|problem| EnvironmentError {
            problem,
            remedy: "run its cases again".to_owned(),
        });
        Told::Gone(error, Some(Box::new(driver.into_place())))
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
            let next = driver.turn();
            for (job, outcome) in driver.take_ended() {
                self.say(Told::Ended(job, Box::new(outcome)));
            }
            if let Some(why) = driver.broken() {
                return Err(why.to_owned());
            }
            // A turn that did not get to its end has work enough already.
            keeps_up = next.is_some() && driver.unanswered() < UNDER_WAY;
            match (driver.active(), next) {
                (0, _) if !open => return Ok(()),
                (0, _) if self.work.is_empty() => open = self.rest(driver, wakers).await?,
                (_, None) => tokio::task::yield_now().await,
                (_, Some(_)) if keeps_up && !self.work.is_empty() => tokio::task::yield_now().await,
                (_, Some(deadline)) => wakers.wait(driver, deadline).await.map_err(|error| error.to_string())?,
            }
        }
    }

    /// Waits for work, or for the child's end. Whether there may be more work.
    async fn rest(&mut self, driver: &mut Driver<Namespace>, wakers: &Wakers) -> Result<bool, String> {
        tokio::select! {
            work = self.work.recv() => match work {
                Some(work) => {
                    driver.start(work.job, work.script, work.at);
                    Ok(true)
                }
                None => Ok(false),
            },
            woken = wakers.stirred() => woken.map(|()| true).map_err(|error| error.to_string()),
        }
    }
}

/// Starts children. It takes milliseconds, in which nobody else may be kept waiting, and a child ends with the thread
/// that started it: so this thread does nothing else, and lives as long as the session.
#[derive(Clone)]
pub(super) struct Nursery(mpsc::Sender<Birth>);

type Birth = (Plan, Profile, oneshot::Sender<Result<Starting, EnvironmentError>>);

impl Nursery {
    /// The nursery and its thread, which ends when the last clone is dropped.
    pub(super) fn open() -> (Nursery, std::thread::JoinHandle<()>) {
        let (ask, asked) = mpsc::channel::<Birth>();
        let thread = std::thread::spawn(move || {
            while let Ok((plan, profile, tell)) = asked.recv() {
                // Who asked may have ended meanwhile; then the child ends here.
                drop(tell.send(Starting::spawn(&plan, &profile)));
            }
        });
        (Nursery(ask), thread)
    }

    /// A namespace that is what it should be.
    async fn namespace(&self, plan: Plan, profile: Profile) -> Result<Namespace, EnvironmentError> {
        let ended = || EnvironmentError {
            problem: "a thread of ours has ended early".to_owned(),
            remedy: "report this".to_owned(),
        };
        let (tell, told) = oneshot::channel();
        self.0.send((plan, profile, tell)).map_err(|_| ended())?;
        let starting = told.await.map_err(|_| ended())??;
        let tested = tokio::task::spawn_blocking(move || {
            let mut namespace = starting.wait()?;
            namespace.self_test().map(|()| namespace)
        });
        tested.await.map_err(|_| ended())?
    }
}
