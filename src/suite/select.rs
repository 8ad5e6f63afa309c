//! Selects runs by words that a user writes.

use super::pattern::starts_a_run_of;
use super::{Pattern, Run, requirements, topic};
use crate::notation::{nearest, suggestion};
use crate::rfc::Requirement;
use crate::script::Script;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Words, each of which selects some runs; together they select the union. No word selects all runs.
///
/// | word | means |
/// |---|---|
/// | `reset/`, `reset/acceptance` | a folder, a case; also as the file's path |
/// | `reset/acc`, `reset/acceptance[state=SYN` | where it is none of the others, the names that begin so |
/// | `reset/acceptance[state=SYNRCVD,ip4]` | the run of that name, or those that hold all that stands in the brackets |
/// | `reset/*[*,wrap]` | the names that fit |
/// | `rfc:5961` | what covers a requirement of that RFC |
/// | `RFC5961-3.2-3` | what covers that requirement |
/// | `tag:alone`, or `alone` | what has that tag |
/// | `tc8:TCP_BASICS_11` | what another suite calls by that id |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    words: Vec<Word>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Rfc(String),
    Tag(String),
    Foreign {
        suite: String,
        id: Pattern,
    },
    Run(String),
    Bracket {
        case: String,
        inside: Vec<String>,
        whole: String,
    },
    Pattern(Pattern),
    Bare(String),
    /// How names begin.
    Prefix(String),
}

/// A word that selects nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectError {
    /// What was looked for: ``no case, folder, requirement or tag `rset` ``.
    pub problem: String,
    /// What may have been meant.
    pub nearest: Vec<String>,
}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)?;
        match suggestion(&self.nearest) {
            None => f.write_str("; `tcpvet list` shows what there is"),
            Some(near) => write!(f, "; {near}"),
        }
    }
}

impl std::error::Error for SelectError {}

impl Selection {
    /// Reads words. [`Selection::pick`] finds out whether they select anything.
    pub fn parse<S: AsRef<str>>(words: &[S]) -> Selection {
        Selection {
            words: words.iter().map(|word| Word::parse(word.as_ref())).collect(),
        }
    }

    /// Whether this means all runs.
    pub fn is_everything(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether a run of a case of that name could be meant, of which nothing else is known, as its file cannot be read.
    /// `library` has all other runs.
    pub fn may_mean_case(&self, case: &str, library: &[Run]) -> bool {
        self.is_everything()
            || self
                .words
                .iter()
                .any(|word| word.clone().resolve(library).may_mean_case(case, library))
    }

    /// The words that mean runs only by how their names begin.
    pub fn prefixes(&self, library: &[Run]) -> Vec<String> {
        let resolved = self.words.iter().map(|word| word.clone().resolve(library));
        resolved
            .filter_map(|word| match word {
                Word::Prefix(text) => Some(text),
                _ => None,
            })
            .collect()
    }

    /// The selected runs, in their order. Each word must select at least one run of `library`; of those, the ones that
    /// are also in `runs`, which axes may have restricted, are given.
    pub fn pick(&self, library: &[Run], runs: &[Run]) -> Result<Vec<Run>, Vec<SelectError>> {
        if self.is_everything() {
            return Ok(runs.to_vec());
        }
        let words: Vec<Word> = self.words.iter().map(|word| word.clone().resolve(library)).collect();
        let idle = words.iter().filter(|word| !library.iter().any(|run| word.means(run)));
        let errors: Vec<SelectError> = idle.map(|word| word.error(library)).collect();
        if !errors.is_empty() {
            return Err(errors);
        }
        let meant = |run: &&Run| words.iter().any(|word| word.means(run));
        Ok(runs.iter().filter(meant).cloned().collect())
    }
}

impl Word {
    fn parse(word: &str) -> Word {
        if let Some((case, inside)) = word.strip_suffix(']').and_then(|word| word.split_once('['))
            && !word.contains('*')
        {
            return Word::Bracket {
                case: case.to_owned(),
                inside: inside.split(',').map(str::to_owned).collect(),
                whole: word.to_owned(),
            };
        }
        match word.split_once(':') {
            Some(("rfc" | "RFC", number)) => Word::Rfc(number.to_owned()),
            Some(("tag", tag)) => Word::Tag(tag.to_owned()),
            // `cases/reset/acceptance.yaml:9:13`, as errors print it, is no suite's id.
            Some((path, _)) if path.ends_with(".yaml") => Word::Bare(path.to_owned()),
            Some((suite, id)) => Word::Foreign {
                suite: suite.to_owned(),
                id: Pattern::new(id),
            },
            None if word.contains('*') => Word::Pattern(Pattern::new(word)),
            None => Word::Bare(word.to_owned()),
        }
    }

