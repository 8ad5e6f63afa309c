//! How each kind of step begins, goes on and ends.

use super::outcome::{Happening, MetBy};
use super::run::{Action, Busy, Expecting, Progress, Run, Stop, earliest};
use crate::notation::{Pattern, Period, Role, SegmentPattern};
use crate::peer::Measure;
use crate::peer::eval::check;
use crate::peer::fit::{Fit, Hunt, fit};
use crate::peer::frame::{Frame, Mark};
use crate::rfc::State;
use crate::script::{AnyOf, ConnId, Expect, StateStep, Step, StepKind, StepWord, What};
use crate::stack::Tolerance;
use crate::stack::{Answer, Call};
use crate::time::{Instant, Stamp};
use crate::wire::Flags;
use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How exactly it is found out when a state is reached that a timer brings.
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How long to let pass before a state is asked for again.
const ASK_AGAIN: Duration = Duration::from_millis(5);

impl Run {
    /// Begins the next step, or goes on with the one under way.
    pub(super) fn proceed(&mut self, now: Instant, drained: Instant) -> Result<Progress, Stop> {
        if let Some(stray) = self.strays.first() {
            return Err(Stop::failed("no segment that belongs to no connection", stray.clone()));
        }
        let script = Arc::clone(&self.script);
        if matches!(self.busy, Busy::Idle) {
            return self.begin(now, &script);
        }
        let Some(step) = self.step(&script) else {
            return self.watch_the_end(now, drained);
        };
        match &self.busy {
            Busy::Sent => {
                self.finish_step();
                Ok(Progress::Done)
            }
            Busy::Waiting(until) => Ok(self.let_pass(*until, now, drained)),
            Busy::Expecting(_) => self.expect(step, drained),
            Busy::Silent { .. } => self.stay_silent(step, drained),
            Busy::Choosing { .. } => self.choose_among(step, drained),
            Busy::Calling(_) | Busy::Returning(..) => self.go_on_calling(step, drained),
            Busy::Resulting { .. } => self.await_result(step, drained),
            Busy::Probing(_) => self.go_on_probing(step, drained),
            Busy::Asking { .. } | Busy::AskAgain { .. } => self.go_on_asking(step, now, drained),
            Busy::Idle | Busy::Ending(_) => Ok(Progress::Done),
        }
    }

    fn begin(&mut self, now: Instant, script: &crate::script::Script) -> Result<Progress, Stop> {
        if !self.settle() {
            self.busy = Busy::Ending(now + self.tolerance(Tolerance::Prompt));
            return Ok(Progress::Done);
        }
        let Some(step) = self.step(script) else {
            return Ok(Progress::Done);
        };
        let given = self.cursor.in_given(script);
        let what = Happening::Step {
            word: step.kind.word(),
            text: step.text.clone(),
            position: step.position.clone(),
            given,
        };
        self.trace(Stamp::exactly(now), what);
        let here = step.conns.first().copied().unwrap_or(ConnId(0));
        match &step.kind {
            StepKind::Inject(pattern) => {
                self.inject(here, pattern, now)?;
                self.busy = Busy::Sent;
            }
            StepKind::InjectIcmp(pattern) => {
                self.inject_icmp(here, pattern, now)?;
                self.busy = Busy::Sent;
            }
            StepKind::Expect(expect) => self.begin_expect(step, expect)?,
            StepKind::Nothing(nothing) => {
                let (base, period) = self.window(&nothing.when)?;
                self.busy = Busy::Silent {
                    until: base.at.latest + period.most,
                    base,
                    period,
                };
            }
            StepKind::AnyOf(any_of) => self.begin_any_of(any_of)?,
            StepKind::Call(call) => self.begin_call(here, step, call)?,
            StepKind::Result(result) => {
                let (base, period) = self.result_window(result)?;
                self.busy = Busy::Resulting { base, period };
            }
            StepKind::Wait(time, since) => {
                let when = crate::script::Condition {
                    within: Some(time.clone()),
                    since: since.clone(),
                };
                let (base, period) = self.window(&when)?;
                self.busy = Busy::Waiting(base.at.latest + period.most);
            }
            StepKind::State(what) => self.begin_state(here, what, now)?,
            StepKind::Faults(specs) => {
                self.set_faults(specs)?;
                self.finish_step();
            }
            StepKind::Check(check) => self.check(check, now)?,
        }
        Ok(Progress::Done)
    }

