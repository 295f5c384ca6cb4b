//! An application of one's own behind the gate: `cargo run -p api-runtime --example mounted -- runtime.yaml`.
//!
//! Any `tower::Service` will do; an axum `Router` is one (`router.map_request(…)` from [`Body`] with `axum::body::Body::new`).

use api_runtime::{Body, Config, Listener, Permit};
use http::{Request, Response, StatusCode};
use std::convert::Infallible;
use std::path::PathBuf;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).map(PathBuf::from);
    let listener = Listener::bind(Config::load(path.as_deref(), None)?).await?;
    let interrupted = async { drop(tokio::signal::ctrl_c().await) };
    api_runtime::serve(listener, tower::service_fn(hello), interrupted).await;
    Ok(())
}

async fn hello(request: Request<Body>) -> Result<Response<String>, Infallible> {
    let mut response = Response::new(String::new());
    match request.extensions().get::<Permit>() {
        Some(permit) => {
            *response.body_mut() = format!("hello {}, you asked for {}\n", permit.identity(), request.uri())
        }
        // Nothing gets here without a permit; a service that is also mounted elsewhere still says so.
        None => *response.status_mut() = StatusCode::FORBIDDEN,
    }
    Ok(response)
}
