//! Certificates that are rotated by the function as Lambda runs it, issued by the private CA of the local AWS, kept in its
//! Secrets Manager, and accepted by TLS. The emulator calls no rotation function: the four steps are invoked here.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod ground;
mod tls;

use local_stack::control::Fault;
use serde_json::json;

use crate::ground::{Ground, IDENTITY};

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_gets_a_certificate_that_tls_accepts_and_then_another_while_the_first_stays_valid() {
    let ground = Ground::shared().await;
    let _calm = ground.calm.read().await;
    let server = ground.secret("runtime", &[("linkward:kind", "server"), ("linkward:dns-names", "localhost")]).await;
    server.rotate().await;
    let own = server.value("AWSCURRENT").await.unwrap();
    let listening = tls::listen(&own, &ground.authority.certificate_pem).await;

    let address = format!("localhost:{}", listening.port);
    let identity = format!("{IDENTITY}/first");
    let tags = [("linkward:identity", identity.as_str()), ("linkward:test-address", address.as_str())];
    let client = ground.secret("orders-api", &tags).await;
    client.rotate().await;
    let first = client.value("AWSCURRENT").await.unwrap();
    assert_eq!(first["identity"], json!(identity));
    client.rotate().await;
    let (second, previous) = (client.value("AWSCURRENT").await.unwrap(), client.value("AWSPREVIOUS").await.unwrap());
    assert_eq!(previous, first);
    assert_ne!(second["serialNumber"], first["serialNumber"]);
    for value in [&first, &second] {
        assert_eq!(tls::call(&listening, value).await.unwrap(), "HTTP/1.1 200 OK");
    }
    assert_eq!(listening.callers(), 4, "each testSecret was a caller too");
    let rows = ground.inventory(&identity).await;
    let mut serials: Vec<_> = rows.iter().map(|row| row["serialNumber"].as_s().unwrap().clone()).collect();
    serials.sort();
    let mut expected = [&first, &second].map(|value| value["serialNumber"].as_str().unwrap().to_owned());
    expected.sort();
    assert_eq!(serials, expected);
    assert!(rows.iter().all(|row| row["kind"].as_s().unwrap() == "client"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_is_interrupted_goes_on_with_its_key_and_one_certificate() {
    let ground = Ground::shared().await;
    let _calm = ground.calm.write().await;
    let identity = format!("{IDENTITY}/interrupted");
    let client = ground.secret("interrupted", &[("linkward:identity", &identity)]).await;
    let version = client.new_version();
    ground
        .stack
        .control()
        .fault("IssueCertificate", Fault::Error("InvalidStateException".to_owned()), 1)
        .await
        .unwrap();
    let refused = client.step("createSecret", &version).await.unwrap_err();
    assert_eq!(refused["errorType"], "authorityUnavailable");
    let key = client.value("AWSPENDING").await.unwrap()["privateKey"].clone();
    assert!(key.as_str().unwrap().contains("BEGIN PRIVATE KEY"), "it is kept before anything is issued");
    ground.stack.control().fault("GetCertificate", Fault::Error("RequestFailedException".to_owned()), 1).await.unwrap();
    client.step("createSecret", &version).await.unwrap_err();
    for step in ["createSecret", "createSecret", "setSecret", "testSecret", "finishSecret", "finishSecret"] {
        client.step(step, &version).await.unwrap_or_else(|error| panic!("{step}: {error}"));
    }
    let current = client.value("AWSCURRENT").await.unwrap();
    assert_eq!(current["privateKey"], key);
    assert_eq!(ground.inventory(&identity).await.len(), 1);
    assert_eq!(client.labels().await[&version], ["AWSCURRENT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_step_of_an_earlier_rotation_disturbs_no_later_one() {
    let ground = Ground::shared().await;
    let _calm = ground.calm.read().await;
    let client = ground.secret("late", &[("linkward:identity", &format!("{IDENTITY}/late"))]).await;
    let first = client.rotate().await;
    client.rotate().await;
    let third = client.new_version();
    client.step("createSecret", &third).await.unwrap();
    let labels = client.labels().await;
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
        let refused = client.step(step, &first).await.unwrap_err();
        assert_eq!(refused["errorType"], "notPending", "{step}: {refused}");
        assert_eq!(client.labels().await, labels, "{step}");
    }
    client.step("finishSecret", &third).await.unwrap();
    assert_eq!(client.labels().await[&third], ["AWSCURRENT"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_nothing_and_the_old_value_stays() {
    let ground = Ground::shared().await;
    let _calm = ground.calm.read().await;
    let client = ground.secret("stranger", &[("linkward:identity", "spiffe://other.example/prod/orders-api")]).await;
    let refused = client.step("createSecret", &client.new_version()).await.unwrap_err();
    assert_eq!(refused["errorType"], "purposeRefused");
    assert!(refused["errorMessage"].as_str().unwrap().contains("not in the trust domain `internal.example`"));
    assert_eq!(client.value("AWSPENDING").await, None);
    assert_eq!(client.labels().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_the_server_refuses_never_becomes_current() {
    let ground = Ground::shared().await;
    let _calm = ground.calm.read().await;
    let server =
        ground.secret("other-runtime", &[("linkward:kind", "server"), ("linkward:dns-names", "localhost")]).await;
    server.rotate().await;
    let listening = tls::listen(&server.value("AWSCURRENT").await.unwrap(), &tls::another_root()).await;
    let (identity, address) = (format!("{IDENTITY}/refused"), format!("localhost:{}", listening.port));
    let tags = [("linkward:identity", identity.as_str()), ("linkward:test-address", address.as_str())];
    let client = ground.secret("refused", &tags).await;
    let version = client.new_version();
    client.step("createSecret", &version).await.unwrap();
    let refused = client.step("testSecret", &version).await.unwrap_err();
    assert_eq!(refused["errorType"], "handshakeFailed", "{refused}");
    assert_ne!(client.value("AWSCURRENT").await, client.value("AWSPENDING").await);
    assert_eq!(listening.callers(), 0);
}
