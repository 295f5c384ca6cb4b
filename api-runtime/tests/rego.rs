//! A policy in Rego behind the gate: what it is told, what its answers come to, and what becomes of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use api_runtime::Listener;
use serde_json::json;
use support::{ORDERS, SERIAL, STRANGER, Setup};

/// `package linkward` with these rules, and nothing else in the bundle but its revision.
fn bundle(revision: &str, rules: &str) -> Vec<u8> {
    let manifest = format!("{{\"revision\":\"{revision}\",\"roots\":[\"linkward\"]}}");
    let rules = format!("package linkward\n\n{rules}\n");
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (name, content) in [("/data.json", "{}"), ("/authz.rego", &rules), ("/.manifest", &manifest)] {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        header.set_cksum();
        tar.append(&header, content.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// A budget that a busy machine keeps.
fn setup(revision: &str, rules: &str) -> Setup {
    let setup = Setup::new().source("bundle:bundle.tar.gz").policy("bundle: { budget: 1s, cacheDirectory: cache }");
    publish(&setup, revision, rules);
    setup
}

fn publish(setup: &Setup, revision: &str, rules: &str) {
    std::fs::write(setup.path("new"), bundle(revision, rules)).unwrap();
    std::fs::rename(setup.path("new"), setup.path("bundle.tar.gz")).unwrap();
}

const METHODS: &str = "default authz := {\"allow\": false, \"reason\": \"noMatchingCaller\"}
authz := {\"allow\": true, \"rule\": \"read\"} if {
	input.identity.id == \"spiffe://internal.example/prod/orders-api\"
	input.request.method == \"GET\"
}
authz := {\"allow\": false, \"reason\": \"forbidden\", \"rule\": \"no-writes\"} if input.request.method == \"POST\"
authz := {\"allow\": false, \"reason\": \"on Sundays\"} if input.request.method == \"PUT\"
";

#[tokio::test]
async fn answers_and_log_say_what_the_policy_said() {
    let runtime = setup("7", METHODS).start().await;
    let mut raw = runtime.orders().raw().await;
    assert_eq!(raw.get("/v1/invoices").await.status, 200);
    let line = runtime.access_line().await;
    let logged = json!([line["decision"], line["reason"], line["ruleId"], line["policyRevision"]]);
    assert_eq!(logged, json!(["allow", "permitted", "read", "7"]));
    for (method, reason, rule) in [
        ("POST", "forbidden", json!("no-writes")),
        ("PUT", "noMatchingRule", json!("on Sundays")),
        ("OPTIONS", "noMatchingCaller", json!(null)),
    ] {
        raw.send(format!("{method} /v1/x HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")).await;
        let answer = raw.answer().await;
        assert_eq!((answer.status, &answer.json()["reason"]), (403, &json!(reason)), "{method}");
        let line = runtime.log_line(|line| line["method"] == method).await;
        assert_eq!((&line["reason"], line["ruleId"].clone()), (&json!(reason), rule), "{method}");
    }
    let stranger = runtime.caller(&runtime.setup.caller(STRANGER)).get("/v1/invoices").await;
    assert_eq!((stranger.status, &stranger.json()["reason"]), (403, &json!("noMatchingCaller")));
}

#[tokio::test]
async fn the_policy_is_told_of_certificate_path_and_host() {
    let rules = format!(
        "authz := {{\"allow\": true}} if {{
	input.identity == {{\"id\": \"{ORDERS}\", \"trustDomain\": \"internal.example\", \"path\": \"/prod/orders-api\", \"commonName\": input.identity.commonName}}
	input.certificate.serialNumber == \"{SERIAL}\"
	time.parse_rfc3339_ns(input.certificate.notAfter) > time.now_ns()
	input.endpoint == {{\"id\": null, \"account\": null}}
	input.request == {{\"method\": \"GET\", \"path\": \"/v1/a/b%20c/\", \"segments\": [\"v1\", \"a\", \"b c\", \"\"], \"host\": \"invoices.example\"}}
}}"
    );
    let runtime = setup("1", &rules).start().await;
    let mut raw = runtime.orders().raw().await;
    raw.send("GET /v1/%61/b%20c/?q=1 HTTP/1.1\r\nhost: invoices.example\r\n\r\n").await;
    let answer = raw.answer().await;
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    raw.send("GET /v1/%61/b%20c/?q=1 HTTP/1.1\r\nhost: other.example\r\n\r\n").await;
    assert_eq!(raw.answer().await.status, 403);
}

#[tokio::test]
async fn audit_mode_lets_pass_what_the_policy_denies_and_not_what_it_cannot_say() {
    let rules = "authz := {\"allow\": false} if input.request.segments[0] == \"denied\"
authz := {\"allow\": to_number(input.request.segments[1]) > 0} if input.request.segments[0] == \"number\"";
    let runtime = setup("1", rules).policy("mode: audit").start().await;
    let caller = runtime.orders();
    assert_eq!(caller.get("/denied").await.status, 200);
    assert_eq!(caller.get("/undefined").await.status, 200);
    assert_eq!(caller.get("/number/1").await.status, 200);
    let answer = caller.get("/number/none").await;
    assert_eq!((answer.status, &answer.json()["reason"]), (403, &json!("policyError")));
}

#[tokio::test]
async fn a_new_bundle_is_enforced_and_a_worse_one_is_not() {
    let runtime = setup("1", "authz := {\"allow\": true}").start().await;
    let mut raw = runtime.orders().raw().await;
    assert_eq!(raw.get("/").await.status, 200);
    publish(&runtime.setup, "2", "authz := {\"allow\": false, \"reason\": \"forbidden\"}");
    let denied = async || loop {
        let answer = runtime.orders().get("/").await;
        if answer.status == 403 {
            return answer;
        }
    };
    assert_eq!(tokio::time::timeout(support::SOON, denied()).await.unwrap().json()["reason"], "forbidden");
    assert_eq!(raw.get("/").await.status, 403, "the open connection is decided anew");
    for (revision, rules, says) in [
        ("1", "authz := {\"allow\": true}", "goes back"),
        ("3", "authz := {\"allow\": http.send({}).allowed}", "`http.send` is not supported"),
    ] {
        publish(&runtime.setup, revision, rules);
        let status = support::eventually_async(async || {
            let (_, status) = runtime.admin("/status").await;
            status.contains(says).then_some(status)
        })
        .await;
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        assert_eq!((&status["snapshots"]["policy"]["revision"], &status["policyCallers"]), (&json!("2"), &json!(null)));
        assert_eq!(runtime.orders().get("/").await.status, 403);
    }
}

#[tokio::test]
async fn nothing_starts_on_a_bundle_that_cannot_decide() {
    let setup = setup("1", "authz := input.nothing\nf := io.jwt.decode(\"x\")");
    let error = Listener::bind(setup.config()).await.unwrap_err().to_string();
    let place = format!("{}: authz.rego:4:", setup.path("bundle.tar.gz").display());
    assert!(error.contains(&place) && error.contains("`io.jwt.decode` is not supported"), "{error}");
    std::fs::remove_file(setup.path("bundle.tar.gz")).unwrap();
    let error = Listener::bind(setup.config()).await.unwrap_err().to_string();
    assert!(error.contains("cannot read") && error.contains("bundle.tar.gz"), "{error}");
}
