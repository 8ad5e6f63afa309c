//! The kernel that we run on, in namespaces of its own. Where those cannot be had, the tests say so and pass.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tcpvet::case::{Library, Root};
use tcpvet::drive::{EndedRun, Job, Target};
use tcpvet::engine::{Outcome, Verdict};
use tcpvet::stack::{IpVersion, Profile};
use tcpvet::stacks::Runner;
use tcpvet::stacks::linux::{Agent, DeviceChoice, Linux, Namespace, Plan};

/// Some of these tests look at all children of this process, so only one may have any.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The program under test; elsewhere if this test was copied there.
fn program() -> PathBuf {
    std::env::var_os("TCPVET_PROGRAM").map_or_else(|| env!("CARGO_BIN_EXE_tcpvet").into(), PathBuf::from)
}

fn plan(device: DeviceChoice) -> Plan {
    Plan {
        program: program(),
        device,
        ..Plan::default()
    }
}

/// The target, or the reason printed why there is none here.
fn linux(plan: Plan) -> Option<Linux> {
    match Linux::probe_as(Runner::bundled("linux").unwrap(), plan) {
        Ok(linux) => Some(linux),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

/// A folder that goes away.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tcpvet-linux-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Jobs for all rows of a case, over the IP versions given.
fn jobs(text: &str, versions: &[IpVersion], alone: bool) -> Vec<Job> {
    let folder = Folder::new();
    let head = "title: A claim\nwhy: Because\ncovers: [RFC9293-MUST-2]\n";
    fs::create_dir_all(folder.0.join("own")).unwrap();
    fs::write(folder.0.join("own/case.yaml"), format!("{head}{text}")).unwrap();
    let library = Library::load(&[Root::Dir(folder.0.clone())]).unwrap_or_else(|problems| panic!("{problems}"));
    let scripts = library.cases().iter().flat_map(|case| case.scripts.iter());
    let both = scripts.flat_map(|script| versions.iter().map(move |ip| (script, *ip)));
    let job = |(script, ip): (&std::sync::Arc<tcpvet::script::Script>, IpVersion)| Job {
        script: script.clone(),
        ip,
        wrap: false,
        seed: 7,
        waived: Default::default(),
        alone,
    };
    both.map(job).collect()
}

/// Runs them, and gives each outcome by its row and version.
fn run(linux: &mut Linux, jobs: Vec<Job>) -> Vec<(String, Outcome)> {
    let names: Vec<String> = jobs
        .iter()
        .map(|job| format!("{} {}", job.script.row, job.ip))
        .collect();
    let mut outcomes = Vec::new();
    let stop = AtomicBool::new(false);
    linux
        .run(jobs, 0, &stop, &mut |place, EndedRun { outcome, .. }| {
            outcomes.push((names[place].clone(), outcome));
            None
        })
        .unwrap();
    assert_eq!(outcomes.len(), names.len(), "every job is told of once");
    outcomes
}

/// That nothing failed; on a machine that is too busy for us a run may be inconclusive, and says so.
fn assert_passed(outcomes: &[(String, Outcome)]) {
    for (name, outcome) in outcomes {
        let late = outcome.verdict == Verdict::Inconclusive && outcome.reason.contains("ms late");
        assert!(outcome.verdict == Verdict::Pass || late, "{name}: {outcome:#?}");
    }
}

const BOTH: [IpVersion; 2] = [IpVersion::V4, IpVersion::V6];
const DEVICES: [DeviceChoice; 2] = [DeviceChoice::Tun, DeviceChoice::Veth];

const ESTABLISHED: &str = "given: established\nsteps:\n  - inject: ACK \"hello\"\n  - expect: ACK\n";
/// A run that lasts.
const LONG: &str =
    "given: established\nsteps:\n  - expect: nothing\n    for: 60s\n  - inject: ACK \"hello\"\n  - expect: ACK\n";

#[test]
fn what_is_sent_comes_in_segments_with_right_checksums() {
    let _alone = alone();
    for device in DEVICES {
        // The probe makes that test; without it nothing else could be believed.
        if linux(plan(device)).is_some() {
            eprintln!("works through {device:?}");
        }
    }
}

#[test]
fn every_state_is_told_without_changing_it() {
    let _alone = alone();
    let text = "given: $state\nmatrix:\n  state: [listen, syn-sent, syn-received, established, fin-wait-1, fin-wait-2, \
                close-wait, closing, last-ack, time-wait]\nsteps:\n  - state: $state\n  - expect: nothing\n    \
                for: 20ms\n  - state: $state\n";
    for device in DEVICES {
        let Some(mut linux) = linux(plan(device)) else { continue };
        let outcomes = run(&mut linux, jobs(text, &BOTH, false));
        assert_eq!(outcomes.len(), 20);
        for (name, outcome) in &outcomes {
            assert!(outcome.notes.is_empty(), "{name}: {:?}", outcome.notes);
        }
        // In some states the target repeats itself within that time, and a case must compare something.
        for (name, outcome) in &outcomes {
            assert_ne!(outcome.verdict, Verdict::Fail, "{name}: {outcome:#?}");
        }
    }
}

#[test]
fn an_orphan_in_fin_wait_2_is_not_taken_for_time_wait() {
    let _alone = alone();
    let text = "given: {state: fin-wait-2, by: close}\nsteps:\n  - state: fin-wait-2\n  - inject: FIN,ACK\n  \
                - expect: ACK\n  - state: time-wait\n";
    let Some(mut linux) = linux(plan(DeviceChoice::Auto)) else {
        return;
    };
    assert_passed(&run(&mut linux, jobs(text, &BOTH, false)));
}

#[test]
fn hundreds_of_runs_share_a_namespace_and_none_disturbs_another() {
    let _alone = alone();
    for device in DEVICES {
        let Some(mut linux) = linux(plan(device)) else { continue };
        let many: Vec<Job> = (0..300).flat_map(|_| jobs(ESTABLISHED, &BOTH, false)).collect();
        assert_passed(&run(&mut linux, many));
    }
}

#[test]
fn a_profile_is_what_the_kernel_goes_by() {
    let _alone = alone();
    let text = "configure: {timestamps: $value}\nmatrix:\n  - {name: with, value: \"true\", seen: ts}\n  - {name: \
                without, value: \"false\", seen: \"!ts\"}\ngiven: closed\nsteps:\n  - call: connect\n  - expect: SYN \
                <$seen>\n";
    let Some(mut linux) = linux(plan(DeviceChoice::Auto)) else {
        return;
    };
    assert_passed(&run(&mut linux, jobs(text, &BOTH, false)));
    // What no sysctl does is no failure of the target.
    let unknown = "configure: {delayed-ack: \"false\"}\ngiven: established\nsteps:\n  - inject: ACK \"hello\"\n  \
                   - expect: ACK\n";
    let outcomes = run(&mut linux, jobs(unknown, &[IpVersion::V4], false));
    assert_eq!(outcomes[0].1.verdict, Verdict::Unsupported);
    assert!(outcomes[0].1.reason.contains("delayed-ack"), "{}", outcomes[0].1.reason);
}

#[test]
fn a_setting_that_cannot_be_written_is_named() {
    let _alone = alone();
    if linux(plan(DeviceChoice::Auto)).is_none() {
        return;
    }
    for (name, value) in [
        ("net.ipv4.no_such_thing", "1"),
        ("net.ipv4.tcp_sack", "perhaps"),
        ("kernel.hostname", "x"),
    ] {
        let profile = Profile::from([(name.to_owned(), value.to_owned())]);
        let error = Namespace::start(&plan(DeviceChoice::Auto), &profile)
            .err()
            .expect("it is refused");
        assert!(error.problem.contains(name), "{error}");
        assert!(!error.remedy.is_empty());
    }
}

#[test]
fn what_a_full_queue_loses_makes_no_verdict() {
    let _alone = alone();
    // Ten segments at once, and room for one or two. Who reads fast enough on another core may still lose none of them,
    // and then the verdict is an honest pass; so it is tried until some are lost.
    const TRIES: usize = 50;
    let text = "given: established\nsteps:\n  - call: send 14000\n  - expect: ACK data=14000\n    within: 200ms\n";
    for device in DEVICES {
        let Some(mut linux) = linux(Plan {
            queue: 1,
            ..plan(device)
        }) else {
            continue;
        };
        let was_lost = (0..TRIES).any(|_| {
            let outcomes = run(&mut linux, jobs(text, &[IpVersion::V4], false));
            let (_, outcome) = &outcomes[0];
            let told = outcome.reason.contains("lost") || outcome.reason.contains("late");
            match outcome.verdict {
                Verdict::Pass => false,
                Verdict::Inconclusive if told => true,
                _ => panic!("{device:?}: {outcome:#?}"),
            }
        });
        assert!(
            was_lost,
            "{device:?}: a queue for one lost nothing of ten, {TRIES} times"
        );
    }
}

/// The processes that this one has started.
fn children() -> Vec<u32> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let of = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).unwrap_or_default();
    let texts: Vec<String> = tasks.filter_map(Result::ok).map(of).collect();
    texts
        .iter()
        .flat_map(|text| text.split_whitespace())
        .filter_map(|number| number.parse().ok())
        .collect()
}

fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_child_that_dies_costs_only_its_runs() {
    let _alone = alone();
    let Some(mut linux) = linux(plan(DeviceChoice::Auto)) else {
        return;
    };
    let mut all = jobs(LONG, &[IpVersion::V4], false);
    all.extend(jobs(ESTABLISHED, &[IpVersion::V6], true));
    let killed = AtomicBool::new(false);
    let mut outcomes: Vec<Option<Outcome>> = vec![None; all.len()];
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_for("a namespace of its own", || !children().is_empty());
            std::thread::sleep(Duration::from_millis(500));
            for child in children() {
                let _ = Command::new("kill").args(["-9", &child.to_string()]).status();
            }
            killed.store(true, Ordering::Relaxed);
        });
        let began = Instant::now();
        linux
            .run(all, 0, &stop, &mut |place, EndedRun { outcome, .. }| {
                // What is run after it finds a new child.
                let again = outcome.verdict == Verdict::Inconclusive && !outcome.reason.contains("late");
                outcomes[place] = Some(outcome);
                again.then(|| jobs(ESTABLISHED, &[IpVersion::V4], false).remove(0))
            })
            .unwrap();
        assert!(began.elapsed() < Duration::from_secs(30));
    });
    assert!(killed.load(Ordering::Relaxed));
    for outcome in outcomes {
        let outcome = outcome.expect("every job is told of");
        assert!(
            outcome.verdict == Verdict::Pass || outcome.reason.contains("late"),
            "{outcome:#?}"
        );
    }
}

