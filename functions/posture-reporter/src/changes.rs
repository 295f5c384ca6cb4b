//! A change: one more on its metric, and of a deployment of our policy an event.
//!
//! An event that comes twice counts twice. Only a table could tell, and this function changes nothing: what one warm
//! process remembers the next does not know, and Lambda's own second try, after a run that could not tell what it should,
//! has the same id and must not be passed over. Whoever needs each change once has the events, with their `requestId`.

use policy_source::SourceUri;
use serde::Serialize;
use telemetry::{DetailType, Run, metrics};

use crate::answer::Answer;
use crate::trigger::{Deployment, Trigger};

/// AppConfig deployed the access policy.
const POLICY_DEPLOYED: &str = "policyDeployed";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'a> {
    run_id: &'a str,
    origin: &'static str,
    policy_source: String,
    policy_revision: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployment_number: Option<u64>,
    request_id: &'a str,
}

pub(crate) fn count(run: &mut Run, trigger: &Trigger, policy_source: Option<&SourceUri>, answer: &mut Answer) {
    let change = match trigger {
        Trigger::Schedule | Trigger::Told { happened: false, .. } => return,
        Trigger::Told { change, .. } | Trigger::Authority { change, failed: false } => *change,
        Trigger::Authority { change, failed: true } => {
            run.count(&metrics::CHANGES_FAILED, [change]);
            tracing::error!(change, "a certificate authority failed");
            return;
        }
        Trigger::Deployed(deployment) => match policy_source.filter(|source| deployment.is_of(source)) {
            Some(source) => {
                tell(run, deployment, source);
                POLICY_DEPLOYED
            }
            None => {
                tracing::info!(?deployment, "AppConfig deployed something that is not our policy");
                return;
            }
        },
    };
    run.count(&metrics::CHANGES, [change]);
    answer.changes.push(change);
}

fn tell(run: &mut Run, deployment: &Deployment, source: &SourceUri) {
    let run_id = run.id().to_owned();
    let detail = Detail {
        run_id: &run_id,
        origin: "deployment",
        policy_source: source.to_string(),
        policy_revision: &deployment.version,
        deployment_number: deployment.number,
        request_id: &deployment.event_id,
    };
    run.audit(DetailType::PolicyChanged, &detail);
}

impl Deployment {
    /// Whether it is of this source: `appconfig:APPLICATION/ENVIRONMENT/PROFILE`, by id or by name.
    fn is_of(&self, source: &SourceUri) -> bool {
        let source = source.to_string();
        let Some(path) = source.strip_prefix("appconfig:") else { return false };
        let parts: Vec<_> = path.split('/').collect();
        let ours = [&self.application, &self.environment, &self.profile];
        parts.len() == ours.len() && parts.iter().zip(ours).all(|(part, names)| names.iter().any(|name| name == part))
    }
}
