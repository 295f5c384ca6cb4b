//! Why a document was refused: held against its own JSON Schema, the very one that is published.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use serde_json::Value as Schema;

use super::node::{Node, Pair, Value};
use super::problem::{Position, Problem, Problems};
use super::scalar::{Meaning, Scalar};
use super::suggestion;
use super::tree::Tree;
use crate::date_time::DateTime;
use crate::endpoint::Unlisted;
use crate::{
    AccountId, IdentityPattern, Method, OrganizationalUnitId, PathTemplate, Region, RuleId, SerialNumber, ServiceId,
    SpiffeId, TrustDomain, VpcEndpointId,
};

/// Everything that does not fit the schema. It is cut out of the tree, so that what is left can be looked at further.
pub(super) fn against_schema(tree: &mut Tree<'_>, schema: &Schema) -> Problems {
    let mut explainer = Explainer { root: schema, problems: std::mem::take(&mut tree.problems) };
    explainer.value(&mut tree.root, schema);
    explainer.problems
}

struct Explainer<'s> {
    root: &'s Schema,
    problems: Problems,
}

impl<'s> Explainer<'s> {
    /// Looks at one value and cuts out of it what is wrong; whether what is left fits the schema.
    fn value(&mut self, node: &mut Node<'_>, schema: &'s Schema) -> bool {
        let (schema, name) = self.resolve(schema);
        let position = node.position;
        match (text_of(schema, "type"), &mut node.value) {
            ("object", Value::Map(pairs)) => self.map(pairs, position, schema),
            ("array", Value::List(items)) => self.list(items, position, schema),
            ("string", Value::Scalar(scalar)) => self.string(scalar, position, schema, name),
            ("integer", Value::Scalar(scalar)) => self.integer(scalar, position, schema, name),
            (_, value) => {
                self.wrong(position, || format!("expected {}, found {}", expected(schema, name), found(value)))
            }
        }
    }

    /// Follows a reference; the name is the one of the Rust type.
    fn resolve(&self, schema: &'s Schema) -> (&'s Schema, &'s str) {
        let name = text_of(schema, "$ref").strip_prefix("#/$defs/");
        match name.and_then(|name| Some((self.root.get("$defs")?.get(name)?, name))) {
            Some(resolved) => resolved,
            None => (schema, ""),
        }
    }

    fn list(&mut self, items: &mut Vec<Node<'_>>, position: Position, schema: &'s Schema) -> bool {
        let needs_one = schema.get("minItems").is_some();
        if items.is_empty() && needs_one {
            return self.wrong(position, || "the list is empty; leave the key out or name something".to_owned());
        }
        if let Some(schema) = schema.get("items") {
            items.retain_mut(|item| self.value(item, schema));
        }
        !(items.is_empty() && needs_one)
    }

    fn map(&mut self, pairs: &mut Vec<Pair<'_>>, position: Position, schema: &'s Schema) -> bool {
        let properties = schema.get("properties").and_then(Schema::as_object);
        let keys = || properties.into_iter().flatten().map(|(key, _)| key.as_str());
        let mut meant = Vec::new();
        for pair in pairs.iter().filter(|pair| !keys().any(|key| *key == *pair.key)) {
            let suggestion = suggestion::nearest(&pair.key, keys());
            meant.extend(suggestion);
            self.wrong(pair.key_position, || unknown_key(&pair.key, suggestion, keys()));
        }
        let is_there = |key: &str| meant.contains(&key) || has(pairs, key);
        for key in required(schema).filter(|key| !is_there(key)) {
            self.wrong(position, || format!("`{key}` is missing"));
        }
        self.check_alternatives(position, schema, is_there);
        pairs.retain_mut(|pair| match properties.and_then(|properties| properties.get(pair.key.as_ref())) {
            Some(schema) => self.value(&mut pair.value, schema),
            None => false,
        });
        self.assume_constants(pairs, position, schema);
        let alternatives = alternatives(schema);
        required(schema).all(|key| has(pairs, key))
            && (alternatives.is_empty() || alternatives.iter().filter(|key| has(pairs, key)).count() == 1)
    }

    fn check_alternatives(&mut self, position: Position, schema: &'s Schema, is_there: impl Fn(&str) -> bool) {
        let alternatives = alternatives(schema);
        let there = alternatives.iter().filter(|key| is_there(key)).count();
        let listed = || quoted(alternatives.iter().copied());
        if there == 0 && !alternatives.is_empty() {
            self.wrong(position, || format!("one of {} is missing", listed()));
        } else if there > 1 {
            self.wrong(position, || format!("only one of {} may be here", listed()));
        }
    }

    /// Of a key that has only one right value it is clear what was meant.
    fn assume_constants(&self, pairs: &mut Vec<Pair<'_>>, position: Position, schema: &'s Schema) {
        for key in required(schema).filter(|key| !has(pairs, key)).collect::<Vec<_>>() {
            let property = schema.get("properties").and_then(|properties| properties.get(key));
            if let Some(only) = property.and_then(|property| only_value(self.resolve(property).0)) {
                let scalar = Scalar { text: only.to_string().into(), is_quoted: false };
                let value = Node { position, value: Value::Scalar(scalar) };
                pairs.push(Pair { key: key.to_owned().into(), key_position: position, value });
            }
        }
    }

