//! Step 6: the caller that was cut off gets another certificate, as Secrets Manager has one rotated, and the reporter looks at it all.

use anyhow::{Context as _, bail};
use local_stack::LocalStack;
use local_stack::deploy;
use serde_json::{Value, json};
use uuid::Uuid;

use super::calls::expect;
use super::certificates::store;
use super::client::Caller;
use super::gate::{Gate, ORDERS};
use super::provider::{Provider, REPORTER, ROTATOR};
use super::report::{Progress, Report, Step, Stopped};

const INVOICE: &str = "/v1/invoices/42";
/// In the order in which Secrets Manager asks for them.
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// Rotates, calls again, and has everything measured.
pub(crate) async fn rotate(
    stack: &LocalStack,
    provider: &Provider,
    gate: &Gate,
    report: &mut Report,
) -> Result<(), Stopped> {
    report.chapter("6. A rotation");
    let quiet = Progress::default();
    let step = Step { name: "rotation", title: "the caller's secret rotates, in Secrets Manager's four steps" };
    let rotated = report.step(step, &quiet, rotated(stack, provider, gate)).await;
    if let Ok(caller) = rotated {
        let step = Step { name: "rotatedCall", title: "with the new certificate it is let in again" };
        drop(report.step(step, &quiet, called(gate, &caller)).await);
    }
    let step = Step { name: "posture", title: "the reporter measures how things stand" };
    report.step(step, &quiet, measured(stack)).await
}

/// Secrets Manager itself stands still here: the emulator calls no function, so the four invocations are ours.
async fn rotated(stack: &LocalStack, provider: &Provider, gate: &Gate) -> anyhow::Result<(Caller, String)> {
    let test_address = format!("localhost:{}", gate.billing.address.port());
    let tags = [("linkward:identity", ORDERS), ("linkward:test-address", &test_address)];
    let secret = deploy::secret(stack, "orders-api", "{}", &tags).await?;
    let version = Uuid::new_v4().to_string();
    let mut outcomes = Vec::new();
    for step in STEPS {
        let event = json!({"Step": step, "SecretId": secret, "ClientRequestToken": version}).to_string();
        let answer: Value = serde_json::from_str(&deploy::invoke(stack, ROTATOR, &event).await?)?;
        outcomes.push(format!("{step}: {}", text(&answer, "outcome")));
    }
    let value: Value = serde_json::from_str(&deploy::secret_value(stack, &secret, "AWSCURRENT").await?)?;
    let folder = gate.certificates.root.parent().context("the certificates have no folder")?;
    let chain = format!("{}\n{}\n", text(&value, "certificate").trim(), text(&value, "chain").trim());
    let credentials = store(folder, "orders-api-rotated", &chain, text(&value, "privateKey"))?;
    let caller = Caller::new(&provider.authority.certificate_pem, &credentials)?;
    let told = format!(
        "{}\nAWSCURRENT: {}, serial number {}, valid to {}; tried at {test_address} before it was",
        outcomes.join(", "),
        text(&value, "identity"),
        text(&value, "serialNumber"),
        text(&value, "notAfter")
    );
    Ok((caller, told))
}

async fn called(gate: &Gate, caller: &Caller) -> anyhow::Result<((), String)> {
    expect(&caller.call(gate.billing.address, INVOICE).await?, 200, "")?;
    Ok(((), format!("GET {INVOICE} → 200; the revoked certificate stays revoked")))
}

async fn measured(stack: &LocalStack) -> anyhow::Result<((), String)> {
    let event = json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}}).to_string();
    let answer: Value = serde_json::from_str(&deploy::invoke(stack, REPORTER, &event).await?)?;
    let measured: Vec<_> =
        answer.get("measured").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    match measured[..] {
        [] => bail!("nothing was measured: {answer}"),
        _ => Ok(((), format!("{REPORTER}: {}", measured.join(", ")))),
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or("nothing")
}
