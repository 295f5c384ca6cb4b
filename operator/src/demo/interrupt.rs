//! How a person, a terminal or a supervisor ends the demo.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Which signal ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupted {
    /// Ctrl-C.
    Interrupt,
    /// A supervisor's polite request.
    Terminate,
    /// The terminal was closed.
    Hangup,
}

impl Interrupted {
    /// The exit code that says so, as shells do it.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
            Self::Hangup => 129,
        }
    }
}

/// All of them, from the moment this is made on.
#[derive(Debug)]
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Interrupts {
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Interrupted {
        tokio::select! {
            _ = self.interrupt.recv() => Interrupted::Interrupt,
            _ = self.terminate.recv() => Interrupted::Terminate,
            _ = self.hangup.recv() => Interrupted::Hangup,
        }
    }
}
