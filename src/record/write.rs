//! A record's file, to which each line is written as soon as it is known.

use super::{Absent, Event, Head};
use crate::drive::drill;
use serde::Serialize;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// The file of one record, or of the records of several targets one after the other.
///
/// Lines are written by a thread of their own, since the driver of a stack on real time must not wait for a disk.
#[derive(Debug)]
pub struct RecordFile {
    path: PathBuf,
    lines: Option<Sender<Vec<u8>>>,
    writer: Option<JoinHandle<io::Result<()>>>,
    /// Whether the file was made by us and nothing has been written yet: then it is removed again.
    is_new_and_empty: bool,
}

impl RecordFile {
    /// Opens a file; what it holds stays until the first line is written. An error names the path and the reason.
    pub fn open(path: &Path) -> Result<RecordFile, String> {
        let is_new_and_empty = fs::metadata(path).is_err();
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|err| cannot_write(path, &err))?;
        let (lines, incoming) = channel();
        let writer = std::thread::Builder::new().spawn(move || write(file, &incoming));
        Ok(RecordFile {
            path: path.to_owned(),
            lines: Some(lines),
            writer: Some(writer.map_err(|err| cannot_write(path, &err))?),
            is_new_and_empty,
        })
    }

    /// Writes the head of a record.
    pub fn head(&mut self, head: &Head) {
        self.line(head);
    }

    /// Writes an event of the record whose head was written last.
    pub fn event(&mut self, event: &Event) {
        self.line(event);
    }

    /// Writes that a target is absent; not within a record.
    pub fn absent(&mut self, absent: &Absent) {
        self.line(&AbsentLine { absent });
    }

    /// Waits until everything is written. An error names the path and the reason.
    pub fn close(mut self) -> Result<(), String> {
        drop(self.lines.take());
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(Err(err))) => Err(cannot_write(&self.path, &err)),
            Some(Err(_)) => Err(format!(
                "cannot write the record `{}`: its writer broke down",
                self.path.display()
            )),
            Some(Ok(Ok(()))) | None => Ok(()),
        }
    }

    fn line(&mut self, line: &impl Serialize) {
        self.is_new_and_empty = false;
        // All keys are text and all values can be written, so this succeeds.
        let Ok(mut octets) = serde_json::to_vec(line) else {
            return;
        };
        octets.push(b'\n');
        // A writer that has ended has failed, and says so when the file is closed.
        drop(self.lines.as_ref().map(|lines| lines.send(octets)));
    }
}

impl Drop for RecordFile {
    fn drop(&mut self) {
        if self.is_new_and_empty {
            // An empty file is not a record; if it cannot be removed it does no harm.
            drop(fs::remove_file(&self.path));
        }
    }
}

#[derive(Serialize)]
struct AbsentLine<'a> {
    absent: &'a Absent,
}

fn cannot_write(path: &Path, err: &io::Error) -> String {
    format!("cannot write the record `{}`: {}", path.display(), reason(err))
}

/// The operating system's reason without its number.
pub(crate) fn reason(err: &io::Error) -> String {
    let text = err.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

fn write(mut file: File, lines: &Receiver<Vec<u8>>) -> io::Result<()> {
    for (number, line) in lines.iter().enumerate() {
        drill("record");
        // A file that is not a regular file, such as `/dev/fd/3`, cannot be truncated.
        if number == 0 && file.metadata()?.is_file() {
            file.set_len(0)?;
        }
        file.write_all(&line)?;
    }
    Ok(())
}
