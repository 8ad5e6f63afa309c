//! `tcpvet check-agent`: what an author is told about an agent that does one thing wrong.

use std::path::{Path, PathBuf};
use std::process::Command;

const TCPVET: &str = env!("CARGO_BIN_EXE_tcpvet");

/// Exit code and output.
fn check(words: &[&str]) -> (i32, String) {
    let output = Command::new(TCPVET)
        .arg("check-agent")
        .args(words)
        .output()
        .expect("it starts");
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code().unwrap_or(-1), told)
}

/// That the step with these words is told to have gone wrong, with this explanation.
fn wrong(words: &[&str], step: &str, more: &str) {
    let (code, told) = check(words);
    assert_eq!(code, 1, "{words:?}: {told}");
    let lines: Vec<&str> = told.lines().collect();
    let found = lines
        .windows(2)
        .any(|pair| pair[0].starts_with("WRONG") && pair[0].contains(step) && pair[1].contains(more));
    assert!(found, "{words:?}: `{step}`, `{more}` is not in:\n{told}");
}

/// The same for a good agent that is spoilt.
fn spoilt(how: &str, step: &str, more: &str) {
    let broken = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agents/broken.py");
    let broken = broken.to_str().expect("the path of the sources is text");
    if Command::new("python3").arg("--version").output().is_err() {
        return eprintln!("skipped: there is no python3");
    }
    wrong(&["python3", broken, how, "any", TCPVET, "__agent"], step, more);
}

#[test]
fn nothing_is_wrong_with_the_reference_endpoint() {
    let (code, told) = check(&[TCPVET, "__agent"]);
    assert_eq!(code, 0, "{told}");
    assert!(!told.contains("WRONG") && !told.contains("not tried"), "{told}");
    assert!(told.contains(" right, 0 wrong\n"), "{told}");
}

#[test]
fn what_cannot_be_started_is_no_fault_of_the_agent() {
    let (code, told) = check(&["/no/such/agent"]);
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("check the path of the program"), "{told}");
    assert_eq!(check(&[]).0, 2);
    let (code, told) = check(&[env!("CARGO_MANIFEST_DIR")]);
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("a runner is a folder with a runner.yaml"), "{told}");
}

#[test]
fn the_greeting() {
    let greets = |script: &str, more: &str| wrong(&["sh", "-c", script], "it greets: `agent NAME", more);
    greets("echo Welcome; sleep 5", "said what is not known: `Welcome` is no reply");
    greets(
        "echo idle -; sleep 5",
        "said `idle -` where `agent NAME can ABILITY...`, its first line, belongs",
    );
    greets(
        "printf 'agent x can ipv4'",
        "in the middle of a line, `agent x can ipv4`",
    );
    greets(
        "echo no licence >&2; exit 1",
        "ended (exit status 1); its standard error ends with `no licence`",
    );
    let late = "echo agent x can ipv4 listen; echo idle -; sleep 0.03; echo frame 45; sleep 5";
    wrong(
        &["sh", "-c", late],
        "nothing comes after `idle`",
        "said `frame 45` after `idle`",
    );
    let odd = "echo agent x can lisen; echo idle -; read hello; while read line; do echo idle -; done";
    wrong(
        &["sh", "-c", odd],
        "every ability is a word",
        "`lisen` is none; there are abort, accept",
    );
    wrong(&["sh", "-c", odd], "it can enough", "neither `ipv4` nor `ipv6`");
}

#[test]
fn an_agent_that_is_hostile_is_told_so_and_harms_nobody() {
    let step = "frames that are no packets";
    spoilt("endless", step, "said more than 100000 lines");
    spoilt("long_line", step, "said a line of more than 33 MiB");
    spoilt("half_line", step, "in the middle of a line, `frame 4500`");
    wrong(
        &["sleep", "600"],
        "it greets: `agent NAME",
        "did not end its answer within 10s",
    );
}

#[test]
fn lines_that_nobody_knows() {
    spoilt(
        "passes_over",
        "is answered by `unknown`",
        "passed over `at 0 dance with me=1` without a word",
    );
    spoilt("dies_of", "is answered by `unknown`", "it ended (exit status 1)");
}

#[test]
fn worlds_and_seeds() {
    spoilt(
        "keeps_the_world",
        "the second world is fresh",
        "was not answered by a RST",
    );
    spoilt(
        "draws_elsewhere",
        "one seed gives the same octets, in one process",
        "other frames came",
    );
}

