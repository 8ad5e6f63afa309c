//! Which requirements something checks: the catalogue held against the cases and the rules.

use super::{Pattern, SelectError};
use crate::case::{Entry, Library};
use crate::notation::nearest;
use crate::rfc::{Keyword, Level, Observable};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A requirement, and what checks it.
#[derive(Clone, Debug)]
pub struct Item {
    /// What is asked.
    pub entry: Entry,
    /// The cases by their ids, then the rules as `rule NAME`.
    pub by: Vec<Arc<str>>,
}

/// Whether a requirement is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// A case or a rule checks it.
    Covered,
    /// Nothing checks it, and the catalogue says why.
    Excused,
    /// Nothing checks it, and the catalogue gives no reason.
    Open,
    /// It cannot be observed from outside, and is not counted.
    Internal,
}

impl Item {
    /// Its status. A requirement that cannot be observed stays internal even if a case names it.
    pub fn status(&self) -> Status {
        match (self.entry.observable, self.by.is_empty(), &self.entry.uncovered) {
            (Observable::Internal, _, _) => Status::Internal,
            (_, false, _) => Status::Covered,
            (_, true, Some(_)) => Status::Excused,
            (_, true, None) => Status::Open,
        }
    }
}

/// How many requirements have which status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// [`Status::Covered`]
    pub covered: usize,
    /// [`Status::Excused`]
    pub excused: usize,
    /// [`Status::Open`]
    pub open: usize,
    /// [`Status::Internal`]
    pub internal: usize,
}

impl Counts {
    /// The counts of some items.
    pub fn of<'a>(items: impl IntoIterator<Item = &'a Item>) -> Counts {
        let mut counts = Counts::default();
        for item in items {
            match item.status() {
                Status::Covered => counts.covered += 1,
                Status::Excused => counts.excused += 1,
                Status::Open => counts.open += 1,
                Status::Internal => counts.internal += 1,
            }
        }
        counts
    }

    /// How many can be observed.
    pub fn observable(&self) -> usize {
        self.covered + self.excused + self.open
    }

    /// The percentage of observable requirements that are covered, rounded down, so that only all of them are 100.
    pub fn percent(&self) -> usize {
        (self.covered * 100).checked_div(self.observable()).unwrap_or(100)
    }
}

/// How much of an RFC is to be covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// So many percent, where those with a reason do not count.
    Percent(usize),
    /// Half of all; or each of the rest has a reason.
    HalfOrReasons,
}

impl Bound {
    /// How many more would have to be covered (or be given a reason).
    pub fn short(self, counts: &Counts) -> usize {
        match self {
            Bound::Percent(percent) => {
                let wanted = (percent * (counts.covered + counts.open)).div_ceil(100);
                wanted.saturating_sub(counts.covered)
            }
            Bound::HalfOrReasons => {
                let wanted = counts.observable().div_ceil(2);
                wanted.saturating_sub(counts.covered).min(counts.open)
            }
        }
    }
}

/// What is to be covered of some levels of an RFC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Goal {
    /// The levels, the strongest first.
    pub levels: &'static [Level],
    /// How much of them.
    pub bound: Bound,
}

const ALL_LEVELS: &[Level] = &[Level::Must, Level::Should, Level::May];

const fn goal(levels: &'static [Level], bound: Bound) -> Goal {
    Goal { levels, bound }
}

/// The goals of TCP itself.
const CORE: &[Goal] = &[
    goal(&[Level::Must], Bound::Percent(100)),
    goal(&[Level::Should], Bound::Percent(95)),
    goal(&[Level::May], Bound::Percent(80)),
];

/// The goals of the RFCs that are close to RFC 9293: its corrections, its timer, timestamps and urgent data.
const CLOSE: &[Goal] = &[
    goal(&[Level::Must], Bound::Percent(100)),
    goal(&[Level::Should], Bound::Percent(100)),
    goal(&[Level::May], Bound::HalfOrReasons),
];

