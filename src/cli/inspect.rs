//! `tcpvet inspect`

use super::arguments::InspectArguments;
use super::{ENVIRONMENT, FAILED, MISTAKE, OK, output};
use std::fs::File;
use std::io;
use std::path::Path;
use tcpvet::capture::{self, Connection, Finding, Inspection};
use tcpvet::report::{level_word, wrap};
use tcpvet::rfc::Level;
use tcpvet::suite;
use tcpvet::time::Instant;

/// The most columns of a line; what is longer is wrapped.
const COLUMNS: usize = 80;

/// The result for one file.
struct JudgedFile {
    broken: bool,
    read: bool,
    partial: bool,
}

impl JudgedFile {
    const UNREAD: JudgedFile = JudgedFile {
        broken: false,
        read: false,
        partial: false,
    };

    fn exit_code(&self) -> u8 {
        match self {
            JudgedFile { read: false, .. } => MISTAKE,
            JudgedFile { broken: true, .. } => FAILED,
            JudgedFile { partial: true, .. } => ENVIRONMENT,
            _ => OK,
        }
    }
}

/// Judges captures; gives the exit code.
pub(super) fn inspect(arguments: &InspectArguments) -> u8 {
    let judged: Vec<JudgedFile> = arguments.files.iter().map(|file| judge(arguments, file)).collect();
    if judged.len() > 1 {
        let count = |which: fn(&JudgedFile) -> bool| judged.iter().filter(|it| which(it)).count();
        output::print(&format!(
            "{} files: {} with a broken rule, {} judged only in part, {} not read\n",
            judged.len(),
            count(|it| it.broken),
            count(|it| it.partial),
            count(|it| !it.read)
        ));
    }
    suite::exit_code(judged.iter().map(JudgedFile::exit_code))
}

fn judge(arguments: &InspectArguments, file: &Path) -> JudgedFile {
    let name = match file.as_os_str() == "-" {
        true => "standard input".to_owned(),
        false => file.display().to_string(),
    };
    let inspection = match file.as_os_str() == "-" {
        true => capture::inspect(io::stdin().lock(), arguments.on).map_err(|error| error.0),
        false => match File::open(file) {
            Ok(file) => capture::inspect(file, arguments.on).map_err(|error| error.0),
            Err(error) => Err(error.to_string()),
        },
    };
    let inspection = match inspection {
        Ok(inspection) => inspection,
        Err(error) => {
            output::error(&format!("cannot read `{name}`: {error}"));
            return JudgedFile::UNREAD;
        }
    };
    if let Some(damage) = &inspection.damage {
        output::error(&format!(
            "`{name}` is damaged {damage}; what comes before was judged; copy or capture it again"
        ));
    }
    if let Some(on) = arguments.on
        && inspection.segments > 0
        && !inspection
            .connections
            .iter()
            .any(|it| it.ends.0.ip() == on || it.ends.1.ip() == on)
    {
        output::error(&format!("no connection in `{name}` has the end {on}"));
        return JudgedFile::UNREAD;
    }
    output::print(&Text::of(arguments, &name, &inspection).0);
    let findings = inspection.connections.iter().flat_map(|it| &it.findings);
    JudgedFile {
        broken: findings
            .map(|finding| finding.rule.level())
            .max()
            .is_some_and(|worst| match worst {
                Level::Must => true,
                Level::Should => arguments.strict,
                _ => false,
            }),
        read: true,
        partial: inspection.segments == 0 || inspection.is_partial(),
    }
}

fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

/// What is printed of a file.
struct Text(String);

impl Text {
    fn of(arguments: &InspectArguments, name: &str, inspection: &Inspection) -> Text {
        let mut text = Text(String::new());
        for connection in &inspection.connections {
            if arguments.verbose || !connection.findings.is_empty() {
                text.connection(connection);
            }
        }
        let (segments, frames) = (
            count(inspection.segments, "TCP segment"),
            count(inspection.frames, "frame"),
        );
        let connections = count(inspection.connections.len(), "connection");
        text.line(0, &format!("{name}: {frames}, {segments} of {connections} judged"));
        text.not_judged(inspection);
        for note in notes(arguments, inspection) {
            text.line(2, &note);
        }
        text.line(0, &verdict(inspection));
        text
    }

    /// Adds a line, and wraps it with a deeper indent.
    fn line(&mut self, indent: usize, line: &str) {
        for (place, part) in wrap(line, COLUMNS - indent - 2).into_iter().enumerate() {
            let indent = indent + if place > 0 { 2 } else { 0 };
            self.0.push_str(&" ".repeat(indent));
            self.0.push_str(&part);
            self.0.push('\n');
        }
    }

