//! The names of the kinds of TCP options.

use super::TcpOption;
use core::fmt;
use serde::{Deserialize, Serialize};

/// A kind of option: the octet with which it begins, by its name where it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(with = "String"))]
#[serde(try_from = "String", into = "String")]
pub struct OptionKind(u8);

/// Each kind that has a name.
const NAMED: [(OptionKind, &str); 10] = [
    (OptionKind::END_OF_LIST, "end-of-list"),
    (OptionKind::NO_OPERATION, "no-operation"),
    (OptionKind::MSS, "mss"),
    (OptionKind::WINDOW_SCALE, "window-scale"),
    (OptionKind::SACK_PERMITTED, "sack-permitted"),
    (OptionKind::SACK, "sack"),
    (OptionKind::TIMESTAMPS, "timestamps"),
    (OptionKind::MD5, "md5"),
    (OptionKind::USER_TIMEOUT, "user-timeout"),
    (OptionKind::FAST_OPEN, "fast-open"),
];

/// What stands before the number of a kind without a name.
const NUMBERED: &str = "kind-";

impl OptionKind {
    /// End of option list.
    pub const END_OF_LIST: OptionKind = OptionKind(0);
    /// No operation.
    pub const NO_OPERATION: OptionKind = OptionKind(1);
    /// Maximum segment size (RFC 9293 section 3.2).
    pub const MSS: OptionKind = OptionKind(2);
    /// Window scale (RFC 7323 section 2.2).
    pub const WINDOW_SCALE: OptionKind = OptionKind(3);
    /// SACK-permitted (RFC 2018 section 2).
    pub const SACK_PERMITTED: OptionKind = OptionKind(4);
    /// SACK (RFC 2018 section 3).
    pub const SACK: OptionKind = OptionKind(5);
    /// Timestamps (RFC 7323 section 3.2).
    pub const TIMESTAMPS: OptionKind = OptionKind(8);
    /// MD5 signature (RFC 2385).
    pub const MD5: OptionKind = OptionKind(19);
    /// User timeout (RFC 5482).
    pub const USER_TIMEOUT: OptionKind = OptionKind(28);
    /// Fast open cookie (RFC 7413).
    pub const FAST_OPEN: OptionKind = OptionKind(34);

    /// The kind with this number.
    pub const fn new(number: u8) -> OptionKind {
        OptionKind(number)
    }

    /// The kind of an option; `None` for octets that form no option.
    pub fn of(option: &TcpOption) -> Option<OptionKind> {
        option.kind().map(OptionKind)
    }

    /// The kind of that name: `sack-permitted`, `kind-77`.
    pub fn from_name(name: &str) -> Option<OptionKind> {
        let named = NAMED.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind);
        named.or_else(|| name.strip_prefix(NUMBERED)?.parse().ok().map(OptionKind))
    }

    /// All names, for help with one that is not known.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|(_, name)| *name)
    }
}

impl fmt::Display for OptionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMED.iter().find(|(kind, _)| kind == self) {
            Some((_, name)) => f.write_str(name),
            None => write!(f, "{NUMBERED}{}", self.0),
        }
    }
}

impl From<OptionKind> for String {
    fn from(kind: OptionKind) -> String {
        kind.to_string()
    }
}

impl TryFrom<String> for OptionKind {
    type Error = String;

    fn try_from(name: String) -> Result<OptionKind, String> {
        let known: Vec<&str> = OptionKind::names().collect();
        OptionKind::from_name(&name).ok_or_else(|| {
            format!(
                "no option is called `{name}`; write one of {}, or {NUMBERED}NUMBER",
                known.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_name_that_is_read_back() {
        let mut names = std::collections::BTreeSet::new();
        for number in 0..=u8::MAX {
            let kind = OptionKind(number);
            assert_eq!(OptionKind::try_from(kind.to_string()), Ok(kind));
            assert!(names.insert(kind.to_string()), "{kind}");
        }
        assert_eq!(
            OptionKind::of(&TcpOption::SackPermitted),
            Some(OptionKind::SACK_PERMITTED)
        );
        assert!(
            OptionKind::try_from("sackOK".to_owned())
                .unwrap_err()
                .contains("sack-permitted")
        );
    }
}
