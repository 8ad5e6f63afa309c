//! From the text of a case to its scripts, one for each row of its matrix.

use super::flow::Flow;
use super::given::{Failure, Field, Givens, Parameters, Request};
use super::keys;
use super::lower::{Filled, Inherited, Lowering, MAX_STEPS};
use super::matrix::{Part, Row, is_name, parts, rows};
use super::problem::Problem;
use super::raw::{Head, RawCase, RawGiven, RawStep};
use super::requirement::Catalogue;
use super::roster::{Roster, roster, ties};
use super::setting::refuse;
use super::yaml::{Node, Place, Report, Source, Text, read};
use crate::notation::did_you_mean;
use crate::notation::{CallSpec, NotationError, Role, Verb};
use crate::rfc::{Condition, Requirement};
use crate::script::{ConnId, Given, Script, StepKind, Tag};
use crate::stack::{ABILITIES, HOST_SETTINGS, Setting, is_ability};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The most steps that all rows of a case may have together.
const MAX_STEPS_IN_ALL: usize = 200_000;

/// A case: one file.
#[derive(Clone, Debug)]
pub struct Case {
    /// The path below the root without `.yaml`: `reset/acceptance`.
    pub id: Arc<str>,
    /// The file, as shown to a person.
    pub path: Arc<str>,
    /// The file's text.
    pub text: Arc<str>,
    /// The claim.
    pub title: Arc<str>,
    /// What breaks in practice if it is not met.
    pub why: Arc<str>,
    /// Why the RFC is to be read so, where every stack that was tried does otherwise; else empty.
    pub reading: Arc<str>,
    /// Everything that the case or one of its steps covers, in any row, in the order of ids.
    pub covers: Vec<Arc<Requirement>>,
    /// Other suites' names for it: suite to ids.
    pub ids: Arc<BTreeMap<String, Vec<String>>>,
    /// What it is tagged with.
    pub tags: Arc<[Tag]>,
    /// One for each row, in the order of the file; never empty.
    pub scripts: Vec<Arc<Script>>,
}

/// What a case is read against.
#[derive(Clone, Copy)]
pub(super) struct World<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) givens: &'a Givens,
}

/// What is the same in all rows.
struct Shared<'a> {
    raw: &'a RawCase,
    world: World<'a>,
    id: Arc<str>,
    title: Arc<str>,
    why: Arc<str>,
    reading: Arc<str>,
    ids: Arc<BTreeMap<String, Vec<String>>>,
    tags: Arc<[Tag]>,
    place: Place,
    /// Whether the whole file could be read. Else steps are missing, and mistakes that may only follow from that are
    /// not told.
    sound: bool,
    /// Whether the matrix could not be read, so that the columns are unknown.
    blind: bool,
}

/// Reads a case. `None` if something is wrong with it; what, is added to `problems`.
pub(super) fn load(id: &str, source: &Source, world: World, problems: &mut Vec<Problem>) -> Option<Case> {
    let mut report = Report::new(source);
    let case = lower(id, &mut report, world);
    let clean = report.is_clean();
    problems.extend(report.finish());
    case.filter(|_| clean)
}

