//! Certificates that should open nothing.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use policy::{SpiffeId, Timestamp};
use rustls::AlertDescription;

use super::{Ended, call, logged_cause, permitted, refusal};
use crate::demo::certificates::{Credentials, foreign as self_made};
use crate::gameday::field::Field;
use crate::gameday::issuer::Period;
use crate::gameday::scenario::Seen;

/// How long the certificate lives that is to expire: long enough to be issued and used.
const SHORT: Duration = Duration::from_secs(12);
const LAST_SECOND: Duration = Duration::from_millis(1200);
const HOUR: Duration = Duration::from_secs(3600);

/// Expects the handshake to be refused.
async fn refused(
    field: &Field,
    credentials: &Credentials,
    alert: AlertDescription,
    cause: &str,
) -> anyhow::Result<Seen> {
    let (began, since) = (Instant::now(), Timestamp::now());
    let found = refusal(&field.caller(credentials)?, field.through).await;
    let found = found.with_context(|| format!("not refused by the TLS alert {alert:?}"))?;
    let seconds = began.elapsed().as_secs_f64();
    if found != alert {
        bail!("TLS alert {found:?} instead of {alert:?}");
    }
    let words = format!("TLS alert {found:?}{}", logged_cause(field, cause, since).await?);
    Ok(Seen { words, detection: Some(seconds), propagation: None })
}

pub(super) async fn expired(field: &Field) -> anyhow::Result<Seen> {
    let period = Period { from: Some(Timestamp::now() - HOUR), until: Timestamp::now() + SHORT };
    let issued = field.issuer.issue("expiring", &field.identity("expiring")?, period).await?;
    let caller = field.caller(&issued.credentials)?;
    let mut open = caller.open(field.through).await?;
    let answer = open.call(&field.path).await?;
    if answer.status != 200 {
        bail!("{} {} while the certificate was still good", answer.status, answer.text("reason"));
    }
    let left = issued.not_after.duration_since(Timestamp::now());
    let patience = Duration::try_from(left).unwrap_or_default() + field.patience;
    let ended = tokio::time::timeout(patience, open.ended).await;
    let late = Timestamp::now().duration_since(issued.not_after).as_secs_f64();
    ended.with_context(|| format!("the open connection outlived its certificate by {late:.0} s"))?.ok();
    if late < 0.0 {
        bail!("the connection ended {:.1} s before its certificate", -late);
    }
    // The second of notAfter belongs to the certificate's life (RFC 5280, 4.1.2.5): a handshake in it succeeds, and is closed at once.
    tokio::time::sleep(LAST_SECOND).await;
    let again = refused(field, &issued.credentials, AlertDescription::CertificateExpired, "expired").await?;
    let words = format!("open connection ended {late:.2} s after notAfter; then {}", again.words);
    Ok(Seen { words, detection: Some(late), propagation: None })
}

pub(super) async fn not_yet_valid(field: &Field) -> anyhow::Result<Seen> {
    let period = Period { from: Some(Timestamp::now() + HOUR), until: Timestamp::now() + HOUR * 2 };
    let issued = field.issuer.issue("not-yet", &field.identity("not-yet")?, period).await?;
    refused(field, &issued.credentials, AlertDescription::CertificateExpired, "notYetValid").await
}

pub(super) async fn foreign(field: &Field) -> anyhow::Result<Seen> {
    let credentials = self_made(&field.folder, "foreign", &field.identity("foreign")?)?;
    refused(field, &credentials, AlertDescription::UnknownCA, "unknownIssuer").await
}

/// Expects a denial for this reason.
async fn denied(
    field: &Field,
    credentials: &Credentials,
    through: std::net::SocketAddr,
    reason: &str,
) -> anyhow::Result<Seen> {
    let began = Instant::now();
    let ended = call(&field.caller(credentials)?, through, &field.path).await?;
    match ended == Ended::Answered(403, reason.to_owned()) {
        true => {
            Ok(Seen { words: ended.to_string(), detection: Some(began.elapsed().as_secs_f64()), propagation: None })
        }
        false => bail!("{ended} instead of 403 {reason}"),
    }
}

pub(super) async fn unlisted(field: &Field) -> anyhow::Result<Seen> {
    let nobody: SpiffeId = format!("spiffe://{}/gameday-unlisted/caller", field.identity.trust_domain()).parse()?;
    let issued = field.issuer.issue("unlisted", &nobody, Period::usual()).await?;
    denied(field, &issued.credentials, field.through, "noMatchingCaller").await
}

pub(super) async fn stolen(field: &Field) -> anyhow::Result<Seen> {
    let (caller, issued) = field.fresh_caller("stolen").await?;
    permitted(&caller, field).await?;
    let elsewhere = field.elsewhere.context("no other endpoint")?;
    denied(field, &issued.credentials, elsewhere, "accountMismatch").await
}
