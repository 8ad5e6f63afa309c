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
pub(super) struct Source {
    pub(super) name: Arc<str>,
    pub(super) text: Arc<str>,
}

/// Where something stands in a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// In octets.
    pub(super) at: Range<usize>,
    /// From 1.
    pub(super) line: u32,
    /// In characters, from 1.
    pub(super) column: u32,
}

/// A scalar.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) place: Place,
    /// Where in the file the text begins, if it stands there octet by octet.
    verbatim: Option<usize>,
}

/// A node of the tree.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Text(Text),
    List(Vec<Node>, Place),
    Map(Vec<(Text, Node)>, Place),
}

impl Node {
    pub(super) fn place(&self) -> &Place {
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
pub(super) struct Report<'a> {
    pub(super) source: &'a Source,
    problems: Vec<(Problem, Severity)>,
    seen: BTreeMap<(usize, String), usize>,
    /// Stretches that were read as something else than was meant: what is said about them later is noise.
    suspect: Vec<Range<usize>>,
    uncounted: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    /// Kept whatever happens.
    Cause,
    /// Dropped where it stands inside a suspect stretch.
    MaybeNoise,
}

impl<'a> Report<'a> {
    pub(super) fn new(source: &'a Source) -> Report<'a> {
        Report {
            source,
            problems: Vec::new(),
            seen: BTreeMap::new(),
            suspect: Vec::new(),
            uncounted: 0,
        }
    }

    /// Notes a problem.
    pub(super) fn add(&mut self, place: &Place, message: impl Into<String>, help: Option<String>) {
        self.push(place, message.into(), help, None, Severity::MaybeNoise);
    }

    /// Notes a problem that may be the same in many rows of a matrix; it is told once.
    pub(super) fn add_in_row(&mut self, place: &Place, message: String, help: Option<String>, note: Option<String>) {
        self.push(place, message, help, note, Severity::MaybeNoise);
    }

    /// Notes a trap of YAML; what follows from it in the same stretch is not told as well.
    fn trap(&mut self, place: &Place, suspect: Range<usize>, message: String, help: &str) {
        self.push(place, message, Some(help.to_string()), None, Severity::Cause);
        self.suspect.push(suspect);
    }

    /// Whether something within the place was read otherwise than it was meant.
    pub(super) fn is_suspect(&self, place: &Place) -> bool {
        self.suspect
            .iter()
            .any(|range| range.start >= place.at.start && range.start < place.at.end.max(place.at.start + 1))
    }

    pub(super) fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    fn push(&mut self, place: &Place, message: String, help: Option<String>, note: Option<String>, how: Severity) {
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
        self.problems.push((problem, how));
    }

    /// The problems in the order of their places.
    pub(super) fn finish(self) -> Vec<Problem> {
        let suspect = self.suspect;
        let hidden = |span: &Range<usize>| {
            suspect
                .iter()
                .any(|range| range.start <= span.start && span.end <= range.end)
        };
        let mut problems: Vec<Problem> = self
            .problems
            .into_iter()
            .filter(|(problem, how)| *how == Severity::Cause || !hidden(&problem.span))
            .map(|(problem, _)| problem)
            .collect();
        problems.sort_by_key(|problem| problem.span.start);
        if self.uncounted > 0 {
            let message = format!("{} more problems in this file", self.uncounted);
            problems.push(Problem::with_file(&self.source.name, message, "put these right first"));
        }
        problems
    }
}

/// Reads one document. `None` if nothing can be made of it; what is wrong is in the report.
pub(super) fn read(report: &mut Report) -> Option<Node> {
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
    if reader.root.is_none() && report.is_clean() {
        let place = Place {
            at: 0..0,
            line: 1,
            column: 1,
        };
        report.add(&place, "the file is empty", Some("a case begins with `title:`".into()));
    }
    reader.root
}

/// What usually lies behind a complaint of the YAML parser.
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

/// Refuses what readers take differently, or a terminal would act upon.
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

/// Characters to octets: the parser counts characters.
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

/// What has been opened and not yet closed.
enum Open {
    List(Vec<Node>, Place),
    Map {
        pairs: Vec<(Text, Node)>,
        keys: BTreeSet<String>,
        key: Option<Text>,
        place: Place,
    },
}

/// Puts the tree together from events.
struct Reader<'a> {
    source: &'a Source,
    offsets: Offsets,
    /// With each, whether it is written in `[]` or `{}`.
    stack: Vec<(Open, bool)>,
    root: Option<Node>,
    documents: usize,
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
                        Some("one file, one case: take out the `---`".into()),
                    );
                }
                self.documents == 1
            }
            Event::Alias(_) => {
                let help = "write it out; variations belong into `matrix`";
                report.add(&place, "an alias (`*name`)", Some(help.into()));
                false
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_anchor(anchor, tag.is_some(), &place, report);
                let text = self.scalar(&text, style, place, report);
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

    fn refuse_anchor(&self, anchor: usize, tagged: bool, place: &Place, report: &mut Report) {
        if anchor > 0 {
            let help = "write it out; variations belong into `matrix`";
            report.add(place, "an anchor (`&name`)", Some(help.into()));
        }
        if tagged {
            let help = "take it out; if `!` begins the text, quote the whole";
            report.add(place, "a tag (`!name`)", Some(help.into()));
        }
    }

    fn open(&mut self, open: Open, place: &Place, report: &mut Report) -> bool {
        if self.stack.len() >= MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} deep");
            report.add(
                place,
                message,
                Some("no case needs that; is a bracket left open?".into()),
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
                        report.add(
                            &text.place,
                            message,
                            Some("readers keep one of the two: take one out".into()),
                        );
                    }
                    *key = Some(text);
                }
                (None, _) => return false,
            },
        }
        true
    }

    fn scalar(&self, text: &str, style: ScalarStyle, place: Place, report: &mut Report) -> Text {
        let begin = match style {
            ScalarStyle::Plain => Some(place.at.start),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Some(place.at.start + 1),
            ScalarStyle::Literal | ScalarStyle::Folded => None,
        };
        let verbatim = begin.filter(|at| {
            let there = self.source.text.get(*at..).unwrap_or_default();
            there.starts_with(text) && !text.contains('\n')
        });
        if style == ScalarStyle::Plain {
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
    if all(digits, &[':', '.']) && digits.contains(':') {
        return Some("a number to the base of 60");
    }
    if digits.len() == 10 && all(digits, &['-']) && digits.matches('-').count() == 2 {
        return Some("a date");
    }
    let (mantissa, exponent) = digits.split_once(['e', 'E'])?;
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    (all(mantissa, &['.']) && all(exponent, &[])).then_some("a number with an exponent")
}
