//! Records that are written and read back, whole, cut and damaged; and their schema.

use super::fixture::{head, result};
use super::read::read_within;
use super::*;
use crate::engine::{self, Arrow, Outcome, Verdict};
use crate::notation;
use crate::path::Treatment;
use crate::peer;
use crate::script::StepWord;
use crate::suite::fixture::{failed, outcome, runs};
use crate::suite::{Expectation, RunResult, rows};
use crate::time::Stamp;
use crate::wire::{Isn, SeqNum};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A trace in which everything happens that can.
fn trace() -> Vec<engine::TraceEvent> {
    let conn = || "main".to_owned();
    let frame = |fault| engine::Happening::Frame {
        arrow: Arrow::FromTarget,
        conn: conn(),
        origins: notation::Origins {
            sender: Some(Isn(SeqNum(u32::MAX))),
            receiver: None,
        },
        octets: vec![0x45, 0, 0xff].into(),
        fault,
    };
    let what = [
        engine::Happening::Step {
            word: StepWord::Expect,
            text: "expect: ACK".to_owned(),
            position: failed(Verdict::Fail, "", &[]).failure.unwrap().position,
            given: true,
        },
        frame(None),
        frame(Some(Treatment::Stripped)),
        engine::Happening::Broken("checksums"),
        engine::Happening::Call {
            conn: conn(),
            text: "listen".to_owned(),
        },
        engine::Happening::Return {
            conn: conn(),
            text: "listen -> ok \"\u{1b}\"".to_owned(),
        },
        engine::Happening::Found(StepWord::State, "state CLOSED".to_owned()),
        engine::Happening::Note("a remark".to_owned()),
    ];
    let at = Stamp {
        earliest: Instant::from_nanos(1),
        latest: Instant::from_nanos(1_000_000_007),
    };
    what.into_iter().map(|what| engine::TraceEvent { at, what }).collect()
}

/// What became of four runs: a plain pass, and three that are more.
fn results() -> Vec<RunResult> {
    let measures = BTreeMap::from([(
        "rto".to_owned(),
        vec![
            // Its nearest neighbours are written with as many digits.
            peer::Measure::Seconds(0.1 + 0.2),
            peer::Measure::Number(5e-324),
            peer::Measure::Octets(vec![0, 0xab]),
        ],
    )]);
    let with_trace = |outcome: Outcome| Outcome {
        trace: trace(),
        measures: measures.clone(),
        ..outcome
    };
    let broken = failed(Verdict::Fail, "expect: ACK", &["RFC9293-MUST-1", "RFC9293-SHLD-1"]);
    let outcomes = [
        with_trace(outcome(Verdict::Pass)),
        with_trace(broken.clone()),
        with_trace(outcome(Verdict::Pass)),
        outcome(Verdict::Unsupported),
    ];
    let runs = runs(&[("a/b", "x=1")]).into_iter().zip(outcomes);
    let mut results: Vec<RunResult> = runs
        .map(|(run, outcome)| result(run, outcome, &Expectations::default()))
        .collect();
    results[2].earlier = vec![with_trace(broken)];
    results
}

/// The lines of a record of these runs, and the record.
fn stored(traces: Traces) -> (Vec<u8>, Record) {
    static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("tcpvet-record-{}-{number}", std::process::id()));
    let mut file = RecordFile::open(&path).unwrap();
    let head = Head { traces, ..head(4) };
    let mut recorder = Recorder::begin(head, Some(&mut file));
    recorder.note(Event::Library(rows(&runs(&[("a/b", "x=1"), ("a/c", "")]))));
    // Runs do not end in the order of the plan.
    for (place, result) in results().iter().enumerate().rev() {
        recorder.settled(place, Duration::from_nanos(5), result);
    }
    let model = "ACK seq=1".to_owned();
    recorder.note(Event::Answered { place: 1, model });
    let known = "- {cases: a/b, expect: fail, requirement: 'RFC9293-*', reason: known}";
    recorder.judge_by(&Expectations::parse(known, "e.yaml").unwrap());
    let record = recorder.end(Ending::Complete, Duration::from_millis(9));
    file.close().unwrap();
    let octets = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    (octets, record)
}

