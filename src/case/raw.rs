//! A case as its file has it: known keys, texts with their places, nothing filled in and nothing looked up.

use super::keys::{self, Key};
use super::yaml::{Node, Place, Report, Text};
use crate::notation::did_you_mean;
use std::collections::BTreeMap;

/// A case.
#[derive(Debug)]
pub(super) struct RawCase {
    pub(super) title: Text,
    pub(super) why: Text,
    pub(super) reading: Option<Text>,
    pub(super) covers: Vec<Text>,
    pub(super) ids: Vec<(Text, Vec<Text>)>,
    pub(super) tags: Vec<Text>,
    pub(super) needs: Vec<Text>,
    pub(super) configure: Vec<(Text, Text)>,
    pub(super) only: Vec<(Text, Text)>,
    pub(super) connections: Vec<RawConnection>,
    pub(super) given: Vec<RawGiven>,
    pub(super) matrix: Option<Node>,
    pub(super) steps: Vec<RawStep>,
}

/// A declared connection.
#[derive(Debug)]
pub(super) struct RawConnection {
    pub(super) name: Text,
    pub(super) host: Option<Text>,
    pub(super) count: Option<Text>,
    pub(super) tuple: Option<Text>,
    pub(super) isn: Option<Text>,
}

/// A state to begin from.
#[derive(Debug)]
pub(super) struct RawGiven {
    pub(super) state: Text,
    pub(super) role: Option<Text>,
    pub(super) via: Option<Text>,
    pub(super) by: Option<Text>,
    pub(super) options: Option<Text>,
    pub(super) win: Option<Text>,
    pub(super) listen: Option<Text>,
    pub(super) conn: Option<Text>,
}

/// The word of a step, in the order of [`keys::STEPS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Inject,
    Fill,
    Expect,
    Call,
    Result,
    Wait,
    State,
    AnyOf,
    Repeat,
    Faults,
    Check,
}

impl Word {
    const ALL: [Word; 11] = [
        Word::Inject,
        Word::Fill,
        Word::Expect,
        Word::Call,
        Word::Result,
        Word::Wait,
        Word::State,
        Word::AnyOf,
        Word::Repeat,
        Word::Faults,
        Word::Check,
    ];

    pub(super) fn name(self) -> &'static str {
        keys::STEPS[self as usize].key.name
    }

    fn from_name(name: &str) -> Option<Word> {
        Word::ALL.into_iter().find(|word| word.name() == name)
    }
}

/// A step.
#[derive(Debug)]
pub(super) struct RawStep {
    pub(super) word: Word,
    pub(super) place: Place,
    pub(super) head: Head,
    pub(super) only_where: Vec<(Text, Vec<Text>)>,
    pub(super) covers: Vec<Text>,
    pub(super) conn: Option<Text>,
    pub(super) label: Option<Text>,
    pub(super) within: Option<Text>,
    pub(super) since: Option<Text>,
    pub(super) lasting: Option<Text>,
    pub(super) segments: Option<Text>,
    pub(super) count: Option<Text>,
    pub(super) acknowledge: Option<Text>,
    pub(super) measure: Vec<(Text, Text)>,
    pub(super) returns: Vec<Text>,
    pub(super) right: Vec<Text>,
    pub(super) by: Vec<(Text, Vec<Text>)>,
}

/// What stands behind a step's word.
#[derive(Debug)]
pub(super) enum Head {
    Text(Text),
    Outcomes(Vec<(Text, Vec<RawStep>)>),
    Repeat(Text, Vec<RawStep>),
    Faults(Vec<RawFault>),
}

/// A line of `faults:`.
#[derive(Debug)]
pub(super) struct RawFault {
    pub(super) kind: Text,
    pub(super) segment: Text,
    pub(super) nth: Option<Text>,
    pub(super) from: Option<Text>,
    pub(super) by: Option<Text>,
    pub(super) conn: Option<Text>,
}

/// The pairs of a map, which are taken out by name. The keys that are left over are unknown ones.
pub(crate) struct Fields {
    pairs: Vec<(Text, Node)>,
    pub(super) place: Place,
}

