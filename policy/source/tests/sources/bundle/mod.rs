//! Bundles as a source: in a file; changed, broken, gone back, and signed.

mod cached;
mod remote;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use policy::access::{AccessRequest, Reason};
use policy::{RequestPath, SpiffeId, Timestamp};
use policy_source::bundle::BundleSettings;
use policy_source::{Engine, Live, Load, PolicySource, RegoRequest};
use tempfile::TempDir;

use crate::packing::{Packed, Signer};

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, bundle: &Packed) -> &Self {
        fs::write(self.path("new"), bundle.archive()).unwrap();
        fs::rename(self.path("new"), self.path("bundle.tar.gz")).unwrap();
        self
    }

    async fn open(&self, uri: &str, settings: &BundleSettings) -> PolicySource {
        PolicySource::open_with(&uri.parse().unwrap(), self.0.path(), settings).await.unwrap()
    }

    async fn source(&self) -> PolicySource {
        self.open("bundle:bundle.tar.gz", &settings()).await
    }
}

/// A budget that a busy machine keeps, and a cache.
fn settings() -> BundleSettings {
    BundleSettings { budget: Duration::from_secs(5), cache_directory: Some("cache".into()), verification_key: None }
}

/// Allows one method.
fn bundle(revision: &str, method: &str) -> Packed {
    let rules = format!("package linkward\nauthz := {{\"allow\": input.request.method == \"{method}\"}}\n");
    Packed::default()
        .file("/data.json", "{}")
        .file("/authz.rego", &rules)
        .file("/.manifest", &format!("{{\"revision\":\"{revision}\",\"roots\":[\"linkward\"]}}"))
}

fn allows(engine: &Engine, method: &str) -> bool {
    let identity: SpiffeId = "spiffe://internal.example/prod/orders-api".parse().unwrap();
    let path = RequestPath::parse("/").unwrap();
    let access = AccessRequest {
        identity: &identity,
        account: None,
        endpoint: None,
        method,
        path: &path,
        now: Timestamp::now(),
    };
    let request = RegoRequest { access, common_name: None, serial_number: None, not_after: None, host: None };
    engine.authorize(&request).reason == Reason::Permitted
}

async fn next(source: &mut PolicySource) -> Option<(String, Engine)> {
    source.load().await.unwrap().map(|(revision, engine)| (revision.to_string(), engine))
}

