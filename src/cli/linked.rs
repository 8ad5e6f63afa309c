//! The stack that is linked into this program, in children: this program, executed again with a hidden command.

use super::{ENVIRONMENT, OK, library};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use tcpvet::drive::{Limits, Target};
use tcpvet::stacks::{self, Linked, Runner};

/// The hidden command, which takes the directories of cases.
pub(super) const SUBCOMMAND: &str = "__linked";

/// smoltcp, for the bundled cases and those in these directories.
pub(super) fn smoltcp(runner: Runner, cases: &[PathBuf]) -> Linked {
    let cases = cases.to_vec();
    let limits = Limits::of(runner.patience);
    Linked::new(stacks::smoltcp::target(runner).facts().clone(), limits, move || {
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("/proc/self/exe"));
        let mut command = Command::new(program);
        command.arg(SUBCOMMAND).args(&cases);
        command
    })
}

/// Makes runs as the parent orders; gives the exit code.
pub(super) fn serve(cases: impl Iterator<Item = OsString>) -> u8 {
    let cases: Vec<PathBuf> = cases.map(PathBuf::from).collect();
    let library = match library::load(&cases) {
        Ok(library) => library,
        Err(code) => return code,
    };
    let Ok(runner) = Runner::bundled("smoltcp") else {
        return ENVIRONMENT;
    };
    let scripts = library.cases().iter().flat_map(|case| case.scripts.clone());
    match stacks::serve(stacks::smoltcp::target(runner), scripts) {
        Ok(()) => OK,
        Err(_) => ENVIRONMENT,
    }
}
