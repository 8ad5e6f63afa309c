//! One bad habit of a stack is one finding, whatever the cases ask about: a stack with one is run against the library,
//! and nearly all that fails is put down to it.

use crate::worlds::{plan, results, runner};
use expect_test::expect;
use std::sync::atomic::AtomicBool;
use tcpvet::drive::Job;
use tcpvet::drive::addresses::target_address;
use tcpvet::engine::Verdict;
use tcpvet::model::{Config, Defect, Defects, Model};
use tcpvet::record::{self, Traces};
use tcpvet::report::habits;
use tcpvet::stack::{Abilities, Answer, Call, CallId, Emitted, IpVersion, Stack};
use tcpvet::stacks::Embedded;
use tcpvet::time::Instant;
use tcpvet::wire::{Body, Flags, Packet, Segment, SeqNum, TcpOption};

/// The reference endpoint with a bad habit.
struct Habitual {
    endpoint: Model,
    habit: Habit,
    /// The last segment that it has sent.
    last: Option<Packet>,
    /// The number of the last SYN that it has sent.
    syn: SeqNum,
}

#[derive(Clone, Copy, PartialEq)]
enum Habit {
    /// It sends one ACK too many after each RECEIVE.
    AcksEachRead,
    /// It acknowledges each segment with text twice.
    AcksTwice,
    /// Its SYN,ACK has timestamps, whether they were offered or not.
    OffersTimestamps,
    /// It counts the SYN twice: all that follows has a number one too high.
    CountsTheSynTwice,
    /// It never sends a FIN.
    NeverSendsFin,
}

impl Habitual {
    /// What comes out in place of a packet.
    fn spoil(&mut self, mut packet: Packet) -> Vec<Packet> {
        let Body::Tcp(segment) = &mut packet.body else {
            return vec![packet];
        };
        let (syn, fin) = (segment.flags.contains(Flags::SYN), segment.flags.contains(Flags::FIN));
        let mut copies = 1;
        match self.habit {
            Habit::AcksEachRead => {}
            Habit::AcksTwice => copies += usize::from(segment.flags == Flags::ACK && segment.payload.is_empty()),
            Habit::OffersTimestamps if syn && segment.timestamps().is_none() => {
                segment.options.push(TcpOption::Timestamps { value: 7, echo: 0 });
            }
            Habit::CountsTheSynTwice if syn => self.syn = segment.seq,
            Habit::CountsTheSynTwice => segment.seq = segment.seq.advanced(1),
            Habit::NeverSendsFin if fin && segment.payload.is_empty() => copies = 0,
            Habit::NeverSendsFin => segment.flags = segment.flags.without(Flags::FIN),
            Habit::OffersTimestamps => {}
        }
        self.last = Some(packet.clone());
        vec![packet; copies]
    }

    /// An ACK without text that repeats the last segment.
    fn again(&self) -> Option<Packet> {
        let mut packet = self.last.clone()?;
        let Body::Tcp(segment) = &mut packet.body else {
            return None;
        };
        if segment.flags.contains(Flags::RST) || segment.flags.contains(Flags::SYN) {
            return None;
        }
        *segment = Segment {
            seq: segment.seq.advanced(i64::from(segment.seg_len())),
            flags: Flags::ACK,
            payload: Vec::new(),
            ..segment.clone()
        };
        Some(packet)
    }
}

impl Stack for Habitual {
    fn abilities(&self) -> Abilities {
        self.endpoint.abilities()
    }

    fn receive(&mut self, now: Instant, packet: &[u8]) {
        let Ok(mut parsed) = Packet::parse(packet) else {
            return self.endpoint.receive(now, packet);
        };
        match &mut parsed.body {
            Body::Tcp(segment) if self.habit == Habit::CountsTheSynTwice && segment.ack != self.syn.advanced(1) => {
                segment.ack = segment.ack.advanced(-1);
            }
            _ => return self.endpoint.receive(now, packet),
        }
        self.endpoint.receive(now, &parsed.encode());
    }

    fn call(&mut self, now: Instant, id: CallId, call: &Call) {
        self.endpoint.call(now, id, call);
    }

    fn poll(&mut self, now: Instant, out: &mut dyn FnMut(Emitted)) -> Option<Instant> {
        let mut emitted = Vec::new();
        let timer = self.endpoint.poll(now, &mut |what| emitted.push(what));
        for what in emitted {
            match what {
                Emitted::Packet(octets) => match Packet::parse(&octets) {
                    Ok(packet) => {
                        let spoilt = self.spoil(packet).into_iter();
                        spoilt.for_each(|packet| out(Emitted::Packet(packet.encode().into())));
                    }
                    Err(_) => out(Emitted::Packet(octets)),
                },
                Emitted::Result(id, Ok(Answer::Data(octets))) if self.habit == Habit::AcksEachRead => {
                    out(Emitted::Result(id, Ok(Answer::Data(octets))));
                    let again = self.again().into_iter();
                    again.for_each(|packet| out(Emitted::Packet(packet.encode().into())));
                }
                other => out(other),
            }
        }
        timer
    }
}

