//! How long the table sources take, against the local AWS:
//!
//! `cargo run --release -p whole-system --example sources -- policy 1000000` publishes a policy of so many callers, reads
//! it, publishes it again with one more, and reads that.
//!
//! `… -- denials 200` puts so many deny-list entries, one after another at times of their own, and says how long each took
//! from its put to the list in force with `refresh: 1s`.
//!
//! `… -- closing 200` starts a runtime beside it, a process of its own, and says how long each took from its put to the
//! close of a TLS connection that was held open.
//!
//! `… -- scale 1000000 1000000 200` does the same with a deny list and a policy of so many items, from a table server of
//! ours, because the emulator is in Python; and says how long the runtime took to start with them, and its memory.
//!
//! The last two measure the binary that `LINKWARD_RUNTIME` names, if it names one; otherwise they build one.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench for people"
)]

#[path = "../../../api-runtime/src/test_authority.rs"]
mod authority;
mod closing;
#[path = "../../tests/sources/gate.rs"]
mod gate;
mod table_server;

use std::path::Path;
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use local_stack::{LocalStack, LocalStackOptions};
use policy::deny_list::{DenialQuery, DenyList};
use policy::{Format, Revision, Timestamp};
use policy_source::{DenyListSource, Document, Live, Load, PolicyPublisher, PolicySource};

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    const USAGE: &str = "write `policy CALLERS`, `denials PUTS`, `closing PUTS` or `scale ENTRIES CALLERS PUTS`";
    let numbers: Vec<usize> = arguments.iter().skip(1).map(|number| number.parse().expect("a number")).collect();
    let (what, count) = match (arguments.first().map(String::as_str), numbers.as_slice()) {
        (Some("scale"), [entries, callers, puts]) => return closing::at_scale(*entries, *callers, *puts).await,
        (Some(what), [count]) => (what, *count),
        _ => panic!("{USAGE}"),
    };
    let stack = LocalStack::start(LocalStackOptions::default()).await.unwrap();
    let tables = local_stack::deploy::tables(&stack, "bench-").await.unwrap();
    match what {
        "policy" => policy_table(&stack, &tables.access_policy, count).await,
        "denials" => denials(&stack, &tables.deny_list, count).await,
        "closing" => closing::locally(&stack, &tables.deny_list, count).await,
        other => panic!("`{other}`: {USAGE}"),
    }
    stack.stop().await;
}

fn document(revision: &str, callers: usize) -> Document {
    let caller = |n| {
        format!(
            "{{\"identity\":\"spiffe://a.example/team-{}/service-{n}\",\"accounts\":[\"{n:012}\"],\"permit\":\
             [{{\"methods\":[\"GET\"],\"paths\":[\"/v1/{n}\",\"/v1/{n}/{{id}}\"]}}]}}",
            n % 1000
        )
    };
    let callers: Vec<String> = (0..callers).map(caller).collect();
    let text = format!("{{\"version\":1,\"trustDomain\":\"a.example\",\"callers\":[{}]}}", callers.join(","));
    let (revision, bytes) = (Revision::from(revision), text.into_bytes());
    Document { revision, bytes, format: Format::Json, name: "access.json".to_owned() }
}

async fn policy_table(stack: &LocalStack, table: &str, count: usize) {
    let sdk = stack.sdk_config(&stack.provider()).await;
    // An emulator in Python is not DynamoDB.
    let patient = aws_config::timeout::TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(120));
    let sdk = sdk.to_builder().timeout_config(patient.operation_timeout(Duration::from_secs(600)).build()).build();
    let publisher = PolicyPublisher::new(table, &sdk);
    let uri = format!("dynamodb:{table}").parse().unwrap();
    let mut source = PolicySource::with_sdk(&uri, Path::new(""), &sdk).unwrap();
    for (revision, callers) in [("r1", count), ("r2", count + 1)] {
        let document = document(revision, callers);
        let began = Instant::now();
        let published = publisher.publish(document, |_, _| {}).await.unwrap();
        println!("{revision}: {} written, {} removed in {:?}", published.written, published.removed, began.elapsed());
        let began = Instant::now();
        let (revision, policy) = source.load().await.unwrap().unwrap();
        println!("{revision}: {:?} callers read and checked in {:?}", policy.callers_len(), began.elapsed());
    }
    let began = Instant::now();
    assert!(source.load().await.unwrap().is_none());
    println!("unchanged: {:?}", began.elapsed());
}

async fn denials(stack: &LocalStack, table: &str, count: usize) {
    let sdk = stack.sdk_config(&stack.provider()).await;
    let client = Client::new(&sdk);
    let live = Live::start("deny list", DenyListSource::dynamodb(table, &sdk), Duration::from_secs(1)).await.unwrap();
    let mut took = Vec::with_capacity(count);
    for n in 0..count {
        // Not in step with the refresh.
        tokio::time::sleep(Duration::from_millis(37 * (n as u64 % 29))).await;
        let serial = format!("{:x}", 0xa0_0000 + n);
        let began = Instant::now();
        put(&client, table, &serial).await;
        while !denies(&live.load().value, &serial) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        took.push(began.elapsed());
    }
    say("put to in force", took);
}

/// The distribution of durations.
fn say(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let count = took.len();
    let at = |part: f64| took[((count as f64 * part).ceil() as usize).clamp(1, count) - 1];
    let (p50, p95, p99, max) = (at(0.5), at(0.95), at(0.99), at(1.0));
    println!("{what}, {count} times: p50 {p50:.0?}, p95 {p95:.0?}, p99 {p99:.0?}, max {max:.0?}");
}

async fn put(client: &Client, table: &str, serial: &str) {
    let text = |text: String| AttributeValue::S(text);
    client
        .put_item()
        .table_name(table)
        .item("pk", text(format!("serial#{serial}")))
        .item("serialNumber", text(serial.to_owned()))
        .item("all", text("all".to_owned()))
        .item("changedAt", text(policy::sortable_time(Timestamp::now())))
        .send()
        .await
        .unwrap();
}

fn denies(list: &DenyList, serial: &str) -> bool {
    let (serial, now) = (serial.parse().unwrap(), Timestamp::now());
    list.find(&DenialQuery { serial: &serial, identity: None, account: None, not_before: now, now }).is_some()
}
