use std::str::FromStr;

use crate::request_path::{self, PathError, RequestPath};
use crate::text::{prints_as_str, text};

/// A path with holes: `/v1/invoices/{id}` or `/v1/reports/{*rest}`.
///
/// `{id}` stands for one whole segment, which is not empty; `{*rest}`, at the end only, for whatever follows the slash,
/// also nothing. Everything else is literal and in the normal form of [`RequestPath`], so that it can match at all.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathTemplate(Box<str>);

impl PathTemplate {
    /// The template as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the path fits, its literal segments byte for byte: what a permit asks.
    #[must_use]
    pub fn matches(&self, path: &RequestPath<'_>) -> bool {
        self.fits(path, |literal, segment| literal == segment)
    }

    /// Whether the path fits, its literal segments as an upstream may read them: what a forbid asks. It may decode them,
    /// and `/jobs/7%3Astop` is `/jobs/7:stop`; it may cut off their parameters (RFC 3986 §3.3), as servlets do, and
    /// `/jobs;x/7` is `/jobs/7`.
    #[must_use]
    pub fn matches_as_read(&self, path: &RequestPath<'_>) -> bool {
        self.fits(path, may_be_read_as)
    }

    /// What stands between the slashes, from the first on.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Part, &str)> {
        self.0.split('/').skip(1).map(|part| (Part::of(part.as_bytes()), part))
    }

    fn fits(&self, path: &RequestPath<'_>, literal_fits: impl Fn(&[u8], &[u8]) -> bool) -> bool {
        // Bytes, for segments are short: to search a string for a character takes longer to begin than to do.
        let slash = |byte: &u8| *byte == b'/';
        let mut segments = path.as_str().as_bytes().split(slash);
        for part in self.0.as_bytes().split(slash) {
            let Some(segment) = segments.next() else { return false };
            let fits = match Part::of(part) {
                Part::Tail => return true,
                Part::Parameter => !segment.is_empty(),
                Part::Literal => literal_fits(part, segment),
            };
            if !fits {
                return false;
            }
        }
        segments.next().is_none()
    }
}

/// What a segment of a checked template is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Literal,
    Parameter,
    Tail,
}

impl Part {
    fn of(part: &[u8]) -> Self {
        match part {
            [b'{', b'*', ..] => Self::Tail,
            [b'{', ..] => Self::Parameter,
            _ => Self::Literal,
        }
    }
}

/// Whether an upstream that decodes both reads the same.
pub(crate) fn same_once_decoded(left: &str, right: &str) -> bool {
    same_bytes(left.as_bytes(), right.as_bytes())
}

/// Whether an upstream may read the segment of a request as the literal.
fn may_be_read_as(literal: &[u8], segment: &[u8]) -> bool {
    let mut read = decoded(segment);
    literal == segment
        || decoded(literal).all(|byte| read.next() == Some(byte)) && matches!(read.next(), None | Some(b';'))
}

fn same_bytes(left: &[u8], right: &[u8]) -> bool {
    left == right || decoded(left).eq(decoded(right))
}

/// In how many ways the normal form can spell what this segment stands for: unreserved characters are never escaped,
/// others always, and those that RFC 3986 reserves may be either.
pub(crate) fn spellings(segment: &str) -> usize {
    let free = |byte: &u8| byte.is_ascii_graphic() && !request_path::is_unreserved(*byte) && !b"%/?#\\".contains(byte);
    let free = decoded(segment.as_bytes()).filter(free).count();
    1_usize.checked_shl(u32::try_from(free).unwrap_or(u32::MAX)).unwrap_or(usize::MAX)
}

/// The bytes that a normal segment stands for.
fn decoded(segment: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = segment;
    std::iter::from_fn(move || {
        let escape = rest.strip_prefix(b"%").and_then(|after| after.split_at_checked(2));
        let (byte, after) = match escape {
            Some((digits, after)) => (request_path::decode(str::from_utf8(digits).ok()?)?, after),
            None => rest.split_first().map(|(first, after)| (*first, after))?,
        };
        rest = after;
        Some(byte)
    })
}

/// Why a text is not a [`PathTemplate`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathTemplateError {
    /// No request would have such a path.
    #[error("`{text}`: {cause}")]
    Path { text: String, cause: PathError },
    /// Requests are matched in their normal form.
    #[error("`{text}` is not in its normal form, write `{normal}`")]
    NotNormal { text: String, normal: String },
    /// A parameter beside something else, or with a name that is none.
    #[error("`{segment}` in `{text}`: a parameter is a whole segment, `{{name}}`, or at the end `{{*name}}`")]
    Parameter { text: String, segment: String },
    /// `{*name}` before the end.
    #[error("`{segment}` in `{text}` matches the rest of the path, so it must come last")]
    TailNotLast { text: String, segment: String },
    /// Other languages' wildcards, which would be taken literally here.
    #[error("`{segment}` in `{text}` is no wildcard: write `{{name}}` for one segment, `{{*name}}` for the rest")]
    Wildcard { text: String, segment: String },
}

impl FromStr for PathTemplate {
    type Err = PathTemplateError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Braces and stars pass as literal characters here, so one check serves the whole template.
        let path =
            RequestPath::parse(text).map_err(|cause| PathTemplateError::Path { text: text.to_owned(), cause })?;
        if path.as_str() != text {
            return Err(PathTemplateError::NotNormal { text: text.to_owned(), normal: path.as_str().to_owned() });
        }
        let mut segments = text.split('/').peekable();
        while let Some(segment) = segments.next() {
            check_segment(segment, segments.peek().is_none(), text)?;
        }
        Ok(Self(text.into()))
    }
}

