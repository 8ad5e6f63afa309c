//! The matching rules on hand-made exchanges: what the target sent, what the case says, what the verdict must be.
//!
//! A line is a step (`inject`, `expect`, `call`), a frame of the target (`<`), or time that passes (`+`).

use core::time::Duration;
use std::sync::Arc;
use tcpvet::engine::{self, Bench, Endpoints, RunId, Verdict};
use tcpvet::notation::{Pattern, Role, TimeSpec};
use tcpvet::rfc::State;
use tcpvet::script::{ConnDecl, ConnId, Expect, Given, Nothing, Position, Script, Step, StepKind};
use tcpvet::stack::{Abilities, Emitted, Facts, Tolerances};
use tcpvet::time::{Instant, Stamp};
use tcpvet::wire::{Body, Flags, IpHeader, Isn, Packet, RelSeq, Segment, SeqNum, TcpOption};

const TARGET: core::net::Ipv4Addr = core::net::Ipv4Addr::new(192, 0, 2, 1);
const TESTER: core::net::Ipv4Addr = core::net::Ipv4Addr::new(198, 18, 0, 1);
/// What the target's application sends in all of these.
const SENT: usize = 12_000;

fn step(kind: StepKind, text: &str) -> Step {
    Step {
        kind,
        conns: vec![ConnId(0)],
        covers: vec![],
        label: None,
        position: Position::default(),
        text: text.to_owned(),
    }
}

fn inject(text: &str) -> Step {
    match Pattern::parse(text, Role::Inject).unwrap() {
        Pattern::Segment(segment) => step(StepKind::Inject(segment), text),
        Pattern::Icmp(icmp) => step(StepKind::InjectIcmp(icmp), text),
    }
}

fn expect(line: &str) -> Step {
    let (text, extra) = line.split_once(" | ").unwrap_or((line, ""));
    if text == "nothing" {
        return step(
            StepKind::Nothing(Nothing {
                when: Default::default(),
            }),
            text,
        );
    }
    let Pattern::Segment(segment) = Pattern::parse(text, Role::Expect).unwrap() else {
        panic!("{text}")
    };
    let mut expect = Expect {
        segment,
        when: Default::default(),
        segments: None,
        count: None,
        acknowledge: false,
        measure: vec![],
    };
    if let Some(n) = extra.strip_prefix("segments: ") {
        let n = n.parse().unwrap();
        expect.segments = Some((n, n));
    } else if let Some(time) = extra.strip_prefix("within: ") {
        expect.when.within = Some(TimeSpec::parse(time).unwrap());
    }
    step(StepKind::Expect(Arc::new(expect)), text)
}

fn wait(time: &str) -> Step {
    step(StepKind::Wait(TimeSpec::parse(time).unwrap(), None), time)
}

/// A transcript: the script it makes, and the frames to be sent while each of its own waits lasts.
struct Transcript {
    script: Script,
    groups: Vec<Vec<String>>,
}

impl Transcript {
    fn read(lines: &str) -> Transcript {
        let mut steps = Vec::new();
        let mut groups: Vec<Vec<String>> = Vec::new();
        let mut in_group = false;
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (word, rest) = line.split_once(' ').unwrap();
            match word {
                "<" if in_group => groups.last_mut().unwrap().push(rest.to_owned()),
                "<" => {
                    steps.push(wait("1ms"));
                    groups.push(vec![rest.to_owned()]);
                }
                "+" => {
                    steps.push(wait(rest));
                    groups.push(vec![]);
                }
                "inject" => steps.push(inject(rest)),
                "call" => steps.push(call(rest)),
                "expect" => steps.push(expect(rest)),
                other => panic!("{other}"),
            }
            in_group = word == "<";
        }
        Transcript {
            script: script(steps),
            groups,
        }
    }
}

fn call(text: &str) -> Step {
    let call = tcpvet::notation::CallSpec::parse(text).unwrap();
    step(
        StepKind::Call(Arc::new(tcpvet::script::CallStep { call, returns: vec![] })),
        text,
    )
}

