//! All cases together: those that are built in, and those of a user's own directories.

use super::case_file::{Case, World, load};
use super::given::Givens;
use super::problem::{Problem, Problems};
use super::requirement::{Catalogue, rfc_of};
use super::yaml::{MAX_FILE, Source};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Every file below `cases/`, by its path there, in the order of paths.
static BUNDLED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/bundled_cases.rs"));

/// Directories may be nested so deep; deeper is taken for a loop.
const MAX_DEPTH: usize = 16;

/// Where cases come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Root {
    /// The cases that are built in.
    Bundled,
    /// A directory of a user's own.
    Dir(PathBuf),
}

/// Cases, checked, and the requirements that they cover.
#[derive(Clone, Debug)]
pub struct Library {
    cases: Vec<Arc<Case>>,
    catalogue: Arc<Catalogue>,
}

impl Library {
    /// The cases that are built in.
    pub fn bundled() -> Result<Library, Problems> {
        Library::load(&[Root::Bundled])
    }

    /// The cases that are built in, and those of a directory.
    pub fn load_dir(path: impl AsRef<Path>) -> Result<Library, Problems> {
        Library::load(&[Root::Bundled, Root::Dir(path.as_ref().to_path_buf())])
    }

    /// The cases of these roots. The requirements and states that are built in are known to all of them; a directory
    /// may add requirements, and may reach states in its own way.
    ///
    /// Everything is read and checked; if anything is wrong, all that is wrong is the answer.
    pub fn load(roots: &[Root]) -> Result<Library, Problems> {
        match Library::examine(roots) {
            (library, problems) if problems.0.is_empty() => Ok(library),
            (_, problems) => Err(problems),
        }
    }

    /// As [`Library::load`], but with the cases in which nothing is wrong as well.
    pub fn examine(roots: &[Root]) -> (Library, Problems) {
        let mut problems = Vec::new();
        let (base, base_givens) = common(&mut problems);
        let mut catalogue = base.clone();
        let mut contents = Vec::new();
        for root in roots {
            match root {
                Root::Bundled => contents.push((Contents::bundled(), None)),
                Root::Dir(path) => {
                    let content = Contents::read(path, &mut problems);
                    let givens = content.add_shared(&mut catalogue, &base_givens, &mut problems);
                    contents.push((content, givens));
                }
            }
        }
        let mut cases: BTreeMap<Arc<str>, Arc<Case>> = BTreeMap::new();
        for (content, givens) in &contents {
            let world = World {
                catalogue: &catalogue,
                givens: givens.as_ref().unwrap_or(&base_givens),
            };
            for (id, source) in &content.cases {
                if let Some(other) = cases.get(id.as_str()) {
                    let message = format!("there is a case `{id}` already, in {}", other.path);
                    problems.push(Problem::with_file(
                        &source.name,
                        message,
                        "give the file another name, or its folder",
                    ));
                    continue;
                }
                if let Some(case) = load(id, source, world, &mut problems) {
                    cases.insert(case.id.clone(), Arc::new(case));
                }
            }
        }
        let library = Library {
            cases: cases.into_values().collect(),
            catalogue: Arc::new(catalogue),
        };
        (library, Problems(problems))
    }

    /// The cases, in the order of their ids.
    pub fn cases(&self) -> &[Arc<Case>] {
        &self.cases
    }

    /// The case of that id.
    pub fn case(&self, id: &str) -> Option<&Arc<Case>> {
        let at = self.cases.binary_search_by(|case| case.id.as_ref().cmp(id)).ok()?;
        Some(&self.cases[at])
    }

    /// What the cases can cover.
    pub fn requirements(&self) -> &Catalogue {
        &self.catalogue
    }
}

/// The requirements and states that are built in; the requirements are read once.
fn common(problems: &mut Vec<Problem>) -> (&'static Catalogue, Givens) {
    static CATALOGUE: OnceLock<(Catalogue, Vec<Problem>)> = OnceLock::new();
    let (catalogue, found) = CATALOGUE.get_or_init(|| {
        let mut catalogue = Catalogue::default();
        let mut problems = Vec::new();
        let mut files: Vec<Source> = sources_below("requirements/").map(|(_, source)| source).collect();
        files.sort_by_key(|source| rfc_of(&source.name));
        for source in files {
            catalogue.add(&source, &mut problems);
        }
        (catalogue, problems)
    });
    problems.extend(found.iter().cloned());
    let mut givens = Givens::default();
    for (name, source) in sources_below("given/") {
        givens.add(&name, &source, problems);
    }
    givens.check(catalogue, problems);
    (catalogue, givens)
}

/// The bundled files of a folder, by name without `.yaml`.
fn sources_below(folder: &'static str) -> impl Iterator<Item = (String, Source)> {
    BUNDLED.iter().filter_map(move |(path, text)| {
        let name = path.strip_prefix(folder)?.strip_suffix(".yaml")?;
        Some((name.to_string(), bundled_source(path, text)))
    })
}

fn bundled_source(path: &str, text: &str) -> Source {
    Source {
        name: format!("cases/{path}").into(),
        text: text.into(),
    }
}

/// The files of one root, sorted into what they are.
#[derive(Default)]
struct Contents {
    cases: Vec<(String, Source)>,
    requirements: Vec<Source>,
    givens: Vec<(String, Source)>,
}

impl Contents {
    fn bundled() -> Contents {
        let mut contents = Contents::default();
        for (path, text) in BUNDLED {
            if !path.starts_with("requirements/") && !path.starts_with("given/") {
                contents.add(path, bundled_source(path, text));
            }
        }
        contents
    }

