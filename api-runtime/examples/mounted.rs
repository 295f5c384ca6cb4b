//! An API of one's own behind the gate: `cargo run -p api-runtime --example mounted -- runtime.yaml`.
//!
//! An axum router is a `tower::Service`, and any other will do. What reaches it is authorized: its extensions hold the
//! [`Permit`].

use api_runtime::{Config, Listener, Permit};
use axum::extract::Path;
use axum::routing::get;
use axum::{Extension, Router};
use std::path::PathBuf;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).map(PathBuf::from);
    let listener = Listener::bind(Config::load(path.as_deref(), None)?).await?;
    let interrupted = async { drop(tokio::signal::ctrl_c().await) };
    api_runtime::serve(listener, api(), interrupted).await;
    Ok(())
}

fn api() -> Router {
    Router::new().route("/v1/invoices/{id}", get(invoice))
}

/// Without a permit, axum answers 500: nothing gets here without one, and a router that is mounted elsewhere too shows it.
async fn invoice(Path(id): Path<String>, Extension(permit): Extension<Permit>) -> String {
    let rule = permit.rule().map_or("no rule", |rule| rule.as_str());
    format!("invoice {id} for {}, by {rule}\n", permit.identity())
}
