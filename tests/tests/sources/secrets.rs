//! What a runtime trusts and shows, from where it is kept: its own certificate in Secrets Manager, CRLs in S3.

use std::time::{Duration, Instant};

use aws_sdk_secretsmanager::Client;
use serde_json::json;

use crate::authority::{CertificateContent, CrlContent, TestAuthority, TestCertificate};
use crate::gate::{Gate, Ground, with_files};
use crate::line::Line;
use crate::{policy, stack};

fn written(certificate: &TestCertificate) -> String {
    json!({"certificate": certificate.pem, "chain": "", "privateKey": certificate.key_pem}).to_string()
}

/// A server's certificate with this serial number, so that no two are alike.
fn server(ground: &Ground, serial: u8) -> TestCertificate {
    ground.authority.issue(&CertificateContent { serial: vec![serial], ..CertificateContent::server() })
}

/// Waits until new connections are shown this certificate.
async fn until_shown(gate: &Gate, caller: &TestCertificate, certificate: &TestCertificate) -> Duration {
    let began = Instant::now();
    while gate.connect(caller).await.server_certificate() != certificate.der {
        assert!(began.elapsed() < Duration::from_secs(60), "it is never shown");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    began.elapsed()
}

/// Waits until the last look at what it trusts failed, or did not.
async fn until_failing(gate: &Gate, failing: bool) {
    let began = Instant::now();
    while (gate.metrics().await["linkward_snapshot_failing{kind=\"trust\"}"] > 0.5) != failing {
        assert!(began.elapsed() < Duration::from_secs(60), "it never is: {failing}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_new_version_is_shown_to_new_callers_and_what_is_none_or_unreadable_changes_nothing() {
    let stack = stack().await;
    let line = Line::to(stack.endpoint()).await;
    let ground = Ground::new();
    ground.write("access.yaml", policy(1));
    let (first, second, third) = (server(&ground, 1), server(&ground, 2), server(&ground, 3));
    let client = Client::new(&stack.sdk_config(&stack.provider()).await);
    let arn = local_stack::deploy::secret(stack, "gate/server", &written(&first), &[]).await.unwrap();
    let put =
        async |value: String| client.put_secret_value().secret_id(&arn).secret_string(value).send().await.unwrap();
    let settings = format!(
        "  certificateChain: secretsmanager:{arn}\n  privateKey: secretsmanager:{arn}\n  clientTrustAnchors: ca.crt\n  \
         refresh: 1s\npolicy: {{ source: \"file:access.yaml\" }}\n"
    );
    let mut env = stack.env(&stack.provider());
    env.push(("AWS_ENDPOINT_URL".to_owned(), line.url.clone()));
    let gate = Gate::start(&ground, &settings, &env).await.unwrap();
    let caller = ground.caller("0", 0xa0);
    let mut open = gate.connect(&caller).await;
    assert!(open.server_certificate() == first.der && open.get("/v1/0").await.0 == 200);

    put(written(&second)).await;
    println!("secretsmanager: put to shown in {:?}", until_shown(&gate, &caller, &second).await);
    assert_eq!(open.get("/v1/0").await.0, 200, "an open connection stays as it is");

    // A key that is not the certificate's, and no certificate at all.
    let mixed = TestCertificate { der: Vec::new(), pem: third.pem.clone(), key_pem: first.key_pem.clone() };
    for bad in [written(&mixed), "hunter2".to_owned()] {
        put(bad).await;
        until_failing(&gate, true).await;
        let said = gate.status().await["snapshots"]["trust"]["error"].as_str().unwrap().to_owned();
        assert!(said.contains(&arn) && !said.contains("hunter2") && !said.contains("PRIVATE"), "{said}");
        assert_eq!(gate.connect(&caller).await.server_certificate(), second.der);
        put(written(&second)).await;
        until_failing(&gate, false).await;
    }

    line.cut().await;
    put(written(&third)).await;
    let error = Gate::start(&ground, &settings, &env).await.err().expect("it starts with no certificate");
    assert!(error.contains(&arn) && error.contains("secretsmanager:GetSecretValue"), "{error}");
    assert_eq!(gate.connect(&caller).await.server_certificate(), second.der, "the last good one stays");
    line.mend();
    until_shown(&gate, &caller, &third).await;
    assert_eq!(open.get("/v1/0").await.0, 200, "it has seen three certificates come");
}

#[tokio::test]
async fn a_new_crl_in_s3_ends_whom_it_revokes_and_one_that_is_none_changes_nothing() {
    let stack = stack().await;
    let (line, ground) = (Line::to(stack.endpoint()).await, Ground::new());
    ground.write("access.yaml", policy(2));
    stack.create_bucket("flow-crls").await.unwrap();
    let put = async |crl: Vec<u8>| stack.put_object("flow-crls", "ca.crl", crl).await.unwrap();
    let crl = |number, serials: &[&[u8]]| ground.authority.crl(&CrlContent::new(number, serials));
    let first = crl(1, &[]);
    put(first.clone()).await;
    let settings =
        with_files("  crls: [\"s3://flow-crls/ca.crl\"]\n  refresh: 1s\npolicy: { source: \"file:access.yaml\" }\n");
    let mut env = stack.env(&stack.provider());
    env.push(("AWS_ENDPOINT_URL".to_owned(), line.url.clone()));
    let gate = Gate::start(&ground, &settings, &env).await.unwrap();
    let (mut revoked, mut kept) =
        (gate.connect(&ground.caller("0", 0xc0)).await, gate.connect(&ground.caller("1", 0xc1)).await);
    assert_eq!((revoked.get("/v1/0").await.0, kept.get("/v1/1").await.0), (200, 200));

    let stranger = TestAuthority::root("Somebody else").crl(&CrlContent::new(9, &[&[0, 0, 0, 0xc1]]));
    for bad in [stranger, b"no CRL".to_vec(), crl(0, &[&[0, 0, 0, 0xc1]])] {
        put(bad).await;
        until_failing(&gate, true).await;
        assert_eq!(kept.get("/v1/1").await.0, 200, "the last good one stays");
        put(first.clone()).await;
        until_failing(&gate, false).await;
    }
    line.cut().await;
    let began = Instant::now();
    put(crl(2, &[&[0, 0, 0, 0xc0]])).await;
    assert_eq!((revoked.get("/v1/0").await.0, kept.get("/v1/1").await.0), (200, 200), "nobody knows of it yet");
    line.mend();
    println!("s3: put to closed in {:?}, an outage between", revoked.closed().await - began);
    assert_eq!(kept.get("/v1/1").await.0, 200);
}
