//! What tells the program to stop or to reload.

use std::future::pending;
use std::io::Read;

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

/// Ctrl-C, SIGTERM, and, for a child of the demo, the end of standard input.
pub(crate) struct Stop {
    interrupt: Signal,
    terminate: Signal,
    stdin: Option<oneshot::Receiver<()>>,
}

impl Stop {
    /// Listens for both signals from now on.
    pub(crate) fn listen() -> Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            stdin: None,
        })
    }

    /// Stops when standard input ends, too: a parent that dies, however it dies, closes it.
    pub(crate) fn or_end_of_stdin(mut self, enabled: bool) -> Self {
        self.stdin = enabled.then(end_of_stdin);
        self
    }

    /// Returns when the program should stop. May be dropped and called again until then.
    pub(crate) async fn wait(&mut self) {
        let stdin = async {
            match &mut self.stdin {
                Some(end) => drop(end.await),
                None => pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = stdin => {}
        }
    }
}

/// Resolves at the end of standard input. One plain thread reads it: a thread of the runtime that waits in a read
/// can neither be cancelled nor let the runtime stop.
fn end_of_stdin() -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let mut discarded = [0; 256];
        while matches!(std::io::stdin().read(&mut discarded), Ok(bytes) if bytes > 0) {}
        // Nobody listens any more when the program stops for another reason.
        let _ = ended.send(());
    });
    end
}

/// SIGHUP.
pub(crate) fn reload() -> Result<Signal> {
    Ok(signal(SignalKind::hangup())?)
}
