//! Publishing by AppConfig: a hosted configuration version, deployed to an environment.
//! <https://docs.aws.amazon.com/appconfig/2019-10-09/APIReference/API_Operations_Amazon_AppConfig.html>

use anyhow::{Context as _, bail};
use aws_config::SdkConfig;
use http::Method;
use policy::{Format, Policy, Revision, Timestamp};
use policy_source::{AppConfigProfile, Document, VersionLabel};
use serde_json::Value;

use super::deployment::{self, Deployment};
use crate::aws::appconfig::{Place, find, get, list};
use crate::aws::signed::{APPCONFIG, Rest, Signed};

/// What AppConfig hosts at most, unless the quota was raised.
const LARGEST: usize = 1024 * 1024;

/// Publishes the document and deploys it; gives the deployment's number once all readers get it.
pub(super) async fn deploy(
    sdk: &SdkConfig,
    to: &AppConfigProfile,
    strategy: &str,
    document: &Document,
    requested_by: &str,
) -> anyhow::Result<u64> {
    let content = json(document)?;
    let label = label(&document.revision, Timestamp::now())?;
    let signed = Signed::new(sdk)?;
    let place = find(&signed, to).await?;
    let strategy = deployment::strategy(&signed, strategy).await?;
    let version =
        version(&signed, &place, &label, &content).await.with_context(|| format!("`{to}` takes no version"))?;
    let description = format!("{}, by {requested_by}", label.revision);
    let deployment = Deployment { place: &place, version, strategy: &strategy };
    deployment.run(&signed, &description).await.with_context(|| format!("`{to}`"))
}

/// The policy as JSON, which AppConfig's validators can read; what it means is compared with what was written.
fn json(document: &Document) -> anyhow::Result<Vec<u8>> {
    if document.format == Format::Json {
        return fits(document.bytes.clone());
    }
    let text = std::str::from_utf8(&document.bytes).context("the policy is not UTF-8")?;
    let value: Value = serde_saphyr::from_str(text).context("the policy cannot be written as JSON")?;
    let bytes = serde_json::to_vec(&value)?;
    let parsed = |bytes: &[u8], format| Policy::parse(bytes, format, &document.name, document.revision.clone());
    let (written, sent) = (parsed(&document.bytes, document.format)?, parsed(&bytes, Format::Json)?);
    if !policy::diff::diff(&written, &sent, Timestamp::now()).is_empty() {
        bail!("`{}` says something else once it is JSON; write it as JSON yourself", document.name);
    }
    fits(bytes)
}

fn fits(bytes: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    match bytes.len() {
        0..=LARGEST => Ok(bytes),
        length => bail!("the policy has {length} bytes, and AppConfig hosts {LARGEST}; keep it in a table"),
    }
}

/// By which readers know the revision, and how long it took to reach them.
fn label(revision: &Revision, now: Timestamp) -> anyhow::Result<VersionLabel> {
    let label = VersionLabel::of(revision, now);
    if !label.is_valid() {
        bail!("AppConfig takes no version label `{label}`: at most 64 characters, not digits alone");
    }
    Ok(label)
}

/// The number of a version with this label. A revision says one thing; what was published before is published again as a
/// version of its own, with its own time, unless the label has no place for a time: labels are unique.
async fn version(signed: &Signed, place: &Place, label: &VersionLabel, content: &[u8]) -> anyhow::Result<u64> {
    let Place { application, profile, .. } = place;
    let path = format!("/applications/{application}/configurationprofiles/{profile}/hostedconfigurationversions");
    let read = |item: &Value| Some(VersionLabel::read(item.get("VersionLabel").and_then(Value::as_str)?));
    let versions = list(signed, "ListHostedConfigurationVersions", &path).await?;
    let same = versions.iter().find(|item| read(item).is_some_and(|found| found.revision == label.revision));
    if let Some(number) = same.and_then(|item| item.get("VersionNumber")).and_then(Value::as_u64) {
        let path = format!("{path}/{number}");
        let there = signed.rest(&APPCONFIG, get("GetHostedConfigurationVersion", &path)).await?;
        if there.body != content {
            bail!(
                "version {number} is revision `{}` and another policy; give this one a `--revision` of its own",
                label.revision
            );
        }
        if label.published_at.is_none() {
            return Ok(number);
        }
    }
    let create = Rest {
        action: "CreateHostedConfigurationVersion",
        method: Method::POST,
        path: &path,
        headers: &[("content-type", "application/json"), ("versionlabel", &label.to_string())],
        body: content.to_vec(),
    };
    let created = signed.rest(&APPCONFIG, create).await?;
    let number = created.headers.get("version-number").and_then(|value| value.to_str().ok()?.parse().ok());
    number.context("AppConfig answered without the version's number")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str, format: Format) -> Document {
        Document { revision: Revision::from("r1"), bytes: text.as_bytes().to_vec(), format, name: "a.yaml".to_owned() }
    }

    #[test]
    fn a_policy_is_sent_as_json_that_means_the_same() {
        let yaml = "version: 1\ntrustDomain: internal.example\ncallers:\n  - identity: spiffe://internal.example/a\n    accounts: [\"012345678901\"]\n    validUntil: 2027-03-31T00:00:00Z\n    permit: [{ paths: [/x] }]\n";
        let sent: Value = serde_json::from_slice(&json(&document(yaml, Format::Yaml)).unwrap()).unwrap();
        assert_eq!(sent["callers"][0]["accounts"][0], "012345678901");
        assert_eq!(sent["callers"][0]["validUntil"], "2027-03-31T00:00:00Z");
        assert_eq!(json(&document("{ }", Format::Json)).unwrap(), b"{ }");
        assert!(fits(vec![0; LARGEST + 1]).is_err());
    }

    #[test]
    fn a_label_is_what_appconfig_takes() {
        let label = |revision: &str| label(&Revision::from(revision), Timestamp::UNIX_EPOCH);
        assert_eq!(label("r1").unwrap().to_string(), "r1@1970-01-01T00:00:00.000000Z");
        assert!(label(&"r".repeat(65)).unwrap_err().to_string().contains("at most 64 characters"));
    }
}
