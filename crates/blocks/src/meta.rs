//! `meta.json`: what a block is.

use std::path::Path;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::BlockError;

/// What `meta.json` says. What Thanos and Mimir add to it is kept as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlockMeta {
    /// The name of the block and of its folder.
    pub ulid: String,
    /// Time of the first sample, in milliseconds.
    #[serde(rename = "minTime")]
    pub min_time: i64,
    /// The first moment behind the block, in milliseconds.
    #[serde(rename = "maxTime")]
    pub max_time: i64,
    /// How much is in it.
    #[serde(default)]
    pub stats: BlockStats,
    /// How it came to be.
    #[serde(default)]
    pub compaction: Compaction,
    /// Version of the format: 1.
    pub version: u64,
    /// What others write there.
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
}

/// How much is in a block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct BlockStats {
    /// Samples of all kinds.
    pub num_samples: u64,
    /// Series.
    pub num_series: u64,
    /// Chunks.
    pub num_chunks: u64,
    /// Tombstones.
    #[serde(skip_serializing_if = "is_zero")]
    pub num_tombstones: u64,
    /// Float samples.
    #[serde(skip_serializing_if = "is_zero")]
    pub num_float_samples: u64,
    /// Histogram samples.
    #[serde(skip_serializing_if = "is_zero")]
    pub num_histogram_samples: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How a block came to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Compaction {
    /// How many times it was merged.
    pub level: u64,
    /// Names of the blocks that it was first made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// What others write there.
    #[serde(flatten)]
    pub other: serde_json::Map<String, serde_json::Value>,
}

impl BlockMeta {
    pub(crate) fn read(path: &Path) -> Result<Self, BlockError> {
        let text = fs::read(path).map_err(BlockError::file(path))?;
        let meta: Self = serde_json::from_slice(&text)
            .map_err(|error| BlockError::damaged(path, error.to_string()))?;
        match meta.version {
            1 => Ok(meta),
            version => Err(BlockError::Version {
                path: path.to_owned(),
                version,
            }),
        }
    }

    pub(crate) fn to_json(&self) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec_pretty(self)?)
    }
}
