//! The JSON Schemas, held against what they describe by a validator of another make: Python's jsonschema. Where that is
//! missing the tests say so and pass.

use crate::cli::{Folder, told};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Reads a schema and a file with one value in each line, and prints for each whether it is valid, or why not.
const VALIDATE: &str = "\
import json, sys
try:
    from jsonschema import Draft202012Validator as Validator
except ImportError:
    sys.exit(77)
schema = json.load(open(sys.argv[1]))
Validator.check_schema(schema)
validator = Validator(schema)
for line in open(sys.argv[2]):
    error = next(validator.iter_errors(json.loads(line)), None)
    print('valid' if error is None else ' '.join(f'{list(error.path)}: {error.message}'.split()))
";

/// What the validator says of each value; `None` where there is no validator.
fn verdicts(name: &str, schema: &Path, values: &[Value]) -> Option<Vec<String>> {
    let folder = Folder::new(&format!("schema-{name}"));
    let lines: String = values.iter().map(|value| format!("{value}\n")).collect();
    let output = Command::new("python3")
        .args(["-c", VALIDATE])
        .arg(schema)
        .arg(folder.write("values", &lines))
        .output();
    let output = output.ok().filter(|output| output.status.code() != Some(77));
    let Some(output) = output else {
        eprintln!("skipped: there is no python3 with jsonschema here (apt install python3-jsonschema)");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: Vec<String> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(said.len(), values.len());
    Some(said)
}

/// Every case file that is bundled.
fn cases() -> Vec<PathBuf> {
    let topics = fs::read_dir(format!("{ROOT}/cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let is_topic = |path: &PathBuf| path.is_dir() && !path.ends_with("given") && !path.ends_with("requirements");
    let files = topics.filter(is_topic).flat_map(|topic| fs::read_dir(topic).unwrap());
    files.map(|entry| entry.unwrap().path()).collect()
}

fn read(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

fn case_schema(folder: &Folder) -> PathBuf {
    folder.write("schema.json", &told(&["schema"]).1).into()
}

#[test]
fn every_bundled_case_is_accepted() {
    let folder = Folder::new("schema-of-cases");
    let cases = cases();
    let values: Vec<Value> = cases
        .iter()
        .map(|path| read(&fs::read_to_string(path).unwrap()))
        .collect();
    let Some(said) = verdicts("cases", &case_schema(&folder), &values) else {
        return;
    };
    assert!(said.len() > 400);
    for (path, said) in cases.iter().zip(&said) {
        assert_eq!(said, "valid", "{}", path.display());
    }
}

#[test]
fn a_broken_case_is_refused() {
    let good = crate::cli::GOOD;
    let broken = [
        good.replace("title:", "titel:"),
        good.replace("why: Else nobody can connect.\n", ""),
        good.replace("given: listen", "given: listening"),
        good.replace("inject:", "injekt:"),
        good.replace("  - expect: SYN,ACK", "  - expect: SYN,ACK\n    wihtin: 1s"),
        good.replace("  - expect: SYN,ACK", "  - expect: SYN,ACK\n    inject: ACK"),
        good.replace("  - inject: SYN\n", "  - inject: SYN\n    within: 1s\n"),
        format!("{good}only: {{ip: 5}}\n"),
        format!("{good}needs: [urgnet]\n"),
        format!("{good}configure: {{syn-cookie: always}}\n"),
        "- a list\n".to_owned(),
    ];
    let folder = Folder::new("schema-of-broken-cases");
    let mut values: Vec<Value> = broken.iter().map(|text| read(text)).collect();
    values.push(read(good));
    let Some(mut said) = verdicts("broken", &case_schema(&folder), &values) else {
        return;
    };
    assert_eq!(said.pop().as_deref(), Some("valid"), "what was broken");
    for (text, said) in broken.iter().zip(&said) {
        assert_ne!(said, "valid", "{text}");
    }
}

#[test]
fn records_of_real_runs_are_accepted_and_broken_ones_are_not() {
    let folder = Folder::with("schema-of-records", "mine/wrong", crate::cli::WRONG);
    let record = folder.path("r.jsonl");
    let run = [
        "handshake/passive-open",
        "urgent/mark",
        "mine/",
        "--cases",
        &folder.path(""),
        "-q",
        "--traces",
        "all",
        "--target",
        "smoltcp,model",
        "--record",
        &record,
    ];
    assert_eq!(told(&run).0, 1);
    let text = fs::read_to_string(&record).unwrap();
    let mut values: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let whole = values.len();
    for (at, key) in [(0, "seed"), (0, "target"), (2, "settled"), (whole - 1, "ended")] {
        let mut broken = values[at].clone();
        match broken[key].is_object() && at > 0 {
            true => broken[key] = json!({"place": "first"}),
            false => drop(broken.as_object_mut().unwrap().remove(key)),
        }
        values.push(broken);
    }
    let schema = Path::new(ROOT).join("reports/record.schema.json");
    let Some(said) = verdicts("records", &schema, &values) else {
        return;
    };
    for (line, said) in said[..whole].iter().enumerate() {
        assert_eq!(said, "valid", "line {}", line + 1);
    }
    for (number, said) in said[whole..].iter().enumerate() {
        assert_ne!(said, "valid", "broken line {number}");
    }
}
