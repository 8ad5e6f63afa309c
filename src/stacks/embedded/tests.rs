//! What the driver promises, tested with smoltcp and with stacks that misbehave.

#![cfg(feature = "smoltcp")]

use super::*;
use crate::drive::addresses::endpoints;
use crate::drive::virtual_time::drive;
use crate::notation::{CallSpec, Pattern, ReturnSpec, Role, TimeSpec};
use crate::rfc::State;
use crate::script::{CallStep, ConnDecl, ConnId, Expect, Nothing as Silence, Position, Script, StateStep, StepKind};
use crate::stack::{Abilities, Call, CallId, IpVersion};
use crate::stacks::smoltcp::Smoltcp;
use std::collections::BTreeMap;

fn kind(line: &str) -> StepKind {
    let (word, text) = line.split_once(' ').unwrap();
    let pattern = |role| match Pattern::parse(text, role).unwrap() {
        Pattern::Segment(segment) => segment,
        Pattern::Icmp(_) => panic!("{text}"),
    };
    match word {
        "inject" => StepKind::Inject(pattern(Role::Inject)),
        "expect" if text == "nothing" => StepKind::Nothing(Silence {
            when: Default::default(),
        }),
        "expect" => StepKind::Expect(Arc::new(Expect {
            segment: pattern(Role::Expect),
            when: Default::default(),
            segments: None,
            count: None,
            acknowledge: false,
            measure: Vec::new(),
        })),
        "call" => {
            let (call, returns) = text.split_once(" -> ").unwrap_or((text, ""));
            let returns = if returns.is_empty() {
                None
            } else {
                Some(ReturnSpec::parse(returns).unwrap())
            };
            let call = CallSpec::parse(call).unwrap();
            StepKind::Call(Arc::new(CallStep {
                call,
                returns: returns.into_iter().collect(),
            }))
        }
        "wait" => StepKind::Wait(TimeSpec::parse(text).unwrap(), None),
        "state" => StepKind::State(Arc::new(StateStep {
            state: State::from_name(text).unwrap(),
            when: None,
            measure: vec![],
        })),
        other => panic!("{other}"),
    }
}

/// A script of these steps, on one connection.
fn script(lines: &str) -> Arc<Script> {
    let steps = lines
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| crate::script::Step {
            kind: kind(line),
            conns: vec![ConnId(0)],
            covers: Vec::new(),
            label: None,
            position: Position::default(),
            text: line.to_owned(),
        });
    Arc::new(Script {
        case: "driver".into(),
        row: String::new(),
        title: "".into(),
        why: "".into(),
        reading: "".into(),
        covers: Arc::new([]),
        ids: Default::default(),
        tags: Arc::new([]),
        needs: Vec::new(),
        configure: BTreeMap::new(),
        only: BTreeMap::new(),
        connections: vec![ConnDecl {
            name: "main".to_owned(),
            host: 0,
            tuple: None,
            isn: None,
        }],
        given: Vec::new(),
        steps: steps.collect(),
    })
}

fn job(lines: &str, seed: u64) -> Job {
    Job {
        script: script(lines),
        ip: IpVersion::V4,
        wrap: false,
        seed,
        waived: Default::default(),
        alone: false,
    }
}

fn runner() -> Runner {
    Runner::bundled("smoltcp").unwrap()
}

fn facts() -> Arc<Facts> {
    runner().facts
}

fn run(job: &Job) -> Outcome {
    crate::stacks::smoltcp::target(runner()).run_one(job, &AtomicBool::new(false))
}

const CONVERSATION: &str = "
    call listen
    inject SYN
    expect SYN,ACK
    inject ACK
    call accept -> ok
    state established
    call send \"hello\" -> ok 5
    expect ACK \"hello\"
    inject ACK \"world\"
    expect ACK
    call recv 5 -> ok \"world\"
    call shutdown -> ok
    expect FIN,ACK
    inject ACK
    state fin-wait-2
    inject FIN,ACK
    expect ACK
    state time-wait
";

/// A stack that does this with the frames, or besides them.
struct Garbling {
    stack: Smoltcp,
    garble: fn(Emitted, &mut dyn FnMut(Emitted)),
}

impl Stack for Garbling {
    fn abilities(&self) -> Abilities {
        self.stack.abilities()
    }

    fn receive(&mut self, now: Instant, packet: &[u8]) {
        self.stack.receive(now, packet);
    }

    fn call(&mut self, now: Instant, id: CallId, call: &Call) {
        self.stack.call(now, id, call);
    }

    fn poll(&mut self, now: Instant, out: &mut dyn FnMut(Emitted)) -> Option<Instant> {
        let garble = self.garble;
        self.stack.poll(now, &mut |what| garble(what, out))
    }
}

