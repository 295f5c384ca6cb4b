//! A deployment of AppConfig, from its start until everybody is served.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use http::Method;
use serde_json::{Value, json};

use crate::aws::appconfig::{Place, get, id};
use crate::aws::signed::{APPCONFIG, Rest, Signed};
use crate::output::Progress;

const EVERY: Duration = Duration::from_secs(1);
/// Nothing moved for so long: AppConfig's strategies take steps of minutes.
const STUCK_AFTER: Duration = Duration::from_secs(2 * 3600);

/// What is deployed, and how.
#[derive(Debug)]
pub(super) struct Deployment<'a> {
    pub(super) place: &'a Place,
    pub(super) version: u64,
    pub(super) strategy: &'a str,
}

/// The strategy's id; AWS's own are called by theirs.
pub(super) async fn strategy(signed: &Signed, wanted: &str) -> anyhow::Result<String> {
    if wanted.starts_with("AppConfig.") {
        return Ok(wanted.to_owned());
    }
    id(signed, "ListDeploymentStrategies", "/deploymentstrategies", wanted).await
}

impl Deployment<'_> {
    /// Starts it and follows it until all readers get the version; gives its number.
    pub(super) async fn run(&self, signed: &Signed, description: &str) -> anyhow::Result<u64> {
        let Place { application, environment, .. } = self.place;
        let path = format!("/applications/{application}/environments/{environment}/deployments");
        let wanted = json!({
            "DeploymentStrategyId": self.strategy,
            "ConfigurationProfileId": self.place.profile,
            "ConfigurationVersion": self.version.to_string(),
            "Description": description,
        });
        let start = Rest {
            action: "StartDeployment",
            method: Method::POST,
            path: &path,
            headers: &[("content-type", "application/json")],
            body: wanted.to_string().into_bytes(),
        };
        let started = signed.json(&APPCONFIG, start).await.map_err(|error| {
            let busy = error.code().is_some_and(|code| code.contains("Conflict"));
            let next = if busy {
                "another deployment is under way: wait for its end, or stop it"
            } else {
                "nothing was deployed"
            };
            anyhow::Error::from(error).context(next)
        })?;
        let number =
            started.get("DeploymentNumber").and_then(Value::as_u64).context("a deployment without a number")?;
        self.follow(signed, &format!("{path}/{number}")).await?;
        Ok(number)
    }

    /// BAKING is when everybody is served already, and alarms may still take it back.
    async fn follow(&self, signed: &Signed, path: &str) -> anyhow::Result<()> {
        let (began, mut progress) = (Instant::now(), Progress::new());
        while began.elapsed() < STUCK_AFTER {
            let deployment = signed.json(&APPCONFIG, get("GetDeployment", path)).await?;
            let state = deployment.get("State").and_then(Value::as_str).unwrap_or_default();
            let percent = deployment.get("PercentageComplete").and_then(Value::as_f64).unwrap_or_default();
            match state {
                "COMPLETE" => return Ok(()),
                "BAKING" if percent >= 100.0 => return Ok(()),
                "ROLLING_BACK" | "ROLLED_BACK" | "REVERTED" => {
                    bail!("the deployment ended as {state}: {}", why(&deployment))
                }
                _ => {}
            }
            // Between 0 and 100.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a percentage")]
            progress.at(percent as u64, 100, || format!("{}, {} s", state.to_lowercase(), began.elapsed().as_secs()));
            tokio::time::sleep(EVERY).await;
        }
        bail!("the deployment is still under way after {} s; look at it in AppConfig", STUCK_AFTER.as_secs())
    }
}

/// The newest entry of the deployment's own log.
fn why(deployment: &Value) -> String {
    let newest = deployment.pointer("/EventLog/0/Description").and_then(Value::as_str);
    newest.unwrap_or("AppConfig does not say why").to_owned()
}
