//! Updates a file of expectations: adds a waiver for each habit that can be waived and shows in many runs, and entries
//! for the other unexpected outcomes; removes what no longer comes.
//!
//! The text stays as it was written, comments included, except for the entries that no longer hold. Nothing is written
//! that was not observed: what is expected of a run that was not made stays.

use super::habits::habits;
use crate::engine::{Verdict, Waive};
use crate::record::{Attempt, Record, Run};
use crate::stack::Breakdown;
use crate::suite::{Came, Entry, Expectations, RunId, TODO, Waiver, ip_number, squeeze};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// A file of expectations, updated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// All of it.
    pub text: String,
    /// How many waivers are new; each waits for its reason.
    pub waived: usize,
    /// How many entries are new; each waits for its reason.
    pub added: usize,
    /// How many entries were removed, because no run comes out so any more.
    pub dropped: usize,
    /// How many entries match fewer runs than before.
    pub narrowed: usize,
    /// Runs that failed in a way for which no entry can be written, since they broke no requirement.
    pub left: Vec<String>,
}

/// What an entry expects: everything in it but the runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Known {
    verdict: &'static str,
    requirements: Vec<String>,
    step: Option<String>,
    rules: Vec<String>,
    breakdown: Option<Breakdown>,
    reason: String,
}

/// The runs that an entry matches, as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Which {
    cases: String,
    ip: Option<&'static str>,
    isn: Option<&'static str>,
}

/// What a file should say, given what it says now and the outcomes in a record. `Err`: why it cannot be updated.
pub fn update(text: &str, known: &Expectations, record: &Record) -> Result<Update, String> {
    let blocks = blocks(text, known)?;
    let library: Vec<RunId> = record.library().iter().flat_map(|row| row.runs()).collect();
    let indent = blocks.first().map_or("", |block| block.indent);
    let mut made = Update {
        text: String::new(),
        waived: 0,
        added: 0,
        dropped: 0,
        narrowed: 0,
        left: Vec::new(),
    };
    let lines: Vec<&str> = text.lines().collect();
    let came = came(record);
    let mut next = 0;
    for block in &blocks {
        copy(&mut made.text, &lines[next..block.first]);
        next = block.end;
        let (entry, fate) = match block.item {
            Item::Entry(entry) => (entry, Fate::of(entry, known, &library, &came)),
            Item::Waiver(waiver) if record.idle_waivers().any(|idle| idle == waiver) => {
                made.dropped += 1;
                continue;
            }
            Item::Waiver(_) => {
                copy(&mut made.text, &lines[block.first..block.end]);
                continue;
            }
        };
        match fate {
            Fate::Stays => copy(&mut made.text, &lines[block.first..block.end]),
            Fate::Goes => made.dropped += 1,
            Fate::Narrows(runs) => {
                made.narrowed += 1;
                for which in narrowest(&library, &runs) {
                    write_entry(&mut made.text, indent, &which, &Known::from(entry));
                }
            }
        }
    }
    copy(&mut made.text, &lines[next..]);
    let proposed = proposed(known, record);
    for (waive, requirement) in &proposed {
        made.waived += 1;
        let requirement = quoted_if_need_be(requirement);
        let waiver = [
            format!("- waive: {waive}"),
            format!("  requirement: {requirement}"),
            format!("  reason: {TODO}"),
        ];
        waiver
            .iter()
            .for_each(|line| copy(&mut made.text, &[&format!("{indent}{line}")]));
    }
    let rest = |run: &Run| {
        let symptom = run.outcome.failure.as_ref().map(|failure| &failure.symptom);
        !proposed
            .keys()
            .any(|waive| symptom.is_some_and(|symptom| waive.covers(symptom)))
    };
    add_new(&mut made, indent, &library, red(known, record).filter(|run| rest(run)));
    Ok(made)
}

fn copy(text: &mut String, lines: &[&str]) {
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
}

