//! The keys of a case file: one table for the loader, which denies all others, and for the schema, which tells editors.

/// A key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// What it means: the schema shows it in editors.
    pub(super) tells: &'static str,
}

/// What stands behind a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A text.
    Text,
    /// A text, or a list of texts.
    Texts,
    /// Names, each with a text.
    TextMap,
    /// Names, each with a text or a list of texts.
    TextsMap,
    /// One of these words.
    OneOf(&'static [&'static str]),
    Connections,
    Given,
    Matrix,
    Steps,
    /// Names, each with steps.
    Outcomes,
    Faults,
}

const fn key(name: &'static str, shape: Shape, tells: &'static str) -> Key {
    Key { name, shape, tells }
}

/// The keys of a case.
pub(super) const CASE: &[Key] = &[
    key("title", Shape::Text, "The requirement met, as a claim, in one line."),
    key("why", Shape::Text, "What breaks in practice where it is not met."),
    key(
        "reading",
        Shape::Text,
        "Where every stack that was tried does otherwise: why the RFC is to be read as the case reads it.",
    ),
    key(
        "covers",
        Shape::Texts,
        "Ids of the requirements, from cases/requirements/. They give the level.",
    ),
    key(
        "ids",
        Shape::TextsMap,
        "Other suites' names for it: suite to ids, such as tc8.",
    ),
    key(
        "tags",
        Shape::Texts,
        "Free words for selection; `alone` asks for a namespace of its own.",
    ),
    key(
        "needs",
        Shape::Texts,
        "Abilities or conditions that no step shows, such as sack or urgent.",
    ),
    key(
        "configure",
        Shape::TextMap,
        "Host-wide settings by neutral name, such as syn-cookies: always.",
    ),
    key(
        "only",
        Shape::TextMap,
        "Restricts the implicit axes: ip to 4 or 6, isn to plain or wrap.",
    ),
    key(
        "connections",
        Shape::Connections,
        "Connections other than main: {} for the next port, host, count, tuple, isn.",
    ),
    key(
        "given",
        Shape::Given,
        "The state from which the steps begin; closed if not written.",
    ),
    key(
        "matrix",
        Shape::Matrix,
        "Variations: a map of columns (their product), or a list of such maps.",
    ),
    key("steps", Shape::Steps, "What is done and expected, in order."),
];

/// The keys that a case cannot do without.
pub(super) const CASE_REQUIRED: &[&str] = &["title", "why", "covers", "steps"];

/// A kind of step: its word, and the keys that may stand beside it.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepKey {
    pub(super) key: Key,
    pub(super) beside: &'static [&'static str],
}

