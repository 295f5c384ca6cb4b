//! The load. Requests are due at fixed times whatever became of those before; one that must wait for its connection has
//! waited since it was due.

use std::io::Write;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::{Load, Outcome, tls};

const REQUEST: &[u8] = b"GET /v1/orders/1 HTTP/1.1\r\nhost: localhost\r\n\r\n";

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// What one connection saw.
#[derive(Default)]
struct Seen {
    latencies: Vec<Duration>,
    /// Anything but a 200.
    errors: usize,
}

async fn connect(load: &Load) -> Outcome<Box<dyn Stream>> {
    let stream = TcpStream::connect(load.address).await?;
    stream.set_nodelay(true)?;
    let Some(authorities) = &load.authorities else { return Ok(Box::new(stream)) };
    let connector = TlsConnector::from(tls::client(authorities, load.own.as_deref())?);
    Ok(Box::new(connector.connect(ServerName::try_from("localhost")?, stream).await?))
}

/// Sends one request and reads its answer to the end. Whether it was a 200.
async fn exchange(stream: &mut dyn Stream, held: &mut Vec<u8>) -> std::io::Result<bool> {
    stream.write_all(REQUEST).await?;
    let end = loop {
        if let Some(end) = held.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(held).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    };
    let head = String::from_utf8_lossy(held.get(..end).unwrap_or_default()).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    let whole = end + length.unwrap_or(0);
    while held.len() < whole {
        if stream.read_buf(held).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    held.drain(..whole);
    Ok(head.starts_with("http/1.1 200"))
}

/// Requests when they are due.
async fn paced(mut stream: Box<dyn Stream>, mut due: UnboundedReceiver<Instant>) -> Seen {
    let (mut seen, mut held) = (Seen::default(), Vec::with_capacity(8192));
    while let Some(at) = due.recv().await {
        match exchange(&mut *stream, &mut held).await {
            Ok(true) => seen.latencies.push(at.elapsed()),
            Ok(false) => seen.errors += 1,
            Err(_) => {
                seen.errors += 1;
                break;
            }
        }
    }
    seen
}

/// One request after the other.
async fn closed(mut stream: Box<dyn Stream>, until: Instant) -> Seen {
    let (mut seen, mut held) = (Seen::default(), Vec::with_capacity(8192));
    while Instant::now() < until {
        let began = Instant::now();
        match exchange(&mut *stream, &mut held).await {
            Ok(true) => seen.latencies.push(began.elapsed()),
            Ok(false) | Err(_) => {
                seen.errors += 1;
                break;
            }
        }
    }
    seen
}

/// A thread of its own keeps the times: a busy executor would be late.
fn pace(load: &Load, connections: Vec<UnboundedSender<Instant>>) {
    let (began, gap, lasts) = (Instant::now(), Duration::from_secs_f64(1.0 / load.rate), load.lasts());
    for (number, connection) in (0_u32..).zip(connections.iter().cycle()) {
        let due = gap * number;
        if due > lasts {
            return;
        }
        if let Some(left) = due.checked_sub(began.elapsed()) {
            std::thread::sleep(left);
        }
        // Whoever broke off does not answer; that is counted there.
        let _ = connection.send(began + due);
    }
}

pub(crate) async fn run(load: Load) -> Outcome<()> {
    let mut streams = Vec::new();
    for _ in 0..load.connections {
        streams.push(connect(&load).await?);
    }
    let (began, mut tasks) = (Instant::now(), JoinSet::new());
    if load.rate > 0.0 {
        let mut senders = Vec::new();
        for stream in streams {
            let (sender, due) = unbounded_channel();
            senders.push(sender);
            tasks.spawn(paced(stream, due));
        }
        let load = load.clone();
        std::thread::spawn(move || pace(&load, senders));
    } else {
        streams.into_iter().for_each(|stream| drop(tasks.spawn(closed(stream, began + load.lasts()))));
    }
    let mut all = Seen::default();
    while let Some(seen) = tasks.join_next().await {
        let Seen { latencies, errors } = seen?;
        all.latencies.extend(latencies);
        all.errors += errors;
    }
    report(all, began.elapsed())
}

fn report(mut all: Seen, took: Duration) -> Outcome<()> {
    all.latencies.sort_unstable();
    let quantile = |part: f64| {
        let at = ((all.latencies.len() as f64 * part).ceil() as usize).saturating_sub(1);
        all.latencies.get(at).map(|latency| latency.as_secs_f64() * 1e6)
    };
    let number = |value: Option<f64>| value.map_or("null".to_owned(), |value| format!("{value:.1}"));
    let [p50, p95, p99] = [0.5, 0.95, 0.99].map(|part| number(quantile(part)));
    let (requests, errors) = (all.latencies.len(), all.errors);
    let rate = requests as f64 / took.as_secs_f64();
    writeln!(
        std::io::stdout(),
        "{{\"requests\":{requests},\"errors\":{errors},\"rate\":{rate:.1},\"p50\":{p50},\"p95\":{p95},\"p99\":{p99}}}"
    )?;
    Ok(())
}
