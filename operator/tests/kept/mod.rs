//! A demo that is kept: a whole deployment to try the other commands on.

#![allow(dead_code, reason = "not every test asks for everything")]

#[path = "../schemas/mod.rs"]
pub(crate) mod schemas;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use serde_json::Value;

pub(crate) const LINKWARD: &str = env!("CARGO_BIN_EXE_linkward");
/// The first run on a machine builds what it needs.
const PATIENCE: Duration = Duration::from_secs(900);

/// Ends with this value.
pub(crate) struct Kept {
    child: Child,
    /// What it told while it was played.
    pub(crate) told: String,
    temporary: tempfile::TempDir,
    /// Where its files are.
    pub(crate) folder: PathBuf,
    pub(crate) environment: BTreeMap<String, String>,
    /// The load balancer, as the first consumer's endpoint sees it.
    pub(crate) port: u16,
    /// The same, as another consumer's endpoint sees it.
    pub(crate) elsewhere: u16,
    /// The first endpoint.
    pub(crate) endpoint: String,
}

impl Kept {
    pub(crate) fn start() -> Self {
        let temporary = tempfile::Builder::new().prefix("kept-").tempdir().unwrap();
        let mut child = Command::new(LINKWARD)
            .args(["demo", "--keep", "--output", "json"])
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(temporary.path().join("story.json")).unwrap())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        // Read to its end: a full pipe would hold the demo up.
        std::thread::spawn(move || stderr.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        let (mut told, mut kept) = (String::new(), written::Lines::of("demo"));
        while !told.contains("--from consumer") {
            let line = lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("the demo ended: {told}"));
            kept.keep(&line);
            told += &format!("{line}\n");
        }
        let after =
            |mark: &str| told.split(mark).nth(1).unwrap().split([':', ';', '\n', ' ']).next().unwrap().to_owned();
        let file = PathBuf::from(after("set -a; . "));
        let text = std::fs::read_to_string(&file).unwrap();
        let environment = text.lines().filter_map(|line| line.split_once('='));
        Self {
            folder: file.parent().unwrap().to_owned(),
            environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            port: after("--resolve api.internal.example:").parse().unwrap(),
            elsewhere: told
                .split("--resolve api.internal.example:")
                .nth(3)
                .unwrap()
                .split(':')
                .next()
                .unwrap()
                .parse()
                .unwrap(),
            endpoint: after("--from consumer --endpoint "),
            told: told.clone(),
            child,
            temporary,
        }
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    pub(crate) fn variable(&self, name: &str) -> &str {
        &self.environment[name]
    }

    /// The tool, in the provider's account.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(LINKWARD);
        command.args(arguments).envs(&self.environment).env("LINKWARD_REQUESTED_BY", "alice").stdin(Stdio::null());
        command
    }

    /// Its exit code and its JSON document.
    pub(crate) fn json(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        self.json_with(arguments, &[])
    }

    pub(crate) fn json_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, Value) {
        let output =
            self.command(arguments).envs(variables.iter().copied()).args(["--output", "json"]).output().unwrap();
        let output = written::output("linkward", output);
        let document = serde_json::from_slice(&output.stdout);
        let document = document.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        schemas::check(arguments, &document);
        (output.status.code(), document)
    }

    /// For SDK clients of the services of this emulator: `AWS_ENDPOINT_URL` or `AWS_ENDPOINT_URL_ACM_PCA` …
    pub(crate) fn sdk(&self, endpoint: &str) -> SdkConfig {
        let keys =
            aws_credential_types::Credentials::new(self.variable("AWS_ACCESS_KEY_ID"), "local", None, None, "kept");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.variable("AWS_REGION").to_owned()))
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(keys))
            .endpoint_url(self.variable(endpoint))
            .build()
    }

    /// Asks an emulator by the Query protocol, and gives the answer as it came.
    pub(crate) fn query(&self, service: &str, action: &str, parameters: &[(&str, &str)]) -> String {
        self.query_as(self.variable("AWS_ACCESS_KEY_ID"), service, action, parameters)
    }

    /// The same in any account.
    pub(crate) fn query_as(&self, account: &str, service: &str, action: &str, parameters: &[(&str, &str)]) -> String {
        let (name, version, endpoint) = match service {
            "ec2" => ("ec2", "2016-11-15", "AWS_ENDPOINT_URL_EC2"),
            "elb" => ("elasticloadbalancing", "2015-12-01", "AWS_ENDPOINT_URL_EC2"),
            "sns" => ("sns", "2010-03-31", "AWS_ENDPOINT_URL"),
            _ => ("iam", "2010-05-08", "AWS_ENDPOINT_URL"),
        };
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", action).append_pair("Version", version).extend_pairs(parameters);
        let answer = self.http_as(
            account,
            endpoint,
            name,
            "POST",
            "/",
            "application/x-www-form-urlencoded",
            form.finish().as_bytes(),
        );
        assert!(answer.starts_with("HTTP/1.1 2"), "{action}: {answer}");
        answer
    }

    pub(crate) fn http(
        &self,
        endpoint: &str,
        service: &str,
        method: &str,
        path: &str,
        kind: &str,
        body: &[u8],
    ) -> String {
        self.http_as(self.variable("AWS_ACCESS_KEY_ID"), endpoint, service, method, path, kind, body)
    }

    #[allow(clippy::too_many_arguments, reason = "a request")]
    fn http_as(
        &self,
        account: &str,
        endpoint: &str,
        service: &str,
        method: &str,
        path: &str,
        kind: &str,
        body: &[u8],
    ) -> String {
        use std::io::{Read as _, Write as _};
        let address = self.variable(endpoint).trim_start_matches("http://");
        let region = self.variable("AWS_REGION");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
             authorization: AWS4-HMAC-SHA256 Credential={}/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=local\r\n\r\n",
            body.len(),
            account,
        );
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

impl Kept {
    /// Ends it, and gives what it tells machines.
    pub(crate) fn end(mut self) -> Value {
        self.interrupt();
        let text = std::fs::read_to_string(self.temporary.path().join("story.json")).unwrap();
        written::check("demo", &text);
        let document = serde_json::from_str(&text).unwrap();
        schemas::check(&["demo"], &document);
        document
    }

    /// As Ctrl-C would, so that it cleans up; the folder goes afterwards.
    fn interrupt(&mut self) {
        // Once it has ended its id may be another's.
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(Command::new("kill").args(["-INT", &self.child.id().to_string()]).status());
            drop(self.child.wait());
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.interrupt();
    }
}

/// What stands between two marks, the first time.
pub(crate) fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    text.split(from).nth(1).and_then(|rest| rest.split(to).next()).unwrap_or_else(|| panic!("no {from} in {text}"))
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