fn lower(id: &str, report: &mut Report, world: World) -> Option<Case> {
    let node = read(report)?;
    let used = names_used(&node);
    let place = Place {
        at: node.place().at.start..node.place().at.start,
        ..node.place().clone()
    };
    let mut raw = RawCase::from_node(node, report)?;
    let sound = report.is_clean();
    let columns = columns_of(raw.matrix.as_ref());
    refuse_unused(&columns, &used, report);
    let (rows, blind) = match rows(raw.matrix.take(), report) {
        Some(rows) => (rows, false),
        // Mistakes in the rest of the case are told all the same, as far as they do not depend on the row.
        None => (vec![Row::default()], true),
    };
    if !blind {
        refuse_where(&raw.steps, &rows, report);
    }
    let shared = Shared {
        raw: &raw,
        world,
        id: id.into(),
        title: raw.title.text.trim().into(),
        why: raw.why.text.trim().into(),
        reading: raw.reading.as_ref().map_or("", |reading| reading.text.trim()).into(),
        ids: ids(&raw, report),
        tags: tags(&raw, report),
        place,
        sound,
        blind,
    };
    if sound {
        refuse_headline(&raw, report);
    }
    let mut scripts = Vec::new();
    let mut kept = BTreeSet::new();
    let mut left = MAX_STEPS_IN_ALL;
    for row in &rows {
        let (script, steps) = script(&shared, row, report, &mut kept);
        scripts.push(Arc::new(script));
        if steps > left {
            let help = "split the case, or repeat less often".to_string();
            report.add(
                &shared.place,
                format!("more than {MAX_STEPS_IN_ALL} steps in all rows"),
                Some(help),
            );
            return None;
        }
        left -= steps;
    }
    if report.is_clean() {
        refuse_never_kept(&raw.steps, &kept, report);
    }
    Some(Case {
        id: shared.id.clone(),
        path: report.source.name.clone(),
        text: report.source.text.clone(),
        title: shared.title.clone(),
        why: shared.why.clone(),
        reading: shared.reading.clone(),
        covers: everything_covered(&scripts),
        ids: shared.ids.clone(),
        tags: shared.tags.clone(),
        scripts,
    })
}

fn everything_covered(scripts: &[Arc<Script>]) -> Vec<Arc<Requirement>> {
    fn add(steps: &[crate::script::Step], all: &mut BTreeMap<String, Arc<Requirement>>) {
        for step in steps {
            all.extend(step.covers.iter().map(|covered| (covered.id.clone(), covered.clone())));
            if let StepKind::AnyOf(any_of) = &step.kind {
                any_of.outcomes.iter().for_each(|(_, steps)| add(steps, all));
            }
        }
    }
    let mut all = BTreeMap::new();
    for script in scripts {
        all.extend(
            script
                .covers
                .iter()
                .map(|covered| (covered.id.clone(), covered.clone())),
        );
        add(&script.steps, &mut all);
    }
    all.into_values().collect()
}

fn refuse_headline(raw: &RawCase, report: &mut Report) {
    let texts = [
        (&raw.title, "title", "the requirement met, as a claim, in one line"),
        (&raw.why, "why", "what breaks in practice where it is not met"),
    ];
    let reading = raw.reading.iter();
    let reading = reading.map(|text| (text, "reading", "why the RFC is to be read so, or leave the key out"));
    for (text, name, help) in texts.into_iter().chain(reading) {
        if text.text.trim().is_empty() {
            report.add(&text.place, format!("`{name}` is empty"), Some(help.into()));
        }
    }
    if raw.title.text.trim().contains('\n') {
        report.add(
            &raw.title.place,
            "a title of several lines",
            Some("one claim, one line".into()),
        );
    }
    if raw.covers.is_empty() {
        let help = "name a requirement in cases/requirements/".to_string();
        report.add(&raw.title.place, "the case covers nothing", Some(help));
    }
    if raw.steps.is_empty() {
        report.add(
            &raw.title.place,
            "the case has no steps",
            Some("do something, and expect something".into()),
        );
    }
}

/// The columns of the first block with the places of their names.
fn columns_of(matrix: Option<&Node>) -> BTreeMap<String, Place> {
    let block = match matrix {
        Some(Node::List(items, _)) => items.first(),
        other => other,
    };
    match block {
        Some(Node::Map(pairs, _)) => pairs
            .iter()
            .map(|(key, _)| (key.text.clone(), key.place.clone()))
            .collect(),
        Some(Node::Text(_) | Node::List(..)) | None => BTreeMap::new(),
    }
}

