//! New connections: accepted within the limits, authenticated, and served in a task of their own.

use crate::access_log;
use crate::application::Application;
use crate::connection::{Connection, Gate};
use crate::handshake::{self, Established, Facts, HandshakeCause, HandshakeFailure};
use crate::life::{self, Builders};
use policy::Timestamp;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// So many connections beyond `limits.connections` are answered 503 at a time.
const SPARE: usize = 64;

/// How long a handshake has its turn. It takes milliseconds to reckon; what takes longer waits for its caller.
const TURN: Duration = Duration::from_millis(250);

/// How long a failed accept waits before the next: it failed for want of something, file descriptors for example.
pub(crate) const BREATH: Duration = Duration::from_millis(50);

/// How to come to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Drain {
    /// `/health` answers 503 and callers are served on for `limits.drain`; then what is in flight has 5 s.
    #[default]
    Configured,
    /// What is in flight has 5 s from now.
    AtOnce,
}

impl From<()> for Drain {
    fn from((): ()) -> Self {
        Self::Configured
    }
}

/// What every new connection is given.
pub(crate) struct Reception<A> {
    gate: Arc<Gate>,
    app: A,
    builders: Arc<Builders>,
    connections: Arc<Semaphore>,
    /// For connections beyond the limit, to be told so.
    spare: Arc<Semaphore>,
    handshakes: Arc<Semaphore>,
}

impl<A: Application> Reception<A> {
    pub(crate) fn new(gate: Arc<Gate>, app: A) -> Self {
        let limits = &gate.config.limits;
        Self {
            builders: Arc::new(Builders::new(limits, app.takes_websocket())),
            connections: Arc::new(Semaphore::new(limits.connections)),
            spare: Arc::new(Semaphore::new(SPARE)),
            handshakes: Arc::new(Semaphore::new(limits.handshakes)),
            app,
            gate,
        }
    }

    /// Waits until there is no connection left, and lets no new one in.
    pub(crate) async fn all_ended(&self) {
        let all = u32::try_from(self.gate.config.limits.connections).unwrap_or(u32::MAX);
        let _ = self.connections.acquire_many(all).await;
        let _ = self.spare.acquire_many(SPARE as u32).await;
    }

    /// Accepts until the shutdown, and then for as long as the drain says: whoever has not heard of it is still served.
    pub(crate) async fn accept_until(&self, tcp: &TcpListener, shutdown: impl Future<Output: Into<Drain>>) {
        let mut accepting = pin!(self.accept(tcp));
        let drain = tokio::select! {
            () = &mut accepting => Drain::AtOnce,
            drain = shutdown => drain.into(),
        };
        self.gate.start_draining(drain == Drain::Configured);
        tracing::info!(?drain, connections = self.gate.connections.len(), "draining");
        if drain == Drain::Configured {
            let _ = tokio::time::timeout(self.gate.config.limits.drain, accepting).await;
        }
    }

    /// Accepts as long as it is polled. Beyond the limit there are a few places to be told 503 in; without one of either,
    /// callers wait in the kernel's queue instead of in our memory.
    async fn accept(&self, tcp: &TcpListener) {
        while let Some((place, is_spare)) = self.place().await {
            match tcp.accept().await {
                Ok((stream, remote)) => match Arc::clone(&self.connections).try_acquire_owned() {
                    // It became free meanwhile.
                    Ok(place) if is_spare => self.receive(stream, remote, place, false),
                    _ => self.receive(stream, remote, place, is_spare),
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
    }

    /// The first place that is free, and whether it is one of those to be told 503 in.
    async fn place(&self) -> Option<(OwnedSemaphorePermit, bool)> {
        tokio::select! {
            biased;
            place = Arc::clone(&self.connections).acquire_owned() => Some((place.ok()?, false)),
            spare = Arc::clone(&self.spare).acquire_owned() => Some((spare.ok()?, true)),
        }
    }

    fn receive(&self, stream: TcpStream, remote: SocketAddr, place: OwnedSemaphorePermit, overloaded: bool) {
        let (gate, app) = (Arc::clone(&self.gate), self.app.clone());
        let (builders, handshakes) = (Arc::clone(&self.builders), Arc::clone(&self.handshakes));
        tokio::spawn(async move {
            let _place = place;
            // Small answers go out when they are written, not when the caller has acknowledged the one before.
            let _ = stream.set_nodelay(true);
            match handshake(&gate, &handshakes, stream, remote).await {
                Ok(established) => Box::pin(serve_connection(gate, established, app, builders, overloaded)).await,
                Err(failure) => failed(&gate, &failure),
            }
        });
    }
}

/// A turn is taken only by who has something to say, and not kept while nothing more comes: neither sockets that stay
/// silent nor those that stop in the middle keep others out.
async fn handshake(
    gate: &Gate,
    handshakes: &Semaphore,
    stream: TcpStream,
    remote: SocketAddr,
) -> Result<Established, HandshakeFailure> {
    let turn = async {
        // Not `readable`: that may be ready when nothing is there.
        stream.peek(&mut [0]).await.ok();
        handshakes.acquire().await.ok()
    };
    // One for all of it: whoever lets half of it pass before the first byte has the other half left.
    let deadline = Instant::now() + gate.config.limits.handshake_timeout;
    match tokio::time::timeout_at(deadline, turn).await {
        Ok(turn) => {
            // Who has spoken meanwhile keeps the turn, however late it is our time: `timeout` lets the handshake go on first.
            let mut accepted = pin!(handshake::accept(stream, remote, &gate.snapshots, &gate.config, deadline));
            if let Ok(in_turn) = tokio::time::timeout(TURN, accepted.as_mut()).await {
                return in_turn;
            }
            drop(turn);
            accepted.await
        }
        Err(_) => Err(HandshakeFailure {
            cause: HandshakeCause::Timeout,
            detail: "nothing came, or too many handshakes were under way".to_owned(),
            endpoint: None,
            source: remote,
            claimed: None,
        }),
    }
}

async fn serve_connection<A: Application>(
    gate: Arc<Gate>,
    established: Established,
    app: A,
    builders: Arc<Builders>,
    overloaded: bool,
) {
    gate.metrics.handshake();
    let Established { stream, peer, alpn_h2, endpoint, tls_version, source } = established;
    gate.sight(peer.as_deref(), endpoint.as_ref());
    let place = gate.connections.place(endpoint.as_ref());
    let facts = Facts { peer, endpoint, source, tls_version, http2: alpn_h2 };
    let connection = Connection::new(Arc::clone(&gate), facts, overloaded || !place.is_free);
    let open = gate.connections.open(Arc::new(connection), place);
    drop(gate);
    life::run(open, stream, app, builders).await;
}

fn failed(gate: &Gate, failure: &HandshakeFailure) {
    gate.metrics.handshake_failure(failure.cause);
    if let Some(log) = &gate.log {
        log.line(|out| access_log::handshake_failure(out, Timestamp::now(), failure));
    }
}
