/// How many characters to insert, delete or replace to make one of the other (Levenshtein). How far a slip of the finger may
/// go is the caller's matter. Takes as many steps as the product of both lengths: measure no long text.
#[must_use]
pub fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, letter) in left.chars().enumerate() {
        let mut before = above + 1;
        let mut next = vec![before];
        for ([diagonal, up], other) in row.array_windows().zip(&right) {
            before = (diagonal + usize::from(letter != *other)).min(up + 1).min(before + 1);
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
    fn edits_are_counted_both_ways() {
        for (left, right, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("", "abc", 3),
            ("abc", "ab", 1),
            ("abc", "acb", 2),
            ("kitten", "sitting", 3),
            ("refersh", "refresh", 2),
            ("naïve", "naive", 1),
        ] {
            assert_eq!(edit_distance(left, right), expected, "{left} {right}");
            assert_eq!(edit_distance(right, left), expected, "{right} {left}");
        }
    }
}
