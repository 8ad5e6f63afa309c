//! The picture of a run: time downwards, the tester on the left, the target on the right, frames as arrows between.

use crate::case::Position;
use crate::engine::{Arrow, Failure, Happening, Outcome, TraceEvent};
use crate::time::Instant;
use core::time::Duration;

/// Between the two lifelines.
const LANE: usize = 62;
/// The time, or a step's line, on the left of them.
const MARGIN: usize = 12;
/// Calls and returns, on the right of them.
const CALLS: usize = 21;
/// A longer picture is cut in the middle.
const LINES: usize = 60;
/// How many lines stay above the cut; the end says more than the beginning.
const ABOVE: usize = 18;

/// Draws the trace of one run, at most 100 columns wide. Lines that begin with `>` belong to the step that was not met.
///
/// Steps stand where they began, with their line in the case file for a time. Those of `given` are left out, unless it
/// failed there: what they did is seen anyway.
pub fn ladder(outcome: &Outcome) -> String {
    let failing = outcome
        .failure
        .as_ref()
        .and_then(|failure| failing_step(&outcome.trace, failure));
    let in_given = outcome.failure.as_ref().is_some_and(|failure| failure.given.is_some());
    let named = several_connections(&outcome.trace);
    let mut lines = Vec::new();
    let mut given_is_open = false;
    for (place, event) in outcome.trace.iter().enumerate() {
        if let Happening::Step { given, .. } = &event.what {
            if *given && !in_given {
                if !given_is_open {
                    lines.push(row(" ", "given", "", ""));
                }
                given_is_open = true;
                continue;
            }
            given_is_open = false;
        }
        draw(event, outcome.began, named, failing == Some(place), &mut lines);
    }
    if lines.is_empty() {
        return String::new();
    }
    let took = time(outcome.ended.since(outcome.began));
    lines.push(row(" ", &took, &format!("* the run ended: {}", outcome.verdict), ""));
    cut(&mut lines);
    let head = format!("{:>MARGIN$} tester{:>width$}\n", "time", "target", width = LANE);
    head + &lines.join("\n") + "\n"
}

/// The step that was not met: the last one that began at the failure's place in the file, since a repeated step stands
/// there several times.
fn failing_step(trace: &[TraceEvent], failure: &Failure) -> Option<usize> {
    let at = |wanted: &dyn Fn(&str, &Position) -> bool| {
        trace.iter().rposition(|event| match &event.what {
            Happening::Step { text, position, .. } => wanted(text, position),
            Happening::Frame { .. }
            | Happening::Call { .. }
            | Happening::Return { .. }
            | Happening::Broken(_)
            | Happening::Note(_) => false,
        })
    };
    at(&|text, position| *position == failure.position && text == failure.step)
        .or_else(|| at(&|_, position| *position == failure.position))
}

/// Whether connections must be told apart.
fn several_connections(trace: &[TraceEvent]) -> bool {
    let mut conns = trace.iter().filter_map(|event| match &event.what {
        Happening::Frame { conn, .. } | Happening::Call { conn, .. } | Happening::Return { conn, .. } => Some(conn),
        Happening::Step { .. } | Happening::Broken(_) | Happening::Note(_) => None,
    });
    let Some(first) = conns.next() else { return false };
    conns.any(|conn| conn != first)
}

fn draw(event: &TraceEvent, began: Instant, named: bool, failing: bool, lines: &mut Vec<String>) {
    let time = time(event.at.latest.since(began));
    let with_name = |conn: &str, text: &str| match named && !conn.is_empty() {
        true => format!("{conn}: {text}"),
        false => text.to_owned(),
    };
    match &event.what {
        Happening::Frame {
            arrow,
            conn,
            text,
            fault,
            ..
        } => frame(&time, *arrow, &with_name(conn, text), fault, lines),
        Happening::Step { text, position, .. } => {
            let line = format!("line {}", position.line);
            let (mark, text) = match failing {
                true => (">", format!("{text}   <-- NOT MET")),
                false => (" ", text.clone()),
            };
            spread(mark, &line, &text, LANE - 2, |part| row_of(part, ""), lines);
        }
        Happening::Call { conn, text } => {
            spread(
                " ",
                &time,
                &with_name(conn, text),
                CALLS,
                |part| row_of("", part),
                lines,
            );
        }
        Happening::Return { conn, text } => {
            let text = with_name(conn, text);
            spread(" ", &time, &text, CALLS, |part| row_of("", part), lines);
        }
        Happening::Broken(rule) => {
            lines.push(row(">", "", &format!("* breaks the rule `{rule}`"), ""));
        }
        Happening::Note(text) => {
            let parts = wrap(text, LANE - 4);
            let note = |(number, part): (usize, &String)| {
                row(" ", "", &format!("{} {part}", if number == 0 { '*' } else { ' ' }), "")
            };
            lines.extend(parts.iter().enumerate().map(note));
        }
    }
}

