//! What comes after an upgrade: bytes both ways, until either side, the supervisor or a newer policy ends it.

use crate::body::BodyError;
use crate::connection::Connection;
use crate::idle::Idle;
use crate::record::Record;
use crate::snapshots::Now;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use policy::access::Reason;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Both ends of an upgraded connection, and the record of the request that upgraded it.
#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(crate) client: OnUpgrade,
    pub(crate) upstream: Upgraded,
    pub(crate) idle: Duration,
    pub(crate) record: Record,
}

/// Moves bytes until one side closes, fails, or neither has moved for the idle time. Dropped, it is cut; either way the
/// request is recorded with what it moved.
pub(crate) async fn run(tunnel: Tunnel) {
    let Tunnel { client, upstream, idle, record } = tunnel;
    let recorded = Recorded { record, moved: Arc::default() };
    let mut upstream = Counted { stream: TokioIo::new(upstream), moved: Arc::clone(&recorded.moved) };
    let moved = Arc::clone(&recorded.moved);
    let copied = async {
        let mut client = TokioIo::new(client.await?);
        tokio::io::copy_bidirectional(&mut client, &mut upstream).await?;
        Ok::<(), BodyError>(())
    };
    let (mut copied, mut idle, mut before) = (pin!(copied), Idle::new(idle), (0, 0));
    let moving = poll_fn(|context| {
        if let Poll::Ready(result) = copied.as_mut().poll(context) {
            return Poll::Ready(result);
        }
        if before != moved.get() {
            before = moved.get();
            idle.moved();
        }
        idle.poll(context).map(|()| Err("idle for too long".into()))
    });
    tokio::select! {
        result = moving => if let Err(error) = result {
            tracing::debug!(%error, "an upgraded connection ended");
        },
        reason = withdrawn(&recorded.record) => {
            let (caller, path) = (recorded.record.connection.caller_id(), recorded.record.uri.path());
            tracing::info!(caller, path, reason = reason.as_str(), "an upgraded connection ended: a newer policy denies it");
        }
        () = old(&recorded.record.connection) => {}
    }
}

/// Until a stream of HTTP/2 is as old as its connection may become, which waits for its streams. Of HTTP/1.1 the connection
/// is the tunnel, and ends by itself.
async fn old(connection: &Connection) {
    if connection.is_http2() {
        tokio::time::sleep_until(connection.old_at().into()).await;
    } else {
        std::future::pending().await
    }
}

/// Until a newer policy would deny the request that was upgraded: it has no next request for the policy to be asked about.
async fn withdrawn(record: &Record) -> Reason {
    let mut policies = record.connection.gate().snapshots.policy.subscribe();
    loop {
        // Asked before the first change, too: the policy may have changed since the request was permitted.
        if let Some(reason) = record.denied_by_policy(Now::read()) {
            return reason;
        }
        if policies.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Bytes from the client and to it.
#[derive(Debug, Default)]
struct Moved(AtomicU64, AtomicU64);

impl Moved {
    fn get(&self) -> (u64, u64) {
        (self.0.load(Ordering::Relaxed), self.1.load(Ordering::Relaxed))
    }
}

#[derive(Debug)]
struct Recorded {
    record: Record,
    moved: Arc<Moved>,
}

impl Drop for Recorded {
    fn drop(&mut self) {
        let (bytes_in, bytes_out) = self.moved.get();
        self.record.finish_tunnel(bytes_in, bytes_out);
    }
}

/// The upstream's side, which counts for both.
struct Counted {
    stream: TokioIo<Upgraded>,
    moved: Arc<Moved>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.moved.1.fetch_add((buffer.filled().len() - before) as u64, Ordering::Relaxed);
        polled
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = polled {
            self.moved.0.fetch_add(count as u64, Ordering::Relaxed);
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
