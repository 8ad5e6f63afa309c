//! Comparisons over what was measured: `max(gaps($iss)) - min(gaps($iss)) > 0x1000000`.

use super::expr::write_side;
use super::scan::{Piece, is_name, is_name_octet, read_number};
use super::{Arithmetic, Comparison, NotationError};
use core::fmt;

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

/// How deep functions, parentheses and signs may nest.
const DEEPEST: usize = 32;
/// The most octets in a check: so many operators cannot exhaust the stack of whoever walks the tree.
const LONGEST: usize = 1000;

/// What makes a series of a series.
type Function = fn(Box<Series>) -> Series;

const FUNCTIONS: [(&str, Function); 6] = [
    ("count", Series::Count),
    ("distinct", Series::Distinct),
    ("min", Series::Min),
    ("max", Series::Max),
    ("mean", Series::Mean),
    ("gaps", Series::Gaps),
];

impl Check {
    /// Reads a comparison. Unlike in segments, blanks may stand between its words.
    pub fn parse(text: &str) -> Result<Check, NotationError> {
        let whole = Piece::whole(text).trim();
        if whole.text.len() > LONGEST {
            return Err(whole.error(format!("a check of more than {LONGEST} octets")));
        }
        let mut reader = Reader { rest: whole, depth: 0 };
        let left = reader.sum()?;
        let sign = Comparison::SIGNS
            .into_iter()
            .find(|(_, sign)| reader.rest.text.starts_with(sign));
        let Some((op, sign)) = sign else {
            return Err(reader
                .unexpected("a comparison is missing")
                .with_help("one of `=`, `!=`, `<`, `<=`, `>`, `>=`"));
        };
        reader.skip(sign.len());
        let right = reader.sum()?;
        if reader.rest.text.is_empty() {
            Ok(Check { op, left, right })
        } else {
            Err(reader.unexpected(""))
        }
    }
}

impl Series {
    fn binary(op: Arithmetic, left: Series, right: Series) -> Series {
        Series::Binary(op, Box::new(left), Box::new(right))
    }

    fn is_sum(&self) -> bool {
        matches!(self, Series::Binary(op, ..) if op.is_additive())
    }
}

impl fmt::Display for Check {
    /// [`Check::parse`] reads it back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.left, self.op, self.right)
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Series::Number(number) => number.fmt(f),
            Series::Measured(name) => write!(f, "${name}"),
            Series::Count(of) => write!(f, "count({of})"),
            Series::Distinct(of) => write!(f, "distinct({of})"),
            Series::Min(of) => write!(f, "min({of})"),
            Series::Max(of) => write!(f, "max({of})"),
            Series::Mean(of) => write!(f, "mean({of})"),
            Series::Gaps(of) => write!(f, "gaps({of})"),
            Series::Binary(op, left, right) => {
                let weaker = |side: &Series| !op.is_additive() && side.is_sum();
                let equal = matches!(**right, Series::Binary(inner, ..) if inner.is_additive() == op.is_additive());
                write_side(f, left, weaker(left))?;
                write!(f, " {} ", op.symbol())?;
                write_side(f, right, weaker(right) || equal)
            }
        }
    }
}

