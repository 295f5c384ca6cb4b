//! What can break on a call's way.

use crate::kept::between;
use crate::{Patient, complaints};

const CONSUMER: &str = "123456789012";
const STRANGER: &str = "666666666666";

pub(crate) fn breaks(patient: &Patient) {
    names(patient);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    patient.expect("connection", "red", "security group", &["--port", &closed]);
    let foreign = patient.kept.file("foreign.crt");
    patient.expect("tls", "red", "`--trust-anchors`", &["--trust-anchors", &foreign]);
    patient.expect("tls", "red", "by one it has", &["--host", "other.internal.example"]);
    certificates(patient);
    patient.expect("policy", "red", "policy explain --path /v1/payments", &["--path", "/v1/payments"]);
    consumer(patient);
}

fn names(patient: &Patient) {
    patient.dns.says(None);
    patient.expect("dns", "red", "private zone", &[]);
    patient.dns.says(Some([203, 0, 113, 7].into()));
    patient.expect("dns", "red", "private zone", &[]);
    patient.dns.says(Some([127, 0, 0, 1].into()));
    // Steps after a red one are not looked at, and not called red.
    let (_, document) = patient.look(&["--path", "/v1/payments"]);
    let unchecked = document["unchecked"].as_array().unwrap();
    assert!(unchecked.iter().any(|step| step["name"] == "upstream" && step["why"] == "a step before it is red"));
}

fn certificates(patient: &Patient) {
    let with = |name: &str| {
        ["--certificate", "--key"]
            .map(str::to_owned)
            .into_iter()
            .zip(["crt", "key"])
            .flat_map(|(flag, ending)| [flag, patient.kept.file(&format!("{name}.{ending}"))])
            .collect::<Vec<_>>()
    };
    let expect = |flags: &[String], remedy: &str| {
        patient.expect("certificate", "red", remedy, &flags.iter().map(String::as_str).collect::<Vec<_>>());
    };
    // Revoked in the course of the demo.
    expect(&with("orders-api"), "it was revoked");
    expect(&with("foreign"), "issued by the provider's");
    let mut other = with("ledger");
    other[3] = patient.kept.file("orders-api.key");
    expect(&other, "that belong together");
}

/// From the other account: its endpoint, and the same call.
fn consumer(patient: &Patient) {
    let kept = &patient.kept;
    let look = |account: &str, endpoint: &str| {
        let call = patient.call();
        let call: Vec<&str> = call.iter().map(String::as_str).collect();
        let flags = [&["doctor", "--from", "consumer", "--endpoint", endpoint][..], &call].concat();
        kept.json_with(&flags, &[("AWS_ACCESS_KEY_ID", account)])
    };
    let expect = |account: &str, endpoint: &str, words: &str| {
        let (code, document) = look(account, endpoint);
        let found = complaints(&document);
        let as_expected = matches!(&found[..], [(name, _, remedy)] if name == "endpoint" && remedy.contains(words));
        assert!(code == Some(1) && as_expected, "{found:?}");
    };
    let (code, document) = look(CONSUMER, &kept.endpoint);
    assert_eq!((code, &document["status"]), (Some(0), &"green".into()), "{document:#}");
    expect(CONSUMER, "vpce-0123456789abcdef0", "module `consumer`");
    // The stranger's was rejected in the course of the demo.
    let endpoints = kept.query_as(STRANGER, "ec2", "DescribeVpcEndpoints", &[]);
    expect(STRANGER, between(&endpoints, "<vpcEndpointId>", "</vpcEndpointId>"), "does not allow it");
}
