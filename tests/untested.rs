//! Where namespaces are forbidden the kernel cannot be tested: nobody may take what is run instead for a test of it.

use crate::cli::Folder;
use std::process::Command;

/// Runs the program where no network namespace can be made: exit code, standard output, standard error. `None` where that
/// cannot be arranged, which is said.
fn told(arguments: &[&str], ci: &str) -> Option<(i32, String, String)> {
    const FORBID: &str = "echo 0 > /proc/sys/user/max_net_namespaces && echo 0 > /proc/sys/user/max_user_namespaces \
                          || exit 77; exec \"$0\" \"$@\"";
    let output = Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "sh",
            "-c",
            FORBID,
            env!("CARGO_BIN_EXE_tcpvet"),
        ])
        .args(arguments)
        .env("CI", ci)
        .output();
    let output = output
        .ok()
        .filter(|output| output.status.code().is_some_and(|code| code != 77));
    let Some(output) = output.filter(|output| !output.stderr.starts_with(b"unshare: ")) else {
        eprintln!("skipped: namespaces cannot be forbidden here");
        return None;
    };
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    Some((output.status.code().unwrap(), text(output.stdout), text(output.stderr)))
}

#[test]
fn a_bare_run_is_made_on_a_real_stack_and_says_first_and_last_what_was_not_tested() {
    for arguments in [&["handshake/passive-open"][..], &["-q", "handshake/passive-open"]] {
        let Some((code, out, err)) = told(arguments, "") else {
            return;
        };
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("4 runs against smoltcp"), "{out}");
        let lines: Vec<&str> = err.lines().collect();
        for line in [lines[0], lines[lines.len() - 1]] {
            assert!(line.starts_with("The kernel was NOT tested: "), "{err}");
            assert!(line.contains("user.max_net_namespaces to 1000 (sysctl -w)"), "{err}");
        }
    }
}

#[test]
fn it_ends_as_that_run_ends() {
    let folder = Folder::with("untested", "mine/wrong", crate::cli::WRONG);
    let Some((code, _, err)) = told(&["mine/", "--cases", &folder.path("")], "") else {
        return;
    };
    assert_eq!(code, 1, "{err}");
}

#[test]
fn what_somebody_keeps_is_about_the_kernel_or_a_target_that_was_named() {
    let folder = Folder::new("untested-kept");
    let (xml, json, record) = (folder.path("r.xml"), folder.path("r.json"), folder.path("r.jsonl"));
    let case = "handshake/passive-open";
    for (arguments, ci) in [
        (&["run", case][..], "true"),
        (&[case, "--junit", &xml], ""),
        (&["run", case, "--json", &json], ""),
        (&["run", case, "--json", "-"], ""),
        (&["audit", case, "--record", &record], "false"),
        (&[case, "--update-expectations"], ""),
    ] {
        let Some((code, out, err)) = told(arguments, ci) else {
            return;
        };
        assert_eq!((code, out.as_str()), (3, ""), "{arguments:?}: {err}");
        assert!(err.contains("The kernel was NOT tested: "), "{err}");
        assert!(err.contains("name it: --target smoltcp"), "{err}");
    }
    assert_eq!(
        std::fs::read_dir(folder.path("")).unwrap().count(),
        0,
        "nothing was written"
    );
    let named = [case, "--target", "smoltcp", "--junit", &xml];
    let Some((code, _, err)) = told(&named, "true") else {
        return;
    };
    assert_eq!((code, err.as_str()), (0, ""));
}