fn script(steps: Vec<Step>) -> Script {
    let given = vec![
        call("listen"),
        inject("SYN"),
        expect("SYN,ACK"),
        inject("ACK"),
        call("accept"),
        call(&format!("send {SENT}")),
    ];
    Script {
        case: "transcript".into(),
        row: String::new(),
        title: "a transcript".into(),
        why: "".into(),
        reading: "".into(),
        covers: vec![].into(),
        ids: Default::default(),
        tags: vec![].into(),
        needs: vec![],
        configure: Default::default(),
        only: Default::default(),
        connections: vec![ConnDecl {
            name: "main".into(),
            host: 0,
            tuple: None,
            isn: None,
        }],
        given: vec![Given {
            state: State::Established,
            conn: ConnId(0),
            steps: given,
        }],
        steps,
    }
}

/// The other end: it shakes hands, and then says what the transcript says.
struct Peer {
    iss: Isn,
    isn: Isn,
    tester_port: u16,
    data: Vec<u8>,
}

impl Peer {
    fn frame(&self, flags: Flags, seq: i64, ack: i64, window: u16, payload: Vec<u8>) -> Emitted {
        let ip = IpHeader::between(TARGET.into(), TESTER.into());
        let segment = Segment {
            source: 8080,
            destination: self.tester_port,
            seq: self.iss.absolute(RelSeq(seq)),
            ack: self.isn.absolute(RelSeq(ack)),
            flags,
            window,
            payload,
            options: match flags.contains(Flags::SYN) {
                true => vec![TcpOption::Mss(1460)],
                false => vec![],
            },
            ..Segment::default()
        };
        Emitted::Packet(
            Packet {
                ip,
                body: Body::Tcp(segment),
            }
            .encode(),
        )
    }

    /// `ACK,PSH seq=1 ack=2 data=5 win=64237`
    fn say(&self, line: &str) -> Emitted {
        let mut words = line.split(' ');
        let named = |name| Flags::NAMED.into_iter().find(|(_, it)| *it == name).unwrap().0;
        let flags = words
            .next()
            .unwrap()
            .split(',')
            .map(named)
            .fold(Flags::NONE, |all, flag| all | flag);
        let (mut seq, mut ack, mut data, mut window, mut turned) = (1, 1, 0, 64_240, 0);
        for word in words {
            let (key, value) = word.split_once('=').unwrap();
            let value: i64 = value.parse().unwrap();
            match key {
                "seq" => seq = value,
                "ack" => ack = value,
                "data" => data = value as usize,
                "win" => window = value as u16,
                // The first octet is another one.
                "turned" => turned = value as u8,
                other => panic!("{other}"),
            }
        }
        let from = (seq - 1).max(0) as usize;
        let mut payload = self.data[from..from + data].to_vec();
        if let Some(first) = payload.first_mut() {
            *first ^= turned;
        }
        self.frame(flags, seq, ack, window, payload)
    }

    fn shake_hands(&mut self, packet: &[u8], out: &mut Vec<Emitted>) {
        let Body::Tcp(segment) = Packet::parse(packet).unwrap().body else {
            return;
        };
        if segment.flags.contains(Flags::SYN) && self.tester_port == 0 {
            self.isn = Isn(segment.seq);
            self.tester_port = segment.source;
            out.push(self.frame(Flags::SYN | Flags::ACK, 0, 1, 64_240, vec![]));
        }
    }
}

/// What a driver on real time may do badly.
#[derive(Clone, Copy, Default)]
struct Clumsy {
    /// How long after its deadline a wait ends.
    lag: Duration,
    /// How long before it is read a frame may have come.
    doubt: Duration,
}

fn play(lines: &str, iss: u32, wrap: bool) -> engine::Outcome {
    play_on(lines, iss, wrap, None)
}

