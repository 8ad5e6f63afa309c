//! The values of expressions, times and checks when their step is reached.

use super::Measure;
use super::conn::Conn;
use super::error::ValueError;
use crate::notation::{Arithmetic, Check, Expr, Period, Series, TimeSpec, Variable};
use crate::stack::Tolerance;
use crate::stack::Tolerances;
use crate::wire::Isn;
use std::collections::{BTreeMap, BTreeSet};

/// What an expression may look at.
pub(crate) struct Scope<'a> {
    pub conns: &'a [Conn],
    /// The connection whose variables need no name.
    pub here: usize,
    pub measures: &'a BTreeMap<String, Vec<Measure>>,
}

/// The signed 32-bit difference that sequence numbers have.
pub(crate) fn wrap(number: i64) -> i64 {
    i64::from(number as i32)
}

impl Scope<'_> {
    /// The value of an expression, or why it has none.
    pub(crate) fn value(&self, expr: &Expr) -> Result<i64, ValueError> {
        match expr {
            Expr::Number(number) => Ok(*number),
            Expr::Variable { conn, name } => self.variable(conn.as_deref(), *name),
            Expr::Measured(name) => match self.last(name)? {
                Measure::Number(number) | Measure::Seconds(number) => Ok(*number as i64),
                Measure::Octets(_) => Err(ValueError::NotANumber(name.clone())),
            },
            Expr::Binary { op, left, right } => apply(*op, self.value(left)?, self.value(right)?),
        }
    }

    /// The last value measured under that name.
    pub(crate) fn last(&self, name: &str) -> Result<&Measure, ValueError> {
        let values = self.measures.get(name).and_then(|values| values.last());
        values.ok_or_else(|| ValueError::NotMeasured(name.to_owned()))
    }

    fn variable(&self, conn: Option<&str>, name: Variable) -> Result<i64, ValueError> {
        let here = &self.conns[self.here];
        let Some(other) = conn.filter(|other| *other != here.name) else {
            return Ok(own(here, name));
        };
        let there = self.conns.iter().find(|conn| conn.name == other);
        let there = there.ok_or_else(|| ValueError::NoConnection(other.to_owned()))?;
        let value = own(there, name);
        // Another connection's number, converted into this one's.
        let converted = |from: Isn, to: Isn| wrap(i64::from(from.0.offset_from(to.0)) + value);
        Ok(match name {
            Variable::RcvNxt | Variable::Irs | Variable::SegSeq => converted(there.isn, here.isn),
            Variable::SndNxt | Variable::SndUna | Variable::Iss | Variable::SegAck => converted(there.iss, here.iss),
            Variable::SndWnd
            | Variable::MaxSndWnd
            | Variable::RcvWnd
            | Variable::SegLen
            | Variable::SegWnd
            | Variable::SegUp
            | Variable::Smss
            | Variable::Rmss
            | Variable::TsRecent
            | Variable::TsVal => value,
        })
    }
}

fn own(conn: &Conn, name: Variable) -> i64 {
    match name {
        Variable::Iss | Variable::Irs => 0,
        Variable::SndUna => conn.snd_una,
        Variable::SndNxt => conn.snd_nxt,
        Variable::SndWnd => conn.snd_wnd,
        Variable::MaxSndWnd => conn.max_snd_wnd,
        Variable::RcvNxt => conn.rcv_nxt,
        Variable::RcvWnd => conn.rcv_wnd(),
        Variable::SegSeq => conn.seg.seq,
        Variable::SegAck => conn.seg.ack,
        Variable::SegLen => conn.seg.len,
        Variable::SegWnd => conn.seg.wnd,
        Variable::SegUp => conn.seg.up,
        Variable::Smss => conn.smss(),
        Variable::Rmss => conn.rmss(),
        Variable::TsRecent => i64::from(conn.ts_recent),
        Variable::TsVal => i64::from(conn.tsval),
    }
}

fn apply(op: Arithmetic, left: i64, right: i64) -> Result<i64, ValueError> {
    let value = match op {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Sub => left.checked_sub(right),
        Arithmetic::Mul => left.checked_mul(right),
        Arithmetic::Div if right == 0 => return Err(ValueError::DivisionByZero),
        Arithmetic::Div => left.checked_div_euclid(right),
    };
    value.ok_or(ValueError::TooLarge)
}

/// The period that a time comes to.
pub(crate) fn period(
    spec: &TimeSpec,
    times: &Tolerances,
    measures: &BTreeMap<String, Vec<Measure>>,
) -> Result<Period, ValueError> {
    let named = |name: Tolerance| times.get(name);
    let measured = |name: &str| match measures.get(name)?.last()? {
        Measure::Number(number) | Measure::Seconds(number) => Some(*number),
        Measure::Octets(_) => None,
    };
    spec.period(&named, &measured).map_err(ValueError::Time)
}

