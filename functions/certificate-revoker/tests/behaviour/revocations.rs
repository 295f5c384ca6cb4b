//! Cutting callers off.

use certificate_revoker::Fault;
use policy::Timestamp;
use serde_json::{Value, json};
use wire_replay::{Answer, Replay};

use crate::stage::{AUTHORITY, IDENTITY, OLD_AUTHORITY, Stage, revocation};

fn done() -> Answer {
    Answer::json(&json!({}))
}

fn serial() -> Value {
    revocation(json!({"serialNumber": "0A:1B:2C"}))
}

fn identity() -> Value {
    revocation(json!({"identity": IDENTITY}))
}

/// Certificates of the inventory: serial number, and the ARN of its authority if the row says it.
fn certificates(rows: &[(&str, Option<&str>)]) -> Answer {
    let item = |(serial, authority): &(&str, Option<&str>)| {
        let mut item = json!({"serialNumber": {"S": serial}, "identity": {"S": IDENTITY}});
        if let Some(authority) = authority {
            item["certificateArn"] = json!({"S": format!("{authority}/certificate/{serial}")});
        }
        item
    };
    Answer::json(&json!({"Items": rows.iter().map(item).collect::<Vec<_>>()}))
}

#[tokio::test]
async fn a_serial_number_is_denied_first_and_then_revoked() {
    let stage = Stage::new(Replay::new().on("RevokeCertificate", done()));
    let expected = json!({"denied": ["serial#a1b2c"], "revoked": ["a1b2c"], "alreadyRevoked": [], "remaining": []});
    assert_eq!(stage.answer(serial()).await, expected);
    assert_eq!(stage.calls(), ["GetItem", "PutItem", "RevokeCertificate"]);

    let put = stage.replay.calls_of("PutItem")[0].json();
    let item = put["Item"].as_object().unwrap();
    let text = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
    assert_eq!((text("pk"), text("serialNumber")), ("serial#a1b2c".into(), "a1b2c".into()));
    assert_eq!((text("certificateAuthority"), text("reason")), (AUTHORITY.into(), "KEY_COMPROMISE".into()));
    assert_eq!((text("requestedBy"), text("at")), ("alice".into(), "2026-11-23T10:00:00.000000Z".into()));
    assert_eq!((text("all"), text("changedAt").len()), ("all".into(), text("at").len()));
    assert!(text("changedAt").parse::<Timestamp>().is_ok());
    assert_eq!(item.len(), 8, "no `expires`, no `issuedBefore`: it counts until it is withdrawn: {item:?}");

    let revoke = stage.replay.calls_of("RevokeCertificate")[0].json();
    let expected = json!({"CertificateAuthorityArn": AUTHORITY, "CertificateSerial": "0a1b2c", "RevocationReason": "KEY_COMPROMISE"});
    assert_eq!(revoke, expected);

    let events = stage.events();
    let outcomes: Vec<_> = events.iter().map(|e| (e["outcome"].clone(), e["serialNumber"].clone())).collect();
    assert_eq!(outcomes, [("denied".into(), "a1b2c".into()), ("revoked".into(), "a1b2c".into())]);
    assert_eq!((&events[0]["runId"], &events[0]["requestId"]), (&json!("run-1"), &json!("event-1")));
    let metrics = stage.replay.metrics();
    assert_eq!((metrics["Denials KEY_COMPROMISE"], metrics["CertificatesRevoked KEY_COMPROMISE"]), (1.0, 1.0));
}

#[tokio::test]
async fn an_identity_loses_every_certificate_at_the_authority_that_issued_it() {
    let rows = [("0a1b", None), ("2c3d", Some(OLD_AUTHORITY)), ("4e5f", Some(AUTHORITY))];
    let replay = Replay::new()
        .on("Query", certificates(&rows))
        .on("RevokeCertificate", done())
        .on("RevokeCertificate", Answer::json_error(400, "RequestAlreadyProcessedException"))
        .on("RevokeCertificate", done());
    let stage = Stage::new(replay);
    let answer = stage.answer(identity()).await;
    assert_eq!(answer["denied"], json!([format!("identity#{IDENTITY}")]));
    assert_eq!((&answer["revoked"], &answer["alreadyRevoked"]), (&json!(["a1b", "4e5f"]), &json!(["2c3d"])));
    let authorities: Vec<_> = stage
        .replay
        .calls_of("RevokeCertificate")
        .iter()
        .map(|c| c.json()["CertificateAuthorityArn"].clone())
        .collect();
    assert_eq!(authorities, [AUTHORITY, OLD_AUTHORITY, AUTHORITY]);

    let query = stage.replay.calls_of("Query")[0].json();
    assert_eq!((&query["TableName"], &query["IndexName"]), (&json!("certificate-inventory"), &json!("byIdentity")));
    assert_eq!(query["ExpressionAttributeValues"][":identity"]["S"], IDENTITY);
    assert_eq!(stage.events().len(), 4);
    assert_eq!(stage.events()[2]["outcome"], "alreadyRevoked");
}

