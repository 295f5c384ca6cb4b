//! Rotations in which nothing goes wrong, and what they refuse to begin.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::stage::{FIRST, IDENTITY, SECOND, STEPS, Stage};

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_new_certificate_becomes_current_and_the_old_one_previous() {
    let stage = Stage::new();
    stage.rotate(FIRST);
    let first = stage.world.state().secrets.value("AWSCURRENT");
    stage.an_hour_passes();
    stage.rotate(SECOND);
    let state = stage.world.state();
    assert_eq!(state.secrets.with("AWSCURRENT").unwrap().0, SECOND);
    assert_eq!(state.secrets.with("AWSPREVIOUS").unwrap().0, FIRST);
    assert_eq!(state.secrets.value("AWSPREVIOUS"), first, "it stays as it was");
    assert_eq!(state.secrets.with("LINKWARDDRAFT"), None);
    let second = state.secrets.value("AWSCURRENT");
    let expected = ["certificate", "chain", "identity", "notAfter", "privateKey", "serialNumber"];
    assert_eq!(keys(&second), BTreeSet::from(expected));
    assert_eq!((&second["identity"], &second["serialNumber"]), (&json!(IDENTITY), &json!("ab002")));
    assert_ne!(first["privateKey"], second["privateKey"]);
    assert_eq!(second["chain"], state.authority.root_pem());
    assert_eq!(second["certificate"], state.authority.issued[1].1);
    assert_eq!((state.authority.issued.len(), state.authority.revoked.len()), (2, 0));
}

#[test]
fn each_thing_is_kept_before_the_next_is_begun() {
    let stage = Stage::new();
    stage.world.state().secrets.begin(FIRST);
    stage.step(STEPS[0], FIRST).unwrap();
    let calls = stage.last().calls();
    let interesting = ["PutSecretValue", "IssueCertificate", "GetCertificate", "PutItem"];
    let names: Vec<_> = calls.iter().map(|c| c.operation.as_str()).filter(|name| interesting.contains(name)).collect();
    let expected = [
        "PutSecretValue",
        "IssueCertificate",
        "PutSecretValue",
        "GetCertificate",
        "GetCertificate",
        "PutItem",
        "PutSecretValue",
    ];
    assert_eq!(names, expected, "the second GetCertificate comes after RequestInProgressException");
    let puts: Vec<_> = stage.last().calls_of("PutSecretValue").iter().map(|call| call.json()).collect();
    let value = |put: &Value| serde_json::from_str::<Value>(put["SecretString"].as_str().unwrap()).unwrap();
    let [key, arn, whole] = &puts[..] else { panic!("{puts:?}") };
    assert!(value(key)["privateKey"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));
    let issue = stage.last().calls_of("IssueCertificate")[0].json();
    assert!(value(key)["certificateSigningRequest"].as_str().unwrap().contains("CERTIFICATE REQUEST"));
    assert!(issue["IdempotencyToken"].as_str().unwrap().len() <= 36);
    assert_eq!(
        (value(key).get("certificateArn"), &value(arn)["certificateArn"]),
        (None, &json!(stage.world.state().authority.issued[0].0))
    );
    assert_eq!(whole["ClientRequestToken"], FIRST);
    for put in &puts {
        assert!(put["VersionStages"].as_array().unwrap().contains(&json!("AWSPENDING")), "{put}");
        assert_eq!(put["RotationToken"], "very secret");
    }
}

#[test]
fn the_certificate_lives_as_long_as_configured_and_is_in_the_inventory() {
    let stage = Stage::new().with("LINKWARD_CERTIFICATE_LIFETIME", "30d");
    stage.rotate(FIRST);
    let state = stage.world.state();
    let row = &state.rows["ab001"];
    let text = |name: &str| row[name]["S"].as_str().unwrap();
    let time = |name: &str| text(name).parse::<policy::Timestamp>().unwrap().as_second();
    assert_eq!(time("notAfter") - time("notBefore"), 30 * 86_400, "not an hour more: the runtime counts it whole");
    assert_eq!((text("identity"), text("kind")), (IDENTITY, "client"));
    assert_eq!(text("certificateArn"), state.authority.issued[0].0);
    assert_eq!(
        (text("secret"), text("notAfter").len()),
        (crate::world::secrets::SECRET, "2026-11-23T10:00:00.000000Z".len())
    );
    assert_eq!(text("publicKeySha256").len(), 64);
    assert!(row.get("orphan").is_none());
}