/// The goals of further RFCs that most implementations follow.
const COMMON: &[Goal] = &[goal(ALL_LEVELS, Bound::Percent(85))];

const OTHER: &[Goal] = &[goal(ALL_LEVELS, Bound::HalfOrReasons)];

/// What is to be covered of an RFC; together these name every level.
pub fn goals(rfc: Option<u32>) -> &'static [Goal] {
    match rfc {
        Some(9293) => CORE,
        Some(5961 | 6191 | 1337 | 6528 | 6298 | 7323 | 6093 | 6429) => CLOSE,
        Some(2018 | 2883 | 5681 | 6582 | 6675 | 5482 | 4987 | 5927 | 1191 | 8201 | 7413 | 3168 | 2525) => COMMON,
        Some(_) | None => OTHER,
    }
}

/// The requirements of one RFC.
#[derive(Clone, Debug)]
pub struct OfRfc<'a> {
    /// Its number; `None` for requirements of a user's own.
    pub rfc: Option<u32>,
    /// The requirements.
    pub items: Vec<&'a Item>,
    /// Whether these are all that the RFC has: only then can its goals be judged.
    pub whole: bool,
}

impl OfRfc<'_> {
    /// The counts for each keyword of RFC 2119 that the RFC uses, the strongest first.
    pub fn levels(&self) -> BTreeMap<Keyword, Counts> {
        let keywords: BTreeSet<Keyword> = self.items.iter().map(|item| item.entry.keyword).collect();
        let of = |keyword| self.count(|item| item.entry.keyword == keyword);
        keywords.into_iter().map(|keyword| (keyword, of(keyword))).collect()
    }

    /// The goals that apply to any requirement here, each with how many more must be covered.
    pub fn goals(&self) -> Vec<(Goal, usize)> {
        let all = if self.whole { goals(self.rfc) } else { &[] };
        let judged = all.iter().filter_map(|goal| {
            let counts = self.count(|item| goal.levels.contains(&item.entry.requirement.level));
            (counts.observable() > 0).then(|| (*goal, goal.bound.short(&counts)))
        });
        judged.collect()
    }

    fn count(&self, wanted: impl Fn(&Item) -> bool) -> Counts {
        Counts::of(self.items.iter().copied().filter(|item| wanted(item)))
    }
}

/// All requirements of a library, or those that were chosen.
#[derive(Clone, Debug)]
pub struct Coverage {
    /// In the order of the catalogue.
    pub items: Vec<Item>,
    /// How many each RFC has, chosen or not.
    whole: BTreeMap<Option<u32>, usize>,
}

