//! What a child does.

use super::message::{self, Inbox, JobName, Order, Said};
use super::watch::Watch;
use crate::drive::{EndedRun, Job, Runs, Worlds, drill, panic_text};
use crate::script::Script;
use crate::stack::{Breakdown, Stack};
use crate::stacks::Embedded;
use core::num::NonZeroUsize;
use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// Makes worlds of `target`, as the parent orders at the other end of standard input, until that is closed. `load` gives the
/// scripts of the case of that id, or those of all cases.
pub fn serve<F>(target: Embedded<F>, load: impl Fn(Option<&str>) -> Vec<Arc<Script>>) -> io::Result<()>
where
    F: Fn(&Job) -> Box<dyn Stack>,
{
    let parent = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let watch = Arc::new(Watch::default());
    let mouth = Arc::new(Mutex::new(parent.try_clone()?));
    watch_over(Arc::clone(&watch), Arc::clone(&mouth))?;
    let mut server = Server {
        target: target.watched(&watch),
        scripts: Scripts {
            load,
            known: HashMap::new(),
        },
        watch: Arc::clone(&watch),
        mouth,
    };
    let mut inbox = Inbox::new();
    loop {
        if let Some(order) = inbox.take()? {
            server.carry_out(&order)?;
            continue;
        }
        match inbox.fill(&parent) {
            Ok(0) => return Ok(()),
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
}

/// Tells the parent when the stack hangs; the parent then ends this process. If it has ended itself, nobody else would.
fn watch_over(watch: Arc<Watch>, mouth: Arc<Mutex<UnixStream>>) -> io::Result<()> {
    let watcher = std::thread::Builder::new().name("watch".to_owned());
    let watched = watcher.spawn(move || {
        let hang = catch_unwind(AssertUnwindSafe(|| {
            drill("watch");
            watch.hang()
        }));
        let said = hang.map_or_else(|panic| Said::Failed(panic_text(panic.as_ref()).to_owned()), Said::Hangs);
        if say(&mouth, &said).is_err() {
            std::process::exit(3);
        }
    });
    watched.map(drop)
}

/// Both threads speak to the parent.
fn say(mouth: &Mutex<UnixStream>, what: &Said) -> io::Result<()> {
    // A write that failed leaves nothing that could be spoilt.
    message::write(&*mouth.lock().unwrap_or_else(PoisonError::into_inner), what)
}

struct Server<F, L> {
    target: Embedded<F>,
    scripts: Scripts<L>,
    watch: Arc<Watch>,
    mouth: Arc<Mutex<UnixStream>>,
}

/// The scripts of this process. A stack may end one process after the other, so the first case is read alone; a process
/// that lives on needs them all.
struct Scripts<L> {
    load: L,
    known: HashMap<(Arc<str>, String), Arc<Script>>,
}

impl<L: Fn(Option<&str>) -> Vec<Arc<Script>>> Scripts<L> {
    fn find(&mut self, name: &JobName) -> Option<&Arc<Script>> {
        let key = (Arc::clone(&name.case), name.row.clone());
        if !self.known.contains_key(&key) {
            let alone = self.known.is_empty().then_some(&*name.case);
            let scripts = (self.load)(alone).into_iter();
            self.known
                .extend(scripts.map(|script| ((Arc::clone(&script.case), script.row.clone()), script)));
        }
        self.known.get(&key)
    }
}

impl<F, L> Server<F, L>
where
    F: Fn(&Job) -> Box<dyn Stack>,
    L: Fn(Option<&str>) -> Vec<Arc<Script>>,
{
    fn carry_out(&mut self, order: &Order) -> io::Result<()> {
        let Some(mut runs) = self.runs(order) else {
            let why = "a child knows other cases than its parent: they have changed meanwhile".to_owned();
            return say(&self.mouth, &Said::Failed(why));
        };
        let at_once = NonZeroUsize::new(order.at_once).filter(|at_once| at_once.get() > 1);
        self.target.limit(order.emissions);
        self.target
            .set_worlds(at_once.map_or(Worlds::Fresh, |at_once| Worlds::Shared { at_once }));
        self.watch.begin(order.wait);
        let mut said = Ok(());
        // The last run ends only when its stack is gone, which may be what breaks it.
        let mut last: Option<(usize, EndedRun)> = None;
        let made = catch_unwind(AssertUnwindSafe(|| {
            drill("linked");
            let mut tell = |at: usize, ended: EndedRun| {
                if let Some((at, ended)) = last.replace((at, ended))
                    && said.is_ok()
                {
                    said = say(&self.mouth, &Said::ended(at, ended));
                }
            };
            self.target.make_runs(&mut runs, &AtomicBool::new(false), &mut tell);
        }));
        said?;
        if let Some((at, mut ended)) = last {
            if let Some(panic) = self.watch.panicked_at_its_end() {
                ended.outcome.break_down(Breakdown::Panic, &panic);
            }
            say(&self.mouth, &Said::ended(at, ended))?;
        }
        // What the stack does is caught where it is called: this is a bug of ours.
        let end = made.map_or_else(
            |panic| Said::Failed(panic_text(panic.as_ref()).to_owned()),
            |()| Said::Done,
        );
        say(&self.mouth, &end)
    }

    fn runs(&mut self, order: &Order) -> Option<Runs> {
        let jobs = order.jobs.iter().enumerate();
        jobs.map(|(at, name)| Some((at, name.with(self.scripts.find(name)?))))
            .collect()
    }
}