    // ----- wait, check ----------------------------------------------------------------------------------------------

    fn let_pass(&mut self, until: Instant, now: Instant, drained: Instant) -> Progress {
        if drained < until {
            return Progress::Until(until);
        }
        self.mark = Mark {
            at: Stamp {
                earliest: until,
                latest: now.max(until),
            },
            cause: None,
        };
        self.finish_step();
        Progress::Done
    }

    fn check(&mut self, what: &crate::notation::Check, now: Instant) -> Result<(), Stop> {
        let (holds, left, right) = check(what, &self.measures)?;
        self.checked += 1;
        if !holds {
            let script = Arc::clone(&self.script);
            let text = self.step(&script).map_or(String::new(), |step| step.text.clone());
            return Err(Stop::failed(text, format!("{left} on the left, {right} on the right")));
        }
        let found = Happening::Found(StepWord::Check, format!("{left} on the left, {right} on the right"));
        self.trace(Stamp::exactly(now), found);
        self.finish_step();
        Ok(())
    }

    // ----- expect ---------------------------------------------------------------------------------------------------

    fn begin_expect(&mut self, step: &Step, expect: &Expect) -> Result<(), Stop> {
        let (base, period) = self.window(&expect.when)?;
        let hunts = self.hunts(&step.conns, expect);
        self.busy = Busy::Expecting(Expecting {
            base,
            period,
            hunts,
            got: 0,
        });
        Ok(())
    }

    fn hunts(&self, conns: &[ConnId], expect: &Expect) -> BTreeMap<usize, Hunt> {
        let hunt = |id: &ConnId| (id.0, Hunt::new(&self.conns[id.0], expect.count.is_some()));
        conns.iter().map(hunt).collect()
    }

    fn expect(&mut self, step: &Step, drained: Instant) -> Result<Progress, Stop> {
        let StepKind::Expect(expect) = &step.kind else {
            return Ok(Progress::Done);
        };
        loop {
            if !self.outbox.is_empty() {
                // An acknowledgment of each frame goes out before the next is looked at.
                return Ok(Progress::Done);
            }
            let Busy::Expecting(state) = &self.busy else {
                return Ok(Progress::Done);
            };
            let (base, period) = (state.base, state.period);
            let next = earliest(&self.conns, &step.conns).map(|(conn, frame)| (conn, frame.elapsed(base)));
            let Some((conn, elapsed)) = next.filter(|(_, (min, _))| expect.count.is_none() || *min <= period.most)
            else {
                let until = base.at.latest + period.most;
                if drained < until {
                    return Ok(Progress::Until(until));
                }
                return self.expect_in_vain(step, expect, until);
            };
            let Some(mut frame) = self.conns[conn].inbox.pop_front() else {
                return Ok(Progress::Done);
            };
            let fit = self.fit(conn, &expect.segment, &mut frame)?;
            if !matches!(fit, Fit::No(_)) {
                self.met_by(MetBy::Frame(frame.number), base, period);
            }
            match fit {
                Fit::No(why) => {
                    let repeated = frame.stretch_left() > 0;
                    self.pass_by(conn, frame, false, &step.text, &why)?;
                    if repeated {
                        // Its ACK may have been lost: a correct peer acknowledges again (RFC 9293 section 3.10.7.4).
                        self.acknowledge_each(conn, expect, drained)?;
                    }
                }
                Fit::Part => {
                    self.take(conn, frame, true);
                    self.look_at_early(conn);
                    self.acknowledge_each(conn, expect, drained)?;
                }
                Fit::Early => {
                    self.enter(conn, &frame);
                    let seen = self.show(&frame, conn);
                    self.note(frame.at, format!("kept, for what comes before it is missing: {seen}"));
                    self.conns[conn].early.push(frame);
                    self.acknowledge_each(conn, expect, drained)?;
                }
                Fit::Acknowledgment | Fit::Done => {
                    let whole = frame.clone();
                    self.take(conn, frame, false);
                    self.acknowledge_each(conn, expect, drained)?;
                    self.in_time(&step.text, elapsed, period)?;
                    if self.met(conn, step, expect, &whole)? {
                        return Ok(Progress::Done);
                    }
                }
            }
        }
    }

