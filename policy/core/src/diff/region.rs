//! What one policy permits and another does not, for one method.

use super::cover::is_covered;
use super::shape::Shape;
use crate::policy::Caller;

/// The paths that fit a template and none of the exceptions; never empty.
#[derive(Debug)]
pub(super) struct Region<'p> {
    shape: Shape<'p>,
    except: Vec<Shape<'p>>,
}

/// The rules of a caller that count for one method, as sets of paths.
#[derive(Debug, Default)]
pub(super) struct Rules<'p> {
    permit: Vec<Shape<'p>>,
    forbid: Vec<Shape<'p>>,
}

impl<'p> Rules<'p> {
    /// `method` is none for all those that no rule names.
    pub(super) fn of(caller: &'p Caller, method: Option<&str>) -> Self {
        let counts = |rule: &&crate::policy::Rule| match method {
            Some(method) => rule.methods().contains(method),
            None => rule.methods().named().is_none(),
        };
        let paths = |rules: &'p [crate::policy::Rule]| rules.iter().filter(counts).flat_map(|rule| rule.paths());
        Self {
            permit: widest(paths(&caller.permit).map(Shape::permitted)),
            forbid: widest(paths(&caller.forbid).map(Shape::forbidden)),
        }
    }

    /// What these allow and the others do not, in as few templates as these were written in:
    /// what is permitted, without what is forbidden and what was permitted already; and what was forbidden before.
    pub(super) fn without(&self, other: &Self) -> Vec<Region<'p>> {
        let mut regions: Vec<Region<'p>> = Vec::new();
        let mut add = |shape: &Shape<'p>, except: &mut dyn Iterator<Item = &Shape<'p>>| {
            if let Some(region) = Region::new(shape, except)
                && !regions.iter().any(|wider| wider.holds(&region))
            {
                regions.push(region);
            }
        };
        for permitted in &self.permit {
            add(permitted, &mut self.forbid.iter().chain(&other.permit));
        }
        for permitted in &self.permit {
            for freed in other.forbid.iter().filter_map(|forbidden| permitted.intersection(forbidden)) {
                add(&freed, &mut self.forbid.iter());
            }
        }
        regions
    }

    /// Whether both allow the same request.
    pub(super) fn meet(&self, other: &Self) -> bool {
        let forbidden: Vec<Shape<'p>> = self.forbid.iter().chain(&other.forbid).cloned().collect();
        let pairs = self.permit.iter().flat_map(|ours| other.permit.iter().map(move |theirs| (ours, theirs)));
        pairs.filter_map(|(ours, theirs)| ours.intersection(theirs)).any(|shared| !is_covered(&shared, &forbidden))
    }
}

impl<'p> Region<'p> {
    fn new<'s>(shape: &Shape<'p>, except: impl Iterator<Item = &'s Shape<'p>>) -> Option<Self>
    where
        'p: 's,
    {
        let except = widest(except.filter_map(|except| shape.intersection(except)));
        (!is_covered(shape, &except)).then(|| Self { shape: shape.clone(), except })
    }

    /// Whether all of the other's paths are among these.
    fn holds(&self, other: &Self) -> bool {
        let mut cover = other.except.clone();
        cover.push(self.shape.clone());
        let mut holes = self.except.iter().filter_map(|hole| hole.intersection(&other.shape));
        is_covered(&other.shape, &cover) && holes.all(|hole| is_covered(&hole, &other.except))
    }

    /// The template, and the exceptions from it.
    pub(super) fn texts(&self) -> (String, Vec<String>) {
        let mut except: Vec<String> = self.except.iter().map(ToString::to_string).collect();
        except.sort_unstable();
        (self.shape.to_string(), except)
    }
}

/// Without those that lie within another one; of equals the first stays.
fn widest<'p>(shapes: impl Iterator<Item = Shape<'p>>) -> Vec<Shape<'p>> {
    let mut kept: Vec<Shape<'p>> = Vec::new();
    for shape in shapes {
        if kept.iter().any(|wider| is_covered(&shape, std::slice::from_ref(wider))) {
            continue;
        }
        kept.retain(|narrower| !is_covered(narrower, std::slice::from_ref(&shape)));
        kept.push(shape);
    }
    kept
}
