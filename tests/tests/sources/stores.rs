//! Where teams keep a policy: the same few things can be done to each of them.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use local_stack::Configuration;
use policy::{Format, Revision, Timestamp};
use policy_source::{Document, PolicyPublisher, VersionLabel};
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::line::Line;
use crate::{policy, stack};

const SPOILT: &str = "version: 1\ntrustDomain: a.example\ncalers: []\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    AppConfig,
    DynamoDb,
    BundleFile,
    BundleWeb,
    BundleS3,
}

impl Kind {
    pub(crate) fn is_bundle(self) -> bool {
        matches!(self, Self::BundleFile | Self::BundleWeb | Self::BundleS3)
    }
}

/// A store with nothing in it.
pub(crate) struct Store {
    kind: Kind,
    folder: PathBuf,
    line: Line,
    web: Web,
    uri: String,
    configuration: Option<Configuration>,
    table: String,
}

impl Store {
    pub(crate) async fn new(kind: Kind, folder: &Path) -> Self {
        let stack = stack().await;
        let (line, web) = (Line::to(stack.endpoint()).await, Web::start().await);
        let name = format!("{kind:?}").to_lowercase();
        let (mut configuration, mut table) = (None, String::new());
        let uri = match kind {
            Kind::File => "file:policy.yaml".to_owned(),
            Kind::BundleFile => "bundle:policy.tar.gz".to_owned(),
            Kind::BundleWeb => format!("bundle:{}/policy.tar.gz", web.url),
            Kind::AppConfig => {
                configuration = Some(stack.create_configuration(&name).await.unwrap());
                format!("appconfig:{name}/{name}/{name}")
            }
            Kind::DynamoDb => {
                table = local_stack::deploy::tables(stack, "flow-").await.unwrap().access_policy;
                format!("dynamodb:{table}")
            }
            Kind::BundleS3 => {
                stack.create_bucket("flow-bundles").await.unwrap();
                "bundle:s3://flow-bundles/policy.tar.gz".to_owned()
            }
        };
        Self { kind, folder: folder.to_owned(), line, web, uri, configuration, table }
    }

    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// What every error must name.
    pub(crate) fn name(&self) -> &str {
        self.uri.split_once(':').unwrap().1
    }

    pub(crate) fn line(&self) -> &Line {
        &self.line
    }

    /// A policy that permits caller `n` the path `/v1/{n}`, for so many callers.
    pub(crate) async fn publish(&self, callers: usize) {
        let content = if self.kind.is_bundle() { bundle(callers) } else { policy(callers).into_bytes() };
        match self.kind {
            Kind::DynamoDb => {
                let sdk = stack().await.sdk_config(&stack().await.provider()).await;
                let (revision, name) = (Revision::from(format!("r{callers}")), "access.yaml".to_owned());
                let document = Document { revision, bytes: content, format: Format::Yaml, name };
                PolicyPublisher::new(&self.table, &sdk).publish(document, |_, _| {}).await.unwrap();
            }
            _ => self.put(&format!("v{callers}"), content).await,
        }
    }

    /// Something that is no policy.
    pub(crate) async fn spoil(&self) {
        match self.kind {
            Kind::DynamoDb => {
                let client = Client::new(&stack().await.sdk_config(&stack().await.provider()).await);
                let text = |text: &str| AttributeValue::S(text.to_owned());
                let put = client.put_item().table_name(&self.table).item("pk", text("meta"));
                put.item("revision", text("spoilt")).item("document", text(SPOILT)).send().await.unwrap();
            }
            _ => self.put("spoilt", SPOILT.as_bytes().to_vec()).await,
        }
    }

