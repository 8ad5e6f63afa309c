//! The face of the crate: what an author of a stack may build on. Whatever is added to it, or taken from it, changes the
//! list here too.

use crate::source::sources;
use std::collections::BTreeSet;
use syn::{Attribute, Item, UseTree, Visibility};

/// Everything that stands at the top of the crate for all to see.
const FACE: [&str; 24] = [
    "Abilities",
    "Answer",
    "Call",
    "CallId",
    "Emitted",
    "Errno",
    "ErrorName",
    "Instant",
    "IpVersion",
    "Job",
    "Level",
    "SetValue",
    "Setting",
    "SocketId",
    "Stack",
    "State",
    "Verdict",
    "World",
    "conformance",
    "conformance!",
    "record",
    "serve",
    "target_address",
    "unstable modules are hidden",
];

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let hides = |list: &syn::MetaList| list.tokens.to_string() == "hidden";
        attribute.path().is_ident("doc") && attribute.meta.require_list().is_ok_and(hides)
    })
}

/// The names that a `use` brings.
fn names(tree: &UseTree, found: &mut BTreeSet<String>) {
    match tree {
        UseTree::Path(path) => names(&path.tree, found),
        UseTree::Name(name) => {
            found.insert(name.ident.to_string());
        }
        UseTree::Rename(rename) => {
            found.insert(rename.rename.to_string());
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| names(tree, found)),
        UseTree::Glob(_) => {
            found.insert("*".to_owned());
        }
    }
}

/// What stands at the top of the crate and is not hidden.
fn face() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in sources("src/lib.rs") {
        for item in &source.file.items {
            match item {
                Item::Mod(item) if matches!(item.vis, Visibility::Public(_)) => {
                    let name = match is_hidden(&item.attrs) {
                        true => "unstable modules are hidden".to_owned(),
                        false => item.ident.to_string(),
                    };
                    found.insert(name);
                }
                Item::Use(item) if matches!(item.vis, Visibility::Public(_)) => names(&item.tree, &mut found),
                Item::Mod(_) | Item::Use(_) => {}
                _ => panic!("something stands in src/lib.rs that is neither a module nor a use"),
            }
        }
    }
    // Macros stand at the top wherever they are written.
    for source in sources("src") {
        for item in &source.file.items {
            if let Item::Macro(item) = item
                && item
                    .attrs
                    .iter()
                    .any(|attribute| attribute.path().is_ident("macro_export"))
                && !is_hidden(&item.attrs)
                && let Some(name) = &item.ident
            {
                found.insert(format!("{name}!"));
            }
        }
    }
    found
}

#[test]
fn the_face_is_as_it_was() {
    let expected: BTreeSet<String> = FACE.into_iter().map(str::to_owned).collect();
    assert_eq!(face(), expected);
}
