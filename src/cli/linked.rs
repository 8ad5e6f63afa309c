//! The stack that is linked into this program, in children: this program, executed again with a hidden command.

use super::{ENVIRONMENT, OK};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use tcpvet::case::{Library, Root};
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
    let dirs = cases.map(PathBuf::from).map(Root::Dir);
    let roots: Vec<Root> = std::iter::once(Root::Bundled).chain(dirs).collect();
    let Ok(runner) = Runner::bundled("smoltcp") else {
        return ENVIRONMENT;
    };
    let served = stacks::serve(stacks::smoltcp::target(runner), |case| match case {
        Some(case) => Library::load_one(&roots, case).map_or_else(Vec::new, |case| case.scripts.clone()),
        // The parent has told what is wrong with them.
        None => {
            let (library, _) = Library::examine(&roots);
            library.cases().iter().flat_map(|case| case.scripts.clone()).collect()
        }
    });
    match served {
        Ok(()) => OK,
        Err(_) => ENVIRONMENT,
    }
}
