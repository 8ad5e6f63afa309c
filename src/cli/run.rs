//! `tcpvet run`

use super::arguments::{self, DEFAULT_SEED, RunArguments};
use super::prepare::{PlannedTarget, Prepared, prepare, untested};
use super::report::{Summary, Telling};
use super::{ENVIRONMENT, can_redraw, output, signals, update};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Instant, SystemTime};
use std::{fs, io};
use tcpvet::record::{self, Absent, Beside, Ending, Event, Head, Host, Record, RecordFile, Recorder, Traces};
use tcpvet::report::{Comparison, ProgressLine};
use tcpvet::suite::{Conduct, Progress, Reference, Row, RunResult, Trouble, estimate, execute};

/// Runs cases; gives the exit code.
pub(super) fn run(arguments: &RunArguments) -> u8 {
    carry_out(arguments, Summary::Verdicts)
}

/// Runs cases to see what the target is like; gives the exit code, which is not about whether it conforms.
pub(super) fn audit(arguments: &RunArguments) -> u8 {
    carry_out(arguments, Summary::Portrait)
}

fn carry_out(arguments: &RunArguments, summary: Summary) -> u8 {
    // Before any process is started, so that none is left behind.
    let stop = match signals::listen() {
        Ok(stop) => stop,
        Err(err) => {
            output::error(&format!("cannot listen for signals: {err}"));
            return ENVIRONMENT;
        }
    };
    match prepare(arguments) {
        Ok(prepared) => make_runs(arguments, prepared, summary, &stop),
        Err(code) => code,
    }
}

fn make_runs(arguments: &RunArguments, prepared: Prepared, summary: Summary, stop: &Arc<AtomicBool>) -> u8 {
    let Prepared {
        subjects,
        absent,
        library,
        files,
        mut record,
    } = prepared;
    let several = subjects.len() + absent.len() > 1;
    let telling = Telling::new(&arguments.reports, summary, several, &files);
    let mut whole = Comparison::default();
    for absent in absent {
        leave_out(absent, &mut whole, record.as_mut());
    }
    let mut codes = Vec::new();
    // One after the other: a kernel's timers would be late if other targets took the processors.
    for subject in subjects {
        if stop.load(Ordering::Relaxed) {
            let (target, why) = (subject.name, "interrupted before it began".to_owned());
            leave_out(Absent { target, why }, &mut whole, record.as_mut());
            continue;
        }
        let watch = Watch {
            arguments,
            stop,
            several,
        };
        let (recorded, code) = watch.run_all(subject, &library, record.as_mut());
        telling.tell(&recorded);
        whole.records.push(recorded);
        codes.extend(code);
    }
    if let Some(Err(problem)) = record.map(RecordFile::close) {
        output::error(&problem);
        codes.push(ENVIRONMENT);
    }
    let code = telling.conclude(&whole, files, codes);
    for first in whole
        .records
        .iter()
        .filter_map(|record| record.head.target.instead_of.as_ref())
    {
        output::say(&format!("\n{}", untested(first)));
    }
    code
}

/// Notes a target that is not run.
fn leave_out(absent: Absent, whole: &mut Comparison, record: Option<&mut RecordFile>) {
    if let Some(record) = record {
        record.absent(&absent);
    }
    whole.absent.push(absent);
}

/// What all runs of this command have in common, whatever the target.
struct Watch<'a> {
    arguments: &'a RunArguments,
    stop: &'a Arc<AtomicBool>,
    several: bool,
}

