//! Rule files, as Prometheus 3 reads them.

mod check; // what types alone do not say
mod place; // a place inside a text inside the file
mod raw; // the file as it is written

use std::path::Path;
use std::time::Duration;

use stonechat_model::{Problems, yaml};

use crate::rule::Group;

/// What holds for groups that do not say otherwise; `global` in `prometheus.yml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupDefaults {
    /// `evaluation_interval`
    pub interval: Duration,
    /// `rule_query_offset`
    pub query_offset: Duration,
}

impl Default for GroupDefaults {
    /// As Prometheus: every minute, without offset.
    fn default() -> Self {
        Self {
            interval: Duration::from_mins(1),
            query_offset: Duration::ZERO,
        }
    }
}

/// Reads a rule file.
///
/// # Errors
/// All mistakes of the file at once, each with its place.
pub fn load(file: &Path, defaults: GroupDefaults) -> Result<Vec<Group>, Problems> {
    parse(file, &yaml::read_text(file)?, defaults)
}

/// Reads `text`, the content of `file`.
///
/// # Errors
/// As [`load`].
pub fn parse(file: &Path, text: &str, defaults: GroupDefaults) -> Result<Vec<Group>, Problems> {
    let text = first_document(text);
    let raw: raw::File = yaml::parse(file, text)?;
    check::groups(file, text, &raw, defaults)
}

/// Prometheus reads the first document of a file and leaves the rest alone.
fn first_document(text: &str) -> &str {
    let (mut begun, mut offset) = (false, 0);
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let marker = content == "---" || content.starts_with("--- ") || content == "...";
        if marker && begun {
            return &text[..offset];
        }
        begun |= !content.is_empty() && !content.starts_with(['#', '%']) && !marker;
        offset += line.len();
    }
    text
}
