//! `load`: what tests/bench/latency.py runs besides the server itself. An upstream, a TLS tunnel before it, and an open-loop
//! load: requests are due at fixed times, and how long one took counts from when it was due, so that a server which stalls
//! cannot slow down the question (coordinated omission).

mod client;
mod server;
mod tls;

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};

pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Answers every request of HTTP/1.1 with 1 KiB.
    Upstream { listen: SocketAddr },
    /// Takes TLS off and passes bytes on.
    Tunnel {
        listen: SocketAddr,
        upstream: SocketAddr,
        /// PEM with certificate and key.
        #[arg(long)]
        own: PathBuf,
        /// Asks for a client certificate of these authorities.
        #[arg(long)]
        clients: Option<PathBuf>,
    },
    /// Sends requests and prints what they took, as JSON.
    Send(Load),
}

/// What is sent.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    /// Speaks TLS to servers of these authorities.
    #[arg(long)]
    pub(crate) authorities: Option<PathBuf>,
    /// PEM with the client's certificate and key.
    #[arg(long)]
    pub(crate) own: Option<PathBuf>,
    #[arg(long, default_value_t = 32)]
    pub(crate) connections: usize,
    /// Requests a second; 0: the next as soon as one is answered, to find out how many that are.
    #[arg(long, default_value_t = 0.0)]
    pub(crate) rate: f64,
    #[arg(long, default_value_t = 5.0)]
    pub(crate) seconds: f64,
}

impl Load {
    pub(crate) fn lasts(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

fn main() -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match Arguments::parse().role {
            Role::Upstream { listen } => server::upstream(listen).await,
            Role::Tunnel { listen, upstream, own, clients } => {
                server::tunnel(listen, upstream, tls::server(&own, clients.as_deref())?).await
            }
            Role::Send(load) => client::run(load).await,
        }
    })
}
