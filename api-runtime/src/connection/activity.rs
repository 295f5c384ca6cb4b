//! What a connection is doing, so that its deadlines can be told: hyper's own header timer also runs while a kept-alive
//! connection idles, and it has no idle timer at all.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::Connection;
use super::first_line::{FirstLine, Piece, TargetTooLong};
use super::heads::{Heads, Place};
use bytes::Bytes;

/// Numbers that the connection's tasks write and its supervisor reads. All are hints for timeouts, so nothing needs
/// more than relaxed order.
#[derive(Debug, Default)]
pub(crate) struct Activity {
    bytes_in: AtomicU64,
    /// `bytes_in` when the last request's head was complete: what came later belongs to the next one.
    claimed: AtomicU64,
    in_flight: AtomicU32,
    /// When the last request ended, in microseconds of the process's clock.
    idle_since: AtomicU64,
    /// Whether we have begun to close it.
    closing: AtomicBool,
    /// Whether the last request may have a body that was not read to its end.
    unread: AtomicBool,
    /// Since when the client takes nothing although there is something to send; 0: it does not.
    stalled_since: AtomicU64,
    /// Of HTTP/2: how many heads are complete, and in the lowest two bits the [`Place`].
    heads: AtomicU64,
}

impl Activity {
    pub(crate) fn new() -> Self {
        Self { idle_since: AtomicU64::new(micros(Instant::now())), ..Self::default() }
    }

    /// Whether a part of the last request's body may be still to come.
    pub(crate) fn leaves_unread(&self, unread: bool) {
        self.unread.store(unread, Ordering::Relaxed);
    }

    pub(crate) fn has_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// A request's head is complete.
    pub(crate) fn head_complete(&self) {
        self.claimed.store(self.bytes_in.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// So many bytes were read with a request and belong to the next one.
    fn unclaim(&self, count: usize) {
        let claimed = self.claimed.load(Ordering::Relaxed);
        self.claimed.store(claimed.wrapping_sub(count as u64), Ordering::Relaxed);
    }

    /// A request will be answered later.
    pub(crate) fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A request that began has ended; what came of its body is not a part of the next head.
    pub(crate) fn end(&self, now: Instant) {
        self.head_complete();
        self.idle_since.store(micros(now), Ordering::Relaxed);
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// A request was answered at once.
    pub(crate) fn answered(&self, now: Instant) {
        self.idle_since.store(micros(now), Ordering::Relaxed);
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.in_flight.load(Ordering::Relaxed) == 0
    }

    /// Whether what comes is a part of a request's head.
    fn awaits_head(&self) -> bool {
        self.is_idle() && !self.has_unread()
    }

    /// How much was read when the last head was complete.
    fn heads_end(&self) -> u64 {
        self.claimed.load(Ordering::Relaxed)
    }

    /// Whether there is nothing but the next request to wait for.
    pub(crate) fn is_quiet(&self) -> bool {
        let nothing_to_send = self.stalled_since.load(Ordering::Relaxed) == 0;
        self.is_idle() && !self.has_part_of_head() && nothing_to_send && !self.closing.load(Ordering::Relaxed)
    }

    pub(crate) fn idle_since(&self) -> Instant {
        instant(self.idle_since.load(Ordering::Relaxed))
    }

    /// Whether a part of a request's head has come.
    pub(crate) fn has_part_of_head(&self) -> bool {
        self.is_idle() && self.bytes_in.load(Ordering::Relaxed) != self.claimed.load(Ordering::Relaxed)
    }

    /// If a part of a request's head has come, a number that is another for the next head: a client that never pauses
    /// always has sent part of one.
    pub(crate) fn part_of_head(&self, is_http2: bool) -> Option<u64> {
        if !is_http2 {
            return self.has_part_of_head().then(|| self.claimed.load(Ordering::Relaxed));
        }
        let heads = self.heads.load(Ordering::Relaxed);
        let is_part = match heads & 3 {
            IN_HEAD => true,
            UNKNOWN => self.is_idle(),
            _ => false,
        };
        is_part.then_some(heads >> 2)
    }

    fn note(&self, heads: &Heads) {
        let (place, complete) = heads.place();
        self.heads.store(complete << 2 | place as u64, Ordering::Relaxed);
    }

    pub(crate) fn stalled_since(&self) -> Option<Instant> {
        match self.stalled_since.load(Ordering::Relaxed) {
            0 => None,
            since => Some(instant(since)),
        }
    }

    fn stalled(&self, stalled: bool) {
        match (stalled, self.stalled_since.load(Ordering::Relaxed)) {
            (true, 0) => self.stalled_since.store(micros(Instant::now()), Ordering::Relaxed),
            (true, _) | (false, 0) => {}
            (false, _) => self.stalled_since.store(0, Ordering::Relaxed),
        }
    }
}

/// Only one task at a time reads a connection, so that load and store do for a locked addition.
fn add(counter: &AtomicU64, count: usize) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(count as u64), Ordering::Relaxed);
}

const UNKNOWN: u64 = Place::Unknown as u64;
const IN_HEAD: u64 = Place::InHead as u64;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Never 0.
fn micros(at: Instant) -> u64 {
    let since = at.saturating_duration_since(*START);
    since.as_secs() * 1_000_000 + u64::from(since.subsec_micros()) + 1
}

fn instant(micros: u64) -> Instant {
    *START + Duration::from_micros(micros)
}

/// A stream that notes what passes.
#[derive(Debug)]
pub(crate) struct Observed<S> {
    stream: S,
    connection: Arc<Connection>,
    /// To be read before it; noted already.
    before: Bytes,
    protocol: Protocol,
}

/// What is looked for in what is read.
#[derive(Debug)]
enum Protocol {
    Http1(FirstLine),
    Http2(Box<Heads>),
}

impl<S> Observed<S> {
    pub(crate) fn new(stream: S, connection: Arc<Connection>) -> Self {
        let protocol = if connection.is_http2() {
            Protocol::Http2(Box::new(Heads::new()))
        } else {
            Protocol::Http1(FirstLine::new(connection.gate().config.limits.header_bytes))
        };
        Self { stream, connection, before: Bytes::new(), protocol }
    }