static STORED: LazyLock<(Vec<u8>, Record)> = LazyLock::new(|| stored(Traces::Notable));

fn read_back(octets: &[u8]) -> Result<Stored, ReadError> {
    read(octets, "r.jsonl")
}

fn only_record(octets: &[u8]) -> Record {
    let mut stored = read_back(octets).unwrap();
    assert_eq!((stored.records.len(), stored.absent.len()), (1, 0));
    stored.records.remove(0)
}

/// What a person is told of it.
fn error(octets: &[u8]) -> String {
    read_back(octets).unwrap_err().to_string()
}

/// The lines, each with its end.
fn lines(octets: &[u8]) -> Vec<&[u8]> {
    octets.split_inclusive(|octet| *octet == b'\n').collect()
}

#[test]
fn what_is_written_is_read_back() {
    for traces in [Traces::Notable, Traces::All] {
        let (octets, record) = stored(traces);
        assert_eq!(only_record(&octets), record);
    }
    let record = &STORED.1;
    assert_eq!(record.exit_code(), 1, "a pass where a failure is known is told");
    let run = record.runs().nth(1).unwrap();
    assert_eq!(run.model.as_deref(), Some("ACK seq=1"));
    assert!(matches!(run.expectation, Expectation::Met { .. }), "it was judged anew");
}

#[test]
fn frames_of_plain_passes_are_kept_only_on_demand() {
    let kept = |traces| -> Vec<bool> { stored(traces).1.runs().map(|run| run.outcome.trace.is_some()).collect() };
    assert_eq!(kept(Traces::Notable), [false, true, true, true]);
    assert_eq!(kept(Traces::All), [true; 4]);
}

#[test]
fn a_record_that_is_cut_anywhere_is_read_up_to_there_and_says_so() {
    let (octets, whole) = &*STORED;
    let first_line = lines(octets)[0].len();
    for length in 0..octets.len() {
        let read = read_back(&octets[..length]);
        if length < first_line - 1 {
            assert_eq!(read.unwrap_err().line, 1, "cut at {length}");
            continue;
        }
        let record = read.unwrap().records.remove(0);
        let settled = |line: &&&[u8]| line.starts_with(b"{\"settled\"") && line.ends_with(b"\n");
        let settled = lines(&octets[..length]).iter().filter(settled).count();
        assert!(
            (settled..=settled + 1).contains(&record.runs().len()),
            "cut at {length}"
        );
        // Of the last line nothing but its end may be missing.
        if length < octets.len() - 1 {
            assert_eq!((record.ending(), record.exit_code() != 0), (None, true));
            assert!(record.cut_short().unwrap().starts_with("the record is cut"));
        }
        assert!(record.runs().all(|run| whole.runs().any(|known| known.id == run.id)));
    }
}

#[test]
fn records_of_several_targets_stand_one_after_the_other() {
    let (octets, record) = &*STORED;
    let absent = b"{\"absent\":{\"target\":\"lwip\",\"why\":\"not here\"}}\n";
    let cut = &octets[..octets.len() - lines(octets).last().unwrap().len()];
    let stored = read_back(&[absent, cut, octets, absent].concat()).unwrap();
    assert_eq!(stored.absent.len(), 2);
    assert_eq!((stored.records[0].ending(), &stored.records[1]), (None, record));
}

