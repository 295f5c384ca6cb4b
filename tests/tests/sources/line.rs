//! A line to the local AWS that can be cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Line {
    pub(crate) url: String,
    is_cut: Arc<AtomicBool>,
}

impl Line {
    /// To `http://HOST:PORT`.
    pub(crate) async fn to(endpoint: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let is_cut: Arc<AtomicBool> = Arc::default();
        let (cut, target) = (Arc::clone(&is_cut), endpoint.trim_start_matches("http://").to_owned());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if !cut.load(Ordering::Relaxed) {
                    tokio::spawn(carry(stream, target.clone(), Arc::clone(&cut)));
                }
            }
        });
        Self { url, is_cut }
    }

    pub(crate) fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
    }

    pub(crate) fn mend(&self) {
        self.is_cut.store(false, Ordering::Relaxed);
    }
}

async fn carry(mut near: TcpStream, target: String, is_cut: Arc<AtomicBool>) {
    let Ok(mut far) = TcpStream::connect(target).await else { return };
    let cut = async {
        while !is_cut.load(Ordering::Relaxed) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
        () = cut => {}
    }
}
