//! Cuts a line into items and keeps the place of each. What an item means is decided by the modules that read it.

use super::{NotationError, did_you_mean};
use core::ops::Range;

/// The most octets in one line: more than the text of the largest packet, each octet escaped.
const LONGEST_LINE: usize = 1 << 18;

/// The usual reason why a bracket or a quote is left open.
const CUT: &str = "in YAML a comma inside [] or {} and a blank before # cut a text short: put quotes round the whole";

/// A part of the text that is being read, and where it stands in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

/// An item of a line; blanks stand between items.
#[derive(Clone, Debug)]
pub(super) enum Item<'a> {
    /// Anything up to a blank.
    Word(Piece<'a>),
    /// `<...>`: the whole of it.
    List(Piece<'a>),
    /// `"..."`: the whole of it, and the octets that it stands for.
    Text(Piece<'a>, Vec<u8>),
}

impl<'a> Piece<'a> {
    pub(super) fn whole(text: &'a str) -> Piece<'a> {
        Piece { text, at: 0 }
    }

    pub(super) fn range(self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    pub(super) fn error(self, message: impl Into<String>) -> NotationError {
        NotationError {
            at: self.range(),
            message: message.into(),
            help: None,
        }
    }

    /// The part before `middle` and the part from there on. `middle` must lie between two characters.
    pub(super) fn split_at(self, middle: usize) -> (Piece<'a>, Piece<'a>) {
        let (left, right) = self.text.split_at(middle);
        let at = self.at + middle;
        (
            Piece {
                text: left,
                at: self.at,
            },
            Piece { text: right, at },
        )
    }

    /// The parts before and after the first `separator`.
    pub(super) fn split_once(self, separator: &str) -> Option<(Piece<'a>, Piece<'a>)> {
        let (left, rest) = self.split_at(self.text.find(separator)?);
        Some((left, rest.split_at(separator.len()).1))
    }

    /// All parts between commas or what else separates them.
    pub(super) fn split(self, separator: char) -> impl Iterator<Item = Piece<'a>> {
        let mut at = self.at;
        self.text.split(separator).map(move |text| {
            let piece = Piece { text, at };
            at += text.len() + separator.len_utf8();
            piece
        })
    }

    /// The words between blanks.
    pub(super) fn words(self) -> impl Iterator<Item = Piece<'a>> {
        self.split(' ').filter(|piece| !piece.text.is_empty())
    }

    pub(super) fn strip_prefix(self, prefix: &str) -> Option<Piece<'a>> {
        self.text.starts_with(prefix).then(|| self.split_at(prefix.len()).1)
    }

    pub(super) fn strip_suffix(self, suffix: &str) -> Option<Piece<'a>> {
        let text = self.text.strip_suffix(suffix)?;
        Some(Piece { text, at: self.at })
    }

    pub(super) fn trim(self) -> Piece<'a> {
        let blanks = self.text.len() - self.text.trim_start_matches(' ').len();
        let text = self.text.trim_matches(' ');
        Piece {
            text,
            at: self.at + blanks,
        }
    }

    /// The first character; nothing if there is none.
    pub(super) fn first_char(self) -> Piece<'a> {
        let length = self.text.chars().next().map_or(0, char::len_utf8);
        self.split_at(length).0
    }

    /// What follows the last octet: where something is missing.
    pub(super) fn end(self) -> Piece<'a> {
        self.split_at(self.text.len()).1
    }
}

impl NotationError {
    /// The same with a remedy.
    pub(super) fn with_help(self, help: impl Into<String>) -> NotationError {
        NotationError {
            help: Some(help.into()),
            ..self
        }
    }

    /// The same with the name that was meant, if one is near, and else with all that there are.
    pub(super) fn with_names<'n>(self, word: &str, names: impl IntoIterator<Item = &'n str>) -> NotationError {
        let names: Vec<&str> = names.into_iter().collect();
        let near = did_you_mean(word, names.iter().copied());
        self.with_help(near.unwrap_or_else(|| format!("one of {}", quoted(&names))))
    }
}

