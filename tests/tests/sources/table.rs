//! The policy table: readers see one whole revision or the other while publishers write, and only one publisher wins.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::Client;
use policy::{Format, Revision};
use policy_source::{Document, Live, Load, PolicyPublisher, PublishError};

use crate::line::Line;
use crate::{outage, policy, source, stack, until};

/// More than a page of any size the emulator has, and than one scan is used for.
const MANY: usize = 3_000;

fn document(revision: &str, callers: usize) -> Document {
    let bytes = policy(callers).into_bytes();
    Document { revision: Revision::from(revision), bytes, format: Format::Yaml, name: "access.yaml".to_owned() }
}

async fn publisher(table: &str) -> PolicyPublisher {
    let stack = stack().await;
    PolicyPublisher::new(table, &stack.sdk_config(&stack.provider()).await)
}

async fn table(prefix: &str) -> String {
    local_stack::deploy::tables(stack().await, prefix).await.unwrap().access_policy
}

async fn items(table: &str) -> usize {
    let client = Client::new(&stack().await.sdk_config(&stack().await.provider()).await);
    let mut pages = client.scan().table_name(table).into_paginator().items().send();
    let mut count = 0;
    while pages.try_next().await.unwrap().is_some() {
        count += 1;
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_has_a_whole_revision_whatever_publishers_do() {
    let table = table("whole-").await;
    let (publisher, line) = (publisher(&table).await, Line::to(stack().await.endpoint()).await);
    let uri = format!("dynamodb:{table}");
    let error = source(&line, &uri).await.load().await.unwrap_err().to_string();
    assert!(error.contains(&table) && error.contains("linkward policy push"), "{error}");
    publisher.publish(document("r0", MANY), |_, _| {}).await.unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let (mut reader, ended) = (source(&line, &uri).await, Arc::clone(&done));
    let reading = tokio::spawn(async move {
        let mut seen = Vec::new();
        while !ended.load(Ordering::Relaxed) {
            // Under a quick publisher a reading may have to wait for the next refresh; it is never half of anything.
            if let Ok(Some((revision, policy))) = reader.load().await {
                let round: usize = revision.as_str()[1..].parse().unwrap();
                assert_eq!(policy.callers_len(), Some(MANY + round));
                seen.push(round);
            }
        }
        seen
    });
    for round in 1..4 {
        let published = publisher.publish(document(&format!("r{round}"), MANY + round), |_, _| {}).await.unwrap();
        assert_eq!((published.written, published.removed), (MANY + round, MANY + round - 1));
    }
    done.store(true, Ordering::Relaxed);
    let seen = reading.await.unwrap();
    assert!(seen.first() == Some(&0) && seen.is_sorted(), "{seen:?}");
    assert_eq!(items(&table).await, MANY + 3 + 2, "the items in force, `meta` and `publications`");
}

#[tokio::test]
async fn of_two_publishers_at_once_one_wins_and_nothing_of_the_other_is_left() {
    let table = table("two-").await;
    let (one, two) = (publisher(&table).await, publisher(&table).await);
    one.publish(document("r0", 1), |_, _| {}).await.unwrap();
    let (a, b) = tokio::join!(one.publish(document("ra", 60), |_, _| {}), two.publish(document("rb", 70), |_, _| {}));
    let overtaken = |outcome: &Result<_, PublishError>| matches!(outcome, Err(PublishError::Overtaken(_)));
    // Unless one was through before the other began.
    assert!(a.is_ok() || b.is_ok(), "{a:?} {b:?}");
    assert!([&a, &b].into_iter().all(|outcome| outcome.is_ok() || overtaken(outcome)), "{a:?} {b:?}");
    let line = Line::to(stack().await.endpoint()).await;
    let (revision, policy) = source(&line, &format!("dynamodb:{table}")).await.load().await.unwrap().unwrap();
    let expected = if revision.as_str() == "ra" { 60 } else { 70 };
    assert_eq!(policy.callers_len(), Some(expected));
    assert_eq!(items(&table).await, expected + 2);
}

#[tokio::test]
async fn what_is_published_is_in_force_and_stays_through_an_outage() {
    let table = table("outage-").await;
    let (publisher, line) = (publisher(&table).await, Line::to(stack().await.endpoint()).await);
    publisher.publish(document("r1", 5), |_, _| {}).await.unwrap();
    let uri = format!("dynamodb:{table}");
    let live = Live::start("policy", source(&line, &uri).await, Duration::from_secs(1)).await.unwrap();
    publisher.publish(document("r2", 6), |_, _| {}).await.unwrap();
    let began = Instant::now();
    until("the second revision is in force", || live.revision().as_str() == "r2").await;
    println!("dynamodb: published to in force in {:?}", began.elapsed());
    outage(&line, &uri, &live).await;
}
