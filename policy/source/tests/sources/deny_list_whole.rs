//! The deny list's table read as a whole: the first time, and now and then beside what changes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use policy_source::{DenyListSource, Load};
use proptest::prelude::*;
use serde_json::{Value, json};
use wire_replay::{Answer, Call, Replay};

use crate::denials::{
    changed, denied, denies, next, operations, page, page_before, replay, seconds_ago, source, withdrawn,
};

#[tokio::test]
async fn a_table_of_more_than_a_page_is_read_by_several_scans_at_once() {
    let replay = Replay::new().on("Scan", page_before("serial#a1", &[denied("a1")])).on("Query", page(&[]));
    let replay = replay.served_by(|call| {
        let body = call.json();
        let segment = body["Segment"].as_u64().unwrap();
        Some(match body.get("ExclusiveStartKey") {
            None if segment == 3 => page_before("serial#3", &[denied("30")]),
            Some(_) => page(&[denied("31")]),
            None => page(&[denied(&segment.to_string())]),
        })
    });
    let list = next(&mut source(&replay)).await.unwrap();
    let serials = ["a1", "0", "1", "2", "30", "31"];
    assert!(serials.iter().all(|serial| denies(&list, serial)) && list.len() == serials.len(), "{list:?}");
    let calls = replay.calls();
    assert_eq!(calls[0].json(), json!({"TableName": "deny-list", "ConsistentRead": true}));
    let mut parts: Vec<Value> = calls[1..6].iter().map(Call::json).collect();
    parts.sort_by_key(|body| (body["Segment"].as_u64(), body.get("ExclusiveStartKey").is_some()));
    assert_eq!(parts[4]["ExclusiveStartKey"], json!({"pk": {"S": "serial#3"}}));
    assert!(parts.iter().all(|body| body["TotalSegments"] == 4 && body["ConsistentRead"] == true), "{parts:?}");
    assert_eq!(calls[6].operation, "Query");
}

#[tokio::test]
async fn a_first_reading_that_broke_off_goes_on_where_it_was() {
    let refused = Answer::json_error(400, "AccessDeniedException");
    let replay = Replay::new().on("Scan", page_before("serial#a1", &[denied("a1")])).on("Query", page(&[]));
    let failed = Mutex::new(false);
    let replay = replay.served_by(move |call| {
        let first = !std::mem::replace(&mut *failed.lock().unwrap(), true);
        Some(if first { refused.clone() } else { page(&[denied(&call.json()["Segment"].to_string())]) })
    });
    let mut source = source(&replay);
    let error = source.load().await.unwrap_err().to_string();
    assert!(error.contains("dynamodb:Scan"), "{error}");
    let list = next(&mut source).await.unwrap();
    assert!(denies(&list, "a1") && (0..4).all(|segment| denies(&list, &segment.to_string())), "{list:?}");
    assert_eq!(replay.calls_of("Scan").len(), 1 + 4 + 1);
}

