//! Scraping: what is scraped and how ([`config`]), and the tasks that do it ([`ScrapeManager`]).
//!
//! A sample's way through this room: a target's task waits for the next point of its schedule, fetches the page within bounds
//! of time and memory, reads it against what is known of the target's series, and hands one batch to an
//! [`Appender`](stonechat_model::Appender). A series that is known by its text builds no labels. Whatever a target does, only its own scrape
//! fails, and the reason stands in its status.
//!
//! ```
//! use std::path::Path;
//! use stonechat_model::yaml;
//! use stonechat_scrape::config::{GlobalConfig, JobConfig, resolve};
//!
//! #[derive(Default, serde::Deserialize)]
//! #[serde(deny_unknown_fields, default)]
//! struct File {
//!     global: GlobalConfig,
//!     scrape_configs: Vec<JobConfig>,
//! }
//!
//! let (path, text) = (Path::new("prometheus.yml"), "
//! global: {scrape_interval: 15s}
//! scrape_configs:
//!   - job_name: chat
//!     static_configs: [{targets: ['127.0.0.1:19101']}]
//! ");
//! let file: File = yaml::parse(path, text)?;
//! let jobs = resolve(path, text, &file.global, &file.scrape_configs)?;
//! assert_eq!(jobs[0].interval.as_secs(), 15);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The jobs go to a manager, again whenever the file has changed:
//!
//! ```no_run
//! # use std::{sync::Arc, time::Duration};
//! # use stonechat_scrape::{Job, ScrapeManager, ScrapeMetrics, ScrapeOptions};
//! # async fn run(appender: Arc<dyn stonechat_model::Appender>, registry: stonechat_metrics::Registry, jobs: Vec<Job>)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! let metrics = ScrapeMetrics::register(&registry)?;
//! let scrapes = ScrapeManager::new(appender, metrics, ScrapeOptions::default());
//! scrapes.apply(jobs);
//! for target in scrapes.targets() {
//!     println!("{} {} {}", target.scrape_url, target.health.as_str(), target.last_error);
//! }
//! scrapes.shutdown(Duration::from_secs(5)).await;
//! # Ok(())
//! # }
//! ```

pub mod config; // what the file says

mod diff;
mod job; // a job that cannot be wrong
pub mod relabel; // rules that change labels
mod target; // what a job's addresses become // what a new configuration changes

mod body; // an answer, bounded
mod cache; // what the last pages held
mod connection; // one connection
mod error;
mod exposed; // from a page's labels to stored ones
mod fetch; // getting its page
mod manager; // all targets
mod page; // from text to samples
mod schedule; // when it is scraped
mod scraper; // from the page to the store
mod task; // the life of one // why a scrape failed

mod global_url; // links for other machines
mod metrics; // what the scraping says about itself
mod status; // what is known about targets

pub use global_url::ExternalUrl;
pub use job::{Job, Limits, ScrapeSettings, TargetGroup};
pub use manager::{ScrapeManager, ScrapeOptions};
pub use metrics::ScrapeMetrics;
pub use status::{DropReason, Dropped, DroppedTarget, Health, TargetStatus};
pub use target::{Target, TargetError};

#[cfg(test)]
mod tests;
