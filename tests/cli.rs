//! The command line as its users meet it: the program itself, with all that can be wrong with what it is given.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder of its own for each test, gone afterwards.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Folder {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// A folder that holds one case.
    pub(crate) fn with(name: &str, case: &str, text: &str) -> Folder {
        let folder = Folder::new(name);
        folder.write(&format!("{case}.yaml"), text);
        folder
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

pub(crate) const GOOD: &str = "\
title: A SYN to a listener is answered
why: Else nobody can connect.
covers: RFC9293-SEG-LISTEN-SYN
given: listen
steps:
  - inject: SYN
  - expect: SYN,ACK
";

/// What no stack does.
pub(crate) const WRONG: &str = "\
title: A SYN to a listener is refused
why: Nobody would ask for that; this is a test of failures.
covers: RFC9293-SEG-LISTEN-SYN
given: listen
steps:
  - inject: SYN
  - expect: RST seq=*
";

const SLOW: &str = "\
title: A FIN is acknowledged after a minute too
why: This is a test of interruptions.
covers: RFC9293-SEG-LISTEN-SYN
given: established
steps:
  - wait: 60s
  - inject: FIN,ACK
  - expect: ACK
";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tcpvet"));
    command
        .args(arguments)
        .env_remove("NO_COLOR")
        .env_remove("RUST_BACKTRACE");
    command
}