/// Loads until that is so.
async fn until(source: &mut DenyListSource, what: &str, mut holds: impl FnMut(&policy::deny_list::DenyList) -> bool) {
    for _ in 0..2000 {
        if next(source).await.is_some_and(|list| holds(&list)) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("{what}: never");
}

#[tokio::test]
async fn a_deleted_item_disappears_when_the_whole_table_is_read_again() {
    let replay = replay(&[denied("a1"), denied("b2")]).always("Scan", page(&[denied("b2")])).always("Query", page(&[]));
    let mut source = source(&replay).complete_every(Duration::ZERO);
    assert!(denies(&next(&mut source).await.unwrap(), "a1"));
    until(&mut source, "a1 is gone", |list| !denies(list, "a1") && denies(list, "b2")).await;
    assert_eq!(replay.calls_of("Scan")[1].json()["Limit"], 1000);
}

#[tokio::test]
async fn news_waits_for_no_page_and_is_not_undone_by_an_older_one() {
    let old = |serial| changed(serial, seconds_ago(1000));
    let slow = page_before("serial#a1", &[old("a1"), withdrawn(old("b2"))]).after(Duration::from_millis(300));
    let replay = replay(&[old("a1")]).on("Scan", slow).on("Scan", page(&[old("c3")]));
    let replay = replay.on("Query", page(&[denied("b2")])).always("Query", page(&[]));
    let mut source = source(&replay).complete_every(Duration::ZERO);
    next(&mut source).await.unwrap();
    let began = std::time::Instant::now();
    let list = next(&mut source).await.unwrap();
    assert!(denies(&list, "b2") && !denies(&list, "c3") && began.elapsed() < Duration::from_millis(300));
    let mut source = source.complete_every(Duration::from_secs(3600));
    until(&mut source, "c3 came", |list| {
        assert!(denies(list, "b2"), "the page is older than the news");
        denies(list, "c3")
    })
    .await;
    assert_eq!(operations(&replay.calls()[..2]), ["Scan", "Query"]);
}

#[tokio::test]
async fn a_whole_table_that_cannot_be_read_again_is_said_and_holds_up_no_news() {
    let replay = replay(&[denied("a1")]).always("Scan", Answer::json_error(400, "AccessDeniedException"));
    let replay = replay.on("Query", page(&[])).always("Query", page(&[denied("b2")]));
    let mut source = source(&replay).complete_every(Duration::ZERO);
    next(&mut source).await.unwrap();
    next(&mut source).await;
    while source.complaint().is_none() {
        next(&mut source).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(source.complaint().unwrap().contains("dynamodb:Scan"), "{:?}", source.complaint());
    source.load().await.unwrap();
}

/// A table as DynamoDB has it, in which anybody may do anything.
type Items = Arc<Mutex<BTreeMap<String, Value>>>;

fn served(items: &Items) -> Replay {
    let items = Arc::clone(items);
    Replay::new().served_by(move |call| {
        let (body, items) = (call.json(), items.lock().unwrap());
        Some(match call.operation.as_str() {
            "Query" => {
                let since = body["ExpressionAttributeValues"][":since"]["S"].as_str().unwrap().to_owned();
                let later = |item: &&Value| item["changedAt"]["S"].as_str().is_some_and(|at| at > since.as_str());
                page(&items.values().filter(later).cloned().collect::<Vec<_>>())
            }
            // Three items to a page.
            _ => {
                let after = body["ExclusiveStartKey"]["pk"]["S"].as_str().unwrap_or_default();
                let rest: Vec<&Value> =
                    items.iter().filter(|(key, _)| key.as_str() > after).map(|(_, item)| item).collect();
                let these: Vec<Value> = rest.iter().take(3).copied().cloned().collect();
                match these.last().filter(|_| rest.len() > 3) {
                    Some(last) => page_before(last["pk"]["S"].as_str().unwrap(), &these),
                    None => page(&these),
                }
            }
        })
    })
}

/// Deny, withdraw, delete behind our back, or put garbage.
fn any_changes() -> impl Strategy<Value = Vec<(u8, u8)>> {
    proptest::collection::vec((0..4_u8, 0..12_u8), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_to_the_table_the_list_becomes_what_it_says(changes in any_changes()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let items = Items::default();
            let mut source = source(&served(&items)).complete_every(Duration::ZERO);
            let mut list = next(&mut source).await.unwrap();
            for (what, n) in changes {
                let (serial, key) = (format!("a{n}"), format!("serial#a{n}"));
                match what {
                    0 => drop(items.lock().unwrap().insert(key, denied(&serial))),
                    1 => drop(items.lock().unwrap().insert(key, withdrawn(denied(&serial)))),
                    2 => drop(items.lock().unwrap().remove(&key)),
                    _ => drop(items.lock().unwrap().insert(format!("?{n}"), json!({"pk": {"S": format!("?{n}")}}))),
                }
                list = next(&mut source).await.unwrap_or(list);
                if what < 2 {
                    assert_eq!(denies(&list, &serial), what == 0, "news is in force at once");
                }
            }
            let said = |list: &policy::deny_list::DenyList| {
                let items = items.lock().unwrap();
                (0..12_u8).all(|n| {
                    let item = items.get(&format!("serial#a{n}"));
                    let expected = item.is_some_and(|item| item.get("serialNumber").is_some() && item.get("withdrawn").is_none());
                    denies(list, &format!("a{n}")) == expected
                })
            };
            for _ in 0..500 {
                if said(&list) {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
                list = next(&mut source).await.unwrap_or(list);
            }
            assert!(said(&list), "{list:?} {items:?}");
        });
    }
}
