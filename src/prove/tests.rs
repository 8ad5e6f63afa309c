//! The library detects errors, and a row that does not is reported.

use super::*;
use crate::case::Library;
use crate::case::trial::library_of;
use std::sync::LazyLock;

const TABLE: &str = include_str!("../../cases/proof.tsv");

pub(super) static ROWS: LazyLock<Vec<RowRuns>> = LazyLock::new(|| {
    let library = Library::bundled().unwrap_or_else(|problems| panic!("{problems}"));
    let scripts: Vec<_> = library.cases().iter().flat_map(|case| case.scripts.clone()).collect();
    rows(&scripts)
});

/// The proof of the whole library.
pub(super) static WHOLE: LazyLock<Proof> = LazyLock::new(|| prove(&ROWS, true, &|| ()).unwrap());

fn told(judgement: &Judgement) -> String {
    format!("{:#?}", (&judgement.rows, &judgement.mistakes, &judgement.unneeded))
}

/// The rows of a table, as it names them.
fn rows_of(table: &str) -> Vec<&str> {
    let rows = table.lines().filter_map(|line| line.strip_prefix("row\t"));
    rows.filter_map(|line| line.split('\t').next()).collect()
}

/// To write the table anew: `cargo run --release -- prove --write cases/proof.tsv`.
#[test]
fn the_table_names_every_row_and_every_mistake() {
    let names: Vec<&str> = ROWS.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(rows_of(TABLE), names, "write the table anew");
    let mistakes = TABLE.lines().filter_map(|line| line.strip_prefix("mistake\t"));
    let mistakes: Vec<&str> = mistakes.filter_map(|line| line.split('\t').next()).collect();
    let all: Vec<&str> = Defect::ALL.iter().map(|defect| defect.name()).collect();
    assert_eq!(mistakes, all, "write the table anew");
}

/// A part of the proof that is quick enough for every run of the tests: some rows, compared with the table.
#[test]
fn a_sample_of_the_library_bites_as_the_table_says() {
    let sample: Vec<RowRuns> = ROWS.iter().step_by(23).cloned().collect();
    let proof = prove(&sample, false, &|| ()).unwrap();
    let judgement = proof.judge();
    assert!(judgement.holds(), "{}", told(&judgement));
    for row in &proof.rows {
        let line = TABLE
            .lines()
            .find(|line| line.starts_with(&format!("row\t{}\t", row.row)))
            .unwrap();
        let columns: Vec<&str> = line.split('\t').collect();
        let most: usize = columns[2].parse().unwrap();
        // Other runs of a row may notice more, but they are made only for the whole library.
        assert!(row.caught.iter().count() <= most, "{line}");
        let names: Vec<&str> = row.caught.iter().map(Defect::name).collect();
        assert!(
            columns[3].split(' ').any(|name| names.contains(&name)),
            "{line}\n{names:?}"
        );
    }
}

#[test]
#[ignore = "makes every mistake and every change in every row"]
fn the_whole_library_bites_and_the_table_is_true() {
    let judgement = WHOLE.judge();
    assert!(judgement.holds(), "{}", told(&judgement));
    let table = WHOLE.table();
    let differ = table.lines().zip(TABLE.lines()).find(|(is, was)| is != was);
    assert!(
        table == TABLE,
        "write the table anew (`tcpvet prove --write cases/proof.tsv`): {differ:?}"
    );
}

/// What is said of a case written here.
fn of(body: &str) -> (RowProof, Vec<String>) {
    of_covering("RFC9293-MUST-13", body)
}

fn of_covering(requirement: &str, body: &str) -> (RowProof, Vec<String>) {
    let text = format!("title: A trial\nwhy: To see it told.\ncovers: [{requirement}]\n{body}");
    let library = library_of(&[("trial/it.yaml", text.as_bytes())]).unwrap_or_else(|problems| panic!("{problems:?}"));
    let scripts = library.case("trial/it").unwrap().scripts.clone();
    let mut proof = prove(&rows(&scripts), false, &|| ()).unwrap();
    let wrong = proof.judge().rows.into_iter().flat_map(|(_, wrong)| wrong).collect();
    (proof.rows.remove(0), wrong)
}

#[test]
fn a_row_that_bites_is_not_complained_of() {
    let (row, wrong) = of("given: established\nsteps:\n  - inject: ACK \"x\"\n  - expect: ACK\n");
    assert_eq!(wrong, Vec::<String>::new());
    assert!(row.caught.contains(Defect::DataNotAcked) && row.changes > 10);
    assert!(row.unnoticed.is_empty(), "{:?}", row.unnoticed);
}

#[test]
fn a_row_that_lets_every_answer_pass_bites_nothing() {
    let body = "given: established\nsteps:\n  - inject: RST seq=RCV.NXT+1\n  - any-of:\n      \
                challenged: [expect: \"ACK,URG?\"]\n      silent: [expect: nothing]\n    \
                by: {challenged: default, silent: rfc5961=no}\n";
    let (row, wrong) = of(body);
    assert_eq!((row.caught, row.outcomes), (Defects::NONE, 2));
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].starts_with("notices no mistake, though "), "{wrong:?}");
    assert!(
        wrong[1].starts_with("notices no mistake under rfc5961=no, though "),
        "{wrong:?}"
    );
}

#[test]
fn a_change_that_is_let_pass_is_told_with_its_place() {
    let body = "given: established\nsteps:\n  - faults: [{duplicate: \"ACK data>0\", from: tester}]\n  \
                - inject: ACK \"abc\"\n  - expect: ACK\n";
    let (row, wrong) = of(body);
    assert_eq!(row.unnoticed.len(), 1, "{:?}", row.unnoticed);
    assert!(
        wrong[0].ends_with("trial/it.yaml:8: lets pass `expect: ACK: doubled`"),
        "{wrong:?}"
    );
}