fn tcpvet(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// Exit code, standard output, standard error.
pub(crate) fn told(arguments: &[&str]) -> (i32, String, String) {
    let output = tcpvet(arguments);
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// What is wrong with a case, told by both commands that read it, with exit code 2.
fn wrong_case(name: &str, text: &str) -> String {
    let folder = Folder::with(name, "mine/case", text);
    let began = Instant::now();
    let (code, out, err) = told(&["check", &folder.path("")]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    let (code, out, again) = told(&["run", "--cases", &folder.path(""), "--target", "smoltcp"]);
    assert_eq!((code, out.as_str()), (2, ""), "{again}");
    assert!(began.elapsed() < Duration::from_secs(20));
    assert!(err.contains("mine/case.yaml"), "{err}");
    assert!(
        !err.contains("panicked") && !again.contains("bug of tcpvet"),
        "{err}{again}"
    );
    err
}

#[test]
fn malformed_yaml_is_told_with_its_place() {
    let err = wrong_case("malformed", "title: [\nwhy: x\n");
    assert!(err.contains("case.yaml:"), "{err}");
    let err = wrong_case("typo", &GOOD.replace("inject: SYN", "inject: SYM"));
    assert!(err.contains("case.yaml:6:"), "{err}");
    assert!(err.contains("did you mean `SYN`?"), "{err}");
}

#[test]
fn ten_megabytes_of_yaml_are_refused_at_once() {
    wrong_case("huge", &format!("{GOOD}{}", "  - inject: SYN\n".repeat(650_000)));
}

#[test]
fn deep_nesting_ends_nothing_but_the_case() {
    wrong_case("deep", &format!("title: {}x\n", "[".repeat(200_000)));
    wrong_case(
        "deep-block",
        &(0..500)
            .map(|depth| format!("{}a:\n", " ".repeat(depth)))
            .collect::<String>(),
    );
}

#[test]
fn what_is_no_text_at_all_is_told() {
    let folder = Folder::new("octets");
    fs::write(folder.0.join("x.yaml"), [0xff, 0xfe, 0x00, 0x80]).unwrap();
    let (code, _, err) = told(&["check", &folder.path("")]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("x.yaml"), "{err}");
}

#[test]
fn all_errors_of_all_files_are_told_at_once() {
    let folder = Folder::with("several", "a/one", &GOOD.replace("expect: SYN,ACK", "expect: SYN,ACKK"));
    folder.write("a/two.yaml", &GOOD.replace("title", "titel"));
    let (code, _, err) = told(&["check", &folder.path("")]);
    assert_eq!(code, 2);
    assert!(err.contains("one.yaml:7:") && err.contains("two.yaml:1:"), "{err}");
    let (code, _, err) = told(&["check", &folder.path("a/two.yaml")]);
    assert_eq!(code, 2);
    assert!(!err.contains("one.yaml") && err.contains("two.yaml:1:"), "{err}");
}

#[test]
fn a_good_file_is_counted() {
    let folder = Folder::with("good", "a/one", GOOD);
    let expected = (0, "1 file, 4 runs: no errors\n".to_owned(), String::new());
    assert_eq!(told(&["check", &folder.path("")]), expected);
    assert_eq!(told(&["check", &folder.path("a/one.yaml")]), expected);
    let (code, out, err) = told(&["check"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.ends_with(" runs: no errors\n"), "{out}");
}

#[test]
fn a_missing_directory_is_named() {
    for arguments in [["check", "/no/such/folder"], ["--cases", "/no/such/folder"]] {
        let (code, _, err) = told(&arguments);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains("/no/such/folder"), "{err}");
    }
}

#[test]
fn a_report_that_cannot_be_written_fails_before_the_first_packet() {
    let folder = Folder::with("unwritable", "mine/slow", SLOW);
    for (flag, what) in [("--junit", "report"), ("--json", "report"), ("--record", "record")] {
        let began = Instant::now();
        let (code, out, err) = told(&["mine/slow", "--cases", &folder.path(""), flag, "/no/such/file"]);
        assert_eq!((code, out.as_str()), (2, ""));
        let said = format!("error: cannot write the {what} `/no/such/file`: no such file or directory\n");
        assert_eq!(err, said);
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn an_unknown_target_is_told_with_those_there_are() {
    let folder = Folder::with("target", "mine/good", GOOD);
    let (code, _, err) = told(&["mine/", "--cases", &folder.path(""), "--target", "windows"]);
    assert_eq!(code, 2);
    assert!(
        err.starts_with("error: no target is called `windows`; there are "),
        "{err}"
    );
    assert!(err.contains("smoltcp"), "{err}");
}

#[test]
fn a_selection_that_means_nothing_is_told_with_what_is_near() {
    let folder = Folder::with("selection", "mine/good-one", GOOD);
    let (code, _, err) = told(&["mine/god-one", "--cases", &folder.path(""), "--target", "smoltcp"]);
    assert_eq!(code, 2);
    assert_eq!(
        err,
        "error: no case, folder, requirement or tag `mine/god-one`, and no name begins so; did you mean \
         `mine/good-one`?\n"
    );
}

#[test]
fn a_selection_may_end_at_any_letter() {
    let listed = |word: &str| {
        let (code, out, err) = told(&["list", word]);
        assert_eq!((code, err.as_str()), (0, ""), "{word}");
        out
    };
    assert_eq!(listed("reset/acc"), listed("reset/acceptance"));
    assert_eq!(listed("handshake/passive-open["), listed("handshake/passive-open"));
    assert!(listed("res").contains("reset/acceptance"));
}

#[test]
fn a_mistyped_command_is_not_taken_for_a_selection() {
    for (arguments, said) in [
        (
            &["lst"][..],
            "`lst` is no command; did you mean `tcpvet list`?\nno case, folder, ",
        ),
        (
            &["inspec", "x.pcap"],
            "`inspec` is no command; did you mean `tcpvet inspect`?",
        ),
        (
            &["re"],
            "`re` is no command; did you mean `tcpvet report`?\nas a selection it is how the names of ",
        ),
        (
            &["covrage", "--write", "x"],
            "`covrage` is no command; did you mean `tcpvet coverage`?",
        ),
    ] {
        let (code, out, err) = told(arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(said), "{err}");
    }
    // What is named as a whole is meant, however like a command it looks.
    let folder = Folder::with("like-a-command", "lists/good", GOOD);
    let (code, _, err) = told(&["lists", "--cases", &folder.path(""), "-t", "smoltcp"]);
    assert_eq!((code, err.as_str()), (0, ""));
}

#[test]
fn a_file_that_cannot_be_read_stops_only_what_may_mean_it() {
    let folder = Folder::with("broken-beside", "mine/broken", "title: [\n");
    folder.write("mine/good.yaml", GOOD);
    let cases = folder.path("");
    let run = |word: &[&str]| told(&[&["run", "-q", "--cases", &cases, "-t", "smoltcp"], word].concat());
    for word in ["mine/good", "mine/g", "handshake/passive-open", "mine/good[ip4]"] {
        let (code, _, err) = run(&[word]);
        assert_eq!(code, 0, "{word}: {err}");
        assert!(
            err.starts_with("warning: `mine/broken` cannot be read, and is not among what is selected\n"),
            "{err}"
        );
        assert!(err.contains("mine/broken.yaml:2: this is not YAML"), "{err}");
    }
    for word in [
        &["mine/"][..],
        &["mine/b"],
        &["rfc:9293"],
        &["m*"],
        &["mine/good", "mine/broken"],
        &[],
    ] {
        let (code, out, err) = run(word);
        assert_eq!((code, out.as_str()), (2, ""), "{word:?}");
        assert!(err.starts_with("error: this is not YAML"), "{err}");
    }
    // What is known of the case that cannot be read is not taken for a slip.
    let known = "- {cases: mine/broken, expect: fail, requirement: RFC9293-MUST-1, reason: known}\n";
    let known = folder.write("known", known);
    assert_eq!(run(&["mine/good", "--expectations", &known]).0, 0);
    let slip = folder.write("slip", &fs::read_to_string(&known).unwrap().replace("broken", "broke"));
    assert_eq!(run(&["mine/good", "--expectations", &slip]).0, 2);
    assert_eq!(told(&["list", "mine/good", "--cases", &cases]).0, 0);
    assert_eq!(told(&["explain", "mine/good", "--cases", &cases]).0, 0);
}

#[test]
fn quiet_ends_with_one_line() {
    let (code, out, err) = told(&["-q", "handshake/passive-open", "-t", "smoltcp"]);
    assert_eq!((code, out.lines().count(), err.as_str()), (0, 1, ""), "{out}");
    assert!(
        out.starts_with("4 runs against smoltcp in ") && out.ends_with(": 4 pass\n"),
        "{out}"
    );
}

#[test]
fn small_mistakes_are_told_in_words() {
    let folder = Folder::with("small", "mine/good", GOOD);
    let cases = folder.path("");
    let bad = folder.write("bad.yaml", &GOOD.replace("SYN,ACK", "SYN,ACK\n    within: 1"));
    for (arguments, said) in [
        (
            &["--target", ","][..],
            "`--target` names nothing before or behind a comma",
        ),
        (
            &["--target", "smoltcp,"],
            "`--target` names nothing before or behind a comma",
        ),
        (&["--runs-per-world", "0"], "give a whole number from 1"),
        (
            &[
                "mine/",
                "--cases",
                &cases,
                "-t",
                "smoltcp",
                "--expectations",
                "/dev/zero",
            ],
            "longer than 16 MiB",
        ),
        (&["report", "/dev/zero"], "/dev/zero"),
        (&["check", "/dev/zero"], "not a directory"),
        (&["check", &bad], "`1`"),
    ] {
        let (code, out, err) = told(arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments:?}: {err}");
        assert!(err.contains(said), "{err}");
    }
}

/// A device that takes nothing.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_whole_is_exit_code_3() {
    let folder = Folder::new("full");
    let record = folder.path("r.jsonl");
    let run = ["run", "handshake/passive-open", "-t", "smoltcp"];
    assert_eq!(told(&[&run[..], &["--record", &record]].concat()).0, 0);
    for report in ["--junit", "--json", "--record"] {
        let (code, _, err) = told(&[&run[..], &[report, "/dev/full"]].concat());
        assert_eq!(code, 3, "{report}: {err}");
        assert!(err.contains("/dev/full") && err.contains("no space left"), "{err}");
    }
    for report in ["--junit", "--json"] {
        assert_eq!(told(&["report", &record, report, "/dev/full"]).0, 3, "{report}");
    }
    for arguments in [
        &run[..],
        &["-q", "handshake/passive-open", "-t", "smoltcp"],
        &["audit", "handshake/passive-open", "-t", "smoltcp"],
        &["report", &record],
        &["report", &record, "--json", "-"],
        &["list"],
        &["list", "--json"],
        &["explain", "handshake/passive-open"],
        &["coverage"],
        &["coverage", "--json"],
        &["coverage", "--write", "-"],
        &["prove", "handshake/passive-open"],
        &["check"],
        &["schema"],
        &["defects"],
        &["rules"],
        &["targets"],
        &["completions", "bash"],
        &["--help"],
        &["help", "run"],
        &["--version"],
    ] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = command(arguments).stdout(full).output().unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {err}");
    }
}

#[test]
fn axes_that_leave_nothing_are_told() {
    let folder = Folder::with("axes", "mine/four", &format!("{GOOD}only: {{ip: 4}}\n"));
    let (code, _, err) = told(&["mine/four", "--ip", "6", "--cases", &folder.path(""), "-t", "smoltcp"]);
    assert_eq!(code, 2);
    assert!(err.contains("nothing is left to run"), "{err}");
}

#[test]
fn expectations_are_kept_and_those_that_match_nothing_are_refused() {
    let folder = Folder::with("expectations", "mine/wrong", WRONG);
    // Beside the cases, or it would be taken for one.
    let beside = Folder::new("expectations-file");
    let run = |entry: &str| {
        let file = beside.write("e.yaml", entry);
        let cases = folder.path("");
        told(&[
            "mine/wrong",
            "--cases",
            &cases,
            "-t",
            "smoltcp",
            "--expectations",
            &file,
        ])
    };
    let known = "- {cases: mine/*, expect: fail, requirement: RFC9293-SEG-LISTEN-SYN, reason: known}";
    let (code, out, err) = run(known);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("4 fail as expected"), "{out}");

    let (code, out, _) = run(&known.replace("reason", "step: 'expect: ACK', reason"));
    assert_eq!(code, 1);
    assert!(
        out.contains("expected at `expect: ACK`, came at `expect: RST seq=*`"),
        "{out}"
    );

    let (code, _, err) = run(&format!("# one\n\n{}", known.replace("mine/*", "mine/wrogn")));
    assert_eq!(code, 2);
    assert!(
        err.contains("no run matches `mine/wrogn`; did you mean `mine/wrong`?"),
        "{err}"
    );
    assert!(err.contains("e.yaml:3"), "{err}");

    let (code, _, err) = run("- {cases: mine/*, expect: unsupported}");
    assert_eq!(code, 2);
    assert!(err.contains("needs a `reason`"), "{err}");
}

/// Runs what is wrong and what is good in a folder of cases, against smoltcp, and updates a file.
fn update(cases: &Folder, file: &str) -> (i32, String, String) {
    let cases = cases.path("");
    let arguments = ["mine/", "--cases", &cases, "-t", "smoltcp", "--expectations", file];
    told(&[&arguments[..], &["--update-expectations"]].concat())
}

#[test]
fn what_came_unexpectedly_is_written_down_and_red_until_the_reason_is() {
    let folder = Folder::with("update", "mine/wrong", WRONG);
    folder.write("mine/good.yaml", GOOD);
    let beside = Folder::new("update-file");
    let file = beside.path("e.yaml");
    let (code, out, err) = update(&folder, &file);
    assert_eq!(
        (code, err.as_str()),
        (1, format!("{file}: 1 written, 0 taken out, 0 narrowed down\n").as_str())
    );
    let sentence = format!("{file}:5: write the reason in place of TODO");
    assert!(out.contains(&sentence), "{out}");
    let entry = "- cases: 'mine/wrong'\n  expect: fail\n  requirement: RFC9293-SEG-LISTEN-SYN\n  \
                 step: 'expect: RST seq=*'\n  reason: TODO\n";
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        text.starts_with("# What is known") && text.ends_with(&format!("\n\n{entry}")),
        "{text}"
    );

    let cases = folder.path("");
    let run = || told(&["mine/", "--cases", &cases, "-t", "smoltcp", "--expectations", &file]);
    let (code, out, _) = run();
    assert_eq!(code, 1, "{out}");
    assert!(out.contains(&sentence) && out.contains("NOT CONFORMING"), "{out}");
    fs::write(&file, text.replace("TODO", "nobody refuses a SYN")).unwrap();
    let (code, out, _) = run();
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("4 fail as expected"), "{out}");

    // Mended: the entry goes, and the comment stays.
    folder.write("mine/wrong.yaml", GOOD);
    let (code, _, err) = update(&folder, &file);
    assert_eq!(
        (code, err.as_str()),
        (0, format!("{file}: 0 written, 1 taken out, 0 narrowed down\n").as_str())
    );
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.starts_with("# What is known") && !text.contains("cases"), "{text}");
    let (code, _, err) = update(&folder, &file);
    assert_eq!(
        (code, err.as_str()),
        (0, format!("{file} is as it should be\n").as_str())
    );
}

