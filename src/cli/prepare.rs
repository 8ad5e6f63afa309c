//! Everything that can go wrong before the first packet: what is asked for, opened, read and checked.

use super::arguments::RunArguments;
use super::library::Chosen;
use super::report::{Files, each_by_itself};
use super::targets::{self, NoTarget, Opened};
use super::{ENVIRONMENT, MISTAKE, library, output, update};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use tcpvet::record::{Absent, InsteadOf, RecordFile};
use tcpvet::suite::{ExpectationError, Expectations, QUICK, Row, Run, estimate, rows};

/// What was opened, read and checked.
pub(super) struct Prepared {
    /// The targets, which are run one after the other; at least one.
    pub subjects: Vec<PlannedTarget>,
    /// The targets that were asked for and cannot be run here.
    pub absent: Vec<Absent>,
    /// Every run of every case, whatever is selected.
    pub library: Vec<Row>,
    pub files: Files,
    pub record: Option<RecordFile>,
}

/// A target, and what is run against it.
pub(super) struct PlannedTarget {
    pub target: Opened,
    /// What it is called in reports.
    pub name: String,
    /// The default target, and why this one is run instead.
    pub instead_of: Option<InsteadOf>,
    pub stated: Stated,
    pub plan: Vec<Run>,
    pub left_out: usize,
}

/// The expectations of a target.
pub(super) struct Stated {
    pub parsed: Expectations,
    /// The file, as shown to a person.
    pub file: String,
    pub text: String,
}

impl Stated {
    /// Reads a file's text; `file` is its name as shown to a person.
    pub(super) fn parse(file: String, text: String) -> Result<Stated, u8> {
        let parsed = Expectations::parse(&text, &file).map_err(|errors| refuse(&errors))?;
        Ok(Stated { parsed, file, text })
    }

    /// Reads a file that must exist.
    pub(super) fn read(path: &Path) -> Result<Stated, u8> {
        let text = read(path).map_err(|err| cannot_read(path, &err))?;
        Stated::parse(path.display().to_string(), text)
    }

    /// Reads a file that need not exist yet.
    pub(super) fn read_to_update(path: &Path) -> Result<Stated, u8> {
        let text = match read(path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => String::new(),
            other => other.map_err(|err| cannot_read(path, &err))?,
        };
        Stated::parse(path.display().to_string(), text)
    }

    /// Checks that every entry matches a run of the library, as far as that could be read: `unread` names the other
    /// cases.
    pub(super) fn check(&self, library: &[Row], unread: &[String]) -> Result<(), u8> {
        match self.parsed.check(library, unread) {
            errors if errors.is_empty() => Ok(()),
            errors => Err(refuse(&errors)),
        }
    }
}

fn refuse(errors: &[ExpectationError]) -> u8 {
    errors.iter().for_each(|error| output::error(&error.to_string()));
    MISTAKE
}

/// A target that was opened, and the one that it is run instead of.
type Found = (Opened, Option<InsteadOf>);

/// Opens, reads and checks everything. Where this gives an exit code, the error has been printed.
pub(super) fn prepare(arguments: &RunArguments) -> Result<Prepared, u8> {
    let chosen = library::choose(&arguments.choice)?;
    if arguments.record.as_deref() == Some(Path::new("-")) {
        let problem = "a record is a file that grows while the suite runs: name a file with `--record FILE`";
        return Err(mistake(problem.to_owned()));
    }
    each_by_itself(arguments.record.as_deref().into_iter(), &arguments.reports)?;
    let library = rows(&chosen.all.library);
    let (found, absent) = open_targets(arguments)?;
    let files = Files::open(&arguments.reports)?;
    let record = arguments.record.as_deref().map(RecordFile::open).transpose();
    let record = record.map_err(mistake)?;
    let several = found.len() + absent.len() > 1;
    if several && arguments.expectations.is_some() {
        return Err(mistake(
            "`--expectations` is about one target: name only that one with `--target`".to_owned(),
        ));
    }
    let mut subjects = Vec::new();
    for (mut target, instead_of) in found {
        target.target.share_worlds(arguments.worlds());
        subjects.push(subject(arguments, &chosen, &library, target, instead_of)?);
    }
    if several {
        tell_apart(&mut subjects);
    }
    Ok(Prepared {
        subjects,
        absent,
        library,
        files,
        record,
    })
}

fn mistake(problem: String) -> u8 {
    output::error(&problem);
    MISTAKE
}

fn subject(
    arguments: &RunArguments,
    chosen: &Chosen,
    library: &[Row],
    target: Opened,
    instead_of: Option<InsteadOf>,
) -> Result<PlannedTarget, u8> {
    let stated = stated(arguments, &target)?;
    stated.check(library, &chosen.all.unread)?;
    let facts = target.target.facts();
    let mut plan = chosen.runs.clone();
    if arguments.choice.quick {
        plan.retain(|run| estimate(&run.script, &facts.tolerances) <= QUICK);
        if plan.is_empty() {
            return Err(mistake(
                "nothing is left to run: all that is selected takes more than 5 s".to_owned(),
            ));
        }
    }
    Ok(PlannedTarget {
        name: facts.name.clone(),
        instead_of,
        stated,
        left_out: chosen.runs.len() - plan.len(),
        plan,
        target,
    })
}

/// Two folders may hold runners of the same name.
fn tell_apart(subjects: &mut [PlannedTarget]) {
    let names: Vec<String> = subjects.iter().map(|subject| subject.name.clone()).collect();
    for subject in subjects {
        if names.iter().filter(|name| **name == subject.name).count() > 1 {
            subject.name.clone_from(&subject.target.called);
        }
    }
}

