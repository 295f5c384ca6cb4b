//! One emulator as a process, tied to ours.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::unix::pipe::Receiver;

/// How long an emulator may take to end before it is killed outright.
const END_WITHIN: Duration = Duration::from_secs(5);
/// How much of a log an error shows.
const TAIL_LINES: usize = 20;

/// Why an emulator is not there.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    #[error("cannot start the emulator {name}")]
    Spawn { name: &'static str, source: io::Error },
    #[error("the emulator {name} ended while it started; its log ends with:\n{log}")]
    Ended { name: &'static str, log: String },
    #[error("the emulator {name} was not ready within {} s; its log ends with:\n{log}", within.as_secs())]
    NotReady { name: &'static str, within: Duration, log: String },
}

/// What an emulator is started with.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) name: &'static str,
    pub(crate) python: &'a Path,
    /// The folder that holds the package `local_stack`.
    pub(crate) sources: &'a Path,
    /// The stack's folder: this emulator gets one of its own in it, as home and for temporary files.
    pub(crate) folder: &'a Path,
    pub(crate) logs: &'a Path,
    pub(crate) settings: &'a serde_json::Value,
    pub(crate) variables: &'a [(&'a str, &'a str)],
}

/// A running emulator. Its standard output is the lifeline: once nobody can read it any more, because this value was dropped or
/// this process was killed, the emulator's watchdog ends it and all its children.
#[derive(Debug)]
pub(crate) struct Emulator {
    name: &'static str,
    watchdog: Child,
    lifeline: Option<OwnedFd>,
    log: PathBuf,
}

/// A listening socket on a free loopback port. It is bound here and inherited, so the port cannot be lost to somebody else.
pub(crate) fn listen() -> io::Result<(TcpListener, String)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let url = format!("http://{}", listener.local_addr()?);
    Ok((listener, url))
}

impl Emulator {
    pub(crate) fn spawn(plan: &Plan<'_>, listener: TcpListener) -> Result<Self, EmulatorError> {
        let failed = |source| EmulatorError::Spawn { name: plan.name, source };
        let home = plan.folder.join(format!("emulator-{}", plan.name));
        let log = plan.logs.join(format!("{}.log", plan.name));
        std::fs::create_dir_all(&home).map_err(failed)?;
        let mut command = Command::new(plan.python);
        command.args(["-E", "-s", "-u", "-m", &format!("local_stack.serve_{}", plan.name)]);
        command.arg(&home).arg(plan.settings.to_string()).current_dir(plan.sources);
        // Functions inherit what their emulator has: nothing of whoever runs this may reach them.
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("HOME", &home).env("TMPDIR", &home).envs(plan.variables.iter().copied());
        command.stdin(OwnedFd::from(listener)).stdout(Stdio::piped());
        command.stderr(File::create(&log).map_err(failed)?);
        // A Ctrl-C in the terminal is for us; the emulators end with us, not beside us.
        command.process_group(0);
        let mut watchdog = command.spawn().map_err(failed)?;
        let lifeline = watchdog.stdout.take().map(OwnedFd::from);
        Ok(Self { name: plan.name, watchdog, lifeline, log })
    }

    /// Waits for the line with which the emulator says that it answers.
    pub(crate) async fn ready(&mut self, within: Duration) -> Result<(), EmulatorError> {
        let broken = |source| EmulatorError::Spawn { name: self.name, source };
        let Some(lifeline) = self.lifeline.take() else { return Ok(()) };
        let mut receiver = BufReader::new(Receiver::from_owned_fd(lifeline).map_err(broken)?);
        let mut line = String::new();
        let read = tokio::time::timeout(within, receiver.read_line(&mut line)).await;
        self.lifeline = Some(receiver.into_inner().into_blocking_fd().map_err(broken)?);
        match read {
            Ok(Ok(length)) if length > 0 => Ok(()),
            Ok(_) => Err(EmulatorError::Ended { name: self.name, log: self.log_tail() }),
            Err(_) => Err(EmulatorError::NotReady { name: self.name, within, log: self.log_tail() }),
        }
    }

    /// Lets go of the lifeline without waiting.
    pub(crate) fn release(&mut self) {
        self.lifeline = None;
    }

    fn log_tail(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines.get(lines.len().saturating_sub(TAIL_LINES)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.release();
        let deadline = Instant::now() + END_WITHIN;
        while Instant::now() < deadline {
            if !matches!(self.watchdog.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        // A watchdog that does not end is stuck; the emulator itself dies with it.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}
