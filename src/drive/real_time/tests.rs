//! Real time over a place that is not a namespace: the reference endpoint behind two queues, on this machine's clock.

use super::*;
use crate::case::Library;
use crate::drive::Limits;
use crate::drive::addresses::{Addresses, target_address};
use crate::model::{Config, Model};
use crate::stack::{IpVersion, Stack};
use crate::stacks::Runner;
use crate::suite::{Axes, Run, expand};
use std::io;

/// A host with the reference endpoint, and an agent on it.
struct Host {
    clock: Clock,
    endpoint: Model,
    packets: VecDeque<Vec<u8>>,
    received: Vec<u8>,
    replies: Vec<Reply>,
    losses: Losses,
    /// After so many packets the agent's process ends.
    most: usize,
}

impl Host {
    fn new(clock: Clock) -> Host {
        let addresses = [IpVersion::V4, IpVersion::V6].map(target_address).to_vec();
        Host {
            clock,
            endpoint: Model::new(Config::default(), 1, addresses),
            packets: VecDeque::new(),
            received: Vec::new(),
            replies: Vec::new(),
            losses: Losses::default(),
            most: usize::MAX,
        }
    }

    /// Lets the endpoint's due timers expire.
    fn poll(&mut self) {
        let (packets, replies) = (&mut self.packets, &mut self.replies);
        self.endpoint.poll(self.clock.now(), &mut |what| match what {
            Emitted::Packet(octets) => packets.push_back(octets),
            Emitted::Result(id, result) => replies.push(Reply::Result(id, result)),
            Emitted::Pending(id) => replies.push(Reply::Pending(id)),
            Emitted::Accepted { listener, socket, peer } => replies.push(Reply::Accepted { listener, socket, peer }),
        });
    }
}

impl Place for Host {
    fn send(&mut self, packet: &[u8]) -> io::Result<()> {
        self.most = self.most.saturating_sub(1);
        self.endpoint.receive(self.clock.now(), packet);
        self.poll();
        Ok(())
    }

    fn receive(&mut self) -> io::Result<Option<&[u8]>> {
        self.poll();
        let Some(packet) = self.packets.pop_front() else {
            return Ok(None);
        };
        self.received = packet;
        Ok(Some(&self.received))
    }

    fn say(&mut self, request: &Request) {
        match request {
            Request::Call(id, call) => {
                let before = self.replies.len();
                self.endpoint.call(self.clock.now(), *id, call);
                self.poll();
                // In real time each call is answered at once by its result or by `pending`.
                if self.replies.len() == before {
                    self.replies.push(Reply::Pending(*id));
                }
            }
            Request::Sync(number) => self.replies.push(Reply::Synced(*number)),
            _ => {}
        }
    }

    fn flush(&mut self) -> Result<(), Halt> {
        Ok(())
    }

    fn is_behind(&self) -> bool {
        false
    }

    fn hear(&mut self, replies: &mut Vec<Reply>) -> Result<(), Halt> {
        if self.most == 0 {
            return Err(Halt::Broke(Breakdown::Crash, "the agent ended".to_owned()));
        }
        self.poll();
        replies.append(&mut self.replies);
        Ok(())
    }

    fn losses(&mut self) -> io::Result<Losses> {
        Ok(self.losses.clone())
    }

    fn explain(&mut self, halt: Halt) -> Halt {
        let text = format!("{}; its standard error ends with `no memory`", halt.text());
        match halt {
            Halt::Broke(how, _) => Halt::Broke(how, text),
            Halt::Void(_) => Halt::Void(text),
        }
    }

    // These tests do not wait for readiness: they call the driver again and again.

