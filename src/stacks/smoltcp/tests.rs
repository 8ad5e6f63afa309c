//! What the application around smoltcp promises, tried with segments made by hand.

use super::*;
use crate::rfc::State;
use crate::stack::SetValue;
use crate::stack::{ErrorName, Setting};
use crate::wire::{Body, Flags, IpHeader, Packet, Segment, SeqNum, TcpOption};
use core::net::Ipv4Addr;
use core::time::Duration;

const TESTER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 18, 0, 1));
const LISTENER: SocketId = SocketId(1);
const MAIN: SocketId = SocketId(2);
const ISN: u32 = 0xffff_fffe;

fn target() -> IpAddr {
    addresses::target_address(IpVersion::V4)
}

/// The other end of one connection, and the application.
struct Tester {
    stack: Smoltcp,
    now: Instant,
    timer: Option<Instant>,
    calls: u64,
    frames: Vec<Vec<u8>>,
    results: Vec<(u64, Result<Answer, Errno>)>,
    accepted: Vec<(SocketId, SocketAddr)>,
    local: u16,
    remote: u16,
    seq: u32,
    ack: u32,
}

impl Tester {
    fn new(seed: u64) -> Tester {
        Tester {
            stack: Smoltcp::new(seed, false),
            now: Instant::ZERO,
            timer: None,
            calls: 0,
            frames: Vec::new(),
            results: Vec::new(),
            accepted: Vec::new(),
            local: 40_000,
            remote: 7,
            seq: ISN,
            ack: 0,
        }
    }

    fn poll(&mut self) -> Vec<Segment> {
        let mut segments = Vec::new();
        self.timer = self.stack.poll(self.now, &mut |what| match what {
            Emitted::Packet(packet) => {
                let Body::Tcp(segment) = Packet::parse(&packet).unwrap().body else {
                    panic!("not TCP")
                };
                assert!(segment.is_well_formed());
                segments.push(segment);
                self.frames.push(packet);
            }
            Emitted::Result(id, result) => self.results.push((id.0, result)),
            Emitted::Accepted { socket, peer, .. } => self.accepted.push((socket, peer)),
            Emitted::Pending(_) => panic!("in lockstep nothing is said of a pending call"),
        });
        // The default ACK of a tester, and the target's port.
        for segment in &segments {
            self.remote = segment.source;
            if !segment.flags.contains(Flags::RST) {
                self.ack = segment.seq.0.wrapping_add(segment.seg_len());
            }
        }
        segments
    }

    fn inject(&mut self, flags: Flags, data: &[u8]) -> Vec<Segment> {
        let segment = Segment {
            source: self.local,
            destination: self.remote,
            seq: SeqNum(self.seq),
            ack: SeqNum(if flags.contains(Flags::ACK) { self.ack } else { 0 }),
            flags,
            window: 65_535,
            payload: data.to_vec(),
            options: if flags.contains(Flags::SYN) {
                vec![TcpOption::Mss(1460)]
            } else {
                Vec::new()
            },
            ..Segment::default()
        };
        if !flags.contains(Flags::RST) {
            self.seq = self.seq.wrapping_add(segment.seg_len());
        }
        let packet = Packet {
            ip: header(),
            body: Body::Tcp(segment),
        }
        .encode();
        self.stack.receive(self.now, &packet);
        self.poll()
    }

    fn call(&mut self, call: Call) -> Vec<Segment> {
        self.calls += 1;
        self.stack.call(self.now, CallId(self.calls), &call);
        self.poll()
    }

    /// How the last call ended, `None` while it is pending.
    fn answer(&self) -> Option<&Result<Answer, Errno>> {
        self.answer_of(self.calls)
    }

    fn answer_of(&self, id: u64) -> Option<&Result<Answer, Errno>> {
        self.results
            .iter()
            .find(|(found, _)| *found == id)
            .map(|(_, result)| result)
    }

    fn error(&self) -> Option<ErrorName> {
        self.answer()?.as_ref().err().map(|errno| errno.name)
    }

