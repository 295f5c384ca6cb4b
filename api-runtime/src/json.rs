//! JSON written by hand: the access log and the answers are too frequent for formatting machinery.

use jiff::Timestamp;
use std::cell::RefCell;

/// Appends `text` as a JSON string, quotes included.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    escaped(out, text);
    out.push(b'"');
}

/// Appends as a JSON string what is known to need no escapes.
pub(crate) fn plain(out: &mut Vec<u8>, text: &[u8]) {
    debug_assert!(is_plain(text), "{text:?}");
    out.push(b'"');
    out.extend_from_slice(text);
    out.push(b'"');
}

/// Whether none of it needs an escape. Without a way out of the loop, so that many bytes are looked at at once.
fn is_plain(text: &[u8]) -> bool {
    text.iter().fold(true, |plain, byte| plain & (b' ' <= *byte) & (*byte < 0x7f) & (*byte != b'"') & (*byte != b'\\'))
}

/// Appends `text` as a JSON string, or `null`.
pub(crate) fn optional(out: &mut Vec<u8>, text: Option<&str>) {
    match text {
        Some(text) => string(out, text),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends the inside of a JSON string (RFC 8259 §7): quotes, backslashes and control characters escaped. DEL and the
/// line separators U+2028 and U+2029 too, so that a line of the log is one line to whatever reads it.
pub(crate) fn escaped(out: &mut Vec<u8>, text: &str) {
    if is_plain(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < b' ' || byte == b'"' || byte == b'\\' || byte >= 0x7f) {
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.extend_from_slice(plain.as_bytes());
        let mut characters = special.chars();
        if let Some(character) = characters.next() {
            escaped_character(out, character);
        }
        rest = characters.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
}

fn escaped_character(out: &mut Vec<u8>, character: char) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\0'..=' ' | '\u{7f}' | '\u{2028}' | '\u{2029}' => {
            let code = u32::from(character);
            let digits = [code >> 12, code >> 8, code >> 4, code];
            out.extend_from_slice(b"\\u");
            out.extend(digits.map(hex_digit));
        }
        other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// The lower-case hexadecimal digit of the low four bits.
fn hex_digit(value: u32) -> u8 {
    match (value & 0xf) as u8 {
        digit @ 0..=9 => b'0' + digit,
        digit => b'a' + digit - 10,
    }
}

pub(crate) fn number(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

thread_local! {
    /// The second that was written last and its text: within a second only the fraction changes.
    static SECOND: RefCell<(i64, Vec<u8>)> = const { RefCell::new((i64::MIN, Vec::new())) };
}

/// Appends a JSON string in RFC 3339 with microseconds: `"2026-11-23T10:00:00.123456Z"`.
pub(crate) fn timestamp(out: &mut Vec<u8>, at: Timestamp) {
    let micros = at.as_microsecond();
    let (second, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    out.push(b'"');
    SECOND.with_borrow_mut(|(written, text)| {
        if *written != second {
            *text = Timestamp::from_second(second).map_or_else(|_| Vec::new(), |at| at.to_string().into_bytes());
            text.pop(); // the Z, which comes after the fraction
            *written = second;
        }
        out.extend_from_slice(text);
    });
    out.push(b'.');
    let mut scale = 100_000;
    while scale > 0 {
        out.push(b'0' + (fraction / scale % 10) as u8);
        scale /= 10;
    }
    out.extend_from_slice(b"Z\"");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_could_break_a_line_is_escaped() {
        let hostile = "a\"b\\c\r\n\t\u{1}\u{7f}\u{2028}é";
        assert_eq!(written(|out| string(out, hostile)), r#""a\"b\\c\r\n\t\u0001\u007f\u2028é""#);
        assert_eq!(written(|out| optional(out, None)), "null");
    }

    #[test]
    fn a_timestamp_has_six_digits_of_fraction_whatever_it_is() {
        for (text, expected) in [
            ("2026-11-23T10:00:00Z", "\"2026-11-23T10:00:00.000000Z\""),
            ("2026-11-23T10:00:00.000001Z", "\"2026-11-23T10:00:00.000001Z\""),
            ("2026-11-23T10:00:01.9999999Z", "\"2026-11-23T10:00:01.999999Z\""),
            ("1969-12-31T23:59:59.5Z", "\"1969-12-31T23:59:59.500000Z\""),
        ] {
            let at: Timestamp = text.parse().unwrap();
            assert_eq!(written(|out| timestamp(out, at)), expected);
        }
    }

    proptest! {
        #[test]
        fn a_json_parser_reads_back_what_was_written(text in any::<String>()) {
            let line = written(|out| string(out, &text));
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }
}
