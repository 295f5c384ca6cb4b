//! The network sources against the local AWS: change, outage, restart during an outage, corruption, and the same
//! decisions from each of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::unreachable,
    clippy::indexing_slicing,
    reason = "test code"
)]
#![allow(clippy::print_stdout, reason = "`--nocapture` says how long each change took")]

mod appconfig;
#[path = "../../../api-runtime/src/test_authority.rs"]
mod authority;
mod denial;
mod flows;
mod gate;
mod line;
mod objects;
mod same_decisions;
mod secrets;
mod stores;
mod table;

use std::path::Path;
use std::time::{Duration, Instant};

use local_stack::{LocalStack, LocalStackOptions};
use policy_source::{Live, PolicySource};
use tokio::sync::OnceCell;

static STACK: OnceCell<LocalStack> = OnceCell::const_new();

/// The shared stack. It ends with this process: nothing drops a static.
async fn stack() -> &'static LocalStack {
    STACK.get_or_init(async || LocalStack::start(LocalStackOptions::default()).await.unwrap()).await
}

/// A source over a line that can be cut.
async fn source(line: &line::Line, uri: &str) -> PolicySource {
    let sdk = stack().await.sdk_config(&stack().await.provider()).await;
    let timeouts = aws_config::timeout::TimeoutConfig::builder().operation_attempt_timeout(Duration::from_secs(20));
    let timeouts = timeouts.operation_timeout(Duration::from_secs(60)).build();
    let sdk = sdk.to_builder().endpoint_url(&line.url).timeout_config(timeouts).build();
    PolicySource::with_sdk(&uri.parse().unwrap(), Path::new(""), &sdk).unwrap()
}

fn policy(callers: usize) -> String {
    let callers: String = (0..callers)
        .map(|n| format!("  - identity: spiffe://a.example/{n}\n    permit: [{{paths: [\"/v1/{n}\"]}}]\n"))
        .collect();
    format!("version: 1\ntrustDomain: a.example\ncallers:\n{callers}")
}

/// Waits until this is so, and gives how long it took.
async fn until(what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(90), "{what}: not within 90 s");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    began.elapsed()
}

/// Outage → the last good one stays and ages → restart does not begin without one → the source answers again.
async fn outage(line: &line::Line, uri: &str, live: &Live<policy_source::Engine>) {
    let before = live.revision();
    line.cut().await;
    until("the outage is noticed", || live.last_error().is_some()).await;
    assert_eq!(live.revision(), before, "the last good one stays");
    let error = live.last_error().unwrap();
    let name = uri.split_once(':').unwrap().1;
    assert!(error.contains(name), "{error} names {name}");
    let began = live.age();
    until("it ages", || live.age() > began + Duration::from_millis(200)).await;
    let restarted =
        Live::start("policy", source(line, uri).await, Duration::from_secs(1)).await.unwrap_err().to_string();
    assert!(restarted.contains(name) && restarted.contains("check"), "{restarted}");
    line.mend();
    until("it answers again", || live.last_error().is_none()).await;
    assert_eq!(live.revision(), before);
}
