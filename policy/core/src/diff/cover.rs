//! Whether some sets of paths hold all of another one.

use super::shape::{Segment, Shape};
use crate::path_template::{same_once_decoded, spellings};

/// So many steps are taken before a question is given up. Templates as people write them need dozens; what needs more
/// was made to need more.
const STEPS: usize = 200_000;

/// Whether every path of the shape is in one of the others. `false` also when that is too hard to tell.
pub(super) fn is_covered<'p>(shape: &Shape<'p>, by: &[Shape<'p>]) -> bool {
    let by: Vec<&[Segment<'p>]> = by.iter().map(Shape::segments).collect();
    Search { steps: STEPS }.is_covered(shape.segments(), &by)
}

struct Search {
    steps: usize,
}

/// One segment of a path, as far as the templates in question can tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol<'p> {
    Literal(&'p str),
    /// Decodes to the same as this, and is none of the literals.
    OtherSpelling(&'p str),
    /// Anything that no template names.
    Other,
}

impl Search {
    /// `covers` are what is left of the others behind the same segments.
    fn is_covered<'p>(&mut self, shape: &[Segment<'p>], covers: &[&[Segment<'p>]]) -> bool {
        if covers.is_empty() || self.steps == 0 {
            return false;
        }
        self.steps -= 1;
        let Some((first, rest)) = shape.split_first() else { return covers.iter().any(|cover| cover.is_empty()) };
        if covers.iter().any(|cover| matches!(cover.first(), Some(Segment::Tail(_)))) {
            return true;
        }
        symbols(*first, covers).into_iter().all(|symbol| {
            let behind: Vec<&[Segment<'p>]> = covers.iter().filter_map(|cover| step(cover, symbol)).collect();
            if !matches!(first, Segment::Tail(_)) {
                return self.is_covered(rest, &behind);
            }
            let may_go_on = symbol != Symbol::Literal("");
            self.is_covered(&[], &behind) && (!may_go_on || self.is_covered(shape, &behind))
        })
    }
}

/// What is left of a cover behind a segment that fits it.
fn step<'a, 'p>(cover: &'a [Segment<'p>], symbol: Symbol<'p>) -> Option<&'a [Segment<'p>]> {
    let (first, rest) = cover.split_first()?;
    let fits = match (*first, symbol) {
        (Segment::Literal(text), Symbol::Literal(literal)) => text == literal,
        (Segment::AnySpelling(text), Symbol::Literal(other) | Symbol::OtherSpelling(other)) => {
            same_once_decoded(text, other)
        }
        (Segment::Parameter(_), symbol) => symbol != Symbol::Literal(""),
        _ => false,
    };
    fits.then_some(rest)
}

/// Every kind of segment that fits the first one and that the covers may tell apart.
fn symbols<'p>(first: Segment<'p>, covers: &[&[Segment<'p>]]) -> Vec<Symbol<'p>> {
    let mut literals: Vec<&'p str> = Vec::new();
    let mut spelled: Vec<&'p str> = Vec::new();
    let heads = covers.iter().filter_map(|cover| cover.first()).chain(std::iter::once(&first));
    for head in heads {
        match head {
            Segment::Literal(text) if !text.is_empty() && !literals.contains(text) => literals.push(text),
            Segment::AnySpelling(text) if !spelled.iter().any(|other| same_once_decoded(text, other)) => {
                spelled.push(text);
            }
            _ => {}
        }
    }
    if let Segment::Literal(text) = first {
        return vec![Symbol::Literal(text)];
    }
    let only = match first {
        Segment::AnySpelling(text) => Some(text),
        _ => None,
    };
    let fits = |text: &str| only.is_none_or(|only| same_once_decoded(only, text));
    let mut symbols: Vec<Symbol<'p>> =
        literals.iter().filter(|text| fits(text)).map(|text| Symbol::Literal(text)).collect();
    for text in spelled.into_iter().filter(|text| fits(text)) {
        let named = literals.iter().filter(|literal| same_once_decoded(literal, text)).count();
        if named < spellings(text) {
            symbols.push(Symbol::OtherSpelling(text));
        }
    }
    if only.is_none() {
        symbols.push(Symbol::Other);
    }
    if matches!(first, Segment::Tail(_)) {
        symbols.push(Symbol::Literal(""));
    }
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PathTemplate;

    /// Templates with a `!` before them are those of a forbid.
    fn covered(shape: &str, by: &[&str]) -> bool {
        let parse = |text: &str| text.trim_start_matches('!').parse::<PathTemplate>().unwrap();
        let templates: Vec<PathTemplate> = by.iter().map(|text| parse(text)).collect();
        let shapes: Vec<Shape<'_>> = templates
            .iter()
            .zip(by)
            .map(
                |(template, text)| {
                    if text.starts_with('!') { Shape::forbidden(template) } else { Shape::permitted(template) }
                },
            )
            .collect();
        let template = parse(shape);
        let shape = if shape.starts_with('!') { Shape::forbidden(&template) } else { Shape::permitted(&template) };
        is_covered(&shape, &shapes)
    }

    #[test]
    fn a_set_is_covered_by_what_holds_all_of_it() {
        for (shape, by, expected) in [
            ("/a", &["/a"][..], true),
            ("/a", &[], false),
            ("/a", &["/{id}"], true),
            ("/{id}", &["/a"], false),
            ("/{id}", &["/a", "/{other}"], true),
            ("/", &["/{id}"], false),
            ("/{*rest}", &["/"], false),
            // One segment, none, or at least two: that is everything.
            ("/{*rest}", &["/", "/{a}", "/{a}/{*rest}"], true),
            ("/{*rest}", &["/", "/{a}/{*rest}"], false),
            ("/{*rest}", &["/{a}", "/{a}/{*rest}"], false),
            ("/v1/{*rest}", &["/v1/", "/v1/{a}", "/v1/{a}/", "/v1/{a}/{b}/{*rest}"], false),
            ("/v1/{*rest}", &["/v1/", "/v1/{a}", "/v1/{a}/", "/v1/{a}/{b}", "/v1/{a}/{b}/{*rest}"], true),
            ("/{a}/{b}", &["/x/{b}", "/{a}/y"], false),
            ("/{a}/y", &["/x/{b}", "/{a}/y"], true),
            ("/a/", &["/a"], false),
        ] {
            assert_eq!(covered(shape, by), expected, "{shape} by {by:?}");
        }
    }

    #[test]
    fn spellings_are_told_apart_as_the_gate_does() {
        for (shape, by, expected) in [
            ("/7:stop", &["!/7%3Astop"][..], true),
            ("/7:stop", &["/7%3Astop"], false),
            ("!/7:stop", &["/7:stop"], false),
            ("!/7:stop", &["/7:stop", "/7%3Astop"], true),
            ("!/7:stop", &["!/7%3Astop"], true),
            ("/{id}", &["!/7%3Astop"], false),
            ("!/a%20b", &["/a%20b"], true),
        ] {
            assert_eq!(covered(shape, by), expected, "{shape} by {by:?}");
        }
    }

    #[test]
    fn a_question_made_to_be_hard_ends_and_claims_nothing() {
        let hard: Vec<String> = (0..14)
            .flat_map(|depth| (0..6).map(move |word| (depth, word)))
            .map(|(depth, word)| {
                let segments = (0..14).map(|at| if at == depth { format!("/w{word}") } else { "/{x}".to_owned() });
                segments.collect()
            })
            .collect();
        let by: Vec<&str> = hard.iter().map(String::as_str).collect();
        assert!(!covered(&"/{x}".repeat(14), &by));
    }
}
