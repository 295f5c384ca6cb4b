//! The outer gate: an account that the policy does not name asks for an endpoint.

use std::time::Instant;

use anyhow::{Context as _, bail};

use super::until;
use crate::aws::signed::EC2;
use crate::gameday::field::Field;
use crate::gameday::scenario::Seen;
use crate::gameday::undo::{Effect, Undo};

pub(super) async fn denied(field: &Field, undo: &Undo) -> anyhow::Result<Seen> {
    let stranger = field.stranger.as_ref().context("no stranger")?;
    let service = field.service.as_deref().context("no endpoint service")?;
    let region = field.sdk.region().context("no Region")?;
    let name = format!("com.amazonaws.vpce.{region}.{service}");
    let wanted = [
        ("VpcEndpointType", "Interface"),
        ("ServiceName", name.as_str()),
        ("VpcId", stranger.vpc.as_str()),
        ("SubnetId.1", stranger.subnet.as_str()),
    ];
    let made = stranger.signed.query(&EC2, "CreateVpcEndpoint", &wanted).await?;
    let began = Instant::now();
    let id = made.text("vpcEndpointId").to_owned();
    if id.is_empty() {
        bail!("an endpoint without an id");
    }
    undo.will(Effect::Endpoint(id.clone()));
    let state = until(field, &format!("a verdict about {id}"), async || {
        let asked = [("Filter.1.Name", "vpc-endpoint-id"), ("Filter.1.Value.1", id.as_str())];
        let found = field.signed.query(&EC2, "DescribeVpcEndpointConnections", &asked).await?;
        let state = found.text("vpcEndpointConnectionSet/item/vpcEndpointState").to_owned();
        Ok((!["", "pendingAcceptance"].contains(&state.as_str())).then_some(state))
    })
    .await;
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
