//! Scalars as the configuration writes them.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use policy::Period;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::part;

/// An integer and its unit.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    duration_of(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

pub(super) fn optional_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| duration_of(&text)).transpose().map_err(D::Error::custom)
}

fn duration_of(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| format!("`{text}` is not a duration; write an integer and ms, s, m, h or d"))
}

fn parse_duration(text: &str) -> Option<Duration> {
    text.parse().ok().map(|Period(duration)| duration).filter(|duration| *duration <= CENTURY)
}

/// Longer makes no sense, and sums of times could overflow.
const CENTURY: Duration = Duration::from_secs(36_525 * 86_400);

pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    parse_address(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

pub(super) fn optional_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| parse_address(&text)).transpose().map_err(D::Error::custom)
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("`{text}` is not an IP address and port; write for example `127.0.0.1:8081`"))
}

/// A line of the embedded metric format whose dimension CloudWatch does not take is no metric, and nobody is told.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html>
pub(super) fn service_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let is_printable = name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    match is_printable && !name.trim().is_empty() && name.len() <= 255 && !name.starts_with(':') {
        true => Ok(name),
        false => Err(D::Error::custom(format!(
            "`{name}` is no name for metrics; write 1 to 255 printable ASCII characters, the first of them no colon"
        ))),
    }
}

/// What its own `FromStr` reads; the message is its own too.
pub(super) fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

pub(super) fn optional<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse()).transpose().map_err(D::Error::custom)
}

/// A group whose every line was commented out is there, and empty.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A path on this machine.
pub(super) fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    part::local(&String::deserialize(deserializer)?, "a file").map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_an_integer_and_a_unit() {
        for (text, millis) in
            [("0s", 0), ("5ms", 5), ("30s", 30_000), ("2m", 120_000), ("1h", 3_600_000), ("30d", 2_592_000_000)]
        {
            assert_eq!(parse_duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "5 s", "-5s", "+5s", "1.5h", "5S", "5w", "99999999999999999999s", "99999999d", "5sm"]
        {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
