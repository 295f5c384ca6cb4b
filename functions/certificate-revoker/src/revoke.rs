//! A revocation: the deny list first, for it takes seconds, then the authority, for it lasts.

use jiff::Timestamp;
use policy::deny_list::{DenyListEntry, Subject};
use policy::{AuthorityArn, SerialNumber};
use serde::Serialize;
use telemetry::{CallError, DetailType, metrics};

use crate::authority::Revoked;
use crate::certificates::Certificate;
use crate::deny_list::{Denied, entry_of};
use crate::failure::Fault;
use crate::handle::Job;
use crate::request::Revocation;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'a> {
    run_id: &'a str,
    mode: &'static str,
    outcome: &'static str,
    certificate_authority_arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial_number: Option<&'a SerialNumber>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    reason: &'static str,
    requested_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a str>,
    request_id: &'a str,
}

impl Job<'_> {
    pub(crate) async fn revoke(&mut self, revocation: &Revocation) {
        let server = self.is_server(revocation).await;
        if let (Ok(true), Subject::SerialNumber(serial_number)) = (&server, &revocation.subject) {
            self.remains(serial_number.to_string(), Fault::ServerCertificate, &"nothing was changed");
            return;
        }
        if self.deny(revocation).await == Some(Denied::WithdrawnSince) {
            // Its certificates may be new ones, issued after the withdrawal.
            let Revocation { id, subject, .. } = revocation;
            tracing::warn!(requestId = ?id, ?subject, "asked for before it was withdrawn: an old request, ignored");
            return;
        }
        if let (Err(error), Subject::SerialNumber(serial_number)) = (&server, &revocation.subject) {
            // Denied it is: that harms no server. Revoked it is when we know.
            self.remains(serial_number.to_string(), Fault::Remaining, error);
            return;
        }
        // One after the other: an authority takes one revocation at a time.
        for (authority, serial_number) in self.certificates(revocation).await {
            self.revoke_certificate(revocation, &authority, &serial_number).await;
        }
    }

    /// Whether the one certificate that is to be revoked is the runtime's own, and was not meant to be.
    async fn is_server(&self, revocation: &Revocation) -> Result<bool, CallError> {
        match (&revocation.subject, &self.app.certificates) {
            (Subject::SerialNumber(serial_number), Some(inventory)) if !revocation.allow_server_certificate => {
                inventory.is_server(serial_number, self.by).await
            }
            _ => Ok(false),
        }
    }

    async fn deny(&mut self, revocation: &Revocation) -> Option<Denied> {
        let Some(deny_list) = &self.app.deny_list else {
            tracing::warn!("without LINKWARD_DENY_LIST_TABLE a revocation takes effect with the next CRL only");
            return None;
        };
        let now = Timestamp::now();
        let asked = revocation.asked_at.unwrap_or(now).min(now);
        let entry = DenyListEntry {
            certificate_authority: Some(revocation.certificate_authority.to_string()),
            reason: Some(revocation.reason.as_str().to_owned()),
            requested_by: Some(revocation.requested_by.clone()),
            at: Some(asked),
            ..entry_of(&revocation.subject)
        };
        let denied = if self.enforces() { deny_list.put(&entry, asked, self.by).await } else { Ok(Denied::InForce) };
        match denied {
            Ok(Denied::InForce) => {
                self.answer.denied.push(entry.key());
                if self.enforces() {
                    self.run.count(&metrics::DENIALS, [revocation.reason.as_str()]);
                }
                self.tell(revocation, "denied", &revocation.certificate_authority, None);
            }
            Ok(Denied::WithdrawnSince) => {}
            Err(ref error) => self.remains(entry.key(), Fault::DenyListUnavailable, error),
        }
        denied.ok()
    }

    /// The certificates to revoke, each with its authority. An account is on the deny list only.
    async fn certificates(&mut self, revocation: &Revocation) -> Vec<(AuthorityArn, SerialNumber)> {
        let (identity, inventory) = match (&revocation.subject, &self.app.certificates) {
            (Subject::SerialNumber(serial), _) => {
                return vec![(revocation.certificate_authority.clone(), serial.clone())];
            }
            (Subject::Identity(identity), Some(inventory)) => (identity, inventory),
            (Subject::Identity(_), None) | (Subject::Account(_), _) => return Vec::new(),
        };
        let found = match inventory.of(identity, Timestamp::now(), self.by).await {
            Ok(found) => found,
            Err(error) => {
                self.remains(entry_of(&revocation.subject).key(), Fault::Remaining, &error);
                return Vec::new();
            }
        };
        found.into_iter().filter_map(|certificate| self.ours(revocation, certificate)).collect()
    }

    fn ours(
        &mut self,
        revocation: &Revocation,
        certificate: Result<Certificate, String>,
    ) -> Option<(AuthorityArn, SerialNumber)> {
        let (serial_number, authority) = match certificate {
            Ok(Certificate { serial_number, is_server: true, .. }) if !revocation.allow_server_certificate => {
                self.remains(serial_number.to_string(), Fault::ServerCertificate, &"left as it is");
                return None;
            }
            Ok(Certificate { serial_number, authority, .. }) => (serial_number, authority),
            Err(written) => {
                self.remains(written, Fault::Remaining, &"a row of the inventory has no serial number in hex");
                return None;
            }
        };
        let authority = authority.unwrap_or_else(|| revocation.certificate_authority.clone());
        if !self.app.configuration.certificate_authorities.contains(&authority) {
            let cause = format!("its authority `{authority}` is not among LINKWARD_CERTIFICATE_AUTHORITY_ARNS");
            self.remains(serial_number.to_string(), Fault::Remaining, &cause);
            return None;
        }
        Some((authority, serial_number))
    }

    async fn revoke_certificate(&mut self, revocation: &Revocation, authority: &AuthorityArn, serial: &SerialNumber) {
        let revoked = match self.enforces() {
            true => self.app.authority.revoke(authority, serial, revocation.reason, self.by).await,
            false => Ok(Revoked::Now),
        };
        match revoked {
            Ok(Revoked::Now) => {
                self.answer.revoked.push(serial.to_string());
                if self.enforces() {
                    self.run.count(&metrics::CERTIFICATES_REVOKED, [revocation.reason.as_str()]);
                }
                self.tell(revocation, "revoked", authority, Some(serial));
            }
            Ok(Revoked::Already) => {
                self.answer.already_revoked.push(serial.to_string());
                self.tell(revocation, "alreadyRevoked", authority, Some(serial));
            }
            Err(error) => self.remains(serial.to_string(), Fault::Remaining, &error),
        }
    }

    fn tell(
        &mut self,
        revocation: &Revocation,
        outcome: &'static str,
        authority: &AuthorityArn,
        serial: Option<&SerialNumber>,
    ) {
        let Revocation { id, subject, reason, requested_by, ticket, .. } = revocation;
        let run_id = self.run.id().to_owned();
        let (mut serial_number, mut identity, mut account) = (serial, None, None);
        match subject {
            Subject::SerialNumber(serial) => serial_number = Some(serial),
            Subject::Identity(id) => identity = Some(id.to_string()),
            Subject::Account(id) => account = Some(id.to_string()),
        }
        tracing::info!(outcome, ?serial_number, identity, account, requestedBy = requested_by, ticket, "revocation");
        let detail = Detail {
            run_id: &run_id,
            mode: self.app.configuration.mode.as_str(),
            outcome,
            certificate_authority_arn: authority.as_str(),
            serial_number,
            identity,
            account,
            reason: reason.as_str(),
            requested_by,
            ticket: ticket.as_deref(),
            request_id: id.as_deref().unwrap_or(&run_id),
        };
        self.run.audit(DetailType::CertificateRevoked, &detail);
    }
}