const fn step(name: &'static str, shape: Shape, beside: &'static [&'static str], tells: &'static str) -> StepKey {
    StepKey {
        key: key(name, shape, tells),
        beside,
    }
}

/// The words of steps.
pub(super) const STEPS: &[StepKey] = &[
    step(
        "inject",
        Shape::Text,
        &[],
        "Sends a segment: what is not written is what a correct peer would send now.",
    ),
    step(
        "fill",
        Shape::Text,
        &[],
        "Sends this segment with text, again and again, until the target has acknowledged all and shut its window.",
    ),
    step(
        "expect",
        Shape::Text,
        &["within", "since", "segments", "count", "acknowledge", "measure", "for"],
        "Waits for a segment, or for `nothing`: what is not written is what a correct target would say now.",
    ),
    step(
        "call",
        Shape::Text,
        &["returns"],
        "The target's application calls: listen, connect, accept, send, recv, ...",
    ),
    step(
        "result",
        Shape::Text,
        &["within", "since", "measure", "returns"],
        "How the pending call ends: VERB RETURN.",
    ),
    step("wait", Shape::Text, &["since"], "Lets time pass."),
    step(
        "state",
        Shape::Text,
        &["within", "since", "measure"],
        "The state in which the target must be; with `within`, by then.",
    ),
    step(
        "any-of",
        Shape::Outcomes,
        &["right", "by"],
        "Outcomes by name; the first whose first step fits is taken.",
    ),
    step(
        "repeat",
        Shape::Text,
        &["steps"],
        "Does `steps` so many times; $i counts from 1.",
    ),
    step(
        "faults",
        Shape::Faults,
        &[],
        "What a middlebox does to frames from here on; [] ends it.",
    ),
    step("check", Shape::Text, &[], "A comparison over what was measured."),
];

/// The keys that may stand beside a step's word.
pub(super) const BESIDE: &[Key] = &[
    key(
        "where",
        Shape::TextsMap,
        "Keeps the step only in rows of the matrix with these values or labels.",
    ),
    key(
        "covers",
        Shape::Texts,
        "The step's own requirements, instead of the case's.",
    ),
    key("conn", Shape::Text, "On which connection; main if not written."),
    key("as", Shape::Text, "A name for a later `since`."),
    key(
        "within",
        Shape::Text,
        "By when: T, A..B, or about T; `soon` if not written.",
    ),
    key(
        "since",
        Shape::Text,
        "From which step (its `as`) the time runs; else from the last thing that happened.",
    ),
    key(
        "for",
        Shape::Text,
        "How long `expect: nothing` lasts; `soon` if not written.",
    ),
    key(
        "segments",
        Shape::Text,
        "In how many segments the octets must come: N or A..B.",
    ),
    key(
        "count",
        Shape::Text,
        "How many must come in all of `within`: N or A..B.",
    ),
    key(
        "acknowledge",
        Shape::OneOf(&["each"]),
        "`each`: the default ACK after each frame taken.",
    ),
    key(
        "measure",
        Shape::TextMap,
        "Names, each with what it takes: elapsed, count, a field or an option.",
    ),
    key(
        "returns",
        Shape::Texts,
        "How the call may end: ok, ok N, ok \"text\", eof, pending, or an error.",
    ),
    key(
        "right",
        Shape::Texts,
        "The outcomes that meet `covers`; all are lawful if not written.",
    ),
    key(
        "by",
        Shape::TextsMap,
        "Outcomes, each with what makes the reference endpoint take it: default, a choice of `tcpvet defects`, or, \
         where it is not right, a mistake.",
    ),
    key("steps", Shape::Steps, "What is repeated."),
];

/// The keys that may stand beside every word.
pub(super) const ALWAYS_BESIDE: &[&str] = &["where", "covers", "conn", "as"];

/// The keys of `given`.
pub(super) const GIVEN: &[Key] = &[
    key(
        "state",
        Shape::Text,
        "Which state: closed, listen, syn-sent, ..., time-wait.",
    ),
    key(
        "role",
        Shape::OneOf(&["passive", "active"]),
        "Who opened: passive if not written (syn-sent: active).",
    ),
    key(
        "via",
        Shape::Text,
        "By which way into TIME-WAIT: fin-wait-2 if not written, fin-wait-1, closing.",
    ),
    key(
        "by",
        Shape::OneOf(&["shutdown", "close"]),
        "How the target closes; shutdown if not written.",
    ),
    key(
        "options",
        Shape::Text,
        "The options of the tester's SYN; <mss> if not written.",
    ),
    key(
        "win",
        Shape::Text,
        "The window that the tester offers; 65535 if not written.",
    ),
    key("listen", Shape::Text, "Settings of listen, such as backlog=1."),
    key("conn", Shape::Text, "On which connection; main if not written."),
];

/// The keys of a connection.
pub(super) const CONNECTION: &[Key] = &[
    key("host", Shape::Text, "A name for another of the tester's addresses."),
    key(
        "count",
        Shape::Text,
        "A family of so many: p1, p2, ..., in a repeat p$i.",
    ),
    key(
        "tuple",
        Shape::Text,
        "The connection whose four-tuple this one takes over.",
    ),
    key("isn", Shape::Text, "The tester's initial sequence number."),
];

/// What a fault does.
pub(super) const FAULTS: &[Key] = &[
    key("drop", Shape::Text, "The frame never arrives."),
    key("duplicate", Shape::Text, "It arrives twice."),
    key("delay", Shape::Text, "It arrives later, `by` a time."),
    key("corrupt", Shape::Text, "One bit of it is turned over."),
    key(
        "truncate",
        Shape::Text,
        "`by` so many octets of payload are cut off its end.",
    ),
    key("strip", Shape::Text, "The option named `by` is replaced by NOPs."),
    key("replay", Shape::Text, "It arrives again, `by` a time later."),
];

/// The keys that may stand beside a fault.
pub(super) const FAULT_BESIDE: &[Key] = &[
    key(
        "nth",
        Shape::Text,
        "Only the nth that fits, from 1; `every` if not written.",
    ),
    key(
        "from",
        Shape::OneOf(&["target", "tester"]),
        "Whose frames; the target's if not written.",
    ),
    key("by", Shape::Text, "How much, or which option."),
    key("conn", Shape::Text, "Of which connection; the step's if not written."),
];

/// The keys of a file in `given/`.
pub(super) const GIVEN_FILE: &[&str] = &["title", "from", "steps", "roles", "via"];

/// The names of the keys of a table.
pub(super) fn names(keys: &[Key]) -> impl Iterator<Item = &'static str> {
    keys.iter().map(|key| key.name)
}
