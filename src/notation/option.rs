//! Options within `<...>`.

use super::read::within;
use super::scan::{Piece, is_name, read_hex, read_number};
use super::{Expr, NotationError, Octets, OptionPattern, OptionValue, Role};
use core::fmt;
use core::ops::RangeInclusive;

const NAMES: [&str; 12] = [
    "mss", "wscale", "sackOK", "sack", "ts", "nop", "eol", "fo", "md5", "uto", "opt", "raw",
];

const U16: RangeInclusive<i64> = 0..=u16::MAX as i64;
const U32: RangeInclusive<i64> = 0..=u32::MAX as i64;
const U8: RangeInclusive<i64> = 0..=u8::MAX as i64;

/// Reads `<...>`, brackets included.
pub(super) fn read_list(list: Piece<'_>, role: Role) -> Result<Vec<OptionPattern>, NotationError> {
    let open = list.split_at(1).1;
    let inner = open.strip_suffix(">").unwrap_or(open);
    if inner.trim().text.is_empty() {
        return Ok(Vec::new());
    }
    inner.split(',').map(|part| read_option(part, role)).collect()
}

fn read_option(part: Piece<'_>, role: Role) -> Result<OptionPattern, NotationError> {
    let whole = part.trim();
    if whole.text.is_empty() {
        return Err(part
            .error("an option is missing")
            .with_help("commas stand between options: `<mss 1460, sackOK>`"));
    }
    let (absent, body) = match whole.strip_prefix("!") {
        Some(_) if role == Role::Inject => {
            return Err(whole
                .error(format!(
                    "`{}`: an injected option is present or not written",
                    whole.text
                ))
                .with_help("leave it out: a written list replaces all options"));
        }
        Some(body) => (true, body),
        None => (false, whole),
    };
    let end = body.text.find(' ').unwrap_or(body.text.len());
    let (name, rest) = body.split_at(end);
    let arguments: Vec<Piece<'_>> = rest.words().collect();
    let value = read_value(name, whole, &arguments)?;
    if role == Role::Inject {
        check_injected(&value, whole)?;
    }
    Ok(OptionPattern { absent, value })
}

