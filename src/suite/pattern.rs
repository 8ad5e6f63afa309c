//! Patterns of run names, in which `*` stands for any text, `/` and the empty text included.

use super::RunId;
use serde::{Deserialize, Serialize};

/// A pattern such as `urgent/*` or `reset/acceptance[*,ip6]`. Brackets stand for themselves: run names hold them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Pattern(String);

impl Pattern {
    /// Any text is a pattern.
    pub fn new(text: &str) -> Pattern {
        Pattern(text.to_owned())
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a text fits.
    pub fn fits(&self, text: &str) -> bool {
        let mut parts = self.0.split('*');
        // `split` gives at least one part.
        let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or("")) else {
            return false;
        };
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else {
            return rest.is_empty();
        };
        // Taking the first place where a part fits leaves the most text for the parts that follow.
        for part in parts {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }

    /// Whether a run of that case could fit, whatever its row.
    pub(super) fn may_fit_case(&self, case: &str) -> bool {
        match self.0.split_once('*') {
            Some((begin, _)) => case.starts_with(begin) || starts_a_run_of(begin, case),
            None => self.0 == case || starts_a_run_of(&self.0, case),
        }
    }

    /// Whether a run fits: by its name, by its case, or by its case and row without the axes.
    pub fn fits_run(&self, run: &RunId) -> bool {
        self.fits(&run.name) || self.fits(&run.case) || self.fits(&run.case_and_row())
    }
}

/// Whether the text goes on behind a case's name, as the name of a run of it does: `a/b[x=1` for `a/b`.
pub(super) fn starts_a_run_of(text: &str, case: &str) -> bool {
    text.strip_prefix(case).is_some_and(|rest| rest.starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).fits(text)
    }

    #[test]
    fn a_star_is_anything_and_a_bracket_is_itself() {
        assert!(fits("urgent/*", "urgent/mark[ip4]"));
        assert!(fits("*[*,ip6]", "reset/acceptance[state=SYNRCVD,ip6]"));
        assert!(!fits("*[*,ip6]", "reset/acceptance[ip6,wrap]"));
        assert!(fits("a*b*c", "abc"));
        assert!(fits("a*b*c", "a-b-b-c-c"));
        assert!(!fits("a*b*c", "a-c-b"));
        assert!(fits("**", ""));
    }

    #[test]
    fn parts_do_not_overlap() {
        assert!(!fits("aba*aba", "ababa"));
        assert!(fits("aba*aba", "abaaba"));
    }

    #[test]
    fn what_could_fit_a_case_is_told_by_how_it_begins() {
        let may = |pattern: &str| Pattern::new(pattern).may_fit_case("reset/acceptance");
        assert!(may("*ip6]") && may("reset/*") && may("reset/acceptance[state=*") && may("reset/acceptance"));
        assert!(!may("reset/accept") && !may("close/*") && !may("reset/acceptance-2*") && !may("reset/b*"));
    }

    #[test]
    fn without_a_star_only_the_same_text_fits() {
        assert!(fits("close/simple", "close/simple"));
        assert!(!fits("close/simple", "close/simple-2"));
        assert!(!fits("", "x"));
    }
}
