//! Answers that a client of HTTP/2 asks for and does not read. It need only give no window: then nobody polls the body any
//! more, no timer in it fires, and the socket is as free as ever.

use crate::connection::Connection;
use crate::outcome::End;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::AbortHandle;

/// Ends the connection once the client has not asked for more for the idle time. Made for an answer of several pieces
/// only.
#[derive(Debug)]
pub(crate) struct Unread {
    /// How often the body was asked for more; the lowest bit says whether it has been given a piece since.
    asked: Arc<AtomicU64>,
    task: AbortHandle,
}

impl Unread {
    pub(crate) fn new(connection: &Arc<Connection>) -> Self {
        let asked = Arc::new(AtomicU64::new(0));
        let limit = connection.gate().config.limits.idle_timeout;
        let task = tokio::spawn(watch(Arc::clone(connection), Arc::clone(&asked), limit)).abort_handle();
        Self { asked, task }
    }

    /// The body was asked for more. `given`: and there was some, so that it is the client's turn.
    pub(crate) fn asked(&self, given: bool) {
        let asked = self.asked.load(Ordering::Relaxed);
        self.asked.store((asked | 1).wrapping_add(1) | u64::from(given), Ordering::Relaxed);
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn watch(connection: Arc<Connection>, asked: Arc<AtomicU64>, limit: Duration) {
    let mut before = None;
    loop {
        tokio::time::sleep(limit / 2).await;
        let now = asked.load(Ordering::Relaxed);
        if before == Some(now) && now & 1 == 1 {
            return connection.close(End::Stalled);
        }
        before = Some(now);
    }
}
