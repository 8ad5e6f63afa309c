//! Two models talk to each other through a pipe that loses, doubles and delays.

use super::super::Switch;
use super::*;
use crate::drive::addresses::target_address;
use crate::stack::IpVersion;
use core::time::Duration;
use proptest::prelude::*;

const SERVER: &str = "198.18.0.9";

/// What one end did and got.
#[derive(Default)]
struct End {
    got: Vec<u8>,
    closed: bool,
    connected: bool,
    accepted: bool,
    receiving: bool,
}

struct Pipe {
    models: [Model; 2],
    timers: [Option<Instant>; 2],
    ends: [End; 2],
    /// On the way: when, to whom, in which order.
    wire: BTreeMap<(Instant, u64), (usize, Vec<u8>)>,
    sent: u64,
    seed: u64,
    loss: u64,
    now: Instant,
    log: u64,
    events: u64,
}

impl Pipe {
    fn new(config: [Config; 2], seed: u64, loss: u64) -> Pipe {
        let addresses = [target_address(IpVersion::V4), SERVER.parse().unwrap()];
        let [a, b] = config;
        Pipe {
            models: [
                Model::new(a, seed, vec![addresses[0]]),
                Model::new(b, seed + 1, vec![addresses[1]]),
            ],
            timers: [None; 2],
            ends: Default::default(),
            wire: BTreeMap::new(),
            sent: 0,
            seed,
            loss,
            now: Instant::ZERO,
            log: 0,
            events: 0,
        }
    }

    fn draw(&mut self) -> u64 {
        self.seed = self
            .seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.seed >> 33
    }

    fn call(&mut self, who: usize, id: u64, call: &Call) {
        self.models[who].call(self.now, CallId(id), call);
        self.poll(who);
    }

    fn poll(&mut self, who: usize) {
        let mut emitted = Vec::new();
        self.timers[who] = self.models[who].poll(self.now, &mut |what| emitted.push(what));
        for what in emitted {
            self.handle(who, what);
        }
    }

    fn handle(&mut self, who: usize, what: Emitted) {
        match what {
            Emitted::Packet(octets) => {
                self.events += 1;
                let fate = self.draw() % 100;
                self.log = octets
                    .iter()
                    .fold(self.log, |log, octet| log.rotate_left(5) ^ u64::from(*octet));
                let copies = if fate < self.loss {
                    0
                } else {
                    1 + usize::from(fate >= 97)
                };
                for _ in 0..copies {
                    let jitter = if self.loss == 0 { 0 } else { self.draw() % 30 };
                    let at = self.now + Duration::from_millis(10 + jitter);
                    self.sent += 1;
                    self.wire.insert((at, self.sent), (1 - who, octets.clone()));
                }
            }
            Emitted::Result(CallId(1), result) => {
                result.unwrap();
                self.ends[who].connected = true;
            }
            Emitted::Result(CallId(3), result) => {
                self.ends[who].receiving = false;
                match result.unwrap() {
                    Answer::Data(data) => self.ends[who].got.extend(data),
                    _ => self.ends[who].closed = true,
                }
            }
            Emitted::Result(_, result) => drop(result.unwrap()),
            Emitted::Accepted { .. } => self.ends[who].accepted = true,
            Emitted::Pending(_) => (),
        }
    }

    /// Everything that the users do, until both have all and nothing happens any more; answers how long it took.
    fn run(&mut self, data: [&[u8]; 2]) -> Instant {
        let server = SocketAddr::new(SERVER.parse().unwrap(), 7);
        let (socket, listener) = (SOCKET, LISTENER);
        let listen = Call::Listen {
            socket: listener,
            local: server,
            backlog: 5,
            fast_open: None,
        };
        self.call(1, 0, &listen);
        self.call(1, 0, &Call::Accept { listener, socket });
        let local = target_address(IpVersion::V4);
        let connect = Call::Connect {
            socket,
            local,
            peer: server,
            isn: Some(0xffff_f000),
            fast_open: false,
        };
        self.call(0, 1, &connect);
        let mut started = [false; 2];
        for _ in 0..2_000_000 {
            for who in 0..2 {
                let open = self.ends[who].connected || self.ends[who].accepted;
                if open && !started[who] {
                    started[who] = true;
                    let data = data[who].to_vec();
                    self.call(
                        who,
                        2,
                        &Call::Send {
                            socket,
                            data,
                            urgent: false,
                        },
                    );
                    self.call(who, 4, &Call::Shutdown { socket });
                }
                if open && !self.ends[who].receiving && !self.ends[who].closed {
                    self.ends[who].receiving = true;
                    self.call(who, 3, &Call::Recv { socket, amount: None });
                }
            }
            let arrival = self.wire.keys().next().map(|key| key.0);
            let next = [arrival, self.timers[0], self.timers[1]].into_iter().flatten().min();
            let Some(next) = next else { return self.now };
            self.now = next.max(self.now);
            while let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let (who, octets) = entry.remove();
                self.models[who].receive(self.now, &octets);
                self.poll(who);
            }
            self.poll(0);
            self.poll(1);
        }
        panic!("no end");
    }
}

fn octets(length: usize, salt: u8) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8 ^ salt).collect()
}

fn talk(config: [Config; 2], seed: u64, loss: u64, lengths: [usize; 2]) -> (Instant, u64) {
    let data = [octets(lengths[0], 0), octets(lengths[1], 0x55)];
    let mut pipe = Pipe::new(config, seed, loss);
    let took = pipe.run([&data[0], &data[1]]);
    for who in 0..2 {
        assert!(pipe.ends[who].closed, "end {who} did not see the end");
        assert!(pipe.ends[who].got == data[1 - who], "end {who} got something else");
        assert!(pipe.models[who].tcbs.values().all(|tcb| tcb.state == State::Closed));
    }
    (took, pipe.log)
}

#[test]
fn a_clean_talk_delivers_everything_and_ends() {
    let (took, _) = talk([Config::default(), Config::default()], 3, 0, [300_000, 200_000]);
    assert!(took < Instant::from_millis(250_000), "{took}");
}

#[test]
fn the_same_seed_gives_the_same_frames() {
    let run = || talk([Config::default(), Config::default()], 11, 10, [50_000, 20_000]);
    assert_eq!(run(), run());
    assert_ne!(
        run().1,
        talk([Config::default(), Config::default()], 12, 10, [50_000, 20_000]).1
    );
}

fn plain() -> Config {
    Config::choosing(&[Switch::SackNo, Switch::TimestampsNo, Switch::WindowScaleNo])
}

fn small() -> Config {
    Config {
        receive_buffer: 3000,
        send_buffer: 5000,
        ..Config::choosing(&[Switch::KeepOutOfOrderNo])
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn a_lossy_talk_delivers_everything_and_ends(
        seed: u64, loss in 0u64..35, a in 0usize..60_000, b in 0usize..60_000, kinds in (0usize..3, 0usize..3),
    ) {
        let config = |kind: usize| [Config::default(), plain(), small()][kind].clone();
        let patient = |config: Config| Config { user_timeout: Duration::from_secs(36_000), ..config };
        talk([patient(config(kinds.0)), patient(config(kinds.1))], seed >> 1, loss, [a, b]);
    }
}