/// `` `a`, `b`, `c` ``
fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Cuts a line at its blanks; `<...>` and `"..."` are one item each.
pub(super) fn items(text: &str) -> Result<Vec<Item<'_>>, NotationError> {
    let line = Piece::whole(text);
    if text.len() > LONGEST_LINE {
        return Err(line.error(format!("longer than {LONGEST_LINE} octets")));
    }
    let mut items = Vec::new();
    let mut rest = line.trim();
    while !rest.text.is_empty() {
        let (item, after) = match rest.text.as_bytes()[0] {
            b'"' => read_text(rest)?,
            b'<' => read_list(rest)?,
            _ => {
                let end = rest.text.find(' ').unwrap_or(rest.text.len());
                let (word, after) = rest.split_at(end);
                (Item::Word(word), after)
            }
        };
        if !after.text.is_empty() && !after.text.starts_with(' ') {
            return Err(after.first_char().error("a blank is missing before this"));
        }
        items.push(item);
        rest = after.trim();
    }
    Ok(items)
}

fn read_list(rest: Piece<'_>) -> Result<(Item<'_>, Piece<'_>), NotationError> {
    let Some(end) = rest.text.find('>') else {
        return Err(rest.error("`<` is not closed").with_help(CUT));
    };
    let (list, after) = rest.split_at(end + 1);
    Ok((Item::List(list), after))
}

fn read_text(rest: Piece<'_>) -> Result<(Item<'_>, Piece<'_>), NotationError> {
    let mut octets = Vec::new();
    let mut inner = rest.split_at(1).1;
    loop {
        let first = inner.first_char();
        match first.text {
            "" => return Err(rest.error("`\"` is not closed").with_help(CUT)),
            "\"" => {
                let after = inner.split_at(1).1;
                let whole = rest.split_at(rest.text.len() - after.text.len()).0;
                return Ok((Item::Text(whole, octets), after));
            }
            "\\" => {
                let (octet, length) = read_escape(inner)?;
                octets.push(octet);
                inner = inner.split_at(length).1;
            }
            _ => {
                octets.extend(first.text.bytes());
                inner = inner.split_at(first.text.len()).1;
            }
        }
    }
}

/// The octet that an escape stands for, and how long the escape is.
fn read_escape(rest: Piece<'_>) -> Result<(u8, usize), NotationError> {
    let plain = match rest.text.as_bytes().get(1) {
        Some(b'"') => b'"',
        Some(b'\\') => b'\\',
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'0') => 0,
        Some(b'x') => {
            let digits = rest.text.get(2..4).filter(|digits| is_hex(digits));
            return match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                Some(octet) => Ok((octet, 4)),
                None => Err(rest.split_at(2).0.error("`\\x` needs two hexadecimal digits")),
            };
        }
        Some(_) | None => {
            let escape = rest.split_at(1 + rest.split_at(1).1.first_char().text.len()).0;
            let help = "a text knows \\\" \\\\ \\n \\r \\t \\0 and \\xNN";
            return Err(escape
                .error(format!("unknown escape `{}`", escape.text))
                .with_help(help));
        }
    };
    Ok((plain, 2))
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|octet| octet.is_ascii_hexdigit())
}

/// Octets as a text in quotes, read back by [`items`] to the same.
pub(super) fn escaped(octets: &[u8]) -> String {
    let mut text = String::from("\"");
    for octet in octets {
        match octet {
            b'"' => text.push_str("\\\""),
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            0 => text.push_str("\\0"),
            b' '..=b'~' => text.push(char::from(*octet)),
            _ => text.push_str(&format!("\\x{octet:02x}")),
        }
    }
    text.push('"');
    text
}

