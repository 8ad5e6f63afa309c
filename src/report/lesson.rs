//! The page of `tcpvet explain` for readers who know TCP a little: what a case asks and why, and the exchange on the
//! reference endpoint.

use super::ladder::{Remarks, annotated, wrap};
use super::{Line, LineKind, level_word, plural};
use crate::case::{Case, Catalogue};
use crate::engine::{Happening, Outcome, Verdict};
use crate::rfc::{Level, Requirement};
use crate::script::{Script, Step, StepKind};
use crate::stack::IpVersion;
use crate::suite::{Lawful, Reaction, Run, requirements, step_at};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The most columns of a line.
const WIDTH: usize = 80;
/// Columns of a label such as `Given`, with the blanks round it.
const LABEL: usize = 10;
/// So many rows of a matrix are shown, and so many choices that lead to one reaction.
const ROWS: usize = 20;
const CHOICES: usize = 3;

/// What a lesson is made of.
pub struct Lesson<'a> {
    /// The case.
    pub case: &'a Case,
    /// The catalogue of its requirements.
    pub catalogue: &'a Catalogue,
    /// The run that is shown.
    pub run: &'a Run,
    /// Its outcome on the reference endpoint.
    pub outcome: &'a Outcome,
    /// What may follow each injected segment.
    pub lawful: &'a [Lawful],
    /// Whether every row, every step of `given` and every reaction is shown.
    pub verbose: bool,
}

/// The lesson of a case, at most 80 columns wide.
pub fn lesson(lesson: &Lesson<'_>) -> Vec<Line> {
    let Lesson { case, run, .. } = lesson;
    let mut page = Page { lines: Vec::new() };
    page.line(LineKind::Title, &case.id);
    for part in wrap(&case.title, WIDTH - 2) {
        page.line(LineKind::Plain, &format!("  {part}"));
    }
    page.blank();
    page.say("Why", &case.why);
    if !case.reading.is_empty() {
        page.say("Reading", &case.reading);
    }
    page.asks(lesson);
    page.conditions(&run.script);
    page.rows(lesson);
    page.given(&run.script);
    page.exchange(lesson);
    page.lines
}

/// The meaning of the notation in a lesson.
pub const LEGEND: &str = "\
seq and ack count from each side's first number: a SYN is 0, the first octet 1.
Names in capitals are variables of the target (RFC 9293 section 3.3.1).
MUST [1]: the step fails whoever does not do what [1] asks.
lawful: what may follow a segment at once, as far as the case accepts it, and
the choices (`tcpvet defects` lists them) that lead there.
";

/// A requirement's number in the list of a lesson.
type Numbers = BTreeMap<String, (usize, Level)>;

struct Page {
    lines: Vec<Line>,
}

impl Page {
    fn line(&mut self, kind: LineKind, text: &str) {
        let text = text.trim_end().to_owned();
        self.lines.push(Line { kind, text });
    }

    fn blank(&mut self) {
        self.line(LineKind::Plain, "");
    }

    /// A label and text after it, and a blank line.
    fn say(&mut self, label: &str, text: &str) {
        self.paragraph(label, text);
        self.blank();
    }

    fn paragraph(&mut self, label: &str, text: &str) {
        for (number, part) in wrap(text, WIDTH - LABEL).into_iter().enumerate() {
            let label = if number == 0 { label } else { "" };
            self.line(LineKind::Plain, &format!("  {label:<width$}{part}", width = LABEL - 2));
        }
    }

