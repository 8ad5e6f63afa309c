//! YAML text to a tree of texts, each with its place.
//!
//! Every scalar is text; what it means is decided by the field that takes it. Whatever two YAML readers could read
//! differently is refused here, so that every reader sees what we see.

use super::problem::Problem;
use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// Longer files are not read.
pub(super) const MAX_FILE: u64 = 1 << 20;
/// Deeper nesting is refused.
const MAX_DEPTH: usize = 32;
/// More problems than this are only counted.
const MAX_PROBLEMS: usize = 50;

/// A file: its name as shown to a person, and its text.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<str>,
}

/// Where something stands in a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// In octets.
    pub(super) at: Range<usize>,
    /// From 1.
    pub(super) line: u32,
    /// In characters, from 1.
    pub(super) column: u32,
}

/// A scalar.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) place: Place,
    /// Where in the file the text begins, if it stands there octet by octet.
    verbatim: Option<usize>,
}

/// A node of the tree.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Text(Text),
    List(Vec<Node>, Place),
    Map(Vec<(Text, Node)>, Place),
}

impl Node {
    pub(crate) fn place(&self) -> &Place {
        match self {
            Node::Text(text) => &text.place,
            Node::List(_, place) | Node::Map(_, place) => place,
        }
    }
}

impl Text {
    /// A text that stands in no file.
    pub(super) fn made_up(text: &str) -> Text {
        Text {
            text: text.to_string(),
            place: Place::default(),
            verbatim: None,
        }
    }

    /// The place of a part of the text, as far as the file shows it.
    pub(super) fn part(&self, part: Range<usize>, source: &Source) -> Place {
        let Some(begin) = self.verbatim else {
            return self.place.clone();
        };
        let at = begin + part.start.min(self.text.len())..begin + part.end.min(self.text.len());
        // A verbatim text stands on one line, so only its column can differ.
        let before = source.text.get(self.place.at.start..at.start).unwrap_or_default();
        Place {
            line: self.place.line,
            column: self.place.column + u32::try_from(before.chars().count()).unwrap_or(0),
            at,
        }
    }
}

/// What is wrong with one file, gathered while it is read.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(super) source: &'a Source,
    problems: Vec<Problem>,
    seen: BTreeMap<(usize, String), usize>,
    /// Stretches of the file that YAML reads otherwise than their author meant, each with the problem that says so.
    /// Other problems within them only follow from that, and are left out.
    suspect: Vec<(Range<usize>, usize)>,
    uncounted: usize,
}

