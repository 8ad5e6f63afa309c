//! `runners/PROTOCOL.md` says what is so: its transcripts are held against the parser and the reference endpoint, its
//! lists of words against those of the program.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use tcpvet::drive::protocol::{Mode, Reply, Request, Turn, VERSION};
use tcpvet::rfc::State;
use tcpvet::stack::{ErrorName, Setting};

const PAGE: &str = include_str!("../runners/PROTOCOL.md");

/// The lines of the block of that name, each with who says it.
fn transcript(name: &str) -> Vec<(char, &'static str)> {
    let begin = format!("```{name}\n");
    let from = PAGE.find(&begin).expect("there is such a block") + begin.len();
    let block = PAGE[from..].split("```").next().unwrap_or_default();
    let speaker = |line: &'static str| (line.chars().next().unwrap_or(' '), line.get(2..).unwrap_or_default());
    block.lines().map(speaker).collect()
}

/// Every line of a transcript is one that the program knows, or, where it is answered so, one that it does not.
fn is_spoken(lines: &[(char, &str)], mode: Mode) {
    for (at, (who, line)) in lines.iter().enumerate() {
        let known = match who {
            '>' => Turn::parse(line).map(|turn| turn.to_string()),
            '<' => Reply::parse(line).map(|reply| reply.to_string()),
            other => panic!("who says {other}{line}?"),
        };
        match known {
            Ok(printed) if line.starts_with("agent ") => assert_eq!(printed.len(), line.len()),
            Ok(printed) => assert_eq!(printed, *line),
            Err(_) => assert_eq!(
                lines.get(at + 1),
                Some(&('<', format!("unknown {line}").as_str())),
                "{line}"
            ),
        }
    }
    let hello = Turn {
        at: None,
        request: Request::Hello(mode),
    };
    assert_eq!(
        lines.first().map(|(_, line)| (*line).to_owned()),
        Some(hello.to_string())
    );
}

#[test]
fn the_transcripts_are_lines_of_the_protocol() {
    is_spoken(&transcript("transcript"), Mode::Lockstep);
    is_spoken(&transcript("realtime"), Mode::RealTime);
    assert!(PAGE.starts_with(&format!("# The agent protocol, version {VERSION}\n")));
}

#[test]
fn the_reference_endpoint_says_what_the_transcript_says() {
    let mut agent = Command::new(env!("CARGO_BIN_EXE_tcpvet"))
        .arg("__agent")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut tell = agent.stdin.take().expect("it is piped");
    let mut said = BufReader::new(agent.stdout.take().expect("it is piped")).lines();
    for (who, line) in transcript("transcript") {
        match who {
            '>' => writeln!(tell, "{line}").expect("it listens"),
            _ => same(&said.next().expect("it answers").expect("it can be read"), line),
        }
    }
    drop(tell);
    assert!(said.next().is_none(), "nothing more comes");
    assert!(agent.wait().expect("it ends").success());
}

/// The page names a part of its abilities, and whatever version.
fn same(said: &str, written: &str) {
    match (Reply::parse(said), Reply::parse(written)) {
        (Ok(Reply::Agent { abilities: can, .. }), Ok(Reply::Agent { abilities: some, .. })) => {
            assert!(some.iter().all(|name| can.can(name)), "{said}");
        }
        _ => assert_eq!(said, written),
    }
}

#[test]
fn the_names_are_all_there() {
    for state in State::ALL {
        assert!(PAGE.contains(&state.to_string()), "{state}");
    }
    for error in [
        ErrorName::Refused,
        ErrorName::DoesNotExist,
        ErrorName::NoResources,
        ErrorName::TimedOut,
    ] {
        assert!(PAGE.contains(error.name()), "{error}");
    }
    assert!(PAGE.contains(&format!("`{}=true`", Setting::NoDelay)));
    let can = PAGE
        .lines()
        .find(|line| line.starts_with("| `agent NAME"))
        .expect("it is told");
    let words = can.split('`').nth(3).expect("a list").split_whitespace();
    for word in words.filter(|word| *word != "set:NAME") {
        assert!(tcpvet::stack::is_ability(word), "{word}");
    }
}
