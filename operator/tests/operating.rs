//! The `sh` blocks of `docs/operating.md`, each run as it stands there against a demo that is kept, whose names are filled in.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

#[path = "doctor/dns.rs"]
mod dns;
mod kept;
mod plain;

use std::path::Path;
use std::process::{Command, Stdio};

use kept::{Kept, LINKWARD, between};

const STRANGER: &str = "666666666666";

/// The blocks of one kind, in order.
fn blocks(document: &str, kind: &str) -> Vec<String> {
    let opening = format!("```{kind}\n");
    document.split(&opening).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Where they are run: the fixtures, and what the demo has for callers.
fn workplace(kept: &Kept, target: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for file in std::fs::read_dir(fixtures).unwrap().flatten() {
        std::fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    std::fs::copy(kept.file("root.crt"), folder.path().join("ca.crt")).unwrap();
    std::fs::write(folder.path().join("production.yaml"), target).unwrap();
    let account = |name: &str, id: &str| {
        format!("[{name}]\naws_access_key_id = {id}\naws_secret_access_key = local\nregion = eu-west-1\n")
    };
    let accounts = [("default", "000000000000"), ("profile billing", "123456789012"), ("profile stranger", STRANGER)];
    let accounts: String = accounts.iter().map(|(name, id)| account(name, id)).collect();
    std::fs::write(folder.path().join("aws"), accounts).unwrap();
    folder
}

fn run(kept: &Kept, folder: &Path, block: &str) {
    let path = format!("{}:{}", Path::new(LINKWARD).parent().unwrap().display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-e", "-u", "-o", "pipefail", "-c", block])
        .current_dir(folder)
        .envs(&kept.environment)
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("AWS_CONFIG_FILE", folder.join("aws"))
        .env("LINKWARD_REQUESTED_BY", "alice")
        .env("PATH", path)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let output = written::output("linkward", output);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{block}\n{}{}", text(&output.stdout), text(&output.stderr));
}

/// The application, environment and profile that the tour pushes to.
fn appconfig(kept: &Kept) {
    let make = |path: &str, body: &str| {
        let answer = kept.http("AWS_ENDPOINT_URL", "appconfig", "POST", path, "application/json", body.as_bytes());
        between(&answer, "\"Id\"", ",").trim_matches([':', ' ', '"']).to_owned()
    };
    let application = make("/applications", r#"{"Name": "invoices"}"#);
    make(&format!("/applications/{application}/environments"), r#"{"Name": "prod"}"#);
    let profile = r#"{"Name": "access-policy", "LocationUri": "hosted"}"#;
    make(&format!("/applications/{application}/configurationprofiles"), profile);
}

/// What a deployment calls its things, and that there is nobody to ask.
fn filled_in(block: &str, kept: &Kept, dns: &dns::Server) -> String {
    let service = kept.variable("LINKWARD_SERVICE_IDS");
    let reached = format!("--host api.internal.example --port {} --dns-server {}", kept.port, dns.address);
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
    let examples = Path::new(LINKWARD).with_file_name("examples");
    // The same program, built as tests are, on fewer lines.
    let written = format!(
        "{} build --quiet --workspace --manifest-path {} --target-dir {} --example access_log && {}/access_log 20000",
        env!("CARGO"),
        manifest.display(),
        examples.ancestors().nth(2).unwrap().display(),
        examples.display()
    );
    let lines = block.lines().map(|line| {
        let asks =
            ["policy push", "endpoints sweep", "certificates revoke", "certificates restore", "linkward gameday"];
        let ask = asks.iter().any(|command| line.contains(command)) && !line.contains("--yes");
        format!("{line}{}\n", if ask { " --yes" } else { "" })
    });
    lines
        .collect::<String>()
        .replace("vpce-0123456789abcdef0", &kept.endpoint)
        .replace("vpce-svc-0123456789abcdef0", service)
        .replace("--host api.internal.example", &reached)
        .replace("cargo run --release -p linkward --example access_log -- 2000000", &written)
}

fn target(document: &str, kept: &Kept) -> String {
    let vpc = kept.query_as(STRANGER, "ec2", "CreateVpc", &[("CidrBlock", "10.0.0.0/16")]);
    let vpc = between(&vpc, "<vpcId>", "</vpcId>").to_owned();
    let subnet = [("VpcId", vpc.as_str()), ("CidrBlock", "10.0.0.0/24")];
    let subnet = kept.query_as(STRANGER, "ec2", "CreateSubnet", &subnet);
    let subnet = between(&subnet, "<subnetId>", "</subnetId>");
    let [yaml] = &blocks(document, "yaml")[..] else { panic!("one description of a target") };
    yaml.replace("10.0.1.7:443", &format!("127.0.0.1:{}", kept.port))
        .replace("10.1.1.7:443", &format!("127.0.0.1:{}", kept.elsewhere))
        .replace("vpc-0123456789abcdef0", &vpc)
        .replace("subnet-0123456789abcdef0", subnet)
}

#[test]
fn every_block_of_the_tour_does_what_it_says() {
    let document = std::fs::read_to_string(kept::root().join("docs/operating.md")).unwrap();
    let (kept, dns) = (Kept::start(), dns::Server::start());
    dns.says(Some([127, 0, 0, 1].into()));
    appconfig(&kept);
    let folder = workplace(&kept, &target(&document, &kept));
    let (pushes, others): (Vec<_>, Vec<_>) =
        blocks(&document, "sh").into_iter().partition(|block| block.contains("policy push"));
    assert!(pushes.len() + others.len() > 9, "{others:?}");
    // The last: another policy is in force afterwards.
    for block in others.iter().chain(&pushes) {
        run(&kept, folder.path(), &filled_in(block, &kept, &dns));
    }
    let story = kept.told.split("\nStill running").next().unwrap();
    plain::compare("demo.txt", &plain::outline(story));
    assert_eq!(kept.end()["ok"], true);
}