impl<'a> Report<'a> {
    pub(crate) fn new(source: &'a Source) -> Report<'a> {
        Report {
            source,
            problems: Vec::new(),
            seen: BTreeMap::new(),
            suspect: Vec::new(),
            uncounted: 0,
        }
    }

    /// Notes a problem.
    pub(crate) fn add(&mut self, place: &Place, message: impl Into<String>, help: Option<String>) {
        self.push(place, message.into(), help, None);
    }

    /// Notes a problem that may be the same in many rows of a matrix; it is told once.
    pub(super) fn add_in_row(&mut self, place: &Place, message: String, help: Option<String>, note: Option<String>) {
        self.push(place, message, help, note);
    }

    /// Notes a trap of YAML, and the stretch in which problems only follow from it.
    fn trap(&mut self, place: &Place, suspect: Range<usize>, message: String, help: &str) {
        let own = self.problems.len();
        self.push(place, message, Some(help.to_string()), None);
        self.suspect.push((suspect, own));
    }

    /// Whether something within the place was read otherwise than it was meant.
    pub(super) fn is_suspect(&self, place: &Place) -> bool {
        self.suspect
            .iter()
            .any(|(range, _)| range.start >= place.at.start && range.start < place.at.end.max(place.at.start + 1))
    }

    pub(super) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    fn push(&mut self, place: &Place, message: String, help: Option<String>, note: Option<String>) {
        let key = (place.at.start, message.clone());
        if self.seen.contains_key(&key) {
            return;
        }
        if self.problems.len() == MAX_PROBLEMS {
            self.uncounted += 1;
            return;
        }
        self.seen.insert(key, self.problems.len());
        let text = &self.source.text;
        let begin = text[..place.at.start.min(text.len())]
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let line = text[begin..].lines().next().unwrap_or_default();
        let problem = Problem {
            file: self.source.name.clone(),
            span: place.at.clone(),
            line: place.line as usize,
            column: place.column as usize,
            message,
            help,
            note,
            excerpt: Some(line.to_string()),
        };
        self.problems.push(problem);
    }

    /// The problems in the order of their places.
    pub(crate) fn finish(self) -> Vec<Problem> {
        let suspect = self.suspect;
        let is_noise = |at: usize, span: &Range<usize>| {
            suspect
                .iter()
                .any(|(range, own)| *own < at && range.start <= span.start && span.end <= range.end)
        };
        let mut problems: Vec<Problem> = Vec::new();
        for (at, problem) in self.problems.into_iter().enumerate() {
            if !is_noise(at, &problem.span) {
                problems.push(problem);
            }
        }
        problems.sort_by_key(|problem| problem.span.start);
        if self.uncounted > 0 {
            let message = format!("{} more problems in this file", self.uncounted);
            problems.push(Problem::with_file(&self.source.name, message, "put these right first"));
        }
        problems
    }
}

/// Reads one case. `None` if nothing can be made of it; what is wrong is in the report.
pub(super) fn read(report: &mut Report) -> Option<Node> {
    let root = read_document(report, true);
    if root.is_none() && report.is_clean() {
        let place = Place {
            at: 0..0,
            line: 1,
            column: 1,
        };
        report.add(&place, "the file is empty", Some("a case begins with `title:`".into()));
    }
    root
}

/// Reads one document that only we read, so that what other readers would take it for does not matter. `None` if it is
/// empty, or if nothing can be made of it; what is wrong is in the report.
pub(crate) fn read_plain(report: &mut Report) -> Option<Node> {
    read_document(report, false)
}

fn read_document(report: &mut Report, refuse_traps: bool) -> Option<Node> {
    let source = report.source;
    if !characters_are_plain(report) {
        return None;
    }
    let mut reader = Reader {
        source,
        offsets: Offsets::new(&source.text),
        stack: Vec::new(),
        root: None,
        documents: 0,
        refuse_traps,
    };
    for event in Parser::new_from_str(reader.offsets.body(&source.text)) as Parser<StrInput> {
        let (event, span) = match event {
            Ok(found) => found,
            Err(error) => {
                let mark = *error.marker();
                let place = reader.place(Span::new(mark, mark));
                report.add(
                    &place,
                    format!("this is not YAML: {}", error.info()),
                    yaml_remedy(error.info()),
                );
                return None;
            }
        };
        if !reader.take(event, span, report) {
            return None;
        }
    }
    reader.root
}

/// The usual remedy for a complaint of the YAML parser.
fn yaml_remedy(info: &str) -> Option<String> {
    let remedy = if info.contains("mapping values are not allowed") || info.contains("simple key") {
        "a text that holds `: ` must be quoted as a whole"
    } else if info.contains("while parsing a block mapping") || info.contains("did not find expected key") {
        "check the indentation; a text that begins with a quote must end with it"
    } else if info.contains("flow") || info.contains(']') || info.contains('}') {
        "quote texts inside [] and {}, and close what was opened"
    } else {
        "check indentation and quotes"
    };
    Some(remedy.to_string())
}

/// Refuses characters that YAML readers take differently, or that a terminal acts upon.
fn characters_are_plain(report: &mut Report) -> bool {
    let source = report.source;
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let base = source.text.len() - text.len();
    let mut line = 1;
    let mut line_start = 0;
    for (at, c) in text.char_indices() {
        let (message, help) = match c {
            '\n' => {
                line += 1;
                line_start = at + 1;
                continue;
            }
            '\r' if text[at..].starts_with("\r\n") => continue,
            '\r' => (
                "a carriage return without a line feed".to_string(),
                "end lines with a line feed",
            ),
            '\t' => ("a tab".to_string(), "use blanks; inside a segment's text write `\\t`"),
            '\u{feff}' | '\u{2028}' | '\u{2029}' => (unprintable(c), "take it out"),
            c if c.is_control() => (unprintable(c), "take it out; inside a segment's text write `\\xNN`"),
            _ => continue,
        };
        let column = text[line_start..at].chars().count() + 1;
        let place = Place {
            at: base + at..base + at + c.len_utf8(),
            line,
            column: u32::try_from(column).unwrap_or(u32::MAX),
        };
        report.add(&place, message, Some(help.to_string()));
        return false;
    }
    true
}

fn unprintable(c: char) -> String {
    format!("an invisible character, U+{:04X}", u32::from(c))
}

/// Turns the parser's offsets, which count characters, into octets.
struct Offsets {
    /// The byte-order mark that some editors put before everything.
    base: usize,
    /// `None`: all characters are ASCII.
    table: Option<Vec<usize>>,
}

impl Offsets {
    fn new(text: &str) -> Offsets {
        let base = if text.starts_with('\u{feff}') {
            '\u{feff}'.len_utf8()
        } else {
            0
        };
        let body = &text[base..];
        let table = (!body.is_ascii()).then(|| body.char_indices().map(|(at, _)| at).chain([body.len()]).collect());
        Offsets { base, table }
    }

