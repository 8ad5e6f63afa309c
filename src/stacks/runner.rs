//! What is known of a target before it runs: its `runner.yaml`.

mod read;

use crate::case::Problem;
use crate::drive::protocol::Mode;
use crate::stack::{Facts, Profile};
use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// The files of the runners that come with the program: path below `runners/`, and contents.
const BUNDLED: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/bundled_runners.rs"));

/// How long a target may take over an input, where its `runner.yaml` does not say.
const fn usual_patience(kind: Kind) -> Duration {
    match kind {
        // A method of a stack that is linked in returns in microseconds; 3 s are much even in a debug build.
        Kind::Embedded => Duration::from_secs(3),
        Kind::Kernel | Kind::Agent => Duration::from_secs(10),
    }
}

/// What kind of target it is, which decides how it is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The kernel that we run on.
    Kernel,
    /// A stack compiled into this program.
    Embedded,
    /// A program that speaks `runners/PROTOCOL.md`.
    Agent,
}

/// A program or a file that a machine must have before an agent can be built or started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// A file by its path, or a program by its name.
    pub what: String,
    /// The package of Debian and its derivatives that contains it.
    pub apt: String,
}

impl Needed {
    /// Whether the machine has it.
    pub fn is_there(&self) -> bool {
        if self.what.contains('/') {
            return Path::new(&self.what).exists();
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(&self.what).is_file())
    }
}

/// What is wrong with a runner's files, for a person: all of it, with places, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl RunnerError {
    /// An error of a file as a whole.
    pub fn of_file(file: &str, message: impl Into<String>) -> RunnerError {
        let problems = vec![Problem::with_file(file, message, "")];
        RunnerError { problems }
    }
}

