//! What somebody who mistyped a name may have meant.

use crate::notation::edits;

/// At most three of `names` that are near to `word`, the nearest first.
///
/// Near is what differs in at most a third of its letters, or holds the word. A name that holds slashes is also
/// compared by its last part, which is what people remember.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let letters = word.chars().count();
    let allowed = (letters / 3).max(if letters > 3 { 2 } else { 1 });
    let mut ranked: Vec<(usize, &str)> = names
        .into_iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let lower = lower.trim_end_matches('/');
            let last = lower.rsplit('/').next().unwrap_or(lower);
            let distance = edits(&word, lower).min(edits(&word, last));
            // Three letters must be there before "holds the word" tells anything.
            let held = word.len() >= 3 && lower.contains(&word);
            (distance <= allowed || held).then_some((if held { 0 } else { distance }, name))
        })
        .collect();
    ranked.sort();
    ranked.dedup();
    ranked.into_iter().take(3).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name_and_nonsense_finds_nothing() {
        let names = ["reset/acceptance", "reset/flood", "close/simple"];
        assert_eq!(nearest("acceptence", names), ["reset/acceptance"]);
        assert_eq!(nearest("reset/flod", names), ["reset/flood"]);
        assert_eq!(nearest("rest", ["reset/"]), ["reset/"]);
        assert_eq!(nearest("accept", names), ["reset/acceptance"]);
        assert!(nearest("zzzzzz", names).is_empty());
    }
}
