//! Many runs on one clock.

use super::Outcome;
use crate::case::Script;
use crate::target::{Call, CallId, Emitted, Facts};
use crate::time::{Instant, Stamp};
use core::net::IpAddr;
use std::sync::Arc;

/// A run on a bench.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// Where a run takes place. No other run of the same namespace, before or after, has the same tester addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The target's address.
    pub target: IpAddr,
    /// The port on which it listens, and from which RSTs for closed ports come.
    pub port: u16,
    /// The tester's addresses; a script uses as many as its connections name hosts.
    pub testers: Vec<IpAddr>,
    /// Whether ISNs are placed near 2^32: the tester's always, the target's where it is able.
    pub wrap: bool,
    /// From which everything that looks random is made.
    pub seed: u64,
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

/// Many runs on one clock.
pub struct Bench {}

impl Bench {
    /// A bench for one target.
    pub fn new(_facts: Arc<Facts>) -> Bench {
        todo!()
    }

    /// Starts a run. Scripts that the target cannot carry out end at once.
    pub fn start(&mut self, _now: Instant, _script: Arc<Script>, _at: Endpoints) -> RunId {
        todo!()
    }

    /// Tells what the target did, and between which two moments. Frames are routed by tester address (ICMP and
    /// unknown ones are ignored), calls by their id.
    pub fn handle(&mut self, _at: Stamp, _what: Emitted) {
        todo!()
    }

    /// Tells when the last [`Step::Inject`] or [`Step::Call`] of this run was carried out.
    pub fn carried(&mut self, _run: RunId, _at: Stamp) {
        todo!()
    }

    /// Tells that everything that this run's last step caused at once has been handed in. A call that has not been
    /// answered by then is pending.
    pub fn quiet(&mut self, _run: RunId, _at: Instant) {
        todo!()
    }

    /// Ends a run as inconclusive, for a reason of ours: `the target process ended`, `12 frames were lost`.
    pub fn void(&mut self, _run: RunId, _now: Instant, _reason: &str) {
        todo!()
    }

    /// Like [`Bench::void`], for every run that is under way.
    pub fn void_all(&mut self, _now: Instant, _reason: &str) {
        todo!()
    }

    /// Ends a run as a failure of the target that no step asked about: it sends without end, or it panicked. It breaks
    /// what the case covers; `seen` says what happened.
    pub fn broken(&mut self, _run: RunId, _now: Instant, _seen: &str) {
        todo!()
    }

    /// What to do next. To be called until it returns [`Step::Wait`] or [`Step::Idle`].
    ///
    /// `drained` is the moment at which the target was last seen to have nothing more to say: a deadline before it has
    /// passed for certain. On virtual time it is `now`.
    pub fn poll(&mut self, _now: Instant, _drained: Instant) -> Step {
        todo!()
    }

    /// The outcome of a run that is done, once.
    pub fn take(&mut self, _run: RunId) -> Option<Outcome> {
        todo!()
    }

    /// Runs under way.
    pub fn active(&self) -> usize {
        todo!()
    }
}