impl Fields {
    pub(crate) fn of(node: Node, what: &str, report: &mut Report) -> Option<Fields> {
        match node {
            Node::Map(pairs, place) => Some(Fields { pairs, place }),
            other => {
                let help = "write `key: value` below it";
                report.add(other.place(), format!("{what} is a map"), Some(help.into()));
                None
            }
        }
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Node> {
        let at = self.pairs.iter().position(|(key, _)| key.text == name)?;
        Some(self.pairs.remove(at).1)
    }

    pub(crate) fn text(&mut self, name: &str, report: &mut Report) -> Option<Text> {
        text(self.take(name)?, &format!("`{name}`"), report)
    }

    pub(crate) fn texts(&mut self, name: &str, report: &mut Report) -> Vec<Text> {
        self.take(name)
            .map(|node| texts(node, &format!("`{name}`"), report))
            .unwrap_or_default()
    }

    fn text_map(&mut self, name: &str, report: &mut Report) -> Vec<(Text, Text)> {
        let pairs = self.map(name, report);
        pairs
            .into_iter()
            .filter_map(|(key, node)| {
                let what = format!("`{}`", key.text);
                Some((key, text(node, &what, report)?))
            })
            .collect()
    }

    /// Whether the key is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(key, _)| key.text == name)
    }

    /// Where the map begins.
    pub(crate) fn begin(&self) -> Place {
        Place {
            at: self.place.at.start..self.place.at.start,
            ..self.place
        }
    }

    /// Where the key stands.
    pub(crate) fn place_of(&self, name: &str) -> Option<Place> {
        let (key, _) = self.pairs.iter().find(|(key, _)| key.text == name)?;
        Some(key.place.clone())
    }

    /// All pairs, each of which must be of texts.
    pub(crate) fn into_texts(self, what: &str, report: &mut Report) -> BTreeMap<String, String> {
        let pairs = self.pairs.into_iter().filter_map(|(key, node)| {
            let what = format!("`{}` of {what}", key.text);
            Some((key.text, text(node, &what, report)?.text))
        });
        pairs.collect()
    }

    fn texts_map(&mut self, name: &str, report: &mut Report) -> Vec<(Text, Vec<Text>)> {
        let pairs = self.map(name, report);
        pairs
            .into_iter()
            .map(|(key, node)| {
                let what = format!("`{}`", key.text);
                (key, texts(node, &what, report))
            })
            .collect()
    }

    pub(crate) fn map(&mut self, name: &str, report: &mut Report) -> Vec<(Text, Node)> {
        self.take(name)
            .and_then(|node| Fields::of(node, &format!("`{name}`"), report))
            .map(|fields| fields.pairs)
            .unwrap_or_default()
    }

    /// Everything that was not taken.
    pub(crate) fn into_pairs(self) -> Vec<(Text, Node)> {
        self.pairs
    }

    /// Complains of everything that was not taken.
    pub(crate) fn deny_rest(self, what: &str, known: &[&'static str], report: &mut Report) {
        for (key, _) in self.pairs {
            let help = did_you_mean(&key.text, known.iter().copied())
                .unwrap_or_else(|| format!("{what} has `{}`", known.join("`, `")));
            report.add(&key.place, format!("unknown key `{}`", key.text), Some(help));
        }
    }
}

pub(super) fn text(node: Node, what: &str, report: &mut Report) -> Option<Text> {
    match node {
        Node::Text(text) => Some(text),
        other => {
            report.add(
                other.place(),
                format!("{what} is a text"),
                Some("write it on one line".into()),
            );
            None
        }
    }
}

/// A text, or a list of texts.
fn texts(node: Node, what: &str, report: &mut Report) -> Vec<Text> {
    match node {
        Node::Text(text) => vec![text],
        Node::List(items, _) => items
            .into_iter()
            .filter_map(|item| text(item, &format!("each item of {what}"), report))
            .collect(),
        Node::Map(_, place) => {
            report.add(&place, format!("{what} is a text or a list of texts"), None);
            Vec::new()
        }
    }
}

fn listed(keys: &[Key]) -> Vec<&'static str> {
    keys::names(keys).collect()
}

impl RawCase {
    pub(super) fn from_node(node: Node, report: &mut Report) -> Option<RawCase> {
        let mut fields = Fields::of(node, "a case", report)?;
        let mut missing = false;
        for name in keys::CASE_REQUIRED {
            if !fields.has(name) {
                let place = fields.begin();
                let help = keys::CASE
                    .iter()
                    .find(|key| key.name == *name)
                    .map(|key| key.tells.to_string());
                report.add(&place, format!("`{name}` is missing"), help);
                missing = true;
            }
        }
        let title = fields.text("title", report);
        let why = fields.text("why", report);
        let case = RawCase {
            title: title.unwrap_or_else(|| Text::made_up("")),
            why: why.unwrap_or_else(|| Text::made_up("")),
            reading: fields.text("reading", report),
            covers: fields.texts("covers", report),
            ids: fields.texts_map("ids", report),
            tags: fields.texts("tags", report),
            needs: fields.texts("needs", report),
            configure: fields.text_map("configure", report),
            only: fields.text_map("only", report),
            connections: connections(&mut fields, report),
            given: givens(fields.take("given"), report),
            matrix: fields.take("matrix"),
            steps: steps(fields.take("steps"), report),
        };
        fields.deny_rest("a case", &listed(keys::CASE), report);
        (!missing).then_some(case)
    }
}

