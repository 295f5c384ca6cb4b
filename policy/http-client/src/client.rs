use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::RootCertStore;
use tokio::time::timeout;

use crate::HttpError;
use crate::dial::Dialer;
use crate::origin::Origin;
use crate::pool::{Connection, Pool};

/// How long a request may take; `None` is for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// To connect, TLS included.
    pub connect: Option<Duration>,
    /// From the request to the headers of its answer, connecting included.
    pub answer: Option<Duration>,
}

/// The client; clones share its connections.
#[derive(Clone)]
pub struct HttpClient(Arc<Shared>);

struct Shared {
    dialer: Dialer,
    pool: Pool,
}

impl HttpClient {
    /// A client that believes these authorities. Nothing is connected yet.
    ///
    /// # Errors
    /// TLS cannot be configured.
    pub fn new(authorities: RootCertStore) -> Result<Self, rustls::Error> {
        Ok(Self(Arc::new(Shared { dialer: Dialer::new(authorities)?, pool: Pool::default() })))
    }

    /// Sends a request to the absolute address that it holds. The answer's body is still to be read; until then, or
    /// until it is dropped, no other request goes over its connection.
    ///
    /// # Errors
    /// There is no answer. Whether the server has acted on the request is then unknown, unless no connection came about.
    pub async fn send(&self, request: Request<Full<Bytes>>, limits: Limits) -> Result<Response<Incoming>, HttpError> {
        Ok(self.exchange(request, limits).await?.0)
    }

    /// The same, with what to set when the connection is not to be used again.
    pub(crate) async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
        limits: Limits,
    ) -> Result<(Response<Incoming>, Arc<AtomicBool>), HttpError> {
        let origin = Origin::split(&mut request)?;
        let answer = self.on_any_connection(request, &origin, limits);
        match limits.answer {
            None => answer.await,
            Some(within) => match timeout(within, answer).await {
                Ok(answer) => answer,
                Err(_) => Err(HttpError::AnswerTimeout { origin: origin.to_string(), within }),
            },
        }
    }

    async fn on_any_connection(
        &self,
        mut request: Request<Full<Bytes>>,
        origin: &Origin,
        limits: Limits,
    ) -> Result<(Response<Incoming>, Arc<AtomicBool>), HttpError> {
        // What the servers closed meanwhile is seen first, also by a process that was frozen.
        tokio::task::yield_now().await;
        loop {
            let (mut connection, is_new) = match self.0.pool.take(origin) {
                Some(connection) => (connection, false),
                None => (self.connect(origin, limits.connect).await?, true),
            };
            let mut failure = match connection.sender.try_send_request(request).await {
                Ok(response) => {
                    let avoided = connection.avoided.clone();
                    self.0.pool.keep(connection);
                    return Ok((response, avoided));
                }
                Err(failure) => failure,
            };
            // Given back unsent: the server had closed a kept connection. It can have seen nothing of the request.
            match failure.take_message().filter(|_| !is_new) {
                Some(unsent) => request = unsent,
                None => {
                    return Err(HttpError::Exchange { origin: origin.to_string(), cause: failure.into_error() });
                }
            }
        }
    }

    async fn connect(&self, origin: &Origin, limit: Option<Duration>) -> Result<Connection, HttpError> {
        let connecting = self.0.dialer.connect(origin);
        let stream = match limit {
            None => connecting.await,
            Some(within) => match timeout(within, connecting).await {
                Ok(stream) => stream,
                Err(_) => return Err(HttpError::ConnectTimeout { origin: origin.to_string(), within }),
            },
        };
        let stream = stream.map_err(|cause| HttpError::Connect { origin: origin.to_string(), cause })?;
        let spoken = http1::handshake(TokioIo::new(stream)).await;
        let (sender, driver) = spoken.map_err(|cause| HttpError::Exchange { origin: origin.to_string(), cause })?;
        tokio::spawn(async move {
            // Whoever waits for an answer is told as well.
            if let Err(error) = driver.await {
                tracing::debug!(%error, "a connection ended");
            }
        });
        Ok(Connection { origin: origin.clone(), sender, avoided: Arc::default() })
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("pool", &self.0.pool).finish_non_exhaustive()
    }
}