/// Recursive descent over what is left of a check; `rest` never begins with a blank.
struct Reader<'a> {
    rest: Piece<'a>,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn skip(&mut self, octets: usize) {
        self.rest = self.rest.split_at(octets).1.trim();
    }

    /// An error at the next character, `missing` if there is none.
    fn unexpected(&self, missing: &str) -> NotationError {
        let first = self.rest.first_char();
        if first.text.is_empty() {
            first.error(missing)
        } else {
            first.error(format!("unexpected `{}`", first.text))
        }
    }

    fn sum(&mut self) -> Result<Series, NotationError> {
        let mut series = self.product()?;
        while let Some(op) = self.operator([('+', Arithmetic::Add), ('-', Arithmetic::Sub)]) {
            series = Series::binary(op, series, self.product()?);
        }
        Ok(series)
    }

    fn product(&mut self) -> Result<Series, NotationError> {
        let mut series = self.factor()?;
        while let Some(op) = self.operator([('*', Arithmetic::Mul), ('/', Arithmetic::Div)]) {
            series = Series::binary(op, series, self.factor()?);
        }
        Ok(series)
    }

    fn operator(&mut self, known: [(char, Arithmetic); 2]) -> Option<Arithmetic> {
        let first = self.rest.text.chars().next()?;
        let (_, op) = known.into_iter().find(|(symbol, _)| *symbol == first)?;
        self.skip(1);
        Some(op)
    }

    fn factor(&mut self) -> Result<Series, NotationError> {
        let first = self.rest.first_char();
        if self.depth >= DEEPEST {
            return Err(first.error(format!("nested more than {DEEPEST} deep")));
        }
        self.depth += 1;
        let series = match first.text.chars().next() {
            Some('0'..='9') => self.number(),
            Some('$') => self.measured(),
            Some('a'..='z') => self.function(),
            Some('(') => self.parenthesis(),
            Some('-') => self.negated(),
            Some(_) | None => Err(self
                .unexpected("a check ends too early")
                .with_help("a number, `$name`, a function such as `max($name)` or `(` belongs here")),
        };
        self.depth -= 1;
        series
    }

    /// Takes octets while they belong to a word, and the blanks behind it.
    fn word(&mut self, belongs: impl Fn(u8) -> bool) -> Piece<'a> {
        let end = self.rest.text.bytes().take_while(|octet| belongs(*octet)).count();
        let word = self.rest.split_at(end).0;
        self.skip(end);
        word
    }

    fn number(&mut self) -> Result<Series, NotationError> {
        let word = self.word(|octet| octet.is_ascii_alphanumeric() || octet == b'.');
        if word.text.starts_with("0x")
            && let Some(number) = read_number(word)
        {
            return number.map(|number| Series::Number(number as f64));
        }
        let plain = word.text.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.');
        match word.text.parse::<f64>() {
            Ok(number) if plain && number.is_finite() => Ok(Series::Number(number)),
            Ok(_) | Err(_) => Err(word
                .error(format!("`{}` is not a number", word.text))
                .with_help("write it in decimal or with `0x`; times count in seconds")),
        }
    }

    fn measured(&mut self) -> Result<Series, NotationError> {
        let dollar = self.rest.first_char();
        self.rest = self.rest.split_at(1).1;
        let name = self.word(is_name_octet);
        if is_name(name.text) {
            Ok(Series::Measured(name.text.to_string()))
        } else {
            Err(dollar
                .error("`$` needs a name")
                .with_help("lower-case letters, digits and `_`, beginning with a letter"))
        }
    }

    fn function(&mut self) -> Result<Series, NotationError> {
        let name = self.word(|octet| octet.is_ascii_lowercase());
        let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name.text) else {
            return Err(name
                .error(format!("unknown function `{}`", name.text))
                .with_names(name.text, FUNCTIONS.map(|(known, _)| known)));
        };
        if !self.rest.text.starts_with('(') {
            return Err(name
                .error(format!("`{}` needs a series", name.text))
                .with_help(format!("write `{}($name)`", name.text)));
        }
        self.parenthesis().map(|series| function(Box::new(series)))
    }

    fn parenthesis(&mut self) -> Result<Series, NotationError> {
        let open = self.rest.first_char();
        self.skip(1);
        let series = self.sum()?;
        if self.rest.text.is_empty() {
            return Err(open.error("`(` is not closed"));
        }
        if !self.rest.text.starts_with(')') {
            return Err(self.unexpected(""));
        }
        self.skip(1);
        Ok(series)
    }

    fn negated(&mut self) -> Result<Series, NotationError> {
        self.skip(1);
        match self.factor()? {
            Series::Number(number) => Ok(Series::Number(-number)),
            other => Ok(Series::binary(Arithmetic::Sub, Series::Number(0.0), other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_series() -> impl Strategy<Value = Series> {
        let leaf = prop_oneof![
            (-1e18f64..1e18).prop_map(Series::Number),
            (0u32..100).prop_map(|number| Series::Number(f64::from(number))),
            "[a-z][a-z0-9_]{0,5}".prop_map(Series::Measured),
        ];
        let op = prop_oneof![
            Just(Arithmetic::Add),
            Just(Arithmetic::Sub),
            Just(Arithmetic::Mul),
            Just(Arithmetic::Div)
        ];
        leaf.prop_recursive(4, 16, 2, move |inner| {
            prop_oneof![
                (op.clone(), inner.clone(), inner.clone()).prop_map(|(op, a, b)| Series::binary(op, a, b)),
                (0..FUNCTIONS.len(), inner).prop_map(|(row, of)| FUNCTIONS[row].1(Box::new(of))),
            ]
        })
    }

    fn any_check() -> impl Strategy<Value = Check> {
        let op = (0..Comparison::SIGNS.len()).prop_map(|row| Comparison::SIGNS[row].0);
        (op, any_series(), any_series()).prop_map(|(op, left, right)| Check { op, left, right })
    }

    fn measured(name: &str) -> Box<Series> {
        Box::new(Series::Measured(name.to_string()))
    }

    #[test]
    fn what_cases_write_is_read() {
        let gaps = || Box::new(Series::Gaps(measured("iss")));
        let spread = Series::binary(Arithmetic::Sub, Series::Max(gaps()), Series::Min(gaps()));
        let check = Check {
            op: Comparison::Greater,
            left: spread,
            right: Series::Number(16_777_216.0),
        };
        assert_eq!(
            Check::parse("max(gaps($iss)) - min(gaps($iss)) > 0x1000000"),
            Ok(check.clone())
        );
        assert_eq!(Check::parse("max(gaps($iss))-min(gaps($iss))>0x1000000"), Ok(check));
        let check = Check {
            op: Comparison::Equal,
            left: Series::Distinct(measured("iss")),
            right: Series::Number(20.0),
        };
        assert_eq!(Check::parse(" distinct($iss) = 20 "), Ok(check));
        assert!(Check::parse("max($gap) <= 1.5*min( $gap )").is_ok());
    }

    #[test]
    fn mistakes_are_named_where_they_are() {
        for (text, at, message) in [
            ("", 0..0, "a check ends too early"),
            ("$a", 2..2, "a comparison is missing"),
            ("$a =", 4..4, "a check ends too early"),
            ("$a = 1 2", 7..8, "unexpected `2`"),
            ("$a == 1", 4..5, "unexpected `=`"),
            ("median($a) = 1", 0..6, "unknown function `median`"),
            ("max = 1", 0..3, "`max` needs a series"),
            ("max($a = 1", 7..8, "unexpected `=`"),
            ("max($a", 3..4, "`(` is not closed"),
            ("$ = 1", 0..1, "`$` needs a name"),
            ("$a = 1s", 5..7, "`1s` is not a number"),
            ("$a = SMSS", 5..6, "unexpected `S`"),
            ("$a = 1.2.3", 5..10, "`1.2.3` is not a number"),
            ("$a é 1", 3..5, "unexpected `é`"),
        ] {
            let error = Check::parse(text).expect_err(text);
            assert_eq!((error.at, error.message.as_str()), (at, message), "{text}");
        }
        let help = Check::parse("mean_($a) = 1").unwrap_err();
        assert_eq!(help.message, "`mean` needs a series");
        let help = Check::parse("meen($a) = 1").unwrap_err().help;
        assert_eq!(help.as_deref(), Some("did you mean `mean`?"));
    }

    #[test]
    fn depth_and_length_are_limited() {
        for text in [
            "(".repeat(900),
            "-".repeat(900),
            "max(".repeat(200),
            "1+".repeat(100_000),
        ] {
            assert!(Check::parse(&text).is_err());
        }
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_read_back(check in any_check()) {
            prop_assert_eq!(Check::parse(&check.to_string()), Ok(check));
        }

        #[test]
        fn reading_never_panics(text in "[-+*/()$=<>!.a-z0-9 é]{0,40}") {
            let _ = Check::parse(&text);
        }
    }
}
