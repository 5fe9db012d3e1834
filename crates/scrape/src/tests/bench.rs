//! Jobs from text, and a manager with all that it needs.

use std::sync::Arc;
use std::time::Duration;

use stonechat_metrics::Registry;

use super::store::Store;
use crate::Job;
use crate::config::{GlobalConfig, JobConfig, resolve};
use crate::manager::{ScrapeManager, ScrapeOptions};
use crate::metrics::ScrapeMetrics;
use crate::status::TargetStatus;

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) global: GlobalConfig,
    pub(super) scrape_configs: Vec<JobConfig>,
}

/// The jobs of a file.
pub(super) fn jobs(text: &str) -> Vec<Job> {
    let path = std::path::Path::new("prometheus.yml");
    let file: File = stonechat_model::yaml::parse(path, text).unwrap_or_else(|p| panic!("{p}"));
    resolve(path, text, &file.global, &file.scrape_configs).unwrap_or_else(|p| panic!("{p}"))
}

/// A manager with its store and registry.
pub(super) struct Bench {
    pub(super) store: Arc<Store>,
    pub(super) registry: Registry,
    pub(super) manager: ScrapeManager,
}

impl Bench {
    pub(super) fn new(options: ScrapeOptions) -> Self {
        let (store, registry) = (Arc::new(Store::default()), Registry::bare());
        let metrics = ScrapeMetrics::register(&registry).unwrap();
        let manager = ScrapeManager::new(store.clone(), metrics, options);
        Self {
            store,
            registry,
            manager,
        }
    }

    /// The status of the only target, once it has been scraped.
    pub(super) async fn scraped(&self) -> TargetStatus {
        let what = "the target has been scraped";
        self.store
            .until(what, |store| store.samples_named("up") > 0)
            .await;
        // The status is written right after the samples.
        loop {
            let status = self.manager.targets().remove(0);
            if status.last_scrape.is_some() {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}