    fn packets(&self) -> io::Result<Readiness> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn lines(&self) -> io::Result<Readiness> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// The runs of a few short cases.
fn plan() -> Vec<Run> {
    let library = Library::bundled().unwrap_or_else(|problems| panic!("{problems}"));
    let scripts: Vec<_> = library.cases().iter().flat_map(|case| case.scripts.clone()).collect();
    let mut plan = expand(&scripts, &Axes::default());
    let cases = ["handshake/passive-open", "reset/acceptance", "close/passive"];
    plan.retain(|run| cases.contains(&&*run.script.case) && !run.wrap);
    plan
}

/// Makes runs at the same time in one place. `prepare` changes the place after the driver has read its counters.
fn outcomes(plan: &[Run], prepare: impl FnOnce(&mut Host)) -> Vec<Outcome> {
    let runner = Runner::bundled("model").unwrap();
    let facts = Facts {
        virtual_time: false,
        ..Facts::clone(&runner.facts)
    };
    let clock = Clock::start();
    let patience = Arc::new(Patience::new(Limits::of(Duration::from_secs(5))));
    let mut driver = Driver::new(Host::new(clock), Arc::new(facts), clock, patience);
    prepare(&mut driver.place);
    let mut addresses = Addresses::on_virtual_time();
    for (place, run) in plan.iter().enumerate() {
        let job = run.job(1);
        let at = addresses.next(&job).unwrap();
        driver.start(place, job.script, at);
    }
    let mut outcomes = vec![None; plan.len()];
    while driver.active() > 0 {
        driver.turn();
        for (place, outcome) in driver.take_ended() {
            outcomes[place] = Some(outcome);
        }
    }
    outcomes
        .into_iter()
        .map(|outcome| outcome.expect("all are told"))
        .collect()
}

#[test]
fn runs_pass_in_any_place() {
    let mut left = plan();
    // A machine that is busy with other things may be too slow for us. Such a run says nothing, and is made again.
    for _ in 0..20 {
        let outcomes = outcomes(&left, |_| ());
        let made = left.into_iter().zip(outcomes);
        left = made
            .filter(|(run, outcome)| {
                let is_lawful = matches!(outcome.verdict, Verdict::Pass | Verdict::Inconclusive);
                assert!(is_lawful, "{}: {outcome:#?}", run.name);
                outcome.verdict == Verdict::Inconclusive
            })
            .map(|(run, _)| run)
            .collect();
        if left.is_empty() {
            return;
        }
    }
    panic!("20 times too late: {}", left[0].name);
}

#[test]
fn what_belongs_to_no_run_is_kept_apart_from_all_of_them() {
    let solicitation = [
        &[0x60, 0, 0, 0, 0, 8, 58, 255][..],
        &[0xfe; 16],
        &[0xff; 16],
        &[133, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let garbage = vec![0x50; 9];
    let beside = [solicitation, garbage];
    let clock = Clock::start();
    let facts = Facts {
        virtual_time: false,
        ..Facts::clone(&Runner::bundled("model").unwrap().facts)
    };
    let mut host = Host::new(clock);
    host.packets.extend(beside.clone());
    let patience = Arc::new(Patience::new(Limits::of(Duration::from_secs(5))));
    let mut driver = Driver::new(host, Arc::new(facts), clock, patience);
    let mut addresses = Addresses::on_virtual_time();
    for (place, run) in plan().iter().enumerate().take(2) {
        let job = run.job(1);
        let at = addresses.next(&job).unwrap();
        driver.start(place, job.script, at);
    }
    while driver.active() > 0 {
        driver.turn();
        for (_, outcome) in driver.take_ended() {
            let accused = |name: &str| outcome.broken_rules.iter().any(|broken| broken.rule.name == name);
            assert!(!accused("ip-version-known"), "{:?}", outcome.broken_rules);
        }
    }
    let unclaimed: Vec<Vec<u8>> = driver.take_unclaimed().iter().map(|octets| octets.to_vec()).collect();
    assert_eq!(unclaimed, beside);
}

#[test]
fn what_nobody_asked_for_ends_the_place() {
    let plan = plan();
    let unasked = |host: &mut Host| {
        host.replies
            .push(Reply::Result(CallId(u64::MAX), Ok(crate::stack::Answer::Ok)))
    };
    for outcome in outcomes(&plan, unasked) {
        assert_eq!(outcome.verdict, Verdict::Inconclusive);
        assert!(
            outcome
                .reason
                .contains("told of call 18446744073709551615, which is not open"),
            "{}",
            outcome.reason
        );
    }
}

#[test]
fn what_a_place_has_lost_makes_no_verdict() {
    let plan = plan();
    for outcome in outcomes(&plan, |host| host.losses.frames = 12) {
        assert_eq!(outcome.verdict, Verdict::Inconclusive);
        assert_eq!(outcome.reason, "12 frames were dropped by a full queue of the tester");
    }
}

#[test]
fn a_place_that_ends_costs_its_runs_and_says_why() {
    let plan = plan();
    for outcome in outcomes(&plan, |host| host.most = 5) {
        assert_eq!(outcome.verdict, Verdict::Inconclusive);
        let expected = "the agent ended; its standard error ends with `no memory`";
        assert_eq!(outcome.reason, expected);
    }
}
