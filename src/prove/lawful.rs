//! That no lawful endpoint fails: the library on endpoints drawn by lot from all that RFCs allow.
//!
//! Each endpoint claims all that it can do, its times follow from its parameters, and it says from which SHOULDs it
//! departs. A run that does not pass, unless it deviates in just what its endpoint has said, is a finding: the endpoint,
//! the range of a parameter, or the case is wrong.

use super::trial::{Choice, Stand};
use super::{RowRuns, in_parallel};
use crate::engine::{Outcome, Verdict};
use crate::model::LawfulEndpoint;
use crate::rfc::Level;
use crate::stacks::RunnerError;
use crate::suite::Run;
use core::ops::Range;
use std::collections::BTreeMap;

/// How many rows are run by one thread before it takes others.
const ROWS_AT_ONCE: usize = 100;
/// The least share of runs that pass, in percent: an endpoint that is left out of everything shows nothing.
pub const LEAST_PASSES: usize = 95;

/// What running a library on endpoints drawn by lot showed.
#[derive(Clone, Debug, Default)]
pub struct LawfulProof {
    /// How many runs ended so.
    pub verdicts: BTreeMap<Verdict, usize>,
    /// What should not have come, by row; the first endpoint with which it came, and how many more there were.
    pub findings: Vec<LawfulFinding>,
    /// Whether the rows are a whole library.
    pub whole: bool,
}

/// A run that failed on a lawful endpoint, or deviated in what the endpoint has not said.
#[derive(Clone, Debug)]
pub struct LawfulFinding {
    /// The row.
    pub row: String,
    /// The run of that row.
    pub run: String,
    /// From which the endpoint is drawn.
    pub seed: u64,
    /// The endpoint, as usual in all that the finding does not need.
    pub least: LawfulEndpoint,
    /// How the run ended, and why.
    pub verdict: Verdict,
    /// See `verdict`.
    pub reason: String,
    /// The requirements that it was charged with.
    pub charged: Vec<String>,
    /// How many endpoints showed it.
    pub endpoints: usize,
}

impl LawfulProof {
    /// How many runs were made.
    pub fn runs(&self) -> usize {
        self.verdicts.values().sum()
    }

    /// Whether so many runs of a whole library passed that the others may be left out of account.
    pub fn enough_passed(&self) -> bool {
        let passed = self.verdicts.get(&Verdict::Pass).copied().unwrap_or_default();
        !self.whole || passed * 100 >= self.runs() * LEAST_PASSES
    }

    /// Whether nothing is wrong.
    pub fn holds(&self) -> bool {
        self.findings.is_empty() && self.enough_passed()
    }

    fn add(&mut self, part: LawfulProof) {
        for (verdict, count) in part.verdicts {
            *self.verdicts.entry(verdict).or_default() += count;
        }
        for finding in part.findings {
            let known = self.findings.iter_mut().find(|known| known.is_like(&finding));
            match known {
                Some(known) => known.endpoints += finding.endpoints,
                None => self.findings.push(finding),
            }
        }
    }
}

impl LawfulFinding {
    /// Whether both have the same row, and come of the same traits.
    fn is_like(&self, other: &LawfulFinding) -> bool {
        let names = |finding: &LawfulFinding| -> Vec<&'static str> {
            finding.least.traits.iter().map(|it| it.name()).collect()
        };
        self.row == other.row && names(self) == names(other)
    }
}

/// Runs each row once on the endpoint of each seed, over an IP version and with ISNs chosen by lot; `whole` says that the
/// rows are a whole library, and `note` is called for each endpoint.
pub fn prove_lawful(
    rows: &[RowRuns],
    whole: bool,
    seeds: Range<u64>,
    note: &(dyn Fn() + Sync),
) -> Result<LawfulProof, RunnerError> {
    let parts: Vec<(u64, &[RowRuns])> = seeds
        .flat_map(|seed| rows.chunks(ROWS_AT_ONCE).map(move |part| (seed, part)))
        .collect();
    let parts_of_each = rows.len().div_ceil(ROWS_AT_ONCE);
    let done = in_parallel(parts.len(), &|stand, at| {
        let (seed, part) = parts[at];
        let proof = on_endpoint(stand, seed, part);
        if (at + 1).is_multiple_of(parts_of_each) {
            note();
        }
        proof
    })?;
    let mut proof = LawfulProof {
        whole,
        ..LawfulProof::default()
    };
    done.into_iter().for_each(|part| proof.add(part));
    proof
        .findings
        .sort_by(|a, b| (&a.row, b.endpoints).cmp(&(&b.row, a.endpoints)));
    Ok(proof)
}

fn on_endpoint(stand: &Stand, seed: u64, rows: &[RowRuns]) -> LawfulProof {
    let endpoint = LawfulEndpoint::draw(seed);
    let choice = stand.lawful(&endpoint);
    let mut proof = LawfulProof::default();
    for row in rows {
        let lot = row.runs[0].job(seed).seed as usize % row.runs.len();
        let run = &row.runs[lot];
        let outcome = stand.judged(run, &choice, seed);
        *proof.verdicts.entry(outcome.verdict).or_default() += 1;
        if is_wrong(&outcome, &endpoint) {
            proof.findings.push(finding(stand, seed, run, &endpoint));
        }
    }
    proof
}

/// Whether an outcome is no lawful endpoint's.
fn is_wrong(outcome: &Outcome, endpoint: &LawfulEndpoint) -> bool {
    match outcome.verdict {
        Verdict::Pass | Verdict::Observed | Verdict::Unsupported | Verdict::NotApplicable => false,
        Verdict::Fail | Verdict::Inconclusive | Verdict::CaseError => true,
        Verdict::Deviates => {
            let departs = endpoint.departs();
            let mut charged = charged(outcome).into_iter();
            !charged.all(|id| departs.contains(id.as_str()))
        }
    }
}