/// Plays on real time where somebody is named who drives it.
fn play_on(lines: &str, iss: u32, wrap: bool, clumsy: Option<Clumsy>) -> engine::Outcome {
    let Clumsy { lag, doubt } = clumsy.unwrap_or_default();
    let Transcript { script, groups } = Transcript::read(lines);
    let facts = Facts {
        name: "transcript".into(),
        version: None,
        abilities: Abilities::from_iter(["ipv4", "listen", "accept", "send", "shutdown"]),
        claims: Default::default(),
        tolerances: Tolerances::default(),
        mtu: 1500,
        virtual_time: clumsy.is_none(),
    };
    // What is tested here is what the steps see.
    let mut bench = Bench::new(Arc::new(facts)).without_rules();
    let at = Endpoints {
        target: TARGET.into(),
        port: 8080,
        testers: vec![TESTER.into()],
        wrap,
        lasting: clumsy.is_some(),
        seed: 7,
        waived: Arc::default(),
    };
    let run = bench.start(Instant::ZERO, Arc::new(script), at);
    let mut peer = Peer {
        iss: Isn(SeqNum(iss)),
        isn: Isn::default(),
        tester_port: 0,
        data: vec![],
    };
    let (mut now, mut groups) = (Instant::ZERO, groups.into_iter());
    for _ in 0..10_000 {
        let mut out = Vec::new();
        match bench.poll(now, now) {
            engine::Step::Inject(_, packet) => peer.shake_hands(&packet, &mut out),
            engine::Step::Call(_, id, call) => out.push(answer(&mut peer, id, call)),
            engine::Step::Wait(deadline) => {
                for line in groups.next().unwrap_or_default() {
                    let at = Stamp {
                        earliest: now,
                        latest: now + doubt,
                    };
                    bench.handle(at, peer.say(&line)).unwrap();
                }
                // What was said is looked at once the time of this wait has passed.
                now = deadline + lag;
                continue;
            }
            engine::Step::Done(run) => return bench.take(run).unwrap(),
            engine::Step::Idle => panic!("idle without an outcome"),
        }
        settle(&mut bench, run, now, out);
    }
    panic!("no end")
}

fn settle(bench: &mut Bench, run: RunId, now: Instant, out: Vec<Emitted>) {
    bench.carried(run, Stamp::exactly(now));
    for what in out {
        bench.handle(Stamp::exactly(now), what).unwrap();
    }
    bench.quiet(run, now);
}

fn answer(peer: &mut Peer, id: tcpvet::stack::CallId, call: tcpvet::stack::Call) -> Emitted {
    use tcpvet::stack::{Answer, Call};
    match call {
        Call::Accept { listener, socket } => Emitted::Accepted {
            listener,
            socket,
            peer: (TESTER, peer.tester_port).into(),
        },
        Call::Send { data, .. } => {
            peer.data = data;
            Emitted::Result(id, Ok(Answer::Count(SENT as u64)))
        }
        _ => Emitted::Result(id, Ok(Answer::Ok)),
    }
}

/// Plays it far from the wrap and across it, on both sides.
fn verdict(want: Verdict, lines: &str) {
    for (iss, wrap) in [(5_000, false), (0xffff_fffa, true)] {
        let outcome = play(lines, iss, wrap);
        let why = outcome
            .failure
            .map(|failure| format!("{}: {}", failure.expected, failure.seen));
        assert_eq!(
            outcome.verdict, want,
            "iss {iss}: {} {why:?}\n{:#?}",
            outcome.reason, outcome.trace
        );
    }
}

