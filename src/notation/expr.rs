//! Arithmetic over the target's RFC variables.

use super::NotationError;
use super::scan::{Piece, is_name, is_name_octet, read_number};
use core::fmt;

/// A variable, always the target's (RFC 9293 section 3.3.1), or of the last segment injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variable {
    /// Initial send sequence number; 0 by definition.
    Iss,
    /// Initial receive sequence number; 0 by definition.
    Irs,
    /// Oldest unacknowledged sequence number.
    SndUna,
    /// Next sequence number to send: the highest seen so far.
    SndNxt,
    /// Send window in octets.
    SndWnd,
    /// The largest send window so far, in octets.
    MaxSndWnd,
    /// Next sequence number expected.
    RcvNxt,
    /// Receive window in octets: the last offered right edge less RCV.NXT.
    RcvWnd,
    /// SEG.SEQ of the last segment injected on the connection.
    SegSeq,
    /// SEG.ACK of it.
    SegAck,
    /// SEG.LEN of it, SYN and FIN counted.
    SegLen,
    /// SEG.WND of it, the raw field.
    SegWnd,
    /// SEG.UP of it.
    SegUp,
    /// What the target may send in one segment, in octets of payload.
    Smss,
    /// What the tester may send in one segment, in octets of payload.
    Rmss,
    /// The timestamp to be echoed (RFC 7323 section 4.3).
    TsRecent,
    /// The last TSval that the target sent.
    TsVal,
}

/// The four operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`, rounded down
    Div,
}

/// An expression, evaluated when its step is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// A number, written in decimal or with `0x`.
    Number(i64),
    /// A variable of the step's connection, or of the one named.
    Variable {
        /// `old` in `old.RCV.NXT`.
        conn: Option<String>,
        /// Which.
        name: Variable,
    },
    /// `$name`: the last value measured under that name.
    Measured(String),
    /// Two expressions and what joins them.
    Binary {
        /// What to do.
        op: Arithmetic,
        /// On the left.
        left: Box<Expr>,
        /// On the right.
        right: Box<Expr>,
    },
}

/// How deep parentheses and signs may nest.
const DEEPEST: usize = 32;
/// The most octets in an expression: so many operators cannot exhaust the stack of whoever walks the tree.
const LONGEST: usize = 1000;

impl Variable {
    /// All of them, with their names.
    const NAMES: [(Variable, &'static str); 17] = [
        (Variable::Iss, "ISS"),
        (Variable::Irs, "IRS"),
        (Variable::SndUna, "SND.UNA"),
        (Variable::SndNxt, "SND.NXT"),
        (Variable::SndWnd, "SND.WND"),
        (Variable::MaxSndWnd, "MAX.SND.WND"),
        (Variable::RcvNxt, "RCV.NXT"),
        (Variable::RcvWnd, "RCV.WND"),
        (Variable::SegSeq, "SEG.SEQ"),
        (Variable::SegAck, "SEG.ACK"),
        (Variable::SegLen, "SEG.LEN"),
        (Variable::SegWnd, "SEG.WND"),
        (Variable::SegUp, "SEG.UP"),
        (Variable::Smss, "SMSS"),
        (Variable::Rmss, "RMSS"),
        (Variable::TsRecent, "TS.Recent"),
        (Variable::TsVal, "TSval"),
    ];

    /// The name as a case writes it: `SND.UNA`, `TS.Recent`.
    pub fn name(self) -> &'static str {
        // Each variant has a row, as a test shows.
        let row = Variable::NAMES.iter().find(|(variable, _)| *variable == self);
        row.map_or("", |(_, name)| name)
    }

