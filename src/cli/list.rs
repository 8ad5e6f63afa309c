//! `tcpvet list`

use super::arguments::ListArguments;
use super::{MISTAKE, OK, library, output, targets};
use serde::Serialize;
use std::fmt::Write;
use tcpvet::report::level_word;
use tcpvet::script::Tag;
use tcpvet::stack::{IpVersion, Tolerances};
use tcpvet::suite::{QUICK, Run, estimate, requirements};

/// Lists cases; gives the exit code.
pub(super) fn list(arguments: &ListArguments) -> u8 {
    let times = match targets::tolerances(arguments.choice.target.first().map(String::as_str)) {
        Ok(times) => times,
        Err(problem) => {
            output::error(&problem);
            return MISTAKE;
        }
    };
    let mut runs = match library::choose(&arguments.choice) {
        Ok(chosen) => chosen.runs,
        Err(code) => return code,
    };
    if arguments.choice.quick {
        runs.retain(|run| estimate(&run.script, &times) <= QUICK);
    }
    if !arguments.json {
        output::print(&text(&runs, &times, arguments.verbose));
        return OK;
    }
    let listed: Vec<JsonRun<'_>> = runs.iter().map(|run| JsonRun::new(run, &times)).collect();
    match serde_json::to_string_pretty(&listed) {
        Ok(json) => output::print_octets((json + "\n").as_bytes()),
        Err(err) => output::error(&format!("cannot make JSON: {err}")),
    }
    OK
}

/// A paragraph for each case; with all its runs where that is wanted.
fn text(runs: &[Run], times: &Tolerances, verbose: bool) -> String {
    let mut text = String::new();
    for of_case in runs.chunk_by(|a, b| a.script.case == b.script.case) {
        let script = &of_case[0].script;
        let plural = if of_case.len() == 1 { "" } else { "s" };
        let mut ids: Vec<String> = of_case
            .iter()
            .flat_map(|run| requirements(&run.script))
            .map(|it| match verbose {
                true => format!("{} {}{}", level_word(it.level), it.id, it.grounds),
                false => format!("{} {}", level_word(it.level), it.id),
            })
            .collect();
        ids.sort();
        ids.dedup();
        if ids.len() > 4 && !verbose {
            let more = ids.len() - 3;
            ids.truncate(3);
            ids.push(format!("{more} more"));
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}  ({} run{plural})", script.case, of_case.len());
        let _ = writeln!(text, "    {}", script.title);
        let _ = writeln!(text, "    {}", ids.join(", "));
        if verbose {
            runs_of_case(&mut text, of_case, times);
        }
    }
    text
}

fn runs_of_case(text: &mut String, runs: &[Run], times: &Tolerances) {
    let script = &runs[0].script;
    for (suite, ids) in script.ids.iter() {
        let _ = writeln!(text, "    {suite}: {}", ids.join(", "));
    }
    if !script.tags.is_empty() {
        let tags: Vec<&str> = script.tags.iter().map(Tag::name).collect();
        let _ = writeln!(text, "    tags: {}", tags.join(", "));
    }
    for run in runs {
        let seconds = estimate(&run.script, times).as_secs_f64();
        let _ = writeln!(text, "    {seconds:>7.1} s  {}", run.name);
    }
}

#[derive(Serialize)]
struct JsonRun<'a> {
    name: &'a str,
    case: &'a str,
    row: &'a str,
    ip: u8,
    wrap: bool,
    title: &'a str,
    requirements: Vec<&'a str>,
    ids: Vec<String>,
    tags: Vec<&'a str>,
    estimate_seconds: f64,
}

impl<'a> JsonRun<'a> {
    fn new(run: &'a Run, times: &Tolerances) -> JsonRun<'a> {
        let script = &run.script;
        let ids = script.ids.iter();
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
            requirements: requirements(script).into_iter().map(|it| it.id.as_str()).collect(),
            ids: ids
                .flat_map(|(suite, ids)| ids.iter().map(move |id| format!("{suite}:{id}")))
                .collect(),
            tags: script.tags.iter().map(Tag::name).collect(),
            estimate_seconds: estimate(script, times).as_secs_f64(),
        }
    }
}
