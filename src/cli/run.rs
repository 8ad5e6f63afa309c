//! `tcpvet run`

use super::arguments::{DEFAULT_SEED, RunArguments};
use super::prepare::{Prepared, Stated, Subject, prepare};
use super::{ENVIRONMENT, MISTAKE, OK, colour, output, panics, update};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tcpvet::report::{self, Absent, Comparison, Loudness, ProgressLine, Report, ReportFile};
use tcpvet::suite::{Conduct, Executed, Reference, Run, Trouble, estimate, execute};

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

fn carry_out(arguments: &RunArguments, prepared: Prepared, page: Page) -> u8 {
    let stop = match listen_for_signals() {
        Ok(stop) => stop,
        Err(err) => {
            output::error(&format!("cannot listen for signals: {err}"));
            return ENVIRONMENT;
        }
    };
    let Prepared {
        subjects,
        absent,
        library,
        junit,
        json,
    } = prepared;
    let several = subjects.len() + absent.len() > 1;
    let telling = Telling {
        arguments,
        page,
        several,
        to_stdout: [&junit, &json].into_iter().flatten().any(ReportFile::is_stdout),
    };
    let mut whole = Comparison {
        reports: Vec::new(),
        absent,
    };
    let mut unwritten = None;
    // One after the other: a kernel's clock would not bear that others take the processors from under it.
    for subject in subjects {
        if stop.load(Ordering::Relaxed) {
            let (target, why) = (subject.name, "interrupted before it began".to_owned());
            whole.absent.push(Absent { target, why });
            continue;
        }
        let (mut report, stated) = run_all(arguments, subject, &stop, several);
        if arguments.update_expectations && !update_expectations(&stated, &library, &mut report) {
            unwritten = Some(MISTAKE);
        }
        telling.tell(&report);
        whole.reports.push(report);
    }
    let mut code = tcpvet::suite::exit_code(unwritten.into_iter().chain([whole.exit_code()]));
    for problem in write(&whole, several, junit, json) {
        output::error(&problem);
        code = tcpvet::suite::exit_code([code, ENVIRONMENT]);
    }
    telling.conclude(&whole);
    match page {
        // That it does not conform is what one wants to read, not a failure of the audit.
        Page::Portrait if code == 1 => OK,
        Page::Portrait | Page::Verdicts => code,
    }
}

/// Runs everything against one target.
fn run_all(arguments: &RunArguments, mut subject: Subject, stop: &Arc<AtomicBool>, several: bool) -> (Report, Stated) {
    let facts = Arc::clone(subject.target.target.facts());
    let began = Instant::now();
    let Executed { mut results, trouble } = {
        let estimates = subject.plan.iter().map(|run| estimate(&run.script, &facts.tolerances));
        let of = if several {
            format!("{}: ", subject.name)
        } else {
            String::new()
        };
        let progress = ProgressLine::begin(
            of,
            &subject.plan,
            estimates.collect(),
            arguments.strict,
            facts.virtual_time,
            Arc::clone(stop),
            !arguments.quiet,
        );
        let conduct = Conduct {
            seed: arguments.seed,
            at_once: arguments.jobs,
        };
        execute(
            subject.target.target.as_mut(),
            &subject.plan,
            &subject.stated.parsed,
            conduct,
            stop,
            &mut |what| progress.note(what),
        )
    };
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
        target: subject.name,
        virtual_time: facts.virtual_time,
        instead_of: subject.instead_of,
        seed: arguments.seed,
        selection: arguments.choice.selection.clone(),
        again: again(arguments, &subject.target.called),
        strict: arguments.strict,
        expectations: subject.stated.file.clone(),
        left_out: subject.left_out,
        results,
        elapsed: began.elapsed(),
        cut_short,
        bug,
    };
    (report, subject.stated)
}

/// Writes down what came; whether that went well.
fn update_expectations(stated: &Stated, library: &[Run], report: &mut Report) -> bool {
    if report.cut_short.is_some() || report.bug.is_some() {
        output::say(&format!("{} is left as it is: not everything was run", stated.file));
        return true;
    }
    match update::write_down(stated, library, &mut report.results, report.strict) {
        Ok(done) => output::say(&done),
        Err(problem) => {
            output::error(&problem);
            return false;
        }
    }
    true
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

/// Writes the reports for machines, whatever becomes of each; what went wrong.
fn write(whole: &Comparison, several: bool, junit: Option<ReportFile>, json: Option<ReportFile>) -> Vec<String> {
    let only = whole.reports.first().filter(|_| !several);
    let make_junit = || only.map_or_else(|| report::junit_of_several(whole), report::junit);
    let make_json = || only.map_or_else(|| report::json_of_several(whole), report::json);
    let written = [
        junit.map(|file| make_junit().and_then(|xml| file.write(&xml))),
        json.map(|file| make_json().and_then(|json| file.write(&json))),
    ];
    written.into_iter().flatten().filter_map(Result::err).collect()
}

/// What people are told, and where.
struct Telling<'a> {
    arguments: &'a RunArguments,
    page: Page,
    several: bool,
    /// A report for machines goes to standard output, so what is for people does not.
    to_stdout: bool,
}

impl Telling<'_> {
    /// Tells what came of one target.
    fn tell(&self, report: &Report) {
        let text = match self.page {
            Page::Portrait => report::portrait(report),
            Page::Verdicts => report::console(report, self.loudness(), self.colour()),
        };
        if self.several && !text.is_empty() {
            self.print(&report::heading(&report.target, self.colour()));
        }
        self.print(&text);
        if let Some(said) = &report.bug {
            output::error(&panics::report(said));
        }
    }

    /// Of several targets it would be too much to tell of each what is as expected.
    fn loudness(&self) -> Loudness {
        match (self.arguments.quiet, self.arguments.verbose) {
            (true, _) => Loudness::Quiet,
            (false, false) if self.several => Loudness::Quiet,
            (false, false) => Loudness::Normal,
            (false, true) => Loudness::Verbose,
        }
    }

    /// Tells how several targets compare.
    fn conclude(&self, whole: &Comparison) {
        let silent = self.arguments.quiet && whole.exit_code() == 0;
        if !self.several || self.page == Page::Portrait || silent {
            return;
        }
        let text = report::comparison(whole, self.arguments.verbose, self.colour());
        if self.arguments.verbose || whole.reports.iter().any(|report| report.exit_code() != 0) {
            self.print(&report::heading("all", self.colour()));
        }
        self.print(&text);
    }

    fn colour(&self) -> bool {
        match self.to_stdout {
            true => colour(self.arguments.color, &io::stderr()),
            false => colour(self.arguments.color, &io::stdout()),
        }
    }

    fn print(&self, text: &str) {
        match self.to_stdout {
            true if text.is_empty() => {}
            true => output::say(text),
            false => output::print(text),
        }
    }
}
