//! TLS as a caller does it, and what went wrong in whose certificate.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use hyper_rustls::ConfigBuilderExt as _;
use policy::Timestamp;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::check::{Checked, Finding, is_late};
use crate::certificates;
use crate::cli::CallOptions;
use crate::output;

const WITHIN: Duration = Duration::from_secs(10);

/// A handshake: done, or ended by the server for the client's certificate.
pub(super) enum Handshake {
    Done(Box<TlsStream<TcpStream>>),
    Refused(AlertDescription),
}

/// What a caller trusts and shows.
pub(super) fn config(options: &CallOptions) -> anyhow::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let builder = match &options.trust_anchors {
        Some(file) => builder.with_root_certificates(roots(file)?),
        None => builder.with_native_roots().context("the system trusts no certificate authority")?,
    };
    let (Some(certificate), Some(key)) = (&options.certificate, &options.key) else {
        return Ok(builder.with_no_client_auth());
    };
    let unreadable = |file: &Path| format!("`{}` cannot be read as PEM", file.display());
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect)
        .with_context(|| unreadable(certificate))?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| unreadable(key))?;
    Ok(builder.with_client_auth_cert(chain, key)?)
}

fn roots(file: &Path) -> anyhow::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(file).with_context(|| format!("cannot read `{}`", file.display()))? {
        roots.add(root?)?;
    }
    Ok(roots)
}

/// The server's side of a handshake; a refusal of the client's certificate is somebody else's matter.
pub(super) async fn check(host: &str, config: ClientConfig, stream: TcpStream) -> Checked<Handshake> {
    let name = ServerName::try_from(host.to_owned());
    let name = name.map_err(|_| Finding::red(format!("`{host}` is no name"), "give `--host` the name callers use"))?;
    let handshake = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let silent = || {
        Finding::red(
            format!("no handshake within {} s", WITHIN.as_secs()),
            "is it a runtime that listens there, and does the NLB send it the PROXY header it asks for?",
        )
    };
    match tokio::time::timeout(WITHIN, handshake).await.map_err(|_| silent())? {
        Ok(stream) => Ok((server(&stream), Handshake::Done(Box::new(stream)))),
        Err(error) => match tls_error(&error) {
            Some(rustls::Error::AlertReceived(alert)) if is_of_certificate(*alert) => {
                Ok((Finding::green("the server's certificate is good"), Handshake::Refused(*alert)))
            }
            Some(rustls::Error::InvalidCertificate(cause)) => Err(not_trusted(host, cause)),
            _ => Err(Finding::red(
                format!("the handshake failed: {error}"),
                "is it a runtime that listens there, and does the NLB send it the PROXY header it asks for?",
            )),
        },
    }
}

fn server(stream: &TlsStream<TcpStream>) -> Finding {
    let (_, connection) = stream.get_ref();
    let version = connection.protocol_version().and_then(|version| version.as_str()).unwrap_or("TLS");
    let life = connection.peer_certificates().and_then(|chain| certificates::life(chain.first()?));
    match life {
        Some((from, end)) if is_late(from, end) => Finding::yellow(
            format!("{version}; the server's certificate ends in {}", output::age(Timestamp::now(), end)),
            "look why it was not renewed: the certificate-rotator, or whoever issues it",
        ),
        Some((_, end)) => {
            let left = output::age(Timestamp::now(), end);
            Finding::green(format!("{version}; the server's certificate is good for {left}"))
        }
        None => Finding::green(version),
    }
}

fn not_trusted(host: &str, cause: &CertificateError) -> Finding {
    match cause {
        CertificateError::UnknownIssuer => Finding::red(
            "the server's certificate leads to no authority that is trusted here",
            "give `--trust-anchors` the provider's root; if it is that one, the server has another's certificate",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Finding::red(
            format!("the server's certificate is not for `{host}`"),
            "issue it with the name callers use, or call it by one it has",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            Finding::red("the server's certificate has expired", "renew it; the runtime reads it again within seconds")
        }
        other => Finding::red(format!("the server's certificate: {other:?}"), "look at it with `openssl s_client`"),
    }
}

/// TCP to the first address that answers.
pub(super) async fn connect(addresses: &[SocketAddr]) -> Checked<TcpStream> {
    let mut errors = Vec::new();
    for address in addresses {
        match tokio::time::timeout(WITHIN, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok((Finding::green(format!("connected to {address}")), stream)),
            Ok(Err(error)) => errors.push(format!("{address}: {error}")),
            Err(_) => errors.push(format!("{address}: no answer within {} s", WITHIN.as_secs())),
        }
    }
    Err(Finding::red(
        errors.join("; "),
        "look at the endpoint's security group (this port, from here), its state, and the targets of the NLB",
    ))
}

/// TLS's own error inside of an I/O error, at any depth.
pub(super) fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    causes.find_map(|cause| {
        let inner = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause.downcast_ref().or_else(|| inner.and_then(|inner| inner.downcast_ref()))
    })
}

/// Alerts by which a server refuses the certificate it was shown (RFC 8446, 6.2).
pub(super) fn is_of_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;
    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
    )
}
