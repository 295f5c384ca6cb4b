//! Endpoint connections across accounts.

use std::collections::BTreeSet;

use local_stack::LocalStack;
use local_stack::ec2::{Connection, Ec2, EndpointService, Unsuccessful};

use super::{CONSUMER, eventually, own_account, stack};

/// A service in an account of its own, and a consumer.
struct Pair {
    provider: Ec2,
    consumer: Ec2,
    service: EndpointService,
}

async fn pair(stack: &LocalStack) -> Pair {
    let provider = stack.ec2(&own_account(stack));
    let service = provider.create_endpoint_service().await.unwrap();
    Pair { provider, consumer: stack.ec2(&stack.account(CONSUMER)), service }
}

impl Pair {
    async fn endpoint(&self) -> String {
        self.consumer.create_vpc_endpoint(&self.service.name).await.unwrap()
    }

    /// As both sides see it.
    async fn states(&self, endpoint: &str) -> (String, String) {
        let connection = self.provider.connection(endpoint).await.unwrap().unwrap();
        (connection.state, self.consumer.vpc_endpoint_state(endpoint).await.unwrap().unwrap())
    }

    async fn until(&self, endpoint: &str, state: &str) {
        let both = (state.to_owned(), state.to_owned());
        eventually(state, async || (self.states(endpoint).await == both).then_some(())).await;
    }

    async fn accept(&self, endpoint: &str) -> Vec<Unsuccessful> {
        self.provider.accept(&self.service.id, &[endpoint]).await.unwrap()
    }

    async fn reject(&self, endpoint: &str) -> Vec<Unsuccessful> {
        self.provider.reject(&self.service.id, &[endpoint]).await.unwrap()
    }
}

fn both(state: &str) -> (String, String) {
    (state.to_owned(), state.to_owned())
}

#[tokio::test]
async fn a_consumers_endpoint_shows_in_the_providers_account_and_only_there() {
    let pair = pair(stack().await).await;
    let endpoint = pair.endpoint().await;
    let expected = Connection {
        endpoint_id: endpoint.clone(),
        service_id: pair.service.id.clone(),
        owner: CONSUMER.to_owned(),
        state: "pendingAcceptance".to_owned(),
    };
    assert_eq!(pair.provider.connections(&[]).await.unwrap(), [expected]);
    assert_eq!(pair.consumer.connection(&endpoint).await.unwrap(), None, "the consumer provides nothing");
    assert_eq!(pair.provider.vpc_endpoint_state(&endpoint).await.unwrap(), None, "the endpoint is not the provider's");
}

#[tokio::test]
async fn an_accepted_connection_is_pending_before_it_is_available_for_both() {
    let pair = pair(stack().await).await;
    let endpoint = pair.endpoint().await;
    assert_eq!(pair.states(&endpoint).await, both("pendingAcceptance"));
    assert_eq!(pair.accept(&endpoint).await, []);
    assert_eq!(pair.states(&endpoint).await, both("pending"));
    pair.until(&endpoint, "available").await;
}

#[tokio::test]
async fn pending_and_available_connections_can_be_rejected_and_rejected_ones_accepted() {
    let pair = pair(stack().await).await;
    let endpoint = pair.endpoint().await;
    pair.accept(&endpoint).await;
    assert_eq!(pair.reject(&endpoint).await, []);
    assert_eq!(pair.states(&endpoint).await, both("rejected"));
    assert_eq!(pair.accept(&endpoint).await, []);
    pair.until(&endpoint, "available").await;
    assert_eq!(pair.reject(&endpoint).await, []);
    assert_eq!(pair.states(&endpoint).await, both("rejected"));
}

#[tokio::test]
async fn what_cannot_change_is_unsuccessful_and_stays() {
    let pair = pair(stack().await).await;
    let endpoint = pair.endpoint().await;
    let refused = |code: &str| vec![Unsuccessful { resource_id: endpoint.clone(), code: code.to_owned() }];
    pair.accept(&endpoint).await;
    assert_eq!(pair.accept(&endpoint).await, refused("InvalidState"));
    pair.until(&endpoint, "available").await;
    assert_eq!(pair.accept(&endpoint).await, refused("InvalidState"));
    pair.reject(&endpoint).await;
    assert_eq!(pair.reject(&endpoint).await, refused("InvalidState"));
    assert_eq!(pair.states(&endpoint).await, both("rejected"));
}

#[tokio::test]
async fn of_several_endpoints_each_has_its_own_outcome() {
    let pair = pair(stack().await).await;
    let endpoint = pair.endpoint().await;
    let outcome = pair.provider.accept(&pair.service.id, &["vpce-0badbadbad", &endpoint]).await.unwrap();
    let unknown = "InvalidVpcEndpointId.NotFound".to_owned();
    assert_eq!(outcome, [Unsuccessful { resource_id: "vpce-0badbadbad".to_owned(), code: unknown }]);
    pair.until(&endpoint, "available").await;
}