/// The runs that are red, and that no entry and no waiver knows.
fn red<'a>(known: &'a Expectations, record: &'a Record) -> impl Iterator<Item = &'a Run> {
    let is_red = |run: &&Run| {
        let red = match run.outcome.verdict {
            Verdict::Fail => true,
            Verdict::Deviates => record.head.strict,
            _ => false,
        };
        red && !known.judge(&run.id, &run.outcome).is_met()
    };
    record.runs().filter(is_red)
}

/// In how many runs a habit must show for one waiver to be better than an entry for each.
const MANY: usize = 10;

/// The habits that can be waived and show in many runs of several cases, each with the requirement that it breaks.
fn proposed(known: &Expectations, record: &Record) -> BTreeMap<Waive, String> {
    let mut shown: BTreeMap<Waive, Vec<&Run>> = BTreeMap::new();
    for run in red(known, record) {
        let failure = run.outcome.failure.as_ref();
        if let Some(waive) = failure.and_then(|failure| Waive::of(&failure.symptom)) {
            shown.entry(waive).or_default().push(run);
        }
    }
    let cases = |runs: &[&Run]| runs.iter().map(|run| &run.id.case).collect::<BTreeSet<_>>().len();
    let many = shown
        .into_iter()
        .filter(|(_, runs)| runs.len() >= MANY && cases(runs) > 1);
    many.filter_map(|(waive, runs)| Some((waive, habits(runs).first()?.requirement?.id.clone())))
        .collect()
}

/// Adds entries at the end for these outcomes.
fn add_new<'a>(made: &mut Update, indent: &str, library: &[RunId], runs: impl Iterator<Item = &'a Run>) {
    let mut new: BTreeMap<(&str, Known), BTreeSet<&str>> = BTreeMap::new();
    for run in runs {
        match Known::new(&run.outcome) {
            Some(what) => {
                let runs = new.entry((&run.id.case, what)).or_default();
                runs.insert(&run.id.name);
            }
            None => made.left.push(run.id.name.clone()),
        }
    }
    for ((_, what), runs) in &new {
        for which in narrowest(library, runs) {
            made.added += 1;
            write_entry(&mut made.text, indent, &which, what);
        }
    }
}

impl Known {
    /// The outcome of a run; `None` if it broke no requirement and did not break down, so that an entry could not tell it
    /// from any other failure.
    fn new(outcome: &Attempt) -> Option<Known> {
        let came = Came::from(outcome);
        let step = match came.breakdown {
            Some(_) => String::new(),
            None => squeeze(came.step?),
        };
        let known = Known {
            verdict: came.verdict.name(),
            requirements: came.requirements.iter().map(|&id| id.to_owned()).collect(),
            rules: came.rules_beside().map(str::to_owned).collect(),
            step: (!step.is_empty()).then_some(step),
            breakdown: came.breakdown,
            reason: TODO.to_owned(),
        };
        (!known.requirements.is_empty() || known.breakdown.is_some()).then_some(known)
    }

    fn from(entry: &Entry) -> Known {
        Known {
            verdict: entry.expect.name(),
            requirements: entry.requirements.iter().map(|id| id.as_str().to_owned()).collect(),
            step: entry.step.as_deref().map(squeeze),
            rules: entry.rules.clone(),
            breakdown: entry.breakdown,
            reason: squeeze(&entry.reason),
        }
    }
}

/// What happens to an entry.
enum Fate<'a> {
    Stays,
    Goes,
    /// It holds for these runs alone, by name.
    Narrows(BTreeSet<&'a str>),
}

/// The runs whose verdict judges the target, by name.
fn came(record: &Record) -> BTreeMap<&str, &Run> {
    record
        .runs()
        .filter(|run| !matches!(run.outcome.verdict, Verdict::Inconclusive | Verdict::CaseError))
        .map(|run| (run.id.name.as_str(), run))
        .collect()
}

