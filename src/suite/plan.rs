//! Makes runs of scripts: each over both IP versions, with ISNs far from 2^32 and with ISNs near it, which wrap.

use crate::drive::Job;
use crate::rfc::Requirement;
use crate::script::{Script, Step, StepKind};
use crate::stack::IpVersion;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One run to be made, and its name.
#[derive(Clone, Debug)]
pub struct Run {
    /// `reset/acceptance[state=SYNRCVD,event=RST-EXACT,edge=left,ip4]`
    pub name: String,
    /// What to do.
    pub script: Arc<Script>,
    /// Over which IP version.
    pub ip: IpVersion,
    /// Whether ISNs are placed near 2^32.
    pub wrap: bool,
}

/// What names a run, without what is done in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RunId {
    /// `reset/acceptance[state=SYNRCVD,event=RST-EXACT,edge=left,ip4]`
    pub name: String,
    /// The case: `reset/acceptance`.
    pub case: String,
    /// The row of its matrix: `state=SYNRCVD,event=RST-EXACT,edge=left`; empty without a matrix.
    pub row: String,
    /// Over which IP version.
    pub ip: IpVersion,
    /// Whether ISNs are placed near 2^32.
    pub wrap: bool,
}

/// All runs of one row of a case, which differ in nothing but the axes, and what they cover.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Row {
    /// The case.
    pub case: String,
    /// The row; empty without a matrix.
    pub row: String,
    /// The axes of each run: the IP version, and whether ISNs wrap.
    pub axes: Vec<(IpVersion, bool)>,
    /// The ids of the requirements that a run of the row can break: those that it covers, and those of the transitions
    /// on the way into the states of its `given`.
    pub requirements: Vec<String>,
}

/// The axes over which every case is run, as far as the user wants them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axes {
    /// The IP versions.
    pub ips: Vec<IpVersion>,
    /// Whether ISNs wrap.
    pub wraps: Vec<bool>,
}

impl Default for Axes {
    fn default() -> Axes {
        Axes {
            ips: vec![IpVersion::V4, IpVersion::V6],
            wraps: vec![false, true],
        }
    }
}

/// All runs of all scripts, in the scripts' order, as far as the axes and the scripts' `only` allow.
pub fn expand(scripts: &[Arc<Script>], axes: &Axes) -> Vec<Run> {
    let mut runs = Vec::new();
    for script in scripts {
        for &ip in &axes.ips {
            for &wrap in &axes.wraps {
                if allowed(script, ip, wrap) {
                    runs.push(Run {
                        name: run_name(script, ip, wrap),
                        script: Arc::clone(script),
                        ip,
                        wrap,
                    });
                }
            }
        }
    }
    runs
}

fn allowed(script: &Script, ip: IpVersion, wrap: bool) -> bool {
    let fits = |axis: &str, value: &str| script.only.get(axis).is_none_or(|only| only == value);
    fits("ip", ip_number(ip)) && fits("isn", if wrap { "wrap" } else { "plain" })
}

/// The IP version as `only`, `when` and `--ip` write it.
pub(crate) const fn ip_number(ip: IpVersion) -> &'static str {
    match ip {
        IpVersion::V4 => "4",
        IpVersion::V6 => "6",
    }
}

/// The runs of a library, grouped by row. Those of one row must stand together, as [`expand`] gives them.
pub fn rows(library: &[Run]) -> Vec<Row> {
    let by_row = library.chunk_by(|a, b| Arc::ptr_eq(&a.script, &b.script));
    let row = |runs: &[Run]| {
        let script = &runs[0].script;
        Row {
            case: script.case.to_string(),
            row: script.row.clone(),
            axes: runs.iter().map(|run| (run.ip, run.wrap)).collect(),
            requirements: breakable(script).into_iter().map(|it| it.id.clone()).collect(),
        }
    };
    by_row.map(row).collect()
}

/// The name of a run: the case, and in brackets the row and the axes.
pub fn run_name(script: &Script, ip: IpVersion, wrap: bool) -> String {
    named(&script.case, &script.row, ip, wrap)
}

fn named(case: &str, row: &str, ip: IpVersion, wrap: bool) -> String {
    format!("{case}[{}]", variation(row, ip, wrap))
}

fn variation(row: &str, ip: IpVersion, wrap: bool) -> String {
    let row = if row.is_empty() {
        String::new()
    } else {
        format!("{row},")
    };
    let wrap = if wrap { ",wrap" } else { "" };
    format!("{row}{ip}{wrap}")
}

fn case_and_row(case: &str, row: &str) -> String {
    match row {
        "" => case.to_owned(),
        row => format!("{case}[{row}]"),
    }
}

impl RunId {
    /// The case and its row, without the axes: `reset/acceptance[state=SYNRCVD]`, or `close/simple` without a matrix.
    pub fn case_and_row(&self) -> String {
        case_and_row(&self.case, &self.row)
    }

    /// What stands in the brackets: `state=SYNRCVD,ip4`.
    pub fn variation(&self) -> String {
        variation(&self.row, self.ip, self.wrap)
    }
}

impl Row {
    /// Its runs.
    pub fn runs(&self) -> impl Iterator<Item = RunId> {
        self.axes.iter().map(|&(ip, wrap)| RunId {
            name: named(&self.case, &self.row, ip, wrap),
            case: self.case.clone(),
            row: self.row.clone(),
            ip,
            wrap,
        })
    }
}

