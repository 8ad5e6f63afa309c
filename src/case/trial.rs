//! For tests: reads small cases, and checks what is told of wrong ones and where.

use super::Root;
use super::case_file::{Case, World, load};
use super::library::Library;
use super::problem::Problem;
use super::yaml::Source;
use crate::script::Script;
use std::sync::Arc;

/// A whole case around some steps.
pub(super) fn around(steps: &str) -> String {
    format!("title: T\nwhy: W\ncovers: RFC9293-MUST-1\ngiven: established\nsteps:\n{steps}")
}

/// Reads one case.
pub(super) fn read_case(text: &str) -> (Option<Case>, Vec<Problem>) {
    let mut problems = Vec::new();
    let (catalogue, givens) = super::library::common(&mut problems);
    assert_eq!(problems, []);
    let source = Source {
        name: "cases/topic/name.yaml".into(),
        text: text.into(),
    };
    let world = World {
        catalogue: &catalogue,
        givens: &givens,
    };
    let case = load("topic/name", &source, world, &mut problems);
    (case, problems)
}

/// The scripts of a case in which nothing is wrong.
pub(super) fn scripts(text: &str) -> Vec<Arc<Script>> {
    let (case, problems) = read_case(text);
    assert!(problems.is_empty(), "{}", super::Problems(problems));
    case.map(|case| case.scripts).unwrap_or_default()
}

/// The one script of a case around these steps.
pub(super) fn script(steps: &str) -> Arc<Script> {
    let scripts = scripts(&around(steps));
    assert_eq!(scripts.len(), 1);
    scripts[0].clone()
}

/// The steps of a script, as written.
pub(super) fn texts(script: &Script) -> Vec<&str> {
    script.steps.iter().map(|step| step.text.as_str()).collect()
}

/// Checks that exactly one thing is wrong: what stands between `«` and `»`, if they are there.
pub(super) fn refuses(marked: &str, message: &str, help: &str) {
    let text = marked.replace(['«', '»'], "");
    let (case, problems) = read_case(&text);
    let shown = super::Problems(problems.clone()).to_string();
    assert_eq!(problems.len(), 1, "{shown}");
    assert!(case.is_none());
    let problem = &problems[0];
    assert!(problem.message.contains(message), "{shown}");
    let told = problem.help.as_deref().unwrap_or_default();
    assert!(told.contains(help), "{shown}");
    if let Some(begin) = marked.find('«') {
        let end = marked.find('»').map_or(begin, |end| end - '«'.len_utf8());
        assert_eq!(&text[problem.span.clone()], &text[begin..end], "{shown}");
        assert_eq!(problem.span, begin..end, "{shown}");
        let line_start = text[..begin].rfind('\n').map_or(0, |at| at + 1);
        assert_eq!(problem.line, text[..begin].matches('\n').count() + 1, "{shown}");
        assert_eq!(problem.column, text[line_start..begin].chars().count() + 1, "{shown}");
    }
}

/// As [`refuses`], for steps from ESTABLISHED.
pub(super) fn refuses_steps(steps: &str, message: &str, help: &str) {
    refuses(&around(steps), message, help);
}

/// A library of a directory that is made of these files, and taken away again.
pub(crate) fn library_of(files: &[(&str, &[u8])]) -> Result<Library, Vec<Problem>> {
    let root = Scratch::with(files);
    Library::load(&[Root::Dir(root.path().to_path_buf())]).map_err(|problems| problems.0)
}

/// A directory that is taken away when it is dropped.
pub(super) struct Scratch(std::path::PathBuf);

impl Scratch {
    pub(super) fn with(files: &[(&str, &[u8])]) -> Scratch {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tcpvet-case-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        for (name, octets) in files {
            let file = path.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, octets).unwrap();
        }
        Scratch(path)
    }

    pub(super) fn path(&self) -> &std::path::Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
