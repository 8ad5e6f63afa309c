//! What the RFCs ask for, with ids: `cases/requirements/`, one file per RFC.

use super::problem::Problem;
use super::yaml::Source;
use crate::notation::did_you_mean;
use crate::rfc::{Basis, Condition, Grounds, Keyword, Observable, Requirement, Side, Status};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A requirement with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What a run needs of it.
    pub requirement: Arc<Requirement>,
    /// The RFC's number, where its file is called by one.
    pub rfc: Option<u32>,
    /// The section; for RFC 6298 the numbered rule.
    pub section: String,
    /// The RFC's own word for the level.
    pub keyword: Keyword,
    /// Which role of the target shows it.
    pub side: Side,
    /// Its subject, coarsely: `reset`, `window`.
    pub topic: String,
    /// The state, on rows of RFC 9293 section 3.10.
    pub state: Option<String>,
    /// The event, on those rows.
    pub event: Option<String>,
    /// Where it can be seen.
    pub observable: Observable,
    /// An idea for a test, in a sentence; T is the tester.
    pub how: String,
    /// What is doubtful about it.
    pub note: Option<String>,
    /// Why nothing covers it: it cannot be observed by any tester, or there is no target that could show it.
    pub uncovered: Option<String>,
}

/// A file as it is written.
#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "expected `requirements:`, and `status:` where the file is about an RFC"
)]
struct RawFile {
    status: Option<Status>,
    requirements: Vec<RawEntry>,
}

/// An entry as its file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    id: String,
    section: String,
    level: Keyword,
    #[serde(default)]
    basis: Basis,
    when: Option<String>,
    side: Side,
    topic: String,
    state: Option<String>,
    event: Option<String>,
    summary: String,
    observable: Observable,
    how: String,
    note: Option<String>,
    uncovered: Option<String>,
}

/// All requirements, in the order of their RFCs' numbers and then of their files.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    entries: Vec<Entry>,
    by_id: BTreeMap<String, usize>,
    /// For each requirement that has `uncovered`, the problem to be told at that key if a case covers it.
    excused: BTreeMap<String, Problem>,
    /// How many of them are bundled, which stand first. A directory may repeat a bundled entry word for word.
    bundled: usize,
}

impl Catalogue {
    /// What was added up to now is bundled.
    pub(super) fn close_bundled(&mut self) {
        self.bundled = self.entries.len();
    }

    /// Whether a bundled entry is the same.
    fn repeats(&self, entry: &Entry) -> bool {
        let at = self.by_id.get(&entry.requirement.id);
        at.is_some_and(|&at| at < self.bundled && self.entries[at] == *entry)
    }

