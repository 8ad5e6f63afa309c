//! The targets by name, and how each is opened.

#[cfg(all(feature = "smoltcp", unix))]
use super::linked;
use super::{OK, agent, output};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tcpvet::drive::protocol::Mode;
use tcpvet::drive::{EnvironmentError, Target};
use tcpvet::model::{Config, Defect, Defects, LawfulEndpoint, Switch};
use tcpvet::notation::did_you_mean;
use tcpvet::stack::Tolerances;
use tcpvet::stacks::agent::{Agents, Folder, Launch, install};
use tcpvet::stacks::{Needed, Runner};

/// A target that was opened.
pub(super) struct Opened {
    /// The name by which it was asked for.
    pub called: String,
    /// The target.
    pub target: Box<dyn Target>,
    /// Its expectations: a file's name and text.
    pub expectations: (String, String),
    /// Whether the expectations come with this program; then they are a file only in a checkout of tcpvet.
    pub bundled: bool,
}

/// A target that is built into this program.
struct Known {
    name: &'static str,
    expectations: (&'static str, &'static str),
    open: Open,
}

/// Opens a target, for the cases in these directories beside the bundled ones.
type Open = fn(&[PathBuf]) -> Result<Box<dyn Target>, EnvironmentError>;

const KNOWN: &[Known] = &[
    #[cfg(all(feature = "linux", target_os = "linux"))]
    Known {
        name: "linux",
        expectations: (
            "runners/linux/expectations.yaml",
            include_str!("../../runners/linux/expectations.yaml"),
        ),
        open: linux,
    },
    Known {
        name: "model",
        expectations: MODEL_EXPECTATIONS,
        open: model,
    },
    #[cfg(feature = "smoltcp")]
    Known {
        name: "smoltcp",
        expectations: (
            "runners/smoltcp/expectations.yaml",
            include_str!("../../runners/smoltcp/expectations.yaml"),
        ),
        open: smoltcp,
    },
];

/// The reference endpoint conforms: it has no expectations.
const MODEL_EXPECTATIONS: (&str, &str) = ("runners/model/expectations.yaml", "");

/// Why there is no target.
pub(super) enum NoTarget {
    /// There is none of that name.
    Unknown(String),
    /// It cannot be run here.
    Environment(EnvironmentError),
}

/// Opens the target of that name, or the agent in that folder.
pub(super) fn open(name: &str, cases: &[PathBuf]) -> Result<Opened, NoTarget> {
    if let Some(known) = KNOWN.iter().find(|known| known.name == name) {
        return Ok(Opened {
            called: name.to_owned(),
            target: (known.open)(cases).map_err(NoTarget::Environment)?,
            expectations: owned(known.expectations),
            bundled: true,
        });
    }
    let folder = folder(name).map_err(NoTarget::Unknown)?;
    Ok(Opened {
        called: name.to_owned(),
        target: open_agent(&folder).map_err(NoTarget::Environment)?,
        bundled: folder.is_bundled(),
        expectations: folder.expectations,
    })
}

fn owned((file, text): (&str, &str)) -> (String, String) {
    (file.to_owned(), text.to_owned())
}

/// The agent of that name that comes with the program, or the one in that folder.
pub(super) fn folder(name: &str) -> Result<Folder, String> {
    if let Some(folder) = Folder::bundled(name) {
        return Ok(folder);
    }
    let path = Path::new(name);
    match name.contains('/') || path.is_dir() {
        true => Folder::open(path).map_err(|error| error.to_string()),
        false => Err(unknown(name)),
    }
}

/// Builds the agent if need be, and starts it.
fn open_agent(folder: &Folder) -> Result<Box<dyn Target>, EnvironmentError> {
    let launch = folder.prepare()?;
    match folder.runner.mode {
        Mode::Lockstep => Ok(Box::new(Agents::open(folder.runner.clone(), launch)?)),
        Mode::RealTime => in_real_time(folder.runner.clone(), launch),
    }
}

#[cfg(all(feature = "linux", target_os = "linux"))]
fn in_real_time(runner: Runner, launch: Launch) -> Result<Box<dyn Target>, EnvironmentError> {
    use tcpvet::stacks::linux::{Linux, Plan};
    let plan = Plan {
        agent: Some(launch),
        ..Plan::default()
    };
    Ok(Box::new(Linux::probe_as(runner, plan)?))
}

#[cfg(not(all(feature = "linux", target_os = "linux")))]
fn in_real_time(_runner: Runner, _launch: Launch) -> Result<Box<dyn Target>, EnvironmentError> {
    Err(not_linux())
}

#[cfg(not(all(feature = "linux", target_os = "linux")))]
fn not_linux() -> EnvironmentError {
    EnvironmentError {
        problem: "an agent in real time runs in a namespace of Linux".to_owned(),
        remedy: "run it there, with the feature `linux`".to_owned(),
    }
}

/// The targets that are tried in turn where none is named, the default first. The reference endpoint is not one of them:
/// whoever tests nothing but that has tested nothing.
pub(super) fn defaults() -> impl Iterator<Item = &'static str> {
    built_in().filter(|name| *name != "model")
}

fn built_in() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.name)
}

/// All names: the built-in targets, then the agents that come with the program.
fn names() -> impl Iterator<Item = &'static str> {
    let agents = Runner::names().filter(|name| Folder::bundled(name).is_some());
    built_in().chain(agents)
}

/// The times of a target, without opening it.
pub(super) fn tolerances(name: Option<&str>) -> Result<Tolerances, String> {
    let Some(name) = name.or(defaults().next()) else {
        return Ok(Tolerances::default());
    };
    let runner = match built_in().any(|known| known == name) {
        true => Runner::bundled(name).map_err(|error| error.to_string())?,
        false => folder(name)?.runner,
    };
    Ok(runner.facts.tolerances.clone())
}

