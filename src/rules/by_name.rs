//! Rules between processes: they are written by their names, and found again among those of this program.

use super::{RULES, Rule};
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Serializer;

/// Writes the name of a rule.
pub(crate) fn serialize<S: Serializer>(name: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name)
}

/// Reads the name of a rule.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
    rule(deserializer).map(|rule| rule.name)
}

/// Writes a rule.
pub(crate) fn serialize_rule<S: Serializer>(rule: &Rule, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(rule.name)
}

/// Reads a rule.
pub(crate) fn rule<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static Rule, D::Error> {
    let name = String::deserialize(deserializer)?;
    let found = RULES.iter().find(|rule| rule.name == name);
    found.ok_or_else(|| D::Error::custom(format!("no rule is called `{name}`")))
}
