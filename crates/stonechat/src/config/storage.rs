//! `storage` of prometheus.yml: limits of the store.
//!
//! Source: <https://prometheus.io/docs/prometheus/latest/configuration/configuration/>, "tsdb" and "exemplars".

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use stonechat_model::duration::ConfigDuration;
use stonechat_model::yaml::Unsupported;
use stonechat_tsdb::StoreLimits;

use crate::size;

/// The section as it is written.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct StorageSection {
    tsdb: Option<Tsdb>,
    exemplars: Option<Exemplars>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tsdb {
    out_of_order_time_window: Option<ConfigDuration>,
    retention: Option<Retention>,
    #[serde(rename = "stale_series_compaction_threshold")]
    _stale_series_compaction_threshold: Option<Unsupported>,
    #[serde(rename = "chunk_encoding")]
    _chunk_encoding: Option<Unsupported>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Retention {
    time: Option<ConfigDuration>,
    size: Option<Size>,
    #[serde(rename = "percentage")]
    _percentage: Option<Unsupported>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exemplars {
    max_exemplars: Option<usize>,
}

/// Bytes, such as `512MB`; 0 for no limit.
struct Size(Option<u64>);

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "0" {
            return Ok(Self(None));
        }
        let bytes = size::parse(&text).map_err(serde::de::Error::custom)?;
        Ok(Self(Some(bytes)))
    }
}

/// Limits that the configuration has. They stand over those of the command line, as in Prometheus.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Storage {
    out_of_order_window: Option<Duration>,
    exemplars_max: Option<usize>,
    retention: Option<Duration>,
    retention_bytes: Option<u64>,
}

impl StorageSection {
    /// What the section means.
    pub(super) fn resolve(self) -> Storage {
        let mut storage = Storage {
            exemplars_max: self.exemplars.and_then(|section| section.max_exemplars),
            ..Storage::default()
        };
        if let Some(tsdb) = self.tsdb {
            storage.out_of_order_window = tsdb.out_of_order_time_window.map(|window| window.0);
            if let Some(retention) = tsdb.retention {
                let time = retention.time.map(|time| time.0);
                storage.retention = time.filter(|time| !time.is_zero());
                storage.retention_bytes = retention.size.and_then(|size| size.0);
            }
        }
        storage
    }
}

impl Storage {
    /// These limits where there are any, others elsewhere.
    pub(crate) fn over(self, other: StoreLimits) -> StoreLimits {
        StoreLimits {
            retention: self.retention.unwrap_or(other.retention),
            retention_bytes: self.retention_bytes.or(other.retention_bytes),
            out_of_order_window: self
                .out_of_order_window
                .unwrap_or(other.out_of_order_window),
            exemplars_max: self.exemplars_max.unwrap_or(other.exemplars_max),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use stonechat_model::yaml;
    use stonechat_tsdb::StoreOptions;

    use super::*;

    fn read(text: &str) -> Result<StoreLimits, String> {
        let section: Result<StorageSection, _> = yaml::parse(Path::new("storage.yml"), text);
        let section = section.map_err(|problem| problem.message)?;
        Ok(section.resolve().over(StoreOptions::new("data").limits()))
    }

    #[test]
    fn limits_stand_over_those_of_the_command_line() {
        let usual = StoreOptions::new("data").limits();
        assert_eq!(read(""), Ok(usual));
        let text = "tsdb: {out_of_order_time_window: 30m, retention: {time: 2d, size: 1GB}}\n\
                    exemplars: {max_exemplars: 7}\n";
        let expected = StoreLimits {
            retention: Duration::from_hours(48),
            retention_bytes: Some(1 << 30),
            out_of_order_window: Duration::from_mins(30),
            exemplars_max: 7,
        };
        assert_eq!(read(text), Ok(expected));
        // Nothing is no limit of ours.
        assert_eq!(read("tsdb: {retention: {time: 0s, size: 0}}"), Ok(usual));
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for (text, message) in [
            ("tsdb: {retention: {size: -1GB}}", "\"-1GB\" is no size"),
            ("tsdb: {retention: {time: -1h}}", "-1h"),
            ("tsdb: {out_of_order_time_window: soon}", "soon"),
            ("tsdb: {retention: {percentage: 20}}", "not supported yet"),
            (
                "tsdb: {chunk_encoding: {floats: xor2}}",
                "not supported yet",
            ),
            ("exemplars: {max_exemplars: -1}", ""),
            ("wal: {}", "wal"),
        ] {
            let refused = read(text).expect_err(text);
            assert!(refused.contains(message), "{text}: {refused}");
        }
    }
}
