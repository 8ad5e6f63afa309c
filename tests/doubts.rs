//! What `cases/README.md` decides where the language leaves a doubt, one test each.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tcpvet::case::{Library, Root};
use tcpvet::drive::Job;
use tcpvet::drive::addresses::target_address;
use tcpvet::engine::{MetBy, Outcome, Verdict};
use tcpvet::model::{Config, Defects, Model, Switch};
use tcpvet::script::Script;
use tcpvet::stack::{Abilities, Facts, IpVersion, Stack};
use tcpvet::stacks::{Embedded, Runner};

const HEAD: &str = "title: A doubt\nwhy: To see it decided.\ncovers: [RFC9293-MUST-13]\n";

/// The script of a case written here.
fn script(name: &str, body: &str) -> Arc<Script> {
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("doubts-{name}"));
    std::fs::create_dir_all(root.join("doubt")).expect("a folder can be made");
    std::fs::write(root.join(format!("doubt/{name}.yaml")), format!("{HEAD}{body}")).expect("a file can be written");
    let library = Library::load(&[Root::Dir(root)]).unwrap_or_else(|problems| panic!("{problems}"));
    Arc::clone(
        &library
            .case(&format!("doubt/{name}"))
            .expect("it was just written")
            .scripts[0],
    )
}

/// Runs it on the reference endpoint, which cannot do what is named.
fn run(script: &Arc<Script>, config: Config, cannot: &str) -> Outcome {
    let facts = Runner::bundled("model").expect("it is bundled").facts;
    let abilities: Abilities = facts.abilities.iter().filter(|ability| *ability != cannot).collect();
    let facts = Arc::new(Facts {
        abilities,
        ..Facts::clone(&facts)
    });
    let target = Embedded::new(facts, move |job: &Job| -> Box<dyn Stack> {
        let addresses = vec![target_address(IpVersion::V4), target_address(IpVersion::V6)];
        Box::new(Model::with_defects(config.clone(), Defects::NONE, job.seed, addresses))
    });
    let job = Job {
        script: Arc::clone(script),
        ip: IpVersion::V4,
        wrap: false,
        seed: 1,
        waived: Default::default(),
        alone: false,
    };
    target.run_one(&job, &AtomicBool::new(false))
}

#[test]
fn what_the_target_acknowledges_settles_what_the_books_doubt() {
    let body = r#"
given: listen
steps:
  - inject: SYN "hello"
  - any-of:
      taken:
        - expect: SYN,ACK ack=6
        - inject: ACK
      left:
        - expect: SYN,ACK ack=1
        - inject: ACK "hello"
        - expect: ACK
  - call: accept
    returns: ok
  - call: recv 5
    returns: ok "hello"
  - inject: ACK "!"
  - expect: ACK ack=7
"#;
    let script = script("books", body);
    for (switch, came) in [(Switch::SynDataAcknowledge, "taken"), (Switch::SynDataDiscard, "left")] {
        let outcome = run(&script, Config::choosing(&[switch]), "");
        assert_eq!(
            (outcome.verdict, outcome.outcomes),
            (Verdict::Pass, vec![came.to_owned()]),
            "{}",
            outcome.reason
        );
    }
}

#[test]
fn soon_hides_what_prompt_does_not() {
    let late = |within: &str| {
        let body = format!("given: established\nsteps:\n  - inject: ACK \"x\"\n  - expect: ACK\n{within}");
        run(
            &script(if within.is_empty() { "soon" } else { "prompt" }, &body),
            Config::default(),
            "",
        )
        .verdict
    };
    // The reference endpoint delays the ACK of one small segment, as it may (RFC 9293 section 3.8.6.3).
    assert_eq!(late(""), Verdict::Pass);
    assert_eq!(late("    within: prompt\n"), Verdict::Fail);
}

#[test]
fn a_fault_stands_in_the_way_of_its_own_connection() {
    let dropping = |conn: &str| {
        let body = format!(
            "connections: {{other: {{}}}}\ngiven: listen\nsteps:\n  - faults: [{{drop: \"SYN,ACK\"}}]\n    conn: {conn}\n  \
             - inject: SYN\n    conn: other\n  - expect: SYN,ACK\n    conn: other\n"
        );
        run(&script(&format!("fault-on-{conn}"), &body), Config::default(), "").verdict
    };
    assert_eq!(dropping("other"), Verdict::Fail);
    assert_eq!(dropping("main"), Verdict::Pass);
}

#[test]
fn any_of_commits_to_the_outcome_that_fits_first() {
    let body = r#"
given: established
steps:
  - inject: RST seq=RCV.NXT+1
  - any-of:
      first:
        - expect: ACK
        - expect: RST seq=SND.NXT
      second:
        - expect: RST seq=SND.NXT
"#;
    let outcome = run(&script("commits", body), Config::default(), "");
    assert_eq!(
        (outcome.verdict, outcome.outcomes),
        (Verdict::Fail, vec!["first".to_owned()])
    );
}

