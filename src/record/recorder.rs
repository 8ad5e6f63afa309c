//! A record that is being made.

use super::{Disorder, End, Ending, Event, Head, Record, RecordFile, Run, Settled};
use crate::suite::{Expectations, RunResult};
use crate::time::Instant;
use core::time::Duration;

/// Adds up the events of a run of the suite, and writes each down as it comes, where there is a file for it.
#[derive(Debug)]
pub struct Recorder<'a> {
    record: Record,
    file: Option<&'a mut RecordFile>,
    /// The first thing that did not fit to what was before it. Whoever drives a target cannot be told of it at once.
    disorder: Option<Disorder>,
}

impl<'a> Recorder<'a> {
    /// Begins a record.
    pub fn begin(head: Head, mut file: Option<&'a mut RecordFile>) -> Recorder<'a> {
        if let Some(file) = &mut file {
            file.head(&head);
        }
        Recorder {
            record: Record::new(head),
            file,
            disorder: None,
        }
    }

    /// Takes note of an event.
    pub fn note(&mut self, event: Event) {
        if let Some(file) = &mut self.file {
            file.event(&event);
        }
        if let Err(disorder) = self.record.apply(event) {
            self.disorder.get_or_insert(disorder);
        }
    }

    /// Takes note of a run that is settled, so long after the beginning.
    pub fn settled(&mut self, place: usize, after: Duration, result: &RunResult) {
        let run = Run::of(result, self.record.head.traces);
        let at = Instant::ZERO + after;
        self.note(Event::Settled(Box::new(Settled { place, at, run })));
    }

    /// Judges all runs anew, and takes note of what changes.
    pub fn judge_by(&mut self, expectations: &Expectations) {
        let runs = self.record.runs.iter();
        let judged = runs.map(|(place, run)| (*place, run, expectations.judge(&run.id, &run.outcome)));
        let changed: Vec<Event> = judged
            .filter(|(_, run, expectation)| *expectation != run.expectation)
            .map(|(place, _, expectation)| Event::Judged { place, expectation })
            .collect();
        changed.into_iter().for_each(|event| self.note(event));
    }

    /// What is known by now.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Ends the record, so long after the beginning. An event that did not fit is a bug of ours.
    pub fn end(mut self, ending: Ending, after: Duration) -> Record {
        let ending = match self.disorder.take() {
            None => ending,
            Some(disorder) => Ending::Bug {
                said: disorder.to_string(),
            },
        };
        self.note(Event::Ended(End {
            ending,
            at: Instant::ZERO + after,
            totals: self.record.totals(),
        }));
        self.record
    }
}
