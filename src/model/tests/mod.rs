//! The endpoint as a whole, by hand-made segments on virtual time.

mod edges;
mod hostile;
mod talk;
mod transfer;

use super::{Config, Defects, Model};
use crate::rfc::State;
use crate::stack::Setting;
use crate::stack::{Answer, Call, CallId, Emitted, Errno, SetValue, SocketId, Stack};
use crate::time::Instant;
use crate::wire::{Body, Flags, IpHeader, Packet, Segment, SeqNum, TcpOption};
use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeMap;

const TARGET: &str = "192.0.2.1";
const TESTER: &str = "198.18.0.1:4000";
const LISTENER: SocketId = SocketId(1);
const SOCKET: SocketId = SocketId(2);

pub(super) const SYN: Flags = Flags::SYN;
pub(super) const ACK: Flags = Flags::ACK;
pub(super) const FIN_ACK: Flags = Flags::from_bits(0x11);
pub(super) const SYN_ACK: Flags = Flags::from_bits(0x12);
pub(super) const RST: Flags = Flags::RST;

/// A model and a tester by hand; numbers count from the ISN of who sends.
pub(super) struct Lab {
    pub model: Model,
    pub now: Instant,
    /// What came and has not been looked at.
    pub came: Vec<Segment>,
    pub results: BTreeMap<CallId, Result<Answer, Errno>>,
    pub isn: SeqNum,
    pub iss: SeqNum,
    pub window: u16,
    pub options: Vec<TcpOption>,
    /// The model's port.
    pub port: u16,
    pub timer: Option<Instant>,
    calls: u64,
}

impl Lab {
    pub(super) fn new(config: Config) -> Lab {
        Lab::with(config, Defects::NONE)
    }

    pub(super) fn with(config: Config, defects: Defects) -> Lab {
        Lab {
            model: Model::with_defects(config, defects, 1, vec![TARGET.parse().unwrap()]),
            now: Instant::ZERO,
            came: Vec::new(),
            results: BTreeMap::new(),
            isn: SeqNum(0xffff_fff0),
            iss: SeqNum(0),
            window: 65_535,
            options: vec![TcpOption::Mss(1460)],
            port: 7,
            timer: None,
            calls: 0,
        }
    }

    fn peer() -> SocketAddr {
        TESTER.parse().unwrap()
    }

    fn local(&self) -> SocketAddr {
        SocketAddr::new(TARGET.parse().unwrap(), self.port)
    }

    pub(super) fn poll(&mut self) {
        let mut emitted = Vec::new();
        self.timer = self.model.poll(self.now, &mut |what| emitted.push(what));
        for what in emitted {
            match what {
                Emitted::Packet(octets) => {
                    let Body::Tcp(segment) = Packet::parse(&octets).unwrap().body else {
                        panic!()
                    };
                    assert!(segment.is_well_formed(), "{segment:?}");
                    self.came.push(segment);
                }
                Emitted::Result(id, result) => drop(self.results.insert(id, result)),
                Emitted::Pending(_) | Emitted::Accepted { .. } => (),
            }
        }
    }

    pub(super) fn call(&mut self, call: Call) -> CallId {
        self.calls += 1;
        let id = CallId(self.calls);
        self.model.call(self.now, id, &call);
        self.poll();
        id
    }

    pub(super) fn packet(&self, segment: Segment) -> Vec<u8> {
        let ip = IpHeader::between(Lab::peer().ip(), TARGET.parse().unwrap());
        let segment = Segment {
            source: 4000,
            destination: self.port,
            ..segment
        };
        Packet {
            ip,
            body: Body::Tcp(segment),
        }
        .encode()
    }

    /// Injects a segment with relative numbers and these octets.
    pub(super) fn inject(&mut self, flags: Flags, seq: i64, ack: i64, text: &[u8]) {
        let segment = Segment {
            seq: self.isn.advanced(seq),
            ack: self.iss.advanced(ack),
            flags,
            window: self.window,
            options: if flags.contains(SYN) {
                self.options.clone()
            } else {
                Vec::new()
            },
            payload: text.to_vec(),
            ..Segment::default()
        };
        self.inject_raw(segment);
    }

    pub(super) fn inject_raw(&mut self, segment: Segment) {
        let packet = self.packet(segment);
        self.model.receive(self.now, &packet);
        self.poll();
    }

    /// Lets time go by until `at`, in milliseconds.
    pub(super) fn until(&mut self, at: u64) {
        let end = Instant::from_millis(at);
        for _ in 0..100_000 {
            match self.timer.filter(|timer| *timer <= end) {
                Some(timer) => self.now = timer.max(self.now),
                None => break,
            }
            self.poll();
        }
        self.now = end;
        self.poll();
    }