async fn refused(source: &mut PolicySource) -> String {
    source.load().await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_bundle_in_a_file_decides_and_is_replaced() {
    let folder = Folder::new();
    let mut source = folder.write(&bundle("1", "GET")).source().await;
    let (revision, engine) = next(&mut source).await.unwrap();
    assert_eq!(revision, "1");
    assert!(allows(&engine, "GET") && !allows(&engine, "POST"));
    assert!(engine.outer_gate().is_none());
    assert!(next(&mut source).await.is_none());
    folder.write(&bundle("2", "POST"));
    let (revision, engine) = next(&mut source).await.unwrap();
    assert_eq!(revision, "2");
    assert!(allows(&engine, "POST") && !allows(&engine, "GET"));
    assert!(!source.frozen().await.unwrap());
}

#[tokio::test]
async fn a_revision_that_goes_back_is_refused_until_it_goes_on() {
    let folder = Folder::new();
    let mut source = folder.write(&bundle("10", "GET")).source().await;
    next(&mut source).await.unwrap();
    folder.write(&bundle("9", "POST"));
    for _ in 0..2 {
        let message = refused(&mut source).await;
        assert!(
            message
                .ends_with("its revision `9` goes back: `10` has been in force; build it anew with a later --revision"),
            "{message}"
        );
    }
    folder.write(&bundle("11", "POST"));
    assert_eq!(next(&mut source).await.unwrap().0, "11");
    // After a restart too.
    let mut source = folder.write(&bundle("10", "GET")).source().await;
    let (revision, engine) = next(&mut source).await.unwrap();
    assert_eq!(revision, "11");
    assert!(allows(&engine, "POST"));
    assert!(refused(&mut source).await.contains("goes back"));
}

#[tokio::test]
async fn what_is_broken_is_refused_each_time_and_names_its_place() {
    let folder = Folder::new();
    let mut source = folder.write(&bundle("1", "GET")).source().await;
    next(&mut source).await.unwrap();
    folder.write(
        &bundle("2", "GET").replace("/authz.rego", "package linkward\nauthz := http.send({})\nx := io.jwt.decode(1)"),
    );
    for _ in 0..2 {
        let message = refused(&mut source).await;
        let name = folder.path("bundle.tar.gz").display().to_string();
        let lines: Vec<&str> = message.lines().collect();
        assert!(
            lines[0].starts_with(&format!("{name}: authz.rego:2:")) && lines[0].contains("`http.send`"),
            "{message}"
        );
        assert!(
            lines[1].starts_with(&format!("{name}: authz.rego:3:")) && lines[1].contains("`io.jwt.decode`"),
            "{message}"
        );
    }
    folder.write(&bundle("2", "POST"));
    assert_eq!(next(&mut source).await.unwrap().0, "2");
}

#[tokio::test]
async fn a_signed_bundle_is_verified_also_from_the_cache() {
    let (folder, signer) = (Folder::new(), Signer::ecdsa());
    fs::write(folder.path("key.pem"), signer.public_key()).unwrap();
    let settings = BundleSettings { verification_key: Some("key.pem".into()), ..settings() };
    let uri = "bundle:bundle.tar.gz";
    let mut source = folder.write(&signer.sign(bundle("1", "GET"))).open(uri, &settings).await;
    next(&mut source).await.unwrap();
    folder.write(&bundle("2", "POST"));
    assert!(refused(&mut source).await.contains("signature: there is no .signatures.json"));
    folder.write(&Signer::ecdsa().sign(bundle("2", "POST")));
    assert!(refused(&mut source).await.contains("not made by the configured key"));
    // A restart falls back to the one that was good, but not if somebody has changed it.
    let mut source = folder.open(uri, &settings).await;
    assert_eq!(next(&mut source).await.unwrap().0, "1");
    for entry in fs::read_dir(folder.path("cache")).unwrap() {
        let path = entry.unwrap().path();
        if path.display().to_string().ends_with(".tar.gz") {
            fs::write(path, bundle("1", "PURGE").archive()).unwrap();
        }
    }
    assert!(refused(&mut folder.open(uri, &settings).await).await.contains("not made by the configured key"));
    fs::write(folder.path("key.pem"), signer.private_key()).unwrap();
    assert!(
        refused(&mut folder.open(uri, &settings).await)
            .await
            .contains("key.pem: the key that verifies bundles must be")
    );
}

#[tokio::test]
async fn the_outer_gate_is_what_the_data_says() {
    let folder = Folder::new();
    let endpoints = "{\"linkward\":{\"version\":1,\"trustDomain\":\"internal.example\",\"endpoints\":{\"unlisted\":\"hold\",\
         \"consumers\":[{\"account\":\"123456789012\"}]},\"callers\":{\"own\":1}}}";
    let with = |data: &str| bundle("", "GET").replace("/data.json", data);
    let mut source = folder.write(&with(endpoints)).source().await.within("internal.example".parse().unwrap());
    let (revision, engine) = next(&mut source).await.unwrap();
    assert!(revision.starts_with("sha256:"));
    assert_eq!(engine.outer_gate().unwrap().revision().as_str(), revision);
    assert_eq!(engine.outer_gate().unwrap().trust_domain().as_str(), "internal.example");
    for (data, says) in [
        (endpoints.replace("internal.example", "other.example"), "its trust domain is `other.example`, but"),
        (endpoints.replace("123456789012", "12345"), "data.linkward:5:"),
        (endpoints.replace("\"version\":1,", ""), "`data.linkward` lacks `version`"),
        (endpoints.replace("endpoints", "endpoint"), "`data.linkward` lacks `endpoints`"),
        (endpoints.replace("consumers", "consumer"), "did you mean `consumers`"),
    ] {
        folder.write(&with(&data));
        let message = refused(&mut source).await;
        assert!(message.contains(says), "{message}");
    }
}

#[tokio::test]
async fn a_live_snapshot_keeps_the_last_good_bundle() {
    let folder = Folder::new();
    let source = folder.write(&bundle("1", "GET")).source().await;
    let live = Live::start("policy", source, Duration::from_secs(3600)).await.unwrap();
    fs::write(folder.path("bundle.tar.gz"), b"half").unwrap();
    assert!(live.refresh_now().await.unwrap_err().to_string().contains("not a whole .tar.gz"));
    assert_eq!(live.load().revision.as_str(), "1");
    assert!(allows(&live.load().value, "GET"));
    folder.write(&bundle("2", "POST"));
    live.refresh_now().await.unwrap();
    assert!(allows(&live.load().value, "POST"));
}

#[tokio::test]
async fn the_example_of_the_documentation_works() {
    let text = include_str!("../../../../../docs/rego.md");
    let block = |language: &str| {
        let (_, rest) = text.split_once(&format!("```{language}\n")).unwrap();
        rest.split_once("```").unwrap().0
    };
    let packed = Packed::default()
        .file("/data.json", block("json"))
        .file("/authz.rego", block("rego"))
        .file("/.manifest", "{\"revision\":\"1\",\"roots\":[\"linkward\",\"callers\"]}");
    let folder = Folder::new();
    let engine = next(&mut folder.write(&packed).source().await).await.unwrap().1;
    assert_eq!(engine.outer_gate().unwrap().trust_domain().as_str(), "internal.example");
    let identity: SpiffeId = "spiffe://internal.example/prod/orders-api".parse().unwrap();
    let stranger: SpiffeId = "spiffe://internal.example/prod/stranger".parse().unwrap();
    let (account, other) = ("123456789012".parse().unwrap(), "210987654321".parse().unwrap());
    for (identity, account, method, path, reason) in [
        (&identity, Some(&account), "GET", "/v1/invoices/17", Reason::Permitted),
        (&identity, Some(&account), "POST", "/v1/invoices", Reason::NoMatchingRule),
        (&identity, Some(&account), "GET", "/v1/invoices/s%65cret", Reason::Forbidden),
        (&identity, Some(&other), "GET", "/v1/invoices", Reason::AccountMismatch),
        (&identity, None, "GET", "/v1/invoices", Reason::AccountMismatch),
        (&stranger, Some(&account), "GET", "/v1/invoices", Reason::NoMatchingCaller),
    ] {
        let path = RequestPath::parse(path).unwrap();
        let access = AccessRequest { identity, account, endpoint: None, method, path: &path, now: Timestamp::now() };
        let request = RegoRequest { access, common_name: None, serial_number: None, not_after: None, host: None };
        assert_eq!(engine.authorize(&request).reason, reason, "{method} {}", path.as_str());
    }
}
