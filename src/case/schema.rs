//! The JSON Schema of a case file, for editors: made from the tables that the loader reads by, so that it cannot say
//! something else than the loader.

use super::keys::{self, Key, Shape};
use crate::notation::Quantity;
use crate::rfc::{Condition, State};
use crate::stack::{ABILITIES, HOST_SETTINGS, Setting, Takes};
use serde_json::{Map, Value, json};

/// The schema of a case file (draft 2020-12).
pub fn schema() -> Value {
    let mut case = object(keys::CASE.iter());
    case["required"] = json!(keys::CASE_REQUIRED);
    case["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    case["title"] = json!("A tcpvet case");
    case["properties"]["needs"]["anyOf"] = needs();
    case["properties"]["configure"] = configure();
    case["properties"]["only"] = only();
    case["$defs"] = json!({
        "text": {
            "description": "A text. Numbers and truth values are read as they are written.",
            "type": ["string", "number", "boolean"],
        },
        "texts": {"anyOf": [reference("text"), {"type": "array", "items": reference("text")}]},
        "step": step(),
        "steps": {"type": "array", "items": reference("step")},
        "fault": fault(),
        "given": given(),
        "connection": object(keys::CONNECTION.iter()),
        "block": {
            "description": "Columns of the matrix: a value, a list of values, or labels with values.",
            "type": "object",
            "properties": {"name": described(reference("text"), "What the row is called.")},
            "additionalProperties": {"anyOf": [reference("texts"), map_of("text")]},
        },
    });
    case
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

fn described(mut what: Value, tells: &str) -> Value {
    what["description"] = json!(tells);
    what
}

fn map_of(name: &str) -> Value {
    json!({"type": "object", "additionalProperties": reference(name)})
}

/// A map with these keys and no others.
fn object<'k>(keys: impl Iterator<Item = &'k Key>) -> Value {
    let properties: Map<String, Value> = keys
        .map(|key| (key.name.to_string(), described(shape(key.shape), key.tells)))
        .collect();
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

fn shape(shape: Shape) -> Value {
    match shape {
        Shape::Text => reference("text"),
        Shape::Texts => json!({"anyOf": [reference("text"), {"type": "array", "items": reference("text")}]}),
        Shape::TextMap => map_of("text"),
        Shape::TextsMap => map_of("texts"),
        Shape::OneOf(words) => one_of(words),
        Shape::Connections => map_of("connection"),
        Shape::Given => json!({"anyOf": [
            reference("given"),
            {"type": "array", "items": reference("given")},
        ]}),
        Shape::Matrix => json!({"anyOf": [
            reference("block"),
            {"type": "array", "items": reference("block")},
        ]}),
        Shape::Steps => reference("steps"),
        Shape::Outcomes => map_of("steps"),
        Shape::Faults => json!({"type": "array", "items": reference("fault")}),
    }
}

/// One of these words, or a column of the matrix.
fn one_of(words: &[&str]) -> Value {
    one_of_or_column(json!(words))
}

fn one_of_or_column(values: Value) -> Value {
    json!({"anyOf": [{"enum": values}, {"type": "string", "pattern": "\\$[a-z]"}]})
}

fn step() -> Value {
    let words = keys::STEPS.iter().map(|step| &step.key);
    let mut step = object(words.clone().chain(keys::BESIDE));
    step["properties"]["state"] = described(
        one_of(&State::ALL.map(State::name)),
        "The state in which the target must be.",
    );
    step["properties"]["measure"]["additionalProperties"] =
        one_of(&Quantity::all().map(Quantity::name).collect::<Vec<_>>());
    step["oneOf"] = words.map(|key| json!({"required": [key.name]})).collect();
    let owned = keys::BESIDE
        .iter()
        .filter(|key| !keys::ALWAYS_BESIDE.contains(&key.name));
    let owners = owned.map(|key| {
        let words = keys::STEPS.iter().filter(|step| step.beside.contains(&key.name));
        let any: Vec<_> = words.map(|step| json!({"required": [step.key.name]})).collect();
        (key.name.to_string(), json!({"anyOf": any}))
    });
    step["dependentSchemas"] = Value::Object(owners.collect());
    step
}

fn fault() -> Value {
    let mut fault = object(keys::FAULTS.iter().chain(keys::FAULT_BESIDE));
    fault["oneOf"] = keys::FAULTS.iter().map(|key| json!({"required": [key.name]})).collect();
    fault
}

fn given() -> Value {
    let states = one_of(&State::ALL.map(State::name));
    let mut given = object(keys::GIVEN.iter());
    given["properties"]["state"] = described(states.clone(), "The state to begin from.");
    given["required"] = json!(["state"]);
    json!({"anyOf": [states, given]})
}

fn needs() -> Value {
    let settings = Setting::of_sockets().map(|setting| (format!("set:{setting}"), setting.meaning()));
    let words = ABILITIES.iter().map(|word| (word.name.to_string(), word.meaning));
    let conditions = Condition::ALL
        .iter()
        .map(|known| (known.name().to_string(), known.meaning()));
    let mut known: Vec<(String, &str)> = words.chain(conditions).chain(settings).collect();
    known.sort();
    known.dedup_by(|left, right| left.0 == right.0);
    let mut words: Vec<Value> = known
        .iter()
        .map(|(name, meaning)| json!({"const": name, "description": meaning}))
        .collect();
    words.push(json!({"type": "string", "pattern": "\\$[a-z]"}));
    let word = json!({"anyOf": words});
    json!([word, {"type": "array", "items": word}])
}

fn configure() -> Value {
    let settings = HOST_SETTINGS.iter().map(|setting| {
        let value = match setting.takes {
            Takes::Flag => json!({"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": "\\$[a-z]"}]}),
            Takes::Number => json!({"anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": "\\$[a-z]"},
            ]}),
            Takes::Time => json!({"type": "string"}),
            Takes::OneOf(words) => one_of(words),
        };
        (setting.name.to_string(), described(value, setting.meaning))
    });
    let properties: Map<String, Value> = settings.collect();
    let tells = "Host-wide settings by neutral name; a runner maps them to a profile.";
    json!({"description": tells, "type": "object", "additionalProperties": false, "properties": properties})
}

fn only() -> Value {
    json!({
        "description": "Restricts the implicit axes.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "ip": described(one_of_or_column(json!([4, 6])), "The IP version."),
            "isn": described(one_of(&["plain", "wrap"]), "Where initial sequence numbers lie."),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// To write it anew: `TCPVET_WRITE_SCHEMA=1 cargo test --lib case::schema`.
    #[test]
    fn the_committed_schema_is_the_one_that_the_loader_reads_by() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/cases/schema.json");
        let made = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
        if std::env::var_os("TCPVET_WRITE_SCHEMA").is_some() {
            std::fs::write(path, &made).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), made);
    }

    #[test]
    fn every_key_is_described() {
        fn walk(value: &Value) {
            if let Some(properties) = value.get("properties").and_then(Value::as_object) {
                for (name, property) in properties {
                    assert!(property.get("description").is_some(), "{name}");
                }
            }
            match value {
                Value::Object(pairs) => pairs.values().for_each(walk),
                Value::Array(items) => items.iter().for_each(walk),
                _ => {}
            }
        }
        walk(&schema());
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let schema = schema();
        let text = schema.to_string();
        for reference in text.split("#/$defs/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schema["$defs"].get(name).is_some(), "{name}");
        }
    }
}