fn connections(fields: &mut Fields, report: &mut Report) -> Vec<RawConnection> {
    let declared = fields.map("connections", report);
    declared
        .into_iter()
        .filter_map(|(name, node)| {
            let mut fields = Fields::of(node, "a connection", report)?;
            let connection = RawConnection {
                name,
                host: fields.text("host", report),
                count: fields.text("count", report),
                tuple: fields.text("tuple", report),
                isn: fields.text("isn", report),
            };
            fields.deny_rest("a connection", &listed(keys::CONNECTION), report);
            Some(connection)
        })
        .collect()
}

/// One state, or a list of them.
fn givens(node: Option<Node>, report: &mut Report) -> Vec<RawGiven> {
    match node {
        None => vec![just(Text::made_up("closed"))],
        Some(Node::List(items, _)) => items.into_iter().filter_map(|item| given(item, report)).collect(),
        Some(node) => given(node, report).into_iter().collect(),
    }
}

fn just(state: Text) -> RawGiven {
    RawGiven {
        state,
        role: None,
        via: None,
        by: None,
        options: None,
        win: None,
        listen: None,
        conn: None,
    }
}

fn given(node: Node, report: &mut Report) -> Option<RawGiven> {
    if let Node::Text(state) = node {
        return Some(just(state));
    }
    let mut fields = Fields::of(node, "`given`", report)?;
    let place = fields.place.clone();
    let state = fields.text("state", report);
    let given = RawGiven {
        role: fields.text("role", report),
        via: fields.text("via", report),
        by: fields.text("by", report),
        options: fields.text("options", report),
        win: fields.text("win", report),
        listen: fields.text("listen", report),
        conn: fields.text("conn", report),
        ..just(state.clone().unwrap_or_else(|| Text::made_up("closed")))
    };
    fields.deny_rest("`given`", &listed(keys::GIVEN), report);
    if state.is_none() {
        report.add(
            &place,
            "`state` is missing",
            Some("name the state to begin from".into()),
        );
    }
    state.map(|_| given)
}

/// A list of steps.
pub(super) fn steps(node: Option<Node>, report: &mut Report) -> Vec<RawStep> {
    match node {
        None => Vec::new(),
        Some(Node::List(items, _)) => items.into_iter().filter_map(|item| step(item, report)).collect(),
        Some(other) => {
            report.add(other.place(), "steps are a list", Some("begin each with `- `".into()));
            Vec::new()
        }
    }
}

/// The one word of a step, and what stands behind it.
fn word_of(fields: &mut Fields, report: &mut Report) -> Option<(Word, Place, Node)> {
    let mut found = None;
    let mut at = 0;
    while at < fields.pairs.len() {
        let Some(word) = Word::from_name(&fields.pairs[at].0.text) else {
            at += 1;
            continue;
        };
        let (key, node) = fields.pairs.remove(at);
        if found.is_some() {
            let message = format!("a step does one thing: `{}` is a second one", key.text);
            report.add(&key.place, message, Some("begin a new step with `- `".into()));
        } else {
            found = Some((word, key.place, node));
        }
    }
    if found.is_none() {
        let words: Vec<_> = keys::STEPS.iter().map(|step| step.key.name).collect();
        let near = fields.pairs.iter().find_map(|(key, _)| {
            let help = did_you_mean(&key.text, words.iter().copied())?;
            Some((key.place.clone(), format!("unknown step `{}`", key.text), help))
        });
        let (place, message, help) = near.unwrap_or_else(|| {
            let place = match fields.pairs.first() {
                Some((key, _)) => key.place.clone(),
                None => fields.place.clone(),
            };
            (
                place,
                "a step that does nothing".to_string(),
                format!("write one of `{}`", words.join("`, `")),
            )
        });
        report.add(&place, message, Some(help));
    }
    found
}

