//! `expect:` a segment, or nothing.

use super::outcome::MetBy;
use super::run::{Run, earliest, until_then};
use super::stage::{Progress, Waiting};
use super::stop::{Complaint, Stop};
use super::symptom::Symptom;
use crate::notation::{Key, Period, SegmentPattern};
use crate::peer::{Fit, Frame, Mark, Matching, Message, Misfit, Side};
use crate::script::{ConnId, Expect, Nothing, Step};
use crate::time::{Instant, Stamp};
use crate::wire::Flags;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An `expect` of a segment that is under way.
#[derive(Debug)]
pub(super) struct Expecting {
    expect: Arc<Expect>,
    base: Mark,
    period: Period,
    /// How far it has come on each of the step's connections.
    matchings: BTreeMap<usize, Matching>,
    /// How many frames have met it, where it counts them.
    got: u64,
    /// Why the last one of the kind that is waited for did not meet it.
    misfit: Option<Misfit>,
}

/// An `expect: nothing` that is under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silence {
    base: Mark,
    period: Period,
}

impl Expecting {
    fn matching(&self, conn: usize) -> &Matching {
        let matching = self.matchings.get(&conn);
        matching.unwrap_or_else(|| unreachable!("connection {conn} is none of those that the step looks at"))
    }
}

impl Run {
    pub(super) fn begin_expect(&mut self, step: &Step, expect: &Arc<Expect>) -> Result<Progress, Stop> {
        let (base, period) = self.window(&expect.when)?;
        Ok(Progress::now(Waiting::Expecting(Expecting {
            expect: Arc::clone(expect),
            base,
            period,
            matchings: self.matchings(&step.conns, expect),
            got: 0,
            misfit: None,
        })))
    }

    pub(super) fn matchings(&self, conns: &[ConnId], expect: &Expect) -> BTreeMap<usize, Matching> {
        let matching = |id: &ConnId| (id.0, Matching::new(&self.conns[id.0], expect.count.is_some()));
        conns.iter().map(matching).collect()
    }

    pub(super) fn go_on_expecting(
        &mut self,
        step: &Step,
        mut state: Expecting,
        drained: Instant,
    ) -> Result<Progress, Stop> {
        loop {
            if !self.outbox.is_empty() {
                // An acknowledgment of each frame goes out before the next is looked at.
                return Ok(Progress::now(Waiting::Expecting(state)));
            }
            let (base, period) = (state.base, state.period);
            let counts = state.expect.count.is_some();
            let next = earliest(&self.conns, &step.conns).map(|(conn, frame)| (conn, frame.elapsed(base)));
            let next = next.filter(|(_, (min, _))| !counts || *min <= period.most);
            let Some((conn, elapsed)) = next else {
                let until = base.at.latest + period.most;
                if drained < until {
                    return Ok(Progress::until(Waiting::Expecting(state), until));
                }
                return self.expect_in_vain(step, &state, until);
            };
            if let Some(progress) = self.look_at_front(step, &mut state, (conn, elapsed), drained)? {
                return Ok(progress);
            }
        }
    }

