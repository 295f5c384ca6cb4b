//! Throttled sources: asked less and less often, with jitter, the last good snapshot stays, and it goes on by itself.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use policy_source::{DenyListSource, InventorySource, Live, Load, PolicySource};
use serde_json::{Value, json};
use wire_replay::{Answer, Call, Replay};

const REFRESH: Duration = Duration::from_millis(100);
const POLICY: &str = "version: 1\ntrustDomain: a.example\n";

/// A service that throttles while it is told to, and counts what it is asked then.
struct Throttled {
    replay: Replay,
    is_throttling: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
}

impl Throttled {
    fn new(good: impl Fn(&Call) -> Answer + Send + Sync + 'static) -> Self {
        let (is_throttling, asked) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
        let (throttling, counted) = (Arc::clone(&is_throttling), Arc::clone(&asked));
        let replay = Replay::new().served_by(move |call| {
            if !throttling.load(Ordering::Relaxed) {
                return Some(good(call));
            }
            counted.fetch_add(1, Ordering::Relaxed);
            Some(Answer::json_error(400, "ThrottlingException"))
        });
        Self { replay, is_throttling, asked }
    }

    async fn check<L: Load>(&self, what: &str, source: L) {
        let live = Live::start(what, source, REFRESH).await.unwrap();
        let before = live.revision();
        self.is_throttling.store(true, Ordering::Relaxed);
        let began = Instant::now();
        while live.last_error().is_none() {
            assert!(began.elapsed() < Duration::from_secs(30), "{what}: it is not noticed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let said = live.last_error().unwrap();
        assert!(said.contains("ThrottlingException"), "{what}: {said}");
        self.asked.store(0, Ordering::Relaxed);
        let began = Instant::now();
        tokio::time::sleep(Duration::from_secs(3)).await;
        // In thirds of a second the SDK tries three times each: 90 calls in three seconds without backing off; with it, from
        // the second failure on, pauses of 200 ms to 800 ms, half of each drawn.
        let most = 3 * (2 + began.elapsed().as_millis() as usize / 200);
        let asked = self.asked.load(Ordering::Relaxed);
        assert!((3..=most).contains(&asked), "{what}: {asked} calls, at most {most}");
        assert_eq!(live.revision(), before, "{what}: the last good one stays");
        assert!(live.age() >= Duration::from_secs(3), "{what}: and ages");
        self.is_throttling.store(false, Ordering::Relaxed);
        let began = Instant::now();
        while live.last_error().is_some() {
            assert!(began.elapsed() < Duration::from_secs(30), "{what}: it does not go on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(live.age() < Duration::from_secs(3), "{what}");
    }
}

fn policy(uri: &str, replay: &Replay) -> PolicySource {
    PolicySource::with_sdk(&uri.parse().unwrap(), Path::new(""), &replay.sdk_config()).unwrap()
}

fn items(items: &[Value]) -> Answer {
    Answer::json(&json!({ "Items": items }))
}

#[tokio::test]
async fn a_policy_table_that_is_throttled() {
    let meta = json!({"pk": {"S": "meta"}, "revision": {"S": "1"}, "document": {"S": POLICY}});
    let throttled = Throttled::new(move |_| Answer::json(&json!({ "Item": meta })));
    throttled.check("policy", policy("dynamodb:access-policy", &throttled.replay)).await;
}

#[tokio::test]
async fn appconfig_that_is_throttled() {
    let throttled = Throttled::new(|call| match call.operation.starts_with("POST") {
        true => Answer::json(&json!({"InitialConfigurationToken": "t"})),
        false => Answer::bytes(200, POLICY.as_bytes())
            .header("next-poll-configuration-token", "t")
            .header("next-poll-interval-in-seconds", "0")
            .header("content-type", "application/x-yaml"),
    });
    throttled.check("policy", policy("appconfig:a/b/c", &throttled.replay)).await;
}

#[tokio::test]
async fn a_deny_list_that_is_throttled() {
    let throttled = Throttled::new(|_| items(&[]));
    throttled.check("deny list", DenyListSource::dynamodb("deny-list", &throttled.replay.sdk_config())).await;
}

#[tokio::test]
async fn an_inventory_that_is_throttled() {
    let throttled = Throttled::new(|_| items(&[]));
    throttled.check("inventory", InventorySource::dynamodb("inventory", &throttled.replay.sdk_config())).await;
}
