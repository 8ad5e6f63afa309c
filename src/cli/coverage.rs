//! `tcpvet coverage`

use super::arguments::CoverageArguments;
use super::{ENVIRONMENT, MISTAKE, OK, library, output};
use serde::Serialize;
use std::fmt::Write;
use tcpvet::report::{ReportFile, level_word};
use tcpvet::rules::RULES;
use tcpvet::suite::{Bound, Counts, Coverage, Goal, Item, OfRfc, Status};

/// Tells what is covered; gives the exit code.
pub(super) fn coverage(arguments: &CoverageArguments) -> u8 {
    prepare(arguments).map_or_else(|code| code, |coverage| tell(arguments, &coverage))
}

/// What the rules cover: each an id of the catalogue and `rule NAME`.
fn rules() -> Vec<(&'static str, String)> {
    RULES
        .iter()
        .flat_map(|rule| {
            rule.requirements
                .iter()
                .map(|(id, ..)| (*id, format!("rule {}", rule.name)))
        })
        .collect()
}

fn prepare(arguments: &CoverageArguments) -> Result<Coverage, u8> {
    let library = library::load(&arguments.cases)?;
    let coverage = Coverage::of(&library, &rules()).map_err(|errors| {
        errors.iter().for_each(|error| output::error(error));
        MISTAKE
    })?;
    coverage.narrowed(&arguments.selection).map_err(|errors| {
        errors.iter().for_each(|error| output::error(&error.to_string()));
        MISTAKE
    })
}

fn tell(arguments: &CoverageArguments, coverage: &Coverage) -> u8 {
    if let Some(path) = &arguments.write {
        let wrote = ReportFile::open(path)
            .map_err(|problem| (problem, MISTAKE))
            .and_then(|file| {
                let page = page(coverage);
                file.write(page.as_bytes()).map_err(|problem| (problem, ENVIRONMENT))
            });
        return match wrote {
            Ok(()) => OK,
            Err((problem, code)) => {
                output::error(&problem);
                code
            }
        };
    }
    if arguments.json {
        match serde_json::to_string_pretty(&Json::new(coverage)) {
            Ok(json) => output::print_octets((json + "\n").as_bytes()),
            Err(err) => output::error(&format!("cannot make JSON: {err}")),
        }
    } else {
        output::print(&text(coverage, arguments.verbose));
    }
    OK
}

/// A table for a terminal, with every requirement if `verbose`.
fn text(coverage: &Coverage, verbose: bool) -> String {
    let mut text = heading();
    for of in coverage.rfcs() {
        for line in lines(&of) {
            text += &format!("{}\n", line.trim_end());
        }
        if verbose {
            of.items.iter().for_each(|item| requirement(&mut text, item));
            text.push('\n');
        }
    }
    text + "\n" + &summary(coverage)
}

fn heading() -> String {
    let cells = ["", "observable", "covered", "reason", "open"];
    row(cells.map(str::to_owned), "  goal") + "\n"
}

/// Five columns, and text after them.
fn row(cells: [String; 5], rest: &str) -> String {
    let [name, observable, covered, reason, open] = cells;
    format!("{name:<20}{observable:>11}{covered:>11}{reason:>8}{open:>6}{rest}")
}

/// The lines of an RFC: one for each level, and the goals beside the first that each is about.
fn lines(of: &OfRfc<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut goals = of.goals();
    let mut internal = 0;
    let mut name = rfc_name(of.rfc);
    for (keyword, counts) in of.levels() {
        internal += counts.internal;
        if counts.observable() == 0 {
            continue;
        }
        let about = goals
            .iter()
            .position(|(goal, _)| goal.levels.contains(&keyword.level()));
        let goal = about.map_or(String::new(), |at| format!("  {}", goal_text(&goals.remove(at))));
        let first = format!("{name:<10}{}", keyword.name());
        let covered = format!("{} {:>3} %", counts.covered, counts.percent());
        let cells = [
            counts.observable().to_string(),
            covered,
            shown(counts.excused),
            shown(counts.open),
        ];
        let [observable, covered, excused, open] = cells;
        lines.push(row([first, observable, covered, excused, open], &goal));
        name.clear();
    }
    if internal > 0 {
        lines.push(format!("{name:<10}internal: {internal}"));
    }
    lines
}

