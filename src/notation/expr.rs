//! Arithmetic over the target's RFC variables.

use super::NotationError;

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

impl Expr {
    /// Reads an expression; blanks are not allowed inside.
    pub fn parse(_text: &str) -> Result<Expr, NotationError> {
        todo!()
    }
}