fn time(span: Duration) -> String {
    format!("{}.{:06}", span.as_secs(), span.subsec_micros())
}

/// A frame as an arrow; text that does not fit on it goes on beneath. One that is dropped never arrives.
fn frame(time: &str, arrow: Arrow, text: &str, fault: &str, lines: &mut Vec<String>) {
    let arrives = !fault.starts_with("drop");
    let fault = if fault.is_empty() {
        String::new()
    } else {
        format!(" {fault} ")
    };
    let (tail, head) = match (arrow, arrives) {
        (Arrow::ToTarget, true) => ("--", ">"),
        (Arrow::ToTarget, false) => ("--", "x"),
        (Arrow::FromTarget, true) => ("<-", "-"),
        (Arrow::FromTarget, false) => ("x-", "-"),
    };
    // Two blanks round the text, two dashes at least after it, and the head.
    let room = LANE - tail.len() - 2 - fault.chars().count() - 2 - head.len();
    let (first, rest) = split(text, room);
    let dashes = LANE - tail.len() - 2 - first.chars().count() - fault.chars().count() - head.len();
    let shaft = format!("{tail} {first} {}{fault}-{head}", "-".repeat(dashes - 1));
    lines.push(format!(" {time:>width$} |{shaft}|", width = MARGIN - 1));
    lines.extend(rest.iter().map(|part| row(" ", "", &format!("  {part}"), "")));
}

