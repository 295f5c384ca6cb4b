//! The commands that ask AWS, against a local one with the real functions behind a real bus.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod appconfig;
mod authority;
#[path = "../plain/mod.rs"]
mod plain;
#[path = "../schemas/mod.rs"]
mod schemas;
mod stage;

use std::os::unix::fs::PermissionsExt as _;

use local_stack::deploy;
use serde_json::Value;

use stage::{Stage, root};

const BILLING: &str = "123456789012";
const STRANGER: &str = "666666666666";
const ALICE: &str = "spiffe://internal.example/lab/alice";

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_issue_cut_off_and_let_in_again() {
    let stage = Stage::new().await;
    a_policy_is_pushed(&stage).await;
    appconfig::a_policy_is_deployed(&stage).await;
    certificates_are_issued(&stage).await;
    authority::an_authority_of_another_kind_issues_too(&stage).await;
    nothing_happens_without_consent(&stage).await;
    an_identity_is_cut_off_and_let_in_again(&stage).await;
    connections_are_listed_and_swept(&stage).await;
}

async fn a_policy_is_pushed(stage: &Stage) {
    let policy = root().join("operator/src/demo/access.yaml");
    let push = ["policy", "push", policy.to_str().unwrap()];
    let (code, _, stderr) = stage.linkward(&[&push[..], &["--yes"]].concat()).await;
    assert_eq!((code, stderr.contains("add `--first`")), (Some(2), true), "{stderr}");
    let first = stage.json(&[&push[..], &["--first", "--yes", "--revision", "r1"]].concat()).await;
    assert_eq!((&first["revision"], &first["replaced"]), (&"r1".into(), &Value::Null), "{first:#}");
    assert!(first["eventId"].is_string(), "{first:#}");

    let changed = stage.folder.path().join("access.yaml");
    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&changed, text.replace("methods: [GET, HEAD]", "methods: [GET]")).unwrap();
    let push = ["policy", "push", "access.yaml"];
    let (code, stdout, stderr) = stage.linkward(&push).await;
    assert_eq!((code, stderr.contains("add `--yes`")), (Some(2), true), "{stderr}");
    assert!(stdout.contains("-  HEAD  /v1/invoices/{id}"), "{stdout}");
    stage.golden("policy-push-nobody-to-ask", &push).await;
    let (code, stdout, stderr) = stage.linkward(&[&push[..], &["--yes"]].concat()).await;
    assert_eq!(code, Some(0), "{stderr}");
    stage.golden("policy-push", &[&push[..], &["--yes"]].concat()).await;
    assert!(stdout.contains("revision sha256:") && stdout.contains(" is in force after "), "{stdout}");
    std::fs::write(&changed, "version: 2\n").unwrap();
    let (code, _, stderr) = stage.linkward(&[&push[..], &["--yes"]].concat()).await;
    assert_eq!((code, stderr.contains("the only version there is")), (Some(2), true), "{stderr}");
}

