use std::sync::Arc;

use http_client::{HttpClient, HttpError, RootCertStore};
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::{OK, text};

/// A server for `name` with a certificate of its own; its address, and the certificate.
async fn server(name: &str) -> (String, CertificateDer<'static>) {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
                let mut bytes = [0; 4096];
                while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {
                    stream.write_all(OK.as_bytes()).await.unwrap();
                }
            });
        }
    });
    (address, certificate.der().clone())
}

fn client(believes: Option<CertificateDer<'static>>) -> HttpClient {
    let mut authorities = RootCertStore::empty();
    if let Some(authority) = believes {
        authorities.add(authority).unwrap();
    }
    HttpClient::new(authorities).unwrap()
}

#[tokio::test]
async fn a_server_with_a_certificate_that_is_believed_is_talked_to() {
    let (address, certificate) = server("localhost").await;
    let client = client(Some(certificate));
    for _ in 0..2 {
        assert_eq!(text(&client, &address).await.unwrap(), "ok");
    }
}

#[tokio::test]
async fn a_server_with_an_unknown_root_is_refused() {
    let (address, _) = server("localhost").await;
    let (_, another) = server("localhost").await;
    for believes in [None, Some(another)] {
        let error = text(&client(believes), &address).await.unwrap_err();
        let HttpError::Connect { cause, .. } = &error else { panic!("{error:?}") };
        assert!(cause.to_string().contains("certificate"), "{cause}");
    }
}

#[tokio::test]
async fn a_server_with_the_certificate_of_another_name_is_refused() {
    let (address, certificate) = server("other.example").await;
    let error = text(&client(Some(certificate)), &address).await.unwrap_err();
    let HttpError::Connect { cause, .. } = &error else { panic!("{error:?}") };
    assert!(cause.to_string().contains("name"), "{cause}");
}
