//! An upstream that writes down, byte for byte, what reaches it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Each element is what one connection sent.
#[derive(Clone, Default)]
pub struct Recorded(Arc<Mutex<Vec<Vec<u8>>>>);

impl Recorded {
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect()
    }

    pub fn text(&self) -> String {
        self.all().concat()
    }

    pub fn add(&self, bytes: &[u8]) {
        self.0.lock().unwrap().push(bytes.to_vec());
    }

    /// The value of a header in all that came.
    pub fn header(&self, name: &str) -> Option<String> {
        let prefix = format!("{name}: ");
        self.text().lines().find_map(|line| line.strip_prefix(&prefix)).map(str::to_owned)
    }
}

pub const OK: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello";

/// Answers each request with the same bytes, as soon as its head is there.
pub async fn canned(answer: &'static str) -> (SocketAddr, Recorded) {
    let recorded = Recorded::default();
    let addr = each(recorded.clone(), move |mut stream, record| async move {
        let (mut buffer, mut seen) = (vec![0; 65536], Vec::new());
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            record(&buffer[..count]);
            seen.extend_from_slice(&buffer[..count]);
            while let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
                seen.drain(..end + 4);
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        }
    });
    (addr.await, recorded)
}

/// Takes requests and never says a word.
pub async fn silent() -> (SocketAddr, Recorded) {
    let recorded = Recorded::default();
    let addr = each(recorded.clone(), |mut stream, record| async move {
        let mut buffer = vec![0; 65536];
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            record(&buffer[..count]);
        }
    });
    (addr.await, recorded)
}

/// Answers one request of each connection, after a while.
pub async fn slow(after: Duration) -> SocketAddr {
    each(Recorded::default(), move |mut stream, _| async move {
        while let Ok(1..) = stream.read(&mut [0; 4096]).await {
            tokio::time::sleep(after).await;
            let _ = stream.write_all(OK.as_bytes()).await;
        }
    })
    .await
}

/// Sends the head of an answer, then a chunk each so often, for ever.
pub async fn endless(every: Duration) -> SocketAddr {
    each(Recorded::default(), move |mut stream, _| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await;
        while stream.write_all(b"4\r\ntick\r\n").await.is_ok() {
            tokio::time::sleep(every).await;
        }
    })
    .await
}

/// Sends an answer without end as fast as it is taken.
pub async fn flood() -> SocketAddr {
    each(Recorded::default(), |mut stream, _| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n").await;
        while stream.write_all(&[b'x'; 65536]).await.is_ok() {}
    })
    .await
}

pub type Record = Box<dyn Fn(&[u8]) + Send + Sync>;

pub async fn each<F>(recorded: Recorded, serve: impl Fn(TcpStream, Record) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let all = Arc::clone(&recorded.0);
            let place = {
                let mut all = all.lock().unwrap();
                all.push(Vec::new());
                all.len() - 1
            };
            let record: Record = Box::new(move |bytes| all.lock().unwrap()[place].extend_from_slice(bytes));
            tokio::spawn(serve(stream, record));
        }
    });
    addr
}
