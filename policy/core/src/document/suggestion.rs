use crate::edit_distance;

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
fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase()).collect()
}

/// A word cut short is but one slip away.
fn distance(written: &str, word: &str) -> usize {
    let cut_short = written.len() > 2 && written.len() < word.len() && word.starts_with(written);
    if cut_short { 1 } else { edit_distance(written, word) }
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
}
