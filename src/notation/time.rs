//! Times: `100ms`, `about 2*$rto`, `prompt..2*rto`, `3s..3s+2*rto`, `about min(2*$rto,rto-max)`.

use super::NotationError;
use super::scan::{Piece, is_name};
use crate::stack::Tolerance;
use core::fmt;
use core::time::Duration;

/// `[about] a[..b]`.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeSpec {
    /// Whether `slack` is allowed at both ends.
    pub about: bool,
    /// The lower end, if `a..b` was written.
    pub from: Option<TimeExpr>,
    /// The upper end, or the only one.
    pub to: TimeExpr,
}

/// A sum of products.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeExpr(pub Vec<Vec<TimeFactor>>);

/// One factor.
#[derive(Clone, Debug, PartialEq)]
pub enum TimeFactor {
    /// A bare number.
    Number(f64),
    /// A number with a unit: `us`, `ms`, `s`, `m`, `h`.
    Literal(Duration),
    /// A named time of the target.
    Named(Tolerance),
    /// `$name`: a time measured before.
    Measured(String),
    /// `min(a,b)`: the shorter one.
    Least(Box<[TimeExpr; 2]>),
}

/// A time specification with its names filled in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Period {
    /// Not sooner than this.
    pub least: Duration,
    /// Not later than this.
    pub most: Duration,
}

/// Why a time has no value: the fault of who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeriodError {
    /// Nothing was measured under this name.
    NotMeasured(String),
    /// The time as written, and its ends: the lower one lies above the upper one.
    Empty(String, Period),
}

impl fmt::Display for PeriodError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeriodError::NotMeasured(name) => write!(f, "`${name}` was not measured"),
            PeriodError::Empty(text, Period { least, most }) => {
                write!(f, "`{text}` is from {least:?} to {most:?}: nothing lies between")
            }
        }
    }
}

impl core::error::Error for PeriodError {}

/// The most octets in a time.
const LONGEST: usize = 1000;
/// How much sooner than `about` says a timer may fire: stacks count time in ticks, and the first tick may be nearly
/// over when the timer starts.
const TICK: Duration = Duration::from_millis(30);

/// The units with their nanoseconds, the largest first.
const UNITS: [(&str, u64); 5] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
];

impl TimeSpec {
    /// Reads a time. Each product needs something that is a time, and not two.
    pub fn parse(text: &str) -> Result<TimeSpec, NotationError> {
        TimeSpec::read(Piece::whole(text))
    }

    pub(super) fn read(piece: Piece<'_>) -> Result<TimeSpec, NotationError> {
        let whole = piece.trim();
        if whole.text.len() > LONGEST {
            return Err(whole.error(format!("a time of more than {LONGEST} octets")));
        }
        let (about, sum) = match whole.strip_prefix("about ") {
            Some(sum) => (true, sum.trim()),
            None => (false, whole),
        };
        match sum.split_once("..") {
            Some(_) if about => Err(whole
                .error("`about` and a range")
                .with_help("write either `about T` or `A..B`")),
            Some((from, to)) => Ok(TimeSpec {
                about,
                from: Some(read_sum(from)?),
                to: read_sum(to)?,
            }),
            None => Ok(TimeSpec {
                about,
                from: None,
                to: read_sum(sum)?,
            }),
        }
    }

    /// Fills in the names. `named` gives a tolerance, `measured` a measured time in seconds. `T` alone is from nothing
    /// to T. A negative or absurd product saturates.
    ///
    /// [`Tolerance::Slack`] is no time but a ratio: a `Duration` of so many seconds, so that 0.25 s stands for 25 %.
    /// `about T` is from T less that part of it, and less 30 ms for coarse timers, to T and that part of it, and
    /// `prompt` besides.
    ///
    /// Fails if a measured name has no value, or if the lower end lies above the upper one.
    pub fn period(
        &self,
        named: &dyn Fn(Tolerance) -> Duration,
        measured: &dyn Fn(&str) -> Option<f64>,
    ) -> Result<Period, PeriodError> {
        let to = self.to.value(named, measured)?;
        if self.about {
            let part = duration(to.as_secs_f64() * named(Tolerance::Slack).as_secs_f64());
            return Ok(Period {
                least: to.saturating_sub(part).saturating_sub(TICK),
                most: to.saturating_add(part).saturating_add(named(Tolerance::Prompt)),
            });
        }
        let least = match &self.from {
            Some(from) => from.value(named, measured)?,
            None => Duration::ZERO,
        };
        if least > to {
            return Err(PeriodError::Empty(self.to_string(), Period { least, most: to }));
        }
        Ok(Period { least, most: to })
    }
}

