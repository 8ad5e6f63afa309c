//! The targets by name, and how each is opened.

use super::{OK, output};
use std::process::ExitCode;
use tcpvet::model::{Config, Defect, Defects, SWITCHES, Switch};
use tcpvet::suite::nearest;
use tcpvet::target::{EnvironmentError, Runner, Target, Tolerances};

/// Something that can be run against.
pub struct Opened {
    /// The target.
    pub target: Box<dyn Target>,
    /// What is known of it: a file's name and text.
    pub expectations: (&'static str, &'static str),
}

/// One that this program was built with.
struct Known {
    name: &'static str,
    expectations: (&'static str, &'static str),
    open: fn() -> Result<Box<dyn Target>, EnvironmentError>,
}

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

/// The reference endpoint does what the RFCs ask: there is nothing to excuse.
const MODEL_EXPECTATIONS: (&str, &str) = ("runners/model/expectations.yaml", "");

/// Why there is no target.
pub enum NoTarget {
    /// There is none of that name.
    Unknown(String),
    /// It cannot be run here.
    Environment(EnvironmentError),
}

/// The target of that name.
pub fn open(name: &str) -> Result<Opened, NoTarget> {
    let known = KNOWN.iter().find(|known| known.name == name);
    let known = known.ok_or_else(|| NoTarget::Unknown(unknown(name)))?;
    Ok(Opened {
        target: (known.open)().map_err(NoTarget::Environment)?,
        expectations: known.expectations,
    })
}

/// The names, the default first.
pub fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.name)
}

/// The times of a target, without opening it.
pub fn tolerances(name: Option<&str>) -> Result<Tolerances, String> {
    let Some(name) = name.or(names().next()) else {
        return Ok(Tolerances::default());
    };
    if !names().any(|known| known == name) {
        return Err(unknown(name));
    }
    let runner = Runner::bundled(name).map_err(|error| error.to_string())?;
    Ok(runner.facts.tolerances.clone())
}

fn unknown(name: &str) -> String {
    let known: Vec<&str> = names().collect();
    format!("no target is called `{name}`; there are {}", known.join(", "))
}

/// `tcpvet targets`
pub fn list() -> u8 {
    for known in KNOWN {
        let summary = Runner::bundled(known.name)
            .map(|runner| runner.summary)
            .unwrap_or_default();
        let line = match (known.open)() {
            Ok(_) => format!("{:<10} can run here     {summary}\n", known.name),
            Err(error) => format!("{:<10} cannot run here  {error}\n", known.name),
        };
        output::print(&line);
    }
    OK
}

/// What the program does where it was started as a target's child; `None` where it was not.
pub fn child() -> Option<ExitCode> {
    #[cfg(all(feature = "linux", target_os = "linux"))]
    if std::env::args_os()
        .nth(1)
        .is_some_and(|word| word == tcpvet::target::linux::SUBCOMMAND)
    {
        let words = std::env::args_os()
            .skip(2)
            .map(|word| word.to_string_lossy().into_owned());
        return Some(tcpvet::target::linux::child_main(words));
    }
    None
}

#[cfg(all(feature = "linux", target_os = "linux"))]
fn linux() -> Result<Box<dyn Target>, EnvironmentError> {
    Ok(Box::new(tcpvet::target::linux::Linux::probe()?))
}

#[cfg(feature = "smoltcp")]
fn smoltcp() -> Result<Box<dyn Target>, EnvironmentError> {
    // Its description is part of this program, and a test reads it.
    let runner = Runner::bundled("smoltcp").map_err(|error| EnvironmentError {
        problem: error.to_string(),
        remedy: "this is a bug of tcpvet".to_owned(),
    })?;
    Ok(Box::new(tcpvet::target::smoltcp::target(runner)))
}

fn model() -> Result<Box<dyn Target>, EnvironmentError> {
    reference(Config::default(), Defects::NONE)
}

/// The reference endpoint, which chooses and errs as told.
fn reference(config: Config, defects: Defects) -> Result<Box<dyn Target>, EnvironmentError> {
    // As for smoltcp.
    let runner = Runner::bundled("model").map_err(|error| EnvironmentError {
        problem: error.to_string(),
        remedy: "this is a bug of tcpvet".to_owned(),
    })?;
    Ok(Box::new(tcpvet::model::target(runner, config, defects)))
}

/// The reference endpoint with these mistakes and choices, by name.
pub fn open_model(defects: &[String], switches: &[String]) -> Result<Opened, NoTarget> {
    let mut made = Defects::NONE;
    for name in defects {
        let names = Defect::ALL.iter().map(|defect| defect.name());
        let defect = Defect::from_name(name).ok_or_else(|| NoTarget::Unknown(no_such("mistake", name, names)))?;
        made = made.with(defect);
    }
    let mut config = Config::default();
    for name in switches {
        let names = SWITCHES.iter().map(|switch| switch.name);
        let switch = Switch::from_name(name).ok_or_else(|| NoTarget::Unknown(no_such("choice", name, names)))?;
        switch.turn(&mut config);
    }
    Ok(Opened {
        target: reference(config, made).map_err(NoTarget::Environment)?,
        expectations: MODEL_EXPECTATIONS,
    })
}

fn no_such(kind: &str, name: &str, names: impl Iterator<Item = &'static str>) -> String {
    let hint = match nearest(name, names).as_slice() {
        [] => "`tcpvet defects` lists all".to_owned(),
        near => format!("did you mean `{}`?", near.join("`, or `")),
    };
    format!("no {kind} is called `{name}`; {hint}")
}
