//! JUnit reports, read back by an XML parser of another make.

use roxmltree::{Document, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tcpvet::engine::{Broken, Failure, Outcome, Symptom, Unmet, Verdict};
use tcpvet::record::{self, End, Ending, Event, FORMAT, Head, Host, Record, Settled, Subject, Traces, VERSION};
use tcpvet::report::junit;
use tcpvet::rfc::{Grounds, Level, Requirement};
use tcpvet::script::{Position, Script, StepWord};
use tcpvet::stack::IpVersion;
use tcpvet::suite::{Expectations, Run, RunResult, run_name};
use tcpvet::time::Instant;

/// Everything that XML, CDATA and CI systems stumble over.
const HOSTILE: &str = "a\u{0}b\u{1}\u{8}\u{b}\x1b[31m]]>&<'\"\r\n\t\u{7f}\u{85}\u{fffe}\u{ffff}\u{fffd}🦀é]]]]>>";

fn script(case: &str, row: &str) -> Script {
    Script {
        case: case.into(),
        row: row.to_owned(),
        title: format!("{case} holds").into(),
        why: "".into(),
        reading: "".into(),
        covers: Arc::from([Arc::new(Requirement {
            id: "RFC9293-MUST-1".to_owned(),
            level: Level::Must,
            grounds: Grounds::default(),
            when: None,
            summary: "what it asks".to_owned(),
        })]),
        ids: Arc::default(),
        tags: Arc::from([]),
        needs: Vec::new(),
        configure: BTreeMap::new(),
        only: BTreeMap::new(),
        connections: Vec::new(),
        given: Vec::new(),
        steps: Vec::new(),
    }
}

fn outcome(verdict: Verdict, text: &str) -> Outcome {
    let failure = Failure {
        unmet: Unmet::Step(StepWord::Expect),
        step: "expect: ACK".to_owned(),
        position: Position {
            file: "cases/a/b.yaml".into(),
            line: 9,
            column: 5,
        },
        given: None,
        expected: format!("expect: ACK {text}"),
        seen: format!("RST {text}"),
        symptom: Symptom::Breach,
        requirements: vec![Broken {
            id: "RFC9293-MUST-1".to_owned(),
            level: Level::Must,
            grounds: Grounds::default(),
            summary: "what it asks".to_owned(),
        }],
        timing: false,
        waived: None,
    };
    let reason = match verdict {
        Verdict::Pass => String::new(),
        _ => format!("because {text}"),
    };
    Outcome {
        failure: matches!(verdict, Verdict::Fail | Verdict::Deviates).then_some(failure),
        ended: Instant::from_micros(63_000_000),
        took: Duration::from_micros(1_234_567),
        ..Outcome::empty(verdict, Instant::ZERO, reason)
    }
}

fn run(case: &str, row: &str, outcome: Outcome, expectations: &Expectations) -> record::Run {
    let script = Arc::new(script(case, row));
    let run = Run {
        name: run_name(&script, IpVersion::V4, false),
        script,
        ip: IpVersion::V4,
        wrap: false,
    };
    let result = RunResult {
        expectation: expectations.judge(&run.id(), &outcome),
        run,
        outcome,
        earlier: Vec::new(),
        meeting: None,
        attempts: 1,
        cut_off: false,
    };
    record::Run::of(&result, Traces::Notable)
}

fn head(planned: usize) -> Head {
    Head {
        format: FORMAT.to_owned(),
        version: VERSION,
        tool: "0.1.0".to_owned(),
        began: 1_700_000_000,
        host: Host {
            system: "linux".to_owned(),
            release: None,
            architecture: "x86_64".to_owned(),
        },
        target: Subject {
            name: "fake".to_owned(),
            version: None,
            virtual_time: true,
            instead_of: None,
        },
        seed: 1,
        runs_per_world: None,
        selection: Vec::new(),
        again: String::new(),
        strict: false,
        expectations: "e.yaml".to_owned(),
        planned,
        left_out: 0,
        waivers: Vec::new(),
        traces: Traces::Notable,
    }
}

/// A record of these runs.
fn ended(head: Head, runs: Vec<record::Run>, ending: Ending) -> Record {
    let at = Instant::from_millis(1250);
    let mut record = Record::new(head);
    for (place, run) in runs.into_iter().enumerate() {
        record
            .apply(Event::Settled(Box::new(Settled { place, at, run })))
            .unwrap();
    }
    let totals = record.totals();
    record.apply(Event::Ended(End { ending, at, totals })).unwrap();
    record
}

fn complete(runs: Vec<record::Run>) -> Record {
    ended(head(runs.len()), runs, Ending::Complete)
}

fn xml(record: &Record) -> String {
    String::from_utf8(junit(record).unwrap()).unwrap()
}

fn cases<'a>(document: &'a Document<'_>) -> Vec<Node<'a, 'a>> {
    document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"))
        .collect()
}