    /// The variable of that name.
    pub fn from_name(name: &str) -> Option<Variable> {
        let row = Variable::NAMES.iter().find(|(_, known)| *known == name)?;
        Some(row.0)
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

impl Arithmetic {
    /// `+`, `-`, `*` or `/`.
    pub fn symbol(self) -> char {
        match self {
            Arithmetic::Add => '+',
            Arithmetic::Sub => '-',
            Arithmetic::Mul => '*',
            Arithmetic::Div => '/',
        }
    }

    /// Whether it binds as a sum does, and not as a product.
    pub(super) fn is_additive(self) -> bool {
        match self {
            Arithmetic::Add | Arithmetic::Sub => true,
            Arithmetic::Mul | Arithmetic::Div => false,
        }
    }
}

impl Expr {
    /// Reads an expression; blanks are not allowed inside. A sign before a number is part of the number, before
    /// anything else it subtracts from 0.
    pub fn parse(text: &str) -> Result<Expr, NotationError> {
        Expr::read(Piece::whole(text))
    }

    pub(super) fn read(piece: Piece<'_>) -> Result<Expr, NotationError> {
        if piece.text.len() > LONGEST {
            return Err(piece.error(format!("an expression of more than {LONGEST} octets")));
        }
        let mut reader = Reader { rest: piece, depth: 0 };
        let expr = reader.sum()?;
        let rest = reader.rest;
        match rest.text.chars().next() {
            None => Ok(expr),
            Some(' ') => Err(rest
                .first_char()
                .error("a blank inside an expression")
                .with_help("write it without blanks: `SND.NXT+1`")),
            Some(_) => Err(rest
                .first_char()
                .error(format!("unexpected `{}`", rest.first_char().text))),
        }
    }

    /// The value, if neither variables nor measured values occur and nothing overflows.
    pub(super) fn constant(&self) -> Option<i64> {
        match self {
            Expr::Number(number) => Some(*number),
            Expr::Variable { .. } | Expr::Measured(_) => None,
            Expr::Binary { op, left, right } => {
                let (left, right) = (left.constant()?, right.constant()?);
                match op {
                    Arithmetic::Add => left.checked_add(right),
                    Arithmetic::Sub => left.checked_sub(right),
                    Arithmetic::Mul => left.checked_mul(right),
                    Arithmetic::Div => {
                        let exact = left.checked_rem(right)? == 0;
                        let down = i64::from(!exact && (left < 0) != (right < 0));
                        left.checked_div(right)?.checked_sub(down)
                    }
                }
            }
        }
    }

    fn binary(op: Arithmetic, left: Expr, right: Expr) -> Expr {
        Expr::Binary {
            op,
            left: Box::new(left),
            right: Box::new(right),
        }
    }

    fn is_sum(&self) -> bool {
        matches!(self, Expr::Binary { op, .. } if op.is_additive())
    }
}

impl fmt::Display for Expr {
    /// With no more parentheses than needed; [`Expr::parse`] reads it back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Number(number) => number.fmt(f),
            Expr::Variable { conn: None, name } => name.fmt(f),
            Expr::Variable { conn: Some(conn), name } => write!(f, "{conn}.{name}"),
            Expr::Measured(name) => write!(f, "${name}"),
            Expr::Binary { op, left, right } => {
                let weaker = |side: &Expr| !op.is_additive() && side.is_sum();
                // Operators of equal strength are taken from the left, so that the right side needs parentheses.
                let equal =
                    matches!(**right, Expr::Binary { op: inner, .. } if inner.is_additive() == op.is_additive());
                write_side(f, left, weaker(left))?;
                write!(f, "{}", op.symbol())?;
                write_side(f, right, weaker(right) || equal)
            }
        }
    }
}

/// One side of an operator, in parentheses where it needs them.
pub(super) fn write_side(f: &mut fmt::Formatter<'_>, side: &dyn fmt::Display, parentheses: bool) -> fmt::Result {
    if parentheses {
        write!(f, "({side})")
    } else {
        side.fmt(f)
    }
}