    fn state(&mut self) -> State {
        let local = SocketAddr::new(target(), self.remote);
        let peer = SocketAddr::new(TESTER, self.local);
        self.call(Call::State { local, peer });
        match self.answer() {
            Some(Ok(Answer::State(state))) => *state,
            other => panic!("{other:?}"),
        }
    }

    fn sleep(&mut self, time: Duration) -> Vec<Segment> {
        let end = self.now + time;
        let mut segments = Vec::new();
        while let Some(timer) = self.timer.filter(|&timer| timer <= end) {
            self.now = timer;
            segments.extend(self.poll());
        }
        self.now = end;
        segments.extend(self.poll());
        segments
    }

    fn listen(&mut self, backlog: u32) {
        let local = SocketAddr::new(target(), 7);
        self.call(Call::Listen {
            socket: LISTENER,
            local,
            backlog,
            fast_open: None,
        });
        assert_eq!(self.answer(), Some(&Ok(Answer::Ok)));
    }

    fn accept(&mut self, socket: SocketId) {
        self.call(Call::Accept {
            listener: LISTENER,
            socket,
        });
    }

    fn passive() -> Tester {
        let mut tester = Tester::new(1);
        tester.listen(1);
        tester.open();
        tester.accept(MAIN);
        assert_eq!(tester.accepted, [(MAIN, SocketAddr::new(TESTER, 40_000))]);
        tester
    }

    /// The tester's part of a handshake.
    fn open(&mut self) {
        let answer = self.inject(Flags::SYN, b"");
        assert_eq!(flags(&answer), [Flags::SYN | Flags::ACK]);
        assert_eq!(self.inject(Flags::ACK, b""), []);
    }

    fn connect(&mut self, isn: Option<u32>) -> Vec<Segment> {
        let peer = SocketAddr::new(TESTER, self.local);
        self.call(Call::Connect {
            socket: MAIN,
            local: target(),
            peer,
            isn,
            fast_open: false,
        })
    }

    fn active() -> Tester {
        let mut tester = Tester::new(1);
        assert_eq!(flags(&tester.connect(None)), [Flags::SYN]);
        assert_eq!(tester.answer(), None);
        assert_eq!(flags(&tester.inject(Flags::SYN | Flags::ACK, b"")), [Flags::ACK]);
        assert_eq!(tester.answer(), Some(&Ok(Answer::Ok)));
        tester
    }

    fn send(&mut self, data: &[u8]) -> Vec<Segment> {
        self.call(Call::Send {
            socket: MAIN,
            data: data.to_vec(),
            urgent: false,
        })
    }

    fn recv(&mut self, amount: Option<u64>) -> Vec<Segment> {
        self.call(Call::Recv { socket: MAIN, amount })
    }
}

fn header() -> IpHeader {
    IpHeader::between(TESTER, target())
}

fn flags(segments: &[Segment]) -> Vec<Flags> {
    segments
        .iter()
        .map(|segment| segment.flags.without(Flags::PSH))
        .collect()
}

fn fin_ack() -> Flags {
    Flags::FIN | Flags::ACK
}

#[test]
fn a_passive_open_reaches_established_and_is_accepted() {
    let mut tester = Tester::new(1);
    tester.listen(1);
    assert_eq!(tester.state(), State::Listen);
    tester.accept(MAIN);
    assert_eq!(tester.accepted, []);
    let answer = tester.inject(Flags::SYN, b"");
    assert_eq!(answer[0].window, 65_535);
    assert_eq!(
        (answer[0].mss(), answer[0].window_scale(), answer[0].timestamps()),
        (Some(1460), None, None)
    );
    assert_eq!(tester.state(), State::SynReceived);
    tester.inject(Flags::ACK, b"");
    assert_eq!(tester.state(), State::Established);
    assert_eq!(tester.accepted, [(MAIN, SocketAddr::new(TESTER, 40_000))]);
}