/// The elements inside of a test case, by name.
fn inside<'a>(case: Node<'a, 'a>) -> Vec<&'a str> {
    case.children()
        .filter(Node::is_element)
        .map(|node| node.tag_name().name())
        .collect()
}

/// All text of a node: CDATA sections that were split are one text again.
fn text(node: Node<'_, '_>) -> String {
    node.descendants()
        .filter(Node::is_text)
        .filter_map(|node| node.text())
        .collect()
}

#[test]
fn each_verdict_is_the_element_that_ci_systems_expect() {
    let known = "- {cases: x/known, expect: fail, requirement: RFC9293-MUST-1, reason: left so}";
    let known = Expectations::parse(known, "e.yaml").unwrap();
    let verdicts = [
        ("x/pass", Verdict::Pass, vec!["system-out"]),
        ("x/fail", Verdict::Fail, vec!["failure"]),
        ("x/known", Verdict::Fail, vec!["system-out"]),
        ("x/deviates", Verdict::Deviates, vec!["system-out"]),
        ("x/observed", Verdict::Observed, vec!["system-out"]),
        ("x/unsupported", Verdict::Unsupported, vec!["skipped"]),
        ("x/not-applicable", Verdict::NotApplicable, vec!["skipped"]),
        ("x/inconclusive", Verdict::Inconclusive, vec!["error"]),
        ("x/case-error", Verdict::CaseError, vec!["error"]),
    ];
    let results = verdicts
        .iter()
        .map(|(case, verdict, _)| run(case, "", outcome(*verdict, ""), &known));
    let xml = xml(&complete(results.collect()));
    let document = Document::parse(&xml).unwrap();
    let found: Vec<Vec<&str>> = cases(&document).into_iter().map(inside).collect();
    let expected: Vec<Vec<&str>> = verdicts.into_iter().map(|(.., elements)| elements).collect();
    assert_eq!(found, expected);
}

#[test]
fn an_expected_failure_that_passes_and_one_elsewhere_are_failures() {
    let known = "- {cases: x/*, expect: fail, requirement: RFC9293-MUST-1, step: 'state: closed', reason: left so}";
    let known = Expectations::parse(known, "e.yaml").unwrap();
    let results = vec![
        run("x/pass", "", outcome(Verdict::Pass, ""), &known),
        run("x/fail", "", outcome(Verdict::Fail, ""), &known),
        run("x/unsupported", "", outcome(Verdict::Unsupported, ""), &known),
    ];
    let xml = xml(&complete(results));
    let document = Document::parse(&xml).unwrap();
    for case in cases(&document) {
        assert_eq!(inside(case), ["failure"]);
    }
    assert!(xml.contains("passes, but a failure is expected: left so"));
    assert!(xml.contains("expected at `state: closed`, came at `expect: ACK`"));
}

#[test]
fn a_strict_report_calls_a_deviation_a_failure() {
    let deviation = run("x/y", "", outcome(Verdict::Deviates, ""), &Expectations::default());
    let strict = Head {
        strict: true,
        ..head(1)
    };
    let xml = xml(&ended(strict, vec![deviation], Ending::Complete));
    let document = Document::parse(&xml).unwrap();
    assert_eq!(inside(cases(&document)[0]), ["failure"]);
}

