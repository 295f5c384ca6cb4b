//! EC2's side of the model.

use std::collections::BTreeMap;

use wire_replay::{Answer, Call};

use crate::aws::{Aws, GRACE, MAX_REMOVALS, SERVICE, SLACK};

#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) owner: String,
    pub(crate) state: &'static str,
    pub(crate) created: i64,
    /// What EC2 still shows, and how often.
    stale: Option<(&'static str, u8)>,
    /// What EC2 showed last.
    seen: &'static str,
    /// Since when the policies have not listed the owner, as a run that did all it should saw it.
    pub(crate) seen_delisted: Option<i64>,
}

impl Connection {
    pub(crate) fn new(owner: String, created: i64) -> Self {
        Self { owner, state: "pendingAcceptance", created, stale: None, seen: "", seen_delisted: None }
    }

    pub(crate) fn is_accepted(&self) -> bool {
        matches!(self.state, "pending" | "available")
    }

    fn shown(&mut self) -> &'static str {
        self.seen = match &mut self.stale {
            Some((state, looks)) if *looks > 0 => {
                *looks -= 1;
                state
            }
            _ => self.state,
        };
        self.seen
    }
}

pub(crate) type Connections = BTreeMap<String, Connection>;

impl Aws {
    pub(crate) fn describe(&mut self, call: &Call) -> Answer {
        let form = call.form();
        let named = |n: usize| form.get(&format!("Filter.{n}.Name")).map(String::as_str);
        let ids = (1..=2).find(|n| named(*n) == Some("vpc-endpoint-id")).map(|n| {
            let prefix = format!("Filter.{n}.Value.");
            let values = form.iter().filter(move |(name, _)| name.starts_with(&prefix));
            values.map(|(_, id)| id.clone()).collect::<Vec<_>>()
        });
        let clock = self.clock;
        let items: String = self
            .connections
            .iter_mut()
            .filter(|(id, _)| ids.as_ref().is_none_or(|ids| ids.contains(id)))
            .map(|(id, connection)| {
                let (state, owner) = (connection.shown(), &connection.owner);
                let created = clock.write(connection.created);
                format!(
                    "<item><serviceId>{SERVICE}</serviceId><vpcEndpointId>{id}</vpcEndpointId>\
                     <vpcEndpointOwner>{owner}</vpcEndpointOwner><vpcEndpointState>{state}</vpcEndpointState>\
                     <creationTimestamp>{created}</creationTimestamp></item>"
                )
            })
            .collect();
        response("Describe", &format!("<vpcEndpointConnectionSet>{items}</vpcEndpointConnectionSet>"))
    }

    pub(crate) fn change(&mut self, call: &Call, accept: bool) -> Answer {
        let form = call.form();
        let ids = form.iter().filter(|(name, _)| name.starts_with("VpcEndpointId.")).map(|(_, id)| id.clone());
        let refused: String = ids.filter_map(|id| self.change_one(&id, accept)).collect();
        response(if accept { "Accept" } else { "Reject" }, &format!("<unsuccessful>{refused}</unsuccessful>"))
    }

    fn change_one(&mut self, id: &str, accept: bool) -> Option<String> {
        let refused = |code: &str| {
            Some(format!("<item><resourceId>{id}</resourceId><error><code>{code}</code><message/></error></item>"))
        };
        let Some(connection) = self.connections.get(id).cloned() else { return refused("InvalidVpcEndpoint.NotFound") };
        let to = match (accept, connection.state) {
            (true, "pendingAcceptance" | "rejected") => "pending",
            (false, "pendingAcceptance" | "pending" | "available") => "rejected",
            _ => return refused("InvalidState"),
        };
        self.happened(format!("  {id} of {}: {} becomes {to}", connection.owner, connection.state));
        self.check_effect(id, &connection, accept);
        let looks = if self.rng.u8(..8) == 0 { self.rng.u8(1..3) } else { 0 };
        if let Some(connection) = self.connections.get_mut(id) {
            connection.stale = Some((connection.state, looks));
            connection.state = to;
        }
        None
    }

    /// What may happen to a connection, by what this run has read.
    fn check_effect(&mut self, id: &str, connection: &Connection, accept: bool) {
        let owner = &connection.owner;
        let Some(policy) = self.run.policy.clone() else {
            return self.violated(format!("{id} was changed by a run that could not read the policy"));
        };
        if self.run.frozen != Some(false) {
            self.violated(format!("{id} was changed while frozen, or by a run that could not know"));
        }
        if accept != policy.lists(owner) {
            let verb = if accept { "accepted" } else { "rejected" };
            self.violated(format!("{id} of {owner} was {verb} against the policy {policy:?}"));
        }
        // To whom EC2 still shows that it waits, it is no removal: nobody can know better.
        if !accept && matches!(connection.seen, "pending" | "available") {
            self.run.removals += 1;
            let unlisted = self.unlisted_since.get(owner).copied();
            if unlisted.is_none_or(|since| self.clock.now - since.max(connection.created) < GRACE - SLACK) {
                self.violated(format!("{id} of {owner} was removed before its grace ended"));
            }
            if self.run.removals > self.run.max_removals.unwrap_or(MAX_REMOVALS) {
                self.violated(format!("{id} was removed beyond the cap"));
            }
        }
    }
}

pub(crate) fn principals() -> Answer {
    Answer::xml(
        "<DescribeVpcEndpointServicePermissionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>0</requestId><allowedPrincipals><item><principal>*</principal></item></allowedPrincipals>\
         </DescribeVpcEndpointServicePermissionsResponse>",
    )
}

fn response(verb: &str, body: &str) -> Answer {
    Answer::xml(&format!(
        "<{verb}VpcEndpointConnectionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\
         <requestId>0</requestId>{body}</{verb}VpcEndpointConnectionsResponse>"
    ))
}
