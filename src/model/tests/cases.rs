//! The case library on the reference endpoint: every case passes.

use crate::case::Library;
use crate::engine::Verdict;
use crate::model::{
    BacklogFull, Config, Defect, Defects, GiveUp, HardError, IllegalOption, InitialWindow, KeepAliveProbe, LostData,
    Recovery, RepeatedSyn, SoftError, SynCookies, SynData, WindowProbe, target,
};
use crate::report::ladder;
use crate::suite::{Axes, Run, expand};
use crate::target::{IpVersion, Runner};
use std::sync::atomic::AtomicBool;

const RUNNER: &str = include_str!("../../../runners/model/runner.yaml");

pub(super) fn runner() -> Runner {
    Runner::parse("runners/model/runner.yaml", RUNNER).unwrap()
}

pub(super) fn library(axes: &Axes) -> Vec<Run> {
    let library = Library::bundled().unwrap_or_else(|problems| panic!("{problems}"));
    let scripts: Vec<_> = library.cases().iter().flat_map(|case| case.scripts.clone()).collect();
    expand(&scripts, axes)
}

#[test]
fn every_case_passes() {
    let target = target(runner(), Config::default(), Defects::NONE);
    let stop = AtomicBool::new(false);
    let mut broken = Vec::new();
    let mut passed = 0;
    let runs = library(&Axes::default());
    for run in &runs {
        let outcome = target.run_one(&run.job(1), &stop);
        let fine = match outcome.verdict {
            Verdict::Pass | Verdict::Observed | Verdict::NotApplicable => true,
            Verdict::Fail | Verdict::Deviates | Verdict::Unsupported | Verdict::Inconclusive | Verdict::CaseError => {
                false
            }
        };
        passed += usize::from(outcome.verdict == Verdict::Pass);
        if !fine {
            broken.push(format!(
                "{}: {:?} {}\n{}",
                run.name,
                outcome.verdict,
                outcome.reason,
                ladder(&outcome)
            ));
        }
    }
    assert!(
        passed * 10 > runs.len() * 9,
        "only {passed} of {} applied and passed",
        runs.len()
    );
    assert!(
        broken.is_empty(),
        "{} of {}\n{}",
        broken.len(),
        runs.len(),
        broken.join("\n")
    );
}

/// Whether a run ends otherwise than without the mistake: it fails or deviates.
fn notices(target: &impl Fn(&Run) -> Verdict, runs: &[&Run]) -> bool {
    runs.iter()
        .any(|run| matches!(target(run), Verdict::Fail | Verdict::Deviates))
}

#[test]
#[ignore = "runs the library once for every mistake"]
fn every_mistake_but_those_listed_is_noticed_by_a_case() {
    let axes = Axes {
        ips: vec![IpVersion::V4],
        wraps: vec![false, true],
    };
    let library = library(&axes);
    let runs: Vec<&Run> = library.iter().collect();
    let stop = AtomicBool::new(false);
    let mut unnoticed = Vec::new();
    for defect in Defect::ALL {
        let target = target(runner(), Config::default(), Defects::only(*defect));
        // Those that cover what it breaks are the likeliest.
        let near = |run: &&Run| {
            run.script
                .covers
                .iter()
                .any(|it| defect.breaks().contains(&it.id.as_str()))
        };
        let (mut order, rest): (Vec<&Run>, Vec<&Run>) = runs.iter().copied().partition(near);
        order.extend(rest);
        if !notices(&|run| target.run_one(&run.job(1), &stop).verdict, &order) {
            unnoticed.push(defect.name());
        }
    }
    assert_eq!(
        unnoticed, UNNOTICED,
        "take off the list what is noticed now; a new one needs a case"
    );
}