    /// A name as it is printed means exactly that run: `a/b[ip4]` not also `a/b[ip4,wrap]`. A word that names nothing as
    /// a whole may be how names begin.
    fn resolve(self, library: &[Run]) -> Word {
        match self {
            Word::Bracket { whole, .. } if library.iter().any(|run| run.name == whole) => Word::Run(whole),
            Word::Bare(word) if !library.iter().any(|run| bare_means(&word, &run.script)) => {
                let prefix = word.strip_prefix("./").unwrap_or(&word);
                match !prefix.is_empty() && library.iter().any(|run| run.name.starts_with(prefix)) {
                    true => Word::Prefix(prefix.to_owned()),
                    false => Word::Bare(word),
                }
            }
            word => word,
        }
    }

    fn may_mean_case(&self, name: &str, library: &[Run]) -> bool {
        match self {
            // What it covers and its tags stand in the file.
            Word::Rfc(_) | Word::Tag(_) | Word::Foreign { .. } => true,
            Word::Run(whole) => starts_a_run_of(whole, name),
            Word::Bracket { case, .. } => case == name,
            Word::Pattern(pattern) => pattern.may_fit_case(name),
            Word::Prefix(prefix) => name.starts_with(prefix.as_str()) || starts_a_run_of(prefix, name),
            Word::Bare(word) => {
                let is_path = word.contains('/') || library.iter().any(|run| path_means(word, &run.script.case));
                !is_path || path_means(word, name) || name.starts_with(word.as_str()) || starts_a_run_of(word, name)
            }
        }
    }

    fn means(&self, run: &Run) -> bool {
        let script = &run.script;
        match self {
            Word::Rfc(number) => {
                let prefix = format!("RFC{number}-");
                requirements(script).iter().any(|it| it.id.starts_with(&prefix))
            }
            Word::Tag(tag) => has_tag(script, tag),
            Word::Foreign { suite, id } => script
                .ids
                .get(suite)
                .is_some_and(|ids| ids.iter().any(|it| id.fits(it))),
            Word::Run(name) => run.name == *name,
            Word::Bracket { case, inside, .. } => bracket_means(case, inside, run),
            Word::Pattern(pattern) => pattern.fits_run(&run.id()),
            Word::Bare(word) => bare_means(word, script),
            Word::Prefix(prefix) => run.name.starts_with(prefix.as_str()),
        }
    }

