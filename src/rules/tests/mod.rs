//! Each rule on traces that keep it and on traces that break it.
//!
//! A trace has a line for each segment: when it passes, in seconds, where that is later than the line before; `<` from
//! the target or `>` to it; then the segment in the notation of cases, with numbers only. Both ISNs lie before the
//! wrap. What is not written is zero, the window 65535, and text is what any octet of that number is.

mod traces;

use super::*;
use crate::case::Library;
use crate::notation::{
    Control, Expr, FieldValue, FlagPattern, IpField, Key, OptionValue, Pattern, Role, SegmentPattern,
};
use crate::time::Instant;
use crate::wire::{Checksum, Ecn, Flags, IpHeader, Segment, SeqNum, TcpOption};
use std::collections::BTreeSet;

const TARGET: (&str, u32) = ("192.0.2.1", 0xffff_fff0);
const PEER: (&str, u32) = ("198.18.0.1", 0xffff_ffe0);

/// A handshake that the peer began, by the options of its SYN and of the answer.
fn passive(theirs: &str, ours: &str) -> String {
    let times = |text: &str, value: &str| text.replace("ts", value);
    format!(
        "> SYN {}\n< SYN,ACK ack=1 {}\n> ACK seq=1 ack=1 {}",
        times(theirs, "ts 100 0"),
        times(ours, "ts 7000 100"),
        if ours.contains("ts") { "<ts 100 7000>" } else { "" },
    )
}

fn number(expr: &Expr) -> i64 {
    match expr {
        Expr::Number(number) => *number,
        other => panic!("{other:?} is no number"),
    }
}

fn field(pattern: &SegmentPattern, key: Key) -> Option<i64> {
    match pattern.field(key)? {
        FieldValue::Compare(_, expr) => Some(number(expr)),
        _ => None,
    }
}

fn option(value: &OptionValue, isn: u32) -> TcpOption {
    let get = |expr: &Option<Expr>| expr.as_ref().map_or(0, number);
    match value {
        OptionValue::Mss(size) => TcpOption::Mss(get(size) as u16),
        OptionValue::WindowScale(shift) => TcpOption::WindowScale(get(shift) as u8),
        OptionValue::SackPermitted => TcpOption::SackPermitted,
        OptionValue::Timestamps(value, echo) => TcpOption::Timestamps {
            value: get(value) as u32,
            echo: get(echo) as u32,
        },
        OptionValue::Sack(blocks) => {
            let edge = |expr: &Expr| isn.wrapping_add(number(expr) as u32);
            TcpOption::Sack(blocks.iter().map(|(left, right)| (edge(left), edge(right))).collect())
        }
        OptionValue::Raw(octets) => TcpOption::Raw(octets.clone()),
        OptionValue::Other(kind, data) => TcpOption::Other {
            kind: *kind,
            data: match data {
                Some(crate::notation::Octets::Literal(octets)) => octets.clone(),
                _ => Vec::new(),
            },
        },
        other => panic!("{other:?} is not used here"),
    }
}

fn segment(text: &str, own: u32, other: u32) -> (Segment, Ecn) {
    let Pattern::Segment(pattern) = Pattern::parse(text, Role::Inject).unwrap_or_else(|err| panic!("{text}: {err}"))
    else {
        panic!("{text} is no segment");
    };
    let Control::Flags(flags) = &pattern.control else {
        panic!("{text}")
    };
    let flags = flags
        .iter()
        .filter(|(_, how)| *how == FlagPattern::Set)
        .fold(Flags::NONE, |all, (flag, _)| all | *flag);
    let flags = flags.with_reserved(field(&pattern, Key::Reserved).unwrap_or(0) as u8);
    let seq = own.wrapping_add(field(&pattern, Key::Seq).unwrap_or(0) as u32);
    let seq = field(&pattern, Key::AbsSeq).map_or(seq, |seq| seq as u32);
    let ack = field(&pattern, Key::Ack).map_or(0, |ack| other.wrapping_add(ack as u32));
    let ack = field(&pattern, Key::AbsAck).map_or(ack, |ack| ack as u32);
    let octets = field(&pattern, Key::Data).unwrap_or(0);
    let payload = match &pattern.text {
        Some(text) => text.clone(),
        None => (0..octets).map(|at| seq.wrapping_add(at as u32) as u8).collect(),
    };
    let segment = Segment {
        source: 0,
        destination: 0,
        seq: SeqNum(seq),
        ack: SeqNum(ack),
        flags,
        window: field(&pattern, Key::Win).unwrap_or(65_535) as u16,
        urgent: field(&pattern, Key::Up).unwrap_or(0) as u16,
        options: pattern
            .options
            .iter()
            .flatten()
            .map(|it| option(&it.value, other))
            .collect(),
        payload,
        offset: field(&pattern, Key::Offset).map(|words| words as u8),
        checksum: match pattern.field(Key::Checksum) {
            Some(FieldValue::Bad) => Checksum::Wrong(1),
            _ => Checksum::Right,
        },
        cut: field(&pattern, Key::Truncate).map(|octets| octets as usize),
    };
    let ecn = match pattern.field(Key::Ip(IpField::Ecn)) {
        Some(FieldValue::Word(_, word)) => Ecn::from_name(word).unwrap(),
        _ => Ecn::NotEct,
    };
    (segment, ecn)
}

