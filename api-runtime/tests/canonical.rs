//! Whatever bytes a caller sends, its upstream sees only requests that can be read in one way, and only those that were
//! authorized.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;
use support::client::Caller;
use support::strict::{self, Message};
use support::{ORDERS, Setup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// Ends the connection if it was read as a request of its own.
const LAST: &[u8] = b"GET /v1/last HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

fn method() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        9 => select(vec!["GET", "POST", "POST"]),
        1 => select(vec!["PUT", "HEAD", "DELETE", "get", "Post", "GE\tT", "G\"T", "PRI", "CONNECT", "TRACE", ""]),
    ]
    .prop_map(|text| text.as_bytes().to_vec())
}

/// What a path is put together from.
const PIECES: &[&[u8]] = &[
    b"a",
    b"%61",
    b"b/",
    b"..",
    b"%2e%2E",
    b"/",
    b"%2f",
    b"\\",
    b"%5C",
    b"%00",
    b"\0",
    b"%",
    b"%zz",
    b"?q=%2f..",
    b"#f",
    b"\xc3\xa9",
    b"\xff",
    b"\t",
    b" ",
    b";x=.",
    b"~",
    b"secret/",
    b"%73ecret/",
    b"{",
    b"|",
    b"\"",
    b"%c3%a9",
    b"%ff",
    b"\x7f",
    b".",
    b":",
    b"@",
];

const STARTS: &[&[u8]] =
    &[b"/v1/uploads/", b"/v1/uploads/", b"/v1/", b"http://a/v1/", b"http://b/v1/", b"//a/v1/", b"v1/", b"*", b"/"];

fn target() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => Just(b"/v1/uploads/a".to_vec()),
        1 => (select(STARTS), prop::collection::vec(select(PIECES), 0..4)).prop_map(|(start, pieces)| [start, &pieces.concat()].concat()),
    ]
}

fn version() -> impl Strategy<Value = Vec<u8>> {
    let odd = vec!["HTTP/1.0", "HTTP/1.1 ", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.10", "HTTP/0.9", ""];
    prop_oneof![20 => Just("HTTP/1.1"), 1 => select(odd)].prop_map(|text| text.as_bytes().to_vec())
}

/// Headers that say where a message ends, or seem to.
const FRAMING: &[&str] = &[
    "content-length: 5",
    "Content-Length:5",
    "content-length: 05",
    "content-length: 5, 5",
    "content-length: +5",
    "content-length: 0x5",
    "content-length:",
    "content-length: -1",
    "content-length: 99999999999999999999",
    "content-length:\t5\t",
    "content-length : 5",
    "content-length: 7",
    "content_length: 7",
    "content-length: 0",
    "transfer-encoding: chunked",
    "Transfer-Encoding: Chunked",
    "transfer-encoding: chunked, chunked",
    "transfer-encoding: identity",
    "transfer-encoding: gzip, chunked",
    "transfer-encoding : chunked",
    "transfer-encoding:\u{b}chunked",
    "transfer-encoding: chunked\0",
    "transfer-encoding: \"chunked\"",
    "transfer_encoding: chunked",
    "transfer-encoding:",
    "transfer-encoding: chunked;a=b",
    "transfer-encoding: x",
];

const OTHER_HEADERS: &[&str] = &[
    "host: a",
    "Host: b",
    "host: a:80",
    "host: a b",
    "host:",
    " folded: x",
    "\tx",
    "x: a\rb: c",
    "x: a\nb: c",
    "x: \0",
    "x: \u{e9}",
    "connection: close",
    "connection: keep-alive, x-linkward-caller",
    "connection: host, x-request-id",
    "connection: content-length",
    "connection: transfer-encoding",
    "x-linkward-caller: evil",
    "x: y",
    "X_Linkward-Account: evil",
    "x-forwarded_client_cert: evil",
    "upgrade: h2c",
    "expect: 100-continue",
    "te: trailers",
    "trailer: x-linkward-caller",
    ": nothing",
    "no colon",
    "x y: z",
    "\u{e9}: z",
    "x\u{b}: z",
    "proxy-connection: close",
    "keep-alive: 5",
    "cookie: a=b",
    "accept: */*",
    "x: \u{7f}",
];

fn header() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![select(FRAMING), select(OTHER_HEADERS)].prop_map(|text| text.as_bytes().to_vec())
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let smuggled = "GET /v1/secret/smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
    let texts = vec![
        String::new(),
        "hello".to_owned(),
        format!("hello{smuggled}"),
        "5\r\nhello\r\n0\r\n\r\n".to_owned(),
        "5;a=\"b\"\r\nhello\r\n0\r\n\r\n".to_owned(),
        "5;\n\r\nhello\r\n0\r\n\r\n".to_owned(),
        "5\nhello\n0\n\n".to_owned(),
        "05\r\nhello\r\n00\r\n\r\n".to_owned(),
        "5 \r\nhello\r\n0\r\n\r\n".to_owned(),
        "0x5\r\nhello\r\n0\r\n\r\n".to_owned(),
        "-1\r\nhello\r\n0\r\n\r\n".to_owned(),
        "10000000000000005\r\nhello\r\n0\r\n\r\n".to_owned(),
        "5\r\nhelloXX0\r\n\r\n".to_owned(),
        format!("0\r\n\r\n{smuggled}"),
        "0\r\nx-linkward-caller: evil\r\nhost: b\r\ncontent-length: 3\r\nx_linkward_account: evil\r\n\r\n".to_owned(),
        "0\r\n folded: evil\r\n\r\n".to_owned(),
    ];
    select(texts).prop_map(String::into_bytes)
}

