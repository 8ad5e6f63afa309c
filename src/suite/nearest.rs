//! What somebody who mistyped a name may have meant.

/// At most three of `names` that are near to `word`, the nearest first.
///
/// Near is what differs in at most a third of its letters, or holds the word. A name that holds slashes is also
/// compared by its last part, which is what people remember.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let letters = word.chars().count();
    // Two letters that changed places are two edits.
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

/// How many letters must be inserted, removed or replaced to make one of the other.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    // The row is never empty: it has one place more than `b` has letters.
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted_both_ways() {
        assert_eq!(edits("reset", "reset"), 0);
        assert_eq!(edits("rset", "reset"), 1);
        assert_eq!(edits("reset", "rset"), 1);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("kitten", "sitting"), 3);
    }

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