/// Octets written in hexadecimal, in one word or several.
pub(super) fn read_hex<'a>(words: impl Iterator<Item = Piece<'a>>) -> Result<Vec<u8>, NotationError> {
    let mut octets = Vec::new();
    for word in words {
        if !is_hex(word.text) {
            return Err(word.error(format!("`{}` is not hexadecimal", word.text)));
        }
        if word.text.len() % 2 != 0 {
            return Err(word
                .error(format!("`{}` has an odd number of digits", word.text))
                .with_help("an octet is two hexadecimal digits"));
        }
        let digit = |octet: u8| char::from(octet).to_digit(16).unwrap_or(0) as u8;
        let pairs = word.text.as_bytes().as_chunks().0;
        octets.extend(pairs.iter().map(|[high, low]| digit(*high) << 4 | digit(*low)));
    }
    Ok(octets)
}

/// A whole number in decimal or, with `0x`, hexadecimal. `None` if it is no number.
pub(super) fn read_number(word: Piece<'_>) -> Option<Result<u64, NotationError>> {
    let (digits, radix) = match word.strip_prefix("0x") {
        Some(digits) if !digits.text.is_empty() && is_hex(digits.text) => (digits.text, 16),
        Some(_) => return None,
        None if !word.text.is_empty() && word.text.bytes().all(|octet| octet.is_ascii_digit()) => (word.text, 10),
        None => return None,
    };
    let too_large = |_| word.error(format!("`{}` is too large", word.text));
    Some(u64::from_str_radix(digits, radix).map_err(too_large))
}

/// Whether a word may follow `$`.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(is_name_octet)
}

pub(super) fn is_name_octet(octet: u8) -> bool {
    octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(text: &str) -> Vec<String> {
        let show = |item: &Item<'_>| match item {
            Item::Word(piece) | Item::List(piece) | Item::Text(piece, _) => {
                assert_eq!(&text[piece.range()], piece.text);
                piece.text.to_string()
            }
        };
        items(text).unwrap().iter().map(show).collect()
    }

    #[test]
    fn blanks_inside_lists_and_texts_do_not_cut() {
        let line = r#"ACK  <mss 1, ts> "a \" b" seq=1 "#;
        assert_eq!(cut(line), ["ACK", "<mss 1, ts>", r#""a \" b""#, "seq=1"]);
    }

    #[test]
    fn nothing_is_no_items() {
        assert!(cut("").is_empty() && cut("   ").is_empty());
    }

    #[test]
    fn what_is_left_open_says_where_it_began_and_why() {
        for (line, at) in [("ACK <mss 1460", 4..13), ("ACK \"a ", 4..6), ("ACK \"a\\\"", 4..8)] {
            let error = items(line).unwrap_err();
            assert_eq!(error.at, at);
            assert!(error.message.ends_with("is not closed") && error.help.unwrap().contains("comma"));
        }
    }

    #[test]
    fn items_need_a_blank_between() {
        assert_eq!(items("<ts>\"x\"").unwrap_err().at, 4..5);
        assert_eq!(items("\"x\"é").unwrap_err().at, 3..5);
    }

    #[test]
    fn bad_escapes_are_named() {
        let error = items(r#"ACK "a\q""#).unwrap_err();
        assert_eq!((error.at, error.message.as_str()), (6..8, "unknown escape `\\q`"));
        assert_eq!(items(r#""\é""#).unwrap_err().at, 1..4);
        assert_eq!(items(r#""\x4"#).unwrap_err().at, 1..3);
        assert_eq!(items(r#""\x+1""#).unwrap_err().at, 1..3);
        assert_eq!(items(r#""\"#).unwrap_err().at, 1..2);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        assert!(items(&"A".repeat(LONGEST_LINE + 1)).is_err());
    }

    proptest! {
        #[test]
        fn every_octet_survives_a_text(octets: Vec<u8>) {
            let text = escaped(&octets);
            match items(&text).unwrap().as_slice() {
                [Item::Text(_, read)] => prop_assert_eq!(read, &octets),
                other => prop_assert!(false, "{other:?}"),
            }
        }

        #[test]
        fn cutting_never_panics(text: String) {
            let _ = items(&text);
        }
    }
}