    /// The entry of that id.
    pub fn get(&self, id: &str) -> Option<&Entry> {
        self.by_id.get(id).map(|&at| &self.entries[at])
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The id that was meant by one that does not exist.
    pub(super) fn nearest(&self, id: &str) -> Option<String> {
        did_you_mean(id, self.by_id.keys().map(String::as_str))
    }

    /// What is wrong where a case covers what the catalogue says cannot be covered. `bundled` tells whether the case
    /// comes with the program: one of a user's own may know better than the bundled catalogue.
    pub(super) fn contradicted(&self, covers: &[Arc<Requirement>], case: &str, bundled: bool) -> Vec<Problem> {
        let excused = covers.iter().filter_map(|covered| {
            let at = *self.by_id.get(&covered.id)?;
            let problem = self.excused.get(&covered.id)?;
            (bundled || at >= self.bundled).then(|| {
                let mut problem = problem.clone();
                problem.message = format!(
                    "`{}` is said to be covered by nothing, but `{case}` covers it",
                    covered.id
                );
                problem
            })
        });
        excused.collect()
    }

    /// Adds the entries of one file.
    pub(super) fn add(&mut self, source: &Source, problems: &mut Vec<Problem>) {
        let rfc = rfc_of(&source.name);
        let RawFile { status, requirements } = match serde_yaml::from_str(&source.text) {
            Ok(raw) => raw,
            Err(error) => {
                problems.push(not_read(source, &error));
                return;
            }
        };
        if rfc.is_some() && status.is_none() {
            let help = "what kind of document the RFC is: `status: proposed-standard`";
            problems.push(Problem::with_file(&source.name, "`status` is missing", help));
        }
        for raw in requirements {
            let refused = self.refuse(&raw, rfc, status);
            let id = raw.id.clone();
            let entry = Entry::from_raw(raw, rfc, status);
            match refused {
                _ if self.repeats(&entry) => {}
                Some((message, help)) => problems.push(at_id(source, &id, message, help)),
                None => {
                    if entry.uncovered.is_some() {
                        let help = "take the key away, or the id from the case's `covers`".to_string();
                        let mut problem = at_id(source, &id, String::new(), help);
                        move_to_key(&mut problem, source, "uncovered");
                        self.excused.insert(id.clone(), problem);
                    }
                    self.by_id.insert(id, self.entries.len());
                    self.entries.push(entry);
                }
            }
        }
    }

    fn refuse(&self, raw: &RawEntry, rfc: Option<u32>, status: Option<Status>) -> Option<(String, String)> {
        if self.by_id.contains_key(&raw.id) {
            return Some((
                format!("`{}` is there twice", raw.id),
                "give it an id of its own".into(),
            ));
        }
        if raw.id.is_empty() || !raw.id.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) {
            let help = "letters, digits, `-`, `.` and `_`, such as `RFC5961-3.2-3`";
            return Some((format!("`{}` cannot be an id", raw.id), help.into()));
        }
        if let Some(rfc) = rfc
            && !raw.id.starts_with(&format!("RFC{rfc}-"))
        {
            let message = format!("`{}` does not belong into this file", raw.id);
            return Some((message, format!("ids here begin with `RFC{rfc}-`")));
        }
        if let Some(status) = status.filter(|status| !status.prescribes() && raw.basis != Basis::Inferred) {
            let message = format!(
                "the level of `{}` can only be inferred: its RFC is {}",
                raw.id,
                status.name()
            );
            return Some((message, "write `basis: inferred`".into()));
        }
        if raw.uncovered.as_ref().is_some_and(|reason| reason.trim().is_empty()) {
            let help = "a sentence that says why no tester can see it, or nothing at all";
            return Some((format!("`uncovered` of `{}` gives no reason", raw.id), help.into()));
        }
        let when = raw
            .when
            .as_deref()
            .filter(|when| Condition::from_name(when).is_none())?;
        let names = Condition::ALL.iter().map(|known| known.name());
        let help = did_you_mean(when, names.clone())
            .unwrap_or_else(|| format!("known are `{}`", names.collect::<Vec<_>>().join("`, `")));
        Some((format!("unknown condition `{when}` of `{}`", raw.id), help))
    }
}

impl Entry {
    fn from_raw(raw: RawEntry, rfc: Option<u32>, status: Option<Status>) -> Entry {
        let requirement = Requirement {
            id: raw.id,
            level: raw.level.level(),
            grounds: Grounds {
                basis: raw.basis,
                status,
            },
            // An unknown condition has been refused by `refuse`.
            when: raw.when.as_deref().and_then(Condition::from_name),
            summary: raw.summary,
        };
        Entry {
            requirement: Arc::new(requirement),
            rfc,
            section: raw.section,
            keyword: raw.level,
            side: raw.side,
            topic: raw.topic,
            state: raw.state,
            event: raw.event,
            observable: raw.observable,
            how: raw.how,
            note: raw.note,
            uncovered: raw.uncovered,
        }
    }
}

/// `5961` of `cases/requirements/rfc5961.yaml`.
pub(super) fn rfc_of(file: &str) -> Option<u32> {
    let name = file.rsplit(['/', '\\']).next()?;
    name.strip_prefix("rfc")?.strip_suffix(".yaml")?.parse().ok()
}

fn not_read(source: &Source, error: &serde_yaml::Error) -> Problem {
    let text = error.to_string();
    let message = match text.split_once(" at line ") {
        Some((message, _)) => message.to_string(),
        None => text,
    };
    let mut problem = Problem::with_file(&source.name, message, "see the files in cases/requirements/");
    if let Some(location) = error.location() {
        problem.line = location.line();
        problem.column = location.column();
        problem.span = location.index()..location.index();
        problem.excerpt = source
            .text
            .lines()
            .nth(location.line().saturating_sub(1))
            .map(String::from);
    }
    problem
}

