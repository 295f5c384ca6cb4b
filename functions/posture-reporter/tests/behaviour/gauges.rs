//! How things stand, by what the others wrote.

use posture_reporter::Fault;
use serde_json::{Value, json};
use wire_replay::{Answer, Replay};

use crate::stage::{SERVICE, Stage, failed, schedule, table, time};

fn connection(endpoint: &str, state: &str, verdict: &str, age: i64) -> Value {
    json!({"endpointId": endpoint, "serviceId": SERVICE, "state": state, "verdict": verdict, "createdAt": time(-age)})
}

fn near(value: f64, expected: f64) -> bool {
    (value - expected).abs() <= 5.0
}

#[tokio::test]
async fn connections_are_counted_by_state_with_the_oldest_that_waits() {
    let items = [
        connection("vpce-1", "pendingAcceptance", "hold", 600),
        connection("vpce-2", "pendingAcceptance", "hold", 7_200),
        connection("vpce-3", "available", "accept", 90_000),
        connection("vpce-4", "available", "reject", 90_000),
        connection("vpce-5", "pending", "reject", 90_000),
        connection("vpce-6", "rejected", "reject", 90_000),
        connection("vpce-7", "somethingNew", "hold", 60),
        json!({"endpointId": "vpce-9", "serviceId": SERVICE, "state": "available", "verdict": "hold", "reason": "unlisted"}),
        json!({"endpointId": "vpce-8", "serviceId": SERVICE, "state": "deleted", "withdrawn": {"BOOL": true}}),
        connection("vpce-a", "deleted", "accept", 90_000),
    ];
    let replay = Replay::new().on("Scan", table(&items));
    let stage = Stage::new(replay).with("LINKWARD_ENDPOINT_INVENTORY_TABLE", "endpoint-inventory");
    let metrics = stage.measured().await;
    let state = |state: &str| metrics[&format!("ConnectionsByState {SERVICE} {state}")];
    let states = ["pendingAcceptance", "available", "pending", "rejected", "deleted", "unknown", "failed"];
    assert_eq!(
        states.map(state),
        [2.0, 3.0, 1.0, 1.0, 1.0, 1.0, 0.0],
        "what there is none of is zero, so that an alarm ends"
    );
    assert!(near(metrics[&format!("OldestPendingAge {SERVICE}")], 7_200.0), "{metrics:?}");
    assert_eq!(metrics[&format!("AcceptedButUnlisted {SERVICE}")], 3.0);
    assert_eq!(stage.replay.calls_of("PutMetricData").len(), 1, "once for a run");
}

/// CloudWatch refuses a request for one dimension that it does not take, and with it all that the run measured.
#[tokio::test]
async fn a_row_of_no_service_costs_nobody_their_metrics() {
    let strange = |key: &str, service: &str| json!({"endpointId": key, "serviceId": service, "state": "available"});
    let items = [
        connection("vpce-1", "available", "accept", 60),
        strange("vpce-2", ""),
        strange("vpce-3", "é"),
        strange("service#\n", "vpce-svc-1"),
    ];
    let replay = Replay::new().on("Scan", table(&items));
    let metrics = Stage::new(replay).with("LINKWARD_ENDPOINT_INVENTORY_TABLE", "endpoint-inventory").measured().await;
    let services: Vec<_> = metrics.keys().filter(|name| name.starts_with("AcceptedButUnlisted")).collect();
    assert_eq!(services, [&format!("AcceptedButUnlisted {SERVICE}")]);
}

#[tokio::test]
async fn drift_and_the_age_of_the_policy_are_what_the_approver_wrote() {
    let list = |texts: &[&str]| json!({"L": texts.iter().map(|text| json!({"S": text})).collect::<Vec<_>>()});
    let items = [
        json!({"endpointId": format!("service#{SERVICE}"), "withdrawn": {"BOOL": true},
               "principalsWithoutConsumer": list(&["*"]), "consumersWithoutPrincipal": list(&["1", "2"])}),
        json!({"endpointId": "policy#", "withdrawn": {"BOOL": true}, "policyRevision": "7", "at": time(-3_600)}),
        json!({"endpointId": "account#123456789012", "withdrawn": {"BOOL": true}, "at": time(-60)}),
    ];
    let replay = Replay::new().on("Scan", table(&items));
    let metrics = Stage::new(replay).with("LINKWARD_ENDPOINT_INVENTORY_TABLE", "endpoint-inventory").measured().await;
    let gauge = |name: &str| metrics[&format!("{name} {SERVICE}")];
    assert_eq!((gauge("PrincipalsWithoutConsumer"), gauge("ConsumersWithoutPrincipal")), (1.0, 2.0));
    assert_eq!((gauge("AcceptedButUnlisted"), gauge("OldestPendingAge")), (0.0, 0.0));
    assert!(near(metrics["PolicyRevisionAge"], 3_600.0), "{metrics:?}");
}

