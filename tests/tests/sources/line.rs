//! A line to the local AWS that can be cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Line {
    pub(crate) url: String,
    is_cut: Arc<AtomicBool>,
    /// As many as there are connections, and one.
    carried: Arc<()>,
}

impl Line {
    /// To `http://HOST:PORT`.
    pub(crate) async fn to(endpoint: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let is_cut: Arc<AtomicBool> = Arc::default();
        let (cut, target) = (Arc::clone(&is_cut), endpoint.trim_start_matches("http://").to_owned());
        let carried: Arc<()> = Arc::default();
        let each = Arc::downgrade(&carried);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if !cut.load(Ordering::Relaxed) {
                    let (carrying, each) = (carry(stream, target.clone(), Arc::clone(&cut)), each.upgrade());
                    tokio::spawn(async move {
                        carrying.await;
                        drop(each);
                    });
                }
            }
        });
        Self { url, is_cut, carried }
    }

    /// Ready when no connection is left.
    pub(crate) async fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
        while Arc::strong_count(&self.carried) > 1 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
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