/// The case is wrong, and what is said names both outcomes and what fits them.
fn is_ambiguous(name: &str, body: &str, said: &str) {
    let outcome = run(&script(name, body), Config::default(), "");
    assert_eq!(outcome.verdict, Verdict::CaseError, "{}", outcome.reason);
    assert!(
        outcome.reason.contains("the outcomes `one` and `other` both"),
        "{}",
        outcome.reason
    );
    assert!(outcome.reason.contains(said), "{}", outcome.reason);
    assert_eq!(outcome.outcomes, Vec::<String>::new());
}

#[test]
fn two_outcomes_that_come_at_once_are_an_error_of_the_case() {
    let frames = r#"
given: established
steps:
  - inject: RST seq=RCV.NXT+1
  - any-of:
      one: [expect: ACK]
      never: [expect: RST seq=SND.NXT]
      other: [expect: ACK win>0]
"#;
    is_ambiguous("frames", frames, "fit `ACK seq=1 ack=1 ");
    let results = r#"
given: established
steps:
  - call: recv 1
  - inject: FIN,ACK
  - any-of:
      one: [result: recv eof]
      never: [result: recv reset]
      other:
        - result: recv
          returns: [timed-out, eof]
"#;
    is_ambiguous("results", results, "fit the end of `recv`");
    let both = r#"
given: established
steps:
  - call: recv 1
  - inject: FIN,ACK
  - any-of:
      other: [expect: ACK]
      one: [result: recv eof]
"#;
    is_ambiguous("both", both, "the call has ended, and `ACK seq=1 ack=2 ");
}

#[test]
fn silence_that_is_chosen_has_its_name() {
    let body = r#"
given: established
steps:
  - inject: RST seq=RCV.NXT-1
  - any-of:
      loud:
        - expect: ACK
          as: quiet
      silent:
        - expect: nothing
          as: quiet
  - inject: ACK "x"
  - expect: ACK
    within: 1s
    since: quiet
"#;
    let outcome = run(&script("quiet", body), Config::default(), "");
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.reason);
}

#[test]
fn a_run_leaves_behind_what_met_its_steps() {
    let body = r#"
given: established
steps:
  - call: recv 1
    returns: pending
  - inject: ACK "x"
  - expect: ACK
    within: 1s
  - result: recv ok "x"
  - expect: nothing
    for: 2s
"#;
    let script = script("evidence", body);
    let outcome = run(&script, Config::default(), "");
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.reason);
    let of_steps = outcome
        .evidence
        .iter()
        .filter(|evidence| !evidence.step.in_given(&script));
    let met: Vec<(&str, &MetBy)> = of_steps
        .clone()
        .map(|evidence| (evidence.step.step(&script).unwrap().text.as_str(), &evidence.met_by))
        .collect();
    let [(_, MetBy::Pending(call)), (ack, frame), (_, ended), (_, silence)] = met.as_slice() else {
        panic!("{met:?}");
    };
    // The SYN,ACK was the first frame, the ACK the second and last.
    assert_eq!((*ack, *frame), ("expect: ACK", &MetBy::Frame(1)));
    assert_eq!((*ended, *silence), (&MetBy::Call(*call), &MetBy::Silence(2)));
    let windows = of_steps.map(|evidence| evidence.window.1.since(evidence.window.0).as_secs());
    assert_eq!(windows.collect::<Vec<_>>()[1..], [1, 0, 2]);
}

#[test]
fn a_state_that_the_target_does_not_tell_is_probed_as_the_last_step_and_else_skipped() {
    let body = |state: &str, then: &str| {
        format!("given: established\nsteps:\n  - inject: RST seq=RCV.NXT\n  - state: {state}\n{then}")
    };
    let last = run(&script("gone", &body("closed", "")), Config::default(), "state");
    assert_eq!(last.verdict, Verdict::Pass, "{}", last.reason);
    assert!(last.notes[0].contains("by a probe"), "{:?}", last.notes);
    let wrong = run(&script("lives", &body("established", "")), Config::default(), "state");
    assert_eq!(wrong.verdict, Verdict::Fail);
    let then = "  - inject: ACK ack=SND.NXT\n  - expect: RST seq=SEG.ACK\n";
    let between = run(
        &script("between", &body("established", then)),
        Config::default(),
        "state",
    );
    assert_eq!(between.verdict, Verdict::Pass, "{}", between.reason);
    assert!(between.notes[0].contains("was not checked"), "{:?}", between.notes);
}

#[test]
fn an_unsupported_ability_is_said_before_anything_is_done() {
    let body = "given: established\nsteps:\n  - call: abort\n  - expect: RST,ACK? seq=SND.NXT\n";
    let outcome = run(&script("abort", body), Config::default(), "abort");
    assert_eq!(outcome.verdict, Verdict::Unsupported);
    assert!(
        outcome.reason.contains("abort") && outcome.trace.is_empty(),
        "{}",
        outcome.reason
    );
}

