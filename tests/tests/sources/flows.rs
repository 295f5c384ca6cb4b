//! The access policy from each source, enforced by a runtime as it is deployed: changed, spoilt, out of reach until it is
//! stale, and started anew meanwhile.

use std::time::{Duration, Instant};

use crate::authority::TestCertificate;
use crate::gate::{Gate, Ground, with_files};
use crate::stack;
use crate::stores::{Kind, Store};

/// One story for every source; `cargo test --test sources flows -- --nocapture` says how long each step took.
macro_rules! flows {
    ($($name:ident: $kind:ident;)*) => {
        $(#[tokio::test]
        async fn $name() {
            Flow::new(Kind::$kind).await.run().await;
        })*
    };
}

flows! {
    a_policy_in_a_file: File;
    a_policy_in_appconfig: AppConfig;
    a_policy_in_a_table: DynamoDb;
    a_bundle_in_a_file: BundleFile;
    a_bundle_behind_a_web_server: BundleWeb;
    a_bundle_in_s3: BundleS3;
}

struct Flow {
    kind: Kind,
    store: Store,
    ground: Ground,
    /// `maxStaleness`; AppConfig is asked every 15 seconds.
    stale: Duration,
}

impl Flow {
    async fn new(kind: Kind) -> Self {
        let ground = Ground::new();
        let store = Store::new(kind, ground.folder.path()).await;
        let stale = Duration::from_secs(if kind == Kind::AppConfig { 40 } else { 12 });
        Self { kind, store, ground, stale }
    }

    async fn run(&self) {
        let said = self.start().await.err().expect("it starts with no policy");
        assert!(said.contains(self.store.name()), "{:?}: {said}", self.kind);

        self.store.publish(1).await;
        let gate = self.start().await.unwrap();
        assert_eq!(self.ask(&gate, 0).await.0, 200);
        assert_eq!(self.ask(&gate, 1).await.0, 403, "{:?}: nobody is permitted whom it does not name", self.kind);
        self.store.publish(2).await;
        self.until(&gate, "published to enforced", async || self.ask(&gate, 1).await.0 == 200).await;

        self.store.spoil().await;
        self.until(&gate, "spoilt to refused", async || self.error(&gate).await.is_some()).await;
        assert_eq!(self.ask(&gate, 1).await.0, 200, "{:?}: the last good one stays", self.kind);
        self.store.publish(3).await;
        self.until(&gate, "published to enforced", async || self.ask(&gate, 2).await.0 == 200).await;
        assert_eq!(self.error(&gate).await, None);

        self.outage(&gate).await;
        self.store.publish(4).await;
        self.until(&gate, "back to enforced", async || self.ask(&gate, 3).await.0 == 200).await;
        let metrics = gate.metrics().await;
        let took = |what: &str| metrics[&format!("linkward_policy_propagation_seconds_{what}")];
        // Neither the first nor what was spoilt.
        assert!((took("count") - 3.0).abs() < 1e-9 && took("sum") < 180.0, "{:?}: {} s", self.kind, took("sum"));
        println!("{:?}: three publications in force after {:.3} s together", self.kind, took("sum"));
    }

    async fn outage(&self, gate: &Gate) {
        self.store.cut().await;
        let began = Instant::now();
        let error = self.until(gate, "gone to noticed", async || self.error(gate).await.is_some()).await;
        assert_eq!(self.ask(gate, 2).await.0, 200, "{:?}: the last good one stays for {:?}", self.kind, error);
        let restarted = self.start().await;
        match &restarted {
            Ok(restarted) => {
                assert!(self.kind.is_bundle(), "{:?} keeps nothing on disk", self.kind);
                // Whoever begins anew knows no more than before.
                let age = restarted.status().await["snapshots"]["policy"]["ageSeconds"].as_f64().unwrap();
                assert!(age >= began.elapsed().as_secs_f64() - 3.0 - restarted.ready_after.as_secs_f64(), "{age}");
            }
            Err(said) => {
                assert!(!self.kind.is_bundle(), "{:?}: the bundle on disk is not used: {said}", self.kind);
                assert!(said.contains(self.store.name()) && said.contains("check"), "{:?}: {said}", self.kind);
            }
        }
        let denied = (403, "policyStale".to_owned());
        self.until(gate, "gone to stale", async || self.ask(gate, 2).await == denied).await;
        assert!(began.elapsed() + Duration::from_secs(16) >= self.stale, "{:?}: too soon", self.kind);
        if let Ok(restarted) = &restarted {
            self.until(restarted, "stale after the restart", async || self.ask(restarted, 2).await == denied).await;
        }
        self.store.mend().await;
    }

    async fn start(&self) -> Result<Gate, String> {
        let settings = format!(
            "policy:\n  source: \"{}\"\n  refresh: 1s\n  maxStaleness: {}s\n  bundle: {{ budget: 1s, cacheDirectory: cache }}\n",
            self.store.uri(),
            self.stale.as_secs()
        );
        let mut env = stack().await.env(&stack().await.provider());
        env.push(("AWS_ENDPOINT_URL".to_owned(), self.store.line().url.clone()));
        Gate::start(&self.ground, &with_files(&settings), &env).await
    }

    fn caller(&self, n: usize) -> TestCertificate {
        self.ground.caller(&n.to_string(), 0xb0 + n as u32)
    }

    /// What caller `n` is told about its own path.
    async fn ask(&self, gate: &Gate, n: usize) -> (u16, String) {
        gate.get(&self.caller(n), &format!("/v1/{n}")).await
    }

    async fn error(&self, gate: &Gate) -> Option<String> {
        gate.status().await["snapshots"]["policy"]["error"].as_str().map(str::to_owned)
    }

    async fn until(&self, gate: &Gate, what: &str, holds: impl AsyncFn() -> bool) -> Duration {
        let began = Instant::now();
        while !holds().await {
            let waited = began.elapsed();
            assert!(waited < Duration::from_secs(120), "{:?}: {what}: never; {:?}", self.kind, self.error(gate).await);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        println!("{:?}: {what} in {:?}", self.kind, began.elapsed());
        began.elapsed()
    }
}
