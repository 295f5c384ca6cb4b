//! A game day against a deployment that is not its own.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::kept::{Kept, between};
use crate::outcomes;

const STRANGER: &str = "666666666666";

/// A target that is described by a file, with a profile for the stranger.
struct Target {
    kept: Kept,
    folder: tempfile::TempDir,
}

impl Target {
    fn new() -> Self {
        let (kept, folder) = (Kept::start(), tempfile::tempdir().unwrap());
        let vpc = kept.query_as(STRANGER, "ec2", "CreateVpc", &[("CidrBlock", "10.0.0.0/16")]);
        let vpc = between(&vpc, "<vpcId>", "</vpcId>").to_owned();
        let subnet = [("VpcId", vpc.as_str()), ("CidrBlock", "10.0.0.0/24")];
        let subnet = kept.query_as(STRANGER, "ec2", "CreateSubnet", &subnet);
        let subnet = between(&subnet, "<subnetId>", "</subnetId>").to_owned();
        let description = format!(
            "host: api.internal.example\naddress: 127.0.0.1:{}\notherAddress: 127.0.0.1:{}\ntrustAnchors: {}\n\
             identity: spiffe://internal.example/gameday\npath: /v1/invoices/7\n\
             stranger: {{ profile: stranger, vpc: {vpc}, subnet: {subnet} }}\n",
            kept.port,
            kept.elsewhere,
            kept.file("root.crt"),
        );
        std::fs::write(folder.path().join("target.yaml"), description).unwrap();
        let profile = format!(
            "[profile stranger]\naws_access_key_id = {STRANGER}\naws_secret_access_key = local\nregion = eu-west-1\n"
        );
        std::fs::write(folder.path().join("aws"), profile).unwrap();
        Self { kept, folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let runtime = Path::new(crate::kept::LINKWARD).with_file_name("api-runtime");
        let mut command = self.kept.command(&["gameday", "--output", "json", "--yes"]);
        command.args(["--target", &self.path("target.yaml"), "--report", &self.path("report")]);
        command.arg("--runtime").arg(runtime).args(arguments).env("AWS_CONFIG_FILE", self.path("aws"));
        command
    }

    fn play(&self, arguments: &[&str]) -> (Option<i32>, Value, String) {
        let output = written::output("linkward", self.command(arguments).output().unwrap());
        let told = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_default(), told)
    }

    /// Entries of the deny list that are in force; withdrawals take a moment.
    fn denials(&self) -> Vec<String> {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let client = aws_sdk_dynamodb::Client::new(&self.kept.sdk("AWS_ENDPOINT_URL"));
        let table = self.kept.variable("LINKWARD_DENY_LIST_TABLE");
        let items = runtime.block_on(client.scan().table_name(table).send()).unwrap().items.unwrap();
        let in_force = items.iter().filter(|item| item.get("withdrawn").is_none_or(|it| it.as_bool() != Ok(&true)));
        in_force.map(|item| item["pk"].as_s().unwrap().clone()).collect()
    }

    /// As many as there were before any game day: the demo's own.
    fn assert_undone(&self, before: &[String]) {
        let began = Instant::now();
        while self.denials() != before {
            assert!(began.elapsed() < Duration::from_secs(60), "{:?} are still denied", self.denials());
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

#[test]
fn a_deployment_is_played_against_and_left_as_it_was() {
    let target = Target::new();
    let before = target.denials();
    all_ten(&target);
    target.assert_undone(&before);
    only_its_own_identity(&target);
    interrupted(&target);
    target.assert_undone(&before);
    planted_faults(&target);
}

fn all_ten(target: &Target) {
    let (code, document, told) = target.play(&[]);
    assert_eq!(code, Some(0), "{told}");
    assert!(outcomes(&document).iter().all(|(_, outcome)| *outcome == "asExpected"), "{document:#}");
    assert_eq!(outcomes(&document).len(), 10);
    let endpoints = target.kept.query_as(STRANGER, "ec2", "DescribeVpcEndpoints", &[]);
    // The demo's own is there; the game day's was deleted.
    let states = ["rejected", "deleted"].map(|state| endpoints.matches(&format!("<state>{state}</state>")).count());
    assert_eq!(states, [1, 1], "{endpoints}");
    // What the file does not name is not played, and said so.
    let file = target.path("target.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let without: String =
        text.lines().filter(|line| !line.starts_with("stranger")).map(|line| format!("{line}\n")).collect();
    std::fs::write(&file, without).unwrap();
    let (code, document, told) = target.play(&["--only", "endpoint-denied,unlisted"]);
    assert_eq!(
        (code, outcomes(&document)),
        (Some(0), vec![("unlisted", "asExpected"), ("endpointDenied", "notPlayed")]),
        "{told}"
    );
    std::fs::write(&file, text).unwrap();
}

fn only_its_own_identity(target: &Target) {
    let file = target.path("target.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("/gameday\n", "/prod/orders-api\n")).unwrap();
    let (code, _, told) = target.play(&["--only", "revoked"]);
    assert!(code == Some(2) && told.contains("may be somebody's"), "{told}");
    std::fs::write(&file, text).unwrap();
    // Nobody is here to ask.
    let output =
        target.kept.command(&["gameday", "--target", &file, "--report", &target.path("report")]).output().unwrap();
    let output = written::output("linkward", output);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && told.contains("add `--yes`"), "{told}");
}

/// Ctrl-C right after something was revoked.
fn interrupted(target: &Target) {
    let mut child = target
        .command(&["--only", "revoked,not-yet-valid,policy-outage"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut told = String::new();
    for line in lines {
        told += &format!("{line}\n");
        if line.contains("✓ a certificate is revoked") {
            drop(Command::new("kill").args(["-INT", &child.id().to_string()]).status());
        }
    }
    written::check("linkward", &told);
    let output = written::output("linkward", child.wait_with_output().unwrap());
    assert_eq!(output.status.code(), Some(130), "{told}");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&document["ending"], document["undone"].as_array().unwrap().len()),
        (&"interrupted".into(), 1),
        "{told}"
    );
}

/// A gate that does not hold is a surprise, whichever it is.
fn planted_faults(target: &Target) {
    let kept = &target.kept;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let events = aws_sdk_eventbridge::Client::new(&kept.sdk("AWS_ENDPOINT_URL"));
    let rule = "certificate-revocation-requested";
    runtime.block_on(events.disable_rule().event_bus_name("linkward").name(rule).send()).unwrap();
    let (code, document, told) = target.play(&["--only", "revoked,unlisted,stolen", "--patience", "4"]);
    assert_eq!(code, Some(1), "{told}");
    let expected = [("revoked", "surprise"), ("unlisted", "asExpected"), ("stolen", "asExpected")];
    assert_eq!((outcomes(&document), &document["ok"]), (expected.to_vec(), &false.into()), "{told}");
    let report = std::fs::read_to_string(target.path("report.md")).unwrap();
    assert!(report.contains("| ✗ | a certificate is revoked") && report.contains("waited 4 s for"), "{report}");
    // Both addresses are one endpoint: what should be stolen there is not.
    let file = target.path("target.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace(&kept.elsewhere.to_string(), &kept.port.to_string())).unwrap();
    let (code, document, told) = target.play(&["--only", "stolen"]);
    assert_eq!((code, outcomes(&document)), (Some(1), vec![("stolen", "surprise")]), "{told}");
}