impl<'a> Fate<'a> {
    fn of(entry: &Entry, known: &Expectations, library: &'a [RunId], came: &BTreeMap<&str, &Run>) -> Fate<'a> {
        let mut holds = BTreeSet::new();
        let mut wrong = false;
        for id in library.iter().filter(|id| entry.speaks_of(id)) {
            match came.get(id.name.as_str()) {
                Some(run) if !entry.is_met(&Came::from(&run.outcome)) => {
                    // If several entries match a run, it suffices that one is met.
                    wrong |= !known.judge(id, &run.outcome).is_met();
                }
                Some(_) | None => drop(holds.insert(id.name.as_str())),
            }
        }
        match (holds.is_empty(), wrong) {
            (true, _) => Fate::Goes,
            (false, true) => Fate::Narrows(holds),
            (false, false) => Fate::Stays,
        }
    }
}

/// The fewest patterns that match these runs and no others: a case, else a row, else a run, each perhaps over one IP
/// version or with one kind of ISN only.
fn narrowest(library: &[RunId], wanted: &BTreeSet<&str>) -> Vec<Which> {
    let mut found = Vec::new();
    let cases = library.chunk_by(|a, b| a.case == b.case);
    for case in cases.filter(|case| case.iter().any(|run| wanted.contains(run.name.as_str()))) {
        if let Some(which) = whole(&case[0].case, case, wanted) {
            found.push(which);
            continue;
        }
        for row in case.chunk_by(|a, b| a.row == b.row) {
            match whole(&row[0].case_and_row(), row, wanted) {
                Some(which) => found.push(which),
                None => found.extend(
                    row.iter()
                        .filter(|run| wanted.contains(run.name.as_str()))
                        .map(|run| Which {
                            cases: run.name.clone(),
                            ip: None,
                            isn: None,
                        }),
                ),
            }
        }
    }
    found
}

/// These runs under one name, if those wanted are all of them, or all over one IP version or with one kind of ISN.
fn whole(name: &str, runs: &[RunId], wanted: &BTreeSet<&str>) -> Option<Which> {
    let ips = [None, Some("4"), Some("6")];
    let isns = [None, Some("plain"), Some("wrap")];
    let restrictions = isns.into_iter().flat_map(|isn| ips.map(|ip| (ip, isn)));
    restrictions
        .map(|(ip, isn)| Which {
            cases: name.to_owned(),
            ip,
            isn,
        })
        .find(|which| {
            let meant = |run: &RunId| {
                let isn = if run.wrap { "wrap" } else { "plain" };
                which.ip.is_none_or(|ip| ip == ip_number(run.ip)) && which.isn.is_none_or(|only| only == isn)
            };
            let is_wanted = |run: &RunId| wanted.contains(run.name.as_str());
            runs.iter().any(is_wanted) && runs.iter().all(|run| meant(run) == is_wanted(run))
        })
}

fn write_entry(text: &mut String, indent: &str, which: &Which, known: &Known) {
    let mut line = |key: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{indent}{key}: {value}");
    };
    line("- cases", &quoted(&which.cases));
    line("  expect", known.verdict);
    match known.requirements.as_slice() {
        [] => {}
        [one] => line("  requirement", &quoted_if_need_be(one)),
        several => {
            let several: Vec<String> = several.iter().map(|id| quoted_if_need_be(id)).collect();
            line("  requirement", &format!("[{}]", several.join(", ")));
        }
    }
    if let Some(step) = &known.step {
        line("  step", &quoted(step));
    }
    if let Some(how) = known.breakdown {
        line("  breakdown", how.name());
    }
    if !known.rules.is_empty() {
        line("  rules", &format!("[{}]", known.rules.join(", ")));
    }
    let when: Vec<String> = [("ip", which.ip), ("isn", which.isn)]
        .into_iter()
        .filter_map(|(key, value)| value.map(|value| format!("{key}: {value}")))
        .collect();
    if !when.is_empty() {
        line("  when", &format!("{{{}}}", when.join(", ")));
    }
    match known.reason.as_str() {
        TODO => line("  reason", TODO),
        reason => {
            line("  reason", ">-");
            for part in wrapped(reason) {
                let _ = writeln!(text, "{indent}    {part}");
            }
        }
    }
}

