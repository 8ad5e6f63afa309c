//! What a run against the kernel costs, beside a floor without an engine, and how soon we answer.
//!
//! `cargo bench --bench kernel`, as root: the floor moves a thread into a namespace that only root may enter so. Goals:
//! at most three times the floor for 5,000 runs, and 50 us from a reply to our next packet.

use nix::sched::{CloneFlags, setns};
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use tcpvet::case::{Library, Root};
use tcpvet::drive::{EndedRun, Job, Target};
use tcpvet::engine::{Arrow, Happening, Outcome, TraceEvent, Verdict};
use tcpvet::link::Link;
use tcpvet::stack::{IpVersion, Profile};
use tcpvet::stacks::Runner;
use tcpvet::stacks::linux::{DeviceChoice, Linux, Namespace, Plan, SUBCOMMAND, child_main};
use tcpvet::wire::{Body, Flags, IpHeader, Packet, Segment, SeqNum, TcpOption};

/// Handshakes for the floor, and runs beside it.
const RUNS: u32 = 5_000;
/// Each is done so often, and the fastest time counts: the machine is not ours alone.
const ROUNDS: usize = 5;

/// The same calls and packets as those of the floor.
const CASE: &str = "title: A handshake, and its end\nwhy: It is the least that a run can be\ncovers: \
[RFC9293-FIG6-3WHS]\ngiven: closed\nsteps:\n  - call: listen\n  - inject: SYN\n  - expect: SYN,ACK\n  - inject: ACK\n  \
- call: accept\n  - inject: RST\n  - call: close\n";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(SUBCOMMAND) {
        return child_main(std::env::args().skip(2));
    }
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("skipped: {error}");
            ExitCode::SUCCESS
        }
    }
}

fn bench() -> Result<()> {
    let mut floor = Duration::MAX;
    let mut runs = Duration::MAX;
    let jobs = jobs(RUNS)?;
    for device in [DeviceChoice::Tun, DeviceChoice::Veth] {
        let mut linux = Linux::probe_as(
            Runner::bundled("linux")?,
            Plan {
                device,
                ..Plan::default()
            },
        )?;
        for _ in 0..ROUNDS {
            // One after the other, so that both meet the same machine.
            floor = floor.min(handshakes(device)?);
            runs = runs.min(measure(&mut linux, &jobs, 0)?.0);
        }
        let ratio = runs.as_secs_f64() / floor.as_secs_f64();
        println!("{device:?}: {RUNS} handshakes {floor:.0?}, as runs {runs:.0?}: {ratio:.2} times the floor, goal 3");
        let (_, mut reactions) = measure(&mut linux, &jobs[..500], 1)?;
        reactions.sort();
        let at = |part: usize| reactions.get(reactions.len() * part / 100).copied().unwrap_or_default();
        println!(
            "{device:?}: reply to next packet: median {:.1?}, 95 of 100 {:.1?}, goal 50us",
            at(50),
            at(95)
        );
        (floor, runs) = (Duration::MAX, Duration::MAX);
    }
    Ok(())
}