#[test]
fn an_active_open_goes_by_syn_sent() {
    let mut tester = Tester::new(1);
    let syn = tester.connect(None);
    assert!(syn[0].source >= 49_152);
    assert_eq!(tester.state(), State::SynSent);
    tester.inject(Flags::SYN | Flags::ACK, b"");
    assert_eq!(tester.state(), State::Established);
    assert_eq!(Tester::active().state(), State::Established);
}

#[test]
fn crossing_syns_meet_in_syn_received() {
    let mut tester = Tester::new(1);
    tester.connect(None);
    let connect = tester.calls;
    tester.ack = 0;
    assert_eq!(flags(&tester.inject(Flags::SYN, b"")), [Flags::SYN | Flags::ACK]);
    assert_eq!(tester.state(), State::SynReceived);
    tester.inject(Flags::ACK, b"");
    assert_eq!(tester.state(), State::Established);
    assert_eq!(tester.answer_of(connect), Some(&Ok(Answer::Ok)));
}

#[test]
fn the_isn_can_be_asked_for() {
    for isn in [0, 1, 0xffff_ffff, 0x8000_0000] {
        assert_eq!(Tester::new(9).connect(Some(isn))[0].seq, SeqNum(isn));
    }
}

#[test]
fn a_wrapping_run_places_the_first_isn_close_to_the_end() {
    for seed in 0..20 {
        let mut tester = Tester::new(0);
        tester.stack = Smoltcp::new(seed, true);
        tester.listen(1);
        assert!(tester.inject(Flags::SYN, b"")[0].seq.0 > u32::MAX - 8);
    }
}

#[test]
fn octets_go_both_ways() {
    let mut tester = Tester::passive();
    let sent = tester.send(b"hello");
    assert_eq!(sent[0].payload, b"hello");
    assert_eq!(tester.answer(), Some(&Ok(Answer::Count(5))));
    tester.recv(None);
    assert_eq!(tester.answer(), None);
    tester.inject(Flags::ACK, b"wel");
    assert_eq!(tester.answer(), Some(&Ok(Answer::Data(b"wel".to_vec()))));
}

#[test]
fn an_exact_amount_is_waited_for_beyond_the_size_of_the_buffer() {
    let mut tester = Tester::passive();
    tester.recv(Some(100_000));
    let receiving = tester.calls;
    for _ in 0..99 {
        tester.inject(Flags::ACK, &[7; 1000]);
    }
    assert_eq!(tester.answer_of(receiving), None);
    tester.inject(Flags::ACK, &[7; 1200]);
    assert_eq!(tester.answer_of(receiving), Some(&Ok(Answer::Data(vec![7; 100_000]))));
    tester.recv(Some(200));
    assert_eq!(tester.answer(), Some(&Ok(Answer::Data(vec![7; 200]))));
}

#[test]
fn a_send_is_pending_until_all_octets_are_in_the_buffer() {
    let mut tester = Tester::passive();
    let mut data = tester.send(&[1; 100_000]);
    let sending = tester.calls;
    assert_eq!(tester.answer(), None);
    tester.call(Call::Shutdown { socket: MAIN });
    let closing = tester.calls;
    assert_eq!(tester.answer(), None);
    while !data.is_empty() {
        data = tester.inject(Flags::ACK, b"");
    }
    assert_eq!(tester.answer_of(sending), Some(&Ok(Answer::Count(100_000))));
    assert_eq!(tester.answer_of(closing), Some(&Ok(Answer::Ok)));
    assert_eq!(tester.state(), State::FinWait2);
}

#[test]
fn octets_sent_before_the_handshake_ends_follow_it() {
    let mut tester = Tester::new(1);
    tester.connect(None);
    assert_eq!(tester.send(b"early"), []);
    assert_eq!(tester.answer(), None);
    let after = tester.inject(Flags::SYN | Flags::ACK, b"");
    assert_eq!(after.last().unwrap().payload, b"early");
    assert_eq!(tester.answer(), Some(&Ok(Answer::Count(5))));
}

