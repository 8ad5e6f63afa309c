//! A report for programs. Its schema is described in `reports/README.md`.

use super::{Comparison, Report, Unit, hex, level_word};
use crate::engine::Failure;
use crate::peer::Measure;
use crate::stack::IpVersion;
use crate::suite::{Expectation, RunResult, requirements};
use serde::Serialize;
use std::collections::BTreeMap;

/// Raised whenever a reader of the last one could misread this one.
const VERSION: u32 = 1;

/// The report as JSON.
pub fn json(report: &Report) -> Result<Vec<u8>, String> {
    written(&whole(report))
}

/// Several reports, and the runs whose verdicts differ between them, as JSON.
pub fn json_of_several(comparison: &Comparison) -> Result<Vec<u8>, String> {
    let verdict = |results: &Vec<&RunResult>| results.first().map(|result| result.outcome.verdict.name());
    let differences = comparison
        .differences(Unit::Run)
        .into_iter()
        .map(|difference| JsonDifference {
            name: difference.name,
            verdicts: difference.results.iter().map(verdict).collect(),
        });
    written(&JsonComparison {
        format: "tcpvet-comparison",
        version: VERSION,
        tool: env!("CARGO_PKG_VERSION"),
        exit_code: comparison.exit_code(),
        targets: comparison.reports.iter().map(|report| report.target.as_str()).collect(),
        not_run: comparison
            .absent
            .iter()
            .map(|absent| (absent.target.as_str(), absent.why.as_str()))
            .collect(),
        differences: differences.collect(),
        reports: comparison.reports.iter().map(whole).collect(),
    })
}

fn written(report: &impl Serialize) -> Result<Vec<u8>, String> {
    let made = serde_json::to_vec_pretty(report);
    let mut octets = made.map_err(|err| format!("cannot make the JSON report: {err}"))?;
    octets.push(b'\n');
    Ok(octets)
}

fn whole(report: &Report) -> JsonReport<'_> {
    let mut totals = BTreeMap::new();
    for result in &report.results {
        *totals.entry(result.judged.word()).or_insert(0) += 1;
    }
    JsonReport {
        format: "tcpvet-report",
        version: VERSION,
        tool: env!("CARGO_PKG_VERSION"),
        target: JsonTarget {
            name: &report.target,
            virtual_time: report.virtual_time,
            instead_of: report.instead_of.as_ref().map(|(name, _)| name.as_str()),
        },
        seed: report.seed,
        selection: &report.selection,
        strict: report.strict,
        left_out: report.left_out,
        seconds: report.elapsed.as_secs_f64(),
        exit_code: report.exit_code(),
        cut_short: report.cut_short.as_deref(),
        bug: report.bug.as_deref(),
        totals,
        runs: report.results.iter().map(|result| run(report, result)).collect(),
    }
}

#[derive(Serialize)]
struct JsonComparison<'a> {
    format: &'static str,
    version: u32,
    tool: &'static str,
    exit_code: u8,
    targets: Vec<&'a str>,
    not_run: BTreeMap<&'a str, &'a str>,
    differences: Vec<JsonDifference>,
    reports: Vec<JsonReport<'a>>,
}

#[derive(Serialize)]
struct JsonDifference {
    name: String,
    verdicts: Vec<Option<&'static str>>,
}

#[derive(Serialize)]
struct JsonReport<'a> {
    format: &'static str,
    version: u32,
    tool: &'static str,
    target: JsonTarget<'a>,
    seed: u64,
    selection: &'a [String],
    strict: bool,
    left_out: usize,
    seconds: f64,
    exit_code: u8,
    cut_short: Option<&'a str>,
    bug: Option<&'a str>,
    totals: BTreeMap<String, usize>,
    runs: Vec<JsonRun<'a>>,
}