impl Watch<'_> {
    /// Makes all runs against one target. An exit code where the expectations could not be written.
    fn run_all(
        &self,
        mut subject: PlannedTarget,
        library: &[Row],
        file: Option<&mut RecordFile>,
    ) -> (Record, Option<u8>) {
        let began = Instant::now();
        let mut recorder = Recorder::begin(head(self.arguments, &subject), file);
        recorder.note(Event::Library(library.to_vec()));
        let mut failed = Vec::new();
        let trouble = self.make_all(&mut subject, &mut |place, result| {
            recorder.settled(place, began.elapsed(), &result);
            if result.outcome.failure.is_some() {
                failed.push((place, result));
            }
        });
        let beside = Beside::from(&subject.target.target.take_unclaimed());
        if beside != Beside::default() {
            recorder.note(Event::Beside(beside));
        }
        // The reference endpoint is asked only now, since runs on real time must not wait for it.
        if let Some(reference) = Reference::new() {
            for (place, result) in &failed {
                let answer = reference.answer(&result.run, self.arguments.seed, &result.outcome);
                let place = *place;
                answer
                    .into_iter()
                    .for_each(|model| recorder.note(Event::Answered { place, model }));
            }
        }
        let ending = Ending::from(trouble);
        let took = began.elapsed();
        let mut code = None;
        if self.arguments.update_expectations {
            match update::write_down(&subject.stated, recorder.record(), Some(&ending)) {
                Ok(now) => now.iter().for_each(|now| recorder.judge_by(now)),
                Err(wrong) => code = Some(wrong),
            }
        }
        (recorder.end(ending, took), code)
    }

    /// Makes the runs of a plan, and shows the progress.
    fn make_all(&self, subject: &mut PlannedTarget, settled: &mut dyn FnMut(usize, Box<RunResult>)) -> Option<Trouble> {
        let facts = Arc::clone(subject.target.target.facts());
        let estimates = subject.plan.iter().map(|run| estimate(&run.script, &facts.tolerances));
        let of = match self.several {
            true => format!("{}: ", subject.name),
            false => String::new(),
        };
        let line = ProgressLine::begin(
            of,
            &subject.plan,
            estimates.collect(),
            self.arguments.strict,
            facts.virtual_time,
            Arc::clone(self.stop),
            !self.arguments.reports.quiet && can_redraw(&io::stderr()),
        );
        let conduct = Conduct {
            seed: self.arguments.seed,
            at_once: self.arguments.jobs,
        };
        execute(
            subject.target.target.as_mut(),
            &subject.plan,
            &subject.stated.parsed,
            conduct,
            self.stop,
            &mut |progress| {
                line.note(&progress);
                if let Progress::Settled(place, result) = progress {
                    settled(place, result);
                }
            },
        )
    }
}

/// What is known before the first run.
fn head(arguments: &RunArguments, subject: &PlannedTarget) -> Head {
    let facts = subject.target.target.facts();
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Head {
        format: record::FORMAT.to_owned(),
        version: record::VERSION,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        began: since_1970.unwrap_or_default().as_secs(),
        host: host(),
        target: record::Subject {
            name: subject.name.clone(),
            version: facts.version.clone(),
            virtual_time: facts.virtual_time,
            instead_of: subject.instead_of.clone(),
        },
        seed: arguments.seed,
        runs_per_world: arguments.runs_per_world.map(NonZeroUsize::get),
        selection: arguments.choice.selection.clone(),
        again: again(arguments, &subject.target.called),
        strict: arguments.strict,
        expectations: subject.stated.file.clone(),
        waivers: subject.stated.parsed.waivers().to_vec(),
        planned: subject.plan.len(),
        left_out: subject.left_out,
        traces: match arguments.traces {
            arguments::Traces::Notable => Traces::Notable,
            arguments::Traces::All => Traces::All,
        },
    }
}

/// The machine that we run on. Only Linux tells its release in a file.
fn host() -> Host {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease");
    Host {
        system: std::env::consts::OS.to_owned(),
        release: release.ok().map(|release| release.trim().to_owned()),
        architecture: std::env::consts::ARCH.to_owned(),
    }
}

/// The arguments that repeat a run with the same outcome.
fn again(arguments: &RunArguments, target: &str) -> String {
    let mut words = vec!["--target".to_owned(), quoted(target)];
    for dir in &arguments.choice.cases {
        words.extend(["--cases".to_owned(), quoted(&dir.display().to_string())]);
    }
    for (flag, names) in [("--defect", &arguments.defect), ("--switch", &arguments.switch)] {
        for name in names {
            words.extend([flag.to_owned(), name.clone()]);
        }
    }
    if let Some(seed) = arguments.lawful {
        words.extend(["--lawful".to_owned(), seed.to_string()]);
    }
    if arguments.seed != DEFAULT_SEED {
        words.extend(["--seed".to_owned(), arguments.seed.to_string()]);
    }
    words.iter().map(|word| format!(" {word}")).collect()
}

/// A word, quoted for a shell if need be.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+=,:@%".contains(c);
    match word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