    fn asks(&mut self, lesson: &Lesson<'_>) {
        for (number, requirement) in requirements(&lesson.run.script).into_iter().enumerate() {
            let label = if number == 0 { "Asks" } else { "" };
            let entry = lesson.catalogue.get(&requirement.id);
            let keyword = entry.map_or(level_word(requirement.level), |entry| entry.keyword.name());
            let section = entry.map_or(String::new(), |entry| format!(", section {}", entry.section));
            let when = requirement.when;
            let when = when.map_or(String::new(), |when| format!(", for those who claim `{when}`"));
            let grounds = requirement.grounds;
            let head = format!("[{}] {keyword} {}{section}{grounds}{when}", number + 1, requirement.id);
            self.paragraph(label, &head);
            for part in wrap(&requirement.summary, WIDTH - LABEL - 4) {
                self.line(LineKind::Plain, &format!("{:width$}{part}", "", width = LABEL + 4));
            }
        }
        self.blank();
    }

    /// What a target must be able to do, and how it is set up.
    fn conditions(&mut self, script: &Script) {
        let configure: Vec<String> = script
            .configure
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        for (label, words) in [("Needs", &script.needs), ("Set", &configure)] {
            if !words.is_empty() {
                self.say(label, &words.join(", "));
            }
        }
    }

    fn rows(&mut self, lesson: &Lesson<'_>) {
        let scripts = &lesson.case.scripts;
        if scripts.len() < 2 {
            return;
        }
        let chosen = scripts.iter().position(|it| it.row == lesson.run.script.row);
        self.paragraph("Rows", &plural(scripts.len(), "variation"));
        let (heading, table) = table(scripts);
        if let Some(heading) = heading {
            self.line(LineKind::Plain, &format!("    {}", short(&heading, WIDTH - 4)));
        }
        let most = if lesson.verbose { scripts.len() } else { ROWS };
        for (place, row) in table.iter().enumerate() {
            let is_chosen = chosen == Some(place);
            if place < most || is_chosen {
                let mark = if is_chosen { '>' } else { ' ' };
                let kind = if is_chosen { LineKind::Expected } else { LineKind::Plain };
                self.line(kind, &format!("  {mark} {}", short(row, WIDTH - 4)));
            }
        }
        let left_out = table.len().saturating_sub(most);
        if left_out > 0 {
            self.line(
                LineKind::Plain,
                &format!("    ... {} (-v shows all)", plural(left_out, "more row")),
            );
        }
        self.blank();
    }

    /// How the target is brought to the state in which the case begins.
    fn given(&mut self, script: &Script) {
        for given in &script.given {
            let conn = match given.conn.0 {
                0 => String::new(),
                conn => format!(" on {}", script.connections[conn].name),
            };
            let steps: Vec<&str> = given.steps.iter().map(|step| step.text.as_str()).collect();
            let steps = match steps.as_slice() {
                [] => "nothing is to be done".to_owned(),
                steps => steps.join("; "),
            };
            self.paragraph("Given", &format!("{}{conn} ({steps})", given.state));
        }
        if !script.given.is_empty() {
            self.blank();
        }
    }

    fn exchange(&mut self, lesson: &Lesson<'_>) {
        let ip = match lesson.run.ip {
            IpVersion::V4 => "IPv4",
            IpVersion::V6 => "IPv6",
        };
        let wrap = if lesson.run.wrap {
            ", with numbers that wrap"
        } else {
            ""
        };
        let row = match lesson.run.script.row.as_str() {
            "" => String::new(),
            row => format!(" {row}"),
        };
        self.line(
            LineKind::Plain,
            &format!("  On the reference endpoint, over {ip}{wrap}:{row}"),
        );
        let outcome = lesson.outcome;
        if outcome.trace.is_empty() || outcome.verdict != Verdict::Pass {
            let why = if outcome.reason.is_empty() { "" } else { ": " };
            self.line(LineKind::Seen, &format!("  {}{why}{}", outcome.verdict, outcome.reason));
        }
        for line in annotated(&outcome.into(), &remarks(lesson)).lines() {
            let kind = if line.starts_with('>') {
                LineKind::Mark
            } else {
                LineKind::Ladder
            };
            self.line(kind, line);
        }
    }
}