fn garbled(garble: fn(Emitted, &mut dyn FnMut(Emitted))) -> Outcome {
    let target = Embedded::of(runner(), move |job: &Job| -> Box<dyn Stack> {
        let stack = Smoltcp::new(job.seed, false);
        Box::new(Garbling { stack, garble })
    });
    target.run_one(&job(CONVERSATION, 1), &AtomicBool::new(false))
}

#[test]
fn a_frame_that_no_peer_takes_is_seen_and_is_why_the_run_fails() {
    let outcome = garbled(|what, out| match what {
        Emitted::Packet(mut octets) => {
            octets[10..12].fill(0);
            out(Emitted::Packet(octets));
        }
        what => out(what),
    });
    assert_eq!(outcome.verdict, Verdict::Fail);
    let failure = outcome.failure.unwrap();
    assert_eq!(failure.step, "rule: ip-checksum-right");
    assert!(failure.seen.starts_with("`SYN,ACK"), "{}", failure.seen);
}

#[test]
fn a_call_that_ends_twice_is_no_fault_of_the_stack() {
    let outcome = garbled(|what, out| {
        out(what.clone());
        if matches!(what, Emitted::Result(..)) {
            out(what);
        }
    });
    assert_eq!(outcome.verdict, Verdict::Inconclusive);
    assert!(
        outcome.reason.contains("told of call 0, which is not open"),
        "{}",
        outcome.reason
    );
}

#[test]
fn a_conversation_with_smoltcp_passes_everywhere() {
    for (ip, wrap) in [
        (IpVersion::V4, false),
        (IpVersion::V4, true),
        (IpVersion::V6, false),
        (IpVersion::V6, true),
    ] {
        let outcome = run(&Job {
            ip,
            wrap,
            ..job(CONVERSATION, 5)
        });
        assert_eq!(outcome.verdict, Verdict::Pass, "{ip} {wrap}: {:?}", outcome.failure);
    }
}

#[test]
fn an_active_open_passes_near_the_wrap() {
    let text = "
        call connect -> pending
        expect SYN
        inject SYN,ACK
        expect ACK
        state established
        call abort -> ok
        expect RST,ACK seq=*
        state closed
    ";
    let outcome = run(&Job {
        wrap: true,
        ..job(text, 5)
    });
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.failure);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed| run(&job(CONVERSATION, seed)).trace;
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}

#[test]
fn hours_take_no_time() {
    let outcome = run(&job("call connect\nexpect SYN\nwait 48h\nexpect SYN again", 1));
    assert!(outcome.ended.since(outcome.began) >= core::time::Duration::from_secs(48 * 3600));
}

#[test]
fn a_wrong_expectation_is_a_failure_of_the_target() {
    let outcome = run(&job("call listen\ninject SYN\nexpect RST,ACK seq=0", 1));
    assert_eq!(outcome.verdict, Verdict::Fail);
}

/// A stack that misbehaves at the first segment.
struct Rogue {
    how: &'static str,
    met: bool,
}

impl Stack for Rogue {
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn receive(&mut self, _now: Instant, _packet: &[u8]) {
        assert!(self.how != "panic", "no such state");
        self.met = true;
    }

    fn call(&mut self, _now: Instant, _id: CallId, _call: &Call) {}

    fn poll(&mut self, now: Instant, _out: &mut dyn FnMut(Emitted)) -> Option<Instant> {
        match self.how {
            "storm" if self.met => Some(now),
            "storm in the past" if self.met => Some(Instant::ZERO),
            _ => None,
        }
    }
}

fn run_rogue(how: &'static str) -> Outcome {
    let mut target = Embedded::new(facts(), move |_: &Job| -> Box<dyn Stack> {
        Box::new(Rogue { how, met: false })
    });
    let mut outcomes = Vec::new();
    let jobs = vec![job("inject SYN\nexpect RST,ACK seq=0", 1)];
    target
        .run(jobs, 1, &AtomicBool::new(false), &mut |_, EndedRun { outcome, .. }| {
            outcomes.push(outcome);
            None
        })
        .unwrap();
    outcomes.remove(0)
}

#[test]
fn a_stack_that_never_rests_has_failed() {
    for how in ["storm", "storm in the past"] {
        let outcome = run_rogue(how);
        assert_eq!(outcome.verdict, Verdict::Fail);
        assert!(outcome.failure.unwrap().seen.contains("storm"));
    }
}

#[test]
fn a_stack_that_panics_has_failed_and_says_how() {
    let outcome = run_rogue("panic");
    assert_eq!(outcome.verdict, Verdict::Fail);
    assert_eq!(
        outcome.failure.unwrap().seen,
        "the target broke down: the stack panicked: no such state"
    );
}