    fn string(&mut self, scalar: &Scalar<'_>, position: Position, schema: &Schema, name: &str) -> bool {
        let reads_as = match scalar.meaning() {
            Meaning::Text(text) => {
                return match check_text(name, text) {
                    Ok(()) => true,
                    Err(message) => self.wrong(position, || message),
                };
            }
            Meaning::Null => {
                return self.wrong(position, || format!("expected {}, found nothing", expected(schema, name)));
            }
            Meaning::Integer(_) => "a number",
            Meaning::Boolean(_) => "true or false",
            Meaning::Ambiguous(word) => word,
        };
        self.wrong(position, || format!("`{0}` reads as {reads_as}: put it in quotes, \"{0}\"", scalar.text))
    }

    fn integer(&mut self, scalar: &Scalar<'_>, position: Position, schema: &Schema, name: &str) -> bool {
        let limit = |key| schema.get(key).and_then(Schema::as_u64);
        let limits = limit("minimum").unwrap_or(0)..=limit("maximum").unwrap_or(u64::MAX);
        let fits = |integer| only_value(schema).map_or(limits.contains(&integer), |only| integer == only);
        match scalar.meaning() {
            Meaning::Integer(integer) if fits(integer) => true,
            _ => {
                self.wrong(position, || format!("expected {}, found {}", expected(schema, name), found_scalar(scalar)))
            }
        }
    }

    /// Notes a problem; false, for those who are asked whether a value fits.
    fn wrong(&mut self, position: Position, message: impl FnOnce() -> String) -> bool {
        self.problems.push(|| Problem::at(position, message()));
        false
    }
}

/// The integer that is the only right one, if there is only one.
fn only_value(schema: &Schema) -> Option<u64> {
    schema.get("enum")?.as_array()?.first()?.as_u64()
}

fn has(pairs: &[Pair<'_>], key: &str) -> bool {
    pairs.iter().any(|pair| pair.key == key)
}

fn text_of<'s>(schema: &'s Schema, key: &str) -> &'s str {
    schema.get(key).and_then(Schema::as_str).unwrap_or_default()
}

fn required(schema: &Schema) -> impl Iterator<Item = &str> {
    schema.get("required").and_then(Schema::as_array).into_iter().flatten().filter_map(Schema::as_str)
}

/// `oneOf` stands for keys of which exactly one must be there.
fn alternatives(schema: &Schema) -> Vec<&str> {
    schema.get("oneOf").and_then(Schema::as_array).into_iter().flatten().flat_map(required).collect()
}

fn quoted<'k>(keys: impl Iterator<Item = &'k str>) -> String {
    keys.map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}

fn unknown_key<'k>(key: &str, suggestion: Option<&str>, keys: impl Iterator<Item = &'k str>) -> String {
    let key = key.escape_debug();
    match suggestion {
        Some(suggestion) => format!("unknown key `{key}`, did you mean `{suggestion}`?"),
        None => {
            // In one order, whatever serde_json's features make of the schema's.
            let keys: BTreeSet<&str> = keys.collect();
            format!("unknown key `{key}`, the keys here are {}", quoted(keys.into_iter()))
        }
    }
}

/// A named type says itself what it is; the description of a field says what the field is for.
fn expected<'s>(schema: &'s Schema, name: &str) -> &'s str {
    match text_of(schema, "type") {
        "object" => "keys and values",
        "array" => "a list",
        _ if !name.is_empty() => text_of(schema, "description"),
        "integer" => "a whole number",
        _ => "text",
    }
}

fn found(value: &Value<'_>) -> String {
    match value {
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "keys and values".to_owned(),
        Value::Scalar(scalar) => found_scalar(scalar),
    }
}

fn found_scalar(scalar: &Scalar<'_>) -> String {
    match scalar.meaning() {
        Meaning::Null => "nothing".to_owned(),
        _ if scalar.is_quoted => format!("`\"{}\"`", scalar.text),
        _ => format!("`{}`", scalar.text),
    }
}

/// What the type itself says of the text.
fn check_text(type_name: &str, text: &str) -> Result<(), String> {
    fn check<T: FromStr<Err: Display>>(text: &str) -> Result<(), String> {
        text.parse::<T>().map(drop).map_err(|error| error.to_string())
    }
    match type_name {
        "AccountId" => check::<AccountId>(text),
        "DateTime" => check::<DateTime>(text),
        "IdentityPattern" => check::<IdentityPattern>(text),
        "Method" => check::<Method>(text),
        "OrganizationalUnitId" => check::<OrganizationalUnitId>(text),
        "PathTemplate" => check::<PathTemplate>(text),
        "Region" => check::<Region>(text),
        "RuleId" => check::<RuleId>(text),
        "SerialNumber" => check::<SerialNumber>(text),
        "ServiceId" => check::<ServiceId>(text),
        "SpiffeId" => check::<SpiffeId>(text),
        "TrustDomain" => check::<TrustDomain>(text),
        "Unlisted" => check::<Unlisted>(text),
        "VpcEndpointId" => check::<VpcEndpointId>(text),
        _ => Ok(()),
    }
}
