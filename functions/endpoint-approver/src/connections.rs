//! EC2's side: which connections there are, and what may be done to them.

use std::collections::{BTreeMap, HashMap, HashSet};

use aws_sdk_ec2::Client;
use aws_sdk_ec2::primitives::DateTime;
use aws_sdk_ec2::types::{Filter, UnsuccessfulItem, VpcEndpointConnection};
use jiff::Timestamp;
use policy::endpoint::{Connection, ConnectionState};
use policy::{ServiceId, VpcEndpointId};
use telemetry::{CallError, Deadline};

/// A filter takes no more values.
const FILTER_VALUES: usize = 200;
/// AWS gives no bound for a list of endpoints; this keeps a fault or a throttle small.
const BATCH: usize = 25;
const PAGE: i32 = 1_000;

#[derive(Debug)]
pub(crate) struct Connections {
    client: Client,
}

/// The connections of some services.
#[derive(Debug, Default)]
pub(crate) struct Described {
    pub(crate) connections: Vec<Connection>,
    /// Endpoints EC2 described in a way that we do not understand: nothing is done to them.
    pub(crate) malformed: Vec<String>,
}

/// Where a change leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Goal {
    Rejected,
    Accepted,
}

/// Why an endpoint was not changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// EC2 said so of this endpoint, by this code.
    Endpoint(String),
    /// The whole call failed by this code; of this endpoint nothing was said.
    Call(String),
}

impl Refusal {
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Endpoint(code) | Self::Call(code) => code,
        }
    }
}

impl Described {
    /// Every endpoint EC2 described, understood or not.
    pub(crate) fn endpoints(&self) -> HashSet<&str> {
        let understood = self.connections.iter().map(|connection| connection.endpoint_id.as_str());
        understood.chain(self.malformed.iter().map(String::as_str)).collect()
    }
}

impl Connections {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// All connections of these services, all pages.
    pub(crate) async fn describe(&self, services: &[ServiceId], by: Deadline) -> Result<Described, CallError> {
        let mut found = BTreeMap::new();
        let mut malformed = Vec::new();
        for services in services.chunks(FILTER_VALUES) {
            for item in self.pages(vec![filter("service-id", services)], by).await? {
                match connection(&item) {
                    // A filter that EC2 ignored would give us other people's services.
                    Ok(found) if !services.contains(&found.service_id) => {}
                    // Pages are no snapshot: of two descriptions the later counts.
                    Ok(connection) => drop(found.insert(connection.endpoint_id.clone(), connection)),
                    Err(problem) => {
                        tracing::error!(?item, problem, "a connection is described in a way we do not understand");
                        malformed.push(item.vpc_endpoint_id.unwrap_or_default());
                    }
                }
            }
        }
        Ok(Described { connections: found.into_values().collect(), malformed })
    }

    /// Where these endpoints stand now; those that are gone are missing, those that are described in a way we do not
    /// understand are unknown.
    pub(crate) async fn states(
        &self,
        endpoints: &[(ServiceId, VpcEndpointId)],
        by: Deadline,
    ) -> Result<HashMap<VpcEndpointId, ConnectionState>, CallError> {
        let mut states = HashMap::new();
        for endpoints in endpoints.chunks(FILTER_VALUES) {
            let mut services: Vec<_> = endpoints.iter().map(|(service, _)| service).collect();
            services.sort_unstable();
            services.dedup();
            let ids: Vec<_> = endpoints.iter().map(|(_, id)| id).collect();
            let filters = vec![filter("service-id", &services), filter("vpc-endpoint-id", &ids)];
            states.extend(self.pages(filters, by).await?.iter().filter_map(state));
        }
        Ok(states)
    }

