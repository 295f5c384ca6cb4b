use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use tokio::time::Instant;

use crate::origin::Origin;

/// AWS's endpoints and the load balancers before them keep a connection longer; a network between may not.
const KEEP: Duration = Duration::from_secs(50);

/// The connections that were used and are open. One whose answer is still being read is among them, and is not given
/// out before it has been.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Vec<Kept>>);

#[derive(Debug)]
struct Kept {
    connection: Connection,
    used: Instant,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) origin: Origin,
    pub(crate) sender: SendRequest<Full<Bytes>>,
    /// Set when its user has seen that it serves badly: no further request is sent on it.
    pub(crate) avoided: Arc<AtomicBool>,
}

impl Pool {
    /// The connection to `origin` used last, if one is free.
    pub(crate) fn take(&self, origin: &Origin) -> Option<Connection> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.connection.is_open() && kept.used.elapsed() < KEEP);
        let free = |kept: &Kept| kept.connection.origin == *origin && kept.connection.sender.is_ready();
        let at = kept.iter().rposition(free)?;
        Some(kept.remove(at).connection)
    }

    pub(crate) fn keep(&self, connection: Connection) {
        let kept = Kept { connection, used: Instant::now() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
    }
}

impl Connection {
    fn is_open(&self) -> bool {
        !self.sender.is_closed() && !self.avoided.load(Ordering::Relaxed)
    }
}