#[test]
fn expectations_of_what_is_built_in_are_written_in_a_checkout_only() {
    let elsewhere = Folder::with("no-checkout", "cases/mine/wrong", WRONG);
    let run = |target: &str| {
        let arguments = ["mine/", "--cases", "cases", "-t", target, "--update-expectations"];
        let output = command(&arguments).current_dir(&elsewhere.0).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, err) = run("smoltcp");
    assert_eq!(code, Some(2));
    assert!(
        err.contains("run this in a checkout of tcpvet") && err.contains("`--expectations FILE`"),
        "{err}"
    );
    let (code, err) = run("model");
    assert_eq!(code, Some(2));
    assert!(err.contains("nothing is expected of the reference endpoint"), "{err}");
    // As in a checkout: the file stands beside the runner, and is read in place of the one that is built in.
    elsewhere.write("runners/smoltcp/runner.yaml", "");
    let known = "# kept\n- cases: mine/*\n  expect: fail\n  requirement: RFC9293-SEG-LISTEN-SYN\n  reason: known\n";
    elsewhere.write("runners/smoltcp/expectations.yaml", known);
    let (code, err) = run("smoltcp");
    assert_eq!(
        (code, err.as_str()),
        (Some(0), "runners/smoltcp/expectations.yaml is as it should be\n")
    );
}

