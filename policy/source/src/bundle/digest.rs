//! The hash of a file as OPA signs it: of JSON what it says and not how it is written, of others the bytes.
//!
//! After `v1/bundle/hash.go` of OPA: an object is `{`, its keys in order with `:` and the value, `,` between them, `}`;
//! strings and keys are written as Go's `encoding/json` writes them, numbers stay as they are.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// Each level is scanned again by those above it, and recursion needs stack.
const DEPTH: usize = 128;

/// SHA-256 of what a JSON document says.
///
/// # Errors
/// It is not JSON, or too deep.
pub(super) fn of_json(text: &[u8]) -> Result<[u8; 32], String> {
    let root: &RawValue = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let mut hash = Sha256::new();
    walk(root, &mut hash, DEPTH)?;
    Ok(hash.finalize().into())
}

fn walk(value: &RawValue, hash: &mut Sha256, depth: usize) -> Result<(), String> {
    let text = value.get();
    let depth = depth.checked_sub(1).ok_or_else(|| format!("nested more than {DEPTH} levels deep"))?;
    match text.as_bytes().first() {
        Some(b'{') => object(&parsed(text)?, hash, depth)?,
        Some(b'[') => array(&parsed::<Vec<&RawValue>>(text)?, hash, depth)?,
        Some(b'"') => hash.update(encoded(&parsed::<String>(text)?)?),
        _ => hash.update(text),
    }
    Ok(())
}

fn object(fields: &BTreeMap<String, &RawValue>, hash: &mut Sha256, depth: usize) -> Result<(), String> {
    hash.update("{");
    for (index, (key, value)) in fields.iter().enumerate() {
        hash.update(if index > 0 { "," } else { "" });
        hash.update(encoded(key)?);
        hash.update(":");
        walk(value, hash, depth)?;
    }
    hash.update("}");
    Ok(())
}

fn array(items: &[&RawValue], hash: &mut Sha256, depth: usize) -> Result<(), String> {
    hash.update("[");
    for (index, item) in items.iter().enumerate() {
        hash.update(if index > 0 { "," } else { "" });
        walk(item, hash, depth)?;
    }
    hash.update("]");
    Ok(())
}

fn parsed<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Go escapes two characters more than serde_json.
fn encoded(text: &str) -> Result<String, String> {
    let json = serde_json::to_string(text).map_err(|error| error.to_string())?;
    Ok(json.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha256(text: &str) -> [u8; 32] {
        Sha256::digest(text).into()
    }

    #[test]
    fn how_it_is_written_does_not_count() {
        let canonical = sha256(r#"{"a":[1,1.0,1e3,null,true],"b":{"x":"é<&>"},"é":{}}"#);
        for text in [
            r#"{"a":[1,1.0,1e3,null,true],"b":{"x":"é<&>"},"é":{}}"#,
            "{ \"é\" : {},\n\"b\":{\"x\":\"\\u00e9\\u003c&>\"}, \"a\": [1 ,1.0, 1e3,null, true] }\n",
            r#"{"\u00e9":{},"b":{"x":"é<&>"},"a":[0],"a":[1,1.0,1e3,null,true]}"#,
        ] {
            assert_eq!(of_json(text.as_bytes()), Ok(canonical), "{text}");
        }
        for text in [r#"{"a":[1,1,1e3,null,true],"b":{"x":"é<&>"},"é":{}}"#, "{}", "[]"] {
            assert_ne!(of_json(text.as_bytes()), Ok(canonical), "{text}");
        }
    }

    #[test]
    fn strings_are_escaped_as_go_does() {
        let text = r#"["\b\f\n\r\t\u001f\"\\\/\u2028\u2029\u007f"]"#;
        assert_eq!(of_json(text.as_bytes()), Ok(sha256("[\"\\b\\f\\n\\r\\t\\u001f\\\"\\\\/\\u2028\\u2029\u{7f}\"]")));
    }

    #[test]
    fn what_is_no_json_or_too_deep_has_no_hash() {
        assert!(of_json(b"{").is_err());
        assert!(of_json(b"{} x").is_err());
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(of_json(deep(100).as_bytes()).is_ok());
        assert!(of_json(deep(200).as_bytes()).is_err());
    }
}