    fn fit(&mut self, conn: usize, pattern: &SegmentPattern, frame: &mut Frame) -> Result<Fit, Stop> {
        let Busy::Expecting(state) = &self.busy else {
            return Ok(Fit::No(String::new()));
        };
        let Some(mut hunt) = state.hunts.get(&conn).cloned() else {
            return Ok(Fit::No(String::new()));
        };
        let fit = fit(pattern, frame, &self.scope(conn), &mut hunt)?;
        if let Busy::Expecting(state) = &mut self.busy
            && !matches!(fit, Fit::No(_))
        {
            state.hunts.insert(conn, hunt);
        }
        Ok(fit)
    }

    /// Once a gap is filled, puts what came early in front of everything else.
    fn look_at_early(&mut self, conn: usize) {
        let Busy::Expecting(state) = &self.busy else { return };
        let Some(at) = state.hunts.get(&conn).and_then(Hunt::next) else {
            return;
        };
        if let Some(frame) = self.conns[conn].take_early(at) {
            self.conns[conn].inbox.push_front(frame);
        }
    }

    /// Counts a frame that was taken. Whether the step has come to its end.
    fn met(&mut self, conn: usize, step: &Step, expect: &Expect, frame: &Frame) -> Result<bool, Stop> {
        let fresh = Hunt::new(&self.conns[conn], expect.count.is_some());
        let Busy::Expecting(state) = &mut self.busy else {
            return Ok(true);
        };
        state.got += 1;
        let (got, base) = (state.got, state.base);
        let segments = state.hunts.get(&conn).map_or(0, |hunt| hunt.segments);
        self.checked += 1;
        if let Some((_, most)) = expect.count {
            if got > most {
                return Err(Stop::failed(
                    format!("{} (at most {most})", step.text),
                    format!("one more: `{}`", self.show(frame, conn)),
                ));
            }
            state.hunts.insert(conn, fresh);
            return Ok(false);
        }
        if let Some((least, most)) = expect.segments
            && !(least..=most).contains(&segments)
        {
            let wanted = if least == most {
                format!("{least}")
            } else {
                format!("{least}..{most}")
            };
            return Err(Stop::failed(
                format!("{} in {wanted} segments", step.text),
                format!("it came in {segments}"),
            ));
        }
        self.set_mark(frame.mark());
        self.measure(
            &expect.measure,
            Some((conn, frame)),
            base,
            frame.mark(),
            segments.max(1),
        );
        self.forget_first_inject(&step.conns);
        self.finish_step();
        Ok(true)
    }

    fn expect_in_vain(&mut self, step: &Step, expect: &Expect, until: Instant) -> Result<Progress, Stop> {
        let Busy::Expecting(state) = &self.busy else {
            return Ok(Progress::Done);
        };
        let (got, base) = (state.got, state.base);
        if let Some((least, most)) = expect.count {
            self.checked += 1;
            if !(least..=most).contains(&got) {
                return Err(Stop::late(
                    format!("{} ({least}..{most} of them)", step.text),
                    format!("{got} came"),
                ));
            }
            let mark = Mark {
                at: Stamp::exactly(until),
                cause: None,
            };
            self.set_mark(mark);
            self.measure(&expect.measure, None, base, mark, got);
            self.forget_first_inject(&step.conns);
            self.finish_step();
            return Ok(Progress::Done);
        }
        let waited = until.since(base.at.latest).as_secs_f64();
        let expected = format!("{}{}", step.text, self.defaults(&expect.segment, step.conns.first()));
        Err(Stop::late(expected, format!("nothing within {waited:.3} s")))
    }

