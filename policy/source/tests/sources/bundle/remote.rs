//! Behind a web server: fetched when it changes, and dated by it.

use std::sync::{Arc, Mutex};

use policy::Timestamp;
use policy_source::{Load as _, PolicySource};

use super::{Folder, bundle, next, refused, settings};
use crate::server::{Server, answer, not_modified, status};

#[tokio::test]
async fn a_bundle_behind_a_web_server_is_fetched_when_it_changes() {
    let folder = Folder::new();
    let (one, two) = (bundle("1", "GET").archive(), bundle("2", "GET").archive());
    let server = Server::start([
        answer(200, "etag: \"a\"\r\n", &one),
        not_modified(),
        status(503, "later"),
        answer(200, "etag: \"b\"\r\n", &two),
    ]);
    let mut source = folder.open(&format!("bundle:{}/b.tar.gz", server.url), &settings()).await;
    assert!(source.is_remote());
    assert_eq!(next(&mut source).await.unwrap().0, "1");
    assert!(next(&mut source).await.is_none());
    assert!(refused(&mut source).await.contains("503"));
    assert_eq!(next(&mut source).await.unwrap().0, "2");
    assert!(server.heads()[1].contains("if-none-match: \"a\""));
}

/// What an observer was told, in seconds.
type Told = Arc<Mutex<Vec<u64>>>;

fn observed(source: PolicySource) -> (PolicySource, Told) {
    let told = Told::default();
    let teller = Arc::clone(&told);
    (source.observed(move |took| teller.lock().unwrap().push(took.as_secs())), told)
}

fn seconds_ago(seconds: i64) -> String {
    let time = Timestamp::from_second(Timestamp::now().as_second() - seconds).unwrap();
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap()
}

#[tokio::test]
async fn how_long_a_bundle_took_is_told_by_the_date_of_its_place() {
    let folder = Folder::new();
    let (mut source, told) = observed(folder.write(&bundle("1", "GET")).source().await);
    next(&mut source).await.unwrap();
    assert!(told.lock().unwrap().is_empty(), "the first is as old as it is");
    folder.write(&bundle("0", "GET"));
    refused(&mut source).await;
    assert!(told.lock().unwrap().is_empty());
    folder.write(&bundle("2", "GET"));
    next(&mut source).await.unwrap();
    assert!(matches!(told.lock().unwrap().as_slice(), [0..60]));

    let dated = |revision: &str, date: i64, modified: i64| {
        let headers = format!("date: {}\r\nlast-modified: {}\r\n", seconds_ago(date), seconds_ago(modified));
        answer(200, &headers, &bundle(revision, "GET").archive())
    };
    let server = Server::start([
        dated("1", 60, 7200),
        dated("2", 30, 40),
        // What was built before the last one was seen, and is put there with that date.
        dated("3", 20, 3600),
        answer(200, "", &bundle("4", "GET").archive()),
        dated("5", 0, -3600),
    ]);
    let (mut source, told) = observed(folder.open(&format!("bundle:{}/b.tar.gz", server.url), &settings()).await);
    for revision in ["1", "2", "3", "4", "5"] {
        assert_eq!(next(&mut source).await.unwrap().0, revision);
    }
    let told = told.lock().unwrap();
    assert!(matches!(told.as_slice(), [40..100]), "{told:?}");
}