/// The names that the case uses: as `$name`, or in a `where`. A name counts as unused if only unused columns use it.
fn names_used(case: &Node) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let mut in_columns: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let Node::Map(pairs, _) = case else {
        return used;
    };
    for (key, value) in pairs {
        if key.text != "matrix" {
            collect_names(value, &mut used);
            continue;
        }
        let blocks = match value {
            Node::List(items, _) => items.as_slice(),
            block => std::slice::from_ref(block),
        };
        for block in blocks {
            if let Node::Map(columns, _) = block {
                for (column, cell) in columns {
                    collect_names(cell, in_columns.entry(column.text.clone()).or_default());
                }
            }
        }
    }
    used.insert("name".into());
    let mut open: Vec<String> = used.iter().cloned().collect();
    while let Some(name) = open.pop() {
        for next in in_columns.remove(&name).unwrap_or_default() {
            if used.insert(next.clone()) {
                open.push(next);
            }
        }
    }
    used
}

fn collect_names(node: &Node, names: &mut BTreeSet<String>) {
    if let Node::Map(pairs, _) = node {
        for (key, value) in pairs {
            if let Node::Map(columns, _) = value
                && key.text == "where"
            {
                names.extend(columns.iter().map(|(column, _)| column.text.clone()));
            }
            collect_names(value, names);
        }
        return;
    }
    match node {
        Node::List(items, _) => items.iter().for_each(|item| collect_names(item, names)),
        Node::Text(text) => {
            let found = parts(&text.text);
            names.extend(found.iter().filter_map(|part| match part {
                Part::Name { name, .. } => Some(name.to_string()),
                Part::Plain(_) => None,
            }));
        }
        Node::Map(..) => {}
    }
}

fn refuse_unused(columns: &BTreeMap<String, Place>, used: &BTreeSet<String>, report: &mut Report) {
    for (column, place) in columns {
        if !used.contains(column) && is_name(column) && column != "i" {
            let help = format!("write `${column}`, or name it in a `where`; what only names a row is `name`");
            report.add(place, format!("column `{column}` is never used"), Some(help));
        }
    }
}

/// Complains of a `where` that names no column, or a value that is in no row.
fn refuse_where(steps: &[RawStep], rows: &[Row], report: &mut Report) {
    let Some(first) = rows.first() else {
        return;
    };
    for step in steps {
        for (column, values) in &step.only_where {
            if !first.cells.contains_key(&column.text) {
                let known = first.cells.keys().map(String::as_str);
                let help =
                    did_you_mean(&column.text, known).unwrap_or_else(|| "`where` names columns of `matrix`".into());
                report.add(
                    &column.place,
                    format!("`{}` is not in the matrix", column.text),
                    Some(help),
                );
                continue;
            }
            let cells = || rows.iter().filter_map(|row| row.cells.get(&column.text));
            for value in values {
                let there = cells().any(|cell| [&cell.label, &cell.written, &cell.value].contains(&&value.text));
                if !there {
                    let known: BTreeSet<&str> = cells().map(|cell| cell.label.as_str()).collect();
                    let help = did_you_mean(&value.text, known.iter().copied())
                        .unwrap_or_else(|| format!("the values are {}", listed(&known)));
                    let message = format!("`{}` is never `{}`", column.text, value.text);
                    report.add(&value.place, message, Some(help));
                }
            }
        }
        for inner in inner_steps(step) {
            refuse_where(inner, rows, report);
        }
    }
}

fn listed(names: &BTreeSet<&str>) -> String {
    let shown: Vec<_> = names.iter().take(12).map(|name| format!("`{name}`")).collect();
    shown.join(", ")
}

fn inner_steps(step: &RawStep) -> Vec<&[RawStep]> {
    match &step.head {
        Head::Outcomes(outcomes) => outcomes.iter().map(|(_, steps)| steps.as_slice()).collect(),
        Head::Repeat(_, steps) => vec![steps],
        Head::Text(_) | Head::Faults(_) => Vec::new(),
    }
}

fn refuse_never_kept(steps: &[RawStep], kept: &BTreeSet<usize>, report: &mut Report) {
    for step in steps {
        if !kept.contains(&step.place.at.start) {
            let help = "no row has all of its `where`: take it out, or put the `where` right".to_string();
            report.add(&step.place, "this step is in no row", Some(help));
            continue;
        }
        for inner in inner_steps(step) {
            refuse_never_kept(inner, kept, report);
        }
    }
}

