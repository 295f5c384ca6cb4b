//! The endpoint inventory as a table.

use policy::inventory::Inventory;
use policy_source::{InventorySource, Load};
use serde_json::{Value, json};
use wire_replay::{Answer, Replay};

const ORDERS: &str = "vpce-0a1b2c3d4e5f60718";

fn connection(endpoint: &str, account: &str) -> Value {
    json!({
        "endpointId": {"S": endpoint}, "account": {"S": account}, "serviceId": {"S": "vpce-svc-0123456789abcdef0"},
        "state": {"S": "available"}, "createdAt": {"S": "2026-11-23T10:00:00Z"}, "verdict": {"S": "accept"},
        "reason": {"S": "allowed"}, "consumer": {"S": "billing"}, "policyRevision": {"S": "r1"}, "all": {"S": "all"},
        "changedAt": {"S": "2026-11-23T10:00:00.000000Z"},
    })
}

fn page(items: &[Value]) -> Answer {
    Answer::json(&json!({"Items": items}))
}

fn owner(inventory: &Inventory, endpoint: &str) -> Option<String> {
    inventory.account(&endpoint.parse().unwrap()).map(ToString::to_string)
}

async fn next(source: &mut InventorySource) -> Option<Inventory> {
    source.load().await.unwrap().map(|(_, inventory)| inventory)
}

#[tokio::test]
async fn endpoints_come_go_and_change_owner() {
    let mut gone = connection(ORDERS, "123456789012");
    gone["withdrawn"] = json!({"BOOL": true});
    let replay = Replay::new()
        .on("Scan", page(&[connection(ORDERS, "123456789012")]))
        .on("Query", page(&[]))
        .on("Query", page(&[connection("vpce-1", "210987654321")]))
        .on("Query", page(&[gone, connection("vpce-1", "123456789012")]));
    let mut source = InventorySource::dynamodb("endpoint-inventory", &replay.sdk_config());

    let inventory = next(&mut source).await.unwrap();
    assert_eq!(owner(&inventory, ORDERS).as_deref(), Some("123456789012"));
    assert_eq!(owner(&inventory, "vpce-1"), None);

    let inventory = next(&mut source).await.unwrap();
    assert_eq!(owner(&inventory, ORDERS).as_deref(), Some("123456789012"));
    assert_eq!(owner(&inventory, "vpce-1").as_deref(), Some("210987654321"));

    let inventory = next(&mut source).await.unwrap();
    assert_eq!(owner(&inventory, ORDERS), None);
    assert_eq!(owner(&inventory, "vpce-1").as_deref(), Some("123456789012"));
}

#[tokio::test]
async fn a_malformed_endpoint_has_no_owner_any_more_and_holds_up_no_other() {
    let replay = Replay::new()
        .on("Scan", page(&[connection(ORDERS, "123456789012")]))
        .on("Query", page(&[]))
        .on("Query", page(&[connection(ORDERS, "1234"), connection("vpce-1", "210987654321")]))
        .on("Query", page(&[connection(ORDERS, "123456789012")]));
    let mut source = InventorySource::dynamodb("endpoint-inventory", &replay.sdk_config());
    next(&mut source).await.unwrap();
    let inventory = next(&mut source).await.unwrap();
    assert_eq!((owner(&inventory, ORDERS), owner(&inventory, "vpce-1").as_deref()), (None, Some("210987654321")));
    let said = source.complaint().unwrap();
    assert!(said.starts_with(&format!("table `endpoint-inventory`, item `{ORDERS}`: ")), "{said}");
    assert_eq!(owner(&next(&mut source).await.unwrap(), ORDERS).as_deref(), Some("123456789012"));
    assert_eq!(source.complaint(), None);
}