impl TimeExpr {
    fn value(
        &self,
        named: &dyn Fn(Tolerance) -> Duration,
        measured: &dyn Fn(&str) -> Option<f64>,
    ) -> Result<Duration, PeriodError> {
        let factor = |factor: &TimeFactor| match factor {
            TimeFactor::Number(number) => Ok(*number),
            TimeFactor::Literal(time) => Ok(time.as_secs_f64()),
            TimeFactor::Named(name) => Ok(named(*name).as_secs_f64()),
            TimeFactor::Measured(name) => measured(name).ok_or_else(|| PeriodError::NotMeasured(name.clone())),
            TimeFactor::Least(times) => {
                let [one, other] = &**times;
                Ok(one
                    .value(named, measured)?
                    .min(other.value(named, measured)?)
                    .as_secs_f64())
            }
        };
        self.0.iter().try_fold(Duration::ZERO, |sum, product| {
            // A single literal stays exact: floating point is for products.
            if let [TimeFactor::Literal(time)] = product.as_slice() {
                return Ok(sum.saturating_add(*time));
            }
            let seconds = product
                .iter()
                .try_fold(1.0, |value, next| Ok::<_, PeriodError>(value * factor(next)?))?;
            Ok(sum.saturating_add(duration(seconds)))
        })
    }
}

/// So many seconds. A negative value or NaN gives zero, a value that is too large the longest duration.
fn duration(seconds: f64) -> Duration {
    if seconds > 0.0 {
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    } else {
        Duration::ZERO
    }
}

fn read_sum(sum: Piece<'_>) -> Result<TimeExpr, NotationError> {
    let products = outside_parentheses(sum, '+').into_iter().map(read_product);
    products.collect::<Result<_, _>>().map(TimeExpr)
}

