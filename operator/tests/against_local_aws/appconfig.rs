//! `policy push` by AppConfig.

use serde_json::Value;

use crate::{Stage, root};

pub(crate) async fn a_policy_is_deployed(stage: &Stage) {
    stage.stack.create_configuration("flow").await.unwrap();
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
    for (flags, words) in
        [(["--to", "appconfig:none/flow/flow"], "--first"), (["--strategy", "none"], "AppConfig has no `none`")]
    {
        let push = [&["policy", "push", "deployed.yaml", "--yes"][..], &flags[..]].concat();
        let push = if flags[0] == "--to" { push } else { [&push[..], &["--to", to]].concat() };
        let (code, _, stderr) = stage.linkward(&push).await;
        assert_eq!((code, stderr.contains(words)), (Some(2), true), "{stderr}");
    }
}
