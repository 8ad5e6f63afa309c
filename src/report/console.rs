//! The report on a terminal: counts for each topic, then unexpected runs in full, then the rest in numbers.

use super::habits::{Habit, habits, summary};
use super::ink::Ink;
use super::{Line, LineKind, explain, human, level_word, one_line, plural};
use crate::engine::Verdict;
use crate::record::{Attempt, Ending, Failure, FrameKind, Head, InsteadOf, Measure, Record, Run};
use crate::suite::{Expectation, Judged, Waiver, topic};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// How much is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loudness {
    /// Only what is unexpected.
    Quiet,
    /// What most people want to know.
    Normal,
    /// Every run.
    Verbose,
}

/// The report as text.
pub fn console(record: &Record, loudness: Loudness, colour: bool) -> String {
    let mut page = Page {
        text: String::new(),
        ink: Ink(colour),
    };
    if loudness > Loudness::Quiet {
        page.topics(record, loudness);
    }
    let groups = groups(record);
    page.habits(record);
    for group in &groups {
        page.group(record, group, loudness);
    }
    if loudness > Loudness::Quiet {
        page.waived(record);
        page.expected(record, loudness);
        page.deviates(record);
        page.repeated(record);
        page.reasons(record, Verdict::Unsupported, "unsupported");
        page.reasons(record, Verdict::NotApplicable, "not applicable");
    }
    page.beside(record, loudness);
    if loudness > Loudness::Quiet || record.exit_code() != 0 {
        page.totals(record, &groups);
    }
    page.text
}

/// How many runs there were, and of each kind, in one line.
pub fn in_a_line(record: &Record, colour: bool) -> String {
    let mut page = Page {
        text: String::new(),
        ink: Ink(colour),
    };
    page.counted(record);
    page.text
}

/// Lines as a terminal shows them.
pub fn painted(lines: &[Line], colour: bool) -> String {
    lines_in(&Ink(colour), lines)
}

fn lines_in(ink: &Ink, lines: &[Line]) -> String {
    let painted = lines.iter().map(|line| match line.kind {
        LineKind::Title | LineKind::Requirement => ink.bold(&line.text),
        LineKind::Expected => ink.green(&line.text),
        LineKind::Seen | LineKind::Mark => ink.red(&line.text),
        LineKind::Plain | LineKind::Ladder => line.text.clone(),
    });
    painted.map(|line| line + "\n").collect()
}

/// The classes in which runs are counted, in the order in which they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Class {
    Pass,
    Observed,
    Expected,
    Deviates,
    Fail,
    Unexpected,
    CaseError,
    Inconclusive,
    Unsupported,
    NotApplicable,
}

impl Class {
    pub(super) const fn of(judged: Judged<'_>) -> Class {
        match (judged.expectation, judged.verdict) {
            (Expectation::Met { .. }, _) => Class::Expected,
            (Expectation::UnexpectedPass { .. } | Expectation::Unexplained { .. }, _) => Class::Unexpected,
            (_, Verdict::Pass) => Class::Pass,
            (_, Verdict::Observed) => Class::Observed,
            (Expectation::Missed { .. }, Verdict::Deviates | Verdict::Unsupported | Verdict::NotApplicable) => {
                Class::Unexpected
            }
            (_, Verdict::Deviates) => Class::Deviates,
            (_, Verdict::Fail) => Class::Fail,
            (_, Verdict::CaseError) => Class::CaseError,
            (_, Verdict::Inconclusive) => Class::Inconclusive,
            (_, Verdict::Unsupported) => Class::Unsupported,
            (_, Verdict::NotApplicable) => Class::NotApplicable,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Class::Pass => "pass",
            Class::Observed => "observed",
            Class::Expected => "fail as expected",
            Class::Deviates => "deviate",
            Class::Fail => "FAIL",
            Class::Unexpected => "UNEXPECTED",
            Class::CaseError => "CASE ERROR",
            Class::Inconclusive => "INCONCLUSIVE",
            Class::Unsupported => "unsupported",
            Class::NotApplicable => "not applicable",
        }
    }

    /// The letter of the class in a bar.
    const fn mark(self) -> char {
        match self {
            Class::Pass | Class::Observed => '=',
            Class::Expected => 'e',
            Class::Deviates => 'd',
            Class::Fail | Class::Unexpected => 'X',
            Class::CaseError | Class::Inconclusive => '?',
            Class::Unsupported | Class::NotApplicable => '.',
        }
    }

