//! What can break of policy, tables, bus, functions, AppConfig and the authority.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::types::Environment;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::kept::between;
use crate::{Complaints, Patient};

pub(crate) fn breaks(patient: &Patient) {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        policy(patient).await;
        bus(patient).await;
        functions(patient).await;
        authority(patient).await;
        appconfig(patient).await;
        // The last: it is not mended.
        let tables = aws_sdk_dynamodb::Client::new(&patient.kept.sdk("AWS_ENDPOINT_URL"));
        let table = patient.kept.variable("LINKWARD_CERTIFICATE_INVENTORY_TABLE");
        tables.delete_table().table_name(table).send().await.unwrap();
        patient.expect("tables", "red", "the module `control-plane` makes the tables", &[]);
    });
}

async fn policy(patient: &Patient) {
    let client = aws_sdk_dynamodb::Client::new(&patient.kept.sdk("AWS_ENDPOINT_URL"));
    let table = patient.kept.variable("LINKWARD_POLICY_SOURCE").trim_start_matches("dynamodb:");
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let meta = client.get_item().table_name(table).key("pk", text("meta")).send().await.unwrap().item.unwrap();
    let mut broken = meta.clone();
    broken.insert("document".to_owned(), text("version: 1\ncalers: []\n"));
    broken.insert("revision".to_owned(), text("broken"));
    client.put_item().table_name(table).set_item(Some(broken)).send().await.unwrap();
    patient.expect("policySource", "red", "`linkward policy push`", &[]);
    client.put_item().table_name(table).set_item(Some(meta)).send().await.unwrap();
    let frozen = client.put_item().table_name(table).item("pk", text("freeze"));
    frozen.item("frozen", AttributeValue::Bool(true)).send().await.unwrap();
    patient.expect("policySource", "yellow", "`frozen`", &[]);
    client.delete_item().table_name(table).key("pk", text("freeze")).send().await.unwrap();
    patient.expect_healthy();
}

async fn bus(patient: &Patient) {
    let client = aws_sdk_eventbridge::Client::new(&patient.kept.sdk("AWS_ENDPOINT_URL"));
    let (bus, rule) = (patient.kept.variable("LINKWARD_EVENT_BUS"), "certificate-revocation-requested");
    client.disable_rule().event_bus_name(bus).name(rule).send().await.unwrap();
    patient.expect("eventBus", "red", "enable it", &[]);
    client.enable_rule().event_bus_name(bus).name(rule).send().await.unwrap();
    client.remove_targets().event_bus_name(bus).rule(rule).ids(rule).send().await.unwrap();
    patient.expect("eventBus", "red", "give it its function", &[]);
    let arn = format!("arn:aws:lambda:eu-west-1:000000000000:function:{}", "certificate-revoker");
    let target = aws_sdk_eventbridge::types::Target::builder().id(rule).arn(arn).build().unwrap();
    client.put_targets().event_bus_name(bus).rule(rule).targets(target).send().await.unwrap();
    patient.expect_healthy();
}

