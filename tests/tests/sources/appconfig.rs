//! AppConfig: deployed → in force; outage; a deployment of something that is no policy.

use std::time::Duration;

use policy_source::{Live, Load};

use crate::line::Line;
use crate::{outage, policy, source, stack, until};

const YAML: &str = "application/x-yaml";

#[tokio::test]
async fn what_is_deployed_is_in_force_and_stays_through_an_outage() {
    let stack = stack().await;
    let line = Line::to(stack.endpoint()).await;
    let to = stack.create_configuration("flow").await.unwrap();
    let uri = "appconfig:flow/flow/flow";
    let error = source(&line, uri).await.load().await.unwrap_err().to_string();
    assert!(error.contains("deploy one to the environment"), "{error}");
    stack.deploy_configuration(&to, "v1", YAML, &policy(1)).await.unwrap();
    let live = Live::start("policy", source(&line, uri).await, Duration::from_secs(1)).await.unwrap();
    assert_eq!((live.revision().as_str(), live.load().value.callers_len()), ("v1", Some(1)));
    stack.deploy_configuration(&to, "v2", YAML, &policy(2)).await.unwrap();
    let took = until("the second version is in force", || live.revision().as_str() == "v2").await;
    println!("appconfig: deployed to in force in {took:?}");
    stack.deploy_configuration(&to, "v3", YAML, "version: 1\ntrustDomain: a.example\ncalers: []\n").await.unwrap();
    until("what is no policy is refused", || {
        live.last_error().is_some_and(|error| error.contains("did you mean `callers`"))
    })
    .await;
    assert_eq!(live.revision().as_str(), "v2");
    stack.deploy_configuration(&to, "v4", YAML, &policy(4)).await.unwrap();
    until("a good one ends it", || live.revision().as_str() == "v4").await;
    outage(&line, uri, &live).await;
}

#[tokio::test]
async fn a_function_that_is_woken_by_a_deployment_sees_it_at_once() {
    let stack = stack().await;
    let line = Line::to(stack.endpoint()).await;
    let to = stack.create_configuration("woken").await.unwrap();
    let mut source = source(&line, "appconfig:woken/woken/woken").await;
    for version in ["v1", "v2", "v3"] {
        stack.deploy_configuration(&to, version, YAML, &policy(1)).await.unwrap();
        let (revision, _) = source.load().await.unwrap().expect("a new one");
        assert_eq!(revision.as_str(), version);
    }
}
