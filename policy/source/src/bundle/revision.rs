//! Which of two revisions is the later one, where their own words say so.

use std::cmp::Ordering;

use policy::Timestamp;
use semver::Version;

/// How `new` compares to `old`: both are times (RFC 3339), or versions (semver, a `v` in front or not), or the same text
/// but for its numbers, such as `build-9` and `build-10`. Otherwise, as with hashes, they say nothing.
pub(super) fn compare(new: &str, old: &str) -> Option<Ordering> {
    if new == old {
        return Some(Ordering::Equal);
    }
    times(new, old).or_else(|| versions(new, old)).or_else(|| numbered(new, old))
}

fn times(new: &str, old: &str) -> Option<Ordering> {
    Some(new.parse::<Timestamp>().ok()?.cmp(&old.parse().ok()?))
}

fn versions(new: &str, old: &str) -> Option<Ordering> {
    let version = |text: &str| Version::parse(text.strip_prefix('v').unwrap_or(text)).ok();
    Some(version(new)?.cmp_precedence(&version(old)?))
}

fn numbered(new: &str, old: &str) -> Option<Ordering> {
    let (mut new, mut old) = (Runs(new), Runs(old));
    let mut order = Ordering::Equal;
    loop {
        match (new.next(), old.next()) {
            (None, None) => return Some(order),
            (Some(Run::Number(new)), Some(Run::Number(old))) => {
                let significant = |digits: &str| digits.trim_start_matches('0').len();
                let here = significant(new).cmp(&significant(old));
                let digits = |text: &str| text.trim_start_matches('0').to_owned();
                order = order.then(here.then_with(|| digits(new).cmp(&digits(old))));
            }
            (Some(Run::Text(new)), Some(Run::Text(old))) if new == old => {}
            _ => return None,
        }
    }
}

/// A text as its runs of digits and of other characters.
struct Runs<'t>(&'t str);

enum Run<'t> {
    Number(&'t str),
    Text(&'t str),
}

impl<'t> Iterator for Runs<'t> {
    type Item = Run<'t>;

    fn next(&mut self) -> Option<Run<'t>> {
        let is_number = self.0.chars().next()?.is_ascii_digit();
        let end = self.0.find(|character: char| character.is_ascii_digit() != is_number).unwrap_or(self.0.len());
        let (run, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(if is_number { Run::Number(run) } else { Run::Text(run) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_versions_and_numbers_have_an_order() {
        for (earlier, later) in [
            ("9", "10"),
            ("009", "10"),
            ("build-9", "build-10"),
            ("v1.2.9", "v1.2.10"),
            ("1.2.0-rc.1", "1.2.0"),
            ("v1.2.0-rc.2", "1.2.0-rc.10"),
            ("2026-11-26T00:59:59Z", "2026-11-26T01:00:00.5Z"),
            ("2026-11-26T03:00:00+02:00", "2026-11-26T02:00:00+00:30"),
            ("2026-11-26", "2026-12-01"),
            ("prod/2026.9/3", "prod/2026.10/1"),
            ("99999999999999999999999", "100000000000000000000000"),
        ] {
            assert_eq!(compare(later, earlier), Some(Ordering::Greater), "{earlier} {later}");
            assert_eq!(compare(earlier, later), Some(Ordering::Less), "{earlier} {later}");
            assert_eq!(compare(later, later), Some(Ordering::Equal));
        }
    }

    #[test]
    fn other_words_have_none() {
        for (one, other) in [
            ("prod-1", "test-2"),
            ("1", "one"),
            ("1.2", "1.2.3"),
            ("", "1"),
            ("d1f0a2", "a7"),
            ("9fceb02d0ae598e95dc970b74767f19372d61af8", "0b5a0a9e1c0c6d6c2cf0d3a0f2c6e3d9a6c1b2d4"),
        ] {
            assert_eq!(compare(one, other), None, "{one} {other}");
            assert_eq!(compare(other, one), None, "{one} {other}");
        }
    }
}
