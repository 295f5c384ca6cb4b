//! A small EC2 and ELB client: what the demo and the tests do on both sides of an endpoint connection.
//! Not the SDK: `aws-sdk-ec2` is the endpoint-approver's alone.

mod query;

use roxmltree::Node;

use self::query::{Client, EC2, ELB, Parameters, child, descendant, items, list, one, text};
use crate::account::Account;

pub use self::query::Ec2Error;

/// An endpoint service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointService {
    /// `vpce-svc-…`
    pub id: String,
    /// `com.amazonaws.vpce.REGION.vpce-svc-…`
    pub name: String,
}

/// An endpoint connection as the provider sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// `vpce-…`
    pub endpoint_id: String,
    /// `vpce-svc-…`
    pub service_id: String,
    /// The consumer's account.
    pub owner: String,
    /// As on the wire: `pendingAcceptance` …
    pub state: String,
}

/// One page of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionPage {
    pub connections: Vec<Connection>,
    /// For the next page; `None`: this is the last.
    pub next_token: Option<String>,
}

/// An item of `Unsuccessful`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsuccessful {
    pub resource_id: String,
    pub code: String,
}

/// EC2 and ELB as one account.
#[derive(Debug, Clone)]
pub struct Ec2 {
    client: Client,
}

impl Ec2 {
    pub(crate) fn new(endpoint: &str, region: &str, account: &Account) -> Self {
        let (endpoint, region, account) = (endpoint.to_owned(), region.to_owned(), account.clone());
        Self { client: Client { endpoint, region, account } }
    }

    /// A VPC, a subnet, an internal NLB and an endpoint service that requires acceptance and lets every account ask.
    pub async fn create_endpoint_service(&self) -> Result<EndpointService, Ec2Error> {
        let (vpc, subnet) = self.create_network().await?;
        let name = format!("nlb-{}", vpc.trim_start_matches("vpc-"));
        let mut nlb = vec![one("Name", &name), one("Type", "network"), one("Scheme", "internal")];
        nlb.extend(list("Subnets.member", &[&subnet]));
        let arn = self
            .client
            .call(ELB, "CreateLoadBalancer", nlb, "LoadBalancerArn", |root| text(root, "LoadBalancerArn"))
            .await?;
        let mut service = vec![one("AcceptanceRequired", "true")];
        service.extend(list("NetworkLoadBalancerArn", &[&arn]));
        let action = "CreateVpcEndpointServiceConfiguration";
        let service = self.client.call(EC2, action, service, "serviceId", endpoint_service).await?;
        self.allow_principals(&service.id, &["*"]).await?;
        Ok(service)
    }

    /// Lets principals (`*`, `arn:aws:iam::ACCOUNT:root`) ask for endpoints to a service of this account.
    pub async fn allow_principals(&self, service_id: &str, principals: &[&str]) -> Result<(), Ec2Error> {
        self.permissions(service_id, "AddAllowedPrincipals", principals).await
    }

    /// Takes principals back. Accepted connections stay.
    pub async fn remove_principals(&self, service_id: &str, principals: &[&str]) -> Result<(), Ec2Error> {
        self.permissions(service_id, "RemoveAllowedPrincipals", principals).await
    }

    /// An interface endpoint to a service, in a VPC of its own; returns its id.
    pub async fn create_vpc_endpoint(&self, service_name: &str) -> Result<String, Ec2Error> {
        let (vpc, subnet) = self.create_network().await?;
        let mut endpoint = vec![one("VpcEndpointType", "Interface"), one("VpcId", &vpc)];
        endpoint.extend([one("ServiceName", service_name), one("SubnetId.1", &subnet)]);
        let read = |root: Node<'_, '_>| text(root, "vpcEndpointId");
        self.client.call(EC2, "CreateVpcEndpoint", endpoint, "vpcEndpointId", read).await
    }

    /// Deletes an endpoint of this account.
    pub async fn delete_vpc_endpoint(&self, endpoint_id: &str) -> Result<Vec<Unsuccessful>, Ec2Error> {
        self.change("DeleteVpcEndpoints", list("VpcEndpointId", &[endpoint_id])).await
    }

    /// The state of an endpoint of this account, as its owner sees it; `None`: there is no such endpoint.
    pub async fn vpc_endpoint_state(&self, endpoint_id: &str) -> Result<Option<String>, Ec2Error> {
        let read =
            |root: Node<'_, '_>| Some(items(root, "vpcEndpointSet", |item| child(item, "state")).into_iter().next());
        let wanted = list("VpcEndpointId", &[endpoint_id]);
        match self.client.call(EC2, "DescribeVpcEndpoints", wanted, "vpcEndpointSet", read).await {
            Err(error) if error.code() == Some("InvalidVpcEndpointId.NotFound") => Ok(None),
            other => other,
        }
    }

    /// All connections to this account's services that match the filters (`("service-id", "vpce-svc-…")` …), all pages.
    pub async fn connections(&self, filters: &[(&str, &str)]) -> Result<Vec<Connection>, Ec2Error> {
        let mut page = self.connections_page(filters, None, None).await?;
        let mut all = std::mem::take(&mut page.connections);
        while let Some(token) = page.next_token {
            page = self.connections_page(filters, None, Some(&token)).await?;
            all.append(&mut page.connections);
        }
        Ok(all)
    }

