//! `tcpvet inspect`

use super::arguments::InspectArguments;
use super::{MISTAKE, OK, output};
use std::fmt::Write;
use std::fs::File;
use tcpvet::capture::{self, Captured, Connection, Finding, Inspection};
use tcpvet::report::level_word;
use tcpvet::rfc::Level;

/// A rule was broken.
const BROKEN: u8 = 1;

/// Judges a capture; gives the exit code.
pub fn inspect(arguments: &InspectArguments) -> u8 {
    let name = arguments.file.display();
    let file = match File::open(&arguments.file) {
        Ok(file) => file,
        Err(err) => return mistake(&format!("cannot read `{name}`: {err}")),
    };
    let captured = match capture::read(file) {
        Ok(captured) => captured,
        Err(error) => return mistake(&format!("cannot read `{name}`: {error}")),
    };
    let inspection = capture::inspect(&captured, arguments.on);
    if let Some(on) = arguments.on
        && !inspection
            .connections
            .iter()
            .any(|it| it.ends.0.ip() == on || it.ends.1.ip() == on)
    {
        return mistake(&format!("no connection in `{name}` has the end {on}"));
    }
    output::print(&text(arguments, &captured, &inspection));
    let findings = inspection.connections.iter().flat_map(|it| &it.findings);
    let worst = findings.map(|finding| finding.rule.level()).max();
    match worst {
        Some(Level::Must) => BROKEN,
        Some(Level::Should) if arguments.strict => BROKEN,
        _ => OK,
    }
}

fn mistake(problem: &str) -> u8 {
    output::error(problem);
    MISTAKE
}

fn text(arguments: &InspectArguments, captured: &Captured, inspection: &Inspection) -> String {
    let mut text = String::new();
    for connection in &inspection.connections {
        if arguments.verbose || !connection.findings.is_empty() {
            describe(connection, &mut text);
        }
    }
    let connections = inspection.connections.len();
    let broken: usize = inspection.connections.iter().map(|it| it.findings.len()).sum();
    let with = inspection
        .connections
        .iter()
        .filter(|it| !it.findings.is_empty())
        .count();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{}: {}, {}",
        arguments.file.display(),
        count(captured.frames, "frame"),
        count(connections, "TCP connection")
    );
    for note in notes(arguments, captured, inspection) {
        let _ = writeln!(text, "  {note}");
    }
    let _ = match broken {
        0 => writeln!(text, "No rule is broken."),
        _ => writeln!(
            text,
            "{} broken in {}.",
            count(broken, "rule"),
            count(with, "connection")
        ),
    };
    text
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

/// What could not be judged, and why.
fn notes(arguments: &InspectArguments, captured: &Captured, inspection: &Inspection) -> Vec<String> {
    let mut notes = Vec::new();
    if !captured.damage.is_empty() {
        let damage = &captured.damage;
        notes.push(format!("{damage}: what came before was judged"));
    }
    if captured.cut > 0 {
        let cut = count(captured.cut, "frame");
        notes.push(format!(
            "{cut} cut by the capture and not judged; capture whole frames (tcpdump -s 0)"
        ));
    }
    for link in &captured.unknown_links {
        notes.push(format!("frames of link type {link} cannot be read"));
    }
    if inspection.others > 0 {
        notes.push(format!("{} without a TCP segment", count(inspection.others, "packet")));
    }
    if inspection.offloaded > 0 {
        let segments = count(inspection.offloaded, "segment");
        notes.push(format!(
            "{segments} captured before the network interface put the checksum in: taken for right"
        ));
    }
    let lacking = inspection.connections.iter().filter(|it| it.lacks_segments).count();
    if lacking > 0 {
        let connections = count(lacking, "connection");
        notes.push(format!(
            "{connections} of which the capture lacks segments: rules that need all were not applied"
        ));
    }
    if arguments.on.is_none() && !inspection.connections.is_empty() {
        notes.push("only rules that lost or reordered frames cannot mislead; `--on ADDRESS` names the".to_owned());
        notes.push("host on which the capture was taken, and all rules are applied to it".to_owned());
    }
    notes
}

fn describe(connection: &Connection, text: &mut String) {
    let (one, other) = connection.ends;
    let seconds = |at: tcpvet::time::Instant| at.as_micros() as f64 / 1e6;
    let _ = writeln!(
        text,
        "{one} <-> {other}  {}, {:.6} to {:.6} s",
        count(connection.segments, "segment"),
        seconds(connection.from),
        seconds(connection.to)
    );
    for finding in &connection.findings {
        describe_finding(finding, text);
    }
    text.push('\n');
}

fn describe_finding(finding: &Finding, text: &mut String) {
    let rule = finding.rule;
    let _ = writeln!(
        text,
        "  {} breaks the rule `{}`: {}",
        finding.end, rule.name, rule.meaning
    );
    for (id, level) in rule.requirements {
        let _ = writeln!(text, "    {} {id}", level_word(*level));
    }
    for (number, at, segment) in &finding.frames {
        let _ = writeln!(text, "    frame {number:<6} {at}  {segment}");
    }
    let _ = writeln!(text, "    {}", finding.text);
}
