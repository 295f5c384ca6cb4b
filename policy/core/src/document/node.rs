use std::borrow::Cow;

use serde::de::value::{Error, MapDeserializer, SeqDeserializer};
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::problem::Position;
use super::scalar::{Meaning, Scalar};

/// A value in a document that knows its place.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    pub(super) position: Position,
    pub(super) value: Value<'a>,
}

#[derive(Debug, Clone)]
pub(super) enum Value<'a> {
    Scalar(Scalar<'a>),
    List(Vec<Node<'a>>),
    Map(Vec<Pair<'a>>),
}

#[derive(Debug, Clone)]
pub(super) struct Pair<'a> {
    pub(super) key: Cow<'a, str>,
    pub(super) key_position: Position,
    pub(super) value: Node<'a>,
}

impl Node<'_> {
    /// The position of the value with this path, such as `/callers/3/identity`, or of the nearest value around it.
    pub(super) fn find(&self, path: &str) -> Position {
        let mut node = self;
        for step in path.split('/').skip(1) {
            let child = match &node.value {
                Value::List(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
                Value::Map(pairs) => pairs.iter().find(|pair| pair.key == step).map(|pair| &pair.value),
                Value::Scalar(_) => None,
            };
            match child {
                Some(child) => node = child,
                None => break,
            }
        }
        node.position
    }
}

impl<'de> Deserializer<'de> for &Node<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.value {
            Value::Scalar(scalar) => match scalar.meaning() {
                Meaning::Text(text) => visitor.visit_str(text),
                Meaning::Integer(integer) => visitor.visit_u64(integer),
                Meaning::Boolean(boolean) => visitor.visit_bool(boolean),
                Meaning::Null => visitor.visit_unit(),
                Meaning::Ambiguous(word) => Err(Error::custom(format_args!("`{}` reads as {word}", scalar.text))),
            },
            Value::List(items) => visitor.visit_seq(SeqDeserializer::new(items.iter())),
            Value::Map(pairs) => {
                visitor.visit_map(MapDeserializer::new(pairs.iter().map(|pair| (pair.key.as_ref(), &pair.value))))
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Error> for &Node<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