#[test]
fn a_rotation_is_told_on_the_bus_and_measured() {
    let stage = Stage::new();
    stage.rotate(FIRST);
    assert_eq!(stage.last().metrics()["CertificatesRotated"], 1.0);
    stage.an_hour_passes();
    stage.rotate(SECOND);
    let events = stage.events();
    let [_, (detail_type, detail)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(detail_type, "Certificate Rotated");
    assert_eq!(
        (&detail["identity"], &detail["kind"], &detail["mode"]),
        (&json!(IDENTITY), &json!("client"), &json!("enforce"))
    );
    assert_eq!((&detail["serialNumber"], &detail["previousSerialNumber"]), (&json!("ab002"), &json!("ab001")));
    assert_eq!((&detail["versionId"], &detail["runId"]), (&json!(SECOND), &json!("run-1")));
}

#[test]
fn the_runtimes_own_certificate_is_for_servers_and_has_its_names() {
    let named = || Stage::server().tagged("linkward:identity", IDENTITY);
    for (stage, subject) in [(named(), IDENTITY), (Stage::server(), "dns:a.example b.example")] {
        stage.rotate(FIRST);
        stage.an_hour_passes();
        stage.rotate(SECOND);
        let state = stage.world.state();
        let value = state.secrets.value("AWSCURRENT");
        assert_eq!((&value["kind"], &value["dnsNames"]), (&json!("server"), &json!(["b.example", "a.example"])));
        let row = &state.rows["ab002"];
        assert_eq!((&row["kind"]["S"], &row["identity"]["S"]), (&json!("server"), &json!(subject)));
    }
}

#[test]
fn nothing_is_kept_or_issued_for_nobody_or_for_strangers() {
    for (name, value) in [
        ("linkward:identity", "spiffe://other.example/prod/orders-api"),
        ("linkward:identity", "spiffe://internal.example"),
        ("linkward:identity", ""),
        ("linkward:kind", "peer"),
        ("linkward:kind", "server"),
    ] {
        let stage = Stage::new().tagged(name, value);
        stage.world.state().secrets.begin(FIRST);
        let (word, message) = stage.failure(STEPS[0], FIRST);
        assert_eq!(word, "purposeRefused", "{name} {value}: {message}");
        assert_eq!(stage.calls(), ["DescribeSecret"], "{name} {value}");
    }
}

#[test]
fn a_tag_cannot_turn_a_secret_into_somebody_elses() {
    let stage = Stage::new();
    stage.rotate(FIRST);
    let stage = stage.tagged("linkward:identity", "spiffe://internal.example/prod/admin");
    stage.world.state().secrets.begin(SECOND);
    let (word, message) = stage.failure(STEPS[0], SECOND);
    assert_eq!((word, message.contains("differ")), ("purposeRefused", true), "{message}");
    assert_eq!(stage.world.state().authority.issued.len(), 1);
}

#[test]
fn a_tag_that_changes_in_between_stops_the_rotation() {
    let stage = Stage::new();
    stage.world.state().secrets.begin(FIRST);
    stage.step(STEPS[0], FIRST).unwrap();
    let stage = stage.tagged("linkward:identity", "spiffe://internal.example/prod/admin");
    for step in [STEPS[0], STEPS[3]] {
        assert_eq!(stage.failure(step, FIRST).0, "purposeRefused", "{step}");
    }
    assert_eq!(stage.world.state().secrets.with("AWSCURRENT"), None);
}

#[test]
fn steps_out_of_order_change_nothing() {
    let stage = Stage::new();
    stage.world.state().secrets.begin(FIRST);
    for step in &STEPS[1..] {
        let (word, message) = stage.failure(step, FIRST);
        assert_eq!(word, "notPending", "{step}: {message}");
    }
    assert_eq!(stage.world.state().secrets.with("AWSCURRENT"), None);
}

#[test]
fn every_step_may_come_again() {
    let stage = Stage::new();
    stage.world.state().secrets.begin(FIRST);
    for step in STEPS {
        stage.step(step, FIRST).unwrap();
        stage.step(step, FIRST).unwrap();
    }
    for step in STEPS {
        stage.step(step, FIRST).unwrap();
    }
    let state = stage.world.state();
    assert_eq!((state.authority.issued.len(), state.secrets.with("AWSCURRENT").unwrap().0.as_str()), (1, FIRST));
}

#[test]
fn a_step_of_a_rotation_that_has_ended_disturbs_no_later_one() {
    let stage = Stage::new();
    stage.rotate(FIRST);
    stage.an_hour_passes();
    stage.rotate(SECOND);
    let late = |labels: &[(&str, &str)]| {
        for step in STEPS {
            let (word, message) = stage.failure(step, FIRST);
            assert_eq!((word, message.contains("its rotation has ended")), ("notPending", true), "{step}: {message}");
        }
        let state = stage.world.state();
        labels.iter().for_each(|(label, version)| assert_eq!(state.secrets.with(label).unwrap().0, version, "{label}"));
    };
    late(&[("AWSCURRENT", SECOND), ("AWSPREVIOUS", FIRST)]);
    stage.an_hour_passes();
    let third = "3".repeat(32);
    stage.world.state().secrets.begin(&third);
    stage.step(STEPS[0], &third).unwrap();
    late(&[("AWSCURRENT", SECOND), ("AWSPENDING", &third)]);
    stage.step(STEPS[3], &third).unwrap();
    assert_eq!(stage.world.state().secrets.with("AWSCURRENT").unwrap().0, &third);
}

#[test]
fn a_late_step_of_the_current_version_disturbs_no_later_rotation() {
    // The third is pending as a key, as a draft with its certificate's ARN, and as a whole.
    for fault in [Some("IssueCertificate"), Some("GetCertificate"), None] {
        let stage = Stage::new();
        stage.rotate(FIRST);
        stage.an_hour_passes();
        stage.rotate(SECOND);
        stage.an_hour_passes();
        let of_second = |value: &Option<String>| value.as_ref().is_some_and(|value| value.contains(SECOND));
        let versions = stage.world.state().secrets.versions.clone();
        let drafts = versions.iter().filter(|(_, version)| of_second(&version.value)).map(|(id, _)| id.as_str());
        let late: Vec<_> = drafts.chain([SECOND]).collect();
        assert_eq!(late.len(), 3);
        let third = "3".repeat(32);
        stage.world.state().secrets.begin(&third);
        stage.world.state().faults.extend(fault.map(|operation| (operation, "ResourceNotFoundException")));
        assert_eq!(stage.step(STEPS[0], &third).is_err(), fault.is_some());
        let before = stage.world.state().secrets.versions.clone();
        for (version_id, step) in late.iter().flat_map(|id| [(id, STEPS[0]), (id, STEPS[3])]) {
            let answer = serde_json::to_value(stage.step(step, version_id).unwrap()).unwrap();
            assert!(stage.world.state().secrets.versions == before, "{fault:?} {step} {version_id}");
            assert_eq!(answer["outcome"], "alreadyCurrent", "{fault:?} {step} {version_id}");
        }
        STEPS.iter().for_each(|step| drop(stage.step(step, &third).unwrap()));
        let state = stage.world.state();
        assert_eq!(state.secrets.with("AWSCURRENT").unwrap().0, &third);
        assert_eq!((state.authority.issued.len(), stage.events().len()), (3, 3), "{fault:?}: each is told once");
    }
}

#[test]
fn audit_mode_does_nothing() {
    let stage = Stage::new().with("LINKWARD_MODE", "audit");
    stage.world.state().secrets.begin(FIRST);
    let answer = serde_json::to_value(stage.step(STEPS[0], FIRST).unwrap()).unwrap();
    assert_eq!(answer["outcome"], "audited");
    assert_eq!(stage.calls(), ["DescribeSecret", "GetSecretValue"]);
}

#[test]
fn one_certificate_is_issued_in_an_hour_and_no_other() {
    for stage in [Stage::new(), Stage::server()] {
        stage.rotate(FIRST);
        stage.world.state().secrets.begin(SECOND);
        stage.world.state().age(3_500);
        for _ in 0..2 {
            let (word, message) = stage.failure(STEPS[0], SECOND);
            assert_eq!((word, message.contains("less than 3600s ago")), ("tooFast", true), "{message}");
        }
        assert_eq!(stage.calls().last().unwrap(), "Query", "nothing is kept or asked for");
        assert_eq!(stage.world.state().secrets.with("AWSCURRENT").unwrap().0, FIRST);
        stage.world.state().age(150);
        stage.rotate(SECOND);
        assert_eq!(stage.world.state().authority.issued.len(), 2);
    }
}

#[test]
fn the_window_is_as_long_as_configured() {
    let stage = Stage::new().with("LINKWARD_ISSUANCE_WINDOW", "0s");
    (0..4).for_each(|number| stage.rotate(&format!("{number:032}")));
    let stage = stage.with("LINKWARD_ISSUANCE_WINDOW", "2h");
    stage.an_hour_passes();
    stage.world.state().secrets.begin(FIRST);
    assert_eq!(stage.failure(STEPS[0], FIRST).0, "tooFast");
    stage.an_hour_passes();
    stage.rotate(FIRST);
    assert_eq!(stage.world.state().authority.issued.len(), 5);
}

#[test]
fn the_access_policy_says_the_trust_domain_where_nothing_else_does() {
    let folder = std::env::temp_dir().join(format!("rotator-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let policy = folder.join("access.yaml");
    let source = format!("file:{}", policy.display());
    let stage = Stage::new().with("LINKWARD_TRUST_DOMAIN", "").with("LINKWARD_POLICY_SOURCE", &source);
    stage.world.state().secrets.begin(FIRST);
    assert_eq!(stage.failure(STEPS[0], FIRST).0, "policyUnavailable", "there is none yet");
    let write = |domain: &str| std::fs::write(&policy, format!("version: 1\ntrustDomain: {domain}\n")).unwrap();
    write("other.example");
    assert_eq!(stage.failure(STEPS[0], FIRST).0, "purposeRefused");
    write("internal.example");
    stage.rotate(FIRST);
    std::fs::remove_dir_all(&folder).unwrap();
}