#[test]
fn segments_and_time() {
    spoilt(
        "leaves_checksums",
        "with right addresses, ports and checksums",
        "a segment's checksum is wrong",
    );
    spoilt(
        "has_no_timer",
        "when it wants to be woken",
        "who will send the SYN,ACK again?",
    );
    spoilt("storms", "`call ... listen` is answered", "it did not answer the call");
    spoilt("back_in_time", "a SYN to it is answered", "which lies before now");
}

#[test]
fn what_the_protocol_asks_of_calls_on_open_sockets() {
    spoilt(
        "connects_again",
        "on a socket that is open",
        "not `result ID error already-exists`",
    );
    spoilt(
        "forgets_listeners",
        "of a port that listens",
        "it answered State(Closed)",
    );
    let realtime = "while read line; do echo agent x can ipv4 virtual-time; done";
    wrong(
        &["--realtime", "sh", "-c", realtime],
        "`virtual-time`",
        "leave the word out",
    );
}

#[test]
fn all_faults_are_told_at_once_and_whose_they_are() {
    let broken = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agents/broken.py");
    let broken = broken.to_str().expect("the path of the sources is text");
    if Command::new("python3").arg("--version").output().is_err() {
        return eprintln!("skipped: there is no python3");
    }
    let (code, told) = check(&["python3", broken, "many_faults", "any", TCPVET, "__agent"]);
    assert_eq!(code, 1, "{told}");
    for line in [
        "WRONG, agent  a line that it does not know",
        "WRONG, agent  a call on a socket that is none",
        "WRONG, stack  a SYN to it is answered",
        "WRONG, agent  `idle` names when it wants to be woken",
        "WRONG, agent  `call ... connect` on a socket that is open",
    ] {
        assert!(told.contains(line), "`{line}` is not in:\n{told}");
    }
    assert!(
        told.contains("ok            with the data comes `result ID data HEX`"),
        "{told}"
    );
    assert!(told.contains(" of its stack)"), "{told}");
}

#[test]
fn answers_and_ends() {
    spoilt(
        "answers_twice",
        "a call on a socket that is none",
        "and then `result 1 error",
    );
    spoilt(
        "crashes",
        "frames that are no packets",
        "ends with `RuntimeError: the stack met a segment",
    );
    spoilt(
        "lives_on",
        "it ends by itself when its input ends",
        "a read that returns nothing is the end",
    );
}

/// A copy of what is to be copied, gone afterwards.
struct Copy(PathBuf);

impl Copy {
    fn of_the_template() -> Copy {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("runners/TEMPLATE");
        let to = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("template-{}", std::process::id()));
        std::fs::create_dir_all(&to).expect("the folder of tests can be written");
        for entry in std::fs::read_dir(from).expect("the template is there") {
            let path = entry.expect("it can be read").path();
            // What was built in the sources by hand is no part of it.
            if path.is_file() {
                std::fs::copy(&path, to.join(path.file_name().expect("a file has a name"))).expect("it can be copied");
            }
        }
        Copy(to)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[test]
fn the_template_is_an_agent_as_it_stands() {
    if ["make", "cc"]
        .iter()
        .any(|program| Command::new(program).arg("--version").output().is_err())
    {
        return eprintln!("skipped: there is no make, or no C compiler");
    }
    let copy = Copy::of_the_template();
    let folder = copy.0.to_str().expect("the path of the sources is text");
    let (code, told) = check(&[folder]);
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("\n11 right, 0 wrong, 4 not tried\n"), "{told}");
    let run = Command::new(TCPVET)
        .args(["run", "--target", folder])
        .output()
        .expect("it starts");
    let told = String::from_utf8_lossy(&run.stdout);
    assert_eq!(run.status.code(), Some(0), "{told}");
    assert!(told.ends_with("Nothing unexpected.\n"), "{told}");
    let totals = told.lines().rev().nth(1).expect("there are totals");
    assert!(
        totals.contains(" pass, ") && totals.contains(" unsupported, "),
        "{totals}"
    );
    assert!(
        !totals.contains("deviate") && !totals.contains("INCONCLUSIVE"),
        "{totals}"
    );
}

#[test]
fn the_template_is_short() {
    let agent = include_str!("../runners/TEMPLATE/agent.c");
    assert!(agent.lines().count() <= 150, "{} lines", agent.lines().count());
}