    /// The next segment that came: flags, seq and ack relative, octets.
    pub(super) fn next(&mut self) -> (Flags, i64, i64, Vec<u8>) {
        assert!(!self.came.is_empty(), "nothing came");
        let segment = self.came.remove(0);
        let seq = i64::from(segment.seq.offset_from(self.iss));
        let ack = match segment.flags.contains(ACK) {
            true => i64::from(segment.ack.offset_from(self.isn)),
            false => 0,
        };
        (segment.flags.without(Flags::PSH), seq, ack, segment.payload)
    }

    #[track_caller]
    pub(super) fn expect(&mut self, flags: Flags, seq: i64, ack: i64) {
        let (came, its_seq, its_ack, text) = self.next();
        assert_eq!((came, its_seq, its_ack), (flags, seq, ack), "{text:?}");
    }

    #[track_caller]
    pub(super) fn expect_text(&mut self, text: &[u8]) {
        let (_, _, _, came) = self.next();
        assert!(came == text, "{} octets", came.len());
    }

    #[track_caller]
    pub(super) fn silent(&mut self) {
        let came: Vec<_> = self
            .came
            .iter()
            .map(|it| (it.flags, it.seq, it.ack, it.payload.len()))
            .collect();
        assert!(came.is_empty(), "{came:?}");
    }

    pub(super) fn state(&mut self) -> State {
        let (local, peer) = (self.local(), Lab::peer());
        let id = self.call(Call::State { local, peer });
        match self.results.remove(&id) {
            Some(Ok(Answer::State(state))) => state,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn in_state(&mut self, state: State) {
        assert_eq!(self.state(), state);
    }

    pub(super) fn listen(&mut self) {
        let local = self.local();
        self.call(Call::Listen {
            socket: LISTENER,
            local,
            backlog: 5,
            fast_open: None,
        });
    }

    pub(super) fn accept(&mut self) {
        self.call(Call::Accept {
            listener: LISTENER,
            socket: SOCKET,
        });
    }

    pub(super) fn connect(&mut self) -> CallId {
        let local: IpAddr = TARGET.parse().unwrap();
        let id = self.call(Call::Connect {
            socket: SOCKET,
            local,
            peer: Lab::peer(),
            isn: Some(0xffff_fffd),
            fast_open: false,
        });
        self.learn_iss();
        id
    }

    fn learn_iss(&mut self) {
        let syn = self.came.last().unwrap();
        self.iss = syn.seq;
        self.port = syn.source;
    }

    pub(super) fn syn_received(&mut self) {
        self.listen();
        self.inject(SYN, 0, 0, b"");
        self.learn_iss();
        self.expect(SYN_ACK, 0, 1);
    }

    pub(super) fn established(&mut self) {
        self.syn_received();
        self.inject(ACK, 1, 1, b"");
        self.accept();
        self.silent();
        self.in_state(State::Established);
    }

    pub(super) fn shutdown(&mut self) -> CallId {
        self.call(Call::Shutdown { socket: SOCKET })
    }

    pub(super) fn send(&mut self, data: &[u8]) -> CallId {
        self.call(Call::Send {
            socket: SOCKET,
            data: data.to_vec(),
            urgent: false,
        })
    }

    pub(super) fn recv(&mut self, amount: Option<u64>) -> CallId {
        self.call(Call::Recv { socket: SOCKET, amount })
    }

    pub(super) fn set(&mut self, setting: Setting, value: SetValue) {
        let id = self.call(Call::Set {
            socket: SOCKET,
            setting,
            value,
        });
        assert_eq!(self.results[&id], Ok(Answer::Ok));
    }

    /// Brings the connection into a state by the passive role.
    pub(super) fn reach(&mut self, state: State) {
        match state {
            State::Closed => (),
            State::Listen => self.listen(),
            State::SynReceived => self.syn_received(),
            State::SynSent => {
                self.connect();
                self.came.clear();
            }
            State::Established => self.established(),
            State::FinWait1 => {
                self.established();
                self.shutdown();
                self.expect(FIN_ACK, 1, 1);
            }
            State::FinWait2 => {
                self.reach(State::FinWait1);
                self.inject(ACK, 1, 2, b"");
            }
            State::CloseWait => {
                self.established();
                self.inject(FIN_ACK, 1, 1, b"");
                self.expect(ACK, 1, 2);
            }
            State::Closing => {
                self.reach(State::FinWait1);
                self.inject(FIN_ACK, 1, 1, b"");
                self.expect(ACK, 2, 2);
            }
            State::LastAck => {
                self.reach(State::CloseWait);
                self.shutdown();
                self.expect(FIN_ACK, 1, 2);
            }
            State::TimeWait => {
                self.reach(State::FinWait2);
                self.inject(FIN_ACK, 1, 2, b"");
                self.expect(ACK, 2, 2);
            }
        }
        self.silent();
        self.in_state(state);
    }
}
