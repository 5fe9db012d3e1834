//! When a program ends: a signal, its time, or the end of its standard input.

use std::fmt;
use std::io::Read;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// Why a program was asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Interrupted,
    Terminated,
    TimeUp,
    StdinClosed,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
            Self::TimeUp => "time is up",
            Self::StdinClosed => "standard input closed",
        })
    }
}

/// Returns at the first reason to end: Ctrl-C, SIGTERM, after `time` if there is one, and at the
/// end of standard input if `with_stdin`, so that a child ends even when its parent was killed.
///
/// # Errors
///
/// When the system gives no signal handler.
pub(crate) async fn ending(time: Option<Duration>, with_stdin: bool) -> std::io::Result<Ending> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stdin = async {
        match with_stdin.then(stdin_end) {
            Some(end) => drop(end.await),
            None => std::future::pending().await,
        }
    };
    let time = async {
        match time {
            Some(time) => tokio::time::sleep(time).await,
            None => std::future::pending().await,
        }
    };
    Ok(tokio::select! {
        _ = interrupt.recv() => Ending::Interrupted,
        _ = terminate.recv() => Ending::Terminated,
        () = time => Ending::TimeUp,
        () = stdin => Ending::StdinClosed,
    })
}

/// Resolves at the end of standard input. A plain thread reads it, because a thread of the runtime
/// that waits in a read would keep the runtime from shutting down.
fn stdin_end() -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    std::thread::spawn(move || {
        let mut discarded = [0; 256];
        let mut stdin = std::io::stdin().lock();
        while matches!(stdin.read(&mut discarded), Ok(count) if count > 0) {}
        drop(stdin);
        // Nobody listens any more when the program ends for another reason.
        let _ = ended.send(());
    });
    end
}