    /// Accepts or rejects endpoints of one service, by batches. Gives those that EC2 refused: an answer of 200 is not
    /// success. A failed batch does not stop the others.
    pub(crate) async fn change(
        &self,
        goal: Goal,
        service: &ServiceId,
        endpoints: &[VpcEndpointId],
        by: Deadline,
    ) -> HashMap<VpcEndpointId, Refusal> {
        let mut refused = HashMap::new();
        for batch in endpoints.chunks(BATCH) {
            match self.change_batch(goal, service, batch, by).await {
                Ok(items) => refused.extend(items.iter().filter_map(refusal)),
                Err(error) => {
                    tracing::error!(%error, %service, ?goal, "a batch failed");
                    refused.extend(batch.iter().map(|id| (id.clone(), Refusal::Call(error.code.clone()))));
                }
            }
        }
        refused
    }

    async fn change_batch(
        &self,
        goal: Goal,
        service: &ServiceId,
        batch: &[VpcEndpointId],
        by: Deadline,
    ) -> Result<Vec<UnsuccessfulItem>, CallError> {
        let ids = Some(batch.iter().map(ToString::to_string).collect());
        let items = match goal {
            Goal::Accepted => {
                let call = self.client.accept_vpc_endpoint_connections().service_id(service.as_str());
                by.call(call.set_vpc_endpoint_ids(ids).send()).await?.unsuccessful
            }
            Goal::Rejected => {
                let call = self.client.reject_vpc_endpoint_connections().service_id(service.as_str());
                by.call(call.set_vpc_endpoint_ids(ids).send()).await?.unsuccessful
            }
        };
        Ok(items.unwrap_or_default())
    }

    /// Who may ask for a connection to a service, in AWS's words.
    pub(crate) async fn principals(&self, service: &ServiceId, by: Deadline) -> Result<Vec<String>, CallError> {
        let call = self.client.describe_vpc_endpoint_service_permissions().service_id(service.as_str());
        let items: Vec<_> = by.call(call.into_paginator().items().send().collect::<Result<_, _>>()).await?;
        Ok(items.into_iter().filter_map(|item| item.principal).collect())
    }

    async fn pages(&self, filters: Vec<Filter>, by: Deadline) -> Result<Vec<VpcEndpointConnection>, CallError> {
        let call = self.client.describe_vpc_endpoint_connections().set_filters(Some(filters)).max_results(PAGE);
        by.call(call.into_paginator().items().send().collect::<Result<_, _>>()).await
    }
}

fn filter(name: &str, values: &[impl ToString]) -> Filter {
    Filter::builder().name(name).set_values(Some(values.iter().map(ToString::to_string).collect())).build()
}

fn refusal(item: &UnsuccessfulItem) -> Option<(VpcEndpointId, Refusal)> {
    let error = item.error();
    let code = error.and_then(|error| error.code()).unwrap_or("noCode");
    tracing::warn!(endpointId = item.resource_id(), code, message = error.and_then(|e| e.message()), "EC2 refused");
    Some((item.resource_id()?.parse().ok()?, Refusal::Endpoint(code.to_owned())))
}

fn state(item: &VpcEndpointConnection) -> Option<(VpcEndpointId, ConnectionState)> {
    let id = item.vpc_endpoint_id()?.parse().ok()?;
    Some((id, connection(item).map_or(ConnectionState::Unknown, |connection| connection.state)))
}

fn connection(item: &VpcEndpointConnection) -> Result<Connection, String> {
    fn id<T: std::str::FromStr<Err: std::fmt::Display>>(name: &str, text: Option<&str>) -> Result<T, String> {
        let text = text.ok_or_else(|| format!("{name} is missing"))?;
        text.parse().map_err(|error| format!("{name}: {error}"))
    }
    Ok(Connection {
        endpoint_id: id("vpcEndpointId", item.vpc_endpoint_id())?,
        service_id: id("serviceId", item.service_id())?,
        owner: id("vpcEndpointOwner", item.vpc_endpoint_owner())?,
        // The SDK's own enum does not know the words of the wire: `pendingAcceptance` is its `Unknown`.
        state: item.vpc_endpoint_state().map_or(ConnectionState::Unknown, |s| ConnectionState::from_wire(s.as_str())),
        region: item.vpc_endpoint_region().map(str::to_owned),
        created_at: item.creation_timestamp().and_then(timestamp),
    })
}

fn timestamp(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}