/// The parts between separators that stand in no parentheses.
fn outside_parentheses(whole: Piece<'_>, separator: char) -> Vec<Piece<'_>> {
    let mut depth = 0usize;
    let mut parts = Vec::new();
    let (mut rest, mut from) = (whole, 0);
    for (place, c) in whole.text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if c == separator && depth == 0 => {
                let (part, behind) = rest.split_at(place - from);
                parts.push(part);
                rest = behind.split_at(separator.len_utf8()).1;
                from = place + separator.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(rest);
    parts
}

fn read_product(product: Piece<'_>) -> Result<Vec<TimeFactor>, NotationError> {
    let factors = outside_parentheses(product, '*').into_iter().map(read_factor);
    let factors: Vec<TimeFactor> = factors.collect::<Result<_, _>>()?;
    let is_time = |factor: &&TimeFactor| {
        matches!(
            factor,
            TimeFactor::Literal(_) | TimeFactor::Named(_) | TimeFactor::Least(_)
        )
    };
    let times = factors.iter().filter(is_time).count();
    let measured = factors.iter().any(|factor| matches!(factor, TimeFactor::Measured(_)));
    match times {
        0 if !measured => Err(product
            .error(format!("`{}` lacks a unit", product.text))
            .with_help("one of `us`, `ms`, `s`, `m`, `h`")),
        0 | 1 => Ok(factors),
        _ => Err(product.error(format!("`{}` multiplies two times", product.text))),
    }
}

fn read_factor(word: Piece<'_>) -> Result<TimeFactor, NotationError> {
    if let Some(name) = word.strip_prefix("$") {
        if !is_name(name.text) {
            return Err(word
                .error("`$` needs a name")
                .with_help("lower-case letters, digits and `_`, beginning with a letter"));
        }
        return Ok(TimeFactor::Measured(name.text.to_string()));
    }
    if let Some(times) = word.strip_prefix("min(") {
        return read_least(word, times);
    }
    match word.text.bytes().next() {
        Some(b'0'..=b'9') => read_literal(word),
        Some(_) => read_named(word),
        None => Err(word
            .error("a time is missing")
            .with_help("such as `100ms`, `2*rto` or `prompt`")),
    }
}

/// `min(a,b)`, of which `times` stands behind the parenthesis.
fn read_least(word: Piece<'_>, times: Piece<'_>) -> Result<TimeFactor, NotationError> {
    let inner = times.strip_suffix(")");
    let times = inner.map(|inner| outside_parentheses(inner, ','));
    match times.as_deref() {
        Some([one, other]) => Ok(TimeFactor::Least(Box::new([read_sum(*one)?, read_sum(*other)?]))),
        Some(_) | None => Err(word
            .error(format!("`{}` is not the shorter of two times", word.text))
            .with_help("write `min(2*$rto,60s)`")),
    }
}

fn read_named(word: Piece<'_>) -> Result<TimeFactor, NotationError> {
    let names = Tolerance::ALL.into_iter().filter(|name| *name != Tolerance::Slack);
    match Tolerance::from_name(word.text) {
        Some(Tolerance::Slack) => Err(word
            .error("`slack` is a ratio, not a time")
            .with_help("`about T` allows it")),
        Some(name) => Ok(TimeFactor::Named(name)),
        None if word.text.contains(' ') => Err(word
            .error(format!("a blank in the time `{}`", word.text))
            .with_help("write it without blanks: `2*rto`")),
        None => Err(word
            .error(format!("unknown time `{}`", word.text))
            .with_names(word.text, names.map(Tolerance::name))),
    }
}

/// A decimal number with or without a unit, exact to the nanosecond.
fn read_literal(word: Piece<'_>) -> Result<TimeFactor, NotationError> {
    let end = word
        .text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(word.text.len());
    let (number, unit) = word.split_at(end);
    let (whole, decimals) = number.text.split_once('.').unwrap_or((number.text, "0"));
    if whole.is_empty() || decimals.is_empty() || decimals.contains('.') {
        return Err(number.error(format!("`{}` is not a number", number.text)));
    }
    let too_large = || word.error(format!("`{}` is too large", word.text));
    if unit.text.is_empty() {
        let value: f64 = number.text.parse().map_err(|_| too_large())?;
        return if value.is_finite() {
            Ok(TimeFactor::Number(value))
        } else {
            Err(too_large())
        };
    }
    let Some((_, nanos)) = UNITS.into_iter().find(|(name, _)| *name == unit.text) else {
        return Err(unit
            .error(format!("unknown unit `{}`", unit.text))
            .with_help("one of `us`, `ms`, `s`, `m`, `h`"));
    };
    let decimals = decimals.trim_end_matches('0');
    // A tenth decimal is less than a nanosecond, except for minutes and hours, where it is hardly more.
    let Some(scale) = u32::try_from(decimals.len()).ok().filter(|digits| *digits <= 9) else {
        return Err(number.error(format!("`{}` has more than nine decimals", number.text)));
    };
    let scale = 10u128.pow(scale);
    let digits = |digits: &str| {
        if digits.is_empty() {
            Ok(0)
        } else {
            digits.parse::<u64>()
        }
    };
    let whole = digits(whole).map_err(|_| too_large())?;
    let decimals = digits(decimals).map_err(|_| too_large())?;
    let nanos = (u128::from(whole) * scale + u128::from(decimals)) * u128::from(nanos) / scale;
    let nanos = u64::try_from(nanos).map_err(|_| too_large())?;
    Ok(TimeFactor::Literal(Duration::from_nanos(nanos)))
}

impl fmt::Display for TimeSpec {
    /// [`TimeSpec::parse`] reads it back, if it has what the notation can write.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.about { "about " } else { "" })?;
        if let Some(from) = &self.from {
            write!(f, "{from}..")?;
        }
        self.to.fmt(f)
    }
}

impl fmt::Display for TimeExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let product = |factors: &Vec<TimeFactor>| {
            let factors: Vec<String> = factors.iter().map(TimeFactor::to_string).collect();
            factors.join("*")
        };
        let sum: Vec<String> = self.0.iter().map(product).collect();
        f.write_str(&sum.join("+"))
    }
}

