//! Arguments, wiring, exit codes: it depends on all other folders, and none depends on it.
//!
//! | exit code | means |
//! |---|---|
//! | 0 | everything as expected |
//! | 1 | the target does not conform, or a proof does not hold |
//! | 2 | the user or the author of a case erred |
//! | 3 | the environment failed |
//! | 101 | a bug of ours |

mod agent;
mod arguments;
mod bare;
mod check;
mod check_agent;
mod coverage;
mod defects;
mod explain;
mod inspect;
mod lawful;
mod library;
#[cfg(all(feature = "smoltcp", unix))]
mod linked;
mod list;
mod output;
mod panics;
mod prepare;
mod prove;
mod report;
mod rules;
mod run;
mod signals;
mod targets;
mod update;

use arguments::{Arguments, Command};
use clap::{CommandFactory, Parser};
use std::io;
use std::process::ExitCode;
use tcpvet::suite::exit_code;

/// Everything went as it should.
const OK: u8 = 0;
/// A row proves nothing, or a mistake goes unnoticed.
const UNPROVEN: u8 = 1;
/// The target, or an agent, does not do what it should.
const FAILED: u8 = 1;
/// The user or a case's author erred.
const MISTAKE: u8 = 2;
/// The environment failed.
const ENVIRONMENT: u8 = 3;
/// A bug of ours.
const BUG: u8 = 101;

/// The whole program.
pub(crate) fn main() -> ExitCode {
    if let Some(code) = targets::child() {
        return code;
    }
    panics::install();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(told) => return not_parsed(&told),
    };
    let code = std::panic::catch_unwind(|| dispatch(arguments)).unwrap_or_else(|payload| {
        output::error(&panics::report(tcpvet::drive::panic_text(payload.as_ref())));
        BUG
    });
    let incomplete = if output::is_incomplete() { ENVIRONMENT } else { code };
    let panicked = panics::unreported().map_or(code, |report| {
        output::error(&report);
        BUG
    });
    ExitCode::from(exit_code([code, incomplete, panicked]))
}

/// Prints what clap says instead of arguments: help, the version, or what is wrong.
fn not_parsed(told: &clap::Error) -> ExitCode {
    let render = |coloured| match coloured {
        true => told.render().ansi().to_string(),
        false => told.render().to_string(),
    };
    if !told.use_stderr() {
        output::print(&render(colour(arguments::Colour::Auto, &io::stdout())));
        return ExitCode::from(if output::is_incomplete() { ENVIRONMENT } else { OK });
    }
    output::say(&render(colour(arguments::Colour::Auto, &io::stderr())));
    let word = std::env::args().nth(1).unwrap_or_default();
    let commands = bare::commands_like(&word);
    if !bare::is_command(&word) && !commands.is_empty() {
        output::say(&format!("`{word}` is no command; {}", bare::meant(&commands)));
    }
    ExitCode::from(MISTAKE)
}

fn dispatch(arguments: Arguments) -> u8 {
    match arguments.command {
        None => match bare::refuse(&arguments.run.choice) {
            Some(code) => code,
            None => run::run(&arguments.run),
        },
        Some(Command::Run(run)) => run::run(&run),
        Some(Command::Audit(audit)) => run::audit(&audit),
        Some(Command::Report(report)) => report::report(&report),
        Some(Command::List(list)) => list::list(&list),
        Some(Command::Check(check)) => check::check(&check),
        Some(Command::Explain(explain)) => explain::explain(&explain),
        Some(Command::Coverage(coverage)) => coverage::coverage(&coverage),
        Some(Command::Prove(prove)) => prove::run(&prove),
        Some(Command::Defects) => defects::list(),
        Some(Command::Inspect(inspect)) => inspect::inspect(&inspect),
        Some(Command::Rules) => rules::list(),
        Some(Command::Targets) => targets::list(),
        Some(Command::CheckAgent(check)) => check_agent::check_agent(&check),
        Some(Command::Schema) => {
            output::print_octets(format!("{:#}\n", tcpvet::case::schema()).as_bytes());
            OK
        }
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "tcpvet", &mut script);
            output::print_octets(&script);
            OK
        }
    }
}

/// Whether a line that was written to this stream can be overwritten.
fn can_redraw(stream: &impl io::IsTerminal) -> bool {
    stream.is_terminal() && !is_dumb()
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Whether text for this stream is coloured.
fn colour(choice: arguments::Colour, stream: &impl io::IsTerminal) -> bool {
    // As https://no-color.org asks: set, and not empty.
    let unwanted = || std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    match choice {
        arguments::Colour::Always => true,
        arguments::Colour::Never => false,
        arguments::Colour::Auto => stream.is_terminal() && !unwanted() && !is_dumb(),
    }
}
