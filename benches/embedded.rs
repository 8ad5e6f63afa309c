//! What a run costs: the cases against smoltcp and against the reference endpoint on one core, beside a floor without an
//! engine; the reading of cases; and the rules.
//!
//! `cargo bench --bench embedded [DIRECTORY]` takes the bundled cases, and those of a directory. Goals: 100 us for a run,
//! 0.3 ms for a file, 0.3 us for a frame under all rules.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant as Clock;
use tcpvet::case::{Library, Root};
use tcpvet::drive::addresses::target_address;
use tcpvet::drive::{EndedRun, Job, Target};
use tcpvet::engine::{Arrow, Happening, TraceEvent, Verdict};
use tcpvet::model;
use tcpvet::rules::{Known, RULES, Watch, Way};
use tcpvet::stack::{Call, CallId, Emitted, IpVersion, SocketId, Stack};
use tcpvet::stacks::Runner;
use tcpvet::stacks::smoltcp::{self, Smoltcp};
use tcpvet::suite::{Axes, expand};
use tcpvet::time::{Instant, Stamp};
use tcpvet::wire::{Body, Flags, IpHeader, Packet, Segment, SeqNum};

/// Each thing is done so often, and the fastest time counts: the machine is not ours alone.
const ROUNDS: usize = 5;

/// Handshakes for the floor.
const HANDSHAKES: u32 = 20_000;

fn main() {
    // `cargo bench` adds flags of its own.
    let directories = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let roots: Vec<Root> = [Root::Bundled]
        .into_iter()
        .chain(directories.map(|path| Root::Dir(path.into())))
        .collect();
    let library = reading(&roots);
    let jobs = jobs(&library);
    if jobs.is_empty() {
        return println!("runs: there are no cases");
    }
    let runner = |name| Runner::bundled(name).expect("a bundled runner is tested to be readable");
    runs("smoltcp", &mut smoltcp::target(runner("smoltcp")), &jobs);
    let mut model = tcpvet::stacks::model::target(runner("model"), model::Config::default(), model::Defects::NONE);
    runs("model", &mut model, &jobs);
    rules(&mut model, &jobs);
    floor();
}

/// The fastest of some rounds, in seconds.
fn fastest(mut round: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Clock::now();
        round();
        start.elapsed().as_secs_f64()
    };
    (0..ROUNDS).map(time).fold(f64::INFINITY, f64::min)
}

fn reading(roots: &[Root]) -> Library {
    let (library, problems) = Library::examine(roots);
    if !problems.0.is_empty() {
        println!("{} problems; the cases that have them are left out", problems.0.len());
    }
    let files = library.cases().len();
    let scripts: usize = library.cases().iter().map(|case| case.scripts.len()).sum();
    let seconds = fastest(|| drop(black_box(Library::examine(roots))));
    println!(
        "reading: {files} files, {scripts} rows, {:.1} ms; {:.3} ms a file, goal 0.3",
        seconds * 1e3,
        seconds * 1e3 / files.max(1) as f64
    );
    library
}

/// Every row as the program would run it: over both IP versions, with plain and with wrapping ISNs.
fn jobs(library: &Library) -> Vec<Job> {
    let scripts: Vec<_> = library.cases().iter().flat_map(|case| &case.scripts).cloned().collect();
    let runs = expand(&scripts, &Axes::default());
    runs.iter().zip(0..).map(|(run, seed)| run.job(seed)).collect()
}

fn runs(name: &str, target: &mut dyn Target, jobs: &[Job]) {
    let mut verdicts = BTreeMap::new();
    let stop = AtomicBool::new(false);
    // A panic of the stack is a result here, and its message on the screen none of interest.
    std::panic::set_hook(Box::new(|_| ()));
    let mut times = Vec::new();
    let seconds = fastest(|| {
        verdicts.clear();
        let mut before = Clock::now();
        let mut count = |_: usize, EndedRun { outcome, .. }: EndedRun| {
            *verdicts.entry(outcome.verdict).or_insert(0) += 1;
            if !matches!(outcome.verdict, Verdict::Unsupported | Verdict::NotApplicable) {
                times.push(before.elapsed().as_secs_f64() * 1e6);
            }
            before = Clock::now();
            None
        };
        target
            .run(jobs.to_vec(), 1, &stop, &mut count)
            .expect("an embedded target can always be run");
    });
    let _ = std::panic::take_hook();
    times.sort_by(f64::total_cmp);
    let made = times.len() / ROUNDS;
    println!(
        "runs on {name}: {} ({made} of them made), {:.1} ms; {:.1} us a run made, goal 100; half of them within {:.1} us",
        jobs.len(),
        seconds * 1e3,
        seconds * 1e6 / made.max(1) as f64,
        times.get(times.len() / 2).copied().unwrap_or(0.0)
    );
    for (verdict, count) in verdicts {
        println!("  {verdict}: {count}");
    }
}