fn step(node: Node, report: &mut Report) -> Option<RawStep> {
    let mut fields = Fields::of(node, "a step", report)?;
    let (word, place, node) = word_of(&mut fields, report)?;
    deny_misplaced(&mut fields, word, report);
    let head = match word {
        Word::AnyOf => Head::Outcomes(outcomes(node, report)?),
        Word::Faults => Head::Faults(faults(node, report)?),
        Word::Repeat => {
            let inner = fields.take("steps");
            if inner.is_none() {
                report.add(
                    &place,
                    "`steps` is missing",
                    Some("write what is to be repeated".into()),
                );
            }
            Head::Repeat(text(node, "`repeat`", report)?, steps(inner, report))
        }
        Word::Inject
        | Word::Fill
        | Word::Expect
        | Word::Call
        | Word::Result
        | Word::Wait
        | Word::State
        | Word::Check => Head::Text(text(node, &format!("`{}`", word.name()), report)?),
    };
    let step = RawStep {
        word,
        place,
        head,
        only_where: fields.texts_map("where", report),
        covers: fields.texts("covers", report),
        conn: fields.text("conn", report),
        label: fields.text("as", report),
        within: fields.text("within", report),
        since: fields.text("since", report),
        lasting: fields.text("for", report),
        segments: fields.text("segments", report),
        count: fields.text("count", report),
        acknowledge: fields.text("acknowledge", report),
        measure: fields.text_map("measure", report),
        returns: fields.texts("returns", report),
        right: fields.texts("right", report),
        by: fields.texts_map("by", report),
    };
    let mut known: Vec<_> = keys::STEPS[word as usize].beside.to_vec();
    known.extend(keys::ALWAYS_BESIDE);
    fields.deny_rest(&format!("`{}`", word.name()), &known, report);
    Some(step)
}

/// Takes out the keys that belong to another word, with a complaint.
fn deny_misplaced(fields: &mut Fields, word: Word, report: &mut Report) {
    let own = keys::STEPS[word as usize].beside;
    fields.pairs.retain(|(key, _)| {
        let name = key.text.as_str();
        let known = keys::names(keys::BESIDE).any(|known| known == name);
        // A repeat is unrolled: there is no one step that could have the name.
        let nameless = name == "as" && word == Word::Repeat;
        if !known || !nameless && (own.contains(&name) || keys::ALWAYS_BESIDE.contains(&name)) {
            return true;
        }
        let owners: Vec<_> = keys::STEPS
            .iter()
            .filter(|step| step.beside.contains(&name))
            .map(|step| step.key.name)
            .collect();
        let help = match nameless {
            true => "name a step inside it".to_string(),
            false => format!("it goes with `{}`", owners.join("`, `")),
        };
        report.add(
            &key.place,
            format!("`{name}` does not go with `{}`", word.name()),
            Some(help),
        );
        false
    });
}

fn outcomes(node: Node, report: &mut Report) -> Option<Vec<(Text, Vec<RawStep>)>> {
    let place = node.place().clone();
    let fields = Fields::of(node, "`any-of`", report)?;
    if fields.pairs.is_empty() {
        report.add(
            &place,
            "no outcome",
            Some("name the outcomes, each with its steps".into()),
        );
    }
    let named = fields.pairs.into_iter().map(|(name, node)| {
        let inner = steps(Some(node), report);
        (name, inner)
    });
    Some(named.collect())
}

fn faults(node: Node, report: &mut Report) -> Option<Vec<RawFault>> {
    match node {
        Node::List(items, _) => Some(items.into_iter().filter_map(|item| fault(item, report)).collect()),
        other => {
            let help = "write `- drop: SEGMENT` below it, or [] to end them";
            report.add(other.place(), "`faults` is a list", Some(help.into()));
            None
        }
    }
}

fn fault(node: Node, report: &mut Report) -> Option<RawFault> {
    let mut fields = Fields::of(node, "a fault", report)?;
    let kinds = listed(keys::FAULTS);
    let known: Vec<_> = kinds.iter().copied().chain(keys::names(keys::FAULT_BESIDE)).collect();
    let at = fields
        .pairs
        .iter()
        .position(|(key, _)| kinds.contains(&key.text.as_str()));
    let found = at.map(|at| fields.pairs.remove(at));
    let beside = (
        fields.text("nth", report),
        fields.text("from", report),
        fields.text("by", report),
        fields.text("conn", report),
    );
    let place = fields.place.clone();
    let unknown = !fields.pairs.is_empty();
    fields.deny_rest("a fault", &known, report);
    let Some((kind, node)) = found else {
        if !unknown {
            let help = format!("write one of `{}`", kinds.join("`, `"));
            report.add(&place, "a fault that does nothing", Some(help));
        }
        return None;
    };
    let (nth, from, by, conn) = beside;
    Some(RawFault {
        segment: text(node, &format!("`{}`", kind.text), report)?,
        kind,
        nth,
        from,
        by,
        conn,
    })
}

