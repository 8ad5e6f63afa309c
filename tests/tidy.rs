//! The tree is formatted, and neither clippy nor rustdoc has anything to say.

use std::process::Command;

fn cargo(arguments: &[&str], documentation_flags: &str) {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("RUSTDOCFLAGS", documentation_flags)
        .output()
        .expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "cargo {}:\n{said}", arguments.join(" "));
}

#[test]
fn the_tree_is_formatted() {
    cargo(&["fmt", "--check"], "");
}

#[test]
#[ignore = "compiles everything once more"]
fn clippy_has_nothing_to_say() {
    cargo(&["clippy", "--all-targets", "--", "-D", "warnings"], "");
}

#[test]
#[ignore = "compiles everything once more"]
fn rustdoc_has_nothing_to_say() {
    cargo(&["doc", "--no-deps"], "-D warnings");
}

#[test]
#[ignore = "compiles everything once more"]
fn the_library_stands_without_its_command_line() {
    cargo(&["check", "--lib", "--no-default-features"], "");
}
