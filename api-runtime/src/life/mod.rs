//! The life of one connection after its handshake: HTTP until somebody ends it, then whatever it was upgraded to.

mod http_error;
mod lingering;
mod parked;
mod streams;
mod supervisor;

use crate::application::Application;
use crate::config::Limits;
use crate::connection::{Connection, Observed, Open, RunningTunnel};
use crate::outcome::End;
use crate::request::Requests;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use parked::Parked;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use streams::{Http2, Streams};
pub(crate) use supervisor::FINISH;
use supervisor::{Ended, Graceful, Supervisor};
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, AsyncWriteExt};

/// What the client may send ahead of the upstream on one stream, and on all streams of a connection.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
const STREAMS: u32 = 256;
/// What may wait for a side that takes it slowly.
const BUFFER: usize = 64 << 10;
/// hyper cannot answer before it has read a whole head.
const SLOW_HEADER: &[u8] = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
const LONG_TARGET: &[u8] = b"HTTP/1.1 414 URI Too Long\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// hyper, set up once for all connections of a listener.
#[derive(Clone, Debug)]
pub(crate) struct Builders {
    http1: http1::Builder,
    header_list_size: u32,
    takes_websocket: bool,
}

impl Builders {
    pub(crate) fn new(limits: &Limits, takes_websocket: bool) -> Self {
        let mut http1 = http1::Builder::new();
        // hyper's own timer also runs while a kept-alive connection idles; the supervisor's does not.
        http1.header_read_timeout(None);
        http1.max_header_size(limits.header_bytes).max_buf_size(limits.header_bytes.max(BUFFER));
        let header_list_size = u32::try_from(limits.header_bytes).unwrap_or(u32::MAX);
        Self { http1, header_list_size, takes_websocket }
    }

    fn http2(&self, streams: Streams) -> http2::Builder<Streams> {
        let mut http2 = http2::Builder::new(streams);
        http2
            .max_header_list_size(self.header_list_size)
            .max_concurrent_streams(STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buf_size(BUFFER);
        if self.takes_websocket {
            http2.enable_connect_protocol();
        }
        http2
    }
}

/// Serves a connection to its end.
pub(crate) async fn run<S, A>(open: Open, stream: S, app: A, builders: Arc<Builders>)
where
    S: AsyncBufRead + AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Application,
{
    let connection = &open.connection;
    let stream = Observed::new(stream, Arc::clone(connection));
    let mut supervisor = Supervisor::new(connection);
    let ended = if connection.is_http2() {
        let (streams, requests) = (Streams::of_this_task(), Requests::new(Arc::clone(connection), app));
        let http = builders.http2(streams.clone()).serve_connection(TokioIo::new(stream), requests);
        supervisor.supervise(&mut Http2::new(http, streams)).await
    } else {
        run_http1(&mut supervisor, connection, stream, app, &builders.http1).await
    };
    match ended {
        Ended::Well => {
            if let Some(tunnel) = connection.take_tunnel() {
                supervisor.begin_tunnel();
                supervisor.supervise(&mut Tunnelled(tunnel)).await;
            }
        }
        Ended::Badly(error) => http_error::ended(connection, &error),
        // Of HTTP/1.1 it is said where it is answered.
        Ended::Cut(End::SlowHeader) if connection.is_http2() => {
            http_error::tell(connection, None, "headerTimeout");
        }
        Ended::Cut(_) | Ended::Quiet => {}
    }
}

async fn run_http1<S, A>(
    supervisor: &mut Supervisor<'_>,
    connection: &Arc<Connection>,
    mut stream: Observed<S>,
    app: A,
    builder: &http1::Builder,
) -> Ended
where
    S: AsyncBufRead + AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Application,
{
    loop {
        let requests = Requests::new(Arc::clone(connection), app.clone());
        let mut http = Box::new(builder.serve_connection(TokioIo::new(stream), requests).with_upgrades());
        let ended = supervisor.supervise(&mut *http).await;
        let left = match &ended {
            Ended::Quiet | Ended::Cut(End::SlowHeader) => http.into_parts(),
            ended if may_send_on(connection, ended) => http.into_parts(),
            _ => None,
        };
        let Some(left) = left else { return ended };
        let mut parked = left.io.into_inner().and_before_it(left.read_buf);
        match ended {
            Ended::Quiet => {}
            Ended::Cut(_) => {
                http_error::tell(connection, Some(408), "headerTimeout");
                say(&mut parked, SLOW_HEADER).await;
                return ended;
            }
            Ended::Well | Ended::Badly(_) => {
                part(supervisor, connection, parked, &ended).await;
                return Ended::Quiet;
            }
        }
        let mut parked = Parked::new(parked, connection);
        match supervisor.supervise(&mut parked).await {
            Ended::Well => {}
            ended => return ended,
        }
        match parked.into_stream() {
            Some(next) => stream = next,
            None => return Ended::Quiet,
        }
    }
}

/// Whether the client was answered, or is to be, and the connection closed, while a part of its request may be still on the
/// way.
fn may_send_on(connection: &Connection, ended: &Ended) -> bool {
    match ended {
        Ended::Well => connection.activity.has_unread(),
        Ended::Badly(error) => error.is_parse() || http_error::is_target_too_long(error),
        Ended::Cut(_) | Ended::Quiet => false,
    }
}

/// Says what is left to be said, and lets the client hear it.
async fn part<S>(supervisor: &mut Supervisor<'_>, connection: &Connection, mut stream: Observed<S>, ended: &Ended)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    if let Ended::Badly(error) = ended {
        http_error::ended(connection, error);
        if http_error::is_target_too_long(error) {
            say(&mut stream, LONG_TARGET).await;
        }
    }
    // Those who are turned away have few places, which others need.
    if !connection.is_overloaded() {
        lingering::linger(supervisor, stream.into_stream()).await;
    }
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), answer: &[u8]) {
    let said = async {
        stream.write_all(answer).await?;
        stream.shutdown().await
    };
    // Whoever does not even read has been told enough.
    let _ = tokio::time::timeout(Duration::from_millis(250), said).await;
}

/// A tunnel under supervision. It knows no graceful end.
struct Tunnelled(RunningTunnel);

impl Future for Tunnelled {
    type Output = hyper::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.as_mut().poll(context).map(Ok)
    }
}

impl Graceful for Tunnelled {
    fn graceful(&mut self) {}

    fn is_tunnel(&self) -> bool {
        true
    }
}