    fn connection(&mut self, connection: &Connection) {
        let (one, other) = connection.ends;
        let seconds = |at: Instant| at.as_micros() as f64 / 1e6;
        let segments = count(connection.segments, "segment");
        let (from, to) = (seconds(connection.from), seconds(connection.to));
        self.line(0, &format!("{one} <-> {other}, {segments}, {from:.6} to {to:.6} s"));
        for finding in &connection.findings {
            self.finding(finding);
        }
        self.0.push('\n');
    }

    fn finding(&mut self, finding: &Finding) {
        let rule = finding.rule;
        let (end, name, meaning) = (finding.end, rule.name, rule.meaning);
        self.line(2, &format!("{end} breaks the rule `{name}`: {meaning}"));
        for (id, level, grounds) in rule.requirements {
            self.line(4, &format!("{} {id}{grounds}", level_word(*level)));
        }
        for (number, at, segment) in &finding.frames {
            self.line(4, &format!("frame {number}, {at}: {segment}"));
        }
        self.line(4, &finding.text);
    }

    /// What should have been judged and was not, and why.
    fn not_judged(&mut self, inspection: &Inspection) {
        if !inspection.is_partial() {
            return;
        }
        self.line(2, "Not judged:");
        for (reason, number) in &inspection.left_out {
            self.line(4, &format!("{} {reason}", count(*number, "frame")));
        }
        if let Some(damage) = &inspection.damage {
            self.line(
                4,
                &format!("everything from offset {} on, where the file is damaged", damage.offset),
            );
        }
        if inspection.merged > 0 {
            let checksums = count(inspection.merged, "checksum");
            self.line(
                4,
                &format!("{checksums} of what may be several segments, merged by an interface"),
            );
        }
        if inspection.untimed > 0 {
            let segments = count(inspection.untimed, "segment");
            self.line(4, &format!("{segments} without a time: no rule about time was applied"));
        }
        let lacking = inspection.connections.iter().filter(|it| it.lacks_segments).count();
        if lacking > 0 {
            let connections = count(lacking, "connection");
            self.line(
                4,
                &format!("{connections} of which the capture lacks segments: rules that need all were not applied"),
            );
        }
    }
}

/// Remarks for the reader.
fn notes(arguments: &InspectArguments, inspection: &Inspection) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |number: usize, what: &str, text: &str| {
        if number > 0 {
            notes.push(format!("{} {text}", count(number, what)));
        }
    };
    note(inspection.others, "frame", "without a TCP segment");
    note(
        inspection.unknown_blocks,
        "block",
        "of a kind that is not known here, passed over",
    );
    note(
        usize::try_from(inspection.dropped).unwrap_or(usize::MAX),
        "packet",
        "dropped while capturing, by the capture's own count: what came in them is not known",
    );
    note(
        inspection.offloaded,
        "segment",
        "captured before the network interface put the checksum in: taken for right",
    );
    let begun = inspection.connections.iter().filter(|it| !it.begins).count();
    note(
        begun,
        "connection",
        "begun before the capture: what the ends agreed upon in their SYNs is not known",
    );
    if arguments.on.is_none() && inspection.segments > 0 {
        notes.push(
            "only rules that lost or reordered frames cannot mislead; `--on ADDRESS` names the host on which the \
             capture was taken, and all rules are applied to it"
                .to_owned(),
        );
    }
    notes
}

fn verdict(inspection: &Inspection) -> String {
    let partial = inspection.is_partial();
    let findings: Vec<&Finding> = inspection.connections.iter().flat_map(|it| &it.findings).collect();
    let with = inspection
        .connections
        .iter()
        .filter(|it| !it.findings.is_empty())
        .count();
    match (inspection.segments, findings.len()) {
        (0, 0) => "Nothing was judged: no TCP segment could be read.".to_owned(),
        (_, 0) if partial => "No rule is broken in what was judged, but ONLY A PART was: see above.".to_owned(),
        (_, 0) => "No rule is broken.".to_owned(),
        (_, broken) => {
            let musts = findings.iter().filter(|it| it.rule.level() == Level::Must).count();
            let levels = match broken - musts {
                0 => format!("{musts} MUST"),
                shoulds => format!("{musts} MUST, {shoulds} SHOULD (red with `--strict` only)"),
            };
            let (rules, connections) = (count(broken, "rule"), count(with, "connection"));
            let rest = if partial {
                " ONLY A PART was judged: see above."
            } else {
                ""
            };
            format!("{rules} broken in {connections}: {levels}.{rest}")
        }
    }
}
