//! From a row of a case to a script: names looked up, values filled in, notation read, repetitions unrolled.

use super::flow::{Complaint, Flow, fails_a_mute_target};
use super::matrix::{MAX_TEXT, Part, Row, is_name, parts};
use super::raw::{Head, RawFault, RawStep, Word};
use super::requirement::Catalogue;
use super::roster::Roster;
use super::yaml::{Place, Report, Text};
use crate::notation::did_you_mean;
use crate::notation::{
    CallSpec, Check, Expr, FieldValue, Key, NotationError, OptionPattern, OptionValue, Pattern, Quantity, ReturnSpec,
    Role, SegmentPattern, TimeSpec, Verb,
};
use crate::rfc::{Requirement, State};
use crate::script::{
    AnyOf, CallStep, ConnId, Expect, FaultAction, FaultSpec, Given, Measurement, Nothing, Position, ResultStep,
    STRIPPABLE, StateStep, Step, StepKind, Timing,
};
use crate::wire::Flags;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// A script has at most so many steps of its own when its repetitions are unrolled, and so has the way into a state.
pub(super) const MAX_STEPS: usize = 10_000;

/// The word of `by` for what the reference endpoint does with its default choices.
const DEFAULT: &str = "default";

/// A text with its names filled in.
pub(super) struct Filled<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) from: &'t Text,
}

impl Filled<'_> {
    fn is_as_written(&self) -> bool {
        matches!(self.text, Cow::Borrowed(_))
    }
}

/// What a step has from the `repeat` or `any-of` that it stands in.
#[derive(Clone, Default)]
pub(super) struct Inherited {
    pub(super) conns: Vec<ConnId>,
    pub(super) covers: Vec<Arc<Requirement>>,
}

/// The making of one script.
pub(super) struct Lowering<'a, 'r> {
    pub(super) report: &'a mut Report<'r>,
    pub(super) catalogue: &'a Catalogue,
    pub(super) row: &'a Row,
    pub(super) roster: &'a Roster,
    pub(super) flow: Flow,
    /// `$i`
    pub(super) index: Option<u64>,
    /// How many steps may still be added; `None` once there was one too many, which has been told then.
    pub(super) room: Option<usize>,
    /// Whether this script has a mistake. Mistakes that may only follow from it are not told.
    pub(super) failed: bool,
    /// Whether the columns are unknown, so that a text that uses some cannot be checked.
    pub(super) blind: bool,
    /// The steps that some row has, by where they begin in the file.
    pub(super) kept: &'a mut BTreeSet<usize>,
}

impl Lowering<'_, '_> {
    /// Notes a mistake in a text, or in a part of it.
    pub(super) fn complain(&mut self, filled: &Filled, part: Range<usize>, what: Complaint) {
        self.failed = true;
        let (message, help) = what;
        let (place, note) = match filled.is_as_written() {
            true => (filled.from.part(part, self.report.source), None),
            false => (filled.from.place.clone(), Some(self.reads(&filled.text))),
        };
        self.report
            .add_in_row(&place, message, Some(help).filter(|help| !help.is_empty()), note);
    }

    /// Notes a mistake at a place.
    pub(super) fn complain_at(&mut self, place: &Place, what: Complaint) {
        self.failed = true;
        let (message, help) = what;
        let note = (!self.row.name.is_empty()).then(|| format!("in row `{}`", self.row.name));
        self.report.add_in_row(place, message, Some(help), note);
    }

    fn reads(&self, text: &str) -> String {
        let shown: String = text.chars().take(120).collect();
        let turn = self.index.map(|i| format!(", turn {i}")).unwrap_or_default();
        match self.row.name.as_str() {
            "" => format!("it reads `{shown}` here{turn}"),
            name => format!("in row `{name}`{turn} it reads `{shown}`"),
        }
    }

