//! Embeds the case library, so that an installed program needs no files beside it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Cargo looks at a directory recursively, so a new file anywhere below is seen.
    println!("cargo:rerun-if-changed=cases");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("bundled_cases.rs");
    if let Err(error) = embed(&root.join("cases"), &out) {
        panic!("the case library below {} cannot be embedded: {error}", root.display());
    }
}

/// Writes a table of (path below `cases/`, text), sorted by path so that builds are alike everywhere.
fn embed(cases: &Path, out: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    collect(cases, "", &mut files)?;
    files.sort();
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
    fs::write(out, table)
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
