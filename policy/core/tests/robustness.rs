//! Whatever the bytes, the parsers neither panic nor leave anybody in the dark, and the two formats mean the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::sync::LazyLock;

use policy::deny_list::DenyList;
use policy::inventory::Inventory;
use policy::{DocumentError, Format, Policy};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

const SAMPLE: &str = include_str!("samples/access-policy.yaml");

static SCHEMA: LazyLock<jsonschema::Validator> =
    LazyLock::new(|| jsonschema::validator_for(&policy::json_schema()).unwrap());

fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) }
}

fn sample() -> Value {
    json!({
        "version": 1,
        "trustDomain": "a",
        "endpoints": {"unlisted": "hold", "consumers": [
            {"account": "123456789012", "name": "x", "regions": ["eu-west-1"], "services": ["vpce-svc-1"], "maxEndpoints": 4},
            {"organizationalUnit": "ou-ab12-abcdefgh", "validUntil": "2027-03-31T00:00:00Z"}
        ]},
        "callers": [
            {"identity": "spiffe://a/b", "accounts": ["123456789012"], "validUntil": "2027-03-31T00:00:00Z",
             "permit": [{"id": "r", "methods": ["GET"], "paths": ["/a", "/b/{id}"]}], "forbid": [{"paths": ["/b/x"]}]},
            {"identity": "spiffe://a/c/*"}
        ]
    })
}

fn parse(text: &[u8], format: Format) -> Result<Policy, DocumentError> {
    Policy::parse(text, format, "f", "r1".into())
}

/// Every problem says what and where.
fn assert_explained(error: &DocumentError, text: &str) {
    assert!(!error.problems().is_empty(), "{text}");
    for problem in error.problems() {
        assert!(
            !problem.message().is_empty() && problem.line().is_some() && problem.column().is_some(),
            "{error}\n{text}"
        );
    }
}

/// The pointers of all values in a document.
fn pointers(value: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| pointers(item, &format!("{at}/{index}"), into))
        }
        Value::Object(map) => map.iter().for_each(|(key, value)| pointers(value, &format!("{at}/{key}"), into)),
        _ => {}
    }
}

/// What somebody might write where something else belongs.
fn intruder() -> impl Strategy<Value = Value> {
    let texts = [
        "",
        "no",
        "123456789012",
        "spiffe://a/b",
        "spiffe://a/c/*",
        "spiffe://b/c",
        "/a",
        "/a/*",
        "/{*r}",
        "GET",
        "get",
        "eu-west-1",
        "hold",
        "r",
    ];
    prop_oneof![
        select(texts.to_vec()).prop_map(Value::from),
        select(vec![
            json!(null),
            json!(true),
            json!(0),
            json!(1),
            json!(-1),
            json!(1.5),
            json!(123_456_789_012_u64),
            json!(1e300)
        ]),
        select(vec![
            json!([]),
            json!({}),
            json!([1]),
            json!(["GET"]),
            json!({"paths": ["/a"]}),
            json!({"identity": "spiffe://a/b"})
        ]),
    ]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn one_wrong_value_is_found_in_either_format(intruder in intruder(), at in any::<Index>(), new_key in any::<bool>()) {
        let mut document = sample();
        let mut all = Vec::new();
        pointers(&document, "", &mut all);
        let target = document.pointer_mut(&all[at.index(all.len())]).unwrap();
        match target {
            Value::Object(map) if new_key => _ = map.insert("extra".to_owned(), intruder),
            Value::Array(items) if new_key => items.push(intruder),
            _ => *target = intruder,
        }
        for text in [document.to_string(), format!("{document:#}")] {
            let (in_json, in_yaml) = (parse(text.as_bytes(), Format::Json), parse(text.as_bytes(), Format::Yaml));
            match (&in_json, &in_yaml) {
                (Ok(_), Ok(_)) => prop_assert!(SCHEMA.is_valid(&document), "{}", text),
                (Err(in_json), Err(in_yaml)) => {
                    prop_assert_eq!(in_json, in_yaml);
                    assert_explained(in_json, &text);
                }
                _ => panic!("the formats disagree: {:?} {:?}\n{text}", in_json.err(), in_yaml.err()),
            }
        }
    }

    #[test]
    fn a_slip_in_the_text_is_explained_or_harmless(
        at in any::<Index>(),
        length in 0..4_usize,
        insert in "[a-zA-Z0-9 :\\-\\[\\]{}&*!|>'\"%@`,?#\\n\\t]{0,3}",
    ) {
        for (text, format) in [(SAMPLE.to_owned(), Format::Yaml), (format!("{:#}", sample()), Format::Json)] {
            let start = at.index(text.len());
            let end = usize::min(start + length, text.len());
            let changed = format!("{}{insert}{}", &text[..start], &text[end..]);
            if let Err(error) = parse(changed.as_bytes(), format) {
                assert_explained(&error, &changed);
            }
        }
    }

    #[test]
    fn no_bytes_make_a_parser_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..64),
        text in "[a-c0-9:\\-\\[\\]{}&*!|>'\" \\n]{0,40}",
    ) {
        for bytes in [&bytes, text.as_bytes()] {
            for format in [Format::Yaml, Format::Json] {
                let _ = parse(bytes, format).map_err(|error| error.to_string());
                let _ = DenyList::parse(bytes, format, "f").map_err(|error| error.to_string());
                let _ = Inventory::parse(bytes, format, "f").map_err(|error| error.to_string());
            }
        }
    }
}
