//! The library against what is no TCP at all: whatever answers without keeping a connection fails every run, and where a
//! run comes out otherwise, it is named here with the reason why that is right.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use tcpvet::case::Library;
use tcpvet::drive::Job;
use tcpvet::engine::Verdict;
use tcpvet::random::Random;
use tcpvet::rfc::{Condition, State};
use tcpvet::stack::{
    ABILITIES, Abilities, Answer, Call, CallId, Emitted, Errno, ErrorName, HOST_SETTINGS, IpVersion, Setting, SocketId,
    Stack,
};
use tcpvet::stacks::{Embedded, Runner};
use tcpvet::suite::{Axes, Run, expand};
use tcpvet::time::Instant;
use tcpvet::wire::{Body, Flags, IpHeader, Packet, Segment, SeqNum};

/// How many random responders are tried.
const SEEDS: u64 = 20;

/// What comes back for a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frames {
    /// Nothing.
    Mute,
    /// The frame itself.
    Echo,
    /// The frame with addresses and ports exchanged.
    Mirror,
    /// A RST by RFC 9293 section 3.10.7.1, even for a RST.
    Reset,
    /// Up to three segments with flags and numbers drawn by lot, of those that might be right.
    Random(u64),
}

/// What comes back for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Calls {
    /// No call ends.
    Pending,
    /// Each call ends well, and the state is always the same.
    Ok,
    /// Each call does what it would in a stack that no segment reaches.
    Sound,
    /// Each call ends by lot, or does not.
    Random(u64),
}

/// Something that claims to be a TCP and keeps no connection.
struct Responder {
    frames: Frames,
    calls: Calls,
    random: Random,
    /// Who was heard last.
    peer: Option<SocketAddr>,
    listener: Option<SocketId>,
    /// To whom it is to connect.
    connects: Vec<SocketAddr>,
    out: VecDeque<Emitted>,
}

impl Responder {
    fn new(frames: Frames, calls: Calls, job: &Job) -> Responder {
        let seed = match (frames, calls) {
            (Frames::Random(seed), _) | (_, Calls::Random(seed)) => seed,
            _ => 0,
        };
        Responder {
            frames,
            calls,
            random: Random::new(job.seed ^ seed << 32),
            peer: None,
            listener: None,
            connects: Vec::new(),
            out: VecDeque::new(),
        }
    }

    fn one_of<T: Clone>(&mut self, these: &[T]) -> T {
        these[self.random.next_u32() as usize % these.len()].clone()
    }

    /// A segment back to where another came from.
    fn back(packet: &Packet, segment: &Segment, change: impl FnOnce(&mut Segment)) -> Emitted {
        let mut answer = Segment {
            source: segment.destination,
            destination: segment.source,
            window: 65_535,
            ..Segment::default()
        };
        change(&mut answer);
        let packet = Packet {
            ip: IpHeader::between(packet.ip.destination, packet.ip.source),
            body: Body::Tcp(answer),
        };
        Emitted::Packet(packet.encode())
    }

    fn reset(packet: &Packet, segment: &Segment) -> Emitted {
        Responder::back(packet, segment, |answer| match segment.flags.contains(Flags::ACK) {
            true => (answer.flags, answer.seq) = (Flags::RST, segment.ack),
            false => {
                answer.flags = Flags::RST | Flags::ACK;
                answer.ack = segment.seq.advanced(i64::from(segment.seg_len()));
            }
        })
    }

    /// A segment whose parts might each be right.
    fn by_lot(&mut self, packet: &Packet, segment: &Segment) -> Emitted {
        let next = segment.seq.advanced(i64::from(segment.seg_len()));
        let any = SeqNum(self.random.next_u32());
        let flags = [
            Flags::ACK,
            Flags::SYN | Flags::ACK,
            Flags::FIN | Flags::ACK,
            Flags::RST,
            Flags::RST | Flags::ACK,
            Flags::SYN,
        ];
        let flags = self.one_of(&flags);
        let seq = self.one_of(&[segment.ack, any, segment.seq]);
        let ack = self.one_of(&[next, next, segment.seq, any]);
        let octets = self.one_of(&[0, 0, 0, 1, 100]);
        let options = self.one_of(&[Vec::new(), segment.options.clone()]);
        Responder::back(packet, segment, |answer| {
            (answer.flags, answer.seq, answer.ack) = (flags, seq, ack);
            answer.payload = vec![0; octets];
            answer.options = options;
        })
    }

    /// What a call that ends well says.
    fn good_answer(call: &Call) -> Answer {
        match call {
            Call::Send { data, .. } => Answer::Count(data.len() as u64),
            Call::Recv { amount, .. } => Answer::Data(vec![0; amount.unwrap_or(1).clamp(1, 1000) as usize]),
            Call::State { .. } => Answer::State(State::Established),
            _ => Answer::Ok,
        }
    }