/// The remarks on the trace.
fn remarks(lesson: &Lesson<'_>) -> Remarks {
    let mut remarks = Remarks {
        whole: lesson.verbose,
        ..Remarks::default()
    };
    let numbers: Numbers = requirements(&lesson.run.script)
        .into_iter()
        .enumerate()
        .map(|(number, it)| (it.id.clone(), (number + 1, it.level)))
        .collect();
    let mut given = 0;
    for (place, event) in lesson.outcome.trace.iter().enumerate() {
        let Happening::Step {
            text,
            position,
            given: in_given,
            ..
        } = &event.what
        else {
            continue;
        };
        if *in_given {
            given = place;
        } else if let Some(step) = step_at(lesson.run, text, position).filter(|step| checks(step)) {
            let covers = if step.covers.is_empty() {
                &*lesson.run.script.covers
            } else {
                &step.covers
            };
            remarks.beside.insert(place, stands_for(covers, &numbers));
        }
    }
    for lawful in lesson.lawful {
        let in_case = lawful.place > given || lesson.verbose;
        if in_case && (lawful.reactions.len() > 1 || lesson.verbose) {
            remarks.beneath.insert(lawful.place, reactions(&lawful.reactions));
        }
    }
    remarks
}

/// Whether a step checks what the target does.
fn checks(step: &Step) -> bool {
    match &step.kind {
        StepKind::Expect(_) | StepKind::Nothing(_) | StepKind::Result(_) | StepKind::State(_) => true,
        StepKind::Fill(_) | StepKind::AnyOf(_) | StepKind::Check(_) => true,
        StepKind::Call(call) => !call.returns.is_empty(),
        StepKind::Inject(_) | StepKind::InjectIcmp(_) | StepKind::Wait(..) | StepKind::Faults(_) => false,
    }
}

/// `MUST [1,2] SHOULD [3]`
fn stands_for(covers: &[Arc<Requirement>], numbers: &Numbers) -> String {
    let mut levels: BTreeMap<Level, Vec<String>> = BTreeMap::new();
    for (number, level) in covers.iter().filter_map(|it| numbers.get(&it.id)) {
        levels.entry(*level).or_default().push(number.to_string());
    }
    let told = levels.iter().rev();
    let told: Vec<String> = told
        .map(|(level, numbers)| format!("{} [{}]", level_word(*level), numbers.join(",")))
        .collect();
    told.join(" ")
}

/// One row for each reaction, the usual one first.
fn reactions(reactions: &[Reaction]) -> Vec<(String, String)> {
    let row = |(number, reaction): (usize, &Reaction)| {
        let mark = if number == 0 { "lawful:" } else { "     or" };
        let frames = match reaction.frames.as_slice() {
            [] => "nothing".to_owned(),
            frames => frames.join(", "),
        };
        let mut choices = reaction.choices.clone();
        let more = choices.len().saturating_sub(CHOICES);
        choices.truncate(CHOICES);
        let more = if more > 0 {
            format!(", {more} more")
        } else {
            String::new()
        };
        let choices = match choices.as_slice() {
            [] => String::new(),
            choices => format!(" ({}{more})", choices.join(", ")),
        };
        (mark.to_owned(), format!("{frames}{choices}"))
    };
    reactions.iter().enumerate().map(row).collect()
}

/// The rows of a matrix in columns, with the requirements that each covers where they differ; a heading first, if the
/// columns have names.
fn table(scripts: &[Arc<Script>]) -> (Option<String>, Vec<String>) {
    let covers: Vec<String> = scripts.iter().map(|script| ids(script)).collect();
    let differ = covers.windows(2).any(|pair| pair[0] != pair[1]);
    let mut rows: Vec<Vec<&str>> = scripts.iter().map(|script| script.row.split(',').collect()).collect();
    let names = column_names(&rows);
    if let Some(names) = &names {
        for (cell, name) in rows.iter_mut().flat_map(|row| row.iter_mut().zip(names)) {
            *cell = &cell[name.len() + 1..];
        }
    }
    let all = rows.iter().chain(&names);
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let texts = all.clone().filter_map(|row| row.get(column));
        texts.map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<&str>, covers: &str| {
        let mut line = String::new();
        for (column, width) in widths.iter().enumerate() {
            let text = row.get(column).copied().unwrap_or_default();
            line += &format!("{text:<width$}  ");
        }
        line += if differ { covers } else { "" };
        line.trim_end().to_owned()
    };
    let heading = names.as_ref().map(|names| line(names, ""));
    (
        heading,
        rows.iter()
            .zip(&covers)
            .map(|(row, covers)| line(row, covers))
            .collect(),
    )
}

