//! Agents in lockstep: a good one gives what the same stack gives inside of this program, and a broken one costs the run
//! in which it breaks, and nothing else.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use tcpvet::case::Library;
use tcpvet::drive::protocol::Mode;
use tcpvet::drive::{EndedRun, Job, Limits, Target, Worlds};
use tcpvet::engine::{Happening, Outcome, Verdict};
use tcpvet::model::{Config, Defects};
use tcpvet::notation::{Origins, print_octets};
use tcpvet::script::Script;
use tcpvet::stack::{Breakdown, IpVersion};
use tcpvet::stacks::Runner;
use tcpvet::stacks::agent::{Agents, Launch, Process};
use tcpvet::suite::{Axes, expand};

/// The reference endpoint, as a program that speaks in lockstep.
const GOOD: [&str; 2] = [env!("CARGO_BIN_EXE_tcpvet"), "__agent"];

/// How long an agent may take for a line here; a machine that is busy with builds stretches everything.
const PATIENCE: Duration = Duration::from_secs(10);

/// The runner of the reference endpoint, as if that were somebody else's program.
fn runner() -> Runner {
    Runner::bundled("model").expect("it is bundled")
}

fn launch(words: &[&str]) -> Launch {
    let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
    Launch::new(&words, None, PATIENCE).expect("there is a program")
}

/// Runs jobs one after the other in one process after the other.
fn run(target: &mut dyn Target, jobs: Vec<Job>) -> Vec<Outcome> {
    let mut outcomes = vec![None; jobs.len()];
    let mut done = |place: usize, EndedRun { outcome, .. }: EndedRun| {
        outcomes[place] = Some(outcome);
        None
    };
    target
        .run(jobs, 1, &AtomicBool::new(false), &mut done)
        .expect("it was opened");
    outcomes.into_iter().map(|it| it.expect("all are told")).collect()
}

fn scripts() -> Vec<Arc<Script>> {
    let library = Library::bundled().unwrap_or_else(|problems| panic!("{problems}"));
    library.cases().iter().flat_map(|case| case.scripts.clone()).collect()
}

