//! The functions: ready, enforcing, with the same names as here; and the approver, which is asked for a dry run.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_lambda::Client;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::types::{LastUpdateStatus, State};

use super::Aws;
use super::check::{Checked, Examination, Finding, worst};
use crate::aws::explained;
use crate::cli::ProviderSide;
use crate::endpoints;

/// The role of each function, by the function's name.
pub(super) type Roles = BTreeMap<String, String>;

/// Their roles. Without a policy the approver's run would fail for what is told of already.
pub(super) async fn examine(
    aws: &Aws,
    ours: &ProviderSide,
    policy: bool,
    examination: &mut Examination,
) -> Option<Roles> {
    let roles = examination.check("functions", check(aws, ours)).await;
    let approver = ours.functions.iter().find(|name| name.ends_with("endpoint-approver"));
    match (approver, &roles) {
        (Some(_), Some(_)) if !policy => examination.skip(&["approver"], "the policy cannot be read"),
        (Some(approver), Some(_)) => examination.simple("approver", dry_run(aws, approver)).await,
        (None, _) => examination.skip(&["approver"], "no function is named …endpoint-approver"),
        (_, None) => examination.skip(&["approver"], "the functions are not ready"),
    }
    roles
}

async fn check(aws: &Aws, ours: &ProviderSide) -> Checked<Roles> {
    let client = Client::new(&aws.sdk);
    let (mut findings, mut roles) = (Vec::new(), Roles::new());
    for name in &ours.functions {
        match client.get_function_configuration().function_name(name).send().await.map_err(explained) {
            Ok(function) => {
                findings.push(judge(name, &function, ours));
                roles.insert(name.clone(), function.role.unwrap_or_default());
            }
            Err(error) => {
                return Err(Finding::red(
                    format!("`{name}`: {error:#}"),
                    "name the functions with `--functions`; the module `control-plane` makes them",
                ));
            }
        }
    }
    Ok((worst(findings), roles))
}

fn judge(name: &str, function: &GetFunctionConfigurationOutput, ours: &ProviderSide) -> Finding {
    if function.state().is_some_and(|state| !matches!(state, State::Active | State::Inactive | State::Pending))
        || function.last_update_status() == Some(&LastUpdateStatus::Failed)
    {
        let why = function.state_reason().or(function.last_update_status_reason()).unwrap_or("Lambda does not say why");
        return Finding::red(format!("`{name}` is not ready: {why}"), "deploy it again");
    }
    let nothing = HashMap::new();
    let variables = function.environment().and_then(|environment| environment.variables()).unwrap_or(&nothing);
    if let Some((variable, theirs, here)) = differs(variables, ours) {
        return Finding::red(
            format!("`{name}` has {variable}={theirs}, not {here}"),
            "the gates would look at different things: correct the function's variable, or what this command is given",
        );
    }
    match variables.get("LINKWARD_MODE").map(String::as_str) {
        Some("audit") => Finding::yellow(
            format!("`{name}` is in audit mode"),
            "it says what it would do and does nothing; set LINKWARD_MODE=enforce when that reads right",
        ),
        _ => Finding::green(format!("`{name}` is ready")),
    }
}

/// The first variable by which function and operator mean different things. What a function does not have it does not use.
fn differs<'a>(variables: &'a HashMap<String, String>, ours: &ProviderSide) -> Option<(&'static str, &'a str, String)> {
    let source = ours.policy_source.as_ref().map(ToString::to_string);
    let wanted = [
        ("LINKWARD_POLICY_SOURCE", source),
        ("LINKWARD_DENY_LIST_TABLE", Some(ours.deny_list_table.clone())),
        ("LINKWARD_ENDPOINT_INVENTORY_TABLE", Some(ours.endpoint_inventory_table.clone())),
        ("LINKWARD_CERTIFICATE_INVENTORY_TABLE", Some(ours.certificate_inventory_table.clone())),
    ];
    wanted.into_iter().find_map(|(name, here)| {
        let (theirs, here) = (variables.get(name)?, here?);
        (*theirs != here).then_some((name, theirs.as_str(), here))
    })
}

/// What the approver sees is what EC2 tells it: its permissions and its policy are tried on the way.
async fn dry_run(aws: &Aws, function: &str) -> Result<Finding, Finding> {
    let remedy = "look at the function's log group; docs/runbooks/function-errors.md";
    let (answer, failed) = endpoints::invoke(&aws.sdk, function)
        .await
        .map_err(|error| Finding::red(format!("a dry run failed: {error:#}"), remedy))?;
    let number = |name: &str| answer.get(name).and_then(|list| list.as_array()).map_or(0, Vec::len);
    let found = format!(
        "a dry run would accept {}, reject {}, remove {}, hold {}",
        number("accepted"),
        number("rejected"),
        number("removed"),
        number("held")
    );
    match failed {
        true => Err(Finding::red(format!("{found}, and ended in an error"), remedy)),
        false => Ok(Finding::green(found)),
    }
}