#[test]
fn closing_first_leads_through_fin_wait_to_time_wait() {
    let mut tester = Tester::passive();
    assert_eq!(flags(&tester.call(Call::Shutdown { socket: MAIN })), [fin_ack()]);
    assert_eq!(tester.state(), State::FinWait1);
    tester.inject(Flags::ACK, b"");
    assert_eq!(tester.state(), State::FinWait2);
    tester.inject(Flags::ACK, b"late");
    tester.recv(None);
    assert_eq!(tester.answer(), Some(&Ok(Answer::Data(b"late".to_vec()))));
    tester.inject(fin_ack(), b"");
    assert_eq!(tester.state(), State::TimeWait);
    tester.recv(None);
    assert_eq!(tester.answer(), Some(&Ok(Answer::EndOfStream)));
    tester.sleep(Duration::from_millis(9_999));
    assert_eq!(tester.state(), State::TimeWait);
    tester.sleep(Duration::from_millis(1));
    assert_eq!(tester.state(), State::Listen);
    tester.recv(None);
    assert_eq!(tester.answer(), Some(&Ok(Answer::EndOfStream)));
}

#[test]
fn closing_second_leads_through_close_wait_to_closed() {
    let mut tester = Tester::active();
    tester.inject(fin_ack(), b"");
    assert_eq!(tester.state(), State::CloseWait);
    assert_eq!(flags(&tester.call(Call::Shutdown { socket: MAIN })), [fin_ack()]);
    assert_eq!(tester.state(), State::LastAck);
    tester.inject(Flags::ACK, b"");
    assert_eq!(tester.state(), State::Closed);
    tester.send(b"x");
    assert_eq!(tester.error(), Some(ErrorName::DoesNotExist));
}

#[test]
fn crossing_fins_meet_in_closing() {
    let mut tester = Tester::passive();
    let unacknowledged = tester.ack;
    tester.call(Call::Shutdown { socket: MAIN });
    let fin_acknowledged = core::mem::replace(&mut tester.ack, unacknowledged);
    tester.inject(fin_ack(), b"");
    assert_eq!(tester.state(), State::Closing);
    tester.ack = fin_acknowledged;
    tester.inject(Flags::ACK, b"");
    assert_eq!(tester.state(), State::TimeWait);
}

#[test]
fn a_reset_ends_pending_calls_and_is_told_once() {
    let mut tester = Tester::passive();
    tester.recv(None);
    assert_eq!(tester.inject(Flags::RST, b""), []);
    assert_eq!(tester.error(), Some(ErrorName::Reset));
    assert_eq!(tester.state(), State::Listen);
    tester.recv(None);
    assert_eq!(tester.error(), Some(ErrorName::DoesNotExist));
}

#[test]
fn a_reset_that_no_call_met_is_told_to_the_next() {
    let mut tester = Tester::passive();
    tester.inject(Flags::ACK, b"rest");
    tester.inject(Flags::RST, b"");
    tester.recv(None);
    assert_eq!(tester.answer(), Some(&Ok(Answer::Data(b"rest".to_vec()))));
    tester.send(b"x");
    assert_eq!(tester.error(), Some(ErrorName::Reset));
}

#[test]
fn a_reset_of_a_syn_refuses_the_connection() {
    let mut tester = Tester::new(1);
    tester.connect(None);
    tester.inject(Flags::RST | Flags::ACK, b"");
    assert_eq!(tester.error(), Some(ErrorName::Refused));
    assert_eq!(tester.state(), State::Closed);
}

#[test]
fn an_unanswered_syn_is_repeated_and_the_user_timeout_ends_it() {
    let mut tester = Tester::new(1);
    tester.connect(None);
    let connecting = tester.calls;
    let value = SetValue::Time(Duration::from_secs(5));
    tester.call(Call::Set {
        socket: MAIN,
        setting: Setting::UserTimeout,
        value,
    });
    assert_eq!(tester.answer(), Some(&Ok(Answer::Ok)));
    let repeated = tester.sleep(Duration::from_millis(4_999));
    assert_eq!(flags(&repeated), [Flags::SYN, Flags::SYN]);
    tester.sleep(Duration::from_millis(1));
    let error = tester.answer_of(connecting).unwrap().as_ref().unwrap_err();
    assert_eq!(error.name, ErrorName::TimedOut);
}

