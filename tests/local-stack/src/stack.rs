//! The two emulators as one thing that starts and ends.

use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use aws_types::SdkConfig;
use serde_json::json;
use tempfile::TempDir;

use crate::account::{self, Account};
use crate::control::Control;
use crate::ec2::Ec2;
use crate::emulator::{Emulator, EmulatorError, Plan, listen};
use crate::environment::{Environment, EnvironmentError};
use crate::progress::Progress;
use crate::{embedded, places};

/// How a stack is started. `LocalStackOptions::default()` is what most tests want.
#[derive(Debug, Clone)]
pub struct LocalStackOptions {
    /// The one Region of the stack.
    pub region: String,
    /// Where the emulators' logs go and stay; by default a temporary folder that goes with the stack.
    pub logs: Option<PathBuf>,
    /// Told what is being done: the first start on a machine takes half a minute.
    pub progress: Progress,
    /// How long an accepted connection is `pending` before it is `available`.
    pub pending_for: Duration,
    /// How long `GetCertificate` answers `RequestInProgressException` after an issuance.
    pub issuance_delay: Duration,
    /// The provider's event bus to which consumers forward CloudTrail's `CreateVpcEndpoint`; `None`: nothing is forwarded.
    pub cloudtrail_bus: Option<String>,
    /// Whether connection notifications that were created are published to their SNS topic.
    pub connection_notifications: bool,
    /// How long both emulators may take until they answer.
    pub start_timeout: Duration,
}

impl Default for LocalStackOptions {
    fn default() -> Self {
        Self {
            region: "eu-west-1".to_owned(),
            logs: None,
            progress: Progress::default(),
            pending_for: Duration::from_millis(200),
            issuance_delay: Duration::from_millis(200),
            cloudtrail_bus: Some("linkward".to_owned()),
            connection_notifications: true,
            start_timeout: Duration::from_secs(90),
        }
    }
}

