//! `policy push` by AppConfig.

use std::path::Path;
use std::sync::{Arc, Mutex};

use local_stack::Configuration;
use policy_source::{Load as _, PolicySource};
use serde_json::Value;

use crate::stage::{Stage, root};

pub(crate) async fn a_policy_is_deployed(stage: &Stage) {
    let configuration = stage.stack.create_configuration("flow").await.unwrap();
    let to = "appconfig:flow/flow/flow";
    let policy = root().join("operator/src/demo/access.yaml");
    let push = |file: &'static str| ["policy", "push", file, "--to", to, "--strategy", "flow-at-once"];
    let text = std::fs::read_to_string(&policy).unwrap();
    let write = |text: &str| std::fs::write(stage.folder.path().join("deployed.yaml"), text).unwrap();
    write(&text);
    let (code, _, stderr) = stage.linkward(&[&push("deployed.yaml")[..], &["--yes"]].concat()).await;
    assert_eq!((code, stderr.contains("add `--first`")), (Some(2), true), "{stderr}");
    let first = stage.json(&[&push("deployed.yaml")[..], &["--first", "--yes"]].concat()).await;
    assert_eq!((&first["deployment"], &first["replaced"]), (&1.into(), &Value::Null), "{first:#}");
    assert!(first["eventId"].is_string() && first["revision"].as_str().unwrap().starts_with("sha256:"), "{first:#}");

    write(&text.replace("methods: [GET, HEAD]", "methods: [GET]"));
    stage.golden("policy-push-appconfig-nobody-to-ask", &push("deployed.yaml")).await;
    let second = [&push("deployed.yaml")[..], &["--yes", "--revision", "2026-11-26.1", "--ticket", "T-2"]].concat();
    stage.golden("policy-push-appconfig", &second).await;
    // The label is of one version; what it says is not changed behind its back.
    write(&text);
    let (code, _, stderr) = stage.linkward(&second).await;
    assert_eq!((code, stderr.contains("give this one a `--revision` of its own")), (Some(2), true), "{stderr}");
    // Back to what was there, whose version is still there.
    let back = stage.json(&[&push("deployed.yaml")[..], &["--yes"]].concat()).await;
    assert_eq!((&back["revision"], &back["replaced"]), (&first["revision"], &"2026-11-26.1".into()), "{back:#}");
    dated(stage, &configuration, to, &push("deployed.yaml"), &text, write).await;
    for (flags, words) in
        [(["--to", "appconfig:none/flow/flow"], "--first"), (["--strategy", "none"], "AppConfig has no `none`")]
    {
        let push = [&["policy", "push", "deployed.yaml", "--yes"][..], &flags[..]].concat();
        let push = if flags[0] == "--to" { push } else { [&push[..], &["--to", to]].concat() };
        let (code, _, stderr) = stage.linkward(&push).await;
        assert_eq!((code, stderr.contains(words)), (Some(2), true), "{stderr}");
    }
}

/// A reader is told how long a push took, and of a version that is deployed again nothing.
async fn dated(
    stage: &Stage,
    configuration: &Configuration,
    to: &str,
    push: &[&str],
    text: &str,
    write: impl Fn(&str),
) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let teller = Arc::clone(&told);
    let sdk = stage.stack.sdk_config(&stage.stack.provider()).await;
    let source = PolicySource::with_sdk(&to.parse().unwrap(), Path::new(""), &sdk).unwrap();
    let mut source = source.observed(move |took| teller.lock().unwrap().push(took.as_secs()));
    source.load().await.unwrap().expect("what is in force");
    let before = std::time::Instant::now();
    write(&text.replace("methods: [GET, HEAD]", "methods: [HEAD]"));
    stage.json(&[push, &["--yes", "--revision", "r3"]].concat()).await;
    let (revision, _) = source.load().await.unwrap().expect("a new one");
    let took = told.lock().unwrap().clone();
    assert!(
        revision.as_str() == "r3" && took.len() == 1 && took[0] <= before.elapsed().as_secs(),
        "{revision}: {took:?}"
    );
    // As by a console: the first version, from before all that.
    stage.stack.deploy_version(configuration, 1).await.unwrap();
    let (revision, _) = source.load().await.unwrap().expect("the first again");
    assert!(revision.as_str().starts_with("sha256:") && told.lock().unwrap().len() == 1, "{revision}");
}