    /// The numbers that a correct target says now, where the step leaves them to it.
    fn defaults(&self, pattern: &SegmentPattern, conn: Option<&ConnId>) -> String {
        use crate::notation::Key;
        let Some(conn) = conn.map(|id| &self.conns[id.0]) else {
            return String::new();
        };
        let mut numbers = Vec::new();
        if pattern.field(Key::Seq).is_none() && pattern.field(Key::AbsSeq).is_none() && !pattern.again {
            numbers.push(format!("seq={}", conn.snd_nxt));
        }
        if pattern.field(Key::Ack).is_none() && pattern.sets(crate::wire::Flags::ACK) {
            numbers.push(format!("ack={}", conn.rcv_nxt));
        }
        if numbers.is_empty() {
            String::new()
        } else {
            format!(" ({})", numbers.join(" "))
        }
    }

    /// Enters a frame that no step takes, if it is lawful background; fails the run otherwise.
    fn pass_by(&mut self, conn: usize, frame: Frame, silent: bool, expected: &str, why: &str) -> Result<(), Stop> {
        let text = self.show(&frame, conn);
        if !self.conns[conn].is_background(&frame, silent) {
            let why = if why.is_empty() {
                String::new()
            } else {
                format!(": {why}")
            };
            return Err(Stop::failed(expected, format!("`{text}`{why}")));
        }
        self.note(frame.at, format!("passed as background: {text}"));
        self.enter(conn, &frame);
        Ok(())
    }

    fn enter(&mut self, conn: usize, frame: &Frame) {
        let conn = &mut self.conns[conn];
        if frame.ack_taken {
            conn.enter_stretch(frame, frame.end());
        } else {
            conn.enter(frame);
        }
    }

    /// Enters what a step took of a frame; what it left stays in the inbox.
    fn take(&mut self, conn: usize, mut frame: Frame, whole: bool) {
        if whole || frame.stretch_left() == 0 {
            return self.enter(conn, &frame);
        }
        if !frame.ack_taken {
            let upto = frame.data_at() + frame.taken as i64;
            let conn = &mut self.conns[conn];
            conn.enter_syn(&frame);
            conn.enter_stretch(&frame, upto);
            conn.enter_ack(&frame);
            frame.ack_taken = true;
        } else {
            let upto = frame.data_at() + frame.taken as i64;
            self.conns[conn].enter_stretch(&frame, upto);
        }
        self.conns[conn].inbox.push_front(frame);
    }

    fn acknowledge_each(&mut self, conn: usize, expect: &Expect, now: Instant) -> Result<(), Stop> {
        if expect.acknowledge {
            self.inject_default_ack(ConnId(conn), now)
        } else {
            Ok(())
        }
    }

    /// A mark never goes back: a frame that came before it counts as no time.
    pub(super) fn set_mark(&mut self, mark: Mark) {
        if mark.at.latest >= self.mark.at.latest {
            self.mark = mark;
        }
    }

    fn forget_first_inject(&mut self, conns: &[ConnId]) {
        for id in conns {
            self.conns[id.0].first_inject = None;
        }
    }

    pub(super) fn measure(
        &mut self,
        what: &[What],
        frame: Option<(usize, &Frame)>,
        base: Mark,
        mark: Mark,
        count: u64,
    ) {
        for what in what {
            let value = match what.what.as_str() {
                "elapsed" => Some(Measure::Seconds(elapsed_seconds(base, mark))),
                "count" => Some(Measure::Number(count as f64)),
                field => frame.and_then(|(_, frame)| crate::peer::measure::of_frame(frame, field)),
            };
            let Some(value) = value else { continue };
            self.note(
                mark.at,
                format!("measured {} = {}", what.name, crate::peer::measure::show(&value)),
            );
            self.measures.entry(what.name.clone()).or_default().push(value);
        }
    }

