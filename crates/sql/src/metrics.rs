//! What the room says about itself.

use stonechat_metrics::{Counter, Gauge, RegisterError, Registry};

use crate::board::Written;
use crate::series::Collected;

/// The metrics of all queries. Cloning copies handles.
#[derive(Debug, Clone)]
pub struct SqlMetrics {
    queries: Gauge,
    rounds: Counter,
    failures: Counter,
    missed: Counter,
    late: Counter,
    conflicts: Counter,
    duplicates: Counter,
    lossy: Counter,
    stored: Counter,
    refused: Counter,
}

impl SqlMetrics {
    /// Registers the metrics, all of which are named `stonechat_sql_…`.
    ///
    /// # Errors
    /// When the registry has other metrics of the same names.
    pub fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let registry = registry.namespace("stonechat_sql");
        let counter = |name, help| registry.counter(name, help).register();
        Ok(Self {
            queries: registry.gauge("queries", "Queries in force.").register()?,
            rounds: counter("rounds_total", "Rounds of queries that were good.")?,
            failures: counter("failures_total", "Rounds of queries that failed.")?,
            missed: counter(
                "missed_total",
                "Rounds that were left out because the one before was still running.",
            )?,
            late: counter(
                "late_total",
                "Outcomes that came for a query that is no longer in force, and were dropped.",
            )?,
            conflicts: counter(
                "conflicts_total",
                "Rounds with a series that another query gives already.",
            )?,
            duplicates: counter(
                "duplicate_rows_total",
                "Rows with the labels of an earlier row; the last one counts.",
            )?,
            lossy: counter(
                "lossy_values_total",
                "Values with more digits than a sample can hold.",
            )?,
            stored: counter("samples_stored_total", "Samples that were stored.")?,
            refused: counter(
                "samples_refused_total",
                "Samples that the store did not take.",
            )?,
        })
    }

    pub(crate) fn collected(&self, collected: &Collected) {
        self.rounds.inc();
        self.duplicates.inc_by(collected.duplicates);
        self.lossy.inc_by(collected.lossy);
    }

    pub(crate) fn failed(&self) {
        self.failures.inc();
    }

    pub(crate) fn missed(&self, rounds: u64) {
        self.missed.inc_by(rounds);
    }

    pub(crate) fn late(&self) {
        self.late.inc();
    }

    pub(crate) fn conflict(&self) {
        self.conflicts.inc();
    }

    pub(crate) fn wrote(&self, written: Written) {
        self.stored.inc_by(written.stored as u64);
        self.refused.inc_by(written.refused as u64);
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "there are not that many queries"
    )]
    pub(crate) fn queries(&self, count: usize) {
        self.queries.set(count as f64);
    }
}
