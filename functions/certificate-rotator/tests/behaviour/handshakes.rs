//! A real TLS connection with the pending certificate.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::stage::{FIRST, STEPS, Stage};

/// Answers one caller, whose certificate must be of the authority with this root.
fn serve(stage: &Stage, trusted_root: &str, answer: &'static str) -> String {
    let (certificate, key) = {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let state = stage.world.state();
        (parameters.signed_by(&key, state.authority.issuer()).unwrap().der().clone(), key.serialize_der())
    };
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(trusted_root.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::try_from(key).unwrap();
    let config = config.with_client_cert_verifier(verifier).with_single_cert(vec![certificate], key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("localhost:{}", listener.local_addr().unwrap().port());
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = StreamOwned::new(ServerConnection::new(Arc::new(config)).unwrap(), stream);
        // A caller that is refused is told by the connection; nothing is left to do then.
        if stream.read(&mut [0; 512]).is_ok() {
            let _ = stream.write_all(answer.as_bytes());
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    address
}

fn pending() -> Stage {
    let stage = Stage::new();
    stage.world.state().secrets.begin(FIRST);
    stage.step(STEPS[0], FIRST).unwrap();
    stage
}

const FORBIDDEN: &str = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";

#[test]
fn a_server_that_knows_the_caller_is_enough_whatever_it_allows() {
    let stage = pending();
    let root = stage.world.state().authority.root_pem();
    let address = serve(&stage, &root, FORBIDDEN);
    stage.with("LINKWARD_TLS_TEST_ADDRESS", &address).step(STEPS[2], FIRST).unwrap();
    let stage = pending();
    let root = stage.world.state().authority.root_pem();
    let address = serve(&stage, &root, FORBIDDEN);
    stage.tagged("linkward:test-address", &address).step(STEPS[2], FIRST).unwrap();
}

#[test]
fn a_server_that_refuses_the_certificate_stops_the_rotation() {
    let stage = pending();
    let address = serve(&stage, &Stage::new().world.state().authority.root_pem(), FORBIDDEN);
    let (word, message) = stage.with("LINKWARD_TLS_TEST_ADDRESS", &address).failure(STEPS[2], FIRST);
    assert_eq!((word, message.contains("the handshake with `localhost:")), ("handshakeFailed", true), "{message}");
}

#[test]
fn so_does_one_that_does_not_know_the_identity_or_is_not_there() {
    let stage = pending();
    let root = stage.world.state().authority.root_pem();
    let address = serve(&stage, &root, "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n");
    let (word, message) = stage.with("LINKWARD_TLS_TEST_ADDRESS", &address).failure(STEPS[2], FIRST);
    assert_eq!((word, message.contains("answers 401")), ("handshakeFailed", true), "{message}");
    let stage = pending();
    let address = serve(&stage, &root, "HTTP/1.1 200 OK\r\n\r\n");
    let (word, message) = stage.with("LINKWARD_TLS_TEST_ADDRESS", &address).failure(STEPS[2], FIRST);
    assert_eq!((word, message.contains("the handshake")), ("handshakeFailed", true), "another authority: {message}");
    let (word, message) = pending().with("LINKWARD_TLS_TEST_ADDRESS", "localhost:1").failure(STEPS[2], FIRST);
    assert_eq!((word, message.contains("cannot connect to `localhost:1`")), ("handshakeFailed", true), "{message}");
    let (word, _) = pending().tagged("linkward:test-address", "nowhere").failure(STEPS[2], FIRST);
    assert_eq!(word, "purposeRefused");
}

#[test]
fn a_servers_own_certificate_is_tried_nowhere() {
    let stage = Stage::new().tagged("linkward:kind", "server").tagged("linkward:dns-names", "localhost");
    let stage = stage.with("LINKWARD_TLS_TEST_ADDRESS", "localhost:1");
    stage.rotate(FIRST);
}