#[tokio::test]
async fn every_page_of_the_inventory_is_read() {
    let mut first = json!({"Items": [{"serialNumber": {"S": "1"}}]});
    first["LastEvaluatedKey"] = json!({"serialNumber": {"S": "1"}});
    let replay = Replay::new()
        .on("Query", Answer::json(&first))
        .on("Query", certificates(&[("2", None)]))
        .always("RevokeCertificate", done());
    assert_eq!(Stage::new(replay).answer(identity()).await["revoked"], json!(["1", "2"]));
}

#[tokio::test]
async fn an_account_is_on_the_deny_list_only() {
    let stage = Stage::new(Replay::new());
    let answer = stage.answer(revocation(json!({"account": "123456789012"}))).await;
    assert_eq!((&answer["denied"], &answer["revoked"]), (&json!(["account#123456789012"]), &json!([])));
    assert_eq!(stage.calls(), ["PutItem"]);
    assert_eq!(stage.events()[0]["account"], "123456789012");
}

#[tokio::test]
async fn an_entry_that_is_there_stays_as_it_is_and_the_rest_goes_on() {
    let there = json!({"__type": "ConditionalCheckFailedException", "Item": {"pk": {"S": "serial#a1b2c"}}});
    let replay = Replay::new()
        .on("PutItem", Answer::json_fault(400, &there))
        .on("RevokeCertificate", Answer::json_error(400, "RequestAlreadyProcessedException"));
    let stage = Stage::new(replay);
    let answer = stage.answer(serial()).await;
    assert_eq!((&answer["denied"], &answer["alreadyRevoked"]), (&json!(["serial#a1b2c"]), &json!(["a1b2c"])));
    let condition = stage.replay.calls_of("PutItem")[0].json()["ConditionExpression"].as_str().unwrap().to_owned();
    assert!(condition.starts_with("attribute_not_exists(#pk)"), "{condition}");
}

#[tokio::test]
async fn an_old_request_that_comes_again_after_its_withdrawal_is_ignored() {
    let item = json!({"pk": {"S": "x"}, "withdrawn": {"BOOL": true}});
    let there = json!({"__type": "ConditionalCheckFailedException", "Item": item});
    let stage = Stage::new(Replay::new().on("PutItem", Answer::json_fault(400, &there)));
    let answer = stage.answer(identity()).await;
    assert_eq!((&answer["denied"], &answer["revoked"]), (&json!([]), &json!([])));
    assert_eq!(stage.calls(), ["PutItem"], "its certificates may be newer than the withdrawal");
    let values = stage.replay.calls_of("PutItem")[0].json()["ExpressionAttributeValues"].clone();
    assert_eq!(values[":asked"]["S"], "2026-11-23T10:00:00.000000Z");
}

#[tokio::test]
async fn a_busy_authority_is_asked_again() {
    let replay = Replay::new()
        .on("RevokeCertificate", Answer::json_error(400, "ConcurrentModificationException"))
        .on("RevokeCertificate", Answer::json_error(400, "RequestInProgressException"))
        .on("RevokeCertificate", Answer::json_error(400, "ThrottlingException"))
        .on("RevokeCertificate", done());
    assert_eq!(Stage::new(replay).answer(serial()).await["revoked"], json!(["a1b2c"]));
}

#[tokio::test]
async fn a_serial_number_the_authority_does_not_know_remains_and_stays_denied() {
    let stage = Stage::new(Replay::new().on("RevokeCertificate", Answer::json_error(400, "ResourceNotFoundException")));
    let (fault, answer) = stage.failure(serial()).await;
    assert_eq!(fault, Fault::Remaining);
    assert_eq!((&answer["denied"], &answer["remaining"]), (&json!(["serial#a1b2c"]), &json!(["a1b2c"])));
    assert_eq!(stage.replay.metrics()["RevocationsRemaining"], 1.0);
    assert_eq!(stage.replay.metrics()["RunErrors remaining"], 1.0);
}

