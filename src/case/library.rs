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

/// How deep directories may be nested. Deeper nesting is taken for a loop of links.
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
    /// The cases that are built in. They are read once, however often this is called.
    pub fn bundled() -> Result<Library, Problems> {
        static BUNDLED: OnceLock<Result<Library, Problems>> = OnceLock::new();
        BUNDLED.get_or_init(|| Library::load(&[Root::Bundled])).clone()
    }

    /// The cases that are built in, and those of a directory.
    pub fn load_dir(path: impl AsRef<Path>) -> Result<Library, Problems> {
        Library::load(&[Root::Bundled, Root::Dir(path.as_ref().to_path_buf())])
    }

    /// The cases of these roots. The requirements and states that are built in are known to all of them; a directory
    /// may add requirements, and may reach states in its own way.
    ///
    /// Everything is read and checked. The error holds all mistakes that were found.
    pub fn load(roots: &[Root]) -> Result<Library, Problems> {
        match Library::examine(roots) {
            (library, problems) if problems.0.is_empty() => Ok(library),
            (_, problems) => Err(problems),
        }
    }

    /// As [`Library::load`], but with the cases in which nothing is wrong as well.
    pub fn examine(roots: &[Root]) -> (Library, Problems) {
        Library::examine_those(roots, &|_| true)
    }

    /// One case alone, as [`Library::load`] would read it; `None` if there is none without mistakes.
    pub fn load_one(roots: &[Root], id: &str) -> Option<Arc<Case>> {
        let (library, _) = Library::examine_those(roots, &|case| case == id);
        library.case(id).cloned()
    }

    fn examine_those(roots: &[Root], wanted: &dyn Fn(&str) -> bool) -> (Library, Problems) {
        let mut problems = Vec::new();
        let (mut catalogue, base_givens) = common(&mut problems);
        let mut contents = Vec::new();
        for root in roots {
            match root {
                Root::Bundled => contents.push((Contents::bundled(), None, true)),
                Root::Dir(path) => {
                    let content = Contents::read(path, &mut problems);
                    let givens = content.add_shared(&mut catalogue, &base_givens, &mut problems);
                    contents.push((content, givens, false));
                }
            }
        }
        let mut cases: BTreeMap<Arc<str>, Arc<Case>> = BTreeMap::new();
        for (content, givens, bundled) in &contents {
            let world = World {
                catalogue: catalogue.as_ref(),
                givens: givens.as_ref().unwrap_or(&base_givens),
            };
            for (id, source) in content.cases.iter().filter(|(id, _)| wanted(id)) {
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
                    problems.extend(catalogue.contradicted(&case.covers, id, *bundled));
                    cases.insert(case.id.clone(), Arc::new(case));
                }
            }
        }
        let library = Library {
            cases: cases.into_values().collect(),
            catalogue,
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
pub(super) fn common(problems: &mut Vec<Problem>) -> (Arc<Catalogue>, Givens) {
    static CATALOGUE: OnceLock<(Arc<Catalogue>, Vec<Problem>)> = OnceLock::new();
    let (catalogue, found) = CATALOGUE.get_or_init(|| {
        let mut catalogue = Catalogue::default();
        let mut problems = Vec::new();
        let mut files: Vec<Source> = sources_below("requirements/").map(|(_, source)| source).collect();
        files.sort_by_key(|source| rfc_of(&source.name));
        for source in files {
            catalogue.add(&source, &mut problems);
        }
        catalogue.close_bundled();
        (Arc::new(catalogue), problems)
    });
    problems.extend(found.iter().cloned());
    let mut givens = Givens::default();
    for (name, source) in sources_below("given/") {
        givens.add(&name, &source, problems);
    }
    givens.check(catalogue, problems);
    (catalogue.clone(), givens)
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

    /// Sorts a file by its path below the root: requirement, state or case.
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
    fn add_shared(&self, catalogue: &mut Arc<Catalogue>, base: &Givens, problems: &mut Vec<Problem>) -> Option<Givens> {
        for source in &self.requirements {
            Arc::make_mut(catalogue).add(source, problems);
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
    /// The directories between the root and this one by their canonical paths, to notice a loop.
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

#[cfg(test)]
mod tests {
    use super::super::Problems;
    use super::super::trial::{Scratch, around, library_of};
    use super::*;
    use crate::rfc::{Condition, Level};
    use std::collections::BTreeSet;
    use std::time::Instant;

    fn case() -> String {
        around("  - expect: ACK\n")
    }

    /// The requirements that are built in.
    fn catalogue() -> Arc<Catalogue> {
        let mut problems = Vec::new();
        let (catalogue, _) = common(&mut problems);
        assert_eq!(problems, []);
        catalogue
    }

    fn told(files: &[(&str, &[u8])]) -> Problem {
        let problems = library_of(files).err().unwrap_or_default();
        assert_eq!(problems.len(), 1, "{}", Problems(problems));
        problems[0].clone()
    }

    #[test]
    fn nothing_is_wrong_with_the_bundled_library() {
        match Library::bundled() {
            Ok(library) => assert_eq!(library.requirements().len(), 943),
            Err(problems) => panic!("{problems}"),
        }
    }

    #[test]
    fn a_transition_that_is_not_made_breaks_a_must_of_everybody() {
        let library = Library::bundled().unwrap_or_else(|problems| panic!("{problems}"));
        let scripts = library.cases().iter().flat_map(|case| &case.scripts);
        let steps = scripts.flat_map(|script| &script.given).flat_map(|given| &given.steps);
        for step in steps {
            let asks_all = |it: &Arc<crate::rfc::Requirement>| it.level == Level::Must && it.when.is_none();
            let bound = !step.covers.is_empty() && step.covers.iter().all(asks_all);
            assert!(bound, "{}:{}", step.position.file, step.position.line);
        }
    }

    #[test]
    fn the_catalogue_is_whole_and_in_order() {
        let catalogue = catalogue();
        let rfcs: Vec<_> = catalogue.iter().filter_map(|entry| entry.rfc).collect();
        assert!(rfcs.is_sorted());
        let ids: BTreeSet<_> = catalogue.iter().map(|entry| &entry.requirement.id).collect();
        assert_eq!(ids.len(), catalogue.len());
        assert!(
            catalogue
                .iter()
                .all(|entry| !entry.section.is_empty() && !entry.how.is_empty())
        );
    }

    #[test]
    fn what_rfc_5961_asks_is_a_must_for_those_who_claim_it() {
        let catalogue = catalogue();
        for entry in catalogue.iter() {
            let id = &entry.requirement.id;
            let edge = id.starts_with("RFC9293-SEG-") && (id.ends_with("-RST-INWIN") || id.ends_with("-SYN-INWIN"));
            if edge && entry.section == "3.10.7.4" && !id.contains("SYNRCVD-SYN") {
                assert_eq!(entry.requirement.when, Some(Condition::Rfc5961), "{id}");
                assert_eq!(entry.requirement.level, Level::Must, "{id}");
            }
            if entry.rfc == Some(5961) {
                assert_eq!(entry.requirement.when, Some(Condition::Rfc5961), "{id}");
            }
        }
    }

    #[test]
    fn every_state_can_be_begun_from() {
        let library = library_of(&[("a.yaml", case().as_bytes())]).unwrap();
        assert_eq!(library.cases().len(), 1);
        let mut problems = Vec::new();
        let (catalogue, givens) = common(&mut problems);
        for state in crate::rfc::State::ALL {
            let request = super::super::given::Request {
                state,
                role: None,
                via: None,
                parameters: super::super::given::Parameters::default(),
            };
            assert!(givens.spell_out(&request, &catalogue).is_ok(), "{state}");
        }
    }

    #[test]
    fn a_case_is_called_by_its_path_below_the_root() {
        let case = case();
        let files: [(&str, &[u8]); 4] = [
            ("b/two.yaml", case.as_bytes()),
            ("a/deep/one.yaml", case.as_bytes()),
            ("top.yaml", case.as_bytes()),
            ("notes.txt", b"not a case"),
        ];
        let library = library_of(&files).unwrap();
        let ids: Vec<_> = library.cases().iter().map(|case| &*case.id).collect();
        assert_eq!(ids, ["a/deep/one", "b/two", "top"]);
        assert!(library.case("b/two").is_some() && library.case("b/three").is_none());
        assert!(library.cases()[0].path.ends_with("a/deep/one.yaml"));
    }

    #[test]
    fn a_directory_brings_its_own_requirements_and_ways() {
        let own = "requirements:\n- id: LOCAL-1\n  section: \"1\"\n  level: SHOULD\n  side: both\n  topic: x\n  summary: s\n  observable: wire\n  how: h\n";
        let case = case()
            .replace("RFC9293-MUST-1", "LOCAL-1")
            .replace("established", "listen");
        let listen =
            "title: with a backlog\nsteps:\n  - call: listen backlog=7\n    covers: RFC9293-CALL-OPEN-CLOSED-PASSIVE\n";
        let files: [(&str, &[u8]); 3] = [
            ("one.yaml", case.as_bytes()),
            ("requirements/local.yaml", own.as_bytes()),
            ("given/listen.yaml", listen.as_bytes()),
        ];
        let library = library_of(&files).unwrap();
        let script = &library.cases()[0].scripts[0];
        assert_eq!(script.covers[0].level, Level::Should);
        assert_eq!(script.given[0].steps[0].text, "call: listen backlog=7");
        assert_eq!(library.requirements().len(), 944);
    }

    #[test]
    fn problems_of_all_files_are_told_at_once() {
        let wrong = case().replace("ACK", "AKC");
        let files: [(&str, &[u8]); 3] = [
            ("a.yaml", wrong.as_bytes()),
            ("b.yaml", case().leak().as_bytes()),
            ("c.yaml", wrong.as_bytes()),
        ];
        let scratch = Scratch::with(&files);
        let (library, problems) = Library::examine(&[Root::Dir(scratch.path().to_path_buf())]);
        assert_eq!(library.cases().len(), 1);
        assert_eq!(problems.0.len(), 2);
    }

    #[test]
    fn a_directory_that_is_not_there_is_told() {
        let error = Library::load_dir("/nowhere/at/all").unwrap_err();
        assert_eq!(error.0[0].message, "there is no such file or directory");
        assert_eq!(&*error.0[0].file, "/nowhere/at/all");
        assert!(error.to_string().contains("check the path"));
        let scratch = Scratch::with(&[("a.yaml", b"x")]);
        let error = Library::load_dir(scratch.path().join("a.yaml")).unwrap_err();
        assert_eq!(error.0[0].message, "this is not a directory");
    }

    #[test]
    fn a_directory_without_a_case_is_told() {
        assert_eq!(told(&[]).message, "no case below this directory");
        assert_eq!(told(&[("a.yml", b"")]).message, "a case's name ends in `.yaml`");
    }

    #[test]
    fn a_file_that_is_no_text_or_too_long_is_told() {
        let problem = told(&[("a.yaml", b"title: \n \xff\xfe")]);
        assert_eq!(problem.message, "not UTF-8, first at octet 9 in line 2");
        let began = Instant::now();
        let problem = told(&[("a.yaml", &vec![b'a'; 10 << 20])]);
        assert_eq!(problem.message, "larger than 1024 KiB");
        assert!(began.elapsed().as_secs() < 2);
    }

    #[test]
    fn the_same_id_in_two_roots_is_told() {
        let case = case();
        let files: [(&str, &[u8]); 1] = [("a.yaml", case.as_bytes())];
        let (one, two) = (Scratch::with(&files), Scratch::with(&files));
        let roots = [Root::Dir(one.path().to_path_buf()), Root::Dir(two.path().to_path_buf())];
        let error = Library::load(&roots).unwrap_err();
        assert!(error.0[0].message.starts_with("there is a case `a` already"), "{error}");
    }

    #[test]
    fn a_requirement_that_nothing_covers_may_not_be_covered() {
        let own = "requirements:\n- id: LOCAL-1\n  section: \"1\"\n  level: MAY\n  side: both\n  topic: x\n  summary: s\n  \
                   observable: wire\n  how: h\n  uncovered: it cannot be seen\n";
        let case = case().replace("RFC9293-MUST-1", "LOCAL-1");
        let problem = told(&[
            ("one.yaml", case.as_bytes()),
            ("requirements/local.yaml", own.as_bytes()),
        ]);
        assert!(problem.file.ends_with("requirements/local.yaml"), "{problem}");
        assert_eq!((problem.line, problem.column), (9, 3), "{problem}");
        assert!(problem.message.ends_with("but `one` covers it"), "{problem}");
    }

    #[cfg(unix)]
    #[test]
    fn links_that_lead_in_a_circle_are_told() {
        let case = case();
        let scratch = Scratch::with(&[("a/one.yaml", case.as_bytes())]);
        std::os::unix::fs::symlink(scratch.path(), scratch.path().join("a/up")).unwrap();
        std::os::unix::fs::symlink("self.yaml", scratch.path().join("self.yaml")).unwrap();
        std::os::unix::fs::symlink("nothing", scratch.path().join("gone.yaml")).unwrap();
        let error = Library::load(&[Root::Dir(scratch.path().to_path_buf())]).unwrap_err();
        let messages: BTreeSet<_> = error.0.iter().map(|problem| problem.message.as_str()).collect();
        let expected = BTreeSet::from([
            "this directory lies within itself",
            "there is no such file or directory",
            "symbolic links lead in a circle",
        ]);
        assert_eq!(messages, expected, "{error}");
    }

    /// What serde_yaml makes of a file, numbers respelled as it does, against our own tree.
    #[test]
    fn every_bundled_file_reads_the_same_elsewhere() {
        for (path, text) in BUNDLED {
            if path.starts_with("requirements/") {
                continue; // Read by serde_yaml alone.
            }
            super::super::yaml::reads_alike(&bundled_source(path, text));
        }
    }
}
