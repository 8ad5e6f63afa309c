//! How a target is brought into each state: `given/*.yaml`, in the language of cases.

use super::flow::{Complaint, Flow};
use super::keys;
use super::lower::{Inherited, Lowering, MAX_STEPS};
use super::matrix::{Cell, Part, Row, parts};
use super::problem::Problem;
use super::raw::{Fields, Head, RawStep, steps};
use super::requirement::Catalogue;
use super::roster::Roster;
use super::yaml::{Node, Report, Source, Text, read};
use crate::notation::did_you_mean;
use crate::rfc::State;
use crate::script::{ConnId, Position, Step, StepKind};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a case may say about how a state is reached.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Request {
    pub(super) state: State,
    pub(super) role: Option<String>,
    pub(super) via: Option<String>,
    pub(super) parameters: Parameters,
}

/// What stands for `$by`, `$options`, `$win` and `$listen`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Parameters {
    pub(super) by: String,
    pub(super) options: String,
    pub(super) win: String,
    pub(super) listen: String,
}

impl Default for Parameters {
    fn default() -> Self {
        Parameters {
            by: "shutdown".into(),
            // No value: MTU less headers, which depends on the IP version of the run.
            options: "<mss>".into(),
            win: "65535".into(),
            listen: String::new(),
        }
    }
}

impl Parameters {
    const NAMES: [&'static str; 4] = ["by", "options", "win", "listen"];

    fn row(&self) -> Row {
        let values = [&self.by, &self.options, &self.win, &self.listen];
        let cells = Self::NAMES.into_iter().zip(values);
        Row {
            name: String::new(),
            cells: cells
                .map(|(name, value)| (name.to_string(), Cell::plain(value)))
                .collect(),
        }
    }
}

/// One way into a state.
#[derive(Debug)]
struct Way {
    role: Option<Text>,
    via: Option<Text>,
    from: Option<Text>,
    steps: Vec<RawStep>,
}

/// One file.
#[derive(Debug)]
struct GivenFile {
    source: Source,
    ways: Vec<Way>,
}

/// Which part of a request cannot be met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    State,
    Role,
    Via,
}

/// All states that can be reached.
#[derive(Debug, Default)]
pub(super) struct Givens {
    files: BTreeMap<State, Arc<GivenFile>>,
    cache: RefCell<BTreeMap<Request, Arc<[Step]>>>,
}

impl Givens {
    /// A copy, to which the files of another library may be added.
    pub(super) fn copied(&self) -> Givens {
        Givens {
            files: self.files.clone(),
            cache: RefCell::default(),
        }
    }

    /// Adds or replaces one state.
    pub(super) fn add(&mut self, name: &str, source: &Source, problems: &mut Vec<Problem>) {
        let Some(state) = State::from_name(name) else {
            let names = State::ALL.map(State::name);
            let help = did_you_mean(name, names).unwrap_or_else(|| format!("states are {}", names.join(", ")));
            problems.push(Problem::with_file(
                &source.name,
                format!("there is no state `{name}`"),
                help,
            ));
            return;
        };
        let mut report = Report::new(source);
        let ways = read(&mut report)
            .map(|node| ways(node, &mut report))
            .unwrap_or_default();
        let clean = report.is_clean();
        problems.extend(report.finish());
        if clean {
            let file = GivenFile {
                source: source.clone(),
                ways,
            };
            self.files.insert(state, Arc::new(file));
        }
    }