    pub(super) fn paint(self, ink: &Ink, text: &str) -> String {
        match self {
            Class::Pass | Class::Observed => ink.green(text),
            Class::Expected | Class::Deviates => ink.yellow(text),
            Class::Fail | Class::Unexpected | Class::CaseError | Class::Inconclusive => ink.red(text),
            Class::Unsupported | Class::NotApplicable => ink.dim(text),
        }
    }
}

pub(super) type Counts = BTreeMap<Class, usize>;

pub(super) fn count<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Counts {
    let mut counts = Counts::new();
    for run in runs {
        *counts.entry(Class::of(run.judged())).or_insert(0) += 1;
    }
    counts
}

/// `3 pass, 1 FAIL`
pub(super) fn counted(counts: &Counts, ink: &Ink) -> String {
    let counted = counts
        .iter()
        .map(|(class, count)| class.paint(ink, &format!("{count} {}", class.word())));
    counted.collect::<Vec<_>>().join(", ")
}

/// Red runs that are alike: they show the same habit, or have no verdict for the same reason.
struct Group<'a> {
    /// The habit that they show; `None`: no step failed.
    habit: Option<Habit<'a>>,
    /// The first is the example.
    members: Vec<&'a Run>,
}

/// The habits, those with the most runs first, then the rest.
fn groups(record: &Record) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for habit in habits(record.red()) {
        groups.push(Group {
            members: habit.runs.clone(),
            habit: Some(habit),
        });
    }
    let mut others: Vec<(String, Group<'_>)> = Vec::new();
    // Why everything was cut short is printed once, at the end; the runs that it cut off add nothing.
    let is_cut_short = record.cut_short().is_some();
    let without = |run: &&Run| run.outcome.failure.is_none() && !(is_cut_short && run.cut_off);
    for run in record.red().filter(without) {
        let key = likeness(run);
        match others.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.members.push(run),
            None => others.push((
                key,
                Group {
                    habit: None,
                    members: vec![run],
                },
            )),
        }
    }
    groups.extend(others.into_iter().map(|(_, group)| group));
    groups
}

/// A text that is the same for runs that fail alike: numbers are left out.
fn likeness(run: &Run) -> String {
    let Attempt { failure, reason, .. } = &run.outcome;
    let text = match failure {
        Some(it) => format!(
            "{}:{} {} {}",
            it.position.line, it.position.column, it.expected, it.seen
        ),
        None => reason.clone(),
    };
    let mut like = format!("{} {} ", run.id.case, run.judged().word());
    // Without a failure, as when the environment failed, runs of all cases are alike.
    if failure.is_none() && run.outcome.verdict == Verdict::Inconclusive {
        like.clear();
    }
    let mut in_number = false;
    for c in text.chars() {
        let digit = c.is_ascii_digit();
        if !(digit && in_number) {
            like.push(if digit { '#' } else { c });
        }
        in_number = digit;
    }
    like
}

struct Page {
    text: String,
    ink: Ink,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn topics(&mut self, record: &Record, loudness: Loudness) {
        let mut topics: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
        for run in record.runs() {
            topics.entry(topic(&run.id.case)).or_default().push(run);
        }
        let width = topics.keys().map(|topic| topic.chars().count()).max().unwrap_or(0);
        for (topic, runs) in topics {
            let counts = count(runs.iter().copied());
            let bar = self.bar(&counts, runs.len());
            let counted = counted(&counts, &self.ink);
            self.line(&format!("  {topic:<width$} {:>6}  {bar}  {counted}", runs.len()));
            if loudness == Loudness::Verbose {
                for run in runs {
                    self.every_run(run);
                }
            }
        }
    }

    /// A bar of twenty marks, in proportion; each class that occurs has at least one.
    fn bar(&self, counts: &Counts, total: usize) -> String {
        const MARKS: usize = 20;
        let share = |count: usize| (count * MARKS / total.max(1)).max(1);
        let mut marks: Vec<(Class, usize)> = counts.iter().map(|(class, count)| (*class, share(*count))).collect();
        // The rounding error is added where it shows least.
        let given: usize = marks.iter().map(|(_, marks)| marks).sum();
        if let Some((_, largest)) = marks.iter_mut().max_by_key(|(_, marks)| *marks) {
            *largest = (*largest + MARKS).saturating_sub(given);
        }
        let bar: String = marks
            .into_iter()
            .map(|(class, marks)| class.paint(&self.ink, &class.mark().to_string().repeat(marks)))
            .collect();
        format!("[{bar}]")
    }

