//! Files for reports: opened before the first packet, and either written whole or not at all.

use crate::record::reason;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A report's file. It is written beside its place under another name and moved there when it is whole, so that a
/// reader never sees half of one, and an old one stays until then.
#[derive(Debug)]
pub struct ReportFile {
    path: PathBuf,
    to: To,
}

#[derive(Debug)]
enum To {
    /// `-`
    Stdout,
    /// A file that is not a regular file, such as `/dev/fd/3`, cannot be replaced.
    Open(File),
    /// A file beside the path. `None` once it was moved there.
    Beside(File, Option<PathBuf>),
}

impl ReportFile {
    /// Opens a file, `-` for standard output. An error names the path and the reason.
    pub fn open(path: &Path) -> Result<ReportFile, String> {
        let failed = |err: io::Error| format!("cannot write the report `{}`: {}", path.display(), reason(&err));
        let to = open(path).map_err(failed)?;
        let path = path.to_owned();
        Ok(ReportFile { path, to })
    }

    /// Whether it goes to standard output.
    pub fn is_stdout(&self) -> bool {
        matches!(self.to, To::Stdout)
    }

    /// Writes all of it.
    pub fn write(mut self, octets: &[u8]) -> Result<(), String> {
        let wrote = match &mut self.to {
            To::Stdout => io::stdout().write_all(octets).and_then(|()| io::stdout().flush()),
            To::Open(file) => file.write_all(octets),
            To::Beside(file, beside) => {
                let written = file.write_all(octets).and_then(|()| file.sync_all());
                written.and_then(|()| match beside {
                    Some(from) => fs::rename(&*from, &self.path).map(|()| *beside = None),
                    None => Ok(()),
                })
            }
        };
        wrote.map_err(|err| format!("cannot write the report `{}`: {}", self.path.display(), reason(&err)))
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        if let To::Beside(_, Some(beside)) = &self.to {
            // If it cannot be removed, its name still says what it is.
            drop(fs::remove_file(beside));
        }
    }
}

fn open(path: &Path) -> io::Result<To> {
    if path == Path::new("-") {
        return Ok(To::Stdout);
    }
    match fs::metadata(path) {
        Ok(known) if known.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(known) if !known.is_file() => return Ok(To::Open(OpenOptions::new().write(true).open(path)?)),
        // A file that may not be written must not be replaced either.
        Ok(_) => drop(OpenOptions::new().write(true).open(path)?),
        Err(_) => {}
    }
    let Some(name) = path.file_name() else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    let beside = path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
    Ok(To::Beside(File::create(&beside)?, Some(beside)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("tcpvet-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_report_appears_whole_and_leaves_nothing_beside_it() {
        let folder = folder("whole");
        let path = folder.join("r.xml");
        fs::write(&path, "old").unwrap();
        let file = ReportFile::open(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        file.write(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        drop(ReportFile::open(&path).unwrap());
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named_with_the_reason() {
        let folder = folder("refused");
        let missing = folder.join("no/such/r.xml");
        let error = ReportFile::open(&missing).unwrap_err();
        assert_eq!(
            error,
            format!(
                "cannot write the report `{}`: no such file or directory",
                missing.display()
            )
        );
        assert!(ReportFile::open(&folder).unwrap_err().ends_with("is a directory"));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_is_no_ordinary_file_is_written_in_place() {
        ReportFile::open(Path::new("/dev/null")).unwrap().write(b"x").unwrap();
        assert!(Path::new("/dev/null").exists());
    }
}
