use super::*;
use std::time::Duration;

fn rendered(metrics: &Metrics) -> String {
    render(
        metrics,
        &State { crl_next_update: Some(1.0), deny_list: Some(DenyListState::default()), ..State::default() },
    )
}

fn request(outcome: Outcome, reason: Option<Reason>, status: u16, caller: CallerSlot) -> Request {
    Request { outcome, reason, status, latency: Duration::from_micros(80), upstream: None, caller }
}

#[test]
fn every_metric_of_the_table_is_shown_in_its_order() {
    let metrics = Metrics::new();
    let caller = metrics.caller(&"spiffe://a/b".parse().unwrap());
    let upstream = Some(Duration::from_micros(50));
    metrics.request(Request { upstream, ..request(Outcome::Allow, Some(Reason::Permitted), 200, caller) });
    let snapshots = vec![SnapshotState {
        kind: "policy",
        revision: "1".into(),
        loaded_at: Timestamp::UNIX_EPOCH,
        age: Duration::ZERO,
        error: None,
    }];
    let (crl_next_update, spans_dropped) = (Some(1.0), Some(0));
    let deny_list = Some(DenyListState::default());
    let state = State { snapshots, crl_next_update, deny_list, spans_dropped, ..State::default() };
    let mut shown: Vec<&str> = Vec::new();
    metrics.collect(&state, &mut |definition, attributes, _| {
        assert_eq!(attributes.len(), definition.attributes.len(), "{}", definition.name);
        shown.push(definition.name);
    });
    shown.dedup();
    assert_eq!(shown, table::TABLE.iter().map(|definition| definition.name).collect::<Vec<_>>());
}

#[test]
fn a_request_is_counted_under_its_own_decision_reason_and_status() {
    let metrics = Metrics::new();
    metrics.request(request(Outcome::Deny, Some(Reason::DenyListStale), 403, CallerSlot::NONE));
    metrics.request(request(Outcome::AuditDeny, Some(Reason::Forbidden), 200, CallerSlot::NONE));
    metrics.request(request(Outcome::Deny, None, 400, CallerSlot::NONE));
    let text = rendered(&metrics);
    for line in [
        "linkward_requests_total{decision=\"deny\",reason=\"denyListStale\",status=\"4xx\"} 1\n",
        "linkward_requests_total{decision=\"auditDeny\",reason=\"forbidden\",status=\"2xx\"} 1\n",
        "linkward_requests_total{decision=\"deny\",reason=\"none\",status=\"4xx\"} 1\n",
        "linkward_request_duration_seconds_count 3\n",
        "linkward_upstream_duration_seconds_count 0\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert_eq!(text.matches("linkward_requests_total{").count(), 3);
}
