//! One policy from every source, in both languages.

use std::fs;
use std::path::Path;
use std::time::Duration;

use policy_source::bundle::BundleSettings;
use policy_source::{Engine, Load, PolicySource, SourceUri};
use serde_json::{Value, json};
use wire_replay::{Answer, Replay};

use super::rego;
use crate::publication;
use crate::server::{Server, answer};

/// A test's machine may be busy; a budget would make its decisions differ.
fn settings() -> BundleSettings {
    BundleSettings { budget: Duration::from_secs(20), ..BundleSettings::default() }
}

async fn load(uri: &str, base: &Path) -> Engine {
    let mut source = PolicySource::open_with(&uri.parse().unwrap(), base, &settings()).await.unwrap();
    source.load().await.unwrap().unwrap().1
}

async fn load_from(uri: &str, sdk: &wire_replay::SdkConfig) -> Engine {
    let mut source = PolicySource::with_sdk(&uri.parse().unwrap(), Path::new(""), sdk).unwrap();
    source.load().await.unwrap().unwrap().1
}

/// As a document: a file in both formats, AppConfig, a table in one item and in many. As a bundle: a file, a web server,
/// S3.
pub(super) async fn from_every_source(document: &Value) -> Vec<(&'static str, Engine)> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let (text, bundle) = (document.to_string(), rego::bundle(document));
    write("access.json", text.as_bytes());
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
    engines.push(("appconfig", load_from("appconfig:a/b/c", &appconfig(&text).sdk_config()).await));
    let one_item =
        json!({"pk": {"S": "meta"}, "revision": {"S": "1"}, "document": {"S": text}, "format": {"S": "json"}});
    let items = publication::written("1", &text).await;
    for (name, table) in [("one item", table(&one_item, &[])), ("many items", table(&items.0, &items.1))] {
        engines.push((name, load_from("dynamodb:access-policy", &table.sdk_config()).await));
    }
    let s3 = Server::start([answer(200, "", &bundle)]);
    let sdk = Replay::new().sdk_config().into_builder().endpoint_url(&s3.url).build();
    let SourceUri::Bundle(uri) = "bundle:s3://policies/bundle.tar.gz".parse().unwrap() else { panic!() };
    let mut in_s3 = PolicySource::bundle_with_sdk(&uri, folder.path(), &settings(), &sdk).unwrap();
    engines.push(("s3", in_s3.load().await.unwrap().unwrap().1));
    engines
}

fn appconfig(text: &str) -> Replay {
    let content = Answer::bytes(200, text.as_bytes()).header("content-type", "application/json");
    let content = content.header("next-poll-configuration-token", "t2").header("next-poll-interval-in-seconds", "60");
    let session = Answer::json(&json!({"InitialConfigurationToken": "t1"}));
    Replay::new().on("POST /configurationsessions", session).on("GET /configuration", content)
}

fn table(meta: &Value, items: &[Value]) -> Replay {
    Replay::new()
        .always("GetItem", Answer::json(&json!({"Item": meta})))
        .on("Scan", Answer::json(&json!({"Items": items})))
}
