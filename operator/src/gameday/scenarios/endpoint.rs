//! The outer gate: an account that the policy does not name asks for an endpoint.

use std::time::Instant;

use anyhow::{Context as _, bail};

use super::until;
use crate::aws::signed::{CallError, EC2};
use crate::gameday::field::{Field, Stranger};
use crate::gameday::scenario::Seen;
use crate::gameday::undo::{Effect, Undo};

pub(super) async fn denied(field: &Field, undo: &Undo) -> anyhow::Result<Seen> {
    let stranger = field.stranger.as_ref().context("no stranger")?;
    let service = field.service.as_deref().context("no endpoint service")?;
    let region = field.sdk.region().context("no Region")?;
    let name = format!("com.amazonaws.vpce.{region}.{service}");
    let began = Instant::now();
    let id = match created(stranger, undo, name).await? {
        Ok(id) => id,
        // Whoever is no allowed principal of the service is told that there is none.
        Err(error) if error.code().is_some_and(|code| code.starts_with("InvalidServiceName")) => {
            let words = format!("not even asked for: {error}");
            return Ok(Seen { words, detection: Some(began.elapsed().as_secs_f64()), propagation: None });
        }
        Err(error) => return Err(error.into()),
    };
    let state = verdict(field, &id).await;
    let detection = began.elapsed().as_secs_f64();
    let state = match state {
        Ok(state) => state,
        Err(_) if field.holds => {
            let words = format!("{id} is still pendingAcceptance after {detection:.0} s, and the policy says hold");
            return Ok(Seen { words, detection: None, propagation: None });
        }
        Err(error) => return Err(error),
    };
    if state != "rejected" {
        bail!("{id} of an account that no rule names is {state}");
    }
    let told = until(field, "its owner to see it", async || {
        let seen = stranger.signed.query(&EC2, "DescribeVpcEndpoints", &[("VpcEndpointId.1", id.as_str())]).await?;
        Ok((seen.text("vpcEndpointSet/item/state") == "rejected").then(|| began.elapsed().as_secs_f64()))
    })
    .await?;
    let words = format!("{id} rejected after {detection:.2} s, which its owner sees after {told:.2} s");
    Ok(Seen { words, detection: Some(detection), propagation: Some(told) })
}

/// The connection's state once somebody decided, as the provider sees it.
async fn verdict(field: &Field, id: &str) -> anyhow::Result<String> {
    until(field, &format!("a verdict about {id}"), async || {
        let asked = [("Filter.1.Name", "vpc-endpoint-id"), ("Filter.1.Value.1", id)];
        let found = field.signed.query(&EC2, "DescribeVpcEndpointConnections", &asked).await?;
        let state = found.text("vpcEndpointConnectionSet/item/vpcEndpointState").to_owned();
        Ok((!["", "pendingAcceptance"].contains(&state.as_str())).then_some(state))
    })
    .await
}

/// The endpoint's id. Whoever interrupts this still has it deleted.
async fn created(stranger: &Stranger, undo: &Undo, service: String) -> anyhow::Result<Result<String, CallError>> {
    let (signed, later) = (stranger.signed.clone(), undo.clone());
    let (vpc, subnet) = (stranger.vpc.clone(), stranger.subnet.clone());
    undo.whole(async move {
        let wanted = [
            ("VpcEndpointType", "Interface"),
            ("ServiceName", service.as_str()),
            ("VpcId", vpc.as_str()),
            ("SubnetId.1", subnet.as_str()),
        ];
        let made = signed.query(&EC2, "CreateVpcEndpoint", &wanted).await?;
        let id = made.text("vpcEndpointId").to_owned();
        later.will(Effect::Endpoint(id.clone()));
        Ok(id)
    })
    .await
}