    /// Looks at the first frame in the inbox of a connection; what comes of the step if that ends it.
    fn look_at_front(
        &mut self,
        step: &Step,
        state: &mut Expecting,
        (conn, elapsed): (usize, (core::time::Duration, core::time::Duration)),
        drained: Instant,
    ) -> Result<Option<Progress>, Stop> {
        let Some(mut frame) = self.conns[conn].inbox.pop_front() else {
            unreachable!("the inbox of connection {conn} holds the earliest frame");
        };
        let expect = Arc::clone(&state.expect);
        if expect.count.is_some() && self.is_waived_ack(conn, &frame) {
            self.pass_by(conn, frame, false, &step.text, None)?;
            return Ok(None);
        }
        let fit = self.fit(step, conn, state, &mut frame)?;
        if !matches!(fit, Fit::No(_)) {
            self.met_by(MetBy::Frame(frame.number), state.base, state.period);
        }
        match fit {
            Fit::No(misfit) => {
                let repeated = frame.stretch_left() > 0;
                if self.conns[conn].message(&frame) == Message::due(&expect.segment) {
                    state.misfit = Some(misfit.clone());
                }
                self.pass_by(conn, frame, false, &step.text, Some(&misfit))?;
                if repeated {
                    // The ACK of an earlier frame may have been lost: a correct peer acknowledges again (RFC 9293
                    // section 3.10.7.4).
                    self.acknowledge_each(conn, &expect, drained)?;
                }
            }
            Fit::Part => {
                self.conns[conn].take(frame, true);
                self.look_at_early(conn, state);
                self.acknowledge_each(conn, &expect, drained)?;
            }
            Fit::Early => {
                self.conns[conn].enter(&frame);
                let seen = self.show(&frame, conn);
                self.note(frame.at, format!("kept, for what comes before it is missing: {seen}"));
                self.conns[conn].early.push(frame);
                self.acknowledge_each(conn, &expect, drained)?;
            }
            Fit::Acknowledgment | Fit::Done => {
                let whole = frame.clone();
                self.conns[conn].take(frame, false);
                self.acknowledge_each(conn, &expect, drained)?;
                self.in_time(&step.text, elapsed, state.period)?;
                return self.met(conn, step, state, &whole);
            }
        }
        Ok(None)
    }

    /// How a frame fits. The progress of the step is kept only if it does.
    fn fit(&mut self, step: &Step, conn: usize, state: &mut Expecting, frame: &mut Frame) -> Result<Fit, Stop> {
        let mut matching = state.matching(conn).clone();
        let (fit, passed_over) = self.fit_without_waived(conn, &state.expect.segment, frame, &mut matching)?;
        if !matches!(fit, Fit::No(_)) {
            state.matchings.insert(conn, matching);
        }
        for complaint in passed_over {
            let expected = step.text.clone();
            self.pass_over(frame.at, Complaint { expected, ..complaint })?;
        }
        Ok(fit)
    }

    /// Once a gap is filled, puts the frames that came early at the front of the inbox.
    fn look_at_early(&mut self, conn: usize, state: &Expecting) {
        let Some(at) = state.matching(conn).next() else { return };
        if let Some(frame) = self.conns[conn].take_early(at) {
            self.conns[conn].inbox.push_front(frame);
        }
    }

    /// Counts a frame that was taken. What comes of the step if that ends it.
    fn met(
        &mut self,
        conn: usize,
        step: &Step,
        state: &mut Expecting,
        frame: &Frame,
    ) -> Result<Option<Progress>, Stop> {
        state.got += 1;
        self.checked += 1;
        if let Some((_, most)) = state.expect.count {
            if state.got > most {
                return Err(Stop::failed(
                    Symptom::Count(Side::Above),
                    format!("{} (at most {most})", step.text),
                    format!("one more: `{}`", self.show(frame, conn)),
                ));
            }
            state.matchings.insert(conn, Matching::new(&self.conns[conn], true));
            return Ok(None);
        }
        let segments = state.matching(conn).segments;
        if let Some((least, most)) = state.expect.segments
            && !(least..=most).contains(&segments)
        {
            let wanted = if least == most {
                format!("{least}")
            } else {
                format!("{least}..{most}")
            };
            let side = if segments < least { Side::Below } else { Side::Above };
            return Err(Stop::failed(
                Symptom::Count(side),
                format!("{} in {wanted} segments", step.text),
                format!("it came in {segments}"),
            ));
        }
        let (measure, base) = (&state.expect.measure, state.base);
        self.set_mark(frame.mark());
        self.measure(measure, Some(frame), base, frame.mark(), segments.max(1));
        self.forget_first_inject(&step.conns);
        Ok(Some(self.finish_step()))
    }

