//! One policy, whatever it comes from, decides the same.

use policy::access::AccessRequest;
use policy::{Format, RequestPath, Revision, Timestamp};
use policy_source::{Document, Engine, Load, PolicyPublisher, PolicySource, RegoRequest};

use crate::line::Line;
use crate::{source, stack};

const POLICY: &str = r#"
version: 1
trustDomain: a.example
callers:
  - identity: spiffe://a.example/prod/orders
    accounts: ["123456789012"]
    permit: [{ id: read, methods: [GET, HEAD], paths: ["/v1/invoices", "/v1/invoices/{id}", "/v1/reports/{*rest}"] }]
    forbid: [{ paths: ["/v1/invoices/secret"] }]
  - identity: spiffe://a.example/prod/*
    validUntil: 2027-03-31T00:00:00Z
    permit: [{ methods: [POST], paths: ["/v1/{*rest}"] }]
  - identity: spiffe://a.example/stage/old
    validUntil: 2020-01-01T00:00:00Z
    permit: [{ paths: ["/{*rest}"] }]
"#;

/// Every decision over all combinations, as text.
fn decisions(policy: &Engine) -> Vec<String> {
    let identities = ["prod/orders", "prod/other", "prod/orders/deeper", "stage/old", "stage/new"];
    let paths = ["/v1/invoices", "/v1/invoices/7", "/v1/invoices/secret", "/v1/reports/a/b", "/v1", "/v1/invoices/"];
    let now: Timestamp = "2026-11-26T00:00:00Z".parse().unwrap();
    let (ours, theirs) = ("123456789012".parse().unwrap(), "210987654321".parse().unwrap());
    let mut decisions = Vec::new();
    for identity in identities.map(|name| format!("spiffe://a.example/{name}").parse().unwrap()) {
        for path in paths.map(|path| RequestPath::parse(path).unwrap()) {
            for method in ["GET", "POST", "DELETE"] {
                for account in [Some(&ours), Some(&theirs), None] {
                    let access =
                        AccessRequest { identity: &identity, account, endpoint: None, method, path: &path, now };
                    let decision = policy.authorize(&RegoRequest {
                        access,
                        common_name: None,
                        serial_number: None,
                        not_after: None,
                        host: None,
                    });
                    decisions.push(format!("{:?} {:?} {:?}", decision.effect, decision.reason, decision.rule));
                }
            }
        }
    }
    decisions
}

async fn decided(mut source: PolicySource) -> Vec<String> {
    decisions(&source.load().await.unwrap().unwrap().1)
}

#[tokio::test]
async fn the_same_policy_decides_the_same_from_every_source() {
    let stack = stack().await;
    let line = Line::to(stack.endpoint()).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("access.yaml"), POLICY).unwrap();
    let from_file =
        decided(PolicySource::open(&"file:access.yaml".parse().unwrap(), folder.path()).await.unwrap()).await;
    assert_eq!(from_file.len(), 5 * 6 * 3 * 3);
    let kinds = ["Permitted", "NoMatchingCaller", "NoMatchingRule", "Forbidden", "GrantExpired", "AccountMismatch"];
    for kind in kinds.into_iter().chain(["EndpointUnknown"]) {
        assert!(from_file.iter().any(|decision| decision.contains(kind)), "nothing is {kind}");
    }

    let to = stack.create_configuration("same").await.unwrap();
    stack.deploy_configuration(&to, "v1", "application/x-yaml", POLICY).await.unwrap();
    assert_eq!(decided(source(&line, "appconfig:same/same/same").await).await, from_file);

    let table = local_stack::deploy::tables(stack, "same-").await.unwrap().access_policy;
    let (format, name) = (Format::Yaml, "access.yaml".to_owned());
    let document = Document { revision: Revision::from("r1"), bytes: POLICY.into(), format, name };
    let publisher = PolicyPublisher::new(&table, &stack.sdk_config(&stack.provider()).await);
    publisher.publish(document, |_, _| {}).await.unwrap();
    assert_eq!(decided(source(&line, &format!("dynamodb:{table}")).await).await, from_file);
}
