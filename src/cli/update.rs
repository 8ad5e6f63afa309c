//! `--update-expectations`

use super::prepare::Stated;
use super::targets::Opened;
use super::{MISTAKE, output};
use std::fs;
use std::path::{Path, PathBuf};
use tcpvet::record::{Ending, Record};
use tcpvet::report::{Update, update};
use tcpvet::suite::Expectations;

/// The comment at the top of a new file.
const HEAD: &str = "\
# What is known of this target, with the reason for which it is left so. Each entry pins the verdict, the requirement that
# is broken and the step that fails; failing elsewhere is red, and so is passing. A waiver names a habit that the runs are
# judged without, so that what else is wrong in them shows; one that no run meets is red.

";

/// The file in which a target's expectations are to be written down, or why there is none.
pub(super) fn file_of(target: &Opened) -> Result<PathBuf, String> {
    let path = PathBuf::from(&target.expectations.0);
    let name = &target.called;
    if name == "model" {
        return Err(
            "nothing is expected of the reference endpoint but to pass; name a file with `--expectations FILE`".into(),
        );
    }
    if target.bundled && !path.with_file_name("runner.yaml").is_file() {
        return Err(format!(
            "what is known of {name} comes with this program: run this in a checkout of tcpvet, where {} is, or name a \
             file of your own with `--expectations FILE`",
            path.display()
        ));
    }
    Ok(path)
}

/// Updates the file of expectations, prints what was done or why nothing was, and gives the new expectations. `ending`
/// is how the runs ended. An exit code where it failed.
pub(super) fn write_down(
    stated: &Stated,
    record: &Record,
    ending: Option<&Ending>,
) -> Result<Option<Expectations>, u8> {
    if ending != Some(&Ending::Complete) {
        output::say(&format!("{} is left as it is: not everything was run", stated.file));
        return Ok(None);
    }
    match try_to_write_down(stated, record) {
        Ok((now, done)) => {
            output::say(&done);
            Ok(Some(now))
        }
        Err(problem) => {
            output::error(&problem);
            Err(MISTAKE)
        }
    }
}

fn try_to_write_down(stated: &Stated, record: &Record) -> Result<(Expectations, String), String> {
    let file = &stated.file;
    let unchanged = |why: String| format!("{file} is left as it is: {why}");
    let made = update(&stated.text, &stated.parsed, record).map_err(unchanged)?;
    let text = match stated.text.is_empty() {
        true if made.added + made.waived > 0 => format!("{HEAD}{}", made.text),
        _ => made.text.clone(),
    };
    let sound = Expectations::parse(&text, file).and_then(|now| match now.check(record.library(), &[]) {
        errors if errors.is_empty() => Ok(now),
        errors => Err(errors),
    });
    // The new text is read as a user's file would be, before it replaces the old one.
    let now = sound.map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        unchanged(errors.join("\n"))
    })?;
    if text != stated.text {
        fs::write(Path::new(file), &text).map_err(|err| format!("cannot write {file}: {err}"))?;
    }
    for name in &made.left {
        output::say(&format!("no entry can stand for {name}: it broke no requirement"));
    }
    Ok((now, told(file, &made)))
}

fn told(file: &str, made: &Update) -> String {
    let Update {
        waived,
        added,
        dropped,
        narrowed,
        ..
    } = made;
    let waivers = match waived {
        0 => String::new(),
        1 => "1 waiver and ".to_owned(),
        more => format!("{more} waivers and "),
    };
    match (waived, added, dropped, narrowed) {
        (0, 0, 0, 0) => format!("{file} is as it should be"),
        _ => format!("{file}: {waivers}{added} written, {dropped} taken out, {narrowed} narrowed down"),
    }
}
