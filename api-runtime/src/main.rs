//! The binary: reads the configuration, serves until a signal, drains.

mod stderr;

use api_runtime::{Config, Drain, Listener, Snapshots};
use clap::Parser;
use std::error::Error;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use stderr::Stderr;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The inner gate: authenticates callers by certificate, authorizes each request, forwards it.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The configuration, in YAML or JSON. Without it, the text in LINKWARD_CONFIG is used.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Checks the configuration and everything it names, and exits.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let log = log_to_stderr();
    let ended = start(&arguments);
    if let Ok(log) = log {
        log.flush_all();
    }
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&*error);
            ExitCode::FAILURE
        }
    }
}

/// Logs for people on a terminal, as JSON otherwise. The access log has its own way out.
fn log_to_stderr() -> std::io::Result<Stderr> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let stderr = Stderr::start()?;
    let lines = stderr.clone();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(move || lines.clone());
    if std::io::stderr().is_terminal() {
        log.init()
    } else {
        log.json().flatten_event(true).init()
    }
    Ok(stderr)
}

/// The error with its causes, on standard error.
fn say(error: &dyn Error) {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message.push_str(&format!(": {error}"));
        cause = error.source();
    }
    let _ = writeln!(std::io::stderr(), "api-runtime: {message}");
}

fn start(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let inline = std::env::var("LINKWARD_CONFIG").ok();
    let config = Config::load(arguments.config.as_deref(), inline.as_deref())?;
    let runtime = runtime()?;
    if arguments.check {
        runtime.block_on(Snapshots::start(&config))?;
        writeln!(std::io::stdout(), "the configuration is valid")?;
        return Ok(());
    }
    let served = runtime.block_on(serve(config));
    // A snapshot that is being read elsewhere need not be waited for.
    runtime.shutdown_background();
    served
}

/// One thread where there is one core: a scheduler between threads would only cost.
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut builder = match cores {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    builder.enable_all().build()
}

async fn serve(config: Config) -> Result<(), Box<dyn Error>> {
    let mut signals = Signals::new()?;
    let listener = tokio::select! {
        listener = Listener::bind(config) => listener?,
        _ = signals.next() => return Ok(()),
    };
    let (tell, told) = tokio::sync::oneshot::channel();
    let served = api_runtime::run(listener, async { told.await.unwrap_or(Drain::AtOnce) });
    let ended = async {
        // Nobody listens any more once everything is served.
        let _ = tell.send(signals.next().await);
        signals.next().await;
    };
    tokio::select! {
        () = served => {}
        () = ended => tracing::warn!("a second signal: ending at once"),
    }
    Ok(())
}

/// SIGTERM drains as configured: an orchestrator sends it and waits. SIGINT comes from a person who does not.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> Drain {
        tokio::select! {
            _ = self.terminate.recv() => Drain::Configured,
            _ = self.interrupt.recv() => Drain::AtOnce,
        }
    }
}
