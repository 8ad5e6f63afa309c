//! Reads records back, line by line.

use super::{Absent, Event, FORMAT, Head, Record, VERSION};
use core::fmt;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::{self, BufRead, Read};

/// The longest line that is read, in octets. A run of 10,000 jumbo frames takes an eighth of it.
const LONGEST_LINE: u64 = 256 << 20;
/// The longest file that is read, in octets.
const LONGEST_FILE: u64 = 4 << 30;

/// The contents of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stored {
    /// The records, in order; one that was cut has no ending.
    pub records: Vec<Record>,
    /// The targets that were asked for and not run.
    pub absent: Vec<Absent>,
}

/// Why a file cannot be read as a record, with the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The file, as shown to a person.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}\n  {}:{}", self.problem, self.remedy, self.file, self.line)
    }
}

impl std::error::Error for ReadError {}

/// Reads a file's records; `file` is its name as shown to a person. An unfinished last line is left out, and the record
/// says that it is cut; anything else that is wrong is an error.
///
/// ```no_run
/// use std::fs::File;
/// use std::io::BufReader;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let stored = tcpvet::record::read(BufReader::new(File::open("run.jsonl")?), "run.jsonl")?;
/// for run in stored.records.iter().flat_map(|record| record.red()) {
///     println!("{}: {}", run.id.name, run.judged().word());
/// }
/// # Ok(())
/// # }
/// ```
pub fn read(input: impl BufRead, file: &str) -> Result<Stored, ReadError> {
    read_within(input, file, (LONGEST_LINE, LONGEST_FILE))
}

/// As [`read()`], with the longest line and the longest file, in octets.
pub(super) fn read_within(input: impl BufRead, file: &str, longest: (u64, u64)) -> Result<Stored, ReadError> {
    let mut reader = Reader {
        stored: Stored::default(),
        is_open: false,
        line: 0,
    };
    reader.read_all(input, longest).map_err(|(problem, remedy)| ReadError {
        file: file.to_owned(),
        line: reader.line.max(1),
        problem,
        remedy,
    })?;
    Ok(reader.stored)
}

/// What is wrong, and what to do.
type Wrong = (String, String);

struct Reader {
    stored: Stored,
    /// Whether the last record may have more events.
    is_open: bool,
    /// The present line, from 1.
    line: usize,
}

/// What the first line of a record says, whatever its version.
#[derive(Deserialize)]
struct Format {
    format: String,
    version: u32,
    #[serde(default)]
    tool: Option<String>,
}

#[derive(Deserialize)]
struct AbsentLine {
    absent: Absent,
}

impl Reader {
    fn read_all(&mut self, input: impl BufRead, (longest_line, longest_file): (u64, u64)) -> Result<(), Wrong> {
        let mut input = input.take(longest_file);
        let mut line = Vec::new();
        loop {
            line.clear();
            self.line += 1;
            let read = input.by_ref().take(longest_line).read_until(b'\n', &mut line);
            match read.map_err(|err| cannot_read(&err))? {
                _ if input.limit() == 0 => return Err(too_long("the file", longest_file)),
                0 => break,
                length if length as u64 == longest_line => return Err(too_long("a line", longest_line)),
                _ => {}
            }
            let is_cut = line.last() != Some(&b'\n');
            match self.take(&line) {
                Err(_) if is_cut && (self.is_open || line.starts_with(b"{\"format\"")) => break,
                taken => taken?,
            }
        }
        match self.stored.records.is_empty() && self.stored.absent.is_empty() {
            true => Err((
                "the file ends before the first run".to_owned(),
                "make the record again".to_owned(),
            )),
            false => Ok(()),
        }
    }

    /// Applies a line.
    fn take(&mut self, line: &[u8]) -> Result<(), Wrong> {
        // Where files were joined, a record that was cut may be followed by another.
        if !self.is_open || line.starts_with(b"{\"format\"") {
            return self.begin(line);
        }
        let event: Event = parse(line)?;
        self.is_open = !matches!(event, Event::Ended(_));
        // Where a record is open, it is the last one.
        let record = self.stored.records.last_mut();
        record
            .map_or(Ok(()), |record| record.apply(event))
            .map_err(|disorder| damaged(&disorder))
    }

    /// Reads a line outside of a record: the head of one, or an absent target.
    fn begin(&mut self, line: &[u8]) -> Result<(), Wrong> {
        if line.starts_with(b"{\"absent\"") {
            let AbsentLine { absent } = parse(line)?;
            self.stored.absent.push(absent);
            return Ok(());
        }
        let Ok(found) = serde_json::from_slice::<Format>(line) else {
            return Err(no_record());
        };
        if found.format != FORMAT {
            return Err(no_record());
        }
        if found.version != VERSION {
            return Err(other_version(&found));
        }
        self.stored.records.push(Record::new(parse::<Head>(line)?));
        self.is_open = true;
        Ok(())
    }
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, Wrong> {
    serde_json::from_slice(line).map_err(|err| {
        // The line that it tells is always the first.
        let text = err.to_string();
        let what = text.split(" at line ").next().unwrap_or(&text);
        damaged(&format!("column {}: {what}", err.column()))
    })
}

fn damaged(what: &impl fmt::Display) -> Wrong {
    (
        format!("the record is damaged: {what}"),
        "make it again, or cut the file off before this line to read what stands above".to_owned(),
    )
}

fn no_record() -> Wrong {
    (
        "this is no record of tcpvet".to_owned(),
        format!("a record is what `tcpvet run --record FILE` writes; its first line has \"format\":\"{FORMAT}\""),
    )
}

fn other_version(found: &Format) -> Wrong {
    let by = found
        .tool
        .as_ref()
        .map_or_else(String::new, |tool| format!(", written by tcpvet {tool}"));
    let remedy = match found.version > VERSION {
        true => "read it with that tcpvet, or a newer one",
        false => "read it with that tcpvet, or make the record again with this one",
    };
    (
        format!(
            "the record is of version {}{by}; tcpvet {} reads version {VERSION}",
            found.version,
            env!("CARGO_PKG_VERSION")
        ),
        remedy.to_owned(),
    )
}

fn too_long(what: &str, most: u64) -> Wrong {
    (
        format!("{what} is longer than {most} octets"),
        "no such record is read: run fewer cases at once, or without `--traces all`".to_owned(),
    )
}

fn cannot_read(err: &io::Error) -> Wrong {
    (
        format!("the record cannot be read: {err}"),
        "see that it is a file, and that it may be read".to_owned(),
    )
}
