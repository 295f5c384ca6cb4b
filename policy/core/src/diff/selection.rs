use serde::Serialize;

/// Some of what there is: those named, or all but those named. Sorted, each once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Selection<T> {
    /// These.
    Only(Vec<T>),
    /// Everything else; with nothing named, everything.
    AllBut(Vec<T>),
}

impl<T: Ord + Clone> Selection<T> {
    /// Everything.
    #[must_use]
    pub fn any() -> Self {
        Self::AllBut(Vec::new())
    }

    /// Those, in order and each once.
    pub fn only(items: impl IntoIterator<Item = T>) -> Self {
        Self::Only(sorted(items))
    }

    /// Whether it is everything.
    #[must_use]
    pub fn is_any(&self) -> bool {
        matches!(self, Self::AllBut(names) if names.is_empty())
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Only(names) if names.is_empty())
    }

    /// What is in this one and not in the other.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.intersection(&match other {
            Self::Only(names) => Self::AllBut(names.clone()),
            Self::AllBut(names) => Self::Only(names.clone()),
        })
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let keep = |names: &[T], wanted: &dyn Fn(&T) -> bool| {
            Self::Only(names.iter().filter(|name| wanted(name)).cloned().collect())
        };
        match (self, other) {
            (Self::Only(left), Self::Only(right)) => keep(left, &|name| right.contains(name)),
            (Self::Only(named), Self::AllBut(but)) | (Self::AllBut(but), Self::Only(named)) => {
                keep(named, &|name| !but.contains(name))
            }
            (Self::AllBut(left), Self::AllBut(right)) => Self::AllBut(sorted(left.iter().chain(right).cloned())),
        }
    }
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort_unstable();
    items.dedup();
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_are_sets() {
        let (ab, bc, any) = (Selection::only(["b", "a", "b"]), Selection::only(["b", "c"]), Selection::any());
        assert_eq!(ab.without(&bc), Selection::only(["a"]));
        assert_eq!(ab.intersection(&bc), Selection::only(["b"]));
        assert_eq!(any.without(&ab), Selection::AllBut(vec!["a", "b"]));
        assert_eq!(any.without(&ab).without(&bc), Selection::AllBut(vec!["a", "b", "c"]));
        assert_eq!(ab.without(&any.without(&bc)), Selection::only(["b"]));
        assert!(ab.without(&any).is_nothing() && any.is_any() && !ab.is_any());
    }
}