/// Whether a check holds, and what its two sides came to.
pub(crate) fn check(check: &Check, measures: &BTreeMap<String, Vec<Measure>>) -> Result<(bool, f64, f64), ValueError> {
    let left = single(&series(&check.left, measures)?)?;
    let right = single(&series(&check.right, measures)?)?;
    Ok((check.op.holds(left, right), left, right))
}

fn single(values: &[f64]) -> Result<f64, ValueError> {
    values.last().copied().ok_or(ValueError::EmptySeries)
}

fn series(what: &Series, measures: &BTreeMap<String, Vec<Measure>>) -> Result<Vec<f64>, ValueError> {
    let of = |inner: &Series| series(inner, measures);
    Ok(match what {
        Series::Number(number) => vec![*number],
        Series::Measured(name) => return measured(name, measures),
        Series::Count(inner) => vec![of(inner)?.len() as f64],
        Series::Distinct(inner) => vec![
            of(inner)?
                .iter()
                .map(|value| value.to_bits())
                .collect::<BTreeSet<_>>()
                .len() as f64,
        ],
        Series::Min(inner) => vec![fold(&of(inner)?, f64::min)?],
        Series::Max(inner) => vec![fold(&of(inner)?, f64::max)?],
        Series::Mean(inner) => {
            let values = of(inner)?;
            vec![fold(&values, |a, b| a + b)? / values.len() as f64]
        }
        Series::Gaps(inner) => gaps(&of(inner)?),
        Series::Binary(op, left, right) => {
            let (left, right) = (single(&of(left)?)?, single(&of(right)?)?);
            vec![match op {
                Arithmetic::Add => left + right,
                Arithmetic::Sub => left - right,
                Arithmetic::Mul => left * right,
                Arithmetic::Div => left / right,
            }]
        }
    })
}

fn measured(name: &str, measures: &BTreeMap<String, Vec<Measure>>) -> Result<Vec<f64>, ValueError> {
    let values = measures.get(name).map(Vec::as_slice).unwrap_or_default();
    let numbers = values.iter().map(|value| match value {
        Measure::Number(number) | Measure::Seconds(number) => Ok(*number),
        // Octets have no size to compare, only sameness: their digest stands for them in `distinct`.
        Measure::Octets(octets) => Ok(octets
            .iter()
            .fold(7f64, |sum, octet| (sum * 257.0 + f64::from(*octet)) % 1e15)),
    });
    numbers.collect()
}

fn fold(values: &[f64], with: impl Fn(f64, f64) -> f64) -> Result<f64, ValueError> {
    values.iter().copied().reduce(with).ok_or(ValueError::EmptySeries)
}

fn gaps(values: &[f64]) -> Vec<f64> {
    let whole = values.iter().all(|value| value.fract() == 0.0);
    let gap = |pair: &[f64]| match whole {
        // Sequence numbers go round.
        true => f64::from((pair[1] as i64).wrapping_sub(pair[0] as i64) as u32),
        false => pair[1] - pair[0],
    };
    values.windows(2).map(gap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::Comparison;

    fn measures(values: &[f64]) -> BTreeMap<String, Vec<Measure>> {
        BTreeMap::from([(
            "iss".to_owned(),
            values.iter().map(|value| Measure::Number(*value)).collect(),
        )])
    }

    #[test]
    fn gaps_of_sequence_numbers_go_round() {
        assert_eq!(gaps(&[4294967290.0, 4.0]), [10.0]);
        assert_eq!(gaps(&[1.5, 1.0]), [-0.5]);
    }

    #[test]
    fn a_check_compares_what_was_measured() {
        let iss = || Box::new(Series::Measured("iss".into()));
        let it = Check {
            op: Comparison::Equal,
            left: Series::Distinct(iss()),
            right: Series::Number(2.0),
        };
        assert_eq!(check(&it, &measures(&[1.0, 2.0, 1.0])), Ok((true, 2.0, 2.0)));
        assert!(
            check(
                &Check {
                    left: Series::Max(iss()),
                    ..it
                },
                &measures(&[])
            )
            .is_err()
        );
    }

    #[test]
    fn numbers_that_run_over_and_divisions_by_zero_are_errors() {
        assert!(apply(Arithmetic::Mul, i64::MAX, 2).is_err());
        assert!(apply(Arithmetic::Div, 1, 0).is_err());
        assert_eq!(apply(Arithmetic::Div, -1, 2), Ok(-1));
    }
}
