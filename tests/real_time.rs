//! Agents in real time: one that breaks down costs the runs in which it does, and nothing else.

#![cfg(all(feature = "cli", feature = "linux", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The runner of the example, with the agent spoilt; gone afterwards.
struct Spoilt(PathBuf);

impl Spoilt {
    fn new(how: &str) -> Spoilt {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{how}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let runner = fs::read_to_string(format!("{ROOT}/runners/python/runner.yaml")).unwrap();
        let command = "command: [python3, agent.py]";
        assert!(runner.contains(command));
        let words = format!("[python3, {ROOT}/tests/agents/spoilt.py, {how}, {ROOT}/runners/python/agent.py]");
        let runner = runner.replace(command, &format!("command: {words}\npatience: 4s"));
        fs::write(folder.join("runner.yaml"), runner).unwrap();
        Spoilt(folder)
    }
}

impl Drop for Spoilt {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// That runs that send urgent data come out so, with all of these words in its report, and the others pass.
fn costs_its_run(how: &str, verdict: &str, words: &[&str]) {
    let folder = Spoilt::new(how);
    let began = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_tcpvet"))
        .args([
            "handshake/passive-open",
            "urgent/pointer-stays[nothing-left]",
            "close/passive",
        ])
        .args(["--ip", "4", "--isn", "plain", "--json", "-", "--target"])
        .arg(&folder.0)
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    if err.contains("cannot be run here") {
        return eprintln!("skipped: {err}");
    }
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{how}: {err}"));
    let code = if verdict == "fail" { 1 } else { 3 };
    assert_eq!(output.status.code(), Some(code), "{how}: {err}");
    for run in report["runs"].as_array().unwrap() {
        let spoilt = run["case"] == "urgent/pointer-stays";
        let expected = if spoilt { verdict } else { "pass" };
        assert_eq!(run["verdict"], expected, "{how}: {run:#}");
        for word in words.iter().filter(|_| spoilt) {
            assert!(run.to_string().contains(word), "{how}: `{word}` is not in {run:#}");
        }
    }
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{how} took {:?}",
        began.elapsed()
    );
}

#[test]
fn output_without_end() {
    costs_its_run("endless", "fail", &["breakdown: storm", "more than anybody could read"]);
    costs_its_run("long_line", "inconclusive", &["a line without an end"]);
}

#[test]
fn an_end_in_the_middle() {
    costs_its_run(
        "half_line",
        "fail",
        &["breakdown: crash", "the agent ended (exit status: "],
    );
    costs_its_run(
        "crashes",
        "fail",
        &["its standard error ends with `the stack met a call that it did not like`"],
    );
}

#[test]
fn no_answer() {
    costs_its_run(
        "silent",
        "fail",
        &["breakdown: hang", "the agent has not answered for 4s, after "],
    );
}

#[test]
fn one_that_breaks_down_at_once_is_no_target_and_its_author_is_told_where_to_look() {
    let folder = Spoilt::new("broken");
    let runner = fs::read_to_string(folder.0.join("runner.yaml")).unwrap();
    let script = "import sys; print('agent x can ipv4 listen accept send', flush=True); input(); input(); \
                  sys.exit('no licence')";
    let runner = runner.lines().map(|line| match line.starts_with("command: ") {
        true => format!("command: [python3, -c, \"{script}\"]\n"),
        false => format!("{line}\n"),
    });
    fs::write(folder.0.join("runner.yaml"), runner.collect::<String>()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_tcpvet"))
        .args(["handshake/passive-open", "--target"])
        .arg(&folder.0)
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{err}");
    if !err.contains("namespaces") {
        assert!(
            err.contains("standard error ends with `no licence`; see `tcpvet check-agent`"),
            "{err}"
        );
    }
}
