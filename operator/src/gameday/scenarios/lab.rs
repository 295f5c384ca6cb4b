//! A runtime that may be harmed: a process of its own on loopback, with an authority, a CRL and a policy that are ours to break.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use policy::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};

use crate::demo::certificates::{Credentials, store};
use crate::demo::client::Caller;
use crate::demo::runtime::Runtime;
use crate::gameday::field::{Field, private_folder};

const HOST: &str = "lab.gameday.example";
const CALLER: &str = "spiffe://gameday.example/caller";
/// After which a policy that cannot be read denies.
pub(super) const MAX_STALENESS: Duration = Duration::from_secs(4);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

const POLICY: &str = "\
version: 1
trustDomain: gameday.example
callers:
  - identity: spiffe://gameday.example/caller
    permit: [{ id: lab, paths: [/lab] }]
";

/// The runtime, who calls it, and what it reads. Dropping it ends the process.
#[derive(Debug)]
pub(super) struct Lab {
    pub(super) runtime: Runtime,
    pub(super) caller: Caller,
    pub(super) policy: PathBuf,
    authority: Issuer<'static, KeyPair>,
    crl: PathBuf,
    number: u64,
}

impl Lab {
    /// What the caller is permitted.
    pub(super) const PATH: &'static str = "/lab";

    pub(super) async fn start(field: &Field) -> anyhow::Result<Self> {
        let binary = field.runtime.as_ref().context("no runtime")?;
        let folder = private_folder(&field.folder)?;
        let (authority, root) = authority()?;
        std::fs::write(folder.join("root.crt"), &root)?;
        let server = end_entity(
            &folder,
            "server",
            &authority,
            SanType::DnsName(HOST.try_into()?),
            ExtendedKeyUsagePurpose::ServerAuth,
        )?;
        let client = end_entity(
            &folder,
            "client",
            &authority,
            SanType::URI(CALLER.try_into()?),
            ExtendedKeyUsagePurpose::ClientAuth,
        )?;
        let (policy, crl) = (folder.join("access.yaml"), folder.join("root.crl"));
        std::fs::write(&policy, POLICY)?;
        write_crl(&authority, &crl, 1, Timestamp::now() + DAY)?;
        let runtime = Runtime::launch(binary, &folder, Vec::new(), &yaml(&server)).await?;
        Ok(Self { runtime, caller: Caller::of(HOST, &root, &client)?, policy, authority, crl, number: 1 })
    }

    /// Another CRL, in one move.
    pub(super) fn crl_until(&mut self, next_update: Timestamp) -> anyhow::Result<()> {
        self.number += 1;
        write_crl(&self.authority, &self.crl, self.number, next_update)
    }
}

fn authority() -> anyhow::Result<(Issuer<'static, KeyPair>, String)> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "linkward gameday");
    let root = parameters.self_signed(&key)?.pem();
    Ok((Issuer::new(parameters, key), root))
}

fn end_entity(
    folder: &Path,
    file: &str,
    authority: &Issuer<'_, KeyPair>,
    name: SanType,
    usage: ExtendedKeyUsagePurpose,
) -> anyhow::Result<Credentials> {
    let key = KeyPair::generate()?;
    let mut parameters = CertificateParams::default();
    parameters.subject_alt_names = vec![name];
    parameters.extended_key_usages = vec![usage];
    let now = date_time_ymd(1970, 1, 1) + since_epoch(Timestamp::now());
    (parameters.not_before, parameters.not_after) = (now - HOUR, now + DAY);
    let certificate = parameters.signed_by(&key, authority)?;
    store(folder, file, &certificate.pem(), &key.serialize_pem())
}

fn write_crl(authority: &Issuer<'_, KeyPair>, file: &Path, number: u64, until: Timestamp) -> anyhow::Result<()> {
    let parameters = CertificateRevocationListParams {
        this_update: date_time_ymd(1970, 1, 1) + since_epoch(Timestamp::now() - HOUR),
        next_update: date_time_ymd(1970, 1, 1) + since_epoch(until),
        crl_number: number.into(),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let new = file.with_extension("new");
    std::fs::write(&new, parameters.signed_by(authority)?.der())?;
    Ok(std::fs::rename(&new, file)?)
}

/// To the second, after 1970-01-01: rcgen's times have no other way in.
fn since_epoch(at: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(at.as_second()).unwrap_or_default())
}

fn yaml(server: &Credentials) -> String {
    format!(
        "\
listen: 127.0.0.1:0
adminListen: 127.0.0.1:0
tls:
  certificateChain: {chain}
  privateKey: {key}
  clientTrustAnchors: root.crt
  crls: [root.crl]
  refresh: 1s
identity: {{ trustDomain: gameday.example }}
policy: {{ source: \"file:access.yaml\", refresh: 1s, maxStaleness: {staleness}s }}
telemetry: {{ accessLog: access.log }}
",
        chain = server.chain.display(),
        key = server.key.display(),
        staleness = MAX_STALENESS.as_secs(),
    )
}
