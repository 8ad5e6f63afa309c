//! Records for tests of what is made from them.

use super::{End, Ending, Event, FORMAT, Head, Host, Record, Run, Settled, Subject, Traces, VERSION};
use crate::engine::Outcome;
use crate::suite::{self, Expectations, Row, RunResult};
use crate::time::Instant;

/// A head for so many runs.
pub(crate) fn head(planned: usize) -> Head {
    Head {
        format: FORMAT.to_owned(),
        version: VERSION,
        tool: "0.1.0".to_owned(),
        began: 1_700_000_000,
        host: Host {
            system: "linux".to_owned(),
            release: None,
            architecture: "x86_64".to_owned(),
        },
        target: Subject {
            name: "fake".to_owned(),
            version: None,
            virtual_time: false,
            instead_of: None,
        },
        seed: 1,
        runs_per_world: None,
        selection: Vec::new(),
        again: " --target fake".to_owned(),
        strict: false,
        expectations: "runners/fake/expectations.yaml".to_owned(),
        waivers: Vec::new(),
        planned,
        left_out: 0,
        traces: Traces::Notable,
    }
}

/// A run with this outcome.
pub(crate) fn result(run: suite::Run, outcome: Outcome, known: &Expectations) -> RunResult {
    RunResult {
        expectation: known.judge(&run.id(), &outcome),
        run,
        outcome,
        earlier: Vec::new(),
        meeting: None,
        attempts: 1,
        cut_off: false,
    }
}

/// A record of these runs, in order, that ended so after 1.25 s.
pub(crate) fn settle(head: Head, runs: Vec<Run>, ending: Ending) -> Record {
    let mut record = Record::new(head);
    for (place, run) in runs.into_iter().enumerate() {
        let at = Instant::from_millis(7);
        record
            .apply(Event::Settled(Box::new(Settled { place, at, run })))
            .unwrap();
    }
    let end = End {
        ending,
        at: Instant::from_millis(1250),
        totals: record.totals(),
    };
    record.apply(Event::Ended(end)).unwrap();
    record
}

/// As [`settle`], with a head whose contents do not matter.
pub(crate) fn ended(runs: Vec<Run>, ending: Ending) -> Record {
    settle(head(runs.len()), runs, ending)
}

/// As [`ended`], with a library.
pub(crate) fn with_library(library: Vec<Row>, runs: Vec<Run>) -> Record {
    Record {
        library,
        ..ended(runs, Ending::Complete)
    }
}
