//! JUnit's XML, as CI systems read it: they show an element's content, take the suite from `classname`, and drop
//! elements whose name occurs twice.

use super::habits::summary;
use super::{Comparison, explain};
use crate::engine::Verdict;
use crate::record::{Absent, Record, Run};
use crate::suite::{Expectation, topic};
use junit_report::{Duration, OffsetDateTime, ReportBuilder, TestCase, TestResult, TestSuite};
use std::collections::{BTreeMap, BTreeSet};

/// The report as XML; one suite for each topic.
pub fn junit(record: &Record) -> Result<Vec<u8>, String> {
    let mut topics: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
    for run in record.runs() {
        topics.entry(topic(&run.id.case)).or_default().push(run);
    }
    let mut suites: Vec<TestSuite> = topics
        .into_iter()
        .map(|(topic, runs)| suite(record, topic, "", &runs))
        .collect();
    suites.extend(bug(record));
    suites.extend(beside(record));
    suites.extend(idle_waivers(record, "waivers"));
    written(suites, record.elapsed())
}

/// Several reports as XML; one suite for each target, and in it a class for each of its topics.
pub fn junit_of_several(comparison: &Comparison) -> Result<Vec<u8>, String> {
    let mut suites = Vec::new();
    for record in &comparison.records {
        let runs: Vec<&Run> = record.runs().collect();
        let target = &record.head.target.name;
        suites.push(suite(record, target, &format!("{target}."), &runs));
        suites.extend(bug(record));
        suites.extend(beside(record));
        suites.extend(idle_waivers(record, &format!("{target}.waivers")));
    }
    // A target that was not run has no time of its own.
    let began = comparison.records.iter().map(|record| record.head.began).min();
    suites.extend(comparison.absent.iter().map(|it| absent(it, began.unwrap_or_default())));
    written(suites, comparison.records.iter().map(Record::elapsed).sum())
}

/// A test case for a bug of ours: without it CI would be green.
fn bug(record: &Record) -> Option<TestSuite> {
    let bug = record.bug()?;
    let cause = format!("{bug}\nThis is a bug of tcpvet: its other verdicts cannot be trusted either.");
    Some(only_an_error("tcpvet", "bug", bug, &cause, record.head.began))
}

/// A test case for what the target sent beside all runs and what breaks rules.
fn beside(record: &Record) -> Option<TestSuite> {
    let told = record.broken_beside().flat_map(|kind| {
        let rules = kind.broken_rules.iter();
        rules.map(move |broken| {
            format!(
                "{} times `{}`: rule {}: {}",
                kind.count, kind.text, broken.rule, broken.seen
            )
        })
    });
    let told: Vec<String> = told.collect();
    let first = told.first()?;
    let name = format!("{} beside the runs", record.head.target.name);
    let mut suite = begun(&name, record.head.began);
    suite.add_testcase(TestCase {
        result: TestResult::Failure {
            type_: "rule".to_owned(),
            message: attribute(first),
            cause: Some(content(&told.join("\n"))),
        },
        ..TestCase::success(&attribute(&name), Duration::ZERO)
    });
    Some(suite)
}

/// Test cases for waivers that are out of date: each is a failure, as an unexpected pass is.
fn idle_waivers(record: &Record, name: &str) -> Option<TestSuite> {
    let mut suite = begun(name, record.head.began);
    for waiver in record.idle_waivers() {
        let message = format!("no run meets `waive: {}`; remove it", waiver.waive);
        let cause = format!("{}: {message}\n", waiver.place());
        let mut case = TestCase {
            result: TestResult::Failure {
                type_: "unexpected-pass".to_owned(),
                message: attribute(&message),
                cause: Some(content(&cause)),
            },
            ..TestCase::success(&attribute(&waiver.place()), Duration::ZERO)
        };
        case.set_classname(&attribute(name));
        suite.add_testcase(case);
    }
    record.idle_waivers().next().map(|_| suite)
}

/// A target that was asked for and not run is an error, so that CI is not green.
fn absent(absent: &Absent, began: u64) -> TestSuite {
    only_an_error(&absent.target, "not-run", &absent.why, &absent.why, began)
}

fn only_an_error(name: &str, kind: &str, message: &str, cause: &str, began: u64) -> TestSuite {
    let mut suite = begun(name, began);
    suite.add_testcase(TestCase {
        result: TestResult::Error {
            type_: kind.to_owned(),
            message: attribute(message),
            cause: Some(content(cause)),
        },
        ..TestCase::success(&attribute(name), Duration::ZERO)
    });
    suite
}

/// A suite without a test case, which began so many seconds after 1970.
fn begun(name: &str, began: u64) -> TestSuite {
    let mut suite = TestSuite::new(&attribute(name));
    let began = i64::try_from(began)
        .ok()
        .and_then(|began| OffsetDateTime::from_unix_timestamp(began).ok());
    suite.set_timestamp(began.unwrap_or(OffsetDateTime::UNIX_EPOCH));
    suite
}

/// The suites as XML, with their totals; `took` is how long all of it took on the clock on the wall.
fn written(suites: Vec<TestSuite>, took: std::time::Duration) -> Result<Vec<u8>, String> {
    let total = |of: fn(&TestSuite) -> usize| suites.iter().map(of).sum::<usize>();
    let totals = format!(
        r#"<testsuites tests="{}" failures="{}" errors="{}" skipped="{}" time="{:.3}""#,
        total(TestSuite::tests),
        total(TestSuite::failures),
        total(TestSuite::errors),
        total(TestSuite::skipped),
        took.as_secs_f64()
    );
    let mut builder = ReportBuilder::new();
    for suite in suites {
        builder.add_testsuite(suite);
    }
    let mut xml = Vec::new();
    let wrote = builder.build().write_xml(&mut xml);
    wrote.map_err(|err| format!("cannot make the JUnit report: {err}"))?;
    // The crate gives the outermost element no attributes.
    let xml = String::from_utf8_lossy(&xml).replacen("<testsuites", &totals, 1);
    Ok((xml + "\n").into_bytes())
}

