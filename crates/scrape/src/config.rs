//! The parts of `prometheus.yml` that say what is scraped and how.
//!
//! First the text becomes plain structs ([`GlobalConfig`], [`JobConfig`]) that refuse unknown keys; then [`resolve`] checks
//! what no type can, all of it in one run, and gives [`Job`](crate::Job)s that cannot be wrong.
//!
//! Keys that Prometheus knows and Stonechat cannot honour yet are refused by name. `enable_http2` is taken and
//! has no effect, because Prometheus speaks HTTP/2 only over TLS.

mod global; // the section `global`
mod job; // an entry of `scrape_configs`
mod protocol; // scrape_protocols, fallback_scrape_protocol
mod relabel; // an entry of `relabel_configs`
mod resolve; // what goes beyond types
mod size; // 10MB

pub use global::GlobalConfig;
pub use job::{JobConfig, StaticConfig};
pub use protocol::ScrapeProtocol;
pub use relabel::RelabelConfig;
pub use resolve::resolve;
pub use size::ByteSize;