async fn certificates_are_issued(stage: &Stage) {
    let issue = ["certificates", "issue", "--identity", ALICE, "--out", "certificates"];
    let issued = stage.json(&issue).await;
    let key = stage.folder.path().join("certificates/alice.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    let chain = std::fs::read_to_string(stage.folder.path().join("certificates/alice.crt")).unwrap();
    assert_eq!(chain.matches("BEGIN CERTIFICATE").count(), 2, "{chain}");
    // The same files are not written over, and nothing is issued.
    let (code, _, stderr) = stage.linkward(&issue).await;
    assert_eq!((code, stderr.contains("is there already")), (Some(2), true), "{stderr}");

    let listed = stage.json(&["certificates", "list"]).await;
    let [certificate] = listed["certificates"].as_array().unwrap().as_slice() else { panic!("{listed:#}") };
    assert_eq!((&certificate["identity"], &certificate["serialNumber"]), (&ALICE.into(), &issued["serialNumber"]));
    let (_, table, _) = stage.linkward(&["certificates", "list"]).await;
    assert!(table.starts_with("identity") && table.contains(ALICE) && table.ends_with("\n1 certificate\n"), "{table}");
    stage.golden("certificates-list", &["certificates", "list"]).await;
    stage.golden("certificates-issue-there", &issue).await;
    stage.golden("certificates-issue", &[&issue[..], &["--no-inventory", "--name", "MADE"]].concat()).await;
    let other = stage.json(&["certificates", "list", "--identity", "spiffe://internal.example/lab/bob"]).await;
    assert_eq!(other["certificates"], Value::Array(Vec::new()));

    // What cannot be recorded is not handed out.
    let elsewhere = ["--name", "bob", "--inventory-table", "no-such-table"];
    let (code, _, stderr) = stage.linkward(&[&issue[..], &elsewhere].concat()).await;
    assert_eq!((code, stderr.contains("no-such-table")), (Some(2), true), "{stderr}");
    assert!(!stage.folder.path().join("certificates/bob.key").exists());
}

async fn nothing_happens_without_consent(stage: &Stage) {
    for arguments in [
        &["certificates", "revoke", "--identity", ALICE, "--reason", "key-compromise"][..],
        &["certificates", "restore", "--identity", ALICE],
        &["endpoints", "sweep"],
    ] {
        let (code, stdout, stderr) = stage.linkward(arguments).await;
        assert_eq!((code, stdout.as_str(), stderr.contains("add `--yes`")), (Some(2), "", true), "{stderr}");
    }
    let revoke = ["certificates", "revoke", "--reason", "key-compromise", "--yes"];
    let (code, ..) = stage.linkward(&revoke).await;
    assert_eq!(code, Some(2), "a revocation names somebody");
    let (code, ..) = stage.linkward(&[&revoke[..], &["--serial", "1", "--account", BILLING]].concat()).await;
    assert_eq!(code, Some(2), "and nobody else");
}

async fn an_identity_is_cut_off_and_let_in_again(stage: &Stage) {
    let waiting = ["--wait", "--timeout", "120", "--yes"];
    let revoke = ["certificates", "revoke", "--identity", ALICE, "--reason", "key-compromise", "--ticket", "T-1"];
    let revoked = stage.json(&[&revoke[..], &waiting].concat()).await;
    assert_eq!(revoked["detail"]["requestedBy"], "alice");
    assert!(revoked["seconds"]["denyList"].is_f64() && revoked["seconds"]["authority"].is_f64(), "{revoked:#}");
    let restore = ["certificates", "restore", "--identity", ALICE];
    let (code, stdout, stderr) = stage.linkward(&[&restore[..], &waiting].concat()).await;
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stdout.starts_with("sent `Certificate Denial Withdrawn`; event "), "{stdout}");
    assert!(stdout.contains("lifted from the deny list after "), "{stdout}");

    // An account is nothing to the authority.
    let account = ["certificates", "revoke", "--account", STRANGER, "--reason", "unspecified"];
    stage.golden("certificates-revoke", &[&account[..], &waiting].concat()).await;
    stage
        .golden("certificates-restore", &[&["certificates", "restore", "--account", STRANGER][..], &waiting].concat())
        .await;
    let denied = stage.json(&[&account[..], &waiting].concat()).await;
    assert!(denied["seconds"]["denyList"].is_f64() && denied["seconds"]["authority"].is_null(), "{denied:#}");
    // Nobody listens on another bus: the wait ends, and says so.
    let other = [
        "certificates",
        "revoke",
        "--account",
        BILLING,
        "--reason",
        "unspecified",
        "--wait",
        "--timeout",
        "2",
        "--yes",
    ];
    deploy::bus(&stage.stack, "silent").await.unwrap();
    let (code, _, stderr) = stage.linkward(&[&other[..], &["--event-bus", "silent"]].concat()).await;
    assert_eq!((code, stderr.contains("not in the deny list after 2 s")), (Some(1), true), "{stderr}");
}

async fn connections_are_listed_and_swept(stage: &Stage) {
    let mut ids = Vec::new();
    for account in [BILLING, STRANGER] {
        let consumer = stage.stack.ec2(&stage.stack.account(account));
        ids.push(consumer.create_vpc_endpoint(&stage.service.name).await.unwrap());
    }
    let live = ["endpoints", "list", "--live"];
    let would = stage.json(&live).await;
    assert_eq!(would["dryRun"]["accepted"][0]["endpointId"], ids[0].as_str(), "{would:#}");
    assert_eq!(would["dryRun"]["rejected"][0]["reason"], "unlisted", "{would:#}");
    stage.golden("endpoints-list-live", &live).await;
    let (_, table, _) = stage.linkward(&live).await;
    assert!(table.starts_with("would") && table.contains(&ids[0]) && table.contains("unlisted"), "{table}");
    assert_eq!(
        stage.json(&["endpoints", "list"]).await["endpoints"],
        Value::Array(Vec::new()),
        "a dry run writes nothing"
    );

    let swept = stage.json(&["endpoints", "sweep", "--max-removals", "1", "--yes"]).await;
    assert_eq!(swept["detail"], serde_json::json!({ "requestedBy": "alice", "maxRemovals": 1 }));
    let both = |document: &Value| document["endpoints"].as_array().is_some_and(|all| all.len() == 2);
    let listed = stage.until(&["endpoints", "list"], both).await;
    assert_eq!(
        (&listed["endpoints"][0]["name"], &listed["endpoints"][0]["verdict"]),
        (&"billing".into(), &"accept".into())
    );
    let rejected = stage.json(&["endpoints", "list", "--verdict", "reject"]).await;
    assert_eq!(
        (rejected["endpoints"].as_array().unwrap().len(), &rejected["endpoints"][0]["account"]),
        (1, &STRANGER.into())
    );
    stage.golden("endpoints-list", &["endpoints", "list"]).await;
    stage.golden("endpoints-sweep", &["endpoints", "sweep", "--dry-run", "--yes"]).await;
    stage.golden("endpoints-list-no-table", &["endpoints", "list", "--inventory-table", "no-such-table"]).await;
    let (_, table, _) = stage.linkward(&["endpoints", "list"]).await;
    assert!(table.starts_with("endpoint") && table.ends_with("\n2 endpoint connections\n"), "{table}");
    let (code, _, stderr) = stage.linkward(&["endpoints", "list", "--inventory-table", "no-such-table"]).await;
    assert_eq!((code, stderr.contains("the table `no-such-table` cannot be read")), (Some(2), true), "{stderr}");
}
