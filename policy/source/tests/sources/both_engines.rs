//! One policy as a document and as Rego, from every source: the same decisions.

use std::fs;
use std::path::Path;
use std::time::Duration;

use policy::access::AccessRequest;
use policy::{AccountId, RequestPath, SpiffeId, Timestamp, VpcEndpointId};
use policy_source::bundle::BundleSettings;
use policy_source::{Decision, Engine, Load, PolicySource, RegoRequest};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::packing::Packed;
use crate::server::{Server, answer};

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

/// Identities that a policy names and that ask.
const IDENTITIES: [&str; 6] = ["a", "a/b", "a/b/c", "a/bc", "d", "d/e"];
const ACCOUNTS: [&str; 2] = ["111111111111", "222222222222"];
const TIMES: [&str; 3] = ["2026-01-01T00:00:00Z", "2026-06-01T12:00:00.5Z", "2027-01-01T00:00:00+01:00"];
const METHODS: [&str; 4] = ["GET", "POST", "PURGE", "get"];
const TEMPLATES: [&str; 9] =
    ["/", "/v1", "/v1/", "/v1/{id}", "/v1/x%20y", "/v1/7:stop", "/{*rest}", "/v1/{*rest}", "/{id}/x/{*rest}"];
const PATHS: [&str; 14] = [
    "/",
    "/v1",
    "/v1/",
    "/v1/x",
    "/v1/x/",
    "/v1/x%20y",
    "/v1/7:stop",
    "/v1/7%3Astop",
    "/v1/7%3astop",
    "/%76%31/x",
    "/v2/x/z",
    "/v2/x",
    "/v1/x/z/%C3%A9",
    "/v1/%7Bid%7D",
];

fn identity(path: &str) -> String {
    format!("spiffe://internal.example/{path}")
}

fn any_rule() -> impl Strategy<Value = Value> {
    let methods = proptest::option::of(proptest::sample::subsequence(&METHODS[..3], 1..=2));
    let paths = proptest::sample::subsequence(&TEMPLATES[..], 1..=3);
    (methods, paths).prop_map(|(methods, paths)| {
        let mut rule = json!({ "paths": paths });
        if let Some(methods) = methods {
            rule["methods"] = json!(methods);
        }
        rule
    })
}

fn any_rules(kind: &'static str) -> impl Strategy<Value = Vec<Value>> {
    let rules = proptest::collection::vec(any_rule(), 0..4);
    rules.prop_map(move |mut rules| {
        for (index, rule) in rules.iter_mut().rev().enumerate() {
            rule["id"] = json!(format!("{kind}-{index}"));
        }
        rules
    })
}

fn any_caller(identity: String) -> impl Strategy<Value = Value> {
    let accounts = proptest::option::weighted(0.3, proptest::sample::subsequence(&ACCOUNTS[..], 1..=2));
    let until = proptest::option::weighted(0.3, proptest::sample::select(&TIMES[..]));
    (accounts, until, any_rules("permit"), any_rules("forbid")).prop_map(
        move |(accounts, until, permit, mut forbid)| {
            forbid.truncate(1);
            let mut caller = json!({ "identity": identity, "permit": permit, "forbid": forbid });
            if let Some(accounts) = accounts {
                caller["accounts"] = json!(accounts);
            }
            if let Some(until) = until {
                caller["validUntil"] = json!(until);
            }
            caller
        },
    )
}

fn any_document() -> impl Strategy<Value = Value> {
    let names: Vec<String> = IDENTITIES.iter().flat_map(|path| [identity(path), identity(path) + "/*"]).collect();
    let callers = proptest::sample::subsequence(names, 1..6)
        .prop_flat_map(|names| names.into_iter().map(any_caller).collect::<Vec<_>>());
    callers.prop_map(|callers| json!({ "version": 1, "trustDomain": "internal.example", "callers": callers }))
}

#[derive(Clone, Debug)]
struct Asked {
    identity: &'static str,
    account: Option<&'static str>,
    method: &'static str,
    path: &'static str,
    now: &'static str,
}