#[test]
fn closing_before_an_answer_ends_the_open() {
    let mut tester = Tester::new(1);
    tester.connect(None);
    let connecting = tester.calls;
    tester.call(Call::Close { socket: MAIN });
    let error = tester.answer_of(connecting).unwrap().as_ref().unwrap_err();
    assert_eq!(error.name, ErrorName::Closing);
    assert_eq!(tester.state(), State::Closed);
}

#[test]
fn an_abort_sends_a_reset_and_forgets_the_socket() {
    let mut tester = Tester::passive();
    tester.recv(None);
    let receiving = tester.calls;
    let sent = tester.call(Call::Abort { socket: MAIN });
    assert!(sent[0].flags.contains(Flags::RST));
    assert_eq!(
        tester.answer_of(receiving).unwrap().as_ref().unwrap_err().name,
        ErrorName::Reset
    );
    assert_eq!(tester.state(), State::Listen);
    tester.send(b"x");
    assert_eq!(tester.error(), Some(ErrorName::DoesNotExist));
    assert!(tester.stack.connections.is_empty());
}

#[test]
fn after_close_what_comes_is_thrown_away_and_the_end_is_orderly() {
    let mut tester = Tester::passive();
    tester.inject(Flags::ACK, &[1; 1000]);
    tester.call(Call::Close { socket: MAIN });
    assert_eq!(tester.answer(), Some(&Ok(Answer::Ok)));
    // Far more than a window.
    for _ in 0..100 {
        tester.inject(Flags::ACK, &[2; 1400]);
    }
    tester.inject(fin_ack(), b"");
    assert_eq!(tester.state(), State::TimeWait);
    tester.sleep(Duration::from_secs(10));
    assert!(tester.stack.connections.is_empty());
}

#[test]
fn the_listener_survives_its_connections() {
    let mut tester = Tester::passive();
    for port in 40_001..40_010 {
        (tester.local, tester.seq) = (port, port.into());
        assert_eq!(tester.state(), State::Listen);
        tester.open();
        let id = SocketId(u32::from(port));
        tester.accept(id);
        assert_eq!(tester.accepted.last().unwrap().0, id);
    }
    tester.local = 40_000;
    assert_eq!(tester.state(), State::Established);
}

#[test]
fn a_reset_in_syn_received_returns_to_listen() {
    let mut tester = Tester::new(1);
    tester.listen(1);
    tester.inject(Flags::SYN, b"");
    assert_eq!(tester.inject(Flags::RST, b""), []);
    assert_eq!(tester.state(), State::Listen);
    assert!(tester.stack.connections.is_empty());
    for _ in 0..3 {
        tester.open();
        assert_eq!(tester.state(), State::Established);
        tester.local += 1;
        tester.accept(SocketId(u32::from(tester.local)));
    }
}

#[test]
fn a_syn_for_a_connection_never_reaches_the_listener_behind_it() {
    let mut tester = Tester::new(1);
    tester.listen(2);
    // The first socket becomes half open, the second a connection; then the first listens again.
    tester.inject(Flags::SYN, b"");
    tester.local = 40_001;
    tester.open();
    tester.accept(MAIN);
    let established = (tester.seq, tester.ack);
    (tester.local, tester.seq) = (40_000, ISN.wrapping_add(1));
    tester.inject(Flags::RST, b"");
    tester.local = 40_001;
    (tester.seq, tester.ack) = established;
    let answer = tester.inject(Flags::SYN, b"");
    assert!(!answer.iter().any(|segment| segment.flags.contains(Flags::SYN)));
    assert_eq!(tester.state(), State::Established);
}

