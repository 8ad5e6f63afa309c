//! How much of the reference endpoint the case library runs, in lines: LLVM's coverage of `tcpvet run --target model`, as
//! it is and under every choice, and of nothing else.
//!
//! Tables of decisions are left out: they hold wrong answers ([`tcpvet::model::Defect`]) beside the lawful ones, and those
//! are not the reference endpoint's.

use crate::source::sources;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tcpvet::model::Switch;

/// Of 100 lines so many are run at least.
const GOAL: usize = 95;

/// Runs a command to its end and gives what it printed.
fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?} failed");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A tool of the compiler's own LLVM; no other reads what it writes.
fn llvm(tool: &str) -> PathBuf {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let root = output(Command::new(&rustc).args(["--print", "target-libdir"]));
    Path::new(root.trim()).with_file_name("bin").join(tool)
}

/// The program, instrumented, in a folder of its own.
fn instrumented(folder: &Path) -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--no-default-features", "--features", "cli", "--target-dir"])
        .arg(folder)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("RUSTFLAGS", "-C instrument-coverage")
        .status()
        .expect("cargo starts");
    assert!(built.success());
    folder.join("debug/tcpvet")
}

/// The lines of each file of the model and how often each was run, as LLVM counts them.
fn measured() -> BTreeMap<PathBuf, BTreeMap<usize, u64>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("model-lines");
    let program = instrumented(&folder.join("target"));
    let raw = folder.join("raw");
    // Of an earlier measurement.
    drop(fs::remove_dir_all(&raw));
    let choices = Switch::ALL.iter().map(|switch| vec!["--switch", switch.name()]);
    for (number, choice) in std::iter::once(Vec::new()).chain(choices).enumerate() {
        // A run under a choice may fail a case that asks for another; what it ran counts all the same.
        let ended = Command::new(&program)
            .args(["run", "--target", "model", "--quiet"])
            .args(&choice)
            .env("LLVM_PROFILE_FILE", raw.join(format!("{number}.profraw")))
            .stdout(Stdio::null())
            .status()
            .expect("the program starts");
        assert!(matches!(ended.code(), Some(0 | 1)), "{choice:?}: {ended}");
    }
    let merged = folder.join("all.profdata");
    let profiles = fs::read_dir(&raw).expect("it was just written");
    let profiles = profiles.map(|entry| entry.expect("it can be read").path());
    let mut merge = Command::new(llvm("llvm-profdata"));
    output(merge.args(["merge", "-sparse", "-o"]).arg(&merged).args(profiles));
    let mut export = Command::new(llvm("llvm-cov"));
    export.args(["export", "-format=lcov"]).arg(&program);
    export.arg(format!("-instr-profile={}", merged.display()));
    export.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/src/model"));
    parsed(&output(&mut export))
}

/// Reads LCOV: `SF:` a file, `DA:` a line and its count.
fn parsed(lcov: &str) -> BTreeMap<PathBuf, BTreeMap<usize, u64>> {
    let mut files: BTreeMap<PathBuf, BTreeMap<usize, u64>> = BTreeMap::new();
    let mut file = PathBuf::new();
    for line in lcov.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            let path = Path::new(path);
            file = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(path).to_owned();
        } else if let Some((line, count)) = line.strip_prefix("DA:").and_then(|record| record.split_once(',')) {
            let (line, count) = (line.parse().expect("a line"), count.parse().expect("a count"));
            files.entry(file.clone()).or_default().insert(line, count);
        }
    }
    files
}

#[test]
#[ignore = "compiles everything once more and runs the library 43 times"]
fn the_library_runs_the_reference_endpoint() {
    if let Some(tool) = ["llvm-profdata", "llvm-cov"]
        .map(llvm)
        .into_iter()
        .find(|tool| !tool.exists())
    {
        let tool = tool.display();
        return println!("skipped: {tool} is missing (`rustup component add llvm-tools` brings it)");
    }
    let measured = measured();
    let mut counted = 0;
    let mut missed: Vec<String> = Vec::new();
    let is_counted = |path: &Path| !path.ends_with("defect.rs") && !path.ends_with("decisions.rs");
    for source in sources("src/model").iter().filter(|source| is_counted(&source.path)) {
        let Some(lines) = measured.get(&source.path) else {
            continue;
        };
        let text: Vec<&str> = source.text.lines().collect();
        counted += lines.len();
        let never = lines.iter().filter(|(_, count)| **count == 0);
        missed.extend(never.map(|(line, _)| format!("{}:{line}: {}", source.path.display(), text[line - 1].trim())));
    }
    let run = counted - missed.len();
    println!("{}", missed.join("\n"));
    println!(
        "{run} of {counted} lines are run: {:.1} %",
        100.0 * run as f64 / counted as f64
    );
    assert!(counted > 2000, "the model was not found");
    assert!(run * 100 >= counted * GOAL, "less than {GOAL} %");
}
