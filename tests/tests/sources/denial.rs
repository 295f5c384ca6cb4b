//! From `PutItem` to the closed connection: a real process, a real table, a TLS connection that is held open.

use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use policy::Timestamp;
use policy::sortable_time;

use crate::gate::{Gate, Ground, with_files};
use crate::{policy, stack};

/// The promise is 1.5 s at the 99th percentile, which `examples/sources` measures; here it must come at all, on a machine
/// that does much else.
const SOON: Duration = Duration::from_secs(10);

async fn put(client: &Client, table: &str, key: &str) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = client.put_item().table_name(table).item("pk", text(key)).item("all", text("all"));
    put.item("changedAt", text(&sortable_time(Timestamp::now()))).send().await.unwrap();
}

#[tokio::test]
async fn a_denial_closes_open_connections_of_whom_it_names_and_says_how_long_it_took() {
    let stack = stack().await;
    let table = local_stack::deploy::tables(stack, "denial-").await.unwrap().deny_list;
    let client = Client::new(&stack.sdk_config(&stack.provider()).await);
    let ground = Ground::new();
    ground.write("access.yaml", policy(9));
    let settings = format!(
        "policy: {{ source: \"file:access.yaml\" }}\ndenyList: {{ source: \"dynamodb:{table}\", refresh: 1s }}\n"
    );
    let gate = Gate::start(&ground, &with_files(&settings), &stack.env(&stack.provider())).await.unwrap();
    let mut bystander = gate.connect(&ground.caller("1", 0xfff)).await;
    assert_eq!(bystander.get("/v1/1").await.0, 200);
    for (n, key) in ["serial#a2", "identity#spiffe://a.example/3", "serial#00:A4"].into_iter().enumerate() {
        let caller = ground.caller(&format!("{}", n + 2), 0xa2 + n as u32);
        let mut open = gate.connect(&caller).await;
        assert_eq!(open.get(&format!("/v1/{}", n + 2)).await.0, 200);
        if key == "serial#00:A4" {
            // Garbage in the table holds up nobody.
            put(&client, &table, "seral#a9").await;
        }
        let began = Instant::now();
        put(&client, &table, key).await;
        let took = open.closed().await - began;
        assert!(took < SOON, "{key}: {took:?}");
        assert_eq!(gate.get(&caller, "/v1/1").await, (401, "certificateRevoked".to_owned()));
        println!("{key}: put to closed in {took:?}");
    }
    assert_eq!(bystander.get("/v1/1").await.0, 200, "nobody else is disturbed");
    let metrics = gate.metrics().await;
    let number = |name: &str| metrics[&format!("linkward_{name}")];
    assert_eq!((number("deny_list_entries"), number("denial_closing_seconds_count")), (3.0, 3.0));
    assert!((0.001..30.0).contains(&number("denial_closing_seconds_sum")), "{metrics:?}");
    assert!(number("deny_list_propagation_seconds_count") >= 3.0);
    assert!((number("snapshot_failing{kind=\"denyList\"}") - 1.0).abs() < 1e-9, "the garbage is seen");
    let said = gate.status().await["snapshots"]["denyList"]["error"].as_str().unwrap().to_owned();
    assert!(said.contains("item `seral#a9`") && said.ends_with("all else is in force"), "{said}");
}
