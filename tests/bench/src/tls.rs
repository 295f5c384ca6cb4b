//! TLS 1.3 as api-runtime has it: no resumption, no tickets.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::Outcome;

fn own(path: &Path) -> Outcome<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let certificates = CertificateDer::pem_file_iter(path)?.collect::<Result<_, _>>()?;
    Ok((certificates, PrivateKeyDer::from_pem_file(path)?))
}

fn authorities(path: &Path) -> Outcome<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path)? {
        roots.add(certificate?)?;
    }
    Ok(roots)
}

pub(crate) fn server(identity: &Path, clients: Option<&Path>) -> Outcome<Arc<ServerConfig>> {
    let builder = ServerConfig::builder_with_protocol_versions(&[&TLS13]);
    let builder = match clients {
        Some(path) => {
            let verifier = WebPkiClientVerifier::builder(authorities(path)?.into()).build()?;
            builder.with_client_cert_verifier(verifier)
        }
        None => builder.with_no_client_auth(),
    };
    let (certificates, key) = own(identity)?;
    let mut config = builder.with_single_cert(certificates, key)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Arc::new(config))
}

pub(crate) fn client(roots: &Path, identity: Option<&Path>) -> Outcome<Arc<ClientConfig>> {
    let builder = ClientConfig::builder_with_protocol_versions(&[&TLS13]).with_root_certificates(authorities(roots)?);
    Ok(Arc::new(match identity {
        Some(path) => {
            let (certificates, key) = own(path)?;
            builder.with_client_auth_cert(certificates, key)?
        }
        None => builder.with_no_client_auth(),
    }))
}