/// A header and a body that belong together.
const FRAMED: [(&str, &str); 3] = [
    ("content-length: 5", "hello"),
    ("transfer-encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
    ("transfer-encoding: chunked", "2;a=b\r\nhe\r\n03\r\nllo\r\n0\r\nx-linkward-caller: evil\r\nx: y\r\n\r\n"),
];

prop_compose! {
    /// A request that is nearly one.
    fn request()(
        (method, target, version) in (method(), target(), version()),
        host in prop::bool::weighted(0.9),
        headers in prop_oneof![1 => Just(Vec::new()), 2 => prop::collection::vec(header(), 1..4)],
        framed in prop::option::weighted(0.4, select(FRAMED.to_vec())),
        end in prop_oneof![12 => Just("\r\n"), 2 => Just("\n"), 1 => select(vec!["\r", "\r\r\n", "\n\r", " \r\n"])],
        body in body(),
        stray in prop::option::weighted(0.15, (any::<prop::sample::Index>(), any::<u8>())),
    ) -> Vec<u8> {
        let mut lines = vec![[&method[..], b" ", &target, b" ", &version].concat()];
        lines.extend(host.then(|| b"host: a".to_vec()));
        lines.extend(headers);
        lines.extend(framed.map(|(line, _)| line.as_bytes().to_vec()));
        let end = end.as_bytes();
        let body = framed.map_or(body, |(_, body)| body.as_bytes().to_vec());
        let mut bytes = [&lines.join(end)[..], end, end, &body].concat();
        if let Some((place, byte)) = stray {
            bytes.insert(place.index(bytes.len()), byte);
        }
        bytes
    }
}

/// The statuses of what was answered; it need not be an answer to each request.
async fn send(caller: &Caller, bytes: &[u8]) -> Vec<u16> {
    let mut stream = caller.connect().await.unwrap();
    let (mut answers, mut buffer) = (Vec::new(), vec![0; 16384]);
    if stream.write_all(&[bytes, LAST].concat()).await.is_ok() {
        // Half a request is left to wait.
        while let Ok(Ok(count @ 1..)) = timeout(Duration::from_millis(150), stream.read(&mut buffer)).await {
            answers.extend_from_slice(&buffer[..count]);
        }
    }
    let text = String::from_utf8_lossy(&answers);
    text.match_indices("HTTP/1.1 ").filter_map(|(at, _)| text.get(at + 9..at + 12)?.parse().ok()).collect()
}

/// No server could take the path for another one.
fn check_path(message: &Message) -> Result<(), String> {
    let path = message.target.split('?').next().unwrap();
    let decoded = path.to_ascii_lowercase().replace("%2e", ".").replace("%2f", "/").replace("%73", "s");
    let hidden = ["/../", "/./", "//", "\\", "%00", "%5c", "/v1/secret"].iter().find(|bad| decoded.contains(*bad));
    match hidden {
        Some(bad) => Err(format!("`{bad}` in {message:?}")),
        None if !path.starts_with("/v1/") => Err(format!("not authorized: {message:?}")),
        None => Ok(()),
    }
}

#[test]
fn the_upstream_sees_only_what_was_authorized_and_in_one_form() {
    let tokio = tokio::runtime::Runtime::new().unwrap();
    let _here = tokio.enter();
    let (addr, seen) = tokio.block_on(strict::strict());
    let runtime = tokio.block_on(Setup::new().upstream(addr).start());
    let caller = runtime.orders();
    let (mut forwarded, mut statuses) = (Vec::new(), HashMap::<u16, usize>::new());
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let (all, counted) = (std::cell::RefCell::new(&mut forwarded), std::cell::RefCell::new(&mut statuses));
    runner
        .run(&request(), |bytes| {
            let answers = tokio.block_on(send(&caller, &bytes));
            answers.iter().for_each(|status| *counted.borrow_mut().entry(*status).or_default() += 1);
            let (messages, problems) = seen.take();
            prop_assert!(problems.is_empty(), "{problems:?}");
            for message in messages {
                check_path(&message).map_err(TestCaseError::fail)?;
                all.borrow_mut().push((bytes.clone(), message));
            }
            Ok(())
        })
        .unwrap();
    tokio.block_on(check_log(&runtime, &forwarded));
    // Odd, but not only nonsense.
    let many = |status: u16| statuses.get(&status).copied().unwrap_or_default() >= 20;
    assert!(
        many(200) && many(400) && forwarded.iter().filter(|(_, it)| !it.body.is_empty()).count() > 5,
        "{statuses:?}"
    );
}

/// What the upstream saw is what the log says was allowed.
async fn check_log(runtime: &support::Runtime, forwarded: &[(Vec<u8>, Message)]) {
    let last = forwarded.last().unwrap().1.only("x-request-id").unwrap();
    runtime.log_line(|line| line["requestId"] == last).await;
    let log: HashMap<String, Value> = runtime
        .log()
        .into_iter()
        .filter(|line| line["event"] == "access")
        .map(|line| (line["requestId"].as_str().unwrap().to_owned(), line))
        .collect();
    for (bytes, message) in forwarded {
        let line = &log[message.only("x-request-id").unwrap()];
        let from = String::from_utf8_lossy(bytes);
        assert_eq!((&line["decision"], &line["callerId"]), (&"allow".into(), &ORDERS.into()), "{from:?}");
        assert_eq!(line["method"], *message.method, "{from:?}");
        assert_eq!(line["path"], *message.target.split('?').next().unwrap(), "{from:?}");
        assert_eq!(message.only("x-linkward-caller").unwrap(), ORDERS, "{from:?}");
        let host = message.only("host").unwrap();
        assert!(line["host"] == *host || line["host"].is_null() && line["httpVersion"] == "1.0", "{from:?}: {line}");
    }
}