/// Recursive descent over what is left of an expression.
struct Reader<'a> {
    rest: Piece<'a>,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn sum(&mut self) -> Result<Expr, NotationError> {
        let mut expr = self.product()?;
        while let Some(op) = self.operator([('+', Arithmetic::Add), ('-', Arithmetic::Sub)]) {
            expr = Expr::binary(op, expr, self.product()?);
        }
        Ok(expr)
    }

    fn product(&mut self) -> Result<Expr, NotationError> {
        let mut expr = self.factor()?;
        while let Some(op) = self.operator([('*', Arithmetic::Mul), ('/', Arithmetic::Div)]) {
            expr = Expr::binary(op, expr, self.factor()?);
        }
        Ok(expr)
    }

    fn operator(&mut self, known: [(char, Arithmetic); 2]) -> Option<Arithmetic> {
        let first = self.rest.text.chars().next()?;
        let (_, op) = known.into_iter().find(|(symbol, _)| *symbol == first)?;
        self.rest = self.rest.split_at(1).1;
        Some(op)
    }

    fn factor(&mut self) -> Result<Expr, NotationError> {
        let first = self.rest.first_char();
        if self.depth >= DEEPEST {
            return Err(first.error(format!("nested more than {DEEPEST} deep")));
        }
        self.depth += 1;
        let expr = match first.text.chars().next() {
            Some('0'..='9') => self.number(),
            Some('$') => self.measured(),
            Some('a'..='z' | 'A'..='Z') => self.variable(),
            Some('(') => self.parenthesis(),
            Some('-') => self.negated(),
            Some(' ') => Err(first
                .error("a blank inside an expression")
                .with_help("write it without blanks: `SND.NXT+1`")),
            Some(other) => Err(first.error(format!("unexpected `{other}`"))),
            None => Err(first
                .error("an expression ends too early")
                .with_help("a number, a variable such as `SND.NXT`, `$name` or `(` belongs here")),
        };
        self.depth -= 1;
        expr
    }

    /// Takes octets while they belong to a word.
    fn word(&mut self, belongs: impl Fn(u8) -> bool) -> Piece<'a> {
        let end = self.rest.text.bytes().take_while(|octet| belongs(*octet)).count();
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn number(&mut self) -> Result<Expr, NotationError> {
        let word = self.word(|octet| octet.is_ascii_alphanumeric());
        let number = read_number(word).unwrap_or_else(|| {
            Err(word
                .error(format!("`{}` is not a number", word.text))
                .with_help("write it in decimal or with `0x`"))
        })?;
        let too_large = |_| word.error(format!("`{}` is too large", word.text));
        i64::try_from(number).map(Expr::Number).map_err(too_large)
    }

    fn measured(&mut self) -> Result<Expr, NotationError> {
        let start = self.rest;
        self.rest = self.rest.split_at(1).1;
        let name = self.word(is_name_octet);
        if !is_name(name.text) {
            let whole = start.split_at(1 + name.text.len()).0;
            return Err(whole
                .error("`$` needs a name")
                .with_help("lower-case letters, digits and `_`, beginning with a letter"));
        }
        Ok(Expr::Measured(name.text.to_string()))
    }

    fn variable(&mut self) -> Result<Expr, NotationError> {
        let start = self.rest;
        let conn = self.word(|octet| is_name_octet(octet) || octet == b'-');
        let conn = match self.rest.strip_prefix(".") {
            Some(rest) if !conn.text.is_empty() => {
                self.rest = rest;
                Some(conn.text.to_string())
            }
            Some(_) | None => {
                self.rest = start;
                None
            }
        };
        let word = self.word(|octet| octet.is_ascii_alphabetic() || octet == b'.');
        match Variable::from_name(word.text) {
            Some(name) => Ok(Expr::Variable { conn, name }),
            None => Err(word
                .error(format!("unknown variable `{}`", word.text))
                .with_names(word.text, Variable::NAMES.iter().map(|(_, name)| *name))),
        }
    }

    fn parenthesis(&mut self) -> Result<Expr, NotationError> {
        let open = self.rest.first_char();
        self.rest = self.rest.split_at(1).1;
        let expr = self.sum()?;
        match self.rest.strip_prefix(")") {
            Some(rest) => self.rest = rest,
            None if self.rest.text.is_empty() => return Err(open.error("`(` is not closed")),
            None => {
                let first = self.rest.first_char();
                return Err(first.error(format!("unexpected `{}`", first.text)));
            }
        }
        Ok(expr)
    }

    fn negated(&mut self) -> Result<Expr, NotationError> {
        self.rest = self.rest.split_at(1).1;
        match self.factor()? {
            // Cannot overflow: what is read lies between -i64::MAX and i64::MAX.
            Expr::Number(number) => Ok(Expr::Number(-number)),
            other => Ok(Expr::binary(Arithmetic::Sub, Expr::Number(0), other)),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Any expression that can be written.
    pub(in crate::notation) fn any_expr() -> impl Strategy<Value = Expr> {
        let variable = (proptest::option::of("[a-z][a-z0-9_-]{0,5}"), 0..Variable::NAMES.len());
        let leaf = prop_oneof![
            (-i64::MAX..=i64::MAX).prop_map(Expr::Number),
            (0i64..70_000).prop_map(Expr::Number),
            variable.prop_map(|(conn, row)| Expr::Variable {
                conn,
                name: Variable::NAMES[row].0
            }),
            "[a-z][a-z0-9_]{0,5}".prop_map(Expr::Measured),
        ];
        let op = prop_oneof![
            Just(Arithmetic::Add),
            Just(Arithmetic::Sub),
            Just(Arithmetic::Mul),
            Just(Arithmetic::Div)
        ];
        leaf.prop_recursive(4, 16, 2, move |inner| {
            (op.clone(), inner.clone(), inner).prop_map(|(op, left, right)| Expr::binary(op, left, right))
        })
    }

    fn number(number: i64) -> Expr {
        Expr::Number(number)
    }

    #[test]
    fn products_bind_tighter_and_equals_from_the_left() {
        use Arithmetic::{Add, Div, Mul, Sub};
        let product = Expr::binary(Mul, number(2), number(3));
        assert_eq!(Expr::parse("1+2*3"), Ok(Expr::binary(Add, number(1), product)));
        let difference = Expr::binary(Sub, number(1), number(2));
        assert_eq!(
            Expr::parse("1-2-3"),
            Ok(Expr::binary(Sub, difference.clone(), number(3)))
        );
        assert_eq!(Expr::parse("6/(1-2)"), Ok(Expr::binary(Div, number(6), difference)));
    }

    #[test]
    fn a_sign_belongs_to_the_number() {
        assert_eq!(Expr::parse("-5"), Ok(number(-5)));
        assert_eq!(Expr::parse("1--5").unwrap().constant(), Some(6));
        let negated = Expr::parse("-SND.NXT").unwrap();
        assert_eq!(negated.to_string(), "0-SND.NXT");
    }

    #[test]
    fn variables_may_be_of_another_connection() {
        let of = |conn: &str, name| {
            Ok(Expr::Variable {
                conn: Some(conn.to_string()),
                name,
            })
        };
        assert_eq!(Expr::parse("main.TS.Recent"), of("main", Variable::TsRecent));
        assert_eq!(Expr::parse("old-1_b.RCV.NXT"), of("old-1_b", Variable::RcvNxt));
        for (variable, name) in Variable::NAMES {
            let expr = Expr::Variable {
                conn: None,
                name: variable,
            };
            assert_eq!(Expr::parse(name), Ok(expr));
            assert_eq!(variable.name(), name);
        }
    }

    #[test]
    fn what_cases_write_is_read() {
        for text in [
            "0",
            "0x7fffffff",
            "010",
            "SND.UNA-100000",
            "SND.NXT+0x1000000",
            "RCV.NXT+RCV.WND-1",
            "RCV.NXT+$i",
            "SEG.SEQ+SEG.LEN",
            "old.RCV.NXT+100000",
            "main.TS.Recent-1000",
            "1+$advance",
            "MAX.SND.WND/2",
        ] {
            assert!(Expr::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn mistakes_are_named_where_they_are() {
        for (text, at, message) in [
            ("", 0..0, "an expression ends too early"),
            ("1+", 2..2, "an expression ends too early"),
            ("SND.NTX", 0..7, "unknown variable `SND.NTX`"),
            ("1+snd.NXT", 6..9, "unknown variable `NXT`"),
            ("1 +2", 1..2, "a blank inside an expression"),
            ("1+ 2", 2..3, "a blank inside an expression"),
            ("(1", 0..1, "`(` is not closed"),
            ("(1]", 2..3, "unexpected `]`"),
            ("1)", 1..2, "unexpected `)`"),
            ("1e3", 0..3, "`1e3` is not a number"),
            ("0x", 0..2, "`0x` is not a number"),
            ("$A", 0..1, "`$` needs a name"),
            ("$1", 0..2, "`$` needs a name"),
            ("18446744073709551616", 0..20, "`18446744073709551616` is too large"),
            ("9223372036854775808", 0..19, "`9223372036854775808` is too large"),
            ("1+é", 2..4, "unexpected `é`"),
        ] {
            let error = Expr::parse(text).unwrap_err();
            assert_eq!((error.at, error.message.as_str()), (at, message), "{text}");
        }
        let help = Expr::parse("SND.NTX").unwrap_err().help;
        assert_eq!(help.as_deref(), Some("did you mean `SND.NXT`?"));
    }

    #[test]
    fn depth_and_length_are_limited() {
        assert!(Expr::parse(&format!("{}1{}", "(".repeat(31), ")".repeat(31))).is_ok());
        for text in [
            format!("{}1{}", "(".repeat(32), ")".repeat(32)),
            "(".repeat(900),
            "-".repeat(900),
            "1+".repeat(100_000),
        ] {
            assert!(Expr::parse(&text).is_err());
        }
        assert!(Expr::parse(&format!("{}1", "1+".repeat(499))).is_ok());
    }

    #[test]
    fn constants_round_down_and_do_not_overflow() {
        for (text, value) in [
            ("7/2", Some(3)),
            ("-7/2", Some(-4)),
            ("-8/2", Some(-4)),
            ("1/0", None),
            ("SMSS", None),
            ("0x7fffffffffffffff+1", None),
        ] {
            assert_eq!(Expr::parse(text).unwrap().constant(), value, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_displayed_is_read_back(expr in any_expr()) {
            prop_assert_eq!(Expr::parse(&expr.to_string()), Ok(expr));
        }

        #[test]
        fn reading_never_panics(text in "[-+*/()$.a-zA-Z0-9 é]{0,40}") {
            let _ = Expr::parse(&text);
        }
    }
}
