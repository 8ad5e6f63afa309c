//! The proof as a table in the repository: if it changes, what the library can detect has changed.
//!
//! Tab-separated; a line for each row, for each mistake, and for each step with changes that need not be noticed.

use super::{Excuse, Proof};
use crate::model::Defect;
use std::collections::BTreeMap;
use std::fmt::Write;

/// How many mistakes are named beside a row, and rows beside a mistake.
const NAMED: usize = 3;

const HEAD: &str = "\
# What each row of the library notices, and who notices each mistake. Written by
#   tcpvet prove --write cases/proof.tsv
# and compared with what is true by a test.
#
# row      the row, how many mistakes it notices, those of them that the fewest rows notice
# mistake  the mistake, how many rows notice it, the first of them; or, where none does, a rule that does
# excused  a step of which changed replies pass: the reason, the case, the step, how many
";

impl Proof {
    /// The table.
    pub fn table(&self) -> String {
        let noticed_by = |defect: Defect| self.rows.iter().filter(move |row| row.caught.contains(defect));
        let counts: BTreeMap<Defect, usize> = Defect::ALL
            .iter()
            .map(|defect| (*defect, noticed_by(*defect).count()))
            .collect();
        let mut table = HEAD.to_owned();
        for row in &self.rows {
            let mut caught: Vec<Defect> = row.caught.iter().collect();
            caught.sort_by_key(|defect| (counts[defect], *defect));
            let names = caught
                .iter()
                .map(|defect| defect.name())
                .take(NAMED)
                .collect::<Vec<_>>();
            // Writing to a string cannot fail, here and below.
            let _ = writeln!(table, "row\t{}\t{}\t{}", row.row, caught.len(), names.join(" "));
        }
        for defect in Defect::ALL {
            let rule = self.by_rules.get(defect).map(|rule| format!("rule {rule}"));
            let rows = noticed_by(*defect).map(|row| row.row.clone()).take(NAMED);
            let rows: Vec<String> = rows.chain(rule).collect();
            let _ = writeln!(
                table,
                "mistake\t{}\t{}\t{}",
                defect.name(),
                counts[defect],
                rows.join(" ")
            );
        }
        for ((excuse, case, step), count) in self.excused() {
            let _ = writeln!(table, "excused\t{}\t{case}\t{step}\t{count}", excuse.name());
        }
        table
    }

    /// The steps with changes that need not be noticed, and how many those are.
    fn excused(&self) -> BTreeMap<(Excuse, &str, &str), usize> {
        let mut counts = BTreeMap::new();
        for row in &self.rows {
            let case = row.row.split_once('[').map_or(row.row.as_str(), |(case, _)| case);
            for change in &row.unnoticed {
                if let Some(excuse) = change.excuse {
                    *counts.entry((excuse, case, change.step.as_str())).or_insert(0) += 1;
                }
            }
        }
        counts
    }
}

impl Excuse {
    /// Its name in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Excuse::Swallowed => "swallowed",
            Excuse::MadeGood => "made-good",
        }
    }
}
