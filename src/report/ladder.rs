//! The ladder diagram of a run: time goes down, the tester is on the left, the target on the right, frames are arrows.

use crate::notation::print_octets;
use crate::path::Treatment;
use crate::record::{Attempt, Direction, Failure, Happening, Position, TraceEvent};
use crate::time::Instant;
use crate::wire::Packet;
use core::time::Duration;
use std::collections::BTreeMap;

/// The time, or a step's line, on the left of the lifelines.
const MARGIN: usize = 12;
/// A longer diagram is cut in the middle.
const LINES: usize = 60;
/// How many lines stay above the cut; the end matters more than the beginning.
const ABOVE: usize = 18;

/// Draws the trace of one run, at most 100 columns wide. Lines that begin with `>` belong to the step that was not met.
///
/// Steps are printed where they began, with their line in the case file in place of a time. Those of `given` are left
/// out, unless one of them failed: what they did is seen anyway.
pub fn ladder(attempt: &Attempt) -> String {
    let in_given = attempt.failure.as_ref().is_some_and(|failure| failure.given.is_some());
    let mut picture = Picture::of(attempt, 62, 21);
    picture.draw_all(attempt, in_given, &Remarks::default());
    picture.cut(LINES, ABOVE);
    picture.finish(attempt)
}

/// Remarks to be printed with a trace, by the indices of its events.
#[derive(Clone, Debug, Default)]
pub struct Remarks {
    /// On the right of a step.
    pub beside: BTreeMap<usize, String>,
    /// In rows of their own, below an event: a label, and a text that is wrapped below itself.
    pub beneath: BTreeMap<usize, Vec<(String, String)>>,
    /// Whether the steps of `given` are drawn too, and nothing is cut.
    pub whole: bool,
}

/// As [`ladder`], but 80 columns wide, cut only where it is very long, and with remarks.
pub fn annotated(attempt: &Attempt, remarks: &Remarks) -> String {
    let mut picture = Picture::of(attempt, 46, 18);
    picture.draw_all(attempt, remarks.whole, remarks);
    if !remarks.whole {
        picture.cut(3 * LINES, 2 * LINES);
    }
    picture.finish(attempt)
}

/// The trace of an attempt; empty where the record does not keep it.
fn trace(attempt: &Attempt) -> &[TraceEvent] {
    attempt.trace.as_deref().unwrap_or_default()
}

/// The step that was not met: the last one in the trace with the failure's position, since a repeated step is there
/// several times.
fn failing_step(trace: &[TraceEvent], failure: &Failure) -> Option<usize> {
    let at = |wanted: &dyn Fn(&str, &Position) -> bool| {
        trace.iter().rposition(|event| match &event.what {
            Happening::Step { text, position, .. } => wanted(text, position),
            Happening::Frame { .. }
            | Happening::Call { .. }
            | Happening::Return { .. }
            | Happening::Broken(_)
            | Happening::Found(..)
            | Happening::Note(_) => false,
        })
    };
    at(&|text, position| *position == failure.position && text == failure.step)
        .or_else(|| at(&|_, position| *position == failure.position))
}

/// Whether there are several connections, so that they must be named.
fn several_connections(trace: &[TraceEvent]) -> bool {
    let conns = trace.iter().filter_map(|event| match &event.what {
        Happening::Frame { connection, .. }
        | Happening::Call { connection, .. }
        | Happening::Return { connection, .. } => Some(connection),
        Happening::Step { .. } | Happening::Broken(_) | Happening::Found(..) | Happening::Note(_) => None,
    });
    // Frames of other protocols belong to none.
    let mut named = conns.filter(|conn| !conn.is_empty());
    let Some(first) = named.next() else { return false };
    named.any(|conn| conn != first)
}

/// A ladder that is being drawn.
struct Picture {
    /// Columns between the two lifelines.
    lane: usize,
    /// Columns on the right of them, for calls and returns.
    calls: usize,
    /// Whether connections are named.
    named: bool,
    /// The event that is the step that was not met.
    failing: Option<usize>,
    lines: Vec<String>,
}

