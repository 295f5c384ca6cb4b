//! From listening sockets to connections, and from a signal to the end.

use crate::admin::{self, Ports};
use crate::application::{Application, BuiltIn, Mounted};
use crate::body::{Body, BodyError};
use crate::config::Config;
use crate::connection::Gate;
use crate::export::Exports;
use crate::forward::Forward;
use crate::life::FINISH;
use crate::reception::{BREATH, Drain, Reception};
use crate::snapshots::{Snapshots, StartError};
use crate::watch;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;
use tower::Service;

/// Why there is nothing to serve on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// An address is taken, or not ours.
    #[error("cannot listen on `{address}`")]
    Bind {
        /// As configured.
        address: SocketAddr,
        /// The system's word.
        source: io::Error,
    },
    /// A certificate, a policy or a list cannot be used.
    #[error(transparent)]
    Snapshots(#[from] StartError),
    /// The access log cannot be written.
    #[error("cannot open the access log; see `telemetry.accessLog`")]
    AccessLog(#[source] io::Error),
}

/// The sockets that the configuration names, with everything loaded that a connection needs. `/health` and the other
/// operators' pages answer from now on; callers are served once it is given to [`serve`] or [`run`].
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    addresses: Addresses,
    gate: Arc<Gate>,
    exports: Exports,
    /// Ends with the listener.
    _tasks: Tasks,
}

#[derive(Clone, Copy, Debug)]
struct Addresses {
    callers: SocketAddr,
    admin: SocketAddr,
    health: Option<SocketAddr>,
}

/// What runs beside the connections, as long as this lives.
#[derive(Debug)]
struct Tasks(Vec<AbortHandle>);

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl Listener {
    /// Opens the operators' ports, loads and checks everything, and only then opens the port for callers.
    ///
    /// # Errors
    /// See [`ListenError`]; nothing is left running.
    pub async fn bind(config: Config) -> Result<Self, ListenError> {
        let admin = bind(config.admin_listen).await?;
        let health = match config.health_listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let address = |listener: &TcpListener, configured| listener.local_addr().unwrap_or(configured);
        let admin_address = address(&admin, config.admin_listen);
        let health_address =
            health.as_ref().zip(config.health_listen).map(|(listener, configured)| address(listener, configured));
        let ports = Arc::new(Ports::default());
        let mut tasks = Tasks(vec![tokio::spawn(admin::serve_operators(admin, Arc::clone(&ports))).abort_handle()]);
        tasks
            .0
            .extend(health.map(|health| tokio::spawn(admin::serve_health(health, Arc::clone(&ports))).abort_handle()));
        let snapshots = Snapshots::start(&config).await?;
        let tcp = bind(config.listen).await?;
        let callers = address(&tcp, config.listen);
        let gate = Arc::new(Gate::new(config, snapshots).map_err(ListenError::AccessLog)?);
        let exports = Exports::start(&gate).map_err(ListenError::AccessLog)?;
        ports.ready(Arc::clone(&gate));
        tasks.0.extend(watch::start(&gate));
        let addresses = Addresses { callers, admin: admin_address, health: health_address };
        tracing::info!(%callers, admin = %addresses.admin, health = ?addresses.health, "listening");
        Ok(Self { tcp, addresses, gate, exports, _tasks: tasks })
    }

    /// Where callers connect.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.addresses.callers
    }

    /// Where operators connect.
    #[must_use]
    pub fn admin_addr(&self) -> SocketAddr {
        self.addresses.admin
    }

    /// Where the load balancer asks for our health, if it has a port of its own.
    #[must_use]
    pub fn health_addr(&self) -> Option<SocketAddr> {
        self.addresses.health
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| ListenError::Bind { address, source })
}

/// Serves an application of your own behind the gate, until `shutdown` is ready and the drain is over.
///
/// Only requests that the access policy permits reach it. The extensions of each hold the [`Permit`](crate::Permit) and,
/// as `Arc<Peer>`, the [`Peer`](crate::Peer); its path is the one that was authorized. `upstream` of the configuration
/// is not used.
///
/// An axum router is such a service:
///
/// ```no_run
/// use api_runtime::{Config, Listener, Permit};
/// use axum::{Extension, Router, routing::get};
///
/// async fn hello(Extension(permit): Extension<Permit>) -> String {
///     format!("hello {}", permit.identity())
/// }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = Listener::bind(Config::load(Some("runtime.yaml".as_ref()), None)?).await?;
/// let app = Router::new().route("/v1/hello", get(hello));
/// api_runtime::serve(listener, app, std::future::pending::<()>()).await;
/// # Ok(())
/// # }
/// ```
///
/// and so is a function:
///
/// ```no_run
/// # use api_runtime::{Body, Listener, Permit};
/// # use http::{Request, Response};
/// # async fn example(listener: Listener) {
/// let app = tower::service_fn(|request: Request<Body>| async move {
///     let caller = request.extensions().get::<Permit>().map(|permit| permit.identity().to_string());
///     Ok::<_, std::convert::Infallible>(Response::new(Body::from(caller.unwrap_or_default())))
/// });
/// api_runtime::serve(listener, app, std::future::pending::<()>()).await;
/// # }
/// ```
pub async fn serve<S, B>(listener: Listener, app: S, shutdown: impl Future<Output: Into<Drain>>)
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<BodyError>,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BodyError>,
{
    serve_application(listener, Mounted::new(app), shutdown).await;
}

/// Serves as configured: forwards to `upstream`, or says who called if there is none. What the binary does.
pub async fn run(listener: Listener, shutdown: impl Future<Output: Into<Drain>>) {
    match &listener.gate.config.upstream {
        Some(upstream) => {
            let forward = Forward::new(upstream);
            serve_application(listener, forward, shutdown).await;
        }
        None => serve_application(listener, BuiltIn, shutdown).await,
    }
}

async fn serve_application<A: Application>(listener: Listener, app: A, shutdown: impl Future<Output: Into<Drain>>) {
    let Listener { tcp, gate, exports, _tasks, .. } = listener;
    let reception = Reception::new(Arc::clone(&gate), app);
    reception.accept_until(&tcp, shutdown).await;
    drop(tcp);
    gate.connections.drain();
    let ended = tokio::time::timeout(FINISH + BREATH, reception.all_ended()).await.is_ok();
    tracing::info!(ended, "drained");
    exports.finish().await;
    if let Some(log) = &gate.log {
        log.close();
    }
}