    /// The time is over: a step that counts frames for that time is decided, and any other has failed.
    fn expect_in_vain(&mut self, step: &Step, state: &Expecting, until: Instant) -> Result<Progress, Stop> {
        let Some((least, most)) = state.expect.count else {
            let waited = until.since(state.base.at.latest).as_secs_f64();
            let defaults = self.defaults(&state.expect.segment, step.conns.first());
            return Err(Stop::late(
                self.silence(&state.expect.segment, state.misfit.as_ref()),
                format!("{}{defaults}", step.text),
                self.nothing(&format!("nothing within {waited:.3} s")),
            ));
        };
        self.checked += 1;
        if !(least..=most).contains(&state.got) {
            let side = if state.got < least { Side::Below } else { Side::Above };
            return Err(Stop::late(
                Symptom::Count(side),
                format!("{} ({least}..{most} of them)", step.text),
                self.nothing(&format!("{} came", state.got)),
            ));
        }
        let mark = Mark::at(until);
        self.set_mark(mark);
        self.measure(&state.expect.measure, None, state.base, mark, state.got);
        self.forget_first_inject(&step.conns);
        Ok(self.finish_step())
    }

    /// The numbers that a correct target says now, where the step leaves them to it.
    fn defaults(&self, pattern: &SegmentPattern, conn: Option<&ConnId>) -> String {
        let Some(conn) = conn.map(|id| &self.conns[id.0]) else {
            return String::new();
        };
        let mut numbers = Vec::new();
        if pattern.field(Key::Seq).is_none() && pattern.field(Key::AbsSeq).is_none() && !pattern.again {
            numbers.push(format!("seq={}", conn.snd_nxt));
        }
        if pattern.field(Key::Ack).is_none() && pattern.sets(Flags::ACK) {
            numbers.push(format!("ack={}", conn.rcv_nxt));
        }
        if numbers.is_empty() {
            String::new()
        } else {
            format!(" ({})", numbers.join(" "))
        }
    }

    fn acknowledge_each(&mut self, conn: usize, expect: &Expect, now: Instant) -> Result<(), Stop> {
        if expect.acknowledge {
            self.inject_default_ack(ConnId(conn), now)
        } else {
            Ok(())
        }
    }

    fn forget_first_inject(&mut self, conns: &[ConnId]) {
        for id in conns {
            self.conns[id.0].first_inject = None;
        }
    }

    // ----- expect: nothing ------------------------------------------------------------------------------------------

    pub(super) fn begin_silence(&self, nothing: &Nothing) -> Result<Progress, Stop> {
        let (base, period) = self.window(&nothing.when)?;
        Ok(Progress::now(Waiting::Silent(Silence { base, period })))
    }

    pub(super) fn stay_silent(&mut self, step: &Step, state: Silence, drained: Instant) -> Result<Progress, Stop> {
        let Silence { base, period } = state;
        let until = base.at.latest + period.most;
        while let Some((conn, frame)) = earliest(&self.conns, &step.conns) {
            let (min, max) = frame.elapsed(base);
            if min > period.most {
                break;
            }
            let doubtful = max > period.most;
            let Some(frame) = self.conns[conn].inbox.pop_front() else {
                break;
            };
            match self.pass_by(conn, frame, true, &step.text, None) {
                Err(Stop::Failed(_)) if doubtful => {
                    return Err(Stop::Inconclusive(
                        "a frame came too close to the end of the silence".to_owned(),
                    ));
                }
                other => other?,
            }
        }
        if drained < until {
            return Ok(Progress::until(Waiting::Silent(state), until));
        }
        self.checked += 1;
        self.met_by(
            MetBy::Silence(self.frames.len() as u32),
            self.mark,
            until_then(self.mark, until),
        );
        self.set_mark(Mark {
            at: Stamp::exactly(until),
            cause: None,
        });
        Ok(self.finish_step())
    }
}
