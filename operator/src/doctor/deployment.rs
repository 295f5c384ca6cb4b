//! AppConfig's last deployment to the environment that the gates read.

use policy_source::AppConfigProfile;
use serde_json::Value;

use super::Aws;
use super::check::Finding;
use crate::aws::appconfig;

pub(super) async fn check(aws: &Aws, profile: &AppConfigProfile) -> Result<Finding, Finding> {
    let remedy = "look at application, environment and profile in AppConfig; the module `policy-store` makes them";
    let wrong = |error: anyhow::Error| Finding::red(format!("{error:#}"), remedy);
    let place = appconfig::find(&aws.signed, profile).await.map_err(wrong)?;
    let deployments = appconfig::deployments(&aws.signed, &place).await.map_err(wrong)?;
    let newest = deployments.iter().max_by_key(|deployment| number(deployment));
    Ok(newest.map_or_else(|| Finding::red("nothing was ever deployed", "`linkward policy push --first`"), judge))
}

fn number(deployment: &Value) -> u64 {
    deployment.get("DeploymentNumber").and_then(Value::as_u64).unwrap_or_default()
}

fn judge(deployment: &Value) -> Finding {
    let state = deployment.get("State").and_then(Value::as_str).unwrap_or_default();
    let percent = deployment.get("PercentageComplete").and_then(Value::as_f64).unwrap_or_default();
    let found = format!("deployment {} is {state}, {percent:.0} %", number(deployment));
    match state {
        "COMPLETE" => Finding::green(found),
        "BAKING" if percent >= 100.0 => Finding::green(found),
        "DEPLOYING" | "BAKING" | "VALIDATING" => Finding::yellow(
            found,
            "until its end some readers have the revision before; urgent removals go through the deny list",
        ),
        _ => Finding::red(
            found,
            "the revision before is in force again, and whoever had been removed is back in: look why, and push",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::check::Status;
    use serde_json::json;

    #[test]
    fn only_a_deployment_that_reached_everybody_is_green() {
        let of = |state: &str, percent: f64| {
            judge(&json!({"DeploymentNumber": 3, "State": state, "PercentageComplete": percent})).status
        };
        assert_eq!((of("COMPLETE", 100.0), of("BAKING", 100.0)), (Status::Green, Status::Green));
        assert_eq!(of("DEPLOYING", 20.0), Status::Yellow);
        assert_eq!((of("ROLLED_BACK", 0.0), of("REVERTED", 0.0)), (Status::Red, Status::Red));
    }
}
