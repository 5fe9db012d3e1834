//! What tells the program to stop or to reload.

use anyhow::Result;
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Ctrl-C, SIGTERM, and, for a child of the demo, the end of standard input.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    with_stdin: bool,
}

impl Stop {
    /// Listens for both signals from now on.
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            with_stdin: false,
        })
    }

    /// Stops when standard input ends, too: a parent that dies, however it dies, closes it.
    pub(crate) fn or_end_of_stdin(mut self, enabled: bool) -> Self {
        self.with_stdin = enabled;
        self
    }

    /// Returns when the program should stop.
    pub(crate) async fn wait(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = end_of_stdin(), if self.with_stdin => {}
        }
    }
}

async fn end_of_stdin() {
    let (mut stdin, mut buffer) = (tokio::io::stdin(), [0; 256]);
    while matches!(stdin.read(&mut buffer).await, Ok(bytes) if bytes > 0) {}
}

/// SIGHUP.
pub(crate) fn reload() -> Result<Signal> {
    Ok(signal(SignalKind::hangup())?)
}