    /// Fills in columns and `$i`; leaves what was measured to the engine.
    pub(super) fn fill<'t>(&mut self, from: &'t Text) -> Option<Filled<'t>> {
        if !from.text.contains('$') {
            let text = Cow::Borrowed(from.text.as_str());
            return Some(Filled { text, from });
        }
        if self.blind {
            return None;
        }
        let mut columns = String::new();
        for part in parts(&from.text) {
            match part {
                Part::Plain(text) => columns.push_str(text),
                Part::Name { name, label, whole } => match self.row.cells.get(name) {
                    Some(cell) if label => columns.push_str(&cell.label),
                    Some(cell) => columns.push_str(&cell.value),
                    None => columns.push_str(whole),
                },
            }
        }
        let mut text = String::new();
        for part in parts(&columns) {
            match part {
                Part::Plain(plain) => text.push_str(plain),
                Part::Name { name: "i", whole, .. } if self.index.is_some() => {
                    text.push_str(&self.index.unwrap_or_default().to_string());
                    text.push_str(&whole["$i".len()..]);
                }
                Part::Name { name, whole, .. } => {
                    self.must_be_measured(name, from, &columns)?;
                    text.push_str(whole);
                }
            }
        }
        if text.len() > MAX_TEXT {
            let what = (
                format!("longer than {MAX_TEXT} octets when filled in"),
                "write less".to_string(),
            );
            self.complain_at(&from.place, what);
            return None;
        }
        let trimmed = text.trim().to_string();
        let text = match trimmed == from.text {
            true => Cow::Borrowed(from.text.as_str()),
            false => Cow::Owned(trimmed),
        };
        Some(Filled { text, from })
    }

    fn must_be_measured(&mut self, name: &str, from: &Text, columns: &str) -> Option<()> {
        if self.flow.measured.contains(name) {
            return Some(());
        }
        let (message, help) = if self.flow.maybe_measured.contains(name) {
            let message = format!("`${name}` is measured in some outcomes only");
            (
                message,
                "measure it in each, or use it in the outcome that does".to_string(),
            )
        } else if name == "i" {
            (
                "`$i` counts in a `repeat`, and this is none".to_string(),
                "take it out".to_string(),
            )
        } else {
            let known = self.row.cells.keys().chain(&self.flow.measured).map(String::as_str);
            let help = did_you_mean(name, known).unwrap_or_else(|| {
                "add a column to `matrix`, or `measure` it in an earlier step; in a text write `\\x24`".to_string()
            });
            (format!("`${name}` is neither a column nor measured before"), help)
        };
        let written = from.text.find(&format!("${name}"));
        let part = written.map_or(0..from.text.len(), |at| at..at + 1 + name.len());
        let note = (columns != from.text).then(|| self.reads(columns));
        let place = from.part(part, self.report.source);
        self.failed = true;
        self.report.add_in_row(&place, message, Some(help), note);
        None
    }

    /// Reads a piece of notation that begins at `offset` of the text.
    fn read<T>(&mut self, filled: &Filled, offset: usize, result: Result<T, NotationError>) -> Option<T> {
        match result {
            Ok(found) => Some(found),
            Err(error) => {
                let at = offset + error.at.start..offset + error.at.end;
                self.complain(filled, at, (error.message, error.help.unwrap_or_default()));
                None
            }
        }
    }

    pub(super) fn time(&mut self, text: &Text) -> Option<TimeSpec> {
        let filled = self.fill(text)?;
        self.read(&filled, 0, TimeSpec::parse(&filled.text))
    }

    fn optional_time(&mut self, text: Option<&Text>) -> Option<Option<TimeSpec>> {
        match text {
            None => Some(None),
            Some(text) => self.time(text).map(Some),
        }
    }

    pub(super) fn expr(&mut self, filled: &Filled) -> Option<Expr> {
        let expr = self.read(filled, 0, Expr::parse(&filled.text))?;
        self.know_conns(filled, |see| visit(&expr, see))?;
        Some(expr)
    }

    pub(super) fn pattern(&mut self, filled: &Filled, role: Role) -> Option<Pattern> {
        let pattern = self.read(filled, 0, Pattern::parse(&filled.text, role))?;
        self.know_conns(filled, |see| visit_pattern(&pattern, see))?;
        Some(pattern)
    }

    fn segment(&mut self, filled: &Filled, role: Role) -> Option<SegmentPattern> {
        match self.pattern(filled, role)? {
            Pattern::Segment(segment) => Some(segment),
            Pattern::Icmp(_) => {
                let what = ("ICMP can only be injected".to_string(), "write a segment".to_string());
                self.complain(filled, 0..filled.text.len(), what);
                None
            }
        }
    }

    /// Whether the connections exist whose variables an expression has.
    fn know_conns(&mut self, filled: &Filled, each: impl Fn(&mut dyn FnMut(&Expr))) -> Option<()> {
        let mut unknown = None;
        each(&mut |expr| {
            if let Expr::Variable { conn: Some(conn), .. } = expr
                && self.roster.one(conn).is_none()
            {
                unknown.get_or_insert_with(|| conn.clone());
            }
        });
        let Some(conn) = unknown else {
            return Some(());
        };
        let part = filled
            .text
            .find(&format!("{conn}."))
            .map_or(0..filled.text.len(), |at| at..at + conn.len());
        let what = self.roster.unknown(&conn);
        self.complain(filled, part, what);
        None
    }

    /// The connections of a step.
    fn conns(&mut self, step: &RawStep, inherited: &Inherited) -> Option<Vec<ConnId>> {
        let Some(text) = &step.conn else {
            return Some(inherited.conns.clone());
        };
        let filled = self.fill(text)?;
        let all_of_family = matches!(step.word, Word::Expect | Word::AnyOf | Word::Faults);
        match self.roster.named(&filled.text, all_of_family) {
            Ok(conns) => Some(conns),
            Err(what) => {
                self.complain(&filled, 0..filled.text.len(), what);
                None
            }
        }
    }

    /// The requirements of these ids.
    pub(super) fn covers(&mut self, ids: &[Text]) -> Vec<Arc<Requirement>> {
        let mut found = Vec::new();
        for text in ids {
            let Some(filled) = self.fill(text) else {
                continue;
            };
            match self.catalogue.get(&filled.text) {
                Some(entry) => found.push(entry.requirement.clone()),
                None => {
                    let help = self.catalogue.nearest(&filled.text);
                    let help = help.unwrap_or_else(|| "the ids are in cases/requirements/".to_string());
                    let what = (format!("there is no requirement `{}`", filled.text), help);
                    self.complain(&filled, 0..filled.text.len(), what);
                }
            }
        }
        found
    }

    fn is_kept(&self, step: &RawStep) -> bool {
        step.only_where.iter().all(|(column, wanted)| {
            let Some(cell) = self.row.cells.get(&column.text) else {
                return true; // Told once for the whole case, not for every row.
            };
            wanted
                .iter()
                .any(|text| [&cell.label, &cell.written, &cell.value].contains(&&text.text))
        })
    }

    /// Lowers the steps that this row has, in order.
    pub(super) fn steps(&mut self, steps: &[RawStep], inherited: &Inherited, out: &mut Vec<Step>) {
        for step in steps.iter() {
            if !self.is_kept(step) {
                continue;
            }
            self.kept.insert(step.place.at.start);
            match &step.head {
                Head::Repeat(times, inner) => self.repeat(step, times, inner, inherited, out),
                Head::Text(_) | Head::Outcomes(_) | Head::Faults(_) => {
                    self.take_room(&step.place);
                    if self.room.is_none() {
                        continue; // The other steps are only noted as kept.
                    }
                    if let Some(lowered) = self.step(step, inherited) {
                        self.follow(step, &lowered);
                        out.push(lowered);
                    } else {
                        self.failed = true;
                    }
                }
            }
        }
    }

    /// Counts one more step, and complains of the first that is too many.
    fn take_room(&mut self, place: &Place) {
        if let Some(left) = self.room {
            self.room = left.checked_sub(1);
            if self.room.is_none() {
                self.complain_at(place, too_many_steps());
            }
        }
    }

    /// Checks that a step can follow those before it, and notes what it does.
    fn follow(&mut self, raw: &RawStep, step: &Step) {
        if !self.failed
            && let Some(what) = self.flow.refuse(step)
        {
            let place = match &raw.head {
                Head::Text(text) => text.place.clone(),
                Head::Outcomes(_) | Head::Repeat(..) | Head::Faults(_) => raw.place.clone(),
            };
            self.complain_at(&place, what);
        }
        self.flow.pass(step);
    }

    fn repeat(&mut self, step: &RawStep, times: &Text, inner: &[RawStep], inherited: &Inherited, out: &mut Vec<Step>) {
        if self.index.is_some() {
            let help = "write the inner steps out, or use a family of connections".to_string();
            self.complain_at(&step.place, ("a `repeat` inside a `repeat`".to_string(), help));
            return;
        }
        let Some(filled) = self.fill(times) else {
            return;
        };
        let turns = match filled.text.parse() {
            Ok(turns @ 1..) => turns,
            Ok(0) | Err(_) => {
                let message = format!("`{}` is not a number of times", filled.text);
                return self.complain(&filled, 0..filled.text.len(), (message, format!("1 to {MAX_STEPS}")));
            }
        };
        // The number is refused by itself: where a row has none of the steps inside, no turn counts against the limit.
        if turns > MAX_STEPS as u64 {
            self.room = None;
            return self.complain(&filled, 0..filled.text.len(), too_many_steps());
        }
        for i in 1..=turns {
            self.index = Some(i);
            let before = self.failed;
            let conns = self.conns(step, inherited);
            let mut covers = self.covers(&step.covers);
            if covers.is_empty() {
                covers.clone_from(&inherited.covers);
            }
            let conns = conns.unwrap_or_else(|| vec![ConnId(0)]);
            self.steps(inner, &Inherited { conns, covers }, out);
            if self.failed && !before || self.room.is_none() {
                break; // The other turns would only repeat the mistake.
            }
        }
        self.index = None;
    }

    fn step(&mut self, raw: &RawStep, inherited: &Inherited) -> Option<Step> {
        let conns = self.conns(raw, inherited);
        let covers = match raw.covers.is_empty() {
            true => inherited.covers.clone(),
            false => self.covers(&raw.covers),
        };
        let mut text = String::new();
        let within = Inherited {
            conns: conns.clone().unwrap_or_else(|| vec![ConnId(0)]),
            covers: covers.clone(),
        };
        let kind = match &raw.head {
            Head::Text(head) => {
                let filled = self.fill(head)?;
                text = format!("{}: {}", raw.word.name(), filled.text);
                self.plain(raw, &filled)
            }
            Head::Outcomes(outcomes) => {
                let names: Vec<_> = outcomes.iter().map(|(name, _)| name.text.as_str()).collect();
                text = format!("any-of: {}", names.join(", "));
                self.any_of(raw, outcomes, &within)
            }
            Head::Faults(faults) => self.faults(faults, &within, &mut text),
            Head::Repeat(..) => None,
        };
        let label = self.label(raw);
        let mut conns = conns?;
        let kind = kind?;
        if let StepKind::Faults(faults) = &kind
            && !faults.is_empty()
        {
            let all: BTreeSet<ConnId> = faults.iter().flat_map(|fault| fault.conns.iter().copied()).collect();
            conns = all.into_iter().collect();
        }
        Some(Step {
            kind,
            conns,
            covers,
            label: label?,
            position: Position {
                file: self.report.source.name.clone(),
                line: raw.place.line,
                column: raw.place.column,
            },
            text,
        })
    }

    fn label(&mut self, raw: &RawStep) -> Option<Option<String>> {
        let Some(text) = &raw.label else {
            return Some(None);
        };
        let filled = self.fill(text)?;
        if !filled.text.is_empty()
            && filled
                .text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
        {
            return Some(Some(filled.text.into_owned()));
        }
        let what = (
            format!("`{}` cannot be a name", filled.text),
            "letters, digits, `-`, `_`".to_string(),
        );
        self.complain(&filled, 0..filled.text.len(), what);
        None
    }

    /// A step whose word takes a text.
    fn plain(&mut self, raw: &RawStep, filled: &Filled) -> Option<StepKind> {
        match raw.word {
            Word::Inject => match self.pattern(filled, Role::Inject)? {
                Pattern::Segment(segment) => Some(StepKind::Inject(segment)),
                Pattern::Icmp(icmp) => Some(StepKind::InjectIcmp(icmp)),
            },
            Word::Fill => self.filling(filled),
            Word::Expect if filled.text == "nothing" => self.nothing(raw),
            Word::Expect => self.expect(raw, filled),
            Word::Call => {
                let call = self.call(filled)?;
                let returns = self.returns(&raw.returns)?;
                Some(StepKind::Call(Arc::new(CallStep { call, returns })))
            }
            Word::Result => self.result(raw, filled),
            Word::Wait => {
                let time = self.read(filled, 0, TimeSpec::parse(&filled.text))?;
                Some(StepKind::Wait(time, self.since(raw)?))
            }
            Word::State => {
                let state = self.state(filled)?;
                let timed = raw.within.is_some();
                let when = self.condition(raw)?;
                Some(StepKind::State(Arc::new(StateStep {
                    state,
                    when: timed.then_some(when),
                    measure: self.measures(raw)?,
                })))
            }
            Word::Check => {
                let check = self.read(filled, 0, Check::parse(&filled.text))?;
                Some(StepKind::Check(check))
            }
            Word::AnyOf | Word::Repeat | Word::Faults => None,
        }
    }

    pub(super) fn state(&mut self, filled: &Filled) -> Option<State> {
        let state = State::from_name(&filled.text);
        if state.is_none() {
            let names = State::ALL.map(State::name);
            let help = did_you_mean(&filled.text, names).unwrap_or_else(|| format!("one of {}", names.join(", ")));
            self.complain(
                filled,
                0..filled.text.len(),
                (format!("unknown state `{}`", filled.text), help),
            );
        }
        state
    }

    fn filling(&mut self, filled: &Filled) -> Option<StepKind> {
        let segment = self.segment(filled, Role::Inject)?;
        let has = |key: Key| segment.field(key).is_some();
        let flags = [Flags::SYN, Flags::FIN, Flags::RST];
        let own = segment.text.is_some() || [Key::Seq, Key::AbsSeq, Key::Data].into_iter().any(has);
        if !own && segment.sets(Flags::ACK) && !flags.into_iter().any(|flag| segment.sets(flag)) {
            return Some(StepKind::Fill(segment));
        }
        let what = (
            "`fill` sends segments with an ACK, and numbers and text of its own".to_string(),
            "write `ACK`, with what is special besides".to_string(),
        );
        self.complain(filled, 0..filled.text.len(), what);
        None
    }

    fn nothing(&mut self, raw: &RawStep) -> Option<StepKind> {
        let beside = [&raw.within, &raw.segments, &raw.count, &raw.acknowledge];
        let names = ["within", "segments", "count", "acknowledge"];
        let mut wrong = beside
            .into_iter()
            .zip(names)
            .filter_map(|(text, name)| Some((text.as_ref()?, name)));
        let found = wrong.next().or(raw.measure.first().map(|(name, _)| (name, "measure")));
        if let Some((text, name)) = found {
            let help = match name {
                "within" => "`expect: nothing` lasts `for` a time",
                _ => "nothing can be said of what does not come: take it out, or out of this row",
            };
            let place = text.place.clone();
            self.complain_at(
                &place,
                (format!("`{name}` does not go with `expect: nothing`"), help.into()),
            );
            return None;
        }
        let within = self.optional_time(raw.lasting.as_ref())?;
        let since = self.since(raw)?;
        Some(StepKind::Nothing(Nothing {
            when: Timing { within, since },
        }))
    }

    fn expect(&mut self, raw: &RawStep, filled: &Filled) -> Option<StepKind> {
        if let Some(text) = &raw.lasting {
            let place = text.place.clone();
            let help = "a segment is waited for `within` a time".to_string();
            self.complain_at(&place, ("`for` goes with `expect: nothing`".to_string(), help));
        }
        let segment = self.segment(filled, Role::Expect);
        let when = self.condition(raw);
        let segments = self.span_of(raw.segments.as_ref());
        let count = self.span_of(raw.count.as_ref());
        let acknowledge = self.acknowledge(raw.acknowledge.as_ref());
        let measure = self.measures(raw);
        Some(StepKind::Expect(Arc::new(Expect {
            segment: segment?,
            when: when?,
            segments: segments?,
            count: count?,
            acknowledge: acknowledge?,
            measure: measure?,
        })))
    }

    fn acknowledge(&mut self, text: Option<&Text>) -> Option<bool> {
        let Some(text) = text else {
            return Some(false);
        };
        let filled = self.fill(text)?;
        if filled.text == "each" {
            return Some(true);
        }
        let what = (
            format!("`acknowledge: {}` is not known", filled.text),
            "write `each`".to_string(),
        );
        self.complain(&filled, 0..filled.text.len(), what);
        None
    }

    fn condition(&mut self, raw: &RawStep) -> Option<Timing> {
        let within = self.optional_time(raw.within.as_ref());
        let since = self.since(raw);
        Some(Timing {
            within: within?,
            since: since?,
        })
    }

    fn since(&mut self, raw: &RawStep) -> Option<Option<String>> {
        let Some(text) = &raw.since else {
            return Some(None);
        };
        let filled = self.fill(text)?;
        if self.flow.labels.contains(filled.text.as_ref()) {
            return Some(Some(filled.text.into_owned()));
        }
        if !self.failed {
            let near = did_you_mean(&filled.text, self.flow.labels.iter().map(String::as_str));
            let help = near.unwrap_or_else(|| "name an earlier step with `as`".to_string());
            let message = format!("no earlier step is called `{}`", filled.text);
            self.complain(&filled, 0..filled.text.len(), (message, help));
        }
        None
    }

    /// `N` or `A..B`.
    fn span_of(&mut self, text: Option<&Text>) -> Option<Option<(u64, u64)>> {
        let Some(text) = text else {
            return Some(None);
        };
        let filled = self.fill(text)?;
        let (least, most) = filled.text.split_once("..").unwrap_or((&filled.text, &filled.text));
        match (least.parse::<u64>(), most.parse::<u64>()) {
            (Ok(least), Ok(most)) if least <= most => Some(Some((least, most))),
            _ => {
                let message = format!("`{}` is not a count", filled.text);
                self.complain(&filled, 0..filled.text.len(), (message, "write N or A..B".to_string()));
                None
            }
        }
    }

    fn measures(&mut self, raw: &RawStep) -> Option<Vec<Measurement>> {
        let mut found = Vec::new();
        for (name, what) in &raw.measure {
            let filled = self.fill(what)?;
            if !is_name(&name.text) || name.text == "i" || self.row.cells.contains_key(&name.text) {
                let (message, help) = match is_name(&name.text) && name.text != "i" {
                    true => (
                        format!("`{}` is a column of the matrix", name.text),
                        "use another name".to_string(),
                    ),
                    false => {
                        let help = "a lower-case letter, then letters, digits, `_`; `i` is taken by `repeat`";
                        (
                            format!("`{}` cannot be measured under that name", name.text),
                            help.to_string(),
                        )
                    }
                };
                let place = name.place.clone();
                self.complain_at(&place, (message, help));
                return None;
            }
            let quantity = match Quantity::from_name(&filled.text) {
                other if raw.word == Word::Result && other != Some(Quantity::Elapsed) => {
                    Err("a result has `elapsed` only".to_string())
                }
                Some(quantity) => Ok(quantity),
                None => {
                    let known = Quantity::all().map(Quantity::name);
                    Err(did_you_mean(&filled.text, known.clone()).unwrap_or_else(|| {
                        let all: Vec<_> = known.collect();
                        format!("one of {}", all.join(", "))
                    }))
                }
            };
            match quantity {
                Ok(quantity) => found.push(Measurement {
                    name: name.text.clone(),
                    quantity,
                }),
                Err(help) => {
                    let message = format!("`{}` cannot be measured here", filled.text);
                    self.complain(&filled, 0..filled.text.len(), (message, help));
                    return None;
                }
            }
        }
        Some(found)
    }

    pub(super) fn call(&mut self, filled: &Filled) -> Option<CallSpec> {
        let call = self.read(filled, 0, CallSpec::parse(&filled.text))?;
        if let Some(amount) = &call.amount {
            self.know_conns(filled, |see| visit(amount, see))?;
        }
        Some(call)
    }

    fn returns(&mut self, texts: &[Text]) -> Option<Vec<ReturnSpec>> {
        let mut found = Vec::new();
        let mut complete = true;
        for text in texts {
            let Some(filled) = self.fill(text) else {
                complete = false;
                continue;
            };
            match self.read(&filled, 0, ReturnSpec::parse(&filled.text)) {
                Some(end) => found.push(end),
                None => complete = false,
            }
        }
        complete.then_some(found)
    }

    fn result(&mut self, raw: &RawStep, filled: &Filled) -> Option<StepKind> {
        let (verb_text, end) = filled.text.split_once(' ').unwrap_or((&filled.text, ""));
        let verb: Verb = self.read(filled, 0, Verb::parse(verb_text))?;
        let offset = filled.text.len() - end.len();
        let returns = match (end.trim().is_empty(), raw.returns.is_empty()) {
            (true, true) => {
                let help = format!("write `{verb_text} ok`, or several under `returns`");
                let message = "how does the call end?".to_string();
                self.complain(filled, 0..filled.text.len(), (message, help));
                return None;
            }
            (true, false) => self.returns(&raw.returns)?,
            (false, true) => vec![self.read(filled, offset, ReturnSpec::parse(end))?],
            (false, false) => {
                let place = raw.returns[0].place.clone();
                let help = "write the alternatives under `returns`, and the verb alone behind `result`".to_string();
                self.complain_at(&place, ("the end is written twice".to_string(), help));
                return None;
            }
        };
        let when = self.condition(raw)?;
        let measure = self.measures(raw)?;
        Some(StepKind::Result(Arc::new(ResultStep {
            verb,
            returns,
            when,
            measure,
        })))
    }

    fn any_of(&mut self, raw: &RawStep, outcomes: &[(Text, Vec<RawStep>)], within: &Inherited) -> Option<StepKind> {
        let before = self.flow.clone();
        let mut flows = Vec::new();
        let mut lowered: Vec<(String, Vec<Step>)> = Vec::new();
        let mut complete = true;
        for (name, inner) in outcomes {
            self.flow = before.clone();
            let mut steps = Vec::new();
            let failed = std::mem::take(&mut self.failed);
            self.steps(inner, within, &mut steps);
            complete &= !self.failed;
            self.failed |= failed;
            let left_out = !inner.is_empty() && !inner.iter().any(|step| self.is_kept(step));
            if left_out {
                continue; // Not an outcome in this row.
            }
            flows.push(std::mem::take(&mut self.flow));
            if complete {
                complete &= self.begins_well(&name.place, &steps);
            }
            lowered.push((name.text.clone(), steps));
        }
        self.flow = Flow::join(&before, flows);
        complete = complete && self.silence_last(raw, &mut lowered);
        let mut right = Vec::new();
        for text in &raw.right {
            let filled = self.fill(text)?;
            if lowered.iter().any(|(name, _)| *name == filled.text) {
                right.push(filled.text.into_owned());
                continue;
            }
            let names = outcomes.iter().map(|(name, _)| name.text.as_str());
            if names.clone().any(|name| name == filled.text) {
                continue; // Not in this row.
            }
            let help = did_you_mean(&filled.text, names.clone())
                .unwrap_or_else(|| format!("the outcomes are {}", names.collect::<Vec<_>>().join(", ")));
            self.complain(
                &filled,
                0..filled.text.len(),
                (format!("there is no outcome `{}`", filled.text), help),
            );
            complete = false;
        }
        if complete && right.is_empty() && !raw.right.is_empty() || lowered.is_empty() && !outcomes.is_empty() {
            let help = "look at the `where` of its outcomes".to_string();
            self.complain_at(&raw.place, ("no right outcome is left in this row".to_string(), help));
            complete = false;
        }
        let by = self.come_by(raw, outcomes)?;
        let any_of = AnyOf {
            outcomes: lowered,
            right,
            by,
        };
        complete.then_some(StepKind::AnyOf(Arc::new(any_of)))
    }

    /// What makes the reference endpoint take each outcome. Only the form of the names is checked here: the loader
    /// does not know the endpoint's choices.
    fn come_by(&mut self, raw: &RawStep, outcomes: &[(Text, Vec<RawStep>)]) -> Option<BTreeMap<String, Vec<String>>> {
        let mut by = BTreeMap::new();
        for (outcome, words) in &raw.by {
            self.no_other_outcome(outcome, outcomes)?;
            let mut names = Vec::new();
            for text in words {
                let filled = self.fill(text)?;
                for word in filled.text.split(' ').filter(|word| !word.is_empty()) {
                    self.name_of_a_choice(&filled, word)?;
                    names.push(word.to_string());
                }
            }
            match names.iter().any(|name| name == DEFAULT) {
                true if names.len() > 1 => {
                    let help = "what comes by default needs no choice".to_string();
                    self.complain_at(&outcome.place, (format!("`{DEFAULT}` stands alone"), help));
                    return None;
                }
                true => names.clear(),
                false if names.is_empty() => {
                    let help = format!("write `{DEFAULT}`, or names from `tcpvet defects`");
                    self.complain_at(&outcome.place, ("by what does it come?".to_string(), help));
                    return None;
                }
                false => {}
            }
            by.insert(outcome.text.clone(), names);
        }
        Some(by)
    }

    fn no_other_outcome(&mut self, name: &Text, outcomes: &[(Text, Vec<RawStep>)]) -> Option<()> {
        let names = outcomes.iter().map(|(name, _)| name.text.as_str());
        if names.clone().any(|known| known == name.text) {
            return Some(());
        }
        let help = did_you_mean(&name.text, names.clone())
            .unwrap_or_else(|| format!("the outcomes are {}", names.collect::<Vec<_>>().join(", ")));
        self.complain_at(&name.place, (format!("there is no outcome `{}`", name.text), help));
        None
    }

    /// Complains of what cannot be the name of a choice, as `reopen-time-wait=no` is one.
    fn name_of_a_choice(&mut self, filled: &Filled, word: &str) -> Option<()> {
        let lawful = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-=".contains(c);
        if word.chars().all(lawful) {
            return Some(());
        }
        let at = filled.text.find(word).unwrap_or(0);
        let help = format!("`{DEFAULT}`, or a name from `tcpvet defects`, such as `rfc1337` or `syn-data=discard`");
        self.complain(
            filled,
            at..at + word.len(),
            (format!("`{word}` cannot be a choice"), help),
        );
        None
    }

    /// Whether an outcome begins with what tells it from the others.
    fn begins_well(&mut self, place: &Place, steps: &[Step]) -> bool {
        let begins = matches!(
            steps.first().map(|step| &step.kind),
            Some(StepKind::Expect(_) | StepKind::Nothing(_) | StepKind::Result(_))
        );
        if !begins {
            let message = "an outcome begins with `expect` or `result`".to_string();
            self.complain_at(place, (message, "put first what tells it from the others".to_string()));
            return false;
        }
        true
    }

    /// Moves the outcome that begins with `expect: nothing` to the end: that nothing comes is known only after all
    /// other outcomes have not come.
    fn silence_last(&mut self, raw: &RawStep, outcomes: &mut [(String, Vec<Step>)]) -> bool {
        let is_silent = |(_, steps): &(String, Vec<Step>)| {
            matches!(steps.first().map(|step| &step.kind), Some(StepKind::Nothing(_)))
        };
        if outcomes.iter().filter(|outcome| is_silent(outcome)).count() > 1 {
            let message = "two outcomes begin with `expect: nothing`".to_string();
            self.complain_at(
                &raw.place,
                (message, "one of them can never come: make one of the two".to_string()),
            );
            return false;
        }
        outcomes.sort_by_key(is_silent);
        true
    }

    fn faults(&mut self, faults: &[RawFault], within: &Inherited, shown: &mut String) -> Option<StepKind> {
        let mut found = Vec::new();
        let mut texts = Vec::new();
        let mut complete = true;
        for fault in faults {
            match self.fault(fault, within) {
                Some((text, fault)) => {
                    texts.push(text);
                    found.push(fault);
                }
                None => complete = false,
            }
        }
        *shown = match texts.is_empty() {
            true => "faults: []".to_string(),
            false => format!("faults: {}", texts.join("; ")),
        };
        complete.then_some(StepKind::Faults(found))
    }

    fn fault(&mut self, raw: &RawFault, within: &Inherited) -> Option<(String, FaultSpec)> {
        let filled = self.fill(&raw.segment)?;
        let segment = self.segment(&filled, Role::Fault);
        let action = self.fault_action(raw);
        let nth = self.nth(raw.nth.as_ref());
        let from_tester = self.is_from_tester(raw.from.as_ref());
        let conns = self.fault_conns(raw, within);
        let mut text = format!("{} {}", raw.kind.text, filled.text);
        for (name, value) in [("nth", &raw.nth), ("from", &raw.from), ("by", &raw.by)] {
            if let Some(value) = value {
                text.push_str(&format!(" {name}={}", self.fill(value)?.text));
            }
        }
        let fault = FaultSpec {
            action: action?,
            segment: segment?,
            nth: nth?,
            from_tester: from_tester?,
            conns: conns?,
        };
        Some((text, fault))
    }

    fn fault_conns(&mut self, raw: &RawFault, within: &Inherited) -> Option<Vec<ConnId>> {
        let Some(text) = &raw.conn else {
            return Some(within.conns.clone());
        };
        let filled = self.fill(text)?;
        match self.roster.named(&filled.text, true) {
            Ok(conns) => Some(conns),
            Err(what) => {
                self.complain(&filled, 0..filled.text.len(), what);
                None
            }
        }
    }

    fn nth(&mut self, text: Option<&Text>) -> Option<Option<u64>> {
        let Some(text) = text else {
            return Some(None);
        };
        let filled = self.fill(text)?;
        match filled.text.as_ref() {
            "every" => Some(None),
            number => match number.parse::<u64>() {
                Ok(nth) if nth > 0 => Some(Some(nth)),
                _ => {
                    let what = (
                        format!("`{number}` is not a place"),
                        "1, 2, ..., or `every`".to_string(),
                    );
                    self.complain(&filled, 0..filled.text.len(), what);
                    None
                }
            },
        }
    }

    fn is_from_tester(&mut self, text: Option<&Text>) -> Option<bool> {
        let Some(text) = text else {
            return Some(false);
        };
        let filled = self.fill(text)?;
        match filled.text.as_ref() {
            "target" => Some(false),
            "tester" => Some(true),
            other => {
                let what = (format!("`{other}` sends nothing"), "`target` or `tester`".to_string());
                self.complain(&filled, 0..filled.text.len(), what);
                None
            }
        }
    }

    fn fault_action(&mut self, raw: &RawFault) -> Option<FaultAction> {
        let kind = raw.kind.text.as_str();
        let by = match (&raw.by, kind) {
            (Some(by), "drop" | "duplicate" | "corrupt") => {
                let place = by.place.clone();
                self.complain_at(
                    &place,
                    (format!("`by` does not go with `{kind}`"), "take it out".to_string()),
                );
                return None;
            }
            (None, "drop") => return Some(FaultAction::Drop),
            (None, "duplicate") => return Some(FaultAction::Duplicate),
            (None, "corrupt") => return Some(FaultAction::Corrupt),
            (Some(by), _) => by,
            (None, _) => {
                let help = match kind {
                    "truncate" => "say `by` how many octets",
                    "strip" => "say which option: `by: mss`",
                    _ => "say `by` how much time",
                };
                let place = raw.kind.place.clone();
                self.complain_at(&place, (format!("`{kind}` needs `by`"), help.to_string()));
                return None;
            }
        };
        match kind {
            "delay" => self.time(by).map(FaultAction::Delay),
            "replay" => self.time(by).map(FaultAction::Replay),
            "truncate" => {
                let filled = self.fill(by)?;
                self.expr(&filled).map(FaultAction::Truncate)
            }
            _ => {
                let filled = self.fill(by)?;
                let found = STRIPPABLE.iter().find(|(name, _)| *name == filled.text);
                if found.is_none() {
                    let names: Vec<_> = STRIPPABLE.iter().map(|(name, _)| *name).collect();
                    let what = (
                        format!("unknown option `{}`", filled.text),
                        format!("one of {}", names.join(", ")),
                    );
                    self.complain(&filled, 0..filled.text.len(), what);
                }
                found.map(|(_, kind)| FaultAction::Strip(*kind))
            }
        }
    }

    /// Complains of steps that a target passes that never sends or answers anything.
    pub(super) fn must_check(&mut self, given: &[Given], steps: &[Step], place: &Place) {
        if !self.failed && !steps.is_empty() && !fails_a_mute_target(given, steps) {
            let help = "expect a segment, a result, or a state".to_string();
            self.complain_at(place, ("a target that never answers would pass".to_string(), help));
        }
    }
}

