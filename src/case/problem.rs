//! What is wrong with a case, told so that its author can put it right: where, what, and the remedy.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// One mistake in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file or directory, as shown to a person.
    pub file: Arc<str>,
    /// Where in the file, in octets; empty if the whole file is meant.
    pub span: Range<usize>,
    /// Line, from 1; 0 if the whole file is meant.
    pub line: usize,
    /// Column in characters, from 1; 0 if the whole file is meant.
    pub column: usize,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The row of the matrix in which it goes wrong, and the text there.
    pub note: Option<String>,
    /// The line as it stands in the file.
    pub excerpt: Option<String>,
}

impl Problem {
    /// A problem with a file or directory as a whole.
    pub fn with_file(file: &str, message: impl Into<String>, help: impl Into<String>) -> Problem {
        Problem {
            file: file.into(),
            span: 0..0,
            line: 0,
            column: 0,
            message: message.into(),
            help: Some(help.into()),
            note: None,
            excerpt: None,
        }
    }

    /// How many characters of the excerpt are meant; never more than are left of the line.
    fn caret_run(&self, line: &str) -> usize {
        let left = line.chars().skip(self.column.saturating_sub(1)).collect::<String>();
        let mut end = self.span.len().min(left.len());
        while !left.is_char_boundary(end) {
            end += 1;
        }
        left[..end].chars().count().max(1)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        let help = self.help.as_deref().unwrap_or_default();
        let Some(line) = &self.excerpt else {
            writeln!(f, "  {}", self.file)?;
            if !help.is_empty() {
                writeln!(f, "  = {help}")?;
            }
            return Ok(());
        };
        writeln!(f, "  {}:{}:{}", self.file, self.line, self.column)?;
        let number = self.line.to_string();
        writeln!(f, "  {number} | {}", shown(line))?;
        let gutter = " ".repeat(number.len());
        let before = shown(line)
            .chars()
            .take(self.column.saturating_sub(1))
            .map(|_| ' ')
            .collect::<String>();
        let carets = "^".repeat(self.caret_run(line));
        writeln!(f, "{}", format!("  {gutter} | {before}{carets} {help}").trim_end())?;
        match &self.note {
            Some(note) => writeln!(f, "  {gutter} = {note}"),
            None => Ok(()),
        }
    }
}

/// A line of any file, made fit for a terminal: control characters do not reach it, and it keeps its length.
fn shown(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// All mistakes in a library. As an error it holds at least one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.0.iter().enumerate() {
            if place > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> Problem {
        Problem {
            file: "cases/reset/in-window-challenge-ack.yaml".into(),
            span: 20..23,
            line: 9,
            column: 13,
            message: "unknown flag `SYM`".into(),
            help: Some("did you mean `SYN`?".into()),
            note: None,
            excerpt: Some("  - inject: SYM seq=RCV.NXT+1".into()),
        }
    }

    #[test]
    fn a_problem_shows_its_line_its_place_and_the_remedy() {
        let expected = concat!(
            "error: unknown flag `SYM`\n",
            "  cases/reset/in-window-challenge-ack.yaml:9:13\n",
            "  9 |   - inject: SYM seq=RCV.NXT+1\n",
            "    |             ^^^ did you mean `SYN`?\n",
        );
        assert_eq!(problem().to_string(), expected);
    }

    #[test]
    fn a_problem_of_a_row_names_the_row() {
        let noted = Problem {
            note: Some("in row `a`".into()),
            help: None,
            ..problem()
        };
        assert!(noted.to_string().ends_with("^^^\n    = in row `a`\n"), "{noted}");
    }

    #[test]
    fn a_problem_with_a_file_has_no_line() {
        let problem = Problem::with_file("nowhere", "no such directory", "check the path");
        assert_eq!(
            problem.to_string(),
            "error: no such directory\n  nowhere\n  = check the path\n"
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let mut hostile = problem();
        hostile.excerpt = Some("a\u{1b}[2Jb".into());
        assert!(!hostile.to_string().contains('\u{1b}'));
    }

    #[test]
    fn carets_count_characters_and_stay_within_the_line() {
        let mut wide = problem();
        wide.excerpt = Some("ä: öß".into());
        wide.column = 4;
        wide.span = 4..99;
        assert!(wide.to_string().contains("|    ^^ did"), "{wide}");
    }
}
