//! A thread with a runtime of its own, beside that of the server.

use std::io;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// It ends when this is dropped, and what still runs there with it.
pub(super) struct Aside {
    handle: Handle,
    _end: oneshot::Sender<()>,
}

impl Aside {
    /// Starts the thread.
    pub(super) fn start(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (sender, end) = oneshot::channel();
        let thread = std::thread::Builder::new().name(name.to_owned());
        thread.spawn(move || {
            // Nothing is ever sent: it ends when the other side is gone.
            let _ = runtime.block_on(end);
            // Threads that wait for a name to be resolved are not waited for.
            runtime.shutdown_background();
        })?;
        Ok(Self {
            handle,
            _end: sender,
        })
    }

    /// Where to run something.
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_until_it_is_dropped() {
        let aside = Aside::start("aside").unwrap();
        let (sender, receiver) = std::sync::mpsc::sync_channel::<()>(1);
        let name = aside
            .handle()
            .spawn(async move { std::thread::current().name().map(str::to_owned) });
        // Never through; it holds the sender.
        aside.handle().spawn(async move {
            std::future::pending::<()>().await;
            drop(sender);
        });
        let runtime = Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(name).unwrap().as_deref(), Some("aside"));
        drop(aside);
        let ended = receiver.recv_timeout(std::time::Duration::from_secs(20));
        assert_eq!(ended, Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
    }
}