impl Coverage {
    /// What the cases of a library cover, and the rules: each entry of `rules` is an id of the catalogue and
    /// `rule NAME`. The errors say which ids do not exist, or have a reason for not being covered.
    pub fn of(library: &Library, rules: &[(&str, String)]) -> Result<Coverage, Vec<String>> {
        let mut by: BTreeMap<&str, Vec<Arc<str>>> = BTreeMap::new();
        for case in library.cases() {
            for covered in &case.covers {
                by.entry(&covered.id).or_default().push(Arc::clone(&case.id));
            }
        }
        let mut errors = Vec::new();
        for (id, rule) in rules {
            match library.requirements().get(id) {
                None => errors.push(format!("{rule} covers `{id}`, which is no requirement")),
                Some(entry) if entry.uncovered.is_some() => {
                    errors.push(format!("`{id}` is said to be covered by nothing, but {rule} covers it"));
                }
                Some(_) => {
                    let by = by.entry(id).or_default();
                    if !by.iter().any(|known| **known == **rule) {
                        by.push(rule.as_str().into());
                    }
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let item = |entry: &Entry| Item {
            entry: entry.clone(),
            by: by.remove(entry.requirement.id.as_str()).unwrap_or_default(),
        };
        let items: Vec<Item> = library.requirements().iter().map(item).collect();
        let mut whole = BTreeMap::new();
        for item in &items {
            *whole.entry(item.entry.rfc).or_insert(0) += 1;
        }
        Ok(Coverage { items, whole })
    }

    /// The requirements that some words select: `rfc:5961`, an id, or a pattern of ids such as `RFC9293-SEG-*`. No word
    /// selects all.
    pub fn narrowed<S: AsRef<str>>(mut self, words: &[S]) -> Result<Coverage, Vec<SelectError>> {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let idle = words
            .iter()
            .filter(|word| !self.items.iter().any(|item| means(word, item)));
        let errors: Vec<SelectError> = idle.map(|word| self.error(word)).collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        self.items
            .retain(|item| words.is_empty() || words.iter().any(|word| means(word, item)));
        Ok(self)
    }

    /// By RFC, in the order of their numbers.
    pub fn rfcs(&self) -> Vec<OfRfc<'_>> {
        let mut rfcs: BTreeMap<(bool, Option<u32>), Vec<&Item>> = BTreeMap::new();
        for item in &self.items {
            let rfc = item.entry.rfc;
            // Requirements of a user come last.
            rfcs.entry((rfc.is_none(), rfc)).or_default().push(item);
        }
        let of = rfcs.into_iter().map(|((_, rfc), items)| OfRfc {
            rfc,
            whole: self.whole.get(&rfc) == Some(&items.len()),
            items,
        });
        of.collect()
    }

    fn error(&self, word: &str) -> SelectError {
        let known = self.items.iter().map(|item| item.entry.requirement.id.clone());
        let rfcs = self.whole.keys().flatten().map(|rfc| format!("rfc:{rfc}"));
        let known: BTreeSet<String> = known.chain(rfcs).collect();
        let near = nearest(word, known.iter().map(String::as_str));
        SelectError {
            problem: format!("no requirement is meant by `{word}`"),
            nearest: near.into_iter().map(str::to_owned).collect(),
        }
    }
}

fn means(word: &str, item: &Item) -> bool {
    let id = &item.entry.requirement.id;
    match word.split_once(':') {
        Some(("rfc" | "RFC", number)) => item.entry.rfc.is_some_and(|rfc| rfc.to_string() == number),
        _ => Pattern::new(word).fits(id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coverage(rules: &[(&str, String)]) -> Coverage {
        Coverage::of(&Library::bundled().unwrap(), rules).unwrap()
    }

    fn counts(covered: usize, excused: usize, open: usize) -> Counts {
        Counts {
            covered,
            excused,
            open,
            internal: 0,
        }
    }

    fn item<'a>(coverage: &'a Coverage, id: &str) -> &'a Item {
        let found = coverage.items.iter().find(|item| item.entry.requirement.id == id);
        found.unwrap()
    }

    #[test]
    fn every_requirement_is_counted_once() {
        let coverage = coverage(&[]);
        let library = Library::bundled().unwrap();
        assert_eq!(coverage.items.len(), library.requirements().len());
        let rfcs = coverage.rfcs();
        assert_eq!(
            rfcs.iter().map(|rfc| rfc.items.len()).sum::<usize>(),
            coverage.items.len()
        );
        assert!(rfcs.iter().all(|rfc| rfc.whole));
        assert!(rfcs.is_sorted_by_key(|rfc| rfc.rfc));
    }

    #[test]
    fn a_case_covers_what_it_or_a_step_of_it_names() {
        let coverage = coverage(&[]);
        let challenge = item(&coverage, "RFC5961-3.2-3");
        assert_eq!(challenge.status(), Status::Covered);
        assert!(challenge.by.iter().any(|case| &**case == "reset/confirmed"));
    }

    #[test]
    fn a_rule_covers_too_and_is_named_as_one() {
        let before = coverage(&[]);
        let open = before.items.iter().find(|item| item.status() == Status::Open).unwrap();
        let id = open.entry.requirement.id.clone();
        let after = coverage(&[(&id, "rule checksums".to_owned()), (&id, "rule checksums".to_owned())]);
        let now = item(&after, &id);
        assert_eq!(now.status(), Status::Covered);
        assert_eq!(now.by, [Arc::from("rule checksums")]);
    }

    #[test]
    fn a_rule_that_covers_nothing_known_is_told() {
        let errors = Coverage::of(&Library::bundled().unwrap(), &[("RFC1-1", "rule x".to_owned())]).unwrap_err();
        assert_eq!(errors, ["rule x covers `RFC1-1`, which is no requirement"]);
    }

    #[test]
    fn a_status_is_what_the_catalogue_and_the_cases_say() {
        let mut item = item(&coverage(&[]), "RFC5961-3.2-3").clone();
        item.by.clear();
        assert_eq!(item.status(), Status::Open);
        item.entry.uncovered = Some("nobody can see it".into());
        assert_eq!(item.status(), Status::Excused);
        item.entry.observable = Observable::Internal;
        assert_eq!(item.status(), Status::Internal);
        assert_eq!(Counts::of([&item]).observable(), 0);
    }

    #[test]
    fn what_is_not_all_is_never_100_percent() {
        assert_eq!(counts(199, 0, 1).percent(), 99);
        assert_eq!(counts(1, 1, 0).percent(), 50);
        assert_eq!(counts(0, 0, 0).percent(), 100);
    }

    #[test]
    fn a_goal_says_how_many_are_short_and_leaves_reasons_aside() {
        let all = Bound::Percent(100);
        assert_eq!((all.short(&counts(8, 2, 0)), all.short(&counts(8, 1, 1))), (0, 1));
        let most = Bound::Percent(85);
        assert_eq!((most.short(&counts(17, 0, 3)), most.short(&counts(16, 0, 4))), (0, 1));
        let half = Bound::HalfOrReasons;
        assert_eq!(half.short(&counts(1, 9, 0)), 0);
        assert_eq!(half.short(&counts(1, 8, 1)), 1);
        assert_eq!(half.short(&counts(2, 0, 8)), 3);
        assert_eq!(half.short(&counts(2, 0, 3)), 1);
    }

    #[test]
    fn every_level_of_every_rfc_stands_under_one_goal() {
        for rfc in [Some(9293), Some(5961), Some(2018), Some(5482), Some(6937), None] {
            let levels: Vec<Level> = goals(rfc).iter().flat_map(|goal| goal.levels.to_vec()).collect();
            assert_eq!(levels, ALL_LEVELS, "{rfc:?}");
        }
    }

    #[test]
    fn words_narrow_and_only_a_whole_rfc_has_goals() {
        let one = coverage(&[]).narrowed(&["RFC5961-3.2-3"]).unwrap();
        assert_eq!(one.items.len(), 1);
        assert!(one.rfcs()[0].goals().is_empty());
        let rfc = coverage(&[]).narrowed(&["rfc:5961"]).unwrap();
        assert!(rfc.items.len() > 5 && rfc.items.iter().all(|item| item.entry.rfc == Some(5961)));
        assert_eq!(rfc.rfcs()[0].goals()[0].0.bound, Bound::Percent(100));
        let rows = coverage(&[]).narrowed(&["RFC9293-SEG-LISTEN-*"]).unwrap();
        assert!(rows.items.len() > 3);
    }

    #[test]
    fn a_word_that_means_nothing_is_told_with_what_is_near() {
        let errors = coverage(&[]).narrowed(&["RFC5961-3.2-33"]).unwrap_err();
        assert!(
            errors[0].to_string().contains("did you mean `RFC5961-3.2-3`"),
            "{}",
            errors[0]
        );
        assert!(coverage(&[]).narrowed(&["rfc:1"]).is_err());
    }

    #[test]
    fn levels_stand_in_the_order_of_their_strength() {
        let coverage = coverage(&[]).narrowed(&["rfc:9293"]).unwrap();
        let rfcs = coverage.rfcs();
        let levels: Vec<Keyword> = rfcs[0].levels().into_keys().collect();
        assert!(levels.is_sorted() && levels[0] == Keyword::Must);
        let goals = rfcs[0].goals();
        assert_eq!(goals.len(), 3);
    }
}