    fn every_run(&mut self, run: &Run) {
        let class = Class::of(run.judged());
        let outcome = &run.outcome;
        let took = human(outcome.ended.since(outcome.began));
        let mut more = outcome.outcomes.join(", ");
        if matches!(class, Class::Unsupported | Class::NotApplicable) {
            more.clone_from(&outcome.reason);
        }
        for (name, values) in &outcome.measures {
            let shown: Vec<String> = values.iter().take(4).map(measure).collect();
            let _ = write!(more, "  {name} = {}", shown.join(" "));
            if values.len() > 4 {
                let _ = write!(more, " ... ({})", values.len());
            }
        }
        // Padded before it is coloured: escape sequences have no width.
        let word = class.paint(&self.ink, &format!("{:>15}", class.word()));
        self.line(&format!("{word}  {}  {}  {more}", run.id.name, self.ink.dim(&took)));
    }

    /// What is to be read first.
    fn habits(&mut self, record: &Record) {
        let mut lines = summary(record).into_iter();
        let Some(first) = lines.next() else { return };
        self.line("");
        self.line(&self.ink.red(&first));
        lines.for_each(|line| self.line(&line));
    }

    fn group(&mut self, record: &Record, group: &Group<'_>, loudness: Loudness) {
        let (first, others) = (group.members[0], &group.members[1..]);
        let word = headline(first.judged());
        self.line("");
        self.line(&format!("{}  {}", self.ink.red(word), self.ink.bold(&first.id.name)));
        self.text += &lines_in(&self.ink, &explain(first));
        let later = group.habit.as_ref().map_or(0, Habit::failed_later);
        if later > 0 {
            let told = format!("\n  in {} a step was not met after that", plural(later, "run"));
            self.line(&told);
        }
        if !others.is_empty() {
            self.others(first, others, loudness);
        }
        let again = format!("\n  again: tcpvet '{}'{}", first.id.name, record.head.again);
        self.line(&self.ink.dim(&again));
    }

    /// The rest of a group, a line for each case: rows and axes seldom matter.
    fn others(&mut self, first: &Run, others: &[&Run], loudness: Loudness) {
        const SHOWN: usize = 6;
        self.line("");
        self.line(&format!("  and {} alike:", plural(others.len(), "run")));
        if loudness == Loudness::Verbose {
            for other in others {
                self.line(&format!("    {}", other.id.name));
            }
            return;
        }
        let mut others = others.to_vec();
        others.sort_by_key(|run| run.id.case != first.id.case);
        let cases: Vec<&[&Run]> = others.chunk_by(|a, b| a.id.case == b.id.case).collect();
        for runs in cases.iter().take(SHOWN) {
            let row = runs[0].id.case_and_row();
            let of_one_row = runs.iter().all(|run| run.id.case_and_row() == row);
            let name = if of_one_row { row } else { runs[0].id.case.clone() };
            let more = if name == first.id.case_and_row() { "more " } else { "" };
            let counted = plural(runs.len(), &format!("{more}run"));
            let news: Vec<&str> = broken(runs[0])
                .filter(|id| broken(first).all(|known| known != *id))
                .collect();
            self.line(&format!("    {name} ({counted})  {}", news.join(", ")));
        }
        if cases.len() > SHOWN {
            self.line(&format!(
                "    ... and of {} (-v names all)",
                plural(cases.len() - SHOWN, "more case")
            ));
        }
    }

    /// The habits that the runs were judged without.
    fn waived(&mut self, record: &Record) {
        let met: Vec<(&Waiver, usize)> = record
            .head
            .waivers
            .iter()
            .map(|waiver| (waiver, record.met(waiver)))
            .filter(|(_, runs)| *runs > 0)
            .collect();
        if met.is_empty() {
            return;
        }
        let runs = record.runs().filter(|run| !run.outcome.waived.is_empty()).count();
        let head = format!("waived: {}, met in {}", plural(met.len(), "habit"), plural(runs, "run"));
        self.line("");
        self.line(&self.ink.yellow(&head));
        for (waiver, runs) in met {
            let text = format!("{} ({}): {}", waiver.waive, waiver.requirement, waiver.reason);
            self.line(&format!("  {runs:>5}  {}", one_line(&text, 9)));
        }
    }

