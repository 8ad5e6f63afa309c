//! Comparisons over what was measured: `max(gaps($iss)) - min(gaps($iss)) > 0x1000000`.

use super::{Arithmetic, Comparison, NotationError};

/// A comparison of two series, each taken by its last value if it has several.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// How they compare.
    pub op: Comparison,
    /// On the left.
    pub left: Series,
    /// On the right.
    pub right: Series,
}

/// A number, a series of measured values, or something made of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Series {
    /// A number.
    Number(f64),
    /// `$name`: all values measured under that name.
    Measured(String),
    /// `count(s)`
    Count(Box<Series>),
    /// `distinct(s)`: how many different values.
    Distinct(Box<Series>),
    /// `min(s)`
    Min(Box<Series>),
    /// `max(s)`
    Max(Box<Series>),
    /// `mean(s)`
    Mean(Box<Series>),
    /// `gaps(s)`: differences of neighbours; of whole numbers modulo 2^32.
    Gaps(Box<Series>),
    /// `a + b`, `a - b`, `a * b`, `a / b`
    Binary(Arithmetic, Box<Series>, Box<Series>),
}

impl Check {
    /// Reads a comparison.
    pub fn parse(_text: &str) -> Result<Check, NotationError> {
        todo!()
    }
}
