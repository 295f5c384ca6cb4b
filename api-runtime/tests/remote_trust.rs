//! The binary with its certificate in Secrets Manager and its CRL behind HTTPS, and with nothing behind a network at all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

mod support;

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use support::authority::{CertificateContent, CrlContent, TestAuthority};
use support::client::Caller;
use support::{ORDERS, SOON, Setup};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// What a server answers, to whatever is asked.
type Content = Arc<Mutex<Vec<u8>>>;

fn content(bytes: impl Into<Vec<u8>>) -> Content {
    Arc::new(Mutex::new(bytes.into()))
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, content: &Content) {
    let mut stream = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    while stream.read_line(&mut line).await.is_ok_and(|read| read > 2) {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    stream.read_exact(&mut vec![0; length]).await.unwrap();
    let body = content.lock().unwrap().clone();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    drop(stream.write_all(&[head.as_bytes(), &body].concat()).await);
    drop(stream.shutdown().await);
}

async fn http(content: Content) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            answer(stream, &content).await;
        }
    });
    address
}

async fn https(content: Content, authority: &TestAuthority) -> SocketAddr {
    use rustls_pki_types::pem::PemObject;
    let server = authority.issue(&CertificateContent::server());
    let chain = rustls_pki_types::CertificateDer::pem_slice_iter(server.pem.as_bytes()).map(Result::unwrap).collect();
    let key = rustls_pki_types::PrivateKeyDer::from_pem_slice(server.key_pem.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream, &content).await;
            }
        }
    });
    address
}

/// With no environment but this.
fn binary(setup: &Setup, yaml: &str, environment: &[(&str, &str)]) -> Command {
    setup.write("runtime.yaml", yaml);
    let mut command = Command::new(env!("CARGO_BIN_EXE_api-runtime"));
    command.arg("--config").arg(setup.path("runtime.yaml")).kill_on_drop(true);
    command.env_clear().envs(environment.iter().copied());
    command.stdin(Stdio::null()).stdout(written::file("api-runtime")).stderr(Stdio::piped());
    command
}

/// Starts it and reads from its log where callers connect.
async fn started(mut command: Command) -> (Child, SocketAddr) {
    let mut child = command.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let (mut told, mut kept) = (Vec::new(), written::Lines::of("api-runtime"));
    let address = loop {
        let line = timeout(SOON, log.next_line()).await.unwrap().unwrap();
        assert!(line.is_some(), "it ended: {told:#?}");
        let line = line.unwrap();
        kept.keep(&line);
        if let Some(address) = serde_json::from_str::<serde_json::Value>(&line).unwrap()["callers"].as_str() {
            break address.parse().unwrap();
        }
        told.push(line);
    };
    tokio::spawn(async move {
        while let Ok(Some(line)) = log.next_line().await {
            kept.keep(&line);
        }
    });
    (child, address)
}

async fn refused(mut command: Command) -> String {
    let output = written::output("api-runtime", timeout(SOON, command.output()).await.unwrap().unwrap());
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

fn secret(authority: &TestAuthority, version: &str) -> Vec<u8> {
    let server = authority.issue(&CertificateContent::server());
    let text = serde_json::json!({"certificate": server.pem, "chain": "", "privateKey": server.key_pem}).to_string();
    serde_json::json!({"ARN": "arn", "Name": "server", "VersionId": version, "SecretString": text}).to_string().into()
}

/// In TLS 1.3 a caller believes in the handshake until it reads.
async fn is_served(caller: &Caller) -> bool {
    let Ok(mut stream) = caller.connect().await else { return false };
    let sent = stream.write_all(b"GET /v1/a HTTP/1.1\r\nhost: a\r\n\r\n").await;
    sent.is_ok() && timeout(SOON, stream.read(&mut [0; 64])).await.unwrap().is_ok_and(|count| count > 0)
}

const KEYS: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "eu-west-1")];