fn too_many_steps() -> Complaint {
    let message = format!("more than {MAX_STEPS} steps in one run");
    (message, "repeat less often, or split the case".to_string())
}

/// Shows an expression and those that it is made of.
fn visit(expr: &Expr, see: &mut dyn FnMut(&Expr)) {
    see(expr);
    if let Expr::Binary { left, right, .. } = expr {
        visit(left, see);
        visit(right, see);
    }
}

fn visit_pattern(pattern: &Pattern, see: &mut dyn FnMut(&Expr)) {
    match pattern {
        Pattern::Segment(segment) => {
            segment.fields.iter().for_each(|(_, value)| visit_value(value, see));
            segment
                .options
                .iter()
                .flatten()
                .for_each(|option| visit_option(option, see));
        }
        Pattern::Icmp(icmp) => {
            let fields = icmp.fields.iter().chain(&icmp.about);
            fields.for_each(|(_, value)| visit_value(value, see));
        }
    }
}

fn visit_value(value: &FieldValue, see: &mut dyn FnMut(&Expr)) {
    match value {
        FieldValue::Compare(_, expr) => visit(expr, see),
        FieldValue::Range(from, to) => {
            visit(from, see);
            visit(to, see);
        }
        FieldValue::Any | FieldValue::Bad | FieldValue::Word(..) => {}
    }
}