    fn body<'t>(&self, text: &'t str) -> &'t str {
        &text[self.base..]
    }

    fn octet(&self, character: usize, length: usize) -> usize {
        let at = match &self.table {
            Some(table) => table.get(character).copied().unwrap_or(length),
            None => character,
        };
        (self.base + at).min(length)
    }
}

/// A list or map whose end has not been read yet.
enum Open {
    List(Vec<Node>, Place),
    Map {
        pairs: Vec<(Text, Node)>,
        keys: BTreeSet<String>,
        key: Option<Text>,
        place: Place,
    },
}

/// Builds the tree from the parser's events.
struct Reader<'a> {
    source: &'a Source,
    offsets: Offsets,
    /// The open lists and maps from the outermost on; with each, whether it is written in `[]` or `{}`.
    stack: Vec<(Open, bool)>,
    root: Option<Node>,
    documents: usize,
    /// Whether texts are refused that another reader, or the eye, takes for something else.
    refuse_traps: bool,
}

impl Reader<'_> {
    fn place(&self, span: Span) -> Place {
        let length = self.source.text.len();
        let start = self.offsets.octet(span.start.index(), length);
        Place {
            at: start..self.offsets.octet(span.end.index(), length).max(start),
            line: u32::try_from(span.start.line()).unwrap_or(u32::MAX),
            column: u32::try_from(span.start.col() + 1).unwrap_or(u32::MAX),
        }
    }

    /// Takes one event; false if it makes no sense to go on.
    fn take(&mut self, event: Event, span: Span, report: &mut Report) -> bool {
        if report.problems.len() == MAX_PROBLEMS {
            return false;
        }
        let place = self.place(span);
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => true,
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    report.add(
                        &place,
                        "a second document",
                        Some("take out the `---`: a file holds one".into()),
                    );
                }
                self.documents == 1
            }
            Event::Alias(_) => {
                let help = "write it out; variations of a case belong into `matrix`";
                report.add(&place, "an alias (`*name`)", Some(help.into()));
                false
            }
            Event::Scalar(text, style, anchor, tag) => {
                let marked = self.refuse_anchor(anchor, tag.is_some(), &place, report);
                let text = self.scalar(&text, style, place, marked, report);
                self.put(Node::Text(text), report)
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_anchor(anchor, tag.is_some(), &place, report);
                self.open(Open::List(Vec::new(), place.clone()), &place, report)
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_anchor(anchor, tag.is_some(), &place, report);
                let map = Open::Map {
                    pairs: Vec::new(),
                    keys: BTreeSet::new(),
                    key: None,
                    place: place.clone(),
                };
                self.open(map, &place, report)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(place, report),
        }
    }

    /// Whether there was one.
    fn refuse_anchor(&self, anchor: usize, tagged: bool, place: &Place, report: &mut Report) -> bool {
        if anchor > 0 {
            let help = "write it out; variations of a case belong into `matrix`";
            report.add(place, "an anchor (`&name`)", Some(help.into()));
        }
        if tagged {
            let help = "take it out; if `!` begins the text, quote the whole";
            report.add(place, "a tag (`!name`)", Some(help.into()));
        }
        anchor > 0 || tagged
    }

    fn open(&mut self, open: Open, place: &Place, report: &mut Report) -> bool {
        if self.stack.len() >= MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} deep");
            report.add(
                place,
                message,
                Some("nothing needs that; is a bracket left open?".into()),
            );
            return false;
        }
        if let Some((Open::Map { key: None, .. }, _)) = self.stack.last() {
            report.add(place, "a key that is not a text", Some("keys are words".into()));
            return false;
        }
        let flow = matches!(self.source.text.as_bytes().get(place.at.start), Some(b'[' | b'{')) || self.in_flow();
        self.stack.push((open, flow));
        true
    }

    fn in_flow(&self) -> bool {
        self.stack.last().is_some_and(|(_, flow)| *flow)
    }

    fn close(&mut self, end: Place, report: &mut Report) -> bool {
        let Some((open, _)) = self.stack.pop() else {
            return false;
        };
        let until = |place: Place| {
            // Where a block ends, the parser points behind the blanks and comments that follow.
            let stretch = &self.source.text[place.at.start..end.at.end.max(place.at.start)];
            let length = stretch.trim_end().len();
            Place {
                at: place.at.start..place.at.start + length,
                ..place
            }
        };
        let node = match open {
            Open::List(items, place) => Node::List(items, until(place)),
            Open::Map { pairs, place, .. } => Node::Map(pairs, until(place)),
        };
        self.put(node, report)
    }

    /// Puts a finished node where it belongs.
    fn put(&mut self, node: Node, report: &mut Report) -> bool {
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some((Open::List(items, _), _)) => items.push(node),
            Some((Open::Map { pairs, keys, key, .. }, _)) => match (key.take(), node) {
                (Some(key), node) => pairs.push((key, node)),
                (None, Node::Text(text)) => {
                    if !keys.insert(text.text.clone()) {
                        let message = format!("`{}` is written twice", text.text);
                        let help = "readers keep one of the two: take one out";
                        report.trap(&text.place, text.place.at.clone(), message, help);
                    }
                    *key = Some(text);
                }
                (None, _) => return false,
            },
        }
        true
    }

    fn scalar(&self, text: &str, style: ScalarStyle, place: Place, marked: bool, report: &mut Report) -> Text {
        let begin = match style {
            ScalarStyle::Plain => Some(place.at.start),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Some(place.at.start + 1),
            ScalarStyle::Literal | ScalarStyle::Folded => None,
        };
        let verbatim = begin.filter(|at| {
            let there = self.source.text.get(*at..).unwrap_or_default();
            there.starts_with(text) && !text.contains('\n')
        });
        if let Some(c) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            let help = "take it out; inside a segment's text write `\\xNN`";
            report.add(&place, unprintable(c), Some(help.to_string()));
        }
        if style == ScalarStyle::Plain && !marked && self.refuse_traps {
            self.refuse_lookalike(text, &place, report);
            if self.in_flow() {
                self.refuse_cut(text, &place, report);
            }
        }
        Text {
            text: text.to_string(),
            place,
            verbatim,
        }
    }

    fn refuse_lookalike(&self, text: &str, place: &Place, report: &mut Report) {
        if let Some(taken_for) = lookalike(text) {
            let message = match text {
                "" => "nothing stands here".to_string(),
                _ => format!("`{text}` is {taken_for} to some YAML readers"),
            };
            let help = match text {
                "" => "write a value; the empty text is \"\", an empty map {}",
                _ => "use another word, or quote it",
            };
            report.trap(place, place.at.clone(), message, help);
        }
    }

    /// Inside `[]` and `{}` a comma ends a text, also in the middle of a segment.
    fn refuse_cut(&self, text: &str, place: &Place, report: &mut Report) {
        let behind = &self.source.text[place.at.end.min(self.source.text.len())..];
        let mut next = behind.chars();
        let comma = next.next() == Some(',') && next.next().is_some_and(|c| !c.is_whitespace());
        if !comma && !has_open_end(text) {
            return;
        }
        let collection = self.stack.iter().find(|(_, flow)| *flow);
        let from = match collection {
            Some((Open::List(_, place) | Open::Map { place, .. }, _)) => place.at.start,
            None => place.at.start,
        };
        // How far the damage reaches is known only when the bracket closes; its line is what can be seen.
        let until = self.source.text[place.at.end..]
            .find('\n')
            .map_or(self.source.text.len(), |at| place.at.end + at);
        let message = format!("`{text}` is cut at the comma");
        report.trap(place, from..until, message, "quote the segment inside [] and {}");
    }
}