/// A suite of runs; the class of each is its topic behind `prefix`.
fn suite(record: &Record, name: &str, prefix: &str, runs: &[&Run]) -> TestSuite {
    let mut suite = begun(name, record.head.began);
    suite.package = attribute(&record.head.target.name);
    if runs.iter().any(|run| run.judged().exit_code(record.head.strict) != 0) {
        suite.set_system_out(&content(&summary(record).join("\n")));
    }
    let mut names = BTreeSet::new();
    for run in runs {
        let class = attribute(&format!("{prefix}{}", topic(&run.id.case)));
        let name = unique(&class, &attribute(&name_of(run)), &mut names);
        let mut case = test_case(record, run, &name);
        case.set_classname(&class);
        suite.add_testcase(case);
    }
    suite
}

/// The run's name without its topic, which is the class.
fn name_of(run: &Run) -> String {
    let case = &run.id.case;
    let short = case.rsplit('/').next().unwrap_or(case);
    format!("{short}[{}]", run.id.variation())
}

/// Two names of a class that differ only in characters that XML forbids are numbered.
fn unique(class: &str, name: &str, names: &mut BTreeSet<(String, String)>) -> String {
    let mut candidate = name.to_owned();
    let mut number = 2;
    while !names.insert((class.to_owned(), candidate.clone())) {
        candidate = format!("{name} ({number})");
        number += 1;
    }
    candidate
}

fn test_case(record: &Record, run: &Run, name: &str) -> TestCase {
    let outcome = &run.outcome;
    let mut case = TestCase::success(name, took(run));
    let word = run.judged().word();
    let lines: Vec<String> = explain(run).into_iter().map(|line| line.text).collect();
    let on_its_clock = on_its_clock(record, run);
    let text = content(&format!(
        "{}: {word}\n{on_its_clock}{}\n",
        run.id.name,
        lines.join("\n")
    ));
    let type_ = match &outcome.failure {
        Some(failure) => format!("{word}: {}", failure.symptom),
        None => word,
    };
    let (type_, message) = (attribute(&type_), attribute(&message(run)));
    let cause = Some(text.clone());
    case.result = match (run.judged().exit_code(record.head.strict), outcome.verdict) {
        (_, Verdict::Inconclusive | Verdict::CaseError) => TestResult::Error { type_, message, cause },
        (0, Verdict::Unsupported | Verdict::NotApplicable) => TestResult::SkippedWithCause { type_, message, cause },
        (0, _) => TestResult::Success,
        (_, _) => TestResult::Failure { type_, message, cause },
    };
    if case.is_success() {
        match worth_a_word(run) {
            true => case.set_system_out(&text),
            false if on_its_clock.is_empty() => {}
            false => case.set_system_out(&on_its_clock),
        }
    }
    case
}

/// How long all attempts took on the clock on the wall.
fn took(run: &Run) -> Duration {
    let attempts = run.earlier.iter().chain([&run.outcome]);
    let nanos = attempts.map(|attempt| attempt.took).fold(0, u64::saturating_add);
    Duration::nanoseconds(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// How long the run took on the target's clock, where that is not the one on the wall.
fn on_its_clock(record: &Record, run: &Run) -> String {
    match record.head.target.virtual_time {
        true => {
            let took = run.outcome.ended.since(run.outcome.began);
            format!("{:.3} s on the target's clock\n", took.as_secs_f64())
        }
        false => String::new(),
    }
}

/// Whether a run that succeeds has something to report.
fn worth_a_word(run: &Run) -> bool {
    match (&run.expectation, run.outcome.verdict) {
        (Expectation::None, Verdict::Pass) => !run.earlier.is_empty(),
        _ => true,
    }
}

/// The one line that every viewer shows.
fn message(run: &Run) -> String {
    let outcome = &run.outcome;
    if let Expectation::UnexpectedPass { reason } = &run.expectation {
        return format!("passes, but a failure is expected: {reason}");
    }
    if let Expectation::Unexplained { place } = &run.expectation {
        return format!("expected without a reason: write it in place of TODO at {place}");
    }
    match &outcome.failure {
        Some(failure) => {
            let ids: Vec<&str> = match &failure.conduct {
                Some(own) => vec![&own.id],
                None => failure.broken().collect(),
            };
            let prefix = if ids.is_empty() {
                String::new()
            } else {
                format!("{}: ", ids.join(", "))
            };
            format!("{prefix}expected {}, seen {}", failure.expected, failure.seen)
        }
        None => outcome.reason.clone(),
    }
}

/// Text without the characters that XML forbids even when they are escaped; they are written as Rust does.
fn clean(text: &str, also: &[char]) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for c in text.chars() {
        let allowed = matches!(c, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
        // C1 controls are allowed but confuse a terminal; a carriage return would be read back as a line feed.
        let hostile = ('\u{7f}'..='\u{9f}').contains(&c) || also.contains(&c);
        match allowed && !hostile {
            true => cleaned.push(c),
            false => cleaned.extend(c.escape_default()),
        }
    }
    cleaned
}

/// Text for an attribute, where line breaks and tabs would become blanks.
fn attribute(text: &str) -> String {
    clean(text, &['\n', '\t'])
}

/// Text for a CDATA section, which its own end would break.
fn content(text: &str) -> String {
    clean(text, &[]).replace("]]>", "]]]]><![CDATA[>")
}
