//! What is known of a target before it runs: its `runner.yaml`.

use crate::drive::protocol::Mode;
use crate::notation::did_you_mean;
use crate::rfc::Condition;
use crate::stack::{ABILITIES, Facts, HOST_SETTINGS, Profile, Setting, Tolerance, Tolerances, is_ability};
use core::fmt;
use core::time::Duration;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::marker::PhantomData;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
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

/// What is wrong with a `runner.yaml`, for a person: file, place, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnerError {
    /// The file.
    pub file: String,
    /// Line and column, from 1, where they are known.
    pub position: Option<(usize, usize)>,
    /// What is wrong: "unknown field `time`, expected one of ...".
    pub message: String,
}

impl fmt::Display for RunnerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
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
        match std::fs::read_to_string(path) {
            Ok(text) => Runner::parse(&file, &text),
            Err(error) => Err(RunnerError {
                file,
                position: None,
                message: format!("cannot be read ({error}); a runner is a folder with a runner.yaml"),
            }),
        }
    }

    /// Reads a runner that comes with the program.
    pub fn bundled(name: &str) -> Result<Runner, RunnerError> {
        let file = format!("runners/{name}/runner.yaml");
        let found = Runner::files(name).find(|(path, _)| *path == "runner.yaml");
        match found {
            Some((_, text)) => Runner::parse(&file, &String::from_utf8_lossy(text)),
            None => Err(RunnerError {
                file,
                position: None,
                message: format!(
                    "is not among the bundled ones: {}",
                    Runner::names().collect::<Vec<_>>().join(", ")
                ),
            }),
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
        let raw: Raw = serde_yaml::from_str(text).map_err(|error| RunnerError {
            file: file.to_owned(),
            position: error.location().map(|place| (place.line(), place.column())),
            message: plain(&error.to_string()),
        })?;
        let refuse = |message: &str| RunnerError {
            file: file.to_owned(),
            position: None,
            message: message.to_owned(),
        };
        let mode = match (raw.kind, raw.mode) {
            (Kind::Agent, None) => return Err(refuse("an agent needs `mode: lockstep` or `mode: realtime`")),
            (Kind::Agent, _) if raw.command.is_empty() => {
                return Err(refuse(
                    "an agent needs `command: [PROGRAM, ARGUMENT...]`, which starts it",
                ));
            }
            (_, Some(RawMode::Lockstep)) | (Kind::Embedded, None) => Mode::Lockstep,
            (_, Some(RawMode::Realtime)) | (Kind::Kernel, None) => Mode::RealTime,
        };
        let facts = Facts {
            name: raw.name.0,
            version: None,
            abilities: raw.abilities.into_iter().map(|name| name.0).collect(),
            claims: raw.claims.into_iter().map(|name| name.0).collect(),
            tolerances: Tolerances::with(raw.times.0.into_iter().map(|(name, time)| (name.0, time.0))),
            mtu: raw.mtu,
            virtual_time: mode == Mode::Lockstep,
        };
        let configure = raw.configure.0.into_iter();
        Ok(Runner {
            facts: Arc::new(facts),
            kind: raw.kind,
            summary: raw.summary.0,
            mode,
            command: raw.command.into_iter().map(|word| word.0).collect(),
            build: raw.build.into_iter().map(|word| word.0).collect(),
            requires: raw.requires.into_iter().map(Needed::from).collect(),
            patience: raw.patience.map_or(usual_patience(raw.kind), |time| time.0),
            configure: configure.map(|(name, values)| (name.0, lower_values(values))).collect(),
        })
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
            let time = Time::try_from(Text(value.to_owned()))?;
            filled = filled.replace(unit, &time.0.as_nanos().div_ceil(nanos).to_string());
        }
    }
    Ok(filled)
}

fn lower_values(values: Unique<Text, Unique<Text, Text>>) -> BTreeMap<String, Profile> {
    let lower = |settings: Unique<Text, Text>| settings.0.into_iter().map(|(key, value)| (key.0, value.0)).collect();
    values
        .0
        .into_iter()
        .map(|(value, settings)| (value.0, lower(settings)))
        .collect()
}

