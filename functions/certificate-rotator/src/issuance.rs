//! What the authority tells of every certificate that it issues. It may tell it late, twice, or not at all.
//!
//! A certificate that nobody has written down yet is: by its key a rotation whose answer was lost finds it again, instead
//! of asking for another. One with the key of a certificate that a secret holds already is an orphan.

use policy::AuthorityArn;
use serde_json::Value;
use telemetry::{Deadline, Envelope, FieldError, Mode, Run};

use crate::answer::{Answer, Outcome};
use crate::certificate;
use crate::failure::Failure;
use crate::handle::App;
use crate::inventory::{Holder, Row, Written};
use crate::orphan::{Orphan, revoke};

const SOURCE: &str = "aws.acm-pca";
const ISSUANCE: &str = "ACM Private CA Certificate Issuance";

/// `ACM Private CA Certificate Issuance`, or another event of an authority, of which there is nothing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuance {
    id: String,
    /// None: the event says something else.
    certificate: Option<(AuthorityArn, String)>,
}

impl TryFrom<&Value> for Issuance {
    type Error = FieldError;

    fn try_from(event: &Value) -> Result<Self, FieldError> {
        let envelope = Envelope::of(event)?;
        if envelope.source != SOURCE {
            return Err(envelope.foreign(&[(SOURCE, ISSUANCE)]));
        }
        let id = envelope.fields.text("id")?.to_owned();
        let failed = envelope.detail()?.optional_text("result")? == Some("failure");
        if envelope.detail_type != ISSUANCE || failed {
            return Ok(Self { id, certificate: None });
        }
        let resources: Vec<String> = envelope.fields.list("resources")?.unwrap_or_default();
        let of = |arn: String| AuthorityArn::of_certificate(&arn).map(|authority| (authority, arn));
        match resources.into_iter().find_map(of) {
            Some(certificate) => Ok(Self { id, certificate: Some(certificate) }),
            None => Err(envelope.fields.error("resources", "names no certificate of ACM Private CA")),
        }
    }
}

impl App {
    /// Whoever asked for it.
    pub(crate) async fn see(&self, issuance: &Issuance, run: &mut Run, by: Deadline) -> Result<Answer, Failure> {
        let outcome = self.look(issuance, run, by).await?;
        Ok(Answer { step: "issuance", outcome, ..Answer::default() })
    }

    async fn look(&self, issuance: &Issuance, run: &mut Run, by: Deadline) -> Result<Outcome, Failure> {
        let (Some(inventory), Some((authority, arn))) = (&self.inventory, &issuance.certificate) else {
            return Ok(Outcome::Ignored);
        };
        if *authority != self.configuration.certificate_authority || self.configuration.mode == Mode::Audit {
            return Ok(Outcome::Ignored);
        }
        let issued = self.authority.fetch(authority, arn, by).await?;
        let facts = certificate::facts(&issued.certificate)?;
        let trust_domain = self.trust_domain.now(by).await?;
        let holder = match certificate::identity(&facts) {
            Some(identity) if identity.trust_domain() == trust_domain.as_str() => Holder::Unknown,
            Some(_) => return Ok(Outcome::Ignored),
            // Our own servers need no identity, and others may have servers, too: the key says whose it is.
            None => Holder::Stranger,
        };
        let Some(subject) = certificate::subject(&facts) else { return Ok(Outcome::Ignored) };
        let row = Row { facts: &facts, kind: facts.kind, subject: &subject, certificate_arn: arn, holder };
        let written = inventory.put_new(&row, by).await?;
        if written == Written::Before {
            return Ok(Outcome::Known);
        }
        let siblings = inventory.with_key(&subject, &facts.public_key_sha256, by).await?;
        let used = siblings.into_iter().filter(|sibling| sibling.serial_number != facts.serial_number.as_str());
        match used.filter_map(|sibling| sibling.secret).next() {
            None if written == Written::Now => Ok(Outcome::Recorded),
            None => Ok(Outcome::Known),
            Some(secret) => {
                let orphan = Orphan {
                    authority,
                    subject: &subject,
                    certificate_arn: arn,
                    facts: &facts,
                    secret: &secret,
                    request_id: &issuance.id,
                };
                revoke(self, run, &orphan, by).await?;
                Ok(Outcome::Orphan)
            }
        }
    }
}