    /// Every way into every state, checked as strictly as a case. Each step must name the requirement of the transition
    /// that it belongs to: where a target does not make it, the case's requirement has not been reached.
    pub(super) fn check(&self, catalogue: &Catalogue, problems: &mut Vec<Problem>) {
        let mut told = BTreeSet::new();
        for (&state, file) in &self.files {
            for way in &file.ways {
                let text = |text: &Option<Text>| text.as_ref().map(|text| text.text.clone());
                let request = Request {
                    state,
                    role: text(&way.role),
                    via: text(&way.via),
                    parameters: Parameters::default(),
                };
                let found = match self.spell_out(&request, catalogue) {
                    Ok(steps) => unbound(&steps).map(|step| self.without_covers(step)).collect(),
                    Err(Failure::Unknown(_, (message, help))) => {
                        vec![Problem::with_file(&file.source.name, message, help)]
                    }
                    Err(Failure::Wrong(found)) => found,
                };
                // The files build on each other, so one mistake may be met on several ways.
                let new = |problem: &Problem| {
                    told.insert((
                        problem.file.clone(),
                        problem.line,
                        problem.column,
                        problem.message.clone(),
                    ))
                };
                problems.extend(found.into_iter().filter(new));
            }
        }
    }

    fn without_covers(&self, step: &Step) -> Problem {
        let Position { file, line, column } = &step.position;
        let text = self.files.values().find(|known| known.source.name == *file);
        let excerpt = text.and_then(|known| known.source.text.lines().nth(*line as usize - 1));
        let help = "name the requirement of the transition that this step belongs to";
        Problem {
            line: *line as usize,
            column: *column as usize,
            excerpt: excerpt.map(String::from),
            ..Problem::with_file(file, format!("`{}` has no `covers`", step.text), help)
        }
    }

    /// The steps into a state, on the first connection.
    pub(super) fn spell_out(&self, request: &Request, catalogue: &Catalogue) -> Result<Arc<[Step]>, Failure> {
        if let Some(steps) = self.cache.borrow().get(request) {
            return Ok(steps.clone());
        }
        let chain = self.chain(request)?;
        let row = request.parameters.row();
        let roster = Roster::new();
        let mut flow = Flow::default();
        let mut room = Some(MAX_STEPS);
        let mut spelled = Vec::new();
        for (file, way) in chain {
            let mut report = Report::new(&file.source);
            let mut lowering = Lowering {
                report: &mut report,
                catalogue,
                row: &row,
                roster: &roster,
                flow,
                index: None,
                room,
                failed: false,
                blind: false,
                kept: &mut BTreeSet::new(),
            };
            let inherited = Inherited {
                conns: vec![ConnId(0)],
                covers: Vec::new(),
            };
            lowering.steps(&way.steps, &inherited, &mut spelled);
            (flow, room) = (lowering.flow, lowering.room);
            if !report.is_clean() {
                return Err(Failure::Wrong(report.finish()));
            }
        }
        let steps: Arc<[Step]> = spelled.into();
        self.cache.borrow_mut().insert(request.clone(), steps.clone());
        Ok(steps)
    }

    /// Whether a parameter, or `role` or `via`, makes a difference on the way.
    pub(super) fn heeds(&self, request: &Request, name: &str) -> bool {
        let Ok(chain) = self.chain(request) else {
            return true;
        };
        chain.iter().any(|(file, way)| match name {
            "role" => way.role.is_some(),
            "via" => file.ways.iter().any(|way| way.via.is_some()),
            _ => mentions(&way.steps, name),
        })
    }

    /// The ways that lead one after the other into the state, the first one first.
    fn chain(&self, request: &Request) -> Result<Vec<(&GivenFile, &Way)>, Failure> {
        let mut chain = Vec::new();
        let mut state = request.state;
        loop {
            let unknown = |message: String, help: &str| Failure::Unknown(Field::State, (message, help.to_string()));
            let Some(file) = self.files.get(&state) else {
                let message = format!("`given/{state}.yaml` is missing");
                return Err(unknown(message, "the states are in cases/given/"));
            };
            if chain.len() == State::ALL.len() {
                return Err(unknown(
                    format!("the ways into `{state}` go in a circle"),
                    "look at `from` in given/",
                ));
            }
            let way = file.choose(state, request)?;
            chain.push((file.as_ref(), way));
            match way.from.as_ref().map(|from| State::from_name(&from.text)) {
                None => break,
                Some(Some(from)) => state = from,
                Some(None) => return Err(unknown(format!("`given/{state}.yaml` is wrong"), "see its own problem")),
            }
        }
        chain.reverse();
        Ok(chain)
    }
}

