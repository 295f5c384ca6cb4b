//! How long one decision of a policy with 50 rules takes, of two kinds:
//! `cargo run --release -p policy-rego --example evaluation_time`.
//!
//! Prints median and 99th percentile; exits with 1 if a median is above 50 µs.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use policy::access::{AccessRequest, Effect};
use policy::{RequestPath, SpiffeId, Timestamp};
use policy_rego::{DEFAULT_BUDGET, Module, RegoPolicy, RegoRequest};
use serde_json::{Value, json};

const RULES: usize = 50;
const REQUESTS: usize = 20_000;
const LIMIT: Duration = Duration::from_micros(50);

fn main() -> ExitCode {
    let (rules, table) = (format!("{RULES} rules written out"), format!("{RULES} callers in data"));
    let medians =
        [(rules, written_out(), json!({})), (table, TABLE.to_owned(), callers())].map(|(name, text, data)| {
            let module = Module { path: "/policy.rego".to_owned(), text, v0: false };
            match RegoPolicy::compile(&[module], &[String::new()], data, DEFAULT_BUDGET) {
                Ok(policy) => measure(&name, &policy),
                Err(error) => {
                    report(&error.to_string());
                    Duration::MAX
                }
            }
        });
    ExitCode::from(u8::from(medians.into_iter().any(|median| median > LIMIT)))
}

fn measure(name: &str, policy: &RegoPolicy) -> Duration {
    let identities: Vec<SpiffeId> = (0..RULES).filter_map(|index| identity(index).parse().ok()).collect();
    let Ok(path) = RequestPath::parse("/v1/invoices/17") else { return Duration::MAX };
    let mut allowed = 0;
    let mut times: Vec<Duration> = (0..REQUESTS)
        .zip(identities.iter().cycle())
        .map(|(_, identity)| {
            let access = AccessRequest {
                identity,
                account: None,
                endpoint: None,
                method: "GET",
                path: &path,
                now: Timestamp::now(),
            };
            let request = RegoRequest {
                access,
                common_name: None,
                serial_number: None,
                not_after: Some(access.now),
                host: Some("x"),
            };
            let began = Instant::now();
            let decision = policy.decide(&request);
            let took = began.elapsed();
            allowed += usize::from(decision.effect == Effect::Allow);
            took
        })
        .collect();
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or(Duration::MAX);
    report(&format!("{name}: median {:?}, p99 {:?}; {allowed} of {REQUESTS} allowed", at(50), at(99)));
    at(50)
}

fn identity(index: usize) -> String {
    format!("spiffe://internal.example/prod/service-{index}")
}

fn written_out() -> String {
    let mut text = String::from(
        "package linkward

default authz := {\"allow\": false, \"reason\": \"noMatchingRule\"}

authz := {\"allow\": false, \"reason\": \"forbidden\", \"rule\": rule} if {
	some rule in forbid
} else := {\"allow\": true, \"reason\": \"permitted\", \"rule\": rule} if {
	some rule in permit
}

forbid contains \"secret\" if input.request.segments[2] == \"secret\"
",
    );
    for index in 1..RULES {
        text += &format!(
            "
permit contains \"read-{index}\" if {{
	input.identity.id == \"{}\"
	input.request.method in {{\"GET\", \"HEAD\"}}
	input.request.segments[1] == \"invoices\"
}}
",
            identity(index)
        );
    }
    text
}

/// Rules for everybody, and in `data` what each caller may do.
const TABLE: &str = "package linkward

default authz := {\"allow\": false, \"reason\": \"noMatchingCaller\"}

caller := data.callers[input.identity.id]

authz := {\"allow\": false, \"reason\": \"forbidden\", \"rule\": rule.id} if {
	some rule in caller.forbid
	matches(rule)
} else := {\"allow\": true, \"reason\": \"permitted\", \"rule\": rule.id} if {
	some rule in caller.permit
	matches(rule)
}

matches(rule) if {
	input.request.method in rule.methods
	some path in rule.paths
	regex.match(path, input.request.path)
}
";

fn callers() -> Value {
    let caller = json!({
        "permit": [{ "id": "read", "methods": ["GET", "HEAD"], "paths": ["^/v1/invoices$", "^/v1/invoices/[^/]+$"] }],
        "forbid": [{ "id": "secret", "methods": ["GET", "HEAD"], "paths": ["^/v1/invoices/secret$"] }],
    });
    let callers: serde_json::Map<String, Value> = (0..RULES).map(|index| (identity(index), caller.clone())).collect();
    json!({ "callers": callers })
}

#[expect(clippy::print_stdout, reason = "a command for people")]
fn report(line: &str) {
    println!("{line}");
}
