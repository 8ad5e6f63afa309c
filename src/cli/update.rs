//! `tcpvet run --update-expectations`

use super::output;
use super::prepare::Stated;
use super::targets::Opened;
use std::fs;
use std::path::{Path, PathBuf};
use tcpvet::suite::{Expectations, Judged, Run, RunResult, Update, update};

/// What stands over the entries of a file that is new.
const HEAD: &str = "\
# What is known of this target, with the reason for which it is left so. Each entry pins the verdict, the requirement that
# is broken and the step that fails; failing elsewhere is red, and so is passing.

";

/// The file in which a target's expectations are to be written down, or why there is none.
pub fn file_of(target: &Opened) -> Result<PathBuf, String> {
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

/// Writes down what came, and judges the results by it. What was done, or why nothing was.
pub fn write_down(stated: &Stated, library: &[Run], results: &mut [RunResult], strict: bool) -> Result<String, String> {
    let file = &stated.file;
    let unchanged = |why: String| format!("{file} is left as it is: {why}");
    let made = update(&stated.text, &stated.parsed, library, results, strict).map_err(unchanged)?;
    let text = match stated.text.is_empty() {
        true if made.added > 0 => format!("{HEAD}{}", made.text),
        _ => made.text.clone(),
    };
    let sound = Expectations::parse(&text, file).and_then(|now| match now.check(library) {
        errors if errors.is_empty() => Ok(now),
        errors => Err(errors),
    });
    // What was written is read as anybody's would be, before it takes the place of what there was.
    let now = sound.map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        unchanged(errors.join("\n"))
    })?;
    if text != stated.text {
        fs::write(Path::new(file), &text).map_err(|err| format!("cannot write {file}: {err}"))?;
    }
    for result in results {
        result.judged = Judged::new(&result.run, &result.outcome, &now);
    }
    for name in &made.left {
        output::say(&format!("no entry can stand for {name}: it broke no requirement"));
    }
    Ok(told(file, &made))
}

fn told(file: &str, made: &Update) -> String {
    let Update {
        added,
        dropped,
        narrowed,
        ..
    } = made;
    match (added, dropped, narrowed) {
        (0, 0, 0) => format!("{file} is as it should be"),
        _ => format!("{file}: {added} written, {dropped} taken out, {narrowed} narrowed down"),
    }
}
