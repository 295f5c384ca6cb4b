//! As much of JSON Schema as the project's schemas use but for patterns, which parsers know better: a validator would cost
//! the AWS SDKs a second build.

use serde_json::Value;

/// What is wrong with a value by its schema, and where.
pub(crate) fn fault(schema: &Value, value: &Value, at: &str) -> Option<String> {
    let wrong = |what: String| Some(format!("{at}: {what}"));
    if let Some(types) = schema.get("type") {
        let is = |name: &Value| is_of(value, name.as_str().unwrap());
        if !types.as_array().map_or_else(|| is(types), |types| types.iter().any(is)) {
            return wrong(format!("no {types}"));
        }
    }
    if schema.get("const").is_some_and(|constant| constant != value)
        || schema.get("enum").is_some_and(|words| !words.as_array().unwrap().contains(value))
    {
        return wrong("another word".to_owned());
    }
    if let Some(bound) = unbound(schema, value) {
        return wrong(format!("not within its {bound}"));
    }
    if let Some(alternatives) = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array) {
        let fitting = alternatives.iter().filter(|alternative| fault(alternative, value, at).is_none()).count();
        if fitting == 0 || (fitting > 1 && schema.get("oneOf").is_some()) {
            return wrong(format!("{fitting} alternatives fit"));
        }
    }
    items(schema, value, at).or_else(|| fields(schema, value, at))
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("the type `{other}`"),
    }
}

fn unbound<'a>(schema: &Value, value: &Value) -> Option<&'a str> {
    let size = match value {
        Value::String(text) => text.chars().count() as f64,
        Value::Array(values) => values.len() as f64,
        Value::Number(number) => number.as_f64().unwrap(),
        _ => return None,
    };
    let (least, most) = match value {
        Value::String(_) => ("minLength", "maxLength"),
        Value::Array(_) => ("minItems", "maxItems"),
        _ => ("minimum", "maximum"),
    };
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    match (bound(least), bound(most)) {
        (Some(bound), _) if size < bound => Some(least),
        (_, Some(bound)) if size > bound => Some(most),
        _ => None,
    }
}

fn items(schema: &Value, value: &Value, at: &str) -> Option<String> {
    let (items, values) = (schema.get("items")?, value.as_array()?);
    values.iter().enumerate().find_map(|(index, value)| fault(items, value, &format!("{at}[{index}]")))
}

fn fields(schema: &Value, value: &Value, at: &str) -> Option<String> {
    let fields = value.as_object()?;
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    if let Some(missing) = required.into_iter().find(|name| !fields.contains_key(*name)) {
        return Some(format!("{at}.{missing}: missing"));
    }
    let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    fields.iter().find_map(|(name, value)| match schema.get("properties").and_then(|known| known.get(name)) {
        Some(schema) => fault(schema, value, &format!("{at}.{name}")),
        None => closed.then(|| format!("{at}.{name:.80}: unknown")),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_schema_forbids_is_found() {
        let schema = json!({
            "type": "object", "required": ["a"], "additionalProperties": false, "oneOf": [{"required": ["b"]}, {"required": ["c"]}],
            "properties": {
                "a": {"type": "string", "minLength": 1, "maxLength": 3}, "b": {"type": "integer", "maximum": 7},
                "c": {"type": ["array", "null"], "minItems": 1, "items": {"enum": ["x"]}}
            }
        });
        for right in [json!({"a": "é", "b": 7}), json!({"a": "abc", "c": ["x"]}), json!({"a": "a", "c": null})] {
            assert_eq!(fault(&schema, &right, "$"), None, "{right}");
        }
        for wrong in [
            json!([]),
            json!({"b": 7}),
            json!({"a": "", "b": 7}),
            json!({"a": "abcd", "b": 7}),
            json!({"a": "a", "b": 8}),
            json!({"a": "a", "b": 7.5}),
            json!({"a": "a", "b": 7, "c": ["x"]}),
            json!({"a": "a", "c": []}),
            json!({"a": "a", "c": ["y"]}),
            json!({"a": "a", "b": 7, "d": 1}),
        ] {
            assert!(fault(&schema, &wrong, "$").is_some(), "{wrong}");
        }
    }
}