    // ----- expect: nothing ------------------------------------------------------------------------------------------

    fn stay_silent(&mut self, step: &Step, drained: Instant) -> Result<Progress, Stop> {
        let Busy::Silent { until, base, period } = self.busy else {
            return Ok(Progress::Done);
        };
        while let Some((conn, frame)) = earliest(&self.conns, &step.conns) {
            let (min, max) = frame.elapsed(base);
            if min > period.most {
                break;
            }
            let doubtful = max > period.most;
            let Some(frame) = self.conns[conn].inbox.pop_front() else {
                break;
            };
            match self.pass_by(conn, frame, true, &step.text, "") {
                Err(Stop::Failed { .. }) if doubtful => {
                    return Err(Stop::Inconclusive(
                        "a frame came too close to the end of the silence".to_owned(),
                    ));
                }
                other => other?,
            }
        }
        if drained < until {
            return Ok(Progress::Until(until));
        }
        self.checked += 1;
        self.met_by(MetBy::Silence(self.frames), self.mark, until_then(self.mark, until));
        self.set_mark(Mark {
            at: Stamp::exactly(until),
            cause: None,
        });
        self.finish_step();
        Ok(Progress::Done)
    }

    // ----- any-of ---------------------------------------------------------------------------------------------------

    fn begin_any_of(&mut self, any_of: &AnyOf) -> Result<(), Stop> {
        let mut ends = Vec::new();
        let mut hunts = BTreeMap::new();
        for (index, (_, steps)) in any_of.outcomes.iter().enumerate() {
            let Some(first) = steps.first() else { continue };
            let (base, period) = match &first.kind {
                StepKind::Expect(expect) => {
                    let mine = self.hunts(&first.conns, expect);
                    hunts.extend(mine.into_iter().map(|(conn, hunt)| ((index, conn), hunt)));
                    self.window(&expect.when)?
                }
                StepKind::Nothing(nothing) => self.window(&nothing.when)?,
                StepKind::Result(result) => self.result_window(result)?,
                _ => return Err(Stop::Case("an outcome begins with `expect` or `result`".to_owned())),
            };
            ends.push(base.at.latest + period.most);
        }
        self.busy = Busy::Choosing { ends, hunts };
        Ok(())
    }

    fn choose_among(&mut self, step: &Step, drained: Instant) -> Result<Progress, Stop> {
        let StepKind::AnyOf(any_of) = &step.kind else {
            return Ok(Progress::Done);
        };
        let Busy::Choosing { ends, .. } = &self.busy else {
            return Ok(Progress::Done);
        };
        let silence = any_of.outcomes.iter().position(|(_, steps)| starts_silent(steps));
        let until = match silence {
            Some(index) => ends[index],
            None => ends.iter().copied().max().unwrap_or(drained),
        };
        let conns = outcome_conns(any_of);
        if let Some(index) = self.fitting_result(any_of, &conns)? {
            self.commit(any_of, index);
            return Ok(Progress::Done);
        }
        while let Some((conn, _)) = earliest(&self.conns, &conns) {
            let Some(frame) = self.conns[conn].inbox.pop_front() else {
                break;
            };
            if let Some(index) = self.fitting_outcome(any_of, conn, &frame)? {
                self.conns[conn].inbox.push_front(frame);
                self.commit(any_of, index);
                return Ok(Progress::Done);
            }
            self.pass_by(conn, frame, silence.is_some(), &outcome_names(any_of), "")?;
        }
        if drained < until {
            return Ok(Progress::Until(until));
        }
        match silence {
            Some(index) => {
                let base = self.mark;
                self.set_mark(Mark {
                    at: Stamp::exactly(until),
                    cause: None,
                });
                self.checked += 1;
                self.commit(any_of, index);
                self.met_by(MetBy::Silence(self.frames), base, until_then(base, until));
                self.finish_step();
                Ok(Progress::Done)
            }
            None => Err(Stop::late(outcome_names(any_of), "none of them came")),
        }
    }

