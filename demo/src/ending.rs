//! When a program ends: a signal, its time, or the end of its standard input.

use std::fmt;
use std::future::pending;
use std::io::Read;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

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

/// Listens for reasons to end. Made before anything starts, so that no signal comes too early to be
/// heard, which would end the program in its own, abrupt way.
#[derive(Debug)]
pub(crate) struct Endings {
    interrupt: Signal,
    terminate: Signal,
    stdin: Option<oneshot::Receiver<()>>,
    time_up: Option<Instant>,
}

impl Endings {
    /// From now on Ctrl-C and SIGTERM count; so does the end of the time, if there is one, and that
    /// of standard input if asked for, so that a child ends even when its parent was killed.
    ///
    /// # Errors
    ///
    /// When the system gives no signal handler.
    pub fn new(time: Option<Duration>, with_stdin: bool) -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            stdin: with_stdin.then(stdin_end),
            time_up: time.map(|time| Instant::now() + time),
        })
    }

    /// Returns at the first reason to end.
    pub async fn first(mut self) -> Ending {
        let stdin = async {
            match self.stdin {
                Some(end) => drop(end.await),
                None => pending().await,
            }
        };
        let time = async {
            match self.time_up {
                Some(time_up) => sleep_until(time_up).await,
                None => pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => Ending::Interrupted,
            _ = self.terminate.recv() => Ending::Terminated,
            () = time => Ending::TimeUp,
            () = stdin => Ending::StdinClosed,
        }
    }
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
