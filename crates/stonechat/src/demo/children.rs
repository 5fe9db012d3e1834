//! The demo's processes: this program again, once for each part.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::{MYSQL, REDIS};

/// How long the processes may take to end by themselves.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// How a process of the demo is started.
pub(crate) struct Line {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Anybody on the machine can read these.
    pub(crate) arguments: Vec<String>,
    /// These only who started the demo can read: a URL may hold a password.
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// A process of the demo. Its standard input is a pipe from this process, so it notices when this process dies,
/// however it dies.
pub(crate) struct Part {
    name: &'static str,
    child: Child,
}

impl Part {
    /// Starts this program with the given arguments; what it prints goes to a file.
    pub(crate) fn start(line: &Line, log: &Path) -> Result<Self> {
        let program =
            std::env::current_exe().context("this program does not know where it stands")?;
        let log = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let name = line.name;
        let mut command = Command::new(program);
        for secret in [MYSQL, REDIS] {
            command.env_remove(secret);
        }
        let child = command
            .args(&line.arguments)
            .envs(line.environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name, child })
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Asks it to read its configuration again.
    pub(crate) fn ask_to_reload(&self) {
        self.signal(Signal::HUP);
    }

    /// Its name and how it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<String> {
        match self.child.try_wait() {
            Ok(Some(status)) => Some(format!("{} ended with {status}", self.name)),
            Ok(None) => None,
            Err(error) => Some(format!("{} is lost: {error}", self.name)),
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = self
            .child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // Fails only when it has just ended.
            let _ = kill_process(pid, signal);
        }
    }
}

/// Asks all parts to stop, waits, and kills those that do not.
pub(crate) async fn stop(mut parts: Vec<Part>) {
    parts.iter().for_each(|part| part.signal(Signal::TERM));
    let deadline = tokio::time::Instant::now() + STOP_LIMIT;
    for part in &mut parts {
        if tokio::time::timeout_at(deadline, part.child.wait())
            .await
            .is_err()
        {
            eprintln!(
                "{} did not stop within {} s and is killed",
                part.name,
                STOP_LIMIT.as_secs()
            );
            // Fails only when it has just ended.
            let _ = part.child.kill().await;
        }
    }
}