#[test]
fn what_a_case_leaves_free_is_not_changed() {
    let of_ack = |expect: &str| {
        let (row, wrong) = of(&format!(
            "given: established\nsteps:\n  - inject: ACK \"x\"\n  - expect: {expect}\n"
        ));
        assert_eq!(wrong, Vec::<String>::new());
        row.changes
    };
    let strict = of_ack("ACK");
    assert_eq!(of_ack("ACK seq=*"), strict - 2);
    assert_eq!(of_ack("ACK,URG?"), strict - 1);
    assert_eq!(of_ack("ACK win<65535"), strict + 1);
}

#[test]
fn what_an_endpoint_makes_good_in_time_is_no_gap() {
    let body = |within: &str| {
        format!(
            "given: established\nsteps:\n  - call: send 3000\n  - expect: ACK data=3000\n    acknowledge: each\n    \
             within: {within}\n"
        )
    };
    let (row, wrong) = of(&body("prompt"));
    assert_eq!((row.unnoticed.len(), wrong), (0, Vec::new()));
    let (row, wrong) = of(&body("4*rto"));
    assert_eq!(wrong, Vec::<String>::new());
    assert!(
        row.unnoticed.iter().any(|change| change.what == "left out"),
        "{:?}",
        row.unnoticed
    );
    assert!(
        row.unnoticed
            .iter()
            .all(|change| change.excuse == Some(Excuse::MadeGood)),
        "{:?}",
        row.unnoticed
    );
}

const REPEATED: &str = "given: syn-received\nsteps:\n  - inject: SYN\n  - any-of:\n      again:\n        \
                        - expect: SYN,ACK again\n      challenged:\n        - expect: ACK\nBY  - inject: ACK\n  \
                        - call: accept\n    returns: ok\n  - inject: ACK \"hello\"\n  - expect: ACK\n";

#[test]
fn outcomes_come_by_what_they_say() {
    let by = "    by: {again: repeated-syn=syn-ack, challenged: default}\n";
    let (row, wrong) = of(&REPEATED.replace("BY", by));
    assert_eq!((row.outcomes, wrong), (2, Vec::new()));
}

#[test]
fn outcomes_that_do_not_are_told() {
    let (_, wrong) = of(&REPEATED.replace("BY", ""));
    assert!(
        wrong[0].contains("`again` (") && wrong[0].contains("does not say `by`"),
        "{wrong:?}"
    );
    assert!(
        wrong[1].contains("`challenged` (") && wrong[1].contains("does not say `by`"),
        "{wrong:?}"
    );
    assert!(
        wrong[2].contains("`expect: SYN,ACK again` (") && wrong[2].contains("never reached"),
        "{wrong:?}"
    );
    let by = |again: &str| REPEATED.replace("BY", &format!("    by: {{again: {again}, challenged: default}}\n"));
    let (_, wrong) = of(&by("rfc1337"));
    assert!(
        wrong[0].contains("`again` (") && wrong[0].contains("but challenged"),
        "{wrong:?}"
    );
    let (_, wrong) = of(&by("repeated-syn=synack"));
    assert!(wrong[0].contains("did you mean `repeated-syn=syn-ack`?"), "{wrong:?}");
    let (_, wrong) = of(&by("repeated-syn-not-acked"));
    assert!(wrong[0].contains("is right, but comes by a mistake"), "{wrong:?}");
}

#[test]
fn an_outcome_that_is_not_right_may_come_by_a_mistake() {
    let body = "given: established\nsteps:\n  - inject: RST seq=RCV.NXT+1\n  - any-of:\n      \
                challenged: [expect: ACK]\n      silent: [expect: nothing]\n    right: challenged\n    \
                by: {challenged: default, silent: SILENT}\n  - state: established\n";
    let (row, wrong) = of_covering("RFC5961-3.2-3", &body.replace("SILENT", "no-challenge-for-rst"));
    assert_eq!((row.outcomes, wrong), (2, Vec::new()));
    let (_, wrong) = of_covering("RFC5961-3.2-3", &body.replace("SILENT", "ignore-rst"));
    assert!(
        wrong[0].contains("does not come by what it says, but challenged"),
        "{wrong:?}"
    );
}

#[test]
fn a_case_that_the_reference_endpoint_does_not_pass_is_told_so() {
    let (row, wrong) = of("given: established\nsteps:\n  - inject: ACK \"x\"\n  - expect: RST seq=SND.NXT\n");
    assert!(wrong[0].starts_with("fail on the reference endpoint: "), "{wrong:?}");
    assert_eq!(row.changes, 0);
}

#[test]
fn a_row_that_a_choice_fails_is_told_unless_the_case_foretells_it() {
    let held = "given: established\nsteps:\n  - inject: ACK seq=4 \"def\"\n  - expect: ACK ack=1\n  - inject: ACK seq=1 \"abc\"\n";
    let (_, wrong) = of(&format!("{held}  - expect: ACK ack=7\n"));
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(
        wrong[0].starts_with("does not pass under keep-out-of-order=no: "),
        "{wrong:?}"
    );
    let any = "  - any-of:\n      kept: [expect: ACK ack=7]\n      lost: [expect: ACK ack=4]\n    right: kept\n    \
               by: {kept: default, lost: keep-out-of-order=no}\n";
    let (_, wrong) = of(&format!("{held}{any}"));
    assert_eq!(wrong, Vec::<String>::new());
}
