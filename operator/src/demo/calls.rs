//! Step 4, the inner gate: four calls, one of them welcome.

use anyhow::{Context as _, bail};
use policy::SerialNumber;
use serde_json::Value;

use super::client::{self, Answer, PATIENCE};
use super::consumers::BILLING;
use super::gate::Gate;
use super::report::{Progress, Report, Step, Stopped};

const INVOICE: &str = "/v1/invoices/42";
const SECRET: &str = "/v1/invoices/secret";

/// Makes the calls; gives the serial number of the certificate that was welcome, as the access log tells it.
pub(crate) async fn make(gate: &Gate, report: &mut Report) -> Result<SerialNumber, Stopped> {
    report.chapter("4. The inner gate: who may ask for what");
    let quiet = Progress::default();
    let step = Step { name: "callPermitted", title: "a permitted call reaches the API" };
    let serial = report.step(step, &quiet, permitted(gate)).await;
    // The others do not need the first one to have gone well, and each says something of its own.
    let step = Step { name: "callForbidden", title: "a forbidden path is denied, with its reason" };
    drop(report.step(step, &quiet, forbidden(gate)).await);
    let step =
        Step { name: "foreignCertificate", title: "a certificate of another authority is refused in the handshake" };
    drop(report.step(step, &quiet, foreign(gate)).await);
    let step =
        Step { name: "stolenCertificate", title: "the same certificate through another account's endpoint: denied" };
    drop(report.step(step, &quiet, stolen(gate)).await);
    serial
}

async fn permitted(gate: &Gate) -> anyhow::Result<(SerialNumber, String)> {
    let answer = gate.orders.call(gate.billing.address, INVOICE).await?;
    expect(&answer, 200, "")?;
    let told = |name: &str| {
        answer.body.pointer(&format!("/toldByTheGate/x-linkward-{name}")).and_then(Value::as_str).unwrap_or("nothing")
    };
    if told("account") != BILLING {
        bail!("the API was told {} as the caller's account instead of {BILLING}", told("account"));
    }
    let line = gate.runtime.logged("the call", |line| at(line, INVOICE, 200)).await?;
    let serial = line.get("serialNumber").and_then(Value::as_str).context("the access log lacks the serial number")?;
    let words = format!(
        "GET {INVOICE} → 200; the API was told {} of account {}, through {}",
        told("caller"),
        told("account"),
        told("endpoint")
    );
    Ok((serial.parse()?, words))
}

async fn forbidden(gate: &Gate) -> anyhow::Result<((), String)> {
    let answer = gate.orders.call(gate.billing.address, SECRET).await?;
    expect(&answer, 403, "forbidden")?;
    let line = gate.runtime.logged("the denial", |line| at(line, SECRET, 403)).await?;
    let rule = line.get("ruleId").and_then(Value::as_str).unwrap_or("none");
    Ok(((), format!("GET {SECRET} → 403 forbidden; the log, not the caller, learns the rule: `{rule}`")))
}

async fn foreign(gate: &Gate) -> anyhow::Result<((), String)> {
    let connection = gate.foreign.open(gate.billing.address).await?;
    let ended = tokio::time::timeout(PATIENCE, connection.ended).await.context("the connection stays open")??;
    let error = anyhow::Error::from(ended.err().context("the connection was closed without a word")?);
    let alert = client::alert(&error).with_context(|| format!("ended without a TLS alert: {error:#}"))?;
    let line = gate.runtime.logged("the failed handshake", |line| text(line, "event") == "handshakeFailure").await?;
    match text(&line, "cause") {
        "unknownIssuer" => Ok(((), format!("TLS alert {alert:?}; the log says unknownIssuer"))),
        cause => bail!("the log says `{cause}` instead of `unknownIssuer`"),
    }
}

async fn stolen(gate: &Gate) -> anyhow::Result<((), String)> {
    let answer = gate.orders.call(gate.shipping.address, INVOICE).await?;
    expect(&answer, 403, "accountMismatch")?;
    Ok(((), format!("GET {INVOICE} with the same certificate and key → 403 accountMismatch")))
}

/// Whether an answer is the one the step promises; the reason only counts for denials.
pub(crate) fn expect(answer: &Answer, status: u16, reason: &str) -> anyhow::Result<()> {
    match answer.status == status && answer.text("reason") == reason {
        true => Ok(()),
        false => bail!("{} {} instead of {status} {reason}", answer.status, answer.body),
    }
}

/// Whether a line of the access log is about this path and status.
pub(crate) fn at(line: &Value, path: &str, status: u16) -> bool {
    text(line, "path") == path && line.get("status").and_then(Value::as_u64) == Some(status.into())
}

fn text<'a>(line: &'a Value, field: &str) -> &'a str {
    line.get(field).and_then(Value::as_str).unwrap_or_default()
}
