//! An HTTP/1.1 client over rustls, for the AWS SDKs of the functions and for what is read from the web.
//!
//! The SDK's own client speaks HTTP/2 as well and has proxies, and with them it is a tenth of a function's package.
//! A function makes a few calls, one after the other; HTTP/1.1 on connections that are kept is all they need.

mod authorities;
mod client;
mod dial;
mod error;
mod origin;
mod pool;
mod sdk;

pub use authorities::{NoAuthorities, trusted_authorities};
pub use client::{HttpClient, Limits};
pub use error::HttpError;
pub use hyper::body::Incoming;
pub use rustls::RootCertStore;
