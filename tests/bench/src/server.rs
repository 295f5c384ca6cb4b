//! The upstream, and the tunnel before it.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::Outcome;

const BODY: usize = 1024;

pub(crate) async fn upstream(listen: SocketAddr) -> Outcome<()> {
    let listener = TcpListener::bind(listen).await?;
    let answer: Arc<[u8]> =
        [format!("HTTP/1.1 200 OK\r\ncontent-length: {BODY}\r\n\r\n").as_bytes(), &[b'x'; BODY]].concat().into();
    loop {
        let (stream, _) = listener.accept().await?;
        let answer = Arc::clone(&answer);
        tokio::spawn(async move { serve(stream, &answer).await });
    }
}

/// Requests without a body, one after the other.
async fn serve(mut stream: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut held = Vec::with_capacity(4096);
    loop {
        while let Some(end) = held.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            held.drain(..end + 4);
            stream.write_all(answer).await?;
        }
        if stream.read_buf(&mut held).await? == 0 {
            return Ok(());
        }
    }
}

pub(crate) async fn tunnel(listen: SocketAddr, upstream: SocketAddr, config: Arc<ServerConfig>) -> Outcome<()> {
    let (listener, acceptor) = (TcpListener::bind(listen).await?, TlsAcceptor::from(config));
    loop {
        let (stream, _) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            stream.set_nodelay(true)?;
            let mut stream = acceptor.accept(stream).await?;
            let mut behind = TcpStream::connect(upstream).await?;
            behind.set_nodelay(true)?;
            copy_bidirectional(&mut stream, &mut behind).await
        });
    }
}
