//! Secrets that pass through, or lie on the disk, are written nowhere: not at any level of the log, not to a collector, not
//! on the operators' pages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;
use support::authority::{CertificateContent, TestAuthority};
use support::client::{Caller, plain_get};
use support::{ORDERS, SOON, STRANGER, Setup, upstream};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;
use written::CANARY;

/// Keeps what a collector is sent.
async fn collector() -> (SocketAddr, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let kept = tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok(Ok((mut stream, _))) = timeout(Duration::from_secs(4), listener.accept()).await {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(Ok(count @ 1..)) = timeout(Duration::from_millis(500), stream.read(&mut buffer)).await {
                kept.extend_from_slice(&buffer[..count]);
            }
        }
        kept
    });
    (addr, kept)
}

#[tokio::test]
async fn nothing_that_is_written_tells_a_secret() {
    let answer =
        format!("HTTP/1.1 200 OK\r\nset-cookie: session={CANARY}-set\r\ncontent-length: 19\r\n\r\n{CANARY}-answer");
    let (addr, _) = upstream::canned(Box::leak(answer.into_boxed_str())).await;
    let (otlp, kept) = collector().await;
    let setup = Setup::new().upstream(addr).deny_list().top(&format!(
        "telemetry: {{ accessLog: stdout, emf: stdout, otlpEndpoint: \"http://{otlp}\", traceSampling: 1, metricsInterval: 1s }}\n\
         limits: {{ drain: 50ms }}"
    ));
    setup.write("runtime.yaml", &setup.yaml());
    let mut command = Command::new(env!("CARGO_BIN_EXE_api-runtime"));
    command.arg("--config").arg(setup.path("runtime.yaml")).env("RUST_LOG", "trace").kill_on_drop(true);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (stderr, mut stdout) = (child.stderr.take().unwrap(), child.stdout.take().unwrap());
    let (tell, told) = tokio::sync::oneshot::channel();
    let stderr = tokio::spawn(async move {
        let (mut lines, mut text, mut tell) = (BufReader::new(stderr).lines(), String::new(), Some(tell));
        while let Ok(Some(line)) = lines.next_line().await {
            let said: serde_json::Value = serde_json::from_str(&line).unwrap();
            if let (Some(callers), Some(admin)) = (said["callers"].as_str(), said["admin"].as_str()) {
                tell.take().unwrap().send([callers, admin].map(|addr| addr.parse().unwrap())).unwrap();
            }
            text += &(line + "\n");
        }
        text
    });
    let stdout = tokio::spawn(async move {
        let mut text = String::new();
        stdout.read_to_string(&mut text).await.unwrap();
        text
    });
    let [addr, admin] = timeout(SOON, told).await.unwrap().unwrap();
    ask_with_secrets(&setup, addr).await;
    // A key that does not fit, and one that is none, are said without being shown.
    setup.write("server.key", &setup.caller(ORDERS).key_pem);
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    look_at_every_page(admin).await;
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().await.unwrap().success());
    assert!(timeout(SOON, child.wait()).await.unwrap().unwrap().success());
    let (stdout, stderr, sent) = (stdout.await.unwrap(), stderr.await.unwrap(), kept.await.unwrap());
    assert!(stdout.lines().count() >= 3 && stdout.contains("/v1/uploads/a"), "{stdout}");
    assert!(stderr.contains("\"TRACE\"") && stderr.contains("does not belong"), "{stderr}");
    assert!(sent.windows(6).any(|bytes| bytes == b"traces") && sent.windows(7).any(|bytes| bytes == b"metrics"));
    written::check("stdout", stdout);
    written::check("stderr", stderr);
    written::check("otlp", sent);
}

/// Two callers with secrets wherever a request has room for one, and one whom nobody knows.
async fn ask_with_secrets(setup: &Setup, addr: SocketAddr) {
    for identity in [ORDERS, STRANGER] {
        let caller = Caller::new(addr, &setup.authority.pem, Some(&setup.caller(identity)));
        let mut raw = caller.raw().await;
        raw.send(&format!(
            "POST /v1/uploads/a?token={CANARY}-query HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {CANARY}-bearer\r\n\
             proxy-authorization: Basic {CANARY}\r\ncookie: session={CANARY}-cookie\r\nx-api-key: {CANARY}-key\r\n\
             x-amz-security-token: {CANARY}-aws\r\nreferer: https://a/?{CANARY}\r\ncontent-length: 17\r\n\r\n{CANARY}-body"
        ))
        .await;
        raw.answer().await;
        caller.http2().hyper2().await;
    }
    let foreign = TestAuthority::root("Foreign CA").issue(&CertificateContent::caller(&[ORDERS]));
    Caller::new(addr, &setup.authority.pem, Some(&foreign)).refusal().await;
}

async fn look_at_every_page(admin: SocketAddr) {
    for path in ["/status", "/metrics", "/"] {
        let (status, page) = plain_get(admin, path).await;
        assert_eq!(status, 200);
        written::check(path, page);
    }
}
