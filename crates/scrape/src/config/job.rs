//! An entry of `scrape_configs`.

use std::collections::BTreeMap;

use serde::Deserialize;
use stonechat_model::duration::ConfigDuration;
use stonechat_model::yaml::{Spanned, Unsupported};

use super::{ByteSize, RelabelConfig, ScrapeProtocol};

/// A job: targets that are scraped alike.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[expect(dead_code, reason = "keys that are refused are never read")]
pub struct JobConfig {
    /// The value of the label `job`.
    pub job_name: Spanned<String>,
    /// Keeps the labels of the page where they and the target's labels clash.
    #[serde(default)]
    pub honor_labels: bool,
    /// Takes the times that the page gives.
    #[serde(default = "yes")]
    pub honor_timestamps: bool,
    /// Marks the end of series with times of their own too.
    #[serde(default)]
    pub track_timestamps_staleness: bool,
    /// How often the targets are scraped.
    pub scrape_interval: Option<Spanned<ConfigDuration>>,
    /// How long a scrape may take.
    pub scrape_timeout: Option<Spanned<ConfigDuration>>,
    /// The formats that the targets are asked for, most wanted first.
    pub scrape_protocols: Option<Spanned<Vec<ScrapeProtocol>>>,
    /// The format of an answer that does not say which one it has.
    pub fallback_scrape_protocol: Option<Spanned<ScrapeProtocol>>,
    /// The path of the page; `/metrics` unless given.
    pub metrics_path: Option<Spanned<String>>,
    /// `http` unless given.
    pub scheme: Option<Spanned<String>>,
    /// Parameters of the request.
    #[serde(default)]
    pub params: BTreeMap<String, Vec<String>>,
    /// Asks for compressed answers.
    #[serde(default = "yes")]
    pub enable_compression: bool,
    /// Goes where a target sends.
    #[serde(default = "yes")]
    pub follow_redirects: bool,
    /// Has no effect without TLS.
    #[serde(default = "yes")]
    pub enable_http2: bool,
    /// Targets by name.
    #[serde(default)]
    pub static_configs: Vec<StaticConfig>,
    /// Rules that change or drop targets before they are scraped.
    #[serde(default)]
    pub relabel_configs: Vec<RelabelConfig>,
    /// Rules that change or drop series before they are stored.
    #[serde(default)]
    pub metric_relabel_configs: Vec<RelabelConfig>,
    /// As in [`GlobalConfig`](super::GlobalConfig); 0 is what is said there.
    #[serde(default)]
    pub body_size_limit: ByteSize,
    /// As in [`GlobalConfig`](super::GlobalConfig); 0 is what is said there.
    #[serde(default)]
    pub sample_limit: u64,
    /// As in [`GlobalConfig`](super::GlobalConfig); 0 is what is said there.
    #[serde(default)]
    pub label_limit: u64,
    /// As in [`GlobalConfig`](super::GlobalConfig); 0 is what is said there.
    #[serde(default)]
    pub label_name_length_limit: u64,
    /// As in [`GlobalConfig`](super::GlobalConfig); 0 is what is said there.
    #[serde(default)]
    pub label_value_length_limit: u64,
    /// As in [`GlobalConfig`](super::GlobalConfig); 0 is what is said there.
    #[serde(default)]
    pub keep_dropped_targets: u64,
    /// As in [`GlobalConfig`](super::GlobalConfig), which holds unless given.
    pub extra_scrape_metrics: Option<bool>,

    target_limit: Option<Unsupported>,
    scrape_failure_log_file: Option<Unsupported>,
    metric_name_validation_scheme: Option<Unsupported>,
    metric_name_escaping_scheme: Option<Unsupported>,
    scrape_native_histograms: Option<Unsupported>,
    convert_classic_histograms_to_nhcb: Option<Unsupported>,
    always_scrape_classic_histograms: Option<Unsupported>,
    native_histogram_bucket_limit: Option<Unsupported>,
    native_histogram_min_bucket_factor: Option<Unsupported>,

    // How the client proves who it is, and through what it goes.
    basic_auth: Option<Unsupported>,
    authorization: Option<Unsupported>,
    oauth2: Option<Unsupported>,
    bearer_token: Option<Unsupported>,
    bearer_token_file: Option<Unsupported>,
    tls_config: Option<Unsupported>,
    http_headers: Option<Unsupported>,
    proxy_url: Option<Unsupported>,
    no_proxy: Option<Unsupported>,
    proxy_from_environment: Option<Unsupported>,
    proxy_connect_header: Option<Unsupported>,

    // Discovery.
    aws_sd_configs: Option<Unsupported>,
    azure_sd_configs: Option<Unsupported>,
    consul_sd_configs: Option<Unsupported>,
    digitalocean_sd_configs: Option<Unsupported>,
    dns_sd_configs: Option<Unsupported>,
    docker_sd_configs: Option<Unsupported>,
    dockerswarm_sd_configs: Option<Unsupported>,
    ec2_sd_configs: Option<Unsupported>,
    ecs_sd_configs: Option<Unsupported>,
    elasticache_sd_configs: Option<Unsupported>,
    eureka_sd_configs: Option<Unsupported>,
    file_sd_configs: Option<Unsupported>,
    gce_sd_configs: Option<Unsupported>,
    hetzner_sd_configs: Option<Unsupported>,
    http_sd_configs: Option<Unsupported>,
    ionos_sd_configs: Option<Unsupported>,
    kubernetes_sd_configs: Option<Unsupported>,
    kuma_sd_configs: Option<Unsupported>,
    lightsail_sd_configs: Option<Unsupported>,
    linode_sd_configs: Option<Unsupported>,
    marathon_sd_configs: Option<Unsupported>,
    msk_sd_configs: Option<Unsupported>,
    nacos_sd_configs: Option<Unsupported>,
    nerve_sd_configs: Option<Unsupported>,
    nomad_sd_configs: Option<Unsupported>,
    oci_sd_configs: Option<Unsupported>,
    openstack_sd_configs: Option<Unsupported>,
    outscale_sd_configs: Option<Unsupported>,
    ovhcloud_sd_configs: Option<Unsupported>,
    puppetdb_sd_configs: Option<Unsupported>,
    rds_sd_configs: Option<Unsupported>,
    scaleway_sd_configs: Option<Unsupported>,
    serverset_sd_configs: Option<Unsupported>,
    stackit_sd_configs: Option<Unsupported>,
    triton_sd_configs: Option<Unsupported>,
    uyuni_sd_configs: Option<Unsupported>,
    vultr_sd_configs: Option<Unsupported>,
}

fn yes() -> bool {
    true
}

/// Targets by name, with labels that all of them get.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct StaticConfig {
    /// `host:port` each.
    #[serde(default)]
    pub targets: Vec<Spanned<String>>,
    /// Labels of these targets.
    #[serde(default)]
    pub labels: BTreeMap<String, Spanned<String>>,
}
