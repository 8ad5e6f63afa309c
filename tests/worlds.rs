//! Runs that share a world on virtual time: they come to the verdicts that they come to in worlds of their own, and the
//! same runs in the same order give the same octets.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;
use tcpvet::case::Library;
use tcpvet::drive::addresses::target_address;
use tcpvet::drive::{EndedRun, Job, Target, Worlds};
use tcpvet::engine::{TraceEvent, Verdict};
use tcpvet::model::{Config, Defects, Model};
use tcpvet::stack::{Abilities, Call, CallId, Emitted, IpVersion, Stack};
use tcpvet::stacks::{Embedded, Runner};
use tcpvet::suite::{Axes, Conduct, Expectations, Progress, Run, RunResult, execute, expand};
use tcpvet::time::Instant;
use tcpvet::wire::{Flags, Packet, Segment};

/// Many enough that any two runs of a group are under way together with some others.
const SHARED: Worlds = Worlds::Shared {
    at_once: NonZeroUsize::new(20).unwrap(),
};

pub(crate) fn plan() -> Vec<Run> {
    let library = Library::bundled().unwrap_or_else(|problems| panic!("{problems}"));
    let scripts: Vec<_> = library.cases().iter().flat_map(|case| case.scripts.clone()).collect();
    expand(&scripts, &Axes::default())
}

pub(crate) fn results(target: &mut dyn Target, plan: &[Run]) -> Vec<RunResult> {
    results_as_expected(target, plan, &Expectations::default())
}

fn results_as_expected(target: &mut dyn Target, plan: &[Run], expectations: &Expectations) -> Vec<RunResult> {
    let conduct = Conduct { seed: 1, at_once: 0 };
    let stop = AtomicBool::new(false);
    let mut results = BTreeMap::new();
    let trouble = execute(target, plan, expectations, conduct, &stop, &mut |progress| {
        if let Progress::Settled(place, result) = progress {
            results.insert(place, *result);
        }
    });
    assert_eq!(trouble, None);
    results.into_values().collect()
}

/// What counts of a run: its verdict, and where it failed.
fn facts(result: &RunResult) -> (&str, Verdict, Option<&str>, &str) {
    let step = result.outcome.failure.as_ref().map(|failure| failure.step.as_str());
    let reason = &result.outcome.reason;
    (&result.run.name, result.outcome.verdict, step, reason)
}

/// What happened in a run at its first attempt.
fn first_trace(result: &RunResult) -> &[TraceEvent] {
    &result.earlier.first().unwrap_or(&result.outcome).trace
}

/// That the library comes to the same in shared worlds as in fresh ones, and does so twice octet for octet. What passes
/// although a failure is expected is made again alone: a timer that counts ticks may be right by chance.
fn same_in_shared_worlds(target: &mut dyn Target, expectations: &str) {
    let plan = plan();
    let expectations = Expectations::parse(expectations, "expectations.yaml").expect("they are bundled");
    let fresh = results_as_expected(target, &plan, &expectations);
    target.share_worlds(SHARED);
    let shared = results_as_expected(target, &plan, &expectations);
    let second = results_as_expected(target, &plan, &expectations);
    for ((fresh, shared), second) in fresh.iter().zip(&shared).zip(&second) {
        assert_eq!(facts(fresh), facts(shared));
        assert_eq!(first_trace(shared), first_trace(second), "{}", shared.run.name);
        assert_eq!(shared.meeting, second.meeting);
    }
    let again = shared.iter().filter(|result| result.attempts > 1).count();
    let met: Vec<String> = shared
        .iter()
        .filter_map(|result| Some(format!("  {}: {}\n", result.run.name, result.meeting.as_ref()?)))
        .collect();
    println!(
        "{again} of {} made again alone, {} met:\n{}",
        plan.len(),
        met.len(),
        met.concat()
    );
    assert!(
        again < plan.len() / 4,
        "most must come out beside others as they do alone"
    );
}

pub(crate) fn runner(name: &str) -> Runner {
    Runner::bundled(name).expect("it is bundled")
}

#[test]
fn the_reference_endpoint_does_the_same_for_many_as_for_one() {
    let mut target = tcpvet::stacks::model::target(runner("model"), Config::default(), Defects::NONE);
    same_in_shared_worlds(&mut target, "");
}

#[cfg(feature = "smoltcp")]
#[test]
fn smoltcp_does_the_same_for_many_as_for_one() {
    let expectations = include_str!("../runners/smoltcp/expectations.yaml");
    same_in_shared_worlds(&mut tcpvet::stacks::smoltcp::target(runner("smoltcp")), expectations);
}

#[cfg(all(feature = "agents", unix))]
#[test]
fn an_agent_does_the_same_for_many_as_for_one() {
    use tcpvet::stacks::agent::{Agents, Folder};
    let folder = Folder::bundled("lwip").expect("it is bundled");
    if let Some(error) = folder.refused() {
        return eprintln!("skipped: {error}");
    }
    let launch = folder.prepare().unwrap_or_else(|error| panic!("{error}"));
    let mut target = Agents::open(folder.runner, launch).unwrap_or_else(|error| panic!("{error}"));
    same_in_shared_worlds(&mut target, include_str!("../runners/lwip/expectations.yaml"));
}

/// The reference endpoint, spoilt for more than one run.
struct Spoilt {
    endpoint: Model,
    how: How,
    syns: usize,
}

#[derive(Clone, Copy)]
enum How {
    /// The whole host takes so many SYNs, and no more.
    TakesSyns(usize),
    /// It panics at urgent data.
    DreadsUrgentData,
}

