//! One HTTP request to a loopback port, without a connection pool: its connections would die with the runtime of the test that
//! made them.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

const TIMEOUT: Duration = Duration::from_secs(60);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("the local AWS is not there; was it stopped?")]
    Connect(#[source] std::io::Error),
    #[error("the local AWS broke off")]
    Broken(#[from] hyper::Error),
    #[error("the request cannot be written")]
    Malformed(#[from] http::Error),
    #[error("the local AWS did not answer within {} s", TIMEOUT.as_secs())]
    Timeout,
}

/// Sends to `endpoint` (`http://127.0.0.1:PORT`); the answer's body is read whole.
pub(crate) async fn send(endpoint: &str, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), WireError> {
    tokio::time::timeout(TIMEOUT, exchange(endpoint, request)).await.map_err(|_| WireError::Timeout)?
}

async fn exchange(endpoint: &str, mut request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), WireError> {
    let address = endpoint.trim_start_matches("http://");
    let host = http::HeaderValue::from_str(address).map_err(http::Error::from)?;
    request.headers_mut().insert(http::header::HOST, host);
    let stream = TcpStream::connect(address).await.map_err(WireError::Connect)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    // Ends with the answer; its error, if any, is also the answer's.
    tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}
