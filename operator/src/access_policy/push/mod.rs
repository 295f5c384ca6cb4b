//! `linkward policy push`: validated, compared with what is in force, agreed to, published, seen in force, announced.

mod appconfig;
mod deployment;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use aws_config::SdkConfig;
use policy::diff::PolicyDiff;
use policy::{Policy, Revision, Timestamp};
use policy_source::{Document, Engine, Load as _, PolicyPublisher, PolicySource, SourceUri};
use serde_json::{Value, json};

use super::diff;
use crate::aws::{self, Event};
use crate::cli::Push;
use crate::consent;
use crate::output::{self, Progress, Screen, Style};

/// How long until the source gives what was published. A table's reads are consistent; AppConfig's servers may lag a little.
const WITHIN: Duration = Duration::from_secs(60);
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What came of it.
struct Pushed {
    revision: Revision,
    replaced: Option<Revision>,
    seconds: f64,
    event: Option<String>,
    /// AppConfig's number of the deployment.
    deployment: Option<u64>,
}

/// `policy push FILE --to dynamodb:TABLE|appconfig:APP/ENV/PROFILE`.
pub(crate) fn push(push: &Push, screen: &Screen) -> anyhow::Result<ExitCode> {
    if !matches!(push.to, SourceUri::DynamoDb(_) | SourceUri::AppConfig(_)) {
        bail!(
            "`{}`: policies are pushed to a table or to AppConfig; write `dynamodb:TABLE` or `appconfig:APP/ENV/PROFILE`. A file is its own \
             source, and a bundle is put where its readers look",
            push.to
        );
    }
    aws::block_on(async {
        let sdk = aws::config().await;
        let (document, new) = read(&push.file, push.revision.as_ref()).await?;
        let before = in_force(push, &sdk).await?;
        let diff = before.as_ref().map(|(_, old)| policy::diff::diff(old, &new, Timestamp::now()));
        if !screen.is_json() {
            tell_change(screen, before.as_ref().map(|(revision, _)| revision), diff.as_ref(), &new);
        }
        let question = format!("Put `{}` in force in `{}`?", push.file.display(), push.to);
        if !consent::given(push.consent, &question)? {
            return Ok(ExitCode::from(1));
        }
        let replaced = before.map(|(revision, _)| revision);
        let pushed = publish(push, &sdk, document, replaced).await?;
        tell(screen, &pushed, diff.as_ref());
        Ok(ExitCode::SUCCESS)
    })
}

/// The document under the revision it is to have, and as a policy.
async fn read(file: &Path, revision: Option<&Revision>) -> anyhow::Result<(Document, Policy)> {
    let uri = SourceUri::File(file.to_owned());
    let document = PolicySource::open(&uri, Path::new("")).await?.fetch().await?;
    let mut document = document.with_context(|| format!("`{}` holds nothing", file.display()))?;
    document.revision = revision.cloned().unwrap_or(document.revision);
    let policy = Policy::parse(&document.bytes, document.format, &document.name, document.revision.clone())?;
    Ok((document, policy))
}

/// None when nothing is in force yet.
async fn in_force(push: &Push, sdk: &SdkConfig) -> anyhow::Result<Option<(Revision, Policy)>> {
    let mut source = PolicySource::with_sdk(&push.to, Path::new(""), sdk)?;
    let loaded = source.load().await;
    if push.first {
        return match loaded {
            Ok(Some((revision, _))) => bail!(
                "`{}` holds revision `{revision}` already; without `--first` it is compared with and replaced",
                push.to
            ),
            // Nothing that could be read: that a table holds nothing is for the publisher to find out, and AppConfig keeps every version.
            _ => Ok(None),
        };
    }
    let loaded = loaded.with_context(|| {
        format!("what is in force in `{}` cannot be read; for the first policy there add `--first`", push.to)
    })?;
    Ok(match loaded {
        Some((revision, Engine::Declarative(policy))) => Some((revision, policy)),
        // Neither holds a bundle.
        Some((_, Engine::Rego(_))) | None => None,
    })
}