    fn error(&self, library: &[Run]) -> SelectError {
        let scripts = || library.iter().map(|run| &run.script);
        match self {
            Word::Rfc(number) => SelectError {
                problem: format!("no case covers a requirement of `rfc:{number}`"),
                nearest: near(
                    &format!("rfc:{number}"),
                    scripts().flat_map(|script| requirements(script).into_iter().filter_map(rfc)),
                ),
            },
            Word::Tag(tag) => SelectError {
                problem: format!("no case has the tag `{tag}`"),
                nearest: near(tag, scripts().flat_map(|script| tags(script))),
            },
            Word::Foreign { suite, id } => foreign_error(suite, id, library),
            Word::Run(whole) | Word::Bracket { whole, .. } => bracket_error(whole, library),
            Word::Bare(word) if word.contains('[') => bracket_error(word, library),
            Word::Pattern(pattern) => SelectError {
                problem: format!("no run's name fits `{}`", pattern.as_str()),
                nearest: Vec::new(),
            },
            Word::Bare(word) | Word::Prefix(word) => SelectError {
                problem: format!("no case, folder, requirement or tag `{word}`, and no name begins so"),
                nearest: near(word, scripts().flat_map(|script| bare_words(script))),
            },
        }
    }
}

fn bracket_error(whole: &str, library: &[Run]) -> SelectError {
    let (case, inside) = whole.split_once('[').unwrap_or((whole, ""));
    let of_case: Vec<&Run> = library.iter().filter(|run| &*run.script.case == case).collect();
    let nearest = match of_case.is_empty() {
        true => near(case, library.iter().map(|run| run.script.case.to_string())),
        false => near_in_brackets(case, inside.trim_end_matches(']'), &of_case),
    };
    SelectError {
        problem: format!("no run is called `{whole}`"),
        nearest,
    }
}

/// What may have been meant by the brackets behind a case's name: the same with each unknown part put right, as far as
/// there is such a run; else the rows that have most of it.
fn near_in_brackets(case: &str, inside: &str, of_case: &[&Run]) -> Vec<String> {
    const MOST: usize = 3;
    let variations: Vec<String> = of_case.iter().map(|run| run.variation()).collect();
    let known: BTreeSet<&str> = variations.iter().flat_map(|it| it.split(',')).collect();
    let instead_of = |part| match known.contains(part) {
        true => vec![part],
        false => nearest_value(part, &known),
    };
    let holds = |variation: &str, part: &str| variation.split(',').any(|it| it == part);
    let parts = inside.split(',').filter(|part| !part.is_empty());
    let mut meant: Vec<Vec<&str>> = vec![Vec::new()];
    for part in parts.clone() {
        let mut longer = Vec::new();
        for before in &meant {
            for word in instead_of(part) {
                longer.push([before.as_slice(), &[word]].concat());
            }
        }
        meant = longer;
    }
    let is_run = |parts: &&Vec<&str>| variations.iter().any(|it| parts.iter().all(|part| holds(it, part)));
    let named = meant.iter().filter(|parts| !parts.is_empty()).filter(is_run);
    let named: Vec<String> = named
        .map(|parts| format!("{case}[{}]", parts.join(",")))
        .take(MOST)
        .collect();
    if !named.is_empty() {
        return named;
    }
    let mut rows: Vec<(usize, String)> = Vec::new();
    for (run, variation) in of_case.iter().zip(&variations) {
        let shared = parts.clone().filter(|part| holds(variation, part)).count();
        match rows.iter_mut().find(|(_, row)| *row == run.case_and_row()) {
            Some((most, _)) => *most = shared.max(*most),
            None => rows.push((shared, run.case_and_row())),
        }
    }
    rows.sort_by_key(|(shared, _)| std::cmp::Reverse(*shared));
    rows.into_iter().map(|(_, row)| row).take(MOST).collect()
}

/// The parts of brackets that are nearest to one that is unknown. Of `state=TIMEWAI` only what stands behind the `=` is
/// compared with other values of that name, so that a long name does not make every value near.
fn nearest_value<'a>(part: &str, known: &BTreeSet<&'a str>) -> Vec<&'a str> {
    let Some((name, value)) = part.split_once('=') else {
        return nearest(part, known.iter().copied());
    };
    let of_name: Vec<(&str, &str)> = known
        .iter()
        .filter_map(|it| Some((*it, it.strip_prefix(name)?.strip_prefix('=')?)))
        .collect();
    if of_name.is_empty() {
        return nearest(part, known.iter().copied());
    }
    let values = nearest(value, of_name.iter().map(|(_, value)| *value));
    let is_near = |value: &str| values.contains(&value);
    of_name
        .into_iter()
        .filter(|(_, value)| is_near(value))
        .map(|(whole, _)| whole)
        .collect()
}

fn foreign_error(suite: &str, id: &Pattern, library: &[Run]) -> SelectError {
    let suites: BTreeSet<&String> = library.iter().flat_map(|run| run.script.ids.keys()).collect();
    if suites.iter().any(|known| *known == suite) {
        let ids = library.iter().filter_map(|run| run.script.ids.get(suite)).flatten();
        SelectError {
            problem: format!("no case is called `{}` by `{suite}`", id.as_str()),
            nearest: near(
                &format!("{suite}:{}", id.as_str()),
                ids.map(|id| format!("{suite}:{id}")),
            ),
        }
    } else {
        let known = suites.into_iter().cloned().chain(["rfc".to_owned(), "tag".to_owned()]);
        let known: Vec<String> = known.map(|suite| format!("{suite}:")).collect();
        SelectError {
            problem: format!("nothing is selected by `{suite}:`, only by `{}`", known.join("`, `")),
            nearest: Vec::new(),
        }
    }
}

/// A run holds everything that stands in the brackets, so that a row alone means it over all axes.
fn bracket_means(case: &str, inside: &[String], run: &Run) -> bool {
    let variation = run.variation();
    &*run.script.case == case && inside.iter().all(|part| variation.split(',').any(|it| it == part))
}