impl fmt::Display for TimeFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimeFactor::Number(number) => number.fmt(f),
            TimeFactor::Literal(time) => write_literal(f, *time),
            TimeFactor::Named(name) => name.fmt(f),
            TimeFactor::Measured(name) => write!(f, "${name}"),
            TimeFactor::Least(times) => write!(f, "min({},{})", times[0], times[1]),
        }
    }
}

/// In the largest unit of which there is a whole number, and else in microseconds with decimals.
fn write_literal(f: &mut fmt::Formatter<'_>, time: Duration) -> fmt::Result {
    let nanos = time.as_nanos();
    if nanos == 0 {
        return f.write_str("0s");
    }
    match UNITS.iter().find(|(_, unit)| nanos.is_multiple_of(u128::from(*unit))) {
        Some((name, unit)) => write!(f, "{}{name}", nanos / u128::from(*unit)),
        None => write!(f, "{}.{:03}us", nanos / 1000, nanos % 1000),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_sum() -> impl Strategy<Value = TimeExpr> {
        let time = prop_oneof![
            any::<u64>().prop_map(|nanos| TimeFactor::Literal(Duration::from_nanos(nanos))),
            (0u64..5000).prop_map(|millis| TimeFactor::Literal(Duration::from_millis(millis))),
            (0..Tolerance::ALL.len() - 1).prop_map(|row| TimeFactor::Named(Tolerance::ALL[row])),
            "[a-z][a-z0-9_]{0,5}".prop_map(TimeFactor::Measured),
        ];
        time.prop_recursive(1, 2, 2, |inner| {
            (sum_of(inner.clone().boxed()), sum_of(inner.boxed()))
                .prop_map(|(one, other)| TimeFactor::Least(Box::new([one, other])))
        })
        .prop_flat_map(|time| sum_of(Just(time).boxed()))
    }

    /// Sums of products of such a time and numbers.
    fn sum_of(time: BoxedStrategy<TimeFactor>) -> impl Strategy<Value = TimeExpr> {
        let number = prop_oneof![
            (0.0f64..1e30).prop_map(TimeFactor::Number),
            (0u32..100).prop_map(|number| TimeFactor::Number(f64::from(number) / 10.0)),
        ];
        let product = (proptest::collection::vec(number, 0..3), time).prop_map(|(mut factors, time)| {
            factors.push(time);
            factors
        });
        proptest::collection::vec(product, 1..4).prop_map(TimeExpr)
    }

    /// Any time that can be written.
    pub(in crate::notation) fn any_time() -> impl Strategy<Value = TimeSpec> {
        let any = (any::<bool>(), proptest::option::of(any_sum()), any_sum()).prop_map(|(about, from, to)| TimeSpec {
            about: about && from.is_none(),
            from,
            to,
        });
        any.prop_filter("longer than a time may be", |time| time.to_string().len() <= LONGEST)
    }

    fn named(name: Tolerance) -> Duration {
        match name {
            Tolerance::Prompt => Duration::from_millis(100),
            Tolerance::Slack => Duration::from_millis(250),
            _ => Duration::from_secs(1),
        }
    }

    fn period(text: &str) -> Result<(u128, u128), PeriodError> {
        let measured = |name: &str| match name {
            "rto" => Some(0.5),
            "negative" => Some(-1.0),
            "nan" => Some(f64::NAN),
            "huge" => Some(1e300),
            _ => None,
        };
        let period = TimeSpec::parse(text).unwrap().period(&named, &measured)?;
        Ok((period.least.as_millis(), period.most.as_millis()))
    }

    #[test]
    fn a_time_alone_is_an_upper_end() {
        assert_eq!(period("prompt"), Ok((0, 100)));
        assert_eq!(period("3m"), Ok((0, 180_000)));
        assert_eq!(period("0s"), Ok((0, 0)));
        assert_eq!(period("0.7*time-wait"), Ok((0, 700)));
    }

    #[test]
    fn ranges_and_sums_are_filled_in() {
        assert_eq!(period("3s..3s+2*rto"), Ok((3000, 5000)));
        assert_eq!(period("1.5*$rto..3*$rto"), Ok((750, 1500)));
        assert_eq!(period("prompt..2*rto"), Ok((100, 2000)));
        assert_eq!(period("min(2*$rto,60s)..min(min(2h,prompt+1s),3s)"), Ok((1000, 1100)));
        assert_eq!(period("2*min(1h,$rto)+1s"), Ok((0, 2000)));
        let empty = period("2s..1s").unwrap_err();
        assert!(matches!(empty, PeriodError::Empty(..)) && empty.to_string().contains("nothing lies between"));
    }

    #[test]
    fn about_allows_slack_ticks_and_promptness() {
        assert_eq!(period("about 2*$rto"), Ok((720, 1350)));
        assert_eq!(period("about rto-initial"), Ok((720, 1350)));
        assert_eq!(period("about 10ms"), Ok((0, 112)));
    }

    #[test]
    fn absurd_products_saturate() {
        assert_eq!(period("1s*$negative"), Ok((0, 0)));
        assert_eq!(period("1s*$nan"), Ok((0, 0)));
        assert_eq!(period("about 1h*$huge").unwrap().1, Duration::MAX.as_millis());
    }

    #[test]
    fn what_was_not_measured_is_an_error() {
        assert_eq!(period("2*$gap"), Err(PeriodError::NotMeasured("gap".to_string())));
    }

    #[test]
    fn literals_are_exact() {
        for (text, nanos) in [
            ("0.1s", 100_000_000),
            ("1.5us", 1500),
            ("0.000001h", 3_600_000),
            ("18446744073.709551615s", u64::MAX),
        ] {
            let literal = TimeFactor::Literal(Duration::from_nanos(nanos));
            assert_eq!(
                TimeSpec::parse(text).unwrap().to,
                TimeExpr(vec![vec![literal]]),
                "{text}"
            );
        }
    }

    #[test]
    fn mistakes_are_named_where_they_are() {
        for (text, at, message) in [
            ("", 0..0, "a time is missing"),
            ("about ", 0..5, "unknown time `about`"),
            ("2*", 2..2, "a time is missing"),
            ("5", 0..1, "`5` lacks a unit"),
            ("1s+5", 3..4, "`5` lacks a unit"),
            ("rto*2s", 0..6, "`rto*2s` multiplies two times"),
            ("about 1s..2s", 0..12, "`about` and a range"),
            ("promt", 0..5, "unknown time `promt`"),
            ("1s...2s", 4..7, "unknown time `.2s`"),
            ("2 *rto", 1..2, "unknown unit ` `"),
            ("1min", 1..4, "unknown unit `min`"),
            ("1s..s", 4..5, "unknown time `s`"),
            ("1.s", 0..2, "`1.` is not a number"),
            ("slack", 0..5, "`slack` is a ratio, not a time"),
            ("$", 0..1, "`$` needs a name"),
            ("99999999999999999999s", 0..21, "`99999999999999999999s` is too large"),
            ("18446744074s", 0..12, "`18446744074s` is too large"),
            ("0.0123456789s", 0..12, "`0.0123456789` has more than nine decimals"),
            ("2*é", 2..4, "unknown time `é`"),
            ("1s+min(2s)", 3..10, "`min(2s)` is not the shorter of two times"),
            ("min(1s,2s", 0..9, "`min(1s,2s` is not the shorter of two times"),
            ("min(1s,5)", 7..8, "`5` lacks a unit"),
            ("rto*min(1s,2s)", 0..14, "`rto*min(1s,2s)` multiplies two times"),
        ] {
            let error = TimeSpec::parse(text).expect_err(text);
            assert_eq!((error.at, error.message.as_str()), (at, message), "{text}");
        }
        let help = TimeSpec::parse("promt").unwrap_err().help;
        assert_eq!(help.as_deref(), Some("did you mean `prompt`?"));
        assert!(TimeSpec::parse(&"1s+".repeat(1000)).is_err());
        assert!(TimeSpec::parse(&"9".repeat(400)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_read_back(time in any_time()) {
            prop_assert_eq!(TimeSpec::parse(&time.to_string()), Ok(time));
        }

        #[test]
        fn reading_never_panics(text in "(about )?[-+*.$a-z0-9 é]{0,30}") {
            if let Ok(time) = TimeSpec::parse(&text) {
                let _ = time.period(&named, &|_| Some(1.0));
            }
        }
    }
}
