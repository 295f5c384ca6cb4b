//! The certificate authority's CRL: the only public word on what it has revoked.

use std::collections::BTreeSet;

use anyhow::Context as _;
use aws_config::SdkConfig;
use policy::{SerialNumber, Timestamp};
use policy_source::crl::ders;
use policy_source::remote::{Fetched, RemoteObject};
use x509_parser::prelude::FromDer as _;
use x509_parser::revocation_list::CertificateRevocationList;

use crate::aws::explained;

/// A complete CRL holds a million certificates at most, by AWS's limit; their entries have about 60 bytes.
const LARGEST: usize = 128 * 1024 * 1024;

/// The CRL, fetched again when it changed.
#[derive(Debug)]
pub(crate) struct Crl {
    object: RemoteObject,
    revoked: BTreeSet<SerialNumber>,
}

impl Crl {
    /// The one in the bucket that the authority's own configuration names; none when it has none.
    pub(crate) async fn of(sdk: &SdkConfig, authority: &str) -> anyhow::Result<Option<Self>> {
        let client = aws_sdk_acmpca::Client::new(sdk);
        let described = client.describe_certificate_authority().certificate_authority_arn(authority).send().await;
        let described = described.map_err(explained).with_context(|| format!("`{authority}` cannot be described"))?;
        let configuration = described.certificate_authority.and_then(|authority| authority.revocation_configuration);
        let Some(crl) = configuration.and_then(|c| c.crl_configuration).filter(|crl| crl.enabled) else {
            return Ok(None);
        };
        let Some(bucket) = crl.s3_bucket_name else { return Ok(None) };
        let id = authority.rsplit('/').next().unwrap_or_default();
        let folder = crl.custom_path.map(|path| format!("{path}/")).unwrap_or_default();
        let uri = format!("s3://{bucket}/{folder}crl/{id}.crl").parse()?;
        Ok(Some(Self { object: RemoteObject::with_sdk(&uri, sdk, LARGEST)?, revoked: BTreeSet::new() }))
    }

    /// Whether it holds all of them. One that is not there yet holds none.
    pub(super) async fn holds(&mut self, serials: &BTreeSet<SerialNumber>) -> anyhow::Result<bool> {
        // Until the first certificate that refers to it there is no CRL, and a moment's trouble is no end either.
        if let Ok(Fetched::Changed { bytes, .. }) = self.object.fetch().await {
            self.revoked = revoked(&bytes).with_context(|| format!("`{}` is no CRL", self.object.name()))?;
        }
        Ok(serials.is_subset(&self.revoked))
    }

    /// When it ends, as it is now; none while there is no CRL.
    pub(crate) async fn next_update(&mut self) -> anyhow::Result<Option<Timestamp>> {
        let bytes = match self.object.fetch().await {
            Ok(Fetched::Changed { bytes, .. }) => bytes,
            Ok(Fetched::Unchanged) => return Ok(None),
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        first_end(&bytes).map(Some)
    }
}

/// Of several in one file, when the first ends.
fn first_end(bytes: &[u8]) -> anyhow::Result<Timestamp> {
    let ends = ders(bytes)?.iter().map(|der| end(&parse(der)?)).collect::<anyhow::Result<Vec<_>>>()?;
    ends.into_iter().min().context("the CRL names no nextUpdate")
}

fn end(crl: &CertificateRevocationList<'_>) -> anyhow::Result<Timestamp> {
    let end = crl.next_update().context("the CRL names no nextUpdate")?;
    Ok(Timestamp::from_second(end.timestamp())?)
}

fn revoked(bytes: &[u8]) -> anyhow::Result<BTreeSet<SerialNumber>> {
    let mut revoked = BTreeSet::new();
    for der in ders(bytes)? {
        let crl = parse(&der)?;
        let serials = crl.iter_revoked_certificates().map(|revoked| revoked.raw_serial_as_string().parse());
        revoked.append(&mut serials.collect::<Result<_, _>>().context("a serial number cannot be read")?);
    }
    Ok(revoked)
}

fn parse(der: &[u8]) -> anyhow::Result<CertificateRevocationList<'_>> {
    match CertificateRevocationList::from_der(der) {
        Ok(([], crl)) => Ok(crl),
        Ok(_) => anyhow::bail!("there is more behind it"),
        Err(error) => Err(anyhow::anyhow!("it cannot be read ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer, KeyIdMethod, KeyPair,
        KeyUsagePurpose, RevokedCertParams, date_time_ymd,
    };

    fn crl(serials: &[&[u8]], year: i32) -> String {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::CrlSign, KeyUsagePurpose::KeyCertSign];
        let entry = |serial: &&[u8]| RevokedCertParams {
            serial_number: serial.to_vec().into(),
            revocation_time: date_time_ymd(2026, 11, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let crl = CertificateRevocationListParams {
            this_update: date_time_ymd(2026, 11, 1),
            next_update: date_time_ymd(year, 12, 1),
            crl_number: vec![1].into(),
            issuing_distribution_point: None,
            revoked_certs: serials.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let issuer = Issuer::new(authority, KeyPair::generate().unwrap());
        crl.signed_by(&issuer).unwrap().pem().unwrap()
    }

    fn texts(bytes: &[u8]) -> Vec<String> {
        revoked(bytes).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_serial_number_is_read_in_canonical_form_of_every_crl() {
        let (one, other) = (crl(&[&[0x0a, 0x1b], &[0xff]], 2028), crl(&[&[0x0c]], 2027));
        let both = [one.as_str(), &other].concat();
        assert_eq!(texts(one.as_bytes()), ["a1b", "ff"]);
        assert_eq!(texts(&ders(one.as_bytes()).unwrap()[0]), ["a1b", "ff"], "in DER");
        assert_eq!(texts(both.as_bytes()), ["a1b", "c", "ff"]);
        assert_eq!(first_end(both.as_bytes()).unwrap().to_string(), "2027-12-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_crl_is_refused() {
        let one = crl(&[&[1]], 2027);
        let more = [&ders(one.as_bytes()).unwrap()[0], &[0][..]].concat();
        for bytes in [b"hello", &one.as_bytes()[..one.len() / 2], &more, b"0"] {
            assert!(revoked(bytes).is_err() && first_end(bytes).is_err());
        }
    }
}