    fn expected(&mut self, record: &Record, loudness: Loudness) {
        let met: Vec<(&Run, &str)> = record
            .runs()
            .filter_map(|run| match &run.expectation {
                Expectation::Met { reason } => Some((run, reason.as_str())),
                Expectation::None
                | Expectation::Unexplained { .. }
                | Expectation::UnexpectedPass { .. }
                | Expectation::Missed { .. } => None,
            })
            .collect();
        if met.is_empty() {
            return;
        }
        self.line("");
        let head = format!(
            "{} came out as {} expects",
            plural(met.len(), "run"),
            record.head.expectations
        );
        self.line(&self.ink.yellow(&head));
        let mut reasons: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
        for (run, reason) in met {
            reasons.entry(reason).or_default().push(run);
        }
        for (reason, runs) in reasons {
            self.line(&format!("  {:>5}  {}", runs.len(), one_line(reason, 9)));
            if loudness == Loudness::Verbose {
                self.known(&runs);
            }
        }
    }

    /// Runs that are expected to fail for one reason: all their names, then in full one of each that fail alike.
    fn known(&mut self, runs: &[&Run]) {
        for run in runs {
            self.line(&format!("         {}", run.id.name));
        }
        let mut told = BTreeSet::new();
        for run in runs.iter().filter(|run| told.insert(likeness(run))) {
            self.line("");
            self.line(&format!(
                "{}  {}",
                self.ink.yellow("as expected"),
                self.ink.bold(&run.id.name)
            ));
            self.text += &lines_in(&self.ink, &explain(run));
        }
        self.line("");
    }

    /// Deviations that are not red, by the requirement that is not followed.
    fn deviates(&mut self, record: &Record) {
        let mut broken: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let deviates = |run: &&Run| Class::of(run.judged()) == Class::Deviates && !record.head.strict;
        for run in record.runs().filter(deviates) {
            for it in run.outcome.failure.iter().flat_map(|failure| &failure.requirements) {
                let key = format!("{} {}{}: {}", level_word(it.level), it.id, it.grounds(), it.summary);
                broken.entry(key).or_default().push(&run.id.name);
            }
        }
        if broken.is_empty() {
            return;
        }
        let total = record.runs().filter(deviates).count();
        self.line("");
        let head = format!(
            "{} without what an RFC recommends (--strict makes that red)",
            plural(total, "run")
        );
        self.line(&self.ink.yellow(&head));
        for (requirement, runs) in broken {
            self.line(&format!("  {:>5}  {}", runs.len(), one_line(&requirement, 9)));
            self.line(&self.ink.dim(&format!("         such as {}", runs[0])));
        }
    }

    /// Runs whose first attempt came out otherwise: the machine was busy, or the target does not always do the same.
    fn repeated(&mut self, record: &Record) {
        let accuses = |attempt: &Attempt| matches!(attempt.verdict, Verdict::Fail | Verdict::Deviates);
        let passed = |it: &&Run| it.outcome.verdict == Verdict::Pass && it.earlier.iter().any(accuses);
        let names: Vec<&str> = record.runs().filter(passed).map(|it| it.id.name.as_str()).collect();
        let Some(first) = names.first() else { return };
        self.line("");
        let head = format!(
            "{} failed at first and passed twice when repeated alone",
            plural(names.len(), "run")
        );
        self.line(&self.ink.yellow(&head));
        self.line(&self.ink.dim(&format!("         such as {first}")));
    }

    fn reasons(&mut self, record: &Record, verdict: Verdict, word: &str) {
        let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
        let green = |run: &&Run| run.outcome.verdict == verdict && run.expectation == Expectation::None;
        for run in record.runs().filter(green) {
            *reasons.entry(&run.outcome.reason).or_insert(0) += 1;
        }
        if reasons.is_empty() {
            return;
        }
        let total: usize = reasons.values().sum();
        self.line("");
        self.line(&self.ink.dim(&format!("{} {word}", plural(total, "run"))));
        let mut reasons: Vec<(&str, usize)> = reasons.into_iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        for (reason, count) in reasons {
            self.line(&format!("  {count:>5}  {}", one_line(reason, 9)));
        }
    }