fn unknown(name: &str) -> String {
    let known: Vec<&str> = names().collect();
    format!(
        "no target is called `{name}`; there are {}, or a folder with a runner.yaml",
        known.join(", ")
    )
}

/// `tcpvet targets`
pub(super) fn list() -> u8 {
    let mut missing: Vec<Needed> = Vec::new();
    for known in KNOWN {
        let summary = Runner::bundled(known.name).map(|runner| runner.summary);
        tell(known.name, (known.open)(&[]).err(), &summary.unwrap_or_default());
    }
    for folder in Runner::names().filter_map(Folder::bundled) {
        let refused = folder.refused().or_else(|| elsewhere(folder.runner.mode));
        missing.extend(folder.missing().into_iter().cloned());
        tell(&folder.runner.facts.name, refused, &folder.runner.summary);
    }
    if !missing.is_empty() {
        output::print(&format!("\nTo run the rest: {}\n", install(&missing)));
    }
    output::print("\nA stack of your own: copy runners/TEMPLATE, then tcpvet run --target FOLDER.\n");
    OK
}

fn tell(name: &str, refused: Option<EnvironmentError>, summary: &str) {
    output::print(&match refused {
        None => format!("{name:<10} can run here     {summary}\n"),
        Some(error) => format!("{name:<10} cannot run here  {error}\n"),
    });
}

/// Why agents of that mode cannot run here, whatever is installed.
fn elsewhere(mode: Mode) -> Option<EnvironmentError> {
    match mode {
        Mode::Lockstep => None,
        Mode::RealTime => namespaces().err(),
    }
}

#[cfg(all(feature = "linux", target_os = "linux"))]
fn namespaces() -> Result<(), EnvironmentError> {
    linux(&[]).map(|_| ())
}

#[cfg(not(all(feature = "linux", target_os = "linux")))]
fn namespaces() -> Result<(), EnvironmentError> {
    Err(not_linux())
}

/// Runs this process as a target's child or agent, if it was started as one; else `None`.
pub(super) fn child() -> Option<ExitCode> {
    if std::env::args_os().nth(1).is_some_and(|word| word == agent::SUBCOMMAND) {
        return Some(ExitCode::from(agent::agent()));
    }
    #[cfg(all(feature = "smoltcp", unix))]
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == linked::SUBCOMMAND)
    {
        return Some(ExitCode::from(linked::serve(std::env::args_os().skip(2))));
    }
    #[cfg(all(feature = "linux", target_os = "linux"))]
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == tcpvet::stacks::linux::SUBCOMMAND)
    {
        let words = std::env::args_os()
            .skip(2)
            .map(|word| word.to_string_lossy().into_owned());
        return Some(tcpvet::stacks::linux::child_main(words));
    }
    None
}

#[cfg(all(feature = "linux", target_os = "linux"))]
fn linux(_cases: &[PathBuf]) -> Result<Box<dyn Target>, EnvironmentError> {
    Ok(Box::new(tcpvet::stacks::linux::Linux::probe()?))
}

#[cfg(feature = "smoltcp")]
fn smoltcp(cases: &[PathBuf]) -> Result<Box<dyn Target>, EnvironmentError> {
    // The description of smoltcp is part of this program, and a test reads it.
    let runner = Runner::bundled("smoltcp").map_err(|error| EnvironmentError {
        problem: error.to_string(),
        remedy: "this is a bug of tcpvet".to_owned(),
    })?;
    #[cfg(unix)]
    let target = linked::smoltcp(runner, cases);
    #[cfg(not(unix))]
    let target = tcpvet::stacks::smoltcp::target(runner);
    Ok(Box::new(target))
}

fn model(_cases: &[PathBuf]) -> Result<Box<dyn Target>, EnvironmentError> {
    reference(Config::default(), Defects::NONE)
}

/// The reference endpoint with these choices and mistakes.
fn reference(config: Config, defects: Defects) -> Result<Box<dyn Target>, EnvironmentError> {
    // As for smoltcp: the description is part of this program.
    let runner = Runner::bundled("model").map_err(|error| EnvironmentError {
        problem: error.to_string(),
        remedy: "this is a bug of tcpvet".to_owned(),
    })?;
    Ok(Box::new(tcpvet::stacks::model::target(runner, config, defects)))
}

/// The reference endpoint with these mistakes and choices, by name, and with what is drawn from this seed.
pub(super) fn open_model(defects: &[String], switches: &[String], lawful: Option<u64>) -> Result<Opened, NoTarget> {
    let mut made = Defects::NONE;
    for name in defects {
        let names = Defect::ALL.iter().map(|defect| defect.name());
        let defect = Defect::from_name(name).ok_or_else(|| NoTarget::Unknown(no_such("mistake", name, names)))?;
        made = made.with(defect);
    }
    let mut config = lawful.map_or_else(Config::default, |seed| LawfulEndpoint::draw(seed).config());
    for name in switches {
        let names = Switch::ALL.iter().map(|switch| switch.name());
        let switch = Switch::from_name(name).ok_or_else(|| NoTarget::Unknown(no_such("choice", name, names)))?;
        config.choose(switch);
    }
    Ok(Opened {
        called: "model".to_owned(),
        target: reference(config, made).map_err(NoTarget::Environment)?,
        expectations: owned(MODEL_EXPECTATIONS),
        bundled: true,
    })
}

fn no_such(kind: &str, name: &str, names: impl Iterator<Item = &'static str>) -> String {
    let hint = did_you_mean(name, names).unwrap_or_else(|| "`tcpvet defects` lists all".to_owned());
    format!("no {kind} is called `{name}`; {hint}")
}
