//! Faults on request and the log of calls. They hold for the whole stack, so this binary has one of its own and its tests take turns.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::time::{Duration, Instant};

use aws_sdk_acmpca::error::ProvideErrorMetadata as _;
use local_stack::control::{Control, Fault};
use local_stack::ec2::{Ec2, EndpointService};
use local_stack::{LocalStack, LocalStackOptions};
use tokio::sync::{Mutex, MutexGuard};

const DESCRIBE: &str = "DescribeVpcEndpointConnections";
const ACCEPT: &str = "AcceptVpcEndpointConnections";
const CONSUMER: &str = "123456789012";

static STACK: Mutex<Option<LocalStack>> = Mutex::const_new(None);

struct Turn {
    stack: MutexGuard<'static, Option<LocalStack>>,
}

impl Turn {
    /// The stack, to itself, without faults and calls.
    async fn take() -> Self {
        let mut stack = STACK.lock().await;
        if stack.is_none() {
            *stack = Some(LocalStack::start(LocalStackOptions::default()).await.unwrap());
        }
        let turn = Self { stack };
        turn.control().clear_faults().await.unwrap();
        turn.control().forget_calls().await.unwrap();
        turn
    }

    fn stack(&self) -> &LocalStack {
        self.stack.as_ref().unwrap()
    }

    fn control(&self) -> Control {
        self.stack().control()
    }

    fn provider(&self) -> Ec2 {
        self.stack().ec2(&self.stack().provider())
    }

    /// A service and an endpoint that waits for acceptance.
    async fn endpoint(&self) -> (EndpointService, String) {
        let service = self.provider().create_endpoint_service().await.unwrap();
        let consumer = self.stack().ec2(&self.stack().account(CONSUMER));
        let endpoint = consumer.create_vpc_endpoint(&service.name).await.unwrap();
        (service, endpoint)
    }
}

#[tokio::test]
async fn a_throttle_lasts_as_many_calls_as_asked_for_and_each_is_logged() {
    let turn = Turn::take().await;
    turn.control().fault(DESCRIBE, Fault::Throttle, 2).await.unwrap();
    for _ in 0..2 {
        let throttled = turn.provider().connections(&[]).await.unwrap_err();
        assert_eq!(throttled.code(), Some("RequestLimitExceeded"));
    }
    turn.provider().connections(&[]).await.unwrap();
    let calls = turn.control().calls().await.unwrap();
    let statuses: Vec<_> =
        calls.iter().map(|call| (call.action.as_str(), call.account.as_str(), call.status)).collect();
    let provider = turn.stack().provider();
    let provider = provider.id();
    assert_eq!(statuses, [(DESCRIBE, provider, 503), (DESCRIBE, provider, 503), (DESCRIBE, provider, 200)]);
    assert_eq!((calls[0].service.as_str(), calls[0].principal.as_str()), ("ec2", provider));
}

#[tokio::test]
async fn a_server_error_and_an_error_of_choice_meet_one_action_and_no_other() {
    let turn = Turn::take().await;
    turn.control().fault(DESCRIBE, Fault::ServerError, 1).await.unwrap();
    turn.control().fault(DESCRIBE, Fault::Error("UnauthorizedOperation".to_owned()), 1).await.unwrap();
    turn.provider().vpc_endpoint_state("vpce-0").await.unwrap();
    assert_eq!(turn.provider().connections(&[]).await.unwrap_err().code(), Some("InternalError"));
    assert_eq!(turn.provider().connections(&[]).await.unwrap_err().code(), Some("UnauthorizedOperation"));
    turn.provider().connections(&[]).await.unwrap();
}

#[tokio::test]
async fn faults_can_be_taken_back() {
    let turn = Turn::take().await;
    turn.control().fault(DESCRIBE, Fault::Throttle, 100).await.unwrap();
    turn.control().clear_faults().await.unwrap();
    turn.provider().connections(&[]).await.unwrap();
}

#[tokio::test]
async fn latency_delays_a_good_answer() {
    let turn = Turn::take().await;
    let later = Duration::from_millis(500);
    turn.control().fault(DESCRIBE, Fault::Latency(later), 1).await.unwrap();
    let began = Instant::now();
    turn.provider().connections(&[]).await.unwrap();
    assert!(began.elapsed() >= later);
}

#[tokio::test]
async fn forced_unsuccessful_items_come_with_200_and_change_nothing() {
    let turn = Turn::take().await;
    let (service, endpoint) = turn.endpoint().await;
    let code = "InvalidVpcEndpoint.NotFound";
    turn.control().fault(ACCEPT, Fault::Unsuccessful(code.to_owned()), 1).await.unwrap();
    let outcome = turn.provider().accept(&service.id, &[&endpoint]).await.unwrap();
    assert_eq!((outcome[0].resource_id.as_str(), outcome[0].code.as_str()), (endpoint.as_str(), code));
    assert_eq!(turn.provider().connection(&endpoint).await.unwrap().unwrap().state, "pendingAcceptance");
    assert_eq!(turn.provider().accept(&service.id, &[&endpoint]).await.unwrap(), []);
}

#[tokio::test]
async fn pages_get_as_small_as_asked_for() {
    let turn = Turn::take().await;
    turn.endpoint().await;
    turn.endpoint().await;
    turn.control().page_size(1).await.unwrap();
    let page = turn.provider().connections_page(&[], None, None).await.unwrap();
    assert_eq!(page.connections.len(), 1);
    assert!(page.next_token.is_some());
    let all = turn.provider().connections(&[]).await.unwrap().len();
    turn.control().page_size(1000).await.unwrap();
    let page = turn.provider().connections_page(&[], None, None).await.unwrap();
    assert_eq!((page.connections.len(), page.next_token), (all, None));
}

#[tokio::test]
async fn the_private_ca_is_throttled_in_its_own_words() {
    let turn = Turn::take().await;
    let config = turn.stack().sdk_config(&turn.stack().provider()).await;
    let retry = aws_sdk_acmpca::config::retry::RetryConfig::disabled();
    let config = aws_sdk_acmpca::config::Builder::from(&config).retry_config(retry).build();
    let client = aws_sdk_acmpca::Client::from_conf(config);
    turn.control().fault("ListCertificateAuthorities", Fault::Throttle, 1).await.unwrap();
    let throttled = client.list_certificate_authorities().send().await.unwrap_err();
    assert_eq!(throttled.code(), Some("ThrottlingException"));
    client.list_certificate_authorities().send().await.unwrap();
}

#[tokio::test]
async fn what_the_control_route_does_not_know_is_an_error() {
    let turn = Turn::take().await;
    let url = format!("{}/_local/settings", turn.stack().ec2_endpoint());
    let answer = tokio::process::Command::new("python3")
        .args(["-c", "import sys, urllib.request as u; u.urlopen(u.Request(sys.argv[1], b'{\"nonesuch\": 1}'))", &url])
        .output()
        .await
        .unwrap();
    assert!(String::from_utf8_lossy(&answer.stderr).contains("HTTP Error 400"));
}
