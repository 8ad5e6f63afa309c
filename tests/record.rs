//! What the program writes down while it runs, and what it makes of that afterwards: the same.

use crate::cli::{Folder, GOOD, WRONG, told};
use std::fs;

/// A run against smoltcp in which something passes, fails, fails as expected and cannot be done.
fn eventful(cases: &str) -> Vec<String> {
    let words = "run mine/ time-wait/old-segment urgent/ --target";
    let mut words: Vec<String> = words.split(' ').map(str::to_owned).collect();
    words.extend(["smoltcp".to_owned(), "--cases".to_owned(), cases.to_owned()]);
    words
}

fn cases(name: &str) -> Folder {
    let folder = Folder::with(name, "mine/wrong", WRONG);
    folder.write("mine/good.yaml", GOOD);
    folder
}

/// Runs the program with the words of `run` and of `more`, lets it write both reports into `files`, and gives its exit code,
/// what it printed, and what it wrote.
fn rendered(files: &Folder, words: &[String], more: &[&str]) -> (i32, String, String, String) {
    let (junit, json) = (files.path("r.xml"), files.path("r.json"));
    let words = words.iter().map(String::as_str).chain(more.iter().copied());
    let words: Vec<&str> = words.chain(["--junit", &junit, "--json", &json]).collect();
    let (code, out, _) = told(&words);
    let read = |path: &str| fs::read_to_string(path).unwrap();
    (code, out, read(&junit), read(&json))
}

/// Whether a stored record gives what the run itself gave.
fn assert_same(name: &str, words: &[String], style: &[&str], same_style: &[&str]) -> (Folder, String) {
    let files = Folder::new(name);
    let record = files.path("r.jsonl");
    let by_run = rendered(&files, words, &[style, &["--record", &record]].concat());
    let report = ["report".to_owned(), record.clone()];
    let by_report = rendered(&files, &report, same_style);
    assert_eq!(by_run.0, by_report.0);
    assert_eq!(by_run.1, by_report.1);
    assert_eq!(by_run.2, by_report.2);
    assert_eq!(by_run.3, by_report.3);
    (files, record)
}

#[test]
fn a_stored_record_gives_octet_for_octet_what_the_run_gave() {
    let cases = cases("record");
    let words = eventful(&cases.path(""));
    let (_files, record) = assert_same("record-plain", &words, &[], &[]);
    let lines = fs::read_to_string(&record).unwrap();
    assert!(
        lines.starts_with("{\"format\":\"tcpvet-record\",\"version\":2,"),
        "{lines}"
    );
    assert!(
        lines.contains("\"unsupported\"") && lines.contains("{\"answered\":"),
        "{lines}"
    );
    for style in [&["-v", "--color", "always"][..], &["-q"]] {
        assert_same("record-style", &words, style, style);
    }
    assert_same(
        "record-strict",
        &words,
        &["--strict", "--quick", "--traces", "all"],
        &[],
    );
}

#[test]
fn so_does_one_of_several_targets_and_one_of_an_audit() {
    let cases = cases("record-several");
    let mut words = eventful(&cases.path(""));
    let target = words.iter().position(|word| word == "smoltcp").unwrap();
    words[target] = "smoltcp,model".to_owned();
    assert_same("record-comparison", &words, &[], &[]);
    words[target] = "smoltcp".to_owned();
    words[0] = "audit".to_owned();
    assert_same("record-audit", &words, &[], &["--audit"]);
}

#[test]
fn records_of_single_targets_are_compared() {
    let files = Folder::new("record-two");
    let [one, other] = ["smoltcp", "model"].map(|target| {
        let record = files.path(target);
        let (code, _, err) = told(&["time-wait/old-segment", "-t", target, "--record", &record]);
        assert_eq!(code, 0, "{err}");
        record
    });
    let (code, out, _) = told(&["report", &one, &other]);
    assert_eq!(code, 0, "{out}");
    assert!(out.contains("fail    pass  time-wait/old-segment\n"), "{out}");
}