impl Run {
    /// What names it.
    pub fn id(&self) -> RunId {
        RunId {
            name: self.name.clone(),
            case: self.script.case.to_string(),
            row: self.script.row.clone(),
            ip: self.ip,
            wrap: self.wrap,
        }
    }

    /// As [`RunId::case_and_row`].
    pub fn case_and_row(&self) -> String {
        case_and_row(&self.script.case, &self.script.row)
    }

    /// As [`RunId::variation`].
    pub fn variation(&self) -> String {
        variation(&self.script.row, self.ip, self.wrap)
    }

    /// The job of this run. Its seed depends on the run's name and on `seed`, not on what else is selected: a run that
    /// is repeated alone by its name is the same run.
    pub fn job(&self, seed: u64) -> Job {
        Job {
            script: Arc::clone(&self.script),
            ip: self.ip,
            wrap: self.wrap,
            seed: mix(seed, &self.name),
            waived: Arc::default(),
            alone: self.script.is_alone(),
        }
    }
}

/// FNV-1a over the seed and the name, then mixed by splitmix64, since FNV leaves its high bits poor.
fn mix(seed: u64, name: &str) -> u64 {
    let octets = seed.to_be_bytes().into_iter().chain(name.bytes());
    let hash = octets.fold(0xcbf2_9ce4_8422_2325_u64, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// The topic of a case: its folder; for a case in no folder, its own name.
pub fn topic(case: &str) -> &str {
    case.rsplit_once('/').map_or(case, |(folder, _)| folder)
}

/// Every requirement that a script or one of its own steps names, each once, by id.
pub fn requirements(script: &Script) -> Vec<&Arc<Requirement>> {
    let mut found: Vec<&Arc<Requirement>> = script.covers.iter().collect();
    collect(&script.steps, &mut found);
    each_once(found)
}

/// Those, and what the steps into the states of `given` name.
fn breakable(script: &Script) -> Vec<&Arc<Requirement>> {
    let mut found = requirements(script);
    for given in &script.given {
        collect(&given.steps, &mut found);
    }
    each_once(found)
}

fn each_once(mut found: Vec<&Arc<Requirement>>) -> Vec<&Arc<Requirement>> {
    found.sort_by(|a, b| a.id.cmp(&b.id));
    found.dedup_by(|a, b| a.id == b.id);
    found
}

fn collect<'a>(steps: &'a [Step], found: &mut Vec<&'a Arc<Requirement>>) {
    for step in steps {
        found.extend(&step.covers);
        if let StepKind::AnyOf(any_of) = &step.kind {
            for (_, steps) in &any_of.outcomes {
                collect(steps, found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{runs, script};
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn names(runs: &[Run]) -> Vec<&str> {
        runs.iter().map(|run| run.name.as_str()).collect()
    }

    #[test]
    fn a_script_is_run_over_all_axes() {
        assert_eq!(
            names(&runs(&[("handshake/passive-open", "")])),
            [
                "handshake/passive-open[ip4]",
                "handshake/passive-open[ip4,wrap]",
                "handshake/passive-open[ip6]",
                "handshake/passive-open[ip6,wrap]"
            ]
        );
        assert_eq!(runs(&[("a/b", "x=1,y=2")])[0].name, "a/b[x=1,y=2,ip4]");
    }

    #[test]
    fn only_and_the_user_restrict_the_axes() {
        let mut four = script("a/b", "");
        four.only = BTreeMap::from([("ip".to_owned(), "4".to_owned()), ("isn".to_owned(), "wrap".to_owned())]);
        let four = [Arc::new(four)];
        assert_eq!(names(&expand(&four, &Axes::default())), ["a/b[ip4,wrap]"]);
        let six = Axes {
            ips: vec![IpVersion::V6],
            ..Axes::default()
        };
        assert!(expand(&four, &six).is_empty());
    }

    #[test]
    fn names_are_unique() {
        let runs = runs(&[("a/b", ""), ("a/b", "x=1"), ("a/b", "x=2"), ("a/c", "x=1")]);
        let unique: BTreeSet<_> = names(&runs).into_iter().collect();
        assert_eq!(unique.len(), 16);
    }

    #[test]
    fn rows_name_the_runs_that_they_were_made_of() {
        let library = runs(&[("a/b", ""), ("a/c", "x=1"), ("a/c", "x=2")]);
        let rows = rows(&library);
        assert_eq!(rows.len(), 3);
        assert_eq!(rows[1].requirements, ["RFC9293-MUST-1"]);
        let ids: Vec<RunId> = rows.iter().flat_map(Row::runs).collect();
        assert_eq!(ids, library.iter().map(Run::id).collect::<Vec<_>>());
    }

    #[test]
    fn a_seed_belongs_to_the_run_not_to_the_selection() {
        let many = runs(&[("a/b", ""), ("a/c", "")]);
        let one = runs(&[("a/c", "")]);
        assert_eq!(many[4].job(7).seed, one[0].job(7).seed);
        assert_ne!(one[0].job(7).seed, one[0].job(8).seed);
        assert_ne!(one[0].job(7).seed, one[1].job(7).seed);
    }

    #[test]
    fn a_topic_is_the_folder() {
        assert_eq!(topic("reset/acceptance"), "reset");
        assert_eq!(topic("rfc/5961/rst"), "rfc/5961");
        assert_eq!(topic("lonely"), "lonely");
    }
}