    /// The stream, for bytes that mean nothing.
    pub(crate) fn into_stream(self) -> S {
        self.stream
    }

    /// The stream with what was read from it and not used.
    pub(crate) fn and_before_it(mut self, unused: Bytes) -> Self {
        self.connection.activity.unclaim(unused.len());
        // Even of nothing the bytes would keep hyper's buffer.
        self.before = if unused.is_empty() { Bytes::new() } else { unused };
        self
    }
}

impl<S: AsyncBufRead + Unpin> Observed<S> {
    /// Ready when there is something to read, be it the end or an error.
    pub(crate) fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.before.is_empty() {
            Pin::new(&mut self.stream).poll_fill_buf(context).map(drop)
        } else {
            Poll::Ready(())
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Observed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.before.is_empty() {
            let count = self.before.len().min(buffer.remaining());
            buffer.put_slice(&self.before.split_to(count));
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let Self { stream, connection, protocol, .. } = &mut *self;
        let polled = Pin::new(stream).poll_read(context, buffer);
        let (activity, read) = (&connection.activity, buffer.filled().get(before..).unwrap_or_default());
        add(&activity.bytes_in, read.len());
        match protocol {
            Protocol::Http1(line) => {
                if line.concerns(read) && activity.awaits_head() {
                    let head = activity.heads_end();
                    let is_first = activity.bytes_in.load(Ordering::Relaxed) == head.wrapping_add(read.len() as u64);
                    match line.see(head, is_first, read) {
                        Piece::Passes => {}
                        Piece::Begins => buffer.set_filled(before + 1),
                        Piece::Refused => return Poll::Ready(Err(io::Error::other(TargetTooLong))),
                    }
                }
            }
            Protocol::Http2(heads) => {
                heads.see(read);
                activity.note(heads);
            }
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Observed<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.connection.activity.stalled(polled.is_pending());
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.connection.activity.stalled(polled.is_pending());
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(context);
        self.connection.activity.stalled(polled.is_pending());
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.activity.closing.store(true, Ordering::Relaxed);
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