fn visit_option(option: &OptionPattern, see: &mut dyn FnMut(&Expr)) {
    match &option.value {
        OptionValue::Mss(value) | OptionValue::WindowScale(value) | OptionValue::UserTimeout(value) => {
            value.iter().for_each(|expr| visit(expr, see));
        }
        OptionValue::Timestamps(value, echo) => value.iter().chain(echo).for_each(|expr| visit(expr, see)),
        OptionValue::Sack(blocks) => blocks.iter().for_each(|(from, to)| {
            visit(from, see);
            visit(to, see);
        }),
        OptionValue::SackPermitted
        | OptionValue::Nop
        | OptionValue::Eol
        | OptionValue::FastOpen(_)
        | OptionValue::Md5(_)
        | OptionValue::Other(..)
        | OptionValue::Raw(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{around, read_case, refuses, refuses_steps, script, scripts, texts};
    use super::*;

    #[test]
    fn a_step_knows_its_place_its_text_and_its_connection() {
        let script = script("  - inject: ACK \"x\"\n  - expect: ACK\n    as: answer\n");
        let step = &script.steps[1];
        assert_eq!((step.position.line, step.position.column), (7, 5));
        assert_eq!(&*step.position.file, "cases/topic/name.yaml");
        assert_eq!(
            (step.text.as_str(), step.label.as_deref()),
            ("expect: ACK", Some("answer"))
        );
        assert_eq!(step.conns, [ConnId(0)]);
        assert_eq!((&*script.case, script.row.as_str()), ("topic/name", ""));
    }

    #[test]
    fn a_repeat_is_unrolled_and_counts_from_one() {
        let script = script("  - repeat: 3\n    steps:\n      - inject: RST seq=RCV.NXT+$i\n  - expect: ACK\n");
        let expected = [
            "inject: RST seq=RCV.NXT+1",
            "inject: RST seq=RCV.NXT+2",
            "inject: RST seq=RCV.NXT+3",
            "expect: ACK",
        ];
        assert_eq!(texts(&script), expected);
    }

    /// So many steps, by a repetition and one more.
    fn steps_in_all(count: usize, last: &str) -> String {
        format!("  - repeat: {}\n    steps:\n      - inject: ACK\n{last}", count - 1)
    }

    #[test]
    fn exactly_as_many_steps_as_the_limit_are_taken() {
        let limit = steps_in_all(MAX_STEPS, "  - expect: ACK\n");
        assert_eq!(script(&limit).steps.len(), MAX_STEPS);
        let all_inside = format!("  - repeat: {MAX_STEPS}\n    steps:\n      - expect: ACK\n");
        assert_eq!(script(&all_inside).steps.len(), MAX_STEPS);
        let two_inside = "  - repeat: 5000\n    steps:\n      - inject: ACK\n      - expect: ACK\n";
        assert_eq!(script(two_inside).steps.len(), MAX_STEPS);
        let outcome = "  - any-of:\n      one:\n        - expect: ACK\n        - inject: ACK\n";
        assert_eq!(script(&steps_in_all(MAX_STEPS - 2, outcome)).steps.len(), MAX_STEPS - 2);
    }

    #[test]
    fn one_step_more_than_the_limit_is_refused_where_it_stands() {
        let refused = |steps: &str| refuses_steps(steps, "more than 10000 steps in one run", "less often");
        refused(&steps_in_all(MAX_STEPS + 1, "  - «expect»: ACK\n"));
        refused("  - repeat: 5001\n    steps:\n      - «inject»: ACK\n      - expect: ACK\n");
        refused("  - repeat: «10001»\n    steps:\n      - expect: ACK\n");
        let outcome = "  - any-of:\n      one:\n        - expect: ACK\n        - «inject»: ACK\n      two:\n        - expect: RST\n";
        refused(&steps_in_all(MAX_STEPS - 1, outcome));
        let second = "  - repeat: 1\n    steps:\n      - «expect»: ACK\n";
        refused(&steps_in_all(MAX_STEPS + 1, second));
    }

    #[test]
    fn what_stands_behind_the_limit_is_not_complained_of() {
        let behind = "  - expect: ACK\n    where: {a: 1}\n    as: x\n    measure: {port: port}\n  - expect: ACK win=$port\n    since: x\n    where: {a: 2}\n";
        let refused = |steps: String| {
            let matrix = "matrix: {a: [1, 2]}\nsteps:\n  - repeat";
            let text = around(&(steps + behind)).replace("steps:\n  - repeat", matrix);
            refuses(&text, "more than 10000 steps in one run", "less often");
        };
        refused(steps_in_all(MAX_STEPS + 1, "  - «inject»: ACK\n"));
        refused("  - repeat: «20000»\n    steps:\n      - inject: ACK\n        where: {a: 2}\n".to_string());
    }

    #[test]
    fn repeats_are_bounded_and_not_nested() {
        refuses_steps(
            "  - repeat: «many»\n    steps:\n      - expect: ACK\n",
            "`many` is not a number of times",
            "1 to 10000",
        );
        refuses_steps(
            "  - repeat: «0»\n    steps:\n      - expect: ACK\n",
            "is not a number of times",
            "1 to",
        );
        refuses_steps(
            "  - repeat: 2\n    steps:\n      - «repeat»: 2\n        steps:\n          - expect: ACK\n  - expect: ACK\n",
            "a `repeat` inside a `repeat`",
            "write the inner steps out",
        );
    }

    #[test]
    fn what_fills_a_window_has_numbers_and_text_of_its_own() {
        for segment in [
            "«SYN,ACK»",
            "«FIN,ACK»",
            "«none»",
            "«ACK seq=1»",
            "«ACK data=5»",
            "'«ACK \"text\"»'",
        ] {
            let message = "numbers and text of its own";
            refuses_steps(&format!("  - fill: {segment}\n"), message, "write `ACK`");
        }
    }

    #[test]
    fn a_mistake_in_a_repeat_is_told_once_with_its_turn() {
        refuses_steps(
            "  - repeat: 100\n    steps:\n      - inject: «SYM seq=$i»\n  - expect: ACK\n",
            "SYM",
            "",
        );
        let (_, problems) = read_case(&around(
            "  - repeat: 100\n    steps:\n      - inject: SYM seq=$i\n  - expect: ACK\n",
        ));
        assert_eq!(problems[0].note.as_deref(), Some("it reads `SYM seq=1` here, turn 1"));
    }

    #[test]
    fn a_mistake_in_notation_is_told_at_its_place() {
        refuses_steps(
            "  - inject: «SYM» seq=RCV.NXT+1\n  - expect: ACK\n",
            "unknown flag `SYM`",
            "did you mean `SYN`?",
        );
        refuses_steps("  - expect: 'ACK seq=«RCV.NXD»'\n", "RCV.NXD", "");
        refuses_steps("  - call: «senf» 5\n  - expect: ACK\n", "senf", "did you mean `send`?");
        refuses_steps(
            "  - call: recv\n    returns: [ok, «resat»]\n  - expect: ACK\n",
            "resat",
            "did you mean `reset`?",
        );
        refuses_steps(
            "  - call: recv\n  - result: recv «resat»\n",
            "resat",
            "did you mean `reset`?",
        );
        refuses_steps(
            "  - call: recv\n  - result: «resv» ok\n",
            "resv",
            "did you mean `recv`?",
        );
        refuses_steps("  - wait: «sooon»\n  - expect: ACK\n", "sooon", "");
        refuses_steps(
            "  - state: «establishd»\n",
            "unknown state `establishd`",
            "did you mean `established`?",
        );
        refuses_steps("  - expect: ACK\n  - check: max(«x») > 1\n", "x", "");
    }

    #[test]
    fn icmp_is_injected_only() {
        let script = script("  - inject: ICMP port-unreachable\n  - expect: nothing\n  - state: established\n");
        assert!(matches!(script.steps[0].kind, StepKind::InjectIcmp(_)));
        let (case, problems) = read_case(&around("  - expect: ICMP port-unreachable\n"));
        assert!(case.is_none() && problems.len() == 1);
    }

    #[test]
    fn covers_of_a_step_are_looked_up_and_handed_down() {
        let script = script(
            "  - repeat: 1\n    covers: RFC9293-MUST-2\n    steps:\n      - expect: ACK\n      - expect: ACK\n        covers: RFC9293-MUST-3\n",
        );
        let ids: Vec<_> = script.steps.iter().map(|step| step.covers[0].id.as_str()).collect();
        assert_eq!(ids, ["RFC9293-MUST-2", "RFC9293-MUST-3"]);
        refuses_steps(
            "  - expect: ACK\n    covers: «RFC5961-3.2-33»\n",
            "there is no requirement `RFC5961-3.2-33`",
            "did you mean `RFC5961-3.2-3`?",
        );
        refuses(
            &around("  - expect: ACK\n").replace("RFC9293-MUST-1", "[RFC9293-MUST-1, «SAUSAGE»]"),
            "there is no requirement `SAUSAGE`",
            "cases/requirements",
        );
    }

    #[test]
    fn a_step_without_covers_has_none_of_its_own() {
        let script = script("  - expect: ACK\n");
        assert!(script.steps[0].covers.is_empty());
        assert_eq!(script.covers[0].id, "RFC9293-MUST-1");
    }

    #[test]
    fn measured_names_are_known_afterwards_only() {
        let good = "  - expect: ACK\n    measure: {gap: elapsed}\n  - expect: ACK\n    within: 2*$gap\n";
        assert_eq!(script(good).steps.len(), 2);
        refuses_steps(
            "  - expect: ACK\n    within: 2*«$gap»\n    measure: {gap: elapsed}\n",
            "`$gap` is neither a column nor measured before",
            "`measure` it in an earlier step",
        );
        refuses_steps(
            "  - expect: ACK seq=«$i»\n",
            "`$i` counts in a `repeat`, and this is none",
            "take it out",
        );
        let outcome = |use_it: &str| {
            format!(
                "  - any-of:\n      answered:\n        - expect: ACK\n          measure: {{seen: win}}\n      silent:\n        - expect: nothing\n{use_it}  - state: established\n"
            )
        };
        refuses_steps(
            &outcome("  - inject: ACK win=«$seen»\n"),
            "`$seen` is measured in some outcomes only",
            "measure it in each",
        );
        assert_eq!(script(&outcome("")).steps.len(), 2);
    }

    #[test]
    fn a_dollar_that_begins_no_name_is_a_dollar() {
        assert_eq!(
            texts(&script("  - inject: ACK \"costs $5\"\n  - expect: ACK\n"))[0],
            "inject: ACK \"costs $5\""
        );
    }

    #[test]
    fn only_what_a_step_shows_can_be_measured() {
        refuses_steps(
            "  - expect: ACK\n    measure: {x: «elapset»}\n",
            "`elapset` cannot be measured here",
            "did you mean `elapsed`?",
        );
        refuses_steps(
            "  - expect: ACK\n    measure: {x: «sausage»}\n",
            "cannot be measured here",
            "one of elapsed, count",
        );
        refuses_steps(
            "  - call: recv\n  - result: recv ok\n    measure: {x: «win»}\n",
            "`win` cannot be measured here",
            "`elapsed` only",
        );
        refuses_steps(
            "  - expect: ACK\n    measure: {«Big»: win}\n",
            "`Big` cannot be measured under that name",
            "lower-case",
        );
        refuses_steps(
            "  - expect: ACK\n    measure: {«i»: win}\n",
            "`i` cannot be measured under that name",
            "taken by `repeat`",
        );
        refuses(
            &around("  - expect: ACK seq=$x\n    measure: {«x»: win}\n").replace("steps:", "matrix: {x: 1}\nsteps:"),
            "`x` is a column of the matrix",
            "another name",
        );
    }

    #[test]
    fn labels_are_known_afterwards_only() {
        let good = "  - expect: ACK\n    as: first\n  - expect: ACK\n    since: first\n    within: 3s\n";
        let script = script(good);
        let StepKind::Expect(expect) = &script.steps[1].kind else {
            panic!()
        };
        assert_eq!(expect.when.since.as_deref(), Some("first"));
        refuses_steps(
            "  - expect: ACK\n    as: first\n  - expect: ACK\n    since: «frist»\n",
            "no earlier step is called `frist`",
            "did you mean `first`?",
        );
        refuses_steps(
            "  - expect: ACK\n    as: «two words»\n",
            "`two words` cannot be a name",
            "letters",
        );
    }

    #[test]
    fn counts_are_numbers_or_ranges() {
        let script = script("  - expect: ACK\n    count: 1..3\n    segments: 2\n    acknowledge: each\n");
        let StepKind::Expect(expect) = &script.steps[0].kind else {
            panic!()
        };
        assert_eq!(
            (expect.count, expect.segments, expect.acknowledge),
            (Some((1, 3)), Some((2, 2)), true)
        );
        refuses_steps(
            "  - expect: ACK\n    count: «3..1»\n",
            "`3..1` is not a count",
            "N or A..B",
        );
        refuses_steps(
            "  - expect: ACK\n    segments: «few»\n",
            "`few` is not a count",
            "N or A..B",
        );
        refuses_steps(
            "  - expect: ACK\n    acknowledge: «all»\n",
            "`acknowledge: all` is not known",
            "write `each`",
        );
    }

    #[test]
    fn silence_has_a_length_and_no_more() {
        let script = script("  - expect: nothing\n    for: 1s\n  - state: established\n");
        let StepKind::Nothing(nothing) = &script.steps[0].kind else {
            panic!()
        };
        assert!(nothing.when.within.is_some());
        refuses_steps(
            "  - expect: nothing\n    within: «1s»\n  - state: established\n",
            "`within` does not go with `expect: nothing`",
            "lasts `for` a time",
        );
        refuses_steps(
            "  - expect: nothing\n    count: «1»\n  - state: established\n",
            "`count` does not go with `expect: nothing`",
            "does not come",
        );
        refuses_steps(
            "  - expect: ACK\n    for: «1s»\n",
            "`for` goes with `expect: nothing`",
            "`within` a time",
        );
    }

    #[test]
    fn a_result_has_one_end_or_alternatives() {
        let script = script("  - call: recv\n  - result: recv\n    returns: [reset, eof]\n");
        let StepKind::Result(result) = &script.steps[1].kind else {
            panic!()
        };
        assert_eq!(result.returns.len(), 2);
        refuses_steps(
            "  - call: recv\n  - result: «recv»\n",
            "how does the call end?",
            "write `recv ok`",
        );
        refuses_steps(
            "  - call: recv\n  - result: recv ok\n    returns: «eof»\n",
            "the end is written twice",
            "alternatives under `returns`",
        );
    }

    const OUTCOMES: &str = "  - any-of:\n      silent:\n        - expect: nothing\n      answered:\n        - expect: ACK\n    right: RIGHT\n  - state: established\n";

    #[test]
    fn silence_is_the_last_outcome_wherever_it_is_written() {
        let script = script(&OUTCOMES.replace("RIGHT", "[answered]"));
        let StepKind::AnyOf(any_of) = &script.steps[0].kind else {
            panic!()
        };
        let names: Vec<_> = any_of.outcomes.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["answered", "silent"]);
        assert_eq!(any_of.right, ["answered"]);
        refuses_steps(
            "  - «any-of»:\n      a1:\n        - expect: nothing\n      a2:\n        - expect: nothing\n  - state: established\n",
            "two outcomes begin with `expect: nothing`",
            "one of them can never come",
        );
    }

    #[test]
    fn outcomes_are_known_and_tell_themselves_apart() {
        refuses_steps(
            &OUTCOMES.replace("RIGHT", "«answerd»"),
            "there is no outcome `answerd`",
            "did you mean `answered`?",
        );
        refuses_steps(
            "  - any-of:\n      «bad»:\n        - inject: ACK\n      good:\n        - expect: ACK\n",
            "an outcome begins with `expect` or `result`",
            "tells it from the others",
        );
        refuses_steps(
            "  - any-of:\n      «bad»: []\n      good:\n        - expect: ACK\n",
            "an outcome begins with `expect` or `result`",
            "tells it",
        );
    }

    #[test]
    fn outcomes_say_by_what_they_come() {
        let by = |by: &str| OUTCOMES.replace("right: RIGHT", &format!("by: {by}"));
        let script = script(&by("{silent: default, answered: [rfc1337, syn-data=discard nagle=no]}"));
        let StepKind::AnyOf(any_of) = &script.steps[0].kind else {
            panic!()
        };
        assert!(any_of.by["silent"].is_empty());
        assert_eq!(any_of.by["answered"], ["rfc1337", "syn-data=discard", "nagle=no"]);
        let steps = around(&by("{answered: $by}")).replace("steps:", "matrix: {by: [rfc1337, nagle=no]}\nsteps:");
        let words = |script: &crate::script::Script| match &script.steps[0].kind {
            StepKind::AnyOf(any_of) => any_of.by["answered"].clone(),
            _ => Vec::new(),
        };
        assert_eq!(
            scripts(&steps).iter().map(|script| words(script)).collect::<Vec<_>>(),
            [["rfc1337"], ["nagle=no"]]
        );
    }

    #[test]
    fn what_an_outcome_comes_by_is_read_with_care() {
        let refuses_by = |by: &str, message: &str, help: &str| {
            refuses_steps(&OUTCOMES.replace("right: RIGHT", &format!("by: {by}")), message, help);
        };
        refuses_by(
            "{«answerd»: default}",
            "there is no outcome `answerd`",
            "did you mean `answered`?",
        );
        refuses_by(
            "{answered: [default, «Nagle»]}",
            "`Nagle` cannot be a choice",
            "such as `rfc1337`",
        );
        refuses_by(
            "{«answered»: [default, rfc1337]}",
            "`default` stands alone",
            "needs no choice",
        );
        refuses_by("{«answered»: []}", "by what does it come?", "`tcpvet defects`");
        refuses_steps(
            "  - expect: ACK\n    «by»: {a: default}\n",
            "`by` does not go with `expect`",
            "it goes with `any-of`",
        );
    }

    #[test]
    fn an_outcome_can_belong_to_some_rows_only() {
        let steps = "  - any-of:\n      low:\n        - expect: ACK seq=$a\n          where: {a: 1}\n      any:\n        - expect: ACK\n";
        let scripts = scripts(&around(steps).replace("steps:", "matrix: {a: [1, 2]}\nsteps:"));
        let count = |at: usize| match &scripts[at].steps[0].kind {
            StepKind::AnyOf(any_of) => any_of.outcomes.len(),
            _ => 0,
        };
        assert_eq!((count(0), count(1)), (2, 1));
        let wrong = format!("{steps}    right: low\n").replace("- any-of", "- «any-of»");
        refuses(
            &around(&wrong).replace("steps:", "matrix: {a: [1, 2]}\nsteps:"),
            "no right outcome is left in this row",
            "`where` of its outcomes",
        );
    }

    #[test]
    fn faults_are_read_with_all_that_belongs_to_them() {
        let steps = "  - faults:\n      - {drop: \"SYN,ACK\", nth: 2}\n      - {delay: ACK, by: 100ms, from: tester}\n      - {truncate: ACK, by: 10}\n      - {strip: SYN, by: mss}\n      - {replay: ACK, by: 1s, nth: every}\n      - duplicate: ACK\n      - corrupt: ACK\n  - expect: ACK\n  - faults: []\n";
        let script = script(steps);
        let StepKind::Faults(faults) = &script.steps[0].kind else {
            panic!()
        };
        assert_eq!(faults.len(), 7);
        assert_eq!(
            (&faults[0].action, faults[0].nth, faults[0].from_tester),
            (&FaultAction::Drop, Some(2), false)
        );
        assert!(matches!(faults[1].action, FaultAction::Delay(_)) && faults[1].from_tester);
        assert!(matches!(faults[2].action, FaultAction::Truncate(Expr::Number(10))));
        assert_eq!(faults[3].action, FaultAction::Strip(2));
        assert!(matches!(faults[4].action, FaultAction::Replay(_)) && faults[4].nth.is_none());
        assert!(
            script.steps[0]
                .text
                .starts_with("faults: drop SYN,ACK nth=2; delay ACK from=tester by=100ms; ")
        );
        assert_eq!(script.steps[2].text, "faults: []");
        assert_eq!(script.steps[0].conns, [ConnId(0)]);
    }

    #[test]
    fn faults_with_too_much_or_too_little_are_told() {
        let fault = |what: &str| format!("  - faults:\n      - {{{what}}}\n  - expect: ACK\n");
        refuses_steps(
            &fault("drop: ACK, by: «1s»"),
            "`by` does not go with `drop`",
            "take it out",
        );
        refuses_steps(&fault("«delay»: ACK"), "`delay` needs `by`", "how much time");
        refuses_steps(&fault("«truncate»: ACK"), "`truncate` needs `by`", "how many octets");
        refuses_steps(&fault("«strip»: ACK"), "`strip` needs `by`", "which option");
        refuses_steps(&fault("strip: ACK, by: «mass»"), "unknown option `mass`", "one of mss");
        refuses_steps(&fault("drop: ACK, nth: «0»"), "`0` is not a place", "every");
        refuses_steps(
            &fault("drop: ACK, from: «peer»"),
            "`peer` sends nothing",
            "`target` or `tester`",
        );
        refuses_steps(
            &fault("drop: ACK, conn: «b»"),
            "there is no connection `b`",
            "declare it",
        );
    }

    #[test]
    fn deep_notation_is_refused_and_does_not_end_us() {
        let deep = "(".repeat(15_000);
        for steps in [
            format!("  - inject: ACK ack={deep}1\n  - expect: ACK\n"),
            format!("  - expect: ACK\n  - check: {deep}1 > 0\n"),
            format!("  - expect: ACK\n  - check: {}1 > 0\n", "max(".repeat(15_000)),
            format!("  - expect: ACK <{}>\n", "sack 1:2 ".repeat(10_000)),
            format!("  - wait: {}1s\n  - expect: ACK\n", "1*".repeat(10_000)),
            format!("  - inject: ACK ack={}1\n  - expect: ACK\n", "1+".repeat(10_000)),
        ] {
            read_case(&around(&steps));
        }
    }

    #[test]
    fn a_run_that_a_mute_target_passes_is_refused() {
        for steps in [
            "  - inject: ACK\n  - expect: nothing\n",
            "  - expect: ACK\n    count: 0..3\n",
            "  - call: recv\n    returns: pending\n",
            "  - call: send 5\n    returns: ok\n",
            "  - call: recv\n  - result: recv pending\n",
        ] {
            refuses_steps(steps, "a target that never answers would pass", "expect a segment");
        }
    }
}
