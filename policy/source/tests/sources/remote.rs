//! Objects behind HTTP and in S3, fetched again only when they changed.

use std::net::TcpListener;

use policy_source::remote::{Fetched, RemoteError, RemoteObject};
use wire_replay::Replay;

use crate::server::{Server, answer, not_modified, status};

const LIMIT: usize = 1000;

async fn object(server: &Server) -> RemoteObject {
    RemoteObject::open(&format!("{}/ca.crl", server.url).parse().unwrap(), LIMIT).await.unwrap()
}

async fn bytes(object: &mut RemoteObject) -> Option<String> {
    match object.fetch().await.unwrap() {
        Fetched::Unchanged => None,
        Fetched::Changed { bytes, .. } => Some(String::from_utf8(bytes).unwrap()),
    }
}

async fn refusal(answer: Vec<u8>) -> String {
    let server = Server::start([answer]);
    let error = object(&server).await.fetch().await.unwrap_err().to_string();
    assert!(error.contains(&format!("`{}/ca.crl`", server.url)), "{error}");
    error
}

#[tokio::test]
async fn an_unchanged_object_is_not_transferred_again() {
    let tagged = |tag: &str, body: &str| answer(200, &format!("etag: {tag}\r\n"), body.as_bytes());
    let server = Server::start([tagged("\"1\"", "one"), not_modified(), tagged("W/\"2\"", "two"), not_modified()]);
    let mut object = object(&server).await;
    let first = object.fetch().await.unwrap();
    assert_eq!(first, Fetched::Changed { bytes: b"one".to_vec(), etag: Some("\"1\"".into()), modified: None });
    assert_eq!(bytes(&mut object).await, None);
    assert_eq!(bytes(&mut object).await.as_deref(), Some("two"));
    assert_eq!(bytes(&mut object).await, None);
    let heads = server.heads();
    assert!(heads[0].starts_with("get /ca.crl http/1.1\r\n") && !heads[0].contains("if-"), "{}", heads[0]);
    assert!(heads[1].contains("if-none-match: \"1\"\r\n") && heads[2].contains("if-none-match: \"1\"\r\n"));
    assert!(heads[3].contains("if-none-match: w/\"2\"\r\n"), "{}", heads[3]);
}

#[tokio::test]
async fn without_a_tag_the_time_of_modification_does() {
    let modified = "Mon, 23 Nov 2026 10:00:00 GMT";
    let server = Server::start([answer(200, &format!("last-modified: {modified}\r\n"), b"one"), not_modified()]);
    let mut object = object(&server).await;
    assert_eq!(bytes(&mut object).await.as_deref(), Some("one"));
    assert_eq!(bytes(&mut object).await, None);
    assert!(server.heads()[1].contains(&format!("if-modified-since: {}\r\n", modified.to_lowercase())));
}

#[tokio::test]
async fn the_same_bytes_are_no_change_whatever_the_server_knows() {
    let server = Server::start([status(200, "one"), status(200, "one"), status(200, "two")]);
    let mut object = object(&server).await;
    assert_eq!(bytes(&mut object).await.as_deref(), Some("one"));
    assert_eq!(bytes(&mut object).await, None);
    assert_eq!(bytes(&mut object).await.as_deref(), Some("two"));
}

#[tokio::test]
async fn what_was_refused_is_given_again() {
    let tagged = || answer(200, "etag: \"1\"\r\n", b"one");
    let server = Server::start([tagged(), tagged()]);
    let mut object = object(&server).await;
    bytes(&mut object).await.unwrap();
    object.refuse();
    assert_eq!(bytes(&mut object).await.as_deref(), Some("one"));
    assert!(!server.heads()[1].contains("if-none-match"));
}

#[tokio::test]
async fn a_failure_keeps_what_is_known() {
    let tagged = answer(200, "etag: \"1\"\r\n", b"one");
    let server = Server::start([tagged, status(503, "later"), not_modified()]);
    let mut object = object(&server).await;
    bytes(&mut object).await.unwrap();
    let error = object.fetch().await.unwrap_err();
    assert!(matches!(error, RemoteError::Status { status: 503, .. }), "{error}");
    assert_eq!(bytes(&mut object).await, None);
}