    /// The outcome that a frame fits. One that fits two does not tell them apart: then the case is wrong, whatever the
    /// target did.
    fn fitting_outcome(&self, any_of: &AnyOf, conn: usize, frame: &Frame) -> Result<Option<usize>, Stop> {
        let Busy::Choosing { hunts, .. } = &self.busy else {
            return Ok(None);
        };
        let mut found = None;
        for (index, (name, steps)) in any_of.outcomes.iter().enumerate() {
            let Some(StepKind::Expect(expect)) = steps.first().map(|step| &step.kind) else {
                continue;
            };
            let Some(mut hunt) = hunts.get(&(index, conn)).cloned() else {
                continue;
            };
            let fit = fit(&expect.segment, &mut frame.clone(), &self.scope(conn), &mut hunt)?;
            if matches!(fit, Fit::No(_)) {
                continue;
            }
            if let Some(first) = found {
                let (first, _): &(String, _) = &any_of.outcomes[first];
                return Err(ambiguous(first, name, &format!("fit `{}`", self.show(frame, conn))));
            }
            found = Some(index);
        }
        Ok(found)
    }

    /// The outcome whose call has ended as it asks. As for frames, two at once are an error of the case, also where the
    /// other begins with a frame and that is there too.
    fn fitting_result(&self, any_of: &AnyOf, conns: &[ConnId]) -> Result<Option<usize>, Stop> {
        let mut found = None;
        for (index, (name, steps)) in any_of.outcomes.iter().enumerate() {
            let Some(step) = steps.first() else { continue };
            let StepKind::Result(result) = &step.kind else {
                continue;
            };
            if !self.result_is(step, result)? {
                continue;
            }
            if let Some(first) = found {
                let (first, _): &(String, _) = &any_of.outcomes[first];
                return Err(ambiguous(
                    first,
                    name,
                    &format!("fit the end of `{}`", result.verb.name()),
                ));
            }
            found = Some(index);
        }
        let Some(index) = found else { return Ok(None) };
        for conn in conns.iter().map(|id| id.0) {
            for frame in &self.conns[conn].inbox {
                if let Some(other) = self.fitting_outcome(any_of, conn, frame)? {
                    let names = (&any_of.outcomes[index].0, &any_of.outcomes[other].0);
                    let how = format!(
                        "have come: the call has ended, and `{}` is there",
                        self.show(frame, conn)
                    );
                    return Err(ambiguous(names.0, names.1, &how));
                }
            }
        }
        Ok(Some(index))
    }

    fn commit(&mut self, any_of: &AnyOf, index: usize) {
        let name = any_of.outcomes[index].0.clone();
        self.note(self.mark.at, format!("outcome: {name}"));
        self.met_by(MetBy::Outcome(index), self.mark, Period::default());
        if !any_of.right.is_empty() && !any_of.right.contains(&name) {
            self.fail_softly(
                format!("the outcome {}", any_of.right.join(" or ")),
                format!("the outcome {name}"),
            );
        }
        self.choose(index, &name);
    }

    // ----- state ----------------------------------------------------------------------------------------------------

    fn begin_state(&mut self, conn: ConnId, what: &StateStep, now: Instant) -> Result<(), Stop> {
        match (&what.when, self.facts.abilities.can("state")) {
            (None, true) => self.ask_state(conn, now + self.tolerance(Tolerance::Prompt)),
            (Some(when), true) => {
                let (base, period) = self.window(when)?;
                self.state_since = base;
                self.ask_state(conn, base.at.latest + period.most);
            }
            (None, false) => return self.probe_state(conn, what.state, now),
            (Some(_), false) => {
                return Err(Stop::Unsupported(format!(
                    "{} does not tell when it is in {}",
                    self.facts.name, what.state
                )));
            }
        }
        Ok(())
    }

