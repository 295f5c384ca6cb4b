//! A document as a bundle that decides the same.

use policy::RequestPath;
use serde_json::{Value, json};

use crate::packing::Packed;

/// Its archive.
pub(super) fn bundle(document: &Value) -> Vec<u8> {
    Packed::default()
        .file("/data.json", &rego_data(document).to_string())
        .file("/linkward/authz.rego", RULES)
        .file("/.manifest", "{\"revision\":\"1\",\"roots\":[\"linkward\",\"callers\"]}")
        .archive()
}

/// The declarative policy's meaning, in Rego, for the data that `rego_data` makes of a document.
const RULES: &str = r#"package linkward

default authz := {"allow": false, "reason": "noMatchingCaller"}

authz := {"allow": false, "reason": "grantExpired"} if {
	time.now_ns() >= time.parse_rfc3339_ns(caller.validUntil)
} else := {"allow": false, "reason": "endpointUnknown"} if {
	caller.accounts
	input.endpoint.account == null
} else := {"allow": false, "reason": "accountMismatch"} if {
	caller.accounts
	not input.endpoint.account in caller.accounts
} else := {"allow": false, "reason": "forbidden", "rule": min(forbidding)} if {
	count(forbidding) > 0
} else := {"allow": true, "reason": "permitted", "rule": min(permitting)} if {
	count(permitting) > 0
} else := {"allow": false, "reason": "noMatchingRule"} if {
	caller
}

caller := data.callers.exact[input.identity.id]

caller := nearest[0] if not data.callers.exact[input.identity.id]

# The entries above the identity, the longest first.
nearest := [data.callers.below[parent] |
	parts := split(input.identity.id, "/")
	some length in numbers.range(count(parts) - 1, 3)
	parent := concat("/", array.slice(parts, 0, length))
]

forbidding contains rule.id if {
	some rule in caller.forbid
	concerns(rule)
	some template in rule.decoded
	fits(template, input.request.segments)
}

permitting contains rule.id if {
	some rule in caller.permit
	concerns(rule)
	some template in rule.literal
	fits(template, array.slice(split(input.request.path, "/"), 1, 1000))
}

concerns(rule) if rule.methods == null

concerns(rule) if input.request.method in rule.methods

fits(template, segments) if {
	template.open
	count(segments) > count(template.parts)
	same(template.parts, segments)
}

fits(template, segments) if {
	not template.open
	count(segments) == count(template.parts)
	same(template.parts, segments)
}

same(parts, segments) if {
	every index, part in parts {
		covers(part, segments[index])
	}
}

covers(part, segment) if part == segment

covers(null, segment) if segment != ""
"#;

fn rego_data(document: &Value) -> Value {
    let mut callers = json!({ "exact": {}, "below": {} });
    for caller in document["callers"].as_array().unwrap() {
        let identity = caller["identity"].as_str().unwrap();
        let (kind, key) = identity.strip_suffix("/*").map_or(("exact", identity), |base| ("below", base));
        let mut entry = json!({ "permit": rules(&caller["permit"]), "forbid": rules(&caller["forbid"]) });
        for name in ["accounts", "validUntil"] {
            if let Some(value) = caller.get(name) {
                entry[name] = value.clone();
            }
        }
        callers[kind][key] = entry;
    }
    json!({ "callers": callers })
}

fn rules(rules: &Value) -> Value {
    let rendered = rules.as_array().unwrap().iter().map(|rule| {
        let templates = |decode: bool| -> Vec<Value> {
            rule["paths"].as_array().unwrap().iter().map(|path| template(path.as_str().unwrap(), decode)).collect()
        };
        let methods = rule.get("methods").cloned().unwrap_or(Value::Null);
        json!({ "id": rule["id"], "methods": methods, "literal": templates(false), "decoded": templates(true) })
    });
    rendered.collect()
}

fn template(path: &str, decode: bool) -> Value {
    let (open, path) = path.strip_suffix("/{*rest}").map_or((false, path), |path| (true, path));
    let part = |part: &str| match part {
        "{id}" => Value::Null,
        literal if decode => {
            json!(RequestPath::parse(&format!("/{literal}")).unwrap().decoded_segments().next().unwrap())
        }
        literal => json!(literal),
    };
    json!({ "open": open, "parts": path.split('/').skip(1).map(part).collect::<Vec<_>>() })
}