/// Whether the word names the case, a folder of it, a tag or a requirement of it, as a whole.
fn bare_means(word: &str, script: &Script) -> bool {
    path_means(word, &script.case) || has_tag(script, word) || requirements(script).iter().any(|it| it.id == word)
}

fn path_means(word: &str, case: &str) -> bool {
    let word = word.strip_prefix("./").unwrap_or(word);
    if let Some(file) = word.strip_suffix(".yaml") {
        return file == case || file.strip_suffix(case).is_some_and(|folder| folder.ends_with('/'));
    }
    let folder = word.trim_end_matches('/');
    case == word || case.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn rfc(requirement: &Arc<Requirement>) -> Option<String> {
    let number = requirement.id.strip_prefix("RFC")?.split('-').next()?;
    Some(format!("rfc:{number}"))
}

fn tags(script: &Script) -> impl Iterator<Item = String> + '_ {
    script.tags.iter().map(|tag| tag.name().to_owned())
}

fn has_tag(script: &Script, name: &str) -> bool {
    script.tags.iter().any(|tag| tag.name() == name)
}

fn bare_words(script: &Script) -> Vec<String> {
    let mut words = vec![script.case.to_string(), format!("{}/", topic(&script.case))];
    words.extend(tags(script));
    words.extend(requirements(script).into_iter().map(|it| it.id.clone()));
    words
}