    /// Where the target does not tell, an unacceptable ACK does, as far as a wire can: it draws a RST where there is no
    /// connection and an ACK where there is one (RFC 9293 section 3.10.7). It may change the target, so it is only ever
    /// a run's last step.
    fn probe_state(&mut self, conn: ConnId, state: State, now: Instant) -> Result<(), Stop> {
        let opening = matches!(state, State::SynSent | State::SynReceived);
        if opening || !self.at_last_step() {
            self.notes.push(format!(
                "state: {state} was not checked: {} does not tell",
                self.facts.name
            ));
            self.finish_step();
            return Ok(());
        }
        let text = if self.conns[conn.0].irs_known {
            "ACK seq=RCV.NXT-1"
        } else {
            "ACK"
        };
        let Ok(Pattern::Segment(probe)) = Pattern::parse(text, Role::Inject) else {
            return Ok(());
        };
        self.inject(conn, &probe, now)?;
        self.busy = Busy::Probing(now + self.tolerance(Tolerance::Soon));
        Ok(())
    }

    fn go_on_probing(&mut self, step: &Step, drained: Instant) -> Result<Progress, Stop> {
        let (Busy::Probing(until), StepKind::State(StateStep { state: want, .. })) = (&self.busy, &step.kind) else {
            return Ok(Progress::Done);
        };
        let (until, gone) = (*until, matches!(want, State::Closed | State::Listen));
        while let Some((conn, frame)) = earliest(&self.conns, &step.conns) {
            let is_answer = self.conns[conn].last_inject.is_some_and(|inject| inject < frame.order);
            let Some(frame) = self.conns[conn].inbox.pop_front() else {
                break;
            };
            let reset = frame.has(Flags::RST);
            if !is_answer || frame.stretch_left() > 0 && !reset {
                self.pass_by(conn, frame, false, &step.text, "")?;
                continue;
            }
            if reset != gone {
                let seen = format!("the answer to a probe: `{}`", self.show(&frame, conn));
                return Err(Stop::failed(step.text.clone(), seen));
            }
            self.checked += 1;
            self.notes
                .push(format!("state: {want} by a probe: the wire tells no more"));
            self.met_by(MetBy::Frame(frame.number), self.mark, until_then(self.mark, until));
            self.enter(conn, &frame);
            self.finish_step();
            return Ok(Progress::Done);
        }
        if drained < until {
            return Ok(Progress::Until(until));
        }
        Err(Stop::late(step.text.clone(), "no answer to a probe"))
    }

    fn ask_state(&mut self, conn: ConnId, until: Instant) {
        let there = &self.conns[conn.0];
        let local = (self.at.target, there.target_port.unwrap_or(self.at.port)).into();
        let peer = (there.tester, there.tester_port).into();
        let id = self.calls.ask(conn);
        self.outbox.push_back(Action::Call(id, Call::State { local, peer }));
        self.busy = Busy::Asking { id, until };
    }

    fn go_on_asking(&mut self, step: &Step, now: Instant, drained: Instant) -> Result<Progress, Stop> {
        let conn = step.conns.first().copied().unwrap_or(ConnId(0));
        let StepKind::State(what) = &step.kind else {
            return Ok(Progress::Done);
        };
        let want = what.state;
        match self.busy {
            Busy::AskAgain { at, until } if drained >= at => {
                self.ask_state(conn, until);
                Ok(Progress::Done)
            }
            Busy::AskAgain { at, .. } => Ok(Progress::Until(at)),
            Busy::Asking { id, until } => match self.calls.answer(id) {
                None if drained < until => Ok(Progress::Until(until)),
                None => Err(Stop::Inconclusive(
                    "the target did not tell the state in time".to_owned(),
                )),
                Some(Ok(Answer::State(is))) if *is == want || (want, *is) == (State::Closed, State::Listen) => {
                    let is = *is;
                    self.checked += 1;
                    self.met_by(MetBy::Call(id), self.mark, until_then(self.mark, until));
                    self.trace(self.mark.at, Happening::Found(StepWord::State, format!("state {is}")));
                    self.measure_state(what, now)?;
                    self.finish_step();
                    Ok(Progress::Done)
                }
                // What follows from a frame at once may still wait for a socket that is busy in a call.
                Some(Ok(Answer::State(_))) if now < until && (what.when.is_some() || !self.facts.virtual_time) => {
                    let pause = if what.when.is_some() { LOOK_AGAIN } else { ASK_AGAIN };
                    self.busy = Busy::AskAgain { at: now + pause, until };
                    Ok(Progress::Done)
                }
                Some(Ok(Answer::State(is))) => Err(Stop::failed(step.text.clone(), format!("state {is}"))),
                Some(Err(errno)) if errno.unsupported => Err(Stop::Unsupported("cannot tell the state".to_owned())),
                Some(other) => Err(Stop::Inconclusive(format!(
                    "asked for the state, the target said {other:?}"
                ))),
            },
            _ => Ok(Progress::Done),
        }
    }