#[tokio::test]
async fn each_certificate_is_counted_once_by_the_time_it_has_left() {
    const DAY: i64 = 86_400;
    let certificate = |serial: &str, identity: &str, left: i64| json!({"serialNumber": serial, "identity": format!("spiffe://internal.example/{identity}"), "notAfter": time(left)});
    let items = [
        certificate("a", "gone", -40 * DAY),
        certificate("b", "orders", -60),
        certificate("c", "orders", 3 * DAY),
        certificate("d", "billing", 12 * 3_600),
        certificate("e", "billing", 20 * DAY),
        certificate("f", "slow", 300 * DAY),
        json!({"serialNumber": "0", "notAfter": "soon"}),
        // In no secret: it counts, for it may not be revoked yet, but must not hide that `orders` has only days left.
        json!({"serialNumber": "aa", "identity": "spiffe://internal.example/orders", "notAfter": time(14 * DAY),
               "orphan": {"BOOL": true}}),
    ];
    let replay = Replay::new().on("Scan", table(&items));
    let stage = Stage::new(replay).with("LINKWARD_CERTIFICATE_INVENTORY_TABLE", "certificate-inventory");
    let metrics = stage.measured().await;
    let words = ["expired", "withinOneDay", "withinSevenDays", "withinThirtyDays", "later"];
    let counts = words.map(|word| metrics[&format!("CertificatesByDaysToExpiry {word}")]);
    assert_eq!(counts, [2.0, 1.0, 1.0, 2.0, 1.0]);
    let least = metrics["IdentitySecondsToExpiry"];
    assert!(
        (least - 259_200.0).abs() <= 5.0,
        "the newest of `orders`; an old one beside a new one is no concern: {least}"
    );
}

#[tokio::test]
async fn of_the_deny_list_only_what_is_in_force_counts() {
    let expires = |seconds: i64| json!({"N": (policy::Timestamp::now().as_second() + seconds).to_string()});
    let items = [
        json!({"pk": "serial#0a"}),
        json!({"pk": "identity#spiffe://internal.example/x", "expires": time(60)}),
        json!({"pk": "account#123456789012", "expires": time(-60)}),
        json!({"pk": "serial#0b", "expiresEpoch": expires(-60)}),
        json!({"pk": "serial#0c", "withdrawn": {"BOOL": true}}),
    ];
    let replay = Replay::new().on("Scan", table(&items));
    let metrics = Stage::new(replay).with("LINKWARD_DENY_LIST_TABLE", "deny-list").measured().await;
    assert_eq!(metrics["DenyListSize"], 2.0);
}

#[tokio::test]
async fn every_page_of_a_table_is_read() {
    let more = json!({"Items": [{"pk": {"S": "serial#0a"}}], "LastEvaluatedKey": {"pk": {"S": "serial#0a"}}});
    let replay = Replay::new().on("Scan", Answer::json(&more)).on("Scan", table(&[json!({"pk": "serial#0b"})]));
    let metrics = Stage::new(replay).with("LINKWARD_DENY_LIST_TABLE", "deny-list").measured().await;
    assert_eq!(metrics["DenyListSize"], 2.0);
}

#[tokio::test]
async fn a_table_that_cannot_be_read_is_an_error_and_the_others_are_measured() {
    let replay = Replay::new().on("Scan", Answer::json_error(400, "AccessDeniedException")).on("Scan", table(&[]));
    let stage = Stage::new(replay)
        .with("LINKWARD_ENDPOINT_INVENTORY_TABLE", "endpoint-inventory")
        .with("LINKWARD_DENY_LIST_TABLE", "deny-list");
    let (fault, answer) = failed(stage.handle(schedule()).await);
    assert_eq!(fault, Fault::TableUnavailable);
    assert_eq!(answer, json!({"measured": ["denyList"], "unavailable": ["endpoints"], "changes": []}));
    let metrics = stage.replay.metrics();
    assert_eq!((metrics["RunErrors tableUnavailable"], metrics["DenyListSize"]), (1.0, 0.0));
}

#[tokio::test]
async fn what_is_not_configured_is_not_measured() {
    let stage = Stage::new(Replay::new());
    let metrics = stage.measured().await;
    assert_eq!(metrics.keys().collect::<Vec<_>>(), ["RunDuration", "Runs"]);
}
