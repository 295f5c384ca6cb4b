//! CRLs behind a network.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use policy_source::Load;
use tempfile::TempDir;

use super::{Revision, Trust, TrustSource};
use crate::test_authority::{CertificateContent, CrlContent, TestAuthority};

/// A server with one object, or none: then it answers 503.
struct Server {
    url: String,
    object: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/ca.crl", listener.local_addr().unwrap());
        let object: Arc<Mutex<Option<Vec<u8>>>> = Arc::default();
        let served = Arc::clone(&object);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let mut head = String::new();
                while reader.read_line(&mut head).is_ok_and(|length| length > 2) {}
                let (status, body) = served.lock().unwrap().clone().map_or((503, Vec::new()), |body| (200, body));
                let head =
                    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                drop(stream.write_all(&[head.as_bytes(), &body].concat()));
            }
        });
        Self { url, object }
    }

    fn put(&self, object: Option<Vec<u8>>) {
        *self.object.lock().unwrap() = object;
    }
}

struct Setting {
    folder: TempDir,
    root: TestAuthority,
    server: Server,
}

impl Setting {
    fn new() -> Self {
        let setting =
            Self { folder: tempfile::tempdir().unwrap(), root: TestAuthority::root("root"), server: Server::start() };
        setting.renew_certificate();
        fs::write(setting.folder.path().join("ca.crt"), &setting.root.pem).unwrap();
        setting
    }

    fn renew_certificate(&self) {
        let server = self.root.issue(&CertificateContent::server());
        fs::write(self.folder.path().join("server.crt"), server.pem).unwrap();
        fs::write(self.folder.path().join("server.key"), server.key_pem).unwrap();
    }

    fn publish(&self, number: u64, revoked: &[&[u8]]) {
        self.server.put(Some(self.root.crl(&CrlContent::new(number, revoked))));
    }

    fn source(&self) -> TrustSource {
        let text = format!(
            "tls: {{ certificateChain: server.crt, privateKey: server.key, clientTrustAnchors: ca.crt, crls: [\"{}\"], \
             refresh: 1ms }}\nidentity: {{ trustDomain: internal.example }}\npolicy: {{ source: \"file:access.yaml\" }}\n",
            self.server.url
        );
        let config = crate::config::Config::parse(&text, "runtime.yaml", self.folder.path()).unwrap();
        TrustSource::new(config.tls, config.identity)
    }
}

/// The next time something is told, however often it is asked.
async fn next(source: &mut TrustSource) -> Result<(Revision, Trust), String> {
    for _ in 0..2_000 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        if let Some(told) = source.load().await.map_err(|error| error.to_string()).transpose() {
            return told;
        }
    }
    panic!("nothing in ten seconds");
}

#[tokio::test]
async fn a_crl_behind_a_network_is_in_force_when_it_changes() {
    let setting = Setting::new();
    setting.publish(5, &[&[9]]);
    let mut source = setting.source();
    let (first, trust) = next(&mut source).await.unwrap();
    assert_eq!(trust.crl_entries(), 1);
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert!(source.load().await.unwrap().is_none());
    setting.publish(6, &[&[9], &[10]]);
    let (second, trust) = next(&mut source).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(trust.crl_entries(), 2);
}

#[tokio::test]
async fn an_outage_is_an_error_until_it_ends_and_holds_up_no_new_certificate() {
    let setting = Setting::new();
    setting.publish(5, &[&[9]]);
    let mut source = setting.source();
    next(&mut source).await.unwrap();
    setting.server.put(None);
    let error = next(&mut source).await.unwrap_err();
    assert!(error.contains(&setting.server.url) && error.contains("answered 503"), "{error}");
    assert_eq!(source.load().await.unwrap_err().to_string(), error, "also while it is not asked");
    setting.renew_certificate();
    let (_, trust) = next(&mut source).await.unwrap();
    assert_eq!(trust.crl_entries(), 1, "the CRL fetched last is still used");
    assert!(next(&mut source).await.is_err());
    setting.publish(6, &[]);
    while source.load().await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_crl_that_is_none_is_refused_each_time_until_it_is_one() {
    let setting = Setting::new();
    setting.publish(5, &[&[9]]);
    let mut source = setting.source();
    next(&mut source).await.unwrap();
    for bad in [b"<html>not found</html>".to_vec(), setting.root.crl(&CrlContent::new(4, &[]))] {
        setting.server.put(Some(bad));
        let error = next(&mut source).await.unwrap_err();
        assert_eq!(source.load().await.unwrap_err().to_string(), error);
        setting.publish(5, &[&[9]]);
        while source.load().await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn without_its_crl_there_is_no_first_snapshot() {
    let setting = Setting::new();
    let error = setting.source().load().await.unwrap_err().to_string();
    assert!(error.contains(&setting.server.url) && error.contains("answered 503"), "{error}");
}
