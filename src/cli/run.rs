//! `tcpvet run`

use super::arguments::{DEFAULT_SEED, RunArguments};
use super::targets::{self, NoTarget, Opened};
use super::{ENVIRONMENT, MISTAKE, OK, colour, library, output, panics};
use core::time::Duration;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;
use tcpvet::report::{self, Loudness, ProgressLine, Report, ReportFile};
use tcpvet::suite::{Conduct, Executed, Expectations, QUICK, Reference, Run, Trouble, estimate, execute};

/// What a process ends with that was ended by Ctrl-C.
const INTERRUPTED: i32 = 130;

/// What is printed at the end.
#[derive(Clone, Copy, PartialEq)]
enum Page {
    /// Verdicts, and whatever is unexpected.
    Verdicts,
    /// What the stack is like.
    Portrait,
}

/// Runs cases; gives the exit code.
pub fn run(arguments: &RunArguments) -> u8 {
    prepare(arguments).map_or_else(|code| code, |prepared| carry_out(arguments, prepared, Page::Verdicts))
}

/// Runs cases to see what the target is like; gives the exit code, which is not about whether it conforms.
pub fn audit(arguments: &RunArguments) -> u8 {
    prepare(arguments).map_or_else(|code| code, |prepared| carry_out(arguments, prepared, Page::Portrait))
}

/// Everything that can go wrong before the first packet has gone well.
struct Prepared {
    target: Opened,
    instead_of: Option<(String, String)>,
    expectations: Expectations,
    expectations_file: String,
    plan: Vec<Run>,
    left_out: usize,
    junit: Option<ReportFile>,
    json: Option<ReportFile>,
}

fn prepare(arguments: &RunArguments) -> Result<Prepared, u8> {
    let chosen = library::choose(&arguments.choice)?;
    let open = |path: &Option<std::path::PathBuf>| path.as_deref().map(ReportFile::open).transpose().map_err(mistake);
    let (junit, json) = (open(&arguments.junit)?, open(&arguments.json)?);
    if [&junit, &json]
        .into_iter()
        .flatten()
        .filter(|file| file.is_stdout())
        .count()
        > 1
    {
        return Err(mistake("two reports cannot both go to standard output".to_owned()));
    }
    let (target, instead_of) = open_target(arguments)?;
    let (expectations, expectations_file) = expectations(arguments.expectations.as_deref(), &target)?;
    let errors = expectations.check(&chosen.library);
    if !errors.is_empty() {
        errors.iter().for_each(|error| output::error(&error.to_string()));
        return Err(MISTAKE);
    }
    let mut plan = chosen.runs;
    let all = plan.len();
    if arguments.choice.quick {
        let times = &target.target.facts().tolerances;
        plan.retain(|run| estimate(&run.script, times) <= QUICK);
        if plan.is_empty() {
            return Err(mistake(
                "nothing is left to run: all that is selected takes more than 5 s".to_owned(),
            ));
        }
    }
    Ok(Prepared {
        left_out: all - plan.len(),
        target,
        instead_of,
        expectations,
        expectations_file,
        plan,
        junit,
        json,
    })
}

fn mistake(problem: String) -> u8 {
    output::error(&problem);
    MISTAKE
}

/// The target asked for; without a wish the first that can be run here.
fn open_target(arguments: &RunArguments) -> Result<(Opened, Option<(String, String)>), u8> {
    let RunArguments { defect, switch, .. } = arguments;
    let altered = !defect.is_empty() || !switch.is_empty();
    let name = match arguments.choice.target.as_deref() {
        None if altered => "model",
        None => return open_default(),
        Some(name) if altered && name != "model" => {
            let problem = format!("`--defect` and `--switch` are for the reference endpoint, not for {name}");
            return Err(mistake(problem));
        }
        Some(name) => name,
    };
    let opened = match altered {
        true => targets::open_model(defect, switch),
        false => targets::open(name),
    };
    match opened {
        Ok(opened) => Ok((opened, None)),
        Err(NoTarget::Unknown(problem)) => Err(mistake(problem)),
        Err(NoTarget::Environment(error)) => {
            output::error(&format!("{name} cannot be run here: {error}"));
            Err(ENVIRONMENT)
        }
    }
}

fn open_default() -> Result<(Opened, Option<(String, String)>), u8> {
    let mut refused = None;
    for name in targets::defaults() {
        match targets::open(name) {
            Ok(opened) => {
                if let Some((first, why)) = &refused {
                    output::say(&format!("{first} cannot be run here: {why}; running {name} instead"));
                }
                return Ok((opened, refused));
            }
            Err(NoTarget::Environment(error)) => {
                refused.get_or_insert((name.to_owned(), error.to_string()));
            }
            // The names are those of the list itself.
            Err(NoTarget::Unknown(problem)) => return Err(mistake(problem)),
        }
    }
    let why = refused.map_or_else(|| "none is built in".to_owned(), |(name, why)| format!("{name}: {why}"));
    output::error(&format!("no target can be run here: {why}"));
    Err(ENVIRONMENT)
}

