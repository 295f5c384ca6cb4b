use std::fmt;

use policy::{Revision, Timestamp, sortable_time};

/// What AppConfig takes at most.
const LONGEST: usize = 64;

/// The label of a hosted version in AppConfig: `REVISION@TIME`, as `linkward policy push` writes it, with the time of the
/// publication as [`sortable_time`] writes times; any other label is a revision without a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionLabel {
    /// Of the document.
    pub revision: Revision,
    /// When it was published, by the publisher's clock.
    pub published_at: Option<Timestamp>,
}

impl VersionLabel {
    /// Of a label as AppConfig gives it.
    #[must_use]
    pub fn read(label: &str) -> Self {
        let dated = label.rsplit_once('@').filter(|(revision, _)| !revision.is_empty());
        let time = dated.and_then(|(revision, time)| Some((revision, time, time.parse::<Timestamp>().ok()?)));
        // Nothing looser: somebody else's label stays as it is.
        match time.filter(|(_, text, time)| sortable_time(*time) == *text) {
            Some((revision, _, time)) => Self { revision: Revision::from(revision), published_at: Some(time) },
            None => Self { revision: Revision::from(label), published_at: None },
        }
    }

    /// Of a document that is published now; without the time where both are too long for a label.
    #[must_use]
    pub fn of(revision: &Revision, now: Timestamp) -> Self {
        let dated = Self { revision: revision.clone(), published_at: Some(now) };
        match dated.to_string().len() {
            0..=LONGEST => dated,
            _ => Self { published_at: None, ..dated },
        }
    }

    /// Whether AppConfig takes it: at most 64 characters, not digits alone.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let label = self.to_string();
        label.len() <= LONGEST && !label.bytes().all(|byte| byte.is_ascii_digit())
    }
}

impl fmt::Display for VersionLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.revision.as_str())?;
        self.published_at.map_or(Ok(()), |time| write!(f, "@{}", sortable_time(time)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let now = at("2026-11-26T07:31:02.123456789Z");
        let label = VersionLabel::of(&Revision::from("sha256:0123456789abcdef"), now);
        assert_eq!(label.to_string(), "sha256:0123456789abcdef@2026-11-26T07:31:02.123456Z");
        let read = VersionLabel::read(&label.to_string());
        assert_eq!(
            (read.revision.as_str(), read.published_at),
            ("sha256:0123456789abcdef", Some(at("2026-11-26T07:31:02.123456Z")))
        );
        assert_eq!(VersionLabel::read("a@b@2026-11-26T07:31:02.000000Z").revision.as_str(), "a@b");
    }

    #[test]
    fn labels_of_others_have_no_time() {
        for label in [
            "v7",
            "release@home",
            "v7@2026-11-26",
            "v7@2026-11-26T07:31:02Z",
            "v7@2026-11-26T07:31:02.123Z",
            "v7@2026-11-26 07:31:02.000000Z",
            "v7@2026-13-26T07:31:02.000000Z",
            "v7@2026-11-26T07:31:02.000000+00:00",
            "v7@2026-11-26T07:31:02.000000Z ",
            "@2026-11-26T07:31:02.000000Z",
            "2026-11-26T07:31:02.000000Z",
            "@",
        ] {
            let read = VersionLabel::read(label);
            assert_eq!((read.revision.as_str(), read.published_at), (label, None));
        }
    }

    #[test]
    fn a_label_is_what_appconfig_takes() {
        let of = |revision: &str| VersionLabel::of(&Revision::from(revision), at("2026-11-26T07:31:02Z"));
        assert!(of("20261126").is_valid(), "the time makes it more than digits");
        let longest = of(&"r".repeat(36));
        assert_eq!((longest.to_string().len(), longest.published_at.is_some()), (64, true));
        let undated = of(&"r".repeat(37));
        assert_eq!((undated.to_string().len(), undated.published_at), (37, None));
        assert!(of(&"r".repeat(64)).is_valid() && !of(&"r".repeat(65)).is_valid());
        assert!(!of(&"1".repeat(40)).is_valid());
    }
}