/// The habits that the library finds in a stack with one, and the runs that fail.
fn found(habit: Habit) -> Vec<record::Run> {
    let mut target = Embedded::of(runner("model"), move |job: &Job| -> Box<dyn Stack> {
        let addresses = [IpVersion::V4, IpVersion::V6].map(target_address).to_vec();
        Box::new(Habitual {
            endpoint: Model::new(Config::default(), job.seed, addresses),
            habit,
            last: None,
            syn: SeqNum(0),
        })
    });
    let mut plan = plan();
    plan.retain(|run| run.ip == IpVersion::V4 && !run.wrap && run.script.configure.is_empty());
    let results = results(&mut target, &plan);
    let runs = results.iter().map(|result| record::Run::of(result, Traces::Notable));
    runs.filter(|run| run.outcome.verdict == Verdict::Fail).collect()
}

#[test]
fn one_bad_habit_is_one_finding() {
    let unasked = "an ACK that nobody asked for";
    let table = [
        (
            Habit::AcksEachRead,
            format!("{unasked}, upon the call `recv`"),
            "RFC5681-4.2-3",
        ),
        (
            Habit::AcksTwice,
            format!("{unasked}, where nothing was to be answered"),
            "RFC5681-4.2-3",
        ),
        (
            Habit::OffersTimestamps,
            "the rule timestamps-only-if-offered is broken".to_owned(),
            "RFC7323-3.2-4",
        ),
        (
            Habit::CountsTheSynTwice,
            "the sequence number is too high, on a segment".to_owned(),
            "RFC9293-3.4-SYNFIN-SEQ",
        ),
        (
            Habit::NeverSendsFin,
            "silence where a FIN was due".to_owned(),
            "RFC9293-FIG12-CLOSE",
        ),
    ];
    for (habit, symptom, requirement) in table {
        let failed = found(habit);
        let habits = habits(&failed);
        let told: Vec<String> = habits
            .iter()
            .map(|it| format!("{} {}", it.runs.len(), it.symptom))
            .collect();
        let first = &habits[0];
        assert_eq!(first.symptom.to_string(), symptom, "{told:#?}");
        assert_eq!(
            first.requirement.map(|it| it.id.as_str()),
            Some(requirement),
            "{symptom}"
        );
        assert!(failed.len() > 100, "{symptom}: {} runs", failed.len());
        assert!(first.runs.len() * 100 >= failed.len() * 95, "{symptom}: {told:#?}");
    }
}

/// What a run with a mistake of the reference endpoint shows: the habit, what was seen, and the requirement.
fn shown(name: &str, mistake: &str) -> String {
    let run = plan()
        .into_iter()
        .find(|run| run.name == name)
        .expect("it is one of the library");
    let defects = Defects::only(Defect::from_name(mistake).expect("it is a mistake"));
    let target = tcpvet::stacks::model::target(runner("model"), Config::default(), defects);
    let outcome = target.run_one(&run.job(1), &AtomicBool::new(false));
    let failure = outcome.failure.expect("it is noticed");
    let conduct = failure.symptom.conduct().map_or("-", |(id, ..)| id);
    format!("{mistake}: {}\n  {}\n  {conduct}\n", failure.symptom, failure.seen)
}

#[test]
fn a_habit_is_told_by_what_was_wrong_on_the_wire() {
    let table = [
        (
            "reset/acceptance[state=ESTABLISHED,event=RST-INWIN,edge=left,ip4]",
            "accept-any-rst",
        ),
        ("reset/behind-unread-text[unread=false,ip4]", "rst-needs-ack"),
        ("close/four-way[role=active,by=shutdown,ip4]", "peers-fin-not-counted"),
        ("close/how-close-speaks[abort,ip4]", "abort-sends-fin"),
        ("connections/local-address[given,ip4]", "ack-sent-twice"),
        ("fast-open/refused[listener-without,ip4]", "fast-open-unasked"),
        ("icmp/mss-stays[ip4]", "listener-serves-once"),
        ("portrait/syn-ack-retries[ip4]", "syn-ack-rto-not-doubled"),
        ("window/scale-rounding[ip4]", "right-edge-of-last-window"),
    ];
    let told: Vec<String> = table.iter().map(|(name, mistake)| shown(name, mistake)).collect();
    expect![[""]].assert_eq(&told.concat());
}