    /// The time until a state was reached: a range such as `about T` is judged too.
    fn measure_state(&mut self, what: &StateStep, now: Instant) -> Result<(), Stop> {
        let Some(when) = &what.when else { return Ok(()) };
        let (base, (_, period)) = (self.state_since, self.window(when)?);
        let took = now.since(base.at.earliest);
        if took < period.least {
            let expected = format!("{} not sooner than {:.3} s", what.state, period.least.as_secs_f64());
            return Err(Stop::late(
                expected,
                format!("it was reached after {:.3} s", took.as_secs_f64()),
            ));
        }
        let mark = Mark {
            at: Stamp::exactly(now),
            cause: None,
        };
        self.measure(&what.measure, None, base, mark, 1);
        self.mark = mark;
        Ok(())
    }

    // ----- the end --------------------------------------------------------------------------------------------------

    fn watch_the_end(&mut self, now: Instant, drained: Instant) -> Result<Progress, Stop> {
        let Busy::Ending(until) = self.busy else {
            self.busy = Busy::Idle;
            return Ok(Progress::Done);
        };
        let all: Vec<ConnId> = (0..self.conns.len()).map(ConnId).collect();
        while let Some((conn, _)) = earliest(&self.conns, &all) {
            let Some(frame) = self.conns[conn].inbox.pop_front() else {
                break;
            };
            self.pass_by(conn, frame, false, "nothing that nobody asked for", "")?;
        }
        if drained < until {
            return Ok(Progress::Until(until));
        }
        self.complete(now);
        Ok(Progress::Done)
    }
}

/// The time from a mark to a deadline.
fn until_then(mark: Mark, until: Instant) -> Period {
    Period {
        least: Duration::ZERO,
        most: until.since(mark.at.latest),
    }
}

fn elapsed_seconds(base: Mark, mark: Mark) -> f64 {
    if mark.cause.is_some() && mark.cause == base.cause {
        return 0.0;
    }
    let (min, max) = mark.at.since(base.at);
    (min + max).as_secs_f64() / 2.0
}

fn starts_silent(steps: &[Step]) -> bool {
    matches!(steps.first().map(|step| &step.kind), Some(StepKind::Nothing(_)))
}

/// What is wrong with a case whose outcomes do not exclude each other.
fn ambiguous(first: &str, second: &str, how: &str) -> Stop {
    Stop::Case(format!(
        "the outcomes `{first}` and `{second}` both {how}; outcomes must differ in their first steps"
    ))
}

fn outcome_names(any_of: &AnyOf) -> String {
    let names: Vec<_> = any_of.outcomes.iter().map(|(name, _)| name.as_str()).collect();
    format!("any of {}", names.join(", "))
}

/// The connections that any outcome looks at.
fn outcome_conns(any_of: &AnyOf) -> Vec<ConnId> {
    let firsts = any_of.outcomes.iter().filter_map(|(_, steps)| steps.first());
    let mut conns: Vec<ConnId> = firsts.flat_map(|step| step.conns.iter().copied()).collect();
    conns.sort_unstable();
    conns.dedup();
    conns
}