/// The requirements that are no MAY and that a failed run is charged with.
fn charged(outcome: &Outcome) -> Vec<String> {
    let requirements = outcome.failure.iter().flat_map(|failure| &failure.requirements);
    let strong = requirements.filter(|it| it.level > Level::May);
    strong.map(|it| it.id.clone()).collect()
}

/// Makes everything usual of an endpoint with which the run still ends wrongly.
fn finding(stand: &Stand, seed: u64, run: &Run, endpoint: &LawfulEndpoint) -> LawfulFinding {
    let judge = |endpoint: &LawfulEndpoint| {
        let choice: Choice = stand.lawful(endpoint);
        stand.judged(run, &choice, seed)
    };
    let mut least = endpoint.clone();
    for place in (0..endpoint.traits.len()).rev() {
        let less = least.without(place);
        if is_wrong(&judge(&less), &less) {
            least = less;
        }
    }
    let outcome = judge(&least);
    LawfulFinding {
        row: run.case_and_row(),
        run: run.name.clone(),
        seed,
        least,
        verdict: outcome.verdict,
        reason: outcome.reason.clone(),
        charged: charged(&outcome),
        endpoints: 1,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::ROWS;
    use super::super::{in_parallel, rows};
    use super::*;
    use crate::case::trial::library_of;
    use crate::engine::{Arrow, Happening};
    use crate::model::{Parameter, Trait};
    use crate::time::Instant;

    fn proof_of(body: &str, seeds: Range<u64>) -> LawfulProof {
        let text = format!("title: A trial\nwhy: To see it told.\ncovers: [RFC9293-MUST-40]\n{body}");
        let library = library_of(&[("trial/it.yaml", text.as_bytes())]).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        let scripts = library.case("trial/it").unwrap().scripts.clone();
        prove_lawful(&rows(&scripts), false, seeds, &|| ()).unwrap()
    }

    #[test]
    fn no_endpoint_of_a_sample_fails() {
        let proof = prove_lawful(&ROWS, true, 1..4, &|| ()).unwrap();
        assert!(proof.findings.is_empty(), "{:#?}", proof.findings);
        assert_eq!(proof.runs(), 3 * ROWS.len());
    }

    #[test]
    fn a_case_that_asks_too_much_is_found_with_what_shows_it() {
        let body = "given: established\nsteps:\n  - inject: ACK \"x\"\n  - expect: ACK\n    within: 150ms\n";
        let proof = proof_of(body, 0..30);
        assert!(!proof.holds());
        let [finding] = proof.findings.as_slice() else {
            panic!("{:#?}", proof.findings)
        };
        // The default endpoint waits for 200 ms, so that nothing unusual is needed.
        assert_eq!(
            (finding.verdict, finding.least.to_string().as_str()),
            (Verdict::Fail, "nothing unusual")
        );
        let body = body.replace("150ms", "300ms");
        let proof = proof_of(&body, 0..30);
        assert!(
            proof.findings.iter().all(|it| it.least.traits[0].name() == "ack-delay"),
            "{:#?}",
            proof.findings
        );
        assert!(!proof.findings.is_empty());
    }

    #[test]
    fn a_case_that_asks_for_what_every_endpoint_does_holds() {
        let body = "given: established\nsteps:\n  - inject: ACK \"x\"\n  - expect: ACK\n    within: 500ms\n";
        let proof = proof_of(body, 0..30);
        assert!(proof.holds(), "{:#?}", proof.findings);
        assert_eq!(proof.verdicts, BTreeMap::from([(Verdict::Pass, 30)]));
    }

    /// The frames of the endpoint, with their times.
    fn sent(outcome: &Outcome) -> Vec<(Instant, Vec<u8>)> {
        let frames = outcome.trace.iter().filter_map(|event| match &event.what {
            Happening::Frame {
                arrow: Arrow::FromTarget,
                octets,
                ..
            } => Some((event.at.latest, octets.to_vec())),
            _ => None,
        });
        frames.collect()
    }

    /// The values that no row of the library brings to the wire: each lets probes of its own number go unanswered, sends
    /// less than the threshold, or knows that a text is small.
    const NEVER_SEEN: &[&str] = &[
        "keep-alive-count=2",
        "keep-alive-count=20",
        "first-threshold=65536",
        "nagle-of-small=yes",
    ];

    #[test]
    #[ignore = "seeks for each value a row in which it shows"]
    fn both_ends_of_each_range_show_on_the_wire() {
        let values: Vec<(&'static Parameter, u64)> = Parameter::ALL
            .iter()
            .flat_map(|parameter| [parameter.range.0, parameter.range.1].map(|value| (parameter, value)))
            .filter(|(parameter, value)| *value != parameter.usual)
            .collect();
        let shown = in_parallel(values.len(), &|stand, at| {
            let (parameter, value) = values[at];
            let usual = stand.lawful(&LawfulEndpoint::default());
            let traits = vec![Trait::Value(parameter, value)];
            let other = stand.lawful(&LawfulEndpoint { traits });
            let runs = ROWS.iter().map(|row| &row.runs[0]);
            runs.map(|run| (stand.judged(run, &usual, 1), stand.judged(run, &other, 1)))
                .any(|(usual, other)| sent(&usual) != sent(&other))
        });
        let unseen = values.into_iter().zip(shown.unwrap()).filter(|(_, shown)| !shown);
        let unseen: Vec<String> = unseen
            .map(|((parameter, value), _)| format!("{}={}", parameter.name, parameter.text(value)))
            .collect();
        assert_eq!(unseen, NEVER_SEEN);
    }
}