#[test]
fn topics_are_suites_with_right_totals_and_runs_are_named_within_them() {
    let none = Expectations::default();
    let results = vec![
        run(
            "reset/acceptance",
            "state=A,edge=left",
            outcome(Verdict::Fail, ""),
            &none,
        ),
        run(
            "reset/acceptance",
            "state=B,edge=left",
            outcome(Verdict::Pass, ""),
            &none,
        ),
        run("reset/flood", "", outcome(Verdict::Inconclusive, ""), &none),
        run("close/simple", "", outcome(Verdict::Unsupported, ""), &none),
    ];
    let xml = xml(&complete(results));
    let document = Document::parse(&xml).unwrap();
    let suites: Vec<Vec<&str>> = document
        .descendants()
        .filter(|node| node.has_tag_name("testsuite"))
        .map(|suite| {
            ["name", "tests", "failures", "errors"]
                .map(|name| suite.attribute(name).unwrap())
                .to_vec()
        })
        .collect();
    assert_eq!(suites, [["close", "1", "0", "0"], ["reset", "3", "1", "1"]]);
    let first = cases(&document)[1];
    assert_eq!(first.attribute("classname"), Some("reset"));
    assert_eq!(first.attribute("name"), Some("acceptance[state=A,edge=left,ip4]"));
    assert_eq!(first.attribute("time"), Some("1.234567"), "on the clock on the wall");
    let totals = ["tests", "failures", "errors", "skipped", "time"];
    let totals = totals.map(|name| document.root_element().attribute(name).unwrap());
    assert_eq!(totals, ["4", "1", "1", "1", "1.250"]);
    let content = text(first);
    for said in [
        "reset/acceptance[state=A,edge=left,ip4]: fail",
        "reset/acceptance holds",
        "63.000 s on the target's clock",
        "MUST  RFC9293-MUST-1: what it asks",
        "expected  expect: ACK",
        "seen  RST",
        "cases/a/b.yaml:9:5",
    ] {
        assert!(content.contains(said), "{said} is not in {content}");
    }
}

#[test]
fn hostile_names_and_contents_are_well_formed_and_stay_apart() {
    let none = Expectations::default();
    let long = "long ".repeat(50_000);
    // These differ only in what XML cannot hold, or by how we write that.
    let rows = ["x\u{1}", "x\u{2}", "x\\u{1}", HOSTILE, long.as_str()];
    let verdicts = [
        Verdict::Fail,
        Verdict::Inconclusive,
        Verdict::Unsupported,
        Verdict::Deviates,
    ];
    let results = rows
        .iter()
        .flat_map(|row| verdicts.map(|verdict| (row, verdict)))
        .enumerate()
        .map(|(number, (row, verdict))| {
            let case = format!("{HOSTILE}/case");
            let row = format!("{row}{}", number % verdicts.len());
            run(&case, &row, outcome(verdict, &format!("{HOSTILE}{long}")), &none)
        });
    let xml = xml(&complete(results.collect()));
    let document = Document::parse(&xml).unwrap();
    let cases = cases(&document);
    assert_eq!(cases.len(), 20);
    let names: BTreeSet<(&str, &str)> = cases
        .iter()
        .map(|case| (case.attribute("classname").unwrap(), case.attribute("name").unwrap()))
        .collect();
    assert_eq!(names.len(), 20, "no two have the same name");
    let forbidden =
        |c: char| matches!(c, '\0'..='\x08' | '\x0b'..='\x1f' | '\x7f'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
    assert!(!xml.contains(forbidden));
    for case in cases {
        let content = text(case);
        assert!(content.contains("]]>&<'\""), "what is allowed is kept");
        assert!(content.contains("🦀é"));
        assert!(content.contains(r"a\u{0}b\u{1}"));
    }
}

#[test]
fn a_bug_of_ours_is_an_error_in_the_file_too() {
    let said = "two verdicts came for `a/b[ip4]`".to_owned();
    let xml = xml(&ended(head(0), Vec::new(), Ending::Bug { said }));
    let document = Document::parse(&xml).unwrap();
    assert_eq!(inside(cases(&document)[0]), ["error"]);
}
