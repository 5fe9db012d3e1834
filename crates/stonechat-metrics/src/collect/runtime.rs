//! Metrics of the tokio runtime, of tokio's stable interface.

use std::sync::{Arc, OnceLock};

use tokio::runtime::{Handle, RuntimeMetrics as Metrics};

use super::{Collect, Collected, Row, labelled, single};
use crate::desc::{Desc, Kind};
use crate::error::Place;

const fn row(name: &'static str, help: &'static str, kind: Kind, worker: bool) -> Row {
    let label = if worker { Some("worker") } else { None };
    Row {
        name,
        help,
        kind,
        unit: "",
        label,
    }
}

const ROWS: [Row; 5] = [
    row(
        "tokio_workers",
        "Worker threads of the runtime.",
        Kind::Gauge,
        false,
    ),
    row(
        "tokio_alive_tasks",
        "Tasks that were spawned and have not ended.",
        Kind::Gauge,
        false,
    ),
    row(
        "tokio_global_queue_depth",
        "Tasks that wait in the queue of all workers.",
        Kind::Gauge,
        false,
    ),
    Row {
        unit: "seconds",
        ..row(
            "tokio_worker_busy_seconds_total",
            "Time that the worker was running tasks.",
            Kind::Counter,
            true,
        )
    },
    row(
        "tokio_worker_park_total",
        "Times that the worker had nothing to do and slept.",
        Kind::Counter,
        true,
    ),
];

pub struct RuntimeMetrics {
    runtime: OnceLock<Handle>,
    descs: [Arc<Desc>; 5],
}

impl RuntimeMetrics {
    pub fn new(place: Place) -> Self {
        let metrics = Self {
            runtime: OnceLock::new(),
            descs: ROWS.map(|row| row.desc(place)),
        };
        metrics.find();
        metrics
    }

    /// The runtime that was found first: a scrape that is served by another one changes nothing.
    fn find(&self) -> Option<Metrics> {
        if self.runtime.get().is_none()
            && let Ok(handle) = Handle::try_current()
        {
            return Some(self.runtime.get_or_init(|| handle).metrics());
        }
        self.runtime.get().map(Handle::metrics)
    }
}

impl Collect for RuntimeMetrics {
    fn describe(&self) -> Vec<Arc<Desc>> {
        self.descs.to_vec()
    }

    fn collect(&self, out: &mut Vec<Collected>) {
        let Some(metrics) = self.find() else {
            return;
        };
        let [workers, tasks, queue, busy, park] = &self.descs;
        let each = || (0..metrics.num_workers()).map(|worker| (worker.to_string(), worker));
        out.push(single(workers, metrics.num_workers() as f64));
        out.push(single(tasks, metrics.num_alive_tasks() as f64));
        out.push(single(queue, metrics.global_queue_depth() as f64));
        let seconds = |worker| metrics.worker_total_busy_duration(worker).as_secs_f64();
        out.push(labelled(
            busy,
            each().map(|(label, worker)| (label, seconds(worker))),
        ));
        let parks = |worker| metrics.worker_park_count(worker) as f64;
        out.push(labelled(
            park,
            each().map(|(label, worker)| (label, parks(worker))),
        ));
    }
}
