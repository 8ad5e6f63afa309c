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

/// A case that waits for a minute.
const SLOW: &str = "title: A FIN is acknowledged after a minute too\nwhy: This is a test of interruptions.\n\
                    covers: RFC9293-SEG-LISTEN-SYN\ngiven: established\nsteps:\n  - wait: 60s\n  \
                    - inject: FIN,ACK\n  - expect: ACK\n";

/// An agent that hears nothing more once it has begun.
const DEAF: &str = "import sys\nprint('agent deaf can ipv4 listen accept', flush=True)\nprint('idle -', flush=True)\n\
                    open(sys.argv[1], 'a').close()\nsys.stdin.readline()\nwhile True: pass\n";

/// The processes whose command line holds a word, this one aside.
fn processes(word: &str) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read_to_string(entry.path().join("cmdline")).ok());
    lines
        .map(|line| line.replace('\0', " "))
        .filter(|line| line.contains(word))
        .collect()
}

/// The processes that a process has started.
fn children(of: u32) -> Vec<String> {
    let of = of.to_string();
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_child = |pid: &String| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(')')
            .is_some_and(|(_, behind)| behind.split_whitespace().nth(1) == Some(&of))
    };
    pids.filter(is_child).collect()
}

/// Waits until something is so, for half a minute at most.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn terminate(pid: u32) {
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn a_second_signal_leaves_no_process_behind() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("signals-{}", std::process::id()));
    fs::create_dir_all(folder.join("cases/mine")).unwrap();
    fs::write(folder.join("cases/mine/slow.yaml"), SLOW).unwrap();
    let (agent, begun) = (folder.join("deaf.py"), folder.join("begun"));
    fs::write(&agent, DEAF).unwrap();
    let (agent, begun_name) = (agent.display(), begun.display());
    let lines =
        format!("name: deaf\nkind: agent\nmode: lockstep\npatience: 1h\ncommand: [python3, {agent}, {begun_name}]\n");
    fs::write(folder.join("runner.yaml"), lines).unwrap();
    let cases = folder.join("cases").display().to_string();
    // A name that no other process has.
    let mark = folder.display().to_string();
    for target in ["linux", &mark] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tcpvet"))
            .args(["mine/", "-q", "--cases", &cases, "--target", target])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let pid = child.id();
        until("nothing runs", || {
            let works = match target {
                "linux" => !children(pid).is_empty(),
                _ => begun.exists(),
            };
            works || child_is_over(pid)
        });
        terminate(pid);
        // Signals that come at once are one; this one comes later.
        std::thread::sleep(Duration::from_millis(700));
        let own = children(pid);
        terminate_if_there(pid);
        let ended = child.wait().unwrap();
        assert!(matches!(ended.code(), Some(130 | 3)), "{target}: {ended}");
        until("a process is left", || {
            let left = own.iter().any(|pid| is_alive(pid));
            !left && processes(&mark).is_empty()
        });
    }
    fs::remove_dir_all(&folder).unwrap();
}

/// Whether a process has ended, or never began.
fn child_is_over(pid: u32) -> bool {
    !is_alive(&pid.to_string())
}

/// Whether there is such a process that has not ended.
fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')')
        .is_some_and(|(_, behind)| !behind.trim_start().starts_with('Z'))
}

fn terminate_if_there(pid: u32) {
    if !child_is_over(pid) {
        terminate(pid);
    }
}

#[test]
fn signals_that_come_at_once_are_one() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("timeout-{}", std::process::id()));
    fs::create_dir_all(folder.join("mine")).unwrap();
    fs::write(folder.join("mine/slow.yaml"), SLOW).unwrap();
    let report = folder.join("r.json");
    // GNU timeout sends its signal to its child, and then to the child's group.
    let output = Command::new("timeout")
        .arg("8")
        .arg(env!("CARGO_BIN_EXE_tcpvet"))
        .args(["mine/", "--target", "linux", "--json"])
        .arg(&report)
        .arg("--cases")
        .arg(&folder)
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    if err.contains("cannot be run here") {
        return eprintln!("skipped: {err}");
    }
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(out.contains("cut short: interrupted"), "{out}{err}");
    assert!(report.exists());
    fs::remove_dir_all(&folder).unwrap();
}
