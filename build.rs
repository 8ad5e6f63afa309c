//! Embeds the case library and the runners, so that an installed program needs no files beside it; and names a test for each
//! case.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Cargo looks at a directory recursively, so a new file anywhere below is seen.
    println!("cargo:rerun-if-changed=cases");
    println!("cargo:rerun-if-changed=runners");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    let is_case = |name: &str| name.ends_with(".yaml");
    // What is built in place is no source, and what is written in capitals is to be copied, not run.
    let is_of_runner = |name: &str| {
        let first = name.split('/').next().unwrap_or_default();
        let built = name
            .split('/')
            .any(|part| matches!(part, "build" | "target" | "__pycache__") || part.starts_with('.'));
        name.contains('/') && !built && first.chars().any(char::is_lowercase)
    };
    let written = files(&root, "cases", &is_case).and_then(|cases| {
        let runners = files(&root, "runners", &is_of_runner)?;
        fs::write(out.join("bundled_cases.rs"), table("cases", "include_str", &cases))?;
        fs::write(
            out.join("bundled_runners.rs"),
            table("runners", "include_bytes", &runners),
        )?;
        fs::write(out.join("conformance.rs"), tests(&cases))
    });
    if let Err(error) = written {
        panic!("what stands below {} cannot be embedded: {error}", root.display());
    }
}

/// The files below a folder that are wanted, sorted so that builds are alike everywhere.
fn files(root: &Path, folder: &str, wanted: &dyn Fn(&str) -> bool) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    collect(&root.join(folder), "", &mut files)?;
    files.retain(|name| wanted(name));
    files.sort();
    Ok(files)
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

/// A table of (path below `folder`, contents).
fn table(folder: &str, include: &str, files: &[String]) -> String {
    let mut table = String::from("&[\n");
    for file in files {
        let below_root = format!("/{folder}/{file}");
        // Writing to a String cannot fail.
        let _ = writeln!(
            table,
            "    ({file:?}, {include}!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {below_root:?}))),"
        );
    }
    table.push_str("]\n");
    table
}

/// Every file below `directory`, by its path below the root with `/` between its parts.
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
        } else {
            files.push(path);
        }
    }
    Ok(())
}
