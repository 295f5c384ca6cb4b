//! Step 3, in front of the API: certificates are issued, and the runtime starts behind a load balancer that says which endpoint a
//! connection came through.

use std::path::{Path, PathBuf};

use local_stack::LocalStack;
use policy::SpiffeId;

use super::certificates::{Credentials, Issuer, SERVER_NAME, fetch_crl, foreign};
use super::client::Caller;
use super::consumers::Consumers;
use super::nlb::Nlb;
use super::plumbing;
use super::provider::Provider;
use super::report::{Progress, Report, Step, Stopped};
use super::runtime::{Runtime, Settings};
use super::upstream::Upstream;

/// Who calls most of the time, and whose certificate is revoked in the end.
pub(crate) const ORDERS: &str = "spiffe://internal.example/prod/orders-api";
/// Another caller, whom all this should not concern.
const LEDGER: &str = "spiffe://internal.example/prod/ledger";

/// Certificates as files.
#[derive(Debug)]
pub(crate) struct Certificates {
    /// The root, in PEM.
    pub(crate) root: PathBuf,
    /// The root's CRL, as the runtime reads it.
    pub(crate) crl: PathBuf,
    pub(crate) orders: Credentials,
    pub(crate) ledger: Credentials,
    foreign: Credentials,
    server: Credentials,
}

/// The inner gate with everything around it. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) runtime: Runtime,
    /// The load balancer, as seen from the endpoint of each consumer.
    pub(crate) billing: Nlb,
    pub(crate) shipping: Nlb,
    pub(crate) certificates: Certificates,
    pub(crate) orders: Caller,
    pub(crate) ledger: Caller,
    pub(crate) foreign: Caller,
    _upstream: Upstream,
}

/// Issues the certificates and starts the runtime.
pub(crate) async fn open(
    stack: &LocalStack,
    provider: &Provider,
    consumers: &Consumers,
    binary: &Path,
    folder: &Path,
    report: &mut Report,
) -> Result<Gate, Stopped> {
    report.chapter("3. Certificates, and the runtime behind a load balancer");
    let quiet = Progress::default();
    let step = Step { name: "certificates", title: "the authority issues certificates for keys made here" };
    let certificates = report.step(step, &quiet, certificates(stack, provider, folder)).await?;
    let step = Step { name: "runtime", title: "api-runtime starts behind a sender of PROXY v2 headers" };
    report.step(step, &quiet, start(stack, provider, consumers, certificates, (binary, folder))).await
}

async fn certificates(
    stack: &LocalStack,
    provider: &Provider,
    folder: &Path,
) -> anyhow::Result<(Certificates, String)> {
    let client = aws_sdk_acmpca::Client::new(&stack.sdk_config(&stack.provider()).await);
    let issuer = Issuer { client, authority_arn: &provider.authority.arn, folder };
    let (orders, ledger): (SpiffeId, SpiffeId) = (ORDERS.parse()?, LEDGER.parse()?);
    let issued = tokio::try_join!(
        issuer.server("server"),
        issuer.client("orders-api", &orders),
        issuer.client("ledger", &ledger)
    )?;
    let root = folder.join("root.crt");
    std::fs::write(&root, &provider.authority.certificate_pem)?;
    let crl = folder.join("root.crl");
    fetch_crl(stack, &provider.authority, &crl).await?;
    let certificates = Certificates {
        root,
        crl,
        server: issued.0,
        orders: issued.1,
        ledger: issued.2,
        foreign: foreign(folder, "foreign", &orders)?,
    };
    Ok((certificates, format!("{SERVER_NAME} for the runtime; clients {ORDERS}, {LEDGER}; one foreign")))
}

async fn start(
    stack: &LocalStack,
    provider: &Provider,
    consumers: &Consumers,
    certificates: Certificates,
    (binary, folder): (&Path, &Path),
) -> anyhow::Result<(Gate, String)> {
    let upstream = Upstream::start().await?;
    let root_pem = &provider.authority.certificate_pem;
    let runtime = Runtime::start(&Settings {
        binary,
        folder,
        environment: stack.env(&stack.provider()),
        server: &certificates.server,
        trust_anchors: &certificates.root,
        crl: &certificates.crl,
        tables: &provider.tables,
        upstream: upstream.address,
    })
    .await?;
    plumbing::listener(stack, &provider.service.id, runtime.address, runtime.admin).await?;
    let told = format!(
        "{} healthy; policy, deny list and endpoint inventory from DynamoDB; upstream {}",
        runtime.address, upstream.address
    );
    let gate = Gate {
        billing: Nlb::listen(&consumers.billing, runtime.address).await?,
        shipping: Nlb::listen(&consumers.shipping, runtime.address).await?,
        orders: Caller::new(root_pem, &certificates.orders)?,
        ledger: Caller::new(root_pem, &certificates.ledger)?,
        foreign: Caller::new(root_pem, &certificates.foreign)?,
        certificates,
        runtime,
        _upstream: upstream,
    };
    Ok((gate, told))
}