fn from_secret(setup: &Setup) -> String {
    let id = "\"secretsmanager:arn:aws:secretsmanager:eu-west-1:123456789012:secret:server-a1b2c3\"";
    setup.yaml().replace(": server.crt", &format!(": {id}")).replace(": server.key", &format!(": {id}"))
}

#[tokio::test]
async fn a_certificate_in_secrets_manager_is_rotated_without_a_restart() {
    let setup = Setup::new();
    let (first, second) = (TestAuthority::root("first"), TestAuthority::root("second"));
    let held = content(secret(&first, "v1"));
    let endpoint = format!("http://{}", http(Arc::clone(&held)).await);
    let environment = [&KEYS[..], &[("AWS_ENDPOINT_URL_SECRETS_MANAGER", &*endpoint)]].concat();
    let (_child, address) = started(binary(&setup, &from_secret(&setup), &environment)).await;
    let caller = |authority: &TestAuthority| Caller::new(address, &authority.pem, Some(&setup.caller(ORDERS)));
    assert_eq!(caller(&first).get("/v1/a").await.status, 200);
    *held.lock().unwrap() = secret(&second, "v2");
    let began = Instant::now();
    while !is_served(&caller(&second)).await {
        assert!(began.elapsed() < SOON, "the new certificate is not used");
    }
    assert!(!is_served(&caller(&first)).await, "the old one still is");
}

#[tokio::test]
async fn a_secret_that_cannot_be_had_is_named_at_the_start_with_the_permission_it_takes() {
    let setup = Setup::new();
    let endpoint = format!("http://{}", http(content("{}")).await);
    let environment = [&KEYS[..], &[("AWS_ENDPOINT_URL", &*endpoint)]].concat();
    let said = refused(binary(&setup, &from_secret(&setup), &environment)).await;
    assert!(said.contains("secret:server-a1b2c3") && said.contains("let certificate-rotator write it"), "{said}");
}

#[tokio::test]
async fn a_crl_behind_https_is_believed_by_the_authorities_of_this_machine_alone() {
    let setup = Setup::new();
    let web = TestAuthority::root("web");
    let crl = content(setup.authority.crl(&CrlContent::new(1, &[])));
    let address = https(Arc::clone(&crl), &web).await;
    setup.write("web.pem", &web.pem);
    let yaml =
        setup.yaml().replace("tls:\n", &format!("tls:\n  crls: [\"https://localhost:{}/ca.crl\"]\n", address.port()));
    let path = setup.path("web.pem");
    let (_child, runtime) = started(binary(&setup, &yaml, &[("SSL_CERT_FILE", path.to_str().unwrap())])).await;
    let certificate = setup.caller(ORDERS);
    let caller = || Caller::new(runtime, &setup.authority.pem, Some(&certificate));
    assert_eq!(caller().get("/v1/a").await.status, 200);
    *crl.lock().unwrap() = setup.authority.crl(&CrlContent::new(2, &[&[0x0a, 0x1b, 0x2c]]));
    let began = Instant::now();
    while is_served(&caller()).await {
        assert!(began.elapsed() < SOON, "the new CRL is not in force");
    }
    let other = setup.path("ca.crt");
    let said = refused(binary(&setup, &yaml, &[("SSL_CERT_FILE", other.to_str().unwrap())])).await;
    assert!(said.contains("https://localhost:") && said.contains("ertificate"), "{said}");
}

#[tokio::test]
async fn with_files_alone_it_looks_for_no_aws_configuration() {
    let metadata = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", metadata.local_addr().unwrap());
    let setup = Setup::new().deny_list();
    let environment = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*endpoint), ("AWS_ENDPOINT_URL", &*endpoint)];
    let (_child, address) = started(binary(&setup, &setup.yaml(), &environment)).await;
    let caller = Caller::new(address, &setup.authority.pem, Some(&setup.caller(ORDERS)));
    assert_eq!(caller.get("/v1/a").await.status, 200);
    let asked = timeout(std::time::Duration::from_millis(300), metadata.accept()).await;
    assert!(asked.is_err(), "it asked for credentials");
}