fn jobs(count: u32) -> Result<Vec<Job>> {
    let folder = std::env::temp_dir().join(format!("tcpvet-bench-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("own"))?;
    std::fs::write(folder.join("own/handshake.yaml"), CASE)?;
    let library = Library::load(&[Root::Dir(folder.clone())]);
    std::fs::remove_dir_all(&folder)?;
    let library = library.map_err(|problems| problems.to_string())?;
    let script = library.case("own/handshake").ok_or("the case is gone")?.scripts[0].clone();
    let job = |seed| Job {
        script: script.clone(),
        ip: IpVersion::V4,
        wrap: false,
        seed,
        waived: Default::default(),
        alone: false,
    };
    Ok((0..u64::from(count)).map(job).collect())
}

/// How long all runs take from the start of the first to the end of the last, and the reactions in them.
fn measure(linux: &mut Linux, jobs: &[Job], at_once: usize) -> Result<(Duration, Vec<Duration>)> {
    let (mut outcomes, stop) = (Vec::with_capacity(jobs.len()), AtomicBool::new(false));
    linux.run(jobs.to_vec(), at_once, &stop, &mut |_, EndedRun { outcome, .. }| {
        outcomes.push(outcome);
        None
    })?;
    if let Some(other) = outcomes.iter().find(|outcome| outcome.verdict != Verdict::Pass) {
        println!("a run ended as {}: {}", other.verdict, other.reason);
    }
    let began = outcomes.iter().map(|outcome| outcome.began).min().ok_or("no runs")?;
    let ended = outcomes.iter().map(|outcome| outcome.ended).max().ok_or("no runs")?;
    Ok((ended.since(began), outcomes.iter().flat_map(reactions).collect()))
}

/// From each frame of the target to the packet of ours that comes next.
fn reactions(outcome: &Outcome) -> Vec<Duration> {
    let frames = outcome.trace.iter().filter_map(|event| match event {
        TraceEvent {
            at,
            what: Happening::Frame { arrow, .. },
        } => Some((*arrow, *at)),
        _ => None,
    });
    let frames: Vec<_> = frames.collect();
    let answered = frames
        .windows(2)
        .filter(|pair| pair[0].0 == Arrow::FromTarget && pair[1].0 == Arrow::ToTarget);
    answered
        .map(|pair| pair[1].1.earliest.since(pair[0].1.latest))
        .collect()
}

/// The floor: the same in one thread, without a check.
fn handshakes(device: DeviceChoice) -> Result<Duration> {
    let mut namespace = Namespace::start(
        &Plan {
            device,
            ..Plan::default()
        },
        &Profile::new(),
    )?;
    let inside = std::fs::File::open(format!("/proc/{}/ns/net", namespace.process()))?;
    let link = &mut namespace.link;
    // A thread of its own, so that only it is moved.
    let thread = std::thread::scope(|scope| {
        let moved = scope.spawn(move || {
            setns(inside, CloneFlags::CLONE_NEWNET).map_err(|error| format!("the floor needs root ({error})"))?;
            all_handshakes(link).map_err(|error| error.to_string())
        });
        moved.join().map_err(|_| "the floor panicked".to_owned())
    });
    Ok(thread??)
}

fn all_handshakes(link: &mut Link) -> Result<Duration> {
    let start = Instant::now();
    for number in 1..=RUNS {
        handshake(link, number)?;
    }
    Ok(start.elapsed())
}

fn handshake(link: &mut Link, number: u32) -> Result<()> {
    let target = Ipv4Addr::new(192, 0, 2, 1);
    let tester = Ipv4Addr::from_bits(0xc612_0000 + 4 * number);
    let port = 1024 + number as u16;
    let listener = TcpListener::bind(SocketAddr::new(IpAddr::V4(target), port))?;
    let mut segment = Segment {
        source: 20_000,
        destination: port,
        window: 65_535,
        ..Segment::default()
    };
    segment.flags = Flags::SYN;
    segment.options = vec![TcpOption::Mss(1460)];
    send(link, tester, target, segment.clone())?;
    let isn = answer(link)?;
    segment.options.clear();
    (segment.flags, segment.seq, segment.ack) = (Flags::ACK, SeqNum(1), isn.advanced(1));
    send(link, tester, target, segment.clone())?;
    while link.receive()?.is_some() {}
    let connection = listener.accept()?;
    segment.flags = Flags::RST;
    send(link, tester, target, segment)?;
    while link.receive()?.is_some() {}
    drop(connection);
    drop(listener);
    Ok(())
}

/// The sequence number of the segment that has come; IPv6 says a few words of its own beside.
fn answer(link: &mut Link) -> Result<SeqNum> {
    let mut found = None;
    while let Some(frame) = link.receive()? {
        found = Packet::parse(frame)
            .ok()
            .and_then(|packet| packet.tcp().map(|segment| segment.seq))
            .or(found);
    }
    Ok(found.ok_or("a SYN was not answered")?)
}

fn send(link: &mut Link, source: Ipv4Addr, destination: Ipv4Addr, segment: Segment) -> Result<()> {
    let ip = IpHeader::between(source.into(), destination.into());
    let body = Body::Tcp(segment);
    Ok(link.send(&Packet { ip, body }.encode())?)
}
