//! A YAML document, or a JSON one, as a tree.
//!
//! Made from the parser's events rather than through serde, for three reasons: a scalar without quotes keeps its
//! spelling, every key and value has a position, and aliases are copied under a limit of our own.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, options};

use super::node::{Node, Pair, Value};
use super::problem::{Position, Problem, Problems};
use super::scalar::Scalar;

/// Our documents are at most seven deep.
const MAX_DEPTH: usize = 32;
/// The largest of our maps has eight keys, and each is compared with all before it.
const MAX_KEYS: usize = 64;
/// How many nodes all aliases of a document together may stand for.
const MAX_COPIES: usize = 1_000_000;

pub(super) struct Tree<'a> {
    pub(super) root: Node<'a>,
    /// What the format allows and we do not.
    pub(super) problems: Problems,
}

impl<'a> Tree<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Problem> {
        let options = options! {
            emit_comments: false,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
        };
        let mut reader = Reader {
            parser: Parser::new_from_str_with_options(text, options),
            anchors: HashMap::new(),
            copies: 0,
            problems: Problems::default(),
        };
        let root = reader.document()?;
        Ok(Self { root, problems: reader.problems })
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Node<'a>>,
    copies: usize,
    problems: Problems,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Position), Problem> {
        match self.parser.next() {
            Some(Ok((event, span))) => Ok((event, start(&span))),
            Some(Err(error)) => Err(syntax(&error)),
            None => Err(Problem::new("the document ends too early")),
        }
    }

    fn document(&mut self) -> Result<Node<'a>, Problem> {
        let root = loop {
            match self.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::StreamEnd, position) => {
                    return Err(Problem::at(position, "the document is empty"));
                }
                (event, position) => break self.node(event, position, 0)?,
            }
        };
        loop {
            match self.next()? {
                (Event::DocumentEnd, _) => {}
                (Event::StreamEnd, _) => return Ok(root),
                (_, position) => return Err(Problem::at(position, "a second document starts here, one is expected")),
            }
        }
    }

    fn node(&mut self, event: Event<'a>, position: Position, depth: usize) -> Result<Node<'a>, Problem> {
        if let Some(tag) = event.tag() {
            let message = || format!("the tag `{}` is not supported, leave it out", tag.original());
            self.problems.push(|| Problem::at(position, message()));
        }
        let anchor = event.anchor_id();
        let value = match event {
            Event::Scalar(text, style, ..) => Value::Scalar(Scalar { text, is_quoted: style != ScalarStyle::Plain }),
            Event::SequenceStart(..) => Value::List(self.items(depth + 1)?),
            Event::MappingStart(..) => Value::Map(self.pairs(position, depth + 1)?),
            Event::Alias(id) => self.alias(id, position, depth)?,
            _ => return Err(Problem::at(position, "a value is expected here")),
        };
        let node = Node { position, value };
        if let Some(id) = anchor {
            self.count_copy(&node, position, depth)?;
            self.anchors.insert(id, node.clone());
        }
        Ok(node)
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Node<'a>>, Problem> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => {
                    items.shrink_to_fit();
                    return Ok(items);
                }
                (event, position) => items.push(self.node(event, position, depth)?),
            }
        }
    }

    fn pairs(&mut self, map: Position, depth: usize) -> Result<Vec<Pair<'a>>, Problem> {
        let mut pairs: Vec<Pair<'a>> = Vec::new();
        loop {
            let (key, key_position) = match self.next()? {
                (Event::MappingEnd, _) => {
                    pairs.shrink_to_fit();
                    return Ok(pairs);
                }
                (Event::Scalar(key, ..), position) => (key, position),
                (_, position) => return Err(Problem::at(position, "a key must be plain text")),
            };
            let (event, position) = self.next()?;
            let value = self.node(event, position, depth)?;
            if pairs.len() == MAX_KEYS {
                return Err(Problem::at(map, format!("there are more than {MAX_KEYS} keys here")));
            }
            match pairs.iter().find(|pair| pair.key == key) {
                Some(first) => self.problems.push(|| twice(first, key_position)),
                None => pairs.push(Pair { key, key_position, value }),
            }
        }
    }

    /// A copy of what the anchor stands for; aliases in it are copies already.
    fn alias(&mut self, id: usize, position: Position, depth: usize) -> Result<Value<'a>, Problem> {
        let Some(node) = self.anchors.get(&id).cloned() else {
            return Err(Problem::at(position, "the alias is part of what it stands for"));
        };
        self.count_copy(&node, position, depth)?;
        Ok(node.value)
    }

    fn count_copy(&mut self, node: &Node<'a>, position: Position, depth: usize) -> Result<(), Problem> {
        let (size, height) = size_and_height(node);
        self.copies += size;
        if self.copies > MAX_COPIES || depth + height > MAX_DEPTH {
            return Err(Problem::at(position, "the aliases of the document stand for too much"));
        }
        Ok(())
    }
}

fn start(span: &Span) -> Position {
    Position::new(span.start.line(), span.start.col() + 1)
}

fn syntax(error: &ScanError) -> Problem {
    let marker = error.marker();
    Problem::at(Position::new(marker.line(), marker.col() + 1), error.info())
}

fn twice(first: &Pair<'_>, again: Position) -> Problem {
    Problem::at(again, format!("`{}` is here twice, first in line {}", first.key, first.key_position.line))
}

/// How many nodes there are, and how deep.
fn size_and_height(node: &Node<'_>) -> (usize, usize) {
    let of_children = |(size, height), child: &Node<'_>| {
        let (child_size, child_height) = size_and_height(child);
        (size + child_size, usize::max(height, child_height + 1))
    };
    match &node.value {
        Value::Scalar(_) => (1, 0),
        Value::List(items) => items.iter().fold((1, 1), of_children),
        Value::Map(pairs) => pairs.iter().map(|pair| &pair.value).fold((1, 1), of_children),
    }
}