/// Why a stack did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
    #[error("cannot write the stack's temporary folder")]
    Folder(#[source] io::Error),
    #[error("cannot listen on a loopback port")]
    Listen(#[source] io::Error),
}

/// A running local AWS. Dropping it ends it, with everything it started.
#[derive(Debug)]
pub struct LocalStack {
    // Ended before their folder is removed.
    emulators: [Emulator; 2],
    folder: TempDir,
    logs: PathBuf,
    region: String,
    endpoint: String,
    ec2_endpoint: String,
}

impl LocalStack {
    /// Starts both emulators and waits until they answer; the Python environment is made first when it is not there.
    pub async fn start(options: LocalStackOptions) -> Result<Self, StartError> {
        let environment = Environment::prepare(&places::kept(), &options.progress).await?;
        options.progress.say("starting the local AWS");
        let mut stack = Self::spawn(&environment.python, &options)?;
        for emulator in &mut stack.emulators {
            emulator.ready(options.start_timeout).await?;
        }
        Ok(stack)
    }

    fn spawn(python: &Path, options: &LocalStackOptions) -> Result<Self, StartError> {
        let folder = tempfile::Builder::new().prefix("local-stack-").tempdir().map_err(StartError::Folder)?;
        let sources = folder.path().join("python");
        // Whoever searches what was written wants it after the stack has gone.
        let kept = || Some(PathBuf::from(std::env::var_os("LINKWARD_WRITTEN")?).join(folder.path().file_name()?));
        let logs = options.logs.clone().or_else(kept).unwrap_or_else(|| folder.path().join("logs"));
        embedded::write_to(&sources).map_err(StartError::Folder)?;
        std::fs::create_dir_all(&logs).map_err(StartError::Folder)?;
        let (ministack, endpoint) = listen().map_err(StartError::Listen)?;
        let (moto, ec2_endpoint) = listen().map_err(StartError::Listen)?;
        let settings = settings(options, &endpoint);
        let variables = variables(&options.region);
        let spawn = |name, listener: TcpListener| {
            let (folder, sources, logs) = (folder.path(), sources.as_path(), logs.as_path());
            let plan = Plan { name, python, sources, folder, logs, settings: &settings, variables: &variables };
            Emulator::spawn(&plan, listener)
        };
        let emulators = [spawn("ministack", ministack)?, spawn("moto", moto)?];
        Ok(Self { emulators, folder, logs, region: options.region.clone(), endpoint, ec2_endpoint })
    }

    /// The provider's account.
    pub fn provider(&self) -> Account {
        Account::provider()
    }

    /// Any account, by its 12 digits; it needs no creation. Anything else than 12 digits would act as the provider.
    pub fn account(&self, id: &str) -> Account {
        Account::new(id)
    }

    /// The Region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// `http://127.0.0.1:PORT` of everything but EC2, ELB, Route 53, ACM PCA and Organizations (`AWS_ENDPOINT_URL`).
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// `http://127.0.0.1:PORT` of EC2, ELB, Route 53, ACM PCA and Organizations (`AWS_ENDPOINT_URL_EC2` …).
    pub fn ec2_endpoint(&self) -> &str {
        &self.ec2_endpoint
    }

    /// The folder with the emulators' logs.
    pub fn logs(&self) -> &Path {
        &self.logs
    }

    /// A folder for whoever works with this stack: only its owner may look into it, and it goes with the stack, also when this process is
    /// killed.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `AWS_*` variables for a child process or a Lambda function that acts in `account`.
    pub fn env(&self, account: &Account) -> Vec<(String, String)> {
        account::variables(account, &self.region, &self.endpoint, &self.ec2_endpoint)
    }

    /// For SDK clients of this process that act in `account`; every client finds its emulator. Nothing of this process's own
    /// environment is read.
    pub async fn sdk_config(&self, account: &Account) -> SdkConfig {
        let credentials = Credentials::new(account.access_key(), account.secret_key(), None, None, "local-stack");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(&self.endpoint)
            .service_config(account::Endpoints { ec2_endpoint: self.ec2_endpoint.clone() })
            .build()
    }

    /// EC2 and ELB as `account`.
    pub fn ec2(&self, account: &Account) -> Ec2 {
        Ec2::new(&self.ec2_endpoint, &self.region, account)
    }

    /// Faults on request, and the log of calls.
    pub fn control(&self) -> Control {
        Control::new(&self.endpoint, &self.ec2_endpoint, &self.region)
    }

    /// Ends both emulators and waits for it; dropping does the same, but blocks a thread of the runtime.
    pub async fn stop(self) {
        // Only a panic while dropping could be lost here.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

impl Drop for LocalStack {
    fn drop(&mut self) {
        // Both end at once; then each is waited for.
        self.emulators.iter_mut().for_each(Emulator::release);
    }
}

/// `python/local_stack/settings.py`, field by field.
fn settings(options: &LocalStackOptions, endpoint: &str) -> serde_json::Value {
    json!({
        "region": options.region,
        "provider": Account::PROVIDER,
        "ministack": endpoint,
        "pending_seconds": options.pending_for.as_secs_f64(),
        "issuance_seconds": options.issuance_delay.as_secs_f64(),
        "page_size": 1000,
        "cloudtrail_bus": options.cloudtrail_bus.as_deref().unwrap_or_default(),
        "connection_notifications": options.connection_notifications,
    })
}

/// What the emulators read from their environment.
fn variables(region: &str) -> [(&str, &str); 8] {
    [
        ("AWS_EC2_METADATA_DISABLED", "true"),
        // ministack looks for Docker, and opens ports of its own for two services nobody here uses.
        ("DOCKER_HOST", "unix:///nonexistent"),
        ("IOT_MTLS_ENABLED", "0"),
        ("SFTP_ENABLED", "0"),
        ("LAMBDA_EXECUTOR", "local"),
        ("MINISTACK_ACCOUNT_ID", Account::PROVIDER),
        ("MINISTACK_REGION", region),
        ("NO_PROXY", "127.0.0.1"),
    ]
}