/// The problem at the last place where the id is given.
fn at_id(source: &Source, id: &str, message: String, help: String) -> Problem {
    let mut problem = Problem::with_file(&source.name, message, help);
    let mut begin = 0;
    for (number, line) in source.text.lines().enumerate() {
        let found = line.find("id:").and_then(|at| {
            let written = line[at + 3..].split([',', '}']).next().unwrap_or_default();
            let written = written.trim().trim_matches(['"', '\'']);
            (written == id).then(|| line.find(id).unwrap_or(at))
        });
        if let Some(at) = found {
            problem.line = number + 1;
            problem.column = line[..at].chars().count() + 1;
            problem.span = begin + at..begin + at + id.len();
            problem.excerpt = Some(line.to_string());
        }
        begin += line.len() + 1;
    }
    problem
}

/// Moves a problem from the line of an entry's id to that of one of its keys, if the key has a line of its own.
fn move_to_key(problem: &mut Problem, source: &Source, key: &str) {
    let mut begin = 0;
    for (number, line) in source.text.split_inclusive('\n').enumerate() {
        let bare = line.trim_start().trim_start_matches("- ");
        let other_entry = line.trim_start().starts_with("- ") && number + 1 > problem.line;
        if other_entry {
            return;
        }
        if number + 1 >= problem.line && bare.starts_with(&format!("{key}:")) {
            let indent = line.len() - bare.len();
            problem.line = number + 1;
            problem.column = line[..indent].chars().count() + 1;
            problem.span = begin + indent..begin + indent + key.len();
            problem.excerpt = Some(line.trim_end().to_string());
            return;
        }
        begin += line.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rfc::Level;

    const HEAD: &str = "status: proposed-standard\nrequirements:\n";

    /// Reads a file with these entries.
    fn read(name: &str, entries: &str) -> (Catalogue, Vec<Problem>) {
        read_file(name, &format!("{HEAD}{entries}"))
    }

    fn read_file(name: &str, text: &str) -> (Catalogue, Vec<Problem>) {
        let mut catalogue = Catalogue::default();
        let mut problems = Vec::new();
        let source = Source {
            name: name.into(),
            text: text.into(),
        };
        catalogue.add(&source, &mut problems);
        (catalogue, problems)
    }

    fn entry(id: &str, more: &str) -> String {
        format!(
            "- id: {id}\n  section: \"1\"\n  level: MUST NOT\n  side: both\n  topic: x\n  summary: s\n  \
             observable: wire\n  how: h\n{more}"
        )
    }

    #[test]
    fn a_requirement_is_read_with_its_level() {
        let (catalogue, problems) = read("rfc5961.yaml", &entry("RFC5961-1-1", "  when: rfc5961\n"));
        assert_eq!(problems, []);
        let entry = catalogue.get("RFC5961-1-1").unwrap();
        assert_eq!(entry.requirement.level, Level::Must);
        assert_eq!(entry.requirement.when, Some(Condition::Rfc5961));
        assert_eq!((entry.rfc, entry.keyword), (Some(5961), Keyword::MustNot));
        assert_eq!(entry.requirement.grounds, Grounds::keyword(Status::ProposedStandard));
    }

    #[test]
    fn what_prescribes_nothing_lets_levels_be_inferred_only() {
        let (plain, inferred) = (entry("RFC1-1", ""), entry("RFC1-1", "  basis: inferred\n"));
        for status in ["informational", "historic"] {
            let file = |entries: &str| format!("status: {status}\nrequirements:\n{entries}");
            let (_, problems) = read_file("rfc1.yaml", &file(&plain));
            let told = format!("the level of `RFC1-1` can only be inferred: its RFC is {status}");
            assert_eq!(problems[0].message, told);
            let (catalogue, problems) = read_file("rfc1.yaml", &file(&inferred));
            assert_eq!(problems, []);
            let requirement = &catalogue.get("RFC1-1").unwrap().requirement;
            assert_eq!((requirement.level, requirement.weight()), (Level::Must, Level::Should));
        }
    }

    #[test]
    fn the_file_of_an_rfc_says_what_kind_of_document_that_is() {
        let file = format!("requirements:\n{}", entry("RFC1-1", ""));
        assert_eq!(read_file("rfc1.yaml", &file).1[0].message, "`status` is missing");
        let own = format!("requirements:\n{}", entry("OWN-1", ""));
        assert_eq!(read_file("own.yaml", &own).1, []);
    }

    #[test]
    fn an_id_twice_is_told_at_the_second() {
        let text = entry("RFC1-1", "") + &entry("RFC1-1", "");
        let (_, problems) = read("rfc1.yaml", &text);
        assert_eq!(problems.len(), 1);
        assert_eq!((problems[0].line, problems[0].column), (11, 7));
        assert_eq!(problems[0].message, "`RFC1-1` is there twice");
    }

    #[test]
    fn an_unknown_condition_is_told() {
        let (_, problems) = read("rfc1.yaml", &entry("RFC1-1", "  when: rfc5691\n"));
        assert_eq!(problems[0].message, "unknown condition `rfc5691` of `RFC1-1`");
        assert_eq!(problems[0].help.as_deref(), Some("did you mean `rfc5961`?"));
    }

    #[test]
    fn an_unlawful_level_or_key_is_told_with_its_line() {
        let (_, problems) = read("rfc1.yaml", &entry("RFC1-1", "").replace("MUST NOT", "OUGHT"));
        assert!(problems[0].message.contains("OUGHT"), "{}", problems[0]);
        assert_eq!(problems[0].line, 5);
        let (_, problems) = read("rfc1.yaml", &entry("RFC1-1", "  colour: red\n"));
        assert!(problems[0].message.contains("colour"), "{}", problems[0]);
    }

    #[test]
    fn a_reason_why_nothing_covers_it_is_read_and_must_be_one() {
        let (catalogue, problems) = read("rfc1.yaml", &entry("RFC1-1", "  uncovered: Nobody sees it.\n"));
        assert_eq!(problems, []);
        let told = catalogue.get("RFC1-1").and_then(|entry| entry.uncovered.as_deref());
        assert_eq!(told, Some("Nobody sees it."));
        let (_, problems) = read("rfc1.yaml", &entry("RFC1-1", "  uncovered: \" \"\n"));
        assert_eq!(problems[0].message, "`uncovered` of `RFC1-1` gives no reason");
    }

    #[test]
    fn what_is_covered_all_the_same_is_told_at_its_reason() {
        let text = entry("RFC1-1", "") + &entry("RFC1-2", "  uncovered: x\n") + &entry("RFC1-3", "");
        let (catalogue, _) = read("rfc1.yaml", &text);
        let covers: Vec<_> = catalogue.iter().map(|entry| entry.requirement.clone()).collect();
        let problems = catalogue.contradicted(&covers, "a/b", true);
        assert_eq!(problems.len(), 1);
        assert_eq!((problems[0].line, problems[0].column), (19, 3), "{}", problems[0]);
        assert_eq!(
            problems[0].message,
            "`RFC1-2` is said to be covered by nothing, but `a/b` covers it"
        );
        assert_eq!(&format!("{HEAD}{text}")[problems[0].span.clone()], "uncovered");
    }

    #[test]
    fn a_users_case_may_know_better_than_the_bundled_catalogue() {
        let (mut catalogue, _) = read("rfc1.yaml", &entry("RFC1-1", "  uncovered: x\n"));
        let covers: Vec<_> = catalogue.iter().map(|entry| entry.requirement.clone()).collect();
        assert_eq!(catalogue.contradicted(&covers, "mine", false).len(), 1);
        catalogue.close_bundled();
        assert_eq!(catalogue.contradicted(&covers, "mine", false), []);
        assert_eq!(catalogue.contradicted(&covers, "a/b", true).len(), 1);
    }

    #[test]
    fn an_id_of_another_rfc_is_told() {
        let (_, problems) = read("rfc1.yaml", &entry("RFC2-1", ""));
        assert_eq!(problems[0].message, "`RFC2-1` does not belong into this file");
    }
}
