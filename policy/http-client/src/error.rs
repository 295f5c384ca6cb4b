use std::io;
use std::time::Duration;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// It cannot be asked over HTTP.
    #[error("`{0}` is no address of a server; write `https://HOST/PATH` or `http://HOST/PATH`")]
    Address(String),
    /// A body that is not in memory.
    #[error("a request whose body is a stream is not sent")]
    Streaming,
    /// Nobody is there, or the TLS handshake failed.
    #[error("cannot connect to `{origin}`")]
    Connect {
        /// Scheme, host and port.
        origin: String,
        /// The system's word, or that of TLS.
        #[source]
        cause: io::Error,
    },
    /// Neither a connection nor an error.
    #[error("no connection to `{origin}` within {} ms", within.as_millis())]
    ConnectTimeout {
        /// Scheme, host and port.
        origin: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// No headers of an answer.
    #[error("no answer of `{origin}` within {} ms", within.as_millis())]
    AnswerTimeout {
        /// Scheme, host and port.
        origin: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// The connection ended, or what came was not HTTP.
    #[error("the exchange with `{origin}` failed")]
    Exchange {
        /// Scheme, host and port.
        origin: String,
        /// What was wrong.
        #[source]
        cause: hyper::Error,
    },
}