/// What the rules say of a trace: each breach as its rule and the lines in conflict, counted from 1.
fn judge(trace: &str) -> Vec<(&'static str, Option<usize>, usize)> {
    let mut watch = Watch::new(Known {
        mtu: Some(1500),
        complete: true,
        prompt: true,
        merged: false,
    });
    let mut now = Instant::ZERO;
    let lines = trace.lines().map(str::trim).filter(|line| !line.is_empty());
    for (place, line) in lines.enumerate() {
        let mut rest = line;
        if rest.starts_with(|c: char| c.is_ascii_digit()) {
            let (time, after) = rest.split_once(' ').unwrap();
            now = Instant::from_micros((time.parse::<f64>().unwrap() * 1e6) as u64);
            rest = after;
        }
        let (way, from, to) = match rest.split_at(1).0 {
            "<" => (Way::Out, TARGET, PEER),
            ">" => (Way::In, PEER, TARGET),
            _ => {
                assert_eq!(rest, "end", "{line}");
                watch.finish(Stamp::exactly(now));
                continue;
            }
        };
        let (mut segment, ecn) = segment(rest[1..].trim(), from.1, to.1);
        (segment.source, segment.destination) = if way == Way::Out { (7, 2000) } else { (2000, 7) };
        let ip = IpHeader {
            ecn,
            ..IpHeader::between(from.0.parse().unwrap(), to.0.parse().unwrap())
        };
        let body = Body::Tcp(segment);
        watch.see(place + 1, Stamp::exactly(now), way, &Arc::new(Packet { ip, body }));
    }
    watch
        .breaches()
        .iter()
        .map(|breach| (breach.rule.name, breach.frames.0, breach.frames.1))
        .collect()
}

#[test]
fn every_rule_has_a_name_and_requirements_that_exist() {
    let library = Library::bundled().unwrap_or_else(|problems| panic!("{problems}"));
    let mut names = BTreeSet::new();
    for rule in RULES {
        assert!(names.insert(rule.name), "{} stands twice", rule.name);
        assert!(!rule.requirements.is_empty(), "{}", rule.name);
        for (id, level, grounds) in rule.requirements {
            let known = library.requirements().get(id).map(|it| &it.requirement);
            let known = known.map(|it| (it.level, it.grounds));
            assert_eq!(known, Some((*level, *grounds)), "{}: {id}", rule.name);
        }
    }
    assert!(RULES.len() >= 30, "{} rules", RULES.len());
}

#[test]
fn each_rule_accuses_on_a_bad_trace_and_names_the_two_frames() {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (rule, frames, trace) in traces::bad() {
        let said = judge(&trace);
        if said != [(rule, frames.0, frames.1)] {
            wrong.push(format!("{rule} {frames:?}, and it said {said:?}\n{trace}"));
        }
        seen.insert(rule);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    let without: Vec<_> = RULES
        .iter()
        .filter(|rule| matches!(rule.looks, Looks::AtSegments(..)))
        .map(|rule| rule.name)
        .filter(|name| !seen.contains(name))
        .collect();
    assert!(without.is_empty(), "no bad trace for {without:?}");
}

#[test]
fn no_rule_accuses_on_a_good_trace() {
    let accused: Vec<String> = traces::good()
        .into_iter()
        .map(|(what, trace)| (what, judge(&trace), trace))
        .filter(|(_, said, _)| !said.is_empty())
        .map(|(what, said, trace)| format!("{what}: {said:?}\n{trace}"))
        .collect();
    assert!(accused.is_empty(), "{}", accused.join("\n\n"));
}