/// The targets asked for; if none is, the first that can be run here.
fn open_targets(arguments: &RunArguments) -> Result<(Vec<Found>, Vec<Absent>), u8> {
    let RunArguments {
        defect, switch, lawful, ..
    } = arguments;
    let altered = !defect.is_empty() || !switch.is_empty() || lawful.is_some();
    let names: Vec<&str> = match arguments.choice.target.as_slice() {
        [] if altered => vec!["model"],
        [] => return open_default(arguments).map(|found| (vec![found], Vec::new())),
        names => names.iter().map(String::as_str).collect(),
    };
    if names.contains(&"") {
        let problem =
            "`--target` names nothing before or behind a comma: write one name, or several as in linux,smoltcp";
        return Err(mistake(problem.to_owned()));
    }
    let mut places = names.iter().enumerate();
    if let Some((_, name)) = places.find(|(at, name)| names[..*at].contains(name)) {
        return Err(mistake(format!("`{name}` is asked for twice; once is enough")));
    }
    if let Some(name) = names.iter().find(|name| altered && **name != "model") {
        let problem = format!("`--defect`, `--switch` and `--lawful` are for the reference endpoint, not for {name}");
        return Err(mistake(problem));
    }
    let (mut found, mut absent) = (Vec::new(), Vec::new());
    for name in names {
        let opened = match altered {
            true => targets::open_model(defect, switch, *lawful),
            false => targets::open(name, &arguments.choice.cases),
        };
        match opened {
            Ok(opened) => found.push((opened, None)),
            Err(NoTarget::Unknown(problem)) => return Err(mistake(problem)),
            Err(NoTarget::Environment(error)) => {
                output::error(&format!("{name} cannot be run here: {error}"));
                absent.push(Absent {
                    target: name.to_owned(),
                    why: error.to_string(),
                });
            }
        }
    }
    match found.is_empty() {
        true => Err(ENVIRONMENT),
        false => Ok((found, absent)),
    }
}

/// Who, if anybody, keeps what comes of this run, and would take it for a report on the default target.
fn keeps_a_report(arguments: &RunArguments) -> Option<&'static str> {
    let RunArguments { reports, record, .. } = arguments;
    if reports.junit.is_some() || reports.json.is_some() || record.is_some() {
        return Some("a report is asked for");
    }
    if arguments.update_expectations {
        return Some("the expectations are to be written anew");
    }
    // CI systems set it to `true`; who does not want to be taken for one sets it to nothing or `false`.
    let ci = std::env::var_os("CI").filter(|value| !value.is_empty() && value != "false");
    ci.map(|_| "the environment says CI")
}

/// The first of the targets by default that can be run here. If that is not the very first, it is said; and it is an error
/// where somebody keeps what comes of it.
fn open_default(arguments: &RunArguments) -> Result<Found, u8> {
    let kept = keeps_a_report(arguments);
    let mut refused: Option<InsteadOf> = None;
    for name in targets::defaults() {
        match (targets::open(name, &arguments.choice.cases), &refused, kept) {
            (Ok(opened), None, _) => return Ok((opened, None)),
            (Ok(_), Some(first), Some(because)) => {
                output::error(&format!(
                    "{}\n{because}, so nothing is run in its place; to test another stack, name it: --target {name}",
                    untested(first)
                ));
                return Err(ENVIRONMENT);
            }
            (Ok(opened), Some(first), None) => {
                output::say(&format!("{}\nWhat follows is about {name}.\n", untested(first)));
                return Ok((opened, refused));
            }
            (Err(NoTarget::Environment(error)), ..) => {
                refused.get_or_insert(InsteadOf {
                    target: name.to_owned(),
                    why: error.to_string(),
                });
            }
            // The names are those of the list itself, so this cannot happen.
            (Err(NoTarget::Unknown(problem)), ..) => return Err(mistake(problem)),
        }
    }
    let why = refused.as_ref().map_or_else(|| "none is built in".to_owned(), untested);
    output::error(&format!(
        "{why}\nname a target, such as the reference endpoint: --target model"
    ));
    Err(ENVIRONMENT)
}

/// That the default target was not tested, why, and what allows it.
pub(super) fn untested(InsteadOf { target, why }: &InsteadOf) -> String {
    match target.as_str() {
        "linux" => format!("The kernel was NOT tested: {why}."),
        other => format!("{other} was NOT tested: {why}."),
    }
}

/// Reads a text that is not longer than any file of expectations is.
fn read(path: &Path) -> io::Result<String> {
    const LONGEST: u64 = 16 << 20;
    let mut text = String::new();
    match File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)? as u64 {
        ..=LONGEST => Ok(text),
        _ => Err(io::Error::other(
            "it is longer than 16 MiB: is this the file that you mean?",
        )),
    }
}

/// The expectations of a target, as read.
fn stated(arguments: &RunArguments, target: &Opened) -> Result<Stated, u8> {
    match (arguments.expectations.as_deref(), arguments.update_expectations) {
        (None, true) => Stated::read_to_update(&update::file_of(target).map_err(mistake)?),
        (Some(path), true) => Stated::read_to_update(path),
        (Some(path), false) => Stated::read(path),
        (None, false) => {
            let (file, text) = target.expectations.clone();
            Stated::parse(file, text)
        }
    }
}

fn cannot_read(path: &Path, err: &io::Error) -> u8 {
    mistake(format!("cannot read the expectations `{}`: {err}", path.display()))
}
