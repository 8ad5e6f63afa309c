//! The stacks whose agents come with the program: nothing that the library finds in them is unexplained.

use std::process::Command;
use tcpvet::stacks::Runner;

/// Runs the whole library against a stack; says so and returns where the stack is not installed.
fn nothing_unexpected(name: &str) {
    let runner = Runner::bundled(name).expect("it is bundled");
    let missing: Vec<&str> = runner
        .requires
        .iter()
        .filter(|needed| !needed.is_there())
        .map(|needed| needed.apt.as_str())
        .collect();
    if !missing.is_empty() {
        eprintln!("skipped: {name} is not here (apt-get install {})", missing.join(" "));
        return;
    }
    let said = Command::new(env!("CARGO_BIN_EXE_tcpvet"))
        .args(["run", "--strict", "--target", name])
        .output()
        .expect("the program runs");
    let (out, err) = (
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr),
    );
    let end: Vec<&str> = out.lines().rev().take(40).collect();
    let end: Vec<&str> = end.into_iter().rev().collect();
    assert_eq!(said.status.code(), Some(0), "{}\n{err}", end.join("\n"));
    assert!(out.contains(&format!("runs against {name} in ")), "{out}");
    assert!(out.trim_end().ends_with("Nothing unexpected."), "{out}");
}

#[test]
#[ignore = "some ten seconds, and the first time a minute to build the agent"]
fn all_that_lwip_does_otherwise_is_known() {
    nothing_unexpected("lwip");
}

#[test]
#[ignore = "some ten seconds, and the first time a minute to build the agent"]
fn all_that_gvisor_does_otherwise_is_known() {
    nothing_unexpected("gvisor");
}