macro_rules! transcripts {
    ($($name:ident: $verdict:ident, $lines:literal;)*) => {
        $(#[test] fn $name() { verdict(Verdict::$verdict, $lines); })*
    };
}

transcripts! {
    one_frame_with_ack_and_data_answers_two_steps: Pass, r#"
        inject ACK "x"
        < ACK,PSH seq=1 ack=2 data=5
        expect ACK
        expect ACK data=5"#;
    an_ack_apart_from_the_data_passes_as_owed: Pass, r#"
        inject ACK "x"
        < ACK seq=1 ack=2
        < ACK seq=1 ack=2 data=5
        expect ACK data=5"#;
    a_fin_on_the_last_data_answers_two_steps: Pass, r#"
        call shutdown
        < ACK,FIN seq=1 ack=1 data=5
        expect ACK data=5
        expect FIN,ACK"#;
    a_fin_apart_from_the_data_answers_them_too: Pass, r#"
        call shutdown
        < ACK seq=1 ack=1 data=5
        < FIN,ACK seq=6 ack=1
        expect ACK data=5
        expect FIN,ACK"#;
    data_may_be_split: Pass, r#"
        < ACK seq=1 ack=1 data=1460
        < ACK seq=1461 ack=1 data=1460
        < ACK seq=2921 ack=1 data=80
        expect ACK data=3000"#;
    unless_the_number_of_segments_is_asked_for: Fail, r#"
        < ACK seq=1 ack=1 data=20
        < ACK seq=21 ack=1 data=10
        expect ACK data=30 | segments: 1"#;
    a_length_of_one_segment_may_be_asked_for: Pass, r#"
        < ACK seq=1 ack=1 data=20
        expect ACK data=11..30
        + 300ms
        < ACK seq=1 ack=1 data=20
        expect ACK again data>1"#;
    and_is_missed_by_a_shorter_one: Fail, r#"
        < ACK seq=1 ack=1 data=20
        expect ACK data=20
        + 300ms
        < ACK seq=1 ack=1 data=1
        expect ACK again data>1"#;
    and_by_a_longer_one: Fail, r#"
        < ACK seq=1 ack=1 data=20
        expect ACK data<20"#;
    any_length_will_do_where_it_is_free: Pass, r#"
        < ACK seq=1 ack=1 data=20
        expect ACK data=*"#;
    data_may_be_joined: Pass, r#"
        < ACK seq=1 ack=1 data=30
        expect ACK data=10
        expect ACK data=20"#;
    data_that_no_step_takes_fails: Fail, r#"
        inject ACK "x"
        < ACK seq=1 ack=2 data=30
        expect ACK"#;
    a_fin_that_no_step_takes_fails: Fail, r#"
        call shutdown
        inject ACK "x"
        < FIN,ACK seq=1 ack=2
        expect ACK"#;
    a_fin_before_the_application_has_closed_fails: Fail, r#"
        < FIN,ACK seq=1 ack=1
        call shutdown
        expect FIN,ACK"#;
    a_fin_before_the_end_of_the_data_fails: Fail, r#"
        call shutdown
        < FIN,ACK seq=1 ack=1 data=10
        < ACK seq=12 ack=1 data=10
        expect ACK data=20"#;
    data_that_goes_back_on_what_it_acknowledged_fails: Fail, r#"
        inject ACK "x"
        < ACK seq=1 ack=2
        expect ACK
        < ACK seq=1 ack=1 data=10
        < ACK seq=11 ack=2 data=10
        expect ACK data=20"#;
    data_that_acknowledges_what_was_not_sent_fails: Fail, r#"
        inject ACK seq=5 "x"
        < ACK seq=1 ack=3 data=10
        < ACK seq=11 ack=1 data=10
        expect ACK data=20"#;
    data_before_the_fin_that_no_step_takes_fails: Fail, r#"
        call shutdown
        < FIN,ACK seq=1 ack=1 data=3
        expect FIN,ACK"#;
    a_retransmission_that_is_due_passes: Pass, r#"
        < ACK seq=1 ack=1 data=10
        expect ACK data=10
        + 300ms
        < ACK seq=1 ack=1 data=10
        inject ACK ack=1 "x"
        < ACK seq=11 ack=2
        expect ACK"#;
    one_that_is_not_due_fails: Fail, r#"
        < ACK seq=1 ack=1 data=10
        < ACK seq=1 ack=1 data=10
        expect ACK data=10"#;
    one_that_is_not_due_is_not_what_again_asks_for: Fail, r#"
        < ACK seq=1 ack=1 data=10
        < ACK seq=1 ack=1 data=10
        expect ACK data=10
        expect ACK again data=10"#;
    one_in_other_parts_than_before_is_due_in_each: Pass, r#"
        < ACK seq=1 ack=1 data=1000
        expect ACK data=1000
        + 300ms
        < ACK seq=1 ack=1 data=600
        < ACK seq=601 ack=1 data=400
        inject ACK ack=1 "x"
        < ACK seq=1001 ack=2
        expect ACK"#;
    one_without_an_ack_fails: Fail, r#"
        < ACK seq=1 ack=1 data=10
        expect ACK data=10
        + 300ms
        < PSH seq=1 ack=1 data=10
        expect nothing"#;
    one_that_is_suddenly_urgent_fails: Fail, r#"
        < ACK seq=1 ack=1 data=10
        expect ACK data=10
        + 300ms
        < ACK,URG seq=1 ack=1 data=10
        expect nothing"#;
    one_with_a_fin_that_was_not_there_fails: Fail, r#"
        call shutdown
        < ACK seq=1 ack=1 data=1000
        < ACK seq=1001 ack=1 data=1000
        expect ACK data=2000
        + 300ms
        < FIN,ACK seq=1 ack=1 data=1000
        expect nothing"#;
    one_with_other_octets_fails: Fail, r#"
        < ACK seq=1 ack=1 data=10
        expect ACK data=10
        + 300ms
        < ACK seq=1 ack=1 data=10 turned=1
        expect nothing"#;
    one_of_what_is_acknowledged_fails: Fail, r#"
        < ACK seq=1 ack=1 data=10
        expect ACK data=10
        inject ACK
        + 300ms
        < ACK seq=1 ack=1 data=10
        expect nothing"#;
    a_retransmission_after_a_duplicate_ack_need_not_wait: Pass, r#"
        < ACK seq=1 ack=1 data=10
        expect ACK data=10
        inject ACK ack=1
        < ACK seq=1 ack=1 data=10
        expect nothing"#;
    a_doubled_ack_fails: Fail, r#"
        inject ACK "x"
        < ACK seq=1 ack=2
        < ACK seq=1 ack=2
        expect ACK"#;
    a_doubled_challenge_ack_fails: Fail, r#"
        inject RST seq=RCV.NXT+1
        < ACK seq=1 ack=1
        < ACK seq=1 ack=1
        expect ACK"#;
    an_answer_that_is_kept_until_after_the_next_inject_is_none: Fail, r#"
        inject RST seq=RCV.NXT+1
        inject ACK "x"
        < ACK seq=1 ack=2
        < ACK seq=1 ack=2
        expect ACK"#;
    the_ack_of_data_may_wait: Pass, r#"
        inject ACK "x"
        inject RST seq=RCV.NXT+1
        < ACK seq=1 ack=1
        < ACK seq=1 ack=2
        expect ACK"#;
    a_probe_in_the_same_instant_is_a_copy: Fail, r#"
        inject ACK win=0
        < ACK seq=1 ack=1 data=1
        < ACK seq=1 ack=1 data=1
        expect PROBE"#;
    a_later_probe_is_another: Pass, r#"
        inject ACK win=0
        < ACK seq=1 ack=1 data=1
        expect PROBE
        + 300ms
        < ACK seq=1 ack=1 data=1
        expect PROBE | within: 1s"#;
    a_probe_without_an_ack_is_none: Fail, r#"
        inject ACK win=0
        < PSH seq=1 ack=1 data=1
        expect PROBE"#;
    an_ack_from_before_the_probe_does_not_answer_it: Fail, r#"
        < ACK seq=1 ack=1
        inject RST seq=RCV.NXT+1
        expect ACK"#;
    acks_that_advance_in_steps_lead_to_the_last: Pass, r#"
        inject ACK "abc"
        inject ACK "def"
        < ACK seq=1 ack=4
        < ACK seq=1 ack=7
        expect ACK"#;
    one_ack_for_both_is_enough: Pass, r#"
        inject ACK "abc"
        inject ACK "def"
        < ACK seq=1 ack=7
        expect ACK"#;
    an_ack_of_only_the_first_is_not: Fail, r#"
        inject ACK "abc"
        inject ACK "def"
        < ACK seq=1 ack=4
        expect ACK"#;
    a_window_update_passes: Pass, r#"
        inject ACK "abc"
        < ACK seq=1 ack=4 win=64237
        < ACK seq=1 ack=4 win=64240
        expect ACK
        expect nothing"#;
    in_silence_an_ack_of_bad_data_fails: Fail, r#"
        inject ACK "abc" checksum=bad
        < ACK seq=1 ack=1
        expect nothing"#;
    in_silence_an_ack_owed_for_earlier_data_passes: Pass, r#"
        inject ACK "abc"
        inject RST seq=RCV.NXT-1
        < ACK seq=1 ack=4
        expect nothing"#;
    in_silence_a_due_retransmission_passes: Pass, r#"
        call shutdown
        < FIN,ACK seq=1 ack=1
        expect FIN,ACK
        inject RST seq=RCV.NXT-1
        + 300ms
        < FIN,ACK seq=1 ack=1
        expect nothing"#;
    in_silence_new_data_fails: Fail, r#"
        inject RST seq=RCV.NXT-1
        < ACK seq=1 ack=1 data=5
        expect nothing"#;
    again_is_not_answered_by_new_data: Fail, r#"
        < ACK seq=1 ack=1 data=10
        expect ACK data=10
        + 300ms
        < ACK seq=11 ack=1 data=10
        expect ACK again data=10"#;
    again_may_be_repacked: Pass, r#"
        < ACK seq=1 ack=1 data=10
        < ACK seq=11 ack=1 data=10
        expect ACK data=20
        + 300ms
        < ACK seq=1 ack=1 data=20
        expect ACK again data=20 | within: 1s"#;
    an_octet_beyond_a_closed_window_is_not_taken: Pass, r#"
        inject ACK win=0
        < ACK seq=1 ack=1 data=1
        expect PROBE
        inject ACK
        inject ACK win=65535
        < ACK seq=1 ack=1 data=12
        expect ACK data=12"#;
    a_reset_is_not_an_ack: Fail, r#"
        inject ACK "x"
        < RST,ACK seq=1 ack=2
        expect ACK"#;
    a_wrong_ack_is_not_taken: Fail, r#"
        inject RST seq=RCV.NXT+1
        < ACK seq=1 ack=2
        expect ACK"#;
    a_wrong_seq_is_not_taken: Fail, r#"
        inject RST seq=RCV.NXT+1
        < ACK seq=0 ack=1
        expect ACK"#;
    octets_that_the_application_did_not_send_fail: Fail, r#"
        < ACK seq=1 ack=1 data=5
        expect ACK "wrong""#;
    silence_where_an_ack_is_asked_for_fails: Fail, r#"
        inject ACK "x"
        expect ACK | within: 500ms"#;
}

const A_SECOND_PROBE_TOO_LATE: &str = r#"
    inject ACK "x"
    < ACK seq=1 ack=2
    expect ACK
    + 100ms
    inject RST seq=RCV.NXT+1
    expect ACK"#;

#[test]
fn a_failure_after_a_late_wake_up_of_ours_is_inconclusive() {
    let in_time = play_on(A_SECOND_PROBE_TOO_LATE, 5_000, false, Some(Clumsy::default()));
    assert_eq!(in_time.verdict, Verdict::Fail);
    let late = Clumsy {
        lag: Duration::from_millis(160),
        ..Clumsy::default()
    };
    let outcome = play_on(A_SECOND_PROBE_TOO_LATE, 5_000, false, Some(late));
    assert_eq!(outcome.verdict, Verdict::Inconclusive);
    assert!(outcome.reason.contains("late"), "{}", outcome.reason);
}

#[test]
fn a_time_that_may_be_on_either_side_of_its_bound_is_inconclusive() {
    let lines = r#"
        inject ACK "x"
        < ACK seq=1 ack=2
        expect ACK | within: 20ms"#;
    let sharp = play_on(lines, 5_000, false, Some(Clumsy::default()));
    assert_eq!(sharp.verdict, Verdict::Pass);
    let blurred = Clumsy {
        doubt: Duration::from_millis(30),
        ..Clumsy::default()
    };
    let outcome = play_on(lines, 5_000, false, Some(blurred));
    assert_eq!(outcome.verdict, Verdict::Inconclusive);
    assert!(outcome.reason.contains("too close to the bound"), "{}", outcome.reason);
}
