//! The local AWS with a certificate authority and the function, and secrets in it.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_lambda::primitives::Blob;
use local_stack::deploy::{self, CertificateAuthority, Tables};
use local_stack::{LocalStack, LocalStackOptions, Progress, build};
use serde_json::{Value, json};
use tokio::sync::{OnceCell, RwLock};

pub(crate) const IDENTITY: &str = "spiffe://internal.example/prod/orders-api";
const ROTATOR: &str = "certificate-rotator";
const BUS: &str = "linkward";

pub(crate) struct Ground {
    pub(crate) stack: LocalStack,
    pub(crate) authority: CertificateAuthority,
    tables: Tables,
    versions: AtomicU32,
    /// Faults meet whoever comes next: a test that asks for them is alone.
    pub(crate) calm: RwLock<()>,
}

/// A secret that is rotated.
pub(crate) struct Secret<'a> {
    ground: &'a Ground,
    arn: String,
}

static GROUND: OnceCell<Ground> = OnceCell::const_new();

impl Ground {
    /// One for all tests. It ends with this process: nothing drops a static.
    pub(crate) async fn shared() -> &'static Self {
        GROUND.get_or_init(Self::prepare).await
    }

    async fn prepare() -> Self {
        let built = build::binaries(&[ROTATOR], &Progress::default()).await.unwrap();
        let stack = LocalStack::start(LocalStackOptions::default()).await.unwrap();
        let authority = deploy::certificate_authority(&stack, "internal.example root").await.unwrap();
        let tables = deploy::tables(&stack, "rotation-").await.unwrap();
        deploy::bus(&stack, BUS).await.unwrap();
        let mut environment = stack.env(&stack.provider());
        let configuration = [
            ("LINKWARD_TRUST_DOMAIN", "internal.example"),
            ("LINKWARD_CERTIFICATE_AUTHORITY_ARNS", &authority.arn),
            ("LINKWARD_CERTIFICATE_INVENTORY_TABLE", &tables.certificate_inventory),
            ("LINKWARD_CERTIFICATE_LIFETIME", "7d"),
            ("LINKWARD_ISSUANCE_WINDOW", "0s"),
            ("LINKWARD_EVENT_BUS", BUS),
        ];
        environment.extend(configuration.map(|(name, value)| (name.to_owned(), value.to_owned())));
        deploy::lambda(&stack, ROTATOR, &built[ROTATOR], &environment).await.unwrap();
        Self { stack, authority, tables, versions: AtomicU32::new(1), calm: RwLock::default() }
    }

    pub(crate) async fn secret(&self, name: &str, tags: &[(&str, &str)]) -> Secret<'_> {
        let arn = deploy::secret(&self.stack, name, "{}", tags).await.unwrap();
        Secret { ground: self, arn }
    }

    /// The rows of an identity, as the revoker asks for them.
    pub(crate) async fn inventory(&self, identity: &str) -> Vec<HashMap<String, AttributeValue>> {
        let client = aws_sdk_dynamodb::Client::new(&self.stack.sdk_config(&self.stack.provider()).await);
        let query = client.query().table_name(&self.tables.certificate_inventory).index_name("byIdentity");
        let query =
            query.key_condition_expression("#identity = :identity").expression_attribute_names("#identity", "identity");
        let query = query.expression_attribute_values(":identity", AttributeValue::S(identity.to_owned()));
        query.send().await.unwrap().items.unwrap()
    }
}

impl Secret<'_> {
    pub(crate) fn new_version(&self) -> String {
        format!("00000000-0000-4000-8000-{:012}", self.ground.versions.fetch_add(1, Ordering::Relaxed))
    }

    /// The answer, or the error as Lambda tells it.
    pub(crate) async fn step(&self, step: &str, version: &str) -> Result<Value, Value> {
        let stack = &self.ground.stack;
        let client = aws_sdk_lambda::Client::new(&stack.sdk_config(&stack.provider()).await);
        let event = json!({"Step": step, "SecretId": self.arn, "ClientRequestToken": version});
        let answer = client.invoke().function_name(ROTATOR).payload(Blob::new(event.to_string())).send().await.unwrap();
        let payload: Value = serde_json::from_slice(answer.payload().unwrap().as_ref()).unwrap();
        if answer.function_error().is_some() { Err(payload) } else { Ok(payload) }
    }

    /// As Secrets Manager does; returns the new version's id.
    pub(crate) async fn rotate(&self) -> String {
        let version = self.new_version();
        for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
            self.step(step, &version).await.unwrap_or_else(|error| panic!("{step}: {error}"));
        }
        version
    }

    pub(crate) async fn value(&self, label: &str) -> Option<Value> {
        let value = self.client().await.get_secret_value().secret_id(&self.arn).version_stage(label).send().await;
        value.ok().map(|value| serde_json::from_str(value.secret_string().unwrap()).unwrap())
    }

    pub(crate) async fn labels(&self) -> BTreeMap<String, Vec<String>> {
        let described = self.client().await.describe_secret().secret_id(&self.arn).send().await.unwrap();
        described.version_ids_to_stages.unwrap().into_iter().collect()
    }

    async fn client(&self) -> aws_sdk_secretsmanager::Client {
        let stack = &self.ground.stack;
        aws_sdk_secretsmanager::Client::new(&stack.sdk_config(&stack.provider()).await)
    }
}