#[test]
fn what_is_spoilt_again_and_again_rests_before_it_is_repeated() {
    let _alone = alone();
    let Some(mut linux) = linux(plan(DeviceChoice::Auto)) else {
        return;
    };
    let (over, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    let mut spoilt = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                for child in children() {
                    let _ = Command::new("kill").args(["-9", &child.to_string()]).status();
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let again = || jobs(LONG, &[IpVersion::V4], true);
        linux
            .run(again(), 0, &stop, &mut |_, EndedRun { outcome, .. }| {
                assert_eq!(outcome.verdict, Verdict::Inconclusive);
                spoilt.push(Instant::now());
                (spoilt.len() < 4).then(|| again().remove(0))
            })
            .unwrap();
        over.store(true, Ordering::Relaxed);
    });
    // At once, after a quarter of a second, and after half of one.
    assert_eq!(spoilt.len(), 4);
    assert!(spoilt[2] - spoilt[1] >= Duration::from_millis(250));
    assert!(spoilt[3] - spoilt[2] >= Duration::from_millis(500));
}

#[test]
fn junk_from_a_child_is_quoted() {
    let _alone = alone();
    let folder = Folder::new();
    let script = folder.0.join("junk.sh");
    fs::write(&script, "#!/bin/sh\necho 'segmentation fault' >&0\nsleep 1\n").unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    let error = Namespace::start(
        &Plan {
            program: script,
            ..Plan::default()
        },
        &Profile::new(),
    )
    .err()
    .unwrap();
    assert!(error.problem.contains("`segmentation fault`"), "{error}");
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let mut agent = Agent::new(ours);
    theirs.write_all(b"pending 7\nresult what ok\n").unwrap();
    let mut replies = Vec::new();
    let error = agent.hear(&mut replies).unwrap_err();
    assert!(
        error.text().contains("`result what ok`") && replies.len() == 1,
        "{error:?}"
    );
    drop(theirs);
    assert!(agent.hear(&mut Vec::new()).is_err());
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let missing = Plan {
        program: "/nowhere/tcpvet".into(),
        ..Plan::default()
    };
    let error = Namespace::start(&missing, &Profile::new()).err().unwrap();
    assert!(error.to_string().contains("/nowhere/tcpvet"), "{error}");
}

#[test]
fn a_request_to_stop_is_heard_at_once_and_everything_is_told() {
    let _alone = alone();
    let Some(mut linux) = linux(plan(DeviceChoice::Auto)) else {
        return;
    };
    let stop = AtomicBool::new(false);
    let all: Vec<Job> = (0..50).flat_map(|number| jobs(LONG, &BOTH, number % 10 == 0)).collect();
    let count = all.len();
    let mut told = vec![0; count];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            stop.store(true, Ordering::Relaxed);
        });
        let began = Instant::now();
        linux
            .run(all, 0, &stop, &mut |place, EndedRun { outcome, .. }| {
                assert_eq!(outcome.verdict, Verdict::Inconclusive);
                told[place] += 1;
                None
            })
            .unwrap();
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    });
    assert!(told.iter().all(|times| *times == 1), "{told:?}");
}