    fn end_well(&mut self, id: CallId, call: &Call) {
        let emitted = match (call, self.peer) {
            (&Call::Accept { listener, socket }, Some(peer)) => Emitted::Accepted { listener, socket, peer },
            _ => Emitted::Result(id, Ok(Responder::good_answer(call))),
        };
        self.out.push_back(emitted);
    }
}

impl Responder {
    /// What an application finds on a host that hears nothing.
    fn soundly(&mut self, id: CallId, call: &Call) {
        let refused = |name| {
            let detail = String::new();
            Err(Errno {
                name,
                detail,
                unsupported: false,
            })
        };
        let result = match call {
            Call::Connect { socket, .. } if self.listener == Some(*socket) => refused(ErrorName::AlreadyExists),
            Call::Connect { peer, .. } => return self.connects.push(*peer),
            Call::Send { socket, .. } if self.listener == Some(*socket) => refused(ErrorName::DoesNotExist),
            Call::Accept { .. } | Call::Recv { .. } | Call::Urgent { .. } => return,
            Call::Listen { socket, .. } => {
                self.listener = Some(*socket);
                Ok(Answer::Ok)
            }
            Call::State { peer, .. } if self.connects.contains(peer) => Ok(Answer::State(State::SynSent)),
            Call::State { .. } if self.listener.is_some() => Ok(Answer::State(State::Listen)),
            Call::State { .. } => Ok(Answer::State(State::Closed)),
            _ => Ok(Responder::good_answer(call)),
        };
        self.out.push_back(Emitted::Result(id, result));
    }
}

impl Stack for Responder {
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn receive(&mut self, _now: Instant, octets: &[u8]) {
        let Ok(packet) = Packet::parse(octets) else { return };
        let Some(segment) = packet.tcp() else { return };
        self.peer = Some(SocketAddr::new(packet.ip.source, segment.source));
        match self.frames {
            Frames::Mute => {}
            Frames::Echo => self.out.push_back(Emitted::Packet(octets.to_vec())),
            Frames::Mirror => {
                let mirrored = Responder::back(&packet, segment, |answer| {
                    let (source, destination) = (answer.source, answer.destination);
                    *answer = Segment {
                        source,
                        destination,
                        ..segment.clone()
                    };
                });
                self.out.push_back(mirrored);
            }
            Frames::Reset => self.out.push_back(Responder::reset(&packet, segment)),
            Frames::Random(_) => {
                for _ in 0..self.one_of(&[0, 1, 1, 2, 3]) {
                    let answer = self.by_lot(&packet, segment);
                    self.out.push_back(answer);
                }
            }
        }
    }

    fn call(&mut self, _now: Instant, id: CallId, call: &Call) {
        match self.calls {
            Calls::Pending => {}
            Calls::Ok => self.end_well(id, call),
            Calls::Sound => self.soundly(id, call),
            Calls::Random(_) => match self.random.next_u32() % 4 {
                0 => {}
                1 => {
                    let errno = Errno {
                        name: self.one_of(&ErrorName::ALL),
                        detail: String::new(),
                        unsupported: false,
                    };
                    self.out.push_back(Emitted::Result(id, Err(errno)));
                }
                _ if matches!(call, Call::State { .. }) => {
                    let state = self.one_of(&State::ALL);
                    self.out.push_back(Emitted::Result(id, Ok(Answer::State(state))));
                }
                _ => self.end_well(id, call),
            },
        }
    }

    fn poll(&mut self, _now: Instant, out: &mut dyn FnMut(Emitted)) -> Option<Instant> {
        self.out.drain(..).for_each(out);
        None
    }
}