#[tokio::test]
async fn one_certificate_that_fails_does_not_save_the_others() {
    let foreign = "arn:aws:acm-pca:eu-west-1:999999999999:certificate-authority/77777777-2222-3333-4444-555555555555";
    let rows = [("1", None), ("2", Some(foreign)), ("not hex", None), ("3", None)];
    let replay = Replay::new()
        .on("Query", certificates(&rows))
        .on("RevokeCertificate", Answer::json_error(400, "InvalidStateException"))
        .on("RevokeCertificate", done());
    let (_, answer) = Stage::new(replay).failure(identity()).await;
    assert_eq!((&answer["revoked"], &answer["remaining"]), (&json!(["3"]), &json!(["2", "not hex", "1"])));
}

#[tokio::test]
async fn without_the_deny_list_the_certificate_is_revoked_all_the_same_and_the_run_is_an_error() {
    let replay =
        Replay::new().on("PutItem", Answer::json_error(400, "AccessDeniedException")).on("RevokeCertificate", done());
    let stage = Stage::new(replay);
    let (fault, answer) = stage.failure(serial()).await;
    assert_eq!(fault, Fault::DenyListUnavailable);
    assert_eq!((&answer["revoked"], &answer["remaining"]), (&json!(["a1b2c"]), &json!(["serial#a1b2c"])));
    assert_eq!(stage.events().len(), 1, "only what happened is told");
}

#[tokio::test]
async fn certificates_that_cannot_be_listed_remain() {
    let stage = Stage::new(Replay::new().on("Query", Answer::json_error(400, "ResourceNotFoundException")));
    let (fault, answer) = stage.failure(identity()).await;
    let key = json!([format!("identity#{IDENTITY}")]);
    assert_eq!((fault, &answer["denied"], &answer["remaining"]), (Fault::Remaining, &key, &key));
}

#[tokio::test]
async fn an_authority_that_is_not_ours_is_an_error_and_no_call() {
    let stage = Stage::new(Replay::new()).with("LINKWARD_CERTIFICATE_AUTHORITY_ARNS", OLD_AUTHORITY);
    let error = stage.handle(serial()).await.unwrap_err().to_string();
    assert!(error.starts_with(&format!("field `detail.certificateAuthorityArn` is `{AUTHORITY}`")), "{error}");
    assert_eq!(stage.replay.calls(), []);
}

#[tokio::test]
async fn without_tables_a_serial_number_is_revoked_and_an_identity_refused() {
    let bare = |replay| {
        let stage = Stage::new(replay).with("LINKWARD_DENY_LIST_TABLE", "");
        stage.with("LINKWARD_CERTIFICATE_INVENTORY_TABLE", "")
    };
    let stage = bare(Replay::new().on("RevokeCertificate", done()));
    assert_eq!(stage.answer(serial()).await["revoked"], json!(["a1b2c"]));
    for (subject, field) in
        [(json!({"identity": IDENTITY}), "identity"), (json!({"account": "123456789012"}), "account")]
    {
        let stage = bare(Replay::new());
        let error = stage.handle(revocation(subject)).await.unwrap_err().to_string();
        assert_eq!(error, format!("field `detail.{field}` needs the deny list; set LINKWARD_DENY_LIST_TABLE"));
        assert_eq!(stage.replay.calls(), []);
    }
}

#[tokio::test]
async fn audit_mode_says_what_would_be_done_and_does_nothing() {
    let stage = Stage::new(Replay::new().on("Query", certificates(&[("1", None)]))).with("LINKWARD_MODE", "audit");
    let answer = stage.answer(identity()).await;
    assert_eq!((&answer["denied"][0], &answer["revoked"]), (&json!(format!("identity#{IDENTITY}")), &json!(["1"])));
    assert_eq!(stage.calls(), ["Query"]);
    assert!(stage.events().iter().all(|event| event["mode"] == "audit"));
    assert!(!stage.replay.metrics().contains_key("Denials KEY_COMPROMISE"));
}

#[tokio::test]
async fn a_request_made_by_hand_is_asked_for_now() {
    let mut event = serial();
    for name in ["id", "time"] {
        event.as_object_mut().unwrap().remove(name).unwrap();
    }
    let before = Timestamp::now();
    let stage = Stage::new(Replay::new().on("RevokeCertificate", done()));
    assert_eq!(stage.answer(event).await["revoked"], json!(["a1b2c"]));
    let at = stage.replay.calls_of("PutItem")[0].json()["Item"]["at"]["S"].as_str().unwrap().to_owned();
    let at: Timestamp = at.parse().unwrap();
    // To the microsecond, which is what a table keeps.
    assert!(at.as_microsecond() >= before.as_microsecond() && at <= Timestamp::now(), "{at}");
    assert_eq!(stage.events()[0]["requestId"], "run-1", "the run that it was");
}