#[cfg(test)]
mod tests {
    use super::super::trial::{around, read_case, refuses, refuses_steps};
    use super::*;

    #[test]
    fn words_stand_in_the_order_of_their_table() {
        for word in Word::ALL {
            assert_eq!(Word::from_name(word.name()), Some(word));
        }
        assert_eq!(Word::ALL.len(), keys::STEPS.len());
        assert_eq!(Word::AnyOf.name(), "any-of");
        assert_eq!(Word::Check.name(), "check");
    }

    #[test]
    fn everything_that_is_missing_is_told() {
        let (_, problems) = read_case("tags: x\n");
        let messages: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "`title` is missing",
                "`why` is missing",
                "`covers` is missing",
                "`steps` is missing"
            ]
        );
    }

    #[test]
    fn unknown_keys_are_told_with_what_was_meant() {
        refuses(
            &around("  - expect: ACK\n").replace("why:", "«whi»: x\nwhy:"),
            "unknown key `whi`",
            "did you mean `why`?",
        );
        refuses(
            &around("  - expect: ACK\n").replace("why:", "«sausage»: x\nwhy:"),
            "unknown key `sausage`",
            "a case has `title`",
        );
        refuses_steps(
            "  - expect: ACK\n    «witin»: 1s\n",
            "unknown key `witin`",
            "did you mean `within`?",
        );
        refuses(
            &around("  - expect: ACK\n").replace("given: established", "given: {state: established, «rule»: active}"),
            "unknown key `rule`",
            "did you mean `role`?",
        );
        refuses(
            &around("  - expect: ACK\n").replace("steps:", "connections: {b: {«hots»: x}}\nsteps:"),
            "unknown key `hots`",
            "did you mean `host`?",
        );
    }

    #[test]
    fn a_key_beside_the_wrong_word_is_told() {
        refuses_steps(
            "  - expect: ACK\n  - inject: ACK\n    «within»: 1s\n",
            "`within` does not go with `inject`",
            "it goes with `expect`, `result`",
        );
        refuses_steps(
            "  - repeat: 2\n    «as»: x\n    steps:\n      - expect: ACK\n",
            "`as` does not go with `repeat`",
            "name a step inside it",
        );
    }

    #[test]
    fn a_step_does_one_thing() {
        refuses_steps(
            "  - expect: ACK\n    «inject»: ACK\n",
            "`inject` is a second one",
            "begin a new step",
        );
        refuses_steps(
            "  - expect: ACK\n  - «injekt»: ACK\n",
            "unknown step `injekt`",
            "did you mean `inject`?",
        );
        refuses_steps(
            "  - expect: ACK\n  - «conn»: main\n",
            "a step that does nothing",
            "write one of `inject`",
        );
        refuses_steps("  - expect: ACK\n  - «just words»\n", "a step is a map", "key: value");
    }

    #[test]
    fn maps_lists_and_texts_stand_where_they_belong() {
        refuses("«- a»\n", "a case is a map", "key: value");
        refuses_steps("  - expect: «[ACK]»\n", "`expect` is a text", "on one line");
        refuses_steps("  - any-of: «x»\n  - expect: ACK\n", "`any-of` is a map", "key: value");
        refuses_steps("  - any-of: «{}»\n  - expect: ACK\n", "no outcome", "name the outcomes");
        refuses_steps(
            "  - faults: «x»\n  - expect: ACK\n",
            "`faults` is a list",
            "[] to end them",
        );
        refuses_steps("  - «repeat»: 3\n  - expect: ACK\n", "`steps` is missing", "repeated");
        refuses(
            &around("  - expect: ACK\n").replace("covers: RFC9293-MUST-1", "covers: «{a: b}»"),
            "a list of texts",
            "",
        );
        refuses(
            &around("  - expect: ACK\n").replace("given: established", "given: «{role: active}»"),
            "`state` is missing",
            "name the state",
        );
    }

    #[test]
    fn a_fault_does_one_thing() {
        refuses_steps(
            "  - faults:\n      - «dorp»: SYN\n  - expect: ACK\n",
            "unknown key `dorp`",
            "did you mean `drop`?",
        );
        refuses_steps(
            "  - faults: [«{nth: 1}»]\n  - expect: ACK\n",
            "a fault that does nothing",
            "`drop`",
        );
    }
}
