//! The agents that come with the program, with the stacks that they are made for: built where these are installed, and run
//! over the whole library.

#![cfg(all(feature = "cli", unix))]

use std::path::Path;
use std::process::Command;

/// Runs everything against a target; what is known of it has to be all that there is, once that is written down.
fn runs(name: &str) {
    let output = Command::new(env!("CARGO_BIN_EXE_tcpvet"))
        .args(["run", "--target", name, "--json", "-"])
        .output()
        .expect("it starts");
    let err = String::from_utf8_lossy(&output.stderr);
    if err.contains("cannot be run here: not here: ") {
        return eprintln!("skipped: {err}");
    }
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{err}"));
    assert!(report["cut_short"].is_null() && report["bug"].is_null(), "{err}");
    let count = |word: &str| report["totals"][word].as_u64().unwrap_or(0);
    assert_eq!((count("inconclusive"), count("case-error")), (0, 0), "{err}");
    assert!(count("pass") > 2_000, "{}", report["totals"]);
    let known = format!("{}/runners/{name}/expectations.yaml", env!("CARGO_MANIFEST_DIR"));
    if Path::new(&known).exists() {
        assert_eq!(output.status.code(), Some(0), "{err}");
    }
}

#[test]
fn lwip() {
    runs("lwip");
}

#[test]
fn gvisor() {
    runs("gvisor");
}
