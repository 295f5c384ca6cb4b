//! The access policy in force, as the gates read it.

use std::path::Path;

use policy_source::{Engine, Load as _, PolicySource, SourceUri};

use super::Aws;
use super::check::{Examination, Finding};
use super::deployment;
use crate::cli::ProviderSide;
use crate::output;

/// Whether there is a policy, as far as is known.
pub(super) async fn examine(aws: &Aws, ours: &ProviderSide, examination: &mut Examination) -> bool {
    let Some(uri) = &ours.policy_source else {
        examination.skip(&["policySource", "appConfig"], "no source is named; add `--policy-source`");
        return true;
    };
    let work = async { check(aws, uri).await.map(|finding| (finding, ())) };
    let there = examination.check("policySource", work).await.is_some();
    match uri {
        SourceUri::AppConfig(profile) => examination.simple("appConfig", deployment::check(aws, profile)).await,
        _ => examination.skip(&["appConfig"], "the policy is not there"),
    }
    there
}

async fn check(aws: &Aws, uri: &SourceUri) -> Result<Finding, Finding> {
    let red = |error: String| {
        Finding::red(
            format!("`{uri}` gives no policy: {error}"),
            "both gates keep the last good one, then deny and hold; put a valid one there with `linkward policy push`",
        )
    };
    let mut source = PolicySource::with_sdk(uri, Path::new(""), &aws.sdk).map_err(|error| red(error.to_string()))?;
    let loaded = source.load().await.map_err(|error| red(error.to_string()))?;
    let (revision, engine) = loaded.ok_or_else(|| red("nothing is there".to_owned()))?;
    let frozen = source.frozen().await.map_err(|error| red(error.to_string()))?;
    if frozen {
        return Ok(Finding::yellow(
            format!("revision {revision}, and the freeze switch is on"),
            "the approver changes nothing until `frozen` of the item `freeze` is false again",
        ));
    }
    Ok(said(&engine, revision.as_str()))
}

fn said(engine: &Engine, revision: &str) -> Finding {
    match (engine.callers_len(), engine.outer_gate()) {
        (Some(0), _) => Finding::yellow(
            format!("revision {revision} names no callers"),
            "everybody is denied; is that so by intention? If not, `linkward policy push`",
        ),
        (_, None) => Finding::yellow(
            format!("revision {revision} says nothing of endpoints"),
            "the approver holds every connection; put `data.linkward` into the bundle",
        ),
        (callers, Some(_)) => {
            let callers = callers.map_or_else(|| "Rego".to_owned(), |number| output::count(number as u64, "caller"));
            Finding::green(format!("revision {revision}, {callers}"))
        }
    }
}
