//! Suggests the name that was probably meant where an unknown one is written: one policy for cases, notation, runners,
//! selections and the command line.

/// The most names that are suggested.
const MOST: usize = 3;

/// Those of `names` that are nearest to `word`, three at most; none where none is near.
///
/// A name is near if it can be made of the word by as many edits as a third of the word's letters, at least one and at
/// most three: a letter put in, left out or changed, or two neighbours exchanged (optimal string alignment). If no name
/// is, those are near that contain the word, if it has three letters or more. Upper and lower case are the same. Of a
/// name with slashes the last part is compared too, which is what people remember.
pub fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let letters = word.chars().count();
    // Every letter is one edit away from every other, and a long word is no slip but something else.
    if !(2..=64).contains(&letters) {
        return Vec::new();
    }
    let allowed = (letters / 3).clamp(1, 3);
    let word = word.trim_end_matches('/').to_lowercase();
    let mut ranked: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let lower = lower.trim_end_matches('/');
            let last = lower.rsplit('/').next().unwrap_or(lower);
            let distance = strsim::osa_distance(&word, lower).min(strsim::osa_distance(&word, last));
            let holds = letters >= 3 && lower.contains(&word);
            match distance <= allowed {
                true => Some((distance, name)),
                false => holds.then_some((allowed + 1, name)),
            }
        })
        .collect();
    ranked.sort();
    ranked.dedup();
    let least = ranked.first().map(|(distance, _)| *distance);
    let nearest = ranked.into_iter().take_while(|(distance, _)| Some(*distance) == least);
    nearest.take(MOST).map(|(_, name)| name).collect()
}

/// Asks whether the names were meant that [`nearest`] found: ``did you mean `a`, `b` or `c`?`` `None` if there are
/// none.
pub fn suggestion<S: AsRef<str>>(near: &[S]) -> Option<String> {
    let quoted: Vec<String> = near.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    let (last, before) = quoted.split_last()?;
    match before {
        [] => Some(format!("did you mean {last}?")),
        before => Some(format!("did you mean {} or {last}?", before.join(", "))),
    }
}

/// Asks whether one of `names` was meant by `word`; `None` if none is near.
pub fn did_you_mean<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<String> {
    suggestion(&nearest(word, names))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_and_another_word_does_not() {
        for (word, names, meant) in [
            ("tilte", &["title", "why"][..], &["title"][..]),
            ("SYM", &["ACK", "SYN"], &["SYN"]),
            ("syn", &["SYN"], &["SYN"]),
            ("agian", &["again"], &["again"]),
            ("chekcsum", &["seq", "checksum"], &["checksum"]),
            ("RFC5961-3.2-33", &["RFC5961-3.2-3"], &["RFC5961-3.2-3"]),
            ("reset/flod", &["reset/flood", "close/simple"], &["reset/flood"]),
            (
                "acceptence",
                &["reset/acceptance", "reset/flood"],
                &["reset/acceptance"],
            ),
            ("rest", &["reset/"], &["reset/"]),
            ("rest/", &["reset/"], &["reset/"]),
            ("accept", &["reset/flood", "reset/acceptance"], &["reset/acceptance"]),
            ("wiat", &["fin-wait-1", "wait"], &["wait"]),
            ("wait", &["close-wait", "open"], &["close-wait"]),
            ("rset", &["reset", "set"], &["reset", "set"]),
            ("sausage", &["title", "why"], &[]),
            ("XY", &["up"], &[]),
            ("a", &["b"], &[]),
            ("", &["a"], &[]),
        ] {
            assert_eq!(nearest(word, names.iter().copied()), meant, "{word}");
        }
        assert!(nearest(&"x".repeat(1 << 16), ["up"]).is_empty());
    }

    #[test]
    fn no_more_than_three_are_named_and_none_twice() {
        let names = ["fin-wait-2", "fin-wait-1", "fin-wait-1", "fin-wait-4", "fin-wait-5"];
        assert_eq!(nearest("fin-wait-3", names), ["fin-wait-1", "fin-wait-2", "fin-wait-4"]);
    }

    #[test]
    fn the_question_lists_what_was_found() {
        assert_eq!(suggestion::<&str>(&[]), None);
        assert_eq!(suggestion(&["a"]).as_deref(), Some("did you mean `a`?"));
        assert_eq!(
            suggestion(&["a", "b", "c"]).as_deref(),
            Some("did you mean `a`, `b` or `c`?")
        );
    }
}