fn read_value(name: Piece<'_>, whole: Piece<'_>, arguments: &[Piece<'_>]) -> Result<OptionValue, NotationError> {
    let one = |range| read_one(whole, arguments, range);
    let none = |value| match arguments.first() {
        Some(extra) => Err(extra.error(format!("`{}` takes no value", name.text))),
        None => Ok(value),
    };
    match name.text {
        "mss" => one(U16).map(OptionValue::Mss),
        "wscale" => one(U8).map(OptionValue::WindowScale),
        "sackOK" => none(OptionValue::SackPermitted),
        "sack" => arguments
            .iter()
            .map(|block| read_block(*block))
            .collect::<Result<_, _>>()
            .map(OptionValue::Sack),
        "ts" => read_timestamps(arguments),
        "nop" => none(OptionValue::Nop),
        "eol" => none(OptionValue::Eol),
        "fo" => read_octets(arguments).map(OptionValue::FastOpen),
        "md5" => read_octets(arguments).map(OptionValue::Md5),
        "uto" => one(U16).map(OptionValue::UserTimeout),
        "opt" => read_other(whole, arguments),
        "raw" if arguments.is_empty() => Err(whole
            .error("`raw` needs octets")
            .with_help("in hexadecimal: `raw 02 00`")),
        "raw" => read_hex(arguments.iter().copied()).map(OptionValue::Raw),
        unknown => Err(name
            .error(format!("unknown option `{unknown}`"))
            .with_names(unknown, NAMES)),
    }
}

fn read_one(
    whole: Piece<'_>,
    arguments: &[Piece<'_>],
    range: RangeInclusive<i64>,
) -> Result<Option<Expr>, NotationError> {
    match arguments {
        [] => Ok(None),
        [value] => {
            let expr = Expr::read(*value)?;
            within(&expr, range, *value)?;
            Ok(Some(expr))
        }
        [_, ..] => Err(whole.error(format!("`{}`: more than one value", whole.text))),
    }
}

fn read_timestamps(arguments: &[Piece<'_>]) -> Result<OptionValue, NotationError> {
    if let Some(extra) = arguments.get(2) {
        return Err(extra.error("`ts` takes two values: TSval and TSecr"));
    }
    let read = |at: usize| match arguments.get(at) {
        // `ts * 100`: whatever TSval, and this TSecr.
        Some(free) if at == 0 && free.text == "*" && arguments.len() == 2 => Ok(None),
        value => read_one(
            Piece::whole(""),
            value.map(core::slice::from_ref).unwrap_or_default(),
            U32,
        ),
    };
    Ok(OptionValue::Timestamps(read(0)?, read(1)?))
}

fn read_block(block: Piece<'_>) -> Result<(Expr, Expr), NotationError> {
    let Some((left, right)) = block.split_once(":") else {
        return Err(block
            .error(format!("`{}` is not a SACK block", block.text))
            .with_help("write both edges: `2001:3001`"));
    };
    Ok((Expr::read(left)?, Expr::read(right)?))
}

fn read_octets(arguments: &[Piece<'_>]) -> Result<Option<Octets>, NotationError> {
    match arguments {
        [] => Ok(None),
        [word, extra @ ..] if word.text.starts_with('$') => {
            let name = word.split_at(1).1;
            if !is_name(name.text) {
                return Err(word
                    .error("`$` needs a name")
                    .with_help("lower-case letters, digits and `_`, beginning with a letter"));
            }
            match extra.first() {
                Some(extra) => Err(extra.error(format!("nothing follows `{}`", word.text))),
                None => Ok(Some(Octets::Measured(name.text.to_string()))),
            }
        }
        words => read_hex(words.iter().copied()).map(Octets::Literal).map(Some),
    }
}

fn read_other(whole: Piece<'_>, arguments: &[Piece<'_>]) -> Result<OptionValue, NotationError> {
    let Some((kind, data)) = arguments.split_first() else {
        return Err(whole
            .error("`opt` needs a kind")
            .with_help("a number, then its data in hexadecimal: `opt 77 0102`"));
    };
    let number = read_number(*kind).unwrap_or_else(|| Err(kind.error(format!("`{}` is not a number", kind.text))))?;
    let too_large = |_| kind.error(format!("kind {number} does not fit into an octet"));
    let kind = u8::try_from(number).map_err(too_large)?;
    Ok(OptionValue::Other(kind, read_octets(data)?))
}

/// Where a correct peer has nothing to fill in, the value must be written.
pub(super) fn check_injected(value: &OptionValue, whole: Piece<'_>) -> Result<(), NotationError> {
    let missing = match value {
        OptionValue::Sack(blocks) if blocks.is_empty() => "blocks: `sack 2001:3001`",
        OptionValue::Md5(None) => "octets in hexadecimal",
        OptionValue::UserTimeout(None) => "a number, the raw 16 bits",
        OptionValue::Mss(_)
        | OptionValue::WindowScale(_)
        | OptionValue::SackPermitted
        | OptionValue::Sack(_)
        | OptionValue::Timestamps(..)
        | OptionValue::Nop
        | OptionValue::Eol
        | OptionValue::FastOpen(_)
        | OptionValue::Md5(Some(_))
        | OptionValue::UserTimeout(Some(_))
        | OptionValue::Other(..)
        | OptionValue::Raw(_) => return Ok(()),
    };
    Err(whole.error(format!("an injected `{}` needs {missing}", whole.text)))
}

impl fmt::Display for OptionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.absent {
            f.write_str("!")?;
        }
        self.value.fmt(f)
    }
}

impl fmt::Display for OptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OptionValue::Mss(value) => write_with(f, "mss", value.as_ref()),
            OptionValue::WindowScale(value) => write_with(f, "wscale", value.as_ref()),
            OptionValue::SackPermitted => f.write_str("sackOK"),
            OptionValue::Sack(blocks) => {
                f.write_str("sack")?;
                blocks.iter().try_for_each(|(left, right)| write!(f, " {left}:{right}"))
            }
            OptionValue::Timestamps(None, Some(echo)) => write!(f, "ts * {echo}"),
            OptionValue::Timestamps(value, echo) => {
                write_with(f, "ts", value.as_ref())?;
                echo.iter().try_for_each(|echo| write!(f, " {echo}"))
            }
            OptionValue::Nop => f.write_str("nop"),
            OptionValue::Eol => f.write_str("eol"),
            OptionValue::FastOpen(cookie) => write_with(f, "fo", cookie.as_ref()),
            OptionValue::Md5(digest) => write_with(f, "md5", digest.as_ref()),
            OptionValue::UserTimeout(value) => write_with(f, "uto", value.as_ref()),
            OptionValue::Other(kind, data) => {
                write!(f, "opt {kind}")?;
                data.iter().try_for_each(|data| write!(f, " {data}"))
            }
            OptionValue::Raw(octets) => {
                f.write_str("raw")?;
                octets.iter().try_for_each(|octet| write!(f, " {octet:02x}"))
            }
        }
    }
}

fn write_with(f: &mut fmt::Formatter<'_>, name: &str, value: Option<&impl fmt::Display>) -> fmt::Result {
    match value {
        Some(value) => write!(f, "{name} {value}"),
        None => f.write_str(name),
    }
}

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Octets::Literal(octets) => octets.iter().try_for_each(|octet| write!(f, "{octet:02x}")),
            Octets::Measured(name) => write!(f, "${name}"),
        }
    }
}