/// A frame as the rules see it.
type Shown = (usize, Stamp, Way, Arc<Packet>);

/// What all rules together cost for a frame, over everything that passes in the runs.
fn rules(target: &mut dyn Target, jobs: &[Job]) {
    let mut runs: Vec<Vec<Shown>> = Vec::new();
    let mut keep = |_: usize, EndedRun { outcome, .. }: EndedRun| {
        runs.push(outcome.trace.iter().enumerate().filter_map(shown).collect());
        None
    };
    target
        .run(jobs.to_vec(), 1, &AtomicBool::new(false), &mut keep)
        .expect("an embedded target can always be run");
    let frames: usize = runs.iter().map(Vec::len).sum();
    let known = Known {
        prompt: true,
        mtu: Some(1500),
        complete: true,
        merged: false,
    };
    let seconds = fastest(|| {
        for run in &runs {
            let mut watch = Watch::new(known);
            for (number, at, way, packet) in run {
                watch.see(*number, *at, *way, packet);
            }
            black_box(watch.breaches().len());
        }
    });
    println!(
        "rules: {} of them, {frames} frames, {:.2} us a frame, goal 0.3",
        RULES.len(),
        seconds * 1e6 / frames.max(1) as f64
    );
}

fn shown((number, event): (usize, &TraceEvent)) -> Option<Shown> {
    let Happening::Frame {
        arrow, octets, fault, ..
    } = &event.what
    else {
        return None;
    };
    let way = match arrow {
        Arrow::ToTarget => Way::In,
        Arrow::FromTarget => Way::Out,
    };
    let packet = Packet::parse(octets).ok()?;
    fault.is_none().then(|| (number, event.at, way, Arc::new(packet)))
}

/// A fresh stack for each handshake, which a RST ends: what no engine can do without.
fn floor() {
    let seconds = fastest(|| {
        for seed in 0..HANDSHAKES {
            handshake(seed.into());
        }
    });
    println!(
        "floor: {:.2} us for a stack, a handshake and a RST",
        seconds * 1e6 / f64::from(HANDSHAKES)
    );
}

fn handshake(seed: u64) {
    let mut stack = Smoltcp::new(seed, false);
    let local = (target_address(IpVersion::V4), 7).into();
    let listen = Call::Listen {
        socket: SocketId(1),
        local,
        backlog: 64,
        fast_open: None,
    };
    stack.call(Instant::ZERO, CallId(0), &listen);
    let mut answer = Vec::new();
    for (flags, seq) in [(Flags::SYN, 1000), (Flags::ACK, 1001), (Flags::RST, 1001)] {
        let ack = answer
            .last()
            .and_then(|packet: &Vec<u8>| packet.get(24..28))
            .map_or(0, |iss| {
                iss.iter()
                    .fold(0u32, |number, octet| number << 8 | u32::from(*octet))
                    .wrapping_add(1)
            });
        stack.receive(Instant::ZERO, &segment(flags, seq, ack));
        stack.poll(Instant::ZERO, &mut |what| match what {
            Emitted::Packet(packet) => answer.push(packet),
            Emitted::Result(..) | Emitted::Pending(_) | Emitted::Accepted { .. } => (),
        });
    }
    assert_eq!(black_box(answer).len(), 1, "only the SYN is answered");
}

fn segment(flags: Flags, seq: u32, ack: u32) -> Vec<u8> {
    let segment = Segment {
        source: 40_000,
        destination: 7,
        seq: SeqNum(seq),
        ack: SeqNum(ack),
        flags,
        window: 65_535,
        ..Segment::default()
    };
    let ip = IpHeader::between([198, 18, 0, 1].into(), target_address(IpVersion::V4));
    let body = Body::Tcp(segment);
    Packet { ip, body }.encode()
}
