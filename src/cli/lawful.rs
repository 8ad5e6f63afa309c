//! `tcpvet prove --lawful N`

use super::prove::{RowCount, plural};
use super::{BUG, MISTAKE, OK, UNPROVEN, output};
use core::time::Duration;
use std::fmt::Write;
use std::time::Instant;
use tcpvet::prove::{LEAST_PASSES, LawfulFinding, LawfulProof, RowRuns, prove_lawful};

/// How many findings are shown without `-v`.
const SHOWN: usize = 40;

/// Runs rows on so many endpoints, drawn from `seed` and the seeds after it; gives the exit code.
pub(super) fn run(rows: &[RowRuns], whole: bool, endpoints: u64, seed: u64, verbose: bool) -> u8 {
    let Some(end) = seed.checked_add(endpoints) else {
        output::error("the seed is too large");
        return MISTAKE;
    };
    let began = Instant::now();
    let progress = RowCount::of(usize::try_from(endpoints).unwrap_or(usize::MAX), "endpoints tried");
    let proof = prove_lawful(rows, whole, seed..end, &|| progress.step());
    progress.end();
    match proof {
        Ok(proof) => {
            output::print(&report(&proof, endpoints, verbose, began.elapsed()));
            if proof.holds() { OK } else { UNPROVEN }
        }
        // The description of the reference endpoint is part of this program, and a test reads it.
        Err(error) => {
            output::error(&error.to_string());
            BUG
        }
    }
}

/// The report: the findings, then what was done.
fn report(proof: &LawfulProof, endpoints: u64, verbose: bool, took: Duration) -> String {
    let mut text = String::new();
    let most = if verbose { usize::MAX } else { SHOWN };
    // Writing to a string cannot fail, here and below.
    for finding in proof.findings.iter().take(most) {
        tell(&mut text, finding);
    }
    if proof.findings.len() > most {
        let more = plural(proof.findings.len() - most, "finding");
        let _ = writeln!(text, "... and {more} more (-v shows all)");
    }
    if !proof.findings.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(
        text,
        "{} on {} in {:.1} s",
        plural(proof.runs(), "run"),
        plural(usize::try_from(endpoints).unwrap_or(usize::MAX), "lawful endpoint"),
        took.as_secs_f64()
    );
    for (verdict, count) in &proof.verdicts {
        let share = 100.0 * *count as f64 / proof.runs().max(1) as f64;
        let _ = writeln!(text, "  {:<15} {count:>9}  {share:.1} %", verdict.name());
    }
    let _ = match (proof.findings.len(), proof.enough_passed()) {
        (0, true) => writeln!(
            text,
            "No lawful endpoint fails, and none deviates in what it has not said."
        ),
        (0, false) => writeln!(text, "NOT PROVEN: less than {LEAST_PASSES} % of the runs passed."),
        (count, _) => writeln!(text, "NOT PROVEN: {}.", plural(count, "finding")),
    };
    text
}

fn tell(text: &mut String, finding: &LawfulFinding) {
    let LawfulFinding {
        row,
        run,
        seed,
        least,
        verdict,
        reason,
        charged,
        endpoints,
    } = finding;
    let count = plural(*endpoints, "endpoint");
    let _ = writeln!(text, "{row}  {verdict} on {count}, with {least}");
    let _ = writeln!(text, "    {}", reason.replace('\n', "\n    "));
    let _ = writeln!(text, "    charged with {}", charged.join(", "));
    let _ = writeln!(
        text,
        "    tcpvet run --target model --lawful {seed} --seed {seed} '{run}'"
    );
}
