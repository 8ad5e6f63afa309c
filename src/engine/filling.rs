//! `fill:` text until the target has shut its window.

use super::outcome::MetBy;
use super::run::{Run, until_then};
use super::stage::{Progress, Waiting};
use super::stop::Stop;
use super::symptom::{Bearer, Symptom};
use crate::notation::{Comparison, Expr, FieldValue, Key, SegmentPattern};
use crate::peer::{Field, Side};
use crate::script::{ConnId, Step};
use crate::stack::Tolerance;
use crate::time::Instant;

/// A `fill` that is under way.
#[derive(Debug)]
pub(super) struct Filling {
    /// What is sent, without its text.
    segment: SegmentPattern,
    /// Octets of text that were sent.
    sent: i64,
    /// The number of the last frame that came.
    last: Option<u32>,
}

/// The most octets that are sent. How much a stack buffers is its own affair (RFC 9293 section 3.8.6), so one that takes
/// more is not judged.
const MOST: i64 = 32 << 20;

impl Filling {
    pub(super) fn new(segment: &SegmentPattern) -> Filling {
        Filling {
            segment: segment.clone(),
            sent: 0,
            last: None,
        }
    }
}

impl Run {
    /// Sends as much text as the window and one segment hold, until the target has acknowledged all of it and shut its
    /// window. An ACK may be delayed; only the last one is waited for.
    pub(super) fn go_on_filling(
        &mut self,
        step: &Step,
        mut state: Filling,
        now: Instant,
        drained: Instant,
    ) -> Result<Progress, Stop> {
        let here = step.conns.first().copied().unwrap_or(ConnId(0));
        self.take_acks(here, step, &mut state)?;
        let conn = &self.conns[here.0];
        let room = conn.rcv_wnd().min(conn.most_text());
        if room > 0 && state.sent > MOST {
            return Err(Stop::Unsupported(format!(
                "{} keeps its window open beyond {} MiB that nobody reads",
                self.facts.name,
                MOST >> 20
            )));
        }
        if room > 0 {
            state.sent += room;
            self.inject(here, &with_text(&state.segment, room), now)?;
            return Ok(Progress::now(Waiting::Filling(state)));
        }
        let until = self.mark.at.latest + self.tolerance(Tolerance::Soon);
        if conn.last_ack == conn.rcv_nxt {
            self.checked += 1;
            if let Some(last) = state.last {
                self.met_by(MetBy::Frame(last), self.mark, until_then(self.mark, until));
            }
            return Ok(self.finish_step());
        }
        if drained < until {
            return Ok(Progress::until(Waiting::Filling(state), until));
        }
        let expected = format!("{}: an ACK of all of it (ack={})", step.text, conn.rcv_nxt);
        let symptom = Symptom::Wrong {
            on: Bearer::Segment,
            part: Field::AcknowledgmentNumber.is(Side::Below),
        };
        Err(Stop::late(symptom, expected, format!("ack={} at last", conn.last_ack)))
    }

    /// Enters what has come, which must be lawful as an answer to text or as background.
    fn take_acks(&mut self, here: ConnId, step: &Step, state: &mut Filling) -> Result<(), Stop> {
        while let Some(frame) = self.conns[here.0].inbox.pop_front() {
            if !self.conns[here.0].is_background(&frame, false) {
                self.refuse(here.0, &frame, &step.text, None)?;
            }
            state.last = Some(frame.number);
            self.conns[here.0].enter(&frame);
        }
        Ok(())
    }
}

/// The segment with so many octets of text.
fn with_text(segment: &SegmentPattern, octets: i64) -> SegmentPattern {
    let mut segment = segment.clone();
    let data = FieldValue::Compare(Comparison::Equal, Expr::Number(octets));
    segment.fields.push((Key::Data, data));
    segment
}