/// `state` and `edge` of rows that are called `state=X,edge=Y`, if all are called so.
fn column_names<'a>(rows: &[Vec<&'a str>]) -> Option<Vec<&'a str>> {
    let names = |row: &Vec<&'a str>| -> Option<Vec<&'a str>> {
        row.iter()
            .map(|cell| cell.split_once('=').map(|(name, _)| name))
            .collect()
    };
    let first = names(rows.first()?)?;
    let alike = |row: &Vec<&'a str>| names(row).as_ref() == Some(&first);
    rows.iter().all(alike).then_some(first)
}

fn ids(script: &Script) -> String {
    let ids: Vec<&str> = requirements(script).into_iter().map(|it| it.id.as_str()).collect();
    ids.join(" ")
}

/// Text cut where it would be too long.
fn short(text: &str, room: usize) -> String {
    match text.chars().count() > room {
        true => text.chars().take(room - 3).collect::<String>() + "...",
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::fixture::{requirement, script};

    #[test]
    fn columns_have_names_where_all_rows_have_the_same() {
        let rows =
            |names: &[&str]| -> Vec<Arc<Script>> { names.iter().map(|row| Arc::new(script("a/b", row))).collect() };
        let (heading, lines) = table(&rows(&["state=CLOSING,edge=left", "state=SYN,edge=r"]));
        assert_eq!(heading.as_deref(), Some("state    edge"));
        assert_eq!(lines, ["CLOSING  left", "SYN      r"]);
        assert_eq!(
            table(&rows(&["meant", "forged"])),
            (None, vec!["meant".to_owned(), "forged".to_owned()])
        );
        let (heading, _) = table(&rows(&["a=1", "b=1"]));
        assert_eq!(heading, None);
    }

    #[test]
    fn rows_say_what_they_cover_where_that_differs() {
        let (mut one, two) = (script("a/b", "x"), script("a/b", "yy"));
        one.covers = Arc::from([requirement("RFC9293-MUST-2")]);
        let (_, lines) = table(&[Arc::new(one), Arc::new(two)]);
        assert_eq!(lines, ["x   RFC9293-MUST-2", "yy  RFC9293-MUST-1"]);
    }

    #[test]
    fn a_step_names_what_it_stands_for_the_strongest_first() {
        let (must, should) = (requirement("RFC1-MUST"), requirement("RFC1-SHLD"));
        let numbers = Numbers::from([
            (must.id.clone(), (2, Level::Must)),
            (should.id.clone(), (1, Level::Should)),
            ("other".to_owned(), (3, Level::Must)),
        ]);
        assert_eq!(stands_for(&[should, must], &numbers), "MUST [2] SHOULD [1]");
    }

    #[test]
    fn reactions_name_some_of_the_choices_that_lead_to_them() {
        let usual = Reaction {
            frames: vec!["ACK seq=1".to_owned(), "FIN,ACK seq=1".to_owned()],
            choices: Vec::new(),
        };
        let silence = Reaction {
            frames: Vec::new(),
            choices: vec!["a=no", "b", "c", "d"],
        };
        let told: Vec<String> = reactions(&[usual, silence])
            .into_iter()
            .map(|(label, text)| format!("{label} {text}"))
            .collect();
        assert_eq!(
            told,
            [
                "lawful: ACK seq=1, FIN,ACK seq=1",
                "     or nothing (a=no, b, c, 1 more)"
            ]
        );
    }
}
