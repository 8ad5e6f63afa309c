//! Embeds the case library, so that an installed program needs no files beside it; and names a test for each case.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Cargo looks at a directory recursively, so a new file anywhere below is seen.
    println!("cargo:rerun-if-changed=cases");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    if let Err(error) = embed(&root.join("cases"), &out) {
        panic!("the case library below {} cannot be embedded: {error}", root.display());
    }
}

fn embed(cases: &Path, out: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    collect(cases, "", &mut files)?;
    files.sort();
    fs::write(out.join("bundled_cases.rs"), table(&files))?;
    fs::write(out.join("conformance.rs"), tests(&files))
}

/// A macro with a test for each case, in a module for each topic.
fn tests(files: &[String]) -> String {
    let name = |part: &str| part.replace('-', "_");
    let cases = files
        .iter()
        .filter_map(|file| file.strip_suffix(".yaml")?.split_once('/'));
    let cases: Vec<(&str, &str)> = cases
        .filter(|(topic, _)| !["requirements", "given"].contains(topic))
        .collect();
    let mut text = String::from(
        "/// What `conformance!` expands to.\n#[doc(hidden)]\n#[macro_export]\nmacro_rules! __tcpvet_cases {\n    () => {\n",
    );
    for topic in cases.chunk_by(|a, b| a.0 == b.0) {
        let _ = writeln!(text, "        mod {} {{", name(topic[0].0));
        for (topic, case) in topic {
            let function = name(&case.replace('/', "_"));
            let _ = writeln!(
                text,
                "            #[test]\n            fn {function}() {{ super::suite().check({:?}); }}",
                format!("{topic}/{case}")
            );
        }
        text.push_str("        }\n");
    }
    text.push_str("    };\n}\n");
    text
}

/// A table of (path below `cases/`, text), sorted by path so that builds are alike everywhere.
fn table(files: &[String]) -> String {
    let mut table = String::from("&[\n");
    for file in files {
        let below_root = format!("/cases/{file}");
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "    ({file:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {below_root:?}))),"
        );
    }
    table.push_str("]\n");
    table
}

/// Every `.yaml` file below `directory`, by its path below the root with `/` between its parts.
fn collect(directory: &Path, prefix: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|name| io::Error::other(format!("the name {name:?} is not UTF-8")))?;
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else if name.ends_with(".yaml") {
            files.push(path);
        }
    }
    Ok(())
}