/// The message without serde_yaml's own " at line 3 column 5", since the position is printed before it.
fn plain(message: &str) -> String {
    match message.rfind(" at line ") {
        Some(at) => message[..at].to_owned(),
        None => message.to_owned(),
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: Text,
    kind: Kind,
    #[serde(default)]
    summary: Text,
    #[serde(default = "ethernet")]
    mtu: u16,
    #[serde(default)]
    command: Vec<Text>,
    mode: Option<RawMode>,
    #[serde(default)]
    build: Vec<Text>,
    #[serde(default)]
    requires: Vec<RawNeeded>,
    patience: Option<Time>,
    #[serde(default)]
    abilities: Vec<AbilityName>,
    #[serde(default)]
    claims: Vec<Claim>,
    #[serde(default)]
    times: Unique<TimeName, Time>,
    #[serde(default)]
    configure: Unique<HostSettingName, Unique<Text, Unique<Text, Text>>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawMode {
    Lockstep,
    Realtime,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "expected `{file: /PATH, apt: PACKAGE}` or `{program: NAME, apt: PACKAGE}`"
)]
enum RawNeeded {
    File { file: Text, apt: Text },
    Program { program: Text, apt: Text },
}

impl From<RawNeeded> for Needed {
    fn from(raw: RawNeeded) -> Needed {
        let (RawNeeded::File { file: what, apt } | RawNeeded::Program { program: what, apt }) = raw;
        Needed {
            what: what.0,
            apt: apt.0,
        }
    }
}

fn ethernet() -> u16 {
    1500
}

/// A scalar read as text, even where YAML would read a number or a truth value, as in `0` and `true`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Text(String);

/// Reads a scalar as text and converts it. An error has the scalar's own position, where serde's `try_from` would give
/// that of the list around it.
struct Scalar<T>(PhantomData<T>);

impl<T: TryFrom<Text, Error: fmt::Display>> Visitor<'_> for Scalar<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a number")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        T::try_from(Text(text.to_owned())).map_err(E::custom)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }
}

macro_rules! scalars {
    ($($name:ident)*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Scalar(PhantomData))
            }
        }
    )*};
}

scalars! { Text TimeName Time AbilityName Claim HostSettingName }

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TimeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A tolerance's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct TimeName(Tolerance);

impl TryFrom<Text> for TimeName {
    type Error = String;

    fn try_from(text: Text) -> Result<TimeName, String> {
        let names = Tolerance::ALL.map(Tolerance::name);
        let found = Tolerance::from_name(&text.0).map(TimeName);
        found.ok_or_else(|| unknown("time", &text.0, &names))
    }
}

/// An ability's name.
#[derive(Clone, Debug)]
struct AbilityName(String);

impl TryFrom<Text> for AbilityName {
    type Error = String;

    fn try_from(text: Text) -> Result<AbilityName, String> {
        if is_ability(&text.0) {
            return Ok(AbilityName(text.0));
        }
        let settings: Vec<String> = Setting::of_sockets().map(|setting| format!("set:{setting}")).collect();
        let words = ABILITIES.iter().map(|word| word.name);
        let known: Vec<&str> = words.chain(settings.iter().map(String::as_str)).collect();
        Err(unknown("ability", &text.0, &known))
    }
}

/// A condition that is claimed to be met.
#[derive(Clone, Copy, Debug)]
struct Claim(Condition);

impl TryFrom<Text> for Claim {
    type Error = String;

    fn try_from(text: Text) -> Result<Claim, String> {
        let known: Vec<&str> = Condition::ALL.iter().map(|known| known.name()).collect();
        let found = Condition::from_name(&text.0).map(Claim);
        found.ok_or_else(|| unknown("condition", &text.0, &known))
    }
}

/// The name of a setting of the host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct HostSettingName(String);

impl fmt::Display for HostSettingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<Text> for HostSettingName {
    type Error = String;

    fn try_from(text: Text) -> Result<HostSettingName, String> {
        let known: Vec<&str> = HOST_SETTINGS.iter().map(|setting| setting.name).collect();
        match known.contains(&text.0.as_str()) {
            true => Ok(HostSettingName(text.0)),
            false => Err(unknown("setting", &text.0, &known)),
        }
    }
}

/// The message for an unknown word, with the likeliest known one, or with all of them.
fn unknown(kind: &str, word: &str, known: &[&str]) -> String {
    let near = did_you_mean(word, known.iter().copied());
    let help = near.unwrap_or_else(|| format!("expected one of {}", known.join(", ")));
    format!("unknown {kind} `{word}`; {help}")
}

/// A time such as `100ms`, `1.5s` or `2m`; a bare number is a ratio, and is stored as seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Time(Duration);