fn ids(raw: &RawCase, report: &mut Report) -> Arc<BTreeMap<String, Vec<String>>> {
    let mut ids = BTreeMap::new();
    for (suite, names) in &raw.ids {
        if !is_word(&suite.text) {
            let help = "lower-case letters, digits and `-`, such as `tc8`";
            report.add(
                &suite.place,
                format!("`{}` cannot be a suite", suite.text),
                Some(help.into()),
            );
        }
        for name in names {
            if suite.text == "tc8" && !is_tc8(&name.text) {
                let help = "such as `TCP_BASICS_01`";
                report.add(
                    &name.place,
                    format!("`{}` is not an id of TC8", name.text),
                    Some(help.into()),
                );
            } else if name.text.is_empty() || name.text.contains(char::is_whitespace) {
                report.add(
                    &name.place,
                    format!("`{}` is not an id", name.text),
                    Some("one word".into()),
                );
            }
        }
        ids.insert(suite.text.clone(), names.iter().map(|name| name.text.clone()).collect());
    }
    Arc::new(ids)
}

/// Whether it has the shape of a test case id of TC8: `TCP_CONNECTION_ESTAB_07`.
fn is_tc8(id: &str) -> bool {
    let Some((name, number)) = id.strip_prefix("TCP_").and_then(|rest| rest.rsplit_once('_')) else {
        return false;
    };
    let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    named && number.len() == 2 && number.chars().all(|c| c.is_ascii_digit())
}

fn is_word(text: &str) -> bool {
    let lawful = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.chars().all(lawful)
}

fn tags(raw: &RawCase, report: &mut Report) -> Arc<[Tag]> {
    for tag in raw.tags.iter().filter(|tag| !is_word(&tag.text)) {
        let help = "lower-case letters, digits and `-`";
        report.add(&tag.place, format!("`{}` cannot be a tag", tag.text), Some(help.into()));
    }
    raw.tags.iter().map(|tag| Tag::new(&tag.text)).collect()
}

/// One row's script, and how many steps it has.
fn script(shared: &Shared, row: &Row, report: &mut Report, kept: &mut BTreeSet<usize>) -> (Script, usize) {
    let main_only = Roster::new();
    let mut lowering = Lowering {
        report,
        catalogue: shared.world.catalogue,
        row,
        roster: &main_only,
        flow: Flow::default(),
        index: None,
        room: Some(MAX_STEPS),
        failed: !shared.sound || shared.blind,
        blind: shared.blind,
        kept,
    };
    let raw = shared.raw;
    let covers = lowering.covers(&raw.covers);
    let needs = needs(&raw.needs, &mut lowering);
    let configure = configure(&raw.configure, &mut lowering);
    let only = only(&raw.only, &mut lowering);
    let roster = roster(&raw.connections, &mut lowering);
    let mut lowering = Lowering {
        roster: &roster,
        ..lowering
    };
    let mut connections = roster.declared.clone();
    ties(&raw.connections, &mut connections, &mut lowering);
    let mut given = Vec::new();
    for state in &raw.given {
        givens(state, shared, &mut lowering, &mut given);
    }
    let inherited = Inherited {
        conns: vec![ConnId(0)],
        covers: Vec::new(),
    };
    let mut steps = Vec::new();
    lowering.steps(&raw.steps, &inherited, &mut steps);
    lowering.must_check(&given, &steps, &shared.place);
    let spent = MAX_STEPS - lowering.room.unwrap_or(0) + given.iter().map(|given| given.steps.len()).sum::<usize>();
    let script = Script {
        case: shared.id.clone(),
        row: row.name.clone(),
        title: shared.title.clone(),
        why: shared.why.clone(),
        reading: shared.reading.clone(),
        covers: covers.into(),
        ids: shared.ids.clone(),
        tags: shared.tags.clone(),
        needs,
        configure,
        only,
        connections,
        given,
        steps,
    };
    (script, spent + 1)
}