#[test]
fn a_stack_that_cannot_be_made_has_failed() {
    let target = Embedded::new(facts(), |_: &Job| -> Box<dyn Stack> { panic!("no memory") });
    let outcome = target.run_one(&job("inject SYN\nexpect RST,ACK seq=0", 1), &AtomicBool::new(false));
    assert_eq!(
        outcome.failure.unwrap().seen,
        "the target broke down: the stack panicked: no memory"
    );
}

#[test]
fn a_panic_costs_only_its_own_run() {
    let mut target = Embedded::new(facts(), |job: &Job| -> Box<dyn Stack> {
        match job.seed % 3 {
            0 => Box::new(Rogue {
                how: "panic",
                met: false,
            }),
            _ => Box::new(Smoltcp::new(job.seed, job.wrap)),
        }
    });
    let mut verdicts = BTreeMap::new();
    let jobs = (0..30).map(|seed| job(CONVERSATION, seed)).collect();
    target
        .run(
            jobs,
            4,
            &AtomicBool::new(false),
            &mut |place, EndedRun { outcome, .. }| {
                verdicts.insert(place, outcome.verdict);
                None
            },
        )
        .unwrap();
    for place in 0..30 {
        let expected = if place % 3 == 0 { Verdict::Fail } else { Verdict::Pass };
        assert_eq!(verdicts[&place], expected);
    }
}

fn traces(at_once: usize) -> Vec<Vec<crate::engine::TraceEvent>> {
    let jobs: Vec<Job> = (0..50).map(|seed| job(CONVERSATION, seed)).collect();
    let mut traces = vec![Vec::new(); jobs.len()];
    let mut target = crate::stacks::smoltcp::target(runner());
    target
        .run(
            jobs,
            at_once,
            &AtomicBool::new(false),
            &mut |place, EndedRun { outcome, .. }| {
                assert!(traces[place].is_empty());
                traces[place] = outcome.trace;
                None
            },
        )
        .unwrap();
    traces
}

#[test]
fn runs_beside_each_other_are_as_they_are_alone() {
    let alone = traces(1);
    assert_eq!(traces(0), alone);
    assert_eq!(traces(7), alone);
}

#[test]
fn a_job_can_be_run_again_under_its_place() {
    for at_once in [1, 3] {
        let mut told = [0; 10];
        let jobs = (0..10).map(|seed| job(CONVERSATION, seed)).collect();
        let mut target = crate::stacks::smoltcp::target(runner());
        target
            .run(
                jobs,
                at_once,
                &AtomicBool::new(false),
                &mut |place, EndedRun { outcome, .. }| {
                    assert_eq!(outcome.verdict, Verdict::Pass);
                    told[place] += 1;
                    (place % 2 == 0 && told[place] < 3).then(|| job(CONVERSATION, 99))
                },
            )
            .unwrap();
        assert_eq!(told, [3, 1, 3, 1, 3, 1, 3, 1, 3, 1]);
    }
}

#[test]
fn after_stop_every_job_is_told_of_as_inconclusive() {
    for at_once in [1, 3] {
        let stop = AtomicBool::new(false);
        let mut verdicts = Vec::new();
        let jobs = (0..10).map(|seed| job(CONVERSATION, seed)).collect();
        let mut target = crate::stacks::smoltcp::target(runner());
        target
            .run(jobs, at_once, &stop, &mut |_, EndedRun { outcome, .. }| {
                stop.store(true, Ordering::Relaxed);
                verdicts.push(outcome.verdict);
                None
            })
            .unwrap();
        assert_eq!(verdicts.len(), 10);
        assert!(verdicts.contains(&Verdict::Inconclusive) || at_once == 3);
    }
}

#[test]
fn what_a_run_under_way_has_seen_outlives_the_stop() {
    let stop = AtomicBool::new(true);
    let at = job(CONVERSATION, 1);
    let mut bench = Bench::new(facts());
    let run = bench.start(Instant::ZERO, Arc::clone(&at.script), endpoints(&at));
    let outcome = drive(&mut bench, run, &mut Smoltcp::new(1, false), &stop);
    assert_eq!(
        (outcome.verdict, outcome.reason.as_str()),
        (Verdict::Inconclusive, "stopped")
    );
}

#[test]
fn settings_of_the_host_that_cannot_be_had_are_unsupported() {
    let with = |name: &str, value: &str| {
        let mut job = job(CONVERSATION, 1);
        let configure = BTreeMap::from([(name.to_owned(), value.to_owned())]);
        job.script = Arc::new(Script {
            configure,
            ..Script::clone(&job.script)
        });
        run(&job)
    };
    assert_eq!(with("delayed-ack", "false").verdict, Verdict::Pass);
    assert_eq!(with("ecn", "false").verdict, Verdict::Pass);
    let outcome = with("ecn", "true");
    assert_eq!(outcome.verdict, Verdict::Unsupported);
    assert_eq!(outcome.reason, "the target cannot configure ecn: true");
}