#[tokio::test]
async fn every_refusal_names_the_object_and_what_to_do() {
    for (answer, words) in [
        (status(404, "gone"), "answered 404; check the address"),
        (status(403, "no"), "answered 403; check that this process may read it"),
        (status(500, "oops"), "answered 500; it is asked again, less often"),
        (status(204, ""), "answered 204; give an address that answers 200"),
        (not_modified(), "answered 304"),
        (status(302, ""), "answered 302"),
        (status(200, ""), "is empty; put the document there"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec(), "check the address"),
        (b"this is not HTTP\r\n\r\n".to_vec(), "check the address"),
    ] {
        let error = refusal(answer).await;
        assert!(error.contains(words), "{error}");
    }
}

#[tokio::test]
async fn an_object_at_the_limit_is_taken_and_one_byte_more_is_not() {
    let server = Server::start([status(200, &"x".repeat(LIMIT))]);
    assert_eq!(bytes(&mut object(&server).await).await.unwrap().len(), LIMIT);
    let announced = refusal(status(200, &"x".repeat(LIMIT + 1))).await;
    assert!(announced.contains("is larger than 1000 bytes; nothing of it is used"), "{announced}");
    let streamed =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n{}\r\n0\r\n\r\n", "x".repeat(1001));
    assert!(refusal(streamed.into()).await.contains("is larger than 1000 bytes"));
}

#[tokio::test]
async fn redirects_are_followed_a_few_times_and_never_off_the_secure_way() {
    let to = |location: &str| answer(302, &format!("location: {location}\r\n"), b"");
    let server = Server::start([to("/b"), to("/c"), to("/d?signature=x"), status(200, "one")]);
    assert_eq!(bytes(&mut object(&server).await).await.as_deref(), Some("one"));
    assert!(server.heads()[3].starts_with("get /d?signature=x "), "{}", server.heads()[3]);
    let server = Server::start((0..9).map(|_| to("/again")));
    let error = object(&server).await.fetch().await.unwrap_err();
    assert!(matches!(error, RemoteError::Redirect(_)), "{error}");
    assert_eq!(server.heads().len(), 4);
    assert!(refusal(to("http://store.example/x")).await.contains("cannot be followed"));
}

#[tokio::test]
async fn a_server_that_never_answers_is_an_error_in_bounded_time() {
    // Accepts by its backlog, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/x", silent.local_addr().unwrap()).parse().unwrap();
    let mut object = RemoteObject::open(&address, LIMIT).await.unwrap();
    let began = std::time::Instant::now();
    assert!(matches!(object.fetch().await, Err(RemoteError::TooSlow { .. })));
    assert!(began.elapsed().as_secs() < 60);
    drop(silent);
    assert!(matches!(object.fetch().await, Err(RemoteError::Unreachable { .. })));
}

/// What the object said that it was modified, after the first was answered at `first` and the second was as `second` says.
async fn modified(first: &str, second: &str) -> Option<String> {
    let server = Server::start([answer(200, first, b"one"), answer(200, second, b"two")]);
    let mut object = object(&server).await;
    bytes(&mut object).await.unwrap();
    match object.fetch().await.unwrap() {
        Fetched::Changed { modified, .. } => modified.map(|time| time.to_string()),
        Fetched::Unchanged => panic!("it changed"),
    }
}

#[tokio::test]
async fn an_object_is_dated_by_its_server_if_that_can_be_when_it_took_its_place() {
    let at = |second: u32| format!("Mon, 23 Nov 2026 10:00:{second:02} GMT");
    let confirmed = format!("date: {}\r\n", at(10));
    let changed = |last_modified: &str| format!("date: {}\r\nlast-modified: {last_modified}\r\n", at(30));
    for second in [10, 25] {
        let expected = format!("2026-11-23T10:00:{second}Z");
        assert_eq!(modified(&confirmed, &changed(&at(second))).await, Some(expected));
    }
    for (first, second, why) in [
        (confirmed.clone(), changed(&at(9)), "the server had the other one later than that"),
        (format!("{confirmed}age: 16\r\n"), changed(&at(25)), "a cache had it later than that"),
        (format!("{confirmed}age: soon\r\n"), changed(&at(25)), "nobody knows when"),
        (String::new(), changed(&at(25)), "nobody knows when"),
        (confirmed.clone(), format!("date: {}\r\n", at(30)), "it is not dated"),
        (confirmed.clone(), changed("Thu, 01 Jan 1970 00:00:00 GMT"), "a time for lack of one"),
        (confirmed.clone(), changed("2026-11-23T10:00:25Z"), "not a time of HTTP"),
        (confirmed.clone(), changed("Mon, 23 Nov 2026 10:00:25 +0000"), "not a time of HTTP"),
    ] {
        assert_eq!(modified(&first, &second).await, None, "{why}");
    }
    assert!(modified(&format!("{confirmed}age: 15\r\n"), &changed(&at(25))).await.is_some());
}

