//! Embeds the case library and the runners, so that an installed program needs no files beside it.

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
    embed(&root, "cases", "include_str", &out.join("bundled_cases.rs"), &|name| {
        name.ends_with(".yaml")
    });
    // What is built in place is no source, and what is written in capitals is to be copied, not run.
    embed(
        &root,
        "runners",
        "include_bytes",
        &out.join("bundled_runners.rs"),
        &|name| {
            let first = name.split('/').next().unwrap_or_default();
            let built = name
                .split('/')
                .any(|part| matches!(part, "build" | "target" | "__pycache__") || part.starts_with('.'));
            name.contains('/') && !built && first.chars().any(char::is_lowercase)
        },
    );
}

/// Writes a table of (path below `folder`, contents), sorted by path so that builds are alike everywhere.
fn embed(root: &Path, folder: &str, include: &str, out: &Path, wanted: &dyn Fn(&str) -> bool) {
    let mut files = Vec::new();
    let collected = collect(&root.join(folder), "", &mut files);
    files.retain(|name| wanted(name));
    files.sort();
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
    if let Err(error) = collected.and_then(|()| fs::write(out, table)) {
        panic!("what stands below {folder}/ cannot be embedded: {error}");
    }
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