#[derive(Serialize)]
struct JsonTarget<'a> {
    name: &'a str,
    virtual_time: bool,
    instead_of: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonRun<'a> {
    name: &'a str,
    case: &'a str,
    row: &'a str,
    ip: u8,
    wrap: bool,
    title: &'a str,
    verdict: &'static str,
    judged: String,
    red: bool,
    reason: &'a str,
    expectation: Option<JsonExpectation<'a>>,
    requirements: Vec<JsonRequirement<'a>>,
    failure: Option<JsonFailure<'a>>,
    outcomes: &'a [String],
    measures: BTreeMap<&'a str, Vec<JsonMeasure>>,
    notes: &'a [String],
    seconds: f64,
    attempts: usize,
}

#[derive(Serialize)]
struct JsonExpectation<'a> {
    reason: &'a str,
    difference: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonRequirement<'a> {
    id: &'a str,
    level: &'static str,
    summary: &'a str,
}

#[derive(Serialize)]
struct JsonFailure<'a> {
    step: &'a str,
    file: &'a str,
    line: u32,
    column: u32,
    given: Option<&'a str>,
    expected: &'a str,
    seen: &'a str,
    model: Option<&'a str>,
    requirements: Vec<JsonRequirement<'a>>,
    timing: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum JsonMeasure {
    Number(f64),
    Seconds(f64),
    Octets(String),
}

fn run<'a>(report: &Report, result: &'a RunResult) -> JsonRun<'a> {
    let (run, outcome, script) = (&result.run, &result.outcome, &result.run.script);
    JsonRun {
        name: &run.name,
        case: &script.case,
        row: &script.row,
        ip: match run.ip {
            IpVersion::V4 => 4,
            IpVersion::V6 => 6,
        },
        wrap: run.wrap,
        title: &script.title,
        verdict: outcome.verdict.name(),
        judged: result.judged.word(),
        red: result.judged.exit_code(report.strict) != 0,
        reason: &outcome.reason,
        expectation: expectation(&result.judged.expectation),
        requirements: requirements(script)
            .into_iter()
            .map(|it| JsonRequirement {
                id: &it.id,
                level: level_word(it.level),
                summary: &it.summary,
            })
            .collect(),
        failure: outcome
            .failure
            .as_ref()
            .map(|it| failure(it, result.reference.as_deref())),
        outcomes: &outcome.outcomes,
        measures: outcome
            .measures
            .iter()
            .map(|(name, values)| (name.as_str(), values.iter().map(measure).collect()))
            .collect(),
        notes: &outcome.notes,
        seconds: outcome.ended.since(outcome.began).as_secs_f64(),
        attempts: result.attempts,
    }
}

fn expectation(expectation: &Expectation) -> Option<JsonExpectation<'_>> {
    let (reason, difference) = match expectation {
        Expectation::None => return None,
        Expectation::Met { reason } | Expectation::UnexpectedPass { reason } => (reason.as_str(), None),
        Expectation::Unexplained { .. } => ("", None),
        Expectation::Missed { reason, difference } => (reason.as_str(), Some(difference.as_str())),
    };
    Some(JsonExpectation { reason, difference })
}

fn failure<'a>(failure: &'a Failure, model: Option<&'a str>) -> JsonFailure<'a> {
    let requirements = failure.requirements.iter();
    JsonFailure {
        step: &failure.step,
        file: &failure.position.file,
        line: failure.position.line,
        column: failure.position.column,
        given: failure.given.as_deref(),
        expected: &failure.expected,
        seen: &failure.seen,
        model,
        requirements: requirements
            .map(|(id, level, summary)| JsonRequirement {
                id,
                level: level_word(*level),
                summary,
            })
            .collect(),
        timing: failure.timing,
    }
}

fn measure(measure: &Measure) -> JsonMeasure {
    match measure {
        Measure::Number(number) => JsonMeasure::Number(*number),
        Measure::Seconds(seconds) => JsonMeasure::Seconds(*seconds),
        Measure::Octets(octets) => JsonMeasure::Octets(hex(octets)),
    }
}
