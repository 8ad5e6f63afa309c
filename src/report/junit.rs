//! JUnit's XML, as CI systems read it: they show an element's content, take the suite from `classname`, and drop what
//! has the same name twice.

use super::{Absent, Comparison, Report, explain};
use crate::engine::Verdict;
use crate::suite::{Expectation, RunResult, topic};
use junit_report::{Duration, ReportBuilder, TestCase, TestResult, TestSuite};
use std::collections::{BTreeMap, BTreeSet};

/// The report as XML; one suite for each topic.
pub fn junit(report: &Report) -> Result<Vec<u8>, String> {
    let mut topics: BTreeMap<&str, Vec<&RunResult>> = BTreeMap::new();
    for result in &report.results {
        topics.entry(topic(&result.run.script.case)).or_default().push(result);
    }
    let mut suites: Vec<TestSuite> = topics
        .into_iter()
        .map(|(topic, results)| suite(report, topic, "", &results))
        .collect();
    suites.extend(bug(report));
    written(suites)
}

/// Several reports as XML; one suite for each target, and in it a class for each of its topics.
pub fn junit_of_several(comparison: &Comparison) -> Result<Vec<u8>, String> {
    let mut suites = Vec::new();
    for report in &comparison.reports {
        let results: Vec<&RunResult> = report.results.iter().collect();
        suites.push(suite(report, &report.target, &format!("{}.", report.target), &results));
        suites.extend(bug(report));
    }
    suites.extend(comparison.absent.iter().map(absent));
    written(suites)
}

/// Where the bench itself broke, a file without a word of it would be green.
fn bug(report: &Report) -> Option<TestSuite> {
    let bug = report.bug.as_ref()?;
    let cause = format!("{bug}\nThis is a bug of tcpvet: its other verdicts cannot be trusted either.");
    Some(only_an_error("tcpvet", "bug", bug, &cause))
}

/// A target that was asked for and not run is no success either.
fn absent(absent: &Absent) -> TestSuite {
    only_an_error(&absent.target, "not-run", &absent.why, &absent.why)
}

fn only_an_error(name: &str, kind: &str, message: &str, cause: &str) -> TestSuite {
    let mut suite = TestSuite::new(&attribute(name));
    suite.add_testcase(TestCase {
        result: TestResult::Error {
            type_: kind.to_owned(),
            message: attribute(message),
            cause: Some(content(cause)),
        },
        ..TestCase::success(&attribute(name), Duration::ZERO)
    });
    whole_seconds(suite)
}

fn written(suites: Vec<TestSuite>) -> Result<Vec<u8>, String> {
    let mut builder = ReportBuilder::new();
    for suite in suites {
        builder.add_testsuite(suite);
    }
    let mut xml = Vec::new();
    let wrote = builder.build().write_xml(&mut xml);
    wrote.map_err(|err| format!("cannot make the JUnit report: {err}"))?;
    xml.push(b'\n');
    Ok(xml)
}

/// A suite of results; the class of each is its topic behind `prefix`.
fn suite(report: &Report, name: &str, prefix: &str, results: &[&RunResult]) -> TestSuite {
    let mut suite = TestSuite::new(&attribute(name));
    suite.package = attribute(&report.target);
    let mut names = BTreeSet::new();
    for result in results {
        let class = attribute(&format!("{prefix}{}", topic(&result.run.script.case)));
        let name = unique(&class, &attribute(&name_of(result)), &mut names);
        let mut case = test_case(report, result, &name);
        case.set_classname(&class);
        suite.add_testcase(case);
    }
    whole_seconds(suite)
}

/// Readers differ in how many digits of a second they take.
fn whole_seconds(mut suite: TestSuite) -> TestSuite {
    suite.timestamp = suite.timestamp.replace_nanosecond(0).unwrap_or(suite.timestamp);
    suite
}

/// The run's name without its topic, which is the class.
fn name_of(result: &RunResult) -> String {
    let script = &result.run.script;
    let short = script.case.rsplit('/').next().unwrap_or(&script.case);
    format!("{short}[{}]", result.run.variation())
}

/// Two names of a class that differ only in what XML forbids are numbered.
fn unique(class: &str, name: &str, names: &mut BTreeSet<(String, String)>) -> String {
    let mut candidate = name.to_owned();
    let mut number = 2;
    while !names.insert((class.to_owned(), candidate.clone())) {
        candidate = format!("{name} ({number})");
        number += 1;
    }
    candidate
}

fn test_case(report: &Report, result: &RunResult, name: &str) -> TestCase {
    let outcome = &result.outcome;
    let took = outcome.ended.since(outcome.began).as_millis();
    let took = Duration::milliseconds(i64::try_from(took).unwrap_or(i64::MAX));
    let mut case = TestCase::success(name, took);
    let word = result.judged.word();
    let lines: Vec<String> = explain(result).into_iter().map(|line| line.text).collect();
    let text = content(&format!("{}: {word}\n{}\n", result.run.name, lines.join("\n")));
    let (type_, message) = (attribute(&word), attribute(&message(result)));
    let cause = Some(text.clone());
    case.result = match (result.judged.exit_code(report.strict), outcome.verdict) {
        (_, Verdict::Inconclusive | Verdict::CaseError) => TestResult::Error { type_, message, cause },
        (0, Verdict::Unsupported | Verdict::NotApplicable) => TestResult::SkippedWithCause { type_, message, cause },
        (0, _) => TestResult::Success,
        (_, _) => TestResult::Failure { type_, message, cause },
    };
    if case.is_success() && worth_a_word(result) {
        case.set_system_out(&text);
    }
    case
}

/// Whether a run that succeeds has something to tell.
fn worth_a_word(result: &RunResult) -> bool {
    match (&result.judged.expectation, result.judged.verdict) {
        (Expectation::None, Verdict::Pass) => !result.earlier.is_empty(),
        _ => true,
    }
}

/// The one line that every viewer shows.
fn message(result: &RunResult) -> String {
    let outcome = &result.outcome;
    if let Expectation::UnexpectedPass { reason } = &result.judged.expectation {
        return format!("passes, but a failure is expected: {reason}");
    }
    if let Expectation::Unexplained { place } = &result.judged.expectation {
        return format!("expected without a reason: write it in place of TODO at {place}");
    }
    match &outcome.failure {
        Some(failure) => {
            let ids: Vec<&str> = failure.requirements.iter().map(|(id, ..)| id.as_str()).collect();
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
        // C1 controls are allowed and harm a terminal; a carriage return would be read back as a line feed.
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
