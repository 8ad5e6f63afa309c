//! Words without a command before them: selections, unless a command was meant.

use super::arguments::{Arguments, RunSelection};
use super::{MISTAKE, library, output};
use clap::CommandFactory;
use tcpvet::notation::{nearest, suggestion};
use tcpvet::suite::Selection;

fn commands() -> Vec<String> {
    let command = Arguments::command();
    command.get_subcommands().map(|it| it.get_name().to_owned()).collect()
}

/// Whether the word is a command as it stands.
pub(super) fn is_command(word: &str) -> bool {
    word == "help" || commands().iter().any(|known| known == word)
}

/// The commands that may be meant by a word: those that begin so, and else those that are spelt nearly so.
pub(super) fn commands_like(word: &str) -> Vec<String> {
    let is_word = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic() || c == '-');
    if !is_word || word.starts_with('-') {
        return Vec::new();
    }
    let known = commands();
    let begun: Vec<String> = known.iter().filter(|name| name.starts_with(word)).cloned().collect();
    match begun.is_empty() {
        true => nearest(word, known.iter().map(String::as_str))
            .into_iter()
            .map(str::to_owned)
            .collect(),
        false => begun,
    }
}

/// Asks whether one of these commands was meant.
pub(super) fn meant(commands: &[String]) -> String {
    let whole: Vec<String> = commands.iter().map(|name| format!("tcpvet {name}")).collect();
    suggestion(&whole).unwrap_or_default()
}

/// Refuses a first word that looks like a mistyped command, unless it names something of the library as a whole. An exit
/// code where it did; the error has been printed.
pub(super) fn refuse(choice: &RunSelection) -> Option<u8> {
    let word = choice.selection.first()?;
    let commands = commands_like(word);
    if commands.is_empty() {
        return None;
    }
    let selection = Selection::parse(&[word]);
    let runs = match library::read(&choice.cases, &Selection::parse(&choice.selection)) {
        Ok(all) => all.library,
        Err(code) => return Some(code),
    };
    let as_selection = match selection.pick(&runs, &runs) {
        Err(errors) => errors.first()?.to_string(),
        Ok(_) if selection.prefixes(&runs).is_empty() => return None,
        Ok(picked) => format!(
            "as a selection it is how the names of {} runs begin: `tcpvet run {word}` makes them",
            picked.len()
        ),
    };
    output::error(&format!("`{word}` is no command; {}\n{as_selection}", meant(&commands)));
    Some(MISTAKE)
}