/// Why a request cannot be met.
#[derive(Debug)]
pub(super) enum Failure {
    /// It asks for something that is not there.
    Unknown(Field, Complaint),
    /// A file in `given/` is wrong.
    Wrong(Vec<Problem>),
}

/// What tells the ways of one file apart.
type PartOf = fn(&Way) -> Option<&Text>;

impl GivenFile {
    fn choose(&self, state: State, request: &Request) -> Result<&Way, Failure> {
        let role = (Field::Role, "role", &request.role);
        // `via` is about the way into this state, not about those into the states before it.
        let via = (Field::Via, "via", &request.via);
        let mut ways: Vec<&Way> = self.ways.iter().collect();
        let wanted: [(_, PartOf); 2] = [(role, |way| way.role.as_ref()), (via, |way| way.via.as_ref())];
        for ((field, name, wanted), of) in wanted {
            let known: Vec<&str> = ways
                .iter()
                .filter_map(|way| of(way))
                .map(|text| text.text.as_str())
                .collect();
            if known.is_empty() {
                continue;
            }
            let default = match (field, known.contains(&"passive")) {
                (Field::Role, true) => "passive",
                _ => known[0],
            };
            let chosen = wanted.as_deref().unwrap_or(default);
            if !known.contains(&chosen) {
                let message = format!("`{state}` has no {name} `{chosen}`");
                return Err(Failure::Unknown(
                    field,
                    (message, format!("it has `{}`", known.join("`, `"))),
                ));
            }
            ways.retain(|way| of(way).is_some_and(|text| text.text == chosen));
        }
        match ways.first() {
            Some(way) => Ok(way),
            None => {
                let complaint = (format!("no way leads into `{state}`"), "write its steps".to_string());
                Err(Failure::Unknown(Field::State, complaint))
            }
        }
    }
}

/// The steps, those within an `any-of` too, at which a target can fail and that name no requirement.
fn unbound(steps: &[Step]) -> impl Iterator<Item = &Step> {
    let mut left: Vec<&Step> = steps.iter().rev().collect();
    std::iter::from_fn(move || {
        while let Some(step) = left.pop() {
            if let StepKind::AnyOf(any_of) = &step.kind {
                left.extend(any_of.outcomes.iter().flat_map(|(_, steps)| steps).rev());
            }
            let harmless = matches!(step.kind, StepKind::Wait(..) | StepKind::Faults(_));
            if step.covers.is_empty() && !harmless {
                return Some(step);
            }
        }
        None
    })
}

fn mentions(steps: &[RawStep], name: &str) -> bool {
    let in_text = |text: &Text| {
        let found = parts(&text.text);
        found
            .iter()
            .any(|part| matches!(part, Part::Name { name: found, .. } if *found == name))
    };
    steps.iter().any(|step| match &step.head {
        Head::Text(text) => in_text(text),
        Head::Outcomes(outcomes) => outcomes.iter().any(|(_, steps)| mentions(steps, name)),
        Head::Repeat(_, steps) => mentions(steps, name),
        Head::Faults(faults) => faults.iter().any(|fault| in_text(&fault.segment)),
    })
}