#[test]
fn connections_beyond_the_backlog_are_reset_until_one_is_accepted() {
    let mut tester = Tester::new(1);
    tester.listen(2);
    for port in [40_000, 40_001] {
        (tester.local, tester.seq) = (port, ISN);
        tester.open();
    }
    (tester.local, tester.seq) = (40_002, ISN);
    assert!(tester.inject(Flags::SYN, b"")[0].flags.contains(Flags::RST));
    tester.accept(MAIN);
    (tester.local, tester.seq) = (40_003, ISN);
    tester.open();
    tester.accept(SocketId(8));
    tester.accept(SocketId(9));
    let ports: Vec<u16> = tester.accepted.iter().map(|(_, peer)| peer.port()).collect();
    assert_eq!(ports, [40_000, 40_001, 40_003]);
}

#[test]
fn closing_a_listener_ends_accepts_and_aborts_who_waits() {
    let mut tester = Tester::new(1);
    tester.listen(4);
    tester.open();
    let sent = tester.call(Call::Close { socket: LISTENER });
    assert!(sent[0].flags.contains(Flags::RST));
    assert_eq!(tester.state(), State::Closed);
    tester.listen(4);
    tester.accept(MAIN);
    let accepting = tester.calls;
    tester.call(Call::Close { socket: LISTENER });
    assert_eq!(
        tester.answer_of(accepting).unwrap().as_ref().unwrap_err().name,
        ErrorName::Closing
    );
}

#[test]
fn nothing_listens_at_a_port_that_was_not_opened() {
    let mut tester = Tester::new(1);
    let answer = tester.inject(Flags::SYN, b"");
    assert_eq!(flags(&answer), [Flags::RST | Flags::ACK]);
    assert_eq!(tester.state(), State::Closed);
}

#[test]
fn calls_on_what_does_not_exist_fail() {
    let mut tester = Tester::new(1);
    let socket = MAIN;
    for call in [
        Call::Send {
            socket,
            data: vec![1],
            urgent: false,
        },
        Call::Recv { socket, amount: None },
        Call::Shutdown { socket },
        Call::Close { socket },
        Call::Abort { socket },
        Call::Accept {
            listener: LISTENER,
            socket,
        },
        Call::Set {
            socket,
            setting: Setting::NoDelay,
            value: SetValue::Flag(true),
        },
    ] {
        tester.call(call);
        assert_eq!(tester.error(), Some(ErrorName::DoesNotExist));
    }
}

#[test]
fn a_larger_buffer_of_the_listener_scales_the_window() {
    let mut tester = Tester::new(1);
    tester.listen(1);
    let value = SetValue::Number(1 << 20);
    tester.call(Call::Set {
        socket: LISTENER,
        setting: Setting::RecvBuffer,
        value,
    });
    let syn = Segment {
        source: tester.local,
        destination: tester.remote,
        seq: SeqNum(ISN),
        flags: Flags::SYN,
        window: 1000,
        options: vec![TcpOption::WindowScale(2), TcpOption::Timestamps { value: 5, echo: 0 }],
        ..Segment::default()
    };
    let packet = Packet {
        ip: header(),
        body: Body::Tcp(syn),
    }
    .encode();
    tester.stack.receive(tester.now, &packet);
    let answer = tester.poll();
    assert_eq!(answer[0].window_scale(), Some(5));
    assert_eq!(answer[0].timestamps().map(|(_, echo)| echo), Some(5));
}

#[test]
fn keep_alive_probes_an_idle_connection() {
    let mut tester = Tester::passive();
    for (setting, value) in [
        (Setting::KeepAliveIdle, SetValue::Time(Duration::from_secs(3))),
        (Setting::KeepAlive, SetValue::Flag(true)),
    ] {
        tester.call(Call::Set {
            socket: MAIN,
            setting,
            value,
        });
        assert_eq!(tester.answer(), Some(&Ok(Answer::Ok)));
    }
    assert_eq!(tester.sleep(Duration::from_secs(7)).len(), 2);
}