/// Whether an option list or a text was begun and not ended.
fn has_open_end(text: &str) -> bool {
    let list = text.starts_with('<') || text.contains(" <");
    let open_list = list && !text.contains('>');
    open_list || text.matches('"').count() % 2 == 1
}

/// `1:30` and `20:30:15.5` of YAML 1.1, where what follows a colon is below 60.
fn is_sexagesimal(digits: &str) -> bool {
    let whole = digits.split_once('.').map_or(digits, |(whole, _)| whole);
    let mut parts = whole.split(':');
    let number = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let first = parts.next().is_some_and(number);
    let mut rest = parts.peekable();
    first && rest.peek().is_some() && rest.all(|part| number(part) && part.parse::<u32>().is_ok_and(|part| part < 60))
}

/// What some YAML reader takes a plain text for, if that is not what is written.
fn lookalike(text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "" => return Some("nothing"),
        "on" | "off" | "yes" | "no" | "y" | "n" => return Some("a truth value"),
        "true" | "false" if text.starts_with(char::is_uppercase) => return Some("a truth value"),
        "null" | "~" => return Some("nothing"),
        "<<" | "=" => return Some("an instruction"),
        ".inf" | "+.inf" | "-.inf" | ".nan" => return Some("a number"),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let all = |text: &str, also: &[char]| {
        text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_ascii_digit() || also.contains(&c))
    };
    if digits.len() > 1 && digits.starts_with('0') && all(digits, &['_']) {
        return Some("an octal number");
    }
    if digits.starts_with("0o") || digits.starts_with("0b") || text.starts_with('+') && all(digits, &['.']) {
        return Some("another number");
    }
    if all(digits, &[]) && digits.len() > 18 || all(digits, &['_', '.']) && digits.contains('_') {
        return Some("another number");
    }
    if is_sexagesimal(digits) {
        return Some("a number to the base of 60");
    }
    if digits.len() == 10 && all(digits, &['-']) && digits.matches('-').count() == 2 {
        return Some("a date");
    }
    let (mantissa, exponent) = digits.split_once(['e', 'E'])?;
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    (all(mantissa, &['.']) && all(exponent, &[])).then_some("a number with an exponent")
}