fn near(word: &str, names: impl Iterator<Item = String>) -> Vec<String> {
    let names: BTreeSet<String> = names.collect();
    nearest(word, names.iter().map(String::as_str))
        .into_iter()
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{requirement, script};
    use super::super::{Axes, expand};
    use super::*;
    use crate::script::Tag;
    use crate::stack::IpVersion;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    fn library() -> Vec<Run> {
        let mut flood = script("reset/flood", "");
        flood.covers = Arc::from([requirement("RFC5961-7-1")]);
        flood.tags = Arc::from([Tag::Alone]);
        let mut basics = script("handshake/passive-open", "");
        basics.ids = Arc::new(BTreeMap::from([("tc8".to_owned(), vec!["TCP_BASICS_01".to_owned()])]));
        let scripts = [
            script("reset/acceptance", "state=SYNRCVD,edge=left"),
            script("reset/acceptance", "state=CLOSING,edge=left"),
            script("reset/acceptance-2", ""),
            flood,
            basics,
        ];
        expand(&scripts.map(Arc::new), &Axes::default())
    }

    /// How many runs the words mean, of the 20 of the library.
    fn count(words: &[&str]) -> usize {
        let library = library();
        Selection::parse(words).pick(&library, &library).unwrap().len()
    }

    fn error(word: &str) -> String {
        let library = library();
        let errors = Selection::parse(&[word]).pick(&library, &library).unwrap_err();
        assert_eq!(errors.len(), 1);
        errors[0].to_string()
    }

    #[test]
    fn no_word_is_everything_and_several_are_a_union() {
        assert_eq!(count(&[]), 20);
        assert_eq!(count(&["reset/flood", "handshake", "reset/flood"]), 8);
    }

    #[test]
    fn a_path_ends_at_a_slash() {
        assert_eq!(count(&["reset/"]), 16);
        assert_eq!(count(&["reset"]), 16);
        assert_eq!(count(&["reset/acceptance"]), 8);
        assert_eq!(count(&["reset/acceptance.yaml"]), 8);
        assert_eq!(count(&["cases/reset/acceptance.yaml"]), 8);
        assert_eq!(count(&["cases/reset/acceptance.yaml:9:13"]), 8);
        assert_eq!(count(&["reset/acc*"]), 12);
    }

    #[test]
    fn what_names_nothing_as_a_whole_is_how_names_begin() {
        assert_eq!(count(&["reset/acc"]), 12);
        assert_eq!(count(&["r"]), 16);
        assert_eq!(count(&["./reset/f"]), 4);
        assert_eq!(count(&["reset/acceptance["]), 8);
        assert_eq!(count(&["reset/acceptance[state=SYN"]), 4);
        assert_eq!(count(&["reset/acceptance[state=SYNRCVD,edge=left,ip6"]), 2);
        assert_eq!(count(&["hand", "reset/fl"]), 8);
    }

    #[test]
    fn a_case_that_cannot_be_read_may_be_meant_or_not() {
        let may = |word: &str| Selection::parse(&[word]).may_mean_case("mine/broken", &library());
        for word in [
            "mine/",
            "mine/bro",
            "mine/broken[x",
            "m*",
            "*wrap]",
            "rfc:5961",
            "tag:alone",
            "tc8:*",
            "LOCAL-1",
        ] {
            assert!(may(word), "{word}");
        }
        for word in ["reset/", "reset", "reset/acc", "mine/other", "reset/*", "mine/broken-2"] {
            assert!(!may(word), "{word}");
        }
        assert!(Selection::default().may_mean_case("mine/broken", &library()));
    }

    #[test]
    fn a_printed_name_is_one_run_and_a_row_is_all_axes() {
        assert_eq!(count(&["reset/acceptance[state=SYNRCVD,edge=left,ip4]"]), 1);
        assert_eq!(count(&["reset/acceptance[state=SYNRCVD,edge=left,ip4,wrap]"]), 1);
        assert_eq!(count(&["reset/acceptance[state=SYNRCVD,edge=left]"]), 4);
        assert_eq!(count(&["reset/acceptance[edge=left]"]), 8);
        assert_eq!(count(&["reset/acceptance[edge=left,ip6,wrap]"]), 2);
        assert_eq!(count(&["handshake/passive-open[ip4]"]), 1);
    }

    #[test]
    fn requirements_tags_and_foreign_ids_select() {
        assert_eq!(count(&["rfc:5961"]), 4);
        assert_eq!(count(&["RFC5961-7-1"]), 4);
        assert_eq!(count(&["tag:alone"]), 4);
        assert_eq!(count(&["alone"]), 4);
        assert_eq!(count(&["tc8:TCP_BASICS_01"]), 4);
        assert_eq!(count(&["tc8:*"]), 4);
    }

    #[test]
    fn what_the_axes_leave_out_is_not_picked_and_no_error() {
        let scripts: Vec<_> = [script("a/b", "")].map(Arc::new).into();
        let library = expand(&scripts, &Axes::default());
        let six = Axes {
            ips: vec![IpVersion::V6],
            ..Axes::default()
        };
        let picked = Selection::parse(&["a/b[ip4]"])
            .pick(&library, &expand(&scripts, &six))
            .unwrap();
        assert!(picked.is_empty());
    }

    #[test]
    fn a_word_that_means_nothing_names_what_was_looked_for_and_what_is_near() {
        assert_eq!(
            error("reset/acceptence"),
            "no case, folder, requirement or tag `reset/acceptence`, and no name begins so; did you mean \
             `reset/acceptance`?"
        );
        assert_eq!(
            error("rfc:5962"),
            "no case covers a requirement of `rfc:5962`; did you mean `rfc:5961`?"
        );
        assert_eq!(error("tag:alnoe"), "no case has the tag `alnoe`; did you mean `alone`?");
        assert_eq!(
            error("tc8:TCP_BASICS_11"),
            "no case is called `TCP_BASICS_11` by `tc8`; did you mean `tc8:TCP_BASICS_01`?"
        );
        assert_eq!(
            error("tc9:X"),
            "nothing is selected by `tc9:`, only by `tc8:`, `rfc:`, `tag:`; `tcpvet list` shows what there is"
        );
        assert_eq!(
            error("reset/acceptance[state=SYNRCVT,edge=left]"),
            "no run is called `reset/acceptance[state=SYNRCVT,edge=left]`; did you mean \
             `reset/acceptance[state=SYNRCVD,edge=left]`?"
        );
        for (word, meant) in [
            (
                "reset/acceptance[state=SYNRCV,ip4]",
                "`reset/acceptance[state=SYNRCVD,ip4]`?",
            ),
            ("reset/acceptance[state=SYNRCW", "`reset/acceptance[state=SYNRCVD]`?"),
            (
                "reset/acceptance[edge=lefd,state=CLOSIN]",
                "`reset/acceptance[edge=left,state=CLOSING]`?",
            ),
            (
                "reset/acceptance[state=CLOSING,ip5]",
                "`reset/acceptance[state=CLOSING,ip4]` or ",
            ),
            (
                "reset/acceptance[state=SAUSAGE,ip4]",
                "`reset/acceptance[state=SYNRCVD,edge=left]` or ",
            ),
            ("reset/aceptance[state=CLOSING]", "`reset/acceptance`?"),
        ] {
            let said = error(word);
            assert!(said.contains(&format!("did you mean {meant}")), "{said}");
        }
        assert_eq!(
            error("*zzz"),
            "no run's name fits `*zzz`; `tcpvet list` shows what there is"
        );
    }
}
