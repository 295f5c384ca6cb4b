use std::borrow::Cow;

/// The path of a request in its normal form: the only form that is matched, logged and forwarded.
///
/// Percent-encoded unreserved characters are decoded, the hex digits of all other escapes are upper case (RFC 3986,
/// 6.2.2), and whatever an upstream might read as another path is refused. A path that is normal already is borrowed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestPath<'a>(Cow<'a, str>);

impl<'a> RequestPath<'a> {
    /// Normalises the path of a request target, without its query.
    ///
    /// # Errors
    /// See [`PathError`]; the request is answered with 400.
    pub fn parse(raw: &'a str) -> Result<Self, PathError> {
        if !raw.starts_with('/') {
            return Err(PathError::NotAbsolute);
        }
        if is_plain(raw) {
            return Ok(Self(Cow::Borrowed(raw)));
        }
        if let Some(character) = raw.chars().find(|c| !c.is_ascii_graphic() || matches!(c, '\\' | '?' | '#')) {
            return Err(PathError::Character(character));
        }
        let normal = if needs_rewriting(raw)? { Cow::Owned(rewrite(raw)) } else { Cow::Borrowed(raw) };
        check_segments(&normal)?;
        Ok(Self(normal))
    }

    /// The normal form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments once decoded, as an upstream reads them: `/v1/a%20b/` has `v1`, `a b` and an empty one. None holds
    /// a slash, for an encoded one is refused.
    pub fn decoded_segments(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.split('/').skip(1).map(decoded)
    }
}

fn decoded(segment: &str) -> Cow<'_, str> {
    let mut parts = segment.split('%');
    let (Some(first), true) = (parts.next(), segment.contains('%')) else { return Cow::Borrowed(segment) };
    let mut bytes = first.as_bytes().to_vec();
    for (digits, rest) in parts.filter_map(|part| part.split_at_checked(2)) {
        bytes.extend(decode(digits));
        bytes.extend_from_slice(rest.as_bytes());
    }
    // It is UTF-8: `parse` has checked that.
    String::from_utf8(bytes).map_or(Cow::Borrowed(segment), Cow::Owned)
}

/// Why the path of a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not start with a slash.
    #[error("path must start with `/`")]
    NotAbsolute,
    /// Control characters, spaces, backslashes, `?`, `#` and everything beyond ASCII must be percent-encoded.
    #[error("path has the character `{}`, which must be percent-encoded or left out", .0.escape_debug())]
    Character(char),
    /// A `%` without two hex digits after it.
    #[error("path has a `%` without two hex digits after it")]
    Escape,
    /// `%2F`, `%5C` or `%00`, which upstreams read as a separator or an end.
    #[error("path has an encoded slash, backslash or NUL")]
    Separator,
    /// What the escapes stand for is not UTF-8.
    #[error("path is not UTF-8 once decoded")]
    Utf8,
    /// Two slashes in a row, also with parameters between them.
    #[error("path has an empty segment")]
    EmptySegment,
    /// A `.` or `..` segment, also with parameters after a `;`, which some upstreams cut off.
    #[error("path has a `.` or `..` segment")]
    DotSegment,
}

/// Whether there is nothing to look at more closely, as in most paths: unreserved characters alone, in segments that are
/// not empty and do not begin with a dot.
fn is_plain(raw: &str) -> bool {
    let mut before = 0;
    raw.bytes().all(|byte| {
        let plain = match byte {
            b'/' | b'.' => before != b'/',
            byte => is_unreserved(byte),
        };
        before = byte;
        plain
    })
}

/// Checks every escape; whether one of them is not in its normal form.
fn needs_rewriting(raw: &str) -> Result<bool, PathError> {
    let mut rewrite = false;
    let mut sequence = Utf8Sequence::default();
    let mut parts = raw.split('%');
    parts.next();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).ok_or(PathError::Escape)?;
        let byte = decode(digits).ok_or(PathError::Escape)?;
        if matches!(byte, b'/' | b'\\' | 0) {
            return Err(PathError::Separator);
        }
        sequence.push(byte)?;
        if !rest.is_empty() {
            sequence.end()?;
        }
        rewrite |= is_unreserved(byte) || digits.bytes().any(|b| b.is_ascii_lowercase());
    }
    sequence.end()?;
    Ok(rewrite)
}

/// Writes the normal form of a path whose escapes were checked.
fn rewrite(raw: &str) -> String {
    let mut normal = String::with_capacity(raw.len());
    let mut parts = raw.split('%');
    normal.extend(parts.next());
    for (digits, rest) in parts.filter_map(|part| part.split_at_checked(2)) {
        match decode(digits) {
            Some(byte) if is_unreserved(byte) => normal.push(char::from(byte)),
            _ => {
                normal.push('%');
                normal.extend(digits.chars().map(|digit| digit.to_ascii_uppercase()));
            }
        }
        normal.push_str(rest);
    }
    normal
}

fn check_segments(path: &str) -> Result<(), PathError> {
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        match without_parameters(segment) {
            "." | ".." => return Err(PathError::DotSegment),
            // After the last slash there may be none.
            "" if segments.peek().is_some() => return Err(PathError::EmptySegment),
            _ => {}
        }
    }
    Ok(())
}

/// What is left of a segment to an upstream that cuts its parameters off; a few decode it first.
fn without_parameters(segment: &str) -> &str {
    let end = segment.find(';').into_iter().chain(segment.find("%3B")).min();
    end.and_then(|end| segment.get(..end)).unwrap_or(segment)
}

/// The byte that two hex digits stand for.
pub(crate) fn decode(digits: &str) -> Option<u8> {
    // `from_str_radix` alone would take a sign.
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}