/// What a proxy is told to do wrong in the world of that seed, and what became of five runs with the seeds 1 to 5.
fn spoilt(how: &str, seed: &str, case: &str, worlds: Worlds) -> Option<Vec<Outcome>> {
    let broken = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agents/broken.py");
    let broken = broken.to_str().expect("the path of the sources is text");
    let script = scripts().into_iter().find(|script| &*script.case == case);
    let script = script.unwrap_or_else(|| panic!("there is no case {case}"));
    let launch = launch(&["python3", broken, how, seed, GOOD[0], GOOD[1]]);
    let mut agents = match Agents::open(runner(), launch) {
        Ok(agents) => agents,
        Err(error) if error.problem.contains("cannot be started") => {
            eprintln!("skipped: {error}");
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let job = |seed| Job {
        script: Arc::clone(&script),
        ip: IpVersion::V4,
        wrap: false,
        seed,
        waived: Default::default(),
        alone: false,
    };
    agents.share_worlds(worlds);
    Some(run(&mut agents, (1..=5).map(job).collect()))
}

/// That this costs the third run, with that verdict, and with all of these words in its explanation.
fn costs_its_run(how: &str, case: &str, verdict: Verdict, words: &[&str]) {
    let began = Instant::now();
    let Some(outcomes) = spoilt(how, "3", case, Worlds::Fresh) else {
        return;
    };
    for (place, outcome) in outcomes.iter().enumerate() {
        let failure = outcome.failure.as_ref().map(|failure| failure.seen.as_str());
        let said = format!("{} {} {:?}", outcome.reason, failure.unwrap_or_default(), outcome.notes);
        let expected = if place == 2 { verdict } else { Verdict::Pass };
        assert_eq!(outcome.verdict, expected, "{how}, run {}: {said}", place + 1);
        for word in words.iter().filter(|_| place == 2) {
            assert!(said.contains(word), "{how}: `{word}` is not in: {said}");
        }
    }
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{how} took {:?}",
        began.elapsed()
    );
}

/// That the agent's own fault, which says nothing of its stack, costs the third run.
fn breaks_down(how: &str, words: &[&str]) {
    costs_its_run(how, "handshake/passive-open", Verdict::Inconclusive, words);
}

/// That the third run fails, because the stack broke down.
fn fails(how: &str, words: &[&str]) {
    costs_its_run(how, "handshake/passive-open", Verdict::Fail, words);
}

#[test]
fn the_library_passes_through_a_pipe_octet_for_octet() {
    let plan = expand(&scripts(), &Axes::default());
    let jobs: Vec<Job> = plan.iter().map(|run| run.job(1)).collect();
    let inside = run(
        &mut tcpvet::stacks::model::target(runner(), Config::default(), Defects::NONE),
        jobs.clone(),
    );
    let mut agents = Agents::open(runner(), launch(&GOOD)).unwrap();
    let outside = run(&mut agents, jobs);
    for ((run, inside), outside) in plan.iter().zip(inside).zip(outside) {
        let green = matches!(outside.verdict, Verdict::Pass | Verdict::NotApplicable);
        assert!(green, "{}: {}", run.name, outside.reason);
        assert_eq!(inside.verdict, outside.verdict, "{}", run.name);
        assert_eq!(inside.trace, outside.trace, "{}", run.name);
    }
}

#[test]
fn output_without_end() {
    fails("endless", &["more than 100000 lines", "after the frame `SYN "]);
    fails(
        "pours_frames",
        &["emitted more than 10000 frames", "after the frame `SYN "],
    );
    breaks_down("endless_octets", &["a line of more than 33 MiB"]);
    breaks_down("long_line", &["a line of more than 33 MiB"]);
}

#[test]
fn an_end_in_the_middle() {
    fails(
        "half_line",
        &["ended (exit status 0) in the middle of a line, `frame 4500`"],
    );
    fails("leaves", &["ended (exit status 0), after the frame `SYN "]);
    // Somebody else has done that, as the system does that runs out of memory.
    breaks_down("is_killed", &["killed by signal 9, SIGKILL"]);
}

#[test]
fn a_stack_that_does_not_survive_a_segment_has_failed() {
    fails(
        "crashes",
        &[
            "ended (exit status 1)",
            "standard error: RuntimeError: the stack met a segment",
        ],
    );
    fails("segfaults", &["killed by signal 11, SIGSEGV"]);
    fails("leaves_a_child", &["ended (exit status 4)"]);
    fails("storms", &["storm"]);
}

#[test]
fn a_crash_in_a_shared_world_is_put_down_to_the_run_that_was_given_to_it() {
    let at_once = NonZeroUsize::new(2).expect("two are more than none");
    let shared = Worlds::Shared { at_once };
    let Some(outcomes) = spoilt("crashes", "1", "handshake/passive-open", shared) else {
        return;
    };
    let verdicts: Vec<Verdict> = outcomes.iter().map(|outcome| outcome.verdict).collect();
    // The first two are under way when the first segment comes; the others are made in the next world.
    assert_eq!(verdicts[..2], [Verdict::Fail, Verdict::Inconclusive]);
    assert_eq!(verdicts[2..], [Verdict::Pass; 3]);
    let blamed = outcomes[0].failure.as_ref().map_or("", |failure| &failure.seen);
    assert!(blamed.contains("ended (exit status 1)"), "{blamed}");
    let said = |outcome: &Outcome| outcome.notes.concat().contains("standard error: RuntimeError");
    assert!(
        said(&outcomes[0]) && !said(&outcomes[1]),
        "its last lines stand with that run"
    );
    let void = &outcomes[1].reason;
    assert!(void.contains("broke down in another run of the same world"), "{void}");
}

#[test]
fn no_answer() {
    fails(
        "silent",
        &["did not end its answer within 10s", "after the frame `SYN "],
    );
    fails("dribbles", &["did not end its answer within 10s"]);
}

#[test]
fn junk() {
    breaks_down("junk", &["`Hello` is no reply in the line `Hello \\u{1b}[1m world`"]);
    breaks_down("not_text", &["is no frame in hexadecimal"]);
    breaks_down("cannot_work", &["says that it cannot work: the licence has run out"]);
}

#[test]
fn a_wrong_order() {
    breaks_down("greets_again", &["said `agent again can ipv4` where a frame, a result"]);
    breaks_down("two_idles", &["the agent broke down: it said `"]);
    breaks_down("two_idles_at_once", &["said `idle -` after `idle`"]);
    breaks_down("late", &["said `frame 4500` after `idle`"]);
    breaks_down("never_asked", &["said `result 999 ok`, but there is no such call"]);
    breaks_down("answers_twice", &["but there is no such call to be answered"]);
    costs_its_run(
        "back_in_time",
        "retransmission/data",
        Verdict::Inconclusive,
        &["said `idle 0`, which lies before now ("],
    );
}

#[test]
fn frames_that_no_peer_takes_break_a_rule() {
    let failed = |how, words: &[&str]| costs_its_run(how, "handshake/passive-open", Verdict::Fail, words);
    failed(
        "no_ip_checksum",
        &["the checksum of the IPv4 header is 0x0000 instead of"],
    );
    failed("version_five", &["the IP version is 5"]);
    failed("short_header", &["the header length is 4 words"]);
    failed("length_too_large", &["says that there are 45 octets, and there are 44"]);
    failed("length_too_small", &["8 octets stand behind the end"]);
    failed("cut_in_the_header", &["12 octets are fewer than an IPv4 header has"]);
    failed("empty", &["there are no octets"]);
    failed("ethernet", &["the IP version is 0"]);
    failed("without_ttl", &["the time to live is 0"]);
    failed("wrong_offset", &["offset=15"]);
    failed(
        "spoken_by_another",
        &["a segment from 192.0.2.99 port 0 to 198.18.0.99 port 0"],
    );
}

#[test]
fn what_a_host_says_beside_tcp_is_seen_and_accuses_nobody() {
    let Some(outcomes) = spoilt("neighbours", "3", "handshake/passive-open", Worlds::Fresh) else {
        return;
    };
    let frames = |outcome: &Outcome| {
        let events = outcome.trace.iter();
        let frames = events.filter_map(|event| match &event.what {
            Happening::Frame { octets, .. } => Some(print_octets(octets, Origins::default())),
            _ => None,
        });
        frames.collect::<Vec<_>>()
    };
    assert!(
        outcomes.iter().all(|outcome| outcome.verdict == Verdict::Pass),
        "{outcomes:#?}"
    );
    let (usual, beside) = (frames(&outcomes[1]), frames(&outcomes[2]));
    assert_eq!(beside.len(), usual.len() + 6, "{beside:#?}");
    for told in [
        "IGMP, 8 octets to 224.0.0.22",
        "UDP from port 5632",
        "fragment at 0 of TCP",
        "ICMPv6 router-solicitation to ff02::2",
        "padding=00",
    ] {
        assert!(beside.iter().any(|line| line.contains(told)), "{told}: {beside:#?}");
    }
}

#[test]
fn numbers_that_cannot_be() {
    breaks_down(
        "negative_time",
        &["`-5` is no time in microseconds in the line `idle -5`"],
    );
    breaks_down("time_too_large", &["`99999999999999999999` is no time", "check-agent"]);
    breaks_down(
        "odd_digits",
        &["`450` is no frame in hexadecimal in the line `frame 450`"],
    );
}

#[test]
fn connections_of_sockets_that_do_not_exist() {
    breaks_down(
        "accepted_nowhere",
        &["told of a connection s2147483650 that came to s77"],
    );
    breaks_down(
        "accepted_as_nobody",
        &["said `event accepted s1 s99 198.18.0.1:9`, but there is no such call"],
    );
}

#[test]
fn what_is_no_fault_costs_nothing() {
    costs_its_run("floods_stderr", "handshake/passive-open", Verdict::Pass, &[]);
    costs_its_run("remarks", "handshake/passive-open", Verdict::Pass, &["a frame came"]);
    costs_its_run("one_world_only", "handshake/passive-open", Verdict::Pass, &[]);
}

#[test]
fn what_it_does_not_know_is_unsupported() {
    let unsupported = Verdict::Unsupported;
    costs_its_run(
        "knows_less",
        "handshake/passive-open",
        unsupported,
        &["the agent does not know the line"],
    );
}

/// The problem with an agent that does not come as far as to be a target.
fn refused(words: &[&str]) -> String {
    match Agents::open(runner(), launch(words)) {
        Ok(_) => panic!("{words:?} is no agent"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_agent_that_does_not_greet_is_no_target() {
    let refused_with = |words: &[&str], expected: &str| {
        let said = refused(words);
        assert!(said.contains(expected), "{words:?}: {said}");
    };
    refused_with(&["/no/such/agent"], "cannot be started");
    refused_with(&["true"], "ended (exit status 0)");
    refused_with(
        &["sh", "-c", "echo I need a key >&2; exit 7"],
        "ends with `I need a key`",
    );
    refused_with(&["cat"], "`tcpvet` is no reply");
    refused_with(
        &["sh", "-c", "echo idle -; sleep 9"],
        "where `agent NAME can ABILITY...`",
    );
    refused_with(
        &["sh", "-c", "echo agent x can ipv4; echo frame 00; sleep 9"],
        "where `idle`",
    );
    refused_with(&["sleep", "60"], "did not end its answer within 10s");
    refused_with(&["yes", "note x"], "more than 100000 lines");
}

/// So many jobs of one case, whatever it is.
fn jobs(count: u64) -> Vec<Job> {
    let script = scripts().remove(0);
    let job = |seed| Job {
        script: Arc::clone(&script),
        ip: IpVersion::V4,
        wrap: false,
        seed,
        waived: Default::default(),
        alone: false,
    };
    (0..count).map(job).collect()
}

/// How an agent begins that a shell is.
const GREETS: &str = "read hello; echo agent x can ipv4 ipv6 listen; echo idle -; read new; ";

#[test]
fn a_crash_costs_its_own_run_however_many_there_are() {
    let agent = format!("{GREETS}exit 3");
    let mut agents = Agents::open(runner(), launch(&["sh", "-c", &agent])).unwrap();
    for outcome in run(&mut agents, jobs(60)) {
        assert_eq!(outcome.breakdown(), Some(Breakdown::Crash), "{}", outcome.reason);
    }
}

#[test]
fn an_agent_that_cannot_be_started_is_given_up() {
    let once = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("once-{}", std::process::id()));
    let agent = format!("mkdir {} || exit 1; {GREETS}", once.display());
    let mut agents = Agents::open(runner(), launch(&["sh", "-c", &agent])).unwrap();
    let outcomes = run(&mut agents, jobs(40));
    std::fs::remove_dir(once).unwrap();
    let reason = |place: usize| outcomes[place].reason.as_str();
    assert!(outcomes.iter().all(|outcome| outcome.verdict == Verdict::Inconclusive));
    assert!(
        reason(0).contains("before the run began: it ended (exit status 1)"),
        "{}",
        reason(0)
    );
    assert!(reason(39).contains("could not be started 20 times"), "{}", reason(39));
}

#[test]
fn an_agent_that_hangs_in_every_run_ends_red_and_soon() {
    let limits = Limits {
        runs: 2,
        wait: Duration::from_secs(1),
        wait_then: Duration::from_millis(100),
        in_vain: Duration::from_secs(5),
        ..Limits::of(PATIENCE)
    };
    let began = Instant::now();
    let agent = format!("{GREETS}sleep 60");
    let mut agents = Agents::within(limits, runner(), launch(&["sh", "-c", &agent])).unwrap();
    let outcomes = run(&mut agents, jobs(100));
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.breakdown() == Some(Breakdown::Hang))
    );
    let seen = |place: usize| {
        outcomes[place]
            .failure
            .as_ref()
            .map_or("", |failure| failure.seen.as_str())
    };
    assert!(
        seen(0).contains("did not end its answer within 1s, after the line `new 192.0.2.1 seed=0"),
        "{}",
        seen(0)
    );
    assert!(seen(10).contains("within 100ms"), "{}", seen(10));
    assert!(
        seen(99).contains("not run, ") && seen(99).ends_with(" runs hung before it"),
        "{}",
        seen(99)
    );
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_agent_that_does_not_read_is_not_waited_for() {
    let began = Instant::now();
    let mut process = Process::start(&launch(&["sleep", "60"])).unwrap();
    let line = "x".repeat(10 << 20);
    let fault = process.say_line(&line, &AtomicBool::new(false)).unwrap_err();
    assert_eq!(fault.to_string(), "did not read its input for 10s");
    drop(process);
    assert!(began.elapsed() < Duration::from_secs(40));
}

#[test]
fn to_stop_ends_the_wait() {
    let began = Instant::now();
    let mut process = Process::start(&launch(&["sleep", "60"])).unwrap();
    let fault = process.greet(Mode::Lockstep, &AtomicBool::new(true)).unwrap_err();
    assert_eq!(fault.to_string(), "was stopped");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[test]
fn what_an_agent_started_ends_with_it() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("grandchild-{}", std::process::id()));
    let command = format!("sleep 60 & echo $! > {}; cat > /dev/null", file.display());
    let process = Process::start(&launch(&["sh", "-c", &command])).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let number = loop {
        match std::fs::read_to_string(&file) {
            Ok(text) if text.ends_with('\n') => break text.trim().to_owned(),
            _ => assert!(Instant::now() < deadline, "the shell does not start"),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    drop(process);
    // Gone, or not yet buried by whoever adopted it.
    let lives = || std::fs::read_to_string(format!("/proc/{number}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    while lives() {
        assert!(Instant::now() < deadline, "the agent's child lives on");
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(std::fs::remove_file(file));
}
