//! `linkward policy push`: validated, compared with what is in force, agreed to, published, seen in force, announced.

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

/// How long until the table gives what was published; reads are consistent, so once is usually enough.
const WITHIN: Duration = Duration::from_secs(30);
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// What came of it.
struct Pushed {
    revision: Revision,
    replaced: Option<Revision>,
    seconds: f64,
    event: Option<String>,
}

/// `policy push FILE --to dynamodb:TABLE`.
pub(crate) fn push(push: &Push, screen: &Screen) -> anyhow::Result<ExitCode> {
    let SourceUri::DynamoDb(table) = &push.to else {
        bail!(
            "`{}`: policies are pushed to a table; write `dynamodb:TABLE`. A file is its own source, and AppConfig is deployed by its pipeline",
            push.to
        );
    };
    aws::block_on(async {
        let sdk = aws::config().await;
        let (document, new) = read(&push.file, push.revision.as_ref()).await?;
        let before = in_force(push, &sdk).await?;
        let diff = before.as_ref().map(|(_, old)| policy::diff::diff(old, &new, Timestamp::now()));
        if !screen.is_json() {
            tell_change(screen, before.as_ref().map(|(revision, _)| revision), diff.as_ref(), &new);
        }
        let question = format!("Put `{}` in force in the table `{table}`?", push.file.display());
        if !consent::given(push.consent, &question)? {
            return Ok(ExitCode::from(1));
        }
        let pushed = publish(push, &sdk, table, document).await?;
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

/// None when the table holds no policy yet.
async fn in_force(push: &Push, sdk: &SdkConfig) -> anyhow::Result<Option<(Revision, Policy)>> {
    let mut source = PolicySource::with_sdk(&push.to, Path::new(""), sdk)?;
    let loaded = source.load().await;
    if push.first {
        return match loaded {
            Ok(Some((revision, _))) => bail!(
                "`{}` holds revision `{revision}` already; without `--first` it is compared with and replaced",
                push.to
            ),
            // Nothing that could be read: that there is nothing is for the publisher to find out.
            _ => Ok(None),
        };
    }
    let loaded = loaded.with_context(|| {
        format!("what is in force in `{}` cannot be read; for the first policy of a table add `--first`", push.to)
    })?;
    Ok(match loaded {
        Some((revision, Engine::Declarative(policy))) => Some((revision, policy)),
        // A table holds no bundle.
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
        _ => output::say("The first policy of this table: nobody has anything to lose."),
    }
}

async fn publish(push: &Push, sdk: &SdkConfig, table: &str, document: Document) -> anyhow::Result<Pushed> {
    let requested_by = push.sender.requested_by()?;
    let began = Instant::now();
    let published = {
        let mut progress = Progress::new();
        let told = |done: usize, total: usize| progress.at(done as u64, total as u64, || "published".to_owned());
        PolicyPublisher::new(table, sdk).publish(document, told).await?
    };
    wait(push, sdk, &published.revision).await?;
    let seconds = (began.elapsed().as_secs_f64() * 100.0).round() / 100.0;
    let mut detail = json!({
        "runId": format!("push-{}", uuid::Uuid::new_v4()),
        "origin": "push",
        "policySource": push.to.to_string(),
        "policyRevision": published.revision.as_str(),
        "requestedBy": requested_by,
    });
    let optional =
        [("previousRevision", published.replaced.as_ref().map(Revision::as_str)), ("ticket", push.ticket.as_deref())];
    if let Some(detail) = detail.as_object_mut() {
        detail.extend(optional.into_iter().filter_map(|(name, text)| Some((name.to_owned(), Value::from(text?)))));
    }
    let event = Event { source: aws::PRODUCT, detail_type: "Policy Changed", detail };
    // The policy is in force whether or not anybody hears of it.
    let sent = aws::send(sdk, &push.sender.event_bus, &event).await;
    let event =
        sent.inspect_err(|error| output::complain(&format!("linkward: in force, but not announced: {error:#}"))).ok();
    Ok(Pushed { revision: published.revision, replaced: published.replaced, seconds, event })
}

/// Reads the table as the gates do, until it gives the revision.
async fn wait(push: &Push, sdk: &SdkConfig, revision: &Revision) -> anyhow::Result<()> {
    let began = Instant::now();
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
    }
}

fn tell(screen: &Screen, pushed: &Pushed, diff: Option<&PolicyDiff>) {
    if screen.is_json() {
        output::say_json(&json!({
            "revision": pushed.revision.as_str(),
            "replaced": pushed.replaced.as_ref().map(Revision::as_str),
            "seconds": pushed.seconds,
            "eventId": pushed.event,
            "diff": diff.map(diff::document),
        }));
    } else {
        screen.line(Style::Good, &format!("revision {} is in force after {:.2} s", pushed.revision, pushed.seconds));
        output::say(
            "The runtimes read it at their next refresh; the approver at its next run (`linkward endpoints sweep`).",
        );
    }
}