#[test]
fn nothing_is_left_behind() {
    let _alone = alone();
    let before = descriptors();
    for device in DEVICES {
        let Some(mut linux) = linux(plan(device)) else { continue };
        let mut all = jobs(ESTABLISHED, &BOTH, false);
        all.extend(jobs(ESTABLISHED, &BOTH, true));
        run(&mut linux, all);
    }
    assert_eq!(children(), Vec::<u32>::new());
    // A network namespace without process and descriptor is gone, and its device with it.
    assert_eq!(descriptors(), before);
}

/// What this process has open, apart from what it reads to find that out.
fn descriptors() -> Vec<PathBuf> {
    let links = fs::read_dir("/proc/self/fd").unwrap().filter_map(Result::ok);
    let kept = |path: &PathBuf| !path.starts_with("/proc") && !path.starts_with("/tmp");
    let mut open: Vec<PathBuf> = links
        .filter_map(|link| fs::read_link(link.path()).ok())
        .filter(kept)
        .collect();
    open.sort();
    open
}

#[test]
fn it_works_without_root() {
    let _alone = alone();
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout == b"0\n");
    if !is_root {
        eprintln!("skipped: all the others run without root already");
        return;
    }
    // Where nobody may read what belongs to root.
    let folder = Folder::new();
    let copy = |from: &Path, to: &str| {
        let to = folder.0.join(to);
        fs::copy(from, &to).unwrap();
        fs::set_permissions(&to, fs::Permissions::from_mode(0o755)).unwrap();
        to
    };
    let test = copy(&std::env::current_exe().unwrap(), "test");
    let program = copy(&program(), "tcpvet");
    let output = Command::new("setpriv")
        .args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--inh-caps=-all",
            "--bounding-set=-all",
        ])
        .arg(test)
        .args([
            "--nocapture",
            "--test-threads=1",
            "--skip",
            "it_works_without_root",
            "--skip",
            "is_heard_at_once",
        ])
        .env("TCPVET_PROGRAM", program)
        .current_dir("/tmp")
        .output();
    let Ok(output) = output else {
        eprintln!("skipped: setpriv cannot be had");
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let reasons = said
        .lines()
        .filter(|line| line.starts_with("skipped") || line.starts_with("works"));
    eprintln!(
        "without root: {}",
        reasons
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect::<String>()
    );
}

/// A panic of ours, in each thread and task, ends everything: with exit code 101, the reports written, and no process left.
#[test]
fn a_panic_of_ours_is_101_wherever_it_is_and_leaves_nothing_behind() {
    let _alone = alone();
    if linux(plan(DeviceChoice::Auto)).is_none() {
        return;
    }
    let on_linux = [
        "session",
        "starter",
        "self-test",
        "worker",
        "child",
        "clearing",
        "record",
    ];
    let linked = ["worlds", "linked", "watch", "standard-error"];
    let cases = on_linux.iter().map(|place| (place, "linux"));
    for (place, target) in cases.chain(linked.iter().map(|place| (place, "smoltcp"))) {
        let folder = Folder::new();
        let (junit, record) = (folder.0.join("report.xml"), folder.0.join("record.jsonl"));
        let mark = format!("TCPVET_TEST={}-{place}", std::process::id());
        let (name, value) = mark.split_once('=').unwrap();
        let output = Command::new(program())
            .args([
                "run",
                "handshake/",
                "--ip",
                "4",
                "--target",
                target,
                "--quick",
                "--junit",
            ])
            .arg(&junit)
            .arg("--record")
            .arg(&record)
            .env("TCPVET_DRILL", place)
            .env(name, value)
            .output()
            .unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(101), "{place}: {err}");
        assert!(err.contains("This is a bug of tcpvet"), "{place}: {err}");
        // The child panics in the first self-test, before there is anything to report.
        let report = fs::read_to_string(&junit).unwrap_or_default();
        let is_whole = report.trim_end().ends_with("</testsuites>");
        assert!(is_whole || *place == "child", "{place}: {report}");
        wait_until_gone(&mark);
    }
}

/// Waits until no process has this in its environment.
fn wait_until_gone(mark: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    let has_mark = |entry: &fs::DirEntry| {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        environment
            .split(|octet| *octet == 0)
            .any(|word| word == mark.as_bytes())
    };
    while fs::read_dir("/proc").unwrap().flatten().any(|entry| has_mark(&entry)) {
        assert!(Instant::now() < deadline, "a process is left of {mark}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