impl Picture {
    fn of(attempt: &Attempt, lane: usize, calls: usize) -> Picture {
        let failure = attempt.failure.as_ref();
        Picture {
            lane,
            calls,
            named: several_connections(trace(attempt)),
            failing: failure.and_then(|failure| failing_step(trace(attempt), failure)),
            lines: Vec::new(),
        }
    }

    fn draw_all(&mut self, attempt: &Attempt, with_given: bool, remarks: &Remarks) {
        let mut given_is_open = false;
        for (place, event) in trace(attempt).iter().enumerate() {
            let in_given = matches!(event.what, Happening::Step { given: true, .. });
            let hidden = in_given && !with_given;
            if hidden && !given_is_open {
                self.row(" ", "given", "", "");
            }
            if matches!(event.what, Happening::Step { .. }) {
                given_is_open = hidden;
            }
            if !hidden {
                let beside = remarks.beside.get(&place).map_or("", String::as_str);
                self.draw(event, attempt.began, place, beside);
            }
            for (label, text) in remarks.beneath.get(&place).into_iter().flatten() {
                self.remark(label, text);
            }
        }
    }

    fn finish(mut self, attempt: &Attempt) -> String {
        if self.lines.is_empty() {
            return String::new();
        }
        let took = time(attempt.ended.since(attempt.began));
        self.row(" ", &took, &format!("* the run ended: {}", attempt.verdict), "");
        let head = format!("{:>MARGIN$} tester{:>width$}\n", "time", "target", width = self.lane);
        head + &self.lines.join("\n") + "\n"
    }

    fn with_name(&self, conn: &str, text: &str) -> String {
        match self.named && !conn.is_empty() {
            true => format!("{conn}: {text}"),
            false => text.to_owned(),
        }
    }

    fn draw(&mut self, event: &TraceEvent, began: Instant, place: usize, beside: &str) {
        let time = time(event.at.latest.since(began));
        match &event.what {
            Happening::Frame {
                direction,
                connection,
                origins,
                octets,
                fault,
            } => {
                let text = self.with_name(connection, &print_octets(&octets.0, (*origins).into()));
                let fate = match fault {
                    Some(treatment) => treatment.name(),
                    None if connection.is_empty() && is_segment(&octets.0) => "belongs to no connection",
                    None => "",
                };
                let arrives = *fault != Some(Treatment::Dropped);
                self.frame(&time, (*direction, arrives), &text, fate);
            }
            Happening::Step { text, position, .. } => {
                let line = format!("line {}", position.line);
                match self.failing == Some(place) {
                    true => self.spread(">", &line, &format!("{text}   <-- NOT MET"), beside),
                    false => self.spread(" ", &line, text, beside),
                }
            }
            Happening::Call { connection, text } | Happening::Return { connection, text } => {
                let text = self.with_name(connection, text);
                self.spread(" ", &time, "", &text);
            }
            Happening::Broken(rule) => self.row(">", "", &format!("* breaks the rule `{rule}`"), ""),
            Happening::Found(_, text) | Happening::Note(text) => {
                let parts = wrap(text, self.lane - 4);
                for (number, part) in parts.iter().enumerate() {
                    let mark = if number == 0 { '*' } else { ' ' };
                    self.row(" ", "", &format!("{mark} {part}"), "");
                }
            }
        }
    }

    /// A frame as an arrow; text that does not fit on it is wrapped below. The arrow of a dropped frame does not
    /// arrive.
    fn frame(&mut self, time: &str, (direction, arrives): (Direction, bool), text: &str, fate: &str) {
        let fate = if fate.is_empty() {
            String::new()
        } else {
            format!(" {fate} ")
        };
        let (tail, head) = match (direction, arrives) {
            (Direction::ToTarget, true) => ("--", ">"),
            (Direction::ToTarget, false) => ("--", "x"),
            (Direction::FromTarget, true) => ("<-", "-"),
            (Direction::FromTarget, false) => ("x-", "-"),
        };
        // Two blanks around the text, at least two dashes after it, and the head.
        let room = self.lane - tail.len() - 2 - fate.chars().count() - 2 - head.len();
        let (first, rest) = split(text, room, self.lane - 4);
        let dashes = self.lane - tail.len() - 2 - first.chars().count() - fate.chars().count() - head.len();
        let shaft = format!("{tail} {first} {}{fate}-{head}", "-".repeat(dashes - 1));
        self.lines
            .push(format!(" {time:>width$} |{shaft}|", width = MARGIN - 1));
        for part in rest {
            self.row(" ", "", &format!("  {part}"), "");
        }
    }