#[test]
fn expectations_are_updated_from_a_record_as_by_the_run() {
    let cases = cases("record-update");
    let files = Folder::new("record-update-files");
    let (record, by_run, by_report) = (files.path("r.jsonl"), files.path("run.yaml"), files.path("report.yaml"));
    let cases = cases.path("");
    let run = [
        "mine/",
        "--cases",
        &cases,
        "-t",
        "smoltcp",
        "--expectations",
        &by_run,
        "--record",
        &record,
    ];
    let update = "--update-expectations";
    // The record of a run that wrote them down holds what is expected now.
    let (code, out, err) = told(&[&run[..], &[update]].concat());
    assert!(
        code == 1 && out.contains("KNOWN, BUT WHY?") && err.contains("1 written"),
        "{out}{err}"
    );
    assert_eq!(told(&["report", &record]).1, out);

    let (code, out, err) = told(&["report", &record, "--expectations", &by_report, update]);
    assert!(
        code == 1 && out.contains("KNOWN, BUT WHY?") && err.contains("1 written"),
        "{out}{err}"
    );
    let [one, other] = [&by_run, &by_report].map(|path| fs::read_to_string(path).unwrap());
    assert_eq!(one, other);
    fs::write(&by_report, other.replace("TODO", "nobody refuses a SYN")).unwrap();
    let (code, out, _) = told(&["report", &record, "--expectations", &by_report]);
    assert!(code == 0 && out.contains("4 fail as expected"), "{out}");
    let (code, _, err) = told(&["report", &record, &record, update]);
    assert!(code == 2 && err.contains("about one target"), "{err}");
}

#[test]
fn a_record_that_is_cut_or_damaged_is_told() {
    let cases = cases("record-cut");
    let (files, record) = assert_same("record-cut-files", &eventful(&cases.path("")), &[], &[]);
    let whole = fs::read_to_string(&record).unwrap();
    let cut = files.write("cut", &whole[..whole.len() - 30]);
    let (code, out, err) = told(&["report", &cut]);
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    assert!(out.contains("\ncut short: the record is cut, and knows of "), "{out}");
    let begun: String = whole.split_inclusive('\n').take(3).collect();
    let (code, out, _) = told(&["report", &files.write("begun", &begun)]);
    assert!([1, 3].contains(&code) && out.contains("knows of 1 of "), "{out}");
    let damaged = files.write(
        "damaged",
        &whole.replacen("\"settled\":{\"place\":", "\"settled\":{\"place\":x", 1),
    );
    let (code, out, err) = told(&["report", &damaged]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.starts_with("error: the record is damaged: column 21: expected value; make it again")
            && err.ends_with(":3\n"),
        "{err}"
    );
    let (code, _, err) = told(&["report", "/no/such/record"]);
    assert!(
        code == 2 && err.starts_with("error: cannot read the record `/no/such/record`: "),
        "{err}"
    );
}

#[test]
fn no_report_is_written_over_a_record_or_over_another_report() {
    let files = Folder::new("record-over");
    let record = files.path("r.jsonl");
    let run = ["run", "urgent/", "--target", "smoltcp"];
    let (code, _, _) = told(&[&run[..], &["--record", &record]].concat());
    assert_eq!(code, 0);
    let stored = fs::read(&record).unwrap();
    let (unlike, new) = (files.path("./r.jsonl"), files.path("new"));
    for words in [
        &["report", &record, "--json", &unlike][..],
        &["report", &record, "--junit", &new, "--json", &new],
        &[&run[..], &["--record", &record, "--json", &unlike]].concat(),
        &[&run[..], &["--record", "-"]].concat(),
    ] {
        let (code, _, err) = told(words);
        assert!(code == 2 && err.contains("file"), "{words:?}: {code} {err}");
        assert_eq!(fs::read(&record).unwrap(), stored, "{words:?}");
    }
    // A device takes any number of reports.
    let nowhere = ["report", &record, "--junit", "/dev/null", "--json", "/dev/null"];
    assert_eq!(told(&nowhere).0, 0);
}

#[test]
#[cfg(target_os = "linux")]
fn what_cannot_be_printed_is_no_success() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_tcpvet"))
        .args(["run", "urgent/", "--target", "smoltcp"])
        .stdout(full)
        .stderr(std::process::Stdio::null())
        .status();
    assert_eq!(status.unwrap().code(), Some(3));
}