fn in_s3(server: &Server) -> RemoteObject {
    let sdk = Replay::new().sdk_config().into_builder().endpoint_url(&server.url).build();
    RemoteObject::with_sdk(&"s3://crl-bucket/crl/a b.crl".parse().unwrap(), &sdk, LIMIT).unwrap()
}

#[tokio::test]
async fn an_object_in_s3_is_asked_for_with_a_signature_and_only_if_changed() {
    let server = Server::start([answer(200, "etag: \"1\"\r\n", b"one"), not_modified(), status(200, "two")]);
    let mut object = in_s3(&server);
    assert_eq!(bytes(&mut object).await.as_deref(), Some("one"));
    assert_eq!(bytes(&mut object).await, None);
    assert_eq!(bytes(&mut object).await.as_deref(), Some("two"));
    let heads = server.heads();
    assert!(heads[0].starts_with("get /crl-bucket/crl/a%20b.crl http/1.1\r\n"), "{}", heads[0]);
    assert!(heads[0].contains("authorization: aws4-hmac-sha256 credential=key/"), "{}", heads[0]);
    assert!(heads[1].contains("if-none-match: \"1\"\r\n"), "{}", heads[1]);
}

#[tokio::test]
async fn a_refusal_by_s3_names_object_code_region_and_permission() {
    let denied = b"<Error><Code>AccessDenied</Code><Message>m</Message></Error>";
    let server = Server::start([answer(403, "x-amz-bucket-region: us-east-1\r\n", denied)]);
    let error = in_s3(&server).fetch().await.unwrap_err().to_string();
    assert_eq!(
        error,
        "cannot read `s3://crl-bucket/crl/a b.crl`: S3 answered 403 AccessDenied, the bucket is in us-east-1; check \
         bucket, key and Region, and that this process may call s3:GetObject on it"
    );
}

#[tokio::test]
async fn an_object_that_is_not_there_is_told_from_one_that_cannot_be_read() {
    for (code, not_found) in [(404, true), (403, false), (503, false)] {
        // 404 is in the name of what cannot be read, too.
        let server = Server::start([status(code, "404"), status(code, "404")]);
        let sdk = Replay::new().sdk_config().into_builder().endpoint_url(&server.url).build();
        let uri = "s3://bucket/404.crl".parse().unwrap();
        let error = RemoteObject::with_sdk(&uri, &sdk, LIMIT).unwrap().fetch().await.unwrap_err();
        assert_eq!(error.is_not_found(), not_found, "{error}");
        assert_eq!(object(&server).await.fetch().await.unwrap_err().is_not_found(), not_found);
    }
}

#[tokio::test]
async fn without_region_or_credentials_s3_says_so() {
    let uri = "s3://crl-bucket/key".parse().unwrap();
    let mut builder = Replay::new().sdk_config().into_builder();
    builder.set_region(None);
    let error = RemoteObject::with_sdk(&uri, &builder.build(), LIMIT).unwrap().fetch().await.unwrap_err().to_string();
    assert!(error.contains("set AWS_REGION"), "{error}");
    let mut builder = Replay::new().sdk_config().into_builder();
    builder.set_credentials_provider(None);
    let error = RemoteObject::with_sdk(&uri, &builder.build(), LIMIT).unwrap().fetch().await.unwrap_err().to_string();
    assert!(error.contains("no AWS credentials"), "{error}");
}