#[test]
fn what_does_not_fit_together_is_told_with_its_line() {
    let lines = lines(&STORED.0);
    let with = |places: &[usize]| places.iter().map(|place| lines[*place]).collect::<Vec<_>>().concat();
    let all: Vec<usize> = (0..lines.len()).collect();
    let without = |place: usize| with(&[&all[..place], &all[place + 1..]].concat());
    for (octets, said, line) in [
        (with(&[0, 1, 1]), "the library is told a second time", 3),
        (with(&[0, 1, 2, 2]), "run number 3 is settled a second time", 4),
        (without(2), "run number 3 is spoken of before it is settled", 10),
        (with(&[0, 1, 6]), "run number 1 is spoken of before it is settled", 3),
        (
            without(7),
            "the totals at the end are not those of the runs",
            all.len() - 1,
        ),
        (with(&[0, lines.len() - 1]), "the totals at the end", 2),
    ] {
        let told = error(&octets);
        assert!(
            told.contains(said) && told.ends_with(&format!("r.jsonl:{line}")),
            "{told}"
        );
    }
    let beyond = String::from_utf8(STORED.0.clone())
        .unwrap()
        .replace("\"place\":3", "\"place\":4");
    assert!(error(beyond.as_bytes()).contains("run number 4 is not one of the plan"));
    let after_the_end = [&STORED.0[..], lines[1]].concat();
    assert!(
        error(&after_the_end).contains("this is no record"),
        "{}",
        error(&after_the_end)
    );
}

#[test]
fn what_is_no_record_of_this_version_is_told_with_the_remedy() {
    assert_eq!(
        error(b""),
        "the file ends before the first run; make the record again\n  r.jsonl:1"
    );
    for octets in [
        &b"\n"[..],
        b"{}\n",
        b"<?xml?>\n",
        b"{\"format\":\"tcpvet-report\",\"version\":1}\n",
        b"\xff\xfe\0\n",
    ] {
        assert!(
            error(octets).starts_with("this is no record of tcpvet; "),
            "{}",
            error(octets)
        );
    }
    let other = |version: u32| {
        let text = format!("{{\"format\":\"{FORMAT}\",\"version\":{version},\"tool\":\"9.9.9\",\"more\":[]}}\n");
        error(text.as_bytes())
    };
    let newer = other(VERSION + 1);
    assert!(
        newer.starts_with("the record is of version 3, written by tcpvet 9.9.9; "),
        "{newer}"
    );
    assert!(newer.contains("read it with that tcpvet, or a newer one"), "{newer}");
    assert!(
        other(VERSION - 1).contains("or make the record again with this one"),
        "{}",
        other(0)
    );
    let damaged =
        String::from_utf8(STORED.0.clone())
            .unwrap()
            .replacen("\"verdict\":\"unsupported\"", "\"verdict\":5", 1);
    let told = error(damaged.as_bytes());
    assert!(
        told.starts_with("the record is damaged: column ") && told.ends_with("r.jsonl:3"),
        "{told}"
    );
}

#[test]
fn what_is_too_long_is_refused() {
    let within = |longest| read_within(&STORED.0[..], "r.jsonl", longest).map_err(|error| error.to_string());
    let told = within((200, 1 << 30)).unwrap_err();
    assert!(told.starts_with("a line is longer than 200 octets; "), "{told}");
    let told = within((1 << 20, 1000)).unwrap_err();
    assert!(told.starts_with("the file is longer than 1000 octets; "), "{told}");
    assert!(within((1 << 20, 1 << 20)).is_ok());
}

proptest! {
    #[test]
    fn what_is_spoilt_is_an_error_with_a_line_or_a_record(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
    ) {
        let mut octets = STORED.0.clone();
        for (place, octet, how) in changes {
            let place = place.index(octets.len());
            match how {
                0 => octets[place] = octet,
                1 => octets.insert(place, octet),
                _ => drop(octets.remove(place)),
            }
        }
        match read_back(&octets) {
            Ok(stored) => prop_assert!(!stored.records.is_empty()),
            Err(error) => prop_assert!((1..=lines(&octets).len()).contains(&error.line), "{}", error),
        }
    }
}

/// A line of a file that `tcpvet run --record FILE` writes.
#[derive(schemars::JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, clippy::large_enum_variant, reason = "only its schema is looked at")]
enum Line {
    /// The first line of a record.
    Head(Head),
    /// What happens while the suite runs.
    Event(Event),
    /// A target that was asked for and not run; not within a record.
    Absent {
        /// Which, and why.
        absent: Absent,
    },
}

/// Renewed by `UPDATE_EXPECT=1 cargo test --lib record`.
#[test]
fn the_schema_is_that_of_the_types() {
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(Line)).unwrap();
    expect_test::expect_file!["../../reports/record.schema.json"].assert_eq(&(schema + "\n"));
}
