//! Reads a `runner.yaml`. Everything that is wrong with it is told at once, with its place and what to do about it.

use super::{Kind, Needed, Runner, RunnerError, usual_patience};
use crate::case::{Fields, Node, Report, Source, Text, read_plain};
use crate::drive::protocol::Mode;
use crate::notation::did_you_mean;
use crate::rfc::Condition;
use crate::stack::{ABILITIES, Abilities, Facts, HOST_SETTINGS, Profile, Setting, Tolerance, Tolerances, is_ability};
use core::ops::RangeInclusive;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const KEYS: [&str; 13] = [
    "name",
    "kind",
    "summary",
    "mtu",
    "command",
    "mode",
    "build",
    "requires",
    "patience",
    "abilities",
    "claims",
    "times",
    "configure",
];

/// The MTU of Ethernet, for a runner that names none.
const ETHERNET: u16 = 1500;
/// The least MTU of IPv4 (RFC 791 section 3.2) and of IPv6 (RFC 8200 section 5), in octets.
const LEAST_MTU: [(&str, u16); 2] = [("ipv4", 68), ("ipv6", 1280)];

/// Nothing that a tester waits for takes longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// The settings of the host that each value of a setting comes to, by names and values.
type Configure = BTreeMap<String, BTreeMap<String, Profile>>;

/// Reads the text of a file; `file` is what errors call it.
pub(super) fn read(file: &str, text: &str) -> Result<Runner, RunnerError> {
    let source = Source {
        name: file.into(),
        text: text.into(),
    };
    let mut report = Report::new(&source);
    let fields = read_plain(&mut report).and_then(|node| Fields::of(node, "a runner", &mut report));
    let runner = fields.and_then(|fields| runner(fields, &mut report));
    match (runner, report.finish()) {
        (Some(runner), problems) if problems.is_empty() => Ok(runner),
        (None, problems) if problems.is_empty() => Err(RunnerError::of_file(
            file,
            "the file is empty; a runner begins with `name:` and `kind:`",
        )),
        (_, problems) => Err(RunnerError { problems }),
    }
}

fn runner(mut fields: Fields, report: &mut Report) -> Option<Runner> {
    let begin = fields.begin();
    for (key, help) in [
        ("name", "write `name: ` and what the stack is called"),
        ("kind", "write `kind: agent`"),
    ] {
        if !fields.has(key) {
            report.add(&begin, format!("`{key}` is missing"), Some(help.to_owned()));
        }
    }
    let kind_at = fields.place_of("kind").unwrap_or(begin);
    let name = fields.text("name", report);
    let kind = fields.text("kind", report).and_then(|text| kind(&text, report));
    let summary = fields.text("summary", report);
    let mode = fields.text("mode", report).and_then(|text| mode(&text, report));
    let abilities = abilities(&fields.texts("abilities", report), report);
    let mtu = mtu(fields.text("mtu", report), &abilities, report);
    let command = plain(fields.texts("command", report));
    if kind == Some(Kind::Agent) && mode.is_none() {
        let help = "write `mode: lockstep`, or `mode: realtime` if its clock cannot be the tester's";
        report.add(&kind_at, "an agent needs a `mode`", Some(help.to_owned()));
    }
    if kind == Some(Kind::Agent) && command.is_empty() {
        let help = "write `command: [PROGRAM, ARGUMENT...]`, which starts it";
        report.add(&kind_at, "an agent needs a `command`", Some(help.to_owned()));
    }
    let build = plain(fields.texts("build", report));
    let requires = requires(fields.take("requires"), report);
    let patience = fields.text("patience", report);
    let patience = patience.and_then(|text| time(&text, Duration::from_millis(1)..=LONGEST, report));
    let claims = claims(&fields.texts("claims", report), report);
    let times = times(fields.map("times", report), report);
    let configure = configure(fields.map("configure", report), report);
    fields.deny_rest("a runner", &KEYS, report);
    let kind = kind?;
    let mode = mode.unwrap_or(match kind {
        Kind::Kernel => Mode::RealTime,
        Kind::Embedded | Kind::Agent => Mode::Lockstep,
    });
    let facts = Facts {
        name: name?.text,
        version: None,
        abilities,
        claims,
        tolerances: Tolerances::with(times),
        mtu,
        virtual_time: mode == Mode::Lockstep,
    };
    Some(Runner {
        facts: Arc::new(facts),
        kind,
        summary: summary.map(|text| text.text).unwrap_or_default(),
        mode,
        command,
        build,
        requires,
        patience: patience.unwrap_or(usual_patience(kind)),
        configure,
    })
}