impl fmt::Display for RunnerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, problem) in self.problems.iter().enumerate() {
            let Problem {
                file,
                line,
                column,
                message,
                help,
                ..
            } = problem;
            let begin = if number == 0 { "" } else { "\n" };
            match line {
                0 => write!(f, "{begin}{file}: {message}")?,
                _ => write!(f, "{begin}{file}:{line}:{column}: {message}")?,
            }
            match help.as_deref() {
                None | Some("") => {}
                Some(help) => write!(f, "; {help}")?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for RunnerError {}

/// A target's `runner.yaml`.
#[derive(Clone, Debug)]
pub struct Runner {
    /// What the bench must know of the target.
    pub facts: Arc<Facts>,
    /// What kind of target it is.
    pub kind: Kind,
    /// What it is, in a sentence.
    pub summary: String,
    /// Whose clock is used.
    pub mode: Mode,
    /// The command that starts an agent: program and arguments. A path with a `/` is relative to the runner's folder.
    pub command: Vec<String>,
    /// The command that builds the agent, run in the runner's folder; empty where nothing is built.
    pub build: Vec<String>,
    /// What must be installed to build and start it.
    pub requires: Vec<Needed>,
    /// How long the target may take over an input: an agent to answer a line, a stack that is linked in to return.
    pub patience: Duration,
    configure: BTreeMap<String, BTreeMap<String, Profile>>,
}

impl Runner {
    /// Reads a `runner.yaml`.
    pub fn load(path: &Path) -> Result<Runner, RunnerError> {
        let file = path.display().to_string();
        match text_of(path) {
            Ok(text) => Runner::parse(&file, &text),
            Err(error) => Err(RunnerError::of_file(
                &file,
                format!("cannot be read ({error}); a runner is a folder with a runner.yaml"),
            )),
        }
    }

    /// Reads a runner that comes with the program.
    pub fn bundled(name: &str) -> Result<Runner, RunnerError> {
        let file = format!("runners/{name}/runner.yaml");
        let found = Runner::files(name).find(|(path, _)| *path == "runner.yaml");
        match found {
            Some((_, text)) => Runner::parse(&file, &String::from_utf8_lossy(text)),
            None => {
                let names = Runner::names().collect::<Vec<_>>().join(", ");
                Err(RunnerError::of_file(
                    &file,
                    format!("is not among the bundled ones: {names}"),
                ))
            }
        }
    }

    /// The names of the runners that come with the program.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUNDLED.iter().filter_map(|(path, _)| path.strip_suffix("/runner.yaml"))
    }

    /// The files of a runner that comes with the program: path below its folder, and contents.
    pub fn files(name: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> + use<'_> {
        let below = move |path: &'static str| path.strip_prefix(name)?.strip_prefix('/');
        BUNDLED
            .iter()
            .filter_map(move |(path, text)| Some((below(path)?, *text)))
    }

    /// Reads the text of a `runner.yaml`; `file` is what errors call it.
    pub fn parse(file: &str, text: &str) -> Result<Runner, RunnerError> {
        read::read(file, text)
    }

    /// The settings of the host for a case's `configure:`. An error says what cannot be set; such a run is
    /// `unsupported`.
    pub fn profile(&self, configure: &BTreeMap<String, String>) -> Result<Profile, String> {
        let mut profile = Profile::new();
        for (name, value) in configure {
            let values = self
                .configure
                .get(name)
                .ok_or_else(|| format!("the target cannot configure {name}"))?;
            let (settings, fill) = match (values.get(value), values.get("*")) {
                (Some(settings), _) => (settings, ""),
                (None, Some(settings)) => (settings, value.as_str()),
                (None, None) => return Err(format!("the target cannot configure {name}: {value}")),
            };
            for (key, text) in settings {
                let filled = filled_in(text, fill).map_err(|why| format!("{name}: {value}: {why}"))?;
                profile.insert(key.clone(), filled);
            }
        }
        Ok(profile)
    }
}

/// The text of a setting with the value filled in, as it is written, or as a time in the unit that the text asks for.
fn filled_in(text: &str, value: &str) -> Result<String, String> {
    const UNITS: [(&str, u128); 3] = [
        ("$seconds", 1_000_000_000),
        ("$milliseconds", 1_000_000),
        ("$microseconds", 1_000),
    ];
    let mut filled = text.replace("$value", value);
    for (unit, nanos) in UNITS {
        if filled.contains(unit) {
            let time = read::parse_time(value)?;
            filled = filled.replace(unit, &time.as_nanos().div_ceil(nanos).to_string());
        }
    }
    Ok(filled)
}

/// The text of a file that is not longer than any runner is.
fn text_of(path: &Path) -> io::Result<String> {
    const LONGEST: u64 = 1 << 20;
    let mut text = String::new();
    match File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)? as u64 {
        ..=LONGEST => Ok(text),
        _ => Err(io::Error::other("it is longer than 1 MiB")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::Tolerance;

    fn one(name: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn every_bundled_runner_can_be_read() {
        for name in Runner::names() {
            let runner = Runner::bundled(name).unwrap();
            assert_eq!(runner.facts.name, name);
        }
        assert!(Runner::bundled("vax").unwrap_err().to_string().contains("linux"));
    }

    #[test]
    fn a_profile_is_what_the_settings_come_to() {
        let linux = Runner::bundled("linux").unwrap();
        let cookies = linux.profile(&one("syn-cookies", "always")).unwrap();
        assert_eq!(cookies, one("net.ipv4.tcp_syncookies", "2"));
        let retries = linux.profile(&one("syn-retries", "3")).unwrap();
        assert_eq!(retries, one("net.ipv4.tcp_syn_retries", "3"));
        assert!(
            linux
                .profile(&one("syn-cookies", "sometimes"))
                .unwrap_err()
                .contains("sometimes")
        );
        assert!(linux.profile(&one("weather", "fine")).unwrap_err().contains("weather"));
    }

    /// What is said of a runner with these lines.
    fn told(lines: &str) -> String {
        Runner::parse("r.yaml", &format!("name: a\nkind: embedded\n{lines}"))
            .unwrap_err()
            .to_string()
    }

    /// Lines of a `runner.yaml`, and what is said of them.
    const WRONG: &[(&str, &str)] = &[
        ("clams: []\n", "r.yaml:3:1: unknown key `clams`; did you mean `claims`?"),
        ("time: {}\n", "r.yaml:3:1: unknown key `time`; did you mean `times`?"),
        (
            "mode: lockstp\n",
            "r.yaml:3:7: unknown mode `lockstp`; did you mean `lockstep`?",
        ),
        (
            "times:\n  promt: 1s\n",
            "r.yaml:4:3: unknown time `promt`; did you mean `prompt`?",
        ),
        (
            "claims: [rfc5961,\n  rfc6192]\n",
            "r.yaml:4:3: unknown condition `rfc6192`; did you mean `rfc6191`?",
        ),
        (
            "abilities: [urgnet]\n",
            "r.yaml:3:13: unknown ability `urgnet`; did you mean `urgent`?",
        ),
        (
            "abilities:\n  - set:linge\n",
            "r.yaml:4:5: unknown ability `set:linge`; did you mean `set:linger`?",
        ),
        (
            "claims: [sausages]\n",
            "r.yaml:3:10: unknown condition `sausages`; expected one of accurate-ecn, ",
        ),
        (
            "configure: {syn-cookie: {}}\n",
            "r.yaml:3:13: unknown setting `syn-cookie`; did you mean `syn-cookies`?",
        ),
        ("configure: {sack: 5}\n", "r.yaml:3:19: `sack` is a map; "),
        ("times: {rto: 1s, rto: 2s}\n", "r.yaml:3:18: `rto` is written twice; "),
        (
            "times: {rto: 1parsec}\n",
            "r.yaml:3:14: `1parsec` cannot be this time; unknown unit `parsec`",
        ),
        (
            "times: {rto: 1}\n",
            "r.yaml:3:14: `1` cannot be this time; say of what: 1s, or 1ms?",
        ),
        (
            "times: {rto: soon}\n",
            "r.yaml:3:14: `soon` cannot be this time; write a number and a unit",
        ),
        ("times: {rto: -1s}\n", "r.yaml:3:14: `-1s` cannot be this time; "),
        (
            "times: {rto-max: 0s}\n",
            "r.yaml:3:18: `0s` cannot be this time; write a time that passes",
        ),
        (
            "times: {time-wait: 25h}\n",
            "r.yaml:3:20: `25h` cannot be this time; write at most 24h",
        ),
        ("times: {slack: 5}\n", "r.yaml:3:16: `5` is no ratio; "),
        ("times: {slack: 100ms}\n", "r.yaml:3:16: `100ms` is no ratio; "),
        ("times: {rto: [1s]}\n", "r.yaml:3:14: `rto` is a time; "),
        (
            "times: {rto: 3s, rto-max: 2s}\n",
            "r.yaml:3:27: `rto` is longer than `rto-max`",
        ),
        ("patience: 0s\n", "r.yaml:3:11: `0s` cannot be this time"),
        (
            "mtu: 0\n",
            "r.yaml:3:6: `0` is no MTU; write a number of octets from 68, the least that ipv4 allows, to 65535",
        ),
        ("mtu: 70000\n", "r.yaml:3:6: `70000` is no MTU; "),
        (
            "mtu: 1279\nabilities: [ipv4,ipv6]\n",
            "from 1280, the least that ipv6 allows",
        ),
        (
            "requires: [{apt: x}]\n",
            "r.yaml:3:12: an item of `requires` lacks a part; write `{file: /PATH, apt: ",
        ),
        ("name: b\n", "r.yaml:3:1: `name` is written twice; "),
    ];

    #[test]
    fn errors_name_file_line_and_remedy() {
        for (lines, said) in WRONG {
            let text = told(lines);
            assert!(text.contains(said), "{lines}: {text}");
            assert_eq!(text.lines().count(), 1, "{text}");
        }
        let empty = Runner::parse("r.yaml", "").unwrap_err().to_string();
        assert!(empty.starts_with("r.yaml: the file is empty"), "{empty}");
        let nameless = Runner::parse("r.yaml", "summary: x\n").unwrap_err().to_string();
        assert!(
            nameless.contains("`name` is missing") && nameless.contains("`kind` is missing"),
            "{nameless}"
        );
        for path in ["/nowhere/runner.yaml", "/dev/zero"] {
            assert!(
                Runner::load(Path::new(path))
                    .unwrap_err()
                    .to_string()
                    .contains("cannot be read")
            );
        }
    }

    #[test]
    fn all_errors_are_told_at_once_in_the_order_of_their_places() {
        let text = told("mtu: 0\nclams: [sack]\nabilities: [ipv5, urgnet]\ntimes: {rto: 1, rto-max: 0s}\n");
        let places: Vec<&str> = text.lines().map(|line| line.split(": ").next().unwrap()).collect();
        let expected = [
            "r.yaml:3:6",
            "r.yaml:4:1",
            "r.yaml:5:13",
            "r.yaml:5:19",
            "r.yaml:6:14",
            "r.yaml:6:26",
        ];
        assert_eq!(places, expected, "{text}");
    }

    #[test]
    fn an_agent_says_how_it_is_started_and_in_which_mode() {
        let agent = |more: &str| Runner::parse("r.yaml", &format!("name: a\nkind: agent\n{more}"));
        let refused = |more: &str| agent(more).unwrap_err().to_string();
        assert!(refused("command: [./a]\n").contains("write `mode: lockstep`"));
        assert!(refused("mode: lockstep\n").contains("command: [PROGRAM"));
        assert!(refused("mode: sometimes\ncommand: [./a]\n").contains("sometimes"));
        assert!(refused("mode: lockstep\ncommand: [./a]\nrequires: [{apt: x}]\n").contains("program: NAME"));
        let text = "mode: realtime\ncommand: [./a, 1]\nbuild: [make]\npatience: 2s\n\
                    requires: [{program: no-such-program, apt: x}, {file: /, apt: y}]\n";
        let runner = agent(text).unwrap();
        assert_eq!((runner.mode, runner.facts.virtual_time), (Mode::RealTime, false));
        assert_eq!(runner.command, ["./a", "1"]);
        assert_eq!(runner.patience, Duration::from_secs(2));
        let there: Vec<bool> = runner.requires.iter().map(Needed::is_there).collect();
        assert_eq!(there, [false, true]);
        assert!(agent("mode: lockstep\ncommand: [a]\n").unwrap().facts.virtual_time);
    }

    #[test]
    fn scalars_are_text_and_times_have_units() {
        let text = "name: a\nkind: embedded\ntimes: {rto: 1.5s, slack: 0.5}\nconfigure: {sack: {true: {k: 010}}}\n";
        let runner = Runner::parse("r.yaml", text).unwrap();
        assert_eq!(runner.facts.tolerances.get(Tolerance::Rto), Duration::from_millis(1500));
        assert_eq!(
            runner.facts.tolerances.get(Tolerance::Slack),
            Duration::from_millis(500)
        );
        assert_eq!(runner.facts.tolerances.get(Tolerance::Soon), Duration::from_millis(600));
        assert_eq!(runner.profile(&one("sack", "true")).unwrap(), one("k", "010"));
        assert!(runner.facts.virtual_time);
    }
}