/// A `runner.yaml` that says yes to everything.
fn claims_all() -> Runner {
    let mut text = "name: responder\nkind: embedded\nabilities:\n".to_owned();
    for ability in ABILITIES.iter().filter(|ability| ability.name != "sack-room") {
        let _ = writeln!(text, "  - {}", ability.name);
    }
    for setting in Setting::of_sockets() {
        let _ = writeln!(text, "  - set:{setting}");
    }
    text += "claims:\n";
    for claim in Condition::ALL {
        let _ = writeln!(text, "  - {claim}");
    }
    text += "configure:\n";
    for setting in HOST_SETTINGS {
        let _ = writeln!(text, "  {}:\n    \"*\": {{}}", setting.name);
    }
    Runner::parse("responder", &text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn plan() -> Vec<Run> {
    let library = Library::bundled().unwrap_or_else(|problems| panic!("{problems}"));
    let scripts: Vec<_> = library.cases().iter().flat_map(|case| case.scripts.clone()).collect();
    let axes = Axes {
        ips: vec![IpVersion::V4, IpVersion::V6],
        wraps: vec![false],
    };
    // Each row once, over IPv4 where it may be.
    let mut plan = expand(&scripts, &axes);
    plan.dedup_by_key(|run| run.case_and_row());
    plan
}

/// The rows that do not fail, with their verdicts.
fn not_failed(frames: Frames, calls: Calls, plan: &[Run]) -> Vec<(String, Verdict)> {
    let target = Embedded::of(claims_all(), move |job: &Job| -> Box<dyn Stack> {
        Box::new(Responder::new(frames, calls, job))
    });
    let stop = AtomicBool::new(false);
    let outcomes = plan
        .iter()
        .map(|run| (run.case_and_row(), target.run_one(&run.job(1), &stop).verdict));
    outcomes.filter(|(_, verdict)| *verdict != Verdict::Fail).collect()
}

/// That what answers so fails every row, but for these: the beginning of a row's name, what it comes to, and why that is
/// right. Each of them must have come.
fn fails(frames: Frames, calls: Calls, but: &[(&str, Verdict, &str)]) {
    let found = not_failed(frames, calls, &plan());
    let named = |row: &str, verdict: Verdict| {
        but.iter()
            .any(|(name, known, _)| row.starts_with(name) && *known == verdict)
    };
    let unnamed: Vec<_> = found.iter().filter(|(row, verdict)| !named(row, *verdict)).collect();
    assert!(unnamed.is_empty(), "{frames:?}, {calls:?}: {unnamed:#?}");
    for (name, verdict, why) in but {
        let came = found.iter().any(|(row, is)| row.starts_with(name) && is == verdict);
        assert!(
            came,
            "{frames:?}, {calls:?}: nothing came to `{verdict}` at {name}: {why}"
        );
    }
}

/// STATUS is optional (RFC 9293 section 3.9.1.5), and nothing has gone over the wire that it could be held against.
const WRONG_STATUS: (&str, Verdict, &str) = (
    "calls/status[closed",
    Verdict::Observed,
    "a wrong word for a connection that is not there",
);
const STILL_CLOSED: (&str, Verdict, &str) = ("calls/status[closed", Verdict::Pass, "there is no connection");
const STILL_LISTENS: (&str, Verdict, &str) = ("calls/status[listen", Verdict::Pass, "it listens");
/// What a port answers on which nothing listens, whatever comes.
const REFUSALS: [(&str, Verdict, &str); 2] = [
    (
        "reset/numbers[",
        Verdict::Pass,
        "a RST with the right numbers is all that is asked",
    ),
    ("handshake/ack-field-without-flag[closed]", Verdict::Pass, "likewise"),
];

#[test]
fn who_says_nothing_fails_every_run() {
    fails(Frames::Mute, Calls::Pending, &[]);
    fails(Frames::Mute, Calls::Ok, &[WRONG_STATUS]);
    fails(Frames::Mute, Calls::Sound, &[STILL_CLOSED, STILL_LISTENS]);
}

#[test]
fn who_sends_back_what_came_fails_every_run() {
    fails(Frames::Echo, Calls::Pending, &[]);
    fails(Frames::Echo, Calls::Ok, &[WRONG_STATUS]);
    fails(Frames::Echo, Calls::Sound, &[STILL_CLOSED, STILL_LISTENS]);
}

#[test]
fn who_mirrors_what_came_fails_every_run() {
    fails(Frames::Mirror, Calls::Pending, &[]);
    fails(Frames::Mirror, Calls::Ok, &[WRONG_STATUS]);
    fails(Frames::Mirror, Calls::Sound, &[STILL_CLOSED, STILL_LISTENS]);
}

#[test]
fn who_resets_everything_fails_every_run_but_those_at_a_closed_port() {
    let [numbers, field] = REFUSALS;
    fails(Frames::Reset, Calls::Pending, &REFUSALS);
    fails(Frames::Reset, Calls::Ok, &[WRONG_STATUS, numbers, field]);
    let refused = ("reset/generation[state=CLOSED", Verdict::Pass, "nothing listens there");
    let aborted = ("calls/on-a-listener[abort]", Verdict::Pass, "nothing listens any more");
    let right = [STILL_CLOSED, STILL_LISTENS, numbers, field, refused, aborted];
    fails(Frames::Reset, Calls::Sound, &right);
}

/// What is drawn by lot is right now and then, but not often: where a row is no failure for more than a quarter of the
/// seeds, the row asks for nothing.
#[test]
fn who_answers_by_lot_fails_every_run_but_by_luck() {
    let plan = plan();
    let mut green: BTreeMap<String, Vec<(u64, Verdict)>> = BTreeMap::new();
    for seed in 0..SEEDS {
        let calls = match seed % 2 {
            0 => Calls::Random(seed),
            _ => Calls::Sound,
        };
        for (row, verdict) in not_failed(Frames::Random(seed), calls, &plan) {
            green.entry(row).or_default().push((seed, verdict));
        }
    }
    let sound = ["calls/status[closed", "calls/status[listen"];
    green.retain(|row, seeds| seeds.len() as u64 > SEEDS / 4 && !sound.iter().any(|name| row.starts_with(name)));
    assert!(green.is_empty(), "{green:#?}");
}
