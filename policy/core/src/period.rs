use std::str::FromStr;
use std::time::Duration;

/// A duration as configurations write it: an integer and `ms`, `s`, `m`, `h` or `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period(pub Duration);

/// Why a text is no duration.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// The number, or its unit, is missing or something else.
    #[error("not an integer and `ms`, `s`, `m`, `h` or `d`")]
    Form,
    /// More than can be counted.
    #[error("too long")]
    TooLong,
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).ok_or(PeriodError::Form)?);
        let millis: u64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(PeriodError::Form),
        };
        if number.is_empty() {
            return Err(PeriodError::Form);
        }
        let number: u64 = number.parse().map_err(|_| PeriodError::TooLong)?;
        number.checked_mul(millis).map(|millis| Self(Duration::from_millis(millis))).ok_or(PeriodError::TooLong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_and_a_unit() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("15m", 900), ("2h", 7_200), ("30d", 2_592_000)] {
            assert_eq!(text.parse(), Ok(Period(Duration::from_secs(seconds))), "{text}");
        }
        assert_eq!("250ms".parse(), Ok(Period(Duration::from_millis(250))));
    }

    #[test]
    fn and_nothing_else() {
        for text in ["", "15", "m", "15 m", "15min", "-1s", "1.5h", "15M"] {
            assert_eq!(text.parse::<Period>(), Err(PeriodError::Form), "{text}");
        }
        for text in ["99999999999999999999s", "999999999999999999d"] {
            assert_eq!(text.parse::<Period>(), Err(PeriodError::TooLong), "{text}");
        }
    }
}
