//! What a turn of lockstep costs: a SYN to a closed port, and the RST that answers it, beside the bare round trip of a line
//! of that length through `cat` on the same kind of pipe. The two take turns, so that whatever else the machine does meets
//! both.
//!
//! `cargo bench --bench agents [TARGET...]` takes lwip, and whichever agents are named. Goal for lwip: a median of 40 us,
//! and no frame that comes late.

use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicBool;
use std::time::Instant as Clock;
use tcpvet::drive::addresses::target_address;
use tcpvet::drive::protocol::{Mode, Reply, Request, Turn};
use tcpvet::stack::{IpVersion, Profile};
use tcpvet::stacks::agent::{Folder, Process};
use tcpvet::time::Instant;
use tcpvet::wire::{Body, Flags, IpHeader, Packet, Segment, SeqNum};

/// Turns of each, and how many of one kind follow each other.
const TURNS: usize = 100_000;
const BATCH: usize = 500;

static GO_ON: AtomicBool = AtomicBool::new(false);

fn main() {
    // `cargo bench` adds flags of its own.
    let mut names: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    if names.is_empty() {
        names.push("lwip".to_owned());
    }
    names.iter().for_each(|name| measure(name));
}

fn measure(name: &str) {
    let folder = Folder::bundled(name).unwrap_or_else(|| panic!("no agent is called {name}"));
    let launch = match folder.prepare() {
        Ok(launch) => launch,
        Err(error) => return println!("{name}: not measured: {error}"),
    };
    let mut agent = Process::start(&launch).expect("what was built can be started");
    agent.greet(Mode::Lockstep, &GO_ON).expect("it greets");
    let new = Request::New {
        target: target_address(IpVersion::V4),
        seed: 7,
        isn: None,
        settings: Profile::new(),
    };
    turn(&mut agent, 0, new);
    let mut bare = Bare::start();
    let (mut turns, mut round_trips) = (Vec::with_capacity(TURNS), Vec::with_capacity(TURNS));
    for batch in 0..TURNS / BATCH {
        for at in batch * BATCH..(batch + 1) * BATCH {
            let began = Clock::now();
            let frames = turn(&mut agent, at, Request::Frame(syn()));
            turns.push(began.elapsed().as_secs_f64() * 1e6);
            assert_eq!(frames, 1, "a SYN to a closed port is answered");
        }
        let line = Turn {
            at: Some(Instant::from_micros(batch as u64)),
            request: Request::Frame(syn()),
        };
        for _ in 0..BATCH {
            let began = Clock::now();
            bare.round_trip(&format!("{line}\n"));
            round_trips.push(began.elapsed().as_secs_f64() * 1e6);
        }
    }
    let (turns, round_trips) = (quantiles(turns), quantiles(round_trips));
    println!(
        "{name}: a turn takes {:.1} us (median; 95 of 100 within {:.1}), a line through cat {:.1} us: {:.2} times that; \
         goal 40 us; no frame came late in {TURNS} turns",
        turns.0,
        turns.1,
        round_trips.0,
        turns.0 / round_trips.0
    );
}

/// How many frames come. A frame that came late, after the `idle` before, is a fault, and ends everything.
fn turn(agent: &mut Process, at: usize, request: Request) -> usize {
    let mut frames = 0;
    let mut hear = |reply| {
        frames += usize::from(matches!(reply, Reply::Frame(_)));
        Ok(())
    };
    let turned = agent.turn(Instant::from_micros(at as u64), request, &GO_ON, &mut hear);
    turned.unwrap_or_else(|fault| panic!("it {fault}"));
    frames
}

/// `cat` at the other end of such a pipe as agents have.
struct Bare {
    cat: Child,
    tell: UnixStream,
    said: BufReader<UnixStream>,
    line: String,
}

impl Bare {
    fn start() -> Bare {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets can be had");
        let output = theirs.try_clone().expect("it can be had twice");
        let cat = Command::new("cat")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(OwnedFd::from(output)))
            .spawn()
            .expect("cat can be started");
        let said = BufReader::new(ours.try_clone().expect("it can be had twice"));
        Bare {
            cat,
            tell: ours,
            said,
            line: String::new(),
        }
    }

    fn round_trip(&mut self, line: &str) {
        self.tell.write_all(line.as_bytes()).expect("cat listens");
        self.line.clear();
        self.said.read_line(&mut self.line).expect("cat answers");
        assert_eq!(self.line.len(), line.len());
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // It ends with its input, too.
        let _ = self.cat.kill();
        let _ = self.cat.wait();
    }
}

/// The median, and what 95 of 100 stay below.
fn quantiles(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() * 95 / 100])
}

fn syn() -> Vec<u8> {
    let segment = Segment {
        source: 40_000,
        destination: 7,
        seq: SeqNum(1000),
        flags: Flags::SYN,
        window: 65_535,
        ..Segment::default()
    };
    let ip = IpHeader::between([198, 18, 0, 1].into(), target_address(IpVersion::V4));
    let body = Body::Tcp(segment);
    Packet { ip, body }.encode()
}
