//! `tcpvet explain`

use super::arguments::{DEFAULT_SEED, ExplainArguments, RunSelection};
use super::{BUG, OK, colour, library, output};
use std::io;
use tcpvet::report::{LEGEND, Lesson, lesson, painted};
use tcpvet::suite::Reference;

/// Tells what cases test and why; gives the exit code.
pub(super) fn explain(arguments: &ExplainArguments) -> u8 {
    let choice = RunSelection {
        selection: arguments.selection.clone(),
        cases: arguments.cases.clone(),
        target: Vec::new(),
        ip: arguments.ip,
        isn: arguments.isn,
        quick: false,
    };
    let chosen = match library::choose(&choice) {
        Ok(chosen) => chosen,
        Err(code) => return code,
    };
    let Some(reference) = Reference::new() else {
        output::error("the description of the reference endpoint cannot be read: a bug of tcpvet");
        return BUG;
    };
    let colour = colour(arguments.color, &io::stdout());
    for of_case in chosen.runs.chunk_by(|a, b| a.script.case == b.script.case) {
        let run = &of_case[0];
        let Some(case) = chosen.all.cases.case(&run.script.case) else {
            continue;
        };
        let outcome = reference.run(run, DEFAULT_SEED);
        let told = lesson(&Lesson {
            case,
            catalogue: chosen.all.cases.requirements(),
            run,
            outcome: &outcome,
            lawful: &reference.lawful(run, DEFAULT_SEED, &outcome),
            verbose: arguments.verbose,
        });
        output::print(&(painted(&told, colour) + "\n"));
    }
    output::print(LEGEND);
    OK
}