#[test]
fn the_same_seed_gives_the_same_frames() {
    let trace = |seed| {
        let mut tester = Tester::new(seed);
        tester.listen(1);
        tester.open();
        tester.accept(MAIN);
        tester.send(&[3; 5000]);
        tester.sleep(Duration::from_secs(30));
        tester.frames
    };
    assert_eq!(trace(5), trace(5));
    assert_ne!(trace(5), trace(6));
}

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }

    /// A number close to one that matters.
    fn near(&mut self, number: u32) -> u32 {
        let far = [0, 1, 2, 1460, 65_535, 65_536, 1 << 31, u32::MAX, u32::MAX - 1][self.roll(9)];
        number.wrapping_add(far)
    }
}

/// What a tester with bad intentions would send on this connection.
fn hostile(tester: &Tester, dice: &mut Dice) -> Vec<u8> {
    let all = [Flags::ACK, Flags::SYN, Flags::FIN, Flags::RST, Flags::PSH, Flags::URG];
    let mut flags = if dice.roll(4) > 0 { Flags::ACK } else { Flags::NONE };
    if dice.roll(2) == 0 {
        flags = flags | all[dice.roll(6)];
    }
    let segment = Segment {
        source: tester.local,
        destination: tester.remote,
        seq: SeqNum(dice.near(tester.seq)),
        ack: SeqNum(dice.near(tester.ack)),
        flags,
        window: [0, 1, 65_535][dice.roll(3)],
        options: [
            vec![],
            vec![TcpOption::Mss(0)],
            vec![TcpOption::WindowScale(255), TcpOption::SackPermitted],
        ][dice.roll(3)]
        .clone(),
        payload: vec![9; [0, 1, 536, 1460][dice.roll(4)]],
        ..Segment::default()
    };
    let mut packet = Packet {
        ip: header(),
        body: Body::Tcp(segment),
    }
    .encode();
    if dice.roll(8) == 0 {
        let place = dice.roll(packet.len());
        packet[place] = dice.roll(256) as u8;
    }
    if dice.roll(8) == 0 {
        packet.truncate(dice.roll(packet.len()));
    }
    packet
}

#[test]
fn nothing_that_arrives_makes_it_panic() {
    let mut dice = Dice(1);
    for conversation in 0..2_000 {
        let mut tester = if conversation % 2 == 0 {
            Tester::passive()
        } else {
            Tester::active()
        };
        for _ in 0..30 {
            let packet = hostile(&tester, &mut dice);
            tester.stack.receive(tester.now, &packet);
            tester.now = tester.now + Duration::from_millis(dice.roll(2_000) as u64);
            tester.poll();
            match dice.roll(12) {
                0 => drop(tester.send(&[1; 3000])),
                1 => drop(tester.call(Call::Shutdown { socket: MAIN })),
                2 => drop(tester.recv(None)),
                3 if dice.roll(8) == 0 => drop(tester.call(Call::Close { socket: MAIN })),
                4 if dice.roll(8) == 0 => drop(tester.call(Call::Abort { socket: MAIN })),
                _ => (),
            }
        }
    }
}

#[test]
fn the_runner_tells_what_the_stack_can_do() {
    let runner = Runner::bundled("smoltcp").unwrap();
    assert_eq!(runner.facts.abilities, Smoltcp::new(0, false).abilities());
    assert!(runner.facts.virtual_time);
    assert_eq!(usize::from(runner.facts.mtu), wire::MTU);
}

#[test]
fn a_profile_reaches_the_sockets() {
    let runner = Runner::bundled("smoltcp").unwrap();
    let configure = [("timestamps", "false"), ("delayed-ack", "false")];
    let configure = configure
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let mut tester = Tester::new(1);
    tester.stack = Smoltcp::configured(1, false, &runner.profile(&configure).unwrap());
    assert_eq!(tester.connect(None)[0].timestamps(), None);
    tester.inject(Flags::SYN | Flags::ACK, b"");
    assert_eq!(flags(&tester.inject(Flags::ACK, b"x")), [Flags::ACK]);
}

#[test]
fn the_version_that_is_told_is_the_one_that_is_built_in() {
    let manifest = include_str!("../../../Cargo.toml");
    assert!(manifest.contains(&format!("smoltcp = {{ version = \"{VERSION}\"")));
}
