//! The text of segments, expressions and times, as cases write them and as the tool prints them.
//!
//! What is printed here is read back here to the same thing.

mod call;
mod check;
mod expr;
mod option;
mod other;
mod print;
mod quantity;
mod read;
mod scan;
mod segment;
mod spelling;
mod time;

pub use call::{CallSpec, ReturnSpec, SettingValue, Verb};
pub use check::{Check, Series};
pub use expr::{Arithmetic, Expr, Variable};
pub use other::print_octets;
pub use print::{Origins, print_packet, print_segment};
pub use quantity::Quantity;
pub use segment::{
    Comparison, Control, FieldValue, FlagPattern, IcmpPattern, IpField, Key, ODD_ADDRESSES, Octets, OptionPattern,
    OptionValue, Pattern, Role, SegmentPattern,
};
pub use spelling::{did_you_mean, nearest, suggestion};
pub use time::{Period, PeriodError, TimeExpr, TimeFactor, TimeSpec};

use core::fmt;
use core::ops::Range;

/// What is wrong with a piece of notation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotationError {
    /// Where, in octets of the text that was read.
    pub at: Range<usize>,
    /// What, as a lower-case fragment: "unknown flag `SYM`".
    pub message: String,
    /// What to do about it: "did you mean `SYN`?".
    pub help: Option<String>,
}

impl fmt::Display for NotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.help {
            Some(help) => write!(f, "{}: {help}", self.message),
            None => self.message.fmt(f),
        }
    }
}

impl core::error::Error for NotationError {}