    fn read(root: &Path, problems: &mut Vec<Problem>) -> Contents {
        let mut contents = Contents::default();
        let mut walk = Walk {
            root,
            files: Vec::new(),
            open: Vec::new(),
            problems,
        };
        walk.directory(root);
        let mut files = walk.files;
        files.sort();
        if files.is_empty() && problems.is_empty() {
            let help = "a case is a file whose name ends in `.yaml`; see `tcpvet list` for examples";
            problems.push(Problem::with_file(
                &root.display().to_string(),
                "no case below this directory",
                help,
            ));
        }
        for (below, path) in files {
            if let Some(source) = source(&path, problems) {
                contents.add(&below, source);
            }
        }
        contents
    }

    /// Puts a file where it belongs, by its path below the root.
    fn add(&mut self, below: &str, source: Source) {
        let id = below.strip_suffix(".yaml").unwrap_or(below);
        if let Some(state) = id.strip_prefix("given/") {
            self.givens.push((state.to_string(), source));
        } else if id.starts_with("requirements/") {
            self.requirements.push(source);
        } else {
            self.cases.push((id.to_string(), source));
        }
    }

    /// Adds the root's requirements to all, and its states to its own.
    fn add_shared(&self, catalogue: &mut Catalogue, base: &Givens, problems: &mut Vec<Problem>) -> Option<Givens> {
        for source in &self.requirements {
            catalogue.add(source, problems);
        }
        if self.givens.is_empty() {
            return None;
        }
        let mut givens = base.copied();
        for (state, source) in &self.givens {
            givens.add(state, source, problems);
        }
        givens.check(catalogue, problems);
        Some(givens)
    }
}

/// Goes through a directory and all below it.
struct Walk<'a> {
    root: &'a Path,
    /// By path below the root, with `/` between its parts.
    files: Vec<(String, PathBuf)>,
    /// The directories in which we are, as they are really called.
    open: Vec<PathBuf>,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn directory(&mut self, path: &Path) {
        let shown = path.display().to_string();
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) => return self.problems.push(unreadable(&shown, &error)),
        };
        if self.open.contains(&real) || self.open.len() > MAX_DEPTH {
            let help = "take out the symbolic link that leads back up";
            return self
                .problems
                .push(Problem::with_file(&shown, "this directory lies within itself", help));
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.problems.push(unreadable(&shown, &error)),
        };
        self.open.push(real);
        let mut paths: Vec<PathBuf> = Vec::new();
        for entry in entries {
            match entry {
                Ok(entry) => paths.push(entry.path()),
                Err(error) => self.problems.push(unreadable(&shown, &error)),
            }
        }
        paths.sort();
        for path in paths {
            self.entry(path);
        }
        self.open.pop();
    }

    fn entry(&mut self, path: PathBuf) {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            let shown = path.display().to_string();
            self.problems
                .push(Problem::with_file(&shown, "a name that is not UTF-8", "rename it"));
            return;
        };
        if name.starts_with('.') {
            return; // Editors' and version control's own.
        }
        let shown = path.display().to_string();
        let kind = match fs::metadata(&path) {
            Ok(kind) => kind,
            Err(error) => return self.problems.push(unreadable(&shown, &error)),
        };
        if kind.is_dir() {
            return self.directory(&path);
        }
        if name.ends_with(".yml") {
            let help = "call it `.yaml`";
            return self
                .problems
                .push(Problem::with_file(&shown, "a case's name ends in `.yaml`", help));
        }
        if name.ends_with(".yaml") {
            let below = path.strip_prefix(self.root).unwrap_or(&path);
            let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
            self.files.push((parts.join("/"), path.clone()));
        }
    }
}

/// The text of a file, if it is one.
fn source(path: &Path, problems: &mut Vec<Problem>) -> Option<Source> {
    let shown = path.display().to_string();
    let mut octets = Vec::new();
    let read = fs::metadata(path).and_then(|kind| match kind.is_file() {
        true => fs::File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut octets),
        false => Err(std::io::Error::other("not a file")),
    });
    if let Err(error) = read {
        problems.push(unreadable(&shown, &error));
        return None;
    }
    if octets.len() as u64 > MAX_FILE {
        let message = format!("larger than {} KiB", MAX_FILE / 1024);
        problems.push(Problem::with_file(
            &shown,
            message,
            "a case has a few KiB at most: is this one?",
        ));
        return None;
    }
    match String::from_utf8(octets) {
        Ok(text) => Some(Source {
            name: shown.into(),
            text: text.into(),
        }),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = 1 + error.as_bytes()[..at].iter().filter(|octet| **octet == b'\n').count();
            let message = format!("not UTF-8, first at octet {at} in line {line}");
            problems.push(Problem::with_file(&shown, message, "save it as UTF-8"));
            None
        }
    }
}

fn unreadable(shown: &str, error: &std::io::Error) -> Problem {
    use std::io::ErrorKind;
    let (message, help) = match error.kind() {
        ErrorKind::NotFound => (
            "there is no such file or directory",
            "check the path; a symbolic link may lead nowhere",
        ),
        ErrorKind::PermissionDenied => ("it may not be read", "check its permissions and its owner"),
        ErrorKind::NotADirectory => ("this is not a directory", "name the directory that holds the cases"),
        _ if error.to_string().contains("symbolic link") => ("symbolic links lead in a circle", "take one out"),
        _ => return Problem::with_file(shown, format!("it cannot be read: {error}"), "check the path"),
    };
    Problem::with_file(shown, message, help)
}
