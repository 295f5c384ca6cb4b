//! A server that says what it is told to, byte by byte, and counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it does on one connection: its answers in order, then the end of the connection, or silence.
#[derive(Clone)]
pub(crate) struct Manner {
    pub(crate) answers: Vec<&'static str>,
    pub(crate) then: Then,
}

#[derive(Clone, Copy)]
pub(crate) enum Then {
    Close,
    Wait,
}

pub(crate) struct Server {
    pub(crate) address: String,
    pub(crate) connections: Arc<AtomicUsize>,
}

impl Server {
    /// One manner for each connection; the last for all further ones.
    pub(crate) async fn start(manners: Vec<Manner>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let at = count.fetch_add(1, Ordering::SeqCst);
                let manner = manners.get(at).or(manners.last()).cloned().unwrap();
                tokio::spawn(serve(stream, manner));
            }
        });
        Self { address, connections }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, manner: Manner) {
    for answer in &manner.answers {
        if request(&mut stream).await.is_none() {
            return;
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
    if matches!(manner.then, Then::Wait) {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    }
}

/// The head of a request and as much of a body as its length says.
pub(crate) async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut text = String::new();
    while !text.contains("\r\n\r\n") {
        let mut bytes = [0; 4096];
        let read = stream.read(&mut bytes).await.ok().filter(|read| *read > 0)?;
        text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
    }
    Some(text)
}
