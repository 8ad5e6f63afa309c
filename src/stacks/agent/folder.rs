//! A runner's folder: how an agent is built and started, and what that requires.

use super::Launch;
use crate::drive::EnvironmentError;
use crate::stacks::{Kind, Needed, Runner, RunnerError};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How many lines of a build that failed are shown.
const SHOWN: usize = 20;

/// A folder with a `runner.yaml` of `kind: agent`.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Its `runner.yaml`.
    pub runner: Runner,
    /// The expectations of the target: a file's name and text; empty where there is none.
    pub expectations: (String, String),
    origin: Origin,
}

#[derive(Clone, Debug)]
enum Origin {
    /// The runner of this name comes with the program, and is unpacked when it is needed.
    Bundled(String),
    /// A folder of the user.
    Own(PathBuf),
}

impl Folder {
    /// The runner of this name that comes with the program; `None` if there is none, or if it is not an agent.
    pub fn bundled(name: &str) -> Option<Folder> {
        // It can be read: a test reads all runners that come with the program.
        let runner = Runner::bundled(name).ok().filter(|runner| runner.kind == Kind::Agent)?;
        let text = Runner::files(name).find(|(path, _)| *path == EXPECTATIONS);
        let text = text.map_or_else(String::new, |(_, text)| String::from_utf8_lossy(text).into_owned());
        Some(Folder {
            runner,
            expectations: (format!("runners/{name}/{EXPECTATIONS}"), text),
            origin: Origin::Bundled(name.to_owned()),
        })
    }

    /// Reads a folder of the user.
    pub fn open(path: &Path) -> Result<Folder, RunnerError> {
        let file = path.join("runner.yaml");
        let wrong = |file: &Path, message: String| RunnerError::of_file(&file.display().to_string(), message);
        let runner = Runner::load(&file)?;
        if runner.kind != Kind::Agent {
            let message = "only agents (`kind: agent`) can be run from a folder; others are part of this program";
            return Err(wrong(&file, message.to_owned()));
        }
        let expectations = path.join(EXPECTATIONS);
        let text = match fs::read_to_string(&expectations) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(wrong(&expectations, format!("cannot be read ({error})"))),
        };
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        Ok(Folder {
            runner,
            expectations: (expectations.display().to_string(), text),
            origin: Origin::Own(path),
        })
    }

    /// Whether it comes with the program.
    pub fn is_bundled(&self) -> bool {
        matches!(self.origin, Origin::Bundled(_))
    }

    /// What it requires and the machine lacks.
    pub fn missing(&self) -> Vec<&Needed> {
        self.runner
            .requires
            .iter()
            .filter(|needed| !needed.is_there())
            .collect()
    }

    /// Why it cannot be built or started here, with the command that installs what is missing.
    pub fn refused(&self) -> Option<EnvironmentError> {
        let missing = self.missing();
        let names: Vec<&str> = missing.iter().map(|needed| needed.what.as_str()).collect();
        (!missing.is_empty()).then(|| EnvironmentError {
            problem: format!("not here: {}", names.join(", ")),
            remedy: install(missing),
        })
    }

    /// Builds the agent, and says how it is started. A runner that comes with the program is built once. In a folder of
    /// the user the build is run each time, since the build itself knows best whether anything has changed.
    pub fn prepare(&self) -> Result<Launch, EnvironmentError> {
        if let Some(error) = self.refused() {
            return Err(error);
        }
        let folder = match &self.origin {
            Origin::Own(path) => {
                self.build(path)?;
                path.clone()
            }
            Origin::Bundled(name) => self.unpacked(name)?,
        };
        // A runner.yaml without a command is refused when it is read.
        Launch::new(&self.runner.command, Some(&folder), self.runner.patience).ok_or_else(|| EnvironmentError {
            problem: "the runner names no command".to_owned(),
            remedy: "give its runner.yaml a `command:`".to_owned(),
        })
    }

    fn build(&self, folder: &Path) -> Result<(), EnvironmentError> {
        let Some(launch) = Launch::new(&self.runner.build, Some(folder), self.runner.patience) else {
            return Ok(());
        };
        let failed = |why: String| EnvironmentError {
            problem: format!("`{}` in {} {why}", self.runner.build.join(" "), folder.display()),
            remedy: "mend the build, or what it needs".to_owned(),
        };
        let output = Command::new(&launch.program)
            .args(&launch.arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| failed(format!("cannot be started ({error})")))?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().collect();
        let end = lines[lines.len().saturating_sub(SHOWN)..].join("\n  ");
        Err(failed(format!("failed ({}):\n  {end}\n", output.status)))
    }

    /// The folder to which a runner that comes with the program is unpacked, made on first use. Its name holds a digest
    /// of the files, so that another version of them has another folder.
    fn unpacked(&self, name: &str) -> Result<PathBuf, EnvironmentError> {
        let cache = cache()?;
        let finished = cache.join(format!("{name}-{:016x}", digest(name)));
        if finished.join("runner.yaml").is_file() {
            return Ok(finished);
        }
        // Made under another name first, so that no process sees a half-made folder, and two may do this at the same
        // time.
        let rough = cache.join(format!("{name}-{}.part", std::process::id()));
        let failed = |error: io::Error| EnvironmentError {
            problem: format!("{} cannot be written ({error})", rough.display()),
            remedy: "set XDG_CACHE_HOME to a folder that can be written".to_owned(),
        };
        let made = unpack(name, &rough).map_err(failed).and_then(|()| self.build(&rough));
        let moved = made.and_then(|()| match fs::rename(&rough, &finished) {
            Err(_) if finished.join("runner.yaml").is_file() => Ok(()),
            moved => moved.map_err(failed),
        });
        if rough.exists() {
            // If it cannot be removed, it does no harm.
            drop(fs::remove_dir_all(&rough));
        }
        moved.map(|()| finished)
    }
}

const EXPECTATIONS: &str = "expectations.yaml";

/// The command that installs what is missing.
pub fn install<'a>(missing: impl IntoIterator<Item = &'a Needed>) -> String {
    let mut packages: Vec<&str> = missing.into_iter().map(|needed| needed.apt.as_str()).collect();
    packages.sort_unstable();
    packages.dedup();
    // Root needs no sudo, and may not have it.
    let sudo = if nix::unistd::geteuid().is_root() { "" } else { "sudo " };
    format!("{sudo}apt install {}", packages.join(" "))
}

fn unpack(name: &str, folder: &Path) -> io::Result<()> {
    for (path, octets) in Runner::files(name) {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().unwrap_or(folder))?;
        fs::write(&file, octets)?;
        if octets.starts_with(b"#!") {
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

/// FNV-1a over the names and contents of the runner's files.
fn digest(name: &str) -> u64 {
    let octets = Runner::files(name).flat_map(|(path, octets)| path.bytes().chain([0]).chain(octets.iter().copied()));
    octets.fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Where unpacked runners are kept.
fn cache() -> Result<PathBuf, EnvironmentError> {
    let absolute = |name: &str| {
        let path = std::env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute() && path.as_os_str() != OsStr::new("/"))
    };
    let folder = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    let folder = folder.ok_or_else(|| EnvironmentError {
        problem: "there is no place to unpack the agent to".to_owned(),
        remedy: "set XDG_CACHE_HOME or HOME".to_owned(),
    })?;
    Ok(folder.join("tcpvet"))
}
