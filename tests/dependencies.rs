//! What the crate of a stack takes in with tcpvet among its dev-dependencies.

use std::collections::BTreeSet;
use std::process::Command;

#[test]
fn the_library_alone_is_light() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "-p", "tcpvet", "--no-default-features"])
        .args(["-e", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo starts");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let crates: BTreeSet<&str> = told.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains("pnet_packet"), "{told}");
    assert!(crates.len() <= 40, "{} crates:\n{told}", crates.len());
    for heavy in ["tokio", "pnet_datalink", "clap", "nix"] {
        assert!(!crates.contains(heavy), "{heavy} is among:\n{told}");
    }
}
