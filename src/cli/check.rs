//! `tcpvet check`

use super::arguments::CheckArguments;
use super::{MISTAKE, OK, output};
use std::path::{Path, PathBuf};
use tcpvet::case::{Library, Problem, Root};
use tcpvet::suite::{Axes, expand};

/// Checks cases; gives the exit code.
pub(super) fn check(arguments: &CheckArguments) -> u8 {
    let mut files = 0;
    let mut runs = 0;
    let mut problems: Vec<Problem> = Vec::new();
    let all = if arguments.paths.is_empty() {
        vec![None]
    } else {
        arguments.paths.iter().map(Some).collect()
    };
    for path in all {
        let (root, only) = match path {
            None => (Root::Bundled, None),
            Some(path) => root_of(path),
        };
        let (library, found) = Library::examine(&[root]);
        let named = |file: &str| only.as_ref().is_none_or(|only| same_file(only, Path::new(file)));
        for case in library.cases().iter().filter(|case| named(&case.path)) {
            files += 1;
            runs += expand(&case.scripts, &Axes::default()).len();
        }
        problems.extend(found.0.into_iter().filter(|problem| named(&problem.file)));
    }
    if problems.is_empty() {
        let plural = |count: usize, thing: &str| format!("{count} {thing}{}", if count == 1 { "" } else { "s" });
        output::print(&format!(
            "{}, {}: no errors\n",
            plural(files, "file"),
            plural(runs, "run")
        ));
        return OK;
    }
    for problem in &problems {
        output::say(&format!("{problem}\n"));
    }
    let s = if problems.len() == 1 { "" } else { "s" };
    output::say(&format!("{} error{s}", problems.len()));
    MISTAKE
}

/// A file is read as part of its directory, since its id is its path there.
fn root_of(path: &Path) -> (Root, Option<PathBuf>) {
    if !path.is_file() {
        return (Root::Dir(path.to_owned()), None);
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    };
    (Root::Dir(folder.to_owned()), Some(path.to_owned()))
}

fn same_file(a: &Path, b: &Path) -> bool {
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b,
        (Err(_), _) | (_, Err(_)) => a == b,
    }
}