fn plain(texts: Vec<Text>) -> Vec<String> {
    texts.into_iter().map(|text| text.text).collect()
}

/// Notes an unknown word, with the likeliest known one, or with all of them.
fn unknown(what: &str, word: &Text, known: &[&str], report: &mut Report) {
    let near = did_you_mean(&word.text, known.iter().copied());
    let help = near.unwrap_or_else(|| format!("expected one of {}", known.join(", ")));
    report.add(&word.place, format!("unknown {what} `{}`", word.text), Some(help));
}

fn kind(text: &Text, report: &mut Report) -> Option<Kind> {
    match text.text.as_str() {
        "kernel" => Some(Kind::Kernel),
        "embedded" => Some(Kind::Embedded),
        "agent" => Some(Kind::Agent),
        _ => {
            unknown("kind", text, &["agent", "embedded", "kernel"], report);
            None
        }
    }
}

fn mode(text: &Text, report: &mut Report) -> Option<Mode> {
    match text.text.as_str() {
        "lockstep" => Some(Mode::Lockstep),
        "realtime" => Some(Mode::RealTime),
        _ => {
            unknown("mode", text, &["lockstep", "realtime"], report);
            None
        }
    }
}

fn abilities(texts: &[Text], report: &mut Report) -> Abilities {
    let settings: Vec<String> = Setting::of_sockets().map(|setting| format!("set:{setting}")).collect();
    let words = ABILITIES.iter().map(|word| word.name);
    let known: Vec<&str> = words.chain(settings.iter().map(String::as_str)).collect();
    for text in texts.iter().filter(|text| !is_ability(&text.text)) {
        unknown("ability", text, &known, report);
    }
    texts.iter().map(|text| text.text.clone()).collect()
}

fn claims(texts: &[Text], report: &mut Report) -> BTreeSet<Condition> {
    let known: Vec<&str> = Condition::ALL.iter().map(|known| known.name()).collect();
    let found = texts.iter().filter_map(|text| {
        let found = Condition::from_name(&text.text);
        if found.is_none() {
            unknown("condition", text, &known, report);
        }
        found
    });
    found.collect()
}

fn mtu(text: Option<Text>, abilities: &Abilities, report: &mut Report) -> u16 {
    let Some(text) = text else { return ETHERNET };
    let spoken = LEAST_MTU.iter().filter(|(ip, _)| abilities.can(ip));
    let (ip, least) = *spoken.max_by_key(|(_, least)| *least).unwrap_or(&LEAST_MTU[0]);
    match text.text.parse() {
        Ok(mtu) if mtu >= least => mtu,
        _ => {
            let help = format!("write a number of octets from {least}, the least that {ip} allows, to 65535");
            report.add(&text.place, format!("`{}` is no MTU", text.text), Some(help));
            ETHERNET
        }
    }
}

fn requires(node: Option<Node>, report: &mut Report) -> Vec<Needed> {
    let items = match node {
        None => Vec::new(),
        Some(Node::List(items, _)) => items,
        Some(other) => vec![other],
    };
    let needed = items.into_iter().filter_map(|item| {
        let mut fields = Fields::of(item, "each item of `requires`", report)?;
        let begin = fields.begin();
        let what = fields.text("file", report).or(fields.text("program", report));
        let apt = fields.text("apt", report);
        fields.deny_rest("an item of `requires`", &["file", "program", "apt"], report);
        if what.is_none() || apt.is_none() {
            let help = "write `{file: /PATH, apt: PACKAGE}` or `{program: NAME, apt: PACKAGE}`";
            report.add(&begin, "an item of `requires` lacks a part", Some(help.to_owned()));
        }
        Some(Needed {
            what: what?.text,
            apt: apt?.text,
        })
    });
    needed.collect()
}