#[test]
fn a_failure_is_shown_with_requirement_place_and_ladder() {
    let folder = Folder::with("failure", "mine/wrong", WRONG);
    let (code, out, err) = told(&["mine/", "--cases", &folder.path(""), "--target", "smoltcp"]);
    assert_eq!((code, err.as_str()), (1, ""));
    for said in [
        "FAIL  mine/wrong[ip4]",
        "A SYN to a listener is refused",
        "MUST  RFC9293-SEG-LISTEN-SYN (prose): ",
        "mine/wrong.yaml:7:",
        "time tester",
        ">     line 7 | expect: RST seq=*   <-- NOT MET",
        "and 3 runs alike",
        "NOT CONFORMING: 4 runs of 1 case unexpected.",
    ] {
        assert!(out.contains(said), "{said} is not in:\n{out}");
    }
}

#[test]
fn run_need_not_be_written_and_colours_come_only_when_asked_for() {
    let folder = Folder::with("bare", "mine/good", GOOD);
    let cases = folder.path("");
    let (code, bare, _) = told(&["mine/", "--cases", &cases, "-t", "smoltcp"]);
    assert_eq!(code, 0);
    assert!(bare.ends_with("Nothing unexpected.\n"), "{bare}");
    assert!(!bare.contains('\x1b'));
    let (code, run, _) = told(&["run", "mine/", "--cases", &cases, "-t", "smoltcp", "--color", "always"]);
    assert_eq!(code, 0);
    assert!(run.contains("\x1b[32m"), "{run}");
    let (code, quiet, err) = told(&["mine/", "--cases", &cases, "-t", "smoltcp", "--quiet"]);
    assert_eq!((code, quiet.lines().count(), err.as_str()), (0, 1, ""), "{quiet}");
}

#[test]
fn both_reports_are_written_and_json_may_go_to_standard_output() {
    let folder = Folder::with("reports", "mine/wrong", WRONG);
    folder.write("mine/good.yaml", GOOD);
    let reports = Folder::new("reports-files");
    let (cases, xml) = (folder.path(""), reports.path("r.xml"));
    let (code, out, err) = told(&[
        "mine/", "--cases", &cases, "-t", "smoltcp", "--junit", &xml, "--json", "-",
    ]);
    assert_eq!(code, 1);
    assert!(err.contains("NOT CONFORMING"), "{err}");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["format"], "tcpvet-report");
    assert_eq!(json["version"], 1);
    assert_eq!(json["exit_code"], 1);
    assert_eq!(json["target"]["name"], "smoltcp");
    assert_eq!(json["totals"], serde_json::json!({"fail": 4, "pass": 4}));
    let runs = json["runs"].as_array().unwrap();
    assert_eq!(runs[0]["name"], "mine/good[ip4]");
    assert_eq!(runs[4]["failure"]["line"], 7);
    assert_eq!(runs[4]["failure"]["requirements"][0]["level"], "MUST");
    let text = fs::read_to_string(&xml).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    assert_eq!(
        document
            .descendants()
            .filter(|node| node.has_tag_name("failure"))
            .count(),
        4
    );
    let beside: Vec<_> = fs::read_dir(&reports.0)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(beside.len(), 1, "nothing half-written stays: {beside:?}");
}