fn check_segment(segment: &str, is_last: bool, text: &str) -> Result<(), PathTemplateError> {
    let (text, named) = (|| text.to_owned(), || segment.to_owned());
    if let Some(parameter) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        let name = parameter.strip_prefix('*').unwrap_or(parameter);
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-')) {
            return Err(PathTemplateError::Parameter { text: text(), segment: named() });
        }
        if parameter.starts_with('*') && !is_last {
            return Err(PathTemplateError::TailNotLast { text: text(), segment: named() });
        }
        return Ok(());
    }
    if segment.contains(['{', '}']) {
        return Err(PathTemplateError::Parameter { text: text(), segment: named() });
    }
    if segment.contains('*') || segment.starts_with(':') {
        return Err(PathTemplateError::Wildcard { text: text(), segment: named() });
    }
    Ok(())
}

prints_as_str!(PathTemplate);
text!(
    PathTemplate,
    "a path template, such as `/v1/invoices/{id}` or `/v1/reports/{*rest}`",
    "pattern": r"^/(([^/{}*\\?#\s:][^/{}*\\?#\s]*|\{[A-Za-z0-9_-]+\})/)*([^/{}*\\?#\s:][^/{}*\\?#\s]*|\{\*?[A-Za-z0-9_-]+\})?$"
);

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(template: &str, path: &str) -> bool {
        template.parse::<PathTemplate>().unwrap().matches(&RequestPath::parse(path).unwrap())
    }

    #[test]
    fn segments_are_matched_whole() {
        for (template, path, expected) in [
            ("/", "/", true),
            ("/", "/v1", false),
            ("/v1/invoices", "/v1/invoices", true),
            ("/v1/invoices", "/v1/invoices/", false),
            ("/v1/invoices", "/v1/invoicesx", false),
            ("/v1/invoices", "/V1/invoices", false),
            ("/v1/invoices/", "/v1/invoices/", true),
            ("/v1/invoices/", "/v1/invoices", false),
            ("/v1/invoices/{id}", "/v1/invoices/17", true),
            ("/v1/invoices/{id}", "/v1/invoices/", false),
            ("/v1/invoices/{id}", "/v1/invoices", false),
            ("/v1/invoices/{id}", "/v1/invoices/17/", false),
            ("/v1/invoices/{id}", "/v1/invoices/17/lines", false),
            ("/v1/{id}/lines/", "/v1/17/lines/", true),
            ("/v1/reports/{*rest}", "/v1/reports", false),
            ("/v1/reports/{*rest}", "/v1/reports/", true),
            ("/v1/reports/{*rest}", "/v1/reports/x", true),
            ("/v1/reports/{*rest}", "/v1/reports/x/", true),
            ("/v1/reports/{*rest}", "/v1/reports/x/y", true),
            ("/v1/reports/{*rest}", "/v1/reportsx/y", false),
            ("/{*rest}", "/", true),
            ("/a%20b", "/a%20b", true),
            ("/jobs/7:stop", "/jobs/7%3Astop", false),
        ] {
            assert_eq!(fits(template, path), expected, "{template} {path}");
        }
    }

    #[test]
    fn a_forbid_also_sees_through_escapes_and_parameters() {
        for (template, path, expected) in [
            ("/jobs/7:stop", "/jobs/7%3Astop", true),
            ("/jobs/7%3Astop", "/jobs/7:stop", true),
            ("/jobs/7:stop", "/jobs/7%3Bstop", false),
            ("/jobs/7", "/jobs/7%25", false),
            ("/jobs/{*rest}", "/jobs;a=b/7", true),
            ("/jobs/7", "/jobs/7%3Bstop", true),
            ("/jobs/7;stop", "/jobs/7%3Bstop", true),
            ("/jobs/7;stop", "/jobs/7", false),
            ("/jobs/7", "/jobs/70;stop", false),
            ("/jobs/", "/jobs/;stop", true),
            ("/jobs/%25", "/jobs/%25", true),
            ("/jobs/{id}", "/jobs/%25", true),
        ] {
            let template: PathTemplate = template.parse().unwrap();
            assert_eq!(template.matches_as_read(&RequestPath::parse(path).unwrap()), expected, "{template} {path}");
        }
    }

    #[test]
    fn a_template_that_could_not_match_as_meant_is_refused() {
        for (bad, says) in [
            ("", "must start with `/`"),
            ("v1", "must start with `/`"),
            ("/a//b", "empty segment"),
            ("/a/../b", "`.` or `..`"),
            ("/a b", "percent-encoded"),
            ("/a?b=c", "percent-encoded"),
            ("/a%2Fb", "encoded slash"),
            ("/%41", "write `/A`"),
            ("/a%3ab", "write `/a%3Ab`"),
            ("/{}", "whole segment"),
            ("/{*}", "whole segment"),
            ("/{a b}", "percent-encoded"),
            ("/{id}.json", "whole segment"),
            ("/v{n}", "whole segment"),
            ("/{{id}}", "whole segment"),
            ("/{id", "whole segment"),
            ("/{*rest}/a", "must come last"),
            ("/{*rest}/", "must come last"),
            ("/v1/*", "no wildcard"),
            ("/v1/**", "no wildcard"),
            ("/v1/:id", "no wildcard"),
        ] {
            let error = bad.parse::<PathTemplate>().unwrap_err().to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }
}