fn needs(texts: &[Text], lowering: &mut Lowering) -> Vec<String> {
    let mut found = Vec::new();
    for text in texts {
        let Some(filled) = lowering.fill(text) else {
            continue;
        };
        if !is_ability(&filled.text) && Condition::from_name(&filled.text).is_none() {
            let settings = Setting::of_sockets()
                .map(|setting| format!("set:{setting}"))
                .collect::<Vec<_>>();
            let conditions = Condition::ALL.iter().map(|known| known.name());
            let words = ABILITIES.iter().map(|word| word.name).chain(conditions);
            let known = words.clone().chain(settings.iter().map(String::as_str));
            let help = did_you_mean(&filled.text, known).unwrap_or_else(|| {
                let names: BTreeSet<_> = words.collect();
                format!(
                    "known are {}, and `set:` with a setting",
                    names.into_iter().collect::<Vec<_>>().join(", ")
                )
            });
            let message = format!("`{}` is neither an ability nor a condition", filled.text);
            lowering.complain(&filled, 0..filled.text.len(), (message, help));
        }
        found.push(filled.text.into_owned());
    }
    found
}

fn configure(pairs: &[(Text, Text)], lowering: &mut Lowering) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (name, value) in pairs {
        let Some(filled) = lowering.fill(value) else {
            continue;
        };
        match HOST_SETTINGS.iter().find(|setting| setting.name == name.text) {
            None => {
                let names = HOST_SETTINGS.iter().map(|setting| setting.name);
                let help = did_you_mean(&name.text, names.clone())
                    .unwrap_or_else(|| format!("known are {}", names.collect::<Vec<_>>().join(", ")));
                lowering.complain_at(&name.place, (format!("unknown setting `{}`", name.text), help));
            }
            Some(setting) => {
                if let Some(help) = refuse(setting.takes, &filled.text) {
                    let message = format!("`{}` cannot be `{}`", name.text, filled.text);
                    lowering.complain(&filled, 0..filled.text.len(), (message, help));
                }
            }
        }
        found.insert(name.text.clone(), filled.text.into_owned());
    }
    found
}

fn only(pairs: &[(Text, Text)], lowering: &mut Lowering) -> BTreeMap<String, String> {
    let axes: [(&str, &[&str]); 2] = [("ip", &["4", "6"]), ("isn", &["plain", "wrap"])];
    let mut found = BTreeMap::new();
    for (name, value) in pairs {
        let Some(filled) = lowering.fill(value) else {
            continue;
        };
        match axes.iter().find(|(axis, _)| *axis == name.text) {
            None => {
                let help = "the axes are `ip` and `isn`".to_string();
                lowering.complain_at(&name.place, (format!("`{}` is not an axis", name.text), help));
            }
            Some((_, values)) if !values.contains(&filled.text.as_ref()) => {
                let what = (
                    format!("`{}` cannot be `{}`", name.text, filled.text),
                    format!("`{}`", values.join("` or `")),
                );
                lowering.complain(&filled, 0..filled.text.len(), what);
            }
            Some(_) => {}
        }
        found.insert(name.text.clone(), filled.text.into_owned());
    }
    found
}

/// Spells out one state of `given`, for each connection that it names.
fn givens(raw: &RawGiven, shared: &Shared, lowering: &mut Lowering, out: &mut Vec<Given>) {
    let Some(request) = request(raw, lowering) else {
        return;
    };
    let conns = match &raw.conn {
        None => vec![ConnId(0)],
        Some(text) => {
            let Some(filled) = lowering.fill(text) else {
                return;
            };
            match lowering.roster.named(&filled.text, true) {
                Ok(conns) => conns,
                Err(what) => return lowering.complain(&filled, 0..filled.text.len(), what),
            }
        }
    };
    if let Some(conn) = conns.iter().find(|conn| out.iter().any(|given| given.conn == **conn)) {
        let name = &lowering.roster.declared[conn.0].name;
        let what = (
            format!("`{name}` has a state already"),
            "name another connection in `conn`".to_string(),
        );
        return lowering.complain_at(&raw.state.place, what);
    }
    if !refuse_unheeded(raw, &request, shared, lowering) {
        return;
    }
    let spelled = match shared.world.givens.spell_out(&request, shared.world.catalogue) {
        Ok(spelled) => spelled,
        Err(failure) => return complain_of_given(raw, failure, lowering),
    };
    for conn in conns {
        let mut steps = Vec::with_capacity(spelled.len());
        for step in spelled.iter() {
            let listens = matches!(&step.kind, StepKind::Call(call) if call.call.verb == Verb::Listen);
            if listens && lowering.flow.listening {
                continue; // One listener serves all connections.
            }
            let mut step = step.clone();
            step.conns = vec![conn];
            lowering.flow.pass(&step);
            steps.push(step);
        }
        out.push(Given {
            state: request.state,
            conn,
            steps,
        });
    }
}

