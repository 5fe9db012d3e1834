//! Keeps the file with the state of alerts small and safe.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;

use super::Running;
use super::task::Machinery;
use crate::evaluate::note;
use crate::live::LiveGroup;
use crate::state::{Memory, StateFile};

/// A power cut costs at most what was written within this time.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// Works until the manager is gone or stops.
pub(super) async fn run(machinery: Arc<Machinery>, running: Weak<Mutex<Running>>) {
    loop {
        tokio::time::sleep(SYNC_INTERVAL).await;
        let Some(running) = running.upgrade() else {
            return;
        };
        if running.lock().closed {
            return;
        }
        let machinery = Arc::clone(&machinery);
        // It fails only when the runtime ends.
        let _ = tokio::task::spawn_blocking(move || tidy(&machinery, &running)).await;
    }
}

fn tidy(machinery: &Machinery, running: &Mutex<Running>) {
    let Some(state) = &machinery.workshop.state else {
        return;
    };
    // Locked first: what is appended behind is then never older than what is written here.
    let mut state = state.lock();
    if !state.wants_rewrite() {
        note(state.sync());
        return;
    }
    let running = running.lock();
    // At a shutdown the groups are already elsewhere, and before the first groups are there all is as it was.
    if running.closed || !running.begun {
        return;
    }
    let live: Vec<_> = running
        .groups
        .iter()
        .map(|group| Arc::clone(&group.live))
        .collect();
    drop(running);
    rewrite(&mut state, &live);
}

fn rewrite(state: &mut StateFile, live: &[Arc<LiveGroup>]) {
    let memory: Memory = live.iter().flat_map(|group| group.remembered()).collect();
    note(state.rewrite(&memory));
}

/// Writes the state of groups that are at rest.
pub(super) async fn conclude(machinery: Arc<Machinery>, live: Vec<Arc<LiveGroup>>) {
    let write = move || {
        if let Some(state) = &machinery.workshop.state {
            rewrite(&mut state.lock(), &live);
        }
    };
    // It fails only when the runtime ends.
    let _ = tokio::task::spawn_blocking(write).await;
}