    /// Text over as many rows as it takes, between the lifelines and on the right of them; only the first row has the
    /// margin.
    fn spread(&mut self, mark: &str, margin: &str, lane: &str, calls: &str) {
        let (lane, calls) = (wrap(lane, self.lane - 2), wrap(calls, self.calls));
        for number in 0..lane.len().max(calls.len()) {
            let part = |parts: &[String]| parts.get(number).cloned().unwrap_or_default();
            let margin = if number == 0 { margin } else { "" };
            self.row(mark, margin, &part(&lane), &part(&calls));
        }
    }

    fn remark(&mut self, label: &str, text: &str) {
        let indent = label.chars().count();
        for (number, part) in wrap(text, self.lane - 3 - indent).iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            self.row(" ", "", &format!("{label:<indent$} {part}"), "");
        }
    }

    fn row(&mut self, mark: &str, margin: &str, lane: &str, calls: &str) {
        let lane = if lane.is_empty() {
            String::new()
        } else {
            format!(" {lane}")
        };
        let (before, within) = (MARGIN - 1, self.lane);
        let line = format!("{mark}{margin:>before$} |{lane:<within$}| {calls}");
        self.lines.push(line.trim_end().to_owned());
    }

    /// Leaves out the middle of more than `most` lines, keeping the first `above`.
    fn cut(&mut self, most: usize, above: usize) {
        // A cut that saves a handful of lines hides more than it helps.
        if self.lines.len() <= most + 8 {
            return;
        }
        // The row that says so is added.
        let below = most - above - 2;
        let left_out = self.lines.len() - above - below;
        let rest = self.lines.split_off(above + left_out);
        self.lines.truncate(above);
        self.row(" ", "...", &format!("... {left_out} lines left out ..."), "");
        self.lines.extend(rest);
    }
}

/// Whether a frame carries a TCP segment.
fn is_segment(octets: &[u8]) -> bool {
    Packet::parse(octets).is_ok_and(|packet| packet.tcp().is_some())
}

fn time(span: Duration) -> String {
    format!("{}.{:06}", span.as_secs(), span.subsec_micros())
}

/// Splits text into what is written on an arrow and what is written below it. Options are kept together, if what is
/// before them fits.
fn split(text: &str, room: usize, beneath: usize) -> (String, Vec<String>) {
    if text.chars().count() > room
        && let Some((before, options)) = text.split_once(" <")
        && before.chars().count() <= room
    {
        return (before.to_owned(), wrap(&format!("<{options}"), beneath));
    }
    let mut parts = wrap(text, room);
    let first = parts.remove(0);
    (
        first,
        wrap(&parts.join(" "), beneath)
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect(),
    )
}