    /// What the target sent beside the runs: all of it where every run is shown, and else what breaks rules.
    fn beside(&mut self, record: &Record, loudness: Loudness) {
        let told = |kind: &&FrameKind| loudness == Loudness::Verbose || !kind.broken_rules.is_empty();
        let kinds: Vec<&FrameKind> = record.beside().iter().filter(told).collect();
        if kinds.is_empty() {
            return;
        }
        self.line("");
        let count = plural(kinds.iter().map(|kind| kind.count).sum(), "frame");
        self.line(&self.ink.dim(&format!("{count} of the target that belong to no run")));
        for kind in kinds {
            self.line(&format!("  {:>5}  {}", kind.count, one_line(&kind.text, 9)));
            for broken in &kind.broken_rules {
                let line = format!("         breaks the rule `{}`: {}", broken.rule, broken.seen);
                self.line(&self.ink.red(&line));
            }
        }
    }

    fn totals(&mut self, record: &Record, groups: &[Group<'_>]) {
        self.line("");
        if groups.len() > 1 {
            for group in groups {
                let line = short(group);
                self.line(&line);
            }
            self.line("");
        }
        self.counted(record);
        let Head { target, left_out, .. } = &record.head;
        if let Some(InsteadOf { target: other, why }) = &target.instead_of {
            self.line(&format!("{} was run since {other} cannot be: {why}", target.name));
        }
        if *left_out > 0 {
            self.line(&format!("{} over 5 s left out (--quick)", plural(*left_out, "run")));
        }
        if let Some(why) = record.cut_short() {
            self.line(&self.ink.red(&format!("cut short: {why}")));
        }
        for waiver in record.idle_waivers() {
            let line = format!(
                "UNEXPECTED PASS  {}: no run meets `waive: {}`; remove it",
                waiver.place(),
                waiver.waive
            );
            self.line(&self.ink.red(&line));
        }
        self.unexplained(record);
        let last = conclusion(record);
        let last = if record.exit_code() == 0 {
            self.ink.green(&last)
        } else {
            self.ink.red(&last)
        };
        self.line(&last);
    }

    /// How many runs there were, and of each kind.
    fn counted(&mut self, record: &Record) {
        let counted = match counted(&count(record.runs()), &self.ink) {
            none if none.is_empty() => none,
            some => format!(": {some}"),
        };
        let runs = plural(record.runs().len(), "run");
        let (target, took) = (&record.head.target.name, human(record.elapsed()));
        self.line(&format!("{runs} against {target} in {took}{counted}"));
    }

    /// The entries of the expectations that have no reason yet.
    fn unexplained(&mut self, record: &Record) {
        const SHOWN: usize = 6;
        let places = record.runs().filter_map(|run| match &run.expectation {
            Expectation::Unexplained { place } => Some(place.as_str()),
            _ => None,
        });
        // All are in one file, so a longer text is a later line.
        let places: BTreeSet<(usize, &str)> = places.map(|place| (place.len(), place)).collect();
        for (_, place) in places.iter().take(SHOWN) {
            let line = format!("{place}: write the reason in place of TODO; until then what it expects is red");
            self.line(&self.ink.red(&line));
        }
        if places.len() > SHOWN {
            let more = format!("... and {} more places like these", places.len() - SHOWN);
            self.line(&self.ink.red(&more));
        }
    }
}

/// The heading of an unexpected outcome.
const fn headline(judged: Judged<'_>) -> &'static str {
    match (judged.expectation, judged.verdict) {
        (Expectation::UnexpectedPass { .. }, _) => "UNEXPECTED PASS",
        (Expectation::Unexplained { .. }, _) => "KNOWN, BUT WHY?",
        (Expectation::Missed { .. }, Verdict::Fail) => "FAIL, but not as expected",
        (Expectation::Missed { .. }, _) => "NOT AS EXPECTED",
        (_, Verdict::Inconclusive) => "INCONCLUSIVE",
        (_, Verdict::CaseError) => "CASE ERROR",
        (_, Verdict::Deviates) => "DEVIATES",
        (_, _) => "FAIL",
    }
}

/// A group on one line, for the end of the report, which is what one sees after it has scrolled by.
fn short(group: &Group<'_>) -> String {
    let first = group.members[0];
    let ids: BTreeSet<&str> = group.members.iter().flat_map(|run| broken(run)).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let runs = plural(group.members.len(), "run");
    if let Some(habit) = &group.habit {
        let line = format!("{:<15}  {runs}: ", headline(first.judged()));
        let what = one_line(&habit.line(), line.chars().count());
        return line + &what;
    }
    let what = if ids.is_empty() {
        first.outcome.reason.clone()
    } else {
        ids.join(", ")
    };
    let case = &first.id.case;
    let line = format!("{:<15}  {case} ({runs})  ", headline(first.judged()));
    let what = one_line(&what, line.chars().count());
    line + &what
}

/// The requirements that a run breaks.
fn broken(run: &Run) -> impl Iterator<Item = &str> {
    run.outcome.failure.iter().flat_map(Failure::broken)
}

fn conclusion(record: &Record) -> String {
    let count = |code: u8| {
        let of_code = |run: &&Run| run.judged().exit_code(record.head.strict) == code;
        let cases: BTreeSet<&str> = record.red().filter(of_code).map(|run| run.id.case.as_str()).collect();
        let runs = plural(record.red().filter(of_code).count(), "run");
        format!("{runs} of {}", plural(cases.len(), "case"))
    };
    match record.exit_code() {
        0 if record.runs().len() == 0 => "Nothing was run.".to_owned(),
        0 => "Nothing unexpected.".to_owned(),
        1 if record.red().next().is_none() && record.broken_beside().next().is_some() => {
            "NOT CONFORMING: frames that belong to no run break rules.".to_owned()
        }
        1 if record.red().next().is_none() => "NOT AS EXPECTED: a waiver is out of date.".to_owned(),
        1 => format!("NOT CONFORMING: {} unexpected.", count(1)),
        2 => format!("A case is wrong, and has to be corrected first: {}.", count(2)),
        3 if record.ending().is_none() => "The record is cut: not everything that was run is in it.".to_owned(),
        3 if record.ending() == Some(&Ending::Interrupted) => "Interrupted: not everything was run.".to_owned(),
        3 => "Inconclusive: the environment, not the target, is at fault.".to_owned(),
        _ => "A bug of tcpvet: no verdict can be trusted.".to_owned(),
    }
}

fn measure(measure: &Measure) -> String {
    match measure {
        Measure::Number(number) => format!("{number}"),
        Measure::Seconds(seconds) => format!("{seconds:.6} s"),
        Measure::Octets(octets) => octets.to_string(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::ladder::tests::challenge_ack_missing;
    use super::*;
    use crate::engine::Outcome;
    use crate::record::Traces;
    use crate::record::fixture::{ended, result};
    use crate::suite::Expectations;
    use crate::suite::fixture::{self, failed, outcome};

    const KNOWN: &str = "- {cases: urgent/*, expect: fail, requirement: RFC9293-MUST-1, reason: urgent is ignored}";

    pub(in super::super) fn runs(case: &str, outcomes: Vec<Outcome>) -> Vec<Run> {
        let known = Expectations::parse(KNOWN, "e.yaml").unwrap();
        let runs = fixture::runs(&[(case, "")]).into_iter().zip(outcomes);
        runs.map(|(run, outcome)| Run::of(&result(run, outcome, &known), Traces::Notable))
            .collect()
    }

    pub(in super::super) fn record(runs: Vec<Run>) -> Record {
        ended(runs, Ending::Complete)
    }

    fn mixed() -> Vec<Run> {
        let unsupported = Outcome {
            reason: "fake cannot do urgent".to_owned(),
            ..outcome(Verdict::Unsupported)
        };
        let known = || failed(Verdict::Fail, "expect: ACK", &["RFC9293-MUST-1"]);
        let missing = challenge_ack_missing;
        let mut all = runs(
            "reset/challenge",
            vec![missing(), missing(), outcome(Verdict::Pass), missing()],
        );
        all.extend(runs("urgent/mark", vec![known(), known(), unsupported]));
        let softer = failed(Verdict::Deviates, "expect: ACK", &["RFC9293-SHLD-1"]);
        all.extend(runs("close/simple", vec![outcome(Verdict::Pass), softer]));
        all
    }

    #[test]
    fn what_is_unexpected_is_told_in_full_and_the_rest_in_numbers() {
        let expected = include_str!("console.txt");
        let shown = console(&record(mixed()), Loudness::Normal, false);
        assert_eq!(shown, expected, "\n{shown}");
    }

    #[test]
    fn quiet_says_nothing_where_all_is_as_expected() {
        let green = record(runs("a/b", vec![outcome(Verdict::Pass)]));
        assert_eq!(console(&green, Loudness::Quiet, false), "");
        assert_eq!(in_a_line(&green, false), "1 run against fake in 1.2 s: 1 pass\n");
        assert_eq!(in_a_line(&record(Vec::new()), false), "0 runs against fake in 1.2 s\n");
        assert!(console(&green, Loudness::Normal, false).ends_with("Nothing unexpected.\n"));
        assert!(console(&record(mixed()), Loudness::Quiet, false).contains("NOT CONFORMING"));
    }

    #[test]
    fn what_passed_only_when_it_was_repeated_is_told() {
        let mut runs = runs("a/b", vec![outcome(Verdict::Pass), outcome(Verdict::Pass)]);
        let calm = console(&record(runs.clone()), Loudness::Normal, false);
        assert!(!calm.contains("at first"), "{calm}");
        runs[1].earlier = vec![
            (&failed(Verdict::Fail, "expect: ACK", &["RFC9293-MUST-1"])).into(),
            (&outcome(Verdict::Pass)).into(),
        ];
        let name = runs[1].id.name.clone();
        let text = console(&record(runs), Loudness::Normal, false);
        let told = format!("1 run failed at first and passed twice when repeated alone\n         such as {name}\n");
        assert!(text.contains(&told), "{text}");
    }

    #[test]
    fn what_is_waived_is_counted_and_what_meets_nothing_is_red() {
        let known = "- {waive: window, requirement: RFC9293-MUST-1, reason: it guesses}\n";
        let waivers = Expectations::parse(known, "e.yaml").unwrap().waivers().to_vec();
        let mut passing = runs("a/b", vec![outcome(Verdict::Pass), outcome(Verdict::Pass)]);
        let told = |passing: &[Run]| {
            let library = crate::suite::rows(&fixture::runs(&[("a/b", "")])[..2]);
            let mut record = crate::record::fixture::with_library(library, passing.to_vec());
            record.head.waivers = waivers.clone();
            (record.exit_code(), console(&record, Loudness::Normal, false))
        };
        let (code, idle) = told(&passing);
        assert_eq!(code, 1);
        assert!(
            idle.ends_with("UNEXPECTED PASS  e.yaml:1: no run meets `waive: window`; remove it\nNOT AS EXPECTED: a waiver is out of date.\n"),
            "{idle}"
        );
        passing[1].outcome.waived = waivers.iter().map(|it| it.waive.clone()).collect();
        let (code, met) = told(&passing);
        assert_eq!(code, 0);
        let line = "waived: 1 habit, met in 1 run\n      1  window (RFC9293-MUST-1): it guesses\n";
        assert!(met.contains(line), "{met}");
    }

    #[test]
    fn verbose_names_every_run() {
        let record = record(mixed());
        let shown = console(&record, Loudness::Verbose, false);
        for run in record.runs() {
            assert!(shown.contains(&run.id.name), "{}", run.id.name);
        }
    }

    #[test]
    fn verbose_shows_once_how_what_is_known_fails() {
        let mut runs = mixed();
        for run in &mut runs {
            run.model = Some("URG,ACK seq=1".to_owned());
        }
        let record = record(runs);
        let shown = console(&record, Loudness::Verbose, false);
        assert_eq!(shown.matches("     known  urgent is ignored").count(), 1, "{shown}");
        let normal = console(&record, Loudness::Normal, false);
        assert!(!normal.contains("     known  urgent"), "{normal}");
        let lines: Vec<&str> = normal.lines().collect();
        let at = lines.iter().position(|line| *line == "     model  URG,ACK seq=1");
        assert!(
            at.is_some_and(|at| lines[at - 1].starts_with("      seen  ")),
            "{normal}"
        );
    }

    #[test]
    fn colours_change_no_letter() {
        let plain = console(&record(mixed()), Loudness::Normal, false);
        let coloured = console(&record(mixed()), Loudness::Normal, true);
        assert!(coloured.contains("\x1b[1m\x1b[31mFAIL"));
        let mut stripped = String::new();
        for (number, piece) in coloured.split("\x1b[").enumerate() {
            let text = if number == 0 {
                piece
            } else {
                piece.split_once('m').map_or("", |(_, text)| text)
            };
            stripped.push_str(text);
        }
        assert_eq!(stripped, plain);
    }

    #[test]
    fn a_bar_shows_whatever_there_is() {
        let page = Page {
            text: String::new(),
            ink: Ink(false),
        };
        let bar = |counts: &[(Class, usize)]| {
            let total = counts.iter().map(|(_, count)| count).sum();
            page.bar(&counts.iter().copied().collect(), total)
        };
        assert_eq!(bar(&[(Class::Pass, 7)]), "[====================]");
        assert_eq!(bar(&[(Class::Pass, 999), (Class::Fail, 1)]), "[===================X]");
        assert_eq!(
            bar(&[(Class::Pass, 1), (Class::Unsupported, 3)]),
            "[=====...............]"
        );
        let all: Vec<(Class, usize)> = [
            Class::Pass,
            Class::Expected,
            Class::Deviates,
            Class::Fail,
            Class::Inconclusive,
        ]
        .map(|class| (class, 1))
        .into();
        assert_eq!(bar(&all), "[====eeeeddddXXXX????]");
    }

    #[test]
    fn what_was_cut_off_is_counted_and_not_shown() {
        let cut_off = || Outcome {
            reason: "interrupted".to_owned(),
            ..outcome(Verdict::Inconclusive)
        };
        let mut runs = runs("a/b", vec![outcome(Verdict::Pass), cut_off(), cut_off()]);
        runs.iter_mut().skip(1).for_each(|run| run.cut_off = true);
        let cut_short = ended(runs, Ending::Interrupted);
        let shown = console(&cut_short, Loudness::Normal, false);
        assert_eq!(shown.lines().count(), 5, "{shown}");
        assert!(shown.contains("cut short: interrupted"));
        assert!(shown.contains("2 INCONCLUSIVE"));
    }

    #[test]
    fn what_broke_the_environment_is_said_once() {
        let lost = || Outcome {
            reason: "12 frames were lost".to_owned(),
            ..outcome(Verdict::Inconclusive)
        };
        let mut all = runs("a/b", vec![lost(), lost(), lost()]);
        all.extend(runs("a/c", vec![lost(), lost()]));
        let shown = console(&record(all), Loudness::Normal, false);
        assert_eq!(shown.matches("12 frames were lost").count(), 1, "{shown}");
        assert!(shown.ends_with("Inconclusive: the environment, not the target, is at fault.\n"));
    }

    #[test]
    fn a_frame_beside_all_runs_is_told_where_it_breaks_a_rule_and_then_the_target_does_not_conform() {
        let beside = |octets: &[u8]| {
            let mut unclaimed = crate::drive::Unclaimed::default();
            unclaimed.add(octets.into());
            let mut record = Record::new(crate::record::fixture::head(0));
            record
                .apply(crate::record::Event::Beside(crate::record::Beside::from(&unclaimed)))
                .unwrap();
            let totals = record.totals();
            let (ending, at) = (Ending::Complete, crate::time::Instant::ZERO);
            record
                .apply(crate::record::Event::Ended(crate::record::End { ending, at, totals }))
                .unwrap();
            record
        };
        let garbage = beside(&[0x50; 9]);
        assert_eq!(garbage.exit_code(), 1);
        let told = console(&garbage, Loudness::Quiet, false);
        assert!(
            told.contains("breaks the rule `ip-version-known`: the IP version is 5"),
            "{told}"
        );
        assert!(
            told.ends_with("NOT CONFORMING: frames that belong to no run break rules.\n"),
            "{told}"
        );
        let xml = String::from_utf8(crate::report::junit(&garbage).unwrap()).unwrap();
        assert!(xml.contains("<failure") && xml.contains("ip-version-known"), "{xml}");
        let solicitation = [
            &[0x60, 0, 0, 0, 0, 8, 58, 255][..],
            &[0xfe; 16],
            &[0xff; 16],
            &[133, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        let neighbours = beside(&solicitation);
        assert_eq!(neighbours.exit_code(), 0);
        assert!(console(&neighbours, Loudness::Verbose, false).contains("1  ICMPv6 router-solicitation to ffff:"));
        assert!(!console(&neighbours, Loudness::Normal, false).contains("ICMPv6"));
    }
}
