//! Sets of paths, as templates describe them.

use std::fmt;

use crate::PathTemplate;
use crate::path_template::{Part, same_once_decoded, spellings};

/// The paths that fit a template, or several templates at once.
#[derive(Debug, Clone)]
pub(super) struct Shape<'p>(Vec<Segment<'p>>);

/// What stands between two slashes. Parameters keep the name they were written with, for people.
#[derive(Debug, Clone, Copy)]
pub(super) enum Segment<'p> {
    /// These bytes; empty only at the end, after a slash.
    Literal(&'p str),
    /// Whatever decodes to the same as these.
    AnySpelling(&'p str),
    /// Any one segment that is not empty.
    Parameter(&'p str),
    /// At least one segment more, of which the last may be empty.
    Tail(&'p str),
}

impl<'p> Shape<'p> {
    /// The paths that a permit rule's template matches: its literals byte for byte.
    pub(super) fn permitted(template: &'p PathTemplate) -> Self {
        Self::new(template, Segment::Literal)
    }

    /// The paths that a forbid rule's template matches: its literals however they are spelled.
    pub(super) fn forbidden(template: &'p PathTemplate) -> Self {
        Self::new(
            template,
            |text| {
                if spellings(text) > 1 { Segment::AnySpelling(text) } else { Segment::Literal(text) }
            },
        )
    }

    fn new(template: &'p PathTemplate, literal: impl Fn(&'p str) -> Segment<'p>) -> Self {
        let segment = |(part, text): (Part, &'p str)| match part {
            Part::Literal => literal(text),
            Part::Parameter => Segment::Parameter(text),
            Part::Tail => Segment::Tail(text),
        };
        Self(template.parts().map(segment).collect())
    }

    pub(super) fn segments(&self) -> &[Segment<'p>] {
        &self.0
    }

    /// The paths in both: again one shape, or none.
    pub(super) fn intersection(&self, other: &Self) -> Option<Self> {
        let (mut left, mut right) = (self.0.as_slice(), other.0.as_slice());
        let mut both = Vec::with_capacity(left.len().max(right.len()));
        loop {
            match (left, right) {
                ([], []) => return Some(Self(both)),
                ([], _) | (_, []) => return None,
                ([Segment::Tail(_)], rest) | (rest, [Segment::Tail(_)]) => {
                    both.extend_from_slice(rest);
                    return Some(Self(both));
                }
                ([first, left_rest @ ..], [second, right_rest @ ..]) => {
                    both.push(first.intersection(*second)?);
                    (left, right) = (left_rest, right_rest);
                }
            }
        }
    }
}

impl<'p> Segment<'p> {
    fn intersection(self, other: Self) -> Option<Self> {
        use Segment::{AnySpelling, Literal, Parameter, Tail};
        match (self, other) {
            (Literal(left), Literal(right)) => (left == right).then_some(self),
            (literal @ Literal(left), AnySpelling(right))
            | (AnySpelling(right), literal @ Literal(left))
            | (literal @ AnySpelling(left), AnySpelling(right)) => same_once_decoded(left, right).then_some(literal),
            (Parameter(_) | Tail(_), Literal("")) | (Literal(""), Parameter(_) | Tail(_)) => None,
            (Parameter(_) | Tail(_), narrower) | (narrower, Parameter(_) | Tail(_)) => Some(narrower),
        }
    }
}

/// As a template is written.
impl fmt::Display for Shape<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.0 {
            let (Segment::Literal(text) | Segment::AnySpelling(text) | Segment::Parameter(text) | Segment::Tail(text)) =
                segment;
            write!(f, "/{text}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_templates_share_is_a_template_or_nothing() {
        for (left, right, expected) in [
            ("/", "/", Some("/")),
            ("/", "/a", None),
            ("/a/{id}", "/{x}/b", Some("/a/b")),
            ("/a/{id}", "/a/", None),
            ("/a/{*rest}", "/a/", Some("/a/")),
            ("/a/{*rest}", "/a", None),
            ("/a/{*rest}", "/a/{id}/c", Some("/a/{id}/c")),
            ("/{*rest}", "/a/{*more}", Some("/a/{*more}")),
            ("/a/{id}", "/a/{id}/c", None),
            ("/jobs/7%3Astop", "/jobs/7:stop", Some("/jobs/7%3Astop")),
            ("/jobs/{id}", "/jobs/7:stop", Some("/jobs/7:stop")),
            ("/jobs/8:stop", "/jobs/7:stop", None),
        ] {
            let (left, right) = (left.parse::<PathTemplate>().unwrap(), right.parse::<PathTemplate>().unwrap());
            let (permit, forbid) = (Shape::permitted(&left), Shape::forbidden(&right));
            let shared = permit.intersection(&forbid).map(|shape| shape.to_string());
            assert_eq!(shared.as_deref(), expected, "{left} {right}");
            let turned = forbid.intersection(&permit).map(|shape| shape.to_string());
            assert_eq!(turned.is_some(), expected.is_some(), "{right} {left}");
        }
    }
}
