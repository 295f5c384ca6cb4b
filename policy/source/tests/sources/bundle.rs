//! Bundles as a source: in a file, behind a web server; changed, broken, gone back, and after a restart.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use policy::access::{AccessRequest, Reason};
use policy::{RequestPath, SpiffeId, Timestamp};
use policy_source::bundle::BundleSettings;
use policy_source::{Engine, Live, Load, PolicySource, RegoRequest};
use tempfile::TempDir;

use crate::packing::{Packed, Signer};
use crate::server::{Server, answer, not_modified, status};

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
async fn a_bundle_behind_a_web_server_is_fetched_when_it_changes() {
    let folder = Folder::new();
    let (one, two) = (bundle("1", "GET").archive(), bundle("2", "GET").archive());
    let server = Server::start([
        answer(200, "etag: \"a\"\r\n", &one),
        not_modified(),
        status(503, "later"),
        answer(200, "etag: \"b\"\r\n", &two),
    ]);
    let mut source = folder.open(&format!("bundle:{}/b.tar.gz", server.url), &settings()).await;
    assert!(source.is_remote());
    assert_eq!(next(&mut source).await.unwrap().0, "1");
    assert!(next(&mut source).await.is_none());
    assert!(refused(&mut source).await.contains("503"));
    assert_eq!(next(&mut source).await.unwrap().0, "2");
    assert!(server.heads()[1].contains("if-none-match: \"a\""));
}

/// What an observer was told, in seconds.
type Told = Arc<Mutex<Vec<u64>>>;

fn observed(source: PolicySource) -> (PolicySource, Told) {
    let told = Told::default();
    let teller = Arc::clone(&told);
    (source.observed(move |took| teller.lock().unwrap().push(took.as_secs())), told)
}

fn seconds_ago(seconds: i64) -> String {
    let time = Timestamp::from_second(Timestamp::now().as_second() - seconds).unwrap();
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap()
}

#[tokio::test]
async fn how_long_a_bundle_took_is_told_by_the_date_of_its_place() {
    let folder = Folder::new();
    let (mut source, told) = observed(folder.write(&bundle("1", "GET")).source().await);
    next(&mut source).await.unwrap();
    assert!(told.lock().unwrap().is_empty(), "the first is as old as it is");
    folder.write(&bundle("0", "GET"));
    refused(&mut source).await;
    assert!(told.lock().unwrap().is_empty());
    folder.write(&bundle("2", "GET"));
    next(&mut source).await.unwrap();
    assert!(matches!(told.lock().unwrap().as_slice(), [0..60]));

    let dated = |revision: &str, date: i64, modified: i64| {
        let headers = format!("date: {}\r\nlast-modified: {}\r\n", seconds_ago(date), seconds_ago(modified));
        answer(200, &headers, &bundle(revision, "GET").archive())
    };
    let server = Server::start([
        dated("1", 60, 7200),
        dated("2", 30, 40),
        // What was built before the last one was seen, and is put there with that date.
        dated("3", 20, 3600),
        answer(200, "", &bundle("4", "GET").archive()),
        dated("5", 0, -3600),
    ]);
    let (mut source, told) = observed(folder.open(&format!("bundle:{}/b.tar.gz", server.url), &settings()).await);
    for revision in ["1", "2", "3", "4", "5"] {
        assert_eq!(next(&mut source).await.unwrap().0, revision);
    }
    let told = told.lock().unwrap();
    assert!(matches!(told.as_slice(), [40..100]), "{told:?}");
}

#[tokio::test]
async fn a_restart_survives_an_outage_and_then_goes_on() {
    let folder = Folder::new();
    let one = bundle("1", "GET").archive();
    let server = Server::start([
        answer(200, "", &one),
        status(503, "restarted meanwhile"),
        status(503, "still"),
        answer(200, "", &one),
        answer(200, "", &bundle("2", "POST").archive()),
    ]);
    let uri = format!("bundle:{}/b.tar.gz", server.url);
    next(&mut folder.open(&uri, &settings()).await).await.unwrap();
    let mut source = folder.open(&uri, &settings()).await;
    let (revision, engine) = next(&mut source).await.unwrap();
    assert!(revision == "1" && allows(&engine, "GET"));
    assert!(refused(&mut source).await.contains("503"), "an outage that lasts must be seen, or nothing grows stale");
    assert!(next(&mut source).await.is_none(), "it is the one in force");
    assert_eq!(next(&mut source).await.unwrap().0, "2");
}

#[tokio::test]
async fn a_bundle_from_the_cache_is_as_old_as_its_last_confirmation() {
    let folder = Folder::new();
    folder.write(&bundle("1", "GET"));
    let live = Live::start("policy", folder.source().await, Duration::from_secs(3600)).await.unwrap();
    assert!(live.age() < Duration::from_secs(60));
    let note = fs::read_dir(folder.path("cache")).unwrap().map(|entry| entry.unwrap().path());
    let note = note.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "confirmed")).unwrap();
    fs::write(note, (Timestamp::now() - Duration::from_secs(7200)).to_string()).unwrap();
    fs::rename(folder.path("bundle.tar.gz"), folder.path("elsewhere")).unwrap();
    for _ in 0..2 {
        let live = Live::start("policy", folder.source().await, Duration::from_secs(3600)).await.unwrap();
        assert!(live.age() >= Duration::from_secs(7200), "a restart makes it no younger");
    }
    fs::rename(folder.path("elsewhere"), folder.path("bundle.tar.gz")).unwrap();
    let live = Live::start("policy", folder.source().await, Duration::from_secs(3600)).await.unwrap();
    assert!(live.age() < Duration::from_secs(60), "it was confirmed again");
}

#[tokio::test]
async fn without_a_cache_or_with_another_sources_there_is_no_start() {
    let folder = Folder::new();
    let server = Server::start([answer(200, "", &bundle("1", "GET").archive()), status(404, ""), status(404, "")]);
    let uri = format!("bundle:{}/b.tar.gz", server.url);
    next(&mut folder.open(&uri, &settings()).await).await.unwrap();
    let other = format!("bundle:{}/other.tar.gz", server.url);
    assert!(refused(&mut folder.open(&other, &settings()).await).await.contains("404"));
    let uncached = BundleSettings { cache_directory: None, ..settings() };
    assert!(refused(&mut folder.open(&uri, &uncached).await).await.contains("404"));
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
    let text = include_str!("../../../../docs/rego.md");
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
