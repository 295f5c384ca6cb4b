//! What the Query protocol answers, as a tree that is asked by paths.

use roxmltree::{Document, Node};

/// An element with its text and what is in it; names without their namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    name: String,
    text: String,
    children: Vec<Element>,
}

impl Element {
    /// The root of a document; none when it is no XML.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Document::parse(text).ok().map(|document| Self::of(document.root_element()))
    }

    fn of(node: Node<'_, '_>) -> Self {
        Self {
            name: node.tag_name().name().to_owned(),
            text: node.text().unwrap_or_default().trim().to_owned(),
            children: node.children().filter(Node::is_element).map(Self::of).collect(),
        }
    }

    /// The text at a path such as `Error/Code`, looked for at any depth; empty when it is not there.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.all(path).first().map(|element| element.text.as_str()).unwrap_or_default()
    }

    /// Every element at a path whose first name may lie at any depth, in the document's order.
    pub(crate) fn all(&self, path: &str) -> Vec<&Self> {
        let mut names = path.split('/');
        let mut found = Vec::new();
        self.descendants(names.next().unwrap_or_default(), &mut found);
        for name in names {
            found =
                found.into_iter().flat_map(|element| &element.children).filter(|child| child.name == name).collect();
        }
        found
    }

    fn descendants<'a>(&'a self, name: &str, found: &mut Vec<&'a Self>) {
        for child in &self.children {
            if child.name == name {
                found.push(child);
            }
            child.descendants(name, found);
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The text of this very element.
    pub(crate) fn own_text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_finds_what_lies_there_and_nothing_else() {
        let text = "<r xmlns='urn:x'><set><item><id>a</id><in><id>z</id></in></item><item><id> b </id></item></set><id>c</id></r>";
        let root = Element::parse(text).unwrap();
        let ids: Vec<&str> = root.all("set/item/id").into_iter().map(Element::own_text).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!((root.text("in/id"), root.text("set/none"), root.all("item").len()), ("z", "", 2));
        assert_eq!(Element::parse("<a"), None);
    }
}