/// Mistakes that no case notices yet, in the order of [`Defect::ALL`].
const UNNOTICED: [&str; 27] = [
    "right-overlap-kept",
    "fin-beyond-window-taken",
    "paws-spares-acks",
    "ts-recent-follows-everything",
    "ack-of-unsent-keeps-text",
    "far-old-ack-silent",
    "far-old-ack-taken",
    "window-from-old-segments",
    "data-after-fin-taken",
    "time-wait-restarted-by-anything",
    "time-wait-answers-acks",
    "cookie-for-ever",
    "fast-open-unasked",
    "syn-ack-text-lost",
    "close-twice-sends-twice",
    "announced-mss-too-large",
    "scale-applied-to-syn",
    "wrong-checksum",
    "timestamp-echo-zero",
    "timestamp-clock-stands",
    "probe-gives-up",
    "keep-alive-too-often",
    "no-slow-start",
    "no-collapse-on-timeout",
    "reports-ignored",
    "packet-too-big-without-floor",
    "broadcast-answered",
];

/// A change of one switch, by name.
type Switch = (&'static str, fn(&mut Config));

/// Every switch away from its default, one at a time.
const SWITCHES: [Switch; 30] = [
    ("close_with_unread", |config| config.close_with_unread = LostData::Fin),
    ("data_after_close", |config| config.data_after_close = LostData::Fin),
    ("rfc1337", |config| config.rfc1337 = true),
    ("keep_out_of_order", |config| config.keep_out_of_order = false),
    ("keep_out_of_order_fin", |config| config.keep_out_of_order_fin = false),
    ("reopen_time_wait", |config| config.reopen_time_wait = false),
    ("answer_unfit_syn", |config| config.answer_unfit_syn = true),
    ("syn_data=acknowledge", |config| config.syn_data = SynData::Acknowledge),
    ("syn_data=discard", |config| config.syn_data = SynData::Discard),
    ("syn_fin", |config| config.syn_fin = false),
    ("backlog_full", |config| config.backlog_full = BacklogFull::Reset),
    ("repeated_syn", |config| config.repeated_syn = RepeatedSyn::SynAck),
    ("delayed_ack", |config| config.delayed_ack = false),
    ("nagle", |config| config.nagle = false),
    ("keep_alive_probe", |config| {
        config.keep_alive_probe = KeepAliveProbe::OneOctet
    }),
    ("keep_alive_end", |config| config.keep_alive_end = GiveUp::Reset),
    ("window_probe", |config| config.window_probe = WindowProbe::Old),
    ("user_timeout_end", |config| config.user_timeout_end = GiveUp::Reset),
    ("ack_range_check", |config| config.ack_range_check = false),
    ("require_timestamps", |config| config.require_timestamps = false),
    ("recovery", |config| config.recovery = Recovery::NewReno),
    ("initial_window", |config| {
        config.initial_window = InitialWindow::Rfc6928
    }),
    ("syn_cookies=never", |config| config.syn_cookies = SynCookies::Never),
    ("syn_cookies=always", |config| config.syn_cookies = SynCookies::Always),
    ("hard_errors", |config| config.hard_errors = HardError::Abort),
    ("soft_errors", |config| config.soft_errors = SoftError::AbortAttempt),
    ("illegal_option=drop", |config| {
        config.illegal_option = IllegalOption::Drop
    }),
    ("illegal_option=reset", |config| {
        config.illegal_option = IllegalOption::Reset
    }),
    ("abort_with_ack", |config| config.abort_with_ack = true),
    ("time_wait_after_reset", |config| config.time_wait_after_reset = true),
];

#[test]
#[ignore = "runs the library once for every switch, and tells; what it tells is for a person to judge"]
fn every_switch_is_told_of() {
    let axes = Axes {
        ips: vec![IpVersion::V4],
        wraps: vec![false],
    };
    let runs = library(&axes);
    let stop = AtomicBool::new(false);
    for (name, change) in SWITCHES {
        let mut config = Config::default();
        change(&mut config);
        let target = target(runner(), config, Defects::NONE);
        let mut broken = Vec::new();
        for run in &runs {
            let outcome = target.run_one(&run.job(1), &stop);
            if matches!(outcome.verdict, Verdict::Fail | Verdict::Deviates) {
                broken.push(format!("{:?} {}: {}", outcome.verdict, run.name, outcome.reason));
            }
        }
        println!("{name}: {} of {}\n  {}", broken.len(), runs.len(), broken.join("\n  "));
    }
}
