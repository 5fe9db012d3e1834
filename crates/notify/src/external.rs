//! Alerts to other Alertmanagers. Each has its own queue, so that one that is slow or gone delays no other.
//!
//! As in Prometheus a message that fails is given up: rules tell of a firing alert again every minute, and of its end for
//! a quarter of an hour.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use reqwest::Client;
use serde::Serialize;
use stonechat_metrics::{Counter, Family, RegisterError, Registry};
use stonechat_model::{Alert, AlertSink, Labels};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::answer::Verdict;
use crate::config::ExternalAlertmanager;
use crate::exchange::exchange;
use crate::http::{self, Clients};
use crate::notifier::NotifyError;
use crate::time::rfc3339;

/// The most alerts that wait for one Alertmanager; then the oldest go.
const QUEUE_MAX: usize = 10_000;

/// The most alerts in one request, as in Prometheus.
const BATCH_MAX: usize = 64;

/// Sends alerts to other Alertmanagers. Clones are the same.
#[derive(Clone)]
pub struct ExternalAlertmanagers {
    running: Arc<Mutex<Vec<Arc<Target>>>>,
    metrics: ExternalMetrics,
}

/// What is counted of other Alertmanagers.
#[derive(Debug, Clone)]
pub struct ExternalMetrics {
    sent: Family<Counter, 1>,
    errors: Family<Counter, 1>,
    dropped: Family<Counter, 1>,
}

impl ExternalMetrics {
    /// Registers them.
    ///
    /// # Errors
    /// When the registry already holds other families of the same names.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let registry = registry.namespace("stonechat_external_alertmanager");
        Ok(Self {
            sent: registry
                .counter(
                    "alerts_sent_total",
                    "Alerts that another Alertmanager has taken.",
                )
                .labels(["address"])
                .register()?,
            errors: registry
                .counter(
                    "alerts_failed_total",
                    "Alerts that another Alertmanager did not take.",
                )
                .labels(["address"])
                .register()?,
            dropped: registry
                .counter(
                    "alerts_dropped_total",
                    "Alerts that were dropped because too many waited.",
                )
                .labels(["address"])
                .register()?,
        })
    }
}

/// One Alertmanager and what waits for it.
struct Target {
    config: ExternalAlertmanager,
    address: String,
    client: Client,
    queue: Mutex<VecDeque<Alert>>,
    more: Notify,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(task) = self.task.lock().take() {
            task.abort();
        }
    }
}

impl ExternalAlertmanagers {
    /// None yet.
    #[must_use]
    pub fn new(metrics: ExternalMetrics) -> Self {
        Self {
            running: Arc::default(),
            metrics,
        }
    }

    /// Where alerts are sent to.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        let running = self.running.lock();
        let urls = running.iter().map(|target| target.config.url.to_string());
        urls.collect()
    }

    /// Sends to these from now on. One that was there before keeps what waits for it. Has to be called within a tokio
    /// runtime.
    ///
    /// # Errors
    /// When certificates cannot be used; then all goes on as before.
    pub fn apply(&self, wanted: &[ExternalAlertmanager]) -> Result<(), NotifyError> {
        let mut running = self.running.lock();
        let mut clients = Clients::default();
        let mut next = Vec::new();
        for config in wanted {
            if let Some(same) = running.iter().find(|target| target.config == *config) {
                next.push(Arc::clone(same));
                continue;
            }
            let address = config.url.authority().to_owned();
            let client = clients
                .get(&config.http)
                .map_err(|error| NotifyError::Receiver {
                    receiver: address.clone(),
                    source: Box::new(error),
                })?;
            let target = Arc::new(Target {
                config: config.clone(),
                address,
                client,
                queue: Mutex::default(),
                more: Notify::new(),
                task: Mutex::new(None),
            });
            // The task holds the target weakly: it ends when the target is no longer wanted.
            let task = tokio::spawn(run(Arc::downgrade(&target), self.metrics.clone()));
            *target.task.lock() = Some(task);
            next.push(target);
        }
        *running = next;
        Ok(())
    }
}

impl AlertSink for ExternalAlertmanagers {
    fn put(&self, alerts: Vec<Alert>) {
        for target in &*self.running.lock() {
            let mut queue = target.queue.lock();
            queue.extend(alerts.iter().cloned());
            let excess = queue.len().saturating_sub(QUEUE_MAX);
            queue.drain(..excess);
            drop(queue);
            if excess > 0 {
                self.metrics
                    .dropped
                    .with([&target.address])
                    .inc_by(excess as u64);
            }
            target.more.notify_one();
        }
    }
}

/// Sends what waits, again and again.
async fn run(target: std::sync::Weak<Target>, metrics: ExternalMetrics) {
    let mut failing = false;
    while let Some(target) = target.upgrade() {
        let batch: Vec<Alert> = {
            let mut queue = target.queue.lock();
            let count = queue.len().min(BATCH_MAX);
            queue.drain(..count).collect()
        };
        if batch.is_empty() {
            target.more.notified().await;
            continue;
        }
        let count = batch.len() as u64;
        match target.send(&batch).await {
            Ok(()) => {
                metrics.sent.with([&target.address]).inc_by(count);
                failing = false;
            }
            Err(text) => {
                metrics.errors.with([&target.address]).inc_by(count);
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(
                        address = target.address,
                        "an Alertmanager does not take alerts: {text}"
                    );
                }
            }
        }
    }
}

impl Target {
    async fn send(&self, alerts: &[Alert]) -> Result<(), String> {
        let body: Vec<Posted<'_>> = alerts.iter().map(Posted::of).collect();
        let request = self
            .client
            .post(self.config.url.clone())
            .timeout(self.config.timeout)
            .json(&body);
        let request = http::authorize(request, self.config.http.auth.as_ref());
        let request = request
            .map_err(|error| format!("the file with the credentials cannot be read: {error}"))?;
        let url = &self.config.url;
        let answer = exchange(request, url).await.map_err(|answer| answer.text)?;
        match answer.verdict_of_status() {
            Verdict::Delivered => Ok(()),
            other => Err(answer.answer(other, url).text),
        }
    }
}

/// An alert as the API takes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Posted<'a> {
    labels: &'a Labels,
    annotations: &'a BTreeMap<String, String>,
    starts_at: String,
    ends_at: String,
    #[serde(rename = "generatorURL")]
    generator_url: &'a str,
}

impl<'a> Posted<'a> {
    fn of(alert: &'a Alert) -> Self {
        Self {
            labels: &alert.labels,
            annotations: &alert.annotations,
            starts_at: rfc3339(alert.starts_at),
            ends_at: rfc3339(alert.ends_at),
            generator_url: &alert.generator_url,
        }
    }
}