fn times(pairs: Vec<(Text, Node)>, report: &mut Report) -> BTreeMap<Tolerance, Duration> {
    let names = Tolerance::ALL.map(Tolerance::name);
    let mut times = BTreeMap::new();
    let mut written = BTreeMap::new();
    for (name, node) in pairs {
        let Some(tolerance) = Tolerance::from_name(&name.text) else {
            unknown("time", &name, &names, report);
            continue;
        };
        let Node::Text(text) = node else {
            let help = "write a time, such as 100ms or 1.5s";
            report.add(node.place(), format!("`{tolerance}` is a time"), Some(help.to_owned()));
            continue;
        };
        let time = match tolerance {
            Tolerance::Slack => ratio(&text, report),
            // A stack may answer every segment at once, send again at once, and send every challenge ACK.
            Tolerance::AckDelay | Tolerance::Due | Tolerance::ChallengeGap => {
                time(&text, Duration::ZERO..=LONGEST, report)
            }
            Tolerance::Prompt
            | Tolerance::Soon
            | Tolerance::RtoInitial
            | Tolerance::Rto
            | Tolerance::RtoMax
            | Tolerance::TimeWait => time(&text, Duration::from_nanos(1)..=LONGEST, report),
        };
        times.extend(time.map(|time| (tolerance, time)));
        written.insert(tolerance, text);
    }
    let all = Tolerances::with(times.clone());
    for shorter in [Tolerance::Rto, Tolerance::RtoInitial] {
        let place = written.get(&Tolerance::RtoMax).or(written.get(&shorter));
        if let Some(text) = place.filter(|_| all.get(shorter) > all.get(Tolerance::RtoMax)) {
            let message = format!("`{shorter}` is longer than `rto-max`, where backing off ends");
            let help = format!("they are {:?} and {:?}", all.get(shorter), all.get(Tolerance::RtoMax));
            report.add(&text.place, message, Some(help));
        }
    }
    times
}

/// A part of a time, `0.25` for a quarter; a tolerance stores it as seconds.
fn ratio(text: &Text, report: &mut Report) -> Option<Duration> {
    let number = text.text.parse().ok().filter(|number| (0.0..=1.0).contains(number));
    if number.is_none() {
        let help = "write the part of a time that it may be off, from 0 to 1: 0.25 is a quarter";
        report.add(
            &text.place,
            format!("`{}` is no ratio", text.text),
            Some(help.to_owned()),
        );
    }
    number.map(Duration::from_secs_f64)
}

fn time(text: &Text, range: RangeInclusive<Duration>, report: &mut Report) -> Option<Duration> {
    let time = match parse_time(&text.text) {
        Ok(time) if range.contains(&time) => return Some(time),
        Ok(time) if time > *range.end() => "write at most 24h".to_owned(),
        Ok(_) => "write a time that passes, such as 100ms".to_owned(),
        Err(help) => help,
    };
    report.add(&text.place, format!("`{}` cannot be this time", text.text), Some(time));
    None
}

/// A time such as `100ms`, `1.5s` or `2m`. An error says what to write.
pub(super) fn parse_time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let number: Option<f64> = digits.parse().ok();
    let unit = match &text[digits.len()..] {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "" if number.is_some() => return Err(format!("say of what: {text}s, or {text}ms?")),
        other if number.is_some() => return Err(format!("unknown unit `{other}`, expected us, ms, s, m or h")),
        _ => return Err("write a number and a unit, such as 100ms or 1.5s".to_owned()),
    };
    let number = number.ok_or("write a number and a unit, such as 100ms or 1.5s")?;
    Duration::try_from_secs_f64(number * unit).map_err(|_| "no time passes backwards, or for ever".to_owned())
}

fn configure(pairs: Vec<(Text, Node)>, report: &mut Report) -> Configure {
    let known: Vec<&str> = HOST_SETTINGS.iter().map(|setting| setting.name).collect();
    let mut configure = Configure::new();
    for (name, node) in pairs {
        if !known.contains(&name.text.as_str()) {
            unknown("setting", &name, &known, report);
        }
        let what = format!("`{}`", name.text);
        let values = Fields::of(node, &what, report)
            .map(Fields::into_pairs)
            .unwrap_or_default();
        let lowered = values.into_iter().map(|(value, node)| {
            let what = format!("{what} at `{}`", value.text);
            let fields = Fields::of(node, &what, report);
            let settings = fields
                .map(|fields| fields.into_texts(&what, report))
                .unwrap_or_default();
            (value.text, settings)
        });
        configure.insert(name.text, lowered.collect());
    }
    configure
}