impl TryFrom<Text> for Time {
    type Error = String;

    fn try_from(text: Text) -> Result<Time, String> {
        let digits = text.0.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let unit = match &text.0[digits.len()..] {
            "us" => 1e-6,
            "ms" => 1e-3,
            "s" | "" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            other => {
                return Err(format!(
                    "unknown unit `{other}` in `{}`, expected us, ms, s, m or h",
                    text.0
                ));
            }
        };
        let number: f64 = digits
            .parse()
            .map_err(|_| format!("`{}` is no time; write 100ms or 1.5s", text.0))?;
        let time = Duration::try_from_secs_f64(number * unit);
        time.map(Time)
            .map_err(|_| format!("`{}` is no time that can be waited for", text.0))
    }
}

/// A map in which a repeated key is an error; serde would silently keep the last value.
#[derive(Clone, Debug)]
struct Unique<K, V>(BTreeMap<K, V>);

impl<K, V> Default for Unique<K, V> {
    fn default() -> Self {
        Unique(BTreeMap::new())
    }
}

impl<'de, K: Deserialize<'de> + Ord + fmt::Display, V: Deserialize<'de>> Deserialize<'de> for Unique<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueVisitor(PhantomData))
    }
}

struct UniqueVisitor<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de> + Ord + fmt::Display, V: Deserialize<'de>> Visitor<'de> for UniqueVisitor<K, V> {
    type Value = Unique<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(key) = map.next_key::<K>()? {
            if entries.contains_key(&key) {
                return Err(de::Error::custom(format!("repeated key `{key}`; keep one of them")));
            }
            entries.insert(key, map.next_value()?);
        }
        Ok(Unique(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn errors_name_file_line_and_remedy() {
        let unknown = Runner::parse("r.yaml", "name: a\nkind: embedded\ntime: {}\n").unwrap_err();
        assert_eq!(unknown.position, Some((3, 1)));
        assert!(
            unknown
                .to_string()
                .starts_with("r.yaml:3:1: unknown field `time`, expected one of"),
            "{unknown}"
        );
        let time = Runner::parse("r.yaml", "name: a\nkind: embedded\ntimes:\n  promt: 1s\n").unwrap_err();
        assert!(time.to_string().contains("`promt`; did you mean `prompt`?"), "{time}");
        assert_eq!(time.position.map(|(line, _)| line), Some(4));
        for (text, place, message) in [
            (
                "claims: [rfc5961,\n  rfc6192]\n",
                (4, 3),
                "unknown condition `rfc6192`; did you mean `rfc6191`?",
            ),
            (
                "abilities: [urgnet]\n",
                (3, 13),
                "unknown ability `urgnet`; did you mean `urgent`?",
            ),
            (
                "abilities:\n  - set:linge\n",
                (4, 5),
                "unknown ability `set:linge`; did you mean `set:linger`?",
            ),
            (
                "claims: [sausages]\n",
                (3, 10),
                "unknown condition `sausages`; expected one of accurate-ecn, ",
            ),
            (
                "configure: {syn-cookie: {}}\n",
                (3, 13),
                "unknown setting `syn-cookie`; did you mean `syn-cookies`?",
            ),
        ] {
            let error = Runner::parse("r.yaml", &format!("name: a\nkind: embedded\n{text}")).unwrap_err();
            assert!(error.message.contains(message), "{error}");
            assert_eq!(error.position, Some(place), "{error}");
        }
        let unit = Runner::parse("r.yaml", "name: a\nkind: embedded\ntimes: {rto: 1parsec}\n").unwrap_err();
        assert!(unit.to_string().contains("`parsec`"), "{unit}");
        let twice = Runner::parse("r.yaml", "name: a\nkind: embedded\ntimes: {rto: 1s, rto: 2s}\n").unwrap_err();
        assert!(twice.to_string().contains("repeated key `rto`"), "{twice}");
        assert!(
            Runner::load(Path::new("/nowhere/runner.yaml"))
                .unwrap_err()
                .to_string()
                .contains("cannot be read")
        );
    }

    #[test]
    fn an_agent_says_how_it_is_started_and_in_which_mode() {
        let agent = |more: &str| Runner::parse("r.yaml", &format!("name: a\nkind: agent\n{more}"));
        let refused = |more: &str| agent(more).unwrap_err().to_string();
        assert!(refused("command: [./a]\n").contains("mode: lockstep"));
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
