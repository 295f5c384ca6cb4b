//! What stands in the deny list's table and cannot be used: it holds up nothing else, and it is loud.

use std::time::Duration;

use policy_source::{DenyListSource, Live, Load};
use serde_json::json;

use crate::denials::{changed, denied, denies, next, page, replay, seconds_ago, source, with};

#[tokio::test]
async fn a_denial_is_in_force_though_garbage_stands_beside_it() {
    let garbage = json!({"pk": {"S": "seral#c3"}, "changedAt": {"S": seconds_ago(0).to_string()}});
    let replay = replay(&[changed("a1", seconds_ago(40))])
        .on("Query", page(&[denied("b2"), garbage.clone()]))
        .on("Query", page(&[denied("b2"), garbage, denied("d4")]))
        .on("Query", page(&[denied("c3")]));
    let mut source = source(&replay);
    assert!(next(&mut source).await.is_some() && source.complaint().is_none());
    let list = next(&mut source).await.unwrap();
    assert!(denies(&list, "a1") && denies(&list, "b2") && !denies(&list, "c3"));
    let said = "table `deny-list`, item `seral#c3`: `pk` must begin with `serial#`, `identity#` or `account#`; \
                correct or delete the item";
    assert_eq!(source.complaint().as_deref(), Some(said));
    assert!(denies(&next(&mut source).await.unwrap(), "d4"));
    let list = next(&mut source).await.unwrap();
    assert!(["a1", "b2", "c3", "d4"].iter().all(|serial| denies(&list, serial)));
    assert_eq!(source.complaint().as_deref(), Some(said), "until it is seen that it is gone");
}

#[tokio::test]
async fn garbage_is_said_from_the_start_and_until_it_is_gone() {
    let replay = replay(&[denied("a1"), json!({"pk": {"S": "serial#zz"}})])
        .always("Scan", page(&[denied("a1")]))
        .always("Query", page(&[]));
    let source = DenyListSource::dynamodb("deny-list", &replay.sdk_config()).complete_every(Duration::ZERO);
    let live = Live::start("deny list", source, Duration::from_millis(10)).await.unwrap();
    let said = live.last_error().unwrap();
    assert!(said.starts_with("deny list: table `deny-list`, item `serial#zz`: "), "{said}");
    assert!(said.ends_with("; all else is in force"), "{said}");
    assert!(denies(&live.load().value, "a1") && live.age() < Duration::from_secs(10), "it is no failure");
    while live.last_error().is_some() {
        live.refresh_now().await.unwrap();
    }
}

#[tokio::test]
async fn a_key_that_names_nobody_is_said_with_its_fault() {
    for (key, fault) in
        [("seral#a1", "must begin with"), ("serial#zz", "zz"), ("account#12", "12"), ("identity#x", "x")]
    {
        let mut source = source(&replay(&[denied("d4"), json!({"pk": {"S": key}})]));
        assert!(denies(&next(&mut source).await.unwrap(), "d4"));
        let said = source.complaint().unwrap();
        assert!(said.contains(&format!("item `{key}`: ")) && said.contains(fault), "{said}");
    }
}

#[tokio::test]
async fn an_item_that_is_malformed_beside_its_key_denies_without_limit_and_holds_up_nobody() {
    let past = json!({"S": seconds_ago(60).to_string()});
    for (name, value) in [
        ("serialNumber", json!({"S": "b2"})),
        ("identity", json!({"S": "spiffe://internal.example/prod/orders-api"})),
        ("issuedBefore", json!({"N": "1"})),
        ("expires", json!({"S": "soon"})),
        ("expiresEpoch", json!({"S": "1"})),
        ("requestedBy", json!({"BOOL": true})),
        ("withdrawn", json!({"S": "true"})),
    ] {
        let item = with(denied("a1"), "issuedBefore", past.clone());
        let mut source = source(&replay(&[denied("d4"), with(item, name, value)]));
        let list = next(&mut source).await.unwrap();
        assert!(denies(&list, "a1") && denies(&list, "d4"), "{name}");
        let said = source.complaint().unwrap();
        assert!(said.contains("item `serial#a1`") && said.contains("denies its subject without limit"), "{said}");
    }
}