fn shown(count: usize) -> String {
    if count == 0 { "-".to_owned() } else { count.to_string() }
}

fn rfc_name(rfc: Option<u32>) -> String {
    rfc.map_or_else(|| "others".to_owned(), |rfc| format!("RFC {rfc}"))
}

/// `MUST 100 %: 2 short`
fn goal_text((goal, short): &(Goal, usize)) -> String {
    let judged = match short {
        0 => "met".to_owned(),
        short => format!("{short} short"),
    };
    format!("{}: {judged}", asked(goal))
}

/// `MUST 100 %`
fn asked(goal: &Goal) -> String {
    let words: Vec<&str> = goal.levels.iter().map(|level| level_word(*level)).collect();
    let levels = if words.len() == 3 {
        "all".to_owned()
    } else {
        words.join(", ")
    };
    match goal.bound {
        Bound::Percent(percent) => format!("{levels} {percent} %"),
        Bound::HalfOrReasons => format!("{levels} 50 %"),
    }
}

/// A requirement with what covers it, or why nothing does.
fn requirement(text: &mut String, item: &Item) {
    let asked = &item.entry.requirement;
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {} {}{}", item.entry.keyword.name(), asked.id, asked.grounds);
    let _ = writeln!(text, "      {}", asked.summary);
    let told = match (item.status(), &item.entry.uncovered) {
        (Status::Covered, _) => item.by.join(", "),
        (Status::Excused, Some(reason)) => format!("not covered: {reason}"),
        (Status::Excused | Status::Open, _) => "NOT COVERED".to_owned(),
        (Status::Internal, _) => "internal: nobody can observe it".to_owned(),
    };
    let _ = writeln!(text, "      {told}");
}

/// The counts over all RFCs.
fn summary(coverage: &Coverage) -> String {
    let counts = Counts::of(&coverage.items);
    let goals: Vec<(Goal, usize)> = coverage.rfcs().iter().flat_map(OfRfc::goals).collect();
    let met = goals.iter().filter(|(_, short)| *short == 0).count();
    let mut text = format!(
        "{} requirements can be observed: {} covered ({} %), {} not for a reason, {} open; {} more are internal.\n",
        counts.observable(),
        counts.covered,
        counts.percent(),
        counts.excused,
        counts.open,
        counts.internal,
    );
    if !goals.is_empty() {
        text += &format!("{met} of {} goals are met.\n", goals.len());
    }
    text
}

/// The page that is kept in the repository.
fn page(coverage: &Coverage) -> String {
    let mut page = PREFACE.to_owned();
    for of in coverage.rfcs() {
        let mut goals = of.goals();
        for (keyword, counts) in of.levels().into_iter().filter(|(_, counts)| counts.observable() > 0) {
            let about = goals
                .iter()
                .position(|(goal, _)| goal.levels.contains(&keyword.level()));
            let goal = about.map_or(String::new(), |at| goal_text(&goals.remove(at)));
            let _ = writeln!(
                page,
                "| {} | {} | {} | {} | {} % | {} | {} | {goal} |",
                rfc_name(of.rfc),
                keyword.name(),
                counts.observable(),
                counts.covered,
                counts.percent(),
                counts.excused,
                counts.open,
            );
        }
    }
    page += "\n";
    page += &summary(coverage);
    page += "\n## Open\n\n";
    for item in coverage.items.iter().filter(|item| item.status() == Status::Open) {
        let _ = writeln!(page, "- {}", asks(item));
    }
    page += "\n## Not covered, for a reason\n\n";
    for item in &coverage.items {
        if let (Status::Excused, Some(reason)) = (item.status(), &item.entry.uncovered) {
            let _ = writeln!(page, "- {}: {reason}", asks(item));
        }
    }
    page += "\n## Internal\n\n";
    for item in coverage.items.iter().filter(|item| item.status() == Status::Internal) {
        let _ = writeln!(page, "- {}", asks(item));
    }
    page
}

