//! One certificate, many users: what is said of a certificate that comes through several endpoints.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::process::Stdio;
use support::authority::{CertificateContent, TestCertificate};
use support::client::Caller;
use support::{ORDERS, POLICY, Runtime, SERIAL, SOON, Setup};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

const INVENTORY: &str = "endpoints:
  - { endpointId: vpce-0a, account: \"111111111111\" }
  - { endpointId: vpce-0b, account: \"222222222222\" }
  - { endpointId: vpce-0c, account: \"111111111111\" }
";

fn setup() -> Setup {
    let setup = Setup::new().top("proxyProtocol: required");
    setup.write("endpoints.yaml", INVENTORY);
    setup.top("endpoints: { source: \"file:endpoints.yaml\", refresh: 50ms }")
}

async fn call(runtime: &Runtime, certificate: &TestCertificate, endpoint: &str) -> u16 {
    runtime.caller(certificate).through(endpoint).get("/v1/a").await.status
}

async fn shared(runtime: &Runtime) -> Vec<Value> {
    let status: Value = serde_json::from_str(&runtime.admin("/status").await.1).unwrap();
    status["sharedCertificates"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_certificate_of_two_accounts_is_shown_and_another_beside_it_is_not() {
    let runtime = setup().start().await;
    let (one, other) = (runtime.setup.caller(ORDERS), runtime.setup.caller(ORDERS));
    for endpoint in ["vpce-0a", "vpce-0a", "vpce-0c"] {
        assert_eq!(call(&runtime, &one, endpoint).await, 200);
    }
    assert_eq!(call(&runtime, &other, "vpce-0b").await, 200, "the same identity by a certificate of its own");
    assert!(shared(&runtime).await.is_empty());
    assert!((runtime.metric("linkward_shared_certificates{sign=\"accounts\"}").await).abs() < 0.1);
    assert_eq!(call(&runtime, &one, "vpce-0b").await, 200, "it is signalled, not denied");
    runtime.until_metric("linkward_shared_certificates{sign=\"accounts\"}", 1.0).await;
    let [found] = &shared(&runtime).await[..] else { panic!("one") };
    assert_eq!((&found["callerId"], &found["signs"]), (&json!(ORDERS), &json!(["accounts"])));
    let endpoints = found["endpoints"].as_array().unwrap();
    assert_eq!((endpoints.len(), &endpoints[2]["account"]), (3, &json!("222222222222")));
}

#[tokio::test]
async fn the_policy_says_from_how_many_endpoints_its_caller_may_come() {
    let setup = setup();
    let limited = POLICY
        .replace("consumers: []", "consumers: [{ account: \"111111111111\", maxEndpoints: 1 }]")
        .replace("orders-api\n", "orders-api\n    accounts: [\"111111111111\"]\n");
    setup.write("access.yaml", &limited);
    let runtime = setup.start().await;
    let certificate = runtime.setup.caller(ORDERS);
    assert_eq!(call(&runtime, &certificate, "vpce-0a").await, 200);
    assert!(shared(&runtime).await.is_empty());
    assert_eq!(call(&runtime, &certificate, "vpce-0c").await, 200);
    assert_eq!(shared(&runtime).await[0]["signs"], json!(["endpoints"]));
    assert_eq!(shared(&runtime).await[0]["maxEndpoints"], 1);
}

#[tokio::test]
async fn an_endpoint_whose_account_is_learnt_later_counts_then() {
    let setup = setup();
    setup.write("endpoints.yaml", &INVENTORY.replace("vpce-0b", "vpce-0e"));
    let runtime = setup.start().await;
    let certificate = runtime.setup.caller(ORDERS);
    for endpoint in ["vpce-0a", "vpce-0b"] {
        assert_eq!(call(&runtime, &certificate, endpoint).await, 200);
    }
    assert!(shared(&runtime).await.is_empty());
    runtime.setup.write("endpoints.yaml", INVENTORY);
    runtime.until_metric("linkward_shared_certificates{sign=\"accounts\"}", 1.0).await;
}

async fn started(setup: &Setup) -> (Child, SocketAddr) {
    setup.write("runtime.yaml", &setup.yaml());
    let mut command = Command::new(env!("CARGO_BIN_EXE_api-runtime"));
    command.arg("--config").arg(setup.path("runtime.yaml")).kill_on_drop(true);
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    loop {
        let mut line = String::new();
        timeout(SOON, log.read_line(&mut line)).await.unwrap().unwrap();
        written::check("api-runtime", &line);
        let line: Value = serde_json::from_str(&line).unwrap();
        if let Some(addr) = line["callers"].as_str() {
            child.stderr = Some(log.into_inner());
            return (child, addr.parse().unwrap());
        }
    }
}

#[tokio::test]
async fn the_log_says_it_once_for_each_new_fact() {
    let setup = setup().identity("maxEndpoints: 2").top("limits: { drain: 50ms }");
    let (mut child, addr) = started(&setup).await;
    let certificate = setup.authority.issue(&CertificateContent::caller(&[ORDERS]));
    let caller = Caller::new(addr, &setup.authority.pem, Some(&certificate));
    for endpoint in ["vpce-0a", "vpce-0b", "vpce-0a", "vpce-0b", "vpce-0c", "vpce-0c"] {
        let mut raw = caller.clone().through(endpoint).raw().await;
        for _ in 0..3 {
            assert_eq!(raw.get("/v1/a").await.status, 200);
        }
    }
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().await.unwrap().success());
    let mut text = String::new();
    timeout(SOON, child.stderr.take().unwrap().read_to_string(&mut text)).await.unwrap().unwrap();
    written::check("stderr", &text);
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let said: Vec<Value> = lines.filter(|line| line["event"] == "certificateShared").collect();
    let signs: Vec<_> = said.iter().map(|line| line["signs"].as_str().unwrap()).collect();
    assert_eq!(signs, ["accounts", "endpoints"], "{text}");
    assert_eq!((&said[0]["serialNumber"], &said[0]["callerId"]), (&json!(SERIAL), &json!(ORDERS)));
    assert_eq!((&said[0]["accounts"], &said[1]["maxEndpoints"]), (&json!("111111111111 222222222222"), &json!(2)));
    assert_eq!(said[1]["endpointIds"], "vpce-0a vpce-0b vpce-0c");
}