async fn functions(patient: &Patient) {
    let client = aws_sdk_lambda::Client::new(&patient.kept.sdk("AWS_ENDPOINT_URL"));
    let name = "endpoint-approver";
    let configuration = client.get_function_configuration().function_name(name).send().await.unwrap();
    let good = configuration.environment.unwrap().variables.unwrap();
    let set = async |change: &[(&str, &str)]| {
        let mut variables: HashMap<String, String> = good.clone();
        variables.extend(change.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let environment = Environment::builder().set_variables(Some(variables)).build();
        client.update_function_configuration().function_name(name).environment(environment).send().await.unwrap();
        // A change takes a moment, in which the function is not ready.
        for _ in 0..600 {
            let now = client.get_function_configuration().function_name(name).send().await.unwrap();
            let changed = now.last_update_status.is_none_or(|status| status.as_str() == "Successful");
            if changed && now.state.is_none_or(|state| state.as_str() == "Active") {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    set(&[("LINKWARD_ENDPOINT_INVENTORY_TABLE", "another")]).await;
    let found = patient.complaints(&[]);
    assert!(
        found.iter().any(|(name, _, remedy)| name == "functions" && remedy.contains("correct the function's variable")),
        "{found:?}"
    );
    set(&[("LINKWARD_MODE", "audit")]).await;
    patient.expect("functions", "yellow", "LINKWARD_MODE=enforce", &[]);
    set(&[("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:9")]).await;
    patient.expect("approver", "red", "function-errors.md", &[]);
    set(&[]).await;
    patient.expect_healthy();
    patient.expect("functions", "red", "`--functions`", &["--functions", "no-endpoint-approver"]);
}

async fn authority(patient: &Patient) {
    use aws_sdk_acmpca::types::CertificateAuthorityStatus as Status;
    let kept = &patient.kept;
    let client = aws_sdk_acmpca::Client::new(&kept.sdk("AWS_ENDPOINT_URL_ACM_PCA"));
    let arn = kept.variable("LINKWARD_CERTIFICATE_AUTHORITY_ARNS");
    let set = async |status: Status| {
        client.update_certificate_authority().certificate_authority_arn(arn).status(status).send().await.unwrap();
    };
    set(Status::Disabled).await;
    patient.expect("certificateAuthority", "red", "activate it", &[]);
    set(Status::Active).await;
    let path = format!("/crls-000000000000/crl/{}.crl", arn.rsplit('/').next().unwrap());
    let crl = std::fs::read(kept.folder.join("root.crl")).unwrap();
    let put = |bytes: &[u8]| kept.http("AWS_ENDPOINT_URL", "s3", "PUT", &path, "application/pkix-crl", bytes);
    put(&ended_crl());
    patient.expect("crl", "red", "crl-ending.md", &[]);
    put(&crl);
    patient.expect_healthy();
}

/// A CRL that ended long ago; its signature is nobody's concern here.
fn ended_crl() -> Vec<u8> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::CrlSign];
    let crl = CertificateRevocationListParams {
        this_update: date_time_ymd(2026, 1, 1),
        next_update: date_time_ymd(2026, 2, 1),
        crl_number: vec![1].into(),
        issuing_distribution_point: None,
        revoked_certs: Vec::new(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let issuer = Issuer::new(authority, KeyPair::generate().unwrap());
    crl.signed_by(&issuer).unwrap().der().to_vec()
}

/// The policy by AppConfig: pushed, deployed, and a deployment that was stopped.
async fn appconfig(patient: &Patient) {
    let kept = &patient.kept;
    let make = |path: &str, body: &str| {
        let answer = kept.http("AWS_ENDPOINT_URL", "appconfig", "POST", path, "application/json", body.as_bytes());
        between(&answer, "\"Id\"", ",").trim_matches([':', ' ', '"']).to_owned()
    };
    let application = make("/applications", r#"{"Name": "invoices"}"#);
    let environment = make(&format!("/applications/{application}/environments"), r#"{"Name": "prod"}"#);
    let profile = r#"{"Name": "access-policy", "LocationUri": "hosted"}"#;
    make(&format!("/applications/{application}/configurationprofiles"), profile);
    let to = "appconfig:invoices/prod/access-policy";
    let source = ["--policy-source", to];
    let names: Vec<String> = of_policy(patient, &source).into_iter().map(|(name, ..)| name).collect();
    assert_eq!(names, ["policySource", "appConfig"], "nothing was deployed");
    let policy = crate::kept::root().join("operator/src/demo/access.yaml");
    let at_once = r#"{"Name": "at-once", "DeploymentDurationInMinutes": 0, "GrowthFactor": 100, "FinalBakeTimeInMinutes": 0, "ReplicateTo": "NONE"}"#;
    make("/deploymentstrategies", at_once);
    let push = ["policy", "push", policy.to_str().unwrap(), "--to", to, "--yes", "--strategy"];
    let (code, pushed) = kept.json(&[&push[..], &["at-once", "--first"]].concat());
    assert_eq!((code, &pushed["deployment"]), (Some(0), &1.into()), "{pushed:#}");
    let found = of_policy(patient, &source);
    assert!(found.is_empty(), "{found:?}");
    rolled_back(
        patient,
        &push,
        &source,
        &format!("/applications/{application}/environments/{environment}/deployments/2"),
    );
}

/// The functions read another source, which is told of, too, and beside the point.
fn of_policy(patient: &Patient, source: &[&str]) -> Complaints {
    let found = patient.complaints(source).into_iter();
    found.filter(|(name, ..)| ["policySource", "appConfig"].contains(&name.as_str())).collect()
}

/// While it is under way: yellow. Stopped: red, and the push that waits for it fails.
fn rolled_back(patient: &Patient, push: &[&str], source: &[&str], deployment: &str) {
    let kept = &patient.kept;
    let gradual = ["AppConfig.Linear20PercentEvery6Minutes"];
    let mut pushing = kept.command(&[push, &gradual].concat()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let began = std::time::Instant::now();
    let complained = |status: &str| {
        let found = of_policy(patient, source);
        assert!(began.elapsed().as_secs() < 60, "never {status}: {found:?}");
        found.iter().any(|(name, found, _)| name == "appConfig" && found == status)
    };
    while !complained("yellow") {}
    kept.http("AWS_ENDPOINT_URL", "appconfig", "DELETE", deployment, "application/json", b"");
    while !complained("red") {}
    let ended = pushing.wait().unwrap();
    let mut stderr = String::new();
    std::io::Read::read_to_string(&mut pushing.stderr.take().unwrap(), &mut stderr).unwrap();
    written::check("linkward", &stderr);
    assert!(ended.code() == Some(2) && stderr.contains("ended as "), "{ended:?}: {stderr}");
}