fn complain_of_given(raw: &RawGiven, failure: Failure, lowering: &mut Lowering) {
    match failure {
        Failure::Unknown(field, what) => {
            let text = match field {
                Field::State => &raw.state,
                Field::Role => raw.role.as_ref().unwrap_or(&raw.state),
                Field::Via => raw.via.as_ref().unwrap_or(&raw.state),
            };
            match lowering.fill(text) {
                Some(filled) => lowering.complain(&filled, 0..filled.text.len(), what),
                None => lowering.failed = true,
            }
        }
        Failure::Wrong(problems) => {
            let first = problems
                .first()
                .map(|problem| problem.message.clone())
                .unwrap_or_default();
            let help = format!("in given/{}.yaml: {first}", raw.state.text);
            lowering.complain_at(&raw.state.place, ("this state cannot be reached".to_string(), help));
        }
    }
}

/// What a state of `given` asks for, each part checked where it is written.
fn request(raw: &RawGiven, lowering: &mut Lowering) -> Option<Request> {
    let filled = lowering.fill(&raw.state)?;
    let state = lowering.state(&filled)?;
    let role = choice(raw.role.as_ref(), "role", keys::GIVEN, lowering)?;
    let via = match &raw.via {
        Some(text) => Some(lowering.fill(text)?.text.into_owned()),
        None => None,
    };
    let mut parameters = Parameters::default();
    if let Some(by) = choice(raw.by.as_ref(), "by", keys::GIVEN, lowering)? {
        parameters.by = by;
    }
    if let Some(text) = &raw.options {
        let filled = lowering.fill(text)?;
        if !filled.text.starts_with('<') || !filled.text.ends_with('>') {
            let what = (
                "options stand in `<>`".to_string(),
                "such as \"<mss 1460, sackOK>\"".to_string(),
            );
            lowering.complain(&filled, 0..filled.text.len(), what);
            return None;
        }
        check_within(&filled, "SYN ", lowering, |lowering, whole| {
            lowering.pattern(whole, Role::Inject).map(|_| ())
        })?;
        parameters.options = filled.text.into_owned();
    }
    if let Some(text) = &raw.win {
        let filled = lowering.fill(text)?;
        lowering.expr(&filled)?;
        parameters.win = filled.text.into_owned();
    }
    if let Some(text) = &raw.listen {
        let filled = lowering.fill(text)?;
        check_within(&filled, "listen ", lowering, |lowering, whole| {
            lowering.call(whole).map(|_| ())
        })?;
        parameters.listen = filled.text.into_owned();
    }
    Some(Request {
        state,
        role,
        via,
        parameters,
    })
}

/// Reads a part of what `given/` says, and tells of mistakes at that part.
fn check_within<T>(
    filled: &Filled,
    before: &str,
    lowering: &mut Lowering,
    check: impl Fn(&mut Lowering, &Filled) -> Option<T>,
) -> Option<T> {
    let text = format!("{before}{}", filled.text);
    let found = match before.starts_with("listen") {
        true => CallSpec::parse(&text).map(|_| ()),
        false => crate::notation::Pattern::parse(&text, Role::Inject).map(|_| ()),
    };
    if let Err(NotationError { at, message, help }) = found {
        let shift = |at: usize| at.saturating_sub(before.len());
        lowering.complain(
            filled,
            shift(at.start)..shift(at.end),
            (message, help.unwrap_or_default()),
        );
        return None;
    }
    let whole = Filled {
        text: text.into(),
        from: filled.from,
    };
    check(lowering, &whole)
}