/// What stands on an arrow, and what beneath it: options are kept together, if there is room before them.
fn split(text: &str, room: usize) -> (String, Vec<String>) {
    let beneath = LANE - 4;
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

/// Text over as many rows as it takes; only the first has a mark's margin.
fn spread(
    mark: &str,
    margin: &str,
    text: &str,
    room: usize,
    place: impl Fn(&str) -> (String, String),
    lines: &mut Vec<String>,
) {
    for (number, part) in wrap(text, room).iter().enumerate() {
        let (lane, calls) = place(part);
        lines.push(row(mark, if number == 0 { margin } else { "" }, &lane, &calls));
    }
}

fn row_of(lane: &str, calls: &str) -> (String, String) {
    (lane.to_owned(), calls.to_owned())
}

fn row(mark: &str, margin: &str, lane: &str, calls: &str) -> String {
    let lane = if lane.is_empty() {
        String::new()
    } else {
        format!(" {lane}")
    };
    let line = format!("{mark}{margin:>width$} |{lane:<LANE$}| {calls}", width = MARGIN - 1);
    line.trim_end().to_owned()
}

/// Breaks text at blanks into parts of at most `room` characters; a word that is longer is broken anywhere. What would
/// break a line or command a terminal becomes a blank.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
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

fn cut(lines: &mut Vec<String>) {
    // A cut that saves a handful of lines hides more than it helps.
    if lines.len() <= LINES + 8 {
        return;
    }
    let below = LINES - ABOVE - 1;
    let left_out = lines.len() - ABOVE - below;
    let note = row(" ", "...", &format!("... {left_out} lines left out ..."), "");
    lines.splice(ABOVE..ABOVE + left_out, [note]);
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::engine::Verdict;
    use crate::suite::fixture::{failed, outcome};
    use crate::time::Stamp;
    use std::sync::Arc;

    fn at(micros: u64, what: Happening) -> TraceEvent {
        let at = Stamp::exactly(Instant::from_micros(micros));
        TraceEvent { at, what }
    }

    fn sent(micros: u64, arrow: Arrow, conn: &str, text: &str, fault: &'static str) -> TraceEvent {
        let (conn, text, octets) = (conn.to_owned(), text.to_owned(), Arc::from([]));
        at(
            micros,
            Happening::Frame {
                arrow,
                conn,
                text,
                octets,
                fault,
            },
        )
    }

    fn step(text: &str, line: u32, given: bool) -> TraceEvent {
        let position = Position {
            file: "cases/a/b.yaml".into(),
            line,
            column: 5,
        };
        let text = text.to_owned();
        at(0, Happening::Step { text, position, given })
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
            sent(40, Arrow::ToTarget, "main", "SYN seq=0 win=65535 <mss 1460>", ""),
            sent(
                71,
                Arrow::FromTarget,
                "main",
                "SYN,ACK seq=0 ack=1 win=64240 <mss 1460,nop,nop,sackOK,nop,wscale 7>",
                "",
            ),
            sent(90, Arrow::ToTarget, "main", "ACK seq=1 ack=1 win=65535", ""),
            call(100, "accept"),
            returned(130, "accept -> ok"),
            step("inject: RST seq=RCV.NXT+1", 8, false),
            sent(140, Arrow::ToTarget, "main", "RST seq=2 win=65535", ""),
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
             |   <mss 1460,nop,nop,sackOK,nop,wscale 7>                     |
    0.000090 |-- ACK seq=1 ack=1 win=65535 -------------------------------->|
    0.000100 |                                                              | accept
    0.000130 |                                                              | accept -> ok
      line 8 | inject: RST seq=RCV.NXT+1                                    |
    0.000140 |-- RST seq=2 win=65535 -------------------------------------->|
>     line 9 | expect: ACK   <-- NOT MET                                    |
    0.012000 | * the run ended: fail                                        |
";
        assert_eq!(ladder(&challenge_ack_missing()), expected);
    }

    #[test]
    fn faults_and_connections_are_shown() {
        let mut outcome = outcome(Verdict::Pass);
        outcome.trace = vec![
            sent(0, Arrow::ToTarget, "main", "ACK seq=1", "dropped"),
            sent(10, Arrow::FromTarget, "b", "ACK seq=1", "dropped"),
            sent(20, Arrow::FromTarget, "b", "ACK seq=2", "delayed"),
            at(30, Happening::Note("measured rto = 1.02 s".to_owned())),
        ];
        let expected = "        \
        time tester                                                        target
    0.000000 |-- main: ACK seq=1 -------------------------------- dropped -x|
    0.000010 |x- b: ACK seq=1 ----------------------------------- dropped --|
    0.000020 |<- b: ACK seq=2 ----------------------------------- delayed --|
             | * measured rto = 1.02 s                                      |
    0.012000 | * the run ended: pass                                        |
";
        assert_eq!(ladder(&outcome), expected);
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
            sent(0, Arrow::ToTarget, "main", &long, "duplicated"),
            sent(0, Arrow::FromTarget, "b", &long, ""),
            step(&long, 4_000_000, false),
            call(86_400_000_000, &long),
            at(0, Happening::Note(long.clone())),
        ];
        for line in ladder(&outcome).lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }

    #[test]
    fn a_long_trace_is_cut_in_the_middle() {
        let mut outcome = outcome(Verdict::Pass);
        outcome.trace = (0..500)
            .map(|i| sent(i, Arrow::ToTarget, "main", &format!("ACK seq={i}"), ""))
            .collect();
        let drawn = ladder(&outcome);
        assert_eq!(drawn.lines().count(), LINES + 1);
        assert!(drawn.contains("... 442 lines left out ..."));
        assert!(drawn.contains("ACK seq=17 ") && !drawn.contains("ACK seq=18 "));
        assert!(drawn.contains("ACK seq=460 ") && drawn.contains("ACK seq=499 "));
    }

    #[test]
    fn a_run_that_left_no_trace_has_no_picture() {
        assert_eq!(ladder(&outcome(Verdict::Unsupported)), "");
    }

    #[test]
    fn of_a_repeated_step_the_last_one_is_marked() {
        let mut outcome = challenge_ack_missing();
        outcome.trace.insert(9, step("expect: ACK", 9, false));
        let drawn = ladder(&outcome);
        let lines = drawn.lines().enumerate();
        let marked: Vec<usize> = lines
            .filter(|(_, line)| line.starts_with('>'))
            .map(|(place, _)| place)
            .collect();
        assert_eq!(marked, [13], "{drawn}");
    }
}