#[test]
fn cases_are_listed_with_titles_and_requirements() {
    let folder = Folder::with("list", "mine/good", GOOD);
    let cases = folder.path("");
    let (code, out, _) = told(&["list", "mine/", "--cases", &cases]);
    let expected = "mine/good  (4 runs)\n    A SYN to a listener is answered\n    MUST RFC9293-SEG-LISTEN-SYN\n";
    assert_eq!((code, out.as_str()), (0, expected));
    let (code, out, _) = told(&["list", "mine/", "--cases", &cases, "-v", "--ip", "6"]);
    assert_eq!(code, 0);
    assert!(out.contains("0.1 s  mine/good[ip6,wrap]"), "{out}");
    let (_, out, _) = told(&["list", "mine/", "--cases", &cases, "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json[3]["name"], "mine/good[ip6,wrap]");
    assert_eq!(json[3]["requirements"][0], "RFC9293-SEG-LISTEN-SYN");
}

#[test]
fn the_coverage_that_is_kept_is_the_one_that_there_is() {
    let kept = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/reports/coverage.md")).unwrap();
    let (code, now, err) = told(&["coverage", "--write", "-"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let (kept, now): (Vec<&str>, Vec<&str>) = (kept.lines().collect(), now.lines().collect());
    let gone: Vec<_> = kept.iter().filter(|line| !now.contains(line)).collect();
    let new: Vec<_> = now.iter().filter(|line| !kept.contains(line)).collect();
    assert!(
        kept == now,
        "make it again by `tcpvet coverage --write reports/coverage.md`, if this is meant:\n- {gone:#?}\n+ {new:#?}"
    );
}

#[test]
fn coverage_is_told_by_rfc_by_requirement_and_to_machines() {
    let (code, out, _) = told(&["coverage", "rfc:5961"]);
    assert_eq!(code, 0);
    assert!(out.contains("RFC 5961  MUST"), "{out}");
    assert!(!out.contains("RFC 9293"), "{out}");
    assert!(out.contains("MUST 100 %: "), "{out}");
    assert!(
        out.lines()
            .all(|line| line.chars().count() <= 80 || line.contains("can be observed")),
        "{out}"
    );

    let folder = Folder::with("coverage", "mine/good", GOOD);
    let cases = folder.path("");
    let (code, out, _) = told(&["coverage", "-v", "RFC9293-SEG-LISTEN-SYN", "--cases", &cases]);
    assert_eq!(code, 0);
    assert!(
        out.contains("MUST RFC9293-SEG-LISTEN-SYN (prose)\n") && out.contains("mine/good"),
        "{out}"
    );
    assert!(!out.contains("100 %: "), "half an RFC has no goal: {out}");

    let (code, out, _) = told(&["coverage", "RFC9293-SEG-LISTEN-SYN", "--json", "--cases", &cases]);
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &json["format"]), (0, &serde_json::json!("tcpvet-coverage")));
    let by = json["requirements"][0]["by"].as_array().unwrap();
    assert!(by.contains(&serde_json::json!("mine/good")), "{out}");

    let (code, _, err) = told(&["coverage", "RFC9293-SEG-LISTN-SYN"]);
    assert_eq!(code, 2);
    assert!(err.contains("did you mean `RFC9293-SEG-LISTEN-SYN`"), "{err}");
}

const LESSON: &str = "\
mine/lesson
  A SYN to a listener is answered

  Why     Else nobody can connect.

  Asks    [1] SHOULD LOCAL-1, section 7
              A SYN is answered.

  Rows    2 variations
  > plain
    fin

  Given   listen (call: listen; state: listen)

  On the reference endpoint, over IPv4: plain
        time tester                                        target
       given |                                              |
    0.000000 |                                              | call: listen
    0.000000 |                                              | listen -> ok
             | * state listen                               |
      line 7 | inject: SYN                                  |
    0.000000 |-- SYN seq=0 win=65535 <mss 1460> ----------->|
    0.000000 |<- SYN,ACK seq=0 ack=1 win=65535 -------------|
             |   <mss 1460>                                 |
      line 8 | expect: SYN,ACK ack=1                        | SHOULD [1]
    0.001000 | * the run ended: pass                        |

";

#[test]
fn a_case_is_explained_with_its_reasons_and_the_exchange() {
    let folder = Folder::new("explain");
    folder.write(
        "requirements/local.yaml",
        "requirements:\n- {id: LOCAL-1, section: '7', level: SHOULD, side: both, topic: x, summary: A SYN is answered.,\n   \
         observable: wire, how: h}\n",
    );
    let case = "title: A SYN to a listener is answered\nwhy: Else nobody can connect.\ncovers: LOCAL-1\ngiven: listen\n\
                matrix: [{name: plain, with: SYN}, {name: fin, with: 'SYN,FIN'}]\nsteps:\n  - inject: $with\n  \
                - expect: SYN,ACK ack=1\n";
    folder.write("mine/lesson.yaml", case);
    let cases = folder.path("");
    let (code, out, err) = told(&["explain", "mine/lesson", "--cases", &cases]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with(LESSON), "{out}");
    assert!(out[LESSON.len()..].starts_with("seq and ack count from"), "{out}");

    // Silence to a SYN with FIN is a choice, but this case does not accept it.
    let (_, out, _) = told(&["explain", "mine/lesson[fin]", "--cases", &cases]);
    assert!(
        out.contains("  > fin\n") && !out.contains("nothing (syn-fin=no)"),
        "{out}"
    );

    let (_, out, _) = told(&["explain", "mine/lesson[plain,ip6]", "--cases", &cases, "-v"]);
    assert!(out.contains("over IPv6: plain") && out.contains("<mss 1440>"), "{out}");
    assert!(out.contains("| lawful: SYN,ACK seq=0 ack=1"), "{out}");
    assert!(!told(&["explain"]).2.is_empty(), "a selection is asked for");
}

#[test]
fn what_may_follow_a_segment_is_told_with_the_choices_that_lead_there() {
    let (code, out, _) = told(&["explain", "handshake/syn-fin"]);
    assert_eq!(code, 0);
    assert!(out.contains("| lawful: SYN,ACK seq=0 ack=1"), "{out}");
    assert!(out.contains("|      or nothing (syn-fin=no) "), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 80), "{out}");
}

#[test]
fn beside_what_was_seen_stands_what_the_reference_endpoint_answers() {
    let folder = Folder::new("model-line");
    let (xml, json) = (folder.path("r.xml"), folder.path("r.json"));
    let arguments = [
        "reset/confirmed[meant,ip4]",
        "--defect",
        "no-challenge-for-rst",
        "--junit",
        &xml,
        "--json",
        &json,
    ];
    let (code, out, _) = told(&arguments);
    assert_eq!(code, 1);
    let at = out.find("      seen  nothing within").expect(&out);
    let line = "     model  ACK seq=1 ack=1 win=65535";
    assert_eq!(out[at..].lines().nth(1), Some(line), "{out}");
    assert!(fs::read_to_string(&xml).unwrap().contains(line));
    let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(json["runs"][0]["failure"]["model"], "ACK seq=1 ack=1 win=65535");
}

#[test]
fn what_nothing_can_cover_is_told_with_its_reason_and_may_not_be_covered() {
    let entry = "requirements:\n- {id: LOCAL-1, section: '1', level: MAY, side: both, topic: x, summary: s, observable: wire, how: h,\n   \
                 uncovered: the peer's screen shows it}\n";
    let folder = Folder::with("uncovered", "mine/good", GOOD);
    folder.write("requirements/local.yaml", entry);
    let (code, out, err) = told(&["coverage", "-v", "LOCAL-1", "--cases", &folder.path("")]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("not covered: the peer's screen shows it"), "{out}");
    assert!(out.contains("others    MAY"), "{out}");
    folder.write("mine/good.yaml", &GOOD.replace("RFC9293-SEG-LISTEN-SYN", "LOCAL-1"));
    let (code, _, err) = told(&["coverage", "--cases", &folder.path("")]);
    assert_eq!(code, 2);
    assert!(
        err.contains("`mine/good` covers it") && err.contains("local.yaml:3:4"),
        "{err}"
    );
}

#[test]
fn quick_leaves_out_what_waits_long_and_says_so() {
    let folder = Folder::with("quick", "mine/slow", SLOW);
    folder.write("mine/good.yaml", GOOD);
    let (code, out, _) = told(&["mine/", "--cases", &folder.path(""), "-t", "smoltcp", "--quick"]);
    assert_eq!(code, 0);
    assert!(out.contains("4 runs over 5 s left out (--quick)"), "{out}");
}

#[test]
fn a_reader_that_leaves_ends_nothing_badly() {
    let mut child = command(&["list", "-v"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::with_capacity(16, child.stdout.take().unwrap())
        .read_line(&mut first)
        .unwrap();
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn schema_targets_and_completions_are_printed() {
    let (code, out, _) = told(&["schema"]);
    assert_eq!(code, 0);
    let schema: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(schema["properties"]["steps"].is_object());
    let (code, out, _) = told(&["targets"]);
    assert_eq!(code, 0);
    assert!(out.contains("smoltcp    can run here"), "{out}");
    for shell in ["bash", "zsh", "fish"] {
        let (code, out, _) = told(&["completions", shell]);
        assert_eq!(code, 0);
        assert!(out.contains("junit"), "{shell}");
    }
}

#[test]
fn what_is_missing_to_run_the_rest_is_told_with_the_command_that_installs_it() {
    let empty = Folder::new("no-programs");
    let output = command(&["targets"]).env("PATH", &empty.0).output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{out}");
    let told = |name: &str, missing: &str| {
        let line = out.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.contains("cannot run here") && line.contains(missing), "{line}");
    };
    told("gvisor ", "not here: go");
    told("lwip ", "not here: make, cc");
    told("python ", "not here: python3");
    let rest = out
        .lines()
        .find_map(|line| line.strip_prefix("To run the rest: "))
        .unwrap();
    let packages: Vec<&str> = rest.split(' ').skip_while(|word| *word != "install").skip(1).collect();
    for package in ["gcc", "golang", "make", "python3"] {
        assert!(packages.contains(&package), "{rest}");
    }
    assert!(out.contains("smoltcp    can run here"), "{out}");
}

#[test]
fn mistaken_flags_are_exit_code_2() {
    for arguments in [
        ["--no-such-flag"].as_slice(),
        &["--ip", "5"],
        &["-q", "-v"],
        &["list", "--strict"],
    ] {
        assert_eq!(told(arguments).0, 2, "{arguments:?}");
    }
}

/// Ctrl-C while a run waits. Only where the kernel can be a target, since on virtual time nothing waits.
#[test]
fn what_ended_before_ctrl_c_is_reported() {
    if !told(&["targets"]).1.contains("linux      can run here") {
        return;
    }
    let folder = Folder::with("interrupt", "mine/slow", SLOW);
    folder.write("mine/good.yaml", GOOD);
    let (cases, xml, json) = (folder.path(""), folder.path("r.xml"), folder.path("r.json"));
    let record = folder.path("r.jsonl");
    let arguments = [
        "mine/", "--cases", &cases, "-t", "linux", "--junit", &xml, "--json", &json, "--record", &record,
    ];
    let began = Instant::now();
    let child = command(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let settled = || {
        fs::read_to_string(&record)
            .unwrap_or_default()
            .matches("{\"settled\":")
            .count()
    };
    while settled() < 4 {
        assert!(
            began.elapsed() < Duration::from_secs(180),
            "what takes no time does not end"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let told_to = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert!(
        told_to.elapsed() < Duration::from_secs(45),
        "it does not wait for the minute to end"
    );
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{out}");
    assert!(out.contains("cut short: interrupted"), "{out}");
    assert!(out.contains("4 pass") && out.contains("4 INCONCLUSIVE"), "{out}");
    let report: serde_json::Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(report["cut_short"], "interrupted");
    assert_eq!(report["totals"], serde_json::json!({"inconclusive": 4, "pass": 4}));
    assert!(fs::read_to_string(&xml).unwrap().contains("<error"));
    assert_eq!(told(&["report", &record]), (3, out, String::new()));
}

/// Until the process has said what is to become of a signal.
fn listens_for_signals(pid: u32) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let interrupt = 1 << 1;
    let caught = || {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
    };
    while caught().is_none_or(|mask| mask & interrupt == 0) {
        assert!(Instant::now() < deadline, "it does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn after_ctrl_c_no_other_target_is_begun() {
    if !told(&["targets"]).1.contains("linux      can run here") {
        return;
    }
    let folder = Folder::with("interrupt-several", "mine/slow", SLOW);
    let child = command(&["mine/", "--cases", &folder.path(""), "-t", "linux,smoltcp"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    listens_for_signals(child.id());
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{out}");
    assert!(out.contains("smoltcp  not run: interrupted before it began\n"), "{out}");
}

/// A runner that can be run nowhere.
const NOWHERE: &str = "name: nowhere\nkind: agent\nmode: lockstep\ncommand: [./agent]\n\
                       requires: [{program: no-such-compiler, apt: no-such-package}, \
                       {file: /no/such/stack.h, apt: no-such-headers}]\n";

#[test]
fn several_targets_end_with_a_table_of_what_differs() {
    let folder = Folder::new("several-targets");
    let (xml, json) = (folder.path("r.xml"), folder.path("r.json"));
    let arguments = [
        "time-wait/old-segment",
        "handshake/passive-open",
        "-t",
        "model,smoltcp",
        "--junit",
        &xml,
        "--json",
        &json,
    ];
    let (code, out, err) = told(&arguments);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(
        lines[..2],
        ["model smoltcp what differs", "pass  fail    time-wait/old-segment"],
        "{out}"
    );
    assert!(out.contains("\nmodel    ") && out.contains("\nsmoltcp  "), "{out}");
    assert!(out.ends_with("Nothing unexpected.\n"), "{out}");

    let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(json["format"], "tcpvet-comparison");
    assert_eq!(json["targets"], serde_json::json!(["model", "smoltcp"]));
    assert_eq!(json["differences"][0]["name"], "time-wait/old-segment[ip4]");
    assert_eq!(json["differences"][0]["verdicts"], serde_json::json!(["pass", "fail"]));
    assert_eq!(json["reports"][1]["target"]["name"], "smoltcp");

    let text = fs::read_to_string(&xml).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let suites = document.descendants().filter(|node| node.has_tag_name("testsuite"));
    let names: Vec<_> = suites.filter_map(|suite| suite.attribute("name")).collect();
    assert_eq!(names, ["model", "smoltcp"]);
    let cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
    assert!(
        cases
            .filter_map(|case| case.attribute("classname"))
            .any(|class| class == "smoltcp.time-wait")
    );

    let (code, out, _) = told(&["time-wait/old-segment", "-t", "model,smoltcp", "-q"]);
    assert_eq!(
        (code, out.as_str()),
        (0, "8 runs against 2 targets: nothing unexpected\n")
    );
}

#[test]
fn of_several_targets_the_worst_decides_and_one_that_cannot_run_is_told_with_the_remedy() {
    let folder = Folder::with("worst", "mine/wrong", WRONG);
    let cases = folder.path("");
    let (code, out, _) = told(&["mine/", "--cases", &cases, "-t", "model,smoltcp"]);
    assert_eq!(code, 1);
    assert!(
        out.contains("== model ==") && out.contains("== smoltcp ==") && out.contains("== all =="),
        "{out}"
    );
    assert!(out.contains("No case came out otherwise"), "{out}");
    assert!(out.ends_with("NOT CONFORMING: model, smoltcp.\n"), "{out}");

    let runner = Folder::with("nowhere", "runner", NOWHERE);
    let both = format!("{},model", runner.path(""));
    let missing = "not here: no-such-compiler, /no/such/stack.h; ";
    let remedy = "apt install no-such-headers no-such-package";
    let (code, out, err) = told(&["handshake/passive-open", "-t", &both]);
    assert_eq!(code, 3, "{out}");
    assert!(err.contains(missing) && err.contains(remedy), "{err}");
    assert!(
        out.contains(&format!("not run: {missing}")) && out.contains("4 pass"),
        "{out}"
    );
    let (code, out, err) = told(&["handshake/passive-open", "-t", &runner.path("")]);
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(err.contains(remedy), "{err}");
}

#[test]
fn what_contradicts_several_targets_is_refused() {
    let refused = |more: &[&str], said: &str| {
        let (code, out, err) = told(&[&["handshake/passive-open"], more].concat());
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.contains(said), "{err}");
    };
    refused(&["-t", "model,smoltcp,model"], "`model` is asked for twice");
    refused(&["-t", "model,windows"], "no target is called `windows`");
    refused(
        &["-t", "model,smoltcp", "--expectations", "x.yaml"],
        "is about one target",
    );
    refused(&["-t", "model,smoltcp", "--switch", "syn-fin"], "not for smoltcp");
}

#[test]
fn an_audit_tells_what_was_measured_chosen_and_found_otherwise_and_is_no_verdict() {
    let Output { stdout, status, .. } = Command::new(env!("CARGO_BIN_EXE_tcpvet"))
        .args(["audit", "--target", "smoltcp", "--ip", "4", "--isn", "plain"])
        .args(["portrait/", "time-wait/", "handshake/"])
        .output()
        .unwrap();
    let out = String::from_utf8(stdout).unwrap();
    assert_eq!(status.code(), Some(0), "{out}");
    assert!(out.starts_with("smoltcp, as "), "{out}");
    let says = |name: &str, value: &str| {
        out.lines()
            .any(|line| line.trim_start().starts_with(name) && line.ends_with(value))
    };
    assert!(says("portrait/time-wait: time wait", " 10.000 s"), "{out}");
    assert!(says("handshake/syn-fin", " dropped"), "{out}");
    assert!(out.contains("TIME-WAIT is never reopened"), "{out}");
}

/// Whatever comes, it passes.
const TOOTHLESS: &str = "\
title: A RST inside the window is challenged, or not
why: This is a test of cases that test nothing.
covers: RFC5961-3.2-3
given: established
steps:
  - inject: RST seq=RCV.NXT+1
  - any-of:
      challenged:
        - expect: ACK,URG? seq=*
      silent:
        - expect: nothing
    by: {challenged: default, silent: no-challenge-for-rst}
    right: [challenged, silent]
";

#[test]
fn a_row_that_notices_nothing_is_told_by_name() {
    let folder = Folder::with("toothless", "mine/toothless", TOOTHLESS);
    folder.write("mine/good.yaml", GOOD);
    let cases = folder.path("");
    let (code, out, err) = told(&["prove", "mine/", "--cases", &cases]);
    assert_eq!(code, 1, "{err}");
    let first = out.lines().next().unwrap();
    assert_eq!(first, "mine/toothless", "what is wrong comes first:\n{out}");
    assert!(out.contains("    notices no mistake, though "), "{out}");
    assert!(
        out.contains("toothless.yaml:7) is right, but comes by a mistake"),
        "{out}"
    );
    assert!(!out.contains("mine/good\n"), "{out}");
    assert!(
        out.contains("2 rows tried, 1 with something wrong") && out.ends_with("NOT PROVEN.\n"),
        "{out}"
    );
}

#[test]
fn rows_that_bite_are_proven_and_told_of_on_demand() {
    let folder = Folder::with("toothed", "mine/good", GOOD);
    let (cases, json) = (folder.path(""), folder.path("proof.json"));
    let (code, out, err) = told(&["prove", "mine/", "--cases", &cases, "--json", &json, "-v"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(
        out.starts_with("mine/good  ") && out.ends_with("Every row bites.\n"),
        "{out}"
    );
    assert!(out.lines().next().unwrap().contains("peers-syn-not-counted"), "{out}");
    let json: serde_json::Value = serde_json::from_str(&fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(
        (&json["holds"], &json["rows"][0]["row"]),
        (&true.into(), &"mine/good".into())
    );
    assert!(!json["rows"][0]["mistakes_noticed"].as_array().unwrap().is_empty());
}

#[test]
fn what_cannot_be_proven_is_a_mistake_of_the_user() {
    let folder = Folder::with("unprovable", "mine/good", GOOD);
    let table = folder.path("proof.tsv");
    let (code, _, err) = told(&["prove", "reset/", "--write", &table]);
    assert_eq!(code, 2);
    assert!(err.contains("only the whole library can be written"), "{err}");
    assert!(!Path::new(&table).exists());
    let (code, _, err) = told(&["prove", "reset/acceptence"]);
    assert_eq!(code, 2);
    assert!(err.contains("reset/acceptance"), "{err}");
    let wrong = Folder::with("unprovable-wrong", "mine/wrong", WRONG);
    let (code, out, _) = told(&["prove", "mine/", "--cases", &wrong.path("")]);
    assert_eq!(code, 1);
    assert!(
        out.contains("mine/wrong\n    fail on the reference endpoint: "),
        "{out}"
    );
}