/// A value that is one of a few words.
fn choice(text: Option<&Text>, name: &str, table: &[keys::Key], lowering: &mut Lowering) -> Option<Option<String>> {
    let Some(text) = text else {
        return Some(None);
    };
    let filled = lowering.fill(text)?;
    let words = table.iter().find(|key| key.name == name).map(|key| key.shape);
    let Some(keys::Shape::OneOf(words)) = words else {
        return Some(Some(filled.text.into_owned()));
    };
    if words.contains(&filled.text.as_ref()) {
        return Some(Some(filled.text.into_owned()));
    }
    let help =
        did_you_mean(&filled.text, words.iter().copied()).unwrap_or_else(|| format!("`{}`", words.join("` or `")));
    lowering.complain(
        &filled,
        0..filled.text.len(),
        (format!("`{name}` cannot be `{}`", filled.text), help),
    );
    None
}

/// Complains of a key of `given` that has no effect on how the state is reached; only where the state does not come
/// from the matrix, since there one line serves several states.
fn refuse_unheeded(raw: &RawGiven, request: &Request, shared: &Shared, lowering: &mut Lowering) -> bool {
    if raw.state.text.contains('$') {
        return true;
    }
    let written = [
        ("role", &raw.role),
        ("via", &raw.via),
        ("by", &raw.by),
        ("options", &raw.options),
        ("win", &raw.win),
        ("listen", &raw.listen),
    ];
    for (name, text) in written {
        let Some(text) = text else {
            continue;
        };
        if !shared.world.givens.heeds(request, name) {
            let message = format!("`{name}` makes no difference to `{}`", request.state);
            lowering.complain_at(&text.place, (message, "take it out".to_string()));
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::trial::{around, read_case, refuses, scripts};
    use crate::script::Tag;

    /// A case with one more line at its top level.
    fn with(line: &str) -> String {
        around("  - expect: ACK\n").replace("steps:", &format!("{line}\nsteps:"))
    }

    #[test]
    fn a_case_keeps_what_is_the_same_in_all_rows() {
        let text = with(
            "ids: {tc8: [TCP_BASICS_01], other: x}\ntags: [alone, slow]\nneeds: [sack, \"set:linger\"]\nconfigure: {ecn: true, syn-retries: 3}\nonly: {ip: 4, isn: wrap}",
        );
        let (case, problems) = read_case(&text);
        assert_eq!(problems, []);
        let case = case.unwrap();
        assert_eq!(
            (&*case.id, &*case.path, &*case.title, &*case.why),
            ("topic/name", "cases/topic/name.yaml", "T", "W")
        );
        assert_eq!(case.ids["tc8"], ["TCP_BASICS_01"]);
        assert_eq!(case.tags.to_vec(), [Tag::Alone, Tag::Word("slow".into())]);
        let script = &case.scripts[0];
        assert_eq!(script.needs, ["sack", "set:linger"]);
        assert_eq!(
            (script.configure["ecn"].as_str(), script.only["ip"].as_str()),
            ("true", "4")
        );
        assert_eq!(case.covers[0].id, "RFC9293-MUST-1");
    }

    #[test]
    fn covers_may_come_from_the_row() {
        let text = around("  - expect: ACK\n    covers: RFC9293-MUST-$k\n")
            .replace("covers: RFC9293-MUST-1\n", "covers: [$asks]\n")
            .replace(
                "steps:",
                "matrix:\n  - {name: a, asks: RFC9293-MUST-2, k: 4}\n  - {name: b, asks: RFC9293-MUST-3, k: 5}\nsteps:",
            );
        let scripts = scripts(&text);
        let ids: Vec<_> = scripts.iter().map(|script| script.covers[0].id.as_str()).collect();
        assert_eq!(ids, ["RFC9293-MUST-2", "RFC9293-MUST-3"]);
        let (case, _) = read_case(&text);
        assert_eq!(case.unwrap().covers.len(), 4);
    }

    #[test]
    fn words_for_what_is_outside_are_looked_up() {
        refuses(
            &with("needs: [«urgnet»]"),
            "`urgnet` is neither an ability nor a condition",
            "did you mean `urgent`?",
        );
        refuses(
            &with("needs: «sausage»"),
            "`sausage` is neither an ability nor a condition",
            "known are abort",
        );
        refuses(
            &with("configure: {«syn-cookie»: always}"),
            "unknown setting `syn-cookie`",
            "did you mean `syn-cookies`?",
        );
        refuses(
            &with("configure: {syn-cookies: «sometimes»}"),
            "`syn-cookies` cannot be `sometimes`",
            "`never`, `when-full`",
        );
        refuses(
            &with("configure: {syn-retries: «few»}"),
            "`syn-retries` cannot be `few`",
            "a whole number",
        );
        refuses(&with("only: {«ipv»: 4}"), "`ipv` is not an axis", "`ip` and `isn`");
        refuses(&with("only: {ip: «5»}"), "`ip` cannot be `5`", "`4` or `6`");
    }

    #[test]
    fn ids_and_tags_have_their_shapes() {
        refuses(
            &with("tags: [«Two Words»]"),
            "`Two Words` cannot be a tag",
            "lower-case",
        );
        refuses(
            &with("ids: {tc8: «TCP_basics_1»}"),
            "`TCP_basics_1` is not an id of TC8",
            "TCP_BASICS_01",
        );
        refuses(&with("ids: {other: «\"two words\"»}"), "is not an id", "one word");
        refuses(&with("ids: {«TC8»: x}"), "`TC8` cannot be a suite", "tc8");
    }

    #[test]
    fn a_headline_is_a_line() {
        refuses(
            &around("  - expect: ACK\n")
                .replace("title: T", "title: \"«»\"")
                .replace("«»", ""),
            "`title` is empty",
            "a claim",
        );
        refuses(
            &around("  - expect: ACK\n").replace("title: T", "title: |\n  a\n  b\n"),
            "a title of several lines",
            "one line",
        );
        refuses(
            &around("  - expect: ACK\n").replace("covers: RFC9293-MUST-1", "covers: []"),
            "the case covers nothing",
            "name a",
        );
        refuses(
            &around("").replace("steps:", "steps: []"),
            "the case has no steps",
            "expect something",
        );
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_and_in_order() {
        let text = with("tags: [A]\nneeds: [x1]").replace("ACK", "AKC") + "  - state: nowhere\n  - wait: soonish\n";
        let (case, problems) = read_case(&text);
        assert!(case.is_none());
        let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [5, 6, 8, 9, 10]);
    }

    #[test]
    fn the_same_mistake_in_many_rows_is_told_once() {
        let text = around("  - expect: AKC seq=$a\n").replace("steps:", "matrix: {a: [1, 2, 3]}\nsteps:");
        let (_, problems) = read_case(&text);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].note.as_deref(), Some("in row `a=1` it reads `AKC seq=1`"));
    }

    #[test]
    fn what_is_wrong_beside_a_wrong_matrix_is_told_too() {
        let text = around("  - expect: AKC\n  - inject: $seg\n    where: {what: 1}\n")
            .replace("steps:", "matrix: {seg: [SYN,ACK]}\nsteps:");
        let (_, problems) = read_case(&text);
        let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
        assert_eq!(lines, [5, 7], "{problems:?}");
    }

    #[test]
    fn too_many_steps_in_all_rows_are_refused() {
        let rows: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let text = around("  - repeat: 9000\n    steps:\n      - inject: ACK seq=$a\n  - expect: ACK\n").replace(
            "steps:\n  - repeat",
            &format!("matrix: {{a: [{}]}}\nsteps:\n  - repeat", rows.join(", ")),
        );
        refuses(&text, "more than 200000 steps in all rows", "split the case");
    }
}