fn expectations(path: Option<&Path>, target: &Opened) -> Result<(Expectations, String), u8> {
    let (file, text) = match path {
        None => target.expectations.clone(),
        Some(path) => {
            let file = path.display().to_string();
            let text = std::fs::read_to_string(path);
            let text = text.map_err(|err| mistake(format!("cannot read the expectations `{file}`: {err}")))?;
            (file, text)
        }
    };
    let parsed = Expectations::parse(&text, &file).map_err(|errors| {
        errors.iter().for_each(|error| output::error(&error.to_string()));
        MISTAKE
    })?;
    Ok((parsed, file))
}

fn carry_out(arguments: &RunArguments, mut prepared: Prepared, page: Page) -> u8 {
    let stop = match listen_for_signals() {
        Ok(stop) => stop,
        Err(err) => {
            output::error(&format!("cannot listen for signals: {err}"));
            return ENVIRONMENT;
        }
    };
    let facts = Arc::clone(prepared.target.target.facts());
    let began = Instant::now();
    let executed = {
        let estimates: Vec<Duration> = prepared
            .plan
            .iter()
            .map(|run| estimate(&run.script, &facts.tolerances))
            .collect();
        let progress = ProgressLine::begin(
            &prepared.plan,
            estimates,
            arguments.strict,
            facts.virtual_time,
            Arc::clone(&stop),
            !arguments.quiet,
        );
        let conduct = Conduct {
            seed: arguments.seed,
            at_once: arguments.jobs,
        };
        execute(
            prepared.target.target.as_mut(),
            &prepared.plan,
            &prepared.expectations,
            conduct,
            &stop,
            &mut |what| progress.note(what),
        )
    };
    let Executed { mut results, trouble } = executed;
    if let Some(reference) = Reference::new() {
        reference.ask_about(&mut results, arguments.seed);
    }
    let (cut_short, bug) = match trouble {
        None => (None, None),
        Some(Trouble::Interrupted) => (Some("interrupted".to_owned()), None),
        Some(Trouble::Environment(error)) => (Some(error.to_string()), None),
        Some(Trouble::Bug(said)) => (None, Some(said)),
    };
    let report = Report {
        target: facts.name.clone(),
        virtual_time: facts.virtual_time,
        instead_of: prepared.instead_of,
        seed: arguments.seed,
        selection: arguments.choice.selection.clone(),
        again: again(arguments, &prepared.target.called),
        strict: arguments.strict,
        expectations: prepared.expectations_file,
        left_out: prepared.left_out,
        results,
        elapsed: began.elapsed(),
        cut_short,
        bug,
    };
    tell(arguments, &report, prepared.junit, prepared.json, page)
}

/// What makes the same run of the same case.
fn again(arguments: &RunArguments, target: &str) -> String {
    let mut words = vec!["--target".to_owned(), quoted(target)];
    for dir in &arguments.choice.cases {
        words.extend(["--cases".to_owned(), quoted(&dir.display().to_string())]);
    }
    for (flag, names) in [("--defect", &arguments.defect), ("--switch", &arguments.switch)] {
        for name in names {
            words.extend([flag.to_owned(), name.clone()]);
        }
    }
    if arguments.seed != DEFAULT_SEED {
        words.extend(["--seed".to_owned(), arguments.seed.to_string()]);
    }
    words.iter().map(|word| format!(" {word}")).collect()
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+=,:@%".contains(c);
    match word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// The first signal ends the runs that are under way, the second the process.
fn listen_for_signals() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // In this order: the first signal finds `stop` unset, and sets it.
        signal_hook::flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

/// Writes all reports, whatever becomes of each.
fn tell(
    arguments: &RunArguments,
    report: &Report,
    junit: Option<ReportFile>,
    json: Option<ReportFile>,
    page: Page,
) -> u8 {
    let to_stdout = [&junit, &json].into_iter().flatten().any(ReportFile::is_stdout);
    let mut code = report.exit_code();
    let written = [
        junit.map(|file| report::junit(report).and_then(|xml| file.write(&xml))),
        json.map(|file| report::json(report).and_then(|json| file.write(&json))),
    ];
    for problem in written.into_iter().flatten().filter_map(Result::err) {
        output::error(&problem);
        code = tcpvet::suite::exit_code([code, ENVIRONMENT]);
    }
    if page == Page::Portrait {
        let text = report::portrait(report);
        if to_stdout {
            output::say(&text)
        } else {
            output::print(&text)
        }
        // That it does not conform is what one wants to read, not a failure of the audit.
        return if code == 1 { OK } else { code };
    }
    let loudness = match (arguments.quiet, arguments.verbose) {
        (true, _) => Loudness::Quiet,
        (false, false) => Loudness::Normal,
        (false, true) => Loudness::Verbose,
    };
    if to_stdout {
        let colour = colour(arguments.color, &io::stderr());
        output::say(&report::console(report, loudness, colour));
    } else {
        let colour = colour(arguments.color, &io::stdout());
        output::print(&report::console(report, loudness, colour));
    }
    if let Some(said) = &report.bug {
        output::error(&panics::report(said));
    }
    code
}