/// RFC 3986, 2.3.
pub(crate) fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Escapes in a row that are one character beyond ASCII.
#[derive(Default)]
struct Utf8Sequence {
    bytes: [u8; 4],
    length: usize,
}

impl Utf8Sequence {
    fn push(&mut self, byte: u8) -> Result<(), PathError> {
        *self.bytes.get_mut(self.length).ok_or(PathError::Utf8)? = byte;
        self.length += 1;
        match str::from_utf8(self.bytes.get(..self.length).unwrap_or_default()) {
            Ok(_) => self.length = 0,
            Err(error) if error.error_len().is_some() => return Err(PathError::Utf8),
            Err(_) => {}
        }
        Ok(())
    }

    fn end(&self) -> Result<(), PathError> {
        if self.length == 0 { Ok(()) } else { Err(PathError::Utf8) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(raw: &str) -> Result<String, PathError> {
        RequestPath::parse(raw).map(|path| path.as_str().to_owned())
    }

    #[test]
    fn unreserved_characters_are_decoded_and_nothing_else() {
        for (raw, expected) in [
            ("/", "/"),
            ("/v1/invoices", "/v1/invoices"),
            ("/v1/invoices/", "/v1/invoices/"),
            ("/%41%7a%30%2D%2e%5F%7Ex", "/Az0-._~x"),
            ("/a%20b", "/a%20b"),
            ("/a%3ab%3Ac:d", "/a%3Ab%3Ac:d"),
            ("/%c3%a9t%C3%a9", "/%C3%A9t%C3%A9"),
            ("/%F0%9F%94%91", "/%F0%9F%94%91"),
            ("/%252e%252E", "/%252e%252E"),
            ("/...", "/..."),
            ("/.well-known/a;b=c", "/.well-known/a;b=c"),
            ("/a;b/..c;d/;e=f", "/a;b/..c;d/;e=f"),
            ("/{a}|\"<>^`", "/{a}|\"<>^`"),
        ] {
            assert_eq!(normal(raw).as_deref(), Ok(expected), "{raw}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_plain_path_is_one_that_a_closer_look_leaves_as_it_is(raw in "/[a-c/.~;%2F]{0,8}") {
            if is_plain(&raw) {
                proptest::prop_assert_eq!(needs_rewriting(&raw), Ok(false));
                proptest::prop_assert_eq!(check_segments(&raw), Ok(()));
            }
        }
    }

    #[test]
    fn what_an_upstream_might_read_differently_is_refused() {
        for (raw, expected) in [
            ("", PathError::NotAbsolute),
            ("v1", PathError::NotAbsolute),
            ("*", PathError::NotAbsolute),
            ("http://a/b", PathError::NotAbsolute),
            ("/a b", PathError::Character(' ')),
            ("/a\nb", PathError::Character('\n')),
            ("/a\0b", PathError::Character('\0')),
            ("/a\u{7f}", PathError::Character('\u{7f}')),
            ("/é", PathError::Character('é')),
            ("/a\\b", PathError::Character('\\')),
            ("/a?b", PathError::Character('?')),
            ("/a#b", PathError::Character('#')),
            ("/%", PathError::Escape),
            ("/%4", PathError::Escape),
            ("/%4/", PathError::Escape),
            ("/%+1", PathError::Escape),
            ("/%zz", PathError::Escape),
            ("/%%41", PathError::Escape),
            ("/a%2fb", PathError::Separator),
            ("/a%2Fb", PathError::Separator),
            ("/a%5cb", PathError::Separator),
            ("/a%5Cb", PathError::Separator),
            ("/a%00", PathError::Separator),
            ("/%ff", PathError::Utf8),
            ("/%C3", PathError::Utf8),
            ("/%C3a%A9", PathError::Utf8),
            ("/%C3%41", PathError::Utf8),
            ("/%C0%AF", PathError::Utf8),
            ("/%ED%A0%80", PathError::Utf8),
            ("//", PathError::EmptySegment),
            ("//a", PathError::EmptySegment),
            ("/a//b", PathError::EmptySegment),
            ("/a//", PathError::EmptySegment),
            ("/.", PathError::DotSegment),
            ("/a/..", PathError::DotSegment),
            ("/a/../b", PathError::DotSegment),
            ("/a/%2e%2E/b", PathError::DotSegment),
            ("/a/.%2e", PathError::DotSegment),
            ("/a/..;x/b", PathError::DotSegment),
            ("/a/..%3bx/b", PathError::DotSegment),
            ("/a/;/b", PathError::EmptySegment),
            ("/a/;x=y/b", PathError::EmptySegment),
            ("/%3bx/b", PathError::EmptySegment),
        ] {
            assert_eq!(normal(raw), Err(expected), "{raw}");
        }
    }

    #[test]
    fn segments_are_what_an_upstream_reads() {
        for (raw, expected) in [
            ("/", &[""][..]),
            ("/v1/invoices/17", &["v1", "invoices", "17"]),
            ("/v1/", &["v1", ""]),
            ("/a%20b/%C3%A9t%C3%A9/%25zz/7%3Astop", &["a b", "été", "%zz", "7:stop"]),
            ("/%F0%9F%94%91x", &["🔑x"]),
        ] {
            assert_eq!(RequestPath::parse(raw).unwrap().decoded_segments().collect::<Vec<_>>(), expected, "{raw}");
        }
    }

    #[test]
    fn a_normal_path_is_not_copied() {
        for raw in ["/v1/invoices/17", "/a%20b/%C3%A9"] {
            assert!(matches!(RequestPath::parse(raw).unwrap().0, Cow::Borrowed(_)), "{raw}");
        }
        assert!(matches!(RequestPath::parse("/%41").unwrap().0, Cow::Owned(_)));
    }
}
