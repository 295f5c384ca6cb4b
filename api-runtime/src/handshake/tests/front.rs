//! The two ends of a handshake.
#![allow(clippy::unwrap_used, reason = "test code")]

use std::fs;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_rustls::TlsConnector;

use super::super::*;
use crate::test_authority::{CertificateContent, CrlContent, TestAuthority, TestCertificate};

/// A front door with a root, an intermediate it knows, and CRLs of both.
pub(super) struct Front {
    folder: TempDir,
    pub(super) root: TestAuthority,
    pub(super) intermediate: TestAuthority,
}

impl Front {
    pub(super) fn new() -> Self {
        let root = TestAuthority::root("root");
        let intermediate = root.intermediate("intermediate", &[0x77]);
        let front = Self { folder: tempfile::tempdir().unwrap(), root, intermediate };
        let server = front.root.issue(&CertificateContent::server());
        front.write("server.crt", &server.pem);
        front.write("server.key", &server.key_pem);
        front.write("ca.crt", &[&front.root.pem[..], &front.intermediate.pem].concat());
        front.write("root.crl", &front.root.crl_pem(&CrlContent::new(1, &[&[0x66]])));
        front.write("intermediate.crl", &front.intermediate.crl_pem(&CrlContent::new(1, &[])));
        front.write("access.yaml", "version: 1\ntrustDomain: internal.example\ncallers: []\n");
        front
    }

    pub(super) fn write(&self, name: &str, content: &str) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    /// Opens the door. `more` continues the group `tls`, and after a line break the configuration.
    pub(super) async fn open(&self, more: &str) -> Door {
        let crls = if more.contains("crls") { "" } else { ", crls: [root.crl, intermediate.crl]" };
        let (tls, top) = more.split_once('\n').unwrap_or((more, ""));
        let text = format!(
            "tls: {{ certificateChain: server.crt, privateKey: server.key, clientTrustAnchors: ca.crt{crls}{tls} }}\n\
             identity: {{ trustDomain: internal.example }}\npolicy: {{ source: \"file:access.yaml\" }}\n{top}\n"
        );
        let config = Config::parse(&text, "runtime.yaml", self.folder.path()).unwrap();
        Door { snapshots: Snapshots::start(&config).await.unwrap(), config }
    }

    /// The outcome of a handshake with this caller, seen from our side, and what the caller was told.
    pub(super) async fn meet(&self, more: &str, caller: Caller<'_>) -> (Result<Established, HandshakeFailure>, String) {
        self.open(more).await.meet(caller).await
    }

    pub(super) async fn refused(&self, more: &str, certificate: &TestCertificate) -> HandshakeFailure {
        self.meet(more, Caller::with(certificate)).await.0.unwrap_err()
    }
}

/// A configuration, and what it loads.
pub(super) struct Door {
    config: Config,
    snapshots: Snapshots,
}

impl Door {
    /// As [`Front::meet`].
    pub(super) async fn meet(&self, caller: Caller<'_>) -> (Result<Established, HandshakeFailure>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let caller = caller.call(listener.local_addr().unwrap());
        let us = async {
            let (tcp, remote) = listener.accept().await.unwrap();
            let deadline = tokio::time::Instant::now() + self.config.limits.handshake_timeout;
            accept(tcp, remote, &self.snapshots, &self.config, deadline).await
        };
        tokio::join!(us, caller)
    }
}

/// Who calls, and how.
pub(super) struct Caller<'a> {
    /// Sent before anything else.
    pub(super) first: Vec<u8>,
    pub(super) chain: Vec<&'a str>,
    pub(super) key: Option<&'a str>,
    pub(super) versions: &'a [&'static SupportedProtocolVersion],
    pub(super) alpn: &'a [&'a str],
    /// Whether it speaks at all after `first`.
    pub(super) speaks: bool,
    /// What it remembers of earlier sessions.
    pub(super) memory: Option<Arc<ClientConfig>>,
}

impl<'a> Caller<'a> {
    pub(super) fn with(certificate: &'a TestCertificate) -> Self {
        Self { chain: vec![&certificate.pem], key: Some(&certificate.key_pem), ..Self::anonymous() }
    }

    pub(super) fn anonymous() -> Self {
        Self {
            first: Vec::new(),
            chain: Vec::new(),
            key: None,
            versions: rustls::ALL_VERSIONS,
            alpn: &[],
            speaks: true,
            memory: None,
        }
    }

    pub(super) fn config(&self) -> ClientConfig {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(self.versions)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyServer));
        let chain = self.chain.iter().map(|pem| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).collect();
        let mut config = match self.key {
            // Whether the key belongs to the certificate is not asked here: the caller may be a thief.
            Some(pem) => {
                let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
                let key = CertifiedKey::new(chain, aws_lc_rs::sign::any_supported_type(&key).unwrap());
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(key)))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = self.alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        config
    }

    /// The error the caller sees, if there is one.
    async fn call(self, address: SocketAddr) -> String {
        let mut tcp = TcpStream::connect(address).await.unwrap();
        tcp.write_all(&self.first).await.unwrap();
        if !self.speaks {
            let _ = tcp.read(&mut [0]).await;
            return String::new();
        }
        let connector = TlsConnector::from(self.memory.clone().unwrap_or_else(|| Arc::new(self.config())));
        let mut tls = match connector.connect(ServerName::try_from("localhost").unwrap(), tcp).await {
            Ok(tls) => tls,
            Err(error) => return error.to_string(),
        };
        // In TLS 1.3 a caller learns with its first read that it was refused.
        let mut byte = [0];
        match timeout(Duration::from_millis(300), tls.read(&mut byte)).await {
            Ok(Err(error)) => error.to_string(),
            Ok(Ok(_)) | Err(_) => String::new(),
        }
    }
}

/// The tests are about callers.
#[derive(Debug)]
struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