fn any_request() -> impl Strategy<Value = Asked> {
    let account = proptest::option::of(proptest::sample::select(&ACCOUNTS[..]));
    let (identity, method) = (proptest::sample::select(&IDENTITIES[..]), proptest::sample::select(&METHODS[..]));
    let (path, now) = (proptest::sample::select(&PATHS[..]), proptest::sample::select(&TIMES[..]));
    (identity, account, method, path, now).prop_map(|(identity, account, method, path, now)| Asked {
        identity,
        account,
        method,
        path,
        now,
    })
}

fn decide(engine: &Engine, asked: &Asked) -> Decision {
    let identity: SpiffeId = identity(asked.identity).parse().unwrap();
    let account: Option<AccountId> = asked.account.map(|account| account.parse().unwrap());
    let endpoint: VpcEndpointId = "vpce-0a".parse().unwrap();
    let path = RequestPath::parse(asked.path).unwrap();
    let now: Timestamp = asked.now.parse().unwrap();
    let access = AccessRequest {
        identity: &identity,
        account: account.as_ref(),
        endpoint: account.as_ref().map(|_| &endpoint),
        method: asked.method,
        path: &path,
        now,
    };
    engine.authorize(&RegoRequest { access, common_name: None, serial_number: None, not_after: None, host: None })
}

async fn load(uri: &str, base: &Path) -> Engine {
    // A test's machine may be busy; a budget would make its decisions differ.
    let settings = BundleSettings { budget: Duration::from_secs(20), ..BundleSettings::default() };
    let mut source = PolicySource::open_with(&uri.parse().unwrap(), base, &settings).await.unwrap();
    source.load().await.unwrap().unwrap().1
}

/// From a file in both formats, and as a bundle from a file and a web server.
async fn from_every_source(document: &Value) -> Vec<(&'static str, Engine)> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let bundle = Packed::default()
        .file("/data.json", &rego_data(document).to_string())
        .file("/linkward/authz.rego", RULES)
        .file("/.manifest", "{\"revision\":\"1\",\"roots\":[\"linkward\",\"callers\"]}")
        .archive();
    write("access.json", document.to_string().as_bytes());
    // JSON is YAML.
    write("access.yaml", format!("{document:#}").as_bytes());
    write("bundle.tar.gz", &bundle);
    let server = Server::start([answer(200, "", &bundle)]);
    let over_http = format!("bundle:{}/bundle.tar.gz", server.url);
    let mut engines = Vec::new();
    for (name, uri) in [
        ("document", "file:access.json"),
        ("yaml", "file:access.yaml"),
        ("bundle", "bundle:bundle.tar.gz"),
        ("web", over_http.as_str()),
    ] {
        engines.push((name, load(uri, folder.path()).await));
    }
    engines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn both_engines_decide_alike_from_every_source(
        document in any_document(),
        requests in proptest::collection::vec(any_request(), 40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let engines = runtime.block_on(from_every_source(&document));
        for asked in &requests {
            let expected = decide(&engines[0].1, asked);
            for (name, engine) in &engines[1..] {
                let decision = decide(engine, asked);
                prop_assert_eq!(
                    (decision.effect, decision.reason, &decision.rule),
                    (expected.effect, expected.reason, &expected.rule),
                    "{}: {:?}: {:?}", name, asked, decision.detail
                );
            }
        }
    }
}

/// The test above is worth something only if all kinds of decisions come up in it.
#[test]
fn generated_requests_meet_every_reason() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut met = std::collections::BTreeSet::new();
    for _ in 0..48 {
        let document = any_document().new_tree(&mut runner).unwrap().current().to_string();
        let policy =
            policy::Policy::parse(document.as_bytes(), policy::Format::Json, "access.json", "1".into()).unwrap();
        let engine = Engine::Declarative(policy);
        for _ in 0..40 {
            let asked = any_request().new_tree(&mut runner).unwrap().current();
            met.insert(decide(&engine, &asked).reason.as_str());
        }
    }
    let all = [
        "accountMismatch",
        "endpointUnknown",
        "forbidden",
        "grantExpired",
        "noMatchingCaller",
        "noMatchingRule",
        "permitted",
    ];
    assert_eq!(met.into_iter().collect::<Vec<_>>(), all);
}