/// What a file says: steps, or steps for each role, or for each way.
fn ways(node: Node, report: &mut Report) -> Vec<Way> {
    let Some(mut fields) = Fields::of(node, "a state", report) else {
        return Vec::new();
    };
    let place = fields.place.clone();
    if fields.text("title", report).is_none_or(|title| title.text.is_empty()) {
        report.add(
            &place,
            "`title` is missing",
            Some("say what has happened in this state".into()),
        );
    }
    let mut found = Vec::new();
    let parts = [fields.take("steps"), fields.take("roles"), fields.take("via")];
    let from = fields.text("from", report);
    if parts.iter().flatten().count() != 1 {
        let help = "write one of `steps`, `roles`, `via`";
        report.add(&place, "how is the state reached?", Some(help.into()));
    }
    let [own, roles, via] = parts;
    if let Some(node) = own {
        found.push(Way {
            role: None,
            via: None,
            from: from.clone(),
            steps: steps(Some(node), report),
        });
    }
    if let Some(fields) = roles.and_then(|node| Fields::of(node, "`roles`", report)) {
        for (role, node) in fields.into_pairs() {
            if !["passive", "active"].contains(&role.text.as_str()) {
                let help = "roles are `passive` and `active`";
                report.add(
                    &role.place,
                    format!("there is no role `{}`", role.text),
                    Some(help.into()),
                );
            }
            found.push(Way {
                role: Some(role),
                via: None,
                from: from.clone(),
                steps: steps(Some(node), report),
            });
        }
    }
    if let Some(pairs) = via.and_then(|node| Fields::of(node, "`via`", report)) {
        for (via, node) in pairs.into_pairs() {
            let Some(mut fields) = Fields::of(node, "a way", report) else {
                continue;
            };
            found.push(Way {
                role: None,
                via: Some(via),
                from: fields.text("from", report).or(from.clone()),
                steps: steps(fields.take("steps"), report),
            });
            fields.deny_rest("a way", &["from", "steps"], report);
        }
    }
    fields.deny_rest("a state", keys::GIVEN_FILE, report);
    for from in found.iter().filter_map(|way| way.from.as_ref()) {
        if State::from_name(&from.text).is_none() {
            report.add(&from.place, format!("unknown state `{}`", from.text), None);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::trial::{around, refuses, scripts};
    use super::*;

    fn from(given: &str) -> String {
        let text = around("  - state: established\n");
        text.replace(
            "given: established",
            &format!("connections: {{b: {{}}}}\ngiven: {given}"),
        )
    }

    /// The steps of the first state.
    fn way(given: &str) -> Vec<String> {
        let script = &scripts(&from(given))[0];
        script.given[0].steps.iter().map(|step| step.text.clone()).collect()
    }

    #[test]
    fn a_state_is_spelled_out_through_those_before_it() {
        let expected = [
            "call: listen",
            "inject: SYN win=65535 <mss>",
            "expect: SYN,ACK",
            "inject: ACK",
            "call: accept",
            "state: established",
            "call: shutdown",
            "expect: FIN,ACK",
            "state: fin-wait-1",
        ];
        assert_eq!(way("fin-wait-1"), expected);
    }

    #[test]
    fn role_via_by_options_win_and_listen_make_a_difference() {
        let all = "{state: time-wait, role: passive, via: closing, by: close, options: \"<mss 500, sackOK>\", win: 100, listen: backlog=2}";
        let expected = [
            "call: listen backlog=2",
            "inject: SYN win=100 <mss 500, sackOK>",
            "expect: SYN,ACK",
            "inject: ACK",
            "call: accept",
            "state: established",
            "call: close",
            "expect: FIN,ACK",
            "state: fin-wait-1",
            "inject: FIN,ACK ack=SND.UNA",
            "expect: ACK",
            "state: closing",
            "inject: ACK",
            "state: time-wait",
        ];
        assert_eq!(way(all), expected);
        assert_eq!(way("{state: established, role: active}")[0], "call: connect");
    }

    #[test]
    fn defaults_are_passive_and_fin_wait_2_and_active_where_nothing_else_is_possible() {
        assert_eq!(way("time-wait").last().map(String::as_str), Some("state: time-wait"));
        assert_eq!(way("time-wait").len(), 14);
        assert_eq!(way("syn-sent"), ["call: connect", "expect: SYN", "state: syn-sent"]);
        assert_eq!(way("closed"), [] as [&str; 0]);
    }

    #[test]
    fn several_connections_share_one_listener() {
        let script = &scripts(&from("[established, {state: established, conn: b}]"))[0];
        assert_eq!((script.given[0].steps.len(), script.given[1].steps.len()), (6, 5));
        assert_eq!(
            (script.given[1].conn, &script.given[1].steps[0].conns),
            (ConnId(1), &vec![ConnId(1)])
        );
        assert_eq!(&*script.given[0].steps[0].position.file, "cases/given/established.yaml");
    }

    #[test]
    fn a_case_without_given_begins_closed() {
        let script = &scripts(&around("  - state: closed\n").replace("given: established\n", ""))[0];
        assert_eq!((script.given.len(), script.given[0].state), (1, State::Closed));
    }

    #[test]
    fn what_a_state_does_not_have_is_told() {
        refuses(
            &from("«establishd»"),
            "unknown state `establishd`",
            "did you mean `established`?",
        );
        refuses(
            &from("{state: syn-sent, role: «passive»}"),
            "`syn-sent` has no role `passive`",
            "it has `active`",
        );
        refuses(
            &from("{state: time-wait, via: «last-ack»}"),
            "`time-wait` has no via `last-ack`",
            "it has `fin-wait-2`",
        );
        refuses(
            &from("{state: established, role: «both»}"),
            "`role` cannot be `both`",
            "`passive` or `active`",
        );
        refuses(
            &from("{state: fin-wait-1, by: «abort»}"),
            "`by` cannot be `abort`",
            "`shutdown` or `close`",
        );
    }

    #[test]
    fn what_makes_no_difference_is_told() {
        refuses(
            &from("{state: established, via: «closing»}"),
            "`via` makes no difference to `established`",
            "take it out",
        );
        refuses(
            &from("{state: established, by: «close»}"),
            "`by` makes no difference to `established`",
            "take it out",
        );
        refuses(
            &from("{state: closed, role: «passive»}"),
            "`role` makes no difference to `closed`",
            "take it out",
        );
        refuses(
            &from("{state: listen, options: «<mss 500>»}"),
            "`options` makes no difference to `listen`",
            "take it out",
        );
        refuses(
            &from("{state: established, role: active, listen: «backlog=1»}"),
            "`listen` makes no difference",
            "take",
        );
    }

    #[test]
    fn mistakes_in_parameters_are_told_where_they_are_written() {
        refuses(
            &from("{state: established, options: «mss 500»}"),
            "options stand in `<>`",
            "such as",
        );
        refuses(
            &from("{state: established, options: <«msx» 500>}"),
            "msx",
            "did you mean `mss`?",
        );
        refuses(&from("{state: established, win: «lots»}"), "", "");
        refuses(
            &from("{state: established, listen: «blacklog»=1}"),
            "blacklog",
            "did you mean `backlog`?",
        );
        refuses(
            &from("{state: established, conn: «c»}"),
            "there is no connection `c`",
            "",
        );
        refuses(
            &from("[established, «listen»]"),
            "`main` has a state already",
            "another connection",
        );
    }

    /// Everything that is told of the states of these files.
    fn told(files: &[(&str, &str)]) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut givens = Givens::default();
        for (name, text) in files {
            let source = Source {
                name: format!("given/{name}.yaml").into(),
                text: (*text).into(),
            };
            givens.add(name, &source, &mut problems);
        }
        if problems.is_empty() {
            let mut catalogue = Catalogue::default();
            let own = Source {
                name: "requirements/own.yaml".into(),
                text: OWN.into(),
            };
            catalogue.add(&own, &mut problems);
            givens.check(&catalogue, &mut problems);
        }
        problems
    }

    const OWN: &str = "requirements:\n- {id: OWN-1, section: a, level: MUST, side: both, topic: a, summary: a, observable: wire, how: a}\n";

    #[test]
    fn files_of_states_are_checked_as_strictly_as_cases() {
        let message = |files: &[(&str, &str)]| {
            let problems = told(files);
            assert_eq!(problems.len(), 1, "{problems:?}");
            problems[0].message.clone()
        };
        assert_eq!(
            message(&[("lisen", "title: x\nsteps: []\n")]),
            "there is no state `lisen`"
        );
        assert_eq!(message(&[("listen", "steps: []\n")]), "`title` is missing");
        assert_eq!(message(&[("listen", "title: x\n")]), "how is the state reached?");
        assert_eq!(
            message(&[("listen", "title: x\nsteps: []\nrole: z\n")]).as_str(),
            "unknown key `role`"
        );
        assert_eq!(
            message(&[("listen", "title: x\nfrom: nowhere\nsteps: []\n")]),
            "unknown state `nowhere`"
        );
        assert_eq!(
            message(&[("listen", "title: x\nroles:\n  server: []\n")]),
            "there is no role `server`"
        );
        assert_eq!(
            message(&[("listen", "title: x\nfrom: listen\nsteps: []\n")]),
            "the ways into `listen` go in a circle"
        );
        assert_eq!(
            message(&[("listen", "title: x\nfrom: closed\nsteps: []\n")]),
            "`given/closed.yaml` is missing"
        );
        let steps = "title: x\nsteps:\n  - inject: SYM\n";
        assert_eq!(message(&[("listen", steps)]), "unknown flag `SYM`");
        let steps = "title: x\nsteps:\n  - inject: SYN $option\n";
        assert_eq!(
            message(&[("listen", steps)]),
            "`$option` is neither a column nor measured before"
        );
    }

    #[test]
    fn the_limit_of_steps_holds_for_the_whole_way_into_a_state() {
        let way = |from: &str, turns: usize| {
            format!("title: x\n{from}steps:\n  - repeat: {turns}\n    covers: OWN-1\n    steps:\n      - inject: ACK\n")
        };
        let (listen, most) = (way("", 4_000), way("from: listen\n", 6_000));
        let files = [("listen", &*listen), ("established", &*most)];
        assert_eq!(told(&files), []);
        let more = way("from: listen\n", 6_001);
        let problems = told(&[("listen", &*listen), ("established", &*more)]);
        assert_eq!(problems.len(), 1, "{problems:?}");
        let place = (&*problems[0].file, problems[0].line, &*problems[0].message);
        assert_eq!(place, ("given/established.yaml", 7, "more than 10000 steps in one run"));
    }

    #[test]
    fn each_step_on_the_way_names_the_requirement_of_its_transition() {
        let bound = "title: x\nsteps:\n  - inject: SYN\n    covers: OWN-1\n  - any-of:\n      a:\n        - expect: SYN,ACK\n      \
                     b:\n        - expect: RST seq=0\n    covers: OWN-1\n  - wait: 1s\n";
        assert_eq!(told(&[("listen", bound)]), []);
        let (inject, any_of) = ("SYN\n    covers: OWN-1\n", "seq=0\n    covers: OWN-1\n");
        let first = told(&[("listen", &bound.replace(inject, "SYN\n"))]);
        let place = (first[0].line, first[0].column, &*first[0].message);
        assert_eq!(place, (3, 5, "`inject: SYN` has no `covers`"));
        assert_eq!(first.len(), 1);
        let within = told(&[("listen", &bound.replace(any_of, "seq=0\n"))]);
        let steps: Vec<&str> = within.iter().map(|problem| problem.message.as_str()).collect();
        let [any_of, a, b] = ["any-of: a, b", "expect: SYN,ACK", "expect: RST seq=0"];
        assert_eq!(steps, [any_of, a, b].map(|step| format!("`{step}` has no `covers`")));
    }

    #[test]
    fn a_mistake_that_is_met_on_several_ways_is_told_once() {
        let files = [
            ("listen", "title: x\nsteps:\n  - inject: SYM\n"),
            ("established", "title: x\nfrom: listen\nsteps: []\n"),
            ("fin-wait-1", "title: x\nfrom: listen\nsteps: []\n"),
        ];
        assert_eq!(told(&files).len(), 1);
    }
}
