use std::borrow::Cow;

/// A value that is neither list nor map, as written.
#[derive(Debug, Clone)]
pub(super) struct Scalar<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) is_quoted: bool,
}

/// What a scalar means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning<'s> {
    Text(&'s str),
    Integer(u64),
    Boolean(bool),
    Null,
    /// Text to some YAML readers and something else to others; the word says what.
    Ambiguous(&'static str),
}

impl Scalar<'_> {
    /// Without quotes only what every YAML reader takes for text is text. YAML 1.1, which many readers still follow,
    /// takes `no` for false, `0123` for octal, `12e3` for twelve thousand and `10:20` for 620.
    pub(super) fn meaning(&self) -> Meaning<'_> {
        let text = self.text.as_ref();
        if self.is_quoted {
            return Meaning::Text(text);
        }
        match text {
            "true" => return Meaning::Boolean(true),
            "false" => return Meaning::Boolean(false),
            "" | "~" | "null" => return Meaning::Null,
            _ => {}
        }
        match text.to_ascii_lowercase().as_str() {
            "null" => Meaning::Ambiguous("null"),
            "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n" => Meaning::Ambiguous("true or false"),
            _ if is_plain_integer(text) => text.parse().map_or(Meaning::Ambiguous("a number"), Meaning::Integer),
            lower if is_numeric(lower) => Meaning::Ambiguous("a number"),
            _ => Meaning::Text(text),
        }
    }
}

fn is_plain_integer(text: &str) -> bool {
    text == "0" || (!text.starts_with('0') && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether any YAML reader might take it for a number.
fn is_numeric(lower: &str) -> bool {
    let unsigned = lower.strip_prefix(['+', '-']).unwrap_or(lower);
    if matches!(unsigned, ".inf" | ".nan") {
        return true;
    }
    let digits: String = unsigned.chars().filter(|c| *c != '_').collect();
    let radix = |prefix: &str, radix: u32| {
        digits.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_digit(radix)))
    };
    let is_float = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') && digits.parse::<f64>().is_ok();
    let is_sexagesimal = digits.contains(':')
        && digits.split(':').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit() || b == b'.'));
    is_float || is_sexagesimal || radix("0x", 16) || radix("0o", 8) || radix("0b", 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(text: &str, is_quoted: bool) -> String {
        format!("{:?}", Scalar { text: text.into(), is_quoted }.meaning())
    }

    #[test]
    fn only_what_every_reader_takes_for_text_is_text() {
        for text in
            ["prod", "eu-west-1", "0a1b2c", "2027-03-31T00:00:00Z", "1.2.3", "vpce-0", "e5", "0x", "+", ".", ":"]
        {
            assert_eq!(meaning(text, false), format!("Text({text:?})"));
        }
        for text in [
            "0123",
            "0123456789012",
            "12e3",
            "1_000",
            "0x1f",
            "0o17",
            "0b1",
            "-1",
            "+1",
            "1.5",
            ".5",
            "10:20:30",
            ".inf",
            "-.INF",
            ".NaN",
            "99999999999999999999",
        ] {
            assert_eq!(meaning(text, false), "Ambiguous(\"a number\")", "{text}");
        }
        for text in ["yes", "No", "ON", "off", "y", "N", "True", "FALSE"] {
            assert_eq!(meaning(text, false), "Ambiguous(\"true or false\")", "{text}");
        }
        assert_eq!(meaning("NULL", false), "Ambiguous(\"null\")");
        for text in ["", "~", "null"] {
            assert_eq!(meaning(text, false), "Null", "{text}");
        }
        assert_eq!(meaning("true", false), "Boolean(true)");
        assert_eq!(meaning("123456789012", false), "Integer(123456789012)");
        assert_eq!(meaning("0", false), "Integer(0)");
    }

    #[test]
    fn whatever_is_quoted_is_text() {
        for text in ["", "~", "true", "no", "0123", "123456789012"] {
            assert_eq!(meaning(text, true), format!("Text({text:?})"));
        }
    }
}