/// In single quotes, in which YAML changes nothing.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn quoted_if_need_be(id: &str) -> String {
    let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    if plain { id.to_owned() } else { quoted(id) }
}

/// Words in lines of at most 110 characters.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= 110 => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// An item of a file.
#[derive(Clone, Copy)]
enum Item<'a> {
    Entry(&'a Entry),
    Waiver(&'a Waiver),
}

/// The lines of an item in the text.
struct Block<'a> {
    item: Item<'a>,
    /// Its lines, from 0, without the comments and empty lines that follow it.
    first: usize,
    end: usize,
    indent: &'a str,
}

fn blocks<'a>(text: &'a str, known: &'a Expectations) -> Result<Vec<Block<'a>>, String> {
    let lines: Vec<&str> = text.lines().collect();
    let entries = known.entries().iter().map(|entry| (entry.line - 1, Item::Entry(entry)));
    let waivers = known
        .waivers()
        .iter()
        .map(|waiver| (waiver.line - 1, Item::Waiver(waiver)));
    let mut items: Vec<(usize, Item<'_>)> = entries.chain(waivers).collect();
    items.sort_by_key(|(line, _)| *line);
    let mut blocks = Vec::new();
    for (place, &(first, item)) in items.iter().enumerate() {
        let after = items.get(place + 1).map_or(lines.len(), |(line, _)| *line);
        let line = lines.get(first).copied().unwrap_or_default();
        let rest = line.trim_start();
        if !rest.starts_with("- ") || after <= first {
            return Err(format!(
                "line {}: an entry that can be rewritten begins on a line of its own, with `- cases:` or `- waive:`",
                first + 1
            ));
        }
        let is_part = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let length = lines[first..after].iter().rposition(is_part).map_or(1, |last| last + 1);
        blocks.push(Block {
            item,
            first,
            end: first + length,
            indent: &line[..line.len() - rest.len()],
        });
    }
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Occasion, Outcome, Symptom};
    use crate::notation::Verb;
    use crate::peer::Message;
    use crate::record::Traces;
    use crate::record::fixture::{result, with_library};
    use crate::suite::fixture::{failed, outcome, runs};
    use crate::suite::rows;

    const LIBRARY: &[(&str, &str)] = &[("a/one", ""), ("a/two", "x"), ("a/two", "y"), ("b/three", "")];

    fn library() -> Vec<crate::suite::Row> {
        rows(&runs(LIBRARY))
    }

    fn fails() -> Outcome {
        failed(Verdict::Fail, "expect: 'ACK'", &["RFC9293-MUST-1"])
    }

    /// All runs, where those whose names hold one of these words fail.
    fn results(failing: &[&str]) -> Vec<Run> {
        let result = |run: crate::suite::Run| {
            let outcome = match failing.iter().any(|word| run.name.contains(word)) {
                true => fails(),
                false => outcome(Verdict::Pass),
            };
            Run::of(&result(run, outcome, &Expectations::default()), Traces::Notable)
        };
        runs(LIBRARY).into_iter().map(result).collect()
    }

    /// What an update of a file that says `text` gives, after these runs of the library.
    fn updated(text: &str, runs_made: &[Run]) -> Result<Update, String> {
        let known = Expectations::parse(text, "e.yaml").unwrap();
        update(text, &known, &with_library(rows(&runs(LIBRARY)), runs_made.to_vec()))
    }

    fn made(text: &str, results: &[Run]) -> Update {
        let made = updated(text, results).unwrap();
        let now = Expectations::parse(&made.text, "e.yaml").unwrap();
        assert_eq!(now.check(&rows(&runs(LIBRARY)), &[]), []);
        for run in results {
            let judged = now.judge(&run.id, &run.outcome);
            let expected = run.outcome.verdict == Verdict::Fail;
            assert_eq!(
                judged.is_met(),
                expected,
                "{}: {judged:?} by\n{}",
                run.id.name,
                made.text
            );
        }
        let again = updated(&made.text, results).unwrap();
        assert_eq!(again.text, made.text, "a second time there is nothing to do");
        made
    }

    fn entry(cases: &str, when: &str) -> String {
        let when = if when.is_empty() {
            String::new()
        } else {
            format!("  when: {{{when}}}\n")
        };
        format!(
            "- cases: '{cases}'\n  expect: fail\n  requirement: RFC9293-MUST-1\n  step: 'expect: ''ACK'''\n{when}  \
             reason: TODO\n"
        )
    }

    #[test]
    fn a_case_a_row_an_axis_or_a_run_is_named_as_far_as_all_of_it_agrees() {
        assert_eq!(made("", &results(&["a/one"])).text, entry("a/one", ""));
        assert_eq!(made("", &results(&["a/two"])).text, entry("a/two", ""));
        assert_eq!(made("", &results(&["two[x"])).text, entry("a/two[x]", ""));
        assert_eq!(
            made("", &results(&["two[x,ip6", "two[y,ip6"])).text,
            entry("a/two", "ip: 6")
        );
        assert_eq!(
            made("", &results(&["two[y,ip4,wrap", "two[y,ip6,wrap"])).text,
            entry("a/two[y]", "isn: wrap")
        );
        assert_eq!(
            made("", &results(&["one[ip6,wrap"])).text,
            entry("a/one", "ip: 6, isn: wrap")
        );
        let three = made("", &results(&["one[ip4", "one[ip6,wrap"]));
        assert_eq!((three.added, three.text.matches("- cases: 'a/one[ip").count()), (3, 3));
    }

    const KNOWN: &str = "\
# What is known.

# About one.
- cases: a/one       # all of it
  expect: fail
  requirement: 'RFC9293-*'
  reason: one is not done yet
# About two.
- cases: a/two*
  expect: fail
  requirement: RFC9293-MUST-1
  reason: >-
    two is
    not done yet

# The end.
";

    #[test]
    fn what_holds_stays_as_it_is_written() {
        let same = made(KNOWN, &results(&["a/one", "a/two"]));
        assert_eq!(
            (same.text.as_str(), same.added, same.dropped, same.narrowed),
            (KNOWN, 0, 0, 0)
        );
        let more = made(KNOWN, &results(&["a/one", "a/two", "b/"]));
        assert_eq!(more.text, format!("{KNOWN}{}", entry("b/three", "")));
    }

    #[test]
    fn what_no_longer_comes_is_taken_out_and_comments_stay() {
        let gone = made(KNOWN, &results(&["a/two"]));
        assert_eq!(gone.dropped, 1);
        assert!(
            gone.text
                .starts_with("# What is known.\n\n# About one.\n# About two.\n- cases: a/two*\n"),
            "{}",
            gone.text
        );
        assert!(gone.text.ends_with("    not done yet\n\n# The end.\n"), "{}", gone.text);
    }

    #[test]
    fn what_comes_in_a_part_only_is_narrowed_down_with_its_reason() {
        let less = made(KNOWN, &results(&["a/one", "two[y"]));
        assert_eq!((less.narrowed, less.added), (1, 0));
        let expected = "# About two.\n- cases: 'a/two[y]'\n  expect: fail\n  requirement: RFC9293-MUST-1\n  \
                        reason: >-\n    two is not done yet\n\n# The end.\n";
        assert!(less.text.ends_with(expected), "{}", less.text);
    }

    #[test]
    fn what_was_not_run_stays_known() {
        let mut some = results(&["a/one"]);
        some.retain(|result| result.id.name.starts_with("a/one"));
        assert_eq!(made(KNOWN, &some).text, KNOWN);
        let mut inconclusive = results(&["a/one", "a/two"]);
        inconclusive[0].outcome = (&outcome(Verdict::Inconclusive)).into();
        let same = updated(KNOWN, &inconclusive).unwrap();
        assert_eq!(same.text, KNOWN);
    }

    #[test]
    fn another_failure_does_not_hide_behind_what_is_known() {
        let mut other = results(&["a/one", "a/two"]);
        for result in &mut other[..4] {
            result.outcome = (&failed(Verdict::Fail, "state: closed", &["RFC9293-MUST-1"])).into();
        }
        let pinned = KNOWN.replace("reason: one", "step: 'expect: ''ACK'''\n  reason: one");
        let made = made(&pinned, &other);
        assert_eq!((made.added, made.dropped), (1, 1));
        assert!(
            made.text.contains("  step: 'state: closed'\n  reason: TODO\n"),
            "{}",
            made.text
        );
    }

    #[test]
    fn a_breakdown_is_written_down_by_its_kind() {
        let mut results = results(&["a/one"]);
        for result in &mut results[..4] {
            let mut broken = fails();
            broken.break_down(Breakdown::Crash, "the agent ended");
            result.outcome = (&broken).into();
        }
        let entry = "- cases: 'a/one'\n  expect: fail\n  breakdown: crash\n  reason: TODO\n";
        assert_eq!(made("", &results).text, entry);
    }

    /// Runs of all cases of which those whose names hold one of these words send an ACK too many.
    fn eager(names: &[&str]) -> Vec<Run> {
        let mut runs = results(names);
        for failure in runs.iter_mut().filter_map(|run| run.outcome.failure.as_mut()) {
            failure.symptom = Symptom::Unasked {
                came: Message::Ack,
                upon: Occasion::Call(Verb::Recv),
            };
            failure.conduct = failure.symptom.conduct().map(Into::into);
        }
        runs
    }

    #[test]
    fn a_habit_that_shows_in_many_runs_is_waived_and_the_rest_is_pinned() {
        let mut made_runs = eager(&["a/one", "a/two"]);
        made_runs
            .iter_mut()
            .filter(|run| run.id.case == "b/three")
            .for_each(|run| run.outcome = (&fails()).into());
        let made = updated("", &made_runs).unwrap();
        let waiver = "- waive: {unasked-ack: recv}\n  requirement: RFC5681-4.2-3\n  reason: TODO\n";
        assert_eq!((made.waived, made.added), (1, 1));
        assert_eq!(made.text, format!("{waiver}{}", entry("b/three", "")));
        let known = Expectations::parse(&made.text, "e.yaml").unwrap();
        assert_eq!(known.check(&library(), &[]), []);
        let few = updated("", &eager(&["a/one"])).unwrap();
        assert_eq!((few.waived, few.added), (0, 1));
    }

    #[test]
    fn a_waiver_that_no_run_meets_is_taken_out_and_comments_stay() {
        let text = "# kept\n- waive: window\n  requirement: RFC9293-MUST-1\n  reason: r\n# the end\n";
        let known = Expectations::parse(text, "e.yaml").unwrap();
        let mut record = with_library(rows(&runs(LIBRARY)), results(&[]));
        record.head.waivers = known.waivers().to_vec();
        let gone = update(text, &known, &record).unwrap();
        assert_eq!((gone.text.as_str(), gone.dropped), ("# kept\n# the end\n", 1));
        let mut met = results(&[]);
        met[0].outcome.waived = known.waivers().iter().map(|it| it.waive.clone()).collect();
        let mut record = with_library(rows(&runs(LIBRARY)), met);
        record.head.waivers = known.waivers().to_vec();
        assert_eq!(update(text, &known, &record).unwrap().text, text);
        let part = with_library(rows(&runs(LIBRARY)), results(&[])[1..].to_vec());
        assert_eq!(update(text, &known, &part).unwrap().text, text, "one run was left out");
    }

    #[test]
    fn what_breaks_no_requirement_or_cannot_be_rewritten_is_told() {
        let mut results = results(&["a/one"]);
        results[0].outcome = (&failed(Verdict::Fail, "", &[])).into();
        let left = updated("", &results).unwrap();
        assert_eq!(left.left, ["a/one[ip4]"]);
        let flow = "[{cases: a/one, expect: unsupported, reason: r}]\n";
        let refused = updated(flow, &results).unwrap_err();
        assert!(refused.starts_with("line 1: an entry"), "{refused}");
    }
}