    async fn put(&self, label: &str, content: Vec<u8>) {
        let stack = stack().await;
        match self.kind {
            Kind::File | Kind::BundleFile => {
                fs::write(self.folder.join("part"), content).unwrap();
                fs::rename(self.folder.join("part"), self.folder.join(self.name())).unwrap();
            }
            Kind::AppConfig => {
                let (to, content) = (self.configuration.as_ref().unwrap(), String::from_utf8(content).unwrap());
                let label = VersionLabel::of(&Revision::from(label), Timestamp::now()).to_string();
                stack.deploy_configuration(to, &label, "application/x-yaml", &content).await.unwrap();
            }
            Kind::BundleS3 => stack.put_object("flow-bundles", "policy.tar.gz", content).await.unwrap(),
            Kind::BundleWeb => self.web.state.lock().unwrap().put(content),
            Kind::DynamoDb => unreachable!("it has items, not one content"),
        }
    }

    /// From now on nobody gets anything.
    pub(crate) async fn cut(&self) {
        match self.kind {
            Kind::File | Kind::BundleFile => {
                fs::rename(self.folder.join(self.name()), self.folder.join("gone")).unwrap();
            }
            Kind::BundleWeb => self.web.state.lock().unwrap().is_cut = true,
            _ => self.line.cut().await,
        }
    }

    pub(crate) async fn mend(&self) {
        match self.kind {
            Kind::File | Kind::BundleFile => {
                fs::rename(self.folder.join("gone"), self.folder.join(self.name())).unwrap();
            }
            Kind::BundleWeb => self.web.state.lock().unwrap().is_cut = false,
            _ => self.line.mend(),
        }
    }
}

/// The same as `policy`, in Rego.
fn bundle(callers: usize) -> Vec<u8> {
    let paths: Map<String, Value> =
        (0..callers).map(|n| (format!("spiffe://a.example/{n}"), json!(format!("/v1/{n}")))).collect();
    let rules = "package linkward\ndefault authz := {\"allow\": false, \"reason\": \"noMatchingCaller\"}\n\
                 authz := {\"allow\": true} if data.callers[input.identity.id] == input.request.path\n";
    let files = [
        ("data.json", json!({ "callers": paths }).to_string()),
        ("authz.rego", rules.to_owned()),
        (".manifest", json!({ "revision": callers.to_string(), "roots": ["linkward", "callers"] }).to_string()),
    ];
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, content.as_bytes()).unwrap();
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap()
}

/// A web server with one object, its ETag and its date.
struct Web {
    url: String,
    state: Arc<Mutex<Object>>,
}

#[derive(Default)]
struct Object {
    content: Vec<u8>,
    /// As HTTP writes times.
    modified: String,
    is_cut: bool,
}

fn now() -> String {
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&Timestamp::now()).unwrap()
}

impl Web {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::<Mutex<Object>>::default();
        let served = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = [0; 4096];
                let count = stream.read(&mut head).await.unwrap_or(0);
                let head = String::from_utf8_lossy(head.get(..count).unwrap_or_default()).to_lowercase();
                let answer = served.lock().unwrap().answer(&head);
                // Who went away needs no answer.
                let _ = stream.write_all(&answer).await;
            }
        });
        Self { url, state }
    }
}

impl Object {
    fn put(&mut self, content: Vec<u8>) {
        (self.content, self.modified) = (content, now());
    }

    fn answer(&self, head: &str) -> Vec<u8> {
        let close = format!("connection: close\r\ndate: {}\r\n", now());
        if self.is_cut || self.content.is_empty() {
            return format!("HTTP/1.1 503 Service Unavailable\r\n{close}content-length: 0\r\n\r\n").into_bytes();
        }
        let sum: u64 = self.content.iter().fold(0, |sum, byte| sum.wrapping_mul(31).wrapping_add((*byte).into()));
        if head.contains(&format!("if-none-match: \"{sum:x}\"")) {
            return format!("HTTP/1.1 304 Not Modified\r\n{close}\r\n").into_bytes();
        }
        let length = self.content.len();
        let modified = &self.modified;
        let head = format!(
            "HTTP/1.1 200 OK\r\n{close}etag: \"{sum:x}\"\r\nlast-modified: {modified}\r\ncontent-length: {length}\r\n\r\n"
        );
        [head.as_bytes(), &self.content].concat()
    }
}
