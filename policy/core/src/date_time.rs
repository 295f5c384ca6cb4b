use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::text::text;

/// A time in a document: RFC 3339, with seconds and an offset.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DateTime(pub(crate) Timestamp);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time by RFC 3339, such as `2027-03-31T00:00:00Z`")]
pub(crate) struct DateTimeError(String);

impl FromStr for DateTime {
    type Err = DateTimeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let timestamp = if is_rfc3339(text) { text.parse().ok() } else { None };
        timestamp.map(Self).ok_or_else(|| DateTimeError(text.to_owned()))
    }
}

/// The shape only. jiff reads more than RFC 3339: dates without seconds, other separators, names of time zones.
fn is_rfc3339(text: &str) -> bool {
    let Some((date_time, rest)) = text.split_at_checked(19) else { return false };
    let fraction_and_offset = rest.strip_prefix('.').map_or(Some(rest), |fraction| {
        let offset = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
        (offset.len() < fraction.len()).then_some(offset)
    });
    let fits = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(b, s)| if s == b'0' { b.is_ascii_digit() } else { b == s })
    };
    fits(date_time, "0000-00-00T00:00:00")
        && fraction_and_offset.is_some_and(|offset| offset == "Z" || fits(offset, "+00:00") || fits(offset, "-00:00"))
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A time as tables hold it: RFC 3339, UTC, six digits of the second, so that texts sort as the times do.
#[must_use]
pub fn sortable_time(time: Timestamp) -> String {
    format!("{time:.6}")
}

text!(
    DateTime,
    "a time by RFC 3339, such as `2027-03-31T00:00:00Z`",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_sort_as_the_times_do() {
        let times =
            ["2027-03-31T09:59:59.9999999Z", "2027-03-31T10:00:00Z", "2027-03-31T10:00:00.1Z", "2027-03-31T10:00:01Z"];
        let texts = times.map(|time| sortable_time(time.parse().unwrap()));
        assert_eq!(texts[1], "2027-03-31T10:00:00.000000Z");
        assert!(texts.is_sorted(), "{texts:?}");
    }

    #[test]
    fn rfc_3339_and_nothing_looser() {
        for (good, utc) in [
            ("2027-03-31T00:00:00Z", "2027-03-31T00:00:00Z"),
            ("2027-03-31T02:00:00+02:00", "2027-03-31T00:00:00Z"),
            ("2027-03-30T19:00:00.25-05:00", "2027-03-31T00:00:00.25Z"),
        ] {
            assert_eq!(good.parse::<DateTime>().unwrap().to_string(), utc);
        }
        for bad in [
            "",
            "2027-03-31",
            "2027-03-31T00:00:00",
            "2027-03-31T00:00Z",
            "2027-03-31 00:00:00Z",
            "2027-03-31T00:00:00.Z",
            "2027-03-31T00:00:00+02",
            "2027-03-31T00:00:00+0200",
            "2027-03-31T00:00:00Z[Europe/Berlin]",
            "2027-02-30T00:00:00Z",
            "2027-03-31T25:00:00Z",
            "+002027-03-31T00:00:00Z",
            "ＺＺＺＺＺＺＺＺＺ",
        ] {
            assert!(bad.parse::<DateTime>().is_err(), "{bad}");
        }
    }
}