fn tell_change(screen: &Screen, before: Option<&Revision>, diff: Option<&PolicyDiff>, new: &Policy) {
    match (before, diff) {
        (Some(revision), Some(diff)) if diff.is_empty() => {
            output::say(&format!("Comes to the same as revision {revision}, which is in force."));
        }
        (Some(revision), Some(diff)) => {
            output::say(&format!("Compared with revision {revision}, which is in force:\n"));
            diff::tell(screen, diff, new);
        }
        _ => output::say("The first policy here: nobody has anything to lose."),
    }
}

async fn publish(push: &Push, sdk: &SdkConfig, document: Document, before: Option<Revision>) -> anyhow::Result<Pushed> {
    let requested_by = push.sender.requested_by()?;
    let began = Instant::now();
    let (revision, replaced, deployment) = match &push.to {
        SourceUri::AppConfig(profile) => {
            let deployed = appconfig::deploy(sdk, profile, &push.strategy, &document, &requested_by).await?;
            (document.revision, before, Some(deployed))
        }
        SourceUri::DynamoDb(table) => {
            let mut progress = Progress::new();
            let told = |done: usize, total: usize| progress.at(done as u64, total as u64, || "published".to_owned());
            let published = PolicyPublisher::new(table, sdk).publish(document, told).await?;
            (published.revision, published.replaced, None)
        }
        other => bail!("`{other}`: nothing is published there"),
    };
    wait(push, sdk, &revision).await?;
    let seconds = (began.elapsed().as_secs_f64() * 100.0).round() / 100.0;
    let event = announcement(push, &revision, replaced.as_ref(), &requested_by);
    // The policy is in force whether or not anybody hears of it.
    let sent = aws::send(sdk, &push.sender.event_bus, &event).await;
    let event =
        sent.inspect_err(|error| output::complain(&format!("linkward: in force, but not announced: {error:#}"))).ok();
    Ok(Pushed { revision, replaced, seconds, event, deployment })
}

/// `Policy Changed`.
fn announcement(push: &Push, revision: &Revision, replaced: Option<&Revision>, requested_by: &str) -> Event {
    let mut detail = json!({
        "runId": format!("push-{}", uuid::Uuid::new_v4()),
        "origin": "push",
        "policySource": push.to.to_string(),
        "policyRevision": revision.as_str(),
        "requestedBy": requested_by,
    });
    let optional = [("previousRevision", replaced.map(Revision::as_str)), ("ticket", push.ticket.as_deref())];
    if let Some(detail) = detail.as_object_mut() {
        detail.extend(optional.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?)))));
    }
    Event { source: aws::PRODUCT, detail_type: "Policy Changed", detail }
}

/// Reads the source as the gates do, until it gives the revision.
async fn wait(push: &Push, sdk: &SdkConfig, revision: &Revision) -> anyhow::Result<()> {
    let (began, mut progress) = (Instant::now(), Progress::new());
    loop {
        let loaded = PolicySource::with_sdk(&push.to, Path::new(""), sdk)?.load().await;
        match loaded {
            Ok(Some((found, _))) if found == *revision => return Ok(()),
            other if began.elapsed() > WITHIN => {
                let found = other.map(|found| found.map(|(revision, _)| revision.to_string()));
                bail!("published, but `{}` gives {found:?} and not {revision} after {} s", push.to, WITHIN.as_secs());
            }
            _ => tokio::time::sleep(AGAIN_AFTER).await,
        }
        progress.at(0, 0, || format!("waiting until `{}` gives it, {} s", push.to, began.elapsed().as_secs()));
    }
}

fn tell(screen: &Screen, pushed: &Pushed, diff: Option<&PolicyDiff>) {
    if screen.is_json() {
        output::say_json(&json!({
            "revision": pushed.revision.as_str(),
            "replaced": pushed.replaced.as_ref().map(Revision::as_str),
            "seconds": pushed.seconds,
            "eventId": pushed.event,
            "deployment": pushed.deployment,
            "diff": diff.map(diff::document),
        }));
    } else {
        screen.line(Style::Good, &format!("revision {} is in force after {:.2} s", pushed.revision, pushed.seconds));
        output::say(
            "The runtimes read it at their next refresh; the approver at its next run (`linkward endpoints sweep`).",
        );
    }
}
