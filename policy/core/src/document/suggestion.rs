/// The word that was probably meant: the nearest, if it is near.
pub(super) fn nearest<'w>(written: &str, words: impl Iterator<Item = &'w str>) -> Option<&'w str> {
    // A longer one is no slip of the finger, and measuring it would cost its length times that of every word.
    if written.len() > 64 {
        return None;
    }
    let written = letters(written);
    let (distance, word) = words.map(|word| (distance(&written, &letters(word)), word)).min()?;
    (distance <= word.len() / 3 + 1).then_some(word)
}

/// Case and separators are the commonest slips of all.
fn letters(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}

/// How many characters to insert, delete or replace (Levenshtein); a word cut short is but one slip away.
fn distance(written: &[char], word: &[char]) -> usize {
    if written.len() > 2 && written.len() < word.len() && word.starts_with(written) {
        return 1;
    }
    let mut row: Vec<usize> = (0..=word.len()).collect();
    for (above, left) in written.iter().enumerate() {
        let mut before = above + 1;
        let mut next = vec![before];
        for ([diagonal, up], right) in row.array_windows().zip(word) {
            before = (diagonal + usize::from(left != right)).min(up + 1).min(before + 1);
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let words = ["identity", "accounts", "validUntil", "permit", "forbid"];
        for (written, expected) in [
            ("identiy", Some("identity")),
            ("account", Some("accounts")),
            ("valid_until", Some("validUntil")),
            ("Permit", Some("permit")),
            ("permits", Some("permit")),
            ("forbidden", Some("forbid")),
            ("valid", Some("validUntil")),
            ("rules", None),
            ("", None),
        ] {
            assert_eq!(nearest(written, words.into_iter()), expected, "{written}");
        }
        assert_eq!(nearest("identity", std::iter::empty()), None);
        assert_eq!(nearest(&"identity".repeat(100), words.into_iter()), None);
    }

    #[test]
    fn the_distance_counts_edits() {
        for (left, right, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "", 3),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("abc", "abcdef", 1),
        ] {
            assert_eq!(distance(&letters(left), &letters(right)), expected, "{left} {right}");
        }
    }
}
