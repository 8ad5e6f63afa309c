//! A record that is being made.

use super::{Disorder, End, Ending, Event, Head, Record, RecordFile, Run, Settled};
use crate::suite::{Expectations, RunResult};
use crate::time::Instant;
use core::time::Duration;

/// Applies the events of a run of the suite to a record, and writes each to a file, if there is one.
#[derive(Debug)]
pub struct Recorder<'a> {
    record: Record,
    file: Option<&'a mut RecordFile>,
    /// The first event that did not fit. It is reported at the end, since the driver of a target cannot be told of it.
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

    /// Adds an event.
    pub fn note(&mut self, event: Event) {
        if let Some(file) = &mut self.file {
            file.event(&event);
        }
        if let Err(disorder) = self.record.apply(event) {
            self.disorder.get_or_insert(disorder);
        }
    }

    /// Adds a settled run, so long after the beginning.
    pub fn settled(&mut self, place: usize, after: Duration, result: &RunResult) {
        let run = Run::of(result, self.record.head.traces);
        let at = Instant::ZERO + after;
        self.note(Event::Settled(Box::new(Settled { place, at, run })));
    }

    /// Judges all runs anew, and adds an event for each that changes.
    pub fn judge_by(&mut self, expectations: &Expectations) {
        let runs = self.record.runs.iter();
        let judged = runs.map(|(place, run)| (*place, run, expectations.judge(&run.id, &run.outcome)));
        let changed: Vec<Event> = judged
            .filter(|(_, run, expectation)| *expectation != run.expectation)
            .map(|(place, _, expectation)| Event::Judged { place, expectation })
            .collect();
        changed.into_iter().for_each(|event| self.note(event));
    }

    /// The record so far.
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