/// `RFC2525-2.4 MUST (inferred; informational)`
fn asks(item: &Item) -> String {
    let asked = &item.entry.requirement;
    format!("{} {}{}", asked.id, item.entry.keyword.name(), asked.grounds)
}

const PREFACE: &str = "\
# What is covered

Made by `tcpvet coverage --write reports/coverage.md`, and compared by a test.

Counted are the requirements of `cases/requirements/` that can be observed on the wire or at the interface, and of them those
that a case or a rule checks. A goal leaves aside those with a reason; \"50 %\" is half of all, or a reason for each of the rest.

| RFC | level | observable | covered | | with a reason | open | goal |
|---|---|---|---|---|---|---|---|
";

#[derive(Serialize)]
struct Json<'a> {
    format: &'static str,
    version: u32,
    rfcs: Vec<JsonRfc>,
    requirements: Vec<JsonRequirement<'a>>,
}

#[derive(Serialize)]
struct JsonRfc {
    rfc: Option<u32>,
    levels: Vec<JsonLevel>,
    goals: Vec<JsonGoal>,
}

#[derive(Serialize)]
struct JsonLevel {
    level: &'static str,
    observable: usize,
    covered: usize,
    excused: usize,
    open: usize,
    internal: usize,
}

#[derive(Serialize)]
struct JsonGoal {
    levels: Vec<&'static str>,
    percent: usize,
    or_reasons: bool,
    short: usize,
}

#[derive(Serialize)]
struct JsonRequirement<'a> {
    id: &'a str,
    rfc: Option<u32>,
    section: &'a str,
    level: &'static str,
    basis: &'static str,
    document: Option<&'static str>,
    status: &'static str,
    by: Vec<&'a str>,
    uncovered: Option<&'a str>,
}

impl<'a> Json<'a> {
    fn new(coverage: &'a Coverage) -> Json<'a> {
        Json {
            format: "tcpvet-coverage",
            version: 1,
            rfcs: coverage.rfcs().iter().map(JsonRfc::new).collect(),
            requirements: coverage.items.iter().map(JsonRequirement::new).collect(),
        }
    }
}

impl JsonRfc {
    fn new(of: &OfRfc<'_>) -> JsonRfc {
        let level = |(keyword, counts): (tcpvet::rfc::Keyword, Counts)| JsonLevel {
            level: keyword.name(),
            observable: counts.observable(),
            covered: counts.covered,
            excused: counts.excused,
            open: counts.open,
            internal: counts.internal,
        };
        let goal = |(goal, short): (Goal, usize)| {
            let (percent, or_reasons) = match goal.bound {
                Bound::Percent(percent) => (percent, false),
                Bound::HalfOrReasons => (50, true),
            };
            JsonGoal {
                levels: goal.levels.iter().map(|level| level_word(*level)).collect(),
                percent,
                or_reasons,
                short,
            }
        };
        JsonRfc {
            rfc: of.rfc,
            levels: of.levels().into_iter().map(level).collect(),
            goals: of.goals().into_iter().map(goal).collect(),
        }
    }
}

impl<'a> JsonRequirement<'a> {
    fn new(item: &'a Item) -> JsonRequirement<'a> {
        JsonRequirement {
            id: &item.entry.requirement.id,
            rfc: item.entry.rfc,
            section: &item.entry.section,
            level: item.entry.keyword.name(),
            basis: item.entry.requirement.grounds.basis.name(),
            document: item.entry.requirement.grounds.status.map(tcpvet::rfc::Status::name),
            status: match item.status() {
                Status::Covered => "covered",
                Status::Excused => "excused",
                Status::Open => "open",
                Status::Internal => "internal",
            },
            by: item.by.iter().map(|by| &**by).collect(),
            uncovered: item.entry.uncovered.as_deref(),
        }
    }
}