    /// One page of connections.
    pub async fn connections_page(
        &self,
        filters: &[(&str, &str)],
        max: Option<u32>,
        token: Option<&str>,
    ) -> Result<ConnectionPage, Ec2Error> {
        let mut wanted = Parameters::new();
        for ((name, value), index) in filters.iter().zip(1..) {
            wanted.extend([one(&format!("Filter.{index}.Name"), name), one(&format!("Filter.{index}.Value.1"), value)]);
        }
        wanted.extend(max.map(|max| one("MaxResults", &max.to_string())));
        wanted.extend(token.map(|token| one("NextToken", token)));
        let read = |root: Node<'_, '_>| {
            let connections = items(root, "vpcEndpointConnectionSet", connection);
            Some(ConnectionPage { connections, next_token: text(root, "nextToken") })
        };
        self.client.call(EC2, "DescribeVpcEndpointConnections", wanted, "vpcEndpointConnectionSet", read).await
    }

    /// The connection of one endpoint to a service of this account.
    pub async fn connection(&self, endpoint_id: &str) -> Result<Option<Connection>, Ec2Error> {
        Ok(self.connections(&[("vpc-endpoint-id", endpoint_id)]).await?.into_iter().next())
    }

    /// `AcceptVpcEndpointConnections`.
    pub async fn accept(&self, service_id: &str, endpoint_ids: &[&str]) -> Result<Vec<Unsuccessful>, Ec2Error> {
        self.change("AcceptVpcEndpointConnections", of_service(service_id, endpoint_ids)).await
    }

    /// `RejectVpcEndpointConnections`.
    pub async fn reject(&self, service_id: &str, endpoint_ids: &[&str]) -> Result<Vec<Unsuccessful>, Ec2Error> {
        self.change("RejectVpcEndpointConnections", of_service(service_id, endpoint_ids)).await
    }

    /// Tells an SNS topic of a service's connections (`Connect`, `Accept`, `Reject`, `Delete`); returns the notification's id.
    pub async fn create_connection_notification(
        &self,
        service_id: &str,
        topic_arn: &str,
        events: &[&str],
    ) -> Result<String, Ec2Error> {
        let mut wanted = vec![one("ServiceId", service_id), one("ConnectionNotificationArn", topic_arn)];
        wanted.extend(list("ConnectionEvents", events));
        let read = |root: Node<'_, '_>| text(root, "connectionNotificationId");
        let action = "CreateVpcEndpointConnectionNotification";
        self.client.call(EC2, action, wanted, "connectionNotificationId", read).await
    }

    /// A VPC and a subnet in it.
    async fn create_network(&self) -> Result<(String, String), Ec2Error> {
        let vpc = vec![one("CidrBlock", "10.0.0.0/16")];
        let vpc = self.client.call(EC2, "CreateVpc", vpc, "vpcId", |root| text(root, "vpcId")).await?;
        let subnet = vec![one("VpcId", &vpc), one("CidrBlock", "10.0.0.0/24")];
        let subnet = self.client.call(EC2, "CreateSubnet", subnet, "subnetId", |root| text(root, "subnetId")).await?;
        Ok((vpc, subnet))
    }

    async fn permissions(&self, service_id: &str, change: &str, principals: &[&str]) -> Result<(), Ec2Error> {
        let mut wanted = vec![one("ServiceId", service_id)];
        wanted.extend(list(change, principals));
        self.client.call(EC2, "ModifyVpcEndpointServicePermissions", wanted, "return", |_| Some(())).await
    }

    async fn change(&self, action: &str, wanted: Parameters) -> Result<Vec<Unsuccessful>, Ec2Error> {
        let read = |root: Node<'_, '_>| Some(items(root, "unsuccessful", unsuccessful));
        self.client.call(EC2, action, wanted, "unsuccessful", read).await
    }
}

fn of_service(service_id: &str, endpoint_ids: &[&str]) -> Parameters {
    let mut wanted = vec![one("ServiceId", service_id)];
    wanted.extend(list("VpcEndpointId", endpoint_ids));
    wanted
}

fn endpoint_service(root: Node<'_, '_>) -> Option<EndpointService> {
    Some(EndpointService { id: text(root, "serviceId")?, name: text(root, "serviceName")? })
}

fn connection(item: Node<'_, '_>) -> Option<Connection> {
    Some(Connection {
        endpoint_id: child(item, "vpcEndpointId")?,
        service_id: child(item, "serviceId")?,
        owner: child(item, "vpcEndpointOwner")?,
        state: child(item, "vpcEndpointState")?,
    })
}

fn unsuccessful(item: Node<'_, '_>) -> Option<Unsuccessful> {
    let code = descendant(item, "error").and_then(|error| child(error, "code"))?;
    Some(Unsuccessful { resource_id: child(item, "resourceId")?, code })
}