#[tokio::test]
async fn a_deleted_endpoint_stays_listed_as_deleted_and_cannot_be_accepted() {
    let pair = pair(stack().await).await;
    let endpoint = pair.endpoint().await;
    assert_eq!(pair.consumer.delete_vpc_endpoint(&endpoint).await.unwrap(), []);
    assert_eq!(pair.states(&endpoint).await, both("deleted"));
    assert_eq!(pair.accept(&endpoint).await.len(), 1);
    let gone = pair.consumer.delete_vpc_endpoint("vpce-0badbadbad").await.unwrap();
    assert_eq!(gone[0].code, "InvalidVpcEndpoint.NotFound");
}

#[tokio::test]
async fn an_empty_list_and_a_foreign_service_are_errors_of_the_whole_call() {
    let (mine, other) = (pair(stack().await).await, pair(stack().await).await);
    let empty = mine.provider.accept(&mine.service.id, &[]).await.unwrap_err();
    assert_eq!(empty.code(), Some("MissingParameter"));
    let endpoint = other.endpoint().await;
    let foreign = mine.provider.reject(&other.service.id, &[&endpoint]).await.unwrap_err();
    assert_eq!(foreign.code(), Some("InvalidVpcEndpointServiceId.NotFound"));
    assert_eq!(other.states(&endpoint).await, both("pendingAcceptance"));
}

#[tokio::test]
async fn filters_narrow_in_the_case_they_are_written() {
    let pair = pair(stack().await).await;
    let (first, second) = (pair.endpoint().await, pair.endpoint().await);
    pair.reject(&second).await;
    let found = async |filters: &[(&str, &str)]| -> Vec<String> {
        pair.provider.connections(filters).await.unwrap().into_iter().map(|c| c.endpoint_id).collect()
    };
    let all = [first.clone(), second.clone()];
    assert_eq!(found(&[("service-id", &pair.service.id)]).await, all);
    assert_eq!(found(&[("vpc-endpoint-owner", CONSUMER)]).await, all);
    assert_eq!(found(&[("vpc-endpoint-region", "eu-west-1")]).await, all);
    assert_eq!(found(&[("ip-address-type", "ipv4")]).await, all);
    assert_eq!(found(&[("vpc-endpoint-state", "pendingAcceptance")]).await, [first]);
    assert_eq!(found(&[("vpc-endpoint-id", &second), ("vpc-endpoint-state", "rejected")]).await, all[1..]);
    assert!(found(&[("vpc-endpoint-state", "Rejected")]).await.is_empty());
    assert!(found(&[("vpc-endpoint-region", "us-east-1")]).await.is_empty());
    let unknown = pair.provider.connections(&[("owner", CONSUMER)]).await.unwrap_err();
    assert_eq!(unknown.code(), Some("InvalidParameterValue"));
}

#[tokio::test]
async fn pages_hold_every_connection_once() {
    let pair = pair(stack().await).await;
    let mut created = BTreeSet::new();
    for _ in 0..5 {
        created.insert(pair.endpoint().await);
    }
    let mut seen = Vec::new();
    let (mut token, mut sizes) = (None, Vec::new());
    loop {
        let page = pair.provider.connections_page(&[], Some(2), token.as_deref()).await.unwrap();
        sizes.push(page.connections.len());
        seen.extend(page.connections.into_iter().map(|connection| connection.endpoint_id));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [2, 2, 1]);
    assert_eq!(seen.iter().cloned().collect::<BTreeSet<_>>(), created);
    let wrong = pair.provider.connections_page(&[], Some(2), Some("bm93aGVyZQ==")).await.unwrap_err();
    assert_eq!(wrong.code(), Some("InvalidNextToken"));
}

#[tokio::test]
async fn only_allowed_principals_may_ask_and_those_who_came_stay() {
    let pair = pair(stack().await).await;
    let endpoint = pair.endpoint().await;
    pair.accept(&endpoint).await;
    pair.provider.remove_principals(&pair.service.id, &["*"]).await.unwrap();
    let refused = pair.consumer.create_vpc_endpoint(&pair.service.name).await.unwrap_err();
    assert_eq!(refused.code(), Some("InvalidServiceName"));
    pair.until(&endpoint, "available").await;
    let root = format!("arn:aws:iam::{CONSUMER}:root");
    pair.provider.allow_principals(&pair.service.id, &[&root]).await.unwrap();
    pair.endpoint().await;
}
