//! A report for programs. Its schema is described in `reports/README.md`.

use super::habits::{Habit, habits};
use super::{Comparison, Unit, level_word};
use crate::engine::Symptom;
use crate::record::{Failure, FrameKind, Measure, Record, Requirement, Run};
use crate::rfc::Status;
use crate::suite::{Expectation, Waiver};
use serde::Serialize;
use std::collections::BTreeMap;

/// Raised whenever a reader of the last one could misread this one.
const VERSION: u32 = 1;

/// The report as JSON.
pub fn json(record: &Record) -> Result<Vec<u8>, String> {
    written(&whole(record))
}

/// Several reports, and the runs whose verdicts differ between them, as JSON.
pub fn json_of_several(comparison: &Comparison) -> Result<Vec<u8>, String> {
    let verdict = |runs: &Vec<&Run>| runs.first().map(|run| run.outcome.verdict.name());
    let differences = comparison
        .differences(Unit::Run)
        .into_iter()
        .map(|difference| JsonDifference {
            name: difference.name,
            verdicts: difference.runs.iter().map(verdict).collect(),
        });
    written(&JsonComparison {
        format: "tcpvet-comparison",
        version: VERSION,
        tool: env!("CARGO_PKG_VERSION"),
        exit_code: comparison.exit_code(),
        targets: comparison.names().collect(),
        not_run: comparison
            .absent
            .iter()
            .map(|absent| (absent.target.as_str(), absent.why.as_str()))
            .collect(),
        differences: differences.collect(),
        reports: comparison.records.iter().map(whole).collect(),
    })
}

fn written(report: &impl Serialize) -> Result<Vec<u8>, String> {
    let made = serde_json::to_vec_pretty(report);
    let mut octets = made.map_err(|err| format!("cannot make the JSON report: {err}"))?;
    octets.push(b'\n');
    Ok(octets)
}

fn whole(record: &Record) -> JsonReport<'_> {
    let head = &record.head;
    JsonReport {
        format: "tcpvet-report",
        version: VERSION,
        tool: &head.tool,
        target: JsonTarget {
            name: &head.target.name,
            virtual_time: head.target.virtual_time,
            instead_of: head.target.instead_of.as_ref().map(|other| other.target.as_str()),
        },
        seed: head.seed,
        selection: &head.selection,
        strict: head.strict,
        left_out: head.left_out,
        seconds: record.elapsed().as_secs_f64(),
        exit_code: record.exit_code(),
        cut_short: record.cut_short(),
        bug: record.bug(),
        totals: record.totals(),
        beside: record.beside(),
        waivers: record.head.waivers.iter().map(|it| waiver(record, it)).collect(),
        habits: habits(record.red()).iter().map(habit).collect(),
        runs: record.runs().map(|run| json_run(record, run)).collect(),
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
    tool: &'a str,
    target: JsonTarget<'a>,
    seed: u64,
    selection: &'a [String],
    strict: bool,
    left_out: usize,
    seconds: f64,
    exit_code: u8,
    cut_short: Option<String>,
    bug: Option<&'a str>,
    totals: BTreeMap<String, usize>,
    beside: &'a [FrameKind],
    waivers: Vec<JsonWaiver<'a>>,
    habits: Vec<JsonHabit<'a>>,
    runs: Vec<JsonRun<'a>>,
}

#[derive(Serialize)]
struct JsonTarget<'a> {
    name: &'a str,
    virtual_time: bool,
    instead_of: Option<&'a str>,
}

#[derive(Serialize)]
struct JsonWaiver<'a> {
    waive: String,
    requirement: &'a str,
    reason: &'a str,
    runs: usize,
    idle: bool,
}

#[derive(Serialize)]
struct JsonHabit<'a> {
    what: String,
    symptom: &'a Symptom,
    requirement: Option<JsonRequirement<'a>>,
    runs: usize,
    example: &'a str,
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
    waived: Vec<String>,
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
    basis: &'static str,
    status: Option<&'static str>,
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
    habit: String,
    symptom: &'a Symptom,
    conduct: Option<JsonRequirement<'a>>,
    model: Option<&'a str>,
    requirements: Vec<JsonRequirement<'a>>,
    timing: bool,
    waived: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum JsonMeasure {
    Number(f64),
    Seconds(f64),
    Octets(String),
}

fn json_run<'a>(record: &Record, run: &'a Run) -> JsonRun<'a> {
    let (id, outcome) = (&run.id, &run.outcome);
    JsonRun {
        name: &id.name,
        case: &id.case,
        row: &id.row,
        ip: id.ip.into(),
        wrap: id.wrap,
        title: &run.title,
        verdict: outcome.verdict.name(),
        judged: run.judged().word(),
        red: run.judged().exit_code(record.head.strict) != 0,
        reason: &outcome.reason,
        expectation: expectation(&run.expectation),
        requirements: run.requirements.iter().map(requirement).collect(),
        failure: outcome.failure.as_ref().map(|it| failure(it, run.model.as_deref())),
        outcomes: &outcome.outcomes,
        measures: outcome
            .measures
            .iter()
            .map(|(name, values)| (name.as_str(), values.iter().map(measure).collect()))
            .collect(),
        notes: &outcome.notes,
        waived: outcome.waived.iter().map(ToString::to_string).collect(),
        seconds: outcome.ended.since(outcome.began).as_secs_f64(),
        attempts: run.attempts,
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

fn requirement(requirement: &Requirement) -> JsonRequirement<'_> {
    JsonRequirement {
        id: &requirement.id,
        level: level_word(requirement.level),
        basis: requirement.basis.name(),
        status: requirement.status.map(Status::name),
        summary: &requirement.summary,
    }
}

fn waiver<'a>(record: &Record, waiver: &'a Waiver) -> JsonWaiver<'a> {
    JsonWaiver {
        waive: waiver.waive.to_string(),
        requirement: &waiver.requirement,
        reason: &waiver.reason,
        runs: record.met(waiver),
        idle: record.idle_waivers().any(|idle| idle == waiver),
    }
}

fn habit<'a>(habit: &Habit<'a>) -> JsonHabit<'a> {
    JsonHabit {
        what: habit.symptom.to_string(),
        symptom: habit.symptom,
        requirement: habit.requirement.map(requirement),
        runs: habit.runs.len(),
        example: &habit.runs[0].id.name,
    }
}

fn failure<'a>(failure: &'a Failure, model: Option<&'a str>) -> JsonFailure<'a> {
    JsonFailure {
        step: &failure.step,
        file: &failure.position.file,
        line: failure.position.line,
        column: failure.position.column,
        given: failure.given.as_deref(),
        expected: &failure.expected,
        seen: &failure.seen,
        habit: failure.symptom.to_string(),
        symptom: &failure.symptom,
        conduct: failure.conduct.as_ref().map(requirement),
        model,
        requirements: failure.requirements.iter().map(requirement).collect(),
        timing: failure.timing,
        waived: failure.waived.as_ref().map(ToString::to_string),
    }
}

fn measure(measure: &Measure) -> JsonMeasure {
    match measure {
        Measure::Number(number) => JsonMeasure::Number(*number),
        Measure::Seconds(seconds) => JsonMeasure::Seconds(*seconds),
        Measure::Octets(octets) => JsonMeasure::Octets(octets.to_string()),
    }
}
