//! The cases that a command is about.

use super::arguments::RunSelection;
use super::{MISTAKE, output};
use std::path::PathBuf;
use std::sync::Arc;
use tcpvet::case::{Library, Root};
use tcpvet::script::Script;
use tcpvet::suite::{Axes, Run, Selection, expand};

/// The runs that are chosen, and all that there are.
pub(super) struct Chosen {
    /// The cases, whatever is selected.
    pub cases: Library,
    /// Every run of every case, whatever is selected.
    pub library: Vec<Run>,
    /// The selected runs, over the axes that are wanted.
    pub runs: Vec<Run>,
}

/// Loads the library and selects from it. Where this gives an exit code, the error has been printed.
pub(super) fn choose(choice: &RunSelection) -> Result<Chosen, u8> {
    let cases = load(&choice.cases)?;
    let scripts: Vec<Arc<Script>> = cases.cases().iter().flat_map(|case| case.scripts.clone()).collect();
    let library = expand(&scripts, &Axes::default());
    let runs = expand(&scripts, &choice.axes());
    let runs = Selection::parse(&choice.selection)
        .pick(&library, &runs)
        .map_err(|errors| {
            for error in errors {
                output::error(&error.to_string());
            }
            MISTAKE
        })?;
    if runs.is_empty() {
        output::error("nothing is left to run: the cases selected exclude what --ip and --isn ask for");
        return Err(MISTAKE);
    }
    Ok(Chosen { cases, library, runs })
}

/// The cases that come with the program, and those of the user's directories. Where this gives an exit code, the errors
/// have been printed.
pub(super) fn load(dirs: &[PathBuf]) -> Result<Library, u8> {
    let roots: Vec<Root> = std::iter::once(Root::Bundled)
        .chain(dirs.iter().cloned().map(Root::Dir))
        .collect();
    Library::load(&roots).map_err(|problems| {
        output::say(&problems.to_string());
        MISTAKE
    })
}
