//! `tcpvet report`, and the printing and writing of reports for `tcpvet run`.

use super::arguments::{ReportArguments, Reports};
use super::prepare::Stated;
use super::{ENVIRONMENT, MISTAKE, OK, colour, output, panics, update};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use tcpvet::record::{self, Record, Stored};
use tcpvet::report::{self, Comparison, Loudness, ReportFile};
use tcpvet::suite::exit_code;

/// What is printed at the end.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Summary {
    /// Verdicts, and whatever is unexpected.
    Verdicts,
    /// What the stack is like.
    Portrait,
}

/// Renders records that were stored; gives the exit code that the runs had.
pub(super) fn report(arguments: &ReportArguments) -> u8 {
    render(arguments).unwrap_or_else(|code| code)
}

fn render(arguments: &ReportArguments) -> Result<u8, u8> {
    let read_too = arguments.records.iter().map(PathBuf::as_path);
    each_by_itself(read_too, &arguments.reports)?;
    let files = Files::open(&arguments.reports)?;
    let mut whole = Comparison::default();
    for path in &arguments.records {
        let Stored { records, absent } = read(path)?;
        whole.records.extend(records);
        whole.absent.extend(absent);
    }
    let several = whole.records.len() + whole.absent.len() > 1;
    let judged_anew = arguments.expectations.is_some() || arguments.update_expectations;
    if several && judged_anew {
        return Err(mistake(
            "expectations are about one target: name a record of one run only",
        ));
    }
    let summary = match arguments.audit {
        true => Summary::Portrait,
        false => Summary::Verdicts,
    };
    let telling = Telling::new(&arguments.reports, summary, several, &files);
    let mut codes = Vec::new();
    for record in &mut whole.records {
        if judged_anew {
            codes.extend(judge_anew(arguments, record)?);
        }
        telling.tell(record);
    }
    Ok(telling.conclude(&whole, files, codes))
}

fn read(path: &Path) -> Result<Stored, u8> {
    let name = path.display().to_string();
    let stored = if path == Path::new("-") {
        record::read(io::stdin().lock(), "standard input")
    } else {
        let file = File::open(path).map_err(|err| mistake(&format!("cannot read the record `{name}`: {err}")))?;
        record::read(BufReader::new(file), &name)
    };
    stored.map_err(|error| mistake(&error.to_string()))
}

/// Judges the runs of a record by a file of expectations, which is updated first if that is asked for. An exit code
/// where it could not be written.
fn judge_anew(arguments: &ReportArguments, record: &mut Record) -> Result<Option<u8>, u8> {
    let named = || PathBuf::from(&record.head.expectations);
    let path = arguments.expectations.clone().unwrap_or_else(named);
    if !arguments.update_expectations {
        let stated = Stated::read(&path)?;
        stated.check(record.library(), &[])?;
        record.judge_by(&stated.parsed);
        return Ok(None);
    }
    if arguments.expectations.is_none() && !path.is_file() {
        let problem = format!(
            "`{}` is not here; name a file with `--expectations FILE`",
            path.display()
        );
        return Err(mistake(&problem));
    }
    let stated = Stated::read_to_update(&path)?;
    stated.check(record.library(), &[])?;
    match update::write_down(&stated, record, record.ending()) {
        Ok(Some(now)) => record.judge_by(&now),
        Ok(None) => record.judge_by(&stated.parsed),
        Err(code) => return Ok(Some(code)),
    }
    Ok(None)
}

fn mistake(problem: &str) -> u8 {
    output::error(problem);
    MISTAKE
}

/// Checks that no report is written over a record, or over another report. Where this gives an exit code, the error has
/// been printed.
pub(super) fn each_by_itself<'a>(records: impl Iterator<Item = &'a Path>, reports: &'a Reports) -> Result<(), u8> {
    // A file that does not exist yet is told by its folder and its name. Devices and pipes can be written to twice.
    let identity = |path: &Path| match path.canonicalize() {
        Ok(known) => known.is_file().then_some(known),
        Err(_) => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = folder.unwrap_or(Path::new(".")).canonicalize().ok()?;
            Some(folder.join(path.file_name()?))
        }
    };
    let mut known: BTreeSet<PathBuf> = records.filter_map(identity).collect();
    for path in [&reports.junit, &reports.json].into_iter().flatten() {
        if path == Path::new("-") {
            continue;
        }
        if let Some(new) = identity(path)
            && !known.insert(new)
        {
            let problem = format!(
                "`{}` is named twice: give each report a file of its own",
                path.display()
            );
            return Err(mistake(&problem));
        }
    }
    Ok(())
}

/// The files of reports for machines.
pub(super) struct Files {
    junit: Option<ReportFile>,
    json: Option<ReportFile>,
}