impl Spoilt {
    fn is_lost(&mut self, segment: &Segment) -> bool {
        match self.how {
            How::TakesSyns(most) => {
                self.syns += usize::from(segment.flags == Flags::SYN);
                segment.flags == Flags::SYN && self.syns > most
            }
            How::DreadsUrgentData => {
                assert!(!segment.flags.contains(Flags::URG), "urgent data");
                false
            }
        }
    }
}

impl Stack for Spoilt {
    fn abilities(&self) -> Abilities {
        self.endpoint.abilities()
    }

    fn receive(&mut self, now: Instant, packet: &[u8]) {
        let parsed = Packet::parse(packet).ok();
        let segment = parsed.as_ref().and_then(Packet::tcp);
        if !segment.is_some_and(|segment| self.is_lost(segment)) {
            self.endpoint.receive(now, packet);
        }
    }

    fn call(&mut self, now: Instant, id: CallId, call: &Call) {
        self.endpoint.call(now, id, call);
    }

    fn poll(&mut self, now: Instant, out: &mut dyn FnMut(Emitted)) -> Option<Instant> {
        self.endpoint.poll(now, out)
    }
}

fn spoilt(how: How, worlds: Worlds) -> Embedded<impl Fn(&Job) -> Box<dyn Stack> + Sync> {
    let mut target = Embedded::of(runner("model"), move |job: &Job| -> Box<dyn Stack> {
        let addresses = [IpVersion::V4, IpVersion::V6].map(target_address).to_vec();
        Box::new(Spoilt {
            endpoint: Model::new(Config::default(), job.seed, addresses),
            how,
            syns: 0,
        })
    });
    target.share_worlds(worlds);
    target
}

/// The runs of some cases over IPv4.
fn some(cases: &[&str]) -> Vec<Run> {
    let mut plan = plan();
    plan.retain(|run| cases.contains(&&*run.script.case) && run.ip == IpVersion::V4 && !run.wrap);
    plan
}

#[test]
fn a_failure_that_a_shared_limit_makes_is_a_meeting_and_no_failure() {
    let plan = some(&["handshake/passive-open", "close/passive", "reset/acceptance"]);
    let fresh = results(&mut spoilt(How::TakesSyns(3), Worlds::Fresh), &plan);
    let shared = results(&mut spoilt(How::TakesSyns(3), SHARED), &plan);
    let (mut met, mut longest) = (0, 0);
    for (fresh, shared) in fresh.iter().zip(&shared) {
        assert_eq!(facts(fresh), facts(shared));
        assert_eq!(shared.meeting.is_some(), shared.attempts > 1, "{}", shared.run.name);
        let Some(meeting) = &shared.meeting else { continue };
        met += 1;
        longest = longest.max(meeting.beside.len());
        assert!(matches!(meeting.verdict, Verdict::Fail | Verdict::Deviates));
        assert_eq!(shared.earlier.len(), 1);
        assert!(
            shared.outcome.notes.contains(&meeting.to_string()),
            "{:?}",
            shared.outcome.notes
        );
        let known = |name: &String| plan.iter().any(|run| run.name == *name) && *name != shared.run.name;
        assert!(meeting.beside.iter().all(known), "{meeting:?}");
    }
    // All that came after the third SYN.
    assert!(met > plan.len() / 2, "{met} of {} met", plan.len());
    assert!(longest >= 3, "a run is beside those whose SYNs were taken");
}

#[test]
fn a_panic_is_put_down_to_the_run_that_was_given_to_it_and_costs_the_others_nothing() {
    let plan = some(&[
        "handshake/passive-open",
        "urgent/told",
        "close/passive",
        "reset/acceptance",
    ]);
    let results = results(&mut spoilt(How::DreadsUrgentData, SHARED), &plan);
    let mut failed = 0;
    for result in &results {
        assert_eq!(result.meeting, None, "{}", result.run.name);
        match &result.outcome.failure {
            None => assert_eq!(result.outcome.verdict, Verdict::Pass, "{}", result.run.name),
            Some(failure) => {
                assert_eq!(
                    failure.seen, "the target broke down: the stack panicked: urgent data",
                    "{}",
                    result.run.name
                );
                failed += 1;
            }
        }
    }
    assert!(failed > 0 && failed < plan.len(), "{failed} of {} failed", plan.len());
    let void = |result: &&RunResult| {
        result
            .earlier
            .iter()
            .any(|outcome| outcome.verdict == Verdict::Inconclusive)
    };
    assert!(
        results.iter().any(|result| void(&result)),
        "some were under way when it panicked"
    );
}

#[test]
fn who_asks_for_a_world_alone_has_one() {
    let plan = plan();
    let jobs: Vec<Job> = plan.iter().map(|run| run.job(1)).collect();
    let own = |job: &Job| job.alone || !job.script.configure.is_empty();
    let mine: Vec<bool> = jobs.iter().map(own).collect();
    assert!(mine.contains(&true));
    let mut target = tcpvet::stacks::model::target(runner("model"), Config::default(), Defects::NONE);
    target.share_worlds(SHARED);
    let mut shared = 0;
    target
        .run(
            jobs,
            0,
            &AtomicBool::new(false),
            &mut |place, EndedRun { beside, .. }| {
                shared += usize::from(!beside.is_empty());
                assert!(!mine[place] || beside.is_empty(), "{}", plan[place].name);
                assert!(beside.iter().all(|other| !mine[*other]), "{}", plan[place].name);
                None
            },
        )
        .expect("it can be run");
    assert!(shared > plan.len() / 2, "most must share a world");
}