/// For tests: panics where serde_yaml reads a file otherwise than we do. It may spell numbers in its own way.
#[cfg(test)]
pub(super) fn reads_alike(source: &Source) {
    let mut report = Report::new(source);
    let ours = read(&mut report);
    assert_eq!(report.finish(), []);
    let theirs: serde_yaml::Value = serde_yaml::from_str(&source.text).unwrap_or_else(|error| {
        panic!("{}: {error}", source.name);
    });
    assert!(
        ours.is_some_and(|ours| is_alike(&ours, &theirs)),
        "{} reads otherwise",
        source.name
    );
}

#[cfg(test)]
fn is_alike(ours: &Node, theirs: &serde_yaml::Value) -> bool {
    use serde_yaml::Value;
    match (ours, theirs) {
        (Node::Text(text), Value::String(other)) => text.text == *other,
        (Node::Text(text), Value::Bool(other)) => text.text == other.to_string(),
        (Node::Text(text), Value::Number(other)) => {
            let hexadecimal = text
                .text
                .strip_prefix("0x")
                .and_then(|digits| u64::from_str_radix(digits, 16).ok());
            let number = hexadecimal
                .map(|number| number as f64)
                .or_else(|| text.text.parse().ok());
            number == other.as_f64()
        }
        (Node::List(items, _), Value::Sequence(others)) => {
            items.len() == others.len() && items.iter().zip(others).all(|(item, other)| is_alike(item, other))
        }
        (Node::Map(pairs, _), Value::Mapping(others)) => {
            let mut zipped = pairs.iter().zip(others);
            let alike = |((key, item), (name, other)): (&(Text, Node), (&Value, &Value))| {
                is_alike(&Node::Text(key.clone()), name) && is_alike(item, other)
            };
            pairs.len() == others.len() && zipped.all(alike)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{around, read_case, refuses, refuses_steps, scripts, texts};
    use super::*;
    use proptest::prelude::*;
    use std::time::Instant;

    fn source(text: &str) -> Source {
        Source {
            name: "x.yaml".into(),
            text: text.into(),
        }
    }

    /// Everything that is told of a text.
    fn told(text: &str) -> Vec<Problem> {
        let source = source(text);
        let mut report = Report::new(&source);
        read(&mut report);
        report.finish()
    }

    fn first(text: &str) -> (String, usize, usize) {
        let problems = told(text);
        let problem = problems.first().unwrap_or_else(|| panic!("{text:?} is accepted"));
        (problem.message.clone(), problem.line, problem.column)
    }

    #[test]
    fn every_scalar_is_text_with_its_place() {
        let source = source("a: 010x\nb: [ä, \"x y\", 'q']\n");
        let mut report = Report::new(&source);
        let Some(Node::Map(pairs, _)) = read(&mut report) else {
            panic!("no map")
        };
        let mut seen = Vec::new();
        for (key, value) in &pairs {
            seen.push((key.text.clone(), key.place.line, key.place.column));
            let items = match value {
                Node::List(items, _) => items.as_slice(),
                other => std::slice::from_ref(other),
            };
            for item in items {
                let Node::Text(text) = item else { panic!("not a text") };
                let part = text.part(0..text.text.len(), &source);
                assert_eq!(&source.text[part.at], text.text);
                seen.push((text.text.clone(), part.line, part.column));
            }
        }
        let expected = [
            ("a", 1, 1),
            ("010x", 1, 4),
            ("b", 2, 1),
            ("ä", 2, 5),
            ("x y", 2, 9),
            ("q", 2, 16),
        ];
        assert_eq!(
            seen,
            expected.map(|(text, line, column)| (text.to_string(), line, column))
        );
    }

    #[test]
    fn a_key_twice_is_refused() {
        refuses_steps(
            "  - expect: ACK\n    within: 1s\n    «within»: 2s\n",
            "`within` is written twice",
            "take one out",
        );
    }

    #[test]
    fn anchors_aliases_and_tags_are_refused() {
        assert_eq!(first("a: &x 1\n").0, "an anchor (`&name`)");
        assert_eq!(first("a: &x 1\nb: *x\n").0, "an anchor (`&name`)");
        assert_eq!(first("a: !!str 1\n").0, "a tag (`!name`)");
        assert_eq!(first("a: !ts\n").0, "a tag (`!name`)");
        assert!(
            told("a: &x [1]\nb: *x\n")
                .iter()
                .any(|problem| problem.message.contains("alias"))
        );
    }

    #[test]
    fn words_that_some_reader_takes_for_others_are_refused() {
        let words = [
            "on",
            "Off",
            "YES",
            "no",
            "y",
            "N",
            "null",
            "Null",
            "~",
            "True",
            "FALSE",
            "<<",
            ".inf",
            ".NaN",
            "010",
            "0o7",
            "0b1",
            "1_000",
            "1:30",
            "1:30.5",
            "2001-01-01",
            "1e3",
            "1.5E-3",
            "+1",
            "1234567890123456789",
        ];
        for word in words {
            let (message, line, column) = first(&format!("a: {word}\n"));
            assert!(message.contains(&format!("`{word}` is ")), "{message}");
            assert_eq!((line, column), (1, 4));
            assert_eq!(told(&format!("a: \"{word}\"\n")), [], "{word} in quotes");
        }
        assert_eq!(first("on: 1\n").0, "`on` is a truth value to some YAML readers");
        assert_eq!(first("a:\n").0, "nothing stands here");
    }

    #[test]
    fn what_all_readers_take_alike_is_accepted() {
        let words = [
            "0",
            "0.50",
            "1500ms",
            "0x7fffffff",
            "true",
            "false",
            "-1",
            "1..2",
            "0.7*time-wait",
            "3s..3s+2*rto",
            "0s",
            "1.2",
            "yesterday",
            "1e",
            "e3",
            "none",
            "7e",
            "1-2",
            "12:ab",
            "1501:501",
        ];
        for word in words {
            assert_eq!(told(&format!("a: {word}\n")), [], "{word}");
        }
    }

    #[test]
    fn a_segment_cut_at_its_comma_is_told_once() {
        refuses_steps(
            "  - faults: [{drop: «SYN»,ACK, nth: 1}]\n  - expect: ACK\n",
            "`SYN` is cut at the comma",
            "quote the segment",
        );
        refuses_steps(
            "  - call: recv\n    returns: [ok, «ok \"a»,b\"]\n  - expect: ACK\n",
            "is cut at the comma",
            "quote",
        );
        refuses(
            &around("  - expect: ACK\n").replace("established", "{state: established, options: «<mss 1460», sackOK>}"),
            "`<mss 1460` is cut at the comma",
            "quote the segment inside [] and {}",
        );
        assert_eq!(first("a: [SYN,ACK]\n"), ("`SYN` is cut at the comma".into(), 1, 5));
        assert_eq!(told("a: [SYN, ACK]\nb: ACK seq<5, x\nc: [ACK seq<5, \"<a, b>\"]\n"), []);
    }

    #[test]
    fn a_comparison_is_not_an_open_option_list() {
        assert_eq!(told("a: [ACK win<5, ACK ip.len<=1280]\n"), []);
    }

    #[test]
    fn tabs_control_characters_and_odd_line_ends_are_told_with_their_place() {
        assert_eq!(first("a: 1\n\tb: 2\n"), ("a tab".into(), 2, 1));
        assert_eq!(first("a: ä\u{0}\n"), ("an invisible character, U+0000".into(), 1, 5));
        assert_eq!(first("a: \u{85}b\n").0, "an invisible character, U+0085");
        assert_eq!(first("a: 1\rb: 2\n").0, "a carriage return without a line feed");
        assert_eq!(first("a: 1\n\u{feff}b: 2\n").0, "an invisible character, U+FEFF");
    }

    #[test]
    fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
        let plain = around("  - expect: ACK ack=1\n  - state: established\n");
        let windows = format!("\u{feff}{}", plain.replace('\n', "\r\n"));
        assert_eq!(texts(&scripts(&plain)[0]), texts(&scripts(&windows)[0]));
        let wrong = windows.replace("ack=1", "ack=?");
        let (_, problems) = read_case(&wrong);
        assert_eq!((problems[0].line, problems[0].column), (6, 21), "{}", problems[0]);
        assert_eq!(&wrong[problems[0].span.clone()], "?");
    }

    #[test]
    fn nothing_and_two_documents_are_refused() {
        assert_eq!(first("").0, "the file is empty");
        assert_eq!(first("# only a remark\n").0, "the file is empty");
        assert_eq!(first("a: 1\n---\nb: 2\n"), ("a second document".into(), 2, 1));
    }

    #[test]
    fn what_is_not_yaml_is_told_with_its_place_and_a_remedy() {
        let problems = told("a: b: c\n");
        assert!(problems[0].message.starts_with("this is not YAML"), "{}", problems[0]);
        assert_eq!(problems[0].line, 1);
        assert_eq!(
            problems[0].help.as_deref(),
            Some("a text that holds `: ` must be quoted as a whole")
        );
        for broken in [
            "a: [1\n",
            "a: \"x\n",
            "a: {b\n",
            "- a\nb: c\n",
            "a:\n  b: 1\n c: 2\n",
            "? [a]\n: b\n",
            "a: @x\n",
        ] {
            assert!(!told(broken).is_empty(), "{broken:?}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_costs_nothing() {
        let began = Instant::now();
        for text in [
            "[".repeat(500_000),
            "- ".repeat(400_000),
            "{a: ".repeat(200_000),
            "? ".repeat(400_000),
        ] {
            assert_ne!(told(&text), []);
        }
        assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
    }

    #[test]
    fn long_files_of_any_shape_are_read_in_no_time() {
        let began = Instant::now();
        let size = MAX_FILE as usize;
        let shapes = [
            "a ",
            "a,b",
            "[a,b],",
            "\"",
            "'",
            "#",
            "\n",
            "- a\n",
            "a: b\n",
            "{",
            "}",
            "&a ",
            "*a ",
            "!a ",
            "|",
            ">\n",
            "%",
            "? a\n",
            ": ",
            "-",
            "[a, b], ",
            "<a",
            "\\",
            "\u{e4}",
            "a: [x,y]\n",
            "on\n",
            "- on\n",
        ];
        for shape in shapes {
            told(&shape.repeat(size / shape.len()));
            told(&format!("a: [{}", shape.repeat(size / shape.len())));
            told(&format!("a: \"{}\"", shape.repeat(size / shape.len())));
        }
        // Also on a busy machine: what takes time by the square of the length would take hours.
        assert!(began.elapsed().as_secs() < 600, "{:?}", began.elapsed());
    }

    #[test]
    fn many_problems_are_counted_not_printed() {
        let lines: String = (0..200).map(|n| format!("a{n}: on\n")).collect();
        let problems = told(&lines);
        assert!(problems.len() <= MAX_PROBLEMS + 1, "{}", problems.len());
    }

    proptest! {
        #[test]
        fn random_text_never_panics(text in "\\PC{0,200}") {
            told(&text);
            read_case(&text);
        }

        #[test]
        fn random_yaml_never_panics(parts in proptest::collection::vec(0..TOKENS.len(), 0..60)) {
            let text: String = parts.iter().map(|at| TOKENS[*at]).collect();
            told(&text);
            read_case(&text);
            read_case(&around(&text));
        }
    }

    const TOKENS: &[&str] = &[
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        ": ",
        ", ",
        ",",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "'",
        "<",
        ">",
        "#",
        " ",
        "a",
        "$a",
        "$i",
        "title",
        "steps",
        "matrix",
        "inject",
        "expect",
        "any-of",
        "repeat",
        "where",
        "faults",
        "drop",
        "nothing",
        "SYN",
        "ACK",
        "1",
        "|",
        "&",
        "*",
        "!",
        "?",
        "ä",
        "\r\n",
        "%",
        "---",
        "given",
        "connections",
        "count",
        "conn",
        "state: ",
        "expect: ACK\n",
    ];
}