impl Files {
    /// Opens both. Where this gives an exit code, the error has been printed.
    pub(super) fn open(reports: &Reports) -> Result<Files, u8> {
        let open = |path: &Option<PathBuf>| path.as_deref().map(ReportFile::open).transpose();
        let open = |path| open(path).map_err(|problem| mistake(&problem));
        let files = Files {
            junit: open(&reports.junit)?,
            json: open(&reports.json)?,
        };
        match files.to_stdout() {
            0 | 1 => Ok(files),
            _ => Err(mistake("two reports cannot both go to standard output")),
        }
    }

    /// How many of them go to standard output.
    fn to_stdout(&self) -> usize {
        let files = [&self.junit, &self.json].into_iter().flatten();
        files.filter(|file| file.is_stdout()).count()
    }

    /// Writes both, even if one fails. Gives the errors.
    fn write(self, whole: &Comparison, several: bool) -> Vec<String> {
        let only = whole.records.first().filter(|_| !several);
        let make_junit = || only.map_or_else(|| report::junit_of_several(whole), report::junit);
        let make_json = || only.map_or_else(|| report::json_of_several(whole), report::json);
        let written = [
            self.junit.map(|file| make_junit().and_then(|xml| file.write(&xml))),
            self.json.map(|file| make_json().and_then(|json| file.write(&json))),
        ];
        written.into_iter().flatten().filter_map(Result::err).collect()
    }
}

/// Prints reports for people, and writes those for programs.
pub(super) struct Telling<'a> {
    reports: &'a Reports,
    summary: Summary,
    several: bool,
    /// A report for programs goes to standard output, so nothing for people does.
    to_stdout: bool,
}

impl<'a> Telling<'a> {
    /// `several`: whether several targets were asked for.
    pub(super) fn new(reports: &'a Reports, summary: Summary, several: bool, files: &Files) -> Telling<'a> {
        Telling {
            reports,
            summary,
            several,
            to_stdout: files.to_stdout() > 0,
        }
    }

    /// Prints the report of one target.
    pub(super) fn tell(&self, record: &Record) {
        let text = match self.summary {
            Summary::Portrait => report::portrait(record),
            Summary::Verdicts => report::console(record, self.loudness(), self.colour()),
        };
        if self.several && !text.is_empty() {
            self.print(&report::heading(&record.head.target.name, self.colour()));
        }
        self.print(&text);
        if let Some(said) = record.bug() {
            output::error(&panics::report(said));
        }
    }

    /// Writes the reports for programs, and prints how several targets compare. The exit code is the worst of `codes`,
    /// of those of the records, and of the writing.
    pub(super) fn conclude(&self, whole: &Comparison, files: Files, mut codes: Vec<u8>) -> u8 {
        codes.push(whole.exit_code());
        for problem in files.write(whole, self.several) {
            output::error(&problem);
            codes.push(ENVIRONMENT);
        }
        self.compare(whole);
        match (self.summary, exit_code(codes)) {
            // An audit that finds that the target does not conform has succeeded.
            (Summary::Portrait, 1) => OK,
            (Summary::Portrait | Summary::Verdicts, code) => code,
        }
    }

    fn compare(&self, whole: &Comparison) {
        if self.summary == Summary::Portrait {
            return;
        }
        if self.reports.quiet && whole.exit_code() == 0 {
            return self.all_as_expected(whole);
        }
        if !self.several {
            return;
        }
        let text = report::comparison(whole, self.reports.verbose, self.colour());
        if self.reports.verbose || whole.records.iter().any(|record| record.exit_code() != 0) {
            self.print(&report::heading("all", self.colour()));
        }
        self.print(&text);
    }

    /// The one line of a quiet run in which nothing is unexpected.
    fn all_as_expected(&self, whole: &Comparison) {
        let runs: usize = whole.records.iter().map(|record| record.runs().len()).sum();
        match whole.records.as_slice() {
            [only] => self.print(&report::in_a_line(only, self.colour())),
            several => self.print(&format!(
                "{runs} runs against {} targets: nothing unexpected\n",
                several.len()
            )),
        }
    }

    /// With several targets, printing what is as expected for each would be too much.
    fn loudness(&self) -> Loudness {
        match (self.reports.quiet, self.reports.verbose) {
            (true, _) => Loudness::Quiet,
            (false, false) if self.several => Loudness::Quiet,
            (false, false) => Loudness::Normal,
            (false, true) => Loudness::Verbose,
        }
    }

    fn colour(&self) -> bool {
        match self.to_stdout {
            true => colour(self.reports.color, &io::stderr()),
            false => colour(self.reports.color, &io::stdout()),
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