#[test]
fn a_retransmission_is_background_after_any_duplicate_not_only_after_the_last() {
    let body = r#"
given: {state: established, options: <mss 1000>}
steps:
  - call: send 40000
  - expect: ACK data=40000
    acknowledge: each
    within: 2*rto
  - call: send 8000
  - expect: ACK data=8000
  - repeat: 6                  # the third brings the retransmission, the others come after it
    steps:
      - inject: ACK ack=SND.UNA
  - expect: nothing
    for: prompt
"#;
    let outcome = run(&script("duplicates", body), Config::default(), "nothing");
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.reason);
}

#[test]
fn an_outcome_that_is_wrong_by_what_the_target_does_not_claim_is_none_of_its_faults() {
    let body = |asks: &str| {
        format!(
            "given: established\nsteps:\n  - inject: RST seq=RCV.NXT+1\n  - any-of:\n      ended:\n        \
             - expect: nothing\n      challenged:\n        - expect: ACK\n    right: ended\n    covers: {asks}\n  \
             - inject: ACK \"a\"\n  - expect: ACK ack=2\n"
        )
    };
    let held = run(&script("claimed", &body("RFC5961-3.2-3")), Config::default(), "nothing");
    assert_eq!(held.verdict, Verdict::Fail, "{}", held.reason);
    let spared = run(
        &script("unclaimed", &body("RFC8985-7.2-1")),
        Config::default(),
        "nothing",
    );
    assert_eq!((spared.verdict, spared.reason.as_str()), (Verdict::Pass, ""));
    assert_eq!(spared.outcomes, ["challenged"]);
}

#[test]
fn a_duplicate_ack_counts_for_what_was_sent_before_any_step_looked() {
    let body = r#"
given: {state: established, options: <mss 1000>}
steps:
  - call: send 40000
  - expect: ACK data=40000
    acknowledge: each
    within: 2*rto
  - call: send 8000
  - repeat: 3
    steps:
      - inject: ACK ack=SND.UNA
  - expect: ACK data=8000
"#;
    let outcome = run(&script("unseen", body), Config::default(), "nothing");
    assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.reason);
}

#[test]
fn as_many_steps_as_a_script_may_have_are_run() {
    for (name, steps) in [
        (
            "repeat",
            "  - repeat: 9999\n    steps:\n      - inject: ACK \"x\"\n  - expect: ACK ack=10000\n",
        ),
        ("inside", "  - repeat: 10000\n    steps:\n      - state: established\n"),
        (
            "pairs",
            "  - repeat: 5000\n    steps:\n      - inject: ACK \"x\"\n      - expect: ACK\n",
        ),
        (
            "waits",
            "  - repeat: 9999\n    steps:\n      - wait: 1s\n  - state: established\n",
        ),
        (
            "calls",
            "  - repeat: 9999\n    steps:\n      - call: set nodelay=true\n        returns: ok\n  - state: established\n",
        ),
    ] {
        let script = script(
            &format!("limit-{name}"),
            &format!("given: established\nsteps:\n{steps}"),
        );
        assert_eq!(script.steps.len(), 10_000);
        let outcome = run(&script, Config::default(), "");
        assert_eq!(outcome.verdict, Verdict::Pass, "{name}: {outcome:?}");
    }
}

/// A connection whose window is filled, after these steps.
fn filled(before: &str) -> String {
    format!(
        "given: established\nsteps:\n{before}  - fill: ACK\n  - inject: ACK \"x\"\n  - expect: ACK win=0\n  \
         - call: recv RCV.NXT-1\n    returns: ok RCV.NXT-1\n  - expect: ACK win>0\n"
    )
}

#[test]
fn a_window_is_filled_however_large_the_buffer_is_and_however_often_it_opens() {
    let plain = script("filled", &filled(""));
    for switches in [&[][..], &[Switch::WindowGrowsOnce], &[Switch::WindowGrowsTwice]] {
        let outcome = run(&plain, Config::choosing(switches), "");
        assert_eq!(outcome.verdict, Verdict::Pass, "{switches:?}: {:?}", outcome.failure);
    }
    for octets in [1, 1460, 4000, 1_000_000] {
        let sized = script("sized", &filled(&format!("  - call: set recv-buffer={octets}\n")));
        let outcome = run(&sized, Config::default(), "");
        assert_eq!(outcome.verdict, Verdict::Pass, "{octets}: {:?}", outcome.failure);
    }
}

#[test]
fn what_fills_a_window_must_be_acknowledged_to_the_end() {
    let lossy = script("unanswered", &filled("  - faults: [{drop: ACK}]\n"));
    let outcome = run(&lossy, Config::default(), "");
    assert_eq!(outcome.verdict, Verdict::Fail);
    let expected = outcome.failure.expect("a step has failed").expected;
    assert!(expected.contains("an ACK of all of it"), "{expected}");
}
