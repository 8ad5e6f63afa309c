//! The cases that a command is about.

use super::arguments::RunSelection;
use super::{MISTAKE, output};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tcpvet::case::{Library, Problem, Problems, Root};
use tcpvet::script::Script;
use tcpvet::suite::{Axes, Run, Selection, expand};

/// The runs that are chosen, and all that there are.
pub(super) struct Chosen {
    /// Everything that could be read.
    pub all: Readable,
    /// The selected runs, over the axes that are wanted.
    pub runs: Vec<Run>,
}

/// What could be read of the library, whatever is selected.
pub(super) struct Readable {
    /// The cases.
    pub cases: Library,
    /// Every run of every case.
    pub library: Vec<Run>,
    /// The names of the cases that cannot be read. None of them is selected.
    pub unread: Vec<String>,
}

/// Loads the library and selects from it. Where this gives an exit code, the error has been printed.
pub(super) fn choose(choice: &RunSelection) -> Result<Chosen, u8> {
    let selection = Selection::parse(&choice.selection);
    let all = read(&choice.cases, &selection)?;
    let scripts = scripts(&all.cases);
    let runs = pick(&selection, &all.library, &expand(&scripts, &choice.axes()))?;
    if runs.is_empty() {
        output::error("nothing is left to run: the cases selected exclude what --ip and --isn ask for");
        return Err(MISTAKE);
    }
    Ok(Chosen { all, runs })
}

/// The selected ones of some runs. Where this gives an exit code, the errors have been printed.
pub(super) fn pick(selection: &Selection, library: &[Run], runs: &[Run]) -> Result<Vec<Run>, u8> {
    selection.pick(library, runs).map_err(|errors| {
        errors.iter().for_each(|error| output::error(&error.to_string()));
        MISTAKE
    })
}

/// The cases that come with the program, and those of the user's directories. A file of theirs that cannot be read is
/// only warned of where the selection leaves it out. Where this gives an exit code, the errors have been printed.
pub(super) fn read(dirs: &[PathBuf], selection: &Selection) -> Result<Readable, u8> {
    let (cases, Problems(problems)) = Library::examine(&roots(dirs));
    let library = expand(&scripts(&cases), &Axes::default());
    let mut unread: BTreeMap<String, Vec<&Problem>> = BTreeMap::new();
    for problem in &problems {
        match case_of(problem, dirs).filter(|case| !selection.may_mean_case(case, &library)) {
            Some(case) => unread.entry(case).or_default().push(problem),
            None => return Err(refuse(&Problems(problems))),
        }
    }
    for (case, problems) in &unread {
        let Problem {
            file, line, message, ..
        } = problems[0];
        let more = match problems.len() {
            1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        output::say(&format!(
            "warning: `{case}` cannot be read, and is not among what is selected\n  {file}:{line}: {message}{more}"
        ));
    }
    let unread = unread.into_keys().collect();
    Ok(Readable { cases, library, unread })
}

/// The cases that come with the program, and those of the user's directories. Where this gives an exit code, the errors
/// have been printed.
pub(super) fn load(dirs: &[PathBuf]) -> Result<Library, u8> {
    Library::load(&roots(dirs)).map_err(|problems| refuse(&problems))
}

fn refuse(problems: &Problems) -> u8 {
    output::say(&problems.to_string());
    MISTAKE
}

fn roots(dirs: &[PathBuf]) -> Vec<Root> {
    let own = dirs.iter().cloned().map(Root::Dir);
    std::iter::once(Root::Bundled).chain(own).collect()
}

/// The scripts of all cases, in their order.
pub(super) fn scripts(cases: &Library) -> Vec<Arc<Script>> {
    cases.cases().iter().flat_map(|case| case.scripts.clone()).collect()
}

/// The case that a problem is about, by its name; `None` where it may concern several.
fn case_of(problem: &Problem, dirs: &[PathBuf]) -> Option<String> {
    let below = dirs
        .iter()
        .find_map(|dir| Path::new(&*problem.file).strip_prefix(dir).ok())?;
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    let name = parts.join("/");
    let case = name.strip_suffix(".yaml")?;
    let is_shared = ["given/", "requirements/"]
        .iter()
        .any(|folder| case.starts_with(folder));
    (!is_shared).then(|| case.to_owned())
}