/// Wraps text at blanks into parts of at most `room` characters; a longer word is broken anywhere. Control characters
/// become blanks.
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let clean: Vec<char> = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut rest = clean.as_slice();
    let mut parts = Vec::new();
    while rest.len() > room {
        let blank = rest[..=room].iter().rposition(|c| *c == ' ').filter(|at| *at > 0);
        let (part, after) = rest.split_at(blank.unwrap_or(room));
        parts.push(part.iter().collect());
        rest = &after[usize::from(blank.is_some())..];
    }
    parts.push(rest.iter().collect());
    parts
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::engine::{Arrow, Happening, Outcome, TraceEvent, Verdict};
    use crate::notation::Origins;
    use crate::script::Position;
    use crate::script::StepWord;
    use crate::suite::fixture::{failed, outcome};
    use crate::time::Stamp;
    use crate::wire::{Body, Flags, IpHeader, Isn, Packet, Segment, SeqNum, TcpOption};

    fn at(micros: u64, what: Happening) -> TraceEvent {
        let at = Stamp::exactly(Instant::from_micros(micros));
        TraceEvent { at, what }
    }

    /// A segment of that sequence number, where both directions count from 0.
    fn sent(micros: u64, arrow: Arrow, conn: &str, (flags, seq): (Flags, u32), fault: Option<Treatment>) -> TraceEvent {
        let mss = TcpOption::Mss(1460);
        let (window, options) = match arrow {
            _ if !flags.contains(Flags::SYN) => (65535, vec![]),
            Arrow::ToTarget => (65535, vec![mss]),
            Arrow::FromTarget => (
                64240,
                vec![
                    mss,
                    TcpOption::Nop,
                    TcpOption::Nop,
                    TcpOption::SackPermitted,
                    TcpOption::Nop,
                    TcpOption::WindowScale(7),
                ],
            ),
        };
        let segment = Segment {
            flags,
            seq: SeqNum(seq),
            ack: SeqNum(u32::from(flags.contains(Flags::ACK))),
            window,
            options,
            ..Segment::default()
        };
        let anywhere = "192.0.2.1".parse().unwrap();
        let packet = Packet {
            ip: IpHeader::between(anywhere, anywhere),
            body: Body::Tcp(segment),
        };
        let counted = Some(Isn(SeqNum(0)));
        let what = Happening::Frame {
            arrow,
            conn: conn.to_owned(),
            octets: packet.encode().into(),
            origins: Origins {
                sender: counted,
                receiver: counted,
            },
            fault,
        };
        at(micros, what)
    }

    fn step(text: &str, line: u32, given: bool) -> TraceEvent {
        let position = Position {
            file: "cases/a/b.yaml".into(),
            line,
            column: 5,
        };
        let text = text.to_owned();
        // The picture is the same for every kind of step.
        let word = StepWord::Expect;
        let what = Happening::Step {
            word,
            text,
            position,
            given,
        };
        at(0, what)
    }

    fn call(micros: u64, text: &str) -> TraceEvent {
        let (conn, text) = ("main".to_owned(), text.to_owned());
        at(micros, Happening::Call { conn, text })
    }

    fn returned(micros: u64, text: &str) -> TraceEvent {
        let (conn, text) = ("main".to_owned(), text.to_owned());
        at(micros, Happening::Return { conn, text })
    }

    /// A failed run such as the engine leaves it.
    pub(in super::super) fn challenge_ack_missing() -> Outcome {
        let mut outcome = failed(Verdict::Fail, "expect: ACK", &["RFC5961-3.2-3"]);
        outcome.trace = vec![
            step("call: listen", 7, true),
            call(0, "listen"),
            returned(20, "listen -> ok"),
            step("inject: SYN win=65535 <mss 1460>", 8, true),
            sent(40, Arrow::ToTarget, "main", (Flags::SYN, 0), None),
            sent(71, Arrow::FromTarget, "main", (Flags::SYN | Flags::ACK, 0), None),
            sent(90, Arrow::ToTarget, "main", (Flags::ACK, 1), None),
            call(100, "accept"),
            returned(130, "accept -> ok"),
            step("inject: RST seq=RCV.NXT+1", 8, false),
            sent(140, Arrow::ToTarget, "main", (Flags::RST, 2), None),
            step("expect: ACK", 9, false),
        ];
        outcome
    }

    #[test]
    fn a_failed_run_is_drawn_with_its_failing_step_marked() {
        let expected = "        \
        time tester                                                        target
       given |                                                              |
    0.000000 |                                                              | listen
    0.000020 |                                                              | listen -> ok
    0.000040 |-- SYN seq=0 win=65535 <mss 1460> --------------------------->|
    0.000071 |<- SYN,ACK seq=0 ack=1 win=64240 -----------------------------|
             |   <mss 1460, nop, nop, sackOK, nop, wscale 7>                |
    0.000090 |-- ACK seq=1 ack=1 win=65535 -------------------------------->|
    0.000100 |                                                              | accept
    0.000130 |                                                              | accept -> ok
      line 8 | inject: RST seq=RCV.NXT+1                                    |
    0.000140 |-- RST seq=2 win=65535 -------------------------------------->|
>     line 9 | expect: ACK   <-- NOT MET                                    |
    0.012000 | * the run ended: fail                                        |
";
        assert_eq!(ladder(&(&challenge_ack_missing()).into()), expected);
    }

    #[test]
    fn faults_and_connections_are_shown() {
        let mut outcome = outcome(Verdict::Pass);
        outcome.trace = vec![
            sent(0, Arrow::ToTarget, "main", (Flags::RST, 1), Some(Treatment::Dropped)),
            sent(10, Arrow::FromTarget, "b", (Flags::RST, 1), Some(Treatment::Dropped)),
            sent(20, Arrow::FromTarget, "b", (Flags::RST, 2), Some(Treatment::Delayed)),
            at(30, Happening::Note("measured rto = 1.02 s".to_owned())),
        ];
        let expected = "        \
        time tester                                                        target
    0.000000 |-- main: RST seq=1 win=65535 ---------------------- dropped -x|
    0.000010 |x- b: RST seq=1 win=65535 ------------------------- dropped --|
    0.000020 |<- b: RST seq=2 win=65535 ------------------------- delayed --|
             | * measured rto = 1.02 s                                      |
    0.012000 | * the run ended: pass                                        |
";
        assert_eq!(ladder(&(&outcome).into()), expected);
    }

    #[test]
    fn text_is_broken_at_blanks_and_keeps_those_that_it_has() {
        assert_eq!(wrap("a  b", 10), ["a  b"]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a\nb\x1b", 9), ["a b "]);
        assert_eq!(wrap("", 9), [""]);
    }

    #[test]
    fn nothing_is_wider_than_a_hundred_columns() {
        let mut outcome = outcome(Verdict::Pass);
        let long = "x".repeat(300) + " " + &"word ".repeat(60);
        outcome.trace = vec![
            sent(0, Arrow::ToTarget, &long, (Flags::ACK, 1), Some(Treatment::Duplicated)),
            sent(0, Arrow::FromTarget, "b", (Flags::SYN | Flags::ACK, 1), None),
            step(&format!("expect: {long}"), 4_000_000, false),
            call(86_400_000_000, &long),
            at(0, Happening::Note(long.clone())),
        ];
        for line in ladder(&(&outcome).into()).lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }

    #[test]
    fn a_long_trace_is_cut_in_the_middle() {
        let mut outcome = outcome(Verdict::Pass);
        outcome.trace = (0..500)
            .map(|i| sent(u64::from(i), Arrow::ToTarget, "main", (Flags::RST, i), None))
            .collect();
        let drawn = ladder(&(&outcome).into());
        assert_eq!(drawn.lines().count(), LINES + 1);
        assert!(drawn.contains("... 442 lines left out ..."));
        assert!(drawn.contains("RST seq=17 ") && !drawn.contains("RST seq=18 "));
        assert!(drawn.contains("RST seq=460 ") && drawn.contains("RST seq=499 "));
    }

    #[test]
    fn a_run_that_left_no_trace_has_no_picture() {
        assert_eq!(ladder(&(&outcome(Verdict::Unsupported)).into()), "");
    }

    #[test]
    fn of_a_repeated_step_the_last_one_is_marked() {
        let mut outcome = challenge_ack_missing();
        outcome.trace.insert(9, step("expect: ACK", 9, false));
        let drawn = ladder(&(&outcome).into());
        let lines = drawn.lines().enumerate();
        let marked: Vec<usize> = lines
            .filter(|(_, line)| line.starts_with('>'))
            .map(|(place, _)| place)
            .collect();
        assert_eq!(marked, [13], "{drawn}");
    }
}
